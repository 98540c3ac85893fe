// SPDX-License-Identifier: Apache-2.0
// Training. Trainer runs any model from a planned arena; StaticTrainer one network known at compile time. Both are
// BasicTrainer over a program (program.hpp). Data come a batch at a time, written by the caller into input() and
// labels() or targets(): no resident data set.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <array>
#include <cstddef>
#include <span>

#include "mote/arithmetic.hpp"
#include "mote/run/interface.hpp"
#include "mote/run/values.hpp"
#include "mote/train/initializer.hpp"
#include "mote/train/minimizer.hpp"
#include "mote/train/program.hpp"

namespace mote {

/// An observer of minimize() that lets it run.
struct GoOn {
  bool operator()(const MinimizeResult&) const { return true; }
};

struct EpochResult {
  double loss = 0.0;  ///< mean over the slices
  std::uint64_t samples = 0;
  std::uint64_t correct = 0;  ///< labels only
};

/// What Trainer and StaticTrainer can do. One thread at a time.
template <class Program>
class BasicTrainer : public Program {
 public:
  /// Fresh parameters for the trainable layers, fresh optimiser state, update count zero. Frozen layers keep theirs.
  /// `limit` is read by Initializer::uniform only. Does nothing where step() would say not_created or
  /// arena_overwritten.
  void init_params(std::uint64_t seed, Initializer initializer = Initializer::automatic, float limit = 0.05F) {
    if (!this->check_arena(updates_).ok()) return;
    const Model& model = this->source();
    for (std::size_t i = 1; i < model.layers.size(); ++i) {
      if (!model.layers[i].trainable()) continue;
      const Initializer chosen = initializer == Initializer::automatic ? automatic_for(model, i) : initializer;
      const auto index = static_cast<std::uint32_t>(i);
      const Shape in = model.input_shape_of(i);
      if constexpr (may_have_int8_weights())
        if (stores_narrow_weights(model.layers[i])) {
          init_int8_layer(model.layers[i], in, trained_layer(i), chosen, limit, seed, index);
          continue;
        }
      init_layer(model.layers[i], in, trained_layer(i), chosen, limit, seed, index);
    }
    reset();
  }
  /// Copies the trainable layers' parameters from a model with the same records; resets the optimiser.
  /// Errors: not_created, arena_overwritten, missing_parameters, size_mismatch (other records).
  Status load_params(const Model& from) {
    MOTE_TRY(this->check_arena(updates_));
    const Model& model = this->source();
    if (from.params == nullptr && from.trained_params == nullptr) return {Code::missing_parameters};
    if (from.layers.size() != model.layers.size()) return {Code::size_mismatch};
    for (std::size_t i = 0; i < model.layers.size(); ++i)
      if (from.layers[i].op != model.layers[i].op || from.layers[i].param_bytes != model.layers[i].param_bytes)
        return {Code::size_mismatch, static_cast<std::uint16_t>(i)};
    for (std::size_t i = 0; i < model.layers.size(); ++i)
      if (model.layers[i].trainable() && layer_params(from, i) == nullptr)
        return {Code::missing_parameters, static_cast<std::uint16_t>(i)};
    for (std::size_t i = 0; i < model.layers.size(); ++i)
      if (model.layers[i].trainable())
        std::copy_n(layer_params(from, i), model.layers[i].param_bytes, trained_layer(i));
    reset();
    return {};
  }

