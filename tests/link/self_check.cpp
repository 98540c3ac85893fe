// SPDX-License-Identifier: Apache-2.0
// Creates a trainer: ends with 0 where the library's products are rounded, in panic() where they are fused with sums.
#include <mote/mote.hpp>

#include <span>
#include <vector>

static constexpr auto kNet = mote::sequential(mote::input(4), mote::dense(2));

int main() {
  const mote::TrainConfig config{};
  std::vector<mote::Block> arena(mote::blocks_for(*mote::required_arena_bytes(kNet.model(), config)));
  return mote::Trainer::create(kNet.model(), config, std::as_writable_bytes(std::span(arena))).ok() ? 0 : 1;
}
