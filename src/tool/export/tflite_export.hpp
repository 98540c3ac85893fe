// SPDX-License-Identifier: Apache-2.0
// Records to .tflite operators, one sample at a time. Values lie as the records have them, with a one in front, or as
// vectors; both are made where somebody asks.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "tool/export/outgoing.hpp"
#include "tool/export/tflite_graph.hpp"

namespace mote::tool::foreign {

/// (1, h w c), (1, h, w, c), or something else in the same order.
enum class Lie : std::uint8_t { flat, nhwc, other };
inline constexpr std::size_t kLies = 3;

class TfliteExport {
 public:
  explicit TfliteExport(Outgoing& source) : from(source), values_(source.size()), done_(source.size(), false) {}
  void run();
  [[nodiscard]] std::string bytes() const { return graph.bytes(inputs_, outputs_); }

  Outgoing& from;
  TfliteGraph graph;

  /// The value in its own type.
  int value(std::size_t i, Lie lie);
  int operand(std::size_t i, Lie lie, std::size_t k = 0) { return value(from.operand(i, k), lie); }
  int ordered(std::size_t i);
  /// As float32, where it is integers that stand for real numbers.
  int real_operand(std::size_t i, Lie lie, std::size_t k = 0);
  [[nodiscard]] Extents64 dims_of(std::size_t i, Lie lie) const;
  /// How the operand lies; of vectors alone flat if `apart`.
  [[nodiscard]] Lie lie_of(std::size_t i, bool apart) const;
  [[nodiscard]] Lie lie_for_all(std::size_t i) const;
  static std::int64_t axis_in(Lie lie, std::size_t axis) {
    return lie == Lie::flat ? 1 : 3 - static_cast<std::int64_t>(axis);
  }

  void put(std::size_t i, Lie lie, int tensor);
  void put_other(std::size_t i, int tensor) { put(i, Lie::other, tensor); }
  /// The tensor that is the layer's value: its name, type and scale.
  int result(std::size_t i, Lie lie);
  int result_of(std::size_t i, const Extents64& dims);
  /// The layer's last operator.
  void put_node(std::size_t i, Lie lie, const char* op, std::vector<int> inputs,
                std::vector<TfliteOption> options = {});

  /// Something in between: float32, or of the type and scale of `like`.
  int part(std::size_t i, Extents64 dims);
  int part_like(std::size_t i, std::size_t like, Extents64 dims);
  /// One operator on float32 parts; returns its result.
  int add(std::size_t i, const char* op, std::vector<int> inputs, Extents64 dims,
          std::vector<TfliteOption> options = {});
  void cast(int from_tensor, int to_tensor);
  int reshape(int tensor, const Extents64& dims, const std::string& wish);

  /// Weights, in these dimensions, and bias of a layer on integers.
  std::vector<int> integer_weights(std::size_t i, Extents64 dims);
  int floats(const std::string& wish, Extents64 dims, std::span<const float> values);
  int number(float value);
  int wholes(const Extents64& values) { return wholes(values, {static_cast<std::int64_t>(values.size())}); }
  int wholes(const Extents64& values, Extents64 dims);

  /// An activation right behind layer `i`, which its operator applies: the layer whose value comes out, and its number.
  struct Fused {
    std::size_t layer;
    int activation;
  };
  Fused fused(std::size_t i);

 private:
  struct Value {
    std::array<int, kLies> tensors{-1, -1, -1};
    Lie first = Lie::other;
  };
  static constexpr std::size_t at(Lie lie) { return static_cast<std::size_t>(lie); }
  [[nodiscard]] TfliteTensor tensor_of(std::size_t i, std::string name, Extents64 dims) const;
  void layer(std::size_t i);
  void input(const Outgoing::End& end);
  void output(const Outgoing::End& end);

  std::vector<Value> values_;
  std::vector<bool> done_;
  std::vector<int> inputs_, outputs_;
  std::vector<std::pair<float, int>> numbers_;
};

bool tflite_layer(TfliteExport& to, std::size_t i);
bool tflite_image_layer(TfliteExport& to, std::size_t i);
bool tflite_norm(TfliteExport& to, std::size_t i);
bool tflite_elementwise_layer(TfliteExport& to, std::size_t i);
bool tflite_movement_layer(TfliteExport& to, std::size_t i);
bool tflite_recurrent_layer(TfliteExport& to, std::size_t i);

}  // namespace mote::tool::foreign
