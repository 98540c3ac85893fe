// SPDX-License-Identifier: Apache-2.0
// Convolutions with few channels on one side, where tiles of rows × vectors of channels would leave most lanes or most
// accumulators idle: one input channel (lanes over pixels), few channels in the gradient of the input (dot products).
// Relies on rows_f32.hpp and window_f32.hpp.
#pragma once

#include <algorithm>
#include <cstddef>

#include "kernels/rows_f32.hpp"
#include "kernels/tile_f32.hpp"
#include "kernels/window_f32.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"
#include "simd/transpose.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// Output channels of a block that are transposed together.
inline constexpr std::size_t kPixelChannels = 8;

/// Whether the pixels of a segment may be taken as lanes: one input channel, neighbours in source and target.
inline bool has_pixel_lanes(const Segment& x, std::size_t source_c, std::size_t target_c) {
  return !kScalar && source_c == 1 && target_c % kPixelChannels == 0 && x.from_step == 1 && x.step == 1 &&
         x.count >= static_cast<std::ptrdiff_t>(kLanes);
}

/// kLanes neighbouring pixels, all channels: the terms of every output in the order of the other kernels.
inline void pixel_tile(const RowsJob& job, const float* a, std::size_t channels, float* out) {
  for (std::size_t channel = 0; channel < channels; channel += kPixelChannels) {
    F32 acc[kPixelChannels];
    unroll<kPixelChannels>([&](auto c) MOTE_UNROLLED {
      acc[c] = job.bias == nullptr ? simd::zero() : simd::splat(job.bias[channel + c]);
    });
    for (std::size_t y = 0; y < job.taps_y; ++y) {
      const float* from = a + static_cast<std::ptrdiff_t>(y) * job.a_step_y;
      const float* b = job.b + static_cast<std::ptrdiff_t>(y) * job.b_step_y + channel;
      for (std::size_t x = 0; x < job.taps_x; ++x, from += job.a_step_x, b += job.b_step_x) {
        const F32 in = simd::load(from);
        unroll<kPixelChannels>([&](auto c) MOTE_UNROLLED { acc[c] = mul_add(in, simd::splat(b[c]), acc[c]); });
      }
    }
    alignas(64) float planes[kPixelChannels * kLanes];
    const F32 low = simd::splat(job.clamp.low), high = simd::splat(job.clamp.high);
    unroll<kPixelChannels>([&](auto c)
                               MOTE_UNROLLED { simd::store(planes + c * kLanes, min(high, max(low, acc[c]))); });
    simd::transpose(planes, kLanes, kPixelChannels, kLanes, out + channel, channels);
  }
}

/// The pixels of a rectangle of segments. The last block of a line overlaps the one before: it computes the same again.
inline void pixel_lines(const Walk& walk, const Segment& y, const Segment& x, const RowsJob& job, const float* source,
                        std::size_t channels, float* target) {
  const auto to_c = static_cast<std::ptrdiff_t>(channels), lanes = static_cast<std::ptrdiff_t>(kLanes);
  for (std::ptrdiff_t n = 0; n < walk.batch; ++n) {
    for (std::ptrdiff_t i = 0; i < y.count; ++i) {
      const float* a = source + (n * walk.y.source + y.from + i * y.from_step) * walk.x.source + x.from;
      float* out = target + ((n * walk.y.target + y.first + i * y.step) * walk.x.target + x.first) * to_c;
      for (std::ptrdiff_t at = 0; at < x.count; at += lanes) {
        const std::ptrdiff_t pixel = std::min(at, x.count - lanes);
        pixel_tile(job, a + pixel, channels, out + pixel * to_c);
      }
    }
  }
}

/// Whether the gradient of the input is dot products along the output's channels: towards few channels, along runs
/// long enough. With strides taps do not lie side by side, so a run is one tap's channels.
inline bool has_few_targets(const ConvShape& shape) {
  const bool joined = shape.window.stride_h == 1 && shape.window.stride_w == 1;
  return shape.in.c <= 4 && shape.out.c >= (joined ? 8U : 16U);
}

/// kPixels pixels × kChannels channels: along each run of taps and source channels in sixteen virtual lanes. The
/// weights of one target channel are channel_step apart from the next one's.
template <std::size_t kPixels, std::size_t kChannels>
void dot_pixels(const RowsJob& job, std::size_t first, std::size_t channel_step) {
  constexpr std::size_t kSums = kPixels * kChannels, kGroups = (kSums + 3) / 4;
  simd::F32x16 acc[kGroups][4];
  unroll<4 * kGroups>([&](auto i) MOTE_UNROLLED { acc[i / 4][i % 4] = simd::zero16(); });
  for (std::size_t y = 0; y < job.taps_y; ++y) {
    for (std::size_t x = 0; x < job.taps_x; ++x) {
      const auto tap_y = static_cast<std::ptrdiff_t>(y), tap_x = static_cast<std::ptrdiff_t>(x);
      const std::ptrdiff_t from = tap_y * job.a_step_y + tap_x * job.a_step_x;
      const float* b = job.b + tap_y * job.b_step_y + tap_x * job.b_step_x;
      const auto add_terms = [&](std::size_t k, const auto& load) MOTE_UNROLLED {
        simd::F32x16 weights[kChannels];
        unroll<kChannels>([&](auto c) MOTE_UNROLLED { weights[c] = load(b + c * channel_step + k); });
        unroll<kPixels>([&](auto p) MOTE_UNROLLED {
          const simd::F32x16 in = load(job.a[first + p] + from + k);
          unroll<kChannels>([&](auto c) MOTE_UNROLLED {
            constexpr std::size_t kSum = p * kChannels + c;
            acc[kSum / 4][kSum % 4] = mul_add(in, weights[c], acc[kSum / 4][kSum % 4]);
          });
        });
      };
      std::size_t k = 0;
      for (; k + simd::kVirtualLanes <= job.depth; k += simd::kVirtualLanes)
        add_terms(k, [](const float* p) MOTE_UNROLLED { return simd::load16(p); });
      if (const std::size_t left = job.depth - k; left != 0)
        add_terms(k, [&](const float* p) MOTE_UNROLLED { return simd::load16_partial(p, left); });
    }
  }
  float sums[4 * kGroups];
  unroll<kGroups>([&](auto g) MOTE_UNROLLED { simd::store_sums(sums + 4 * g, acc[g]); });
  for (std::size_t p = 0; p < kPixels; ++p) std::copy_n(sums + p * kChannels, kChannels, job.out[first + p]);
}

/// The `pixels` pixels of a job.
template <std::size_t kChannels>
void dot_rows(const RowsJob& job, std::size_t pixels, std::size_t channel_step) {
  constexpr std::size_t kFit = simd::kAccumulators / (simd::kVectors16 * kChannels);
  constexpr std::size_t kPixels = kFit >= 4 ? 4 : kFit >= 2 ? 2 : 1;
  std::size_t first = 0;
  for (; first + kPixels <= pixels; first += kPixels) dot_pixels<kPixels, kChannels>(job, first, channel_step);
  for (; first < pixels; ++first) dot_pixels<1, kChannels>(job, first, channel_step);
}
inline void dot_rows(const RowsJob& job, std::size_t pixels, std::size_t channels, std::size_t channel_step) {
  switch (channels) {
    case 1: return dot_rows<1>(job, pixels, channel_step);
    case 2: return dot_rows<2>(job, pixels, channel_step);
    case 3: return dot_rows<3>(job, pixels, channel_step);
    default: return dot_rows<4>(job, pixels, channel_step);
  }
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
