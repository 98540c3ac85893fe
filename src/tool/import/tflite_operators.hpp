// SPDX-License-Identifier: Apache-2.0
// Numbers of the .tflite format: operators by their code, element types, and where each operator's options lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "tool/import/graph.hpp"

namespace mote::tool::foreign {

/// "CONV_2D"; for a number that this version does not know "operator 211".
std::string tflite_operator(std::int32_t code);
constexpr std::int32_t kTfliteCustom = 32;
Type tflite_type(int number);

/// One field of an operator's options: its place in the table and how it is stored.
struct OptionField {
  enum class Kind : std::uint8_t { byte, whole, real, wholes, text };
  const char* name;
  std::uint16_t field;
  Kind kind;
  std::int64_t otherwise = 0;  // a value that is not in the file
};
/// STABLEHLO operators have theirs in a second table.
inline bool has_second_options(const std::string& op) { return op.starts_with("STABLEHLO"); }
std::span<const OptionField> tflite_options(const std::string& op);

}  // namespace mote::tool::foreign
