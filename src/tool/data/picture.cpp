// SPDX-License-Identifier: Apache-2.0
// Both libraries report errors by longjmp: the functions that call them hold no C++ object with a destructor.
#include "tool/data/picture.hpp"

#include <fmt/format.h>
#include <jpeglib.h>
#include <png.h>

#include <algorithm>
#include <cmath>
#include <csetjmp>
#include <cstring>

#include "tool/data/exif.hpp"
#include "tool/data/file_io.hpp"
#include "tool/terminal/error.hpp"
// After jpeglib.h, which it needs.
#include <jerror.h>

namespace mote::tool {
namespace {

using Bytes = std::span<const std::uint8_t>;

bool starts(Bytes bytes, std::string_view magic, std::size_t at = 0) {
  return bytes.size() >= at + magic.size() && std::memcmp(bytes.data() + at, magic.data(), magic.size()) == 0;
}

/// What a file that is no PNG and no JPEG is, as far as its first bytes tell.
std::string format_name(Bytes bytes) {
  if (starts(bytes, "GIF8")) return "a GIF picture";
  if (starts(bytes, "BM")) return "a BMP picture";
  if (starts(bytes, "RIFF") && starts(bytes, "WEBP", 8)) return "a WebP picture";
  if (starts(bytes, {"II*\0", 4}) || starts(bytes, {"MM\0*", 4})) return "a TIFF picture";
  if (starts(bytes, "ftypavif", 4)) return "an AVIF picture";
  if (starts(bytes, "ftyp", 4)) return "an HEIF picture or a film";
  if (starts(bytes, "<?xml") || starts(bytes, "<svg")) return "an SVG drawing or other XML";
  if (starts(bytes, "%PDF")) return "a PDF document";
  return "no picture";
}

void require_size(std::uint64_t height, std::uint64_t width, const std::string& path) {
  if (height == 0 || width == 0) throw data_error("the picture has no pixels", "save it again").in(path);
  if (height * width > kMostPixels)
    throw data_error(fmt::format("the picture has {} x {} pixels; at most {} million are read", height, width,
                                 kMostPixels / 1'000'000),
                     "make it smaller")
        .in(path);
}

Error damaged_picture(const char* kind, const char* why, const std::string& path) {
  std::string reason = why;
  while (!reason.empty() && reason.back() == '.') reason.pop_back();
  return data_error(fmt::format("the {} picture is damaged or cut short ({})", kind, reason), "copy or save it again")
      .in(path);
}

// --- PNG, by libpng's simplified interface, which has no longjmp ---

/// libpng's state, freed on every way out.
struct PngImage : png_image {
  PngImage() : png_image{} { version = PNG_IMAGE_VERSION; }
  ~PngImage() { png_image_free(this); }
  PngImage(const PngImage&) = delete;
  PngImage& operator=(const PngImage&) = delete;
};

Picture decode_png(Bytes bytes, const std::string& path) {
  PngImage image;
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0)
    throw damaged_picture("PNG", image.message, path);
  require_size(image.height, image.width, path);
  const bool color = (image.format & PNG_FORMAT_FLAG_COLOR) != 0, alpha = (image.format & PNG_FORMAT_FLAG_ALPHA) != 0;
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // the values as they are stored, 16 bits like 8
  image.format = (color ? PNG_FORMAT_FLAG_COLOR : 0U) | (alpha ? PNG_FORMAT_FLAG_ALPHA : 0U);
  const std::uint32_t channels = color ? 3 : 1, stride = channels + (alpha ? 1 : 0);
  Picture out{image.height, image.width, channels, {}};
  out.pixels.resize(std::size_t{image.height} * image.width * stride);
  if (png_image_finish_read(&image, nullptr, out.pixels.data(), 0, nullptr) == 0)
    throw damaged_picture("PNG", image.message, path);
  if (!alpha) return out;
  const std::size_t count = out.pixels.size() / stride;
  for (std::size_t i = 0; i < count; ++i)
    for (std::uint32_t c = 0; c < channels; ++c) out.pixels[i * channels + c] = out.pixels[i * stride + c];
  out.pixels.resize(count * channels);
  return out;
}

// --- JPEG ---

/// A progressive picture has about ten scans; each one goes over all of it.
constexpr int kMostScans = 100;

struct JpegState {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf stop{};
  char message[JMSG_LENGTH_MAX]{};
};

JpegState& state_of(j_common_ptr info) { return *static_cast<JpegState*>(info->client_data); }

[[noreturn]] void jpeg_fail(j_common_ptr info) {
  info->err->format_message(info, state_of(info).message);
  std::longjmp(state_of(info).stop, 1);
}
/// Level -1 is a warning: the data are damaged, unless it is only about how the file was written.
void jpeg_message(j_common_ptr info, int level) {
  const int code = info->err->msg_code;
  if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM && code != JWRN_JFIF_MAJOR) jpeg_fail(info);
}
void jpeg_progress(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMostScans) return;
  std::strncpy(state_of(info).message, "it has more than 100 scans", JMSG_LENGTH_MAX - 1);
  std::longjmp(state_of(info).stop, 1);
}

