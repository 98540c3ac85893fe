// SPDX-License-Identifier: Apache-2.0
// Files of networks with parameters, and how their bytes are changed. For the tests of this folder.
#pragma once

#include "check.hpp"
#include "file/exercise_model.hpp"
#include "unit/random_graph.hpp"

namespace mote::test {

/// The file of a network, with parameters between 0 and 1/2 where it has none, and a description at its end.
inline std::vector<std::byte> file_of(Model model, std::uint32_t seed = 1, std::string_view description = {}) {
  Random random(seed);
  std::vector<float> params(model.param_bytes / sizeof(float) + 1);
  for (float& p : params) p = 0.25F + 0.25F * random.real();
  if (model.params == nullptr) model.params = reinterpret_cast<const std::byte*>(params.data());
  std::vector<std::byte> file(model_file_bytes(model, description));
  EXPECT_TRUE(write_model(model, file, description).ok());
  return file;
}

template <class T>
void put(std::span<std::byte> file, std::size_t offset, T value) {
  std::memcpy(file.data() + offset, &value, sizeof value);
}
/// Where record `layer` begins.
constexpr std::size_t record(std::size_t layer) { return sizeof(FileHeader) + layer * sizeof(Layer); }

}  // namespace mote::test
