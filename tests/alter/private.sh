# The files that are not public, altered, and the program that owns each; sourced by alter.sh.  docs/operations.md has the table that
# this drives: "refused" ends with a line that names the file or the item, "rebuilt" works as if nothing had been.

# used FILE: its size without the zeros that it is written ahead with.
used() { node -e 'const b = require("fs").readFileSync(process.argv[1]); let n = b.length; while (n && !b[n - 1]) n--; console.log(n)' "$1"; }

# altered [FILE HOW [BY]]: the stopped domain as it was, with one thing changed; all that a wallet is lies beside it.  Copied anew only
# behind what changed more than that.
touched=all
altered() {
  if [ "$touched" = all ]; then
    rm -rf w
    mkdir w
    cp -a d alice bob alice.bundle bob.bundle w/
  elif [ -n "$touched" ]; then cp -a "$touched" "w/$touched"; fi
  touched=${1:-all}
  [ $# -eq 0 ] || case $2 in
    flipped) flip "w/$1" $(($(used "w/$1") / 2)) ;;
    cut) truncate -s $(($(used "w/$1") / 2)) "w/$1" ;;
    torn) truncate -s $(($(used "w/$1") - 1)) "w/$1" ;;
    empty) : >"w/$1" ;;
    gone) rm "w/$1" ;;
    older) cp "$3" "w/$1" ;;
    other) cp "w/$3" "w/$1" ;;
  esac
}

# refused PATTERN WHAT COMMAND...: ends by itself, neither well nor by a signal, and says PATTERN.
refused() {
  pattern=$1 what=$2
  shift 2
  code=0
  timeout 20 "$@" >out 2>err </dev/null || code=$?
  [ "$code" -ne 0 ] || touched=all
  if [ "$code" -ge 1 ] && [ "$code" -lt 124 ] && grep -q -e "$pattern" out err; then count yes
  else count no "$what: status $code, $(head -c 300 err)"; fi
}

# funds FILE N: what alice and bob have on the ledger, when alice pays bob N more.
funds() { json "$1" "v.accounts.slice(0, 2).map((a, i) => Number(a.assets.USD.lane) + Number(a.assets.USD.free) + [-$2, $2][i]).join()"; }

# settled_again WHAT: w comes up, one more payment becomes final, and everything adds up as in a domain where nothing was changed.
settled_again() {
  touched=all
  (cd w && "$cf" up d >up.out 2>up.err) &
  up_pid=$!
  ok=no
  for _ in $(seq 150); do
    if "$cf" status w/d --json >status 2>/dev/null && grep -q '"mode":"normal"' status; then ok=yes; break; fi
    kill -0 "$up_pid" 2>/dev/null || break
    sleep 0.1
  done
  if [ $ok = yes ]; then
    for _ in $(seq 100); do
      if "$cf" attest "$url" --domain "$domain" --wallet w/alice -o w/alice.bundle >/dev/null 2>&1; then break; fi
      sleep 0.1
    done
    pay 2 1 | "$cf" seal w/alice.bundle --wallet w/alice - -o w/envelope >/dev/null 2>err && "$cf" submit "$url" w/envelope --wait final >/dev/null 2>err || ok=no
    "$cf" result "$url" "$last_id" --wallet w/alice >out 2>>err || ok=no # of before
  fi
  kill -INT "$up_pid" 2>/dev/null || true
  wait "$up_pid" || true
  up_pid=
  if [ $ok = yes ]; then
    "$cf" ledger show w/d --json >now.json
    [ "$(funds now.json 0)" = "$after_one_more" ] || ok=no
    "$cf" audit w/d --domain "$domain" >out 2>err || ok=no
  fi
  if [ $ok = yes ]; then count yes; else count no "$1: $(tail -n 1 status) $(tail -n 2 err) $(tail -n 1 w/d/logs/gateway.log)"; fi
}
rebuilt() { altered "$@"; settled_again "$*"; }

