// SPDX-License-Identifier: Apache-2.0
// What a core can do with an instruction set, as loops that are timed (kernels/peak_loops.hpp). Shared with bench/.
#pragma once

#include <cstddef>

#include "mote/model/layer.hpp"

namespace mote::tool {

/// Multiply-adds that wait for nothing but each other.
struct PeakLoop {
  std::size_t multiply_adds;  ///< of one step
  void (*run)(std::size_t steps);
};

struct Ceilings {
  const char* isa;
  PeakLoop f32, s8, s16;                                 ///< s8, s16: the type that int8 weights are multiplied with
  void (*read)(const float* values, std::size_t count);  ///< count a multiple of 256

  [[nodiscard]] const PeakLoop& of(DType type) const { return type == DType::s8 ? s8 : type == DType::s16 ? s16 : f32; }
};

/// Those of the instruction set, as mote::isa_name() calls it.
const Ceilings& ceilings_of(const char* isa);

}  // namespace mote::tool
