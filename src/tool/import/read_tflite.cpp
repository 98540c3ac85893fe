// SPDX-License-Identifier: Apache-2.0
// A .tflite file as a FileModel. Every offset is verified before it is followed; weights stay where they are in the
// file. Fields of operators' options, which the schema leaves open, are read with checks of their own.
#include <fmt/format.h>
#include <tflite_generated.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "tool/import/graph.hpp"
#include "tool/import/tflite_operators.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool::foreign {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little-endian, and read as they are");

constexpr std::size_t kMostBytes = std::size_t{1} << 30;
constexpr std::size_t kLeastBytes = 28;  // root, identifier and an empty model
constexpr std::size_t kMostGraphs = 1024, kMostNodes = 100'000, kMostTensors = 400'000, kMostRank = 16;

/// The file's bytes; reads that stay inside them.
class Window {
 public:
  explicit Window(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class T>
  [[nodiscard]] bool read(std::uint64_t at, T& value) const {
    if (at > bytes_.size() || bytes_.size() - at < sizeof(T)) return false;
    std::memcpy(&value, bytes_.data() + at, sizeof(T));
    return true;
  }
  [[nodiscard]] std::uint64_t offset_of(const void* inside) const {
    return static_cast<std::uint64_t>(static_cast<const std::byte*>(inside) - bytes_.data());
  }
  /// Where field `field` of the table at `table` lies; 0: it is not there.
  [[nodiscard]] std::uint64_t field(std::uint64_t table, unsigned field) const {
    std::int32_t back = 0;
    std::uint16_t entries = 0, offset = 0;
    if (!read(table, back)) return 0;
    const auto vtable = static_cast<std::uint64_t>(static_cast<std::int64_t>(table) - back);
    const std::uint64_t entry = 4 + 2 * std::uint64_t{field};
    if (!read(vtable, entries) || entry + 2 > entries || !read(vtable + entry, offset)) return 0;
    return offset == 0 ? 0 : table + offset;
  }
  /// The vector or text that an offset at `at` leads to: its first element and its length.
  [[nodiscard]] bool vector(std::uint64_t at, std::size_t element, std::uint64_t& first, std::uint32_t& length) const {
    std::uint32_t forward = 0;
    if (at == 0 || !read(at, forward) || !read(at + forward, length)) return false;
    first = at + forward + 4;
    return first <= bytes_.size() && length <= (bytes_.size() - first) / element;
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& path) : window_(bytes), path_(path) {}

  FileModel read() {
    const tflite::Model& model = verified();
    FileModel out;
    out.format = Format::tflite;
    out.bytes = window_.bytes().size();
    if (model.description() != nullptr) out.producer = tame(model.description()->string_view());
    if (model.version() != 3)
      damaged(fmt::format("version {} of the format is not known; version 3 is", model.version()));
    const auto* graphs = model.subgraphs();
    if (graphs == nullptr || graphs->size() == 0) damaged("it has no subgraph");
    if (graphs->size() > kMostGraphs) damaged(fmt::format("{} subgraphs are too many", graphs->size()));
    for (const tflite::SubGraph* graph : *graphs) out.graphs.push_back(graph_of(model, *graph));
    return out;
  }

 private:
  [[noreturn]] void damaged(const std::string& why) const {
    throw data_error("damaged TFLite model: " + why, "export or copy the model again").in(path_);
  }

  const tflite::Model& verified() {
    const std::span<const std::byte> bytes = window_.bytes();
    if (bytes.size() < kLeastBytes)
      throw data_error(fmt::format("not a TFLite model: too short ({} bytes)", bytes.size()), "give a .tflite file")
          .in(path_);
    if (bytes.size() > kMostBytes)
      throw data_error(
          fmt::format("a TFLite model of {} bytes is too large; {} are read at most", bytes.size(), kMostBytes),
          "import a smaller model")
          .in(path_);
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    if (!flatbuffers::BufferHasIdentifier(data, "TFL3"))
      throw data_error("not a TFLite model: it has no TFL3 at byte 4", "give a .tflite file").in(path_);
    constexpr flatbuffers::uoffset_t kDepth = 16, kTables = 4'000'000;
    flatbuffers::Verifier verifier(data, bytes.size(), kDepth, kTables);
    if (!tflite::VerifyModelBuffer(verifier)) damaged(reason());
    return *tflite::GetModel(data);
  }

  /// Why the verifier refused the file: a buffer beyond its end (a file that was cut), or only that offsets are wrong.
  [[nodiscard]] std::string reason() const {
    constexpr unsigned kBuffers = 4, kData = 0;
    const std::size_t size = window_.bytes().size();
    std::uint32_t root = 0, count = 0;
    std::uint64_t first = 0;
    if (window_.read(0, root) && window_.vector(window_.field(root, kBuffers), 4, first, count)) {
      for (std::uint32_t i = 0; i < count; ++i) {
        std::uint32_t forward = 0, length = 0, to_data = 0;
        const std::uint64_t at = first + 4 * std::uint64_t{i};
        if (!window_.read(at, forward)) break;
        if (at + forward >= size)
          return fmt::format("buffer {} lies beyond the end of the file (offset {}, file {} bytes)", i, at + forward,
                             size);
        const std::uint64_t data = window_.field(at + forward, kData);
        if (data == 0) continue;
        if (!window_.read(data, to_data)) break;
        const std::uint64_t begin = data + to_data;
        if (!window_.read(begin, length) || begin + 4 + length > size)
          return fmt::format("buffer {} lies beyond the end of the file (offset {}, length {}, file {} bytes)", i,
                             begin + 4, length, size);
      }
    }
    return "its offsets lead outside of the file or its tables";
  }

  FileGraph graph_of(const tflite::Model& model, const tflite::SubGraph& graph) {
    FileGraph out;
    if (graph.name() != nullptr) out.name = tame(graph.name()->string_view());
    const auto* tensors = graph.tensors();
    const auto* operators = graph.operators();
    tensors_ += tensors == nullptr ? 0 : tensors->size();
    nodes_ += operators == nullptr ? 0 : operators->size();
    if (tensors_ > kMostTensors) damaged(fmt::format("{} tensors are too many", tensors_));
    if (nodes_ > kMostNodes) damaged(fmt::format("{} operators are too many", nodes_));
    if (tensors != nullptr)
      for (const tflite::Tensor* tensor : *tensors)
        out.tensors.push_back(tensor_of(model, *tensor, out.tensors.size()));
    if (operators != nullptr)
      for (const tflite::Operator* op : *operators) out.nodes.push_back(node_of(model, *op, out));
    out.inputs = indices(graph.inputs(), out.tensors.size(), false, "an input of the graph");
    out.outputs = indices(graph.outputs(), out.tensors.size(), false, "an output of the graph");
    return out;
  }

  std::vector<int> indices(const flatbuffers::Vector<std::int32_t>* list, std::size_t tensors, bool absent,
                           const std::string& whose) const {
    std::vector<int> out;
    if (list == nullptr) return out;
    for (const std::int32_t index : *list) {
      if (absent && index == -1) {
        out.push_back(kAbsent);
        continue;
      }
      if (index < 0 || static_cast<std::size_t>(index) >= tensors)
        damaged(fmt::format("{} is tensor {}, and there are {}", whose, index, tensors));
      out.push_back(index);
    }
    return out;
  }

  FileTensor tensor_of(const tflite::Model& model, const tflite::Tensor& tensor, std::size_t index) const {
    FileTensor out;
    if (tensor.name() != nullptr) out.name = tame(tensor.name()->string_view());
    if (out.name.empty()) out.name = fmt::format("tensor {}", index);
    out.type = tflite_type(tensor.type());
    out.variable = tensor.is_variable();
    const auto* open = tensor.shape_signature();
    if (tensor.shape() != nullptr) {
      if (tensor.shape()->size() > kMostRank)
        damaged(fmt::format("tensor {} has {} dimensions", index, tensor.shape()->size()));
      const bool fits = open != nullptr && open->size() == tensor.shape()->size();
      for (flatbuffers::uoffset_t i = 0; i < tensor.shape()->size(); ++i) {
        const std::int32_t extent = tensor.shape()->Get(i);
        const bool left_open = extent < 0 || (fits && open->Get(i) < 0);
        out.dims.push_back(left_open ? kOpen : extent);
      }
    }
    if (tensor.quantization() != nullptr) read_scaling(*tensor.quantization(), out);
    if (tensor.sparsity() != nullptr) out.trouble = "its values are stored sparse";
    read_constant(model, tensor, index, out);
    return out;
  }

  static void read_scaling(const tflite::Quantization& from, FileTensor& out) {
    if (from.details_type() != 0)
      out.trouble = fmt::format("tensor type {} with quantisation by blocks or of a custom kind", name_of(out.type));
    const auto* zeros = from.zero_point();
    if (from.scale() == nullptr || from.scale()->size() == 0) return;
    out.scaling.axis = from.axis();
    for (flatbuffers::uoffset_t i = 0; i < from.scale()->size(); ++i) {
      out.scaling.scales.push_back(from.scale()->Get(i));
      std::int64_t zero = 0;  // which may lie at an address that is no multiple of 8: the verifier lets it
      if (zeros != nullptr && i < zeros->size()) std::memcpy(&zero, zeros->Data() + i * sizeof zero, sizeof zero);
      out.scaling.zero_points.push_back(zero);
    }
  }

  void read_constant(const tflite::Model& model, const tflite::Tensor& tensor, std::size_t index,
                     FileTensor& out) const {
    if (tensor.buffer() == 0 || model.buffers() == nullptr) return;
    if (tensor.buffer() >= model.buffers()->size())
      damaged(fmt::format("tensor {} ({}) lies in buffer {}, and there are {}", index, out.name, tensor.buffer(),
                          model.buffers()->size()));
    const tflite::Buffer* buffer = model.buffers()->Get(tensor.buffer());
    const std::span<const std::byte> all = window_.bytes();
    std::span<const std::byte> bytes;
    if (buffer->data() != nullptr) {
      bytes = all.subspan(window_.offset_of(buffer->data()->data()), buffer->data()->size());
    } else if (buffer->offset() > 1) {
      if (buffer->offset() > all.size() || buffer->size() > all.size() - buffer->offset())
        damaged(fmt::format("buffer {} lies beyond the end of the file (offset {}, length {}, file {} bytes)",
                            tensor.buffer(), buffer->offset(), buffer->size(), all.size()));
      bytes = all.subspan(buffer->offset(), buffer->size());
    }
    if (bytes.empty()) return;
    out.constant = true;
    for (std::int64_t& extent : out.dims)
      if (extent == kOpen) damaged(fmt::format("tensor {} ({}) is a constant of open shape", index, out.name));
    const std::size_t element = bytes_of(out.type);
    out.bytes.view = bytes;
    if (element == 0 || !out.trouble.empty()) return;
    std::uint64_t needed = element;
    for (const std::int64_t extent : out.dims) {
      const auto n = static_cast<std::uint64_t>(extent);
      if (n != 0 && needed > kMostBytes / n)
        needed = kMostBytes + 1;
      else
        needed *= n;
    }
    if (needed != bytes.size())
      damaged(fmt::format("tensor {} ({}, {} {}) needs {} bytes, and its buffer has {}", index, out.name,
                          name_of(out.type), text_of(out.dims), needed, bytes.size()));
  }

  FileNode node_of(const tflite::Model& model, const tflite::Operator& op, const FileGraph& graph) const {
    FileNode out;
    out.index = graph.nodes.size();
    const std::string whose = fmt::format("operator {}", out.index);
    if (model.operator_codes() == nullptr || op.code_index() >= model.operator_codes()->size())
      damaged(fmt::format("{} has code {}, and there are {}", whose, op.code_index(),
                          model.operator_codes() == nullptr ? 0 : model.operator_codes()->size()));
    const tflite::OperatorCode* code = model.operator_codes()->Get(op.code_index());
    // Codes above 127 came later, beside the old byte.
    const std::int32_t number = std::max<std::int32_t>(code->old_code(), code->code());
    out.op = tflite_operator(number);
    if (number == kTfliteCustom) describe_custom(code, out);
    out.inputs = indices(op.inputs(), graph.tensors.size(), true, "an input of " + whose);
    out.outputs = indices(op.outputs(), graph.tensors.size(), true, "an output of " + whose);
    const tflite::Options* options = has_second_options(out.op) ? op.options2() : op.options();
    if (options != nullptr) {
      read_options(window_.offset_of(options), out);
    } else {
      for (const OptionField& field : tflite_options(out.op)) put_default(field, out);
    }
    if (out.op == "STABLEHLO_COMPOSITE") out.name = tame(out.text("name", ""));
    return out;
  }

  static void describe_custom(const tflite::OperatorCode* code, FileNode& out) {
    const std::string name = code->custom_code() == nullptr ? "" : tame(code->custom_code()->string_view());
    out.op = name.starts_with("Flex") ? name : fmt::format("custom operator \"{}\"", name);
    out.trouble = "it is not one of TensorFlow Lite's own";
    if (name == "ethos-u") {
      out.trouble = "the model was compiled for an Arm Ethos-U NPU";
      out.remedy = "import the .tflite it was compiled from";
    } else if (name == "DISPATCH_OP" || name == "edgetpu-custom-op") {
      out.trouble = "the model was compiled ahead of time for an NPU";
      out.remedy = "import the .tflite it was compiled from";
    } else if (name.starts_with("Flex")) {
      out.trouble = "it needs TensorFlow itself (Flex)";
      out.remedy = name.starts_with("FlexTensorList")
                       ? "export the LSTM with a fixed batch size, so that it becomes UNIDIRECTIONAL_SEQUENCE_LSTM, or "
                         "unroll it"
                       : "export the model with TensorFlow Lite's own operators only";
    } else if (name.starts_with("Signal")) {
      out.remedy = "compute the audio features before the model";
    }
  }

  static void put_default(const OptionField& field, FileNode& out) {
    using Kind = OptionField::Kind;
    switch (field.kind) {
      case Kind::byte:
      case Kind::whole: out.attributes.push_back({field.name, field.otherwise}); break;
      case Kind::real: out.attributes.push_back({field.name, static_cast<float>(field.otherwise)}); break;
      case Kind::wholes:
      case Kind::text: break;
    }
  }

  void read_options(std::uint64_t table, FileNode& out) const {
    using Kind = OptionField::Kind;
    for (const OptionField& field : tflite_options(out.op)) {
      const std::uint64_t at = window_.field(table, field.field);
      std::int8_t byte = 0;
      std::int32_t whole = 0;
      float real = 0.0F;
      std::uint64_t first = 0;
      std::uint32_t length = 0;
      if (at == 0) {
        put_default(field, out);
      } else if (field.kind == Kind::byte && window_.read(at, byte)) {
        out.attributes.push_back({field.name, std::int64_t{byte}});
      } else if (field.kind == Kind::whole && window_.read(at, whole)) {
        out.attributes.push_back({field.name, std::int64_t{whole}});
      } else if (field.kind == Kind::real && window_.read(at, real)) {
        out.attributes.push_back({field.name, real});
      } else if (field.kind == Kind::wholes && window_.vector(at, 4, first, length) && length <= kMostRank) {
        std::vector<std::int64_t> list(length);
        for (std::uint32_t i = 0; i < length; ++i)
          if (window_.read(first + 4 * std::uint64_t{i}, whole)) list[i] = whole;
        out.attributes.push_back({field.name, list});
      } else if (field.kind == Kind::text && window_.vector(at, 1, first, length)) {
        const auto* text = reinterpret_cast<const char*>(window_.bytes().data() + first);
        out.attributes.push_back({field.name, std::string(text, length)});
      } else {
        damaged(fmt::format("options of operator {} lie beyond the end of the file", out.index));
      }
    }
  }

  Window window_;
  std::string path_;
  std::size_t tensors_ = 0, nodes_ = 0;
};

}  // namespace

FileModel read_tflite(std::span<const std::byte> bytes, const std::string& path) { return Reader(bytes, path).read(); }

}  // namespace mote::tool::foreign
