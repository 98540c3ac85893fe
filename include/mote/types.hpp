// SPDX-License-Identifier: Apache-2.0
// Element types, shapes and quantisation parameters. Relies on nothing.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace mote {

/// Element type of a tensor. The numbers are part of the file format.
enum class DType : std::uint8_t {
  none = 0,
  f32 = 1,
  s8 = 2,
  s32 = 3,
  u8 = 4,
  s16 = 5,
  boolean = 6,  ///< a byte: 0 or 1
  f16 = 7       ///< IEEE 754 binary16, of stored weights only
};
inline constexpr std::size_t kDTypes = 8;

constexpr bool known(DType type) { return static_cast<std::size_t>(type) < kDTypes; }
constexpr std::size_t bytes_of(DType type) {
  switch (type) {
    case DType::s8:
    case DType::u8:
    case DType::boolean: return 1;
    case DType::s16:
    case DType::f16: return 2;
    case DType::f32:
    case DType::s32: return 4;
    case DType::none: break;
  }
  return 0;
}
/// Whether values of the type stand for real numbers through a scale and a zero point.
constexpr bool quantized(DType type) { return type == DType::s8 || type == DType::u8 || type == DType::s16; }

/// Shape of one sample, NHWC without the N. A vector of n features is {1, 1, n};
/// a sequence of length t with c channels is {1, t, c}.
struct Shape {
  std::uint32_t h = 1;
  std::uint32_t w = 1;
  std::uint32_t c = 1;

  [[nodiscard]] constexpr std::uint64_t elements() const { return std::uint64_t{h} * w * c; }
  friend constexpr bool operator==(const Shape&, const Shape&) = default;
};

/// Limits that keep every product of sizes inside 32 bits where kernels count.
inline constexpr std::uint32_t kMaxDimension = 1U << 20;
inline constexpr std::uint64_t kMaxElements = 1U << 28;
/// Planning keeps some 15 bits a layer on the stack: firmware that makes plans at run time may set a lower limit, in
/// the whole program.
#if defined(MOTE_MAX_LAYERS)
inline constexpr std::size_t kMaxLayers = MOTE_MAX_LAYERS;
#else
inline constexpr std::size_t kMaxLayers = 4096;
#endif
static_assert(kMaxLayers >= 64 && kMaxLayers <= 16384 && kMaxLayers % 64 == 0, "MOTE_MAX_LAYERS: 64 to 16384, by 64");

/// real = (quantised - zero_point) * scale. A float32 tensor has scale 0 and zero point 0.
struct Quantization {
  float scale = 0.0F;
  std::int32_t zero_point = 0;
  friend constexpr bool operator==(const Quantization&, const Quantization&) = default;
};

/// Memory for arenas and model files from containers, which align by type: std::byte asks for no alignment, and a
/// std::vector<std::byte> is 8-byte aligned on 32-bit machines. std::vector<Block> arena(blocks_for(bytes)), handed
/// over as std::as_writable_bytes(std::span(arena)), is aligned for every default and for wide vectors.
struct alignas(64) Block {
  std::byte bytes[64];
};
/// Blocks that hold this many bytes.
constexpr std::size_t blocks_for(std::size_t bytes) { return bytes / sizeof(Block) + (bytes % sizeof(Block) != 0); }

template <class Size>
constexpr Size align_up(Size value, std::type_identity_t<Size> alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

}  // namespace mote
