// SPDX-License-Identifier: Apache-2.0
// What a benchmark row is, and the list of them: every row runs once per instruction set of the library. roofline.hpp
// makes shares of the core's ceilings of them.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "mote/kernels/isa.hpp"

namespace mote::bench {

/// Arrays of one row, aligned as a plan for wide vectors aligns them.
class Arrays {
 public:
  /// `count` floats between -0.5 and 0.5 times `scale`.
  float* floats(std::size_t count, float scale = 1.0F) {
    float* values = static_cast<float*>(take(count * sizeof(float)));
    for (std::size_t i = 0; i < count; ++i) values[i] = scale * (static_cast<float>(i * 7919 % 1001) / 1000.0F - 0.5F);
    return values;
  }
  float* positive(std::size_t count) {
    float* values = floats(count);
    for (std::size_t i = 0; i < count; ++i) values[i] += 1.0F;
    return values;
  }
  /// Rows of `columns` values that rise from -0.5 to 0.5.
  float* rising(std::size_t count, std::size_t columns) {
    float* values = floats(count);
    for (std::size_t i = 0; i < count; ++i)
      values[i] = static_cast<float>(i % columns) / static_cast<float>(columns - 1) - 0.5F;
    return values;
  }
  std::int32_t* labels(std::size_t count, std::int32_t classes) {
    auto* values = static_cast<std::int32_t*>(take(count * sizeof(std::int32_t)));
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<std::int32_t>(i) % classes;
    return values;
  }
  std::byte* bytes(std::size_t count) { return static_cast<std::byte*>(take(count)); }
  std::uint8_t* booleans(std::size_t count) {
    auto* values = static_cast<std::uint8_t*>(take(count));
    for (std::size_t i = 0; i < count; ++i) values[i] = i * 7919 % 1001 < 500 ? 1 : 0;
    return values;
  }

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  void* take(std::size_t bytes) {
    blocks_.emplace_back(std::aligned_alloc(64, (bytes + 64) / 64 * 64));
    if (blocks_.back() == nullptr) throw std::bad_alloc();
    return blocks_.back().get();
  }
  std::vector<std::unique_ptr<void, Free>> blocks_;
};

/// What a row does each time.
struct Work {
  double flops;              ///< 0 where the operations are not multiplications and additions
  double bytes;              ///< read and written, each array once for either
  double samples = 0.0;      ///< of training steps
  double working_set = 0.0;  ///< bytes of the arrays; 0: `bytes`, because none is both read and written

  [[nodiscard]] double resident() const { return working_set != 0.0 ? working_set : bytes; }
};

struct Row {
  std::string name;  ///< "dense_f32/32x784x512"
  std::string isa;
  Work work;
};

/// Every row of this program, by the order of registration; Google Benchmark knows a row as name/isa.
inline std::deque<Row>& all_rows() {
  static std::deque<Row> rows;
  return rows;
}

/// Registers `run(state)` for each instruction set.
template <class Run>
void add_row(const std::string& name, Work work, const Run& run) {
  for (std::size_t i = 0; const char* isa = runnable_isa(i); ++i) {
    all_rows().push_back({name, isa, work});
    benchmark::RegisterBenchmark((name + "/" + isa).c_str(), [=](benchmark::State& state) {
      use_isa(isa);
      run(state);
    });
  }
}

void add_kernel_rows();
void add_network_rows();

}  // namespace mote::bench
