// SPDX-License-Identifier: Apache-2.0
// Constants of a file and what is computed from them at import: plain loops over arrays of any type and rank.
// Everything throws Unsupported: constants that would be too large, too.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tool/import/graph.hpp"

namespace mote::tool::foreign {

/// An array: its bytes are its own or the file's.
class Literal {
 public:
  static constexpr std::int64_t kMostElements = std::int64_t{1} << 26;

  Literal() = default;
  /// Zeros.
  Literal(Type type, Dims dims);
  /// The values of a constant of the file; throws what is wrong with them.
  explicit Literal(const FileTensor& tensor);
  static Literal of(std::span<const std::int64_t> values, Type type = Type::s64);  ///< a vector
  static Literal scalar(Type type, double value);

  [[nodiscard]] Type type() const { return type_; }
  [[nodiscard]] const Dims& dims() const { return dims_; }
  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_.view; }
  /// Element `i` in row-major order: as a real number, rounded; as a whole one, cut.
  [[nodiscard]] double real(std::int64_t i) const;
  [[nodiscard]] std::int64_t whole(std::int64_t i) const;
  [[nodiscard]] std::vector<std::int64_t> wholes() const;
  /// Of an array that is its own.
  void set(std::int64_t i, double value);
  void set(std::int64_t i, std::int64_t value);
  /// The same values in another shape of as many elements.
  [[nodiscard]] Literal reshaped(Dims dims) const;

  Scaling scaling;  // of integers that stand for real numbers

 private:
  Type type_ = Type::f32;
  Dims dims_;
  std::int64_t count_ = 0;
  Bytes bytes_;
  std::byte* own_ = nullptr;
};

/// Element i of the result is element offset + sum(index of i along k * strides[k]) of `a`: transposition, slices,
/// repetition.
Literal strided(const Literal& a, const Dims& dims, std::int64_t offset, const Dims& strides);
/// Row-major strides.
Dims strides_of(const Dims& dims);
/// The shape that NumPy's rule gives; throws where there is none.
Dims broadcast(const Dims& a, const Dims& b);
Literal broadcast_to(const Literal& a, const Dims& dims);

Literal transposed(const Literal& a, const Dims& permutation);
Literal sliced(const Literal& a, const Dims& begin, const Dims& step, const Dims& dims);
Literal padded(const Literal& a, const Dims& before, const Dims& after, const Literal& value);
Literal joined(const std::vector<Literal>& parts, std::size_t axis);
/// Along `axis`; indices below 0 count from the end.
Literal gathered(const Literal& a, const Literal& indices, std::size_t axis);
Literal cast(const Literal& a, Type type);
/// from, from + by, … before `to`, all of one type.
Literal ranged(const Literal& from, const Literal& to, const Literal& by);
/// Operators by the names of the records ("exp", "add", "less"); false: no such constant is computed here. Whole
/// numbers are computed in 64 bits and wrap, as the files' runtimes do.
bool apply_unary(std::string_view op, float alpha, float beta, const Literal& a, Literal& out);
bool apply_binary(std::string_view op, const Literal& a, const Literal& b, Literal& out);
Literal selected(const Literal& condition, const Literal& a, const Literal& b);
/// "reduce_sum" and the like over `axes`, which stay with extent 1.
bool apply_reduction(std::string_view op, const Dims& axes, const Literal& a, Literal& out);
Literal dequantized(const Literal& a);

}  // namespace mote::tool::foreign
