// SPDX-License-Identifier: Apache-2.0
// See split.hpp.
#include "tool/commands/split.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "mote/train/random.hpp"

namespace mote::tool {
namespace {

constexpr std::uint64_t kSplitEpoch = ~std::uint64_t{0};  // a shuffle that no training epoch uses

/// The samples of each class, in the order of the shuffle; one class where there are no labels.
std::vector<std::vector<std::uint32_t>> shuffled_classes(std::span<const std::int32_t> labels, std::uint32_t count,
                                                         std::uint64_t seed) {
  std::map<std::int32_t, std::vector<std::uint32_t>> classes;
  const ShuffledIndices order(count, seed, kSplitEpoch);
  for (std::uint32_t i = 0; i < count; ++i) classes[labels.empty() ? 0 : labels[order[i]]].push_back(order[i]);
  std::vector<std::vector<std::uint32_t>> out;
  for (auto& [label, samples] : classes) out.push_back(std::move(samples));
  return out;
}

}  // namespace

Split split_off(std::span<const std::int32_t> labels, std::uint32_t count, double fraction, std::uint64_t seed) {
  const std::vector<std::vector<std::uint32_t>> classes = shuffled_classes(labels, count, seed);
  std::vector<std::size_t> shares(classes.size()), by_rest(classes.size());
  std::vector<double> rests(classes.size());
  auto missing = static_cast<std::size_t>(std::llround(fraction * static_cast<double>(count)));
  for (std::size_t k = 0; k < classes.size(); ++k) {
    const double share = fraction * static_cast<double>(classes[k].size());
    shares[k] = static_cast<std::size_t>(share);
    rests[k] = share - static_cast<double>(shares[k]);
    missing -= std::min(missing, shares[k]);
  }
  std::iota(by_rest.begin(), by_rest.end(), 0U);
  std::stable_sort(by_rest.begin(), by_rest.end(), [&](std::size_t a, std::size_t b) { return rests[a] > rests[b]; });
  for (const std::size_t k : by_rest) {
    if (missing == 0) break;
    if (shares[k] + 1 >= classes[k].size() && !labels.empty()) continue;
    ++shares[k], --missing;
  }
  std::vector<char> is_held_out(count, 0);
  for (std::size_t k = 0; k < classes.size(); ++k)
    for (std::size_t i = 0; i < shares[k]; ++i) is_held_out[classes[k][i]] = 1;
  Split out;
  const ShuffledIndices order(count, seed, kSplitEpoch);
  for (std::uint32_t i = 0; i < count; ++i) (is_held_out[order[i]] != 0 ? out.held_out : out.train).push_back(order[i]);
  return out;
}

std::vector<std::uint32_t> folds_of(std::span<const std::int32_t> labels, std::uint32_t count, std::uint32_t folds,
                                    std::uint64_t seed) {
  std::vector<std::uint32_t> out(count);
  std::uint32_t next = 0;  // goes on from class to class, so that the sizes of the folds stay even
  for (const std::vector<std::uint32_t>& samples : shuffled_classes(labels, count, seed))
    for (const std::uint32_t i : samples) out[i] = next++ % folds;
  return out;
}

}  // namespace mote::tool
