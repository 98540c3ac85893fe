// SPDX-License-Identifier: Apache-2.0
// Steps that move values about: they are put off, joined or computed where that can be.
#include <fmt/format.h>

#include <algorithm>

#include "tool/import/network.hpp"

namespace mote::tool::foreign {
namespace {

/// Of an attribute that is given by the axes of the file, what belongs to each axis as it lies.
Dims as_it_lies(const Dims& logical, const Dims& order) {
  if (order.empty()) return logical;
  Dims out(logical.size());
  for (std::size_t i = 0; i < logical.size(); ++i) out[static_cast<std::size_t>(order[i])] = logical[i];
  return out;
}

Dims without_ones(const Dims& dims) {
  Dims out;
  for (const std::int64_t dim : dims)
    if (dim != 1) out.push_back(dim);
  return out;
}

bool all(const Dims& values, std::int64_t value) {
  return std::ranges::all_of(values, [value](std::int64_t v) { return v == value; });
}

}  // namespace

Value Maker::transpose(const Value& v, const Dims& permutation) {
  const std::size_t n = rank(v);
  std::vector<bool> seen(n);
  for (const std::int64_t axis : permutation)
    if (axis >= 0 && axis < static_cast<std::int64_t>(n)) seen[static_cast<std::size_t>(axis)] = true;
  if (permutation.size() != n || std::ranges::count(seen, false) != 0)
    unsupported(fmt::format("its permutation is none of {} axes", n));
  if (constant(v)) {
    spend(literal(v).count());
    return constant(transposed(literal(v), permutation));
  }
  Dims order(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto axis = static_cast<std::size_t>(permutation[i]);
    order[i] = v.order.empty() ? permutation[i] : v.order[axis];
  }
  return {v.step, order};
}

Value Maker::reshape(const Value& v, Dims dims) {
  const Dims own = this->dims(v);
  if (own == dims) return v;
  if (constant(v)) return constant(literal(v).reshaped(std::move(dims)));
  if (count_of(own) != count_of(dims))
    unsupported(fmt::format("{} cannot take the shape {}", text_of(own), text_of(dims)));
  Step made;
  made.op = "reshape";
  made.type = type(v);
  made.scaling = step(v).scaling;
  if (v.order.empty() || without_ones(own) != without_ones(dims) || count_of(dims) == 0) {
    made.in = {laid_out(v)};
    made.dims = std::move(dims);
    // Of several in a row the last one counts.
    if (const Step& before = network.steps[static_cast<std::size_t>(made.in.front())]; before.op == "reshape")
      made.in = {before.in.front()};
    return add(std::move(made));
  }
  // Only extents of 1 come and go: what was put off stays put off. They lie in front.
  std::vector<std::pair<std::int64_t, std::size_t>> places;  // where the others lie, and which axis each becomes
  std::size_t from = 0;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 1) continue;
    while (own[from] == 1) ++from;
    places.emplace_back(v.order[from++], i);
  }
  std::ranges::sort(places);
  Dims order(dims.size());
  std::int64_t at = 0;
  for (std::size_t i = 0; i < dims.size(); ++i)
    if (dims[i] == 1) order[i] = at++, made.dims.push_back(1);
  for (const auto& [place, axis] : places) order[axis] = at++, made.dims.push_back(dims[axis]);
  made.in = {v.step};
  return {add(std::move(made)).step, order};
}

Value Maker::slice(const Value& v, const Dims& begin, const Dims& step, const Dims& dims) {
  if (dims == this->dims(v) && all(begin, 0) && all(step, 1)) return v;
  if (constant(v)) {
    spend(count_of(dims));
    return constant(sliced(literal(v), begin, step, dims));
  }
  Step made;
  made.op = "slice";
  made.type = type(v);
  made.scaling = this->step(v).scaling;
  made.dims = as_it_lies(dims, v.order);
  made.first = as_it_lies(begin, v.order);
  made.second = as_it_lies(step, v.order);
  made.in = {v.step};
  return {add(std::move(made)).step, v.order};
}

