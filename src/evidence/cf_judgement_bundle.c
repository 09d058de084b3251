#include "evidence/cf_judgement_bundle.h"

#include <stdio.h>

#include "crypto/cf_hash.h"
#include "translog/cf_tree.h"

/* ---- the table ---- */

#define T cf_judgement_asked_t
static cf_field_t const asked_fields[] = {
    CF_F_UINT(T, 1, at, 0, 1ULL << 40),
    CF_F_UINT_OPT(T, 2, waived, 1),
    CF_F_UINT_OPT(T, 3, bank, 0xffff),
    {.name = "nonce", .key = 4, .type = CF_FIELD_BSTR, .optional = true, .offset = offsetof(T, nonce), .min = 1, .max = 1024},
    CF_F_FIXED_OPT(T, 5, domain)};
#undef T
static cf_table_t const asked_table = {.name = "judgement-asked",
                                       .size = sizeof(cf_judgement_asked_t),
                                       .fields = asked_fields,
                                       .fields_cnt = CF_COUNT_OF(asked_fields)};

#define T cf_judgement_item_t
static cf_field_t const item_fields[] = {CF_F_UINT(T, 1, role, 1, CF_ROLE_CNT - 1),
                                         CF_F_BSTR(T, 2, bytes, 1, CF_JUDGEMENT_ITEM_MAX)};
#undef T
static cf_table_t const item_table = {
    .name = "judgement-item", .size = sizeof(cf_judgement_item_t), .fields = item_fields, .fields_cnt = CF_COUNT_OF(item_fields)};

#define T cf_judgement_root_t
static cf_field_t const root_fields[] = {CF_F_UINT(T, 1, class, 1, 4), CF_F_BSTR(T, 2, der, 1, 8192)};
#undef T
static cf_table_t const root_table = {
    .name = "judgement-root", .size = sizeof(cf_judgement_root_t), .fields = root_fields, .fields_cnt = CF_COUNT_OF(root_fields)};

