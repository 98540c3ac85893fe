// SPDX-License-Identifier: Apache-2.0
// How much of a layer's narrow weights backward steps have in float32 at a time.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "mote/model/layer.hpp"

namespace mote {

/// A layer's weights as rows of one number for each output, and how many rows of them backward steps have in float32 at
/// a time where they are stored narrower: about 4 KB. (Depthwise filters have few rows: all.)
struct WeightTile {
  std::uint32_t rows = 0, columns = 1, tile_rows = 0;
  [[nodiscard]] constexpr std::size_t floats() const { return std::size_t{tile_rows} * columns; }
};
constexpr WeightTile weight_tile(const Layer& layer, const Shape& in) {
  constexpr std::uint32_t kFloats = 1024;
  const std::uint32_t columns = layer.shape.c, rows = weight_count(layer, in) / columns;
  if (layer.op == Op::depthwise_conv2d) return {rows, columns, rows};
  return {rows, columns, std::clamp(kFloats / columns, std::uint32_t{1}, rows)};
}

}  // namespace mote
