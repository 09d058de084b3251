/* The evidence bundle: its form, and for every part altered the verdict that names it. */
#include "party_world.h"

static cf_p256_key_t *stranger;

/* ---- one spoilt thing each ---- */

#define SPOIL(name, at, what)                                                                                                    \
  static void name(world_t *w, stage_t stage) {                                                                                  \
    if (stage == (at)) { what; }                                                                                                 \
  }

/* genesis */
SPOIL(genesis_garbage, STAGE_BUNDLE, w->bundle.genesis.len--)
SPOIL(genesis_one_governor, STAGE_SIGN, w->act[0].sigs_cnt = 1)
SPOIL(genesis_forged, STAGE_SIGN, w->act[0].sig[1][40] ^= 1)
SPOIL(genesis_wrapper, STAGE_SIGN, w->wrapper = stranger)
SPOIL(genesis_rule, STAGE_GENESIS, w->genesis.councils[2].f = 2)
static void genesis_other_domain(world_t *w, stage_t stage) {
  static cf_hash_t other;
  other = h("other");
  if (stage == STAGE_ASK) w->ask.domain = &other;
}
SPOIL(genesis_whichever, STAGE_ASK, w->ask.domain = NULL)

/* note */
SPOIL(note_two_witnesses, STAGE_NOTE, w->cosigners = 3)
SPOIL(note_three_witnesses, STAGE_NOTE, w->cosigners = 0xb)
SPOIL(note_stranger, STAGE_NOTE, w->witness[2] = h("stranger"))
SPOIL(note_old, STAGE_NOTE, w->note_time = NOW - ATTEST_MAX - 6)
SPOIL(note_old_enough, STAGE_NOTE, w->note_time = NOW - ATTEST_MAX - 5)
SPOIL(note_of_tomorrow, STAGE_NOTE, w->note_time = NOW + 6)
SPOIL(note_within_skew, STAGE_NOTE, w->note_time = NOW + 5)
SPOIL(kept_same, STAGE_ASK, keep_head(w, 11))
SPOIL(kept_older, STAGE_ASK, keep_head(w, 4))
SPOIL(kept_forked, STAGE_ASK, keep_head(w, 4); w->kept.root.b[0] ^= 1)
SPOIL(kept_forked_same_size, STAGE_ASK, keep_head(w, 11); w->kept.root.b[0] ^= 1)
SPOIL(kept_no_proof, STAGE_ASK, keep_head(w, 4); w->ask.consistency_cnt = 0)
SPOIL(kept_newer, STAGE_ASK, keep_head(w, 11); w->kept.size = 12)

/* paths */
SPOIL(path_deployment, STAGE_BUNDLE, w->bundle.deployment.path[0].b[0] ^= 1)
SPOIL(path_boot, STAGE_BUNDLE, w->bundle.boot.path[1].b[0] ^= 1)
SPOIL(path_certificate, STAGE_BUNDLE, w->bundle.certificate.path_cnt--)
SPOIL(path_result, STAGE_BUNDLE, w->bundle.results[1].index++)
SPOIL(entry_swapped, STAGE_BUNDLE, w->bundle.results[0].entry = w->bundle.results[1].entry)

/* deployment */
SPOIL(deployment_domain, STAGE_PARTS, w->deployment.domain[0] ^= 1)
SPOIL(deployment_chain, STAGE_PARTS, w->deployment.chain_id++)
SPOIL(deployment_contract, STAGE_PARTS, w->deployment.contract[0] ^= 1)
SPOIL(deployment_forged, STAGE_SIGN, w->act[1].sig[0][5] ^= 1)
SPOIL(deployment_elsewhere, STAGE_BUNDLE, w->bundle.deployment = w->bundle.boot)

