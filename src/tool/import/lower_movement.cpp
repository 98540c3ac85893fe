// SPDX-License-Identifier: Apache-2.0
// Records that move values about.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "mote/model/quantize_multiplier.hpp"
#include "mote/model/shape_rule.hpp"
#include "tool/import/lower.hpp"

namespace mote::tool::foreign {
namespace {

std::int64_t all_of(const Dims& dims, std::size_t from, std::size_t to) {
  std::int64_t out = 1;
  for (std::size_t k = from; k < to; ++k) out *= dims[k];
  return out;
}

void set_args(Layer& layer, std::initializer_list<std::int64_t> values) {
  std::size_t i = 0;
  for (const std::int64_t v : values) layer.args[i++] = static_cast<std::int32_t>(v);
}

std::uint16_t pad_of(std::int64_t v) {
  if (v < 0 || v > 65535) unsupported(fmt::format("padding of {}", v));
  return static_cast<std::uint16_t>(v);
}

}  // namespace

Lowering::Index Lowering::reshape(const Step& s) {
  Dims own = s.dims;
  while (own.size() > 3) {
    own[1] *= own[0];
    own.erase(own.begin());
  }
  return value(s, 0, shape_of(own));
}

Lowering::Index Lowering::spread(const Step& s) { return value(s, 1); }

/// Axes that stay beside each other become one; up to four are one record, more are moved one block after the other.
Lowering::Index Lowering::transposed(Index value, Dims dims, Dims order) {
  // Extents of 1 are nowhere.
  Dims some, places(dims.size(), -1), kept;
  for (std::size_t k = 0; k < dims.size(); ++k)
    if (dims[k] != 1) places[k] = static_cast<std::int64_t>(some.size()), some.push_back(dims[k]);
  for (const std::int64_t axis : order)
    if (places[static_cast<std::size_t>(axis)] >= 0) kept.push_back(places[static_cast<std::size_t>(axis)]);
  // Runs of the result that are runs of the value.
  std::vector<std::pair<std::int64_t, std::int64_t>> runs;  // first axis of the value, extent
  for (std::size_t k = 0; k < kept.size(); ++k) {
    const std::int64_t extent = some[static_cast<std::size_t>(kept[k])];
    if (k > 0 && kept[k] == kept[k - 1] + 1)
      runs.back().second *= extent;
    else
      runs.emplace_back(kept[k], extent);
  }
  if (runs.size() <= 1) return value;
  Dims from(runs.size()), permutation(runs.size());
  std::vector<std::size_t> by_place(runs.size());
  std::iota(by_place.begin(), by_place.end(), std::size_t{0});
  std::ranges::sort(by_place, {}, [&](std::size_t i) { return runs[i].first; });
  for (std::size_t i = 0; i < runs.size(); ++i) {
    from[i] = runs[by_place[i]].second;
    permutation[by_place[i]] = static_cast<std::int64_t>(i);
  }
  Layer made;
  made.op = operator_named("transpose");
  made.dtype = records_.layer(value).dtype;
  made.quantization = records_.layer(value).quantization;
  const std::size_t n = from.size();
  if (n <= 4) {
    Dims wide(4 - n, 1), to;
    wide.insert(wide.end(), from.begin(), from.end());
    std::int64_t packed = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::int64_t axis =
          i < 4 - n ? static_cast<std::int64_t>(i) : permutation[i - (4 - n)] + static_cast<std::int64_t>(4 - n);
      packed |= axis << (2 * i);
      to.push_back(wide[static_cast<std::size_t>(axis)]);
    }
    set_args(made, {wide[0], wide[1], wide[2], wide[3], packed});
    made.shape = shape_of({to[0] * to[1], to[2], to[3]});
    return records_.add(made, {value});
  }
  // The first axis of the result that is not where it belongs goes there; then the rest.
  std::size_t to = 0;
  while (permutation[to] == static_cast<std::int64_t>(to)) ++to;
  const auto axis = static_cast<std::size_t>(permutation[to]);
  const std::int64_t front = all_of(from, 0, to), between = all_of(from, to, axis), behind = all_of(from, axis + 1, n);
  set_args(made, {front, between, from[axis], behind, 0 | (2 << 2) | (1 << 4) | (3 << 6)});
  made.shape = shape_of({front * from[axis], between, behind});
  const Index moved = records_.add(made, {value});
  Dims left = from, rest = permutation;
  left.erase(left.begin() + static_cast<std::ptrdiff_t>(axis));
  left.insert(left.begin() + static_cast<std::ptrdiff_t>(to), from[axis]);
  for (std::size_t i = to; i < n; ++i)
    rest[i] = permutation[i] == permutation[to]  ? static_cast<std::int64_t>(to)
              : permutation[i] < permutation[to] ? permutation[i] + 1
                                                 : permutation[i];
  return transposed(moved, left, rest);
}

Lowering::Index Lowering::transpose(const Step& s) { return transposed(value(s), in(s).dims, s.axes); }

