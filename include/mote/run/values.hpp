// SPDX-License-Identifier: Apache-2.0
// What a caller writes and reads of a session or trainer: a span that stops the program where it would be left, and
// that has the element type of the model.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstddef>
#include <cstdint>
#include <ranges>
#include <span>
#include <type_traits>

#include "mote/plan/plan.hpp"
#include "mote/port.hpp"
#include "mote/run/execute.hpp"

namespace mote {

namespace detail {

/// Element type of a tensor of T; DType::none where there are no such tensors.
template <class T>
constexpr DType dtype_of() {
  using Element = std::remove_const_t<T>;
  if constexpr (std::is_same_v<Element, float>) return DType::f32;
  if constexpr (std::is_same_v<Element, std::int8_t>) return DType::s8;
  if constexpr (std::is_same_v<Element, std::uint8_t>) return DType::u8;
  if constexpr (std::is_same_v<Element, std::int16_t>) return DType::s16;
  if constexpr (std::is_same_v<Element, std::int32_t>) return DType::s32;
  return DType::none;
}

/// Every element of an empty span is a mistake, and where a plan is constant this is known without a comparison; the
/// others are looked at in checked builds (port.hpp).
MOTE_FOLDED constexpr void check_range(bool has_values, bool inside) {
  if (!has_values) [[unlikely]]
    panic(
        "a value was used that this plan does not have; external input is given by set_input(), the loss takes "
        "either labels() or targets(), and the rest exists where TrainConfig asks for it");
  if (MOTE_CHECKED != 0 && !inside) [[unlikely]]
    panic("a value past the end was used; see size() of input(), output(), labels() and targets()");
}

}  // namespace detail

/// A std::span whose operator[], front(), back(), first(), last() and subspan() end in panic() (port.hpp) where there
/// is no such value: of an empty one in every build, past the end in debug and guard builds. Iterators and data() are
/// the span's, unchecked.
template <class T>
class Values : public std::span<T> {
  using Span = std::span<T>;

 public:
  constexpr Values() = default;
  constexpr Values(T* first, std::size_t count) : Span(first, count) {}
  /// Of what may be written, for reading.
  template <class U>
  requires(std::is_same_v<const U, T>) constexpr Values(const Values<U>& other) : Span(other.data(), other.size()) {}

  [[nodiscard]] MOTE_FOLDED constexpr T& operator[](std::size_t index) const {
    detail::check_range(!this->empty(), index < this->size());
    return this->data()[index];
  }
  [[nodiscard]] MOTE_FOLDED constexpr T& front() const { return (*this)[0]; }
  [[nodiscard]] MOTE_FOLDED constexpr T& back() const {
    detail::check_range(!this->empty(), true);
    return this->data()[this->size() - 1];
  }
  [[nodiscard]] constexpr Values first(std::size_t count) const { return subspan(0, count); }
  [[nodiscard]] constexpr Values last(std::size_t count) const { return subspan(this->size() - count, count); }
  [[nodiscard]] constexpr Values subspan(std::size_t offset, std::size_t count = std::dynamic_extent) const {
    const std::size_t wanted = count == std::dynamic_extent ? 0 : count;
    detail::check_range(!this->empty() || (offset | wanted) == 0,
                        offset <= this->size() && wanted <= this->size() - offset);
    return {this->data() + offset, count == std::dynamic_extent ? this->size() - offset : count};
  }
  template <std::size_t kCount>
  [[nodiscard]] constexpr std::span<T, kCount> first() const {
    return std::span<T, kCount>(subspan(0, kCount).data(), kCount);
  }
  template <std::size_t kCount>
  [[nodiscard]] constexpr std::span<T, kCount> last() const {
    return std::span<T, kCount>(last(kCount).data(), kCount);
  }
  template <std::size_t kOffset, std::size_t kCount>
  [[nodiscard]] constexpr std::span<T, kCount> subspan() const {
    return std::span<T, kCount>(subspan(kOffset, kCount).data(), kCount);
  }
};

namespace detail {

/// Where `bytes` of a buffer begin. A plan whose tables lie in an arena that somebody else wrote to may say anything:
/// at what would lie outside, it stops with arena_overwritten. Of a constant plan nothing is checked at run time.
MOTE_FOLDED inline std::uint32_t offset_in(const Plan& plan, std::uint16_t buffer, std::uint64_t bytes) {
  const std::uint32_t offset = plan.buffers[buffer].offset;
  if (offset + bytes > plan.arena_bytes) [[unlikely]]
    panic(Status{Code::arena_overwritten});
  return offset;
}

/// Guard builds: the bytes behind what a caller may write are marked when it is handed out, and looked at when it is
/// handed out again and when it is used. Nothing, in other builds.
class HandedOut {
 public:
#if defined(MOTE_GUARD)
  HandedOut() = default;
  constexpr HandedOut(const HandedOut&) {}  // a copy has handed out nothing
  constexpr HandedOut& operator=(const HandedOut&) { return *this; }
  void give(const Plan& plan, std::byte* arena, std::uint16_t buffer);  // guard.cpp
  void take(const Plan& plan, std::byte* arena);

 private:
  std::uint8_t given_ = 0;  // bits: input, labels, targets, sample weights
#else
  MOTE_FOLDED static constexpr void give(const Plan&, const std::byte*, std::uint16_t) {}
  MOTE_FOLDED static constexpr void take(const Plan&, const std::byte*) {}
#endif
};

constexpr bool overlap(const Plan& plan, std::uint16_t buffer, std::uint16_t other) {
  const Buffer &a = plan.buffers[buffer], &b = plan.buffers[other];
  return a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}

}  // namespace detail
}  // namespace mote

template <class T>
inline constexpr bool std::ranges::enable_borrowed_range<mote::Values<T>> = true;
template <class T>
inline constexpr bool std::ranges::enable_view<mote::Values<T>> = true;
