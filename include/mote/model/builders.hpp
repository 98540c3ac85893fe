// SPDX-License-Identifier: Apache-2.0
// How a network is written down: input(28, 28), conv2d(8, {.filter = {3, 3}}), relu(), …
// A LayerSpec (layer_spec.hpp) is a wish; resolve() turns it into a Layer record with shapes, padding and parameter
// offsets. sequential() does so at compile time and fails to compile with a telling name; the tool calls resolve()
// itself.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "mote/model/layer.hpp"
#include "mote/model/layer_spec.hpp"
#include "mote/model/model.hpp"
#include "mote/model/movement_builders.hpp"
#include "mote/model/shape_rule.hpp"
#include "mote/model/validate.hpp"

namespace mote {

/// `trainable = false`: the layer is frozen, and a trainer leaves its parameters as the model has them.
/// `rounded_weights`: computed with as int8 would have them, for training before quantisation.
struct DenseOptions {
  bool bias = true, trainable = true, rounded_weights = false;
  DType weights = DType::f32;  ///< or s8, which plain sgd() trains as they are; f16: frozen
};
struct ConvOptions {
  Size2 filter{3, 3}, stride{1, 1}, dilation{1, 1};
  Padding padding = Padding::valid;
  Pads pads{};
  bool bias = true, trainable = true, rounded_weights = false;
  DType weights = DType::f32;  ///< as of dense
};
struct PoolOptions {
  Size2 filter{2, 2}, stride{0, 0};  // a stride of 0: as the filter
  Padding padding = Padding::valid;
  Pads pads{};
  bool count_padding = false;  ///< average: divide by all taps of the window, and not by those inside the image
};
struct BatchNormOptions {
  float epsilon = 1e-5F;
  float momentum = 0.1F;  ///< running = (1 - momentum) running + momentum batch
  bool trainable =
      true;  ///< false: running statistics in training too, never moved; they are constants of the gradient
};
struct NormOptions {
  float epsilon = 1e-5F;
  bool beta = false;  ///< rms_norm: a shift too
  bool trainable = true;
};
struct RecurrentOptions {
  bool reverse = false;              ///< from the last step to the first; values stay beside their inputs
  bool linear_before_reset = false;  ///< gru
  RecurrentActivation activation = RecurrentActivation::tanh;  ///< rnn
  const char* initial_h = nullptr;                             ///< the layer whose value, (1, 1, units), is h before
                                                               ///< the first step; none: zeros
  const char* initial_c = nullptr;                             ///< lstm, and with initial_h only: the same of c
  float cell_clip = 0.0F;  ///< lstm: bound of the cell state, either side of 0; 0: none
  bool bias = true, trainable = true;
};
struct RbfOptions {
  bool trainable = true;
};
struct FakeQuantizeOptions {
  bool trainable = true;
};
struct SplineOptions {
  bool trainable = true;  ///< values and slopes; knots stay where they are
};

namespace detail {
constexpr void set_weights(LayerSpec& spec, DType type, std::uint8_t flags) {
  spec.layer.flags = flags;
  if (type == DType::f32) return;
  spec.layer.param_dtype = type;
  if (type != DType::s8 || !may_train_narrow_weights(spec.layer.op))
    spec.layer.flags = static_cast<std::uint8_t>(flags & ~unsigned{Layer::kTrainable});
}
constexpr LayerSpec conv(Op op, const ConvOptions& o) {
  LayerSpec out = spec(op);
  set_window(out, o.filter, o.stride, o.dilation, o.padding, o.pads);
  set_weights(out, o.weights, flags(o.trainable, o.bias, o.rounded_weights));
  return out;
}
constexpr LayerSpec pool(Op op, const PoolOptions& o) {
  LayerSpec out = spec(op);
  set_window(out, o.filter, {o.stride.h != 0 ? o.stride.h : o.filter.h, o.stride.w != 0 ? o.stride.w : o.filter.w},
             {1, 1}, o.padding, o.pads);
  return out;
}
constexpr LayerSpec recurrent(Op op, std::uint32_t units, const RecurrentOptions& o, std::int32_t second_arg) {
  LayerSpec out = spec(op);
  out.layer.shape.c = units;
  out.layer.args = {o.reverse ? 1 : 0, second_arg};
  out.layer.flags = flags(o.trainable, o.bias);
  out.and_previous = true;
  if (o.initial_h != nullptr || o.initial_c != nullptr)
    out.from[out.from_count++] = o.initial_h != nullptr ? o.initial_h : "";  // that no layer is called
  if (o.initial_c != nullptr) out.from[out.from_count++] = o.initial_c;
  return out;
}
}  // namespace detail

constexpr LayerSpec input(std::uint32_t features) {
  LayerSpec out = detail::spec(Op::input);
  out.layer.shape = {1, 1, features};
  return out;
}
/// A sequence of `length` samples with `channels` each.
constexpr LayerSpec input(std::uint32_t length, std::uint32_t channels) {
  LayerSpec out = detail::spec(Op::input);
  out.layer.shape = {1, length, channels};
  return out;
}
constexpr LayerSpec input(std::uint32_t height, std::uint32_t width, std::uint32_t channels) {
  LayerSpec out = detail::spec(Op::input);
  out.layer.shape = {height, width, channels};
  return out;
}
constexpr LayerSpec dense(std::uint32_t units, DenseOptions options = {}) {
  LayerSpec out = detail::spec(Op::dense);
  out.layer.shape.c = units;
  detail::set_weights(out, options.weights, detail::flags(options.trainable, options.bias, options.rounded_weights));
  return out;
}
constexpr LayerSpec conv2d(std::uint32_t channels, ConvOptions options = {}) {
  LayerSpec out = detail::conv(Op::conv2d, options);
  out.layer.shape.c = channels;
  return out;
}
/// Cross-correlation along a sequence: the two-dimensional one with height 1. Of options, `filter` is not read; stride
/// and dilation along the sequence are their w.
constexpr LayerSpec conv1d(std::uint32_t channels, std::uint16_t filter, ConvOptions options = {}) {
  options.filter = {1, filter};
  return conv2d(channels, options);
}
constexpr LayerSpec depthwise_conv2d(std::uint16_t depth_multiplier, ConvOptions options = {}) {
  LayerSpec out = detail::conv(Op::depthwise_conv2d, options);
  out.layer.depth_multiplier = depth_multiplier;
  return out;
}
/// The transpose of a convolution: every pixel adds its filter, `stride` apart, to the output. Height and width are
/// (in - 1) stride + dilation (filter - 1) + 1 less the padding; with Padding::same in times stride. `more`: lines and
/// columns at the bottom and right, fewer than stride or dilation (output_padding elsewhere). Weights are stored turned
/// round: tap (i, j) of the filter is (filter_h - 1 - i, filter_w - 1 - j) of the array.
constexpr LayerSpec conv2d_transpose(std::uint32_t channels, ConvOptions options = {}, Size2 more = {0, 0}) {
  LayerSpec out = detail::conv(Op::conv2d_transpose, options);
  out.layer.shape.c = channels;
  out.layer.args = {more.h, more.w};
  return out;
}
constexpr LayerSpec max_pool(PoolOptions options = {}) { return detail::pool(Op::max_pool, options); }
constexpr LayerSpec average_pool(PoolOptions options = {}) {
  LayerSpec out = detail::pool(Op::average_pool, options);
  out.layer.args[0] = options.count_padding ? 1 : 0;
  return out;
}
constexpr LayerSpec global_average_pool() { return detail::spec(Op::global_average_pool); }
/// (x - mean) / sqrt(variance + epsilon) * gamma + beta, per channel. In training mean and variance are those of the
/// slice: with TrainConfig::micro_batch, of the micro-batch, not of the batch that one update is made of, so the result
/// depends on it. Running statistics move once an update, by the mean of the slices' statistics.
constexpr LayerSpec batch_norm(BatchNormOptions options = {}) {
  LayerSpec out = detail::spec(Op::batch_norm, options.epsilon);
  out.layer.beta = options.momentum;
  out.layer.flags = detail::flags(options.trainable, false);
  return out;
}
/// Right behind the input: a frozen batch norm to which set_standardization() (standardization.hpp) gives the mean and
/// variance of the data. Epsilon is far below any variance that matters.
constexpr LayerSpec standardize() { return batch_norm({.epsilon = 1e-20F, .trainable = false}); }
/// In training each value becomes 0 with probability `rate`, or is divided by 1 - rate. At the input: masking noise.
constexpr LayerSpec dropout(float rate) { return detail::spec(Op::dropout, rate); }
/// In training each value gets a normal random value of this standard deviation added. At the input of an autoencoder
/// with Targets::input this makes it a denoising one.
constexpr LayerSpec gaussian_noise(float stddev) { return detail::spec(Op::gaussian_noise, stddev); }
/// Sum of the layer before and the named ones, which may be the same: two to four inputs.
constexpr LayerSpec add(const char* a) { return detail::join(Op::add, {a}); }
constexpr LayerSpec add(const char* a, const char* b) { return detail::join(Op::add, {a, b}); }
constexpr LayerSpec add(const char* a, const char* b, const char* c) { return detail::join(Op::add, {a, b, c}); }
/// Channels of the layer before, then those of the named ones: two to four inputs.
constexpr LayerSpec concat(const char* a) { return detail::join(Op::concat, {a}); }
constexpr LayerSpec concat(const char* a, const char* b) { return detail::join(Op::concat, {a, b}); }
constexpr LayerSpec concat(const char* a, const char* b, const char* c) { return detail::join(Op::concat, {a, b, c}); }
/// The same along another axis: 0 c, 1 w, 2 h.
constexpr LayerSpec concat_along(std::uint8_t axis, const char* a) {
  LayerSpec out = concat(a);
  out.layer.args[0] = axis;
  return out;
}
constexpr LayerSpec concat_along(std::uint8_t axis, const char* a, const char* b) {
  LayerSpec out = concat(a, b);
  out.layer.args[0] = axis;
  return out;
}
constexpr LayerSpec concat_along(std::uint8_t axis, const char* a, const char* b, const char* c) {
  LayerSpec out = concat(a, b, c);
  out.layer.args[0] = axis;
  return out;
}
constexpr LayerSpec flatten() {
  LayerSpec out = detail::spec(Op::reshape);
  out.flatten = true;
  return out;
}
constexpr LayerSpec reshape(std::uint32_t h, std::uint32_t w, std::uint32_t c) {
  LayerSpec out = detail::spec(Op::reshape);
  out.layer.shape = {h, w, c};
  return out;
}
constexpr LayerSpec identity() { return detail::spec(Op::identity); }
struct BiasAddOptions {
  bool trainable = true;
};
/// x + b, one b for each channel: a layer's bias by itself, to be trained where its weights are not.
constexpr LayerSpec bias_add(BiasAddOptions options = {}) {
  LayerSpec out = detail::spec(Op::bias_add);
  out.layer.flags = detail::flags(options.trainable, true);
  return out;
}
/// Makes the value of the layer before an output of the model; it may be read on. A model without this has one output,
/// its last layer. Outputs are numbered in their order.
constexpr LayerSpec output() { return detail::spec(Op::output); }
/// A value that is parameters: the same for every sample.
constexpr LayerSpec constant(std::uint32_t h, std::uint32_t w, std::uint32_t c) {
  LayerSpec out = detail::spec(Op::constant);
  out.layer.shape = {h, w, c};
  return out;
}
/// What assign() kept in the run before, for each sample of the batch its own: zero in the first run and after
/// reset_state().
constexpr LayerSpec state(std::uint32_t h, std::uint32_t w, std::uint32_t c) {
  LayerSpec out = detail::spec(Op::state);
  out.layer.shape = {h, w, c};
  return out;
}
/// Keeps the value of the layer before for the named state to give in the next run. What reads that state stands
/// before. The next layer in the list reads what this one reads.
constexpr LayerSpec assign(const char* state) { return detail::join(Op::assign, {state}); }
// relu(), tanh(), leaky_relu(slope), …: one builder for each activation of ops.inc. Where a function has a corner, the
// derivative is: relu 0 at 0; relu6 0 at 0 and at 6; leaky_relu the slope at 0; elu 1 at 0; hard_swish 0 at -3, 1 at 3.
#define MOTE_ACTIVATION(name, number, derivative_on, needs) \
  constexpr LayerSpec name() { return detail::spec(Op::name); }
#define MOTE_ACTIVATION_ALPHA(name, number, derivative_on, needs, default_alpha) \
  constexpr LayerSpec name(float alpha = default_alpha) { return detail::spec(Op::name, alpha); }
#define MOTE_ACTIVATION_ALPHA_BETA(name, number, derivative_on, needs, default_alpha, default_beta) \
  constexpr LayerSpec name(float alpha = default_alpha, float beta = default_beta) {                \
    LayerSpec out = detail::spec(Op::name, alpha);                                                  \
    out.layer.beta = beta;                                                                          \
    return out;                                                                                     \
  }
#define MOTE_UNARY(name, number) \
  constexpr LayerSpec name() { return detail::spec(Op::name); }
// Of the layer before and a named one, with NumPy's broadcasting.
#define MOTE_BINARY(name, number) \
  constexpr LayerSpec name(const char* other) { return detail::join(Op::name, {other}); }
#define MOTE_COMPARISON(name, number) MOTE_BINARY(name, number)
/// Over a set of axes: 1 c, 2 w, 4 h, added up.
#define MOTE_REDUCTION(name, number)            \
  constexpr LayerSpec name(std::uint8_t axes) { \
    LayerSpec out = detail::spec(Op::name);     \
    out.layer.args[0] = axes;                   \
    return out;                                 \
  }
#include "mote/model/ops.inc"
/// exp(-|x - centre|^2 / (2 width)) for each unit. Centres count as weights: L1 and L2 push them to zero, and adamw()
/// decays them, which pulls all units to the origin; log widths are pushed with TrainConfig::penalize_bias only.
constexpr LayerSpec rbf(std::uint32_t units, RbfOptions options = {}) {
  LayerSpec out = detail::spec(Op::rbf);
  out.layer.shape.c = units;
  out.layer.flags = detail::flags(options.trainable, false);
  return out;
}
/// A function of its own for each channel, with so many knots (2 … 65535); init_params() makes it the identity.
constexpr LayerSpec spline(std::uint16_t knots, SplineOptions options = {}) {
  LayerSpec out = detail::spec(Op::spline);
  out.layer.depth_multiplier = knots;
  out.layer.flags = detail::flags(options.trainable, false);
  return out;
}
/// The nearest of the 256 numbers that int8 has for a range {low, high}, its parameters, -6 … 6 before they are
/// learned: y = (clamp(round(x / s) + z, -128, 127) - z) s with s and z by int8_units(). Gradients go straight through
/// where x is inside the range; those of its ends are the sums of what is beyond them (Jacob et al. 2018; PACT, Choi et
/// al. 2018).
constexpr LayerSpec fake_quantize(FakeQuantizeOptions options = {}) {
  LayerSpec out = detail::spec(Op::fake_quantize);
  out.layer.flags = detail::flags(options.trainable, false);
  return out;
}
/// Along an axis: 0 c, 1 w, 2 h.
constexpr LayerSpec softmax(std::uint8_t axis = 0) { return detail::along(Op::softmax, axis); }
constexpr LayerSpec log_softmax(std::uint8_t axis = 0) { return detail::along(Op::log_softmax, axis); }
/// Over the channels of each pixel, with a gain and a shift for each: gamma (x - mean) / sqrt(variance + epsilon) +
/// beta.
constexpr LayerSpec layer_norm(NormOptions options = {}) {
  LayerSpec out = detail::spec(Op::layer_norm, options.epsilon);
  out.layer.flags = detail::flags(options.trainable, false);
  return out;
}
/// gamma x / sqrt(mean of x^2 + epsilon), over the channels of each pixel; beta is added where it is asked for.
constexpr LayerSpec rms_norm(NormOptions options = {}) {
  LayerSpec out = detail::spec(Op::rms_norm, options.epsilon);
  out.layer.flags = detail::flags(options.trainable, options.beta);
  return out;
}
/// The channels of each pixel to length 1: x / max(sqrt(sum of x^2), epsilon).
constexpr LayerSpec l2_norm(float epsilon = 1e-6F) { return detail::spec(Op::l2_norm, epsilon); }
/// Local response normalisation: x (bias + alpha sum of x^2)^-beta, the sum over `before` channels before to `behind`
/// behind the own one. (ONNX and PyTorch divide alpha by the number of channels; here it is taken as it is.)
struct LrnOptions {
  std::uint16_t before = 2, behind = 2;
  float alpha = 1e-4F, beta = 0.75F, bias = 1.0F;
};
constexpr LayerSpec lrn(LrnOptions o = {}) {
  LayerSpec out = detail::spec(Op::lrn, o.alpha);
  out.layer.beta = o.beta;
  out.layer.args = {o.before, o.behind, std::bit_cast<std::int32_t>(o.bias)};
  return out;
}
/// Over a sequence (1, length, channels), with the value of every step as its value. Gates i f g o:
/// i, f, o = sigmoid, g = tanh of x W + h R + b; c = f c + i g; h = o tanh c.
constexpr LayerSpec lstm(std::uint32_t units, RecurrentOptions options = {}) {
  LayerSpec out = detail::recurrent(Op::lstm, units, options, 0);
  out.layer.alpha = options.cell_clip;
  return out;
}
/// Gates z, r = sigmoid of x W + b + h R + rb, candidate tanh(x W + b + (r h) R + rb), or with linear_before_reset
/// tanh(x W + b + r (h R + rb)); h = (1 - z) candidate + z h.
constexpr LayerSpec gru(std::uint32_t units, RecurrentOptions options = {}) {
  return detail::recurrent(Op::gru, units, options, options.linear_before_reset ? 1 : 0);
}
/// h = activation(x W + h R + b).
constexpr LayerSpec rnn(std::uint32_t units, RecurrentOptions options = {}) {
  return detail::recurrent(Op::rnn, units, options, static_cast<std::int32_t>(options.activation));
}
/// The last cell state of the layer before (or the one that it reads), an LSTM; once of each. The last value is a
/// slice.
constexpr LayerSpec result() { return detail::spec(Op::result); }
/// The layer before times a named one, line by line: (w, k) times (k, c), or, transposed, the transpose of (c, k).
constexpr LayerSpec matmul(const char* other, bool transposed = false) {
  LayerSpec out = detail::join(Op::matmul, {other});
  out.layer.args[0] = transposed ? 1 : 0;
  return out;
}

namespace detail {
/// Element type and quantisation of a value, where its operands decide them.
constexpr void set_type(Layer& layer, std::span<const Layer> layers) {
  const Layer& first = layers[layer.inputs[layer.op == Op::select ? 1 : 0]];
  if (is_comparison(layer.op) || is_logical(layer.op) || layer.op == Op::logical_not)
    layer.dtype = DType::boolean;
  else if (layer.op == Op::argmax || layer.op == Op::argmin)
    layer.dtype = DType::s32;
  else if (is_movement(layer.op) || is_alias(layer.op) || layer.op == Op::select || layer.op == Op::assign)
    layer.dtype = first.dtype, layer.quantization = first.quantization;
}
}  // namespace detail

/// Turns the wish for layer `index` = layers.size() into a record: inputs, padding, shape, parameter offset.
/// `labels[i]` is the name of layer i or nullptr. Parameters start at multiples of `alignment` bytes.
constexpr Result<Layer> resolve(const LayerSpec& spec, std::span<const Layer> layers,
                                std::span<const char* const> labels, std::size_t alignment) {
  const std::size_t index = layers.size();
  const auto fail = [&](Code code) { return Status{code, static_cast<std::uint16_t>(index), 0}; };
  if (index >= kMaxLayers) return fail(Code::too_many_layers);
  if (spec.label != nullptr)
    for (const char* label : labels)
      if (label != nullptr && detail::same_text(label, spec.label)) return fail(Code::name_repeated);
  Layer layer = spec.layer;
  if (index == 0 && layer.op != Op::input) return fail(Code::first_layer_not_input);
  std::array<Shape, kMaxInputs> in{};
  const auto push = [&](std::size_t source) {
    layer.inputs[layer.input_count] = static_cast<std::uint16_t>(source);
    in[layer.input_count++] = layers[source].shape;
  };
  if (!is_source(layer.op) && (spec.from_count == 0 || spec.and_previous)) {
    std::size_t previous = index - 1;
    while (is_valueless(layers[previous].op)) --previous;  // an input comes first
    push(previous);
  }
  for (std::size_t i = 0; i < spec.from_count; ++i) {
    std::size_t source = 0;
    while (source < index && (labels[source] == nullptr || !detail::same_text(labels[source], spec.from[i]))) ++source;
    if (source == index) return fail(Code::name_unknown);
    if (layer.input_count == kMaxInputs) return fail(Code::bad_input_count);
    push(source);
  }
  if (spec.padding != Padding::explicit_ && detail::has_pads(layer)) return fail(Code::bad_padding);
  if (spec.flatten) layer.shape = {1, 1, static_cast<std::uint32_t>(in[0].elements())};
  if (spec.padding == Padding::same && layer.stride_h != 0 && layer.stride_w != 0 && layer.filter_h != 0 &&
      layer.filter_w != 0) {
    const auto pad = [](std::uint32_t size, std::uint32_t filter, std::uint32_t stride, std::uint32_t dilation) {
      const std::uint32_t span = dilation * (filter - 1) + 1;
      const std::uint32_t outputs = (size + stride - 1) / stride;
      const std::uint64_t needed = std::uint64_t{outputs - 1} * stride + span;
      return static_cast<std::uint32_t>(needed > size ? needed - size : 0);
    };
    // Of a transpose the window lies over the output, in times stride: what of it is not there is cut off or added.
    const bool transposed = layer.op == Op::conv2d_transpose;
    const auto wide = [](std::uint32_t size, std::uint32_t stride) {
      return static_cast<std::uint32_t>(std::min<std::uint64_t>(std::uint64_t{size} * stride, kMaxElements));
    };
    const std::uint32_t h = transposed ? wide(in[0].h, layer.stride_h) : in[0].h;
    const std::uint32_t w = transposed ? wide(in[0].w, layer.stride_w) : in[0].w;
    const std::uint32_t rows = pad(h, layer.filter_h, layer.stride_h, layer.dilation_h);
    const std::uint32_t columns = pad(w, layer.filter_w, layer.stride_w, layer.dilation_w);
    if (transposed) {
      const auto more = [](std::uint32_t filter, std::uint32_t stride, std::uint32_t dilation) {
        const std::uint32_t span = dilation * (filter - 1) + 1;
        return static_cast<std::int32_t>(stride > span ? stride - span : 0);
      };
      layer.args[0] = more(layer.filter_h, layer.stride_h, layer.dilation_h);
      layer.args[1] = more(layer.filter_w, layer.stride_w, layer.dilation_w);
    }
    if (rows > 2U * 0xFFFF || columns > 2U * 0xFFFF) return fail(Code::bad_padding);  // a record has 16 bits a side
    layer.pad_top = static_cast<std::uint16_t>(rows / 2);
    layer.pad_bottom = static_cast<std::uint16_t>(rows - rows / 2);
    layer.pad_left = static_cast<std::uint16_t>(columns / 2);
    layer.pad_right = static_cast<std::uint16_t>(columns - columns / 2);
  }
  if (layer.input_count != 0) detail::set_type(layer, layers);
  if (is_resize(layer.op) && layer.args[0] != static_cast<std::int32_t>(ResizeCoordinates::align_corners)) {
    layer.alpha = static_cast<float>(layer.shape.h) / static_cast<float>(in[0].h);
    layer.beta = static_cast<float>(layer.shape.w) / static_cast<float>(in[0].w);
  }
  const Result<Shape> shape = output_shape(layer, std::span(in).first(layer.input_count));
  if (!shape.ok()) return Status{shape.status().code, static_cast<std::uint16_t>(index), shape.status().detail};
  layer.shape = *shape;
  const ParamArrays params = param_arrays(layer, in[0]);
  std::uint64_t end = 0;  // of the parameters so far
  for (const Layer& earlier : layers)
    end = std::max<std::uint64_t>(end, std::uint64_t{earlier.param_offset} + earlier.param_bytes);
  const std::uint64_t offset = align_up(end, alignment);
  if (offset + params.bytes > 0x7FFF'FFFFU)
    return Status{Code::bad_shape, static_cast<std::uint16_t>(index),
                  static_cast<std::uint32_t>((offset + params.bytes) / sizeof(float))};
  if (params.count != 0) {
    if (layer.param_dtype == DType::none) layer.param_dtype = DType::f32;
    layer.param_offset = static_cast<std::uint32_t>(offset);
    layer.param_bytes = static_cast<std::uint32_t>(params.bytes);
  } else {
    layer.flags = 0;
  }
  return layer;
}

/// A network known at compile time: its records, without parameters. (Operands of layers that have more than four stand
/// in a table, which no function here makes.)
template <std::size_t N>
struct Network {
  std::array<Layer, N> layers{};
  std::uint32_t param_bytes = 0;
  static constexpr std::uint32_t alignment = 16;

  /// A view of the network over a parameter block that outlives it (nullptr: records only).
  [[nodiscard]] constexpr Model model(const std::byte* params = nullptr) const {
    return {layers, params, param_bytes, alignment};
  }
};

namespace detail {
// Never defined and not constexpr: a network that is wrong stops compiling at the call whose name says why.
void the_first_layer_must_be_input();
void assign_names_a_layer_that_is_not_a_state();
void a_state_is_read_behind_its_assignment();
void layer_reads_a_name_that_no_earlier_layer_has();
void two_layers_have_the_same_name();
void layers_to_add_or_concat_have_different_shapes();
void reshape_changes_the_number_of_elements();
void filter_is_larger_than_the_padded_input();
void filter_stride_or_dilation_is_zero();
void padding_is_as_large_as_the_filter();
void pads_are_given_without_padding_explicit();
void same_padding_is_beyond_the_limit();
void layer_attribute_is_out_of_range();
void layer_has_a_dimension_of_zero_or_beyond_the_limit();
void layer_has_more_parameters_than_the_limit();
void layer_has_the_wrong_number_of_inputs();
void a_layer_is_not_used_by_any_other();
void network_is_not_valid();

/// The rule that `wish` breaks.
constexpr void stop_compiling(const Status& status, const LayerSpec& wish) {
  switch (status.code) {
    case Code::first_layer_not_input: return the_first_layer_must_be_input();
    case Code::not_a_state: return assign_names_a_layer_that_is_not_a_state();
    case Code::state_read_after_assign: return a_state_is_read_behind_its_assignment();
    case Code::name_unknown: return layer_reads_a_name_that_no_earlier_layer_has();
    case Code::name_repeated: return two_layers_have_the_same_name();
    case Code::shape_mismatch:
      return wish.layer.op == Op::reshape ? reshape_changes_the_number_of_elements()
                                          : layers_to_add_or_concat_have_different_shapes();
    case Code::filter_exceeds_input: return filter_is_larger_than_the_padded_input();
    case Code::bad_filter: return filter_stride_or_dilation_is_zero();
    case Code::bad_padding:
      return wish.padding == Padding::explicit_ ? padding_is_as_large_as_the_filter()
             : has_pads(wish.layer)             ? pads_are_given_without_padding_explicit()
                                                : same_padding_is_beyond_the_limit();
    case Code::bad_attribute: return layer_attribute_is_out_of_range();
    case Code::bad_shape:
      return status.detail == 0 ? layer_has_a_dimension_of_zero_or_beyond_the_limit()
                                : layer_has_more_parameters_than_the_limit();
    case Code::bad_input_count: return layer_has_the_wrong_number_of_inputs();
    case Code::unused_layer: return a_layer_is_not_used_by_any_other();
    default: return network_is_not_valid();
  }
}
}  // namespace detail

/// Builds a network at compile time. A mistake does not compile, and the error names the rule.
template <class... Specs>
consteval auto sequential(const Specs&... wishes) {
  constexpr std::size_t count = sizeof...(Specs);
  static_assert(count <= kMaxLayers, "the network has more than kMaxLayers layers");
  constexpr std::array<bool, count> are_layers{std::is_same_v<Specs, LayerSpec>...};  // clang folds 256 at most
  static_assert(std::ranges::count(are_layers, true) == count,
                "sequential() takes layers: input(8), dense(4), relu() with their parentheses");
  const std::array<LayerSpec, count> specs{wishes...};
  std::array<const char*, count> labels{};
  Network<count> network;
  for (std::size_t i = 0; i < count; ++i) {
    const Result<Layer> layer =
        resolve(specs[i], std::span(network.layers).first(i), std::span(labels).first(i), Network<count>::alignment);
    if (!layer.ok()) {
      detail::stop_compiling(layer.status(), specs[i]);
    } else {
      network.layers[i] = *layer;
      network.param_bytes = std::max(network.param_bytes, layer->param_offset + layer->param_bytes);
    }
    labels[i] = specs[i].label;
  }
  if (const Status status = validate(network.model()); !status.ok())
    detail::stop_compiling(status, status.layer < count ? specs[status.layer] : LayerSpec{});
  return network;
}

/// A projection pursuit regression, output = bias + sum over m of beta_m g_m(w_m · input), as the chain input, dense
/// without bias (the directions w), spline (the ridge functions g), dense (beta and bias). fit_projection_pursuit()
/// fills its parameters; a trainer may go on from there.
consteval Network<4> projection_pursuit(std::uint32_t features, std::uint32_t terms, std::uint16_t knots,
                                        std::uint32_t outputs = 1) {
  return sequential(input(features), dense(terms, {.bias = false}), spline(knots), dense(outputs));
}

}  // namespace mote
