// SPDX-License-Identifier: Apache-2.0
#include "tool/import/batch_space.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tool/import/call.hpp"

namespace mote::tool::foreign {
namespace {

/// (N, H, W, …) with blocks (a, b): pad, (N, H/a, a, W/b, b, …), the blocks' places to the front.
Value spread(Maker& make, const Value& v, const Dims& blocks) {
  const Dims own = make.dims(v);
  const std::size_t m = blocks.size();
  Dims split{own[0]}, order, out{own[0]};
  for (std::size_t k = 0; k < m; ++k) {
    split.push_back(own[k + 1] / blocks[k]);
    split.push_back(blocks[k]);
    out[0] *= blocks[k];
    out.push_back(own[k + 1] / blocks[k]);
    order.push_back(static_cast<std::int64_t>(2 * k + 2));
  }
  order.push_back(0);
  for (std::size_t k = 0; k < m; ++k) order.push_back(static_cast<std::int64_t>(2 * k + 1));
  for (std::size_t k = m + 1; k < own.size(); ++k) {
    order.push_back(static_cast<std::int64_t>(split.size()));
    split.push_back(own[k]);
    out.push_back(own[k]);
  }
  return make.reshape(make.transpose(make.reshape(v, split), order), out);
}

Value gathered_back(Maker& make, const Value& v, const Dims& blocks) {
  const Dims own = make.dims(v);
  const std::size_t m = blocks.size();
  Dims split = blocks, order{static_cast<std::int64_t>(m)}, out{own[0]};
  for (const std::int64_t block : blocks) out[0] /= block;
  split.push_back(out[0]);
  for (std::size_t k = 0; k < m; ++k) {
    order.push_back(static_cast<std::int64_t>(m + 1 + k));
    order.push_back(static_cast<std::int64_t>(k));
    out.push_back(own[k + 1] * blocks[k]);
  }
  for (std::size_t k = 1; k < own.size(); ++k) split.push_back(own[k]);
  for (std::size_t k = m + 1; k < own.size(); ++k) {
    order.push_back(static_cast<std::int64_t>(m + k));
    out.push_back(own[k]);
  }
  return make.reshape(make.transpose(make.reshape(v, split), order), out);
}

Value cropped(Maker& make, const Value& v, const Dims& crops) {
  Dims begin(make.rank(v), 0), dims = make.dims(v);
  for (std::size_t k = 0; 2 * k < crops.size(); ++k) {
    begin[k + 1] = crops[2 * k];
    dims[k + 1] -= crops[2 * k] + crops[2 * k + 1];
    if (crops[2 * k] < 0 || crops[2 * k + 1] < 0 || dims[k + 1] < 1) unsupported("its crops leave nothing");
  }
  return make.slice(v, begin, Dims(begin.size(), 1), dims);
}

void check(const Maker& make, const Value& v, const Dims& blocks, const Dims& around) {
  const std::size_t n = make.rank(v);
  if (blocks.empty() || blocks.size() + 1 > n || around.size() != 2 * blocks.size())
    unsupported(fmt::format("{} blocks of a tensor of rank {}", blocks.size(), n));
  for (const std::int64_t block : blocks)
    if (block < 1 || block > 4096) unsupported(fmt::format("a block of {}", block));
}

/// What a value was before it was spread by blocks: blocks are by axis of the value, 1 where there is none.
class Undo {
 public:
  explicit Undo(Maker& make) : make_(make) {}

  /// The image of which `step` is the spread form, for blocks along its axes; nothing: not of that form.
  std::optional<Value> of(int step, const Dims& blocks) {
    const Step s = make_.network.steps[static_cast<std::size_t>(step)];
    if (s.op == "space_to_batch") {
      if (s.first != blocks) return std::nullopt;
      return Value{s.in.front(), {}};
    }
    if (s.op == "conv2d" || s.op == "depthwise_conv2d") return convolution(s, blocks);
    if (s.op == "reshape") return reshaped(s, blocks);
    if (s.in.size() == 1 && is_elementwise(s.op)) {
      const std::optional<Value> inner = of(s.in.front(), blocks);
      if (!inner) return std::nullopt;
      return make_.unary(s.op, *inner, s.alpha, s.beta);
    }
    if (s.in.size() == 2 && (s.op == "add" || s.op == "mul" || s.op == "sub")) return with_constant(s, blocks);
    return std::nullopt;
  }

 private:
  static bool is_elementwise(const std::string& op) {
    constexpr std::string_view kOps[] = {"relu", "relu6", "tanh", "sigmoid", "elu", "clip", "leaky_relu"};
    return std::ranges::find(kOps, op) != std::end(kOps);
  }

