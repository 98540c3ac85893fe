// SPDX-License-Identifier: Apache-2.0
// Post-training quantisation: an int8 model of a float32 one, made in a caller's memory, on a device too. Samples run
// through the float32 network, the spread of every value is gathered, and a model file is written whose layers compute
// on int8 as TensorFlow Lite Micro does.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>
#include <span>

#include "mote/plan/planner.hpp"
#include "mote/quantize/histogram.hpp"
#include "mote/run/execute.hpp"
#include "mote/run/interface.hpp"
#include "mote/run/values.hpp"

namespace mote {

struct QuantizeConfig {
  RangeRule range = RangeRule::min_max;
  float percentile = 99.99F;  ///< above 50, at most 100: of the values that at least lie inside, from either end
  std::uint32_t bins = 0;  ///< counts for each value, 4 bytes each: 0 for min_max, which needs none, else even, 64 to
                           ///< 65536 (1024 are plenty)
  bool bias_correction = false;  ///< biases make up for what rounded weights add on average over the samples; takes a
                                 ///< float for each input channel of convolutions, for each input of dense layers
};

/// What is not asked of the samples: may be another for every file that is written.
struct QuantizedForm {
  std::span<const std::uint16_t> keep{};  ///< layers that stay float32
  bool integer_inputs = false;            ///< inputs that int8 layers read are int8 themselves
  bool integer_outputs = false;           ///< outputs that int8 layers make are int8 themselves
  bool learned_ranges = true;             ///< of a fake-quantised model: training moves ranges too
};

namespace detail {
/// What the quantiser keeps of a layer.
struct LayerNote {
  Histogram histogram{};
  std::span<float> means{};         // of the operand's channels or, of dense, elements; none: biases are not corrected
  RealRange given{}, range{};       // what set_range() said; what was chosen
  std::uint16_t reader = kNoLayer;  // the only one
  std::uint16_t norm = kNoLayer;    // the batch norm that is folded into it
  std::uint16_t holder = kNoLayer;  // the layer whose range its value has
  std::uint16_t joined = kNoLayer;  // of a holder: the layer whose units it takes
  std::uint16_t real = 0, whole = 0;  // its value's records in the model that is made
  bool observed = false, fixed_range = false;
  bool is_whole = false, both = false, wanted_whole = false;
};
}  // namespace detail

/// What int8 steps stand for in a value, or in the one whose range it has.
struct QuantizedValue {
  RealRange seen{};                 ///< of the samples, and 0
  RealRange range{};                ///< what was chosen
  double outside = 0.0;             ///< share of the samples' values beyond the outermost steps; 0 without bins
  bool observed = false;            ///< false: it has units that its operator has always, a fake_quantize says its
                                    ///< range, or it is a constant
  std::uint16_t holder = kNoLayer;  ///< the layer whose range it is: of what is clamped the clamp, of what is moved
                                    ///< where it is from
};

/// Bytes the arena of Quantizer::create(model, arena, config) must have, exactly; `workspace` as for a session. Errors:
/// as there.
Result<std::size_t> required_arena_bytes(const Model& model, const QuantizeConfig& config,
                                         std::span<std::byte> workspace = {});

/// Gathers ranges and writes int8 models. Owns nothing; copyable like the pointers it holds. The model, its parameters
/// (they may be a trainer's) and the arena must outlive it. The arena is the quantiser's alone.
///
/// - Int8 are dense, conv2d, depthwise_conv2d and conv2d_transpose (weights symmetric, -127 … 127, a scale for each
///   output; biases 32 bits), batch norm (folded into the layer before; else a depthwise convolution of one tap, but
///   float32 right behind an input, whose channels may differ in scale), pooling, add of two, sub, mul, minimum,
///   maximum, squared_difference, prelu, reductions (not reduce_prod), softmax and log_softmax along channels, l2_norm,
///   matmul, resizing, and every function of one value, as a table, but those with poles or jumps (log, rsqrt, floor,
///   ceil, round, sign; nor div). What moves values is what its operand is.
/// - Everything else, what `keep` names and values that are not float32 stay what they are; quantize and dequantize
///   stand between.
/// - Units are those of TensorFlow Lite's rules: clamps have the range of what they leave, softmax and sigmoid steps of
///   1/256, tanh of 1/128; pools, moved values and the operands of concat, minimum, maximum and select share theirs.
/// - Of a model that was trained for int8 (write_fake_quantized()) a fake_quantize says the range of the value before
/// it
///   and has no record itself; layers whose weights are not rounded stay float32 and, where no sample was seen, so do
///   those whose range no record says. What it computed, the int8 model computes.
class Quantizer {
 public:
  Quantizer() = default;

