// SPDX-License-Identifier: Apache-2.0
// Rows of the kernels that reduce or normalise along axes.
#include <algorithm>
#include <cstdint>
#include <string>

#include "kernel_rows.hpp"

namespace mote {
namespace {

using bench::add_row;
using bench::Arrays;
using bench::Kernel;
using bench::Work;

struct ReduceCase {
  const char* text;
  std::uint32_t sizes[4], axes;
  [[nodiscard]] std::size_t count() const { return std::size_t{sizes[0]} * sizes[1] * sizes[2] * sizes[3]; }
  [[nodiscard]] Work work(double arrays) const {
    return {.flops = 0.0, .bytes = 4.0 * arrays * static_cast<double>(count())};
  }
  template <class Args>
  Args sized(Args args) const {
    std::copy(sizes, sizes + 4, args.sizes);
    args.axes = axes;
    return args;
  }
};
constexpr ReduceCase kReductions[] = {
    {"32x32x64-hw", {1, 32, 32, 64}, kAxisH | kAxisW},
    {"32x32x64-c", {1, 32, 32, 64}, kAxisC},
    {"32x32x64-all", {1, 32, 32, 64}, 7},
    {"128x128x3-hw", {1, 128, 128, 3}, kAxisH | kAxisW},
    {"128x128x3-c", {1, 128, 128, 3}, kAxisC},
    {"32x32x64-w", {1, 32, 32, 64}, kAxisW},
};

}  // namespace

void add(const std::string& name, Kernel<ReduceArgs> kernel) {
  for (const ReduceCase& c : kReductions)
    add_row(name, c.text, kernel, c.work(1), [=](Arrays& arrays) {
      return c.sized(ReduceArgs{arrays.positive(c.count()), arrays.floats(c.count()), {}, 0});
    });
}
void add(const std::string& name, Kernel<ReduceGradArgs> kernel) {
  for (const ReduceCase& c : kReductions)
    add_row(name, c.text, kernel, c.work(2), [=](Arrays& arrays) {
      float *input = arrays.positive(c.count()), *output = arrays.positive(c.count());
      return c.sized(ReduceGradArgs{input, output, arrays.floats(c.count()), arrays.floats(c.count()), {}, 0});
    });
}
void add(const std::string& name, Kernel<SumToArgs> kernel) {
  for (const ReduceCase& c : kReductions)
    add_row(name, c.text, kernel, c.work(1), [=](Arrays& arrays) {
      return c.sized(SumToArgs{arrays.floats(c.count()), arrays.floats(c.count()), {}, 0, 1e-9F, true});
    });
}
void add(const std::string& name, Kernel<ArgReduceArgs> kernel) {
  struct Case {
    const char* text;
    std::uint32_t outer, count, inner;
  };
  for (const Case& c : {Case{"32x10", 32, 10, 1}, Case{"1x1000", 1, 1000, 1}, Case{"1x21x4096", 1, 21, 4096}})
    add_row(name, c.text, kernel, {0.0, 4.0 * c.outer * c.count * c.inner}, [=](Arrays& arrays) {
      const std::size_t count = std::size_t{c.outer} * c.count * c.inner;
      return ArgReduceArgs{arrays.floats(count), arrays.labels(count, 2), c.outer, c.count, c.inner};
    });
}

namespace {

struct Axis {
  const char* text;
  std::uint32_t outer, count, inner;
  [[nodiscard]] std::size_t all() const { return std::size_t{outer} * count * inner; }
  [[nodiscard]] Work work(double arrays) const { return {0.0, 4.0 * arrays * static_cast<double>(all())}; }
};
constexpr Axis kAxes[] = {{"32x10x1", 32, 10, 1}, {"1x1000x1", 1, 1000, 1}, {"1x21x4096", 1, 21, 4096}};
constexpr Axis kRows[] = {{"64x64", 64, 64, 1}, {"196x384", 196, 384, 1}, {"1024x8", 1024, 8, 1}};

}  // namespace

void add(const std::string& name, Kernel<SoftmaxAxisArgs> kernel) {
  for (const Axis& a : kAxes)
    add_row(name, a.text, kernel, a.work(2), [=](Arrays& arrays) {
      return SoftmaxAxisArgs{arrays.floats(a.all(), 8.0F), arrays.floats(a.all()), a.outer, a.count, a.inner};
    });
}
void add(const std::string& name, Kernel<SoftmaxAxisGradArgs> kernel) {
  for (const Axis& a : kAxes)
    add_row(name, a.text, kernel, a.work(3), [=](Arrays& arrays) {
      float *output = arrays.floats(a.all()), *grad_output = arrays.floats(a.all());
      return SoftmaxAxisGradArgs{output, grad_output, arrays.floats(a.all()), a.outer, a.count, a.inner};
    });
}
void add(const std::string& name, Kernel<NormArgs> kernel) {
  for (const Axis& a : kRows)
    add_row(name, a.text, kernel, a.work(2), [=](Arrays& arrays) {
      float *input = arrays.floats(a.all()), *gamma = arrays.floats(a.count), *beta = arrays.floats(a.count);
      return NormArgs{input, gamma, beta, arrays.floats(a.all()), 1e-5F, a.outer, a.count};
    });
}
void add(const std::string& name, Kernel<NormGradArgs> kernel) {
  for (const Axis& a : kRows)
    add_row(name, a.text, kernel, a.work(3), [=](Arrays& arrays) {
      float *input = arrays.floats(a.all()), *gamma = arrays.floats(a.count), *grad_output = arrays.floats(a.all());
      float *grad_input = arrays.floats(a.all()), *grad_gamma = arrays.floats(a.count);
      return NormGradArgs{input, gamma, grad_output, grad_input, grad_gamma, arrays.floats(a.count),
                          1e-9F, 1e-5F, a.outer,     a.count};
    });
}
void add(const std::string& name, Kernel<LrnArgs> kernel) {
  for (const Axis& a : kRows)
    add_row(name, a.text, kernel, a.work(2), [=](Arrays& arrays) {
      return LrnArgs{arrays.floats(a.all()), arrays.floats(a.all()), a.outer, a.count, 2, 2, 1e-4F, 0.75F, 1.0F};
    });
}
void add(const std::string& name, Kernel<LrnGradArgs> kernel) {
  for (const Axis& a : kRows)
    add_row(name, a.text, kernel, a.work(3), [=](Arrays& arrays) {
      float *input = arrays.floats(a.all()), *grad_output = arrays.floats(a.all()), *to = arrays.floats(a.all());
      float* scratch = arrays.floats(lrn_grad_scratch_floats(a.count));
      return LrnGradArgs{input, grad_output, to, scratch, a.outer, a.count, 2, 2, 1e-4F, 0.75F, 1.0F};
    });
}

}  // namespace mote
