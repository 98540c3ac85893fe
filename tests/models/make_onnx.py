#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the .onnx models of this folder, each with inputs and the outputs that ONNX's reference implementation gives.

    python3 tests/models/make_onnx.py

Needs the packages onnx and numpy; with onnxruntime, outputs are compared with its, too, and some are its. NAME.npz holds in0_0, out0_0
and so on: run, then number. The weights are random.
"""

import os

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

HERE = os.path.dirname(os.path.abspath(__file__))
random = numpy.random.default_rng(11)


def weights(*shape, scale=0.5):
    return (random.standard_normal(shape) * scale).astype(numpy.float32)


def values(*shape):
    return random.uniform(-1, 1, shape).astype(numpy.float32)


class Model:
    """Nodes in a row; constants by array."""

    def __init__(self, opset=17):
        self.nodes, self.constants, self.inputs, self.outputs, self.opset = [], [], [], [], opset

    def input(self, name, shape, type=TensorProto.FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, type, shape))
        return name

    def constant(self, array, name=None):
        name = name or f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(numpy.asarray(array), name))
        return name

    def node(self, op, inputs, outputs=1, domain="", **attributes):
        inputs = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        names = [f"{op.lower()}{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, f"{op}_{len(self.nodes)}", domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def output(self, value, name, type=TensorProto.FLOAT):
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append((name, type))

    def save(self, name, runs, external=False, reference=None, by_formula=None):
        sets = [helper.make_opsetid("", self.opset), helper.make_opsetid("ai.onnx.ml", 3)]

        def made(shapes):
            ends = [helper.make_tensor_value_info(*end, shape) for end, shape in zip(self.outputs, shapes)]
            graph = helper.make_graph(self.nodes, name, self.inputs, ends, self.constants)
            return helper.make_model(graph, opset_imports=sets, ir_version=8, producer_name="make_onnx.py")

        def expected(model, inputs):
            feed = {i.name: x for i, x in zip(self.inputs, inputs)}
            if reference is run_by_runtime:
                return feed, run_by_runtime(model, feed)
            return feed, reference(*inputs) if reference else ReferenceEvaluator(model).run(None, feed)

        model = made([None] * len(self.outputs))
        model = made([numpy.shape(y) for y in expected(model, runs[0])[1]])
        onnx.checker.check_model(model)
        path = os.path.join(HERE, name + ".onnx")
        if external:
            data = os.path.join(HERE, name + ".data")
            if os.path.exists(data):
                os.remove(data)
            onnx.save(model, path, save_as_external_data=True, location=name + ".data", size_threshold=64)
            model = onnx.load(path)
        else:
            onnx.save(model, path)
        arrays = {}
        for run, inputs in enumerate(runs):
            feed, outputs = expected(model, inputs)
            for i, (end, _) in enumerate(self.outputs):
                if by_formula and end in by_formula:
                    outputs[i] = by_formula[end](*inputs)
            check(path, feed, outputs)
            arrays |= {f"in{run}_{i}": x for i, x in enumerate(inputs)}
            arrays |= {f"out{run}_{i}": numpy.asarray(y) for i, y in enumerate(outputs)}
        numpy.savez(os.path.join(HERE, name + ".npz"), **arrays)
        print(name, os.path.getsize(path), "bytes")


def run_by_runtime(model, feed):
    import onnxruntime

    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, feed)


def check(path, feed, outputs):
    try:
        import onnxruntime
    except ImportError:
        return
    for ours, theirs in zip(outputs, onnxruntime.InferenceSession(path).run(None, feed)):
        numpy.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def convolutions():
    m = Model()
    x = m.input("image", [1, 4, 9, 8])
    v = m.node("Conv", [x, weights(6, 4, 3, 2), weights(6)], pads=[1, 0, 2, 1], strides=[2, 1], dilations=[1, 2])
    v = m.node("BatchNormalization", [v, weights(6), weights(6), weights(6), numpy.abs(weights(6)) + 0.5])
    v = m.node("Relu", [v])
    v = m.node("Conv", [v, weights(6, 1, 3, 3)], group=6, auto_pad="SAME_UPPER")
    v = m.node("Conv", [v, weights(4, 3, 1, 1), weights(4)], group=2)
    v = m.node("LeakyRelu", [v], alpha=0.2)
    a = m.node("AveragePool", [v], kernel_shape=[3, 2], pads=[1, 1, 1, 0], strides=[2, 2], count_include_pad=1)
    b = m.node("MaxPool", [v], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    m.output(m.node("GlobalAveragePool", [a]), "mean")
    v = m.node("Flatten", [b])
    v = m.node("Gemm", [v, weights(5, 48), weights(5)], transB=1, alpha=0.5, beta=2.0)
    m.output(m.node("Softmax", [v]), "scores")
    m.save("convolutions", [[values(1, 4, 9, 8)], [values(1, 4, 9, 8)]])


def attention():
    m = Model()
    x = m.input("tokens", ["batch", 6, 8])
    v = m.node("LayerNormalization", [x, weights(8), weights(8)], epsilon=1e-6)
    heads = []
    for _ in range(3):
        h = m.node("Reshape", [m.node("MatMul", [v, weights(8, 8)]), numpy.array([0, 6, 2, 4])])
        heads.append(m.node("Transpose", [h], perm=[0, 2, 1, 3]))
    q, k, v = heads
    s = m.node("MatMul", [q, m.node("Transpose", [k], perm=[0, 1, 3, 2])])
    s = m.node("Softmax", [m.node("Div", [s, numpy.float32(2.0)])], axis=-1)
    o = m.node("Transpose", [m.node("MatMul", [s, v])], perm=[0, 2, 1, 3])
    o = m.node("Add", [m.node("Reshape", [o, numpy.array([0, 6, 8])]), x])
    m.output(o, "out")
    m.output(m.node("LogSoftmax", [o], axis=1), "log")
    m.save("attention", [[values(1, 6, 8)]])


def recurrent():
    m = Model()
    x, h = m.input("x", [5, 1, 3]), m.input("h", [2, 1, 4])
    y, last, cell = m.node("LSTM", [x, weights(2, 16, 3), weights(2, 16, 4), weights(2, 32), "", h, "h"], 3,
                           hidden_size=4, direction="bidirectional")
    m.output(y, "lstm")
    m.output(last, "lstm_h")
    m.output(cell, "lstm_c")
    y, last = m.node("GRU", [x, weights(1, 12, 3), weights(1, 12, 4), weights(1, 24)], 2, hidden_size=4,
                     linear_before_reset=1)
    m.output(y, "gru")
    m.output(last, "gru_h")
    y, last = m.node("GRU", [x, weights(1, 12, 3), weights(1, 12, 4), weights(1, 24)], 2, hidden_size=4,
                     direction="reverse")
    m.output(last, "gru_reverse_h")
    y, last = m.node("RNN", [x, weights(1, 4, 3), weights(1, 4, 4), weights(1, 8)], 2, hidden_size=4)
    m.output(y, "rnn")
    m.save("recurrent", [[values(5, 1, 3), values(2, 1, 4)]], reference=Recurrences(m))


class Recurrences:
    """The reference implementation knows one direction and no initial states of GRUs: the formulas, from the text."""

    def __init__(self, model):
        self.nodes = [n for n in model.nodes if n.op_type in ("LSTM", "GRU", "RNN")]
        self.constants = {c.name: numpy_helper.to_array(c).astype(float) for c in model.constants}

    def __call__(self, x, h):
        def sigmoid(v):
            return 1 / (1 + numpy.exp(-v))

        results = []
        for node in self.nodes:
            kind = node.op_type
            w, r, b = (self.constants[n] for n in node.input[1:4])
            settings = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            reverse = settings.get("direction", b"forward") == b"reverse"
            size, ys, lasts, cells = r.shape[2], [], [], []
            for d in range(w.shape[0]):
                turned = reverse or d == 1
                state = h[d, 0].astype(float) if kind == "LSTM" else numpy.zeros(size)
                cell, out = state.copy(), numpy.zeros((x.shape[0], size))
                wb, rb = b[d][: len(b[d]) // 2], b[d][len(b[d]) // 2 :]
                for t in reversed(range(x.shape[0])) if turned else range(x.shape[0]):
                    a, c = w[d] @ x[t, 0] + wb, r[d] @ state + rb
                    if kind == "LSTM":
                        i, o, f, g = numpy.split(a + c, 4)
                        cell = sigmoid(f) * cell + sigmoid(i) * numpy.tanh(g)
                        state = sigmoid(o) * numpy.tanh(cell)
                    elif kind == "GRU":
                        z, q = sigmoid((a + c)[:size]), sigmoid((a + c)[size : 2 * size])
                        inner = q * c[2 * size :]
                        if not settings.get("linear_before_reset", 0):
                            inner = r[d][2 * size :] @ (q * state) + rb[2 * size :]
                        state = (1 - z) * numpy.tanh(a[2 * size :] + inner) + z * state
                    else:
                        state = numpy.tanh(a + c)
                    out[t] = state
                ys.append(out), lasts.append(state), cells.append(cell)
            results.append([numpy.stack(ys, 1)[:, :, None], numpy.stack(lasts)[:, None], numpy.stack(cells)[:, None]])
        lstm, gru, turned, rnn = results
        wanted = [*lstm, gru[0], gru[1], turned[1], rnn[0]]
        return [v.astype(numpy.float32) for v in wanted]


def movement():
    m = Model(opset=18)
    x = m.input("x", ["n", 4, 6, 5])
    a = m.node("Slice", [x, numpy.array([3, -1]), numpy.array([-9, 0]), numpy.array([1, 3]), numpy.array([-2, -2])])
    m.output(a, "slices")
    parts = m.node("Split", [x, numpy.array([1, 1, 1, 1])], 4, axis=1)
    m.output(m.node("Concat", [*reversed(parts), x, parts[0]], axis=1), "joined")
    for mode in ("reflect", "edge", "constant"):
        m.output(m.node("Pad", [x, numpy.array([0, 1, 2, 1, 0, 0, 1, 2])], mode=mode), mode)
    m.output(m.node("DepthToSpace", [x], blocksize=2, mode="CRD"), "depth")
    shape = m.node("Gather", [m.node("Shape", [x]), numpy.array([0, 3, 1, 2])], axis=0)
    m.output(m.node("Reshape", [m.node("Transpose", [x], perm=[0, 3, 1, 2]), shape]), "turned")
    m.output(m.node("Expand", [m.node("ReduceMax", [x, numpy.array([2])], keepdims=1), numpy.array([1, 4, 3, 5])]), "wide")
    m.output(m.node("Resize", [x, "", "", numpy.array([1, 4, 9, 3])], mode="linear"), "resized")
    m.output(m.node("Resize", [x, "", numpy.array([1, 1, 2, 2], numpy.float32)], mode="nearest",
                    coordinate_transformation_mode="asymmetric", nearest_mode="floor"), "doubled")
    m.save("movement", [[values(1, 4, 6, 5)]])


def choices():
    """Conditions, whole numbers, indices of the run, control flow that is known."""
    m = Model()
    x, which = m.input("x", [1, 6]), m.input("which", [1, 3], TensorProto.INT64)
    m.output(m.node("Gather", [weights(7, 4), which], axis=0), "rows")
    above = m.node("Greater", [x, numpy.float32(0)])
    m.output(m.node("Where", [above, x, m.node("Mul", [x, numpy.float32(-3)])]), "chosen")
    m.output(m.node("ArgMax", [x], axis=1), "best", type=TensorProto.INT64)
    m.output(m.node("Cast", [above], to=TensorProto.FLOAT), "mask")
    m.output(m.node("Cast", [m.node("Mul", [x, numpy.float32(9)])], to=TensorProto.INT32), "whole",
             type=TensorProto.INT32)
    m.output(m.node("ReduceSum", [m.node("Cast", [which], to=TensorProto.FLOAT), numpy.array([1])], keepdims=0), "sum")
    branches = [helper.make_graph([helper.make_node(op, [x], ["r"])], op, [], [helper.make_tensor_value_info("r", 1, None)])
                for op in ("Exp", "Neg")]
    condition = m.node("Greater", [m.node("Size", [x]), numpy.int64(5)])
    m.output(m.node("If", [condition], then_branch=branches[0], else_branch=branches[1]), "branch")
    m.save("choices", [[values(1, 6), numpy.array([[2, -1, 5]])], [values(1, 6), numpy.array([[0, 6, 3]])]])


def upsampling():
    m = Model()
    x = m.input("x", [1, 3, 4, 5])
    v = m.node("ConvTranspose", [x, weights(3, 4, 3, 2), weights(4)], strides=[2, 3], pads=[1, 0, 0, 1],
               output_padding=[1, 0])
    v = m.node("PRelu", [v, weights(4, 1, 1)])
    m.output(m.node("InstanceNormalization", [v, weights(4), weights(4)]), "y")
    m.output(m.node("LRN", [x], size=3, alpha=0.3, beta=0.6, bias=1.5), "lrn")

    def lrn(v):  # the reference implementation sums over the samples' number of channels
        squares = numpy.pad(v.astype(float) ** 2, [(0, 0), (1, 1), (0, 0), (0, 0)])
        total = squares[:, :-2] + squares[:, 1:-1] + squares[:, 2:]
        return (v / (1.5 + 0.3 / 3 * total) ** 0.6).astype(numpy.float32)

    m.save("upsampling", [[values(1, 3, 4, 5)]], by_formula={"lrn": lrn})


def elementwise():
    m = Model(opset=20)
    x = m.input("x", [2, 3, 4])
    near = m.node("Mul", [x, numpy.float32(4)])
    for op in ("Sigmoid", "Tanh", "Elu", "Selu", "Softplus", "Softsign", "HardSigmoid", "HardSwish", "Gelu", "Exp", "Abs",
               "Neg", "Sin", "Cos", "Floor", "Ceil", "Round", "Sign", "Relu"):
        m.output(m.node(op, [near]), op.lower())
    positive = m.node("Add", [m.node("Abs", [x]), numpy.float32(0.1)])
    for op in ("Log", "Sqrt", "Reciprocal"):
        m.output(m.node(op, [positive]), op.lower())
    m.output(m.node("Pow", [positive, weights(3, 1)]), "pow")
    m.output(m.node("Min", [x, weights(4), weights(1)]), "least")
    m.output(m.node("Clip", [x, numpy.float32(-0.25), numpy.float32(0.5)]), "clip")
    m.output(m.node("ReduceL2", [x, numpy.array([0, 2])]), "l2")
    m.save("elementwise", [[values(2, 3, 4)]])


def filters():
    """Convolutions whose weights are computed, by what the graph is given or by what it computes."""
    m = Model()
    x, w = m.input("image", [1, 4, 7, 6]), m.input("filters", [6, 4, 3, 2])
    own = m.node("Tanh", [w])
    plain = m.node("Conv", [x, own], pads=[1, 0, 1, 1], strides=[2, 1], dilations=[1, 2])
    m.output(plain, "plain")
    half = m.node("Slice", [own, numpy.array([0]), numpy.array([2]), numpy.array([1])])
    m.output(m.node("Conv", [x, half, weights(6)], group=2), "grouped")
    one = m.node("ReduceMean", [own], axes=[1], keepdims=1)  # 6, 1, 3, 2
    twelve = m.node("Concat", [one, m.node("Neg", [one])], axis=0)
    m.output(m.node("Conv", [m.node("Relu", [plain]), twelve], group=6, pads=[1, 1, 1, 1]), "depthwise")
    bias = m.node("ReduceMean", [own], axes=[1, 2, 3], keepdims=0)
    m.output(m.node("Conv", [x, weights(6, 4, 1, 1), bias]), "biased")
    m.save("filters", [[values(1, 4, 7, 6), values(6, 4, 3, 2)], [values(1, 4, 7, 6), values(6, 4, 3, 2)]])


def external():
    m = Model()
    x = m.input("x", [1, 8])
    m.output(m.node("Gemm", [x, weights(8, 16), weights(16)]), "y")
    m.save("external", [[values(1, 8)]], external=True)


def quantised():
    m = Model(opset=19)
    x = m.input("x", [1, 2, 5, 5])

    def through(v, scale, zero):
        q = m.node("QuantizeLinear", [v, numpy.float32(scale), numpy.int8(zero)])
        return m.node("DequantizeLinear", [q, numpy.float32(scale), numpy.int8(zero)])

    w = random.integers(-127, 128, (3, 2, 3, 3)).astype(numpy.int8)
    w = m.node("DequantizeLinear", [w, numpy.float32([0.01, 0.02, 0.015]), numpy.int8([0, 0, 0])], axis=0)
    v = m.node("Conv", [through(x, 1 / 64, 3), w, weights(3)], pads=[1, 1, 1, 1])
    m.output(through(m.node("Relu", [v]), 1 / 16, -128), "y")
    m.save("quantised", [[values(1, 2, 5, 5)]])


def forest():
    """Two trees of three classes, one asking < and one <=, and what is missing goes its own way."""
    m = Model()
    x = m.input("x", [None, 3])
    label, scores = m.node("TreeEnsembleClassifier", [x], 2, "ai.onnx.ml",
                           nodes_treeids=[0, 0, 0, 0, 0, 1, 1, 1], nodes_nodeids=[0, 1, 2, 3, 4, 0, 1, 2],
                           nodes_featureids=[0, 2, 0, 0, 0, 1, 0, 0],
                           nodes_modes=["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"],
                           nodes_values=[0.1, -0.3, 0.0, 0.0, 0.0, 0.25, 0.0, 0.0],
                           nodes_truenodeids=[1, 2, 0, 0, 0, 1, 0, 0], nodes_falsenodeids=[4, 3, 0, 0, 0, 2, 0, 0],
                           nodes_missing_value_tracks_true=[1, 0, 0, 0, 0, 0, 0, 0],
                           class_treeids=[0, 0, 0, 0, 1, 1], class_nodeids=[2, 3, 4, 4, 1, 2],
                           class_ids=[0, 1, 2, 0, 1, 2], class_weights=[1.0, 0.75, 0.5, 0.125, 0.6, 0.55],
                           classlabels_int64s=[7, 3, 5], post_transform="SOFTMAX")
    m.output(label, "label", type=TensorProto.INT64)
    m.output(scores, "scores")
    rows = [numpy.float32([row]) for row in ([0.1, 0.2, -0.5], [0.5, 0.5, 0.5], [numpy.nan, 0.3, 0.0], [0, 0.25, -0.3])]
    m.save("forest", [[row] for row in rows])


def regression():
    m = Model()
    x = m.input("x", [1, 4])
    v = m.node("Scaler", [x], domain="ai.onnx.ml", offset=[0.1, -0.2, 0.0, 0.3], scale=[2.0, 1.0, 0.5, 3.0])
    v = m.node("Normalizer", [v], domain="ai.onnx.ml", norm="L2")
    m.output(m.node("LinearRegressor", [v], domain="ai.onnx.ml", targets=2, coefficients=[0.5, -1.0, 2.0, 0.25, 1, 2, 3, 4],
                    intercepts=[0.5, -0.5]), "linear")
    label, scores = m.node("LinearClassifier", [v], 2, "ai.onnx.ml", coefficients=[0.5, -1, 2, 0.25, -0.5, 1, -2, -0.25],
                           intercepts=[0.1, -0.1], classlabels_ints=[0, 1], post_transform="LOGISTIC", multi_class=1)
    m.output(label, "label", type=TensorProto.INT64)
    m.output(m.node("Normalizer", [scores], domain="ai.onnx.ml", norm="L1"), "scores")
    m.output(m.node("SVMRegressor", [v], domain="ai.onnx.ml", kernel_type="RBF", kernel_params=[0.7, 0.0, 3.0],
                    n_supports=3, support_vectors=[float(w) for w in weights(12)], coefficients=[0.5, -0.25, 1.0],
                    rho=[0.2]), "svm")
    m.output(m.node("TreeEnsembleRegressor", [x], domain="ai.onnx.ml", n_targets=1, nodes_treeids=[0, 0, 0],
                    nodes_nodeids=[0, 1, 2], nodes_featureids=[1, 0, 0], nodes_modes=["BRANCH_GTE", "LEAF", "LEAF"],
                    nodes_values=[0.0, 0.0, 0.0], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
                    target_treeids=[0, 0], target_nodeids=[1, 2], target_ids=[0, 0], target_weights=[1.5, -2.0],
                    base_values=[0.25]), "tree")
    m.save("regression", [[values(1, 4)], [values(1, 4)]])


def integers():
    """Whole numbers beyond float32's 2^24 among the constants, and divisions of the run towards zero."""
    m = Model()
    x, n = m.input("x", [1, 3]), m.input("n", [1, 4], TensorProto.INT32)
    big = 2**53

    def whole(*numbers):
        return numpy.array(numbers, numpy.int64)

    def scaled(value, name):  # what is left of a constant, times x
        m.output(m.node("Mul", [x, m.node("Cast", [value], to=TensorProto.FLOAT)]), name)

    def without(value, base):
        return m.node("Sub", [value, whole(base)])

    scaled(without(m.node("Abs", [whole(-big - 1, 5 - big, big + 3)]), big), "absolute")
    scaled(without(m.node("Neg", [whole(-big - 1, -big - 2, -big - 3)]), big), "negative")
    scaled(without(m.node("ReduceSum", [whole(2**40, 1, 2), whole(0)]), 2**40), "sum")  # the runtime's has 53 bits
    scaled(without(m.node("ReduceMax", [whole(big, big + 1, 2)]), big), "most")
    scaled(without(m.node("ReduceMin", [whole(big + 3, big + 1, big + 2)]), big), "least")
    scaled(without(m.node("ReduceProd", [whole(3**17, 3**10, 7)]), 7 * 3**27 - 11), "product")
    scaled(m.node("ReduceMean", [whole(-7, 2, 0)]), "mean")
    scaled(without(m.node("Pow", [whole(3, 3, 3), whole(39, 38, 37)]), 3**38), "power")
    scaled(without(m.node("Clip", [whole(0, big + 2, 3 * big), numpy.array(big + 1), numpy.array(big + 5)]), big), "clipped")
    scaled(without(m.node("Range", [numpy.array(big + 1), numpy.array(big + 7), numpy.array(2)]), big), "range")
    scaled(without(m.node("Pad", [whole(big + 1), whole(1, 1), numpy.array(big + 3)]), big), "padded")
    scaled(without(m.node("Where", [numpy.array([True, False, True]), whole(big + 1), whole(big + 2)]), big), "chosen")
    hot = m.node("OneHot", [whole(1), numpy.array(3), whole(big + 1, big + 9)])
    scaled(m.node("Reshape", [without(hot, big), whole(1, 3)]), "hot")
    exact = m.node("Cast", [m.node("Mul", [m.node("Cast", [whole(2**30 + 1)], to=TensorProto.DOUBLE), numpy.float64(3)])],
                   to=TensorProto.INT64)
    scaled(without(exact, 3 * 2**30), "double")
    for op, value in (("Div", 3), ("Div", -2)):
        m.output(m.node(op, [n, numpy.array([value], numpy.int32)]), f"{op}_{value}".replace("-", "m"), TensorProto.INT32)
    m.output(m.node("Mod", [n, numpy.array([3], numpy.int32)]), "mod", TensorProto.INT32)
    m.output(m.node("Mod", [n, numpy.array([-4], numpy.int32)], fmod=1), "fmod", TensorProto.INT32)
    m.output(m.node("ReduceMean", [n], axes=[1], keepdims=1), "mean_of_run", TensorProto.INT32)
    m.output(m.node("Less", [n, numpy.array([2**31 - 1], numpy.int32)]), "below", TensorProto.BOOL)
    m.save("integers", [[values(1, 3), numpy.array([[7, -7, 2**24, -1]], numpy.int32)],
                        [values(1, 3), numpy.array([[-5, 0, 9, 3 - 2**24]], numpy.int32)]], reference=run_by_runtime)


