// SPDX-License-Identifier: Apache-2.0
// See advice.hpp. One pass over the samples.
#include "tool/commands/advice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "mote/train/standardization.hpp"
#include "tool/terminal/streams.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {
namespace {

constexpr double kFar = 10.0;       // root of the mean square of an input that a network does not expect
constexpr double kUneven = 1000.0;  // ratio of the largest to the smallest deviation

bool scales_inputs(const OwnedModel& model) {
  if (standardization_layer(model.view()) != kNoLayer) return true;
  for (const Layer& layer : model.layers)
    if (layer.op == Op::batch_norm && model.view().operand(layer) == 0) return true;
  return false;
}

/// Of a picture or sequence the channels are compared, not its pixels: some are nearly the same in every sample.
std::size_t channels_of(const OwnedModel& model, const DataSet& data) {
  const Shape input = model.view().input_shape();
  const std::vector<std::uint64_t>& dims = data.sample_dims();
  if (dims.size() < 2) return data.features();
  if (input.h != 1 || input.w != 1) return input.c;
  return dims.size() == 3 ? static_cast<std::size_t>(dims[2]) : 1;
}

void look_at_inputs(const OwnedModel& model, const DataSet& data, std::vector<std::string>& out) {
  if (scales_inputs(model)) return;
  const std::size_t channels = channels_of(model, data);
  std::vector<double> mean(channels, 0.0), squares(channels, 0.0), raw(channels, 0.0);
  std::vector<float> sample(data.features());
  const std::size_t count = std::min<std::size_t>(data.size(), 10000);
  for (std::size_t i = 0; i < count; ++i) {
    data.copy_sample(i * data.size() / count, sample);
    for (std::size_t k = 0; k < sample.size(); ++k) {
      const std::size_t j = k % channels;
      const auto value = static_cast<double>(sample[k]);
      const double from_mean = value - mean[j];
      mean[j] += from_mean / static_cast<double>(i * (sample.size() / channels) + k / channels + 1);
      squares[j] += from_mean * (value - mean[j]);
      raw[j] += value * value;
    }
  }
  const auto values = static_cast<double>(count * (sample.size() / channels));
  std::size_t widest = 0;
  double largest = 0.0, smallest = HUGE_VAL;
  for (std::size_t j = 0; j < channels; ++j) {
    const double size = std::sqrt(raw[j] / values), deviation = std::sqrt(squares[j] / values);
    if (size > largest) largest = size, widest = j;
    if (deviation > 1e-9 * size) smallest = std::min(smallest, deviation);
  }
  const bool tiny = largest < 1.0 / kFar && largest > 0.0;
  if (largest <= kFar && !tiny && !(largest > kUneven * smallest)) return;
  const std::vector<std::string> names = data.feature_names();
  const std::string which = channels != sample.size() ? fmt::format("channel {}", widest + 1)
                            : names.empty()           ? fmt::format("input {}", widest + 1)
                                                      : in_quotes(names[widest]);
  const Shape shape = model.view().input_shape();
  out.push_back(
      fmt::format("inputs are far from unit scale ({} is around {:.3g}{}): write standardize behind the input, "
                  "\"input {}; standardize; …\", or the network learns slowly or not at all",
                  which, largest, largest > kUneven * smallest ? fmt::format(", others vary by {:.2g}", smallest) : "",
                  shape_text(shape)));
}

void look_at_labels(const OwnedModel& model, const DataSet& data, std::vector<std::string>& out) {
  const auto outputs = static_cast<std::size_t>(model.view().output_shape().elements());
  const std::size_t classes = std::max<std::size_t>(outputs, 2);
  std::vector<std::size_t> counts(classes, 0);
  for (std::size_t i = 0; i < data.size(); ++i) {
    const auto label = static_cast<std::size_t>(std::max(data.label(i), 0));
    if (label < classes) ++counts[label];
  }
  const std::vector<std::string>& names = data.description().classes;
  const auto name = [&](std::size_t k) { return names.size() == classes ? in_quotes(names[k]) : std::to_string(k); };
  const auto present =
      static_cast<std::size_t>(std::count_if(counts.begin(), counts.end(), [](auto n) { return n > 0; }));
  if (present == 1) {
    const auto only = std::find_if(counts.begin(), counts.end(), [](auto n) { return n > 0; });
    out.push_back(fmt::format("all labels are {}: there is nothing to tell apart",
                              name(static_cast<std::size_t>(only - counts.begin()))));
  } else if (present > 1 && present < classes) {
    std::string absent;
    for (std::size_t k = 0, said = 0; k < classes && said < 8; ++k)
      if (counts[k] == 0) absent += (said++ > 0 ? ", " : "") + name(k);
    out.push_back(fmt::format("{} of {} classes have no samples ({})", classes - present, classes, absent));
  }
}

/// Labels of a table whose last columns hold one 1 in every row: the label is one of several.
void look_for_one_hot_inputs(const DataSet& data, std::vector<std::string>& out) {
  const std::vector<InputColumn>& columns = data.description().inputs;
  if (!data.description().label || columns.empty() || data.size() < 4) return;
  std::vector<float> sample(data.features());
  std::size_t from = data.features();  // the longest run of last inputs that are 0 and 1
  std::vector<char> sums_to_one(data.features(), 1);
  for (std::size_t i = 0; i < data.size() && from > 0; ++i) {
    data.copy_sample(i, sample);
    auto sum = static_cast<float>(data.label(i));
    if (sum != 0.0F && sum != 1.0F) return;
    for (std::size_t j = data.features(); j-- > 0;) {
      if (sample[j] != 0.0F && sample[j] != 1.0F) {
        std::fill(sums_to_one.begin(), sums_to_one.begin() + static_cast<std::ptrdiff_t>(j) + 1, 0);
        break;
      }
      sum += sample[j];
      if (sum != 1.0F) sums_to_one[j] = 0;
    }
  }
  for (std::size_t j = 0; j < data.features(); ++j)
    if (sums_to_one[j] != 0) from = std::min(from, j);
  if (from == data.features() || columns.size() != data.features() || !columns[from].categories.empty()) return;
  std::vector<std::string> names;
  for (std::size_t j = from; j < columns.size(); ++j)
    names.push_back(columns[j].name.empty() ? std::to_string(columns[j].column) : columns[j].name);
  const NamedColumn& label = *data.description().label;
  names.push_back(label.name.empty() ? std::to_string(label.column) : label.name);
  out.push_back(
      fmt::format("columns {} hold a single 1 in every row: if they are one label in several columns, give "
                  "--targets {} --loss softmax_cross_entropy",
                  list_of(names), fmt::join(names, ",")));
}

void look_at_targets(const DataSet& data, std::vector<std::string>& out) {
  const std::size_t width = data.target_width();
  std::vector<float> target(width), first(width);
  std::vector<char> constant(width, 1);
  bool one_hot = width > 1;
  data.copy_target(0, first);
  for (std::size_t i = 0; i < data.size(); ++i) {
    data.copy_target(i, target);
    float sum = 0.0F;
    for (std::size_t j = 0; j < width; ++j) {
      constant[j] = constant[j] != 0 && target[j] == first[j] ? 1 : 0;
      one_hot = one_hot && (target[j] == 0.0F || target[j] == 1.0F);
      sum += target[j];
    }
    one_hot = one_hot && sum == 1.0F;
  }
  const std::vector<std::string> names = data.target_names();
  for (std::size_t j = 0; j < width && data.size() > 1; ++j)
    if (constant[j] != 0)
      out.push_back(fmt::format("target {} is {} in every sample: there is nothing to learn",
                                names.size() == width ? in_quotes(names[j]) : std::to_string(j + 1), first[j]));
  if (one_hot)
    out.push_back("the targets hold a single 1 in every sample, like classes: --loss softmax_cross_entropy suits them");
}

}  // namespace

std::vector<std::string> advice(const OwnedModel& model, const DataSet& data) {
  std::vector<std::string> out;
  look_at_inputs(model, data, out);
  if (data.has_labels()) {
    look_at_labels(model, data, out);
    look_for_one_hot_inputs(data, out);
  } else if (data.has_targets() && !data.reconstructs()) {
    look_at_targets(data, out);
  }
  return out;
}

void say_notes(const DataSet& data, Progress& progress, const std::vector<std::string>& advice) {
  if (!data.summary().empty()) progress.say(printable_line(fmt::format("data: {}: {}", data.path(), data.summary())));
  for (const std::string& note : data.notes()) progress.say(printable_line("note: " + note));
  for (const std::string& note : advice) progress.say(printable_line("note: " + note));
}

nlohmann::ordered_json notes_json(const DataSet& data, const std::vector<std::string>& advice) {
  std::vector<std::string> notes = data.notes();
  notes.insert(notes.end(), advice.begin(), advice.end());
  return {{"summary", data.summary()}, {"notes", notes}};
}

}  // namespace mote::tool
