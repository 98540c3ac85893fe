// SPDX-License-Identifier: Apache-2.0
// Records with weights or windows, norms and reductions.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "tool/import/lower.hpp"

namespace mote::tool::foreign {
namespace {

void set_arg(Layer& layer, std::size_t i, std::int64_t v) { layer.args[i] = static_cast<std::int32_t>(v); }

std::uint16_t small(std::int64_t v) {
  if (v < 0 || v > 65535) unsupported(fmt::format("{} in a window", v));
  return static_cast<std::uint16_t>(v);
}

void put(const Sliding& s, Layer& out) {
  out.filter_h = small(s.filter_h), out.filter_w = small(s.filter_w);
  out.stride_h = small(s.stride_h), out.stride_w = small(s.stride_w);
  out.dilation_h = small(s.dilation_h), out.dilation_w = small(s.dilation_w);
  out.pad_top = small(s.pad_top), out.pad_bottom = small(s.pad_bottom);
  out.pad_left = small(s.pad_left), out.pad_right = small(s.pad_right);
}

/// Several images become one: beneath each other where no window reaches over a line, or lines of it.
Shape image_of(Dims image, Sliding& s) {
  const bool lines_alone = s.filter_h == 1 && s.stride_h == 1 && s.pad_top == 0 && s.pad_bottom == 0;
  const bool columns_alone = s.filter_w == 1 && s.stride_w == 1 && s.pad_left == 0 && s.pad_right == 0 && image[2] == 1;
  if (image[0] != 1 && !lines_alone && columns_alone) {
    image = {1, image[0], image[1], image[3]};
    s = {.filter_h = 1,
         .filter_w = s.filter_h,
         .stride_h = 1,
         .stride_w = s.stride_h,
         .dilation_h = 1,
         .dilation_w = s.dilation_h,
         .pad_top = 0,
         .pad_bottom = 0,
         .pad_left = s.pad_top,
         .pad_right = s.pad_bottom};
  }
  if (image[0] != 1 && !(s.filter_h == 1 && s.stride_h == 1 && s.pad_top == 0 && s.pad_bottom == 0))
    unsupported(fmt::format("a window over {} images at a time", image[0]), kOneSample);
  return shape_of({image[0] * image[1], image[2], image[3]});
}

}  // namespace

Shape window_of(Sliding sliding, const Dims& image, Layer& out) {
  const Shape shape = image_of(image, sliding);
  put(sliding, out);
  return shape;
}

/// Rows of a sequence are the pixels of a line.
Lowering::Index Lowering::dense(const Step& s) {
  const std::int64_t inputs = s.weights[0].dims()[0], outputs = s.weights[0].dims()[1],
                     rows = count_of(s.dims) / outputs;
  Layer made = layer(s, rows == 1 ? "dense" : "conv2d");
  made.param_dtype = DType::f32;
  made.flags = s.weights.size() > 1 ? Layer::kTrainable | Layer::kHasBias : Layer::kTrainable;
  if (rows != 1) put({}, made);
  made.shape.c = shape_of({outputs}).c;
  return records_.add(made, {real(s, 0, shape_of({rows, inputs}))}, s.weights);
}

Lowering::Index Lowering::matmul(const Step& s) {
  const std::size_t n = s.dims.size();
  const Dims &a = in(s, 0).dims, &b = in(s, 1).dims;
  std::int64_t batch = 1;
  for (std::size_t k = 0; k + 2 < n; ++k) batch *= s.dims[k];
  Layer made = layer(s, "matmul");
  set_arg(made, 0, s.number);
  const Index x = real(s, 0, shape_of({batch, a[n - 2], a[n - 1]})),
              y = real(s, 1, shape_of({batch, b[n - 2], b[n - 1]}));
  return records_.add(made, {x, y});
}

Lowering::Index Lowering::convolution(const Step& s) {
  Layer made = layer(s, s.op);
  made.param_dtype = DType::f32;
  made.flags = s.weights.size() > 1 ? Layer::kTrainable | Layer::kHasBias : Layer::kTrainable;
  const Dims& image = in(s).dims;
  const Shape from = window_of(s.sliding, image, made);
  made.shape.c = shape_of({s.dims[3]}).c;
  if (s.op == "depthwise_conv2d") made.depth_multiplier = small(s.dims[3] / image[3]);
  return records_.add(made, {real(s, 0, from)}, s.weights);
}

/// The records' filters are turned round, and have channels in front. Padding as wide as they are is cut off behind.
Lowering::Index Lowering::transposed_convolution(const Step& s) {
  const Dims& image = in(s).dims;
  Sliding sliding = s.sliding;
  Dims taps = s.weights[0].dims();  // h, w, out, in
  const Literal filters = sliced(s.weights[0], {taps[0] - 1, taps[1] - 1, 0, 0}, {-1, -1, 1, 1}, taps);
  std::vector<Literal> weights{foreign::transposed(filters, {0, 1, 3, 2})};
  if (s.weights.size() > 1) weights.push_back(s.weights[1]);
  if (image[0] != 1) unsupported(fmt::format("a transposed window over {} images at a time", image[0]), kOneSample);
  Layer made = layer(s, s.op);
  made.param_dtype = DType::f32;
  made.flags = s.weights.size() > 1 ? Layer::kTrainable | Layer::kHasBias : Layer::kTrainable;
  made.shape.c = shape_of({s.dims[3]}).c;
  const auto covered = [](std::int64_t size, std::int64_t stride, std::int64_t filter, std::int64_t dilation) {
    return (size - 1) * stride + dilation * (filter - 1) + 1;
  };
  const std::int64_t h = covered(image[1], sliding.stride_h, sliding.filter_h, sliding.dilation_h),
                     w = covered(image[2], sliding.stride_w, sliding.filter_w, sliding.dilation_w);
  const std::int64_t more_h = std::max<std::int64_t>(0, s.dims[1] + sliding.pad_top + sliding.pad_bottom - h),
                     more_w = std::max<std::int64_t>(0, s.dims[2] + sliding.pad_left + sliding.pad_right - w);
  const std::int64_t span_h = sliding.dilation_h * (sliding.filter_h - 1) + 1,
                     span_w = sliding.dilation_w * (sliding.filter_w - 1) + 1;
  const bool cuts = sliding.pad_top >= span_h || sliding.pad_bottom >= span_h || sliding.pad_left >= span_w ||
                    sliding.pad_right >= span_w;
  if (cuts) sliding.pad_top = sliding.pad_bottom = sliding.pad_left = sliding.pad_right = 0;
  put(sliding, made);
  set_arg(made, 0, more_h), set_arg(made, 1, more_w);
  const Index whole = records_.add(made, {real(s, 0, shape_of({image[1], image[2], image[3]}))}, weights);
  if (!cuts) return whole;
  Layer cut = layer(s, "slice");
  cut.args = {static_cast<std::int32_t>(s.sliding.pad_top), static_cast<std::int32_t>(s.sliding.pad_left), 0, 1, 1, 1};
  cut.shape = shape_of({s.dims[1], s.dims[2], s.dims[3]});
  return records_.add(cut, {whole});
}

Lowering::Index Lowering::pool(const Step& s) {
  Layer made = layer(s, s.op);
  Sliding sliding = s.sliding;
  const Shape from = image_of(in(s).dims, sliding);
  put(sliding, made);
  const bool pads = (sliding.pad_top | sliding.pad_bottom | sliding.pad_left | sliding.pad_right) != 0;
  if (s.number == 1 && pads) set_arg(made, 0, 1);
  return records_.add(made, {real(s, 0, from)});
}

/// Runs of axes that go or stay; more than three turns are taken from the end.
Lowering::Index Lowering::reduce(const Step& s) {
  Dims now = in(s).dims;
  const auto goes = [&](std::size_t k) {
    return std::ranges::find(s.axes, static_cast<std::int64_t>(k)) != s.axes.end();
  };
  Index out = real(s);
  while (true) {
    auto groups = grouped(now, [&](std::size_t k) { return goes(k) ? 1 : 0; });
    if (std::ranges::none_of(groups, [&](const auto& group) { return goes(group.front()); })) return out;
    while (groups.size() > 3) {  // of those in front none goes yet
      groups[0].insert(groups[0].end(), groups[1].begin(), groups[1].end());
      groups.erase(groups.begin() + 1);
    }
    Dims extents;
    std::int64_t mask = 0;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      extents.push_back(product(now, groups[i]));
      const bool mixed =
          std::ranges::any_of(groups[i], [&](std::size_t k) { return goes(k) != goes(groups[i].front()); });
      if (mixed || !goes(groups[i].front())) continue;
      mask |= std::int64_t{1} << (groups.size() - 1 - i);
      for (const std::size_t k : groups[i]) now[k] = 1;
    }
    const bool image = s.op == "reduce_mean" && mask == 2 && extents.size() == 2;
    Layer made = layer(s, image ? "global_average_pool" : s.op);
    if (!image) set_arg(made, 0, mask);
    out = records_.add(made, {records_.shaped(out, shape_of(extents))});
  }
}

