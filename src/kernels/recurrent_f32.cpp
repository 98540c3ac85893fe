// SPDX-License-Identifier: Apache-2.0
// Recurrent layers over sequences: the products are dense_f32 and its gradients, what lies between them goes unit by
// unit. Relies on those kernels; here is the order of the steps and the cells.
#include <algorithm>
#include <cstddef>
#include <limits>

#include "kernels/lanes.hpp"
#include "mote/kernels/kernels.hpp"
#include "simd/simd.hpp"

namespace mote::MOTE_KERNELS {
namespace {

using simd::F32;
using simd::splat;

/// Takes arrays out of scratch one after the other.
struct ScratchArrays {
  float* next;
  float* take(std::size_t count) {
    float* const taken = next;
    next += count;
    return taken;
  }
};

inline void copy_or_zero(const float* from, float* to, std::size_t count) {
  if (from == to) return;
  if (from != nullptr)
    std::copy(from, from + count, to);
  else
    std::fill(to, to + count, 0.0F);
}

/// Rows of one step, which lie `step` apart, side by side.
inline void gather_rows(const float* from, std::size_t step, std::size_t rows, std::size_t columns, float* to) {
  for (std::size_t n = 0; n < rows; ++n) std::copy(from + n * step, from + n * step + columns, to + n * columns);
}

inline std::uint32_t as_count(std::size_t count) { return static_cast<std::uint32_t>(count); }

/// The forward pass up to the cells: x W + b of every step, block by block.
class Sequence {
 public:
  Sequence(const RecurrentArgs& args, std::size_t gates, ScratchArrays& scratch)
      : args_(args),
        columns_(gates * args.shape.units),
        block_(recurrent_block(args.shape)),
        rows_(args.shape.batch > 1 ? scratch.take(std::size_t{args.shape.batch} * args.shape.fan_in) : nullptr),
        products_(scratch.take(block_ * args.shape.batch * columns_)) {}

  /// cell(t, products): for every step in order; products (batch, columns) of that step.
  template <class Cell>
  void run(const Cell& cell) {
    const RecurrentShape& s = args_.shape;
    for (std::size_t done = 0; done < s.steps; done += block_) {
      const std::size_t count = std::min<std::size_t>(block_, s.steps - done);
      const std::size_t first = s.reverse ? s.steps - done - count : done;  // of the block, by place
      multiply(first, count);
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = s.reverse ? count - 1 - i : i;
        cell(first + at, products_ + at * s.batch * columns_);
      }
    }
  }

 private:
  void multiply(std::size_t first, std::size_t count) {
    const RecurrentShape& s = args_.shape;
    const float* input = args_.input + first * s.fan_in;
    if (rows_ != nullptr) {
      gather_rows(input, std::size_t{s.steps} * s.fan_in, s.batch, s.fan_in, rows_);
      input = rows_;
    }
    dense_f32({input, args_.weights, args_.bias, products_, as_count(count * s.batch), s.fan_in, as_count(columns_)});
  }

  const RecurrentArgs& args_;
  std::size_t columns_, block_;
  float* rows_;
  float* products_;
};

/// Where h of step t goes for sample n, besides the state: null where outputs are not wanted.
inline float* output_row(const RecurrentArgs& args, std::size_t n, std::size_t t) {
  const RecurrentShape& s = args.shape;
  return args.output != nullptr ? args.output + (n * s.steps + t) * s.units : nullptr;
}

MOTE_INLINE F32 activate(RecurrentActivation function, F32 x) {
  if (function == RecurrentActivation::relu) return max(simd::zero(), x);
  return function == RecurrentActivation::tanh ? simd::tanh(x) : simd::sigmoid(x);
}
/// f' from the output.
MOTE_INLINE F32 activation_slope(RecurrentActivation function, F32 y) {
  if (function == RecurrentActivation::relu) return select(less(simd::zero(), y), splat(1.0F), simd::zero());
  return function == RecurrentActivation::tanh ? neg_mul_add(y, y, splat(1.0F)) : y * (splat(1.0F) - y);
}

/// What the gradients of all three have in common: sequences backwards, then the products with weights.
class Backward {
 public:
  Backward(const RecurrentGradArgs& args, std::size_t gates, ScratchArrays& scratch)
      : args_(args),
        gates_(gates),
        state_(std::size_t{args.shape.batch} * args.shape.units),
        grad_h_(scratch.take(state_)),
        zeros_(scratch.take(args.shape.units)) {
    std::fill(zeros_, zeros_ + args.shape.units, 0.0F);
    copy_or_zero(args.grad_final_h, grad_h_, state_);
  }
  [[nodiscard]] std::size_t state() const { return state_; }
  /// (batch, units): what later steps, and in run() the output, give a step's h.
  [[nodiscard]] float* grad_h() const { return grad_h_; }
  [[nodiscard]] std::size_t row(std::size_t n, std::size_t t) const { return n * args_.shape.steps + t; }

