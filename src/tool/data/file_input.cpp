// SPDX-License-Identifier: Apache-2.0
// Every path is opened here. What cannot be read twice (a pipe, a FIFO, a terminal) is opened once and kept, so that
// looking at its first bytes and then reading it gives all of it.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "tool/data/file_io.hpp"
#include "tool/data/file_ledger.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool {

/// What has come out of a pipe so far.
struct PipedInput {
  int descriptor = -1;
  std::vector<std::uint8_t> bytes;
};

namespace {

constexpr std::size_t kChunk = std::size_t{1} << 22;  // 4 MiB
// Data unfold to three or five times their gzip size, sparse pictures to thirty; a kilobyte can unfold to a megabyte.
constexpr std::uint64_t kUnfolding = 256, kUnfoldedFreely = std::uint64_t{64} << 20;

std::uint64_t physical_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES), bytes = ::sysconf(_SC_PAGE_SIZE);
  return pages > 0 && bytes > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(bytes)
                                : ~std::uint64_t{0};
}

int open_file(const std::string& path, struct stat& info) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) {
    const int why = errno;
    const bool missing = why == ENOENT || why == ENOTDIR;
    throw data_error(missing ? "there is no such file" : "cannot open the file: " + system_text(why),
                     missing ? "check the path" : "check its permissions")
        .in(path);
  }
  const bool known = ::fstat(descriptor, &info) == 0;
  const char* what = !known                  ? "cannot be looked at"
                     : S_ISDIR(info.st_mode) ? "is a folder, not a file"
                     : S_ISBLK(info.st_mode) ? "is a disk, not a file"
                     : S_ISCHR(info.st_mode) && info.st_rdev != ::makedev(1, 3) &&  // /dev/null is empty
                             ::isatty(descriptor) == 0
                         ? "is a device, not a file"
                         : nullptr;
  if (what == nullptr) return descriptor;
  ::close(descriptor);
  throw data_error(fmt::format("this {}", what), known && S_ISDIR(info.st_mode) ? "name a file in it" : "name a file")
      .in(path);
}

/// Up to `size` bytes; fewer only at the end.
std::size_t read_descriptor(int descriptor, std::uint8_t* to, std::size_t size, const std::string& path) {
  std::size_t have = 0;
  while (have < size) {
    const ssize_t count = ::read(descriptor, to + have, size - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw data_error("cannot read: " + system_text(errno), "check the disk").in(path);
    if (count == 0) break;
    have += static_cast<std::size_t>(count);
  }
  return have;
}

/// By path, for the life of the process: there are as many as arguments.
std::map<std::string, PipedInput>& piped_inputs() {
  static std::map<std::string, PipedInput> all;
  return all;
}

}  // namespace

AlignedBytes::AlignedBytes(std::size_t size) : size_(size) {
  // Pages that nobody touches take no memory: describing a gigabyte of parameters is free.
  const std::size_t mapped = std::max<std::size_t>(size, 1);
  void* const pages = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  data_ = {static_cast<std::byte*>(pages), Free{mapped}};
}

void AlignedBytes::Free::operator()(std::byte* bytes) const { ::munmap(bytes, size); }

