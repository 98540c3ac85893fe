// SPDX-License-Identifier: Apache-2.0
// One int8 model in the making: which layers compute on int8, and their records and parameters. Runs twice, counting
// and then writing, so that a file's size is known exactly.
#pragma once

#include <span>

#include "mote/quantize/quantizer.hpp"

namespace mote::detail {

class FormMaker {
 public:
  static constexpr std::uint32_t kAlignment = 16;

  /// What is made: layers on int8, or float32 ones that compute what these will.
  enum class Kind : std::uint8_t { int8, fake_quantized };

  FormMaker(const Model& model, std::span<LayerNote> notes, const QuantizedForm& form, Kind kind)
      : model_(model), layers_(model.layers), notes_(notes), form_(form), kind_(kind) {}

  /// Which form every value has. `sampled`: samples have shown ranges; else, of a model that was trained for int8, what
  /// has none stays float32. Error: bad_input_index.
  Status decide(bool sampled);
  /// Whether records say ranges, so that no sample is needed.
  [[nodiscard]] bool says_ranges() const;
  /// The model so far: counts alone, until write_to() says where. Its records and parameters are where it is written.
  Status emit();
  [[nodiscard]] std::size_t file_bytes() const;
  void write_to(std::span<std::byte> file);
  [[nodiscard]] Model made() const;
  /// Widens the range of what record `index` makes, which is so near to nothing beside its operands that no multiplier
  /// leads there; false where its units are fixed.
  bool widen(std::size_t index);

 private:
  enum class Form : std::uint8_t { real, whole };

  [[nodiscard]] bool unknown(std::size_t i) const;
  bool keep_unknown(LayerSet& kept) const;
  void find_forms(const LayerSet& kept);
  void find_wishes();
  void find_conversions();
  void join_units();
  [[nodiscard]] bool takes_units(std::size_t i) const;
  [[nodiscard]] std::size_t root(std::size_t i) const;
  [[nodiscard]] Quantization units_of(std::size_t i) const;
  [[nodiscard]] bool folded(std::size_t i) const;
  [[nodiscard]] Form wanted(std::size_t reader) const;
  [[nodiscard]] bool narrows(std::size_t i) const;

  static constexpr std::size_t kNobody = ~std::size_t{0};

  /// Appends a record whose first operand has the shape of layer `like`; `named`: the layer whose name it gets.
  template <class Fill>
  std::uint16_t add(const Layer& layer, std::size_t like, std::size_t named, const Fill& fill) {
    const std::uint64_t bytes = param_arrays(layer, like == kNobody ? Shape{} : layers_[like].shape).bytes;
    std::byte* const params = append(layer, bytes, named);
    const auto at = static_cast<std::uint16_t>(record_count_ - 1);
    if (params != nullptr)
      if (const Status status = fill(records_[at], params); !status.ok() && status_.ok())
        status_ = {status.code, at, status.detail};
    return at;
  }
  /// Where its parameters are to be written; null where there are none, or where all is counted only.
  std::byte* append(Layer layer, std::uint64_t bytes, std::size_t named);
  std::uint16_t add(const Layer& layer, std::size_t like, std::size_t named);
  void emit_layer(std::size_t i);
  void emit_operands(std::size_t i, Form form, Layer& made);
  std::uint16_t copy(std::size_t i);
  std::uint16_t on_int8(std::size_t i);
  std::uint16_t product(std::size_t i, Layer made);
  std::uint16_t table(std::size_t i, Layer made);
  std::uint16_t constant(std::size_t i, std::size_t named);
  void emit_given_range(std::size_t i);
  // fake_form.cpp
  void emit_rounded(std::size_t i);
  std::uint16_t rounded(std::size_t i);
  std::uint16_t rounded_constant(std::size_t i);
  [[nodiscard]] bool is_rounded(std::size_t i) const;
  std::uint16_t fake_quantize(std::size_t i, std::uint16_t from);
  std::uint16_t conversion(Op op, std::size_t i, std::uint16_t from, const Quantization& units, std::size_t named);
  [[nodiscard]] const Layer& record(std::uint16_t i) const { return records_[i]; }

  const Model& model_;
  std::span<const Layer> layers_;
  std::span<LayerNote> notes_;
  const QuantizedForm& form_;
  Kind kind_;
  Layer* records_ = nullptr;  // null: counting
  std::uint16_t* operands_ = nullptr;
  std::byte* params_ = nullptr;
  char* names_ = nullptr;
  std::size_t record_count_ = 0, param_bytes_ = 0, name_bytes_ = 0;
  Status status_{};
};

}  // namespace mote::detail
