// SPDX-License-Identifier: Apache-2.0
// See pursuit.hpp. What the model computes, it computes here with the library's kernels.
#include "tool/commands/pursuit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "mote/kernels/kernels.hpp"
#include "tool/models/model_source.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

const float* params_of(const OwnedModel& model, std::size_t layer) {
  return reinterpret_cast<const float*>(layer_params(model.view(), layer));
}

/// The parameters of the chain by name.
struct Chain {
  std::uint32_t features, terms, outputs, knot_count;
  const float *directions, *knots, *values, *slopes, *loadings, *bias;

  explicit Chain(const OwnedModel& model)
      : features(model.layers[0].shape.c),
        terms(model.layers[1].shape.c),
        outputs(model.layers[3].shape.c),
        knot_count(model.layers[2].knots()),
        directions(params_of(model, 1)),
        knots(params_of(model, 2)),
        values(knots + std::size_t{terms} * knot_count),
        slopes(values + std::size_t{terms} * knot_count),
        loadings(params_of(model, 3)),
        bias(loadings + std::size_t{terms} * outputs) {}

  [[nodiscard]] float function(std::size_t term, float along) const {
    const std::size_t first = term * knot_count;
    float out = 0.0F;
    kernels::spline_f32({&along, knots + first, values + first, slopes + first, &out, 1, 1, knot_count});
    return out;
  }
};

/// Of all samples: places along the directions, ridge functions there, outputs.
struct Computed {
  std::vector<float> along, channels, outputs;

  Computed(const Chain& c, const PursuitArrays& data) {
    const auto samples = static_cast<std::uint32_t>(data.samples());
    along.resize(std::size_t{samples} * c.terms), channels.resize(along.size());
    outputs.resize(std::size_t{samples} * c.outputs);
    kernels::dense_f32({data.inputs.data(), c.directions, nullptr, along.data(), samples, c.features, c.terms});
    kernels::spline_f32({along.data(), c.knots, c.values, c.slopes, channels.data(), samples, c.terms, c.knot_count});
    kernels::dense_f32({channels.data(), c.loadings, c.bias, outputs.data(), samples, c.terms, c.outputs});
  }
};

OwnedModel chain_model(std::size_t features, std::uint32_t terms, std::uint16_t knots, std::size_t outputs) {
  if (terms == 0) throw usage_error("--terms 0 fits nothing", "give at least 1");
  if (knots < 2) throw usage_error("--knots is less than 2", "give at least 2; the more, the closer to the fit");
  return parse_model_text(
      fmt::format("input {}; dense {} no_bias; spline {}; dense {}", features, terms, knots, outputs), "the model");
}

/// The first `terms` terms of the model.
OwnedModel cut_to(const OwnedModel& model, std::uint32_t terms) {
  const Chain from(model);
  OwnedModel out = chain_model(from.features, terms, static_cast<std::uint16_t>(from.knot_count), from.outputs);
  const auto to = [&](std::size_t layer) {
    return reinterpret_cast<float*>(out.params.data() + out.layers[layer].param_offset);
  };
  for (std::size_t j = 0; j < from.features; ++j)
    std::copy_n(from.directions + j * from.terms, terms, to(1) + j * terms);
  const std::size_t knots = std::size_t{terms} * from.knot_count;
  std::copy_n(from.knots, knots, to(2));
  std::copy_n(from.values, knots, to(2) + knots);
  std::copy_n(from.slopes, knots, to(2) + 2 * knots);
  std::copy_n(from.loadings, std::size_t{terms} * from.outputs, to(3));
  std::copy_n(from.bias, from.outputs, to(3) + std::size_t{terms} * from.outputs);
  return out;
}

