// SPDX-License-Identifier: Apache-2.0
// What a file is that is none of mote's, so that an error can call it by its name. By its first bytes; an archive by
// its name too. Relies on the standard library; the formats that are read have readers of their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mote::tool {

/// What a command wanted to find in the file.
enum class Wanted : std::uint8_t { table, array, model_file, network };

/// What a file of another kind holds.
enum class Content : std::uint8_t { picture, table, array, model, packed, mote_model, other };
struct ForeignKind {
  std::string what;  ///< "a PNG picture"
  Content content = Content::other;
};

/// `start`: the first bytes, uncompressed, at least kKindBytes of them unless the file is shorter. Nothing: it may be
/// text, or one of mote's own files.
std::optional<ForeignKind> foreign_kind(std::string_view start, std::string_view path);
constexpr std::size_t kKindBytes = 16;

/// Throws if the file is of another kind: "this is a PNG picture, and a CSV table is wanted", with what to do.
void refuse_foreign(std::string_view start, const std::string& path, Wanted wanted);

}  // namespace mote::tool
