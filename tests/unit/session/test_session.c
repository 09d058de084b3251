// link: workload
/* Sessions and sealed results, both ends against each other. */
#include "base/cf_secret.h"
#include "session_world.h"
#include "workload/cf_workload.h"

#define INPUT CF_SPAN_LIT("pay 7 units")

static void round_trip(void **state) {
  for (uint64_t suite = 1; suite <= 2; suite++) {
    static world_t w;
    static uint8_t long_input[9000];
    cf_session_t   party, enclave;
    cf_input_t     input;
    uint8_t class = 99;
    world_open(&w, suite);
    cf_span_t opening = begin(&w, &party, NOW + 60, 5, INPUT);
    assert_int_equal(accept_(&w, &enclave, &input, &class, opening, NOW), CF_REFUSE_NONE);
    assert_int_equal(class, CF_RESULT_ACCEPTED);
    assert_true(input.form && input.order == 5 && cf_span_eq(input.body, INPUT));
    assert_memory_equal(&party, &enclave, sizeof party); /* one session, at both ends */
    cf_addr_t owner;
    assert_int_equal(cf_k256_addr(&owner, w.wallet), CF_OK);
    assert_true(cf_addr_eq(&enclave.owner, &owner));

    memset(long_input, 7, sizeof long_input);
    cf_span_t const inputs[] = {INPUT, CF_SPAN(NULL, 0), CF_SPAN_OF(long_input)};
    for (size_t i = 0; i < COUNT(inputs); i++) {
      cf_span_t envelope = seal(&w, &party, 6 + i, inputs[i]);
      assert_int_equal(open_(&w, &enclave, &input, envelope), CF_REFUSE_NONE);
      assert_true(input.form && input.order == 6 + i && cf_span_eq(input.body, inputs[i]));
      assert_int_equal(open_(&w, &enclave, &input, envelope), CF_REFUSE_REPLAYED);
    }
    /* in place: the ciphertext's own memory takes the plaintext */
    cf_envelope_t env;
    cf_span_t     envelope = seal(&w, &party, 9, INPUT);
    assert_int_equal(cf_envelope_decode(&env, envelope, sizeof w.buf), CF_REFUSE_NONE);
    assert_int_equal(cf_session_open(&enclave, &input, w.buf + (env.ciphertext.ptr - w.buf), &w.ciphers, &env), CF_REFUSE_NONE);
    assert_true(input.order == 9 && cf_span_eq(input.body, INPUT));
    world_close(&w);
  }
}

/* Envelopes overtake each other; a window of 128 holds them. */
static void out_of_order(void **state) {
  static world_t w;
  static uint8_t sealed[200][CF_BUCKET_MIN + CF_ENVELOPE_HEAD_MAX];
  static size_t  len[200];
  cf_session_t   party, enclave;
  cf_input_t     input;
  world_open(&w, 1);
  connect(&w, &party, &enclave);
  for (size_t i = 0; i < 200; i++) {
    cf_span_t e = seal(&w, &party, i + 2, INPUT);
    memcpy(sealed[i], e.ptr, len[i] = e.len);
  }
  assert_int_equal(open_(&w, &enclave, &input, CF_SPAN(sealed[150], len[150])), CF_REFUSE_NONE);
  assert_int_equal(open_(&w, &enclave, &input, CF_SPAN(sealed[21], len[21])), CF_REFUSE_REPLAYED); /* 129 below */
  assert_int_equal(open_(&w, &enclave, &input, CF_SPAN(sealed[22], len[22])), CF_REFUSE_NONE);     /* 128 below */
  assert_int_equal(open_(&w, &enclave, &input, CF_SPAN(sealed[22], len[22])), CF_REFUSE_REPLAYED);
  assert_int_equal(open_(&w, &enclave, &input, CF_SPAN(sealed[199], len[199])), CF_REFUSE_NONE);
  assert_int_equal(open_(&w, &enclave, &input, CF_SPAN(sealed[150], len[150])), CF_REFUSE_REPLAYED);
  assert_int_equal(open_(&w, &enclave, &input, CF_SPAN(sealed[149], len[149])), CF_REFUSE_NONE);
  world_close(&w);
}

/* ---- refusals at once ---- */

