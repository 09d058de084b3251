/* Counterfoil evidence as a whole: the recorded bundle of a real software TPM, every way to spoil it, and appraisal under policy.
 */
#include "pki.h"

#include "evidence/cf_x509_key.h"

static bundle_t bundle;

/* ---- verifying ---- */

static cf_verdict_code_t verify(cf_facts_t *f, cf_verdict_t *v, cf_span_t evidence, cf_root_class_t cls, cf_hash_t domain,
                                int64_t at_s) {
  cf_evidence_item_t items[2] = {{CF_ROLE_EVIDENCE, evidence}, {CF_ROLE_STATEMENT, bundle.statement}};
  cf_root_t          root = {cls, bundle.root};
  cf_evidence_ask_t  ask = {.items = items, .item_cnt = 2, .roots = &root, .root_cnt = 1, .domain = domain, .at_s = at_s};
  return cf_evidence_verify(f, &ask, v);
}

static void test_recorded(void **state) {
  (void)state;
  cf_facts_t   f;
  cf_verdict_t v;
  if (verify(&f, &v, bundle.evidence, CF_CLASS_OWNER, bundle.domain, bundle.at_s)) fail_msg("%s: %s", v.item, v.text);
  assert_hash(f.program, json_hash(bundle.expect, "program"));
  assert_hash(f.configuration, json_hash(bundle.expect, "configuration"));
  assert_hash(f.instance, json_hash(bundle.expect, "instance"));
  assert_hash(f.certificate, json_hash(bundle.expect, "certificate"));
  assert_hash(f.measurement, json_hash(bundle.expect, "measurement"));
  assert_hash(f.ek_certificate, json_hash(bundle.expect, "ek_certificate"));
  assert_hash(f.evidence, json_hash(bundle.expect, "evidence"));
  assert_hash(f.collateral, json_hash(bundle.expect, "collateral"));
  assert_span(CF_SPAN_OF(f.ak_name), json_bytes(bundle.expect, "ak_name"));
  assert_hash(f.evidence, cf_sha256(bundle.evidence));
  assert_int_equal(f.platform, CF_PLATFORM_TPM);
  assert_int_equal(f.cls, CF_CLASS_OWNER);
  assert_false(f.debug || f.ak_certified || f.event_log);
  assert_int_equal(f.statement_cnt, 1);
  assert_int_equal(f.epoch.epoch, 7);
}

/* The evidence with one field exchanged: who notices, and what does he call it? */
static void spoil_attest(cf_tpm_evidence_t *e) { e->attest.len--; }
static void spoil_signature(cf_tpm_evidence_t *e) { e->signature.len--; }
static void spoil_ak(cf_tpm_evidence_t *e) { e->ak_public.len--; }
static void spoil_ak_2b(cf_tpm_evidence_t *e) {
  static uint8_t buf[256];
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  cf_wr_u16(&wr, (uint16_t)e->ak_public.len);
  cf_wr_span(&wr, e->ak_public);
  e->ak_public = cf_wr_out(&wr);
}
static void spoil_chain_cut(cf_tpm_evidence_t *e) { e->ek_chain.len--; }
static void spoil_chain_leaf(cf_tpm_evidence_t *e) {
  cf_span_t certs[2];
  size_t    cnt;
  assert_int_equal(cf_der_split(certs, &cnt, 2, e->ek_chain), CF_OK);
  e->ek_chain = certs[0];
}
static void spoil_chain_as_ak(cf_tpm_evidence_t *e) {
  e->ak_chain = e->ek_chain;
  e->ek_chain = CF_SPAN(NULL, 0);
}
static void spoil_pcr0(cf_tpm_evidence_t *e) { e->pcrs[0] ^= 1; }
static void spoil_program(cf_tpm_evidence_t *e) { e->program[0] ^= 1; }
static void spoil_configuration(cf_tpm_evidence_t *e) { e->configuration[0] ^= 1; }
static void spoil_identity(cf_tpm_evidence_t *e) { e->identity[63] ^= 1; }
static void spoil_certificate(cf_tpm_evidence_t *e) { e->certificate.len--; }
static void spoil_certificate_typ(cf_tpm_evidence_t *e) { e->certificate = bundle.statement; }
static void spoil_certificate_signature(cf_tpm_evidence_t *e) {
  static uint8_t buf[4096];
  memcpy(buf, e->certificate.ptr, e->certificate.len);
  buf[e->certificate.len - 1] ^= 1;
  e->certificate.ptr = buf;
}
static void spoil_nonce_gone(cf_tpm_evidence_t *e) { e->nonces.len -= 32; }
static void spoil_nonce_order(cf_tpm_evidence_t *e) {
  static uint8_t buf[64];
  memcpy(buf, e->nonces.ptr + 32, 32);
  memcpy(buf + 32, e->nonces.ptr, 32);
  e->nonces.ptr = buf;
}
static void spoil_event_log(cf_tpm_evidence_t *e) { e->event_log = file_need(VECTORS "agile.bin"); }
static void spoil_event_log_junk(cf_tpm_evidence_t *e) { e->event_log = CF_SPAN_LIT("junk"); }
static void keep(cf_tpm_evidence_t *e) { (void)e; }

