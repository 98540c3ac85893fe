// SPDX-License-Identifier: Apache-2.0
// An .onnx file as a FileModel: names become indices, attributes values, opset numbers what the operators mean by them.
#include <fmt/format.h>

#include <limits>
#include <unordered_map>

#include "tool/import/graph.hpp"
#include "tool/import/onnx_tensor.hpp"
#include "tool/import/onnx_wire.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool::foreign {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 30, kMostMessages = 1'000'000;
constexpr std::int64_t kLeastOpset = 7;

class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& path) : bytes_(bytes), path_(path), files_(path) {}

  FileModel read() {
    parse();
    FileModel out;
    out.format = Format::onnx;
    out.producer = tame(model_->producer_name());
    for (const onnx::OperatorSet& set : model_->opset_import())
      if (set.domain().empty() || set.domain() == "ai.onnx") out.opset = std::max(out.opset, set.version());
    if (model_->opset_import_size() == 0) out.opset = 1;  // files older than the field
    if (out.opset != 0 && out.opset < kLeastOpset)
      throw data_error(
          fmt::format("unsupported: opset {}; operators mean what is implemented from opset {} on", out.opset,
                      kLeastOpset),
          fmt::format("export the model again with opset {} or later, or use onnx.version_converter", kLeastOpset))
          .in(path_);
    if (model_->functions_size() != 0)
      throw data_error("unsupported: the model defines operators of its own (functions)",
                       "inline them with onnx.inliner")
          .in(path_);
    out.graphs.push_back(graph_of(model_->graph(), 0));
    return out;
  }

 private:
  [[noreturn]] void damaged(const std::string& why) const {
    throw data_error("damaged ONNX model: " + why, "export or copy the model again").in(path_);
  }

  void parse() {
    if (bytes_.size() > kMostBytes)
      throw data_error(
          fmt::format("an ONNX model of {} bytes is too large; {} are read at most", bytes_.size(), kMostBytes),
          "import a smaller model")
          .in(path_);
    std::string trouble;
    const std::size_t messages = count_onnx_messages(bytes_, trouble);
    if (!trouble.empty()) {
      if (bytes_.size() < 16 || std::to_integer<int>(bytes_[0]) != 8)
        throw data_error("not an ONNX model: " + trouble, "give an .onnx file").in(path_);
      damaged(trouble);
    }
    if (messages > kMostMessages)
      damaged(fmt::format("{} parts are too many; a model has at most {}", messages, kMostMessages));
    model_ = std::make_shared<onnx::Model>();
    if (!model_->ParseFromArray(bytes_.data(), static_cast<int>(bytes_.size())))
      damaged("its parts are not those of a model");
    if (!model_->has_graph()) throw data_error("not an ONNX model: it has no graph", "give an .onnx file").in(path_);
  }

  FileGraph graph_of(const onnx::Graph& graph, int depth) {
    if (depth > 16) damaged("subgraphs are nested too deeply");
    FileGraph out;
    out.name = tame(graph.name());
    std::unordered_map<std::string, int> names;
    const auto tensor_named = [&](const std::string& name) {
      const auto [at, fresh] = names.try_emplace(name, static_cast<int>(out.tensors.size()));
      if (fresh) {
        FileTensor tensor;
        tensor.name = tame(name);
        tensor.ranked = false;
        out.tensors.push_back(std::move(tensor));
      }
      return at->second;
    };
    for (const onnx::Tensor& initializer : graph.initializer()) {
      const int index = tensor_named(initializer.name());
      out.tensors[static_cast<std::size_t>(index)] = onnx_tensor(initializer, files_);
    }
    for (const onnx::ValueInfo& input : graph.input()) {
      const bool known = names.contains(input.name());  // files older than IR 4 list initialisers as inputs
      const int index = tensor_named(input.name());
      if (known && out.tensors[static_cast<std::size_t>(index)].constant) continue;
      describe(input, out.tensors[static_cast<std::size_t>(index)]);
      out.inputs.push_back(index);
    }
    for (const onnx::Node& node : graph.node())
      out.nodes.push_back(node_of(node, out.nodes.size(), tensor_named, depth));
    for (const onnx::ValueInfo& output : graph.output()) {
      const int index = tensor_named(output.name());
      out.outputs.push_back(index);
      FileTensor& tensor = out.tensors[static_cast<std::size_t>(index)];
      if (!tensor.constant && tensor.type == Type::other) describe(output, tensor);
    }
    for (const onnx::ValueInfo& value : graph.value_info()) {
      const auto at = names.find(value.name());
      if (at == names.end()) continue;
      FileTensor& tensor = out.tensors[static_cast<std::size_t>(at->second)];
      if (!tensor.constant && tensor.type == Type::other) describe(value, tensor);
    }
    if (graph.sparse_initializer_size() != 0 && !out.nodes.empty())
      out.nodes.front().trouble = "the model has sparse initialisers";
    return out;
  }

  static void describe(const onnx::ValueInfo& info, FileTensor& out) {
    if (!info.type().has_tensor_type()) {
      if (info.has_type()) out.trouble = "it is no tensor but a sequence, map or optional value";
      return;
    }
    const onnx::TensorType& type = info.type().tensor_type();
    out.type = onnx_type(type.elem_type());
    if (!type.has_shape()) return;
    out.ranked = true;
    out.dims.clear();
    for (const onnx::Dimension& dim : type.shape().dim())
      out.dims.push_back(dim.has_value() && dim.value() >= 0 ? dim.value() : kOpen);
  }

  template <class Named>
  FileNode node_of(const onnx::Node& node, std::size_t index, const Named& tensor_named, int depth) {
    FileNode out;
    out.index = index;
    out.name = tame(node.name());
    const bool standard = node.domain().empty() || node.domain() == "ai.onnx";
    out.op = tame(standard ? node.op_type() : node.domain() + ":" + node.op_type());
    for (const std::string& name : node.input()) out.inputs.push_back(name.empty() ? kAbsent : tensor_named(name));
    for (const std::string& name : node.output()) out.outputs.push_back(name.empty() ? kAbsent : tensor_named(name));
    for (const onnx::Attribute& attribute : node.attribute())
      out.attributes.push_back(attribute_of(attribute, out, depth));
    return out;
  }

  Attribute attribute_of(const onnx::Attribute& attribute, FileNode& node, int depth) {
    Attribute out;
    out.name = tame(attribute.name());
    enum { kFloat = 1, kInt, kString, kTensor, kGraph, kFloats, kInts, kStrings };
    switch (attribute.type()) {
      case kFloat: out.value = attribute.f(); break;
      case kInt: out.value = std::int64_t{attribute.i()}; break;
      case kString: out.value = attribute.s(); break;
      case kTensor: out.value = onnx_tensor(attribute.t(), files_); break;
      case kGraph: out.value = std::make_shared<FileGraph>(graph_of(attribute.g(), depth + 1)); break;
      case kFloats: out.value = std::vector<float>(attribute.floats().begin(), attribute.floats().end()); break;
      case kInts: out.value = std::vector<std::int64_t>(attribute.ints().begin(), attribute.ints().end()); break;
      case kStrings:
        out.value = std::vector<std::string>(attribute.strings().begin(), attribute.strings().end());
        break;
      default: node.trouble = fmt::format("its attribute {} is of a kind that is not read", out.name);
    }
    return out;
  }

  std::span<const std::byte> bytes_;
  std::string path_;
  ExternalFiles files_;
  std::shared_ptr<onnx::Model> model_;

 public:
  std::shared_ptr<const void> owner() const { return model_; }
};

}  // namespace

FileModel read_onnx(std::span<const std::byte> bytes, const std::string& path) {
  Reader reader(bytes, path);
  FileModel out = reader.read();
  out.owner = reader.owner();
  out.bytes = bytes.size();
  return out;
}

}  // namespace mote::tool::foreign
