// SPDX-License-Identifier: Apache-2.0
// Memory that the tests of this folder share, so that they fit into a microcontroller together. A test fills what it
// reads.
#pragma once

#include <array>
#include <cstddef>

namespace mote::test {

inline constexpr std::size_t kArenaBytes = 384 * 1024;
/// 64 bytes more than any test uses as an arena, to see what is written behind it.
alignas(4096) inline std::array<std::byte, kArenaBytes + 64> memory;
alignas(64) inline std::array<float, 48 * 1024> param_memory;
/// For plan tables.
alignas(8) inline std::array<std::byte, 64 * 1024> workspace;

inline const std::byte* params_bytes() { return reinterpret_cast<const std::byte*>(param_memory.data()); }

}  // namespace mote::test
