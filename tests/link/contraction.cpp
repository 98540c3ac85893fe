// SPDX-License-Identifier: Apache-2.0
// A user's program, compiled with contraction allowed: contraction.sh looks at its instructions. What headers compute
// must not be fused there; control() must, or the test could not see it.
#include <mote/mote.hpp>

namespace {
constexpr auto kNet = mote::sequential(mote::input(8), mote::dense(8), mote::batch_norm(), mote::dropout(0.5F),
                                       mote::gelu(), mote::dense(3));
constexpr mote::TrainConfig kTrain{.optimizer = mote::adam(),
                                   .schedule = mote::cosine_schedule({.steps = 100, .warmup_steps = 5}),
                                   .batch = 4,
                                   .clip_value = 2.0F,
                                   .clip_norm = 1.0F,
                                   .l2 = 0.1F,
                                   .gradient_norms = true};
constexpr auto kLinear = mote::sequential(mote::input(8), mote::dense(3));
constexpr mote::TrainConfig kFullBatch{.optimizer = mote::lbfgs(), .batch = 4, .l2 = 0.1F};
mote::StaticTrainer<kNet, kTrain> trainer;
mote::StaticTrainer<kLinear, kFullBatch> full_batch;
}  // namespace

double control(double a, double b, double c) { return a * b + c; }

float step(mote::Trainer& dynamic) {
  dynamic.init_params(2);
  const auto result = dynamic.step();
  return result.ok() ? *result : 0.0F;
}
double epoch() {
  trainer.init_params(1);
  const auto result = trainer.train_epoch([](auto& t) { return t.updates() < 3; });
  return result.ok() ? result->loss + static_cast<double>(trainer.evaluate()->loss) : 0.0;
}
double minimize() {
  const auto result = full_batch.minimize([](auto&, unsigned) {});
  return result.ok() ? result->objective : 0.0;
}
float normal(unsigned bits) { return mote::normal_from_bits(bits); }
float rate(const mote::Schedule& schedule, unsigned step) { return mote::learning_rate_at(schedule, 0.1F, step); }
