// SPDX-License-Identifier: Apache-2.0
// Exif is a TIFF directory behind "Exif\0\0"; every offset is checked before it is followed.
#include "tool/data/exif.hpp"

#include <cstring>

namespace mote::tool {

unsigned exif_orientation(std::span<const std::uint8_t> block) {
  constexpr std::size_t kName = 6, kTag = 0x0112, kShort = 3;
  if (block.size() < kName + 8 || std::memcmp(block.data(), "Exif\0\0", kName) != 0) return 1;
  const std::span<const std::uint8_t> tiff = block.subspan(kName);
  const bool little = tiff[0] == 'I';
  const auto number = [&](std::size_t at, std::size_t width) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value = value << 8U | tiff[little ? at + width - 1 - i : at + i];
    return value;
  };
  const std::size_t directory = number(4, 4);
  if (directory > tiff.size() - 2) return 1;
  const std::size_t entries = number(directory, 2);
  for (std::size_t i = 0, at = directory + 2; i < entries && at + 12 <= tiff.size(); ++i, at += 12) {
    if (number(at, 2) != kTag || number(at + 2, 2) != kShort) continue;
    const std::size_t value = number(at + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<unsigned>(value) : 1;
  }
  return 1;
}

Picture oriented(const Picture& picture, unsigned orientation) {
  const bool exchanged = orientation >= 5;
  Picture out{
      exchanged ? picture.width : picture.height, exchanged ? picture.height : picture.width, picture.channels, {}};
  out.pixels.resize(picture.pixels.size());
  for (std::size_t y = 0; y < out.height; ++y)
    for (std::size_t x = 0; x < out.width; ++x) {
      std::size_t row = exchanged ? x : y, column = exchanged ? y : x;  // in `picture`
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) row = picture.height - 1 - row;
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8)
        column = picture.width - 1 - column;
      std::memcpy(out.pixels.data() + (y * out.width + x) * picture.channels,
                  picture.pixels.data() + (row * picture.width + column) * picture.channels, picture.channels);
    }
  return out;
}

}  // namespace mote::tool
