// SPDX-License-Identifier: Apache-2.0
// Resizing of the .onnx format, with ONNX Runtime's rounding of places where the standard leaves it open.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "mote/model/layer.hpp"
#include "tool/import/onnx_common.hpp"

namespace mote::tool::foreign {
namespace {

enum class Coordinates : std::uint8_t {
  half_pixel,
  asymmetric,
  align_corners,
  pytorch_half_pixel,
  tf_half_pixel_for_nn,
  half_pixel_symmetric  // from here on the records have none
};
enum class Rounding : std::uint8_t { prefer_floor, prefer_ceil, floor, ceil, of_opset_10 };

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

/// One axis: extents and outputs per input.
struct Axis {
  std::int64_t in = 1, out = 1;
  float by = 1.0F;

  /// Where output `i` lies, in inputs.
  [[nodiscard]] float place(std::int64_t i, Coordinates rule) const {
    const auto at = static_cast<float>(i), from = static_cast<float>(in), to = static_cast<float>(out);
    switch (rule) {
      case Coordinates::asymmetric: return at / by;
      case Coordinates::tf_half_pixel_for_nn: return (at + 0.5F) / by;
      case Coordinates::align_corners: return out == 1 ? 0.0F : at * (from - 1.0F) / (to - 1.0F);
      case Coordinates::pytorch_half_pixel:
        if (out == 1) return 0.0F;
        break;
      case Coordinates::half_pixel_symmetric: {
        const float offset = from / 2.0F * (1.0F - to / (by * from));
        return static_cast<float>(static_cast<double>(offset) +
                                  (static_cast<double>(at) + 0.5) / static_cast<double>(by) - 0.5);
      }
      case Coordinates::half_pixel: break;
    }
    return (at + 0.5F) / by - 0.5F;
  }
  [[nodiscard]] std::int64_t inside(std::int64_t i) const { return std::clamp<std::int64_t>(i, 0, in - 1); }

