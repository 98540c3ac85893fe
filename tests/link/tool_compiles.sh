#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tool_compiles.sh <c++> <source> <folder>: another compiler than that of the build accepts the tool's sources, folder by
# folder as one file, as the build joins them.
set -eu
mkdir -p "$3"
failed=0
for room in "$2"/src/tool/*/; do
  unit=$3/$(basename "$room").cpp
  for file in "$room"*.cpp; do
    echo "#include \"$file\""
  done >"$unit"
  "$1" -std=c++20 -fsyntax-only -I"$2/src" -I"$2/include" -I"$2/ports/linux/include" "$unit" || failed=1
done
exit "$failed"
