// SPDX-License-Identifier: Apache-2.0
// Steps element by element and arithmetic; movement is in maker_movement.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "tool/import/network.hpp"

namespace mote::tool::foreign {

namespace {

bool identity(const Dims& order) {
  for (std::size_t i = 0; i < order.size(); ++i)
    if (order[i] != static_cast<std::int64_t>(i)) return false;
  return true;
}

bool gives_boolean(const std::string& op) {
  return op.starts_with("less") || op.starts_with("greater") || op.ends_with("equal") || op.starts_with("logical");
}

}  // namespace

bool moves_only_ones(const Dims& dims, const Dims& order) {
  std::int64_t last = -1;
  for (const std::int64_t axis : order) {
    if (dims[static_cast<std::size_t>(axis)] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

std::size_t Maker::axis_of(std::int64_t axis, std::size_t rank) {
  const auto n = static_cast<std::int64_t>(rank);
  if (axis < -n || axis >= n) unsupported(fmt::format("axis {} of a tensor of rank {}", axis, rank));
  return static_cast<std::size_t>(axis < 0 ? axis + n : axis);
}

Dims Maker::dims(const Value& v) const {
  const Dims& own = step(v).dims;
  if (v.order.empty()) return own;
  Dims out(own.size());
  for (std::size_t i = 0; i < own.size(); ++i) out[i] = own[static_cast<std::size_t>(v.order[i])];
  return out;
}

const Literal& Maker::must_be_constant(const Value& v, const char* what) const {
  if (!constant(v))
    unsupported(fmt::format("its {} is computed from the model's inputs", what), "export the model with fixed shapes");
  return literal(v);
}

void Maker::spend(std::int64_t elements) {
  if (elements > budget - spent_)
    unsupported(fmt::format("the constants that it computes have more than {} elements", budget));
  spent_ += elements;
}

Value Maker::add(Step made) {
  constexpr std::size_t kMostSteps = 200'000;
  if (network.steps.size() >= kMostSteps) unsupported("the model has too many operators");
  static_cast<void>(count_of(made.dims));
  made.origin = origin;
  network.steps.push_back(std::move(made));
  return {static_cast<int>(network.steps.size()) - 1, {}};
}

Value Maker::constant(Literal values) {
  spend(values.count());
  Step made;
  made.op = "constant";
  made.type = values.type();
  made.dims = values.dims();
  made.scaling = values.scaling;
  made.weights.push_back(std::move(values));
  return add(std::move(made));
}

Value Maker::input(std::string name, Type type, Dims dims, Scaling scaling) {
  Step made;
  made.op = "input";
  made.type = type;
  made.dims = dims;
  made.scaling = std::move(scaling);
  made.name = name;
  const Value v = add(std::move(made));
  network.inputs.push_back({v.step, std::move(name), std::move(dims), type});
  return v;
}

int Maker::laid_out(const Value& v) {
  if (v.order.empty() || identity(v.order)) return v.step;
  Step made;
  made.type = type(v);
  made.dims = dims(v);
  made.scaling = step(v).scaling;
  made.in = {v.step};
  if (moves_only_ones(step(v).dims, v.order)) {
    made.op = "reshape";
  } else {
    made.op = "transpose";
    made.axes = v.order;
  }
  return add(std::move(made)).step;
}

/// The order in which the values with most axes lie that are no constants: the one that needs the fewest
/// transpositions.
Dims Maker::order_of_most(const std::vector<Value>& values) const {
  const Value* best = nullptr;
  for (const Value& v : values) {
    if (constant(v)) continue;
    if (best == nullptr || rank(v) > rank(*best) ||
        (rank(v) == rank(*best) && count_of(dims(v)) > count_of(dims(*best))))
      best = &v;
  }
  return best == nullptr ? Dims{} : best->order;
}

int Maker::ordered(const Value& v, const Dims& order) {
  Value wide = v;
  if (rank(v) < order.size()) {
    Dims dims(order.size() - rank(v), 1);
    const Dims own = this->dims(v);
    dims.insert(dims.end(), own.begin(), own.end());
    wide = reshape(v, dims);
  }
  if (wide.order == order || order.empty()) return laid_out(order.empty() ? wide : Value{wide.step, {}});
  Dims inverse(order.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    inverse[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
  return laid_out(transpose(wide, inverse));
}

Value Maker::unary(const std::string& op, const Value& v, float alpha, float beta) {
  if (constant(v)) {
    Literal out;
    spend(literal(v).count());
    if (apply_unary(op, alpha, beta, literal(v), out)) return constant(std::move(out));
  }
  Step made;
  made.op = op;
  made.type = gives_boolean(op) ? Type::boolean : type(v);
  made.dims = step(v).dims;
  made.in = {v.step};
  made.alpha = alpha, made.beta = beta;
  return {add(std::move(made)).step, v.order};
}

Value Maker::binary(const std::string& op, const Value& a, const Value& b) {
  const Dims dims = broadcast(this->dims(a), this->dims(b));
  if (constant(a) && constant(b)) {
    Literal out;
    spend(count_of(dims));
    if (apply_binary(op, literal(a), literal(b), out)) return constant(std::move(out));
  }
  if (op == "add")
    if (const Value biased = with_bias(a, b); biased.there()) return biased;
  if (op == "add")
    if (const Value biased = with_bias(b, a); biased.there()) return biased;
  Dims order = order_of_most({a, b});
  if (order.size() != dims.size()) order.clear();
  const int x = ordered(a, order), y = ordered(b, order);
  Step made;
  made.op = op;
  made.type = gives_boolean(op) ? Type::boolean : type(a);
  made.dims =
      broadcast(network.steps[static_cast<std::size_t>(x)].dims, network.steps[static_cast<std::size_t>(y)].dims);
  made.in = {x, y};
  return {add(std::move(made)).step, order};
}

/// `v` plus a constant that has one value for each of its channels, where `v` is a layer that has no bias yet: that
/// layer once more, with one. What nothing reads falls away.
Value Maker::with_bias(const Value& v, const Value& bias) {
  const Step& s = step(v);
  const bool takes_bias =
      s.op == "dense" || s.op == "conv2d" || s.op == "depthwise_conv2d" || s.op == "conv2d_transpose";
  if (!takes_bias || s.weights.size() != 1 || s.type != Type::f32 || !constant(bias) || type(bias) != Type::f32)
    return {};
  const Dims own = dims(v), given = dims(bias);
  if (given.size() > own.size() || count_of(given) != s.dims.back()) return {};
  const auto channels = static_cast<std::int64_t>(s.dims.size()) - 1;
  for (std::size_t k = 0; k < given.size(); ++k) {
    const std::size_t axis = own.size() - given.size() + k;
    if (given[k] != 1 && (v.order.empty() ? static_cast<std::int64_t>(axis) : v.order[axis]) != channels) return {};
  }
  Step made = s;
  made.name.clear();
  made.weights.push_back(literal(bias).reshaped({s.dims.back()}));
  return {add(std::move(made)).step, v.order};
}

Value Maker::select(const Value& condition, const Value& a, const Value& b) {
  if (constant(condition) && constant(a) && constant(b)) {
    spend(literal(a).count() + literal(b).count() + literal(condition).count());
    return constant(selected(literal(condition), literal(a), literal(b)));
  }
  const Dims dims = broadcast(broadcast(this->dims(condition), this->dims(a)), this->dims(b));
  Dims order = order_of_most({condition, a, b});
  if (order.size() != dims.size()) order.clear();
  Step made;
  made.op = "select";
  made.type = type(a);
  made.in = {ordered(condition, order), ordered(a, order), ordered(b, order)};
  for (const int in : made.in) made.dims = broadcast(made.dims, network.steps[static_cast<std::size_t>(in)].dims);
  return {add(std::move(made)).step, order};
}

Value Maker::cast(const Value& v, Type to) {
  const bool keeps_double = to == Type::f64 && constant(v);
  if (is_real(to) && !keeps_double) to = Type::f32;  // computed in float32
  if (type(v) == to) return v;
  if (constant(v)) {
    spend(literal(v).count());
    return constant(foreign::cast(literal(v), to));
  }
  // Indices are 32 bits wide in the records; whole numbers of 64 bits differ from them in the file only.
  Step made;
  made.op = "cast";
  made.type = to;
  made.dims = step(v).dims;
  made.in = {v.step};
  return {add(std::move(made)).step, v.order};
}

Value Maker::towards_zero(const Value& v) {
  if (constant(v)) return v;  // divided as whole numbers
  const Value zero = scalar(0.0, type(v));
  const Value down = unary("floor", binary("maximum", v, zero));
  return binary("add", down, unary("ceil", binary("minimum", v, zero)));
}

Value Maker::reduce(const std::string& op, const Value& v, const Dims& axes, bool keep) {
  if (op == "reduce_mean" && !is_real(type(v)) && step(v).scaling.scales.empty() && !constant(v)) {
    const Value sum = reduce("reduce_sum", v, axes, keep);
    const std::int64_t members = count_of(dims(v)) / std::max<std::int64_t>(1, count_of(dims(sum)));
    return towards_zero(binary("div", sum, scalar(static_cast<double>(members), type(v))));
  }
  Dims logical;
  for (const std::int64_t axis : axes) logical.push_back(static_cast<std::int64_t>(axis_of(axis, rank(v))));
  std::ranges::sort(logical);
  logical.erase(std::unique(logical.begin(), logical.end()), logical.end());
  Dims kept = dims(v);
  for (const std::int64_t axis : logical) kept[static_cast<std::size_t>(axis)] = 1;
  Value out;
  Literal values;
  if (constant(v)) spend(literal(v).count());
  if (constant(v) && apply_reduction(op, logical, literal(v), values)) {
    out = constant(std::move(values));
  } else {
    Step made;
    made.op = op;
    made.type = type(v);
    made.scaling = step(v).scaling;
    made.dims = step(v).dims;
    made.in = {v.step};
    for (const std::int64_t axis : logical) {
      const std::int64_t at = v.order.empty() ? axis : v.order[static_cast<std::size_t>(axis)];
      made.axes.push_back(at);
      made.dims[static_cast<std::size_t>(at)] = 1;
    }
    out = {add(std::move(made)).step, v.order};
  }
  if (keep) return out;
  Dims dropped;
  for (std::size_t i = 0; i < kept.size(); ++i)
    if (!std::ranges::binary_search(logical, static_cast<std::int64_t>(i))) dropped.push_back(kept[i]);
  return reshape(out, dropped);
}

Value Maker::along(const std::string& op, const Value& v, std::int64_t axis) {
  const std::size_t at = axis_of(axis, rank(v));
  Step made;
  made.op = op;
  made.dims = step(v).dims;
  made.in = {v.step};
  made.number = v.order.empty() ? static_cast<std::int64_t>(at) : v.order[at];
  return {add(std::move(made)).step, v.order};
}

Value Maker::arg(const std::string& op, const Value& v, std::int64_t axis, bool keep) {
  const std::size_t at = axis_of(axis, rank(v));
  Dims dropped = dims(v);
  dropped.erase(dropped.begin() + static_cast<std::ptrdiff_t>(at));
  Step made;
  made.op = op;
  made.type = Type::s32;
  made.dims = step(v).dims;
  made.number = v.order.empty() ? static_cast<std::int64_t>(at) : v.order[at];
  made.dims[static_cast<std::size_t>(made.number)] = 1;
  made.in = {v.step};
  const Value out{add(std::move(made)).step, v.order};
  return keep ? out : reshape(out, dropped);
}

/// a (…, K) times constant weights (K, N). Where `a` is a transposed value whose last axes were flattened, the weights'
/// rows are transposed instead.
Value Maker::dense(const Value& a, const Literal& weights) {
  const Dims rows = dims(a);
  Literal w = weights;
  int x = laid_out(a);
  const Step flat = network.steps[static_cast<std::size_t>(x)];
  if (flat.op == "reshape" && rows.size() == 2) {
    const Step from = network.steps[static_cast<std::size_t>(flat.in.front())];
    // One row is all of the value; of several, each is what lies behind its first axis.
    const std::size_t rows_axes = rows.front() == 1 ? 0 : 1;
    const bool keeps_rows =
        from.op == "transpose" && (rows_axes == 0 || (from.axes.front() == 0 && from.dims.front() == rows.front()));
    if (keeps_rows) {
      Dims seen(from.dims.begin() + static_cast<std::ptrdiff_t>(rows_axes), from.dims.end()), back(seen.size());
      for (std::size_t i = 0; i < back.size(); ++i)
        back[static_cast<std::size_t>(from.axes[i + rows_axes]) - rows_axes] = static_cast<std::int64_t>(i);
      seen.push_back(w.dims().back());
      back.push_back(static_cast<std::int64_t>(seen.size()) - 1);
      spend(w.count());
      w = transposed(w.reshaped(seen), back).reshaped(weights.dims());
      x = reshape({from.in.front(), {}}, rows).step;
    }
  }
  Step made;
  made.op = "dense";
  made.dims = rows;
  made.dims.back() = w.dims().back();
  made.in = {x};
  made.weights.push_back(std::move(w));
  return add(std::move(made));
}

Value Maker::matmul(const Value& a, const Value& b, bool b_transposed) {
  Dims x = dims(a), y = dims(b);
  if (x.empty() || y.empty()) unsupported("a product with a scalar operand");
  if (constant(b) && y.size() == 2) {
    const Literal w = b_transposed ? transposed(literal(b), {1, 0}) : literal(b);
    if (w.dims().front() != x.back())
      unsupported(fmt::format("matrices {} and {} do not go together", text_of(x), text_of(y)));
    spend(w.count());
    return dense(a, w);
  }
  const bool vector_a = x.size() == 1, vector_b = y.size() == 1;
  if (vector_a) x.insert(x.begin(), 1);
  if (vector_b) y.insert(b_transposed ? y.begin() : y.end(), 1);
  const std::size_t inner = b_transposed ? y.size() - 1 : y.size() - 2;
  const std::int64_t columns = b_transposed ? y[y.size() - 2] : y.back();
  if (x.back() != y[inner]) unsupported(fmt::format("matrices {} and {} do not go together", text_of(x), text_of(y)));
  const Dims batch = broadcast(Dims(x.begin(), x.end() - 2), Dims(y.begin(), y.end() - 2));
  const auto full = [&](const Value& v, const Dims& own) {
    Dims to = batch;
    to.insert(to.end(), own.end() - 2, own.end());
    return laid_out(expand(reshape(v, own), to));
  };
  // A transposition of b's last two axes that was put off is the product's own business.
  Step made;
  made.op = "matmul";
  made.dims = batch;
  made.dims.push_back(x[x.size() - 2]);
  made.dims.push_back(columns);
  made.number = b_transposed ? 1 : 0;
  made.in = {full(a, x), full(b, y)};
  Value out = add(std::move(made));
  if (!vector_a && !vector_b) return out;
  Dims dropped = dims(out);
  if (vector_b) dropped.pop_back();
  if (vector_a) dropped.erase(dropped.end() - (vector_b ? 1 : 2));
  return reshape(out, dropped);
}

}  // namespace mote::tool::foreign