/* boot entry */
SPOIL(boot_signer, STAGE_SIGN, w->boot_signer = stranger)
SPOIL(boot_domain, STAGE_SIGN, w->boot.domain[0] ^= 1)
SPOIL(boot_keys, STAGE_SIGN, w->boot.keys[0] ^= 1)
SPOIL(boot_is_certificate, STAGE_BUNDLE, w->bundle.boot = w->bundle.certificate)

/* certificate */
SPOIL(epoch_signer, STAGE_SIGN, w->epoch_signer = stranger)
SPOIL(epoch_domain, STAGE_SIGN, w->epoch.domain[0] ^= 1)
SPOIL(epoch_instance, STAGE_SIGN, w->epoch.instance[0] ^= 1)
SPOIL(epoch_number, STAGE_SIGN, w->epoch.epoch = 1)
SPOIL(epoch_boot, STAGE_SIGN, w->epoch.boot = 1)
SPOIL(epoch_policy, STAGE_SIGN, w->epoch.policy[0] ^= 1)
SPOIL(epoch_sealing, STAGE_SIGN, w->epoch.sealing[0] ^= 1)
SPOIL(epoch_later, STAGE_SIGN, w->epoch.not_before = NOW + 6)
SPOIL(epoch_ended, STAGE_SIGN, w->epoch.not_after = NOW - 1)
SPOIL(epoch_last_second, STAGE_SIGN, w->epoch.not_after = NOW)

/* results */
SPOIL(results_one, STAGE_EARS, w->ears = 1)
SPOIL(results_three, STAGE_EARS, w->ears = 3)
SPOIL(result_stranger, STAGE_EARS, w->ear_key[1] = stranger)
SPOIL(result_twice, STAGE_EARS, w->ear_key[1] = w->ear_key[0]; w->ear[1].time--)
SPOIL(result_warning, STAGE_EARS, w->ear[1].status = CF_EAR_CONTRAINDICATED; w->ear[1].verdict = CF_SPAN_LIT("debug"))
SPOIL(result_malformed, STAGE_EARS, w->ear[1].verdict = CF_SPAN_LIT("debug"))
SPOIL(result_certificate, STAGE_EARS, w->ear[1].certificate[0] ^= 1)
SPOIL(result_domain, STAGE_EARS, w->ear[0].domain[0] ^= 1)
SPOIL(result_evidence, STAGE_EARS, w->ear[1].evidence[0] ^= 1)
SPOIL(result_policy, STAGE_EARS, w->ear[1].policy[0] ^= 1)
SPOIL(result_measurement, STAGE_EARS, w->ear[1].measurement[0] ^= 1)
SPOIL(results_measurement, STAGE_EARS, w->ear[0].measurement[0] ^= 1; w->ear[1].measurement[0] ^= 1)
SPOIL(result_nonces, STAGE_EARS, w->ear[1].nonces[0] ^= 1)
SPOIL(results_nonces, STAGE_EARS, w->ear[0].nonces[0] ^= 1; w->ear[1].nonces[0] ^= 1)
SPOIL(result_old, STAGE_EARS, w->ear[1].time = NOW - ATTEST_MAX - 6)
SPOIL(result_over, STAGE_EARS, w->ear[1].until = NOW - 1)
SPOIL(result_of_tomorrow, STAGE_EARS, w->ear[0].time = NOW + 60)
SPOIL(result_before_certificate, STAGE_BUNDLE, w->bundle.results[0] = w->bundle.boot)

