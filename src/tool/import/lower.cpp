// SPDX-License-Identifier: Apache-2.0
// Which step goes where, sources, and operators element by element.
#include "tool/import/lower.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace mote::tool::foreign {
namespace {

std::vector<bool> needed(const Network& network) {
  std::vector<bool> out(network.steps.size(), false);
  const auto need = [&out](int step) { out[static_cast<std::size_t>(step)] = true; };
  for (const End& end : network.inputs) need(end.step);
  for (const End& end : network.outputs) need(end.step);
  for (std::size_t i = network.steps.size(); i-- > 0;) {
    const Step& s = network.steps[i];
    if (s.op == "assign") out[i] = true;
    if (!out[i]) continue;
    if (s.op == "space_to_batch")
      need(s.in[1]);
    else
      for (const int operand : s.in) need(operand);
  }
  return out;
}

}  // namespace

DType dtype_of(const Step& s) {
  const bool scaled = !s.scaling.scales.empty();
  switch (s.type) {
    case Type::s8:
    case Type::u8: return scaled ? DType::s8 : DType::f32;
    case Type::s16: return scaled ? DType::s16 : DType::f32;
    case Type::s32:
    case Type::s64:
    case Type::u32:
    case Type::u64: return DType::s32;
    case Type::boolean: return DType::boolean;
    default: return DType::f32;
  }
}

Quantization quantization_of(const Step& s) {
  if (s.scaling.scales.size() != 1) unsupported(fmt::format("a value with {} scales", s.scaling.scales.size()));
  const std::int64_t zero_point = s.scaling.zero_points.empty() ? 0 : s.scaling.zero_points.front();
  if (zero_point < -32768 || zero_point > 32767) unsupported(fmt::format("a zero point of {}", zero_point));
  // Converters write the scale 0 for constants that are zero everywhere.
  const float scale = s.scaling.scales.front();
  if (!(scale >= 0.0F && std::isfinite(scale))) unsupported(fmt::format("a scale of {}", scale));
  return {scale == 0.0F ? std::numeric_limits<float>::min() : scale,
          static_cast<std::int32_t>(zero_point) - (s.type == Type::u8 ? 128 : 0)};
}

std::int64_t product(const Dims& dims, const std::vector<std::size_t>& axes) {
  std::int64_t out = 1;
  for (const std::size_t axis : axes) out *= dims[axis];
  return out;
}

Shape shape_of(const Dims& extents) {
  Shape out;
  std::array<std::uint32_t*, 3> places = {&out.h, &out.w, &out.c};
  for (std::size_t k = 0; k < extents.size(); ++k) {
    const bool last = k + 1 == extents.size();
    const std::int64_t most = last ? static_cast<std::int64_t>(kMaxElements) : std::int64_t{kMaxDimension};
    if (extents[k] < 1 || extents[k] > most) unsupported(fmt::format("an extent of {}", extents[k]));
    *places[k + 3 - extents.size()] = static_cast<std::uint32_t>(extents[k]);
  }
  return out;
}

Shape boundary_shape(const Dims& dims) {
  Dims own = dims;
  if (own.size() > 1 && own.front() == 1) own.erase(own.begin());
  while (own.size() > 3) {
    own[1] *= own[0];
    own.erase(own.begin());
  }
  return shape_of(own);
}

