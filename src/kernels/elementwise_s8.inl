// SPDX-License-Identifier: Apache-2.0
// Quantised networks, one value after the other: table lookup, clamps, conversion between element types, leaky ReLU.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels/kernel_namespace.hpp"
#include "kernels/lanes.hpp"
#include "kernels/rounded.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/helium.hpp"
#include "simd/simd.hpp"
#include "simd/trigonometry.hpp"

namespace mote::MOTE_KERNELS {
namespace {

inline constexpr std::size_t kChunk = 64;  // values between two element types, a multiple of what a share is cut at

template <class Element>
MOTE_INLINE void load_as_words(const void* from, std::size_t first, std::size_t count, std::int32_t* words) {
  const auto* values = static_cast<const Element*>(from) + first;
  for (std::size_t i = 0; i < count; ++i) words[i] = static_cast<std::int32_t>(values[i]);
}
inline void load_words(DType type, const void* from, std::size_t first, std::size_t count, std::int32_t* words) {
  if (type == DType::s8) return load_as_words<std::int8_t>(from, first, count, words);
  if (type == DType::u8) return load_as_words<std::uint8_t>(from, first, count, words);
  if (type == DType::s16) return load_as_words<std::int16_t>(from, first, count, words);
  load_as_words<std::int32_t>(from, first, count, words);
}

/// The words saturated to the element type.
template <class Element>
MOTE_INLINE void store_words_as(const std::int32_t* words, std::size_t count, void* to, std::size_t first) {
  using Limits = std::numeric_limits<Element>;
  auto* values = static_cast<Element*>(to) + first;
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<Element>(QuantizedRange{Limits::min(), Limits::max()}.clamp(words[i]));
}
inline void store_words(DType type, const std::int32_t* words, std::size_t count, void* to, std::size_t first) {
  if (type == DType::s8) return store_words_as<std::int8_t>(words, count, to, first);
  if (type == DType::u8) return store_words_as<std::uint8_t>(words, count, to, first);
  if (type == DType::s16) return store_words_as<std::int16_t>(words, count, to, first);
  store_words_as<std::int32_t>(words, count, to, first);
}

/// body(first, count) for the chunks of a share.
template <class Body>
MOTE_INLINE void for_chunks(const Part& part, std::size_t total, const Body& body) {
  const Part::Range share = part.of(total, kChunk);
  for (std::size_t first = share.begin; first < share.end; first += kChunk)
    body(first, std::min(kChunk, share.end - first));
}

/// value + offset, saturated.
MOTE_INLINE std::int32_t saturating_add(std::int32_t value, std::int32_t offset) {
  const std::int64_t sum = std::int64_t{value} + offset;
  return static_cast<std::int32_t>(std::clamp(sum, std::int64_t{std::numeric_limits<std::int32_t>::min()},
                                              std::int64_t{std::numeric_limits<std::int32_t>::max()}));
}

template <class Element>
inline void clamp_integers(const ClampIntegersArgs<Element>& args) {
  const auto low = static_cast<Element>(args.range.low), high = static_cast<Element>(args.range.high);
  const Part::Range share = args.part.of(args.count, kChunk);
  for (std::size_t i = share.begin; i < share.end; ++i) args.output[i] = std::min(std::max(args.input[i], low), high);
}

}  // namespace

void clamp_s8(const ClampS8Args& args) { clamp_integers(args); }
void clamp_s16(const ClampS16Args& args) { clamp_integers(args); }

void lookup_s8(const LookupS8Args& args) {
  const Part::Range share = args.part.of(args.count, 64);
#if MOTE_SIMD_LOOKUP
  simd::lookup_bytes(args.output + share.begin, args.input + share.begin, share.end - share.begin, args.table);
#else
  for (std::size_t i = share.begin; i < share.end; ++i)
    args.output[i] = args.table[static_cast<std::uint8_t>(args.input[i])];
#endif
}

namespace {

/// quantize_f32 to a type of 8 or 16 bits in vectors: steps are rounded and cut as float32, which has them exactly.
template <class Element>
inline void quantize_in_vectors(const QuantizeArgs& args) {
  using Limits = std::numeric_limits<Element>;
  const std::int32_t zero_point = args.quantization.zero_point;
  const simd::F32 scale = simd::splat(args.quantization.scale), one = simd::splat(args.ties_to_even ? 0.0F : 1.0F);
  const simd::F32 low = simd::splat(static_cast<float>(Limits::min() - zero_point));
  const simd::F32 high = simd::splat(static_cast<float>(Limits::max() - zero_point));
  for_chunks(args.part, args.count, [&](std::size_t first, std::size_t count) {
    float steps[kChunk];
    lanes_over(count, [&](std::size_t i, auto lanes) MOTE_LAMBDA_INLINE {
      const simd::F32 x = lanes.load(args.input + first + i) / scale, size = abs(x), even = simd::nearest(size);
      const simd::F32 tie = select(equal(size - even, simd::splat(0.5F)), one, simd::zero());
      const simd::F32 whole = simd::bits::copy_sign(even + tie, x);
      lanes.store(steps + i, select(equal(x, x), min(high, max(low, whole)), simd::zero()));
    });
    auto* const to = static_cast<Element*>(args.output) + first;
    for (std::size_t i = 0; i < count; ++i)
      to[i] = static_cast<Element>(static_cast<std::int32_t>(steps[i]) + zero_point);
  });
}

}  // namespace

void quantize_f32(const QuantizeArgs& args) {
  if constexpr (simd::kLanes > 1) {
    if (args.type == DType::s8) return quantize_in_vectors<std::int8_t>(args);
    if (args.type == DType::u8) return quantize_in_vectors<std::uint8_t>(args);
    if (args.type == DType::s16) return quantize_in_vectors<std::int16_t>(args);
  }
  for_chunks(args.part, args.count, [&](std::size_t first, std::size_t count) {
    std::int32_t words[kChunk];
    for (std::size_t i = 0; i < count; ++i)
      words[i] = saturating_add(rounded(args.input[first + i] / args.quantization.scale, args.ties_to_even),
                                args.quantization.zero_point);
    store_words(args.type, words, count, args.output, first);
  });
}

void dequantize_f32(const DequantizeArgs& args) {
  for_chunks(args.part, args.count, [&](std::size_t first, std::size_t count) {
    std::int32_t words[kChunk];
    load_words(args.type, args.input, first, count, words);
    for (std::size_t i = 0; i < count; ++i)
      args.output[first + i] = args.quantization.scale * static_cast<float>(words[i] - args.quantization.zero_point);
  });
}

void requantize_integers(const RequantizeArgs& args) {
  for_chunks(args.part, args.count, [&](std::size_t first, std::size_t count) {
    std::int32_t words[kChunk];
    load_words(args.from, args.input, first, count, words);
    for (std::size_t i = 0; i < count; ++i)
      words[i] = saturating_add(requantize(words[i] - args.input_zero_point, args.multiplier), args.output_zero_point);
    store_words(args.to, words, count, args.output, first);
  });
}

void leaky_relu_s16(const LeakyReluS16Args& args) {
  for (std::size_t i = 0; i < args.count; ++i) {
    const std::int32_t value = args.input[i];
    args.output[i] =
        static_cast<std::int16_t>(args.clamp.clamp(requantize(value, value >= 0 ? args.positive : args.negative)));
  }
}

}  // namespace mote::MOTE_KERNELS
