// SPDX-License-Identifier: Apache-2.0
// Whole files in, whole files out: plain and gzip reading with limits, and writing that leaves the old file or the
// complete new one, never a part. Relies on zlib and POSIX. Formats belong to the data_*.cpp files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mote::tool {

/// Bytes at an address that suits any model file, arena or parameter block: a model file or a parameter block that
/// kernels read in place.
class AlignedBytes {
 public:
  static constexpr std::size_t kAlignment = 4096;  // the most that a model file may ask for

  AlignedBytes() = default;
  explicit AlignedBytes(std::size_t size);  ///< zeros

  [[nodiscard]] std::byte* data() { return data_.get(); }
  [[nodiscard]] const std::byte* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<std::byte> span() { return {data_.get(), size_}; }
  [[nodiscard]] std::span<const std::byte> span() const { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { ::operator delete[](bytes, std::align_val_t{kAlignment}); }
  };
  std::unique_ptr<std::byte[], Free> data_;
  std::size_t size_ = 0;
};

/// Reads a file that may be gzip-compressed, from front to back. Errors name the file and the byte.
class FileReader {
 public:
  explicit FileReader(const std::string& path);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  /// Up to `size` bytes; fewer only at the end of the file. Throws on a damaged or cut gzip stream.
  /// Memory grows with what is there, not with `size`: a header may promise anything.
  std::vector<std::uint8_t> read(std::uint64_t size);
  /// Bytes (uncompressed) read so far.
  [[nodiscard]] std::uint64_t position() const { return position_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  void* gzip_ = nullptr;
  std::uint64_t position_ = 0;
};

/// The file's bytes as they are, at an aligned address.
AlignedBytes read_file(const std::string& path);
/// The file's bytes, uncompressed if they are gzip, as text.
std::string read_text(const std::string& path);

/// A file being written under another name in the same folder; commit() flushes it to the disk and renames it.
/// Without commit() (an exception on the way, say) nothing is left behind.
class AtomicFile {
 public:
  /// The folder must exist and take files: that is found out here, before hours of work.
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void commit();
  [[nodiscard]] const std::string& temporary_path() const { return temporary_; }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  std::string path_, target_, temporary_;  // as given, links followed, beside it
  int descriptor_ = -1;
};

/// One call for what is in memory already.
void write_file(const std::string& path, std::span<const std::byte> bytes);
void write_file(const std::string& path, std::string_view text);

/// Makes the folder (and those above it) unless it is there; an error names it.
void make_folder(const std::string& path);

}  // namespace mote::tool
