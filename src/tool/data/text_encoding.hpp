// SPDX-License-Identifier: Apache-2.0
// Text as spreadsheets write it, made UTF-8. Knows nothing of what the text says.
#pragma once

#include <string>
#include <string_view>

namespace mote::tool {

struct DecodedText {
  std::string text;      ///< UTF-8 without a byte order mark
  std::string encoding;  ///< "UTF-8", "UTF-16", "Windows-1252"
};

/// By the byte order mark; without one by zero bytes in every second place (UTF-16); bytes that are not UTF-8 are taken
/// for Windows-1252. Throws, naming `path` and the byte, where a UTF-16 text is cut or has half a character, and where
/// zero bytes say that the file is no text.
DecodedText decode_text(std::string&& bytes, const std::string& path);

/// Whether a file that begins so is text in UTF-16, by the rule of decode_text().
bool is_utf16(std::string_view start);

/// Whether all of it is UTF-8.
bool is_utf8(std::string_view text);

}  // namespace mote::tool
