// SPDX-License-Identifier: Apache-2.0
// Records back to text, and the grammar as --help shows it. The inverse of model_text.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "mote/model/int8_units.hpp"
#include "tool/data/data_set.hpp"
#include "tool/models/model_parser.hpp"
#include "tool/models/model_text.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool {
namespace {

std::string pair_text(std::uint32_t h, std::uint32_t w) {
  return h == w ? std::to_string(h) : fmt::format("{}x{}", h, w);
}

/// Padding that `same` would give along one axis: before and after.
struct AxisPads {
  std::uint32_t before, after;
};
AxisPads same_pads(std::uint32_t in, std::uint32_t filter, std::uint32_t stride, std::uint32_t dilation) {
  const std::uint64_t span = std::uint64_t{dilation} * (filter - 1) + 1;
  const std::uint64_t outputs = (std::uint64_t{in} + stride - 1) / stride;
  const std::uint64_t needed = (outputs - 1) * stride + span;
  const auto total = static_cast<std::uint32_t>(needed > in ? needed - in : 0);
  return {total / 2, total - total / 2};
}

std::string padding_text(const Layer& l, const Shape& in, bool one_dimensional) {
  if ((l.pad_top | l.pad_bottom | l.pad_left | l.pad_right) == 0) return "";
  const AxisPads rows = same_pads(in.h, l.filter_h, l.stride_h, l.dilation_h);
  const AxisPads columns = same_pads(in.w, l.filter_w, l.stride_w, l.dilation_w);
  if (rows.before == l.pad_top && rows.after == l.pad_bottom && columns.before == l.pad_left &&
      columns.after == l.pad_right)
    return " same";
  if (one_dimensional) return " pad " + pair_text(l.pad_left, l.pad_right);
  if (l.pad_top == l.pad_bottom && l.pad_left == l.pad_right) return " pad " + pair_text(l.pad_top, l.pad_left);
  return fmt::format(" pad {}x{}x{}x{}", l.pad_top, l.pad_bottom, l.pad_left, l.pad_right);
}

std::string window_text(const Layer& l, const Shape& in) {
  const bool pool = l.op == Op::max_pool || l.op == Op::average_pool;
  const bool one = l.op == Op::conv2d && in.h == 1 && l.filter_h == 1 && l.stride_h == 1 && l.dilation_h == 1 &&
                   l.pad_top == 0 && l.pad_bottom == 0;
  std::string out = one ? "conv1d" : name(l.op);
  if (l.op == Op::conv2d) out += fmt::format(" {}", l.shape.c);
  if (l.op == Op::depthwise_conv2d) out += fmt::format(" {}", l.depth_multiplier);
  out += one ? fmt::format(" {}", l.filter_w) : fmt::format(" {}x{}", l.filter_h, l.filter_w);
  out += padding_text(l, in, one);
  const bool default_stride =
      pool ? l.stride_h == l.filter_h && l.stride_w == l.filter_w : l.stride_h == 1 && l.stride_w == 1;
  if (!default_stride) out += " stride " + (one ? std::to_string(l.stride_w) : pair_text(l.stride_h, l.stride_w));
  if (l.dilation_h != 1 || l.dilation_w != 1)
    out += " dilation " + (one ? std::to_string(l.dilation_w) : pair_text(l.dilation_h, l.dilation_w));
  return out;
}

}  // namespace

std::string layer_text(const Model& model, std::size_t index) {
  const Layer& l = model.layers[index];
  const Shape in = model.input_shape_of(index);
  std::string out = name(l.op);
  switch (l.op) {
    case Op::input: out += fmt::format(" {}", shape_text(l.shape)); break;
    case Op::dense:
    case Op::rbf: out += fmt::format(" {}", l.shape.c); break;
    case Op::conv2d:
    case Op::depthwise_conv2d:
    case Op::max_pool:
    case Op::average_pool: out = window_text(l, in); break;
    case Op::spline: out += fmt::format(" {}", l.knots()); break;
    case Op::batch_norm:
      if (l.alpha == standardize().layer.alpha && l.beta == standardize().layer.beta && !l.trainable())
        return "standardize";
      if (l.alpha != 1e-5F) out += fmt::format(" epsilon {}", l.alpha);
      if (l.beta != 0.1F) out += fmt::format(" momentum {}", l.beta);
      break;
    case Op::dropout:
    case Op::gaussian_noise: out += fmt::format(" {}", l.alpha); break;
    case Op::reshape:
      if (l.shape.h == 1 && l.shape.w == 1) {
        out = "flatten";
      } else {
        out += fmt::format(" {}x{}x{}", l.shape.h, l.shape.w, l.shape.c);
      }
      break;
    default:
      if (const auto alpha = default_alpha(l.op); alpha && *alpha != l.alpha) out += fmt::format(" {}", l.alpha);
      break;
  }
  if ((l.op == Op::dense || l.op == Op::conv2d || l.op == Op::depthwise_conv2d) && !l.has_bias()) out += " no_bias";
  if (rounds_weights(l)) out += " rounded";
  const bool narrow = stores_narrow_weights(l);
  if (narrow) out += l.param_dtype == DType::s8 ? " int8" : " float16";
  if (l.param_bytes != 0 && !l.trainable() && !(narrow && l.param_dtype == DType::f16)) out += " frozen";
  return out;
}

