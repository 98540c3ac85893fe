#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# contraction.sh <c++> <objdump> <include folder> <source> <folder>: where a user's compiler may fuse multiply-adds
# (GCC's default with -mfma, and no flag of ours), it finds none to fuse in the headers: same bits.
set -eu
mkdir -p "$5"
object=$5/contraction.o
for optimization in -O1 -O2 -O3; do
  "$1" -std=c++20 "$optimization" -mfma -ffp-contract=fast -I"$3" -c "$4" -o "$object"
  "$2" -dC --no-show-raw-insn "$object" | awk '/>:$/ { name = $0 } /vfn?m(add|sub)/ { print name, $0 }' >"$5/fused.txt"
  if [ "$optimization" != -O1 ] && ! grep -q '<control(' "$5/fused.txt"; then  # GCC fuses from -O2 on
    echo "FAILED: control() is not fused at $optimization, so the test sees nothing"
    exit 1
  fi
  if grep -v '<control(' "$5/fused.txt"; then
    echo "FAILED: these multiply-adds of the headers are fused at $optimization; see mote/arithmetic.hpp"
    exit 1
  fi
done
