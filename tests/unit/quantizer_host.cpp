// SPDX-License-Identifier: Apache-2.0
// The quantiser on random graphs over all operators, and each layer on int8 that it makes against the rules in double.
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "unit/operator_graph_checks.hpp"

namespace mote {
namespace {

using test::OperatorGraph;
using test::Random;

/// A quantiser, what it wrote, and their memory.
struct Quantized {
  std::vector<Block> arena, file;
  Quantizer quantizer;
  Model model;
};

std::vector<std::vector<double>> sample_of(const Model& model, std::uint32_t seed) {
  Random random(seed);
  std::vector<std::vector<double>> out(model.input_count());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].resize(static_cast<std::size_t>(model.input_shape(i).elements()));
    for (double& v : out[i]) v = test::random_value(random, model.layers[model.input_layer(i)].dtype);
  }
  return out;
}
/// Writes real numbers into an input, by its units where it is int8.
template <class Runs>
void set_inputs(Runs& runs, const Model& model, const std::vector<std::vector<double>>& sample) {
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const Layer& layer = model.layers[model.input_layer(i)];
    test::as_type(layer.dtype, [&]<class T>(T) {
      const Values<T> to = runs.template input<T>(i);
      for (std::size_t k = 0; k < to.size(); ++k) to[k] = static_cast<T>(sample[i][k]);
    });
  }
}

Quantized quantized(const Model& model, const QuantizedForm& form, std::uint32_t samples, std::uint32_t seed,
                    const QuantizeConfig& config = {}) {
  Quantized out;
  const Result<std::size_t> bytes = required_arena_bytes(model, config, test::large_arena);
  EXPECT_TRUE(bytes.ok()) << name(bytes.status().code) << " " << bytes.status().layer;
  if (!bytes.ok()) return out;
  out.arena.resize(blocks_for(*bytes));
  Result<Quantizer> made = Quantizer::create(model, std::as_writable_bytes(std::span(out.arena)), config);
  EXPECT_TRUE(made.ok()) << name(made.status().code) << " " << made.status().layer;
  if (!made.ok()) return out;
  out.quantizer = *made;
  for (std::uint32_t i = 0; i < samples; ++i) {
    out.quantizer.reset_state();
    set_inputs(out.quantizer, model, sample_of(model, seed + i));
    const Status seen = out.quantizer.observe();
    EXPECT_TRUE(seen.ok() || seen.code == Code::non_finite_data) << name(seen.code) << " " << seen.layer;
    if (!seen.ok()) return out;  // such graphs there are
  }
  const Result<std::size_t> size = out.quantizer.file_bytes(form);
  EXPECT_TRUE(size.ok()) << name(size.status().code);
  if (!size.ok()) return out;
  out.file.resize(blocks_for(*size));
  const Result<std::size_t> written = out.quantizer.write(std::as_writable_bytes(std::span(out.file)), form);
  EXPECT_TRUE(written.ok()) << name(written.status().code) << " " << written.status().layer << " "
                            << written.status().detail;
  if (!written.ok()) return out;
  EXPECT_EQ(*written, *size);
  const Result<Model> opened = open_model(std::as_bytes(std::span(out.file)).first(*written));
  EXPECT_TRUE(opened.ok()) << name(opened.status().code) << " " << opened.status().layer;
  if (opened.ok()) out.model = *opened;
  return out;
}

/// The model's float32 outputs, one behind the other.
std::vector<double> outputs_of(const Model& model, const std::vector<std::vector<double>>& sample) {
  std::vector<Block> arena(blocks_for(*required_arena_bytes(model, PlanOptions{}, test::large_arena)));
  Result<Session> session = Session::create(model, std::as_writable_bytes(std::span(arena)));
  EXPECT_TRUE(session.ok()) << name(session.status().code) << " " << session.status().layer;
  std::vector<double> out;
  if (!session.ok()) return out;
  set_inputs(*session, model, sample);
  session->run();
  for (std::size_t i = 0; i < model.output_count(); ++i)
    if (model.layers[model.output_layer(i)].dtype == DType::f32)
      for (const float v : session->output(i)) out.push_back(static_cast<double>(v));
  return out;
}