Lowering::Index Lowering::along(const Step& s) {
  const auto axis = static_cast<std::size_t>(s.number);
  Dims view(3, 1);
  for (std::size_t k = 0; k < s.dims.size(); ++k) view[k < axis ? 0 : k == axis ? 1 : 2] *= s.dims[k];
  Layer made = layer(s, s.op);
  if (view[2] == 1) return records_.add(made, {real(s, 0, shape_of({view[0], view[1]}))});
  set_arg(made, 0, 1);
  return records_.add(made, {real(s, 0, shape_of(view))});
}

Lowering::Index Lowering::arg(const Step& s) {
  const auto axis = static_cast<std::size_t>(s.number);
  const Dims& from = in(s).dims;
  Dims view(3, 1);
  for (std::size_t k = 0; k < from.size(); ++k) view[k < axis ? 0 : k == axis ? 1 : 2] *= from[k];
  Layer made = layer(s, s.op, DType::s32);
  set_arg(made, 0, view[2] == 1 ? 0 : 1);
  const Shape shape = view[2] == 1 ? shape_of({view[0], view[1]}) : shape_of(view);
  const DType type = own_type(in(s)) == DType::s8 ? DType::s8 : DType::f32;
  return records_.add(made, {of_step(s.in.front(), type, &shape)});
}