  /// The next slice's input, slice_samples() * input_shape values. Empty with external input. step() uses it up, and
  /// labels(), targets() and sample_weights() too, also beside external input: their memory serves other layers. A
  /// sample that was not written anew for the next step is missing_input or missing_targets, after an error as well.
  /// evaluate() uses up the input alone, and of it looks at the first sample only, so of a slice that is not full the
  /// other inputs need not be written; labels and targets it wants of every sample. One thing is not noticed: step()
  /// behind evaluate() without new input, where output() lies over the input (layers in front are frozen).
  template <class T = float>
  [[nodiscard]] MOTE_FOLDED Values<T> input() {
    static_assert(detail::dtype_of<T>() == DType::f32, "a trainer's input is float: take input() and convert to it");
    return hand_out(kInput, this->plan().input, values<T>(this->plan().input, this->input_elements()));
  }
  /// Input `i` of a network that has several, each to be written for every slice; empty where there is none.
  [[nodiscard]] Values<float> input(std::size_t i) {
    const detail::Interface at = detail::input_of(this->source(), this->plan(), i);
    return hand_out(kInput, at.buffer, values<float>(at.buffer, elements_of(at.layer)));
  }
  /// With TrainConfig::external_input: where the next slice is read.
  void set_input(const float* input) { external_input_ = input; }
  /// One class index a sample; empty where the loss takes targets.
  [[nodiscard]] MOTE_FOLDED Values<std::int32_t> labels() {
    return hand_out(kLabels, this->plan().labels, values<std::int32_t>(this->plan().labels, 1));
  }
  /// The wished output of each sample; empty where the loss takes labels or the input.
  [[nodiscard]] MOTE_FOLDED Values<float> targets() {
    return hand_out(kTargets, this->plan().targets, values<float>(this->plan().targets, this->output_elements()));
  }
  /// One factor a sample; empty without TrainConfig::sample_weights.
  [[nodiscard]] MOTE_FOLDED Values<float> sample_weights() {
    return hand_out(kWeights, this->plan().sample_weights, values<float>(this->plan().sample_weights, 1));
  }
  /// What the loss read (logits) in the last evaluate(), until the next step or the next write to input(), whose memory
  /// it may share; step() may put gradients there.
  [[nodiscard]] MOTE_FOLDED Values<const float> output() {
    return values<const float>(this->plan().output, this->output_elements());
  }
  /// Forgets what earlier slices left for the next in the network's states, if it has any: zero, or their first values.
  /// In training a state is a constant: no gradient goes through it into the slice before.
  void reset_state() {
    if constexpr (may_have_state())
      detail::reset_states(this->source(), this->plan(), this->arena(), this->frozen_params());
  }
  [[nodiscard]] std::uint32_t slice_samples() const { return mote::slice_samples(this->config()); }

  /// One slice forward and backward, and after the last slice of a batch the update. Returns the slice's mean loss.
  /// Errors, all before a parameter of this update has changed: not_created, arena_overwritten (another session or
  /// trainer was created in the arena, or it was cleared), missing_input, missing_targets and label_out_of_range
  /// (detail: sample), non_finite_loss; and non_finite_gradient, before a parameter of the layer whose gradient is
  /// infinite or not a number has. With clip_norm or micro-batches no layer has changed then either; else the layers
  /// behind it may have had this update, since each is updated before the gradient of the one before it is taken. What
  /// counts as infinite: gradients that Adam, RMSProp or Adagrad could not square (1.8e19; 7.2e16), whose velocity or
  /// step would leave float32, and with plain SGD, which sums them into the parameters, such whose sums could. So no
  /// gradient, step or state that is not finite gets into a trainer. After an error the batch's earlier slices are
  /// forgotten too. Full-batch optimisers: does not compile, or wrong_optimizer.
  Result<float> step() {
    if constexpr (requires { Program::kFullBatch; })
      static_assert(!Program::kFullBatch, "a full-batch optimiser is run by minimize()");
    if (full_batch(this->config().optimizer.kind)) return Status{Code::wrong_optimizer};
    prepare();
    if (const Status status = check(slice_samples()); !status.ok()) return forget(status);
    if (slice_ == 0) begin_update();
    UpdateState state = update_state();
    Code code = this->run_slice(memory(true), state, cursor_);
    use_up();
    if (code != Code::ok) return forget({code});
    ++slices_run_;
    if (++slice_ == this->config().batch / slice_samples()) {
      if (!usable_gradients()) return forget({Code::non_finite_gradient});
      code = this->run_update(memory(true), state, cursor_);
      if (code != Code::ok) return forget({code});
      end_update();
    }
    last_ = state.result;
    return state.result.loss;
  }

  /// Loss of the slice in input() with the present parameters, nothing changed: dropout and noise off, batch norm on
  /// its running statistics. output() holds the logits afterwards.
  Result<LossResult> evaluate() {
    prepare();
    MOTE_TRY(check(1));
    LossResult result;
    Program::evaluate(memory(false), result, cursor_);
    use_up_input();
    return result;
  }

