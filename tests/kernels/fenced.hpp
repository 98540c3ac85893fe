// SPDX-License-Identifier: Apache-2.0
// Arrays for tests that kernels read nothing outside theirs. Needs mmap.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/guarded.hpp"

namespace mote::test {

/// Arrays between forbidden pages, flush with the upper or the lower one.
class FencedArrays {
 public:
  explicit FencedArrays(bool at_end) : at_end_(at_end) {}
  FencedArrays(const FencedArrays&) = delete;
  FencedArrays& operator=(const FencedArrays&) = delete;
  ~FencedArrays() {
    for (const Block& block : blocks_) munmap(block.memory, block.bytes);
  }
  float* take(std::size_t count) {
    auto* const values = zeros<float>(count);
    test::Numbers(static_cast<std::uint32_t>(count)).fill(values, count);
    return values;
  }
  /// Zeros, of any type.
  template <class Element>
  Element* zeros(std::size_t count) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t inner = align_up(count * sizeof(Element) + 1, page);
    void* mapped = mmap(nullptr, inner + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) __builtin_trap();
    char* all = static_cast<char*>(mapped);
    if (mprotect(all, page, PROT_NONE) != 0 || mprotect(all + page + inner, page, PROT_NONE) != 0) __builtin_trap();
    blocks_.push_back({mapped, inner + 2 * page});
    return reinterpret_cast<Element*>(at_end_ ? all + page + inner - count * sizeof(Element) : all + page);
  }

 private:
  struct Block {
    void* memory;
    std::size_t bytes;
  };
  bool at_end_;
  std::vector<Block> blocks_;
};

}  // namespace mote::test
