/* What a result relied on goes into the archive before the result is logged. */
#include "codec/cf_cbor.h"
#include "document/cf_carrier.h"
#include "gateway/cf_gateway_state.h"

enum { COLLATERAL_CRL = 2, COLLATERAL_STATEMENT = 3, COLLATERAL_ROOT = 4 };

typedef struct {
  uint64_t  role;
  cf_hash_t hash;
} member_t;

static void
insert(member_t *set, size_t *cnt, uint64_t role, cf_span_t bytes) {
  member_t m  = { role, cf_sha256(bytes) };
  size_t   at = (*cnt)++;
  for (; at && (set[at - 1].role > role || (set[at - 1].role == role && memcmp(set[at - 1].hash.b, m.hash.b, 32) > 0)); at--)
    set[at] = set[at - 1];
  set[at] = m;
}

/* The set that a result names by its hash (evidence's cf_collateral_set): the revocation lists, the verifier's own statement, and
   the root that the chain led to: of the certificates in the collateral, the hash says which. */
#define ITEMS_MAX 24
static bool
archive_set(cf_gateway_t *g, cf_effects_t *fx, cf_verifier_state_t const *v, uint8_t const want[32], cf_span_t const *item,
            size_t cnt, size_t root) {
  cf_span_t statement = CF_SPAN(v->statement, v->statement_len);
  member_t  set[ITEMS_MAX + 1];
  size_t    n = 0, max = 3 + (ITEMS_MAX + 1) * 40;
  for (size_t i = 0; i < cnt; i++) {
    bool certificate = cf_der_is_certificate(item[i]);
    if (!certificate || i == root) insert(set, &n, certificate ? COLLATERAL_ROOT : COLLATERAL_CRL, item[i]);
  }
  if (statement.len) insert(set, &n, COLLATERAL_STATEMENT, statement);
  cf_wr_t wr = cf_wr_init(cf_fx_room(fx, max), max);
  cf_cbor_w_array(&wr, n);
  for (size_t i = 0; i < n; i++) {
    cf_cbor_w_array(&wr, 2);
    cf_cbor_w_uint(&wr, set[i].role);
    cf_cbor_w_hash(&wr, &set[i].hash);
  }
  cf_hash_t is = cf_sha256(cf_wr_out(&wr));
  if (memcmp(is.b, want, 32)) return false;
  cf_archive_put(g, fx, cf_wr_out(&wr));
  for (size_t i = 0; i < cnt; i++)
    if (!cf_der_is_certificate(item[i]) || i == root) cf_archive_put(g, fx, item[i]);
  if (statement.len) cf_archive_put(g, fx, statement);
  return true;
}

void
cf_attest_archive(cf_gateway_t *g, cf_effects_t *fx, unsigned verifier) {
  cf_attest_t *a = &g->attest;
  cf_ear_t     ear;
  cf_sign1_t   s;
  if (cf_ear_open(&ear, &s, CF_SPAN(a->v[verifier].ear, a->v[verifier].ear_len), NULL)) return;
  cf_archive_put(g, fx, CF_SPAN(a->served, a->served_len));
  cf_span_t item[ITEMS_MAX];
  size_t    cnt = 0;
  if (a->served_collateral_len && cf_der_split(item, &cnt, ITEMS_MAX, CF_SPAN(a->served_collateral, a->served_collateral_len)))
    return;
  for (size_t root = 0; root <= cnt; root++)
    if (archive_set(g, fx, &a->v[verifier], ear.collateral, item, cnt, root)) return;
}
