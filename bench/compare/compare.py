#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the same work through mote and other libraries, interleaved on one core, and prints who is faster.

  bench/compare/setup.sh                                   peers from PyPI, and the workers
  build/compare-venv/bin/python bench/compare/compare.py --out build/compare

For every row each candidate computes first and the outputs are compared: a candidate that differs gets no time. Then all
take turns, a batch of a millisecond or two each, for many rounds, and with them the core's own multiply-adds. Medians.
A * marks peers that begin with weights of their own, so that their outputs could not be compared.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

import report
import rows

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


class Worker:
    """A peer's process. Not `comparable`: it begins with weights of its own, so that its outputs say nothing."""

    def __init__(self, name, command, environment=None, comparable=True):
        self.name, self.comparable, self.alive = name, comparable, True
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL, env={**os.environ, **(environment or {})})

    def ask(self, line):
        """The answer; throws RuntimeError with the worker's reason."""
        if not self.alive:
            raise RuntimeError("the worker has ended")
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline().strip()
        except BrokenPipeError:
            answer = ""
        if answer == "":
            self.alive = False
            raise RuntimeError("the worker has ended")
        if answer.startswith("cannot"):
            raise RuntimeError(answer[7:])
        return answer

    def run(self, count):
        return float(self.ask(f"run {count}"))


def start_workers(folder, arguments):
    """mote, the core's ceiling, and every peer that is there."""
    binaries, isa = arguments.workers, arguments.isa
    onednn_isa = {"avx2": "AVX2", "avx512": "AVX512_CORE_VNNI"}[isa]
    core_type = {"avx2": "Haswell", "avx512": "SkylakeX"}[isa]
    limits = {
        "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_CORETYPE": core_type,
        "DNNL_MAX_CPU_ISA": onednn_isa, "ONEDNN_MAX_CPU_ISA": onednn_isa, "ATEN_CPU_CAPABILITY": isa,
        "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_cpu_max_isa={isa.upper()} --xla_cpu_multi_thread_eigen=false",
    }
    if isa == "avx2":
        limits["MKL_ENABLE_INSTRUCTIONS"] = "AVX2"

    def binary(name, *words):
        path = os.path.join(binaries, name)
        return [path, folder, *words] if os.path.exists(path) else None

    def python(peer):
        return [sys.executable, os.path.join(HERE, "python_worker.py"), peer, folder, isa]

    def has(module):
        return subprocess.run([sys.executable, "-c", f"import importlib.util, sys; sys.exit(importlib.util.find_spec("
                               f"'{module}') is None)"], check=False).returncode == 0

    candidates = {
        "mote": (binary("mote_worker", isa), True),
        "fma_peak": (binary("mote_worker", isa), False),
        "oneDNN": (binary("onednn_worker", "own"), True),
        "oneDNN plain": (binary("onednn_worker", "plain"), True),
        "OpenBLAS": (binary("openblas_worker", arguments.openblas) if arguments.openblas else None, True),
        "dlib": (binary("dlib_worker"), False),
        "FANN": (binary("fann_worker"), False),
    }
    for name, peer, module in (("XNNPACK", "litert", "ai_edge_litert"), ("ONNX Runtime", "onnxruntime", "onnxruntime"),
                               ("PyTorch", "torch", "torch"), ("JAX", "jax", "jax")):
        outside = isa == "avx2" and peer == "onnxruntime"  # nothing limits its instruction sets
        candidates[name] = (python(peer) if has(module) and not outside else None, True)
    return {name: Worker(name, command, limits, comparable)
            for name, (command, comparable) in candidates.items() if command is not None}


def openblas_library():
    """The one from PyPI, which knows more processors than Debian's; else Debian's."""
    try:
        import scipy_openblas32

        return os.path.join(scipy_openblas32.get_lib_dir(), scipy_openblas32.get_library(fullname=True))
    except ImportError:
        found = "/usr/lib/x86_64-linux-gnu/libopenblas.so.0"
        return found if os.path.exists(found) else None


def distance(values, reference):
    """Largest difference as a share of the largest magnitude."""
    if values.shape != reference.shape or not np.all(np.isfinite(values)):
        return np.inf
    return float(np.max(np.abs(values - reference)) / max(np.max(np.abs(reference)), 1e-30))


def distance_to_file(row, work, mote, inputs, expected):
    """Largest of the distances to the outputs that come with a .tflite file; the row's own input is left in place."""
    own = np.fromfile(os.path.join(work.folder, "input.f32"), np.float32)
    path, distances = os.path.join(work.folder, "output"), []
    for sample, wanted in zip(inputs, expected):
        work.put("input", sample)
        mote.ask("prepare " + row.words)
        mote.ask("output " + path)
        distances.append(distance(np.fromfile(path, np.float32), wanted.ravel()))
    work.put("input", own)
    mote.ask("prepare " + row.words)
    return max(distances)


