// SPDX-License-Identifier: Apache-2.0
#include "tool/import/graph.hpp"

#include <fmt/format.h>

#include "tool/terminal/streams.hpp"

namespace mote::tool::foreign {
namespace {

struct TypeRow {
  const char* name;
  std::size_t bytes;
};
constexpr TypeRow kTypes[] = {{"FLOAT32", 4}, {"FLOAT16", 2},  {"BFLOAT16", 2}, {"FLOAT64", 8},
                              {"INT4", 0},    {"UINT4", 0},    {"INT8", 1},     {"UINT8", 1},
                              {"INT16", 2},   {"UINT16", 2},   {"INT32", 4},    {"UINT32", 4},
                              {"INT64", 8},   {"UINT64", 8},   {"BOOL", 1},     {"STRING", 0},
                              {"COMPLEX", 0}, {"RESOURCE", 0}, {"VARIANT", 0},  {"of an unknown type", 0}};

template <class T>
const T* setting(const FileNode& node, std::string_view attribute, const char* kind) {
  const Setting* found = node.find(attribute);
  if (found == nullptr) return nullptr;
  const T* value = std::get_if<T>(found);
  if (value == nullptr)
    unsupported(fmt::format("its attribute {} is no {}", attribute, kind), "export the model again");
  return value;
}

}  // namespace

const char* name_of(Type type) { return kTypes[static_cast<std::size_t>(type)].name; }
std::size_t bytes_of(Type type) { return kTypes[static_cast<std::size_t>(type)].bytes; }

std::string text_of(const Dims& dims) {
  std::string out;
  for (const std::int64_t dim : dims) {
    if (!out.empty()) out += 'x';
    out += dim < 0 ? "?" : std::to_string(dim);
  }
  return out.empty() ? "scalar" : out;
}

std::int64_t count_of(const Dims& dims) {
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  std::int64_t count = 1;
  for (const std::int64_t dim : dims) {
    if (dim < 0) unsupported(fmt::format("an extent of {} is left open", text_of(dims)), "give --input-shape");
    if (dim != 0 && count > kMost / dim)
      unsupported(fmt::format("{} elements are more than any machine holds", text_of(dims)));
    count *= dim;
  }
  return count;
}

const Setting* FileNode::find(std::string_view attribute) const {
  for (const Attribute& a : attributes)
    if (a.name == attribute) return &a.value;
  return nullptr;
}

std::int64_t FileNode::whole(std::string_view attribute, std::int64_t otherwise) const {
  const auto* value = setting<std::int64_t>(*this, attribute, "whole number");
  return value == nullptr ? otherwise : *value;
}
float FileNode::real(std::string_view attribute, float otherwise) const {
  const auto* value = setting<float>(*this, attribute, "number");
  return value == nullptr ? otherwise : *value;
}
std::string FileNode::text(std::string_view attribute, std::string_view otherwise) const {
  const auto* value = setting<std::string>(*this, attribute, "text");
  return value == nullptr ? std::string(otherwise) : *value;
}
std::vector<std::int64_t> FileNode::wholes(std::string_view attribute) const {
  const auto* value = setting<std::vector<std::int64_t>>(*this, attribute, "list of whole numbers");
  return value == nullptr ? std::vector<std::int64_t>{} : *value;
}
std::vector<float> FileNode::reals(std::string_view attribute) const {
  const auto* value = setting<std::vector<float>>(*this, attribute, "list of numbers");
  return value == nullptr ? std::vector<float>{} : *value;
}
std::vector<std::string> FileNode::texts(std::string_view attribute) const {
  const auto* value = setting<std::vector<std::string>>(*this, attribute, "list of texts");
  return value == nullptr ? std::vector<std::string>{} : *value;
}

std::string tame(std::string_view name) {
  constexpr std::size_t kMost = 80;
  if (name.size() <= kMost) return printable_line(name);
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0U) == 0x80U) --end;  // not inside a character
  return printable_line(name.substr(0, end)) + "…";
}

}  // namespace mote::tool::foreign
