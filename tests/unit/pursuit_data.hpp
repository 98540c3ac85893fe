// SPDX-License-Identifier: Apache-2.0
// What the tests of projection pursuit share: R's numbers (tests/golden/projection_pursuit.R), memory, the rock data
// and ridge functions without noise. No heap; runs on bare metal.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "check.hpp"
#include "kernels/guarded.hpp"
#include "mote/model/builders.hpp"
#include "mote/pursuit/projection_pursuit.hpp"

namespace mote::test {

namespace golden {
#include "golden/pursuit_values.inc"
}  // namespace golden

inline constexpr std::size_t kArenaBytes = 200 * 1024;
alignas(16) inline std::array<std::byte, kArenaBytes> arena;
alignas(16) inline std::array<std::byte, 8 * 1024> params;

inline constexpr auto kRock1 = projection_pursuit(3, 1, 48);
inline constexpr auto kRock2 = projection_pursuit(3, 2, 48);
inline constexpr auto kRock3 = projection_pursuit(3, 3, 48);
inline constexpr PursuitData kRock{golden::kRockInputs, golden::kRockTargets, {}};

template <std::size_t N>
Result<PursuitReport> fit(const Network<N>& network, const PursuitData& data, const PursuitConfig& config,
                          const PursuitPath& path = {}) {
  return fit_projection_pursuit(network.model(), data, config, params, arena, path);
}
inline const float* layer(const Model& model, std::size_t index) {
  return reinterpret_cast<const float*>(params.data() + model.layers[index].param_offset);
}

// Ridge functions without noise: y = wave(p) + square(q) / 4 and parts of it, as in the script.
inline constexpr std::size_t kSamples = 150, kFeatures = 4;
inline constexpr double kFirst[kFeatures] = {1.0, 2.0, -1.0, 0.5}, kSecond[kFeatures] = {1.0, -1.0, 0.0, 2.0};
inline std::array<float, kSamples * kFeatures> inputs;
inline std::array<float, kSamples> wave, both, parabola;
inline std::array<float, 2 * kSamples> pairs;

inline void make_ridges() {
  Numbers(7).fill(inputs.data(), inputs.size());
  for (std::size_t i = 0; i < kSamples; ++i) {
    double p = 0.0, q = 0.0;
    for (std::size_t j = 0; j < kFeatures; ++j) {
      p += kFirst[j] * static_cast<double>(inputs[i * kFeatures + j]);
      q += kSecond[j] * static_cast<double>(inputs[i * kFeatures + j]);
    }
    const double bend = 2.0 * p / (1.0 + p * p);
    wave[i] = static_cast<float>(bend), parabola[i] = static_cast<float>(q * q);
    both[i] = static_cast<float>(bend + q * q / 4.0);
    pairs[2 * i] = wave[i], pairs[2 * i + 1] = parabola[i];
  }
}

/// Between a direction of the model in `params` and `truth`, in degrees.
inline double angle(const Model& model, std::size_t term, std::span<const double> truth) {
  const std::size_t terms = model.layers[1].shape.c;
  double product = 0.0, squares = 0.0;
  for (std::size_t j = 0; j < truth.size(); ++j) {
    product += static_cast<double>(layer(model, 1)[j * terms + term]) * truth[j];
    squares += truth[j] * truth[j];
  }
  const double cosine = std::fabs(product) / std::sqrt(squares);
  return std::acos(cosine < 1.0 ? cosine : 1.0) * 180.0 / std::acos(-1.0);
}
inline double nearest(const Model& model, std::size_t terms, std::span<const double> truth) {
  double best = 90.0;
  for (std::size_t m = 0; m < terms; ++m) best = std::min(best, angle(model, m, truth));
  return best;
}

inline constexpr auto kOne = projection_pursuit(kFeatures, 1, 40);
inline constexpr auto kTwo = projection_pursuit(kFeatures, 2, 40);
inline constexpr auto kTwoOutputs = projection_pursuit(kFeatures, 2, 40, 2);

}  // namespace mote::test
