# For the scripts that alter files, which source it behind tests/e2e/helpers: a small domain whose folder has everything in it.  Two
# councils' quorums, settlements, results, a withdrawal, a forced exit, and two instances of the enclave, the second behind a crash.
pay() { echo "{\"pay\": {\"to\": $1, \"asset\": \"USD\", \"amount\": \"$2\"}}"; }

# evidence WALLET: into WALLET.bundle; what is served may be of the instance before for a moment.
evidence() {
  for _ in $(seq 100); do
    if "$cf" attest "$url" --domain "$domain" --wallet "$1" -o "$1.bundle" >/dev/null 2>&1; then return; fi
    sleep 0.1
  done
  die "no evidence to be believed"
}

# send WALLET TO AMOUNT [WAIT]: one payment.
send() {
  pay "$2" "$3" | "$cf" seal "$1.bundle" --wallet "$1" - -o envelope
  "$cf" submit "$url" envelope --wait "${4:-final}"
}

# live: runs the domain d, leaves it stopped; old/ has public/ as it was before.
live() {
  echo '{"clearing": {"min_parties": 2, "min_inputs": 1}}' >policy.json
  "$cf" init d --port $port --verifiers 2/3 --witnesses 2/3 --observers 2/3 --policy policy.json >domain 2>/dev/null
  domain=$(cat domain)
  start d
  for w in alice bob carol; do
    "$cf" wallet new $w >/dev/null
    "$cf" deposit "$url" --wallet $w --asset USD --amount 1000 >/dev/null
  done
  evidence alice
  send alice 2 100 >first
  "$cf" exit request "$url" --wallet carol >/dev/null
  asked=$(date +%s)
  cp -r d/public old
  cp -r alice old-alice
  "$cf" withdraw "$url" --domain "$domain" --wallet bob --asset USD --amount 20 >/dev/null
  kill -9 "$(pgrep -f "^$bin/counterfoil-launch $dir/d")"
  sleep 1
  wait_normal d
  evidence bob
  for n in 1 2 3; do send bob 1 $n >/dev/null; done
  left=$((asked + 14 - $(date +%s)))
  [ -n "$short" ] || { # the short form leaves at the request
    [ $left -le 0 ] || sleep $left
    "$cf" exit finalize "$url" --wallet carol --asset 0 >/dev/null
  }
  evidence alice
  send alice 2 7 >last
  stop
}

# flip FILE [AT]: one bit, in the middle when no place is given.
flip() {
  at=${2:-$(($(stat -c %s "$1") / 2))}
  byte=$(od -An -tu1 -j "$at" -N 1 "$1" | tr -d ' ')
  # shellcheck disable=SC2059
  printf "\\$(printf %o $((byte ^ 1)))" | dd of="$1" bs=1 seek="$at" conv=notrunc 2>/dev/null
}
