#!/bin/sh
# A domain's folder is copied, and both copies run: one log with two histories.  Its witness, an audit and the monitor find that, each
# alone, the monitor although it was killed between the two.  What servers do to a monitor is named, and survived.
set -eu
. tests/e2e/helpers

head_of() { sed -n 2p "$1/public/log/checkpoint"; }
wait_for() { # SECONDS CONDITION
  for _ in $(seq $(($1 * 10))); do if eval "$2"; then return; fi; sleep 0.1; done
  die "not within $1 s: $2"
}
fetch() { node -e 'fetch(process.argv[1]).then(r => r.text()).then(t => process.stdout.write(t), () => process.exit(1))' "$1"; }
server_pid= monitor_pid=
end_all() {
  code=$?
  for pid in $server_pid $monitor_pid; do kill "$pid" 2>/dev/null || true; done
  set +e
  (exit "$code")
  finish
}
trap end_all EXIT

expect 0 "" "$cf" init d --port $port --verifiers 1/1 --witnesses 1/1 --observers 1/1
start d
stop
expect 0 "" "$cf" audit d --since d.state
cp -a d e
before=$(head_of d) kept=$(ls d/public/checkpoints | wc -l)
start d
stop
[ "$(head_of d)" -gt "$before" ] || die "the log did not grow"
expect 0 "" "$cf" audit d --since d.state --json
[ "$(json out 'v.verdict + (v.since.files > 10)')" = oktrue ] || die "not clean, or nothing was saved: $(cat out)"

expect 3 "" "$cf" audit d --since nowhere/state --json
[ "$(json out v.verdict)" = ok ] && grep -q 'the state is as it was' err || die "a state that cannot be kept: $(cat out err)"
tr 0 1 <d.state >altered.state
expect 1 "^audit: [a-z]*  state" "$cf" audit d --since altered.state

# The witness.  It signed d's history, and is asked to sign e's.
rm -rf e/roles/witness-1
cp -a d/roles/witness-1 e/roles/
"$cf" up e >up.out 2>&1 &
up_pid=$!
wait_for 20 '[ "$(head_of e)" -gt "$before" ]'
sleep 0.5
kill -INT $up_pid
wait $up_pid || true
up_pid=
[ "$(ls e/public/checkpoints | wc -l)" = "$kept" ] || die "the witness signed both histories"
for f in d/roles/witness-1/witness/*; do cmp -s "$f" e/roles/witness-1/witness/"${f##*/}" || die "the witness changed its mind"; done

# The audit, from what it saw before.
expect 1 "" "$cf" audit e --since d.state --fork a.fork
grep -q 'the log is forked' out || die "audit: $(cat out err)"
expect 0 "" "$cf" verify fork a.fork --genesis d/public/genesis
expect 1 "^verify fork: " sh -c "tr 5 6 <a.fork | \"$cf\" verify fork - --genesis d/public/genesis"

# Two copies by themselves.
expect 0 "" "$cf" verify fork d e -o b.fork
expect 0 "" "$cf" verify fork b.fork --genesis d/public/genesis
expect 1 "^verify fork: auth  fork" "$cf" verify fork d d

