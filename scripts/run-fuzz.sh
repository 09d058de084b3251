#!/bin/sh
# run-fuzz.sh SECONDS [TARGET]: each fuzz target (or that one) over its seeds in
# tests/fuzz/corpus and what earlier runs found; findings go to build/fuzz/found.
set -eu
cd "$(dirname "$0")/.."
seconds=$1
only=${2:-fuzz_*}
# Leaks are looked for in the unit tests: a target keeps its keys, and what libcrypto holds for them hangs on memory of the secret
# pool, which LeakSanitizer does not look into.
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1

run() {
  name=$(basename "$1")
  seeds=tests/fuzz/corpus/$name
  [ -n "$(ls "$seeds" 2>/dev/null)" ] || { echo "$name has no seeds in $seeds" >&2; return 1; }
  mkdir -p "build/fuzz/corpus/$name" build/fuzz/found
  echo "$name: $seconds s"
  "$1" -max_total_time="$seconds" -timeout=10 -verbosity=0 -print_final_stats=1 \
    -detect_leaks=0 -artifact_prefix="build/fuzz/found/$name-" "build/fuzz/corpus/$name" "$seeds" >"build/fuzz/found/$name.log" 2>&1 || {
    cat "build/fuzz/found/$name.log"
    return 1
  }
  grep -e number_of_executed_units "build/fuzz/found/$name.log" || true
}

failed=0
found=0
for target in build/fuzz/fuzz/$only; do
  [ -x "$target" ] || continue
  found=1
  run "$target" || failed=1
done
[ "$found" -eq 1 ] || { echo "no fuzz target $only" >&2; exit 1; }
exit "$failed"
