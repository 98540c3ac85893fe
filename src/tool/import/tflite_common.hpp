// SPDX-License-Identifier: Apache-2.0
// What operators of the .tflite format share.
#pragma once

#include <span>

#include "tool/import/call.hpp"

namespace mote::tool::foreign {

/// The operators of each file.
std::span<const OperatorRow> tflite_layers();
std::span<const OperatorRow> tflite_elementwise();
std::span<const OperatorRow> tflite_movement();
std::span<const OperatorRow> tflite_shapes();
std::span<const OperatorRow> tflite_control();
std::span<const OperatorRow> tflite_recurrent();

/// The fused activation that the operator's options name.
Value activated(Call& call, const Value& v);
/// A constant operand as float32, dequantised if need be, or of a layer on integers as it is; the file's operand `i` is
/// its `what`.
Literal real_weights(Call& call, std::size_t i, const char* what);
/// Axes of a constant operand.
Dims axes_of(Call& call, std::size_t i);

}  // namespace mote::tool::foreign