  /// Calls `next(trainer)`, which fills input() and labels() or targets() and returns whether it did, and step(), until
  /// it has no more. An incomplete last batch is left out by the callback (slices are whole).
  template <class Next>
  Result<EpochResult> train_epoch(Next&& next) {
    EpochResult epoch;
    std::uint64_t slices = 0;
    while (next(*this)) {
      float loss = 0.0F;
      MOTE_TRY_ASSIGN(loss, step());
      epoch.loss += static_cast<double>(loss);
      epoch.samples += slice_samples();
      epoch.correct += last_.correct;
      ++slices;
    }
    if (slices != 0) epoch.loss /= static_cast<double>(slices);
    return epoch;
  }

  /// Minimises loss + l2/2 sum w^2 over config().batch samples with gradient_descent() or lbfgs(), from the present
  /// parameters. Each evaluation is a pass: `data(trainer, slice)` writes slice 0, 1, … of the same samples every time.
  /// `observe(result)` is called at the start and after each iteration, the parameters being that point's; false ends
  /// the run. Dropout and noise are refused; batch norm takes each slice's statistics, and its running ones become
  /// their mean. The result's objective is never above the start's. Errors: wrong_optimizer; bad_option;
  /// non_finite_loss and non_finite_gradient at the start; label_out_of_range, missing_input and missing_targets
  /// (detail: sample of the batch) in any pass; line_search_failed. After an error the parameters are the last accepted
  /// ones.
  template <class Data, class Observe = GoOn>
  Result<MinimizeResult> minimize(Data&& data, const MinimizeOptions& options = {}, Observe&& observe = {}) {
    if constexpr (requires { Program::kFullBatch; })
      static_assert(Program::kFullBatch, "minimize() takes gradient_descent() or lbfgs()");
    if (!full_batch(this->config().optimizer.kind)) return Status{Code::wrong_optimizer};
    MOTE_TRY(validate(options));
    prepare();
    MOTE_TRY(this->check_arena(updates_));
    Minimizer minimizer(this->config().optimizer, options, minimizer_blocks());
    do {
      const Result<Minimizer::Evaluation> evaluation = evaluate_batch(data);
      if (!evaluation.ok()) {
        if (evaluation.status().code != Code::arena_overwritten) minimizer.restore();
        return evaluation.status();
      }
      if (!minimizer.tell(*evaluation)) continue;
      if (minimizer.result().iterations != 0) count_update();
      if (!observe(minimizer.result())) minimizer.stop(StopReason::caller);
    } while (minimizer.next());
    MOTE_TRY(minimizer.status());
    return minimizer.result();
  }

  /// Updates done since init_params() or load_params().
  [[nodiscard]] std::uint32_t updates() const { return updates_; }
  /// Loss and hits of the last slice that step() took.
  [[nodiscard]] LossResult last_result() const { return last_; }
  /// The trained parameters, packed as trained_offset() says; empty where step() would say arena_overwritten.
  [[nodiscard]] Values<std::byte> parameters() {
    prepare();
    if (!this->check_arena(updates_).ok()) return {};
    return parameter_block();
  }
  /// Whether the parameters are there: a Trainer's always, a StaticTrainer's from init_params(), load_params() or
  /// whatever else asked for them first.
  [[nodiscard]] bool trained() const { return prepared_; }
  /// Optimiser state, same layout; empty where the optimiser has none.
  [[nodiscard]] Values<std::byte> optimizer_state1() {
    prepare();
    return values<std::byte>(this->plan().state1);
  }
  [[nodiscard]] Values<std::byte> optimizer_state2() {
    prepare();
    return values<std::byte>(this->plan().state2);
  }
  /// With TrainConfig::gradient_norms: the norm of each layer's parameter gradient in the last update (in minimize():
  /// the last evaluation), before penalties and clipping, by layer number; 0 where nothing is trained. Else empty.
  [[nodiscard]] Values<const float> gradient_norms() {
    const std::span<std::byte> block = values<std::byte>(this->plan().gradient_norms);
    return {reinterpret_cast<const float*>(block.data()), block.size() / sizeof(float)};
  }
  /// The model with the present parameters, for Session::create or write_model: a view, valid while the trainer lives.
  /// Without any (missing_parameters there) where step() would say arena_overwritten.
  [[nodiscard]] Model model() {
    Model model = this->source();
    const Values<std::byte> trained = parameters();
    model.params = trained.empty() ? nullptr : this->frozen_params();
    model.trained_params = trained.data();
    model.trained_alignment = this->config().alignment;
    return model;
  }
  [[nodiscard]] std::uint16_t cursor() const { return cursor_; }
  [[nodiscard]] const char* isa() const { return isa_name(); }

