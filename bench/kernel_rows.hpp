// SPDX-License-Identifier: Apache-2.0
// What a row of one kernel is, and the rows by type of arguments that are not in kernels_bench.cpp.
#pragma once

#include <string>

#include "mote/kernels/kernels.hpp"
#include "rows.hpp"

namespace mote {
namespace bench {

template <class Args>
using Kernel = void (*)(const Args&);

/// Registers kernel(make(arrays)) as "name/shape".
template <class Args, class Make>
void add_row(const std::string& name, const std::string& shape, Kernel<Args> kernel, Work work, const Make& make) {
  add_row(name + "/" + shape, work, [=](benchmark::State& state) {
    Arrays arrays;
    const Args args = make(arrays);
    for (auto _ : state) {
      kernel(args);
      benchmark::ClobberMemory();
    }
  });
}

}  // namespace bench

// operators_bench.cpp
void add(const std::string& name, bench::Kernel<BinaryArgs> kernel);
void add(const std::string& name, bench::Kernel<BinaryGradArgs> kernel);
void add(const std::string& name, bench::Kernel<CompareArgs> kernel);
void add(const std::string& name, bench::Kernel<LogicalArgs> kernel);
void add(const std::string& name, bench::Kernel<SelectArgs> kernel);
void add(const std::string& name, bench::Kernel<SelectGradArgs> kernel);
// movement_bench.cpp
void add(const std::string& name, bench::Kernel<TransposeArgs> kernel);
void add(const std::string& name, bench::Kernel<SliceArgs> kernel);
void add(const std::string& name, bench::Kernel<SliceGradArgs> kernel);
void add(const std::string& name, bench::Kernel<PadArgs> kernel);
void add(const std::string& name, bench::Kernel<PadGradArgs> kernel);
void add(const std::string& name, bench::Kernel<TileArgs> kernel);
void add(const std::string& name, bench::Kernel<TileGradArgs> kernel);
void add(const std::string& name, bench::Kernel<GatherArgs> kernel);
void add(const std::string& name, bench::Kernel<GatherGradArgs> kernel);
void add(const std::string& name, bench::Kernel<CopyRowsArgs> kernel);
void add(const std::string& name, bench::Kernel<ResizeNearestArgs> kernel);
void add(const std::string& name, bench::Kernel<ResizeArgs> kernel);
void add(const std::string& name, bench::Kernel<ResizeGradArgs> kernel);
// reduction_bench.cpp
void add(const std::string& name, bench::Kernel<ReduceArgs> kernel);
void add(const std::string& name, bench::Kernel<ReduceGradArgs> kernel);
void add(const std::string& name, bench::Kernel<SumToArgs> kernel);
void add(const std::string& name, bench::Kernel<ArgReduceArgs> kernel);
void add(const std::string& name, bench::Kernel<SoftmaxAxisArgs> kernel);
void add(const std::string& name, bench::Kernel<SoftmaxAxisGradArgs> kernel);
void add(const std::string& name, bench::Kernel<NormArgs> kernel);
void add(const std::string& name, bench::Kernel<NormGradArgs> kernel);
void add(const std::string& name, bench::Kernel<LrnArgs> kernel);
void add(const std::string& name, bench::Kernel<LrnGradArgs> kernel);
// products_bench.cpp
void add(const std::string& name, bench::Kernel<RecurrentArgs> kernel);
void add(const std::string& name, bench::Kernel<RecurrentGradArgs> kernel);
void add(const std::string& name, bench::Kernel<MatmulArgs> kernel);
void add(const std::string& name, bench::Kernel<MatmulGradArgs> kernel);

}  // namespace mote
