// SPDX-License-Identifier: Apache-2.0
// Threads that the caller lends to a session or a trainer. The library starts none: a port or an application owns them
// (mote/linux/thread_pool.hpp). Results have the same bits for any number of threads.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstdint>

namespace mote {

struct Threads {
  /// A share of one kernel call; shares 0 … count - 1 may run at the same time and in any order.
  using Task = void (*)(const void* data, std::uint32_t index, std::uint32_t count);

  /// Shares to divide a kernel call into; at most as many as run() can have at work at the same time is of use.
  std::uint32_t count = 1;
  /// Calls task(data, index, count) once for each index 0 … count - 1, and returns when all have returned; what they
  /// wrote is then visible to the caller. Must not fail. One session or trainer at a time.
  void (*run)(void* pool, Task task, const void* data, std::uint32_t count) = nullptr;
  void* pool = nullptr;  ///< passed to run()
};

}  // namespace mote
