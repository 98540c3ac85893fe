// SPDX-License-Identifier: Apache-2.0
// NumPy archives: what numpy.savez and numpy.savez_compressed write is read, what is damaged is refused. Host only.
#include <zlib.h>

#include "temporary.hpp"
#include "tool/data/data_set.hpp"
#include "tool/data/npy.hpp"
#include "tool/data/npz.hpp"

namespace mote::tool {
namespace {

using namespace test;

std::string little(std::uint64_t value, unsigned width) {
  std::string out;
  for (unsigned i = 0; i < width; ++i) out += static_cast<char>(value >> 8 * i & 0xFFU);
  return out;
}

std::string npy_of(const std::vector<std::uint64_t>& dims, const std::vector<float>& values) {
  return npy_header(Element::f32, dims) +
         std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

std::string deflated(const std::string& bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) std::abort();
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<unsigned>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<unsigned>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// An archive as Python's zipfile writes it for numpy: zip64 extra in the local header, sizes in the directory.
class Zip {
 public:
  Zip& add(const std::string& name, const std::string& data, bool deflate, bool wide = false) {
    const std::string packed = deflate ? deflated(data) : data;
    const auto sum = static_cast<std::uint64_t>(
        crc32(0, reinterpret_cast<const Bytef*>(data.data()), static_cast<unsigned>(data.size())));
    const std::uint64_t offset = out_.size();
    const std::string start = little(45, 2) + little(0, 2) + little(deflate ? 8 : 0, 2) + little(0, 4) + little(sum, 4);
    const std::string sizes = little(1, 2) + little(16, 2) + little(data.size(), 8) + little(packed.size(), 8);
    out_ += "PK\x03\x04" + start + little(~0ULL, 4) + little(~0ULL, 4) + little(name.size(), 2) +
            little(sizes.size(), 2) + name + sizes + packed;
    const std::string extra =
        !wide ? ""
              : little(1, 2) + little(24, 2) + little(data.size(), 8) + little(packed.size(), 8) + little(offset, 8);
    directory_ += "PK\x01\x02" + little(45, 2) + start + little(wide ? ~0ULL : packed.size(), 4) +
                  little(wide ? ~0ULL : data.size(), 4) + little(name.size(), 2) + little(extra.size(), 2) +
                  little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4) + little(wide ? ~0ULL : offset, 4) + name +
                  extra;
    ++count_;
    return *this;
  }
  [[nodiscard]] std::string bytes(bool wide = false, const std::string& comment = "") const {
    std::string out = out_ + directory_;
    if (wide)
      out += "PK\x06\x06" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 4) + little(0, 4) +
             little(count_, 8) + little(count_, 8) + little(directory_.size(), 8) + little(out_.size(), 8) +
             "PK\x06\x07" + little(0, 4) + little(out_.size() + directory_.size(), 8) + little(1, 4);
    return out + "PK\x05\x06" + little(0, 4) + little(wide ? 0xFFFF : count_, 2) + little(wide ? 0xFFFF : count_, 2) +
           little(wide ? ~0ULL : directory_.size(), 4) + little(wide ? ~0ULL : out_.size(), 4) +
           little(comment.size(), 2) + comment;
  }

