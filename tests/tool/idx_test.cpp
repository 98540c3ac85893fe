// SPDX-License-Identifier: Apache-2.0
// IDX files: the format, plain and gzip, and every way a file can be wrong. Host only.
#include "tool/data/idx.hpp"
#include "temporary.hpp"

namespace mote::tool {
namespace {

using namespace test;

std::string idx(std::uint8_t type, const std::vector<std::uint32_t>& dims, const std::string& data) {
  std::string out{'\0', '\0', static_cast<char>(type), static_cast<char>(dims.size())};
  for (const std::uint32_t dim : dims)
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(dim >> shift);
  return out + data;
}

TEST(Idx, ReadsBytesPlainAndGzip) {
  const TemporaryFolder folder;
  const std::string bytes = idx(8, {2, 3}, std::string("\x00\x01\x02\x80\xFE\xFF", 6));
  write(folder / "plain", bytes);
  write_gzip(folder / "packed.gz", bytes);
  for (const char* name : {"plain", "packed.gz"}) {
    const Array array = read_idx(folder / name);
    EXPECT_EQ(array.element, Element::u8);
    EXPECT_EQ(array.dims, (std::vector<std::uint64_t>{2, 3}));
    ASSERT_EQ(array.count(), 6U);
    EXPECT_EQ(array.at(1), 1.0);
    EXPECT_EQ(array.at(5), 255.0);
  }
}

TEST(Idx, ReadsEveryTypeBigEndian) {
  const TemporaryFolder folder;
  const auto only = [&](std::uint8_t type, const std::string& data) {
    write(folder / "x", idx(type, {1}, data));
    return read_idx(folder / "x").at(0);
  };
  EXPECT_EQ(only(0x09, "\xFF"), -1.0);
  EXPECT_EQ(only(0x0B, "\xFF\xFE"), -2.0);
  EXPECT_EQ(only(0x0C, std::string("\x00\x01\x00\x02", 4)), 65538.0);
  EXPECT_EQ(only(0x0D, std::string("\x3F\xC0\x00\x00", 4)), 1.5);
  EXPECT_EQ(only(0x0E, std::string("\xBF\xF8\x00\x00\x00\x00\x00\x00", 8)), -1.5);
}

TEST(Idx, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  const auto complaint = [&](const std::string& bytes) {
    write(folder / "bad-idx3-ubyte", bytes);
    return error_of([&] { read_idx(folder / "bad-idx3-ubyte"); });
  };
  expect_in(complaint(idx(8, {2, 3}, "12345")), {"bad-idx3-ubyte", "cut short", "18 bytes", "17 are there"});
  expect_in(complaint(idx(8, {2, 3}, "1234567")), {"bytes after the 18", "byte 18"});
  expect_in(complaint(idx(7, {2}, "12")), {"element type 0x07", "byte 2"});
  expect_in(complaint(idx(8, {}, "")), {"0 dimensions", "byte 3"});
  expect_in(complaint("PK\x03\x04zip"), {"not an IDX file", "50 4B", "byte 0"});
  expect_in(complaint("ab"), {"2 bytes"});
  expect_in(complaint(idx(0x0E, {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, "")), {"more than any machine holds"});
  expect_in(complaint(idx(8, {0xFFFFFFFF, 0x1000}, "short")), {"cut short"});  // and no memory is asked for
  expect_in(error_of([&] { read_idx(folder / "none"); }), {"none", "no such file"});
  expect_in(error_of([&] { read_idx(folder.path()); }), {"a folder, not a file"});
}

TEST(Idx, SaysThatGzipIsCutOrDamaged) {
  const TemporaryFolder folder;
  std::string data(20000, '\0');
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * i * 31 >> 7);
  write_gzip(folder / "x.gz", idx(8, {20000}, data));
  const std::string packed = read(folder / "x.gz");
  ASSERT_GT(packed.size(), 1000U);
  write(folder / "cut.gz", packed.substr(0, packed.size() / 2));
  expect_in(error_of([&] { read_idx(folder / "cut.gz"); }), {"cut.gz", "cut short"});
  std::string damaged = packed;
  damaged[packed.size() - 5] = static_cast<char>(damaged[packed.size() - 5] ^ 0x55);  // in the checksum
  write(folder / "hit.gz", damaged);
  expect_in(error_of([&] { read_idx(folder / "hit.gz"); }), {"hit.gz", "damaged"});
}

TEST(Idx, SurvivesDamage) {
  const TemporaryFolder folder;
  const std::string path = folder / "x";
  read_damaged(idx(8, {5, 4, 3}, std::string(60, 'p')), path, [&] { read_idx(path); });
}

}  // namespace
}  // namespace mote::tool
