// SPDX-License-Identifier: Apache-2.0
// dlib's side of training: `dlib_worker FOLDER`. Its own initial weights, so its losses are not compared. Gradients and
// updates are called directly, without dlib's trainer and its threads.
#include <dlib/dnn.h>

#include "worker.hpp"

namespace {

using namespace dlib;
using compare::Job;
using compare::Words;

std::string folder;

template <class Below>
using hidden = relu<fc<512, Below>>;
using Images = input<matrix<float>>;
using Mlp = loss_multiclass_log<fc<10, hidden<hidden<hidden<Images>>>>>;
using SmallMlp = loss_multiclass_log<fc<4, relu<fc<16, relu<fc<32, Images>>>>>>;
template <long channels, class Below>
using block = max_pool<2, 2, 2, 2, relu<con<channels, 3, 3, 1, 1, Below>>>;
using Conv = loss_multiclass_log<fc<10, block<16, block<8, Images>>>>;

template <class Network>
struct Training {
  Network network;
  std::vector<sgd> solvers{Network::num_computational_layers, sgd(0.0F, 0.0F)};
  std::vector<resizable_tensor> images;
  std::vector<std::vector<unsigned long>> labels;
  double learning_rate = 0.0, loss = 0.0;
  std::size_t next = 0;

  void step() {
    loss = network.compute_parameter_gradients(images[next], labels[next].begin());
    network.update_parameters(solvers, learning_rate);
    next = (next + 1) % images.size();
  }
};

template <class Network>
Job training(long rows, long columns, unsigned batch, double learning_rate) {
  auto state = std::make_shared<Training<Network>>();
  state->learning_rate = learning_rate;
  const auto inputs = compare::read_all(folder, "input"), labels = compare::read_all(folder, "labels");
  const float* at = inputs.data();
  for (std::size_t first = 0; first < labels.size(); first += batch) {
    std::vector<matrix<float>> images(batch, matrix<float>(rows, columns));
    for (matrix<float>& image : images)
      for (float& value : image) value = *at++;
    state->images.emplace_back();
    state->network.to_tensor(images.begin(), images.end(), state->images.back());
    state->labels.emplace_back();
    for (unsigned i = 0; i < batch; ++i)
      state->labels.back().push_back(static_cast<unsigned long>(labels.data()[first + i]));
  }
  return {[=] { state->step(); }, [=] { return std::vector{static_cast<float>(state->loss)}; }};
}

Job make(Words& words) {
  if (words.text() != "train") throw std::runtime_error("not for this worker");
  const std::string text_file = words.text();
  const unsigned batch = words.number();
  const double learning_rate = std::stod(words.text());
  if (text_file.ends_with("/small_mlp.txt")) return training<SmallMlp>(16, 1, batch, learning_rate);
  if (text_file.ends_with("/mlp.txt")) return training<Mlp>(784, 1, batch, learning_rate);
  if (text_file.ends_with("/conv.txt")) return training<Conv>(28, 28, batch, learning_rate);
  throw std::runtime_error("not for this worker");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  folder = argv[1];
  return compare::serve(make);
}
