// SPDX-License-Identifier: Apache-2.0
// The handler touches lock-free atomics and calls clock_gettime(), unlink() and _exit() only.
#include "tool/terminal/interrupts.hpp"

#include <unistd.h>

#include <array>
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
std::array<std::atomic<const char*>, 64> temporaries{};
static_assert(std::atomic<std::int64_t>::is_always_lock_free && std::atomic<int>::is_always_lock_free &&
              std::atomic<const char*>::is_always_lock_free);

[[noreturn]] void end(int signal) {
  for (const std::atomic<const char*>& path : temporaries)
    if (const char* const name = path.load(); name != nullptr) ::unlink(name);
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
  const char* const name = ::strdup(path_.c_str());  // never freed: the handler may be reading it
  for (std::atomic<const char*>& slot : temporaries) {
    const char* expected = nullptr;
    if (!slot.compare_exchange_strong(expected, name)) continue;
    slot_ = &slot;
    return;
  }
}

TemporaryName::~TemporaryName() {
  ::unlink(path_.c_str());
  if (slot_ != nullptr) *slot_ = nullptr;
}

}  // namespace mote::tool
