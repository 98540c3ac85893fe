// SPDX-License-Identifier: Apache-2.0
// A layer's time is that of its steps, which run here one by one as Session::run() runs them, with a look at the clock
// in between. Runs of the session itself take turns with those: their times are what a program sees.
#include "tool/commands/inference_clock.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <numeric>

#include "mote/run/session.hpp"
#include "mote/train/random.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/models/model_source.hpp"
#include "tool/terminal/interrupts.hpp"
#include "tool/terminal/threads.hpp"

namespace mote::tool {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kLeastRuns = 10, kMostTimes = std::uint64_t{1} << 24;
constexpr double kWarmupSeconds = 0.25, kPeakInterval = 0.025;
constexpr std::size_t kLeastPieces = 20;

float nanoseconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<float, std::nano>(to - from).count();
}
double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// What a look at the clock adds to the time between two.
float look_time() {
  constexpr std::size_t kLooks = 1001;
  std::vector<float> times(kLooks);
  Clock::time_point at = Clock::now();
  for (float& time : times) {
    const Clock::time_point now = Clock::now();
    time = nanoseconds(at, now), at = now;
  }
  std::ranges::nth_element(times, times.begin() + kLooks / 2);
  return times[kLooks / 2];
}

/// Random values of the type: reals between -1 and 1, all that 8 and 16 bits hold, small indices.
std::vector<std::byte> random_values(DType type, std::size_t count, std::uint32_t stream) {
  std::vector<std::byte> out(count * bytes_of(type));
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t word = random_bits(1, RandomUse::data, stream, static_cast<std::uint32_t>(i));
    std::byte* const to = out.data() + i * bytes_of(type);
    switch (type) {
      case DType::f32: {
        const float real = 2.0F * uniform_from_bits(word) - 1.0F;
        std::memcpy(to, &real, sizeof real);
        break;
      }
      case DType::boolean: *to = static_cast<std::byte>(word & 1U); break;
      case DType::s32: {
        const auto index = static_cast<std::int32_t>(word & 1U);
        std::memcpy(to, &index, sizeof index);
        break;
      }
      default: std::memcpy(to, &word, bytes_of(type));
    }
  }
  return out;
}

class ClockedSession {
 public:
  ClockedSession(const OwnedModel& model, std::uint32_t batch) : model_(model.view()) {
    const PlanOptions options{.batch = batch, .alignment = 64};
    arena_ = AlignedBytes(plan_of(model, options).arena_bytes());
    Result<Session> session = Session::create(model_, arena_.span(), options);
    if (!session.ok()) throw status_error(session.status(), model);
    session_ = *session;
    session_.set_threads(lent_threads());
    memory_.arena = arena_.data(), memory_.params = model_.params, memory_.threads = lent_threads();
    for (std::size_t i = 0; i < model_.input_count(); ++i) {
      const detail::Interface at = detail::input_of(model_, plan(), i);
      if (at.buffer == kNoBuffer) continue;
      const Layer& layer = model_.layers[at.layer];
      const std::size_t count = static_cast<std::size_t>(layer.shape.elements()) * batch;
      inputs_.push_back({arena_.data() + plan().buffers[at.buffer].offset,
                         random_values(layer.dtype, count, static_cast<std::uint32_t>(i))});
    }
    looks_.resize(plan().steps.size() + 1);
  }

  [[nodiscard]] const Plan& plan() const { return session_.plan(); }
  [[nodiscard]] std::size_t arena_bytes() const { return arena_.size(); }

  float run() {
    begin();
    const Clock::time_point from = Clock::now();
    session_.run();
    return nanoseconds(from, Clock::now());
  }
  /// Puts each step's time in `times`, which has as many.
  void run_steps(std::vector<float>& times) {
    begin();
    looks_[0] = Clock::now();
    for (std::size_t i = 0; i < plan().steps.size(); ++i) {
      const auto step = static_cast<std::uint16_t>(i);
      detail::before_step(plan(), memory_.arena, step);
      run_forward_step(Binding(model_, plan(), plan().steps[i], memory_));
      detail::after_step(plan(), memory_.arena, step);
      looks_[i + 1] = Clock::now();
    }
    for (std::size_t i = 0; i < times.size(); ++i)
      times[i] = std::max(0.0F, nanoseconds(looks_[i], looks_[i + 1]) - look_);
  }

 private:
  struct Input {
    std::byte* to;  // other layers write there during a run
    std::vector<std::byte> values;
  };

  void begin() {
    if (detail::has_state(model_)) session_.reset_state();
    for (const Input& input : inputs_) std::ranges::copy(input.values, input.to);
  }

  Model model_;
  AlignedBytes arena_;
  Session session_;
  Memory memory_;
  std::vector<Input> inputs_;
  std::vector<Clock::time_point> looks_;
  float look_ = look_time();
};

