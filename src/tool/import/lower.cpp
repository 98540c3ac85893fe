// SPDX-License-Identifier: Apache-2.0
// Which step goes where, sources, and operators element by element.
#include "tool/import/lower.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace mote::tool::foreign {
namespace {

DType dtype_of(Type type) {
  switch (type) {
    case Type::s8: return DType::s8;
    case Type::s32:
    case Type::s64:
    case Type::u32:
    case Type::u64:
    case Type::u16:
    case Type::s16: return DType::s32;
    default: return DType::f32;
  }
}

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
      {"assign", &Lowering::assign},
      {"result", &Lowering::result},
      {"select", &Lowering::select},
      {"cast", &Lowering::cast},
      {"quantize", &Lowering::cast},
      {"dequantize", &Lowering::cast},
      {"requantize", &Lowering::cast},
      {"reshape", &Lowering::reshape},
      {"space_to_batch", &Lowering::spread},
      {"transpose", &Lowering::transpose},
      {"slice", &Lowering::slice},
      {"pad", &Lowering::pad},
      {"pad_reflect", &Lowering::pad_reflect},
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
      {"l2_norm", &Lowering::norm},
      {"batch_norm", &Lowering::batch_norm},
      {"lrn", &Lowering::lrn},
      {"dense", &Lowering::dense},
      {"matmul", &Lowering::matmul},
      {"conv2d", &Lowering::convolution},
      {"depthwise_conv2d", &Lowering::convolution},
      {"conv2d_transpose", &Lowering::convolution},
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
  const Row* row = row_of(s.op);
  const Function function = row != nullptr ? row->function : s.in.size() == 1 ? &Lowering::unary : &Lowering::binary;
  const Index made = (this->*function)(s);
  values_[i] = made;
  if (!s.name.empty()) records_.call(made, s.name);
}

Lowering::Index Lowering::value(const Step& s, std::size_t i) const {
  return static_cast<Index>(values_[static_cast<std::size_t>(s.in[i])]);
}

Layer Lowering::layer(const Step& s, std::string_view op) {
  Layer out;
  out.op = operator_named(op);
  out.dtype = dtype_of(s.type);
  if (!s.scaling.scales.empty() && s.type != Type::s32) unsupported("layers of whole numbers are not there yet");
  return out;
}

Lowering::Index Lowering::source(const Step& s) {
  Layer made = layer(s, s.op);
  made.shape = boundary_shape(s.dims);
  if (s.op == "constant") made.param_dtype = made.dtype;
  return records_.add(made, {}, s.weights);
}

Lowering::Index Lowering::unary(const Step& s) {
  Layer made = layer(s, s.op);
  made.alpha = s.alpha, made.beta = s.beta;
  return records_.add(made, {value(s)});
}

Lowering::Index Lowering::operand(const Step& s, std::size_t i, const std::vector<std::vector<std::size_t>>& groups,
                                  std::size_t rank) {
  Dims own = in(s, i).dims;
  own.insert(own.begin(), rank - own.size(), 1);
  Dims extents;
  for (const std::vector<std::size_t>& group : groups) extents.push_back(product(own, group));
  return value(s, i, shape_of(extents));
}

Lowering::Index Lowering::binary(const Step& s) {
  const std::size_t rank = s.dims.size();
  const auto broadcasts = [&](std::size_t operand, std::size_t axis) {
    const Dims& own = in(s, operand).dims;
    const std::size_t skip = rank - own.size();
    return axis < skip || own[axis - skip] == 1;
  };
  const auto groups =
      grouped(s.dims, [&](std::size_t k) { return (broadcasts(0, k) ? 1 : 0) + (broadcasts(1, k) ? 2 : 0); });
  Layer made = layer(s, s.op);
  if (groups.size() <= 3) return records_.add(made, {operand(s, 0, groups, rank), operand(s, 1, groups, rank)});
  // Too many turns between the operands' axes: both in full, and all axes are one.
  std::array<Index, 2> whole{};
  const Shape flat = shape_of({count_of(s.dims)});
  for (std::size_t i = 0; i < 2; ++i) {
    Dims own = in(s, i).dims, times = s.dims;
    own.insert(own.begin(), rank - own.size(), 1);
    for (std::size_t k = 0; k < rank; ++k) times[k] /= own[k];
    whole[i] = records_.shaped(tiled(value(s, i), own, times), flat);
  }
  return records_.add(made, {whole[0], whole[1]});
}

Lowering::Index Lowering::select(const Step& s) {
  const std::size_t rank = s.dims.size();
  const auto broadcasts = [&](std::size_t operand, std::size_t axis) {
    const Dims& own = in(s, operand).dims;
    const std::size_t skip = rank - own.size();
    return axis < skip || own[axis - skip] == 1;
  };
  const auto groups = grouped(s.dims, [&](std::size_t k) {
    return (broadcasts(0, k) ? 1 : 0) + (broadcasts(1, k) ? 2 : 0) + (broadcasts(2, k) ? 4 : 0);
  });
  if (groups.size() > 3) unsupported("operands that repeat along too many axes in turn");
  return records_.add(layer(s, "select"),
                      {operand(s, 0, groups, rank), operand(s, 1, groups, rank), operand(s, 2, groups, rank)});
}

Lowering::Index Lowering::cast(const Step& s) { return records_.add(layer(s, s.op), {value(s)}); }

Lowering::Index Lowering::assign(const Step& s) {
  const Index state = value(s, 0);
  return records_.add(layer(s, "assign"), {value(s, 1, records_.layer(state).shape), state});
}

Lowering::Index Lowering::result(const Step& s) {
  Layer made = layer(s, "result");
  return records_.add(made, {value(s)});
}

void Lowering::outputs() {
  for (const End& end : network_.outputs) {
    const Step& s = network_.steps[static_cast<std::size_t>(end.step)];
    const Index made =
        records_.shaped(static_cast<Index>(values_[static_cast<std::size_t>(end.step)]), boundary_shape(end.dims));
    if (network_.outputs.size() == 1 && made + 1U == records_.size() && made != 0) {
      records_.call(made, end.name);
      continue;
    }
    records_.call(records_.add(layer(s, "output"), {made}), end.name);
  }
}

OwnedModel lower(const Network& network, std::vector<NotLowered>& refused) {
  Records records;
  Lowering lowering(network, records);
  const std::vector<bool> wanted = needed(network);
  for (std::size_t i = 0; i < network.steps.size(); ++i) {
    if (!wanted[i]) continue;
    const Step& s = network.steps[i];
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
  } catch (const Unsupported& reason) {
    refused.push_back({static_cast<std::size_t>(network.outputs.front().step), reason.why, reason.remedy});
    return {};
  }
  return records.finish();
}

}  // namespace mote::tool::foreign