def measure(row, work, workers, arguments):
    """One row: outputs compared, then times. None where mote itself cannot."""
    for stale in os.listdir(work.folder):
        os.remove(os.path.join(work.folder, stale))
    samples = row.prepare(work)
    result = {"kind": row.kind, "row": row.name, "flops": row.flops, "ns": {}, "spread": {}, "notes": {}}
    outputs, ready = {}, {}
    for name, worker in workers.items():
        if name == "fma_peak":
            continue
        words = row.words
        if name == "mote" and row.name.startswith("16-32-16-4"):
            words = words.replace("train", "static_train", 1)
        try:
            worker.ask("prepare " + words)
            path = os.path.join(work.folder, "output")
            worker.ask("output " + path)
            outputs[name] = np.fromfile(path, np.float32)
            ready[name] = worker
        except RuntimeError as error:
            if name == "mote":
                print(f"{row.name}: mote: {error}", file=sys.stderr)
                return None
            if "not for this worker" not in str(error):
                result["notes"][name] = f"cannot: {error}"
    reference = outputs["mote"]
    if samples is not None:
        result["distance_to_file"] = apart = distance_to_file(row, work, workers["mote"], *samples)
        if apart > row.file_tolerance:
            print(f"{row.name}: mote differs by {apart:.1e} from what the file's own runtime gave", file=sys.stderr)
            return None
    for name in list(ready):
        if not workers[name].comparable:
            continue
        apart = distance(outputs[name], reference)
        if apart > row.tolerance:
            result["notes"][name] = f"differs by {apart:.1e}"
            del ready[name]
    ready["fma_peak"] = workers["fma_peak"]

    # How many runs make a batch; then turns.
    counts, times = {}, {name: [] for name in ready}
    for name, worker in ready.items():
        count, took = 1, worker.run(1)
        while took < arguments.batch_ns / 4 and count < 1 << 20:
            count *= 4
            took = worker.run(count)
        counts[name] = max(4, round(arguments.batch_ns * count / took))
    for _ in range(arguments.rounds):
        for name, worker in ready.items():
            worker.run(1 + counts[name] // 4)  # the others have emptied caches and predictors: not timed
            times[name].append(worker.run(counts[name]) / counts[name])
    for name, taken in times.items():
        low, middle, high = np.percentile(taken, [25, 50, 75])
        if name == "fma_peak":
            result["peak_flops"] = arguments.peak_flops / middle * 1e9
            continue
        result["ns"][name] = float(middle)
        result["spread"][name] = float((high - low) / middle)
    rivals = {name: ns for name, ns in result["ns"].items() if name != "mote"}
    if rivals:
        result["best"] = min(rivals, key=rivals.get)
        result["ratio"] = result["ns"]["mote"] / rivals[result["best"]]
    if row.flops:
        result["gflops"] = row.flops / result["ns"]["mote"]
        if not row.kind.startswith("int8"):  # of what the core multiplies and adds in float32
            result["share"] = result["gflops"] * 1e9 / result["peak_flops"]
    return result


def versions():
    """What the peers are, as far as they say."""
    out = {}
    from importlib import metadata

    for package in ("ai-edge-litert", "onnxruntime", "torch", "jax", "scipy-openblas32"):
        try:
            out[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            pass
    for package in ("libdnnl2", "libdnnl3", "libopenblas0", "libfann2", "libdlib-dev"):
        asked = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True, text=True, check=False)
        if asked.returncode == 0 and asked.stdout:
            out[package] = asked.stdout
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=os.path.join(os.path.dirname(ROOT), "shared", "models", "mlperf-tiny"),
                        help="folder of the MLPerf Tiny .tflite files; where it is not, networks get random weights")
    parser.add_argument("--isa", choices=("avx512", "avx2"), default="avx512", help="instruction set of every candidate")
    parser.add_argument("--rows", default="", help="regular expression: only rows whose kind and name it finds")
    parser.add_argument("--rounds", type=int, default=21, help="turns of each candidate")
    parser.add_argument("--batch-ns", type=float, default=1.5e6, help="length of a turn in nanoseconds")
    parser.add_argument("--core", type=int, default=0, help="the core that everything is pinned to")
    parser.add_argument("--workers", default=os.path.join(ROOT, "build", "bench", "compare"))
    parser.add_argument("--openblas", default=openblas_library(), help="OpenBLAS' shared library")
    parser.add_argument("--out", help="folder for compare.json, compare.md and compare.svg")
    arguments = parser.parse_args()
    if not os.path.isdir(arguments.models):
        print(f"no folder {arguments.models}: networks get random weights", file=sys.stderr)
        arguments.models = None
    os.sched_setaffinity(0, {arguments.core})

    wanted = [row for row in rows.all_rows(arguments.models) if re.search(arguments.rows, f"{row.kind} {row.name}")]
    results = []
    with tempfile.TemporaryDirectory() as folder:
        work, workers = rows.Work(folder), start_workers(folder, arguments)
        peak = workers["fma_peak"]
        peak.ask("prepare fma_peak")
        peak.ask("output " + os.path.join(folder, "output"))
        arguments.peak_flops = float(np.fromfile(os.path.join(folder, "output"), np.float32)[0])
        for row in wanted:
            result = measure(row, work, workers, arguments)
            if result is None:
                continue
            results.append(result)
            text = report.line_of(result)
            print(f"{text[0]:<46} {text[1]:>10} {text[2]:>7} {text[3]:>6} {text[4]:>6} {text[5]:<5}  {text[6]}", flush=True)
        for worker in workers.values():
            worker.process.stdin.close()
            worker.process.wait()
    peaks = [result["peak_flops"] for result in results]
    about = {"isa": arguments.isa, "fma_peak_gflops": float(np.median(peaks)) / 1e9, "versions": versions(),
             "rounds": arguments.rounds, "models": arguments.models is not None}
    print(json.dumps(about))
    if arguments.out:
        os.makedirs(arguments.out, exist_ok=True)
        with open(os.path.join(arguments.out, "compare.json"), "w") as file:
            json.dump({**about, "results": results}, file, indent=1)
        with open(os.path.join(arguments.out, "compare.md"), "w") as file:
            file.write(report.markdown(about, results))
        report.picture(results, os.path.join(arguments.out, "compare.svg"), arguments.isa)


if __name__ == "__main__":
    main()