/// Which layers multiply, by the type of what is multiplied.
std::vector<Peak> peaks_for(const Model& model) {
  std::vector<Peak> out;
  for (const DType type : {DType::f32, DType::s8, DType::s16}) {
    bool any = false;
    for (std::size_t i = 0; i < model.layers.size(); ++i)
      any = any || (multiply_adds(model, i) != 0 && model.layers[model.operand(i)].dtype == type);
    if (any) out.emplace_back(type, lent_threads());
  }
  return out;
}

/// Each layer's times out of those of `runs` runs, step by step.
std::vector<LayerTime> layer_times(const Model& model, const Plan& plan, const std::vector<float>& steps) {
  std::vector<LayerTime> out(model.layers.size());
  const std::size_t each = plan.steps.size(), runs = each == 0 ? 0 : steps.size() / each;
  for (const Step& step : plan.steps) {
    ++out[step.layer].steps;
    if (step.activation != kNoLayer) out[step.activation].within = step.layer;
    if (step.sum != kNoLayer) out[step.sum].within = step.layer;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (model.layers[i].op == Op::result) out[i].within = static_cast<std::uint16_t>(model.operand(i));
    if (out[i].steps == 0) continue;
    std::vector<float> times(runs, 0.0F);
    for (std::size_t s = 0; s < each; ++s)
      for (std::size_t run = 0; plan.steps[s].layer == i && run < runs; ++run) times[run] += steps[run * each + s];
    out[i].time = spread_of(std::move(times));
  }
  return out;
}

}  // namespace

Spread spread_of(std::vector<float> times) {
  std::ranges::sort(times);
  const auto at = [&](double part) {
    const double place = part * static_cast<double>(times.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, times.size() - 1);
    const double rest = place - static_cast<double>(below);
    return (1.0 - rest) * static_cast<double>(times[below]) + rest * static_cast<double>(times[above]);
  };
  const double sum = std::accumulate(times.begin(), times.end(), 0.0);
  return {at(0.0), at(0.25), at(0.5), at(0.75), at(1.0), sum / static_cast<double>(times.size())};
}

void RunTimes::add(float whole, const std::vector<float>& steps) {
  if (runs_++ % every_ != 0) return;
  if (whole_.size() == most_) {
    keep_every_second();
    if ((runs_ - 1) % every_ != 0) return;
  }
  whole_.push_back(whole);
  steps_.insert(steps_.end(), steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(each_));
}

void RunTimes::keep_every_second() {
  const std::size_t kept = (whole_.size() + 1) / 2;
  for (std::size_t run = 0; run < kept; ++run) {
    whole_[run] = whole_[2 * run];
    std::copy_n(steps_.begin() + static_cast<std::ptrdiff_t>(2 * run * each_), each_,
                steps_.begin() + static_cast<std::ptrdiff_t>(run * each_));
  }
  whole_.resize(kept), steps_.resize(kept * each_);
  every_ *= 2;
}

InferenceTimes time_inference(const OwnedModel& model, const ClockSettings& settings, Progress& progress) {
  ClockedSession session(model, settings.batch);
  InferenceTimes out;
  out.arena_bytes = session.arena_bytes();
  const GracefulInterrupts graceful;
  float last = session.run();
  out.first = static_cast<double>(last);
  const Clock::time_point warming = Clock::now();
  while (interrupted() == 0 &&
         (settings.warmup ? out.warmup_runs < *settings.warmup : seconds_since(warming) < kWarmupSeconds))
    last = session.run(), ++out.warmup_runs;
  out.peaks = peaks_for(model.view());
  const std::size_t each = session.plan().steps.size();
  RunTimes times(each, std::max<std::size_t>(kLeastRuns, kMostTimes / (each + 1)));
  std::vector<float> steps(each);
  const auto wanted = [&](double seconds) {
    if (times.runs() == 0) return true;
    if (interrupted() != 0) return false;
    return settings.runs ? times.runs() < *settings.runs : times.runs() < kLeastRuns || seconds < settings.seconds;
  };
  const auto measure_peaks = [&] { std::ranges::for_each(out.peaks, &Peak::measure); };
  const double rounds =
      settings.runs ? static_cast<double>(*settings.runs) : settings.seconds * 1e9 / (2.0 * std::max(1.0F, last));
  progress.start("timing", static_cast<std::uint64_t>(2.0 * rounds * settings.batch));
  const Clock::time_point begin = Clock::now();
  double next_peak = 0.0;
  for (double now = 0.0; wanted(now); now = seconds_since(begin)) {
    if (now >= next_peak) measure_peaks(), next_peak = now + kPeakInterval;
    const float whole = session.run();
    session.run_steps(steps);
    times.add(whole, steps);
    progress.update(2 * times.runs() * settings.batch, [] { return std::string(); });
  }
  while (!out.peaks.empty() && out.peaks.front().pieces() < kLeastPieces) measure_peaks();
  out.seconds = seconds_since(begin);
  progress.clear();
  out.runs = times.runs(), out.signal = interrupted();
  out.layers = layer_times(model.view(), session.plan(), times.steps());
  out.inference = spread_of(times.whole());
  return out;
}

}  // namespace mote::tool
