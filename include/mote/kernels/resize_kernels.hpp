// SPDX-License-Identifier: Apache-2.0
// Arguments of kernels that resize images, and the rules by which an output finds its place in the input (ONNX's
// names). kernels.hpp includes this.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>

#include "mote/kernels/part.hpp"
#include "mote/model/layer.hpp"

namespace mote {

/// scale: outputs per input along h and w, which ONNX divides by, or with `inverse` inputs per output, which TFLite
/// multiplies by: in float32 the two may differ by one rounding, and so the nearest input. It need not be the ratio of
/// the sizes. align_corners takes (in - 1) / (out - 1) from the sizes, or with `inverse` from here.
struct ResizeRule {
  ResizeCoordinates coordinates = ResizeCoordinates::half_pixel;
  ResizeRounding rounding = ResizeRounding::round_prefer_floor;
  bool inverse = false;
  float scale_h = 1.0F, scale_w = 1.0F;
};

struct ResizeSizes {
  std::uint32_t batch;
  std::uint32_t in_h, in_w, out_h, out_w, channels;
};

/// Each output is the nearest input, which is always inside the image. Elements of 1, 2 or 4 bytes. No overlap.
struct ResizeNearestArgs {
  const std::byte* input;
  std::byte* output;
  std::uint32_t element_bytes;
  ResizeSizes sizes;
  ResizeRule rule;
  Part part{};
};

/// Linear between the four inputs around a place, which is cut to the image: along w, then along h.
struct ResizeArgs {
  const float* input;
  float* output;
  ResizeSizes sizes;
  ResizeRule rule;
  Part part{};
};

/// grad_input overwritten: every gradient goes to the inputs that its output was made of, in the output's order.
struct ResizeGradArgs {
  const float* grad_output;
  float* grad_input;
  ResizeSizes sizes;
  ResizeRule rule;
  Part part{};
};

}  // namespace mote
