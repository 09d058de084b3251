/* The verifier against a real log, and evidence by a TPM that the test plays under an EK root of its own. */
#include "../evidence/pki.h"

#undef assert_span
#include "council_world.h"

#include <openssl/hmac.h>
#include <openssl/rsa.h>

static cert_t    ek_root, ek, other_root, other_ek;
static soft_ak_t ak;
static world_t  *w;

/* ---- the played TPM ---- */

static void hmac(uint8_t out[32], void const *key, size_t key_sz, cf_span_t in) {
  unsigned n = 32;
  assert_non_null(HMAC(EVP_sha256(), key, (int)key_sz, in.ptr, in.len, out, &n));
}

/* TPM2_ActivateCredential (TPM 2.0 Library, part 1, 24), with the endorsement key's private half at hand. */
static void activate(uint8_t secret[32], EVP_PKEY *key, cf_span_t blob, cf_span_t encrypted) {
  uint8_t       seed[256], in[128], sym[32], out[34], iv[16] = {0};
  size_t        seed_sz = sizeof seed;
  int           n = 0;
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
  void         *label = OPENSSL_memdup("IDENTITY", 9);
  assert_int_equal(blob.len, 70);
  assert_int_equal(encrypted.len, 258);
  assert_true(EVP_PKEY_decrypt_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
              EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0 &&
              EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, label, 9) > 0);
  assert_true(EVP_PKEY_decrypt(ctx, seed, &seed_sz, encrypted.ptr + 2, 256) > 0);
  EVP_PKEY_CTX_free(ctx);
  cf_wr_t   wr = cf_wr_init(in, sizeof in); /* KDFa: counter, "STORAGE", name, bits */
  cf_hash_t name = cf_sha256(CF_SPAN(ak.public, ak.public_sz));
  cf_wr_u32(&wr, 1);
  cf_wr_bytes(&wr, "STORAGE", 8);
  cf_wr_u16(&wr, CF_TPM_SHA256);
  cf_wr_hash(&wr, &name);
  cf_wr_u32(&wr, 128);
  hmac(sym, seed, 32, cf_wr_out(&wr));
  EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
  assert_true(EVP_DecryptInit_ex(c, EVP_aes_128_cfb128(), NULL, sym, iv) && EVP_DecryptUpdate(c, out, &n, blob.ptr + 36, 34));
  EVP_CIPHER_CTX_free(c);
  assert_memory_equal(out, "\x00\x20", 2);
  memcpy(secret, out + 2, 32);
}

static cf_hash_t zero_hash(void) { return (cf_hash_t){{0}}; }

/* What a party may do wrong with its evidence. */
typedef struct {
  uint8_t pcr0;       /* another boot chain           */
  bool    pcr12;      /* another identity, measured   */
  bool    signature;  /* spoilt                       */
  uint8_t resets;     /* added to the TPM's counter   */
  bool    nonce_only; /* the list names a nonce of nobody's */
} flaw_t;

static cf_span_t evidence(uint8_t *buf, size_t max, instance_t *i, cf_epoch_t const *doc, cf_hash_t const *nonce, flaw_t flaw) {
  uint8_t           cert[2048], attest[512], sig[256], chain[8192];
  cf_hash_t         hash, stranger = example_hash("nonce of nobody", 0);
  cf_tpm_evidence_t e = {.version = 1, .ak_public = CF_SPAN(ak.public, ak.public_sz)};
  cf_wr_t           c = cf_wr_init(cert, sizeof cert), ch = cf_wr_init(chain, sizeof chain), wr = cf_wr_init(buf, max);
  cf_document_seal(&c, &hash, &cf_epoch_table, doc, i->identity, "enclave", "epoch");
  cf_wr_span(&ch, der_of(&ek)); /* the root comes as collateral */
  memcpy(e.program, example_hash("program", 0).b, 32);
  memcpy(e.configuration, example_hash("configuration", 0).b, 32);
  memcpy(e.identity, i->identity_pub.b, 64);
  cf_hash_t program = example_hash("program", 0), configuration = example_hash("configuration", 0);
  cf_hash_t pcr11 = cf_pcr11(&program, &configuration, &w->domain.id),
            pcr12 = cf_pcr12(flaw.pcr12 ? &stranger : &i->instance);
  memcpy(e.pcrs + 10 * 32, pcr11.b, 32);
  memcpy(e.pcrs + 11 * 32, pcr12.b, 32);
  e.pcrs[0] = flaw.pcr0;
  e.certificate = cf_wr_out(&c);
  e.ek_chain = cf_wr_out(&ch);
  e.nonces = CF_SPAN(flaw.nonce_only ? stranger.b : nonce->b, 32);
  cf_hash_t nonces = cf_nonces_hash(e.nonces), binding = cf_binding(&hash, &nonces);
  e.attest = soft_attest(attest, sizeof attest, SOFT_SHAPE, CF_SPAN_OF(binding.b), CF_SPAN_OF(e.pcrs));
  attest[4 + 2 + 2 + 2 + 32 + 8 + 3] += flaw.resets; /* resetCount, behind magic, type, signer, extraData, clock */
  e.signature = soft_sign(sig, sizeof sig, &ak, e.attest);
  if (flaw.signature) sig[e.signature.len - 1] ^= 1;
  cf_carrier_encode(&wr, &e);
  assert_false(wr.bad);
  return cf_wr_out(&wr);
}

