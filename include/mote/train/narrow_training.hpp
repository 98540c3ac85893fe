// SPDX-License-Identifier: Apache-2.0
// The executor's part for int8 weights that are trained: their gradient and, for gradients that go on, the weights in
// float32 exist a tile of rows at a time (WeightTile).
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include "mote/plan/weight_tile.hpp"
#include "mote/run/execute.hpp"
#include "mote/train/operator_gradients.hpp"

namespace mote::detail {

/// Calls `use(first, count)` for the tiles of the layer's rows of weights.
template <class Use>
MOTE_FOLDED inline void for_tiles(const WeightTile& tile, const Use& use) {
  for (std::uint32_t first = 0; first < tile.rows; first += tile.tile_rows)
    use(first, std::min(tile.tile_rows, tile.rows - first));
}

/// grad_input of a dense layer with narrow weights.
MOTE_FOLDED inline void dense_narrow_grad_input(const Binding& b) {
  const WeightTile tile = weight_tile(b.layer(), b.in());
  const NarrowWeights weights = dense_narrow_args(b).weights;
  const std::size_t row_bytes = tile.columns * bytes_of(weights.type);
  float* const wide = b.at(widened_params(b.step()));
  DenseGradArgs args = dense_grad_args(b);
  float* const grad_input = args.grad_input;
  args.weights = wide;
  for_tiles(tile, [&](std::uint32_t first, std::uint32_t count) MOTE_FOLDED {
    const NarrowWeights rows{weights.values + first * row_bytes, weights.scales, weights.type};
    call<kernels::widen_weights_f32>(b, {rows, wide, count, tile.columns});
    args.grad_input = grad_input + first, args.inputs = count;
    call<kernels::dense_grad_input_f32>(b, args);
  });
}

/// Rows `first` and `count` - 1 more: steps = scale * gradient by `kKernel`, rounded at random into the weights. With
/// the first go the steps of the bias, which is float32.
template <auto kKernel, class Args>
MOTE_FOLDED inline void step_rows(const Binding& b, Args args, std::uint32_t first, std::uint32_t count, float scale) {
  const ParamArrays arrays = narrow_param_arrays(b.layer(), b.in());
  const std::uint32_t columns = b.out().c, at = first * columns;
  auto* const params = reinterpret_cast<std::byte*>(b.trained_params());
  float* const steps = b.param_grad();
  zero_floats(steps, count * columns);
  args.grad_weights = steps, args.scale = scale;
  args.grad_bias =
      first == 0 && b.layer().has_bias() ? reinterpret_cast<float*>(params + arrays.arrays[1].offset) : nullptr;
  call<kKernel>(b, args);
  const auto* const scales = reinterpret_cast<const float*>(params + arrays.arrays[arrays.count - 1].offset);
  call<kernels::round_steps_s8>(b, {reinterpret_cast<std::int8_t*>(params) + at, scales, steps, b.memory().seed,
                                    b.random_stream(), at, count, columns});
}

/// The update of a layer with int8 weights by plain SGD.
template <Op kOp>
MOTE_FOLDED inline void train_narrow(const Binding& b, float scale) {
  for_tiles(weight_tile(b.layer(), b.in()), [&](std::uint32_t first, std::uint32_t count) MOTE_FOLDED {
    if constexpr (kOp == Op::dense) {
      DenseGradArgs args = dense_grad_args(b);
      args.input += first, args.inputs = count;
      step_rows<kernels::dense_grad_params_f32>(b, args, first, count, scale);
    } else if constexpr (kOp == Op::conv2d) {
      ConvGradArgs args = conv_grad_args(b);
      args.first_row = first, args.row_count = count;
      step_rows<kernels::conv2d_grad_params_f32>(b, args, first, count, scale);
    } else {
      step_rows<kernels::depthwise_conv2d_grad_params_f32>(b, conv_grad_args(b), first, count, scale);
    }
  });
}

}  // namespace mote::detail
