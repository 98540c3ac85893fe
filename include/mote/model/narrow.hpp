// SPDX-License-Identifier: Apache-2.0
// Weights of layers on float32 stored as int8 or float16: a quarter or half of the flash, for the same arithmetic.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <span>

#include "mote/model/model.hpp"

namespace mote {

/// Which layers store_weights() changes: those that can be; those whose weights stay the same in every bit; or, to
/// int8, the trainable ones that training can move as int8 (dense, conv2d, depthwise_conv2d), which stay trainable.
enum class StoreWeights : std::uint8_t { all, exact, trainable };

/// Upper bound on the bytes store_weights() writes.
std::size_t stored_file_bytes(const Model& model, DType type);

/// Writes the model as a file in which layers on float32 (dense, conv2d, depthwise_conv2d, conv2d_transpose, lstm, gru,
/// rnn) have weights of another type. int8: W = scale q for each column, an output or a gate's unit, scale = its
/// largest magnitude / 127, q the nearest whole number in -127 … 127; exact: the scale in float32 that gives every
/// weight, if there is one, and layers with at least 16 weights a column. float16: the nearest. These layers are not
/// trainable, but with StoreWeights::trainable. float32: what was int8 or float16 is widened, and trainable. Other
/// parameters and layers are copied. Returns the bytes written. `out` must be 64-byte aligned. Errors: those of
/// write_model(), unsupported_dtype (another type), output_too_small (detail: bytes needed), arena_misaligned,
/// non_finite_parameter (a weight that is not finite, or not as a float16; detail: which).
Result<std::size_t> store_weights(const Model& model, DType type, StoreWeights which, std::span<std::byte> out);

}  // namespace mote
