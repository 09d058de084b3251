#include "evidence/cf_evidence.h"

#include "codec/cf_cbor.h"
#include "crypto/cf_hash.h"
#include "evidence/cf_evidence_tpm.h"

char const *cf_class_name(cf_root_class_t cls) {
  switch (cls) {
  case CF_CLASS_CLOUD:
    return "cloud";
  case CF_CLASS_FIRMWARE:
    return "firmware";
  case CF_CLASS_DISCRETE:
    return "discrete";
  case CF_CLASS_OWNER:
    return "owner-controlled";
  }
  return NULL;
}

/* ---- the platforms ---- */

static struct {
  char const            *media_type;
  cf_platform_t          platform;
  cf_evidence_verify_fn *verify;
  cf_evidence_row_fn    *row;
} const platforms[] = {
    {CF_TPM_EVIDENCE_TYP, CF_PLATFORM_TPM, cf_evidence_tpm_verify, cf_evidence_tpm_row},
};
#define PLATFORMS (sizeof platforms / sizeof platforms[0])

bool cf_evidence_matrix(cf_check_row_t *out, size_t i) {
  for (size_t p = 0; p < PLATFORMS; p++)
    for (size_t k = 0; platforms[p].row(&out->name, &out->what, k); k++)
      if (i-- == 0) {
        out->platform = platforms[p].platform;
        return true;
      }
  return false;
}

/* ---- items ---- */

static cf_verdict_code_t sort_items(cf_evidence_parts_t *parts, cf_evidence_ask_t const *ask, cf_verdict_t *v) {
  size_t evidence_cnt = 0;
  if (ask->item_cnt > CF_ITEMS_MAX || ask->root_cnt > CF_ROOTS_MAX)
    return cf_verdict_set(v, CF_VERDICT_MALFORMED, "items", 0, "more than %d items or %d roots", CF_ITEMS_MAX, CF_ROOTS_MAX);
  for (size_t i = 0; i < ask->item_cnt; i++) {
    cf_evidence_item_t const *item = &ask->items[i];
    bool                      full = false;
    switch (item->role) {
    case CF_ROLE_EVIDENCE:
      parts->evidence = item->bytes;
      evidence_cnt++;
      break;
    case CF_ROLE_CRL:
      full = parts->crl_cnt == CF_X509_CRL_MAX;
      if (!full) parts->crls[parts->crl_cnt++] = item->bytes;
      break;
    case CF_ROLE_STATEMENT:
      full = parts->statement_cnt == CF_STATEMENTS_MAX;
      if (!full) parts->statements[parts->statement_cnt++] = item->bytes;
      break;
    case CF_ROLE_ROOT:
      full = true;
      break; /* roots come from the asker, not with the evidence */
    }
    if (full) return cf_verdict_set(v, CF_VERDICT_MALFORMED, "items", 0, "item %zu is one too many of its role", i);
  }
  if (evidence_cnt != 1)
    return cf_verdict_set(v, CF_VERDICT_MALFORMED, "items", 0, "%zu items of role evidence, not one", evidence_cnt);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t collateral_hash(cf_facts_t *f, cf_evidence_ask_t const *ask, size_t root_idx, cf_verdict_t *v) {
  uint8_t buf[CF_COLLATERAL_SET_MAX];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  if (cf_collateral_set(&wr, ask->items, ask->item_cnt, ask->roots[root_idx].der))
    return cf_verdict_set(v, CF_VERDICT_MALFORMED, "items", 0, "the same collateral twice");
  f->collateral = cf_sha256(cf_wr_out(&wr));
  return CF_VERDICT_OK;
}

cf_verdict_code_t cf_evidence_verify(cf_facts_t *out, cf_evidence_ask_t const *ask, cf_verdict_t *v) {
  cf_evidence_parts_t parts = {0};
  cf_error_t          err = {0};
  cf_span_t           type, content;
  *v = (cf_verdict_t){.next = cf_verdict_next(CF_VERDICT_OK)};
  cf_verdict_code_t code = sort_items(&parts, ask, v);
  if (code) return code;
  if (cf_cmw_decode(&type, &content, parts.evidence, &err)) return cf_verdict_error(v, &err);
  for (size_t p = 0; p < PLATFORMS; p++) {
    if (!cf_span_eq(type, CF_SPAN(platforms[p].media_type, strlen(platforms[p].media_type)))) continue;
    cf_facts_t facts = {.platform = platforms[p].platform, .domain = ask->domain};
    size_t     root_idx = 0;
    facts.evidence = cf_sha256(parts.evidence);
    memcpy(facts.statements, parts.statements, sizeof facts.statements);
    facts.statement_cnt = parts.statement_cnt;
    code = platforms[p].verify(&facts, &root_idx, &parts, ask, v);
    if (!code) code = collateral_hash(&facts, ask, root_idx, v);
    if (!code) *out = facts;
    return code;
  }
  return cf_verdict_set(v, CF_VERDICT_UNSUPPORTED, "evidence", 0, "no platform speaks this media type");
}

/* ---- collateral ---- */

typedef struct {
  cf_role_t role;
  cf_hash_t hash;
} member_t;

static int member_cmp(member_t const *a, member_t const *b) {
  if (a->role != b->role) return a->role < b->role ? -1 : 1;
  return memcmp(a->hash.b, b->hash.b, sizeof a->hash.b);
}

cf_status_t cf_collateral_set(cf_wr_t *wr, cf_evidence_item_t const *items, size_t item_cnt, cf_span_t root) {
  member_t set[CF_ITEMS_MAX + 1];
  size_t   cnt = 0;
  if (item_cnt > CF_ITEMS_MAX) return CF_ERR_BOUND;
  for (size_t i = 0; i <= item_cnt; i++) {
    if (i < item_cnt && items[i].role == CF_ROLE_EVIDENCE) continue;
    member_t m = {i < item_cnt ? items[i].role : CF_ROLE_ROOT, cf_sha256(i < item_cnt ? items[i].bytes : root)};
    size_t   at = cnt++;
    while (at > 0 && member_cmp(&m, &set[at - 1]) < 0) {
      set[at] = set[at - 1];
      at--;
    }
    if (at > 0 && member_cmp(&m, &set[at - 1]) == 0) return CF_ERR_FORMAT;
    set[at] = m;
  }
  cf_cbor_w_array(wr, cnt);
  for (size_t i = 0; i < cnt; i++) {
    cf_cbor_w_array(wr, 2);
    cf_cbor_w_uint(wr, (uint64_t)set[i].role);
    cf_cbor_w_hash(wr, &set[i].hash);
  }
  return wr->bad ? CF_ERR_BOUND : CF_OK;
}
