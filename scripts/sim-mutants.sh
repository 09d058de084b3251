#!/bin/sh
# Planted bugs: each patch of sim/mutants/ is applied to a copy of the sources, the one object it touches is rebuilt, and the simulator must
# find it within SEEDS seeds, by the invariant whose number the patch's name begins with.  A patch that does not apply is a failure.
#   scripts/sim-mutants.sh [NAME...]        SEEDS=2000 JOBS=2
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
work=${WORK:-$top/build/mutants}
seeds=${SEEDS:-2000}
jobs=${JOBS:-2}
rm -rf "$work/tree"
mkdir -p "$work/tree"
(cd "$top" && tar --exclude=./build --exclude=./.git -cf - .) | tar -C "$work/tree" -xf - || exit 1
cmake -S "$work/tree" -B "$work/build" -G Ninja >"$work/configure.log" 2>&1 || { cat "$work/configure.log"; exit 1; }

build() {
  ninja -C "$work/build" -j"$jobs" counterfoil-sim >"$work/build.log" 2>&1 || { tail -20 "$work/build.log"; return 1; }
}
build || exit 1

# The first seed that finds it: by the invariant of a number, or by the leak test.
search() {
  case $1 in
  leak) "$work/build/bin/counterfoil-sim" --leak --seeds 20 --jobs "$jobs" 2>/dev/null | grep ' leak:' ;;
  *) "$work/build/bin/counterfoil-sim" --seeds "$seeds" --jobs "$jobs" --first "$1" 2>/dev/null | grep "invariant $1:" ;;
  esac
}

found=0 lost=0
for patch in "$top"/sim/mutants/*.patch; do
  name=$(basename "$patch" .patch)
  case " $* " in "  " | *" $name "*) ;; *) continue ;; esac
  if ! patch -s -f -p1 -d "$work/tree" --fuzz=0 <"$patch"; then
    echo "$name: does not apply any more"
    lost=$((lost + 1))
    cp -R "$top/src" "$work/tree/"
    continue
  fi
  if ! build; then
    echo "$name: does not compile"
    lost=$((lost + 1))
  else
    first=$(search "${name%%-*}" | head -1)
    if [ -n "$first" ]; then
      echo "$name: found at $first"
      found=$((found + 1))
    else
      echo "$name: not found in $seeds seeds"
      lost=$((lost + 1))
    fi
  fi
  patch -s -f -R -p1 -d "$work/tree" <"$patch"
done
echo "mutants: $found found, $lost not"
[ "$lost" = 0 ]
