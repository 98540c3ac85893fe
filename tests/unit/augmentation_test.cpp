// SPDX-License-Identifier: Apache-2.0
// Shifts and flips against index arithmetic for every distance and shape, and how often each change is drawn.
#include "mote/train/augmentation.hpp"

#include <algorithm>
#include <array>

#include "check.hpp"

namespace mote {
namespace {

constexpr Shape kShapes[] = {{5, 4, 3}, {4, 5, 1}, {1, 6, 2}, {7, 1, 1}, {1, 1, 9}};

void number(std::span<float> values) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i + 1);
}

TEST(augmentation, a_shift_moves_every_pixel_and_fills_with_background) {
  std::array<float, 64> before{}, after{};
  for (const Shape& shape : kShapes) {
    const auto size = static_cast<std::size_t>(shape.elements());
    const auto h = static_cast<int>(shape.h), w = static_cast<int>(shape.w), c = static_cast<int>(shape.c);
    for (int down = -h - 1; down <= h + 1; ++down)
      for (int right = -w - 1; right <= w + 1; ++right) {
        number(std::span(before).first(size));
        after = before;
        shift_image(std::span(after).first(size), shape, down, right, -1.0F);
        for (int y = 0; y < h; ++y)
          for (int x = 0; x < w; ++x)
            for (int k = 0; k < c; ++k) {
              const int from_y = y - down, from_x = x - right;
              const bool inside = from_y >= 0 && from_y < h && from_x >= 0 && from_x < w;
              const float wanted = inside ? before[static_cast<std::size_t>((from_y * w + from_x) * c + k)] : -1.0F;
              ASSERT_EQ(after[static_cast<std::size_t>((y * w + x) * c + k)], wanted)
                  << "shape " << h << "x" << w << "x" << c << ", by " << down << ", " << right;
            }
      }
  }
}

TEST(augmentation, a_flip_mirrors_rows_and_twice_is_none) {
  std::array<float, 64> before{}, after{};
  for (const Shape& shape : kShapes) {
    const auto sample = std::span(after).first(static_cast<std::size_t>(shape.elements()));
    number(sample);
    before = after;
    flip_image(sample, shape);
    for (std::uint32_t y = 0; y < shape.h; ++y)
      for (std::uint32_t x = 0; x < shape.w; ++x)
        for (std::uint32_t k = 0; k < shape.c; ++k)
          ASSERT_EQ(after[(y * shape.w + x) * shape.c + k], before[(y * shape.w + shape.w - 1 - x) * shape.c + k]);
    flip_image(sample, shape);
    EXPECT_TRUE(before == after);
  }
}

TEST(augmentation, draws_every_distance_equally_often_and_repeats_itself) {
  const Shape shape{9, 9, 1};
  std::array<float, 81> sample{};
  std::array<std::array<int, 5>, 5> counts{};
  int flipped = 0;
  for (std::uint64_t n = 0; n < 2500; ++n) {
    sample = {};
    sample[4 * 9 + 4] = 1.0F;
    augment(sample, shape, {.shift = 2}, 3, n);
    const auto at = static_cast<std::size_t>(std::find(sample.begin(), sample.end(), 1.0F) - sample.begin());
    ASSERT_LT(at, sample.size());
    ++counts[at / 9 - 2][at % 9 - 2];
    sample = {};
    sample[0] = 1.0F;
    augment(sample, shape, {.flip = true}, 3, n);
    flipped += sample[8] == 1.0F ? 1 : 0;
  }
  for (const auto& row : counts)
    for (const int n : row) EXPECT_NEAR(n, 100.0, 50.0);  // five standard deviations
  EXPECT_NEAR(flipped, 1250.0, 125.0);

  std::array<float, 81> again{}, other{};
  number(sample), number(again), number(other);
  const Augmentation all{.shift = 3, .flip = true, .noise = 0.5F};
  augment(sample, shape, all, 11, 42);
  augment(again, shape, all, 11, 42);
  augment(other, shape, all, 11, 43);
  EXPECT_TRUE(sample == again);
  EXPECT_FALSE(sample == other);
  number(again), number(other);
  augment(again, shape, {}, 11, 42);
  EXPECT_TRUE(again == other);
  EXPECT_FALSE(Augmentation{}.any());
}

}  // namespace
}  // namespace mote
