// SPDX-License-Identifier: Apache-2.0
// Errors of the whole library: one small value, no exceptions, no allocation.
// Relies on nothing. Texts live in status.cpp, so firmware that never prints them does not link them.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstdint>
#include <type_traits>
#include <utility>

namespace mote {

/// What went wrong. `describe(code)` gives the sentence with the remedy.
enum class Code : std::uint8_t {
  ok,
  // the arena
  arena_too_small,    ///< detail: bytes needed
  arena_misaligned,   ///< detail: alignment needed in bytes
  arena_overwritten,  ///< the plan's tables in it are not what create() wrote
  memory_overlaps,    ///< memory to be written lies over the model's records or parameters
  not_created,        ///< a session or trainer that create() did not make
  // a model's records
  no_layers,
  too_many_layers,
  first_layer_not_input,
  unknown_op,
  unsupported_dtype,  ///< not computed in, or not that of the operands
  bad_input_count,
  bad_input_index,          ///< detail: the index that points forward or past the end, or (result) to what has no
                            ///< second one, or whose is named already
  unused_layer,             ///< a layer whose output nothing reads and that is not the last
  not_a_state,              ///< `assign` to another layer than a state; detail: that layer
  state_read_after_assign,  ///< or assigned twice; detail: the layer read, a state or what shares its memory
  bad_shape,                ///< a dimension of zero or beyond the limit, or not what the layer's rule gives; detail:
                            ///< 0, or the parameters, where they are too many
  shape_mismatch,           ///< inputs of add/concat that do not fit, reshape that changes the element count
  filter_exceeds_input,     ///< filter larger than the padded input
  bad_filter,               ///< filter, stride or dilation of zero
  bad_padding,              ///< padding as large as the (dilated) filter, or pads without Padding::explicit_
  bad_attribute,            ///< alpha, beta or a rate out of range or not finite
  bad_parameter_range,      ///< parameters outside the block, overlapping, misaligned or of the wrong size
  params_misaligned,        ///< the parameter block's address; detail: alignment needed in bytes
  bad_quantization,         ///< scale not positive and finite, or zero point outside the type
  reserved_not_zero,
  name_unknown,  ///< a builder's input name that no earlier layer carries
  name_repeated,
  // a model file
  file_too_short,   ///< detail: bytes needed
  file_misaligned,  ///< detail: alignment needed in bytes
  bad_magic,
  unsupported_version,  ///< detail: version found
  bad_header,
  bad_names,      ///< not one name a layer
  size_mismatch,  ///< detail: bytes the header promises
  bad_crc,
  constant_output,       ///< the last layer shows a constant or state (detail) without a record output behind it
  bad_multiplier,        ///< a multiplier, shift, bias or sum of a layer on integers out of range; detail: its place
  bad_variance,          ///< a running variance negative or not finite; detail: the channel
  bad_range,             ///< of fake_quantize: not finite, without 0, or empty
  non_finite_parameter,  ///< detail: which of the layer's parameters, counted through its arrays
  output_too_small,      ///< detail: bytes needed
  // plans and training
  bad_batch,              ///< batch of zero, or not a multiple of the micro-batch
  one_value_per_channel,  ///< batch norm trained where slice, height and width are 1
  constant_in_batch,      ///< a layer that does not repeat its operands reads a constant; detail: the constant
  plan_too_large,         ///< more than 2^31 bytes or 65 534 steps or buffers
  nothing_to_train,       ///< no trainable layer, or its gradient never reaches the loss
  missing_parameters,     ///< a model without a parameter block where its values are needed
  bad_option,             ///< an option out of range; detail: which, an Option
  missing_input,          ///< set_input() not called, or input() not written since the last step (detail: the sample)
  missing_targets,        ///< labels, targets or sample weights not written since the last step; detail: the sample
  label_out_of_range,     ///< detail: index of the sample in the batch
  non_finite_loss,        ///< parameters were left as they were
  non_finite_gradient,    ///< not applied to its layer; what else has changed: BasicTrainer::step()
  // data
  non_finite_data,     ///< detail: index of the value or sample
  too_few_samples,     ///< detail: how many are needed
  no_standardization,  ///< no frozen batch norm reads the input
  // full-batch optimisation
  wrong_optimizer,     ///< step() with a full-batch optimiser, or minimize() with another one
  stochastic_layer,    ///< a full-batch optimiser and a layer that draws at random (dropout, noise)
  line_search_failed,  ///< no step descends and the data changed between passes; parameters are those of the best point
  // projection pursuit; the model was left as it was
  not_projection_pursuit,  ///< the model is another chain
  data_size_mismatch,      ///< inputs, targets and weights do not fit; detail: samples by the inputs
  constant_feature,        ///< detail: the feature
  direction_collapsed,     ///< detail: the term
  // int8 weights in training
  int8_weights_need_sgd,  ///< trained with something that wants their gradient whole; detail: which, an Option
};

inline constexpr std::uint16_t kNoLayer = 0xFFFF;

/// A code, the layer it concerns (kNoLayer if none) and a number that the code explains. Eight bytes.
struct [[nodiscard]] Status {
  Code code = Code::ok;
  std::uint16_t layer = kNoLayer;
  std::uint32_t detail = 0;

