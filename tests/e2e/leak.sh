#!/bin/sh
# What is secret does not show: two domains of real processes get inputs of one shape, with other amounts, other payees, and one that is refused in
# the one and accepted in the other; a stranger is told the same by both, in fields, sizes and counts, and no file of theirs has an amount in it.
set -eu
. tests/e2e/helpers
cat >policy.json <<'POLICY'
{"clearing": {"min_parties": 3, "min_inputs": 4}}
POLICY

# run NAME LINE...: "FROM TO AMOUNT" each, from and to as parties a, b, c, who have the accounts 1, 2, 3.
run() {
  name=$1
  shift
  printf '%s\n' "$@" >inputs
  "$cf" init "$name" --port $port --verifiers 1/1 --witnesses 1/1 --observers 1/1 --policy policy.json >domain 2>/dev/null
  start "$name"
  for party in a b c; do
    "$cf" wallet new "$name-$party" >/dev/null
    "$cf" deposit "$url" --wallet "$name-$party" --asset USD --amount 9000000 >/dev/null
  done
  "$cf" attest "$url" --domain "$(cat domain)" -o "$name.bundle" >/dev/null
  n=0
  while read -r from to amount; do
    n=$((n + 1))
    echo "{\"pay\": {\"to\": $to, \"asset\": \"USD\", \"amount\": \"$amount\"}}" >in.json
    "$cf" seal "$name.bundle" --wallet "$name-$from" in.json -o "$name.e$n"
  done <inputs
  "$cf" submit "$url" "$name".e[1-4] --wait final >ids
  "$cf" submit "$url" "$name.e5" --wait log >>ids
  node "$root/tests/e2e/leak.js" "$url" "$dir/$name" $(cut -d' ' -f1 ids) >"$name.shape"
  "$cf" result "$url" "$(sed -n '5s/ .*//p' ids)" --wallet "$name-c" --json >"$name.fifth"
  stop
  # Each amount as text, and as eight bytes either way round, in every file that the domain left.
  while read -r from to amount; do
    hex=$(printf '%016x' "$amount")
    back=$(echo "$hex" | sed 's/\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)/\8\7\6\5\4\3\2\1/')
    ! grep -rq -e "$amount" "$name" || die "$name: $amount stands in $(grep -rl -e "$amount" "$name" | head -n 1)"
    for form in "$hex" "$back"; do
      ! grep -rqaP "$(echo "$form" | sed 's/../\\x&/g')" "$name" || die "$name: $amount stands as a number in $(grep -rlaP "$(echo "$form" | sed 's/../\\x&/g')" "$name" | head -n 1)"
    done
  done <inputs
}

run one "a 2 1830457" "b 3 7290613" "c 1 2905173" "a 3 3519804" "c 2 918273046"
run two "a 3 4406917" "b 1 5093371" "c 2 6480259" "a 2 1729306" "c 1 2690413"
grep -q '"class": *"credit"' one.fifth && ! grep -q '"class": *"credit"' two.fifth || die "the last input is refused in one, and not in two: $(cat one.fifth two.fifth)"
diff one.shape two.shape >difference || { cat difference; die "what a stranger is told depends on what is secret"; }
[ "$(grep -c '' one.shape)" -gt 60 ] || die "too little was compared: $(cat one.shape)"

# The comparison can fail: a size that follows an amount, a field that comes with a refusal.
sed 's/results on disk: /&1/' one.shape | diff -q - two.shape >/dev/null && die "another size was not found"
sed 's/detail:/reason:/' one.shape | diff -q - two.shape >/dev/null && die "another field was not found"
echo "$(grep -c '' one.shape) lines of what a stranger is told are the same; no amount in $(find one two -type f | wc -l) files"