/* evidence */
SPOIL(evidence_cut, STAGE_EVIDENCE, w->evidence.len--)
SPOIL(evidence_root_missing, STAGE_EVIDENCE, w->collateral.len = 0)
SPOIL(evidence_root_unnamed, STAGE_GENESIS, w->policy.ek_roots[0].root[0] ^= 1)
SPOIL(evidence_junk_collateral, STAGE_EVIDENCE, w->collateral = CF_SPAN_LIT("junk"))
SPOIL(evidence_measurement, STAGE_GENESIS, w->policy.measurements[0].program[0] ^= 1)
SPOIL(evidence_measurement_over, STAGE_GENESIS, w->policy.measurements[0].until = NOW - 1)
SPOIL(statements_one, STAGE_EVIDENCE, w->statements = 1)
SPOIL(statements_three, STAGE_EVIDENCE, w->statements = 3)
SPOIL(statements_of_one, STAGE_EVIDENCE, w->statement[1] = w->statement[0])
SPOIL(statements_stranger, STAGE_PARTS, w->statement_key[1] = stranger)
SPOIL(statements_old, STAGE_PARTS, w->statement_time = T - 10 * DAY - 1)
SPOIL(statements_last_second, STAGE_PARTS, w->statement_time = T - 10 * DAY)
static void evidence_other_certificate(world_t *w,
                                       stage_t  stage) { /* good evidence, of another certificate by the same identity */
  if (stage != STAGE_EVIDENCE) return;
  cf_hash_t was = w->certificate;
  cf_span_t entry = w->entry[3];
  w->epoch.not_after++;
  w->entry[3] = seal_document(&w->certificate, &cf_epoch_table, &w->epoch, w->epoch_signer);
  w->evidence = quote(w, &w->nonce[0], 1);
  w->entry[3] = entry;
  w->certificate = was;
}
SPOIL(evidence_other_certificate_ears, STAGE_EARS, memcpy(w->ear[0].certificate, w->certificate.b, 32);
      memcpy(w->ear[1].certificate, w->certificate.b, 32))
static void evidence_of_another(world_t *w, stage_t stage) {
  evidence_other_certificate(w, stage);
  evidence_other_certificate_ears(w, stage);
}

/* the party's own policy, and its nonce */
static cf_policy_t own;
static void        own_policy(world_t *w, stage_t stage, void (*change)(cf_policy_t *p)) {
         if (stage != STAGE_ASK) return;
  own = w->policy;
         change(&own);
         w->ask.policy = &own;
}
static void own_measurement(cf_policy_t *p) { p->measurements[0].measurement[0] ^= 1; }
static void own_age(cf_policy_t *p) { p->attest_max_age_s = 24; }
static void own_root(cf_policy_t *p) { p->ek_roots_cnt = 0; }
static void own_same(cf_policy_t *p) { (void)p; }
static void policy_same(world_t *w, stage_t s) { own_policy(w, s, own_same); }
static void policy_measurement(world_t *w, stage_t s) { own_policy(w, s, own_measurement); }
static void policy_age(world_t *w, stage_t s) { own_policy(w, s, own_age); }
static void policy_root(world_t *w, stage_t s) { own_policy(w, s, own_root); }
SPOIL(nonce_good, STAGE_ASK, w->ask.nonce = &w->nonce[1])
SPOIL(nonce_other, STAGE_ASK, w->ask.nonce = &w->nonce[0])
SPOIL(nonce_unanswered, STAGE_ASK, w->ask.nonce = &w->nonce[1]; w->bundle.fresh.len = 0)
SPOIL(fresh_unasked, STAGE_BUNDLE, w->bundle.fresh = CF_SPAN_LIT("junk"))