/// The bytes as they are, then unfolded.
struct FileReader::Source {
  explicit Source(const std::string& file) : path(file) {
    if (const auto kept = piped_inputs().find(path); kept != piped_inputs().end()) {
      stream = &kept->second;
      return;
    }
    struct stat info {};
    descriptor = open_file(path, info);
    if (S_ISREG(info.st_mode)) {
      FileLedger::current().add_input(path, info);
      return;
    }
    stream = &piped_inputs()[path];
    stream->descriptor = std::exchange(descriptor, -1);
  }
  ~Source() {
    if (descriptor >= 0) ::close(descriptor);
    if (unfolding) inflateEnd(&inflater);
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  std::size_t read_raw(std::uint8_t* to, std::size_t size) {
    std::size_t got = 0;
    if (stream == nullptr) {
      got = read_descriptor(descriptor, to, size, path);
    } else {
      if (const std::size_t have = stream->bytes.size(); have - at < size) {
        const std::size_t more = size - (have - at);
        stream->bytes.resize(have + more);
        stream->bytes.resize(have + read_descriptor(stream->descriptor, stream->bytes.data() + have, more, path));
      }
      got = std::min(size, stream->bytes.size() - at);
      std::copy_n(stream->bytes.begin() + static_cast<std::ptrdiff_t>(at), got, to);
      at += got;
    }
    taken += got;
    return got;
  }

  /// Sees to it that `count` bytes are ahead; false if the file ends before.
  bool look_ahead(std::size_t count = 1) {
    if (ahead.size() - ahead_at >= count) return true;
    ahead.erase(ahead.begin(), ahead.begin() + static_cast<std::ptrdiff_t>(ahead_at));
    ahead_at = 0;
    const std::size_t have = ahead.size();
    ahead.resize(std::size_t{1} << 17);
    ahead.resize(have + read_raw(ahead.data() + have, ahead.size() - have));
    return ahead.size() >= count;
  }

  bool starts_a_member() { return look_ahead(2) && ahead[ahead_at] == 0x1F && ahead[ahead_at + 1] == 0x8B; }

  std::size_t read(std::uint8_t* to, std::size_t size, std::uint64_t position) {
    if (!begun) {
      begun = true;
      if (starts_a_member()) begin_member();
    }
    return unfolding ? unfold(to, size, position) : copy(to, size);
  }

  std::size_t copy(std::uint8_t* to, std::size_t size) {
    std::size_t got = 0;
    while (got < size && look_ahead()) {
      const std::size_t count = std::min(size - got, ahead.size() - ahead_at);
      std::copy_n(ahead.begin() + static_cast<std::ptrdiff_t>(ahead_at), count, to + got);
      ahead_at += count, got += count;
    }
    return got;
  }

  void begin_member() {
    const int code = unfolding ? inflateReset(&inflater) : inflateInit2(&inflater, 15 + 16);
    if (code != Z_OK) throw std::bad_alloc();
    unfolding = true, in_member = true;
  }

  std::size_t unfold(std::uint8_t* to, std::size_t size, std::uint64_t position) {
    std::size_t got = 0;
    const auto damaged = [&](const std::string& why) {
      throw data_error(why, "fetch the file again").in(path).at_byte(position + got);
    };
    while (got < size) {
      if (!in_member) {  // another one may follow; anything else behind it is padding
        if (!starts_a_member()) break;
        begin_member();
      }
      if (!look_ahead()) damaged("the gzip stream ends in the middle: the file is cut short");
      inflater.next_in = ahead.data() + ahead_at;
      inflater.avail_in = static_cast<unsigned>(ahead.size() - ahead_at);
      inflater.next_out = to + got;
      inflater.avail_out = static_cast<unsigned>(std::min<std::size_t>(size - got, std::size_t{1} << 30));
      const unsigned room = inflater.avail_out;
      const int code = inflate(&inflater, Z_NO_FLUSH);
      ahead_at = ahead.size() - inflater.avail_in;
      got += room - inflater.avail_out;
      if (code == Z_STREAM_END) {
        in_member = false;
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        damaged(inflater.msg != nullptr ? fmt::format("the gzip stream is damaged ({})", inflater.msg)
                                        : "the gzip stream is damaged");
      }
      if (position + got > kUnfoldedFreely && (position + got) / kUnfolding > taken)
        throw data_error(fmt::format("the gzip stream unfolds to more than {} times its size", kUnfolding),
                         "if it is meant to, unfold it first with gunzip")
            .in(path);
    }
    return got;
  }

  const std::string& path;
  int descriptor = -1;           // of a file
  PipedInput* stream = nullptr;  // of what is not one
  std::size_t at = 0;            // in the stream
  std::uint64_t taken = 0;       // raw bytes
  std::vector<std::uint8_t> ahead;
  std::size_t ahead_at = 0;
  bool begun = false, unfolding = false, in_member = false;
  z_stream inflater{};
};

FileReader::FileReader(const std::string& path, Bytes bytes)
    : path_(path), bytes_(bytes), source_(std::make_unique<Source>(path_)) {}

FileReader::~FileReader() = default;

std::vector<std::uint8_t> FileReader::read(std::uint64_t size) {
  std::vector<std::uint8_t> bytes;
  static const std::uint64_t most = physical_memory();
  while (bytes.size() < size) {
    const std::size_t have = bytes.size();
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(size - have, std::max(kChunk, have)));
    if (have + want > most && have > most / 2)
      throw data_error(fmt::format("the file holds more than half of this computer's memory of {} MiB", most >> 20U),
                       "split it")
          .in(path_);
    bytes.resize(have + want);
    const std::size_t got = bytes_ == Bytes::raw ? source_->copy(bytes.data() + have, want)
                                                 : source_->read(bytes.data() + have, want, position_);
    bytes.resize(have + got);
    position_ += got;
    if (got < want) break;
  }
  return bytes;
}

AlignedBytes read_file(const std::string& path, std::uint64_t most) {
  FileReader reader(path, FileReader::Bytes::raw);
  const std::vector<std::uint8_t> bytes = reader.read(most);
  AlignedBytes out(bytes.size());
  if (!bytes.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

std::string read_text(const std::string& path, std::uint64_t most) {
  FileReader reader(path);
  const std::vector<std::uint8_t> bytes = reader.read(most);
  if (bytes.size() == most)
    throw data_error(fmt::format("the file holds more than {} bytes of text", most - 1),
                     "check that it is the right one")
        .in(path);
  return {bytes.begin(), bytes.end()};
}

}  // namespace mote::tool
