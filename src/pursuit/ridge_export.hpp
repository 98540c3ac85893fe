// SPDX-License-Identifier: Apache-2.0
// From fitted ridge terms to the parameters of a model, and what the model then computes: the only place where the
// double of the fit meets the float32 of the device. Relies on the kernels and on ridge_fit.hpp.
#pragma once

#include "mote/kernels/kernels.hpp"
#include "pursuit/ridge_fit.hpp"

namespace mote::detail {

/// Parameters of input, dense, spline, dense, as float arrays: directions (features, terms), knots, values and slopes
/// (terms, knot_count), loadings (terms, outputs), bias (outputs).
struct PursuitParams {
  std::span<float> directions, knots, values, slopes, loadings, bias;
  std::size_t features = 0, terms = 0, outputs = 0, knot_count = 0;

  static PursuitParams carve(Carver& carver, std::size_t features, std::size_t terms, std::size_t outputs,
                             std::size_t knot_count);
};

/// Writes terms into PursuitParams and measures the result.
class RidgeExport {
 public:
  RidgeExport() = default;
  static RidgeExport carve(Carver& carver, std::size_t features, std::size_t terms, std::size_t outputs,
                           std::size_t knot_count, std::size_t samples);

  /// All channels as functions that are zero everywhere, knots 0, 1, 2, …
  void clear();
  /// Channel `number`: direction in the features' own units, knots where the samples are (all of them if they are few
  /// enough, else quantiles), and the cubic between them that is nearest to the fitted function at the samples.
  void set_term(const RidgeSamples& samples, const RidgeTerm& term, std::size_t number, Smoother smoother);
  /// Loadings and bias of the first `terms` channels by least squares on the channels' float32 values.
  void set_loadings(const RidgeSamples& samples, std::size_t terms);
  /// Sum of w_i (y_ik - f_k(x_i))^2 over rows of the data, f in float32 by the kernels.
  [[nodiscard]] double squared_error(const PursuitData& data, std::span<const std::uint32_t> rows) const;

  [[nodiscard]] const PursuitParams& params() const { return params_; }

 private:
  void set_direction(const RidgeSamples& samples, const RidgeTerm& term, std::size_t number);
  void set_slopes(std::size_t count, Smoother smoother);
  void set_all_knots(std::size_t count, std::size_t number);
  void set_fewer_knots(std::size_t count, std::size_t number);
  void run_channels(const float* input) const;

  PursuitParams params_{};
  RidgePoints points_{};
  std::span<double> along_{}, values_{}, slopes_{};  // (samples)
  std::span<double> smoother_{};                     // workspace of the spline
  std::span<double> normal_{}, right_{};             // systems of knots or of loadings
  std::span<float> projected_{}, channels_{}, output_{};
};

}  // namespace mote::detail
