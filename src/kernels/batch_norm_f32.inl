// SPDX-License-Identifier: Apache-2.0
// Batch normalisation: with running statistics, with the batch's own, and the gradients of both.
// Lanes over channels, 16 at a time. Fewer channels that divide 16 are seen as a matrix of 16 columns (column j is
// channel j mod channels), or most lanes of a wide vector would idle; the columns' sums are folded by a fixed tree.
#include <cstddef>
#include <cstdint>

#include "kernels/lanes.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

inline constexpr std::size_t kNormColumns = 16;
/// Rows whose sum is taken on its own, in four chains, before it joins the total.
inline constexpr std::size_t kNormBlock = 128;

/// Up to 16 neighbouring columns of the values, and one number for each of them.
using NormValues = float[kNormColumns];

struct NormGroup {
  std::size_t rows, width;     // complete rows of the matrix; floats from one to the next
  std::size_t tail;            // values of a last, incomplete row
  std::size_t first, columns;  // this group's columns
  std::size_t channels;        // that they belong to: columns, or fewer where columns are folded

  /// One value per column from an array with one per channel.
  void spread(const float* per_channel, NormValues& out) const {
    for (std::size_t j = 0; j < columns; ++j) out[j] = per_channel[first + j % channels];
  }
  /// Sum over the rows of term(index of the value, column in the group, lanes), the same for all columns of a channel.
  /// In lanes that load 0 from values and columns alike, term must be 0.
  template <class Term>
  void sum(const Term& term, NormValues& out) const;
  /// body(index of the value, prepare(column in the group, lanes), lanes) for every value.
  template <class Prepare, class Body>
  void each(const Prepare& prepare, const Body& body) const;
};

template <class Body>
inline void for_each_norm_group(std::size_t rows, std::size_t channels, const Part& part, const Body& body) {
  const Part::Range share = part.of(channels, kNormColumns);
  if (channels < kNormColumns && kNormColumns % channels == 0) {
    if (share.begin == share.end) return;
    const std::size_t values = rows * channels;
    body(NormGroup{values / kNormColumns, kNormColumns, values % kNormColumns, 0, kNormColumns, channels});
    return;
  }
  for (std::size_t first = share.begin; first < share.end; first += kNormColumns) {
    const std::size_t columns = channels - first < kNormColumns ? channels - first : kNormColumns;
    body(NormGroup{rows, channels, 0, first, columns, columns});
  }
}

/// Rows of one block in four chains, for one vector of columns. `at` is the first row's value.
template <class Lanes, class Term>
MOTE_INLINE simd::F32 norm_sum_of_block(std::size_t at, std::size_t width, std::size_t rows, Lanes lanes,
                                        const Term& term) {
  simd::F32 chain0 = simd::zero(), chain1 = simd::zero(), chain2 = simd::zero(), chain3 = simd::zero();
  for (; rows >= 4; rows -= 4, at += 4 * width) {
    chain0 = chain0 + term(at, lanes);
    chain1 = chain1 + term(at + width, lanes);
    chain2 = chain2 + term(at + 2 * width, lanes);
    chain3 = chain3 + term(at + 3 * width, lanes);
  }
  for (; rows != 0; --rows, at += width) chain0 = chain0 + term(at, lanes);
  return (chain0 + chain1) + (chain2 + chain3);
}

/// body(first row, rows) for every block. A block of 16 columns (8 KB) stays in the nearest cache while its vectors of
/// columns are taken one after the other.
template <class Body>
inline void for_each_norm_block(std::size_t rows, const Body& body) {
  for (std::size_t row = 0; row < rows; row += kNormBlock) body(row, rows - row < kNormBlock ? rows - row : kNormBlock);
}

/// What an addition of blocks rounds off is added at the end (Knuth's TwoSum). Means of 25 088 values (batch 32 of
/// 28 x 28) are then off by less than 2e-7; by 7e-7 with blocks alone, and by 9e-6 with one chain per column.
template <class Term>
inline void NormGroup::sum(const Term& term, NormValues& out) const {
  NormValues lost;
  for (std::size_t j = 0; j < columns; ++j) out[j] = 0.0F, lost[j] = 0.0F;
  const auto add = [&](std::size_t j, simd::F32 part, auto lanes) {
    const simd::F32 before = lanes.load(out + j), after = before + part, added = after - before;
    lanes.store(lost + j, lanes.load(lost + j) + ((before - (after - added)) + (part - added)));
    lanes.store(out + j, after);
  };
  for_each_norm_block(rows, [&](std::size_t row, std::size_t count) {
    lanes_over(columns, [&](std::size_t j, auto lanes) {
      add(j,
          norm_sum_of_block(row * width + first + j, width, count, lanes,
                            [&](std::size_t at, auto l) { return term(at, j, l); }),
          lanes);
    });
  });
  lanes_over(tail, [&](std::size_t j, auto lanes) { add(j, term(rows * width + j, j, lanes), lanes); });
  for (std::size_t j = 0; j < columns; ++j) out[j] = out[j] + lost[j];
  if (channels == columns) return;
  for (std::size_t half = columns / 2; half >= channels; half /= 2)
    for (std::size_t j = 0; j < half; ++j) out[j] = out[j] + out[j + half];
  for (std::size_t j = channels; j < columns; ++j) out[j] = out[j % channels];
}

