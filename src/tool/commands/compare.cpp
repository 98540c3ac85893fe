// SPDX-License-Identifier: Apache-2.0
// mote compare: which layer of two models is the first whose values are not the same.
#include "tool/commands/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tool/commands/commands.hpp"
#include "tool/commands/run_arrays.hpp"
#include "tool/data/data_set.hpp"
#include "tool/data/file_io.hpp"
#include "tool/data/npy.hpp"
#include "tool/models/model_source.hpp"
#include "tool/pictures/plot.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

struct CompareJob {
  std::string a, b, svg;
  std::vector<std::string> inputs;
  double drop = 20.0;
};

/// One array for each input of the first model, in their order.
std::vector<Array> arranged(const Model& model, const std::vector<PortFile>& files, std::vector<Array> arrays) {
  std::vector<Array> out(model.input_count());
  std::vector<bool> given(out.size(), false);
  for (std::size_t k = 0; k < files.size(); ++k) {
    std::size_t at = out.size();
    if (files[k].port.empty() && out.size() == 1) at = 0;
    for (std::size_t i = 0; i < out.size() && at == out.size(); ++i)
      if (name(model, model.input_layer(i)) == files[k].port || std::to_string(i) == files[k].port) at = i;
    if (at == out.size())
      throw usage_error(files[k].port.empty()
                            ? fmt::format("the models have {} inputs, and {} is for none by name", out.size(),
                                          in_quotes(files[k].path))
                            : fmt::format("the first model has no input {}", in_quotes(files[k].port)),
                        "write --input NAME=FILE with the names or numbers that mote info shows");
    if (given[at]) throw usage_error(fmt::format("input {} is given more than once", at), "give each once");
    given[at] = true;
    out[at] = std::move(arrays[k]);
  }
  const auto missing = std::ranges::find(given, false);
  if (missing != given.end())
    throw usage_error(fmt::format("input {} is not given", missing - given.begin()),
                      "write --input NAME=FILE for each input");
  return out;
}

}  // namespace

std::vector<Array> input_arrays(const Model& model, const std::vector<std::string>& files) {
  std::vector<PortFile> ports;
  std::vector<Array> arrays;
  for (const std::string& value : files) {
    ports.push_back(port_file(value));
    arrays.push_back(read_npy(ports.back().path));
  }
  return arranged(model, ports, std::move(arrays));
}

std::string ratio_text(double ratio) { return std::isinf(ratio) ? "equal" : fmt::format("{:.1f}", ratio); }

