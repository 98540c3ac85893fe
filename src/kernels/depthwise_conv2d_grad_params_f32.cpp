// SPDX-License-Identifier: Apache-2.0
// depthwise_conv2d: gradients of weights and bias. Blocks of taps whose sums stay in registers over all positions.
// Images, lines, columns in order. Relies on tile_f32.hpp and window_f32.hpp.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/outer_f32.hpp"
#include "kernels/tile_f32.hpp"
#include "kernels/window_f32.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/indexed.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// grad_weights[tap][c] += scale * sum over images, lines, columns of input[…][c] grad_output[…][c], for a block of
/// taps of which (tap_y, tap_x) is the first, and for one or a few vectors of channels.
struct TapsJob {
  const float* input;  // at the block's first channel
  const float* grad_output;
  float* grad_weights;
  float scale;
  std::ptrdiff_t in_c, out_c;
  Walk walk;
  std::ptrdiff_t tap_y, tap_x;
  Part::Range channels;  // of the input
};

/// The sums of kTapsY × kTapsX taps. kExpand: several outputs per input channel, lanes over outputs.
template <class Lanes, std::size_t kTapsY, std::size_t kTapsX, std::size_t kVectors, bool kPartial, bool kExpand>
struct TapsTile {
  using Vector = typename Lanes::Vector;

  Vector acc[kTapsY][kTapsX][kVectors];
  simd::LaneIndex index;  // expand: which channel each output takes

  /// Adds the position whose first tap of the block meets the image at `a`; meets(i, j): tap i, j does meet it.
  template <class Meets>
  MOTE_INLINE void add(const float* a, std::ptrdiff_t step_y, std::ptrdiff_t step_x, const float* b, std::size_t tail,
                       const Meets& meets) {
    Vector gradients[kVectors];
    unroll<kVectors>([&](auto v) MOTE_UNROLLED {
      constexpr bool kCut = kPartial && last_of<kVectors>(v);
      gradients[v] = Lanes::in_register(load_columns<Lanes, kCut>(b + v * Lanes::kLanes, tail));
    });
    unroll<kTapsY>([&](auto i) MOTE_UNROLLED {
      unroll<kTapsX>([&](auto j) MOTE_UNROLLED {
        const auto tap_y = static_cast<std::ptrdiff_t>(i()), tap_x = static_cast<std::ptrdiff_t>(j());
        if (!meets(tap_y, tap_x)) return;
        const float* from = a + tap_y * step_y + tap_x * step_x;
        unroll<kVectors>([&](auto v) MOTE_UNROLLED {
          constexpr bool kCut = kPartial && last_of<kVectors>(v);
          Vector x;
          if constexpr (kExpand) {
            x = simd::load_repeated(from, index);
          } else {
            x = load_columns<Lanes, kCut>(from + v * Lanes::kLanes, tail);
          }
          acc[i][j][v] = mul_add(x, gradients[v], acc[i][j][v]);
        });
      });
    });
  }

  /// Three taps side by side with one channel each: a column of the input, once loaded, serves three positions.
  static constexpr bool kRolls = kTapsY == 3 && kTapsX == 3 && kVectors == 1 && !kExpand && !kScalar;

