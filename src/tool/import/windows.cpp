// SPDX-License-Identifier: Apache-2.0
// Convolutions and pooling for both formats.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "tool/import/call.hpp"

namespace mote::tool::foreign {
namespace {

/// Output extent along one axis; chooses the pads where they are to keep the extent.
std::int64_t extent(std::int64_t in, std::int64_t filter, std::int64_t stride, std::int64_t dilation,
                    std::int64_t& before, std::int64_t& after, const Window2d& window) {
  if (filter < 1 || stride < 1 || dilation < 1 || filter > 65535 || stride > 65535 || dilation > 65535)
    unsupported(fmt::format("filter {}, stride {}, dilation {}", filter, stride, dilation));
  const std::int64_t span = dilation * (filter - 1) + 1;
  if (window.same) {
    const std::int64_t out = (in + stride - 1) / stride;
    const std::int64_t pads = std::max<std::int64_t>(0, (out - 1) * stride + span - in);
    before = window.same_lower ? pads - pads / 2 : pads / 2;
    after = pads - before;
    return out;
  }
  if (before < 0 || after < 0 || before > 65535 || after > 65535)
    unsupported(fmt::format("padding of {} and {}", before, after));
  const std::int64_t padded = in + before + after;
  if (padded < span) unsupported(fmt::format("a filter of {} over {} with its padding", span, padded));
  return (padded - span) / stride + 1;
}

/// Where padding is as wide as the filter, what the records do not take, a step of its own pads.
Value padded_first(Maker& make, const Value& image, Sliding& s) {
  const std::int64_t span_h = s.dilation_h * (s.filter_h - 1) + 1, span_w = s.dilation_w * (s.filter_w - 1) + 1;
  const bool wide = s.pad_top >= span_h || s.pad_bottom >= span_h || s.pad_left >= span_w || s.pad_right >= span_w;
  if (!wide) return image;
  const Value out = make.pad(image, {0, s.pad_top, s.pad_left, 0}, {0, s.pad_bottom, s.pad_right, 0});
  s.pad_top = s.pad_bottom = s.pad_left = s.pad_right = 0;
  return out;
}

Value one_convolution(Maker& make, const Value& image, const Literal& weights, const Literal* bias,
                      const Sliding& sliding, const char* op, std::int64_t h, std::int64_t w) {
  Step made;
  made.op = op;
  made.dims = {make.dims(image)[0], h, w, weights.dims().back()};
  made.in = {make.laid_out(image)};
  made.sliding = sliding;
  made.weights.push_back(weights);
  if (bias != nullptr) made.weights.push_back(*bias);
  return make.add(std::move(made));
}

/// Whether the records take several images as they are: no window reaches over a line, or there is one column.
bool takes_images(const Sliding& s, std::int64_t columns) {
  const bool lines_alone = s.filter_h == 1 && s.stride_h == 1 && s.pad_top == 0 && s.pad_bottom == 0;
  const bool columns_alone = s.filter_w == 1 && s.stride_w == 1 && s.pad_left == 0 && s.pad_right == 0 && columns == 1;
  return lines_alone || columns_alone;
}

/// Several images beneath each other, so many zeros between them that a window sees one. Every image has the same lines
/// of the result, of which those that begin in the zeros are cut off.
Value on_images(Maker& make, const Value& x, Sliding s, std::int64_t lines,
                const std::function<Value(const Value&, const Sliding&)>& convolution) {
  const Dims in = make.dims(x);
  const std::int64_t span = s.dilation_h * (s.filter_h - 1) + 1;
  const std::int64_t needed = std::max(s.pad_top + in[1], (lines - 1) * s.stride_h + span);
  const std::int64_t each = (needed + s.stride_h - 1) / s.stride_h * s.stride_h;
  const Value apart = make.pad(x, {0, s.pad_top, 0, 0}, {0, each - s.pad_top - in[1], 0, 0});
  s.pad_top = 0, s.pad_bottom = std::max<std::int64_t>(0, span - s.stride_h);
  const std::int64_t rows = each / s.stride_h;
  const Value out = convolution(make.reshape(apart, {1, in[0] * each, in[2], in[3]}), s);
  const Dims made = make.dims(out);
  return make.slice(make.reshape(out, {in[0], rows, made[2], made[3]}), {0, 0, 0, 0}, {1, 1, 1, 1},
                    {in[0], lines, made[2], made[3]});
}

Literal part_of(const Literal& a, std::int64_t axis, std::int64_t from, std::int64_t count) {
  Dims begin(a.dims().size(), 0), step(a.dims().size(), 1), dims = a.dims();
  begin[static_cast<std::size_t>(axis)] = from;
  dims[static_cast<std::size_t>(axis)] = count;
  return sliced(a, begin, step, dims);
}

}  // namespace

std::pair<std::int64_t, std::int64_t> window_extents(Window2d& window, const Dims& image) {
  Sliding& s = window.sliding;
  const std::int64_t h = extent(image[1], s.filter_h, s.stride_h, s.dilation_h, s.pad_top, s.pad_bottom, window);
  const std::int64_t w = extent(image[2], s.filter_w, s.stride_w, s.dilation_w, s.pad_left, s.pad_right, window);
  window.same = false;
  return {h, w};
}

Value convolve(Maker& make, const Value& image, const Literal& weights, const Literal* bias, Window2d window,
               std::int64_t groups) {
  const Dims in = make.dims(image);
  if (in.size() != 4) unsupported(fmt::format("an image of rank {}", in.size()));
  if (weights.dims().size() != 4) unsupported(fmt::format("weights of rank {}", weights.dims().size()));
  const std::int64_t channels = weights.dims()[2], outputs = weights.dims()[3];
  window.sliding.filter_h = weights.dims()[0], window.sliding.filter_w = weights.dims()[1];
  if (groups < 1 || channels < 1 || channels * groups != in[3] || outputs % groups != 0)
    unsupported(fmt::format("{} channels in {} groups, and weights {}", in[3], groups, text_of(weights.dims())));
  if (bias != nullptr && bias->count() != outputs)
    unsupported(fmt::format("{} biases of {} outputs", bias->count(), outputs));
  const auto [h, w] = window_extents(window, in);
  Sliding s = window.sliding;
  const Value x = padded_first(make, image, s);
  if (in[0] != 1 && !make.for_samples && !takes_images(s, in[2])) {
    return on_images(make, x, s, h, [&](const Value& all, const Sliding& windows) {
      Window2d valid;
      valid.sliding = windows;
      return convolve(make, all, weights, bias, valid, groups);
    });
  }
  if (groups == 1) return one_convolution(make, x, weights, bias, s, "conv2d", h, w);
  if (channels == 1) {  // output o is of channel o / multiplier: as the records number them
    const Literal flat = weights.reshaped({weights.dims()[0], weights.dims()[1], outputs});
    return one_convolution(make, x, flat, bias, s, "depthwise_conv2d", h, w);
  }
  std::vector<Value> parts;
  const Dims from = make.dims(x);
  for (std::int64_t g = 0; g < groups; ++g) {
    Dims one = from;
    one[3] = channels;
    const Value some = make.slice(x, {0, 0, 0, g * channels}, {1, 1, 1, 1}, one);
    const std::int64_t each = outputs / groups;
    const Literal part = part_of(weights, 3, g * each, each);
    Literal part_bias;
    if (bias != nullptr) part_bias = part_of(bias->reshaped({outputs}), 0, g * each, each);
    parts.push_back(one_convolution(make, some, part, bias == nullptr ? nullptr : &part_bias, s, "conv2d", h, w));
  }
  return make.concat(parts, 3);
}

Value image_by_image(Maker& make, const Value& images, const std::function<Value(const Value&)>& step) {
  constexpr std::int64_t kMostImages = 64;
  const Dims in = make.dims(images);
  if (in[0] > kMostImages)
    unsupported(fmt::format("{} images at a time; {} are taken one by one", in[0], kMostImages), kOneSample);
  Dims begin(in.size(), 0), one = in;
  one[0] = 1;
  std::vector<Value> parts;
  for (; begin[0] < in[0]; ++begin[0]) parts.push_back(step(make.slice(images, begin, Dims(in.size(), 1), one)));
  return make.concat(parts, 0);
}

Value pool(Maker& make, const Value& image, const std::string& op, Window2d window, bool counts_padding) {
  const Dims in = make.dims(image);
  if (in.size() != 4) unsupported(fmt::format("an image of rank {}", in.size()));
  const auto [h, w] = window_extents(window, in);
  if (in[0] != 1 && !make.for_samples && !takes_images(window.sliding, in[2]))
    return image_by_image(make, image, [&](const Value& one) { return pool(make, one, op, window, counts_padding); });
  Step made;
  made.op = op;
  made.type = make.type(image);
  made.scaling = make.step(image).scaling;
  made.dims = {in[0], h, w, in[3]};
  made.sliding = window.sliding;
  made.number = counts_padding ? 1 : 0;
  made.in = {make.laid_out(image)};
  return make.add(std::move(made));
}

}  // namespace mote::tool::foreign
