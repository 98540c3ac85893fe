// SPDX-License-Identifier: Apache-2.0
// Values of an ONNX tensor: in the message, or in a file beside the model.
#pragma once

#include <onnx.pb.h>

#include <map>
#include <string>

#include "tool/data/file_io.hpp"
#include "tool/import/graph.hpp"

namespace mote::tool::foreign {

Type onnx_type(int number);

/// Files of external data, each opened once. Their names are taken relative to the model's folder and may not lead out
/// of it, neither by .. nor by a link.
class ExternalFiles {
 public:
  explicit ExternalFiles(std::string model) : model_(std::move(model)) {}
  /// `length` bytes from `offset` (all that follow if length is 0); throws Unsupported.
  Bytes read(const std::string& location, std::uint64_t offset, std::uint64_t length, std::uint64_t expected);

 private:
  std::string model_;
  std::map<std::string, std::shared_ptr<const AlignedBytes>> files_;
};

/// Name, type, extents and values; what is wrong with the values is left in `trouble`. The message must outlive it.
FileTensor onnx_tensor(const onnx::Tensor& tensor, ExternalFiles& files);

}  // namespace mote::tool::foreign
