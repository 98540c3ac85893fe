// SPDX-License-Identifier: Apache-2.0
// Gathering values in bins, and the search for ranges.
#include "mote/quantize/histogram.hpp"

#include <algorithm>
#include <bit>

namespace mote {
namespace {

constexpr double kSteps = 255.0;
constexpr float kMost = 1e30F;  // so that no span overflows

/// Natural logarithm of a normal positive number, to about 2^-50 of it.
double logarithm(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const auto exponent = static_cast<std::int32_t>(bits >> 52) - 1023;
  const double mantissa = std::bit_cast<double>((bits & ((std::uint64_t{1} << 52) - 1)) | (std::uint64_t{1023} << 52));
  const double t = (mantissa - 1.0) / (mantissa + 1.0), t2 = t * t;  // |t| <= 1/3
  double sum = 0.0;
  for (int k = 33; k > 0; k -= 2) sum = sum * t2 + 1.0 / k;
  return 2.0 * t * sum + 0.6931471805599453 * exponent;
}

}  // namespace

void Histogram::begin(std::span<std::uint32_t> bins) {
  *this = {};
  bins_ = bins;
  std::fill(bins_.begin(), bins_.end(), 0U);
}

std::size_t Histogram::add(const float* values, std::size_t count) {
  float least = __builtin_inff(), most = -__builtin_inff();
  std::size_t zeros = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float v = values[i];
    if (!(v < kMost && v > -kMost)) return i;
    if (v == 0.0F) {
      ++zeros;
      continue;
    }
    least = std::min(least, v), most = std::max(most, v);
  }
  count_ += count, zeros_ += zeros;
  if (zeros == count) return count;
  seen_ = {std::min(seen_.low, least), std::max(seen_.high, most)};
  if (bins_.empty()) return count;
  const auto bins = static_cast<float>(bins_.size());
  if (width_ == 0.0F) {
    const float size = std::max(most < 0.0F ? -most : most, least < 0.0F ? -least : least);
    low_ = least;
    width_ = std::max((most - least) / bins, std::max(size * 0x1p-20F, 0x1p-120F));
  }
  while (least < low_) widen_down();
  while (most >= low_ + bins * width_) widen_up();
  const float inverse = 1.0F / width_;
  const std::size_t last = bins_.size() - 1;
  for (std::size_t i = 0; i < count; ++i) {
    if (values[i] == 0.0F) continue;
    const auto bin = static_cast<std::size_t>(static_cast<std::uint32_t>((values[i] - low_) * inverse));
    std::uint32_t& one = bins_[std::min(bin, last)];
    one += one != 0xFFFF'FFFFU ? 1 : 0;
  }
  return count;
}

void Histogram::widen_up() {
  const std::size_t half = bins_.size() / 2;
  for (std::size_t i = 0; i < half; ++i) bins_[i] = bins_[2 * i] + bins_[2 * i + 1];
  std::fill(bins_.begin() + static_cast<std::ptrdiff_t>(half), bins_.end(), 0U);
  width_ *= 2.0F;
}

void Histogram::widen_down() {
  const std::size_t half = bins_.size() / 2;
  for (std::size_t i = bins_.size(); i-- > half;) bins_[i] = bins_[2 * (i - half)] + bins_[2 * (i - half) + 1];
  std::fill(bins_.begin(), bins_.begin() + static_cast<std::ptrdiff_t>(half), 0U);
  low_ -= static_cast<float>(bins_.size()) * width_;
  width_ *= 2.0F;
}

RealRange Histogram::range(RangeRule rule, float percent) const {
  if (bins_.empty() || width_ == 0.0F) return seen_;
  switch (rule) {
    case RangeRule::min_max: break;
    case RangeRule::percentile:
      return percentile((100.0 - static_cast<double>(percent)) / 100.0 * static_cast<double>(count_));
    case RangeRule::mean_square_error: return least([this](const RealRange& r) { return square_error(r); });
    case RangeRule::kullback_leibler: return least([this](const RealRange& r) { return divergence(r); });
  }
  return seen_;
}

double Histogram::outside(const RealRange& range) const {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < bins_.size(); ++i)
    if (centre(i) < range.low || centre(i) > range.high) out += bins_[i];
  return count_ == 0 ? 0.0 : static_cast<double>(out) / static_cast<double>(count_);
}

