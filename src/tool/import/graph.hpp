// SPDX-License-Identifier: Apache-2.0
// What a .tflite or .onnx file says, as it says it: tensors, operators, subgraphs. No operator's meaning here, and no
// format's bytes: readers make it, operators read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mote::tool::foreign {

/// Element types of both formats.
enum class Type : std::uint8_t {
  f32,
  f16,
  bf16,
  f64,
  s4,
  u4,
  s8,
  u8,
  s16,
  u16,
  s32,
  u32,
  s64,
  u64,
  boolean,
  string,
  complex,
  resource,
  variant,
  other
};
/// "FLOAT32": as the survey of both formats and their tools spell it.
const char* name_of(Type type);
/// Bytes of an element; 0 where elements have none of their own (strings, four bits).
std::size_t bytes_of(Type type);
constexpr bool is_real(Type type) {
  return type == Type::f32 || type == Type::f16 || type == Type::bf16 || type == Type::f64;
}
constexpr bool is_whole(Type type) { return type >= Type::s4 && type <= Type::boolean; }

/// Extents; kOpen: the file leaves it open.
using Dims = std::vector<std::int64_t>;
constexpr std::int64_t kOpen = -1;
/// "1x49x10x1", "?x10"; "scalar".
std::string text_of(const Dims& dims);
/// Product of the extents, none of them open; throws Unsupported beyond 2^40.
std::int64_t count_of(const Dims& dims);

/// real = (value - zero_point) * scale, one pair for all or one for each index of `axis`.
struct Scaling {
  std::vector<float> scales;
  std::vector<std::int64_t> zero_points;
  std::int64_t axis = 0;
};

/// Bytes that lie in the file, or that were made of it.
struct Bytes {
  std::span<const std::byte> view;
  std::shared_ptr<const void> owner;
};

struct FileTensor {
  std::string name;
  Type type = Type::other;
  Dims dims;
  bool ranked = true;  // false: the file does not say how many dimensions there are
  Scaling scaling;
  bool constant = false, variable = false;
  Bytes bytes;          // of a constant
  std::string trouble;  // why its values cannot be read, or ""
};

struct FileGraph;
using Setting = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>,
                             std::vector<std::string>, FileTensor, std::shared_ptr<FileGraph>>;
struct Attribute {
  std::string name;
  Setting value;
};

constexpr int kAbsent = -1;  // an operand that is left out

struct FileNode {
  std::string op;    // "CONV_2D", "Conv", "com.microsoft:Gelu"
  std::string name;  // ONNX; or ""
  std::size_t index = 0;
  std::vector<int> inputs, outputs;  // tensors of the same graph
  std::vector<Attribute> attributes;
  std::string trouble;  // why it cannot be computed whatever its operands are, or ""
  std::string remedy;

  [[nodiscard]] const Setting* find(std::string_view attribute) const;
  /// The attribute, or `otherwise` where it is not there; throws Unsupported where it is of another type.
  [[nodiscard]] std::int64_t whole(std::string_view attribute, std::int64_t otherwise) const;
  [[nodiscard]] float real(std::string_view attribute, float otherwise) const;
  [[nodiscard]] std::string text(std::string_view attribute, std::string_view otherwise) const;
  [[nodiscard]] std::vector<std::int64_t> wholes(std::string_view attribute) const;
  [[nodiscard]] std::vector<float> reals(std::string_view attribute) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view attribute) const;
};

struct FileGraph {
  std::string name;
  std::vector<FileTensor> tensors;
  std::vector<FileNode> nodes;
  std::vector<int> inputs, outputs;
};

enum class Format : std::uint8_t { tflite, onnx };

struct FileModel {
  Format format = Format::tflite;
  std::vector<FileGraph> graphs;  // the first is the model
  std::int64_t opset = 0;         // ONNX, of the standard operators
  std::string producer;
  std::shared_ptr<const void> owner;  // of bytes that constants view
  std::size_t bytes = 0;              // of the file
};

/// What cannot be imported, and what would help; `remedy` may be empty. Becomes a line of the refusal.
struct Unsupported {
  std::string why, remedy;
};
[[noreturn]] inline void unsupported(std::string why, std::string remedy = {}) {
  throw Unsupported{std::move(why), std::move(remedy)};
}

/// What helps where several samples at a time are too much.
inline constexpr const char* kOneSample =
    "import it with --batch 1 or, where the file fixes the batch, make it with a batch of 1 (several samples of any "
    "model are run one by one)";

/// Reads a file; throws Error where it is no model of its format, damaged or too large. `bytes` must outlive the model.
FileModel read_tflite(std::span<const std::byte> bytes, const std::string& path);
FileModel read_onnx(std::span<const std::byte> bytes, const std::string& path);

/// A name that comes out of a file, in one line of at most 80 characters, nothing in it that steers a terminal.
std::string tame(std::string_view name);

}  // namespace mote::tool::foreign
