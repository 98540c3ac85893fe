// SPDX-License-Identifier: Apache-2.0
// An .onnx file in the making: nodes, attributes and arrays by name. Knows nothing of records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mote/types.hpp"

namespace mote::tool::onnx {
class Model;
}

namespace mote::tool::foreign {

using Extents64 = std::vector<std::int64_t>;

/// The format's numbers of element types; of one that NumPy calls so, 0 where there is none such.
int onnx_number(DType type);
int onnx_number(std::string_view type);

struct OnnxAttribute {
  const char* name;
  std::variant<std::int64_t, float, std::string, Extents64, std::vector<std::string>> value;
};

class OnnxGraph {
 public:
  /// `fresh`: gives a name that nothing has yet.
  OnnxGraph(std::int64_t opset, std::function<std::string(const std::string&)> fresh);
  ~OnnxGraph();
  OnnxGraph(const OnnxGraph&) = delete;
  OnnxGraph& operator=(const OnnxGraph&) = delete;

  /// A node whose results are called so; an empty name: it is not asked for.
  void node(const char* op, std::vector<std::string> inputs, std::vector<std::string> outputs,
            std::vector<OnnxAttribute> attributes = {});
  /// With one result; returns its name, which begins with `wish`.
  std::string add(const char* op, std::vector<std::string> inputs, const std::string& wish,
                  std::vector<OnnxAttribute> attributes = {});

  std::string array(const std::string& wish, DType type, Extents64 dims, std::span<const std::byte> values);
  std::string floats(const std::string& wish, Extents64 dims, std::span<const float> values) {
    return array(wish, DType::f32, std::move(dims), std::as_bytes(values));
  }
  /// Small arrays, which nodes share: a number, a vector of whole numbers, a zero point.
  std::string number(float value);
  std::string wholes(const Extents64& values);
  std::string zero_point(DType type, std::int32_t value);

  /// Everything that is called `from` is called `to`.
  void rename(const std::string& from, const std::string& to);
  /// Extents of -1 are called "batch"; `type`: the format's number.
  void end(bool output, const std::string& name, int type, const Extents64& dims);
  [[nodiscard]] std::size_t nodes() const;
  [[nodiscard]] std::int64_t opset() const { return opset_; }
  [[nodiscard]] std::string bytes() const;

 private:
  std::int64_t opset_;
  std::function<std::string(const std::string&)> fresh_;
  std::unique_ptr<onnx::Model> model_;
  std::map<std::string, std::string> shared_;  // what is in an array: its name
};

}  // namespace mote::tool::foreign
