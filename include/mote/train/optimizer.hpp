// SPDX-License-Identifier: Apache-2.0
// Which update rule trains a network, as a plain value: sgd({…}), momentum({…}), …, adamw({…}).
// Relies on nothing. The rules themselves are kernels (kernels.hpp, UpdateArgs) or, of the two that look at all samples
// at once, Minimizer (minimizer.hpp); state lives in the trainer's arena.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstdint>

namespace mote {

enum class OptimizerKind : std::uint8_t { sgd, momentum, nesterov, adagrad, rmsprop, adam, gradient_descent, lbfgs };

/// Optimisers that compare losses of the whole data set: BasicTrainer::minimize() runs them, step() all others.
constexpr bool full_batch(OptimizerKind kind) {
  return kind == OptimizerKind::gradient_descent || kind == OptimizerKind::lbfgs;
}

/// How long a step along a direction is. f(a): the objective after a step of length a.
enum class LineSearch : std::uint8_t {
  none,
  backtracking,  ///< the first of falling trial lengths with f(a) <= f(0) + 1e-4 a f'(0) (Armijo's condition)
  exact,         ///< one-dimensional minimisation: |f'(a)| <= 1e-3 |f'(0)|, and Armijo's condition
  strong_wolfe,  ///< |f'(a)| <= 0.9 |f'(0)|, and Armijo's condition
};
/// L-BFGS remembers at most so many pairs; texts recommend 3 to 20.
inline constexpr unsigned kMaxHistory = 32;

/// An update rule and its constants. Made by the factories below; the fields a rule does not use are zero.
/// Decays are double: in float32, 1 - 0.999f is off by 1.3e-5 of itself, which every step of Adam would inherit.
struct Optimizer {
  OptimizerKind kind = OptimizerKind::sgd;
  float learning_rate = 0.01F;  ///< before the schedule
  double decay1 = 0.0;          ///< momentum and Nesterov: the momentum; Adam: beta1
  double decay2 = 0.0;          ///< RMSProp: the decay of the mean square; Adam: beta2
  float epsilon = 0.0F;         ///< added to the root in the denominator (outside the root)
  float weight_decay = 0.0F;    ///< decoupled, weights only: p -= learning_rate weight_decay p; Adam's kind only
  LineSearch line_search = LineSearch::none;  ///< full batch only
  std::uint8_t history = 0;                   ///< L-BFGS: pairs of steps and gradient changes, 1 to kMaxHistory
};

/// Arrays of the size of the learned parameters that the rule keeps between steps; all start at zero. Gradient descent:
/// direction, start of the step. L-BFGS: direction, and two arrays a pair; the start of the step, and the gradient
/// there, wait in the pair that they will become.
constexpr unsigned state_buffers(const Optimizer& optimizer) {
  switch (optimizer.kind) {
    case OptimizerKind::sgd: return 0;
    case OptimizerKind::momentum:
    case OptimizerKind::nesterov:
    case OptimizerKind::adagrad:
    case OptimizerKind::rmsprop: return 1;
    case OptimizerKind::adam:
    case OptimizerKind::gradient_descent: return 2;
    case OptimizerKind::lbfgs: return 1U + 2U * optimizer.history;
  }
  return 0;
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
struct GradientDescentOptions {
  LineSearch line_search = LineSearch::backtracking;
  float first_step = 1.0F;  ///< length of the first trial step in gradients; later ones begin near the step before
};
struct LbfgsOptions {
  std::uint8_t history = 10;
  LineSearch line_search = LineSearch::strong_wolfe;  ///< or exact; Armijo's condition alone spoils the history
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

/// p -= a g over all samples at once, a by line search. minimize() only.
constexpr Optimizer gradient_descent(GradientDescentOptions options = {}) {
  return {OptimizerKind::gradient_descent, options.first_step, 0.0, 0.0, 0.0F, 0.0F, options.line_search, 0};
}

/// p -= a H g over all samples at once: H from the last `history` steps (Nocedal & Wright, Numerical Optimization, 2nd
/// ed., algorithm 7.4, from a diagonal: each parameter's root mean square step over that of its gradient's changes), a
/// by line search, first a = 1. minimize() only. SciPy: minimize(method='L-BFGS-B').
constexpr Optimizer lbfgs(LbfgsOptions options = {}) {
  return {OptimizerKind::lbfgs, 1.0F, 0.0, 0.0, 0.0F, 0.0F, options.line_search, options.history};
}

/// Whether every constant is finite and in its range: learning_rate > 0, decays in [0, 1), epsilon > 0 where a root is
/// divided by, weight_decay >= 0 and used by Adam's kind only, a line search for full batches only, history in range.
constexpr bool valid(const Optimizer& optimizer) {
  const auto finite = [](float v) { return v <= 0x1.FFFFFEp+127F; };  // of what is not negative
  const auto decay = [](double v) { return v >= 0.0 && v < 1.0; };
  if (!(optimizer.learning_rate > 0.0F) || !finite(optimizer.learning_rate)) return false;
  if (!decay(optimizer.decay1) || !decay(optimizer.decay2)) return false;
  if (!(optimizer.weight_decay >= 0.0F) || !finite(optimizer.weight_decay)) return false;
  if (optimizer.weight_decay != 0.0F && optimizer.kind != OptimizerKind::adam) return false;
  const bool searches = optimizer.line_search == LineSearch::backtracking ||
                        optimizer.line_search == LineSearch::exact || optimizer.line_search == LineSearch::strong_wolfe;
  if (full_batch(optimizer.kind) != searches) return false;
  if (optimizer.kind != OptimizerKind::lbfgs && optimizer.history != 0) return false;
  switch (optimizer.kind) {
    case OptimizerKind::sgd:
    case OptimizerKind::momentum:
    case OptimizerKind::nesterov:
    case OptimizerKind::gradient_descent: return true;
    case OptimizerKind::lbfgs:
      return optimizer.line_search != LineSearch::backtracking && optimizer.history >= 1 &&
             optimizer.history <= kMaxHistory;
    case OptimizerKind::adagrad:
    case OptimizerKind::rmsprop:
    case OptimizerKind::adam: return optimizer.epsilon > 0.0F && finite(optimizer.epsilon);
  }
  return false;
}

}  // namespace mote