static void opening_refusals(void **state) {
  static struct {
    char const *name;
    char const *certificate, *policy, *sealing, *domain;
    uint64_t    epoch, suite;
    cf_refuse_t want;
  } const cases[] = {
      {"as it should be", NULL, NULL, NULL, NULL, 7, 1, CF_REFUSE_NONE},
      {"another epoch", NULL, NULL, NULL, NULL, 8, 1, CF_REFUSE_EPOCH},
      {"another certificate", "other", NULL, NULL, NULL, 7, 1, CF_REFUSE_EPOCH},
      {"another suite", NULL, NULL, NULL, NULL, 7, 2, CF_REFUSE_SUITE},
      {"another policy", NULL, "other", NULL, NULL, 7, 1, CF_REFUSE_UNAUTHENTIC},
      {"another sealing key", NULL, NULL, "other", NULL, 7, 1, CF_REFUSE_UNAUTHENTIC},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    static world_t w;
    cf_session_t   party, enclave, before;
    cf_input_t     input;
    uint8_t class = 99;
    world_open(&w, 1);
    cf_span_t opening = begin(&w, &party, NOW, 1, INPUT);
    w.epoch.epoch = cases[i].epoch;
    w.epoch.suite = cases[i].suite;
    if (cases[i].certificate) w.epoch.certificate = h(cases[i].certificate);
    if (cases[i].policy) w.epoch.policy = h(cases[i].policy);
    if (cases[i].sealing) {
      cf_hash_t key = h(cases[i].sealing);
      cf_x25519_key_free((cf_x25519_key_t *)(uintptr_t)w.epoch.key);
      w.epoch.key = cf_x25519_key_from(key.b);
    }
    memset(&before, 0x5a, sizeof before);
    memset(&enclave, 0x5a, sizeof enclave);
    memset(w.plain, 0, sizeof w.plain);
    if (accept_(&w, &enclave, &input, &class, opening, NOW) != cases[i].want) fail_msg("%s", cases[i].name);
    if (cases[i].want) { /* nothing half-made escapes, no plaintext stays */
      static uint8_t const zeros[CF_BUCKET_MIN];
      assert_memory_equal(&enclave, &before, sizeof before);
      assert_memory_equal(w.plain, zeros, sizeof zeros);
      assert_int_equal(class, 99);
    }
    world_close(&w);
  }
}

/* An opening made by hand, authentic, with any plaintext. */
static cf_span_t forge(world_t *w, cf_span_t content, bool pad) {
  cf_hpke_t     hpke;
  uint8_t       aad[CF_ENVELOPE_AAD_MAX];
  cf_wr_t       wr = cf_wr_init(w->buf, sizeof w->buf);
  cf_envelope_t env = {.kind = CF_ENVELOPE_OPENING,
                       .suite = w->ciphers.suite,
                       .kid = w->target.certificate,
                       .domain = w->domain,
                       .epoch = 7,
                       .jurisdiction = w->target.jurisdiction};
  assert_int_equal(cf_hpke_send(&hpke, env.enc, env.suite->hpke_aead, &w->target.sealing, CF_SPAN(NULL, 0), &w->entropy), CF_OK);
  cf_session_id_of(env.session, env.enc);
  uint8_t *room = cf_envelope_begin(&wr, &env, content.len);
  assert_non_null(room);
  memcpy(room + 4, content.ptr, content.len);
  cf_pad(room, content.len);
  if (!pad) room[cf_bucket(content.len) - 1] = 1;
  cf_aead_seal(w->ciphers.hpke, room, hpke.key, hpke.base_nonce,
               cf_envelope_aad(aad, &env, &w->target.certificate, &w->target.policy), CF_SPAN(room, cf_bucket(content.len)));
  return cf_wr_out(&wr);
}

/* What opens but is no opening counts as what does not open. */
static void opening_plaintexts(void **state) {
  /* u-coordinates of low order (RFC 7748, 6.1): 0, 1, p - 1, and one of order 8 */
  static uint8_t const order8[32] = {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
                                     0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
                                     0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00};
  static world_t       w;
  uint8_t              plain[140] = {0};
  cf_session_t         s;
  cf_input_t           input;
  uint8_t class;
  world_open(&w, 1);
  memcpy(plain + 20, w.result_pub.b, 32);
  for (size_t n = 0; n < 129; n += n < 120 ? 7 : 1)
    assert_int_equal(accept_(&w, &s, &input, &class, forge(&w, CF_SPAN(plain, n), true), NOW), CF_REFUSE_UNAUTHENTIC);
  assert_int_equal(accept_(&w, &s, &input, &class, forge(&w, CF_SPAN(plain, 129), true), NOW), CF_REFUSE_NONE);
  assert_int_equal(class, CF_RESULT_SIGNATURE);
  assert_int_equal(accept_(&w, &s, &input, &class, forge(&w, CF_SPAN(plain, 129), false), NOW), CF_REFUSE_UNAUTHENTIC);
  memset(plain + 20, 0, 32);
  assert_int_equal(accept_(&w, &s, &input, &class, forge(&w, CF_SPAN(plain, 140), true), NOW), CF_REFUSE_UNAUTHENTIC);
  plain[20] = 1;
  assert_int_equal(accept_(&w, &s, &input, &class, forge(&w, CF_SPAN(plain, 140), true), NOW), CF_REFUSE_UNAUTHENTIC);
  memcpy(plain + 20, order8, 32);
  assert_int_equal(accept_(&w, &s, &input, &class, forge(&w, CF_SPAN(plain, 140), true), NOW), CF_REFUSE_UNAUTHENTIC);
  world_close(&w);
}