const Lowering::Row* Lowering::row_of(std::string_view op) {
  static constexpr Row kRows[] = {
      {"input", &Lowering::source},
      {"constant", &Lowering::source},
      {"state", &Lowering::source},
      {"result", &Lowering::result},
      {"select", &Lowering::select},
      {"cast", &Lowering::cast},
      {"quantize", &Lowering::conversion},
      {"dequantize", &Lowering::conversion},
      {"requantize", &Lowering::conversion},
      {"reshape", &Lowering::reshape},
      {"space_to_batch", &Lowering::spread},
      {"transpose", &Lowering::transpose},
      {"slice", &Lowering::slice},
      {"pad", &Lowering::pad},
      {"pad_reflect", &Lowering::pad},
      {"tile", &Lowering::tile},
      {"concat", &Lowering::concat},
      {"gather", &Lowering::gather},
      {"reduce_mean", &Lowering::reduce},
      {"reduce_sum", &Lowering::reduce},
      {"reduce_max", &Lowering::reduce},
      {"reduce_min", &Lowering::reduce},
      {"reduce_prod", &Lowering::reduce},
      {"softmax", &Lowering::along},
      {"log_softmax", &Lowering::along},
      {"argmax", &Lowering::arg},
      {"argmin", &Lowering::arg},
      {"layer_norm", &Lowering::norm},
      {"rms_norm", &Lowering::norm},
      {"l2_norm", &Lowering::norm},
      {"batch_norm", &Lowering::batch_norm},
      {"lrn", &Lowering::lrn},
      {"dense", &Lowering::dense},
      {"matmul", &Lowering::matmul},
      {"conv2d", &Lowering::convolution},
      {"depthwise_conv2d", &Lowering::convolution},
      {"conv2d_transpose", &Lowering::transposed_convolution},
      {"max_pool", &Lowering::pool},
      {"average_pool", &Lowering::pool},
      {"resize_nearest", &Lowering::resize},
      {"resize_bilinear", &Lowering::resize},
      {"lstm", &Lowering::recurrent},
      {"gru", &Lowering::recurrent},
      {"rnn", &Lowering::recurrent},
  };
  const auto* row = std::ranges::find(kRows, op, &Row::op);
  return row == std::end(kRows) ? nullptr : row;
}

void Lowering::step(std::size_t i) {
  if (values_.size() <= i) values_.resize(network_.steps.size(), kNone);
  const Step& s = network_.steps[i];
  if (count_of(s.dims) == 0) unsupported("a value without elements");
  if (s.op == "constant") {
    values_[i] = kConstant;
    return;
  }
  only_order_ = s.op == "minimum" || s.op == "maximum" || s.op.starts_with("less") || s.op.starts_with("greater") ||
                s.op.ends_with("equal");
  const Row* row = row_of(s.op);
  const Function function = on_integers(s)     ? &Lowering::integers
                            : row != nullptr   ? row->function
                            : s.in.size() == 1 ? &Lowering::unary
                                               : &Lowering::binary;
  const Index made = (this->*function)(s);
  values_[i] = made;
  if (s.op == "input" || s.op == "state")
    records_.call(records_.layer(made).op == Op::requantize ? static_cast<Index>(made - 1U) : made, s.name);
}

DType Lowering::own_type(const Step& s) const {
  const auto i = static_cast<std::size_t>(&s - network_.steps.data());
  return values_[i] < 0 ? dtype_of(s) : records_.layer(static_cast<Index>(values_[i])).dtype;
}

Lowering::Index Lowering::of_step(int step, DType type, const Shape* shape) {
  const Step& s = network_.steps[static_cast<std::size_t>(step)];
  const int made = values_[static_cast<std::size_t>(step)];
  if (made != kConstant) {
    const Index value = shape == nullptr ? static_cast<Index>(made) : records_.shaped(static_cast<Index>(made), *shape);
    return as(value, type);
  }
  require_exact(s.weights.front(), type);
  const auto [at, fresh] = constants_.try_emplace({step, type});
  if (fresh) {
    Layer constant = layer(s, "constant", type);
    constant.param_dtype = type;
    constant.shape = shape == nullptr ? boundary_shape(s.dims) : *shape;
    if (type == DType::s8 && s.type == Type::u8) {
      at->second = records_.add(constant, {}, {signed_bytes(s.weights.front())});
    } else {
      at->second = records_.add(constant, {}, s.weights);
    }
  }
  return shape == nullptr ? at->second : records_.shaped(at->second, *shape);
}

void Lowering::require_exact(const Literal& constant, DType type) const {
  const bool plain = is_whole(constant.type()) && constant.scaling.scales.empty();
  const bool real = type == DType::f32;
  if (!plain || bytes_of(constant.type()) < 4 || (real ? only_order_ : type != DType::s32)) return;
  for (std::int64_t i = 0; i < constant.count(); ++i) {
    const std::int64_t v = constant.whole(i);
    const bool wide = constant.type() == Type::u64 && v < 0;
    const auto rounded = static_cast<float>(v);
    if (real && !wide && std::abs(rounded) < 0x1p63F && static_cast<std::int64_t>(rounded) == v) continue;
    if (real && v == std::numeric_limits<std::int64_t>::min()) continue;
    if (!real && !wide && v == static_cast<std::int32_t>(v)) continue;
    unsupported(wide   ? fmt::format("the constant {}, which is no int32", static_cast<std::uint64_t>(v))
                : real ? fmt::format("whole numbers of the run are computed in float32, which holds them up to 2^24, "
                                     "and one operand is {}",
                                     v)
                       : fmt::format("the constant {}; whole numbers of the run are int32", v),
                "compute with real numbers there, or outside of the model");
  }
}

