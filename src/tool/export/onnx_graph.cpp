// SPDX-License-Identifier: Apache-2.0
#include "tool/export/onnx_graph.hpp"

#include <fmt/format.h>
#include <onnx.pb.h>

#include <algorithm>
#include <array>
#include <type_traits>

#include "tool/terminal/error.hpp"

namespace mote::tool::foreign {
namespace {

enum AttributeType : std::uint8_t { kFloat = 1, kInt = 2, kString = 3, kInts = 7, kStrings = 8 };

void put(const OnnxAttribute& from, onnx::Attribute& to) {
  to.set_name(from.name);
  std::visit(
      [&](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::int64_t>) {
          to.set_i(value), to.set_type(kInt);
        } else if constexpr (std::is_same_v<T, float>) {
          to.set_f(value), to.set_type(kFloat);
        } else if constexpr (std::is_same_v<T, std::string>) {
          to.set_s(value), to.set_type(kString);
        } else if constexpr (std::is_same_v<T, Extents64>) {
          for (const std::int64_t one : value) to.add_ints(one);
          to.set_type(kInts);
        } else {
          for (const std::string& one : value) to.add_strings(one);
          to.set_type(kStrings);
        }
      },
      from.value);
}

}  // namespace

int onnx_number(DType type) {
  switch (type) {
    case DType::f32: return 1;
    case DType::u8: return 2;
    case DType::s8: return 3;
    case DType::s16: return 5;
    case DType::s32: return 6;
    case DType::boolean: return 9;
    case DType::f16: return 10;
    case DType::none: break;
  }
  return 0;
}
int onnx_number(std::string_view type) {
  constexpr std::array<std::string_view, 14> kNames{"",        "float32", "uint8",  "int8",  "uint16",
                                                    "int16",   "int32",   "int64",  "",      "bool",
                                                    "float16", "float64", "uint32", "uint64"};
  const auto* found = type.empty() ? kNames.end() : std::ranges::find(kNames, type);
  return found == kNames.end() ? 0 : static_cast<int>(found - kNames.begin());
}

OnnxGraph::OnnxGraph(std::int64_t opset, std::function<std::string(const std::string&)> fresh)
    : opset_(opset), fresh_(std::move(fresh)), model_(std::make_unique<onnx::Model>()) {
  constexpr std::int64_t kFormat = 8;  // of the file: what goes with opset 17, and newer runtimes read it
  model_->set_ir_version(kFormat);
  model_->set_producer_name("mote");
  model_->add_opset_import()->set_version(opset);
  model_->mutable_graph()->set_name("mote");
}
OnnxGraph::~OnnxGraph() = default;

void OnnxGraph::node(const char* op, std::vector<std::string> inputs, std::vector<std::string> outputs,
                     std::vector<OnnxAttribute> attributes) {
  onnx::Node& node = *model_->mutable_graph()->add_node();
  node.set_op_type(op);
  for (std::string& input : inputs) node.add_input(std::move(input));
  for (const std::string& output : outputs) {
    if (node.name().empty()) node.set_name(output);
    node.add_output(output);
  }
  for (const OnnxAttribute& attribute : attributes) put(attribute, *node.add_attribute());
}

std::string OnnxGraph::add(const char* op, std::vector<std::string> inputs, const std::string& wish,
                           std::vector<OnnxAttribute> attributes) {
  const std::string name = fresh_(wish);
  node(op, std::move(inputs), {name}, std::move(attributes));
  return name;
}

std::string OnnxGraph::array(const std::string& wish, DType type, Extents64 dims, std::span<const std::byte> values) {
  onnx::Tensor& tensor = *model_->mutable_graph()->add_initializer();
  const std::string name = fresh_(wish);
  tensor.set_name(name);
  tensor.set_data_type(onnx_number(type));
  for (const std::int64_t dim : dims) tensor.add_dims(dim);
  tensor.set_raw_data(values.data(), values.size());
  return name;
}

std::string OnnxGraph::number(float value) {
  std::string& name = shared_[fmt::format("f{:a}", value)];
  if (name.empty()) name = floats(fmt::format("number_{:g}", value), {}, {&value, 1});
  return name;
}

std::string OnnxGraph::wholes(const Extents64& values) {
  std::string& name = shared_[fmt::format("i{}", fmt::join(values, ","))];
  if (!name.empty()) return name;
  const std::span<const std::byte> bytes = std::as_bytes(std::span(values));
  onnx::Tensor& tensor = *model_->mutable_graph()->add_initializer();
  constexpr int kInt64 = 7;
  name = fresh_(fmt::format("shape_{}", fmt::join(values, "_")));
  tensor.set_name(name);
  tensor.set_data_type(kInt64);
  tensor.add_dims(static_cast<std::int64_t>(values.size()));
  tensor.set_raw_data(bytes.data(), bytes.size());
  return name;
}

std::string OnnxGraph::zero_point(DType type, std::int32_t value) {
  std::string& name = shared_[fmt::format("z{} {}", onnx_number(type), value)];
  if (!name.empty()) return name;
  const auto byte = static_cast<std::byte>(value);
  return name = array(fmt::format("zero_{}", value), type, {}, {&byte, 1});
}

void OnnxGraph::rename(const std::string& from, const std::string& to) {
  for (onnx::Node& node : *model_->mutable_graph()->mutable_node()) {
    for (std::string& input : *node.mutable_input())
      if (input == from) input = to;
    for (std::string& output : *node.mutable_output())
      if (output == from) output = to;
    if (node.name() == from) node.set_name(to);
  }
}

void OnnxGraph::end(bool output, const std::string& name, int type, const Extents64& dims) {
  onnx::Graph& graph = *model_->mutable_graph();
  onnx::ValueInfo& info = output ? *graph.add_output() : *graph.add_input();
  info.set_name(name);
  onnx::TensorType& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type);
  for (const std::int64_t dim : dims) {
    onnx::Dimension& one = *tensor.mutable_shape()->add_dim();
    if (dim < 0)
      one.set_parameter("batch");
    else
      one.set_value(dim);
  }
}

std::size_t OnnxGraph::nodes() const { return static_cast<std::size_t>(model_->graph().node_size()); }

std::string OnnxGraph::bytes() const {
  constexpr std::size_t kMost = (std::size_t{1} << 31) - 1;  // of a message
  std::string out;
  if (model_->ByteSizeLong() > kMost || !model_->SerializeToString(&out))
    throw data_error("the .onnx file would be larger than 2 GB, the most that its format holds",
                     "export a smaller model");
  return out;
}

}  // namespace mote::tool::foreign
