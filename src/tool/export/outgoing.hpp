// SPDX-License-Identifier: Apache-2.0
// A model on its way out: what the writers of both formats ask of its records, the names of its values, and why some of
// it cannot go. Knows no format.
#pragma once

#include <cstring>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mote/model/model.hpp"
#include "mote/model/quantize_multiplier.hpp"
#include "mote/model/shape_rule.hpp"
#include "tool/models/model_text.hpp"

namespace mote::tool::foreign {

/// "float32".
const char* numpy_name(DType type);

/// The weights of a layer on integers as files have them: one sum after the other, biases without the zero point.
struct IntegerWeights {
  std::size_t terms = 0, outputs = 0;
  std::vector<std::int8_t> values;  // [outputs][terms]; depthwise: [terms][outputs]
  std::vector<std::int64_t> bias;   // of each output
  std::vector<float> scales;        // of each output's weights
  std::int32_t zero_point = 0;
};

class Outgoing {
 public:
  /// An input or output: a layer, and the dimensions that the file shall have, one sample in front. `type` is NumPy's
  /// word; where it is not the layer's own, values are cast on their way: an imported file had int64 or float16 there.
  struct End {
    std::size_t layer = 0;
    std::string name;
    std::vector<std::int64_t> dims;
    std::string type;
  };

  /// `format`: what messages call it.
  Outgoing(const OwnedModel& model, std::string format);

  [[nodiscard]] std::size_t size() const { return model_.layers.size(); }
  [[nodiscard]] const Layer& layer(std::size_t i) const { return model_.layers[i]; }
  [[nodiscard]] std::size_t operand(std::size_t i, std::size_t k = 0) const { return model_.operand(i, k); }
  [[nodiscard]] const Layer& in(std::size_t i, std::size_t k = 0) const { return layer(operand(i, k)); }
  /// Whether the value is a constant, perhaps in another shape; whether operand `k` is.
  [[nodiscard]] bool is_constant(std::size_t i) const {
    while (is_alias(layer(i).op)) i = operand(i);
    return layer(i).op == Op::constant;
  }
  [[nodiscard]] bool constant(std::size_t i, std::size_t k = 0) const { return is_constant(operand(i, k)); }
  /// How many operands of all layers the value is.
  [[nodiscard]] std::size_t readers(std::size_t i) const { return readers_[i]; }
  /// The layer that alone reads the value; size() where there is none such.
  [[nodiscard]] std::size_t only_reader(std::size_t i) const;

  /// A layer's parameter array of that name; empty where it has none.
  template <class T>
  [[nodiscard]] std::vector<T> array(std::size_t i, std::string_view name) const {
    std::vector<T> out;
    for (const ParamArray& one : param_arrays(layer(i), model_.input_shape_of(i))) {
      if (one.name != name || bytes_of(one.dtype) != sizeof(T)) continue;
      out.resize(one.count);
      std::memcpy(out.data(), layer_params(model_, i) + one.offset, one.count * sizeof(T));
    }
    return out;
  }
  /// The elements of a constant or of a state's first value, as they lie.
  [[nodiscard]] std::span<const std::byte> values(std::size_t i) const {
    return {layer_params(model_, i), static_cast<std::size_t>(layer(i).shape.elements()) * bytes_of(layer(i).dtype)};
  }
  /// Of dense, conv2d, depthwise_conv2d and conv2d_transpose on integers. Refuses the layer where no float32 scale of
  /// the weights gives its multiplier.
  [[nodiscard]] IntegerWeights integer_weights(std::size_t i);
  /// Refuses the layer unless its multipliers are those that its scales give: readers of the file compute them anew.
  void require_multipliers(std::size_t i);

  [[nodiscard]] bool casts(const End& end) const { return end.type != numpy_name(layer(end.layer).dtype); }
  std::vector<End> inputs, outputs;                         // states are behind the others
  bool samples_meet = false;                                // several are not the file's that was imported
  std::vector<std::pair<std::string, std::string>> states;  // input, output
  /// The value's name, which no other has.
  [[nodiscard]] const std::string& name(std::size_t i) const { return names_[i]; }
  /// A name that nothing has yet: `wish`, or it with a number.
  std::string fresh(const std::string& wish);

  void refuse(std::size_t i, std::string why) { refusals_.push_back({i, std::move(why)}); }
  void refuse_unknown(std::size_t i) { refuse(i, "there is no operator for it"); }
  /// Throws the Error if anything was refused.
  void check() const;

 private:
  struct Refusal {
    std::size_t layer;
    std::string why;
  };

  void name_ends(const OwnedModel& model);

  Model model_;
  std::string format_, source_;
  std::vector<std::size_t> readers_;
  std::vector<std::string> names_;
  std::set<std::string> taken_;
  std::vector<Refusal> refusals_;
};

/// The dimensions that people expect of a sample: (1, n), (1, length, channels), (1, height, width, channels).
std::vector<std::int64_t> natural_dims(const Shape& shape);

}  // namespace mote::tool::foreign
