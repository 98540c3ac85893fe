// SPDX-License-Identifier: Apache-2.0
// What a model knows of its data: how cells become inputs, and what its outputs are called. The JSON at the end of a
// model file (src/FORMAT.md, Description). Knows no files and no tables.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mote/types.hpp"

namespace mote::tool {

/// What to do about a missing value: refuse it; put the column's mean (a category: none of them); leave its row out.
enum class Missing : std::uint8_t { error, mean, drop };

/// What the scale in a description was for: by the rule for bytes or the one for numbers, or whatever comes.
enum class ScaleOf : std::uint8_t { numbers, bytes, any };

/// One column of a table, by its name and its place, counted from 1; 0: from no table.
struct NamedColumn {
  std::string name;
  std::size_t column = 0;
};

struct InputColumn : NamedColumn {
  double fill = 0.0;                    ///< a number's: in place of a missing one
  std::vector<std::string> categories;  ///< not empty: words, one input for each

  [[nodiscard]] std::size_t inputs() const { return categories.empty() ? 1 : categories.size(); }
};

/// How rows of a table become sequences (windows.hpp). Length 0: they do not.
struct Windows {
  std::uint32_t length = 0, hop = 0;  ///< rows of a window; rows from one's first to the next one's
  bool label_of_last = false;         ///< else the label that most of its rows have
  std::string group;                  ///< column that separates recordings, or ""
};

/// An input or output as the file had it that the model was imported from.
struct ArrayEnd {
  std::string name, type;  ///< type: as NumPy calls it
  std::vector<std::uint64_t> shape;
};

struct Description {
  std::optional<float> scale;  ///< factor of every number on its way to an input
  ScaleOf scale_of = ScaleOf::numbers;
  std::vector<InputColumn> inputs;
  std::size_t table_columns = 0;  ///< of the training table
  Missing missing = Missing::mean;
  std::string loss;
  std::optional<NamedColumn> label;
  std::vector<std::string> classes;  ///< empty: labels are the class numbers themselves
  std::vector<NamedColumn> targets;
  bool reconstructs = false;
  Shape picture{0, 0, 0};                             ///< the samples were pictures of this size
  Windows windows;                                    ///< the samples were windows over rows
  std::vector<ArrayEnd> model_inputs, model_outputs;  ///< of an imported model
  bool samples_meet = false;  ///< the imported file computes one sample from others; the model is it for one alone

  /// Inputs of the model for one row; 0 where the columns are not known.
  [[nodiscard]] std::size_t input_count() const;
  /// The names of the model's inputs: "width", "district=North".
  [[nodiscard]] std::vector<std::string> input_names() const;
  [[nodiscard]] std::string json() const;
};

/// Nothing where the text is not a description as json() makes it: it may be anybody's.
std::optional<Description> read_description(std::string_view text);

std::string_view missing_word(Missing missing);

}  // namespace mote::tool
