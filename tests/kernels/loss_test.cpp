// SPDX-License-Identifier: Apache-2.0
// The four losses and their gradients against naive sums in double and their central differences: labels and targets,
// weights, in place, without gradient; extreme logits, bad labels, NaN; and their bits.
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "instruction_set.hpp"
#include "kernels/guarded.hpp"
#include "reference/loss.hpp"

namespace mote {
namespace {

using test::memory;
using test::Numbers;

constexpr float kInfinity = __builtin_inff();
constexpr float kNaN = __builtin_nanf("");
constexpr float kGradScale = 0.75F;

struct Loss {
  const char* name;
  void (*kernel)(const LossArgs&);
  reference::RowLoss exact;
};
const Loss kSquaredError{"squared_error", kernels::squared_error_f32, reference::squared_error};
const Loss kBinary{"binary_cross_entropy", kernels::binary_cross_entropy_f32, reference::binary_cross_entropy};
const Loss kSoftmax{"softmax_cross_entropy", kernels::softmax_cross_entropy_f32, reference::softmax_cross_entropy};
const Loss kDivergence{"kl_divergence", kernels::kl_divergence_f32, reference::kl_divergence};
const Loss kAll[] = {kSquaredError, kBinary, kSoftmax, kDivergence};
const Loss kOfClasses[] = {kSquaredError, kSoftmax, kDivergence};

constexpr std::uint32_t kMaxBatch = 9;

/// A batch with random outputs, labels, one-hot and soft targets, and weights, all between guards.
struct Batch {
  std::uint32_t batch, outputs;
  float *output, *grad, *one_hot, *soft, *class_weights, *sample_weights;
  std::int32_t labels[37];
  LossResult result;

