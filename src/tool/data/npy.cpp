// SPDX-License-Identifier: Apache-2.0
// The header is a Python dictionary literal; a parser for exactly that grammar reads it. Elements become the machine's
// byte order, C order and a type of Element, each without a change of value.
#include "tool/data/npy.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>
#include <string_view>

#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

struct Named {
  Element element;
  std::string_view descr;
};
constexpr std::array<Named, 12> kElements{{{Element::boolean, "|b1"},
                                           {Element::u8, "|u1"},
                                           {Element::s8, "|i1"},
                                           {Element::u16, "<u2"},
                                           {Element::s16, "<i2"},
                                           {Element::u32, "<u4"},
                                           {Element::s32, "<i4"},
                                           {Element::u64, "<u8"},
                                           {Element::s64, "<i8"},
                                           {Element::f32, "<f4"},
                                           {Element::f64, "<f8"},
                                           {Element::f16, "<f2"}}};

/// How the elements lie in the file.
struct Layout {
  Element element = Element::f32;
  bool half = false;  // float16, of which float32 holds every value
  bool swapped = false;
  bool fortran = false;
  std::vector<std::uint64_t> dims;

  [[nodiscard]] std::size_t width() const { return half ? 2 : bytes_of(element); }
};

/// Parses "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }".
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::uint64_t first_byte, const std::string& path)
      : text_(text), first_byte_(first_byte), path_(path) {}

  Layout parse() {
    Layout out;
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!take('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr" && !descr) {
        descr = true, element(out);
      } else if (key == "fortran_order" && !order) {
        order = true, out.fortran = boolean();
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
    return out;
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
  void element(Layout& out) {
    const std::string descr(string());
    const char order = descr.empty() ? '\0' : descr[0];
    const std::string_view type = std::string_view(descr).substr(descr.empty() ? 0 : 1);
    if (order == '<' || order == '>' || order == '=' || order == '|') {
      out.half = type == "f2";
      const bool big = std::endian::native == std::endian::big;
      for (const Named& named : kElements)
        if (type == named.descr.substr(1) || (out.half && named.element == Element::f32)) {
          out.element = named.element;
          out.swapped = (order == '>' && !big) || (order == '<' && big);
          return;
        }
    }
    const char kind = type.empty() ? '\0' : type[0];
    const std::string what = fmt::format("elements of type {} are not numbers that can be read", in_quotes(descr));
    if (kind == 'U' || kind == 'S')
      fail(what + ": they are texts", "save class numbers: np.unique(labels, return_inverse=True)[1]");
    if (kind == 'O') fail(what + ": they are pickled Python objects", "save an array of numbers: a.astype('<f4')");
    fail(what, "save float16, float32, float64, bool or integers: np.save(path, a.astype('<f4'))");
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

std::vector<std::uint8_t> widened(const std::vector<std::uint8_t>& halves) {
  std::vector<std::uint8_t> out(halves.size() * 2);
  for (std::size_t i = 0; 2 * i < halves.size(); ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, halves.data() + 2 * i, 2);
    const float value = detail::half_value(bits);
    std::memcpy(out.data() + 4 * i, &value, 4);
  }
  return out;
}

/// From Fortran order (first index fastest) to C order (last index fastest).
std::vector<std::uint8_t> in_c_order(const std::vector<std::uint8_t>& from, const std::vector<std::uint64_t>& dims,
                                     std::size_t width) {
  std::vector<std::uint64_t> index(dims.size(), 0), stride(dims.size(), width);
  for (std::size_t d = 1; d < dims.size(); ++d) stride[d] = stride[d - 1] * dims[d - 1];
  std::vector<std::uint8_t> out(from.size());
  std::uint64_t source = 0;
  for (std::size_t at = 0; at < out.size(); at += width) {
    std::memcpy(out.data() + at, from.data() + source, width);
    for (std::size_t d = dims.size(); d-- > 0;) {
      source += stride[d];
      if (++index[d] < dims[d]) break;
      source -= stride[d] * dims[d];
      index[d] = 0;
    }
  }
  return out;
}

std::uint64_t read_preamble(const ReadBytes& read, const std::string& path, std::uint64_t& header_bytes) {
  const std::vector<std::uint8_t> start = read(8);
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
  const std::vector<std::uint8_t> length = read(width);
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

Array read_npy(const ReadBytes& read, const std::string& path) {
  Array out;
  out.path = path;
  const std::uint64_t size = read_preamble(read, path, out.header_bytes);
  const std::vector<std::uint8_t> header = read(size);
  if (header.size() < size)
    throw data_error(fmt::format("the file ends inside its header: {} bytes expected, {} found", out.header_bytes,
                                 out.header_bytes - size + header.size()),
                     "write it again with numpy.save")
        .in(path);
  const std::string text(header.begin(), header.end());
  const Layout layout = HeaderParser(text, out.header_bytes - size, path).parse();
  out.element = layout.element;
  out.dims = layout.dims;
  const std::uint64_t expected = checked_bytes(out.dims, layout.width(), path);
  out.bytes = read(expected + 1);
  if (out.bytes.size() < expected)
    throw data_error(fmt::format("the file is cut short: shape {} needs {} bytes, {} are there", dims_text(out.dims),
                                 out.header_bytes + expected, out.header_bytes + out.bytes.size()),
                     "write it again with numpy.save")
        .in(path);
  if (out.bytes.size() > expected)
    throw data_error(fmt::format("there are bytes after the {} that shape {} needs", out.header_bytes + expected,
                                 dims_text(out.dims)),
                     "give a file with one array")
        .in(path)
        .at_byte(out.header_bytes + expected);
  if (layout.swapped) swap_bytes(out.bytes, layout.width());
  if (layout.fortran) out.bytes = in_c_order(out.bytes, out.dims, layout.width());
  if (layout.half) out.bytes = widened(out.bytes);
  if (layout.fortran || layout.half) out.header_bytes = 0;
  return out;
}

Array read_npy(const std::string& path) {
  FileReader reader(path);
  return read_npy([&](std::uint64_t size) { return reader.read(size); }, path);
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
  AtomicFile file(path, FileKind::array);
  file.reserve(bytes.size());
  file.write(npy_header(element, dims));
  file.write(bytes);
  file.commit();
}

void write_npy(const std::string& path, std::span<const std::uint64_t> dims, std::span<const float> values) {
  write_npy(path, Element::f32, dims, std::as_bytes(values));
}

}  // namespace mote::tool
