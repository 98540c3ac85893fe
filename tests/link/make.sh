#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make.sh <source> <folder> <c++> <ar> <target> <flags> [<emulator>...]: builds tests/link/make with make alone, links a
# program of a user and runs it.
set -eu
source=$1 folder=$2 compiler=$3 ar=$4 target=$5 flags=$6
shift 6
rm -rf "$folder"
mkdir -p "$folder"
"${MAKE:-make}" -j2 -s -C "$folder" -f "$source/tests/link/make/Makefile" MOTE="$source" CXX="$compiler" AR="$ar" \
  CXXFLAGS="$flags" "$target" >"$folder/log.txt" 2>&1 || {
  cat "$folder/log.txt"
  echo "FAILED: make $target ended with an error"
  exit 1
}
if [ -s "$folder/log.txt" ]; then
  cat "$folder/log.txt"
  echo "FAILED: the build is not silent"
  exit 1
fi
"$@" "$folder/$target"
