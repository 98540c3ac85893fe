// SPDX-License-Identifier: Apache-2.0
#include "tool/import/samples.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace mote::tool::foreign {
namespace {

constexpr std::int64_t kNone = -1, kMixed = -2;  // of a value: the same for all samples; or not one by one

/// Follows the axis that the samples are on, or the outermost part of, through a network's steps.
class SampleAxis {
 public:
  SampleAxis(const Network& network, std::int64_t samples) : network_(network), samples_(samples) {
    for (const Step& s : network.steps) axes_.push_back(axis_of(s));
  }
  [[nodiscard]] bool apart() const {
    return std::ranges::all_of(network_.outputs, [&](const End& end) {
      return axes_[static_cast<std::size_t>(end.step)] == 0 && !end.dims.empty() && end.dims.front() == samples_;
    });
  }

 private:
  [[nodiscard]] const Step& step(int i) const { return network_.steps[static_cast<std::size_t>(i)]; }
  [[nodiscard]] std::int64_t axis(int i) const { return axes_[static_cast<std::size_t>(i)]; }

  [[nodiscard]] std::int64_t axis_of(const Step& s) const {
    if (s.op == "input") return !s.dims.empty() && s.dims.front() == samples_ ? 0 : kMixed;
    if (s.op == "constant") return kNone;
    static constexpr std::string_view kKeep[] = {"state", "assign", "result", "lstm",
                                                 "gru",   "rnn",    "svdf",   "space_to_batch"};
    if (s.in.empty() || std::ranges::find(kKeep, s.op) != std::end(kKeep)) return kMixed;
    const std::int64_t first = axis(s.in.front());
    if (std::ranges::any_of(s.in, [&](int i) { return axis(i) == kMixed; })) return kMixed;
    if (std::ranges::all_of(s.in, [&](int i) { return axis(i) == kNone; })) return kNone;
    if (s.op == "gather") return of_gather(s);
    if (s.op == "concat") return of_concat(s);
    if (s.op == "matmul") return of_matmul(s);
    if (s.op == "side_by_side") return first == 1 ? 1 : kMixed;
    if (s.in.size() > 1) return of_repeating(s);
    const auto at = static_cast<std::size_t>(first);
    const bool last = first + 1 == static_cast<std::int64_t>(s.dims.size());
    const auto kept = [&](bool keeps) { return keeps ? first : kMixed; };
    if (s.op == "reshape") return of_reshape(step(s.in.front()).dims, s.dims, first);
    if (s.op == "transpose") return std::ranges::find(s.axes, first) - s.axes.begin();
    if (s.op == "slice")
      return kept(s.dims[at] == step(s.in.front()).dims[at] && s.first[at] == 0 && s.second[at] == 1);
    if (s.op == "pad" || s.op == "pad_reflect") return kept(s.first[at] == 0 && s.second[at] == 0);
    if (s.op == "tile") return kept(s.first[at] == 1);
    if (s.op.starts_with("reduce_") || s.op.ends_with("_norm"))
      return kept(std::ranges::find(s.axes, first) == s.axes.end() && !(s.op == "batch_norm" && last));
    if (s.op == "softmax" || s.op == "log_softmax" || s.op == "argmax" || s.op == "argmin")
      return kept(s.number != first);
    if (s.op == "dense") return kept(!last);
    const bool image = s.op.starts_with("conv2d") || s.op == "depthwise_conv2d" || s.op.ends_with("_pool") ||
                       s.op.starts_with("resize_") || s.op == "lrn";
    if (image) return kept(first == 0);
    return kept(s.dims == step(s.in.front()).dims);
  }

  /// To the axis that begins at the same place, of as many samples.
  [[nodiscard]] std::int64_t of_reshape(const Dims& from, const Dims& to, std::int64_t axis) const {
    std::int64_t before = 1, here = 1;
    for (std::int64_t k = 0; k < axis; ++k) before *= from[static_cast<std::size_t>(k)];
    for (std::size_t k = 0; k < to.size(); here *= to[k++])
      if (here == before && to[k] != 1) return to[k] % samples_ == 0 ? static_cast<std::int64_t>(k) : kMixed;
    return kMixed;
  }
  /// Operands whose last axes are beside each other; what all samples share is there once.
  [[nodiscard]] std::int64_t of_repeating(const Step& s) const {
    std::int64_t out = kNone;
    for (const int i : s.in) {
      if (axis(i) == kNone) continue;
      const auto own = axis(i) + static_cast<std::int64_t>(s.dims.size() - step(i).dims.size());
      if (out != kNone && out != own) return kMixed;
      out = own;
    }
    for (const int i : s.in) {
      const std::int64_t own = out - static_cast<std::int64_t>(s.dims.size() - step(i).dims.size());
      if (axis(i) == kNone && own >= 0 && step(i).dims[static_cast<std::size_t>(own)] != 1) return kMixed;
    }
    return out;
  }
  [[nodiscard]] std::int64_t of_concat(const Step& s) const {
    const std::int64_t first = axis(s.in.front());
    const bool same = std::ranges::all_of(s.in, [&](int i) { return axis(i) == first; });
    return same && s.number != first ? first : kMixed;
  }
  [[nodiscard]] std::int64_t of_gather(const Step& s) const {
    const std::int64_t table = axis(s.in[0]), indices = axis(s.in[1]);
    const auto more = static_cast<std::int64_t>(step(s.in[1]).dims.size()) - 1;
    if (table == kNone) return s.number + indices;
    if (indices != kNone || table == s.number) return kMixed;
    return table < s.number ? table : table + more;
  }
  /// Matrices of their own for each sample, or rows of the first.
  [[nodiscard]] std::int64_t of_matmul(const Step& s) const {
    const auto rows = static_cast<std::int64_t>(s.dims.size()) - 2;
    const std::int64_t a = axis(s.in[0]), b = axis(s.in[1]);
    if (a == b && a < rows) return a;
    return b == kNone && a == rows ? a : kMixed;
  }

  const Network& network_;
  std::int64_t samples_;
  std::vector<std::int64_t> axes_;
};

}  // namespace

bool keeps_samples_apart(const Network& network, std::int64_t samples) { return SampleAxis(network, samples).apart(); }

}  // namespace mote::tool::foreign
