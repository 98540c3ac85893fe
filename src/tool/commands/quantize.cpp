// SPDX-License-Identifier: Apache-2.0
// mote quantize: an int8 model of a float32 one, and what became of each layer.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "tool/commands/commands.hpp"
#include "tool/commands/compare.hpp"
#include "tool/commands/quantizing.hpp"
#include "tool/commands/sample_shapes.hpp"
#include "tool/data/data_set.hpp"
#include "tool/data/description.hpp"
#include "tool/data/file_io.hpp"
#include "tool/export/export.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/models/model_source.hpp"
#include "tool/pictures/plot.hpp"
#include "tool/terminal/progress.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

const std::vector<std::string> kRules{"min-max", "percentile", "mse", "kl"};

struct QuantizeJob {
  std::string model, out, range = "percentile", ends = "float32", keep, report, svg;
  std::vector<std::string> inputs;
  DataArguments data;
  std::uint32_t samples = 200, alone = 16, bins = 2048;
  double percentile = 99.99;
  std::optional<double> keep_above;
  bool bias_correction = false;
};

std::vector<Array> calibration_arrays(const QuantizeJob& job, const OwnedModel& model, Progress& progress) {
  if (job.data.data.empty() && job.data.samples.empty()) {
    if (job.inputs.empty())
      throw usage_error("no samples given", "give --data, --samples-from, or --input FILE.npy for each input");
    return input_arrays(model.view(), job.inputs);
  }
  const DataArguments& arguments = job.data;
  const Reading reading = reading_for(model, arguments, "auto");
  const DataSet data = arguments.data.empty() ? DataSet::samples_from(arguments.samples, reading)
                                              : load_training_data(arguments, reading).train;
  data.require_shape(model.view().input_shape());
  for (const std::string& note : data.notes()) progress.say("note: " + note);
  std::vector<Array> out;
  std::vector<std::uint32_t> some;
  const std::uint64_t samples = std::min<std::uint64_t>(job.samples, data.size());
  for (std::uint64_t i = 0; i < samples; ++i) some.push_back(static_cast<std::uint32_t>(i * data.size() / samples));
  out.push_back(samples_array(data, some));
  return out;
}

std::uint64_t bytes_of_params(const OwnedModel& model) { return model.params.size(); }

/// "1-3", "0,2".
std::string numbers_text(const std::vector<std::size_t>& layers) {
  const bool run = layers.size() > 1 && layers.back() - layers.front() + 1 == layers.size();
  return run ? fmt::format("{}-{}", layers.front(), layers.back()) : fmt::format("{}", fmt::join(layers, ","));
}

/// "conv2d 8 3x3 same, batch_norm, relu", behind the value's name.
std::string words_of(const Model& model, const QuantizedLayer& one) {
  const std::string_view given = name(model, one.layers.back());
  std::string out = given.empty() ? "" : std::string(given) + ": ";
  for (const std::size_t layer : one.layers)
    out += (layer == one.layers.front() ? "" : ", ") + layer_text(model, layer);
  return out;
}

/// The numbers that the outermost steps stand for.
std::array<double, 2> ends_of(const Quantization& units) {
  const auto end = [&](int step) { return (step - units.zero_point) * static_cast<double>(units.scale); };
  return {end(-128), end(127)};
}

std::string table_text(const OwnedModel& model, const std::vector<QuantizedLayer>& layers, bool shares) {
  std::string text = fmt::format("{:>7}  {:<36} {:>10} {:>10} {:>8} {:>9}{}\n", "layers", "", "lowest", "highest",
                                 "outside", "SNR in dB", shares ? "  share of error" : "");
  for (const QuantizedLayer& one : layers) {
    const auto [low, high] = ends_of(one.units);
    text += fmt::format("{:>7}  {:<36} {:>10.4g} {:>10.4g} {:>7.3f}% {:>9}", numbers_text(one.layers),
                        shortened(words_of(model.view(), one), 36), low, high, 100.0 * one.value.outside,
                        ratio_text(one.signal_to_noise));
    text += shares ? fmt::format(" {:>14.1f}%\n", 100.0 * one.share) : "\n";
  }
  return text;
}

Json layers_json(const OwnedModel& model, const std::vector<QuantizedLayer>& layers, bool shares) {
  const Model view = model.view();
  Json out = Json::array();
  for (const QuantizedLayer& one : layers) {
    Json ops = Json::array();
    for (const std::size_t layer : one.layers) ops.push_back(name(view.layers[layer].op));
    Json row{{"layers", one.layers},
             {"ops", ops},
             {"name", name(view, one.layers.back())},
             {"written_as", one.record},
             {"scale", one.units.scale},
             {"zero_point", one.units.zero_point},
             {"range", ends_of(one.units)},
             {"seen", one.value.observed ? Json({one.value.seen.low, one.value.seen.high}) : Json(nullptr)},
             {"outside", one.value.outside},
             {"signal_to_noise_db", std::isinf(one.signal_to_noise) ? Json(nullptr) : Json(one.signal_to_noise)}};
    if (shares) row["output_error"] = one.output_error, row["share_of_output_error"] = one.share;
    out.push_back(row);
  }
  return out;
}

