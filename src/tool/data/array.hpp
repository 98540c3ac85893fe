// SPDX-License-Identifier: Apache-2.0
// A numeric array as files hold it: element type, dimensions, bytes. What the readers of this folder make.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "mote/model/float16.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool {

enum class Element : std::uint8_t { boolean, u8, s8, u16, s16, u32, s32, u64, s64, f32, f64, f16 };

constexpr std::size_t bytes_of(Element element) {
  switch (element) {
    case Element::boolean:
    case Element::u8:
    case Element::s8: return 1;
    case Element::u16:
    case Element::s16:
    case Element::f16: return 2;
    case Element::u32:
    case Element::s32:
    case Element::f32: return 4;
    default: return 8;
  }
}
constexpr bool is_real(Element element) {
  return element == Element::f32 || element == Element::f64 || element == Element::f16;
}

/// C order, the machine's byte order. dims[0] counts the samples.
struct Array {
  Element element = Element::f32;
  std::vector<std::uint64_t> dims;
  std::vector<std::uint8_t> bytes;
  std::string path;                ///< for messages
  std::uint64_t header_bytes = 0;  ///< element i lies so many bytes + i * bytes_of(element) into the file; 0: elsewhere

  [[nodiscard]] std::uint64_t count() const { return bytes.size() / bytes_of(element); }
  template <class T>
  [[nodiscard]] T element_as(std::uint64_t i) const {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    return value;
  }
  /// Element `i` as a double or a float, rounded once.
  template <class Real = double>
  [[nodiscard]] Real at(std::uint64_t i) const {
    switch (element) {
      case Element::boolean: return bytes[i] != 0 ? Real{1} : Real{0};
      case Element::u8: return static_cast<Real>(element_as<std::uint8_t>(i));
      case Element::s8: return static_cast<Real>(element_as<std::int8_t>(i));
      case Element::u16: return static_cast<Real>(element_as<std::uint16_t>(i));
      case Element::s16: return static_cast<Real>(element_as<std::int16_t>(i));
      case Element::u32: return static_cast<Real>(element_as<std::uint32_t>(i));
      case Element::s32: return static_cast<Real>(element_as<std::int32_t>(i));
      case Element::u64: return static_cast<Real>(element_as<std::uint64_t>(i));
      case Element::s64: return static_cast<Real>(element_as<std::int64_t>(i));
      case Element::f32: return static_cast<Real>(element_as<float>(i));
      case Element::f64: return static_cast<Real>(element_as<double>(i));
      case Element::f16: return static_cast<Real>(detail::half_value(element_as<std::uint16_t>(i)));
    }
    return Real{0};
  }
};

/// Every group of `width` bytes back to front: from the other byte order to the machine's.
inline void swap_bytes(std::vector<std::uint8_t>& bytes, std::size_t width) {
  if (width == 1) return;
  for (auto first = bytes.begin(); bytes.end() - first >= static_cast<std::ptrdiff_t>(width);
       first += static_cast<std::ptrdiff_t>(width))
    std::reverse(first, first + static_cast<std::ptrdiff_t>(width));
}

/// "60000x28x28".
inline std::string dims_text(const std::vector<std::uint64_t>& dims) {
  std::string out;
  for (const std::uint64_t dim : dims) {
    if (!out.empty()) out += 'x';
    out += std::to_string(dim);
  }
  return out.empty() ? "scalar" : out;
}

/// Product of the dimensions times `element_bytes`; throws (naming `path`) beyond 2^48.
inline std::uint64_t checked_bytes(const std::vector<std::uint64_t>& dims, std::size_t element_bytes,
                                   const std::string& path) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 48;
  std::uint64_t total = element_bytes;
  for (const std::uint64_t dim : dims) {
    if (dim != 0 && total > kMost / dim)
      throw data_error("the header promises " + dims_text(dims) + " elements, more than any machine holds",
                       "the file is damaged or of another format")
          .in(path);
    total *= dim;
  }
  return total;
}

}  // namespace mote::tool
