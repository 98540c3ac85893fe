// SPDX-License-Identifier: Apache-2.0
// Reading through zlib (which passes plain files through), writing through a temporary name, fsync and rename.
#include "tool/data/file_io.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tool/terminal/error.hpp"

namespace mote::tool {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 22;  // 4 MiB

std::string reason(int number) { return std::strerror(number); }

void require_regular_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    const bool missing = errno == ENOENT || errno == ENOTDIR;
    throw data_error(missing ? "there is no such file" : "cannot look at the file: " + reason(errno),
                     missing ? "check the path" : "check its permissions")
        .in(path);
  }
  if (S_ISDIR(info.st_mode)) throw data_error("this is a folder, not a file", "name a file in it").in(path);
}

}  // namespace

AlignedBytes::AlignedBytes(std::size_t size)
    : data_(static_cast<std::byte*>(::operator new[](std::max<std::size_t>(size, 1), std::align_val_t{kAlignment}))),
      size_(size) {
  std::fill_n(data_.get(), size, std::byte{0});
}

FileReader::FileReader(const std::string& path) : path_(path) {
  require_regular_file(path);
  gzip_ = gzopen(path.c_str(), "rb");
  if (gzip_ == nullptr) throw data_error("cannot open the file: " + reason(errno), "check its permissions").in(path);
  gzbuffer(static_cast<gzFile>(gzip_), 1U << 17);
}

FileReader::~FileReader() { gzclose(static_cast<gzFile>(gzip_)); }

std::vector<std::uint8_t> FileReader::read(std::uint64_t size) {
  std::vector<std::uint8_t> bytes;
  auto* const file = static_cast<gzFile>(gzip_);
  while (bytes.size() < size) {
    const std::size_t have = bytes.size();
    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(size - have, std::max(kChunk, have)));
    const auto want = static_cast<unsigned>(std::min<std::size_t>(step, std::size_t{1} << 30));
    bytes.resize(have + want);
    const int got = gzread(file, bytes.data() + have, want);
    int code = Z_OK;
    const char* text = gzerror(file, &code);
    if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) {
      const std::string why = code == Z_BUF_ERROR ? "the gzip stream ends in the middle: the file is cut short"
                              : code == Z_ERRNO   ? "cannot read: " + reason(errno)
                              : text != nullptr   ? fmt::format("the gzip stream is damaged ({})", text)
                                                  : "the gzip stream is damaged";
      throw data_error(why, "fetch the file again")
          .in(path_)
          .at_byte(position_ + static_cast<std::uint64_t>(std::max(got, 0)));
    }
    bytes.resize(have + static_cast<std::size_t>(got));
    position_ += static_cast<std::uint64_t>(got);
    if (static_cast<unsigned>(got) < want) break;
  }
  return bytes;
}

AlignedBytes read_file(const std::string& path) {
  require_regular_file(path);
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) throw data_error("cannot open the file: " + reason(errno), "check its permissions").in(path);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> closer(file, &std::fclose);
  std::vector<std::byte> bytes;
  std::size_t got = 0;
  do {
    const std::size_t have = bytes.size();
    bytes.resize(have + std::max(kChunk, have));
    got = std::fread(bytes.data() + have, 1, bytes.size() - have, file);
    bytes.resize(have + got);
  } while (got != 0);
  if (std::ferror(file) != 0) throw data_error("cannot read: " + reason(errno), "check the disk").in(path);
  AlignedBytes out(bytes.size());
  std::copy(bytes.begin(), bytes.end(), out.data());
  return out;
}

std::string read_text(const std::string& path) {
  FileReader reader(path);
  const std::vector<std::uint8_t> bytes = reader.read(std::uint64_t{1} << 40);
  return {bytes.begin(), bytes.end()};
}

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  struct stat info {};
  const bool there = ::stat(path_.c_str(), &info) == 0;
  if (there && S_ISDIR(info.st_mode))
    throw usage_error("there is a folder of that name", "give the name of a file to write").in(path_);
  if (there && !S_ISREG(info.st_mode)) {  // /dev/null, a pipe: nothing to rename there
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) throw usage_error("cannot write: " + reason(errno), "choose another file").in(path_);
    return;
  }
  std::error_code not_there;
  const std::filesystem::path real = std::filesystem::canonical(path_, not_there);  // write through a symbolic link
  const std::filesystem::path target = not_there ? std::filesystem::path(path_) : real;
  target_ = target.string();
  const std::filesystem::path folder = target.has_parent_path() ? target.parent_path() : std::filesystem::path(".");
  if (std::error_code ignored; !std::filesystem::is_directory(folder, ignored))
    throw usage_error(fmt::format("cannot write: there is no folder {}", folder.string()), "make it first").in(path_);
  temporary_ = (folder / fmt::format(".{}.XXXXXX", target.filename().string())).string();
  descriptor_ = ::mkstemp(temporary_.data());
  if (descriptor_ < 0) {
    const std::string why = reason(errno);
    temporary_.clear();
    throw usage_error(fmt::format("cannot write into {}: {}", folder.string(), why), "choose another folder").in(path_);
  }
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(descriptor_, 0666 & ~mask);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw data_error("cannot write: " + reason(errno), "make room or choose another disk").in(path_);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void AtomicFile::commit() {
  const bool flushed = ::fsync(descriptor_) == 0 || errno == EINVAL || errno == EROFS;  // pipes and odd file systems
  const int why = errno;
  const bool closed = ::close(std::exchange(descriptor_, -1)) == 0;
  if (!flushed || !closed)
    throw data_error("cannot write: " + reason(why), "make room or choose another disk").in(path_);
  if (temporary_.empty()) return;
  if (::rename(temporary_.c_str(), target_.c_str()) != 0)
    throw data_error("cannot put the file in place: " + reason(errno), "check the folder's permissions").in(path_);
  temporary_.clear();
}

void write_file(const std::string& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void write_file(const std::string& path, std::string_view text) { write_file(path, std::as_bytes(std::span(text))); }

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error || !std::filesystem::is_directory(path))
    throw usage_error("cannot make the folder" + (error ? ": " + error.message() : std::string()),
                      "give the path of a folder that exists or can be made")
        .in(path);
}

}  // namespace mote::tool
