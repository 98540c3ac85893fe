// SPDX-License-Identifier: Apache-2.0
// How sessions and trainers find the values that a caller writes and reads.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>

#include "mote/plan/plan.hpp"
#include "mote/port.hpp"
#include "mote/run/execute.hpp"

namespace mote::detail {

/// Where `bytes` of a buffer begin. A plan whose tables lie in an arena that somebody else wrote to may say anything:
/// at what would lie outside, it stops with arena_overwritten. Of a constant plan nothing is checked at run time.
MOTE_FOLDED inline std::uint32_t offset_in(const Plan& plan, std::uint16_t buffer, std::uint64_t bytes) {
  const std::uint32_t offset = plan.buffers[buffer].offset;
  if (offset + bytes > plan.arena_bytes) [[unlikely]]
    panic(Status{Code::arena_overwritten});
  return offset;
}

}  // namespace mote::detail