static void session_refusals(void **state) {
  static world_t w, other;
  cf_session_t   party, enclave, s;
  cf_input_t     input;
  world_open(&w, 1);
  world_open(&other, 2);
  connect(&w, &party, &enclave);
  cf_span_t envelope = seal(&w, &party, 2, INPUT);
  s = enclave;
  s.to.epoch = 8;
  assert_int_equal(open_(&w, &s, &input, envelope), CF_REFUSE_EPOCH);
  s = enclave;
  s.to.suite = 2;
  assert_int_equal(open_(&w, &s, &input, envelope), CF_REFUSE_SUITE);
  s = enclave;
  s.certificate = h("other");
  assert_int_equal(open_(&w, &s, &input, envelope), CF_REFUSE_UNAUTHENTIC);
  s = enclave;
  s.to.policy = h("other");
  assert_int_equal(open_(&w, &s, &input, envelope), CF_REFUSE_UNAUTHENTIC);
  assert_int_equal(s.in.highest, 0);
  s = enclave;
  s.in_key[31] ^= 1;
  assert_int_equal(open_(&w, &s, &input, envelope), CF_REFUSE_UNAUTHENTIC);
  assert_int_equal(open_(&w, &enclave, &input, envelope), CF_REFUSE_NONE); /* and none of it was held against the session */
  world_close(&other);
  world_close(&w);
}

/* Authentic, and no input: the batch's to tell. */
static void no_input(void **state) {
  static world_t w;
  cf_session_t   party, enclave;
  cf_input_t     input;
  uint8_t        nonce[12], aad[CF_ENVELOPE_AAD_MAX];
  world_open(&w, 1);
  connect(&w, &party, &enclave);
  for (unsigned k = 0; k < 2; k++) { /* shorter than an order number; padding broken */
    cf_envelope_t env = {.kind = CF_ENVELOPE_SESSION,
                         .suite = w.ciphers.suite,
                         .domain = w.domain,
                         .epoch = 7,
                         .counter = k + 1,
                         .jurisdiction = CF_SPAN_LIT("EU")};
    memcpy(env.session, party.to.session, 16);
    cf_wr_t  wr = cf_wr_init(w.buf, sizeof w.buf);
    uint8_t *room = cf_envelope_begin(&wr, &env, 8);
    memset(room, 0, CF_BUCKET_MIN);
    cf_pad(room, k ? 8 : 7);
    if (k) room[200] = 1;
    cf_envelope_nonce(nonce, party.in_iv, env.counter);
    cf_aead_seal(w.ciphers.session, room, party.in_key, nonce, cf_envelope_aad(aad, &env, &party.certificate, &party.to.policy),
                 CF_SPAN(room, CF_BUCKET_MIN));
    assert_int_equal(open_(&w, &enclave, &input, cf_wr_out(&wr)), CF_REFUSE_NONE);
    assert_true(!input.form && input.order == 0 && input.body.len == 0);
    assert_int_equal(enclave.in.highest, k + 1); /* its counter is used up */
  }
  world_close(&w);
}

/* ---- the wallet's word ---- */