 protected:
  constexpr BasicTrainer() = default;

  void reset() {
    const Plan& plan = this->plan();
    for (const std::uint16_t state : {plan.state1, plan.state2, plan.gradient_norms}) {
      const Values<std::byte> bytes = values<std::byte>(state);
      std::fill(bytes.begin(), bytes.end(), std::byte{0});
    }
    updates_ = 0, slice_ = 0, slices_run_ = 0;
    correction1_ = 0.0, correction2_ = 0.0;
    zero_gaps();
    reset_state();
    this->stamp_arena(0);
    prepared_ = true;
  }

 private:
  template <class T>
  MOTE_FOLDED Values<T> values(std::uint16_t buffer, std::size_t per_sample) {
    if (buffer == kNoBuffer) return {};
    const std::size_t count = per_sample * slice_samples();
    return {reinterpret_cast<T*>(this->arena() + detail::offset_in(this->plan(), buffer, count * sizeof(T))), count};
  }
  template <class T>
  Values<T> values(std::uint16_t buffer) {
    if (buffer == kNoBuffer) return {};
    const std::uint32_t bytes = this->plan().buffers[buffer].bytes;
    return {this->arena() + detail::offset_in(this->plan(), buffer, bytes), bytes};
  }
  /// What alignment leaves between layers is part of parameters(): without this a checkpoint or a hash of the block
  /// would hold whatever was in the arena before.
  void zero_gaps() {
    const Model& model = this->source();
    const std::span<std::byte> block = parameter_block();
    std::size_t end = 0;
    for (std::size_t i = 0; i < model.layers.size(); ++i) {
      if (!model.layers[i].trainable()) continue;
      const std::size_t offset = trained_offset(model.layers, i, this->config().alignment);
      std::fill(block.begin() + static_cast<std::ptrdiff_t>(end), block.begin() + static_cast<std::ptrdiff_t>(offset),
                std::byte{0});
      end = offset + model.layers[i].param_bytes;
    }
    std::fill(block.begin() + static_cast<std::ptrdiff_t>(end), block.end(), std::byte{0});
  }
  /// What a static trainer's network has not is not compiled either.
  static constexpr bool may_have_state() {
    if constexpr (requires { Program::kHasState; })
      return Program::kHasState;
    else
      return true;
  }
  static constexpr bool may_have_int8_weights() {
    if constexpr (requires { Program::kInt8Weights; })
      return Program::kInt8Weights;
    else
      return true;
  }
  static constexpr bool may_have_inputs() {
    if constexpr (requires { Program::kSeveralInputs; })
      return Program::kSeveralInputs;
    else
      return true;
  }
  /// visit(buffer, elements of a sample) of all inputs but the first, until one is not ok.
  template <class Visit>
  Status for_further_inputs(const Visit& visit) {
    if constexpr (may_have_inputs())
      for (std::size_t i = 1; i < this->source().input_count(); ++i) {
        const detail::Interface at = detail::input_of(this->source(), this->plan(), i);
        MOTE_TRY(visit(at.buffer, elements_of(at.layer)));
      }
    return {};
  }
  [[nodiscard]] std::size_t elements_of(std::size_t layer) const {
    return static_cast<std::size_t>(this->source().layers[layer].shape.elements());
  }
  Values<std::byte> parameter_block() { return values<std::byte>(this->plan().parameters); }
  /// A static trainer's parameters are zeros when the program begins; from them nothing would be learned.
  void prepare() {
    if (!prepared_) [[unlikely]]
      init_params(this->config().seed);
  }
  void count_update() { this->stamp_arena(++updates_); }
  std::byte* trained_layer(std::size_t i) {
    return parameter_block().data() + trained_offset(this->source().layers, i, this->config().alignment);
  }
  Memory memory(bool training) {
    Memory memory;
    memory.arena = this->arena();
    memory.params = this->frozen_params();
    memory.external_input = external_input_;
    memory.seed = this->config().seed;
    memory.slice = slices_run_;
    memory.training = training;
    return memory;
  }
  [[nodiscard]] UpdateState update_state() const {
    const TrainConfig& config = this->config();
    UpdateState state;
    state.learning_rate = learning_rate_at(config.schedule, config.optimizer.learning_rate, updates_);
    state.correction1 = static_cast<float>(next_correction(correction1_, config.optimizer.decay1));
    state.correction2 = static_cast<float>(next_correction(correction2_, config.optimizer.decay2));
    return state;
  }
  /// 1 - decay^(t + 1) from 1 - decay^t.
  static constexpr double next_correction(double correction, double decay) {
    return 1.0 - detail::product(1.0 - correction, decay);
  }
  void begin_update() {
    if (this->plan().param_gradients == kNoBuffer) return;
    const Buffer& block = this->plan().buffers[this->plan().param_gradients];
    detail::zero_floats(reinterpret_cast<float*>(this->arena() + block.offset), block.bytes / sizeof(float));
  }
  /// Where the gradients of all layers are kept; else each layer looks at its own.
  bool usable_gradients() {
    const Plan& plan = this->plan();
    if (plan.param_gradients == kNoBuffer) return true;
    auto* const block = reinterpret_cast<float*>(this->arena() + plan.buffers[plan.param_gradients].offset);
    return detail::usable_gradients(this->source(), plan, this->config(), block);
  }
  void end_update() {
    slice_ = 0;
    count_update();
    correction1_ = next_correction(correction1_, this->config().optimizer.decay1);
    correction2_ = next_correction(correction2_, this->config().optimizer.decay2);
  }
  Minimizer::Blocks minimizer_blocks() {
    const Plan& plan = this->plan();
    const auto floats = [&](std::uint16_t buffer) {
      return reinterpret_cast<float*>(this->arena() + plan.buffers[buffer].offset);
    };
    return {floats(plan.parameters), floats(plan.param_gradients), floats(plan.state1), floats(plan.state2),
            plan.buffers[plan.parameters].bytes / static_cast<std::uint32_t>(sizeof(float))};
  }
  /// The objective and its gradient over all slices. A slice whose loss is not finite ends the pass: the rest could not
  /// mend it.
  template <class Data>
  Result<Minimizer::Evaluation> evaluate_batch(Data& data) {
    const std::uint32_t samples = slice_samples(), slices = this->config().batch / samples;
    Minimizer::Evaluation out;
    UpdateState state;
    begin_update();
    for (std::uint32_t slice = 0; slice < slices; ++slice) {
      data(*this, slice);
      if (Status status = check(samples); !status.ok()) {
        if (status.code != Code::arena_overwritten) status.detail += slice * samples;
        return status;
      }
      const Code code = this->run_slice(memory(true), state, cursor_);
      use_up();
      if (code != Code::ok) return Minimizer::Evaluation{__builtin_inf(), __builtin_inf(), 0};
      ++slices_run_;
      out.loss += state.result.sum;
      out.correct += state.result.correct;
    }
    if (!usable_gradients()) return Minimizer::Evaluation{__builtin_inf(), out.loss, 0};  // or statistics
    last_ = state.result;
    this->run_update(memory(true), state, cursor_);
    out.loss /= this->config().batch;
    out.objective = out.loss + l2_penalty();
    return out;
  }
  /// l2/2 sum w^2 over what penalize steps push.
  double l2_penalty() {
    const TrainConfig& config = this->config();
    const Model& model = this->source();
    double sum = 0.0;
    for (std::size_t i = 1; config.l2 != 0.0F && i < model.layers.size(); ++i) {
      if (!model.layers[i].trainable()) continue;
      for (const ParamArray& array : real_param_arrays(model.layers[i], model.input_shape_of(i))) {
        const auto* values = reinterpret_cast<const float*>(trained_layer(i) + array.offset);
        if (array.weight || (config.penalize_bias && array.learned))
          kernels::dot_f32({values, values, &sum, array.count});
      }
    }
    return detail::product(0.5 * static_cast<double>(config.l2), sum);
  }
  template <class T>
  MOTE_FOLDED Values<T> hand_out(std::uint8_t bit, std::uint16_t buffer, Values<T> values) {
    given_ |= bit;
    handed_out_.give(this->plan(), this->arena(), buffer);
    return values;
  }
  /// Nobody asked for the values yet, or one of the samples is what was used up.
  MOTE_FOLDED Status check_written(std::uint8_t bit, std::uint16_t buffer, std::size_t per_sample,
                                   std::uint32_t samples, Code missing) {
    if (buffer == kNoBuffer) return {};
    if ((given_ & bit) == 0) return {missing, kNoLayer, 0};
    return detail::check_written(values<float>(buffer, per_sample).data(), per_sample, samples, missing);
  }
  MOTE_FOLDED void mark_used_up(std::uint16_t buffer, std::size_t per_sample, std::uint32_t samples) {
    if (buffer == kNoBuffer) return;
    detail::mark_used_up(values<float>(buffer, per_sample).data(), per_sample, samples);
  }
  /// After a slice of training: all of it.
  void use_up() {
    const Plan& plan = this->plan();
    mark_used_up(plan.input, this->input_elements(), slice_samples());
    static_cast<void>(for_further_inputs([&](std::uint16_t buffer, std::size_t elements) {
      mark_used_up(buffer, elements, slice_samples());
      return Status{};
    }));
    mark_used_up(plan.labels, 1, slice_samples());
    mark_used_up(plan.targets, this->output_elements(), slice_samples());
    mark_used_up(plan.sample_weights, 1, slice_samples());
  }
  /// After evaluate(): nothing wrote to labels and targets, and the input is done for. Not where its memory lies under
  /// the output, which is still to be read.
  void use_up_input() {
    const Plan& plan = this->plan();
    if (plan.input != kNoBuffer && !detail::overlap(plan, plan.input, plan.output))
      mark_used_up(plan.input, this->input_elements(), slice_samples());
  }
  Status forget(Status status) {
    slice_ = 0;
    return status;
  }
  /// What must hold before a slice runs, of whose input `input_samples` are looked at.
  Status check(std::uint32_t input_samples) {
    MOTE_TRY(this->check_arena(updates_));
    const Plan& plan = this->plan();
    handed_out_.take(plan, this->arena());
    if (this->config().external_input && external_input_ == nullptr) return {Code::missing_input};
    const std::uint32_t all_samples = slice_samples();
    MOTE_TRY(check_written(kInput, plan.input, this->input_elements(), input_samples, Code::missing_input));
    MOTE_TRY(for_further_inputs([&](std::uint16_t buffer, std::size_t elements) {
      return check_written(kInput, buffer, elements, input_samples, Code::missing_input);
    }));
    MOTE_TRY(check_written(kLabels, plan.labels, 1, all_samples, Code::missing_targets));
    MOTE_TRY(check_written(kTargets, plan.targets, this->output_elements(), all_samples, Code::missing_targets));
    MOTE_TRY(check_written(kWeights, plan.sample_weights, 1, all_samples, Code::missing_targets));
    if (plan.labels == kNoBuffer) return {};
    const Values<std::int32_t> all = values<std::int32_t>(plan.labels, 1);
    const auto outputs = static_cast<std::int64_t>(this->output_elements());
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::int32_t label = all[i];
      const bool binary = this->config().loss == Loss::binary_cross_entropy;
      const bool good = binary && this->config().signed_labels ? label == -1 || label == 1
                        : binary                               ? label == 0 || label == 1
                                                               : label >= 0 && label < outputs;
      if (!good) return {Code::label_out_of_range, kNoLayer, static_cast<std::uint32_t>(i)};
    }
    return {};
  }