static void test_spoilt(void **state) {
  (void)state;
  struct {
    char const *name;
    void (*spoil)(cf_tpm_evidence_t *e);
    cf_verdict_code_t want;
    char const       *item;
  } const cases[] = {
      {"nothing", keep, CF_VERDICT_OK, ""},
      {"attest cut", spoil_attest, CF_VERDICT_MALFORMED, "tpm.attest"},
      {"signature cut", spoil_signature, CF_VERDICT_MALFORMED, "tpm.signature"},
      {"AK cut", spoil_ak, CF_VERDICT_MALFORMED, "tpm.public"},
      {"AK as TPM2B_PUBLIC", spoil_ak_2b, CF_VERDICT_MALFORMED, "evidence.ak_public"},
      {"chain cut", spoil_chain_cut, CF_VERDICT_MALFORMED, "chain"},
      {"chain without its issuer", spoil_chain_leaf, CF_VERDICT_CHAIN, "chain[0]"},
      {"EK chain passed off as the AK's", spoil_chain_as_ak, CF_VERDICT_CHAIN, "chain[0]"},
      {"PCR 0", spoil_pcr0, CF_VERDICT_PCR, "tpm.pcrs"},
      {"program", spoil_program, CF_VERDICT_PCR, "tpm.pcr11"},
      {"configuration", spoil_configuration, CF_VERDICT_BINDING, "certificate"},
      {"identity", spoil_identity, CF_VERDICT_SIGNATURE, "certificate"},
      {"certificate cut", spoil_certificate, CF_VERDICT_MALFORMED, NULL},
      {"a statement as certificate", spoil_certificate_typ, CF_VERDICT_UNSUPPORTED, NULL},
      {"certificate's signature", spoil_certificate_signature, CF_VERDICT_SIGNATURE, "certificate"},
      {"a nonce gone", spoil_nonce_gone, CF_VERDICT_BINDING, "tpm.extraData"},
      {"nonces falling", spoil_nonce_order, CF_VERDICT_MALFORMED, "evidence.nonces"},
      {"a log of another boot", spoil_event_log, CF_VERDICT_EVENT_LOG, "event-log"},
      {"no log at all", spoil_event_log_junk, CF_VERDICT_MALFORMED, "event-log"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    static uint8_t    buf[CF_CARRIER_MAX];
    cf_tpm_evidence_t e;
    cf_facts_t        f;
    cf_verdict_t      v;
    cf_wr_t           wr = cf_wr_init(buf, sizeof buf);
    assert_int_equal(cf_carrier_decode(&e, bundle.evidence, NULL), CF_OK);
    cases[i].spoil(&e);
    cf_carrier_encode(&wr, &e);
    assert_false(wr.bad);
    cf_verdict_code_t code = verify(&f, &v, cf_wr_out(&wr), CF_CLASS_OWNER, bundle.domain, bundle.at_s);
    if (code != cases[i].want || (cases[i].item && strcmp(v.item, cases[i].item)))
      fail_msg("%s: %s (%s: %s)", cases[i].name, cf_verdict_name(code), v.item, v.text);
    if (code) assert_string_equal(v.next, cf_verdict_next(code));
  }
}

static void test_asked_otherwise(void **state) {
  (void)state;
  cf_facts_t   f;
  cf_verdict_t v;
  cf_span_t    ev = bundle.evidence;
  assert_int_equal(verify(&f, &v, ev, CF_CLASS_OWNER, fill(0x77), bundle.at_s), CF_VERDICT_BINDING); /* another domain */
  assert_int_equal(verify(&f, &v, ev, CF_CLASS_OWNER, bundle.domain, bundle.at_s - 86400), CF_VERDICT_NOT_YET_VALID);
  assert_int_equal(verify(&f, &v, ev, CF_CLASS_OWNER, bundle.domain, bundle.at_s + 86401), CF_VERDICT_EXPIRED);
  assert_string_equal(v.item, "certificate");
  assert_int_equal(v.date_s, bundle.at_s + 86400);
  assert_int_equal(verify(&f, &v, ev, CF_CLASS_OWNER, bundle.domain, bundle.at_s + 86400), CF_VERDICT_OK);
}

static void test_nonce(void **state) {
  (void)state;
  cf_evidence_item_t item = {CF_ROLE_EVIDENCE, bundle.evidence};
  cf_root_t          root = {CF_CLASS_OWNER, bundle.root};
  cf_evidence_ask_t  ask = {
       .items = &item, .item_cnt = 1, .roots = &root, .root_cnt = 1, .domain = bundle.domain, .at_s = bundle.at_s};
  struct {
    uint8_t           first;
    size_t            sz;
    cf_verdict_code_t want;
  } const cases[] = {
      {0x22, 0, CF_VERDICT_OK}, {0x22, 32, CF_VERDICT_OK}, {0x23, 32, CF_VERDICT_NONCE}, {0x22, 31, CF_VERDICT_NONCE}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cf_facts_t   f;
    cf_verdict_t v;
    cf_hash_t    nonce = fill(cases[i].first);
    ask.nonce = CF_SPAN(nonce.b, cases[i].sz);
    assert_int_equal(cf_evidence_verify(&f, &ask, &v), cases[i].want);
    if (!v.code) assert_int_equal(f.nonce_held, cases[i].sz > 0);
    else assert_string_equal(v.item, "nonces");
  }
}

static void test_items(void **state) {
  (void)state;
  cf_root_t          root = {CF_CLASS_OWNER, bundle.root}, roots[CF_ROOTS_MAX + 1] = {root};
  cf_evidence_item_t ev = {CF_ROLE_EVIDENCE, bundle.evidence}, st = {CF_ROLE_STATEMENT, bundle.statement};
  cf_evidence_item_t crl = {CF_ROLE_CRL, CF_SPAN_LIT("junk")}, rt = {CF_ROLE_ROOT, bundle.root};
  cf_evidence_item_t foreign = {CF_ROLE_EVIDENCE, CF_SPAN_LIT("\x83\x61x\x40\x04")},
                     junk = {CF_ROLE_EVIDENCE, CF_SPAN_LIT("junk")}, empty = {CF_ROLE_EVIDENCE, CF_SPAN(NULL, 0)};
  cf_evidence_item_t token = {CF_ROLE_TOKEN, CF_SPAN_LIT("junk")}, nobodys = {CF_ROLE_CNT, CF_SPAN_LIT("junk")};
  struct {
    char const        *name;
    cf_evidence_item_t items[3];
    size_t             cnt;
    cf_verdict_code_t  want;
  } const cases[] = {
      {"nothing", {ev}, 0, CF_VERDICT_MALFORMED},
      {"no evidence", {st}, 1, CF_VERDICT_MALFORMED},
      {"evidence twice", {ev, ev}, 2, CF_VERDICT_MALFORMED},
      {"a root with the evidence", {ev, rt}, 2, CF_VERDICT_MALFORMED},
      {"a statement twice", {ev, st, st}, 3, CF_VERDICT_MALFORMED},
      {"a list that is none", {ev, crl}, 2, CF_VERDICT_MALFORMED},
      {"a platform nobody speaks", {foreign}, 1, CF_VERDICT_UNSUPPORTED},
      {"junk", {junk}, 1, CF_VERDICT_MALFORMED},
      {"nothing in it", {empty}, 1, CF_VERDICT_MALFORMED},
      {"two things to be judged", {ev, token}, 2, CF_VERDICT_MALFORMED},
      {"a role that is none", {ev, nobodys}, 2, CF_VERDICT_MALFORMED},
      {"a token without its machine's key", {token}, 1, CF_VERDICT_COLLATERAL_MISSING},
      {"evidence alone", {ev}, 1, CF_VERDICT_OK},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cf_facts_t        f;
    cf_verdict_t      v;
    cf_evidence_ask_t ask = {.items = cases[i].items,
                             .item_cnt = cases[i].cnt,
                             .roots = &root,
                             .root_cnt = 1,
                             .domain = bundle.domain,
                             .at_s = bundle.at_s};
    cf_verdict_code_t code = cf_evidence_verify(&f, &ask, &v);
    if (code != cases[i].want) fail_msg("%s: %s (%s: %s)", cases[i].name, cf_verdict_name(code), v.item, v.text);
  }
  cf_facts_t         f;
  cf_verdict_t       v;
  cf_evidence_item_t many[CF_ITEMS_MAX + 1] = {ev};
  for (size_t i = 1; i <= CF_ITEMS_MAX; i++) many[i] = crl;
  cf_evidence_ask_t ask = {
      .items = many, .item_cnt = CF_ITEMS_MAX + 1, .roots = &root, .root_cnt = 1, .domain = bundle.domain, .at_s = bundle.at_s};
  assert_int_equal(cf_evidence_verify(&f, &ask, &v), CF_VERDICT_MALFORMED);
  ask.item_cnt = CF_X509_CRL_MAX + 2;
  assert_int_equal(cf_evidence_verify(&f, &ask, &v), CF_VERDICT_MALFORMED);
  ask.items = &ev;
  ask.item_cnt = 1;
  ask.roots = roots;
  ask.root_cnt = CF_ROOTS_MAX + 1;
  assert_int_equal(cf_evidence_verify(&f, &ask, &v), CF_VERDICT_MALFORMED);
  ask.root_cnt = 0;
  assert_int_equal(cf_evidence_verify(&f, &ask, &v), CF_VERDICT_CHAIN);
}

static void test_roles(void **state) {
  (void)state;
  for (size_t i = 1; i < CF_ROLE_CNT; i++) {
    char const *name = cf_role_name((cf_role_t)i);
    assert_non_null(name);
    assert_int_equal(cf_role_of(CF_SPAN(name, strlen(name))), i);
  }
  assert_int_equal(cf_role_of(CF_SPAN_LIT("quot")), 0);
  assert_int_equal(cf_role_of(CF_SPAN_LIT("")), 0);
  assert_null(cf_role_name(CF_ROLE_CNT));
}

/* A role that the platform has no use for is told, and changes nothing but the collateral's name. */
static void test_unread(void **state) {
  (void)state;
  cf_claims_t        c;
  cf_facts_t         f;
  cf_verdict_t       v;
  cf_root_t          root = {CF_CLASS_OWNER, bundle.root};
  cf_evidence_item_t items[] = {{CF_ROLE_EVIDENCE, bundle.evidence}, {CF_ROLE_PCK_CRL, CF_SPAN_LIT("junk")}};
  cf_evidence_ask_t  ask = {
       .items = items, .item_cnt = 2, .roots = &root, .root_cnt = 1, .domain = bundle.domain, .at_s = bundle.at_s};
  assert_int_equal(cf_evidence_verify(&f, &ask, &v), CF_VERDICT_OK);
  assert_true(f.unread == CF_ROLE_BIT(CF_ROLE_PCK_CRL) && f.subject == CF_ROLE_EVIDENCE);
  ask.at_s = 0; /* what was read before a refusal is kept, as a claim */
  assert_int_equal(cf_evidence_examine(&c, &ask, &v), CF_VERDICT_NOT_YET_VALID);
  assert_hash(c.said.evidence, f.evidence);
}

/* The matrix is the table that runs, so it has a row for everything above; and every platform has its rows. */
static void test_matrix(void **state) {
  (void)state;
  static char const *const names[] = {"carrier",   "chain", "certificate", "quote",     "nonce",
                                      "selection", "pcr11", "pcr12",       "event-log", "measurement"};
  cf_check_row_t           row;
  size_t                   rows[CF_PLATFORM_CCA + 1] = {0};
  for (size_t i = 0; cf_evidence_matrix(&row, i); i++) {
    size_t k = rows[row.platform]++;
    assert_non_null(row.name);
    assert_non_null(row.what);
    if (i < sizeof names / sizeof names[0]) assert_string_equal(row.name, names[k]); /* ours come first */
  }
  for (size_t p = CF_PLATFORM_TPM; p <= CF_PLATFORM_CCA; p++) assert_true(rows[p] > 0);
  assert_int_equal(rows[CF_PLATFORM_SGX], 14);
  assert_int_equal(rows[CF_PLATFORM_TDX], 18);
}

/* ---- a TPM played by the test: what a real one does not do on request ---- */

typedef struct {
  soft_shape_t shape;
  uint32_t     attributes;
  bool         no_cap, no_genesis, other_instance;
  cf_span_t    ak_chain; /* a cloud's word for the AK, under cloud_root; empty: the recorded EK's chain */
} soft_t;

static cf_span_t  cloud_root;
static cf_facts_t soft_facts;

static cf_verdict_code_t soft_run(soft_t s, cf_verdict_t *v) {
  static uint8_t    buf[CF_CARRIER_MAX], a[256], sig[128], certificate[2048];
  cf_tpm_evidence_t e;
  soft_ak_t         ak = soft_ak(s.attributes);
  cf_p256_pub_t     pub;
  cf_hash_t         program = fill(1), configuration = fill(2), zero = {{0}}, hash;
  assert_int_equal(cf_carrier_decode(&e, bundle.evidence, NULL), CF_OK);
  cf_p256_key_pub(ak.key, &pub); /* one key plays identity, too */
  cf_hash_t  instance = cf_p256_thumbprint(&pub), other = fill(9);
  cf_epoch_t ep = {.epoch = 7, .boot = 7, .suite = 1, .not_after = (uint64_t)bundle.at_s + 60};
  memcpy(ep.domain, bundle.domain.b, 32);
  memcpy(ep.instance, instance.b, 32);
  memcpy(ep.configuration, configuration.b, 32);
  cf_wr_t wr = cf_wr_init(certificate, sizeof certificate);
  cf_document_seal(&wr, &hash, &cf_epoch_table, &ep, ak.key, "test", "enclave");
  e.certificate = cf_wr_out(&wr);
  memcpy(e.identity, pub.b, 64);

  cf_hash_t pcr11 = cf_pcr11(&program, &configuration, &bundle.domain), pcr12 = cf_pcr12(s.other_instance ? &other : &instance);
  if (s.no_genesis) {
    pcr11 = cf_pcr_extend(&zero, &program);
    pcr11 = cf_pcr_extend(&pcr11, &configuration);
  }
  if (s.no_cap) pcr12 = cf_pcr_extend(&zero, &instance);
  memcpy(e.pcrs + 10 * 32, pcr11.b, 32);
  memcpy(e.pcrs + 11 * 32, pcr12.b, 32);
  size_t    values = (size_t)__builtin_popcount(s.shape.mask & CF_TPM_EVIDENCE_PCRS) * 32;
  cf_hash_t nonces = cf_nonces_hash(e.nonces), binding = cf_binding(&hash, &nonces);
  e.attest = soft_attest(a, sizeof a, s.shape, CF_SPAN_OF(binding.b), CF_SPAN(e.pcrs, values));
  e.signature = soft_sign(sig, sizeof sig, &ak, e.attest);
  e.ak_public = CF_SPAN(ak.public, ak.public_sz);
  if (s.ak_chain.len) e.ek_chain = CF_SPAN(NULL, 0), e.ak_chain = s.ak_chain;
  wr = cf_wr_init(buf, sizeof buf);
  cf_carrier_encode(&wr, &e);
  cf_p256_key_free(ak.key);
  if (!s.ak_chain.len) return verify(&soft_facts, v, cf_wr_out(&wr), CF_CLASS_OWNER, bundle.domain, bundle.at_s);
  cf_evidence_item_t item = {CF_ROLE_EVIDENCE, cf_wr_out(&wr)};
  cf_root_t          roots[2] = {{CF_CLASS_OWNER, bundle.root}, {CF_CLASS_CLOUD, cloud_root}};
  cf_evidence_ask_t  ask = {
       .items = &item, .item_cnt = 1, .roots = roots, .root_cnt = 2, .domain = bundle.domain, .at_s = bundle.at_s};
  return cf_evidence_verify(&soft_facts, &ask, v);
}

static void test_played(void **state) {
  (void)state;
  soft_shape_t good = SOFT_SHAPE, few = SOFT_SHAPE, more = SOFT_SHAPE, empty = SOFT_SHAPE, bank = SOFT_SHAPE, magic = SOFT_SHAPE,
               none = SOFT_SHAPE;
  few.mask = CF_TPM_EVIDENCE_PCRS & 0xfff; /* 14 left out */
  more.mask = CF_TPM_EVIDENCE_PCRS | 1u << 10;
  bank.bank = CF_TPM_SHA384;
  none.mask = 0;
  empty.empty_bank = true;
  magic.magic++;
  struct {
    char const       *name;
    soft_t            s;
    cf_verdict_code_t want;
    char const       *item;
  } const cases[] = {
      {"as it should be", {.shape = good, .attributes = SOFT_AK_ATTRIBUTES}, CF_VERDICT_OK, ""},
      {"no cap", {.shape = good, .attributes = SOFT_AK_ATTRIBUTES, .no_cap = true}, CF_VERDICT_PCR, "tpm.pcr12"},
      {"another instance",
       {.shape = good, .attributes = SOFT_AK_ATTRIBUTES, .other_instance = true},
       CF_VERDICT_PCR,
       "tpm.pcr12"},
      {"no genesis", {.shape = good, .attributes = SOFT_AK_ATTRIBUTES, .no_genesis = true}, CF_VERDICT_PCR, "tpm.pcr11"},
      {"PCR 14 not quoted", {.shape = few, .attributes = SOFT_AK_ATTRIBUTES}, CF_VERDICT_PCR, "tpm.pcrs"},
      {"PCR 10 quoted", {.shape = more, .attributes = SOFT_AK_ATTRIBUTES}, CF_VERDICT_PCR, "tpm.pcrs"},
      {"nothing quoted", {.shape = none, .attributes = SOFT_AK_ATTRIBUTES}, CF_VERDICT_PCR, "tpm.pcrs"},
      {"an empty bank beside it", {.shape = empty, .attributes = SOFT_AK_ATTRIBUTES}, CF_VERDICT_PCR, "tpm.selection"},
      {"another bank", {.shape = bank, .attributes = SOFT_AK_ATTRIBUTES}, CF_VERDICT_PCR, "tpm.pcrs"},
      {"no TPM", {.shape = magic, .attributes = SOFT_AK_ATTRIBUTES}, CF_VERDICT_MALFORMED, "tpm.attest"},
      {"a key for anything",
       {.shape = good, .attributes = SOFT_AK_ATTRIBUTES & ~CF_TPM_ATTR_RESTRICTED},
       CF_VERDICT_SIGNATURE,
       "tpm.ak"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cf_verdict_t      v;
    cf_verdict_code_t code = soft_run(cases[i].s, &v);
    if (code != cases[i].want || strcmp(v.item, cases[i].item))
      fail_msg("%s: %s (%s: %s)", cases[i].name, cf_verdict_name(code), v.item, v.text);
  }
}

/* The attestation key's own certificate, as clouds give it. */
static void test_certified_ak(void **state) {
  (void)state;
  soft_ak_t       ak = soft_ak(SOFT_AK_ATTRIBUTES);
  cf_tpm_public_t p;
  cf_verdict_t    v;
  assert_int_equal(cf_tpm_public_decode(&p, CF_SPAN(ak.public, ak.public_sz), NULL), CF_OK);
  shape_t top = root_shape, leaf = ek_shape;
  top.from = leaf.from = bundle.at_s - DAY;
  top.to = leaf.to = bundle.at_s + 40;
  leaf.usage = "critical,digitalSignature";
  leaf.ext_usage = NULL;
  leaf.key = cf_key_to_pkey(&p.key);
  cert_t root = make(&top, NULL), good = make(&leaf, &root);
  leaf.key = NULL;
  cert_t other = make(&leaf, &root);
  cloud_root = der_of(&root);
  soft_t s = {.shape = SOFT_SHAPE, .attributes = SOFT_AK_ATTRIBUTES, .ak_chain = der_of(&good)};
  if (soft_run(s, &v)) fail_msg("%s: %s", v.item, v.text);
  assert_true(soft_facts.ak_certified);
  assert_int_equal(soft_facts.cls, CF_CLASS_CLOUD);
  assert_int_equal(soft_facts.valid_until_s, bundle.at_s + 40);
  assert_hash(soft_facts.ek_certificate, cf_sha256(der_of(&good)));
  s.ak_chain = der_of(&other);
  assert_int_equal(soft_run(s, &v), CF_VERDICT_CHAIN);
  cert_free(&root);
  cert_free(&good);
  cert_free(&other);
  cf_p256_key_free(ak.key);
}

/* ---- appraisal ---- */

typedef struct {
  cf_facts_t        f;
  cf_policy_t       policy;
  cf_council_t      verifiers;
  cf_facts_t        earlier;
  cf_hash_t         nonce;
  cf_appraise_ask_t ask;
} appraisal_t;

static void discrete(appraisal_t *a) { a->f.cls = CF_CLASS_DISCRETE, a->policy.ek_roots[0].class = CF_CLASS_DISCRETE; }
static void discrete_accepted(appraisal_t *a) { discrete(a), a->policy.accept_discrete = 1; }
static void production(appraisal_t *a) { a->ask.production = true; }
static void production_firmware(appraisal_t *a) {
  production(a), a->f.cls = CF_CLASS_FIRMWARE, a->policy.ek_roots[0].class = CF_CLASS_FIRMWARE;
}
static void class_of_policy_differs(appraisal_t *a) { a->policy.ek_roots[0].class = CF_CLASS_CLOUD; }
static void root_not_named(appraisal_t *a) { a->policy.ek_roots[0].root[0] ^= 1; }
static void no_roots(appraisal_t *a) { a->policy.ek_roots_cnt = 0; }
static void debug(appraisal_t *a) { a->f.debug = true; }
static void no_measurements(appraisal_t *a) { a->policy.measurements_cnt = 0; }
static void other_measurement(appraisal_t *a) { a->policy.measurements[0].measurement[0] ^= 1; }
static void other_program(appraisal_t *a) { a->policy.measurements[0].program[0] ^= 1; }
static void other_platform(appraisal_t *a) { a->policy.measurements[0].platform = CF_PLATFORM_SGX; }
static void measurement_ended(appraisal_t *a) { a->policy.measurements[0].until = (uint64_t)a->ask.at_s - 1; }
static void measurement_ends_now(appraisal_t *a) { a->policy.measurements[0].until = (uint64_t)a->ask.at_s; }
static void other_nonce(appraisal_t *a) { a->nonce.b[0] ^= 1; }
static void no_nonce(appraisal_t *a) { a->ask.nonce = NULL; }
static void earlier_same(appraisal_t *a) { a->ask.earlier = &a->earlier; }
static void earlier_reset(appraisal_t *a) { earlier_same(a), a->earlier.reset_cnt++; }
static void earlier_restart(appraisal_t *a) { earlier_same(a), a->earlier.restart_cnt++; }
static void earlier_ak(appraisal_t *a) { earlier_same(a), a->earlier.ak_name[5] ^= 1; }
static void earlier_instance(appraisal_t *a) { earlier_reset(a), a->earlier.instance.b[0] ^= 1; }
static void list_old(appraisal_t *a) { a->f.crl_issued_s = a->ask.at_s - 1001; }
static void list_young(appraisal_t *a) { a->f.crl_issued_s = a->ask.at_s - 950; }
static void list_back(appraisal_t *a) { list_young(a), earlier_same(a), a->earlier.crl_issued_s = a->f.crl_issued_s + 1; }
static void no_statement(appraisal_t *a) { a->f.statement_cnt = 0; }
static void same_statement_twice(appraisal_t *a) {
  a->ask.statement_min = 2, a->f.statements[1] = a->f.statements[0], a->f.statement_cnt = 2;
}
static void statement_of_stranger(appraisal_t *a) { a->verifiers.members[0].es256[0] ^= 1; }
static void statement_of_other_ak(appraisal_t *a) { a->f.ak_name[9] ^= 1; }
static void statement_of_other_ek(appraisal_t *a) { a->f.ek_certificate.b[9] ^= 1; }
static void statement_of_other_domain(appraisal_t *a) { a->f.domain.b[9] ^= 1; }
static void statement_of_other_attributes(appraisal_t *a) { a->f.ak_attributes ^= 1u << 10; }
static void statement_old(appraisal_t *a) { a->ask.at_s += 3601, a->policy.measurements[0].until += 3601; }
static void statement_later(appraisal_t *a) { a->ask.at_s -= 6; }
static void statement_within_skew(appraisal_t *a) { a->ask.at_s -= 5; }
static void statement_junk(appraisal_t *a) { a->f.statements[0].len--; }
static void ak_certified(appraisal_t *a) { no_statement(a), a->f.ak_certified = true, a->ask.statement_min = 0; }
static void as_it_is(appraisal_t *a) { (void)a; }
static void collateral_ends(appraisal_t *a) { a->f.valid_until_s = a->ask.at_s + 5; }

static void test_appraisal(void **state) {
  (void)state;
  struct {
    char const *name;
    void (*change)(appraisal_t *a);
    cf_verdict_code_t want;
    char const       *item;
    int64_t           until; /* from T */
  } const cases[] = {
      {"as it is", as_it_is, CF_VERDICT_OK, "", 600},
      {"production", production, CF_VERDICT_TEST_ROOT, "ek-root", 0},
      {"production, firmware TPM", production_firmware, CF_VERDICT_OK, "", 600},
      {"discrete", discrete, CF_VERDICT_POLICY, "accept_discrete", 0},
      {"discrete, accepted", discrete_accepted, CF_VERDICT_OK, "", 600},
      {"policy has another class for it", class_of_policy_differs, CF_VERDICT_POLICY, "ek-root", 0},
      {"root not named", root_not_named, CF_VERDICT_POLICY, "ek-root", 0},
      {"no roots", no_roots, CF_VERDICT_POLICY, "ek-root", 0},
      {"debug", debug, CF_VERDICT_DEBUG, "debug", 0},
      {"no measurements", no_measurements, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {"another measurement", other_measurement, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {"another program", other_program, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {"another platform", other_platform, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {"measurement ended", measurement_ended, CF_VERDICT_MEASUREMENT, "measurement", 0},
      {"measurement ends now", measurement_ends_now, CF_VERDICT_OK, "", 0},
      {"another nonce", other_nonce, CF_VERDICT_NONCE, "nonces", 0},
      {"no nonce asked for", no_nonce, CF_VERDICT_OK, "", 600},
      {"attested before", earlier_same, CF_VERDICT_OK, "", 600},
      {"reset since", earlier_reset, CF_VERDICT_BINDING, "tpm.counters", 0},
      {"restarted since", earlier_restart, CF_VERDICT_BINDING, "tpm.counters", 0},
      {"another AK since", earlier_ak, CF_VERDICT_BINDING, "tpm.counters", 0},
      {"another instance before", earlier_instance, CF_VERDICT_OK, "", 600},
      {"list too old", list_old, CF_VERDICT_COLLATERAL_STALE, "crl", 0},
      {"list older than one before", list_back, CF_VERDICT_COLLATERAL_STALE, "crl", 0},
      {"list nearly too old", list_young, CF_VERDICT_OK, "", 50},
      {"a certificate ends soon", collateral_ends, CF_VERDICT_OK, "", 5},
      {"no statement", no_statement, CF_VERDICT_COLLATERAL_MISSING, "credential", 0},
      {"one statement twice for two", same_statement_twice, CF_VERDICT_COLLATERAL_MISSING, "credential", 0},
      {"statement of a stranger", statement_of_stranger, CF_VERDICT_COLLATERAL_MISSING, "credential", 0},
      {"statement on another AK", statement_of_other_ak, CF_VERDICT_COLLATERAL_MISSING, "credential", 0},
      {"statement on other attributes", statement_of_other_attributes, CF_VERDICT_COLLATERAL_MISSING, "credential", 0},
      {"statement on another EK", statement_of_other_ek, CF_VERDICT_COLLATERAL_MISSING, "credential", 0},
      {"statement for another domain", statement_of_other_domain, CF_VERDICT_COLLATERAL_MISSING, "credential", 0},
      {"statement too old", statement_old, CF_VERDICT_COLLATERAL_STALE, "credential", 0},
      {"statement of later", statement_later, CF_VERDICT_COLLATERAL_STALE, "credential", 0},
      {"statement within the skew", statement_within_skew, CF_VERDICT_OK, "", 600},
      {"no statement that can be read", statement_junk, CF_VERDICT_COLLATERAL_MISSING, "credential", 0},
      {"AK certified by its cloud", ak_certified, CF_VERDICT_OK, "", 600},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    static appraisal_t a;
    cf_verdict_t       v;
    int64_t            until = -1;
    memset(&a, 0, sizeof a);
    assert_int_equal(verify(&a.f, &v, bundle.evidence, CF_CLASS_OWNER, bundle.domain, bundle.at_s), CF_VERDICT_OK);
    a.earlier = a.f;
    a.nonce = fill(0x22);
    a.policy = (cf_policy_t){.measurements_cnt = 1,
                             .ek_roots_cnt = 1,
                             .collateral_max_age_s = 1000,
                             .credential_max_age_s = 3600,
                             .attest_max_age_s = 600,
                             .clock_skew_s = 5};
    a.policy.measurements[0] = (cf_measurement_t){.platform = CF_PLATFORM_TPM, .until = (uint64_t)bundle.at_s + 3000};
    memcpy(a.policy.measurements[0].program, a.f.program.b, 32);
    memcpy(a.policy.measurements[0].configuration, a.f.configuration.b, 32);
    memcpy(a.policy.measurements[0].measurement, a.f.measurement.b, 32);
    a.policy.ek_roots[0].class = CF_CLASS_OWNER;
    memcpy(a.policy.ek_roots[0].root, a.f.root.b, 32);
    a.verifiers = (cf_council_t){.k = 1, .members_cnt = 1};
    memcpy(a.verifiers.members[0].es256, json_bytes(bundle.expect, "verifier").ptr, 64);
    a.ask = (cf_appraise_ask_t){
        .policy = &a.policy, .verifiers = &a.verifiers, .statement_min = 1, .nonce = &a.nonce, .at_s = bundle.at_s};
    cases[i].change(&a);
    cf_verdict_code_t code = cf_appraise(&until, &a.f, &a.ask, &v);
    if (code != cases[i].want || strcmp(v.item, cases[i].item))
      fail_msg("%s: %s (%s: %s)", cases[i].name, cf_verdict_name(code), v.item, v.text);
    if (!code && until - a.ask.at_s != cases[i].until)
      fail_msg("%s: until T + %lld", cases[i].name, (long long)(until - a.ask.at_s));
    if (cases[i].change == measurement_ended) assert_int_equal(v.date_s, a.ask.at_s - 1);
  }
}

static void test_result(void **state) {
  (void)state;
  cf_facts_t     f;
  cf_verdict_t   v;
  cf_ear_t       ear, got;
  cf_sign1_t     sign1;
  cf_p256_pub_t  pub;
  uint8_t        buf[2048], scalar[32] = {[31] = 5};
  cf_hash_t      policy = fill(0x55);
  cf_p256_key_t *verifier = cf_p256_key_from(scalar);
  cf_p256_key_pub(verifier, &pub);
  assert_int_equal(verify(&f, &v, bundle.evidence, CF_CLASS_OWNER, bundle.domain, bundle.at_s), CF_VERDICT_OK);
  for (int i = 0; i < 3; i++) {
    cf_verdict_code_t code = i == 1 ? CF_VERDICT_MEASUREMENT : CF_VERDICT_OK;
    if (i == 2) f.cls = CF_CLASS_CLOUD;
    cf_appraise_result(&ear, &f, code, &policy, bundle.at_s, bundle.at_s + 600);
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    cf_ear_seal(&wr, &ear, verifier, "verifier");
    assert_int_equal(cf_ear_open(&got, &sign1, cf_wr_out(&wr), NULL), CF_OK);
    assert_int_equal(cf_sign1_verify(&sign1, &pub), CF_OK);
    assert_span(got.verdict, CF_SPAN(cf_verdict_name(code), strlen(cf_verdict_name(code))));
    assert_int_equal(got.status, i == 1 ? CF_EAR_CONTRAINDICATED : CF_EAR_AFFIRMING);
    assert_int_equal(got.vector[0], i == 1 ? 0 : CF_EAR_AFFIRMING);
    assert_int_equal(got.vector[4], i == 2 ? CF_EAR_AFFIRMING : 0); /* no word for hardware that its owner plays */
    assert_int_equal(got.until, bundle.at_s + 600);
    assert_memory_equal(got.evidence, f.evidence.b, 32);
    assert_memory_equal(got.collateral, f.collateral.b, 32);
    assert_memory_equal(got.certificate, f.certificate.b, 32);
    assert_memory_equal(got.measurement, f.measurement.b, 32);
    assert_memory_equal(got.policy, policy.b, 32);
  }
  cf_p256_key_free(verifier);
}

static int group_setup(void **state) {
  (void)state;
  bundle = bundle_load();
  return 0;
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_recorded),     cmocka_unit_test(test_spoilt),    cmocka_unit_test(test_asked_otherwise),
      cmocka_unit_test(test_items),        cmocka_unit_test(test_nonce),     cmocka_unit_test(test_roles),
      cmocka_unit_test(test_unread),       cmocka_unit_test(test_matrix),    cmocka_unit_test(test_played),
      cmocka_unit_test(test_certified_ak), cmocka_unit_test(test_appraisal), cmocka_unit_test(test_result),
  };
  return cmocka_run_group_tests(tests, group_setup, NULL);
}
