// SPDX-License-Identifier: Apache-2.0
// Which reader takes a file, how samples are scaled, and every check between a data set and a model.
#include "tool/data/data_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "tool/data/columns_learn.hpp"
#include "tool/data/csv.hpp"
#include "tool/data/file_io.hpp"
#include "tool/data/file_kind.hpp"
#include "tool/data/idx.hpp"
#include "tool/data/npy.hpp"
#include "tool/data/npz.hpp"
#include "tool/data/picture_folder.hpp"
#include "tool/data/text_encoding.hpp"
#include "tool/data/windows.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool {
namespace {

enum class Format : std::uint8_t { idx, npy, npz, csv };

/// By the first bytes; text is CSV.
Format format_of(const std::string& path) {
  if (!split_npz_path(path).second.empty()) return Format::npz;
  FileReader reader(path);
  constexpr std::size_t kStartBytes = 512;
  const std::vector<std::uint8_t> start = reader.read(kStartBytes);
  if (start.empty()) throw data_error("the file is empty", "give a file with samples").in(path);
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  if (start[0] == 0x93) return Format::npy;
  if (!text.starts_with(std::string_view("\0\0", 2)) && is_utf16(text)) return Format::csv;
  if (start[0] == 0) return Format::idx;
  refuse_foreign(text.substr(0, kKindBytes), path, Wanted::array);
  if (text.starts_with("PK\x03\x04") || text.starts_with("PK\x05\x06")) return Format::npz;
  if (path.ends_with(".npy") || path.ends_with(".npy.gz")) return Format::npy;  // the reader says what is wrong
  for (const std::uint8_t byte : start)
    if (byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t')
      throw data_error("the file is neither IDX nor .npy nor .npz nor text",
                       "give one of these: IDX (plain or .gz), .npy, .npz, .csv")
          .in(path)
          .at_byte(0);
  return Format::csv;
}

Array read_any(const std::string& path) {
  switch (format_of(path)) {
    case Format::idx: return read_idx(path);
    case Format::npy: return read_npy(path);
    case Format::npz: {
      const auto& [file, name] = split_npz_path(path);
      return Npz(file).array(name);
    }
    case Format::csv: break;  // tables are columns.hpp's
  }
  return {};
}

/// Where element `i` of the array stands in its file.
Error at_element(Error error, const Array& array, std::uint64_t i) {
  error.in(array.path);
  if (array.header_bytes != 0) error.at_byte(array.header_bytes + i * bytes_of(array.element));
  return error;
}

void read_floats(const Array& array, std::vector<float>& out, const char* what, float scale) {
  const std::uint64_t count = array.count();
  const std::uint64_t per_sample = array.dims[0] == 0 ? 1 : std::max<std::uint64_t>(count / array.dims[0], 1);
  out.resize(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto value = array.at<float>(i);
    if (!std::isfinite(value))
      throw at_element(data_error(fmt::format("{} {} has a value that is not a finite float32 (element {})", what,
                                              i / per_sample, i % per_sample),
                                  "replace it or leave the sample out"),
                       array, i);
    out[i] = scale == 1.0F ? value : value * scale;
  }
}

/// Whole numbers within int32, for labels.
std::vector<std::int32_t> read_labels(const Array& array) {
  std::vector<std::int32_t> out(array.count());
  for (std::uint64_t i = 0; i < out.size(); ++i) {
    const double value = array.at(i);
    if (!(value >= -2147483648.0 && value <= 2147483647.0) || value != std::floor(value))
      throw at_element(
          data_error(fmt::format("label {} is {}, not a class number", i, value), "number the classes 0, 1, 2, …"),
          array, i);
    out[i] = static_cast<std::int32_t>(value);
  }
  return out;
}

std::string existing(const std::string& folder, const std::string& name) {
  std::string dotted = name;  // some copies are called train-images.idx3-ubyte
  dotted[dotted.find("-idx")] = '.';
  for (const std::string& spelling : {name, dotted})
    for (const char* end : {"", ".gz"}) {
      const std::filesystem::path path = std::filesystem::path(folder) / (spelling + end);
      if (std::filesystem::is_regular_file(path)) return path.string();
    }
  return "";
}

}  // namespace

std::string shape_text(const Shape& shape) {
  if (shape.h != 1) return fmt::format("{}x{}x{}", shape.h, shape.w, shape.c);
  return shape.w != 1 ? fmt::format("{}x{}", shape.w, shape.c) : fmt::format("{}", shape.c);
}

void DataSet::set_samples(Array&& array, const Reading& reading) {
  path_ = array.path;
  if (array.dims.empty())
    throw data_error("a single number is not a set of samples", "the first dimension counts samples").in(path_);
  count_ = array.dims[0];
  dims_.assign(array.dims.begin() + 1, array.dims.end());
  std::uint64_t features = 1;
  for (const std::uint64_t dim : dims_) features *= dim;
  if (count_ == 0 || features == 0)
    throw data_error(fmt::format("the shape {} holds no samples", dims_text(array.dims)), "give at least one")
        .in(path_);
  if (count_ > 0x7FFF'FFFFU || features > kMaxElements)
    throw data_error(fmt::format("the shape {} is beyond 2^31 samples or 2^28 values a sample", dims_text(array.dims)),
                     "split the file")
        .in(path_);
  features_ = static_cast<std::size_t>(features);
  set_scale(array.element == Element::u8, reading);
  if (array.element == Element::u8) {
    bytes_ = std::move(array.bytes);
  } else {
    read_floats(array, floats_, "sample", scale_);
  }
}

/// The factor of every value, and what the model is told of it.
void DataSet::set_scale(bool bytes, const Reading& reading) {
  const float by_rule = bytes ? 1.0F / 255.0F : 1.0F;
  const ScaleOf kind = bytes ? ScaleOf::bytes : ScaleOf::numbers;
  const Description* known = reading.known && reading.known->scale ? &*reading.known : nullptr;
  const bool fits = known != nullptr && (known->scale_of == kind || known->scale_of == ScaleOf::any);
  scale_ = reading.scale ? *reading.scale : fits ? *known->scale : by_rule;
  description_.scale = scale_;
  description_.scale_of = reading.scale ? ScaleOf::any : fits ? known->scale_of : kind;
  if (reading.scale || known == nullptr || fits) return;
  notes_.push_back(fmt::format(
      "the model was trained on {}, and these are {}: they are multiplied by {:.6g}; another "
      "factor is given by --scale",
      bytes ? "numbers" : "unsigned bytes", bytes ? "unsigned bytes" : "numbers", static_cast<double>(scale_)));
}

bool holds_table(const std::string& path) { return format_of(path) == Format::csv; }

DataSet DataSet::samples_from(const std::string& path, const Reading& reading, LabelUse use) {
  if (holds_pictures(path)) return pictures_from(path, reading, use);
  if (format_of(path) == Format::csv) return table_from(path, reading, use);
  DataSet out;
  out.set_samples(read_any(path), reading);
  return out;
}

void DataSet::add_targets_from(const std::string& path, const Reading& reading) {
  target_path_ = path;
  const auto require_count = [&](std::uint64_t count, const std::string& hint) {
    if (count != count_)
      throw data_error(fmt::format("{} labels for the {} samples of {}{}", count, count_, path_, hint),
                       "give as many labels as samples")
          .in(path);
  };
  if (format_of(path) == Format::csv) {
    const Table table = read_csv(path, reading.header);
    require_count(table.rows(), table.names.empty() ? "" : " (the first line was taken for a header: --header no)");
    return take_targets(encode_labels(table, reading), path);
  }
  const Array array = read_any(path);
  require_count(array.dims.empty() ? 1 : array.dims[0], "");
  const bool column = array.count() == count_;
  bool whole = column && !is_real(array.element);
  if (whole) {
    bool zeros = true, signs = true;
    double least = HUGE_VAL, most = -HUGE_VAL;
    for (std::uint64_t i = 0; i < array.count(); ++i) {
      const double value = array.at(i);
      zeros = zeros && (value == 0.0 || value == 1.0);
      signs = signs && std::abs(value) == 1.0;
      least = std::min(least, value), most = std::max(most, value);
    }
    if (reading.outputs == 1) whole = (zeros || signs) && !reading.values;  // one output learns values, or two classes
    if (reading.outputs == 0 && !reading.known) whole = !are_amounts(least, most, count_);
  }
  if (whole) {
    labels_ = read_labels(array);
    if (reading.known) description_.classes = reading.known->classes;
  } else {
    read_floats(array, targets_, "target", 1.0F);
    target_width_ = targets_.size() / count_;
  }
}

DataSet DataSet::table_from(const std::string& path, const Reading& reading, LabelUse use) {
  DataSet out;
  out.set_scale(false, reading);
  Reading scaled = reading;
  scaled.scale = out.scale_;
  const Table cells = read_csv(path, reading.header);
  const Windows windows = windows_for(reading);
  if (!windows.group.empty()) scaled.ignore.push_back(windows.group);
  EncodedTable table = encode(cells, scaled, use);
  if (windows.length != 0) cut_windows(table, cells, windows, !reading.known);
  table.description.scale = out.description_.scale, table.description.scale_of = out.description_.scale_of;
  out.take_table(std::move(table), path);
  return out;
}

void DataSet::take_table(EncodedTable&& table, const std::string& path) {
  path_ = path;
  count_ = table.rows, features_ = table.features;
  dims_ = {features_};
  if (const std::uint32_t length = table.description.windows.length; length != 0) dims_ = {length, features_ / length};
  floats_ = std::move(table.samples);
  description_ = std::move(table.description);
  notes_.insert(notes_.end(), table.notes.begin(), table.notes.end());
  table.notes.clear();
  summary_ = std::move(table.summary);
  label_lines_ = table.lines;
  labels_ = std::move(table.labels), targets_ = std::move(table.targets);
  if (has_labels() || !targets_.empty()) target_path_ = path;
  target_width_ = targets_.size() / count_;
}

void DataSet::take_targets(EncodedTable&& table, const std::string& path) {
  target_path_ = path;
  labels_ = std::move(table.labels), targets_ = std::move(table.targets);
  label_lines_ = std::move(table.lines);
  target_width_ = targets_.size() / count_;
  description_.label = std::move(table.description.label);
  if (description_.label) *description_.label = {};  // no column of the samples' table
  description_.classes = std::move(table.description.classes);
  description_.targets = std::move(table.description.targets);
  for (NamedColumn& target : description_.targets) target.column = 0;
  notes_.insert(notes_.end(), table.notes.begin(), table.notes.end());
}

std::vector<std::string> DataSet::feature_names() const {
  const bool named = !description_.inputs.empty() && !description_.inputs[0].name.empty();
  return named ? description_.input_names() : std::vector<std::string>{};
}

std::vector<std::string> DataSet::target_names() const {
  std::vector<std::string> out;
  for (const NamedColumn& column : description_.targets)
    if (!column.name.empty()) out.push_back(column.name);
  return out;
}

DataSet DataSet::part(std::span<const std::uint32_t> indices) const {
  DataSet out;
  out.path_ = path_, out.target_path_ = target_path_, out.summary_ = summary_;
  out.description_ = description_;
  out.count_ = indices.size(), out.features_ = features_, out.target_width_ = target_width_;
  out.dims_ = dims_, out.scale_ = scale_, out.reconstructs_ = reconstructs_;
  const auto take = [&](const auto& from, auto& to, std::size_t width) {
    if (from.empty()) return;
    to.reserve(indices.size() * width);
    for (const std::uint32_t i : indices) {
      const auto first = from.begin() + static_cast<std::ptrdiff_t>(i * width);
      to.insert(to.end(), first, first + static_cast<std::ptrdiff_t>(width));
    }
  };
  take(bytes_, out.bytes_, features_), take(floats_, out.floats_, features_);
  take(labels_, out.labels_, 1), take(label_lines_, out.label_lines_, 1);
  take(targets_, out.targets_, target_width_);
  return out;
}

std::size_t DataSet::bytes() const {
  return bytes_.size() + floats_.size() * sizeof(float) + labels_.size() * sizeof(std::int32_t) +
         targets_.size() * sizeof(float);
}

void DataSet::copy_sample(std::size_t index, std::span<float> out) const {
  if (!bytes_.empty()) {
    const std::uint8_t* from = bytes_.data() + index * features_;
    for (std::size_t i = 0; i < features_; ++i) out[i] = static_cast<float>(from[i]) * scale_;
  } else {
    std::copy_n(floats_.begin() + static_cast<std::ptrdiff_t>(index * features_), features_, out.begin());
  }
}

void DataSet::use_samples_as_targets() {
  reconstructs_ = true;
  labels_.clear(), targets_.clear();
  description_.label.reset(), description_.classes.clear(), description_.targets.clear();
  description_.reconstructs = true;
  target_width_ = features_;
  target_path_ = path_;
}

void DataSet::copy_target(std::size_t index, std::span<float> out) const {
  if (reconstructs_) return copy_sample(index, out);
  std::copy_n(targets_.begin() + static_cast<std::ptrdiff_t>(index * target_width_), target_width_, out.begin());
}

void DataSet::require_shape(const Shape& input) const {
  const auto without_ones = [](std::vector<std::uint64_t> dims) {
    std::erase(dims, 1U);
    return dims;
  };
  const bool flat = without_ones(dims_).size() <= 1 || (input.h == 1 && input.w == 1);
  const bool same = without_ones(dims_) == without_ones({input.h, input.w, input.c});
  if (features_ == input.elements() && (flat || same)) return;
  const std::string order = features_ == input.elements() ? "; images are height x width x channels" : "";
  throw data_error(
      fmt::format("the model's input is {}, but the samples are {}{}", shape_text(input),
                  dims_.empty() ? "single numbers" : dims_text(dims_), order),
      description_.inputs.empty() || description_.reconstructs
          ? fmt::format("give samples of {} values or change the model's input", input.elements())
          : fmt::format("write \"input {}\", or choose columns with --columns or --ignore; the inputs are {}",
                        features_, some_of(description_.input_names())))
      .in(path_);
}

bool DataSet::signed_labels() const {
  return std::any_of(labels_.begin(), labels_.end(), [](std::int32_t v) { return v < 0; });
}

void DataSet::require_labels(std::size_t classes, bool binary) const {
  const bool with_sign = binary && signed_labels();
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    const std::int32_t value = labels_[i];
    const bool good = with_sign ? value == -1 || value == 1
                      : binary  ? value == 0 || value == 1
                                : value >= 0 && static_cast<std::size_t>(value) < classes;
    if (good) continue;
    const std::string range = binary ? "0 and 1, or -1 and +1 throughout" : fmt::format("0 to {}", classes - 1);
    Error error = data_error(fmt::format("label {} of sample {} is out of range: the model has {}", value, i,
                                         binary ? "one output" : fmt::format("{} classes", classes)),
                             fmt::format("use labels {}, change the last layer or, for values to predict, give them {}",
                                         range, label_lines_.empty() ? "as float32" : "with --targets COLUMN"));
    error.in(target_path_);
    if (!label_lines_.empty()) error.at_line(label_lines_[i]);
    throw error;
  }
}

void DataSet::require_target_width(std::size_t outputs) const {
  if (target_width_ == outputs) return;
  throw data_error(
      fmt::format("the model has {} outputs, but the targets have {} values a sample", outputs, target_width_),
      "give one target for each output or change the last layer")
      .in(target_path_);
}

MnistFiles find_mnist(const std::string& folder, bool need_train, bool need_test, bool need_labels) {
  const std::string how =
      "put train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (plain "
      "or "
      ".gz) of MNIST there, or use Debian's Fashion-MNIST: apt-get install dataset-fashion-mnist and --data "
      "/usr/share/datasets/fashion-mnist";
  if (!std::filesystem::is_directory(folder)) throw data_error("there is no such folder", how).in(folder);
  MnistFiles files{existing(folder, "train-images-idx3-ubyte"), existing(folder, "train-labels-idx1-ubyte"),
                   existing(folder, "t10k-images-idx3-ubyte"), existing(folder, "t10k-labels-idx1-ubyte")};
  const auto require = [&](bool needed, const std::string& found, const char* name) {
    if (needed && found.empty()) throw data_error(fmt::format("the folder has no {}", name), how).in(folder);
  };
  require(need_train, files.train_samples, "train-images-idx3-ubyte");
  require(need_train && need_labels, files.train_labels, "train-labels-idx1-ubyte");
  require(need_test, files.test_samples, "t10k-images-idx3-ubyte");
  require(need_test && need_labels, files.test_labels, "t10k-labels-idx1-ubyte");
  return files;
}

}  // namespace mote::tool
