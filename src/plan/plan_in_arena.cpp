// SPDX-License-Identifier: Apache-2.0
// See plan_in_arena.hpp.
#include "plan/plan_in_arena.hpp"

#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

#include "mote/port.hpp"

namespace mote::detail {
namespace {

/// Makes the plan with its tables in `tables`, which is aligned for them and long enough, behind the first stamp.
Result<Plan> plan_in_tables(const Model& model, const PlanOptions& options, const PlanSize& size, std::byte* tables) {
  auto* steps = reinterpret_cast<Step*>(tables + sizeof(std::uint32_t));
  auto* buffers = reinterpret_cast<Buffer*>(steps + size.steps);
  std::uninitialized_default_construct_n(steps, size.steps);
  std::uninitialized_default_construct_n(buffers, size.buffers);
  return make_plan(model, options, {steps, size.steps}, {buffers, size.buffers});
}

std::size_t total_bytes(const Plan& plan, const PlanSize& size) { return plan.arena_bytes + size.table_bytes(); }

const std::byte* first_stamp(const Plan& plan) {
  return reinterpret_cast<const std::byte*>(plan.steps.data()) - sizeof(std::uint32_t);
}
const std::byte* last_stamp(const Plan& plan) {
  return reinterpret_cast<const std::byte*>(plan.buffers.data() + plan.buffers.size());
}
std::uint32_t word_at(const std::byte* at) {
  std::uint32_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}
void set_word(const std::byte* at, std::uint32_t word) { std::memcpy(const_cast<std::byte*>(at), &word, sizeof word); }

bool overlap(std::span<const std::byte> a, const void* begin, std::size_t bytes) {
  const auto at = reinterpret_cast<std::uintptr_t>(a.data()), other = reinterpret_cast<std::uintptr_t>(begin);
  return bytes != 0 && other < at + a.size() && at < other + bytes;
}
}  // namespace

static_assert(alignof(Step) == 4 && alignof(Buffer) == 4 && sizeof(Step) % 4 == 0, "tables are laid end to end");
static_assert(std::has_unique_object_representations_v<Step> && std::has_unique_object_representations_v<Buffer>);

bool overlaps_model(const Model& model, std::span<const std::byte> arena) {
  return overlap(arena, model.layers.data(), model.layers.size_bytes()) ||
         (model.params != nullptr && overlap(arena, model.params, model.param_bytes)) ||
         (model.trained_params != nullptr &&
          overlap(arena, model.trained_params,
                  trained_offset(model.layers, model.layers.size(), model.trained_alignment)));
}

[[gnu::noinline]] static Result<std::size_t> bytes_by_stack(const Model& model, const PlanOptions& options,
                                                            const PlanSize& size) {
  alignas(Step) std::array<std::byte, kStackTableBytes> tables;
  if (size.table_bytes() > tables.size())
    return Status{Code::output_too_small, kNoLayer, static_cast<std::uint32_t>(size.table_bytes())};
  const Result<Plan> plan = plan_in_tables(model, options, size, tables.data());
  MOTE_TRY(plan);
  return total_bytes(*plan, size);
}

Result<std::size_t> arena_bytes_for(const Model& model, const PlanOptions& options, std::span<std::byte> workspace) {
  const Result<PlanSize> size = plan_size(model, options);
  MOTE_TRY(size);
  if (workspace.size() < size->table_bytes() || reinterpret_cast<std::uintptr_t>(workspace.data()) % alignof(Step) != 0)
    return bytes_by_stack(model, options, *size);
  const Result<Plan> plan = plan_in_tables(model, options, *size, workspace.data());
  MOTE_TRY(plan);
  return total_bytes(*plan, *size);
}

Result<Plan> plan_in_arena(const Model& model, const PlanOptions& options, std::span<std::byte> arena) {
  const Result<PlanSize> size = plan_size(model, options);
  MOTE_TRY(size);
  const auto too_small = [](std::size_t needed) {
    return Status{Code::arena_too_small, kNoLayer, static_cast<std::uint32_t>(needed)};
  };
  if (reinterpret_cast<std::uintptr_t>(arena.data()) % options.alignment != 0)
    return Status{Code::arena_misaligned, kNoLayer, options.alignment};
  if (overlaps_model(model, arena)) return Status{Code::memory_overlaps};
  const std::size_t usable = arena.size() / alignof(Step) * alignof(Step);
  if (usable < size->table_bytes()) {
    const Result<std::size_t> needed = bytes_by_stack(model, options, *size);
    return too_small(needed.ok() ? *needed : size->table_bytes());
  }
  Result<Plan> plan = plan_in_tables(model, options, *size, arena.data() + (usable - size->table_bytes()));
  MOTE_TRY(plan);
  if (total_bytes(*plan, *size) > arena.size()) return too_small(total_bytes(*plan, *size));
  const std::uint32_t stamp = stamp_of(*plan);
  set_word(first_stamp(*plan), stamp);
  set_word(last_stamp(*plan), stamp);
  return plan;
}

std::uint32_t stamp_of(const Plan& plan) {
  std::uint32_t hash = 2166136261U;  // FNV-1a over words
  for (const std::byte* at = first_stamp(plan) + sizeof hash; at != last_stamp(plan); at += sizeof hash)
    hash = (hash ^ word_at(at)) * 16777619U;
  return hash | 1U;
}

bool intact(const Plan& plan, std::uint32_t stamp, std::uint32_t count) {
  return word_at(first_stamp(plan)) == stamp && word_at(last_stamp(plan)) == stamp + count &&
         (MOTE_CHECKED == 0 || stamp_of(plan) == stamp);
}

void set_last_stamp(const Plan& plan, std::uint32_t value) { set_word(last_stamp(plan), value); }

Status check_alignment(const Model& model) {
  for (const std::byte* block : {model.params, model.trained_params})
    if (reinterpret_cast<std::uintptr_t>(block) % kParamAlignment != 0)
      return {Code::params_misaligned, kNoLayer, static_cast<std::uint32_t>(kParamAlignment)};
  return {};
}

Status check_runnable(const Model& model) {
  MOTE_TRY(check_alignment(model));
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    if (layer.param_bytes != 0 && layer_params(model, i) == nullptr)
      return {Code::missing_parameters, static_cast<std::uint16_t>(i)};
  }
  return {};
}

}  // namespace mote::detail
