// SPDX-License-Identifier: Apache-2.0
// Recurrent layers against ONNX's formulas in double, forwards and in reverse, with and without states; all gradients
// against central differences; the update in place; and their bits.
#include "reference/recurrent.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "instruction_set.hpp"
#include "kernels/guarded.hpp"

namespace mote {
namespace {

using reference::Cell;
using test::memory;
using test::Numbers;

struct Layer {
  const char* name;
  Cell cell;
  void (*forward)(const RecurrentArgs&);
  void (*backward)(const RecurrentGradArgs&);
  std::size_t (*scratch)(const RecurrentShape&);
  std::size_t (*saved)(const RecurrentShape&);
  std::size_t (*grad_scratch)(const RecurrentShape&);
};
const Layer kLayers[] = {
    {"rnn", Cell::rnn, kernels::rnn_f32, kernels::rnn_grad_f32, rnn_scratch_floats, rnn_saved_floats,
     rnn_grad_scratch_floats},
    {"lstm", Cell::lstm, kernels::lstm_f32, kernels::lstm_grad_f32, lstm_scratch_floats, lstm_saved_floats,
     lstm_grad_scratch_floats},
    {"gru", Cell::gru, kernels::gru_f32, kernels::gru_grad_f32, gru_scratch_floats, gru_saved_floats,
     gru_grad_scratch_floats},
};

/// Every array of a layer, its gradient and its double. The seven inputs come first.
enum Which : std::uint8_t { input, weights, recurrent_weights, bias, recurrent_bias, initial_h, initial_c, kInputs };

struct Arrays {
  const Layer& layer;
  RecurrentShape shape;
  std::size_t counts[kInputs];
  float *values[kInputs], *grads[kInputs];
  float *output, *final_h, *final_c, *grad_output, *grad_final_h, *grad_final_c, *saved, *scratch, *grad_scratch;
  static constexpr float kScale = -0.25F;

  Arrays(const Layer& which, const RecurrentShape& s) : layer(which), shape(s) {
    memory.reset();
    const std::size_t gates = reference::gates_of(which.cell), state = std::size_t{s.batch} * s.units;
    const std::size_t sizes[] = {std::size_t{s.batch} * s.steps * s.fan_in,
                                 s.fan_in * gates * s.units,
                                 s.units * gates * s.units,
                                 gates * s.units,
                                 gates * s.units,
                                 state,
                                 state};
    Numbers numbers(s.units * 100 + s.steps);
    for (std::size_t i = 0; i < kInputs; ++i) {
      counts[i] = sizes[i];
      values[i] = memory.take(sizes[i], i), grads[i] = memory.take(sizes[i], i + 1);
      numbers.fill(values[i], sizes[i], i == input ? 1.5F : 0.7F), numbers.fill(grads[i], sizes[i]);
    }
    output = memory.take(outputs(), 1), grad_output = memory.take(outputs(), 2);
    final_h = memory.take(state), final_c = memory.take(state);
    grad_final_h = memory.take(state, 3), grad_final_c = memory.take(state, 4);
    numbers.fill(grad_output, outputs()), numbers.fill(grad_final_h, state), numbers.fill(grad_final_c, state);
    saved = memory.take(which.saved(s)), scratch = memory.take(which.scratch(s), 1);
    grad_scratch = memory.take(which.grad_scratch(s), 2);
  }
  [[nodiscard]] std::size_t outputs() const { return std::size_t{shape.batch} * shape.steps * shape.units; }
  [[nodiscard]] std::size_t state() const { return std::size_t{shape.batch} * shape.units; }
  [[nodiscard]] bool has_c() const { return layer.cell == Cell::lstm; }
  [[nodiscard]] RecurrentArgs args() const {
    return {values[input],
            values[weights],
            values[recurrent_weights],
            values[bias],
            values[recurrent_bias],
            values[initial_h],
            values[initial_c],
            output,
            final_h,
            has_c() ? final_c : nullptr,
            saved,
            scratch,
            shape};
  }
  [[nodiscard]] RecurrentGradArgs grad_args() const {
    return {values[input],
            values[weights],
            values[recurrent_weights],
            values[initial_h],
            values[initial_c],
            output,
            grad_output,
            grad_final_h,
            has_c() ? grad_final_c : nullptr,
            grads[input],
            grads[initial_h],
            has_c() ? grads[initial_c] : nullptr,
            grads[weights],
            grads[recurrent_weights],
            grads[bias],
            grads[recurrent_bias],
            saved,
            grad_scratch,
            kScale,
            shape};
  }
};

/// The same layer in double.
struct Exact {
  reference::Recurrent layer;
  double* values[kInputs];
  double *grad_output, *grad_final_h, *grad_final_c, *work;

