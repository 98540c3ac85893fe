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
  static constexpr std::uint16_t kVersion = 2;  // the newest

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
  std::uint32_t operand_count = 0;      // version 2: of the table behind the records
  std::uint32_t names_bytes = 0;        // version 2: behind the parameters, before the description
  std::array<std::uint32_t, 5> reserved{};
};
static_assert(sizeof(FileHeader) == 64);

/// Where the parts of a file begin. Records are at sizeof(FileHeader), the table of operands behind them.
struct FileLayout {
  std::size_t params = 0, names = 0, description = 0, bytes = 0;
};
constexpr FileLayout file_layout(const Model& model, std::size_t description_bytes) {
  FileLayout out;
  out.params = align_up(sizeof(FileHeader) + model.layers.size_bytes() + model.operands.size_bytes(), model.alignment);
  out.names = out.params + model.param_bytes;
  out.description = out.names + model.names.size();
  out.bytes = out.description + description_bytes;
  return out;
}

/// Writes the header of a file whose parts are in place; `file` is exactly the file that file_layout() describes.
void finish_model_file(const Model& model, std::span<std::byte> file);

}  // namespace mote