  /// The inputs that ONNX Runtime takes. A place within 1e-6 of the middle between two is the middle: extents'
  /// quotients are float32, and 2 / (4 / 7) is 3.4999998.
  [[nodiscard]] Dims nearest(Coordinates rule, Rounding rounding) const {
    constexpr double kMiddle = 1e-6;
    Dims indices(static_cast<std::size_t>(out));
    for (std::int64_t i = 0; i < out; ++i) {
      const auto at = static_cast<double>(place(i, rule));
      const double below = std::floor(at), over = at - below;
      double index = below;
      switch (rounding) {
        case Rounding::prefer_floor: index += over > 0.5 + kMiddle ? 1.0 : 0.0; break;
        case Rounding::prefer_ceil: index += over >= 0.5 - kMiddle ? 1.0 : 0.0; break;
        case Rounding::floor: break;
        case Rounding::ceil: index = std::ceil(at); break;
        case Rounding::of_opset_10: index = by < 1.0F ? std::ceil(at) : below; break;
      }
      indices[static_cast<std::size_t>(i)] = by == 1.0F ? i : inside(static_cast<std::int64_t>(index));
    }
    return indices;
  }
  /// Those that the records' kernel takes.
  [[nodiscard]] Dims nearest_of_records(Coordinates rule, Rounding rounding) const {
    Dims indices(static_cast<std::size_t>(out));
    for (std::int64_t i = 0; i < out; ++i) {
      const float at = std::clamp(place(i, rule), 0.0F, static_cast<float>(in - 1)), below = std::floor(at);
      const float over = at - below;
      const bool up = rounding == Rounding::prefer_floor  ? over > 0.5F
                      : rounding == Rounding::prefer_ceil ? over >= 0.5F
                                                          : rounding == Rounding::ceil && over > 0.0F;
      indices[static_cast<std::size_t>(i)] = static_cast<std::int64_t>(below) + (up ? 1 : 0);
    }
    return indices;
  }
};

/// The number of a word, which is an enumerator's.
template <class Enum, std::size_t N>
Enum named(const std::array<std::string_view, N>& words, const std::string& word, const char* what) {
  const auto* found = std::ranges::find(words, word);
  if (found == words.end()) unsupported(fmt::format("{} by the rule {}", what, tame(word)));
  return static_cast<Enum>(found - words.begin());
}

Value chosen(Maker& make, const Value& image, const Dims& indices, std::int64_t axis) {
  const std::int64_t extent = make.dims(image)[static_cast<std::size_t>(axis)];
  bool same = static_cast<std::int64_t>(indices.size()) == extent;
  for (std::size_t i = 0; i < indices.size(); ++i) same = same && indices[i] == static_cast<std::int64_t>(i);
  return same ? image : make.gather(image, make.constant(Literal::of(indices, Type::s32)), axis);
}

void resize(Call& call) {
  const Dims own = call.dims(0);
  const Resized wish = resized(call, own);
  const Dims& to = wish.to;
  if (own.size() < 3 || own.size() > 4 || own[0] != to[0] || own[1] != to[1])
    unsupported(fmt::format("{} becomes {}", text_of(own), text_of(to)), "height and width can be resized");
  for (const std::int64_t extent : to)
    if (extent < 1) unsupported(fmt::format("{} becomes {}", text_of(own), text_of(to)));
  if (call.node.whole("antialias", 0) != 0) unsupported("it smooths what it makes smaller (antialias)");
  if (const std::string policy = call.node.text("keep_aspect_ratio_policy", "stretch"); policy != "stretch")
    unsupported(fmt::format("sizes by the policy {}", tame(policy)), "give the sizes themselves");
  const bool old = call.node.op == "Upsample" || call.file.opset < 11;
  const std::string mode = call.node.text("mode", "nearest");
  const bool nearest = mode == "nearest";
  if (!nearest && mode != "linear") unsupported(fmt::format("mode {}", tame(mode)));
  const std::array<std::string_view, 6> rules = {"half_pixel",         "asymmetric",           "align_corners",
                                                 "pytorch_half_pixel", "tf_half_pixel_for_nn", "half_pixel_symmetric"};
  const std::array<std::string_view, 4> roundings = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
  const std::string rule = call.node.text("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
  const auto coordinates = named<Coordinates>(rules, rule, "coordinates");
  Rounding rounding = Rounding::of_opset_10;
  if (!old) rounding = named<Rounding>(roundings, call.node.text("nearest_mode", "round_prefer_floor"), "rounding");
  if (coordinates == Coordinates::align_corners && !wish.whole)
    unsupported("corners are aligned of an image that its scales do not fill", "give sizes in place of scales");
  if (to == own) return call.give(call[0]);
  Maker& make = call.make;
  const Value image = channels_last(make, call[0]);
  const Dims before = make.dims(image);
  const bool wide = own.size() == 4;
  const Axis h{before[1], wide ? to[2] : 1, wide ? wish.by[2] : 1.0F}, w{before[2], to.back(), wish.by.back()};
  if (nearest) {
    make.spend(h.out + w.out);
    const Dims rows = h.nearest(coordinates, rounding), columns = w.nearest(coordinates, rounding);
    bool as_records = coordinates < Coordinates::half_pixel_symmetric;
    if (rounding == Rounding::of_opset_10) rounding = h.by < 1.0F || w.by < 1.0F ? Rounding::ceil : Rounding::floor;
    as_records = as_records && rows == h.nearest_of_records(coordinates, rounding) &&
                 columns == w.nearest_of_records(coordinates, rounding);
    if (!as_records) {
      const Value lines = chosen(make, image, rows, 1);
      return call.give(channels_first(make, chosen(make, lines, columns, 2), own.size()));
    }
  }
  if (coordinates == Coordinates::half_pixel_symmetric)
    unsupported(fmt::format("coordinates by the rule {}", rule), "resize by the nearest pixel, or by half_pixel");
  Step made;
  made.op = nearest ? "resize_nearest" : "resize_bilinear";
  made.number = static_cast<std::int64_t>(coordinates);
  made.second = {static_cast<std::int64_t>(nearest ? rounding : Rounding::floor), 0};
  if (coordinates != Coordinates::align_corners) made.alpha = h.by, made.beta = w.by;
  made.type = make.type(image);
  made.dims = {before[0], h.out, w.out, before[3]};
  made.in = {make.laid_out(image)};
  call.give(channels_first(make, make.add(std::move(made)), own.size()));
}

constexpr std::array kRows = {
    OperatorRow{"Resize", resize, "resize_nearest"},
    OperatorRow{"Upsample", resize, "resize_nearest"},
};

}  // namespace

std::span<const OperatorRow> onnx_resize() { return kRows; }

}  // namespace mote::tool::foreign
