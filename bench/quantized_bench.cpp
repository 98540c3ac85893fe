// SPDX-License-Identifier: Apache-2.0
// Benchmark rows of the kernels of quantised networks, on the shapes of MLPerf Tiny's four networks. A multiplication
// and an addition of integers count as two "flops".
#include "quantized_rows.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include "rows.hpp"

namespace mote {
namespace {

using bench::Arrays;
using bench::Work;

/// Registers kernel(make(arrays)) as "name/shape".
template <class Args, class Make>
void add_row(const std::string& name, const std::string& shape, void (*kernel)(const Args&), Work work,
             const Make& make) {
  bench::add_row(name + "/" + shape, work, [=](benchmark::State& state) {
    Arrays arrays;
    const Args args = make(arrays);
    for (auto _ : state) {
      kernel(args);
      benchmark::ClobberMemory();
    }
  });
}

template <class Element>
Element* integers(Arrays& arrays, std::size_t count) {
  auto* values = reinterpret_cast<Element*>(arrays.bytes(count * sizeof(Element)));
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<Element>(static_cast<int>(i * 7919 % 251) - 125);
  return values;
}

/// Rescaling as trained networks have it: sums of `terms` products come out within the range.
template <class Element>
OutputStage output_stage(Arrays& arrays, std::size_t channels, std::size_t terms) {
  auto* multipliers = integers<std::int32_t>(arrays, channels);
  auto* shifts = integers<std::int8_t>(arrays, channels);
  std::int8_t shift = -5;
  for (; terms > 1; terms /= 4) --shift;
  std::fill(multipliers, multipliers + channels, 0x5A000001);
  std::fill(shifts, shifts + channels, shift);
  return {multipliers, shifts, sizeof(Element) == 1 ? -3 : 0,
          sizeof(Element) == 1 ? range_of(DType::s8) : QuantizedRange{-32768, 32767}};
}

struct DenseShape {
  std::uint32_t batch, fan_in, fan_out;
};
constexpr DenseShape kDenseShapes[] = {{1, 640, 128}, {1, 128, 128}, {1, 128, 8},   {1, 8, 128},
                                       {1, 256, 2},   {1, 64, 12},   {8, 128, 128}, {32, 784, 512}};

template <class Element, class Output>
void add_dense(const std::string& name, void (*kernel)(const QuantizedDenseArgs<Element, Output>&)) {
  for (const DenseShape& s : kDenseShapes) {
    const std::size_t inputs = std::size_t{s.batch} * s.fan_in, outputs = std::size_t{s.batch} * s.fan_out;
    const auto weights = static_cast<std::size_t>(packed_bytes(s.fan_out, s.fan_in));
    const Work work{2.0 * static_cast<double>(inputs) * s.fan_out,
                    static_cast<double>((inputs + outputs) * sizeof(Element) + weights)};
    const std::string shape =
        std::to_string(s.batch) + "x" + std::to_string(s.fan_in) + "x" + std::to_string(s.fan_out);
    add_row(name, shape, kernel, work, [=](Arrays& arrays) {
      return QuantizedDenseArgs<Element, Output>{integers<Element>(arrays, inputs),
                                                 integers<std::int8_t>(arrays, weights),
                                                 integers<std::int32_t>(arrays, s.fan_out),
                                                 integers<Output>(arrays, outputs),
                                                 s.batch,
                                                 s.fan_in,
                                                 s.fan_out,
                                                 output_stage<Element>(arrays, s.fan_out, s.fan_in)};
    });
  }
}

/// A window with "same" padding.
struct ConvCase {
  Shape in;
  std::uint32_t out_c, filter_h, filter_w, stride;

