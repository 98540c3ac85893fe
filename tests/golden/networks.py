# SPDX-License-Identifier: Apache-2.0
# mote's operators and losses in PyTorch, in float64, on NHWC tensors and in mote's parameter layout; and mote's way of
# making parameters, data and dropout masks. Written from the documentation, not from the sources. For make_golden.py.
import math

import numpy as np
import torch
import torch.nn.functional as F

f32 = np.float32


class Numbers:
    """The linear congruential generator of the C++ tests: [-1, 1), 24 bits, scaled and shifted in float32."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return f32(self.state >> 8) * f32(2.0**-23) - f32(1)

    def fill(self, count, scale=1.0, shift=0.0):
        return np.array([self.next() * f32(scale) + f32(shift) for _ in range(count)], dtype=f32)


def philox4x32(counter, key):
    counter, key = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [(p1 >> 32) ^ counter[1] ^ key[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ counter[3] ^ key[1], p0 & 0xFFFFFFFF]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return counter


def random_words(count, use, seed, stream):
    """Element i has word (i / 16) % 4 of block 16 (i / 64) + i % 16 of the stream."""
    return [philox4x32((16 * (i // 64) + i % 16, use, stream & 0xFFFFFFFF, stream >> 32), (seed, 0))[i // 16 % 4]
            for i in range(count)]


def dropout_mask(count, rate, seed, stream):
    """Kept where the word (dropout is use 0) as a 24-bit uniform is not below the rate."""
    return np.array([1.0 / (1.0 - rate) if (word >> 8) * 2.0**-24 >= rate else 0.0
                     for word in random_words(count, 0, seed, stream)])


def normal_values(count, seed, stream):
    """The normal quantile of (k + 1/2) 2^-23, k the word's upper 23 bits (noise is use 4)."""
    centred = [((word >> 9) + 0.5) * 2.0**-22 - 1.0 for word in random_words(count, 4, seed, stream)]
    return math.sqrt(2.0) * torch.erfinv(torch.tensor(centred))


