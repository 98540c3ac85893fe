// SPDX-License-Identifier: Apache-2.0
#include "tool/terminal/threads.hpp"

#include <fmt/format.h>

#include <memory>
#include <system_error>

#include "mote/linux/thread_pool.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool {
namespace {
std::unique_ptr<ThreadPool> pool;
}  // namespace

void start_threads(std::uint32_t count) {
  try {
    pool = count > 1 ? std::make_unique<ThreadPool>(count) : nullptr;
  } catch (const std::system_error& error) {
    throw data_error(fmt::format("--threads {}: {}", count, error.what()), "ask for fewer");
  }
}

const Threads* lent_threads() { return pool != nullptr ? pool->threads() : nullptr; }

}  // namespace mote::tool
