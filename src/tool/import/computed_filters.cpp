// SPDX-License-Identifier: Apache-2.0
// Convolutions whose weights the graph computes: the window's taps side by side, times a matrix.
#include <fmt/format.h>

#include "tool/import/call.hpp"

namespace mote::tool::foreign {
namespace {

/// The taps of every window, from the upper left one on: each an image as large as the output.
std::vector<Value> taps_of(Maker& make, const Value& image, const Sliding& s, std::int64_t h, std::int64_t w) {
  Value x = image;
  if (s.pad_top + s.pad_bottom + s.pad_left + s.pad_right != 0)
    x = make.pad(x, {0, s.pad_top, s.pad_left, 0}, {0, s.pad_bottom, s.pad_right, 0});
  const Dims in = make.dims(x);
  std::vector<Value> out;
  for (std::int64_t i = 0; i < s.filter_h; ++i)
    for (std::int64_t j = 0; j < s.filter_w; ++j)
      out.push_back(make.slice(x, {0, i * s.dilation_h, j * s.dilation_w, 0}, {1, s.stride_h, s.stride_w, 1},
                               {in[0], h, w, in[3]}));
  return out;
}

/// Each channel times its own weights, of which there may be several.
Value depthwise(Maker& make, const std::vector<Value>& taps, const Value& weights) {
  const Dims one = make.dims(taps.front()), filter = make.dims(weights);
  const std::int64_t channels = one[3], multiplier = filter[3] / channels;
  const Value rows = make.reshape(weights, {filter[0] * filter[1], channels, multiplier});
  Value sum;
  for (std::size_t t = 0; t < taps.size(); ++t) {
    const Value own = make.slice(rows, {static_cast<std::int64_t>(t), 0, 0}, {1, 1, 1}, {1, channels, multiplier});
    const Value tap = make.reshape(taps[t], {one[0] * one[1] * one[2], channels, 1});
    const Value product = make.binary("mul", tap, own);
    sum = sum.there() ? make.binary("add", sum, product) : product;
  }
  return make.reshape(sum, {one[0], one[1], one[2], filter[3]});
}

/// Channels begin … begin + count - 1.
Value channels_of(Maker& make, const Value& v, std::int64_t begin, std::int64_t count) {
  Dims from(make.rank(v), 0), step(make.rank(v), 1), dims = make.dims(v);
  if (dims.back() == count) return v;
  from.back() = begin, dims.back() = count;
  return make.slice(v, from, step, dims);
}

}  // namespace

Value convolve_by(Maker& make, const Value& image, const Value& weights, Window2d window, std::int64_t groups) {
  const Dims in = make.dims(image), filter = make.dims(weights);
  if (in.size() != 4 || filter.size() != 4)
    unsupported(fmt::format("an image of {} and weights of {}", text_of(in), text_of(filter)));
  const std::int64_t channels = filter[2], outputs = filter[3];
  if (groups < 1 || channels < 1 || channels * groups != in[3] || outputs % groups != 0)
    unsupported(fmt::format("{} channels in {} groups, and weights {}", in[3], groups, text_of(filter)));
  window.sliding.filter_h = filter[0], window.sliding.filter_w = filter[1];
  const auto [h, w] = window_extents(window, in);
  constexpr std::int64_t kMostSlices = 1024;
  const bool by_channel = channels == 1 && groups > 1;
  if (filter[0] * filter[1] * (by_channel ? 1 : groups) > kMostSlices)
    unsupported(fmt::format("computed weights {} in {} groups", text_of(filter), groups),
                "export the model with constant weights");
  const std::vector<Value> taps = taps_of(make, image, window.sliding, h, w);
  if (by_channel) return depthwise(make, taps, weights);
  const std::int64_t terms = filter[0] * filter[1] * channels, each = outputs / groups;
  std::vector<Value> parts;
  for (std::int64_t g = 0; g < groups; ++g) {
    std::vector<Value> own;
    own.reserve(taps.size());
    for (const Value& tap : taps) own.push_back(channels_of(make, tap, g * channels, channels));
    const Value rows = make.reshape(own.size() == 1 ? own.front() : make.concat(own, 3), {in[0] * h * w, terms});
    const Value matrix = make.reshape(channels_of(make, weights, g * each, each), {terms, each});
    parts.push_back(make.reshape(make.matmul(rows, matrix), {in[0], h, w, each}));
  }
  return parts.size() == 1 ? parts.front() : make.concat(parts, 3);
}

}  // namespace mote::tool::foreign
