// SPDX-License-Identifier: Apache-2.0
// Trainers on random graphs over all operators against the records computed in double without a plan, a kernel or a
// backward pass (reference/network.hpp): losses, and the gradient of all parameters along random directions.
#include <cmath>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "unit/operator_graph_checks.hpp"

namespace mote {
namespace {

using reference::Dual;
using test::Coverage;
using test::Expected;
using test::Inputs;
using test::judge;
using test::kNoise;
using test::OperatorGraph;
using test::Random;
using test::random_inputs;
using test::Seeds;
using test::text_of;
using test::Verdict;

struct Training {
  OperatorGraph graph;
  Model model;
  TrainConfig config;
  std::size_t output = 0;
  std::vector<bool> differentiated;
  std::vector<bool> trained_norms;  // whose statistics are the slice's
  std::vector<Inputs> slices;
  std::vector<std::vector<float>> targets;  // of each slice
  std::vector<std::vector<std::int32_t>> labels;
};

/// Layers through which a gradient goes, to parameters of their own or of layers before.
std::vector<bool> find_differentiated(const Model& model, std::size_t output) {
  std::vector<bool> reached(model.layers.size()), out(model.layers.size());
  reached[output] = true;
  for (std::size_t i = output + 1; i-- > 0;)
    for (std::size_t k = 0; reached[i] && k < model.layers[i].input_count && differentiable(model.layers[i].op); ++k)
      if (model.layers[model.operand(i, k)].dtype == DType::f32) reached[model.operand(i, k)] = true;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const Layer& layer = model.layers[i];
    bool moves = layer.trainable();
    for (std::size_t k = 0; k < layer.input_count; ++k)
      moves = moves || (differentiable(layer.op) && out[model.operand(i, k)]);
    out[i] = reached[i] && moves;
  }
  return out;
}

void feed(Trainer& trainer, const Training& t, std::size_t slice, std::vector<float>& external) {
  const Inputs& inputs = t.slices[slice];
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (t.config.external_input) {
      external.assign(inputs[i].begin(), inputs[i].end());
      trainer.set_input(external.data());
      continue;
    }
    const Values<float> values = trainer.input(i);
    for (std::size_t j = 0; j < values.size(); ++j) values[j] = static_cast<float>(inputs[i][j]);
  }
  const Values<float> targets = trainer.targets();
  for (std::size_t j = 0; j < targets.size(); ++j) targets[j] = t.targets[slice][j];
  const Values<std::int32_t> labels = trainer.labels();
  for (std::size_t j = 0; j < labels.size(); ++j) labels[j] = t.labels[slice][j];
}

/// Calls `visit(layer, array, first in the trained block)` for what is trained.
template <class Visit>
void for_trained_arrays(const Training& t, const Visit& visit) {
  for (std::size_t i = 1; i < t.model.layers.size(); ++i) {
    if (!t.model.layers[i].trainable()) continue;
    const std::size_t first = trained_offset(t.model.layers, i, t.config.alignment) / sizeof(float);
    for (const ParamArray& array : param_arrays(t.model.layers[i], t.model.input_shape_of(i)))
      if (array.learned) visit(i, array, first + array.offset / sizeof(float));
  }
}

struct Gradient {
  Status status;
  std::vector<float> losses;  // what evaluate() says of the first slice; of each slice
  std::vector<float> values;  // in the order of the trained block
};

/// One update, from which the gradient is read: momentum's state is it, or the parameters' change.
Gradient run_trainer(const Training& t) {
  Gradient out;
  std::fill(test::large_arena.begin(), test::large_arena.begin() + 1024 * 1024, std::byte{0xFF});
  Result<Trainer> trainer = Trainer::create(t.model, t.config, test::large_arena);
  out.status = trainer.status();
  if (!trainer.ok()) return out;
  const auto floats = [](std::span<std::byte> bytes) {
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  };
  const bool plain = t.config.optimizer.kind == OptimizerKind::sgd;
  out.values = floats(trainer->parameters());
  std::vector<float> external;
  feed(*trainer, t, 0, external);
  const Result<LossResult> evaluated = trainer->evaluate();
  out.status = evaluated.status();
  if (!evaluated.ok()) return out;
  out.losses.push_back(evaluated->loss);
  trainer->reset_state();
  for (std::size_t slice = 0; slice < t.slices.size(); ++slice) {
    feed(*trainer, t, slice, external);
    const Result<float> loss = trainer->step();
    out.status = loss.status();
    if (!loss.ok()) return out;
    out.losses.push_back(*loss);
  }
  const std::vector<float> after = plain ? floats(trainer->parameters()) : floats(trainer->optimizer_state1());
  EXPECT_EQ(after.size(), out.values.size());
  for (std::size_t i = 0; i < after.size(); ++i) out.values[i] = plain ? out.values[i] - after[i] : -after[i];
  return out;
}

