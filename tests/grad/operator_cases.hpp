// SPDX-License-Identifier: Apache-2.0
// Networks for the operators that join, move and reduce values, beside layer_cases.hpp.
#pragma once

#include "grad/layer_cases.hpp"

namespace mote::test {

namespace operator_networks {
inline constexpr auto kExp = sequential(input(3), dense(10, kTable), exp());
inline constexpr auto kLog = sequential(input(3), dense(10, kTable), softplus(), log());
inline constexpr auto kSqrt = sequential(input(3), dense(10, kTable), softplus(), sqrt());
inline constexpr auto kRsqrt = sequential(input(3), dense(10, kTable), softplus(), rsqrt());
inline constexpr auto kAbs = sequential(input(3), dense(20, kTable), abs());
inline constexpr auto kNeg = sequential(input(3), dense(10, kTable), neg());
inline constexpr auto kSquare = sequential(input(3), dense(10, kTable), square());
inline constexpr auto kSin = sequential(input(3), dense(10, kTable), sin());
inline constexpr auto kCos = sequential(input(3), dense(10, kTable), cos());
inline constexpr auto kSelu = sequential(input(3), dense(20, kTable), selu());
inline constexpr auto kHardSigmoid = sequential(input(3), dense(20, kTable), hard_sigmoid(0.5F, 0.5F));
inline constexpr auto kGeluTanh = sequential(input(3), dense(20, kTable), gelu_tanh());
inline constexpr auto kClip = sequential(input(3), dense(20, kTable), clip(-1.2F, 0.7F));

// Two values: a of (2, 3, 2) and b, a row along channels that is repeated.
inline constexpr auto kSub =
    sequential(input(2).as("x"), dense(12, kTable), reshape(2, 3, 2).as("a"), dense(2, kTable).reads("x"), sub("a"));
inline constexpr auto kMul =
    sequential(input(2).as("x"), dense(12, kTable), reshape(2, 3, 2).as("a"), dense(2, kTable).reads("x"), mul("a"));
inline constexpr auto kMulOneShape = sequential(input(2).as("x"), dense(6, kTable).as("a"), tanh(), mul("a"), dense(2));
inline constexpr auto kDiv = sequential(input(2).as("x"), dense(12, kTable), reshape(2, 3, 2), softplus().as("a"),
                                        dense(2, kTable).reads("x"), div("a"));
inline constexpr auto kPow = sequential(input(2).as("x"), dense(12, kTable), reshape(2, 3, 2).as("a"),
                                        dense(2, kTable).reads("x"), softplus(), pow("a"));
inline constexpr auto kMinimum =
    sequential(input(2), dense(12, kTable), reshape(2, 3, 2).as("a"), slice({0, 0, 0}, {1, 1, 2}), cos(), minimum("a"));
inline constexpr auto kMaximum =
    sequential(input(2), dense(12, kTable), reshape(2, 3, 2).as("a"), slice({0, 0, 0}, {1, 1, 2}), cos(), maximum("a"));
inline constexpr auto kSquaredDifference = sequential(input(2).as("x"), dense(12, kTable), reshape(2, 3, 2).as("a"),
                                                      dense(2, kTable).reads("x"), squared_difference("a"));
inline constexpr auto kPrelu =
    sequential(input(2), dense(12, kTable), reshape(2, 3, 2).as("a"), slice({0, 0, 0}, {1, 1, 2}), cos().as("slope"),
               identity().reads("a"), prelu("slope"));
inline constexpr auto kAddRepeated = sequential(input(2).as("x"), dense(12, kTable), reshape(2, 3, 2).as("a"),
                                                dense(3, kTable).reads("x"), reshape(1, 3, 1), add("a"), relu());
inline constexpr auto kSelect = sequential(input(2), dense(12, kTable), reshape(2, 3, 2).as("a"),
                                           slice({0, 0, 0}, {1, 1, 2}), cos().as("b"), less("a"), select("a", "b"));

inline constexpr auto kTranspose = sequential(input(2), dense(24, kTable), reshape(2, 3, 4),
                                              transpose({2, 3, 4, 1}, {1, 2, 0, 3}, {3, 4, 2}), conv2d(2));
inline constexpr auto kSlice =
    sequential(input(2), dense(24, kTable), reshape(4, 3, 2), slice({3, 0, 1}, {2, 2, 1}, {-2, 1, 1}));
inline constexpr auto kPadConstant =
    sequential(input(2), dense(12, kTable), reshape(2, 3, 2),
               pad({.pads = {1, 0, 2, 1}, .before_c = 1, .behind_c = 2, .value = 0.5F}));
inline constexpr auto kPadReflect =
    sequential(input(2), dense(12, kTable), reshape(2, 3, 2), pad({.pads = {1, 1, 2, 1}, .rule = PadRule::reflect}));
inline constexpr auto kPadEdge = sequential(input(2), dense(12, kTable), reshape(2, 3, 2),
                                            pad({.pads = {2, 1, 1, 0}, .behind_c = 1, .rule = PadRule::edge}));
inline constexpr auto kTile = sequential(input(2), dense(6, kTable), reshape(1, 3, 2), tile({2, 6, 2}));
inline constexpr auto kGather = sequential(input(2).as("x"), dense(5, kTable).as("a"), dense(4, kTable).reads("x"),
                                           argmax(0).as("i"), identity().reads("a"), gather("i", 0), dense(2));
inline constexpr auto kConcatRows =
    sequential(input(2).as("x"), dense(12, kTable), reshape(2, 3, 2).as("a"), dense(6, kTable).reads("x"),
               reshape(1, 3, 2), concat_along(2, "a").as("both"), tanh(), concat_along(1, "both"));

inline constexpr auto kReduceSum = sequential(input(2), dense(24, kTable), reshape(2, 3, 4), reduce_sum(5));
inline constexpr auto kReduceMean = sequential(input(2), dense(24, kTable), reshape(2, 3, 4), reduce_mean(3));
inline constexpr auto kReduceMax = sequential(input(2), dense(24, kTable), reshape(2, 3, 4), reduce_max(6));
inline constexpr auto kReduceMin = sequential(input(2), dense(24, kTable), reshape(2, 3, 4), reduce_min(1));
inline constexpr auto kReduceProd = sequential(input(2), dense(12, kTable), reshape(2, 3, 2), reduce_prod(3));
inline constexpr auto kNormalized =  // layer normalisation, by parts
    sequential(input(3), dense(8, kTable).as("a"), reduce_mean(1).as("mean"), identity().reads("a"),
               sub("mean").as("d"), square(), reduce_mean(1), rsqrt(), mul("d"), dense(2));

inline constexpr auto kSoftmaxAxis =
    sequential(input(2), dense(24, kTable), reshape(2, 3, 4), softmax(2), tanh(), softmax(1));
inline constexpr auto kLogSoftmax =
    sequential(input(2), dense(24, kTable), reshape(2, 3, 4), log_softmax(), tanh(), log_softmax(1), log_softmax(2));
inline constexpr auto kAveragePoolPadding =
    sequential(input(2), dense(40, kTable), reshape(4, 5, 2),
               average_pool({.filter = {3, 2},
                             .stride = {2, 1},
                             .padding = Padding::explicit_,
                             .pads = {.top = 1, .bottom = 2, .left = 0, .right = 1},
                             .count_padding = true}));
inline constexpr auto kLayerNorm =
    sequential(input(2), dense(30, kTable), reshape(2, 3, 5), layer_norm(), tanh(), layer_norm({.epsilon = 0.5F}));
inline constexpr auto kLayerNormFrozen =
    sequential(input(2), dense(10, kTable), reshape(1, 2, 5), layer_norm({.trainable = false}));
inline constexpr auto kRmsNorm = sequential(input(2), dense(30, kTable), reshape(2, 3, 5), rms_norm({.epsilon = 0.1F}),
                                            tanh(), rms_norm({.epsilon = 0.5F, .beta = true}));
inline constexpr auto kBiasAdd = sequential(input(2), dense(30, kTable), reshape(2, 3, 5), bias_add(), tanh(),
                                            conv2d(3, {.filter = {2, 2}, .bias = false}).as("c"), bias_add().as("b"),
                                            tanh(), add("b"), bias_add(), flatten(), dense(2));
inline constexpr auto kL2Norm = sequential(input(2), dense(30, kTable), reshape(2, 3, 5), l2_norm(), dense(2));
inline constexpr auto kLrn = sequential(input(2), dense(18, kTable), reshape(1, 2, 9),
                                        lrn({.before = 1, .behind = 2, .alpha = 0.5F, .beta = 0.75F, .bias = 1.5F}));
inline constexpr auto kMatmul =
    sequential(input(2).as("x"), dense(24, kTable), reshape(2, 3, 4).as("a"), dense(40, kTable).reads("x"),
               reshape(2, 4, 5).as("b"), identity().reads("a"), matmul("b"));
inline constexpr auto kAttention =
    sequential(input(2), dense(24, kTable), reshape(2, 3, 4).as("x"), layer_norm().as("n"), matmul("n", true),
               softmax(), matmul("n"), add("x"), matmul("x", true));

inline constexpr auto kLstm =
    sequential(input(2), dense(12, kTable), reshape(1, 4, 3), lstm(3), lstm(2, {.reverse = true}));
inline constexpr auto kLstmStates =
    sequential(input(2).as("i"), dense(6, kTable), reshape(1, 2, 3).as("x"), dense(4).reads("i").as("h"),
               dense(4).reads("i").as("c"), identity().reads("x"),
               lstm(4, {.initial_h = "h", .initial_c = "c"}).as("l"), result(), mul("l"), concat_along(1, "h"));
inline constexpr auto kLstmCell =
    sequential(input(2), dense(12, kTable), reshape(1, 4, 3), lstm(3, {.bias = false}), result());
inline constexpr auto kLstmFrozen = sequential(input(2).as("i"), dense(12, kTable), reshape(1, 4, 3),
                                               lstm(3, {.trainable = false}).as("l"), result(), add("l"));
inline constexpr auto kLstmFirst = sequential(input(4, 3), lstm(3), flatten(), dense(2));
inline constexpr auto kLstmFrozenStates =
    sequential(input(2).as("i"), dense(3, {.bias = false, .trainable = false}).as("x"), dense(3).reads("i").as("h"),
               identity().reads("x"), lstm(3, {.initial_h = "h", .trainable = false}));
inline constexpr auto kGru =
    sequential(input(2).as("i"), dense(12, kTable), reshape(1, 4, 3).as("x"), dense(3).reads("i").as("h"),
               identity().reads("x"), gru(3, {.initial_h = "h"}), add("x"), gru(2, {.reverse = true}));
inline constexpr auto kGruLinear =
    sequential(input(2), dense(12, kTable), reshape(1, 4, 3), gru(3, {.linear_before_reset = true}), tanh(),
               gru(2, {.linear_before_reset = true, .bias = false}));
inline constexpr auto kRnn =
    sequential(input(2).as("i"), dense(12, kTable), reshape(1, 4, 3).as("x"), slice({0, 1, 0}, {1, 1, 3}).as("h"),
               identity().reads("x"), rnn(3, {.reverse = true, .initial_h = "h"}),
               rnn(2, {.activation = RecurrentActivation::sigmoid}));

inline constexpr auto kConvTranspose =
    sequential(input(2), dense(24, kTable), reshape(3, 4, 2), conv2d_transpose(3, {.filter = {3, 2}}));
inline constexpr auto kConvTransposeStrides =
    sequential(input(2), dense(24, kTable), reshape(3, 4, 2),
               conv2d_transpose(3,
                                {.filter = {3, 2},
                                 .stride = {2, 3},
                                 .dilation = {1, 2},
                                 .padding = Padding::explicit_,
                                 .pads = {.top = 1, .bottom = 0, .left = 2, .right = 1}},
                                {1, 0}),
               tanh(), conv2d_transpose(1, {.stride = {2}, .padding = Padding::same, .bias = false}));
inline constexpr auto kResizeNearest =
    sequential(input(2), dense(12, kTable), reshape(2, 3, 2), resize_nearest(5, 4), tanh(), resize_nearest(2, 3));
inline constexpr auto kResizeBilinear = sequential(input(2), dense(12, kTable), reshape(2, 3, 2), resize_bilinear(5, 4),
                                                   tanh(), resize_bilinear(3, 7, ResizeCoordinates::align_corners));
/// A mask that is computed has no derivative, what it masks has.
inline constexpr auto kMasked = sequential(input(2).as("x"), dense(6, kTable).as("a"), dense(6).reads("x"), less("a"),
                                           cast(DType::f32), mul("a"), dense(2));

/// Behind what has no derivative a network trains, what is before it does not.
inline constexpr auto kBehindRound =
    sequential(input(2), dense(6, {.bias = false, .trainable = false}), round(), dense(3, kTable), output());
inline constexpr auto kBesideSign = sequential(input(2), dense(12, kTable).as("a"), sign().as("s"),
                                               identity().reads("a"), mul("s"), concat("s"), dense(2));
inline constexpr auto kWithConstant =
    sequential(input(2).as("x"), dense(4, kTable).as("a"), constant(1, 1, 4), mul("a"), dense(2));
}  // namespace operator_networks

inline constexpr std::array kOperatorCases{
    make_case("exp", operator_networks::kExp, 3),
    make_case("log", operator_networks::kLog, 3),
    make_case("sqrt", operator_networks::kSqrt, 3),
    make_case("rsqrt", operator_networks::kRsqrt, 3),
    make_case("abs", operator_networks::kAbs, 3, Fill::grid),
    make_case("neg", operator_networks::kNeg, 3),
    make_case("square", operator_networks::kSquare, 3),
    make_case("sin", operator_networks::kSin, 3),
    make_case("cos", operator_networks::kCos, 3),
    make_case("selu", operator_networks::kSelu, 3, Fill::grid),
    make_case("hard_sigmoid", operator_networks::kHardSigmoid, 3, Fill::grid),
    make_case("gelu_tanh", operator_networks::kGeluTanh, 3, Fill::grid),
    make_case("clip", operator_networks::kClip, 3, Fill::grid),
    make_case("sub", operator_networks::kSub, 2),
    make_case("mul", operator_networks::kMul, 2),
    make_case("mul_one_shape", operator_networks::kMulOneShape, 2),
    make_case("div", operator_networks::kDiv, 2),
    make_case("pow", operator_networks::kPow, 2),
    make_case("minimum", operator_networks::kMinimum, 2, Fill::distinct),
    make_case("maximum", operator_networks::kMaximum, 2, Fill::distinct),
    make_case("squared_difference", operator_networks::kSquaredDifference, 2),
    make_case("prelu", operator_networks::kPrelu, 2, Fill::grid),
    make_case("add_repeated", operator_networks::kAddRepeated, 2, Fill::distinct),
    make_case("select", operator_networks::kSelect, 2, Fill::distinct),
    make_case("transpose", operator_networks::kTranspose, 2),
    make_case("slice", operator_networks::kSlice, 2),
    make_case("pad", operator_networks::kPadConstant, 2),
    make_case("pad_reflect", operator_networks::kPadReflect, 2),
    make_case("pad_edge", operator_networks::kPadEdge, 2),
    make_case("tile", operator_networks::kTile, 2),
    make_case("gather", operator_networks::kGather, 2, Fill::distinct),
    make_case("concat_rows", operator_networks::kConcatRows, 2),
    make_case("reduce_sum", operator_networks::kReduceSum, 2),
    make_case("reduce_mean", operator_networks::kReduceMean, 2),
    make_case("reduce_max", operator_networks::kReduceMax, 2, Fill::distinct),
    make_case("reduce_min", operator_networks::kReduceMin, 2, Fill::distinct),
    make_case("reduce_prod", operator_networks::kReduceProd, 2),
    make_case("softmax_axis", operator_networks::kSoftmaxAxis, 2),
    make_case("log_softmax", operator_networks::kLogSoftmax, 2),
    make_case("average_pool_padding", operator_networks::kAveragePoolPadding, 2),
    make_case("layer_norm", operator_networks::kLayerNorm, 2),
    make_case("layer_norm_frozen", operator_networks::kLayerNormFrozen, 2),
    make_case("rms_norm", operator_networks::kRmsNorm, 2),
    make_case("bias_add", operator_networks::kBiasAdd, 2),
    make_case("l2_norm", operator_networks::kL2Norm, 2),
    make_case("lrn", operator_networks::kLrn, 2),
    make_case("matmul", operator_networks::kMatmul, 2),
    make_case("attention", operator_networks::kAttention, 2),
    make_case("lstm", operator_networks::kLstm, 2),
    make_case("lstm_states", operator_networks::kLstmStates, 2),
    make_case("lstm_cell", operator_networks::kLstmCell, 2),
    make_case("lstm_frozen", operator_networks::kLstmFrozen, 2),
    make_case("lstm_first", operator_networks::kLstmFirst, 3, Fill::data),
    make_case("lstm_frozen_states", operator_networks::kLstmFrozenStates, 2),
    make_case("gru", operator_networks::kGru, 2),
    make_case("gru_linear", operator_networks::kGruLinear, 2),
    make_case("rnn", operator_networks::kRnn, 2),
    make_case("conv2d_transpose", operator_networks::kConvTranspose, 2),
    make_case("conv2d_transpose_strides", operator_networks::kConvTransposeStrides, 2),
    make_case("resize_nearest", operator_networks::kResizeNearest, 2),
    make_case("resize_bilinear", operator_networks::kResizeBilinear, 2),
    make_case("masked", operator_networks::kMasked, 2, Fill::distinct),
    make_case("normalized", operator_networks::kNormalized, 3),
    make_case("behind_round", operator_networks::kBehindRound, 2),
    make_case("beside_sign", operator_networks::kBesideSign, 2, Fill::grid),
    make_case("with_constant", operator_networks::kWithConstant, 2),
};

}  // namespace mote::test
