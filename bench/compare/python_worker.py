# SPDX-License-Identifier: Apache-2.0
"""The peers that are reached through Python: python_worker.py PEER FOLDER ISA, with the lines of worker.hpp.

A run is one call from Python, whose cost the rows of compare.py's kind "overhead" show."""

import ctypes
import mmap
import os
import sys
import time
from functools import partial

import numpy as np

import networks

peer, folder, isa = sys.argv[1:4]


def floats(name):
    return np.fromfile(os.path.join(folder, name + ".f32"), dtype=np.float32)


def network_of(words):
    """Layers and parameters of a row: a network, or a single activation."""
    if words[0] == "network":
        return networks.read(words[1]), floats("weights")
    if words[0] == "activation":
        shape = (1, 1, int(words[2]))
        return [networks.Layer("input", shape), networks.Layer(words[1], shape, (0,))], np.zeros(0, np.float32)
    raise ValueError("not for this worker")


def hold_to_avx2(library, held=[]):
    """Makes a library that is loaded, but has not asked yet what the processor can do, believe that the system does not
    save AVX-512's registers; XNNPACK has no setting for it. Where it reads the saved sets of registers (xor ecx, ecx;
    xgetbv) the answer becomes 7: x87, SSE, AVX (xor ecx, ecx; mov al, 7; nop). Only the first call does anything."""
    if held:
        return
    question, answer = bytes.fromhex("31c9 0f01d0"), bytes.fromhex("31c9 b007 90")
    with open("/proc/self/maps") as maps:
        ranges = [line.split()[0] for line in maps if line.rstrip().endswith(library) and " r-xp " in line]
    libc = ctypes.CDLL(None, use_errno=True)
    for addresses in ranges:
        begin, end = (int(address, 16) for address in addresses.split("-"))
        code, at = ctypes.string_at(begin, end - begin), -1
        while (at := code.find(question, at + 1)) >= 0:
            page = (begin + at) // mmap.PAGESIZE * mmap.PAGESIZE
            size = begin + at + len(answer) - page
            for access in (mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC, mmap.PROT_READ | mmap.PROT_EXEC):
                if libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(size), access) != 0:
                    raise OSError(ctypes.get_errno(), f"mprotect of {library}")
                if access & mmap.PROT_WRITE:
                    ctypes.memmove(begin + at, answer, len(answer))
            held.append(at)
    if not held:
        raise RuntimeError(f"{library} cannot be held to AVX2: it does not ask for the saved registers as expected")


def litert(words):
    from ai_edge_litert.interpreter import Interpreter

    if isa == "avx2":
        hold_to_avx2("libpywrap_litert_common.so")
    path = os.path.join(folder, "model.tflite")
    if words[0] in ("network", "quantized") and os.path.exists(path):
        with open(path, "rb") as file:
            content = file.read()
    else:
        content = networks.tflite_of(*network_of(words))
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    inside = interpreter.get_input_details()[0]
    interpreter.set_tensor(inside["index"], floats("input").reshape(inside["shape"]).astype(inside["dtype"]))
    output = interpreter.get_output_details()[0]["index"]
    return interpreter.invoke, lambda: interpreter.get_tensor(output)


def onnxruntime(words):
    import onnxruntime as ort

    if words[0] == "int8":
        arrays = floats("weights").astype(np.int8), floats("bias").astype(np.int32), floats("scale")
        model, (shape, _) = networks.onnx_of_int8(words[1], [int(size) for size in words[3:]], *arrays)
        values, dtype = (floats("input").reshape(shape) + 128).astype(np.uint8), np.uint8
    else:
        layers, params = network_of(words)
        model, dtype = networks.onnx_of(layers, params), np.float32
        h, w, c = layers[0].shape
        values = floats("input").reshape(1, h, w, c).transpose(0, 3, 1, 2)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    inside, outside = session.get_inputs()[0], session.get_outputs()[0]
    binding = session.io_binding()
    given = ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(values).reshape(inside.shape))
    result = ort.OrtValue.ortvalue_from_numpy(np.zeros(outside.shape, dtype))
    binding.bind_ortvalue_input(inside.name, given)
    binding.bind_ortvalue_output(outside.name, result)
    offset = 128.0 if words[0] == "int8" else 0.0
    return lambda: session.run_with_iobinding(binding), lambda: result.numpy() - np.float32(offset)


