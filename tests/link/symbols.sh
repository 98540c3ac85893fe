#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# symbols.sh <nm> <libmote.a>: what the library asks of a system and leaves to a linker. It needs memory functions, and
# fma and sqrt where there is no instruction for them: no heap, stdio, exceptions or locks, for the list below names
# what is allowed, also what says which instructions a processor has (panic.cpp, a port, may ask for more). It runs nothing before main. Its kernels, compiled for one
# instruction set, leave no shared function that code for another machine could be linked with.
set -eu
nm=$1
library=$2
allowed='^(__cpu_(model|indicator_init|features2)|getauxval|mem(cpy|move|set|cmp)|bcmp|fmaf?|sqrt|_GLOBAL_OFFSET_TABLE_|__aeabi_.*|__(popcount|clz|ctz)[sd]i2)$'
failed=0

complain() { # complain <what> <lines>
  if [ -n "$2" ]; then
    printf '%s\n%s\n' "$1" "$2"
    failed=1
  fi
}

defined=$("$nm" -g --defined-only -f posix "$library" | awk 'NF > 2 { print $1 }' | sort -u)
needed=$("$nm" -g -u -f posix "$library" | awk '/:$/ { port = /panic/ } NF >= 2 && !port { print $1 }' | sort -u)
missing=$({ echo "$needed"; echo "$defined"; echo "$defined"; } | sort | uniq -u | grep -Ev "$allowed" | c++filt || :)
complain "$library needs these symbols of other libraries:" "$missing"

before_main=$("$nm" -C "$library" | grep -E '_GLOBAL__(sub_)?[ID]_|guard variable' || :)
complain "$library runs code before main or guards a local static:" "$before_main"

# xsimd leaves functions on NEON vectors (abs_u8(__Uint8x16_t), __simd128_uint8_t on 32-bit ARM): every ARM machine that has the type runs them.
shared=$("$nm" -C "$library" | awk '
  /:$/ { kernels = /_(f32|s8|bytes)\.cpp|instruction_set\.cpp/ }
  kernels && $2 ~ /^[WVu]$/ && $3 !~ /^mote::(simd|kernels[a-z0-9_]*)::/ && !($3 ~ /^xsimd::/ && $0 ~ /__((Int|Uint|Float)[0-9]+x[0-9]+_t|simd128_)/) { print }')
complain "the kernels of $library share these functions with other objects:" "$shared"

[ -n "$("$nm" "$library" | grep -E '_f32\.cpp.*:$')" ] || complain "$library holds no kernels" "-"
[ "$failed" -eq 0 ] && echo "$library needs only: $(echo "$needed" | grep -E "$allowed" | tr '\n' ' ')"
exit "$failed"
