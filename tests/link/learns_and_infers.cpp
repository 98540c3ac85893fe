// SPDX-License-Identifier: Apache-2.0
// Firmware that learns and infers, all of it known at compile time: a trainer, and a session for single samples on its
// parameters. static_size.sh tests that it carries no planner. Ends with 0 where the session has learned exclusive or.
#include "mote/model/builders.hpp"
#include "mote/run/session.hpp"
#include "mote/train/trainer.hpp"

namespace {

constexpr auto kNet = mote::sequential(mote::input(2), mote::dense(8), mote::tanh(), mote::dense(1));
constexpr mote::TrainConfig kTrain{
    .loss = mote::Loss::binary_cross_entropy, .optimizer = mote::adam({.learning_rate = 0.05F}), .batch = 4};
constinit mote::StaticTrainer<kNet, kTrain> trainer;
constinit mote::StaticSession<kNet, trainer> session;
static_assert(sizeof trainer + sizeof session < 1200);

void set_inputs(float* values, unsigned sample) {
  values[0] = static_cast<float>(sample & 1U);
  values[1] = static_cast<float>(sample >> 1U);
}
int exclusive_or(unsigned sample) { return static_cast<int>((sample ^ sample >> 1U) & 1U); }

}  // namespace

int main() {
  float loss = 1.0F;
  for (int step = 0; step < 500 && loss > 0.1F; ++step) {
    for (unsigned i = 0; i < 4; ++i) {
      set_inputs(&trainer.input()[2 * i], i);
      trainer.labels()[i] = exclusive_or(i);
    }
    const mote::Result<float> result = trainer.step();
    if (!result.ok()) return 1;
    loss = *result;
  }
  int wrong = 0;
  for (unsigned i = 0; i < 4; ++i) {
    set_inputs(session.input<float>().data(), i);
    session.run();
    if ((session.output<float>()[0] > 0.0F) != (exclusive_or(i) == 1)) ++wrong;
  }
  return wrong;
}
