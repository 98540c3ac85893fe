// SPDX-License-Identifier: Apache-2.0
// The choice of kernels at run time: names, refusals, and the same bits from every set with fused multiply-add.
#include "mote/kernels/isa.hpp"

#include <array>
#include <string_view>

#include "check.hpp"
#include "mote/kernels/kernels.hpp"

namespace mote {
namespace {

/// dense_f32 on 5 x 37 x 19 with the set in use.
std::array<float, 95> run_dense() {
  std::array<float, 5 * 37> x{};
  std::array<float, 37 * 19> weights{};
  std::array<float, 19> bias{};
  std::array<float, 95> y{};
  std::uint32_t state = 1;
  const auto fill = [&](std::span<float> values) {
    for (float& value : values) {
      state = state * 1664525U + 1013904223U;
      value = static_cast<float>(state >> 8U) * 0x1p-23F - 1.0F;
    }
  };
  fill(x), fill(weights), fill(bias);
  kernels::dense_f32({x.data(), weights.data(), bias.data(), y.data(), 5, 37, 19});
  return y;
}

TEST(isa, the_best_set_is_in_use_until_another_is_wished) {
  ASSERT_NE(runnable_isa(0), nullptr);
  EXPECT_STREQ(isa_name(), runnable_isa(0));
  const std::array<float, 95> best = run_dense();
  std::size_t count = 0;
  for (; runnable_isa(count) != nullptr; ++count) {
    ASSERT_TRUE(use_isa(runnable_isa(count)));
    EXPECT_STREQ(isa_name(), runnable_isa(count));
    if (std::string_view(isa_name()) != "baseline") {
      EXPECT_TRUE(run_dense() == best) << isa_name();
    }
  }
  EXPECT_GE(count, 1U);
  EXPECT_TRUE(use_isa(runnable_isa(0)));
}

TEST(isa, unknown_names_are_refused_and_change_nothing) {
  const char* const before = isa_name();
  for (const char* name : {"", "avx", "avx5122", "AVX2", "sparc"}) EXPECT_FALSE(use_isa(name)) << name;
  EXPECT_STREQ(isa_name(), before);
}

}  // namespace
}  // namespace mote
