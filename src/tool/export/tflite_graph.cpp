// SPDX-License-Identifier: Apache-2.0
#include "tool/export/tflite_graph.hpp"

#include <fmt/format.h>
#include <tflite_generated.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "tool/import/tflite_operators.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool::foreign {
namespace {

using flatbuffers::Offset;

/// The format's number for the kind of table that an operator's options are; 0: it is written without any.
std::uint8_t options_number(std::string_view op) {
  struct Row {
    std::string_view op;
    std::uint8_t number;
  };
  static constexpr Row kRows[] = {{"CONV_2D", 1},
                                  {"DEPTHWISE_CONV_2D", 2},
                                  {"AVERAGE_POOL_2D", 5},
                                  {"MAX_POOL_2D", 5},
                                  {"FULLY_CONNECTED", 8},
                                  {"SOFTMAX", 9},
                                  {"CONCATENATION", 10},
                                  {"ADD", 11},
                                  {"L2_NORMALIZATION", 12},
                                  {"LOCAL_RESPONSE_NORMALIZATION", 13},
                                  {"RESIZE_BILINEAR", 15},
                                  {"MUL", 21},
                                  {"GATHER", 23},
                                  {"MEAN", 27},
                                  {"SUM", 27},
                                  {"REDUCE_MAX", 27},
                                  {"REDUCE_MIN", 27},
                                  {"REDUCE_PROD", 27},
                                  {"SUB", 28},
                                  {"DIV", 29},
                                  {"STRIDED_SLICE", 32},
                                  {"SPLIT", 35},
                                  {"CAST", 37},
                                  {"ARG_MAX", 40},
                                  {"TRANSPOSE_CONV", 49},
                                  {"ARG_MIN", 57},
                                  {"RESIZE_NEAREST_NEIGHBOR", 74},
                                  {"LEAKY_RELU", 75},
                                  {"MIRROR_PAD", 77},
                                  {"BATCH_MATMUL", 101},
                                  {"GELU", 116}};
  const auto* row = std::ranges::find(kRows, op, &Row::op);
  return row == std::end(kRows) ? std::uint8_t{0} : row->number;
}

/// Which version of the operator's rules: kernels of 8-bit values came later.
std::int32_t version_of(std::string_view op, DType type, std::size_t operands) {
  if (op == "TRANSPOSE_CONV" && operands == 4) return 3;  // a bias
  if (type != DType::s8) return 1;
  if (op == "CONV_2D" || op == "DEPTHWISE_CONV_2D") return 3;
  if (op == "FULLY_CONNECTED") return 4;
  static constexpr std::string_view kSecond[] = {"ADD",
                                                 "SUB",
                                                 "MUL",
                                                 "AVERAGE_POOL_2D",
                                                 "MAX_POOL_2D",
                                                 "SOFTMAX",
                                                 "MEAN",
                                                 "LOGISTIC",
                                                 "CONCATENATION",
                                                 "TANH",
                                                 "PAD",
                                                 "PADV2",
                                                 "TRANSPOSE",
                                                 "STRIDED_SLICE",
                                                 "MAXIMUM",
                                                 "MINIMUM",
                                                 "TRANSPOSE_CONV",
                                                 "RESIZE_BILINEAR",
                                                 "RESIZE_NEAREST_NEIGHBOR",
                                                 "GATHER",
                                                 "SLICE"};
  return std::ranges::find(kSecond, op) != std::end(kSecond) ? 2 : 1;
}

Offset<tflite::Options> write_options(flatbuffers::FlatBufferBuilder& to, const char* op,
                                      const std::vector<TfliteOption>& options) {
  const flatbuffers::uoffset_t start = to.StartTable();
  const std::span<const OptionField> fields = tflite_options(op);
  for (const OptionField& field : fields) {
    const auto given =
        std::ranges::find_if(options, [&](const TfliteOption& o) { return std::string_view(o.name) == field.name; });
    if (given == options.end()) continue;
    const auto at = static_cast<flatbuffers::voffset_t>(4 + 2 * field.field);
    switch (field.kind) {
      case OptionField::Kind::byte: to.AddElement<std::int8_t>(at, static_cast<std::int8_t>(given->value), 0); break;
      case OptionField::Kind::whole: to.AddElement<std::int32_t>(at, static_cast<std::int32_t>(given->value), 0); break;
      case OptionField::Kind::real: to.AddElement<float>(at, static_cast<float>(given->value), 0.0F); break;
      case OptionField::Kind::wholes:
      case OptionField::Kind::text: break;
    }
  }
  return Offset<tflite::Options>(to.EndTable(start));
}

}  // namespace