  static constexpr std::uint8_t kInput = 1, kLabels = 2, kTargets = 4, kWeights = 8;

  const float* external_input_ = nullptr;
  std::uint32_t updates_ = 0;
  std::uint32_t slice_ = 0;       // within the batch
  std::uint64_t slices_run_ = 0;  // the stream of dropout and noise
  // All members start as zeros, so that a static trainer lies in .bss and costs no flash.
  double correction1_ = 0.0, correction2_ = 0.0;  // Adam: 1 - decay^t
  LossResult last_{};
  std::uint16_t cursor_ = 0;  // as a session's
  [[no_unique_address]] detail::HandedOut handed_out_{};
  bool prepared_ = false;   // parameters are there
  std::uint8_t given_ = 0;  // what was asked for, to be written
};

/// Trains a model in a caller's arena. Owns nothing; model, frozen parameters and arena must outlive it. The arena is
/// the trainer's alone, for parameters and optimiser state are kept in it: what else is created there, a loop that
/// clears it or steps of a copy end the trainer (arena_overwritten). A session on trainer.model() needs an arena of its
/// own.
class Trainer : public BasicTrainer<DynamicProgram> {
 public:
  Trainer() = default;

  /// Plans in `arena`. Trainable parameters start as the model's, or, where it has none, as init_params(config.seed)
  /// makes them. Errors: whatever validate() finds for model and configuration; nothing_to_train; bad_option (targets
  /// that do not fit the loss); arena_too_small, arena_misaligned, memory_overlaps and params_misaligned as for
  /// Session::create; missing_parameters; unsupported_dtype.
  static Result<Trainer> create(const Model& model, const TrainConfig& config, std::span<std::byte> arena);

