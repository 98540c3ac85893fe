// SPDX-License-Identifier: Apache-2.0
// Writing files whole or not at all. Host only.
#include <sys/stat.h>

#include "temporary.hpp"
#include "tool/data/file_io.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

using namespace test;

TEST(AtomicFile, AppearsWithCommit) {
  const TemporaryFolder folder;
  {
    AtomicFile file(folder / "a", FileKind::other);
    file.write("new");
    EXPECT_FALSE(std::filesystem::exists(folder / "a"));
    file.commit();
    EXPECT_EQ(read(folder / "a"), "new");
  }
  EXPECT_EQ(folder.files(), 1U);
}

TEST(AtomicFile, LeavesTheOldFileWithoutCommit) {
  const TemporaryFolder folder;
  write(folder / "a", "old");
  {
    AtomicFile file(folder / "a", FileKind::other);
    file.write("half of the n");
  }
  EXPECT_EQ(read(folder / "a"), "old");
  EXPECT_EQ(folder.files(), 1U);
  write_file(folder / "a", FileKind::other, "new");
  EXPECT_EQ(read(folder / "a"), "new");
}

TEST(AtomicFile, WritesThroughLinksAndIntoDevices) {
  const TemporaryFolder folder;
  write(folder / "real", "old");
  std::filesystem::create_symlink("real", folder / "link");
  write_file(folder / "link", FileKind::other, "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read(folder / "real"), "new");
  write_file("/dev/null", FileKind::other, "gone");
  struct stat info {};
  ASSERT_EQ(::stat("/dev/null", &info), 0);
  EXPECT_TRUE(S_ISCHR(info.st_mode));
}

TEST(AtomicFile, KeepsWhatTheOldFileWasBesideItsContent) {
  const TemporaryFolder folder;
  struct stat before {
  }, after{};
  write(folder / "modes", "old");
  ASSERT_EQ(::chmod((folder / "modes").c_str(), 0640), 0);
  write_file(folder / "modes", FileKind::other, "new");
  ASSERT_EQ(::stat((folder / "modes").c_str(), &after), 0);
  EXPECT_EQ(after.st_mode & 07777U, 0640U);
  write(folder / "one", "old and longer");
  std::filesystem::create_hard_link(folder / "one", folder / "two");
  ASSERT_EQ(::stat((folder / "one").c_str(), &before), 0);
  write_file(folder / "two", FileKind::other, "new");
  ASSERT_EQ(::stat((folder / "one").c_str(), &after), 0);
  EXPECT_EQ(read(folder / "one"), "new");
  EXPECT_EQ(after.st_ino, before.st_ino);
  std::filesystem::create_directory(folder / "elsewhere");
  std::filesystem::create_symlink("elsewhere/later", folder / "dangling");
  write_file(folder / "dangling", FileKind::other, "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "dangling"));
  EXPECT_EQ(read(folder / "elsewhere/later"), "new");
  const std::string longest(255, 'n');
  write_file(folder / longest, FileKind::other, "old");
  write_file(folder / longest, FileKind::other, "new");
  EXPECT_EQ(read(folder / longest), "new");
  EXPECT_EQ(folder.files(), 6U);
}

TEST(AtomicFile, IsInvisibleUntilItIsWhole) {
  const TemporaryFolder folder;
  AtomicFile file(folder / "a", FileKind::other);
  file.reserve(1000);
  file.write("part");
  EXPECT_EQ(folder.files(), 0U) << "what a kill would leave behind";
  file.commit();
  EXPECT_EQ(read(folder / "a"), "part") << "reserved room is given back";
}

TEST(AtomicFile, KnowsThatTheDiskIsTooSmall) {
  const TemporaryFolder folder;
  write(folder / "a", "old");
  AtomicFile file(folder / "a", FileKind::other);
  expect_in(error_of([&] { file.reserve(std::uint64_t{1} << 60); }), {"/a", "no room", "make room"});
  std::filesystem::create_hard_link(folder / "a", folder / "b");
  AtomicFile in_place(folder / "a", FileKind::other);
  expect_in(error_of([&] { in_place.reserve(std::uint64_t{1} << 60); }), {"/a", "no room"});
  EXPECT_EQ(read(folder / "b"), "old");
}

TEST(FileReader, TakesGzipMembersOneBehindTheOtherAndPaddingBehindThem) {
  const TemporaryFolder folder;
  write_gzip(folder / "a.gz", "first ");
  write_gzip(folder / "b.gz", "second");
  const std::string both = read(folder / "a.gz") + read(folder / "b.gz");
  write(folder / "both.gz", both + std::string(70000, '\0'));
  EXPECT_EQ(read_text(folder / "both.gz"), "first second");
  write(folder / "cut.gz", both.substr(0, both.size() - 3));
  expect_in(error_of([&] { read_text(folder / "cut.gz"); }), {"cut.gz", "cut short"});
  // A member that begins wherever the buffer of 128 KiB may end.
  for (std::size_t size = 131060; size <= 131085; ++size) {
    std::string stored(size, 'x');
    std::uint32_t state = 1;
    for (char& c : stored) c = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24U);
    gzFile file = gzopen((folder / "c.gz").c_str(), "wb0");
    ASSERT_EQ(gzwrite(file, stored.data(), static_cast<unsigned>(size)), static_cast<int>(size));
    ASSERT_EQ(gzclose(file), Z_OK);
    write(folder / "d.gz", read(folder / "c.gz") + read(folder / "a.gz"));
    EXPECT_EQ(read_text(folder / "d.gz"), stored + "first ") << size;
  }
}

TEST(FileReader, RefusesWhatUnfoldsWithoutEnd) {
  const TemporaryFolder folder;
  write_gzip(folder / "bomb.gz", std::string(std::size_t{80} << 20, '1'));
  expect_in(error_of([&] { read_text(folder / "bomb.gz"); }), {"bomb.gz", "256 times", "gunzip"});
  write_gzip(folder / "fine.gz", std::string(std::size_t{60} << 20, '1'));
  EXPECT_EQ(read_text(folder / "fine.gz").size(), std::size_t{60} << 20);
  for (const char* device : {"/dev/zero", "/dev/full", "/dev/urandom"})
    expect_in(error_of([&] { read_text(device); }), {device, "a device"});
  EXPECT_EQ(read_text("/dev/null"), "");
  write(folder / "text", "12345");
  expect_in(error_of([&] { read_text(folder / "text", 5); }), {"text", "more than 4 bytes"});
  EXPECT_EQ(read_text(folder / "text", 6), "12345");
}

TEST(AtomicFile, SaysWhereItCannotWrite) {
  const TemporaryFolder folder;
  expect_in(error_of([&] { AtomicFile file(folder / "none/a", FileKind::other); }),
            {"none/a", "no folder", "make it first"});
  expect_in(error_of([&] { AtomicFile file(folder.path(), FileKind::other); }), {"a folder of that name"});
  write(folder / "plain", "");
  expect_in(error_of([&] { make_folder(folder / "plain"); }), {"plain", "cannot make the folder"});
}

TEST(Suggest, FindsTheNearestWord) {
  const std::vector<std::string> words{"conv2d", "dense", "max_pool", "relu", "relu6"};
  EXPECT_EQ(nearest("conv2", words), "conv2d");
  EXPECT_EQ(nearest("Dence", words), "dense");
  EXPECT_EQ(nearest("maxpool", words), "max_pool");
  EXPECT_EQ(nearest("rleu", words), "relu");
  EXPECT_EQ(nearest("xyzzy", words), "");
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Error, ReadsAsTextAndAsJson) {
  const Error error = data_error("the cell \"\xFFx\" is wrong", "mend it").in("a.csv").at_line(3).at_column(2);
  EXPECT_EQ(error.message(), "a.csv:3:2: the cell \"\xFFx\" is wrong; mend it.");
  expect_in(error.json(), {"{\"error\":{\"kind\":\"data\"", "\"line\":3", "\"column\":2", "\"remedy\":\"mend it\"",
                           "\"exit_code\":1"});
  EXPECT_EQ(usage_error("w", "").exit_code(), 2);
}

}  // namespace
}  // namespace mote::tool