static struct {
  char const       *name;
  spoil_fn         *spoil;
  cf_verdict_code_t want;
  char const       *item;
} const cases[] = {
    {"as it should be", spoil_nothing, CF_VERDICT_OK, ""},
    {"genesis cut", genesis_garbage, CF_VERDICT_MALFORMED, NULL},
    {"genesis by one governor", genesis_one_governor, CF_VERDICT_SIGNATURE, "act.signatures"},
    {"genesis with a forged signature", genesis_forged, CF_VERDICT_SIGNATURE, "act.signatures"},
    {"genesis wrapped by a stranger", genesis_wrapper, CF_VERDICT_SIGNATURE, "genesis.wrapper"},
    {"genesis breaks a rule", genesis_rule, CF_VERDICT_POLICY, "verifiers"},
    {"another domain", genesis_other_domain, CF_VERDICT_BINDING, "genesis.domain"},
    {"whichever domain", genesis_whichever, CF_VERDICT_OK, ""},
    {"k - 1 cosignatures", note_two_witnesses, CF_VERDICT_SIGNATURE, "note"},
    {"k cosignatures", note_three_witnesses, CF_VERDICT_OK, ""},
    {"a cosignature that is none", note_stranger, CF_VERDICT_SIGNATURE, "note"},
    {"stale note", note_old, CF_VERDICT_COLLATERAL_STALE, "note.time"},
    {"note as old as may be", note_old_enough, CF_VERDICT_OK, ""},
    {"note of later", note_of_tomorrow, CF_VERDICT_NOT_YET_VALID, "note.time"},
    {"note within the skew", note_within_skew, CF_VERDICT_OK, ""},
    {"kept: the same head", kept_same, CF_VERDICT_OK, ""},
    {"kept: an older head, proven", kept_older, CF_VERDICT_OK, ""},
    {"kept: a fork", kept_forked, CF_VERDICT_BINDING, "consistency"},
    {"kept: a fork of the same size", kept_forked_same_size, CF_VERDICT_BINDING, "consistency"},
    {"kept: no proof", kept_no_proof, CF_VERDICT_COLLATERAL_MISSING, "consistency"},
    {"kept: a newer head", kept_newer, CF_VERDICT_COLLATERAL_STALE, "note.size"},
    {"path of the deployment", path_deployment, CF_VERDICT_BINDING, "deployment"},
    {"path of the boot entry", path_boot, CF_VERDICT_BINDING, "boot"},
    {"path of the certificate", path_certificate, CF_VERDICT_BINDING, "certificate"},
    {"index of a result", path_result, CF_VERDICT_BINDING, "results[1]"},
    {"an entry swapped", entry_swapped, CF_VERDICT_BINDING, "results[0]"},
    {"deployment of another domain", deployment_domain, CF_VERDICT_BINDING, "deployment"},
    {"deployment on another chain", deployment_chain, CF_VERDICT_BINDING, "deployment"},
    {"deployment at another address", deployment_contract, CF_VERDICT_BINDING, "deployment"},
    {"deployment forged", deployment_forged, CF_VERDICT_SIGNATURE, "deployment"},
    {"deployment is not entry 1", deployment_elsewhere, CF_VERDICT_BINDING, "deployment"},
    {"boot entry by a stranger", boot_signer, CF_VERDICT_SIGNATURE, "boot"},
    {"boot entry of another domain", boot_domain, CF_VERDICT_BINDING, "boot"},
    {"boot entry announced other keys", boot_keys, CF_VERDICT_BINDING, "certificate"},
    {"boot entry is none", boot_is_certificate, CF_VERDICT_UNSUPPORTED, "boot"},
    {"certificate by a stranger", epoch_signer, CF_VERDICT_SIGNATURE, "certificate"},
    {"certificate of another domain", epoch_domain, CF_VERDICT_BINDING, "certificate"},
    {"certificate of another instance", epoch_instance, CF_VERDICT_BINDING, "certificate"},
    {"certificate of another epoch", epoch_number, CF_VERDICT_BINDING, "certificate"},
    {"certificate of another boot entry", epoch_boot, CF_VERDICT_BINDING, "certificate"},
    {"certificate under another policy", epoch_policy, CF_VERDICT_BINDING, "certificate"},
    {"certificate with another sealing key", epoch_sealing, CF_VERDICT_BINDING, "certificate"},
    {"epoch of later", epoch_later, CF_VERDICT_NOT_YET_VALID, "certificate"},
    {"epoch ended", epoch_ended, CF_VERDICT_EXPIRED, "certificate"},
    {"epoch's last second", epoch_last_second, CF_VERDICT_OK, ""},
    {"k - 1 results", results_one, CF_VERDICT_COLLATERAL_MISSING, "results"},
    {"all results", results_three, CF_VERDICT_OK, ""},
    {"result by a stranger", result_stranger, CF_VERDICT_SIGNATURE, "results[1]"},
    {"one verifier twice", result_twice, CF_VERDICT_BINDING, "results[1]"},
    {"a result that contradicts itself", result_malformed, CF_VERDICT_MALFORMED, "results[1]"},
    {"a verifier refuses", result_warning, CF_VERDICT_POLICY, "results[1]"},
    {"result for another certificate", result_certificate, CF_VERDICT_BINDING, "results[1]"},
    {"result for another domain", result_domain, CF_VERDICT_BINDING, "results[0]"},
    {"result about other evidence", result_evidence, CF_VERDICT_BINDING, "results[1]"},
    {"result under another policy", result_policy, CF_VERDICT_BINDING, "results[1]"},
    {"results differ in measurement", result_measurement, CF_VERDICT_BINDING, "results[1]"},
    {"results name another measurement", results_measurement, CF_VERDICT_BINDING, "results[0]"},
    {"results differ in nonces", result_nonces, CF_VERDICT_BINDING, "results[1]"},
    {"results name other nonces", results_nonces, CF_VERDICT_BINDING, "results[0]"},
    {"stale result", result_old, CF_VERDICT_COLLATERAL_STALE, "results[1].time"},
    {"result that ended", result_over, CF_VERDICT_EXPIRED, "results[1]"},
    {"result of later", result_of_tomorrow, CF_VERDICT_NOT_YET_VALID, "results[0].time"},
    {"no result", result_before_certificate, CF_VERDICT_UNSUPPORTED, "results[0]"},
    {"evidence cut", evidence_cut, CF_VERDICT_MALFORMED, NULL},
    {"evidence for another certificate", evidence_of_another, CF_VERDICT_BINDING, "evidence"},
    {"root not supplied", evidence_root_missing, CF_VERDICT_CHAIN, "chain[0]"},
    {"root not in policy", evidence_root_unnamed, CF_VERDICT_CHAIN, "chain[0]"},
    {"collateral is junk", evidence_junk_collateral, CF_VERDICT_MALFORMED, "collateral"},
    {"program not in policy", evidence_measurement, CF_VERDICT_MEASUREMENT, "measurement"},
    {"program's end date passed", evidence_measurement_over, CF_VERDICT_MEASUREMENT, "measurement"},
    {"k - 1 credential statements", statements_one, CF_VERDICT_COLLATERAL_MISSING, "credential"},
    {"all credential statements", statements_three, CF_VERDICT_OK, ""},
    {"statements of one verifier", statements_of_one, CF_VERDICT_MALFORMED, "items"},
    {"statement by a stranger", statements_stranger, CF_VERDICT_COLLATERAL_MISSING, "credential"},
    {"statements too old", statements_old, CF_VERDICT_COLLATERAL_STALE, "credential"},
    {"statements as old as may be", statements_last_second, CF_VERDICT_OK, ""},
    {"own policy: the same", policy_same, CF_VERDICT_OK, ""},
    {"own policy: another program", policy_measurement, CF_VERDICT_MEASUREMENT, "measurement"},
    {"own policy: younger", policy_age, CF_VERDICT_COLLATERAL_STALE, "note.time"},
    {"own policy: no such root", policy_root, CF_VERDICT_POLICY, "ek-root"},
    {"own nonce", nonce_good, CF_VERDICT_OK, ""},
    {"another's nonce", nonce_other, CF_VERDICT_NONCE, "nonces"},
    {"nonce not answered", nonce_unanswered, CF_VERDICT_COLLATERAL_MISSING, "fresh"},
    {"fresh evidence nobody asked for", fresh_unasked, CF_VERDICT_OK, ""},
};