Value Maker::pad(const Value& v, const Dims& before, const Dims& after, const Literal& value) {
  Dims dims = this->dims(v);
  bool cuts = false;
  if (before.size() != dims.size() || after.size() != dims.size())
    unsupported(fmt::format("{} pads of {} axes", before.size(), dims.size()));
  for (std::size_t k = 0; k < dims.size(); ++k) {
    for (const std::int64_t count : {before[k], after[k]})
      if (count < -Literal::kMostElements || count > Literal::kMostElements)
        unsupported(fmt::format("a padding of {}", count));
    dims[k] += before[k] + after[k];
    cuts = cuts || before[k] < 0 || after[k] < 0;
  }
  if (cuts) {  // negative padding takes away
    Dims begin(dims.size()), step(dims.size(), 1), inside = this->dims(v), front = before, back = after;
    for (std::size_t k = 0; k < dims.size(); ++k) {
      begin[k] = std::max<std::int64_t>(0, -before[k]);
      inside[k] -= begin[k] + std::max<std::int64_t>(0, -after[k]);
      if (inside[k] <= 0) unsupported("its padding takes everything away");
      front[k] = std::max<std::int64_t>(0, before[k]), back[k] = std::max<std::int64_t>(0, after[k]);
    }
    return pad(slice(v, begin, step, inside), front, back, value);
  }
  if (all(before, 0) && all(after, 0)) return v;
  if (constant(v)) {
    spend(count_of(dims));
    return constant(padded(literal(v), before, after, value));
  }
  Step made;
  made.op = "pad";
  made.type = type(v);
  made.scaling = step(v).scaling;
  made.dims = as_it_lies(dims, v.order);
  made.first = as_it_lies(before, v.order);
  made.second = as_it_lies(after, v.order);
  made.alpha = static_cast<float>(value.real(0));
  if (is_whole(value.type()) && value.whole(0) != static_cast<std::int64_t>(made.alpha))
    unsupported(fmt::format("padding of {}, which is no float32", value.whole(0)));
  made.in = {v.step};
  return {add(std::move(made)).step, v.order};
}

Value Maker::pad_reflect(const Value& v, const Dims& before, const Dims& after, int rule) {
  Dims dims = this->dims(v);
  if (before.size() != dims.size() || after.size() != dims.size())
    unsupported(fmt::format("{} pads of {} axes", before.size(), dims.size()));
  for (std::size_t k = 0; k < dims.size(); ++k) {
    const std::int64_t most = rule == 0 ? dims[k] - 1 : rule == 1 ? dims[k] : 65535;
    if (before[k] < 0 || after[k] < 0 || before[k] > most || after[k] > most)
      unsupported(fmt::format("{} and {} are reflected of an axis of {}", before[k], after[k], dims[k]));
    dims[k] += before[k] + after[k];
  }
  if (all(before, 0) && all(after, 0)) return v;
  Step made;
  made.op = "pad_reflect";
  made.type = type(v);
  made.scaling = step(v).scaling;
  made.dims = as_it_lies(dims, v.order);
  made.first = as_it_lies(before, v.order);
  made.second = as_it_lies(after, v.order);
  made.number = rule;
  made.in = {v.step};
  return {add(std::move(made)).step, v.order};
}

Value Maker::expand(const Value& v, const Dims& dims) {
  const Dims own = this->dims(v);
  const Dims to = broadcast(own, dims);
  if (to == own) return v;
  if (constant(v)) {
    spend(count_of(to));
    return constant(broadcast_to(literal(v), to));
  }
  Dims wide(to.size() - own.size(), 1), times = to;
  wide.insert(wide.end(), own.begin(), own.end());
  for (std::size_t k = 0; k < to.size(); ++k) times[k] = to[k] == wide[k] ? 1 : to[k];
  return tile(reshape(v, wide), times);
}

