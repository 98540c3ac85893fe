// SPDX-License-Identifier: Apache-2.0
// Norms are kept by layer number; here they are of the layers that are trained, counted from the input.
#include "tool/pictures/gradient_norms.hpp"

#include <fmt/format.h>

#include <cmath>

namespace mote::tool {
namespace {

std::vector<std::size_t> trained_layers(const OwnedModel& model) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    if (model.layers[i].trainable()) out.push_back(i);
  return out;
}

std::vector<double> of_trained(const OwnedModel& model, const std::vector<double>& norms) {
  std::vector<double> out;
  for (const std::size_t i : trained_layers(model)) out.push_back(norms[i]);
  return out;
}

/// "epoch" or "iteration".
const char* unit(const TrainingReport& report) { return report.minimum ? "iteration" : "epoch"; }

}  // namespace

std::string gradient_norms_text(const OwnedModel& model, const TrainingReport& report) {
  const Model view = model.view();
  const bool later = report.epochs.size() > 1;
  std::string out = "gradient norms, mean over the updates\n";
  out += fmt::format("  {:<44} {:>12} {:>12}", "layer", "first update", fmt::format("{} 1", unit(report)));
  if (later) out += fmt::format(" {:>14}", fmt::format("{} {}", unit(report), report.epochs.back().epoch));
  out += '\n';
  for (const std::size_t i : trained_layers(model)) {
    out += fmt::format("  {:<44} {:>12.3e} {:>12.3e}", layer_name(view, i), report.first_gradient_norms[i],
                       report.epochs.front().gradient_norms[i]);
    if (later) out += fmt::format(" {:>14.3e}", report.epochs.back().gradient_norms[i]);
    out += '\n';
  }
  return out;
}

nlohmann::ordered_json gradient_norms_json(const OwnedModel& model, const TrainingReport& report) {
  using Json = nlohmann::ordered_json;
  const auto numbers = [&](const std::vector<double>& norms) {
    Json out = Json::array();
    for (const double norm : of_trained(model, norms)) out.push_back(std::isfinite(norm) ? Json(norm) : Json(nullptr));
    return out;
  };
  Json json{{"layers", Json::array()}};
  for (const std::size_t i : trained_layers(model))
    json["layers"].push_back({{"layer", i}, {"name", name(model.layers[i].op)}});
  json["first_update"] = numbers(report.first_gradient_norms);
  json["epochs"] = Json::array();
  for (const EpochReport& epoch : report.epochs) json["epochs"].push_back(numbers(epoch.gradient_norms));
  return json;
}

std::vector<NormCurve> gradient_norm_curves(const OwnedModel& model, const TrainingReport& report) {
  constexpr std::size_t kCurves = 5;
  std::vector<NormCurve> out{{"first update", of_trained(model, report.first_gradient_norms)}};
  const std::size_t epochs = report.epochs.size(), curves = std::min(kCurves, epochs);
  for (std::size_t k = 0; k < curves; ++k) {
    const std::size_t at = curves == 1 ? 0 : k * (epochs - 1) / (curves - 1);
    out.push_back({fmt::format("{} {}", unit(report), report.epochs[at].epoch),
                   of_trained(model, report.epochs[at].gradient_norms)});
  }
  return out;
}

}  // namespace mote::tool
