// SPDX-License-Identifier: Apache-2.0
// The first losses of three networks on the first images of Fashion-MNIST, against PyTorch's, with labels and with
// one-hot rows. Needs the package dataset-fashion-mnist (ports/linux/setup.sh installs it) and gzip.
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "golden/golden.hpp"
#include "grad/gradient_check.hpp"

namespace mote::test {
namespace {

constexpr auto kMlp =
    sequential(input(28, 28, 1), flatten(), dense(512), relu(), dense(512), relu(), dense(512), relu(), dense(10));
constexpr auto kConvNet = sequential(input(28, 28, 1), conv2d(8, {.padding = Padding::same}), relu(), max_pool(),
                                     conv2d(16, {.padding = Padding::same}), relu(), max_pool(), flatten(), dense(10));

std::vector<unsigned char> unpacked(const char* name, std::size_t skip, std::size_t count) {
  const std::string command = std::string("gzip -dc /usr/share/datasets/fashion-mnist/") + name + " 2>/dev/null";
  std::FILE* pipe = popen(command.c_str(), "r");
  std::vector<unsigned char> bytes(skip + count);
  const std::size_t got = pipe == nullptr ? 0 : std::fread(bytes.data(), 1, bytes.size(), pipe);
  if (pipe != nullptr) pclose(pipe);
  return got == bytes.size()
             ? std::vector<unsigned char>(bytes.begin() + static_cast<std::ptrdiff_t>(skip), bytes.end())
             : std::vector<unsigned char>();
}

/// Weights as PyTorch lays them out, (out, in), row by row: (2 u - 1) sqrt(6 / in).
std::vector<float> he(std::uint32_t state, std::size_t count, std::size_t fan_in) {
  std::vector<float> values(count);
  const float limit = std::sqrt(6.0F / static_cast<float>(fan_in));
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    value = (2.0F * (static_cast<float>(state >> 8) * 0x1p-24F) - 1.0F) * limit;
  }
  return values;
}

float* weights_of(std::span<const Layer> layers, std::vector<float>& params, std::size_t layer) {
  return params.data() + layers[layer].param_offset / sizeof(float);
}

std::vector<float> mlp_params() {
  std::vector<float> params(kMlp.param_bytes / sizeof(float));
  const std::array<std::size_t, 5> sizes{784, 512, 512, 512, 10};
  for (std::size_t k = 0; k < 4; ++k) {
    const std::vector<float> values = he(static_cast<std::uint32_t>(100 + k), sizes[k] * sizes[k + 1], sizes[k]);
    float* weights = weights_of(kMlp.layers, params, 2 * k + 2);
    for (std::size_t o = 0; o < sizes[k + 1]; ++o)
      for (std::size_t i = 0; i < sizes[k]; ++i) weights[i * sizes[k + 1] + o] = values[o * sizes[k] + i];
  }
  return params;
}

/// (out, in, 3, 3) to (3, 3, in, out).
void fill_filters(float* weights, const std::vector<float>& values, std::size_t in, std::size_t out) {
  for (std::size_t o = 0; o < out; ++o)
    for (std::size_t c = 0; c < in; ++c)
      for (std::size_t tap = 0; tap < 9; ++tap) weights[(tap * in + c) * out + o] = values[(o * in + c) * 9 + tap];
}

std::vector<float> conv_params() {
  std::vector<float> params(kConvNet.param_bytes / sizeof(float));
  fill_filters(weights_of(kConvNet.layers, params, 1), he(200, 72, 9), 1, 8);
  fill_filters(weights_of(kConvNet.layers, params, 4), he(201, 1152, 72), 8, 16);
  const std::vector<float> values = he(202, 7840, 784);
  float* weights = weights_of(kConvNet.layers, params, 8);
  for (std::size_t o = 0; o < 10; ++o)  // PyTorch flattens (c, pixel), mote (pixel, c)
    for (std::size_t c = 0; c < 16; ++c)
      for (std::size_t pixel = 0; pixel < 49; ++pixel)
        weights[(pixel * 16 + c) * 10 + o] = values[o * 784 + c * 49 + pixel];
  return params;
}

/// Gives images first, first + 1, … of the file to the trainer.
void feed(Trainer& trainer, const std::vector<unsigned char>& pixels, const std::vector<unsigned char>& labels,
          std::size_t first) {
  for (std::size_t i = 0; i < trainer.input().size(); ++i)
    trainer.input()[i] = static_cast<float>(pixels[first * 784 + i]) / 255.0F;
  for (float& target : trainer.targets()) target = 0.0F;
  for (std::size_t i = 0; i < trainer.slice_samples(); ++i) {
    const unsigned char label = labels[first + i];
    if (trainer.labels().empty())
      trainer.targets()[i * 10 + label] = 1.0F;
    else
      trainer.labels()[i] = label;
  }
}

/// Trains on the first images in the order of the file; the loss before each update, empty without the data.
std::vector<float> losses(std::span<const Layer> layers, std::vector<float> params, TrainConfig config,
                          std::size_t steps) {
  const std::size_t images = config.batch * steps;
  const std::vector<unsigned char> pixels = unpacked("train-images-idx3-ubyte.gz", 16, images * 784);
  const std::vector<unsigned char> labels = unpacked("train-labels-idx1-ubyte.gz", 8, images);
  if (pixels.empty() || labels.empty()) return {};
  const Model model{layers, reinterpret_cast<const std::byte*>(params.data()),
                    static_cast<std::uint32_t>(params.size() * sizeof(float)), 16};
  const Result<std::size_t> bytes = required_arena_bytes(model, config);
  EXPECT_TRUE(bytes.ok());
  std::vector<Block> arena(blocks_for(*bytes));
  Result<Trainer> trainer = Trainer::create(model, config, std::as_writable_bytes(std::span(arena)));
  EXPECT_TRUE(trainer.ok()) << name(trainer.status().code) << " " << trainer.status().detail;
  std::vector<float> found(trainer.ok() ? steps : 0, 0.0F);
  const std::size_t slices = config.batch / slice_samples(config);
  for (std::size_t i = 0; i < found.size() * slices; ++i) {
    feed(*trainer, pixels, labels, i * slice_samples(config));
    const Result<float> loss = trainer->step();
    EXPECT_TRUE(loss.ok());
    found[i / slices] += *loss / static_cast<float>(slices);
  }
  return found;
}

void check(std::span<const Layer> layers, const std::vector<float>& params, TrainConfig config,
           std::span<const float> golden) {
  std::array<std::vector<float>, 2> runs;
  for (const Targets targets : {Targets::labels, Targets::values}) {
    config.targets = targets;
    std::vector<float>& found = runs[targets == Targets::values ? 1 : 0];
    found = losses(layers, params, config, golden.size());
    if (found.empty()) GTEST_SKIP() << "Fashion-MNIST is not installed: ports/linux/setup.sh";
    ASSERT_EQ(found.size(), golden.size());
    for (std::size_t i = 0; i < golden.size(); ++i)
      EXPECT_NEAR(found[i], golden[i], 1e-5 * static_cast<double>(golden[i]))
          << "step " << i << (targets == Targets::labels ? " labels" : " one-hot");
  }
  for (std::size_t i = 0; i < golden.size(); ++i) EXPECT_NEAR(runs[0][i], runs[1][i], 1e-6) << "step " << i;
}

TEST(FashionMnist, MlpBatch32) {
  check(kMlp.layers, mlp_params(), {.optimizer = sgd({.learning_rate = 0.1F}), .batch = 32}, fashion_mlp_32);
}
TEST(FashionMnist, MlpBatch1) {
  check(kMlp.layers, mlp_params(), {.optimizer = sgd({.learning_rate = 0.01F}), .batch = 1}, fashion_mlp_1);
}
TEST(FashionMnist, ConvBatch32) {
  check(kConvNet.layers, conv_params(), {.optimizer = sgd({.learning_rate = 0.1F}), .batch = 32}, fashion_conv_32);
}
// The gradient of a batch in slices, which waits in a buffer for the update, takes the same way.
TEST(FashionMnist, ConvBatch32InSlicesOf8) {
  const TrainConfig config{.optimizer = sgd({.learning_rate = 0.1F}), .batch = 32, .micro_batch = 8};
  check(kConvNet.layers, conv_params(), config, fashion_conv_32);
}

}  // namespace
}  // namespace mote::test
