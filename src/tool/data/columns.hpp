// SPDX-License-Identifier: Apache-2.0
// From a table's columns to samples, labels and targets: by what the person says and the rules below, or by what the
// model already knows (its description). Knows nothing of files and models.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tool/data/csv.hpp"
#include "tool/data/description.hpp"

namespace mote::tool {

/// How samples and labels are to be read: the words of the command line, and what is known already.
struct Reading {
  std::optional<float> scale{};
  std::string label{};                    ///< column of labels
  std::vector<std::string> targets{};     ///< columns of targets
  std::vector<std::string> ignore{};      ///< columns that are nothing
  std::vector<std::string> inputs{};      ///< the only columns that are inputs
  std::vector<std::string> categories{};  ///< columns of categories, whatever they hold
  std::optional<Missing> missing{};
  HeaderRule header = HeaderRule::automatic;
  std::size_t outputs = 0;             ///< of the model; 0: not known
  bool values = false;                 ///< squared error was asked for: with one output, numbers are targets
  std::optional<Description> known{};  ///< of the model that is to read the data
  Shape picture{0, 0, 0};              ///< what pictures become; 0: not known
  Windows windows{};                   ///< as given; where not, as the model knows
};

/// Whether a column is split off the samples for a label or target.
enum class LabelUse : std::uint8_t { none, optional, required };

struct EncodedTable {
  Description description;
  std::size_t rows = 0, features = 0;
  std::vector<float> samples;
  std::vector<std::int32_t> labels;  ///< or
  std::vector<float> targets;
  std::vector<std::uint32_t> lines;  ///< of each row in the file
  std::string summary;               ///< "150 rows, 4 inputs, label "species" (3 classes)"
  std::vector<std::string> notes;    ///< what a person should know
};

/// Columns. With a description that knows its columns: found by name where both have names, else by place; labels and
/// targets likewise. Else:
/// - the label is the column named, or the one called label, class or target, or the last that is not empty; with
/// neither --label nor --targets, a column
///   with fractions, or of many different numbers for a model with one output, is a target; where no model is known, so
///   is one of whole numbers that are no classes (are_amounts());
/// - an input column without words is a number, one without numbers a category with an input for each word (at most
///   100); where both are, none, -, --, . and unknown are missing, and any other word is an error;
/// - words that are dates, and a word for nearly every row, are errors that name all such columns.
/// Labels: whole numbers that fit the model's outputs (no model: 0, 1, … without a gap) are class numbers; others, and
/// words, are numbered in order.
/// Missing values: as `Reading::missing`, else as the description says, else by the mean; a row without its label or
/// target is left out (or refused).
EncodedTable encode(const Table& table, const Reading& reading, LabelUse use);

/// Whether `count` whole numbers between `least` and `most` are more than classes can be, where nothing else says what
/// they are: below -1, from 1000 on, or from 64 and a quarter of their count on.
bool are_amounts(double least, double most, std::size_t count);

/// Labels or targets alone, from a table of their own.
EncodedTable encode_labels(const Table& table, const Reading& reading);

}  // namespace mote::tool