/// The library's refusal in the words of the command line and of the data.
Error pursuit_error(Status status, const PursuitArrays& data, const OwnedModel& model, const std::string& source) {
  static const char* const kOptions[] = {"--df",        "--span",         "--bass",          "--terms",
                                         "--max-terms", "--tolerance",    "--cycles",        "--steps",
                                         "--starts",    "--minimum-drop", "--cross-validate"};
  constexpr auto kFirst = static_cast<std::uint32_t>(Option::degrees_of_freedom);
  if (status.code == Code::bad_option && status.detail >= kFirst && status.detail - kFirst < std::size(kOptions))
    return usage_error(fmt::format("{} is out of range", kOptions[status.detail - kFirst]),
                       "see mote ppr --help for what it takes");
  if (status.code == Code::constant_feature)
    return data_error(fmt::format("the feature {} has the same value in all samples, so no direction can use it",
                                  in_quotes(data.feature_names[status.detail])),
                      "leave it out")
        .in(source);
  if (status.code == Code::too_few_samples)
    return data_error(fmt::format("there are {} samples, and the fit needs {}", data.samples(), status.detail),
                      "give more samples, or ask for fewer terms or folds")
        .in(source);
  return status_error(status, model.view(), source);
}

struct Told {
  Progress& progress;
  std::uint32_t fold = 0;  // the last one told of
};

/// Says what each stage came to; of a fold, that it has begun.
void tell(void* context, const PursuitProgress& p) {
  auto& told = *static_cast<Told*>(context);
  if (p.fold == 0) {
    told.progress.say(fmt::format("{} term{}  residual sum of squares {:.6g}", p.terms, p.terms == 1 ? " " : "s",
                                  p.residual_sum_of_squares));
  } else if (p.fold != told.fold) {
    told.progress.say(fmt::format("fold {} of {}", p.fold, p.folds));
  }
  told.fold = p.fold;
}

}  // namespace

PursuitArrays::PursuitArrays(const DataSet& data) {
  features = data.features(), outputs = data.has_targets() ? data.target_width() : 1;
  inputs.resize(data.size() * features), targets.resize(data.size() * outputs);
  for (std::size_t i = 0; i < data.size(); ++i) {
    data.copy_sample(i, std::span(inputs).subspan(i * features, features));
    if (data.has_targets()) {
      data.copy_target(i, std::span(targets).subspan(i * outputs, outputs));
    } else {
      targets[i] = static_cast<float>(data.label(i));
    }
  }
  feature_names = data.feature_names(), target_names = data.target_names();
  for (std::size_t j = feature_names.size(); j < features; ++j) feature_names.push_back(fmt::format("x{}", j + 1));
  for (std::size_t k = target_names.size(); k < outputs; ++k)
    target_names.push_back(outputs == 1 ? "y" : fmt::format("y{}", k + 1));
}

std::size_t pursuit_file_bytes(const PursuitArrays& data, std::uint32_t terms, std::uint16_t knots) {
  return model_file_bytes(chain_model(data.features, terms, knots, data.outputs).view());
}

PursuitOutcome run_pursuit(const PursuitArrays& data, PursuitConfig config, std::uint32_t terms, std::uint16_t knots,
                           const std::string& source, Progress& progress) {
  PursuitOutcome out;
  OwnedModel model = chain_model(data.features, terms, knots, data.outputs);
  Told told{progress};
  config.progress = tell, config.progress_context = &told;
  const std::uint32_t most = std::max(terms, config.max_terms);
  out.residuals.resize(most), out.cross_validation.resize(config.folds == 0 ? 0 : terms);
  const Result<std::size_t> bytes = required_arena_bytes(model.view(), config, data.samples());
  if (!bytes.ok()) throw pursuit_error(bytes.status(), data, model, source);
  AlignedBytes arena(*bytes);
  out.arena_bytes = *bytes;
  const auto begin = std::chrono::steady_clock::now();
  const Result<PursuitReport> report =
      fit_projection_pursuit(model.view(), {data.inputs, data.targets, {}}, config, model.params.span(), arena.span(),
                             {out.residuals, out.cross_validation});
  if (!report.ok()) throw pursuit_error(report.status(), data, model, source);
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  out.report = *report;
  out.model = report->terms == terms ? std::move(model) : cut_to(model, report->terms);
  return out;
}