  [[nodiscard]] ConvShape shape() const {
    const auto pad = [&](std::uint32_t size, std::uint32_t out, std::uint32_t filter) {
      const std::uint32_t covered = (out - 1) * stride + filter;
      return covered > size ? (covered - size) / 2 : 0;
    };
    const Shape out{(in.h + stride - 1) / stride, (in.w + stride - 1) / stride, out_c};
    return {
        1, in, out, {filter_h, filter_w, stride, stride, 1, 1, pad(in.h, out.h, filter_h), pad(in.w, out.w, filter_w)}};
  }
  [[nodiscard]] std::string text() const {
    const auto number = [](std::uint32_t value) { return std::to_string(value); };
    return number(in.h) + "x" + number(in.w) + "x" + number(in.c) + "-" + number(out_c) + "/" + number(filter_h) + "x" +
           number(filter_w) + (stride == 1 ? "" : "s" + number(stride));
  }
};
constexpr ConvCase kConvCases[] = {{{32, 32, 3}, 16, 3, 3, 1}, {{32, 32, 16}, 16, 3, 3, 1}, {{16, 16, 32}, 32, 3, 3, 1},
                                   {{8, 8, 64}, 64, 3, 3, 1},  {{49, 10, 1}, 64, 10, 4, 2}, {{25, 5, 64}, 64, 1, 1, 1},
                                   {{96, 96, 3}, 8, 3, 3, 2},  {{48, 48, 8}, 16, 1, 1, 1},  {{6, 6, 128}, 128, 1, 1, 1},
                                   {{3, 3, 256}, 256, 1, 1, 1}};
constexpr ConvCase kDepthwiseCases[] = {{{25, 5, 64}, 64, 3, 3, 1},  {{48, 48, 8}, 8, 3, 3, 1},
                                        {{48, 48, 16}, 16, 3, 3, 2}, {{12, 12, 64}, 64, 3, 3, 1},
                                        {{6, 6, 128}, 128, 3, 3, 1}, {{3, 3, 256}, 256, 3, 3, 1}};

template <class Element>
void add_convolution(const std::string& name, void (*kernel)(const QuantizedConvArgs<Element>&)) {
  const bool depthwise = name.rfind("depthwise", 0) == 0;
  const auto add_case = [&](const ConvCase& c) {
    const ConvShape s = c.shape();
    const auto inputs = static_cast<std::size_t>(s.in.elements()), outputs = static_cast<std::size_t>(s.out.elements());
    const std::size_t terms = std::size_t{c.filter_h} * c.filter_w * (depthwise ? 1 : s.in.c);
    const Work work{2.0 * static_cast<double>(outputs * terms),
                    static_cast<double>((inputs + outputs) * sizeof(Element) + terms * s.out.c)};
    const auto weights = static_cast<std::size_t>(packed_bytes(s.out.c, terms));  // conv2d's; those of others are fewer
    add_row(name, c.text(), kernel, work, [=](Arrays& arrays) {
      return QuantizedConvArgs<Element>{integers<Element>(arrays, inputs),
                                        integers<std::int8_t>(arrays, weights),
                                        integers<std::int32_t>(arrays, s.out.c),
                                        integers<Element>(arrays, outputs),
                                        s,
                                        sizeof(Element) == 1 ? -7 : 0,
                                        output_stage<Element>(arrays, s.out.c, terms)};
    });
  };
  if (name.rfind("conv2d_transpose", 0) == 0)
    add_case({{12, 12, 16}, 16, 3, 3, 1});
  else if (depthwise)
    for (const ConvCase& c : kDepthwiseCases) add_case(c);
  else
    for (const ConvCase& c : kConvCases) add_case(c);
}

/// As long as a layer of MobileNet and as a short one.
constexpr std::uint32_t kCounts[] = {18432, 1280};

/// Rows of element-by-element kernels: make(arrays, count).
template <class Args, class Make>
void add_elements(const std::string& name, void (*kernel)(const Args&), double bytes_each, const Make& make) {
  for (const std::uint32_t count : kCounts)
    add_row(name, std::to_string(count), kernel, {0.0, bytes_each * count},
            [=](Arrays& arrays) { return make(arrays, count); });
}

template <class Element>
BinaryMultipliers multipliers_of(const std::string& name) {
  constexpr DType kType = sizeof(Element) == 1 ? DType::s8 : DType::s16;
  BinaryMultipliers s = add_multipliers(0.02F, 0.03F, 0.04F, kType);
  if (name.rfind("squared", 0) == 0) s = squared_difference_multipliers(0.02F, 0.03F, 0.04F, kType);
  if (name.rfind("prelu", 0) == 0)
    s = {rescale_multiplier(0.02F, 0.03F), product_multiplier(0.02F, 0.01F, 0.03F), {}, 0};
  if (name.rfind("mul", 0) == 0 || name.rfind("div", 0) == 0) s.output = product_multiplier(0.02F, 0.03F, 0.05F);
  return s;
}

template <class Element>
void add_binary(const std::string& name, void (*kernel)(const QuantizedBinaryArgs<Element>&)) {
  for (const bool per_channel : {false, true})
    for (const std::uint32_t count : kCounts) {
      const std::uint32_t channels = per_channel ? 64 : count;
      add_row(name, std::to_string(count) + (per_channel ? ",64" : ""), kernel,
              {0.0, (per_channel ? 2.0 : 3.0) * sizeof(Element) * count}, [=](Arrays& arrays) {
                QuantizedBinaryArgs<Element> args{integers<Element>(arrays, count),
                                                  integers<Element>(arrays, channels),
                                                  integers<Element>(arrays, count),
                                                  {1, 1, count / channels, channels},
                                                  {0, 0, channels, 1},
                                                  {0, 0, 0, 1}};
                args.scale = multipliers_of<Element>(name);
                return args;
              });
    }
}

template <class Element>
void add_pool(const std::string& name, void (*kernel)(const QuantizedPoolArgs<Element>&)) {
  for (const ConvCase& c : {ConvCase{{48, 48, 16}, 16, 2, 2, 2}, ConvCase{{25, 5, 64}, 64, 25, 5, 25},
                            ConvCase{{16, 16, 32}, 32, 3, 3, 2}}) {
    const ConvShape s = c.shape();
    const auto inputs = static_cast<std::size_t>(s.in.elements()), outputs = static_cast<std::size_t>(s.out.elements());
    add_row(name, c.text(), kernel, {0.0, static_cast<double>((inputs + outputs) * sizeof(Element))},
            [=](Arrays& arrays) {
              return QuantizedPoolArgs<Element>{integers<Element>(arrays, inputs), integers<Element>(arrays, outputs),
                                                s, range_of(sizeof(Element) == 1 ? DType::s8 : DType::s16)};
            });
  }
}

template <class Element>
void add_reduce(const std::string& name, void (*kernel)(const QuantizedReduceArgs<Element>&)) {
  for (const std::uint32_t axes : {1U, 6U}) {
    constexpr Shape kIn{25, 5, 64};
    add_row(name, axes == 1 ? "25x5x64,c" : "25x5x64,hw", kernel,
            {0.0, static_cast<double>(kIn.elements() * sizeof(Element))}, [=](Arrays& arrays) {
              QuantizedReduceArgs<Element> args{integers<Element>(arrays, kIn.elements()),
                                                integers<Element>(arrays, 125),
                                                {1, kIn.h, kIn.w, kIn.c},
                                                axes};
              args.multiplier = mean_multiplier(0.02F, 0.02F, axes == 1 ? 64 : 125);
              return args;
            });
  }
}

/// Rows of kernels that work on rows: make(arrays, rows, channels).
template <class Args, class Make>
void add_rows(const std::string& name, void (*kernel)(const Args&), double bytes_each, const Make& make) {
  for (const std::uint32_t channels : {12U, 128U})
    add_row(name, "16x" + std::to_string(channels), kernel, {0.0, bytes_each * 16 * channels},
            [=](Arrays& arrays) { return make(arrays, 16U, channels); });
}

}  // namespace

void add(const std::string& name, void (*kernel)(const DenseS8Args&)) { add_dense(name, kernel); }
void add(const std::string& name, void (*kernel)(const DenseS8S16Args&)) { add_dense(name, kernel); }
void add(const std::string& name, void (*kernel)(const DenseS16Args&)) { add_dense(name, kernel); }
void add(const std::string& name, void (*kernel)(const ConvS8Args&)) { add_convolution(name, kernel); }
void add(const std::string& name, void (*kernel)(const ConvS16Args&)) { add_convolution(name, kernel); }

void add(const std::string& name, void (*kernel)(const BinaryS8Args&)) { add_binary(name, kernel); }
void add(const std::string& name, void (*kernel)(const BinaryS16Args&)) { add_binary(name, kernel); }
void add(const std::string& name, void (*kernel)(const CompareS8Args&)) {
  add_elements(name, kernel, 3, [](Arrays& arrays, std::uint32_t count) {
    CompareS8Args args{integers<std::int8_t>(arrays, count),
                       integers<std::int8_t>(arrays, count),
                       integers<std::uint8_t>(arrays, count),
                       {1, 1, 1, count},
                       {0, 0, 0, 1},
                       {0, 0, 0, 1}};
    args.scale = compare_multipliers(0.02F, 0.03F);
    return args;
  });
}
void add(const std::string& name, void (*kernel)(const LookupS8Args&)) {
  add_elements(name, kernel, 2, [](Arrays& arrays, std::uint32_t count) {
    return LookupS8Args{integers<std::int8_t>(arrays, count), integers<std::int8_t>(arrays, 256),
                        integers<std::int8_t>(arrays, count), count};
  });
}
void add(const std::string& name, void (*kernel)(const ClampS8Args&)) {
  add_elements(name, kernel, 2, [](Arrays& arrays, std::uint32_t count) {
    return ClampS8Args{integers<std::int8_t>(arrays, count), integers<std::int8_t>(arrays, count), {-20, 90}, count};
  });
}
void add(const std::string& name, void (*kernel)(const ClampS16Args&)) {
  add_elements(name, kernel, 4, [](Arrays& arrays, std::uint32_t count) {
    return ClampS16Args{integers<std::int16_t>(arrays, count), integers<std::int16_t>(arrays, count), {-20, 90}, count};
  });
}
void add(const std::string& name, void (*kernel)(const LeakyReluS16Args&)) {
  add_elements(name, kernel, 4, [](Arrays& arrays, std::uint32_t count) {
    return LeakyReluS16Args{integers<std::int16_t>(arrays, count),
                            integers<std::int16_t>(arrays, count),
                            rescale_multiplier(0.02F, 0.03F),
                            leaky_multiplier(0.02F, 0.03F, 0.1F),
                            range_of(DType::s16),
                            count};
  });
}
void add(const std::string& name, void (*kernel)(const CurveS16Args&)) {
  add_elements(name, kernel, 4, [](Arrays& arrays, std::uint32_t count) {
    return CurveS16Args{integers<std::int16_t>(arrays, count), integers<std::int16_t>(arrays, count),
                        curve_scale(0.001F), count};
  });
}
void add(const std::string& name, void (*kernel)(const QuantizeArgs&)) {
  add_elements(name, kernel, 5, [](Arrays& arrays, std::uint32_t count) {
    return QuantizeArgs{arrays.floats(count), integers<std::int8_t>(arrays, count), DType::s8, {0.01F, 3}, count};
  });
}
void add(const std::string& name, void (*kernel)(const DequantizeArgs&)) {
  add_elements(name, kernel, 5, [](Arrays& arrays, std::uint32_t count) {
    return DequantizeArgs{integers<std::int8_t>(arrays, count), arrays.floats(count), DType::s8, {0.01F, 3}, count};
  });
}
void add(const std::string& name, void (*kernel)(const RequantizeArgs&)) {
  add_elements(name, kernel, 3, [](Arrays& arrays, std::uint32_t count) {
    return RequantizeArgs{integers<std::int16_t>(arrays, count),
                          integers<std::int8_t>(arrays, count),
                          DType::s16,
                          DType::s8,
                          0,
                          -5,
                          rescale_multiplier(0.02F, 0.03F),
                          count};
  });
}
void add(const std::string& name, void (*kernel)(const PoolS8Args&)) { add_pool(name, kernel); }
void add(const std::string& name, void (*kernel)(const PoolS16Args&)) { add_pool(name, kernel); }
void add(const std::string& name, void (*kernel)(const ReduceS8Args&)) { add_reduce(name, kernel); }
void add(const std::string& name, void (*kernel)(const ReduceS16Args&)) { add_reduce(name, kernel); }
void add(const std::string& name, void (*kernel)(const SoftmaxS8Args&)) {
  add_rows(name, kernel, 2, [](Arrays& arrays, std::uint32_t rows, std::uint32_t channels) {
    return SoftmaxS8Args{integers<std::int8_t>(arrays, rows * channels), integers<std::int8_t>(arrays, rows * channels),
                         softmax_scale(1.0F, 0.1F), rows, channels};
  });
}
void add(const std::string& name, void (*kernel)(const SoftmaxS8S16Args&)) {
  add_rows(name, kernel, 3, [](Arrays& arrays, std::uint32_t rows, std::uint32_t channels) {
    return SoftmaxS8S16Args{integers<std::int8_t>(arrays, rows * channels),
                            integers<std::int16_t>(arrays, rows * channels), softmax_scale(1.0F, 0.1F), rows, channels};
  });
}
void add(const std::string& name, void (*kernel)(const SoftmaxS16Args&)) {
  add_rows(name, kernel, 4, [](Arrays& arrays, std::uint32_t rows, std::uint32_t channels) {
    return SoftmaxS16Args{integers<std::int16_t>(arrays, rows * channels),
                          integers<std::int16_t>(arrays, rows * channels), softmax_s16_multiplier(1.0F, 0.01F), rows,
                          channels};
  });
}
void add(const std::string& name, void (*kernel)(const LogSoftmaxS8Args&)) {
  add_rows(name, kernel, 2, [](Arrays& arrays, std::uint32_t rows, std::uint32_t channels) {
    const SoftmaxScale scale = softmax_scale(1.0F, 0.1F);
    return LogSoftmaxS8Args{integers<std::int8_t>(arrays, rows * channels),
                            integers<std::int8_t>(arrays, rows * channels),
                            scale,
                            log_softmax_reverse(scale),
                            rows,
                            channels};
  });
}
void add(const std::string& name, void (*kernel)(const L2NormS8Args&)) {
  add_rows(name, kernel, 2, [](Arrays& arrays, std::uint32_t rows, std::uint32_t channels) {
    return L2NormS8Args{integers<std::int8_t>(arrays, rows * channels), integers<std::int8_t>(arrays, rows * channels),
                        3, rows, channels};
  });
}
void add(const std::string& name, void (*kernel)(const ResizeBilinearS8Args&)) {
  add_row(name, "12x12x16-24x24", kernel, {0.0, 16.0 * (144 + 576)}, [](Arrays& arrays) {
    return ResizeBilinearS8Args{integers<std::int8_t>(arrays, 144 * 16),
                                integers<std::int8_t>(arrays, 576 * 16),
                                1,
                                {12, 12, 16},
                                24,
                                24,
                                false,
                                true};
  });
}

void add(const std::string& name, void (*kernel)(const SvdfArgs&)) {
  constexpr std::uint32_t kSteps = 8, kUnits = 96;
  add_row(name, "8x96", kernel, {2.0 * kSteps * kUnits, 4.0 * kSteps * kUnits}, [](Arrays& arrays) {
    return SvdfArgs{integers<std::int16_t>(arrays, kSteps * kUnits),
                    integers<std::int16_t>(arrays, kSteps * kUnits),
                    integers<std::int32_t>(arrays, kUnits),
                    integers<std::int8_t>(arrays, kUnits),
                    1,
                    kSteps,
                    kUnits,
                    1,
                    {1 << 30, -8},
                    -3};
  });
}
void add(const std::string& name, void (*kernel)(const LstmS8Args&)) {
  constexpr std::uint32_t kSteps = 28, kInputs = 28, kUnits = 20, kWeights = 4 * kUnits * (kInputs + kUnits);
  add_row(name, "28x28-20", kernel, {2.0 * kSteps * kWeights, 1.0 * kWeights}, [](Arrays& arrays) {
    LstmS8Args args{};
    args.input = integers<std::int8_t>(arrays, kSteps * kInputs);
    args.weights = integers<std::int8_t>(arrays, 4 * packed_bytes(kUnits, kInputs));
    args.recurrent_weights = integers<std::int8_t>(arrays, 4 * packed_bytes(kUnits, kUnits));
    args.bias = integers<std::int32_t>(arrays, 4 * kUnits);
    args.recurrent_bias = integers<std::int32_t>(arrays, 4 * kUnits);
    args.output = integers<std::int8_t>(arrays, kSteps * kUnits);
    args.hidden = integers<std::int8_t>(arrays, kUnits);
    args.cell = integers<std::int16_t>(arrays, kUnits);
    args.scratch = integers<std::int16_t>(arrays, 4 * kUnits);
    args.batch = 1, args.steps = kSteps, args.inputs = kInputs, args.units = kUnits;
    args.scale =
        lstm_scale(0.05F, {0.002F, 0.003F, 0.001F, 0.002F}, {0.004F, 0.003F, 0.004F, 0.005F}, 0.0078F, 0x1p-11F, 0.0F);
    return args;
  });
}

void add(const std::string& name, void (*kernel)(const MatmulS8Args&)) {
  add_row(name, "4x32x64x32", kernel, {2.0 * 4 * 32 * 64 * 32, 4.0 * (32 * 64 * 2 + 32 * 32)}, [](Arrays& arrays) {
    return MatmulS8Args{integers<std::int8_t>(arrays, 4 * 32 * 64),
                        integers<std::int8_t>(arrays, 4 * 64 * 32),
                        integers<std::int8_t>(arrays, 4 * 32 * 32),
                        4,
                        32,
                        64,
                        32,
                        false,
                        3,
                        -5,
                        7,
                        {1 << 30, -9}};
  });
}
void add(const std::string& name, void (*kernel)(const ArgReduceS8Args&)) {
  add_rows(name, kernel, 1, [](Arrays& arrays, std::uint32_t rows, std::uint32_t channels) {
    return ArgReduceS8Args{integers<std::int8_t>(arrays, rows * channels), integers<std::int32_t>(arrays, rows), rows,
                           channels, 1};
  });
}

}  // namespace mote
