// SPDX-License-Identifier: Apache-2.0
#include "tool/commands/fine_tuning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tool/commands/arguments.hpp"
#include "tool/commands/quantizing.hpp"
#include "tool/commands/split.hpp"
#include "tool/models/memory_plan.hpp"

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint32_t kScoredAtOnce = 32;
constexpr QuantizeConfig kFirstRanges{.range = RangeRule::percentile, .bins = 2048};

/// `count` of the indices, evenly over all.
std::vector<std::uint32_t> evenly_from(const std::vector<std::uint32_t>& indices, std::size_t count) {
  std::vector<std::uint32_t> out;
  count = std::min(count, indices.size());
  for (std::size_t i = 0; i < count; ++i) out.push_back(indices[i * indices.size() / count]);
  return out;
}

void require_some_int8(const OwnedModel& made, const OwnedModel& model) {
  if (std::ranges::any_of(made.layers, [](const Layer& layer) { return quantized(layer.dtype); })) return;
  throw data_error("no layer of the model has a form on int8, or all are kept",
                   "leave --quantize out, or keep fewer layers")
      .in(model.source);
}

Json tuned_scores(const Scores& scores) {
  return {{"accuracy", scores.classes != 0 ? Json(scores.accuracy()) : Json(nullptr)},
          {"loss", std::isfinite(scores.loss) ? Json(scores.loss) : Json(nullptr)},
          {"r2", std::isfinite(scores.mean_r2()) ? Json(scores.mean_r2()) : Json(nullptr)}};
}

std::string tuned_score(const Scores& scores) {
  if (scores.classes != 0) return fmt::format("{:.2f} %", 100.0 * scores.accuracy());
  if (std::isfinite(scores.mean_r2())) return fmt::format("R2 {:.4f}", scores.mean_r2());
  return fmt::format("loss {:.6g}", scores.loss);
}

}  // namespace

unsigned FineTuning::epochs_after(unsigned in_float32) const {
  return epochs ? *epochs : std::max(2U, (in_float32 + 4) / 5);
}

FineTuningReport fine_tune(const OwnedModel& model, const FineTuning& how, TrainingOptions options, const DataSet& data,
                           const DataSet* test, Progress& progress) {
  FineTuningReport out;
  const auto count = static_cast<std::uint32_t>(data.size());
  const Split split = split_off(data.labels(), count, options.validation_fraction, options.seed);
  std::vector<std::uint16_t> keep;
  if (!how.keep.empty())
    for (const std::size_t layer : layers_called(how.keep, model, "--quantize-keep", true))
      keep.push_back(static_cast<std::uint16_t>(layer));
  const QuantizedForm form{.keep = keep};

  const std::vector<Array> shown{samples_array(data, evenly_from(split.train, how.samples))};
  out.samples = shown.front().dims.front();
  OwnedQuantizer ranges(model, kFirstRanges);
  progress.start("samples for ranges", out.samples);
  ranges.observe(shown, out.samples, [&](std::uint64_t done) { progress.update(done, [] { return std::string(); }); });
  progress.clear();
  require_some_int8(ranges.model(form), model);
  OwnedModel rounded = ranges.fake_quantized(form);

  options.config.optimizer.learning_rate *= static_cast<float>(how.rate);
  options.learn_standardization = false;
  out.epochs = options.epochs, out.learning_rate = options.config.optimizer.learning_rate;
  progress.say(fmt::format("fine-tuning on int8 steps: {} epochs, learning rate {:.3g}, ranges from {} samples",
                           out.epochs, static_cast<double>(out.learning_rate), out.samples));
  if (options.epochs != 0) out.training = train(rounded, options, data, nullptr, progress);
  if (out.training.failure && out.training.kept.empty()) out.training.kept = "the weights before fine-tuning, on int8,";

  OwnedQuantizer quantizer(rounded, {});  // without a sample: what was not rounded stays float32
  out.model = quantizer.model({});
  out.part = test != nullptr ? "test" : !split.held_out.empty() ? "validation" : "training";
  const std::span<const std::uint32_t> part = test != nullptr          ? std::span<const std::uint32_t>{}
                                              : split.held_out.empty() ? split.train
                                                                       : split.held_out;
  const auto scores_for = [&](const OwnedModel& one) {
    return score_model(one, test != nullptr ? *test : data, options.config.loss, kScoredAtOnce, progress, part).scores;
  };
  out.real = scores_for(model), out.fake_quantized = scores_for(rounded), out.whole = scores_for(out.model);
  out.bytes_before = model.params.size(), out.bytes = out.model.params.size();
  out.inference_arena_before = plan_of(model, {.alignment = 64}).arena_bytes();
  out.inference_arena = plan_of(out.model, {.alignment = 64}).arena_bytes();
  return out;
}

std::string fine_tuning_text(const FineTuningReport& report) {
  std::string out = fmt::format("fine-tuned      {} epochs at learning rate {:.3g}, ranges from {} samples\n",
                                report.epochs, static_cast<double>(report.learning_rate), grouped(report.samples));
  out += fmt::format("{:<16}float32 {}, rounded to int8 steps {}, int8 {} ({} samples)\n",
                     report.real.classes != 0 ? "accuracy" : "outputs", tuned_score(report.real),
                     tuned_score(report.fake_quantized), tuned_score(report.whole), report.part);
  out += fmt::format("parameters      {} bytes, {} in float32\n", grouped(report.bytes), grouped(report.bytes_before));
  return out;
}

Json fine_tuning_json(const FineTuningReport& report) {
  return {{"epochs", report.epochs},
          {"learning_rate", report.learning_rate},
          {"range_samples", report.samples},
          {"updates", report.training.updates},
          {"best_epoch", report.training.best_epoch == 0 ? Json(nullptr) : Json(report.training.best_epoch)},
          {"part", report.part},
          {"float32", tuned_scores(report.real)},
          {"fake_quantized", tuned_scores(report.fake_quantized)},
          {"int8", tuned_scores(report.whole)},
          {"parameter_bytes", report.bytes},
          {"parameter_bytes_before", report.bytes_before},
          {"inference_arena_bytes_before", report.inference_arena_before},
          {"training_arena_bytes", report.training.arena_bytes},
          {"samples_per_second", report.training.samples_per_second}};
}

}  // namespace mote::tool