/// Layers with weights that stay float32.
std::size_t count_kept(const OwnedModel& model) {
  return static_cast<std::size_t>(std::ranges::count_if(model.layers, [](const Layer& layer) {
    return may_store_narrow_weights(layer.op) && layer.dtype == DType::f32;
  }));
}

std::string written(const QuantizeJob& job, const OwnedModel& made, AtomicFile& file) {
  if (job.out.ends_with(".tflite") || job.out.ends_with(".onnx")) {
    const foreign::Exported exported = foreign::export_model(made, foreign::export_format_of(job.out));
    file.write(exported.bytes);
    file.commit();
    return fmt::format("{} bytes", grouped(exported.bytes.size()));
  }
  return fmt::format("{} bytes", grouped(save_model(made, file)));
}

bool is_exported(const std::string& path) { return path.ends_with(".tflite") || path.ends_with(".onnx"); }

void quantize(const QuantizeJob& job, const Context& context) {
  AtomicFile file(job.out, is_exported(job.out) ? FileKind::exported : FileKind::model);
  std::optional<AtomicFile> report;
  if (!job.report.empty()) report.emplace(job.report, FileKind::json);
  if (!job.svg.empty()) AtomicFile::claim(job.svg, FileKind::picture);
  const OwnedModel model = load_model(job.model);
  if (std::ranges::none_of(
          model.layers,
          [](const Layer& layer) { return may_store_narrow_weights(layer.op) && layer.dtype == DType::f32; }) &&
      std::ranges::any_of(model.layers, [](const Layer& layer) { return quantized(layer.dtype); }))
    throw data_error("the model is on integers already", "give the float32 model that it was made of").in(job.model);
  Progress progress(Progress::style_for(context.json));
  const std::vector<Array> inputs = calibration_arrays(job, model, progress);
  const std::uint64_t samples = std::min<std::uint64_t>(job.samples, samples_of(model.view(), model.view(), inputs));
  require_one_by_one(model, samples, inputs.front().path);
  std::vector<std::uint16_t> keep;
  if (!job.keep.empty())
    for (const std::size_t layer : layers_called(job.keep, model, "--keep", true))
      keep.push_back(static_cast<std::uint16_t>(layer));
  const auto rule = static_cast<RangeRule>(choice(job.range, kRules, "--range"));
  OwnedQuantizer quantizer(model, {.range = rule,
                                   .percentile = static_cast<float>(job.percentile),
                                   .bins = rule == RangeRule::min_max ? 0 : job.bins / 2 * 2,
                                   .bias_correction = job.bias_correction});
  progress.start("samples", samples);
  quantizer.observe(inputs, samples, [&](std::uint64_t done) { progress.update(done, [] { return std::string(); }); });
  const bool integer = job.ends == "int8";
  QuantizedForm form{.keep = keep, .integer_inputs = integer, .integer_outputs = integer};
  OwnedModel made = quantizer.model(form);
  const auto require_int8 = [&] {
    if (std::ranges::none_of(made.layers, [](const Layer& layer) { return quantized(layer.dtype); }))
      throw data_error("no layer of the model has a form on int8, or all are kept", "keep fewer layers").in(job.model);
  };
  require_int8();
  const auto look = [&] {
    progress.start("layers alone on int8", 1);
    return look_at_layers(quantizer, model, made, form, inputs, std::min<std::uint64_t>(job.alone, samples),
                          [&](std::uint64_t done) { progress.update(done, [] { return std::string(); }); });
  };
  std::vector<QuantizedLayer> layers = look();
  std::vector<std::size_t> kept_by_share;
  for (const QuantizedLayer& one : layers)
    if (job.keep_above && 100.0 * one.share > *job.keep_above)
      kept_by_share.insert(kept_by_share.end(), one.layers.begin(), one.layers.end());
  if (!kept_by_share.empty()) {
    for (const std::size_t layer : kept_by_share) keep.push_back(static_cast<std::uint16_t>(layer));
    form.keep = keep;
    made = quantizer.model(form);
    require_int8();
    layers = look();
  }
  progress.clear();
  const std::string size = written(job, made, file);
  const std::size_t before = plan_of(model, {}).plan.arena_bytes, after = plan_of(made, {}).plan.arena_bytes;
  const bool shares = job.alone != 0;
  std::string text = table_text(model, layers, shares);
  text += fmt::format(
      "\nsamples         {}, ranges by {}\nparameters      {} bytes, {} before\narena           {} bytes, {} before\n",
      samples, job.range, grouped(bytes_of_params(made)), grouped(bytes_of_params(model)), grouped(after),
      grouped(before));
  if (!kept_by_share.empty())
    text +=
        fmt::format("kept            {}, whose share was above {} %\n", numbers_text(kept_by_share), *job.keep_above);
  if (const std::size_t kept = count_kept(made); kept != 0)
    text += fmt::format("float32         {} layers with weights\n", kept);
  text += fmt::format("written         {} ({})\n", job.out, size);
  Json json{{"command", "quantize"},
            {"model", job.model},
            {"out", job.out},
            {"samples", samples},
            {"range", job.range},
            {"parameter_bytes", bytes_of_params(made)},
            {"parameter_bytes_before", bytes_of_params(model)},
            {"arena_bytes", after},
            {"arena_bytes_before", before},
            {"quantizer_arena_bytes", quantizer.arena_bytes()},
            {"kept_by_share", kept_by_share},
            {"layers", layers_json(model, layers, shares)}};
  if (report) {
    report->write(json.dump(2) + "\n");
    report->commit();
    text += fmt::format("report          {}\n", job.report);
  }
  std::optional<Error> failure;
  if (!job.svg.empty()) try {
      std::vector<ComparedValue> drawn;
      for (const QuantizedLayer& one : layers)
        drawn.push_back({numbers_text(one.layers) + " " + words_of(model.view(), one), one.signal_to_noise});
      plot_comparison(job.svg, fmt::format("{} on int8", job.model), drawn, drawn.size());
      text += fmt::format("picture         {}\n", job.svg);
    } catch (const Error& error) {  // the model is there all the same
      failure = error;
    }
  print_result(context, json, text, failure);
}

}  // namespace

