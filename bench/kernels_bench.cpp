// SPDX-License-Identifier: Apache-2.0
// A benchmark row for every kernel of kernels.inc, on shapes of edge networks: the arguments' type says which shapes.
// A kernel with a new type of arguments does not compile until it has an add() below.
#include "mote/kernels/kernels.hpp"

#include <cstdint>
#include <string>

#include "kernel_rows.hpp"
#include "quantized_rows.hpp"
#include "rows.hpp"

namespace mote {
namespace {

using bench::add_row;
using bench::Arrays;
using bench::Kernel;
using bench::Work;

struct DenseShape {
  std::uint32_t batch, fan_in, fan_out;
  [[nodiscard]] std::string text() const {
    return std::to_string(batch) + "x" + std::to_string(fan_in) + "x" + std::to_string(fan_out);
  }
  [[nodiscard]] std::size_t weights() const { return std::size_t{fan_in} * fan_out; }
  /// `weight_passes` 2: the weights' gradient is added to.
  [[nodiscard]] Work work(double weight_passes) const {
    const double rows = batch, matrix = static_cast<double>(weights()), ends = rows * fan_in + rows * fan_out;
    return {.flops = 2.0 * rows * matrix,
            .bytes = 4.0 * (ends + weight_passes * matrix),
            .working_set = 4.0 * (ends + matrix)};
  }
};
// The 784-512-512-512-10 network, an autoencoder's and a keyword spotter's layers, a very small network.
constexpr DenseShape kDenseShapes[] = {
    {32, 784, 512}, {32, 512, 512}, {32, 512, 10},  {1, 784, 512}, {1, 512, 512},   {1, 512, 10},
    {32, 784, 10},  {8, 784, 128},  {32, 128, 128}, {1, 640, 128}, {1, 128, 8},     {1, 64, 12},
    {8, 32, 32},    {1, 16, 16},    {8, 64, 64},    {96, 96, 96},  {128, 128, 128},
};

void add(const std::string& name, Kernel<DenseArgs> kernel) {
  for (const DenseShape& s : kDenseShapes)
    add_row(name, s.text(), kernel, s.work(1), [=](Arrays& arrays) {
      return DenseArgs{arrays.floats(s.batch * s.fan_in),
                       arrays.floats(s.weights()),
                       arrays.floats(s.fan_out),
                       arrays.floats(s.batch * s.fan_out),
                       s.batch,
                       s.fan_in,
                       s.fan_out};
    });
}
/// int8 weights with their scales; float16 ones where `scaled` is false.
NarrowWeights narrow_weights(Arrays& arrays, const DenseShape& s, bool scaled) {
  const auto* const values = reinterpret_cast<const std::byte*>(arrays.floats(s.weights() / 2 + 1));
  return {values, scaled ? arrays.positive(s.fan_out) : nullptr, scaled ? DType::s8 : DType::f16};
}
void add(const std::string& name, Kernel<DenseNarrowArgs> kernel) {
  for (const bool scaled : {true, false})
    for (const DenseShape& s : kDenseShapes)
      add_row(name, s.text() + (scaled ? "/s8" : "/f16"), kernel, s.work(scaled ? 0.25 : 0.5), [=](Arrays& arrays) {
        return DenseNarrowArgs{arrays.floats(s.batch * s.fan_in),
                               narrow_weights(arrays, s, scaled),
                               arrays.floats(s.fan_out),
                               arrays.floats(s.batch * s.fan_out),
                               s.batch,
                               s.fan_in,
                               s.fan_out};
      });
}
void add(const std::string& name, Kernel<WidenWeightsArgs> kernel) {
  for (const bool scaled : {true, false})
    for (const DenseShape& s : {DenseShape{1, 784, 512}, DenseShape{1, 144, 16}}) {
      const Work work{static_cast<double>(s.weights()), (scaled ? 5.0 : 6.0) * static_cast<double>(s.weights())};
      const std::string shape = std::to_string(s.fan_in) + "x" + std::to_string(s.fan_out) + (scaled ? "/s8" : "/f16");
      add_row(name, shape, kernel, work, [=](Arrays& arrays) {
        return WidenWeightsArgs{narrow_weights(arrays, s, scaled), arrays.floats(s.weights()), s.fan_in, s.fan_out};
      });
    }
}
void add(const std::string& name, Kernel<RoundWeightsArgs> kernel) {
  for (const DenseShape& s : {DenseShape{1, 784, 512}, DenseShape{1, 144, 16}}) {
    const Work work{4.0 * static_cast<double>(s.weights()), 12.0 * static_cast<double>(s.weights())};
    add_row(name, std::to_string(s.fan_in) + "x" + std::to_string(s.fan_out), kernel, work, [=](Arrays& arrays) {
      return RoundWeightsArgs{arrays.floats(s.weights()), arrays.floats(s.weights()), s.fan_in, s.fan_out};
    });
  }
}
void add(const std::string& name, Kernel<RoundStepsArgs> kernel) {
  for (const DenseShape& s : {DenseShape{1, 8, 128}, DenseShape{1, 144, 16}}) {
    const Work work{3.0 * static_cast<double>(s.weights()), 6.0 * static_cast<double>(s.weights())};
    add_row(name, std::to_string(s.fan_in) + "x" + std::to_string(s.fan_out), kernel, work, [=](Arrays& arrays) {
      return RoundStepsArgs{reinterpret_cast<std::int8_t*>(arrays.bytes(s.weights())),
                            arrays.positive(s.fan_out),
                            arrays.floats(s.weights()),
                            1,
                            1,
                            0,
                            s.fan_in,
                            s.fan_out};
    });
  }
}
void add(const std::string& name, Kernel<DenseGradArgs> kernel) {
  const bool both = name == "dense_backward_f32", params = name == "dense_grad_params_f32";
  for (const DenseShape& s : kDenseShapes) {
    Work work = s.work(params || both ? 2 : 1);
    if (both) {
      work.flops *= 2.0;
      work.bytes += 4.0 * s.batch * s.fan_in;
      work.working_set += 4.0 * s.batch * s.fan_in;
    }
    add_row(name, s.text(), kernel, work, [=](Arrays& arrays) {
      float* weights = arrays.floats(s.weights());
      return DenseGradArgs{arrays.floats(s.batch * s.fan_in),
                           weights,
                           arrays.floats(s.batch * s.fan_out),
                           arrays.floats(s.batch * s.fan_in),
                           weights,
                           arrays.floats(s.fan_out),
                           -1e-9F,
                           s.batch,
                           s.fan_in,
                           s.fan_out};
    });
  }
}

/// A window with "same" padding.
struct WindowCase {
  std::uint32_t batch;
  Shape in;
  std::uint32_t out_c, filter_h, filter_w, stride;

