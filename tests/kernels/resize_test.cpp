// SPDX-License-Identifier: Apache-2.0
// Resizing with every rule of coordinates and rounding, up and down, against the definition; the gradients as the
// transposed map; numbers of ONNX's examples; and their bits.
#include "reference/resize.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "instruction_set.hpp"
#include "kernels/guarded.hpp"

namespace mote {
namespace {

using test::memory;
using test::Numbers;

constexpr float kNaN = __builtin_nanf("");
constexpr ResizeCoordinates kCoordinates[] = {ResizeCoordinates::half_pixel, ResizeCoordinates::asymmetric,
                                              ResizeCoordinates::align_corners, ResizeCoordinates::pytorch_half_pixel,
                                              ResizeCoordinates::tf_half_pixel_for_nn};
constexpr ResizeRounding kRoundings[] = {ResizeRounding::round_prefer_floor, ResizeRounding::round_prefer_ceil,
                                         ResizeRounding::floor, ResizeRounding::ceil};
constexpr ResizeSizes kSizes[] = {{2, 3, 4, 6, 8, 5},  {1, 8, 8, 4, 2, 20}, {1, 5, 7, 11, 3, 1},
                                  {2, 1, 6, 1, 50, 3}, {1, 4, 1, 1, 1, 40}, {1, 2, 2, 7, 70, 2}};

ResizeRule rule_of(const ResizeSizes& s, ResizeCoordinates coordinates, ResizeRounding rounding, bool inverse) {
  const auto ratio = [&](std::uint32_t in, std::uint32_t out) {
    if (inverse && coordinates == ResizeCoordinates::align_corners)
      return out == 1 ? 0.0F : static_cast<float>(in - 1) / static_cast<float>(out - 1);
    return inverse ? static_cast<float>(in) / static_cast<float>(out)
                   : static_cast<float>(out) / static_cast<float>(in);
  };
  return {coordinates, rounding, inverse, ratio(s.in_h, s.out_h), ratio(s.in_w, s.out_w)};
}

struct Places {
  double y, x;
};
Places places(const ResizeSizes& s, const ResizeRule& r, std::size_t y, std::size_t x) {
  return {reference::resize_place(r.coordinates, static_cast<double>(y), s.in_h, s.out_h,
                                  static_cast<double>(s.in_h) / s.out_h),
          reference::resize_place(r.coordinates, static_cast<double>(x), s.in_w, s.out_w,
                                  static_cast<double>(s.in_w) / s.out_w)};
}
/// Whether rounding in float32 may decide otherwise than in double: at a tie or an integer that is not exact in both.
bool undecided(double place, float nearest_to) {
  const double twice = 2.0 * place;
  return std::fabs(twice - std::nearbyint(twice)) < 1e-5 && static_cast<double>(nearest_to) != place;
}

struct Arrays {
  ResizeSizes s;
  float *input, *output, *grad_output, *grad_input;
  double* expected;
  explicit Arrays(const ResizeSizes& sizes) : s(sizes) {
    memory.reset();
    input = memory.take(inputs(), 1), output = memory.take(outputs(), 2);
    grad_output = memory.take(outputs(), 3), grad_input = memory.take(inputs(), 5);
    expected = memory.take_doubles(std::max(inputs(), outputs()));
    Numbers numbers(s.out_w);
    numbers.fill(input, inputs()), numbers.fill(grad_output, outputs());
  }
  [[nodiscard]] std::size_t inputs() const { return std::size_t{s.batch} * s.in_h * s.in_w * s.channels; }
  [[nodiscard]] std::size_t outputs() const { return std::size_t{s.batch} * s.out_h * s.out_w * s.channels; }
  template <class Body>
  void each_output(const Body& body) const {
    std::size_t i = 0;
    for (std::size_t n = 0; n < s.batch; ++n)
      for (std::size_t y = 0; y < s.out_h; ++y)
        for (std::size_t x = 0; x < s.out_w; ++x)
          for (std::size_t c = 0; c < s.channels; ++c) body(i++, n, y, x, c);
  }
  [[nodiscard]] std::size_t at(std::size_t n, std::size_t y, std::size_t x, std::size_t c) const {
    return ((n * s.in_h + y) * s.in_w + x) * s.channels + c;
  }
};

template <class Element>
void check_nearest(const Arrays& a, const ResizeRule& rule) {
  auto *input = reinterpret_cast<std::byte*>(a.input), *output = reinterpret_cast<std::byte*>(a.output);
  for (std::uint32_t share = 0; share < 3; ++share)
    kernels::resize_nearest_bytes({input, output, sizeof(Element), a.s, rule, {share, 3}});
  a.each_output([&](std::size_t i, std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
    const Places p = places(a.s, rule, y, x);
    if (undecided(p.y, static_cast<float>(p.y)) || undecided(p.x, static_cast<float>(p.x))) return;
    const std::size_t from = a.at(n, reference::resize_nearest(rule.rounding, p.y, a.s.in_h),
                                  reference::resize_nearest(rule.rounding, p.x, a.s.in_w), c);
    for (std::size_t b = 0; b < sizeof(Element); ++b)
      ASSERT_EQ(output[i * sizeof(Element) + b], input[from * sizeof(Element) + b])
          << "rule " << static_cast<int>(rule.coordinates) << ", " << static_cast<int>(rule.rounding) << " at " << y
          << ", " << x;
  });
}

TEST(resize, nearest_with_every_rule) {
  for (const ResizeSizes& s : kSizes) {
    for (const ResizeCoordinates coordinates : kCoordinates) {
      for (const ResizeRounding rounding : kRoundings) {
        for (const bool inverse : {false, true}) {
          const Arrays a(s);
          const ResizeRule rule = rule_of(s, coordinates, rounding, inverse);
          check_nearest<std::uint32_t>(a, rule);
          check_nearest<std::uint16_t>(a, rule);
          check_nearest<std::uint8_t>(a, rule);
          EXPECT_TRUE(memory.intact());
        }
      }
    }
  }
}

TEST(resize, bilinear_with_every_rule_and_its_gradient) {
  for (const ResizeSizes& s : kSizes) {
    for (const ResizeCoordinates coordinates : kCoordinates) {
      for (const bool inverse : {false, true}) {
        const Arrays a(s);
        const ResizeRule rule = rule_of(s, coordinates, ResizeRounding::floor, inverse);
        const auto weight = [&](std::size_t y, std::size_t x, std::size_t k, std::size_t l) {
          const Places p = places(s, rule, y, x);
          return reference::hat(p.y, s.in_h, k) * reference::hat(p.x, s.in_w, l);
        };
        a.each_output([&](std::size_t i, std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
          a.expected[i] = 0.0;
          for (std::size_t k = 0; k < s.in_h; ++k)
            for (std::size_t l = 0; l < s.in_w; ++l)
              a.expected[i] += weight(y, x, k, l) * static_cast<double>(a.input[a.at(n, k, l, c)]);
        });
        for (std::uint32_t share = 0; share < 3; ++share)
          kernels::resize_bilinear_f32({a.input, a.output, s, rule, {share, 3}});
        EXPECT_LE(test::worst_error(a.output, a.expected, a.outputs()), 3e-6) << static_cast<int>(coordinates);

        std::fill(a.expected, a.expected + a.inputs(), 0.0);
        a.each_output([&](std::size_t i, std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
          for (std::size_t k = 0; k < s.in_h; ++k)
            for (std::size_t l = 0; l < s.in_w; ++l)
              a.expected[a.at(n, k, l, c)] += weight(y, x, k, l) * static_cast<double>(a.grad_output[i]);
        });
        for (std::uint32_t share = 0; share < 2; ++share)
          kernels::resize_bilinear_grad_f32({a.grad_output, a.grad_input, s, rule, {share, 2}});
        EXPECT_LE(test::worst_error(a.grad_input, a.expected, a.inputs()), 2e-5) << static_cast<int>(coordinates);
        EXPECT_TRUE(memory.intact());
      }
    }
  }
}

/// The gradient is the transposed map: <grad_output, resize(x)> = <resize_grad(grad_output), x> for every rule.
TEST(resize, gradient_of_nearest_goes_where_the_value_came_from) {
  for (const ResizeSizes& s : kSizes) {
    for (const ResizeCoordinates coordinates : kCoordinates) {
      for (const ResizeRounding rounding : kRoundings) {
        const Arrays a(s);
        const ResizeRule rule = rule_of(s, coordinates, rounding, false);
        for (std::size_t i = 0; i < a.inputs(); ++i) a.input[i] = static_cast<float>(i);  // each names itself
        kernels::resize_nearest_bytes(
            {reinterpret_cast<const std::byte*>(a.input), reinterpret_cast<std::byte*>(a.output), 4, s, rule});
        std::fill(a.expected, a.expected + a.inputs(), 0.0);
        for (std::size_t i = 0; i < a.outputs(); ++i)
          a.expected[static_cast<std::size_t>(a.output[i])] += static_cast<double>(a.grad_output[i]);
        for (std::uint32_t share = 0; share < 2; ++share)
          kernels::resize_nearest_grad_f32({a.grad_output, a.grad_input, s, rule, {share, 2}});
        EXPECT_LE(test::worst_error(a.grad_input, a.expected, a.inputs()), 1e-5);
        EXPECT_TRUE(memory.intact());
      }
    }
  }
}

/// Rows of ONNX's documentation: 1 2 3 4 down and 1 2 up, along w.
TEST(resize, numbers_of_the_examples) {
  const float four[] = {1.0F, 2.0F, 3.0F, 4.0F}, two[] = {1.0F, 2.0F};
  float y[8];
  const auto expect = [&](std::size_t count, const float* expected) {
    for (std::size_t i = 0; i < count; ++i) EXPECT_NEAR(y[i], expected[i], 1e-6F) << i;
  };
  ResizeRule rule{ResizeCoordinates::half_pixel, ResizeRounding::round_prefer_floor, false, 1.0F, 2.0F};
  kernels::resize_bilinear_f32({two, y, {1, 1, 2, 1, 4, 1}, rule});
  expect(4, std::array{1.0F, 1.25F, 1.75F, 2.0F}.data());
  rule.coordinates = ResizeCoordinates::align_corners;
  kernels::resize_bilinear_f32({two, y, {1, 1, 2, 1, 4, 1}, rule});
  expect(4, std::array{1.0F, 4.0F / 3.0F, 5.0F / 3.0F, 2.0F}.data());
  rule = {ResizeCoordinates::half_pixel, ResizeRounding::round_prefer_floor, false, 1.0F, 0.6F};
  kernels::resize_bilinear_f32({four, y, {1, 1, 4, 1, 2, 1}, rule});  // the scale, not the sizes' ratio
  expect(2, std::array{1.0F + 1.0F / 3.0F, 3.0F}.data());
}

TEST(resize, same_bits_everywhere) {
  if (!check::kFused) return;
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const ResizeSizes& s : kSizes) {
    for (const ResizeCoordinates coordinates : kCoordinates) {
      const Arrays a(s);
      const ResizeRule rule = rule_of(s, coordinates, ResizeRounding::floor, false);
      std::fill(a.output, a.output + a.outputs(), kNaN);
      kernels::resize_bilinear_f32({a.input, a.output, s, rule});
      hash = test::hash_bits(a.output, a.outputs(), hash);
      kernels::resize_bilinear_grad_f32({a.grad_output, a.grad_input, s, rule});
      hash = test::hash_bits(a.grad_input, a.inputs(), hash);
      kernels::resize_nearest_grad_f32({a.grad_output, a.grad_input, s, rule});
      hash = test::hash_bits(a.grad_input, a.inputs(), hash);
    }
  }
  EXPECT_EQ(hash, 0x95831FD00C42814CU);
}

}  // namespace
}  // namespace mote
