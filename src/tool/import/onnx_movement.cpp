// SPDX-License-Identifier: Apache-2.0
// Operators of the .onnx format that move values about.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tool/import/onnx_common.hpp"

namespace mote::tool::foreign {
namespace {

void transpose(Call& call) {
  Dims permutation = call.node.wholes("perm");
  if (permutation.empty())
    for (std::size_t k = call.rank(0); k-- > 0;) permutation.push_back(static_cast<std::int64_t>(k));
  call.give(call.make.transpose(call[0], permutation));
}

void concat(Call& call) {
  std::vector<Value> parts;
  for (std::size_t i = 0; i < call.in.size(); ++i) parts.push_back(call[i]);
  call.give(call.make.concat(parts, call.node.whole("axis", 0)));
}

void split(Call& call) {
  const Dims own = call.dims(0);
  const std::size_t axis = Maker::axis_of(call.node.whole("axis", 0), own.size());
  Dims sizes = wholes_of(call, 1, "split");
  const auto parts = static_cast<std::int64_t>(call.out.size());
  if (sizes.empty() && parts > 0) {
    const std::int64_t each = (own[axis] + parts - 1) / parts;
    for (std::int64_t i = 0; i < parts; ++i) sizes.push_back(std::clamp<std::int64_t>(own[axis] - i * each, 0, each));
  }
  Dims begin(own.size(), 0), dims = own;
  std::int64_t sum = 0;
  for (const std::int64_t size : sizes) sum += size < 0 || size > own[axis] ? own[axis] + 1 : size;
  if (static_cast<std::int64_t>(sizes.size()) != parts || sum != own[axis])
    unsupported(fmt::format("an axis of {} in {} parts", own[axis], sizes.size()));
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    dims[axis] = sizes[i];
    call.out[i] = call.make.slice(call[0], begin, Dims(own.size(), 1), dims);
    begin[axis] += sizes[i];
  }
}

void slice(Call& call) {
  const Dims own = call.dims(0), starts = wholes_of(call, 1, "starts"), ends = wholes_of(call, 2, "ends");
  Dims axes = wholes_of(call, 3, "axes");
  const Dims steps = call.has(4) ? call.wholes(4, "steps") : Dims(starts.size(), 1);
  if (axes.empty())
    for (std::size_t k = 0; k < starts.size(); ++k) axes.push_back(static_cast<std::int64_t>(k));
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    unsupported("starts, ends, axes and steps of different lengths");
  Dims begin(own.size(), 0), step(own.size(), 1), dims = own;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = Maker::axis_of(axes[i], own.size());
    const std::int64_t extent = own[axis], by = steps[i];
    if (by == 0) unsupported("a step of 0");
    const auto inside = [&](std::int64_t at) {
      if (at < 0) at = at < -extent ? -1 : at + extent;
      return by > 0 ? std::clamp<std::int64_t>(at, 0, extent) : std::clamp<std::int64_t>(at, -1, extent - 1);
    };
    const std::int64_t first = inside(starts[i]), last = inside(ends[i]);
    const std::int64_t length = by > 0 ? last - first : first - last;
    begin[axis] = first, step[axis] = by;
    const std::int64_t stride = by > 0 ? by : -std::max<std::int64_t>(by, -extent - 1);
    dims[axis] = length <= 0 ? 0 : (length - 1) / stride + 1;
    if (dims[axis] <= 1) step[axis] = 1;
  }
  call.give(call.make.slice(call[0], begin, step, dims));
}

void gather(Call& call) { call.give(call.make.gather(call[0], call[1], call.node.whole("axis", 0))); }

