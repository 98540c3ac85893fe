// SPDX-License-Identifier: Apache-2.0
// See ridge_export.hpp.
#include "pursuit/ridge_export.hpp"

#include <algorithm>

#include "pursuit/cholesky.hpp"

namespace mote::detail {
namespace {

constexpr std::size_t kHermiteBand = 3;  // unknowns: value, slope, value, slope, …; a sample touches four

/// Weights of the values and slopes at both ends of an interval, at u in [0, 1] of its width.
struct HermiteWeights {
  double weight[4];
  HermiteWeights(double u, double width) {
    const double blend = u * u * (3.0 - 2.0 * u), rest = 1.0 - u;
    weight[0] = 1.0 - blend, weight[1] = width * u * rest * rest;
    weight[2] = blend, weight[3] = -width * u * u * rest;
  }
};

float* row(std::span<float> values, std::size_t number, std::size_t columns) {
  return values.data() + number * columns;
}

}  // namespace

PursuitParams PursuitParams::carve(Carver& carver, std::size_t features, std::size_t terms, std::size_t outputs,
                                   std::size_t knot_count) {
  PursuitParams out;
  out.features = features, out.terms = terms, out.outputs = outputs, out.knot_count = knot_count;
  out.directions = carver.take<float>(std::uint64_t{features} * terms);
  for (std::span<float>* array : {&out.knots, &out.values, &out.slopes})
    *array = carver.take<float>(std::uint64_t{terms} * knot_count);
  out.loadings = carver.take<float>(std::uint64_t{terms} * outputs), out.bias = carver.take<float>(outputs);
  return out;
}

RidgeExport RidgeExport::carve(Carver& carver, std::size_t features, std::size_t terms, std::size_t outputs,
                               std::size_t knot_count, std::size_t samples) {
  RidgeExport out;
  out.params_ = PursuitParams::carve(carver, features, terms, outputs, knot_count);
  out.points_ = RidgePoints::carve(carver, samples);
  for (std::span<double>* array : {&out.along_, &out.values_, &out.slopes_}) *array = carver.take<double>(samples);
  out.smoother_ = carver.take<double>(SmoothingSpline::workspace_doubles(samples));
  const std::uint64_t unknowns = terms + 1, ends = 2 * std::uint64_t{knot_count};
  out.normal_ = carver.take<double>(std::max(unknowns * unknowns * 2, ends * (kHermiteBand + 1)));
  out.right_ = carver.take<double>(std::max(unknowns * outputs, ends));
  out.projected_ = carver.take<float>(terms), out.channels_ = carver.take<float>(terms);
  out.output_ = carver.take<float>(outputs);
  return out;
}

void RidgeExport::clear() {
  for (const std::span<float> array :
       {params_.directions, params_.values, params_.slopes, params_.loadings, params_.bias})
    std::fill(array.begin(), array.end(), 0.0F);
  for (std::size_t i = 0; i < params_.knots.size(); ++i) params_.knots[i] = static_cast<float>(i % params_.knot_count);
}

/// Of unit length, its largest element positive; then where the samples lie along it, as the device will find.
void RidgeExport::set_direction(const RidgeSamples& samples, const RidgeTerm& term, std::size_t number) {
  const std::size_t d = params_.features, m = params_.terms;
  const auto in_units = [&](std::size_t j) { return term.direction[j] * samples.inverse_deviation[j]; };
  double largest = 0.0;
  for (std::size_t j = 0; j < d; ++j)
    if (__builtin_fabs(in_units(j)) > __builtin_fabs(largest)) largest = in_units(j);
  double squares = 0.0;
  for (std::size_t j = 0; j < d; ++j) squares += in_units(j) / largest * (in_units(j) / largest);
  const double factor = largest == 0.0 ? 0.0 : 1.0 / (largest * __builtin_sqrt(squares));
  for (std::size_t j = 0; j < d; ++j) params_.directions[j * m + number] = static_cast<float>(in_units(j) * factor);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const float* input = samples.data->inputs.data() + std::size_t{samples.rows[i]} * d;
    kernels::dense_f32({input, params_.directions.data(), nullptr, projected_.data(), 1, static_cast<std::uint32_t>(d),
                        static_cast<std::uint32_t>(m)});
    along_[i] = static_cast<double>(projected_[number]);
  }
}

