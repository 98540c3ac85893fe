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

constexpr const char* kPicture = "give arrays of pixels (.npy or IDX), or a folder of pictures with one folder a class";
constexpr const char* kTable = "save its table as CSV and give that";
constexpr const char* kModel = "mote reads its own .mote files and networks in the text form (mote train --help)";
constexpr const char* kPacked = "unpack it first";
constexpr const char* kArray = "save the array with numpy.save and give the .npy file";
constexpr const char* kNothing = "check the path";

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  const char *what, *remedy;
};
constexpr std::array kMagics{
    Magic{0, "MOTE"sv, "a mote model", "give it where the command wants a model, and the data here"},
    Magic{0, "\x93NUMPY"sv, "a NumPy array", "give it behind --train, --test or --input"},
    Magic{0, "\x89PNG"sv, "a PNG picture", kPicture},
    Magic{0, "\xFF\xD8\xFF"sv, "a JPEG picture", kPicture},
    Magic{0, "GIF8"sv, "a GIF picture", kPicture},
    Magic{0, "BM"sv, "a BMP picture", kPicture},
    Magic{0, "II*\0"sv, "a TIFF picture", kPicture},
    Magic{0, "MM\0*"sv, "a TIFF picture", kPicture},
    Magic{8, "WEBP"sv, "a WebP picture", kPicture},
    Magic{8, "WAVE"sv, "a WAV recording", kArray},
    Magic{0, "%PDF"sv, "a PDF document", kTable},
    Magic{0, "\xD0\xCF\x11\xE0"sv, "an old Excel or Word file", kTable},
    Magic{0, "PAR1"sv, "a Parquet table", kTable},
    Magic{0, "ARROW1"sv, "an Arrow table", kTable},
    Magic{0, "FEA1"sv, "a Feather table", kTable},
    Magic{0, "SQLite format"sv, "an SQLite database", kTable},
    Magic{0, "<?xml"sv, "an XML file", kTable},
    Magic{0, "<svg"sv, "an SVG picture", kPicture},
    Magic{0, "<!"sv, "a web page", kTable},
    Magic{0, "<html"sv, "a web page", kTable},
    Magic{0, "{"sv, "a JSON file", kTable},
    Magic{0, "["sv, "a JSON file", kTable},
    Magic{4, "TFL3"sv, "a TensorFlow Lite model", kModel},
    Magic{0, "\x89HDF"sv, "an HDF5 file, as Keras writes models", kModel},
    Magic{0, "GGUF"sv, "a GGUF model", kModel},
    Magic{8, "{\""sv, "a safetensors file", kModel},
    Magic{0, "MATLAB 5"sv, "a MATLAB file", kArray},
    Magic{0, "\x80\x02"sv, "a Python pickle", kArray},
    Magic{0, "\x80\x03"sv, "a Python pickle", kArray},
    Magic{0, "\x80\x04"sv, "a Python pickle", kArray},
    Magic{0, "\x80\x05"sv, "a Python pickle", kArray},
    Magic{0, "BZh"sv, "a file compressed with bzip2", kPacked},
    Magic{0,
          "\xFD"
          "7zXZ"sv,
          "a file compressed with xz", kPacked},
    Magic{0, "\x28\xB5\x2F\xFD"sv, "a file compressed with zstd", kPacked},
    Magic{0, "7z\xBC\xAF"sv, "a 7z archive", kPacked},
    Magic{0, "Rar!"sv, "a RAR archive", kPacked},
    Magic{0,
          "\x7F"
          "ELF"sv,
          "a program", kNothing},
    Magic{0, "MZ"sv, "a Windows program", kNothing},
    Magic{0, "#!"sv, "a script", kNothing},
};

struct Ending {
  std::string_view end;
  const char *what, *remedy;
};
/// What a ZIP archive holds is told by its name.
constexpr std::array kArchives{
    Ending{".xlsx", "an Excel workbook", kTable},  Ending{".ods", "a spreadsheet", kTable},
    Ending{".docx", "a Word document", kTable},    Ending{".pt", "a PyTorch file", kModel},
    Ending{".pth", "a PyTorch file", kModel},      Ending{".keras", "a Keras model", kModel},
    Ending{".mlmodel", "a Core ML model", kModel}, Ending{"", "a ZIP archive", kPacked},
};

/// A field 1 with a small number, then field 2 or 7: how an ONNX model begins.
bool looks_like_onnx(std::string_view start, std::string_view path) {
  return start.size() >= 3 && start[0] == 8 && start[1] > 0 && start[1] < 32 &&
         (start[2] == 0x12 || start[2] == 0x3A || path.ends_with(".onnx"));
}

}  // namespace

std::optional<ForeignKind> foreign_kind(std::string_view start, std::string_view path) {
  std::string lower(path);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (start.starts_with("PK\x03\x04") && !lower.ends_with(".npz"))
    for (const Ending& archive : kArchives)
      if (lower.ends_with(archive.end)) return ForeignKind{archive.what, archive.remedy};
  for (const Magic& magic : kMagics)
    if (start.size() > magic.offset && start.substr(magic.offset).starts_with(magic.bytes))
      return ForeignKind{magic.what, magic.remedy};
  if (looks_like_onnx(start, lower)) return ForeignKind{"an ONNX model", kModel};
  if (lower.ends_with(".tar")) return ForeignKind{"a tar archive", kPacked};
  return std::nullopt;
}

void refuse_foreign(std::string_view start, const std::string& path, const std::string& wanted) {
  if (const std::optional<ForeignKind> kind = foreign_kind(start, path))
    throw data_error(fmt::format("this is {}, and {} is wanted", kind->what, wanted), kind->remedy).in(path);
}

}  // namespace mote::tool