/* ---- the verifier under test ---- */

static void verifier_step(void *core, cf_effects_t *fx, cf_event_t const *ev) { cf_verifier_step(core, fx, ev); }

static void verifier_start(void) {
  cf_error_t           err = {0};
  cf_verifier_config_t cfg = {.domain = &w->domain,
                              .gateway = PEER_GATEWAY,
                              .member = 0,
                              .scalar = w->member_scalar.b,
                              .key = w->member_key,
                              .entropy = cf_entropy_system()};
  assert_int_equal(cf_verifier_init(&w->verifier, &cfg, &err), CF_OK);
  w->node[MEMBER].core = &w->verifier;
  w->node[MEMBER].step = verifier_step;
  start(w, MEMBER);
}

static int make_pki(void **state) {
  shape_t shape = ek_shape, root = root_shape;
  root.to = T + 900 * DAY;
  ek_root = make(&root, NULL);
  ek = make(&shape, &ek_root);
  root.name = "other";
  other_root = make(&root, NULL);
  shape.key = EVP_RSA_gen(2048);
  other_ek = make(&shape, &other_root);
  ak = soft_ak(SOFT_AK_ATTRIBUTES);
  return 0;
}

static int free_pki(void **state) {
  cert_free(&ek_root), cert_free(&ek), cert_free(&other_root), cert_free(&other_ek);
  cf_p256_key_free(ak.key);
  return 0;
}

static int set_up(void **state) {
  uint8_t   registers[11 * 32] = {0};
  cf_hash_t program = example_hash("program", 0), configuration = example_hash("configuration", 0);
  cf_hash_t measurement = cf_measurement(CF_PLATFORM_TPM, &program, &configuration, CF_SPAN_OF(registers)),
            root = cf_sha256(der_of(&ek_root));
  w = calloc(1, sizeof *w);
  example_init(&w->ex);
  memcpy(w->ex.policy.measurements[0].measurement, measurement.b, 32);
  memcpy(w->ex.policy.ek_roots[0].root, root.b, 32);
  w->ex.policy.credential_max_age_s = 20000;
  world_open(w);
  world_found(w);
  w->member_scalar = example_hash("verifier", 0);
  w->member_key = example_p256("verifier es256", 0);
  verifier_start();
  return 0;
}

static int tear_down(void **state) {
  world_close(w);
  free(w);
  return 0;
}

/* ---- asking ---- */

static cf_hash_t get_nonce(void) {
  cf_hash_t n;
  assert_int_equal(request(w, MEMBER, "POST /v1/nonce", CF_SPAN(NULL, 0)), 200);
  assert_int_equal(w->answer_len, 32);
  memcpy(n.b, w->answer, 32);
  return n;
}

static cf_span_t challenge_body(uint8_t *buf, size_t max, cert_t const *leaf, cert_t const *root, soft_ak_t const *key) {
  cf_wr_t wr = cf_wr_init(buf, max);
  cf_wr_u32(&wr, (uint32_t)der_of(leaf).len);
  cf_wr_span(&wr, der_of(leaf));
  cf_wr_u32(&wr, (uint32_t)key->public_sz);
  cf_wr_bytes(&wr, key->public, key->public_sz);
  cf_wr_u32(&wr, (uint32_t)der_of(root).len);
  cf_wr_span(&wr, der_of(root));
  assert_false(wr.bad);
  return cf_wr_out(&wr);
}

/* The answer to a challenge: what POST /v1/activate wants. */
static void solve(uint8_t out[40]) {
  cf_rd_t   rd = cf_rd_span(answer_of(w));
  uint64_t  id = cf_rd_u64(&rd);
  cf_span_t made = cf_rd_take_span(&rd, cf_rd_u32(&rd));
  assert_true(cf_rd_done(&rd));
  assert_int_equal(made.len, 70 + 258);
  cf_wr_t wr = cf_wr_init(out, 40);
  cf_wr_u64(&wr, id);
  activate(out + 8, ek.key, CF_SPAN(made.ptr, 70), CF_SPAN(made.ptr + 70, 258));
}

