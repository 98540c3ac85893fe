// SPDX-License-Identifier: Apache-2.0
#include "import/network_reference.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace mote::test {
namespace {

using namespace tool::foreign;

double value(const Literal& a, std::int64_t i) { return a.real(i); }
std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Calls visit(index of each axis, number of the element) for all of `dims`.
template <class Visit>
void each(const Dims& dims, Visit&& visit) {
  const std::int64_t count = count_of(dims);
  Dims index(dims.size(), 0);
  for (std::int64_t i = 0; i < count; ++i) {
    visit(index, i);
    for (std::size_t k = dims.size(); k-- > 0;) {
      if (++index[k] < dims[k]) break;
      index[k] = 0;
    }
  }
}

/// The element of `a` that belongs to `index` by NumPy's rule.
double broadcast_value(const Tensor& a, const Dims& index) {
  const Dims strides = strides_of(a.dims);
  std::int64_t offset = 0;
  const std::size_t skip = index.size() - a.dims.size();
  for (std::size_t k = 0; k < a.dims.size(); ++k)
    if (a.dims[k] != 1) offset += index[k + skip] * strides[k];
  return a.values[at(offset)];
}

double sigmoid(double v) { return 1.0 / (1.0 + std::exp(-v)); }

double unary(const Step& s, double v) {
  const std::string& op = s.op;
  const auto alpha = static_cast<double>(s.alpha), beta = static_cast<double>(s.beta);
  if (op == "exp") return std::exp(v);
  if (op == "log") return std::log(v);
  if (op == "sqrt") return std::sqrt(v);
  if (op == "rsqrt") return 1.0 / std::sqrt(v);
  if (op == "abs") return std::abs(v);
  if (op == "neg") return -v;
  if (op == "square") return v * v;
  if (op == "sin") return std::sin(v);
  if (op == "cos") return std::cos(v);
  if (op == "floor") return std::floor(v);
  if (op == "ceil") return std::ceil(v);
  if (op == "round") return std::nearbyint(v);
  if (op == "sign") return static_cast<double>((v > 0) - (v < 0));
  if (op == "logical_not") return v == 0.0 ? 1.0 : 0.0;
  if (op == "relu") return std::max(v, 0.0);
  if (op == "relu6") return std::clamp(v, 0.0, 6.0);
  if (op == "clip") return std::min(std::max(v, alpha), beta);
  if (op == "leaky_relu") return v > 0 ? v : alpha * v;
  if (op == "elu") return v > 0 ? v : std::expm1(v);
  if (op == "selu") return 1.0507009873554805 * (v > 0 ? v : 1.6732632423543772 * std::expm1(v));
  if (op == "softplus") return std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v)));
  if (op == "sigmoid") return sigmoid(v);
  if (op == "tanh") return std::tanh(v);
  if (op == "hard_sigmoid") return std::clamp(alpha * v + beta, 0.0, 1.0);
  if (op == "hard_swish") return v * std::clamp(v + 3.0, 0.0, 6.0) / 6.0;
  if (op == "gelu") return 0.5 * v * (1.0 + std::erf(v / std::sqrt(2.0)));
  if (op == "gelu_tanh") return 0.5 * v * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (v + 0.044715 * v * v * v)));
  throw std::runtime_error("no reference for " + op);
}

double binary(const std::string& op, double a, double b) {
  if (op == "add") return a + b;
  if (op == "sub") return a - b;
  if (op == "mul") return a * b;
  if (op == "div") return a / b;
  if (op == "minimum") return std::min(a, b);
  if (op == "maximum") return std::max(a, b);
  if (op == "pow") return std::pow(a, b);
  if (op == "squared_difference") return (a - b) * (a - b);
  if (op == "prelu") return a > 0 ? a : a * b;
  if (op == "less") return a < b ? 1 : 0;
  if (op == "less_equal") return a <= b ? 1 : 0;
  if (op == "greater") return a > b ? 1 : 0;
  if (op == "greater_equal") return a >= b ? 1 : 0;
  if (op == "equal") return a == b ? 1 : 0;
  if (op == "not_equal") return a != b ? 1 : 0;
  if (op == "logical_and") return a != 0 && b != 0 ? 1 : 0;
  if (op == "logical_or") return a != 0 || b != 0 ? 1 : 0;
  throw std::runtime_error("no reference for " + op);
}

