// SPDX-License-Identifier: Apache-2.0
// Which memory of a plan is the model's input i, its output i, its states: what sessions and trainers show and reset.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>

#include "mote/plan/plan.hpp"
#include "mote/run/values.hpp"

namespace mote::detail {

/// Layer and buffer of an input or output; kNoBuffer where there is none in the arena.
struct Interface {
  std::size_t layer = 0;
  std::uint16_t buffer = kNoBuffer;
};

constexpr Interface input_of(const Model& model, const Plan& plan, std::size_t i) {
  if (i == 0) return {0, plan.input};
  const std::size_t layer = model.input_layer(i);
  for (std::size_t b = 0; b < plan.buffers.size(); ++b)
    if (plan.buffers[b].kind == BufferKind::input && plan.buffers[b].layer == layer)
      return {layer, static_cast<std::uint16_t>(b)};
  return {layer, kNoBuffer};
}

/// Of an inference plan: its steps for the records `output` say where they lie.
constexpr Interface output_of(const Model& model, const Plan& plan, std::size_t i) {
  if (i == 0) return {plan.output_layer, plan.output};
  const std::size_t layer = model.output_layer(i);
  for (const Step& step : plan.steps)
    if (step.layer == layer && step.kind == StepKind::forward) return {layer, step.output};
  return {layer, kNoBuffer};
}

/// Whether a T may hold a value of the type.
template <class T>
constexpr bool holds(DType type) {
  return dtype_of<T>() == type || (dtype_of<T>() == DType::u8 && type == DType::boolean);
}

constexpr bool has_state(const Model& model) {
  for (const Layer& layer : model.layers)
    if (layer.op == Op::state) return true;
  return false;
}

/// Sets all states of the plan to their first values: the array `initial` of each, or zero. interface.cpp
void reset_states(const Model& model, const Plan& plan, std::byte* arena, const std::byte* params);

}  // namespace mote::detail
