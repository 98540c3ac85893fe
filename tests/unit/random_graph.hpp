// SPDX-License-Identifier: Apache-2.0
// Random networks and training configurations, made through resolve() from a linear congruential generator: chains,
// residual sums, shared inputs, concatenations, the same input twice, frozen parts, every operator; more often than
// chance would have them, what is joined into one kernel or folded into weights.
// No heap: runs on bare metal too.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "mote/model/builders.hpp"
#include "mote/model/model.hpp"
#include "mote/train/execute_training.hpp"

namespace mote::test {

#if defined(MOTE_BARE_METAL)
inline constexpr std::uint32_t kRandomGraphs = 40;
#else
inline constexpr std::uint32_t kRandomGraphs = 800;
#endif

class Random {
 public:
  explicit Random(std::uint32_t seed) : state_(seed * 2654435761U + 12345U) {}
  std::uint32_t bits() {
    state_ = state_ * 1664525U + 1013904223U;
    return state_ ^ (state_ >> 16);
  }
  /// 0 … n - 1.
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>((std::uint64_t{bits()} * n) >> 32); }
  std::uint32_t between(std::uint32_t low, std::uint32_t high) { return low + below(high - low + 1); }
  bool chance(std::uint32_t percent) { return below(100) < percent; }
  /// [-1, 1).
  float real() { return static_cast<float>(bits() >> 8) * 0x1p-23F - 1.0F; }

 private:
  std::uint32_t state_;
};

inline constexpr std::size_t kMaxGraphLayers = 40;

/// Names "a" + index, so that every layer can be read by name.
inline constexpr Op kOps[]{
#define MOTE_OP(name, number) Op::name,
#define MOTE_ACTIVATION(name, number, derivative_on, needs) Op::name,
#include "mote/model/ops.inc"
};

inline constexpr auto kLabels = [] {
  std::array<std::array<char, 4>, kMaxGraphLayers> labels{};
  for (std::size_t i = 0; i < labels.size(); ++i)
    labels[i] = {'a', static_cast<char>('0' + i / 10), static_cast<char>('0' + i % 10), 0};
  return labels;
}();

struct RandomGraph {
  std::array<Layer, kMaxGraphLayers> layers{};
  std::size_t count = 0;
  std::uint32_t param_bytes = 0;
  std::uint32_t alignment = 16;
  std::uint32_t refused = 0;           // wishes that resolve() refused, and
  std::uint32_t wrongly_reported = 0;  // of these, how many errors named another layer than the one wished for

  [[nodiscard]] Model model(const std::byte* params = nullptr) const {
    return {std::span(layers).first(count), params, param_bytes, alignment};
  }
};

/// Adds layers to a graph. Layers that nobody reads are joined at the end.
class GraphBuilder {
 public:
  GraphBuilder(RandomGraph& graph, Random& random) : graph_(graph), random_(random) {}

  void build(std::uint32_t wished_layers) {
    constexpr std::array<std::uint32_t, 5> alignments{4, 8, 16, 32, 64};
    graph_.alignment = alignments[random_.below(alignments.size())];
    frozen_percent_ = random_.chance(50) ? 0 : random_.below(100);
    push(random_input());
    for (int tries = 0; graph_.count < wished_layers && tries < 200; ++tries) {
      if (!random_.chance(15)) {
        push(random_layer(pick_source()));
        continue;
      }
      switch (random_.below(4)) {
        case 0: push_pooled_clamp(pick_source()); break;
        case 1: push_normalized(pick_source()); break;
        default: push_residual(pick_source());
      }
    }
    join_loose_ends();
    if (graph_.count + 1 < kMaxGraphLayers && random_.chance(40)) push(random_end());
  }

 private:
  static constexpr std::uint64_t kMaxValues = 256;  // of one sample

