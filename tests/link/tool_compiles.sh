#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tool_compiles.sh <c++> <source> <folder> <formats>: another compiler than that of the build accepts the tool's sources,
# folder by folder as one file, as the build joins them; import/ and export/ file by file, likewise.
set -eu
mkdir -p "$3"
failed=0
accepts() {
  "$1" -std=c++20 -fsyntax-only -I"$2/src" -I"$2/include" -I"$2/ports/linux/include" -isystem "$4" "$5" || failed=1
}
for room in "$2"/src/tool/*/; do
  case $(basename "$room") in
  import | export)
    for file in "$room"*.cpp; do accepts "$@" "$file"; done
    continue
    ;;
  ceilings) # its other files are told their instruction set by the build
    accepts "$@" "${room}peak.cpp"
    continue
    ;;
  esac
  unit=$3/$(basename "$room").cpp
  for file in "$room"*.cpp; do
    echo "#include \"$file\""
  done >"$unit"
  accepts "$@" "$unit"
done
exit "$failed"
