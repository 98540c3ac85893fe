// SPDX-License-Identifier: Apache-2.0
// What operators of the domain ai.onnx.ml share.
#pragma once

#include "tool/import/call.hpp"

namespace mote::tool::foreign {

/// Scores (rows, classes) under the node's post_transform.
Value ml_transformed(Call& call, const Value& scores);
/// How many classes the node names; 0: none. Their names become the network's.
std::size_t ml_classes(Call& call);
/// Labels by class index (rows), and scores. Labels that are texts stay class indices: the network has their names.
void give_classes(Call& call, const Value& index, const Value& scores);

void tree_regressor(Call& call);
void tree_classifier(Call& call);

}  // namespace mote::tool::foreign
