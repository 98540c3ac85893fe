// SPDX-License-Identifier: Apache-2.0
// The handler touches lock-free atomics and calls clock_gettime(), unlink() and _exit() only.
#include "tool/terminal/interrupts.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>

namespace mote::tool {
namespace {

// timeout(1) signals its child and then the child's group: two signals, one wish.
constexpr std::int64_t kOneWishNs = 200'000'000;

std::atomic<std::int64_t> first_ns{0};
std::atomic<int> received{0}, graceful{0}, held{0}, ends_later{0};
static_assert(std::atomic<std::int64_t>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

/// A path that the handler may read. It keeps what it reads: a slot that is `ending` is never written again.
struct Slot {
  enum State : int { unused, filling, ready, ending };
  std::atomic<int> state{unused};
  std::array<char, PATH_MAX> path{};
  bool pass(int from, int to) { return state.compare_exchange_strong(from, to); }
};
std::array<Slot, 64> temporaries{};

[[noreturn]] void end(int signal) {
  for (Slot& slot : temporaries)
    if (slot.pass(Slot::ready, Slot::ending)) ::unlink(slot.path.data());
  ::_exit(128 + signal);
}

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void handle(int signal) {
  const std::int64_t now = now_ns();
  std::int64_t none = 0;
  if (first_ns.compare_exchange_strong(none, now)) received = signal;
  if (graceful.load() > 0 && now - first_ns.load() < kOneWishNs) return;
  if (held.load() == 0) end(signal);
  ends_later = signal;
}

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (signal == SIGHUP && before.sa_handler == SIG_IGN) continue;  // nohup
    ::sigaction(signal, &action, nullptr);
  }
}

GracefulInterrupts::GracefulInterrupts() { ++graceful; }
GracefulInterrupts::~GracefulInterrupts() { --graceful; }
int interrupted() { return received.load(); }

Uninterrupted::Uninterrupted() { ++held; }
Uninterrupted::~Uninterrupted() {
  if (--held == 0 && ends_later.load() != 0) end(ends_later.load());
}

TemporaryName::TemporaryName(const std::string& path) : path_(path) {
  for (; path.size() < PATH_MAX && slot_ < temporaries.size(); ++slot_) {
    Slot& slot = temporaries[slot_];
    if (!slot.pass(Slot::unused, Slot::filling)) continue;
    std::memcpy(slot.path.data(), path.c_str(), path.size() + 1);
    slot.state = Slot::ready;
    return;
  }
  slot_ = temporaries.size();
}

TemporaryName::~TemporaryName() {
  ::unlink(path_.c_str());
  if (slot_ < temporaries.size()) temporaries[slot_].pass(Slot::ready, Slot::unused);
}

}  // namespace mote::tool