  [[nodiscard]] std::size_t arena_bytes() const {
    return plan().arena_bytes + PlanSize{plan().steps.size(), plan().buffers.size()}.table_bytes();
  }
};

namespace detail {
/// What wants gradients whole, which int8 weights do not have.
constexpr Option keeps_gradients(const TrainConfig& c) {
  if (c.optimizer.kind != OptimizerKind::sgd) return Option::optimizer;
  if (slice_samples(c) != c.batch) return Option::micro_batch;
  if (c.clip_value > 0.0F) return Option::clip_value;
  if (c.clip_norm > 0.0F) return Option::clip_norm;
  if (c.l1 > 0.0F) return Option::l1;
  if (c.l2 > 0.0F) return Option::l2;
  return c.gradient_norms ? Option::gradient_norms : Option::none;
}
}  // namespace detail

/// Checks that belong to model and configuration together: something to train, and a loss that is not of a constant;
/// targets that fit the loss, no layer that draws at random in full batches, int8 weights by plain SGD alone.
constexpr Status validate(const Model& model, const TrainConfig& config) {
  MOTE_TRY(validate(model));
  MOTE_TRY(validate(config));
  bool any = false;
  for (const Layer& layer : model.layers) any = any || layer.trainable();
  std::size_t seen = loss_layer(model, config.loss);
  while (is_alias(model.layers[seen].op)) seen = model.operand(seen);
  if (!any || model.layers[seen].op == Op::constant) return {Code::nothing_to_train};
  for (std::size_t i = 0; full_batch(config.optimizer.kind) && i < model.layers.size(); ++i)
    if (is_regularizer(model.layers[i].op) && model.layers[i].alpha != 0.0F)
      return {Code::stochastic_layer, static_cast<std::uint16_t>(i)};
  const Option whole = detail::keeps_gradients(config);
  for (std::size_t i = 0; whole != Option::none && i < model.layers.size(); ++i)
    if (model.layers[i].trainable() && stores_narrow_weights(model.layers[i]))
      return {Code::int8_weights_need_sgd, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(whole)};
  const Shape output = model.layers[loss_layer(model, config.loss)].shape;
  if (config.targets == Targets::input && output.elements() != model.input_shape().elements())
    return bad_option(Option::targets);
  if (config.loss == Loss::binary_cross_entropy && output.elements() != 1 &&
      resolve_targets(config.targets, config.loss, output) == Targets::labels)
    return bad_option(Option::targets);
  return {};
}

