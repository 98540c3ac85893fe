// SPDX-License-Identifier: Apache-2.0
// Which pixels a resize by the nearest one takes: by the records' kernel, by ONNX Runtime and by TensorFlow Lite. The
// three round places differently now and then; importer and exporter compare them.
#pragma once

#include "mote/model/layer.hpp"
#include "tool/import/graph.hpp"

namespace mote::tool::foreign {

/// One axis: extents, and outputs per input (`inverse`: inputs per output).
struct ResizedAxis {
  std::int64_t in = 1, out = 1;
  float scale = 1.0F;
  bool inverse = false;
};

/// ONNX's rules; the last of either is none of the records'.
enum class OnnxCoordinates : std::uint8_t {
  half_pixel,
  asymmetric,
  align_corners,
  pytorch_half_pixel,
  tf_half_pixel_for_nn,
  half_pixel_symmetric
};
enum class OnnxRounding : std::uint8_t { prefer_floor, prefer_ceil, floor, ceil, of_opset_10 };

Dims nearest_of_records(const ResizedAxis& axis, ResizeCoordinates rule, ResizeRounding rounding);
/// A place within 1e-6 of the middle between two pixels is the middle there, and an axis whose scale is 1 is copied.
Dims nearest_of_onnx(const ResizedAxis& axis, OnnxCoordinates rule, OnnxRounding rounding);
Dims nearest_of_tflite(std::int64_t in, std::int64_t out, bool align_corners, bool half_pixel);

/// 0, 1, 2, … for the whole axis: nothing changes.
bool takes_all(const Dims& indices, std::int64_t extent);

}  // namespace mote::tool::foreign
