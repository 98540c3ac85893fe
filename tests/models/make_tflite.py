#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the .tflite models of this folder, each with inputs and the outputs that LiteRT's reference kernels give.

    python3 tests/models/make_tflite.py

Needs the packages ai-edge-litert, flatbuffers and numpy. NAME.npz holds in0_0, out0_0 and so on: run, then number.
The weights are random.
"""

import os

import flatbuffers
import numpy
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

HERE = os.path.dirname(os.path.abspath(__file__))
random = numpy.random.default_rng(12)
OPERATORS, TYPES = schema.BuiltinOperator, schema.TensorType
SAME, VALID, NONE, RELU, RELU6, TANH = 0, 1, 0, 1, 3, 4


def weights(*shape, scale=0.5):
    return (random.standard_normal(shape) * scale).astype(numpy.float32)


def values(*shape):
    return random.uniform(-1, 1, shape).astype(numpy.float32)


def whole(*numbers):
    return numpy.array(numbers, numpy.int32)


class Graph:
    """One subgraph of a model in the making; tensors are numbers."""

    def __init__(self, model, name):
        self.model, self.graph = model, schema.SubGraphT()
        self.graph.name, self.graph.tensors, self.graph.operators = name, [], []
        self.graph.inputs, self.graph.outputs = [], []
        model.model.subgraphs.append(self.graph)

    def tensor(self, shape, type=TYPES.FLOAT32, name=None, buffer=0, scales=None, axis=0, variable=False):
        made = schema.TensorT()
        made.shape, made.type, made.buffer, made.isVariable = list(shape), type, buffer, variable
        made.name = name or f"t{len(self.graph.tensors)}"
        if scales is not None:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale, made.quantization.zeroPoint = list(scales), [0] * len(scales)
            made.quantization.quantizedDimension = axis
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def input(self, name, shape, type=TYPES.FLOAT32):
        self.graph.inputs.append(self.tensor(shape, type, name))
        return self.graph.inputs[-1]

    def constant(self, array, **more):
        array = numpy.asarray(array)
        types = {"float32": TYPES.FLOAT32, "float16": TYPES.FLOAT16, "int32": TYPES.INT32, "int8": TYPES.INT8,
                 "bool": TYPES.BOOL}
        buffer = schema.BufferT()
        buffer.data = numpy.frombuffer(array.tobytes(), numpy.uint8)
        self.model.model.buffers.append(buffer)
        return self.tensor(array.shape, types[str(array.dtype)], buffer=len(self.model.model.buffers) - 1, **more)

    def node(self, op, inputs, shapes, options=None, type=TYPES.FLOAT32, **settings):
        """`shapes`: of one result, or a list of several."""
        inputs = [self.constant(i) if isinstance(i, numpy.ndarray) else i for i in inputs]
        several = bool(shapes) and isinstance(shapes[0], (list, tuple))
        outputs = [self.tensor(shape, type) for shape in (shapes if several else [shapes])] if shapes is not None else []
        made = schema.OperatorT()
        made.opcodeIndex = self.model.code(op)
        made.inputs, made.outputs = inputs, outputs
        if options:
            made.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            made.builtinOptions = getattr(schema, options + "T")()
            for key, value in settings.items():
                setattr(made.builtinOptions, key, value)
        self.graph.operators.append(made)
        return outputs if several else outputs[0] if outputs else None

    def output(self, tensor, name):
        self.graph.tensors[tensor].name = name
        self.graph.outputs.append(tensor)


class Model:
    def __init__(self):
        self.model = schema.ModelT()
        self.model.version, self.model.description = 3, "make_tflite.py"
        self.model.operatorCodes, self.model.subgraphs, self.model.buffers = [], [], [schema.BufferT()]
        self.codes = {}
        self.main = Graph(self, "main")

    def code(self, op):
        number = getattr(OPERATORS, op)
        if number not in self.codes:
            made = schema.OperatorCodeT()
            made.builtinCode, made.deprecatedBuiltinCode, made.version = number, min(number, 127), 1
            self.codes[number] = len(self.model.operatorCodes)
            self.model.operatorCodes.append(made)
        return self.codes[number]

    def save(self, name, runs):
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        path, content = os.path.join(HERE, name + ".tflite"), bytes(builder.Output())
        with open(path, "wb") as file:
            file.write(content)
        interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
        interpreter.allocate_tensors()
        arrays = {}
        for run, inputs in enumerate(runs):
            for i, x in enumerate(inputs):
                interpreter.set_tensor(self.main.graph.inputs[i], x)
                arrays[f"in{run}_{i}"] = x
            interpreter.invoke()
            for i, tensor in enumerate(self.main.graph.outputs):
                arrays[f"out{run}_{i}"] = interpreter.get_tensor(tensor).copy()
        numpy.savez(os.path.join(HERE, name + ".npz"), **arrays)
        print(name, len(content), "bytes")


def images():
    m = Model()
    g = m.main
    x = g.input("image", [1, 9, 8, 3])
    v = g.node("CONV_2D", [x, weights(4, 3, 2, 3), weights(4)], [1, 5, 8, 4], "Conv2DOptions", padding=SAME, strideH=2,
               strideW=1, fusedActivationFunction=RELU)
    w = g.node("DEPTHWISE_CONV_2D", [v, weights(1, 3, 3, 8), weights(8)], [1, 5, 8, 8], "DepthwiseConv2DOptions",
               padding=SAME, strideH=1, strideW=1, depthMultiplier=2, dilationWFactor=2, dilationHFactor=2,
               fusedActivationFunction=RELU6)
    w = g.node("ADD", [w, weights(1, 1, 8)], [1, 5, 8, 8], "AddOptions")
    a = g.node("AVERAGE_POOL_2D", [w], [1, 3, 4, 8], "Pool2DOptions", padding=SAME, strideH=2, strideW=2, filterHeight=2,
               filterWidth=3)
    b = g.node("MAX_POOL_2D", [w], [1, 2, 3, 8], "Pool2DOptions", padding=VALID, strideH=2, strideW=2, filterHeight=3,
               filterWidth=3)
    g.output(g.node("MEAN", [a, whole(1, 2)], [1, 8], "ReducerOptions"), "mean")
    v = g.node("RESHAPE", [b, whole(1, 48)], [1, 48], "ReshapeOptions", newShape=[1, 48])
    v = g.node("FULLY_CONNECTED", [v, weights(5, 48), weights(5)], [1, 5], "FullyConnectedOptions",
               fusedActivationFunction=RELU6)
    g.output(g.node("SOFTMAX", [v], [1, 5], "SoftmaxOptions", beta=2.0), "scores")
    u = g.node("TRANSPOSE_CONV", [whole(1, 18, 16, 2), weights(2, 3, 3, 3), x], [1, 18, 16, 2], "TransposeConvOptions",
               padding=SAME, strideH=2, strideW=2)
    g.output(u, "up")
    for op, shape in (("RESIZE_BILINEAR", (5, 12)), ("RESIZE_NEAREST_NEIGHBOR", (13, 6))):
        options = "ResizeBilinearOptions" if op == "RESIZE_BILINEAR" else "ResizeNearestNeighborOptions"
        for setting in ({}, {"halfPixelCenters": True}, {"alignCorners": True}):
            made = g.node(op, [x, whole(*shape)], [1, *shape, 3], options, **setting)
            g.output(made, op.lower() + "_" + "_".join(setting))
    m.save("images", [[values(1, 9, 8, 3)]])


def shapes():
    """What moves values about, blocks that are dilation in disguise, and masks of a strided slice."""
    m = Model()
    g = m.main
    x = g.input("x", [1, 4, 6, 2])
    s = g.node("STRIDED_SLICE", [x, whole(0, 3, 1, 0), whole(0, 0, 9, 2), whole(1, -2, 2, 1)], [2, 3, 2],
               "StridedSliceOptions", beginMask=0, endMask=4, shrinkAxisMask=1)
    g.output(s, "slice")
    parts = g.node("SPLIT", [whole(2), x], [[1, 4, 2, 2]] * 3, "SplitOptions", numSplits=3)
    g.output(g.node("CONCATENATION", [parts[2], parts[0], x, parts[1], parts[0]], [1, 4, 14, 2], "ConcatenationOptions",
                    axis=2), "joined")
    rows = g.node("UNPACK", [x], [[1, 6, 2]] * 4, "UnpackOptions", num=4, axis=1)
    g.output(g.node("PACK", [rows[3], rows[1]], [1, 6, 2, 2], "PackOptions", valuesCount=2, axis=3), "packed")
    g.output(g.node("MIRROR_PAD", [x, whole(0, 0, 2, 1, 0, 2, 0, 0).reshape(4, 2)], [1, 7, 8, 2], "MirrorPadOptions",
                    mode=0), "mirrored")
    g.output(g.node("TRANSPOSE", [x, whole(3, 1, 0, 2)], [2, 4, 1, 6], "TransposeOptions"), "turned")
    g.output(g.node("GATHER", [x, whole(5, 0, 0, 2)], [1, 4, 4, 2], "GatherOptions", axis=2), "gathered")
    g.output(g.node("REVERSE_V2", [x, whole(1)], [1, 4, 6, 2], "ReverseV2Options"), "reversed")
    g.output(g.node("DEPTH_TO_SPACE", [g.node("SPACE_TO_DEPTH", [x], [1, 2, 3, 8], "SpaceToDepthOptions", blockSize=2)],
                    [1, 4, 6, 2], "DepthToSpaceOptions", blockSize=2), "there and back")
    v = g.node("SPACE_TO_BATCH_ND", [x, whole(2, 2), whole(2, 2, 2, 2).reshape(2, 2)], [4, 4, 5, 2],
               "SpaceToBatchNDOptions")
    v = g.node("CONV_2D", [v, weights(3, 3, 3, 2), weights(3)], [4, 2, 3, 3], "Conv2DOptions", padding=VALID, strideH=1,
               strideW=1)
    g.output(g.node("BATCH_TO_SPACE_ND", [v, whole(2, 2), whole(0, 0, 0, 0).reshape(2, 2)], [1, 4, 6, 3],
                    "BatchToSpaceNDOptions"), "dilated")
    above = g.node("GREATER", [x, numpy.float32([0.1])], [1, 4, 6, 2], "GreaterOptions", type=TYPES.BOOL)
    g.output(g.node("SELECT_V2", [above, x, numpy.float32([[-1.0, 2.0]])], [1, 4, 6, 2], "SelectV2Options"), "chosen")
    g.output(g.node("ARG_MAX", [x, whole(2)], [1, 4, 2], "ArgMaxOptions", type=TYPES.INT32, outputType=TYPES.INT32), "best")
    m.save("shapes", [[values(1, 4, 6, 2)]])


def recurrent():
    """An LSTM whose states live from run to run, its cell bounded."""
    m = Model()
    g = m.main
    x = g.input("x", [1, 3, 2])
    w = [weights(4, 2, scale=2.0) for _ in range(4)] + [weights(4, 4) for _ in range(4)]
    b = [weights(4) for _ in range(4)]
    h, c = (g.tensor([1, 4], variable=True) for _ in range(2))
    y = g.node("UNIDIRECTIONAL_SEQUENCE_LSTM", [x, *w, -1, -1, -1, *b, -1, -1, h, c, -1, -1, -1, -1], [1, 3, 4],
               "UnidirectionalSequenceLSTMOptions", fusedActivationFunction=TANH, cellClip=0.75)
    g.output(y, "y")
    state = g.tensor([1, 3], variable=True)
    z = g.node("UNIDIRECTIONAL_SEQUENCE_RNN", [x, weights(3, 2), weights(3, 3), weights(3), state], [1, 3, 3],
               "SequenceRNNOptions", fusedActivationFunction=RELU)
    g.output(z, "z")
    m.save("lstm", [[values(1, 3, 2)] for _ in range(4)])


def streaming():
    """Frames that are kept in a variable, which a subgraph fills once; a state of SVDF; a loop of known length."""
    m = Model()
    g = m.main
    once, condition, body = Graph(m, "once"), Graph(m, "condition"), Graph(m, "body")

    def handle(graph):
        return graph.node("VAR_HANDLE", [], [], "VarHandleOptions", type=TYPES.RESOURCE, container="", sharedName="frames")

    once.node("ASSIGN_VARIABLE", [handle(once), values(1, 2, 3)], None, "AssignVariableOptions")
    i, v = condition.input("i", [], TYPES.INT32), condition.input("v", [1, 3])
    condition.output(condition.node("LESS", [i, numpy.array(3, numpy.int32)], [], "LessOptions", type=TYPES.BOOL), "more")
    i, v = body.input("i", [], TYPES.INT32), body.input("v", [1, 3])
    body.output(body.node("ADD", [i, numpy.array(1, numpy.int32)], [], "AddOptions", type=TYPES.INT32), "next")
    body.output(body.node("MUL", [v, numpy.float32([[0.5, 2.0, -1.0]])], [1, 3], "MulOptions"), "w")

    g.node("CALL_ONCE", [], None, "CallOnceOptions", initSubgraphIndex=1)
    x = g.input("frame", [1, 1, 3])
    frames = g.node("READ_VARIABLE", [handle(g)], [1, 2, 3], "ReadVariableOptions")
    window = g.node("CONCATENATION", [frames, x], [1, 3, 3], "ConcatenationOptions", axis=1)
    g.output(g.node("SUM", [window, whole(1)], [1, 3], "ReducerOptions"), "sum")
    rest = g.node("SLICE", [window, whole(0, 1, 0), whole(1, 2, 3)], [1, 2, 3], "SliceOptions")
    g.node("ASSIGN_VARIABLE", [handle(g), rest], None, "AssignVariableOptions")
    flat = g.node("RESHAPE", [x, whole(1, 3)], [1, 3], "ReshapeOptions", newShape=[1, 3])
    state = g.tensor([1, 4 * 5], variable=True)
    g.output(g.node("SVDF", [flat, weights(4, 3), weights(4, 5), weights(2), state], [1, 2], "SVDFOptions", rank=2,
                    fusedActivationFunction=RELU), "svdf")
    start = g.constant(numpy.array(0, numpy.int32))
    made = g.node("WHILE", [start, flat], [[], [1, 3]], "WhileOptions", condSubgraphIndex=2, bodySubgraphIndex=3)
    g.graph.tensors[made[0]].type = TYPES.INT32
    g.output(made[1], "loop")
    m.save("streaming", [[values(1, 1, 3)] for _ in range(4)])


def stored_small():
    """Weights stored as float16."""
    m = Model()
    g = m.main
    x = g.input("x", [1, 6])
    w = g.node("DEQUANTIZE", [weights(4, 6).astype(numpy.float16)], [4, 6], "DequantizeOptions")
    b = g.node("DEQUANTIZE", [weights(4).astype(numpy.float16)], [4], "DequantizeOptions")
    v = g.node("FULLY_CONNECTED", [x, w, b], [1, 4], "FullyConnectedOptions", fusedActivationFunction=RELU)
    g.output(v, "y")
    v = g.node("L2_NORMALIZATION", [x], [1, 6], "L2NormOptions")
    g.output(g.node("LOG_SOFTMAX", [v], [1, 6], "LogSoftmaxOptions"), "log")
    m.save("float16", [[values(1, 6)]])


def integers():
    """Whole numbers of the run are divided towards zero; those of constants are computed in 64 bits."""
    m = Model()
    g = m.main
    n = g.input("n", [1, 4], TYPES.INT32)
    for by in (3, -2):
        g.output(g.node("DIV", [n, whole(by)], [1, 4], "DivOptions", type=TYPES.INT32), f"by {by}")
    for op in ("FLOOR_DIV", "FLOOR_MOD"):
        g.output(g.node(op, [n, whole(-3)], [1, 4], op.title().replace("_", "") + "Options", type=TYPES.INT32), op)
    large = g.node("RANGE", [*(numpy.array(v, numpy.int32) for v in (2**24 + 1, 2**24 + 5, 1))], [4], "RangeOptions",
                   type=TYPES.INT32)
    small = g.node("SUB", [large, whole(2**24)], [4], "SubOptions", type=TYPES.INT32)
    g.output(g.node("MUL", [n, small], [1, 4], "MulOptions", type=TYPES.INT32), "counted")
    m.save("integers_lite", [[numpy.array([[7, -7, 2**22, -1]], numpy.int32)], [numpy.array([[-5, 0, 9, 3]], numpy.int32)]])


def both_ways():
    """Recurrent layers of two directions, of one step, and of several sequences; their states live on."""
    m = Model()
    g = m.main
    x, aux, step = g.input("x", [1, 4, 3]), g.input("aux", [1, 4, 3]), g.input("step", [1, 3])

    def lstm(units, batch=1):
        w = [weights(units, 3, scale=1.5) for _ in range(4)] + [weights(units, units) for _ in range(4)]
        return w, [weights(units) for _ in range(4)], [g.tensor([batch, units], variable=True) for _ in range(2)]

    def bidirectional(units, backward=-1):
        (fw, fb, fs), (bw, bb, bs) = lstm(units), lstm(units)
        none = [-1]
        return [x, *fw, *none * 3, *fb, *none * 2, *bw, *none * 3, *bb, *none * 2, *fs, *bs, backward, *none * 8]

    g.output(g.node("BIDIRECTIONAL_SEQUENCE_LSTM", bidirectional(2), [1, 4, 4], "BidirectionalSequenceLSTMOptions",
                    fusedActivationFunction=TANH, mergeOutputs=True, timeMajor=False), "merged")
    made = g.node("BIDIRECTIONAL_SEQUENCE_LSTM", bidirectional(3, aux), [[1, 4, 3]] * 2, "BidirectionalSequenceLSTMOptions",
                  fusedActivationFunction=TANH, cellClip=0.5, mergeOutputs=False, timeMajor=False)
    g.output(made[0], "there")
    g.output(made[1], "back")

    def rnn(units):
        return [weights(units, 3), weights(units, units), weights(units), g.tensor([1, units], variable=True)]

    made = g.node("BIDIRECTIONAL_SEQUENCE_RNN", [x, *rnn(2), *rnn(3), -1, -1, -1], [[1, 4, 2], [1, 4, 3]],
                  "BidirectionalSequenceRNNOptions", fusedActivationFunction=TANH, mergeOutputs=False)
    g.output(made[0], "rnn there")
    g.output(made[1], "rnn back")
    g.output(g.node("BIDIRECTIONAL_SEQUENCE_RNN", [x, *rnn(2), *rnn(2), -1, -1, -1], [1, 4, 4],
                    "BidirectionalSequenceRNNOptions", fusedActivationFunction=RELU, mergeOutputs=True), "rnn merged")
    g.output(g.node("RNN", [step, *rnn(4)], [1, 4], "RNNOptions", fusedActivationFunction=TANH), "one step")
    several = g.node("CONCATENATION", [x, aux], [2, 4, 3], "ConcatenationOptions", axis=0)
    w, b, states = lstm(2, 2)
    g.output(g.node("UNIDIRECTIONAL_SEQUENCE_LSTM", [several, *w, -1, -1, -1, *b, -1, -1, *states, -1, -1, -1, -1], [2, 4, 2],
                    "UnidirectionalSequenceLSTMOptions", fusedActivationFunction=TANH), "two sequences")
    m.save("both_ways", [[values(1, 4, 3), values(1, 4, 3), values(1, 3)] for _ in range(3)])


def plain_types():
    """Whole numbers of few bits that stand for themselves, and booleans."""
    m = Model()
    g = m.main
    types = {"int8": [-3, 5, 127, -128], "uint8": [3, 0, 200, 255], "int16": [-300, 5, 32767, -32768], "bool": [1, 0, 0, 1]}
    inputs = []
    for name, example in types.items():
        number = getattr(TYPES, name.upper())
        x = g.input(name, [1, 4], number)
        inputs.append(numpy.array([example], name))
        real = g.node("CAST", [x], [1, 4], "CastOptions", inDataType=number, outDataType=TYPES.FLOAT32)
        half = g.node("MUL", [real, numpy.float32([0.5])], [1, 4], "MulOptions")
        g.output(half, "half of " + name)
        if name != "uint8":  # of numbers below zero C++ leaves it open
            g.output(g.node("CAST", [half], [1, 4], "CastOptions", type=number, outDataType=number), name + " again")
        g.output(g.node("CAST", [x], [1, 4], "CastOptions", type=TYPES.INT32, outDataType=TYPES.INT32), "whole " + name)
        g.output(g.node("CAST", [half], [1, 4], "CastOptions", type=TYPES.BOOL, outDataType=TYPES.BOOL), "any " + name)
    m.save("plain_types", [inputs])


def several_images():
    """A batch that the file fixes: windows see one image each."""
    m = Model()
    g = m.main
    x = g.input("images", [3, 7, 6, 2])
    for padding in (SAME, VALID):
        for stride in (1, 2):
            h, w = ((-(-7 // stride), -(-6 // stride)) if padding == SAME else (4 // stride + 1, 4 // stride + 1))
            window = {"padding": padding, "strideH": stride, "strideW": stride}
            tag = f"_{padding}_{stride}"
            g.output(g.node("CONV_2D", [x, weights(4, 3, 2, 2), weights(4)], [3, h, w, 4], "Conv2DOptions",
                            fusedActivationFunction=RELU, **window), "conv" + tag)
            g.output(g.node("DEPTHWISE_CONV_2D", [x, weights(1, 3, 2, 4), weights(4)], [3, h, w, 4],
                            "DepthwiseConv2DOptions", depthMultiplier=2, **window), "depthwise" + tag)
            for op in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
                g.output(g.node(op, [x], [3, h, w, 2], "Pool2DOptions", filterHeight=3, filterWidth=2, **window), op + tag)
    for op, options in (("RESIZE_BILINEAR", "ResizeBilinearOptions"), ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions")):
        g.output(g.node(op, [x, whole(5, 9)], [3, 5, 9, 2], options), op)
    m.save("several_images", [[values(3, 7, 6, 2)]])


if __name__ == "__main__":
    for make in (images, shapes, recurrent, streaming, stored_small, integers, both_ways, plain_types, several_images):
        make()
