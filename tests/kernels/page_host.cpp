// SPDX-License-Identifier: Apache-2.0
// Host only: partial vectors at the edge of mapped memory. The pages around the arrays are closed, so a read or write
// one float beyond faults, whichever instruction makes it; guards and sanitizers do not see masked loads.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote {
namespace {

/// A page between two closed ones.
class Page {
 public:
  Page() : bytes_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    void* block = mmap(nullptr, 3 * bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) __builtin_trap();
    block_ = static_cast<char*>(block);
    if (mprotect(block_ + bytes_, bytes_, PROT_READ | PROT_WRITE) != 0) __builtin_trap();
  }
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;
  ~Page() { munmap(block_, 3 * bytes_); }
  /// `count` floats that end, or begin, where a closed page is.
  [[nodiscard]] float* at_edge(std::size_t count, bool end) const {
    char* edge = end ? block_ + 2 * bytes_ - count * sizeof(float) : block_ + bytes_;
    float* values = reinterpret_cast<float*>(edge);
    for (std::size_t i = 0; i < count; ++i) values[i] = 0.25F + 0.0078125F * static_cast<float>(i);
    return values;
  }

 private:
  std::size_t bytes_;
  char* block_ = nullptr;
};

TEST(page, partial_loads_and_stores) {
  const Page from, to;
  for (const bool end : {false, true}) {
    for (std::size_t n = 1; n < simd::kLanes; ++n)
      simd::store_partial(to.at_edge(n, end), n, simd::load_partial(from.at_edge(n, end), n));
    for (std::size_t n = 1; n < 16; ++n) {
      float* target = to.at_edge(n, end);
      simd::store16_partial(target, n, simd::load16_partial(from.at_edge(n, end), n) + simd::splat16(1.0F));
      EXPECT_EQ(target[n - 1], 1.25F + 0.0078125F * static_cast<float>(n - 1)) << n;
    }
  }
}

TEST(page, activations_and_softmax) {
  const Page pages[3];
  for (const bool end : {false, true}) {
    for (std::uint32_t n = 1; n <= 70; ++n) {
      float *a = pages[0].at_edge(n, end), *b = pages[1].at_edge(n, end), *c = pages[2].at_edge(n, end);
      kernels::relu6_f32({a, b, 0.0F, n});
      kernels::gelu_f32({a, b, 0.0F, n});
      kernels::gelu_grad_f32({a, b, c, 0.0F, n});
      kernels::softmax_f32({a, b, 1, n});
      kernels::softmax_grad_f32({b, a, c, 1, n});
      for (std::uint32_t i = 0; i < n; ++i) ASSERT_EQ(c[i] - c[i], 0.0F) << n;
    }
  }
}

TEST(page, losses) {
  const Page pages[3];
  LossResult result;
  for (const bool end : {false, true}) {
    for (std::uint32_t n = 1; n <= 70; ++n) {
      float *a = pages[0].at_edge(n, end), *b = pages[1].at_edge(n, end), *c = pages[2].at_edge(n, end);
      const auto label = static_cast<std::int32_t>(n - 1);
      for (const auto kernel : {kernels::squared_error_f32, kernels::softmax_cross_entropy_f32,
                                kernels::kl_divergence_f32, kernels::binary_cross_entropy_f32}) {
        kernel({a, nullptr, b, nullptr, nullptr, c, &result, 1.0F, false, 1, n});
        ASSERT_EQ(result.loss - result.loss, 0.0F) << n;
        if (kernel == kernels::binary_cross_entropy_f32) continue;
        kernel({a, &label, nullptr, b, nullptr, c, &result, 1.0F, false, 1, n});
        ASSERT_EQ(result.loss - result.loss, 0.0F) << n;
      }
    }
  }
}

TEST(page, optimizers) {
  const Page pages[4];
  for (const bool end : {false, true}) {
    for (std::uint32_t n = 1; n <= 70; ++n) {
      UpdateArgs args{};
      args.correction1 = args.correction2 = args.epsilon = 1.0F;
      args.learning_rate = 0.5F;
      args.count = n;
      for (const auto kernel : {kernels::sgd_f32, kernels::momentum_f32, kernels::nesterov_f32, kernels::adagrad_f32,
                                kernels::rmsprop_f32, kernels::adam_f32}) {
        args.params = pages[0].at_edge(n, end), args.grads = pages[1].at_edge(n, end);
        args.state1 = pages[2].at_edge(n, end), args.state2 = pages[3].at_edge(n, end);
        kernel(args);
      }
      kernels::add_penalty_f32({args.grads, args.params, 1.0F, 0.5F, 0.5F, n});
      kernels::clip_by_value_f32({args.params, 0.5F, n});
      float sum = 0.0F;
      kernels::sum_of_squares_f32({args.params, &sum, n});
      ASSERT_GT(sum, 0.0F) << n;
      float largest = 0.0F;
      kernels::largest_magnitude_f32({args.params, &largest, n});
      ASSERT_GT(largest, 0.0F) << n;
      double dot = 0.0;
      kernels::add_scaled_f32({args.params, args.grads, args.state1, 0.5, n});
      kernels::dot_f32({args.params, args.params, &dot, n});
      ASSERT_GT(dot, 0.0) << n;
    }
  }
}

}  // namespace
}  // namespace mote
