// SPDX-License-Identifier: Apache-2.0
#include "tool/data/file_kind.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "tool/terminal/error.hpp"

namespace mote::tool {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  const char* what;
  Content content;
  bool letters =
      false;  // a table's header may begin so (BMI, PAR1): what has no other bytes than text is none of these
};
constexpr bool kLetters = true;
constexpr std::array kMagics{
    Magic{0, "MOTE"sv, "a mote model", Content::mote_model, kLetters},
    Magic{0, "\x93NUMPY"sv, "a NumPy array", Content::array},
    Magic{0, "\x89PNG"sv, "a PNG picture", Content::picture},
    Magic{0, "\xFF\xD8\xFF"sv, "a JPEG picture", Content::picture},
    Magic{0, "GIF8"sv, "a GIF picture", Content::picture},
    Magic{0, "BM"sv, "a BMP picture", Content::picture, kLetters},
    Magic{0, "II*\0"sv, "a TIFF picture", Content::picture},
    Magic{0, "MM\0*"sv, "a TIFF picture", Content::picture},
    Magic{8, "WEBP"sv, "a WebP picture", Content::picture, kLetters},
    Magic{8, "WAVE"sv, "a WAV recording", Content::array, kLetters},
    Magic{0, "%PDF"sv, "a PDF document", Content::table},
    Magic{0, "\xD0\xCF\x11\xE0"sv, "an old Excel or Word file", Content::table},
    Magic{0, "PAR1"sv, "a Parquet table", Content::table, kLetters},
    Magic{0, "ARROW1"sv, "an Arrow table", Content::table, kLetters},
    Magic{0, "FEA1"sv, "a Feather table", Content::table, kLetters},
    Magic{0, "SQLite format"sv, "an SQLite database", Content::table},
    Magic{0, "<?xml"sv, "an XML file", Content::table},
    Magic{0, "<svg"sv, "an SVG picture", Content::picture},
    Magic{0, "<!"sv, "a web page", Content::table},
    Magic{0, "<html"sv, "a web page", Content::table},
    Magic{4, "TFL3"sv, "a TensorFlow Lite model", Content::model, kLetters},
    Magic{0, "\x89HDF"sv, "an HDF5 file, as Keras writes models", Content::model},
    Magic{0, "GGUF"sv, "a GGUF model", Content::model, kLetters},
    Magic{8, "{\""sv, "a safetensors file", Content::model, kLetters},
    Magic{0, "MATLAB 5"sv, "a MATLAB file", Content::array},
    Magic{0, "\x80\x02"sv, "a Python pickle", Content::array},
    Magic{0, "\x80\x03"sv, "a Python pickle", Content::array},
    Magic{0, "\x80\x04"sv, "a Python pickle", Content::array},
    Magic{0, "\x80\x05"sv, "a Python pickle", Content::array},
    Magic{4, "1AY&SY"sv, "a file compressed with bzip2", Content::packed},
    Magic{0,
          "\xFD"
          "7zXZ"sv,
          "a file compressed with xz", Content::packed},
    Magic{0, "\x28\xB5\x2F\xFD"sv, "a file compressed with zstd", Content::packed},
    Magic{0, "7z\xBC\xAF"sv, "a 7z archive", Content::packed},
    Magic{0, "Rar!"sv, "a RAR archive", Content::packed, kLetters},
    Magic{0,
          "\x7F"
          "ELF"sv,
          "a program", Content::other},
    Magic{0, "MZ"sv, "a Windows program", Content::other, kLetters},
    Magic{0, "#!"sv, "a script", Content::other},
};

struct Ending {
  std::string_view end;
  const char* what;
  Content content;
};
/// What a ZIP archive holds is told by its name.
constexpr std::array kArchives{
    Ending{".xlsx", "an Excel workbook", Content::table},  Ending{".ods", "a spreadsheet", Content::table},
    Ending{".docx", "a Word document", Content::table},    Ending{".pt", "a PyTorch file", Content::model},
    Ending{".pth", "a PyTorch file", Content::model},      Ending{".keras", "a Keras model", Content::model},
    Ending{".mlmodel", "a Core ML model", Content::model}, Ending{"", "a ZIP archive", Content::packed},
};

/// A field 1 with a small number, then field 2 or 7: how an ONNX model begins.
bool looks_like_onnx(std::string_view start, std::string_view path) {
  return start.size() >= 3 && start[0] == 8 && start[1] > 0 && start[1] < 32 &&
         (start[2] == 0x12 || start[2] == 0x3A || path.ends_with(".onnx"));
}

/// Bytes that no text has.
bool has_control_bytes(std::string_view start) {
  return std::any_of(start.begin(), start.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && c != '\n' && c != '\r' && c != '\t';
  });
}

/// "[1, …", "{ "a": …": a bracket alone may begin a header ("[kg]").
bool looks_like_json(std::string_view start) {
  const bool object = start.starts_with('{');
  if (!object && !start.starts_with('[')) return false;
  const std::size_t next = start.find_first_not_of(" \t\r\n", 1);
  return next == std::string_view::npos ||
         std::string_view(object ? "\"}" : "[{\"]-0123456789").find(start[next]) != std::string_view::npos;
}

const char* remedy_for(Content content, Wanted wanted) {
  if (content == Content::packed) return "unpack it first";
  if (wanted == Wanted::model_file) return "give a .mote file, as mote train writes it";
  if (wanted == Wanted::network) return "give a .mote file or a network in the text form (mote train --help)";
  switch (content) {
    case Content::picture:
      return "give arrays of pixels (.npy or IDX), or a folder of pictures with one folder a class";
    case Content::table: return "save its table as CSV and give that";
    case Content::array:
      return wanted == Wanted::table ? "give it behind --train, --test or --input" : "save it with numpy.save";
    case Content::mote_model: return "give the model where the command takes one, and a file with data here";
    default: return "give a file with data: CSV, .npy, .npz or IDX";
  }
}

const char* text_of(Wanted wanted) {
  switch (wanted) {
    case Wanted::table: return "a CSV table";
    case Wanted::array: return "a CSV table or an array of samples or labels";
    case Wanted::model_file: return "a .mote file";
    case Wanted::network: return "a network";
  }
  return "";
}

}  // namespace

std::optional<ForeignKind> foreign_kind(std::string_view start, std::string_view path) {
  std::string lower(path);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (start.starts_with("PK\x03\x04") && !lower.ends_with(".npz"))
    for (const Ending& archive : kArchives)
      if (lower.ends_with(archive.end)) return ForeignKind{archive.what, archive.content};
  const bool binary = has_control_bytes(start);
  for (const Magic& magic : kMagics)
    if (start.size() > magic.offset && start.substr(magic.offset).starts_with(magic.bytes) &&
        (binary || !magic.letters))
      return ForeignKind{magic.what, magic.content};
  if (looks_like_json(start)) return ForeignKind{"a JSON file", Content::table};
  if (looks_like_onnx(start, lower)) return ForeignKind{"an ONNX model", Content::model};
  if (lower.ends_with(".tar")) return ForeignKind{"a tar archive", Content::packed};
  return std::nullopt;
}

void refuse_foreign(std::string_view start, const std::string& path, Wanted wanted) {
  if (const std::optional<ForeignKind> kind = foreign_kind(start, path))
    throw data_error(fmt::format("this is {}, and {} is wanted", kind->what, text_of(wanted)),
                     remedy_for(kind->content, wanted))
        .in(path);
}

}  // namespace mote::tool
