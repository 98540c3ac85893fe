// SPDX-License-Identifier: Apache-2.0
// Planning at run time: the tables lie at the arena's end, counted exactly before anything is written, with a stamp
// before and one behind them. What clears the arena, plans another model in it or writes past a buffer changes a stamp.
#pragma once

#include "mote/plan/planner.hpp"

namespace mote::detail {

/// Plans with the tables in `arena`'s tail and both stamps set to stamp_of(). Errors as Session::create says.
Result<Plan> plan_in_arena(const Model& model, const PlanOptions& options, std::span<std::byte> arena);

/// Whether what a model is read from lies in memory that is to be written.
bool overlaps_model(const Model& model, std::span<const std::byte> memory);

/// Buffers and tables together.
Result<std::size_t> arena_bytes_for(const Model& model, const PlanOptions& options, std::span<std::byte> workspace);

/// A number for the tables, never 0: equal for sessions of one plan, which may share an arena.
std::uint32_t stamp_of(const Plan& plan);
/// Whether a plan of plan_in_arena() is whole, as far as its stamps tell: the first is `stamp`, the last `stamp +
/// count`. In checked builds the tables are read too.
bool intact(const Plan& plan, std::uint32_t stamp, std::uint32_t count);
void set_last_stamp(const Plan& plan, std::uint32_t value);

/// Whether parameters lie at a multiple of kParamAlignment: params_misaligned.
Status check_alignment(const Model& model);

/// float32 wherever something is computed, parameters where layers want them, and check_alignment().
Status check_runnable(const Model& model);

}  // namespace mote::detail
