// SPDX-License-Identifier: Apache-2.0
// Where branches of a network meet: the sum, and the copying of channels for concat and its gradient.
#include <cstddef>
#include <cstdint>

#include "kernels/lanes.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {

void add_f32(const AddArgs& args) {
  const simd::F32 low = simd::splat(args.clamp.low), high = simd::splat(args.clamp.high);
  lanes_over(elements_of(args.part, args.count), [&](std::size_t i, auto lanes) {
    lanes.store(args.output + i, min(high, max(low, lanes.load(args.a + i) + lanes.load(args.b + i))));
  });
}

/// Vectors, not memcpy: rows of a few channels are the common case, and a call per row would cost more than the row.
void copy_channels_f32(const CopyChannelsArgs& args) {
  const float* source = args.source;
  float* target = args.target;
  for (std::uint32_t r = 0; r < args.rows; ++r) {
    lanes_over(args.width, [&](std::size_t i, auto lanes) { lanes.store(target + i, lanes.load(source + i)); });
    source += args.source_stride;
    target += args.target_stride;
  }
}

}  // namespace mote::MOTE_KERNELS
