/* What a result relied on goes into the archive before the result is logged. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "codec/cf_cbor.h"
#include "document/cf_carrier.h"
#include "gateway/cf_gateway_state.h"

enum { COLLATERAL_CRL = 2, COLLATERAL_STATEMENT = 3, COLLATERAL_ROOT = 4 };

#define ITEMS_MAX 24 /* of the collateral; the statement is one more */

typedef struct {
  uint64_t  role;
  cf_hash_t hash;
  cf_span_t bytes;
} member_t;

/* What a result names by one hash (evidence's cf_collateral_set): the revocation lists, the verifier's own statement, and the root that
   the chain led to. */
typedef struct {
  member_t member[ITEMS_MAX + 1];
  size_t   cnt, len;
  uint8_t  bytes[3 + (ITEMS_MAX + 1) * 40];
} set_t;

static void
insert(set_t *set, uint64_t role, cf_span_t bytes) {
  member_t *at = set->member, m = { role, cf_sha256(bytes), bytes };
  size_t    i  = set->cnt++;
  for (; i && (at[i - 1].role > role || (at[i - 1].role == role && memcmp(at[i - 1].hash.b, m.hash.b, 32) > 0)); i--) at[i] = at[i - 1];
  at[i] = m;
}

static void
make_set(set_t *set, cf_span_t statement, cf_span_t const *item, size_t cnt, size_t root) {
  cf_wr_t wr = cf_wr_init(set->bytes, sizeof set->bytes);
  set->cnt   = 0;
  for (size_t i = 0; i < cnt; i++) {
    bool certificate = cf_der_is_certificate(item[i]);
    if (!certificate || i == root) insert(set, certificate ? COLLATERAL_ROOT : COLLATERAL_CRL, item[i]);
  }
  if (statement.len) insert(set, COLLATERAL_STATEMENT, statement);
  cf_cbor_w_array(&wr, set->cnt);
  for (size_t i = 0; i < set->cnt; i++) {
    cf_cbor_w_array(&wr, 2);
    cf_cbor_w_uint(&wr, set->member[i].role);
    cf_cbor_w_hash(&wr, &set->member[i].hash);
  }
  set->len = wr.len;
}

/* Of the certificates in the collateral, the hash says which is the root. */
static bool
find_set(set_t *set, cf_verifier_state_t const *v, cf_span_t collateral, uint8_t const want[32]) {
  cf_span_t item[ITEMS_MAX];
  size_t    cnt = 0;
  if (collateral.len && cf_der_split(item, &cnt, ITEMS_MAX, collateral)) return false;
  for (size_t root = 0; root <= cnt; root++) {
    make_set(set, CF_SPAN(v->statement, v->statement_len), item, cnt, root);
    cf_hash_t is = cf_sha256(CF_SPAN(set->bytes, set->len));
    if (!memcmp(is.b, want, 32)) return true;
  }
  return false;
}

bool
cf_attest_archivable(cf_gateway_t const *g, unsigned verifier, cf_ear_t const *ear) {
  cf_attest_t const *a = &g->attest;
  set_t              set;
  return !memcmp(ear->evidence, a->evidence_hash.b, 32) &&
         find_set(&set, &a->v[verifier], CF_SPAN(a->collateral, a->collateral_len), ear->collateral);
}

void
cf_attest_archive(cf_gateway_t *g, cf_effects_t *fx, unsigned verifier) {
  cf_attest_t const         *a = &g->attest;
  cf_verifier_state_t const *v = &a->v[verifier];
  cf_ear_t                   ear;
  cf_sign1_t                 s;
  set_t                      set;
  cf_status_t                st    = cf_ear_open(&ear, &s, CF_SPAN(v->ear, v->ear_len), NULL);
  bool                       whole = !st && find_set(&set, v, CF_SPAN(a->served_collateral, a->served_collateral_len), ear.collateral);
  assert(whole); /* or it was not queued */
  cf_archive_put(g, fx, CF_SPAN(a->served, a->served_len));
  cf_archive_put(g, fx, cf_fx_dup(fx, CF_SPAN(set.bytes, set.len)));
  for (size_t i = 0; i < set.cnt; i++) cf_archive_put(g, fx, set.member[i].bytes);
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
  cf_attest_t *a        = &g->attest;
  cf_hash_t    evidence = cf_sha256(CF_SPAN(a->served, a->served_len));
  for (unsigned i = 0; i < CF_MEMBERS_MAX; i++) {
    cf_verifier_state_t *v     = &a->v[i];
    cf_span_t            entry = CF_SPAN(v->ear, v->ear_len);
    cf_ear_t             ear;
    cf_sign1_t           s;
    set_t                set;
    if (v->unlogged && !cf_ear_open(&ear, &s, entry, NULL) && !memcmp(ear.evidence, evidence.b, 32) &&
        find_set(&set, v, CF_SPAN(a->served_collateral, a->served_collateral_len), ear.collateral))
      (void)cf_logside_queue(g, CF_ENTRY_RESULT, i, entry);
    v->unlogged = false;
  }
}