void add_quantize(CLI::App& app, Context& context) {
  const auto job = std::make_shared<QuantizeJob>();
  Options& options = add_command(app, context, "quantize", "Makes an int8 model of a float32 one.", R"(EXAMPLES
  mote quantize fashion.mote --data /usr/share/datasets/fashion-mnist --out fashion8.mote
  mote quantize keywords.tflite --input x.npy --out keywords8.tflite --ends int8
  mote quantize net.onnx --input left=a.npy --input right=b.npy --range percentile --keep 0-2,9 --out net8.mote

  Some hundred samples run through the model; what its values are says what the 256 steps of int8 stand for. Weights
  have a scale for each output, biases 32 bits, batch norm is folded. Layers without a form on int8 and those of --keep
  stay float32. The table says for every layer which range its steps span, the share of the samples' values outside,
  the signal-to-noise ratio of its value, and how much of the output's error it makes where it is alone on int8: what
  has the largest share is what to keep, by hand or with --keep-above. A .tflite file gives TensorFlow Lite Micro the
  same bytes.
)");
  options.text("MODEL", job->model, "FILE", "float32 model: .mote, .tflite or .onnx").required();
  options.text("--out", job->out, "FILE", "model to write: .mote, .tflite or .onnx").required();
  options.text("--data", job->data.data, "PATH", "samples: what mote train --data takes; the part for training counts")
      .not_with({{"--samples-from", {}}, {"--input", {}}});
  options.text("--samples-from", job->data.samples, "FILE", "samples: IDX, .npy, FILE.npz:NAME, .csv or pictures")
      .not_with({{"--input", {}}});
  options.named_texts("--input", job->inputs, "FILE.npy",
                      "samples as the model takes them, unscaled; NAME=FILE.npy for each of several inputs");
  options.whole("--samples", job->samples, {1, 1'000'000'000}, "so many of them, evenly over all");
  options.word(
      "--range", job->range, kRules,
      "how the range of a value is chosen: min-max, percentile, mse (least square error), kl (least divergence)");
  options
      .real("--percentile", job->percentile, {.least = 50.0, .most = 100.0, .above_least = true},
            "share of the values that at least lie inside, from either end, in percent", "PERCENT")
      .only_with({{"--range", {"percentile"}}});
  options.whole("--bins", job->bins, {64, 65'536}, "counts for each value").not_with({{"--range", {"min-max"}}});
  options.flag("--bias-correction", job->bias_correction,
               "let biases make up for what rounded weights add on average over the samples");
  options.text("--keep", job->keep, "LAYERS", "numbers of layers that stay float32, as mote info shows them: 0,3-5");
  options
      .real("--keep-above", job->keep_above, {.least = 0.0, .most = 100.0},
            "layers whose share of the output's error is above so many percent stay float32 too", "PERCENT")
      .not_with({{"--alone", {"0"}}});
  options.word("--ends", job->ends, {"float32", "int8"}, "element type of inputs and outputs");
  options.whole("--alone", job->alone, {0, 1'000'000'000},
                "samples for each layer's share of the output's error, which takes a run for each layer; 0: none");
  options.text("--report", job->report, "FILE", "the table as JSON");
  options.text("--svg", job->svg, "FILE", "picture of the ratios to write");
  add_table_options(options, job->data);
  add_shape_options(options, job->data);
  options.real("--scale", job->data.scale, {.not_zero = true},
               "factor for every sample value of --data and --samples-from (default: as the model was trained, else "
               "1/255 for unsigned bytes and 1 for everything else)",
               "FACTOR");
  add_force(options, context);
  options.run([job, &context] { quantize(*job, context); });
}

}  // namespace mote::tool