  /// `count` positions from the one whose first tap lies at `a`. meets(i): filter row i meets the image.
  template <class Meets>
  MOTE_INLINE void roll(const float* a, std::ptrdiff_t step_y, std::ptrdiff_t step_x, const float* b,
                        std::ptrdiff_t b_step, std::ptrdiff_t count, std::size_t tail, const Meets& meets) {
    if (count <= 0) return;
    Vector in[3][3];  // [filter row][column mod 3]
    const auto load_column = [&](auto slot, const float* from) MOTE_UNROLLED {
      unroll<3>([&](auto i) MOTE_UNROLLED {
        if (meets(i))
          in[i][slot] =
              Lanes::in_register(load_columns<Lanes, kPartial>(from + static_cast<std::ptrdiff_t>(i()) * step_y, tail));
      });
    };
    const auto position = [&](auto first) MOTE_UNROLLED {  // whose first column is in slot `first`
      constexpr std::size_t kFirst = first;
      load_column(std::integral_constant<std::size_t, (kFirst + 2) % 3>{}, a + 2 * step_x);
      const Vector gradient = Lanes::in_register(load_columns<Lanes, kPartial>(b, tail));
      unroll<3>([&](auto i) MOTE_UNROLLED {
        if (!meets(i)) return;
        unroll<3>([&](auto j)
                      MOTE_UNROLLED { acc[i][j][0] = mul_add(in[i][(kFirst + j) % 3], gradient, acc[i][j][0]); });
      });
      a += step_x;
      b += b_step;
    };
    unroll<3>([&](auto i) MOTE_UNROLLED { unroll<3>([&](auto j) MOTE_UNROLLED { in[i][j] = Lanes::zero(); }); });
    load_column(std::integral_constant<std::size_t, 0>{}, a);
    load_column(std::integral_constant<std::size_t, 1>{}, a + step_x);
    for (; count >= 3; count -= 3) unroll<3>([&](auto first) MOTE_UNROLLED { position(first); });
    if (count >= 1) position(std::integral_constant<std::size_t, 0>{});
    if (count >= 2) position(std::integral_constant<std::size_t, 1>{});
  }

  /// Bit i: filter row i of output line y meets the image.
  MOTE_INLINE static std::uint32_t rows_inside(const TapsJob& job, std::ptrdiff_t y) {
    const Axis& axis = job.walk.y;
    std::uint32_t rows = 0;
    for (std::size_t i = 0; i < kTapsY; ++i) {
      const std::ptrdiff_t at =
          y * axis.stride - axis.pad + (job.tap_y + static_cast<std::ptrdiff_t>(i)) * axis.dilation;
      rows |= static_cast<std::uint32_t>(at >= 0 && at < axis.source) << i;
    }
    return rows;
  }

  /// kCount positions of a line, whose gradients stay in registers, from the one whose middle tap is at `a`. rows: see
  /// rows_inside(). kFirst, kLast: the line begins or ends here, where the filter reaches one column beyond the image.
  template <std::size_t kCount, bool kFirst, bool kLast>
  MOTE_INLINE void add_block(const TapsJob& job, const float* a, std::ptrdiff_t step_y, const float* b,
                             std::uint32_t rows, std::size_t tail) {
    Vector gradients[kCount];
    unroll<kCount>([&](auto x) MOTE_UNROLLED {
      gradients[x] = Lanes::in_register(load_columns<Lanes, kPartial>(b, tail));
      b += job.out_c;
    });
    if constexpr (!kFirst) a -= job.in_c;
    unroll<3>([&](auto i) MOTE_UNROLLED {
      if ((rows >> i() & 1U) == 0) return;
      const float* from = a + static_cast<std::ptrdiff_t>(i()) * step_y;
      unroll<kCount + 2>([&](auto x) MOTE_UNROLLED {
        constexpr bool kOutside = (kFirst && x == 0) || (kLast && x == kCount + 1);
        if constexpr (!kOutside) {
          const Vector in = Lanes::in_register(load_columns<Lanes, kPartial>(from, tail));
          unroll<3>([&](auto j) MOTE_UNROLLED {
            constexpr bool kMeets = x >= j && x - j < kCount;
            if constexpr (kMeets) acc[i][j][0] = mul_add(in, gradients[x - j], acc[i][j][0]);
          });
          from += job.in_c;
        }
      });
    });
  }