  /// cell(t): for every step, the last first, with the whole gradient of its h in grad_h().
  template <class Cell>
  void run(const Cell& cell) {
    const RecurrentShape& s = args_.shape;
    for (std::size_t done = 0; done < s.steps; ++done) {
      const std::size_t t = s.reverse ? done : s.steps - 1 - done;
      for (std::size_t n = 0; n < s.batch && args_.grad_output != nullptr; ++n) {
        const float* from = args_.grad_output + row(n, t) * s.units;
        float* to = grad_h_ + n * s.units;
        lanes_over(s.units, [&](std::size_t u, auto lanes)
                                MOTE_LAMBDA_INLINE { lanes.store(to + u, lanes.load(to + u) + lanes.load(from + u)); });
      }
      cell(t);
    }
    if (args_.grad_initial_h != nullptr) std::copy(grad_h_, grad_h_ + state_, args_.grad_initial_h);
  }
  /// An array (batch, steps, units) one step before t, or `initial` (batch, units), or zeros.
  [[nodiscard]] const float* before(const float* values, const float* initial, std::size_t n, std::size_t t) const {
    const RecurrentShape& s = args_.shape;
    if (t == first_step()) return initial != nullptr ? initial + n * s.units : zeros_;
    return values + row(n, s.reverse ? t + 1 : t - 1) * s.units;
  }
  [[nodiscard]] const float* h_before(std::size_t n, std::size_t t) const {
    return before(args_.output, args_.initial_h, n, t);
  }
  /// grad_gates (batch, steps, gates units): the gradients of x and W.
  void input_products(const float* grad_gates) const {
    const RecurrentShape& s = args_.shape;
    const DenseGradArgs dense{
        args_.input,     args_.weights, grad_gates,        args_.grad_input, args_.grad_weights,
        args_.grad_bias, args_.scale,   s.batch * s.steps, s.fan_in,         as_count(gates_ * s.units)};
    if (args_.grad_input != nullptr) dense_grad_input_f32(dense);
    if (args_.grad_weights != nullptr) dense_grad_params_f32(dense);
  }
  /// grad_weights (units, columns) += scale h'^T grad for one sample, where grad_of(t) is (steps, columns) from step t.
  template <class GradOf>
  void recurrent_products(std::size_t n, const GradOf& grad_of, std::size_t columns, float* grad_weights,
                          float* grad_bias) const {
    const RecurrentShape& s = args_.shape;
    const auto add = [&](const float* input, std::size_t t, std::size_t rows) {
      dense_grad_params_f32({input, nullptr, grad_of(t), nullptr, grad_weights, grad_bias, args_.scale, as_count(rows),
                             s.units, as_count(columns)});
    };
    add(h_before(n, first_step()), first_step(), 1);
    const std::size_t next = s.reverse ? 0 : 1;  // the other steps, in the order in which they lie
    if (s.steps > 1) add(h_before(n, next), next, s.steps - 1);
  }

 private:
  [[nodiscard]] std::size_t first_step() const { return args_.shape.reverse ? args_.shape.steps - 1 : 0; }

