// SPDX-License-Identifier: Apache-2.0
// Operators of the .tflite format that move values about.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>

#include "tool/import/batch_space.hpp"
#include "tool/import/tflite_common.hpp"

namespace mote::tool::foreign {
namespace {

void transpose(Call& call) { call.give(call.make.transpose(call[0], call.wholes(1, "permutation"))); }

void concatenation(Call& call) {
  std::vector<Value> parts;
  for (std::size_t i = 0; i < call.in.size(); ++i) parts.push_back(call[i]);
  call.give(activated(call, call.make.concat(parts, call.node.whole("axis", 0))));
}

void slice(Call& call) {
  const Dims own = call.dims(0), begin = call.wholes(1, "begin");
  Dims size = call.wholes(2, "size");
  if (begin.size() != own.size() || size.size() != own.size()) unsupported("begin or size of another rank");
  for (std::size_t k = 0; k < own.size(); ++k) {
    if (begin[k] < 0 || begin[k] > own[k]) unsupported(fmt::format("it begins at {} of {}", begin[k], own[k]));
    if (size[k] == -1) size[k] = own[k] - begin[k];
    if (size[k] < 0 || size[k] > own[k] - begin[k])
      unsupported(fmt::format("{} elements from {} of {}", size[k], begin[k], own[k]));
  }
  call.give(call.make.slice(call[0], begin, Dims(own.size(), 1), size));
}

/// Python's rule for a start and an end along an axis.
std::int64_t clamped(std::int64_t at, std::int64_t extent, std::int64_t step) {
  if (at < 0) at += extent;
  return step > 0 ? std::clamp<std::int64_t>(at, 0, extent) : std::clamp<std::int64_t>(at, -1, extent - 1);
}

void strided_slice(Call& call) {
  const FileNode& node = call.node;
  const Dims begin = call.wholes(1, "begin"), steps = call.wholes(3, "strides");
  Dims end = call.wholes(2, "end");
  if (begin.size() > 16 || end.size() != begin.size() || steps.size() != begin.size())
    unsupported("begin, end and strides of different lengths");
  const auto bit = [&](const char* mask, std::size_t i) { return ((node.whole(mask, 0) >> i) & 1) != 0; };
  if (node.whole("offset", 0) != 0) {
    for (std::size_t i = 0; i < end.size(); ++i) {
      if (std::abs(end[i] / 2) > Literal::kMostElements || std::abs(begin[i] / 2) > Literal::kMostElements)
        unsupported(fmt::format("it begins at {} and ends {} behind that", begin[i], end[i]));
      end[i] += begin[i];
    }
  }
  const Dims own = call.dims(0);
  std::size_t named = 0;  // entries that take an axis of the input
  for (std::size_t i = 0; i < begin.size(); ++i)
    if (!bit("new_axis_mask", i) && !bit("ellipsis_mask", i)) ++named;
  if (named > own.size()) unsupported("it cuts more axes than there are");
  Dims from(own.size(), 0), step(own.size(), 1), size = own, out;
  std::size_t axis = 0;
  const auto whole_axes = [&](std::size_t count) {
    for (; count > 0; --count) out.push_back(own[axis++]);
  };
  for (std::size_t i = 0; i < begin.size(); ++i) {
    if (bit("ellipsis_mask", i)) {
      whole_axes(own.size() - named);
      named = own.size();
      continue;
    }
    if (bit("new_axis_mask", i)) {
      out.push_back(1);
      continue;
    }
    const std::int64_t extent = own[axis], stride = steps[i];
    if (stride == 0) unsupported("a stride of 0");
    if (bit("shrink_axis_mask", i)) {
      const std::int64_t at = begin[i] < 0 ? begin[i] + extent : begin[i];
      if (at < 0 || at >= extent) unsupported(fmt::format("index {} into an axis of {}", begin[i], extent));
      from[axis] = at, size[axis] = 1;
    } else {
      const std::int64_t first =
          bit("begin_mask", i) ? (stride > 0 ? 0 : extent - 1) : clamped(begin[i], extent, stride);
      const std::int64_t last = bit("end_mask", i) ? (stride > 0 ? extent : -1) : clamped(end[i], extent, stride);
      const std::int64_t length = stride > 0 ? last - first : first - last;
      from[axis] = first, step[axis] = stride;
      size[axis] = length <= 0 ? 0 : (length - 1) / (stride > 0 ? stride : -stride) + 1;
      out.push_back(size[axis]);
    }
    ++axis;
  }
  whole_axes(own.size() - axis);
  call.give(call.make.reshape(call.make.slice(call[0], from, step, size), out));
}

/// Parts of the given extents along an axis.
void give_parts(Call& call, const Value& v, std::size_t axis, const Dims& sizes) {
  Dims begin(call.make.rank(v), 0), dims = call.make.dims(v);
  const Dims step(begin.size(), 1);
  std::int64_t sum = 0;
  for (const std::int64_t size : sizes) sum += size;
  if (sum != dims[axis] || sizes.size() != call.out.size())
    unsupported(fmt::format("an axis of {} in {} parts", dims[axis], sizes.size()));
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    dims[axis] = sizes[i];
    call.out[i] = call.make.slice(v, begin, step, dims);
    begin[axis] += sizes[i];
  }
}

void split(Call& call) {
  const std::size_t axis = Maker::axis_of(call.whole(0, "axis"), call.rank(1));
  const auto parts = static_cast<std::int64_t>(call.out.size());
  if (parts == 0) unsupported("it has no results");
  give_parts(call, call[1], axis, Dims(call.out.size(), call.dims(1)[axis] / parts));
}

void split_v(Call& call) {
  Dims sizes = call.wholes(1, "sizes");
  const std::vector<std::int64_t> at = call.wholes(2, "axis");
  if (at.size() != 1) unsupported(fmt::format("{} axes", at.size()));
  const std::size_t axis = Maker::axis_of(at.front(), call.rank(0));
  std::int64_t rest = call.dims(0)[axis];
  for (const std::int64_t size : sizes) {
    if (size < -1 || size > call.dims(0)[axis]) unsupported(fmt::format("a part of {}", size));
    rest -= size < 0 ? 0 : size;
  }
  for (std::int64_t& size : sizes)
    if (size == -1) size = rest;
  give_parts(call, call[0], axis, sizes);
}

void pack(Call& call) {
  const std::size_t axis = Maker::axis_of(call.node.whole("axis", 0), call.rank(0) + 1);
  std::vector<Value> parts;
  for (std::size_t i = 0; i < call.in.size(); ++i) {
    Dims dims = call.dims(i);
    if (axis > dims.size()) unsupported("it joins values of different rank");
    dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), 1);
    parts.push_back(call.make.reshape(call[i], dims));
  }
  call.give(call.make.concat(parts, static_cast<std::int64_t>(axis)));
}

