// SPDX-License-Identifier: Apache-2.0
// Threads lent to sessions and trainers: the same bits for any number of them, and a pool that can be used again.
#include <algorithm>
#include <array>
#include <chrono>
#include <new>
#include <numeric>
#include <thread>

#include "grad/problem.hpp"
#include "mote/linux/thread_pool.hpp"

namespace mote::test {
namespace {

// Every kernel that can be divided, each large enough to be.
constexpr auto kNet =
    sequential(input(24, 24, 3), conv2d(16, {.padding = Padding::same}), batch_norm(), relu().as("a"),
               depthwise_conv2d(1, {.padding = Padding::same}), tanh(), conv2d(16, {.filter = {1, 1}}), add("a"),
               relu6(), max_pool(), conv2d(24, {.stride = {2, 2}, .padding = Padding::same}), silu(), average_pool(),
               dropout(0.25F), flatten(), dense(300), relu(), dense(10));

// Weights that stay int8, rounded at random.
constexpr ConvOptions kInt8{.padding = Padding::same, .weights = DType::s8};
constexpr auto kInt8Net = sequential(input(24, 24, 3), conv2d(16, kInt8), relu(), depthwise_conv2d(1, kInt8), relu(),
                                     conv2d(40, kInt8), relu(), max_pool(), flatten(),
                                     dense(60, {.weights = DType::s8}), relu(), dense(10, {.weights = DType::s8}));

constexpr Optimizer kAdam = adam({.learning_rate = 2e-3F});

TrainConfig training(const Optimizer& optimizer) {
  return {.optimizer = optimizer, .batch = 12, .seed = 5, .alignment = 64};
}

class Arena {
 public:
  explicit Arena(std::size_t bytes) : bytes_(new (std::align_val_t{64}) std::byte[bytes]), size_(bytes) {}
  ~Arena() { operator delete[](bytes_, std::align_val_t{64}); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  [[nodiscard]] std::span<std::byte> span() const { return {bytes_, size_}; }

 private:
  std::byte* bytes_;
  std::size_t size_;
};

struct Outcome {
  std::uint64_t params = 0, outputs = 0;
};

Outcome train_and_run(const Threads* threads, const Model& model = kNet.model(), const Optimizer& optimizer = kAdam) {
  const TrainConfig config = training(optimizer);
  const Arena arena(*required_arena_bytes(model, config));
  Result<Trainer> trainer = Trainer::create(model, config, arena.span());
  EXPECT_TRUE(trainer.ok());
  trainer->set_threads(threads);
  Numbers numbers(3);
  for (int step = 0; step < 6; ++step) {
    numbers.fill(trainer->input().data(), trainer->input().size());
    std::iota(trainer->labels().begin(), trainer->labels().begin() + 10, 0);
    trainer->labels()[10] = trainer->labels()[11] = step;
    EXPECT_TRUE(trainer->step().ok());
  }
  Outcome outcome;
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    if (model.layers[i].trainable())
      outcome.params = hash_bits(reinterpret_cast<const float*>(layer_params(trainer->model(), i)),
                                 model.layers[i].param_bytes / sizeof(float), outcome.params);
  constexpr PlanOptions kOptions{.batch = 3, .alignment = 64};
  const Arena session_arena(*required_arena_bytes(trainer->model(), kOptions));
  Result<Session> session = Session::create(trainer->model(), session_arena.span(), kOptions);
  EXPECT_TRUE(session.ok());
  session->set_threads(threads);
  numbers.fill(session->input<float>().data(), session->input<float>().size());
  session->run();
  outcome.outputs = hash_bits(session->output<float>().data(), session->output<float>().size());
  return outcome;
}

/// Runs shares one after the other, last first, and counts the calls.
struct Counter {
  std::uint32_t calls = 0;
  Threads threads{3, &Counter::run, this};

  static void run(void* pool, Threads::Task task, const void* data, std::uint32_t count) {
    ++static_cast<Counter*>(pool)->calls;
    for (std::uint32_t index = count; index-- > 0;) task(data, index, count);
  }
};

TEST(Threads, AreGivenMostLayersAndMayTakeSharesInAnyOrder) {
  const Outcome alone = train_and_run(nullptr);
  Counter counter;
  const Outcome divided = train_and_run(&counter.threads);
  EXPECT_EQ(divided.params, alone.params);
  EXPECT_EQ(divided.outputs, alone.outputs);
  EXPECT_GE(counter.calls, 6U * 25U + 10U);  // six steps and a forward pass
}

TEST(Threads, GiveTheSameBitsInAnyNumber) {
  const Outcome alone = train_and_run(nullptr);
  for (const std::uint32_t count : {1U, 2U, 3U, 5U}) {
    const ThreadPool pool(count);
    const Outcome together = train_and_run(pool.threads());
    EXPECT_EQ(together.params, alone.params) << count;
    EXPECT_EQ(together.outputs, alone.outputs) << count;
  }
}

TEST(Threads, GiveInt8WeightsTheSameBits) {
  const Outcome alone = train_and_run(nullptr, kInt8Net.model(), sgd());
  for (const std::uint32_t count : {2U, 5U}) {
    const ThreadPool pool(count);
    const Outcome together = train_and_run(pool.threads(), kInt8Net.model(), sgd());
    EXPECT_EQ(together.params, alone.params) << count;
    EXPECT_EQ(together.outputs, alone.outputs) << count;
  }
}

TEST(Threads, RunEveryShareOnceAndWakeAfterSleep) {
  const ThreadPool pool(3);
  const Threads& threads = *pool.threads();
  ASSERT_EQ(threads.count, 3U);
  struct Counts {
    std::array<int, 8> calls{};
  };
  for (const std::uint32_t shares : {1U, 2U, 3U, 8U}) {
    for (int repeat = 0; repeat < 200; ++repeat) {
      Counts counts;
      threads.run(
          threads.pool,
          [](const void* data, std::uint32_t index, std::uint32_t) {
            ++const_cast<Counts*>(static_cast<const Counts*>(data))->calls[index];
          },
          &counts, shares);
      for (std::uint32_t i = 0; i < counts.calls.size(); ++i) ASSERT_EQ(counts.calls[i], i < shares ? 1 : 0);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the workers go to sleep
  }
}

TEST(Threads, OfACountOfZeroAreTheCaller) {
  const ThreadPool pool(0);
  EXPECT_EQ(pool.threads()->count, 1U);
}

}  // namespace
}  // namespace mote::test