std::int8_t tflite_number(DType type) {
  switch (type) {
    case DType::f16: return 1;
    case DType::s32: return 2;
    case DType::u8: return 3;
    case DType::boolean: return 6;
    case DType::s16: return 7;
    case DType::s8: return 9;
    case DType::f32:
    case DType::none: break;
  }
  return 0;
}

std::int8_t tflite_number(std::string_view type) {
  constexpr std::array<std::string_view, 17> kNames{"float32", "float16", "int32", "uint8",  "int64",   "",
                                                    "bool",    "int16",   "",      "int8",   "float64", "",
                                                    "uint64",  "",        "",      "uint32", "uint16"};
  return static_cast<std::int8_t>(std::ranges::find(kNames, type) - kNames.begin());
}

std::string TfliteGraph::bytes(const std::vector<int>& inputs, const std::vector<int>& outputs) const {
  constexpr std::size_t kMost = (std::size_t{1} << 31) - 1, kAlignment = 16;
  std::size_t total = 0;
  for (const TfliteTensor& tensor : tensors_) total += tensor.values.size();
  // Tables beside the values: names, dimensions, options.
  if (total + (tensors_.size() + nodes_.size()) * 512 > kMost)
    throw data_error("the .tflite file would be larger than 2 GB, the most that its format holds",
                     "export a smaller model");
  flatbuffers::FlatBufferBuilder to(total + 65536);
  std::vector<Offset<tflite::Buffer>> buffers{tflite::CreateBuffer(to)};  // the first is empty by the format's rule
  std::vector<Offset<tflite::Tensor>> tensors;
  for (const TfliteTensor& tensor : tensors_) {
    std::uint32_t buffer = 0;
    if (!tensor.values.empty()) {
      to.ForceVectorAlignment(tensor.values.size(), 1, kAlignment);
      const auto values =
          to.CreateVector(reinterpret_cast<const std::uint8_t*>(tensor.values.data()), tensor.values.size());
      buffer = static_cast<std::uint32_t>(buffers.size());
      buffers.push_back(tflite::CreateBuffer(to, values));
    }
    const std::vector<std::int32_t> dims(tensor.dims.begin(), tensor.dims.end());
    Offset<tflite::Quantization> quantization;
    if (!tensor.scales.empty())
      quantization = tflite::CreateQuantization(to, 0, 0, to.CreateVector(tensor.scales),
                                                to.CreateVector(tensor.zero_points), 0, 0, tensor.axis);
    const auto shape = to.CreateVector(dims);
    const auto name = to.CreateString(tensor.name);
    tensors.push_back(tflite::CreateTensor(to, shape, tensor.file_type.value_or(tflite_number(tensor.type)), buffer,
                                           name, quantization));
  }
  std::map<std::pair<std::int32_t, std::int32_t>, std::uint32_t> codes;  // operator and version
  std::vector<Offset<tflite::OperatorCode>> operator_codes;
  std::vector<Offset<tflite::Operator>> operators;
  for (const Node& node : nodes_) {
    std::int32_t code = 0;
    while (tflite_operator(code) != node.op) ++code;
    const std::size_t valued = std::string_view(node.op) == "TRANSPOSE_CONV" ? 1 : 0;  // behind the output's shape
    const DType type = node.inputs.empty() || node.inputs[valued] < 0 ? DType::f32 : tensor(node.inputs[valued]).type;
    const std::pair<std::int32_t, std::int32_t> key{code, version_of(node.op, type, node.inputs.size())};
    const auto [at, fresh] = codes.try_emplace(key, static_cast<std::uint32_t>(operator_codes.size()));
    constexpr std::int32_t kOldCodes = 127;
    if (fresh)
      operator_codes.push_back(
          tflite::CreateOperatorCode(to, static_cast<std::int8_t>(std::min(code, kOldCodes)), 0, key.second, code));
    const std::uint8_t kind = options_number(node.op);
    const Offset<tflite::Options> options =
        kind == 0 ? Offset<tflite::Options>() : write_options(to, node.op, node.options);
    operators.push_back(tflite::CreateOperatorDirect(to, at->second, &node.inputs, &node.outputs, kind, options));
  }
  const std::vector<Offset<tflite::SubGraph>> graphs{
      tflite::CreateSubGraphDirect(to, &tensors, &inputs, &outputs, &operators, "main")};
  constexpr std::uint32_t kVersion = 3;
  to.Finish(tflite::CreateModelDirect(to, kVersion, &operator_codes, &graphs, "mote", &buffers), "TFL3");
  return {reinterpret_cast<const char*>(to.GetBufferPointer()), to.GetSize()};
}

}  // namespace mote::tool::foreign