/// Slopes at the points. A smoothing spline is the natural cubic spline through its own values; running lines have
/// corners, between which a cubic must not swing: the harmonic mean of the neighbouring chords (Fritsch and Butland,
/// SIAM J. Sci. Stat. Comput. 5, 1984).
void RidgeExport::set_slopes(std::size_t count, Smoother smoother) {
  const std::span<const double> x = points_.x;
  if (smoother == Smoother::spline) {
    SmoothingSpline through;
    through.prepare(points_.view(), static_cast<double>(count), smoother_);
    through.smooth(values_.first(count), values_.first(count), slopes_.first(count));
    return;
  }
  const auto chord = [&](std::size_t i) { return count < 2 ? 0.0 : (values_[i + 1] - values_[i]) / (x[i + 1] - x[i]); };
  for (std::size_t i = 0; i < count; ++i) {
    const double left = chord(i == 0 ? 0 : i - 1), right = chord(i + 1 == count ? std::max<std::size_t>(i, 1) - 1 : i);
    slopes_[i] = left * right > 0.0 ? 2.0 * left * right / (left + right) : 0.0;
    if (i == 0 || i + 1 == count) slopes_[i] = left;
  }
}

/// A knot at every point; those left over go on along the line to the right.
void RidgeExport::set_all_knots(std::size_t count, std::size_t number) {
  const std::size_t k = params_.knot_count;
  float *knots = row(params_.knots, number, k), *values = row(params_.values, number, k);
  float* slopes = row(params_.slopes, number, k);
  std::size_t used = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto knot = static_cast<float>(points_.x[i]);
    if (used > 0 && !(knot > knots[used - 1])) continue;  // the same in float32
    knots[used] = knot, values[used] = static_cast<float>(values_[i]), slopes[used++] = static_cast<float>(slopes_[i]);
  }
  const float last = knots[used - 1], value = values[used - 1], slope = slopes[used - 1];
  float gap = used > 1 ? (last - knots[0]) / static_cast<float>(used - 1) : 1.0F;
  gap = std::max(gap, 1e-6F * __builtin_fabsf(last));
  for (std::size_t i = used; i < k; ++i) {
    const float step = gap * static_cast<float>(i + 1 - used);
    knots[i] = last + step, values[i] = value + slope * (knots[i] - last), slopes[i] = slope;
  }
}

/// Knots at quantiles of the points; values and slopes by least squares on all points, begun from those at the knots
/// and held there with a millionth of the weight, which decides where no point does.
void RidgeExport::set_fewer_knots(std::size_t count, std::size_t number) {
  const std::size_t k = std::max<std::size_t>(params_.knot_count, 2), width = kHermiteBand + 1;
  const auto point = [&](std::size_t i) { return (i * (count - 1) + (k - 1) / 2) / (k - 1); };
  std::fill(normal_.begin(), normal_.end(), 0.0);
  std::fill(right_.begin(), right_.end(), 0.0);
  double total = 0.0;
  for (std::size_t i = 0; i + 1 < k; ++i) {
    const std::size_t a = point(i), b = point(i + 1);
    const double gap = points_.x[b] - points_.x[a];
    for (std::size_t g = a; g < b + (i + 2 == k ? 1 : 0); ++g) {
      const HermiteWeights at((points_.x[g] - points_.x[a]) / gap, gap);
      const double start =
          at.weight[0] * values_[a] + at.weight[1] * slopes_[a] + at.weight[2] * values_[b] + at.weight[3] * slopes_[b];
      total += points_.weights[g];
      for (std::size_t r = 0; r < 4; ++r) {
        right_[2 * i + r] += points_.weights[g] * at.weight[r] * (values_[g] - start);
        for (std::size_t c = 0; c <= r; ++c)
          normal_[(2 * i + r) * width + (r - c)] += points_.weights[g] * at.weight[r] * at.weight[c];
      }
    }
  }
  const double range = points_.x[count - 1] - points_.x[0];
  for (std::size_t u = 0; u < 2 * k; ++u)
    normal_[u * width] +=
        1e-6 * total / static_cast<double>(k) * (u % 2 == 0 ? 1.0 : range * range / double(k) / double(k));
  solve_band(normal_.data(), right_.data(), 2 * k, kHermiteBand);
  for (std::size_t i = 0; i < k; ++i) {
    row(params_.knots, number, k)[i] = static_cast<float>(points_.x[point(i)]);
    row(params_.values, number, k)[i] = static_cast<float>(values_[point(i)] + right_[2 * i]);
    row(params_.slopes, number, k)[i] = static_cast<float>(slopes_[point(i)] + right_[2 * i + 1]);
  }
}

