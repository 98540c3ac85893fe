// SPDX-License-Identifier: Apache-2.0
#include "tool/import/literal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "mote/model/float16.hpp"

namespace mote::tool::foreign {
namespace {

template <class T>
T element(const std::byte* bytes, std::int64_t i) {
  T value;
  std::memcpy(&value, bytes + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}

/// Calls `visit` with a T of the type's C++ counterpart; the small floats are not among them.
template <class Visit>
auto with_type(Type type, Visit&& visit) {
  switch (type) {
    case Type::f32: return visit(float{});
    case Type::f64: return visit(double{});
    case Type::s8: return visit(std::int8_t{});
    case Type::u8:
    case Type::boolean: return visit(std::uint8_t{});
    case Type::s16: return visit(std::int16_t{});
    case Type::u16: return visit(std::uint16_t{});
    case Type::s32: return visit(std::int32_t{});
    case Type::u32: return visit(std::uint32_t{});
    case Type::s64: return visit(std::int64_t{});
    case Type::u64: return visit(std::uint64_t{});
    default: unsupported(fmt::format("tensor type {}", name_of(type)));
  }
}

[[noreturn]] void does_not_fit(const Literal& a) {
  unsupported(fmt::format("a constant of {} is not of the shape that it should have", text_of(a.dims())),
              "export the model again");
}

/// What integers become where they are cut to fewer bits: as C++ converts them.
template <class T>
T to_whole(double value) {
  if (std::isnan(value)) return T{0};
  constexpr double kLeast = -9.2e18, kMost = 9.2e18;
  return static_cast<T>(static_cast<std::int64_t>(std::clamp(value, kLeast, kMost)));
}

}  // namespace

Literal::Literal(Type type, Dims dims) : type_(type), dims_(std::move(dims)), count_(count_of(dims_)) {
  const std::size_t element_bytes = bytes_of(type);
  if (element_bytes == 0) unsupported(fmt::format("tensor type {}", name_of(type)));
  if (count_ > kMostElements)
    unsupported(fmt::format("a constant of {} elements ({}) would have to be computed", count_, text_of(dims_)));
  auto bytes = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(count_) * element_bytes);
  own_ = bytes->data();
  bytes_ = {*bytes, bytes};
}

Literal::Literal(const FileTensor& tensor)
    : scaling(tensor.scaling), type_(tensor.type), dims_(tensor.dims), bytes_(tensor.bytes) {
  if (!tensor.trouble.empty()) unsupported(fmt::format("tensor {}: {}", tensor.name, tensor.trouble));
  if (bytes_of(type_) == 0) unsupported(fmt::format("tensor type {} ({})", name_of(type_), tensor.name));
  count_ = count_of(dims_);
}

Literal Literal::of(std::span<const std::int64_t> values, Type type) {
  Literal out(type, {static_cast<std::int64_t>(values.size())});
  for (std::size_t i = 0; i < values.size(); ++i) out.set(static_cast<std::int64_t>(i), values[i]);
  return out;
}

Literal Literal::scalar(Type type, double value) {
  Literal out(type, {});
  out.set(0, value);
  return out;
}

double Literal::real(std::int64_t i) const {
  if (i >= count_) unsupported("a constant without elements");
  const std::byte* bytes = bytes_.view.data();
  if (type_ == Type::f16) return static_cast<double>(mote::detail::half_value(element<std::uint16_t>(bytes, i)));
  if (type_ == Type::bf16)
    return std::bit_cast<float>(static_cast<std::uint32_t>(element<std::uint16_t>(bytes, i)) << 16U);
  return with_type(type_, [&](auto like) { return static_cast<double>(element<decltype(like)>(bytes, i)); });
}

std::int64_t Literal::whole(std::int64_t i) const {
  if (i >= count_) unsupported("a constant without elements");
  if (is_real(type_)) return to_whole<std::int64_t>(real(i));
  return with_type(
      type_, [&](auto like) { return static_cast<std::int64_t>(element<decltype(like)>(bytes_.view.data(), i)); });
}

std::vector<std::int64_t> Literal::wholes() const {
  std::vector<std::int64_t> out(static_cast<std::size_t>(count_));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = whole(static_cast<std::int64_t>(i));
  return out;
}

void Literal::set(std::int64_t i, double value) {
  with_type(type_, [&](auto like) {
    using T = decltype(like);
    T stored;
    if constexpr (std::is_floating_point_v<T>)
      stored = static_cast<T>(value);
    else
      stored = type_ == Type::boolean ? T{value != 0.0} : to_whole<T>(value);
    std::memcpy(own_ + i * static_cast<std::int64_t>(sizeof(T)), &stored, sizeof(T));
  });
}

void Literal::set(std::int64_t i, std::int64_t value) {
  with_type(type_, [&](auto like) {
    using T = decltype(like);
    const T stored = type_ == Type::boolean ? static_cast<T>(value != 0) : static_cast<T>(value);
    std::memcpy(own_ + i * static_cast<std::int64_t>(sizeof(T)), &stored, sizeof(T));
  });
}

Literal Literal::reshaped(Dims dims) const {
  if (count_of(dims) != count_) unsupported(fmt::format("{} cannot take the shape {}", text_of(dims_), text_of(dims)));
  Literal out = *this;
  out.dims_ = std::move(dims);
  out.own_ = nullptr;
  return out;
}

Literal strided(const Literal& a, const Dims& dims, std::int64_t offset, const Dims& strides) {
  Literal out(a.type(), dims);
  out.scaling = a.scaling;
  if (out.count() == 0) return out;
  const std::size_t rank = dims.size();
  const auto bytes = static_cast<std::int64_t>(bytes_of(a.type()));
  // Elements are copied as bytes: their type does not matter.
  auto* to = const_cast<std::byte*>(out.bytes().data());
  const std::byte* from = a.bytes().data();
  Dims index(rank, 0);
  for (std::int64_t i = 0;; ++i) {
    std::memcpy(to + i * bytes, from + offset * bytes, static_cast<std::size_t>(bytes));
    std::size_t k = rank;
    while (k > 0) {
      --k;
      offset += strides[k];
      if (++index[k] < dims[k]) break;
      offset -= strides[k] * dims[k];
      index[k] = 0;
      if (k == 0) return out;
    }
    if (rank == 0) return out;
  }
}

Dims strides_of(const Dims& dims) {
  Dims strides(dims.size());
  std::int64_t stride = 1;
  for (std::size_t k = dims.size(); k-- > 0;) {
    strides[k] = stride;
    stride *= dims[k];
  }
  return strides;
}

Dims broadcast(const Dims& a, const Dims& b) {
  Dims out(std::max(a.size(), b.size()));
  for (std::size_t k = 0; k < out.size(); ++k) {
    const std::int64_t x = k < a.size() ? a[a.size() - 1 - k] : 1, y = k < b.size() ? b[b.size() - 1 - k] : 1;
    if (x != y && x != 1 && y != 1)
      unsupported(fmt::format("shapes {} and {} do not go together", text_of(a), text_of(b)));
    out[out.size() - 1 - k] = x == 1 ? y : x;
  }
  return out;
}

Literal broadcast_to(const Literal& a, const Dims& dims) {
  if (a.dims() == dims) return a;
  const Dims own = strides_of(a.dims());
  Dims strides(dims.size(), 0);
  for (std::size_t k = 0; k < own.size(); ++k) {
    const std::size_t at = dims.size() - own.size() + k;
    strides[at] = a.dims()[k] == 1 ? 0 : own[k];
  }
  return strided(a, dims, 0, strides);
}

Literal transposed(const Literal& a, const Dims& permutation) {
  if (permutation.size() != a.dims().size()) does_not_fit(a);
  const Dims own = strides_of(a.dims());
  Dims dims(permutation.size()), strides(permutation.size());
  for (std::size_t k = 0; k < permutation.size(); ++k) {
    const auto from = static_cast<std::size_t>(permutation[k]);
    dims[k] = a.dims()[from], strides[k] = own[from];
  }
  Literal out = strided(a, dims, 0, strides);
  for (std::size_t k = 0; k < permutation.size(); ++k)
    if (permutation[k] == a.scaling.axis) out.scaling.axis = static_cast<std::int64_t>(k);
  return out;
}

Literal sliced(const Literal& a, const Dims& begin, const Dims& step, const Dims& dims) {
  const std::size_t rank = a.dims().size();
  if (begin.size() != rank || step.size() != rank || dims.size() != rank) does_not_fit(a);
  for (std::size_t k = 0; k < rank; ++k) {
    const std::int64_t extent = a.dims()[k];
    if (dims[k] < 0 || dims[k] > extent) does_not_fit(a);
    const bool inside = dims[k] == 0 || (begin[k] >= 0 && begin[k] < extent);
    if (!inside || (dims[k] > 1 && (std::abs(step[k]) > extent || begin[k] + step[k] * (dims[k] - 1) < 0 ||
                                    begin[k] + step[k] * (dims[k] - 1) >= extent)))
      does_not_fit(a);
  }
  const Dims own = strides_of(a.dims());
  Dims strides(dims.size());
  std::int64_t offset = 0;
  for (std::size_t k = 0; k < dims.size(); ++k) strides[k] = own[k] * step[k], offset += own[k] * begin[k];
  return strided(a, dims, offset, strides);
}

Literal padded(const Literal& a, const Dims& before, const Dims& after, const Literal& value) {
  if (before.size() != a.dims().size() || after.size() != a.dims().size()) does_not_fit(a);
  Dims dims = a.dims();
  for (std::size_t k = 0; k < dims.size(); ++k) dims[k] += before[k] + after[k];
  Literal out(a.type(), dims);
  const Literal around = foreign::cast(value, a.type());
  for (std::int64_t i = 0; i < out.count(); ++i)
    is_real(a.type()) ? out.set(i, around.real(0)) : out.set(i, around.whole(0));
  const Dims own = strides_of(dims), from = strides_of(a.dims());
  for (std::int64_t i = 0; i < a.count(); ++i) {
    std::int64_t at = 0, rest = i;
    for (std::size_t k = 0; k < dims.size(); ++k) {
      at += (rest / from[k] + before[k]) * own[k];
      rest %= from[k];
    }
    is_real(a.type()) ? out.set(at, a.real(i)) : out.set(at, a.whole(i));
  }
  return out;
}

Literal joined(const std::vector<Literal>& parts, std::size_t axis) {
  Dims dims = parts.front().dims();
  for (const Literal& part : parts) {
    Dims own = part.dims();
    if (axis >= own.size() || own.size() != dims.size() || bytes_of(part.type()) != bytes_of(parts.front().type()))
      does_not_fit(part);
    own[axis] = dims[axis];
    if (own != dims) does_not_fit(part);
  }
  dims[axis] = 0;
  for (const Literal& part : parts) dims[axis] += part.dims()[axis];
  Literal out(parts.front().type(), dims);
  out.scaling = parts.front().scaling;
  std::int64_t inner = static_cast<std::int64_t>(bytes_of(out.type()));
  for (std::size_t k = axis + 1; k < dims.size(); ++k) inner *= dims[k];
  const std::int64_t line = inner * dims[axis];
  auto* to = const_cast<std::byte*>(out.bytes().data());
  for (const Literal& part : parts) {
    const std::int64_t length = inner * part.dims()[axis];
    const std::int64_t lines = length == 0 ? 0 : static_cast<std::int64_t>(part.bytes().size()) / length;
    for (std::int64_t i = 0; i < lines; ++i)
      std::memcpy(to + i * line, part.bytes().data() + i * length, static_cast<std::size_t>(length));
    to += length;
  }
  return out;
}

Literal gathered(const Literal& a, const Literal& indices, std::size_t axis) {
  if (axis >= a.dims().size()) does_not_fit(a);
  Dims dims(a.dims().begin(), a.dims().begin() + static_cast<std::ptrdiff_t>(axis));
  dims.insert(dims.end(), indices.dims().begin(), indices.dims().end());
  dims.insert(dims.end(), a.dims().begin() + static_cast<std::ptrdiff_t>(axis) + 1, a.dims().end());
  Literal out(a.type(), dims);
  const std::int64_t extent = a.dims()[axis];
  std::int64_t inner = static_cast<std::int64_t>(bytes_of(a.type())), outer = 1;
  for (std::size_t k = 0; k < axis; ++k) outer *= a.dims()[k];
  for (std::size_t k = axis + 1; k < a.dims().size(); ++k) inner *= a.dims()[k];
  auto* to = const_cast<std::byte*>(out.bytes().data());
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t i = 0; i < indices.count(); ++i) {
      std::int64_t index = indices.whole(i);
      if (index < 0) index += extent;
      if (index < 0 || index >= extent)
        unsupported(fmt::format("index {} into an axis of {}", indices.whole(i), extent));
      std::memcpy(to, a.bytes().data() + (o * extent + index) * inner, static_cast<std::size_t>(inner));
      to += inner;
    }
  return out;
}

