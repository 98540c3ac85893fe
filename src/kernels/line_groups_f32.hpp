// SPDX-License-Identifier: Apache-2.0
// Convolutions towards eight channels and fewer where vectors have sixteen lanes: two or four target lines at a time,
// each vector some channels of a pixel and of those below it. The source lines are interleaved for it, some at a time,
// in a block of the stack. Relies on rows_f32.hpp and window_f32.hpp. The bits are those of one line at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "kernels/rows_f32.hpp"
#include "kernels/tile_f32.hpp"
#include "kernels/window_f32.hpp"
#include "simd/narrow.hpp"

namespace mote::MOTE_KERNELS {
namespace {

/// Floats of interleaved lines: 32 KB, most of a first cache.
inline constexpr std::ptrdiff_t kGroupFloats = 8192;

/// Whether lines are taken so many at a time: a tile lies along a line, and a short one would be too small.
template <class Lanes>
bool has_line_groups(const Walk& walk, std::size_t target_c) {
  return target_c <= Lanes::kLanes && walk.x.target >= 8;
}

/// The pixels of a rectangle of segments of one image, y's lines being groups. job holds the taps.
template <class Lanes>
void group_pixels(const Walk& walk, const Segment& y, const Segment& x, const float* source, std::size_t source_c,
                  float* target, std::size_t target_c, RowsJob& job) {
  const auto from_c = static_cast<std::ptrdiff_t>(Lanes::kRows * source_c),
             to_c = static_cast<std::ptrdiff_t>(target_c);
  std::ptrdiff_t row_from = x.from_step * from_c, row_to = x.step * to_c, rows = x.count;
  job.a_tile = y.from_step * walk.x.source * from_c;
  job.out_tile = y.step * walk.x.target * to_c;
  job.tiles = static_cast<std::size_t>(y.count);
  if (x.count == 1) {  // a column
    std::swap(row_from, job.a_tile);
    std::swap(row_to, job.out_tile);
    rows = y.count;
    job.tiles = 1;
  }
  job.a_row = row_from;
  const float* from = source + (y.from * walk.x.source + x.from) * from_c;
  float* to = target + (y.first * walk.x.target + x.first) * to_c;
  for (std::size_t left = static_cast<std::size_t>(rows), count = 0; left != 0; left -= count) {
    count = tile_rows(left, target_c, kMaxEvenRows);
    job.a[0] = from;
    from += static_cast<std::ptrdiff_t>(count) * row_from;
    for (std::size_t r = 0; r < count; ++r, to += row_to) job.out[r] = to;
    if constexpr (Lanes::kRows == 4) {
      run_groups_of_four(job, count, target_c);
    } else {
      static_assert(Lanes::kRows == 2);
      run_groups_of_two(job, count, target_c);
    }
  }
}

/// body(walk of one image, groups of its lines, interleaved source, target of the image) for blocks of y's lines.
/// Returns the lines that are left: too few for a group, or all where a block does not hold one.
/// Not inlined, so that the block is on the stack only meanwhile, and once.
template <class Lanes, class Body>
__attribute__((noinline)) Segment for_line_groups(const Walk& walk, const Segment& y, const float* source,
                                                  std::size_t source_c, float* target, std::size_t target_c,
                                                  const Body& body) {
  constexpr std::ptrdiff_t kLines = Lanes::kRows;
  const std::ptrdiff_t line = walk.x.source * static_cast<std::ptrdiff_t>(source_c);
  const std::ptrdiff_t reach = (y.taps - 1) * y.from_tap + 1, room = kGroupFloats / kLines / line;
  if (y.count < kLines || y.taps == 0 || room < reach) return y;
  const std::ptrdiff_t groups = y.count / kLines, most = (room - reach) / (kLines * y.from_step) + 1;
  alignas(64) float lines[kGroupFloats];
  Walk image = walk;
  image.batch = 1;
  for (std::ptrdiff_t n = 0; n < walk.batch; ++n) {
    float* const to = target + n * walk.y.target * walk.x.target * static_cast<std::ptrdiff_t>(target_c);
    for (std::ptrdiff_t first = 0, count = 0; first < groups; first += count) {
      count = std::min(most, groups - first);
      Segment block = y;
      block.first += kLines * first * y.step;
      block.step *= kLines;
      block.count = count;
      block.from = 0;
      block.from_step *= kLines;
      const float* from = source + (n * walk.y.source + y.from + kLines * first * y.from_step) * line;
      const bool apart = reach < block.from_step;  // between the groups lie lines that no tap meets
      const std::ptrdiff_t runs = apart ? count : 1, run = apart ? reach : (count - 1) * block.from_step + reach;
      for (std::ptrdiff_t i = 0; i < runs; ++i) {
        const std::ptrdiff_t at = i * block.from_step * line;
        Lanes::interleave(from + at, y.from_step * line, static_cast<std::size_t>(run * line), lines + at * kLines);
      }
      body(image, block, lines, to);
    }
  }
  Segment rest = y;
  rest.first += kLines * groups * y.step;
  rest.from += kLines * groups * y.from_step;
  rest.count -= kLines * groups;
  return rest;
}

}  // namespace
}  // namespace mote::MOTE_KERNELS
