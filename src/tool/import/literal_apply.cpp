// SPDX-License-Identifier: Apache-2.0
// Operators on constants, by the names of the records.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tool/import/literal.hpp"

namespace mote::tool::foreign {
namespace {

double rounded_half_even(double v) {
  const double below = std::floor(v), over = v - below;
  if (over != 0.5) return std::floor(v + 0.5);
  return std::fmod(below, 2.0) == 0.0 ? below : below + 1.0;
}

using Unary = double (*)(double v, double alpha, double beta);
struct UnaryRow {
  std::string_view name;
  Unary function;
};
constexpr UnaryRow kUnary[] = {
    {"exp", [](double v, double, double) { return std::exp(v); }},
    {"log", [](double v, double, double) { return std::log(v); }},
    {"sqrt", [](double v, double, double) { return std::sqrt(v); }},
    {"rsqrt", [](double v, double, double) { return 1.0 / std::sqrt(v); }},
    {"abs", [](double v, double, double) { return std::abs(v); }},
    {"neg", [](double v, double, double) { return -v; }},
    {"square", [](double v, double, double) { return v * v; }},
    {"sin", [](double v, double, double) { return std::sin(v); }},
    {"cos", [](double v, double, double) { return std::cos(v); }},
    {"floor", [](double v, double, double) { return std::floor(v); }},
    {"ceil", [](double v, double, double) { return std::ceil(v); }},
    {"round", [](double v, double, double) { return rounded_half_even(v); }},
    {"sign", [](double v, double, double) { return v > 0.0   ? 1.0
                                                   : v < 0.0 ? -1.0
                                                             : v; }},
    {"logical_not", [](double v, double, double) { return v == 0.0 ? 1.0 : 0.0; }},
    {"relu", [](double v, double, double) { return std::max(v, 0.0); }},
    {"relu6", [](double v, double, double) { return std::clamp(v, 0.0, 6.0); }},
    {"clip", [](double v, double low, double high) { return std::min(std::max(v, low), high); }},
    {"sigmoid", [](double v, double, double) { return 1.0 / (1.0 + std::exp(-v)); }},
    {"tanh", [](double v, double, double) { return std::tanh(v); }},
};

std::int64_t wrapped(std::uint64_t v) { return static_cast<std::int64_t>(v); }
std::uint64_t bits(std::int64_t v) { return static_cast<std::uint64_t>(v); }

/// Of whole numbers, whose result is one. The other functions are not asked for of them.
using WholeUnary = std::int64_t (*)(std::int64_t v);
struct WholeUnaryRow {
  std::string_view name;
  WholeUnary function;
};
constexpr WholeUnaryRow kWholeUnary[] = {
    {"abs", [](std::int64_t v) { return v < 0 ? wrapped(0 - bits(v)) : v; }},
    {"neg", [](std::int64_t v) { return wrapped(0 - bits(v)); }},
    {"square", [](std::int64_t v) { return wrapped(bits(v) * bits(v)); }},
    {"floor", [](std::int64_t v) { return v; }},
    {"ceil", [](std::int64_t v) { return v; }},
    {"round", [](std::int64_t v) { return v; }},
    {"sign", [](std::int64_t v) { return std::int64_t{v > 0} - std::int64_t{v < 0}; }},
    {"relu", [](std::int64_t v) { return std::max<std::int64_t>(v, 0); }},
    {"relu6", [](std::int64_t v) { return std::clamp<std::int64_t>(v, 0, 6); }},
};

/// Whole numbers are computed as such: those of shapes reach 2^63.
std::int64_t divided(std::int64_t a, std::int64_t b, bool down) {
  if (b == 0) unsupported("a constant is divided by zero");
  if (b == -1) return a == std::numeric_limits<std::int64_t>::min() ? a : -a;
  const std::int64_t quotient = a / b;
  return down && a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}
std::int64_t remainder(std::int64_t a, std::int64_t b) {
  if (b == 0) unsupported("a constant is divided by zero");
  if (b == -1) return 0;
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
/// By squares; of a negative exponent what division leaves.
std::int64_t power(std::int64_t a, std::int64_t b) {
  if (b < 0) {
    if (a == 0) unsupported("a constant is divided by zero");
    return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0;
  }
  std::uint64_t out = 1, factor = bits(a);
  for (std::uint64_t left = bits(b); left != 0; left >>= 1U, factor *= factor)
    if ((left & 1U) != 0) out *= factor;
  return wrapped(out);
}

/// Unsigned numbers that have no signed counterpart only go where their sign does not matter.
void require_signed(const Literal& a) {
  if (a.type() != Type::u64) return;
  for (std::int64_t i = 0; i < a.count(); ++i)
    if (a.whole(i) < 0) unsupported("whole numbers of 2^63 and more");
}

struct BinaryRow {
  std::string_view name;
  double (*real)(double, double);
  std::int64_t (*whole)(std::int64_t, std::int64_t);
};
constexpr BinaryRow kArithmetic[] = {
    {"add", [](double a, double b) { return a + b; }, [](auto a, auto b) { return wrapped(bits(a) + bits(b)); }},
    {"sub", [](double a, double b) { return a - b; }, [](auto a, auto b) { return wrapped(bits(a) - bits(b)); }},
    {"mul", [](double a, double b) { return a * b; }, [](auto a, auto b) { return wrapped(bits(a) * bits(b)); }},
    {"div", [](double a, double b) { return a / b; }, [](auto a, auto b) { return divided(a, b, false); }},
    {"floor_div", [](double a, double b) { return std::floor(a / b); },
     [](auto a, auto b) { return divided(a, b, true); }},
    {"floor_mod", [](double a, double b) { return a - b * std::floor(a / b); },
     [](auto a, auto b) { return remainder(a, b); }},
    {"minimum", [](double a, double b) { return std::min(a, b); }, [](auto a, auto b) { return std::min(a, b); }},
    {"maximum", [](double a, double b) { return std::max(a, b); }, [](auto a, auto b) { return std::max(a, b); }},
    {"pow", [](double a, double b) { return std::pow(a, b); }, [](auto a, auto b) { return power(a, b); }},
    {"squared_difference", [](double a, double b) { return (a - b) * (a - b); },
     [](auto a, auto b) { return wrapped((bits(a) - bits(b)) * (bits(a) - bits(b))); }},
};

struct ComparisonRow {
  std::string_view name;
  bool (*real)(double, double);
  bool (*whole)(std::int64_t, std::int64_t);
};
constexpr ComparisonRow kComparisons[] = {
    {"less", [](double a, double b) { return a < b; }, [](auto a, auto b) { return a < b; }},
    {"less_equal", [](double a, double b) { return a <= b; }, [](auto a, auto b) { return a <= b; }},
    {"greater", [](double a, double b) { return a > b; }, [](auto a, auto b) { return a > b; }},
    {"greater_equal", [](double a, double b) { return a >= b; }, [](auto a, auto b) { return a >= b; }},
    {"equal", [](double a, double b) { return a == b; }, [](auto a, auto b) { return a == b; }},
    {"not_equal", [](double a, double b) { return a != b; }, [](auto a, auto b) { return a != b; }},
    {"logical_and", [](double a, double b) { return a != 0 && b != 0; },
     [](auto a, auto b) { return a != 0 && b != 0; }},
    {"logical_or", [](double a, double b) { return a != 0 || b != 0; },
     [](auto a, auto b) { return a != 0 || b != 0; }},
};

}  // namespace

Literal ranged(const Literal& from, const Literal& to, const Literal& by) {
  constexpr std::int64_t kMost = 10'000'000;
  const auto limited = [](double count) {
    if (!(std::abs(count) < static_cast<double>(kMost))) unsupported("a range of too many numbers");
    return std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil(count)));
  };
  if (is_real(from.type())) {
    Literal out(from.type(), {limited((to.real(0) - from.real(0)) / by.real(0))});
    for (std::int64_t i = 0; i < out.count(); ++i) out.set(i, from.real(0) + static_cast<double>(i) * by.real(0));
    return out;
  }
  for (const Literal* one : {&from, &to, &by}) require_signed(*one);
  const std::int64_t first = from.whole(0), step = by.whole(0), end = to.whole(0);
  if (step == 0) unsupported("a range with a step of 0");
  // Nearly the count, and then the count: a difference may have 64 bits.
  static_cast<void>(limited((static_cast<double>(end) - static_cast<double>(first)) / static_cast<double>(step)));
  const bool up = step > 0;
  const std::uint64_t distance = up ? bits(end) - bits(first) : bits(first) - bits(end);
  const std::uint64_t stride = up ? bits(step) : 0 - bits(step);
  const bool any = up ? end > first : end < first;
  Literal out(from.type(), {any ? static_cast<std::int64_t>((distance - 1) / stride + 1) : 0});
  for (std::int64_t i = 0; i < out.count(); ++i) out.set(i, wrapped(bits(first) + bits(i) * bits(step)));
  return out;
}

