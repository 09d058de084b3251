#include <stdio.h>

#include "evidence/cf_evidence.h"
#include "party/cf_bundle.h"

#define ITEM_SZ 32

/* One run at one T; each step reads what those before it established. */
typedef struct {
  cf_bundle_t const     *b;
  cf_bundle_ask_t const *ask;
  uint64_t               at_s; /* T */
  uint64_t               max_age_s, skew_s;
  cf_attested_t         *out;
  cf_cosigned_t          head;
  cf_p256_pub_t          identity;
  cf_hash_t              evidence; /* SHA-256: what results must be about */
  cf_hash_t              nonces;   /* and their nonce list */
  cf_verdict_t          *v;
} run_t;

static char const again[] = "fetch the bundle again: counterfoil attest URL";
static char const forked[] = "seal nothing; keep this bundle and the one before it: together they are evidence against the log";

/* A verdict that was just set, with advice of its own. */
static cf_verdict_code_t advise(run_t *r, cf_verdict_code_t code, char const *next) {
  r->v->next = next;
  return code;
}

/* What a decoder or verifier said, as a verdict on item. */
static cf_verdict_code_t from_error(run_t *r, char const *item, cf_error_t const *err) {
  cf_verdict_code_t code = CF_VERDICT_MALFORMED;
  switch (err->status) {
  case CF_ERR_UNSUPPORTED:
    code = CF_VERDICT_UNSUPPORTED;
    break;
  case CF_ERR_AUTH:
    code = CF_VERDICT_SIGNATURE;
    break;
  case CF_ERR_POLICY:
    code = CF_VERDICT_POLICY;
    break;
  case CF_ERR_STALE:
    code = CF_VERDICT_EXPIRED;
    break;
  case CF_OK:
  case CF_ERR_FORMAT:
  case CF_ERR_BOUND:
  case CF_ERR_IO:
    break;
  }
  return cf_verdict_set(r->v, code, item, 0, "%s", err->text);
}

static void until(run_t *r, uint64_t end) {
  if (end < r->out->until_s) r->out->until_s = end;
}

/* ---- genesis and note ---- */

static cf_verdict_code_t check_genesis(run_t *r) {
  cf_error_t err = {0};
  if (cf_domain_open(&r->out->trust, r->b->genesis, r->ask->domain, &err)) {
    if (!strcmp(err.item, "genesis.domain")) return cf_verdict_set(r->v, CF_VERDICT_BINDING, err.item, 0, "%s", err.text);
    return from_error(r, err.item, &err);
  }
  cf_policy_t const *p = &r->out->trust.policy;
  r->skew_s = p->clock_skew_s;
  r->max_age_s = p->attest_max_age_s;
  if (r->ask->policy && r->ask->policy->attest_max_age_s < r->max_age_s) r->max_age_s = r->ask->policy->attest_max_age_s;
  return CF_VERDICT_OK;
}

/* young: something made at time_s, judged at T. */
static cf_verdict_code_t young(run_t *r, char const *item, uint64_t time_s) {
  uint64_t end = time_s + r->max_age_s;
  if (time_s > r->at_s + r->skew_s)
    return cf_verdict_set(r->v, CF_VERDICT_NOT_YET_VALID, item, (int64_t)time_s, "made after the time of judgement");
  if (r->at_s > end + r->skew_s) {
    (void)cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_STALE, item, (int64_t)end, "older than attest_max_age (%llu s)",
                         (unsigned long long)r->max_age_s);
    return advise(r, CF_VERDICT_COLLATERAL_STALE, again);
  }
  until(r, end);
  return CF_VERDICT_OK;
}

/* The head must extend what the party relied on before. */
static cf_verdict_code_t check_extension(run_t *r) {
  cf_kept_t const *kept = r->ask->kept;
  if (!kept || kept->size == 0) return CF_VERDICT_OK;
  if (kept->size > r->head.size) {
    (void)cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_STALE, "note.size", (int64_t)r->head.time_s,
                         "an older log head (size %llu) than the one kept (size %llu)", (unsigned long long)r->head.size,
                         (unsigned long long)kept->size);
    return advise(r, CF_VERDICT_COLLATERAL_STALE, again);
  }
  if (kept->size < r->head.size && r->ask->consistency_cnt == 0)
    return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, "consistency", 0,
                          "no proof that the log grew from the size kept (%llu)", (unsigned long long)kept->size);
  if (cf_tree_consistency_verify(&kept->root, kept->size, &r->head.root, r->head.size, r->ask->consistency,
                                 r->ask->consistency_cnt)) {
    (void)cf_verdict_set(r->v, CF_VERDICT_BINDING, "consistency", (int64_t)r->head.time_s,
                         "the log head does not extend the one kept");
    return advise(r, CF_VERDICT_BINDING, forked);
  }
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_note(run_t *r) {
  cf_error_t err = {0};
  if (cf_checkpoint_verify_canonical(&r->head, r->b->note, &r->out->trust.witnesses, &err)) {
    if (err.status == CF_ERR_POLICY) err.status = CF_ERR_AUTH; /* too few cosignatures, another origin: not the witnesses' word */
    return from_error(r, "note", &err);
  }
  r->out->head = (cf_kept_t){r->head.size, r->head.root, r->head.time_s};
  cf_verdict_code_t code = young(r, "note.time", r->head.time_s);
  return code ? code : check_extension(r);
}