/// What float32 keeps, as every value between two layers is.
double stored(const Step& s, double v) { return s.type == Type::f32 ? static_cast<double>(static_cast<float>(v)) : v; }

}  // namespace

NetworkReference::NetworkReference(const Network& network) : network_(network), needed_(network.steps.size(), false) {
  for (const End& end : network.outputs) needed_[at(end.step)] = true;
  for (std::size_t i = network.steps.size(); i-- > 0;) {
    const Step& s = network.steps[i];
    if (s.op == "assign") needed_[i] = true;
    if (!needed_[i]) continue;
    if (s.op == "space_to_batch")
      needed_[at(s.in[1])] = true;
    else
      for (const int operand : s.in) needed_[at(operand)] = true;
  }
}

std::vector<Tensor> NetworkReference::run(const std::vector<Tensor>& inputs) {
  results_.assign(network_.steps.size(), {});
  cells_.clear();
  for (std::size_t i = 0; i < network_.inputs.size(); ++i) results_[at(network_.inputs[i].step)] = inputs[i];
  for (std::size_t i = 0; i < network_.steps.size(); ++i)
    if (needed_[i] && network_.steps[i].op != "input") compute(i);
  for (std::size_t i = 0; i < network_.steps.size(); ++i)
    if (network_.steps[i].op == "assign") states_[network_.steps[i].in[0]] = results_[at(network_.steps[i].in[1])];
  std::vector<Tensor> out;
  for (const End& end : network_.outputs) {
    out.push_back(results_[at(end.step)]);
    out.back().dims = end.dims;
  }
  return out;
}

void NetworkReference::compute(std::size_t step) {
  const Step& s = network_.steps[step];
  Tensor out{s.dims, std::vector<double>(at(count_of(s.dims)), 0.0)};
  if (s.op == "constant" || (s.op == "state" && !states_.contains(static_cast<int>(step)))) {
    if (!s.weights.empty())
      for (std::int64_t i = 0; i < s.weights[0].count(); ++i) out.values[at(i)] = value(s.weights[0], i);
  } else if (s.op == "state") {
    out = states_[static_cast<int>(step)];
  } else if (s.op == "assign") {
    return;
  } else if (s.op == "result") {
    out.values = cells_[s.in[0]].values;
  } else if (s.op == "lstm" || s.op == "gru" || s.op == "rnn") {
    recurrent(step, out);
  } else if (!movement(s, out) && !arithmetic(s, out) && !windows(s, out)) {
    elementwise(s, out);
  }
  for (double& v : out.values) v = stored(s, v);
  results_[step] = std::move(out);
}

void NetworkReference::elementwise(const Step& s, Tensor& out) {
  if (s.op == "select") {
    each(s.dims, [&](const Dims& index, std::int64_t i) {
      out.values[at(i)] = broadcast_value(in(s, broadcast_value(in(s), index) != 0 ? 1 : 2), index);
    });
  } else if (s.in.size() == 2) {
    each(s.dims, [&](const Dims& index, std::int64_t i) {
      out.values[at(i)] = binary(s.op, broadcast_value(in(s, 0), index), broadcast_value(in(s, 1), index));
    });
  } else if (s.op == "cast") {
    for (std::size_t i = 0; i < out.values.size(); ++i) {
      const double v = in(s).values[i];
      out.values[i] = s.type == Type::f32 ? v : s.type == Type::boolean ? (v != 0 ? 1.0 : 0.0) : std::trunc(v);
    }
  } else {
    for (std::size_t i = 0; i < out.values.size(); ++i) out.values[i] = unary(s, in(s).values[i]);
  }
}