std::vector<PursuitTerm> pursuit_terms(const OwnedModel& model, const PursuitArrays& data) {
  const Chain c(model);
  const Computed computed(c, data);
  std::vector<PursuitTerm> out(c.terms);
  for (std::size_t m = 0; m < c.terms; ++m) {
    PursuitTerm& term = out[m];
    double mean = 0.0, squares = 0.0, loadings = 0.0;
    for (std::size_t i = 0; i < data.samples(); ++i) mean += double(computed.channels[i * c.terms + m]);
    mean /= double(data.samples());
    for (std::size_t i = 0; i < data.samples(); ++i)
      squares += std::pow(double(computed.channels[i * c.terms + m]) - mean, 2);
    for (std::size_t k = 0; k < c.outputs; ++k) {
      term.loadings.push_back(double(c.loadings[m * c.outputs + k]));
      loadings += term.loadings[k] * term.loadings[k];
    }
    term.deviation = std::sqrt(squares / double(data.samples()) * loadings);
    std::vector<std::size_t> order(c.features);
    for (std::size_t j = 0; j < c.features; ++j) {
      term.direction.push_back(double(c.directions[j * c.terms + m]));
      order[j] = j;
    }
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return std::abs(term.direction[a]) > std::abs(term.direction[b]); });
    for (std::size_t n = 0; n < std::min<std::size_t>(order.size(), 3); ++n) {
      const double w = term.direction[order[n]];
      if (n > 0 && std::abs(w) < 0.005) break;
      term.text += fmt::format("{}{:.3g} {}",
                               n == 0  ? (w < 0 ? "-" : "")
                               : w < 0 ? " - "
                                       : " + ",
                               std::abs(w), data.feature_names[order[n]]);
    }
    if (order.size() > 3) term.text += " …";
  }
  return out;
}

PursuitScore score_pursuit(const OwnedModel& model, const PursuitArrays& data) {
  const Chain c(model);
  if (data.features != c.features || data.outputs != c.outputs)
    throw data_error(fmt::format("the test has {} features and {} targets, the training samples have {} and {}",
                                 data.features, data.outputs, c.features, c.outputs),
                     "give the same columns");
  const Computed computed(c, data);
  PursuitScore out;
  for (std::size_t k = 0; k < c.outputs; ++k) {
    double mean = 0.0;
    for (std::size_t i = 0; i < data.samples(); ++i) mean += double(data.targets[i * c.outputs + k]);
    mean /= double(data.samples());
    for (std::size_t i = 0; i < data.samples(); ++i) {
      const double target = double(data.targets[i * c.outputs + k]);
      out.residual += std::pow(target - double(computed.outputs[i * c.outputs + k]), 2);
      out.total += std::pow(target - mean, 2);
    }
  }
  return out;
}

std::vector<RidgePanel> ridge_panels(const OwnedModel& model, const PursuitArrays& data) {
  const Chain c(model);
  const Computed computed(c, data);
  const std::vector<PursuitTerm> terms = pursuit_terms(model, data);
  std::vector<RidgePanel> out(c.terms);
  for (std::size_t m = 0; m < c.terms; ++m) {
    RidgePanel& panel = out[m];
    double squares = 0.0;
    for (const double loading : terms[m].loadings) squares += loading * loading;
    // One output: its units. Several: along the loadings, the combination of outputs that the term speaks of.
    const double scale = c.outputs == 1 ? terms[m].loadings[0] : std::sqrt(squares);
    double low = double(computed.along[m]), high = low;
    for (std::size_t i = 0; i < data.samples(); ++i) {
      const double along = double(computed.along[i * c.terms + m]);
      double rest = 0.0;
      for (std::size_t k = 0; k < c.outputs; ++k)
        rest += terms[m].loadings[k] *
                (double(data.targets[i * c.outputs + k]) - double(computed.outputs[i * c.outputs + k]));
      const double value = scale * double(computed.channels[i * c.terms + m]);
      panel.points.emplace_back(along, value + (scale != 0.0 ? rest / scale : 0.0));
      low = std::min(low, along), high = std::max(high, along);
    }
    for (int step = 0; step <= 300; ++step) {
      const double along = low + (high - low) * step / 300.0;
      panel.curve.emplace_back(along, scale * double(c.function(m, static_cast<float>(along))));
    }
    panel.title = fmt::format("term {}", m + 1);
    panel.x_label = terms[m].text;
    panel.y_label = c.outputs == 1 ? fmt::format("part of {}", data.target_names[0]) : "part of the outputs";
  }
  return out;
}

}  // namespace mote::tool
