# SPDX-License-Identifier: Apache-2.0
"""The rows of the comparison: what is computed, on which data, and how far outputs may be apart.

The words of a row, which workers are told:
  dense forward|grad_input|grad_params BATCH FAN_IN FAN_OUT
  conv2d|depthwise forward|grad_input|grad_params BATCH H W C OUT_C FILTER_H FILTER_W STRIDE      ("same" padding)
  int8 dense|conv2d|depthwise forward SIZES      (as above; values are whole, outputs scaled and cut to -128 … 127)
  activation NAME COUNT
  network TEXT_FILE
  quantized      (model.tflite in the folder, int8 from end to end; values as floats)
  train TEXT_FILE BATCH LEARNING_RATE      (SGD on softmax cross-entropy; static_train: as the compiler knows it)
"""

import os
import shutil

import numpy as np

import networks

NETWORKS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "networks")
# The network and its .tflite files, float and int8.
MLPERF = {
    "keywords": "kws_ref_model_float32",
    "persons": "vww_96_float",
    "resnet8": "pretrainedResnet",
    "anomaly": "ad01_fp32",
}
QUANTIZED = {
    "keywords": "kws_ref_model",
    "persons": "vww_96_int8",
    "resnet8": "pretrainedResnet_quant",
    "anomaly": "ad01_int8",
}


class Row:
    """A line of the table: what the workers are told, its operations, and how far outputs may be apart."""

    def __init__(self, kind, name, words, flops, tolerance, prepare, file_tolerance=None):
        self.kind, self.name, self.words, self.flops = kind, name, words, flops
        self.tolerance, self.prepare = tolerance, prepare
        self.file_tolerance = tolerance if file_tolerance is None else file_tolerance


class Work:
    """The folder that arrays are handed over in."""

    def __init__(self, folder):
        self.folder, self.random = folder, np.random.default_rng(1)

    def put(self, name, values):
        np.ascontiguousarray(values, np.float32).tofile(os.path.join(self.folder, name + ".f32"))

    def uniform(self, **counts):
        for name, count in counts.items():
            self.put(name, self.random.uniform(-0.5, 0.5, count))


def dense_rows():
    shapes = [(batch, i, o) for batch in (8, 32) for i, o in ((784, 512), (512, 512), (640, 128), (128, 128), (64, 64))]
    shapes += [(96, 96, 96), (128, 128, 128), (32, 512, 10)]
    for passing in ("forward", "grad_input", "grad_params"):
        alone = [(1, 784, 512), (1, 640, 128), (1, 128, 128), (1, 64, 12)]
        for batch, i, o in shapes + alone:

            def prepare(work, batch=batch, i=i, o=o):
                work.uniform(input=batch * i, weights=i * o, bias=o, grad=batch * o)

            yield Row("dense", f"dense {passing} {batch}x{i}x{o}", f"dense {passing} {batch} {i} {o}",
                      2.0 * batch * i * o, 1e-5, prepare)


