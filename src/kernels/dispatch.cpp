// SPDX-License-Identifier: Apache-2.0
// One library, several instruction sets: mote::kernels::* call through a table chosen once. Compiled only where CMake
// gives MOTE_KERNEL_SETS, the list MOTE_KERNEL_SET(avx512) MOTE_KERNEL_SET(avx2) …, best first.
#include "kernels/kernel_table.hpp"
#include "mote/kernels/isa.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__linux__)
#include <sys/auxv.h>
#endif

namespace mote {

#define MOTE_KERNEL_SET(isa) extern const KernelTable kKernels_##isa;
MOTE_KERNEL_SETS
#undef MOTE_KERNEL_SET

namespace {

/// What the compiler was allowed to use for each set (src/simd/instruction_sets.cmake), asked of this processor and its
/// operating system.
#if defined(__x86_64__)
void ask_processor() { __builtin_cpu_init(); }
[[maybe_unused]] bool has_avx512() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512cd") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("fma") != 0;
}
[[maybe_unused]] bool has_avx512vnni() { return has_avx512() && __builtin_cpu_supports("avx512vnni") != 0; }
[[maybe_unused]] bool has_avx2() { return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0; }
[[maybe_unused]] bool has_avxvnni() {  // not every compiler knows it by name
  unsigned a = 0, b = 0, c = 0, d = 0;
  return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a >> 4 & 1U) != 0;
}
#else
void ask_processor() {}
[[maybe_unused]] bool has_dotprod() {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) >> 20 & 1U) != 0;  // HWCAP_ASIMDDP
#else
  return false;
#endif
}
#endif
[[maybe_unused]] bool has_baseline() { return true; }

struct Candidate {
  const KernelTable* table;
  bool (*runs)();
};
constexpr Candidate kCandidates[] = {
#define MOTE_KERNEL_SET(isa) {&kKernels_##isa, has_##isa},
    MOTE_KERNEL_SETS
#undef MOTE_KERNEL_SET
};

// Null until the first use. Threads that meet there choose the same table.
const KernelTable* chosen = nullptr;

const KernelTable* candidate(std::size_t index) {
  for (const Candidate& c : kCandidates)
    if (c.runs() && index-- == 0) return c.table;
  return nullptr;
}

[[gnu::noinline, gnu::cold]] const KernelTable& choose() {
  ask_processor();
  const KernelTable* const best = candidate(0);
  __atomic_store_n(&chosen, best, __ATOMIC_RELAXED);
  return *best;
}

[[gnu::always_inline]] inline const KernelTable& table() {
  const KernelTable* const now = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
  return now != nullptr ? *now : choose();
}

bool same_text(const char* a, const char* b) {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}

}  // namespace

namespace kernels {
#define MOTE_KERNEL(name, Args) \
  void name(const Args& args) { table().name(args); }
#include "mote/kernels/kernels.inc"
#undef MOTE_KERNEL
}  // namespace kernels

const char* isa_name() { return table().isa; }

const char* runnable_isa(std::size_t index) {
  static_cast<void>(table());
  const KernelTable* const found = candidate(index);
  return found != nullptr ? found->isa : nullptr;
}

bool use_isa(const char* name) {
  for (std::size_t i = 0;; ++i) {
    const KernelTable* const found = (static_cast<void>(table()), candidate(i));
    if (found == nullptr) return false;
    if (!same_text(found->isa, name)) continue;
    __atomic_store_n(&chosen, found, __ATOMIC_RELAXED);
    return true;
  }
}

}  // namespace mote
