// SPDX-License-Identifier: Apache-2.0
#include "tool/import/onnx_wire.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace mote::tool::foreign {
namespace {

enum class Message : std::uint8_t { model, graph, node, attribute, leaf };

/// The message that field `field` of a message of kind `in` holds; leaf: nothing that is looked into.
Message inside(Message in, std::uint64_t field) {
  switch (in) {
    case Message::model: return field == 7 ? Message::graph : Message::leaf;
    case Message::graph: return field == 1 ? Message::node : Message::leaf;
    case Message::node: return field == 5 ? Message::attribute : Message::leaf;
    case Message::attribute: return field == 6 || field == 11 ? Message::graph : Message::leaf;
    case Message::leaf: break;
  }
  return Message::leaf;
}

class Scan {
 public:
  explicit Scan(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool message(Message kind, std::size_t at, std::size_t end, int depth) {
    if (depth > kMostDepth) return fail(at, "messages nested too deeply");
    while (at < end) {
      std::uint64_t key = 0, length = 0;
      if (!varint(at, end, key)) return fail(at, "a number that does not end");
      switch (key & 7U) {
        case 0:
          if (!varint(at, end, length)) return fail(at, "a number that does not end");
          break;
        case 1:
        case 5:
          length = (key & 7U) == 1 ? 8 : 4;
          if (end - at < length) return fail(at, "a value beyond its message's end");
          at += length;
          break;
        case 2: {
          if (!varint(at, end, length) || length > end - at) return fail(at, "a length beyond the end of the file");
          ++messages;
          const Message in = inside(kind, key >> 3U);
          if (in != Message::leaf && !message(in, at, at + length, depth + 1)) return false;
          at += length;
          break;
        }
        default: return fail(at, "a byte that begins no field");
      }
    }
    return true;
  }

  std::size_t messages = 0;
  std::string trouble;

 private:
  static constexpr int kMostDepth = 64;

  bool varint(std::size_t& at, std::size_t end, std::uint64_t& value) const {
    value = 0;
    for (unsigned shift = 0; shift < 64 && at < end; shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(bytes_[at++]);
      value |= (byte & 0x7FU) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }
  bool fail(std::size_t at, const char* what) {
    if (trouble.empty()) trouble = fmt::format("{} at byte {}", what, at);
    return false;
  }

  std::span<const std::byte> bytes_;
};

}  // namespace

std::size_t count_onnx_messages(std::span<const std::byte> bytes, std::string& trouble) {
  Scan scan(bytes);
  scan.message(Message::model, 0, bytes.size(), 0);
  trouble = scan.trouble;
  return scan.messages;
}

}  // namespace mote::tool::foreign
