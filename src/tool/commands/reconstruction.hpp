// SPDX-License-Identifier: Apache-2.0
// What an autoencoder makes of samples: originals beside reconstructions, as a picture.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tool/data/data_set.hpp"
#include "tool/models/model_source.hpp"

namespace mote::tool {

/// Some samples of one part of the data and what the model makes of them, value by value.
struct Reconstructions {
  std::string name;  ///< such as "training samples"
  std::size_t features = 0;
  std::vector<float> originals, noisy, reconstructed;  ///< [sample * features + i]; noisy is empty for a plain model
};

/// Runs `count` samples, evenly spread over the data (all of them if there are fewer), through the model. A denoising
/// model (noise or dropout right behind its input) gets them with that noise, as in training.
Reconstructions reconstruct(const OwnedModel& model, const DataSet& data, std::size_t count, const std::string& name);

/// Height and width of a sample as a grey picture: the data's own, or a square if the samples are flat and one fits;
/// zeros where it is no picture.
Shape picture_shape(const DataSet& data);

/// A block of rows for each part: originals on the left, what the model was given if that is not the same, and its
/// reconstructions on the right.
void plot_reconstructions(const std::string& path, const std::string& title, const Shape& picture,
                          const std::vector<Reconstructions>& parts);

/// Draws FOLDER/reconstructions.svg of training and test samples (`test` may be null); says so in `text`, or why not.
void draw_reconstructions(const std::string& folder, const OwnedModel& model, const DataSet* train, const DataSet* test,
                          std::string& text);

}  // namespace mote::tool
