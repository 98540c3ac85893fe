// SPDX-License-Identifier: Apache-2.0
// CRC-32 against its published check value, against bit-by-bit division, and in pieces.
#include "model/crc32.hpp"

#include "check.hpp"
#include "unit/random_graph.hpp"

namespace mote {
namespace {

std::span<const std::byte> bytes_of_text(const char* text, std::size_t count) {
  return {reinterpret_cast<const std::byte*>(text), count};
}

std::uint32_t bit_by_bit(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const std::byte byte : bytes)
    for (unsigned bit = 0; bit < 8; ++bit) {
      const bool odd = ((crc ^ (static_cast<std::uint32_t>(byte) >> bit)) & 1U) != 0;
      crc = (crc >> 1U) ^ (odd ? 0xEDB88320U : 0U);
    }
  return ~crc;
}

TEST(crc32, published_values) {
  EXPECT_EQ(crc32(bytes_of_text("123456789", 9)), 0xCBF43926U);
  EXPECT_EQ(crc32({}), 0U);
  EXPECT_EQ(crc32(bytes_of_text("The quick brown fox jumps over the lazy dog", 43)), 0x414FA339U);
  constexpr std::array<std::byte, 4> zeros{};
  static_assert(crc32(zeros) == 0x2144DF1CU);
}

TEST(crc32, agrees_with_division_and_continues_over_pieces) {
  test::Random random(1);
  std::array<std::byte, 200> bytes;
  for (std::byte& b : bytes) b = static_cast<std::byte>(random.bits());
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto all = std::span<const std::byte>(bytes).first(size);
    EXPECT_EQ(crc32(all), bit_by_bit(all)) << size;
    const std::size_t cut = random.below(static_cast<std::uint32_t>(size) + 1);
    EXPECT_EQ(crc32(all.subspan(cut), crc32(all.first(cut))), crc32(all)) << size << " " << cut;
  }
}

TEST(crc32, finds_every_flipped_bit) {
  std::array<std::byte, 64> bytes{};
  const std::uint32_t whole = crc32(bytes);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_NE(crc32(bytes), whole) << bit;
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
  }
}

}  // namespace
}  // namespace mote
