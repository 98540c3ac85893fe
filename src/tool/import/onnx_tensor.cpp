// SPDX-License-Identifier: Apache-2.0
#include "tool/import/onnx_tensor.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <filesystem>

#include "tool/terminal/error.hpp"

namespace mote::tool::foreign {
namespace {

constexpr Type kTypes[] = {Type::other, Type::f32,   Type::u8,      Type::s8,      Type::u16,  Type::s16,
                           Type::s32,   Type::s64,   Type::string,  Type::boolean, Type::f16,  Type::f64,
                           Type::u32,   Type::u64,   Type::complex, Type::complex, Type::bf16, Type::other,
                           Type::other, Type::other, Type::other,   Type::u4,      Type::s4};

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 31;

/// Elements stored one by one in fields of a wider type, narrowed to their own.
template <class T, class Field>
Bytes narrowed(const Field& field) {
  auto values = std::make_shared<std::vector<T>>(static_cast<std::size_t>(field.size()));
  for (int i = 0; i < field.size(); ++i) (*values)[static_cast<std::size_t>(i)] = static_cast<T>(field.Get(i));
  return {std::as_bytes(std::span(*values)), values};
}

Bytes from_fields(const onnx::Tensor& tensor, Type type) {
  switch (type) {
    case Type::f32: return narrowed<float>(tensor.float_data());
    case Type::f64: return narrowed<double>(tensor.double_data());
    case Type::s64: return narrowed<std::int64_t>(tensor.int64_data());
    case Type::u64: return narrowed<std::uint64_t>(tensor.uint64_data());
    case Type::u32: return narrowed<std::uint32_t>(tensor.uint64_data());
    case Type::s32: return narrowed<std::int32_t>(tensor.int32_data());
    case Type::s16: return narrowed<std::int16_t>(tensor.int32_data());
    case Type::u16:
    case Type::f16:
    case Type::bf16: return narrowed<std::uint16_t>(tensor.int32_data());
    case Type::s8: return narrowed<std::int8_t>(tensor.int32_data());
    case Type::u8:
    case Type::boolean: return narrowed<std::uint8_t>(tensor.int32_data());
    default: return {};
  }
}

std::uint64_t number_of(const std::string& text, const char* what) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    unsupported(fmt::format("its external data's {} is \"{}\"", what, tame(text)));
  return value;
}

Bytes external(const onnx::Tensor& tensor, ExternalFiles& files, std::uint64_t expected) {
  std::string location;
  std::uint64_t offset = 0, length = 0;
  for (const onnx::Entry& entry : tensor.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = number_of(entry.value(), "offset");
    if (entry.key() == "length") length = number_of(entry.value(), "length");
  }
  return files.read(location, offset, length, expected);
}

}  // namespace

Type onnx_type(int number) {
  return number >= 0 && static_cast<std::size_t>(number) < std::size(kTypes) ? kTypes[number] : Type::other;
}

Bytes ExternalFiles::read(const std::string& location, std::uint64_t offset, std::uint64_t length,
                          std::uint64_t expected) {
  namespace fs = std::filesystem;
  const std::string shown = tame(location);
  const fs::path relative(location);
  if (location.empty() || location.find('\0') != std::string::npos || relative.is_absolute())
    unsupported(fmt::format("its values lie in the file \"{}\", which is not in the model's folder", shown));
  std::error_code error;
  const fs::path folder =
      fs::canonical(fs::path(model_).parent_path().empty() ? "." : fs::path(model_).parent_path(), error);
  if (error) unsupported("its values lie in another file, and the model's folder cannot be read");
  const fs::path file = fs::canonical(folder / relative, error);
  if (error) unsupported(fmt::format("its values lie in the file \"{}\", which is not there beside the model", shown));
  const auto [folder_end, ignored] = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  if (folder_end != folder.end() || !fs::is_regular_file(file, error))
    unsupported(fmt::format("its values lie in the file \"{}\", which is not a file in the model's folder", shown));
  const std::uint64_t size = fs::file_size(file, error);
  if (error || size > kMostBytes) unsupported(fmt::format("the file \"{}\" of its values is too large", shown));
  if (length == 0) length = expected;
  if (offset > size || length > size - offset)
    unsupported(fmt::format("its values lie beyond the end of the file \"{}\" (offset {}, length {}, file {} bytes)",
                            shown, offset, length, size));
  std::shared_ptr<const AlignedBytes>& bytes = files_[file.string()];
  if (bytes == nullptr) bytes = std::make_shared<const AlignedBytes>(read_file(file.string()));
  if (offset + length > bytes->size()) unsupported(fmt::format("the file \"{}\" became shorter", shown));
  return {bytes->span().subspan(offset, length), bytes};
}

FileTensor onnx_tensor(const onnx::Tensor& tensor, ExternalFiles& files) {
  FileTensor out;
  out.name = tame(tensor.name());
  out.type = onnx_type(tensor.data_type());
  out.constant = true;
  constexpr int kMostRank = 16;
  if (tensor.dims_size() > kMostRank) {
    out.trouble = fmt::format("it has {} dimensions", tensor.dims_size());
    return out;
  }
  for (const std::int64_t extent : tensor.dims()) out.dims.push_back(extent);
  try {
    const std::size_t element = bytes_of(out.type);
    if (element == 0) unsupported(fmt::format("tensor type {}", name_of(out.type)));
    for (const std::int64_t extent : out.dims)
      if (extent < 0) unsupported("it is a constant with a negative extent");
    const auto count = static_cast<std::uint64_t>(count_of(out.dims));
    if (count > kMostBytes / element) unsupported(fmt::format("{} elements are too many", count));
    if (tensor.data_location() == 1) {
      out.bytes = external(tensor, files, count * element);
    } else if (tensor.has_raw_data()) {
      out.bytes.view = std::as_bytes(std::span(tensor.raw_data()));
    } else {
      out.bytes = from_fields(tensor, out.type);
    }
    if (out.bytes.view.size() != count * element)
      unsupported(fmt::format("{} {} needs {} bytes, and {} are there", name_of(out.type), text_of(out.dims),
                              count * element, out.bytes.view.size()),
                  "export the model again");
  } catch (const Unsupported& reason) {
    out.trouble = reason.why;
  }
  return out;
}

}  // namespace mote::tool::foreign
