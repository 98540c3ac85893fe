// SPDX-License-Identifier: Apache-2.0
// NumPy files: what numpy.save writes is read, what is written is what numpy.save would write. Host only.
#include <algorithm>
#include <cmath>

#include "temporary.hpp"
#include "tool/data/npy.hpp"

namespace mote::tool {
namespace {

using namespace test;

std::string npy(const std::string& dictionary, const std::string& data, char version = 1) {
  std::string header = dictionary;
  const std::size_t before = version == 1 ? 10 : 12;
  header.append(63 - (before + header.size()) % 64, ' ');
  header += '\n';
  std::string out = "\x93NUMPY";
  out += version;
  out += '\0';
  out += static_cast<char>(header.size() & 0xFF);
  out += static_cast<char>(header.size() >> 8);
  if (version > 1) out += std::string(2, '\0');
  return out + header + data;
}
std::string dictionary(const std::string& descr, const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
}
template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

TEST(Npy, ReadsEveryTypeAndVersion) {
  const TemporaryFolder folder;
  const auto check = [&](const std::string& descr, const std::string& data, double expected) {
    for (char version = 1; version <= 3; ++version) {
      write(folder / "x.npy", npy(dictionary(descr, "(2,)"), data, version));
      const Array array = read_npy(folder / "x.npy");
      EXPECT_EQ(array.dims, std::vector<std::uint64_t>{2});
      ASSERT_EQ(array.count(), 2U) << descr;
      EXPECT_EQ(array.at(1), expected) << descr;
    }
  };
  check("<f4", raw<float>({0, -1.5F}), -1.5);
  check("<f8", raw<double>({0, 0.1}), 0.1);
  check("|u1", raw<std::uint8_t>({0, 200}), 200);
  check("|i1", raw<std::int8_t>({0, -100}), -100);
  check("<i2", raw<std::int16_t>({0, -30000}), -30000);
  check("<u2", raw<std::uint16_t>({0, 60000}), 60000);
  check("<i4", raw<std::int32_t>({0, -70000}), -70000);
  check("<u4", raw<std::uint32_t>({0, 4000000000U}), 4e9);
  check("<i8", raw<std::int64_t>({0, -5}), -5);
  check("<u8", raw<std::uint64_t>({0, 7}), 7);
  check("|b1", raw<std::uint8_t>({0, 1}), 1);
}

std::string reversed(std::string bytes) {
  std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

TEST(Npy, ReadsBothByteOrders) {
  const TemporaryFolder folder;
  const auto check = [&](const std::string& type, const std::string& native, double expected) {
    for (const auto& [order, bytes] : {std::pair{'>', reversed(native)}, {'<', native}, {'=', native}}) {
      write(folder / "x.npy", npy(dictionary(order + type, "(1,)"), bytes));
      const Array array = read_npy(folder / "x.npy");
      ASSERT_EQ(array.count(), 1U);
      EXPECT_EQ(array.at(0), expected) << order << type;
    }
  };
  check("b1", raw<std::uint8_t>({2}), 1);
  check("u1", raw<std::uint8_t>({255}), 255);
  check("i1", raw<std::int8_t>({-128}), -128);
  check("u2", raw<std::uint16_t>({0xFF01}), 0xFF01);
  check("i2", raw<std::int16_t>({-32768}), -32768);
  check("u4", raw<std::uint32_t>({0xFFFFFF01U}), 4294967041.0);
  check("i4", raw<std::int32_t>({-2147483647}), -2147483647.0);
  check("u8", raw<std::uint64_t>({0x0102030405060708U}), 72623859790382856.0);
  check("i8", raw<std::int64_t>({-9007199254740991}), -9007199254740991.0);
  check("f2", raw<std::uint16_t>({0x3555}), 0.333251953125);
  check("f4", raw<float>({-0.1F}), static_cast<double>(-0.1F));
  check("f8", raw<double>({1.0 / 3}), 1.0 / 3);
}

TEST(Npy, ReadsEveryHalfExactly) {
  const TemporaryFolder folder;
  std::vector<std::uint16_t> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  write(folder / "x.npy", npy(dictionary("<f2", "(65536,)"), raw(all)));
  const Array array = read_npy(folder / "x.npy");
  EXPECT_EQ(array.element, Element::f32);
  ASSERT_EQ(array.count(), 65536U);
  for (unsigned i = 0; i < 65536; ++i) {
    // From the definition: (-1)^s 2^(e-15) (1 + f/1024), with e = 0: (-1)^s 2^-14 f/1024, with e = 31: infinity, NaN.
    const unsigned e = i >> 10U & 31U, f = i & 1023U;
    const double size = e == 0 ? f / 1024.0 * std::pow(2.0, -14) : (1 + f / 1024.0) * std::pow(2.0, int(e) - 15);
    const double value = array.at(i);
    EXPECT_EQ(std::signbit(array.element_as<float>(i)), i >= 32768) << i;
    if (e == 31 && f != 0)
      EXPECT_TRUE(std::isnan(value)) << i;
    else
      EXPECT_EQ(std::abs(value), e == 31 ? HUGE_VAL : size) << i;
  }
}

TEST(Npy, PutsFortranOrderIntoCOrder) {
  const TemporaryFolder folder;
  const auto fortran = [](const std::string& descr, const std::string& shape) {
    return "{'descr': '" + descr + "', 'fortran_order': True, 'shape': " + shape + ", }";
  };
  // np.save of np.asfortranarray(np.arange(24).reshape(2, 3, 4)): the first index runs fastest.
  std::vector<std::int16_t> data;
  for (int k = 0; k < 4; ++k)
    for (int j = 0; j < 3; ++j)
      for (int i = 0; i < 2; ++i) data.push_back(static_cast<std::int16_t>(12 * i + 4 * j + k));
  write(folder / "x.npy", npy(fortran("<i2", "(2, 3, 4)"), raw(data)));
  const Array array = read_npy(folder / "x.npy");
  EXPECT_EQ(array.dims, (std::vector<std::uint64_t>{2, 3, 4}));
  for (unsigned i = 0; i < 24; ++i) EXPECT_EQ(array.at(i), i);
  write(folder / "y.npy", npy(fortran(">f2", "(2, 2)"), std::string("\x3C\x00\x42\x00\x40\x00\x44\x00", 8)));
  const Array halves = read_npy(folder / "y.npy");  // 1, 3, 2, 4 by columns
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(halves.at(i), i + 1);
  write(folder / "z.npy", npy(fortran("<f4", "(3,)"), raw<float>({5, 6, 7})));
  EXPECT_EQ(read_npy(folder / "z.npy").at(2), 7);
  write(folder / "e.npy", npy(fortran("<f4", "(0, 3)"), ""));
  EXPECT_EQ(read_npy(folder / "e.npy").count(), 0U);
}

TEST(Npy, RoundsWholeNumbersOnce) {  // 2^53 + 2^29 + 1: by way of double the tie would go to the even neighbour below
  Array array;
  array.element = Element::s64;
  const std::int64_t value = (std::int64_t{1} << 53) + (1 << 29) + 1;
  array.bytes.resize(8);
  std::memcpy(array.bytes.data(), &value, 8);
  EXPECT_EQ(array.at<float>(0), 9007200328482816.0F);
}

TEST(Npy, ReadsShapesAsNumpyWritesThem) {
  const TemporaryFolder folder;
  const auto dims = [&](const std::string& shape, std::size_t count) {
    write(folder / "x.npy", npy(dictionary("|u1", shape), std::string(count, 'a')));
    return read_npy(folder / "x.npy").dims;
  };
  EXPECT_EQ(dims("()", 1), std::vector<std::uint64_t>{});
  EXPECT_EQ(dims("(3,)", 3), std::vector<std::uint64_t>{3});
  EXPECT_EQ(dims("(2, 3)", 6), (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(dims("(2L, 3L)", 6), (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(dims("(0, 3)", 0), (std::vector<std::uint64_t>{0, 3}));
}

TEST(Npy, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  const std::string path = folder / "bad.npy";
  const auto complaint = [&](const std::string& bytes) {
    write(path, bytes);
    return error_of([&] { read_npy(path); });
  };
  const std::string two = raw<float>({1, 2});
  expect_in(complaint(npy(dictionary("<U4", "(2,)"), two)), {"\"<U4\"", "not numbers", "np.unique"});
  expect_in(complaint(npy(dictionary("|O", "(2,)"), two)), {"\"|O\"", "pickled", "astype"});
  expect_in(complaint(npy(dictionary("<c8", "(1,)"), two)), {"\"<c8\"", "not numbers"});
  expect_in(complaint(npy(dictionary("<f16", "(1,)"), two + two)), {"\"<f16\"", "float64"});
  expect_in(complaint(npy(dictionary("", "(1,)"), two)), {"\"\"", "not numbers"});
  expect_in(complaint(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", two)),
            {"structured array"});
  expect_in(complaint(npy(dictionary("<f4", "(3,)"), two)), {"bad.npy", "cut short", "140 bytes", "136 are there"});
  expect_in(complaint(npy(dictionary("<f4", "(1,)"), two)), {"bytes after", "byte 132"});
  expect_in(complaint(npy("{'descr': '<f4', 'shape': (2,), }", two)), {"lacks"});
  expect_in(complaint(npy(dictionary("<f4", "(2, -1)"), two)), {"list of sizes"});
  expect_in(complaint(npy(dictionary("<f4", "(99999999999999, 99999999999999)"), two)),
            {"more than any machine holds"});
  expect_in(complaint("\x93NUMPY\x09" + std::string(9, '\0')), {"version 9.0"});
  expect_in(complaint("hello, world"), {"not an .npy file", "byte 0"});
  expect_in(complaint(npy(dictionary("<f4", "(2,)"), two).substr(0, 30)),
            {"ends inside its header", "128 bytes expected, 30 found"});
}

TEST(Npy, WritesWhatItReads) {
  const TemporaryFolder folder;
  const std::vector<float> values{1.0F, -2.5F, 3e-38F, 3e38F, 0.0F, -0.0F};
  write_npy(folder / "y.npy", std::vector<std::uint64_t>{2, 3}, values);
  const Array array = read_npy(folder / "y.npy");
  EXPECT_EQ(array.element, Element::f32);
  EXPECT_EQ(array.dims, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(array.header_bytes % 64, 0U);
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(array.element_as<float>(i), values[i]);
  EXPECT_EQ(folder.files(), 1U);  // and no temporary file beside it
  // Byte for byte what numpy.save(path, np.arange(3, dtype='<f4')) writes.
  write_npy(folder / "z.npy", std::vector<std::uint64_t>{3}, std::vector<float>{0, 1, 2});
  EXPECT_EQ(read(folder / "z.npy"), npy(dictionary("<f4", "(3,)"), raw<float>({0, 1, 2})));
}

TEST(Npy, SurvivesDamage) {
  const TemporaryFolder folder;
  const std::string path = folder / "x.npy";
  read_damaged(npy(dictionary("<i4", "(5, 2)"), std::string(40, 'q')), path, [&] { read_npy(path); });
  read_damaged(npy("{'descr': '>f2', 'fortran_order': True, 'shape': (4, 2, 2), }", std::string(32, 'q')), path,
               [&] { read_npy(path); });
}

}  // namespace
}  // namespace mote::tool