  /// All lines, of one block of kCount positions (kWhole) or two.
  template <std::size_t kCount, bool kWhole>
  MOTE_INLINE void add_blocks(const TapsJob& job, std::size_t tail) {
    const Axis &ay = job.walk.y, &ax = job.walk.x;
    const std::ptrdiff_t step_y = ay.dilation * ax.source * job.in_c;
    const std::ptrdiff_t a_step = static_cast<std::ptrdiff_t>(kCount) * job.in_c;
    const std::ptrdiff_t b_step = static_cast<std::ptrdiff_t>(kCount) * job.out_c;
    for (std::ptrdiff_t n = 0; n < job.walk.batch; ++n) {
      for (std::ptrdiff_t y = 0; y < ay.target; ++y) {
        const std::ptrdiff_t line = y * ay.stride - ay.pad + job.tap_y * ay.dilation;
        const float* a = job.input + (n * ay.source + line) * ax.source * job.in_c;
        const float* b = job.grad_output + (n * ay.target + y) * ax.target * job.out_c;
        const std::uint32_t rows = rows_inside(job, y);
        if constexpr (kWhole) {
          add_block<kCount, true, true>(job, a, step_y, b, rows, tail);
        } else {
          add_block<kCount, true, false>(job, a, step_y, b, rows, tail);
          add_block<kCount, false, true>(job, a + a_step, step_y, b + b_step, rows, tail);
        }
      }
    }
  }

  /// Adds everything where lines of the output are as long as the input's and one or two blocks.
  MOTE_INLINE bool add_in_blocks(const TapsJob& job, std::size_t tail) {
    const Axis& x = job.walk.x;
    if (x.stride != 1 || x.dilation != 1 || x.pad != 1 || x.source != x.target) return false;
    switch (x.target) {
      case 3: add_blocks<3, true>(job, tail); return true;
      case 4: add_blocks<4, true>(job, tail); return true;
      case 5: add_blocks<5, true>(job, tail); return true;
      case 6: add_blocks<6, true>(job, tail); return true;
      case 7: add_blocks<7, true>(job, tail); return true;
      case 8: add_blocks<8, true>(job, tail); return true;
      case 10: add_blocks<5, false>(job, tail); return true;
      case 12: add_blocks<6, false>(job, tail); return true;
      case 14: add_blocks<7, false>(job, tail); return true;
      case 16: add_blocks<8, false>(job, tail); return true;
      default: return false;
    }
  }