Literal cast(const Literal& a, Type type) {
  if (a.type() == type) return a;
  Literal out(type, a.dims());
  const bool whole = !is_real(a.type()) && !is_real(type);
  for (std::int64_t i = 0; i < a.count(); ++i) whole ? out.set(i, a.whole(i)) : out.set(i, a.real(i));
  return out;
}

Literal dequantized(const Literal& a) {
  Literal out(Type::f32, a.dims());
  const Scaling& s = a.scaling;
  if (s.scales.empty()) {  // float16, or integers as they are
    for (std::int64_t i = 0; i < a.count(); ++i) out.set(i, a.real(i));
    return out;
  }
  std::int64_t inner = 1, extent = 1;
  if (s.scales.size() > 1) {
    const auto axis = static_cast<std::size_t>(s.axis);
    if (s.axis < 0 || axis >= a.dims().size() || a.dims()[axis] != static_cast<std::int64_t>(s.scales.size()))
      unsupported(fmt::format("{} scales along axis {} of {}", s.scales.size(), s.axis, text_of(a.dims())));
    extent = a.dims()[axis];
    for (std::size_t k = axis + 1; k < a.dims().size(); ++k) inner *= a.dims()[k];
  }
  for (std::int64_t i = 0; i < a.count(); ++i) {
    const auto c = static_cast<std::size_t>(i / inner % extent);
    const std::int64_t difference = a.whole(i) - s.zero_points[c];
    out.set(i, static_cast<double>(s.scales[c] * static_cast<float>(difference)));
  }
  return out;
}

}  // namespace mote::tool::foreign
