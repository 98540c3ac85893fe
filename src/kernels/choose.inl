// SPDX-License-Identifier: Apache-2.0
// Comparisons, logic and the choice between two operands, with broadcasting: bytes in and out, which compilers turn
// into vectors themselves. No arithmetic.
#include <cstddef>
#include <cstdint>

#include "kernels/broadcast.hpp"
#include "kernels/elements.hpp"
#include "mote/kernels/kernels.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// output = function(a, b), rows with steps of 0 or 1 known to the loop.
template <class In, class Function>
inline void map_row(std::size_t count, const In* a, std::size_t a_step, const In* b, std::size_t b_step,
                    std::uint8_t* output, const Function& function) {
  if (simd::kLanes > 1 && a_step != 0 && b_step != 0) {
    for (std::size_t i = 0; i < count; ++i) output[i] = function(a[i], b[i]) ? 1 : 0;
  } else if (simd::kLanes > 1 && a_step != 0) {
    const In one = *b;
    for (std::size_t i = 0; i < count; ++i) output[i] = function(a[i], one) ? 1 : 0;
  } else {
    for (std::size_t i = 0; i < count; ++i, a += a_step, b += b_step) output[i] = function(*a, *b) ? 1 : 0;
  }
}

template <class Args, class Function>
inline void map_to_bytes(const Args& args, const Function& function) {
  const BroadcastAxes<2> axes(args.sizes, {args.a_strides, args.b_strides});
  for_each_broadcast(axes, args.part, [&](const BroadcastRows<2>& run) {
    for (std::size_t row = 0; row < run.rows; ++row)
      map_row(run.length, args.a + run.offset[0] + row * run.row_step[0], run.step[0],
              args.b + run.offset[1] + row * run.row_step[1], run.step[1], args.output + run.output + row * run.length,
              function);
  });
}

/// x where the condition is not 0, else y, by masks: compilers make vectors of it.
template <class Element>
MOTE_INLINE Element choose_one(std::uint8_t condition, Element x, Element y) {
  using Bits = decltype(x.bits);
  const auto mask = static_cast<Bits>(-static_cast<std::int32_t>(condition != 0));
  return {static_cast<Bits>(y.bits ^ ((x.bits ^ y.bits) & mask))};
}

template <class Element>
inline void choose_row(std::size_t count, const std::uint8_t* condition, std::size_t condition_step, const Element* a,
                       std::size_t a_step, const Element* b, std::size_t b_step, Element* output) {
  if (condition_step == 0) {
    const Element* from = *condition != 0 ? a : b;
    const std::size_t step = *condition != 0 ? a_step : b_step;
    for (std::size_t i = 0; i < count; ++i, from += step) output[i] = *from;
  } else if (simd::kLanes > 1 && a_step != 0 && b_step != 0) {
    for (std::size_t i = 0; i < count; ++i) output[i].bits = choose_one(condition[i], a[i], b[i]).bits;
  } else if (simd::kLanes > 1 && a_step != 0) {
    const Element one = *b;
    for (std::size_t i = 0; i < count; ++i) output[i].bits = choose_one(condition[i], a[i], one).bits;
  } else {
    for (std::size_t i = 0; i < count; ++i, a += a_step, b += b_step)
      output[i].bits = choose_one(condition[i], *a, *b).bits;
  }
}

template <class Element>
inline void choose(const SelectArgs& args) {
  const BroadcastAxes<3> axes(args.sizes, {args.condition_strides, args.a_strides, args.b_strides});
  const auto *a = elements<Element>(args.a), *b = elements<Element>(args.b);
  auto* output = elements<Element>(args.output);
  for_each_broadcast(axes, args.part, [&](const BroadcastRows<3>& run) {
    for (std::size_t row = 0; row < run.rows; ++row)
      choose_row(run.length, args.condition + run.offset[0] + row * run.row_step[0], run.step[0],
                 a + run.offset[1] + row * run.row_step[1], run.step[1], b + run.offset[2] + row * run.row_step[2],
                 run.step[2], output + run.output + row * run.length);
  });
}

}  // namespace

void less_f32(const CompareArgs& args) {
  map_to_bytes(args, [](float a, float b) { return a < b; });
}
void less_equal_f32(const CompareArgs& args) {
  map_to_bytes(args, [](float a, float b) { return a <= b; });
}
void greater_f32(const CompareArgs& args) {
  map_to_bytes(args, [](float a, float b) { return a > b; });
}
void greater_equal_f32(const CompareArgs& args) {
  map_to_bytes(args, [](float a, float b) { return a >= b; });
}
void equal_f32(const CompareArgs& args) {
  map_to_bytes(args, [](float a, float b) { return a == b; });
}
void not_equal_f32(const CompareArgs& args) {
  map_to_bytes(args, [](float a, float b) { return a != b; });
}

void logical_and_bool(const LogicalArgs& args) {
  map_to_bytes(args, [](std::uint8_t a, std::uint8_t b) { return (a != 0) & (b != 0); });
}
void logical_or_bool(const LogicalArgs& args) {
  map_to_bytes(args, [](std::uint8_t a, std::uint8_t b) { return (a | b) != 0; });
}

void select_bytes(const SelectArgs& args) {
  with_element(args.element_bytes, [&](auto element) { choose<decltype(element)>(args); });
}

void select_grad_f32(const SelectGradArgs& args) {
  const BroadcastAxes<1> axes(args.sizes, {args.condition_strides});
  const bool taken = args.operand == 0;
  for_each_broadcast(axes, args.part, [&](const BroadcastRows<1>& run) {
    for (std::size_t row = 0; row < run.rows; ++row) {
      const std::uint8_t* condition = args.condition + run.offset[0] + row * run.row_step[0];
      const float* from = args.grad_output + run.output + row * run.length;
      float* to = args.grad_input + run.output + row * run.length;
      for (std::size_t i = 0; i < run.length; ++i) {
        const float g = from[i];
        to[i] = (condition[i * run.step[0]] != 0) == taken ? g : 0.0F;
      }
    }
  });
}

}  // namespace mote::MOTE_KERNELS