/* ---- entries ---- */

static cf_verdict_code_t included(run_t *r, char const *item, cf_proven_t const *p) {
  cf_hash_t leaf = cf_tree_leaf(p->entry);
  if (cf_tree_inclusion_verify(&r->head.root, r->head.size, p->index, &leaf, p->path, p->path_cnt))
    return cf_verdict_set(r->v, CF_VERDICT_BINDING, item, 0, "its path does not lead to the log head");
  return CF_VERDICT_OK;
}

static void result_item(char item[ITEM_SZ], size_t i) { (void)snprintf(item, ITEM_SZ, "results[%zu]", i); }

static cf_verdict_code_t check_paths(run_t *r) {
  cf_bundle_t const *b = r->b;
  cf_verdict_code_t  code = included(r, "deployment", &b->deployment);
  if (!code) code = included(r, "boot", &b->boot);
  if (!code) code = included(r, "certificate", &b->certificate);
  for (size_t i = 0; !code && i < b->results_cnt; i++) {
    char item[ITEM_SZ];
    result_item(item, i);
    code = included(r, item, &b->results[i]);
  }
  return code;
}

static cf_verdict_code_t check_deployment(run_t *r) {
  cf_domain_t const   *t = &r->out->trust;
  cf_council_t const *governors = cf_genesis_council(&t->genesis, CF_GOVERNORS);
  cf_deployment_t     d;
  cf_council_doc_t    doc;
  cf_sign1_t          wrapper;
  cf_error_t          err = {0};
  if (r->b->deployment.index != 1)
    return cf_verdict_set(r->v, CF_VERDICT_BINDING, "deployment", 0, "the deployment is the log's entry 1");
  if (cf_sign1_decode(&wrapper, r->b->deployment.entry, cf_deployment_table.typ, &err) ||
      cf_council_doc_decode(&doc, wrapper.payload, &err) || cf_table_decode(&d, &cf_deployment_table, doc.body, &err))
    return from_error(r, "deployment", &err);
  if (cf_council_doc_verify(&doc, governors, &t->ledger.separator, 0, &err))
    return cf_verdict_set(r->v, CF_VERDICT_SIGNATURE, "deployment", 0, "%s", err.text);
  cf_genesis_ledger_t const *l = &t->genesis.ledger;
  if (memcmp(d.domain, t->id.b, 32) || d.kind != l->kind || d.chain_id != l->chain_id || memcmp(d.contract, l->contract, 20))
    return cf_verdict_set(r->v, CF_VERDICT_BINDING, "deployment", 0, "names another domain or ledger than genesis");
  memcpy(r->out->trust.ledger.code_hash.b, d.code_hash, sizeof d.code_hash);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_boot(run_t *r) {
  cf_sign1_t sign1;
  cf_error_t err = {0};
  cf_boot_t *boot = &r->out->boot;
  if (cf_document_open(boot, &sign1, &cf_boot_table, r->b->boot.entry, &err)) return from_error(r, "boot", &err);
  memcpy(r->identity.b, boot->identity, sizeof r->identity.b);
  if (cf_sign1_verify(&sign1, &r->identity))
    return cf_verdict_set(r->v, CF_VERDICT_SIGNATURE, "boot", 0, "not signed by the identity that it names");
  if (memcmp(boot->domain, r->out->trust.id.b, 32))
    return cf_verdict_set(r->v, CF_VERDICT_BINDING, "boot", 0, "a boot entry of another domain");
  return CF_VERDICT_OK;
}

/* Does the certificate say what the boot entry and genesis say? */
static char const *certificate_fault(run_t const *r) {
  cf_epoch_t const *e = &r->out->epoch;
  cf_hash_t         instance = cf_p256_thumbprint(&r->identity);
  cf_hash_t         keys = cf_epoch_keys_hash(e->suite, e->sealing, e->receipt, e->settlement);
  if (memcmp(e->domain, r->out->trust.id.b, 32)) return "of another domain";
  if (memcmp(e->instance, instance.b, 32)) return "of another instance than the boot entry's";
  if (e->boot != r->b->boot.index || e->epoch != r->b->boot.index) return "names another boot entry";
  if (memcmp(keys.b, r->out->boot.keys, 32)) return "its keys are not those that the boot entry announced";
  if (memcmp(e->policy, r->out->trust.policy_hash.b, 32)) return "under another policy than genesis'";
  if (r->b->certificate.index <= r->b->boot.index) return "stands before its boot entry";
  return NULL;
}

static cf_verdict_code_t check_certificate(run_t *r) {
  cf_sign1_t  sign1;
  cf_error_t  err = {0};
  cf_epoch_t *e = &r->out->epoch;
  if (cf_document_open(e, &sign1, &cf_epoch_table, r->b->certificate.entry, &err)) return from_error(r, "certificate", &err);
  if (cf_sign1_verify(&sign1, &r->identity))
    return cf_verdict_set(r->v, CF_VERDICT_SIGNATURE, "certificate", 0, "not signed by the boot entry's identity");
  char const *fault = certificate_fault(r);
  if (fault) return cf_verdict_set(r->v, CF_VERDICT_BINDING, "certificate", 0, "%s", fault);
  if (e->not_before > r->at_s + r->skew_s)
    return cf_verdict_set(r->v, CF_VERDICT_NOT_YET_VALID, "certificate", (int64_t)e->not_before, "the epoch has not begun");
  if (r->at_s > e->not_after)
    return cf_verdict_set(r->v, CF_VERDICT_EXPIRED, "certificate", (int64_t)e->not_after, "the epoch ended on this date");
  until(r, e->not_after);
  r->out->certificate = cf_document_hash(sign1.protected_hdr, sign1.payload);
  return CF_VERDICT_OK;
}

/* ---- results ---- */

static size_t verifier_of(cf_council_t const *c, cf_sign1_t const *s) {
  for (size_t i = 0; i < c->members_cnt; i++) {
    cf_p256_pub_t pub;
    memcpy(pub.b, c->members[i].es256, sizeof pub.b);
    cf_hash_t kid = cf_p256_thumbprint(&pub);
    if (cf_span_eq(s->hdr.kid, CF_SPAN_OF(kid.b))) return cf_sign1_verify(s, &pub) ? SIZE_MAX : i;
  }
  return SIZE_MAX;
}

/* Who signed it, and that it is one of the log's about an epoch that was certified before. */
static cf_verdict_code_t open_result(cf_ear_t *ear, run_t *r, char const *item, cf_proven_t const *p, bool said[CF_MEMBERS_MAX]) {
  cf_sign1_t sign1;
  cf_error_t err = {0};
  if (cf_ear_open(ear, &sign1, p->entry, &err)) return from_error(r, item, &err);
  size_t who = verifier_of(cf_domain_verifiers(&r->out->trust), &sign1);
  if (who == SIZE_MAX) return cf_verdict_set(r->v, CF_VERDICT_SIGNATURE, item, 0, "not signed by a verifier of the council");
  if (said[who]) return cf_verdict_set(r->v, CF_VERDICT_BINDING, item, 0, "verifier %zu speaks twice", who);
  said[who] = true;
  if (p->index <= r->b->certificate.index) return cf_verdict_set(r->v, CF_VERDICT_BINDING, item, 0, "stands before the certificate");
  return CF_VERDICT_OK;
}

static char const *result_fault(run_t const *r, cf_ear_t const *ear) {
  if (memcmp(ear->domain, r->out->trust.id.b, 32)) return "about another domain";
  if (memcmp(ear->certificate, r->out->certificate.b, 32)) return "about another epoch certificate";
  if (memcmp(ear->evidence, r->evidence.b, 32)) return "about other evidence than the bundle's";
  if (memcmp(ear->policy, r->out->trust.policy_hash.b, 32)) return "judged under another policy";
  if (memcmp(ear->measurement, r->out->measurement.b, 32)) return "names another measurement than the evidence";
  if (memcmp(ear->nonces, r->nonces.b, 32)) return "names other nonces than the evidence";
  return NULL;
}

/* Does it affirm what this bundle shows, at T? */
static cf_verdict_code_t check_result(run_t *r, char const *item, cf_ear_t const *ear) {
  char        time[ITEM_SZ + 8];
  char const *fault = result_fault(r, ear);
  (void)snprintf(time, sizeof time, "%s.time", item);
  if (fault) return cf_verdict_set(r->v, CF_VERDICT_BINDING, item, 0, "%s", fault);
  if (ear->status != CF_EAR_AFFIRMING)
    return cf_verdict_set(r->v, CF_VERDICT_POLICY, item, (int64_t)ear->time, "the verifier does not affirm");
  if (r->at_s > ear->until) return cf_verdict_set(r->v, CF_VERDICT_EXPIRED, item, (int64_t)ear->until, "held until this date");
  until(r, ear->until);
  return young(r, time, ear->time);
}

/* The n-th largest of them. */
static uint64_t nth(uint64_t at[], size_t cnt, size_t n) {
  for (size_t i = 1; i < cnt; i++)
    for (size_t j = i; j > 0 && at[j] > at[j - 1]; j--) {
      uint64_t larger = at[j];
      at[j] = at[j - 1], at[j - 1] = larger;
    }
  return at[n - 1];
}

/* What a verifier signed and does not hold is not counted, or one who lies could keep all parties out, or shorten what k others said.
   What none signed spoils the bundle. */
static cf_verdict_code_t check_results(run_t *r) {
  bool         said[CF_MEMBERS_MAX] = {false};
  uint64_t     end[CF_MEMBERS_MAX], k = cf_domain_verifiers(&r->out->trust)->k, others = r->out->until_s;
  size_t       cnt = 0;
  cf_verdict_t good = *r->v, first = {.code = CF_VERDICT_OK};
  if (r->b->results_cnt < k)
    return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, "results", 0, "%zu results of the %llu that are due",
                          r->b->results_cnt, (unsigned long long)k);
  for (size_t i = 0; i < r->b->results_cnt; i++) {
    char     item[ITEM_SZ];
    cf_ear_t ear;
    result_item(item, i);
    cf_verdict_code_t code = open_result(&ear, r, item, &r->b->results[i], said);
    if (code) return code;
    r->out->until_s = UINT64_MAX;
    if (!check_result(r, item, &ear)) end[cnt++] = r->out->until_s;
    else if (!first.code) first = *r->v;
  }
  *r->v = cnt < k ? first : good;
  r->out->until_s = others;
  if (cnt >= k) until(r, nth(end, cnt, k));
  return r->v->code;
}

