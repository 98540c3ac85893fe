// SPDX-License-Identifier: Apache-2.0
// A plan that owns its tables, and what people ask of it: bytes by kind, and the arena map.
#pragma once

#include <string>
#include <vector>

#include "mote/plan/planner.hpp"
#include "tool/models/model_text.hpp"
#include "tool/pictures/plot.hpp"

namespace mote::tool {

struct OwnedPlan {
  std::vector<Step> steps;
  std::vector<Buffer> buffers;
  Plan plan;  ///< views steps and buffers
  std::size_t table_bytes = 0;

  OwnedPlan() = default;
  OwnedPlan(OwnedPlan&&) = default;
  OwnedPlan& operator=(OwnedPlan&&) = default;
  OwnedPlan(const OwnedPlan&) = delete;
  OwnedPlan& operator=(const OwnedPlan&) = delete;

  /// What Session::create or Trainer::create needs, exactly: buffers and tables.
  [[nodiscard]] std::size_t arena_bytes() const { return plan.arena_bytes + table_bytes; }
};

/// Throws the planner's Status; `file` is where the model came from.
OwnedPlan plan_of(const Model& model, const std::string& file, const PlanOptions& options);
inline OwnedPlan plan_of(const OwnedModel& model, const PlanOptions& options) {
  return plan_of(model.view(), model.source, options);
}

/// Memory by kind. `live`: bytes at the step with the most live bytes, so that the column adds up to the lower bound.
struct KindBytes {
  std::string kind;
  std::size_t buffers = 0;
  std::uint64_t total = 0, live = 0;
};
std::vector<KindBytes> bytes_by_kind(const OwnedPlan& plan);

ArenaMap arena_map(const OwnedModel& model, const OwnedPlan& plan, const std::string& title);

/// "12 345" with thin groups of three, for tables.
std::string grouped(std::uint64_t value);

}  // namespace mote::tool
