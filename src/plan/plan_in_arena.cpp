// SPDX-License-Identifier: Apache-2.0
// See plan_in_arena.hpp.
#include "plan/plan_in_arena.hpp"

#include <memory>
#include <new>

namespace mote::detail {
namespace {

/// Makes the plan with its tables in `tables`, which is aligned for them and long enough.
Result<Plan> plan_in_tables(const Model& model, const PlanOptions& options, const PlanSize& size, std::byte* tables) {
  auto* steps = reinterpret_cast<Step*>(tables);
  auto* buffers = reinterpret_cast<Buffer*>(tables + size.steps * sizeof(Step));
  std::uninitialized_default_construct_n(steps, size.steps);
  std::uninitialized_default_construct_n(buffers, size.buffers);
  return make_plan(model, options, {steps, size.steps}, {buffers, size.buffers});
}

std::size_t total_bytes(const Plan& plan, const PlanSize& size) { return plan.arena_bytes + size.table_bytes(); }

}  // namespace

static_assert(alignof(Step) == 4 && alignof(Buffer) == 4 && sizeof(Step) % 4 == 0, "tables are laid end to end");

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
  const std::size_t usable = arena.size() / alignof(Step) * alignof(Step);
  if (usable < size->table_bytes()) {
    const Result<std::size_t> needed = bytes_by_stack(model, options, *size);
    return too_small(needed.ok() ? *needed : size->table_bytes());
  }
  Result<Plan> plan = plan_in_tables(model, options, *size, arena.data() + (usable - size->table_bytes()));
  MOTE_TRY(plan);
  if (total_bytes(*plan, *size) > arena.size()) return too_small(total_bytes(*plan, *size));
  return plan;
}

Status check_runnable(const Model& model) {
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    if (layer.dtype != DType::f32) return {Code::unsupported_dtype, static_cast<std::uint16_t>(i)};
    if (layer.param_bytes != 0 && layer_params(model, i) == nullptr)
      return {Code::missing_parameters, static_cast<std::uint16_t>(i)};
  }
  return {};
}

}  // namespace mote::detail
