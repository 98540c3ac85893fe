#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs ONNX's own tests of its operators through mote and prints how many pass, are refused, and are wrong.

    python3 tests/models/onnx_node_tests.py build/test/mote [--show REFUSED|WRONG] [--only NAME]

Needs the packages onnx and numpy. Exit code 1: one is wrong, or mote ended otherwise than with an answer.
"""

import argparse
import collections
import os
import subprocess
import sys
import tempfile
import warnings

import numpy
import onnx
from onnx.backend.test.case.node import collect_testcases


def ends(case, folder):
    """Writes the inputs; returns the expected outputs. None: they are no arrays of numbers."""
    inputs, outputs = case.data_sets[0]
    for i, value in enumerate(inputs):
        if not isinstance(value, numpy.ndarray):
            value = numpy.asarray(value) if numpy.isscalar(value) else None
        if value is None or value.dtype == object or value.dtype.kind not in "fiub" or value.dtype.itemsize > 8:
            return None
        numpy.save(os.path.join(folder, f"in0_{i}.npy"), value)
    return outputs


def differs(expected, path, rtol, atol):
    if not os.path.exists(path):
        return "missing"
    got = numpy.load(path)
    expected = numpy.asarray(expected)
    if expected.dtype == numpy.float16:  # computed in float32
        rtol, atol = max(rtol, 2e-3), max(atol, 2e-3)
    if got.size != expected.size:
        return f"shape {got.shape}, not {expected.shape}"
    if got.shape != expected.shape and expected.shape != ():
        return f"shape {got.shape}, not {expected.shape}"
    a, b = got.astype(float).ravel(), expected.astype(float).ravel()
    if numpy.allclose(a, b, rtol=rtol, atol=atol, equal_nan=True):
        return None
    return f"{a[:6]} instead of {b[:6]}"


def with_constants(model, inputs):
    """All inputs but the first as constants: what a test leaves open and models do not."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    for info, value in list(zip(model.graph.input, inputs))[1:]:
        made.graph.initializer.append(onnx.numpy_helper.from_array(numpy.asarray(value), info.name))
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mote")
    parser.add_argument("--show", action="append", default=[])
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # of the tests in the making
    counts, reasons, seen = collections.Counter(), collections.Counter(), set()
    operators = collections.defaultdict(collections.Counter)
    for case in collect_testcases(None):
        if case.name in seen or arguments.only not in case.name:
            continue
        seen.add(case.name)
        with tempfile.TemporaryDirectory() as folder:
            model = os.path.join(folder, "model.onnx")
            onnx.save(case.model, model)
            inputs = case.data_sets[0][0]
            expected = ends(case, folder)
            if expected is None or not case.data_sets[0][0]:
                command = [arguments.mote, "import", model, "--out", os.path.join(folder, "m.mote")]
            else:
                command = [arguments.mote, "run", model, "--inputs", folder, "--outputs", folder]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            except subprocess.TimeoutExpired:
                done = subprocess.CompletedProcess(command, -1, "", "takes more than a minute")
            if done.returncode == 1 and expected is not None and len(inputs) > 1:
                onnx.save(with_constants(case.model, inputs), model)
                again = subprocess.run(command, capture_output=True, text=True, timeout=60)
                done = again if again.returncode != 1 else done
            said = done.stderr.strip().split("\n")[0]
            if done.returncode == 1:
                answer = "REFUSED"
                reasons[said.split("model.onnx: ")[-1][:100]] += 1
            elif done.returncode != 0:
                answer, said = "WRONG", f"exit code {done.returncode}: {said}"
            elif expected is None or not case.data_sets[0][0]:
                answer, said = "UNSEEN", "imported; its inputs or outputs are no arrays"
            else:
                said = None
                for i, value in enumerate(expected):
                    if isinstance(value, numpy.ndarray) or numpy.isscalar(value):
                        path = os.path.join(folder, f"out0_{i}.npy")
                        said = said or differs(value, path, max(case.rtol, 1e-4), max(case.atol, 1e-5))
                answer = "WRONG" if said else "PASSED"
        counts[answer] += 1
        for op in {node.op_type for node in case.model.graph.node}:
            operators[op][answer] += 1
        if answer in arguments.show or answer == "WRONG":
            print(f"{answer:8} {case.name}: {said}", flush=True)
    total = sum(counts.values())
    tried = sorted(op for op, answers in operators.items() if answers["PASSED"])
    of_these = sum((operators[op] for op in tried), collections.Counter())
    print(f"{total} tests: " + ", ".join(f"{n} {answer.lower()} ({100 * n / total:.1f} %)" for answer, n in counts.items()))
    print(f"of the {len(tried)} operators that pass somewhere: {dict(of_these)}")
    return 1 if counts["WRONG"] else 0


if __name__ == "__main__":
    sys.exit(main())
