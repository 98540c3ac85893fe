// SPDX-License-Identifier: Apache-2.0
// Which columns, then row by row. Errors name file, line, column and cell.
#include "tool/data/columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <unordered_map>

#include "tool/data/columns_learn.hpp"
#include "tool/data/csv_rows.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

Error at_cell(Error error, const Table& table, std::size_t row, std::size_t column) {
  return error.in(table.path).at_line(table.lines[row]).at_column(column + 1);
}

/// Where the columns of a description stand in this table.
struct Places {
  std::vector<std::size_t> inputs, targets;
  std::optional<std::size_t> label;
};

NamedColumn named(const Table& table, std::size_t column) {
  return {table.names.empty() ? "" : table.names[column], column + 1};
}

// --- without a model that knows its columns ---

/// Case ignored.
bool called(const Table& table, std::size_t column, std::string_view name) {
  return !table.names.empty() && std::ranges::equal(table.names[column], name, [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == b;
  });
}

std::size_t default_column(const Table& table) {
  for (const char* const name : {"label", "class", "target"})
    for (std::size_t i = 0; i < table.columns; ++i)
      if (called(table, i, name)) return i;
  std::size_t last = table.columns - 1;  // separators at the lines' ends make empty ones
  while (last > 0 && facts_of(table, last).missing == table.rows()) --last;
  return last;
}

/// Of a column that no option calls label or target.
bool is_target(const Table& table, std::size_t column, const Reading& reading) {
  const ColumnFacts facts = facts_of(table, column);
  if (!facts.all_numbers() || facts.truths > 0) return false;
  if (reading.outputs == 1 && reading.values) return true;
  const bool amounts = reading.outputs == 0 && !reading.known && are_amounts(facts.least, facts.most, table.rows());
  const bool named_label = called(table, column, "label") || called(table, column, "class");
  return !named_label && (facts.fractions || (reading.outputs == 1 && facts.different > 2) || amounts);
}

/// Many numbers, taken for classes because no rule says that they are amounts.
void note_classes(const Table& table, std::size_t column, const Reading& reading, std::vector<std::string>& notes) {
  constexpr std::size_t kFewClasses = 10;
  const ColumnFacts facts = facts_of(table, column);
  if (reading.outputs != 0 || reading.known || !facts.all_numbers() || facts.different <= kFewClasses) return;
  notes.push_back(fmt::format(
      "the numbers in column {} were taken for {}{} classes; if they are amounts to be predicted, --targets {}",
      table.column_text(column), facts.different == ColumnFacts::kManyNumbers ? "at least " : "", facts.different,
      option_name(table, column)));
}

Description learn(const Table& table, const Reading& reading, LabelUse use, Places& places,
                  std::vector<std::string>& notes) {
  Description out;
  std::vector<char> is_input(table.columns, reading.inputs.empty() ? 1 : 0);
  for (const std::string& name : reading.inputs) is_input[table.column_index(name)] = 1;
  for (const std::string& name : reading.targets) places.targets.push_back(table.column_index(name));
  if (!reading.label.empty()) places.label = table.column_index(reading.label);
  if (use == LabelUse::required && places.targets.empty() && !places.label) {
    const std::size_t column = default_column(table);
    if (is_target(table, column, reading)) {
      places.targets.push_back(column);
    } else {
      places.label = column;
      note_classes(table, column, reading, notes);
    }
  }
  if (use == LabelUse::none) places.targets.clear();
  for (const std::size_t column : places.targets) is_input[column] = 0, out.targets.push_back(named(table, column));
  if (places.label) is_input[*places.label] = 0;
  if (use == LabelUse::none) places.label.reset();
  if (places.label) out.label = named(table, *places.label);
  for (const std::string& name : reading.ignore) {
    const std::size_t column = table.column_index(name);
    if (std::find(places.targets.begin(), places.targets.end(), column) != places.targets.end() ||
        places.label == column)
      throw usage_error(
          fmt::format("--ignore names column {}, which is the label or a target", table.column_text(column)),
          "leave it out of one of them, or name another with --label or --targets")
          .in(table.path);
    is_input[column] = 0;
  }
  out.table_columns = table.columns;
  out.inputs = learn_inputs(table, reading, is_input, notes);
  if (out.inputs.empty())
    throw data_error("no column is left for the samples", "name fewer target columns or give a file with more")
        .in(table.path);
  for (const InputColumn& column : out.inputs) places.inputs.push_back(column.column - 1);
  return out;
}

