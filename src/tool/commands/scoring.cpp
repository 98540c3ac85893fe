// SPDX-License-Identifier: Apache-2.0
// Scoring runs on the host in double, so that a score does not depend on the order of batches.
#include "tool/commands/scoring.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

#include "mote/run/session.hpp"
#include "tool/commands/arguments.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/threads.hpp"

namespace mote::tool {
namespace {

double log_sum_exp(std::span<const float> logits) {
  const auto largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0.0;
  for (const float z : logits) sum += std::exp(static_cast<double>(z) - largest);
  return largest + std::log(sum);
}

/// First of the largest; of finite values.
std::size_t predicted_class(std::span<const float> output, Loss loss) {
  if (output.size() > 1)
    return static_cast<std::size_t>(std::max_element(output.begin(), output.end()) - output.begin());
  return output[0] > (loss == Loss::binary_cross_entropy ? 0.0F : 0.5F) ? 1 : 0;
}

/// Squared errors, and squares around the running mean (Welford).
struct TargetSums {
  double count = 0.0, errors = 0.0, mean = 0.0, squares = 0.0;

  void add(double output, double target) {
    ++count;
    errors += (output - target) * (output - target);
    const double from_mean = target - mean;
    mean += from_mean / count;
    squares += from_mean * (target - mean);
  }
  [[nodiscard]] TargetScore score(double unit) const {
    return {unit * std::sqrt(errors / count),
            squares > 0.0 ? 1.0 - errors / squares : std::numeric_limits<double>::quiet_NaN()};
  }
};

/// The model up to what the loss reads: a softmax behind the logits would lose digits, one of integers more.
OwnedModel cut_to_logits(const OwnedModel& model, Loss loss) {
  OwnedModel cut;
  Layer end = model.layers.back();
  const bool whole = end.op == Op::dequantize && loss != Loss::squared_error;
  const std::size_t before = whole ? model.view().operand(end) : 0;
  if (whole && loss_layer({std::span(model.layers).first(before + 1)}, loss) != before) {
    end.inputs[0] = model.layers[before].inputs[0];
    cut.layers.assign(model.layers.begin(), model.layers.begin() + static_cast<std::ptrdiff_t>(before));
    cut.layers.push_back(end);
  } else {
    cut.layers.assign(model.layers.begin(),
                      model.layers.begin() + static_cast<std::ptrdiff_t>(loss_layer(model.view(), loss) + 1));
  }
  cut.params = AlignedBytes(model.params.size());
  std::copy_n(model.params.data(), model.params.size(), cut.params.data());
  cut.operands = model.operands, cut.alignment = model.alignment, cut.source = model.source;
  return cut;
}

}  // namespace

double Scores::mean_r2() const {
  double sum = 0.0;
  for (const TargetScore& target : targets) sum += target.r2;
  return targets.empty() ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(targets.size());
}

ModelScores score_model(const OwnedModel& model, const DataSet& data, Loss loss, std::uint32_t batch,
                        Progress& progress, std::span<const std::uint32_t> indices) {
  const std::vector<std::uint32_t> all = indices.empty() ? all_indices(data.size()) : std::vector<std::uint32_t>{};
  if (indices.empty()) indices = all;
  const OwnedModel cut = cut_to_logits(model, loss);
  const PlanOptions options{.batch = batch, .alignment = 64};
  const OwnedPlan plan = plan_of(cut, options);
  AlignedBytes arena(plan.arena_bytes());
  Result<Session> session = Session::create(cut.view(), arena.span(), options);
  if (!session.ok()) throw status_error(session.status(), model);
  session->set_threads(lent_threads());
  progress.start("samples", indices.size());
  const auto run = [&]() -> std::span<const float> {
    session->run();
    return session->output<float>();
  };
  ModelScores out;
  out.scores = score(data, indices, batch, session->input<float>(), run, loss, {},
                     [&](std::uint64_t done) { progress.update(done, [] { return std::string(); }); });
  progress.clear();
  out.arena_bytes = plan.arena_bytes();
  out.isa = session->isa();
  return out;
}

double sample_loss(Loss loss, std::span<const float> output, std::int32_t label, std::span<const float> target) {
  const auto wish = [&](std::size_t j) {
    if (!target.empty()) return static_cast<double>(target[j]);
    if (output.size() == 1) return label > 0 ? 1.0 : 0.0;
    return static_cast<std::size_t>(label) == j ? 1.0 : 0.0;
  };
  double sum = 0.0;
  const double norm = loss == Loss::softmax_cross_entropy || loss == Loss::kl_divergence ? log_sum_exp(output) : 0.0;
  for (std::size_t j = 0; j < output.size(); ++j) {
    const double z = static_cast<double>(output[j]), t = wish(j);
    switch (loss) {
      case Loss::squared_error: sum += (z - t) * (z - t); break;
      case Loss::binary_cross_entropy: sum += std::log1p(std::exp(-std::abs(z))) + std::max(z, 0.0) - t * z; break;
      case Loss::softmax_cross_entropy: sum += t * (norm - z); break;
      case Loss::kl_divergence: sum += t > 0.0 ? t * (std::log(t) - (z - norm)) : 0.0; break;
    }
  }
  return sum;
}

Scores score(const DataSet& data, std::span<const std::uint32_t> indices, std::size_t slice, std::span<float> input,
             const std::function<std::span<const float>()>& run, Loss loss, std::span<const float> class_weights,
             const std::function<void(std::uint64_t)>& tick, const TargetUnits& units) {
  Scores scores;
  scores.samples = indices.size();
  const bool labels = data.has_labels();
  const std::size_t features = data.features();
  std::vector<float> target(labels ? 0 : data.target_width());
  double total = 0.0;
  const bool values = loss == Loss::squared_error && !labels && !data.reconstructs();
  std::vector<TargetSums> sums(values ? data.target_width() : 0);
  for (std::size_t first = 0; first < indices.size(); first += slice) {
    const std::size_t count = std::min(slice, indices.size() - first);
    for (std::size_t i = 0; i < count; ++i) data.copy_sample(indices[first + i], input.subspan(i * features, features));
    std::fill(input.begin() + static_cast<std::ptrdiff_t>(count * features), input.end(), 0.0F);
    const auto begin = std::chrono::steady_clock::now();
    const std::span<const float> outputs = run();
    scores.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const std::size_t width = outputs.size() / slice;
    if (labels && scores.classes == 0) {
      scores.classes = std::max<std::size_t>(width, 2);
      scores.confusion.assign(scores.classes * scores.classes, 0);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t index = indices[first + i];
      const std::span<const float> output = outputs.subspan(i * width, width);
      const std::int32_t label = labels ? data.label(index) : 0;
      const std::size_t actual = label > 0 ? static_cast<std::size_t>(label) : 0;
      const double weight = labels && !class_weights.empty() ? static_cast<double>(class_weights[actual]) : 1.0;
      if (!labels) data.copy_target(index, target);
      if (units.active()) units.standardize(target);
      for (std::size_t j = 0; j < sums.size(); ++j) sums[j].add(double(output[j]), double(target[j]));
      total += weight * sample_loss(loss, output, label, target);
      const bool finite = std::all_of(output.begin(), output.end(), [](float v) { return std::isfinite(v); });
      scores.non_finite += finite ? 0U : 1U;
      if (!labels || !finite) continue;
      const std::size_t predicted = predicted_class(output, loss);
      scores.correct += predicted == actual ? 1U : 0U;
      ++scores.confusion[actual * scores.classes + predicted];
    }
    if (tick) tick(first + count);
  }
  for (std::size_t j = 0; j < sums.size(); ++j)
    scores.targets.push_back(sums[j].score(units.active() ? units.deviation()[j] : 1.0));
  scores.loss = indices.empty() ? 0.0 : total / static_cast<double>(indices.size());
  return scores;
}

std::vector<std::uint32_t> all_indices(std::size_t count) {
  std::vector<std::uint32_t> out(count);
  std::iota(out.begin(), out.end(), 0U);
  return out;
}

void require_targets(const DataSet& data, Loss loss, const Shape& output) {
  const bool one = output.elements() == 1;
  if (one && (loss == Loss::softmax_cross_entropy || loss == Loss::kl_divergence))
    throw usage_error("a softmax over one output is always 1",
                      "use --loss binary_cross_entropy, or a last layer with one unit for each class")
        .in(data.target_path());
  if (!one && loss == Loss::binary_cross_entropy && data.has_labels())
    throw usage_error(
        "binary cross-entropy over several outputs needs a target for each, but the data have class numbers",
        "use --loss softmax_cross_entropy or give targets of 0 and 1")
        .in(data.target_path());
  if (one && loss == Loss::squared_error && data.has_labels())
    throw usage_error(
        "the data have class labels, and a network with one output learns values under this loss",
        "name the column of values with --targets, save the targets as float, or use --loss binary_cross_entropy")
        .in(data.target_path());
}

Loss default_loss(const DataSet& data, const Shape& output) {
  if (!data.has_labels()) return Loss::squared_error;
  return output.elements() == 1 ? Loss::binary_cross_entropy : Loss::softmax_cross_entropy;
}

Loss loss_for(const DataSet& data, const OwnedModel& model, const std::optional<Description>& known) {
  const Shape output = model.view().output_shape();
  const Loss by_default = default_loss(data, output);
  if (!known || known->loss.empty()) return by_default;
  const bool same_kind = known->reconstructs == data.reconstructs() && known->label.has_value() == data.has_labels();
  const bool fits = !data.has_labels() || output.elements() != 1 || known->loss == loss_name(by_default);
  if (!same_kind || !fits) return by_default;
  for (const Loss loss :
       {Loss::squared_error, Loss::binary_cross_entropy, Loss::softmax_cross_entropy, Loss::kl_divergence})
    if (known->loss == loss_name(loss)) return loss;
  return by_default;
}

}  // namespace mote::tool
