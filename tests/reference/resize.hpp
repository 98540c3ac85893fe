// SPDX-License-Identifier: Apache-2.0
// Resizing as ONNX writes it down: the place of an output, the nearest input, and the weights of linear interpolation,
// in double. The specification of resize_f32.inl.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "mote/kernels/kernels.hpp"

namespace mote::reference {

/// `ratio`: inputs per output.
inline double resize_place(ResizeCoordinates rule, double i, double in, double out, double ratio) {
  switch (rule) {
    case ResizeCoordinates::half_pixel: return (i + 0.5) * ratio - 0.5;
    case ResizeCoordinates::asymmetric: return i * ratio;
    case ResizeCoordinates::align_corners: return out == 1.0 ? 0.0 : i * (in - 1.0) / (out - 1.0);
    case ResizeCoordinates::pytorch_half_pixel: return out == 1.0 ? 0.0 : (i + 0.5) * ratio - 0.5;
    case ResizeCoordinates::tf_half_pixel_for_nn: return (i + 0.5) * ratio;
  }
  return 0.0;
}

inline std::size_t resize_nearest(ResizeRounding rounding, double place, std::uint32_t in) {
  double at = place;
  switch (rounding) {
    case ResizeRounding::round_prefer_floor: at = std::ceil(place - 0.5); break;
    case ResizeRounding::round_prefer_ceil: at = std::floor(place + 0.5); break;
    case ResizeRounding::floor: at = std::floor(place); break;
    case ResizeRounding::ceil: at = std::ceil(place); break;
  }
  return static_cast<std::size_t>(std::fmax(0.0, std::fmin(at, in - 1.0)));
}

/// Weight of input k for an output at `place`: a hat of width one, its place cut to the image.
inline double hat(double place, std::uint32_t in, std::size_t k) {
  const double at = std::fmax(0.0, std::fmin(place, in - 1.0));
  return std::fmax(0.0, 1.0 - std::fabs(at - static_cast<double>(k)));
}

}  // namespace mote::reference
