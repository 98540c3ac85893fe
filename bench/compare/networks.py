# SPDX-License-Identifier: Apache-2.0
"""Networks of mote's text form for the peers: the subset that bench/networks uses, as ONNX, TensorFlow Lite and PyTorch.

Parameters are one run of float32, every layer's weights and bias one after another in mote's layouts: dense (fan_in,
units), conv2d (filter_h, filter_w, in_channels, channels), depthwise_conv2d (filter_h, filter_w, channels).
"""

import re

import numpy as np


class Layer:
    """One line of the text: its operator, where it reads, its output's shape (h, w, c) and its arrays' shapes."""

    def __init__(self, op, shape, reads=(), weights=None, window=(1, 1, 1)):
        self.op, self.shape, self.reads, self.weights = op, shape, reads, weights
        self.filter_h, self.filter_w, self.stride = window
        self.arrays = [] if weights is None else [weights, weights[-1:]]

    def macs(self, layers):
        """Multiply-adds of one sample, taps in the padding counted."""
        if self.op == "dense":
            return int(np.prod(self.weights))
        if self.op in ("conv2d", "depthwise_conv2d"):
            return int(np.prod(self.weights)) * self.shape[0] * self.shape[1]
        return 0


def _lines(text):
    text = re.sub(r"#.*", "", text)
    while (found := re.search(r"repeat (\d+)\s*\{([^{}]*)\}", text)) is not None:
        text = text[: found.start()] + (found[2] + "\n") * int(found[1]) + text[found.end() :]
    return [words for line in re.split(r"[\n;,]", text) if (words := line.split())]