static void get_statement(void) {
  uint8_t body[8192], answer[40];
  assert_int_equal(request(w, MEMBER, "POST /v1/challenge", challenge_body(body, sizeof body, &ek, &ek_root, &ak)), 200);
  solve(answer);
  assert_int_equal(request(w, MEMBER, "POST /v1/activate", CF_SPAN_OF(answer)), 200);
}

static cf_registration_terms_t terms_of(instance_t const *i, uint64_t certificate_index) {
  return (cf_registration_terms_t){.epoch = i->boot,
                                   .policy = 1,
                                   .not_before_s = T0 + 1000,
                                   .not_after_s = T0 + 80000,
                                   .fence = 1,
                                   .log_index = certificate_index,
                                   .council = 1};
}

typedef struct {
  instance_t             *i;
  cf_epoch_t              doc;
  cf_hash_t               nonce;
  cf_registration_terms_t terms;
  uint64_t                size_min;
  flaw_t                  flaw;
} asked_t;

static asked_t asked(instance_t *i, uint64_t certificate_index) {
  return (asked_t){.i = i, .doc = instance_epoch(&w->ex, i), .nonce = get_nonce(), .terms = terms_of(i, certificate_index)};
}

static uint8_t  attest_buf[65536];
static unsigned attest_body_sz;

static cf_span_t attest_body(asked_t const *a) {
  uint8_t   ev[32768];
  cf_span_t e = evidence(ev, sizeof ev, a->i, &a->doc, &a->nonce, a->flaw), c = der_of(&ek_root);
  cf_hash_t terms = cf_registration_terms_pack(&a->terms);
  cf_wr_t   wr = cf_wr_init(attest_buf, sizeof attest_buf);
  cf_wr_u32(&wr, (uint32_t)e.len);
  cf_wr_span(&wr, e);
  cf_wr_u32(&wr, (uint32_t)c.len);
  cf_wr_span(&wr, c);
  cf_wr_hash(&wr, &terms);
  cf_wr_u64(&wr, a->size_min);
  assert_false(wr.bad);
  attest_body_sz = (unsigned)wr.len;
  return cf_wr_out(&wr);
}

static unsigned attest(asked_t const *a) { return request(w, MEMBER, "POST /v1/attest", attest_body(a)); }

/* The answer is a result for this certificate by verifier 0, and its signature of the registration. */
static void assert_granted(asked_t const *a) {
  if (w->code != 200) fail_msg("%u %.*s", w->code, (int)w->answer_len, (char const *)w->answer);
  cf_rd_t           rd = cf_rd_span(answer_of(w)), body = cf_rd_init(attest_buf, attest_body_sz);
  cf_span_t         bytes = cf_rd_take_span(&rd, cf_rd_u32(&rd)), e = cf_rd_take_span(&body, cf_rd_u32(&body));
  cf_ear_t          ear;
  cf_sign1_t        s, cert;
  cf_tpm_evidence_t carrier;
  assert_int_equal(cf_ear_open(&ear, &s, bytes, NULL), CF_OK);
  cf_p256_pub_t pub = example_p256_pub("verifier es256", 0);
  assert_int_equal(cf_sign1_verify(&s, &pub), CF_OK);
  assert_span(s.hdr.iss, CF_SPAN_LIT("verifier-0"));
  assert_int_equal(cf_carrier_decode(&carrier, e, NULL), CF_OK);
  assert_int_equal(cf_sign1_decode(&cert, carrier.certificate, NULL, NULL), CF_OK);
  cf_hash_t hash = cf_document_hash(cert.protected_hdr, cert.payload), archived = cf_sha256(e),
            nonces = cf_sha256(CF_SPAN_OF(a->nonce.b));
  assert_int_equal(ear.status, CF_EAR_AFFIRMING);
  assert_int_equal(ear.time, w->wall_s);
  assert_int_equal(ear.until, w->wall_s + 3600);
  assert_memory_equal(ear.certificate, hash.b, 32);
  assert_memory_equal(ear.evidence, archived.b, 32);
  assert_memory_equal(ear.nonces, nonces.b, 32);
  assert_memory_equal(ear.domain, w->domain.id.b, 32);
  assert_memory_equal(ear.policy, w->ex.policy_hash.b, 32);

  cf_registration_t r = {
      .terms = cf_registration_terms_pack(&a->terms), .instance = a->i->instance, .certificate = hash, .evidence = archived};
  memcpy(r.key.b, a->doc.settlement, 20);
  memcpy(r.measurement.b, w->ex.policy.measurements[0].measurement, 32);
  cf_hash_t digest = cf_registration_digest(&w->domain.ledger.separator, &w->domain.id, &r);
  uint8_t   sig[64];
  cf_addr_t signer, want = example_addr("verifier", 0);
  cf_rd_copy(&rd, sig, sizeof sig);
  assert_int_equal(cf_k256_recover(&signer, sig, &digest), CF_OK);
  assert_memory_equal(signer.b, want.b, 20);
  assert_int_equal(cf_rd_u8(&rd), 0);
  assert_true(cf_rd_done(&rd));
}