static world_t       dom;
static cf_attested_t attested;

static void table(void **state) {
  for (size_t i = 0; i < COUNT(cases); i++) {
    cf_verdict_t v;
    world_make(&dom, cases[i].spoil);
    cf_verdict_code_t code = cf_bundle_check(&attested, &dom.bundle, &dom.ask, &v);
    if (code != cases[i].want || (cases[i].item && strcmp(v.item, cases[i].item)))
      fail_msg("%s: %s (%s: %s), not %s (%s)", cases[i].name, cf_verdict_name(code), v.item, v.text,
               cf_verdict_name(cases[i].want), cases[i].item ? cases[i].item : "any");
    assert_int_equal(v.code, code);
    assert_true(code == CF_VERDICT_OK || (*v.item && *v.text && *v.next));
  }
}

/* What a good bundle makes believed. */
static void believed(void **state) {
  cf_verdict_t v;
  world_make(&dom, results_three);
  assert_int_equal(cf_bundle_check(&attested, &dom.bundle, &dom.ask, &v), CF_VERDICT_OK);
  assert_true(cf_hash_eq(&attested.trust.id, &dom.domain) && cf_hash_eq(&attested.certificate, &dom.certificate));
  assert_true(attested.head.size == 11 && attested.head.time_s == NOW - 30);
  assert_true(attested.until_s == NOW - 60 + ATTEST_MAX); /* the results' age ends first */
  assert_true(attested.test && !attested.stale && attested.ek_class == 4);
  assert_memory_equal(attested.measurement.b, dom.policy.measurements[0].measurement, 32);
  cf_session_target_t const *t = &attested.target;
  assert_true(t->epoch == 2 && t->suite == 1 && cf_hash_eq(&t->certificate, &dom.certificate) &&
              cf_span_eq(t->jurisdiction, CF_SPAN_LIT("CH")));
  assert_memory_equal(t->sealing.b, dom.epoch.sealing, 32);
}

