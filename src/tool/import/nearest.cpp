// SPDX-License-Identifier: Apache-2.0
#include "tool/import/nearest.hpp"

#include <algorithm>
#include <cmath>

namespace mote::tool::foreign {
namespace {

/// Where output `i` lies, in inputs, in the kernel's and the runtime's float32.
float place(const ResizedAxis& axis, std::int64_t i, OnnxCoordinates rule) {
  const auto at = static_cast<float>(i), in = static_cast<float>(axis.in), out = static_cast<float>(axis.out);
  const auto scaled = [&](float v) { return axis.inverse ? v * axis.scale : v / axis.scale; };
  switch (rule) {
    case OnnxCoordinates::asymmetric: return scaled(at);
    case OnnxCoordinates::tf_half_pixel_for_nn: return scaled(at + 0.5F);
    case OnnxCoordinates::align_corners:
      if (axis.out == 1) return 0.0F;
      return axis.inverse ? at * axis.scale : at * (in - 1.0F) / (out - 1.0F);
    case OnnxCoordinates::pytorch_half_pixel:
      if (axis.out == 1) return 0.0F;
      break;
    case OnnxCoordinates::half_pixel_symmetric: {
      const float offset = in / 2.0F * (1.0F - out / (axis.scale * in));
      return static_cast<float>(static_cast<double>(offset) +
                                (static_cast<double>(at) + 0.5) / static_cast<double>(axis.scale) - 0.5);
    }
    case OnnxCoordinates::half_pixel: break;
  }
  return scaled(at + 0.5F) - 0.5F;
}

template <class Place>
Dims for_outputs(std::int64_t out, Place&& index_of) {
  Dims indices(static_cast<std::size_t>(out));
  for (std::int64_t i = 0; i < out; ++i) indices[static_cast<std::size_t>(i)] = index_of(i);
  return indices;
}

}  // namespace

Dims nearest_of_records(const ResizedAxis& axis, ResizeCoordinates rule, ResizeRounding rounding) {
  return for_outputs(axis.out, [&](std::int64_t i) {
    const float last = static_cast<float>(axis.in - 1), at = place(axis, i, static_cast<OnnxCoordinates>(rule));
    const float inside = at > 0.0F ? std::min(at, last) : 0.0F, below = std::floor(inside), over = inside - below;
    const bool up = rounding == ResizeRounding::round_prefer_floor  ? over > 0.5F
                    : rounding == ResizeRounding::round_prefer_ceil ? over >= 0.5F
                                                                    : rounding == ResizeRounding::ceil && over > 0.0F;
    return static_cast<std::int64_t>(below) + (up ? 1 : 0);
  });
}

Dims nearest_of_onnx(const ResizedAxis& axis, OnnxCoordinates rule, OnnxRounding rounding) {
  // Quotients of extents are float32: 2 / (4 / 7) is 3.4999998.
  constexpr double kMiddle = 1e-6;
  return for_outputs(axis.out, [&](std::int64_t i) {
    if (axis.scale == 1.0F) return i;
    const auto at = static_cast<double>(place(axis, i, rule));
    const double below = std::floor(at), over = at - below;
    double index = below;
    switch (rounding) {
      case OnnxRounding::prefer_floor: index += over > 0.5 + kMiddle ? 1.0 : 0.0; break;
      case OnnxRounding::prefer_ceil: index += over >= 0.5 - kMiddle ? 1.0 : 0.0; break;
      case OnnxRounding::floor: break;
      case OnnxRounding::ceil: index = std::ceil(at); break;
      case OnnxRounding::of_opset_10: index = axis.scale < 1.0F ? std::ceil(at) : below; break;
    }
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(index), 0, axis.in - 1);
  });
}

Dims nearest_of_tflite(std::int64_t in, std::int64_t out, bool align_corners, bool half_pixel) {
  const bool ends = align_corners && out > 1;
  const float scale = static_cast<float>(ends ? in - 1 : in) / static_cast<float>(ends ? out - 1 : out);
  return for_outputs(out, [&](std::int64_t i) {
    const float at = (static_cast<float>(i) + (half_pixel ? 0.5F : 0.0F)) * scale;
    const float index = align_corners ? std::round(at) : std::floor(at);
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(index), 0, in - 1);
  });
}

bool takes_all(const Dims& indices, std::int64_t extent) {
  if (static_cast<std::int64_t>(indices.size()) != extent) return false;
  for (std::size_t i = 0; i < indices.size(); ++i)
    if (indices[i] != static_cast<std::int64_t>(i)) return false;
  return true;
}

}  // namespace mote::tool::foreign
