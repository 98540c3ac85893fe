// SPDX-License-Identifier: Apache-2.0
// Binary labels as {0, 1} or as {-1, +1} are the same problem: log(1 + e^z) - y z = log(1 + e^(-s z)) for s = 2 y - 1.
// Two trainers that differ in the coding alone go through the same losses and end with the same parameters, bit for
// bit.
#include <mote/mote.hpp>

#include <cstdio>
#include <cstring>

namespace {

constexpr auto kNet = mote::sequential(mote::input(3), mote::dense(4), mote::sigmoid(), mote::dense(1));
constexpr mote::TrainConfig kZeroOne{
    .loss = mote::Loss::binary_cross_entropy, .optimizer = mote::sgd({.learning_rate = 0.5F}), .batch = 8};
constexpr mote::TrainConfig kSigned{.loss = mote::Loss::binary_cross_entropy,
                                    .signed_labels = true,
                                    .optimizer = mote::sgd({.learning_rate = 0.5F}),
                                    .batch = 8};
mote::StaticTrainer<kNet, kZeroOne> zero_one;
mote::StaticTrainer<kNet, kSigned> plus_minus;

/// The label says whether an odd number of the three inputs is 1.
template <class Trainer>
float step(Trainer& trainer, bool with_sign) {
  for (std::size_t i = 0; i < 8; ++i) {
    for (std::size_t k = 0; k < 3; ++k) trainer.input()[3 * i + k] = static_cast<float>(i >> k & 1U);
    const int label = static_cast<int>((i ^ i >> 1U ^ i >> 2U) & 1U);
    trainer.labels()[i] = with_sign ? 2 * label - 1 : label;
  }
  const auto loss = trainer.step();
  return loss.ok() ? *loss : -1.0F;
}

}  // namespace

int main() {
  zero_one.init_params(2);
  plus_minus.init_params(2);
  for (int i = 0; i <= 4000; ++i) {
    const float a = step(zero_one, false), b = step(plus_minus, true);
    if (i % 1000 == 0)
      std::printf("step %4d: loss %.4f with {0, 1}, %.4f with {-1, +1}\n", i, static_cast<double>(a),
                  static_cast<double>(b));
  }
  const auto a = zero_one.parameters(), b = plus_minus.parameters();
  std::printf("parameters %s\n", std::memcmp(a.data(), b.data(), a.size()) == 0 ? "equal, bit for bit" : "differ");
}
