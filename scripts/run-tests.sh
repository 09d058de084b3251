#!/bin/sh
# run-tests.sh [WORD] runs what "make test" has built: unit tests in release and
# under sanitizers, the checks of the tree, each fuzz target for a few seconds,
# and the end-to-end scripts.  Prints what failed; its last line is the sum.
#
# A script of tests/ passes with exit status 0 and is skipped with 77; its last
# line of output says why.  It gets an empty folder of its own in CF_TEST_DIR.
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C TSS2_LOG="${TSS2_LOG:-all+none}"
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
logs=build/test-logs

# run_one NAME COMMAND...: the log goes to NAME.log, "passed failed skipped" to NAME.sum.
run_one() {
  name=$1
  shift
  log=$logs/$name.log
  CF_TEST_DIR=$PWD/build/test-tmp/$name
  export CF_TEST_DIR
  rm -rf "$CF_TEST_DIR"
  mkdir -p "$CF_TEST_DIR" "$(dirname "$log")"
  code=0
  timeout --kill-after=5 "${CF_TEST_SECONDS:-240}" "$@" >"$log" 2>&1 </dev/null || code=$?
  case $name in
    release/*|asan/*) sum=$(sum_cmocka "$code" "$log") ;;
    *)
      case $code in
        0) sum="1 0 0" ;;
        77) sum="0 0 1" ;;
        *) sum="0 1 0" ;;
      esac
      ;;
  esac
  case $sum in
    *" 0 0") ;;
    *" 0 "*) echo "SKIP $name: $(tail -n 1 "$log")" ;;
    *)
      echo "FAIL $name (status $code)$([ "$code" -ne 124 ] || echo ", out of time"): $log"
      tail -n 25 "$log" | sed 's/^/    /'
      ;;
  esac
  echo "$sum" >"$logs/$name.sum"
  case $sum in *" 0 0") rm -rf "$CF_TEST_DIR" ;; esac
}

# A cmocka program that ends badly, or that ran nothing, counts as one failure at least.
sum_cmocka() {
  [ "$1" -ne 77 ] || { echo "0 0 1"; return; } # it says that it cannot run here
  awk -v code="$1" '
    /^\[  PASSED  \] [0-9]+ test/ { passed += $4 }
    /^\[  FAILED  \] [0-9]+ test/ { failed += $4 }
    /^\[  SKIPPED \] [0-9]+ test/ { skipped += $4 }
    END {
      if (failed == 0 && (code != 0 || passed + skipped == 0)) failed = 1
      print passed + 0, failed + 0, skipped + 0
    }' "$2"
}

if [ "${1:-}" = --one ]; then
  shift
  run_one "$@"
  exit 0
fi

# One job a line, the long ones first.
jobs_of() {
  for script in tests/e2e/*.sh; do [ ! -f "$script" ] || echo "e2e/$(basename "$script" .sh) sh $script"; done
  for target in build/fuzz/fuzz/fuzz_*; do
    [ ! -x "$target" ] || echo "fuzz/$(basename "$target") sh scripts/run-fuzz.sh 2 $(basename "$target")"
  done
  for build in asan release; do
    for source in tests/unit/*/test_*.c; do
      [ ! -f "$source" ] || echo "$build/$(basename "$source" .c) build/$build/tests/$(basename "$source" .c)"
    done
  done
  for script in tests/check_*.sh; do echo "check/$(basename "$script" .sh) sh $script"; done
}

rm -rf "$logs" build/test-tmp
mkdir -p "$logs"
jobs_of | grep -e "${1:-.}" >"$logs/jobs" || { echo "no test has \"$1\" in its name" >&2; exit 1; }
xargs -P "$(nproc)" -L 1 sh scripts/run-tests.sh --one <"$logs/jobs"

find "$logs" -name '*.sum' -exec cat {} + | awk -v jobs="$(wc -l <"$logs/jobs")" '
  { passed += $1; failed += $2; skipped += $3 }
  END {
    failed += jobs - NR # a job without a sum was killed
    printf "%d passed, %d failed%s\n", passed, failed, skipped ? ", " skipped " skipped" : ""
    exit failed > 0
  }'
