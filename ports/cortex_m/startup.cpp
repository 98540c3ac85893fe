// SPDX-License-Identifier: Apache-2.0
// Vector table and reset handler for every Cortex-M: memory, floating-point unit, constructors, main().
// Relies on the symbols of cortex_m.ld. A board's own clocks and interrupts do not belong here.
#include <cstdint>

#include "semihosting.hpp"

extern "C" {
extern std::uint32_t mote_data_load[], mote_data_begin[], mote_data_end[], mote_bss_begin[], mote_bss_end[];
extern std::uint32_t mote_stack_top[];
using Constructor = void (*)();
extern const Constructor mote_init_array_begin[], mote_init_array_end[];

int mote_main() __asm__("main");  // C++ forbids calling main by its name
[[noreturn]] void mote_reset();
[[noreturn]] void mote_fault();
}

// Without the attribute GCC turns the loops into calls of memcpy and memset, 470 bytes where 40 do.
[[gnu::optimize("no-tree-loop-distribute-patterns")]] void mote_reset() {
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  volatile std::uint32_t* const cpacr = reinterpret_cast<volatile std::uint32_t*>(0xE000ED88U);
  *cpacr = *cpacr | 0xFU << 20;  // full access to coprocessors 10 and 11, before the first floating-point instruction
  __asm__ volatile("dsb\n isb" ::: "memory");
#endif
  const std::uint32_t* source = mote_data_load;
  for (std::uint32_t* word = mote_data_begin; word < mote_data_end; ++word) *word = *source++;
  for (std::uint32_t* word = mote_bss_begin; word < mote_bss_end; ++word) *word = 0;
  for (const Constructor* constructor = mote_init_array_begin; constructor < mote_init_array_end; ++constructor)
    (*constructor)();
  mote::semihosting::exit(mote_main());
}

void mote_fault() {
  mote::semihosting::write("fault: the processor stopped the program (bad address, instruction or stack)\n");
  mote::semihosting::exit(99);
}

namespace {

using Handler = void (*)();
struct VectorTable {
  const std::uint32_t* stack;
  Handler handlers[15];
};

// Reset, NMI, hard, memory, bus and usage faults, secure fault (ARMv8-M), three reserved, SVCall, debug, one reserved,
// PendSV, SysTick.
[[gnu::section(".vectors"), gnu::used]] const VectorTable vectors = {
    mote_stack_top,
    {mote_reset, mote_fault, mote_fault, mote_fault, mote_fault, mote_fault, mote_fault, nullptr, nullptr, nullptr,
     mote_fault, mote_fault, nullptr, mote_fault, mote_fault}};

}  // namespace
