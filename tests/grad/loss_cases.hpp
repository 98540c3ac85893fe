// SPDX-License-Identifier: Apache-2.0
// Every loss with every form of target, weights, penalties and slices. Checked by central differences (grad) and
// against PyTorch (golden), by name.
#pragma once

#include "grad/problem.hpp"

namespace mote::test {

namespace loss_networks {
inline constexpr auto kVector = sequential(input(5), dense(3), tanh(), dense(4));
inline constexpr auto kOne = sequential(input(5), dense(3), tanh(), dense(1));
inline constexpr auto kImage = sequential(input(3, 4, 2), conv2d(2, {.filter = {2, 2}}));
inline constexpr auto kWithSoftmax = sequential(input(5), dense(4), softmax());
inline constexpr auto kWithSigmoid = sequential(input(5), dense(3), silu(), dense(1), sigmoid());
inline constexpr auto kSoftmaxPixels = sequential(input(2, 2, 3), conv2d(3, {.filter = {1, 1}}), softmax());
inline constexpr auto kAutoencoder = sequential(input(5), gaussian_noise(0.4F), dense(3), tanh(), dense(5));
inline constexpr auto kNoiseInside =
    sequential(input(4, 1), gaussian_noise(0.2F).as("x"), conv1d(2, 3, {.padding = Padding::same}), tanh(),
               gaussian_noise(0.3F), conv1d(1, 3, {.padding = Padding::same}), add("x"));
inline constexpr auto kPenalized =
    sequential(input(4, 4, 2), conv2d(3, {.filter = {3, 3}}), batch_norm(), depthwise_conv2d(1, {.filter = {2, 2}}),
               flatten(), dense(4), rbf(3), dense(2));
}  // namespace loss_networks

constexpr Case data_case(const char* name, const auto& network, TrainConfig config, std::uint32_t batch = 4,
                         std::uint32_t seed = 22) {
  return make_case(name, network, batch, Fill::data, config, seed);
}

inline constexpr std::array kLossCases{
    data_case("squared_error", loss_networks::kVector, {.loss = Loss::squared_error}),
    data_case("squared_error_labels", loss_networks::kVector,
              {.loss = Loss::squared_error, .targets = Targets::labels}),
    data_case("squared_error_image", loss_networks::kImage, {.loss = Loss::squared_error}),
    data_case("squared_error_sample_weights", loss_networks::kVector,
              {.loss = Loss::squared_error, .sample_weights = true}),
    data_case("squared_error_class_weights", loss_networks::kVector,
              {.loss = Loss::squared_error, .targets = Targets::labels, .class_weights = kClassWeights.data()}),
    data_case("squared_error_input", loss_networks::kAutoencoder,
              {.loss = Loss::squared_error, .targets = Targets::input}),
    data_case("binary_input", loss_networks::kNoiseInside,
              {.loss = Loss::binary_cross_entropy, .targets = Targets::input}),
    data_case("binary_labels", loss_networks::kOne, {.loss = Loss::binary_cross_entropy}),
    data_case("binary_signed_labels", loss_networks::kOne, {.loss = Loss::binary_cross_entropy, .signed_labels = true}),
    data_case("binary_values", loss_networks::kOne, {.loss = Loss::binary_cross_entropy, .targets = Targets::values}),
    data_case("binary_several_values", loss_networks::kVector, {.loss = Loss::binary_cross_entropy}),
    data_case("binary_signed_values", loss_networks::kVector,
              {.loss = Loss::binary_cross_entropy, .signed_labels = true}),
    data_case("binary_sigmoid", loss_networks::kWithSigmoid, {.loss = Loss::binary_cross_entropy}),
    data_case("binary_weights", loss_networks::kOne,
              {.loss = Loss::binary_cross_entropy, .class_weights = kClassWeights.data(), .sample_weights = true}),
    data_case("binary_signed_weights", loss_networks::kOne,
              {.loss = Loss::binary_cross_entropy, .signed_labels = true, .class_weights = kClassWeights.data()}),
    data_case("cross_entropy_labels", loss_networks::kVector, {.loss = Loss::softmax_cross_entropy}),
    data_case("cross_entropy_values", loss_networks::kVector,
              {.loss = Loss::softmax_cross_entropy, .targets = Targets::values}),
    data_case("cross_entropy_softmax", loss_networks::kWithSoftmax, {.loss = Loss::softmax_cross_entropy}),
    data_case("cross_entropy_image", loss_networks::kImage, {.loss = Loss::softmax_cross_entropy}),
    data_case("cross_entropy_pixels", loss_networks::kSoftmaxPixels, {.loss = Loss::softmax_cross_entropy}),
    data_case("cross_entropy_class_weights", loss_networks::kVector,
              {.loss = Loss::softmax_cross_entropy, .class_weights = kClassWeights.data()}),
    data_case("cross_entropy_sample_weights", loss_networks::kVector,
              {.loss = Loss::softmax_cross_entropy, .sample_weights = true}),
    data_case("cross_entropy_weights", loss_networks::kVector,
              {.loss = Loss::softmax_cross_entropy, .class_weights = kClassWeights.data(), .sample_weights = true}),
    data_case("cross_entropy_values_weights", loss_networks::kVector,
              {.loss = Loss::softmax_cross_entropy, .targets = Targets::values, .sample_weights = true}),
    data_case("kl_divergence", loss_networks::kVector, {.loss = Loss::kl_divergence}),
    data_case("kl_divergence_softmax", loss_networks::kWithSoftmax,
              {.loss = Loss::kl_divergence, .sample_weights = true}),
    data_case("micro_batches", loss_networks::kVector, {.micro_batch = 2}, 6),
    data_case("micro_batches_batch_norm", loss_networks::kPenalized, {.micro_batch = 3}, 9),
    data_case("l2", loss_networks::kPenalized, {.l2 = 0.125F}),
    data_case("l1", loss_networks::kPenalized, {.l1 = 0.0625F}),
    data_case("l1_l2_bias", loss_networks::kPenalized, {.l1 = 0.0625F, .l2 = 0.25F, .penalize_bias = true}),
    data_case("l1_l2_micro_batches", loss_networks::kVector, {.micro_batch = 1, .l1 = 0.0625F, .l2 = 0.25F}, 3),
};

}  // namespace mote::test