  bool push(const LayerSpec& wish) {
    std::array<const char*, kMaxGraphLayers> labels{};
    for (std::size_t i = 0; i < graph_.count; ++i) labels[i] = kLabels[i].data();
    const auto layers = std::span<const Layer>(graph_.layers).first(graph_.count);
    const Result<Layer> layer = resolve(wish, layers, std::span(labels).first(graph_.count), graph_.alignment);
    if (!layer.ok()) {
      ++graph_.refused;
      if (layer.status().layer != graph_.count) ++graph_.wrongly_reported;
      return false;
    }
    if (layer->shape.elements() > kMaxValues && layer->op != Op::concat) return false;
    for (std::size_t k = 0; k < layer->input_count; ++k) used_[layer->inputs[k]] = true;
    if (layer->param_bytes != 0) graph_.param_bytes = layer->param_offset + layer->param_bytes;
    graph_.layers[graph_.count++] = *layer;
    return true;
  }
  [[nodiscard]] bool has_room(std::size_t layers) const { return graph_.count + layers + 4 < kMaxGraphLayers; }
  /// One or two convolutions and a sum with their input, in either order, perhaps clamped: what one kernel can make.
  void push_residual(std::size_t source) {
    const std::uint32_t channels = graph_.layers[source].shape.c;
    if (!has_room(5) || channels > 8) return;
    ConvOptions options;
    options.padding = Padding::same;
    std::size_t inner = source;
    for (std::uint32_t left = random_.between(1, 2); left > 0; --left, inner = graph_.count - 1) {
      options.filter = size(3), options.bias = random_.chance(80), options.trainable = trainable();
      if (!push(conv2d(channels, options).reads(kLabels[inner].data()))) return;
    }
    const bool swapped = random_.chance(50);
    LayerSpec sum = detail::spec(Op::add);
    sum.from[0] = kLabels[swapped ? inner : source].data(), sum.from[1] = kLabels[swapped ? source : inner].data();
    sum.from_count = 2;
    if (push(sum) && random_.chance(50)) push(random_.chance(50) ? relu() : relu6());
  }
  void push_pooled_clamp(std::size_t source) {
    if (has_room(2) && push((random_.chance(50) ? relu() : relu6()).reads(kLabels[source].data())))
      push(max_pool(pool_options()));
  }
  /// What fold_batch_norm() folds.
  void push_normalized(std::size_t source) {
    const char* const name = kLabels[source].data();
    const LayerSpec linear = random_.chance(50) ? conv2d(random_.between(1, 6), conv_options())
                             : random_.chance(50)
                                 ? depthwise_conv2d(static_cast<std::uint16_t>(random_.between(1, 2)), conv_options())
                                 : dense(random_.between(1, 12), {random_.chance(80), trainable()});
    if (!has_room(3) || !push(LayerSpec(linear).reads(name))) return;
    if (push(batch_norm({1e-3F, 0.1F, trainable()})) && random_.chance(50)) push(random_activation());
  }
  std::size_t pick_source() {
    if (random_.chance(65)) return graph_.count - 1;
    for (std::size_t i = 0; i < graph_.count; ++i)
      if (!used_[i] && random_.chance(50)) return i;
    return random_.below(static_cast<std::uint32_t>(graph_.count));
  }
  LayerSpec random_input() {
    if (random_.chance(40)) return input(random_.between(1, 20));
    if (random_.chance(30)) return input(random_.between(1, 16), random_.between(1, 4));
    return input(random_.between(1, 7), random_.between(1, 7), random_.between(1, 4));
  }
  bool trainable() { return !random_.chance(frozen_percent_); }
  Size2 size(std::uint32_t limit) {
    return {static_cast<std::uint16_t>(random_.between(1, limit)),
            static_cast<std::uint16_t>(random_.between(1, limit))};
  }
  ConvOptions conv_options() {
    ConvOptions o;
    o.filter = size(3), o.stride = size(2), o.dilation = random_.chance(80) ? Size2{} : size(2);
    o.padding = static_cast<Padding>(random_.below(3));
    o.pads = {static_cast<std::uint16_t>(random_.below(3)), static_cast<std::uint16_t>(random_.below(3)),
              static_cast<std::uint16_t>(random_.below(3)), static_cast<std::uint16_t>(random_.below(3))};
    o.bias = random_.chance(80), o.trainable = trainable();
    return o;
  }
  PoolOptions pool_options() {
    PoolOptions o;
    o.filter = size(3), o.stride = random_.chance(50) ? Size2{0, 0} : size(2);
    o.padding = random_.chance(50) ? Padding::valid : Padding::same;
    return o;
  }
  /// A join of the source with layers that fit it (perhaps itself).
  LayerSpec random_join(Op op, std::size_t source) {
    LayerSpec out = detail::spec(op);
    out.from[out.from_count++] = kLabels[source].data();
    const std::uint32_t wished = random_.between(2, kMaxInputs);
    for (int tries = 0; out.from_count < wished && tries < 12; ++tries) {
      const std::size_t other = random_.chance(15) ? source : random_.below(static_cast<std::uint32_t>(graph_.count));
      const Shape& a = graph_.layers[source].shape;
      const Shape& b = graph_.layers[other].shape;
      if (op == Op::add ? a == b : a.h == b.h && a.w == b.w) out.from[out.from_count++] = kLabels[other].data();
    }
    if (random_.chance(50) && out.from_count > 1) std::swap(out.from[0], out.from[out.from_count - 1U]);
    return out;
  }
  LayerSpec random_reshape(std::size_t source) {
    const auto elements = static_cast<std::uint32_t>(graph_.layers[source].shape.elements());
    if (random_.chance(40)) return flatten();
    std::uint32_t h = random_.between(1, elements);
    while (elements % h != 0) --h;
    std::uint32_t w = random_.between(1, elements / h);
    while (elements / h % w != 0) --w;
    return reshape(h, w, elements / h / w);
  }
  LayerSpec random_layer(std::size_t source) {
    const char* const name = kLabels[source].data();
    switch (kOps[random_.below(static_cast<std::uint32_t>(Op::spline) + 1U)]) {
      case Op::dense: return dense(random_.between(1, 12), {random_.chance(80), trainable()}).reads(name);
      case Op::conv2d: return conv2d(random_.between(1, 6), conv_options()).reads(name);
      case Op::depthwise_conv2d:
        return depthwise_conv2d(static_cast<std::uint16_t>(random_.between(1, 2)), conv_options()).reads(name);
      case Op::max_pool: return max_pool(pool_options()).reads(name);
      case Op::average_pool: return average_pool(pool_options()).reads(name);
      case Op::global_average_pool: return global_average_pool().reads(name);
      case Op::batch_norm: return batch_norm({1e-3F, 0.1F, trainable()}).reads(name);
      case Op::dropout: return dropout(random_.chance(20) ? 0.0F : 0.3F).reads(name);
      case Op::gaussian_noise: return gaussian_noise(0.3F).reads(name);
      case Op::input:  // there is one already: sums and concatenations get its share
      case Op::add: return random_join(Op::add, source);
      case Op::concat: return random_join(Op::concat, source);
      case Op::reshape: return random_reshape(source).reads(name);
      case Op::rbf: return rbf(random_.between(1, 6), {trainable()}).reads(name);
      case Op::softmax: return softmax().reads(name);
      case Op::spline: return spline(static_cast<std::uint16_t>(random_.between(2, 9)), {trainable()}).reads(name);
      default: return random_activation().reads(name);
    }
  }
  LayerSpec random_activation() {
    if (random_.chance(10)) return elu();
    switch (static_cast<Op>(
        random_.between(static_cast<std::uint32_t>(Op::identity), static_cast<std::uint32_t>(Op::hard_swish)))) {
      case Op::sigmoid: return sigmoid();
      case Op::tanh: return mote::tanh();
      case Op::relu: return relu();
      case Op::leaky_relu: return leaky_relu(0.1F);
      case Op::relu6: return relu6();
      case Op::silu: return silu();
      case Op::gelu: return gelu();
      case Op::hard_swish: return hard_swish();
      default: return identity();
    }
  }
  LayerSpec random_end() {
    switch (random_.below(6)) {
      case 0: return softmax();
      case 1: return sigmoid();
      case 2: return dense(random_.between(1, 6), {true, trainable()});
      case 3: return dropout(0.3F);
      case 4: return flatten();
      default: return random_activation();
    }
  }
  void join_loose_ends() {
    while (graph_.count + 4 < kMaxGraphLayers) {
      std::array<std::size_t, kMaxInputs> ends{};
      std::size_t found = 0;
      for (std::size_t i = 0; i < graph_.count && found < ends.size(); ++i)
        if (!used_[i]) ends[found++] = i;
      if (found < 2) return;
      LayerSpec join = detail::spec(Op::add);
      for (std::size_t i = 0; i < found; ++i) {
        const Shape& shape = graph_.layers[ends[i]].shape;
        if (shape.h != 1 || shape.w != 1) {
          push((shape.elements() <= 24 ? flatten() : global_average_pool()).reads(kLabels[ends[i]].data()));
          ends[i] = graph_.count - 1;
        }
        if (!(graph_.layers[ends[i]].shape == graph_.layers[ends[0]].shape)) join.layer.op = Op::concat;
        join.from[join.from_count++] = kLabels[ends[i]].data();
      }
      push(join);
    }
  }

