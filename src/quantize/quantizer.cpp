// SPDX-License-Identifier: Apache-2.0
// The quantiser: the float32 plan with what is gathered behind it in the arena, and the loop over its steps.
#include "mote/quantize/quantizer.hpp"

#include <algorithm>
#include <memory>

#include "model/model_file.hpp"
#include "mote/port.hpp"
#include "plan/plan_in_arena.hpp"
#include "quantize/form.hpp"
#include "quantize/rules.hpp"

namespace mote {
namespace {

using detail::FormMaker;
using detail::LayerNote;

constexpr PlanOptions kPlan{.unjoined = true};
constexpr std::size_t kNoteAlignment = 16;
static_assert(alignof(LayerNote) <= kNoteAlignment);

Status check(const QuantizeConfig& config) {
  const bool counts = config.range != RangeRule::min_max;
  if (config.range > RangeRule::kullback_leibler) return bad_option(Option::range);
  if (!(config.percentile > 50.0F && config.percentile <= 100.0F)) return bad_option(Option::percentile);
  if (config.bins != 0 && (config.bins % 2 != 0 || config.bins < 64 || config.bins > 65536))
    return bad_option(Option::bins);
  return counts && config.bins == 0 ? bad_option(Option::bins) : Status{};
}

/// Notes, counts and means, behind the plan.
std::size_t gathered_bytes(const Model& model, const QuantizeConfig& config) {
  std::size_t observed = 0, means = 0;
  for (std::size_t i = 0; i < model.layers.size() && config.bins != 0; ++i)
    observed += detail::is_observed(model, i) ? 1 : 0;
  for (std::size_t i = 0; i < model.layers.size() && config.bias_correction; ++i) means += detail::mean_count(model, i);
  return align_up(
      model.layers.size() * sizeof(LayerNote) + observed * config.bins * sizeof(std::uint32_t) + means * sizeof(float),
      kNoteAlignment);
}

/// Takes one more sample of `count` values into the means of its channels; `samples` are in them.
void add_to_means(std::span<float> means, const float* values, std::size_t count, std::uint32_t samples) {
  const std::size_t channels = means.size(), rows = count / channels;
  for (std::size_t c = 0; c < channels; ++c) {
    double sum = 0.0;
    for (std::size_t i = 0; i < rows; ++i) sum += static_cast<double>(values[i * channels + c]);
    const auto mean = static_cast<float>(sum / static_cast<double>(rows));
    means[c] += (mean - means[c]) / static_cast<float>(samples + 1);
  }
}

}  // namespace

Result<std::size_t> required_arena_bytes(const Model& model, const QuantizeConfig& config,
                                         std::span<std::byte> workspace) {
  MOTE_TRY(check(config));
  const Result<std::size_t> plan = detail::arena_bytes_for(model, kPlan, workspace);
  MOTE_TRY(plan);
  return align_up(*plan, kNoteAlignment) + gathered_bytes(model, config);
}

Result<Quantizer> Quantizer::create(const Model& model, std::span<std::byte> arena, const QuantizeConfig& config) {
  MOTE_TRY(check(config));
  MOTE_TRY(validate(model));
  if (detail::overlaps_model(model, arena)) return Status{Code::memory_overlaps};
  const std::size_t gathered = gathered_bytes(model, config), usable = arena.size() / kNoteAlignment * kNoteAlignment;
  Quantizer out;
  const Result<Plan> plan = detail::plan_in_arena(model, kPlan, arena.first(usable < gathered ? 0 : usable - gathered));
  if (plan.status().code == Code::arena_too_small)
    return Status{Code::arena_too_small, kNoLayer,
                  static_cast<std::uint32_t>(align_up(std::size_t{plan.status().detail}, kNoteAlignment) + gathered)};
  MOTE_TRY(plan);
  MOTE_TRY(detail::check_runnable(model));
  MOTE_TRY(validate_variances(model));
  MOTE_TRY(require_finite(model));
  out.model_ = model, out.plan_ = *plan, out.config_ = config;
  out.memory_.arena = arena.data();
  out.memory_.params = model.params, out.memory_.trained_params = model.trained_params;
  auto* const notes = reinterpret_cast<LayerNote*>(arena.data() + usable - gathered);
  std::uninitialized_default_construct_n(notes, model.layers.size());
  out.notes_ = {notes, model.layers.size()};
  auto* bins = reinterpret_cast<std::uint32_t*>(notes + model.layers.size());
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerNote& note = notes[i];
    note.reader = detail::sole_reader(model, i);
    note.norm = detail::norm_behind(model, i);
    note.holder = model.layers[i].dtype == DType::f32 ? detail::range_holder(model, i) : static_cast<std::uint16_t>(i);
    note.observed = detail::is_observed(model, i);
    note.histogram.begin(note.observed ? std::span(bins, config.bins) : std::span<std::uint32_t>{});
    if (note.observed) bins += config.bins;
  }
  auto* means = reinterpret_cast<float*>(bins);
  for (std::size_t i = 0; i < model.layers.size() && config.bias_correction; ++i) {
    notes[i].means = {means, detail::mean_count(model, i)};
    std::fill(notes[i].means.begin(), notes[i].means.end(), 0.0F);
    means += notes[i].means.size();
  }
  out.reset_state();
  return out;
}