// --- with one ---

std::optional<std::size_t> find_name(const Table& table, const std::string& name) {
  const auto found = std::find(table.names.begin(), table.names.end(), name);
  if (name.empty() || found == table.names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - table.names.begin());
}

/// `ignore`: columns that the person knows to be no inputs.
Places match_names(const Table& table, const Description& known, const std::vector<std::string>& ignore,
                   std::vector<std::string>& notes) {
  Places out;
  std::vector<std::string> absent;
  std::vector<char> used(table.columns, 0);
  const auto take = [&](const NamedColumn& column) {
    const std::optional<std::size_t> place = find_name(table, column.name);
    if (place) used[*place] = 1;
    return place;
  };
  for (const InputColumn& column : known.inputs) {
    const std::optional<std::size_t> place = take(column);
    if (place) out.inputs.push_back(*place);
    if (!place) absent.push_back(in_quotes(column.name));
  }
  if (!absent.empty())
    throw data_error(
        fmt::format("the table lacks column{} {} that the model was trained with", absent.size() > 1 ? "s" : "",
                    some_of(absent)),
        fmt::format("{}name the columns as in training; the header has {}",
                    did_you_mean(absent[0].substr(1, absent[0].size() - 2), table.names), some_of(table.names)))
        .in(table.path)
        .at_line(1);
  if (known.label) out.label = take(*known.label);
  for (const NamedColumn& column : known.targets)
    if (const auto place = take(column)) out.targets.push_back(*place);
  std::vector<std::string> extra;
  for (std::size_t i = 0; i < table.columns; ++i)
    if (used[i] == 0 && std::find(ignore.begin(), ignore.end(), table.names[i]) == ignore.end())
      extra.push_back(in_quotes(table.names[i]));
  if (!extra.empty())
    notes.push_back(fmt::format("column{} {} {} no input of the model and not looked at", extra.size() > 1 ? "s" : "",
                                some_of(extra), extra.size() > 1 ? "are" : "is"));
  return out;
}

Places match_places(const Table& table, const Description& known, std::vector<std::string>& notes) {
  Places out;
  const std::size_t inputs = known.inputs.size(), outputs = (known.label ? 1 : 0) + known.targets.size();
  const bool whole = table.columns == known.table_columns;
  if (!whole && table.columns != inputs && table.columns != inputs + outputs)
    throw data_error(
        fmt::format("the table has {} columns without names; the model was trained with {} inputs out of {} "
                    "columns",
                    table.columns, inputs, known.table_columns),
        "give the columns of the training table in its order, or a header with their names")
        .in(table.path);
  for (std::size_t i = 0; i < inputs; ++i) out.inputs.push_back(whole ? known.inputs[i].column - 1 : i);
  if (whole && known.label && known.label->column != 0) out.label = known.label->column - 1;
  if (!whole && known.label && table.columns == inputs + 1) out.label = inputs;
  for (std::size_t i = 0; i < known.targets.size() && table.columns != inputs; ++i)
    if (known.targets[i].column != 0) out.targets.push_back(whole ? known.targets[i].column - 1 : inputs + i);
  std::vector<std::size_t> all = out.inputs;
  all.insert(all.end(), out.targets.begin(), out.targets.end());
  if (out.label) all.push_back(*out.label);
  if (std::any_of(all.begin(), all.end(), [&](std::size_t column) { return column >= table.columns; }))
    throw data_error("the model's description names columns that its own table cannot have", "train the model again")
        .in(table.path);
  if (table.names.empty() != known.inputs[0].name.empty())
    notes.push_back("the columns were taken in the order of the training table, because one of the two has no header");
  return out;
}