static void wallet_signature(void **state) {
  static world_t w;
  cf_session_t   party, enclave;
  cf_input_t     input;
  uint8_t class;
  world_open(&w, 1);
  cf_span_t opening = begin(&w, &party, NOW, 1, INPUT);
  assert_int_equal(accept_(&w, &enclave, &input, &class, opening, NOW), CF_REFUSE_NONE);
  assert_int_equal(class, CF_RESULT_ACCEPTED); /* the last second is valid */
  assert_true(cf_session_live(&enclave, NOW) && !cf_session_live(&enclave, NOW + 1));
  assert_int_equal(accept_(&w, &enclave, &input, &class, opening, NOW + 1), CF_REFUSE_NONE);
  assert_int_equal(class, CF_RESULT_EXPIRED);

  /* the same words, signed for another domain, certificate, enc, result key or expiry, by another, or under another's address */
  for (int what = 0; what < 7; what++) {
    uint8_t         plain[20 + 32 + 5 + 64 + 8], sig[64], enc[32];
    cf_wr_t         wr = cf_wr_init(plain, sizeof plain);
    cf_hash_t       domain = what == 0 ? h("other") : w.domain;
    cf_hash_t       certificate = what == 1 ? h("other") : w.target.certificate;
    cf_x25519_pub_t key = w.result_pub;
    cf_hash_t       other = h("other");
    cf_addr_t       owner;
    uint8_t         skE[32];
    cf_drbg_t       ahead = w.drbg; /* the ephemeral key that forge is about to draw */
    cf_entropy_t    e = cf_drbg_entropy(&ahead);
    cf_x25519_pub_t eph;
    cf_x25519_make(skE, &eph, &e);
    memcpy(enc, eph.b, 32);
    if (what == 2) enc[0] ^= 1;
    if (what == 3) key.b[0] ^= 1;
    cf_hash_t digest = cf_session_digest(&domain, &certificate, enc, &key, what == 4 ? NOW + 1 : NOW);
    assert_int_equal(cf_k256_sign(sig, what == 5 ? other.b : w.wallet, &digest), CF_OK);
    assert_int_equal(cf_k256_addr(&owner, w.wallet), CF_OK);
    if (what == 6) owner.b[0] ^= 1;
    cf_wr_bytes(&wr, owner.b, 20);
    cf_wr_bytes(&wr, w.result_pub.b, 32);
    cf_wr_u40(&wr, NOW);
    cf_wr_bytes(&wr, sig, 64);
    cf_wr_u64(&wr, 1);
    assert_int_equal(accept_(&w, &enclave, &input, &class, forge(&w, cf_wr_out(&wr), true), NOW), CF_REFUSE_NONE);
    if (class != CF_RESULT_SIGNATURE) fail_msg("row %d", what);
    assert_true(cf_span_eq(CF_SPAN_OF(enclave.to.key.b), CF_SPAN_OF(w.result_pub.b))); /* it can be told so */
  }
  world_close(&w);
}

/* ---- results ---- */

static cf_result_t result_of(uint64_t order, cf_span_t body) {
  cf_result_t r = {
      .order = order, .class = CF_RESULT_CREDIT, .sequence = 41, .window = 3, .status = CF_RESULT_NOT_FINAL, .body = body};
  memset(r.envelope, 0xee, 32);
  return r;
}

static void results(void **state) {
  for (uint64_t suite = 1; suite <= 2; suite++) {
    static world_t w;
    static uint8_t body[CF_RESULT_BODY_MAX], plain[CF_BUCKET_MAX];
    uint8_t        sealed[2][CF_RESULT_SEALED_MAX];
    cf_session_t   party, enclave, replay;
    cf_hash_t      instance, successor = h("successor");
    cf_error_t     err = {0};
    world_open(&w, suite);
    connect(&w, &party, &enclave);
    replay = enclave;
    cf_span_t const bodies[] = {CF_SPAN(NULL, 0), CF_SPAN_LIT("netted"), CF_SPAN_OF(body)};
    for (size_t i = 0; i < COUNT(bodies); i++) {
      cf_result_t r = result_of(i + 1, bodies[i]), got;
      cf_wr_t     wr = cf_wr_init(sealed[0], sizeof sealed[0]), again = cf_wr_init(sealed[1], sizeof sealed[1]);
      cf_result_seal(&wr, &w.ciphers, &w.domain, &enclave, i < 2 ? &w.instance : &successor, &r);
      cf_result_seal(&again, &w.ciphers, &w.domain, &replay, i < 2 ? &w.instance : &successor, &r);
      assert_true(!wr.bad && cf_span_eq(cf_wr_out(&wr), cf_wr_out(&again))); /* replay reproduces the ciphertext */
      assert_int_equal(enclave.out_counter, i < 2 ? i + 1 : 1);              /* each instance counts for itself */
      assert_int_equal(cf_result_open(&got, &instance, plain, &w.ciphers, &w.domain, &party, w.result, cf_wr_out(&wr), &err),
                       CF_OK);
      assert_true(cf_hash_eq(&instance, i < 2 ? &w.instance : &successor));
      assert_true(got.order == r.order && got.class == r.class && got.sequence == 41 && got.window == 3 && got.status == 1);
      assert_true(cf_span_eq(got.body, bodies[i]) && !memcmp(got.envelope, r.envelope, 32));
    }
    world_close(&w);
  }
}

