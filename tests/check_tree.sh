#!/bin/sh
# What holds for the tree as a whole: no paths of somebody's machine, no marks of
# unfinished work, seeds for each fuzz target, scripts that sh can read.
set -eu
cd "$(dirname "$0")/.."
[ $# -eq 0 ] || cd "$1"
faults=$(mktemp)
trap 'rm -f "$faults"' EXIT
files() { find . \( -name .git -o -name build -o -name node_modules \) -prune -o -type f "$@" -print; }

files | xargs grep -nIE '/(hom[e]|User[s])/[a-z]+/|/wor[k]/|/tmp/b[-]' | sed 's/$/   <- a path of some machine/' >>"$faults" || true
files \( -name '*.[ch]' -o -name '*.sh' -o -name '*.sol' -o -name '*.ts' \) | xargs grep -nE '\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b' |
  sed 's/$/   <- unfinished/' >>"$faults" || true
for target in tests/fuzz/*/fuzz_*.c; do
  [ ! -f "$target" ] || [ -n "$(ls "tests/fuzz/corpus/$(basename "$target" .c)" 2>/dev/null)" ] ||
    echo "$target has no seeds in tests/fuzz/corpus/$(basename "$target" .c)" >>"$faults"
done
for script in demo test .ci/run; do
  [ -x "$script" ] || echo "$script cannot be executed" >>"$faults"
done
for script in demo test .ci/run scripts/*.sh tests/*.sh tests/e2e/*.sh; do
  [ ! -f "$script" ] || sh -n "$script" 2>>"$faults" || echo "$script is not a script for sh" >>"$faults"
done

[ -s "$faults" ] || { echo "the tree is in order"; exit 0; }
cat "$faults"
exit 1
