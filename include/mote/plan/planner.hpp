// SPDX-License-Identifier: Apache-2.0
// make_plan(): the walk over the model (walk.hpp) and the placement of what it found (placement.hpp). One constexpr
// planner serves inference and training, host and target; it runs on the caller's arrays, counted first.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include "mote/model/validate.hpp"
#include "mote/plan/placement.hpp"
#include "mote/plan/walk.hpp"

namespace mote {

namespace detail {
/// Batch norm takes its statistics over samples, height and width: of one value the variance is 0 and the output beta,
/// whatever the input.
constexpr Status validate_statistics(const Model& model, const PlanOptions& options) {
  for (std::size_t i = 0; options.training && i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    if (layer.op == Op::batch_norm && layer.trainable() && options.batch == 1 && layer.shape.h == 1 &&
        layer.shape.w == 1)
      return {Code::one_value_per_channel, static_cast<std::uint16_t>(i)};
  }
  return {};
}

/// A search along a line moves all parameters by itself, and would leave ranges.
constexpr Status validate_ranges(const Model& model, const PlanOptions& options) {
  for (std::size_t i = 0; options.full_batch && i < model.layers.size(); ++i)
    if (model.layers[i].op == Op::fake_quantize && model.layers[i].trainable()) return bad_option(Option::optimizer);
  return {};
}

/// A constant is there once, not for every sample: of several, only what repeats its operands may read it.
constexpr Status validate_constants(const Model& model, const PlanOptions& options) {
  for (std::size_t i = 0; options.batch > 1 && i < model.layers.size(); ++i) {
    const Op op = model.layers[i].op;
    const bool repeats = broadcasts(op) && (op != Op::add || model.layers[i].input_count == 2);
    if (repeats || is_alias(op) || op == Op::assign) continue;
    for (std::size_t k = op == Op::gather ? 1 : 0; k < model.layers[i].input_count; ++k) {
      std::size_t source = model.operand(i, k);
      while (is_alias(model.layers[source].op)) source = model.operand(source);
      const bool indices = op == Op::gather && k == 1;
      if (model.layers[source].op == Op::constant && !indices)
        return {Code::constant_in_batch, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(source)};
    }
  }
  return {};
}
}  // namespace detail

/// Steps and buffers that make_plan will want for the same arguments, exactly. Errors: what validate() finds,
/// bad_batch, bad_option (alignment; external input for several), plan_too_large, one_value_per_channel (the batch
/// norm).
constexpr Result<PlanSize> plan_size(const Model& model, const PlanOptions& options) {
  MOTE_TRY(validate(model));
  if (options.batch == 0) return Status{Code::bad_batch};
  if (options.alignment < 4 || options.alignment > 4096 || (options.alignment & (options.alignment - 1)) != 0)
    return bad_option(Option::alignment);
  MOTE_TRY(detail::validate_statistics(model, options));
  MOTE_TRY(detail::validate_ranges(model, options));
  MOTE_TRY(detail::validate_constants(model, options));
  if (options.external_input && model.input_count() != 1) return bad_option(Option::external_input);
  if (model.input_shape().elements() * options.batch > 0x7FFF'FFFFU / sizeof(float))
    return Status{Code::plan_too_large};  // external input has no buffer, but kernels count it in 32 bits
  detail::PlanWriter counter;
  Plan plan;
  detail::Walk(model, options, counter).emit(plan);
  if (counter.too_large()) return Status{Code::plan_too_large};
  return counter.size();
}

/// Makes the plan in the caller's arrays, which must be at least as long as plan_size() says and outlive the plan.
/// Errors: what validate() finds, bad_batch, plan_too_large, output_too_small (arrays too short; detail: table bytes).
constexpr Result<Plan> make_plan(const Model& model, const PlanOptions& options, std::span<Step> steps,
                                 std::span<Buffer> buffers) {
  const Result<PlanSize> size = plan_size(model, options);
  MOTE_TRY(size);
  if (steps.size() < size->steps || buffers.size() < size->buffers)
    return Status{Code::output_too_small, kNoLayer, static_cast<std::uint32_t>(size->table_bytes())};
  steps = steps.first(size->steps);
  buffers = buffers.first(size->buffers);
  detail::PlanWriter writer(steps, buffers);
  Plan plan;
  detail::Walk(model, options, writer).emit(plan);
  plan.steps = steps;
  plan.buffers = buffers;
  plan.options = options;
  const auto last_step = static_cast<std::uint16_t>(steps.size() - 1);
  const detail::Peak peak = detail::peak_of(buffers, options.alignment);
  const auto place = [&](std::uint8_t rule) {
    return detail::place(buffers, options.alignment, detail::PlacementRule{rule}, last_step, peak.step);
  };
  std::uint64_t best = ~std::uint64_t{0};
  std::uint8_t best_rule = 0, last_rule = 0;
  for (std::uint8_t rule = 0; rule < detail::kPlacementRules && best != peak.bytes; ++rule) {
    const std::uint64_t end = place(rule);
    last_rule = rule;
    if (end < best) best = end, best_rule = rule;
  }
  if (best > 0x7FFF'FFFFU) return Status{Code::plan_too_large};
  if (best_rule != last_rule) place(best_rule);
  plan.arena_bytes = static_cast<std::uint32_t>(best);
  plan.lower_bound_bytes = static_cast<std::uint32_t>(peak.bytes);
  return plan;
}

/// A plan with its own arrays, for networks known at compile time.
template <std::size_t Steps, std::size_t Buffers>
struct StaticPlan {
  std::array<Step, Steps> steps{};
  std::array<Buffer, Buffers> buffers{};
  PlanSummary summary{};

  [[nodiscard]] constexpr Plan view() const {
    Plan plan{summary, {}, {}};
    plan.steps = steps;
    plan.buffers = buffers;
    return plan;
  }
};

namespace detail {
template <class Net>
constexpr Model model_of(const Net& net) {
  if constexpr (requires { net.model(); })
    return net.model();
  else
    return net;
}

template <std::size_t Steps, std::size_t Buffers>
struct PlanningResult {
  StaticPlan<Steps, Buffers> plan{};  // no pointer to itself: GCC 14 would not take it for a constant
  bool ok = false;
};
template <std::size_t Steps, std::size_t Buffers>
consteval PlanningResult<Steps, Buffers> planned(const Model& model, const PlanOptions& options) {
  PlanningResult<Steps, Buffers> out;
  const Result<Plan> plan = make_plan(model, options, out.plan.steps, out.plan.buffers);
  out.ok = plan.ok();
  if (plan.ok()) out.plan.summary = *plan;
  return out;
}

/// Whether the compiler evaluates the planner to its end: it counts operations and gives up at a limit of its own,
/// which here is no error yet.
template <const auto& kNet, const PlanOptions& kOptions>
concept SizedByCompiler = requires {
  typename std::bool_constant<plan_size(model_of(kNet), kOptions).ok()>;
};
template <const auto& kNet, const PlanOptions& kOptions, std::size_t kSteps, std::size_t kBuffers>
concept PlannedByCompiler = requires {
  typename std::bool_constant<planned<kSteps, kBuffers>(model_of(kNet), kOptions).ok>;
};

template <bool kPlanned>
constexpr void check_compiler_limit() {
  static_assert(
      kPlanned,
      "the network has more layers than this compiler plans within its limit of constant operations (by default "
      "about 90 to train and 280 to run with GCC, 30 and 95 with clang): take mote::Trainer or mote::Session, "
      "which plan any depth at run time, or raise the limit (GCC: -fconstexpr-ops-limit=2000000000, clang: "
      "-fconstexpr-steps=200000000)");
}
}  // namespace detail

/// The plan of a constexpr network, or of the model of one (`kNet` with static storage): sized exactly, made by
/// make_plan. Compilers count the operations of constants, and planning takes them with the square of the layers: by
/// default chains of 90 dense layers can be trained and of 280 run with GCC 12, 30 and 95 with clang 14.
template <const auto& kNet, const PlanOptions& kOptions>
consteval auto static_plan() {
  constexpr bool kSized = detail::SizedByCompiler<kNet, kOptions>;
  detail::check_compiler_limit<kSized>();
  if constexpr (kSized) {
    constexpr Model kModel = detail::model_of(kNet);
    constexpr Result<PlanSize> kSize = plan_size(kModel, kOptions);
    static_assert(kSize.ok(), "the network cannot be planned with these options");
    // Of few buffers it is known, and the plan is not made twice.
    constexpr bool kPlanned =
        kSize->buffers <= 32 || detail::PlannedByCompiler<kNet, kOptions, kSize->steps, kSize->buffers>;
    detail::check_compiler_limit<kPlanned>();
    if constexpr (kPlanned) {
      constexpr auto kResult = detail::planned<kSize->steps, kSize->buffers>(kModel, kOptions);
      static_assert(kResult.ok, "the network cannot be planned with these options");
      return kResult.plan;
    } else {
      return StaticPlan<1, 1>{};
    }
  } else {
    return StaticPlan<1, 1>{};
  }
}

/// Bytes that StaticSession keeps its values in: what a StaticArena (run/static_memory.hpp) must hold for it.
template <const auto& kNet, const PlanOptions& kOptions = kDefaultPlan>
inline constexpr std::size_t static_arena_bytes = static_plan<kNet, kOptions>().summary.arena_bytes;

}  // namespace mote
