#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# headers.sh <c++> <folder> <source> <include folder>...: what a user's compiler says to the public headers.
# Each compiles alone and without a warning of the first list; in a user's program they are silent with every list; and
# where the options do not suit them, one sentence says so.
set -eu
compiler=$1
folder=$2
source=$3
shift 3
mkdir -p "$folder"
failed=0

# Not among them, because with these the compiler asks for the opposite of what -Wswitch and value sentinels rely on:
# every enumerator beside a default, a default beside every enumerator, no comparison of a float with 0.
clean="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wdouble-promotion -Wundef
-Wcast-qual -Wnon-virtual-dtor -Woverloaded-virtual -Wformat=2 -Wextra-semi -Wzero-as-null-pointer-constant
-Wunused-macros -Wunused-const-variable -Wnull-dereference -Wmissing-declarations -Wdeprecated"
others="-Wswitch-enum -Wswitch-default -Wfloat-equal -Wcast-align -Wpadded -Weffc++"
if "$compiler" --version | grep -q clang; then
  clean="$clean -Wno-unknown-warning-option"
  others="$others -Weverything -Wno-c++98-compat -Wno-pre-c++20-compat-pedantic -Wno-missing-prototypes -Wno-missing-variable-declarations"
else
  clean="$clean -Wsuggest-override -Wmismatched-tags -Wredundant-tags -Wduplicated-cond -Wduplicated-branches -Wlogical-op"
  others="$others -Wcast-align=strict -Wuseless-cast -Wredundant-decls -Warith-conversion -Wctor-dtor-privacy"
fi

includes=""
for include in "$@"; do
  includes="$includes -I$include"
done

for include in "$@"; do
  for header in $(cd "$include" && find mote -name '*.hpp' | sort); do
    echo "#include \"$header\"" >"$folder/alone.cpp"
    # shellcheck disable=SC2086  # lists of words
    "$compiler" -std=c++20 -O1 $clean -Werror -DMOTE_WARN_IN_HEADERS $includes -c "$folder/alone.cpp" \
      -o "$folder/alone.o" 2>"$folder/alone.txt" || {
      echo "FAILED: $header alone:"
      cat "$folder/alone.txt"
      failed=1
    }
  done
done

# Instantiated too: a program with sessions and trainers, whose own lines are without fault except -Wpadded.
# shellcheck disable=SC2086
"$compiler" -std=c++20 -O2 $clean $others -Wno-missing-declarations -Wno-padded -Werror $includes -c "$source" \
  -o "$folder/user.o" 2>"$folder/user.txt" || {
  echo "FAILED: a user's warnings do not end at the headers:"
  cat "$folder/user.txt"
  failed=1
}

# refused <text> <option>...: must not compile, must say the text first and at most one error more.
refused() {
  text=$1
  shift
  for header in mote/mote.hpp mote/run/session.hpp mote/types.hpp; do
    echo "#include <$header>" >"$folder/refused.cpp"
    # shellcheck disable=SC2086
    if "$compiler" -std=c++20 "$@" $includes -fsyntax-only "$folder/refused.cpp" 2>"$folder/refused.txt"; then
      echo "FAILED: $header compiles with $*"
      failed=1
      continue
    fi
    errors=$(grep -c 'error:' "$folder/refused.txt")
    if ! grep 'error:' "$folder/refused.txt" | head -n 1 | grep -qF -- "$text" || [ "$errors" -gt 2 ]; then
      echo "FAILED: $header with $*: $errors errors, and the first does not say '$text':"
      cat "$folder/refused.txt"
      failed=1
    fi
  done
}
refused "compile with -std=c++20" -std=c++17
refused "compile with -std=c++20" -std=c++11
refused "-ffast-math" -O2 -ffast-math
refused "-ffast-math" -Ofast
refused "-ffinite-math-only" -ffinite-math-only
if ! "$compiler" --version | grep -q clang; then
  refused "-funsafe-math-optimizations" -funsafe-math-optimizations
  refused "-fsingle-precision-constant" -fsingle-precision-constant
  case $("$compiler" -dumpmachine) in
    x86_64*)
      refused "-msse2 -mfpmath=sse" -mfpmath=387
      refused "-msse2 -mfpmath=sse" -m32 -march=i686
      ;;
  esac
fi
exit "$failed"
