// SPDX-License-Identifier: Apache-2.0
// Arguments of kernels that move elements of any type (1, 2 or 4 bytes), and of their gradients in float32.
// kernels.hpp includes this. Sizes are in elements; sizes[3] are h, w, c of one sample. No output overlaps an input.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>

#include "mote/kernels/part.hpp"

namespace mote {

/// Each sample is an array of `sizes`; axis i of the output is axis permutation[i] of the input. The gradient is the
/// transpose with the inverse permutation.
struct TransposeArgs {
  const std::byte* input;
  std::byte* output;
  std::uint32_t element_bytes;
  std::uint32_t batch;
  std::uint32_t sizes[4];
  std::uint8_t permutation[4];
  Part part{};
};

/// output[n, y, x, c] = input[n, begin[0] + y step[0], begin[1] + x step[1], begin[2] + c step[2]]; a negative step
/// goes backwards. All of these must lie inside the input.
struct SliceArgs {
  const std::byte* input;
  std::byte* output;
  std::uint32_t element_bytes;
  std::uint32_t batch;
  std::uint32_t in[3], out[3];
  std::int32_t begin[3], step[3];
  Part part{};
};
/// grad_input overwritten: grad_output where it was read, 0 elsewhere. Steps are not 0.
struct SliceGradArgs {
  const float* grad_output;
  float* grad_input;
  std::uint32_t batch;
  std::uint32_t in[3], out[3];
  std::int32_t begin[3], step[3];
  Part part{};
};

/// What lies outside: a number, the image mirrored without its edge (c b | a b c | b a) or with it (b a | a b c | c b),
/// or its edge again. Any width of the padding.
enum class PadMode : std::uint8_t { constant, reflect, symmetric, edge };

/// output[n, i] = input[n, i - before], `out` - `in` - `before` elements behind. value_bits: the element's bits, in the
/// low bytes.
struct PadArgs {
  const std::byte* input;
  std::byte* output;
  std::uint32_t element_bytes;
  std::uint32_t value_bits;
  std::uint32_t batch;
  std::uint32_t in[3], out[3];
  std::uint32_t before[3];
  PadMode mode;
  Part part{};
};
/// grad_input overwritten: what mirrored or repeated an element adds to its gradient, in the order of the output.
struct PadGradArgs {
  const float* grad_output;
  float* grad_input;
  std::uint32_t batch;
  std::uint32_t in[3], out[3];
  std::uint32_t before[3];
  PadMode mode;
  Part part{};
};

/// Each sample `repeats` times along every axis: output[n, y, x, c] = input[n, y mod h, x mod w, c mod c].
struct TileArgs {
  const std::byte* input;
  std::byte* output;
  std::uint32_t element_bytes;
  std::uint32_t batch;
  std::uint32_t in[3], repeats[3];
  Part part{};
};
/// grad_input overwritten: the sum over the repeats, in order; for one channel in 16 virtual lanes along c.
struct TileGradArgs {
  const float* grad_output;
  float* grad_input;
  std::uint32_t batch;
  std::uint32_t in[3], repeats[3];
  Part part{};
};

/// output[o, i, :] = input[o, indices[i], :] for arrays (outer, extent, inner) and (outer, count, inner). A negative
/// index counts from the end; one outside -extent … extent - 1 gives zeros. `own_indices`: indices are (outer, count),
/// a list for each o.
struct GatherArgs {
  const std::byte* input;
  const std::int32_t* indices;
  std::byte* output;
  std::uint32_t element_bytes;
  std::uint32_t outer, extent, inner, count;
  bool own_indices;
  Part part{};
};
/// grad_input[o, indices[i], :] += scale grad_output[o, i, :], i in order, on zeros unless `accumulate`. An index
/// outside adds nothing.
struct GatherGradArgs {
  const std::int32_t* indices;
  const float* grad_output;
  float* grad_input;
  std::uint32_t outer, extent, inner, count;
  bool own_indices;
  bool accumulate;
  float scale;
};

/// Copies `width` bytes per row from rows of `source_stride` to rows of `target_stride` bytes: one operand of a
/// concatenation along any axis, or a part of a split.
struct CopyRowsArgs {
  const std::byte* source;
  std::byte* target;
  std::uint32_t rows, width, source_stride, target_stride;
};

}  // namespace mote
