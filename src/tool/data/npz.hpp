// SPDX-License-Identifier: Apache-2.0
// NumPy's .npz: a zip archive of .npy files, stored (numpy.savez) or deflated (numpy.savez_compressed), zip64 too.
// Inflating and checksums are zlib's; of zip only what such archives use is read.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tool/data/array.hpp"

namespace mote::tool {

class Npz {
 public:
  /// Reads the archive and its directory. Every offset and size is checked against the file before it is used.
  explicit Npz(std::string path);

  /// Names of the arrays, without ".npy", as the archive lists them.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] bool has(const std::string& name) const;
  /// The array called so, or, with an empty name, the only one. Memory grows with what the archive holds; checksum and
  /// size must be right. Errors name the archive and the array as "FILE:NAME" and, where it is missing, those there
  /// are.
  [[nodiscard]] Array array(const std::string& name) const;

 private:
  struct Entry {
    std::uint32_t method = 0, flags = 0, checksum = 0;
    std::uint64_t packed = 0, unpacked = 0, offset = 0;
  };
  void read_directory();
  void read_entry(std::uint64_t& at);
  [[nodiscard]] std::uint64_t data_offset(const Entry& entry, const std::string& place) const;

  std::string path_;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::string> names_;
  std::vector<Entry> entries_;  // one a name
};

/// "data.npz:x" as {"data.npz", "x"}, any other path as {path, ""}.
std::pair<std::string, std::string> split_npz_path(const std::string& path);

}  // namespace mote::tool
