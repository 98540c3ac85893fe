// SPDX-License-Identifier: Apache-2.0
// Numbers of one type as those of another, one by one.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/lanes.hpp"
#include "mote/kernels/kernels.hpp"

namespace mote::MOTE_KERNELS {
namespace {

template <class T>
MOTE_INLINE T element_at(const std::byte* from, std::size_t i) {
  T value;
  std::memcpy(&value, from + i * sizeof(T), sizeof(T));
  return value;
}
template <class T>
MOTE_INLINE void put_element(std::byte* to, std::size_t i, T value) {
  std::memcpy(to + i * sizeof(T), &value, sizeof(T));
}

inline std::int32_t integer_at(DType type, const std::byte* from, std::size_t i) {
  switch (type) {
    case DType::s8: return element_at<std::int8_t>(from, i);
    case DType::u8: return element_at<std::uint8_t>(from, i);
    case DType::s16: return element_at<std::int16_t>(from, i);
    case DType::boolean: return element_at<std::uint8_t>(from, i) != 0 ? 1 : 0;
    default: return element_at<std::int32_t>(from, i);
  }
}
/// Upper bits are lost.
inline void put_integer(DType type, std::byte* to, std::size_t i, std::int32_t value) {
  switch (type) {
    case DType::s8: return put_element(to, i, static_cast<std::int8_t>(value));
    case DType::u8: return put_element(to, i, static_cast<std::uint8_t>(value));
    case DType::s16: return put_element(to, i, static_cast<std::int16_t>(value));
    case DType::boolean: return put_element(to, i, static_cast<std::uint8_t>(value != 0 ? 1 : 0));
    case DType::f32: return put_element(to, i, static_cast<float>(value));
    default: return put_element(to, i, value);
  }
}

/// The nearest integer towards 0 of those that the type has; NaN is 0.
inline std::int32_t integer_of(DType type, float value) {
  float low = -0x1p31F, end = 0x1p31F;  // the first number past the last integer
  switch (type) {
    case DType::s8: low = -0x1p7F, end = 0x1p7F; break;
    case DType::u8: low = 0.0F, end = 0x1p8F; break;
    case DType::s16: low = -0x1p15F, end = 0x1p15F; break;
    default: break;
  }
  if (value >= end) return end < 0x1p31F ? static_cast<std::int32_t>(end) - 1 : 0x7FFF'FFFF;
  if (value > low) return static_cast<std::int32_t>(value);
  return value <= low ? static_cast<std::int32_t>(low) : 0;
}

}  // namespace

void cast_values(const CastArgs& args) {
  const Part::Range share = elements_of(args.part, args.count);
  for (std::size_t i = share.begin; i < share.end; ++i) {
    if (args.from != DType::f32) {
      put_integer(args.to, args.output, i, integer_at(args.from, args.input, i));
      continue;
    }
    const float value = element_at<float>(args.input, i);
    if (args.to == DType::f32)
      put_element(args.output, i, value);
    else if (args.to == DType::boolean)
      put_element(args.output, i, static_cast<std::uint8_t>(value != 0.0F ? 1 : 0));
    else
      put_integer(args.to, args.output, i, integer_of(args.to, value));
  }
}

}  // namespace mote::MOTE_KERNELS
