// SPDX-License-Identifier: Apache-2.0
// SPACE_TO_BATCH and BATCH_TO_SPACE: around a convolution they are dilation in disguise, and become it.
#pragma once

#include "tool/import/network.hpp"

namespace mote::tool::foreign {

/// Blocks of the axes behind the first; pads before and after each.
Value space_to_batch(Maker& make, const Value& v, const Dims& blocks, const Dims& pads);
/// The inverse, with crops. Where all between the two treats every part of the image alike, the two fall away.
Value batch_to_space(Maker& make, const Value& v, const Dims& blocks, const Dims& crops);

}  // namespace mote::tool::foreign
