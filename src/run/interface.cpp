// SPDX-License-Identifier: Apache-2.0
// The first values of states. Linked only where a model may have one.
#include "mote/run/interface.hpp"

#include <algorithm>
#include <cstring>

namespace mote::detail {
namespace {

/// Real zero, which integers write as their zero point.
void fill_with_zero(const Layer& layer, std::byte* to, std::size_t bytes) {
  const std::int32_t zero = layer.quantization.zero_point;
  if (layer.dtype == DType::s16)
    std::fill_n(reinterpret_cast<std::int16_t*>(to), bytes / sizeof(std::int16_t), static_cast<std::int16_t>(zero));
  else
    std::memset(to, bytes_of(layer.dtype) == 1 ? zero : 0, bytes);
}

}  // namespace

void reset_states(const Model& model, const Plan& plan, std::byte* arena, const std::byte* params) {
  for (const Buffer& buffer : plan.buffers) {
    if (buffer.kind != BufferKind::state) continue;
    const Layer& layer = model.layers[buffer.layer];
    std::byte* to = arena + buffer.offset;
    if (layer.param_bytes == 0) {
      fill_with_zero(layer, to, buffer.bytes);
      continue;
    }
    for (std::uint32_t at = 0; at < buffer.bytes; at += layer.param_bytes)  // for each sample of the batch
      std::memcpy(to + at, params + layer.param_offset, layer.param_bytes);
  }
}

}  // namespace mote::detail
