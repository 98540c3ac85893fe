// SPDX-License-Identifier: Apache-2.0
// Reading and writing model files (FORMAT.md). Every byte is hostile until open_model() has looked at it.
#include "model/model_file.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "mote/model/validate.hpp"

namespace mote {

static_assert(std::endian::native == std::endian::little, "records are read in place and are little-endian");

namespace {
constexpr std::size_t kMaxTable = 0x1'0000;
constexpr std::size_t kMaxLayersOfVersion1 = 1024;

/// The lowest version that carries the model: 1 reads in older libraries too.
std::uint16_t version_of(const Model& model) {
  bool first = model.layers.size() <= kMaxLayersOfVersion1 && model.operands.empty() && model.names.empty();
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    first = first && layer.op <= Op::spline && (layer.op != Op::input || i == 0) && layer.dtype == DType::f32 &&
            layer.param_dtype <= DType::f32 && !rounds_weights(layer);
    for (const std::int32_t word : layer.args) first = first && word == 0;
  }
  return first ? 1 : 2;
}

/// One string a layer.
Status check_names(const Model& model) {
  if (model.names.empty()) return {};
  const auto ends = static_cast<std::size_t>(std::count(model.names.begin(), model.names.end(), '\0'));
  return ends == model.layers.size() && model.names.back() == '\0' ? Status{} : Status{Code::bad_names};
}

std::uint32_t file_crc(std::span<const std::byte> file) {
  constexpr std::size_t at = offsetof(FileHeader, crc);
  return crc32(file.subspan(at + sizeof(std::uint32_t)), crc32(file.first(at)));
}

Status check_header(const FileHeader& header, std::size_t given_bytes) {
  if (header.magic != FileHeader::kMagic) return {Code::bad_magic};
  if (header.version == 0 || header.version > FileHeader::kVersion)
    return {Code::unsupported_version, kNoLayer, header.version};
  if (header.record_bytes != sizeof(Layer)) return {Code::bad_header};
  for (const std::uint32_t word : header.reserved)
    if (word != 0) return {Code::bad_header};
  if (header.alignment < 4 || header.alignment > 4096 || !std::has_single_bit(header.alignment))
    return {Code::bad_header};
  if (header.layer_count == 0 || header.layer_count > kMaxLayers) return {Code::bad_header};
  if (header.version == 1 &&
      (header.layer_count > kMaxLayersOfVersion1 || header.operand_count != 0 || header.names_bytes != 0))
    return {Code::bad_header};
  if (header.operand_count > kMaxTable) return {Code::bad_header};
  const std::uint64_t params =
      align_up(sizeof(FileHeader) + header.layer_count * sizeof(Layer) + header.operand_count * sizeof(std::uint16_t),
               header.alignment);
  if (header.param_offset != params ||
      std::uint64_t{header.param_offset} + header.param_bytes + header.names_bytes + header.description_bytes !=
          header.file_bytes)
    return {Code::bad_header};
  if (given_bytes < header.file_bytes) return {Code::file_too_short, kNoLayer, header.file_bytes};
  if (given_bytes > header.file_bytes) return {Code::size_mismatch, kNoLayer, header.file_bytes};
  return {};
}

/// Whether the bytes [first, last) of the file, which belong to nothing, are zero.
Status check_zeros(std::span<const std::byte> file, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i)
    if (file[i] != std::byte{0}) return {Code::reserved_not_zero, kNoLayer, static_cast<std::uint32_t>(i)};
  return {};
}

/// What lies between records and parameters, between the layers' parameters and between a layer's arrays. Of a valid
/// model: runs of parameters are within the block and apart. Looks for each next run among all layers, as validate()
/// does for overlaps.
Status check_padding(std::span<const std::byte> file, const Model& model, std::size_t block) {
  MOTE_TRY(check_zeros(file, sizeof(FileHeader) + model.layers.size_bytes() + model.operands.size_bytes(), block));
  for (std::size_t end = 0;;) {
    const Layer* next = nullptr;
    for (const Layer& layer : model.layers)
      if (layer.param_bytes != 0 && layer.param_offset >= end &&
          (next == nullptr || layer.param_offset < next->param_offset))
        next = &layer;
    MOTE_TRY(check_zeros(file, block + end, block + (next == nullptr ? model.param_bytes : next->param_offset)));
    if (next == nullptr) return {};
    end = next->param_offset;
    const Shape in = model.input_shape_of(static_cast<std::size_t>(next - model.layers.data()));
    for (const ParamArray& array : param_arrays(*next, in)) {
      MOTE_TRY(check_zeros(file, block + end, block + next->param_offset + array.offset));
      end = next->param_offset + array.offset + std::size_t{array.count} * bytes_of(array.dtype);
    }
  }
}
}  // namespace

