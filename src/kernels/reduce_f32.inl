// SPDX-License-Identifier: Apache-2.0
// Sums, means, extremes and products over sets of axes, their gradients, and the places of extremes. Lanes over kept
// columns, or 16 virtual lanes along c: no bit depends on the vectors' width.
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/lanes.hpp"
#include "kernels/reduce_walk.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/indexed.hpp"
#include "simd/scalar.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// How two values become one, and what leaves every value as it is.
struct Sum {
  static constexpr float kStart = 0.0F;
  template <class V>
  MOTE_INLINE V operator()(V a, V b) const {
    return a + b;
  }
};
struct Product {
  static constexpr float kStart = 1.0F;
  template <class V>
  MOTE_INLINE V operator()(V a, V b) const {
    return a * b;
  }
};
/// NaN where either is: the facade's rule gives b.
struct Largest {
  static constexpr float kStart = -__builtin_inff();
  template <class V>
  MOTE_INLINE V operator()(V a, V b) const {
    return select(equal(a, a), max(a, b), a);
  }
};
struct Smallest {
  static constexpr float kStart = __builtin_inff();
  template <class V>
  MOTE_INLINE V operator()(V a, V b) const {
    return select(equal(a, a), min(a, b), a);
  }
};

/// Rows of at most sixteen values, one after the other: a vector takes a value each of several rows.
template <class Combine, class Store>
inline void reduce_short_rows(const ReduceWalk& walk, const Part& part, const float* input, const Combine& combine,
                              const Store& store) {
  const std::size_t length = walk.inner;
  lanes_over(part.of(walk.kept.count()), [&](std::size_t row, auto lanes) {
    const float* from = input + row * length;
    std::size_t rows = simd::kLanes;
    if constexpr (!std::is_same_v<decltype(lanes), FullLanes>) rows = lanes.count;
    const simd::LaneIndex index = simd::step_elements(length, rows);
    store(row, lanes,
          combine_short_row<simd::F32>(length, Combine::kStart, combine, [&](std::size_t j) MOTE_LAMBDA_INLINE {
            return simd::load_steps(from + j, index);
          }));
  });
}