  [[nodiscard]] constexpr bool ok() const { return code == Code::ok; }
  friend constexpr bool operator==(const Status&, const Status&) = default;
};

/// What bad_option is about: fields of PlanOptions, TrainConfig, MinimizeOptions, PursuitConfig and QuantizeConfig.
enum class Option : std::uint8_t {
  none,
  // PlanOptions
  training,
  external_input,
  alignment,
  // TrainConfig
  optimizer,
  schedule,
  clip_value,
  clip_norm,
  l1,
  l2,
  targets,
  minimize_options,
  // PursuitConfig
  degrees_of_freedom,
  span,
  bass,
  terms,
  max_terms,
  tolerance,
  max_cycles,
  max_steps,
  starts,
  minimum_drop,
  folds,
  // QuantizeConfig
  range,
  percentile,
  bins,
  // TrainConfig, with int8 weights
  micro_batch,
  gradient_norms,
};

/// bad_option with the field that it is about.
constexpr Status bad_option(Option option) { return {Code::bad_option, kNoLayer, static_cast<std::uint32_t>(option)}; }
/// The field that a bad_option is about, Option::none for other codes.
constexpr Option option_of(const Status& status) {
  return status.code == Code::bad_option ? static_cast<Option>(status.detail) : Option::none;
}

/// Short name as spelled in the enum, e.g. "arena_too_small", "clip_norm".
const char* name(Code code);
const char* name(Option option);
/// One sentence: "What was wrong; what to do about it."
const char* describe(Code code);
const char* describe(Option option);
/// The same, of a bad_option for the very option. Layer and detail are numbers for the caller to add.
const char* describe(const Status& status);

/// port.hpp; Result calls it instead of handing out a value that is not there.
[[noreturn]] void panic(const Status& status);

/// A value or the Status that explains its absence. Asking for the value of a failed one ends in panic(), in every
/// build: where ok() was asked before, the compiler drops the check.
template <class T>
class [[nodiscard]] Result {
  static_assert(std::is_default_constructible_v<T>, "Result<T> holds a T beside the status");

 public:
  constexpr Result(Status status) : status_(status) {}     // NOLINT(google-explicit-constructor)
  constexpr Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] constexpr bool ok() const { return status_.ok(); }
  [[nodiscard]] constexpr Status status() const { return status_; }
  constexpr T& operator*() & { return check(), value_; }
  constexpr const T& operator*() const& { return check(), value_; }
  constexpr T&& operator*() && { return check(), std::move(value_); }
  constexpr T* operator->() { return check(), &value_; }
  constexpr const T* operator->() const { return check(), &value_; }

 private:
  constexpr void check() const {
    if (!status_.ok()) [[unlikely]]
      panic(status_);
  }

  Status status_{};
  T value_{};
};

}  // namespace mote

/// Returns from the caller with the Status of `expr` (a Status or a Result) unless it is ok.
#define MOTE_TRY(expr)                                                                                               \
  do {                                                                                                               \
    if (const auto mote_try_status = ::mote::detail::status_of(expr); !mote_try_status.ok()) return mote_try_status; \
  } while (false)

/// Assigns the value of the Result `expr` to `lhs`, or returns its Status from the caller.
#define MOTE_TRY_ASSIGN(lhs, expr)                              \
  do {                                                          \
    auto mote_try_result = (expr);                              \
    if (!mote_try_result.ok()) return mote_try_result.status(); \
    lhs = *std::move(mote_try_result);                          \
  } while (false)

namespace mote::detail {
constexpr Status status_of(Status status) { return status; }
template <class T>
constexpr Status status_of(const Result<T>& result) {
  return result.status();
}
}  // namespace mote::detail
