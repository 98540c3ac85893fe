// SPDX-License-Identifier: Apache-2.0
// Records in the making: layers, their operands, parameters and names. Knows the records' form, not what a file meant.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mote/model/layer.hpp"
#include "tool/import/literal.hpp"
#include "tool/models/model_text.hpp"

namespace mote::tool::foreign {

/// The operator of that name; throws Unsupported where this version of the records has none.
Op operator_named(std::string_view name);

class Records {
 public:
  using Index = std::uint16_t;

  /// A layer whose shape follows from its operands by the records' own rule; `weights` are its parameter arrays.
  Index add(Layer layer, std::span<const Index> operands, const std::vector<Literal>& weights = {});
  Index add(Layer layer, std::initializer_list<Index> operands, const std::vector<Literal>& weights = {}) {
    return add(std::move(layer), std::span<const Index>(operands.begin(), operands.size()), weights);
  }
  /// Likewise; `fill` writes all arrays of the layer, whose shape is known by then.
  using Fill = std::function<void(const Layer& made, std::byte* params)>;
  Index add_filled(Layer layer, std::span<const Index> operands, const Fill& fill);
  Index add_filled(Layer layer, std::initializer_list<Index> operands, const Fill& fill) {
    return add_filled(layer, std::span<const Index>(operands.begin(), operands.size()), fill);
  }
  /// The value in another shape: itself where it has that shape.
  Index shaped(Index value, const Shape& shape);
  [[nodiscard]] const Layer& layer(Index i) const { return layers_[i]; }
  /// The layer in whose memory the value lies.
  [[nodiscard]] Index root(Index i) const;
  [[nodiscard]] std::size_t size() const { return layers_.size(); }
  /// Of inputs, outputs and states.
  void call(Index i, std::string name) { names_[i] = std::move(name); }

  /// The whole, without what nothing reads; nothing is left here. Throws Unsupported where it is too much.
  OwnedModel finish();

 private:
  void drop_unread();
  /// Throws where the rules on types, scales and multipliers forbid the layer, or forbid it on these operands.
  void require_types(const Layer& layer, std::span<const Index> operands, std::span<const std::byte> params) const;

  std::vector<Layer> layers_;  // without operands
  std::vector<std::vector<Index>> operands_;
  std::vector<std::vector<std::byte>> params_;
  std::vector<std::string> names_;
  std::map<std::array<std::uint32_t, 4>, Index> shaped_;  // of a value and a shape
};

}  // namespace mote::tool::foreign