Value Maker::tile(const Value& v, const Dims& times) {
  Dims dims = this->dims(v);
  if (times.size() != dims.size()) unsupported(fmt::format("{} repeats of {} axes", times.size(), dims.size()));
  for (std::size_t k = 0; k < dims.size(); ++k) {
    if (times[k] < 0 || times[k] > Literal::kMostElements) unsupported(fmt::format("{} repeats of an axis", times[k]));
    dims[k] = count_of({dims[k], times[k]});
  }
  if (all(times, 1)) return v;
  if (constant(v)) {
    spend(count_of(dims));
    Literal out = literal(v);
    for (std::size_t k = 0; k < dims.size(); ++k)
      if (times[k] != 1) out = joined(std::vector<Literal>(static_cast<std::size_t>(times[k]), out), k);
    return constant(std::move(out));
  }
  Step made;
  made.op = "tile";
  made.type = type(v);
  made.scaling = step(v).scaling;
  made.dims = as_it_lies(dims, v.order);
  made.first = as_it_lies(times, v.order);
  made.in = {v.step};
  return {add(std::move(made)).step, v.order};
}

Value Maker::concat(const std::vector<Value>& parts, std::int64_t axis) {
  if (parts.empty()) unsupported("it joins nothing");
  const std::size_t n = rank(parts.front());
  if (n == 0) unsupported("it joins scalars");
  const std::size_t at = axis_of(axis, n);
  Dims joint = dims(parts.front());
  std::int64_t extent = 0;
  std::vector<Value> some;
  for (const Value& part : parts) {
    Dims own = dims(part);
    if (own.size() != n) unsupported(fmt::format("it joins {} and {}", text_of(joint), text_of(own)));
    extent += own[at];
    if (own[at] != 0 || count_of(joint) == 0) some.push_back(part);
    own[at] = joint[at];
    if (own != joint) unsupported(fmt::format("it joins {} and {}", text_of(joint), text_of(dims(part))));
  }
  if (some.size() == 1) return some.front();
  if (std::ranges::all_of(some, [this](const Value& part) { return constant(part); })) {
    std::vector<Literal> values;
    for (const Value& part : some) values.push_back(foreign::cast(literal(part), type(some.front())));
    joint[at] = extent;
    spend(count_of(joint));
    return constant(joined(values, at));
  }
  const Dims order = order_of_most(some);
  Step made;
  made.op = "concat";
  made.type = type(some.front());
  made.scaling = step(some.front()).scaling;
  made.number = order.empty() ? static_cast<std::int64_t>(at) : order[at];
  for (const Value& part : some) made.in.push_back(ordered(part, order));
  made.dims = network.steps[static_cast<std::size_t>(made.in.front())].dims;
  made.dims[static_cast<std::size_t>(made.number)] = extent;
  return {add(std::move(made)).step, order};
}

Value Maker::gather(const Value& v, const Value& indices, std::int64_t axis) {
  const std::size_t at = axis_of(axis, rank(v));
  if (constant(v) && constant(indices)) {
    spend(literal(v).count() + literal(indices).count());
    return constant(gathered(literal(v), literal(indices), at));
  }
  const Dims own = dims(v), chosen = dims(indices);
  if (constant(indices) && literal(indices).count() == 1) {  // one of them: a slice
    std::int64_t index = literal(indices).whole(0);
    if (index < 0) index += own[at];
    if (index < 0 || index >= own[at]) unsupported(fmt::format("index {} into an axis of {}", index, own[at]));
    Dims begin(own.size(), 0), step(own.size(), 1), one = own;
    begin[at] = index, one[at] = 1;
    const Value part = slice(v, begin, step, one);
    one.erase(one.begin() + static_cast<std::ptrdiff_t>(at));
    one.insert(one.begin() + static_cast<std::ptrdiff_t>(at), chosen.begin(), chosen.end());
    return reshape(part, one);
  }
  Step made;
  made.op = "gather";
  made.type = type(v);
  made.scaling = step(v).scaling;
  made.dims = Dims(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(at));
  made.dims.insert(made.dims.end(), chosen.begin(), chosen.end());
  made.dims.insert(made.dims.end(), own.begin() + static_cast<std::ptrdiff_t>(at) + 1, own.end());
  made.number = static_cast<std::int64_t>(at);
  made.in = {laid_out(v), laid_out(indices)};
  return add(std::move(made));
}

}  // namespace mote::tool::foreign
