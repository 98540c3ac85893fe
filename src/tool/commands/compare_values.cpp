// SPDX-License-Identifier: Apache-2.0
// See compare.hpp. Every value becomes an output of a model that is run as any other: there is no second executor.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mote/model/element_types.hpp"
#include "mote/model/fold.hpp"
#include "mote/model/quantize_multiplier.hpp"
#include "mote/run/session.hpp"
#include "tool/commands/compare.hpp"
#include "tool/data/description.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/models/model_source.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/threads.hpp"

namespace mote::tool {
namespace {

/// A value that may be compared, and the operator that it is taken for.
struct Candidate {
  std::size_t layer = 0;
  Op op = Op::input;
  bool whole = false;     // whole numbers that stand for integers
  std::size_t depth = 0;  // layers that compute sums on the longest way to it
};

/// What both models do alike, however each of them writes down what is around it.
bool computes_sums(Op op) {
  return op == Op::dense || op == Op::matmul || op == Op::rbf || is_window(op) || is_recurrent(op);
}

bool has_batch_norm(const Model& model) {
  return std::ranges::any_of(model.layers, [](const Layer& l) { return l.op == Op::batch_norm; });
}

/// The operator whose value was quantised to whole numbers in `i`, a clip behind a sum, rounding and a quotient.
Op quantised_in(const Model& model, std::size_t i) {
  for (const Op expected : {Op::clip, Op::add, Op::round, Op::div}) {
    while (is_alias(model.layers[i].op)) i = model.operand(i);
    if (model.layers[i].op == expected)
      i = model.operand(i);
    else if (expected != Op::add)  // where the zero point is 0 there is none
      return Op::clip;
  }
  while (is_alias(model.layers[i].op)) i = model.operand(i);
  return model.layers[i].op;
}

std::vector<Candidate> candidates(const Model& model, const std::vector<bool>& whole, bool other_is_folded) {
  std::vector<std::size_t> readers(model.layers.size(), 0), last(model.layers.size(), 0);
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    for (std::size_t k = 0; k < model.layers[i].input_count; ++k) {
      const std::size_t operand = model.operand(i, k);
      ++readers[operand], last[operand] = i;
    }
  std::vector<Candidate> out;
  std::vector<std::size_t> depth(model.layers.size(), 0);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& l = model.layers[i];
    for (std::size_t k = 0; k < l.input_count; ++k) depth[i] = std::max(depth[i], depth[model.operand(i, k)]);
    if (computes_sums(l.op)) ++depth[i];
    if (is_alias(l.op) || is_valueless(l.op) || is_regularizer(l.op) || l.op == Op::constant || l.op == Op::state)
      continue;
    if (readers[i] == 1) {
      if (narrows_range(model.layers[last[i]])) continue;
      if (other_is_folded && can_fold(model, last[i])) continue;
    }
    const bool folded = other_is_folded && l.op == Op::batch_norm;
    const Op op = folded                         ? model.layers[model.operand(i)].op
                  : whole[i] && l.op == Op::clip ? quantised_in(model, i)
                                                 : l.op;
    out.push_back({i, op, whole[i], depth[i]});
  }
  return out;
}

std::string name_of_value(const Model& model, std::size_t layer) {
  const std::string_view own = name(model, layer);
  if (!own.empty()) return std::string(own);
  for (std::size_t i = layer + 1; i < model.layers.size(); ++i)
    if (model.layers[i].op == Op::output && model.operand(i) == layer && !name(model, i).empty())
      return std::string(name(model, i));
  return {};
}

/// Which layers hold whole numbers as float32 that stand for integers of 8 bits, as imported ONNX files have them: the
/// scale is not in the record.
std::vector<bool> whole_numbers(const Model& model, const Description& known) {
  std::vector<bool> out(model.layers.size(), false);
  std::size_t input = 0;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& l = model.layers[i];
    const std::size_t number = l.op == Op::input ? input++ : 0;
    if (l.dtype != DType::f32) continue;
    if (l.op == Op::input) {
      out[i] = number < known.model_inputs.size() &&
               (known.model_inputs[number].type == "int8" || known.model_inputs[number].type == "uint8");
    } else if (l.op == Op::clip) {
      out[i] = (l.alpha == -128.0F && l.beta == 127.0F) || (l.alpha == 0.0F && l.beta == 255.0F);
    } else if (l.input_count != 0 && (is_alias(l.op) || is_movement(l.op) || l.op == Op::max_pool)) {
      out[i] = out[model.operand(i)];
    }
  }
  return out;
}