/* Two instances of one session both begin at counter 0: what they seal must share neither key nor nonce, or the difference of two
   plaintexts would show. */
/* What is kept free for a result is enough, whatever stands in its headers. */
static void results_have_a_bound(void **state) {
  static world_t w;
  uint8_t        sealed[CF_RESULT_SEALED_MAX];
  cf_session_t   party, enclave;
  cf_hash_t      seed = h("batch");
  cf_drbg_t      drbg;
  cf_entropy_t   e = cf_drbg_entropy(&drbg);
  static uint8_t body[CF_RESULT_BODY_MAX];
  cf_result_t    r = {.order = UINT64_MAX, .class = UINT8_MAX, .sequence = UINT64_MAX, .window = UINT64_MAX, .status = 2};
  cf_drbg_init(&drbg, &seed);
  world_open(&w, 1);
  connect(&w, &party, &enclave);
  enclave.to.epoch = UINT64_MAX;
  for (int i = 0; i < 4; i++) {
    cf_envelope_t env;
    cf_wr_t       wr = cf_wr_init(sealed, sizeof sealed);
    r.body = CF_SPAN(body, i < 2 ? 64 : sizeof body);
    cf_session_outbound(&enclave, &w.instance);
    enclave.out_counter = CF_SESSION_COUNTER_END - 2;
    if (i % 2) cf_result_seal(&wr, &w.ciphers, &w.domain, &enclave, &w.instance, &r);
    else assert_int_equal(cf_result_seal_key(&wr, &w.ciphers, &w.domain, &enclave.to, &w.instance, &r, &e), CF_OK);
    assert_false(wr.bad);
    assert_int_equal(cf_envelope_decode_result(&env, cf_wr_out(&wr)), CF_REFUSE_NONE);
    assert_int_equal(env.ciphertext.len, (i < 2 ? 256 : 2048) + CF_AEAD_TAG_SZ);
    assert_true(wr.len - env.ciphertext.len <= CF_RESULT_HEAD_MAX);
  }
  world_close(&w);
}

static void results_of_two_instances(void **state) {
  static world_t w;
  uint8_t        sealed[2][CF_RESULT_SEALED_MAX];
  cf_session_t   party, enclave, other;
  cf_envelope_t  env[2];
  cf_hash_t      successor = h("successor");
  cf_result_t    r = result_of(1, CF_SPAN_LIT("netted"));
  world_open(&w, 1);
  connect(&w, &party, &enclave);
  other = enclave;
  for (int i = 0; i < 2; i++) {
    cf_wr_t wr = cf_wr_init(sealed[i], sizeof sealed[i]);
    cf_result_seal(&wr, &w.ciphers, &w.domain, i ? &other : &enclave, i ? &successor : &w.instance, &r);
    assert_int_equal(cf_envelope_decode_result(&env[i], cf_wr_out(&wr)), CF_REFUSE_NONE);
  }
  assert_true(env[0].counter == env[1].counter && env[0].ciphertext.len == env[1].ciphertext.len);
  assert_memory_not_equal(env[0].ciphertext.ptr, env[1].ciphertext.ptr, 16); /* the first block, without the tag */
  assert_memory_not_equal(enclave.out_key, other.out_key, sizeof other.out_key);
  world_close(&w);
}

static void results_by_key(void **state) {
  static world_t w;
  static uint8_t plain[CF_BUCKET_MAX];
  uint8_t        sealed[2][CF_RESULT_SEALED_MAX];
  cf_session_t   party, enclave;
  cf_error_t     err = {0};
  cf_result_t    r = result_of(1, CF_SPAN_LIT("late")), got;
  cf_hash_t      seed = h("batch");
  world_open(&w, 1);
  connect(&w, &party, &enclave);
  for (int i = 0; i < 2; i++) {
    cf_drbg_t    drbg;
    cf_entropy_t e = cf_drbg_entropy(&drbg);
    cf_wr_t      wr = cf_wr_init(sealed[i], sizeof sealed[i]);
    cf_drbg_init(&drbg, &seed);
    assert_int_equal(cf_result_seal_key(&wr, &w.ciphers, &w.domain, &enclave.to, &w.instance, &r, &e), CF_OK);
    assert_int_equal(cf_result_open(&got, NULL, plain, &w.ciphers, &w.domain, &party, w.result, cf_wr_out(&wr), &err), CF_OK);
    assert_true(got.order == 1 && cf_span_eq(got.body, CF_SPAN_LIT("late")));
  }
  assert_memory_equal(sealed[0], sealed[1], 300);

  cf_recipient_t low = enclave.to;
  cf_wr_t        wr = cf_wr_init(sealed[0], sizeof sealed[0]);
  memset(low.key.b, 0, 32);
  assert_int_equal(cf_result_seal_key(&wr, &w.ciphers, &w.domain, &low, &w.instance, &r, &w.entropy), CF_ERR_AUTH);
  assert_true(wr.len == 0 && !wr.bad);
  world_close(&w);
}

