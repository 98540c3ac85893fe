// SPDX-License-Identifier: Apache-2.0
// Post-training quantisation for the tool: the library's quantiser with memory of its own, fed from arrays, and what
// each layer costs the output.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "mote/quantize/quantizer.hpp"
#include "tool/data/array.hpp"
#include "tool/data/data_set.hpp"
#include "tool/models/model_source.hpp"

namespace mote::tool {

/// A quantiser and the arena it lies in.
class OwnedQuantizer {
 public:
  /// `model` must outlive it. Throws Error.
  OwnedQuantizer(const OwnedModel& model, const QuantizeConfig& config);

  /// Runs samples 0, 1, … of the arrays, which are of the model's inputs in their order; states begin anew with each.
  /// `tick` hears of the samples done.
  void observe(const std::vector<Array>& inputs, std::uint64_t samples, const std::function<void(std::uint64_t)>& tick);
  /// The int8 model; its description and source are the float32 one's.
  [[nodiscard]] OwnedModel model(const QuantizedForm& form);
  /// The float32 model to train before it is quantised.
  [[nodiscard]] OwnedModel fake_quantized(const QuantizedForm& form);
  [[nodiscard]] Quantizer& operator*() { return quantizer_; }
  [[nodiscard]] Quantizer* operator->() { return &quantizer_; }
  [[nodiscard]] std::size_t arena_bytes() const { return arena_.size(); }

 private:
  [[nodiscard]] OwnedModel opened(const AlignedBytes& file) const;

  const OwnedModel& model_;
  AlignedBytes arena_;
  Quantizer quantizer_;
};

/// Samples of the data as an array.
Array samples_array(const DataSet& data, std::span<const std::uint32_t> indices);

/// A value on int8 and the layers that make it: one, or with its batch norm and its clamp.
struct QuantizedLayer {
  std::vector<std::size_t> layers;  ///< of the float32 model; the last one's value it is
  std::size_t record = 0;           ///< in the int8 model
  QuantizedValue value;             ///< of the layer whose range its value has
  Quantization units;
  double signal_to_noise = 0.0;  ///< of its value, in dB; infinite: equal
  double output_error = 0.0;     ///< mean square error of the outputs where this layer alone is on int8
  double share = 0.0;            ///< of the sum of these; 0 where they were not asked for
};

/// Values of the float32 model that the form makes int8, in order; `quantized`: what model() made of the form.
/// The first `samples` of the inputs are compared; `alone`: so many for output_error, 0: not asked for.
std::vector<QuantizedLayer> look_at_layers(OwnedQuantizer& quantizer, const OwnedModel& model,
                                           const OwnedModel& quantized, const QuantizedForm& form,
                                           const std::vector<Array>& inputs, std::uint64_t alone,
                                           const std::function<void(std::uint64_t)>& tick);

}  // namespace mote::tool
