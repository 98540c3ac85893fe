// SPDX-License-Identifier: Apache-2.0
// The operators that compare, choose, move and reduce values, in a session, against numbers written down here. What
// their kernels compute is tests/kernels' affair; this is about shapes, types, operands and batches.
#include <algorithm>
#include <array>
#include <initializer_list>
#include <vector>

#include "check.hpp"
#include "mote/mote.hpp"

namespace mote {
namespace {

alignas(64) std::array<std::byte, 32 * 1024> arena;

/// What a network of one input makes of `values`, as many samples as they are.
template <class T = float, class Net>
std::vector<T> run(const Net& net, std::initializer_list<float> values, std::span<const float> params = {}) {
  const Model model = net.model(reinterpret_cast<const std::byte*>(params.data()));
  const auto batch = static_cast<std::uint32_t>(values.size() / model.input_shape().elements());
  Result<Session> session = Session::create(model, arena, {.batch = batch});
  EXPECT_TRUE(session.ok()) << name(session.status().code);
  if (!session.ok()) return {};
  std::copy(values.begin(), values.end(), session->input().begin());
  session->run();
  const Values<T> out = session->template output<T>();
  return {out.begin(), out.end()};
}
using Floats = std::vector<float>;
using Bytes = std::vector<std::uint8_t>;
using Ints = std::vector<std::int32_t>;

TEST(operators, compare_and_choose) {
  constexpr auto kLess =
      sequential(input(3).as("x"), slice({0, 0, 1}, {1, 1, 1}).as("m"), identity().reads("x"), less("m"));
  EXPECT_EQ(run<std::uint8_t>(kLess, {1, 2, 3, 9, 5, 4}), (Bytes{1, 0, 0, 0, 0, 1}));
  constexpr auto kSelect = sequential(input(3).as("x"), slice({0, 0, 1}, {1, 1, 1}).as("m"), identity().reads("x"),
                                      greater_equal("m"), logical_not(), select("m", "x"));
  EXPECT_EQ(run(kSelect, {1, 2, 3, 9, 5, 4}), (Floats{2, 2, 3, 9, 5, 5}));
  constexpr auto kBetween = sequential(input(2).as("x"), relu().as("p"), equal("x").as("positive"), square().reads("x"),
                                       not_equal("x"), logical_and("positive"));
  EXPECT_EQ(run<std::uint8_t>(kBetween, {-1, 1, 2, 0}), (Bytes{0, 0, 1, 0}));
  EXPECT_EQ(run<std::int32_t>(sequential(input(2, 3), argmax(0)), {1, 5, 4, 2, 4, 9}), (Ints{1, 2}));
  EXPECT_EQ(run<std::int32_t>(sequential(input(2, 2, 1), argmin(2)), {1, 5, 4, 2}), (Ints{0, 1}));
}

TEST(operators, compute_with_two_operands) {
  constexpr auto kSub = sequential(input(2, 2).as("x"), reduce_mean(2).as("m"), identity().reads("x"), sub("m"));
  EXPECT_EQ(run(kSub, {1, 2, 3, 6, 10, 20, 30, 40}), (Floats{-1, -2, 1, 2, -10, -10, 10, 10}));
  constexpr auto kOuter = sequential(input(3).as("x"), reshape(1, 3, 1), mul("x"));
  EXPECT_EQ(run(kOuter, {1, 2, 3}), (Floats{1, 2, 3, 2, 4, 6, 3, 6, 9}));
  constexpr auto kScaled = sequential(input(2).as("x"), constant(1, 1, 2), pow("x"));
  alignas(16) const std::array<float, 2> base{2.0F, 3.0F};
  EXPECT_EQ(run(kScaled, {3, 2, 0, 1}, base), (Floats{8, 9, 1, 3}));
  constexpr auto kShifted = sequential(input(2).as("x"), constant(1, 1, 1), add("x"), relu());
  EXPECT_EQ(run(kShifted, {-3, 1, 0, -2}, base), (Floats{0, 3, 2, 0}));
}

TEST(operators, move_elements) {
  EXPECT_EQ(run(sequential(input(2, 3, 1), transpose(Shape{2, 3, 1})), {1, 2, 3, 4, 5, 6}), (Floats{1, 4, 2, 5, 3, 6}));
  constexpr auto kChannelsFirst = sequential(input(2, 2, 2), transpose({2, 2, 2, 1}, {2, 0, 1, 3}, {2, 2, 2}));
  EXPECT_EQ(run(kChannelsFirst, {1, 2, 3, 4, 5, 6, 7, 8}), (Floats{1, 3, 5, 7, 2, 4, 6, 8}));
  EXPECT_EQ(run(sequential(input(4), slice({0, 0, 3}, {1, 1, 2}, {1, 1, -2})), {1, 2, 3, 4, 5, 6, 7, 8}),
            (Floats{4, 2, 8, 6}));
  EXPECT_EQ(run(sequential(input(2, 1), pad({.pads = {0, 0, 1, 1}, .value = 7.0F})), {1, 2, 3, 4}),
            (Floats{7, 1, 2, 7, 7, 3, 4, 7}));
  EXPECT_EQ(run(sequential(input(3), pad({.before_c = 2, .behind_c = 1, .rule = PadRule::reflect})), {1, 2, 3}),
            (Floats{3, 2, 1, 2, 3, 2}));
  EXPECT_EQ(run(sequential(input(2), tile({1, 2, 4})), {1, 2}), (Floats{1, 2, 1, 2, 1, 2, 1, 2}));
  constexpr auto kRows = sequential(input(2, 2, 1).as("x"), neg(), concat_along(2, "x"));
  EXPECT_EQ(run(kRows, {1, 2, 3, 4}), (Floats{-1, -2, -3, -4, 1, 2, 3, 4}));
  constexpr auto kGather =
      sequential(input(2, 2, 2).as("x"), reshape(1, 1, 8), argmax(0).as("i"), identity().reads("x"), gather("i", 2));
  EXPECT_EQ(run(kGather, {1, 9, 2, 3, 4, 5, 6, 7, 1, 0, 2, 3, 0, 0, 0, 0}), (Floats{4, 5, 6, 7, 0, 0, 0, 0}))
      << "index 3 of the second sample is past the end";
}

TEST(operators, bytes_move_too) {
  constexpr auto kNet = sequential(input(1, 2, 2).as("x"), transpose({1, 2, 2, 1}, {0, 2, 1, 3}, {1, 2, 2}),
                                   pad({.pads = {0, 0, 0, 1}, .value = -5.0F}), slice({0, 0, 1}, {1, 3, 1}));
  auto net = kNet;
  for (Layer& layer : net.layers) layer.dtype = DType::s8, layer.quantization = {0.5F, 1};
  Result<Session> session = Session::create(net.model(), arena, {.batch = 2});
  ASSERT_TRUE(session.ok());
  for (std::size_t i = 0; i < 8; ++i) session->input<std::int8_t>()[i] = static_cast<std::int8_t>(i);
  session->run();
  constexpr std::array<int, 6> kWanted{2, 3, -5, 6, 7, -5};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(session->output<std::int8_t>()[i], kWanted[i]);
  auto shown = sequential(input(2), identity(), reshape(1, 2, 1), output());
  for (const DType type : {DType::s8, DType::u8, DType::s16}) {
    for (Layer& layer : shown.layers) layer.dtype = type, layer.quantization = {0.5F, 1};
    EXPECT_EQ(validate(shown.model()), Status{}) << static_cast<int>(type);
  }
}

TEST(operators, reduce) {
  const std::initializer_list<float> values{1, 2, 3, 4, 5, 6};
  EXPECT_EQ(run(sequential(input(1, 2, 3), reduce_sum(2)), values), (Floats{5, 7, 9}));
  EXPECT_EQ(run(sequential(input(1, 2, 3), reduce_mean(3)), values), (Floats{3.5F}));
  EXPECT_EQ(run(sequential(input(1, 2, 3), reduce_max(1)), values), (Floats{3, 6}));
  EXPECT_EQ(run(sequential(input(1, 2, 3), reduce_min(7)), values), (Floats{1}));
  EXPECT_EQ(run(sequential(input(1, 2, 3), reduce_prod(1)), values), (Floats{6, 120}));
  EXPECT_EQ(run(sequential(input(1, 2, 3), floor(), reduce_max(6), sign()), values), (Floats{1, 1, 1}));
}

TEST(operators, a_constant_is_there_once) {
  constexpr auto kNet = sequential(input(2).as("x"), constant(1, 1, 2), exp(), add("x"));
  EXPECT_TRUE(plan_size(kNet.model(), {}).ok());
  EXPECT_EQ(plan_size(kNet.model(), {.batch = 2}).status(), (Status{Code::constant_in_batch, 2, 1}));
}

TEST(operators, sums_of_many_read_constants_of_one_sample) {
  constexpr auto kNet = sequential(input(2).as("x"), constant(1, 1, 2).as("c"), add("c", "x", "c"), add("c", "x"));
  alignas(16) const std::array<float, 2> values{10.0F, 20.0F};
  EXPECT_EQ(run(kNet, {1, 2}, values), (Floats{42, 84}));
  EXPECT_EQ(plan_size(kNet.model(), {.batch = 2}).status(), (Status{Code::constant_in_batch, 2, 1}));
}

TEST(operators, what_a_regularizer_passes_on_has_memory_of_its_own) {
  constexpr auto kConstant = sequential(input(2).as("x"), constant(1, 1, 2), dropout(0.5F).as("d"), output(),
                                        identity().reads("d"), add("x", "d"), output());
  alignas(16) const std::array<float, 2> values{10.0F, 20.0F};
  EXPECT_EQ(run(kConstant, {1, 2}, values), (Floats{10, 20}));
  constexpr auto kState = sequential(input(2).as("x"), state(1, 1, 2).as("h"), gaussian_noise(0.5F).as("last"),
                                     identity().reads("x"), assign("h"), neg().reads("last"));
  Result<Session> session = Session::create(kState.model(), arena);
  ASSERT_TRUE(session.ok());
  for (const float value : {3.0F, 5.0F, 7.0F}) {
    session->input()[0] = session->input()[1] = value;
    session->run();
    EXPECT_EQ(session->output()[1], value == 3.0F ? 0.0F : 2.0F - value) << "what the run before kept";
  }
}

TEST(operators, rules) {
  const auto status = [](auto net, auto change) {
    change(net.layers);
    return validate(net.model()).code;
  };
  constexpr auto kSlice = sequential(input(4), slice({0, 0, 3}, {1, 1, 2}, {1, 1, -2}));
  EXPECT_EQ(status(kSlice, [](auto& l) { l[1].args[2] = 1; }), Code::bad_attribute) << "one would lie outside";
  EXPECT_EQ(status(kSlice, [](auto& l) { l[1].args[5] = 0; }), Code::bad_attribute);
  EXPECT_EQ(status(kSlice, [](auto& l) { l[1].args[2] = -1; }), Code::bad_attribute);
  EXPECT_EQ(status(kSlice, [](auto& l) { l[1].args[5] = std::int32_t{-2147483647} - 1; }), Code::bad_attribute);
  constexpr auto kTranspose = sequential(input(2, 3, 1), transpose(Shape{2, 3, 1}));
  EXPECT_EQ(status(kTranspose, [](auto& l) { l[1].args[4] = 0; }), Code::bad_attribute) << "an axis twice";
  EXPECT_EQ(status(kTranspose, [](auto& l) { l[1].args[0] = 4; }), Code::shape_mismatch);
  EXPECT_EQ(status(kTranspose, [](auto& l) { l[1].args[0] = 0x7FFFFFFF; }), Code::bad_attribute);
  constexpr auto kReduce = sequential(input(2, 3, 1), reduce_max(3));
  for (const std::int32_t axes : {0, 8, -1}) {
    EXPECT_EQ(status(kReduce, [&](auto& l) { l[1].args[0] = axes; }), Code::bad_attribute);
  }
  constexpr auto kLess = sequential(input(2).as("x"), relu(), less("x"));
  EXPECT_EQ(status(kLess, [](auto& l) { l[2].dtype = DType::f32; }), Code::unsupported_dtype);
  constexpr auto kPad = sequential(input(2), pad({.before_c = 1}));
  EXPECT_EQ(status(kPad, [](auto& l) { l[1].args[2] = 4; }), Code::bad_attribute);
  EXPECT_EQ(status(kPad, [](auto& l) { l[1].args[1] = -1; }), Code::bad_attribute);
  EXPECT_EQ(status(kPad, [](auto& l) { l[1].args[1] = 0x7FFFFFFF; }), Code::bad_attribute);
  EXPECT_EQ(status(kPad, [](auto& l) { l[1].args[2] = 1, l[1].alpha = 2.0F; }), Code::bad_attribute);
  constexpr auto kTile = sequential(input(2), tile({1, 1, 4}));
  EXPECT_EQ(status(kTile, [](auto& l) { l[1].shape.c = 5; }), Code::shape_mismatch);
  constexpr auto kMul = sequential(input(2).as("x"), tile({1, 3, 2}), mul("x"));
  EXPECT_EQ(status(kMul,
                   [](auto& l) {
                     l[0].shape.c = 3, l[1].shape = {1, 3, 3}, l[1].args = {};
                     l[2].shape.c = 3;
                   }),
            Code::ok);
  EXPECT_EQ(status(kMul, [](auto& l) { l[2].shape.w = 1; }), Code::bad_shape);
}

}  // namespace
}  // namespace mote