/// Mean loss of a slice, by its definition.
Dual reference_loss(const Training& t, std::size_t slice, const reference::Network::Values& y, double noise,
                    Random& random) {
  const std::size_t outputs = y.size() / t.graph.batch;
  Dual loss;
  for (std::size_t n = 0; n < t.graph.batch; ++n) {
    const Dual* const row = y.data() + n * outputs;
    if (t.config.loss == Loss::squared_error) {
      for (std::size_t j = 0; j < outputs; ++j) {
        const Dual error = row[j] - Dual{static_cast<double>(t.targets[slice][n * outputs + j])};
        loss += error * error;
      }
      continue;
    }
    Dual sum;
    for (std::size_t j = 0; j < outputs; ++j) sum += exp(row[j]);
    loss += log(sum) - row[static_cast<std::size_t>(t.labels[slice][n])];
    for (std::size_t j = 0; j < outputs; ++j)  // the gradient p - 1 is no nearer than a rounded 1
      loss.slope += noise * static_cast<double>(random.real()) * row[j].slope;
  }
  return loss / Dual{static_cast<double>(t.graph.batch)};
}

/// What evaluate() says of the first slice, the loss of each slice, and the slope of their mean along the direction.
std::vector<double> reference_losses(const Training& t, const std::vector<double>& direction, double noise,
                                     std::uint64_t seed) {
  reference::Network network(t.model, t.graph.batch, noise, seed), evaluated(t.model, t.graph.batch, noise, seed);
  Random random(static_cast<std::uint32_t>(seed));
  test::give(evaluated, t.model, t.slices[0]);
  evaluated.run();
  std::vector<double> out{reference_loss(t, 0, evaluated.value(t.output), noise, random).value};
  for_trained_arrays(t, [&](std::size_t layer, const ParamArray& array, std::size_t first) {
    for (std::size_t i = 0; i < array.count; ++i)
      network.set_direction(layer, array.offset / sizeof(float) + i, direction[first + i]);
  });
  double slope = 0.0;
  for (std::size_t slice = 0; slice < t.slices.size(); ++slice) {
    test::give(network, t.model, t.slices[slice]);
    network.run(t.trained_norms);
    const Dual loss = reference_loss(t, slice, network.value(t.output), noise, random);
    out.push_back(loss.value);
    slope += loss.slope;
  }
  out.push_back(slope / static_cast<double>(t.slices.size()));
  if (network.beyond_float() || evaluated.beyond_float()) std::fill(out.begin(), out.end(), std::nan(""));
  return out;
}

/// A random direction in which every array's gradient weighs about the same.
std::vector<double> random_direction(Random& random, const Training& t, const std::vector<float>& gradient) {
  std::vector<double> out(gradient.size());
  std::vector<double> norms;
  double largest = 0.0;
  for_trained_arrays(t, [&](std::size_t, const ParamArray& array, std::size_t first) {
    double square = 0.0;
    for (std::size_t i = first; i < first + array.count; ++i)
      square += static_cast<double>(gradient[i]) * static_cast<double>(gradient[i]);
    norms.push_back(std::sqrt(square));
    largest = std::fmax(largest, norms.back());
  });
  std::size_t k = 0;
  for_trained_arrays(t, [&](std::size_t, const ParamArray& array, std::size_t first) {
    const double scale = 1.0 / std::fmax(norms[k++], std::fmax(1e-2 * largest, 1e-6));
    for (std::size_t i = first; i < first + array.count; ++i) out[i] = scale * static_cast<double>(random.real());
  });
  return out;
}

