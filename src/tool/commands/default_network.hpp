// SPDX-License-Identifier: Apache-2.0
// What `mote train` does where the person says nothing: a network for the data, and how it is trained.
#pragma once

#include <string>

#include "tool/data/data_set.hpp"

namespace mote::tool {

/// A network in text form that fits samples and labels or targets:
/// - features of a table or flat array: standardize and 32 tanh; but 100 relu where all inputs have a deviation of 0.2
///   to 5 and a mean within ±10, since their own scales say something then; one output a class or target;
/// - windows: standardize, noise, 100 relu over the whole window, dropout;
/// - pictures of at least 8 x 8: two convolutions with max pools (16 and 32 of 3 x 3), behind a standardize where a
///   channel's deviation is not within 0.05 to 5 or its mean not within ±10 (bytes are in [0, 1], and gain nothing by
///   it).
/// Throws where classes cannot be told: whole numbers with too many different values, samples that are targets.
std::string default_network(const DataSet& data);

/// Tables of up to a million rows are trained over all rows at once: L-BFGS, 200 iterations, and a penalty that counts
/// as much as a few samples whatever their number: l2 = 10 / n, targets in units of their variance; 1 / n for labels
/// of inputs that are not standardised.
struct DefaultTraining {
  bool full_batch = false;
  unsigned epochs = 0;
  float l2 = 0.0F;
};
/// For anything else, and where the person chose an optimiser: Adam, for 3 000 updates, but at least 10 epochs and at
/// most 500.
DefaultTraining default_training(const DataSet& data, bool optimizer_chosen, std::uint32_t batch);

}  // namespace mote::tool
