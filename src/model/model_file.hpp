// SPDX-License-Identifier: Apache-2.0
// The file's header, as FORMAT.md says, and the last step of writing one. Internal to the library.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "model/crc32.hpp"
#include "mote/model/model.hpp"

namespace mote {

struct FileHeader {
  static constexpr std::array<char, 4> kMagic{'M', 'O', 'T', 'E'};
  static constexpr std::uint16_t kVersion = 1;

  std::array<char, 4> magic = kMagic;
  std::uint16_t version = kVersion;
  std::uint16_t record_bytes = sizeof(Layer);
  std::uint32_t layer_count = 0;
  std::uint32_t alignment = 0;
  std::uint32_t param_offset = 0;  // from the start of the file
  std::uint32_t param_bytes = 0;
  std::uint32_t file_bytes = 0;
  std::uint32_t crc = 0;                // CRC-32 of all other bytes of the file
  std::uint32_t description_bytes = 0;  // behind the parameters, up to the end of the file
  std::array<std::uint32_t, 7> reserved{};
};
static_assert(sizeof(FileHeader) == 64);

/// Writes the header of a file whose records, parameters and description are in place; `file` is exactly the file.
void finish_model_file(std::span<std::byte> file, std::size_t layers, std::uint32_t alignment,
                       std::size_t description_bytes = 0);

}  // namespace mote