template <class Prepare, class Body>
inline void NormGroup::each(const Prepare& prepare, const Body& body) const {
  for_each_norm_block(rows, [&](std::size_t row, std::size_t count) {
    lanes_over(columns, [&](std::size_t j, auto lanes) {
      const auto shared = prepare(j, lanes);
      std::size_t at = row * width + first + j;
      for (std::size_t r = 0; r < count; ++r, at += width) body(at, shared, lanes);
    });
  });
  lanes_over(tail, [&](std::size_t j, auto lanes) { body(rows * width + j, prepare(j, lanes), lanes); });
}

/// y = (x - mean) slope + shift
struct NormLine {
  simd::F32 mean, slope, shift;
};

/// output = gamma (input - mean) inverse_deviation + beta for one group.
inline void norm_apply(const BatchNormArgs& args, const NormGroup& group, const NormValues& mean,
                       const NormValues& inverse_deviation) {
  NormValues gamma, beta;
  group.spread(args.gamma, gamma);
  group.spread(args.beta, beta);
  group.each(
      [&](std::size_t j, auto lanes) {
        return NormLine{lanes.load(mean + j), lanes.load(gamma + j) * lanes.load(inverse_deviation + j),
                        lanes.load(beta + j)};
      },
      [&](std::size_t at, const NormLine& line, auto lanes) {
        lanes.store(args.output + at, simd::mul_add(lanes.load(args.input + at) - line.mean, line.slope, line.shift));
      });
}

/// 1 / sqrt(variance + epsilon), in place.
inline void norm_invert(NormValues& variance, std::size_t columns, float epsilon) {
  lanes_over(columns, [&](std::size_t j, auto lanes) {
    lanes.store(variance + j, simd::splat(1.0F) / simd::sqrt(lanes.load(variance + j) + simd::splat(epsilon)));
  });
}

inline void norm_divide(NormValues& sums, std::size_t columns, std::uint32_t rows) {
  const simd::F32 count = simd::splat(static_cast<float>(rows));
  lanes_over(columns, [&](std::size_t j, auto lanes) { lanes.store(sums + j, lanes.load(sums + j) / count); });
}

/// What both gradients need of one group: statistics, and the sums over the rows of grad_output and grad_output x_hat.
struct NormGradSums {
  NormValues mean, inverse_deviation, grad, product;

  NormGradSums(const BatchNormGradArgs& args, const NormGroup& group) {
    group.spread(args.statistics, mean);
    group.spread(args.statistics + args.channels, inverse_deviation);
    group.sum([&](std::size_t at, std::size_t, auto lanes) { return lanes.load(args.grad_output + at); }, grad);
    group.sum(
        [&](std::size_t at, std::size_t j, auto lanes) {
          return lanes.load(args.grad_output + at) * (lanes.load(args.input + at) - lanes.load(mean + j));
        },
        product);
    lanes_over(group.columns, [&](std::size_t j, auto lanes) {
      lanes.store(product + j, lanes.load(product + j) * lanes.load(inverse_deviation + j));
    });
  }
};

}  // namespace

void batch_norm_f32(const BatchNormArgs& args) {
  for_each_norm_group(args.rows, args.channels, args.part, [&](const NormGroup& group) {
    NormValues mean, inverse_deviation;
    group.spread(args.running_mean, mean);
    group.spread(args.running_variance, inverse_deviation);
    norm_invert(inverse_deviation, group.columns, args.epsilon);
    norm_apply(args, group, mean, inverse_deviation);
  });
}

