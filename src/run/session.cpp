// SPDX-License-Identifier: Apache-2.0
// Session: planning into the caller's arena, and the loop over the plan. Linked only where models come at run time.
#include "mote/run/session.hpp"

#include "mote/port.hpp"
#include "plan/plan_in_arena.hpp"

namespace mote {

Result<std::size_t> required_arena_bytes(const Model& model, const PlanOptions& options,
                                         std::span<std::byte> workspace) {
  return detail::arena_bytes_for(model, options, workspace);
}

Result<Session> Session::create(const Model& model, std::span<std::byte> arena, const PlanOptions& options) {
  if (options.training) return bad_option(Option::training);
  Session session;
  MOTE_TRY_ASSIGN(session.plan_, detail::plan_in_arena(model, options, arena));
  MOTE_TRY(detail::check_runnable(model));
  if (session.plan_.output == kNoBuffer)
    return bad_option(
        Option::external_input);  // external input and no layer that computes: there is no output of its own
  session.model_ = model;
  session.memory_.arena = arena.data();
  session.memory_.params = model.params;
  session.memory_.trained_params = model.trained_params;
  session.stamp_ = detail::stamp_of(session.plan_);
  session.reset_state();
  return session;
}

Status Session::check() const {
  if (plan_.steps.empty()) return {Code::not_created};
  if (!detail::intact(plan_, stamp_, 0)) return {Code::arena_overwritten};
  if (plan_.options.external_input && memory_.external_input == nullptr) return {Code::missing_input};
  return {};
}

void run_forward_step(const Binding& b) { run_forward(b, ForwardChoice{b}); }

void Session::run() {
  if (const Status status = check(); !status.ok()) [[unlikely]]
    panic(status);
  handed_out_.take(plan_, memory_.arena);
  for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
    const auto step = static_cast<std::uint16_t>(i);
    static_cast<volatile std::uint16_t&>(cursor_) = step;
    detail::before_step(plan_, memory_.arena, step);
    run_forward_step(Binding(model_, plan_, plan_.steps[i], memory_));
    detail::after_step(plan_, memory_.arena, step);
  }
}

}  // namespace mote