  std::optional<Value> convolution(const Step& s, const Dims& blocks) {
    const Sliding& w = s.sliding;
    if (w.stride_h != 1 || w.stride_w != 1 || (w.pad_top | w.pad_bottom | w.pad_left | w.pad_right) != 0 ||
        blocks.size() != 4 || blocks[3] != 1)
      return std::nullopt;
    const std::optional<Value> inner = of(s.in.front(), blocks);
    if (!inner) return std::nullopt;
    Step made = s;
    const Dims image = make_.dims(*inner);
    made.sliding.dilation_h *= blocks[1], made.sliding.dilation_w *= blocks[2];
    made.dims = {image[0], image[1] - made.sliding.dilation_h * (w.filter_h - 1),
                 image[2] - made.sliding.dilation_w * (w.filter_w - 1), s.dims[3]};
    if (made.dims[1] < 1 || made.dims[2] < 1) return std::nullopt;
    made.in = {make_.laid_out(*inner)};
    made.name.clear();
    return make_.add(std::move(made));
  }

  /// Axes of extent 1 that come and go.
  std::optional<Value> reshaped(const Step& s, const Dims& blocks) {
    const Dims from = make_.network.steps[static_cast<std::size_t>(s.in.front())].dims;
    Dims before(from.size(), 1);
    std::size_t to = 0;
    Dims image_axes;  // of the result: which axis of the operand, -1 for a new one
    for (std::size_t k = 0; k < from.size(); ++k) {
      while (to < s.dims.size() && s.dims[to] != from[k] && s.dims[to] == 1) ++to, image_axes.push_back(-1);
      if (to < s.dims.size() && s.dims[to] == from[k]) {
        before[k] = blocks[to++];
        image_axes.push_back(static_cast<std::int64_t>(k));
      } else if (from[k] != 1) {
        return std::nullopt;
      }
    }
    for (; to < s.dims.size(); ++to) {
      if (s.dims[to] != 1) return std::nullopt;
      image_axes.push_back(-1);
    }
    const std::optional<Value> inner = of(s.in.front(), before);
    if (!inner) return std::nullopt;
    const Dims image = make_.dims(*inner);
    Dims dims;
    for (const std::int64_t axis : image_axes) dims.push_back(axis < 0 ? 1 : image[static_cast<std::size_t>(axis)]);
    if (count_of(dims) != count_of(image)) return std::nullopt;
    return make_.reshape(*inner, dims);
  }

  /// A constant that is the same for every place of the image.
  std::optional<Value> with_constant(const Step& s, const Dims& blocks) {
    for (std::size_t i = 0; i < 2; ++i) {
      const Step& other = make_.network.steps[static_cast<std::size_t>(s.in[1 - i])];
      if (other.op != "constant") continue;
      for (std::size_t k = 1; k < other.dims.size() + 1; ++k)
        if (other.dims[other.dims.size() - k] != 1 && k > 1) return std::nullopt;
      const int constant = s.in[1 - i];
      const std::optional<Value> inner = of(s.in[i], blocks);
      if (!inner) return std::nullopt;
      const Value c{constant, {}};
      return i == 0 ? make_.binary(s.op, *inner, c) : make_.binary(s.op, c, *inner);
    }
    return std::nullopt;
  }

  Maker& make_;
};

}  // namespace

Value space_to_batch(Maker& make, const Value& v, const Dims& blocks, const Dims& pads) {
  check(make, v, blocks, pads);
  const std::size_t n = make.rank(v);
  Dims before(n, 0), after(n, 0), by_axis(n, 1);
  for (std::size_t k = 0; k < blocks.size(); ++k)
    before[k + 1] = pads[2 * k], after[k + 1] = pads[2 * k + 1], by_axis[k + 1] = blocks[k];
  const Value image = make.pad(v, before, after);
  Dims dims = make.dims(image);
  for (std::size_t k = 0; k < blocks.size(); ++k)
    if (dims[k + 1] % blocks[k] != 0) unsupported(fmt::format("{} in blocks of {}", dims[k + 1], blocks[k]));
  // The spread form is made now, in case something else reads it; the step's operand tells batch_to_space() of the
  // image.
  const Value made = spread(make, image, blocks);
  Step mark;
  mark.op = "space_to_batch";
  mark.type = make.type(image);
  mark.scaling = make.step(image).scaling;
  mark.dims = make.dims(made);
  mark.first = by_axis;
  mark.in = {make.laid_out(image), make.laid_out(made)};
  return make.add(std::move(mark));
}

Value batch_to_space(Maker& make, const Value& v, const Dims& blocks, const Dims& crops) {
  check(make, v, blocks, crops);
  const std::int64_t parts = count_of(blocks);
  if (make.dims(v)[0] % parts != 0) unsupported(fmt::format("{} samples of {} blocks", make.dims(v)[0], parts));
  Dims by_axis(make.rank(v), 1);
  std::ranges::copy(blocks, by_axis.begin() + 1);
  if (v.order.empty())
    if (const std::optional<Value> image = Undo(make).of(v.step, by_axis)) return cropped(make, *image, crops);
  return cropped(make, gathered_back(make, v, blocks), crops);
}

}  // namespace mote::tool::foreign