/* ---- tests ---- */

static void test_bootstrap(void **state) {
  instance_t i = instance_make(0);
  boot(w, &i);
  uint64_t at = certificate(w, &i);
  asked_t  a = asked(&i, at);
  attest(&a);
  assert_refused(w, 403, "verdict:collateral-missing"); /* no statement yet */
  get_statement();
  a = asked(&i, at);
  assert_int_equal(attest(&a), 200);
  assert_granted(&a);

  /* once, and only what it drew itself */
  attest(&a);
  assert_refused(w, 403, "verdict:nonce");
  a = asked(&i, at);
  a.flaw.nonce_only = true;
  attest(&a);
  assert_refused(w, 403, "verdict:nonce");
  a.flaw.nonce_only = false; /* still there: the list above did not name it */
  assert_int_equal(attest(&a), 200);
  assert_granted(&a);
  instance_free(&i);
}

static void test_nonces(void **state) {
  instance_t i = instance_make(0);
  boot(w, &i);
  uint64_t at = certificate(w, &i);
  get_statement();
  asked_t a = asked(&i, at);
  for (unsigned n = 0; n < CF_VERIFIER_NONCES_MAX - 1; n++) (void)get_nonce();
  assert_int_equal(attest(&a), 200); /* the oldest of 64 */
  a = asked(&i, at);
  for (unsigned n = 0; n < CF_VERIFIER_NONCES_MAX; n++) (void)get_nonce();
  attest(&a); /* displaced */
  assert_refused(w, 403, "verdict:nonce");
  a = asked(&i, at);
  pass(w, 3600); /* at the end of its life, with a checkpoint that is young */
  (void)log_entry(w, entry_result(BUF, &w->ex, &i, 1));
  attest(&a);
  assert_refused(w, 403, "verdict:nonce");
  a = asked(&i, at);
  verifier_start(); /* a restart forgets */
  attest(&a);
  assert_refused(w, 403, "verdict:nonce");
  instance_free(&i);
}

static void test_checkpoint(void **state) {
  uint8_t    note[4096];
  instance_t i = instance_make(0);
  boot(w, &i);
  uint64_t at = certificate(w, &i);
  get_statement();
  asked_t a = asked(&i, at);
  a.size_min = w->gate.w.size + 1;
  attest(&a);
  assert_refused(w, 403, "log:behind");
  a = asked(&i, at);
  a.size_min = w->gate.w.size;
  assert_int_equal(attest(&a), 200);

  cf_hash_t root = w->gate.w.root, other = example_hash("fork", 0);
  uint64_t  size = w->gate.w.size;
  struct {
    uint64_t   size;
    cf_hash_t *root;
    unsigned   mask;
    char const *class;
  } const cases[] = {{size, &root, 3, "log:quorum"},
                     {size, &other, 7, "log:fork"},
                     {size - 1, &root, 15, "log:back"},
                     {size + 5, &root, 15, "log:unreachable"}};
  for (size_t n = 0; n < CF_COUNT_OF(cases); n++) {
    a = asked(&i, at);
    w->gate.forged_note = forge_note(w, note, sizeof note, cases[n].size, cases[n].root, cases[n].mask, w->wall_s);
    attest(&a);
    assert_refused(w, 503, cases[n].class);
    w->gate.forged_note = CF_SPAN(NULL, 0);
    assert_int_equal(attest(&a), 200); /* what could not be judged used nothing up */
  }
  w->node[GATE].down = true;
  attest(&a);
  assert_refused(w, 503, "log:unreachable");
  w->node[GATE].down = false;

  pass(w, 3600);
  a = asked(&i, at);
  assert_int_equal(attest(&a), 200);
  pass(w, 1);
  a = asked(&i, at);
  attest(&a);
  assert_refused(w, 403, "log:stale");
  a = asked(&i, at);
  w->gate.forged_note = forge_note(w, note, sizeof note, size, &root, 7, w->wall_s + 61);
  attest(&a);
  assert_refused(w, 403, "log:stale"); /* from the future */
  instance_free(&i);
}