Lowering::Index Lowering::as(Index value, DType type) {
  const DType from = records_.layer(value).dtype;
  if (from == type) return value;
  if (quantized(from) || quantized(type))
    unsupported("quantised values meet others that are not", "export it again with the same types on both sides");
  Layer made;
  made.op = Op::cast;
  made.dtype = type;
  return records_.add(made, {value});
}

Layer Lowering::layer(const Step& s, std::string_view op, DType type) {
  Layer out;
  out.op = operator_named(op);
  out.dtype = type;
  if (quantized(type)) out.quantization = quantization_of(s);
  return out;
}

Lowering::Index Lowering::source(const Step& s) {
  Layer made = layer(s, s.op, dtype_of(s));
  made.shape = boundary_shape(s.dims);
  const bool bytes = s.type == Type::u8 && quantized(made.dtype);
  if (s.op == "input" && bytes) {  // as the file has it
    const Quantization inside = made.quantization;
    made.dtype = DType::u8;
    made.quantization.zero_point += 128;
    return requantized(records_.add(made, {}), DType::s8, inside);
  }
  if (s.weights.empty()) return records_.add(made, {});
  require_exact(s.weights.front(), made.dtype);
  made.param_dtype = made.dtype, made.param_bytes = 1;  // a state that begins with values
  return records_.add(made, {}, bytes ? std::vector{signed_bytes(s.weights.front())} : s.weights);
}

Lowering::Index Lowering::unary(const Step& s) {
  if (s.op == "logical_not") return records_.add(layer(s, s.op, DType::boolean), {as(value(s), DType::boolean)});
  Layer made = layer(s, s.op);
  made.alpha = s.alpha, made.beta = s.beta;
  return records_.add(made, {real(s)});
}

std::vector<Lowering::Index> Lowering::together(const Step& s, std::initializer_list<DType> types) {
  const std::size_t rank = s.dims.size();
  const auto wide = [&](std::size_t i) {
    Dims own = in(s, i).dims;
    own.insert(own.begin(), static_cast<std::ptrdiff_t>(rank - own.size()), 1);
    return own;
  };
  const auto groups = grouped(s.dims, [&](std::size_t k) {
    int pattern = 0;
    for (std::size_t i = 0; i < types.size(); ++i)
      if (wide(i)[k] == 1) pattern |= 1 << i;
    return pattern;
  });
  std::vector<Index> out;
  for (const DType type : types) {
    const std::size_t i = out.size();
    const Dims own = wide(i);
    if (groups.size() <= 3) {
      Dims extents;
      for (const std::vector<std::size_t>& group : groups) extents.push_back(product(own, group));
      const Shape shape = shape_of(extents);
      out.push_back(of_step(s.in[i], type, &shape));
      continue;
    }
    // Too many turns between the operands' axes: all in full, and all axes are one.
    Dims times = s.dims;
    for (std::size_t k = 0; k < rank; ++k) times[k] /= own[k];
    out.push_back(records_.shaped(tiled(of_step(s.in[i], type, nullptr), own, times), shape_of({count_of(s.dims)})));
  }
  return out;
}

Lowering::Index Lowering::binary(const Step& s) {
  const Op op = operator_named(s.op);
  if (is_logical(op))
    return records_.add(layer(s, s.op, DType::boolean), together(s, {DType::boolean, DType::boolean}));
  return records_.add(layer(s, s.op, is_comparison(op) ? DType::boolean : DType::f32),
                      together(s, {DType::f32, DType::f32}));
}

Lowering::Index Lowering::select(const Step& s) {
  const DType a = own_type(in(s, 1)), b = own_type(in(s, 2)), type = a == b ? a : DType::f32;
  if (quantized(type) && !(quantization_of(in(s, 1)) == quantization_of(in(s, 2))))
    unsupported("it chooses between values of two scales");
  return records_.add(layer(s, s.op, type), together(s, {DType::boolean, type, type}));
}