Status Quantizer::observe() {
  chosen_ = false;
  const auto look = [&](std::size_t layer, std::uint16_t buffer) -> Status {
    LayerNote& note = notes_[layer];
    if (!note.observed || buffer == kNoBuffer) return {};
    const auto count = static_cast<std::size_t>(model_.layers[layer].shape.elements());
    const auto* values = reinterpret_cast<const float*>(memory_.arena + plan_.buffers[buffer].offset);
    const std::size_t good = note.histogram.add(values, count);
    if (good == count) return {};
    return {Code::non_finite_data, static_cast<std::uint16_t>(layer), static_cast<std::uint32_t>(good)};
  };
  for (std::size_t i = 0; i < plan_.buffers.size(); ++i)
    if (plan_.buffers[i].kind == BufferKind::input || plan_.buffers[i].kind == BufferKind::state)
      MOTE_TRY(look(plan_.buffers[i].layer, static_cast<std::uint16_t>(i)));
  for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
    const Step& step = plan_.steps[i];
    const auto number = static_cast<std::uint16_t>(i);
    detail::before_step(plan_, memory_.arena, number);
    const Binding binding(model_, plan_, step, memory_);
    if (const std::span<float> means = notes_[step.layer].means; !means.empty())
      add_to_means(means, binding.input(), static_cast<std::size_t>(binding.in().elements()), samples_);
    run_forward_step(binding);
    // Sums of several and concat have a step for each operand: the value is whole behind the last.
    const bool whole = i + 1 == plan_.steps.size() || plan_.steps[i + 1].layer != step.layer;
    if (whole) MOTE_TRY(look(step.layer, step.output));
    for (std::size_t j = step.layer + 1U; j < model_.layers.size() && step.result != kNoBuffer; ++j)
      if (model_.layers[j].op == Op::result && model_.operand(j) == step.layer) MOTE_TRY(look(j, step.result));
    detail::after_step(plan_, memory_.arena, number);
  }
  ++samples_;
  return {};
}

Status Quantizer::set_range(std::size_t layer, const RealRange& range) {
  if (layer >= notes_.size() || !notes_[layer].observed)
    return {Code::bad_input_index, kNoLayer, static_cast<std::uint32_t>(layer)};
  if (!detail::finite(range.low) || !detail::finite(range.high) || !(range.low < range.high))
    return {Code::bad_quantization, static_cast<std::uint16_t>(layer)};
  notes_[layer].given = range;
  chosen_ = false;
  return {};
}

void Quantizer::choose_ranges() {
  for (std::size_t i = 0; i < notes_.size(); ++i) {  // which training may have moved meanwhile
    if (!detail::gives_range(model_.layers[i].op)) continue;
    const auto* const ends = reinterpret_cast<const float*>(layer_params(model_, i));
    notes_[i].range = {ends[0], ends[1]};
  }
  if (chosen_) return;
  for (LayerNote& note : notes_)
    if (note.observed)
      note.range = note.given == RealRange{} ? note.histogram.range(config_.range, config_.percentile) : note.given;
  chosen_ = true;
}