def read(path):
    """The layers of a text file, the input first."""
    layers, names = [], {}
    with open(path) as file:
        lines = _lines(file.read())
    for words in lines:
        options, positional, at = {}, [], 1
        while at < len(words):
            if words[at] in ("as", "from", "stride"):
                options[words[at]] = words[at + 1]
                at += 1
            elif words[at] != "same":
                positional.append(words[at])
            at += 1
        op = words[0]
        if op == "input":
            sizes = [int(size) for size in positional[0].split("x")]
            layer = Layer(op, tuple([1] * (3 - len(sizes)) + sizes))
        else:
            source = names[options["from"]] if "from" in options else len(layers) - 1
            h, w, c = shape = layers[source].shape
            stride = int(options.get("stride", 1))
            out = (-(-h // stride), -(-w // stride))
            if op in ("conv2d", "depthwise_conv2d"):
                filter_h, filter_w = (int(size) for size in positional[1].split("x"))
                channels = int(positional[0]) * (c if op == "depthwise_conv2d" else 1)
                weights = (filter_h, filter_w) + (() if op == "depthwise_conv2d" else (c,)) + (channels,)
                layer = Layer(op, out + (channels,), (source,), weights, (filter_h, filter_w, stride))
            elif op == "dense":
                units = int(positional[0])
                layer = Layer(op, (1, 1, units), (source,), (h * w * c, units))
            elif op == "max_pool":
                size = int(positional[0])
                layer = Layer(op, (h // size, w // size, c), (source,), window=(size, size, size))
            elif op == "add":
                layer = Layer(op, shape, (source, names[positional[0]]))
            elif op == "global_average_pool":
                layer = Layer(op, (1, 1, c), (source,))
            elif op == "flatten":
                layer = Layer(op, (1, 1, h * w * c), (source,))
            elif op in ("relu", "softmax", "sigmoid", "tanh"):
                layer = Layer(op, shape, (source,))
            else:
                raise ValueError(f"{path}: no such layer here: {op}")
        if "as" in options:
            names[options["as"]] = len(layers)
        layers.append(layer)
    return layers


def forward_macs(layers):
    return sum(layer.macs(layers) for layer in layers)


def training_macs(layers):
    """Backward does the forward's work twice, but for the gradient of the network's input."""
    first = next(layer for layer in layers if layer.arrays)
    return 3 * forward_macs(layers) - first.macs(layers)


def random_params(layers, generator):
    """Uniform weights that keep the size of activations, small biases."""
    run = []
    for layer in layers:
        if layer.arrays:
            fan_in = np.prod(layer.weights[:-1])
            run.append(generator.uniform(-1, 1, np.prod(layer.weights)) * np.sqrt(6 / fan_in))
            run.append(generator.uniform(-0.1, 0.1, layer.weights[-1]))
    return np.concatenate(run).astype(np.float32)


def split(layers, params):
    """{index: (weights, bias)} out of the run."""
    out, at = {}, 0
    for index, layer in enumerate(layers):
        arrays = []
        for shape in layer.arrays:
            count = int(np.prod(shape))
            arrays.append(params[at : at + count].reshape(shape))
            at += count
        if arrays:
            out[index] = tuple(arrays)
    assert at == params.size
    return out


def _padding(size, out, filter_size, stride):
    """What "same" adds before and behind."""
    total = max((out - 1) * stride + filter_size - size, 0)
    return total // 2, total - total // 2


def paddings(layers, layer):
    source = layers[layer.reads[0]].shape
    return (
        _padding(source[0], layer.shape[0], layer.filter_h, layer.stride),
        _padding(source[1], layer.shape[1], layer.filter_w, layer.stride),
    )


# ---------------------------------------------------------------------------------------------------- TensorFlow Lite

_INT8, _FLOAT32 = 9, 0


def _schema():
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


def _tflite_values(model, tensor):
    """A tensor's values as float32; quantised ones times their scale."""
    data = np.asarray(model.buffers[tensor.buffer].data, dtype=np.uint8)
    if tensor.type == _FLOAT32:
        return data.view(np.float32).reshape(tensor.shape)
    if tensor.type != _INT8:
        raise ValueError("a weight is neither float32 nor int8")
    quantization = tensor.quantization
    shape = np.ones(len(tensor.shape), dtype=int)
    shape[quantization.quantizedDimension if len(quantization.scale) > 1 else 0] = len(quantization.scale)
    values = data.view(np.int8).reshape(tensor.shape).astype(np.float32)
    zero_point = np.asarray(quantization.zeroPoint, dtype=np.float32).reshape(shape)
    return (values - zero_point) * np.asarray(quantization.scale, dtype=np.float32).reshape(shape)


def _pack(model):
    import flatbuffers

    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def tflite_params(path, layers):
    """The parameters of a .tflite file for these layers, and the file with int8 weights written out as float32.

    The file's operators must have parameters in the order of the text; every shape is checked."""
    schema = _schema()
    with open(path, "rb") as file:
        model = schema.ModelT.InitFromPackedBuf(file.read(), 0)
    graph = model.subgraphs[0]
    operator = schema.BuiltinOperator
    # Theirs to mote's layouts.
    turned = {
        operator.CONV_2D: ("conv2d", lambda values: values.transpose(1, 2, 3, 0)),
        operator.DEPTHWISE_CONV_2D: ("depthwise_conv2d", lambda values: values[0]),
        operator.FULLY_CONNECTED: ("dense", lambda values: values.T),
    }
    run, wanted = [], [layer for layer in layers if layer.arrays]
    for op in graph.operators:
        code = model.operatorCodes[op.opcodeIndex]
        code = max(code.builtinCode, code.deprecatedBuiltinCode)
        if code not in turned:
            continue
        name, turn = turned[code]
        layer = wanted.pop(0)
        weights = turn(_tflite_values(model, graph.tensors[op.inputs[1]]))
        if layer.op != name or weights.shape != tuple(layer.weights):
            raise ValueError(f"{path}: {name} {weights.shape} where the text has {layer.op} {layer.weights}")
        run += [weights.ravel(), _tflite_values(model, graph.tensors[op.inputs[2]]).ravel()]
    if wanted:
        raise ValueError(f"{path}: fewer layers with parameters than the text")
    for tensor in graph.tensors:
        if tensor.type == _INT8:
            values = _tflite_values(model, tensor)
            model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), dtype=np.uint8)
            tensor.type, tensor.quantization = _FLOAT32, None
    return np.concatenate(run).astype(np.float32), _pack(model)


def tflite_of(layers, params):
    """The network as a .tflite file."""
    schema = _schema()
    operator = schema.BuiltinOperator
    model = schema.ModelT()
    model.version, model.description, model.operatorCodes = 3, "bench", []
    model.buffers = [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.tensors, graph.operators = [], []
    model.subgraphs = [graph]

    def tensor(shape, values=None, kind=_FLOAT32):
        out = schema.TensorT()
        out.shape, out.type, out.name, out.buffer = list(shape), kind, f"t{len(graph.tensors)}", 0
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), dtype=np.uint8)
            out.buffer = len(model.buffers)
            model.buffers.append(buffer)
        graph.tensors.append(out)
        return len(graph.tensors) - 1

    def operation(code, inputs, output, name=None, **options):
        codes = [known.builtinCode for known in model.operatorCodes]
        if code not in codes:
            added = schema.OperatorCodeT()
            added.builtinCode, added.deprecatedBuiltinCode, added.version = code, min(code, 127), 1
            model.operatorCodes.append(added)
            codes.append(code)
        op = schema.OperatorT()
        op.opcodeIndex, op.inputs, op.outputs = codes.index(code), inputs, [output]
        if name is not None:
            op.builtinOptionsType = getattr(schema.BuiltinOptions, name)
            op.builtinOptions = getattr(schema, name + "T")()
            for key, value in options.items():
                setattr(op.builtinOptions, key, value)
        graph.operators.append(op)

    arrays, held, skip = split(layers, params), {}, set()
    users = [index for layer in layers for index in layer.reads]
    same, none, relu = schema.Padding.SAME, 0, schema.ActivationFunctionType.RELU
    flat = False
    for index, layer in enumerate(layers):
        if index in skip:
            continue
        # A ReLU that alone reads this layer is fused, as converters do.
        fused = none
        following = layers[index + 1] if index + 1 < len(layers) else None
        if layer.op in ("conv2d", "depthwise_conv2d", "dense", "add") and following is not None:
            if following.op == "relu" and following.reads == (index,) and users.count(index) == 1:
                fused = relu
                skip.add(index + 1)
        dims = [1, layer.shape[2]] if flat or layer.op == "dense" else [1, *layer.shape]
        if layer.op == "input":
            flat = layer.shape[:2] == (1, 1)
            dims = [1, layer.shape[2]] if flat else [1, *layer.shape]
        inputs = [held[read] for read in layer.reads]
        if layer.op == "flatten" or (layer.op == "dense" and not flat):
            source = layers[layer.reads[0]]
            count = int(np.prod(source.shape))
            shaped = tensor([1, count])
            operation(operator.RESHAPE, inputs + [tensor([2], np.array([1, count], np.int32), 2)], shaped, "ReshapeOptions",
                      newShape=[1, count])
            inputs, flat = [shaped], True
            if layer.op == "flatten":
                held[index] = shaped
                continue
        output = tensor(dims)
        held[index] = held[index + 1] = output
        if layer.op == "conv2d":
            weights, bias = arrays[index]
            inputs += [tensor(np.roll(layer.weights, 1), weights.transpose(3, 0, 1, 2)), tensor(bias.shape, bias)]
            operation(operator.CONV_2D, inputs, output, "Conv2DOptions", padding=same, strideH=layer.stride,
                      strideW=layer.stride, dilationHFactor=1, dilationWFactor=1, fusedActivationFunction=fused)
        elif layer.op == "depthwise_conv2d":
            weights, bias = arrays[index]
            inputs += [tensor((1, *layer.weights), weights), tensor(bias.shape, bias)]
            operation(operator.DEPTHWISE_CONV_2D, inputs, output, "DepthwiseConv2DOptions", padding=same,
                      strideH=layer.stride, strideW=layer.stride, dilationHFactor=1, dilationWFactor=1,
                      depthMultiplier=layer.shape[2] // layers[layer.reads[0]].shape[2], fusedActivationFunction=fused)
        elif layer.op == "dense":
            weights, bias = arrays[index]
            inputs += [tensor(weights.T.shape, weights.T), tensor(bias.shape, bias)]
            operation(operator.FULLY_CONNECTED, inputs, output, "FullyConnectedOptions", fusedActivationFunction=fused)
        elif layer.op == "add":
            operation(operator.ADD, inputs, output, "AddOptions", fusedActivationFunction=fused)
        elif layer.op == "global_average_pool":
            h, w, _ = layers[layer.reads[0]].shape
            operation(operator.AVERAGE_POOL_2D, inputs, output, "Pool2DOptions", padding=schema.Padding.VALID,
                      strideH=h, strideW=w, filterHeight=h, filterWidth=w)
        elif layer.op == "softmax":
            operation(operator.SOFTMAX, inputs, output, "SoftmaxOptions", beta=1.0)
        elif layer.op != "input":
            codes = {"relu": operator.RELU, "sigmoid": operator.LOGISTIC, "tanh": operator.TANH, "elu": operator.ELU,
                     "gelu": operator.GELU}
            operation(codes[layer.op], inputs, output, "GeluOptions" if layer.op == "gelu" else None)
    graph.inputs, graph.outputs = [held[0]], [held[len(layers) - 1]]
    return _pack(model)


# --------------------------------------------------------------------------------------------------------------- ONNX


def onnx_of(layers, params):
    """The network as an ONNX file. Images are NCHW there."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants = [], []
    arrays = split(layers, params)

    def constant(name, values):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def dims(shape):
        return [1, shape[2]] if shape[:2] == (1, 1) else [1, shape[2], shape[0], shape[1]]

    for index, layer in enumerate(layers):
        inputs, output = [f"v{read}" for read in layer.reads], [f"v{index}"]
        if layer.op in ("conv2d", "depthwise_conv2d"):
            weights, bias = arrays[index]
            group = 1 if layer.op == "conv2d" else layers[layer.reads[0]].shape[2]
            weights = weights.transpose(3, 2, 0, 1) if group == 1 else weights.transpose(2, 0, 1)[:, None]
            (top, bottom), (left, right) = paddings(layers, layer)
            inputs += [constant(f"w{index}", weights), constant(f"b{index}", bias)]
            nodes.append(helper.make_node("Conv", inputs, output, strides=[layer.stride] * 2, group=group,
                                          pads=[top, left, bottom, right]))
        elif layer.op == "dense":
            weights, bias = arrays[index]
            inputs += [constant(f"w{index}", weights), constant(f"b{index}", bias)]
            nodes.append(helper.make_node("Gemm", inputs, output))
        elif layer.op == "global_average_pool":
            nodes.append(helper.make_node("GlobalAveragePool", inputs, [f"p{index}"]))
            nodes.append(helper.make_node("Flatten", [f"p{index}"], output))
        elif layer.op != "input":
            kinds = {"relu": "Relu", "add": "Add", "softmax": "Softmax", "sigmoid": "Sigmoid", "tanh": "Tanh",
                     "gelu": "Gelu", "elu": "Elu"}
            nodes.append(helper.make_node(kinds[layer.op], inputs, output))
    last = len(layers) - 1
    graph = helper.make_graph(
        nodes,
        "bench",
        [helper.make_tensor_value_info("v0", TensorProto.FLOAT, dims(layers[0].shape))],
        [helper.make_tensor_value_info(f"v{last}", TensorProto.FLOAT, dims(layers[last].shape))],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def onnx_of_int8(kind, sizes, weights, bias, scale):
    """One int8 layer, dense or a window of "same" padding, on NHWC images (ONNX Runtime's own operators), as an ONNX
    file. The scale of sums is that of the weights; inputs and outputs have 1, and are bytes without sign around 128, for
    which its kernels for x86 are made. Shapes of input and output beside it."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    one, middle = np.float32(1), np.uint8(128)
    if kind == "dense":
        batch, fan_in, fan_out = sizes
        weights, shapes = weights.reshape(fan_in, fan_out), ((batch, fan_in), (batch, fan_out))
        operands = {"w": weights, "ws": scale, "wz": np.zeros(fan_out, np.int8), "b": bias}
        node = helper.make_node("QGemm", ["x", "one", "middle", "w", "ws", "wz", "b", "one", "middle"], ["y"],
                                domain="com.microsoft")
    else:
        batch, h, w, c, out_c, filter_h, filter_w, stride = sizes
        group = 1 if kind == "conv2d" else c
        weights = weights.reshape(filter_h, filter_w, c // group, out_c).transpose(3, 2, 0, 1)
        out_h, out_w = -(-h // stride), -(-w // stride)
        shapes = ((batch, h, w, c), (batch, out_h, out_w, out_c))
        (top, bottom), (left, right) = _padding(h, out_h, filter_h, stride), _padding(w, out_w, filter_w, stride)
        operands = {"w": weights, "ws": scale, "wz": np.zeros(out_c, np.int8), "b": bias}
        node = helper.make_node("QLinearConv", ["x", "one", "middle", "w", "ws", "wz", "one", "middle", "b"], ["y"],
                                domain="com.microsoft", channels_last=1, group=group, strides=[stride] * 2,
                                pads=[top, left, bottom, right])
    constants = [numpy_helper.from_array(np.ascontiguousarray(values), name)
                 for name, values in {**operands, "one": one, "middle": middle}.items()]
    ends = [helper.make_tensor_value_info(name, TensorProto.UINT8, shape) for name, shape in zip("xy", shapes)]
    graph = helper.make_graph([node], "bench", ends[:1], ends[1:], constants)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString(), shapes


# ------------------------------------------------------------------------------------------------------------ PyTorch


def torch_of(layers, params):
    """The network as a module on NCHW images (channels last in memory). Without its last softmax if `logits`."""
    import torch

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = torch.nn.ModuleDict()
            for index, (weights, bias) in split(layers, params).items():
                layer = layers[index]
                if layer.op == "dense":
                    part, turned = torch.nn.Linear(*layer.weights), weights.T
                else:
                    channels = layers[layer.reads[0]].shape[2]
                    group = 1 if layer.op == "conv2d" else channels
                    size = (layer.filter_h, layer.filter_w)
                    (top, bottom), (left, right) = paddings(layers, layer)
                    padding = (top, left) if top == bottom and left == right else 0
                    part = torch.nn.Conv2d(channels, layer.shape[2], size, layer.stride, padding, groups=group)
                    part.extra = None if padding != 0 else (left, right, top, bottom)
                    turned = weights.transpose(3, 2, 0, 1) if group == 1 else weights.transpose(2, 0, 1)[:, None]
                part.weight.data = torch.from_numpy(np.ascontiguousarray(turned))
                part.bias.data = torch.from_numpy(bias.copy())
                self.parts[str(index)] = part

        def forward(self, x, logits=False):
            values = [x]
            functions = {"relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh}
            for index, layer in enumerate(layers[1:], 1):
                x = values[layer.reads[0]]
                if str(index) in self.parts:
                    part = self.parts[str(index)]
                    if getattr(part, "extra", None) is not None and any(part.extra):
                        x = torch.nn.functional.pad(x, part.extra)
                    x = part(x)
                elif layer.op == "add":
                    x = x + values[layer.reads[1]]
                elif layer.op == "max_pool":
                    x = torch.nn.functional.max_pool2d(x, layer.stride)
                elif layer.op == "global_average_pool":
                    x = x.mean((2, 3))
                elif layer.op == "flatten":
                    x = x.permute(0, 2, 3, 1).reshape(x.shape[0], -1)  # mote's order: channels fastest
                elif layer.op == "softmax":
                    x = x if logits else torch.softmax(x, 1)
                else:
                    x = functions[layer.op](x)
                values.append(x)
            return x

    return Network().to(memory_format=torch.channels_last)


# ---------------------------------------------------------------------------------------------------------------- JAX


def jax_of(layers, params):
    """Parameters, and the logits as a function of them and of NHWC images (rows where there is no image)."""
    import jax
    from jax import numpy as jnp

    functions = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "softmax": lambda x: x}
    arrays = {index: tuple(map(jnp.asarray, pair)) for index, pair in split(layers, params).items()}

    def logits(arrays, x):
        values = [x]
        for index, layer in enumerate(layers[1:], 1):
            x = values[layer.reads[0]]
            if layer.op == "dense":
                x = x @ arrays[index][0] + arrays[index][1]
            elif layer.op == "conv2d":
                x = jax.lax.conv_general_dilated(x, arrays[index][0], (layer.stride,) * 2, paddings(layers, layer),
                                                 dimension_numbers=("NHWC", "HWIO", "NHWC")) + arrays[index][1]
            elif layer.op == "max_pool":
                window = (1, layer.stride, layer.stride, 1)
                x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")
            elif layer.op == "flatten":
                x = x.reshape(x.shape[0], -1)
            else:
                x = functions[layer.op](x)
            values.append(x)
        return x

    return arrays, logits
