// SPDX-License-Identifier: Apache-2.0
// "Did you mean": the known word nearest to a mistyped one. Relies on the standard library.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mote::tool {

/// Edits (insert, delete, replace, swap of neighbours) that lead from one word to the other, case ignored.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate within a third of its length (at least 1, at most 3 edits), or "".
std::string nearest(std::string_view word, std::span<const std::string> candidates);

/// `did you mean "x"? ` or, with no near candidate, "".
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

/// "a, b, c".
std::string list_of(std::span<const std::string> words);

/// The word in quotes, control bytes replaced and cut after 40 bytes, so that garbage can stand in a message.
std::string in_quotes(std::string_view word);

}  // namespace mote::tool