  const RecurrentGradArgs& args_;
  std::size_t gates_, state_;
  float* grad_h_;
  float* zeros_;
};

/// grad_input (batch, units) = grad (batch, columns) weights^T.
inline void back_through(const float* grad, const float* weights, float* grad_input, std::uint32_t batch,
                         std::uint32_t units, std::size_t columns) {
  dense_grad_input_f32({nullptr, weights, grad, grad_input, nullptr, nullptr, 1.0F, batch, units, as_count(columns)});
}

}  // namespace

void rnn_f32(const RecurrentArgs& args) {
  const RecurrentShape& s = args.shape;
  const std::size_t units = s.units, state = s.batch * units;
  ScratchArrays scratch{args.scratch};
  Sequence sequence(args, 1, scratch);
  float *recurrent = scratch.take(state), *h = scratch.take(state);
  copy_or_zero(args.initial_h, h, state);
  sequence.run([&](std::size_t t, const float* products) {
    dense_f32({h, args.recurrent_weights, args.recurrent_bias, recurrent, s.batch, s.units, s.units});
    lanes_over(state, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
      lanes.store(h + at, activate(s.activation, lanes.load(products + at) + lanes.load(recurrent + at)));
    });
    for (std::size_t n = 0; n < s.batch && args.output != nullptr; ++n)
      std::copy(h + n * units, h + (n + 1) * units, output_row(args, n, t));
  });
  if (args.final_h != nullptr) std::copy(h, h + state, args.final_h);
}

void rnn_grad_f32(const RecurrentGradArgs& args) {
  const RecurrentShape& s = args.shape;
  const std::size_t units = s.units;
  ScratchArrays scratch{args.scratch};
  Backward backward(args, 1, scratch);
  float* grad = scratch.take(backward.state());
  backward.run([&](std::size_t t) {
    for (std::size_t n = 0; n < s.batch; ++n) {
      const std::size_t row = backward.row(n, t) * units;
      const float *y = args.output + row, *g = backward.grad_h() + n * units;
      lanes_over(units, [&](std::size_t u, auto lanes) MOTE_LAMBDA_INLINE {
        const F32 value = lanes.load(g + u) * activation_slope(s.activation, lanes.load(y + u));
        lanes.store(grad + n * units + u, value);
        lanes.store(args.saved + row + u, value);
      });
    }
    back_through(grad, args.recurrent_weights, backward.grad_h(), s.batch, s.units, units);
  });
  backward.input_products(args.saved);
  for (std::size_t n = 0; n < s.batch && args.grad_recurrent_weights != nullptr; ++n)
    backward.recurrent_products(
        n, [&](std::size_t t) { return args.saved + backward.row(n, t) * units; }, units, args.grad_recurrent_weights,
        args.grad_recurrent_bias);
}

/// The largest size of a cell state.
F32 cell_bound(const RecurrentShape& s) {
  return splat(s.cell_clip > 0.0F ? s.cell_clip : std::numeric_limits<float>::infinity());
}

