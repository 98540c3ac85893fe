// SPDX-License-Identifier: Apache-2.0
// The semihosting calls: operation in r0, argument in r1, breakpoint 0xAB (ARM IHI 0100, sections 7.20 and 7.6).
#include "semihosting.hpp"

#include <cstdint>

namespace mote::semihosting {
namespace {

constexpr std::uintptr_t kSysWrite0 = 0x04;
constexpr std::uintptr_t kSysExitExtended = 0x20;
constexpr std::uint32_t kApplicationExit = 0x20026;

void call(std::uintptr_t operation, const void* argument) {
  register std::uintptr_t r0 __asm__("r0") = operation;
  register const void* r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

}  // namespace

void write(const char* text) { call(kSysWrite0, text); }

void exit(int code) {
  const std::uint32_t block[2] = {kApplicationExit, static_cast<std::uint32_t>(code)};
  for (;;) call(kSysExitExtended, block);
}

}  // namespace mote::semihosting