  [[nodiscard]] ConvShape shape() const {
    const auto pad = [&](std::uint32_t size, std::uint32_t out, std::uint32_t filter) {
      const std::uint32_t covered = (out - 1) * stride + filter;
      return covered > size ? (covered - size) / 2 : 0;
    };
    const Shape out{(in.h + stride - 1) / stride, (in.w + stride - 1) / stride, out_c};
    return {batch,
            in,
            out,
            {filter_h, filter_w, stride, stride, 1, 1, pad(in.h, out.h, filter_h), pad(in.w, out.w, filter_w)}};
  }
  [[nodiscard]] std::string text() const {
    const auto number = [](std::uint32_t value) { return std::to_string(value); };
    return number(batch) + "x" + number(in.h) + "x" + number(in.w) + "x" + number(in.c) + "-" + number(out_c) + "/" +
           number(filter_h) + "x" + number(filter_w) + (stride == 1 ? "" : "s" + number(stride));
  }
  [[nodiscard]] std::size_t inputs() const { return batch * static_cast<std::size_t>(in.elements()); }
  [[nodiscard]] std::size_t outputs() const { return batch * static_cast<std::size_t>(shape().out.elements()); }
  [[nodiscard]] std::size_t taps() const { return std::size_t{filter_h} * filter_w; }
  /// Taps in the padding are counted, as is usual.
  [[nodiscard]] Work work(double terms_per_tap, double weight_floats) const {
    const double flops = 2.0 * static_cast<double>(outputs() * taps()) * terms_per_tap;
    return {flops, 4.0 * (static_cast<double>(inputs() + outputs()) + weight_floats)};
  }
};
// The MNIST network of the demo, ResNet-8 on CIFAR-10, DS-CNN on keywords, MobileNetV1-0.25 on 96 × 96.
constexpr WindowCase kConvCases[] = {
    {32, {28, 28, 1}, 8, 3, 3, 1},  {32, {14, 14, 8}, 16, 3, 3, 1}, {1, {32, 32, 3}, 16, 3, 3, 1},
    {1, {32, 32, 16}, 16, 3, 3, 1}, {1, {32, 32, 16}, 32, 3, 3, 2}, {1, {16, 16, 32}, 32, 3, 3, 1},
    {1, {8, 8, 64}, 64, 3, 3, 1},   {8, {8, 8, 64}, 64, 3, 3, 1},   {1, {49, 10, 1}, 64, 10, 4, 2},
    {1, {25, 5, 64}, 64, 1, 1, 1},  {1, {96, 96, 3}, 8, 3, 3, 2},   {1, {48, 48, 8}, 16, 1, 1, 1},
    {1, {6, 6, 128}, 128, 1, 1, 1}, {1, {3, 3, 256}, 256, 1, 1, 1}, {1, {1, 128, 16}, 16, 1, 5, 1},
    {8, {32, 32, 3}, 16, 3, 3, 1},  {8, {25, 5, 64}, 64, 1, 1, 1},  {1, {32, 32, 16}, 32, 1, 1, 2},
};
constexpr WindowCase kDepthwiseCases[] = {
    {1, {25, 5, 64}, 64, 3, 3, 1},  {1, {48, 48, 8}, 8, 3, 3, 1},   {1, {48, 48, 16}, 16, 3, 3, 2},
    {1, {24, 24, 32}, 32, 3, 3, 1}, {1, {12, 12, 64}, 64, 3, 3, 1}, {1, {6, 6, 128}, 128, 3, 3, 1},
    {1, {3, 3, 256}, 256, 3, 3, 1}, {1, {32, 32, 16}, 16, 5, 5, 1}, {1, {24, 24, 8}, 16, 3, 3, 1},
    {8, {25, 5, 64}, 64, 3, 3, 1},
};
constexpr WindowCase kPoolCases[] = {
    {32, {28, 28, 8}, 8, 2, 2, 2},
    {32, {14, 14, 16}, 16, 2, 2, 2},
    {1, {8, 8, 64}, 64, 8, 8, 8},
    {1, {16, 16, 32}, 32, 3, 3, 2},
};

template <class Add>
void add_convolutions(const std::string& name, const Add& add_case) {
  if (name.rfind("depthwise", 0) == 0) {
    for (const WindowCase& c : kDepthwiseCases) add_case(c, c.taps() * c.out_c, 1.0);
  } else {
    for (const WindowCase& c : kConvCases) add_case(c, c.taps() * c.in.c * c.out_c, static_cast<double>(c.in.c));
  }
}
/// From the output of each convolution to its input.
void add_transposes(const std::string& name, Kernel<ConvArgs> kernel) {
  for (const WindowCase& c : kConvCases) {
    const std::size_t weights = c.taps() * c.in.c * c.out_c;
    add_row(name, c.text(), kernel, c.work(c.in.c, static_cast<double>(weights)), [=](Arrays& arrays) {
      const ConvShape s = c.shape();
      return ConvArgs{arrays.floats(c.outputs()),
                      arrays.floats(weights),
                      arrays.floats(c.in.c),
                      arrays.floats(c.inputs()),
                      nullptr,
                      {s.batch, s.out, s.in, s.window}};
    });
  }
}
void add(const std::string& name, Kernel<TurnFilterArgs> kernel) {
  for (const std::uint32_t channels : {16U, 64U})
    add_row(name, "3x3x" + std::to_string(channels), kernel, {0.0, 72.0 * channels * channels}, [=](Arrays& arrays) {
      const std::size_t count = std::size_t{9} * channels * channels;
      return TurnFilterArgs{arrays.floats(count), arrays.floats(count), 9, channels, channels, 1.0F, false};
    });
}
void add(const std::string& name, Kernel<ConvArgs> kernel) {
  if (name == "conv2d_transpose_f32") return add_transposes(name, kernel);
  add_convolutions(name, [&](const WindowCase& c, std::size_t weights, double terms) {
    add_row(name, c.text(), kernel, c.work(terms, static_cast<double>(weights)), [=](Arrays& arrays) {
      return ConvArgs{arrays.floats(c.inputs()),
                      arrays.floats(weights),
                      arrays.floats(c.out_c),
                      arrays.floats(c.outputs()),
                      arrays.floats(conv2d_scratch_floats(c.shape())),
                      c.shape()};
    });
  });
}
void add(const std::string& name, Kernel<ConvGradArgs> kernel) {
  const bool transposes = name == "conv2d_transpose_weights_f32";
  add_convolutions(name, [&](const WindowCase& c, std::size_t weight_count, double terms) {
    if (transposes && c.taps() == 1) return;  // nothing to do
    const auto weight_floats = static_cast<double>(weight_count);
    const Work work = transposes ? Work{0.0, 8.0 * weight_floats} : c.work(terms, weight_floats);
    add_row(name, c.text(), kernel, work, [=](Arrays& arrays) {
      float* weights = arrays.floats(weight_count);
      float* scratch =
          arrays.floats(conv2d_grad_input_scratch_floats(c.shape()) + conv2d_grad_params_scratch_floats(c.shape()));
      return ConvGradArgs{arrays.floats(c.inputs()),
                          weights,
                          arrays.floats(c.outputs()),
                          arrays.floats(c.inputs()),
                          weights,
                          arrays.floats(c.out_c),
                          scratch,
                          -1e-9F,
                          c.shape()};
    });
  });
}
void add(const std::string& name, Kernel<PoolArgs> kernel) {
  for (const WindowCase& c : kPoolCases)
    add_row(name, c.text(), kernel, {0.0, c.work(0, 0).bytes}, [=](Arrays& arrays) {
      return PoolArgs{arrays.floats(c.inputs()), arrays.floats(c.outputs()), c.shape()};
    });
}
void add(const std::string& name, Kernel<PoolGradArgs> kernel) {
  const bool finds_again = name == "max_pool_grad_f32";  // the largest tap, from the input
  for (const WindowCase& c : kPoolCases)
    add_row(name, c.text(), kernel, {0.0, (finds_again ? 2.0 : 1.0) * c.work(0, 0).bytes}, [=](Arrays& arrays) {
      return PoolGradArgs{arrays.floats(c.inputs()), arrays.floats(c.outputs()), arrays.floats(c.inputs()), c.shape()};
    });
}

struct RowsShape {
  std::uint32_t rows, columns;
  [[nodiscard]] std::string text() const { return std::to_string(rows) + "x" + std::to_string(columns); }
  [[nodiscard]] std::size_t count() const { return std::size_t{rows} * columns; }
  [[nodiscard]] Work work(double passes, double flops_each = 0.0) const {
    return {flops_each * static_cast<double>(count()), 4.0 * passes * static_cast<double>(count())};
  }
};
constexpr RowsShape kBatchNormShapes[] = {{32 * 14 * 14, 16}, {125, 64}, {32, 128}};
constexpr RowsShape kClassShapes[] = {{32, 10}, {1, 10}, {1, 1000}};

void add(const std::string& name, Kernel<BatchNormArgs> kernel) {
  for (const RowsShape& s : kBatchNormShapes)
    add_row(name, s.text(), kernel, s.work(2, name == "batch_norm_f32" ? 2 : 0), [=](Arrays& arrays) {
      return BatchNormArgs{arrays.floats(s.count()),
                           arrays.floats(s.columns),
                           arrays.floats(s.columns),
                           arrays.floats(s.columns),
                           arrays.positive(s.columns),
                           arrays.floats(s.count()),
                           arrays.floats(2 * s.columns),
                           1e-3F,
                           s.rows,
                           s.columns};
    });
}
void add(const std::string& name, Kernel<BatchNormGradArgs> kernel) {
  for (const RowsShape& s : kBatchNormShapes)
    add_row(name, s.text(), kernel, s.work(name == "batch_norm_grad_input_f32" ? 3 : 2), [=](Arrays& arrays) {
      BatchNormGradArgs args{};
      args.input = arrays.floats(s.count());
      args.gamma = arrays.floats(s.columns);
      args.running_mean = args.grad_mean = arrays.floats(s.columns);
      args.running_variance = args.grad_variance = arrays.positive(s.columns);
      args.statistics = arrays.positive(2 * s.columns);
      args.grad_output = arrays.floats(s.count());
      args.grad_input = arrays.floats(s.count());
      args.grad_gamma = arrays.floats(s.columns);
      args.grad_beta = arrays.floats(s.columns);
      args.scale = args.statistics_scale = -1e-9F;
      args.epsilon = 1e-3F;
      args.rows = s.rows;
      args.channels = s.columns;
      return args;
    });
}

constexpr std::uint32_t kCounts[] = {256, 4096, 65536};

/// What a kernel does with a run of floats: how many arrays of that length it has, how many of them it reads and writes
/// back, and operations on each float where they are additions, multiplications, divisions and roots only.
struct Run {
  double arrays, written_back = 0.0, flops = 0.0;
};
/// A row per length.
template <class Args, class Make>
void add_runs(const std::string& name, Kernel<Args> kernel, const Run& run, const Make& make) {
  for (const std::uint32_t count : kCounts)
    add_row(name, std::to_string(count), kernel,
            Work{.flops = run.flops * count,
                 .bytes = 4.0 * (run.arrays + run.written_back) * count,
                 .working_set = 4.0 * run.arrays * count},
            [=](Arrays& arrays) { return make(arrays, count); });
}
void add(const std::string& name, Kernel<NoiseArgs> kernel) {
  add_runs(name, kernel, {2}, [](Arrays& arrays, std::uint32_t n) {
    return NoiseArgs{arrays.floats(n), arrays.floats(n), 0.25F, 1, 2, n};
  });
}
void add(const std::string& name, Kernel<DropoutArgs> kernel) {
  add_runs(name, kernel, {2}, [](Arrays& arrays, std::uint32_t n) {
    return DropoutArgs{arrays.floats(n), arrays.floats(n), 0.25F, 1, 2, n};
  });
}
void add(const std::string& name, Kernel<AddArgs> kernel) {
  add_runs(name, kernel, {3, 0, 1}, [](Arrays& arrays, std::uint32_t n) {
    return AddArgs{arrays.floats(n), arrays.floats(n), arrays.floats(n), n};
  });
}
void add(const std::string& name, Kernel<CopyChannelsArgs> kernel) {
  add_runs(name, kernel, {2}, [](Arrays& arrays, std::uint32_t n) {
    return CopyChannelsArgs{arrays.floats(n), arrays.floats(2 * n), n / 16, 16, 16, 32};
  });
}
void add(const std::string& name, Kernel<ActivationArgs> kernel) {
  add_runs(name, kernel, {2}, [](Arrays& arrays, std::uint32_t n) {
    return ActivationArgs{arrays.floats(n, 12.0F), arrays.floats(n), 0.1F, n, {}, 0.5F};
  });
}
void add(const std::string& name, Kernel<ActivationGradArgs> kernel) {
  add_runs(name, kernel, {3}, [](Arrays& arrays, std::uint32_t n) {
    return ActivationGradArgs{arrays.floats(n), arrays.floats(n), arrays.floats(n), 0.1F, n, {}, 0.5F};
  });
}
void add(const std::string& name, Kernel<LogicalNotArgs> kernel) {
  for (const std::uint32_t n : kCounts)
    add_row(name, std::to_string(n), kernel, {0.0, 2.0 * n}, [=](Arrays& arrays) {
      return LogicalNotArgs{arrays.booleans(n), arrays.booleans(n), n};
    });
}
void add(const std::string& name, Kernel<CastArgs> kernel) {
  for (const std::uint32_t n : kCounts)
    add_row(name, std::to_string(n), kernel, {0.0, 8.0 * n}, [=](Arrays& arrays) {
      return CastArgs{reinterpret_cast<const std::byte*>(arrays.floats(n)),
                      reinterpret_cast<std::byte*>(arrays.floats(n)), DType::f32, DType::s32, n};
    });
}
void add(const std::string& name, Kernel<FakeQuantizeArgs> kernel) {
  add_runs(name, kernel, {1, 1, 4}, [](Arrays& arrays, std::uint32_t n) {
    return FakeQuantizeArgs{arrays.floats(n), arrays.floats(n), {0x1p-7F, 3}, n};
  });
}
void add(const std::string& name, Kernel<FakeQuantizeGradArgs> kernel) {
  add_runs(name, kernel, {2, name == "fake_quantize_grad_input_f32" ? 1.0 : 0.0, 2},
           [](Arrays& arrays, std::uint32_t n) {
             return FakeQuantizeGradArgs{
                 arrays.floats(n), arrays.floats(n), arrays.floats(n), arrays.floats(2), 1e-9F, -0.5F, 0.5F, n};
           });
}
void add(const std::string& name, Kernel<PenaltyArgs> kernel) {
  add_runs(name, kernel, {2, 1, 4}, [](Arrays& arrays, std::uint32_t n) {
    return PenaltyArgs{arrays.floats(n), arrays.floats(n), 1e-9F, 1e-3F, 1e-4F, n};
  });
}
void add(const std::string& name, Kernel<ScaleArgs> kernel) {
  add_runs(name, kernel, {1, 1, name == "scale_f32" ? 1.0 : 0.0}, [](Arrays& arrays, std::uint32_t n) {
    return ScaleArgs{arrays.floats(n), 1.0F, n};
  });
}
void add(const std::string& name, Kernel<SumOfSquaresArgs> kernel) {
  add_runs(name, kernel, {1, 0, 2}, [](Arrays& arrays, std::uint32_t n) {
    return SumOfSquaresArgs{arrays.floats(n), arrays.floats(1), n};
  });
}
void add(const std::string& name, Kernel<LargestMagnitudeArgs> kernel) {
  add_runs(name, kernel, {1, 0, 1}, [](Arrays& arrays, std::uint32_t n) {
    return LargestMagnitudeArgs{arrays.floats(n), arrays.floats(1), n};
  });
}
void add(const std::string& name, Kernel<DotArgs> kernel) {
  add_runs(name, kernel, {2, 0, 2}, [](Arrays& arrays, std::uint32_t n) {
    static double sum;
    return DotArgs{arrays.floats(n), arrays.floats(n), &sum, n};
  });
}
void add(const std::string& name, Kernel<AddScaledArgs> kernel) {
  add_runs(name, kernel, {3, 0, 2}, [](Arrays& arrays, std::uint32_t n) {
    return AddScaledArgs{arrays.floats(n), arrays.floats(n), arrays.floats(n), 0.5, n};
  });
}
void add(const std::string& name, Kernel<UpdateArgs> kernel) {
  // Parameters and state are written back; operations by the formulas at UpdateArgs.
  struct Known {
    const char* name;
    Run run;
  };
  constexpr Known kKnown[] = {{"sgd_f32", {2, 1, 2}},     {"momentum_f32", {3, 2, 4}}, {"nesterov_f32", {3, 2, 7}},
                              {"adagrad_f32", {3, 2, 7}}, {"rmsprop_f32", {3, 2, 9}},  {"adam_f32", {4, 3, 14}}};
  Run run{3, 2};
  for (const Known& known : kKnown)
    if (name == known.name) run = known.run;
  add_runs(name, kernel, run, [](Arrays& arrays, std::uint32_t n) {
    return UpdateArgs{arrays.floats(n),
                      arrays.floats(n, 1e-3F),
                      arrays.positive(n),
                      arrays.positive(n),
                      1e-6F,
                      0.9F,
                      0.999F,
                      0.1F,
                      0.001F,
                      0.5F,
                      0.5F,
                      1e-7F,
                      0.0F,
                      n};
  });
}

void add(const std::string& name, Kernel<RbfArgs> kernel) {
  for (const DenseShape& s : {DenseShape{32, 16, 32}, DenseShape{1, 64, 16}})
    add_row(name, s.text(), kernel, s.work(1), [=](Arrays& arrays) {
      return RbfArgs{arrays.floats(s.batch * s.fan_in),
                     arrays.floats(s.weights()),
                     arrays.floats(s.fan_out),
                     arrays.floats(s.batch * s.fan_out),
                     s.batch,
                     s.fan_in,
                     s.fan_out};
    });
}
void add(const std::string& name, Kernel<RbfGradArgs> kernel) {
  for (const DenseShape& s : {DenseShape{32, 16, 32}, DenseShape{1, 64, 16}})
    add_row(name, s.text(), kernel, s.work(1), [=](Arrays& arrays) {
      const std::size_t inputs = s.batch * s.fan_in, outputs = s.batch * s.fan_out;
      return RbfGradArgs{arrays.floats(inputs),
                         arrays.floats(s.weights()),
                         arrays.floats(s.fan_out),
                         arrays.positive(outputs),
                         arrays.floats(outputs),
                         arrays.floats(inputs),
                         arrays.floats(s.weights()),
                         arrays.floats(s.fan_out),
                         1e-9F,
                         s.batch,
                         s.fan_in,
                         s.fan_out};
    });
}
void add(const std::string& name, Kernel<SplineArgs> kernel) {
  for (const RowsShape& s : {RowsShape{1, 8}, RowsShape{256, 8}})
    for (const std::uint32_t knots : {8U, 64U})
      add_row(name, s.text() + "," + std::to_string(knots), kernel, s.work(2), [=](Arrays& arrays) {
        const std::size_t params = std::size_t{s.columns} * knots;
        return SplineArgs{arrays.floats(s.count()),
                          arrays.rising(params, knots),
                          arrays.floats(params),
                          arrays.floats(params),
                          arrays.floats(s.count()),
                          s.rows,
                          s.columns,
                          knots};
      });
}
void add(const std::string& name, Kernel<SplineGradArgs> kernel) {
  for (const RowsShape& s : {RowsShape{1, 8}, RowsShape{256, 8}})
    for (const std::uint32_t knots : {8U, 64U})
      add_row(name, s.text() + "," + std::to_string(knots), kernel, s.work(3), [=](Arrays& arrays) {
        const std::size_t params = std::size_t{s.columns} * knots;
        return SplineGradArgs{arrays.floats(s.count()),
                              arrays.rising(params, knots),
                              arrays.floats(params),
                              arrays.floats(params),
                              arrays.floats(s.count()),
                              arrays.floats(s.count()),
                              arrays.floats(params),
                              arrays.floats(params),
                              1e-9F,
                              s.rows,
                              s.columns,
                              knots};
      });
}
void add(const std::string& name, Kernel<SoftmaxArgs> kernel) {
  for (const RowsShape& s : kClassShapes)
    add_row(name, s.text(), kernel, s.work(2), [=](Arrays& arrays) {
      return SoftmaxArgs{arrays.floats(s.count(), 8.0F), arrays.floats(s.count()), s.rows, s.columns};
    });
}
void add(const std::string& name, Kernel<SoftmaxGradArgs> kernel) {
  for (const RowsShape& s : kClassShapes)
    add_row(name, s.text(), kernel, s.work(3), [=](Arrays& arrays) {
      return SoftmaxGradArgs{arrays.positive(s.count()), arrays.floats(s.count()), arrays.floats(s.count()), s.rows,
                             s.columns};
    });
}
void add(const std::string& name, Kernel<LossArgs> kernel) {
  const bool wants_targets = name.rfind("binary", 0) == 0 || name.rfind("kl", 0) == 0;
  for (const RowsShape& s : kClassShapes)
    add_row(name, s.text(), kernel, s.work(wants_targets ? 3 : 2), [=](Arrays& arrays) {
      static LossResult result;
      LossArgs args{};
      args.output = arrays.floats(s.count(), 8.0F);
      if (wants_targets) {
        args.targets = arrays.positive(s.count());
      } else {
        args.labels = arrays.labels(s.rows, static_cast<std::int32_t>(s.columns));
      }
      args.grad_output = arrays.floats(s.count());
      args.result = &result;
      args.grad_scale = 1.0F;
      args.batch = s.rows;
      args.outputs = s.columns;
      return args;
    });
}

}  // namespace

void bench::add_kernel_rows() {
#define MOTE_KERNEL(name, Args) add(#name, Kernel<Args>{kernels::name});
#include "mote/kernels/kernels.inc"
#undef MOTE_KERNEL
}

}  // namespace mote