Result<Model> open_model(std::span<const std::byte> bytes, Checksum checksum) {
  if (bytes.size() < sizeof(FileHeader)) return Status{Code::file_too_short, kNoLayer, sizeof(FileHeader)};
  FileHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  MOTE_TRY(check_header(header, bytes.size()));
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % header.alignment != 0)
    return Status{Code::file_misaligned, kNoLayer, header.alignment};
  if (checksum == Checksum::verify && file_crc(bytes) != header.crc) return Status{Code::bad_crc};
  Model model;
  model.layers = {reinterpret_cast<const Layer*>(bytes.data() + sizeof(FileHeader)), header.layer_count};
  model.operands = {
      reinterpret_cast<const std::uint16_t*>(bytes.data() + sizeof(FileHeader) + model.layers.size_bytes()),
      header.operand_count};
  model.params = bytes.data() + header.param_offset;
  model.param_bytes = header.param_bytes;
  model.alignment = header.alignment;
  model.names = {reinterpret_cast<const char*>(model.params + model.param_bytes), header.names_bytes};
  MOTE_TRY(validate(model));
  if (version_of(model) > header.version) return Status{Code::bad_header};
  MOTE_TRY(check_names(model));
  MOTE_TRY(check_padding(bytes, model, header.param_offset));
  MOTE_TRY(validate_variances(model));
  MOTE_TRY(validate_ranges(model));
  MOTE_TRY(validate_multipliers(model));
  return model;
}

std::string_view model_description(std::span<const std::byte> bytes) {
  FileHeader header;
  if (bytes.size() < sizeof header) return {};
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.description_bytes > bytes.size() - sizeof header) return {};
  const std::span<const std::byte> text = bytes.last(header.description_bytes);
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

std::size_t model_file_bytes(const Model& model, std::string_view description) {
  return file_layout(model, description.size()).bytes;
}

void finish_model_file(const Model& model, std::span<std::byte> file) {
  FileHeader header;
  header.version = version_of(model);
  header.layer_count = static_cast<std::uint32_t>(model.layers.size());
  header.alignment = model.alignment;
  header.param_bytes = model.param_bytes;
  header.file_bytes = static_cast<std::uint32_t>(file.size());
  header.operand_count = static_cast<std::uint32_t>(model.operands.size());
  header.names_bytes = static_cast<std::uint32_t>(model.names.size());
  const FileLayout layout = file_layout(model, 0);
  header.param_offset = static_cast<std::uint32_t>(layout.params);
  header.description_bytes = static_cast<std::uint32_t>(file.size() - layout.bytes);
  std::memcpy(file.data(), &header, sizeof header);
  header.crc = file_crc(file);
  std::memcpy(file.data(), &header, sizeof header);
}

Result<std::size_t> write_model(const Model& model, std::span<std::byte> out, std::string_view description) {
  MOTE_TRY(validate(model));
  if (model.operands.size() > kMaxTable) return Status{Code::bad_input_count};
  MOTE_TRY(check_names(model));
  const FileLayout layout = file_layout(model, description.size());
  if (layout.bytes > 0x7FFF'FFFFU) return Status{Code::plan_too_large};
  if (out.size() < layout.bytes)
    return Status{Code::output_too_small, kNoLayer, static_cast<std::uint32_t>(layout.bytes)};
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    if (model.layers[i].param_bytes != 0 && layer_params(model, i) == nullptr)
      return Status{Code::missing_parameters, static_cast<std::uint16_t>(i)};
  MOTE_TRY(validate_variances(model));
  MOTE_TRY(validate_ranges(model));
  MOTE_TRY(validate_multipliers(model));
  out = out.first(layout.bytes);
  std::fill(out.begin(), out.end(), std::byte{0});
  std::byte* params = out.data() + layout.params;
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    for (const ParamArray& array : param_arrays(model.layers[i], model.input_shape_of(i)))  // not what is between
      std::memcpy(params + model.layers[i].param_offset + array.offset, layer_params(model, i) + array.offset,
                  std::size_t{array.count} * bytes_of(array.dtype));
  std::byte* records = out.data() + sizeof(FileHeader);
  std::memcpy(records, model.layers.data(), model.layers.size_bytes());
  std::ranges::copy(std::as_bytes(model.operands), records + model.layers.size_bytes());
  std::ranges::copy(std::as_bytes(std::span(model.names)), out.data() + layout.names);
  std::ranges::copy(std::as_bytes(std::span(description)), out.data() + layout.description);
  finish_model_file(model, out);
  return layout.bytes;
}

}  // namespace mote
