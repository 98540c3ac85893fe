// SPDX-License-Identifier: Apache-2.0
// Loading, recognising and saving models.
#include "tool/models/model_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <vector>

#include "model/model_file.hpp"
#include "tool/data/data_set.hpp"
#include "tool/data/description.hpp"
#include "tool/data/file_io.hpp"
#include "tool/data/file_kind.hpp"
#include "tool/import/import.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

constexpr std::uint64_t kMostText = std::uint64_t{1} << 20;  // a kilobyte for each of the layers there may be

}  // namespace

std::string layer_name(const Model& model, std::size_t index) {
  return fmt::format("layer {} ({})", index, layer_text(model, index));
}

namespace {

/// Puts the number, or a word for it, where the sentence speaks of it: "(detail)", "(detail: its index)"; else behind
/// it.
void put_detail(std::string& what, const std::string& detail) {
  constexpr std::string_view kDetail = "(detail";
  const std::size_t at = what.find(kDetail), end = what.find(')', at);
  if (at == std::string::npos || end == std::string::npos) {
    what += fmt::format(" ({})", detail);
  } else if (end == at + kDetail.size()) {
    what.replace(at, end - at, fmt::format("({}", detail));
  } else {
    what.insert(end, fmt::format(": {}", detail));
    what.erase(at + 1, kDetail.size() + 1);
  }
}

}  // namespace

Error status_error(Status status, const Model& model, const std::string& file) {
  auto [what, remedy] = advice_of(describe(status));
  const bool option = status.code == Code::int8_weights_need_sgd;
  if (status.detail != 0 && status.code != Code::bad_option)
    put_detail(what, option ? name(static_cast<Option>(status.detail)) : std::to_string(status.detail));
  // Records that failed validation are not taken apart: their numbers may mean nothing.
  if (status.layer != kNoLayer && status.layer < model.layers.size()) {
    const Op op = model.layers[status.layer].op;
    what = fmt::format("layer {} ({}): {}", status.layer, known(op) ? name(op) : "unknown", what);
  } else if (status.layer != kNoLayer) {
    what = fmt::format("layer {}: {}", status.layer, what);
  }
  Error error = data_error(what, remedy).code(name(status.code));
  if (!file.empty()) error.in(file);
  return error;
}

AlignedBytes read_model_file(const std::string& path) {
  FileReader start(path, FileReader::Bytes::raw);
  const std::vector<std::uint8_t> bytes = start.read(sizeof(FileHeader));
  FileHeader header;
  if (bytes.size() < sizeof header) return read_file(path);
  std::memcpy(&header, bytes.data(), sizeof header);
  // A byte more than it says tells that there are more. What is no model is not read to its end.
  return read_file(path, header.magic == FileHeader::kMagic ? std::uint64_t{header.file_bytes} + 1 : sizeof header);
}

namespace {

/// The file's first bytes, as they are.
std::string start_of(const std::string& path) {
  FileReader start(path, FileReader::Bytes::raw);
  const std::vector<std::uint8_t> bytes = start.read(kKindBytes);
  return {bytes.begin(), bytes.end()};
}

/// With the arrays' shapes as they are; where that cannot be, their first axes are samples.
OwnedModel import_for(const std::string& path, const ArrayShapes& arrays) {
  foreign::Fixed fixed;
  bool many = false;
  for (const auto& [port, dims] : arrays) {
    fixed.arrays[port] = foreign::Dims(dims.begin(), dims.end());
    many = many || (!dims.empty() && dims.front() != 1);
  }
  if (!many) return foreign::import_model(path, fixed).model;
  try {
    return foreign::import_model(path, fixed).model;
  } catch (const Error& reason) {
    for (auto& [port, dims] : fixed.arrays)
      if (!dims.empty()) dims.front() = 1;
    try {
      return foreign::import_model(path, fixed).model;
    } catch (const Error&) {
      throw reason;
    }
  }
}

}  // namespace

