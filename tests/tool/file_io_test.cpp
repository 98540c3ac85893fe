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
    AtomicFile file(folder / "a");
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
    AtomicFile file(folder / "a");
    file.write("half of the n");
  }
  EXPECT_EQ(read(folder / "a"), "old");
  EXPECT_EQ(folder.files(), 1U);
  write_file(folder / "a", "new");
  EXPECT_EQ(read(folder / "a"), "new");
}

TEST(AtomicFile, WritesThroughLinksAndIntoDevices) {
  const TemporaryFolder folder;
  write(folder / "real", "old");
  std::filesystem::create_symlink("real", folder / "link");
  write_file(folder / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read(folder / "real"), "new");
  write_file("/dev/null", "gone");
  struct stat info {};
  ASSERT_EQ(::stat("/dev/null", &info), 0);
  EXPECT_TRUE(S_ISCHR(info.st_mode));
}

TEST(AtomicFile, SaysWhereItCannotWrite) {
  const TemporaryFolder folder;
  expect_in(error_of([&] { AtomicFile file(folder / "none/a"); }), {"none/a", "no folder", "make it first"});
  expect_in(error_of([&] { AtomicFile file(folder.path()); }), {"a folder of that name"});
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
