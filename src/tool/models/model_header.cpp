// SPDX-License-Identifier: Apache-2.0
#include "tool/models/model_header.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "tool/terminal/streams.hpp"

namespace mote::tool {
namespace {

/// The name of an element type as types.hpp has it; how values of it are taken from a session.
struct TypeNames {
  const char *dtype, *value;
};
TypeNames names_of(DType type) {
  switch (type) {
    case DType::none: return {"none", "void"};
    case DType::s8: return {"s8", "std::int8_t"};
    case DType::s32: return {"s32", "std::int32_t"};
    case DType::u8: return {"u8", "std::uint8_t"};
    case DType::s16: return {"s16", "std::int16_t"};
    case DType::boolean: return {"boolean", "std::uint8_t"};
    case DType::f16: return {"f16", "void"};
    case DType::f32: break;
  }
  return {"f32", "float"};
}

/// To the last bit.
std::string number(float value) {
  if (std::isinf(value)) return fmt::format("{}std::numeric_limits<float>::infinity()", value < 0 ? "-" : "");
  const std::string text = fmt::format("{}", value);
  return text + (text.find_first_of(".e") == std::string::npos ? ".0F" : "F");
}

template <class Values>
std::string list(const Values& values) {
  std::string out;
  for (const auto value : values) out += fmt::format("{}{}", out.empty() ? "" : ", ", value);
  return "{" + out + "}";
}

/// Fields that are not zero, in their order.
std::string record(const Layer& l) {
  std::string out = fmt::format(".op = mote::Op::{}", name(l.op));
  const auto field = [&](const char* what, const std::string& value) { out += fmt::format(", .{} = {}", what, value); };
  const auto whole = [&](const char* what, unsigned value) {
    if (value != 0) field(what, std::to_string(value));
  };
  if (l.dtype != DType::f32) field("dtype", fmt::format("mote::DType::{}", names_of(l.dtype).dtype));
  if (l.param_dtype != DType::none) field("param_dtype", fmt::format("mote::DType::{}", names_of(l.param_dtype).dtype));
  whole("flags", l.flags);
  whole("input_count", l.input_count);
  if (l.inputs != decltype(l.inputs){}) field("inputs", list(l.inputs));
  whole("depth_multiplier", l.depth_multiplier);
  field("shape", fmt::format("{{{}, {}, {}}}", l.shape.h, l.shape.w, l.shape.c));
  whole("filter_h", l.filter_h), whole("filter_w", l.filter_w);
  whole("stride_h", l.stride_h), whole("stride_w", l.stride_w);
  whole("dilation_h", l.dilation_h), whole("dilation_w", l.dilation_w);
  whole("pad_top", l.pad_top), whole("pad_bottom", l.pad_bottom);
  whole("pad_left", l.pad_left), whole("pad_right", l.pad_right);
  if (l.alpha != 0.0F) field("alpha", number(l.alpha));
  if (l.beta != 0.0F) field("beta", number(l.beta));
  if (l.quantization != Quantization{})
    field("quantization", fmt::format("{{{}, {}}}", number(l.quantization.scale), l.quantization.zero_point));
  whole("param_offset", l.param_offset), whole("param_bytes", l.param_bytes);
  if (l.args != decltype(l.args){}) field("args", list(l.args));
  return "{" + out + "}";
}

std::string words(const Model& model) {
  constexpr std::size_t kEachLine = 10;
  std::string out;
  const std::size_t count = (model.param_bytes + 3U) / 4U;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t word = 0;
    const std::size_t at = 4 * i;
    std::memcpy(&word, model.params + at, std::min<std::size_t>(4, model.param_bytes - at));
    out += fmt::format("{}0x{:08X},", i % kEachLine == 0 ? "\n    " : " ", word);
  }
  return out;
}

std::string ends(const Model& model, const char* what, std::size_t count, bool inputs) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = inputs ? model.input_layer(i) : model.output_layer(i);
    const Layer& layer = model.layers[at];
    const std::string_view called = name(model, at);
    out += fmt::format("//   {}<{}{}>(): {} x {} x {}{}\n", what, names_of(layer.dtype).value,
                       i == 0 ? "" : fmt::format(", {}", i), layer.shape.h, layer.shape.w, layer.shape.c,
                       called.empty() ? "" : fmt::format(", {}", printable_line(called)));
  }
  return out;
}

}  // namespace