/// store(output, lanes, F32) for every vector of outputs.
template <class Combine, class Store>
inline void reduce(const ReduceWalk& walk, const Part& part, const float* input, const Combine& combine,
                   const Store& store) {
  const bool rows_alone = walk.reduced.count() == 1 && walk.kept.size[1] == 1 && walk.kept.step[0] == walk.inner;
  if (!walk.inner_kept && walk.inner <= simd::kVirtualLanes && rows_alone)
    return reduce_short_rows(walk, part, input, combine, store);
  walk.each_output(part, [&](std::size_t output, std::size_t start, Part::Range columns) {
    const float* from = input + start;
    if (!walk.inner_kept) {
      float total = Combine::kStart;
      walk.each_reduced([&](std::size_t offset) {
        const float* row = from + offset;
        const float value =
            combine_row(walk.inner, Combine::kStart, combine,
                        [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE { return lanes.load(row + at); });
        total = combine(simd::ScalarF32{total}, simd::ScalarF32{value}).v;
      });
      store(output, SomeLanes{1}, simd::splat(total));
      return;
    }
    lanes_over(columns, [&](std::size_t c, auto lanes) MOTE_LAMBDA_INLINE {
      store(output + c, lanes,
            combine_column(walk, Combine::kStart, combine,
                           [&](std::size_t offset) MOTE_LAMBDA_INLINE { return lanes.load(from + offset + c); }));
    });
  });
}

template <class Combine>
inline void reduce_to(const ReduceArgs& args, const Combine& combine) {
  reduce(ReduceWalk(args.sizes, args.axes), args.part, args.input, combine,
         [&](std::size_t at, auto lanes, simd::F32 value) MOTE_LAMBDA_INLINE { lanes.store(args.output + at, value); });
}

/// grad_input = gradient(input, output_dependent...) for all elements of each output: made of what `prepare` finds.
template <class Gradient>
inline void spread(const ReduceWalk& walk, const Part& part, const Gradient& gradient) {
  walk.each_output(part, [&](std::size_t output, std::size_t start, Part::Range columns) {
    if (walk.inner_kept) {
      lanes_over(columns, [&](std::size_t c, auto lanes) { gradient.column(walk, output + c, start + c, lanes); });
    } else {
      gradient.rows(walk, output, start);
    }
  });
}

/// The same number to every element.
struct SpreadSum {
  const float* grad_output;
  float* grad_input;
  float terms;

  template <class Lanes>
  MOTE_INLINE void column(const ReduceWalk& walk, std::size_t output, std::size_t start, Lanes lanes) const {
    const simd::F32 g = lanes.load(grad_output + output) / simd::splat(terms);
    walk.each_reduced([&](std::size_t offset) MOTE_LAMBDA_INLINE { lanes.store(grad_input + start + offset, g); });
  }
  void rows(const ReduceWalk& walk, std::size_t output, std::size_t start) const {
    const simd::F32 g = simd::splat(grad_output[output] / terms);
    walk.each_reduced([&](std::size_t offset) {
      float* to = grad_input + start + offset;
      lanes_over(walk.inner, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE { lanes.store(to + at, g); });
    });
  }
};

/// 1 where a equals b, else 0.
template <class V>
MOTE_INLINE V indicator(V a, V b) {
  return select(equal(a, b), V::splat(1.0F), V::splat(0.0F));
}

/// In equal parts to the elements that equal the output.
struct SpreadExtreme {
  const ReduceGradArgs& args;

  template <class Lanes>
  MOTE_INLINE void column(const ReduceWalk& walk, std::size_t output, std::size_t start, Lanes lanes) const {
    const float* from = args.input + start;
    const simd::F32 y = lanes.load(args.output + output);
    const simd::F32 count = combine_column(walk, 0.0F, Sum{}, [&](std::size_t offset) MOTE_LAMBDA_INLINE {
      return indicator(lanes.load(from + offset), y);
    });
    const simd::F32 g = lanes.load(args.grad_output + output) / count;
    walk.each_reduced([&](std::size_t offset) MOTE_LAMBDA_INLINE {
      lanes.store(args.grad_input + start + offset, select(equal(lanes.load(from + offset), y), g, simd::zero()));
    });
  }
  void rows(const ReduceWalk& walk, std::size_t output, std::size_t start) const {
    const simd::F32 y = simd::splat(args.output[output]);
    float count = 0.0F;
    walk.each_reduced([&](std::size_t offset) {
      const float* row = args.input + start + offset;
      count += combine_row(walk.inner, 0.0F, Sum{}, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
        return indicator(lanes.load(row + at), y);
      });
    });
    const simd::F32 g = simd::splat(args.grad_output[output] / count);
    walk.each_reduced([&](std::size_t offset) {
      const float* row = args.input + start + offset;
      float* to = args.grad_input + start + offset;
      lanes_over(walk.inner, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
        lanes.store(to + at, select(equal(lanes.load(row + at), y), g, simd::zero()));
      });
    });
  }
};

/// Times the product p of the others: of all, divided by the element, where none is 0; where one is, to that one alone.
struct SpreadProduct {
  const ReduceGradArgs& args;