void pad(Call& call) {
  Maker& make = call.make;
  const std::size_t n = call.rank(0);
  const Dims pads = wholes_of(call, 1, "pads");
  Dims before(n, 0), after(n, 0);
  if (call.has(3)) {
    const Dims axes = call.wholes(3, "axes");
    if (pads.size() != 2 * axes.size()) unsupported(fmt::format("{} pads of {} axes", pads.size(), axes.size()));
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const std::size_t axis = Maker::axis_of(axes[i], n);
      before[axis] = pads[i], after[axis] = pads[i + axes.size()];
    }
  } else {
    if (pads.size() != 2 * n) unsupported(fmt::format("{} pads of {} axes", pads.size(), n));
    std::copy_n(pads.begin(), n, before.begin());
    std::copy_n(pads.begin() + static_cast<std::ptrdiff_t>(n), n, after.begin());
  }
  const std::string mode = call.node.text("mode", "constant");
  if (mode == "reflect") return call.give(make.pad_reflect(call[0], before, after, 0));
  if (mode == "edge") return call.give(make.pad_reflect(call[0], before, after, 2));
  if (mode != "constant") unsupported(fmt::format("padding of the mode {}", tame(mode)));
  Literal value = Literal::scalar(Type::f32, static_cast<double>(call.node.real("value", 0.0F)));
  if (call.has(2)) value = make.must_be_constant(call[2], "padding's value");
  call.give(make.pad(call[0], before, after, value));
}

void tile(Call& call) { call.give(call.make.tile(call[0], call.wholes(1, "repeats"))); }
void expand(Call& call) { call.give(call.make.expand(call[0], call.wholes(1, "shape"))); }

void depth_to_space(Call& call) {
  Maker& make = call.make;
  const Dims d = call.dims(0);
  const std::int64_t b = call.node.whole("blocksize", 0);
  if (d.size() != 4 || b < 1 || b > 65535 || d[1] % (b * b) != 0)
    unsupported(fmt::format("blocks of {} of {}", b, text_of(d)));
  const std::int64_t c = d[1] / (b * b);
  const bool columns = call.node.text("mode", "DCR") == "CRD";
  const Value parts =
      make.reshape(call[0], columns ? Dims{d[0], c, b, b, d[2], d[3]} : Dims{d[0], b, b, c, d[2], d[3]});
  const Value moved = make.transpose(parts, columns ? Dims{0, 1, 4, 2, 5, 3} : Dims{0, 3, 4, 1, 5, 2});
  call.give(make.reshape(moved, {d[0], c, d[2] * b, d[3] * b}));
}

void space_to_depth(Call& call) {
  Maker& make = call.make;
  const Dims d = call.dims(0);
  const std::int64_t b = call.node.whole("blocksize", 0);
  if (d.size() != 4 || b < 1 || b > 65535 || d[2] % b != 0 || d[3] % b != 0)
    unsupported(fmt::format("blocks of {} of {}", b, text_of(d)));
  const Value parts = make.reshape(call[0], {d[0], d[1], d[2] / b, b, d[3] / b, b});
  const Dims order = call.node.text("mode", "DCR") == "CRD" ? Dims{0, 1, 3, 5, 2, 4} : Dims{0, 3, 5, 1, 2, 4};
  call.give(make.reshape(make.transpose(parts, order), {d[0], d[1] * b * b, d[2] / b, d[3] / b}));
}

/// All of one sequence is turned about: with lengths that are the whole axis.
void reverse_sequence(Call& call) {
  const Dims own = call.dims(0);
  const std::size_t axis = Maker::axis_of(call.node.whole("time_axis", 0), own.size());
  for (const std::int64_t length : call.wholes(1, "lengths"))
    if (length != own[axis]) unsupported("a part of a sequence is turned about");
  Dims begin(own.size(), 0), step(own.size(), 1);
  begin[axis] = own[axis] - 1, step[axis] = -1;
  call.give(call.make.slice(call[0], begin, step, own));
}

