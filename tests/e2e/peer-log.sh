#!/bin/sh
# A domain's log, read by others: golang.org/x/mod's note and tlog take every honest file of a recorded domain under the policy that
# its genesis asks for, and of one made now, and refuse every altered one.  With "full" each byte is altered, not one in 61.
set -eu
step=61
[ "${1:-}" != full ] || step=1
root=$PWD
bin=$(cd "${CF_BIN:-build/bin}" && pwd -P)
gopath=/usr/share/gocode
if ! command -v go >/dev/null || [ ! -d $gopath/src/golang.org/x/mod/sumdb/tlog ]; then
  echo "golang-go and golang-golang-x-mod-dev are not here to read a log"
  exit 77
fi
dir=$(mktemp -d /tmp/cf-peer-XXXXXX)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM

GO111MODULE=off GOPATH=$gopath GOFLAGS='' GOCACHE=${GOCACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/go-build} \
  go build -o "$dir/foreign" "$root/tests/peer/foreign/main.go"
mkdir "$dir/now"
"$bin/../tests/test_audit" --record "$dir/now"
for tree in "$root/tests/vectors/audit/life.tree" "$dir/now/life.tree"; do
  "$dir/foreign" genesis "$tree" | "$bin/counterfoil" show - --tlog-policy >"$dir/policy"
  "$dir/foreign" "$dir/policy" "$root/tests/vectors/translog/log.json" $step "$tree"
done

# Who does not ask for the quorum of genesis would take less: the same folder under a policy of five.
sed 's/^group witnesses 3/group witnesses 5/' "$dir/policy" >"$dir/five"
if "$dir/foreign" "$dir/five" "$root/tests/vectors/translog/log.json" $step "$tree" >/dev/null 2>&1; then
  echo "the reader does not count cosignatures"
  exit 1
fi