/* Only the newest boot entry: neither the twin's elder nor what lived before. */
static void test_twins(void **state) {
  instance_t i = instance_make(0), j = instance_make(1);
  boot(w, &i);
  uint64_t at = certificate(w, &i);
  get_statement();
  results(w, &i);
  boot(w, &j);
  asked_t a = asked(&i, at);
  attest(&a);
  assert_refused(w, 403, "log:not-newest");
  a = asked(&j, 7); /* booted, and its certificate not logged */
  attest(&a);
  assert_refused(w, 403, "log:unknown");
  at = certificate(w, &j);
  a = asked(&j, at);
  assert_int_equal(attest(&a), 200);
  assert_granted(&a);
  a = asked(&j, at);
  a.doc.not_after--; /* another certificate than the one in the log */
  attest(&a);
  assert_refused(w, 403, "log:unknown");
  instance_free(&i), instance_free(&j);
}

/* A root that nobody certified, or another than that of the newest certified. */
static void test_commitment(void **state) {
  instance_t i = instance_make(0), j = instance_make(1), k = instance_make(2);
  i.commitment = example_hash("uncertified", 0);
  boot(w, &i);
  boot(w, &j); /* i binds nobody */
  uint64_t at = certificate(w, &j);
  get_statement();
  asked_t a = asked(&j, at);
  assert_int_equal(attest(&a), 200);
  results(w, &j);
  k.commitment = example_hash("planted", 0);
  boot(w, &k);
  at = certificate(w, &k);
  a = asked(&k, at);
  attest(&a);
  assert_refused(w, 403, "log:commitment");
  instance_free(&k);
  k = instance_make(3); /* with j's root */
  boot(w, &k);
  at = certificate(w, &k);
  a = asked(&k, at);
  assert_int_equal(attest(&a), 200);
  instance_free(&i), instance_free(&j), instance_free(&k);
}

static unsigned try_tip(unsigned n, uint64_t sequence, cf_hash_t const *hash) {
  instance_t i = instance_make(n);
  i.tip.sequence = sequence;
  memcpy(i.tip.hash, hash->b, 32);
  boot(w, &i);
  uint64_t at = certificate(w, &i);
  asked_t  a = asked(&i, at);
  unsigned code = attest(&a);
  instance_free(&i);
  return code;
}

/* An older disk: below what counts, or below what was adopted before. */
static void test_tip(void **state) {
  instance_t i = instance_make(0), j = instance_make(1);
  cf_hash_t  hash, st, second, other = example_hash("another receipt", 0), zero = zero_hash();
  boot(w, &i);
  uint64_t at = certificate(w, &i);
  get_statement();
  results(w, &i);
  first_receipt(w, &hash, &st);
  for (uint64_t n = 1; n <= 3; n++) {
    receipt(w, &i, n, &hash, &st);
    if (n == 2) second = hash;
  }
  try_tip(10, 2, &second);
  assert_refused(w, 403, "log:tip");
  try_tip(11, 3, &other);
  assert_refused(w, 403, "log:tip");
  try_tip(12, 0, &zero);
  assert_refused(w, 403, "log:tip");
  assert_int_equal(try_tip(13, 3, &hash), 200);
  assert_int_equal(try_tip(14, 4, &other), 200); /* beyond: not yet logged */

  j.tip.sequence = 5;
  memcpy(j.tip.hash, other.b, 32);
  boot(w, &j);
  at = certificate(w, &j);
  asked_t a = asked(&j, at);
  assert_int_equal(attest(&a), 200);
  results(w, &j); /* certified: 4 and 5 are history, if nobody has seen them yet */
  try_tip(15, 3, &hash);
  assert_refused(w, 403, "log:tip");
  try_tip(16, 5, &second);
  assert_refused(w, 403, "log:tip");
  assert_int_equal(try_tip(17, 5, &other), 200);
  instance_free(&i), instance_free(&j);
}

static void test_tip_of_nothing(void **state) {
  cf_hash_t other = example_hash("another receipt", 0), zero = zero_hash();
  get_statement();
  try_tip(10, 0, &other);
  assert_refused(w, 403, "log:tip");
  assert_int_equal(try_tip(11, 0, &zero), 200);
}

static void t_epoch(cf_registration_terms_t *t) { t->epoch++; }
static void t_policy(cf_registration_terms_t *t) { t->policy = 2; }
static void t_early(cf_registration_terms_t *t) { t->not_before_s = T0 - 1; }
static void t_late(cf_registration_terms_t *t) { t->not_after_s = T0 + 86401; }
static void t_empty(cf_registration_terms_t *t) { t->not_before_s = t->not_after_s; }
static void t_tcb(cf_registration_terms_t *t) { t->tcb = 1; }
static void t_rotation(cf_registration_terms_t *t) { t->fence = 0; }
static void t_fence(cf_registration_terms_t *t) { t->fence = 2; }
static void t_index(cf_registration_terms_t *t) { t->log_index++; }
static void t_council(cf_registration_terms_t *t) { t->council = 2; }