/// Reads the header: size, components, Exif block. False: state.message says why.
bool read_jpeg_header(JpegState& state, Bytes bytes) {
  state.info.err = jpeg_std_error(&state.errors);
  state.info.client_data = &state;
  state.errors.error_exit = jpeg_fail;
  state.errors.emit_message = jpeg_message;
  state.progress.progress_monitor = jpeg_progress;
  if (setjmp(state.stop) != 0) return false;
  jpeg_create_decompress(&state.info);
  state.info.progress = &state.progress;
  jpeg_mem_src(&state.info, bytes.data(), static_cast<unsigned long>(bytes.size()));
  jpeg_save_markers(&state.info, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&state.info, TRUE);
  return true;
}

/// Decodes into height x width x output components.
bool read_jpeg_pixels(JpegState& state, std::uint8_t* pixels) {
  if (setjmp(state.stop) != 0) return false;
  jpeg_start_decompress(&state.info);
  const std::size_t line =
      std::size_t{state.info.output_width} * static_cast<std::size_t>(state.info.output_components);
  while (state.info.output_scanline < state.info.output_height) {
    JSAMPROW row = pixels + state.info.output_scanline * line;
    jpeg_read_scanlines(&state.info, &row, 1);
  }
  jpeg_finish_decompress(&state.info);
  return true;
}

/// Four inks to red, green, blue. Adobe's programs, which write nearly all of these, store 255 - ink.
void inks_to_rgb(std::vector<std::uint8_t>& pixels, bool inverted) {
  const std::size_t count = pixels.size() / 4;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t c = 0; c < 3; ++c) {
      const unsigned ink = pixels[4 * i + c], black = pixels[4 * i + 3];
      const unsigned light = inverted ? ink * black : (255 - ink) * (255 - black);
      pixels[3 * i + c] = static_cast<std::uint8_t>((light + 127) / 255);
    }
  pixels.resize(count * 3);
}

Picture decode_jpeg(Bytes bytes, const std::string& path) {
  JpegState state;
  struct Closer {
    jpeg_decompress_struct& info;
    ~Closer() { jpeg_destroy_decompress(&info); }
  } const closer{state.info};
  if (!read_jpeg_header(state, bytes)) throw damaged_picture("JPEG", state.message, path);
  require_size(state.info.image_height, state.info.image_width, path);
  const int components = state.info.num_components;
  unsigned orientation = 1;  // the markers are gone when the pixels have been read
  for (const jpeg_marker_struct* marker = state.info.marker_list; marker != nullptr && orientation == 1;
       marker = marker->next)
    orientation = exif_orientation({marker->data, marker->data_length});
  state.info.out_color_space = components == 1 ? JCS_GRAYSCALE : components == 4 ? JCS_CMYK : JCS_RGB;
  Picture out{state.info.image_height, state.info.image_width, components == 1 ? 1U : 3U, {}};
  const std::size_t stride = components == 1 ? 1 : components == 4 ? 4 : 3;
  out.pixels.resize(std::size_t{out.height} * out.width * stride);
  if (!read_jpeg_pixels(state, out.pixels.data())) throw damaged_picture("JPEG", state.message, path);
  if (components == 4) inks_to_rgb(out.pixels, state.info.saw_Adobe_marker != 0);
  return orientation == 1 ? out : oriented(out, orientation);
}

}  // namespace