# The monitor: one URL, behind which the folder changes.  The server can be endless, and gone.
cat >server.js <<'END'
const fs = require("fs"), http = require("http");
http.createServer((q, a) => {
  const mode = fs.readFileSync("mode", "utf8").trim();
  if (mode === "endless") return void (function more() { while (a.write(Buffer.alloc(1 << 20))); a.once("drain", more); })();
  try { a.end(fs.readFileSync(mode + "/public" + q.url)); } catch { a.statusCode = 404; a.end(); }
}).listen(0, "127.0.0.1", function () { fs.writeFileSync("port", String(this.address().port)); });
END
echo d >mode
node server.js & server_pid=$!
wait_for 10 '[ -s port ]'
url=http://127.0.0.1:$(cat port)
"$cf" monitor "$url" --state m --every 1 --port $((port + 40)) >told 2>told.err &
monitor_pid=$!
wait_for 20 'ls m/logs/*/*.state >/dev/null 2>&1'
wait_for 10 'fetch "http://127.0.0.1:$((port + 40))/metrics" >metrics'
grep -q '^counterfoil_monitor_incidents{log=".*",kind="fork"} 0$' metrics || die "metrics: $(cat metrics)"
grep -q '^Seccomp:.2' "/proc/$monitor_pid/status" && grep -q '^CapEff:.0*$' "/proc/$monitor_pid/status" || die "it is not confined"
expect 3 "^monitor: busy" "$cf" monitor "$url" --state m --once
kill -9 $monitor_pid
wait $monitor_pid 2>/dev/null || true
monitor_pid=
[ ! -s told ] || die "a clean log, and the monitor says: $(cat told)"

# Killed before each thing that it makes durable, when it sees the fork for the first time: what it knew is there, what it told is proven, and its
# next life tells the fork.
killer=$root/build/release/tests/cf-kill
seen=$(ls m/logs/*/seen)
echo e >mode
killed=0
while "$killer" true 2>/dev/null; do
  rm -rf k
  cp -a m k
  ended=0
  "$killer" --at "monitor:$((killed + 1)):before" "$cf" monitor "$url" --state k --once >told 2>told.err || ended=$?
  cmp -s -n "$(stat -c %s "$seen")" "$seen" "k${seen#m}" || die "killed before step $((killed + 1)): what was seen is lost"
  for proof in $(sed -n 's/.*"proof":"\([^"]*\)".*/\1/p' told); do expect 0 "" "$cf" verify fork "$proof" --vkey d/public/log.vkey; done
  [ "$ended" -ne 1 ] || break # it got to its end
  [ "$ended" -eq 137 ] || die "killed before step $((killed + 1)): status $ended: $(cat told.err)"
  sum=$(stat -c %s "k${seen#m}")
  cp "k${seen#m}" kept
  expect 1 "" "$cf" monitor "$url" --state k --once
  grep -q '"incident":"fork"' out || die "killed before step $((killed + 1)), its next life does not see the fork: $(cat out err)"
  cmp -s -n "$sum" kept "k${seen#m}" || grep -q 'a crash had cut off' err || die "killed before step $((killed + 1)): its next life lost what was kept"
  killed=$((killed + 1))
done
[ "$killed" -ge 4 ] || ! "$killer" true 2>/dev/null || die "it was killed at $killed steps alone"

echo endless >mode
expect 1 "" "$cf" monitor "$url" --state m --once
[ "$(json out v.incident)" = lie ] || die "endless: $(cat out err)"
echo e >mode
expect 1 "" "$cf" monitor "$url" --state m --once
grep '"incident":"fork"' out | head -n 1 >fork.json
[ -s fork.json ] || die "the monitor saw no fork: $(cat out err)"
expect 0 "" "$cf" verify fork "$(json fork.json v.proof)" --vkey d/public/log.vkey --json
[ "$(json out 'v.heads.length + (v.heads[0].root !== v.heads[1].root)')" = 3 ] || die "verify fork: $(cat out)"
kill $server_pid
server_pid=
expect 1 "" "$cf" monitor "$url" --state m --once
grep -q '"incident":"silence"' out || die "gone: $(cat out err)"
expect 3 "^monitor: io" "$cf" monitor "$url/never" --state n --once

# To a monitor that saw nothing before, the witness's word is enough: what it cosigned is not what the folder shows.
"$cf" witness d --index 1 >/dev/null 2>&1 & server_pid=$!
witness=http://127.0.0.1:$((port + 2))
wait_for 10 'fetch "$witness" >/dev/null'
expect 1 "" "$cf" monitor e --witness "$witness" --state w --once
kill $server_pid
server_pid=
grep -qE '"incident":"(fork|rollback)"' out || die "witness: $(cat out err)"