  MOTE_INLINE void add_line(const TapsJob& job, std::ptrdiff_t n, std::ptrdiff_t y, std::size_t tail) {
    const Axis &ay = job.walk.y, &ax = job.walk.x;
    const std::ptrdiff_t step_y = ay.dilation * ax.source * job.in_c, step_x = ax.dilation * job.in_c;
    const std::ptrdiff_t line = y * ay.stride - ay.pad + job.tap_y * ay.dilation;
    const std::ptrdiff_t low = job.tap_x * ax.dilation - ax.pad;
    const std::ptrdiff_t high = low + (static_cast<std::ptrdiff_t>(kTapsX) - 1) * ax.dilation;
    const float* a = job.input + ((n * ay.source + line) * ax.source + low) * job.in_c;
    const float* b = job.grad_output + (n * ay.target + y) * ax.target * job.out_c;
    const std::ptrdiff_t a_step = ax.stride * job.in_c;
    const auto meets_line = [&](std::ptrdiff_t tap) {
      const std::ptrdiff_t at = line + tap * ay.dilation;
      return at >= 0 && at < ay.source;
    };
    const auto add_some = [&](std::ptrdiff_t x) MOTE_UNROLLED {
      const auto meets = [&](std::ptrdiff_t i, std::ptrdiff_t j) MOTE_UNROLLED {
        const std::ptrdiff_t at = x * ax.stride + low + j * ax.dilation;
        return meets_line(i) && at >= 0 && at < ax.source;
      };
      add(a + x * a_step, step_y, step_x, b + x * job.out_c, tail, meets);
    };
    // Columns begin … end - 1: every tap of a filter row that meets the image does.
    const bool whole = meets_line(0) && meets_line(static_cast<std::ptrdiff_t>(kTapsY) - 1);
    std::ptrdiff_t begin = std::min(ax.target, low >= 0 ? 0 : (-low + ax.stride - 1) / ax.stride);
    const std::ptrdiff_t end =
        std::clamp(high >= ax.source ? 0 : (ax.source - 1 - high) / ax.stride + 1, begin, ax.target);
    const bool bordered = kRolls && whole && ax.stride == 1 && ax.dilation == 1 && ax.pad == 1 && end == ax.target - 1;
    if (bordered && begin == 1) {  // "same": the first position lacks the first column of taps
      add(a, step_y, step_x, b, tail, [](auto, std::ptrdiff_t j) MOTE_UNROLLED { return j >= 1; });
    } else {
      for (std::ptrdiff_t x = 0; x < begin; ++x) add_some(x);
    }
    if constexpr (kRolls) {
      if (ax.stride == 1 && ax.dilation == 1) {
        const std::uint32_t rows = rows_inside(job, y);
        if (rows == 7) {
          roll(a + begin * a_step, step_y, step_x, b + begin * job.out_c, job.out_c, end - begin, tail,
               [](auto) MOTE_UNROLLED { return true; });
        } else {
          roll(a + begin * a_step, step_y, step_x, b + begin * job.out_c, job.out_c, end - begin, tail,
               [&](auto i) MOTE_UNROLLED { return (rows >> i() & 1U) != 0; });
        }
        begin = end;
      }
    }
    const auto inside = [&](std::ptrdiff_t i, std::ptrdiff_t) MOTE_UNROLLED { return whole || meets_line(i); };
    for (std::ptrdiff_t x = begin; x < end; ++x) add(a + x * a_step, step_y, step_x, b + x * job.out_c, tail, inside);
    if (bordered && begin == end) {
      add(a + end * a_step, step_y, step_x, b + end * job.out_c, tail,
          [](auto, std::ptrdiff_t j) MOTE_UNROLLED { return j + 1 < static_cast<std::ptrdiff_t>(kTapsX); });
    } else {
      for (std::ptrdiff_t x = end; x < ax.target; ++x) add_some(x);
    }
  }

  static void run(const TapsJob& job, std::size_t tail, std::size_t phase = 0, std::size_t multiplier = 1) {
    TapsTile tile;
    if constexpr (kExpand) tile.index = simd::repeat_elements(phase, multiplier, kPartial ? tail : Lanes::kLanes);
    unroll<kTapsY>([&](auto i) MOTE_UNROLLED {
      unroll<kTapsX>([&](auto j) MOTE_UNROLLED {
        unroll<kVectors>([&](auto v) MOTE_UNROLLED { tile.acc[i][j][v] = Lanes::zero(); });
      });
    });
    bool added = false;
    if constexpr (kRolls) added = tile.add_in_blocks(job, tail);
    if (!added) {
      for (std::ptrdiff_t n = 0; n < job.walk.batch; ++n)
        for (std::ptrdiff_t y = 0; y < job.walk.y.target; ++y) tile.add_line(job, n, y, tail);
    }
    const Vector scale = Lanes::splat(job.scale);
    unroll<kTapsY>([&](auto i) MOTE_UNROLLED {
      unroll<kTapsX>([&](auto j) MOTE_UNROLLED {
        const std::ptrdiff_t tap = (job.tap_y + static_cast<std::ptrdiff_t>(i())) * job.walk.x.filter + job.tap_x +
                                   static_cast<std::ptrdiff_t>(j());
        unroll<kVectors>([&](auto v) MOTE_UNROLLED {
          constexpr bool kCut = kPartial && last_of<kVectors>(v);
          float* out = job.grad_weights + tap * job.out_c + v * Lanes::kLanes;
          store_columns<Lanes, kCut>(out, tail,
                                     mul_add(scale, tile.acc[i][j][v], load_columns<Lanes, kCut>(out, tail)));
        });
      });
    });
  }
};