bool apply_unary(std::string_view op, float alpha, float beta, const Literal& a, Literal& out) {
  const auto* row = std::ranges::find(kUnary, op, &UnaryRow::name);
  if (row == std::end(kUnary)) return false;
  out = Literal(a.type(), a.dims());
  if (const auto* whole = std::ranges::find(kWholeUnary, op, &WholeUnaryRow::name);
      whole != std::end(kWholeUnary) && !is_real(a.type())) {
    require_signed(a);
    for (std::int64_t i = 0; i < a.count(); ++i) out.set(i, whole->function(a.whole(i)));
    return true;
  }
  for (std::int64_t i = 0; i < a.count(); ++i)
    out.set(i, row->function(a.real(i), static_cast<double>(alpha), static_cast<double>(beta)));
  return true;
}

bool apply_binary(std::string_view op, const Literal& a, const Literal& b, Literal& out) {
  const Dims dims = broadcast(a.dims(), b.dims());
  const Literal x = broadcast_to(a, dims), y = broadcast_to(b, dims);
  const bool real = is_real(a.type()) || is_real(b.type());
  const bool wraps = op == "add" || op == "sub" || op == "mul" || op == "squared_difference";
  if (!real && !wraps) require_signed(a), require_signed(b);
  if (const auto* row = std::ranges::find(kArithmetic, op, &BinaryRow::name); row != std::end(kArithmetic)) {
    out = Literal(a.type(), dims);
    for (std::int64_t i = 0; i < out.count(); ++i)
      real ? out.set(i, row->real(x.real(i), y.real(i))) : out.set(i, row->whole(x.whole(i), y.whole(i)));
    return true;
  }
  const auto* row = std::ranges::find(kComparisons, op, &ComparisonRow::name);
  if (row == std::end(kComparisons)) return false;
  out = Literal(Type::boolean, dims);
  for (std::int64_t i = 0; i < out.count(); ++i)
    out.set(i, std::int64_t{real ? row->real(x.real(i), y.real(i)) : row->whole(x.whole(i), y.whole(i))});
  return true;
}

