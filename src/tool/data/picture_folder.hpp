// SPDX-License-Identifier: Apache-2.0
// A folder of pictures with one folder for each class, as samples. Which files count is decided by the rules below;
// how one is decoded and resized is picture.hpp's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mote/types.hpp"
#include "tool/data/array.hpp"

namespace mote::tool {

/// Pictures that will be read: of a folder, or one file.
struct PictureFolder {
  std::string path;
  std::vector<std::string> classes;  ///< names of the class folders, in the order of their bytes; empty: no classes
  std::vector<std::string> files;    ///< by class, then in the order of the bytes of their paths
  std::vector<std::int32_t> labels;  ///< of each file, an index into classes; empty: no classes
  std::vector<std::string> passed_over;
};

/// True for a folder in which list_pictures() would find pictures, and for a file that begins as PNG or JPEG.
bool holds_pictures(const std::string& path);

/// The rules. A picture is a file that ends in .png, .jpg, .jpeg, .jpe or .jfif, in either case. Each folder in `path`
/// is a class, named like the folder; pictures in folders within it belong to it. Without such folders the pictures in
/// `path` itself are samples without a class; pictures beside class folders are refused, and so is a class folder
/// without any. Hidden names (a leading dot) and folders called __MACOSX are not looked at. Files of other names
/// (Thumbs.db, notes.txt) are passed over and listed, but pictures of another kind (.gif, .bmp, .tif, .tiff, .webp,
/// .avif, .heic, .heif) are refused. A link counts as what it leads to, but links to folders below a class are not
/// followed.
PictureFolder list_pictures(const std::string& path);

/// Folders `train` and, if there is one, `test` (or `val`, `valid`, `validation`) inside `path`, where `train` holds
/// class folders; both empty otherwise.
struct PictureParts {
  std::string train, test;
};
PictureParts picture_parts(const std::string& path);

/// All of them at one size and with 1 or 3 channels (Element::u8; pictures x height x width x channels). Throws naming
/// every file that cannot be read, and why, up to ten.
Array read_pictures(const PictureFolder& folder, const Shape& shape);

}  // namespace mote::tool