def same_pads(size, filter, stride, dilation):
    needed = ((size + stride - 1) // stride - 1) * stride + dilation * (filter - 1) + 1 - size
    return max(needed, 0) // 2, max(needed, 0) - max(needed, 0) // 2


class Network:
    """A list of layers: (op, *args, options) as the builders of mote write them, with as_ and reads for names."""

    def __init__(self, *layers):
        self.layers = [dict(op=entry[0], args=[a for a in entry[1:] if not isinstance(a, dict)],
                            **(entry[-1] if isinstance(entry[-1], dict) else {})) for entry in layers]
        self.params = []  # one list of tensors a layer
        self.shapes = []
        self.inputs = []
        names = {}
        for i, l in enumerate(self.layers):
            if 'as_' in l:
                names[l['as_']] = i
            if l['op'] == 'input':
                sources = []
            elif l['op'] in ('add', 'concat'):
                sources = [i - 1] + [names[n] for n in l['args']]
            else:
                sources = [names[l['reads']] if 'reads' in l else i - 1]
            self.inputs.append(sources)
            self.shapes.append(self.shape_of(l, [self.shapes[s] for s in sources]))

    def window(self, l, shape):
        fh, fw = l.get('filter', (2, 2) if 'pool' in l['op'] else (3, 3))
        sh, sw = l.get('stride', (fh, fw) if 'pool' in l['op'] else (1, 1))
        dh, dw = l.get('dilation', (1, 1))
        pads = l.get('pads', (0, 0, 0, 0))  # top, bottom, left, right
        if l.get('same'):
            pads = same_pads(shape[0], fh, sh, dh) + same_pads(shape[1], fw, sw, dw)
        out = lambda size, f, s, d, before, after: (size + before + after - d * (f - 1) - 1) // s + 1
        size = out(shape[0], fh, sh, dh, *pads[:2]), out(shape[1], fw, sw, dw, *pads[2:])
        return (fh, fw), (sh, sw), (dh, dw), pads, size

    def shape_of(self, l, shapes):
        op, args = l['op'], l['args']
        if op == 'input':
            return (1,) * (3 - len(args)) + tuple(args)
        h, w, c = shapes[0]
        if op in ('dense', 'rbf'):
            return (1, 1, args[0])
        if op in ('conv2d', 'depthwise', 'max_pool', 'average_pool'):
            channels = args[0] if op == 'conv2d' else c * args[0] if op == 'depthwise' else c
            return self.window(l, shapes[0])[4] + (channels,)
        if op == 'global_average_pool':
            return (1, 1, c)
        if op == 'concat':
            return (h, w, sum(s[2] for s in shapes))
        if op == 'reshape':
            return tuple(args) if args else (1, 1, h * w * c)
        return shapes[0]

    def make_params(self, numbers, fill):
        def table(count):
            if fill == 'grid':
                eighths = [f32(int(numbers.next() * f32(32))) / f32(4) + f32(0.125) for _ in range(count)]
                return np.array(eighths, dtype=f32)
            if fill == 'distinct':
                return np.array([f32((i * 29 + 7) % 53) * f32(0.15) - f32(4) for i in range(count)], dtype=f32)
            return numbers.fill(count)

        for i, l in enumerate(self.layers):
            op, arrays = l['op'], []
            shape = self.shapes[self.inputs[i][0]] if self.inputs[i] else None
            units = self.shapes[i][2]
            bias = [(units,)] if l.get('bias', True) else []
            if op == 'dense':
                arrays = [(int(np.prod(shape)), units)] + bias
            elif op == 'conv2d':
                arrays = [self.window(l, shape)[0] + (shape[2], units)] + bias
            elif op == 'depthwise':
                arrays = [self.window(l, shape)[0] + (units,)] + bias
            elif op == 'batch_norm':
                arrays = [(units,)] * 4
            elif op == 'rbf':
                arrays = [(int(np.prod(shape)), units), (units,)]
            tensors = []
            for k, dims in enumerate(arrays):
                count = int(np.prod(dims))
                if i == 1 and fill != 'data':
                    values = table(count)
                elif op == 'batch_norm':
                    values = numbers.fill(count, 0.375, 1.0 if k in (0, 3) else 0.0)
                elif op == 'rbf':
                    values = numbers.fill(count, 1.0 if k == 0 else 0.25)
                else:
                    values = numbers.fill(count, 0.5)
                tensor = torch.tensor(values.astype(np.float64).reshape(dims))
                learned = l.get('trainable', True) and not (op == 'batch_norm' and k > 1)
                tensors.append(tensor.requires_grad_(learned))
            self.params.append(tensors)

    def learned(self):
        return [t for tensors in self.params for t in tensors if t.requires_grad]

    def weights(self):
        """What L1 and L2 penalise and AdamW decays: the first array of every layer but batch norm."""
        return [t[0] for l, t in zip(self.layers, self.params) if t and t[0].requires_grad and l['op'] != 'batch_norm']

    def forward(self, x, training, stop=None, slice_index=0, seed=1):
        values = []
        for i, l in enumerate(self.layers):
            sources = [values[s] for s in self.inputs[i]]
            stream = slice_index << 16 | i
            values.append(x if i == 0 else self.apply(l, sources, self.params[i], training, stream, seed))
        return values[-1 if stop is None else stop]

    def apply(self, l, sources, params, training, stream, seed):
        op, x, args = l['op'], sources[0], l['args']
        nchw = x.permute(0, 3, 1, 2)
        if op == 'dense':
            y = x.reshape(x.shape[0], -1) @ params[0]
            return (y + params[1] if len(params) > 1 else y).reshape(x.shape[0], 1, 1, -1)
        if op in ('conv2d', 'depthwise', 'max_pool', 'average_pool'):
            filter, stride, dilation, (top, bottom, left, right), _ = self.window(l, tuple(x.shape[1:]))
            padded = F.pad(nchw, (left, right, top, bottom), value=float('-inf') if op == 'max_pool' else 0.0)
            if op == 'max_pool':
                y = F.max_pool2d(padded, filter, stride)
            elif op == 'average_pool':
                ones = F.pad(torch.ones_like(nchw), (left, right, top, bottom))
                y = F.avg_pool2d(padded, filter, stride) / F.avg_pool2d(ones, filter, stride)
            else:
                bias = params[1] if len(params) > 1 else None
                oihw = params[0].permute(3, 2, 0, 1) if op == 'conv2d' else params[0].permute(2, 0, 1).unsqueeze(1)
                groups = 1 if op == 'conv2d' else nchw.shape[1]
                y = F.conv2d(padded.contiguous(), oihw.contiguous(), bias, stride, 0, dilation, groups)
            return y.permute(0, 2, 3, 1)
        if op == 'global_average_pool':
            return x.mean((1, 2), keepdim=True)
        if op == 'batch_norm':
            gamma, beta, mean, variance = params
            batch = training and l.get('trainable', True)
            y = F.batch_norm(nchw, mean, variance, gamma, beta, batch, float(f32(0.1)), float(f32(1e-5)))
            return y.permute(0, 2, 3, 1)
        if op == 'dropout':
            if not training:
                return x
            return x * torch.tensor(dropout_mask(x.numel(), float(f32(args[0])), seed, stream).reshape(x.shape))
        if op == 'gaussian_noise':
            if not training:
                return x
            return x + float(f32(args[0])) * normal_values(x.numel(), seed, stream).reshape(x.shape)
        if op == 'add':
            return sum(sources[1:], sources[0])
        if op == 'concat':
            return torch.cat(sources, 3)
        if op == 'reshape':
            return x.reshape((x.shape[0],) + (tuple(args) if args else (1, 1, -1)))
        if op == 'rbf':
            distance = ((x.reshape(x.shape[0], -1, 1) - params[0]) ** 2).sum(1)
            return torch.exp(-distance / (2 * torch.exp(params[1]))).reshape(x.shape[0], 1, 1, -1)
        if op == 'leaky_relu':
            return F.leaky_relu(x, args[0])
        if op == 'softmax':
            return F.softmax(x, 3)
        return {'identity': lambda v: v, 'sigmoid': torch.sigmoid, 'tanh': torch.tanh, 'relu': F.relu,
                'relu6': F.relu6, 'silu': F.silu, 'gelu': F.gelu, 'hard_swish': F.hardswish, 'elu': F.elu}[op](x)


CLASS_WEIGHTS = torch.tensor([0.5, 2.0, 1.25, 0.75], dtype=torch.float64)


def loss_of(z, data, config):
    """mote's losses by PyTorch's: sum over outputs, weighted, mean over samples. z: (samples, outputs)."""
    kind, labels, targets = config['loss'], data['labels'], data['targets']
    weights = torch.ones(z.shape[0], dtype=torch.float64)
    if config.get('sample_weights'):
        weights = weights * data['sample_weights']
    if config.get('class_weights'):
        weights = weights * CLASS_WEIGHTS[labels.clamp(min=0)]
    if kind == 'squared_error':
        target = F.one_hot(labels, z.shape[1]).double() if config['by_label'] else targets
        losses = F.mse_loss(z, target, reduction='none').sum(1)
    elif kind == 'binary_cross_entropy':
        target = labels.double().reshape(z.shape) if config['by_label'] else targets
        if config.get('signed_labels'):
            target = (target + 1) / 2
        losses = F.binary_cross_entropy_with_logits(z, target, reduction='none').sum(1)
    elif kind == 'softmax_cross_entropy':
        losses = F.cross_entropy(z, labels if config['by_label'] else targets, reduction='none')
    else:
        losses = F.kl_div(F.log_softmax(z, 1), targets, reduction='none').sum(1)
    return (losses * weights).sum() / z.shape[0]


def make_data(numbers, fill, batch, features, outputs, config):
    if fill == 'data':
        inputs = numbers.fill(batch * features).reshape(batch, features)
    else:
        inputs = np.eye(batch, features, dtype=f32)
    kind, targets, labels = config['loss'], np.zeros((batch, outputs), dtype=f32), []
    signed = config.get('signed_labels')
    for s in range(batch):
        if kind == 'squared_error':
            targets[s] = numbers.fill(outputs)
        elif kind == 'binary_cross_entropy':
            targets[s] = numbers.fill(outputs, 0.5, 0.5)
            if signed:
                targets[s] = np.where(targets[s] < 0.5, -1, 1)
        else:
            row = numbers.fill(outputs, 0.5, 0.75)
            total = f32(0)
            for value in row:
                total = f32(total + value)
            targets[s] = row / total
        binary = kind == 'binary_cross_entropy'
        labels.append((1 if s % 3 else -1 if signed else 0) if binary else (2 * s + 1) % outputs)
    weights = f32(1) + f32(0.75) * np.array([numbers.next() for _ in range(batch)], dtype=f32)
    if config.get('target_input'):
        targets = inputs.reshape(batch, outputs)
    double = lambda a: torch.tensor(a.astype(np.float64))
    return dict(inputs=double(inputs), targets=double(targets), labels=torch.tensor(labels),
                sample_weights=double(weights))