void trilu(Call& call) {
  Maker& make = call.make;
  const Dims own = call.dims(0);
  if (own.size() < 2) unsupported("a tensor without two axes");
  const std::int64_t k = call.has(1) ? call.whole(1, "diagonal") : 0;
  if (k < -Literal::kMostElements || k > Literal::kMostElements) unsupported(fmt::format("a diagonal of {}", k));
  const bool upper = call.node.whole("upper", 1) != 0;
  make.spend(own[own.size() - 2] * own.back());
  Literal mask(make.type(call[0]), {own[own.size() - 2], own.back()});
  for (std::int64_t i = 0; i < mask.count(); ++i) {
    const std::int64_t over = i % own.back() - i / own.back() - k;
    mask.set(i, std::int64_t{upper ? over >= 0 : over <= 0});
  }
  call.give(make.binary("mul", call[0], make.constant(std::move(mask))));
}

/// Rows of the first value, some of which are replaced: rows chosen from both, by constant indices.
void scatter_nd(Call& call) {
  Maker& make = call.make;
  if (call.node.text("reduction", "none") != "none") unsupported("it adds to what it replaces");
  const Literal& indices = make.must_be_constant(call[1], "indices");
  const Dims own = call.dims(0);
  if (indices.dims().empty()) unsupported("indices without an axis");
  const std::int64_t depth = indices.dims().back();
  if (depth < 1 || depth > static_cast<std::int64_t>(own.size())) unsupported(fmt::format("indices of {} axes", depth));
  const Dims front(own.begin(), own.begin() + depth), strides = strides_of(front);
  Dims rows{count_of(front)}, updates{depth == 0 ? 0 : indices.count() / depth};
  rows.insert(rows.end(), own.begin() + depth, own.end());
  updates.insert(updates.end(), own.begin() + depth, own.end());
  make.spend(rows[0]);
  Literal chosen(Type::s32, {rows[0]});
  for (std::int64_t i = 0; i < rows[0]; ++i) chosen.set(i, i);
  for (std::int64_t i = 0; i < updates[0]; ++i) {
    std::int64_t at = 0;
    for (std::int64_t k = 0; k < depth; ++k) {
      std::int64_t index = indices.whole(i * depth + k);
      const std::int64_t extent = front[static_cast<std::size_t>(k)];
      if (index < 0) index += extent;
      if (index < 0 || index >= extent) unsupported(fmt::format("index {} into an axis of {}", index, extent));
      at += index * strides[static_cast<std::size_t>(k)];
    }
    chosen.set(at, rows[0] + i);
  }
  const Value both = make.concat({make.reshape(call[0], rows), make.reshape(call[2], updates)}, 0);
  // Rows that follow each other are parts of either.
  std::vector<Value> parts;
  Dims begin(rows.size(), 0), part = rows;
  for (std::int64_t i = 0; i < rows[0];) {
    std::int64_t end = i + 1;
    while (end < rows[0] && chosen.whole(end) == chosen.whole(end - 1) + 1 && chosen.whole(end) != rows[0]) ++end;
    begin[0] = chosen.whole(i), part[0] = end - i;
    parts.push_back(make.slice(both, begin, Dims(rows.size(), 1), part));
    i = end;
    if (parts.size() > 64) return call.give(make.reshape(make.gather(both, make.constant(std::move(chosen)), 0), own));
  }
  call.give(make.reshape(make.concat(parts, 0), own));
}

constexpr std::array kRows = {
    OperatorRow{"Transpose", transpose},
    OperatorRow{"Concat", concat},
    OperatorRow{"Split", split},
    OperatorRow{"Slice", slice},
    OperatorRow{"Gather", gather},
    OperatorRow{"Pad", pad},
    OperatorRow{"Tile", tile},
    OperatorRow{"Expand", expand},
    OperatorRow{"DepthToSpace", depth_to_space},
    OperatorRow{"SpaceToDepth", space_to_depth},
    OperatorRow{"ReverseSequence", reverse_sequence},
    OperatorRow{"Trilu", trilu},
    OperatorRow{"ScatterND", scatter_nd},
};

}  // namespace

std::span<const OperatorRow> onnx_movement() { return kRows; }

}  // namespace mote::tool::foreign
