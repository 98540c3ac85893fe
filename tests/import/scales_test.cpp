// SPDX-License-Identifier: Apache-2.0
// Scales and zero points that no kernel takes: a network with one of them is refused by name, or its records keep the
// rules of records, whichever operator it is and wherever in it the number stands.
#include <gtest/gtest.h>

#include <limits>

#include "model/model_file.hpp"
#include "mote/model/validate.hpp"
#include "tool/import/call.hpp"
#include "tool/import/lower.hpp"

namespace mote::test {
namespace {

using namespace tool::foreign;

Scaling units(float scale, std::int64_t zero) { return {{scale}, {zero}, 0}; }

/// A network of one operator on values of `type`, as an importer makes it.
class OneOperator {
 public:
  explicit OneOperator(Type type) : type_(type) {}

  Value input(const Dims& dims, const char* name = "x") { return make.input(name, type_, dims, units(0.05F, 0)); }
  Literal weights(const Dims& dims) const {
    Literal out(Type::s8, dims);
    for (std::int64_t i = 0; i < out.count(); ++i) out.set(i, i % 7 - 3);
    out.scaling = units(0.004F, 0);
    return out;
  }
  Literal bias(std::int64_t count) const { return {Type::s32, {count}}; }
  Network result(const Value& v, float scale = 0.04F, std::int64_t zero = 0) {
    make.step(v).type = type_, make.step(v).scaling = units(scale, zero);
    make.network.outputs.push_back({make.laid_out(v), "y", make.dims(v), make.type(v)});
    return std::move(make.network);
  }

  Maker make;

