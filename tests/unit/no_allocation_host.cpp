// SPDX-License-Identifier: Apache-2.0
// Counts every allocation of the process while the library opens, plans, runs, trains, writes and folds: there is none.
// glibc only: its malloc is wrapped by name, or watched through the address sanitizer's hook.
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "check.hpp"
#include "mote/model/fold.hpp"
#include "mote/pursuit/projection_pursuit.hpp"
#include "mote/run/session.hpp"
#include "unit/networks.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define MOTE_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MOTE_ADDRESS_SANITIZER
#endif
#endif

namespace {
volatile std::size_t allocations = 0;
void count() { allocations = allocations + 1; }
}  // namespace

extern "C" {
#if defined(MOTE_ADDRESS_SANITIZER)
int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void*, std::size_t),
                                              void (*free_hook)(const volatile void*));
#else
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t size) noexcept {
  count();
  return __libc_malloc(size);
}
void* calloc(std::size_t number, std::size_t size) noexcept {
  count();
  return __libc_calloc(number, size);
}
void* realloc(void* old, std::size_t size) noexcept {
  count();
  return __libc_realloc(old, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  count();
  return __libc_memalign(alignment, size);
}
void* memalign(std::size_t alignment, std::size_t size) noexcept {
  count();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t size) noexcept {
  count();
  *out = __libc_memalign(alignment, size);
  return *out == nullptr ? ENOMEM : 0;
}
#endif
}

namespace mote {
namespace {

void watch() {
#if defined(MOTE_ADDRESS_SANITIZER)
  static const int installed = __sanitizer_install_malloc_and_free_hooks(
      [](const volatile void*, std::size_t) { count(); }, [](const volatile void*) {});
  static_cast<void>(installed);
#endif
}

TEST(no_allocation, the_counter_counts) {
  watch();
  const std::size_t before = allocations;
  ::operator delete(::operator new(24));
  ::operator delete (::operator new (64, std::align_val_t{64}), std::align_val_t{64});
  std::free(std::malloc(10));
  EXPECT_GE(allocations - before, 3U);
}

constexpr std::size_t kBytes = 256 * 1024;
alignas(64) std::array<std::byte, kBytes> arena, file, folded, tables;

template <class AnyTrainer>
void fill_slice(AnyTrainer& trainer, std::uint32_t number) {
  for (float& value : trainer.input()) value = 0.05F * static_cast<float>(number++ % 40) - 1.0F;
  for (std::int32_t& label : trainer.labels()) label = static_cast<std::int32_t>(number++ % 5);
}

/// Everything a program does with a model, from the first byte to the last. Returns the first step that failed, or 0.
int whole_life() {
  const TrainConfig config = test::kAdamSlices;
  const Model net = test::kResidual.model();
  if (!required_arena_bytes(net, config, tables).ok() || !required_arena_bytes(net, config).ok()) return 1;
  Result<Trainer> trainer = Trainer::create(net, config, arena);
  if (!trainer.ok()) return 2;
  trainer->init_params(5, Initializer::he_normal);
  for (std::uint32_t slice = 0; slice < 20 * config.batch / config.micro_batch; ++slice) {
    fill_slice(*trainer, slice);
    if (!trainer->step().ok()) return 3;
  }
  fill_slice(*trainer, 1);
  if (trainer->updates() != 20 || !trainer->evaluate().ok()) return 4;
  std::uint32_t batches = 0;
  const auto epoch = trainer->train_epoch([&](auto& t) {
    fill_slice(t, batches);
    return ++batches < 7;
  });
  if (!epoch.ok()) return 5;
  const Result<std::size_t> bytes = write_model(trainer->model(), file);
  if (!bytes.ok()) return 6;
  const Result<Model> model = open_model(std::span(file).first(*bytes));
  if (!model.ok()) return 7;
  if (!trainer->load_params(*model).ok()) return 8;
  const Result<std::size_t> folded_bytes = fold_batch_norm(*model, folded);
  if (!folded_bytes.ok()) return 9;
  const Result<Model> short_model = open_model(std::span(folded).first(*folded_bytes));
  if (!short_model.ok()) return 10;
  for (const Model& one : {*model, *short_model}) {
    if (!required_arena_bytes(one).ok()) return 11;
    Result<Session> session = Session::create(one, arena, {.batch = 3});
    if (!session.ok()) return 12;
    for (float& value : session->input<float>()) value = 0.25F;
    for (int run = 0; run < 5; ++run) session->run();
    if (argmax(session->output<float>()) >= 15) return 13;
  }
  if (Session::create(*model, std::span(arena).first(64)).ok()) return 14;
  if (name(Code::bad_crc) == nullptr || describe(Code::bad_crc) == nullptr) return 15;
  return 0;
}

/// A projection pursuit with everything switched on. Returns the first step that failed, or 0.
int pursuit_life() {
  static constexpr auto kPursuit = projection_pursuit(3, 2, 8);
  static std::array<float, 40 * 3> inputs;
  static std::array<float, 40> targets;
  for (std::size_t i = 0; i < 40; ++i) {
    for (std::size_t j = 0; j < 3; ++j) inputs[3 * i + j] = static_cast<float>((i * (2 * j + 7) + j) % 40) / 40.0F;
    targets[i] = inputs[3 * i] * inputs[3 * i + 1] + inputs[3 * i + 2];
  }
  for (const Smoother smoother : {Smoother::spline, Smoother::supersmoother}) {
    const PursuitConfig config{.smoother = smoother, .max_terms = 3, .starts = 2, .folds = 3};
    if (!required_arena_bytes(kPursuit.model(), config, 40).ok()) return 1;
    if (!fit_projection_pursuit(kPursuit.model(), {inputs, targets, {}}, config, file, arena).ok()) return 2;
  }
  return 0;
}

StaticTrainer<test::kResidual, test::kSgd> static_trainer;

int static_life() {
  static_trainer.init_params(1);
  for (std::uint32_t step = 0; step < 20; ++step) {
    fill_slice(static_trainer, step);
    if (!static_trainer.step().ok()) return 1;
  }
  fill_slice(static_trainer, 1);
  return static_trainer.evaluate().ok() ? 0 : 2;
}

TEST(no_allocation, in_the_whole_life_of_a_model) {
  watch();
  const std::size_t before = allocations;
  const int failed = whole_life();
  const int static_failed = static_life();
  const int pursuit_failed = pursuit_life();
  const std::size_t after = allocations;
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(static_failed, 0);
  EXPECT_EQ(pursuit_failed, 0);
  EXPECT_EQ(after, before) << "the library has allocated";
}

}  // namespace
}  // namespace mote
