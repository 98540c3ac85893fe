// SPDX-License-Identifier: Apache-2.0
// GoogleTest's macros for a processor without operating system: tests that include only check.hpp run there unchanged.
// Relies on the four functions of check_bare_metal.cpp. No heap, no stdio; a message is written as it is streamed.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace mote::check {

/// A test, linked into the list of all tests by its constructor.
struct Test {
  Test(const char* suite_name, const char* test_name, void (*function)());
  const char* suite;
  const char* name;
  void (*body)();
  Test* next = nullptr;
};

/// Text that every failure shows while it is alive (SCOPED_TRACE).
struct Trace {
  Trace(const char* file_name, int line_number, const char* message);
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;
  ~Trace();
  const char* file;
  int line;
  const char* text;
  Trace* outer;
};

void print(const char* text);
void print_integer(std::uint64_t magnitude, bool negative);
void print_real(double value);  // nine significant digits

/// Where an expectation stands and how it reads; `right` is nullptr where there is one argument.
struct Place {
  const char* file;
  int line;
  const char* macro;
  const char* left;
  const char* right;
};
/// Starts the report of a failed expectation and counts it.
void begin_failure(const Place& place);

template <class T>
void print_value(const T& value) {
  using Plain = std::remove_cvref_t<T>;
  if constexpr (std::same_as<Plain, bool>) {
    print(value ? "true" : "false");
  } else if constexpr (std::floating_point<Plain>) {
    print_real(static_cast<double>(value));
  } else if constexpr (std::is_enum_v<Plain>) {
    print_value(static_cast<std::underlying_type_t<Plain>>(value));
  } else if constexpr (std::integral<Plain>) {
    if constexpr (std::signed_integral<Plain>) {
      const bool negative = value < 0;
      const auto bits = static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
      print_integer(negative ? 0U - bits : bits, negative);
    } else {
      print_integer(value, false);
    }
  } else if constexpr (std::is_null_pointer_v<Plain>) {
    print("nullptr");
  } else if constexpr (std::is_convertible_v<T, const char*>) {
    const char* const text = value;
    print(text != nullptr ? text : "nullptr");
  } else if constexpr (std::is_pointer_v<Plain>) {
    print_integer(reinterpret_cast<std::uintptr_t>(value), false);
  } else {
    print("(an object of ");
    print_integer(sizeof(T), false);
    print(" bytes)");
  }
}

/// What is streamed after a failed expectation.
struct Message {
  template <class T>
  const Message& operator<<(const T& value) const {
    print_value(value);
    return *this;
  }
};

/// Ends the report. Its assignment makes `return Report{} = Message{} << …;` a statement of a void function.
struct Report {
  void operator=(const Message&) const { print("\n"); }
};

bool same_text(const char* a, const char* b);
bool within_four_ulps(float a, float b);

// Like GoogleTest, these compare a std::size_t with a literal without a warning.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
inline constexpr auto kEqual = [](const auto& a, const auto& b) { return a == b; };
inline constexpr auto kNotEqual = [](const auto& a, const auto& b) { return !(a == b); };
inline constexpr auto kLess = [](const auto& a, const auto& b) { return a < b; };
inline constexpr auto kLessEqual = [](const auto& a, const auto& b) { return a <= b; };
inline constexpr auto kGreater = [](const auto& a, const auto& b) { return a > b; };
inline constexpr auto kGreaterEqual = [](const auto& a, const auto& b) { return a >= b; };
#pragma GCC diagnostic pop
struct Near {
  double tolerance;
  bool operator()(double a, double b) const { return a == b || (a - b <= tolerance && b - a <= tolerance); }
};

template <class Holds, class A, class B>
bool compare(const Place& place, Holds holds, const A& a, const B& b) {
  if (holds(a, b)) return true;
  begin_failure(place);
  print("\n    left:  ");
  print_value(a);
  print("\n    right: ");
  print_value(b);
  print("\n    ");
  return false;
}

inline bool check(const Place& place, bool holds) {
  if (!holds) begin_failure(place);
  return holds;
}

}  // namespace mote::check

#pragma GCC diagnostic ignored "-Wdangling-else"  // `if (x) EXPECT_EQ(a, b);` is what tests write
// The switch keeps an `else` that follows the macro from becoming the macro's own.
#define MOTE_CHECK(holds, leave) \
  switch (0)                     \
  case 0:                        \
  default:                       \
    if (holds) {                 \
    } else                       \
      leave ::mote::check::Report{} = ::mote::check::Message {}
