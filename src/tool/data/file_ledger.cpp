// SPDX-License-Identifier: Apache-2.0
// Kinds are told from the first bytes, as file(1) does.
#include "tool/data/file_ledger.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "tool/terminal/error.hpp"

namespace mote::tool {
namespace {

const char* in_words(FileKind kind) {
  switch (kind) {
    case FileKind::model: return "a model";
    case FileKind::exported: return "a TFLite or ONNX model";
    case FileKind::picture: return "an SVG picture";
    case FileKind::array: return "an .npy array";
    case FileKind::table: return "a table";
    case FileKind::json: return "JSON";
    case FileKind::network: return "a network's text";
    case FileKind::header: return "a model's header";
    case FileKind::other: break;
  }
  return "something else";
}

/// Rows with the same number of separators, or of one number each below at most one header.
bool is_table(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos && lines.size() < 32;) {
    if (const std::string_view line = text.substr(0, end); line.find_first_not_of(" \r\t") != std::string_view::npos)
      lines.push_back(line);
    text.remove_prefix(end + 1);
  }
  if (lines.empty()) lines.push_back(text);
  for (const char separator : {',', ';', '\t', '|'}) {
    const auto columns = [&](std::string_view line) { return std::count(line.begin(), line.end(), separator); };
    if (columns(lines[0]) > 0 && std::all_of(lines.begin(), lines.end(),
                                             [&](std::string_view line) { return columns(line) == columns(lines[0]); }))
      return true;
  }
  return std::all_of(lines.begin() + (lines.size() > 1 ? 1 : 0), lines.end(), [](std::string_view line) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    double value = 0.0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
    return error == std::errc{} && end == line.data() + line.size();
  });
}

FileKind kind_of(std::string_view start) {
  if (start.starts_with("MOTE")) return FileKind::model;
  if (start.starts_with("\x93NUMPY")) return FileKind::array;
  if (start.size() >= 8 && start.substr(4, 4) == "TFL3") return FileKind::exported;
  // ONNX: field 1, the version of its format, and then the producer's name or the graph.
  if (start.size() >= 3 && start[0] == '\x08' && start[1] < '\x20' && (start[2] == '\x12' || start[2] == '\x3a'))
    return FileKind::exported;
  if (start.starts_with("\xEF\xBB\xBF")) start.remove_prefix(3);
  for (const char c : start)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t') return FileKind::other;
  const std::size_t first = start.find_first_not_of(" \r\n\t");
  if (first == std::string_view::npos) return FileKind::other;
  start.remove_prefix(first);
  if (start.starts_with("// Made by mote")) return FileKind::header;
  if (start[0] == '{' || start[0] == '[') return FileKind::json;
  if (start[0] == '<') return start.find("<svg") != std::string_view::npos ? FileKind::picture : FileKind::other;
  std::string_view network = start;
  while (network.starts_with('#')) {
    const std::size_t end = network.find('\n');
    network.remove_prefix(end == std::string_view::npos ? network.size() : end + 1);
  }
  if (network.starts_with("input ")) return FileKind::network;
  return is_table(start) ? FileKind::table : FileKind::other;
}

/// Nothing: the file is empty, and whatever comes is welcome.
std::optional<FileKind> kind_of_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return FileKind::other;
  std::array<char, 4096> start{};
  const ssize_t count = ::read(descriptor, start.data(), start.size());
  ::close(descriptor);
  if (count == 0) return std::nullopt;
  return count < 0 ? FileKind::other : kind_of({start.data(), static_cast<std::size_t>(count)});
}

Error overwrites(const std::string& output, const std::string& input) {
  return usage_error(fmt::format("the output would overwrite {}, which this command reads",
                                 input == output ? "this file" : fmt::format("{} (the same file)", input)),
                     "write it to another file")
      .in(output);
}

}  // namespace

FileLedger& FileLedger::current() {
  static FileLedger ledger;
  return ledger;
}

void FileLedger::add_input(const std::string& path, const struct stat& info) {
  if (!checks_) return;
  for (const Output& output : outputs_)
    if (output.there && output.device == info.st_dev && output.inode == info.st_ino)
      throw overwrites(output.path, path);
  inputs_.push_back({path, info.st_dev, info.st_ino});
}

void FileLedger::add_output(const std::string& path, const std::string& target, FileKind kind, const struct stat* there,
                            bool edits_input) {
  if (!checks_) return;
  for (const Output& output : outputs_) {
    if (output.target != target) continue;
    if (output.kind != kind)
      throw usage_error(
          fmt::format("{} and {} would both be written to this file", in_words(output.kind), in_words(kind)),
          "give them different names")
          .in(path);
    return;
  }
  if (there != nullptr && !edits_input) {
    for (const Input& input : inputs_)
      if (input.device == there->st_dev && input.inode == there->st_ino) throw overwrites(path, input.path);
    const std::optional<FileKind> old = kind_of_file(path);
    if (old && *old != kind && !force_)
      throw usage_error(fmt::format("this file holds {} and would be replaced by {}", in_words(*old), in_words(kind)),
                        "choose another name, or add --force")
          .in(path);
  }
  Output output{path, target, kind, there != nullptr && !edits_input, 0, 0};
  if (there != nullptr) output.device = there->st_dev, output.inode = there->st_ino;
  outputs_.push_back(output);
}

void FileLedger::complete(const std::string& target) {
  std::erase_if(outputs_, [&](const Output& output) { return output.target == target; });
}

}  // namespace mote::tool
