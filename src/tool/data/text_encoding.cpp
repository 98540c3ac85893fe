// SPDX-License-Identifier: Apache-2.0
// See text_encoding.hpp.
#include "tool/data/text_encoding.hpp"

#include <array>
#include <cstdint>
#include <optional>

#include "tool/terminal/error.hpp"

namespace mote::tool {
namespace {

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6U);
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12U), put(0x80 | (code >> 6U & 0x3F));
  } else {
    put(0xF0 | code >> 18U), put(0x80 | (code >> 12U & 0x3F)), put(0x80 | (code >> 6U & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

std::string from_utf16(std::string_view bytes, bool big, std::size_t first, const std::string& path) {
  const auto fail = [&](const char* what, std::size_t at) {
    return data_error(what, "save the table again, as UTF-8").in(path).at_byte(at);
  };
  if (bytes.size() % 2 != 0) throw fail("the UTF-16 text ends in the middle of a character", bytes.size());
  const auto unit = [&](std::size_t at) {
    const auto low = static_cast<std::uint8_t>(bytes[at + (big ? 1 : 0)]);
    const auto high = static_cast<std::uint8_t>(bytes[at + (big ? 0 : 1)]);
    return static_cast<std::uint32_t>(high << 8U | low);
  };
  std::string out;
  out.reserve(bytes.size() / 2);
  for (std::size_t at = first; at < bytes.size(); at += 2) {
    std::uint32_t code = unit(at);
    if (code == 0) throw fail("the UTF-16 text has a zero in it", at);
    if (code >= 0xD800 && code < 0xE000) {
      const bool pair = code < 0xDC00 && at + 2 < bytes.size() && unit(at + 2) >= 0xDC00 && unit(at + 2) < 0xE000;
      if (!pair) throw fail("the UTF-16 text has half a character", at);
      at += 2;
      code = 0x10000 + ((code - 0xD800) << 10U) + (unit(at) - 0xDC00);
    }
    append_utf8(out, code);
  }
  return out;
}

std::string from_windows_1252(std::string_view bytes) {
  constexpr std::array<std::uint16_t, 32> special{0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                                  0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,   0x017D, 0x8F,
                                                  0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                                  0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 8);
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    append_utf8(out, byte >= 0x80 && byte < 0xA0 ? special[byte - 0x80U] : byte);
  }
  return out;
}

/// Text of two bytes a character has its zeros in every second place, whatever its letters are.
bool zeros_at(std::string_view bytes, std::size_t parity) {
  std::size_t zeros = 0, pairs = 0;
  for (std::size_t i = parity; i < bytes.size() && pairs < 200; i += 2, ++pairs) zeros += bytes[i] == 0 ? 1U : 0U;
  return pairs > 0 && 10 * zeros >= 9 * pairs;
}

struct Utf16 {
  bool big = false;
  std::size_t first = 0;  // byte behind the mark
};
std::optional<Utf16> utf16_of(std::string_view bytes) {
  if (bytes.starts_with("\xFF\xFE")) return Utf16{false, 2};
  if (bytes.starts_with("\xFE\xFF")) return Utf16{true, 2};
  if (bytes.size() < 4) return std::nullopt;
  const bool even = zeros_at(bytes, 0), odd = zeros_at(bytes, 1);
  return even == odd ? std::nullopt : std::optional(Utf16{even, 0});
}

}  // namespace

bool is_utf16(std::string_view start) { return utf16_of(start).has_value(); }

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<std::uint8_t>(text[i]);
    const std::size_t more = first < 0x80   ? 0
                             : first < 0xC2 ? 9
                             : first < 0xE0 ? 1
                             : first < 0xF0 ? 2
                             : first < 0xF5 ? 3
                                            : 9;
    if (more == 9 || i + more >= text.size()) return false;
    std::uint32_t code = more == 0 ? first : first & (0x3FU >> more);
    for (std::size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<std::uint8_t>(text[i + k]);
      if (next >> 6U != 2) return false;
      code = code << 6U | (next & 0x3FU);
    }
    const bool overlong = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
    if (overlong || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
    i += more + 1;
  }
  return true;
}

DecodedText decode_text(std::string&& bytes, const std::string& path) {
  const std::string_view view = bytes;
  if (const std::optional<Utf16> wide = utf16_of(view))
    return {from_utf16(view, wide->big, wide->first, path), "UTF-16"};
  if (const std::size_t zero = view.find('\0'); zero != std::string_view::npos)
    throw data_error("the file is not text: it has a zero byte", "give IDX, .npy or a table as text")
        .in(path)
        .at_byte(zero);
  if (view.starts_with("\xEF\xBB\xBF")) bytes.erase(0, 3);
  if (!is_utf8(bytes)) return {from_windows_1252(bytes), "Windows-1252"};
  return {std::move(bytes), "UTF-8"};
}

}  // namespace mote::tool