  Batch(std::uint32_t samples, std::uint32_t width, std::size_t misalignment) : batch(samples), outputs(width) {
    memory.reset();
    output = memory.take(count(), misalignment);
    grad = memory.take(count(), misalignment + 1);
    one_hot = memory.take(count(), misalignment + 2);
    soft = memory.take(count(), misalignment + 3);
    class_weights = memory.take(outputs < 2 ? 2 : outputs, 1);
    sample_weights = memory.take(batch, 1);
    Numbers numbers(samples * 1000 + width);
    numbers.fill(output, count(), 3.0F);
    numbers.fill(soft, count(), 0.5F, 0.5F);
    numbers.fill(class_weights, outputs < 2 ? 2 : outputs, 1.0F, 1.5F);
    numbers.fill(sample_weights, batch, 1.0F, 1.5F);
    for (std::size_t r = 0; r < batch; ++r) {
      labels[r] = static_cast<std::int32_t>((r * 7 + width / 2) % width);
      for (std::size_t j = 0; j < outputs; ++j)
        one_hot[r * outputs + j] = static_cast<std::int32_t>(j) == labels[r] ? 1.0F : 0.0F;
      soft[r * outputs + r % outputs] = 0.0F;  // 0 log 0
    }
  }
  [[nodiscard]] std::size_t count() const { return std::size_t{batch} * outputs; }
  /// With labels and all weights; gradient wanted.
  [[nodiscard]] LossArgs args() {
    return {output, labels, nullptr, class_weights, sample_weights, grad, &result, kGradScale, false, batch, outputs};
  }
  [[nodiscard]] LossArgs args_with_targets(const float* targets) {
    LossArgs a = args();
    a.labels = nullptr, a.targets = targets, a.class_weights = nullptr;
    return a;
  }
};

/// Expects loss and gradient of args as the reference gives them for `targets`.
void check(const Loss& loss, const LossArgs& args, const float* targets) {
  double y[64], t[64], total = 0.0;
  const std::size_t width = args.outputs;
  double* slopes = memory.take_doubles(args.batch * width);
  for (std::size_t r = 0; r < args.batch; ++r) {
    double weight = args.sample_weights != nullptr ? static_cast<double>(args.sample_weights[r]) : 1.0;
    if (args.labels != nullptr && args.class_weights != nullptr)
      weight *= static_cast<double>(args.class_weights[args.labels[r] < 0 ? 0 : args.labels[r]]);
    for (std::size_t j = 0; j < width; ++j) y[j] = static_cast<double>(args.output[r * width + j]);
    for (std::size_t j = 0; j < width; ++j) t[j] = static_cast<double>(targets[r * width + j]);
    total += weight * loss.exact(y, t, width) / args.batch;
    for (std::size_t j = 0; j < width; ++j)
      slopes[r * width + j] = static_cast<double>(args.grad_scale) * weight / args.batch *
                              reference::loss_slope(loss.exact, y, t, width, j);
  }
  loss.kernel(args);
  EXPECT_NEAR(static_cast<double>(args.result->loss), total, 2e-6 * (1.0 + std::fabs(total))) << loss.name << width;
  if (args.grad_output != nullptr) {
    EXPECT_LE(test::worst_error(args.grad_output, slopes, args.batch * width), 1e-6) << loss.name << ", " << width;
  }
  EXPECT_TRUE(memory.intact()) << loss.name << ", " << width;
}

/// Fewer samples where the central differences take long.
constexpr std::uint32_t samples(std::uint32_t width) { return width > 16 ? 2 : 1 + width % kMaxBatch; }
constexpr std::uint32_t kWidths[] = {1, 2, 3, 4, 7, 8, 9, 10, 15, 16, 17, 31, 33, 48};

TEST(loss, labels) {
  for (const Loss& loss : kOfClasses) {
    for (const std::uint32_t width : kWidths) {
      Batch b(samples(width), width, width % 3);
      check(loss, b.args(), b.one_hot);
      LossArgs args = b.args();
      args.class_weights = nullptr;
      check(loss, args, b.one_hot);
      args.sample_weights = nullptr;
      check(loss, args, b.one_hot);
      args.grad_output = nullptr;
      check(loss, args, b.one_hot);
      args.grad_output = b.output;  // in place
      check(loss, args, b.one_hot);
    }
  }
}

TEST(loss, targets) {
  for (const Loss& loss : kAll) {
    for (const std::uint32_t width : kWidths) {
      Batch b(samples(width), width, width % 3);
      check(loss, b.args_with_targets(b.soft), b.soft);
      LossArgs args = b.args_with_targets(b.soft);
      args.sample_weights = nullptr;
      args.grad_output = nullptr;
      check(loss, args, b.soft);
      args.grad_output = b.output;
      check(loss, args, b.soft);
    }
  }
}

TEST(loss, one_hot_targets_give_the_bits_of_labels) {
  for (const Loss& loss : kOfClasses) {
    for (const std::uint32_t width : kWidths) {
      for (const std::uint32_t batch : {3U, 16U, 37U}) {
        if (batch * width > 400) continue;
        Batch b(batch, width, 0);
        LossArgs args = b.args();
        args.class_weights = nullptr;
        loss.kernel(args);
        const std::uint64_t grad = test::hash_bits(b.grad, b.count()), value = test::hash_bits(&b.result.loss, 1);
        loss.kernel(b.args_with_targets(b.one_hot));
        EXPECT_EQ(test::hash_bits(b.grad, b.count()), grad) << loss.name << ", " << width;
        EXPECT_EQ(test::hash_bits(&b.result.loss, 1), value) << loss.name << ", " << width;
      }
    }
  }
}

TEST(loss, binary_labels) {
  for (const bool with_sign : {false, true}) {
    Batch b(8, 1, 1);
    for (std::size_t r = 0; r < 8; ++r) {
      b.one_hot[r] = r % 3 == 0 ? 1.0F : 0.0F;
      b.labels[r] = r % 3 == 0 ? 1 : with_sign ? -1 : 0;
      b.soft[r] = with_sign ? 2.0F * b.one_hot[r] - 1.0F : b.one_hot[r];
    }
    LossArgs args = b.args();
    args.signed_labels = with_sign;
    check(kBinary, args, b.one_hot);
    std::uint32_t correct = 0;
    for (std::size_t r = 0; r < 8; ++r) correct += (b.output[r] > 0.0F) == (b.labels[r] == 1) ? 1U : 0U;
    EXPECT_EQ(b.result.correct, correct);
    LossArgs targets = b.args_with_targets(b.soft);
    targets.signed_labels = with_sign;
    check(kBinary, targets, b.one_hot);
  }
}

TEST(loss, correct_counts_the_first_largest_output) {
  for (const Loss& loss : kOfClasses) {
    const float output[] = {1, 3, 3, 0, /**/ 1, 3, 3, 0, /**/ -5, -5, -5, -5, /**/ 0, 1, 2, 7};
    const std::int32_t labels[] = {1, 2, 0, 3};
    LossResult result;
    loss.kernel({output, labels, nullptr, nullptr, nullptr, nullptr, &result, 1.0F, false, 4, 4});
    EXPECT_EQ(result.correct, 3U) << loss.name;  // the second sample's label ties with an earlier output
  }
  const float output[] = {0.0F, -0.5F, 1e-30F, -2.0F};  // zero counts as the negative class
  const std::int32_t labels[] = {1, 0, 1, 1};
  LossResult result;
  kBinary.kernel({output, labels, nullptr, nullptr, nullptr, nullptr, &result, 1.0F, false, 4, 1});
  EXPECT_EQ(result.correct, 2U);
}

TEST(loss, extreme_logits_stay_finite) {
  const std::int32_t labels[] = {0, 1};
  float grad[4];
  LossResult result;
  const float logits[] = {1000.0F, -1000.0F, 1000.0F, -1000.0F};
  kSoftmax.kernel({logits, labels, nullptr, nullptr, nullptr, grad, &result, 2.0F, false, 2, 2});
  EXPECT_EQ(result.loss, 1000.0F);
  const float expected[] = {0.0F, 0.0F, 1.0F, -1.0F};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(grad[i], expected[i]) << i;
  kBinary.kernel({logits, labels, nullptr, nullptr, nullptr, grad, &result, 2.0F, false, 2, 1});
  EXPECT_EQ(result.loss, 1000.0F);
  EXPECT_EQ(grad[0], 1.0F);
  EXPECT_EQ(grad[1], -1.0F);
  const float right = 30.0F;  // log(1 + e^-30) does not drown in 30 - 30
  const std::int32_t one = 1;
  kBinary.kernel({&right, &one, nullptr, nullptr, nullptr, nullptr, &result, 1.0F, false, 1, 1});
  EXPECT_NEAR(static_cast<double>(result.loss), 9.357622968839737e-14, 1e-20);
  const float never[] = {0.0F, -kInfinity, 0.0F};  // a class that cannot occur and is not wanted
  const float halves[] = {0.5F, 0.0F, 0.5F};
  for (const Loss& loss : {kSoftmax, kDivergence}) {
    loss.kernel({never, nullptr, halves, nullptr, nullptr, grad, &result, 1.0F, false, 1, 3});
    EXPECT_NEAR(static_cast<double>(result.loss), loss.kernel == kSoftmax.kernel ? 0.69314718 : 0.0, 1e-7) << loss.name;
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(grad[i], 0.0F) << loss.name << ", " << i;
  }
}

TEST(loss, a_bad_label_shows_in_the_loss_and_in_its_row_only) {
  for (const Loss& loss : kAll) {
    const std::uint32_t width = loss.kernel == kBinary.kernel ? 1 : 10;
    for (const std::int32_t bad : {-1, -2, 10, 11, 2147483647, -2147483647 - 1}) {
      Batch b(3, width, 0);
      b.labels[1] = bad;
      loss.kernel(b.args());
      EXPECT_NE(b.result.loss, b.result.loss) << loss.name << ", " << bad;
      for (std::size_t i = 0; i < b.count(); ++i)
        EXPECT_EQ(b.grad[i] != b.grad[i], i / width == 1) << loss.name << ", " << bad;
      EXPECT_TRUE(memory.intact()) << loss.name << ", " << bad;
    }
  }
}

TEST(loss, a_nan_shows_and_is_never_correct) {
  for (const Loss& loss : kOfClasses) {
    for (std::size_t at = 0; at < 10; ++at) {
      Batch b(1, 10, 0);
      b.output[5] = 100.0F;  // label 5 is the largest of the others
      b.output[at] = kNaN;
      loss.kernel(b.args());
      EXPECT_NE(b.result.loss, b.result.loss) << loss.name << ", " << at;
      EXPECT_EQ(b.result.correct, 0U) << loss.name << ", " << at;
    }
  }
  for (const Loss& loss : kAll) {
    Batch b(2, 10, 0);
    b.soft[13] = kNaN;
    loss.kernel(b.args_with_targets(b.soft));
    EXPECT_NE(b.result.loss, b.result.loss) << loss.name;
  }
}

TEST(loss, same_bits_everywhere) {
  if (!check::kFused) return;
  std::uint64_t hash = test::hash_bits(nullptr, 0);
  for (const Loss& loss : kAll) {
    for (const std::uint32_t width : kWidths) {
      Batch b(7, width, 1);
      if (loss.kernel != kBinary.kernel) {
        loss.kernel(b.args());
        hash = test::hash_bits(&b.result.loss, 1, test::hash_bits(b.grad, b.count(), hash));
      }
      loss.kernel(b.args_with_targets(b.soft));
      hash = test::hash_bits(&b.result.loss, 1, test::hash_bits(b.grad, b.count(), hash));
    }
  }
  EXPECT_EQ(hash, 0xABA70CB8EA0CDC16U);
}

}  // namespace
}  // namespace mote
