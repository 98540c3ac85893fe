// SPDX-License-Identifier: Apache-2.0
// Rows of the kernels of quantised networks: one add() for each type of arguments, called by kernels_bench.cpp.
#pragma once

#include <string>

#include "mote/kernels/kernels.hpp"

namespace mote {

void add(const std::string& name, void (*kernel)(const DenseS8Args&));
void add(const std::string& name, void (*kernel)(const DenseS8S16Args&));
void add(const std::string& name, void (*kernel)(const DenseS16Args&));
void add(const std::string& name, void (*kernel)(const ConvS8Args&));
void add(const std::string& name, void (*kernel)(const ConvS16Args&));
void add(const std::string& name, void (*kernel)(const BinaryS8Args&));
void add(const std::string& name, void (*kernel)(const BinaryS16Args&));
void add(const std::string& name, void (*kernel)(const CompareS8Args&));
void add(const std::string& name, void (*kernel)(const LookupS8Args&));
void add(const std::string& name, void (*kernel)(const ClampS8Args&));
void add(const std::string& name, void (*kernel)(const ClampS16Args&));
void add(const std::string& name, void (*kernel)(const LeakyReluS16Args&));
void add(const std::string& name, void (*kernel)(const CurveS16Args&));
void add(const std::string& name, void (*kernel)(const QuantizeArgs&));
void add(const std::string& name, void (*kernel)(const DequantizeArgs&));
void add(const std::string& name, void (*kernel)(const RequantizeArgs&));
void add(const std::string& name, void (*kernel)(const PoolS8Args&));
void add(const std::string& name, void (*kernel)(const PoolS16Args&));
void add(const std::string& name, void (*kernel)(const ReduceS8Args&));
void add(const std::string& name, void (*kernel)(const ReduceS16Args&));
void add(const std::string& name, void (*kernel)(const SoftmaxS8Args&));
void add(const std::string& name, void (*kernel)(const SoftmaxS8S16Args&));
void add(const std::string& name, void (*kernel)(const SoftmaxS16Args&));
void add(const std::string& name, void (*kernel)(const LogSoftmaxS8Args&));
void add(const std::string& name, void (*kernel)(const L2NormS8Args&));
void add(const std::string& name, void (*kernel)(const ResizeBilinearS8Args&));
void add(const std::string& name, void (*kernel)(const SvdfArgs&));
void add(const std::string& name, void (*kernel)(const LstmS8Args&));
void add(const std::string& name, void (*kernel)(const MatmulS8Args&));
void add(const std::string& name, void (*kernel)(const ArgReduceS8Args&));

}  // namespace mote
