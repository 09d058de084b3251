#!/bin/sh
# Every command explains itself; wrong usage is 2 with a greppable first line; --json is one JSON value, also on failure.
set -eu
. tests/e2e/helpers

commands=$("$cf" --help | sed -n 's/^  \([a-z][a-z]*\( [a-z][a-z]*\)\{0,1\}\)  .*/\1/p')
[ "$(echo "$commands" | wc -l)" -ge 28 ] || die "only these commands: $commands"
echo "$commands" | while read -r command; do
  # shellcheck disable=SC2086
  "$cf" $command --help >help || die "$command --help"
  grep -q '^example   .*counterfoil '"$command" help || die "$command --help has no example"
  # shellcheck disable=SC2086
  "$cf" $command --version | grep -q '^counterfoil [0-9]' || die "$command --version"
  # shellcheck disable=SC2086
  expect 2 "^$command: usage  --no-such-option" "$cf" $command --no-such-option
  # shellcheck disable=SC2086
  expect 2 "" "$cf" $command --no-such-option --json
done

expect 2 "^counterfoil: usage  frobnicate" "$cf" frobnicate
expect 2 "" "$cf"
expect 2 "^show: usage  F" "$cf" show
expect 2 "^show: usage  b" "$cf" show a b
expect 2 "^seal: usage  --wallet" "$cf" seal x
expect 2 "^file: unreadable  nowhere" "$cf" show nowhere
expect 2 "^file: unreadable" "$cf" wallet show nowhere
expect 2 "" "$cf" audit nowhere
expect 2 "" "$cf" up nowhere
expect 3 "^attest: io  http://127.0.0.1:1/" "$cf" attest http://127.0.0.1:1
expect 2 "" "$cf" attest ftp://127.0.0.1
expect 1 "^rejected: collateral-missing  evidence" "$cf" verify evidence --domain "$(printf '%064d' 0)"
expect 2 "^verify evidence: usage  --genesis" "$cf" verify evidence --with evidence=/dev/null

expect 2 "^verify evidence: usage  tcb_inof" "$cf" verify evidence --with tcb_inof=/dev/null
expect 2 "^file: unreadable  nowhere" "$cf" verify evidence --policy nowhere --with quote=/dev/null
"$cf" verify --policy default --show >default.policy
expect 0 "" "$cf" verify --policy default.policy --show
cmp -s out default.policy || die "a policy that is printed and read again differs"
expect 1 "^rejected: malformed" "$cf" verify evidence --policy default.policy --with quote=/dev/null
sed 's/"yes"/"no"/' default.policy >no.policy
expect 1 "^policy: format  appraisal.maker_roots" "$cf" verify --policy no.policy --show

"$cf" show nowhere --json >out 2>/dev/null || [ $? -eq 2 ]
[ "$(json out 'v.ok + v.reason')" = falseunreadable ] || die "--json on failure: $(cat out)"
"$cf" verify --matrix --json >out
[ "$(json out 'v.length > 5')" = true ] || die "the matrix is short"

"$cf" wallet new w --json >out
[ "$(json out v.address)" = "$("$cf" wallet show w)" ] || die "wallet new and show differ"
expect 1 "^wallet: exists" "$cf" wallet new w
[ "$(stat -c %a w/wallet.key)" = 600 ] || die "a wallet's key is for its owner alone"
printf 'x' | dd of=w/wallet.key bs=1 seek=70 conv=notrunc 2>/dev/null
expect 1 "^wallet: format" "$cf" wallet show w

# A password is typed unseen; who is ended at the question leaves a terminal that shows what is typed.
cat >asked.sh <<'END'
unseen() { stty -a </dev/tty | grep -q -e '-echo '; }
{
  n=0
  until unseen || [ $((n += 1)) -eq 600 ]; do sleep 0.05; done
  kill -"$2" "$(cat asked.pid)"
} &
sh -c 'echo $$ >asked.pid; exec "$1" wallet keystore asked.json' - "$1"
echo "ended by $?"
! unseen || echo unseen
END
for end in INT TERM QUIT; do
  timeout 60 script -qec "sh asked.sh '$cf' $end" /dev/null </dev/null >out 2>&1 || true
  grep -q 'ended by 1[34]' out && ! grep -q '^unseen' out || { cat out; die "SIG$end at the question: what is typed behind it is not shown"; }
done