/* ---- evidence, appraised anew ---- */

/* What is handed to evidence/. */
typedef struct {
  cf_evidence_item_t items[CF_ITEMS_MAX];
  size_t             item_cnt, crl_cnt;
  cf_root_t          roots[CF_ROOTS_MAX];
  size_t             root_cnt;
} parts_t;

/* A root counts if policy names its hash, with the class that policy gives it. */
static void add_root(parts_t *p, cf_policy_t const *policy, cf_span_t der) {
  cf_hash_t hash = cf_sha256(der);
  for (size_t i = 0; i < policy->ek_roots_cnt && p->root_cnt < CF_ROOTS_MAX; i++)
    if (!memcmp(policy->ek_roots[i].root, hash.b, 32))
      p->roots[p->root_cnt++] = (cf_root_t){(cf_root_class_t)policy->ek_roots[i].class, der};
}

static cf_verdict_code_t gather(run_t *r, parts_t *p, cf_span_t evidence) {
  cf_span_t der[CF_ROOTS_MAX + CF_X509_CRL_MAX];
  size_t    cnt = 0;
  if (r->b->collateral.len && cf_der_split(der, &cnt, sizeof der / sizeof *der, r->b->collateral))
    return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "collateral", 0, "not DER values one after the other");
  p->items[p->item_cnt++] = (cf_evidence_item_t){CF_ROLE_EVIDENCE, evidence};
  for (size_t i = 0; i < cnt; i++) {
    if (cf_der_is_certificate(der[i])) {
      add_root(p, &r->out->trust.policy, der[i]);
    } else {
      if (p->crl_cnt++ == CF_X509_CRL_MAX)
        return cf_verdict_set(r->v, CF_VERDICT_MALFORMED, "collateral", 0, "more than %d revocation lists", CF_X509_CRL_MAX);
      p->items[p->item_cnt++] = (cf_evidence_item_t){CF_ROLE_CRL, der[i]};
    }
  }
  for (size_t i = 0; i < r->b->statements_cnt; i++)
    p->items[p->item_cnt++] = (cf_evidence_item_t){CF_ROLE_STATEMENT, r->b->statements[i]};
  return CF_VERDICT_OK;
}