bool NetworkReference::movement(const Step& s, Tensor& out) {
  if (s.op == "reshape") return out.values = in(s).values, true;
  if (s.op == "space_to_batch") return out.values = in(s, 1).values, true;
  if (s.op == "concat") {
    std::int64_t from = 0;
    for (std::size_t part = 0; part < s.in.size(); ++part) {
      const Tensor& a = in(s, part);
      const Dims strides = strides_of(s.dims);
      each(a.dims, [&](const Dims& index, std::int64_t i) {
        std::int64_t to = from * strides[at(s.number)];
        for (std::size_t k = 0; k < index.size(); ++k) to += index[k] * strides[k];
        out.values[at(to)] = a.values[at(i)];
      });
      from += a.dims[at(s.number)];
    }
    return true;
  }
  if (s.op == "gather") {
    const Tensor &a = in(s), &chosen = in(s, 1);
    const auto axis = at(s.number);
    const Dims strides = strides_of(a.dims), places = strides_of(chosen.dims);
    each(s.dims, [&](const Dims& index, std::int64_t i) {
      std::int64_t from = 0, which = 0;
      for (std::size_t k = 0; k < axis; ++k) from += index[k] * strides[k];
      for (std::size_t k = 0; k < places.size(); ++k) which += index[axis + k] * places[k];
      auto row = static_cast<std::int64_t>(chosen.values[at(which)]);
      if (row < 0) row += a.dims[axis];
      from += row * strides[axis];
      for (std::size_t k = axis + 1; k < a.dims.size(); ++k) from += index[k + places.size() - 1] * strides[k];
      out.values[at(i)] = a.values[at(from)];
    });
    return true;
  }
  const bool transpose = s.op == "transpose", slice = s.op == "slice", tile = s.op == "tile";
  const bool pad = s.op == "pad", reflect = s.op == "pad_reflect";
  if (!transpose && !slice && !tile && !pad && !reflect) return false;
  const Tensor& a = in(s);
  const Dims strides = strides_of(a.dims);
  each(s.dims, [&](const Dims& index, std::int64_t i) {
    std::int64_t from = 0;
    bool outside = false;
    for (std::size_t k = 0; k < index.size(); ++k) {
      const std::size_t axis = transpose ? at(s.axes[k]) : k;
      std::int64_t j = index[k];
      if (slice) j = s.first[k] + j * s.second[k];
      if (tile) j %= a.dims[k];
      if (pad || reflect) j -= s.first[k];
      if (reflect && s.number == 2) {
        j = std::clamp<std::int64_t>(j, 0, a.dims[k] - 1);
      } else if (reflect) {
        const std::int64_t last = a.dims[k] - 1, again = s.number == 1 ? 1 : 0;
        if (j < 0) j = -j - again;
        if (j > last) j = 2 * last - j + again;
      }
      outside = outside || j < 0 || j >= a.dims[axis];
      from += j * strides[axis];
    }
    out.values[at(i)] = outside ? static_cast<double>(s.alpha) : a.values[at(from)];
  });
  return true;
}

