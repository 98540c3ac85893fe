// SPDX-License-Identifier: Apache-2.0
// Random changes to training samples that leave their meaning alone: shift, flip, noise. Called by whoever fills the
// trainer's input, on the sample as it lies there. Relies on random.hpp: the same seed and number give the same change.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

#include <cstdint>
#include <span>

#include "mote/types.hpp"

namespace mote {

struct Augmentation {
  std::uint16_t shift = 0;  ///< up to so many pixels along height and width (sequences: along the length)
  bool flip = false;        ///< left and right exchanged in half of the samples
  float noise = 0.0F;       ///< standard deviation of normal noise on every value, after shift and flip
  float background = 0.0F;  ///< what a shift brings in
  [[nodiscard]] constexpr bool any() const { return shift != 0 || flip || noise > 0.0F; }
};

/// Moves the content of one sample (shape.elements() values) by `down` and `right` pixels, in place; what comes in is
/// `background`. Distances beyond the image leave only background.
void shift_image(std::span<float> sample, const Shape& shape, std::int32_t down, std::int32_t right, float background);

/// Exchanges left and right of one sample, in place.
void flip_image(std::span<float> sample, const Shape& shape);

/// Draws one change of the kinds wished for and applies it to one sample, in place. `number` counts samples, or is
/// anything else that tells draws apart: another number, another change. `sample` holds shape.elements() values.
void augment(std::span<float> sample, const Shape& shape, const Augmentation& wish, std::uint64_t seed,
             std::uint64_t number);

}  // namespace mote
