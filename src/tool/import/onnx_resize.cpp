// SPDX-License-Identifier: Apache-2.0
// Resizing of the .onnx format. Where ONNX Runtime takes other pixels than the record would, they are chosen by index.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tool/import/nearest.hpp"
#include "tool/import/onnx_common.hpp"

namespace mote::tool::foreign {
namespace {

/// What a Resize is asked for: extents of all axes, and outputs per input.
struct Resized {
  Dims to;
  std::vector<float> by;
  bool whole = true;  // extents times scales are whole numbers
};

/// Of the axes named, or all.
Resized resized(Call& call, const Dims& own) {
  const bool upsample = call.node.op == "Upsample";
  const std::size_t scales = upsample || call.file.opset < 11 ? 1 : 2;
  Dims axes = call.node.wholes("axes");
  if (axes.empty())
    for (std::size_t k = 0; k < own.size(); ++k) axes.push_back(static_cast<std::int64_t>(k));
  Resized out{own, std::vector<float>(own.size(), 1.0F)};
  const auto fits = [&](std::size_t count) {
    if (count != axes.size()) unsupported(fmt::format("{} sizes or scales of {} axes", count, axes.size()));
  };
  if (!upsample && call.has(3) && call.dims(3) != Dims{0}) {
    const Dims sizes = call.wholes(3, "sizes");
    fits(sizes.size());
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const std::size_t axis = Maker::axis_of(axes[i], own.size());
      out.to[axis] = sizes[i];
      out.by[axis] = static_cast<float>(sizes[i]) / static_cast<float>(own[axis]);
    }
    return out;
  }
  std::vector<float> by = call.node.reals("scales");
  if (call.has(scales)) {
    const Literal& values = call.make.must_be_constant(call[scales], "scales");
    by.clear();
    for (std::int64_t i = 0; i < values.count(); ++i) by.push_back(static_cast<float>(values.real(i)));
  }
  fits(by.size());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = Maker::axis_of(axes[i], own.size());
    const float product = static_cast<float>(own[axis]) * by[i];  // rounded: 10 times 1.3 is 13
    if (!(product >= 1.0F && product <= 1e9F)) unsupported(fmt::format("an axis of {} times {}", own[axis], by[i]));
    out.to[axis] = static_cast<std::int64_t>(product);
    out.by[axis] = by[i];
    out.whole = out.whole && std::floor(product) == product;
  }
  return out;
}

/// The number of a word, which is an enumerator's.
template <class Enum, std::size_t N>
Enum named(const std::array<std::string_view, N>& words, const std::string& word, const char* what) {
  const auto* found = std::ranges::find(words, word);
  if (found == words.end()) unsupported(fmt::format("{} by the rule {}", what, tame(word)));
  return static_cast<Enum>(found - words.begin());
}

/// The pixels of these indices along an axis.
Value chosen(Maker& make, const Value& image, const Dims& indices, std::int64_t axis) {
  if (takes_all(indices, make.dims(image)[static_cast<std::size_t>(axis)])) return image;
  return make.gather(image, make.constant(Literal::of(indices, Type::s32)), axis);
}

void resize(Call& call) {
  const Dims own = call.dims(0);
  const Resized wish = resized(call, own);
  const Dims& to = wish.to;
  if (own.size() < 3 || own.size() > 4 || own[0] != to[0] || own[1] != to[1])
    unsupported(fmt::format("{} becomes {}", text_of(own), text_of(to)), "height and width can be resized");
  for (const std::int64_t extent : to)
    if (extent < 1) unsupported(fmt::format("{} becomes {}", text_of(own), text_of(to)));
  if (call.node.whole("antialias", 0) != 0)
    unsupported("it smooths what it makes smaller (antialias)",
                "export it with antialias = 0, or resize before the model");
  if (const std::string policy = call.node.text("keep_aspect_ratio_policy", "stretch"); policy != "stretch")
    unsupported(fmt::format("sizes by the policy {}", tame(policy)), "give the sizes themselves");
  const bool old = call.node.op == "Upsample" || call.file.opset < 11;
  const std::string mode = call.node.text("mode", "nearest");
  const bool nearest = mode == "nearest";
  if (!nearest && mode != "linear")
    unsupported(fmt::format("mode {}", tame(mode)), "resize by the mode nearest or linear");
  const std::array<std::string_view, 6> rules = {"half_pixel",         "asymmetric",           "align_corners",
                                                 "pytorch_half_pixel", "tf_half_pixel_for_nn", "half_pixel_symmetric"};
  const std::array<std::string_view, 4> roundings = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
  const std::string rule = call.node.text("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
  const auto coordinates = named<OnnxCoordinates>(rules, rule, "coordinates");
  OnnxRounding rounding = OnnxRounding::of_opset_10;
  if (!old) rounding = named<OnnxRounding>(roundings, call.node.text("nearest_mode", "round_prefer_floor"), "rounding");
  if (coordinates == OnnxCoordinates::align_corners && !wish.whole)
    unsupported("corners are aligned of an image that its scales do not fill", "give sizes in place of scales");
  if (to == own) return call.give(call[0]);
  Maker& make = call.make;
  const Value image = channels_last(make, call[0]);
  const Dims before = make.dims(image);
  const bool wide = own.size() == 4;
  const ResizedAxis h{before[1], wide ? to[2] : 1, wide ? wish.by[2] : 1.0F}, w{before[2], to.back(), wish.by.back()};
  auto cut = ResizeRounding::floor;
  if (nearest) {
    make.spend(h.out + w.out);
    const Dims rows = nearest_of_onnx(h, coordinates, rounding), columns = nearest_of_onnx(w, coordinates, rounding);
    const auto place = static_cast<ResizeCoordinates>(coordinates);
    const bool smaller = h.scale < 1.0F || w.scale < 1.0F;
    cut = rounding != OnnxRounding::of_opset_10 ? static_cast<ResizeRounding>(rounding)
          : smaller                             ? ResizeRounding::ceil
                                                : ResizeRounding::floor;
    const bool as_records = (before[0] == 1 || make.for_samples) &&
                            coordinates != OnnxCoordinates::half_pixel_symmetric &&
                            rows == nearest_of_records(h, place, cut) && columns == nearest_of_records(w, place, cut);
    if (!as_records) {
      const Value lines = chosen(make, image, rows, 1);
      return call.give(channels_first(make, chosen(make, lines, columns, 2), own.size()));
    }
  }
  if (coordinates == OnnxCoordinates::half_pixel_symmetric)
    unsupported(fmt::format("coordinates by the rule {}", rule), "resize by the nearest pixel, or by half_pixel");
  Step made;
  made.op = nearest ? "resize_nearest" : "resize_bilinear";
  made.number = static_cast<std::int64_t>(coordinates);
  made.second = {static_cast<std::int64_t>(cut), 0};
  if (coordinates != OnnxCoordinates::align_corners) made.alpha = h.scale, made.beta = w.scale;
  made.type = make.type(image);
  const auto resized_one = [&](const Value& one) {
    Step step = made;
    step.dims = {make.dims(one)[0], h.out, w.out, before[3]};
    step.in = {make.laid_out(one)};
    return make.add(std::move(step));
  };
  const bool alone = before[0] == 1 || make.for_samples;
  call.give(channels_first(make, alone ? resized_one(image) : image_by_image(make, image, resized_one), own.size()));
}

constexpr std::array kRows = {
    OperatorRow{"Resize", resize, "resize_nearest"},
    OperatorRow{"Upsample", resize, "resize_nearest"},
};

}  // namespace

std::span<const OperatorRow> onnx_resize() { return kRows; }

}  // namespace mote::tool::foreign
