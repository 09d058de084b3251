#!/bin/sh
# What holds for the tree as a whole: no paths of somebody's machine, no marks of
# unfinished work, nothing that a program left behind, headers of listed packages
# alone, seeds for each fuzz target, scripts that sh can read.
set -eu
cd "$(dirname "$0")/.."
[ $# -eq 0 ] || cd "$1"
faults=$(mktemp)
trap 'rm -f "$faults"' EXIT
files() { find . \( -name .git -o -name build -o -name node_modules \) -prune -o -type f "$@" -print; }

files | xargs grep -nIE '/(hom[e]|User[s])/[a-z]+/|/wor[k]/|/tmp/b[-]' | sed 's/$/   <- a path of some machine/' >>"$faults" || true
files \( -name '*.[ch]' -o -name '*.sh' -o -name '*.sol' -o -name '*.ts' \) | xargs grep -nE '\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b' |
  sed 's/$/   <- unfinished/' >>"$faults" || true
files -size +2048k | sed 's/$/   <- over 2 MiB: left behind by a program?/' >>"$faults"
# Each system header is of a package that docs/dependencies.md lists, or of what such a one brings for the compiler.
if [ -f docs/dependencies.md ] && command -v dpkg-query >/dev/null; then
  files -name '*.[ch]' | xargs sed -nE 's/^ *# *include +<([^>]+)>.*/\1/p' | sort -u | while read -r header; do
    for at in /usr/include /usr/include/*-linux-gnu /usr/include/fuse3; do [ ! -e "$at/$header" ] || readlink -f "$at/$header"; done
  done | xargs dpkg-query -S 2>/dev/null | sed 's/[:,].*//' | sort -u | while read -r package; do
    case $package in linux-libc-dev | libgcc-*) continue ;; esac
    grep -q "^| \`$package\` |" docs/dependencies.md || echo "docs/dependencies.md does not list $package, of which a header is included"
  done >>"$faults"
fi
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