static void results_refused(void **state) {
  static world_t w;
  static uint8_t plain[CF_BUCKET_MAX];
  uint8_t        sealed[CF_RESULT_SEALED_MAX], copy[CF_RESULT_SEALED_MAX];
  cf_session_t   party, enclave, s;
  cf_result_t    r = result_of(1, CF_SPAN(NULL, 0)), got;
  world_open(&w, 1);
  connect(&w, &party, &enclave);
  for (int by_key = 0; by_key < 2; by_key++) {
    cf_error_t err = {0};
    cf_hash_t  other = h("other");
    cf_wr_t    wr = cf_wr_init(sealed, sizeof sealed);
    if (by_key) assert_int_equal(cf_result_seal_key(&wr, &w.ciphers, &w.domain, &enclave.to, &w.instance, &r, &w.entropy), CF_OK);
    else cf_result_seal(&wr, &w.ciphers, &w.domain, &enclave, &w.instance, &r);
    cf_span_t good = cf_wr_out(&wr);
    assert_int_equal(cf_result_open(&got, NULL, plain, &w.ciphers, &other, &party, w.result, good, &err), CF_ERR_POLICY);
    s = party;
    s.to.session[0] ^= 1;
    assert_int_equal(cf_result_open(&got, NULL, plain, &w.ciphers, &w.domain, &s, w.result, good, &err), CF_ERR_POLICY);
    s = party;
    s.to.policy = other;
    assert_int_equal(cf_result_open(&got, NULL, plain, &w.ciphers, &w.domain, &s, w.result, good, &err), CF_ERR_AUTH);
    s = party;
    s.out_secret[0] ^= 1;
    assert_int_equal(cf_result_open(&got, NULL, plain, &w.ciphers, &w.domain, &s, other.b, good, &err), CF_ERR_AUTH);
    for (size_t bit = 0; bit < 8 * good.len; bit++) {
      memcpy(copy, good.ptr, good.len);
      copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
      s = party;
      if (!cf_result_open(&got, NULL, plain, &w.ciphers, &w.domain, &s, w.result, CF_SPAN(copy, good.len), &err))
        fail_msg("bit %zu", bit);
    }
    /* a result is no input's envelope, and an input is no result */
    cf_envelope_t env;
    assert_int_equal(cf_envelope_decode(&env, good, sizeof sealed), CF_REFUSE_MALFORMED);
    assert_int_equal(cf_result_open(&got, NULL, plain, &w.ciphers, &w.domain, &party, w.result, seal(&w, &party, 2, INPUT), &err),
                     CF_ERR_FORMAT);
  }
  world_close(&w);
}

/* Authentic, and not a result: unknown key, wrong padding. */
static void result_plaintexts(void **state) {
  static world_t w;
  static uint8_t plain[CF_BUCKET_MAX];
  cf_session_t   party, enclave;
  cf_result_t    got;
  uint8_t        nonce[12], aad[CF_ENVELOPE_AAD_MAX], sealed[CF_RESULT_SEALED_MAX];
  world_open(&w, 1);
  connect(&w, &party, &enclave);
  for (int k = 0; k < 2; k++) {
    cf_error_t    err = {0};
    cf_envelope_t env = {.kind = CF_ENVELOPE_RESULT_SESSION,
                         .suite = w.ciphers.suite,
                         .kid = w.instance,
                         .domain = w.domain,
                         .epoch = 7,
                         .counter = 1};
    memcpy(env.session, party.to.session, 16);
    cf_wr_t  wr = cf_wr_init(sealed, sizeof sealed);
    uint8_t *room = cf_envelope_begin(&wr, &env, 1);
    room[4] = 0xa0;
    cf_pad(room, 1);
    if (k) room[255] = 1;
    cf_session_outbound(&enclave, &w.instance);
    cf_envelope_nonce(nonce, enclave.out_iv, 1);
    cf_aead_seal(w.ciphers.session, room, enclave.out_key, nonce, cf_envelope_aad(aad, &env, &w.instance, &enclave.to.policy),
                 CF_SPAN(room, CF_BUCKET_MIN));
    assert_int_equal(cf_result_open(&got, NULL, plain, &w.ciphers, &w.domain, &party, w.result, cf_wr_out(&wr), &err),
                     CF_ERR_FORMAT);
  }
  world_close(&w);
}

