// SPDX-License-Identifier: Apache-2.0
// Threads for edge boxes: a pool whose workers wait awake for a moment and then asleep.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "mote/run/threads.hpp"

namespace mote {

/// `threads` in all, the one that calls run() among them, so threads - 1 are started; they end with the object.
/// Between calls that follow each other within some tens of microseconds workers spin, which costs their processors;
/// give no more threads than there are processors to spare. One session or trainer at a time.
class ThreadPool {
 public:
  /// Throws std::system_error where the system has no thread to give; without exceptions the program ends there.
  explicit ThreadPool(std::uint32_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// For Session::set_threads and Trainer::set_threads; lives as long as the pool.
  [[nodiscard]] const Threads* threads() const { return &lent_; }

 private:
  static void run(void* pool, Threads::Task task, const void* data, std::uint32_t count);
  void work(std::uint32_t index);
  void stop();

  Threads lent_{};
  Threads::Task task_ = nullptr;
  const void* data_ = nullptr;
  std::uint32_t count_ = 0;
  bool stop_ = false;
  alignas(64) std::atomic<std::uint32_t> call_{0};     // counts calls of run(); workers wait for the next
  alignas(64) std::atomic<std::uint32_t> at_work_{0};  // workers that have not finished the current one
  std::vector<std::thread> workers_;
};

}  // namespace mote
