# SPDX-License-Identifier: Apache-2.0
"""runtimes.py PROGRAM: PROGRAM writes exported models, inputs and what must come out; ONNX Runtime and LiteRT run them.

Floats agree to 2e-5 of the largest output, those of 16 bits to 1e-3. Layers on integers: LiteRT's reference kernels give the same bytes, and
ONNX Runtime values within one step.
"""
import collections
import glob
import os
import subprocess
import sys
import tempfile

import numpy as np

try:
    import onnxruntime
except ImportError:
    onnxruntime = None
try:
    from ai_edge_litert import interpreter as litert
except ImportError:
    litert = None


def arrays(path, what):
    out = []
    while os.path.exists(f"{path}.{what}{len(out)}.npy"):
        out.append(np.load(f"{path}.{what}{len(out)}.npy"))
    return out


def run_onnx(path, inputs):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(None, {i.name: x for i, x in zip(session.get_inputs(), inputs)})


def run_tflite(path, inputs):
    # Reference kernels for integers; there are none of ELU and some others.
    kinds = litert.OpResolverType
    reference = inputs[0].dtype == np.int8 and "imported" not in path and "_softplus" not in path and "_elu" not in path
    kind = kinds.BUILTIN_REF if reference else kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    model = litert.Interpreter(path, experimental_op_resolver_type=kind, num_threads=1)
    model.allocate_tensors()
    for one, x in zip(model.get_input_details(), inputs):
        model.set_tensor(one["index"], x)
    model.invoke()
    return [model.get_tensor(one["index"]) for one in model.get_output_details()]


def wrong(got, expected, exact):
    if got.shape != expected.shape:
        return f"shape {got.shape}, not {expected.shape}"
    if got.dtype != expected.dtype:
        return f"type {got.dtype}, not {expected.dtype}"
    if expected.size == 0:
        return ""
    if expected.dtype.kind != "f":
        difference = np.abs(got.astype(np.int64) - expected.astype(np.int64)).max()
        return "" if difference <= (0 if exact else 1) else f"{difference} steps off"
    part = 2e-5 if expected.dtype == np.float32 else 1e-3
    got, expected = got.astype(np.float32), expected.astype(np.float32)
    with np.errstate(invalid="ignore"):
        difference = np.where((got == expected) | (np.isnan(got) & np.isnan(expected)), 0, np.abs(got - expected))
    largest = max(1e-3, np.abs(expected[np.isfinite(expected)]).max(initial=0))
    return "" if difference.max() <= part * largest else f"off by {difference.max():.3g} of {largest:.3g}"


def main():
    failures, counts = 0, collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], "--gtest_filter=Export.WritesFilesForOtherRuntimes", "--gtest_brief=1"],
                       check=True, env={**os.environ, "MOTE_EXPORT_FOLDER": folder})
        for path in sorted(glob.glob(folder + "/*.onnx") + glob.glob(folder + "/*.tflite")):
            kind = path.rsplit(".", 1)[1]
            runner = run_onnx if kind == "onnx" and onnxruntime else run_tflite if kind == "tflite" and litert else None
            if runner is None:
                continue
            counts[kind] += 1
            expected = arrays(path, "out")
            try:
                got = runner(path, arrays(path, "in"))
                # Ties between two scales, of which RELU6 has one here, are rounded as TensorFlow Lite Micro does: twice.
                exact = kind == "tflite" and "relu6" not in path
                complaints = [wrong(g, e, exact) for g, e in zip(got, expected)]
                if len(got) != len(expected):
                    complaints.append(f"{len(got)} outputs, not {len(expected)}")
            except Exception as error:  # whatever a runtime throws at a file is a failure of the file
                complaints = [str(error).replace("\n", " ")[:300]]
            for complaint in filter(None, complaints):
                failures += 1
                print(f"{os.path.basename(path)}: {complaint}")
    print(", ".join(f"{n} {kind} files" for kind, n in sorted(counts.items())), f"run, {failures} wrong")
    return 1 if failures or not counts else 0


sys.exit(main())
