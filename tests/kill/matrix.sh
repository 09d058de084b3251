#!/bin/sh
# matrix.sh kill-matrix|power-cut [WORD]: every point of every process of a small domain, each in a life of its own (cell.sh).  Prints each
# fault with the folder it left, and at last
#   kill-matrix: N points, N lost, N doubled, N unclean
# A cell is ROLE:N:ACT (cf_kill.c); WORD, a pattern of grep, chooses among them.  What was run is not run again while the programs are the
# same (FRESH=1: it is).  PICK=N runs N cells of three points each, chosen by SEED, and those of tests/kill/once-failed.  JOBS cells run at a time.
set -u
cd "$(dirname "$0")/../.." || exit 2
what=$1 word=${2:-.}
bin=$(cd "${CF_BIN:-build/release/bin}" && pwd -P)
killer=$PWD/build/release/tests/cf-kill
work=$PWD/build/$what${PICK:+-$PICK}
tmp=/dev/shm
[ -w $tmp ] || tmp=/tmp # short, because a TPM's socket lies in it

# ---- one cell: --cell WORK SEED PORT ACT+ACT... ----

if [ "$what" = --cell ]; then
  work=$2 seed=$3 port=$4 name=$5
  port=$((port + ${CELL:-0} * 8)) # the ports of a life
  cell=$(mktemp -d "$tmp/cf-kill-XXXXXX")
  trap 'rm -rf "$cell"' EXIT
  mkdir "$cell/p" "$cell/out"
  cp -r "$work/domain" "$cell/d"
  cp "$work/domain.hash" "$cell/out/domain"
  sed -i "s/\"port\":[0-9]*/\"port\":$port/" "$cell/d/domain.json"
  : >"$cell/out/verdict"
  acts=$(echo "${name#none}" | tr + ' ' | sed 's/[^ ][^ ]*/--at &/g')
  # shellcheck disable=SC2086
  timeout -k 5 150 "$killer" --root "$cell" --points "$cell/out/points" --seed "$seed" $acts \
    sh tests/kill/cell.sh "$bin" "$cell" >"$cell/out/cell" 2>&1 </dev/null
  verdict=$(cat "$cell/out/verdict")
  [ -n "$verdict" ] || verdict="lost: no verdict: $(tail -n 1 "$cell/out/cell")"
  if [ "$verdict" = ok ]; then
    [ "$name" != none ] || cp "$cell/out/points" "$work/points"
  else
    rm -rf "$work/failed/$name"
    mkdir -p "$work/failed"
    cp -r "$cell" "$work/failed/$name"
    printf '%s: %s\n  in %s, seed %s\n' "$name" "$verdict" "$work/failed/$name" "$seed"
  fi
  [ "$name" = none ] || echo "$name $(grep -c '^acted' "$cell/out/points") $verdict" >>"$work/results"
  exit 0
fi

# ---- all of them ----

. tests/ports
claim_ports
jobs=${JOBS:-$((2 * $(nproc)))}
[ "$jobs" -le 8 ] || jobs=8 # as many lives as there are ports for
key=$(cat "$bin"/counterfoil* "$killer" tests/kill/cell.sh | sha256sum)
if [ -n "${FRESH:-}${PICK:-}" ] || [ "$key" != "$(cat "$work/key" 2>/dev/null)" ]; then
  rm -rf "$work"
  mkdir -p "$work"
  echo '{"clearing": {"min_parties": 2, "min_inputs": 1}}' >"$work/policy.json"
  "$bin/counterfoil" init "$work/domain" --port "$port" --verifiers 1/1 --witnesses 1/1 --observers 1/1 --policy "$work/policy.json" \
    >"$work/domain.hash" 2>"$work/init.err" || { cat "$work/init.err"; exit 1; }
  sh tests/kill/matrix.sh --cell "$work" 0 "$port" none # the points of a life that nobody disturbs
  [ -s "$work/points" ] || exit 1
  echo "$key" >"$work/key"
fi
touch "$work/results"

cells() {
  awk -v what="$what" '{
    if (what == "kill-matrix") n = split("before after", act)
    else if ($1 == "tpm") n = 0 # what a TPM keeps is not ours
    else if ($3 == "message") n = split("drop drop-all", act)
    else n = split("drop torn drop-all mixed-all", act)
    for (i = 1; i <= n; i++) print $1 ":" $2 ":" act[i]
  }' "$work/points" | grep -e "$word"
}
chosen() {
  case ${PICK:-} in
    "") cells ;;
    *)
      awk -v what="$what" '!/^#/ && /:(before|after)/ == (what == "kill-matrix")' tests/kill/once-failed
      cells | awk -v seed="$seed" -v n="$PICK" '
        function one() { return line[1 + int(rand() * NR)] }
        BEGIN { srand(seed) }
        { line[NR] = $0 }
        END { while (n-- > 0 && NR) print one() "+" one() "+" one() }'
      ;;
  esac
}
seed=${SEED:-$(od -An -tu2 -N2 /dev/urandom | tr -d ' ')}
[ -z "${PICK:-}" ] || echo "$what: SEED=$seed"
chosen >"$work/chosen"
awk -v done="$work/results" -v seed="$seed" -v port="$port" '
  BEGIN { while ((getline < done) > 0) was[$1] = 1 }
  !($0 in was) { print seed * 1000 + NR, port, $0 }' "$work/chosen" |
  xargs -r -P "$jobs" --process-slot-var=CELL -L 1 sh -c 'sh tests/kill/matrix.sh --cell "$@" || true' cell "$work" # who is killed ends no other

# Points that a life did not come to are none.
awk -v what="$what" -v chosen="$work/chosen" '
  { was[$1] = 1; n += $2; doubled += $3 == "doubled:"; unclean += $3 == "unclean:"; lost += $3 !~ /^(ok|doubled:|unclean:)$/ }
  END {
    while ((getline < chosen) > 0) left += !($1 in was)
    if (left) printf "%s: %d cells more were not run to their end; the same command goes on with them\n", what, left
    printf "%s: %d points, %d lost, %d doubled, %d unclean\n", what, n, lost, doubled, unclean
    exit !n || lost + doubled + unclean > 0 || left > 0
  }' "$work/results"
