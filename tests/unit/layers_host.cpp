// SPDX-License-Identifier: Apache-2.0
// The operators that normalise and multiply values, in a session of several samples, against tests/reference or loops
// from their definitions. Every width of their kernels is tests/kernels' affair; here are axes, parameters and
// operands.
#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <vector>

#include "check.hpp"
#include "kernels/guarded.hpp"
#include "mote/mote.hpp"
#include "reference/norm.hpp"
#include "reference/recurrent.hpp"
#include "reference/resize.hpp"

namespace mote {
namespace {

alignas(64) std::array<std::byte, 64 * 1024> arena;
using Doubles = std::vector<double>;

constexpr std::uint32_t kBatch = 3;

/// A model with drawn parameters, its session of kBatch samples and drawn inputs, as float and double.
struct Sample {
  std::vector<Layer> layers;  // a network may be gone before
  std::vector<float> params;
  Model model;
  Doubles input, output;
  Status status;

  template <class Net>
  explicit Sample(const Net& net, std::uint32_t batch = kBatch, std::uint32_t seed = 1)

      : layers(net.layers.begin(), net.layers.end()), params(net.param_bytes / 4 + 4) {
    test::Numbers numbers(seed);
    numbers.fill(params.data(), params.size());
    std::byte* first = reinterpret_cast<std::byte*>(params.data());
    first += (16 - reinterpret_cast<std::uintptr_t>(first) % 16) % 16;
    model = net.model(first);
    model.layers = layers;
    Result<Session> session = Session::create(model, arena, {.batch = batch});
    status = session.status();
    EXPECT_TRUE(session.ok()) << name(status.code);
    if (!session.ok()) return;
    const Values<float> values = session->input();
    for (float& value : values) input.push_back(static_cast<double>(value = numbers.next()));
    session->run();
    for (const float value : session->output<float>()) output.push_back(static_cast<double>(value));
  }
  /// Parameters of layer `i` from element `at` on.
  [[nodiscard]] double param(std::size_t i, std::size_t at) const {
    return static_cast<double>(reinterpret_cast<const float*>(layer_params(model, i))[at]);
  }
  void expect(const Doubles& wanted, const char* what) const {
    ASSERT_EQ(output.size(), wanted.size()) << what;
    for (std::size_t i = 0; i < wanted.size(); ++i)
      EXPECT_NEAR(output[i], wanted[i], 2e-6 * (1.0 + std::abs(wanted[i]))) << what << "[" << i << "]";
  }
};

/// line(x, y, count) for every line of `shape` along `axis`, of all samples.
Doubles along(const Doubles& from, const Shape& shape, std::size_t axis,
              const std::function<void(const double*, double*, std::size_t)>& line) {
  Doubles to(from.size());
  const std::size_t count = extent(shape, axis), inner = axis == 0 ? 1 : axis == 1 ? shape.c : shape.w * shape.c;
  for (std::size_t outer = 0; outer < from.size() / (count * inner); ++outer)
    for (std::size_t i = 0; i < inner; ++i) {
      Doubles x(count), y(count);
      for (std::size_t k = 0; k < count; ++k) x[k] = from[(outer * count + k) * inner + i];
      line(x.data(), y.data(), count);
      for (std::size_t k = 0; k < count; ++k) to[(outer * count + k) * inner + i] = y[k];
    }
  return to;
}

TEST(layers, softmax_takes_any_axis) {
  const auto softmax_line = [](const double* x, double* y, std::size_t count) {
    double sum = 0.0;
    for (std::size_t i = 0; i < count; ++i) sum += y[i] = std::exp(x[i]);
    for (std::size_t i = 0; i < count; ++i) y[i] /= sum;
  };
  const auto logarithm = [&](const double* x, double* y, std::size_t count) {
    softmax_line(x, y, count);
    for (std::size_t i = 0; i < count; ++i) y[i] = std::log(y[i]);
  };
  const auto check = [&](const auto& net, std::size_t axis, bool log) {
    const Sample run(net);
    if (log)
      run.expect(along(run.input, {4, 3, 5}, axis, logarithm), "log_softmax");
    else
      run.expect(along(run.input, {4, 3, 5}, axis, softmax_line), "softmax");
  };
  check(sequential(input(4, 3, 5), softmax()), 0, false);
  check(sequential(input(4, 3, 5), softmax(1)), 1, false);
  check(sequential(input(4, 3, 5), softmax(2)), 2, false);
  check(sequential(input(4, 3, 5), log_softmax()), 0, true);
  check(sequential(input(4, 3, 5), log_softmax(1)), 1, true);
  check(sequential(input(4, 3, 5), log_softmax(2)), 2, true);
}

TEST(layers, a_loss_is_fused_with_a_softmax_over_channels_only) {
  EXPECT_EQ(loss_layer(sequential(input(3), dense(3), softmax()).model(), Loss::softmax_cross_entropy), 1U);
  EXPECT_EQ(loss_layer(sequential(input(3), dense(3), softmax(1)).model(), Loss::softmax_cross_entropy), 2U);
  EXPECT_EQ(loss_layer(sequential(input(3), dense(3), log_softmax()).model(), Loss::softmax_cross_entropy), 2U);
}

TEST(layers, average_pool_may_count_padding) {
  // In ceiling mode a window reaches beyond the image: that is more padding behind than before.
  constexpr PoolOptions kWindow{
      .filter = {3, 2}, .stride = {2, 2}, .padding = Padding::explicit_, .pads = {1, 2, 0, 1}, .count_padding = true};
  const Sample run(sequential(input(4, 5, 2), average_pool(kWindow)));
  Doubles wanted;
  for (std::size_t n = 0; n < kBatch; ++n)
    for (int y = 0; y < 3; ++y)
      for (int x = 0; x < 3; ++x)
        for (std::size_t c = 0; c < 2; ++c) {
          double sum = 0.0;
          for (int i = 2 * y - 1; i < 2 * y + 2; ++i)
            for (int j = 2 * x; j < 2 * x + 2; ++j)
              if (i >= 0 && i < 4 && j < 5)
                sum += run.input[((n * 4 + static_cast<std::size_t>(i)) * 5 + static_cast<std::size_t>(j)) * 2 + c];
          wanted.push_back(sum / 6.0);
        }
  run.expect(wanted, "average_pool");
}

TEST(layers, norms_of_every_pixel) {
  const auto check = [](const auto& net, reference::NormFunction norm, bool gain, bool shift, const char* what) {
    const Sample run(net);
    Doubles gamma(7), beta(7);
    for (std::size_t c = 0; c < 7; ++c)
      gamma[c] = gain ? run.param(1, c) : 1.0, beta[c] = shift ? run.param(1, 7 + c) : 0.0;
    const reference::RowNorm row{gain ? gamma.data() : nullptr, shift ? beta.data() : nullptr,
                                 static_cast<double>(run.model.layers[1].alpha)};
    run.expect(
        along(run.input, {2, 3, 7}, 0, [&](const double* x, double* y, std::size_t count) { norm(x, y, count, row); }),
        what);
  };
  check(sequential(input(2, 3, 7), layer_norm({.epsilon = 0.01F})), reference::layer_norm, true, true, "layer_norm");
  check(sequential(input(2, 3, 7), rms_norm()), reference::rms_norm, true, false, "rms_norm");
  check(sequential(input(2, 3, 7), rms_norm({.beta = true})), reference::rms_norm, true, true, "rms_norm, beta");
  check(sequential(input(2, 3, 7), l2_norm()), reference::l2_norm, false, false, "l2_norm");
  EXPECT_EQ(sequential(input(2, 3, 7), rms_norm()).layers[1].param_bytes, 28U);
}

TEST(layers, bias_add_adds_to_every_pixel) {
  const Sample run(sequential(input(2, 3, 7), bias_add()));
  Doubles wanted(run.input.begin(), run.input.end());
  for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] += run.param(1, i % 7);
  run.expect(wanted, "bias_add");
  EXPECT_EQ(run.model.layers[1].param_bytes, 28U);
}

TEST(layers, lrn_reads_its_neighbours) {
  const Sample run(sequential(input(2, 9), lrn({.before = 1, .behind = 2, .alpha = 0.5F, .beta = 0.6F, .bias = 2.0F})));
  run.expect(along(run.input, {1, 2, 9}, 0,
                   [](const double* x, double* y, std::size_t count) {
                     for (std::size_t c = 0; c < count; ++c) {
                       double sum = 0.0;
                       for (std::size_t k = c == 0 ? 0 : c - 1; k < std::min(count, c + 3); ++k) sum += x[k] * x[k];
                       y[c] = x[c] * std::pow(2.0 + 0.5 * sum, static_cast<double>(-0.6F));
                     }
                   }),
             "lrn");
}

TEST(layers, matmul_of_two_values) {
  const auto check = [](const auto& net, bool transposed) {
    const Sample run(net);
    Doubles wanted;
    const auto a = [&](std::size_t line, std::size_t y, std::size_t k) { return run.input[line * 12 + y * 4 + k]; };
    for (std::size_t line = 0; line < 2 * kBatch; ++line)  // a: 3 x 4; b: its rows 0 … 1, and their transpose
      for (std::size_t y = 0; y < 3; ++y)
        for (std::size_t x = 0; x < 2; ++x) {
          double sum = 0.0;
          for (std::size_t k = 0; k < 4; ++k) sum += a(line, y, k) * a(line, x, k);
          wanted.push_back(sum);
        }
    run.expect(wanted, transposed ? "matmul, transposed" : "matmul");
  };
  check(
      sequential(input(2, 3, 4).as("a"), slice({0, 0, 0}, {2, 2, 4}).as("b"), identity().reads("a"), matmul("b", true)),
      true);
  check(sequential(input(2, 3, 4).as("a"), slice({0, 0, 0}, {2, 2, 4}),
                   transpose({2, 2, 4, 1}, {0, 2, 1, 3}, {2, 4, 2}).as("b"), identity().reads("a"), matmul("b")),
        false);
}

/// Layer `layer` of a run from arrays of doubles: x = the first five steps of four values, states as given.
struct Recurrence {
  Doubles input, weights, recurrent, bias, recurrent_bias, h, c, output, final_h, final_c;

