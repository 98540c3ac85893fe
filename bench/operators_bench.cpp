// SPDX-License-Identifier: Apache-2.0
// Rows of the kernels that move, join and reduce values.
#include <algorithm>
#include <cstdint>
#include <string>

#include "kernel_rows.hpp"

namespace mote {
namespace {

using bench::add_row;
using bench::Arrays;
using bench::Kernel;

/// Two operands: alike, a number, a row of channels, one value for each pixel's few channels, channels of each image.
struct Pattern {
  const char* text;
  std::uint32_t sizes[4], b_sizes[4];
  [[nodiscard]] std::size_t count() const { return std::size_t{sizes[0]} * sizes[1] * sizes[2] * sizes[3]; }
  [[nodiscard]] std::size_t b_count() const { return std::size_t{b_sizes[0]} * b_sizes[1] * b_sizes[2] * b_sizes[3]; }
  template <class Args>
  void set(Args& args) const {
    std::copy(sizes, sizes + 4, args.sizes);
    broadcast_strides(sizes, args.a_strides);
    broadcast_strides(b_sizes, args.b_strides);
  }
};
constexpr Pattern kPatterns[] = {
    {"4096", {1, 1, 1, 4096}, {1, 1, 1, 4096}},
    {"65536", {1, 1, 1, 65536}, {1, 1, 1, 65536}},
    {"4096-number", {1, 1, 1, 4096}, {1, 1, 1, 1}},
    {"32x32x64-row", {1, 32, 32, 64}, {1, 1, 1, 64}},
    {"64x64x3-row", {1, 64, 64, 3}, {1, 1, 1, 3}},
    {"64x64x3-pixels", {1, 64, 64, 3}, {1, 64, 64, 1}},
    {"8x16x16x16-images", {8, 16, 16, 16}, {8, 1, 1, 16}},
};

}  // namespace

void add(const std::string& name, Kernel<BinaryArgs> kernel) {
  for (const Pattern& p : kPatterns)
    add_row(name, p.text, kernel, {0.0, 4.0 * static_cast<double>(2 * p.count() + p.b_count())}, [=](Arrays& arrays) {
      BinaryArgs args{arrays.positive(p.count()), arrays.positive(p.b_count()), arrays.floats(p.count()), {}, {}, {}};
      p.set(args);
      return args;
    });
}
void add(const std::string& name, Kernel<BinaryGradArgs> kernel) {
  for (const Pattern& p : kPatterns)
    add_row(name, p.text, kernel, {0.0, 4.0 * static_cast<double>(3 * p.count() + p.b_count())}, [=](Arrays& arrays) {
      BinaryGradArgs args{arrays.positive(p.count()),
                          arrays.positive(p.b_count()),
                          arrays.floats(p.count()),
                          arrays.floats(p.count()),
                          {},
                          {},
                          {},
                          1};
      p.set(args);
      return args;
    });
}
void add(const std::string& name, Kernel<CompareArgs> kernel) {
  for (const Pattern& p : kPatterns)
    add_row(name, p.text, kernel, {0.0, static_cast<double>(5 * p.count() + 4 * p.b_count())}, [=](Arrays& arrays) {
      CompareArgs args{arrays.floats(p.count()), arrays.floats(p.b_count()), arrays.booleans(p.count()), {}, {}, {}};
      p.set(args);
      return args;
    });
}
void add(const std::string& name, Kernel<LogicalArgs> kernel) {
  for (const Pattern& p : kPatterns)
    add_row(name, p.text, kernel, {0.0, static_cast<double>(2 * p.count() + p.b_count())}, [=](Arrays& arrays) {
      LogicalArgs args{
          arrays.booleans(p.count()), arrays.booleans(p.b_count()), arrays.booleans(p.count()), {}, {}, {}};
      p.set(args);
      return args;
    });
}
void add(const std::string& name, Kernel<SelectArgs> kernel) {
  for (const Pattern& p : kPatterns)
    add_row(name, p.text, kernel, {0.0, static_cast<double>(9 * p.count() + 4 * p.b_count())}, [=](Arrays& arrays) {
      SelectArgs args{arrays.booleans(p.count()),
                      arrays.bytes(4 * p.count()),
                      arrays.bytes(4 * p.b_count()),
                      arrays.bytes(4 * p.count()),
                      4,
                      {},
                      {},
                      {},
                      {}};
      p.set(args);
      broadcast_strides(p.sizes, args.condition_strides);
      return args;
    });
}
void add(const std::string& name, Kernel<SelectGradArgs> kernel) {
  for (const Pattern& p : kPatterns)
    add_row(name, p.text, kernel, {0.0, static_cast<double>(8 * p.count() + p.b_count())}, [=](Arrays& arrays) {
      SelectGradArgs args{arrays.booleans(p.b_count()), arrays.floats(p.count()), arrays.floats(p.count()), {}, {}, 0};
      std::copy(p.sizes, p.sizes + 4, args.sizes);
      broadcast_strides(p.b_sizes, args.condition_strides);
      return args;
    });
}

}  // namespace mote
