// SPDX-License-Identifier: Apache-2.0
// The one thing that pictures need of Exif: which way up the camera was held.
#pragma once

#include <cstdint>
#include <span>

#include "tool/data/picture.hpp"

namespace mote::tool {

/// The orientation (tag 0x0112) in an Exif block, 1 to 8; 1, upright, where the block is none, damaged or silent.
unsigned exif_orientation(std::span<const std::uint8_t> block);

/// The picture upright, given how it lies: 2 mirrored left and right, 3 turned by half, 4 mirrored up and down, 5 with
/// lines and columns exchanged, 6 to be turned right by a quarter, 7 both mirrored and exchanged, 8 to be turned left.
Picture oriented(const Picture& picture, unsigned orientation);

}  // namespace mote::tool
