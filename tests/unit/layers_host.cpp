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

namespace mote {
namespace {

alignas(64) std::array<std::byte, 64 * 1024> arena;
using Doubles = std::vector<double>;

constexpr std::uint32_t kBatch = 3;

/// A model with drawn parameters, its session of kBatch samples and drawn inputs, as float and double.
struct Sample {
  std::vector<float> params;
  Model model;
  Doubles input, output;
  Status status;

  template <class Net>
  explicit Sample(const Net& net, std::uint32_t batch = kBatch, std::uint32_t seed = 1) : params(net.param_bytes / 4 + 4) {
    test::Numbers numbers(seed);
    numbers.fill(params.data(), params.size());
    std::byte* first = reinterpret_cast<std::byte*>(params.data());
    first += (16 - reinterpret_cast<std::uintptr_t>(first) % 16) % 16;
    model = net.model(first);
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
