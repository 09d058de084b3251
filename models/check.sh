#!/bin/sh
# check.sh [WORD]: the models here (those with WORD in the name), as they are and with each rule taken out.  A line a row: verdict, the one
# that is wanted, states, seconds, model and what was changed, the assertion that failed; at last how many.  Ends with 1 when a verdict is not the wanted
# one, with 0 and a line where spin is not installed.  FULL=1 adds the largest bounds.
set -u
cd "$(dirname "$0")" || exit 2
word=${1:-}
command -v spin >/dev/null || { echo "models: skipped, spin is not installed (scripts/deps.sh model)"; exit 0; }
rows=0 bad=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM

check() { # holds|fails MODEL CHANGES
  case $2 in *"$word"*) ;; *) return ;; esac
  rm -rf "${dir:?}"/*
  cp "$2.pml" "$dir"
  # shellcheck disable=SC2086
  (cd "$dir" && spin $3 -a "$2.pml" >made 2>&1 && gcc -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=9000 -w -o pan pan.c) ||
    { cat "$dir/made"; echo "$2 $3: no verifier was made"; bad=$((bad + 1)); return; }
  began=$(date +%s)
  (cd "$dir" && ./pan -m200000 >out 2>&1)
  took=$(($(date +%s) - began))
  got=unfinished
  if grep -q 'errors: 1' "$dir/out"; then got=fails
  elif grep -q 'errors: 0' "$dir/out" && ! grep -q 'Search not completed\|out of memory\|max search depth' "$dir/out"; then got=holds
  fi
  printf '%-10s %-6s %9s %4s s  %s %s   %s\n' "$got" "$1" "$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' "$dir/out")" "$took" "$2" "$3" \
    "$(sed -n 's/^pan:1: //p' "$dir/out" | cut -c1-70)"
  rows=$((rows + 1))
  [ "$got" = "$1" ] || bad=$((bad + 1))
}

m=witness
check holds $m ""
check fails $m "-DK=2"
check fails $m "-DLIARS=2"
check fails $m "-DANSWER_FIRST"
check fails $m "-DNO_COMPARE"
check fails $m "-DNO_PROOF"
check fails $m "-DSAME_SIZE"
check fails $m "-DFORGET"
check holds $m "-DLIVE"
check fails $m "-DLIVE -DK=4"
check fails $m "-DLIVE -DNO_SIZE"
check fails $m "-DLIVE -DNO_AGAIN"

m=settlement; s="-DNR=5 -DLAX -DGWCRASHES=0"
check holds $m "-DONE_LIVE"
check holds $m "-DFENCED -DONE_LIVE"
check holds $m "$s -DFENCED -DNO_JOURNAL_SIG -DONE_LIVE"
check holds $m "$s -DNO_JOURNAL_SIG"
check fails $m "$s -DNO_JOURNAL_SIG -DONE_LIVE"
check holds $m "$s -DKNOWN_ONLY"
check fails $m "$s -DKNOWN_ONLY -DNO_JOURNAL_SIG"
check fails $m "$s -DKNOWN_ONLY -DNO_JOURNAL_SIG -DFENCED"
check fails $m "$s -DTRUST_HEAD -DNO_JOURNAL_SIG"
check fails $m "$s -DSPLIT_PROOF"
check fails $m "$s -DTIP_PROOF"
check fails $m "$s -DNO_DEADLINE -DONE_LIVE"
check fails $m "$s -DNO_WITNESS"
check fails $m "$s -DLATE_JOURNAL"
check fails $m "-DNR=5 -DLAX -DNO_DEDUPE"

m=boot-fence; n="-DNFORK -DNI=2"; f="-DNI=2 -DNS=1 -DNL=6"
check holds $m "$n"
check holds $m "$n -DRELEASED -DLATE"
check fails $m "$n -DRELEASED"
check fails $m "$n -DNO_FENCE"
check fails $m "$n -DNO_STREAM"
check fails $m "$n -DNO_SILENCE"
check fails $m "$n -DNO_ADOPT"
check holds $m "$n -DNEWEST"
check fails $m "$n -DLEDGER_ONLY -DNO_STREAM"
check fails $m "$n -DLEDGER_ONLY -DNO_STREAM -DNEWEST"
check holds $m "-DNFORK -DNS=1"
check fails $m "-DNFORK -DNS=1 -DEPOCH_NEXT"
check holds $m "$f"
check fails $m "$f -DWK=2"

m=lease
check holds $m ""
check fails $m "-DNO_COUNT"
check fails $m "-DANY_BLOCK"
check fails $m "-DNEWER_BLOCK"
check fails $m "-DFROM_SHOWN"
check holds $m "-DFROM_SHOWN -DBOUND=2*N"
check fails $m "-DBEATS=2"
check holds $m "-DBEATS=2 -DBOUND=2*N"
check fails $m "-DTWINS"
check holds $m "-DTWINS -DBOUND=2*N"
check holds $m "-DTIP"
check fails $m "-DKEY_ONLY"

m=mediator
check holds $m ""
check holds $m "-DLIES -DWK=3"
check fails $m "-DLIES -DWK=2"
check fails $m "-DLIES -DWK=3 -DANY_ENTRY"
check fails $m "-DLIES -DWK=3 -DNO_PREPARED"
check fails $m "-DLIES -DTOKEN_ONLY"
check fails $m "-DTOKEN_ONLY -DTELL_FIRST"
check fails $m "-DLOCAL_DEADLINE"
check fails $m "-DTOKEN_EXPIRES"
check fails $m "-DBOOK_LOCK"
check fails $m "-DDIES"
check holds $m "-DDIES -DSUCCESSOR"
check fails $m "-DSILENCE -DATOMIC_ONLY"
check holds $m "-DSILENCE -DATOMIC_ONLY -DWK=3"
check fails $m "-DSILENCE -DWK=3"
check fails $m "-DSILENCE -DNO_LIAR"

m=exit
check holds $m ""
check fails $m "-DSHORT"
check fails $m "-DFREE_VU"
check fails $m "-DNO_DEFAULT"

if [ -n "${FULL:-}" ]; then
  check holds settlement "-DCRASHES=2 -DGWCRASHES=0 -DREORGS=0 -DONE_LIVE"
  check holds settlement "-DNIN=3 -DNR=5 -DLAX -DGWCRASHES=0 -DREORGS=0 -DLOSSES=0 -DONE_LIVE"
  check holds boot-fence "-DNFORK"
fi

[ $rows -gt 0 ] || { echo "models: none has \"$word\" in its name"; exit 1; }
echo "models: $rows rows, $bad other than wanted"
[ $bad -eq 0 ]