static cf_verdict_code_t appraise(run_t *r, cf_facts_t const *facts, cf_policy_t const *policy, cf_hash_t const *nonce) {
  cf_council_t const *verifiers = cf_domain_verifiers(&r->out->trust);
  int64_t             end = 0;
  cf_appraise_ask_t   ask = {.policy = policy,
                             .production = r->out->trust.genesis.class == 1,
                             .verifiers = verifiers,
                             .statement_min = verifiers->k,
                             .nonce = nonce,
                             .at_s = (int64_t)r->at_s};
  cf_verdict_code_t   code = cf_appraise(&end, facts, &ask, r->v);
  if (!code) until(r, (uint64_t)end);
  return code;
}

/* facts: of this evidence at T, acceptable to the domain's policy and to the party's own. */
static cf_verdict_code_t believe(run_t *r, cf_facts_t *facts, cf_span_t evidence, cf_hash_t const *nonce) {
  parts_t           p = {.item_cnt = 0};
  cf_verdict_code_t code = gather(r, &p, evidence);
  if (code) return code;
  cf_evidence_ask_t ask = {.items = p.items,
                           .item_cnt = p.item_cnt,
                           .roots = p.roots,
                           .root_cnt = p.root_cnt,
                           .domain = r->out->trust.id,
                           .at_s = (int64_t)r->at_s};
  code = cf_evidence_verify(facts, &ask, r->v);
  if (code) return code;
  if (!cf_hash_eq(&facts->certificate, &r->out->certificate))
    return cf_verdict_set(r->v, CF_VERDICT_BINDING, "evidence", 0, "bound to another epoch certificate");
  code = appraise(r, facts, &r->out->trust.policy, nonce);
  if (!code && r->ask->policy) code = appraise(r, facts, r->ask->policy, nonce);
  return code;
}

