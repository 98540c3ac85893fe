// SPDX-License-Identifier: Apache-2.0
// IDX: nothing in the header is believed before the file's length has confirmed it.
#include "tool/data/idx.hpp"

#include <fmt/format.h>

#include <bit>

#include "tool/data/file_io.hpp"

namespace mote::tool {
namespace {

constexpr const char* kRemedy = "give an IDX file such as train-images-idx3-ubyte, plain or .gz";

Element element_of(std::uint8_t type, const std::string& path) {
  switch (type) {
    case 0x08: return Element::u8;
    case 0x09: return Element::s8;
    case 0x0B: return Element::s16;
    case 0x0C: return Element::s32;
    case 0x0D: return Element::f32;
    case 0x0E: return Element::f64;
    default:
      throw data_error(fmt::format("element type 0x{:02X} is not one of IDX (08, 09, 0B, 0C, 0D, 0E)", type), kRemedy)
          .in(path)
          .at_byte(2);
  }
}

}  // namespace

Array read_idx(const std::string& path) {
  FileReader reader(path);
  const std::vector<std::uint8_t> magic = reader.read(4);
  if (magic.size() < 4)
    throw data_error(fmt::format("the file has {} bytes, too few for the IDX header", magic.size()), kRemedy).in(path);
  if (magic[0] != 0 || magic[1] != 0)
    throw data_error(
        fmt::format("not an IDX file: it starts with {:02X} {:02X} and not with 00 00", magic[0], magic[1]), kRemedy)
        .in(path)
        .at_byte(0);
  Array out;
  out.path = path;
  out.element = element_of(magic[2], path);
  const std::size_t rank = magic[3];
  if (rank == 0 || rank > 4)
    throw data_error(fmt::format("{} dimensions; 1 to 4 are read", rank), kRemedy).in(path).at_byte(3);
  const std::vector<std::uint8_t> sizes = reader.read(rank * 4);
  if (sizes.size() < rank * 4)
    throw data_error(
        fmt::format("the file ends inside its header: {} bytes expected, {} found", 4 + rank * 4, 4 + sizes.size()),
        "fetch the file again")
        .in(path);
  for (std::size_t i = 0; i < rank; ++i) {
    std::uint64_t size = 0;
    for (std::size_t k = 0; k < 4; ++k) size = size << 8U | sizes[4 * i + k];
    out.dims.push_back(size);
  }
  out.header_bytes = 4 + 4 * rank;
  const std::size_t width = bytes_of(out.element);
  const std::uint64_t expected = checked_bytes(out.dims, width, path);
  out.bytes = reader.read(expected + 1);
  if (out.bytes.size() < expected)
    throw data_error(fmt::format("the file is cut short: {} ({}) needs {} bytes, {} are there", dims_text(out.dims),
                                 rank == 1 ? "labels" : "samples first", expected + out.header_bytes,
                                 out.bytes.size() + out.header_bytes),
                     "fetch the file again")
        .in(path);
  if (out.bytes.size() > expected)
    throw data_error(
        fmt::format("there are bytes after the {} that {} needs", expected + out.header_bytes, dims_text(out.dims)),
        "the file is damaged or its header is wrong; fetch it again")
        .in(path)
        .at_byte(expected + out.header_bytes);
  if (std::endian::native == std::endian::little) swap_bytes(out.bytes, width);
  return out;
}

}  // namespace mote::tool