std::string compare_gradient(const Training& t, const Gradient& gradient, Random& random, Coverage& coverage) {
  const std::vector<double> direction = random_direction(random, t, gradient.values);
  double slope = 0.0, square = 0.0, rounding = 0.0, largest = 0.0, length = 0.0;
  for_trained_arrays(t, [&](std::size_t layer, const ParamArray& array, std::size_t first) {
    const auto* params = reinterpret_cast<const float*>(layer_params(t.model, layer) + array.offset);
    for (std::size_t i = 0; i < array.count; ++i) {
      const double along = direction[first + i], number = static_cast<double>(gradient.values[first + i]);
      slope += number * along, square += number * along * number * along;
      largest = std::fmax(largest, std::fabs(number));
      length += along * along;
      if (t.config.optimizer.kind == OptimizerKind::sgd)  // read from parameters that changed
        rounding += std::pow((std::fabs(static_cast<double>(params[i])) + std::fabs(number)) * along, 2.0);
    }
  });
  std::vector<double> values(gradient.losses.begin(), gradient.losses.end());
  values.push_back(slope);
  Expected expected{reference_losses(t, direction, 0.0, 0), {}};
  for (std::uint64_t k = 1; k <= 2; ++k) expected.disturbed(reference_losses(t, direction, kNoise, k));
  for (bool again = false;; again = true) {
    std::string wrong;
    std::uint64_t compared = 0, undecided = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool is_slope = i + 1 == values.size();
      const double magnitude = is_slope ? std::sqrt(square) : 0.0;
      // A loss is the difference of numbers of about 1.
      const double typical =
          is_slope ? 1e-6 * magnitude + 0x1p-22 * std::sqrt(rounding) + 0x1p-26 * largest * std::sqrt(length) : 1e-6;
      const Verdict verdict = is_slope && expected.spread[i] > 1e-3 * (magnitude + std::fabs(expected.value[i]) + 1e-6)
                                  ? Verdict::undecided
                                  : judge(values[i], expected.value[i], expected.spread[i], typical, 1e-6);
      ++(verdict == Verdict::undecided ? undecided : compared);
      if (verdict == Verdict::wrong && wrong.empty())
        wrong = (is_slope ? "slope " : "loss " + std::to_string(i) + " (0: evaluated): ") + std::to_string(values[i]) +
                " instead of " + std::to_string(expected.value[i]) + ", spread " + std::to_string(expected.spread[i]) +
                ", of a gradient of " + std::to_string(magnitude);
    }
    if (wrong.empty() || again) {
      coverage.compared += compared, coverage.undecided += undecided;
      return wrong;
    }
    for (std::uint64_t k = 3; k < 60; ++k)
      expected.disturbed(reference_losses(t, direction, (k % 2 == 0 ? 1.0 : 3.0) * kNoise, k));
  }
}

/// Which arrays' gradients are wrong along a direction of their own.
std::string wrong_arrays(const Training& t, const Gradient& gradient, Random& random) {
  std::string out = "batch " + std::to_string(t.config.batch) + ", slices " + std::to_string(t.slices.size()) +
                    ", optimizer " + std::to_string(static_cast<int>(t.config.optimizer.kind)) + ", clip_norm " +
                    std::to_string(t.config.clip_norm) + ", loss " + std::to_string(static_cast<int>(t.config.loss)) +
                    "\n";
  const std::vector<double> all = random_direction(random, t, gradient.values);
  for_trained_arrays(t, [&](std::size_t layer, const ParamArray& array, std::size_t first) {
    std::vector<double> direction(all.size());
    double slope = 0.0;
    for (std::size_t i = first; i < first + array.count; ++i) {
      direction[i] = all[i];
      slope += static_cast<double>(gradient.values[i]) * all[i];
    }
    const double expected = reference_losses(t, direction, 0.0, 0).back();
    if (std::fabs(slope - expected) > 1e-5 * (1.0 + std::fabs(expected)))
      out += "layer " + std::to_string(layer) + ", " + array.name + ": " + std::to_string(slope) + " instead of " +
             std::to_string(expected) + "\n";
  });
  return out;
}

