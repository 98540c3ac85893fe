// SPDX-License-Identifier: Apache-2.0
// FANN's side of training: `fann_worker FOLDER`. Sigmoids and squared error, since Debian's FANN has neither ReLU nor
// softmax: the same multiply-adds, another loss.
#include <floatfann.h>

#include "worker.hpp"

namespace {

using compare::Floats;
using compare::Job;
using compare::read_all;
using compare::Words;

std::string folder;

struct Free {
  void operator()(struct fann* network) const { fann_destroy(network); }
  void operator()(struct fann_train_data* data) const { fann_destroy_train(data); }
};
using Data = std::shared_ptr<struct fann_train_data>;

/// Layers of the networks that are fully connected, by the name of their text file.
std::vector<unsigned> sizes_of(const std::string& text_file) {
  if (text_file.ends_with("/small_mlp.txt")) return {16, 32, 16, 4};
  if (text_file.ends_with("/mlp.txt")) return {784, 512, 512, 512, 10};
  throw std::runtime_error("not for this worker");
}

Job make(Words& words) {
  if (words.text() != "train") throw std::runtime_error("not for this worker");
  const std::vector<unsigned> sizes = sizes_of(words.text());
  const unsigned batch = words.number();
  const std::shared_ptr<struct fann> network(
      fann_create_standard_array(static_cast<unsigned>(sizes.size()), sizes.data()), Free{});
  fann_set_activation_function_hidden(network.get(), FANN_SIGMOID);
  fann_set_activation_function_output(network.get(), FANN_SIGMOID);
  fann_set_training_algorithm(network.get(), batch == 1 ? FANN_TRAIN_INCREMENTAL : FANN_TRAIN_BATCH);
  fann_set_learning_rate(network.get(), std::stof(words.text()));

  const Floats inputs = read_all(folder, "input"), labels = read_all(folder, "labels");
  auto batches = std::make_shared<std::vector<Data>>();
  for (std::size_t first = 0; first < labels.size(); first += batch) {
    const Data data(fann_create_train(batch, sizes.front(), sizes.back()), Free{});
    for (unsigned i = 0; i < batch; ++i) {
      for (unsigned j = 0; j < sizes.front(); ++j) data->input[i][j] = inputs.data()[(first + i) * sizes.front() + j];
      for (unsigned j = 0; j < sizes.back(); ++j)
        data->output[i][j] = static_cast<float>(j) == labels.data()[first + i] ? 1.0F : 0.0F;
    }
    batches->push_back(data);
  }
  auto next = std::make_shared<std::size_t>(0);
  return {[=] {
            fann_train_epoch(network.get(), (*batches)[*next].get());
            *next = (*next + 1) % batches->size();
          },
          [=] { return std::vector{fann_get_MSE(network.get())}; }};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  folder = argv[1];
  return compare::serve(make);
}