void RidgeExport::set_term(const RidgeSamples& samples, const RidgeTerm& term, std::size_t number, Smoother smoother) {
  set_direction(samples, term, number);
  points_.sort(samples, along_);
  points_.average(samples, term.values, values_);
  set_slopes(points_.count, smoother);
  if (points_.count <= params_.knot_count) {
    set_all_knots(points_.count, number);
  } else {
    set_fewer_knots(points_.count, number);
  }
}

/// What the spline layer gives for one sample, in channels_.
void RidgeExport::run_channels(const float* input) const {
  const auto d = static_cast<std::uint32_t>(params_.features), m = static_cast<std::uint32_t>(params_.terms);
  kernels::dense_f32({input, params_.directions.data(), nullptr, projected_.data(), 1, d, m});
  kernels::spline_f32({projected_.data(), params_.knots.data(), params_.values.data(), params_.slopes.data(),
                       channels_.data(), 1, m, static_cast<std::uint32_t>(params_.knot_count)});
}

void RidgeExport::set_loadings(const RidgeSamples& samples, std::size_t terms) {
  const std::size_t u = terms + 1, q = params_.outputs, d = params_.features;
  const std::span<double> column = normal_.subspan(u * u, u);
  std::fill(normal_.begin(), normal_.end(), 0.0);
  std::fill(right_.begin(), right_.end(), 0.0);
  double* const factor = normal_.data();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    run_channels(samples.data->inputs.data() + std::size_t{samples.rows[i]} * d);
    column[0] = 1.0;
    for (std::size_t m = 0; m < terms; ++m) column[m + 1] = static_cast<double>(channels_[m]);
    for (std::size_t a = 0; a < u; ++a) {
      const double w = samples.weight(i) * column[a];
      for (std::size_t b = 0; b <= a; ++b) factor[a * u + (a - b)] += w * column[b];
      for (std::size_t k = 0; k < q; ++k) right_[k * u + a] += w * samples.target(i, k);
    }
  }
  const std::span<double> copy = normal_.subspan(u * u, u * u);
  for (std::size_t k = 0; k < q; ++k) {
    std::copy_n(factor, u * u, copy.data());
    solve_band(copy.data(), right_.data() + k * u, u, u - 1, 1e-10);
    params_.bias[k] = static_cast<float>(right_[k * u]);
    for (std::size_t m = 0; m < terms; ++m) params_.loadings[m * q + k] = static_cast<float>(right_[k * u + m + 1]);
  }
}

double RidgeExport::squared_error(const PursuitData& data, std::span<const std::uint32_t> rows) const {
  const auto d = params_.features, q = params_.outputs;
  double sum = 0.0;
  for (const std::uint32_t sample : rows) {
    run_channels(data.inputs.data() + std::size_t{sample} * d);
    kernels::dense_f32({channels_.data(), params_.loadings.data(), params_.bias.data(), output_.data(), 1,
                        static_cast<std::uint32_t>(params_.terms), static_cast<std::uint32_t>(q)});
    const double w = data.weights.empty() ? 1.0 : static_cast<double>(data.weights[sample]);
    for (std::size_t k = 0; k < q; ++k) {
      const double rest =
          static_cast<double>(data.targets[std::size_t{sample} * q + k]) - static_cast<double>(output_[k]);
      sum += w * rest * rest;
    }
  }
  return sum;
}

}  // namespace mote::detail