Lowering::Index Lowering::norm(const Step& s) {
  std::int64_t length = 1;
  for (const std::int64_t axis : s.axes) length *= s.dims[static_cast<std::size_t>(axis)];
  Layer made = layer(s, s.op);
  made.alpha = std::max(s.alpha, std::numeric_limits<float>::min());
  if (!s.weights.empty()) made.param_dtype = DType::f32, made.flags = Layer::kTrainable;
  return records_.add(made, {real(s, 0, shape_of({count_of(s.dims) / length, length}))}, s.weights);
}

Lowering::Index Lowering::batch_norm(const Step& s) {
  Layer made = layer(s, s.op);
  made.alpha = std::clamp(s.alpha, std::numeric_limits<float>::min(), 1.0F);
  made.beta = 0.01F;
  made.param_dtype = DType::f32;
  made.flags = Layer::kTrainable;
  const std::int64_t channels = s.dims.back();
  return records_.add(made, {real(s, 0, shape_of({count_of(s.dims) / channels, channels}))}, s.weights);
}

Lowering::Index Lowering::lrn(const Step& s) {
  Layer made = layer(s, s.op);
  made.alpha = s.alpha, made.beta = s.beta;
  made.args = {static_cast<std::int32_t>((s.number - 1) / 2), static_cast<std::int32_t>(s.number / 2),
               std::bit_cast<std::int32_t>(s.extra[0])};
  return records_.add(made, {real(s, 0, shape_of({count_of(s.dims) / s.dims.back(), s.dims.back()}))});
}

Lowering::Index Lowering::resize(const Step& s) {
  const Dims& image = in(s).dims;
  if (image[0] != 1) unsupported(fmt::format("{} images are resized at a time", image[0]), kOneSample);
  const Shape from = shape_of({image[1], image[2], image[3]});
  const Index value = s.op == "resize_nearest" ? this->value(s, 0, from) : real(s, 0, from);
  Layer made = layer(s, s.op, records_.layer(value).dtype);
  made.shape = shape_of({s.dims[1], s.dims[2], s.dims[3]});
  set_arg(made, 0, s.number);
  if (s.op == "resize_nearest") set_arg(made, 1, s.second[0]);
  set_arg(made, 2, s.second[1]);
  made.alpha = s.alpha, made.beta = s.beta;
  return records_.add(made, {value});
}

/// Columns of a literal (rows, columns), or of a vector.
Literal columns_of(const Literal& a, std::int64_t from, std::int64_t count) {
  Dims begin(a.dims().size(), 0), dims = a.dims();
  begin.back() = from, dims.back() = count;
  return sliced(a, begin, Dims(dims.size(), 1), dims);
}

/// A GRU's recurrent weights are two arrays in one, and its biases two; a cell that only its initial state makes needs
/// an initial value too.
Lowering::Index Lowering::recurrent(const Step& s) {
  const std::int64_t units = s.dims[1];
  Layer made = layer(s, s.op);
  made.param_dtype = DType::f32;
  made.flags = Layer::kTrainable | Layer::kHasBias;
  made.shape.c = shape_of({units}).c;
  set_arg(made, 0, s.first[0]);
  if (s.op == "gru") set_arg(made, 1, s.first[1]);
  if (s.op == "rnn") set_arg(made, 1, static_cast<std::int64_t>(s.extra[0]));
  made.alpha = s.alpha;
  std::vector<Index> operands{real(s, 0, shape_of({in(s).dims[0], in(s).dims[1]}))};
  for (std::size_t i = 1; i < s.in.size(); ++i) operands.push_back(real(s, i, shape_of({units})));
  std::vector<Literal> weights = s.weights;
  if (s.op == "gru") {
    const Literal gates = columns_of(weights[1], 0, 2 * units), candidate = columns_of(weights[1], 2 * units, units);
    weights[1] = joined({gates.reshaped({2 * units * units}), candidate.reshaped({units * units})}, 0);
    if (weights.size() == 3) weights.emplace_back(Type::f32, Dims{3 * units});
  }
  return records_.add(made, operands, weights);
}

}  // namespace mote::tool::foreign