/// Every value of a model as stored numbers, by records `output` behind it.
class AllValues {
 public:
  explicit AllValues(const Model& model) : layers_(model.layers.begin(), model.layers.end()), model_(model) {
    for (std::size_t i = 0; i < model.layers.size(); ++i) {
      if (is_valueless(layers_[i].op)) continue;
      Layer output;
      output.op = Op::output, output.dtype = layers_[i].dtype, output.quantization = layers_[i].quantization;
      output.shape = layers_[i].shape, output.input_count = 1, output.inputs[0] = static_cast<std::uint16_t>(i);
      place_[i] = std::count_if(layers_.begin(), layers_.end(), [](const Layer& l) { return l.op == Op::output; });
      layers_.push_back(output);
    }
    model_.layers = layers_;
    model_.names = {};
    arena_.resize(blocks_for(*required_arena_bytes(model_, PlanOptions{}, test::large_arena)));
    session_ = Session::create(model_, std::as_writable_bytes(std::span(arena_)));
    EXPECT_TRUE(session_.ok()) << name(session_.status().code) << " " << session_.status().layer;
  }
  void run(const std::vector<std::vector<double>>& sample) {
    session_->reset_state();
    set_inputs(*session_, model_, sample);
    session_->run();
  }
  [[nodiscard]] std::vector<double> stored(std::size_t i) {
    std::vector<double> out;
    test::as_type(layers_[i].dtype, [&]<class T>(T) {
      for (const T v : session_->template output<T>(static_cast<std::size_t>(place_[i])))
        out.push_back(static_cast<double>(v));
    });
    return out;
  }
  [[nodiscard]] std::vector<double> real(std::size_t i) {
    std::vector<double> out = stored(i);
    const Quantization& q = layers_[i].quantization;
    if (mote::quantized(layers_[i].dtype))
      for (double& v : out) v = (v - q.zero_point) * static_cast<double>(q.scale);
    return out;
  }

 private:
  std::vector<Layer> layers_;
  Model model_;
  std::map<std::size_t, std::ptrdiff_t> place_;
  std::vector<Block> arena_;
  Result<Session> session_ = Status{Code::not_created};
};

TEST(quantizer, any_graph_becomes_a_valid_model_near_it) {
  const test::Seeds seeds = test::seeds(250);
  std::map<std::string, int> on_int8;
  std::vector<double> ratios;
  for (std::uint32_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    SCOPED_TRACE(seed);
    const OperatorGraph graph = test::operator_graph(seed, false);
    const Model model = graph.model();
    const QuantizeConfig config{.range = static_cast<RangeRule>(seed % 4), .bins = seed % 4 == 0 ? 0U : 256U};
    std::vector<std::uint16_t> keep;
    for (std::uint16_t i = 0; i < model.layers.size() && seed % 3 == 0;
         i = static_cast<std::uint16_t>(i + 1 + seed % 5))
      keep.push_back(i);
    const Quantized made = quantized(model, {.keep = keep}, 6, 1000 * seed, config);
    if (made.model.layers.empty()) continue;
    for (const Layer& layer : made.model.layers)
      if (layer.dtype == DType::s8 || (layer.op == Op::argmax && layer.dtype == DType::s32)) ++on_int8[name(layer.op)];
    const std::vector<double> want = outputs_of(model, sample_of(model, 1000 * seed)),
                              got = outputs_of(made.model, sample_of(model, 1000 * seed));
    ASSERT_EQ(want.size(), got.size());
    ASSERT_EQ(model.output_count(), made.model.output_count());
    double signal = 0.0, noise = 0.0;
    for (std::size_t k = 0; k < want.size(); ++k)
      signal += want[k] * want[k], noise += (want[k] - got[k]) * (want[k] - got[k]);
    if (signal > 0.0) ratios.push_back(10.0 * std::log10(signal / std::max(noise, 1e-30 * signal)));
  }
  std::sort(ratios.begin(), ratios.end());
  if (std::getenv("MOTE_GRAPHS") != nullptr) {
    for (const auto& [op, count] : on_int8) std::printf("%s %d, ", op.c_str(), count);
    std::printf("\nratios: least %.1f, a tenth %.1f, median %.1f\n", ratios.front(), ratios[ratios.size() / 10],
                ratios[ratios.size() / 2]);
  }
  EXPECT_GT(ratios[ratios.size() / 2], 30.0);
}

constexpr auto kRules =
    sequential(input(9, 8, 3), conv2d(6, {.filter = {3, 3}, .padding = Padding::same}), batch_norm(), relu().as("a"),
               depthwise_conv2d(1, {.filter = {3, 3}, .stride = {1, 1}, .padding = Padding::same}), relu6(),
               conv2d(6, {.filter = {1, 1}, .bias = false}), add("a"), batch_norm(), max_pool(), silu().as("s"),
               sigmoid(), mul("s"), tanh(), concat("s"), average_pool({.filter = {2, 2}}), flatten(), dense(7),
               leaky_relu(0.1F), dense(5), softmax());