/* ---- the state's encoding ---- */

static void encoding(void **state) {
  static world_t w;
  uint8_t        buf[CF_SESSION_ENCODED_SZ + 1], again[CF_SESSION_ENCODED_SZ], sealed[2][CF_RESULT_SEALED_MAX];
  cf_session_t   party, enclave, got;
  cf_input_t     input;
  cf_result_t    r = result_of(1, CF_SPAN(NULL, 0));
  world_open(&w, 1);
  connect(&w, &party, &enclave);
  for (int step = 0; step < 3; step++) {
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    cf_session_encode(&wr, &enclave);
    assert_int_equal(wr.len, CF_SESSION_ENCODED_SZ);
    cf_rd_t rd = cf_rd_span(cf_wr_out(&wr));
    assert_int_equal(cf_session_decode(&got, &rd), CF_OK);
    assert_true(cf_rd_done(&rd));
    wr = cf_wr_init(again, sizeof again);
    cf_session_encode(&wr, &got);
    assert_memory_equal(again, buf, sizeof again);
    assert_memory_equal(&got, &enclave, sizeof got);
    for (size_t n = 0; n < CF_SESSION_ENCODED_SZ; n++) {
      rd = cf_rd_init(buf, n);
      assert_int_equal(cf_session_decode(&got, &rd), CF_ERR_FORMAT);
    }
    /* goes on as if nothing had been */
    cf_wr_t one = cf_wr_init(sealed[0], sizeof sealed[0]), two = cf_wr_init(sealed[1], sizeof sealed[1]);
    got = enclave;
    cf_result_seal(&one, &w.ciphers, &w.domain, &enclave, &w.instance, &r);
    cf_result_seal(&two, &w.ciphers, &w.domain, &got, &w.instance, &r);
    assert_true(cf_span_eq(cf_wr_out(&one), cf_wr_out(&two)));
    assert_int_equal(open_(&w, &enclave, &input, seal(&w, &party, 2, INPUT)), CF_REFUSE_NONE);
  }
  /* what no session can say */
  static struct {
    char const *name;
    size_t      at;
    uint8_t     value;
  } const bad[] = {
      {"suite 3", 24, 3},
      {"a counter of 2^32", 193, 1},
      {"used counters below 1", 205, 0xff},
      {"outbound counter of nobody", 285, 1},
  };
  for (size_t i = 0; i < COUNT(bad); i++) {
    cf_session_t fresh = party;
    cf_rd_t      rd;
    fresh.in = (cf_counter_t){.highest = 1};
    fresh.out_instance = (cf_hash_t){{0}};
    fresh.out_counter = 0;
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    cf_session_encode(&wr, &fresh);
    rd = cf_rd_span(cf_wr_out(&wr));
    assert_int_equal(cf_session_decode(&got, &rd), CF_OK);
    buf[bad[i].at] = bad[i].value;
    rd = cf_rd_span(cf_wr_out(&wr));
    if (cf_session_decode(&got, &rd) != CF_ERR_FORMAT) fail_msg("%s", bad[i].name);
  }
  world_close(&w);
}

/* ---- bounds of the party's end ---- */