 private:
  std::string out_, directory_;
  std::uint64_t count_ = 0;
};

TEST(Npz, ReadsStoredDeflatedAndWide) {
  const TemporaryFolder folder;
  std::vector<float> many(20000);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<float>(i % 7) * 0.25F;
  for (const bool deflate : {false, true})
    for (const bool wide : {false, true}) {
      Zip zip;
      zip.add("x.npy", npy_of({100, 200}, many), deflate, wide).add("notes.txt", "hello", deflate);
      zip.add("y.npy", npy_of({2}, {1, -3}), deflate, wide);
      write(folder / "a.npz", zip.bytes(wide, wide ? "a comment, PK" : ""));
      const Npz npz(folder / "a.npz");
      EXPECT_EQ(npz.names(), (std::vector<std::string>{"x", "y"}));
      const Array x = npz.array("x");
      EXPECT_EQ(x.dims, (std::vector<std::uint64_t>{100, 200}));
      for (std::size_t i = 0; i < many.size(); ++i) ASSERT_EQ(x.element_as<float>(i), many[i]);
      EXPECT_EQ(npz.array("y").element_as<float>(1), -3.0F);
      expect_in(error_of([&] { static_cast<void>(npz.array("")); }), {"2 arrays: x, y", "a.npz:x"});
      expect_in(error_of([&] { static_cast<void>(npz.array("z")); }), {"no array \"z\"", "it has x, y"});
    }
}

TEST(Npz, IsReadWhereverSamplesAre) {
  const TemporaryFolder folder;
  write(folder / "one.npz", Zip().add("arr_0.npy", npy_of({3, 2}, {1, 2, 3, 4, 5, 6}), true).bytes());
  write(folder / "two.npz", Zip()
                                .add("x.npy", npy_of({3, 2}, {1, 2, 3, 4, 5, 6}), false)
                                .add("y.npy", npy_of({3}, {7, 8, 9}), false)
                                .bytes());
  DataSet one = DataSet::samples_from(folder / "one.npz", {});
  EXPECT_EQ(one.size(), 3U);
  EXPECT_EQ(one.features(), 2U);
  DataSet two = DataSet::samples_from((folder / "two.npz") + ":x", {});
  two.add_targets_from((folder / "two.npz") + ":y");
  std::vector<float> target(1);
  two.copy_target(2, target);
  EXPECT_EQ(target[0], 9.0F);
}

TEST(Npz, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  const std::string path = folder / "bad.npz", data = npy_of({2}, {1, 2});
  const auto complaint = [&](std::string bytes, std::size_t at = 0, const std::string& with = "") {
    bytes.replace(at, with.size(), with);
    write(path, bytes);
    return error_of([&] { static_cast<void>(Npz(path).array("")); });
  };
  const std::string stored = Zip().add("x.npy", data, false).bytes(), packed = Zip().add("x.npy", data, true).bytes();
  const std::size_t directory = stored.find("PK\x01\x02"), packed_directory = packed.find("PK\x01\x02");
  expect_in(complaint("PK\x05\x06" + std::string(18, '\0')), {"bad.npz", "no arrays"});
  expect_in(complaint("PK\x03\x04"), {"no directory", "cut short"});
  expect_in(complaint(stored.substr(0, stored.size() - 1)), {"no directory", "cut short"});
  expect_in(complaint(stored, 60, "\x7F"), {"bad.npz:x"});  // inside the .npy header
  expect_in(complaint(stored, stored.find("PK\x01\x02") - 1, "\x7F"), {"bad.npz:x", "checksum"});  // in the numbers
  expect_in(complaint(packed, packed_directory - 3, "\xFF\xFF\xFF"), {"bad.npz:x", "damaged"});
  expect_in(complaint(stored, directory + 8, little(1, 2)), {"encrypted"});
  expect_in(complaint(stored, directory + 10, little(12, 2)), {"method 12"});
  expect_in(complaint(packed, packed_directory + 24, little(7, 4)), {"size or checksum"});
  expect_in(complaint(stored, directory + 20, little(1000000, 4)), {"two different sizes"});
  expect_in(complaint(packed, packed_directory + 20, little(1000000, 4)), {"not all there"});
  expect_in(complaint(stored, directory + 42, little(0x7FFFFFFF, 4)), {"not where the directory says"});
  expect_in(complaint(stored, directory + 28, little(0xFFFF, 2)), {"cut short"});
  expect_in(complaint(Zip().add("x.npy", data, true).add("x.npy", data, true).bytes()), {"two arrays called \"x\""});
}

TEST(Npz, ABombEndsWhereTheHeaderSays) {  // what follows the promised numbers is not inflated
  const TemporaryFolder folder;
  write(folder / "bomb.npz", Zip().add("x.npy", npy_of({2}, {1, 2}) + std::string(1U << 24U, '\0'), true).bytes());
  expect_in(error_of([&] { static_cast<void>(Npz(folder / "bomb.npz").array("")); }), {"bytes after"});
}

TEST(Npz, SurvivesDamage) {
  const TemporaryFolder folder;
  const std::string path = folder / "x.npz";
  for (const bool deflate : {false, true}) {
    const std::string bytes = Zip()
                                  .add("x.npy", npy_of({5}, {1, 2, 3, 4, 5}), deflate, true)
                                  .add("y.npy", npy_of({1}, {1}), deflate)
                                  .bytes(true);
    read_damaged(bytes, path, [&] {
      const Npz npz(path);
      for (const std::string& name : npz.names()) static_cast<void>(npz.array(name));
    });
  }
}

}  // namespace
}  // namespace mote::tool
