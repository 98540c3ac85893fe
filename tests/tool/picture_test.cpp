// SPDX-License-Identifier: Apache-2.0
// Pictures: decoding, turning, grey and colour, resizing, folders of classes, and files that are not what they say.
// Host only.
#include "tool/data/picture.hpp"

#include <filesystem>

#include "picture_files.hpp"
#include "temporary.hpp"
#include "tool/data/picture_folder.hpp"

namespace mote::tool {
namespace {

using namespace test;
using Pixels = std::vector<std::uint8_t>;

Picture decoded(const std::string& bytes) {
  return decode_picture({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, "x.png");
}

TEST(Picture, ReadsPngExactly) {
  const Pixels grey{0, 1, 127, 128, 254, 255};
  const Picture one = decoded(png_bytes(2, 3, 1, grey));
  EXPECT_EQ(one.height, 2U);
  EXPECT_EQ(one.width, 3U);
  EXPECT_EQ(one.channels, 1U);
  EXPECT_EQ(one.pixels, grey);
  const Pixels color{1, 2, 3, 250, 0, 255};
  EXPECT_EQ(decoded(png_bytes(1, 2, 3, color)).pixels, color);
  // Transparency is ignored: the stored colours remain.
  EXPECT_EQ(decoded(png_bytes(1, 2, 4, {1, 2, 3, 0, 250, 0, 255, 128})).pixels, color);
  EXPECT_EQ(decoded(png_bytes(1, 2, 2, {9, 0, 200, 128})).pixels, (Pixels{9, 200}));
}

TEST(Picture, ReadsJpeg) {
  const Picture grey = decoded(jpeg_bytes(8, 8, 1, Pixels(64, 77)));
  EXPECT_EQ(grey.channels, 1U);
  EXPECT_EQ(grey.pixels, Pixels(64, 77));
  const Picture color = decoded(jpeg_bytes(3, 5, 3, Pixels(45, 200)));
  EXPECT_EQ(color.channels, 3U);
  EXPECT_EQ(color.pixels, Pixels(45, 200));
}

std::string exif(unsigned orientation, bool little) {
  const auto number = [&](unsigned value, unsigned width) {
    std::string out;
    for (unsigned i = 0; i < width; ++i) out += static_cast<char>(value >> 8 * (little ? i : width - 1 - i) & 0xFFU);
    return out;
  };
  return std::string("Exif\0\0", 6) + (little ? "II" : "MM") + number(42, 2) + number(8, 4) + number(2, 2) +
         number(0x010F, 2) + number(2, 2) + number(4, 4) + "abc" + '\0' +  // the camera's maker
         number(0x0112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + number(0, 2) + number(0, 4);
}

TEST(Picture, StandsAsExifSays) {
  // 16 x 8: left half dark, right half bright, in the lines as stored. Where the bright half comes to lie:
  Pixels stored(128);
  for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = i % 16 < 8 ? 10 : 240;
  const char* const bright[9] = {"", "right", "left", "left", "right", "bottom", "bottom", "top", "top"};
  for (unsigned orientation = 1; orientation <= 8; ++orientation)
    for (const bool little : {true, false}) {
      const Picture picture = decoded(jpeg_bytes(8, 16, 1, stored, exif(orientation, little)));
      EXPECT_EQ(picture.height, orientation < 5 ? 8U : 16U);
      const auto at = [&](std::size_t y, std::size_t x) { return picture.pixels[y * picture.width + x] > 128; };
      const std::size_t bottom = picture.height - 1, right = picture.width - 1;
      const std::string where = at(0, 0) ? (at(0, right) ? "top" : "left") : at(0, right) ? "right" : "bottom";
      EXPECT_EQ(where, bright[orientation]) << orientation;
      EXPECT_EQ(at(0, 0) + at(0, right) + at(bottom, 0) + at(bottom, right), 2) << orientation;
    }
  // Up and down too: the second line bright.
  Pixels lines(128, 10);
  std::fill(lines.begin() + 64, lines.end(), 240);
  const char* const down[9] = {"", "bottom", "bottom", "top", "top", "right", "left", "left", "right"};
  for (unsigned orientation = 1; orientation <= 8; ++orientation) {
    const Picture picture = decoded(jpeg_bytes(8, 16, 1, lines, exif(orientation, true)));
    const auto at = [&](std::size_t y, std::size_t x) { return picture.pixels[y * picture.width + x] > 128; };
    const std::size_t right = picture.width - 1;
    const std::string where = at(0, 0) ? (at(0, right) ? "top" : "left") : at(0, right) ? "right" : "bottom";
    EXPECT_EQ(where, down[orientation]) << orientation;
  }
  for (const std::string& odd : {exif(9, true), exif(0, true), exif(6, true).substr(0, 20), std::string("Exif"),
                                 std::string("Exif\0\0II*\0\xFF\xFF\xFF\xFF", 14), std::string("http://ns.adobe.com")})
    EXPECT_EQ(decoded(jpeg_bytes(8, 16, 1, stored, odd)).height, 8U);
}

TEST(Picture, ChangesChannels) {
  const Picture color{1, 3, 3, {255, 0, 0, 10, 20, 30, 255, 255, 255}};
  EXPECT_EQ(with_channels(color, 1).pixels, (Pixels{76, 18, 255}));  // 76.245, 18.15, 255
  EXPECT_EQ(with_channels({1, 2, 1, {7, 8}}, 3).pixels, (Pixels{7, 7, 7, 8, 8, 8}));
}

TEST(Picture, IsResizedByTheStatedFormula) {
  EXPECT_EQ(resized({1, 2, 1, {0, 100}}, 1, 4).pixels, (Pixels{0, 25, 75, 100}));
  EXPECT_EQ(resized({2, 1, 1, {0, 100}}, 4, 1).pixels, (Pixels{0, 25, 75, 100}));
  // 4 to 2: weights 3/4, 3/4, 1/4 of 7/4.
  EXPECT_EQ(resized({1, 4, 1, {0, 0, 100, 100}}, 1, 2).pixels, (Pixels{14, 86}));
  EXPECT_EQ(resized({2, 2, 3, {1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3}}, 1, 1).pixels, (Pixels{1, 2, 3}));
  // From the definition, both axes, one grows and one shrinks.
  Picture source{7, 3, 1, {}};
  for (unsigned i = 0; i < 21; ++i) source.pixels.push_back(static_cast<std::uint8_t>(i * 89 % 256));
  const unsigned height = 3, width = 5;
  const Picture out = resized(source, height, width);
  const auto weight = [](double i, double j, double n, double m) {
    return std::max(0.0, 1.0 - std::abs(i + 0.5 - (j + 0.5) * n / m) / std::max(n / m, 1.0));
  };
  for (unsigned y = 0; y < height; ++y)
    for (unsigned x = 0; x < width; ++x) {
      double sum = 0.0, weights = 0.0;
      for (unsigned i = 0; i < 7; ++i)
        for (unsigned k = 0; k < 3; ++k) {
          const double w = weight(i, y, 7, height) * weight(k, x, 3, width);
          sum += w * source.pixels[i * 3 + k], weights += w;
        }
      EXPECT_NEAR(out.pixels[y * width + x], sum / weights, 0.5001);
    }
}

TEST(Picture, SaysWhatIsWrong) {
  const auto complaint = [](const std::string& bytes) { return error_of([&] { decoded(bytes); }); };
  expect_in(complaint(""), {"x.png", "empty"});
  expect_in(complaint("GIF89a, and so on"), {"a GIF picture", "convert it to PNG"});
  expect_in(complaint("RIFF\1\1\1\1WEBPVP8 "), {"a WebP picture"});
  expect_in(complaint(std::string("\0\0\0\x18"
                                  "ftypheic",
                                  12)),
            {"HEIF"});
  expect_in(complaint("hello"), {"no picture"});
  const std::string png = png_bytes(9, 9, 3, Pixels(243, 5)), jpeg = jpeg_bytes(9, 9, 3, Pixels(243, 5));
  expect_in(complaint(png.substr(0, png.size() / 2)), {"PNG", "cut short"});
  expect_in(complaint(jpeg.substr(0, jpeg.size() / 2)), {"JPEG", "cut short"});
  // A header that promises 2 000 000 000 pixels: refused before a byte is allocated.
  std::string huge = png;
  huge.replace(16, 8, std::string("\0\0\xC3\x50\0\0\x9C\x40", 8));
  const auto crc = static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(huge.data()) + 12, 17));
  for (std::size_t i = 0; i < 4; ++i) huge[29 + i] = static_cast<char>(crc >> (24 - 8 * i) & 0xFFU);
  expect_in(complaint(huge), {"40000 x 50000 pixels", "134 million"});
  std::string large = jpeg;
  const std::size_t frame = large.find("\xFF\xC0");
  large.replace(frame + 5, 4, "\xFF\xDC\xFF\xDC");
  expect_in(complaint(large), {"65500 x 65500 pixels"});
}

TEST(Picture, SurvivesDamage) {
  const TemporaryFolder folder;
  const std::string path = folder / "x.png";
  Pixels pixels(300);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * i);
  const std::string png = png_bytes(10, 10, 3, pixels);  // without its last chunk all pixels are there
  read_damaged(png.substr(0, png.size() - 12), path, [&] { read_picture(path); });
  read_damaged(jpeg_bytes(10, 10, 3, pixels, exif(6, true)), path, [&] { read_picture(path); });
}

TEST(PictureFolder, FollowsItsRules) {
  const TemporaryFolder folder;
  const std::string png = png_bytes(1, 1, 1, {9});
  for (const char* name : {"b cats/old/deep", "a dogs", ".git", "__MACOSX"})
    std::filesystem::create_directories(folder / name);
  for (const char* name : {"b cats/2.PNG", "b cats/old/deep/1.jpeg", "b cats/.hidden.png", "b cats/._2.png",
                           "a dogs/x.jpg", "a dogs/10.png", "a dogs/9.png", ".git/x.png", "__MACOSX/y.png"})
    write(folder / name, png);
  for (const char* name : {"Thumbs.db", ".DS_Store", "b cats/notes.txt"}) write(folder / name, "x");
  const PictureFolder list = list_pictures(folder.path());
  EXPECT_EQ(list.classes, (std::vector<std::string>{"a dogs", "b cats"}));
  EXPECT_EQ(list.files,
            (std::vector<std::string>{folder / "a dogs/10.png", folder / "a dogs/9.png", folder / "a dogs/x.jpg",
                                      folder / "b cats/2.PNG", folder / "b cats/old/deep/1.jpeg"}));
  EXPECT_EQ(list.labels, (std::vector<std::int32_t>{0, 0, 0, 1, 1}));
  EXPECT_EQ(list.passed_over, (std::vector<std::string>{folder / "Thumbs.db", folder / "b cats/notes.txt"}));
  EXPECT_TRUE(holds_pictures(folder.path()));
  EXPECT_TRUE(holds_pictures(folder / "a dogs/x.jpg"));
  EXPECT_FALSE(holds_pictures(folder / "Thumbs.db"));
  EXPECT_FALSE(holds_pictures(folder / "nothing"));
  const PictureFolder flat = list_pictures(folder / "a dogs");
  EXPECT_EQ(flat.files.size(), 3U);
  EXPECT_TRUE(flat.classes.empty() && flat.labels.empty());
  EXPECT_EQ(list_pictures(folder / "a dogs/9.png").files.size(), 1U);
}

TEST(PictureFolder, FindsTrainAndTest) {
  const TemporaryFolder folder;
  for (const char* name : {"set/train/a", "set/val/a", "trains/train", "trains/ship"})
    std::filesystem::create_directories(folder / name);
  EXPECT_EQ(picture_parts(folder / "set").train, folder / "set/train");
  EXPECT_EQ(picture_parts(folder / "set").test, folder / "set/val");
  EXPECT_EQ(picture_parts(folder / "trains").train, "");  // a class called train
}

TEST(PictureFolder, ReadsPicturesAtOneSize) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "a");
  std::filesystem::create_directories(folder / "b");
  write(folder / "a/1.png", png_bytes(2, 2, 1, {8, 8, 8, 8}));
  write(folder / "a/2.png", jpeg_bytes(8, 8, 3, Pixels(192, 50)));  // by content, not by name
  write(folder / "b/1.png", png_bytes(1, 2, 3, {0, 0, 0, 200, 200, 200}));
  const Array array = read_pictures(list_pictures(folder.path()), {1, 2, 3});
  EXPECT_EQ(array.dims, (std::vector<std::uint64_t>{3, 1, 2, 3}));
  EXPECT_EQ(array.bytes, (Pixels{8, 8, 8, 8, 8, 8, 50, 50, 50, 50, 50, 50, 0, 0, 0, 200, 200, 200}));
  EXPECT_EQ(read_pictures(list_pictures(folder.path()), {1, 1, 1}).bytes, (Pixels{8, 50, 100}));
}

