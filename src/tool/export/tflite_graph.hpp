// SPDX-License-Identifier: Apache-2.0
// A .tflite file in the making: tensors and operators by number. Knows nothing of records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mote/types.hpp"

namespace mote::tool::foreign {

using Extents64 = std::vector<std::int64_t>;

struct TfliteTensor {
  std::string name;
  Extents64 dims;
  DType type = DType::f32;
  std::optional<std::int8_t> file_type;  // the format's number, where it is not that of `type`
  std::vector<std::byte> values;         // of a constant
  std::vector<float> scales;             // one, or one for each index of `axis`
  std::vector<std::int64_t> zero_points;
  std::int32_t axis = 0;
};

/// The format's numbers of element types; of one that NumPy calls so.
std::int8_t tflite_number(DType type);
std::int8_t tflite_number(std::string_view type);

/// An operator's option by the importer's name for it (tflite_options()).
struct TfliteOption {
  const char* name;
  double value;
};

class TfliteGraph {
 public:
  int tensor(TfliteTensor made) {
    tensors_.push_back(std::move(made));
    return static_cast<int>(tensors_.size()) - 1;
  }
  [[nodiscard]] const TfliteTensor& tensor(int i) const { return tensors_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] TfliteTensor& tensor(int i) { return tensors_[static_cast<std::size_t>(i)]; }
  /// An operand of -1: it is left out.
  void node(const char* op, std::vector<int> inputs, std::vector<int> outputs, std::vector<TfliteOption> options = {}) {
    nodes_.push_back({op, std::move(inputs), std::move(outputs), std::move(options)});
  }
  [[nodiscard]] std::size_t nodes() const { return nodes_.size(); }
  /// The file. Throws Error beyond 2 GB.
  [[nodiscard]] std::string bytes(const std::vector<int>& inputs, const std::vector<int>& outputs) const;

 private:
  struct Node {
    const char* op;
    std::vector<int> inputs, outputs;
    std::vector<TfliteOption> options;
  };
  std::vector<TfliteTensor> tensors_;
  std::vector<Node> nodes_;
};

}  // namespace mote::tool::foreign
