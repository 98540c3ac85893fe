// SPDX-License-Identifier: Apache-2.0
// Networks and configurations known at compile time that several tests share: each has something the others have not.
#pragma once

#include "mote/model/builders.hpp"
#include "mote/train/trainer.hpp"

namespace mote::test {

inline constexpr auto kPerceptron =
    sequential(input(20), dense(16, {.trainable = false}), relu(), dense(8), mote::tanh(), dense(3));
inline constexpr auto kResidual = sequential(
    input(6, 6, 2), conv2d(4, {.padding = Padding::same}).as("stem"), batch_norm(), relu(),
    conv2d(4, {.padding = Padding::same, .bias = false}), add("stem"), leaky_relu(0.1F), max_pool(),
    depthwise_conv2d(2, {.filter = {3, 3}, .padding = Padding::same}), relu6(), flatten(), dense(5), softmax());
inline constexpr auto kJoined =
    sequential(input(1, 8, 3), conv1d(4, 3, {.padding = Padding::same}).as("a"), silu().as("b"), dropout(0.25F).as("c"),
               concat("a", "b"), average_pool({.filter = {1, 2}}), global_average_pool().as("d"), rbf(6), gelu(),
               dense(12), sigmoid(), add("d"), hard_swish(), dense(1));
inline constexpr auto kSoftmaxInside = sequential(input(6), dense(6).as("x"), softmax(), add("x", "x"), identity(),
                                                  batch_norm({.trainable = false}), dense(4), dropout(0.5F), dense(2));
inline constexpr auto kAliases = sequential(input(2, 3, 4), flatten(), identity(), reshape(4, 3, 2), dropout(0.5F));

inline constexpr PlanOptions kBatchOfThree{.batch = 3, .alignment = 64};
inline constexpr TrainConfig kSgd{.optimizer = sgd({.learning_rate = 0.05F}), .batch = 4};
inline constexpr TrainConfig kSgdPenalized{
    .loss = Loss::squared_error, .optimizer = sgd({.learning_rate = 0.02F}), .batch = 2, .l1 = 1e-4F, .l2 = 1e-3F};
inline constexpr TrainConfig kAdamSlices{.optimizer = adam({.learning_rate = 0.01F}),
                                         .batch = 6,
                                         .micro_batch = 2,
                                         .clip_norm = 0.7F,
                                         .l2 = 1e-3F,
                                         .alignment = 64};
inline constexpr TrainConfig kMomentumBinary{.loss = Loss::binary_cross_entropy,
                                             .signed_labels = true,
                                             .optimizer = momentum({.learning_rate = 0.05F}),
                                             .batch = 3,
                                             .clip_value = 0.1F,
                                             .sample_weights = true};

}  // namespace mote::test