/// One record for each axis that is cut, on (before, axis, behind); one for all where they are three.
Lowering::Index Lowering::slice(const Step& s) {
  const Dims& from = in(s).dims;
  const auto cut = [&](std::size_t k) {
    return s.dims[k] != from[k] || s.first[k] != 0 || (s.second[k] != 1 && from[k] != 1);
  };
  Index out = value(s);
  Layer made = layer(s, "slice", records_.layer(out).dtype);
  const auto groups = grouped(from, [&](std::size_t k) { return cut(k) ? static_cast<int>(k) + 1 : 0; });
  if (groups.size() <= 3) {
    Dims extents, to, begin(3 - groups.size(), 0), step(3 - groups.size(), 1);
    for (const auto& group : groups) {
      const bool whole = !cut(group.front());
      extents.push_back(product(from, group)), to.push_back(product(s.dims, group));
      begin.push_back(whole ? 0 : s.first[group.front()]), step.push_back(whole ? 1 : s.second[group.front()]);
    }
    set_args(made, {begin[0], begin[1], begin[2], step[0], step[1], step[2]});
    made.shape = shape_of(to);
    return records_.add(made, {records_.shaped(out, shape_of(extents))});
  }
  Dims now = from;
  for (std::size_t k = from.size(); k-- > 0;) {
    if (!cut(k)) continue;
    const std::int64_t before = all_of(now, 0, k), behind = all_of(now, k + 1, now.size());
    out = records_.shaped(out, shape_of({before, now[k], behind}));
    set_args(made, {0, s.first[k], 0, 1, s.second[k], 1});
    made.shape = shape_of({before, s.dims[k], behind});
    out = records_.add(made, {out});
    now[k] = s.dims[k];
  }
  return out;
}

/// One record for three axes that grow, else one for each. The rules beside `alpha` go axis by axis, too.
Lowering::Index Lowering::pad(const Step& s) {
  Dims now = in(s).dims;
  const auto pads = [&](std::size_t k) { return s.first[k] != 0 || s.second[k] != 0; };
  Index out = value(s);
  Layer made = layer(s, "pad", records_.layer(out).dtype);
  made.alpha = s.op == "pad" ? s.alpha : 0.0F;
  if (s.op == "pad" && quantized(made.dtype))
    made.alpha = static_cast<float>(quantize_value(s.alpha, made.quantization, range_of(made.dtype)));
  const auto rule = static_cast<std::int32_t>(s.op == "pad"   ? PadRule::constant
                                              : s.number == 0 ? PadRule::reflect
                                              : s.number == 1 ? PadRule::symmetric
                                                              : PadRule::edge);
  const auto groups = grouped(s.dims, [&](std::size_t k) { return pads(k) ? static_cast<int>(k) + 1 : 0; });
  if (groups.size() <= 3) {
    Dims extents, before(3 - groups.size(), 0), after(3 - groups.size(), 0);
    for (const auto& group : groups) {
      extents.push_back(product(now, group));
      before.push_back(pads(group.front()) ? s.first[group.front()] : 0);
      after.push_back(pads(group.front()) ? s.second[group.front()] : 0);
    }
    made.pad_top = pad_of(before[0]), made.pad_bottom = pad_of(after[0]);
    made.pad_left = pad_of(before[1]), made.pad_right = pad_of(after[1]);
    set_args(made, {before[2], after[2], rule});
    return records_.add(made, {records_.shaped(out, shape_of(extents))});
  }
  for (std::size_t k = now.size(); k-- > 0;) {
    if (!pads(k)) continue;
    out = records_.shaped(out, shape_of({all_of(now, 0, k), now[k], all_of(now, k + 1, now.size())}));
    made.pad_left = pad_of(s.first[k]), made.pad_right = pad_of(s.second[k]);
    set_args(made, {0, 0, rule});
    out = records_.add(made, {out});
    now[k] = s.dims[k];
  }
  return out;
}

Lowering::Index Lowering::tiled(Index out, const Dims& from, const Dims& times) {
  Layer made;
  made.dtype = records_.layer(out).dtype;
  made.quantization = records_.layer(out).quantization;
  Dims now = from;
  for (std::size_t k = now.size(); k-- > 0;) {
    if (times[k] == 1) continue;
    made.op = operator_named("tile");
    const std::int64_t before = all_of(now, 0, k), behind = all_of(now, k + 1, now.size());
    made.shape = shape_of({before, now[k] * times[k], behind});
    out = records_.add(made, {records_.shaped(out, shape_of({before, now[k], behind}))});
    now[k] *= times[k];
  }
  return out;
}

Lowering::Index Lowering::tile(const Step& s) { return tiled(value(s), in(s).dims, s.first); }

/// Along any axis: rows of what lies behind it are the channels.
Lowering::Index Lowering::concat(const Step& s) {
  const auto axis = static_cast<std::size_t>(s.number);
  const std::int64_t rows = all_of(s.dims, 0, axis), behind = all_of(s.dims, axis + 1, s.dims.size());
  DType type = own_type(in(s));
  for (std::size_t i = 1; i < s.in.size(); ++i)
    if (own_type(in(s, i)) != type) type = DType::f32;
  std::vector<Index> parts;
  for (std::size_t i = 0; i < s.in.size(); ++i) {
    const Shape shape = shape_of({rows, in(s, i).dims[axis] * behind});
    parts.push_back(quantized(type) ? in_units_of(s, s.in[i], &shape) : of_step(s.in[i], type, &shape));
  }
  const Layer made = layer(s, "concat", type);
  while (parts.size() > kMaxOperands) {
    std::vector<Index> joined;
    for (std::size_t i = 0; i < parts.size(); i += kMaxOperands) {
      const std::size_t count = std::min(kMaxOperands, parts.size() - i);
      const std::span<const Index> some(parts.data() + i, count);
      joined.push_back(count == 1 ? some.front() : records_.add(made, some));
    }
    parts = std::move(joined);
  }
  return records_.add(made, parts);
}

Lowering::Index Lowering::gather(const Step& s) {
  const auto axis = static_cast<std::size_t>(s.number);
  const Dims& from = in(s).dims;
  const Index table = value(s, 0, shape_of({all_of(from, 0, axis), from[axis], all_of(from, axis + 1, from.size())}));
  Layer made = layer(s, "gather", records_.layer(table).dtype);
  set_args(made, {1});
  const Shape indices = shape_of({count_of(in(s, 1).dims)});
  return records_.add(made, {table, of_step(s.in[1], DType::s32, &indices)});
}

}  // namespace mote::tool::foreign
