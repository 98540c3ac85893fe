// SPDX-License-Identifier: Apache-2.0
// Planning at run time: the tables lie at the arena's end, counted exactly before anything is written.
#pragma once

#include "mote/plan/planner.hpp"

namespace mote::detail {

/// Plans with the tables in `arena`'s tail. Errors as Session::create says.
Result<Plan> plan_in_arena(const Model& model, const PlanOptions& options, std::span<std::byte> arena);

/// Buffers and tables together.
Result<std::size_t> arena_bytes_for(const Model& model, const PlanOptions& options, std::span<std::byte> workspace);

/// float32 throughout, and parameters where layers want them.
Status check_runnable(const Model& model);

}  // namespace mote::detail
