// SPDX-License-Identifier: Apache-2.0
// A graph as a picture: boxes in lines from top to bottom, arrows that run downwards, few crossings. Plain data in, SVG
// out; no gnuplot. What the boxes say is the command's affair.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mote::tool {

struct GraphBox {
  std::string title;               ///< in bold
  std::vector<std::string> lines;  ///< below it
  std::string colour;              ///< "#80b1d3"
  bool beside = false;             ///< stands right above what reads it, as a constant does
  std::vector<std::size_t> reads;  ///< boxes before this one
};

std::string graph_picture(const std::string& title, const std::vector<GraphBox>& boxes);

}  // namespace mote::tool
