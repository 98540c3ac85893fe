// SPDX-License-Identifier: Apache-2.0
// Reading plans; nothing here decides where a buffer lies.
#include "tool/models/memory_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tool/models/model_source.hpp"

namespace mote::tool {
namespace {

const char* word_of(StepKind kind) {
  switch (kind) {
    case StepKind::forward: return "forward";
    case StepKind::loss: return "loss";
    case StepKind::grad_input: return "grad input";
    case StepKind::add_gradient: return "add gradient";
    case StepKind::grad_params: return "grad params";
    case StepKind::penalize: return "penalty";
    case StepKind::gradient_norm: return "gradient norm";
    case StepKind::clip_norm: return "clip norm";
    case StepKind::update: return "update";
  }
  return "";
}

}  // namespace

std::string grouped(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ' ');
  return digits;
}

OwnedPlan plan_of(const Model& model, const std::string& file, const PlanOptions& options) {
  const Result<PlanSize> size = plan_size(model, options);
  if (!size.ok()) throw status_error(size.status(), model, file);
  OwnedPlan out;
  out.steps.resize(size->steps);
  out.buffers.resize(size->buffers);
  out.table_bytes = size->table_bytes();
  const Result<Plan> plan = make_plan(model, options, out.steps, out.buffers);
  if (!plan.ok()) throw status_error(plan.status(), model, file);
  out.plan = *plan;
  return out;
}

std::vector<KindBytes> bytes_by_kind(const OwnedPlan& plan) {
  const std::uint32_t alignment = plan.plan.options.alignment;
  const detail::Peak peak = detail::peak_of(plan.buffers, alignment);
  std::vector<KindBytes> out;
  for (std::size_t kind = 0; kind < kBufferKinds; ++kind) {
    KindBytes row{name(static_cast<BufferKind>(kind)), 0, 0, 0};
    for (const Buffer& buffer : plan.buffers) {
      if (static_cast<std::size_t>(buffer.kind) != kind) continue;
      ++row.buffers;
      const std::uint32_t bytes = detail::padded_bytes(buffer, alignment);
      row.total += bytes;
      if (buffer.first_step <= peak.step && peak.step <= buffer.last_step) row.live += bytes;
    }
    if (row.buffers != 0) out.push_back(row);
  }
  return out;
}

ArenaMap arena_map(const OwnedModel& model, const OwnedPlan& plan, const std::string& title) {
  ArenaMap map;
  map.title = title;
  map.arena_bytes = plan.plan.arena_bytes;
  map.lower_bound_bytes = plan.plan.lower_bound_bytes;
  const Model view = model.view();
  const auto short_name = [&](std::size_t layer) {
    return layer < view.layers.size() ? fmt::format("{} {}", layer, name(view.layers[layer].op)) : std::string();
  };
  for (const Buffer& buffer : plan.buffers) {
    const bool of_layer = buffer.kind != BufferKind::labels && buffer.kind != BufferKind::targets &&
                          buffer.kind != BufferKind::sample_weights && buffer.kind != BufferKind::parameters &&
                          buffer.kind != BufferKind::optimizer_state1 && buffer.kind != BufferKind::optimizer_state2 &&
                          buffer.kind != BufferKind::gradient_norms;
    std::string label = of_layer && buffer.layer != kNoLayer ? short_name(buffer.layer) : name(buffer.kind);
    if (label.empty()) label = name(buffer.kind);
    map.blocks.push_back({name(buffer.kind), label, buffer.offset, buffer.bytes, buffer.first_step, buffer.last_step});
  }
  for (const Step& step : plan.steps)
    map.step_names.push_back(fmt::format("{} {}", word_of(step.kind), short_name(step.layer)));
  return map;
}

}  // namespace mote::tool