/// Whole numbers stay what they are; real ones are cut.
Lowering::Index Lowering::cast(const Step& s) {
  const Index from = value(s);
  if (s.type == Type::boolean) return as(from, DType::boolean);
  if (is_real(s.type) || records_.layer(from).dtype == DType::boolean) return as(from, DType::f32);
  return is_real(in(s).type) ? as(as(from, DType::f32), DType::s32) : from;
}

Lowering::Index Lowering::result(const Step& s) { return records_.add(layer(s, "result", dtype_of(s)), {value(s)}); }

void Lowering::outputs() {
  const bool states = std::ranges::any_of(network_.steps, [](const Step& s) { return s.op == "assign"; });
  for (const End& end : network_.outputs) {
    const Step& s = network_.steps[static_cast<std::size_t>(end.step)];
    const Shape shape = boundary_shape(end.dims);
    Index made = of_step(end.step, own_type(s), &shape);
    if (s.type == Type::u8 && quantized(records_.layer(made).dtype)) {
      Quantization outside = records_.layer(made).quantization;
      outside.zero_point += 128;
      made = requantized(made, DType::u8, outside);
    }
    const bool last = made + 1U == records_.size() && !is_source(records_.layer(made).op);
    if (network_.outputs.size() == 1 && last && !states) {
      records_.call(made, end.name);
      continue;
    }
    Layer output;
    output.op = Op::output;
    output.dtype = records_.layer(made).dtype;
    output.quantization = records_.layer(made).quantization;
    records_.call(records_.add(output, {made}), end.name);
  }
}

/// A state that is the next value of another one is read before it changes; where they change places one is copied.
void Lowering::assign_states() {
  struct Next {
    Index value, state;
  };
  std::vector<Next> left;
  for (const Step& s : network_.steps) {
    if (s.op != "assign") continue;
    const Index state = value(s, 0);
    const Shape shape = records_.layer(state).shape;
    const Index next = of_step(s.in[1], records_.layer(state).dtype, &shape);
    if (records_.root(next) != state) left.push_back({next, state});
  }
  while (!left.empty()) {
    const auto unread = std::ranges::find_if(left, [&](const Next& one) {
      return std::ranges::none_of(
          left, [&](const Next& other) { return other.state != one.state && records_.root(other.value) == one.state; });
    });
    if (unread == left.end()) {
      Layer copy;
      copy.op = Op::slice;
      copy.dtype = records_.layer(left.front().value).dtype;
      copy.quantization = records_.layer(left.front().value).quantization;
      copy.shape = records_.layer(left.front().value).shape;
      copy.args = {0, 0, 0, 1, 1, 1};
      left.front().value = records_.add(copy, {left.front().value});
      continue;
    }
    Layer assign;
    assign.op = Op::assign;
    assign.dtype = records_.layer(unread->state).dtype;
    assign.quantization = records_.layer(unread->state).quantization;
    records_.add(assign, {unread->value, unread->state});
    left.erase(unread);
  }
}

OwnedModel lower(const Network& network, std::vector<NotLowered>& refused) {
  Records records;
  Lowering lowering(network, records);
  const std::vector<bool> wanted = needed(network);
  for (std::size_t i = 0; i < network.steps.size(); ++i) {
    const Step& s = network.steps[i];
    if (!wanted[i] || s.op == "assign") continue;
    const bool whole = s.op == "space_to_batch" ? lowering.lowered(static_cast<std::size_t>(s.in[1]))
                                                : std::ranges::all_of(s.in, [&](int operand) {
                                                    return lowering.lowered(static_cast<std::size_t>(operand));
                                                  });
    try {
      if (whole) lowering.step(i);
    } catch (const Unsupported& reason) {
      refused.push_back({i, reason.why, reason.remedy});
    }
  }
  if (!refused.empty()) return {};
  try {
    lowering.outputs();
    lowering.assign_states();
    return records.finish();
  } catch (const Unsupported& reason) {
    refused.push_back({static_cast<std::size_t>(network.outputs.front().step), reason.why, reason.remedy});
    return {};
  }
}

}  // namespace mote::tool::foreign
