// SPDX-License-Identifier: Apache-2.0
// MOTE_GUARD: a canary behind every buffer, checked after each step while the buffer lives, and NaN over buffers whose
// life is over, so that a read of dead memory shows. Empty in other builds.
#include "mote/port.hpp"
#include "mote/run/execute.hpp"

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

void guard_before(const Plan& plan, std::byte* arena, std::uint16_t step) {
  for (const Buffer& buffer : plan.buffers) {
    if (buffer.first_step != step) continue;
    std::uint32_t* canary = words(arena, buffer.offset + payload(buffer));
    for (std::uint32_t i = 0; i < (kGuardBytes - 4) / 4; ++i) canary[i] = kCanary;
  }
}

void guard_after(const Plan& plan, std::byte* arena, std::uint16_t step) {
  for (std::size_t b = 0; b < plan.buffers.size(); ++b) {
    const Buffer& buffer = plan.buffers[b];
    if (buffer.first_step > step || buffer.last_step < step) continue;
    const std::uint32_t* canary = words(arena, buffer.offset + payload(buffer));
    for (std::uint32_t i = 0; i < (kGuardBytes - 4) / 4; ++i)
      if (canary[i] != kCanary)
        panic("the bytes behind a buffer were overwritten", step, plan.steps[step].layer,
              static_cast<std::uint16_t>(b));
    const bool always = buffer.first_step == 0 && buffer.last_step + 1U == plan.steps.size();
    if (buffer.last_step != step || always || b == plan.output) continue;
    std::uint32_t* dead = words(arena, buffer.offset);
    for (std::uint32_t i = 0; i < payload(buffer) / 4; ++i) dead[i] = kDead;
  }
}
}  // namespace mote::detail
#endif
