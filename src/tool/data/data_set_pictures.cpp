// SPDX-License-Identifier: Apache-2.0
// Pictures as a data set: their folders' names become labels.
#include <fmt/format.h>

#include <algorithm>

#include "tool/data/columns_learn.hpp"
#include "tool/data/data_set.hpp"
#include "tool/data/picture_folder.hpp"
#include "tool/terminal/error.hpp"
#include "tool/terminal/suggest.hpp"

namespace mote::tool {

DataSet DataSet::pictures_from(const std::string& path, const Reading& reading, LabelUse use) {
  if (reading.picture.h == 0 && reading.known && !reading.known->inputs.empty())
    throw data_error(fmt::format("this is a picture, and the model reads tables with {} columns of inputs",
                                 reading.known->inputs.size()),
                     "give a table with the columns that mote info shows")
        .in(path);
  if (reading.picture.h == 0)
    throw usage_error("the size that the pictures shall have is not known: the model's input is flat",
                      "give --image-size HEIGHTxWIDTH, or a model with input HEIGHTxWIDTHxCHANNELS")
        .in(path);
  const PictureFolder folder = list_pictures(path);
  if (use == LabelUse::required && folder.classes.empty())
    throw data_error("the pictures have no classes: they are not in folders of their own",
                     "make a folder for each class, or train with --reconstruct")
        .in(path);
  DataSet out;
  out.set_samples(read_pictures(folder, reading.picture), reading);
  out.description_.picture = reading.picture;
  out.sample_names_ = folder.files;
  out.summary_ = fmt::format("{} picture{} as {}", folder.files.size(), folder.files.size() == 1 ? "" : "s",
                             shape_text(reading.picture));
  if (!folder.classes.empty())
    out.summary_ += fmt::format(" in {} folders ({})", folder.classes.size(), some_of(folder.classes));
  if (!folder.passed_over.empty())
    out.notes_.push_back(fmt::format("{} other file{} passed over, such as {}", folder.passed_over.size(),
                                     folder.passed_over.size() == 1 ? " was" : "s were", folder.passed_over[0]));
  if (use == LabelUse::none || folder.classes.empty()) return out;
  out.target_path_ = path;
  out.description_.label.emplace();
  const std::vector<std::string> known = reading.known ? reading.known->classes : std::vector<std::string>{};
  out.description_.classes = known.empty() ? folder.classes : known;
  std::vector<std::int32_t> label_of(folder.classes.size());
  for (std::size_t k = 0; k < folder.classes.size(); ++k) {
    const auto& names = out.description_.classes;
    const auto found = std::find(names.begin(), names.end(), folder.classes[k]);
    if (found == names.end()) {
      if (use == LabelUse::optional) return out.description_.classes = known, out;  // no classes of this model
      throw data_error(fmt::format("the folder {} is none of the model's classes", in_quotes(folder.classes[k])),
                       fmt::format("{}they are {}", did_you_mean(folder.classes[k], names), some_of(names)))
          .in(path);
    }
    label_of[k] = static_cast<std::int32_t>(found - names.begin());
  }
  const std::size_t classes = std::max<std::size_t>(reading.outputs, 2);
  if (known.empty() && reading.outputs != 0 && folder.classes.size() != classes)
    throw data_error(fmt::format("the folder has {} classes ({}), and the model has {} output{}", folder.classes.size(),
                                 some_of(folder.classes), reading.outputs, reading.outputs == 1 ? "" : "s"),
                     fmt::format("end the network with dense {}", folder.classes.size()))
        .in(path);
  for (const std::int32_t label : folder.labels) out.labels_.push_back(label_of[static_cast<std::size_t>(label)]);
  return out;
}

}  // namespace mote::tool
