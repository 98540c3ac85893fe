// SPDX-License-Identifier: Apache-2.0
// init_layer(): draws weights element by element from the layer's own Philox stream.
// Relies on random.hpp for every number and on real_param_arrays() for layouts and fans.
#include "mote/train/initializer.hpp"

#include <algorithm>

#include "mote/train/random.hpp"

namespace mote {
namespace {

struct Distribution {
  bool normal = false;
  float scale = 0.0F;  // limit or standard deviation; 0: zeros
};

Distribution distribution(Initializer initializer, float limit, const ParamArray& array) {
  const double fan_in = static_cast<double>(array.fan_in);
  const double fan_sum = fan_in + static_cast<double>(array.fan_out);
  const auto root = [](double square) { return static_cast<float>(detail::square_root(square)); };
  switch (initializer) {
    case Initializer::zeros: return {};
    case Initializer::uniform: return {false, limit};
    case Initializer::automatic:
    case Initializer::glorot_uniform: return {false, root(6.0 / fan_sum)};
    case Initializer::glorot_normal: return {true, root(2.0 / fan_sum)};
    case Initializer::he_uniform: return {false, root(6.0 / fan_in)};
    case Initializer::he_normal: return {true, root(2.0 / fan_in)};
    case Initializer::lecun_uniform: return {false, root(3.0 / fan_in)};
    case Initializer::lecun_normal: return {true, root(1.0 / fan_in)};
  }
  return {};
}

void fill(float* values, std::uint32_t count, float value) {
  for (std::uint32_t i = 0; i < count; ++i) values[i] = value;
}

/// Rows of `columns` values from -2 to 2.
void fill_evenly(float* values, std::uint32_t rows, std::uint32_t columns) {
  for (std::uint32_t i = 0; i < rows * columns; ++i)
    values[i] = 4.0F * static_cast<float>(i % columns) / static_cast<float>(columns - 1) - 2.0F;
}

/// `block`: of the layer's stream, the first.
void draw(float* values, std::uint32_t count, Distribution wish, std::uint64_t seed, std::uint32_t layer_index,
          std::uint32_t block) {
  if (wish.scale == 0.0F) return fill(values, count, 0.0F);
  for (std::uint32_t i = 0; i < count; i += 4) {
    const PhiloxBlock bits = random_block(seed, RandomUse::init, layer_index, block + i / 4);
    for (std::uint32_t j = 0; j < 4 && i + j < count; ++j) {
      // 2 u - 1 is exact in float32 for a 24-bit u, so a single rounding remains.
      const float unit = wish.normal ? normal_from_bits(bits[j]) : 2.0F * uniform_from_bits(bits[j]) - 1.0F;
      values[i + j] = wish.scale * unit;
    }
  }
}

}  // namespace

void init_layer(const Layer& layer, const Shape& in, std::byte* params, Initializer initializer, float limit,
                std::uint64_t seed, std::uint32_t layer_index) {
  const ParamArrays arrays = real_param_arrays(layer, in);
  for (std::size_t i = 0; i < arrays.count; ++i) {
    const ParamArray& array = arrays.arrays[i];
    auto* values = reinterpret_cast<float*>(params + array.offset);
    if (array.weight) {
      Distribution wish = distribution(initializer, limit, array);
      if (layer.op == Op::rbf && initializer != Initializer::zeros && initializer != Initializer::uniform)
        wish = {true, 1.0F};
      draw(values, array.count, wish, seed, layer_index, (array.offset / 4 + 3) / 4);  // each array its own
    } else if (layer.op == Op::batch_norm) {
      const bool scale_or_variance = i == 0 || i == 3;
      fill(values, array.count, scale_or_variance ? 1.0F : 0.0F);
    } else if (is_norm(layer.op)) {
      fill(values, array.count, i == 0 ? 1.0F : 0.0F);
    } else if (layer.op == Op::rbf) {
      fill(values, array.count, static_cast<float>(detail::natural_log(static_cast<double>(in.elements()))));
    } else if (layer.op == Op::fake_quantize) {
      values[0] = -6.0F, values[1] = 6.0F;
    } else if (layer.op == Op::spline) {
      if (i == 2) {
        fill(values, array.count, 1.0F);
      } else {
        fill_evenly(values, layer.shape.c, layer.knots());
      }
    } else {
      fill(values, array.count, 0.0F);
    }
  }
}

void init_int8_layer(const Layer& layer, const Shape& in, std::byte* params, Initializer initializer, float limit,
                     std::uint64_t seed, std::uint32_t layer_index) {
  const ParamArrays arrays = narrow_param_arrays(layer, in);
  const ParamArray &weights = arrays.arrays[0], &scales = arrays.arrays[arrays.count - 1];
  Distribution wish = distribution(initializer, limit, weights);
  const bool zeros = wish.scale == 0.0F;
  if (zeros) wish = distribution(Initializer::glorot_uniform, 0.0F, weights);
  const float most = wish.normal ? 6.0F : 2.0F;  // of its own scale: what 127 stands for
  fill(reinterpret_cast<float*>(params + scales.offset), scales.count, most * wish.scale / 127.0F);
  if (layer.has_bias()) fill(reinterpret_cast<float*>(params + arrays.arrays[1].offset), arrays.arrays[1].count, 0.0F);
  const Distribution in_steps{wish.normal, zeros ? 0.0F : 127.0F / most};
  auto* const values = reinterpret_cast<std::int8_t*>(params);
  for (std::uint32_t i = 0; i < weights.count; i += 4) {
    float steps[4];
    draw(steps, 4, in_steps, seed, layer_index, i / 4);
    for (std::uint32_t j = 0; j < 4 && i + j < weights.count; ++j) {
      const float near = std::clamp(steps[j], -127.0F, 127.0F);
      values[i + j] = static_cast<std::int8_t>(near < 0.0F ? near - 0.5F : near + 0.5F);
    }
  }
}

}  // namespace mote
