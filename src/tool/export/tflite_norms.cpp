// SPDX-License-Identifier: Apache-2.0
// Norms as .tflite operators: several of those that go element by element.
#include <cmath>

#include "tool/export/tflite_export.hpp"

namespace mote::tool::foreign {
namespace {

constexpr float kL2Epsilon = 1e-6F;  // L2_NORMALIZATION's own

class Norm {
 public:
  Norm(TfliteExport& to, std::size_t i)
      : to_(to), i_(i), lie_(to.lie_of(to.from.operand(i), true)), dims_(to.dims_of(i, lie_)), one_(dims_) {
    one_.back() = 1;
  }
  [[nodiscard]] int x() const { return to_.operand(i_, lie_); }
  [[nodiscard]] Lie lie() const { return lie_; }
  /// Results of the value's shape, and with one channel.
  int wide(const char* op, std::vector<int> in) { return to_.add(i_, op, std::move(in), dims_); }
  int narrow(const char* op, std::vector<int> in) { return to_.add(i_, op, std::move(in), one_); }
  int over_channels(const char* op, int x) {
    const auto last = static_cast<std::int64_t>(dims_.size()) - 1;
    return to_.add(i_, op, {x, to_.wholes({last})}, one_, {{"keep_dims", 1.0}});
  }
  int channels(const char* what, const std::vector<float>& values) {
    return to_.floats(to_.from.name(i_) + "/" + what, {static_cast<std::int64_t>(values.size())}, values);
  }
  int channels(const char* array) { return channels(array, to_.from.array<float>(i_, array)); }
  void last(const char* op, std::vector<int> in) { to_.put_node(i_, lie_, op, std::move(in)); }

 private:
  TfliteExport& to_;
  std::size_t i_;
  Lie lie_;
  Extents64 dims_, one_;
};

/// gamma (x - mean) / sqrt(variance + epsilon) + beta, by channel.
void batch_norm(TfliteExport& to, std::size_t i) {
  Norm norm(to, i);
  const Outgoing& from = to.from;
  std::vector<float> factor = from.array<float>(i, "gamma"), shift = from.array<float>(i, "beta");
  const auto mean = from.array<float>(i, "running_mean"), variance = from.array<float>(i, "running_variance");
  for (std::size_t c = 0; c < factor.size(); ++c) {
    const double by = static_cast<double>(factor[c]) /
                      std::sqrt(static_cast<double>(variance[c]) + static_cast<double>(from.layer(i).alpha));
    factor[c] = static_cast<float>(by);
    shift[c] = static_cast<float>(static_cast<double>(shift[c]) - by * static_cast<double>(mean[c]));
  }
  const int scaled = norm.wide("MUL", {norm.x(), norm.channels("factor", factor)});
  norm.last("ADD", {scaled, norm.channels("shift", shift)});
}

void bias_add(TfliteExport& to, std::size_t i) {
  Norm norm(to, i);
  norm.last("ADD", {norm.x(), norm.channels("bias")});
}

void layer_norm(TfliteExport& to, std::size_t i) {
  Norm norm(to, i);
  const int x = norm.x(), mean = norm.over_channels("MEAN", x);
  const int variance = norm.over_channels("MEAN", norm.wide("SQUARED_DIFFERENCE", {x, mean}));
  const int root = norm.narrow("RSQRT", {norm.narrow("ADD", {variance, to.number(to.from.layer(i).alpha)})});
  const int unit = norm.wide("MUL", {norm.wide("SUB", {x, mean}), root});
  norm.last("ADD", {norm.wide("MUL", {unit, norm.channels("gamma")}), norm.channels("beta")});
}

void rms_norm(TfliteExport& to, std::size_t i) {
  Norm norm(to, i);
  const Layer& l = to.from.layer(i);
  const int x = norm.x(), mean = norm.over_channels("MEAN", norm.wide("SQUARE", {x}));
  const int root = norm.narrow("RSQRT", {norm.narrow("ADD", {mean, to.number(l.alpha)})});
  const int unit = norm.wide("MUL", {x, root});
  if (!l.has_bias()) return norm.last("MUL", {unit, norm.channels("gamma")});
  norm.last("ADD", {norm.wide("MUL", {unit, norm.channels("gamma")}), norm.channels("beta")});
}

void l2_norm(TfliteExport& to, std::size_t i) {
  Norm norm(to, i);
  const float epsilon = to.from.layer(i).alpha;
  if (epsilon == kL2Epsilon) return norm.last("L2_NORMALIZATION", {norm.x()});
  const int length = norm.narrow("SQRT", {norm.over_channels("SUM", norm.wide("SQUARE", {norm.x()}))});
  norm.last("DIV", {norm.x(), norm.narrow("MAXIMUM", {length, to.number(epsilon)})});
}

void lrn(TfliteExport& to, std::size_t i) {
  const Layer& l = to.from.layer(i);
  if (l.args[0] != l.args[1]) to.from.refuse(i, "the operator's sum reaches as far before a channel as behind it");
  to.put_node(i, Lie::nhwc, "LOCAL_RESPONSE_NORMALIZATION", {to.operand(i, Lie::nhwc)},
              {{"radius", static_cast<double>(l.args[0])},
               {"bias", static_cast<double>(lrn_bias(l))},
               {"alpha", static_cast<double>(l.alpha)},
               {"beta", static_cast<double>(l.beta)}});
}

}  // namespace

bool tflite_norm(TfliteExport& to, std::size_t i) {
  switch (to.from.layer(i).op) {
    case Op::batch_norm: return batch_norm(to, i), true;
    case Op::bias_add: return bias_add(to, i), true;
    case Op::layer_norm: return layer_norm(to, i), true;
    case Op::rms_norm: return rms_norm(to, i), true;
    case Op::l2_norm: return l2_norm(to, i), true;
    case Op::lrn: return lrn(to, i), true;
    default: return false;
  }
}

}  // namespace mote::tool::foreign
