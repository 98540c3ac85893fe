// SPDX-License-Identifier: Apache-2.0
// See description.hpp.
#include "tool/data/description.hpp"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 3> kMissingWords{"error", "mean", "drop"};
constexpr std::array<std::string_view, 3> kElementWords{"numbers", "bytes", "any"};

Json column_json(const NamedColumn& column) {
  Json out = Json::object();
  if (!column.name.empty()) out["name"] = column.name;
  if (column.column != 0) out["column"] = column.column;
  return out;
}

void read_column(const Json& json, NamedColumn& column) {
  column.name = json.value("name", "");
  column.column = json.value("column", std::size_t{0});
}

std::vector<ArrayEnd> read_ends(const Json& json) {
  std::vector<ArrayEnd> out;
  for (const Json& entry : json)
    out.push_back(
        {entry.value("name", ""), entry.value("type", ""), entry.value("shape", std::vector<std::uint64_t>{})});
  return out;
}
Json ends_json(const std::vector<ArrayEnd>& ends) {
  Json out = Json::array();
  for (const ArrayEnd& end : ends) out.push_back({{"name", end.name}, {"type", end.type}, {"shape", end.shape}});
  return out;
}

Description description_of(const Json& json) {
  Description out;
  if (json.contains("scale")) out.scale = json.at("scale").get<float>();
  if (out.scale && !std::isfinite(*out.scale)) out.scale.reset();
  const std::string elements = json.value("elements", "any");
  for (std::size_t i = 0; i < kElementWords.size(); ++i)
    if (elements == kElementWords[i]) out.scale_of = static_cast<ScaleOf>(i);
  out.table_columns = json.value("table_columns", std::size_t{0});
  const std::string missing = json.value("missing", "mean");
  for (std::size_t i = 0; i < kMissingWords.size(); ++i)
    if (missing == kMissingWords[i]) out.missing = static_cast<Missing>(i);
  for (const Json& entry : json.value("inputs", Json::array())) {
    InputColumn column;
    read_column(entry, column);
    column.fill = entry.value("fill", 0.0);
    column.categories = entry.value("categories", std::vector<std::string>{});
    out.inputs.push_back(std::move(column));
  }
  out.loss = json.value("loss", "");
  if (json.contains("label")) {
    const Json& label = json.at("label");
    out.label.emplace();
    read_column(label, *out.label);
    out.classes = label.value("classes", std::vector<std::string>{});
  }
  for (const Json& entry : json.value("targets", Json::array())) read_column(entry, out.targets.emplace_back());
  out.reconstructs = json.value("reconstructs", false);
  if (const auto size = json.value("picture", std::vector<std::uint32_t>{}); size.size() == 3)
    out.picture = {size[0], size[1], size[2]};
  out.model_inputs = read_ends(json.value("model_inputs", Json::array()));
  out.model_outputs = read_ends(json.value("model_outputs", Json::array()));
  out.samples_meet = json.value("samples_meet", false);
  if (json.contains("windows")) {
    const Json& windows = json.at("windows");
    out.windows = {windows.value("length", 0U), windows.value("hop", 0U), windows.value("label", "majority") == "last",
                   windows.value("group", "")};
    if (out.windows.hop == 0 || out.windows.hop > kMaxDimension || out.windows.length > kMaxDimension) out.windows = {};
  }
  return out;
}

}  // namespace

std::string_view missing_word(Missing missing) { return kMissingWords[static_cast<std::size_t>(missing)]; }

std::size_t Description::input_count() const {
  std::size_t count = 0;
  for (const InputColumn& column : inputs) count += column.inputs();
  return count;
}

std::vector<std::string> Description::input_names() const {
  std::vector<std::string> out;
  for (const InputColumn& column : inputs) {
    const std::string name = column.name.empty() ? "column " + std::to_string(column.column) : column.name;
    if (column.categories.empty()) out.push_back(name);
    for (const std::string& category : column.categories) out.push_back(name + "=" + category);
  }
  return out;
}

std::string Description::json() const {
  Json out = Json::object();
  if (scale) {
    out["scale"] = *scale;
    out["elements"] = kElementWords[static_cast<std::size_t>(scale_of)];
  }
  for (const InputColumn& column : inputs) {
    Json entry = column_json(column);
    if (column.categories.empty()) {
      entry["fill"] = column.fill;
    } else {
      entry["categories"] = column.categories;
    }
    out["inputs"].push_back(std::move(entry));
  }
  if (!inputs.empty()) out["table_columns"] = table_columns, out["missing"] = missing_word(missing);
  if (!loss.empty()) out["loss"] = loss;
  if (label) {
    out["label"] = column_json(*label);
    if (!classes.empty()) out["label"]["classes"] = classes;
  }
  for (const NamedColumn& target : targets) out["targets"].push_back(column_json(target));
  if (reconstructs) out["reconstructs"] = true;
  if (!model_inputs.empty()) out["model_inputs"] = ends_json(model_inputs);
  if (!model_outputs.empty()) out["model_outputs"] = ends_json(model_outputs);
  if (samples_meet) out["samples_meet"] = true;
  if (picture.h != 0) out["picture"] = {picture.h, picture.w, picture.c};
  if (windows.length != 0) {
    out["windows"] = {{"length", windows.length}, {"hop", windows.hop}};
    out["windows"]["label"] = windows.label_of_last ? "last" : "majority";
    if (!windows.group.empty()) out["windows"]["group"] = windows.group;
  }
  return out.empty() ? "" : out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<Description> read_description(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  try {
    return description_of(json);
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

}  // namespace mote::tool