void lstm_f32(const RecurrentArgs& args) {
  const RecurrentShape& s = args.shape;
  const std::size_t units = s.units, state = s.batch * units, columns = 4 * units;
  ScratchArrays scratch{args.scratch};
  Sequence sequence(args, 4, scratch);
  float *recurrent = scratch.take(4 * state), *h = scratch.take(state), *c = scratch.take(state);
  copy_or_zero(args.initial_h, h, state);
  copy_or_zero(args.initial_c, c, state);
  float* const cells = args.saved != nullptr ? args.saved + s.steps * 4 * state : nullptr;
  sequence.run([&](std::size_t t, const float* products) {
    dense_f32({h, args.recurrent_weights, args.recurrent_bias, recurrent, s.batch, s.units, as_count(columns)});
    for (std::size_t n = 0; n < s.batch; ++n) {
      const float *x = products + n * columns, *r = recurrent + n * columns;
      const std::size_t row = n * s.steps + t;
      float *h_row = h + n * units, *c_row = c + n * units, *output = output_row(args, n, t);
      lanes_over(units, [&](std::size_t u, auto lanes) {
        const auto gate = [&](std::size_t k) MOTE_LAMBDA_INLINE {
          return lanes.load(x + k * units + u) + lanes.load(r + k * units + u);
        };
        const F32 i = simd::sigmoid(gate(0)), f = simd::sigmoid(gate(1)), g = simd::tanh(gate(2));
        const F32 o = simd::sigmoid(gate(3));
        const F32 bound = cell_bound(s), free = mul_add(f, lanes.load(c_row + u), i * g);
        const F32 cell = simd::max(splat(0.0F) - bound, simd::min(bound, free)), value = o * simd::tanh(cell);
        lanes.store(c_row + u, cell);
        lanes.store(h_row + u, value);
        if (output != nullptr) lanes.store(output + u, value);
        if (cells == nullptr) return;
        float* saved = args.saved + row * columns + u;
        lanes.store(saved, i), lanes.store(saved + units, f), lanes.store(saved + 2 * units, g);
        lanes.store(saved + 3 * units, o), lanes.store(cells + row * units + u, cell);
      });
    }
  });
  if (args.final_h != nullptr) std::copy(h, h + state, args.final_h);
  if (args.final_c != nullptr) std::copy(c, c + state, args.final_c);
}

void lstm_grad_f32(const RecurrentGradArgs& args) {
  const RecurrentShape& s = args.shape;
  const std::size_t units = s.units, columns = 4 * units;
  ScratchArrays scratch{args.scratch};
  Backward backward(args, 4, scratch);
  float *grad = scratch.take(4 * backward.state()), *grad_c = scratch.take(backward.state());
  copy_or_zero(args.grad_final_c, grad_c, backward.state());
  const float* const cells = args.saved + s.steps * 4 * backward.state();
  backward.run([&](std::size_t t) {
    for (std::size_t n = 0; n < s.batch; ++n) {
      const std::size_t row = backward.row(n, t);
      const float *c = cells + row * units, *c_before = backward.before(cells, args.initial_c, n, t);
      float *gates = args.saved + row * columns, *to = grad + n * columns;
      float *dh = backward.grad_h() + n * units, *dc = grad_c + n * units;
      lanes_over(units, [&](std::size_t u, auto lanes) {
        const auto gate = [&](std::size_t k) MOTE_LAMBDA_INLINE { return lanes.load(gates + k * units + u); };
        const auto put = [&](std::size_t k, F32 value) MOTE_LAMBDA_INLINE {
          lanes.store(gates + k * units + u, value), lanes.store(to + k * units + u, value);
        };
        const F32 one = splat(1.0F), i = gate(0), f = gate(1), g = gate(2), o = gate(3);
        const F32 cell = lanes.load(c + u), tanh_c = simd::tanh(cell), of_h = lanes.load(dh + u);
        const F32 whole = mul_add(of_h * o, neg_mul_add(tanh_c, tanh_c, one), lanes.load(dc + u));
        const F32 of_c = simd::select(simd::less_equal(cell_bound(s), simd::abs(cell)), splat(0.0F), whole);
        put(0, of_c * g * (i * (one - i)));
        put(1, of_c * lanes.load(c_before + u) * (f * (one - f)));
        put(2, of_c * i * neg_mul_add(g, g, one));
        put(3, of_h * tanh_c * (o * (one - o)));
        lanes.store(dc + u, of_c * f);
      });
    }
    back_through(grad, args.recurrent_weights, backward.grad_h(), s.batch, s.units, columns);
  });
  if (args.grad_initial_c != nullptr) std::copy(grad_c, grad_c + backward.state(), args.grad_initial_c);
  backward.input_products(args.saved);
  for (std::size_t n = 0; n < s.batch && args.grad_recurrent_weights != nullptr; ++n)
    backward.recurrent_products(
        n, [&](std::size_t t) { return args.saved + backward.row(n, t) * columns; }, columns,
        args.grad_recurrent_weights, args.grad_recurrent_bias);
}