namespace {

std::string table_text(const CompareJob& job, const OwnedModel& a, const Comparison& result) {
  const Model x = a.view();
  std::string text = fmt::format("{:>4} {:>4}  {:<34} {:>13} {:>12} {:>12} {:>9}\n", "A", "B", "value", "shape",
                                 "largest", "rms", "SNR in dB");
  for (std::size_t i = 0; i < result.pairs.size(); ++i) {
    const ValuePair& pair = result.pairs[i];
    const std::string words = (pair.name.empty() ? "" : pair.name + ": ") + layer_text(x, pair.a);
    text += fmt::format("{:>4} {:>4}  {:<34} {:>13} {:>12.4g} {:>12.4g} {:>9}{}\n", pair.a, pair.b,
                        shortened(words, 34), shape_text(x.layers[pair.a].shape), pair.largest, pair.root_mean_square,
                        ratio_text(pair.signal_to_noise), i == result.falls ? "  <- falls here" : "");
  }
  if (result.falls < result.pairs.size()) {
    const ValuePair& pair = result.pairs[result.falls];
    text += fmt::format("\nthe first fall is in layer {} of {} ({}), {} of {}\n", pair.a, job.a, layer_text(x, pair.a),
                        pair.b, job.b);
  } else {
    text += "\nno layer's ratio falls\n";
  }
  if (!result.alone_a.empty() || !result.alone_b.empty())
    text +=
        fmt::format("values without a counterpart: {} in A, {} in B\n", result.alone_a.size(), result.alone_b.size());
  return text;
}

Json table_json(const CompareJob& job, const OwnedModel& a, const OwnedModel& b, const Comparison& result) {
  const Model x = a.view(), y = b.view();
  Json values = Json::array();
  for (const ValuePair& pair : result.pairs) {
    const Shape& s = x.layers[pair.a].shape;
    values.push_back(
        {{"name", pair.name},
         {"layers", {pair.a, pair.b}},
         {"ops", {name(x.layers[pair.a].op), name(y.layers[pair.b].op)}},
         {"shape", {s.h, s.w, s.c}},
         {"equal", std::isinf(pair.signal_to_noise)},
         {"largest_difference", pair.largest},
         {"root_mean_square", pair.root_mean_square},
         {"signal_to_noise_db", std::isinf(pair.signal_to_noise) ? Json(nullptr) : Json(pair.signal_to_noise)}});
  }
  return {{"command", "compare"},
          {"models", {job.a, job.b}},
          {"samples", result.samples},
          {"values", values},
          {"first_fall", result.falls < result.pairs.size() ? Json(result.falls) : Json(nullptr)},
          {"without_counterpart", {result.alone_a, result.alone_b}}};
}

/// What a file leaves open is one sample, or as the arrays are where it cannot be imported so.
OwnedModel load_for(const std::string& path, const ArrayShapes& arrays) {
  ArrayShapes one = arrays;
  for (auto& [port, dims] : one)
    if (dims.size() > 1) dims.front() = 1;
  try {
    return load_model(path, one);
  } catch (const Error&) {
    return load_model(path, arrays);
  }
}

void compare(const CompareJob& job, const Context& context) {
  if (!job.svg.empty()) AtomicFile::claim(job.svg, FileKind::picture);
  std::vector<PortFile> files;
  std::vector<Array> arrays;
  ArrayShapes shapes;
  for (const std::string& value : job.inputs) {
    files.push_back(port_file(value));
    arrays.push_back(read_npy(files.back().path));
    shapes[files.back().port.empty() ? "0" : files.back().port] = arrays.back().dims;
  }
  const OwnedModel a = load_for(job.a, shapes), b = load_for(job.b, shapes);
  const Comparison result = compare_models(a, b, arranged(a.view(), files, std::move(arrays)), job.drop);
  std::string text = table_text(job, a, result);
  if (!job.svg.empty()) {
    std::vector<ComparedValue> drawn;
    for (const ValuePair& pair : result.pairs)
      drawn.push_back({fmt::format("{} {}", pair.a, pair.name.empty() ? name(a.layers[pair.a].op) : pair.name.c_str()),
                       pair.signal_to_noise});
    plot_comparison(job.svg, fmt::format("{} and {}", job.a, job.b), drawn, result.falls);
    text += fmt::format("picture      {}\n", job.svg);
  }
  print_result(context, table_json(job, a, b, result), text);
}

}  // namespace

void add_compare(CLI::App& app, Context& context) {
  const auto job = std::make_shared<CompareJob>();
  Options& options =
      add_command(app, context, "compare", "Holds two models' values against each other, layer by layer.",
                  R"(EXAMPLES
  mote compare keywords.tflite keywords.mote --input x.npy
  mote compare float.onnx quantised.tflite --input images=x.npy --svg layers.svg

  Values are paired by name where both models have one, else in order where shapes are equal. Integers that stand for
  real numbers are compared as these, and so are whole numbers in the array for an input that is quantised. The
  signal-to-noise ratio is A's value over the difference. The first layer whose ratio falls by --drop below all before
  it is marked: it is the one to look at.
)");
  options.text("A", job->a, "FILE", "the model that is right: .mote, .tflite or .onnx").required();
  options.text("B", job->b, "FILE", "the model to look at").required();
  options.named_texts("--input", job->inputs, "FILE.npy", "samples for the input; NAME=FILE.npy for each of several")
      .required();
  options.real("--drop", job->drop, {.least = 1.0, .most = 200.0}, "decibels below all ratios before it");
  options.text("--svg", job->svg, "FILE", "picture of the ratios to write");
  add_force(options, context, {{"--svg", {}}});
  options.run([job, &context] { compare(*job, context); });
}

}  // namespace mote::tool
