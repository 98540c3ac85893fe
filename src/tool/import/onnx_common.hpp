// SPDX-License-Identifier: Apache-2.0
// What operators of the .onnx format share.
#pragma once

#include <span>

#include "tool/import/call.hpp"

namespace mote::tool::foreign {

/// The operators of each file.
std::span<const OperatorRow> onnx_layers();
std::span<const OperatorRow> onnx_norms();
std::span<const OperatorRow> onnx_resize();
std::span<const OperatorRow> onnx_elementwise();
std::span<const OperatorRow> onnx_movement();
std::span<const OperatorRow> onnx_shapes();
std::span<const OperatorRow> onnx_control();
std::span<const OperatorRow> onnx_recurrent();
std::span<const OperatorRow> onnx_quantized();
std::span<const OperatorRow> onnx_ml();

/// (N, C, H, W) or (N, C, L) seen as (N, H, W, C), L as W; and back, to `rank` axes.
Value channels_last(Maker& make, const Value& v);
Value channels_first(Maker& make, const Value& v, std::size_t rank);

/// Whole numbers of operand `i`, or of the attribute of that name where older opsets had it; empty: neither is there.
Dims wholes_of(Call& call, std::size_t i, const char* attribute);

/// Stride, dilation, pads and auto_pad of a window over `spatial` axes (1 or 2).
Window2d onnx_window(Call& call, std::size_t spatial);
/// Convolution of (N, C, …) with weights (M, C / groups, …) under the node's attributes; bias may be null.
Value onnx_convolution(Call& call, const Value& x, const Literal& weights, const Literal* bias);

}  // namespace mote::tool::foreign
