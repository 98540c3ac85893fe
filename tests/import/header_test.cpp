// SPDX-License-Identifier: Apache-2.0
// Headers that mote import --header wrote during the build: they compile, and static sessions of them compute what the
// file's model does.
#include <algorithm>

#include "import/model_runner.hpp"
#include "imported/convolutions.hpp"
#include "imported/streaming.hpp"
#include "tool/models/model_header.hpp"
#include "tool/models/model_source.hpp"

namespace mote::test {
namespace {

constinit StaticSession<convolutions::kNet, convolutions::kParams> session;
constinit StaticSession<streaming::kNet, streaming::kParams> with_state;

std::string model(const char* name) { return std::string(MOTE_SOURCE_DIR "/tests/models/") + name; }

std::vector<double> values(std::size_t count, int run) {
  std::vector<double> out(count);
  for (std::size_t i = 0; i < count; ++i)
    out[i] = static_cast<double>(static_cast<float>((static_cast<int>(i) * 7 + run * 5) % 13) / 13.0F - 0.5F);
  return out;
}
template <class T>
std::vector<double> doubles(Values<T> from) {
  return {from.begin(), from.end()};
}

TEST(Header, ComputesWhatTheFileDoes) {
  ModelRunner runner(tool::load_model(model("convolutions.onnx")));
  const std::vector<double> sample = values(session.input<float>().size(), 0);
  std::copy(sample.begin(), sample.end(), session.input<float>().begin());
  session.run();
  const auto expected = runner.run({sample});
  EXPECT_EQ(doubles(session.output<float>()), expected[0]);
  EXPECT_EQ((doubles(session.output<float, 1>())), expected[1]);
}

TEST(Header, KeepsStates) {
  ModelRunner runner(tool::load_model(model("streaming.tflite")));
  for (int run = 0; run < 4; ++run) {
    const std::vector<double> sample = values(3, run);
    std::copy(sample.begin(), sample.end(), with_state.input<float>().begin());
    with_state.run();
    const auto expected = runner.run({sample});
    EXPECT_EQ(doubles(with_state.output<float>()), expected[0]) << run;
    EXPECT_EQ((doubles(with_state.output<float, 1>())), expected[1]) << run;
  }
}

TEST(Header, NamesAreIdentifiers) {
  EXPECT_EQ(tool::header_name("a/KWS v2.1.hpp"), "kws_v2_1");
  EXPECT_EQ(tool::header_name("2nd-model.hpp"), "model_2nd_model");
  EXPECT_EQ(tool::header_name("mote.hpp"), "model_mote");
  EXPECT_EQ(tool::header_name(".hpp"), "hpp");
  EXPECT_EQ(tool::header_name("--.hpp"), "model_");
}

}  // namespace
}  // namespace mote::test
