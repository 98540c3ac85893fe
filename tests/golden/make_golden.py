#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Makes golden_values.inc, what PyTorch (float64) says of the cases that the C++ tests know by the same names:
#   /usr/bin/python3 tests/golden/make_golden.py      with Debian's python3-torch and dataset-fashion-mnist
# The numbers are committed; nobody needs PyTorch to run the tests.
import gzip
import pathlib
import sys

import numpy as np
import torch

sys.dont_write_bytecode = True
import cases
import networks
from networks import Network, Numbers, f32

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def penalty(net, config):
    l1, l2 = config.get('l1', 0.0), config.get('l2', 0.0)
    over = net.learned() if config.get('penalize_bias') else net.weights()
    return sum((l1 * w.abs().sum() + 0.5 * l2 * (w * w).sum() for w in over), torch.zeros(()))


def run_case(batch, fill, layers, seed, config):
    """Forward outputs without training mode, then loss, gradients and running statistics of one batch in it."""
    net, numbers = Network(*layers), Numbers(seed)
    net.make_params(numbers, fill)
    fused = {'softmax_cross_entropy': 'softmax', 'kl_divergence': 'softmax', 'binary_cross_entropy': 'sigmoid'}
    last, stop = net.layers[-1]['op'], None
    if fused.get(config['loss']) == last and net.shapes[-1][:2] == (1, 1):
        stop = len(layers) - 2
    outputs = int(np.prod(net.shapes[-1]))
    data = networks.make_data(numbers, fill, batch, int(np.prod(net.shapes[0])), outputs, config)
    x = data['inputs'].reshape((batch,) + net.shapes[0])
    with torch.no_grad():
        output = net.forward(x, False, stop).reshape(batch, -1)
    samples = config.get('micro_batch', batch)
    slices = batch // samples
    norms = [p for l, p in zip(net.layers, net.params) if l['op'] == 'batch_norm' and l.get('trainable', True)]
    running = [tensor for params in norms for tensor in params[2:]]
    before, after = [t.clone() for t in running], [torch.zeros_like(t) for t in running]
    loss = 0.0
    objective = penalty(net, config)
    grads = [torch.zeros_like(p) for p in net.learned()]
    if objective.requires_grad:
        grads = list(torch.autograd.grad(objective, net.learned(), allow_unused=True))
        grads = [torch.zeros_like(p) if g is None else g for p, g in zip(net.learned(), grads)]
    for i in range(slices):
        for tensor, old in zip(running, before):
            tensor.copy_(old)
        part = {k: v[i * samples:(i + 1) * samples] for k, v in data.items()}
        z = net.forward(x[i * samples:(i + 1) * samples], True, stop, i).reshape(samples, -1)
        part_loss = networks.loss_of(z, part, config) / slices
        loss += float(part_loss)
        grads = [g + h for g, h in zip(grads, torch.autograd.grad(part_loss, net.learned()))]
        for total, tensor in zip(after, running):
            total += tensor / slices
    flat = lambda tensors: np.concatenate([t.detach().numpy().ravel() for t in tensors]) if tensors else np.zeros(0)
    return loss, output.numpy().ravel(), flat(grads), flat(after)


def all_cases():
    for name, (batch, fill, layers) in cases.LAYERS.items():
        config = dict(loss='squared_error', by_label=False)
        yield name, run_case(batch, fill, layers, cases.LAYER_SEEDS.get(name, 1), config)
    for name, (batch, layers, loss, by_label, options) in cases.LOSSES.items():
        yield name, run_case(batch, 'data', layers, cases.LOSS_SEED, dict(loss=loss, by_label=by_label, **options))
    for name, (batch, seed, layers, loss, by_label) in cases.NETWORKS.items():
        yield name, run_case(batch, 'data', layers, seed, dict(loss=loss, by_label=by_label))


# Ten steps of every optimiser --------------------------------------------------------------------------------------

RATES = dict(sgd=0.125, momentum=0.0625, nesterov=0.0625, adagrad=0.125, rmsprop=0.015625, adam=0.03125, adamw=0.03125)