void unpack(Call& call) {
  const Dims own = call.dims(0);
  const std::size_t axis = Maker::axis_of(call.node.whole("axis", 0), own.size());
  give_parts(call, call[0], axis, Dims(call.out.size(), 1));
  Dims dims = own;
  dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
  for (Value& part : call.out) part = call.make.reshape(part, dims);
}

/// Rows of "before, after" for each axis.
std::pair<Dims, Dims> paddings(Call& call) {
  const std::vector<std::int64_t> pads = call.wholes(1, "padding");
  const std::size_t n = call.rank(0);
  if (pads.size() != 2 * n) unsupported(fmt::format("{} pads of {} axes", pads.size(), n));
  Dims before(n), after(n);
  for (std::size_t k = 0; k < n; ++k) before[k] = pads[2 * k], after[k] = pads[2 * k + 1];
  return {before, after};
}

void pad(Call& call) {
  const auto [before, after] = paddings(call);
  Literal value = Literal::scalar(Type::f32, 0.0);
  if (call.has(2)) {
    const Literal& given = call.make.must_be_constant(call[2], "padding's value");
    const bool quantised = !given.scaling.scales.empty() && is_whole(given.type());
    value = quantised ? dequantized(given) : given;
  }
  call.give(call.make.pad(call[0], before, after, value));
}

void mirror_pad(Call& call) {
  const auto [before, after] = paddings(call);
  call.give(call.make.pad_reflect(call[0], before, after, call.node.whole("mode", 0) == 1 ? 1 : 0));
}

void tile(Call& call) { call.give(call.make.tile(call[0], call.wholes(1, "repeats"))); }
void broadcast_to(Call& call) { call.give(call.make.expand(call[0], call.wholes(1, "shape"))); }

/// Indices of their own for each place along the first axes: those are joined with the axis that is chosen from.
void batched_gather(Call& call, std::int64_t batch) {
  Maker& make = call.make;
  const Dims own = call.dims(0), chosen = call.dims(1);
  const std::size_t axis = Maker::axis_of(call.node.whole("axis", 0), own.size());
  if (batch < 0 || axis != static_cast<std::size_t>(batch) || chosen.size() < axis ||
      !std::equal(own.begin(), own.begin() + batch, chosen.begin()))
    unsupported(fmt::format("{} chosen from {}, each of its own", text_of(chosen), text_of(own)));
  const std::int64_t rows = count_of(Dims(own.begin(), own.begin() + batch));
  Value indices = call[1];
  if (rows > 1) {
    Dims starts(chosen.size(), 1);
    std::copy_n(own.begin(), axis, starts.begin());
    Literal first(make.type(indices), starts);
    for (std::int64_t i = 0; i < rows; ++i) first.set(i, i * own[axis]);
    indices = make.binary("add", indices, make.constant(std::move(first)));
  }
  Dims joined{rows * own[axis]}, out = chosen;
  joined.insert(joined.end(), own.begin() + batch + 1, own.end());
  out.insert(out.end(), own.begin() + batch + 1, own.end());
  const Value flat = make.reshape(indices, {count_of(chosen)});
  call.give(make.reshape(make.gather(make.reshape(call[0], joined), flat, 0), out));
}