def torch(words):
    import torch

    torch.set_num_threads(1)
    if words[0] == "train":
        return torch_training(torch, words)
    layers, params = network_of(words)
    if words[0] == "activation":
        raise ValueError("not for this worker")
    torch.set_grad_enabled(False)
    module = networks.torch_of(layers, params).eval()
    h, w, c = layers[0].shape
    x = torch.from_numpy(floats("input"))
    x = x.reshape(1, c) if h == w == 1 else x.reshape(1, h, w, c).permute(0, 3, 1, 2)
    held = []

    def run():
        held[:] = [module(x)]

    return run, lambda: held[0].numpy()


class Batches:
    """The batches of a training row in turn, and the losses of the first steps."""

    def __init__(self, batches, step):
        self.batches, self.step, self.losses, self.at = batches, step, [], 0

    def run(self):
        loss = self.step(*self.batches[self.at])
        self.at = (self.at + 1) % len(self.batches)
        if len(self.losses) < 6:
            self.losses.append(float(loss))

    def output(self):
        while len(self.losses) < 6:
            self.run()
        return np.array(self.losses, np.float32)


def jax(words):
    """train TEXT_FILE BATCH LEARNING_RATE: one compiled step, whose parameters take the place of those before."""
    if words[0] != "train":
        raise ValueError("not for this worker")
    import jax
    from jax import numpy as jnp

    layers, batch, rate = networks.read(words[1]), int(words[2]), float(words[3])
    params, logits = networks.jax_of(layers, floats("weights"))

    def loss_of(params, images, classes):
        of_classes = jax.nn.log_softmax(logits(params, images))
        return -jnp.mean(jnp.take_along_axis(of_classes, classes[:, None], 1))

    @partial(jax.jit, donate_argnums=0)
    def step(params, images, classes):
        loss, grads = jax.value_and_grad(loss_of)(params, images, classes)
        return jax.tree_util.tree_map(lambda p, g: p - rate * g, params, grads), loss

    held = [params]

    def run(images, classes):
        held[0], loss = step(held[0], images, classes)
        return jax.block_until_ready(loss)

    h, w, c = layers[0].shape
    x, labels = floats("input"), floats("labels").astype(np.int32)
    x = x.reshape(-1, batch, c) if h == w == 1 else x.reshape(-1, batch, h, w, c)
    work = Batches([(jnp.asarray(a), jnp.asarray(b)) for a, b in zip(x, labels.reshape(-1, batch))], run)
    return work.run, work.output


def torch_training(torch, words):
    """train TEXT_FILE BATCH LEARNING_RATE"""
    torch.set_grad_enabled(True)
    layers, batch = networks.read(words[1]), int(words[2])
    module = networks.torch_of(layers, floats("weights"))
    optimizer = torch.optim.SGD(module.parameters(), lr=float(words[3]))
    h, w, c = layers[0].shape
    x, labels = torch.from_numpy(floats("input")), torch.from_numpy(floats("labels").astype(np.int64))
    x = x.reshape(-1, c) if h == w == 1 else x.reshape(-1, h, w, c).permute(0, 3, 1, 2)

    def step(images, classes):
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(module(images, logits=True), classes)
        loss.backward()
        optimizer.step()
        return loss.detach()

    work = Batches(list(zip(x.split(batch), labels.split(batch))), step)
    return work.run, work.output


def answer(words, state):
    if words[0] == "prepare":
        state["run"], state["output"] = peers[peer](words[1:])
        return "ok"
    if words[0] == "output":
        state["run"]()
        np.asarray(state["output"](), np.float32).ravel().tofile(words[1])
        return "ok"
    run, count = state["run"], range(int(words[1]))
    start = time.perf_counter_ns()
    for _ in count:
        run()
    return str(time.perf_counter_ns() - start)


peers = {"litert": litert, "onnxruntime": onnxruntime, "torch": torch, "jax": jax}
kept = {}
for line in sys.stdin:
    try:
        print(answer(line.split(), kept), flush=True)
    except Exception as error:  # whatever it is, the driver says it and goes on
        print("cannot", " ".join(str(error).split())[:200], flush=True)
