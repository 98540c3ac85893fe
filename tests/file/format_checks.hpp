// SPDX-License-Identifier: Apache-2.0
// How a sentence of FORMAT.md is broken and what comes of it. For format_test.cpp and format_operators_test.cpp.
#pragma once

#include <algorithm>
#include <functional>
#include <string>

#include "check.hpp"
#include "file/changed_file.hpp"

namespace mote::test {

/// The status for the network's file after `change`, with a right checksum.
inline Status changed(const Model& model, const std::function<void(std::span<std::byte>)>& change) {
  const AlignedBytes file(file_of(model));
  EXPECT_TRUE(open_model(file.span()).ok());
  change(file.span());
  fix_crc(file.span());
  return open_model(file.span()).status();
}
template <class T>
void refuses(const Model& model, std::size_t offset, T value, Code code, const std::string& sentence) {
  const Status status = changed(model, [&](std::span<std::byte> file) { put(file, offset, value); });
  EXPECT_EQ(status.code, code) << sentence << ": " << name(status.code);
}
/// As refuses(), of a field of record `layer`.
template <class T>
void refuses_in(const Model& model, std::size_t layer, std::size_t field, T value, Code code,
                const std::string& sentence) {
  refuses(model, record(layer) + field, value, code, sentence);
}

using U8 = std::uint8_t;
using U16 = std::uint16_t;
using U32 = std::uint32_t;

/// Of at most 32 bits.
inline std::size_t number(std::span<const std::byte> file, std::size_t offset, std::size_t bytes) {
  std::size_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8U | std::to_integer<std::size_t>(file[offset + i]);
  return value;
}
/// The u16 and u8 words of a record that the operator uses, by offset; everything else must be zero.
inline std::vector<std::size_t> used_fields(const Layer& layer) {
  std::vector<std::size_t> used{0, 1, 2, 3, 4, 16, 18, 20, 22, 24, 26};
  const auto take = [&](std::size_t first, std::size_t last) {
    for (std::size_t at = first; at < last; at += 2) used.push_back(at);
  };
  take(6, 6 + 2 * std::size_t{layer.input_count});
  if (is_window(layer.op)) take(28, 48);
  if (layer.op == Op::depthwise_conv2d || layer.op == Op::spline) used.push_back(14);
  if (traits(layer.op).has_alpha) take(48, 52);
  const bool resizes = layer.op == Op::resize_nearest || layer.op == Op::resize_bilinear;
  if (layer.op == Op::batch_norm || layer.op == Op::lrn || resizes) take(52, 56);
  if (layer.param_bytes != 0) take(64, 72);
  const bool one_arg = layer.op == Op::concat || layer.op == Op::average_pool || layer.op == Op::softmax ||
                       layer.op == Op::log_softmax || layer.op == Op::matmul || layer.op == Op::lstm;
  const bool two_args = layer.op == Op::gru || layer.op == Op::rnn || layer.op == Op::conv2d_transpose;
  take(72, 72 + (one_arg ? 4 : two_args ? 8 : layer.op == Op::lrn || resizes ? 12 : 0));
  return used;
}

/// Each of the others, set to 1, is refused.
inline void expect_unused_fields_are_zero(const Model& model) {
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const std::vector<std::size_t> used = used_fields(model.layers[i]);
    for (std::size_t at = 0; at < sizeof(Layer); at += at < 4 ? 1 : 2) {
      if (std::find(used.begin(), used.end(), at) != used.end()) continue;
      const Status status = changed(model, [&](auto file) { put(file, record(i) + at, U8{1}); });
      const bool quantization = at >= 56 && at < 64;
      EXPECT_EQ(status.code, quantization ? Code::bad_quantization : Code::reserved_not_zero)
          << name(model.layers[i].op) << " at " << at << ": " << name(status.code);
      EXPECT_EQ(status.layer, i);
    }
  }
}

}  // namespace mote::test
