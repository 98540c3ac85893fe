// SPDX-License-Identifier: Apache-2.0
// Projection pursuit regression (Friedman and Stuetzle, JASA 76, 1981): fills a model made by projection_pursuit(),
//   y_k = bias_k + sum over m of beta_mk g_m(w_m · x),  |w_m| = 1,
// from samples. Functions and directions are fitted, not descended to: a smoother for g_m and a Gauss-Newton step for
// w_m in turns. The result is an ordinary model: it is saved, run and trained further like every other.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>
#include <span>

#include "mote/model/model.hpp"
#include "mote/pursuit/smoother.hpp"

namespace mote {

enum class Smoother : std::uint8_t { spline, supersmoother };

/// How much of what is there already is fitted again when a term comes or goes.
enum class Backfitting : std::uint8_t {
  none,       ///< nothing
  functions,  ///< the ridge functions, directions stay
  all         ///< directions and functions
};

struct PursuitProgress {
  std::uint32_t fold = 0, folds = 0;     ///< 0 of 0 outside cross-validation
  std::uint32_t terms = 0;               ///< in the model after this stage
  std::uint32_t cycles = 0;              ///< of backfitting in this stage
  double residual_sum_of_squares = 0.0;  ///< of the fit so far, in double
};

struct PursuitConfig {
  Smoother smoother = Smoother::spline;
  double degrees_of_freedom = 5.0;  ///< of each ridge function (spline), at least 2; more than the points interpolates
  double span = 0.0;                ///< supersmoother: in (0, 1]; 0: chosen by cross-validation at every point
  double bass = 0.0;                ///< supersmoother: 0 … 10, more is smoother; with span 0
  std::uint32_t terms = 0;          ///< 0: as many as the model has; the model's other terms are filled with zeros
  std::uint32_t max_terms = 0;      ///< terms fitted first, of which the least important are then dropped one by one
                                    ///< until `terms` are left; 0: as `terms`
  Backfitting backfitting = Backfitting::all;
  double tolerance = 1e-4;        ///< a backfitting cycle or a step that gains a smaller part of the residual ends it
  std::uint32_t max_cycles = 50;  ///< of backfitting, in each stage
  std::uint32_t max_steps = 40;   ///< of Gauss-Newton, in each fit of a term
  std::uint32_t starts = 8;       ///< directions that a new term is begun from; the best result is kept
  double minimum_drop = 0.0;      ///< no new term that takes a smaller part of the residual sum of squares; 0: off
  std::uint32_t folds = 0;        ///< the number of terms by cross-validation in so many parts, 2 … samples; 0: off
  std::uint64_t seed = 1;         ///< of starting directions and folds
  void (*progress)(void* context, const PursuitProgress&) = nullptr;  ///< after every stage
  void* progress_context = nullptr;
};

/// Samples to fit to, one after the other; what they lie in stays the caller's. Only read.
struct PursuitData {
  std::span<const float> inputs;   ///< (samples, features)
  std::span<const float> targets;  ///< (samples, outputs)
  std::span<const float> weights;  ///< (samples), at least 0 and not all 0; empty: all 1
};

struct PursuitReport {
  std::uint32_t terms = 0;               ///< in the model
  double residual_sum_of_squares = 0.0;  ///< of the model as it computes, in float32: sum of w_i (y_ik - f_k(x_i))^2
  double total_sum_of_squares = 0.0;     ///< about the mean
  double degrees_of_freedom = 0.0;       ///< of the last ridge function fitted; spline only
};

/// Room for numbers by the number of terms; empty spans are left out, others have max_terms values.
struct PursuitPath {
  std::span<double> residuals;         ///< [m - 1]: residual sum of squares with m terms, on the way down
  std::span<double> cross_validation;  ///< [m - 1]: mean squared error of held-out samples, summed over outputs
};

/// Bytes of arena that fit_projection_pursuit() takes for so many samples, exactly. Errors: as there, of model and
/// configuration.
Result<std::size_t> required_arena_bytes(const Model& model, const PursuitConfig& config, std::size_t samples);

/// Fits the model to the data and writes its parameters to `params`, the block that the records speak of
/// (model.param_bytes; model.params is not read), at least 4-byte aligned. `arena`: 8-byte aligned. Deterministic: the
/// same data, configuration and seed give the same bits.
/// Errors, all of which leave `params` as it was: not_projection_pursuit; bad_option;
/// output_too_small (params; detail: bytes); data_size_mismatch (detail: samples by inputs); too_few_samples (detail:
/// how many are needed); non_finite_data (detail: the sample); constant_feature (detail: which);
/// direction_collapsed (detail: the term); arena_too_small (detail: bytes); arena_misaligned (detail).
Result<PursuitReport> fit_projection_pursuit(const Model& model, const PursuitData& data, const PursuitConfig& config,
                                             std::span<std::byte> params, std::span<std::byte> arena,
                                             const PursuitPath& path = {});

}  // namespace mote
