// SPDX-License-Identifier: Apache-2.0
// Where a StaticSession's bytes are: an arena of its own or one that several share, and parameters that are an array,
// come at run time, or are those of a StaticTrainer.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <array>
#include <cstddef>
#include <ranges>
#include <tuple>
#include <type_traits>

#include "mote/model/model.hpp"

namespace mote {

/// Memory that several StaticSessions take turns in, an object with static storage named as their last template
/// argument: `StaticArena<std::max(static_arena_bytes<kA>, static_arena_bytes<kB>)> arena;`. Nothing is kept in it from
/// one run to the next. So between the call of input() of one session and the last look at its output(), no
/// other session on the arena may have its input written or run.
template <std::size_t kBytes, std::size_t kAlignment = 16>
struct StaticArena {
  alignas(kAlignment) std::array<std::byte, kBytes> bytes{};
};

/// In the place of a StaticArena: the session has an arena of its own.
struct OwnArena {};
inline constexpr OwnArena kOwnArena{};

namespace detail {

/// A StaticTrainer with static storage, as the source of parameters.
template <class Source>
concept TrainedSource = requires(const Source& source) {
  source.trained_params();
  source.trained();
  Source::trained_alignment;
};

/// The network as a session on `Source` plans it.
template <class Source>
constexpr Model model_on(const Model& network) {
  Model model = network;
  if constexpr (TrainedSource<Source>) {
    model.trained_params_later = true;
    model.trained_alignment = Source::trained_alignment;
  }
  return model;
}

/// Whether two models' parameters lie in the same places.
constexpr bool same_params(const Model& a, const Model& b) {
  if (a.layers.size() != b.layers.size()) return false;
  for (std::size_t i = 0; i < a.layers.size(); ++i) {
    const Layer &x = a.layers[i], &y = b.layers[i];
    if (x.op != y.op || x.shape != y.shape || x.param_bytes != y.param_bytes || x.param_offset != y.param_offset ||
        x.flags != y.flags)
      return false;
  }
  return true;
}

/// Whether `Source` can be what a network's parameters are read from.
template <class Source>
constexpr bool enough_params(const Model& network) {
  return TrainedSource<Source> || std::is_same_v<Source, NoParams> || sizeof(Source) >= network.param_bytes;
}
/// The bytes are in the object itself, not where a pointer, span or vector points.
template <class Source>
concept HoldsBytes = TrainedSource<Source> || std::is_array_v<Source> ||
    (std::is_class_v<Source>&& std::is_trivially_copyable_v<Source> &&
     (!std::ranges::range<const Source> || requires { std::tuple_size<Source>::value; }));
template <class Source>
constexpr bool aligned_params() {
  return TrainedSource<Source> || std::is_same_v<Source, NoParams> || alignof(Source) >= kParamAlignment;
}
template <class Source>
constexpr bool params_of(const Model& network) {
  if constexpr (TrainedSource<Source>)
    return same_params(network, Source::source());
  else
    return true;
}

}  // namespace detail
}  // namespace mote
