// SPDX-License-Identifier: Apache-2.0
// Whole files in, whole files out: plain and gzip reading with limits, and writing that leaves the old file or the
// complete new one, never a part. Relies on zlib and Linux. Formats belong to the files beside this one. Every path
// that the tool reads or writes passes here, and so the ledger.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tool/data/file_ledger.hpp"
#include "tool/terminal/interrupts.hpp"

namespace mote::tool {

/// Bytes at an address that suits any model file, arena or parameter block: a model file or a parameter block that
/// kernels read in place.
class AlignedBytes {
 public:
  static constexpr std::size_t kAlignment = 4096;  // the most that a model file may ask for

  AlignedBytes() = default;
  explicit AlignedBytes(std::size_t size);  ///< zeros, which take no memory until they are touched

  [[nodiscard]] std::byte* data() { return data_.get(); }
  [[nodiscard]] const std::byte* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<std::byte> span() { return {data_.get(), size_}; }
  [[nodiscard]] std::span<const std::byte> span() const { return {data_.get(), size_}; }

 private:
  struct Free {
    std::size_t size;
    void operator()(std::byte* bytes) const;
  };
  std::unique_ptr<std::byte[], Free> data_;
  std::size_t size_ = 0;
};

/// Reads a file that may be gzip-compressed, from front to back. Errors name the file and the byte. A pipe may be read
/// as often as a file: it is opened once, and what came out of it is kept.
class FileReader {
 public:
  enum class Bytes : std::uint8_t { unfolded, raw };

  explicit FileReader(const std::string& path, Bytes bytes = Bytes::unfolded);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  /// Up to `size` bytes; fewer only at the end of the file. Throws on a damaged or cut gzip stream, and on one that
  /// unfolds to hundreds of times its size. Memory grows with what is there, not with `size`: a header may promise
  /// anything.
  std::vector<std::uint8_t> read(std::uint64_t size);
  /// Bytes read so far.
  [[nodiscard]] std::uint64_t position() const { return position_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  struct Source;

  std::string path_;
  Bytes bytes_;
  std::unique_ptr<Source> source_;
  std::uint64_t position_ = 0;
};

constexpr std::uint64_t kAnySize = std::uint64_t{1} << 62;

/// The first `most` bytes as they are, at an aligned address.
AlignedBytes read_file(const std::string& path, std::uint64_t most = kAnySize);
/// The file's bytes, uncompressed if they are gzip, as text; throws where there are `most` or more.
std::string read_text(const std::string& path, std::uint64_t most = kAnySize);

/// A file being written; commit() flushes it to the disk and puts it in place. Without commit() (an exception on the
/// way, a killed process) the old file is there and nothing else. It keeps the old file's mode, owner, links to it and
/// from it. Where the old file's name cannot be given to another file (further hard links, a mount, a sticky folder, a
/// folder that takes no files), the old file gets the new content when that is complete and has room.
class AtomicFile {
 public:
  /// All that can be found out is, before hours of work: a folder that is not there or takes no files, a file that may
  /// not be written, is read by the same command, or is of another kind (FileLedger).
  /// `edits_input`: the command's purpose is to change that file.
  AtomicFile(std::string path, FileKind kind, bool edits_input = false);
  ~AtomicFile();
  /// Finds all that out for a file that will be written later.
  static void claim(const std::string& path, FileKind kind);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Takes so much room on the disk now; throws if it is not there. write() may come to less.
  void reserve(std::uint64_t bytes);
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void commit();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  void gather(const struct stat* there);
  [[nodiscard]] bool keeps_more_than_content(const struct stat& there) const;
  bool move_name();
  bool flush_folder();
  void copy_in_place();

  std::string path_, target_, folder_;  // as given, links followed (empty: a device or a pipe), what it lies in
  int content_ = -1;
  std::uint64_t written_ = 0;
  mode_t mode_ = 0;
  bool name_moves_ = false, claims_ = false;
  std::optional<TemporaryName> temporary_;
  std::string temporary_path_;
};

/// One call for what is in memory already.
void write_file(const std::string& path, FileKind kind, std::span<const std::byte> bytes);
void write_file(const std::string& path, FileKind kind, std::string_view text);

/// Makes the folder (and those above it) unless it is there; an error names it.
void make_folder(const std::string& path);

}  // namespace mote::tool
