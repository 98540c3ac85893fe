// SPDX-License-Identifier: Apache-2.0
// mote bench: how long an inference takes here, layer by layer, beside what the processor allows.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "mote/kernels/isa.hpp"
#include "tool/commands/commands.hpp"
#include "tool/commands/inference_clock.hpp"
#include "tool/commands/training.hpp"
#include "tool/data/file_io.hpp"
#include "tool/models/layer_title.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/models/model_source.hpp"
#include "tool/pictures/plot.hpp"
#include "tool/terminal/interrupts.hpp"
#include "tool/terminal/threads.hpp"

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

struct BenchJob {
  std::string model, svg;
  ClockSettings clock;
};

/// What was measured, beside what is to be done.
class Report {
 public:
  Report(const OwnedModel& model, std::uint32_t batch, const InferenceTimes& times)
      : model_(model.view()), batch_(batch), times_(times) {
    for (std::size_t i = 0; i < model_.layers.size(); ++i) {
      total_ += times.layers[i].time.median;
      work_ += work(i), at_ceilings_ += at_ceiling(i);
    }
  }

  /// Multiply-adds of a run.
  [[nodiscard]] std::uint64_t work(std::size_t i) const { return multiply_adds(model_, i) * batch_; }
  /// Nanoseconds that its multiply-adds take at the ceiling.
  [[nodiscard]] double at_ceiling(std::size_t i) const {
    const std::uint64_t adds = work(i);
    if (adds == 0) return 0.0;
    const DType type = model_.layers[model_.operand(i)].dtype;
    for (const Peak& peak : times_.peaks)
      if (peak.type() == type) return static_cast<double>(adds) / peak.rate() * 1e9;
    return 0.0;
  }
  [[nodiscard]] double share(std::size_t i) const { return total_ > 0.0 ? times_.layers[i].time.median / total_ : 0.0; }

  [[nodiscard]] std::string text(const std::string& name, double load_seconds) const;
  [[nodiscard]] Json json(const std::string& name, double load_seconds) const;
  void draw(const std::string& path, const std::string& name) const;

 private:
  struct Sum {
    std::size_t layers = 0;
    double time = 0.0;
  };
  /// By operator, the longest first.
  [[nodiscard]] std::vector<std::pair<std::string, Sum>> by_operator() const {
    std::map<std::string, Sum> sums;
    for (std::size_t i = 0; i < model_.layers.size(); ++i) {
      if (times_.layers[i].steps == 0) continue;
      Sum& sum = sums[mote::name(model_.layers[i].op)];
      ++sum.layers, sum.time += times_.layers[i].time.median;
    }
    std::vector<std::pair<std::string, Sum>> out(sums.begin(), sums.end());
    std::ranges::stable_sort(out, [](const auto& a, const auto& b) { return a.second.time > b.second.time; });
    return out;
  }
  /// Nothing is trained here, so nothing is said of what is frozen.
  [[nodiscard]] std::string title_of(std::size_t i) const {
    std::string out = layer_title(model_, i);
    if (const std::size_t at = out.find(" frozen"); at != std::string::npos) out.erase(at, 7);
    return out;
  }
  [[nodiscard]] std::string table() const;
  [[nodiscard]] Json layer_json(std::size_t i) const;

  Model model_;
  std::uint32_t batch_;
  const InferenceTimes& times_;
  double total_ = 0.0, at_ceilings_ = 0.0;
  std::uint64_t work_ = 0;
};

/// Two operations a multiply-add.
double giga_operations(std::uint64_t adds, double nanoseconds) {
  return nanoseconds > 0.0 ? 2.0 * static_cast<double>(adds) / nanoseconds : 0.0;
}
double ratio(double part, double whole) { return whole > 0.0 ? part / whole : 0.0; }

std::string micro(double nanoseconds) {
  const double us = nanoseconds * 1e-3;
  return us >= 999.995 ? grouped(static_cast<std::uint64_t>(us + 0.5)) : fmt::format("{:.2f}", us);
}
std::string percent(double share) { return fmt::format("{:.1f} %", 100.0 * share); }
std::string rate_text(double each_second) {
  return each_second >= 100.0 ? grouped(static_cast<std::uint64_t>(each_second + 0.5))
                              : fmt::format("{:.3g}", each_second);
}
std::uint32_t thread_count() { return lent_threads() != nullptr ? lent_threads()->count : 1; }

