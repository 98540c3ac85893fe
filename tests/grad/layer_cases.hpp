// SPDX-License-Identifier: Apache-2.0
// One small network for every operator and every way it can be used: windows, joins, shared values, frozen layers.
// Gradients of all are checked by central differences (grad) and of most against PyTorch (golden), by name.
#pragma once

#include "grad/problem.hpp"

namespace mote::test {

inline constexpr DenseOptions kTable{.bias = false};

namespace layer_networks {
inline constexpr auto kDense = sequential(input(3), dense(5, kTable), dense(4));
inline constexpr auto kDenseNoBias = sequential(input(3), dense(7, kTable), dense(3, {.bias = false}));
inline constexpr auto kConvValid = sequential(input(2), dense(60, kTable), reshape(5, 6, 2), conv2d(3));
inline constexpr auto kConvSame =
    sequential(input(2), dense(40, kTable), reshape(4, 5, 2), conv2d(3, {.padding = Padding::same}));
inline constexpr auto kConvStrides =
    sequential(input(2), dense(60, kTable), reshape(6, 5, 2),
               conv2d(3, {.filter = {2, 3}, .stride = {2, 1}, .padding = Padding::same}));
inline constexpr auto kConvDilated = sequential(input(2), dense(84, kTable), reshape(7, 6, 2),
                                                conv2d(2, {.filter = {3, 2},
                                                           .stride = {1, 2},
                                                           .dilation = {2, 3},
                                                           .padding = Padding::explicit_,
                                                           .pads = {.top = 1, .bottom = 2, .left = 0, .right = 3}}));
inline constexpr auto kConvPointwise =
    sequential(input(2), dense(36, kTable), reshape(3, 3, 4), conv2d(5, {.filter = {1, 1}, .bias = false}));
inline constexpr auto kConvOneDimension =
    sequential(input(2), dense(24, kTable), reshape(1, 12, 2),
               conv1d(3, 3, {.stride = {1, 2}, .dilation = {1, 2}, .padding = Padding::same}));
inline constexpr auto kDepthwise =
    sequential(input(2), dense(60, kTable), reshape(4, 5, 3), depthwise_conv2d(1, {.padding = Padding::same}));
inline constexpr auto kDepthwiseTwice =
    sequential(input(2), dense(84, kTable), reshape(7, 6, 2),
               depthwise_conv2d(2, {.filter = {3, 2},
                                    .stride = {2, 1},
                                    .dilation = {1, 2},
                                    .padding = Padding::explicit_,
                                    .pads = {.top = 2, .bottom = 0, .left = 1, .right = 2}}));
inline constexpr auto kMaxPool = sequential(input(2), dense(48, kTable), reshape(4, 6, 2), max_pool());
inline constexpr auto kMaxPoolOverlapping =
    sequential(input(2), dense(60, kTable), reshape(6, 5, 2),
               max_pool({.filter = {3, 3}, .stride = {2, 1}, .padding = Padding::same}));
inline constexpr auto kAveragePool = sequential(input(2), dense(48, kTable), reshape(4, 6, 2), average_pool());
inline constexpr auto kAveragePoolOverlapping =
    sequential(input(2), dense(60, kTable), reshape(6, 5, 2),
               average_pool({.filter = {3, 3}, .stride = {2, 1}, .padding = Padding::same}));
inline constexpr auto kGlobalAveragePool =
    sequential(input(2), dense(60, kTable), reshape(5, 4, 3), global_average_pool());
inline constexpr auto kBatchNorm = sequential(input(5), dense(3, kTable), batch_norm());
inline constexpr auto kBatchNormImage = sequential(input(2), dense(24, kTable), reshape(3, 4, 2), batch_norm(), tanh());
inline constexpr auto kBatchNormFrozen =
    sequential(input(2), dense(24, kTable), reshape(3, 4, 2), batch_norm({.trainable = false}));
inline constexpr auto kBatchNormAfterConv =
    sequential(input(3), dense(32, kTable), reshape(4, 4, 2), conv2d(2, {.bias = false}), batch_norm(), sigmoid(),
               flatten(), dense(2));
inline constexpr auto kDropout = sequential(input(2), dense(40, kTable), dropout(0.4F), dense(3));
inline constexpr auto kGaussianNoise = sequential(input(2), dense(40, kTable), gaussian_noise(0.4F), dense(3));
inline constexpr auto kDropoutAfterSigmoid = sequential(input(2), dense(20, kTable), sigmoid(), dropout(0.25F));
inline constexpr auto kAdd =
    sequential(input(2), dense(6, kTable), dense(4).as("a"), tanh(), dense(4), add("a"), dense(2));
inline constexpr auto kAddThree =
    sequential(input(2), dense(5, kTable).as("x"), dense(5).as("a"), sigmoid(), add("x", "a"));
inline constexpr auto kAddTwice = sequential(input(2), dense(4, kTable).as("x"), add("x"), silu());
inline constexpr auto kResidual =
    sequential(input(2), dense(32, kTable), reshape(4, 4, 2), tanh().as("x"), conv2d(2, {.padding = Padding::same}),
               tanh(), conv2d(2, {.padding = Padding::same}), add("x"), sigmoid(), flatten(), dense(2));
inline constexpr auto kConcat = sequential(input(2), dense(24, kTable), reshape(2, 3, 4).as("x"), tanh().as("t"),
                                           sigmoid().reads("x"), concat("t", "x"), conv2d(2, {.filter = {2, 2}}));
inline constexpr auto kConcatTwice = sequential(input(2), dense(6, kTable).as("x"), concat("x"), dense(3));
inline constexpr auto kThreeReaders = sequential(input(2), dense(5, kTable), tanh().as("x"), dense(4).as("a"),
                                                 dense(4).reads("x").as("b"), dense(4).reads("x"), add("a", "b"));
inline constexpr auto kReshape =
    sequential(input(2), dense(12, kTable), reshape(2, 3, 2).as("x"), conv2d(2, {.filter = {2, 2}}), flatten().as("f"),
               flatten().reads("x"), identity(), dense(4), add("f"));
inline constexpr auto kIdentity = sequential(input(2), dense(5, kTable), identity(), dense(3), identity());
inline constexpr auto kSigmoid = sequential(input(3), dense(8, kTable), sigmoid());
inline constexpr auto kTanh = sequential(input(3), dense(8, kTable), tanh());
inline constexpr auto kRelu = sequential(input(3), dense(20, kTable), relu());
inline constexpr auto kLeakyRelu = sequential(input(3), dense(20, kTable), leaky_relu(0.125F));
inline constexpr auto kRelu6 = sequential(input(3), dense(20, kTable), relu6());
inline constexpr auto kSilu = sequential(input(3), dense(20, kTable), silu());
inline constexpr auto kGelu = sequential(input(3), dense(20, kTable), gelu());
inline constexpr auto kHardSwish = sequential(input(3), dense(20, kTable), hard_swish());
inline constexpr auto kElu = sequential(input(3), dense(20, kTable), elu());
inline constexpr auto kActivationsChained = sequential(input(2), dense(6, kTable), silu(), tanh(), gelu(), dense(5),
                                                       sigmoid(), dense(5), leaky_relu(0.5F), tanh());
inline constexpr auto kRbf = sequential(input(3), dense(4, kTable), rbf(5), dense(2));
inline constexpr auto kRbfLast = sequential(input(3), dense(3, kTable), tanh(), rbf(4));
inline constexpr auto kSoftmaxInside = sequential(input(3), dense(6, kTable), softmax(), dense(3));
inline constexpr auto kSoftmaxLast = sequential(input(3), dense(6, kTable), softmax());
inline constexpr auto kSoftmaxPixels = sequential(input(2), dense(24, kTable), reshape(2, 3, 4), softmax());
inline constexpr auto kFrozenMiddle = sequential(input(3), dense(5, kTable), tanh(), dense(4, {.trainable = false}),
                                                 sigmoid(), rbf(4, {.trainable = false}), dense(2));
inline constexpr auto kFrozenConvs =
    sequential(input(2), dense(32, kTable), reshape(4, 4, 2), conv2d(3, {.trainable = false}), tanh(),
               depthwise_conv2d(1, {.filter = {2, 2}, .trainable = false}), global_average_pool(), dense(2));
}  // namespace layer_networks

inline constexpr std::array kLayerCases{
    make_case("dense", layer_networks::kDense, 3),
    make_case("dense_no_bias", layer_networks::kDenseNoBias, 3),
    make_case("conv2d_valid", layer_networks::kConvValid, 2),
    make_case("conv2d_same", layer_networks::kConvSame, 2),
    make_case("conv2d_strides", layer_networks::kConvStrides, 2),
    make_case("conv2d_dilated", layer_networks::kConvDilated, 2),
    make_case("conv2d_pointwise", layer_networks::kConvPointwise, 2),
    make_case("conv1d", layer_networks::kConvOneDimension, 2),
    make_case("depthwise_conv2d", layer_networks::kDepthwise, 2),
    make_case("depthwise_conv2d_multiplier_2", layer_networks::kDepthwiseTwice, 2),
    make_case("max_pool", layer_networks::kMaxPool, 2, Fill::distinct),
    make_case("max_pool_overlapping", layer_networks::kMaxPoolOverlapping, 2, Fill::distinct),
    make_case("average_pool", layer_networks::kAveragePool, 2),
    make_case("average_pool_overlapping", layer_networks::kAveragePoolOverlapping, 2),
    make_case("global_average_pool", layer_networks::kGlobalAveragePool, 2),
    make_case("batch_norm", layer_networks::kBatchNorm, 5),
    make_case("batch_norm_image", layer_networks::kBatchNormImage, 2),
    make_case("batch_norm_frozen", layer_networks::kBatchNormFrozen, 2),
    make_case("batch_norm_after_conv", layer_networks::kBatchNormAfterConv, 3),
    make_case("dropout", layer_networks::kDropout, 2),
    make_case("gaussian_noise", layer_networks::kGaussianNoise, 2),
    make_case("dropout_after_sigmoid", layer_networks::kDropoutAfterSigmoid, 2),
    make_case("add", layer_networks::kAdd, 2),
    make_case("add_three", layer_networks::kAddThree, 2),
    make_case("add_twice", layer_networks::kAddTwice, 2),
    make_case("residual", layer_networks::kResidual, 2),
    make_case("concat", layer_networks::kConcat, 2),
    make_case("concat_twice", layer_networks::kConcatTwice, 2),
    make_case("three_readers", layer_networks::kThreeReaders, 2),
    make_case("reshape", layer_networks::kReshape, 2),
    make_case("identity", layer_networks::kIdentity, 2),
    make_case("sigmoid", layer_networks::kSigmoid, 3, Fill::grid),
    make_case("tanh", layer_networks::kTanh, 3),
    make_case("relu", layer_networks::kRelu, 3, Fill::grid),
    make_case("leaky_relu", layer_networks::kLeakyRelu, 3, Fill::grid),
    make_case("relu6", layer_networks::kRelu6, 3, Fill::grid),
    make_case("silu", layer_networks::kSilu, 3, Fill::grid),
    make_case("gelu", layer_networks::kGelu, 3, Fill::grid),
    make_case("hard_swish", layer_networks::kHardSwish, 3, Fill::grid),
    make_case("elu", layer_networks::kElu, 3, Fill::grid),
    make_case("activations_chained", layer_networks::kActivationsChained, 2, Fill::smooth,
              {.loss = Loss::squared_error}, 2),
    make_case("rbf", layer_networks::kRbf, 3),
    make_case("rbf_last", layer_networks::kRbfLast, 3),
    make_case("softmax_inside", layer_networks::kSoftmaxInside, 3),
    make_case("softmax_last", layer_networks::kSoftmaxLast, 3),
    make_case("softmax_pixels", layer_networks::kSoftmaxPixels, 2),
    make_case("frozen_middle", layer_networks::kFrozenMiddle, 3),
    make_case("frozen_convs", layer_networks::kFrozenConvs, 2),
};

}  // namespace mote::test