TEST(PictureFolder, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  const auto complaint = [&] { return error_of([&] { read_pictures(list_pictures(folder.path()), {2, 2, 1}); }); };
  expect_in(complaint(), {"holds no .png"});
  std::filesystem::create_directories(folder / "cats");
  std::filesystem::create_directories(folder / "dogs");
  write(folder / "cats/1.png", png_bytes(1, 1, 1, {9}));
  expect_in(complaint(), {"dogs", "class folder holds no"});
  write(folder / "dogs/1.png", png_bytes(1, 1, 1, {9}));
  write(folder / "0.png", png_bytes(1, 1, 1, {9}));
  expect_in(complaint(), {"0.png", "beside the class folders"});
  std::filesystem::remove(folder / "0.png");
  write(folder / "cats/2.png", "");
  expect_in(complaint(), {"1 of 3 pictures", "cats/2.png: the file is empty"});
  write(folder / "dogs/2.jpg", "GIF89a");
  expect_in(complaint(), {"2 of 4 pictures", "cats/2.png: the file is empty", "dogs/2.jpg: this is a GIF"});
  write(folder / "dogs/3.webp", "RIFF");
  expect_in(complaint(), {"dogs/3.webp", ".webp are not read"});
}

}  // namespace
}  // namespace mote::tool
