// SPDX-License-Identifier: Apache-2.0
// Elements of 1, 2 or 4 bytes for kernels that move values without reading them. The types may stand for any other, as
// characters may. Internal linkage: compiled once per instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernel_namespace.hpp"
#include "mote/kernels/kernels.hpp"

namespace mote::MOTE_KERNELS {
namespace {

struct [[gnu::may_alias]] Element1 {
  std::uint8_t bits;
};
struct [[gnu::may_alias]] Element2 {
  std::uint16_t bits;
};
struct [[gnu::may_alias]] Element4 {
  std::uint32_t bits;
};

template <class Element>
const Element* elements(const std::byte* p) {
  return reinterpret_cast<const Element*>(p);
}
template <class Element>
Element* elements(std::byte* p) {
  return reinterpret_cast<Element*>(p);
}

/// body(Element{}) for the element of so many bytes.
template <class Body>
inline void with_element(std::uint32_t bytes, const Body& body) {
  if (bytes == 4) return body(Element4{});
  if (bytes == 2) return body(Element2{});
  body(Element1{});
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
