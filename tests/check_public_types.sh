#!/bin/sh
# Telemetry cannot carry what has no public type: each line below must not
# compile, beside its twin that does; and nobody outside observe/ makes a public
# value or a field by hand.
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

compiles() {
  cat >"$dir/t.c" <<END
#include "observe/cf_line.h"
#include "observe/cf_metrics.h"
typedef struct { uint64_t minor; } amount_t;
void f(cf_line_t *line, cf_metrics_t *m, uint64_t balance, amount_t amount, char *text, char const *words, uint8_t *key, cf_hash_t hash, cf_span_t plain);
void f(cf_line_t *line, cf_metrics_t *m, uint64_t balance, amount_t amount, char *text, char const *words, uint8_t *key, cf_hash_t hash, cf_span_t plain) {
  $1;
}
END
  "${CC:-gcc}" -std=c17 -D_GNU_SOURCE -Isrc -Wall -Wextra -Wno-unused-parameter -Werror -fsyntax-only "$dir/t.c" 2>"$dir/why"
}

good=0
bad=0
while IFS= read -r code; do
  compiles "$code" || { echo "should compile: $code" && cat "$dir/why" && exit 1; }
  good=$((good + 1))
done <<'END'
cf_line_put(line, CF_FIELD_COUNT, cf_public_u64(balance))
cf_line_put(line, CF_FIELD_RECEIPT, cf_public_id(&hash))
cf_line_put(line, CF_FIELD_STATUS, CF_PUBLIC_TEXT("ok"))
cf_metrics_add(m, CF_METRIC_BATCHES, cf_public_u64(1))
cf_metrics_set(m, CF_METRIC_PROMISES, cf_public_u64(1))
cf_metrics_took(m, CF_LATENCY_SETTLE, cf_public_u64(1))
END
while IFS= read -r code; do
  if compiles "$code"; then echo "compiles, and must not: $code" && exit 1; fi
  bad=$((bad + 1))
done <<'END'
cf_line_put(line, CF_FIELD_COUNT, balance)
cf_line_put(line, CF_FIELD_COUNT, amount)
cf_line_put(line, CF_FIELD_COUNT, 1)
cf_line_put(line, CF_FIELD_COUNT, cf_public_id(&hash))
cf_line_put(line, CF_FIELD_RECEIPT, hash)
cf_line_put(line, CF_FIELD_RECEIPT, &hash)
cf_line_put(line, CF_FIELD_RECEIPT, key)
cf_line_put(line, CF_FIELD_RECEIPT, cf_public_id(key))
cf_line_put(line, CF_FIELD_STATUS, text)
cf_line_put(line, CF_FIELD_STATUS, "ok")
cf_line_put(line, CF_FIELD_STATUS, plain)
cf_line_put(line, CF_FIELD_STATUS, CF_PUBLIC_TEXT(text))
cf_line_put(line, CF_FIELD_STATUS, CF_PUBLIC_TEXT(words))
cf_line_put(line, CF_FIELD_STATUS, cf_public_u64(1))
cf_line_put(line, "balance", cf_public_u64(1))
cf_line_put(line, words, cf_public_u64(1))
cf_line_put(line, CF_FIELD_COUNT, cf_public_u64(amount))
cf_metrics_add(m, CF_METRIC_BATCHES, balance)
cf_metrics_add(m, CF_METRIC_BATCHES, amount)
cf_metrics_set(m, CF_METRIC_PROMISES, balance)
cf_metrics_took(m, CF_LATENCY_SETTLE, balance)
cf_line_begin(NULL, (cf_now_t){ 0 }, CF_LINE_INFO, words)
END

if grep -rnE 'made_by_cf_(public|field)|\(cf_(public|field)_(u64|id|text)_t\) *\{' src include sim bench 2>/dev/null | grep -v '^src/observe/'; then
  echo "a public value or a field is made by hand, outside observe/"
  exit 1
fi
echo "$bad lines refused, $good taken"
