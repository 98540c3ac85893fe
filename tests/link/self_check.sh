#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# self_check.sh <c++> <source> <libmote.a with scalar kernels> <folder>: a user who compiles the sources by hand and
# leaves out -ffp-contract=off is told so when a trainer is created, wherever the compiler fuses. The kernels compiled
# here come before those of the library.
set -eu
compiler=$1 source=$2 library=$3 folder=$4
mkdir -p "$folder"
for contract in off fast; do
  "$compiler" -std=c++20 -O2 -mfma -ffp-contract=$contract -DMOTE_FORCE_SCALAR -DNDEBUG -I"$source/include" -I"$source/src" \
    "$source/tests/link/self_check.cpp" "$source/src/kernels/small_kernels_f32.cpp" "$library" -o "$folder/$contract"
done
"$folder/off" || {
  echo "FAILED: a trainer is refused though products are rounded"
  exit 1
}
if "$folder/fast" 2>"$folder/fast.txt" || ! grep -q -- "-ffp-contract=off" "$folder/fast.txt"; then
  echo "FAILED: fused products are not noticed, or the sentence does not name the option:"
  cat "$folder/fast.txt"
  exit 1
fi