Places match(const Table& table, const Reading& reading, LabelUse use, std::vector<std::string>& notes) {
  const Description& known = *reading.known;
  const bool names = !table.names.empty() && std::none_of(known.inputs.begin(), known.inputs.end(),
                                                          [](const InputColumn& c) { return c.name.empty(); });
  Places out = names ? match_names(table, known, reading.ignore, notes) : match_places(table, known, notes);
  if (!reading.label.empty()) out.label = table.column_index(reading.label);
  if (!reading.targets.empty()) out.targets.clear();
  for (const std::string& name : reading.targets) out.targets.push_back(table.column_index(name));
  if (out.targets.size() < known.targets.size()) out.targets.clear();
  if (use == LabelUse::none) out.label.reset(), out.targets.clear();
  if (use == LabelUse::required && !out.label && out.targets.empty()) {
    const NamedColumn* wanted = known.label ? &*known.label : known.targets.empty() ? nullptr : &known.targets[0];
    throw data_error(wanted == nullptr || wanted->name.empty()
                         ? "the table has no column of labels or targets"
                         : fmt::format("the table has no column {} of labels or targets", in_quotes(wanted->name)),
                     "name it with --label or --targets, or use mote run, which needs none")
        .in(table.path);
  }
  return out;
}

// --- cells ---

/// Reads rows by a description; counts what a person should know.
class Encoder {
 public:
  Encoder(const Table& table, EncodedTable& out, const Places& places) : table_(table), out_(out), places_(places) {
    const Description& d = out.description;
    for (const InputColumn& column : d.inputs) {
      auto& index = category_index_.emplace_back();
      for (std::size_t k = 0; k < column.categories.size(); ++k) index.emplace(column.categories[k], k);
    }
    unknown_.resize(d.inputs.size()), filled_.resize(d.inputs.size());
  }

  void encode_rows() {
    out_.samples.reserve(table_.rows() * out_.features);
    out_.rows = 0;
    for (std::size_t row = 0; row < table_.rows(); ++row) {
      if (!keeps(row)) continue;
      for (std::size_t i = 0; i < places_.inputs.size(); ++i) encode_cell(row, i);
      for (const std::size_t column : places_.targets) encode_target(row, column);
      kept_.push_back(row);
      out_.lines.push_back(table_.lines[row]);
      ++out_.rows;
    }
    if (out_.rows == 0)
      throw data_error("every row has a missing value, so none is left", "give --missing mean, or repair the table")
          .in(table_.path);
    add_notes();
  }
  [[nodiscard]] const std::vector<std::size_t>& kept_rows() const { return kept_; }

