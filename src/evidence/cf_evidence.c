#include "evidence/cf_evidence.h"

#include "codec/cf_cbor.h"
#include "crypto/cf_hash.h"
#include "evidence/cf_platforms.h"

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

static char const *const role_names[CF_ROLE_CNT] = {
    [CF_ROLE_EVIDENCE] = "evidence",
    [CF_ROLE_CRL] = "crl",
    [CF_ROLE_STATEMENT] = "statement",
    [CF_ROLE_ROOT] = "trusted_root",
    [CF_ROLE_QUOTE] = "quote",
    [CF_ROLE_TCB_INFO] = "tcb_info",
    [CF_ROLE_TCB_INFO_CHAIN] = "tcb_info_chain",
    [CF_ROLE_QE_IDENTITY] = "qe_identity",
    [CF_ROLE_QE_IDENTITY_CHAIN] = "qe_identity_chain",
    [CF_ROLE_PCK_CRL] = "pck_crl",
    [CF_ROLE_ROOT_CA_CRL] = "root_ca_crl",
    [CF_ROLE_PCK_CHAIN] = "pck_chain",
    [CF_ROLE_EVENT_LOG] = "event_log",
    [CF_ROLE_EVENT_LOG_JSON] = "event_log_json",
    [CF_ROLE_HCL_REPORT] = "hcl_report",
    [CF_ROLE_REPORT] = "report",
    [CF_ROLE_VEK] = "vek",
    [CF_ROLE_ASK] = "ask",
    [CF_ROLE_ARK] = "ark",
    [CF_ROLE_DOCUMENT] = "document",
    [CF_ROLE_ATTEST] = "attest",
    [CF_ROLE_SIGNATURE] = "signature",
    [CF_ROLE_AK_PUBLIC] = "ak_public",
    [CF_ROLE_AK_PEM] = "ak_pem",
    [CF_ROLE_AK_JWK] = "ak_jwk",
    [CF_ROLE_AK_CHAIN] = "ak_chain",
    [CF_ROLE_PCRS] = "pcrs",
    [CF_ROLE_TOKEN] = "token",
    [CF_ROLE_CPAK] = "cpak",
};

char const *cf_role_name(cf_role_t role) { return (size_t)role < CF_ROLE_CNT ? role_names[role] : NULL; }

cf_role_t cf_role_of(cf_span_t name) {
  for (size_t i = 1; i < CF_ROLE_CNT; i++)
    if (cf_span_eq(name, CF_SPAN(role_names[i], strlen(role_names[i])))) return (cf_role_t)i;
  return (cf_role_t)0;
}

/* ---- the platforms ---- */

static cf_evidence_platform_t const *const platforms[] = {&cf_evidence_tpm,    &cf_evidence_tdx,   &cf_evidence_sgx,
                                                          &cf_evidence_snp,    &cf_evidence_nitro, &cf_evidence_cca,
                                                          &cf_evidence_attest, &cf_evidence_pcrs};
#define PLATFORMS (sizeof platforms / sizeof platforms[0])

/* Each is judged by itself; a TPM's PCR values are judged by their log where no quote comes with them. */
#define SUBJECTS                                                                                                                 \
  (CF_ROLE_BIT(CF_ROLE_EVIDENCE) | CF_ROLE_BIT(CF_ROLE_QUOTE) | CF_ROLE_BIT(CF_ROLE_REPORT) | CF_ROLE_BIT(CF_ROLE_DOCUMENT) |    \
   CF_ROLE_BIT(CF_ROLE_ATTEST) | CF_ROLE_BIT(CF_ROLE_TOKEN))

bool cf_evidence_matrix(cf_check_row_t *out, size_t i) {
  for (size_t p = 0; p < PLATFORMS; p++)
    for (size_t k = 0; platforms[p]->row(&out->name, &out->what, k); k++)
      if (i-- == 0) {
        out->platform = platforms[p]->platform;
        return true;
      }
  return false;
}

