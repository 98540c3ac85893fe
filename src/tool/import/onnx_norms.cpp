// SPDX-License-Identifier: Apache-2.0
// Normalisation, softmax and reductions of the .onnx format.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tool/import/onnx_common.hpp"

namespace mote::tool::foreign {
namespace {

/// A value of C channels as (C, 1, …) beside (N, C, …).
Value by_channel(Maker& make, const Value& v, std::size_t rank) {
  Dims dims(rank - 1, 1);
  dims.front() = count_of(make.dims(v));
  return make.reshape(v, dims);
}

void batch_normalization(Call& call) {
  Maker& make = call.make;
  const std::size_t rank = call.rank(0);
  if (call.node.whole("training_mode", 0) != 0) unsupported("it is in training mode", "export the model for inference");
  if (rank < 2) unsupported("a value without channels");
  const float epsilon = call.node.real("epsilon", 1e-5F);
  for (std::size_t i = 1; i < 5; ++i)
    if (!make.constant(call[i]) || make.literal(call[i]).count() != call.dims(0)[1])
      unsupported("its statistics are no constants", "export the model for inference");
  Dims last(rank), back(rank);  // channels to the end, and back
  for (std::size_t i = 0; i < rank; ++i) last[i] = static_cast<std::int64_t>(i == 0 ? 0 : i + 1 < rank ? i + 1 : 1);
  for (std::size_t i = 0; i < rank; ++i) back[static_cast<std::size_t>(last[i])] = static_cast<std::int64_t>(i);
  const Value x = make.transpose(call[0], last);
  Step made;
  made.op = "batch_norm";
  made.dims = make.dims(x);
  made.alpha = epsilon;
  made.in = {make.laid_out(x)};
  for (std::size_t i = 1; i < 5; ++i) made.weights.push_back(cast(make.literal(call[i]), Type::f32));
  call.give(make.transpose(make.add(std::move(made)), back));
}

/// (x - mean) / sqrt(variance + epsilon) over `axes`.
Value standardized(Maker& make, const Value& x, const Dims& axes, float epsilon) {
  const Value centred = make.binary("sub", x, make.reduce("reduce_mean", x, axes, true));
  const Value variance = make.reduce("reduce_mean", make.unary("square", centred), axes, true);
  const Value scale = make.unary("rsqrt", make.binary("add", variance, make.scalar(static_cast<double>(epsilon))));
  return make.binary("mul", centred, scale);
}

void instance_normalization(Call& call) {
  Maker& make = call.make;
  const std::size_t rank = call.rank(0);
  if (rank < 3) unsupported("a value without channels and an image");
  Dims axes;
  for (std::size_t k = 2; k < rank; ++k) axes.push_back(static_cast<std::int64_t>(k));
  Value out = standardized(make, call[0], axes, call.node.real("epsilon", 1e-5F));
  out = make.binary("mul", out, by_channel(make, call[1], rank));
  call.give(make.binary("add", out, by_channel(make, call[2], rank)));
}

void layer_normalization(Call& call) {
  Maker& make = call.make;
  const Dims own = call.dims(0);
  const std::size_t axis = Maker::axis_of(call.node.whole("axis", -1), own.size());
  const float epsilon = call.node.real("epsilon", 1e-5F);
  const Dims inner(own.begin() + static_cast<std::ptrdiff_t>(axis), own.end());
  const auto fits = [&](std::size_t i) { return !call.has(i) || (make.constant(call[i]) && call.dims(i) == inner); };
  const bool only_first =
      std::ranges::all_of(call.node.outputs.begin() + 1, call.node.outputs.end(), [](int i) { return i == kAbsent; });
  if (!only_first)
    unsupported("its mean or deviation is asked for", "export the model for inference: only training reads them");
  if (fits(1) && fits(2)) {
    Step made;
    made.op = "layer_norm";
    made.dims = own;
    made.alpha = epsilon;
    made.in = {make.laid_out(call[0])};
    for (std::size_t k = axis; k < own.size(); ++k) made.axes.push_back(static_cast<std::int64_t>(k));
    make.spend(2 * count_of(inner));
    Literal ones(Type::f32, inner), zeros(Type::f32, inner);
    for (std::int64_t i = 0; i < ones.count(); ++i) ones.set(i, 1.0);
    made.weights = {call.has(1) ? cast(make.literal(call[1]), Type::f32) : ones,
                    call.has(2) ? cast(make.literal(call[2]), Type::f32) : zeros};
    return call.give(make.add(std::move(made)));
  }
  Dims axes;
  for (std::size_t k = axis; k < own.size(); ++k) axes.push_back(static_cast<std::int64_t>(k));
  Value out = standardized(make, call[0], axes, epsilon);
  out = make.binary("mul", out, call[1]);
  call.give(call.has(2) ? make.binary("add", out, call[2]) : out);
}

void rms_normalization(Call& call) {
  Maker& make = call.make;
  const Dims own = call.dims(0);
  const std::size_t axis = Maker::axis_of(call.node.whole("axis", -1), own.size());
  const Dims inner(own.begin() + static_cast<std::ptrdiff_t>(axis), own.end());
  if (!make.constant(call[1]) || call.dims(1) != inner) unsupported("its scale is no constant of the normalised shape");
  if (call.out.size() > 1 && call.node.outputs[1] != kAbsent)
    unsupported("its deviation is asked for", "export the model for inference: only training reads it");
  Step made;
  made.op = "rms_norm";
  made.dims = own;
  made.alpha = call.node.real("epsilon", 1e-5F);
  made.in = {make.laid_out(call[0])};
  for (std::size_t k = axis; k < own.size(); ++k) made.axes.push_back(static_cast<std::int64_t>(k));
  made.weights = {cast(make.literal(call[1]), Type::f32)};
  call.give(make.add(std::move(made)));
}

void lp_normalization(Call& call) {
  if (call.node.whole("p", 2) != 2) unsupported("a norm other than the second", "export it with p = 2");
  Maker& make = call.make;
  const Value sum = make.reduce("reduce_sum", make.unary("square", call[0]), {call.node.whole("axis", -1)}, true);
  const Value length = make.binary("maximum", make.unary("sqrt", sum), make.scalar(1e-30));  // zeros stay
  call.give(make.binary("div", call[0], length));
}

void lrn(Call& call) {
  const Value x = channels_last(call.make, call[0]);
  Step made;
  made.op = "lrn";
  made.dims = call.make.dims(x);
  made.number = call.node.whole("size", 1);
  if (made.number < 1 || made.number > 65535) unsupported(fmt::format("{} channels in a sum", made.number));
  // The mean over the channels here, the sum in the records.
  made.alpha = call.node.real("alpha", 1e-4F) / static_cast<float>(made.number);
  made.beta = call.node.real("beta", 0.75F);
  made.extra = {call.node.real("bias", 1.0F)};
  made.in = {call.make.laid_out(x)};
  call.give(channels_first(call.make, call.make.add(std::move(made)), call.rank(0)));
}

void softmax(Call& call) {
  Maker& make = call.make;
  const Dims own = call.dims(0);
  if (own.empty()) unsupported("a scalar");
  if (call.file.opset >= 13 || call.file.opset == 0)
    return call.give(make.along(call.record, call[0], call.node.whole("axis", -1)));
  // Older ones take all axes from the given one on together.
  const std::size_t axis = Maker::axis_of(call.node.whole("axis", 1), own.size());
  bool alone = true;
  for (std::size_t k = axis + 1; k < own.size(); ++k) alone = alone && own[k] == 1;
  if (alone) return call.give(make.along(call.record, call[0], static_cast<std::int64_t>(axis)));
  const std::int64_t rows = count_of(Dims(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(axis)));
  const Value flat = make.reshape(call[0], {rows, count_of(own) / std::max<std::int64_t>(1, rows)});
  call.give(make.reshape(make.along(call.record, flat, 1), own));
}

void reduce(Call& call) {
  Maker& make = call.make;
  Dims axes = wholes_of(call, 1, "axes");
  const bool keep = call.node.whole("keepdims", 1) != 0;
  if (axes.empty()) {
    if (call.node.whole("noop_with_empty_axes", 0) != 0) return call.give(call[0]);
    for (std::size_t k = 0; k < call.rank(0); ++k) axes.push_back(static_cast<std::int64_t>(k));
  }
  const std::string& op = call.node.op;
  Value x = call[0];
  if (op == "ReduceL1") x = make.unary("abs", x);
  if (op == "ReduceL2" || op == "ReduceSumSquare") x = make.unary("square", x);
  if (op == "ReduceLogSumExp") {
    const Value most = make.reduce("reduce_max", x, axes, true);
    const Value sum = make.reduce("reduce_sum", make.unary("exp", make.binary("sub", x, most)), axes, true);
    const Value out = make.binary("add", make.unary("log", sum), most);
    return call.give(make.reduce("reduce_max", out, axes, keep));
  }
  Value out = make.reduce(call.record, x, axes, keep);
  if (op == "ReduceL2") out = make.unary("sqrt", out);
  if (op == "ReduceLogSum") out = make.unary("log", out);
  call.give(out);
}

void arg(Call& call) {
  if (call.node.whole("select_last_index", 0) != 0)
    unsupported("the last of equal values is asked for", "export it with select_last_index = 0");
  call.give(call.make.arg(call.record, call[0], call.node.whole("axis", 0), call.node.whole("keepdims", 1) != 0));
}

constexpr std::array kRows = {
    OperatorRow{"BatchNormalization", batch_normalization, "batch_norm"},
    OperatorRow{"InstanceNormalization", instance_normalization},
    OperatorRow{"LayerNormalization", layer_normalization, "layer_norm"},
    OperatorRow{"RMSNormalization", rms_normalization, "rms_norm"},
    OperatorRow{"SimplifiedLayerNormalization", rms_normalization, "rms_norm"},
    OperatorRow{"LpNormalization", lp_normalization},
    OperatorRow{"LRN", lrn, "lrn"},
    OperatorRow{"Softmax", softmax, "softmax"},
    OperatorRow{"LogSoftmax", softmax, "log_softmax"},
    OperatorRow{"ReduceMean", reduce, "reduce_mean"},
    OperatorRow{"ReduceSum", reduce, "reduce_sum"},
    OperatorRow{"ReduceMax", reduce, "reduce_max"},
    OperatorRow{"ReduceMin", reduce, "reduce_min"},
    OperatorRow{"ReduceProd", reduce, "reduce_prod"},
    OperatorRow{"ReduceL1", reduce, "reduce_sum"},
    OperatorRow{"ReduceL2", reduce, "reduce_sum"},
    OperatorRow{"ReduceSumSquare", reduce, "reduce_sum"},
    OperatorRow{"ReduceLogSum", reduce, "reduce_sum"},
    OperatorRow{"ReduceLogSumExp", reduce, "reduce_sum"},
    OperatorRow{"ArgMax", arg, "argmax"},
    OperatorRow{"ArgMin", arg, "argmin"},
};

}  // namespace

std::span<const OperatorRow> onnx_norms() { return kRows; }

}  // namespace mote::tool::foreign
