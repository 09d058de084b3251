#include "council/cf_attest.h"

#include <stdarg.h>
#include <stdio.h>

#include "codec/cf_cbor.h"

void cf_attest_type(char out[64], cf_attest_refusal_t const *r) {
  static char const *const types[CF_ATTEST_CODES] = {"ok",          "log:stale",      "log:behind",     "verdict",
                                                     "log:unknown", "log:not-newest", "log:commitment", "log:tip",
                                                     "certificate", "terms"};
  bool                     verdict = r->code == CF_ATTEST_VERDICT;
  snprintf(out, 64, "urn:counterfoil:%s%s%s", types[r->code], verdict ? ":" : "",
           verdict ? cf_verdict_name(r->verdict.code) : "");
}

static cf_attest_code_t refuse(cf_attest_refusal_t *why, cf_attest_code_t code, char const *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static cf_attest_code_t refuse(cf_attest_refusal_t *why, cf_attest_code_t code, char const *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  why->code = code;
  vsnprintf(why->text, sizeof why->text, fmt, ap);
  va_end(ap);
  return code;
}

typedef unsigned long long ull_t;

/* ---- what the log says ---- */

static cf_attest_code_t check_age(cf_attest_ask_t const *ask, cf_attest_refusal_t *why) {
  cf_policy_t const *p = &ask->domain->policy;
  int64_t            time = (int64_t)ask->log->head.time_s;
  if (ask->at_s > time + (int64_t)p->attest_max_age_s || time > ask->at_s + (int64_t)p->clock_skew_s)
    return refuse(why, CF_ATTEST_STALE, "the newest checkpoint is of %lld, judged at %lld", (long long)time,
                  (long long)ask->at_s);
  if (ask->log->head.size < ask->size_min)
    return refuse(why, CF_ATTEST_BEHIND, "the newest checkpoint has %llu entries, not %llu", (ull_t)ask->log->head.size,
                  (ull_t)ask->size_min);
  return CF_ATTEST_OK;
}

static cf_attest_code_t check_boot(cf_history_boot_t const **out, cf_attest_ask_t const *ask, cf_facts_t const *f,
                                   cf_attest_refusal_t *why) {
  cf_history_t const      *h = &ask->log->history;
  cf_history_boot_t const *b = cf_history_by_index(h, f->epoch.epoch);
  if (!b || b->cert_index == CF_NO_INDEX || !cf_hash_eq(&b->cert_hash, &f->certificate))
    return refuse(why, CF_ATTEST_UNKNOWN, "no certificate with this hash stands in the log for an opening entry at %llu",
                  (ull_t)f->epoch.epoch);
  if (b != cf_history_newest(h))
    return refuse(why, CF_ATTEST_NOT_NEWEST, "a later boot entry stands at %llu", (ull_t)cf_history_newest(h)->index);
  *out = b;
  return CF_ATTEST_OK;
}

/* adopts holds when a tip is at or behind what must be adopted: at it, it is the same receipt. */
static bool adopts(cf_history_boot_t const *b, uint64_t sequence, cf_hash_t const *hash) {
  return b->tip_sequence > sequence || (b->tip_sequence == sequence && (sequence == 0 || cf_hash_eq(&b->tip_hash, hash)));
}

/* Without these, a planted root or an older disk would get fresh evidence. */
static cf_attest_code_t check_root_and_tip(cf_attest_ask_t const *ask, cf_history_boot_t const *b, cf_attest_refusal_t *why) {
  cf_follow_before_t const *before = &ask->log->before;
  static cf_hash_t const    zero;
  if (before->index != b->index) return refuse(why, CF_ATTEST_UNKNOWN, "the opening entry is not the one that was read last");
  if (before->certified && !cf_hash_eq(&b->commitment, &before->commitment))
    return refuse(why, CF_ATTEST_COMMITMENT, "not the root of the newest certified opening entry before it");
  if (!adopts(b, before->sequence, &before->hash) || (before->certified && !adopts(b, before->tip_sequence, &before->tip_hash)))
    return refuse(why, CF_ATTEST_TIP, "it adopts receipt %llu; %llu counts, and %llu was adopted before", (ull_t)b->tip_sequence,
                  (ull_t)before->sequence, (ull_t)before->tip_sequence);
  if (b->tip_sequence == 0 && !cf_hash_eq(&b->tip_hash, &zero)) return refuse(why, CF_ATTEST_TIP, "a hash of no receipt");
  return CF_ATTEST_OK;
}

/* ---- evidence ---- */

static bool named_by(uint64_t *class, cf_policy_t const *policy, cf_span_t der) {
  cf_hash_t h = cf_sha256(der);
  for (size_t i = 0; i < policy->ek_roots_cnt; i++) {
    if (memcmp(policy->ek_roots[i].root, h.b, sizeof h.b)) continue;
    *class = policy->ek_roots[i].class;
    return true;
  }
  return false;
}

static void add_root(cf_root_t out[CF_ROOTS_MAX], size_t *cnt, cf_policy_t const *policy, cf_span_t der) {
  uint64_t class;
  if (*cnt == CF_ROOTS_MAX || !named_by(&class, policy, der)) return;
  for (size_t i = 0; i < *cnt; i++)
    if (cf_span_eq(out[i].der, der)) return;
  out[(*cnt)++] = (cf_root_t){(cf_root_class_t) class, der};
}

size_t cf_attest_roots(cf_root_t out[CF_ROOTS_MAX], cf_policy_t const *policy, cf_root_t const *given, size_t given_cnt,
                       cf_span_t const *ders, size_t der_cnt) {
  size_t cnt = 0;
  for (size_t i = 0; i < given_cnt; i++) add_root(out, &cnt, policy, given[i].der);
  for (size_t i = 0; i < der_cnt; i++) add_root(out, &cnt, policy, ders[i]);
  return cnt;
}

/* What is handed to evidence/: items, and every certificate that may be a root. */
typedef struct {
  cf_evidence_item_t items[CF_ITEMS_MAX];
  size_t             item_cnt;
  cf_span_t          ders[CF_X509_CHAIN_MAX + CF_ROOTS_MAX];
  size_t             der_cnt;
} parts_t;

static bool read_collateral(parts_t *p, cf_span_t in) {
  cf_span_t der[CF_ROOTS_MAX + CF_X509_CRL_MAX];
  size_t    cnt = 0;
  if (in.len && cf_der_split(der, &cnt, CF_COUNT_OF(der), in)) return false;
  for (size_t i = 0; i < cnt; i++) {
    if (cf_der_is_certificate(der[i]) && p->der_cnt < CF_ROOTS_MAX) p->ders[p->der_cnt++] = der[i];
    else if (!cf_der_is_certificate(der[i]) && p->item_cnt < CF_X509_CRL_MAX)
      p->items[p->item_cnt++] = (cf_evidence_item_t){CF_ROLE_CRL, der[i]};
    else return false;
  }
  return true;
}

static void read_chain(parts_t *p, cf_span_t evidence) {
  cf_tpm_evidence_t e;
  size_t            cnt;
  if (cf_carrier_decode(&e, evidence, NULL)) return; /* cf_evidence_verify says why */
  if (!cf_der_split(p->ders + p->der_cnt, &cnt, CF_X509_CHAIN_MAX, e.ek_chain.len ? e.ek_chain : e.ak_chain)) p->der_cnt += cnt;
}

static cf_verdict_code_t verify_evidence(cf_facts_t *f, cf_attest_ask_t const *ask, cf_verdict_t *v) {
  parts_t   p = {.item_cnt = 0};
  cf_root_t roots[CF_ROOTS_MAX];
  if (!read_collateral(&p, ask->collateral))
    return cf_verdict_set(v, CF_VERDICT_MALFORMED, "collateral", 0,
                          "not DER root certificates and revocation lists, one after the other");
  read_chain(&p, ask->evidence);
  p.items[p.item_cnt++] = (cf_evidence_item_t){CF_ROLE_EVIDENCE, ask->evidence};
  if (ask->statement.len) p.items[p.item_cnt++] = (cf_evidence_item_t){CF_ROLE_STATEMENT, ask->statement};
  cf_evidence_ask_t q = {.items = p.items,
                         .item_cnt = p.item_cnt,
                         .roots = roots,
                         .root_cnt = cf_attest_roots(roots, &ask->domain->policy, ask->roots, ask->root_cnt, p.ders, p.der_cnt),
                         .domain = ask->domain->id,
                         .at_s = ask->at_s};
  return cf_evidence_verify(f, &q, v);
}

/* Only the verifier's own statement is handed in, so that each has held the conversation itself. */
static cf_verdict_code_t appraise(int64_t *until_s, cf_facts_t const *f, cf_attest_ask_t const *ask, cf_verdict_t *v) {
  cf_facts_t        earlier = {0};
  cf_appraise_ask_t q = {.policy = &ask->domain->policy,
                         .production = ask->domain->genesis.class == 1,
                         .verifiers = cf_genesis_council(&ask->domain->genesis, CF_VERIFIERS),
                         .statement_min = 1,
                         .nonce = ask->nonce,
                         .earlier = ask->seen ? &earlier : NULL,
                         .at_s = ask->at_s};
  if (ask->seen) {
    earlier.instance = ask->seen->instance;
    earlier.reset_cnt = ask->seen->reset_cnt;
    earlier.restart_cnt = ask->seen->restart_cnt;
    memcpy(earlier.ak_name, ask->seen->ak_name, sizeof earlier.ak_name);
  }
  cf_verdict_code_t code = cf_appraise(until_s, f, &q, v);
  if (!code && !ask->nonce)
    code = cf_verdict_set(v, CF_VERDICT_NONCE, "nonces", 0, "none of this verifier's live nonces is in the list");
  return code;
}

static cf_attest_code_t check_evidence(cf_facts_t *f, int64_t *until_s, cf_attest_ask_t const *ask, cf_attest_refusal_t *why) {
  cf_verdict_code_t code = verify_evidence(f, ask, &why->verdict);
  if (!code) code = appraise(until_s, f, ask, &why->verdict);
  return code ? refuse(why, CF_ATTEST_VERDICT, "%s", why->verdict.text) : CF_ATTEST_OK;
}

/* ---- certificate and terms ---- */

/* The state of a suite is that of its row with the latest date that has come. */
static bool suite_may_open(cf_policy_t const *p, uint64_t suite, int64_t at_s) {
  cf_suite_row_t const *row = NULL;
  for (size_t i = 0; i < p->suites_cnt; i++) {
    cf_suite_row_t const *r = &p->suites[i];
    if (r->suite == suite && (int64_t)r->from <= at_s && (!row || r->from >= row->from)) row = r;
  }
  return row && row->state <= 2; /* allowed, deprecated */
}

static cf_attest_code_t check_certificate(cf_attest_ask_t const *ask, cf_epoch_t const *e, cf_attest_refusal_t *why) {
  cf_policy_t const *p = &ask->domain->policy;
  if (memcmp(e->policy, ask->domain->policy_hash.b, sizeof e->policy))
    return refuse(why, CF_ATTEST_CERTIFICATE, "it names another policy");
  if (!suite_may_open(p, e->suite, ask->at_s))
    return refuse(why, CF_ATTEST_CERTIFICATE, "policy lets suite %llu open no epoch", (ull_t)e->suite);
  if (e->not_after <= e->not_before || e->not_after - e->not_before > p->epoch_s ||
      (int64_t)e->not_before > ask->at_s + (int64_t)p->clock_skew_s)
    return refuse(why, CF_ATTEST_CERTIFICATE, "valid from %llu to %llu; policy gives an epoch %llu seconds", (ull_t)e->not_before,
                  (ull_t)e->not_after, (ull_t)p->epoch_s);
  return CF_ATTEST_OK;
}

static uint64_t measurement_until(cf_policy_t const *p, cf_hash_t const *measurement) {
  for (size_t i = 0; i < p->measurements_cnt; i++)
    if (!memcmp(p->measurements[i].measurement, measurement->b, 32)) return p->measurements[i].until;
  return 0;
}

static cf_attest_code_t check_terms(cf_attest_ask_t const *ask, cf_facts_t const *f, cf_history_boot_t const *b,
                                    cf_attest_refusal_t *why) {
  cf_policy_t const      *p = &ask->domain->policy;
  cf_registration_terms_t t = cf_registration_terms_unpack(&ask->terms);
  cf_council_t const     *v = cf_genesis_council(&ask->domain->genesis, CF_VERIFIERS);
  uint64_t                tcb = 0; /* a TPM has none */
  char const             *bad = NULL;
  if (t.epoch != b->index) bad = "epoch";
  else if (t.policy != p->version) bad = "policy";
  else if (t.not_before_s < f->epoch.not_before || t.not_before_s >= t.not_after_s) bad = "notBefore";
  else if (t.not_after_s > f->epoch.not_after || t.not_after_s > measurement_until(p, &f->measurement)) bad = "notAfter";
  else if (t.tcb != tcb || !(p->key_tcb_mask >> tcb & 1)) bad = "tcb";
  else if (t.fence != 1) bad = "fence";
  else if (t.log_index != b->cert_index) bad = "logIndex";
  else if (t.council != v->version) bad = "council";
  return bad ? refuse(why, CF_ATTEST_TERMS, "%s does not hold", bad) : CF_ATTEST_OK;
}

cf_attest_code_t cf_attest_judge(cf_attest_out_t *out, cf_attest_ask_t const *ask, cf_attest_refusal_t *why) {
  cf_facts_t               f;
  int64_t                  until_s;
  cf_history_boot_t const *b = NULL;
  *why = (cf_attest_refusal_t){.code = CF_ATTEST_OK};
  cf_attest_code_t code = check_age(ask, why);
  if (!code) code = check_evidence(&f, &until_s, ask, why);
  if (!code) code = check_boot(&b, ask, &f, why);
  if (!code) code = check_root_and_tip(ask, b, why);
  if (!code) code = check_certificate(ask, &f.epoch, why);
  if (!code) code = check_terms(ask, &f, b, why);
  if (code) return code;

  cf_appraise_result(&out->ear, &f, CF_VERDICT_OK, &ask->domain->policy_hash, ask->at_s, until_s);
  out->registration = (cf_registration_t){.terms = ask->terms,
                                          .instance = f.instance,
                                          .certificate = f.certificate,
                                          .measurement = f.measurement,
                                          .evidence = f.evidence};
  memcpy(out->registration.key.b, f.epoch.settlement, sizeof out->registration.key.b);
  out->seen = (cf_attest_seen_t){.instance = f.instance, .reset_cnt = f.reset_cnt, .restart_cnt = f.restart_cnt};
  memcpy(out->seen.ak_name, f.ak_name, sizeof out->seen.ak_name);
  return CF_ATTEST_OK;
}