static cf_evidence_platform_t const *platform_of(cf_role_t subject, cf_span_t bytes) {
  for (size_t p = 0; p < PLATFORMS; p++)
    if (platforms[p]->subject == subject && (!platforms[p]->is || platforms[p]->is(bytes))) return platforms[p];
  return NULL;
}

void cf_evidence_report(cf_jw_t *j, cf_facts_t const *f) {
  for (size_t p = 0; p < PLATFORMS; p++)
    if (platforms[p]->subject == f->subject && platforms[p]->platform == f->platform && platforms[p]->report)
      platforms[p]->report(j, f);
}

cf_root_class_t cf_roots_class(cf_evidence_ask_t const *ask) {
  cf_root_class_t worst = (cf_root_class_t)0;
  for (size_t i = 0; i < ask->root_cnt; i++)
    if (ask->roots[i].cls > worst) worst = ask->roots[i].cls;
  return worst;
}

/* ---- registers ---- */

bool cf_evidence_has_register(cf_platform_t platform, cf_span_t name) {
  char      at[CF_REGISTER_NAME_MAX];
  cf_span_t value;
  for (size_t p = 0; p < PLATFORMS; p++)
    for (size_t k = 0; platforms[p]->platform == platform && platforms[p]->reg && platforms[p]->reg(at, &value, NULL, k); k++)
      if (cf_span_eq(name, CF_SPAN(at, strlen(at)))) return true;
  return false;
}

cf_span_t cf_evidence_register(cf_facts_t const *f, cf_span_t name) {
  char      at[CF_REGISTER_NAME_MAX];
  cf_span_t value;
  for (size_t p = 0; p < PLATFORMS; p++) {
    if (platforms[p]->subject != f->subject || platforms[p]->platform != f->platform || !platforms[p]->reg) continue;
    for (size_t k = 0; platforms[p]->reg(at, &value, f, k); k++)
      if (cf_span_eq(name, CF_SPAN(at, strlen(at)))) return value;
  }
  return CF_SPAN(NULL, 0);
}

/* ---- items ---- */

static bool add_to(cf_span_t *list, size_t *cnt, size_t max, cf_span_t bytes) {
  if (*cnt == max) return false;
  list[(*cnt)++] = bytes;
  return true;
}

static bool add_item(cf_evidence_parts_t *parts, cf_evidence_item_t const *item) {
  if ((size_t)item->role >= CF_ROLE_CNT || item->role == 0 || !item->bytes.ptr) return false;
  if (item->role == CF_ROLE_ROOT) return false; /* roots come from the asker, not with the evidence */
  if (item->role == CF_ROLE_CRL) return add_to(parts->crls, &parts->crl_cnt, CF_X509_CRL_MAX, item->bytes);
  if (item->role == CF_ROLE_STATEMENT) return add_to(parts->statements, &parts->statement_cnt, CF_STATEMENTS_MAX, item->bytes);
  if (parts->item[item->role].ptr) return false;
  parts->item[item->role] = item->bytes;
  return true;
}

static cf_verdict_code_t sort_items(cf_evidence_parts_t *parts, uint64_t *given, cf_evidence_ask_t const *ask, cf_verdict_t *v) {
  if (ask->item_cnt > CF_ITEMS_MAX || ask->root_cnt > CF_ROOTS_MAX)
    return cf_verdict_set(v, CF_VERDICT_MALFORMED, "items", 0, "more than %d items or %d roots", CF_ITEMS_MAX, CF_ROOTS_MAX);
  for (size_t i = 0; i < ask->item_cnt; i++) {
    if (!add_item(parts, &ask->items[i]))
      return cf_verdict_set(v, CF_VERDICT_MALFORMED, "items", 0, "item %zu is empty, or one too many of its role", i);
    *given |= CF_ROLE_BIT(ask->items[i].role);
  }
  return CF_VERDICT_OK;
}

