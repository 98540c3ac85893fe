// SPDX-License-Identifier: Apache-2.0
// From steps to records: what they compute is what the steps say, whatever views the lowering took of the operands.
#include <limits>

#include "import/lowered.hpp"
#include "tool/import/samples.hpp"

namespace mote::test {
namespace {

using namespace tool::foreign;

Value input(Maker& make, const Dims& dims, const char* name = "x", Type type = Type::f32) {
  return make.input(name, type, dims, {});
}
void output(Maker& make, const Value& v, const char* name = "y") {
  make.network.outputs.push_back({make.laid_out(v), name, make.dims(v), make.type(v)});
}
Literal counted(const Dims& dims, double from = 0.5) {
  Literal out(Type::f32, dims);
  for (std::int64_t i = 0; i < out.count(); ++i) out.set(i, from + 0.25 * static_cast<double>(i % 7));
  return out;
}

/// The only value of a constant that is computed of others.
std::int64_t whole(const Maker& make, const Value& v) {
  EXPECT_TRUE(make.constant(v));
  return make.literal(v).whole(0);
}

TEST(Constants, WholeNumbersHave64Bits) {
  constexpr std::int64_t kBig = (std::int64_t{1} << 53) + 1;  // no double
  Maker make;
  const auto wholes = [&](std::initializer_list<std::int64_t> values) {
    return make.constant(Literal::of(std::vector<std::int64_t>(values)));
  };
  EXPECT_EQ(whole(make, make.unary("abs", wholes({-kBig}))), kBig);
  EXPECT_EQ(whole(make, make.unary("neg", wholes({kBig}))), -kBig);
  EXPECT_EQ(whole(make, make.unary("square", wholes({3'000'000'001}))), 9'000'000'006'000'000'001);
  EXPECT_EQ(whole(make, make.unary("sign", wholes({-kBig}))), -1);
  EXPECT_EQ(whole(make, make.unary("round", wholes({kBig}))), kBig);
  EXPECT_EQ(whole(make, make.binary("pow", wholes({3}), wholes({39}))), 4'052'555'153'018'976'267);
  EXPECT_EQ(whole(make, make.binary("pow", wholes({-1}), wholes({-3}))), -1);
  EXPECT_EQ(whole(make, make.binary("pow", wholes({2}), wholes({-1}))), 0);
  const Value several = wholes({kBig, 1, -3});
  EXPECT_EQ(whole(make, make.reduce("reduce_sum", several, {0}, false)), kBig - 2);
  EXPECT_EQ(whole(make, make.reduce("reduce_max", several, {0}, false)), kBig);
  EXPECT_EQ(whole(make, make.reduce("reduce_min", wholes({kBig, kBig + 2}), {0}, false)), kBig);
  EXPECT_EQ(whole(make, make.reduce("reduce_prod", wholes({kBig, -3}), {0}, false)), -3 * kBig);
  EXPECT_EQ(whole(make, make.reduce("reduce_mean", wholes({-7, 2, 0}), {0}, false)), -1);
  EXPECT_EQ(whole(make, make.pad(wholes({}), {1}, {0}, Literal::of(std::vector{kBig}))), kBig);
  const auto range = [](std::int64_t from, std::int64_t to, std::int64_t by) {
    const auto one = [](std::int64_t v) { return Literal::of(std::vector{v}); };
    return ranged(one(from), one(to), one(by)).wholes();
  };
  EXPECT_EQ(range(kBig, kBig + 5, 2), (std::vector{kBig, kBig + 2, kBig + 4}));
  EXPECT_EQ(range(3, -4, -3), (std::vector<std::int64_t>{3, 0, -3}));
  EXPECT_EQ(range(3, 3, 1), std::vector<std::int64_t>{});
  EXPECT_THROW(range(0, 1, 0), Unsupported);
  // Doubles among constants stay such.
  const Value wide = make.cast(wholes({(std::int64_t{1} << 30) + 1}), Type::f64);
  EXPECT_EQ(whole(make, make.cast(wide, Type::s64)), (std::int64_t{1} << 30) + 1);
}

/// What is wrong with the one step that cannot be lowered, or "".
std::string refusal(const Network& network) {
  std::vector<NotLowered> refused;
  static_cast<void>(lower(network, refused));
  return refused.empty() ? "" : refused.front().why;
}

/// Whole numbers that float32 or int32 do not hold would be others in the run.
TEST(Constants, BeyondTheRecordsAreRefused) {
  constexpr std::int64_t kOver = (std::int64_t{1} << 24) + 1;
  const auto with = [](const char* op, std::int64_t v) {
    Maker make;
    const Value x = input(make, {1, 3}, "x", Type::s64);
    output(make, make.binary(op, x, make.constant(Literal::of(std::vector{v}))));
    return refusal(make.network);
  };
  EXPECT_NE(with("add", kOver).find("one operand is 16777217"), std::string::npos) << with("add", kOver);
  EXPECT_NE(with("mul", -kOver), "");
  EXPECT_EQ(with("add", kOver - 1), "");
  EXPECT_EQ(with("add", std::int64_t{1} << 40), "");
  EXPECT_EQ(with("minimum", std::numeric_limits<std::int64_t>::max()), "");
  EXPECT_EQ(with("less", std::numeric_limits<std::int32_t>::max()), "");
  Maker make;
  const Value which = input(make, {1, 3}, "x", Type::boolean);
  output(make, make.select(which, make.constant(Literal::of(std::vector{std::int64_t{1} << 31})),
                           make.constant(Literal::of(std::vector{std::int64_t{0}}))));
  EXPECT_NE(refusal(make.network).find("2147483648"), std::string::npos) << refusal(make.network);
}

/// For seven samples: whether they stay apart.
template <class Make>
bool apart(Make&& step) {
  Maker make;
  make.for_samples = true;
  const Value x = input(make, {7, 6, 4});
  output(make, step(make, x));
  return keeps_samples_apart(make.network, 7);
}

TEST(Samples, AreFollowedThroughTheSteps) {
  EXPECT_TRUE(apart([](Maker& make, const Value& x) {  // rows of all samples, and back
    const Value rows = make.along("softmax", make.reshape(x, {42, 4}), 1);
    return make.reshape(make.matmul(rows, make.constant(counted({4, 3}))), {7, 18});
  }));
  EXPECT_TRUE(apart([](Maker& make, const Value& x) {
    const Value turned = make.transpose(x, {1, 0, 2});
    const Value sum = make.binary("add", make.reduce("reduce_max", turned, {0}, false), make.constant(counted({4})));
    return make.concat({sum, make.unary("relu", sum)}, 1);
  }));
  EXPECT_TRUE(apart([](Maker& make, const Value& x) {
    return make.matmul(make.slice(x, {0, 2, 0}, {1, 1, 1}, {7, 3, 4}), make.transpose(x, {0, 2, 1}));
  }));
  EXPECT_TRUE(apart([](Maker& make, const Value& x) {
    return make.gather(make.constant(counted({5, 3})), make.arg("argmax", x, 2, false), 0);
  }));
  EXPECT_FALSE(apart([](Maker& make, const Value& x) { return make.along("softmax", x, 0); }));
  EXPECT_FALSE(apart([](Maker& make, const Value& x) {  // a row of every sample's rows
    return make.reshape(make.along("softmax", make.reshape(x, {42, 4}), 0), {7, 6, 4});
  }));
  EXPECT_FALSE(apart([](Maker& make, const Value& x) {
    return make.binary("sub", x, make.slice(x, {0, 0, 0}, {1, 1, 1}, {1, 6, 4}));
  }));
  EXPECT_FALSE(apart([](Maker& make, const Value& x) { return make.slice(x, {6, 0, 0}, {-1, 1, 1}, {7, 6, 4}); }));
  EXPECT_FALSE(apart([](Maker& make, const Value& x) {
    return make.binary("mul", x, make.constant(counted({7, 1, 1})));
  }));
  EXPECT_FALSE(apart([](Maker& make, const Value& x) { return make.reshape(x, {6, 28}); }));
}

TEST(Lowering, JoinsManyOperandsInOneLayer) {
  Maker make;
  const Value x = input(make, {1, 3, 9});
  std::vector<Value> parts;
  for (std::int64_t i = 8; i >= 0; --i) parts.push_back(make.slice(x, {0, 0, i}, {1, 1, 1}, {1, 3, 1}));
  output(make, make.concat(parts, 2));
  expect_like_reference(make.network);
  const tool::OwnedModel model = lowered(make.network);
  EXPECT_EQ(model.operands.size(), 9U);
  EXPECT_EQ(model.layers.size(), 1U + 9U + 1U);
}

TEST(Lowering, NamesInputsOutputsAndStates) {
  Maker make;
  const Value a = input(make, {1, 4}, "left"), b = input(make, {1, 4}, "right");
  const Value sum = make.binary("add", a, b);
  output(make, sum, "sum");
  output(make, make.unary("relu", sum), "positive");
  output(make, a, "again");
  expect_like_reference(make.network);
  const tool::OwnedModel owned = lowered(make.network);
  const Model model = owned.view();
  EXPECT_EQ(name(model, model.input_layer(0)), "left");
  EXPECT_EQ(name(model, model.input_layer(1)), "right");
  EXPECT_EQ(name(model, model.output_layer(0)), "sum");
  EXPECT_EQ(name(model, model.output_layer(1)), "positive");
  EXPECT_EQ(name(model, model.output_layer(2)), "again");
}

TEST(Lowering, PadsByEveryRule) {
  for (const int rule : {0, 1, 2}) {
    Maker make;
    const Value x = input(make, {1, 4, 5, 3});
    output(make, make.pad_reflect(x, {0, 2, 3, 1}, {0, 1, 0, 2}, rule));
    expect_like_reference(make.network);
  }
  Maker make;
  const Value x = input(make, {2, 2, 3, 2, 2});  // four axes grow: more than a record has
  output(make, make.pad(x, {1, 0, 1, 1, 0}, {0, 1, 0, 2, 1}, Literal::scalar(Type::f32, -2.5)));
  expect_like_reference(make.network);
}

TEST(Lowering, RepeatsOperandsAlongAnyAxes) {
  Maker make;
  const Value a = input(make, {2, 1, 3, 1, 4}, "a"), b = input(make, {1, 3, 1, 2, 1}, "b");
  const Value condition = make.binary("less", a, b);
  output(make, make.binary("mul", a, b));
  output(make, make.select(condition, a, make.constant(counted({2, 1}))));
  output(make, make.binary("logical_and", condition, make.binary("greater", b, make.scalar(0.0))));
  expect_like_reference(make.network);
}

TEST(Lowering, CutsSlicesAndTransposesOfHighRank) {
  Maker make;
  const Value x = input(make, {2, 3, 4, 5, 2});
  output(make, make.transpose(x, {4, 2, 0, 3, 1}));
  output(make, make.slice(x, {1, 2, 3, 4, 1}, {-1, -2, -1, -2, -1}, {2, 2, 3, 2, 2}));
  expect_like_reference(make.network);
}

TEST(Lowering, ReducesAlongAnyAxes) {
  for (const char* op : {"reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_prod"}) {
    Maker make;
    const Value x = input(make, {2, 3, 2, 3, 2});
    output(make, make.reduce(op, x, {0, 2, 4}, true));
    output(make, make.reduce(op, x, {1, 3}, false));
    expect_like_reference(make.network);
  }
}

TEST(Lowering, CountsPaddingInMeansWhereAsked) {
  for (const std::int64_t counts : {0, 1}) {
    Maker make;
    const Value x = input(make, {1, 5, 6, 2});
    tool::foreign::Step pool;
    pool.op = "average_pool";
    pool.dims = {1, 3, 3, 2};
    pool.sliding = {.filter_h = 3,
                    .filter_w = 2,
                    .stride_h = 2,
                    .stride_w = 3,
                    .pad_top = 1,
                    .pad_bottom = 1,
                    .pad_left = 1,
                    .pad_right = 1};
    pool.number = counts;
    pool.in = {make.laid_out(x)};
    output(make, make.add(std::move(pool)));
    expect_like_reference(make.network);
  }
}

TEST(Lowering, ChoosesRowsByIndicesOfTheRun) {
  Maker make;
  const Value which = input(make, {3}, "which", Type::s32);
  output(make, make.gather(make.constant(counted({2, 5})), which, 0));
  expect_like_reference(make.network);
}

Literal weights(const Dims& dims) {
  Literal out(Type::f32, dims);
  for (std::int64_t i = 0; i < out.count(); ++i) out.set(i, static_cast<double>((i * 37) % 19) / 19.0 - 0.5);
  return out;
}

TEST(Lowering, RunsRecurrentLayersOfEveryForm) {
  struct Form {
    const char* op;
    std::int64_t gates, second;
    float clip;
    bool h, c, reverse;
  };
  for (const Form& form : {Form{"lstm", 4, 0, 0.0F, false, false, false}, Form{"lstm", 4, 0, 0.25F, true, true, true},
                           Form{"gru", 3, 0, 0.0F, true, false, false}, Form{"gru", 3, 1, 0.0F, false, false, true},
                           Form{"rnn", 1, 0, 0.0F, true, false, true}}) {
    SCOPED_TRACE(form.op);
    Maker make;
    const Value x = input(make, {6, 3});
    tool::foreign::Step step;
    step.op = form.op;
    step.dims = {6, 5};
    step.first = {form.reverse ? 1 : 0, form.second};
    step.alpha = form.clip;
    step.extra = {0.0F};
    step.weights = {weights({3, form.gates * 5}), weights({5, form.gates * 5}), weights({form.gates * 5})};
    if (form.second == 1) step.weights.push_back(weights({form.gates * 5}));
    step.in = {x.step};
    if (form.h) step.in.push_back(input(make, {1, 5}, "h").step);
    if (form.c) step.in.push_back(input(make, {1, 5}, "c").step);
    const Value made = make.add(std::move(step));
    output(make, made);
    if (form.gates == 4) {
      tool::foreign::Step cell;
      cell.op = "result";
      cell.dims = {1, 5};
      cell.in = {made.step};
      output(make, make.add(std::move(cell)), "cell");
    }
    expect_like_reference(make.network);
  }
}

TEST(Lowering, NormalisesAndMultiplies) {
  Maker make;
  const Value x = input(make, {2, 3, 4});
  for (const char* op : {"layer_norm", "rms_norm", "l2_norm"}) {
    tool::foreign::Step norm;
    norm.op = op;
    norm.dims = {2, 3, 4};
    norm.axes = {1, 2};
    norm.alpha = 1e-5F;
    norm.in = {x.step};
    if (norm.op != "l2_norm") norm.weights.push_back(weights({12}));
    if (norm.op == "layer_norm") norm.weights.push_back(weights({12}));
    output(make, make.add(std::move(norm)));
  }
  tool::foreign::Step lrn;
  lrn.op = "lrn";
  lrn.dims = {1, 2, 3, 4};
  lrn.number = 4;
  lrn.alpha = 0.5F, lrn.beta = 0.75F;
  lrn.extra = {1.25F};
  lrn.in = {make.laid_out(make.reshape(x, {1, 2, 3, 4}))};
  output(make, make.add(std::move(lrn)));
  const Value y = input(make, {2, 5, 4}, "y");
  output(make, make.matmul(x, y, true));
  output(make, make.matmul(make.transpose(x, {0, 2, 1}), x));
  for (const std::int64_t axis : {0, 1, 2}) {
    output(make, make.along("softmax", x, axis));
    output(make, make.along("log_softmax", x, axis));
    output(make, make.arg("argmax", x, axis, false));
  }
  expect_like_reference(make.network);
}

/// Three states hand their values on in a circle, and one keeps what it was.
TEST(Lowering, StatesChangePlaces) {
  Maker make;
  const Value x = input(make, {1, 4});
  std::vector<Value> states;
  for (const char* name : {"a", "b", "c", "still"}) {
    tool::foreign::Step state;
    state.op = "state";
    state.dims = {1, 4};
    state.name = name;
    state.weights.push_back(counted({1, 4}, static_cast<double>(states.size())));
    states.push_back(make.add(std::move(state)));
  }
  Value sum = x;
  for (const Value& state : states) sum = make.binary("add", make.binary("mul", sum, make.scalar(0.5)), state);
  output(make, sum);
  output(make, states[1], "b itself");
  for (std::size_t i = 0; i < 4; ++i) {
    tool::foreign::Step assign;
    assign.op = "assign";
    assign.dims = {1, 4};
    assign.in = {states[i].step, states[i < 3 ? (i + 1) % 3 : i].step};
    make.add(std::move(assign));
  }
  expect_like_reference(make.network, 5);
}

TEST(Lowering, ShiftRegistersKeepTheLastInputs) {
  Maker make;
  const Value x = input(make, {1, 3});
  tool::foreign::Step state;
  state.op = "state";
  state.dims = {1, 2, 3};
  const Value kept = make.add(std::move(state));
  const Value frame = make.reshape(x, {1, 1, 3});
  const Value window = make.concat({kept, frame}, 1);
  output(make, make.reduce("reduce_sum", window, {1}, false));
  tool::foreign::Step assign;
  assign.op = "assign";
  assign.dims = {1, 2, 3};
  assign.in = {kept.step, make.laid_out(make.slice(window, {0, 1, 0}, {1, 1, 1}, {1, 2, 3}))};
  make.add(std::move(assign));
  expect_like_reference(make.network, 4);
}

}  // namespace
}  // namespace mote::test
