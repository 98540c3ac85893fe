// SPDX-License-Identifier: Apache-2.0
#include "tool/ceilings/peak.hpp"

#include <algorithm>
#include <chrono>
#include <functional>

#include "mote/kernels/isa.hpp"

namespace mote::tool {
namespace {

struct Piece {
  void (*run)(std::size_t steps);
  std::size_t steps;
};
void run_piece(const void* data, std::uint32_t, std::uint32_t) {
  const Piece& piece = *static_cast<const Piece*>(data);
  piece.run(piece.steps);
}

}  // namespace

Peak::Peak(DType type, const Threads* threads)
    : type_(type), loop_(&ceilings_of(isa_name()).of(type)), threads_(threads) {
  constexpr double kLeastSeconds = 5e-4;
  while (seconds() < kLeastSeconds) steps_ *= 2;
}

double Peak::seconds() const {
  using Clock = std::chrono::steady_clock;
  const Piece piece{loop_->run, steps_};
  const auto begin = Clock::now();
  if (threads_ != nullptr)
    threads_->run(threads_->pool, run_piece, &piece, threads_->count);
  else
    run_piece(&piece, 0, 1);
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void Peak::measure() {
  const double shares = threads_ != nullptr ? threads_->count : 1.0;
  rates_.push_back(shares * static_cast<double>(steps_) * static_cast<double>(loop_->multiply_adds) / seconds());
}

double Peak::rate() const {
  if (rates_.empty()) return 0.0;
  std::vector<double> sorted = rates_;
  const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 10);
  std::nth_element(sorted.begin(), at, sorted.end(), std::greater<>());
  return *at;
}

}  // namespace mote::tool