  /// Bytes the arena of create() must have, exactly; `workspace` as in mote::required_arena_bytes(). Errors as
  /// create().
  static Result<std::size_t> required_arena_bytes(const Model& model, const QuantizeConfig& config = {},
                                                  std::span<std::byte> workspace = {});

  /// Plans the float32 network and the counts in `arena`. Errors: whatever validate() finds; bad_option;
  /// arena_too_small (detail: bytes), arena_misaligned (detail), memory_overlaps, missing_parameters,
  /// params_misaligned, bad_variance, non_finite_parameter.
  static Result<Quantizer> create(const Model& model, std::span<std::byte> arena, const QuantizeConfig& config = {});

  /// Input `i` of the next sample, to be filled anew for each; T as for Session::input().
  template <class T = float>
  [[nodiscard]] Values<T> input(std::size_t i = 0) {
    const detail::Interface at = detail::input_of(model_, plan_, i);
    if (at.buffer == kNoBuffer) return {};
    const Layer& layer = model_.layers[at.layer];
    if (!detail::holds<T>(layer.dtype)) [[unlikely]]
      panic("input<T>() was asked for another element type than the model's");
    const auto count = static_cast<std::size_t>(layer.shape.elements());
    return {reinterpret_cast<T*>(memory_.arena + detail::offset_in(plan_, at.buffer, count * sizeof(T))), count};
  }
  /// States are what they begin with. create() does it; call it where a sequence ends.
  void reset_state() { detail::reset_states(model_, plan_, memory_.arena, memory_.params); }
  /// As Session::set_threads().
  void set_threads(const Threads* threads) { memory_.threads = threads; }

  /// Runs the sample in input() and takes note of all values. Error: non_finite_data (the layer whose value is not
  /// finite or beyond 10^30; detail: which element): that value is not counted, nor are those behind it.
  Status observe();
  [[nodiscard]] std::uint32_t samples() const { return samples_; }

  /// A range that is known, of layer `layer`, instead of what samples show: of a sensor, say. Error: bad_input_index
  /// (the value has no range of its own), bad_quantization (not finite, or empty).
  Status set_range(std::size_t layer, const RealRange& range);
  [[nodiscard]] QuantizedValue value(std::size_t layer);

  /// Size of the file that write() makes of this form, exactly. Error: bad_input_index (a layer to keep; detail: it),
  /// too_many_layers, plan_too_large.
  Result<std::size_t> file_bytes(const QuantizedForm& form = {});
  /// Writes the int8 model as a file (src/FORMAT.md) into `out`, which must be 16-byte aligned, and returns its size.
  /// Names stay; records that are new have none. Ranges can be gathered further afterwards. Errors: those of
  /// file_bytes(); too_few_samples (none, of a model without fake_quantize; detail: 1), output_too_small
  /// (detail: bytes), arena_misaligned (detail), memory_overlaps (`out` lies over the arena or the model),
  /// bad_multiplier (the layer of the new model in which a weight's scale is too far from its values': keep that
  /// layer).
  Result<std::size_t> write(std::span<std::byte> out, const QuantizedForm& form = {});
  /// The float32 model to train before it is quantised (Jacob et al. 2018): batch norms folded where write() folds
  /// them and frozen elsewhere, weights rounded as int8 ones will be, and a fake_quantize behind every value that
  /// would be int8 with units of its own, its range the one that was gathered. A quantiser of the trained model makes
  /// the int8 model that computes what it computed. `form`: what stays float32, and whether ranges are learned; inputs
  /// and outputs are float32. Otherwise as file_bytes() and write(); non_finite_parameter (a layer of the new model
  /// whose folding gives an infinite weight).
  Result<std::size_t> fake_quantized_bytes(const QuantizedForm& form = {});
  Result<std::size_t> write_fake_quantized(std::span<std::byte> out, const QuantizedForm& form = {});
  /// The layer of the last model written whose value is int8 for that of layer `layer`; kNoLayer where there is none.
  [[nodiscard]] std::uint16_t written_as(std::size_t layer) const {
    return layer < notes_.size() && notes_[layer].is_whole ? notes_[layer].whole : kNoLayer;
  }

 private:
  void choose_ranges();
  [[nodiscard]] Status check_output(std::span<std::byte> out, std::size_t bytes) const;

  Model model_{};
  Plan plan_{};
  Memory memory_{};
  QuantizeConfig config_{};
  std::span<detail::LayerNote> notes_{};
  std::uint32_t samples_ = 0;
  bool chosen_ = false;  // the notes' ranges are those of what was seen
};

}  // namespace mote
