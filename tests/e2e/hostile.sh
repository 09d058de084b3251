#!/bin/sh
# Every row of docs/hostile.md, sent to a running domain or given to a command, with the answer that the page promises.
set -eu
. tests/e2e/helpers
page=$root/docs/hostile.md
mjs=$root/tests/e2e/hostile.mjs
driven=$dir/driven
tab=$(printf '\t')
: >"$driven"

# Rows as: name, answer, what to do.
awk -F ' \\| ' '/^\| `[a-z0-9-]+` \| / && NF == 5 { n = $1; gsub(/[|` ]/, "", n); a = $4; sub(/^[^`]*`/, "", a); sub(/`[^`]*$/, "", a)
  sub(/ \|$/, "", $5); gsub(/`/, "", $5); print n "\t" a "\t" $5 }' "$page" >table
want() { awk -F "$tab" -v n="$1" -v c="$2" '$1 == n { print $c }' table; }
# row NAME ANSWER [NEXT]: is it what the page says?
row() {
  echo "$1" >>"$driven"
  [ "$2" = "$(want "$1" 2)" ] || die "$1
  is     $2
  table  $(want "$1" 2)"
  [ $# -lt 3 ] || [ "${3:-–}" = "$(want "$1" 3)" ] || die "$1, what to do
  is     $3
  table  $(want "$1" 3)"
}
# told NAME COMMAND...: exit status, what, reason and item of the error's first line, without folders and numbers; and what to do next.
told() {
  name=$1
  shift
  code=0
  "$@" >"$dir/out" 2>"$dir/err" || code=$?
  first=$(grep -v -e '^audit: .*written to' -e '^class test' "$dir/err" | head -n 1 | sed -e "s#$dir/##g" -e 's#  http.*##' -e 's/  [0-9a-f]\{64\}$//')
  next=$(sed -n 's/^  next *//p' "$dir/err" | head -n 1 | sed "s#$dir/##g")
  [ -n "$next" ] && row "$name" "$code $first" "$next" || row "$name" "$code $first"
}
# By node, which prints the rows that it drove.
by_node() {
  code=0
  node "$mjs" "$page" "$@" >"$dir/node.out" 2>&1 || code=$?
  sed -n 's/^driven //p' "$dir/node.out" >>"$driven"
  [ "$code" -eq 0 ] || { grep -v '^sealed' "$dir/node.out" | grep -B1 '^  ' || cat "$dir/node.out"; die "what was answered is not what the page says"; }
}
# flipped FILE OFFSET: a copy with one bit of one byte changed.
flipped() {
  cp "$1" copy
  byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
  # shellcheck disable=SC2059
  printf "\\$(printf %o $((byte ^ 1)))" | dd of=copy bs=1 seek="$2" conv=notrunc 2>/dev/null
}
pid_of() { pgrep -f "^$bin/$1" || die "no $1"; }

echo '{"clearing": {"min_parties": 2, "min_inputs": 1}}' >policy.json
"$cf" init d --port $port --verifiers 1/1 --witnesses 1/1 --observers 1/1 --policy policy.json >domain 2>/dev/null
domain=$(cat domain)
start d
ledger=http://127.0.0.1:$((port + 1))
"$cf" wallet new alice >/dev/null
"$cf" wallet new bob >/dev/null
"$cf" deposit "$url" --wallet alice --asset USD --amount 1000 >/dev/null
"$cf" deposit "$url" --wallet bob --asset USD --amount 10 >/dev/null
"$cf" attest "$url" --domain "$domain" -o d.bundle >/dev/null
"$cf" show d.bundle --json >bundle.json
pay() { echo "{\"pay\": {\"to\": $1, \"asset\": \"$2\", \"amount\": \"$3\"}}" >in.json; }
pay 2 USD 1
"$cf" seal d.bundle --wallet alice in.json -o e1
"$cf" submit "$url" e1 >/dev/null

# ---- HTTP, at the door of gateway and ledger; meanwhile nothing of it reaches a receipt ----
by_node http $port $((port + 1)) "$(pid_of "counterfoil gateway $dir/d")"

# ---- envelopes: refused at once, or told in the sealed result alone ----
mkdir bad
by_node envelopes "$url" bundle.json alice bad
for file in bad/*; do # the same by the program: class, meaning, what to do
  name=${file#bad/}
  code=0
  "$cf" submit "$url" "$file" >out 2>err || code=$?
  class=$(sed -n 's/^submit: refused: \([a-z-]*\)  .*/\1/p' err)
  row "$name" "$(want "$name" 2 | cut -d' ' -f1) $class: $(sed -n 's/^  found *//p' err)" "$(sed -n 's/^  next *//p' err)"
  [ "$code" -eq 1 ] || die "submit of $name ends with $code"
done
sleep 1
grep '^sealed ' node.out >sealed
while read -r _ name id wallet; do
  "$cf" result "$url" "$id" --wallet "$wallet" >out
  class=$(sed -n '1s/^receipt [0-9]*  \([a-z-]*\)  .*/\1/p' out)
  found=$(sed -n 's/^  found *//p' out)
  row "$name" "$class${found:+: $found}" "$(sed -n 's/^  next *//p' out | head -n 1)"
done <sealed

# ---- commands: what they refuse before anything leaves ----
for amount in 0 -1 1.5 9223372036854775808 18446744073709551617; do
  pay 2 USD $amount
  told seal-amount "$cf" seal d.bundle --wallet alice in.json -o none
done
pay 2 NIL 1
told seal-asset "$cf" seal d.bundle --wallet alice in.json -o none
printf '{"pay": {"to": 2, "to": 3, "asset": "USD", "amount": 1}}' >in.json
told seal-json "$cf" seal d.bundle --wallet alice in.json -o none
head -c 40000 /dev/zero >large
told submit-large "$cf" submit "$url" large
told deposit-overflow "$cf" deposit "$url" --wallet alice --asset USD --amount 9223372036854775807
told exit-early "$cf" exit finalize "$ledger" --wallet alice --asset USD
told attest-other "$cf" attest "$url" --domain "$(printf '%064d' 1)" -o none

"$cf" receipt "$url" "$(sha256sum e1 | cut -d' ' -f1)" -o e1.receipt >/dev/null
flipped e1.receipt $(($(stat -c %s e1.receipt) / 2))
told altered-receipt "$cf" verify receipt copy --genesis d/public/genesis --bundle d.bundle

# ---- evidence ----
archive=d/public/archive
evidence=$(grep -l 'counterfoil-epoch+cose' $archive/* | head -n 1)
statement=$(grep -l 'counterfoil-credential+cose' $archive/* | head -n 1)
ek_root=
for file in $archive/*; do
  [ "$(head -c 2 "$file" | od -An -tx1 | tr -d ' ')" != 3082 ] || ek_root=$file
done
judge() { "$cf" verify evidence --genesis d/public/genesis "$@"; }
pcrs=$(($(grep -abo 'application/counterfoil-epoch+cose' "$evidence" | head -n 1 | cut -d: -f1) - 300))
judge --with evidence="$evidence" --with root-owner="$ek_root" --with statement="$statement" >/dev/null
told evidence-nonce judge --with evidence="$evidence" --with root-owner="$ek_root" --with statement="$statement" --nonce "$(printf '%064d' 1)"
told evidence-root judge --with evidence="$evidence" --with statement="$statement"
told evidence-statement judge --with evidence="$evidence" --with root-owner="$ek_root"
told evidence-old judge --with evidence="$evidence" --with root-owner="$ek_root" --with statement="$statement" --at 2040-01-01T00:00:00Z
told evidence-early judge --with evidence="$evidence" --with root-owner="$ek_root" --with statement="$statement" --at 2020-01-01T00:00:00Z
flipped "$evidence" "$pcrs"
told evidence-pcr judge --with evidence=copy --with root-owner="$ek_root" --with statement="$statement"
flipped "$evidence" 70
told evidence-quote judge --with evidence=copy --with root-owner="$ek_root" --with statement="$statement"
flipped "$statement" $(($(stat -c %s "$statement") - 9))
told evidence-ak judge --with evidence="$evidence" --with root-owner="$ek_root" --with statement=copy
head -c 1000 "$evidence" >copy
told evidence-cut judge --with evidence=copy --with root-owner="$ek_root"
told evidence-role judge --with evidnce="$evidence"
"$cf" verify --policy default --show >strict.policy
sed 's/maker_roots/maker_rots/' strict.policy >typo.policy
told policy-member "$cf" verify --policy typo.policy --show
sed 's/"any_program"/"debug": "yes", "any_program"/' strict.policy >debug.policy
told policy-class "$cf" verify --policy debug.policy --show
told policy-platform judge --with evidence="$evidence" --with root-owner="$ek_root" --with statement="$statement" --policy strict.policy
"$cf" bundle make --domain "$domain" --with evidence="$evidence" --with root-owner="$ek_root" -o e.bundle >/dev/null
"$cf" verify bundle e.bundle --json >e.now
flipped e.bundle 2000
told bundle-altered "$cf" verify bundle copy

# ---- a wrong clock, at a party's ----
cat >clock.c <<'END'
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t c, struct timespec *t) {
  long r = syscall(SYS_clock_gettime, c, t);
  if (c == CLOCK_REALTIME && getenv("SHIFT_S")) t->tv_sec += atol(getenv("SHIFT_S"));
  return (int)r;
}
END
cc -shared -fPIC -o clock.so clock.c
shifted() { s=$1; shift; SHIFT_S=$s LD_PRELOAD=$dir/clock.so "$@"; }
pay 2 USD 1
told clock-fast-attest shifted 86400 "$cf" attest "$url" --domain "$domain" -o none
told clock-slow-attest shifted -86400 "$cf" attest "$url" --domain "$domain" -o none
for years in 10 -20; do # a kept judgement asks no clock
  shifted $((years * 31556952)) "$cf" verify bundle e.bundle --json >e.then
  cmp e.now e.then || die "a kept judgement, judged again $years years from now"
  shifted $((years * 31556952)) "$cf" verify bundle d.bundle --domain "$domain" --json >d.then || die "a domain's bundle, $years years from now: $(cat d.then)"
done
told clock-fast-seal shifted 86400 "$cf" seal d.bundle --wallet alice in.json -o none

# ---- a folder that is written to is audited like any other; a stranger in it is found all the same ----
(for _ in $(seq 60); do
  "$cf" seal d.bundle --wallet alice in.json -o ex && "$cf" submit "$url" ex >/dev/null || exit 1
done) &
traffic=$!
for _ in 1 2 3; do "$cf" audit d >out 2>err || { cat out err; die "an audit of a folder that is written to"; }; done
"$cf" audit "$url" >out || { cat out; die "an audit of a running domain over HTTP"; }
echo surplus >d/public/archive/surplus
code=0
"$cf" audit d >out 2>err || code=$?
{ [ "$code" -eq 1 ] && grep -q 'public/archive/surplus: nothing refers to it' out; } || { cat out err; die "a stranger in a folder that is written to"; }
rm d/public/archive/surplus
kill "$traffic" 2>/dev/null || true
wait "$traffic" 2>/dev/null || true

# ---- killed children ----
for role in "counterfoil gateway" "counterfoil ledger serve" "counterfoil witness" "counterfoil verifier" "counterfoil observer" \
  counterfoil-launch counterfoil-enclave swtpm; do
  case $role in counterfoil-enclave | swtpm) pid=$(pgrep -P "$(pid_of "counterfoil-launch $dir/d")" -f "^$role") ;; *) pid=$(pid_of "$role $dir/d") ;; esac
  kill -9 "$pid"
  sleep 0.3
  [ "$role" != swtpm ] || sleep 1.5 # its launcher looks twice a second
  wait_normal d
done
[ "$(pgrep -P "$(pid_of "counterfoil-launch $dir/d")" -f '^swtpm')" != "$pid" ] || die "no other software TPM"
"$cf" attest "$url" --domain "$domain" -o d.bundle >/dev/null
row killed-child "it is started again, and the domain serves"
told port-in-use "$cf" up d
stop

# ---- altered history ----
cp -r d/public stranger
audit_of() { # NAME FILE: one byte of it changed
  flipped "$2" $(($(stat -c %s "$2") / 2))
  cp "$2" kept
  cp copy "$2"
  code=0
  "$cf" audit stranger >out 2>err || code=$?
  cp kept "$2"
  grep -q "${2#stranger/}" out || { cat out; die "$1: the audit does not name ${2#stranger/}"; }
  row "$1" "$code $(grep -m 1 '^FAIL' out | sed 's/  \(receipt\|entry\) .*//')" "$(sed -n 's/^  next *//p' out | head -n 1)"
}
audit_of altered-entry "$(ls stranger/log/tile/entries/*.p/* stranger/log/tile/entries/000 2>/dev/null | tail -n 1)"
audit_of altered-tile "$(ls stranger/log/tile/0/*.p/* stranger/log/tile/0/000 2>/dev/null | tail -n 1)"
audit_of altered-checkpoint stranger/log/checkpoint
audit_of altered-cosignature "$(ls stranger/checkpoints/* | tail -n 1)"
audit_of altered-block stranger/ledger/blocks/00000000000000000003
audit_of altered-genesis stranger/genesis
echo x >stranger/surplus
code=0
"$cf" audit stranger >out 2>err || code=$?
row surplus-file "$code $(grep -m 1 '^FAIL' out)" "$(sed -n 's/^  next *//p' out | head -n 1)"

# ---- the machine ----
mkdir disk
mounts=no
if mount -t tmpfs -o size=64m tmpfs disk 2>/dev/null; then
  mounts=yes
  trap 'code=$?; set +e; umount -l "$dir/disk" 2>/dev/null; (exit $code); finish' EXIT
  cp -r d disk/d
  start disk/d
  dd if=/dev/zero of=disk/full bs=64k 2>/dev/null || true
  for _ in $(seq 100); do ! grep -qs 'No space left' disk/d/logs/*.log || break; sleep 0.1; done
  row full-disk "$(cat disk/d/logs/*.log | grep -o '"event":"not durable, stopping".*No space left on device' | head -n 1 | sed 's/.*"event":"\([^"]*\)".*: /\1: /')"
  rm disk/full
  wait_normal disk/d
  stop
  "$cf" audit disk/d >out || { cat out; die "the audit after a full disk"; }
  mount -o remount,ro disk
  told read-only "$cf" up disk/d
  told read-only-init "$cf" init disk/e
  umount disk
else
  echo "no file system may be mounted here: rows full-disk, read-only, read-only-init are not driven"
  printf 'full-disk\nread-only\nread-only-init\n' >>"$driven"
fi

# ---- the page holds nothing that was not driven, and what it leaves to others is there ----
cut -f1 table | while read -r name; do
  ref=$(grep "^| \`$name\` |" "$page" | grep -o 'tests/[a-z/_]*\.[a-z]*:[a-z_]*' || true)
  if [ -n "$ref" ]; then grep -qw "${ref#*:}" "$root/${ref%%:*}" || die "$name: $ref is not there"
  else grep -qx "$name" "$driven" || die "$name was not driven"; fi
done
for target in "$root"/tests/fuzz/*/fuzz_*.c; do
  grep -q "\`$(basename "$target" .c)\`" "$page" || die "the page does not say what $target reads"
done
sort -u "$driven" | while read -r name; do [ -n "$(want "$name" 2)" ] || die "$name has no row"; done
[ "$mounts" = yes ] || exit 77
