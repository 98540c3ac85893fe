// SPDX-License-Identifier: Apache-2.0
// What the facade takes from the processor, the compiler's library or itself, against exact integers: fused
// multiply-add, square root, division and conversions. Kernels keep their bits on a machine that passes this.
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "simd/scalar.hpp"

namespace mote {
namespace {

#if defined(MOTE_BARE_METAL)
constexpr int kSamples = 4000;
#else
constexpr int kSamples = 300'000;
#endif

constexpr std::uint32_t kInfinity = 0x7F80'0000U, kSign = 0x8000'0000U, kQuiet = 0x7FC0'0000U;

float real(std::uint32_t word) { return std::bit_cast<float>(word); }
std::uint32_t word_of(float value) { return value != value ? kQuiet : std::bit_cast<std::uint32_t>(value); }

/// A non-negative integer of 640 bits, in units of 2^-298: any product of two floats, and any float, exactly.
class Exact {
 public:
  /// m 2^e, e >= -298.
  void add(std::uint64_t m, int e) {
    const auto shift = static_cast<std::size_t>(e + 298);
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < kWords; ++i) {
      std::uint64_t part = 0;  // of m, in word i
      const std::ptrdiff_t low = static_cast<std::ptrdiff_t>(32 * i) - static_cast<std::ptrdiff_t>(shift);
      if (low >= 64 || low <= -32)
        part = 0;
      else
        part = low >= 0 ? m >> low : m << -low;
      const std::uint64_t sum = std::uint64_t{words_[i]} + (part & 0xFFFF'FFFFU) + carry;
      words_[i] = static_cast<std::uint32_t>(sum);
      carry = sum >> 32;
    }
  }
  [[nodiscard]] bool less(const Exact& other) const {
    for (std::size_t i = kWords; i-- > 0;)
      if (words_[i] != other.words_[i]) return words_[i] < other.words_[i];
    return false;
  }
  void subtract(const Exact& other) {
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < kWords; ++i) {
      const std::uint64_t difference = std::uint64_t{words_[i]} - other.words_[i] - borrow;
      words_[i] = static_cast<std::uint32_t>(difference);
      borrow = difference >> 63;
    }
  }
  [[nodiscard]] bool bit(int at) const {
    return at >= 0 && (words_[static_cast<std::size_t>(at) / 32] >> (at % 32) & 1U) != 0;
  }
  /// To the nearest float, ties to even: its bits without sign.
  [[nodiscard]] std::uint32_t rounded() const {
    int top = static_cast<int>(32 * kWords) - 1;
    while (top >= 0 && !bit(top)) --top;
    if (top < 0) return 0;
    const int last = top - 23 > 149 ? top - 23 : 149;  // the float's last bit: 2^(last - 298), 2^-149 at least
    std::uint32_t m = 0;
    for (int i = top; i >= last; --i) m = 2 * m + (bit(i) ? 1U : 0U);
    bool below = false;
    for (int i = 0; i < last - 1 && !below; ++i) below = bit(i);
    if (bit(last - 1) && (below || (m & 1U) != 0)) ++m;
    const std::uint32_t word = (static_cast<std::uint32_t>(last - 149) << 23) + m;  // a carry goes where it should
    return word < kInfinity ? word : kInfinity;
  }
  [[nodiscard]] bool zero() const {
    for (const std::uint32_t word : words_)
      if (word != 0) return false;
    return true;
  }

