// SPDX-License-Identifier: Apache-2.0
// Compute kernels: pure functions of their arguments. They know nothing of models, plans or arenas.
// Every pointer is to float32, NHWC, dense, at least 4-byte aligned (64 is fastest where vectors are wide).
// Unless a line says otherwise, an output must not overlap an input; rows >= 1, sizes >= 1 hold always.
// Order of every reduction depends on the sizes alone, never on the instruction set (src/README.md, "Same bits").
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>

#include "mote/kernels/binary_kernels.hpp"
#include "mote/kernels/conv_shape.hpp"
#include "mote/kernels/movement_kernels.hpp"
#include "mote/kernels/part.hpp"
#include "mote/kernels/quantized_kernels.hpp"
#include "mote/kernels/recurrent_kernels.hpp"
#include "mote/kernels/reduction_kernels.hpp"
#include "mote/kernels/resize_kernels.hpp"

namespace mote {

/// output (batch, fan_out) = input (batch, fan_in) weights (fan_in, fan_out) + bias (fan_out). bias may be null.
struct DenseArgs {
  const float* input;
  const float* weights;
  const float* bias;
  float* output;
  std::uint32_t batch, fan_in, fan_out;
  Clamp clamp{};
  Part part{};
};

/// Weights (rows, columns) that are stored narrower than they are computed with: int8, of which each column is
/// multiplied by its number of `scales`, or float16, where `scales` is null.
struct NarrowWeights {
  const std::byte* values;
  const float* scales;
  DType type;
};
/// output (rows, columns) = the weights in float32, scales[j] values[i, j] rounded once; float16 as it is.
struct WidenWeightsArgs {
  NarrowWeights weights;
  float* output;
  std::uint32_t rows, columns;
  Part part{};
};
/// output (rows, columns) = the float32 weights as int8 would have them, scale × integer by the rule of int8_units.hpp,
/// with a scale for each column. Shares are columns. output may be weights.
struct RoundWeightsArgs {
  const float* weights;
  float* output;
  std::uint32_t rows, columns;
  Part part{};
};
/// As dense_f32 of the weights (fan_in, fan_out) in float32, with its bits; only pieces of them exist, on the stack.
struct DenseNarrowArgs {
  const float* input;
  NarrowWeights weights;
  const float* bias;
  float* output;
  std::uint32_t batch, fan_in, fan_out;
  Clamp clamp{};
  Part part{};
};

/// weights (rows, columns), int8, += floor(u + steps[i, j] / scales[j]), kept within -127 … 127: a step that is no
/// whole number of the weight's units is rounded up as often as its fraction says (to 2^-24), so its mean is the step.
/// u is uniform in [0, 1): word number `first` + i columns + j of the random stream (RandomUse::rounding). Columns
/// whose scale is 0 stay. Steps of 2^30 units and more count as that. Source: Gupta et al., Deep learning with limited
/// numerical precision, ICML 2015.
struct RoundStepsArgs {
  std::int8_t* weights;
  const float* scales;
  const float* steps;
  std::uint64_t seed, stream;
  std::uint32_t first, rows, columns;
  Part part{};
};

/// grad_input:  grad_input (batch, fan_in) = grad_output (batch, fan_out) weights^T. Reads grad_output, weights.
/// grad_params: grad_weights (fan_in, fan_out) += scale * input^T grad_output,
///              grad_bias (fan_out) += scale * column sums of grad_output. Reads input, grad_output. grad_bias may be
///              null. With grad_weights = the weights and scale = -learning_rate this is the SGD update in place.
/// backward:    grad_input, then grad_params, in one pass over the weights, which may be grad_weights.
/// `inputs`, where not 0: only so many of the fan_in inputs, from those on that input and grad_input point at (rows are
/// fan_in apart); weights and grad_weights have their rows.
struct DenseGradArgs {
  const float* input;
  const float* weights;
  const float* grad_output;
  float* grad_input;
  float* grad_weights;
  float* grad_bias;
  float scale;
  std::uint32_t batch, fan_in, fan_out;
  Part part{};
  std::uint32_t inputs = 0;
};

/// conv2d: output[n,y,x,o] = bias[o] + sum_{i,j,c} weights[i,j,c,o] input[n, y s_h + i d_h - pad_top, x s_w + j d_w -
/// pad_left, c] depthwise_conv2d: output[n,y,x,c m + q] = bias[c m + q] + sum_{i,j} weights[i,j,c m + q] input[n, …, c]
/// conv2d_transpose: output[n, y s_h + i d_h - pad_top, x s_w + j d_w - pad_left, o] = bias[o] + sum of input[n,y,x,c]
/// weights[filter_h - 1 - i, filter_w - 1 - j, c, o] over what lands there: the gradient of a convolution by its input,
/// with the filter turned round. No scratch and no summand.
/// Taps outside the image contribute nothing. bias may be null. scratch: conv2d_scratch_floats() floats or null if 0.
/// conv2d: `summand`, where not null, is added to the whole sum before the clamp; it may be `output`.
struct ConvArgs {
  const float* input;
  const float* weights;
  const float* bias;
  float* output;
  float* scratch;
  ConvShape shape;
  Clamp clamp{};
  const float* summand = nullptr;
  Part part{};
};

/// output[taps - 1 - t, j, i] = input[t, i, j], or += scale input[t, i, j] with `accumulate`: filters of a convolution,
/// (taps, rows, columns), as its transpose has them, and back.
struct TurnFilterArgs {
  const float* input;
  float* output;
  std::uint32_t taps, rows, columns;
  float scale;
  bool accumulate;
  Part part{};
};

/// grad_input: overwrites grad_input (every element). Reads grad_output, and the weights: depthwise where they are,
///   conv2d in `scratch`, where conv2d_transpose_weights_f32 has put them for the same arguments, unless the scratch
///   function says 0.
/// grad_params: grad_weights += scale * …, grad_bias += scale * … as for dense. Reads input, grad_output. conv2d with
///   `row_count`, where not 0: only rows first_row … first_row + row_count - 1 of the weights (taps × channels), of
///   which grad_weights points at the first.
struct ConvGradArgs {
  const float* input;
  const float* weights;
  const float* grad_output;
  float* grad_input;
  float* grad_weights;
  float* grad_bias;
  float* scratch;
  float scale;
  ConvShape shape;
  Part part{};
  std::uint32_t first_row = 0, row_count = 0;
};

/// max: largest tap inside the image. average: mean of the taps inside the image; with count_padding their sum divided
/// by all taps of the window.
struct PoolArgs {
  const float* input;
  float* output;
  ConvShape shape;
  Part part{};
  bool count_padding = false;
};
/// Overwrites grad_input. max: the gradient goes to the first largest tap in row order, found again from `input`, and
/// only where clamp.low < that tap < clamp.high: the gradient of the activation that made `input` as well. An infinite
/// bound is none.
struct PoolGradArgs {
  const float* input;
  const float* grad_output;
  float* grad_input;
  ConvShape shape;
  Clamp clamp{};
  Part part{};
  bool count_padding = false;
};

/// rows = batch * h * w. batch_norm_f32: y = gamma (x - running_mean) / sqrt(running_variance + epsilon) + beta.
/// batch_norm_train_f32: the same with the mean and the biased variance of the rows, which go to
/// statistics (2, channels) as mean and 1 / sqrt(variance + epsilon). output may be input for batch_norm_f32.
struct BatchNormArgs {
  const float* input;
  const float* gamma;
  const float* beta;
  const float* running_mean;
  const float* running_variance;
  float* output;
  float* statistics;
  float epsilon;
  std::uint32_t rows, channels;
  Part part{};
};
/// grad_input: through the batch's statistics; grad_input may be grad_output. frozen: through running_mean and
///   running_variance (grad_input = grad_output gamma / sqrt(running_variance + epsilon)); may be in place.
/// grad_params: grad_gamma += scale sum grad_output x_hat, grad_beta += scale sum grad_output, and the running
///   statistics move: grad_mean += statistics_scale (running_mean - mean), grad_variance likewise with the unbiased
///   variance of the rows. grad_mean may be running_mean (statistics_scale = -momentum: the update itself). Reads
///   input, grad_output (the one that came in, not yet overwritten), statistics.
struct BatchNormGradArgs {
  const float* input;
  const float* gamma;
  const float* running_mean;
  const float* running_variance;
  const float* statistics;
  const float* grad_output;
  float* grad_input;
  float* grad_gamma;
  float* grad_beta;
  float* grad_mean;
  float* grad_variance;
  float scale;
  float statistics_scale;
  float epsilon;
  std::uint32_t rows, channels;
  Part part{};
};

/// output[i] = keep(i) ? input[i] / (1 - rate) : 0 where keep(i) depends on (seed, stream, i) alone: the forward and
/// the backward pass are the same call. `stream` counts steps and layers. output may be input.
struct DropoutArgs {
  const float* input;
  float* output;
  float rate;
  std::uint64_t seed;
  std::uint64_t stream;
  std::uint32_t count;
  Part part{};
};

/// output[i] = input[i] + stddev z_i, z_i standard normal and a function of (seed, stream, i) alone. |z_i| < 5.4.
/// output may be input.
struct NoiseArgs {
  const float* input;
  float* output;
  float stddev;
  std::uint64_t seed;
  std::uint64_t stream;
  std::uint32_t count;
};

/// For each of `groups`: output (rows, columns) = a (rows, depth) b (depth, columns), or with b_transposed
/// a (rows, depth) b^T for b (columns, depth). One b for all groups: groups = 1 and that many times the rows.
struct MatmulArgs {
  const float* a;
  const float* b;
  float* output;
  std::uint32_t groups, rows, depth, columns;
  bool b_transposed;
  Part part{};
};
/// grad_a and grad_b are overwritten; null where not wanted. grad_a reads b, grad_b reads a: what is not read may be
/// null.
struct MatmulGradArgs {
  const float* a;
  const float* b;
  const float* grad_output;
  float* grad_a;
  float* grad_b;
  std::uint32_t groups, rows, depth, columns;
  bool b_transposed;
  Part part{};
};

/// output = a + b; output may be a or b.
struct AddArgs {
  const float* a;
  const float* b;
  float* output;
  std::uint32_t count;
  Clamp clamp{};
  Part part{};
};

/// Copies `width` floats per row from rows of `source_stride` to rows of `target_stride`. No overlap.
struct CopyChannelsArgs {
  const float* source;
  float* target;
  std::uint32_t rows, width, source_stride, target_stride;
};

/// output[i] = g(input[i]); output may be input. alpha, beta: slope of leaky ReLU; alpha v + beta of hard_sigmoid; the
/// bounds of clip. Special values as IEEE 754 and NumPy; NaN stays NaN everywhere. exp gives 0 below e^-86.99.
struct ActivationArgs {
  const float* input;
  float* output;
  float alpha;
  std::uint32_t count;
  Part part{};
  float beta = 0.0F;
};
/// grad_input[i] = grad_output[i] g'. `value` is the output for sigmoid, tanh, ReLU, leaky ReLU, ReLU6, ELU, SELU, exp,
/// sqrt, rsqrt, softplus, hard_sigmoid and clip, the input for SiLU, GELU (both), hard-swish, log, abs, square, sin and
/// cos, and is not read (may be null) for neg. At a corner the slope is 0, but that of ELU and SELU is the left one.
/// grad_input may be grad_output.
struct ActivationGradArgs {
  const float* value;
  const float* grad_output;
  float* grad_input;
  float alpha;
  std::uint32_t count;
  Part part{};
  float beta = 0.0F;
};

/// output[i] = input[i] as a number of another type: float32, int32, boolean, int8, uint8 or int16. Towards integers
/// fractions are cut off, what is beyond them becomes the nearest one and NaN 0; integers that do not fit lose their
/// upper bits; a boolean is 1 where the number is not 0.
struct CastArgs {
  const std::byte* input;
  std::byte* output;
  DType from, to;
  std::uint32_t count;
  Part part{};
};

/// output[i] = input[i] is 0 ? 1 : 0, one byte each; output may be input.
struct LogicalNotArgs {
  const std::uint8_t* input;
  std::uint8_t* output;
  std::uint32_t count;
  Part part{};
};

/// output[r, j] = exp(-sum_k (input[r, k] - centres[k, j])^2 / (2 exp(log_width[j]))).
struct RbfArgs {
  const float* input;
  const float* centres;
  const float* log_width;
  float* output;
  std::uint32_t batch, fan_in, units;
};
/// grad_input overwritten; grad_params: grad_centres += scale * …, grad_log_width += scale * …; neither may alias the
/// parameters. `output` is the forward pass's.
struct RbfGradArgs {
  const float* input;
  const float* centres;
  const float* log_width;
  const float* output;
  const float* grad_output;
  float* grad_input;
  float* grad_centres;
  float* grad_log_width;
  float scale;
  std::uint32_t batch, fan_in, units;
};

/// output[r, c] = s_c(input[r, c]), each channel c with a function of its own: knots t_0 < … < t_{K-1}, the values and
/// the slopes there, all (channels, knot_count), knot_count >= 2. Between two knots the cubic that has both ends'
/// values and slopes, outside the line through the end; s_c has a continuous derivative everywhere. Knots that do not
/// increase, or NaNs, give meaningless numbers and nothing worse. output may be input.
struct SplineArgs {
  const float* input;
  const float* knots;
  const float* values;
  const float* slopes;
  float* output;
  std::uint32_t rows, channels, knot_count;
};
/// grad_input = grad_output s_c'(input), may be grad_output. grad_params: grad_values += scale * …, grad_slopes +=
/// scale * …, rows in order; knots have no gradient.
struct SplineGradArgs {
  const float* input;
  const float* knots;
  const float* values;
  const float* slopes;
  const float* grad_output;
  float* grad_input;
  float* grad_values;
  float* grad_slopes;
  float scale;
  std::uint32_t rows, channels, knot_count;
};

/// output[i] = (q - zero_point) scale, q = input[i] / scale to the nearest integer, halves away from zero, plus
/// zero_point, cut to -128 … 127: what quantize_f32 and dequantize_f32 give. NaN passes. output may be input.
struct FakeQuantizeArgs {
  const float* input;
  float* output;
  Quantization units;
  std::uint32_t count;
  Part part{};
};
/// Straight through (Jacob et al. 2018; Choi et al., PACT, 2018), with low and high the numbers of the outermost steps:
/// grad_input:  grad_input[i] = grad_output[i] where low <= input[i] <= high, else 0; may be grad_output.
/// grad_params: grad_range[0] += scale * sum of grad_output where input < low, grad_range[1] likewise where it is above
///              high; in 16 virtual lanes, closed by their tree.
struct FakeQuantizeGradArgs {
  const float* input;
  const float* grad_output;
  float* grad_input;
  float* grad_range;
  float scale;
  float low, high;
  std::uint32_t count;
  Part part{};
};

/// output[r, :] = softmax of input[r, :], the row's largest taken off first. output may be input.
struct SoftmaxArgs {
  const float* input;
  float* output;
  std::uint32_t rows, channels;
};
/// grad_input = p ⊙ (grad_output - <grad_output, p>), p the forward output. grad_input may be grad_output.
struct SoftmaxGradArgs {
  const float* output;
  const float* grad_output;
  float* grad_input;
  std::uint32_t rows, channels;
};

struct LossResult {
  float loss = 0.0F;          ///< mean over the samples of the batch, weights applied
  std::uint32_t correct = 0;  ///< samples whose largest output (or sign) is the label; integer labels only
  double sum = 0.0;           ///< `loss` times the batch, before it is rounded to float32
};

/// loss = sum_r w_r loss_r / batch with w_r = sample_weights[r] * class_weights[label_r] (each 1 where null).
/// Gradient with respect to `output`: grad_output = gradient of that loss times grad_scale; null: not wanted.
/// grad_output may be output. Targets: either labels (batch) or targets (batch, outputs), the other null.
///   squared_error:         loss_r = sum_j (y_j - t_j)^2 (no factor 1/2); label k stands for the one-hot row
///   binary_cross_entropy:  from logits; loss_r = sum_j log(1 + e^-z_j) + (1 - t_j) z_j. One output: labels {0, 1} or,
///                          with signed_labels, {-1, +1} (also as targets: t = (s + 1) / 2); more outputs: targets only
///   softmax_cross_entropy: from logits; loss_r = log sum_j e^z_j sum_j t_j - sum_j t_j z_j; soft targets allowed
///   kl_divergence:         KL(t || softmax z) = sum_j t_j (log t_j - log softmax(z)_j), 0 log 0 = 0
/// A label outside the range (or a NaN target) makes the loss NaN; the caller checks labels first.
struct LossArgs {
  const float* output;
  const std::int32_t* labels;
  const float* targets;
  const float* class_weights;
  const float* sample_weights;
  float* grad_output;
  LossResult* result;
  float grad_scale;
  bool signed_labels;
  std::uint32_t batch, outputs;
};

/// grads[i] += scale (l2 params[i] + l1 sign(params[i])); grads may be params.
struct PenaltyArgs {
  const float* params;
  float* grads;
  float scale, l1, l2;
  std::uint32_t count;
};
/// scale_f32: values *= value. clip_by_value_f32: values = min(max(values, -value), value).
struct ScaleArgs {
  float* values;
  float value;
  std::uint32_t count;
};
/// *sum += sum of values[i]^2, in 16 interleaved chains closed by a fixed tree, accumulated in float32.
struct SumOfSquaresArgs {
  const float* values;
  float* sum;
  std::uint32_t count;
};
/// *largest = max |values[i]|, 0 of none; infinite where one is infinite or not a number.
struct LargestMagnitudeArgs {
  const float* values;
  float* largest;
  std::uint32_t count;
};
/// *sum += sum of a[i] b[i] in double, where each product is exact: 16 interleaved chains closed by a fixed tree. No
/// float32 overflows or vanishes here: norms from 1e-45 to 1e42. a may be b.
struct DotArgs {
  const float* a;
  const float* b;
  double* sum;
  std::uint32_t count;
};
/// output[i] = base[i] + scale direction[i], computed in double and rounded once. output may be either.
struct AddScaledArgs {
  const float* base;
  const float* direction;
  float* output;
  double scale;
  std::uint32_t count;
};

/// One optimiser step on a run of parameters; g = grads[i], p = params[i], s1, s2 = the state, a = learning_rate.
/// weight_decay is decoupled (AdamW): p -= a weight_decay p first; 0 elsewhere.
///   sgd       p -= a g
///   momentum  s1 = decay1 s1 - a g,               p += s1
///   nesterov  s1 = decay1 s1 - a g,               p += decay1 s1 - a g
///   adagrad   s1 += g^2,                          p -= a g / (sqrt s1 + epsilon)
///   rmsprop   s1 = decay2 s1 + (1 - decay2) g^2,  p -= a g / (sqrt s1 + epsilon)
///   adam      s1 = decay1 s1 + (1 - decay1) g, s2 = decay2 s2 + (1 - decay2) g^2,
///             p -= a (s1 / correction1) / (sqrt(s2 / correction2) + epsilon), correction_i = 1 - decay_i^t
struct UpdateArgs {
  float* params;
  const float* grads;
  float* state1;
  float* state2;
  float learning_rate;
  float decay1, decay2;
  float one_minus_decay1, one_minus_decay2;
  float correction1, correction2;
  float epsilon;
  float weight_decay;
  std::uint32_t count;
  Part part{};
};

namespace kernels {
#define MOTE_KERNEL(name, Args) void name(const Args& args);
#include "mote/kernels/kernels.inc"
#undef MOTE_KERNEL
}  // namespace kernels

/// Scratch a convolution kernel wants, in floats: functions of the shape alone, so that a plan made on a host holds
/// on the target.
constexpr std::size_t conv2d_scratch_floats(const ConvShape&) { return 0; }
constexpr std::size_t conv2d_grad_input_scratch_floats(const ConvShape& s) {
  return is_pointwise(s)
             ? 0
             : std::size_t{s.window.filter_h} * s.window.filter_w * s.in.c * s.out.c;  // the weights, transposed
}
constexpr std::size_t conv2d_grad_params_scratch_floats(const ConvShape&) { return 0; }

}  // namespace mote
