// SPDX-License-Identifier: Apache-2.0
// Small whole networks under the losses they are used with. Checked by central differences (grad) and against PyTorch
// (golden), by name. Seeds are such that no unit with a kink is within two steps of 1/512.
#pragma once

#include "grad/problem.hpp"

namespace mote::test {

namespace whole_networks {
inline constexpr auto kMlp = sequential(input(6), dense(7), relu(), dense(6), leaky_relu(0.25F), dense(4));
inline constexpr auto kConvNet = sequential(input(6, 6, 1), conv2d(2), relu(), max_pool(),
                                            conv2d(3, {.filter = {2, 2}}), relu(), flatten(), dense(4));
inline constexpr auto kMobile =
    sequential(input(6, 6, 2), conv2d(3, {.stride = {2, 2}, .padding = Padding::same, .bias = false}), batch_norm(),
               hard_swish(), depthwise_conv2d(1, {.padding = Padding::same, .bias = false}), batch_norm(), relu6(),
               conv2d(3, {.filter = {1, 1}}), dropout(0.25F), global_average_pool(), dense(4), softmax());
inline constexpr auto kResidualNet = sequential(
    input(6, 6, 2), conv2d(3, {.padding = Padding::same}).as("x"), batch_norm(), silu(),
    conv2d(3, {.padding = Padding::same}), batch_norm(), add("x").as("y"), gelu(),
    conv2d(3, {.filter = {1, 1}, .padding = Padding::same}), concat("x", "y"), average_pool(), flatten(), dense(4));
inline constexpr auto kSequence =
    sequential(input(16, 3), conv1d(4, 5, {.stride = {1, 2}, .padding = Padding::same}), tanh(),
               conv1d(4, 3, {.dilation = {1, 2}}), sigmoid(), flatten(), dropout(0.5F), dense(1));
inline constexpr auto kRbfNet = sequential(input(3), rbf(6), dense(4), tanh(), dense(2));
inline constexpr auto kTransfer =
    sequential(input(6, 6, 1), conv2d(3, {.trainable = false}), batch_norm({.trainable = false}), relu(), max_pool(),
               flatten(), dense(5, {.trainable = false}), relu6(), dense(4), silu(), dense(4, {.trainable = false}));
}  // namespace whole_networks

inline constexpr std::array kNetworkCases{
    make_case("mlp", whole_networks::kMlp, 3, Fill::data, {}, 4),
    make_case("conv_net", whole_networks::kConvNet, 2, Fill::data, {}, 4),
    make_case("mobile", whole_networks::kMobile, 3, Fill::data, {}, 32),
    make_case("residual_net", whole_networks::kResidualNet, 3, Fill::data, {.loss = Loss::kl_divergence}, 14),
    make_case("sequence", whole_networks::kSequence, 3, Fill::data, {.loss = Loss::binary_cross_entropy}, 33),
    make_case("rbf_net", whole_networks::kRbfNet, 4, Fill::data, {.loss = Loss::squared_error}, 38),
    make_case("transfer", whole_networks::kTransfer, 3, Fill::data, {.loss = Loss::squared_error}, 14),
};

}  // namespace mote::test