/// How much it speaks for a pair; 0: it is none. `in_depth`: only in the same one.
unsigned likeness(const Model& a, const Candidate& x, const std::string& x_name, const Model& b, const Candidate& y,
                  const std::string& y_name, bool in_depth) {
  constexpr unsigned kSameName = 1000, kQuantised = 4, kSameOp = 3, kSameShape = 1;
  const Layer &of_a = a.layers[x.layer], &of_b = b.layers[y.layer];
  const Shape &s = of_a.shape, &t = of_b.shape;
  if (s.elements() != t.elements()) return 0;
  if (x.whole != y.whole && !(x.whole ? quantized(of_b.dtype) : quantized(of_a.dtype))) return 0;
  if (!x_name.empty() && x_name == y_name) return kSameName;
  if (in_depth && x.depth != y.depth) return 0;
  if (x.whole != y.whole && x.op != Op::input) return x.op == y.op ? kQuantised : kSameOp;
  if (!(s == t) || (x.op == Op::input) != (y.op == Op::input)) return 0;
  return x.op == y.op ? kSameOp : kSameShape;
}

/// A model with an output more for each of some values.
class WithOutputs {
 public:
  WithOutputs(const OwnedModel& model, const std::vector<std::size_t>& values)
      : model_(model.view()), first_(count_of_outputs(model_)) {
    layers_.assign(model_.layers.begin(), model_.layers.end());
    for (const std::size_t value : values) {
      Layer output;
      output.op = Op::output;
      output.dtype = layers_[value].dtype;
      output.quantization = layers_[value].quantization;
      output.shape = layers_[value].shape;
      output.input_count = 1;
      output.inputs[0] = static_cast<std::uint16_t>(value);
      layers_.push_back(output);
    }
    model_.layers = layers_;
    if (!model_.names.empty()) {
      names_.assign(model_.names);
      names_.append(values.size(), '\0');
      model_.names = names_;
    }
    const PlanOptions options{.alignment = 64};
    arena_ = AlignedBytes(plan_of(model_, model.source, options).arena_bytes());
    session_ = Session::create(model_, arena_.span(), options);
    if (!session_.ok()) throw status_error(session_.status(), model_, model.source);
    session_->set_threads(lent_threads());
  }
  WithOutputs(const WithOutputs&) = delete;
  WithOutputs& operator=(const WithOutputs&) = delete;

  void set_input(std::size_t input, const std::vector<double>& reals) {
    const Layer& l = model_.layers[model_.input_layer(input)];
    switch (l.dtype) {
      case DType::s8: return put(reals, l, session_->input<std::int8_t>(input));
      case DType::u8:
      case DType::boolean: return put(reals, l, session_->input<std::uint8_t>(input));
      case DType::s16: return put(reals, l, session_->input<std::int16_t>(input));
      case DType::s32: return put(reals, l, session_->input<std::int32_t>(input));
      default: {
        const Values<float> to = session_->input<float>(input);
        for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<float>(reals[i]);
      }
    }
  }
  void run() {
    session_->reset_state();
    session_->run();
  }
  /// The value that was asked for as number `k`, as real numbers.
  [[nodiscard]] std::vector<double> value(std::size_t k) {
    const std::size_t output = first_ + k;
    const Layer& l = model_.layers[model_.output_layer(output)];
    switch (l.dtype) {
      case DType::s8: return reals(l, session_->output<std::int8_t>(output));
      case DType::u8:
      case DType::boolean: return reals(l, session_->output<std::uint8_t>(output));
      case DType::s16: return reals(l, session_->output<std::int16_t>(output));
      case DType::s32: return reals(l, session_->output<std::int32_t>(output));
      default: return reals(l, session_->output<float>(output));
    }
  }

