// SPDX-License-Identifier: Apache-2.0
// mote params: every parameter array as an .npy file, and back. mote fold: batch norm folded into the layer before it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "mote/model/float16.hpp"
#include "mote/model/fold.hpp"
#include "tool/commands/commands.hpp"
#include "tool/data/file_io.hpp"
#include "tool/data/npy.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

using Json = nlohmann::ordered_json;

/// One array of one layer, with its file's name.
struct NamedArray {
  std::string file;  // "03_conv2d_weights.npy"
  std::size_t layer = 0;
  ParamArray array;
  std::uint64_t offset = 0;  // bytes from the start of the parameter block

  [[nodiscard]] std::vector<std::uint64_t> dims() const {
    return {array.dims.begin(), array.dims.begin() + array.rank};
  }
};

std::vector<NamedArray> arrays_of(const Model& model) {
  std::vector<NamedArray> out;
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    for (const ParamArrays arrays = param_arrays(model.layers[i], model.input_shape_of(i));
         const ParamArray& array : arrays)
      out.push_back({fmt::format("{:02}_{}_{}.npy", i, name(model.layers[i].op), array.name), i, array,
                     std::uint64_t{model.layers[i].param_offset} + array.offset});
  return out;
}

Element element_of(DType type) {
  switch (type) {
    case DType::s8: return Element::s8;
    case DType::s16: return Element::s16;
    case DType::s32: return Element::s32;
    case DType::u8: return Element::u8;
    case DType::boolean: return Element::boolean;
    case DType::f16: return Element::f16;
    default: return Element::f32;
  }
}

const char* numpy_name(DType type) {
  switch (type) {
    case DType::s8: return "int8";
    case DType::s16: return "int16";
    case DType::u8: return "uint8";
    case DType::boolean: return "bool";
    case DType::s32: return "int32";
    default: return "float32";
  }
}

Json write_arrays(const OwnedModel& model, const std::string& folder, std::string& text) {
  make_folder(folder);
  for (const NamedArray& named : arrays_of(model.view()))  // all or none
    AtomicFile::claim((std::filesystem::path(folder) / named.file).string(), FileKind::array);
  Json files = Json::array();
  for (const NamedArray& named : arrays_of(model.view())) {
    const std::span<const std::byte> bytes =
        model.params.span().subspan(named.offset, std::size_t{named.array.count} * mote::bytes_of(named.array.dtype));
    write_npy((std::filesystem::path(folder) / named.file).string(), element_of(named.array.dtype), named.dims(),
              bytes);
    text += fmt::format("{:<36} {}\n", named.file, dims_text(named.dims()));
    files.push_back(
        {{"file", named.file}, {"layer", named.layer}, {"name", named.array.name}, {"shape", named.dims()}});
  }
  return files;
}

/// Checks and converts one file into the parameter block.
void read_array(const std::string& path, const NamedArray& named, OwnedModel& model) {
  const Array array = read_npy(path);
  if (array.dims != named.dims())
    throw data_error(fmt::format("the shape is {}, but {} of {} is {}", dims_text(array.dims), named.array.name,
                                 layer_name(model.view(), named.layer), dims_text(named.dims())),
                     "save an array of that shape")
        .in(path);
  std::byte* const to = model.params.data() + named.offset;
  const bool half = named.array.dtype == DType::f16;
  if (named.array.dtype != DType::f32 && !half) {
    if (array.element != element_of(named.array.dtype))
      throw data_error("a parameter of whole numbers needs its own element type",
                       fmt::format("save it as {}", numpy_name(named.array.dtype)))
          .in(path);
    std::memcpy(to, array.bytes.data(), array.bytes.size());
    return;
  }
  for (std::uint64_t i = 0; i < array.count(); ++i) {
    const auto value = static_cast<float>(array.at(i));
    const std::uint16_t bits = mote::detail::half_bits(value);
    if (!std::isfinite(half ? mote::detail::half_value(bits) : value))
      throw data_error(fmt::format("element {} is not a finite {}", i, half ? "float16" : "float32"),
                       "parameters must be finite")
          .in(path)
          .at_byte(array.header_bytes + i * bytes_of(array.element));
    if (half)
      std::memcpy(to + i * sizeof bits, &bits, sizeof bits);
    else
      std::memcpy(to + i * sizeof value, &value, sizeof value);
  }
}

