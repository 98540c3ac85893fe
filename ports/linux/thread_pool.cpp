// SPDX-License-Identifier: Apache-2.0
#include "mote/linux/thread_pool.hpp"

namespace mote {
namespace {

/// Tells the processor that this is a waiting loop.
inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

/// Rounds of pause() before a waiting thread goes to sleep: some tens of microseconds (48 where waking a sleeping one
/// took 21), longer than what lies between two divided layers.
constexpr int kAwakeRounds = 2000;

/// Waits until `value` is no longer `old`, and returns it.
std::uint32_t await_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  for (int round = 0; round < kAwakeRounds; ++round) {
    const std::uint32_t now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    pause();
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(std::uint32_t threads) {
  lent_ = {threads == 0 ? 1 : threads, &ThreadPool::run, this};
  workers_.reserve(lent_.count - 1);
  // Without try, so that it compiles without exceptions too: threads that were started end where another does not
  // start.
  struct StopsUnlessAll {
    ~StopsUnlessAll() {
      if (pool->workers_.size() + 1 < pool->lent_.count) pool->stop();
    }
    ThreadPool* pool;
  };
  const StopsUnlessAll guard{this};
  for (std::uint32_t index = 1; index < lent_.count; ++index) workers_.emplace_back([this, index] { work(index); });
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  stop_ = true;
  call_.fetch_add(1, std::memory_order_release);
  call_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::work(std::uint32_t index) {
  for (std::uint32_t seen = 0;;) {
    seen = await_change(call_, seen);
    if (stop_) return;
    for (std::uint32_t share = index; share < count_; share += lent_.count) task_(data_, share, count_);
    if (at_work_.fetch_sub(1, std::memory_order_acq_rel) == 1) at_work_.notify_one();
  }
}

void ThreadPool::run(void* pool, Threads::Task task, const void* data, std::uint32_t count) {
  auto& self = *static_cast<ThreadPool*>(pool);
  const auto workers = static_cast<std::uint32_t>(self.workers_.size());
  self.task_ = task;
  self.data_ = data;
  self.count_ = count;
  self.at_work_.store(workers, std::memory_order_relaxed);
  self.call_.fetch_add(1, std::memory_order_release);
  self.call_.notify_all();
  for (std::uint32_t share = 0; share < count; share += self.lent_.count) task(data, share, count);
  for (std::uint32_t left = self.at_work_.load(std::memory_order_acquire); left != 0;)
    left = await_change(self.at_work_, left);
}

}  // namespace mote
