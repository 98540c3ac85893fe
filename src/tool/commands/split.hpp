// SPDX-License-Identifier: Apache-2.0
// Which samples are held out: a validation part or the folds of a cross-validation. By seed, and with every class in
// its share. Knows only labels and counts.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace mote::tool {

struct Split {
  std::vector<std::uint32_t> train, held_out;
};

/// Holds out round(fraction * count) of 0 … count - 1, drawn by `seed`. With `labels` (one for each; empty: none) a
/// class of n samples gives fraction * n of them, rounded down or up so that the sum is right: up where the rest is
/// largest. At least one sample of every class stays for training, so that fewer are held out where classes are tiny.
Split split_off(std::span<const std::int32_t> labels, std::uint32_t count, double fraction, std::uint64_t seed);

/// The fold, 0 … folds - 1, of each sample, drawn by `seed`. Sizes of folds differ by at most 1, and so do the numbers
/// of samples that they have of a class.
std::vector<std::uint32_t> folds_of(std::span<const std::int32_t> labels, std::uint32_t count, std::uint32_t folds,
                                    std::uint64_t seed);

}  // namespace mote::tool