void gru_f32(const RecurrentArgs& args) {
  const RecurrentShape& s = args.shape;
  const std::size_t units = s.units, state = s.batch * units, columns = 3 * units;
  ScratchArrays scratch{args.scratch};
  Sequence sequence(args, 3, scratch);
  float *gates = scratch.take(2 * state), *candidate = scratch.take(state);
  float *h = scratch.take(state), *reset_h = scratch.take(state);
  copy_or_zero(args.initial_h, h, state);
  const float* const candidate_weights = args.recurrent_weights + 2 * units * units;
  const float* const candidate_bias = args.recurrent_bias != nullptr ? args.recurrent_bias + 2 * units : nullptr;
  float* const extra = args.saved != nullptr ? args.saved + s.steps * 3 * state : nullptr;
  sequence.run([&](std::size_t t, const float* products) {
    dense_f32({h, args.recurrent_weights, args.recurrent_bias, gates, s.batch, s.units, 2 * s.units});
    for (std::size_t n = 0; n < s.batch; ++n) {  // z and r, and r h'
      const float* x = products + n * columns;
      float *z = gates + n * 2 * units, *r = z + units;
      lanes_over(units, [&](std::size_t u, auto lanes) {
        const F32 reset = simd::sigmoid(lanes.load(x + units + u) + lanes.load(r + u));
        lanes.store(z + u, simd::sigmoid(lanes.load(x + u) + lanes.load(z + u)));
        lanes.store(r + u, reset);
        lanes.store(reset_h + n * units + u, reset * lanes.load(h + n * units + u));
      });
    }
    const float* from = s.linear_before_reset ? h : reset_h;
    dense_f32({from, candidate_weights, candidate_bias, candidate, s.batch, s.units, s.units});
    for (std::size_t n = 0; n < s.batch; ++n) {
      const float *x = products + n * columns + 2 * units, *z = gates + n * 2 * units, *q = candidate + n * units;
      const std::size_t row = n * s.steps + t;
      float *h_row = h + n * units, *output = output_row(args, n, t);
      lanes_over(units, [&](std::size_t u, auto lanes) {
        const F32 reset = lanes.load(z + units + u), update = lanes.load(z + u), product = lanes.load(q + u);
        const F32 sum =
            s.linear_before_reset ? mul_add(reset, product, lanes.load(x + u)) : lanes.load(x + u) + product;
        const F32 fresh = simd::tanh(sum);
        const F32 value = mul_add(update, lanes.load(h_row + u) - fresh, fresh);
        lanes.store(h_row + u, value);
        if (output != nullptr) lanes.store(output + u, value);
        if (extra == nullptr) return;
        float* saved = args.saved + row * columns + u;
        lanes.store(saved, update), lanes.store(saved + units, reset), lanes.store(saved + 2 * units, fresh);
        lanes.store(extra + row * units + u, s.linear_before_reset ? product : lanes.load(reset_h + n * units + u));
      });
    }
  });
  if (args.final_h != nullptr) std::copy(h, h + state, args.final_h);
}

namespace {

/// Columns begin … begin + count - 1 of rows of `width`, side by side.
inline void pack_columns(const float* from, std::size_t rows, std::size_t width, std::size_t begin, std::size_t count,
                         float* to) {
  for (std::size_t row = 0; row < rows; ++row)
    std::copy(from + row * width + begin, from + row * width + begin + count, to + row * count);
}

/// The gradients of the two recurrent matrices: by z and r, and by what the candidate's product received.
inline void gru_recurrent_products(const RecurrentGradArgs& args, const Backward& backward, const float* extra,
                                   float* packed) {
  const RecurrentShape& s = args.shape;
  const std::size_t units = s.units, columns = 3 * units;
  float* const weights = args.grad_recurrent_weights;
  float* const bias = args.grad_recurrent_bias;
  for (std::size_t n = 0; n < s.batch; ++n) {
    const float* gates = args.saved + backward.row(n, 0) * columns;
    pack_columns(gates, s.steps, columns, 0, 2 * units, packed);
    backward.recurrent_products(
        n, [&](std::size_t t) { return packed + t * 2 * units; }, 2 * units, weights, bias);
    const float* own = extra + backward.row(n, 0) * units;
    float* const candidate_bias = bias != nullptr ? bias + 2 * units : nullptr;
    if (s.linear_before_reset) {
      backward.recurrent_products(
          n, [&](std::size_t t) { return own + t * units; }, units, weights + 2 * units * units, candidate_bias);
    } else {
      pack_columns(gates, s.steps, columns, 2 * units, units, packed);
      dense_grad_params_f32({own, nullptr, packed, nullptr, weights + 2 * units * units, candidate_bias, args.scale,
                             s.steps, s.units, s.units});
    }
  }
}

}  // namespace