/* Of three results one is a lie: by whoever, about whatever, it keeps nobody out and shortens nothing.  Two are too many. */
static size_t liar, lie;
static void lied(cf_ear_t *ear) {
  switch (lie) {
    case 0: ear->domain[0] ^= 1; return;
    case 1: ear->certificate[0] ^= 1; return;
    case 2: ear->evidence[0] ^= 1; return;
    case 3: ear->policy[0] ^= 1; return;
    case 4: ear->measurement[0] ^= 1; return;
    case 5: ear->nonces[0] ^= 1; return;
    case 6: ear->status = CF_EAR_CONTRAINDICATED, ear->verdict = CF_SPAN_LIT("debug"); return;
    case 7: ear->until = NOW - 1; return;
    case 8: ear->until = NOW; return;
    case 9: ear->time = NOW - ATTEST_MAX - 6; return;
    case 10: ear->time = NOW + 60; return;
  }
}
SPOIL(one_lie, STAGE_EARS, w->ears = 3; lied(&w->ear[liar]))
SPOIL(two_lies, STAGE_EARS, w->ears = 3; lied(&w->ear[liar]); lied(&w->ear[(liar + 1) % 3]))
static void one_who_lies(void **state) {
  cf_verdict_t v;
  for (lie = 0; lie <= 10; lie++)
    for (liar = 0; liar < 3; liar++) {
      world_make(&dom, one_lie);
      assert_int_equal(cf_bundle_check(&attested, &dom.bundle, &dom.ask, &v), CF_VERDICT_OK);
      assert_true(v.code == CF_VERDICT_OK && !*v.item && attested.until_s == NOW - 60 + ATTEST_MAX);
      world_make(&dom, two_lies);
      if (lie != 8) assert_int_not_equal(cf_bundle_check(&attested, &dom.bundle, &dom.ask, &v), CF_VERDICT_OK);
    }
}

