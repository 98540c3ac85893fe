// SPDX-License-Identifier: Apache-2.0
// Where each buffer lies in the arena. Part of the planner.
#pragma once

#include "mote/plan.hpp"

namespace mote::detail {

/// Lays buffers into the arena: those that always live first, then by `rule`, each at the lowest offset that is free
/// during its life. Returns the end of the highest one. Of five rules tried on twelve plans of an MLP, a MobileNet and
/// a ResNet, these three were each the best somewhere; by last step and largest-last never were.
enum class PlacementRule : std::uint8_t { largest, longest, earliest };
inline constexpr std::uint8_t kPlacementRules = 3;
inline constexpr std::uint32_t kUnplaced = 0xFFFF'FFFF;

constexpr std::uint32_t padded_bytes(const Buffer& b, std::uint32_t alignment) {
  return static_cast<std::uint32_t>(align_up(std::size_t{b.bytes} + kGuardBytes, alignment));
}
constexpr bool live_together(const Buffer& a, const Buffer& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}
/// Whether `a` is placed before `b` (indices decide ties).
constexpr bool placed_before(PlacementRule rule, const Buffer& a, std::size_t ia, const Buffer& b, std::size_t ib,
                             std::uint16_t last_step) {
  const auto always = [&](const Buffer& x) { return x.first_step == 0 && x.last_step == last_step; };
  if (always(a) != always(b))
    return always(a);
  const auto life = [](const Buffer& x) { return x.last_step - x.first_step; };
  switch (rule) {
    case PlacementRule::largest:
      return a.bytes != b.bytes ? a.bytes > b.bytes : ia < ib;
    case PlacementRule::longest:
      return life(a) != life(b) ? life(a) > life(b) : a.bytes != b.bytes ? a.bytes > b.bytes : ia < ib;
    case PlacementRule::earliest:
      return a.first_step != b.first_step ? a.first_step < b.first_step
             : a.bytes != b.bytes         ? a.bytes > b.bytes
                                          : ia < ib;
  }
  return ia < ib;
}

constexpr std::uint64_t lowest_free_offset(std::span<const Buffer> buffers, const Buffer& wanted,
                                           std::uint32_t alignment) {
  const std::uint64_t bytes = padded_bytes(wanted, alignment);
  std::uint64_t offset = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (const Buffer& other : buffers)
      if (other.offset != kUnplaced && live_together(other, wanted) &&
          offset < std::uint64_t{other.offset} + padded_bytes(other, alignment) && other.offset < offset + bytes) {
        offset = std::uint64_t{other.offset} + padded_bytes(other, alignment);
        moved = true;
      }
  }
  return offset;
}

constexpr std::uint64_t place(std::span<Buffer> buffers, std::uint32_t alignment, PlacementRule rule,
                              std::uint16_t last_step) {
  for (Buffer& b : buffers)
    b.offset = kUnplaced;
  std::uint64_t end = 0;
  for (std::size_t placed = 0; placed < buffers.size(); ++placed) {
    std::size_t next = buffers.size();
    for (std::size_t i = 0; i < buffers.size(); ++i)
      if (buffers[i].offset == kUnplaced &&
          (next == buffers.size() || placed_before(rule, buffers[i], i, buffers[next], next, last_step)))
        next = i;
    const std::uint64_t offset = lowest_free_offset(buffers, buffers[next], alignment);
    end = std::max(end, offset + padded_bytes(buffers[next], alignment));
    if (end > 0x7FFF'FFFFU)
      return end;
    buffers[next].offset = static_cast<std::uint32_t>(offset);
  }
  return end;
}

/// Largest sum of live bytes. It can only rise where a life begins.
constexpr std::uint64_t lower_bound(std::span<const Buffer> buffers, std::uint32_t alignment) {
  std::uint64_t bound = 0;
  for (const Buffer& at : buffers) {
    std::uint64_t live = 0;
    for (const Buffer& b : buffers)
      if (b.first_step <= at.first_step && at.first_step <= b.last_step)
        live += padded_bytes(b, alignment);
    bound = std::max(bound, live);
  }
  return bound;
}

}  // namespace mote::detail
