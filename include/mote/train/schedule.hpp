// SPDX-License-Identifier: Apache-2.0
// The learning rate as a function of the step, with the same bits on every machine: no libm, double inside.
// Relies on nothing.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstdint>

#include "mote/arithmetic.hpp"

namespace mote {

enum class ScheduleKind : std::uint8_t { constant, inverse, step, exponential, cosine };

/// Made by the factories below; `Schedule{}` is the constant rate. k is the number of updates done before this one.
/// During the first `warmup_steps` updates the rate is multiplied by (k + 1) / warmup_steps; the schedule itself is not
/// shifted by the warm-up.
struct Schedule {
  ScheduleKind kind = ScheduleKind::constant;
  std::uint32_t warmup_steps = 0;
  std::uint32_t period = 1;  ///< inverse, step: updates per stage; cosine: updates until the floor
  float gamma = 1.0F;        ///< step, exponential: factor, in (0, 1]
  float floor = 0.0F;        ///< cosine: the last learning rate (a rate, not a fraction)
};

struct ConstantOptions {
  std::uint32_t warmup_steps = 0;
};
struct InverseOptions {
  std::uint32_t period = 1;
  std::uint32_t warmup_steps = 0;
};
struct StepOptions {
  std::uint32_t period = 1;
  float gamma = 0.1F;
  std::uint32_t warmup_steps = 0;
};
struct ExponentialOptions {
  float gamma = 0.999F;
  std::uint32_t warmup_steps = 0;
};
struct CosineOptions {
  std::uint32_t steps = 1;
  float floor = 0.0F;
  std::uint32_t warmup_steps = 0;
};

/// base
constexpr Schedule constant_schedule(ConstantOptions options = {}) {
  return {ScheduleKind::constant, options.warmup_steps, 1, 1.0F, 0.0F};
}
/// base / (j + 1) with j = floor(k / period). With period 1: sum of the rates infinite, of their squares finite.
constexpr Schedule inverse_schedule(InverseOptions options = {}) {
  return {ScheduleKind::inverse, options.warmup_steps, options.period, 1.0F, 0.0F};
}
/// base gamma^floor(k / period)
constexpr Schedule step_schedule(StepOptions options = {}) {
  return {ScheduleKind::step, options.warmup_steps, options.period, options.gamma, 0.0F};
}
/// base gamma^k
constexpr Schedule exponential_schedule(ExponentialOptions options = {}) {
  return {ScheduleKind::exponential, options.warmup_steps, 1, options.gamma, 0.0F};
}
/// floor + (base - floor) (1 + cos(pi k / steps)) / 2 for k < steps, then floor.
constexpr Schedule cosine_schedule(CosineOptions options = {}) {
  return {ScheduleKind::cosine, options.warmup_steps, options.steps, 1.0F, options.floor};
}

/// Whether the constants are in their ranges: period >= 1, gamma in (0, 1], floor finite and >= 0.
constexpr bool valid(const Schedule& schedule) {
  return schedule.kind <= ScheduleKind::cosine && schedule.period != 0 && schedule.gamma > 0.0F &&
         schedule.gamma <= 1.0F && schedule.floor >= 0.0F && schedule.floor <= 0x1.FFFFFEp+127F;
}

/// Updates of `epochs` passes over `samples` samples: the rest of a pass that fills no batch is left out, in each pass.
/// What a schedule's period, steps or warm-up are counted in.
constexpr std::uint64_t updates_in(std::uint64_t samples, std::uint32_t batch, std::uint64_t epochs = 1) {
  return batch == 0 ? 0 : samples / batch * epochs;
}

namespace detail {
/// base^exponent by squaring; relative error below 64 * 2^-53.
constexpr double integer_power(double base, std::uint32_t exponent) {
  double result = 1.0;
  for (; exponent != 0; exponent >>= 1) {
    if ((exponent & 1U) != 0) result *= base;
    base *= base;
  }
  return result;
}

/// cos(pi t), 0 <= t <= 1, as sin(pi (1/2 - t)): the Taylor polynomial of degree 21 about zero (|x| <= pi / 2, rest
/// below 2e-18). Absolute error below 4e-16; exactly 0 at t = 1/2.
constexpr double cos_pi(double t) {
  const double x = 3.141592653589793 * (0.5 - t);
  const double square = x * x;
  double sum = 1.0;
  for (double n = 20.0; n > 1.0; n -= 2.0) sum = 1.0 - sum * square / (n * (n + 1.0));
  return product(x, sum);
}
}  // namespace detail

/// The learning rate of the update before which `step` updates were done. Evaluated in double, rounded once.
constexpr float learning_rate_at(const Schedule& schedule, float base, std::uint32_t step) {
  double rate = static_cast<double>(base);
  switch (schedule.kind) {
    case ScheduleKind::constant: break;
    case ScheduleKind::inverse: rate /= static_cast<double>(std::uint32_t{step / schedule.period}) + 1.0; break;
    case ScheduleKind::step:
      rate *= detail::integer_power(static_cast<double>(schedule.gamma), step / schedule.period);
      break;
    case ScheduleKind::exponential: rate *= detail::integer_power(static_cast<double>(schedule.gamma), step); break;
    case ScheduleKind::cosine: {
      const double floor = static_cast<double>(schedule.floor);
      const double done = static_cast<double>(step) / static_cast<double>(schedule.period);
      rate = step < schedule.period ? floor + detail::product(rate - floor, 0.5 * (1.0 + detail::cos_pi(done))) : floor;
      break;
    }
  }
  if (step < schedule.warmup_steps)
    rate *= (static_cast<double>(step) + 1.0) / static_cast<double>(schedule.warmup_steps);
  return static_cast<float>(rate);
}

}  // namespace mote
