// SPDX-License-Identifier: Apache-2.0
// CRC-32 as in IEEE 802.3, zip and PNG: polynomial 0xEDB88320 reflected, start and end complemented.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace mote {

namespace detail {
// Four bits at a time: 64 bytes of table, where the byte-wise one would cost a kilobyte of flash.
constexpr std::array<std::uint32_t, 16> crc32_table() {
  std::array<std::uint32_t, 16> table{};
  for (std::uint32_t i = 0; i < 16; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 4; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
    table[i] = crc;
  }
  return table;
}
inline constexpr std::array<std::uint32_t, 16> kCrc32Table = crc32_table();
}  // namespace detail

/// Continues `crc` (0 at the start) over `bytes`: crc32(b, crc32(a)) is the CRC of a followed by b.
constexpr std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t crc = 0) {
  crc = ~crc;
  for (const std::byte byte : bytes) {
    crc ^= static_cast<std::uint32_t>(byte);
    crc = (crc >> 4U) ^ detail::kCrc32Table[crc & 15U];
    crc = (crc >> 4U) ^ detail::kCrc32Table[crc & 15U];
  }
  return ~crc;
}

}  // namespace mote