#define MOTE_CHECK_PLACE(macro, x, y) \
  ::mote::check::Place { __FILE__, __LINE__, macro, x, y }
#define MOTE_CHECK_TWO(macro, holds, x, y, leave) \
  MOTE_CHECK((::mote::check::compare(MOTE_CHECK_PLACE(macro, #x, #y), ::mote::check::holds, x, y)), leave)
#define MOTE_CHECK_ONE(macro, text, holds, leave) \
  MOTE_CHECK((::mote::check::check(MOTE_CHECK_PLACE(macro, text, nullptr), holds)), leave)

#define EXPECT_TRUE(x) MOTE_CHECK_ONE("EXPECT_TRUE", #x, static_cast<bool>(x), )
#define EXPECT_FALSE(x) MOTE_CHECK_ONE("EXPECT_FALSE", #x, !static_cast<bool>(x), )
#define EXPECT_EQ(x, y) MOTE_CHECK_TWO("EXPECT_EQ", kEqual, x, y, )
#define EXPECT_NE(x, y) MOTE_CHECK_TWO("EXPECT_NE", kNotEqual, x, y, )
#define EXPECT_LT(x, y) MOTE_CHECK_TWO("EXPECT_LT", kLess, x, y, )
#define EXPECT_LE(x, y) MOTE_CHECK_TWO("EXPECT_LE", kLessEqual, x, y, )
#define EXPECT_GT(x, y) MOTE_CHECK_TWO("EXPECT_GT", kGreater, x, y, )
#define EXPECT_GE(x, y) MOTE_CHECK_TWO("EXPECT_GE", kGreaterEqual, x, y, )
#define EXPECT_STREQ(x, y) MOTE_CHECK_TWO("EXPECT_STREQ", same_text, x, y, )
#define EXPECT_FLOAT_EQ(x, y) MOTE_CHECK_TWO("EXPECT_FLOAT_EQ", within_four_ulps, x, y, )
#define EXPECT_NEAR(x, y, tolerance) MOTE_CHECK_TWO("EXPECT_NEAR", Near{static_cast<double>(tolerance)}, x, y, )

#define ASSERT_TRUE(x) MOTE_CHECK_ONE("ASSERT_TRUE", #x, static_cast<bool>(x), return )
#define ASSERT_FALSE(x) MOTE_CHECK_ONE("ASSERT_FALSE", #x, !static_cast<bool>(x), return )
#define ASSERT_EQ(x, y) MOTE_CHECK_TWO("ASSERT_EQ", kEqual, x, y, return )
#define ASSERT_NE(x, y) MOTE_CHECK_TWO("ASSERT_NE", kNotEqual, x, y, return )
#define ASSERT_LT(x, y) MOTE_CHECK_TWO("ASSERT_LT", kLess, x, y, return )
#define ASSERT_LE(x, y) MOTE_CHECK_TWO("ASSERT_LE", kLessEqual, x, y, return )
#define ASSERT_GT(x, y) MOTE_CHECK_TWO("ASSERT_GT", kGreater, x, y, return )
#define ASSERT_GE(x, y) MOTE_CHECK_TWO("ASSERT_GE", kGreaterEqual, x, y, return )
#define ASSERT_STREQ(x, y) MOTE_CHECK_TWO("ASSERT_STREQ", same_text, x, y, return )
#define ASSERT_FLOAT_EQ(x, y) MOTE_CHECK_TWO("ASSERT_FLOAT_EQ", within_four_ulps, x, y, return )
#define ASSERT_NEAR(x, y, tolerance) MOTE_CHECK_TWO("ASSERT_NEAR", Near{static_cast<double>(tolerance)}, x, y, return )

#define ADD_FAILURE() MOTE_CHECK_ONE("ADD_FAILURE", "reached", false, )
#define FAIL() MOTE_CHECK_ONE("FAIL", "reached", false, return )
#define SUCCEED() static_cast<void>(0)

#define MOTE_CHECK_JOIN_TWO(a, b) a##b
#define MOTE_CHECK_JOIN(a, b) MOTE_CHECK_JOIN_TWO(a, b)
#define SCOPED_TRACE(text) const ::mote::check::Trace MOTE_CHECK_JOIN(mote_trace_, __LINE__)(__FILE__, __LINE__, text)

#define TEST(suite, name)                                                                  \
  static void suite##_##name##_test();                                                     \
  static ::mote::check::Test suite##_##name##_entry(#suite, #name, suite##_##name##_test); \
  static void suite##_##name##_test()