 private:
  static constexpr std::size_t kWords = 20;
  std::array<std::uint32_t, kWords> words_{};
};

struct Parts {
  std::uint32_t m;
  int e;
};
Parts parts(std::uint32_t word) {
  const std::uint32_t exponent = word >> 23 & 0xFFU, fraction = word & 0x7F'FFFFU;
  return exponent == 0 ? Parts{fraction, -149} : Parts{fraction | 0x80'0000U, static_cast<int>(exponent) - 150};
}

/// a b + c by the standard's text.
std::uint32_t exact_mul_add(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  const auto magnitude = [](std::uint32_t word) { return word & ~kSign; };
  const std::uint32_t sign = (a ^ b) & kSign;
  if (magnitude(a) > kInfinity || magnitude(b) > kInfinity || magnitude(c) > kInfinity) return kQuiet;
  if (magnitude(a) == kInfinity || magnitude(b) == kInfinity) {
    if (magnitude(a) == 0 || magnitude(b) == 0) return kQuiet;
    return magnitude(c) == kInfinity && (c & kSign) != sign ? kQuiet : sign | kInfinity;
  }
  if (magnitude(c) == kInfinity) return c;
  const Parts pa = parts(a), pb = parts(b), pc = parts(c);
  Exact product, summand;
  product.add(std::uint64_t{pa.m} * pb.m, pa.e + pb.e);
  summand.add(pc.m, pc.e);
  if (sign == (c & kSign)) {
    product.add(pc.m, pc.e);
    return sign | product.rounded();
  }
  if (product.less(summand)) {
    summand.subtract(product);
    return (c & kSign) | summand.rounded();
  }
  product.subtract(summand);
  return product.zero() ? 0 : sign | product.rounded();
}

class Words {
 public:
  std::uint64_t next() {
    state_ ^= state_ << 13, state_ ^= state_ >> 7, state_ ^= state_ << 17;
    return state_;
  }
  /// Bits of every kind: denormals, the largest, powers of two, neighbours of them, few ones, infinities and NaN.
  std::uint32_t hard() {
    const std::uint64_t draw = next();
    const auto word = static_cast<std::uint32_t>(draw);
    const auto place = static_cast<std::uint32_t>(draw >> 32 & 0xFFU);
    switch (draw >> 60) {
      case 0: return word & (kSign | 0x7F'FFFFU);
      case 1: return (word & (kSign | 0x7F'FFFFU)) | 0x7F00'0000U;
      case 2: return word & (kSign | kInfinity);
      case 3: return (word & kSign) | (((word & kInfinity) - 1U + place % 3U) & ~kSign);
      case 4: return word | (0x7F'FFFFU & ~(1U << place % 23U));
      case 5: return (word & (kSign | kInfinity)) | 1U << place % 23U;
      case 6: return word & kSign;
      case 7: return (word & (kSign | 0x7F'FFFFU)) | (64U + place % 8U) << 23;  // products at the denormals' border
      case 8:
      case 9:
      case 10:
      case 11: return (word & (kSign | 0x7F'FFFFU)) | (112U + place % 32U) << 23;
      default: return word;
    }
  }

 private:
  std::uint64_t state_ = 0x9E37'79B9'7F4A'7C15U;
};

TEST(arithmetic, fused_multiply_add_rounds_once) {
  Words words;
  const auto check = [](std::uint32_t a, std::uint32_t b, std::uint32_t c) {
    const std::uint32_t expected = exact_mul_add(a, b, c);
    const std::uint32_t in_integers = word_of(simd::integer::mul_add(real(a), real(b), real(c)));
    EXPECT_EQ(in_integers, expected) << a << " " << b << " " << c;
    if (!simd::kFused) return in_integers == expected;
    const std::uint32_t facade = word_of(simd::scalar_mul_add(real(a), real(b), real(c)));
    EXPECT_EQ(facade, expected) << a << " " << b << " " << c;
    const std::uint32_t negated = word_of(simd::scalar_neg_mul_add(real(a ^ kSign), real(b), real(c)));
    EXPECT_EQ(negated, expected) << a << " " << b << " " << c;
    return in_integers == expected && facade == expected && negated == expected;
  };
  // A sum in double rounds twice here: half an ulp and a little more.
  ASSERT_TRUE(check(0x397F'FE00U, 0x3980'0100U, 0x3F80'0001U));
  EXPECT_EQ(exact_mul_add(0x397F'FE00U, 0x3980'0100U, 0x3F80'0001U), 0x3F80'0001U);
  constexpr std::array<std::uint32_t, 14> kEdges{0,           1,           0x7F'FFFF,   0x80'0000,   0x80'0001,
                                                 0x3F80'0000, 0x3F7F'FFFF, 0x3F80'0001, 0x7F7F'FFFF, 0x7F80'0000,
                                                 0x7FC0'0000, 0x3400'0000, 0x1F80'0000, 0x5F80'0000};
  for (const std::uint32_t a : kEdges)
    for (const std::uint32_t b : kEdges)
      for (const std::uint32_t c : kEdges)
        for (const std::uint32_t signs : {0U, 1U, 2U, 3U})
          ASSERT_TRUE(check(a ^ (signs & 1U) << 31, b, c ^ (signs & 2U) << 30));
  for (int i = 0; i < kSamples; ++i) {
    const std::uint32_t a = words.hard(), b = words.hard();
    std::uint32_t c = words.hard();
    switch (i % 4) {
      case 0: c = word_of(-real(a) * real(b)) + static_cast<std::uint32_t>(words.next() % 3U) - 1U; break;  // cancels
      case 1: {  // 20 to 51 times as large as the product, either sign: ties and what is just beside them
        const auto steps = static_cast<std::uint32_t>(20U + words.next() % 32U);
        const std::uint32_t product = word_of(real(a) * real(b));
        c = (product & kInfinity) + (steps << 23) < kInfinity ? (product & (kSign | kInfinity)) + (steps << 23) : c;
        c ^= static_cast<std::uint32_t>(words.next() & 1U) << 31 | static_cast<std::uint32_t>(words.next() & 1U);
        break;
      }
      default: break;
    }
    ASSERT_TRUE(check(a, b, c));
  }
}

/// The nearest float to n / d, ties to even, n and d of at most 2^63 and 2^24, the quotient in the normal range.
std::uint32_t exact_quotient(std::uint32_t n, std::uint32_t d) {
  int e = 0;
  std::uint64_t scaled = n;
  while (scaled < std::uint64_t{d} << 24) scaled <<= 1, --e;
  while (scaled >= std::uint64_t{d} << 25) d <<= 1, ++e;
  std::uint64_t m = scaled / d;  // 25 bits, the last below the float's
  const bool below = scaled % d != 0;
  const bool half = (m & 1U) != 0;
  m >>= 1;
  if (half && (below || (m & 1U) != 0)) ++m;
  return static_cast<std::uint32_t>((static_cast<std::uint64_t>(e + 1 + 149) << 23) + m);
}

TEST(arithmetic, roots_quotients_and_conversions_are_the_nearest) {
  Words words;
  for (int i = 0; i < kSamples; ++i) {
    // sqrt: (2 r - 1)^2 < 4 x < (2 r + 1)^2 for the integers r of 24 bits and x = mantissa 2^even.
    const std::uint32_t x = (words.hard() & ~kSign) % kInfinity;
    const std::uint32_t root = word_of(simd::scalar_sqrt(real(x)));
    if (x == 0) {
      ASSERT_EQ(root, 0U);
    } else {
      Parts px = parts(x);
      while (px.m < 0x80'0000U) px.m <<= 1, --px.e;
      std::uint64_t radicand = std::uint64_t{px.m} << 23;
      int e = px.e - 23;
      if (e % 2 != 0) radicand <<= 1, --e;
      const Parts pr = parts(root);
      ASSERT_EQ(2 * pr.e, e) << x;
      const std::uint64_t r = 2 * std::uint64_t{pr.m};
      ASSERT_TRUE((r - 1) * (r - 1) < 4 * radicand && 4 * radicand < (r + 1) * (r + 1)) << x << " gives " << root;
    }
    const auto n = static_cast<std::uint32_t>(words.next() >> 40) | 1U;
    const auto d = static_cast<std::uint32_t>(words.next() >> 40) | 1U;
    ASSERT_EQ(word_of(static_cast<float>(n) / static_cast<float>(d)), exact_quotient(n, d)) << n << " / " << d;
    const std::uint64_t wide = words.next() >> words.next() % 63U;
    Exact integer;
    integer.add(wide, 0);
    ASSERT_EQ(word_of(static_cast<float>(wide)), integer.rounded()) << wide;
    const auto narrow = static_cast<std::uint32_t>(wide);
    Exact low;
    low.add(narrow, 0);
    ASSERT_EQ(word_of(static_cast<float>(narrow)), low.rounded()) << narrow;
    ASSERT_EQ(word_of(static_cast<float>(static_cast<double>(narrow) * 0x1p-20)),
              narrow == 0 ? 0 : low.rounded() - (20U << 23))
        << narrow;
  }
}

}  // namespace
}  // namespace mote