  Recurrence(const Sample& run, std::size_t layer, reference::Cell cell, Doubles initial_h, Doubles initial_c)
      : input(run.input), h(std::move(initial_h)), c(std::move(initial_c)) {
    const Layer& l = run.model.layers[layer];
    const RecurrentShape shape = detail::recurrent_shape(l, run.model.layers[0].shape, kBatch);
    const std::size_t units = shape.units, columns = reference::gates_of(cell) * units;
    std::size_t at = 0;
    const auto take = [&](Doubles& to, std::size_t count, bool there) {
      to.assign(count, 0.0);
      for (std::size_t i = 0; i < count && there; ++i) to[i] = run.param(layer, at++);
    };
    take(weights, shape.fan_in * columns, true), take(recurrent, units * columns, true);
    take(bias, columns, l.has_bias()), take(recurrent_bias, columns, l.has_bias() && cell == reference::Cell::gru);
    EXPECT_EQ(l.param_bytes, at * sizeof(float));
    output.resize(kBatch * shape.steps * units), final_h.resize(kBatch * units), final_c.resize(kBatch * units);
    if (h.empty()) h.resize(kBatch * units);
    if (c.empty()) c.resize(kBatch * units);
    Doubles work(5 * units);
    reference::Recurrent{
        cell,     shape,    input.data(),  weights.data(), recurrent.data(), bias.data(), recurrent_bias.data(),
        h.data(), c.data(), output.data(), final_h.data(), final_c.data()}
        .run(work.data());
  }
};

TEST(layers, recurrent_layers_over_a_sequence) {
  using reference::Cell;
  const auto check = [](const auto& net, Cell cell, const char* what) {
    const Sample run(net);
    run.expect(Recurrence(run, 1, cell, {}, {}).output, what);
  };
  using enum RecurrentActivation;
  check(sequential(input(5, 4), lstm(3)), Cell::lstm, "lstm");
  check(sequential(input(5, 4), lstm(3, {.reverse = true, .bias = false})), Cell::lstm, "lstm, reverse");
  check(sequential(input(5, 4), gru(3)), Cell::gru, "gru");
  check(sequential(input(5, 4), gru(3, {.linear_before_reset = true})), Cell::gru, "gru, linear before reset");
  check(sequential(input(5, 4), gru(3, {.reverse = true, .bias = false})), Cell::gru, "gru, reverse");
  check(sequential(input(5, 4), rnn(3)), Cell::rnn, "rnn");
  check(sequential(input(5, 4), rnn(3, {.reverse = true, .activation = relu})), Cell::rnn, "rnn, relu");
  check(sequential(input(5, 4), rnn(3, {.activation = sigmoid, .bias = false})), Cell::rnn, "rnn, sigmoid");
}

/// Three values of step `step` from channel `begin` on, of every sample.
Doubles part_of(const Doubles& input, std::size_t step, std::size_t begin) {
  Doubles out;
  for (std::size_t n = 0; n < kBatch; ++n)
    for (std::size_t c = 0; c < 3; ++c) out.push_back(input[(n * 5 + step) * 4 + begin + c]);
  return out;
}

TEST(layers, recurrent_layers_begin_with_states_and_end_with_a_cell) {
  // The last cell in front of the values: (1, 1 + 5, 3).
  constexpr auto kLstm = sequential(
      input(5, 4).as("x"), slice({0, 1, 0}, {1, 1, 3}).as("h"), slice({0, 2, 1}, {1, 1, 3}).reads("x").as("c"),
      identity().reads("x"), lstm(3, {.initial_h = "h", .initial_c = "c"}).as("l"), result(), concat_along(1, "l"));
  const Sample lstm_run(kLstm);
  const Recurrence whole(lstm_run, 4, reference::Cell::lstm, part_of(lstm_run.input, 1, 0),
                         part_of(lstm_run.input, 2, 1));
  Doubles wanted;
  for (std::size_t n = 0; n < kBatch; ++n) {
    wanted.insert(wanted.end(), &whole.final_c[n * 3], &whole.final_c[n * 3] + 3);
    wanted.insert(wanted.end(), &whole.output[n * 15], &whole.output[n * 15] + 15);
  }
  lstm_run.expect(wanted, "lstm with states");
  const Sample cell(sequential(input(5, 4), lstm(3), result()));
  cell.expect(Recurrence(cell, 1, reference::Cell::lstm, {}, {}).final_c, "a cell alone");
  const Sample gru_run(sequential(input(5, 4).as("x"), slice({0, 1, 0}, {1, 1, 3}).as("h"), identity().reads("x"),
                                  gru(3, {.initial_h = "h"})));
  gru_run.expect(Recurrence(gru_run, 3, reference::Cell::gru, part_of(gru_run.input, 1, 0), {}).output, "gru");
  const Sample rnn_run(sequential(input(5, 4).as("x"), slice({0, 1, 0}, {1, 1, 3}).as("h"), identity().reads("x"),
                                  rnn(3, {.initial_h = "h"})));
  rnn_run.expect(Recurrence(rnn_run, 3, reference::Cell::rnn, part_of(rnn_run.input, 1, 0), {}).output, "rnn");
}

TEST(layers, arrays_of_a_recurrent_layer_are_drawn_apart) {
  constexpr auto kNet = sequential(input(5, 3), lstm(3));
  std::array<float, 84> params{};
  init_layer(kNet.layers[1], kNet.layers[0].shape, reinterpret_cast<std::byte*>(params.data()),
             Initializer::glorot_uniform, 0.0F, 7, 1);
  for (std::size_t i = 0; i < 36; ++i) EXPECT_NE(params[i], params[36 + i]) << i;
  for (std::size_t i = 72; i < 84; ++i) EXPECT_EQ(params[i], 0.0F) << i;
  for (std::size_t i = 0; i < 72; ++i) EXPECT_LE(std::abs(params[i]), 1.0F) << "sqrt(6 / (3 + 3))";
}

TEST(layers, rules_of_recurrent_layers) {
  const auto refuses = [](auto net, Code code, auto change) {
    change(net.layers);
    EXPECT_EQ(validate(net.model()).code, code);
  };
  for (const std::int32_t bad : {2, -1}) {
    refuses(sequential(input(5, 4), lstm(3)), Code::bad_attribute, [&](auto& l) { l[1].args[0] = bad; });
    refuses(sequential(input(5, 4), gru(3)), Code::bad_attribute, [&](auto& l) { l[1].args[1] = bad; });
  }
  for (const std::int32_t bad : {3, -1})
    refuses(sequential(input(5, 4), rnn(3)), Code::bad_attribute, [&](auto& l) { l[1].args[1] = bad; });
  refuses(sequential(input(5, 4), lstm(3)), Code::reserved_not_zero, [](auto& l) { l[1].args[1] = 1; });
  refuses(sequential(input(5, 4), lstm(3)), Code::bad_shape, [](auto& l) { l[1].shape.c = 0; });
  refuses(sequential(input(5, 4), lstm(3)), Code::bad_shape, [](auto& l) { l[1].shape.c = (1U << 13) + 1; });
  refuses(sequential(input(5, 4), gru(3)), Code::bad_shape, [](auto& l) { l[1].shape.c = 1U << 28; });
  refuses(sequential(input(1, 5, 4), rnn(3)), Code::shape_mismatch, [](auto& l) { l[0].shape = {5, 1, 4}; });
  constexpr auto kStates = sequential(input(3).as("x"), relu().as("h"), identity().reads("x"),
                                      lstm(3, {.initial_h = "h", .initial_c = "h"}).as("l"), result(), add("l"));
  refuses(kStates, Code::ok, [](auto&) {});
  refuses(kStates, Code::shape_mismatch, [](auto& l) { l[1].op = Op::tile, l[1].shape.w = 2; });
  refuses(kStates, Code::bad_input_count, [](auto& l) { l[3].op = Op::gru; });
  refuses(kStates, Code::bad_input_index, [](auto& l) { l[4].inputs[0] = 1; });
  constexpr auto kTwice = sequential(input(3), lstm(3).as("l"), result().as("r"), identity().reads("l"), add("r"));
  refuses(kTwice, Code::bad_input_index, [](auto& l) { l[3].op = Op::result; });
  EXPECT_EQ(plan_size(sequential(input(3), constant(1, 1, 3).as("h"), identity(), lstm(3, {.initial_h = "h"})).model(),
                      {.batch = 2})
                .status()
                .code,
            Code::constant_in_batch);
}

/// What a transposed convolution is by its definition: every pixel adds its filter.
Doubles scattered(const Sample& run) {
  const Layer& l = run.model.layers[1];
  const Shape in = run.model.layers[0].shape, out = l.shape;
  Doubles to;
  for (std::size_t i = 0; i < kBatch * static_cast<std::size_t>(out.elements()); ++i) {
    const std::size_t weights = std::size_t{l.filter_h} * l.filter_w * in.c * out.c;
    to.push_back(l.has_bias() ? run.param(1, weights + i % out.c) : 0.0);
  }
  for (std::size_t n = 0; n < kBatch; ++n)
    for (std::size_t y = 0; y < in.h; ++y)
      for (std::size_t x = 0; x < in.w; ++x)
        for (std::size_t i = 0; i < l.filter_h; ++i)
          for (std::size_t j = 0; j < l.filter_w; ++j) {
            const std::size_t row = y * l.stride_h + i * l.dilation_h - l.pad_top;
            const std::size_t column = x * l.stride_w + j * l.dilation_w - l.pad_left;
            if (row >= out.h || column >= out.w) continue;  // below 0 too
            for (std::size_t c = 0; c < in.c; ++c)
              for (std::size_t o = 0; o < out.c; ++o) {
                const std::size_t tap = (l.filter_h - 1 - i) * l.filter_w + l.filter_w - 1 - j;
                to[((n * out.h + row) * out.w + column) * out.c + o] +=
                    run.input[((n * in.h + y) * in.w + x) * in.c + c] * run.param(1, (tap * in.c + c) * out.c + o);
              }
          }
  return to;
}

TEST(layers, transposed_convolutions) {
  const auto check = [](const auto& net, Shape shape, const char* what) {
    const Sample run(net);
    EXPECT_EQ(net.layers[1].shape, shape) << what;
    Doubles wanted = scattered(run);
    for (double& value : wanted)
      if (net.layers.size() > 2) value = std::max(value, 0.0);
    run.expect(wanted, what);
  };
  check(sequential(input(4, 5, 3), conv2d_transpose(2)), {6, 7, 2}, "valid");
  check(sequential(input(4, 5, 3), conv2d_transpose(9, {.stride = {2, 3}, .padding = Padding::same}), relu()),
        {8, 15, 9}, "same, with a clamp");
  check(sequential(input(4, 5, 3), conv2d_transpose(2, {.filter = {2, 1}, .stride = {3, 2}, .padding = Padding::same})),
        {12, 10, 2}, "same, strides larger than the filter");
  check(sequential(input(3, 2, 16), conv2d_transpose(3,
                                                     {.filter = {3, 2},
                                                      .stride = {2, 1},
                                                      .dilation = {1, 3},
                                                      .padding = Padding::explicit_,
                                                      .pads = {.top = 1, .bottom = 2, .left = 0, .right = 1},
                                                      .bias = false},
                                                     {1, 2})),
        {5, 6, 3}, "explicit");
  check(sequential(input(4, 4, 5), conv2d_transpose(4, {.filter = {1, 1}})), {4, 4, 4}, "of one tap");
}

TEST(layers, resizing_follows_every_rule) {
  const auto wanted = [](const Sample& run, bool bilinear) {
    const Layer& l = run.model.layers[1];
    const Shape in = run.model.layers[0].shape, out = l.shape;
    const auto coordinates = static_cast<ResizeCoordinates>(l.args[0]);
    const auto place = [&](std::size_t i, std::uint32_t from, std::uint32_t to) {
      return reference::resize_place(coordinates, static_cast<double>(i), from, to, static_cast<double>(from) / to);
    };
    Doubles to;
    for (std::size_t n = 0; n < kBatch; ++n)
      for (std::size_t y = 0; y < out.h; ++y)
        for (std::size_t x = 0; x < out.w; ++x)
          for (std::size_t c = 0; c < out.c; ++c) {
            const double row = place(y, in.h, out.h), column = place(x, in.w, out.w);
            const auto at = [&](std::size_t i, std::size_t j) {
              return run.input[((n * in.h + i) * in.w + j) * in.c + c];
            };
            double sum = 0.0;
            for (std::size_t i = 0; i < in.h && bilinear; ++i)
              for (std::size_t j = 0; j < in.w; ++j)
                sum += reference::hat(row, in.h, i) * reference::hat(column, in.w, j) * at(i, j);
            const auto rounding = static_cast<ResizeRounding>(l.args[1]);
            if (!bilinear)
              sum =
                  at(reference::resize_nearest(rounding, row, in.h), reference::resize_nearest(rounding, column, in.w));
            to.push_back(sum);
          }
    return to;
  };
  const auto nearest = [&](const auto& net) {
    const Sample run(net);
    run.expect(wanted(run, false), "resize_nearest");
  };
  const auto bilinear = [&](const auto& net) {
    const Sample run(net);
    run.expect(wanted(run, true), "resize_bilinear");
  };
  using enum ResizeCoordinates;
  using enum ResizeRounding;
  nearest(sequential(input(3, 4, 2), resize_nearest(6, 8)));
  nearest(sequential(input(3, 4, 2), resize_nearest(6, 8, asymmetric, floor)));
  nearest(sequential(input(3, 4, 2), resize_nearest(5, 7, align_corners, round_prefer_ceil)));
  nearest(sequential(input(3, 4, 2), resize_nearest(2, 4, tf_half_pixel_for_nn, floor)));
  nearest(sequential(input(3, 4, 2), resize_nearest(6, 2, asymmetric, ceil)));
  bilinear(sequential(input(3, 4, 2), resize_bilinear(6, 8)));
  bilinear(sequential(input(3, 4, 2), resize_bilinear(4, 3, asymmetric)));
  bilinear(sequential(input(3, 4, 2), resize_bilinear(5, 7, align_corners)));
  bilinear(sequential(input(3, 4, 2), resize_bilinear(1, 8, pytorch_half_pixel)));
  constexpr auto kTwice = sequential(input(3, 4, 2), resize_nearest(6, 8));
  EXPECT_EQ(kTwice.layers[1].alpha, 2.0F) << "outputs per input";
  auto inverse = kTwice;
  inverse.layers[1].args[2] = 1, inverse.layers[1].alpha = inverse.layers[1].beta = 0.5F;
  EXPECT_EQ(Sample(inverse).output, Sample(kTwice).output);
  auto bytes = sequential(input(1, 2, 1), resize_nearest(2, 4));
  for (Layer& layer : bytes.layers) layer.dtype = DType::u8, layer.quantization = {0.5F, 1};
  Result<Session> session = Session::create(bytes.model(), arena, {});
  ASSERT_TRUE(session.ok());
  session->input<std::uint8_t>()[0] = 3, session->input<std::uint8_t>()[1] = 250;
  session->run();
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(session->output<std::uint8_t>()[i], i % 4 < 2 ? 3 : 250);
}

TEST(layers, casts) {
  constexpr auto kThere = sequential(input(4), cast(DType::s32));
  Result<Session> session = Session::create(kThere.model(), arena, {.batch = 2});
  ASSERT_TRUE(session.ok());
  constexpr std::array<float, 8> kGiven{1.5F, -1.5F, 3e9F, 0.0F, -0.9F, 7.0F, -8.0F, 100.0F};
  std::copy(kGiven.begin(), kGiven.end(), session->input().begin());
  session->run();
  constexpr std::array<std::int32_t, 8> kWanted{1, -1, 2147483647, 0, 0, 7, -8, 100};
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(session->output<std::int32_t>()[i], kWanted[i]);
  const Sample back(sequential(input(4), cast(DType::s8, {0.5F, 3}), cast(DType::boolean), cast(DType::f32)));
  for (const double value : back.output) EXPECT_EQ(value, 0.0) << "inputs are below 1";
  const Sample mask(sequential(input(4), cast(DType::boolean), cast(DType::f32)));
  for (const double value : mask.output) EXPECT_EQ(value, 1.0);
}

TEST(layers, rules_of_filters_sizes_and_types) {
  const auto refuses = [](auto net, Code code, auto change) {
    change(net.layers);
    EXPECT_EQ(validate(net.model()).code, code);
  };
  constexpr auto kTransposed = sequential(input(4, 5, 3), conv2d_transpose(2, {.stride = {2, 1}}));
  refuses(kTransposed, Code::bad_attribute, [](auto& l) { l[1].args[0] = 2; });
  refuses(kTransposed, Code::bad_attribute, [](auto& l) { l[1].args[0] = -1; });
  refuses(kTransposed, Code::bad_attribute, [](auto& l) { l[1].args[1] = 1; });
  refuses(kTransposed, Code::bad_shape, [](auto& l) { l[1].args[0] = 1; });
  refuses(kTransposed, Code::bad_shape, [](auto& l) { l[1].shape.h = 8; });
  refuses(kTransposed, Code::bad_padding, [](auto& l) { l[1].pad_left = 3; });
  refuses(kTransposed, Code::bad_filter, [](auto& l) { l[1].stride_h = 0; });
  refuses(kTransposed, Code::bad_shape, [](auto& l) { l[0].shape = {1U << 18, 1, 1}, l[1].stride_h = 8; });
  refuses(kTransposed, Code::bad_shape, [](auto& l) { l[1].shape.c = 1U << 27; });
  refuses(sequential(input(1, 1, 3), conv2d_transpose(2)), Code::bad_shape,
          [](auto& l) { l[1].pad_top = l[1].pad_bottom = 2; });
  constexpr auto kNearest = sequential(input(3, 4, 2), resize_nearest(6, 8));
  const float nan = __builtin_nanf(""), infinite = __builtin_inff();
  for (const std::int32_t bad : {-1, 5}) {
    refuses(kNearest, Code::bad_attribute, [&](auto& l) { l[1].args[0] = bad; });
    refuses(kNearest, Code::bad_attribute, [&](auto& l) { l[1].args[1] = bad; });
    refuses(kNearest, Code::bad_attribute, [&](auto& l) { l[1].args[2] = bad; });
  }
  for (const float bad : {0.0F, -1.0F, nan, infinite}) {
    refuses(kNearest, Code::bad_attribute, [&](auto& l) { l[1].alpha = bad; });
    refuses(kNearest, Code::bad_attribute, [&](auto& l) { l[1].beta = bad; });
  }
  refuses(kNearest, Code::bad_attribute, [](auto& l) { l[1].args[0] = 2; });
  refuses(kNearest, Code::ok, [](auto& l) { l[1].args[0] = 2, l[1].alpha = l[1].beta = 0.0F; });
  refuses(kNearest, Code::ok, [](auto& l) { l[1].args[0] = 2, l[1].args[2] = 1, l[1].alpha = 0.0F; });
  refuses(kNearest, Code::bad_shape, [](auto& l) { l[1].shape.c = 3; });
  refuses(kNearest, Code::bad_shape, [](auto& l) { l[1].shape.h = 0; });
  constexpr auto kBilinear = sequential(input(3, 4, 2), resize_bilinear(6, 8));
  refuses(kBilinear, Code::bad_attribute, [](auto& l) { l[1].args[1] = 1; });
  refuses(kBilinear, Code::unsupported_dtype, [](auto& l) { l[0].dtype = l[1].dtype = DType::s32; });
  constexpr auto kCast = sequential(input(3), cast(DType::s32));
  refuses(kCast, Code::unsupported_dtype, [](auto& l) { l[1].dtype = DType::f16; });
  refuses(kCast, Code::bad_quantization, [](auto& l) { l[1].dtype = DType::s8; });
  refuses(kCast, Code::ok, [](auto& l) { l[0].dtype = DType::boolean; });
}

constexpr auto kLong =
    sequential(input(4, 3).as("x"), layer_norm(), slice({0, 1, 0}, {1, 1, 3}).as("h"), identity().reads("x"),
               lstm(3, {.initial_h = "h"}).as("l"), result(), add("l").as("s"), matmul("l", true), softmax(1), gru(4),
               rms_norm({.beta = true}), reshape(2, 2, 4), conv2d_transpose(2, {.filter = {2, 2}, .stride = {2}}),
               relu(), average_pool({.count_padding = true}), resize_bilinear(3, 3), resize_nearest(2, 2), lrn(),
               l2_norm(), reshape(1, 4, 2), rnn(3), log_softmax(), flatten(), dense(2));
constexpr TrainConfig kConfig{
    .loss = Loss::squared_error, .optimizer = momentum({.learning_rate = 0.05F}), .batch = 4, .micro_batch = 2};
StaticTrainer<kLong, kConfig> static_trainer;
StaticSession<kLong, static_trainer> static_session;

/// Steps that the compiler unrolls make the bits of those that run in a loop.
TEST(layers, static_trainers_and_sessions_are_the_same) {
  std::vector<std::byte> memory(128 * 1024);
  void* at = memory.data();
  std::size_t room = memory.size();
  std::align(16, 64 * 1024, at, room);
  Result<Trainer> trainer = Trainer::create(kLong.model(), kConfig, {static_cast<std::byte*>(at), 64 * 1024});
  ASSERT_TRUE(trainer.ok()) << name(trainer.status().code);
  trainer->init_params(5), static_trainer.init_params(5);
  float first = 0.0F, last = 0.0F;
  for (int step = 0; step < 80; ++step) {
    test::Numbers numbers(static_cast<std::uint32_t>(step % 2 + 1)), again = numbers;
    const auto fill = [](auto& t, test::Numbers& from) {
      for (float& x : t.input()) x = from.next();
      for (float& y : t.targets()) y = 0.5F * from.next();
    };
    fill(*trainer, numbers), fill(static_trainer, again);
    const Result<float> loss = trainer->step(), same = static_trainer.step();
    ASSERT_TRUE(loss.ok() && same.ok()) << name(loss.status().code);
    EXPECT_EQ(*loss, *same) << step;
    if (step == 0) first = *loss;
    last = *loss;
  }
  EXPECT_LT(last, first);
  Result<Session> session = Session::create(trainer->model(), arena, {});
  ASSERT_TRUE(session.ok());
  for (std::size_t i = 0; i < 12; ++i) session->input()[i] = static_session.input()[i] = 0.1F * static_cast<float>(i);
  session->run(), static_session.run();
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(session->output()[i], static_session.output()[i]);
  // A training plan keeps what a session's writes over.
  Result<Session> pair = Session::create(trainer->model(), arena, {.batch = 2});
  ASSERT_TRUE(pair.ok());
  test::Numbers numbers(9);
  for (std::size_t i = 0; i < 24; ++i) pair->input()[i] = trainer->input()[i] = numbers.next();
  for (float& y : trainer->targets()) y = 0.0F;
  ASSERT_TRUE(trainer->evaluate().ok());
  pair->run();
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(pair->output()[i], trainer->output()[i]);
}

TEST(layers, rules) {
  const auto refuses = [](auto net, Code code, auto change) {
    change(net.layers);
    EXPECT_EQ(validate(net.model()).code, code);
  };
  const float nan = __builtin_nanf(""), infinite = __builtin_inff();
  for (const std::int32_t axis : {-1, 3, 256}) {
    refuses(sequential(input(2, 3, 4), softmax()), Code::bad_attribute, [&](auto& l) { l[1].args[0] = axis; });
    refuses(sequential(input(2, 3, 4), log_softmax()), Code::bad_attribute, [&](auto& l) { l[1].args[0] = axis; });
    refuses(sequential(input(4, 4, 1), average_pool()), Code::bad_attribute, [&](auto& l) { l[1].args[0] = axis; });
  }
  refuses(sequential(input(4, 4, 1), max_pool()), Code::reserved_not_zero, [&](auto& l) { l[1].args[0] = 1; });
  for (const float bad : {0.0F, -1.0F, nan, infinite}) {
    refuses(sequential(input(3), layer_norm()), Code::bad_attribute, [&](auto& l) { l[1].alpha = bad; });
    refuses(sequential(input(3), rms_norm()), Code::bad_attribute, [&](auto& l) { l[1].alpha = bad; });
    refuses(sequential(input(3), l2_norm()), Code::bad_attribute, [&](auto& l) { l[1].alpha = bad; });
    refuses(sequential(input(3), lrn()), Code::bad_attribute,
            [&](auto& l) { l[1].args[2] = std::bit_cast<std::int32_t>(bad); });
  }
  refuses(sequential(input(3), layer_norm()), Code::reserved_not_zero, [](auto& l) { l[1].flags = 3; });
  refuses(sequential(input(3), rms_norm()), Code::bad_parameter_range, [](auto& l) { l[1].flags = 3; });
  for (const float bad : {-1.0F, nan, infinite})
    refuses(sequential(input(3), lrn()), Code::bad_attribute, [&](auto& l) { l[1].alpha = bad; });
  for (const float bad : {nan, infinite})
    refuses(sequential(input(3), lrn()), Code::bad_attribute, [&](auto& l) { l[1].beta = bad; });
  for (const std::size_t k : {0U, 1U})
    for (const std::int32_t bad : {-1, 0x7FFFFFFF})
      refuses(sequential(input(3), lrn()), Code::bad_attribute, [&](auto& l) { l[1].args[k] = bad; });
  constexpr auto kProduct = sequential(input(2, 3, 3).as("a"), matmul("a"));
  refuses(kProduct, Code::bad_attribute, [](auto& l) { l[1].args[0] = 2; });
  refuses(kProduct, Code::ok, [](auto& l) { l[1].args[0] = 1; });
  refuses(kProduct, Code::shape_mismatch, [](auto& l) { l[0].shape.c = l[1].shape.c = 4; });
  constexpr auto kLines =
      sequential(input(2, 3, 3).as("a"), slice({0, 0, 0}, {1, 3, 3}).as("b"), pad({.pads = {1, 0, 0, 0}}), matmul("a"));
  refuses(kLines, Code::shape_mismatch, [](auto& l) { l[2].pad_top = 0, l[2].shape.h = 1; });
}

TEST(layers, a_product_of_constants_is_of_one_sample) {
  constexpr auto kNet = sequential(input(2, 2).as("x"), constant(1, 2, 2), matmul("x"));
  EXPECT_TRUE(plan_size(kNet.model(), {}).ok());
  EXPECT_EQ(plan_size(kNet.model(), {.batch = 2}).status(), (Status{Code::constant_in_batch, 2, 1}));
}

}  // namespace
}  // namespace mote
