// SPDX-License-Identifier: Apache-2.0
// What turns files into samples of a shape: the size of pictures, windows over rows, the arrays of an archive. Their
// words on the command line and what they mean.
#pragma once

#include <string>

#include "tool/commands/arguments.hpp"

namespace mote::tool {

/// --image-size, --window, --hop, --window-label, --group.
void add_shape_options(Options& options, DataArguments& data);

/// What the words say of windows; length 0 where there are none.
Windows windows_called(const DataArguments& data);

/// The size that pictures shall have: as `data.image_size` says ("28x28", "28x28x1"); what it leaves out is the model's
/// input or, where that is flat, the size the model was trained with. {0, 0, 0} where nothing tells. Channels that
/// nothing tells are 3.
Shape picture_called(const DataArguments& data, const Shape& input, const std::optional<Description>& known);

/// Where samples and labels are: an .npz archive has x_train, y_train and, for the test, x_test, y_test, or x and y
/// (capital X too); anything else is what it is.
struct SampleFiles {
  std::string train_samples, train_labels, test_samples, test_labels;
};
SampleFiles files_of_archive(const std::string& path);

}  // namespace mote::tool
