#!/bin/sh
# The runner counts right: what passes, fails, is skipped, crashes, hangs, runs
# nothing or is missing, in a small tree of made-up tests.
set -eu
cd "$(dirname "$0")/.."
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/scripts" "$tree/tests/e2e" "$tree/tests/unit/x" "$tree/build/release/tests" "$tree/build/asan/tests"
cp scripts/run-tests.sh "$tree/scripts/"

# unit BUILD NAME SCRIPT
unit() {
  : >"$tree/tests/unit/x/$2.c"
  printf '#!/bin/sh\n%s\n' "$3" >"$tree/build/$1/tests/$2"
  chmod +x "$tree/build/$1/tests/$2"
}
# cmocka PASSED FAILED SKIPPED: its closing lines.
cmocka() { echo "echo '[  PASSED  ] $1 test(s).'; [ $3 = 0 ] || echo '[  SKIPPED ] $3 test(s), listed below:'; [ $2 = 0 ] || { echo '[  FAILED  ] $2 test(s), listed below:'; echo '[  FAILED  ] test_x'; exit $2; }"; }
# expect WORD LINE STATUS
expect() {
  code=0
  out=$(CF_TEST_SECONDS=1 sh "$tree/scripts/run-tests.sh" "$1" 2>&1) || code=$?
  [ "$(echo "$out" | tail -n 1)" = "$2" ] && [ "$code" -eq "$3" ] || { printf 'for %s, status %d:\n%s\n' "$1" "$code" "$out"; exit 1; }
}

for build in release asan; do
  unit $build test_good "$(cmocka 3 0 0)"
  unit $build test_bad "$(cmocka 2 1 0)"
  unit $build test_part "$(cmocka 1 0 2)"
  unit $build test_groups "$(cmocka 4 0 0); $(cmocka 1 2 0)"
  unit $build test_crash "$(cmocka 5 0 0); kill -SEGV \$\$"
  unit $build test_empty 'exit 0'
  unit $build test_hang 'sleep 60'
done
unit release test_unbuilt 'exit 0'
rm "$tree/build/release/tests/test_unbuilt"
echo '[ -d "$CF_TEST_DIR" ]' >"$tree/tests/e2e/pass.sh"
echo 'echo no such thing here; exit 77' >"$tree/tests/e2e/skip.sh"
echo 'exit 3' >"$tree/tests/check_fail.sh"
printf 'read x && exit 1\nexit 0\n' >"$tree/tests/check_stdin.sh"

expect release/test_good '3 passed, 0 failed' 0
expect test_good '6 passed, 0 failed' 0
expect release/test_bad '2 passed, 1 failed' 1
expect release/test_part '1 passed, 0 failed, 2 skipped' 0
expect release/test_groups '5 passed, 2 failed' 1
expect release/test_crash '5 passed, 1 failed' 1
expect release/test_empty '0 passed, 1 failed' 1
expect release/test_hang '0 passed, 1 failed' 1
expect release/test_unbuilt '0 passed, 1 failed' 1
expect e2e/pass '1 passed, 0 failed' 0
expect e2e/skip '0 passed, 0 failed, 1 skipped' 0
expect check/check_fail '0 passed, 1 failed' 1
expect check/check_stdin '1 passed, 0 failed' 0
expect check/check_ '1 passed, 1 failed' 1
code=0
out=$(sh "$tree/scripts/run-tests.sh" no_such_test 2>&1) || code=$?
[ "$code" -ne 0 ] || { echo "a word that names no test passed: $out"; exit 1; }
echo "15 outcomes are counted as they should be"