 private:
  [[nodiscard]] bool missing(std::size_t row, std::size_t column, bool number) const {
    const std::uint32_t code = table_.code(row, column);
    if (code == Table::kMissing) return true;
    return number && code != Table::kNumber && std::isnan(table_.number(row, column)) &&
           perhaps_missing(table_.words[column].list[code - 1]);
  }
  bool keeps(std::size_t row) {
    const auto outcome = [&](std::size_t column) {
      if (out_.description.missing == Missing::error)
        throw at_cell(data_error(fmt::format("the value of column {} is missing", table_.column_text(column)),
                                 "fill it in or leave the row out (--missing drop)"),
                      table_, row, column);
      ++without_label_;
      return false;
    };
    if (places_.label && missing(row, *places_.label, false)) return outcome(*places_.label);
    for (const std::size_t column : places_.targets)
      if (missing(row, column, true)) return outcome(column);
    if (out_.description.missing == Missing::mean) return true;
    for (std::size_t i = 0; i < places_.inputs.size(); ++i) {
      const std::size_t column = places_.inputs[i];
      if (!missing(row, column, out_.description.inputs[i].categories.empty())) continue;
      if (out_.description.missing == Missing::error)
        throw at_cell(data_error(fmt::format("the value of column {} is missing", table_.column_text(column)),
                                 "fill it in, or give --missing mean, which puts the column's mean there, or --missing "
                                 "drop, which leaves the row out"),
                      table_, row, column);
      ++dropped_;
      return false;
    }
    return true;
  }
  float finite(double value, std::size_t row, std::size_t column) const {
    const auto narrow = static_cast<float>(value);
    if (!std::isfinite(narrow))
      throw at_cell(data_error(fmt::format("the cell {} of column {} is not a finite float32",
                                           in_quotes(table_.text(row, column)), table_.column_text(column)),
                               "replace it or drop the row"),
                    table_, row, column);
    return narrow;
  }
  double number(std::size_t row, std::size_t column) const {
    const double value = table_.number(row, column);
    if (std::isnan(value))
      throw at_cell(data_error(fmt::format("the cell {} of column {} is not a number",
                                           in_quotes(table_.text(row, column)), table_.column_text(column)),
                               "replace it by a number or empty the cell"),
                    table_, row, column);
    return value;
  }
  void encode_cell(std::size_t row, std::size_t i) {
    const InputColumn& input = out_.description.inputs[i];
    const std::size_t column = places_.inputs[i];
    const bool gap = missing(row, column, input.categories.empty());
    if (gap) ++filled_[i];
    if (input.categories.empty()) {
      const double value = gap ? input.fill : number(row, column);
      out_.samples.push_back(finite(value * static_cast<double>(out_.description.scale.value_or(1.0F)), row, column));
      return;
    }
    const std::size_t first = out_.samples.size();
    out_.samples.resize(first + input.categories.size(), 0.0F);
    if (gap) return;
    const auto found = category_index_[i].find(table_.text(row, column));
    if (found != category_index_[i].end()) {
      out_.samples[first + found->second] = 1.0F;
    } else if (unknown_[i]++ == 0) {
      unknown_words_.resize(unknown_.size());
      unknown_words_[i] = table_.text(row, column);
    }
  }
  void encode_target(std::size_t row, std::size_t column) {
    out_.targets.push_back(finite(number(row, column), row, column));
  }
  void add_notes() {
    std::string gaps;
    std::size_t total = 0;
    for (std::size_t i = 0; i < filled_.size(); ++i) {
      if (filled_[i] == 0) continue;
      total += filled_[i];
      const InputColumn& input = out_.description.inputs[i];
      const std::string by =
          input.categories.empty() ? fmt::format("by its mean {:.6g}", input.fill) : "by no category";
      gaps += fmt::format("{}{} in column {} {}", gaps.empty() ? "" : ", ", filled_[i],
                          table_.column_text(places_.inputs[i]), by);
    }
    if (total != 0)
      out_.notes.push_back(
          fmt::format("{} missing value{} filled: {} (--missing drop leaves such rows out, --missing "
                      "error refuses them)",
                      total, total == 1 ? " was" : "s were", gaps));
    if (dropped_ != 0)
      out_.notes.push_back(fmt::format(
          "{} of {} rows have missing values and were left out (--missing mean fills them)", dropped_, table_.rows()));
    if (without_label_ != 0)
      out_.notes.push_back(
          fmt::format("{} of {} rows have no label or target and were left out", without_label_, table_.rows()));
    for (std::size_t i = 0; i < unknown_.size(); ++i)
      if (unknown_[i] != 0)
        out_.notes.push_back(
            fmt::format("{} cell{} of column {} {} a category that training did not have, such as {}; "
                        "all inputs of the column are 0 there",
                        unknown_[i], unknown_[i] == 1 ? "" : "s", table_.column_text(places_.inputs[i]),
                        unknown_[i] == 1 ? "has" : "have", in_quotes(unknown_words_[i])));
  }

  const Table& table_;
  EncodedTable& out_;
  const Places& places_;
  std::vector<std::unordered_map<std::string, std::size_t>> category_index_;
  std::vector<std::size_t> unknown_, filled_, kept_;
  std::vector<std::string> unknown_words_;
  std::size_t dropped_ = 0, without_label_ = 0;
};

// --- labels ---

/// Whole numbers that are class numbers as they stand.
bool are_class_numbers(const ColumnFacts& facts, std::size_t outputs) {
  if (facts.words + facts.truths > 0 || facts.fractions) return false;
  if (outputs == 0)  // 0, 1, … without a gap
    return facts.least == 0.0 && static_cast<double>(facts.different) == facts.most + 1.0;
  return facts.least >= 0.0 && facts.most < static_cast<double>(std::max<std::size_t>(outputs, 2));
}