 private:
  Type type_;
};

std::vector<Network> networks(Type type) {
  std::vector<Network> out;
  for (const char* op : {"sigmoid", "tanh", "relu", "relu6", "leaky_relu", "hard_swish", "elu", "abs", "softplus"}) {
    OneOperator one(type);
    const bool sigmoid = op[0] == 's' && op[1] == 'i', tanh = op[0] == 't', bytes = type == Type::s8;
    out.push_back(one.result(one.make.unary(op, one.input({1, 2, 2, 3}), op[0] == 'l' ? 0.3F : 0.0F),
                             sigmoid && bytes  ? 0x1p-8F
                             : tanh && bytes   ? 0x1p-7F
                             : sigmoid || tanh ? 0x1p-15F
                                               : 0.04F,
                             sigmoid && bytes ? -128 : 0));
  }
  for (const char* op : {"add", "sub", "mul", "div", "squared_difference", "maximum", "less"}) {
    OneOperator one(type);
    const Value x = one.input({1, 2, 2, 3}), y = one.input({1, 1, 1, 3}, "y");
    out.push_back(one.result(one.make.binary(op, x, y), op[1] == 'a' ? 0.05F : 0.11F));
  }
  for (const std::int64_t groups : {1, 3}) {
    OneOperator one(type);
    Window2d window;
    window.same = true;
    window.sliding = {.filter_h = 2, .filter_w = 2};
    const Literal bias = one.bias(6);
    out.push_back(one.result(convolve(one.make, one.input({1, 3, 3, 3}), one.weights({2, 2, groups == 1 ? 3 : 1, 6}),
                                      &bias, window, groups)));
  }
  {
    OneOperator one(type);
    Step dense;
    dense.op = "dense", dense.dims = {1, 5};
    dense.weights = {one.weights({4, 5}), one.bias(5)};
    dense.in = {one.make.laid_out(one.input({1, 4}))};
    out.push_back(one.result(one.make.add(std::move(dense))));
  }
  for (const char* op : {"softmax", "log_softmax"}) {
    OneOperator one(type);
    const bool bytes = type == Type::s8, logarithm = op[0] == 'l';
    out.push_back(one.result(one.make.along(op, one.input({1, 5}), -1),
                             logarithm ? 0x1p-4F
                             : bytes   ? 0x1p-8F
                                       : 0x1p-15F,
                             logarithm ? 127
                             : bytes   ? -128
                                       : 0));
  }
  for (const char* op : {"max_pool", "average_pool"}) {
    OneOperator one(type);
    Window2d window;
    window.sliding = {.filter_h = 2, .filter_w = 2, .stride_h = 2, .stride_w = 2};
    out.push_back(one.result(pool(one.make, one.input({1, 4, 4, 3}), op, window, false), 0.05F));
  }
  OneOperator mean(type), joined(type), moved(type);
  out.push_back(mean.result(mean.make.reduce("reduce_mean", mean.input({1, 4, 5, 3}), {1, 2}, false)));
  const Value x = joined.input({1, 3, 4}), y = joined.input({1, 3, 4}, "y");
  out.push_back(joined.result(joined.make.concat({x, y}, 2), 0.05F));
  out.push_back(moved.result(moved.make.transpose(moved.input({2, 3, 4}), {1, 0, 2}), 0.05F));
  return out;
}

/// Refused, or a model that keeps the rules.
bool lowers(const Network& network) {
  std::vector<NotLowered> refused;
  const tool::OwnedModel model = lower(network, refused);
  if (!refused.empty()) return false;
  EXPECT_TRUE(validate(model.view()).ok()) << describe(validate(model.view()));
  EXPECT_TRUE(validate_multipliers(model.view()).ok()) << describe(validate_multipliers(model.view()));
  return true;
}

TEST(Scales, ThatNoKernelTakes) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  int whole = 0, refused = 0, tried = 0;
  for (const Type type : {Type::s8, Type::s16})
    for (const Network& network : networks(type)) {
      whole += lowers(network) ? 1 : 0;
      for (std::size_t i = 0; i < network.steps.size(); ++i)
        for (std::size_t part = 0; part <= network.steps[i].weights.size(); ++part) {
          SCOPED_TRACE(network.steps[i].op + " in a network up to " + network.steps.back().op);
          const auto expect_answer = [&](const auto& change) {
            Network changed = network;
            Step& step = changed.steps[i];
            Scaling& scaling = part == 0 ? step.scaling : step.weights[part - 1].scaling;
            if (scaling.scales.empty()) return;
            change(scaling);
            ++tried, refused += lowers(changed) ? 0 : 1;
          };
          for (const float scale : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity, -1.0F, 0.0F, 1e-45F,
                                    1e-38F, 1e-30F, 1e-12F, 1e-6F, 1e3F, 1e6F, 1e12F, 1e30F, 3e38F})
            expect_answer([&](Scaling& s) { s.scales.front() = scale; });
          for (const std::int64_t zero : {std::int64_t{-40'000}, std::int64_t{-129}, std::int64_t{-128},
                                          std::int64_t{1}, std::int64_t{128}, std::int64_t{300}, std::int64_t{40'000},
                                          std::int64_t{1} << 40, std::numeric_limits<std::int64_t>::min()})
            expect_answer([&](Scaling& s) { s.zero_points.front() = zero; });
        }
    }
  EXPECT_GE(whole, 30);
  EXPECT_GT(tried, 1000);
  EXPECT_GT(refused, tried / 3);
  EXPECT_LT(refused, tried);
}

/// Whoever imports a model may store it: what was made from a file opens again.
TEST(Scales, ThatKernelsTakeGoIntoFiles) {
  for (const Type type : {Type::s8, Type::s16})
    for (const char* op : {"add", "sub", "mul", "squared_difference", "maximum"}) {
      OneOperator one(type);
      const Value x = one.input({1, 2, 2, 3}), y = one.input({1, 1, 1, 3}, "y");
      const Network network = one.result(one.make.binary(op, x, y), op[1] == 'a' ? 0.05F : 0.11F);
      ASSERT_TRUE(lowers(network)) << op;
      std::vector<NotLowered> refused;
      const tool::OwnedModel model = lower(network, refused);
      tool::AlignedBytes file(model_file_bytes(model.view()));
      ASSERT_TRUE(write_model(model.view(), file.span()).ok()) << op;
      EXPECT_TRUE(open_model(file.span()).ok()) << op << ": " << describe(open_model(file.span()).status());
    }
}

TEST(Scales, OfValuesThatAreNotQuantised) {
  OneOperator one(Type::s8);
  const Value soft = one.make.along("softmax", one.make.input("x", Type::s32, {1, 5}, {}), -1);
  one.make.step(soft).type = Type::s8, one.make.step(soft).scaling = units(0x1p-8F, -128);
  Step real;
  real.op = "dequantize", real.dims = {1, 5};
  real.in = {one.make.laid_out(soft)};
  const Value y = one.make.add(std::move(real));
  one.make.network.outputs.push_back({y.step, "y", {1, 5}, Type::f32});
  EXPECT_FALSE(lowers(one.make.network));
}

}  // namespace
}  // namespace mote::test