static void test_terms(void **state) {
  static void (*const spoil[])(cf_registration_terms_t *) = {t_epoch, t_policy,   t_early, t_late,  t_empty,
                                                             t_tcb,   t_rotation, t_fence, t_index, t_council};
  instance_t i = instance_make(0);
  boot(w, &i);
  uint64_t at = certificate(w, &i);
  get_statement();
  for (size_t n = 0; n < CF_COUNT_OF(spoil); n++) {
    asked_t a = asked(&i, at);
    spoil[n](&a.terms);
    attest(&a);
    assert_refused(w, 403, "terms");
  }
  w->domain.policy.measurements[0].until = T0 + 79999; /* the program's end is the key's */
  asked_t ends = asked(&i, at);
  attest(&ends);
  assert_refused(w, 403, "terms");
  w->domain.policy.measurements[0].until = T0 + 365 * 86400;
  asked_t a = asked(&i, at); /* the widest that may be */
  a.terms.not_before_s = T0;
  a.terms.not_after_s = T0 + 86400;
  assert_int_equal(attest(&a), 200);
  assert_granted(&a);
  instance_free(&i);
}

/* A certificate that the identity signed, and policy does not allow. */
static void test_certificate(void **state) {
  get_statement();
  for (unsigned n = 0; n < 4; n++) {
    instance_t i = instance_make(n);
    boot(w, &i);
    cf_epoch_t doc = instance_epoch(&w->ex, &i);
    if (n == 0) doc.policy[0] ^= 1;
    if (n == 1) doc.not_after = doc.not_before + 86401;
    if (n == 2) doc.not_before = w->wall_s + 61;
    cf_wr_t wr = cf_wr_init(BUF);
    cf_document_seal(&wr, NULL, &cf_epoch_table, &doc, i.identity, "enclave", "epoch");
    uint64_t at = log_entry(w, cf_wr_out(&wr));
    asked_t  a = asked(&i, at);
    a.doc = doc;
    a.terms.not_before_s = doc.not_before;
    attest(&a);
    if (n == 3) assert_granted(&a);
    else assert_refused(w, 403, "certificate");
    instance_free(&i);
  }
}

static void test_suites(void **state) {
  static struct {
    uint64_t state, from;
    bool     ok;
  } const cases[] = {{1, 0, true}, {2, T0, true}, {3, T0, false}, {4, T0 + 1000, false}, {4, T0 + 100000, true}};
  instance_t i = instance_make(0);
  boot(w, &i);
  uint64_t at = certificate(w, &i);
  get_statement();
  for (size_t n = 0; n < CF_COUNT_OF(cases); n++) { /* behind the row that allows suite 1 from the start */
    w->domain.policy.suites[1] = (cf_suite_row_t){.suite = 1, .state = cases[n].state, .from = cases[n].from};
    w->domain.policy.suites_cnt = 2;
    asked_t a = asked(&i, at);
    attest(&a);
    if (cases[n].ok) assert_granted(&a);
    else assert_refused(w, 403, "certificate");
  }
  instance_free(&i);
}

static void test_verdicts(void **state) {
  static struct {
    flaw_t flaw;
    char const *class;
  } const cases[] = {
      {{.pcr0 = 1}, "verdict:measurement"},
      {{.pcr12 = true}, "verdict:pcr"},
      {{.signature = true}, "verdict:signature"},
  };
  instance_t i = instance_make(0);
  boot(w, &i);
  uint64_t at = certificate(w, &i);
  get_statement();
  for (size_t n = 0; n < CF_COUNT_OF(cases); n++) {
    asked_t a = asked(&i, at);
    a.flaw = cases[n].flaw;
    attest(&a);
    assert_refused(w, 403, cases[n].class);
  }
  w->domain.genesis.class = 1; /* production refuses a root that its owner controls */
  asked_t a = asked(&i, at);
  attest(&a);
  assert_refused(w, 403, "verdict:test-root");
  w->domain.genesis.class = 2;

  /* Within an instance the TPM was not reset: known across a restart of the verifier. */
  a = asked(&i, at);
  assert_int_equal(attest(&a), 200);
  verifier_start();
  a = asked(&i, at);
  a.flaw.resets = 1;
  attest(&a);
  assert_refused(w, 403, "verdict:binding");
  a = asked(&i, at);
  assert_int_equal(attest(&a), 200);

  pass(w, 20000); /* the statement is as old as it may be, then older */
  (void)log_entry(w, entry_result(BUF, &w->ex, &i, 1));
  a = asked(&i, at);
  a.terms.not_after_s = T0 + 86400;
  assert_int_equal(attest(&a), 200);
  pass(w, 1);
  a = asked(&i, at);
  attest(&a);
  assert_refused(w, 403, "verdict:collateral-stale");
  get_statement();
  a = asked(&i, at);
  assert_int_equal(attest(&a), 200);
  instance_free(&i);
}