def window_rows():
    conv = [
        (32, 28, 28, 1, 8, 3, 3, 1), (32, 14, 14, 8, 16, 3, 3, 1), (1, 49, 10, 1, 64, 10, 4, 2),
        (1, 96, 96, 3, 8, 3, 3, 2), (1, 32, 32, 3, 16, 3, 3, 1), (8, 32, 32, 3, 16, 3, 3, 1),
        (1, 32, 32, 16, 16, 3, 3, 1), (8, 32, 32, 16, 16, 3, 3, 1), (8, 32, 32, 16, 32, 3, 3, 2),
        (8, 16, 16, 32, 32, 3, 3, 1), (8, 8, 8, 64, 64, 3, 3, 1), (8, 32, 32, 16, 32, 1, 1, 2),
        (1, 48, 48, 8, 16, 1, 1, 1), (1, 25, 5, 64, 64, 1, 1, 1), (8, 25, 5, 64, 64, 1, 1, 1),
        (1, 6, 6, 128, 128, 1, 1, 1), (1, 3, 3, 256, 256, 1, 1, 1),
    ]
    depthwise = [
        (1, 25, 5, 64, 64, 3, 3, 1), (8, 25, 5, 64, 64, 3, 3, 1), (1, 48, 48, 8, 8, 3, 3, 1),
        (1, 48, 48, 16, 16, 3, 3, 2), (1, 24, 24, 32, 32, 3, 3, 1), (8, 24, 24, 32, 32, 3, 3, 1),
        (1, 12, 12, 64, 64, 3, 3, 1), (1, 6, 6, 128, 128, 3, 3, 1), (1, 3, 3, 256, 256, 3, 3, 1),
        (1, 24, 24, 8, 16, 3, 3, 1),
    ]
    for kind, cases in (("conv2d", conv), ("depthwise", depthwise)):
        for passing in ("forward", "grad_input", "grad_params"):
            for case in cases:
                batch, h, w, c, o, filter_h, filter_w, stride = case
                out = batch * -(-h // stride) * -(-w // stride) * o
                weights = filter_h * filter_w * (c if kind == "conv2d" else 1) * o

                def prepare(work, inputs=batch * h * w * c, weights=weights, o=o, out=out):
                    work.uniform(input=inputs, weights=weights, bias=o, grad=out)

                name = f"{batch}x{h}x{w}x{c}-{o} {filter_h}x{filter_w}" + (f" s{stride}" if stride > 1 else "")
                terms = filter_h * filter_w * (c if kind == "conv2d" else 1)
                yield Row(kind, f"{kind} {passing} {name}", f"{kind} {passing} " + " ".join(map(str, case)),
                          2.0 * out * terms, 2e-5, prepare)


def put_int8(work, inputs, terms, outputs):
    """Arrays of an int8 layer: whole numbers, and a scale for each output that leaves sums a spread of some 50 steps."""
    work.put("input", work.random.integers(-128, 128, inputs))
    work.put("weights", work.random.integers(-127, 128, terms * outputs))
    work.put("bias", work.random.integers(-5000, 5001, outputs))
    work.put("scale", work.random.uniform(0.5, 1, outputs) * 50 / (74 * 73 * np.sqrt(terms)))


def int8_layer_rows():
    """Libraries round in different ways: outputs may be one step apart, of magnitudes that reach 127."""
    step = 1.01 / 127
    for batch, i, o in ((1, 784, 512), (1, 640, 128), (1, 128, 128), (8, 784, 512), (8, 640, 128), (8, 128, 128),
                        (32, 512, 512), (32, 128, 128), (64, 64, 64)):

        def prepare(work, batch=batch, i=i, o=o):
            put_int8(work, batch * i, i, o)

        yield Row("int8 dense", f"int8 dense {batch}x{i}x{o}", f"int8 dense forward {batch} {i} {o}",
                  2.0 * batch * i * o, step, prepare)
    conv = [
        (1, 28, 28, 1, 16, 3, 3, 1), (1, 96, 96, 3, 8, 3, 3, 2), (1, 32, 32, 3, 16, 3, 3, 1), (1, 49, 10, 1, 64, 10, 4, 2),
        (1, 32, 32, 16, 16, 3, 3, 1), (1, 32, 32, 16, 32, 3, 3, 2), (1, 16, 16, 32, 32, 3, 3, 1),
        (1, 8, 8, 64, 64, 3, 3, 1), (1, 48, 48, 8, 16, 1, 1, 1), (1, 24, 24, 32, 32, 1, 1, 1),
        (1, 25, 5, 64, 64, 1, 1, 1), (1, 6, 6, 128, 128, 1, 1, 1), (1, 3, 3, 256, 256, 1, 1, 1),
    ]
    depthwise = [(1, 48, 48, 8, 8, 3, 3, 1), (1, 48, 48, 16, 16, 3, 3, 2), (1, 24, 24, 32, 32, 3, 3, 1),
                 (1, 25, 5, 64, 64, 3, 3, 1), (1, 6, 6, 128, 128, 3, 3, 1)]
    for kind, cases in (("conv2d", conv), ("depthwise", depthwise)):
        for case in cases:
            batch, h, w, c, o, filter_h, filter_w, stride = case
            terms = filter_h * filter_w * (c if kind == "conv2d" else 1)

            def prepare(work, inputs=batch * h * w * c, terms=terms, o=o):
                put_int8(work, inputs, terms, o)

            name = f"{batch}x{h}x{w}x{c}-{o} {filter_h}x{filter_w}" + (f" s{stride}" if stride > 1 else "")
            yield Row(f"int8 {kind}", f"int8 {kind} {name}", f"int8 {kind} forward " + " ".join(map(str, case)),
                      2.0 * batch * -(-h // stride) * -(-w // stride) * o * terms, step, prepare)


def activation_rows():
    for name in ("relu", "sigmoid", "tanh", "gelu", "elu", "softmax"):
        for count in (256, 4096, 65536):

            def prepare(work, count=count):
                work.put("input", work.random.uniform(-6, 6, count))

            yield Row("activation", f"{name} {count}", f"activation {name} {count}", 0.0, 1e-5, prepare)


def overhead_rows():
    """What one call costs: ReLU of a single float."""
    yield Row("overhead", "relu 1", "activation relu 1", 0.0, 1e-5, lambda work: work.put("input", [0.5]))


def network_rows(models):
    for name, file in MLPERF.items():
        text = os.path.join(NETWORKS, name + ".txt")
        layers = networks.read(text)

        def prepare(work, layers=layers, file=file):
            if models is None:
                work.put("weights", networks.random_params(layers, work.random))
                work.put("input", work.random.uniform(-1, 1, int(np.prod(layers[0].shape))))
                return None
            path = os.path.join(models, file)
            params, content = networks.tflite_params(path + ".tflite", layers)
            with open(os.path.join(work.folder, "model.tflite"), "wb") as out:
                out.write(content)
            work.put("weights", params)
            inputs, expected = np.load(path + ".input.npy"), np.load(path + ".expected.npy")
            # Between candidates the input counts that the network is least sure of; an output of 0 and 1 compares nothing.
            sureness = np.max(expected, axis=1)
            chosen = inputs[np.argmin(sureness)]
            work.put("input", chosen if np.min(sureness) < 0.99 else chosen / np.max(np.abs(chosen)))
            return inputs, expected

        yield Row("network", name, f"network {text}", 2.0 * networks.forward_macs(layers), 1e-4, prepare)


def quantized_rows(models):
    """mote's bytes are those that come with the file; others round differently, and softmax makes more of it."""
    for name, file in QUANTIZED.items() if models is not None else ():
        layers = networks.read(os.path.join(NETWORKS, name + ".txt"))

        def prepare(work, file=file):
            path = os.path.join(models, file)
            shutil.copyfile(path + ".tflite", os.path.join(work.folder, "model.tflite"))
            inputs, expected = np.load(path + ".input.npy"), np.load(path + ".expected.npy")
            work.put("input", inputs[0])
            return inputs, expected

        yield Row("int8 network", name, "quantized", 2.0 * networks.forward_macs(layers), 0.1, prepare, 0.0)


def training_rows():
    for title, name, batch in (
        ("784-512-512-512-10 batch 32", "mlp", 32), ("784-512-512-512-10 batch 1", "mlp", 1),
        ("conv 8, conv 16, dense 10 on 28x28, batch 32", "conv", 32), ("16-32-16-4 batch 8", "small_mlp", 8),
    ):
        text = os.path.join(NETWORKS, name + ".txt")
        layers = networks.read(text)

        def prepare(work, layers=layers, batch=batch):
            count, floats = 16 * batch, int(np.prod(layers[0].shape))
            work.put("weights", networks.random_params(layers, work.random))
            work.put("input", work.random.uniform(0, 1, count * floats))
            work.put("labels", np.arange(count) % layers[-1].shape[2])

        yield Row("training", title, f"train {text} {batch} 0.01", 2.0 * batch * networks.training_macs(layers), 1e-4,
                  prepare)


def all_rows(models):
    return [*overhead_rows(), *network_rows(models), *quantized_rows(models), *int8_layer_rows(), *training_rows(), *dense_rows(), *window_rows(), *activation_rows()]
