// SPDX-License-Identifier: Apache-2.0
// One picture from a PNG or JPEG file, and the size and channels that a network asks for. Folders of them are
// picture_folder.hpp's. Relies on libpng and libjpeg-turbo, which read what cameras and programs write and are fuzzed
// by others all day; here their errors become Errors, and sizes are bounded before a pixel is decoded.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mote::tool {

/// Rows from the top, 8 bits a channel: 1 (grey) or 3 (red, green, blue).
struct Picture {
  std::uint32_t height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;  ///< height x width x channels
};

/// The most pixels that a file may have; a telephone's largest pictures have 108 million.
constexpr std::uint64_t kMostPixels = std::uint64_t{1} << 27U;

/// Decodes the bytes of a PNG or JPEG file, told apart by their first bytes; `path` names them in errors.
/// Values are those stored in the file: 16 bits are rounded to 8, palettes looked up, CMYK inks become
/// (1 - ink)(1 - black), transparency is ignored; only a PNG's gAMA chunk changes values, to those of sRGB. A JPEG
/// picture is turned as its Exif orientation says, so that it stands as viewers show it. Throws on damage, even where a
/// viewer would show the rest, and on other formats, which it names.
Picture decode_picture(std::span<const std::uint8_t> bytes, const std::string& path);
/// Reads the file and decodes it.
Picture read_picture(const std::string& path);

/// To `channels` 1 or 3: grey is (299 R + 587 G + 114 B) / 1000 rounded to nearest, and colours of grey are three times
/// it.
Picture with_channels(const Picture& picture, std::uint32_t channels);

/// To another size, each axis for itself; sides are stretched, nothing is cut off. Along an axis from n to m pixels,
/// with s = n / m and r = max(s, 1), pixel j becomes the mean of pixels i with weights max(0, 1 - |i + 1/2 - (j + 1/2)
/// s| / r): bilinear interpolation where it grows, and where it shrinks a triangle as wide as two new pixels, so that
/// every old pixel counts. Rounded to nearest once, after both axes.
Picture resized(const Picture& picture, std::uint32_t height, std::uint32_t width);

}  // namespace mote::tool