static void test_activation(void **state) {
  uint8_t   body[8192], answer[40];
  soft_ak_t signing = soft_ak(SOFT_AK_ATTRIBUTES & ~(1u << 16)); /* not restricted: could sign a forged quote */
  request(w, MEMBER, "POST /v1/challenge", challenge_body(body, sizeof body, &ek, &ek_root, &signing));
  assert_refused(w, 403, "verdict:signature");
  cf_p256_key_free(signing.key);
  request(w, MEMBER, "POST /v1/challenge", challenge_body(body, sizeof body, &other_ek, &other_root, &ak));
  assert_refused(w, 403, "verdict:chain"); /* under a root that policy does not name */
  request(w, MEMBER, "POST /v1/challenge", challenge_body(body, sizeof body, &other_ek, &ek_root, &ak));
  assert_refused(w, 403, "verdict:chain"); /* issued by another */
  cf_span_t good = challenge_body(body, sizeof body, &ek, &ek_root, &ak);
  for (size_t n = 0; n < good.len; n += 97) assert_int_equal(request(w, MEMBER, "POST /v1/challenge", CF_SPAN(good.ptr, n)), 400);

  assert_int_equal(request(w, MEMBER, "POST /v1/challenge", good), 200);
  solve(answer);
  answer[39] ^= 1;
  request(w, MEMBER, "POST /v1/activate", CF_SPAN_OF(answer));
  assert_refused(w, 403, "challenge:answer");
  answer[39] ^= 1;
  request(w, MEMBER, "POST /v1/activate", CF_SPAN_OF(answer));
  assert_refused(w, 403, "challenge:unknown"); /* one try */

  assert_int_equal(request(w, MEMBER, "POST /v1/challenge", good), 200);
  solve(answer);
  pass(w, CF_VERIFIER_CHALLENGE_MS / 1000);
  request(w, MEMBER, "POST /v1/activate", CF_SPAN_OF(answer));
  assert_refused(w, 403, "challenge:unknown"); /* too late */
  memset(answer, 0, 8);
  request(w, MEMBER, "POST /v1/activate", CF_SPAN_OF(answer));
  assert_refused(w, 403, "challenge:unknown");
  assert_int_equal(request(w, MEMBER, "POST /v1/activate", CF_SPAN(answer, 39)), 400);

  assert_int_equal(request(w, MEMBER, "POST /v1/challenge", good), 200);
  solve(answer);
  assert_int_equal(request(w, MEMBER, "POST /v1/activate", CF_SPAN_OF(answer)), 200);
  cf_rd_t        rd = cf_rd_span(answer_of(w));
  cf_span_t      bytes = cf_rd_take_span(&rd, cf_rd_u32(&rd));
  cf_statement_t st;
  cf_sign1_t     s;
  cf_hash_t      leaf = cf_sha256(der_of(&ek)), secret = cf_sha256(CF_SPAN(answer + 8, 32));
  assert_true(cf_rd_done(&rd));
  assert_int_equal(cf_document_open(&st, &s, &cf_statement_table, bytes, NULL), CF_OK);
  cf_p256_pub_t pub = example_p256_pub("verifier es256", 0);
  assert_int_equal(cf_sign1_verify(&s, &pub), CF_OK);
  assert_memory_equal(st.ek_certificate, leaf.b, 32);
  assert_memory_equal(st.nonce, secret.b, 32);
  assert_memory_equal(st.domain, w->domain.id.b, 32);
  assert_int_equal(st.time, w->wall_s);
  assert_int_equal(st.ak_attributes, SOFT_AK_ATTRIBUTES);
}

/* The power fails between store and answer: a statement and the counters are there afterwards. */
static void test_store_before_answer(void **state) {
  uint8_t    body[8192], answer[40];
  instance_t i = instance_make(0);
  boot(w, &i);
  uint64_t at = certificate(w, &i);
  assert_int_equal(request(w, MEMBER, "POST /v1/challenge", challenge_body(body, sizeof body, &ek, &ek_root, &ak)), 200);
  solve(answer);
  w->node[MEMBER].puts_left = 1;
  w->node[MEMBER].last_put = true;
  assert_int_equal(request(w, MEMBER, "POST /v1/activate", CF_SPAN_OF(answer)), 0);
  verifier_start();
  asked_t a = asked(&i, at);
  w->node[MEMBER].puts_left = 2; /* `log`, `seen` */
  w->node[MEMBER].last_put = true;
  assert_int_equal(attest(&a), 0);
  verifier_start();
  a = asked(&i, at);
  a.flaw.resets = 1;
  attest(&a);
  assert_refused(w, 403, "verdict:binding");
  a = asked(&i, at);
  assert_int_equal(attest(&a), 200);
  assert_granted(&a);
  instance_free(&i);
}

