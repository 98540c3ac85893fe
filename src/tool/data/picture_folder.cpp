// SPDX-License-Identifier: Apache-2.0
// See picture_folder.hpp.
#include "tool/data/picture_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

#include "tool/data/file_io.hpp"
#include "tool/data/picture.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 5> kRead{".png", ".jpg", ".jpeg", ".jpe", ".jfif"};
constexpr std::array<std::string_view, 8> kOther{".gif", ".bmp", ".tif", ".tiff", ".webp", ".avif", ".heic", ".heif"};

std::string ending(const fs::path& path) {
  std::string out = path.extension().string();
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}
template <std::size_t N>
bool is_among(const std::string& word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}
bool looked_at(const fs::path& path) {
  const std::string name = path.filename().string();
  return !name.starts_with('.') && name != "__MACOSX";
}

/// What is in a folder, in the order of the bytes of the names.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::error_code problem;
  std::vector<fs::path> out;
  for (fs::directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem))
    if (looked_at(at->path())) out.push_back(at->path());
  if (problem)
    throw data_error("cannot look into the folder: " + problem.message(), "check its permissions").in(folder.string());
  std::sort(out.begin(), out.end(), [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  return out;
}
bool leads_to_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

/// Adds the pictures of a folder; with `deep` also those of the folders in it.
void add_files(const fs::path& folder, bool deep, PictureFolder& out) {
  for (const fs::path& path : entries_of(folder)) {
    if (leads_to_folder(path)) {
      std::error_code ignored;
      if (deep && !fs::is_symlink(path, ignored)) add_files(path, deep, out);
    } else if (is_among(ending(path), kRead)) {
      out.files.push_back(path.string());
    } else if (is_among(ending(path), kOther)) {
      throw data_error(fmt::format("pictures of the kind {} are not read; PNG and JPEG are", ending(path)),
                       "convert it to PNG or take it out of the folder")
          .in(path.string());
    } else {
      out.passed_over.push_back(path.string());
    }
  }
}

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> out = entries_of(folder);
  std::erase_if(out, [](const fs::path& path) { return !leads_to_folder(path); });
  return out;
}

bool any_picture(const fs::path& folder, bool deep) {
  PictureFolder found;
  try {
    add_files(folder, deep, found);
  } catch (const Error&) {
    return true;  // list_pictures() will say what is wrong
  }
  return !found.files.empty();
}

}  // namespace

bool holds_pictures(const std::string& path) {
  if (leads_to_folder(path)) return any_picture(path, true);
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return false;
  FileReader reader(path);
  const std::vector<std::uint8_t> start = reader.read(4);
  if (start.size() < 4) return is_among(ending(path), kRead);
  return (start[0] == 0x89 && start[1] == 'P') || (start[0] == 0xFF && start[1] == 0xD8) ||
         is_among(ending(path), kRead);
}

PictureFolder list_pictures(const std::string& path) {
  PictureFolder out;
  out.path = path;
  if (!leads_to_folder(path)) {
    out.files.push_back(path);
    return out;
  }
  add_files(path, false, out);
  const std::vector<fs::path> folders = folders_in(path);
  if (!folders.empty() && !out.files.empty())
    throw data_error("the picture lies beside the class folders, so it has no class", "move it into one of them")
        .in(out.files[0]);
  for (const fs::path& folder : folders) {
    const std::size_t before = out.files.size();
    add_files(folder, true, out);
    if (out.files.size() == before)
      throw data_error("the class folder holds no .png or .jpg", "put pictures in or remove it").in(folder.string());
    out.labels.resize(out.files.size(), static_cast<std::int32_t>(out.classes.size()));
    out.classes.push_back(folder.filename().string());
  }
  if (out.files.empty())
    throw data_error("the folder holds no .png or .jpg",
                     "give a folder with pictures, or with one folder for each class")
        .in(path);
  return out;
}

PictureParts picture_parts(const std::string& path) {
  const fs::path train = fs::path(path) / "train";
  if (!leads_to_folder(train) || folders_in(train).empty()) return {};
  PictureParts out{train.string(), ""};
  for (const char* name : {"test", "val", "valid", "validation"})
    if (out.test.empty() && leads_to_folder(fs::path(path) / name)) out.test = (fs::path(path) / name).string();
  return out;
}

Array read_pictures(const PictureFolder& folder, const Shape& shape) {
  constexpr std::size_t kMostComplaints = 10;
  Array out;
  out.path = folder.path;
  out.element = Element::u8;
  out.dims = {folder.files.size(), shape.h, shape.w, shape.c};
  if (shape.h == 0 || shape.w == 0 || (shape.c != 1 && shape.c != 3) || shape.elements() > kMaxElements)
    throw usage_error(fmt::format("pictures cannot become {} x {} with {} channels", shape.h, shape.w, shape.c),
                      "pictures have 1 channel (grey) or 3 (red, green, blue)")
        .in(folder.path);
  out.bytes.reserve(folder.files.size() * shape.elements());
  std::vector<std::string> complaints;
  std::size_t bad = 0;
  for (const std::string& path : folder.files) try {
      const Picture picture = resized(with_channels(read_picture(path), shape.c), shape.h, shape.w);
      out.bytes.insert(out.bytes.end(), picture.pixels.begin(), picture.pixels.end());
    } catch (const Error& error) {
      if (folder.files.size() == 1) throw;
      if (++bad <= kMostComplaints) complaints.push_back(error.message());
    }
  if (bad == 0) return out;
  std::string list;
  for (const std::string& complaint : complaints) list += "\n  " + complaint;
  if (bad > complaints.size()) list += fmt::format("\n  and {} more.", bad - complaints.size());
  throw data_error(fmt::format("{} of {} pictures cannot be read:{}", bad, folder.files.size(), list),
                   "\nmend them or take them out of the folder")
      .in(folder.path);
}

}  // namespace mote::tool
