// SPDX-License-Identifier: Apache-2.0
// An imported network computed from its steps in plain loops, in double: what the records' kernels are held to, and
// what tells a mistake of the importer from one of theirs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tool/import/network.hpp"

namespace mote::test {

/// Values of any type as doubles.
struct Tensor {
  tool::foreign::Dims dims;
  std::vector<double> values;
};

class NetworkReference {
 public:
  explicit NetworkReference(const tool::foreign::Network& network);
  /// One run: inputs in the network's order; its states go on to the next run.
  std::vector<Tensor> run(const std::vector<Tensor>& inputs);

 private:
  const tool::foreign::Network& network_;
  std::vector<bool> needed_;
  std::map<int, Tensor> states_;
  std::vector<Tensor> results_;  // of the steps, in this run
  std::map<int, Tensor> cells_;  // last cell states of LSTMs

  void compute(std::size_t step);
  void elementwise(const tool::foreign::Step& s, Tensor& out);
  bool movement(const tool::foreign::Step& s, Tensor& out);
  bool arithmetic(const tool::foreign::Step& s, Tensor& out);
  bool windows(const tool::foreign::Step& s, Tensor& out);
  void recurrent(std::size_t step, Tensor& out);
  [[nodiscard]] const Tensor& in(const tool::foreign::Step& s, std::size_t i = 0) const {
    return results_[static_cast<std::size_t>(s.in[i])];
  }
};

}  // namespace mote::test