static cf_verdict_code_t find_subject(cf_role_t *out, uint64_t given, cf_verdict_t *v) {
  uint64_t subjects = given & SUBJECTS;
  if (!subjects) subjects = given & CF_ROLE_BIT(CF_ROLE_PCRS);
  if (!subjects || subjects & (subjects - 1))
    return cf_verdict_set(v, CF_VERDICT_MALFORMED, "items", 0, "%s to be judged", subjects ? "more than one thing" : "nothing");
  *out = (cf_role_t)__builtin_ctzll(subjects);
  return CF_VERDICT_OK;
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

static cf_status_t write_set(cf_wr_t *wr, cf_evidence_item_t const *items, size_t item_cnt, cf_role_t subject,
                             cf_hash_t const *root) {
  member_t set[CF_ITEMS_MAX + 1];
  size_t   cnt = 0;
  if (item_cnt > CF_ITEMS_MAX) return CF_ERR_BOUND;
  for (size_t i = 0; i <= item_cnt; i++) {
    if (i < item_cnt && items[i].role == subject) continue;
    member_t m = {CF_ROLE_ROOT, *root};
    if (i < item_cnt) m = (member_t){items[i].role, cf_sha256(items[i].bytes)};
    size_t at = cnt++;
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

cf_status_t cf_collateral_set(cf_wr_t *wr, cf_evidence_item_t const *items, size_t item_cnt, cf_span_t root) {
  cf_hash_t hash = cf_sha256(root);
  return write_set(wr, items, item_cnt, CF_ROLE_EVIDENCE, &hash);
}

static cf_verdict_code_t collateral_hash(cf_facts_t *f, cf_evidence_ask_t const *ask, cf_verdict_t *v) {
  uint8_t buf[CF_COLLATERAL_SET_MAX];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  if (ask->kept) {
    f->collateral = ask->kept->set;
    return CF_VERDICT_OK;
  }
  if (write_set(&wr, ask->items, ask->item_cnt, f->subject, &f->root))
    return cf_verdict_set(v, CF_VERDICT_MALFORMED, "items", 0, "the same collateral twice");
  f->collateral = cf_sha256(cf_wr_out(&wr));
  if (ask->keep) ask->keep->set = f->collateral;
  return CF_VERDICT_OK;
}

/* ---- verifying ---- */

/* A record that is none is malformed; one that is, of a type that we do not speak. */
static cf_verdict_code_t unspoken(cf_role_t subject, cf_span_t bytes, cf_verdict_t *v) {
  cf_error_t err = {0};
  cf_span_t  type, content;
  if (subject == CF_ROLE_EVIDENCE && cf_cmw_decode(&type, &content, bytes, &err)) return cf_verdict_error(v, &err);
  return cf_verdict_set(v, CF_VERDICT_UNSUPPORTED, cf_role_name(subject), 0, "no platform speaks this");
}

cf_verdict_code_t cf_evidence_examine(cf_claims_t *out, cf_evidence_ask_t const *ask, cf_verdict_t *v) {
  cf_evidence_parts_t parts = {0};
  uint64_t            given = 0;
  cf_facts_t         *f = &out->said;
  *v = (cf_verdict_t){.next = cf_verdict_next(CF_VERDICT_OK)};
  *f = (cf_facts_t){0};
  cf_verdict_code_t code = sort_items(&parts, &given, ask, v);
  if (!code) code = find_subject(&f->subject, given, v);
  if (code) return code;
  cf_span_t                     subject = parts.item[f->subject];
  cf_evidence_platform_t const *platform = platform_of(f->subject, subject);
  if (!platform) return unspoken(f->subject, subject, v);
  f->platform = platform->platform;
  f->unread = given & ~platform->reads;
  f->evidence = cf_sha256(subject);
  f->valid_until_s = INT64_MAX;
  code = platform->verify(f, &parts, ask, v);
  f->nonce_held = !code && ask->nonce.len && f->subject != CF_ROLE_PCRS; /* values without a quote are over none */
  return code ? code : collateral_hash(f, ask, v);
}

cf_verdict_code_t cf_evidence_verify(cf_facts_t *out, cf_evidence_ask_t const *ask, cf_verdict_t *v) {
  cf_claims_t       claims;
  cf_verdict_code_t code = cf_evidence_examine(&claims, ask, v);
  if (!code) *out = claims.said;
  return code;
}