void learn_classes(const Table& table, std::size_t column, std::size_t outputs, Description& out) {
  const ColumnFacts facts = facts_of(table, column);
  if (are_class_numbers(facts, outputs)) return;
  std::vector<std::string> classes = distinct_texts(table, column);
  const std::size_t wanted = std::max<std::size_t>(outputs, 2);
  const bool numbers = facts.words + facts.truths == 0;
  if (numbers && facts.fractions) {
    std::size_t row = 0;
    while (std::isnan(table.number(row, column)) || table.number(row, column) == std::floor(table.number(row, column)))
      ++row;
    throw at_cell(data_error(fmt::format("the label {} of column {} is not a class number", table.text(row, column),
                                         table.column_text(column)),
                             fmt::format("number the classes 0, 1, 2, …; if the column is an amount to be predicted, "
                                         "name it with --targets {}",
                                         table.names.empty() ? std::to_string(column + 1) : table.names[column])),
                  table, row, column);
  }
  if (classes.size() == 1)
    throw data_error(fmt::format("all labels in column {} are {}", table.column_text(column), in_quotes(classes[0])),
                     "give samples of every class, or name another column with --label")
        .in(table.path);
  if (outputs != 0 && classes.size() != wanted) {
    if (numbers && facts.least >= 0.0) return;  // a class number out of range is found with its line
    throw data_error(
        fmt::format("the labels in column {} are {} classes ({}), and the model has {} output{}",
                    table.column_text(column), classes.size(), some_of(classes), outputs, outputs == 1 ? "" : "s"),
        fmt::format("end the network with dense {}, or name another column with --label",
                    classes.size() == 2 && outputs == 1 ? 1 : classes.size()))
        .in(table.path);
  }
  out.classes = std::move(classes);
}

void encode_label_column(const Table& table, std::size_t column, const std::vector<std::size_t>& rows,
                         EncodedTable& out) {
  const Description& d = out.description;
  std::unordered_map<std::string, std::int32_t> index;
  for (std::size_t k = 0; k < d.classes.size(); ++k) index.emplace(d.classes[k], static_cast<std::int32_t>(k));
  double ignored = 0.0;
  const bool words = std::none_of(d.classes.begin(), d.classes.end(),
                                  [&](const std::string& name) { return to_number(name, Decimal::point, ignored); });
  for (const std::size_t row : rows) {
    if (!d.classes.empty()) {
      const auto found = index.find(table.text(row, column));
      const double number = table.number(row, column);  // a class number, where classes have words for names
      const bool by_number = number == std::floor(number) && number >= 0.0 && number < double(d.classes.size());
      if (found == index.end() && words && by_number) {
        out.labels.push_back(static_cast<std::int32_t>(number));
        continue;
      }
      if (found == index.end())
        throw at_cell(data_error(fmt::format("the label {} in column {} is none of the model's classes",
                                             in_quotes(table.text(row, column)), table.column_text(column)),
                                 fmt::format("{}they are {}", did_you_mean(table.text(row, column), d.classes),
                                             some_of(d.classes))),
                      table, row, column);
      out.labels.push_back(found->second);
      continue;
    }
    const double value = table.number(row, column);
    if (std::isnan(value) || value != std::floor(value) || std::abs(value) > 2147483647.0)
      throw at_cell(data_error(fmt::format("the label {} in column {} is not a class number",
                                           in_quotes(table.text(row, column)), table.column_text(column)),
                               "number the classes 0, 1, 2, … as in training, or name real targets with --targets"),
                    table, row, column);
    out.labels.push_back(static_cast<std::int32_t>(value));
  }
}