OwnedModel load_model(const std::string& path, const ArrayShapes& arrays) {
  if (foreign::is_foreign_model(start_of(path), path)) return import_for(path, arrays);
  const AlignedBytes bytes = read_model_file(path);
  const Result<Model> model = open_model(bytes.span());
  if (!model.ok()) {
    const std::string start(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 4));
    if (model.status().code == Code::file_too_short && start == "MOTE")
      throw data_error(fmt::format("the model file is cut short: {} bytes needed, {} are there", model.status().detail,
                                   bytes.size()),
                       "copy it again")
          .in(path);
    if (model.status().code == Code::bad_magic || model.status().code == Code::file_too_short) {
      const std::string_view first(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), kKindBytes));
      refuse_foreign(first, path, Wanted::model_file);
      throw data_error("not a model file: it does not begin with MOTE", "give a .mote file, as mote train writes it")
          .in(path)
          .at_byte(0);
    }
    throw status_error(model.status(), {}, path);
  }
  OwnedModel out = owned(*model);
  out.source = path;
  out.description = model_description(bytes.span());
  return out;
}

OwnedModel owned(const Model& model) {
  OwnedModel out;
  out.layers.assign(model.layers.begin(), model.layers.end());
  out.params = AlignedBytes(model.param_bytes);
  std::copy_n(model.params, model.param_bytes, out.params.data());
  out.alignment = model.alignment;
  out.operands.assign(model.operands.begin(), model.operands.end());
  out.names = model.names;
  return out;
}

void require_one_by_one(const OwnedModel& model, std::uint64_t samples, const std::string& path) {
  if (samples <= 1 || !read_description(model.description).value_or(Description{}).samples_meet) return;
  throw data_error(fmt::format("{} samples, and the file that was imported computes one from others, which a network "
                               "that takes them one by one does not",
                               samples),
                   "give one sample, or run the imported file with --input NAME=FILE --output NAME=FILE, for which it "
                   "is imported anew")
      .in(path);
}

GivenModel model_from_argument(const std::string& argument, const std::string& option, Parameters parameters) {
  std::error_code ignored;
  if (std::filesystem::exists(argument, ignored)) {
    FileReader start(argument);
    const std::vector<std::uint8_t> magic = start.read(4);
    const bool model_file = std::string(magic.begin(), magic.end()) == "MOTE" || argument.ends_with(".mote");
    if (model_file || foreign::is_foreign_model(start_of(argument), argument)) return {load_model(argument), true};
    const std::string text = read_text(argument, kMostText);
    refuse_foreign(std::string_view(text).substr(0, kKindBytes), argument, Wanted::network);
    OwnedModel model = parse_model_text(text, argument, parameters);
    model.source = argument;
    return {std::move(model), false};
  }
  const bool looks_like_text = argument.find_first_of(" ;,\n\t") != std::string::npos || argument.starts_with("input");
  const bool looks_like_path =
      argument.find('/') != std::string::npos || argument.ends_with(".mote") || argument.ends_with(".txt");
  if (argument.empty() || !looks_like_text || (looks_like_path && !argument.starts_with("input")))
    throw usage_error("there is no such file, and it is not a network in text form",
                      "give a .mote file, a text file, or text such as \"input 28x28x1; flatten; dense 10\"")
        .in(argument.empty() ? "(empty name)" : argument);
  return {parse_model_text(argument, option, parameters), false};
}

std::size_t save_model(const Model& model, std::string_view description, AtomicFile& file) {
  if (const Status status = require_finite(model); !status.ok()) throw status_error(status, model, file.path());
  AlignedBytes bytes(model_file_bytes(model, description));
  const Result<std::size_t> written = write_model(model, bytes.span(), description);
  if (!written.ok()) throw status_error(written.status(), model, file.path());
  file.write(bytes.span().first(*written));
  file.commit();
  return *written;
}

std::uint64_t multiply_adds(const Model& model, std::size_t index) {
  const Layer& layer = model.layers[index];
  const Shape in = model.input_shape_of(index);
  const std::uint64_t taps = std::uint64_t{layer.filter_h} * layer.filter_w;
  switch (layer.op) {
    case Op::dense:
    case Op::rbf: return in.elements() * layer.shape.c;
    case Op::conv2d: return layer.shape.elements() * taps * in.c;
    case Op::depthwise_conv2d: return layer.shape.elements() * taps;
    case Op::conv2d_transpose: return in.elements() * taps * layer.shape.c;
    case Op::matmul: return layer.shape.elements() * in.c;
    case Op::lstm:
    case Op::gru:
    case Op::rnn: return layer.shape.elements() * gates(layer.op) * (in.c + layer.shape.c);
    case Op::svdf: return in.elements();
    default: return 0;
  }
}

}  // namespace mote::tool