def types():
    """Outputs of other types and shapes than a sample's."""
    m = Model()
    x, n = m.input("x", [1, 6]), m.input("n", [1, 2], TensorProto.INT64)
    m.output(m.node("ReduceMean", [x], keepdims=0), "scalar")
    m.output(m.node("Reshape", [x, numpy.array([6])]), "vector")
    m.output(m.node("Cast", [m.node("Mul", [x, numpy.float32(3)])], to=TensorProto.FLOAT16), "half", TensorProto.FLOAT16)
    m.output(m.node("ArgMax", [x], axis=1), "best", TensorProto.INT64)
    m.output(m.node("Add", [n, numpy.array([5])]), "more", TensorProto.INT64)
    m.save("types", [[values(1, 6), numpy.array([[3, -4]])]])


def meeting():
    """Samples, of which the file leaves open how many, are compared with their mean."""
    m = Model()
    x = m.input("x", ["n", 4])
    v = m.node("Sub", [x, m.node("ReduceMean", [x], axes=[0], keepdims=1)])
    m.output(m.node("Add", [v, m.node("Relu", [x])]), "y")
    m.save("meeting", [[values(1, 4)]])


def resizing():
    """Every rule of Resize's places and roundings, with ONNX Runtime's outputs: some are by its own rounding."""
    m = Model(18)
    x = m.input("x", [1, 2, 7, 4])
    for rule in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"):
        for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
            ways = {"4x7": ["", "", numpy.array([1, 2, 4, 7])], "19x2": ["", "", numpy.array([1, 2, 19, 2])],
                    "scaled": ["", numpy.array([1, 1, 2, 0.5], numpy.float32)]}
            for way, operands in ways.items():
                made = m.node("Resize", [x, *operands], mode="nearest", coordinate_transformation_mode=rule,
                              nearest_mode=rounding)
                m.output(made, f"{rule}_{rounding}_{way}")
    tall = m.node("Slice", [x, numpy.array([0]), numpy.array([5]), numpy.array([2])])
    made = m.node("Concat", [tall, tall], axis=2)  # 10 rows times 1.3 are 13
    m.output(m.node("Resize", [made, "", numpy.array([1, 1, 1.3, 1], numpy.float32)], mode="linear"), "rounded_up")
    # No pixel more or less: a copy.
    m.output(m.node("Resize", [x, "", numpy.array([1, 1, 1.1, 1], numpy.float32)], mode="linear"), "as_before")
    m.save("resizing", [[values(1, 2, 7, 4)]], reference=run_by_runtime)


if __name__ == "__main__":
    for make in (convolutions, attention, recurrent, movement, choices, upsampling, elementwise, external, quantised, forest,
                 regression, integers, types, meeting, resizing, filters):
        make()