std::string header_name(const std::string& path) {
  std::string out;
  for (const char c : std::filesystem::path(path).stem().string()) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter)
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    else if (!out.empty() && out.back() != '_')
      out += '_';
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  if (out.empty() || (out[0] >= '0' && out[0] <= '9')) out.insert(0, "model_");
  for (const char* word :
       {"mote",      "std",      "int",    "float",    "double", "bool",     "char",   "short",  "long",
        "auto",      "class",    "struct", "union",    "enum",   "new",      "delete", "switch", "case",
        "default",   "do",       "for",    "if",       "else",   "while",    "export", "import", "module",
        "namespace", "register", "signed", "unsigned", "static", "template", "this",   "try",    "using",
        "virtual",   "void",     "not",    "and",      "or",     "xor",      "main"})
    if (out == word) return "model_" + out;
  return out;
}

std::string model_header(const Model& model, const std::string& name, const std::string& source) {
  const bool params = model.param_bytes != 0, operands = !model.operands.empty();
  std::string out = fmt::format("{} from {}.\n//\n", kHeaderStart, printable_line(source));
  out += fmt::format("//   static constinit mote::StaticSession<{0}::kNet{1}> session;\n", name,
                     params ? fmt::format(", {}::kParams", name) : "");
  out += fmt::format("//   std::copy_n(sample, session.input<{0}>().size(), session.input<{0}>().begin());\n",
                     names_of(model.layers[model.input_layer()].dtype).value);
  out += fmt::format("//   session.run();  // then session.output<{}>()\n//\n",
                     names_of(model.layers[model.output_layer()].dtype).value);
  out += ends(model, "input", model.input_count(), true) + ends(model, "output", model.output_count(), false);
  if (model.layers.size() > 100)
    out +=
        "//\n// The compiler makes the plan of so many layers in more steps than it allows itself by default: GCC\n"
        "// -fconstexpr-ops-limit=4000000000, clang -fconstexpr-steps=4000000000.\n";
  out +=
      "#pragma once\n\n#include <array>\n#include <cstdint>\n#include <limits>\n\n#include <mote/run/session.hpp>\n\n";
  out += fmt::format("namespace {} {{\n\nstruct Network {{\n  std::array<mote::Layer, {}> layers;\n", name,
                     model.layers.size());
  if (operands) out += fmt::format("  std::array<std::uint16_t, {}> operands;\n", model.operands.size());
  out += "  std::uint32_t param_bytes;\n\n";
  out += "  [[nodiscard]] constexpr mote::Model model(const std::byte* params = nullptr) const {\n";
  out += fmt::format("    mote::Model out{{layers, params, param_bytes, {}}};\n", model.alignment);
  if (operands) out += "    out.operands = operands;\n";
  out += "    return out;\n  }\n};\n\ninline constexpr Network kNet{\n    .layers = {{\n";
  for (const Layer& layer : model.layers) out += fmt::format("        {},\n", record(layer));
  out += "    }},\n";
  if (operands) out += fmt::format("    .operands = {{{}}},\n", list(model.operands));
  out += fmt::format("    .param_bytes = {},\n}};\n", model.param_bytes);
  if (params) {
    out += "\n// Little-endian words, as the records lay them out.\n";
    out += fmt::format("alignas({}) inline constexpr std::uint32_t kParams[] = {{{}\n}};\n", model.alignment,
                       words(model));
  }
  return out + fmt::format("\n}}  // namespace {}\n", name);
}

}  // namespace mote::tool
