#!/bin/sh
# evidence make, as a person has it, on machines that are played (tests/attest; tests/unit/platform/test_attester.c has all of them): what
# it writes, verify evidence takes, over no other nonce than was asked for; and what it says where there is no such machine.
set -eu
. tests/e2e/helpers
fake=$root/build/release/tests/cf-attest-fake
[ -x "$fake" ] || { echo "$fake is not built"; exit 1; }
fake_pid=
gone() {
  [ -z "$fake_pid" ] || { kill -TERM "$fake_pid" && wait "$fake_pid"; } || true
  fake_pid=
}
ended() {
  code=$?
  set +e
  gone
  (exit "$code")
  finish
}
trap ended EXIT
nonce=000102030405060708090a0b0c0d0e0f
other=100102030405060708090a0b0c0d0e0f

# The root of each platform in the vectors, and the time at which it is judged.
node -e '
  const fs = require("fs"), dir = process.argv[1]
  for (const platform of ["snp", "nitro"]) {
    const book = JSON.parse(fs.readFileSync(`${dir}/${platform}.json`, "utf8")), first = book.cases[0]
    fs.writeFileSync(`${platform}.root`, Buffer.from(book.blobs[first.roots[0]], "hex"))
    fs.writeFileSync(`${platform}.args`, `--with trusted_root=${platform}.root --at ${first.at}`)
  }' "$root/tests/vectors/evidence"

# machine PLATFORM: mounts one at m.
machine() {
  mkdir -p m
  mkfifo told
  "$fake" m "$1" >told 2>fake.err &
  fake_pid=$!
  line=
  read -r line <told || true
  rm told
  [ "$line" != ready ] || return 0
  code=0
  wait "$fake_pid" || code=$?
  fake_pid=
  [ "$code" -eq 77 ] || { cat fake.err; die "the fake: status $code"; }
  echo "FUSE cannot be mounted here"
  exit 77
}
# try PLATFORM REASON: the command that is printed says that it holds; over another nonce, REASON.
try() {
  machine "$1"
  code=0
  "$cf" evidence make --platform auto --root m --nonce $nonce -o "$1" >out 2>err || code=$?
  if [ "$code" -ne 0 ]; then # another process's memory may not be read here
    grep -q 'Bad address' err || { cat err; die "status $code"; }
    gone
    return
  fi
  grep -q "^made      $1   over $nonce$" out || die "platform"
  next=$(sed -n 's/^next *counterfoil //p' out)
  gone
  # shellcheck disable=SC2046,SC2086
  expect 0 "" "$cf" $next $(cat "$1.args")
  # shellcheck disable=SC2046,SC2086
  expect 1 "^rejected: $2 " "$cf" ${next%"$nonce"}$other $(cat "$1.args")
}
try snp binding
[ -s snp/vek ] || die "the host's certificates"

# As one message.
machine snp
expect 0 "" "$cf" evidence make --platform snp --root m --nonce $nonce --cmw snp.cmw --json
grep -q "^{\"ok\":true,\"platform\":\"snp\",\"nonce\":\"$nonce\",\"files\":{\"cmw\":\"snp.cmw\"}}$" out || die "--json"
gone
# shellcheck disable=SC2046
expect 0 "" "$cf" verify evidence --with cmw=snp.cmw --nonce $nonce $(cat snp.args)

try nitro nonce

mkdir -p empty
expect 1 "^evidence make: unsupported  platform$" "$cf" evidence make --root empty --nonce $nonce -o e
expect 1 "^evidence make: unsupported  tsm$" "$cf" evidence make --platform snp --root empty --nonce $nonce -o e --json
[ "$(json out 'v.ok === false && v.reason === "unsupported" && v.found.includes("empty/sys/kernel/config/tsm/report") && v.next !== ""')" = true ] || die "--json"
[ ! -e e ] || die "nothing was made, and yet there is a folder"
expect 2 "usage" "$cf" evidence make --platform snp --root empty -o e
expect 2 "usage" "$cf" evidence make --platform cca --nonce $nonce -o e
expect 2 "usage" "$cf" evidence make --platform tdx --privlevel 1 --nonce $nonce -o e
expect 2 "usage" "$cf" evidence make --platform snp --privlevel 4 --nonce $nonce -o e
expect 2 "usage" "$cf" evidence make --nonce ${nonce}0 -o e
expect 2 "usage" "$cf" evidence make --nonce $nonce