  static MOTE_INLINE simd::F32 others(simd::F32 x, simd::F32 zeros, simd::F32 product) {
    const simd::F32 none = select(equal(zeros, simd::zero()), product / x, simd::zero());
    const simd::F32 one = select(equal(zeros, simd::splat(1.0F)), product, simd::zero());
    return select(equal(x, simd::zero()), one, none);
  }
  static MOTE_INLINE simd::F32 without_zeros(simd::F32 x) {
    return select(equal(x, simd::zero()), simd::splat(1.0F), x);
  }
  template <class Lanes>
  MOTE_INLINE void column(const ReduceWalk& walk, std::size_t output, std::size_t start, Lanes lanes) const {
    const float* from = args.input + start;
    const auto load = [&](std::size_t offset) MOTE_LAMBDA_INLINE { return lanes.load(from + offset); };
    const simd::F32 zeros = combine_column(walk, 0.0F, Sum{}, [&](std::size_t offset) MOTE_LAMBDA_INLINE {
      return indicator(load(offset), simd::zero());
    });
    const simd::F32 product = combine_column(
        walk, 1.0F, Product{}, [&](std::size_t offset) MOTE_LAMBDA_INLINE { return without_zeros(load(offset)); });
    const simd::F32 g = lanes.load(args.grad_output + output);
    walk.each_reduced([&](std::size_t offset) MOTE_LAMBDA_INLINE {
      lanes.store(args.grad_input + start + offset, g * others(load(offset), zeros, product));
    });
  }
  void rows(const ReduceWalk& walk, std::size_t output, std::size_t start) const {
    float zeros = 0.0F, product = 1.0F;
    walk.each_reduced([&](std::size_t offset) {
      const float* row = args.input + start + offset;
      zeros += combine_row(walk.inner, 0.0F, Sum{}, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
        return indicator(lanes.load(row + at), simd::zero());
      });
      product *= combine_row(walk.inner, 1.0F, Product{}, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
        return without_zeros(lanes.load(row + at));
      });
    });
    const simd::F32 g = simd::splat(args.grad_output[output]), z = simd::splat(zeros), p = simd::splat(product);
    walk.each_reduced([&](std::size_t offset) {
      const float* row = args.input + start + offset;
      float* to = args.grad_input + start + offset;
      lanes_over(walk.inner, [&](std::size_t at, auto lanes)
                                 MOTE_LAMBDA_INLINE { lanes.store(to + at, g * others(lanes.load(row + at), z, p)); });
    });
  }
};

/// Whether v is beyond the best so far, or the first NaN.
MOTE_INLINE bool beyond(float v, float best, bool largest) {
  if (best != best) return false;
  return v != v || (largest ? v > best : v < best);
}

/// Places of extremes of `inner` columns: the index in floats, exact below 2^24.
template <bool kLargest, class Lanes>
MOTE_INLINE void arg_columns(const ArgReduceArgs& args, std::size_t outer, std::size_t i, Lanes lanes,
                             std::size_t count) {
  const float* from = args.input + outer * args.count * args.inner + i;
  simd::F32 best = lanes.load(from), place = simd::zero();
  for (std::size_t k = 1; k < args.count; ++k) {
    const simd::F32 v = lanes.load(from + k * args.inner);
    const auto number = equal(best, best);
    const simd::F32 here = simd::splat(static_cast<float>(k));
    const simd::F32 later = select(equal(v, v), select(kLargest ? less(best, v) : less(v, best), here, place), here);
    best = select(number, select(equal(later, here), v, best), best);
    place = select(number, later, place);
  }
  float places[simd::kLanes];
  simd::store(places, place);
  for (std::size_t l = 0; l < count; ++l)
    args.output[outer * args.inner + i + l] = static_cast<std::int32_t>(places[l]);
}

