// SPDX-License-Identifier: Apache-2.0
// Repetitions of the text form, unrolled before any layer is parsed: repeat N { … } becomes N copies of the lines
// between the braces, each with names of its own.
#pragma once

#include <string>
#include <vector>

#include "tool/models/model_words.hpp"

namespace mote::tool {

/// A name given inside a repetition belongs to its copy: the copy's words get a Word::scope. Throws usage errors at the
/// word: braces that do not pair, counts that are none or make more layers than a model has.
std::vector<Line> unroll_repetitions(const std::vector<Line>& lines, const std::string& place);

}  // namespace mote::tool
