#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Makes full_batch_values.inc, the minima that SciPy's L-BFGS-B finds in float64 for the problems of full_batch_test.cpp:
#   /usr/bin/python3 tests/golden/make_full_batch.py      with Debian's python3-scipy
# The numbers are committed; nobody needs SciPy to run the tests.
import pathlib

import numpy as np
import scipy
import scipy.optimize

f32 = np.float32


class Numbers:
    """The linear congruential generator of the C++ tests: [-1, 1), 24 bits, scaled in float32."""

    def __init__(self, seed):
        self.state = seed

    def fill(self, count, scale=1.0):
        values = []
        for _ in range(count):
            self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
            values.append((f32(self.state >> 8) * f32(2.0**-23) - f32(1)) * f32(scale))
        return np.array(values, dtype=np.float64)


def forward(sizes, params, x):
    """Dense layers, weights (fan_in, units) and bias, tanh between them. Returns every layer's input and the output."""
    at, inputs = 0, []
    for k, (fan_in, units) in enumerate(zip(sizes, sizes[1:])):
        w = params[at:at + fan_in * units].reshape(fan_in, units)
        at += fan_in * units
        inputs.append((x, w))
        x = x @ w + params[at:at + units]
        at += units
        if k + 2 < len(sizes):
            x = np.tanh(x)
    return inputs, x


def objective(sizes, loss, l2, biases, x, target, params):
    """loss + l2/2 sum w^2 over the weights and, if so, the biases; and its gradient."""
    samples = len(x)
    inputs, y = forward(sizes, params, x)
    if loss == 'squared_error':
        value, grad = ((y - target)**2).sum() / samples, 2 * (y - target) / samples
    elif loss == 'binary_cross_entropy':
        value = (np.logaddexp(0, y) - target * y).sum() / samples
        grad = (1 / (1 + np.exp(-y)) - target) / samples
    else:  # softmax_cross_entropy, one-hot targets
        top = y.max(axis=1, keepdims=True)
        power = np.exp(y - top)
        value = (np.log(power.sum(axis=1)) + top[:, 0] - (target * y).sum(axis=1)).sum() / samples
        grad = (power / power.sum(axis=1, keepdims=True) - target) / samples
    grads = []
    for k in reversed(range(len(inputs))):
        before, w = inputs[k]
        grads[:0] = [(before.T @ grad + l2 * w).ravel(), grad.sum(axis=0)]
        value += 0.5 * l2 * (w * w).sum()
        if biases:
            bias = params[sum((a + 1) * b for a, b in zip(sizes[:k], sizes[1:])) + w.size:][:w.shape[1]]
            grads[1] = grads[1] + l2 * bias
            value += 0.5 * l2 * (bias * bias).sum()
        grad = (grad @ w.T) * (1 - before * before)  # of tanh; the first layer's is not used
    return value, np.concatenate(grads)


# name: (sizes, loss, classes (0: real targets), samples, l2, of biases too, seed), as in full_batch_test.cpp. Each has
# one minimum, or one that gradient descent finds from the start: without its penalty, softmax's biases have many.
PROBLEMS = {
    'logistic_regression': ([6, 1], 'binary_cross_entropy', 2, 60, 0.015625, False, 5),
    'softmax_regression': ([5, 4], 'softmax_cross_entropy', 4, 64, 0.03125, True, 8),
    'tanh_network': ([3, 2, 2], 'squared_error', 0, 48, 0.015625, False, 12),
}


def solve(sizes, loss, classes, samples, l2, biases, seed):
    numbers = Numbers(seed)
    start = numbers.fill(sum((a + 1) * b for a, b in zip(sizes, sizes[1:])), 0.5)
    x = numbers.fill(samples * sizes[0]).reshape(samples, sizes[0])
    if classes == 0:
        target = numbers.fill(samples * sizes[-1], 0.25).reshape(samples, sizes[-1])
        target = (target + np.where(x[:, :sizes[-1]] > 0, 0.75, -0.75)).astype(f32).astype(float)
    else:
        labels = ((numbers.fill(samples) + 1) * 0.5 * classes).astype(int)
        target = labels[:, None].astype(float) if sizes[-1] == 1 else np.eye(classes)[labels]
    minimum = scipy.optimize.minimize(lambda p: objective(sizes, loss, l2, biases, x, target, p), start, jac=True,
                                      method='L-BFGS-B', options=dict(maxiter=100000, maxfun=100000, ftol=0, gtol=1e-11))
    value, grad = objective(sizes, loss, l2, biases, x, target, minimum.x)
    return value, np.linalg.norm(grad), minimum.x


def main():
    out = [f'// SPDX-License-Identifier: Apache-2.0\n// Made by make_full_batch.py with SciPy {scipy.__version__}, in '
           'float64. Not to be edited.\n']
    table = []
    for name, problem in PROBLEMS.items():
        value, norm, params = solve(*problem)
        print(f'{name}: objective {value:.12g}, gradient norm {norm:.2g}')
        lines, line = [], '   '
        for text in (f' {p:.10g},' for p in params):
            if len(line) + len(text) > 116:
                lines, line = lines + [line], '   '
            line += text
        out.append(f'inline constexpr double {name}_params[]{{\n' + '\n'.join(lines + [line.rstrip(',')]) + '};\n')
        table.append(f'    {{"{name}", {value:.12g}, {name}_params}},\n')
    out.append('inline constexpr GoldenMinimum kGoldenMinima[]{\n' + ''.join(table) + '};\n')
    (pathlib.Path(__file__).parent / 'full_batch_values.inc').write_text('\n'.join(out))


if __name__ == '__main__':
    main()
