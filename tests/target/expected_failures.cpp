// SPDX-License-Identifier: Apache-2.0
// Expectations that must fail, one of each kind: the proof that the bare-metal runner sees, counts and shows failures.
// expected_failures.cmake looks for the texts and for the exit code 7.
#include "check.hpp"

#include <cstddef>
#include <cstdint>

namespace {

struct Opaque {
  int value[3];
  friend bool operator==(const Opaque&, const Opaque&) = default;
};

}  // namespace

TEST(ExpectedFailures, Integers) {
  const std::size_t size = 4;
  EXPECT_EQ(size, 4);
  EXPECT_EQ(size, 5) << "the streamed " << 1.5F << " text";  // 1
  EXPECT_LT(INT64_MIN, INT64_MAX);
  EXPECT_GT(INT64_MIN, -1) << "";  // 2
}

TEST(ExpectedFailures, Reals) {
  EXPECT_NEAR(1.0, 1.0 + 1e-9, 1e-8);
  EXPECT_FLOAT_EQ(1.0F, 1.0F + 0x1p-23F);
  EXPECT_NEAR(-0.000123456789, 1234567.891, 1e-8);  // 3
  const double not_a_number = __builtin_nan("");
  EXPECT_NEAR(not_a_number, 1.0, 1e300);  // 4
}

TEST(ExpectedFailures, AssertLeavesTheTest) {
  const int* null = nullptr;
  EXPECT_EQ(null, nullptr);
  EXPECT_EQ((Opaque{{1, 2, 3}}), (Opaque{{1, 2, 3}}));
  SCOPED_TRACE("the trace");
  ASSERT_TRUE(null != nullptr);  // 5
  FAIL() << "an ASSERT that failed did not leave the test";
}

TEST(ExpectedFailures, ElseBelongsToTheOuterIf) {
  bool reached = false;
  if (static_cast<std::size_t>(1) == 2)
    EXPECT_TRUE(true);
  else
    reached = true;
  EXPECT_TRUE(reached);
  EXPECT_FALSE(reached);          // 6
  EXPECT_STREQ("left", "right");  // 7
}
