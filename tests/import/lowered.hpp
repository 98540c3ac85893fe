// SPDX-License-Identifier: Apache-2.0
// A network that was imported, run through its records: what they compute is held to NetworkReference.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "import/network_reference.hpp"
#include "mote/model/validate.hpp"
#include "mote/run/session.hpp"
#include "tool/import/lower.hpp"
#include "tool/models/memory_plan.hpp"

namespace mote::test {

/// A model's session with an arena of its own.
class LoweredNetwork {
 public:
  explicit LoweredNetwork(const tool::foreign::Network& network) : network_(network) {
    std::vector<tool::foreign::NotLowered> refused;
    model_ = tool::foreign::lower(network, refused);
    for (const tool::foreign::NotLowered& one : refused) ADD_FAILURE() << network.steps[one.step].op << ": " << one.why;
    if (!refused.empty()) return;
    const Status status = validate(model_.view());
    EXPECT_TRUE(status.ok()) << describe(status) << " in layer " << status.layer;
    if (!status.ok()) return;
    arena_ = tool::AlignedBytes(tool::plan_of(model_, {.alignment = 64}).arena_bytes());
    session_ = Session::create(model_.view(), arena_.span(), {.alignment = 64});
    EXPECT_TRUE(session_.ok()) << describe(session_.status());
  }
  LoweredNetwork(const LoweredNetwork&) = delete;
  LoweredNetwork& operator=(const LoweredNetwork&) = delete;

  [[nodiscard]] const tool::OwnedModel& model() const { return model_; }
  [[nodiscard]] bool made() const { return session_.ok(); }

  std::vector<std::vector<double>> run(const std::vector<Tensor>& inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      switch (model_.layers[model_.view().input_layer(i)].dtype) {
        case DType::s32: put(inputs[i], session_->input<std::int32_t>(i)); break;
        case DType::boolean: put(inputs[i], session_->input<std::uint8_t>(i)); break;
        default: put(inputs[i], session_->input<float>(i));
      }
    }
    session_->run();
    std::vector<std::vector<double>> out;
    for (std::size_t i = 0; i < model_.view().output_count(); ++i) {
      switch (model_.layers[model_.view().output_layer(i)].dtype) {
        case DType::s32: out.push_back(got(session_->output<std::int32_t>(i))); break;
        case DType::boolean: out.push_back(got(session_->output<std::uint8_t>(i))); break;
        default: out.push_back(got(session_->output<float>(i)));
      }
    }
    return out;
  }

 private:
  template <class T>
  static void put(const Tensor& from, Values<T> to) {
    ASSERT_EQ(from.values.size(), to.size());
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<T>(from.values[i]);
  }
  template <class T>
  static std::vector<double> got(Values<T> from) {
    std::vector<double> out;
    for (const T& value : from) out.push_back(static_cast<double>(value));
    return out;
  }

  const tool::foreign::Network& network_;
  tool::OwnedModel model_;
  tool::AlignedBytes arena_;
  Result<Session> session_ = Status{Code::not_created};
};

/// Some runs on inputs out of a fixed series: whole numbers get whole ones, booleans 0 and 1.
inline void expect_like_reference(const tool::foreign::Network& network, int runs = 2, double tolerance = 1e-5) {
  using tool::foreign::Type;
  LoweredNetwork lowered(network);
  if (!lowered.made()) return;
  NetworkReference reference(network);
  std::uint32_t state = 1;
  const auto next = [&state] { return (state = state * 1664525U + 1013904223U) >> 8U; };
  for (int run = 0; run < runs; ++run) {
    std::vector<Tensor> inputs;
    for (const tool::foreign::End& end : network.inputs) {
      Tensor& made = inputs.emplace_back(Tensor{end.dims, {}});
      for (std::int64_t i = 0; i < tool::foreign::count_of(end.dims); ++i) {
        const double part = static_cast<double>(next()) / 16777216.0;
        made.values.push_back(end.type == Type::f32 ? 2.0 * part - 1.0 : std::floor(2.0 * part));
      }
    }
    const std::vector<Tensor> expected = reference.run(inputs);
    const std::vector<std::vector<double>> got = lowered.run(inputs);
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      ASSERT_EQ(got[i].size(), expected[i].values.size()) << "output " << i;
      for (std::size_t k = 0; k < got[i].size(); ++k)
        ASSERT_NEAR(got[i][k], expected[i].values[k], tolerance * std::max(1.0, std::abs(expected[i].values[k])))
            << "run " << run << ", output " << i << ", element " << k;
    }
  }
}

}  // namespace mote::test
