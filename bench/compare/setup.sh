#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Readies a comparison: peers from PyPI in build/compare-venv, and the workers in build/bench/compare. Peers from Debian
# are used where they are installed; nothing is installed outside the project's folder.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
venv=$root/build/compare-venv

for package in libdnnl-dev libopenblas-dev libdlib-dev libfann-dev; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
    echo "setup: without $package its peer stays out (apt-get install $package)"
done

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet ai-edge-litert onnxruntime onnx numpy scipy-openblas32
"$venv/bin/pip" install --quiet jax || echo "setup: JAX could not be installed and stays out"
# The wheel without CUDA where its index can be reached; PyPI's brings some gigabytes that are not used.
"$venv/bin/pip" install --quiet torch --index-url https://download.pytorch.org/whl/cpu 2>/dev/null ||
  "$venv/bin/pip" install --quiet torch ||
  echo "setup: PyTorch could not be installed and stays out"

cd "$root"
cmake --preset bench
cmake --build --preset compare
