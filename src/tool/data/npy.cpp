// SPDX-License-Identifier: Apache-2.0
// The header is a Python dictionary literal; a parser for exactly that grammar reads it.
#include "tool/data/npy.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace mote::tool {
namespace {

struct Named {
  Element element;
  std::string_view descr;
};
constexpr std::array<Named, 11> kElements{{{Element::boolean, "|b1"},
                                           {Element::u8, "|u1"},
                                           {Element::s8, "|i1"},
                                           {Element::u16, "<u2"},
                                           {Element::s16, "<i2"},
                                           {Element::u32, "<u4"},
                                           {Element::s32, "<i4"},
                                           {Element::u64, "<u8"},
                                           {Element::s64, "<i8"},
                                           {Element::f32, "<f4"},
                                           {Element::f64, "<f8"}}};

/// Parses "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }".
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::uint64_t first_byte, const std::string& path)
      : text_(text), first_byte_(first_byte), path_(path) {}

  void parse(Array& out) {
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!take('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr" && !descr) {
        descr = true, out.element = element();
      } else if (key == "fortran_order" && !order) {
        order = true;
        if (boolean())
          fail("the array is in Fortran order", "save it in C order: np.save(path, np.ascontiguousarray(a))");
      } else if (key == "shape" && !shape) {
        shape = true, dims(out.dims);
      } else {
        fail(fmt::format("the header has an unknown or repeated key '{}'", key), kRemedy);
      }
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip();
    if (at_ != text_.size()) fail("there is text after the header's dictionary", kRemedy);
    if (!descr || !order || !shape) fail("the header lacks 'descr', 'fortran_order' or 'shape'", kRemedy);
  }

 private:
  static constexpr const char* kRemedy = "write the file with numpy.save";

  [[noreturn]] void fail(const std::string& what, const std::string& remedy) const {
    throw data_error(what, remedy).in(path_).at_byte(first_byte_ + at_);
  }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail(fmt::format("the header is not the one of an .npy file: '{}' expected", c), kRemedy);
  }
  std::string_view string() {
    skip();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) {
      if (at_ < text_.size() && text_[at_] == '[')
        fail("a structured array (several named fields) cannot be read", "save one field: np.save(path, a['field'])");
      fail("the header is not the one of an .npy file: a string expected", kRemedy);
    }
    const char quote = text_[at_++];
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) fail("the header has a string without an end", kRemedy);
    const std::string_view out = text_.substr(at_, end - at_);
    at_ = end + 1;
    return out;
  }
  bool boolean() {
    skip();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}})
      if (text_.substr(at_).starts_with(word)) return at_ += word.size(), value;
    fail("the header is not the one of an .npy file: True or False expected", kRemedy);
  }
  Element element() {
    const std::string descr(string());
    for (const Named& named : kElements)
      if (descr == named.descr || (named.descr[0] == '|' && !descr.empty() && descr.substr(1) == named.descr.substr(1)))
        return named.element;
    if (descr == "<f2")
      fail("half-precision elements ('<f2') are not read", "save them as float32: np.save(path, a.astype('<f4'))");
    if (descr.starts_with('>'))
      fail(fmt::format("the elements are big-endian ('{}')", descr), "save them as a.astype('<f4')");
    fail(fmt::format("elements of type '{}' are not numbers that can be read", descr),
         "save float32, float64 or integers: np.save(path, a.astype('<f4'))");
  }
  void dims(std::vector<std::uint64_t>& out) {
    expect('(');
    while (!take(')')) {
      skip();
      std::uint64_t value = 0;
      const std::size_t start = at_;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' && at_ - start < 15)
        value = value * 10 + static_cast<std::uint64_t>(text_[at_++] - '0');
      if (at_ == start) fail("the shape in the header is not a list of sizes", kRemedy);
      if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 wrote long integers so
      out.push_back(value);
      if (out.size() > 8) fail("more than 8 dimensions", "reshape the array before saving");
      if (!take(',')) {
        expect(')');
        break;
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint64_t first_byte_;
  const std::string& path_;
};

std::uint64_t read_preamble(FileReader& reader, std::uint64_t& header_bytes) {
  const std::string& path = reader.path();
  const std::vector<std::uint8_t> start = reader.read(8);
  constexpr std::array<std::uint8_t, 6> kMagic{0x93, 'N', 'U', 'M', 'P', 'Y'};
  for (std::size_t i = 0; i < kMagic.size(); ++i)
    if (i >= start.size() || start[i] != kMagic[i])
      throw data_error("not an .npy file: it does not start with \\x93NUMPY", "write it with numpy.save")
          .in(path)
          .at_byte(i);
  const auto too_short = [&] {
    return data_error("the file ends inside its header", "write it again with numpy.save").in(path);
  };
  if (start.size() < 8) throw too_short();
  const unsigned version = start[6];
  if (version < 1 || version > 3)
    throw data_error(fmt::format("version {}.{} of .npy is not known; 1 to 3 are", version, start[7]),
                     "write it with numpy.save")
        .in(path)
        .at_byte(6);
  const std::size_t width = version == 1 ? 2 : 4;
  const std::vector<std::uint8_t> length = reader.read(width);
  if (length.size() < width) throw too_short();
  std::uint64_t size = 0;
  for (std::size_t i = width; i-- > 0;) size = size << 8U | length[i];
  if (size > 65536)
    throw data_error(fmt::format("a header of {} bytes cannot be that of an array of numbers", size),
                     "write it with numpy.save")
        .in(path)
        .at_byte(8);
  header_bytes = 8 + width + size;
  return size;
}

}  // namespace

Array read_npy(const std::string& path) {
  FileReader reader(path);
  Array out;
  out.path = path;
  const std::uint64_t size = read_preamble(reader, out.header_bytes);
  const std::vector<std::uint8_t> header = reader.read(size);
  if (header.size() < size)
    throw data_error(fmt::format("the file ends inside its header: {} bytes expected, {} found", out.header_bytes,
                                 reader.position()),
                     "write it again with numpy.save")
        .in(path);
  const std::string text(header.begin(), header.end());
  HeaderParser(text, out.header_bytes - size, path).parse(out);
  const std::uint64_t expected = checked_bytes(out.dims, bytes_of(out.element), path);
  out.bytes = reader.read(expected + 1);
  if (out.bytes.size() < expected)
    throw data_error(fmt::format("the file is cut short: shape {} needs {} bytes, {} are there", dims_text(out.dims),
                                 out.header_bytes + expected, out.header_bytes + out.bytes.size()),
                     "write it again with numpy.save")
        .in(path);
  if (out.bytes.size() > expected)
    throw data_error(fmt::format("there are bytes after the {} that shape {} needs", out.header_bytes + expected,
                                 dims_text(out.dims)),
                     "give a file with one array (.npz archives are not read)")
        .in(path)
        .at_byte(out.header_bytes + expected);
  return out;
}

std::string npy_header(Element element, std::span<const std::uint64_t> dims) {
  std::string_view descr;
  for (const Named& named : kElements)
    if (named.element == element) descr = named.descr;
  std::string shape;
  for (const std::uint64_t dim : dims) shape += fmt::format("{}{}", shape.empty() ? "" : ", ", dim);
  if (dims.size() == 1) shape += ',';
  std::string dictionary = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, shape);
  dictionary.append(63 - (10 + dictionary.size()) % 64, ' ');
  dictionary += '\n';
  std::string out("\x93NUMPY\x01\x00", 8);
  out += static_cast<char>(dictionary.size() & 0xFFU);
  out += static_cast<char>(dictionary.size() >> 8U);
  return out + dictionary;
}

void write_npy(const std::string& path, Element element, std::span<const std::uint64_t> dims,
               std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(npy_header(element, dims));
  file.write(bytes);
  file.commit();
}

void write_npy(const std::string& path, std::span<const std::uint64_t> dims, std::span<const float> values) {
  write_npy(path, Element::f32, dims, std::as_bytes(values));
}

}  // namespace mote::tool
