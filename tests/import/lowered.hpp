// SPDX-License-Identifier: Apache-2.0
// A network that was imported, run through its records: what they compute is held to NetworkReference.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "import/model_runner.hpp"
#include "import/network_reference.hpp"
#include "tool/import/lower.hpp"

namespace mote::test {

/// The network's records; failures where there are none.
inline tool::OwnedModel lowered(const tool::foreign::Network& network) {
  std::vector<tool::foreign::NotLowered> refused;
  tool::OwnedModel model = tool::foreign::lower(network, refused);
  for (const tool::foreign::NotLowered& one : refused) ADD_FAILURE() << network.steps[one.step].op << ": " << one.why;
  return model;
}

/// Some runs on inputs out of a fixed series: whole numbers get whole ones, booleans 0 and 1.
inline void expect_like_reference(const tool::foreign::Network& network, int runs = 2, double tolerance = 1e-5) {
  using tool::foreign::Type;
  ModelRunner records(lowered(network));
  if (!records.made()) return;
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
    std::vector<std::vector<double>> values;
    for (const Tensor& input : inputs) values.push_back(input.values);
    const std::vector<std::vector<double>> got = records.run(values);
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