/// The place in one row: each lane finds its own, the best of which is the least index among the best values.
template <bool kLargest>
inline std::int32_t arg_row(const float* row, std::size_t count) {
  std::size_t k = simd::kLanes, best_at = 0;
  float best = row[0];
  if (count >= 2 * simd::kLanes && simd::kLanes > 1) {
    simd::F32 value = simd::load(row), place = simd::zero();
    for (; k + simd::kLanes <= count; k += simd::kLanes) {
      const simd::F32 v = simd::load(row + k), here = simd::splat(static_cast<float>(k));
      const auto number = equal(value, value);
      const simd::F32 later =
          select(equal(v, v), select(kLargest ? less(value, v) : less(v, value), here, place), here);
      value = select(number, select(equal(later, here), v, value), value);
      place = select(number, later, place);
    }
    float values[simd::kLanes], places[simd::kLanes];
    simd::store(values, value), simd::store(places, place);
    best = values[0], best_at = static_cast<std::size_t>(places[0]);
    for (std::size_t l = 1; l < simd::kLanes; ++l) {
      const std::size_t at = static_cast<std::size_t>(places[l]) + l;
      const bool same = values[l] == best || (values[l] != values[l] && best != best);
      if (beyond(values[l], best, kLargest) || (same && at < best_at)) best = values[l], best_at = at;
    }
  } else {
    k = 1;
  }
  for (; k < count; ++k)
    if (beyond(row[k], best, kLargest)) best = row[k], best_at = k;
  return static_cast<std::int32_t>(best_at);
}

template <bool kLargest>
inline void arg_reduce(const ArgReduceArgs& args) {
  const Part::Range share = args.part.of(args.outer);
  for (std::size_t outer = share.begin; outer < share.end; ++outer) {
    if (args.inner == 1) {
      args.output[outer] = arg_row<kLargest>(args.input + outer * args.count, args.count);
      continue;
    }
    lanes_over(args.inner, [&](std::size_t i, auto lanes) {
      arg_columns<kLargest>(args, outer, i, lanes, std::min<std::size_t>(simd::kLanes, args.inner - i));
    });
  }
}

}  // namespace

void reduce_sum_f32(const ReduceArgs& args) { reduce_to(args, Sum{}); }
void reduce_max_f32(const ReduceArgs& args) { reduce_to(args, Largest{}); }
void reduce_min_f32(const ReduceArgs& args) { reduce_to(args, Smallest{}); }
void reduce_prod_f32(const ReduceArgs& args) { reduce_to(args, Product{}); }

void reduce_mean_f32(const ReduceArgs& args) {
  const ReduceWalk walk(args.sizes, args.axes);
  const simd::F32 terms = simd::splat(static_cast<float>(walk.terms()));
  reduce(walk, args.part, args.input, Sum{}, [&](std::size_t at, auto lanes, simd::F32 value) MOTE_LAMBDA_INLINE {
    lanes.store(args.output + at, value / terms);
  });
}

void sum_to_f32(const SumToArgs& args) {
  const simd::F32 scale = simd::splat(args.scale);
  reduce(ReduceWalk(args.sizes, args.axes), args.part, args.input, Sum{},
         [&](std::size_t at, auto lanes, simd::F32 value) MOTE_LAMBDA_INLINE {
           const simd::F32 before = args.accumulate ? lanes.load(args.output + at) : simd::zero();
           lanes.store(args.output + at, mul_add(scale, value, before));
         });
}

void reduce_sum_grad_f32(const ReduceGradArgs& args) {
  spread(ReduceWalk(args.sizes, args.axes), args.part, SpreadSum{args.grad_output, args.grad_input, 1.0F});
}
void reduce_mean_grad_f32(const ReduceGradArgs& args) {
  const ReduceWalk walk(args.sizes, args.axes);
  spread(walk, args.part, SpreadSum{args.grad_output, args.grad_input, static_cast<float>(walk.terms())});
}
void reduce_max_grad_f32(const ReduceGradArgs& args) {
  spread(ReduceWalk(args.sizes, args.axes), args.part, SpreadExtreme{args});
}
void reduce_min_grad_f32(const ReduceGradArgs& args) { reduce_max_grad_f32(args); }
void reduce_prod_grad_f32(const ReduceGradArgs& args) {
  spread(ReduceWalk(args.sizes, args.axes), args.part, SpreadProduct{args});
}

void argmax_f32(const ArgReduceArgs& args) { arg_reduce<true>(args); }
void argmin_f32(const ArgReduceArgs& args) { arg_reduce<false>(args); }

}  // namespace mote::MOTE_KERNELS
