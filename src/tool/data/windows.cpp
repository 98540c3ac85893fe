// SPDX-License-Identifier: Apache-2.0
// See windows.hpp.
#include "tool/data/windows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <span>

#include "tool/data/columns_learn.hpp"
#include "tool/terminal/error.hpp"

namespace mote::tool {
namespace {

/// The first rows of recordings, and the number of rows at the end.
std::vector<std::size_t> recordings_of(const EncodedTable& table, const Table& cells, const Windows& windows) {
  std::optional<std::size_t> group;
  if (!windows.group.empty()) group = cells.column_index(windows.group);
  std::vector<std::size_t> out;
  std::size_t before = 0;
  for (std::size_t row = 0; row < table.rows; ++row) {
    const auto at = static_cast<std::size_t>(
        std::lower_bound(cells.lines.begin(), cells.lines.end(), table.lines[row]) - cells.lines.begin());
    const bool new_group = row > 0 && group && cells.text(at, *group) != cells.text(before, *group);
    if (row == 0 || at != before + 1 || new_group) out.push_back(row);
    before = at;
  }
  out.push_back(table.rows);
  return out;
}

std::int32_t majority(std::span<const std::int32_t> labels) {
  std::map<std::int32_t, std::size_t> counts;
  for (const std::int32_t label : labels) ++counts[label];
  std::int32_t best = labels[0];
  for (const std::int32_t label : labels)
    if (counts[label] > counts[best]) best = label;
  return best;
}

/// Columns that rise by one step nearly everywhere: the time, of which nothing is learned but the place in the file.
void add_notes_of_time(EncodedTable& table, const Table& cells) {
  for (const InputColumn& column : table.description.inputs) {
    const std::size_t place = column.column - 1;
    std::size_t even = 0;
    for (std::size_t row = 2; row < cells.rows(); ++row) {
      const double step = cells.number(row, place) - cells.number(row - 1, place),
                   before = cells.number(row - 1, place) - cells.number(row - 2, place);
      even += step > 0.0 && std::abs(step - before) <= 1e-3 * step ? 1U : 0U;
    }
    if (cells.rows() > 10 && 10 * even >= 9 * (cells.rows() - 2))
      table.notes.push_back(fmt::format("column {} rises evenly from row to row; if it is the time, --ignore {}",
                                        cells.column_text(place), option_name(cells, place)));
  }
}

}  // namespace

Windows windows_for(const Reading& reading) {
  if (!reading.known || reading.known->windows.length == 0) return reading.windows;
  if (reading.windows.length == 0) return reading.known->windows;
  Windows out = reading.windows;
  if (out.group.empty()) out.group = reading.known->windows.group;
  return out;
}

void cut_windows(EncodedTable& table, const Table& cells, const Windows& windows, bool learning) {
  const std::vector<std::size_t> recordings = recordings_of(table, cells, windows);
  const std::size_t width = table.features, target_width = table.targets.size() / std::max<std::size_t>(table.rows, 1);
  EncodedTable out;
  std::size_t covered = 0, longest = 0;
  for (std::size_t k = 0; k + 1 < recordings.size(); ++k) {
    const std::size_t begin = recordings[k], end = recordings[k + 1];
    longest = std::max(longest, end - begin);
    std::size_t last = begin;
    for (std::size_t first = begin; first + windows.length <= end; first += windows.hop) {
      const std::size_t stop = first + windows.length;
      covered += stop - std::max(first, last), last = stop;
      out.samples.insert(out.samples.end(), table.samples.begin() + static_cast<std::ptrdiff_t>(first * width),
                         table.samples.begin() + static_cast<std::ptrdiff_t>(stop * width));
      out.lines.push_back(table.lines[windows.label_of_last ? stop - 1 : first]);
      if (!table.labels.empty())
        out.labels.push_back(windows.label_of_last ? table.labels[stop - 1]
                                                   : majority(std::span(table.labels).subspan(first, windows.length)));
      for (std::size_t j = 0; j < target_width; ++j)
        out.targets.push_back(table.targets[(stop - 1) * target_width + j]);
      ++out.rows;
    }
  }
  if (out.rows == 0)
    throw data_error(fmt::format("no window of {} rows fits: the longest recording has {}", windows.length, longest),
                     "give a smaller --window or longer recordings")
        .in(cells.path);
  const std::size_t count = recordings.size() - 1;
  table.summary += fmt::format("; {} windows of {} rows, one every {}, of {} recording{}", out.rows, windows.length,
                               windows.hop, count, count == 1 ? "" : "s");
  if (covered < table.rows)
    table.notes.push_back(fmt::format("{} of {} rows are in no window: they end a recording or lie between windows",
                                      table.rows - covered, table.rows));
  if (learning && windows.group.empty())
    for (const InputColumn& column : table.description.inputs)
      if (!column.categories.empty())
        table.notes.push_back(fmt::format(
            "windows reach over changes of the words in column {}; if it tells recordings apart, give --group {}",
            cells.column_text(column.column - 1), option_name(cells, column.column - 1)));
  if (learning) add_notes_of_time(table, cells);
  if (windows.hop < windows.length && learning)
    table.notes.push_back(
        "windows overlap, so a validation part or a fold shares rows with the training part: for an honest score keep "
        "whole recordings apart and give them with --test");
  table.rows = out.rows, table.features = width * windows.length;
  table.samples = std::move(out.samples), table.labels = std::move(out.labels), table.targets = std::move(out.targets);
  table.lines = std::move(out.lines);
  table.description.windows = windows;
}

}  // namespace mote::tool