std::string Report::table() const {
  const auto row = [](const auto& i, const std::string& layer, const std::string& type, const std::string& shape,
                      const std::string& time, const std::string& spread, const std::string& part,
                      const std::string& adds, const std::string& speed, const std::string& reached) {
    std::string out = fmt::format("{:>4}  {:<36} {:<8} {:>12} {:>9} {:>17} {:>8} {:>13} {:>7} {:>8}", i,
                                  shortened(layer, 36), type, shape, time, spread, part, adds, speed, reached);
    out.erase(out.find_last_not_of(' ') + 1);
    return out + '\n';
  };
  const auto rated = [&](const auto& i, const std::string& layer, const std::string& type, const std::string& shape,
                         double time, const std::string& spread, double part, std::uint64_t adds, double ceiling) {
    if (adds == 0) return row(i, layer, type, shape, micro(time), spread, percent(part), "", "", "");
    return row(i, layer, type, shape, micro(time), spread, percent(part), grouped(adds),
               fmt::format("{:.1f}", giga_operations(adds, time)), percent(ratio(ceiling, time)));
  };
  std::string out =
      row("", "layer", "type", "output", "time (us)", "quartiles", "share", "multiply-adds", "GOP/s", "ceiling");
  for (std::size_t i = 0; i < model_.layers.size(); ++i) {
    const LayerTime& layer = times_.layers[i];
    const std::string title = title_of(i), type = dtype_name(model_.layers[i].dtype),
                      shape = shape_text(model_.layers[i].shape);
    if (layer.steps != 0)
      out += rated(i, title, type, shape, layer.time.median,
                   fmt::format("{} - {}", micro(layer.time.lower), micro(layer.time.upper)), share(i), work(i),
                   at_ceiling(i));
    else if (layer.within != kNoLayer)
      out += row(i, title, type, shape, "", fmt::format("in layer {}", layer.within), "", "", "", "");
  }
  return out + rated("", "all layers", "", "", total_, "", total_ > 0.0 ? 1.0 : 0.0, work_, at_ceilings_);
}

std::string Report::text(const std::string& name, double load_seconds) const {
  const Spread& whole = times_.inference;
  const double seconds = whole.median * 1e-9;
  const std::uint32_t threads = thread_count();
  std::string out =
      fmt::format("model        {}{}\n", name, batch_ == 1 ? "" : fmt::format(", {} samples a run", batch_));
  out += fmt::format("kernels      {}, {} thread{}\n", isa_name(), threads, threads == 1 ? "" : "s");
  out += fmt::format("inference    {} us, the median of {} runs; quartiles {} and {}, from {} to {}\n",
                     micro(whole.median), grouped(times_.runs), micro(whole.lower), micro(whole.upper),
                     micro(whole.least), micro(whole.most));
  out += fmt::format("             {} runs a second", rate_text(1.0 / seconds));
  if (batch_ != 1) out += fmt::format(", {} samples a second", rate_text(batch_ / seconds));
  if (work_ != 0)
    out += fmt::format(", {:.1f} GOP/s, {} of the ceiling", giga_operations(work_, whole.median),
                       percent(ratio(at_ceilings_, whole.median)));
  out += fmt::format("\nfirst run    {} us, after {:.1f} ms for the file; {} runs of warming up\n", micro(times_.first),
                     load_seconds * 1e3, grouped(times_.warmup_runs));
  if (!times_.peaks.empty()) {
    std::string peaks;
    for (const Peak& peak : times_.peaks)
      peaks += fmt::format("{}{} {:.1f} GOP/s", peaks.empty() ? "" : ", ", dtype_name(peak.type()), 2e-9 * peak.rate());
    out += fmt::format("ceiling      {}: multiply-adds on registers, measured in between\n", peaks);
  }
  out += fmt::format("memory       arena {} bytes, parameters {} bytes\n\n", grouped(times_.arena_bytes),
                     grouped(model_.param_bytes));
  out += table();
  const auto operators = by_operator();
  if (operators.size() < 2) return out;
  out += fmt::format("\n      {:<24} {:>6} {:>9} {:>8}\n", "operator", "layers", "time (us)", "share");
  for (const auto& [op, sum] : operators)
    out += fmt::format("      {:<24} {:>6} {:>9} {:>8}\n", op, sum.layers, micro(sum.time),
                       percent(ratio(sum.time, total_)));
  return out;
}

Json spread_json(const Spread& s) {
  return {{"median", s.median * 1e-3},
          {"quartiles", {s.lower * 1e-3, s.upper * 1e-3}},
          {"least", s.least * 1e-3},
          {"most", s.most * 1e-3},
          {"mean", s.mean * 1e-3}};
}

Json Report::layer_json(std::size_t i) const {
  const Layer& layer = model_.layers[i];
  const LayerTime& time = times_.layers[i];
  Json json{{"index", i},
            {"op", mote::name(layer.op)},
            {"name", name(model_, i)},
            {"text", layer_text(model_, i)},
            {"dtype", dtype_name(layer.dtype)},
            {"shape", {layer.shape.h, layer.shape.w, layer.shape.c}},
            {"steps", time.steps},
            {"in_layer", time.within == kNoLayer ? Json(nullptr) : Json(time.within)},
            {"microseconds", time.steps == 0 ? Json(nullptr) : spread_json(time.time)},
            {"share", share(i)},
            {"multiply_adds", work(i)}};
  const bool rated = work(i) != 0 && time.steps != 0;
  json["gops"] = rated ? Json(giga_operations(work(i), time.time.median)) : Json(nullptr);
  json["share_of_ceiling"] = rated ? Json(ratio(at_ceiling(i), time.time.median)) : Json(nullptr);
  return json;
}

