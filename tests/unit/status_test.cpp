// SPDX-License-Identifier: Apache-2.0
// Status, Result, the two macros, and the texts of all codes.
#include "mote/status.hpp"

#include <cstddef>

#include "check.hpp"

namespace mote {
namespace {

constexpr unsigned kCodes = 256;

std::size_t length(const char* text) {
  std::size_t n = 0;
  while (text[n] != 0) ++n;
  return n;
}
bool same(const char* a, const char* b) {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}

/// "What was wrong; what to do." in one sentence: what the tool cuts in two at its only semicolon.
void expect_sentence(const char* sentence, const char* of) {
  const std::size_t size = length(sentence);
  ASSERT_GT(size, 20U) << of;
  EXPECT_EQ(sentence[size - 1], '.') << of;
  std::size_t semicolons = 0;
  for (std::size_t i = 0; i + 1 < size; ++i) {
    EXPECT_FALSE(sentence[i] == '.' && sentence[i + 1] == ' ') << of;
    if (sentence[i] != ';') continue;
    ++semicolons;
    EXPECT_EQ(sentence[i + 1], ' ') << of;
    EXPECT_TRUE(sentence[i + 2] >= 'a' && sentence[i + 2] <= 'z') << of << ": a remedy begins with a verb";
  }
  EXPECT_EQ(semicolons, 1U) << of << ": what was wrong; what to do";
}

TEST(status, every_option_has_a_name_and_a_remedy) {
  unsigned known = 0;
  for (; known < kCodes && !same(name(static_cast<Option>(known)), "unknown_option"); ++known) {
    const auto option = static_cast<Option>(known);
    expect_sentence(describe(option), name(option));
    if (option != Option::none) {
      EXPECT_TRUE(option_of(bad_option(option)) == option);
      EXPECT_STREQ(describe(bad_option(option)), describe(option));
    }
  }
  EXPECT_EQ(known, static_cast<unsigned>(Option::gradient_norms) + 1);  // the last one
  expect_sentence(describe(static_cast<Option>(255)), "a newer one");
  EXPECT_STREQ(name(Option::clip_norm), "clip_norm");
  EXPECT_TRUE(option_of(Status{Code::bad_crc, kNoLayer, 3}) == Option::none);
  EXPECT_STREQ(describe(Status{Code::bad_crc, kNoLayer, 3}), describe(Code::bad_crc));
}

TEST(status, every_code_has_a_name_and_a_sentence) {
  unsigned known = 0;
  for (unsigned i = 0; i < kCodes; ++i) {
    const auto code = static_cast<Code>(i);
    if (same(name(code), "unknown_code")) break;
    ++known;
    EXPECT_GT(length(name(code)), 1U) << i;
    for (const char* c = name(code); *c != 0; ++c)
      EXPECT_TRUE((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_') << name(code);
    const char* const sentence = describe(code);
    ASSERT_GT(length(sentence), 8U) << name(code);
    EXPECT_TRUE(sentence[0] >= 'A' && sentence[0] <= 'Z') << name(code);
    expect_sentence(sentence, name(code));
    for (unsigned j = 0; j < i; ++j) {
      EXPECT_FALSE(same(name(code), name(static_cast<Code>(j)))) << name(code);
      EXPECT_FALSE(same(sentence, describe(static_cast<Code>(j)))) << name(code);
    }
  }
  EXPECT_EQ(known, static_cast<unsigned>(Code::int8_weights_need_sgd) + 1);  // the last one
  EXPECT_STREQ(name(Code::arena_too_small), "arena_too_small");
  EXPECT_STREQ(name(Code::ok), "ok");
}

TEST(status, codes_of_a_newer_version_have_a_text_too) {
  for (unsigned i = static_cast<unsigned>(Code::int8_weights_need_sgd) + 1; i < kCodes; ++i) {
    EXPECT_STREQ(name(static_cast<Code>(i)), "unknown_code");
    expect_sentence(describe(static_cast<Code>(i)), "a newer one");
  }
}

TEST(status, a_status_is_eight_bytes_and_ok_by_default) {
  static_assert(sizeof(Status) == 8);
  static_assert(Status{}.ok() && Status{}.layer == kNoLayer && Status{}.detail == 0);
  static_assert(!Status{Code::bad_crc}.ok());
  static_assert(Status{Code::bad_crc} == Status{Code::bad_crc, kNoLayer, 0});
  static_assert(!(Status{Code::bad_crc, 1} == Status{Code::bad_crc, 2}));
}

/// Counts copies and moves.
struct Counted {
  int value = 0, copies = 0, moves = 0;
  constexpr Counted() = default;
  constexpr explicit Counted(int v) : value(v) {}
  constexpr Counted(const Counted& o) : value(o.value), copies(o.copies + 1), moves(o.moves) {}
  constexpr Counted(Counted&& o) noexcept : value(o.value), copies(o.copies), moves(o.moves + 1) {}
  constexpr Counted& operator=(const Counted& o) {
    value = o.value, copies = o.copies + 1, moves = o.moves;
    return *this;
  }
  constexpr Counted& operator=(Counted&& o) noexcept {
    value = o.value, copies = o.copies, moves = o.moves + 1;
    return *this;
  }
};

TEST(status, a_result_is_a_value_or_a_reason) {
  Result<int> good = 7;
  EXPECT_TRUE(good.ok());
  EXPECT_TRUE(good.status().ok());
  EXPECT_EQ(*good, 7);
  *good = 8;
  EXPECT_EQ(*good, 8);
  const Result<int> bad = Status{Code::bad_shape, 3, 4};
  EXPECT_FALSE(bad.ok());
  EXPECT_EQ(bad.status().layer, 3);
  EXPECT_EQ(bad.status().detail, 4U);
  const Result<Counted> counted = Counted(5);
  EXPECT_EQ(counted->value, 5);
  EXPECT_EQ(counted->copies, 0);
}

int evaluations = 0;
Status count_and_return(Status status) {
  ++evaluations;
  return status;
}
Status try_twice(Status first, Status second) {
  MOTE_TRY(count_and_return(first));
  MOTE_TRY(count_and_return(second));
  return {Code::bad_option};
}
Result<Counted> make(Code code) {
  ++evaluations;
  if (code != Code::ok) return Status{code, 9, 10};
  return Counted(6);
}
Result<int> assign(Code code) {
  Counted counted;
  MOTE_TRY_ASSIGN(counted, make(code));
  return counted.copies == 0 ? counted.value : -1;
}
Status try_result(Code code) {
  if (code == Code::ok)
    MOTE_TRY(make(code));
  else
    MOTE_TRY(make(code));
  return {};
}

TEST(status, the_macros_return_the_first_fault_and_evaluate_once) {
  evaluations = 0;
  EXPECT_TRUE(try_twice({}, {}) == Status{Code::bad_option});
  EXPECT_EQ(evaluations, 2);
  EXPECT_TRUE(try_twice({}, Status{Code::bad_crc, 1, 2}) == (Status{Code::bad_crc, 1, 2}));
  EXPECT_EQ(evaluations, 4);
  EXPECT_TRUE(try_twice(Status{Code::bad_magic}, {}) == Status{Code::bad_magic});
  EXPECT_EQ(evaluations, 5);
  EXPECT_EQ(*assign(Code::ok), 6);
  EXPECT_EQ(evaluations, 6);
  EXPECT_TRUE(assign(Code::bad_batch).status() == (Status{Code::bad_batch, 9, 10}));
  EXPECT_TRUE(try_result(Code::bad_batch) == (Status{Code::bad_batch, 9, 10}));
  EXPECT_TRUE(try_result(Code::ok).ok());
  EXPECT_EQ(evaluations, 9);
}

}  // namespace
}  // namespace mote