Literal selected(const Literal& condition, const Literal& a, const Literal& b) {
  const Dims dims = broadcast(broadcast(condition.dims(), a.dims()), b.dims());
  const Literal c = broadcast_to(condition, dims), x = broadcast_to(a, dims), y = broadcast_to(b, dims);
  Literal out(a.type(), dims);
  for (std::int64_t i = 0; i < out.count(); ++i) {
    const Literal& from = c.whole(i) != 0 ? x : y;
    is_real(a.type()) ? out.set(i, from.real(i)) : out.set(i, from.whole(i));
  }
  return out;
}

bool apply_reduction(std::string_view op, const Dims& axes, const Literal& a, Literal& out) {
  const bool sum = op == "reduce_sum", mean = op == "reduce_mean", prod = op == "reduce_prod";
  const bool most = op == "reduce_max", least = op == "reduce_min";
  if (!sum && !mean && !prod && !most && !least) return false;
  Dims dims = a.dims();
  std::int64_t members = 1;
  for (const std::int64_t axis : axes) {
    members *= dims[static_cast<std::size_t>(axis)];
    dims[static_cast<std::size_t>(axis)] = 1;
  }
  const Dims own = strides_of(a.dims()), to = strides_of(dims);
  const auto over = [&](auto start, auto&& next) {
    std::vector<decltype(start)> totals(static_cast<std::size_t>(count_of(dims)), start);
    for (std::int64_t i = 0; i < a.count(); ++i) {
      std::int64_t at = 0, rest = i;
      for (std::size_t k = 0; k < dims.size(); ++k) {
        if (dims[k] != 1) at += rest / own[k] * to[k];
        rest %= own[k];
      }
      next(totals[static_cast<std::size_t>(at)], i);
    }
    return totals;
  };
  out = Literal(a.type(), dims);
  if (!is_real(a.type())) {
    using Limits = std::numeric_limits<std::int64_t>;
    if (!sum && !prod) require_signed(a);
    if (mean && members == 0) unsupported("the mean of nothing");
    const std::int64_t start = prod ? 1 : most ? Limits::min() : least ? Limits::max() : 0;
    const std::vector<std::int64_t> totals = over(start, [&](std::int64_t& total, std::int64_t i) {
      const std::int64_t v = a.whole(i);
      total = prod    ? wrapped(bits(total) * bits(v))
              : most  ? std::max(total, v)
              : least ? std::min(total, v)
                      : wrapped(bits(total) + bits(v));
    });
    for (std::int64_t i = 0; i < out.count(); ++i) {
      const std::int64_t total = totals[static_cast<std::size_t>(i)];
      out.set(i, mean ? total / members : total);
    }
    return true;
  }
  const double start = prod ? 1.0 : most ? -INFINITY : least ? INFINITY : 0.0;
  const std::vector<double> totals = over(start, [&](double& total, std::int64_t i) {
    const double v = a.real(i);
    total = prod ? total * v : most ? std::max(total, v) : least ? std::min(total, v) : total + v;
  });
  for (std::int64_t i = 0; i < out.count(); ++i) {
    const double total = totals[static_cast<std::size_t>(i)];
    out.set(i, mean ? total / static_cast<double>(members) : total);
  }
  return true;
}

}  // namespace mote::tool::foreign
