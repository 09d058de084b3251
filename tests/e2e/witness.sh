#!/bin/sh
# A real process `counterfoil witness` over HTTP: each row of C2SP tlog-witness's status table and their order, several logs, requests
# that are slow or have no end, killed between an answer and the next, one process to a folder.
set -eu
. tests/e2e/helpers

"$cf" init d --port $port --verifiers 1/1 --witnesses 1/1 --observers 1/1 >domain 2>/dev/null
other=$(node "$root/tests/e2e/witness.mjs" vkey example.com/other)
expect 1 "^witness: format  logs" "$cf" witness d --index 1 --add-log "${other%?}"
expect 1 "^witness: policy  logs" "$cf" witness d --index 1 --add-log "$(cat d/public/log.vkey)"
"$cf" witness d --index 1 --add-log "$other"
expect 1 "^witness: policy  logs" "$cf" witness d --index 1 --add-log "$other"
[ "$(cat d/roles/witness-1/logs)" = "$other" ] || die "the list of logs"

node "$root/tests/e2e/witness.mjs" drive "$cf" d $((port + 2)) || die "a witness does not keep to the table"

# Another of the same folder, or one that would change it, is told who is there; the first goes on.
"$cf" witness d --index 1 2>first.err &
up_pid=$!
for _ in $(seq 600); do
  [ "$(cat d/roles/witness-1/lock 2>/dev/null)" != "$up_pid" ] || break
  sleep 0.05
done
expect 3 "process $up_pid works in this folder already" "$cf" witness d --index 1
third=$(node "$root/tests/e2e/witness.mjs" vkey example.com/third)
expect 1 "^witness: policy  lock" "$cf" witness d --index 1 --add-log "$third"
[ "$(cat d/roles/witness-1/logs)" = "$other" ] || die "the list of logs was changed"
stop

# What it signed is gone, and so is what said that it was never written: it does not begin anew, neither for one log nor for the other.
for file in d/roles/witness-1/witness/*; do
  mv "$file" kept
  code=0
  timeout 10 "$cf" witness d --index 1 >/dev/null 2>err || code=$?
  [ "$code" -ne 0 ] && [ "$code" -ne 124 ] || die "a witness began anew: $code"
  grep -q "is missing, and was written before" err || die "it does not say why"
  mv kept "$file"
done
