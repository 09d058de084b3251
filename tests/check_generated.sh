#!/bin/sh
# Generated files are committed beside their source.  This runs every generator
# in a copy of the tree and fails when a file comes out changed.  Generators are
# scripts/gen-*.sh, which write what they make, and tests/vectors/*/make_X.py,
# which print the text of X.txt or X.json beside them.
set -eu
cd "$(dirname "$0")/.."
command -v python3 >/dev/null 2>&1 || { echo "no python3 here to run the generators of vectors with"; exit 77; }
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
tar -c --exclude=./build --exclude=./.git --exclude=node_modules . | tar -x -C "$copy"
[ ! -d build ] || ln -s "$PWD/build" "$copy/build" # a generator may run our programs

ran=0
for generator in scripts/gen-*.sh tests/vectors/*/make_*.py; do
  [ -f "$generator" ] || continue
  case $generator in
    *.sh) (cd "$copy" && sh "$generator") || { echo "$generator failed"; exit 1; } ;;
    *)
      stem=$(dirname "$generator")/$(basename "$generator" .py | sed 's/^make_//')
      out=
      for name in "$stem.txt" "$stem.json"; do [ ! -f "$name" ] || out=$name; done
      [ -n "$out" ] || { echo "$generator has neither $stem.txt nor $stem.json beside it"; exit 1; }
      python3 "$generator" >"$copy/$out" || { echo "$generator failed"; exit 1; }
      ;;
  esac
  ran=$((ran + 1))
done
diff -r --exclude=build --exclude=.git --exclude=node_modules --exclude=__pycache__ . "$copy" || {
  echo "generated files disagree with their sources: run the generator and commit what changes"
  exit 1
}
echo "$ran generators reproduce what is committed"