/// Bytes the arena of Trainer::create(model, config, arena) must have, exactly; workspace as for the inference form.
Result<std::size_t> required_arena_bytes(const Model& model, const TrainConfig& config,
                                         std::span<std::byte> workspace = {});

/// Trains a constexpr network: the object is all the memory there is, and its size is known to the linker. Declare it
/// static. It is as large as arena_bytes, and on the stack, where that is more than most have, nothing says that it
/// does not fit; a static_assert on arena_bytes beside the declaration keeps the number in sight. The object starts as
/// zeros
/// (.bss, no flash); its parameters start as init_params(kConfig.seed) makes them where neither init_params() nor
/// load_params() was called, as a Trainer's do. A StaticSession of the network runs on what it has learned.
/// `kFrozenParams`: an array with static storage that holds the network's parameters (kNet.param_bytes, laid out as
/// kNet.layers say), of which only the frozen layers are read; not needed where all layers are trainable.
template <const auto& kNet, const TrainConfig& kConfig, const auto& kFrozenParams = kNoParams>
class StaticTrainer : public BasicTrainer<StaticProgram<kNet, kConfig, kFrozenParams>> {
  static_assert(validate(kNet.model(), kConfig).ok(), "the network cannot be trained with this configuration");

 public:
  constexpr StaticTrainer() = default;
};

}  // namespace mote
