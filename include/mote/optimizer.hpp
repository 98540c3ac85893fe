// SPDX-License-Identifier: Apache-2.0
// Which update rule trains a network, as a plain value: sgd({…}), momentum({…}), …, adamw({…}).
// Relies on nothing. The rules themselves are kernels (kernels.hpp, UpdateArgs); state lives in the trainer's arena.
#pragma once

#include <cstdint>

namespace mote {

enum class OptimizerKind : std::uint8_t { sgd, momentum, nesterov, adagrad, rmsprop, adam };

/// An update rule and its constants. Made by the factories below; the fields a rule does not use are zero.
/// Decays are double: in float32, 1 - 0.999f is off by 1.3e-5 of itself, which every step of Adam would inherit.
struct Optimizer {
  OptimizerKind kind = OptimizerKind::sgd;
  float learning_rate = 0.01F;  ///< before the schedule
  double decay1 = 0.0;          ///< momentum and Nesterov: the momentum; Adam: beta1
  double decay2 = 0.0;          ///< RMSProp: the decay of the mean square; Adam: beta2
  float epsilon = 0.0F;         ///< added to the root in the denominator (outside the root)
  float weight_decay = 0.0F;    ///< decoupled, weights only: p -= learning_rate weight_decay p; Adam's kind only
};

/// Arrays of the size of the learned parameters that the rule keeps between steps; all start at zero.
constexpr unsigned state_buffers(OptimizerKind kind) {
  return kind == OptimizerKind::sgd ? 0 : kind == OptimizerKind::adam ? 2 : 1;
}

struct SgdOptions {
  float learning_rate = 0.01F;
};
struct MomentumOptions {
  float learning_rate = 0.01F;
  double momentum = 0.9;
};
struct AdagradOptions {
  float learning_rate = 0.01F;
  float epsilon = 1e-10F;
};
struct RmspropOptions {
  float learning_rate = 0.01F;
  double decay = 0.99;
  float epsilon = 1e-8F;
};
struct AdamOptions {
  float learning_rate = 1e-3F;
  double beta1 = 0.9, beta2 = 0.999;
  float epsilon = 1e-8F;
};
struct AdamwOptions {
  float learning_rate = 1e-3F;
  double beta1 = 0.9, beta2 = 0.999;
  float epsilon = 1e-8F;
  float weight_decay = 1e-2F;
};

/// p -= a g. PyTorch: torch.optim.SGD(lr).
constexpr Optimizer sgd(SgdOptions options = {}) {
  return {OptimizerKind::sgd, options.learning_rate, 0.0, 0.0, 0.0F, 0.0F};
}

/// s = momentum s - a g, p += s. PyTorch: SGD(lr, momentum); equal while the learning rate is constant. Where it
/// changes, PyTorch scales the whole past by the new rate, and this rule (the texts') only the new gradient.
constexpr Optimizer momentum(MomentumOptions options = {}) {
  return {OptimizerKind::momentum, options.learning_rate, options.momentum, 0.0, 0.0F, 0.0F};
}

/// s = momentum s - a g, p += momentum s - a g. PyTorch: SGD(lr, momentum, nesterov=True), as for momentum().
constexpr Optimizer nesterov(MomentumOptions options = {}) {
  return {OptimizerKind::nesterov, options.learning_rate, options.momentum, 0.0, 0.0F, 0.0F};
}

/// s += g^2, p -= a g / (sqrt s + epsilon). PyTorch: Adagrad(lr, eps).
constexpr Optimizer adagrad(AdagradOptions options = {}) {
  return {OptimizerKind::adagrad, options.learning_rate, 0.0, 0.0, options.epsilon, 0.0F};
}

/// s = decay s + (1 - decay) g^2, p -= a g / (sqrt s + epsilon). PyTorch: RMSprop(lr, alpha=decay, eps).
constexpr Optimizer rmsprop(RmspropOptions options = {}) {
  return {OptimizerKind::rmsprop, options.learning_rate, 0.0, options.decay, options.epsilon, 0.0F};
}

/// s1 = beta1 s1 + (1 - beta1) g, s2 = beta2 s2 + (1 - beta2) g^2,
/// p -= a (s1 / (1 - beta1^t)) / (sqrt(s2 / (1 - beta2^t)) + epsilon) at step t = 1, 2, …
/// PyTorch: Adam(lr, betas, eps).
constexpr Optimizer adam(AdamOptions options = {}) {
  return {OptimizerKind::adam, options.learning_rate, options.beta1, options.beta2, options.epsilon, 0.0F};
}

/// p -= a weight_decay p first, then adam(). Weights only: biases and normalisation do not decay (PyTorch's AdamW
/// decays every parameter it is given; pass it two groups for the same result).
constexpr Optimizer adamw(AdamwOptions options = {}) {
  return {OptimizerKind::adam, options.learning_rate, options.beta1,
          options.beta2,       options.epsilon,       options.weight_decay};
}

/// Whether every constant is finite and in its range: learning_rate > 0, decays in [0, 1), epsilon > 0 where a root is
/// divided by, weight_decay >= 0 and used by Adam's kind only.
constexpr bool valid(const Optimizer& optimizer) {
  const auto finite = [](float v) { return v <= 0x1.FFFFFEp+127F; };  // of what is not negative
  const auto decay = [](double v) { return v >= 0.0 && v < 1.0; };
  if (!(optimizer.learning_rate > 0.0F) || !finite(optimizer.learning_rate)) return false;
  if (!decay(optimizer.decay1) || !decay(optimizer.decay2)) return false;
  if (!(optimizer.weight_decay >= 0.0F) || !finite(optimizer.weight_decay)) return false;
  if (optimizer.weight_decay != 0.0F && optimizer.kind != OptimizerKind::adam) return false;
  switch (optimizer.kind) {
    case OptimizerKind::sgd:
    case OptimizerKind::momentum:
    case OptimizerKind::nesterov: return true;
    case OptimizerKind::adagrad:
    case OptimizerKind::rmsprop:
    case OptimizerKind::adam: return optimizer.epsilon > 0.0F && finite(optimizer.epsilon);
  }
  return false;
}

}  // namespace mote
