#!/bin/sh
# The enclave that is built somewhere else is the same, byte for byte: a policy's
# measurement can be checked by whoever has the source.
set -eu
cd "$(dirname "$0")/.."
program=bin/counterfoil-enclave
[ -f build/release/$program ] || { echo "build/release/$program is not built"; exit 77; }
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/elsewhere"
tar -c --exclude=./build --exclude=./.git --exclude=node_modules . | tar -x -C "$copy/elsewhere"
cd "$copy/elsewhere"
cmake --preset release >"$copy/log" 2>&1 && ninja -C build/release --quiet counterfoil-enclave >>"$copy/log" 2>&1 ||
  { cat "$copy/log"; exit 1; }
cd - >/dev/null
cmp "build/release/$program" "$copy/elsewhere/build/release/$program" || {
  echo "two builds of one source differ: something in it depends on the place or the time"
  exit 1
}
sha256sum <build/release/$program
