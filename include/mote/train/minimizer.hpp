// SPDX-License-Identifier: Apache-2.0
// Full-batch optimisation: gradient descent and L-BFGS, each with a line search. Like StepSearch a machine that is told
// what the objective and its gradient are at the present parameters and moves them to where both are wanted next.
// Who evaluates, and on what data, is BasicTrainer::minimize()'s affair.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <array>
#include <cstdint>

#include "mote/status.hpp"
#include "mote/train/line_search.hpp"

namespace mote {

/// When minimize() ends. Any of these; a tolerance of 0 is never met but by 0 itself.
struct MinimizeOptions {
  std::uint32_t max_iterations = 1000;  ///< accepted steps
  double gradient_tolerance = 1e-5;     ///< Euclidean norm of the objective's gradient
  double loss_tolerance = 0.0;          ///< of one iteration: (f - f') / max(|f|, |f'|, 1), as SciPy's ftol; 0: off
};
/// bad_option unless both tolerances are finite and not negative.
Status validate(const MinimizeOptions& options);

enum class StopReason : std::uint8_t {
  none,  ///< still running (in a call of `observe`)
  gradient_tolerance,
  loss_tolerance,
  max_iterations,
  precision,  ///< steps change the loss by no more than it rounds. That is a minimum, or a long and nearly level way to
              ///< one: inputs of unlike scales make those, and standardize() mends them
  corner,     ///< the loss has a corner here, as ReLU and max pooling make, and rises on both sides of it
  caller,     ///< `observe` returned false
};
const char* name(StopReason reason);

/// All of the last accepted point, the start included.
struct MinimizeResult {
  double objective = 0.0;      ///< what is minimised: loss + l2/2 sum w^2
  double loss = 0.0;           ///< mean over all samples, weights applied
  double gradient_norm = 0.0;  ///< of the objective
  double step = 0.0;           ///< length of the last step, in directions
  std::uint64_t correct = 0;   ///< labels only
  std::uint32_t iterations = 0, evaluations = 0;
  StopReason stopped = StopReason::none;
};

class Minimizer {
 public:
  /// Runs of `count` floats. `gradient` is read, the others are the minimiser's; history: state_buffers() - 1 runs.
  struct Blocks {
    float* params;
    const float* gradient;
    float* direction;
    float* history;
    std::uint32_t count;
  };
  /// Of all samples, at the present parameters. A loss that is not finite: the parameters went too far.
  struct Evaluation {
    double objective = 0.0, loss = 0.0;
    std::uint64_t correct = 0;
  };

  Minimizer(const Optimizer& optimizer, const MinimizeOptions& options, const Blocks& blocks)
      : optimizer_(optimizer), options_(options), blocks_(blocks) {}

  /// True where the parameters are a new accepted point (the first time: the start), and result() is about them.
  bool tell(const Evaluation& evaluation);
  /// Moves the parameters to where tell() wants the next evaluation. False: it is over, they are the last accepted ones
  /// and status() and result() say why.
  bool next();
  /// Ends the run at the last accepted point.
  void stop(StopReason reason);
  /// Back to the last accepted point, for an evaluation that failed.
  void restore();

  /// ok, non_finite_loss, non_finite_gradient (both: at the start) or line_search_failed: no step descends, and the
  /// same parameters have another objective now.
  [[nodiscard]] Status status() const { return status_; }
  [[nodiscard]] const MinimizeResult& result() const { return result_; }

 private:
  [[nodiscard]] float* past(unsigned run) const { return blocks_.history + std::size_t{run} * blocks_.count; }
  [[nodiscard]] bool remembers() const { return optimizer_.kind == OptimizerKind::lbfgs; }
  [[nodiscard]] float* start_params() const { return past(remembers() ? 2U * slot_ : 0U); }
  [[nodiscard]] double dot(const float* a, const float* b) const;
  void add_scaled(const float* base, double scale, const float* direction, float* output) const;
  void accept(const Evaluation& evaluation);
  void remember();
  void descend(const float* gradient);
  void apply_history();
  void begin_search();
  bool try_again();
  bool lean();
  bool progresses();

  Optimizer optimizer_;
  MinimizeOptions options_;
  Blocks blocks_;
  StepSearch search_{};
  MinimizeResult result_{};
  Status status_{};
  std::array<double, kMaxHistory> curvature_{};  // s.y of each pair
  double scale_ = 1.0;                           // s.y / y.y of the newest pair
  double slope_ = 0.0, first_step_ = 0.0, start_ = 0.0, lowest_ = 0.0;
  double mark_objective_ = 0.0, mark_norm_ = 0.0;  // at the last progress
  std::uint32_t mark_iterations_ = 0, mark_evaluations_ = 0;
  unsigned leans_ = 0;
  bool asking_again_ = false;
  unsigned slot_ = 0, pairs_ = 0;  // the pair being made, those behind it
  bool bent_ = false;              // the direction is not the negative gradient
  bool accepted_ = false, searching_ = false;
  StepSearch::Verdict verdict_ = StepSearch::Verdict::next;
};

}  // namespace mote
