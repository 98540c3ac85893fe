// SPDX-License-Identifier: Apache-2.0
// Sizes come from the directory at the archive's end, as the format wants it: local headers may leave them out.
#include "tool/data/npz.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

#include "tool/data/file_io.hpp"
#include "tool/data/npy.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 40;
constexpr std::size_t kMostArrays = 4096;
constexpr std::uint32_t kLocal = 0x04034B50, kDirectory = 0x02014B50, kEnd = 0x06054B50, kEnd64 = 0x06064B50,
                        kLocator64 = 0x07064B50;
constexpr std::uint64_t kLocalBytes = 30, kDirectoryBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocator64Bytes = 20;
constexpr const char* kWriteAgain = "write it again with numpy.savez";

[[noreturn]] void bad_archive(const std::string& what, const std::string& place, std::uint64_t byte) {
  throw data_error("the archive is damaged: " + what, kWriteAgain).in(place).at_byte(byte);
}

/// A little-endian number of `width` bytes; the caller has checked that they are there.
std::uint64_t little_endian(std::span<const std::uint8_t> bytes, std::uint64_t at, unsigned width) {
  std::uint64_t value = 0;
  for (unsigned i = width; i-- > 0;) value = value << 8U | bytes[at + i];
  return value;
}

/// Gives a member's bytes, inflated where they are deflated, and holds their count and checksum against the directory.
class Member {
 public:
  Member(std::span<const std::uint8_t> packed, bool deflated, std::string place)
      : packed_(packed), deflated_(deflated), place_(std::move(place)) {
    if (deflated_ && inflateInit2(&stream_, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ~Member() {
    if (deflated_) inflateEnd(&stream_);
  }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  std::vector<std::uint8_t> read(std::uint64_t size) {
    constexpr std::uint64_t kStep = std::uint64_t{1} << 16U;
    std::vector<std::uint8_t> out;
    while (out.size() < size) {
      const std::size_t have = out.size();
      const std::uint64_t step = std::min<std::uint64_t>(size - have, std::max<std::uint64_t>(have, kStep));
      out.resize(have + std::min<std::uint64_t>(step, std::uint64_t{1} << 30U));
      const std::size_t got = take(std::span(out).subspan(have));
      out.resize(have + got);
      checksum_ = crc32_z(checksum_, out.data() + have, got);
      count_ += got;
      if (got == 0) break;
    }
    return out;
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t checksum() const { return checksum_; }

 private:
  std::size_t take(std::span<std::uint8_t> out) {
    if (!deflated_) {
      const std::size_t count = std::min(out.size(), packed_.size() - taken_);
      std::copy_n(packed_.begin() + static_cast<std::ptrdiff_t>(taken_), count, out.begin());
      taken_ += count;
      return count;
    }
    stream_.next_out = out.data();
    stream_.avail_out = static_cast<unsigned>(out.size());
    while (stream_.avail_out != 0 && !ended_) {
      const std::size_t fed = std::min<std::size_t>(packed_.size() - taken_, std::size_t{1} << 30U);
      stream_.next_in = const_cast<std::uint8_t*>(packed_.data()) + taken_;  // zlib does not write to it
      stream_.avail_in = static_cast<unsigned>(fed);
      const int code = inflate(&stream_, Z_NO_FLUSH);
      taken_ += fed - stream_.avail_in;
      ended_ = code == Z_STREAM_END;
      if (code != Z_OK && !ended_)
        throw data_error(code == Z_BUF_ERROR ? "the archive is damaged: the compressed data end too early"
                                             : "the archive is damaged: the compressed data are none",
                         kWriteAgain)
            .in(place_);
    }
    return out.size() - stream_.avail_out;
  }

  std::span<const std::uint8_t> packed_;
  bool deflated_;
  std::string place_;
  z_stream stream_{};
  std::size_t taken_ = 0;
  std::uint64_t count_ = 0;
  uLong checksum_ = 0;
  bool ended_ = false;
};

}  // namespace

Npz::Npz(std::string path) : path_(std::move(path)) {
  FileReader reader(path_);
  bytes_ = reader.read(kMostBytes);
  read_directory();
}

void Npz::read_directory() {
  const std::uint64_t size = bytes_.size();
  std::uint64_t end = size < kEndBytes ? 0 : size - kEndBytes;
  const std::uint64_t lowest = end > 0xFFFF ? end - 0xFFFF : 0;  // a comment of up to 65 535 bytes may follow
  const auto ends_here = [&](std::uint64_t at) {
    return little_endian(bytes_, at, 4) == kEnd && at + kEndBytes + little_endian(bytes_, at + 20, 2) == size;
  };
  while (size >= kEndBytes && end > lowest && !ends_here(end)) --end;
  if (size < kEndBytes || !ends_here(end))
    throw data_error("the archive has no directory at its end: it is cut short, or no zip archive", kWriteAgain)
        .in(path_);
  std::uint64_t count = little_endian(bytes_, end + 10, 2), at = little_endian(bytes_, end + 16, 4);
  if ((count == 0xFFFF || at == 0xFFFFFFFF) && end >= kLocator64Bytes &&
      little_endian(bytes_, end - kLocator64Bytes, 4) == kLocator64) {
    const std::uint64_t record = little_endian(bytes_, end - kLocator64Bytes + 8, 8);
    if (size < kEnd64Bytes || record > size - kEnd64Bytes || little_endian(bytes_, record, 4) != kEnd64)
      bad_archive("its zip64 record is not where it is said to be", path_, end - kLocator64Bytes);
    count = little_endian(bytes_, record + 32, 8), at = little_endian(bytes_, record + 48, 8);
  }
  for (std::uint64_t i = 0; i < count; ++i) read_entry(at);
  if (names_.empty()) throw data_error("the archive holds no arrays (.npy files)", kWriteAgain).in(path_);
}

void Npz::read_entry(std::uint64_t& at) {
  const std::uint64_t size = bytes_.size();
  if (size < kDirectoryBytes || at > size - kDirectoryBytes || little_endian(bytes_, at, 4) != kDirectory)
    bad_archive("an entry of its directory is not one", path_, at);
  const auto field = [&](std::uint64_t offset, unsigned width) { return little_endian(bytes_, at + offset, width); };
  const std::uint64_t name_bytes = field(28, 2), extra_bytes = field(30, 2), comment_bytes = field(32, 2);
  if (name_bytes + extra_bytes + comment_bytes > size - at - kDirectoryBytes)
    bad_archive("its directory is cut short", path_, at);
  Entry entry;
  entry.flags = static_cast<std::uint32_t>(field(8, 2));
  entry.method = static_cast<std::uint32_t>(field(10, 2));
  entry.checksum = static_cast<std::uint32_t>(field(16, 4));
  entry.packed = field(20, 4), entry.unpacked = field(24, 4), entry.offset = field(42, 4);
  const std::uint64_t name_at = at + kDirectoryBytes, extra_end = name_at + name_bytes + extra_bytes;
  for (std::uint64_t extra = name_at + name_bytes; extra + 4 <= extra_end;) {
    const std::uint64_t end = extra + 4 + little_endian(bytes_, extra + 2, 2);
    if (end > extra_end) bad_archive("an extra field of its directory is too long", path_, extra);
    if (little_endian(bytes_, extra, 2) == 1) {  // zip64: 8 bytes for each of these that did not fit, in this order
      std::uint64_t value = extra + 4;
      for (std::uint64_t* wide : {&entry.unpacked, &entry.packed, &entry.offset})
        if (*wide == 0xFFFFFFFF && value + 8 <= end) *wide = little_endian(bytes_, value, 8), value += 8;
    }
    extra = end;
  }
  std::string name(bytes_.begin() + static_cast<std::ptrdiff_t>(name_at),
                   bytes_.begin() + static_cast<std::ptrdiff_t>(name_at + name_bytes));
  at = extra_end + comment_bytes;
  if (!name.ends_with(".npy")) return;
  name.resize(name.size() - 4);
  if (names_.size() == kMostArrays)
    throw data_error(fmt::format("the archive holds more than {} arrays", kMostArrays), "write fewer").in(path_);
  if (has(name)) bad_archive(fmt::format("it has two arrays called {}", in_quotes(name)), path_, name_at);
  names_.push_back(std::move(name));
  entries_.push_back(entry);
}

bool Npz::has(const std::string& name) const { return std::find(names_.begin(), names_.end(), name) != names_.end(); }

std::uint64_t Npz::data_offset(const Entry& entry, const std::string& place) const {
  const std::uint64_t size = bytes_.size();
  if (size < kLocalBytes || entry.offset > size - kLocalBytes || little_endian(bytes_, entry.offset, 4) != kLocal)
    bad_archive("the array is not where the directory says", place, entry.offset);
  const std::uint64_t skip =
      kLocalBytes + little_endian(bytes_, entry.offset + 26, 2) + little_endian(bytes_, entry.offset + 28, 2);
  if (skip > size - entry.offset || entry.packed > size - entry.offset - skip)
    bad_archive(fmt::format("the array's {} bytes are not all there", entry.packed), place, entry.offset);
  return entry.offset + skip;
}

Array Npz::array(const std::string& name) const {
  if (name.empty() && names_.size() != 1)
    throw usage_error(fmt::format("the archive holds {} arrays: {}", names_.size(), list_of(names_)),
                      fmt::format("name one, for example {}:{}", path_, names_[0]))
        .in(path_);
  const auto found = name.empty() ? names_.begin() : std::find(names_.begin(), names_.end(), name);
  if (found == names_.end())
    throw usage_error(fmt::format("the archive has no array {}", in_quotes(name)),
                      fmt::format("{}it has {}", did_you_mean(name, names_), list_of(names_)))
        .in(path_);
  const std::string place = path_ + ":" + *found;
  const Entry& entry = entries_[static_cast<std::size_t>(found - names_.begin())];
  if ((entry.flags & 1U) != 0) throw data_error("the array is encrypted", kWriteAgain).in(place);
  if (entry.method != Z_DEFLATED && entry.method != 0)
    throw data_error(fmt::format("compression method {} of zip is not read; stored and deflated are", entry.method),
                     kWriteAgain)
        .in(place);
  if (entry.method == 0 && entry.packed != entry.unpacked)
    bad_archive("a stored array has two different sizes", place, entry.offset);
  const std::uint64_t first = data_offset(entry, place);
  const std::span<const std::uint8_t> packed(bytes_.data() + first, entry.packed);
  Member member(packed, entry.method != 0, place);
  Array out = read_npy([&](std::uint64_t size) { return member.read(size); }, place);
  out.header_bytes = 0;
  if (member.count() != entry.unpacked || member.checksum() != entry.checksum)
    throw data_error("the archive is damaged: size or checksum of the array is wrong", "fetch it again").in(place);
  return out;
}

std::pair<std::string, std::string> split_npz_path(const std::string& path) {
  const std::size_t at = path.rfind(".npz:");
  if (at == std::string::npos) return {path, ""};
  return {path.substr(0, at + 4), path.substr(at + 5)};
}

}  // namespace mote::tool