 private:
  /// Records `output`; the last layer is no output any more once there are some.
  static std::size_t count_of_outputs(const Model& model) {
    return static_cast<std::size_t>(
        std::ranges::count_if(model.layers, [](const Layer& l) { return l.op == Op::output; }));
  }
  template <class T>
  static void put(const std::vector<double>& from, const Layer& l, Values<T> to) {
    const QuantizedRange range = range_of(l.dtype);
    for (std::size_t i = 0; i < to.size(); ++i) {
      const double whole = quantized(l.dtype) ? std::round(from[i] / static_cast<double>(l.quantization.scale)) +
                                                    l.quantization.zero_point
                                              : std::round(from[i]);
      to[i] = static_cast<T>(std::clamp(whole, static_cast<double>(range.low), static_cast<double>(range.high)));
    }
  }
  template <class T>
  static std::vector<double> reals(const Layer& l, Values<T> from) {
    std::vector<double> out(from.size());
    for (std::size_t i = 0; i < from.size(); ++i)
      out[i] = quantized(l.dtype) ? (static_cast<double>(from[i]) - l.quantization.zero_point) *
                                        static_cast<double>(l.quantization.scale)
                                  : static_cast<double>(from[i]);
    return out;
  }

  Model model_;
  std::size_t first_;
  std::vector<Layer> layers_;
  std::string names_;
  AlignedBytes arena_;
  Result<Session> session_ = Status{Code::not_created};
};

/// A sample of an input: as real numbers and as the integers that stand for them. The array holds the one or the other.
struct Sample {
  std::vector<double> real, whole;

  Sample(const Array& array, std::uint64_t sample, std::uint64_t elements, const Layer& a, const Layer& b) {
    const Layer* through = quantized(a.dtype) ? &a : quantized(b.dtype) ? &b : nullptr;
    const double scale = through == nullptr ? 1.0 : static_cast<double>(through->quantization.scale);
    const double zero = through == nullptr ? 0.0 : through->quantization.zero_point;
    for (std::uint64_t i = 0; i < elements; ++i) {
      const double value = array.at(sample * elements + i);
      real.push_back(is_real(array.element) ? value : (value - zero) * scale);
      whole.push_back(!is_real(array.element) ? value : through == nullptr ? value : std::round(value / scale) + zero);
    }
  }
};

}  // namespace

std::uint64_t samples_of(const Model& a, const Model& b, const std::vector<Array>& inputs) {
  if (a.input_count() != b.input_count())
    throw usage_error(fmt::format("the first model has {} inputs and the second {}", a.input_count(), b.input_count()),
                      "compare models of the same inputs");
  std::uint64_t samples = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::uint64_t elements = a.input_shape(i).elements(), count = inputs[i].count();
    if (b.input_shape(i).elements() != elements)
      throw usage_error(fmt::format("input {} takes {} elements in the first model and {} in the second", i, elements,
                                    b.input_shape(i).elements()),
                        "compare models of the same inputs");
    if (count == 0 || count % elements != 0 || (samples != 0 && count / elements != samples))
      throw data_error(
          fmt::format("{} has {} elements; input {} of the models takes {}{}", dims_text(inputs[i].dims), count, i,
                      elements, samples > 1 ? fmt::format(" for each of {} samples", samples) : ""),
          "give arrays of the models' shapes")
          .in(inputs[i].path);
    samples = count / elements;
  }
  return samples;
}

namespace {

/// Integers that stand for real numbers as those of `like` do.
void make_real(std::vector<double>& values, const Layer& like) {
  if (!quantized(like.dtype)) return;
  for (double& value : values)
    value = (value - like.quantization.zero_point) * static_cast<double>(like.quantization.scale);
}

/// Sums over the samples of one pair.
struct Sums {
  double signal = 0.0, noise = 0.0, largest = 0.0;
  std::uint64_t count = 0;