# halted PATTERN FILE HOW...: the domain comes up, and does not serve: its status names what is missing, and a log line says what to do.
halted() {
  pattern=$1
  shift
  altered "$@"
  touched=all
  rm -f w/d/logs/*
  (cd w && "$cf" up d >up.out 2>up.err) &
  up_pid=$!
  ok=no
  for _ in $(seq 150); do
    sleep 0.1
    if cat w/d/logs/gateway.log w/d/logs/enclave.log w/up.err 2>/dev/null | grep -q -e "$pattern"; then ok=yes; break; fi
    if "$cf" status w/d --json >status 2>/dev/null && grep -q '"mode":"normal"' status; then break; fi
  done
  kill -INT "$up_pid" 2>/dev/null || true
  wait "$up_pid" || true
  up_pid=
  if [ $ok = yes ]; then count yes; else count no "$*: $(cat status) $(tail -n 1 w/d/logs/gateway.log)"; fi
}

# each PATTERN FILE "COMMAND" HOW...: refused, in each of these ways.
each() {
  pattern=$1 file=$2 command=$3
  shift 3
  for how in "$@"; do
    altered "$file" "$how"
    # shellcheck disable=SC2086
    refused "$pattern" "$file $how" $command
  done
}

private_files() {
  four="flipped cut empty gone"
  [ -z "$short" ] || four="flipped gone"
  last_id=$(cut -d' ' -f1 last)
  "$cf" ledger show d --json >now.json
  after_one_more=$(funds now.json 1)
  note=$(cd d && ls roles/witness-1/witness/*)
  last=$(cd d && ls public/ledger/blocks/* | tail -n 1)
  result=$(cd d && ls gateway/results/* | sed -n 3p)
  journal=$(cd d && ls enclave/journal-* | tail -n 1)
  log=$(cd d && ls gateway/journal/* | tail -n 1)
  bundle=$(cd d && ls public/log/tile/entries/000.p/* | sort -V | tail -n 1)
  tile=$(cd d && ls public/log/tile/0/000.p/* | sort -V | tail -n 1)

  # What each process remembers, its keys, and what it was founded with.
  each "witness/" "d/$note" "$cf witness w/d --index 1" $four
  for f in log seen; do each "$f " d/roles/verifier-1/$f "$cf verifier w/d --index 1" $four; done
  for f in log signed; do each "$f " d/roles/observer-1/$f "$cf observer w/d --index 1" $four; done
  each 'roles/ledger/newest ' d/roles/ledger/newest "$cf ledger serve w/d" $four
  each "block" "d/$last" "$cf ledger serve w/d" $four
  each "block" d/public/ledger/blocks/00000000000000000003 "$cf ledger serve w/d" $four
  altered d/public/ledger/blocks/00000000000000000003 other d/public/ledger/blocks/00000000000000000004
  refused "block" "two blocks alike" "$cf" ledger serve w/d
  altered; rm -r w/d/public/ledger/blocks
  refused "is missing: restore the blocks" "no blocks at all" "$cf" ledger serve w/d
  for f in witness-1 verifier-1 observer-1; do each "key\|$f" d/keys/$f.key "$cf ${f%-1} w/d --index 1" $four; done
  for f in ledger treasury; do each "$f\|key" d/keys/$f.key "$cf ledger serve w/d" $four; done
  for f in log gateway; do each "key\|log_seed" d/keys/$f.key "$cf gateway w/d" $four; done
  altered d/keys/observer-1.key other d/keys/observer-2.key
  refused "key is not that of member" "another observer's key" "$cf" observer w/d --index 1
  each "genesis\|cose" d/public/genesis "$cf gateway w/d" $four
  each "deployment\|cose\|first entries" d/deployment "$cf gateway w/d" $four
  each "configuration" d/configuration "$cf gateway w/d" $four
  each "settings\|domain.json" d/domain.json "$cf gateway w/d" cut empty gone

  # The gateway's own.
  for how in cut empty gone; do # with -wal beside it SQLite makes a cut one whole again
    altered d/gateway.db $how
    rm -f w/d/gateway.db-wal w/d/gateway.db-shm
    refused "gateway.db\|store" "d/gateway.db $how" "$cf" gateway w/d
  done
  touched=all
  each "results-broken" "d/$result" "$cf gateway w/d" $four
  touched=all # a start takes the journal over
  each "log-broken" "d/$log" "$cf gateway w/d" flipped
  for f in "$bundle" "$tile" public/log/checkpoint; do # the journal makes them again; where it is gone the files count
    for how in $four; do
      [ "$f $how" != "public/log/checkpoint gone" ] || continue
      altered "d/$f" $how
      touched=all
      rm "w/d/$log"
      refused "log-broken" "$f $how" "$cf" gateway w/d
    done
  done

  # The enclave's.
  halted 'reason":"root' d/enclave/snapshot flipped
  rebuilt d/enclave/ak.blob flipped
  [ -n "$short" ] || {
    rebuilt d/public/log/checkpoint older old/log/checkpoint
    for f in "$bundle" "$tile" public/log/checkpoint; do for how in $four; do rebuilt "d/$f" $how; done; done
    for how in cut empty gone; do rebuilt "d/$log" $how; done
    for how in cut empty gone; do halted 'reason":"root' d/enclave/snapshot $how; done
    halted 'reason":"rolled-back' "d/$journal" torn
    halted 'enclave/root-1.blob does not open' d/enclave/root-1.blob flipped
    for how in flipped cut empty gone; do halted 'reason":"\(rolled-back\|journal\)' "d/$journal" $how; done
    for how in cut empty; do halted 'enclave/root-1.blob does not open' d/enclave/root-1.blob $how; done
    halted 'reason":"root' d/enclave/root-1.blob gone
    for how in cut empty gone; do rebuilt d/enclave/ak.blob $how; done
    halted 'enclave/root-1.blob does not open' d/program flipped
    halted 'enclave/root-1.blob does not open' d/tpm/state/tpm2-00.permall gone
    rebuilt "d/roles/verifier-1/statements/$(ls d/roles/verifier-1/statements)" flipped
    rebuilt "d/roles/verifier-1/statements/$(ls d/roles/verifier-1/statements)" gone
  }

  # A party's.
  state=$(basename alice/account-*)
  newest=$(basename alice/newest-*)
  pay 2 1 >one.json
  seal="$cf seal w/alice.bundle --wallet w/alice one.json -o /dev/null"
  each "wallet" alice/wallet.key "$seal" $four
  each "$state" "alice/$state" "$seal" $four
  each "$newest" "alice/$newest" "$seal" $four
  altered "alice/$state" older "old-alice/$state"
  refused "an older version" "an older account" $seal
  altered "alice/$state" other "bob/$state"
  refused "another wallet's" "another wallet's account" $seal
  altered alice/wallet.key other bob/wallet.key
  refused "another wallet's" "another wallet's key" $seal
  each "refused\|bundle\|malformed" alice.bundle "$seal" $four
  counters_apart
}

# Four seals at once: no two envelopes by one counter.
counters_apart() {
  altered
  for n in 1 2 3 4; do "$cf" seal w/alice.bundle --wallet w/alice one.json -o w/e$n & done
  wait
  for n in 1 2 3 4; do "$cf" show w/e$n --json >out && json out 'JSON.stringify([v.session ?? v.document?.session, v.counter ?? v.document?.counter])'; done | sort -u >counters
  if [ "$(wc -l <counters)" -eq 4 ]; then count yes; else count no "seals at once: $(cat counters)"; fi
}