static void bounds(void **state) {
  static world_t w;
  static uint8_t big[CF_BUCKET_MAX];
  cf_session_t   party, s;
  cf_wr_t        wr;
  world_open(&w, 1);
  begin(&w, &party, NOW, 1, INPUT);
  uint8_t const zero[32] = {0};
#define BEGIN(owner, expiry, body)                                                                                               \
  (wr = cf_wr_init(w.buf, sizeof w.buf),                                                                                         \
   cf_session_begin(&s, &wr, &w.ciphers, &w.target, owner, &w.result_pub, expiry, 1, body, &w.entropy))
  assert_int_equal(BEGIN(w.wallet, NOW, CF_SPAN(big, CF_BUCKET_MAX - 4 - 129)), CF_OK);
  assert_int_equal(BEGIN(w.wallet, NOW, CF_SPAN(big, CF_BUCKET_MAX - 3 - 129)), CF_ERR_BOUND);
  assert_int_equal(BEGIN(w.wallet, (uint64_t)1 << 40, INPUT), CF_ERR_BOUND);
  assert_int_equal(BEGIN(zero, NOW, INPUT), CF_ERR_FORMAT);
  w.target.jurisdiction = CF_SPAN(NULL, 0);
  assert_int_equal(BEGIN(w.wallet, NOW, INPUT), CF_ERR_BOUND);
  w.target.jurisdiction = CF_SPAN_LIT("EU");
  w.target.suite = 2;
  assert_int_equal(BEGIN(w.wallet, NOW, INPUT), CF_ERR_UNSUPPORTED);
  w.target.suite = 1;
  memset(w.target.sealing.b, 0, 32);
  assert_int_equal(BEGIN(w.wallet, NOW, INPUT), CF_ERR_AUTH);

  wr = cf_wr_init(w.buf, 300);
  s = party;
  assert_int_equal(cf_session_seal(&s, &wr, &w.ciphers, &w.domain, CF_SPAN_LIT("EU"), 2, INPUT), CF_ERR_BOUND);
  assert_int_equal(s.in.highest, party.in.highest);
  wr = cf_wr_init(w.buf, sizeof w.buf);
  s.in.highest = CF_SESSION_COUNTER_END - 1;
  assert_int_equal(cf_session_seal(&s, &wr, &w.ciphers, &w.domain, CF_SPAN_LIT("EU"), 2, INPUT), CF_ERR_BOUND);
  assert_int_equal(cf_session_seal(&party, &wr, &w.ciphers, &w.domain, CF_SPAN(NULL, 0), 2, INPUT), CF_ERR_BOUND);
  assert_int_equal(cf_session_seal(&party, &wr, &w.ciphers, &w.domain, CF_SPAN_LIT("EU"), 2, CF_SPAN(big, CF_BUCKET_MAX - 11)),
                   CF_ERR_BOUND);
  assert_int_equal(cf_session_seal(&party, &wr, &w.ciphers, &w.domain, CF_SPAN_LIT("EU"), 2, CF_SPAN(big, CF_BUCKET_MAX - 12)),
                   CF_OK);
  world_close(&w);
}

/* Both rooms number what became of an input; one party reads both. */
static void classes(void **state) {
  static struct {
    int         ours, theirs;
    char const *name;
  } const rows[] = {
      {CF_RESULT_ACCEPTED, CF_CLASS_ACCEPTED, "accepted"},
      {CF_RESULT_DUPLICATE, CF_CLASS_DUPLICATE, "duplicate"},
      {CF_RESULT_TOO_OLD, CF_CLASS_TOO_OLD, "too-old"},
      {CF_RESULT_JUMP, CF_CLASS_JUMP, "jump"},
      {CF_RESULT_ACCESS, CF_CLASS_ACCESS, "not-admitted"},
      {CF_RESULT_EXITING, CF_CLASS_EXITING, "exiting"},
      {CF_RESULT_LIMIT, CF_CLASS_LIMIT, "limit"},
      {CF_RESULT_MALFORMED, CF_CLASS_MALFORMED, "malformed"},
      {CF_RESULT_ASSET, CF_CLASS_ASSET, "unknown-asset"},
      {CF_RESULT_LANE, CF_CLASS_LANE, "lane"},
      {CF_RESULT_SELF, CF_CLASS_SELF, "self"},
      {CF_RESULT_CREDIT, CF_CLASS_CREDIT, "credit"},
      {CF_RESULT_FULL, CF_CLASS_FULL, "full"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    assert_int_equal(rows[i].ours, rows[i].theirs);
    assert_string_equal(cf_result_class_name((uint64_t)rows[i].ours), rows[i].name);
  }
  assert_string_equal(cf_result_class_name(CF_RESULT_SIGNATURE), "signature");
  assert_string_equal(cf_result_class_name(CF_RESULT_EXPIRED), "expired");
  assert_string_equal(cf_result_class_name(CF_RESULT_FORM), "form");
  assert_string_equal(cf_result_class_name(CF_RESULT_NOTICE), "notice");
  assert_string_equal(cf_result_class_name(200), "workload");
  assert_string_equal(cf_result_class_name(300), "workload");
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(round_trip),
      cmocka_unit_test(out_of_order),
      cmocka_unit_test(opening_refusals),
      cmocka_unit_test(opening_plaintexts),
      cmocka_unit_test(session_refusals),
      cmocka_unit_test(no_input),
      cmocka_unit_test(wallet_signature),
      cmocka_unit_test(results),
      cmocka_unit_test(results_of_two_instances),
      cmocka_unit_test(results_by_key),
      cmocka_unit_test(results_refused),
      cmocka_unit_test(results_have_a_bound),
      cmocka_unit_test(result_plaintexts),
      cmocka_unit_test(encoding),
      cmocka_unit_test(bounds),
      cmocka_unit_test(classes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
