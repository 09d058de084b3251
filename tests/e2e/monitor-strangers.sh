#!/bin/sh
# The monitor follows a log of strangers by its key alone: it grows, stands still, goes back, forks, hides its tiles, is another's.  The log is one that
# only writes files (tests/log).
set -eu
. tests/e2e/helpers
make_log=$root/build/release/tests/cf-make-log
[ -x "$make_log" ] || { echo "$make_log is not built"; exit 77; }
"$make_log" a 1000
"$make_log" b 70000
"$make_log" c 70300 69000 # another from there on
"$make_log" f 70000 12    # of the same size

shows() { ln -sfn "$1/log" place; }
round() { # CODE [INCIDENT]
  expect "$1" "" "$cf" monitor place --vkey a/log.vkey --state m --once
  [ -z "${2:-}" ] || grep -q "\"incident\":\"$2\"" out || die "no $2: $(cat out err)"
}
shows a
round 0
round 0
sleep 1.1
expect 1 "" "$cf" monitor place --vkey a/log.vkey --state m --once --stale-after 1
grep -q stale out || die "it stands still, and the monitor says: $(cat out err)"
shows b
round 0
[ "$(grep -ac 'example.com/made [A-Za-z0-9+/=]*$' m/logs/*/seen)" = 2 ] || die "not both heads are kept"

# Back: what was seen before is told, and is over when it is there again.
shows a
round 1 rollback
shows b
round 0

# Without tiles nothing shows that it is the same log.
mv b/log/tile hidden
round 1 altered
mv hidden b/log/tile

# Two histories, of two sizes and of one; the proofs convince a stranger.
for other in c f; do
  rm -rf m
  shows b
  round 0
  shows $other
  round 1 fork
  grep '"incident":"fork"' out | head -n 1 >fork.json
  expect 0 "" "$cf" verify fork "$(json fork.json v.proof)" --vkey a/log.vkey
done

# Another's key, no log at all, and none that ever was one.
"$cf" init d --port $port --verifiers 1/1 --witnesses 1/1 --observers 1/1 >domain 2>/dev/null
expect 1 "" "$cf" monitor place --vkey d/public/log.vkey --state n --once
grep -q '"incident":"lie"' out || die "another's key: $(cat out err)"
rm place
mkdir place
round 1 rollback
expect 2 "" "$cf" monitor nowhere --vkey a/log.vkey --state o --once
expect 2 "" "$cf" monitor place --vkey a/log.vkey --domain "$(printf '%064d' 1)" --state o --once