/// Leaves out at most so many values at either end, and no value of the other sign.
RealRange Histogram::percentile(double outside) const {
  RealRange out = seen_;
  std::uint64_t cut = 0;
  for (std::size_t i = bins_.size(); i-- > 0 && centre(i) > 0.0F;) {
    cut += bins_[i];
    if (static_cast<double>(cut) > outside) break;
    out.high = std::max(0.0F, std::min(out.high, low_ + static_cast<float>(i) * width_));
  }
  cut = 0;
  for (std::size_t i = 0; i < bins_.size() && centre(i) < 0.0F; ++i) {
    cut += bins_[i];
    if (static_cast<double>(cut) > outside) break;
    out.low = std::min(0.0F, std::max(out.low, low_ + static_cast<float>(i + 1) * width_));
  }
  return out;
}

/// The range with the least loss of those that are tried: both ends drawn in alike, and then each alone.
template <class Loss>
RealRange Histogram::least(const Loss& loss) const {
  constexpr int kTries = 64;
  RealRange best = seen_;
  double lowest = loss(best);
  const auto look = [&](const RealRange& from, bool low, bool high) {
    for (int i = 2; i <= kTries; ++i) {
      const float part = static_cast<float>(i) / static_cast<float>(kTries);
      const RealRange tried{low ? seen_.low * part : from.low, high ? seen_.high * part : from.high};
      const double here = loss(tried);
      if (here < lowest) lowest = here, best = tried;
    }
  };
  look(seen_, true, true);
  if (seen_.low < 0.0F && seen_.high > 0.0F) {
    look(best, true, false);
    look(best, false, true);
  }
  return best;
}

double Histogram::square_error(const RealRange& range) const {
  const double low = static_cast<double>(range.low), high = static_cast<double>(range.high);
  const double step = (high - low) / kSteps, inside = step * step / 12.0;
  double sum = 0.0;
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    if (bins_[i] == 0) continue;
    const double at = static_cast<double>(centre(i)), off = at < low ? low - at : at > high ? at - high : 0.0;
    sum += static_cast<double>(bins_[i]) * (off == 0.0 ? inside : off * off);
  }
  return sum;
}

/// Sum of p log(p / q): p the counts with those outside in the outermost bins inside, q those inside spread evenly over
/// the bins of each step that have any.
double Histogram::divergence(const RealRange& range) const {
  const auto bin_of = [&](float at) {
    const float place = (at - low_) / width_;
    return std::min(place < 0.0F ? std::size_t{0} : static_cast<std::size_t>(static_cast<std::uint32_t>(place)),
                    bins_.size() - 1);
  };
  const std::size_t first = bin_of(range.low), last = bin_of(range.high);
  double total = 0.0, inside = 0.0, before = 0.0, behind = 0.0;
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    const double n = bins_[i];
    total += n;
    (i < first ? before : i > last ? behind : inside) += n;
  }
  constexpr double kNearlyNone = 0.1;    // instead of none, of which the divergence would be infinite
  constexpr double kMostOutside = 0.01;  // else all that counts may be in one bin on both sides
  if (before + behind > kMostOutside * total) return __builtin_inf();
  const double step = (static_cast<double>(range.high) - static_cast<double>(range.low)) / kSteps;
  const double per_step = std::max(1.0, step / static_cast<double>(width_));
  double sum = 0.0;
  for (std::size_t from = first; from <= last;) {
    const double number = static_cast<double>(from - first) / per_step;
    const double end = (static_cast<double>(static_cast<std::int32_t>(number)) + 1.0) * per_step;
    const std::size_t to = std::max(from + 1, std::min(last + 1, first + static_cast<std::size_t>(end)));
    double counted = 0.0, used = 0.0;
    for (std::size_t i = from; i < to; ++i) counted += bins_[i], used += bins_[i] != 0 ? 1.0 : 0.0;
    for (std::size_t i = from; i < to; ++i) {
      const double p = static_cast<double>(bins_[i]) + (i == first ? before : 0.0) + (i == last ? behind : 0.0);
      if (p == 0.0) continue;
      const double q = std::max(used == 0.0 || bins_[i] == 0 ? 0.0 : counted / used, kNearlyNone);
      sum += p * logarithm(p * inside / (q * total));
    }
    from = to;
  }
  return sum / total;
}

}  // namespace mote