std::string summary_of(const Table& table, const EncodedTable& out) {
  const Description& d = out.description;
  std::string text = fmt::format("{} rows", out.rows);
  if (out.features != 0) text += fmt::format(", {} input{}", out.features, out.features == 1 ? "" : "s");
  std::vector<std::string> names;
  for (const InputColumn& column : d.inputs)
    if (!column.categories.empty())
      names.push_back(fmt::format("{} as {}", column.name.empty() ? std::to_string(column.column) : column.name,
                                  column.categories.size()));
  if (!names.empty()) text += fmt::format(" (categories: {})", some_of(names));
  if (!out.labels.empty() && d.label) {
    text += fmt::format(
        ", label {}", d.label->name.empty() ? fmt::format("in column {}", d.label->column) : in_quotes(d.label->name));
    if (!d.classes.empty()) text += fmt::format(" ({})", some_of(d.classes));
  }
  if (!out.targets.empty()) {
    names.clear();
    for (const NamedColumn& column : d.targets)
      names.push_back(column.name.empty() ? fmt::format("column {}", column.column) : in_quotes(column.name));
    text += fmt::format(", target{} {}", names.size() > 1 ? "s" : "", some_of(names));
  }
  return text + fmt::format("; {}", table.format);
}

}  // namespace

bool are_amounts(double least, double most, std::size_t count) {
  constexpr double kMostClasses = 1000.0, kManyClasses = 64.0;
  return least < -1.0 || most >= kMostClasses || (most >= kManyClasses && 4.0 * most >= static_cast<double>(count));
}

EncodedTable encode_labels(const Table& table, const Reading& reading) {
  EncodedTable out;
  out.notes = table.notes;
  out.description.missing = Missing::error;
  if (reading.known) out.description.classes = reading.known->classes;
  Places places;
  if (!reading.label.empty()) places.label = table.column_index(reading.label);
  for (const std::string& name : reading.targets) places.targets.push_back(table.column_index(name));
  if (!places.label && places.targets.empty()) {
    const ColumnFacts facts = facts_of(table, 0);
    const bool known_targets = reading.known && !reading.known->targets.empty();
    const bool amounts = facts.all_numbers() && reading.outputs == 0 && !reading.known &&
                         are_amounts(facts.least, facts.most, table.rows());
    const bool labels = table.columns == 1 && !known_targets && !facts.fractions && !amounts &&
                        (!facts.all_numbers() || facts.truths > 0 || reading.outputs != 1 ||
                         (!reading.values && are_class_numbers(facts, reading.outputs)));
    if (labels) places.label = 0;
    for (std::size_t i = 0; i < table.columns && !labels; ++i) places.targets.push_back(i);
  }
  if (places.label) out.description.label = named(table, *places.label);
  for (const std::size_t column : places.targets) out.description.targets.push_back(named(table, column));
  if (places.label && out.description.classes.empty())
    learn_classes(table, *places.label, reading.outputs, out.description);
  Encoder encoder(table, out, places);
  encoder.encode_rows();
  if (places.label) encode_label_column(table, *places.label, encoder.kept_rows(), out);
  out.summary = summary_of(table, out);
  return out;
}

EncodedTable encode(const Table& table, const Reading& reading, LabelUse use) {
  EncodedTable out;
  out.notes = table.notes;
  Places places;
  const bool known = reading.known && !reading.known->inputs.empty();
  if (known) {
    out.description = *reading.known;
    places = match(table, reading, use, out.notes);
  } else {
    out.description = learn(table, reading, use, places, out.notes);
    if (reading.known) out.description.classes = reading.known->classes;
    out.description.missing = reading.missing.value_or(Missing::mean);
    out.description.scale = reading.scale.value_or(1.0F);
    out.description.scale_of = reading.scale ? ScaleOf::any : ScaleOf::numbers;
  }
  if (known && use == LabelUse::optional && places.label && facts_of(table, *places.label).missing != 0)
    places.label.reset();
  if (known && use == LabelUse::optional)
    for (const std::size_t column : places.targets)
      if (facts_of(table, column).missing != 0) {
        places.targets.clear();
        break;
      }
  if (reading.missing) out.description.missing = *reading.missing;
  if (known && reading.scale) out.description.scale = reading.scale;
  if (places.label && out.description.classes.empty() && !known)
    learn_classes(table, *places.label, reading.outputs, out.description);
  out.features = out.description.input_count();
  Encoder encoder(table, out, places);
  encoder.encode_rows();
  if (places.label) encode_label_column(table, *places.label, encoder.kept_rows(), out);
  out.summary = summary_of(table, out);
  return out;
}

}  // namespace mote::tool
