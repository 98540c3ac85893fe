// SPDX-License-Identifier: Apache-2.0
// Projection pursuit regression on files: data into arrays, the fit, the model cut to its terms, and what there is to
// say and draw about it. Takes data and options, gives back a report; prints only through Progress.
#pragma once

#include <string>
#include <vector>

#include "mote/pursuit/projection_pursuit.hpp"
#include "tool/data/data_set.hpp"
#include "tool/models/model_text.hpp"
#include "tool/pictures/plot.hpp"
#include "tool/terminal/progress.hpp"

namespace mote::tool {

/// Samples and targets as the fit takes them.
struct PursuitArrays {
  std::vector<float> inputs, targets;
  std::size_t features = 0, outputs = 0;
  std::vector<std::string> feature_names, target_names;  ///< never empty: x1, x2, … and y1, … without a header

  explicit PursuitArrays(const DataSet& data);
  [[nodiscard]] std::size_t samples() const { return inputs.size() / features; }
};

struct PursuitOutcome {
  OwnedModel model;  ///< with as many terms as the fit ended with
  PursuitReport report;
  std::vector<double> residuals, cross_validation;  ///< by the number of terms; 0 where it was not fitted
  std::size_t arena_bytes = 0;
  double seconds = 0.0;
};

/// The model file's size with so many terms.
std::size_t pursuit_file_bytes(const PursuitArrays& data, std::uint32_t terms, std::uint16_t knots);

/// Fits `terms` terms with `knots` knots each. Throws on whatever stops it, with the option or column concerned.
PursuitOutcome run_pursuit(const PursuitArrays& data, PursuitConfig config, std::uint32_t terms, std::uint16_t knots,
                           const std::string& source, Progress& progress);

/// A term of a model as a person looks at it.
struct PursuitTerm {
  std::vector<double> direction;  ///< (features), unit length
  std::vector<double> loadings;   ///< (outputs)
  double deviation = 0.0;         ///< of the term's contribution over the samples, over all outputs
  std::string text;               ///< "0.34 area - 0.94 peri + 0.02 shape", the largest parts first
};
std::vector<PursuitTerm> pursuit_terms(const OwnedModel& model, const PursuitArrays& data);

/// Residual and total sum of squares on other samples; the total about their own mean.
struct PursuitScore {
  double residual = 0.0, total = 0.0;
  [[nodiscard]] double explained() const { return total > 0.0 ? 1.0 - residual / total : 0.0; }
};
PursuitScore score_pursuit(const OwnedModel& model, const PursuitArrays& data);

/// Each ridge function with the partial residuals of the samples.
std::vector<RidgePanel> ridge_panels(const OwnedModel& model, const PursuitArrays& data);

}  // namespace mote::tool
