// SPDX-License-Identifier: Apache-2.0
// The smallest useful program: a 1-16-16-1 ReLU network known at compile time, its parameters in flash, its arena in
// .bss. It draws a sine: the first layer's ramps start at 16 knots, the second layer bends them. The link tests read
// from this image what such a program carries; it ends with 0 where all values are right.
#include <array>
#include <cstddef>

#include "mote/model/builders.hpp"
#include "mote/run/session.hpp"
#include "semihosting.hpp"

namespace {

constexpr std::size_t kKnots = 16;
constexpr float kPeriod = 6.2831853F;
constexpr float kSpacing = kPeriod / kKnots;

constexpr auto kNet = mote::sequential(mote::input(1), mote::dense(kKnots), mote::relu(), mote::dense(kKnots),
                                       mote::relu(), mote::dense(1));

constexpr double sine(double x) {
  double term = x, sum = x;  // Taylor; 1e-9 on [0, 2 pi]
  for (int k = 3; k < 31; k += 2) {
    term *= -x * x / (k * (k - 1));
    sum += term;
  }
  return sum;
}

consteval auto make_params() {
  std::array<float, kNet.param_bytes / sizeof(float)> params{};
  float* const ramps = params.data() + kNet.layers[1].param_offset / sizeof(float);
  float* const bends = params.data() + kNet.layers[3].param_offset / sizeof(float);
  float* const mean = params.data() + kNet.layers[5].param_offset / sizeof(float);
  double slope = 0.0;
  for (std::size_t i = 0; i < kKnots; ++i) {
    const double at = static_cast<double>(i) * kSpacing;
    const double next_slope = (sine(at + kSpacing) - sine(at)) / kSpacing;
    ramps[i] = 1.0F;                              // weight of ramp i: relu(x - knot i)
    ramps[kKnots + i] = static_cast<float>(-at);  // its bias
    for (std::size_t j = 0; j < kKnots; ++j) bends[i * kKnots + j] = static_cast<float>(next_slope - slope);
    bends[kKnots * kKnots + i] = 1.0F;  // keeps the second ReLU open: 1 + sine >= 0
    mean[i] = 1.0F / kKnots;
    slope = next_slope;
  }
  mean[kKnots] = -1.0F;
  return params;
}

alignas(16) constexpr auto kParams = make_params();
constinit mote::StaticSession<kNet, kParams> session;
constexpr auto kExpected = [] {
  std::array<float, kKnots> values{};
  for (std::size_t i = 0; i < kKnots; ++i)
    values[i] = static_cast<float>(sine((static_cast<double>(i) + 0.5) * kSpacing));
  return values;
}();

}  // namespace

int main() {
  int wrong = 0;
  for (std::size_t i = 0; i < kKnots; ++i) {
    session.input<float>()[0] = (static_cast<float>(i) + 0.5F) * kSpacing;
    session.run();
    const float error = session.output<float>()[0] - kExpected[i];
    if (!(error < 0.02F && error > -0.02F)) ++wrong;  // a chord of 1/16 period is at most 0.0193 from the sine
  }
  mote::semihosting::write(wrong == 0 ? "sine: right\n" : "sine: wrong\n");
  return wrong;
}