bool NetworkReference::arithmetic(const Step& s, Tensor& out) {
  if (s.op.starts_with("reduce_")) {
    const bool most = s.op == "reduce_max", least = s.op == "reduce_min", prod = s.op == "reduce_prod";
    std::fill(out.values.begin(), out.values.end(), most ? -INFINITY : least ? INFINITY : prod ? 1.0 : 0.0);
    const Dims strides = strides_of(s.dims);
    each(in(s).dims, [&](const Dims& index, std::int64_t i) {
      std::int64_t to = 0;
      for (std::size_t k = 0; k < index.size(); ++k)
        if (s.dims[k] != 1) to += index[k] * strides[k];
      double& sum = out.values[at(to)];
      const double v = in(s).values[at(i)];
      sum = most ? std::max(sum, v) : least ? std::min(sum, v) : prod ? sum * v : sum + v;
    });
    if (s.op == "reduce_mean")
      for (double& v : out.values)
        v /= static_cast<double>(in(s).values.size()) / static_cast<double>(out.values.size());
    return true;
  }
  if (s.op == "softmax" || s.op == "log_softmax" || s.op == "argmax" || s.op == "argmin") {
    const Dims dims = in(s).dims;
    const std::int64_t extent = dims[at(s.number)];
    std::int64_t inner = 1;
    for (std::size_t k = at(s.number) + 1; k < dims.size(); ++k) inner *= dims[k];
    const std::vector<double>& x = in(s).values;
    const auto rows = static_cast<std::int64_t>(x.size()) / extent;
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::int64_t base = row / inner * inner * extent + row % inner;
      std::int64_t best = 0;
      for (std::int64_t j = 0; j < extent; ++j) {
        const double v = x[at(base + j * inner)], b = x[at(base + best * inner)];
        if (s.op == "argmin" ? v < b : v > b) best = j;
      }
      if (s.op.starts_with("arg")) {
        out.values[at(row)] = static_cast<double>(best);
        continue;
      }
      double sum = 0;
      for (std::int64_t j = 0; j < extent; ++j) sum += std::exp(x[at(base + j * inner)] - x[at(base + best * inner)]);
      for (std::int64_t j = 0; j < extent; ++j) {
        const double over = x[at(base + j * inner)] - x[at(base + best * inner)];
        out.values[at(base + j * inner)] = s.op == "softmax" ? std::exp(over) / sum : over - std::log(sum);
      }
    }
    return true;
  }
  if (s.op == "layer_norm" || s.op == "rms_norm" || s.op == "l2_norm") {
    std::int64_t length = 1;
    for (const std::int64_t axis : s.axes) length *= s.dims[at(axis)];
    const std::vector<double>& x = in(s).values;
    for (std::int64_t base = 0; base < static_cast<std::int64_t>(x.size()); base += length) {
      double mean = 0, variance = 0, squares = 0;
      for (std::int64_t j = 0; j < length; ++j) mean += x[at(base + j)], squares += x[at(base + j)] * x[at(base + j)];
      mean /= static_cast<double>(length);
      for (std::int64_t j = 0; j < length; ++j) variance += (x[at(base + j)] - mean) * (x[at(base + j)] - mean);
      variance /= static_cast<double>(length);
      for (std::int64_t j = 0; j < length; ++j) {
        double& y = out.values[at(base + j)];
        if (s.op == "l2_norm")
          y = x[at(base + j)] / std::max(std::sqrt(squares), static_cast<double>(s.alpha));
        else if (s.op == "rms_norm")
          y = x[at(base + j)] / std::sqrt(squares / static_cast<double>(length) + static_cast<double>(s.alpha)) *
              value(s.weights[0], j);
        else
          y = (x[at(base + j)] - mean) / std::sqrt(variance + static_cast<double>(s.alpha)) * value(s.weights[0], j) +
              value(s.weights[1], j);
      }
    }
    return true;
  }
  if (s.op == "batch_norm") {
    const std::int64_t channels = s.dims.back();
    for (std::size_t i = 0; i < out.values.size(); ++i) {
      const std::int64_t c = static_cast<std::int64_t>(i) % channels;
      out.values[i] = (in(s).values[i] - value(s.weights[2], c)) /
                          std::sqrt(value(s.weights[3], c) + static_cast<double>(s.alpha)) * value(s.weights[0], c) +
                      value(s.weights[1], c);
    }
    return true;
  }
  if (s.op == "lrn") {
    const std::int64_t channels = s.dims.back(), before = (s.number - 1) / 2, behind = s.number / 2;
    for (std::size_t i = 0; i < out.values.size(); ++i) {
      const std::int64_t c = static_cast<std::int64_t>(i) % channels;
      double sum = 0;
      for (std::int64_t d = -before; d <= behind; ++d)
        if (c + d >= 0 && c + d < channels) {
          const double v = in(s).values[at(static_cast<std::int64_t>(i) + d)];
          sum += v * v;
        }
      const double base = static_cast<double>(s.extra[0]) + static_cast<double>(s.alpha) * sum;
      out.values[i] = in(s).values[i] / std::pow(base, static_cast<double>(s.beta));
    }
    return true;
  }
  if (s.op == "dense") {
    const std::int64_t k = s.weights[0].dims()[0], n = s.weights[0].dims()[1];
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(out.values.size()); ++i) {
      double sum = s.weights.size() > 1 ? value(s.weights[1], i % n) : 0.0;
      for (std::int64_t j = 0; j < k; ++j) sum += in(s).values[at(i / n * k + j)] * value(s.weights[0], j * n + i % n);
      out.values[at(i)] = sum;
    }
    return true;
  }
  if (s.op == "matmul") {
    const std::int64_t rows = s.dims[s.dims.size() - 2], n = s.dims.back(), k = in(s).dims.back();
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(out.values.size()); ++i) {
      const std::int64_t batch = i / (rows * n), row = i / n % rows, column = i % n;
      double sum = 0;
      for (std::int64_t j = 0; j < k; ++j)
        sum += in(s).values[at((batch * rows + row) * k + j)] *
               in(s, 1).values[at(s.number == 1 ? (batch * n + column) * k + j : (batch * k + j) * n + column)];
      out.values[at(i)] = sum;
    }
    return true;
  }
  return false;
}

}  // namespace mote::test
