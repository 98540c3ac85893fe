// SPDX-License-Identifier: Apache-2.0
// Looks over an .onnx file's bytes before the parser makes objects of them: how many there would be, whether all
// lengths lie inside. Two bytes of a file can become a hundred of memory; this bounds them.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace mote::tool::foreign {

/// Messages (graphs, nodes, tensors, attributes, …) in the file, counted down to those of its nodes; "" or, in
/// `trouble`, what is wrong with the bytes.
std::size_t count_onnx_messages(std::span<const std::byte> bytes, std::string& trouble);

}  // namespace mote::tool::foreign
