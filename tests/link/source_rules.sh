#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# source_rules.sh <root> [<file>]: what no compiler checks about the sources. Every file names its licence and has at most 600
# lines; a file includes only from its own layer or a lower one; SIMD stays in src/simd; the core uses no header that
# allocates, throws or prints. Prints each breach as file:line, which
# <file> receives too, and exits with 1 if there is one.
set -eu
breaches=${2:-$(mktemp)}
cd "$1"

find . \( -name .git -o -name .deps -o -name build -o -name .cache \) -prune -o -type f \( -name '*.[ch]pp' -o -name '*.inl' \
  -o -name '*.inc' -o -name '*.cmake' -o -name CMakeLists.txt -o -name '*.sh' -o -name '*.py' -o -name '*.ld' \
  -o -path ./.ci/run \) -print | sort |
  while read -r file; do
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$file:1: no SPDX line"
    lines=$(wc -l <"$file")
    [ "$lines" -le 600 ] || [ "$file" = ./tests/golden/golden_values.inc ] || echo "$file:$lines: more than 600 lines; split it where there are two ideas"
  done >"$breaches"

# shellcheck disable=SC2016  # the dollars are for awk
find include src -type f \( -name '*.[ch]pp' -o -name '*.inl' -o -name '*.inc' \) -print | sort | xargs awk '
  function breach(text) { print FILENAME ":" FNR ": " text }

  # Layers of src/README.md. Kernels see shapes and the facade; the facade sees nothing; the tool sees all.
  function layer_of(path) {
    if (path ~ /^src\/tool\//) return 9
    if (path ~ /^src\/simd\//) return -2
    if (path ~ /^src\/kernels\//) return -1
    sub(/.*\//, "", path)
    return path in layer ? layer[path] : -9
  }
  function may_include(from, to, path) {
    if (from == 9) return 1
    if (to == 9 || to == -2 && from > -1) return 0
    if (from == -2) return to == -2
    if (from == -1) return to < 1 || path ~ /mote\/(kernels|layer)\./
    return to >= 0 && to <= from
  }

  BEGIN {
    split("status types random crc32 status_texts port isa threads", names); for (i in names) level[names[i]] = 0
    split("layer ops model builders kernels loss optimizer schedule initializer model_file fold standardization augmentation line_search smoother smoothing_spline supersmoother cholesky", names)
    for (i in names) level[names[i]] = 1
    split("plan planner plan_graph plan_walk plan_placement", names); for (i in names) level[names[i]] = 2
    split("execute execute_training guard minimizer", names); for (i in names) level[names[i]] = 4
    split("session trainer plan_in_arena projection_pursuit ridge_fit ridge_export mote", names); for (i in names) level[names[i]] = 5
    for (name in level) {
      layer[name ".hpp"] = layer[name ".cpp"] = layer[name ".inc"] = level[name]
    }
  }
  FNR == 1 {
    mine = layer_of(FILENAME)
    if (mine == -9) breach("this file has no layer; give it one in tests/link/source_rules.sh")
  }
  /^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, quoted, "\"")
    path = quoted[2]
    sub(/^(mote|\.\.)\//, "include/mote/", path)
    if (path !~ /\//) path = (mine == 9 ? "src/tool/" : "src/") path
    else if (path !~ /^include\//) path = "src/" path
    if (!may_include(mine, layer_of(path), path)) breach("includes " quoted[2] ", which is of a higher layer")
  }
  mine != -2 && (/#[ \t]*include[ \t]*<(xsimd|immintrin|arm_neon|arm_mve|[a-z]*mmintrin)/ || /xsimd::/ || /[^a-z_]_mm[0-9]*_/) {
    breach("SIMD outside src/simd")
  }
  mine != 9 && /#[ \t]*include[ \t]*<(vector|string|map|unordered_map|set|deque|list|functional|any|variant|optional|iostream|ostream|istream|fstream|sstream|cstdio|cstdlib|stdexcept|exception|typeinfo|thread|mutex|random|locale|regex|format|filesystem)>/ {
    breach("a header of the standard library that the core does without")
  }
  mine == -1 && /#[ \t]*include[ \t]*<cmath>/ { breach("kernels use simd/math.hpp: libm has other bits on other machines") }
' >>"$breaches"

cat "$breaches"
[ ! -s "$breaches" ]
