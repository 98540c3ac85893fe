// SPDX-License-Identifier: Apache-2.0
// Which element of the input each element of the output is, index by index: the specification of the kernels that move
// values. Gradients follow by adding along the same map.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mote/kernels/kernels.hpp"

namespace mote::reference {

inline constexpr std::size_t kNowhere = ~std::size_t{0};

/// Indices of element `index` in an array of `rank` sizes.
template <class Size>
void unravel(std::size_t index, const Size* sizes, std::size_t rank, std::size_t* at) {
  for (std::size_t i = rank; i-- > 0;) at[i] = index % sizes[i], index /= sizes[i];
}
template <class Size>
std::size_t product(const Size* sizes, std::size_t rank) {
  std::size_t result = 1;
  for (std::size_t i = 0; i < rank; ++i) result *= sizes[i];
  return result;
}
template <class Size>
std::size_t ravel(const std::size_t* at, const Size* sizes, std::size_t rank) {
  std::size_t index = 0;
  for (std::size_t i = 0; i < rank; ++i) index = index * sizes[i] + at[i];
  return index;
}

inline std::size_t source(const TransposeArgs& a, std::size_t index) {
  std::size_t out[4], at[4], in[4];
  for (std::size_t i = 0; i < 4; ++i) out[i] = a.sizes[a.permutation[i]];
  const std::size_t count = product(out, 4);
  unravel(index % count, out, 4, at);
  for (std::size_t i = 0; i < 4; ++i) in[a.permutation[i]] = at[i];
  return index / count * count + ravel(in, a.sizes, 4);
}

template <class Args>  // SliceArgs, SliceGradArgs
std::size_t slice_source(const Args& a, std::size_t index) {
  const std::size_t out = product(a.out, 3);
  std::size_t at[3];
  unravel(index % out, a.out, 3, at);
  for (std::size_t i = 0; i < 3; ++i)
    at[i] = static_cast<std::size_t>(a.begin[i] + static_cast<std::int64_t>(at[i]) * a.step[i]);
  return index / out * product(a.in, 3) + ravel(at, a.in, 3);
}

/// By walking: from the first element inside one step at a time, turning at the ends.
inline std::size_t pad_source(PadMode mode, std::int64_t at, std::int64_t size) {
  if (at >= 0 && at < size) return static_cast<std::size_t>(at);
  if (mode == PadMode::constant) return kNowhere;
  if (mode == PadMode::edge) return at < 0 ? 0 : static_cast<std::size_t>(size - 1);
  if (size == 1) return 0;
  std::int64_t i = at < 0 ? 0 : size - 1, direction = at < 0 ? 1 : -1;
  bool repeat = mode == PadMode::symmetric;
  for (std::int64_t left = at < 0 ? -at : at - size + 1; left > 0; --left) {
    if (repeat) {
      repeat = false;
      continue;
    }
    i += direction;
    if (i == 0 || i == size - 1) direction = -direction, repeat = mode == PadMode::symmetric;
  }
  return static_cast<std::size_t>(i);
}
template <class Args>  // PadArgs, PadGradArgs
std::size_t pad_source(const Args& a, std::size_t index) {
  const std::size_t out = product(a.out, 3);
  std::size_t at[3];
  unravel(index % out, a.out, 3, at);
  for (std::size_t i = 0; i < 3; ++i) {
    at[i] = pad_source(a.mode, static_cast<std::int64_t>(at[i]) - a.before[i], a.in[i]);
    if (at[i] == kNowhere) return kNowhere;
  }
  return index / out * product(a.in, 3) + ravel(at, a.in, 3);
}

template <class Args>  // TileArgs, TileGradArgs
std::size_t tile_source(const Args& a, std::size_t index) {
  std::size_t out[3], at[3];
  for (std::size_t i = 0; i < 3; ++i) out[i] = std::size_t{a.in[i]} * a.repeats[i];
  const std::size_t count = product(out, 3);
  unravel(index % count, out, 3, at);
  for (std::size_t i = 0; i < 3; ++i) at[i] %= a.in[i];
  return index / count * product(a.in, 3) + ravel(at, a.in, 3);
}

template <class Args>  // GatherArgs, GatherGradArgs
std::size_t gather_source(const Args& a, std::size_t index) {
  const std::size_t sizes[3] = {a.outer, a.count, a.inner};
  std::size_t at[3];
  unravel(index, sizes, 3, at);
  std::int64_t row = a.indices[a.own_indices ? at[0] * a.count + at[1] : at[1]];
  if (row < 0) row += a.extent;
  if (row < 0 || row >= a.extent) return kNowhere;
  return (at[0] * a.extent + static_cast<std::size_t>(row)) * a.inner + at[2];
}

}  // namespace mote::reference
