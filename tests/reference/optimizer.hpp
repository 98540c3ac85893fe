// SPDX-License-Identifier: Apache-2.0
// One optimiser step of one parameter in double, as UpdateArgs words it: the specification of optimizer_f32.inl.
#pragma once

#include <cmath>
#include <cstddef>

#include "mote/kernels/kernels.hpp"

namespace mote::reference {

struct Parameter {
  double value, state1, state2;
};
using Update = void (*)(const UpdateArgs& args, double grad, Parameter& p);

inline void sgd(const UpdateArgs& args, double grad, Parameter& p) {
  p.value -= static_cast<double>(args.learning_rate) * grad;
}

inline void momentum(const UpdateArgs& args, double grad, Parameter& p) {
  p.state1 = static_cast<double>(args.decay1) * p.state1 - static_cast<double>(args.learning_rate) * grad;
  p.value += p.state1;
}

inline void nesterov(const UpdateArgs& args, double grad, Parameter& p) {
  const double step = static_cast<double>(args.learning_rate) * grad;
  p.state1 = static_cast<double>(args.decay1) * p.state1 - step;
  p.value += static_cast<double>(args.decay1) * p.state1 - step;
}

inline void adagrad(const UpdateArgs& args, double grad, Parameter& p) {
  p.state1 += grad * grad;
  p.value -= static_cast<double>(args.learning_rate) * grad / (std::sqrt(p.state1) + static_cast<double>(args.epsilon));
}

inline void rmsprop(const UpdateArgs& args, double grad, Parameter& p) {
  const double decay = static_cast<double>(args.decay2);
  p.state1 = decay * p.state1 + (1.0 - decay) * grad * grad;
  p.value -= static_cast<double>(args.learning_rate) * grad / (std::sqrt(p.state1) + static_cast<double>(args.epsilon));
}

inline void adam(const UpdateArgs& args, double grad, Parameter& p) {
  const double rate = static_cast<double>(args.learning_rate);
  const double decay1 = static_cast<double>(args.decay1), decay2 = static_cast<double>(args.decay2);
  p.value -= rate * static_cast<double>(args.weight_decay) * p.value;
  p.state1 = decay1 * p.state1 + (1.0 - decay1) * grad;
  p.state2 = decay2 * p.state2 + (1.0 - decay2) * grad * grad;
  const double first_moment = p.state1 / static_cast<double>(args.correction1);
  const double second_moment = p.state2 / static_cast<double>(args.correction2);
  p.value -= rate * first_moment / (std::sqrt(second_moment) + static_cast<double>(args.epsilon));
}

}  // namespace mote::reference
