// SPDX-License-Identifier: Apache-2.0
// The runner behind check_bare_metal.hpp: runs every linked test, prints failures and a summary, exits with their
// number. Numbers are formatted here, because printf would need stdio and a heap.
#include "target/check_bare_metal.hpp"

#include <bit>

#include "semihosting.hpp"

namespace mote::check {
namespace {

Test* first_test = nullptr;
Test* last_test = nullptr;
Trace* innermost_trace = nullptr;
int failures = 0;

}  // namespace

Test::Test(const char* suite_name, const char* test_name, void (*function)())
    : suite(suite_name), name(test_name), body(function) {
  (last_test == nullptr ? first_test : last_test->next) = this;
  last_test = this;
}

Trace::Trace(const char* file_name, int line_number, const char* message)
    : file(file_name), line(line_number), text(message), outer(innermost_trace) {
  innermost_trace = this;
}

Trace::~Trace() { innermost_trace = outer; }

void print(const char* text) { semihosting::write(text); }

void print_integer(std::uint64_t magnitude, bool negative) {
  char digits[22];
  char* at = digits + sizeof digits - 1;
  *at = 0;
  do {
    *--at = static_cast<char>('0' + magnitude % 10);
    magnitude /= 10;
  } while (magnitude != 0);
  if (negative) *--at = '-';
  print(at);
}

void print_real(double value) {
  if (value != value) return print("nan");
  if (std::bit_cast<std::uint64_t>(value) >> 63 != 0) print("-");
  double magnitude = value < 0 ? -value : value;
  if (magnitude > 1.7976931348623157e308) return print("inf");
  int exponent = 0;
  while (magnitude >= 10.0) magnitude /= 10.0, ++exponent;
  while (magnitude != 0.0 && magnitude < 1.0) magnitude *= 10.0, --exponent;
  auto scaled = static_cast<std::uint32_t>(magnitude * 1e8 + 0.5);  // nine digits
  if (scaled >= 1'000'000'000U) scaled /= 10, ++exponent;
  char text[12];
  for (std::size_t i = 10; i > 1; --i) {
    text[i] = static_cast<char>('0' + scaled % 10);
    scaled /= 10;
  }
  text[0] = text[2];
  text[1] = '.';
  for (std::size_t i = 2; i < 10; ++i) text[i] = text[i + 1];
  text[10] = 0;
  print(text);
  if (exponent == 0) return;
  print("e");
  print_value(exponent);
}

void begin_failure(const Place& place) {
  ++failures;
  print(place.file);
  print(":");
  print_value(place.line);
  print(": ");
  print(place.macro);
  print("(");
  print(place.left);
  if (place.right != nullptr) {
    print(", ");
    print(place.right);
  }
  print(") failed ");
  for (const Trace* trace = innermost_trace; trace != nullptr; trace = trace->outer) {
    print("\n    at ");
    print(trace->file);
    print(":");
    print_value(trace->line);
    print(": ");
    print(trace->text);
  }
}

bool same_text(const char* a, const char* b) {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}

bool within_four_ulps(float a, float b) {
  if (a != a || b != b) return false;
  const auto ordered = [](float x) {
    const auto bits = std::bit_cast<std::int32_t>(x);
    return std::int64_t{bits < 0 ? std::int32_t{INT32_MIN} - bits : bits};
  };
  const std::int64_t distance = ordered(a) - ordered(b);
  return distance <= 4 && distance >= -4;
}

}  // namespace mote::check

int main() {
  using namespace mote::check;
  int run = 0;
  int failed = 0;
  for (const Test* test = first_test; test != nullptr; test = test->next) {
    const int before = failures;
    test->body();
    ++run;
    if (failures != before) ++failed;
    print(failures == before ? "[  OK  ] " : "[FAILED] ");
    print(test->suite);
    print(".");
    print(test->name);
    print("\n");
  }
  print_value(run);
  print(" tests, ");
  print_value(failed);
  print(" failed, ");
  print_value(failures);
  print(" failed expectations\n");
  if (run == 0) return 1;  // an image without tests proves nothing
  return failures < 255 ? failures : 255;
}
