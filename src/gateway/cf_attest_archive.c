/* What a result relied on goes into the archive before the result is logged. */
#include <stdio.h>
#include <string.h>

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

/* ---- over a restart ---- */

/* A result that a restart finds archived and not logged would leave its evidence in the archive, and nothing that names it: so what is
   archived stands here before, and the restart logs it. */
void
cf_attest_keep(cf_gateway_t *g, cf_effects_t *fx) {
  cf_attest_t const *a = &g->attest;
  cf_wr_t            wr = cf_wr_init(cf_fx_room(fx, 8 + a->served_len + a->served_collateral_len),
                                     8 + a->served_len + a->served_collateral_len);
  cf_wr_sized(&wr, CF_SPAN(a->served, a->served_len));
  cf_wr_sized(&wr, CF_SPAN(a->served_collateral, a->served_collateral_len));
  cf_store_put(&g->writes, CF_STORE_META, CF_SPAN_LIT("served"), cf_wr_out(&wr));
  for (unsigned i = 0; i < CF_MEMBERS_MAX; i++) {
    char key[16];
    if (!a->v[i].done) continue;
    size_t n = (size_t)snprintf(key, sizeof key, "result/%u", i);
    cf_store_put(&g->writes, CF_STORE_META, CF_SPAN(key, n), CF_SPAN(a->v[i].ear, a->v[i].ear_len));
  }
  cf_gateway_store(g, fx);
}

static bool
is_verifiers(cf_gateway_t const *g, unsigned member, cf_span_t bytes) {
  cf_sign1_t    s;
  cf_p256_pub_t pub;
  memcpy(pub.b, cf_genesis_council(&g->domain.genesis, CF_VERIFIERS)->members[member].es256, sizeof pub.b);
  return !cf_sign1_decode(&s, bytes, NULL, NULL) && !cf_sign1_verify(&s, &pub);
}

/* What is not what was stored is not believed: there will be another. */
static void
load_statement(cf_gateway_t *g, unsigned i, cf_span_t value) {
  cf_verifier_state_t *v = &g->attest.v[i];
  if (value.len <= 8 || value.len > 8 + CF_STATEMENT_BYTES || !is_verifiers(g, i, CF_SPAN(value.ptr + 8, value.len - 8))) return;
  cf_rd_t in       = cf_rd_span(value);
  v->statement_s   = cf_rd_u64(&in);
  v->statement_len = (uint32_t)cf_rd_left(&in);
  memcpy(v->statement, cf_rd_take(&in, v->statement_len), v->statement_len);
  v->statement_have = true;
}

static void
load_result(cf_gateway_t *g, unsigned i, cf_span_t value) {
  cf_verifier_state_t *v = &g->attest.v[i];
  if (!value.len || value.len > sizeof v->ear || !is_verifiers(g, i, value)) return;
  memcpy(v->ear, value.ptr, v->ear_len = (uint32_t)value.len);
  v->ear_key  = cf_log_entry_key(value);
  v->unlogged = true; /* until the log is seen to have it */
}

static void
load_served(cf_attest_t *a, cf_span_t value) {
  cf_rd_t   in       = cf_rd_span(value);
  cf_span_t evidence = cf_rd_sized(&in), collateral = cf_rd_sized(&in);
  if (!cf_rd_done(&in) || evidence.len > sizeof a->served || collateral.len > sizeof a->served_collateral) return;
  memcpy(a->served, evidence.ptr, a->served_len = evidence.len);
  if (collateral.len) memcpy(a->served_collateral, collateral.ptr, collateral.len);
  a->served_collateral_len = collateral.len;
}

void
cf_attest_load(cf_gateway_t *g, cf_event_t const *ev) {
  cf_rd_t          rd;
  uint64_t         fence;
  cf_store_write_t w;
  if (cf_store_open(&rd, &fence, ev->body)) return;
  while (cf_store_next(&rd, &w)) {
    if (cf_span_eq(w.key, CF_SPAN_LIT("served"))) load_served(&g->attest, w.value);
    if (cf_span_eq(w.key, CF_SPAN_LIT("view-proof"))) cf_views_keep(g, w.value); /* found by its hash alone */
    for (unsigned i = 0; i < cf_genesis_council(&g->domain.genesis, CF_VERIFIERS)->members_cnt; i++) {
      char key[2][16];
      for (size_t k = 0; k < 2; k++) snprintf(key[k], sizeof key[k], k ? "result/%u" : "statement/%u", i);
      if (cf_span_eq(w.key, CF_SPAN(key[0], strlen(key[0])))) load_statement(g, i, w.value);
      if (cf_span_eq(w.key, CF_SPAN(key[1], strlen(key[1])))) load_result(g, i, w.value);
    }
  }
}

void
cf_attest_logged(cf_gateway_t *g, cf_hash_t const *key) {
  for (size_t i = 0; i < CF_MEMBERS_MAX; i++)
    if (g->attest.v[i].unlogged && cf_hash_eq(&g->attest.v[i].ear_key, key)) g->attest.v[i].unlogged = false;
}

void
cf_attest_unlogged(cf_gateway_t *g) {
  cf_hash_t evidence = cf_sha256(CF_SPAN(g->attest.served, g->attest.served_len));
  for (unsigned i = 0; i < CF_MEMBERS_MAX; i++) {
    cf_verifier_state_t *v     = &g->attest.v[i];
    cf_span_t            entry = CF_SPAN(v->ear, v->ear_len);
    cf_ear_t             ear;
    cf_sign1_t           s;
    if (v->unlogged && !cf_ear_open(&ear, &s, entry, NULL) && !memcmp(ear.evidence, evidence.b, 32))
      (void)cf_logside_queue(g, CF_ENTRY_RESULT, i, entry);
    v->unlogged = false;
  }
}
