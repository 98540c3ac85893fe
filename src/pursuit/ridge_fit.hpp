// SPDX-License-Identifier: Apache-2.0
// One ridge term beta g(w · x) fitted to what the other terms leave: the inner loop of projection pursuit regression.
// Relies on the smoothers. Knows nothing of models, files or how many terms there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "mote/pursuit/projection_pursuit.hpp"

namespace mote::detail {

/// Hands out arrays of a block one after the other; over a null block it only counts.
class Carver {
 public:
  explicit Carver(std::byte* block) : block_(block) {}
  template <class T>
  std::span<T> take(std::uint64_t count) {
    used_ = (used_ + alignof(T) - 1) / alignof(T) * alignof(T);
    T* const first = block_ == nullptr ? nullptr : reinterpret_cast<T*>(block_ + used_);
    used_ += count * sizeof(T);
    return {first, static_cast<std::size_t>(count)};
  }
  [[nodiscard]] std::uint64_t used() const { return used_; }

 private:
  std::byte* block_;
  std::uint64_t used_ = 0;
};

/// The samples of a fit. Features are standardised as they are read: deviations from the mean over the standard
/// deviation, 0 where a feature is constant among these samples.
struct RidgeSamples {
  const PursuitData* data = nullptr;
  std::span<const std::uint32_t> rows{};  // of the data; weights there are positive
  std::size_t features = 0, outputs = 0;
  std::span<double> mean{}, inverse_deviation{};  // (features)
  double total_weight = 0.0;

  [[nodiscard]] std::size_t size() const { return rows.size(); }
  [[nodiscard]] double weight(std::size_t i) const {
    return data->weights.empty() ? 1.0 : static_cast<double>(data->weights[rows[i]]);
  }
  [[nodiscard]] double feature(std::size_t i, std::size_t j) const {
    const float x = data->inputs[std::size_t{rows[i]} * features + j];
    return (static_cast<double>(x) - mean[j]) * inverse_deviation[j];
  }
  [[nodiscard]] double target(std::size_t i, std::size_t k) const {
    return static_cast<double>(data->targets[std::size_t{rows[i]} * outputs + k]);
  }
};

/// A term: direction of unit length in standardised features, one factor for each output, and the ridge function at
/// the samples, with weighted mean 0 and variance 1.
struct RidgeTerm {
  std::span<double> direction, loadings, values;

  static RidgeTerm carve(Carver& carver, std::size_t features, std::size_t outputs, std::size_t samples) {
    return {carver.take<double>(features), carver.take<double>(outputs), carver.take<double>(samples)};
  }
  void copy_from(const RidgeTerm& other) const;
};

/// The points of a scatter plot along a direction: sorted, samples too close to tell apart joined to one point.
struct RidgePoints {
  std::span<std::uint32_t> order, group;  // (samples): samples sorted; the point of each sample
  std::span<double> x, weights;           // (samples), the first `count` in use
  std::size_t count = 0;

  static RidgePoints carve(Carver& carver, std::size_t samples);
  /// `along`: where each sample lies.
  void sort(const RidgeSamples& samples, std::span<const double> along);
  /// Weighted means of the samples' `values` at the points.
  void average(const RidgeSamples& samples, std::span<const double> values, std::span<double> out) const;
  [[nodiscard]] SmootherPoints view() const { return {x.first(count), weights.first(count)}; }
};

/// Fits terms to a residual (samples, outputs), which it only reads.
class RidgeFit {
 public:
  RidgeFit() = default;
  static RidgeFit carve(Carver& carver, std::size_t features, std::size_t outputs, std::size_t samples);

  void begin(const RidgeSamples& samples, const PursuitConfig& config) {
    samples_ = &samples, config_ = &config, lambda_ = 0.0;
  }

  /// A new term, from config.starts directions. Returns the residual sum of squares with it.
  double start_term(std::span<const double> residual, const RidgeTerm& term, std::uint32_t number);
  /// Fits an existing term again where that lowers `loss`, the residual sum of squares with it as it is; the direction
  /// too if `turn`. `number`: of this fit, for random numbers. Returns the sum then.
  double refit_term(std::span<const double> residual, const RidgeTerm& term, double loss, bool turn,
                    std::uint32_t number);
  /// Sum of w_i (residual_ik - loadings_k values_i)^2.
  [[nodiscard]] double loss(std::span<const double> residual, const RidgeTerm& term) const;

  [[nodiscard]] double degrees_of_freedom() const { return degrees_of_freedom_; }

 private:
  double fit_function(std::span<const double> residual, const RidgeTerm& term, std::span<double> slopes);
  double smooth_target(std::span<const double> residual, const RidgeTerm& term, std::span<double> slopes);
  double turn_direction(std::span<const double> residual, const RidgeTerm& term, double loss);
  void set_normal_equations(std::span<const double> residual, const RidgeTerm& term);
  bool step_from(const RidgeTerm& term, double damping, std::span<double> direction);
  void principal_loadings(std::span<const double> residual, std::span<double> loadings) const;
  void linear_direction(std::span<const double> residual, const RidgeTerm& term);
  double shake_direction(std::span<const double> residual, const RidgeTerm& term, double loss, std::uint32_t shakes,
                         std::uint32_t number);
  [[nodiscard]] bool set_random(std::span<double> direction, std::uint64_t stream, std::uint32_t number) const;
  double random_direction(std::span<const double> residual, std::uint64_t stream);

  const RidgeSamples* samples_ = nullptr;
  const PursuitConfig* config_ = nullptr;
  RidgePoints points_{};
  RidgeTerm trial_{}, candidate_{};
  std::span<double> along_{}, target_{}, fitted_{}, point_slopes_{}, slopes_{}, trial_slopes_{};  // (samples)
  std::span<double> smoother_{};                                                                  // workspace
  std::span<double> principal_{};                                                                 // (outputs)
  std::span<double> normal_{}, factor_{}, gradient_{}, step_{};  // (features, features), …, (features), (features)
  double lambda_ = 0.0, degrees_of_freedom_ = 0.0;
};

/// Scales to unit length; false, and nothing changed, where the length is zero or not finite.
bool normalize(std::span<double> direction);

}  // namespace mote::detail
