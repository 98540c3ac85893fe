// SPDX-License-Identifier: Apache-2.0
// Samples with their labels or targets, whatever file they came from. Kept as the file had them (bytes stay bytes) and
// handed to a session or trainer sample by sample; nothing here knows of either.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mote/types.hpp"
#include "tool/data/array.hpp"
#include "tool/data/columns.hpp"

namespace mote::tool {

class DataSet {
 public:
  /// Samples from an IDX, .npy, .npz (one array, or FILE.npz:NAME) or .csv file (by content, then by name); labels of a
  /// table as `use` says. Every value is
  /// multiplied by a factor: `reading.scale`, else the one that the model knows (its description), else 1/255 for
  /// unsigned bytes, so that images are in [0, 1], and 1 for everything else.
  /// A folder of pictures or one picture is read at `reading.picture`; the folders' names are the labels
  /// (picture_folder.hpp), by name where the model knows classes.
  static DataSet samples_from(const std::string& path, const Reading& reading = {}, LabelUse use = LabelUse::none);
  /// Adds labels (whole numbers or words, one a sample) or targets (numbers, any number a sample). Whole numbers are
  /// targets where the model has one output and they are neither 0 and 1 nor -1 and +1, or squared error was asked for,
  /// and, where there is no model yet, by are_amounts().
  void add_targets_from(const std::string& path, const Reading& reading = {});
  /// Samples and labels or targets from one table (columns.hpp).
  static DataSet table_from(const std::string& path, const Reading& reading = {}, LabelUse use = LabelUse::required);

  /// The samples named by `indices`, as a data set of their own.
  [[nodiscard]] DataSet part(std::span<const std::uint32_t> indices) const;

  /// Every sample becomes its own target, for autoencoders; labels and targets are forgotten.
  void use_samples_as_targets();

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] std::size_t features() const { return features_; }
  [[nodiscard]] const std::vector<std::uint64_t>& sample_dims() const { return dims_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& target_path() const { return target_path_; }
  /// How the files were read; what a model trained on these data should know.
  [[nodiscard]] const Description& description() const { return description_; }
  /// Of a table: what was found in it, in a line; empty for other files.
  [[nodiscard]] const std::string& summary() const { return summary_; }
  /// What a person should know of the data, a sentence each.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
  /// The model's inputs and targets by name; empty where there are no names.
  [[nodiscard]] std::vector<std::string> feature_names() const;
  [[nodiscard]] std::vector<std::string> target_names() const;
  /// Files that the samples were read from, one each (pictures); else empty.
  [[nodiscard]] const std::vector<std::string>& sample_names() const { return sample_names_; }
  [[nodiscard]] float scale() const { return scale_; }
  /// Bytes this data set holds in memory.
  [[nodiscard]] std::size_t bytes() const;

  void copy_sample(std::size_t index, std::span<float> out) const;
  [[nodiscard]] bool has_labels() const { return !labels_.empty(); }
  [[nodiscard]] bool has_targets() const { return target_width_ != 0; }
  [[nodiscard]] std::int32_t label(std::size_t index) const { return labels_[index]; }
  /// One a sample, or none.
  [[nodiscard]] std::span<const std::int32_t> labels() const { return labels_; }
  [[nodiscard]] bool reconstructs() const { return reconstructs_; }
  [[nodiscard]] std::size_t target_width() const { return target_width_; }
  void copy_target(std::size_t index, std::span<float> out) const;

  /// Throws unless the samples fit the model's input: the same shape, or flat on either side.
  void require_shape(const Shape& input) const;
  /// Throws unless every label is in [0, classes), or, with `binary`, in {0, 1} or in {-1, +1} throughout.
  void require_labels(std::size_t classes, bool binary) const;
  void require_target_width(std::size_t outputs) const;
  /// True if the labels are -1 and +1.
  [[nodiscard]] bool signed_labels() const;

 private:
  static DataSet pictures_from(const std::string& path, const Reading& reading, LabelUse use);
  void set_samples(Array&& array, const Reading& reading);
  void set_scale(bool bytes, const Reading& reading);
  void take_table(EncodedTable&& table, const std::string& path);
  void take_targets(EncodedTable&& table, const std::string& path);

  std::string path_, target_path_, summary_;
  Description description_;
  std::vector<std::string> notes_, sample_names_;
  std::size_t count_ = 0, features_ = 0, target_width_ = 0;
  std::vector<std::uint64_t> dims_;
  float scale_ = 1.0F;
  std::vector<std::uint8_t> bytes_;  // one of these two holds the samples
  std::vector<float> floats_;
  std::vector<std::int32_t> labels_;
  std::vector<std::uint32_t> label_lines_;  // of a CSV file
  std::vector<float> targets_;
  bool reconstructs_ = false;
};

/// Whether the file is text, which is read as a table; throws where it is no file that is read.
bool holds_table(const std::string& path);

/// The four files of MNIST and its relatives, in a folder.
struct MnistFiles {
  std::string train_samples, train_labels, test_samples, test_labels;
};
/// Finds them by their usual names, plain or .gz; throws naming what is missing and where to get it.
MnistFiles find_mnist(const std::string& folder, bool need_train, bool need_test, bool need_labels = true);

/// "28x28x1", "100x3" or "784", the way the text form writes an input.
std::string shape_text(const Shape& shape);

}  // namespace mote::tool