void gru_grad_f32(const RecurrentGradArgs& args) {
  const RecurrentShape& s = args.shape;
  const std::size_t units = s.units, columns = 3 * units;
  ScratchArrays scratch{args.scratch};
  Backward backward(args, 3, scratch);
  const std::size_t state = backward.state();
  float *grad_gates = scratch.take(2 * state), *grad_product = scratch.take(state), *by_product = scratch.take(state);
  float *by_gates = scratch.take(state), *packed = scratch.take(2 * s.steps * units);
  float* const extra = args.saved + s.steps * columns * s.batch;
  const float* const candidate_weights = args.recurrent_weights + 2 * units * units;
  backward.run([&](std::size_t t) {
    const auto each = [&](const auto& body) {
      for (std::size_t n = 0; n < s.batch; ++n) {
        const std::size_t row = backward.row(n, t);
        lanes_over(units, [&](std::size_t u, auto lanes) {
          body(lanes, args.saved + row * columns + u, extra + row * units + u, backward.h_before(n, t) + u,
               n * units + u, grad_gates + n * 2 * units + u);
        });
      }
    };
    // The candidate's product, z, and what reaches h' through z.
    each([&](auto lanes, float* gates, float* own, const float* h, std::size_t at, float* pair) {
      const F32 one = splat(1.0F), z = lanes.load(gates), r = lanes.load(gates + units);
      const F32 fresh = lanes.load(gates + 2 * units), dh = lanes.load(backward.grad_h() + at);
      const F32 of_sum = dh * (one - z) * neg_mul_add(fresh, fresh, one);
      const F32 of_z = dh * (lanes.load(h) - fresh) * (z * (one - z));
      lanes.store(gates + 2 * units, of_sum);
      lanes.store(gates, of_z), lanes.store(pair, of_z);
      lanes.store(backward.grad_h() + at, dh * z);
      F32 of_product = of_sum;
      if (s.linear_before_reset) {
        const F32 of_r = of_sum * lanes.load(own) * (r * (one - r));
        of_product = of_sum * r;
        lanes.store(own, of_product);
        lanes.store(gates + units, of_r), lanes.store(pair + units, of_r);
      }
      lanes.store(grad_product + at, of_product);
    });
    back_through(grad_product, candidate_weights, by_product, s.batch, s.units, units);
    each([&](auto lanes, float* gates, float*, const float* h, std::size_t at, float* pair) {
      const F32 through = lanes.load(by_product + at);
      F32 to_h = through;
      if (!s.linear_before_reset) {
        const F32 r = lanes.load(gates + units);
        const F32 of_r = through * lanes.load(h) * (r * (splat(1.0F) - r));
        lanes.store(gates + units, of_r), lanes.store(pair + units, of_r);
        to_h = through * r;
      }
      lanes.store(backward.grad_h() + at, lanes.load(backward.grad_h() + at) + to_h);
    });
    back_through(grad_gates, args.recurrent_weights, by_gates, s.batch, s.units, 2 * units);
    lanes_over(state, [&](std::size_t at, auto lanes) MOTE_LAMBDA_INLINE {
      lanes.store(backward.grad_h() + at, lanes.load(backward.grad_h() + at) + lanes.load(by_gates + at));
    });
  });
  backward.input_products(args.saved);
  if (args.grad_recurrent_weights != nullptr) gru_recurrent_products(args, backward, extra, packed);
}

}  // namespace mote::MOTE_KERNELS