static cf_verdict_code_t check_evidence(run_t *r) {
  cf_facts_t        facts;
  cf_verdict_code_t code = believe(r, &facts, r->b->evidence, NULL);
  if (code) return code;
  r->evidence = cf_sha256(r->b->evidence);
  r->nonces = facts.nonces_hash;
  r->out->ek_class = (uint64_t)facts.cls;
  r->out->measurement = facts.measurement;
  r->out->test = facts.cls == CF_CLASS_OWNER || r->out->trust.genesis.class != 1;
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_fresh(run_t *r) {
  cf_facts_t facts;
  if (!r->ask->nonce) return CF_VERDICT_OK; /* of somebody else's nonce nothing follows */
  if (!r->b->fresh.len)
    return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, "fresh", 0, "no evidence bound with the nonce that was asked for");
  return believe(r, &facts, r->b->fresh, r->ask->nonce);
}

/* ---- all of it ---- */

static void fill_target(cf_attested_t *a) {
  cf_session_target_t *t = &a->target;
  *t = (cf_session_target_t){.domain = a->trust.id,
                             .certificate = a->certificate,
                             .policy = a->trust.policy_hash,
                             .epoch = a->epoch.epoch,
                             .suite = a->epoch.suite};
  memcpy(t->sealing.b, a->epoch.sealing, sizeof t->sealing.b);
  if (a->trust.policy.jurisdictions_cnt) t->jurisdiction = a->trust.policy.jurisdictions[0];
}

static cf_verdict_code_t check_at(cf_attested_t *out, cf_bundle_t const *b, cf_bundle_ask_t const *ask, uint64_t at_s,
                                  cf_verdict_t *v) {
  static cf_verdict_code_t (*const steps[])(run_t *) = {check_genesis,    check_note,     check_paths,
                                                        check_deployment, check_boot,     check_certificate,
                                                        check_evidence,   check_results,  check_fresh};
  run_t r = {.b = b, .ask = ask, .at_s = at_s, .out = out, .v = v};
  *out = (cf_attested_t){.until_s = UINT64_MAX};
  *v = (cf_verdict_t){.next = cf_verdict_next(CF_VERDICT_OK)};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    cf_verdict_code_t code = steps[i](&r);
    if (code) return code;
  }
  fill_target(out);
  return CF_VERDICT_OK;
}

cf_verdict_code_t cf_bundle_check(cf_attested_t *out, cf_bundle_t const *b, cf_bundle_ask_t const *ask, cf_verdict_t *v) {
  cf_verdict_code_t code = check_at(out, b, ask, ask->at_s, v);
  if (!ask->stale_ok || (code != CF_VERDICT_COLLATERAL_STALE && code != CF_VERDICT_EXPIRED)) return code;
  cf_verdict_t today = *v;
  uint64_t     then = out->head.time_s;
  if (!then || then > ask->at_s) return code;
  code = check_at(out, b, ask, then, v);
  out->stale = !code;
  if (code) *v = today; /* not good even then: the first refusal is what matters */
  return code ? today.code : code;
}
