// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy, versions 1 to 3: read (bool, integers of 8 to 64 bits, float16 to float64; either byte order, C and
// Fortran order) and written (version 1, '<f4' and others).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "tool/data/array.hpp"
#include "tool/data/file_io.hpp"

namespace mote::tool {

/// Gives the next bytes of something, as many as asked for; fewer only at its end.
using ReadBytes = std::function<std::vector<std::uint8_t>(std::uint64_t size)>;

/// Reads one array from front to back; `path` names it in errors. float16 becomes Element::f32. Memory grows with what
/// is there, not with what the header promises.
Array read_npy(const ReadBytes& read, const std::string& path);
/// Reads one .npy file, plain or .gz. Errors name the file and say how numpy writes what can be read.
Array read_npy(const std::string& path);

/// The bytes before the elements of an .npy file; their number is a multiple of 64.
std::string npy_header(Element element, std::span<const std::uint64_t> dims);

/// Writes a float32 array; the file appears complete or not at all.
void write_npy(const std::string& path, std::span<const std::uint64_t> dims, std::span<const float> values);

/// Any element type; `bytes` holds product(dims) elements.
void write_npy(const std::string& path, Element element, std::span<const std::uint64_t> dims,
               std::span<const std::byte> bytes);

}  // namespace mote::tool