/// The float32 weights of a layer with the norm behind it in double, and what the record must hold.
struct Products {
  std::vector<double> weights;  // (terms, outputs)
  std::vector<double> bias;
  std::size_t terms = 0, outputs = 0;
};
const float* params_of(const Model& model, std::size_t i) {
  return reinterpret_cast<const float*>(layer_params(model, i));
}
Products products_of(const Model& model, std::size_t i, std::size_t norm) {
  const Layer& layer = model.layers[i];
  Products out;
  out.outputs = layer.shape.c;
  if (layer.op == Op::batch_norm) {
    out.terms = 1, norm = i;
    out.weights.assign(out.outputs, 1.0);
  } else {
    out.terms = weight_count(layer, model.input_shape_of(i)) / out.outputs;
    out.weights.assign(params_of(model, i), params_of(model, i) + out.terms * out.outputs);
  }
  out.bias.assign(out.outputs, 0.0);
  const float* given = params_of(model, i) + out.terms * out.outputs;
  for (std::size_t o = 0; o < out.outputs; ++o) {
    if (layer.has_bias()) out.bias[o] = static_cast<double>(given[o]);
    if (norm == kNoLayer) continue;
    const float* of = params_of(model, norm) + o;
    const double factor = static_cast<double>(of[0]) / std::sqrt(static_cast<double>(of[3 * out.outputs]) +
                                                                 static_cast<double>(model.layers[norm].alpha));
    for (std::size_t k = 0; k < out.terms; ++k) out.weights[k * out.outputs + o] *= factor;
    out.bias[o] =
        (out.bias[o] - static_cast<double>(of[2 * out.outputs])) * factor + static_cast<double>(of[out.outputs]);
  }
  return out;
}

/// Checks what the record stores, and returns (integer weight, real bias) sums' real value for one output at a place.
class Record {
 public:
  Record(const Model& model, std::size_t i, const Products& real)
      : layer_(model.layers[i]), in_(model.layers[model.operand(i)]), real_(real) {
    const ParamArrays arrays = param_arrays(layer_, in_.shape);
    const std::byte* const at = layer_params(model, i);
    const auto* bytes = reinterpret_cast<const std::int8_t*>(at);
    const auto* bias = reinterpret_cast<const std::int32_t*>(at + arrays.arrays[1].offset);
    const std::size_t last = arrays.count - 1;
    const auto* multipliers = reinterpret_cast<const std::int32_t*>(at + arrays.arrays[last - 1].offset);
    const auto* shifts = reinterpret_cast<const std::int8_t*>(at + arrays.arrays[last].offset);
    const double sx = static_cast<double>(in_.quantization.scale), sy = static_cast<double>(layer_.quantization.scale);
    for (std::size_t o = 0; o < real.outputs; ++o) {
      double largest = 0.0;
      for (std::size_t k = 0; k < real.terms; ++k)
        largest = std::max(largest, std::fabs(real.weights[k * real.outputs + o]));
      const double scale = largest / 127.0;
      std::int64_t sum = 0;
      for (std::size_t k = 0; k < real.terms; ++k) {
        const bool packed = layer_.op != Op::depthwise_conv2d;
        const int stored = bytes[packed ? packed_index(o, k, real.terms) : k * real.outputs + o];
        EXPECT_NEAR(stored, real.weights[k * real.outputs + o] / scale, 0.5001) << i << " " << k << " " << o;
        weights_.push_back(stored), sum += stored;
      }
      EXPECT_NEAR(static_cast<double>(bias[o] + in_.quantization.zero_point * sum), real.bias[o] / (sx * scale),
                  0.6 + 1e-5 * std::fabs(real.bias[o] / (sx * scale)));
      const double multiplier = std::ldexp(static_cast<double>(multipliers[o]), shifts[o] - 31);
      EXPECT_NEAR(multiplier * sy / (sx * scale), 1.0, 1e-6);
      scales_.push_back(scale);
      bias_.push_back(static_cast<double>(bias[o] + in_.quantization.zero_point * sum) * sx * scale);
    }
  }
  /// In units of the value, before clamping.
  template <class At>
  [[nodiscard]] double value(std::size_t o, const At& at) const {
    double sum = bias_[o];
    for (std::size_t k = 0; k < real_.terms; ++k)
      sum += weights_[o * real_.terms + k] * scales_[o] * at(k);  // of the operand: real, 0 outside the image
    return sum;
  }

 private:
  const Layer& layer_;
  const Layer& in_;
  const Products& real_;
  std::vector<int> weights_;
  std::vector<double> scales_, bias_;
};