  void add(const std::vector<double>& a, const std::vector<double>& b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      // Infinite alike is no difference.
      const double difference = a[i] == b[i] ? 0.0 : std::abs(a[i] - b[i]);
      if (std::isfinite(a[i])) signal += a[i] * a[i];
      noise += difference * difference;
      if (!(difference <= largest)) largest = difference;
    }
    count += a.size();
  }
  void put(ValuePair& pair) const {
    constexpr double kLeast = -300.0, kMost = 300.0;
    pair.largest = largest;
    pair.root_mean_square = std::sqrt(noise / static_cast<double>(count));
    if (noise == 0.0) return;
    const double ratio = std::isfinite(noise) ? 10.0 * std::log10(signal / noise) : kLeast;
    pair.signal_to_noise = std::clamp(ratio, kLeast, kMost);
  }
};

/// The first pair whose ratio lies `drop` below the least before it. What float32 rounds and what integers do are no
/// falls: the first layers are held to what these usually keep.
std::size_t first_fall(const Model& a, const Model& b, const std::vector<ValuePair>& pairs, double drop) {
  constexpr double kOfFloats = 100.0, kOfIntegers = 30.0;
  double least = std::numeric_limits<double>::infinity();
  bool integers = false;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const Layer &x = a.layers[pairs[i].a], &y = b.layers[pairs[i].b];
    integers = integers || quantized(x.dtype) || quantized(y.dtype);
    if (x.op == Op::input) continue;
    least = std::min(least, integers ? kOfIntegers : kOfFloats);
    if (pairs[i].signal_to_noise < least - drop) return i;
    least = std::min(least, pairs[i].signal_to_noise);
  }
  return pairs.size();
}

}  // namespace

namespace {

std::vector<ValuePair> matched_values(const Model& a, const std::vector<bool>& whole_a, const Model& b,
                                      const std::vector<bool>& whole_b) {
  const bool a_norms = has_batch_norm(a), b_norms = has_batch_norm(b);
  const std::vector<Candidate> x = candidates(a, whole_a, a_norms && !b_norms),
                               y = candidates(b, whole_b, b_norms && !a_norms);
  std::vector<std::string> x_names, y_names;
  for (const Candidate& one : x) x_names.push_back(name_of_value(a, one.layer));
  for (const Candidate& one : y) y_names.push_back(name_of_value(b, one.layer));
  const auto deepest = [](const std::vector<Candidate>& of) {
    std::size_t most = 0;
    for (const Candidate& one : of) most = std::max(most, one.depth);
    return most;
  };
  const bool in_depth = deepest(x) == deepest(y);
  // The best pairs in the order of both: best[i][j] of what is behind i and j.
  const std::size_t columns = y.size() + 1;
  std::vector<std::uint32_t> best((x.size() + 1) * columns, 0);
  const auto pair_at = [&](std::size_t i, std::size_t j) {
    return likeness(a, x[i], x_names[i], b, y[j], y_names[j], in_depth);
  };
  for (std::size_t i = x.size(); i-- > 0;)
    for (std::size_t j = y.size(); j-- > 0;) {
      std::uint32_t most = std::max(best[(i + 1) * columns + j], best[i * columns + j + 1]);
      if (const unsigned like = pair_at(i, j); like != 0) most = std::max(most, like + best[(i + 1) * columns + j + 1]);
      best[i * columns + j] = most;
    }
  std::vector<ValuePair> out;
  // Of several equally good ones the last: what the second model quantises more than once, it has clamped by then.
  for (std::size_t i = 0, j = 0; i < x.size() && j < y.size();) {
    const std::uint32_t here = best[i * columns + j];
    if (here == best[i * columns + j + 1]) {
      ++j;
    } else if (const unsigned like = pair_at(i, j); like != 0 && here == like + best[(i + 1) * columns + j + 1]) {
      ValuePair pair;
      pair.a = x[i].layer, pair.b = y[j].layer;
      pair.name = x_names[i].empty() ? y_names[j] : x_names[i];
      out.push_back(std::move(pair));
      ++i, ++j;
    } else {
      ++i;
    }
  }
  return out;
}

}  // namespace