QuantizedValue Quantizer::value(std::size_t layer) {
  QuantizedValue out;
  if (layer >= notes_.size()) return out;
  out.holder = notes_[layer].holder;
  const LayerNote& note = notes_[out.holder];
  out.observed = note.observed;
  if (!note.observed && !detail::gives_range(model_.layers[out.holder].op)) return out;
  choose_ranges();
  out.seen = note.histogram.seen();
  out.range = note.range;
  const Quantization units = int8_units(out.range);
  const auto end = [&](float step) { return (step - static_cast<float>(units.zero_point)) * units.scale; };
  out.outside = note.histogram.outside({end(-128.5F), end(127.5F)});
  return out;
}

Status Quantizer::check_output(std::span<std::byte> out, std::size_t bytes) const {
  if (out.size() < bytes) return {Code::output_too_small, kNoLayer, static_cast<std::uint32_t>(bytes)};
  if (reinterpret_cast<std::uintptr_t>(out.data()) % detail::FormMaker::kAlignment != 0)
    return {Code::arena_misaligned, kNoLayer, detail::FormMaker::kAlignment};
  const std::byte* const end = reinterpret_cast<const std::byte*>(notes_.data()) + gathered_bytes(model_, config_);
  const bool over_arena = out.data() < end && memory_.arena < out.data() + bytes;
  return over_arena || detail::overlaps_model(model_, out.first(bytes)) ? Status{Code::memory_overlaps} : Status{};
}

Result<std::size_t> Quantizer::file_bytes(const QuantizedForm& form) {
  if (notes_.empty()) return Status{Code::not_created};
  choose_ranges();
  FormMaker maker(model_, notes_, form, FormMaker::Kind::int8);
  MOTE_TRY(maker.decide(samples_ != 0));
  MOTE_TRY(maker.emit());
  return maker.file_bytes();
}

Result<std::size_t> Quantizer::write(std::span<std::byte> out, const QuantizedForm& form) {
  if (notes_.empty()) return Status{Code::not_created};
  choose_ranges();
  FormMaker maker(model_, notes_, form, FormMaker::Kind::int8);
  MOTE_TRY(maker.decide(samples_ != 0));
  if (samples_ == 0 && !maker.says_ranges()) return Status{Code::too_few_samples, kNoLayer, 1};
  MOTE_TRY(maker.emit());
  const std::size_t bytes = maker.file_bytes();
  MOTE_TRY(check_output(out, bytes));
  for (int wider = 0;; ++wider) {
    constexpr int kTries = 20;
    maker.write_to(out.first(bytes));
    MOTE_TRY(maker.emit());
    const Status fits = validate_multipliers(maker.made());
    if (fits.ok()) break;
    if (wider == kTries || !maker.widen(fits.layer)) return fits;
  }
  const Model made = maker.made();
  MOTE_TRY(validate(made));
  finish_model_file(made, out.first(bytes));
  return bytes;
}

Result<std::size_t> Quantizer::fake_quantized_bytes(const QuantizedForm& form) {
  if (notes_.empty()) return Status{Code::not_created};
  choose_ranges();
  FormMaker maker(model_, notes_, form, FormMaker::Kind::fake_quantized);
  MOTE_TRY(maker.decide(samples_ != 0));
  MOTE_TRY(maker.emit());
  return maker.file_bytes();
}

Result<std::size_t> Quantizer::write_fake_quantized(std::span<std::byte> out, const QuantizedForm& form) {
  if (notes_.empty()) return Status{Code::not_created};
  choose_ranges();
  FormMaker maker(model_, notes_, form, FormMaker::Kind::fake_quantized);
  MOTE_TRY(maker.decide(samples_ != 0));
  if (samples_ == 0 && !maker.says_ranges()) return Status{Code::too_few_samples, kNoLayer, 1};
  MOTE_TRY(maker.emit());
  const std::size_t bytes = maker.file_bytes();
  MOTE_TRY(check_output(out, bytes));
  maker.write_to(out.first(bytes));
  MOTE_TRY(maker.emit());
  const Model made = maker.made();
  MOTE_TRY(validate(made));
  finish_model_file(made, out.first(bytes));
  return bytes;
}

}  // namespace mote
