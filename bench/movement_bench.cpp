// SPDX-License-Identifier: Apache-2.0
// Rows of the kernels that move values, on elements of four bytes and one.
#include <cstdint>
#include <string>

#include "kernel_rows.hpp"

namespace mote {
namespace {

using bench::add_row;
using bench::Arrays;
using bench::Kernel;
using bench::Work;

/// A row each for elements of four bytes and of one: make(arrays, width) gives the arguments.
template <class Args, class Make>
void add_widths(const std::string& name, const std::string& shape, Kernel<Args> kernel, std::size_t elements,
                const Make& make) {
  for (const std::uint32_t width : {4U, 1U})
    add_row(name, shape + (width == 4 ? "" : "-bytes"), kernel,
            Work{.flops = 0.0, .bytes = static_cast<double>(width * elements)},
            [=](Arrays& arrays) { return make(arrays, width); });
}

constexpr std::size_t kImage = std::size_t{32} * 32 * 64;

}  // namespace

void add(const std::string& name, Kernel<TransposeArgs> kernel) {
  struct Case {
    const char* text;
    std::uint32_t sizes[4];
    std::uint8_t permutation[4];
  };
  constexpr Case kCases[] = {
      {"32x32x64-chw", {1, 32, 32, 64}, {0, 3, 1, 2}}, {"64x32x32-hwc", {1, 64, 32, 32}, {0, 2, 3, 1}},
      {"64x64x3-chw", {1, 64, 64, 3}, {0, 3, 1, 2}},   {"3x64x64-hwc", {1, 3, 64, 64}, {0, 2, 3, 1}},
      {"256x256", {1, 1, 256, 256}, {0, 1, 3, 2}},     {"49x10x4x16-heads", {49, 10, 4, 16}, {0, 2, 1, 3}}};
  for (const Case& c : kCases) {
    const std::size_t count = std::size_t{c.sizes[0]} * c.sizes[1] * c.sizes[2] * c.sizes[3];
    add_widths(name, c.text, kernel, 2 * count, [=](Arrays& arrays, std::uint32_t width) {
      TransposeArgs args{arrays.bytes(width * count), arrays.bytes(width * count), width, 1, {}, {}};
      for (std::size_t i = 0; i < 4; ++i) args.sizes[i] = c.sizes[i], args.permutation[i] = c.permutation[i];
      return args;
    });
  }
}
void add(const std::string& name, Kernel<SliceArgs> kernel) {
  add_widths(name, "32x32x64-half", kernel, kImage, [](Arrays& arrays, std::uint32_t width) {
    std::byte *input = arrays.bytes(width * kImage), *output = arrays.bytes(width * kImage / 2);
    return SliceArgs{input, output, width, 1, {32, 32, 64}, {32, 32, 32}, {0, 0, 16}, {1, 1, 1}};
  });
  add_widths(name, "32x32x64-steps", kernel, kImage / 2, [](Arrays& arrays, std::uint32_t width) {
    std::byte *input = arrays.bytes(width * kImage), *output = arrays.bytes(width * kImage / 4);
    return SliceArgs{input, output, width, 1, {32, 32, 64}, {16, 16, 64}, {0, 0, 0}, {2, 2, 1}};
  });
}
void add(const std::string& name, Kernel<SliceGradArgs> kernel) {
  add_row(name, "32x32x64-half", kernel, Work{0.0, 6.0 * kImage}, [](Arrays& arrays) {
    float *grad_output = arrays.floats(kImage / 2), *grad_input = arrays.floats(kImage);
    return SliceGradArgs{grad_output, grad_input, 1, {32, 32, 64}, {32, 32, 32}, {0, 0, 16}, {1, 1, 1}};
  });
}
void add(const std::string& name, Kernel<PadArgs> kernel) {
  for (const PadMode mode : {PadMode::constant, PadMode::reflect})
    add_widths(name, mode == PadMode::constant ? "32x32x64" : "32x32x64-reflect", kernel,
               kImage + std::size_t{34} * 34 * 64, [=](Arrays& arrays, std::uint32_t width) {
                 std::byte *input = arrays.bytes(width * kImage), *output = arrays.bytes(width * 34 * 34 * 64);
                 return PadArgs{input, output, width, 0, 1, {32, 32, 64}, {34, 34, 64}, {1, 1, 0}, mode};
               });
}
void add(const std::string& name, Kernel<PadGradArgs> kernel) {
  add_row(name, "32x32x64", kernel, Work{0.0, 8.0 * kImage}, [](Arrays& arrays) {
    float *grad_output = arrays.floats(std::size_t{34} * 34 * 64), *grad_input = arrays.floats(kImage);
    return PadGradArgs{grad_output, grad_input, 1, {32, 32, 64}, {34, 34, 64}, {1, 1, 0}, PadMode::constant};
  });
}
void add(const std::string& name, Kernel<TileArgs> kernel) {
  add_widths(name, "8x8x64", kernel, kImage, [](Arrays& arrays, std::uint32_t width) {
    return TileArgs{arrays.bytes(width * kImage / 16), arrays.bytes(width * kImage), width, 1, {8, 8, 64}, {4, 4, 1}};
  });
  add_widths(name, "32x32x1-channels", kernel, kImage, [](Arrays& arrays, std::uint32_t width) {
    return TileArgs{arrays.bytes(width * kImage / 64), arrays.bytes(width * kImage), width, 1, {32, 32, 1}, {1, 1, 64}};
  });
}
void add(const std::string& name, Kernel<TileGradArgs> kernel) {
  add_row(name, "8x8x64", kernel, Work{0.0, 4.0 * kImage}, [](Arrays& arrays) {
    return TileGradArgs{arrays.floats(kImage), arrays.floats(kImage / 16), 1, {8, 8, 64}, {4, 4, 1}};
  });
  add_row(name, "32x32x1-channels", kernel, Work{0.0, 4.0 * kImage}, [](Arrays& arrays) {
    return TileGradArgs{arrays.floats(kImage), arrays.floats(kImage / 64), 1, {32, 32, 1}, {1, 1, 64}};
  });
}
void add(const std::string& name, Kernel<GatherArgs> kernel) {
  add_widths(name, "1000x64-128", kernel, 2 * 128 * 64, [](Arrays& arrays, std::uint32_t width) {
    return GatherArgs{arrays.bytes(width * 64000),
                      arrays.labels(128, 1000),
                      arrays.bytes(width * 8192),
                      width,
                      1,
                      1000,
                      64,
                      128,
                      false};
  });
}
void add(const std::string& name, Kernel<GatherGradArgs> kernel) {
  add_row(name, "1000x64-128", kernel, Work{0.0, 12.0 * 128 * 64}, [](Arrays& arrays) {
    return GatherGradArgs{
        arrays.labels(128, 1000), arrays.floats(8192), arrays.floats(64000), 1, 1000, 64, 128, false, true, 1e-9F};
  });
}
void add(const std::string& name, Kernel<CopyRowsArgs> kernel) {
  for (const std::uint32_t width : {16U, 256U})
    add_row(name, "1024x" + std::to_string(width), kernel, Work{0.0, 2048.0 * width}, [=](Arrays& arrays) {
      return CopyRowsArgs{arrays.bytes(1024 * width), arrays.bytes(2048 * width), 1024, width, width, 2 * width};
    });
}

namespace {

struct ResizeCase {
  const char* text;
  ResizeSizes sizes;
  [[nodiscard]] std::size_t inputs() const { return std::size_t{sizes.in_h} * sizes.in_w * sizes.channels; }
  [[nodiscard]] std::size_t outputs() const { return std::size_t{sizes.out_h} * sizes.out_w * sizes.channels; }
  [[nodiscard]] ResizeRule rule() const {
    return {.scale_h = static_cast<float>(sizes.out_h) / static_cast<float>(sizes.in_h),
            .scale_w = static_cast<float>(sizes.out_w) / static_cast<float>(sizes.in_w)};
  }
  [[nodiscard]] Work work() const { return {0.0, 4.0 * static_cast<double>(inputs() + outputs())}; }
};
constexpr ResizeCase kResizes[] = {{"16x16x32-32x32", {1, 16, 16, 32, 32, 32}},
                                   {"96x96x3-224x224", {1, 96, 96, 224, 224, 3}},
                                   {"64x64x1-28x28", {1, 64, 64, 28, 28, 1}}};

}  // namespace

void add(const std::string& name, Kernel<ResizeNearestArgs> kernel) {
  for (const ResizeCase& c : kResizes)
    add_widths(name, c.text, kernel, c.inputs() + c.outputs(), [=](Arrays& arrays, std::uint32_t width) {
      return ResizeNearestArgs{arrays.bytes(width * c.inputs()), arrays.bytes(width * c.outputs()), width, c.sizes,
                               c.rule()};
    });
}
void add(const std::string& name, Kernel<ResizeArgs> kernel) {
  for (const ResizeCase& c : kResizes)
    add_row(name, c.text, kernel, c.work(), [=](Arrays& arrays) {
      return ResizeArgs{arrays.floats(c.inputs()), arrays.floats(c.outputs()), c.sizes, c.rule()};
    });
}
void add(const std::string& name, Kernel<ResizeGradArgs> kernel) {
  for (const ResizeCase& c : kResizes)
    add_row(name, c.text, kernel, c.work(), [=](Arrays& arrays) {
      return ResizeGradArgs{arrays.floats(c.outputs()), arrays.floats(c.inputs()), c.sizes, c.rule()};
    });
}

}  // namespace mote