Json read_arrays(OwnedModel& model, const std::string& folder, std::string& text) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error))
    throw usage_error("there is no such folder", "give a folder as mote params --out writes it").in(folder);
  const std::vector<NamedArray> arrays = arrays_of(model.view());
  std::vector<std::string> names;
  for (const NamedArray& named : arrays) names.push_back(named.file);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string file = entry.path().filename().string();
    if (file.ends_with(".npy") && std::find(names.begin(), names.end(), file) == names.end())
      throw data_error("the model has no parameter of that name",
                       did_you_mean(file, names) + "mote params --out shows the names")
          .in(entry.path().string());
  }
  Json files = Json::array();
  for (const NamedArray& named : arrays) {
    const std::string path = (std::filesystem::path(folder) / named.file).string();
    if (!std::filesystem::exists(path)) continue;
    read_array(path, named, model);
    text += fmt::format("{:<36} read\n", named.file);
    files.push_back(named.file);
  }
  if (files.empty())
    throw data_error("the folder has none of the model's parameters",
                     "the first is called " + (names.empty() ? "nothing: the model has none" : names[0]))
        .in(folder);
  return files;
}

struct ParamsJob {
  std::string model, out, set, out_model;
};

void params(const ParamsJob& job, const Context& context) {
  if (job.out.empty() && job.set.empty())
    throw usage_error("one of --out and --set is needed", "--out DIR writes the parameters, --set DIR reads them");
  OwnedModel model = load_model(job.model);
  std::string text;
  Json json{{"command", "params"}, {"model", job.model}};
  if (!job.out.empty()) {
    json["folder"] = job.out;
    json["files"] = write_arrays(model, job.out, text);
  } else {
    const std::string& target = job.out_model.empty() ? job.model : job.out_model;
    json["files"] = read_arrays(model, job.set, text);
    json["out_model"] = target;
    AtomicFile file(target, FileKind::model, job.out_model.empty());  // without --out-model, MODEL itself is changed
    json["model_bytes"] = save_model(model, file);
    text += fmt::format("model {}\n", target);
  }
  print_result(context, json, text);
}

void fold(const std::string& path, const std::string& out, const Context& context) {
  const OwnedModel model = load_model(path);
  AtomicFile file(out, FileKind::model);
  AlignedBytes bytes(folded_file_bytes(model.view()));
  const Result<std::size_t> written = fold_batch_norm(model.view(), bytes.span());
  if (!written.ok()) throw status_error(written.status(), model);
  const Result<Model> folded = open_model(bytes.span().first(*written));
  if (!folded.ok()) throw status_error(folded.status(), {}, out);
  const std::size_t file_bytes = save_model(*folded, model.description, file);
  print_result(context,
               {{"command", "fold"},
                {"model", path},
                {"out", out},
                {"layers_before", model.layers.size()},
                {"layers", folded->layers.size()},
                {"model_bytes", file_bytes}},
               fmt::format("{} of {} layers left, {} bytes in {}\n", folded->layers.size(), model.layers.size(),
                           grouped(file_bytes), out));
}

}  // namespace

void add_params(CLI::App& app, Context& context) {
  const auto job = std::make_shared<ParamsJob>();
  Options& options =
      add_command(app, context, "params", "Writes all parameters as .npy files, or reads them back.", R"(EXAMPLES
  mote params fashion.mote --out parameters
  mote params fashion.mote --set parameters --out-model changed.mote

  Files are called LAYER_OP_NAME.npy, such as 03_conv2d_weights.npy, with the layer's number from mote info. Layouts:
    dense             weights (fan_in, units), bias (units); fan_in runs over height, width, channels, channels fastest
    conv2d            weights (filter_h, filter_w, in_channels, channels), bias (channels)
    depthwise_conv2d  weights (filter_h, filter_w, in_channels * multiplier), bias likewise
    batch_norm        gamma, beta, running_mean, running_variance (channels)
    rbf               centres (fan_in, units), log_width (units) = log lambda
    spline            knots, values, slopes (channels, knots)
  --set takes any of these files, float or integer, checks their shapes and leaves the rest of the model as it is.
)");
  options.text("MODEL", job->model, "FILE", "model file").required();
  options.text("--out", job->out, "DIR", "folder to write the parameters to").not_with({{"--set", {}}});
  options.text("--set", job->set, "DIR", "folder to read parameters from");
  options.text("--out-model", job->out_model, "FILE", "with --set: model file to write (default: MODEL itself)")
      .only_with({{"--set", {}}});
  add_force(options, context, {{"--out", {}}, {"--out-model", {}}});
  options.run([job, &context] { params(*job, context); });
}

void add_fold(CLI::App& app, Context& context) {
  const auto files = std::make_shared<std::pair<std::string, std::string>>();
  Options& options = add_command(app, context, "fold",
                                 "Folds batch normalisation into the layers before it, for inference.", R"(EXAMPLES
  mote fold fashion.mote --out folded.mote
)");
  options.text("MODEL", files->first, "FILE", "model file").required();
  options.text("--out", files->second, "FILE", "model file to write").required();
  add_force(options, context);
  options.run([files, &context] { fold(files->first, files->second, context); });
}

}  // namespace mote::tool