void gather(Call& call) {
  const std::int64_t batch = call.node.whole("batch_dims", 0);
  if (batch != 0) return batched_gather(call, batch);
  Value table = call[0];
  if (call.make.constant(table) && !is_real(call.make.type(table)) && !call.make.literal(table).scaling.scales.empty())
    table = call.make.constant(real_weights(call, 0, "table"));
  call.give(call.make.gather(table, call[1], call.node.whole("axis", 0)));
}

/// Constant indices that name whole slices along the first axes, one after the other.
void gather_nd(Call& call) {
  const Literal& indices = call.make.must_be_constant(call[1], "indices");
  const Dims own = call.dims(0);
  if (indices.dims().empty()) unsupported("indices without an axis");
  const std::int64_t depth = indices.dims().back();
  if (depth < 1 || depth > static_cast<std::int64_t>(own.size())) unsupported(fmt::format("indices of {} axes", depth));
  const Dims strides = strides_of(Dims(own.begin(), own.begin() + depth));
  Literal flat(Type::s32, Dims(indices.dims().begin(), indices.dims().end() - 1));
  for (std::int64_t i = 0; i < flat.count(); ++i) {
    std::int64_t at = 0;
    for (std::int64_t k = 0; k < depth; ++k) {
      const std::int64_t index = indices.whole(i * depth + k), extent = own[static_cast<std::size_t>(k)];
      if (index < 0 || index >= extent) unsupported(fmt::format("index {} into an axis of {}", index, extent));
      at += index * strides[static_cast<std::size_t>(k)];
    }
    flat.set(i, at);
  }
  Dims joined{count_of(Dims(own.begin(), own.begin() + depth))};
  joined.insert(joined.end(), own.begin() + depth, own.end());
  Maker& make = call.make;
  call.give(make.gather(make.reshape(call[0], joined), make.constant(std::move(flat)), 0));
}

void reverse(Call& call) {
  const Dims own = call.dims(0);
  Dims begin(own.size(), 0), step(own.size(), 1);
  for (const std::int64_t at : axes_of(call, 1)) {
    const std::size_t axis = Maker::axis_of(at, own.size());
    begin[axis] = own[axis] - 1, step[axis] = -1;
  }
  call.give(call.make.slice(call[0], begin, step, own));
}

void depth_to_space(Call& call) {
  const Dims d = call.dims(0);
  const std::int64_t b = call.node.whole("block_size", 0);
  if (d.size() != 4 || b < 1 || b > 65535 || d[3] % (b * b) != 0)
    unsupported(fmt::format("blocks of {} of {}", b, text_of(d)));
  Maker& make = call.make;
  const Value parts = make.reshape(call[0], {d[0], d[1], d[2], b, b, d[3] / (b * b)});
  call.give(make.reshape(make.transpose(parts, {0, 1, 3, 2, 4, 5}), {d[0], d[1] * b, d[2] * b, d[3] / (b * b)}));
}

void space_to_depth(Call& call) {
  const Dims d = call.dims(0);
  const std::int64_t b = call.node.whole("block_size", 0);
  if (d.size() != 4 || b < 1 || b > 65535 || d[1] % b != 0 || d[2] % b != 0)
    unsupported(fmt::format("blocks of {} of {}", b, text_of(d)));
  Maker& make = call.make;
  const Value parts = make.reshape(call[0], {d[0], d[1] / b, b, d[2] / b, b, d[3]});
  call.give(make.reshape(make.transpose(parts, {0, 1, 3, 2, 4, 5}), {d[0], d[1] / b, d[2] / b, d[3] * b * b}));
}

void space_to_batch_nd(Call& call) {
  call.give(space_to_batch(call.make, call[0], call.wholes(1, "blocks"), call.wholes(2, "padding")));
}
void batch_to_space_nd(Call& call) {
  call.give(batch_to_space(call.make, call[0], call.wholes(1, "blocks"), call.wholes(2, "crops")));
}

constexpr std::array kRows = {
    OperatorRow{"TRANSPOSE", transpose},
    OperatorRow{"CONCATENATION", concatenation},
    OperatorRow{"SLICE", slice},
    OperatorRow{"STRIDED_SLICE", strided_slice},
    OperatorRow{"SPLIT", split},
    OperatorRow{"SPLIT_V", split_v},
    OperatorRow{"PACK", pack},
    OperatorRow{"UNPACK", unpack},
    OperatorRow{"PAD", pad},
    OperatorRow{"PADV2", pad},
    OperatorRow{"MIRROR_PAD", mirror_pad},
    OperatorRow{"TILE", tile},
    OperatorRow{"BROADCAST_TO", broadcast_to},
    OperatorRow{"GATHER", gather},
    OperatorRow{"GATHER_ND", gather_nd},
    OperatorRow{"REVERSE_V2", reverse},
    OperatorRow{"DEPTH_TO_SPACE", depth_to_space},
    OperatorRow{"SPACE_TO_DEPTH", space_to_depth},
    OperatorRow{"SPACE_TO_BATCH_ND", space_to_batch_nd},
    OperatorRow{"BATCH_TO_SPACE_ND", batch_to_space_nd},
};

}  // namespace

std::span<const OperatorRow> tflite_movement() { return kRows; }

}  // namespace mote::tool::foreign
