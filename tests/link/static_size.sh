#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# static_size.sh <nm> <size> <image> <folder of .su files> <flash bytes> <stack bytes> <kernel>...: a compile-time
# network links the kernels of its own steps and no others, and is no larger than said, in flash and in the largest
# frame of its functions.
set -eu
nm=$1
size=$2
image=$3
frames=$4
most_flash=$5
most_stack=$6
shift 6
failed=0
expected=$(printf '%s\n' "$@" | sort | tr '\n' ' ')
kernels=$("$nm" -C "$image" | sed -n 's/.* [TtWw] mote::kernels::\([a-z0-9_]*_f32\)(.*/\1/p' | sort -u | tr '\n' ' ')
if [ "$kernels" != "$expected" ]; then
  printf 'FAILED: kernels linked:\n  %s\nthe network needs:\n  %s\n' "$kernels" "$expected"
  failed=1
fi
flash=$("$size" "$image" | awk 'NR == 2 { print $1 + $2 }')
stack=$(find "$frames" -name '*.su' -exec cat {} + | cut -f2 | sort -n | tail -1)
echo "flash: $flash bytes (at most $most_flash); largest frame: ${stack:-unknown} bytes (at most $most_stack)"
[ "$flash" -le "$most_flash" ] || failed=1
[ "${stack:?no .su file}" -le "$most_stack" ] || failed=1
exit "$failed"
