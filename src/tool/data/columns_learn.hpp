// SPDX-License-Identifier: Apache-2.0
// What the columns of a table are, where no model says so. A part of columns.cpp.
#pragma once

#include <string>
#include <vector>

#include "tool/data/columns.hpp"

namespace mote::tool {

/// Counts of a column's cells.
struct ColumnFacts {
  std::size_t numbers = 0, truths = 0, missing = 0, perhaps_missing = 0, words = 0;  ///< truths: true and false
  std::size_t first_word = 0;                                                        ///< its row, or the number of rows
  std::size_t different = 0;  ///< numbers, counted up to kManyNumbers
  bool fractions = false, counts_on = true, constant = true;
  double mean = 0.0, least = 0.0, most = 0.0;

  static constexpr std::size_t kManyNumbers = 64;
  [[nodiscard]] bool all_numbers() const { return words == 0 && numbers + truths > 0; }
};
ColumnFacts facts_of(const Table& table, std::size_t column);

/// None, -, --, . and unknown: missing in a column of numbers, words elsewhere.
bool perhaps_missing(std::string_view word);

/// The words and numbers of a column as text, each once, in order.
std::vector<std::string> distinct_texts(const Table& table, std::size_t column);

/// Input columns, in the table's order. `is_input` has an entry for each column.
std::vector<InputColumn> learn_inputs(const Table& table, const Reading& reading, const std::vector<char>& is_input,
                                      std::vector<std::string>& notes);

/// What an option calls a column: its name, or its number where the name could not stand in a list.
std::string option_name(const Table& table, std::size_t column);

/// "a, b, c, … (12 in all)".
std::string some_of(const std::vector<std::string>& words);

}  // namespace mote::tool