TEST(quantizer, layers_follow_the_rules) {
  std::vector<float> params(kRules.param_bytes / sizeof(float));
  Random random(3);
  for (float& p : params) p = 0.4F * random.real();
  for (const Layer& layer : kRules.layers)
    for (std::uint32_t c = 0; c < layer.shape.c && layer.op == Op::batch_norm; ++c)
      params[layer.param_offset / 4 + c] += c % 2 == 0 ? 1.0F : -1.0F,
          params[layer.param_offset / 4 + 3 * layer.shape.c + c] = 0.7F + 0.5F * random.real();
  const Model model = kRules.model(reinterpret_cast<const std::byte*>(params.data()));
  Quantized made = quantized(model, {}, 20, 77);
  ASSERT_FALSE(made.model.layers.empty());
  AllValues values(made.model);
  values.run(sample_of(model, 90));
  std::size_t looked_at = 0;
  for (std::size_t i = 1; i < model.layers.size(); ++i) {
    const std::uint16_t record = made.quantizer.written_as(i);
    ASSERT_NE(record, kNoLayer) << i;
    const Layer &from = model.layers[i], &layer = made.model.layers[record];
    SCOPED_TRACE(std::to_string(i) + " " + name(from.op));
    const double sy = static_cast<double>(layer.quantization.scale);
    const std::int32_t zy = layer.quantization.zero_point;
    // Units: 0 is a step, and 255 steps are the range.
    if (const QuantizedValue seen = made.quantizer.value(i); seen.observed && from.op != Op::concat) {
      const double low = std::min(0.0, static_cast<double>(seen.range.low)),
                   high = std::max(0.0, static_cast<double>(seen.range.high));
      if (made.quantizer.value(i).range == made.quantizer.value(i).seen) {
        const bool joined = std::fabs((high - low) / 255.0 - sy) > 1e-6 * sy;  // in units of a concat
        EXPECT_TRUE(!joined || from.op == Op::silu || from.op == Op::tanh) << sy << " " << low << " " << high;
        if (!joined) {
          EXPECT_NEAR(zy, -128.0 - low / sy, 0.5001);
        }
      }
    }
    if (made.quantizer.written_as(i - 1) == record) continue;  // the norm that was folded
    const std::vector<double> out = values.stored(record), x = values.real(made.model.operand(record));
    const auto expect_near = [&](std::size_t k, double real, double steps) {
      const double wanted = std::clamp(real / sy + zy, -128.0, 127.0);
      EXPECT_NEAR(out[k], wanted, steps) << "element " << k;
    };
    const Shape s = layer.shape, in = made.model.input_shape_of(record);
    const std::size_t next = i + 1 < model.layers.size() && can_fold(model, i + 1) ? i + 1 : kNoLayer;
    if (applies_weights(layer.op)) {
      const Products real = products_of(model, i, next);
      const Record check(made.model, record, real);
      const bool depthwise = layer.op == Op::depthwise_conv2d;
      for (std::size_t k = 0; k < out.size(); ++k) {
        const std::size_t o = k % s.c, column = k / s.c % s.w, row = k / s.c / s.w;
        const double sum = check.value(o, [&](std::size_t term) {
          if (layer.op == Op::dense) return x[term];
          const std::size_t depth = depthwise ? 1 : in.c, c = depthwise ? o : term % depth, tap = term / depth;
          const auto y = static_cast<std::int64_t>(row * layer.stride_h + tap / layer.filter_w) - layer.pad_top;
          const auto z = static_cast<std::int64_t>(column * layer.stride_w + tap % layer.filter_w) - layer.pad_left;
          if (y < 0 || z < 0 || y >= in.h || z >= in.w) return 0.0;
          return x[(static_cast<std::size_t>(y) * in.w + static_cast<std::size_t>(z)) * in.c + c];
        });
        expect_near(k, sum, 0.51);
      }
      ++looked_at;
      continue;
    }
    const std::vector<double> y =
        layer.input_count > 1 ? values.real(made.model.operand(record, 1)) : std::vector<double>{};
    double total = 0.0;
    for (const double v : x) total += std::exp(v);
    for (std::size_t k = 0; k < out.size(); ++k) {
      switch (from.op) {
        case Op::relu: expect_near(k, std::max(0.0, x[k]), 0.51); break;
        case Op::relu6: expect_near(k, std::clamp(x[k], 0.0, 6.0), 0.51); break;
        case Op::silu: expect_near(k, x[k] / (1.0 + std::exp(-x[k])), 0.51); break;
        case Op::sigmoid: expect_near(k, 1.0 / (1.0 + std::exp(-x[k])), 0.6); break;
        case Op::tanh: expect_near(k, std::tanh(x[k]), 0.6); break;
        case Op::leaky_relu: expect_near(k, x[k] > 0.0 ? x[k] : 0.1 * x[k], 0.6); break;
        case Op::add: expect_near(k, x[k] + y[k], 0.6); break;
        case Op::mul: expect_near(k, x[k] * y[k], 0.51); break;
        case Op::softmax: expect_near(k, std::exp(x[k]) / total, 1.0); break;
        default: continue;
      }
      ++looked_at;
    }
  }
  EXPECT_GT(looked_at, 500U);
}

}  // namespace
}  // namespace mote
