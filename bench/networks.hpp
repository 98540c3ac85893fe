// SPDX-License-Identifier: Apache-2.0
// The networks that are timed: the demo's, the usual small ones of training benchmarks, and the four of MLPerf Tiny
// (batch normalisation folded, as their reference files have it).
#pragma once

#include "mote/builders.hpp"

namespace mote::bench {

// What `mote demo` trains.
inline constexpr auto kDemo = sequential(input(28, 28, 1), conv2d(16, {.padding = Padding::same}), max_pool(),
                                         batch_norm(), relu(), conv2d(32, {.padding = Padding::same}), max_pool(),
                                         batch_norm(), relu(), flatten(), dropout(0.2F), dense(10), softmax());
inline constexpr auto kMlp =
    sequential(input(784), dense(512), relu(), dense(512), relu(), dense(512), relu(), dense(10), softmax());
inline constexpr auto kSmallMlp = sequential(input(16), dense(32), relu(), dense(16), relu(), dense(4), softmax());
inline constexpr auto kConv =
    sequential(input(28, 28, 1), conv2d(8, {.padding = Padding::same}), relu(), max_pool(),
               conv2d(16, {.padding = Padding::same}), relu(), max_pool(), flatten(), dense(10), softmax());

namespace detail {
constexpr LayerSpec same(std::uint32_t channels, std::uint16_t filter, std::uint16_t stride = 1) {
  return conv2d(channels, {.filter = {filter, filter}, .stride = {stride, stride}, .padding = Padding::same});
}
constexpr LayerSpec depthwise(std::uint16_t stride = 1) {
  return depthwise_conv2d(1, {.stride = {stride, stride}, .padding = Padding::same});
}
}  // namespace detail

// Keyword spotting: DS-CNN on 49 x 10 cepstral coefficients.
inline constexpr auto kKeywords =
    sequential(input(49, 10, 1), conv2d(64, {.filter = {10, 4}, .stride = {2, 2}, .padding = Padding::same}), relu(),
               detail::depthwise(), relu(), detail::same(64, 1), relu(), detail::depthwise(), relu(),
               detail::same(64, 1), relu(), detail::depthwise(), relu(), detail::same(64, 1), relu(),
               detail::depthwise(), relu(), detail::same(64, 1), relu(), global_average_pool(), dense(12), softmax());

// Visual wake words: MobileNetV1 of width 0.25 on 96 x 96 colours.
#define MOTE_BLOCK(channels, stride) detail::depthwise(stride), relu(), detail::same(channels, 1), relu()
inline constexpr auto kPersons =
    sequential(input(96, 96, 3), detail::same(8, 3, 2), relu(), MOTE_BLOCK(16, 1), MOTE_BLOCK(32, 2), MOTE_BLOCK(32, 1),
               MOTE_BLOCK(64, 2), MOTE_BLOCK(64, 1), MOTE_BLOCK(128, 2), MOTE_BLOCK(128, 1), MOTE_BLOCK(128, 1),
               MOTE_BLOCK(128, 1), MOTE_BLOCK(128, 1), MOTE_BLOCK(128, 1), MOTE_BLOCK(256, 2), MOTE_BLOCK(256, 1),
               global_average_pool(), dense(2), softmax());
#undef MOTE_BLOCK

// Image classification: ResNet-8 on 32 x 32 colours.
inline constexpr auto kResnet = sequential(
    input(32, 32, 3), detail::same(16, 3), relu().as("a"), detail::same(16, 3), relu(), detail::same(16, 3), add("a"),
    relu().as("b"), detail::same(32, 3, 2), relu(), detail::same(32, 3).as("c"), detail::same(32, 1, 2).reads("b"),
    add("c"), relu().as("d"), detail::same(64, 3, 2), relu(), detail::same(64, 3).as("e"),
    detail::same(64, 1, 2).reads("d"), add("e"), relu(), global_average_pool(), dense(10), softmax());

// Anomaly detection: an autoencoder on five spectra of 128 bands.
inline constexpr auto kAnomaly =
    sequential(input(640), dense(128), relu(), dense(128), relu(), dense(128), relu(), dense(128), relu(), dense(8),
               relu(), dense(128), relu(), dense(128), relu(), dense(128), relu(), dense(128), relu(), dense(640));

}  // namespace mote::bench
