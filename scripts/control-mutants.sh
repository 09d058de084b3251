#!/bin/sh
# Controls taken out, one at a time: tests/mutants/CONTROL.patch removes a part of what the row of docs/controls.md describes, in a copy of the
# tree, and a unit test that the row names must fail.  A patch that does not apply, or a row whose tests all pass, is a failure.
#   scripts/control-mutants.sh [CONTROL...]        JOBS=2
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
work=${WORK:-$top/build/control-mutants}
jobs=${JOBS:-2}
export TSS2_LOG="${TSS2_LOG:-all+none}" CF_TEST_DIR="$work/tmp"
rm -rf "$work/tree"
mkdir -p "$work/tree"
cp -R "$top/src" "$top/sim" "$top/tests" "$top/bench" "$top/include" "$top/docs" "$top/cmake" "$top/CMakeLists.txt" "$work/tree/" 2>/dev/null
cmake -S "$work/tree" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release >"$work/configure.log" 2>&1 || { cat "$work/configure.log"; exit 1; }

# tests_of CONTROL: "program test" for each unit test of its row.
tests_of() {
  awk -F'|' -v c=" $1 " '$2 == c { n = split($6, part, "`"); for (i = 2; i <= n; i += 2) print part[i] }' "$top/docs/controls.md" |
    sed -n 's|^tests/unit/[a-z]*/\(test_[a-z0-9_]*\)\.c:\(.*\)|\1 \2|p'
}

found=0 lost=0
for patch in "$top"/tests/mutants/*.patch; do
  name=$(basename "$patch" .patch) kept= missed=
  case " $* " in "  " | *" $name "*) ;; *) continue ;; esac
  if ! patch -s -f -p1 -d "$work/tree" --fuzz=0 <"$patch"; then
    kept=" the patch does not apply"
    cp -R "$top/src" "$work/tree/"
  else
    # shellcheck disable=SC2046
    if ! ninja -C "$work/build" -j"$jobs" $(tests_of "$name" | awk '{ print $1 }' | sort -u) >"$work/build.log" 2>&1; then
      kept=" does not compile"
    fi
    [ -n "$kept" ] || while read -r program test; do
      rm -rf "$CF_TEST_DIR" && mkdir -p "$CF_TEST_DIR"
      (cd "$work/tree" && timeout 120 "$work/build/tests/$program") >"$work/$name.log" 2>&1 && code=0 || code=$?
      # A test that ends the program has failed, too: then its name stands in no sum.
      grep -q "^\[  FAILED  \] $test$" "$work/$name.log" || { [ $code -ge 124 ] && ! grep -q "OK \] $test$" "$work/$name.log"; } || continue
      missed=yes
      break
    done <<LIST
$(tests_of "$name")
LIST
    patch -s -f -R -p1 -d "$work/tree" <"$patch"
  fi
  if [ -n "$missed" ]; then
    found=$((found + 1))
  else
    echo "$name:${kept:- all tests of its row pass without it}"
    lost=$((lost + 1))
  fi
done
echo "controls: $found taken out and missed, $lost not"
[ "$lost" = 0 ]
