#!/bin/sh
# run-bench.sh [WORD]: each program of bench/ (or those with WORD in the name), one after the other.
set -eu
cd "$(dirname "$0")/.."
ran=0
for program in build/release/bench/bench_*"${1:-}"*; do
  [ -x "$program" ] || continue
  echo "== $(basename "$program")"
  "$program"
  ran=$((ran + 1))
done
[ "$ran" -gt 0 ] || { echo "bench: no program bench_*${1:-}* was built" >&2; exit 1; }
