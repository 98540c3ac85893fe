#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# source_rules.sh <root> [<file>.txt]: what no compiler checks about the sources. Every file names its licence and has at most 600
# lines; a file includes only from its own room and those below; SIMD stays in src/simd; the core uses no header that
# allocates, throws or prints; public headers begin with requirements.hpp; mote.hpp lists headers in reading order. Prints each breach as file:line, which
# <file> receives too, and exits with 1 if there is one.
set -eu
case ${2:-.txt} in
  *.txt) breaches=${2:-$(mktemp)} ;;
  *) echo "$2 would be written over: the second argument is a .txt for the breaches" >&2 && exit 2 ;;
esac
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

  # The rooms of src/README.md: include/mote/<room>/ and src/<room>/. A file may include from its own room and from
  # those that `sees` names for it; files at the top of include/mote/ and src/ are the room `top`. `plain` are values
  # that say what to train for: every room may name them, so they see only the model.
  function room_of(path,   parts, n) {
    if (path in plain) return "plain"
    n = split(path, parts, "/")
    if (parts[1] == "src") return n == 2 ? "top" : parts[2]
    return n == 3 ? "top" : parts[3] == "linux" ? "ports" : parts[3]
  }
  function may_include(from, to) { return from == to || index(" " sees[from] " ", " " to " ") > 0 }

  BEGIN {
    sees["top"] = ""
    sees["simd"] = ""
    sees["plain"] = "top model"
    sees["model"] = "top"
    sees["kernels"] = "top model simd plain"
    sees["plan"] = "top model kernels plain"
    sees["run"] = "top model kernels plan plain"
    sees["train"] = "top model kernels plan run plain"
    sees["pursuit"] = "top model kernels plan run train plain"
    sees["quantize"] = "top model kernels plan run plain"
    sees["tool"] = sees["pursuit"] " pursuit quantize ports"
    plain["include/mote/train/loss.hpp"] = plain["include/mote/train/optimizer.hpp"] = 1
    plain["include/mote/train/schedule.hpp"] = plain["include/mote/train/random.hpp"] = 1
  }
  FNR == 1 {
    mine = room_of(FILENAME)
    if (!(mine in sees)) breach("this folder is no room; give it its place in tests/link/source_rules.sh")
    if (FILENAME == "include/mote/mote.hpp") mine = "tool"  # the list of everything
    host = FILENAME ~ /^src\/tool\//
    header = FILENAME ~ /^include\//
  }
  /^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, quoted, "\"")
    path = (quoted[2] ~ /^mote\// ? "include/" : "src/") quoted[2]
    if (path ~ /^src\/[^\/]*\.[a-z]*$/ && path !~ /^src\/status_texts/) breach("includes " quoted[2] " without its folder")
    if (header && path ~ /^src\//) breach("a public header includes " quoted[2] ", which is not installed")
    if (path ~ /^src\/simd\// && (mine != "simd" && mine != "kernels")) breach("includes " quoted[2] " outside the kernels")
    else if (!may_include(mine, room_of(path))) breach("includes " quoted[2] ", which " mine " may not see")
  }
  mine != "simd" && (/#[ \t]*include[ \t]*<(xsimd|immintrin|arm_neon|arm_mve|[a-z]*mmintrin)/ || /xsimd::/ || /[^a-z_]_mm[0-9]*_/) {
    breach("SIMD outside src/simd")
  }
  !host && /#[ \t]*include[ \t]*<(vector|string|map|unordered_map|set|deque|list|functional|any|variant|optional|iostream|ostream|istream|fstream|sstream|cstdio|cstdlib|stdexcept|exception|typeinfo|thread|mutex|random|locale|regex|format|filesystem)>/ {
    breach("a header of the standard library that the core does without")
  }
  mine == "kernels" && !header && /#[ \t]*include[ \t]*<cmath>/ { breach("kernels use simd/math.hpp: libm has other bits on other machines") }
' >>"$breaches"

# Public headers begin with what they ask of the compiler, and there a user's warnings end.
find include/mote ports -path '*/include/*.hpp' -o -path 'include/*.hpp' | sort | while read -r file; do
  sed -n '/^#pragma once/,/^#endif/p' "$file" | tr '\n' ' ' >"$breaches.head"
  [ "$file" = include/mote/requirements.hpp ] ||
    [ "$(cat "$breaches.head")" = '#pragma once  #include "mote/requirements.hpp" #ifndef MOTE_WARN_IN_HEADERS #pragma GCC system_header #endif ' ] ||
    echo "$file:1: does not begin with the five lines of mote/types.hpp on requirements and warnings"
done >>"$breaches"
rm -f "$breaches.head"

# mote.hpp lists everything in reading order: a header relies on those above it.
included() { sed -n 's/^#include "\(mote\/.*\)"/\1/p' "$1"; }
above=" "
for file in $(included include/mote/mote.hpp); do
  for read in $(included "include/$file"); do
    case $above in *" $read "*) continue ;; esac
    ! grep -q "\"$read\"" include/mote/mote.hpp ||
      echo "include/mote/mote.hpp: lists $file above $read, which it includes" >>"$breaches"
  done
  above="$above$file "
done

cat "$breaches"
[ ! -s "$breaches" ]