static void test_many_at_once(void **state) {
  instance_t i = instance_make(0);
  boot(w, &i);
  uint64_t at = certificate(w, &i);
  get_statement();
  memset(w->codes, 0, sizeof w->codes);
  for (unsigned n = 0; n <= CF_VERIFIER_PENDING_MAX; n++) {
    cf_hash_t nonce;
    cf_entropy_fill(&w->verifier.cfg.entropy, w->verifier.nonces[n].nonce.b, 32);
    w->verifier.nonces[n].until_ms = w->mono_ms + 1000;
    nonce = w->verifier.nonces[n].nonce;
    asked_t a = {.i = &i, .doc = instance_epoch(&w->ex, &i), .nonce = nonce, .terms = terms_of(&i, at)};
    ask(w, CLIENT, 0, MEMBER, CF_SPAN_LIT("POST /v1/attest"), attest_body(&a));
  }
  run(w);
  assert_int_equal(w->codes[200], CF_VERIFIER_PENDING_MAX);
  assert_int_equal(w->codes[503], 1);
  instance_free(&i);
}

static void test_form(void **state) {
  static uint8_t huge[CF_VERIFIER_BODY_MAX + 1];
  instance_t     i = instance_make(0);
  i.boot = 2;
  asked_t   a = asked(&i, 3);
  cf_span_t good = attest_body(&a);
  for (size_t n = 0; n < good.len; n += 61) assert_int_equal(request(w, MEMBER, "POST /v1/attest", CF_SPAN(good.ptr, n)), 400);
  assert_int_equal(request(w, MEMBER, "POST /v1/attest", CF_SPAN_OF(huge)), 413);
  assert_int_equal(request(w, MEMBER, "GET /v1/attest", CF_SPAN(NULL, 0)), 404);
  cf_wr_t wr = cf_wr_init(huge, sizeof huge); /* well framed, and nothing in it */
  cf_wr_u64(&wr, 0);
  assert_int_equal(request(w, MEMBER, "POST /v1/attest", CF_SPAN(huge, 8 + 32 + 8)), 403);
  assert_refused(w, 403, "verdict:malformed");
  instance_free(&i);
}

static void test_own_files(void **state) {
  static char const *const names[] = {"seen", "log"};
  instance_t               i = instance_make(0);
  boot(w, &i);
  uint64_t at = certificate(w, &i);
  get_statement();
  asked_t a = asked(&i, at);
  assert_int_equal(attest(&a), 200);
  mem_dir_t good = mem_copy(&w->node[MEMBER].dir);
  for (int n = 0; n < 2; n++) {
    mem_find(&w->node[MEMBER].dir, SPAN_STR(names[n]))->len--;
    verifier_start();
    assert_int_equal(w->node[MEMBER].exit_code, 1);
    mem_free(&w->node[MEMBER].dir);
    w->node[MEMBER].dir = mem_copy(&good);
  }
  mem_free(&good);
  verifier_start();
  assert_int_equal(w->node[MEMBER].exit_code, -1);
  cf_event_t stop = {.kind = CF_EV_STOP};
  step_node(w, MEMBER, &stop);
  assert_int_equal(w->node[MEMBER].exit_code, 0);
  instance_free(&i);
}

static void test_init(void **state) {
  cf_p256_key_t       *other = example_p256("verifier es256", 1);
  cf_verifier_config_t cfg = {.domain = &w->domain, .member = 1, .scalar = w->member_scalar.b, .key = w->member_key};
  assert_int_equal(cf_verifier_init(&w->verifier, &cfg, NULL), CF_ERR_POLICY);
  cfg.member = 0;
  cfg.key = other;
  assert_int_equal(cf_verifier_init(&w->verifier, &cfg, NULL), CF_ERR_POLICY);
  cfg.member = 3;
  assert_int_equal(cf_verifier_init(&w->verifier, &cfg, NULL), CF_ERR_POLICY);
  cf_p256_key_free(other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  struct CMUnitTest const tests[] = {
      TEST(test_bootstrap),
      TEST(test_nonces),
      TEST(test_checkpoint),
      TEST(test_twins),
      TEST(test_commitment),
      TEST(test_tip),
      TEST(test_tip_of_nothing),
      TEST(test_terms),
      TEST(test_certificate),
      TEST(test_suites),
      TEST(test_verdicts),
      TEST(test_activation),
      TEST(test_store_before_answer),
      TEST(test_many_at_once),
      TEST(test_form),
      TEST(test_own_files),
      TEST(test_init),
  };
  return cmocka_run_group_tests(tests, make_pki, free_pki);
}
