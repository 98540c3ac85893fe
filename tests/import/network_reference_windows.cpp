// SPDX-License-Identifier: Apache-2.0
// The windows, recurrent layers and resizing of NetworkReference.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "import/network_reference.hpp"
#include "mote/model/layer.hpp"

namespace mote::test {
namespace {

using namespace tool::foreign;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
std::int64_t place(const Dims& d, std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t c) {
  return ((n * d[1] + y) * d[2] + x) * d[3] + c;
}

/// Calls visit(n, y, x, c) for every element.
template <class Visit>
void each_pixel(const Dims& d, Visit&& visit) {
  for (std::int64_t n = 0; n < d[0]; ++n)
    for (std::int64_t y = 0; y < d[1]; ++y)
      for (std::int64_t x = 0; x < d[2]; ++x)
        for (std::int64_t c = 0; c < d[3]; ++c) visit(n, y, x, c);
}

/// Calls visit(row, column, y, x) for the taps of a window that lie inside the image, or all of them.
template <class Visit>
void each_tap(const Sliding& s, const Dims& image, std::int64_t y, std::int64_t x, bool outside, Visit&& visit) {
  for (std::int64_t i = 0; i < s.filter_h; ++i)
    for (std::int64_t j = 0; j < s.filter_w; ++j) {
      const std::int64_t iy = y * s.stride_h - s.pad_top + i * s.dilation_h,
                         ix = x * s.stride_w - s.pad_left + j * s.dilation_w;
      if (outside || (iy >= 0 && iy < image[1] && ix >= 0 && ix < image[2])) visit(i, j, iy, ix);
    }
}

double coordinate(const Step& s, std::int64_t i, std::int64_t in, std::int64_t out, float by) {
  const double given = static_cast<double>(by), scale = s.second[1] == 1 ? given : 1.0 / given;
  const double v = static_cast<double>(i);
  switch (static_cast<ResizeCoordinates>(s.number)) {
    case ResizeCoordinates::align_corners:
      return out == 1 ? 0.0 : v * static_cast<double>(in - 1) / static_cast<double>(out - 1);
    case ResizeCoordinates::asymmetric: return v * scale;
    case ResizeCoordinates::tf_half_pixel_for_nn: return (v + 0.5) * scale;
    case ResizeCoordinates::pytorch_half_pixel:
      if (out == 1) return 0.0;
      break;
    case ResizeCoordinates::half_pixel: break;
  }
  return (v + 0.5) * scale - 0.5;
}

std::int64_t nearest(std::int64_t rounding, double v) {
  switch (static_cast<ResizeRounding>(rounding)) {
    case ResizeRounding::floor: return static_cast<std::int64_t>(std::floor(v));
    case ResizeRounding::ceil: return static_cast<std::int64_t>(std::ceil(v));
    case ResizeRounding::round_prefer_ceil: return static_cast<std::int64_t>(std::floor(v + 0.5));
    case ResizeRounding::round_prefer_floor: break;
  }
  return static_cast<std::int64_t>(std::ceil(v - 0.5));
}

}  // namespace

bool NetworkReference::windows(const Step& s, Tensor& out) {
  const auto bias = [&](std::int64_t c) { return s.weights.size() > 1 ? s.weights[1].real(c) : 0.0; };
  const auto w = [&](std::int64_t i) { return s.weights[0].real(i); };
  if (s.op == "conv2d" || s.op == "depthwise_conv2d" || s.op == "max_pool" || s.op == "average_pool") {
    const Tensor& a = in(s);
    const std::int64_t channels = a.dims[3], multiplier = s.dims[3] / channels;
    each_pixel(s.dims, [&](std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t c) {
      double sum = s.op == "max_pool" ? -INFINITY : s.weights.empty() ? 0.0 : bias(c), taps = 0;
      each_tap(s.sliding, a.dims, y, x, false, [&](std::int64_t i, std::int64_t j, std::int64_t iy, std::int64_t ix) {
        const std::int64_t tap = i * s.sliding.filter_w + j;
        ++taps;
        if (s.op == "conv2d")
          for (std::int64_t k = 0; k < channels; ++k)
            sum += a.values[at(place(a.dims, n, iy, ix, k))] * w((tap * channels + k) * s.dims[3] + c);
        else if (s.op == "depthwise_conv2d")
          sum += a.values[at(place(a.dims, n, iy, ix, c / multiplier))] * w(tap * s.dims[3] + c);
        else {
          const double v = a.values[at(place(a.dims, n, iy, ix, c))];
          sum = s.op == "max_pool" ? std::max(sum, v) : sum + v;
        }
      });
      if (s.number == 1) taps = static_cast<double>(s.sliding.filter_h * s.sliding.filter_w);
      out.values[at(place(s.dims, n, y, x, c))] = s.op == "average_pool" ? sum / taps : sum;
    });
    return true;
  }
  if (s.op == "conv2d_transpose") {
    const Tensor& a = in(s);
    each_pixel(s.dims, [&](std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t c) {
      out.values[at(place(s.dims, n, y, x, c))] = bias(c);
    });
    each_pixel({a.dims[0], a.dims[1], a.dims[2], 1}, [&](std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t) {
      each_tap(s.sliding, s.dims, y, x, false, [&](std::int64_t i, std::int64_t j, std::int64_t oy, std::int64_t ox) {
        for (std::int64_t c = 0; c < s.dims[3]; ++c)
          for (std::int64_t k = 0; k < a.dims[3]; ++k)
            out.values[at(place(s.dims, n, oy, ox, c))] +=
                a.values[at(place(a.dims, n, y, x, k))] *
                w(((i * s.sliding.filter_w + j) * s.dims[3] + c) * a.dims[3] + k);
      });
    });
    return true;
  }
  if (s.op != "resize_nearest" && s.op != "resize_bilinear") return false;
  const Tensor& a = in(s);
  const auto inside = [](std::int64_t v, std::int64_t extent) { return std::clamp<std::int64_t>(v, 0, extent - 1); };
  each_pixel(s.dims, [&](std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t c) {
    const double fy = coordinate(s, y, a.dims[1], s.dims[1], s.alpha),
                 fx = coordinate(s, x, a.dims[2], s.dims[2], s.beta);
    double v = 0;
    if (s.op == "resize_nearest") {
      v = a.values[at(place(a.dims, n, inside(nearest(s.second[0], fy), a.dims[1]),
                            inside(nearest(s.second[0], fx), a.dims[2]), c))];
    } else {
      const double cy = std::clamp(fy, 0.0, static_cast<double>(a.dims[1] - 1)),
                   cx = std::clamp(fx, 0.0, static_cast<double>(a.dims[2] - 1));
      const auto y0 = static_cast<std::int64_t>(cy), x0 = static_cast<std::int64_t>(cx);
      const std::int64_t y1 = inside(y0 + 1, a.dims[1]), x1 = inside(x0 + 1, a.dims[2]);
      const double ty = cy - static_cast<double>(y0), tx = cx - static_cast<double>(x0);
      v = (1 - ty) *
              ((1 - tx) * a.values[at(place(a.dims, n, y0, x0, c))] + tx * a.values[at(place(a.dims, n, y0, x1, c))]) +
          ty * ((1 - tx) * a.values[at(place(a.dims, n, y1, x0, c))] + tx * a.values[at(place(a.dims, n, y1, x1, c))]);
    }
    out.values[at(place(s.dims, n, y, x, c))] = v;
  });
  return true;
}

void NetworkReference::recurrent(std::size_t step, Tensor& out) {
  const Step& s = network_.steps[step];
  const std::int64_t steps = s.dims[0], units = s.dims[1], inputs = in(s).dims[1];
  const std::int64_t gates = s.op == "lstm" ? 4 : s.op == "gru" ? 3 : 1;
  std::vector<double> h(at(units), 0.0), c(at(units), 0.0);
  if (s.in.size() > 1) h = in(s, 1).values;
  if (s.in.size() > 2) c = in(s, 2).values;
  const auto sigmoid = [](double v) { return 1.0 / (1.0 + std::exp(-v)); };
  for (std::int64_t t = 0; t < steps; ++t) {
    const std::int64_t row = s.first[0] == 1 ? steps - 1 - t : t;
    std::vector<double> x(at(gates * units)), r(at(gates * units));
    for (std::int64_t g = 0; g < gates * units; ++g) {
      x[at(g)] = s.weights[2].real(g);
      r[at(g)] = s.weights.size() > 3 ? s.weights[3].real(g) : 0.0;
      for (std::int64_t k = 0; k < inputs; ++k)
        x[at(g)] += in(s).values[at(row * inputs + k)] * s.weights[0].real(k * gates * units + g);
      for (std::int64_t k = 0; k < units; ++k) r[at(g)] += h[at(k)] * s.weights[1].real(k * gates * units + g);
    }
    const auto sum = [&](std::int64_t gate, std::int64_t u) {
      return x[at(gate * units + u)] + r[at(gate * units + u)];
    };
    std::vector<double> next(at(units));
    for (std::int64_t u = 0; u < units; ++u) {
      if (s.op == "lstm") {
        c[at(u)] = sigmoid(sum(1, u)) * c[at(u)] + sigmoid(sum(0, u)) * std::tanh(sum(2, u));
        if (s.alpha > 0.0F)
          c[at(u)] = std::clamp(c[at(u)], -static_cast<double>(s.alpha), static_cast<double>(s.alpha));
        next[at(u)] = sigmoid(sum(3, u)) * std::tanh(c[at(u)]);
      } else if (s.op == "gru") {
        const double z = sigmoid(sum(0, u));
        double inner = r[at(2 * units + u)];
        if (s.first[1] == 1) {
          inner *= sigmoid(sum(1, u));
        } else {
          inner = 0;
          for (std::int64_t k = 0; k < units; ++k)
            inner += sigmoid(sum(1, k)) * h[at(k)] * s.weights[1].real(k * gates * units + 2 * units + u);
        }
        next[at(u)] = (1 - z) * std::tanh(x[at(2 * units + u)] + inner) + z * h[at(u)];
      } else {
        next[at(u)] = s.extra[0] == 1.0F ? std::max(0.0, sum(0, u)) : std::tanh(sum(0, u));
      }
    }
    h = next;
    std::ranges::copy(h, out.values.begin() + row * units);
  }
  cells_[static_cast<int>(step)] = {{units}, c};
}

}  // namespace mote::test