  explicit Exact(const Arrays& a) {
    const auto copy = [](const float* from, std::size_t count) {
      double* to = memory.take_doubles(count);
      for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<double>(from[i]);
      return to;
    };
    for (std::size_t i = 0; i < kInputs; ++i) values[i] = copy(a.values[i], a.counts[i]);
    grad_output = copy(a.grad_output, a.outputs());
    grad_final_h = copy(a.grad_final_h, a.state()), grad_final_c = copy(a.grad_final_c, a.state());
    work = memory.take_doubles(5 * a.shape.units);
    layer = {a.layer.cell,
             a.shape,
             values[input],
             values[weights],
             values[recurrent_weights],
             values[bias],
             values[recurrent_bias],
             values[initial_h],
             values[initial_c],
             memory.take_doubles(a.outputs()),
             memory.take_doubles(a.state()),
             memory.take_doubles(a.state())};
  }
  /// What the gradients are of.
  double loss(const Arrays& a) const {
    layer.run(work);
    double sum = 0.0;
    for (std::size_t i = 0; i < a.outputs(); ++i) sum += grad_output[i] * layer.output[i];
    for (std::size_t i = 0; i < a.state(); ++i) sum += grad_final_h[i] * layer.final_h[i];
    for (std::size_t i = 0; i < a.state() && a.has_c(); ++i) sum += grad_final_c[i] * layer.final_c[i];
    return sum;
  }
  double slope(const Arrays& a, double& by) const {
    const double middle = by, step = 1e-5;
    by = middle + step;
    const double after = loss(a);
    by = middle - step;
    const double before = loss(a);
    by = middle;
    return (after - before) / (2.0 * step);
  }
};

constexpr RecurrentShape kShapes[] = {
    {1, 1, 3, 4}, {2, 5, 3, 4}, {1, 11, 2, 5}, {3, 4, 6, 9}, {1, 3, 1, 17}, {2, 2, 5, 1},
};
template <class Body>
void each_variant(const Layer& layer, const RecurrentShape& shape, const Body& body) {
  for (const bool reverse : {false, true}) {
    RecurrentShape s = shape;
    s.reverse = reverse;
    if (layer.cell == Cell::rnn) {
      for (const auto f : {RecurrentActivation::tanh, RecurrentActivation::sigmoid, RecurrentActivation::relu})
        s.activation = f, body(s);
    } else {
      body(s);
      s.linear_before_reset = layer.cell == Cell::gru;
      s.cell_clip = layer.cell == Cell::lstm ? 0.35F : 0.0F;
      body(s);
    }
  }
}

TEST(recurrent, forward_as_the_formulas) {
  for (const Layer& layer : kLayers) {
    for (const RecurrentShape& shape : kShapes) {
      each_variant(layer, shape, [&](const RecurrentShape& s) {
        const Arrays a(layer, s);
        const Exact exact(a);
        exact.layer.run(exact.work);
        layer.forward(a.args());
        EXPECT_LE(test::worst_error(a.output, exact.layer.output, a.outputs()), 2e-6) << layer.name << s.units;
        EXPECT_LE(test::worst_error(a.final_h, exact.layer.final_h, a.state()), 2e-6) << layer.name << s.units;
        if (a.has_c()) {
          EXPECT_LE(test::worst_error(a.final_c, exact.layer.final_c, a.state()), 2e-6) << s.units;
        }
        EXPECT_TRUE(memory.intact()) << layer.name << s.units;
      });
    }
  }
}

TEST(recurrent, without_states_biases_and_outputs) {
  for (const Layer& layer : kLayers) {
    for (const std::uint32_t batch : {1U, 3U}) {
      const Arrays a(layer, {batch, 10, 3, 6});
      for (const Which zero : {bias, recurrent_bias, initial_h, initial_c})
        std::fill(a.values[zero], a.values[zero] + a.counts[zero], 0.0F);
      layer.forward(a.args());
      const std::uint64_t output = test::hash_bits(a.output, a.outputs()), h = test::hash_bits(a.final_h, a.state());
      RecurrentArgs args = a.args();
      args.bias = args.recurrent_bias = args.initial_h = args.initial_c = nullptr;
      args.saved = nullptr;
      std::fill(a.output, a.output + a.outputs(), 9.0F);
      layer.forward(args);
      EXPECT_EQ(test::hash_bits(a.output, a.outputs()), output) << layer.name;
      args.output = nullptr;
      std::fill(a.final_h, a.final_h + a.state(), 9.0F);
      layer.forward(args);
      EXPECT_EQ(test::hash_bits(a.final_h, a.state()), h) << layer.name;
      EXPECT_TRUE(memory.intact()) << layer.name;
    }
  }
}

/// A sequence in two halves, the state handed over in place, is the whole sequence.
TEST(recurrent, states_carry_over) {
  for (const Layer& layer : kLayers) {
    const Arrays a(layer, {1, 12, 3, 5});
    layer.forward(a.args());
    float whole[60];
    std::copy(a.output, a.output + 60, whole);
    RecurrentArgs args = a.args();
    args.shape.steps = 6;
    args.saved = nullptr;
    args.final_h = a.values[initial_h];
    if (a.has_c()) args.final_c = a.values[initial_c];
    layer.forward(args);
    args.input += 18, args.output += 30;
    layer.forward(args);
    for (std::size_t i = 0; i < 60; ++i) EXPECT_EQ(a.output[i], whole[i]) << layer.name << " at " << i;
  }
}

#if defined(MOTE_BARE_METAL)
constexpr std::uint32_t kMostUnits = 5;  // double arithmetic is slow there
#else
constexpr std::uint32_t kMostUnits = 9;
#endif

TEST(recurrent, gradients_are_the_slopes) {
  for (const Layer& layer : kLayers) {
    for (const RecurrentShape& shape : kShapes) {
      if (shape.units > kMostUnits) continue;
      each_variant(layer, shape, [&](const RecurrentShape& s) {
        if (s.activation == RecurrentActivation::relu) return;  // corners: below
        const Arrays a(layer, s);
        const Exact exact(a);
        double* expected[kInputs];
        for (std::size_t which = 0; which < kInputs; ++which) {
          expected[which] = memory.take_doubles(a.counts[which]);
          const bool parameter = which >= weights && which <= recurrent_bias;
          for (std::size_t i = 0; i < a.counts[which]; ++i) {
            const double slope = exact.slope(a, exact.values[which][i]);
            expected[which][i] =
                parameter ? static_cast<double>(a.grads[which][i]) + static_cast<double>(a.kScale) * slope : slope;
          }
        }
        layer.forward(a.args());
        layer.backward(a.grad_args());
        for (std::size_t which = 0; which < kInputs; ++which) {
          if (which == initial_c && !a.has_c()) continue;
          EXPECT_LE(test::worst_error(a.grads[which], expected[which], a.counts[which]), 1e-5)
              << layer.name << ", array " << which << ", " << s.batch << " x " << s.steps << ", reverse " << s.reverse;
        }
        EXPECT_TRUE(memory.intact()) << layer.name;
      });
    }
  }
}

TEST(recurrent, gradient_of_relu_where_it_has_one) {
  const Arrays a(kLayers[0], {2, 4, 3, 5, false, false, RecurrentActivation::relu});
  const Exact exact(a);
  kLayers[0].forward(a.args()), kLayers[0].backward(a.grad_args());
  for (std::size_t i = 0; i < a.counts[input]; ++i)
    EXPECT_NEAR(static_cast<double>(a.grads[input][i]), exact.slope(a, exact.values[input][i]), 1e-5) << i;
}

TEST(recurrent, update_in_place_and_gradients_that_nobody_wants) {
  for (const Layer& layer : kLayers) {
    const Arrays a(layer, {2, 5, 3, 6});
    layer.forward(a.args()), layer.backward(a.grad_args());
    const std::uint64_t gx = test::hash_bits(a.grads[input], a.counts[input]);
    const auto hash_of = [&](float* const* arrays) {
      std::uint64_t hash = test::hash_bits(nullptr, 0);
      for (const Which w : {weights, recurrent_weights, bias, recurrent_bias})
        hash = test::hash_bits(arrays[w], a.counts[w], hash);
      return hash;
    };
    for (const Which w : {weights, recurrent_weights, bias, recurrent_bias})
      test::copy(a.values[w], a.grads[w], a.counts[w]);
    layer.forward(a.args()), layer.backward(a.grad_args());
    const std::uint64_t updated = hash_of(a.grads);

    RecurrentGradArgs alone = a.grad_args();
    alone.grad_weights = alone.grad_recurrent_weights = alone.grad_bias = alone.grad_recurrent_bias = nullptr;
    alone.grad_initial_h = alone.grad_initial_c = nullptr;
    layer.forward(a.args()), layer.backward(alone);
    EXPECT_EQ(test::hash_bits(a.grads[input], a.counts[input]), gx) << layer.name;

    RecurrentGradArgs in_place = a.grad_args();
    in_place.grad_weights = a.values[weights], in_place.grad_recurrent_weights = a.values[recurrent_weights];
    in_place.grad_bias = a.values[bias], in_place.grad_recurrent_bias = a.values[recurrent_bias];
    layer.forward(a.args()), layer.backward(in_place);
    EXPECT_EQ(hash_of(a.values), updated) << layer.name;
    EXPECT_EQ(test::hash_bits(a.grads[input], a.counts[input]), gx) << layer.name;
    EXPECT_TRUE(memory.intact()) << layer.name;
  }
}

TEST(recurrent, gradients_that_are_null_are_zero) {
  for (const Layer& layer : kLayers) {
    const Arrays a(layer, {2, 4, 3, 5});
    std::fill(a.grad_output, a.grad_output + a.outputs(), 0.0F);
    std::fill(a.grad_final_c, a.grad_final_c + a.state(), 0.0F);
    layer.forward(a.args()), layer.backward(a.grad_args());
    const std::uint64_t gx = test::hash_bits(a.grads[input], a.counts[input]);
    RecurrentGradArgs args = a.grad_args();
    args.grad_output = args.grad_final_c = nullptr;
    layer.forward(a.args()), layer.backward(args);
    EXPECT_EQ(test::hash_bits(a.grads[input], a.counts[input]), gx) << layer.name;
  }
}

TEST(recurrent, same_bits_everywhere) {
  if (!check::kFused) return;
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const Layer& layer : kLayers) {
    for (const RecurrentShape& shape : {RecurrentShape{1, 9, 5, 20}, RecurrentShape{3, 6, 10, 12}}) {
      each_variant(layer, shape, [&](const RecurrentShape& s) {
        const Arrays a(layer, s);
        layer.forward(a.args()), layer.backward(a.grad_args());
        hash = test::hash_bits(a.output, a.outputs(), hash);
        for (std::size_t which = 0; which < initial_c; ++which)
          hash = test::hash_bits(a.grads[which], a.counts[which], hash);
      });
    }
  }
  EXPECT_EQ(hash, 0x384EBF90AFF233A9U);
}

}  // namespace
}  // namespace mote