/* In class production a root that its owner controls is refused, by genesis already. */
SPOIL(production, STAGE_GENESIS, w->genesis.class = 1)
SPOIL(production_firmware, STAGE_GENESIS, w->genesis.class = 1; w->policy.ek_roots[0].class = 2)
static void production_class(void **state) {
  cf_verdict_t v;
  world_make(&dom, production);
  assert_int_equal(cf_bundle_check(&attested, &dom.bundle, &dom.ask, &v), CF_VERDICT_POLICY);
  assert_string_equal(v.item, "policy.ek_roots");
  world_make(&dom, production_firmware);
  assert_int_equal(cf_bundle_check(&attested, &dom.bundle, &dom.ask, &v), CF_VERDICT_OK);
  assert_false(attested.test);
}

/* A bundle that passes no more proves the past, to who asks for that. */
static void stale(void **state) {
  cf_verdict_t v;
  world_make(&dom, spoil_nothing);
  dom.ask.at_s = NOW + 10 * DAY;
  assert_int_equal(cf_bundle_check(&attested, &dom.bundle, &dom.ask, &v), CF_VERDICT_COLLATERAL_STALE);
  assert_int_equal(v.date_s, NOW - 30 + ATTEST_MAX);
  assert_non_null(strstr(v.next, "attest"));
  dom.ask.stale_ok = true;
  assert_int_equal(cf_bundle_check(&attested, &dom.bundle, &dom.ask, &v), CF_VERDICT_OK);
  assert_true(attested.stale);
  dom.ask.at_s = NOW;
  assert_int_equal(cf_bundle_check(&attested, &dom.bundle, &dom.ask, &v), CF_VERDICT_OK);
  assert_false(attested.stale);
  /* but not what was bad even then */
  world_make(&dom, results_one);
  dom.ask.at_s = NOW + 10 * DAY;
  dom.ask.stale_ok = true;
  assert_int_equal(cf_bundle_check(&attested, &dom.bundle, &dom.ask, &v), CF_VERDICT_COLLATERAL_STALE);
  world_make(&dom, kept_newer);
  dom.ask.stale_ok = true;
  assert_int_equal(cf_bundle_check(&attested, &dom.bundle, &dom.ask, &v), CF_VERDICT_COLLATERAL_STALE);
  assert_string_equal(v.item, "note.size");
}

/* ---- revocation lists ride in the collateral ---- */

static cf_span_t revocation_list(world_t *x, bool revokes) {
  static uint8_t buf[8192];
  X509_CRL      *crl = X509_CRL_new();
  ASN1_TIME     *t = ASN1_TIME_set(NULL, T - DAY);
  uint8_t       *at = buf + x->root.der_sz;
  memcpy(buf, x->root.der, (size_t)x->root.der_sz);
  X509_CRL_set_version(crl, 1);
  X509_CRL_set_issuer_name(crl, X509_get_subject_name(x->root.x));
  X509_CRL_set1_lastUpdate(crl, t);
  if (revokes) {
    X509_REVOKED *r = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(x->ek.x));
    X509_REVOKED_set_revocationDate(r, t);
    X509_CRL_add0_revoked(crl, r);
  }
  ASN1_TIME_set(t, T + DAY);
  X509_CRL_set1_nextUpdate(crl, t);
  assert_true(X509_CRL_sign(crl, x->root.key, EVP_sha256()));
  int n = i2d_X509_CRL(crl, &at);
  ASN1_TIME_free(t);
  X509_CRL_free(crl);
  return keep(CF_SPAN(buf, (size_t)x->root.der_sz + (size_t)n));
}
SPOIL(list_clean, STAGE_EVIDENCE, w->collateral = revocation_list(w, false))
SPOIL(list_revokes, STAGE_EVIDENCE, w->collateral = revocation_list(w, true))

static void revocation(void **state) {
  cf_verdict_t v;
  world_make(&dom, list_clean);
  assert_int_equal(cf_bundle_check(&attested, &dom.bundle, &dom.ask, &v), CF_VERDICT_OK);
  world_make(&dom, list_revokes);
  assert_int_equal(cf_bundle_check(&attested, &dom.bundle, &dom.ask, &v), CF_VERDICT_REVOKED);
  assert_string_equal(v.item, "chain[0]");
}