/// Two passes: the variance is the mean square of the distances from the mean, which does not cancel.
void batch_norm_train_f32(const BatchNormArgs& args) {
  for_each_norm_group(args.rows, args.channels, args.part, [&](const NormGroup& group) {
    NormValues mean, inverse_deviation;
    group.sum([&](std::size_t at, std::size_t, auto lanes) { return lanes.load(args.input + at); }, mean);
    norm_divide(mean, group.columns, args.rows);
    group.sum(
        [&](std::size_t at, std::size_t j, auto lanes) {
          const simd::F32 distance = lanes.load(args.input + at) - lanes.load(mean + j);
          return distance * distance;
        },
        inverse_deviation);
    norm_divide(inverse_deviation, group.columns, args.rows);
    norm_invert(inverse_deviation, group.columns, args.epsilon);
    for (std::size_t j = 0; j < group.channels; ++j) {
      args.statistics[group.first + j] = mean[j];
      args.statistics[args.channels + group.first + j] = inverse_deviation[j];
    }
    norm_apply(args, group, mean, inverse_deviation);
  });
}

/// grad_input = gamma / sigma (g - mean of g - x_hat mean of (g x_hat)), the means over the rows.
void batch_norm_grad_input_f32(const BatchNormGradArgs& args) {
  struct Shared {
    simd::F32 mean, slope, mean_grad, product;
  };
  for_each_norm_group(args.rows, args.channels, args.part, [&](const NormGroup& group) {
    NormGradSums sums(args, group);
    norm_divide(sums.grad, group.columns, args.rows);
    norm_divide(sums.product, group.columns, args.rows);
    NormValues gamma;
    group.spread(args.gamma, gamma);
    group.each(
        [&](std::size_t j, auto lanes) {
          const simd::F32 inverse_deviation = lanes.load(sums.inverse_deviation + j);
          return Shared{lanes.load(sums.mean + j), lanes.load(gamma + j) * inverse_deviation, lanes.load(sums.grad + j),
                        lanes.load(sums.product + j) * inverse_deviation};
        },
        [&](std::size_t at, const Shared& s, auto lanes) {
          const simd::F32 centred = lanes.load(args.grad_output + at) - s.mean_grad;
          const simd::F32 distance = lanes.load(args.input + at) - s.mean;
          lanes.store(args.grad_input + at, simd::neg_mul_add(distance, s.product, centred) * s.slope);
        });
  });
}

void batch_norm_frozen_grad_input_f32(const BatchNormGradArgs& args) {
  for_each_norm_group(args.rows, args.channels, args.part, [&](const NormGroup& group) {
    NormValues gamma, inverse_deviation;
    group.spread(args.gamma, gamma);
    group.spread(args.running_variance, inverse_deviation);
    norm_invert(inverse_deviation, group.columns, args.epsilon);
    group.each([&](std::size_t j, auto lanes) { return lanes.load(gamma + j) * lanes.load(inverse_deviation + j); },
               [&](std::size_t at, simd::F32 slope, auto lanes) {
                 lanes.store(args.grad_input + at, lanes.load(args.grad_output + at) * slope);
               });
  });
}

/// The unbiased variance is rows / (rows - 1) times the biased one, which 1 / sigma^2 - epsilon gives back; of a single
/// row it is the biased one, 0.
void batch_norm_grad_params_f32(const BatchNormGradArgs& args) {
  const simd::F32 scale = simd::splat(args.scale), statistics_scale = simd::splat(args.statistics_scale);
  const simd::F32 epsilon = simd::splat(args.epsilon), one = simd::splat(1.0F);
  const float rows = static_cast<float>(args.rows);
  const simd::F32 unbiased = simd::splat(args.rows > 1 ? rows / (rows - 1.0F) : 1.0F);
  for_each_norm_group(args.rows, args.channels, args.part, [&](const NormGroup& group) {
    const NormGradSums sums(args, group);
    lanes_over(group.channels, [&](std::size_t j, auto lanes) {
      const std::size_t c = group.first + j;
      const auto add = [&](float* to, simd::F32 factor, simd::F32 value) {
        lanes.store(to + c, simd::mul_add(factor, value, lanes.load(to + c)));
      };
      const simd::F32 inverse_deviation = lanes.load(sums.inverse_deviation + j);
      const simd::F32 biased = simd::max(one / (inverse_deviation * inverse_deviation) - epsilon, simd::zero());
      add(args.grad_gamma, scale, lanes.load(sums.product + j));
      add(args.grad_beta, scale, lanes.load(sums.grad + j));
      add(args.grad_mean, statistics_scale, lanes.load(args.running_mean + c) - lanes.load(sums.mean + j));
      add(args.grad_variance, statistics_scale, lanes.load(args.running_variance + c) - biased * unbiased);
    });
  });
}

}  // namespace mote::MOTE_KERNELS