namespace {

/// One layer a line, whether or not the text form has words for all that it is.
std::string lines_of(const Model& model) {
  const std::size_t count = model.layers.size();
  std::vector<char> named(count, 0);
  for (std::size_t i = 1; i < count; ++i)
    for (std::size_t k = 0; k < model.layers[i].input_count; ++k)
      if (k > 0 || model.operand(i) + 1 != i) named[model.operand(i, k)] = 1;
  const auto name_of = [&](std::size_t i) { return fmt::format("{}_{}", name(model.layers[i].op), i); };
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    const Layer& layer = model.layers[i];
    out += layer_text(model, i);
    for (std::size_t k = 1; k < layer.input_count; ++k) out += fmt::format(" {}", name_of(model.operand(i, k)));
    if (layer.input_count != 0 && model.operand(i) + 1 != i) out += fmt::format(" from {}", name_of(model.operand(i)));
    if (named[i] != 0) out += fmt::format(" as {}", name_of(i));
    out += '\n';
  }
  return out;
}

/// The first layer that the text does not bring back as it is; their number where it brings all.
std::size_t first_lost(const Model& model, const std::string& text) {
  try {
    const OwnedModel again = parse_model_text(text, "", Parameters::none);
    const auto same = [](Layer a, Layer b) {
      a.param_offset = b.param_offset = 0;  // alignments may differ
      return std::memcmp(&a, &b, sizeof a) == 0;
    };
    for (std::size_t i = 0; i < model.layers.size(); ++i)
      if (i >= again.layers.size() || !same(model.layers[i], again.layers[i])) return i;
    return model.layers.size();
  } catch (const Error& error) {
    return std::min(error.line() == 0 ? 0 : error.line() - 1, model.layers.size() - 1);
  }
}

}  // namespace

std::optional<std::string> model_text_if_any(const Model& model) {
  const std::string text = lines_of(model);
  if (first_lost(model, text) != model.layers.size()) return std::nullopt;
  return text;
}

std::string model_text(const Model& model) {
  std::string text = lines_of(model);
  if (const std::size_t lost = first_lost(model, text); lost != model.layers.size())
    throw data_error(fmt::format("the text form has no words for layer {} ({})", lost, name(model.layers[lost].op)),
                     "keep the model as a .mote file; mote info without --text shows its layers");
  return text;
}

namespace {

/// "sigmoid, tanh, relu, leaky_relu 0.01, …": every activation with its default parameter.
std::string activation_words() {
  std::string words;
#define MOTE_ACTIVATION(name, number, derivative_on, needs) words += #name ", ";
#define MOTE_ACTIVATION_ALPHA(name, number, derivative_on, needs, alpha) words += fmt::format(#name " {}, ", alpha);
#include "mote/model/ops.inc"
  return words;
}

}  // namespace

std::string model_text_help() {
  std::string text = R"(THE TEXT FORM OF A NETWORK
  One layer a line, or separated by ; or , and read from the input to the output. # starts a comment.
    input 28x28x1            height x width x channels; input 100x3: length x channels; input 784: a vector
    dense 64                 fully connected, 64 units
    conv2d 8 3x3 same        8 channels, filter 3x3 (may be left out); same | valid | pad P; stride S; dilation D
    conv1d 8 5 same          the same along a sequence
    depthwise_conv2d 1 3x3   depth multiplier, filter, and options as conv2d
    max_pool 2               also average_pool; the stride is the filter unless given: max_pool 3 stride 2 same
    global_average_pool      mean over height and width
    batch_norm               epsilon 1e-5, momentum 0.1 unless given: batch_norm momentum 0.01
    standardize              behind the input: mean 0 and variance 1, learned from the training samples and kept
    dropout 0.5, gaussian_noise 0.3    while training only
    ACTIVATIONSidentity, softmax
    rbf 20                   Gaussian radial basis units with trainable centres and widths
    spline 16                a learned function for each channel: cubic between 16 knots, linear outside them
    bias_add                 one number a channel, added
    fake_quantize            the nearest of the 256 numbers that int8 has for a learned range
    flatten, reshape 7x7x16
    add NAME, concat NAME    the layer before joined with named earlier ones
    repeat 3 { … }           the layers between the braces three times; a name given there belongs to its copy
  Behind any layer:  as NAME gives it a name, from NAME lets it read that layer instead of the one before.
  Behind a layer with parameters:  frozen keeps it as it is in training; no_bias leaves the bias out.
  Behind dense and convolutions:  rounded computes with weights as int8 has them; int8 stores them so, and sgd trains
  them as they are; float16, frozen.
  Sizes are N (both directions) or HxW; a padding is P, VxH, or TOPxBOTTOMxLEFTxRIGHT.

  A denoising autoencoder (mote train --reconstruct):
    input 784; gaussian_noise 0.3; dense 256; relu; dense 50; dense 256; relu; dense 784; sigmoid

  A residual block:
    input 28x28x1; conv2d 8 3x3 same; batch_norm; relu as skip
    conv2d 8 3x3 same; batch_norm; add skip; relu; max_pool 2; flatten; dropout 0.5; dense 10
  A hundred dense layers with skip connections:
    input 784; dense 32; repeat 98 { identity as x; dense 32; tanh; add x }; dense 10
)";
  constexpr std::string_view kPlace = "ACTIVATIONS";
  return text.replace(text.find(kPlace), kPlace.size(), activation_words());
}

}  // namespace mote::tool