/* ---- bytes ---- */

static uint8_t file[CF_EVIDENCE_BUNDLE_MAX], again[CF_EVIDENCE_BUNDLE_MAX];

static cf_span_t encode(uint8_t *buf, cf_bundle_t const *b) {
  cf_wr_t wr = cf_wr_init(buf, CF_EVIDENCE_BUNDLE_MAX);
  cf_bundle_encode(&wr, b);
  assert_false(wr.bad);
  return cf_wr_out(&wr);
}

static void codec(void **state) {
  static cf_bundle_t b;
  cf_error_t         err = {0};
  for (int fresh = 0; fresh < 2; fresh++) {
    world_make(&dom, spoil_nothing);
    if (!fresh) dom.bundle.fresh = CF_SPAN(NULL, 0);
    cf_span_t in = encode(file, &dom.bundle);
    assert_int_equal(cf_bundle_decode(&b, in, &err), CF_OK);
    assert_true(cf_span_eq(encode(again, &b), in));
    for (size_t n = 0; n < in.len; n += 1 + n / 512)
      assert_int_equal(cf_bundle_decode(&b, CF_SPAN(file, n), &err), CF_ERR_FORMAT);
    file[in.len] = 0;
    assert_int_equal(cf_bundle_decode(&b, CF_SPAN(file, in.len + 1), &err), CF_ERR_FORMAT);
  }
  world_make(&dom, spoil_nothing);
  static struct {
    char const *name;
    uint8_t     head;
  } const heads[] = {{"a key missing", 0xa8}, {"no map", 0x8a}, {"a key more", 0xab}};
  for (size_t i = 0; i < COUNT(heads); i++) {
    cf_span_t in = encode(file, &dom.bundle);
    file[0] = heads[i].head;
    if (cf_bundle_decode(&b, in, &err) != CF_ERR_FORMAT) fail_msg("%s", heads[i].name);
  }
  dom.bundle.results_cnt = 0;
  assert_int_equal(cf_bundle_decode(&b, encode(file, &dom.bundle), &err), CF_ERR_FORMAT);
  assert_int_equal(cf_bundle_decode(&b, CF_SPAN(file, CF_EVIDENCE_BUNDLE_MAX + 1), &err), CF_ERR_BOUND);
}

/* No byte of a bundle may be another: nothing in it is mere decoration. */
static void every_byte(void **state) {
  static cf_bundle_t b;
  cf_error_t         err = {0};
  cf_verdict_t       v;
  world_make(&dom, spoil_nothing);
  dom.ask.nonce = &dom.nonce[1];
  cf_span_t in = encode(file, &dom.bundle);
  size_t    refused = 0;
  for (size_t at = 0; at < in.len; at += 11) {
    file[at] ^= (uint8_t)(1 << at % 8);
    if (cf_bundle_decode(&b, in, &err)) refused++;
    else if (cf_bundle_check(&attested, &b, &dom.ask, &v)) refused++;
    else fail_msg("byte %zu of %zu", at, in.len);
    file[at] ^= (uint8_t)(1 << at % 8);
  }
  assert_true(refused > 500);
  assert_int_equal(cf_bundle_decode(&b, in, &err), CF_OK);
  assert_int_equal(cf_bundle_check(&attested, &b, &dom.ask, &v), CF_VERDICT_OK);
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(table),      cmocka_unit_test(believed), cmocka_unit_test(one_who_lies), cmocka_unit_test(production_class), cmocka_unit_test(stale),
      cmocka_unit_test(revocation), cmocka_unit_test(codec),    cmocka_unit_test(every_byte)};
  stranger = key_of("stranger");
  return cmocka_run_group_tests(tests, NULL, keys_free);
}
