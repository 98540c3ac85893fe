// SPDX-License-Identifier: Apache-2.0
// What quantising asks of the records of a float32 model: pure functions of them. Which layers can compute on int8,
// whose range a value has, what is moved.
#pragma once

#include "mote/model/fold.hpp"
#include "mote/model/integer_params.hpp"
#include "mote/model/model.hpp"

namespace mote::detail {

/// The one layer that reads the value, or kNoLayer.
std::uint16_t sole_reader(const Model& model, std::size_t i);
/// The batch norm that can be folded into layer `i`, or kNoLayer.
std::uint16_t norm_behind(const Model& model, std::size_t i);

/// Takes values from place to place, so that their integers mean what they meant.
constexpr bool passes_values(Op op) {
  return is_alias(op) || is_movement(op) || is_regularizer(op) || op == Op::select;
}
/// First operand of a layer that passes values, and how many of them are values: not the condition, not the indices.
constexpr std::size_t first_value(Op op) { return op == Op::select ? 1 : 0; }
constexpr std::size_t value_count(const Layer& layer) { return layer.op == Op::gather ? 1 : layer.input_count; }

/// A clamp that int8 layers apply on the way out.
constexpr bool clamps(Op op) { return is_clamp(op) || op == Op::clip; }
/// Says which range the value before it has: a clamp to a range that is known, which has no record in the int8 model.
constexpr bool gives_range(Op op) { return op == Op::fake_quantize; }

/// Whether several values become one here, which all have its units.
constexpr bool shares_units(Op op) {
  return op == Op::concat || op == Op::select || op == Op::minimum || op == Op::maximum;
}
/// Whether the value of a layer on int8 has its operand's units.
constexpr bool keeps_units(Op op) {
  return (passes_values(op) && !shares_units(op)) || op == Op::max_pool || op == Op::average_pool ||
         op == Op::global_average_pool || op == Op::resize_bilinear || op == Op::reduce_max || op == Op::reduce_min;
}

/// A clamp before the layer is as good as one behind it.
constexpr bool commutes_with_clamps(Op op) {
  return op == Op::max_pool || op == Op::reshape || op == Op::identity || op == Op::transpose || op == Op::tile;
}

/// The layer whose range is that of value `i`: its own; of what keeps units its operand's; of what is clamped, by a
/// layer that alone reads it, the clamp's. `i` is float32.
std::uint16_t range_holder(const Model& model, std::size_t i);
/// Whether the range of value `i` is gathered.
bool is_observed(const Model& model, std::size_t i);
/// How many means of its operand correct the biases of layer `i`; 0: it has none that could be.
std::size_t mean_count(const Model& model, std::size_t i);
/// Whether float32 layer `i` has a form on int8.
bool may_compute(const Model& model, std::size_t i);

}  // namespace mote::detail
