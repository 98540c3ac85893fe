// SPDX-License-Identifier: Apache-2.0
// What hostile bytes are put through: opening and, where they are a model, everything that reads one. Any outcome is
// right but a crash or an error that the sanitizers see. Shared by the tests of this folder and the fuzzer. Host only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "model/model_file.hpp"
#include "mote/model/fold.hpp"
#include "mote/model/narrow.hpp"
#include "mote/run/session.hpp"
#include "mote/train/trainer.hpp"

namespace mote::test {

/// Bytes at a 4096-byte boundary on the heap, no longer than asked for: the address sanitizer sees the first byte
/// that is read behind them.
class AlignedBytes {
 public:
  explicit AlignedBytes(std::size_t size) : bytes_(new (std::align_val_t{4096}) std::byte[size]), size_(size) {}
  explicit AlignedBytes(std::span<const std::byte> from) : AlignedBytes(from.size()) {
    std::copy(from.begin(), from.end(), bytes_);
  }
  AlignedBytes(const AlignedBytes&) = delete;
  AlignedBytes& operator=(const AlignedBytes&) = delete;
  ~AlignedBytes() { ::operator delete[](bytes_, std::align_val_t{4096}); }
  [[nodiscard]] std::span<std::byte> span() const { return {bytes_, size_}; }

 private:
  std::byte* bytes_;
  std::size_t size_;
};

/// Makes the checksum right again, so that what comes after it is tested.
inline void fix_crc(std::span<std::byte> file) {
  if (file.size() < sizeof(FileHeader)) return;
  constexpr std::size_t at = offsetof(FileHeader, crc);
  const std::uint32_t crc = crc32(file.subspan(at + sizeof(std::uint32_t)), crc32(file.first(at)));
  std::memcpy(file.data() + at, &crc, sizeof crc);
}

inline constexpr std::size_t kExerciseArena = 64 * 1024;  // bounds the time that one model takes

/// Input `i` in its own type.
inline void fill_input(Session& session, std::size_t i) {
  const auto with = [&](auto value) { std::ranges::fill(session.input<decltype(value)>(i), value); };
  const Model& model = session.model();
  switch (model.layers[model.input_layer(i)].dtype) {
    case DType::s8: return with(std::int8_t{-3});
    case DType::u8: return with(std::uint8_t{200});
    case DType::boolean: return with(std::uint8_t{1});
    case DType::s16: return with(std::int16_t{300});
    case DType::s32: return with(std::int32_t{1});
    default: return with(0.5F);
  }
}

inline void run_session(const Model& model, const PlanOptions& options) {
  AlignedBytes arena(kExerciseArena);
  Result<Session> session = Session::create(model, arena.span(), options);
  if (!session.ok()) return;
  for (int run = 0; run < 2; ++run) {  // states go on
    for (std::size_t i = 0; i < model.input_count(); ++i) fill_input(*session, i);
    session->run();
  }
}

inline void run_trainer(const Model& model, const TrainConfig& config) {
  AlignedBytes arena(kExerciseArena);
  Result<Trainer> trainer = Trainer::create(model, config, arena.span());
  if (!trainer.ok()) return;
  for (int slice = 0; slice < 2; ++slice) {
    for (std::size_t i = 0; i < model.input_count(); ++i) std::ranges::fill(trainer->input(i), 0.25F);
    std::fill(trainer->targets().begin(), trainer->targets().end(), 0.5F);
    std::fill(trainer->labels().begin(), trainer->labels().end(), 0);
    static_cast<void>(trainer->step().ok());
  }
  static_cast<void>(trainer->evaluate().ok());
}

/// Opens the file and uses it in every way. Returns what open_model() said.
inline Status exercise_model(std::span<const std::byte> bytes) {
  const Result<Model> opened = open_model(bytes);
  if (!opened.ok()) return opened.status();
  const Model& model = *opened;
  const std::string_view description = model_description(bytes);
  if (!description.empty() && &description.back() + 1 != reinterpret_cast<const char*>(bytes.data()) + bytes.size())
    __builtin_trap();
  for (const bool training : {false, true}) {
    PlanOptions options;
    options.training = training, options.batch = training ? 2 : 1, options.loss = Loss::squared_error,
    options.gradient_buffers = true;
    const Result<PlanSize> size = plan_size(model, options);
    if (!size.ok()) continue;
    std::vector<Step> steps(size->steps);
    std::vector<Buffer> buffers(size->buffers);
    static_cast<void>(make_plan(model, options, steps, buffers).ok());
  }
  run_session(model, {});
  run_session(model, {.batch = 3, .alignment = 64});
  run_trainer(model, {.loss = Loss::squared_error, .batch = 2});
  run_trainer(model, {.optimizer = adam(), .batch = 4, .micro_batch = 2, .clip_norm = 1.0F, .l2 = 0.1F});
  AlignedBytes copy(model_file_bytes(model));
  if (write_model(model, copy.span()).ok()) static_cast<void>(open_model(copy.span()).ok());
  for (const DType type : {DType::s8, DType::f16, DType::f32}) {
    for (const StoreWeights which : {StoreWeights::exact, StoreWeights::all}) {
      AlignedBytes stored(stored_file_bytes(model, type));
      const Result<std::size_t> bytes_written = store_weights(model, type, which, stored.span());
      if (!bytes_written.ok()) continue;
      AlignedBytes exact(stored.span().first(*bytes_written));
      const Result<Model> reopened = open_model(exact.span());
      if (!reopened.ok()) __builtin_trap();
      if (which == StoreWeights::all) run_session(*reopened, {});
    }
  }
  AlignedBytes folded(folded_file_bytes(model));
  const Result<std::size_t> written = fold_batch_norm(model, folded.span());
  if (written.ok()) {
    AlignedBytes exact(folded.span().first(*written));
    const Result<Model> reopened = open_model(exact.span());
    if (!reopened.ok()) __builtin_trap();  // a valid model folds into a valid model
    run_session(*reopened, {});
  }
  return {};
}

}  // namespace mote::test