#define T cf_judgement_bundle_t
#define F_BSTR_OPT(k, m, hi)                                                                                                     \
  { .name = #m, .key = (k), .type = CF_FIELD_BSTR, .optional = true, .offset = offsetof(T, m), .min = 1, .max = (hi) }
static cf_field_t const fields[] = {CF_F_UINT(T, 1, version, 1, 1),          CF_F_MAP(T, 2, asked, &asked_table),
                                    CF_F_LIST(T, 3, items, &item_table, 1),  CF_F_LIST_OPT(T, 4, roots, &root_table),
                                    F_BSTR_OPT(5, policy, CF_APPRAISAL_MAX), CF_F_BSTR(T, 6, result, 2, CF_JUDGEMENT_MAX),
                                    CF_F_FIXEDS(T, 7, digests, 3),           F_BSTR_OPT(8, proof, CF_TLOG_PROOF_MAX)};
#undef T
cf_table_t const cf_judgement_bundle_table = {.name = "judgement-bundle",
                                              .size = sizeof(cf_judgement_bundle_t),
                                              .bytes_max = CF_JUDGEMENT_BUNDLE_MAX,
                                              .fields = fields,
                                              .fields_cnt = CF_COUNT_OF(fields)};

/* ---- parts ---- */

typedef struct {
  char      name[64];
  cf_hash_t digest;
} part_t;

static cf_hash_t hash_kind(uint64_t kind, cf_span_t bytes) {
  cf_sha256_t ctx;
  cf_sha256_init(&ctx);
  cf_sha256_u(&ctx, kind, 8);
  cf_sha256_s(&ctx, bytes);
  return cf_sha256_end(&ctx);
}

static cf_hash_t hash_asked(cf_judgement_asked_t const *asked) {
  uint8_t buf[1280];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_table_encode(&wr, &asked_table, asked);
  return cf_sha256(cf_wr_out(&wr));
}

/* Part i, in the order of the digests; false past the end.  The proof, which comes later, is the last. */
static bool part_at(part_t *out, cf_judgement_bundle_t const *b, size_t i) {
  if (i == 0) {
    *out = (part_t){"bundle.asked", hash_asked(&b->asked)};
    return true;
  }
  if (--i < b->items_cnt) {
    snprintf(out->name, sizeof out->name, "bundle.%s", cf_role_name((cf_role_t)b->items[i].role));
    out->digest = hash_kind(b->items[i].role, b->items[i].bytes);
    return true;
  }
  if ((i -= b->items_cnt) < b->roots_cnt) {
    *out = (part_t){"bundle.trusted_root", hash_kind(b->roots[i].class, b->roots[i].der)};
    return true;
  }
  i -= b->roots_cnt;
  struct {
    char const *name;
    cf_span_t   bytes;
  } const rest[] = {{"bundle.policy", b->policy}, {"bundle.result", b->result}, {"bundle.proof", b->proof}};
  for (size_t k = 0; k < CF_COUNT_OF(rest); k++) {
    if (!rest[k].bytes.len || i-- > 0) continue;
    snprintf(out->name, sizeof out->name, "%s", rest[k].name);
    out->digest = cf_sha256(rest[k].bytes);
    return true;
  }
  return false;
}

static size_t part_cnt(cf_judgement_bundle_t const *b) {
  return 1 + b->items_cnt + b->roots_cnt + (b->policy.len > 0) + 1 + (b->proof.len > 0);
}

/* ---- encoding ---- */

/* What a later version may add would not be judged here. */
static bool has_extra(cf_judgement_bundle_t const *b) {
  size_t n = b->extra.len + b->asked.extra.len;
  for (size_t i = 0; i < b->items_cnt; i++) n += b->items[i].extra.len;
  for (size_t i = 0; i < b->roots_cnt; i++) n += b->roots[i].extra.len;
  return n > 0;
}

cf_status_t cf_judgement_bundle_decode(cf_judgement_bundle_t *out, cf_span_t in, cf_error_t *err) {
  cf_status_t st = cf_table_decode(out, &cf_judgement_bundle_table, in, err);
  if (st) return st;
  if (has_extra(out)) return cf_error_set(err, CF_ERR_FORMAT, "judgement-bundle", 0, "more than a bundle holds");
  if (out->digests_cnt != part_cnt(out))
    return cf_error_set(err, CF_ERR_FORMAT, "judgement-bundle.digests", 0, "%zu digests of %zu parts", out->digests_cnt,
                        part_cnt(out));
  return CF_OK;
}

void cf_judgement_bundle_encode(cf_wr_t *wr, cf_judgement_bundle_t const *b) {
  cf_table_encode(wr, &cf_judgement_bundle_table, b);
}

/* ---- making ---- */

static void set_digests(cf_judgement_bundle_t *b) {
  part_t part;
  for (b->digests_cnt = 0; part_at(&part, b, b->digests_cnt); b->digests_cnt++)
    memcpy(b->digests[b->digests_cnt], part.digest.b, 32);
}

static cf_span_t report(cf_wr_t *wr, cf_judgement_t const *judged) {
  size_t  start = wr->len;
  cf_jw_t j = cf_jw_init(wr);
  cf_jw_obj(&j, NULL);
  cf_judgement_report(&j, judged);
  cf_jw_end(&j, '}');
  return CF_SPAN(wr->buf + start, wr->len - start);
}

static cf_status_t put_items(cf_judgement_bundle_t *out, cf_evidence_ask_t const *ask, cf_error_t *err) {
  if (!ask->item_cnt || ask->item_cnt > CF_ITEMS_MAX || ask->root_cnt > CF_ROOTS_MAX)
    return cf_error_set(err, CF_ERR_BOUND, "items", 0, "1 to %d items and at most %d roots", CF_ITEMS_MAX, CF_ROOTS_MAX);
  for (size_t i = 0; i < ask->item_cnt; i++) {
    cf_evidence_item_t const *item = &ask->items[i];
    if (!item->bytes.len || item->bytes.len > CF_JUDGEMENT_ITEM_MAX)
      return cf_error_set(err, item->bytes.len ? CF_ERR_BOUND : CF_ERR_FORMAT, cf_role_name(item->role), 0, "1 to %u bytes",
                          CF_JUDGEMENT_ITEM_MAX);
    out->items[out->items_cnt++] = (cf_judgement_item_t){.role = (uint64_t)item->role, .bytes = item->bytes};
  }
  for (size_t i = 0; i < ask->root_cnt; i++) {
    if (!ask->roots[i].der.len || ask->roots[i].der.len > 8192)
      return cf_error_set(err, CF_ERR_BOUND, "trusted_root", 0, "1 to 8192 bytes");
    out->roots[out->roots_cnt++] = (cf_judgement_root_t){.class = (uint64_t)ask->roots[i].cls, .der = ask->roots[i].der};
  }
  return CF_OK;
}

cf_status_t cf_judgement_bundle_make(cf_judgement_bundle_t *out, cf_judgement_t *judged, cf_wr_t *room,
                                     cf_evidence_ask_t const *ask, cf_appraisal_t const *policy, cf_error_t *err) {
  *out = (cf_judgement_bundle_t){
      .version = 1,
      .asked = {.at = (uint64_t)ask->at_s, .waived = ask->crl_waived ? 1 : 0, .bank = ask->bank, .nonce = ask->nonce}};
  memcpy(out->asked.domain, ask->domain.b, 32);
  if (ask->at_s < 0 || ask->at_s > 1LL << 40 || ask->nonce.len > 1024)
    return cf_error_set(err, CF_ERR_BOUND, "asked", 0, "T before 1970, or a nonce of more than 1024 bytes");
  cf_status_t st = put_items(out, ask, err);
  if (st) return st;
  (void)cf_judge(judged, ask, policy);
  out->result = report(room, judged);
  size_t start = room->len;
  if (policy) (void)cf_appraisal_hash(room, policy);
  if (room->bad) return cf_error_set(err, CF_ERR_BOUND, "result", 0, "no room for what was said");
  out->policy = CF_SPAN(room->buf + start, room->len - start);
  set_digests(out);
  return CF_OK;
}

void cf_judgement_bundle_prove(cf_judgement_bundle_t *b, cf_span_t proof) {
  b->proof = proof;
  set_digests(b);
}

cf_hash_t cf_judgement_bundle_record(cf_judgement_bundle_t const *b) {
  cf_sha256_t ctx;
  cf_sha256_tag(&ctx, "judgement-bundle");
  for (size_t i = 0; i < b->digests_cnt - (b->proof.len > 0); i++) cf_sha256_add(&ctx, b->digests[i], 32);
  return cf_sha256_end(&ctx);
}

/* ---- checking ---- */

static cf_verdict_code_t check_parts(cf_judgement_bundle_t const *b, cf_verdict_t *v) {
  part_t part;
  for (size_t i = 0; part_at(&part, b, i); i++)
    if (memcmp(part.digest.b, b->digests[i], 32))
      return cf_verdict_set(v, CF_VERDICT_MALFORMED, part.name, 0,
                            "altered: it, or its digest, is not what the bundle was made of");
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_proof(cf_cosigned_t *head, cf_judgement_bundle_t const *b, cf_witness_set_t const *log,
                                     cf_verdict_t *v) {
  cf_tlog_proof_t proof;
  cf_error_t      err = {0};
  cf_hash_t       record = cf_judgement_bundle_record(b), leaf = cf_tree_leaf(CF_SPAN_OF(record.b));
  if (!b->proof.len) return cf_verdict_set(v, CF_VERDICT_COLLATERAL_MISSING, "bundle.proof", 0, "no proof that a log holds it");
  if (cf_tlog_proof_parse(&proof, b->proof, &err))
    return cf_verdict_set(v, CF_VERDICT_MALFORMED, "bundle.proof", 0, "%s", err.text);
  if (cf_tlog_proof_verify(head, &proof, &leaf, log, &err))
    return cf_verdict_set(v, CF_VERDICT_SIGNATURE, "bundle.proof", 0, "%s", err.text);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_result(cf_judgement_t const *judged, cf_judgement_bundle_t const *b, cf_verdict_t *v) {
  uint8_t   text[CF_JUDGEMENT_MAX];
  cf_wr_t   wr = cf_wr_init(text, sizeof text);
  cf_span_t now = report(&wr, judged);
  if (!wr.bad && cf_span_eq(now, b->result)) return CF_VERDICT_OK;
  return cf_verdict_set(v, CF_VERDICT_BINDING, "bundle.result", 0, "judged again, the evidence gives another answer: %s",
                        cf_verdict_name(judged->v.code));
}

cf_verdict_code_t cf_judgement_bundle_check(cf_judgement_t *judged, cf_appraisal_t *policy, cf_cosigned_t *head,
                                            cf_judgement_bundle_t const *b, cf_witness_set_t const *log, cf_verdict_t *v) {
  cf_evidence_item_t items[CF_ITEMS_MAX];
  cf_root_t          roots[CF_ROOTS_MAX];
  cf_error_t         err = {0};
  uint8_t            none[1];
  cf_wr_t            room = cf_wr_init(none, 0); /* the bundle holds the encoding */
  cf_evidence_ask_t  ask = {.items = items,
                            .item_cnt = b->items_cnt,
                            .roots = roots,
                            .root_cnt = b->roots_cnt,
                            .at_s = (int64_t)b->asked.at,
                            .nonce = b->asked.nonce,
                            .bank = (uint16_t)b->asked.bank,
                            .crl_waived = b->asked.waived == 1};
  *judged = (cf_judgement_t){.at_s = ask.at_s};
  *v = (cf_verdict_t){.next = cf_verdict_next(CF_VERDICT_OK)};
  memcpy(ask.domain.b, b->asked.domain, 32);
  for (size_t i = 0; i < b->items_cnt; i++) items[i] = (cf_evidence_item_t){(cf_role_t)b->items[i].role, b->items[i].bytes};
  for (size_t i = 0; i < b->roots_cnt; i++) roots[i] = (cf_root_t){(cf_root_class_t)b->roots[i].class, b->roots[i].der};
  cf_verdict_code_t code = check_parts(b, v);
  if (!code && b->policy.len && cf_appraisal_open(policy, &room, b->policy, &err))
    code = cf_verdict_set(v, CF_VERDICT_MALFORMED, "bundle.policy", 0, "%s: %s", err.item, err.text);
  if (code) return code;
  (void)cf_judge(judged, &ask, b->policy.len ? policy : NULL);
  code = check_result(judged, b, v);
  return code || !log ? code : check_proof(head, b, log, v);
}
