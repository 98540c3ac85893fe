// SPDX-License-Identifier: Apache-2.0
// Records to nodes. A value may lie in several forms, made where somebody asks for them: between layers that like the
// same one nothing is transposed.
#pragma once

#include <array>
#include <initializer_list>
#include <string>
#include <vector>

#include "tool/export/onnx_graph.hpp"
#include "tool/export/outgoing.hpp"

namespace mote::tool::foreign {

/// Dimensions of a value, samples in front: (n, h w c), (n, h, w, c), (n, c, h, w), or anything else in the order of
/// nhwc.
enum class Form : std::uint8_t { flat, nhwc, nchw, other };
inline constexpr std::size_t kForms = 4;

class OnnxExport {
 public:
  OnnxExport(Outgoing& from, std::int64_t opset);
  void run();
  /// Any number of samples, unless something forbids it.
  [[nodiscard]] bool any_batch() const { return any_batch_; }

  Outgoing& from;
  OnnxGraph graph;

  /// The value in its own type.
  std::string stored(std::size_t i, Form form);
  /// As real numbers, where it is integers that stand for such.
  std::string real(std::size_t i, Form form);
  std::string real_operand(std::size_t i, Form form, std::size_t k = 0) { return real(from.operand(i, k), form); }
  std::string stored_operand(std::size_t i, Form form, std::size_t k = 0) { return stored(from.operand(i, k), form); }
  /// In the order of nhwc, whatever its dimensions are.
  std::string ordered(std::size_t i);
  [[nodiscard]] bool has(std::size_t i, Form form) const { return !values_[i].stored[at(form)].empty(); }

  /// Makes `name` the layer's value in its own type.
  void put(std::size_t i, Form form, const std::string& name);
  /// In another order of dimensions, which are `dims` behind the samples.
  void put_other(std::size_t i, const std::string& name, Extents64 dims);
  /// The layer's last node, from real numbers to real numbers, which are quantised where the layer's are: it makes the
  /// value that has the layer's name.
  void put_node(std::size_t i, Form form, const char* op, std::vector<std::string> inputs,
                std::vector<OnnxAttribute> attributes = {});
  /// Likewise from the stored type to it.
  void put_moved(std::size_t i, Form form, const char* op, std::vector<std::string> inputs,
                 std::vector<OnnxAttribute> attributes = {});
  /// For a node before the last.
  [[nodiscard]] std::string wish(std::size_t i) const { return from.name(i) + "/part"; }

  /// The form in which the operand lies, of those that keep its axes apart if `apart`.
  [[nodiscard]] Form form_of(std::size_t i, bool apart) const;
  /// The form for a layer that repeats its operands.
  [[nodiscard]] Form form_for_all(std::size_t i) const;
  /// Where an axis, counted from the last of a record, lies.
  static std::int64_t axis_in(Form form, std::size_t axis);
  std::string reshape(const std::string& name, const Extents64& dims, const std::string& wish);
  std::string transpose(const std::string& name, const Extents64& permutation, const std::string& wish);
  /// Of ReduceSum since opset 13, of the others since 18.
  [[nodiscard]] bool axes_are_inputs(const char* reduction) const;
  /// ReduceMean and the like, extents kept.
  std::string reduce(const char* op, const std::string& name, const Extents64& axes, const std::string& wish);

  void fix_batch() { any_batch_ = false; }
  /// A constant is there once, and the layer takes it for every sample.
  void fix_batch_for_constants(std::size_t i) {
    for (std::size_t k = 0; k < from.layer(i).input_count; ++k) any_batch_ = any_batch_ && !from.constant(i, k);
  }

 private:
  struct Value {
    std::array<std::string, kForms> stored, real;
    Form first = Form::other;
    Extents64 dims;  // of Form::other, behind the samples
  };
  static constexpr std::size_t at(Form form) { return static_cast<std::size_t>(form); }
  [[nodiscard]] Extents64 dims_of(std::size_t i, Form form, std::int64_t samples) const;

  void input(const Outgoing::End& end);
  void output(const Outgoing::End& end);
  std::string constant(std::size_t i, Form form);
  void layer(std::size_t i);

  std::vector<Value> values_;
  std::vector<std::string> given_;  // what is called as an input or output already
  bool any_batch_ = true;
};

/// Each writes the layer if it is one of its own; false: it is not.
bool onnx_layer(OnnxExport& to, std::size_t i);
bool onnx_image_layer(OnnxExport& to, std::size_t i);
bool onnx_elementwise(OnnxExport& to, std::size_t i);
bool onnx_movement(OnnxExport& to, std::size_t i);
bool onnx_recurrent_layer(OnnxExport& to, std::size_t i);

/// Operators that later versions of the format brought.
std::int64_t opset_for(const Outgoing& from);

}  // namespace mote::tool::foreign