void check_training(std::uint32_t seed, Coverage& coverage) {
  SCOPED_TRACE("graph " + std::to_string(seed));
  Training t{test::operator_graph(seed, true), {}, {}, 0, {}, {}, {}, {}, {}};
  t.model = t.graph.model();
  Random random(seed + 2000000);
  TrainConfig& config = t.config;
  config.loss = random.chance(70) ? Loss::squared_error : Loss::softmax_cross_entropy;
  config.optimizer =
      random.chance(70) ? momentum({.learning_rate = 1.0F, .momentum = 0.0}) : sgd({.learning_rate = 1.0F});
  const std::uint32_t slices = random.chance(70) ? 1 : random.between(2, 3);
  config.batch = t.graph.batch * slices;
  config.micro_batch = slices == 1 && random.chance(60) ? 0 : t.graph.batch;
  if (random.chance(20)) config.clip_norm = 1e30F;
  config.external_input = t.model.input_count() == 1 && random.chance(20);
  config.alignment = 4U << random.below(6);
  const Status valid = validate(t.model, config);
  if (valid.code == Code::nothing_to_train) return;
  ASSERT_TRUE(valid.ok()) << name(valid.code) << ", layer " << valid.layer << "\n" << text_of(t.model);
  t.output = loss_layer(t.model, config.loss);
  if (t.model.layers[t.output].dtype != DType::f32) return;
  t.differentiated = t.trained_norms = find_differentiated(t.model, t.output);
  for (std::size_t i = 0; i < t.trained_norms.size(); ++i) {
    const Layer& layer = t.model.layers[i];
    t.trained_norms[i] = t.trained_norms[i] && layer.op == Op::batch_norm && layer.trainable();
  }
  const auto outputs = static_cast<std::uint32_t>(t.model.layers[t.output].shape.elements());
  for (std::uint32_t slice = 0; slice < slices; ++slice) {
    t.slices.push_back(random_inputs(random, t.model, t.graph.batch));
    t.targets.emplace_back(std::size_t{outputs} * t.graph.batch);
    for (float& target : t.targets.back()) target = random.real();
    t.labels.emplace_back(t.graph.batch);
    for (std::int32_t& label : t.labels.back()) label = static_cast<std::int32_t>(random.below(outputs));
  }
  const Gradient gradient = run_trainer(t);
  if (gradient.status.code == Code::non_finite_gradient)  // a backward step's product may be beyond what becomes of it
    return void(++coverage.undecided);
  if (gradient.status.code == Code::non_finite_loss) {
    const std::vector<double> all(trained_offset(t.model.layers, t.model.layers.size(), config.alignment) / 4, 1.0);
    for (const double number : reference_losses(t, all, 0.0, 0))
      if (!(std::fabs(number) < 1e4)) return void(++coverage.undecided);
  }
  ASSERT_TRUE(gradient.status.ok()) << name(gradient.status.code) << ", layer " << gradient.status.layer << "\n"
                                    << text_of(t.model);
  for (int k = 0; k < 2; ++k) {
    const std::string wrong = compare_gradient(t, gradient, random, coverage);
    EXPECT_TRUE(wrong.empty()) << wrong << "\n" << wrong_arrays(t, gradient, random) << text_of(t.model);
    if (!wrong.empty()) break;
  }
  for (std::size_t k = 1; runnable_isa(k) != nullptr; ++k) {
    if (std::string_view(runnable_isa(k)) == "baseline") continue;
    ASSERT_TRUE(use_isa(runnable_isa(k)));
    const Gradient other = run_trainer(t);
    EXPECT_TRUE(other.losses == gradient.losses && other.values == gradient.values) << isa_name() << "\n"
                                                                                    << text_of(t.model);
  }
  ASSERT_TRUE(use_isa(runnable_isa(0)));
  coverage.add(t.model, t.differentiated);
}

TEST(operator_graphs, trainers_take_the_slopes_of_the_records) {
  const Seeds wish = test::seeds(600);
  Coverage coverage;
  for (std::uint32_t seed = wish.first; seed - wish.first < wish.count; ++seed) check_training(seed, coverage);
  if (wish.count >= 600) coverage.expect_all(wish.count / 60, true);
  if (std::getenv("MOTE_GRAPHS") != nullptr) coverage.print("training");
}

}  // namespace
}  // namespace mote
