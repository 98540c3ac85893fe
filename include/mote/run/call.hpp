// SPDX-License-Identifier: Apache-2.0
// A kernel call, divided among the caller's threads where that pays. Part of the executor.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstdint>

#include "mote/run/binding.hpp"
#include "mote/run/threads.hpp"

namespace mote::detail {

/// Multiply-adds from which on a kernel call is divided among threads; handing it over took 0.6 us on two cores of a
/// server, in which one core does about as much.
inline constexpr std::uint64_t kWorthDividing = 100'000;

template <class Args>
constexpr Args arguments_of(void (*)(const Args&));

/// Threads::Task of one kernel.
template <auto kKernel>
void run_share(const void* data, std::uint32_t index, std::uint32_t count) {
  auto args = *static_cast<const decltype(arguments_of(kKernel))*>(data);
  args.part = {index, count};
  kKernel(args);
}

/// The kernel call, divided among the caller's threads where there are any and it has shares and work enough.
template <auto kKernel>
MOTE_FOLDED inline void call(const Binding& b, const decltype(arguments_of(kKernel))& args) {
  if constexpr (requires { args.part; }) {
    if (const Threads* threads = b.memory().threads; threads != nullptr) {
      std::uint64_t operations = 0;
      if constexpr (requires { args.count; }) {
        operations = std::uint64_t{4} * args.count;
      } else {
        operations = b.operations();
      }
      if (operations >= kWorthDividing) return threads->run(threads->pool, &run_share<kKernel>, &args, threads->count);
    }
  }
  kKernel(args);
}

}  // namespace mote::detail
