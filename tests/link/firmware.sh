#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# firmware.sh <nm> <size> <image>: what is linked into the compile-time network's program, with its bytes. Of the
# kernels, those of its layers; no planner, no texts, no heap, no stdio, no exceptions, no double arithmetic.
set -eu
nm=$1
size=$2
image=$3
failed=0

echo "sections in bytes:"
"$size" -A "$image" | awk '$2 > 0 && ($1 ~ /^\.(text|data|bss)$/) { print "  " $1, $2 }'
flash=$("$size" "$image" | awk 'NR == 2 { print $1 + $2 }')
ram=$("$size" "$image" | awk 'NR == 2 { print $2 + $3 }')
echo "flash: $flash bytes, RAM without stack: $ram bytes"
echo "functions and data in bytes:"
"$nm" -C -S --size-sort --reverse-sort "$image" | awk '{ bytes = $2; sub(/^[^ ]* [^ ]* /, ""); print "  " bytes, $0 }' |
  while read -r bytes kind name; do printf '  %6d %s %s\n' "0x$bytes" "$kind" "$name"; done

kernels=$("$nm" -C "$image" | sed -n 's/.* [TtWw] mote::kernels::\([a-z0-9_]*_f32\)(.*/\1/p' | sort -u | tr '\n' ' ')
if [ "$kernels" != "dense_f32 " ]; then
  echo "FAILED: the kernels linked are '$kernels', not 'dense_f32 '"
  failed=1
fi
refused='make_plan|plan_size|param_arrays|kStaticPlan$|::kPlan$|::kNet$|validate|describe|open_model|Trainer|malloc|calloc|realloc|[^a-z]free$|_sbrk|printf|_write|stdout|'
refused="$refused"'operator new|operator delete|__cxa_|_Unwind|terminate|abort|exit\(\)$|__aeabi_d|assert'
extra=$("$nm" -C "$image" | grep -E "$refused" || :)
if [ -n "$extra" ]; then
  printf 'FAILED: these do not belong in this program:\n%s\n' "$extra"
  failed=1
fi
exit "$failed"
