// SPDX-License-Identifier: Apache-2.0
// One line of the text form turned into a LayerSpec. What stands around it (the list of layers, what resolve() refuses)
// is model_text.cpp's.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "mote/model/builders.hpp"
#include "tool/models/model_words.hpp"

namespace mote::tool {

/// The layers' words: those of ops.inc in its order, then conv1d and flatten.
const std::vector<std::string>& op_words();

/// The parameter of an activation that has one, as its builder sets it.
std::optional<float> default_alpha(Op op);

bool is_one_of(const std::string& word, const std::vector<std::string>& words);

/// Throws a usage error at the word.
[[noreturn]] void fail_at(const std::string& place, const Word& word, const std::string& what,
                          const std::string& remedy);

/// `names` keeps the characters that the LayerSpec's pointers point to.
LayerSpec parse_layer(const Line& line, const std::string& place, std::deque<std::string>& names);

}  // namespace mote::tool