  RandomGraph& graph_;
  Random& random_;
  std::array<bool, kMaxGraphLayers> used_{};
  std::uint32_t frozen_percent_ = 0;
};

/// Graph number `seed`: from a chain of two layers to a tangle of 38.
inline RandomGraph random_graph(std::uint32_t seed) {
  Random random(seed);
  RandomGraph graph;
  GraphBuilder(graph, random).build(random.between(2, 14));
  return graph;
}

inline Optimizer random_optimizer(Random& random) {
  switch (random.below(9)) {
    case 0: return momentum({.learning_rate = 0.05F});
    case 1: return nesterov({.learning_rate = 0.05F});
    case 2: return adagrad({.learning_rate = 0.05F});
    case 3: return rmsprop({.learning_rate = 0.01F});
    case 4: return adam({.learning_rate = 0.01F});
    case 5: return adamw({.learning_rate = 0.01F, .weight_decay = 0.1F});
    default: return sgd({.learning_rate = 0.05F});
  }
}

/// A valid configuration for the model; sums over slices, clipping and penalties each in some of them.
inline TrainConfig random_config(Random& random, const Model& model, std::uint32_t max_alignment = 256) {
  TrainConfig config;
  config.loss = static_cast<Loss>(random.below(4));
  const Shape output = model.layers[loss_layer(model, config.loss)].shape;
  const bool many_binary = config.loss == Loss::binary_cross_entropy && output.elements() != 1;
  config.targets = many_binary || random.chance(30) ? Targets::values
                   : random.chance(50)              ? Targets::automatic
                                                    : Targets::labels;
  if (output.elements() == model.input_shape().elements() && random.chance(50)) config.targets = Targets::input;
  config.signed_labels = config.loss == Loss::binary_cross_entropy && random.chance(50);
  config.optimizer = random_optimizer(random);
  std::uint32_t slice = random.between(1, 3);
  for (const Layer& layer : model.layers)  // batch norm is not trained on one value per channel
    if (layer.op == Op::batch_norm && layer.trainable() && layer.shape.h * layer.shape.w == 1 && slice == 1) slice = 2;
  config.micro_batch = random.chance(30) ? slice : 0;
  config.batch = config.micro_batch == 0 ? slice : slice * random.between(1, 3);
  if (random.chance(20)) config.clip_norm = 0.5F;
  if (random.chance(15)) config.clip_value = 0.05F;
  if (random.chance(15)) config.l1 = 1e-3F;
  if (random.chance(20)) config.l2 = 1e-2F;
  config.penalize_bias = random.chance(30);
  config.sample_weights = random.chance(20);
  config.external_input = random.chance(25);
  config.seed = random.bits();
  do config.alignment = 4U << random.below(11);
  while (config.alignment > max_alignment);
  config.gradient_norms = config.seed % 4 == 0;
  return config;
}

}  // namespace mote::test
