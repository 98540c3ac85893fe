// SPDX-License-Identifier: Apache-2.0
// A model of any input and output types, run with doubles.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "mote/model/validate.hpp"
#include "mote/run/session.hpp"
#include "tool/models/memory_plan.hpp"
#include "tool/models/model_text.hpp"

namespace mote::test {

class ModelRunner {
 public:
  explicit ModelRunner(tool::OwnedModel model) : model_(std::move(model)) {
    const Status status = validate(model_.view());
    EXPECT_TRUE(status.ok()) << describe(status) << " in layer " << status.layer;
    if (!status.ok()) return;
    arena_ = tool::AlignedBytes(tool::plan_of(model_, {.alignment = 64}).arena_bytes());
    session_ = Session::create(model_.view(), arena_.span(), {.alignment = 64});
    EXPECT_TRUE(session_.ok()) << describe(session_.status());
  }
  ModelRunner(const ModelRunner&) = delete;
  ModelRunner& operator=(const ModelRunner&) = delete;

  [[nodiscard]] const tool::OwnedModel& model() const { return model_; }
  [[nodiscard]] bool made() const { return session_.ok(); }

  /// Quantised values, which have one right answer.
  [[nodiscard]] bool gives_integers() const { return quantized(model_.layers[model_.view().output_layer()].dtype); }

  /// Elements of the outputs.
  std::vector<std::vector<double>> run(const std::vector<std::vector<double>>& inputs) {
    for (std::size_t i = 0; i < model_.view().input_count(); ++i) {
      switch (model_.layers[model_.view().input_layer(i)].dtype) {
        case DType::s8: put(inputs.at(i), session_->input<std::int8_t>(i)); break;
        case DType::u8:
        case DType::boolean: put(inputs.at(i), session_->input<std::uint8_t>(i)); break;
        case DType::s16: put(inputs.at(i), session_->input<std::int16_t>(i)); break;
        case DType::s32: put(inputs.at(i), session_->input<std::int32_t>(i)); break;
        default: put(inputs.at(i), session_->input<float>(i));
      }
    }
    session_->run();
    std::vector<std::vector<double>> out;
    for (std::size_t i = 0; i < model_.view().output_count(); ++i) {
      switch (model_.layers[model_.view().output_layer(i)].dtype) {
        case DType::s8: out.push_back(got(session_->output<std::int8_t>(i))); break;
        case DType::u8:
        case DType::boolean: out.push_back(got(session_->output<std::uint8_t>(i))); break;
        case DType::s16: out.push_back(got(session_->output<std::int16_t>(i))); break;
        case DType::s32: out.push_back(got(session_->output<std::int32_t>(i))); break;
        default: out.push_back(got(session_->output<float>(i)));
      }
    }
    return out;
  }

 private:
  template <class T>
  static void put(const std::vector<double>& from, Values<T> to) {
    ASSERT_EQ(from.size(), to.size());
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<T>(from[i]);
  }
  template <class T>
  static std::vector<double> got(Values<T> from) {
    std::vector<double> out;
    for (const T& value : from) out.push_back(static_cast<double>(value));
    return out;
  }

  tool::OwnedModel model_;
  tool::AlignedBytes arena_;
  Result<Session> session_ = Status{Code::not_created};
};

/// The largest difference as a part of the largest expected value; 1e9 where there is something else.
inline double difference(const std::vector<double>& got, const std::vector<double>& expected) {
  if (got.size() != expected.size()) return 1e9;
  double largest = 0.0, most = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    const double here = std::abs(got[i] - expected[i]);
    if (!(here <= 1e9)) return 1e9;
    most = std::max(most, here);
  }
  return largest == 0.0 ? most : most / largest;
}

}  // namespace mote::test