Json Report::json(const std::string& name, double load_seconds) const {
  Json ceilings = Json::object(), layers = Json::array(), operators = Json::array();
  for (const Peak& peak : times_.peaks) ceilings[dtype_name(peak.type())] = 2e-9 * peak.rate();
  for (std::size_t i = 0; i < model_.layers.size(); ++i) layers.push_back(layer_json(i));
  for (const auto& [op, sum] : by_operator())
    operators.push_back(
        {{"op", op}, {"layers", sum.layers}, {"microseconds", sum.time * 1e-3}, {"share", ratio(sum.time, total_)}});
  const double seconds = times_.inference.median * 1e-9;
  return {{"command", "bench"},
          {"model", name},
          {"isa", isa_name()},
          {"threads", thread_count()},
          {"batch", batch_},
          {"runs", times_.runs},
          {"warmup_runs", times_.warmup_runs},
          {"seconds", times_.seconds},
          {"load_microseconds", load_seconds * 1e6},
          {"first_microseconds", times_.first * 1e-3},
          {"microseconds", spread_json(times_.inference)},
          {"samples_per_second", ratio(batch_, seconds)},
          {"multiply_adds", work_},
          {"gops", giga_operations(work_, times_.inference.median)},
          {"share_of_ceiling", work_ == 0 ? Json(nullptr) : Json(ratio(at_ceilings_, times_.inference.median))},
          {"ceiling_gops", ceilings},
          {"arena_bytes", times_.arena_bytes},
          {"parameter_bytes", model_.param_bytes},
          {"layers", layers},
          {"operators", operators}};
}

void Report::draw(const std::string& path, const std::string& name) const {
  std::vector<TimedLayer> layers;
  for (std::size_t i = 0; i < model_.layers.size(); ++i)
    if (times_.layers[i].steps != 0)
      layers.push_back(
          {fmt::format("{} {}", i, layer_title(model_, i)), times_.layers[i].time.median * 1e-3, at_ceiling(i) * 1e-3});
  plot_layer_times(path, fmt::format("{}: {} us, {}", shortened(name, 50), micro(times_.inference.median), isa_name()),
                   layers);
}

void bench(const BenchJob& job, const Context& context) {
  if (!job.svg.empty()) AtomicFile::claim(job.svg, FileKind::picture);
  const auto begin = std::chrono::steady_clock::now();
  GivenModel given = model_from_argument(job.model, "MODEL");
  if (!given.has_params) initialize(given.model, Initializer::automatic, 0.05F, 1);
  require_one_by_one(given.model, job.clock.batch, job.model);
  const double load_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  Progress progress(Progress::style_for(context.json));
  const InferenceTimes times = time_inference(given.model, job.clock, progress);
  const Report report(given.model, job.clock.batch, times);
  std::string text = report.text(job.model, load_seconds);
  if (!job.svg.empty()) {
    report.draw(job.svg, job.model);
    text += fmt::format("\npicture      {}\n", job.svg);
  }
  std::optional<Error> failure;
  if (times.signal != 0) failure = interruption(times.signal).advise("the times are of the runs until then");
  print_result(context, report.json(job.model, load_seconds), text, failure);
}

}  // namespace

void add_bench(CLI::App& app, Context& context) {
  const auto job = std::make_shared<BenchJob>();
  Options& options = add_command(app, context, "bench", "Times a model's inference on this computer, layer by layer.",
                                 R"(EXAMPLES
  mote bench keywords.tflite
  mote bench fashion.mote --threads 2 --batch 32
  mote bench keywords.tflite --isa avx2 --runs 1000 --svg layers.svg
  mote bench "input 28x28x1; conv2d 8 3x3 same; relu; flatten; dense 10" --json

  Times are medians, with the quartiles between which half of all runs lie. Runs of the whole network, as a program
  has them, take turns with runs that look at the clock after each layer; what a look takes is subtracted. Inputs are
  random numbers, the same in every run, and parameters too where the model has none; states begin anew.
  GOP/s count a multiply-add as two operations. The ceiling is what the same instruction set and threads do on
  registers alone, measured in between, for the type that the layer multiplies. It is no bound where multiply-adds are
  left out, as taps in the padding are. A layer that the kernel of the one before makes has no time: it says where.
)");
  options.text("MODEL", job->model, "FILE|TEXT", "model file, text file or text").required();
  options.whole("--batch", job->clock.batch, {1, 1'000'000'000}, "samples per run");
  options
      .real("--seconds", job->clock.seconds, {.least = 0.0, .most = 86'400.0, .above_least = true},
            "how long to measure; ten runs at least")
      .not_with({{"--runs", {}}});
  options.whole("--runs", job->clock.runs, {1, 1'000'000'000}, "how many runs to measure, instead of --seconds");
  options.whole("--warmup", job->clock.warmup, {0, 1'000'000'000},
                "runs before, which are not measured (default: for a quarter of a second)");
  options.text("--svg", job->svg, "FILE", "picture of the layers' times to write");
  add_force(options, context, {{"--svg", {}}});
  options.run([job, &context] { bench(*job, context); });
}

}  // namespace mote::tool