Picture decode_picture(std::span<const std::uint8_t> bytes, const std::string& path) {
  if (bytes.empty()) throw data_error("the file is empty", "copy or save the picture again").in(path);
  if (starts(bytes, "\x89PNG")) return decode_png(bytes, path);
  if (starts(bytes, "\xFF\xD8")) return decode_jpeg(bytes, path);
  throw data_error(fmt::format("this is {}; PNG and JPEG are read", format_name(bytes)),
                   "convert it to PNG or take it out")
      .in(path);
}

Picture read_picture(const std::string& path) {
  FileReader reader(path);
  const std::vector<std::uint8_t> bytes = reader.read(std::uint64_t{1} << 31U);
  return decode_picture(bytes, path);
}

Picture with_channels(const Picture& picture, std::uint32_t channels) {
  if (picture.channels == channels) return picture;
  Picture out{picture.height, picture.width, channels, {}};
  const std::size_t count = std::size_t{picture.height} * picture.width;
  out.pixels.resize(count * channels);
  for (std::size_t i = 0; i < count; ++i) {
    if (channels == 3) {
      std::fill_n(out.pixels.begin() + static_cast<std::ptrdiff_t>(3 * i), 3, picture.pixels[i]);
    } else {
      const std::uint8_t* const rgb = picture.pixels.data() + 3 * i;
      out.pixels[i] = static_cast<std::uint8_t>((299U * rgb[0] + 587U * rgb[1] + 114U * rgb[2] + 500U) / 1000U);
    }
  }
  return out;
}

namespace {

/// Weights of the old pixels from `first` on, for one new pixel; their sum is 1.
struct Taps {
  std::size_t first = 0;
  std::vector<float> weights;
};

std::vector<Taps> taps_for(std::uint32_t from, std::uint32_t to) {
  const double step = double(from) / double(to), radius = std::max(step, 1.0);
  std::vector<Taps> out(to);
  for (std::uint32_t j = 0; j < to; ++j) {
    const double centre = (j + 0.5) * step;
    const auto first = static_cast<std::size_t>(std::max(0.0, std::floor(centre - radius - 0.5)));
    std::vector<double> weights;
    double sum = 0.0;
    for (std::size_t i = first; i < from && static_cast<double>(i) + 0.5 < centre + radius; ++i) {
      weights.push_back(std::max(0.0, 1.0 - std::abs(static_cast<double>(i) + 0.5 - centre) / radius));
      sum += weights.back();
    }
    out[j].first = first;
    for (const double weight : weights) out[j].weights.push_back(static_cast<float>(weight / sum));
  }
  return out;
}

}  // namespace

Picture resized(const Picture& picture, std::uint32_t height, std::uint32_t width) {
  if (picture.height == height && picture.width == width) return picture;
  const std::size_t channels = picture.channels, line = width * channels;
  const std::vector<Taps> across = taps_for(picture.width, width), down = taps_for(picture.height, height);
  // Along each line first, and only lines that the next step reads are held: as many as one new line needs.
  std::vector<float> sums(line), narrow(line);
  Picture out{height, width, picture.channels, {}};
  out.pixels.resize(height * line);
  std::vector<std::vector<float>> lines;
  std::size_t held = 0;  // lines[k] is line held + k
  for (std::uint32_t y = 0; y < height; ++y) {
    const Taps& rows = down[y];
    while (!lines.empty() && held < rows.first) lines.erase(lines.begin()), ++held;
    if (lines.empty()) held = rows.first;
    while (held + lines.size() < rows.first + rows.weights.size()) {
      const std::uint8_t* const from = picture.pixels.data() + (held + lines.size()) * picture.width * channels;
      for (std::size_t x = 0; x < width; ++x)
        for (std::size_t c = 0; c < channels; ++c) {
          float sum = 0.0F;
          for (std::size_t k = 0; k < across[x].weights.size(); ++k)
            sum += across[x].weights[k] * static_cast<float>(from[(across[x].first + k) * channels + c]);
          narrow[x * channels + c] = sum;
        }
      lines.push_back(narrow);
    }
    std::fill(sums.begin(), sums.end(), 0.0F);
    for (std::size_t k = 0; k < rows.weights.size(); ++k)
      for (std::size_t i = 0; i < line; ++i) sums[i] += rows.weights[k] * lines[rows.first - held + k][i];
    for (std::size_t i = 0; i < line; ++i)
      out.pixels[y * line + i] = static_cast<std::uint8_t>(std::clamp(std::lround(sums[i]), 0L, 255L));
  }
  return out;
}

}  // namespace mote::tool
