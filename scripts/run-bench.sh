#!/bin/sh
# run-bench.sh [WORD]: each program of bench/ (or those with WORD in the name), one after the other.  Prints a table; the rows
# are in build/bench.json.  Peers in Go are built where Go and their library are, those of npm where it can fetch what is pinned.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build/bench
rows=build/bench/rows
: >"$rows"
rm -rf build/bench/domain-* build/bench/log-* build/bench/peer-?*[0-9] # of a run that was cut off

for peer in bench/peer/*/; do
  name=$(basename "$peer")
  rm -f "build/bench/peer-$name"
  if [ -f "$peer/main.mjs" ]; then
    if sh scripts/npm-peer.sh "$name" "its library" >"build/bench/peer-$name.log" 2>&1; then
      cp "$peer/main.mjs" "build/bench/peer-$name" && chmod +x "build/bench/peer-$name"
    else
      echo "bench: no peer $name here: $(tail -n 1 "build/bench/peer-$name.log")" >&2
    fi
    continue
  fi
  GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS='' GOCACHE=${GOCACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/go-build} \
    go build -o "build/bench/peer-$name" "$peer/main.go" >build/bench/peer-$name.log 2>&1 ||
    echo "bench: no peer $name here: $(tail -n 1 "build/bench/peer-$name.log")" >&2
done

case bench_submit in *"${1:-}"*)
  BENCH_NODE=$(sh scripts/anvil.sh) || { echo "bench: $BENCH_NODE" >&2; BENCH_NODE=; }
  export BENCH_NODE ;;
esac

ran=0 failed=0
for program in build/release/bench/bench_*"${1:-}"*; do
  [ -x "$program" ] || continue
  "$program" >>"$rows" || { echo "bench: $(basename "$program") failed" >&2; failed=1; }
  ran=$((ran + 1))
done
[ "$ran" -gt 0 ] || { echo "bench: no program bench_*${1:-}* was built" >&2; exit 1; }

{ echo '['; sed '$!s/$/,/' "$rows"; echo ']'; } >build/bench.json
tr -d '{}"' <"$rows" | awk -F'[:,]' '
  BEGIN { printf "%-24s %-12s %12s %12s %12s %9s %9s\n", "row", "unit", "ours", "limit", "peer", "of limit", "by peer" }
  { for (i = 6; i <= 14; i += 2) if ($i == "null") $i = "-"
    printf "%-24s %-12s %12s %12s %12s %9s %9s\n", $2, $4, $6, $8, $10, $12, $14 }'
exit $failed
