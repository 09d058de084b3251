#!/bin/sh
# A log that golang.org/x/mod's note and tlog wrote, and nothing of ours (tests/peer/stranger): verify log and the monitor take every honest state of
# it, by its key and under a trust policy of its witnesses, from a folder and from a static server, and name each file that was altered, each short
# quorum, each way back and each fork.
set -eu
. tests/e2e/helpers
gopath=/usr/share/gocode
if ! command -v go >/dev/null || [ ! -d $gopath/src/golang.org/x/mod/sumdb/tlog ]; then
  echo "golang-go and golang-golang-x-mod-dev are not here to write a log"
  exit 77
fi
GO111MODULE=off GOPATH=$gopath GOFLAGS='' GOCACHE=${GOCACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/go-build} \
  go build -o stranger "$root/tests/peer/stranger/main.go"

# Every size at which a row begins or ends; the largest is read in two parts.
for size in 1 2 255 256 257 5000 65536 65793; do
  ./stranger "s$size" $size 3 >root
  expect 0 "" "$cf" verify log "s$size/log" --quorum "s$size/policy" --json
  [ "$(json out v.size) $(json out v.root) $(json out v.cosigned)" = "$size $(cat root) $size" ] || die "$size: $(cat out)"
  expect 0 "" "$cf" verify log "s$size/log" --vkey "s$size/log.vkey"
done

# By another's key, beside another's policy, and with a cosignature too few.
./stranger short 257 2 >/dev/null
expect 0 "" "$cf" verify log short/log --vkey short/log.vkey
refused() { # WHY COMMAND...
  why=$1
  shift
  expect 1 "" "$@"
  grep -q -e "$why" err || die "not \"$why\": $(cat err)"
}
refused "group four has 2 of 3, not w3 w4" "$cf" verify log short/log --quorum short/policy
"$cf" init d --port $port --verifiers 1/1 --witnesses 1/1 --observers 1/1 >domain 2>/dev/null
refused "checkpoint" "$cf" verify log short/log --vkey d/public/log.vkey
"$cf" show d/public/genesis --tlog-policy >ours
refused "of no log that the policy names" "$cf" verify log s257/log --quorum ours

# Each file, altered in each way, is refused by its name.  Beside a full tile a partial one is not read; here there is none.
altered() { refused "$1" "$cf" verify log s/log --quorum s257/policy; }
cp -r s257 s
(cd s/log && find . -type f | sed 's|^\./||') >files
[ "$(wc -l <files)" -eq 6 ] || die "files of a log of 257: $(cat files)"
while read -r file; do
  at=s/log/$file
  cp "$at" was
  node -e 'const fs = require("fs"), b = fs.readFileSync(process.argv[1]); b[b.length >> 1] ^= 1; fs.writeFileSync(process.argv[1], b)' "$at"
  altered "$file"
  head -c -1 was >"$at"
  altered "$file"
  { cat was && printf x; } >"$at"
  altered "$file"
  rm "$at"
  altered "$file"
  cp was "$at"
done <files
expect 0 "" "$cf" verify log s/log --quorum s257/policy

# From a server that knows nothing of logs.
cat >server.mjs <<'M'
import { createServer } from "node:http";
import { readFile } from "node:fs";
createServer((q, a) => readFile("place" + q.url, (e, b) => { a.writeHead(e ? 404 : 200); a.end(b); })).listen(+process.argv[2], "127.0.0.1", () => console.log("ready"));
M
shows() { ln -sfn "$1/log" place; }
shows s5000
node server.mjs "$port" >server.out 2>&1 &
up_pid=$!
for _ in $(seq 100); do ! grep -q ready server.out || break; sleep 0.1; done
url=http://127.0.0.1:$port
expect 0 "" "$cf" verify log "$url" --quorum s257/policy

# The monitor follows it there as it grows; each thing that must not be is an incident, and is over with it.
round() { # CODE [INCIDENT]
  expect "$1" "" "$cf" monitor "$url" --quorum s257/policy --state m --once
  [ -z "${2:-}" ] || grep -q "\"incident\":\"$2\"" out || die "no $2: $(cat out err)"
}
round 0
shows s65536
round 0
./stranger ahead 65793 2 >/dev/null
shows ahead
round 1 quorum
grep -q "group four has 2 of 3, not w3 w4" out || die "who is short: $(cat out)"
shows s65793
round 0
shows s5000
round 1 rollback
./stranger other 65793 3 5000 >/dev/null
shows other
round 1 fork
grep '"incident":"fork"' out | head -n 1 >fork.json
expect 0 "" "$cf" verify fork "$(json fork.json v.proof)" --vkey s257/log.vkey
rm -rf m
cp -r s5000 t
shows t
bundle=t/log/tile/entries/003
node -e 'const fs = require("fs"), b = fs.readFileSync(process.argv[1]); b[9] ^= 1; fs.writeFileSync(process.argv[1], b)' "$bundle"
round 1 altered
grep -q "tile/entries/003" out || die "which file: $(cat out)"
{ kill "$up_pid" && wait "$up_pid"; } 2>/dev/null || true
up_pid=
round 1 silence