def make_optimizer(kind, net, rate, l2):
    weights = net.weights()
    others = [t for t in net.learned() if all(t is not w for w in weights)]
    decay = 0.25 if kind == 'adamw' else l2
    groups = [dict(params=weights, weight_decay=decay), dict(params=others, weight_decay=0.0)]
    return {
        'sgd': lambda: torch.optim.SGD(groups, lr=rate),
        'momentum': lambda: torch.optim.SGD(groups, lr=rate, momentum=0.9),
        'nesterov': lambda: torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True),
        'adagrad': lambda: torch.optim.Adagrad(groups, lr=rate, eps=float(f32(1e-10))),
        'rmsprop': lambda: torch.optim.RMSprop(groups, lr=rate, alpha=0.99, eps=float(f32(1e-8))),
        'adam': lambda: torch.optim.Adam(groups, lr=rate, eps=float(f32(1e-8))),
        'adamw': lambda: torch.optim.AdamW(groups, lr=rate, eps=float(f32(1e-8))),
    }[kind]()


def make_schedule(name, optimizer):
    lr = torch.optim.lr_scheduler
    return {
        'inverse': lambda: lr.LambdaLR(optimizer, lambda k: 1.0 / (k // 2 + 1)),
        'step': lambda: lr.StepLR(optimizer, 3, 0.5),
        'exponential': lambda: lr.ExponentialLR(optimizer, 0.875),
        'cosine': lambda: lr.CosineAnnealingLR(optimizer, 8, 0.03125),
        'warmup': lambda: lr.LinearLR(optimizer, start_factor=0.25, total_iters=3),
        None: lambda: lr.LambdaLR(optimizer, lambda k: 1.0),
    }[name]()


def run_optimizer(kind, l2=0.0, clip_norm=0.0, clip_value=0.0, schedule=None, steps=10):
    net, numbers = Network(('input', 4), ('dense', 5), ('tanh',), ('dense', 3)), Numbers(9)
    net.make_params(numbers, 'data')
    clipped = clip_norm > 0 or clip_value > 0
    optimizer = make_optimizer(kind, net, RATES[kind], 0.0 if clipped else l2)
    scheduler = make_schedule(schedule, optimizer)
    losses = []
    for step in range(steps):
        if schedule == 'cosine' and step > 8:  # PyTorch's goes up again; mote's stays at the floor
            for group in optimizer.param_groups:
                group['lr'] = 0.03125
        inputs = torch.tensor(numbers.fill(24).astype(np.float64).reshape(6, 1, 1, 4))
        labels = torch.tensor([int((numbers.next() + f32(1)) * f32(1.5)) for _ in range(6)])
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net.forward(inputs, True).reshape(6, 3), labels)
        losses.append(float(loss))
        (loss + penalty(net, dict(l2=l2)) if clipped else loss).backward()
        if clip_norm > 0:
            torch.nn.utils.clip_grad_norm_(net.learned(), clip_norm)
        if clip_value > 0:
            torch.nn.utils.clip_grad_value_(net.learned(), clip_value)
        optimizer.step()
        scheduler.step()
    return losses, np.concatenate([t.detach().numpy().ravel() for t in net.learned()])


def all_optimizer_runs():
    for kind in RATES:
        yield kind, run_optimizer(kind)
        if kind != 'adamw':
            yield kind + '_l2', run_optimizer(kind, l2=0.25)
        yield kind + '_clip_norm', run_optimizer(kind, l2=0.25, clip_norm=0.5)
        yield kind + '_clip_value', run_optimizer(kind, l2=0.25, clip_value=0.0625)
    for schedule in ('inverse', 'step', 'exponential', 'cosine', 'warmup'):
        yield 'sgd_' + schedule, run_optimizer('sgd', schedule=schedule)
        if schedule != 'cosine':  # its floor is meant for SGD's larger rate
            yield 'adam_' + schedule, run_optimizer('adam', schedule=schedule)


# First losses on Fashion-MNIST -------------------------------------------------------------------------------------

def he(seed, count, fan_in):
    """PyTorch's layout (out, in), row by row; what the C++ test makes and transposes."""
    values, limit = np.zeros(count, dtype=f32), f32(np.sqrt(f32(6) / f32(fan_in)))
    for i in range(count):
        seed = (seed * 1664525 + 1013904223) & 0xFFFFFFFF
        values[i] = (f32(2) * (f32(seed >> 8) * f32(2.0**-24)) - f32(1)) * limit
    return torch.tensor(values.astype(np.float64))


def fashion(images):
    folder = pathlib.Path('/usr/share/datasets/fashion-mnist')
    with gzip.open(folder / 'train-images-idx3-ubyte.gz') as file:
        x = np.frombuffer(file.read(16 + 784 * images), dtype=np.uint8, offset=16).reshape(images, 784)
    with gzip.open(folder / 'train-labels-idx1-ubyte.gz') as file:
        y = np.frombuffer(file.read(8 + images), dtype=np.uint8, offset=8)
    return torch.tensor((x.astype(f32) / f32(255)).astype(np.float64)), torch.tensor(y.astype(np.int64))


def trajectory(net, batch, rate, steps):
    x, y = fashion(batch * steps)
    if net == 'mlp':
        sizes = [784, 512, 512, 512, 10]
        weights = [he(100 + k, sizes[k] * sizes[k + 1], sizes[k]).reshape(sizes[k + 1], sizes[k]) for k in range(4)]
    else:
        weights = [he(200, 72, 9).reshape(8, 1, 3, 3), he(201, 1152, 72).reshape(16, 8, 3, 3),
                   he(202, 7840, 784).reshape(10, 784)]
    biases = [torch.zeros(w.shape[0]) for w in weights]
    params = [p.requires_grad_() for p in weights + biases]
    nn = torch.nn.functional
    losses = []
    for step in range(steps):
        h, target = x[step * batch:(step + 1) * batch], y[step * batch:(step + 1) * batch]
        if net == 'conv':
            h = h.reshape(-1, 1, 28, 28)
            for w, b in zip(weights[:2], biases):
                h = nn.max_pool2d(torch.relu(nn.conv2d(h, w, b, padding=1)), 2)
            h = h.flatten(1) @ weights[2].T + biases[2]
        else:
            for k in range(4):
                h = h @ weights[k].T + biases[k]
                h = torch.relu(h) if k < 3 else h
        loss = nn.cross_entropy(h, target)
        losses.append(float(loss))
        for p, g in zip(params, torch.autograd.grad(loss, params)):
            p.data -= rate * g
    return losses


# Output ------------------------------------------------------------------------------------------------------------

def floats(values):
    texts = []
    for value in np.asarray(values, dtype=f32):
        text = np.format_float_positional(value, unique=True, trim='0')
        if 0 < abs(value) < 1e-3:
            text = np.format_float_scientific(value, unique=True, trim='0')
        texts.append(text + 'F')
    lines, line = [], ''
    for text in texts:
        if len(line) + len(text) + 2 > 116:
            lines.append(line.rstrip())
            line = ''
        line += text + ', '
    return '\n'.join('    ' + l for l in lines + [line.rstrip()])


def array(name, values):
    return f'inline constexpr float {name}[]{{\n{floats(values)}}};\n'


def main():
    out = ['// SPDX-License-Identifier: Apache-2.0\n// Made by make_golden.py with PyTorch ' +
           torch.__version__.split('a')[0] + ', in float64, rounded to float32. Not to be edited.\n']
    table = []
    for name, (loss, output, gradient, running) in all_cases():
        out.append(array(name + '_output', output) + array(name + '_gradient', gradient))
        if len(running):
            out.append(array(name + '_running', running))
        table.append(f'    {{"{name}", {loss:.10g}, {name}_output, {name}_gradient, '
                     f'{name + "_running" if len(running) else "{}"}}},\n')
    out.append('inline constexpr GoldenCase kGoldenCases[]{\n' + ''.join(table) + '};\n')
    table = []
    for name, (losses, params) in all_optimizer_runs():
        out.append(array(name + '_losses', losses) + array(name + '_params', params))
        table.append(f'    {{"{name}", {name}_losses, {name}_params}},\n')
    out.append('inline constexpr GoldenRun kGoldenRuns[]{\n' + ''.join(table) + '};\n')
    for name, net, batch, rate in (('mlp_32', 'mlp', 32, 0.1), ('conv_32', 'conv', 32, 0.1), ('mlp_1', 'mlp', 1, 0.01)):
        losses = trajectory(net, batch, float(f32(rate)), 6)
        print(name, *(f'{loss:.6f}' for loss in losses))
        out.append(array('fashion_' + name, losses))
    text = '\n'.join(out)
    path = pathlib.Path(__file__).parent / 'golden_values.inc'
    path.write_text(text)
    print(f'{path.name}: {len(text)} bytes')


if __name__ == '__main__':
    main()
