// SPDX-License-Identifier: Apache-2.0
// The content is gathered in a file without a name (O_TMPFILE, or a temporary name where the file system has none) and
// gets its name at the end. Where a name cannot be moved without loss, it is copied into the old file in place.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "tool/data/file_io.hpp"
#include "tool/data/file_ledger.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMakeRoom = "make room or choose another disk";

/// /dev/stdout, /dev/fd/3, /proc/self/fd/3: the number; else -1.
int own_descriptor(const fs::path& path) {
  std::error_code error;
  const fs::path folder = fs::canonical(path.parent_path().empty() ? "." : path.parent_path(), error);
  if (error || folder != fmt::format("/proc/{}/fd", ::getpid())) return -1;
  const std::string name = path.filename().string();
  int number = -1;
  const auto [end, wrong] = std::from_chars(name.data(), name.data() + name.size(), number);
  return wrong == std::errc{} && end == name.data() + name.size() ? number : -1;
}

/// Follows links by hand, because the last one may dangle: then the file is made where it points.
fs::path follow_links(fs::path path) {
  std::error_code error;
  for (int links = 0; links < 40 && own_descriptor(path) < 0; ++links) {
    const fs::path to = fs::read_symlink(path, error);
    if (error) break;
    path = to.is_absolute() ? to : path.parent_path() / to;
  }
  return path;
}