Comparison compare_models(const OwnedModel& a, const OwnedModel& b, const std::vector<Array>& inputs, double drop) {
  const Model x = a.view(), y = b.view();
  const std::vector<bool> whole_x = whole_numbers(x, read_description(a.description).value_or(Description{})),
                          whole_y = whole_numbers(y, read_description(b.description).value_or(Description{}));
  std::vector<ValuePair> pairs = matched_values(x, whole_x, y, whole_y);
  if (pairs.empty())
    throw data_error("the two models have no values of the same shapes", "compare models of the same network");
  return compare_pairs(a, b, inputs, std::move(pairs), drop);
}

Comparison compare_pairs(const OwnedModel& a, const OwnedModel& b, const std::vector<Array>& inputs,
                         std::vector<ValuePair> pairs, double drop) {
  const Model x = a.view(), y = b.view();
  Comparison out;
  out.samples = samples_of(x, y, inputs);
  const std::vector<bool> whole_x = whole_numbers(x, read_description(a.description).value_or(Description{})),
                          whole_y = whole_numbers(y, read_description(b.description).value_or(Description{}));
  out.pairs = std::move(pairs);
  // As many at a time as records hold beside the layers.
  const std::size_t layers = std::max(x.layers.size(), y.layers.size());
  if (layers + 2 > kMaxLayers)
    throw data_error(fmt::format("{} layers leave no room for outputs", layers), "compare smaller models");
  const std::size_t room = kMaxLayers - layers - 1;
  for (std::size_t from = 0; from < out.pairs.size(); from += room) {
    const std::size_t count = std::min(room, out.pairs.size() - from);
    std::vector<std::size_t> of_a, of_b;
    for (std::size_t k = 0; k < count; ++k)
      of_a.push_back(out.pairs[from + k].a), of_b.push_back(out.pairs[from + k].b);
    // The last layer of a model without records `output` must stay one.
    if (std::ranges::find(of_a, x.layers.size() - 1) == of_a.end() && !is_sink(x.layers.back().op))
      of_a.push_back(x.layers.size() - 1);
    if (std::ranges::find(of_b, y.layers.size() - 1) == of_b.end() && !is_sink(y.layers.back().op))
      of_b.push_back(y.layers.size() - 1);
    WithOutputs first(a, of_a), second(b, of_b);
    std::vector<Sums> sums(count);
    for (std::uint64_t sample = 0; sample < out.samples; ++sample) {
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const std::size_t at_x = x.input_layer(i), at_y = y.input_layer(i);
        const Sample given(inputs[i], sample, x.input_shape(i).elements(), x.layers[at_x], y.layers[at_y]);
        first.set_input(i, whole_x[at_x] ? given.whole : given.real);
        second.set_input(i, whole_y[at_y] ? given.whole : given.real);
      }
      first.run(), second.run();
      for (std::size_t k = 0; k < count; ++k) {
        std::vector<double> of_x = first.value(k), of_y = second.value(k);
        const ValuePair& pair = out.pairs[from + k];
        if (whole_x[pair.a] && !whole_y[pair.b]) make_real(of_x, y.layers[pair.b]);
        if (whole_y[pair.b] && !whole_x[pair.a]) make_real(of_y, x.layers[pair.a]);
        sums[k].add(of_x, of_y);
      }
    }
    for (std::size_t k = 0; k < count; ++k) sums[k].put(out.pairs[from + k]);
  }
  out.falls = first_fall(x, y, out.pairs, drop);
  const auto alone = [&](const Model& model, const std::vector<bool>& whole, auto layer_of) {
    std::vector<std::size_t> left;
    for (const Candidate& one : candidates(model, whole, false))
      if (std::ranges::find(out.pairs, one.layer, layer_of) == out.pairs.end()) left.push_back(one.layer);
    return left;
  };
  out.alone_a = alone(x, whole_x, &ValuePair::a), out.alone_b = alone(y, whole_y, &ValuePair::b);
  return out;
}

}  // namespace mote::tool