/// All channels of a block of taps.
template <std::size_t kTapsY, std::size_t kTapsX>
void run_taps(TapsJob job) {
  // Nine taps of one vector, or up to four of two: at least the eight chains that two multiply-add units want.
  constexpr std::size_t kVectors = kScalar || kTapsY * kTapsX > 4 ? 1 : 2;
  const auto multiplier = static_cast<std::size_t>(job.out_c / job.in_c);
  job.input += job.channels.begin;
  job.grad_output += job.channels.begin * multiplier;
  job.grad_weights += job.channels.begin * multiplier;
  if (multiplier == 1) {
    std::size_t left = job.channels.end - job.channels.begin;
    const auto advance = [&](std::size_t channels) {
      job.input += channels;
      job.grad_output += channels;
      job.grad_weights += channels;
      left -= channels;
    };
    for (; left >= kVectors * kLanes; advance(kVectors * kLanes))
      TapsTile<WideLanes, kTapsY, kTapsX, kVectors, false, false>::run(job, 0);
    if constexpr (kVectors > 1) {
      for (; left >= kLanes; advance(kLanes)) TapsTile<WideLanes, kTapsY, kTapsX, 1, false, false>::run(job, 0);
    }
    if constexpr (simd::kHasNarrowLanes) {
      if (left == NarrowLanes::kLanes) return TapsTile<NarrowLanes, kTapsY, kTapsX, 1, false, false>::run(job, 0);
    }
    if constexpr (!kScalar) {
      if (left != 0) TapsTile<WideLanes, kTapsY, kTapsX, 1, true, false>::run(job, left);
    }
    return;
  }
  const std::size_t outputs = (job.channels.end - job.channels.begin) * multiplier;
  const float* input = job.input;
  for (std::size_t at = 0; at < outputs; at += kLanes, job.grad_output += kLanes, job.grad_weights += kLanes) {
    const std::size_t left = outputs - at;
    job.input = input + at / multiplier;
    if (left >= kLanes) {
      TapsTile<WideLanes, kTapsY, kTapsX, 1, false, true>::run(job, 0, at % multiplier, multiplier);
    } else if constexpr (!kScalar) {
      TapsTile<WideLanes, kTapsY, kTapsX, 1, true, true>::run(job, left, at % multiplier, multiplier);
    }
  }
}

}  // namespace

void depthwise_conv2d_grad_params_f32(const ConvGradArgs& args) {
  const ConvShape& shape = args.shape;
  TapsJob job{args.input,
              args.grad_output,
              args.grad_weights,
              args.scale,
              static_cast<std::ptrdiff_t>(shape.in.c),
              static_cast<std::ptrdiff_t>(shape.out.c),
              forward_walk(shape),
              0,
              0,
              args.part.of(shape.in.c, 16)};
  const std::ptrdiff_t filter_h = job.walk.y.filter, filter_w = job.walk.x.filter;
  while (job.tap_y < filter_h) {
    const bool square = filter_w == 3 && filter_h - job.tap_y >= 3;
    if (square) {
      run_taps<3, 3>(job);
    } else {
      for (job.tap_x = 0; job.tap_x < filter_w;) {
        const bool wide = filter_w - job.tap_x >= 4;
        wide ? run_taps<1, 4>(job) : run_taps<1, 1>(job);
        job.tap_x += wide ? 4 : 1;
      }
      job.tap_x = 0;
    }
    job.tap_y += square ? 3 : 1;
  }
  if (args.grad_bias == nullptr) return;
  const std::size_t positions = std::size_t{shape.batch} * shape.out.h * shape.out.w;
  column_sums(args.grad_output, positions, shape.out.c, args.scale, args.part.of(shape.out.c, kLanes), args.grad_bias);
}

}  // namespace mote::MOTE_KERNELS
