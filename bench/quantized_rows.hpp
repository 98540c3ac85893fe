// SPDX-License-Identifier: Apache-2.0
// Rows of the kernels of quantised networks: one add() for each type of arguments, called by kernels_bench.cpp.
#pragma once

#include <string>

#include "mote/kernels/kernels.hpp"

namespace mote {

void add(const std::string& name, void (*kernel)(const DenseS8Args&));
void add(const std::string& name, void (*kernel)(const DenseS16Args&));
void add(const std::string& name, void (*kernel)(const ConvS8Args&));
void add(const std::string& name, void (*kernel)(const ConvS16Args&));

}  // namespace mote