/// True if another file system or a bind mount hangs at this very file.
bool is_mount_point(const std::string& path) {
  struct statx info {};
  return ::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &info) == 0 &&
         (info.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0 && (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

int write_bytes(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return 0;
}

int flush(int descriptor) {  // pipes and odd file systems know no fsync
  return ::fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS || errno == EBADF ? 0 : errno;
}

std::string name_of_descriptor(int descriptor) { return fmt::format("/proc/self/fd/{}", descriptor); }

}  // namespace

AtomicFile::AtomicFile(std::string path, FileKind kind, bool edits_input) : path_(std::move(path)) {
  if (path_.empty()) throw usage_error("the name of a file to write is empty", "give one");
  if (kind == FileKind::model && (path_.ends_with(".onnx") || path_.ends_with(".tflite")))
    throw usage_error("a mote model is no file of that kind", "write FILE.mote, and from it the other: mote export")
        .in(path_);
  const fs::path target = follow_links(path_);
  struct stat there {};
  const bool exists = ::stat(path_.c_str(), &there) == 0;
  if (exists && S_ISDIR(there.st_mode))
    throw usage_error("there is a folder of that name", "give the name of a file to write").in(path_);
  const int own = own_descriptor(target);
  if (own >= 0 || (exists && !S_ISREG(there.st_mode))) {  // /dev/null, a pipe: nothing to rename there
    content_ = own >= 0 ? ::fcntl(own, F_DUPFD_CLOEXEC, 3) : ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (content_ < 0) throw usage_error("cannot write: " + system_text(errno), "choose another file").in(path_);
    return;
  }
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  std::error_code error;
  const fs::path real_folder = fs::canonical(folder, error);
  if (error || !fs::is_directory(real_folder, error))
    throw usage_error(fmt::format("cannot write: there is no folder {}", folder.string()), "make it first").in(path_);
  folder_ = real_folder.string();
  target_ = (real_folder / target.filename()).string();
  if (target.filename().empty() || target.filename() == "." || target.filename() == "..")
    throw usage_error("this is the name of a folder", "give the name of a file to write").in(path_);
  FileLedger::current().add_output(path_, target_, kind, exists ? &there : nullptr, edits_input);
  if (exists && ::access(target_.c_str(), W_OK) != 0 && !(errno == EACCES && FileLedger::current().force()))
    throw usage_error(errno == EACCES ? "the file is write-protected" : "cannot write: " + system_text(errno),
                      "choose another name or change its permissions")
        .in(path_);
  gather(exists ? &there : nullptr);
}

/// Where the content is gathered, and how it will come to its place.
void AtomicFile::gather(const struct stat* there) {
  name_moves_ = there == nullptr || !keeps_more_than_content(*there);
  mode_ = there != nullptr ? there->st_mode & 07777U : 0;
  if (there == nullptr) {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    mode_ = 0666U & ~mask;
  }
  content_ = ::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (content_ >= 0 && ::access(name_of_descriptor(content_).c_str(), F_OK) != 0)  // without /proc it gets no name
    ::close(std::exchange(content_, -1));
  if (content_ < 0 && (errno == EACCES || errno == EPERM || errno == EROFS) && there != nullptr) {
    name_moves_ = false;  // nothing can be made in the folder, but the file may be written
    content_ = ::memfd_create("mote", MFD_CLOEXEC);
  } else if (content_ < 0) {
    std::string name = folder_ + "/.mote-XXXXXX";  // short: the file's own name may be as long as names can be
    content_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (content_ >= 0) temporary_.emplace(name), temporary_path_ = name;
  }
  if (content_ < 0)
    throw usage_error(fmt::format("cannot write into {}: {}", folder_, system_text(errno)), "choose another folder")
        .in(path_);
  ::fchmod(content_, mode_);
  if (there != nullptr && name_moves_ && (there->st_uid != ::geteuid() || there->st_gid != ::getegid()))
    name_moves_ = ::fchown(content_, there->st_uid, there->st_gid) == 0 && ::fchmod(content_, mode_) == 0;
}

/// Other names of the file, a mount, a lock on the folder: a new file of that name would not be the old one.
bool AtomicFile::keeps_more_than_content(const struct stat& there) const {
  if (there.st_nlink > 1 || is_mount_point(target_)) return true;
  struct stat folder {};
  return ::stat(folder_.c_str(), &folder) == 0 && (folder.st_mode & S_ISVTX) != 0 && ::geteuid() != 0 &&
         folder.st_uid != ::geteuid() && there.st_uid != ::geteuid();
}

AtomicFile::~AtomicFile() {
  if (content_ >= 0) ::close(content_);
  if (!target_.empty() && !claims_) FileLedger::current().complete(target_);
}

void AtomicFile::reserve(std::uint64_t bytes) {
  if (target_.empty() || bytes == 0) return;
  const auto too_little = [&](int why) {
    return data_error(fmt::format("there is no room for {} bytes: {}", bytes, system_text(why)), kMakeRoom).in(path_);
  };
  if (const int why = ::posix_fallocate(content_, 0, static_cast<off_t>(bytes));
      why == ENOSPC || why == EFBIG || why == EDQUOT)
    throw too_little(why);
  struct stat old {};
  struct statvfs disk {};
  if (name_moves_ || ::stat(target_.c_str(), &old) != 0 || ::statvfs(target_.c_str(), &disk) != 0) return;
  const std::uint64_t more = bytes - std::min(bytes, static_cast<std::uint64_t>(old.st_size));
  if (more > std::uint64_t{disk.f_bavail} * disk.f_frsize) throw too_little(ENOSPC);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (const int why = write_bytes(content_, bytes); why != 0)
    throw data_error("cannot write: " + system_text(why), kMakeRoom).in(path_);
  written_ += bytes.size();
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void AtomicFile::commit() {
  int why = 0;
  if (!target_.empty() && ::ftruncate(content_, static_cast<off_t>(written_)) != 0) why = errno;
  if (why == 0) why = flush(content_);
  if (why != 0) throw data_error("cannot write: " + system_text(why), kMakeRoom).in(path_);
  if (!target_.empty()) {
    const Uninterrupted whole;
    if (!name_moves_ || !move_name()) copy_in_place();
  }
  if (::close(std::exchange(content_, -1)) != 0)
    throw data_error("cannot write: " + system_text(errno), kMakeRoom).in(path_);
}

/// False where the place does not take another file and the old one may do.
bool AtomicFile::move_name() {
  if (temporary_path_.empty()) {
    const std::string content = name_of_descriptor(content_);
    if (::linkat(AT_FDCWD, content.c_str(), AT_FDCWD, target_.c_str(), AT_SYMLINK_FOLLOW) == 0) return flush_folder();
    for (unsigned attempt = 0; errno == EEXIST && attempt < 100; ++attempt) {
      const std::string name = fmt::format("{}/.mote-{}-{}", folder_, ::getpid(), attempt);
      if (::linkat(AT_FDCWD, content.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) continue;
      temporary_.emplace(name), temporary_path_ = name;
      break;
    }
  }
  if (!temporary_path_.empty() && ::rename(temporary_path_.c_str(), target_.c_str()) == 0) return flush_folder();
  const int why = errno;
  temporary_.reset();
  if (why == EBUSY || why == EPERM || why == EXDEV || why == EACCES || why == ETXTBSY) return false;
  throw data_error("cannot put the file in place: " + system_text(why), "check the folder's permissions").in(path_);
}

/// A new name is safe from a power failure when its folder is on the disk. True.
bool AtomicFile::flush_folder() {
  temporary_.reset();
  if (const int folder = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  return true;
}

/// Room first: as long as it is not there, the old content stays.
void AtomicFile::copy_in_place() {
  const int place = ::open(target_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, mode_);
  int why = place < 0 ? errno : 0;
  struct stat old {};
  if (why == 0 && ::fstat(place, &old) != 0) why = errno;
  const auto size = static_cast<off_t>(written_);
  if (why == 0 && size > old.st_size) {
    why = ::posix_fallocate(place, 0, size);
    if (why == EOPNOTSUPP || why == EINVAL) why = 0;
    if (why != 0) static_cast<void>(::ftruncate(place, old.st_size) == 0);
  }
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  for (off_t at = 0; why == 0 && at < size;) {
    const ssize_t count = ::pread(content_, buffer.data(), buffer.size(), at);
    if (count < 0 && errno == EINTR) continue;
    why = count < 0    ? errno
          : count == 0 ? EIO
                       : write_bytes(place, std::span(buffer).first(static_cast<std::size_t>(count)));
    at += count;
  }
  if (why == 0 && ::ftruncate(place, size) != 0) why = errno;
  if (why == 0) why = flush(place);
  if (place >= 0 && ::close(place) != 0 && why == 0) why = errno;
  if (why != 0) throw data_error("cannot write into the file that is there: " + system_text(why), kMakeRoom).in(path_);
}

void AtomicFile::claim(const std::string& path, FileKind kind) {
  AtomicFile file(path, kind);
  file.claims_ = true;
}

void write_file(const std::string& path, FileKind kind, std::span<const std::byte> bytes) {
  AtomicFile file(path, kind);
  file.reserve(bytes.size());
  file.write(bytes);
  file.commit();
}

void write_file(const std::string& path, FileKind kind, std::string_view text) {
  write_file(path, kind, std::as_bytes(std::span(text)));
}

void make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error || !fs::is_directory(path))
    throw usage_error("cannot make the folder" + (error ? ": " + error.message() : std::string()),
                      "give the path of a folder that exists or can be made")
        .in(path);
}

}  // namespace mote::tool
