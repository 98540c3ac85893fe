// SPDX-License-Identifier: Apache-2.0
// MOTE_GUARD: a canary behind every buffer, checked after each step while the buffer lives, and NaN over buffers whose
// life is over, so that a read of dead memory shows; and one behind what a caller writes. Empty in other builds.
#include <array>

#include "mote/port.hpp"
#include "mote/run/execute.hpp"
#include "mote/run/values.hpp"

#if defined(MOTE_GUARD)
namespace mote::detail {
namespace {
constexpr std::uint32_t kCanary = 0xC0FFEE11U;
constexpr std::uint32_t kDead = 0x7FC0DEADU;  // a quiet NaN

std::uint32_t* words(std::byte* arena, std::uint32_t offset) {
  return reinterpret_cast<std::uint32_t*>(arena + offset);
}
std::uint32_t payload(const Buffer& buffer) { return static_cast<std::uint32_t>(align_up(buffer.bytes, 4)); }
}  // namespace

namespace {
void write_canary(const Buffer& buffer, std::byte* arena) {
  std::uint32_t* canary = words(arena, buffer.offset + payload(buffer));
  for (std::uint32_t i = 0; i < (kGuardBytes - 4) / 4; ++i) canary[i] = kCanary;
}
bool canary_lives(const Buffer& buffer, std::byte* arena) {
  const std::uint32_t* canary = words(arena, buffer.offset + payload(buffer));
  for (std::uint32_t i = 0; i < (kGuardBytes - 4) / 4; ++i)
    if (canary[i] != kCanary) return false;
  return true;
}
std::array<std::uint16_t, 4> written_by_caller(const Plan& plan) {
  return {plan.input, plan.labels, plan.targets, plan.sample_weights};
}
void require_canary(const Plan& plan, std::byte* arena, std::uint16_t buffer) {
  if (!canary_lives(plan.buffers[buffer], arena))
    panic("more was written to input(), labels(), targets() or sample_weights() than their size()", kNoLayer, kNoLayer,
          buffer);
}
}  // namespace

void HandedOut::give(const Plan& plan, std::byte* arena, std::uint16_t buffer) {
  const auto all = written_by_caller(plan);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i] == kNoBuffer || all[i] != buffer) continue;
    if ((given_ >> i & 1U) != 0) return require_canary(plan, arena, buffer);
    // What the last run left may still be read, and may lie there.
    const Buffer &here = plan.buffers[buffer], &output = plan.buffers[plan.output];
    const std::uint32_t begin = here.offset + payload(here);
    if (begin < output.offset + output.bytes && output.offset < begin + kGuardBytes) return;
    write_canary(here, arena);
    given_ = static_cast<std::uint8_t>(given_ | 1U << i);
  }
}

void HandedOut::take(const Plan& plan, std::byte* arena) {
  const auto all = written_by_caller(plan);
  for (std::size_t i = 0; i < all.size(); ++i)
    if ((given_ >> i & 1U) != 0) require_canary(plan, arena, all[i]);
  given_ = 0;
}

void guard_before(const Plan& plan, std::byte* arena, std::uint16_t step) {
  for (const Buffer& buffer : plan.buffers) {
    if (buffer.first_step == step && in_arena(buffer.kind)) write_canary(buffer, arena);
  }
}

void guard_after(const Plan& plan, std::byte* arena, std::uint16_t step) {
  for (std::size_t b = 0; b < plan.buffers.size(); ++b) {
    const Buffer& buffer = plan.buffers[b];
    if (buffer.first_step > step || buffer.last_step < step || !in_arena(buffer.kind)) continue;
    if (!canary_lives(buffer, arena))
      panic("the bytes behind a buffer were overwritten", step, plan.steps[step].layer, static_cast<std::uint16_t>(b));
    const bool to_the_end = buffer.last_step + 1U == plan.steps.size();  // an output, or it lives always
    if (buffer.last_step != step || to_the_end || b == plan.output) continue;
    std::uint32_t* dead = words(arena, buffer.offset);
    for (std::uint32_t i = 0; i < payload(buffer) / 4; ++i) dead[i] = kDead;
  }
}
}  // namespace mote::detail
#endif
