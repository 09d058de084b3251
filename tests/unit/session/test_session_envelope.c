/* Envelopes: their form, what the header decides, padding; every altered byte is refused. */
#pragma GCC diagnostic ignored "-Woverride-init" /* rows say what differs from a good form */
#include "codec/cf_cbor.h"
#include "session_world.h"

/* ---- headers written by hand: each row differs from a good envelope in one thing ---- */

typedef struct {
  uint64_t    tag, version, counter;
  int64_t     alg;
  size_t      kid_sz, header_items, enc_sz, unprotected, ciphertext_sz;
  bool        wrong_id, extra_label, extra_end, text_kid;
  char const *jurisdiction;
} form_t;

#define OPENING                                                                                                                  \
  .tag = 16, .version = 1, .alg = 41, .kid_sz = 32, .header_items = 6, .enc_sz = 32, .unprotected = 1, .ciphertext_sz = 272,     \
  .jurisdiction = "EU"
#define SESSION                                                                                                                  \
  .tag = 16, .version = 1, .alg = 3, .kid_sz = 16, .header_items = 6, .enc_sz = 32, .unprotected = 0, .ciphertext_sz = 272,      \
  .jurisdiction = "EU", .counter = 1

static cf_span_t write_form(uint8_t *buf, size_t max, form_t const *f) {
  static uint8_t const zeros[CF_BUCKET_MAX + 64];
  uint8_t              prot[512], enc[64] = {9}, id[16];
  cf_wr_t              p = cf_wr_init(prot, sizeof prot), wr = cf_wr_init(buf, max);
  cf_hash_t            domain = h("domain");
  cf_session_id_of(id, enc);
  if (f->wrong_id) id[15] ^= 1;
  cf_cbor_w_map(&p, f->extra_label ? 4 : 3);
  cf_cbor_w_int(&p, 1);
  cf_cbor_w_int(&p, f->alg);
  cf_cbor_w_int(&p, 4);
  if (f->text_kid) cf_cbor_w_str(&p, "kid");
  else cf_cbor_w_bstr(&p, f->kid_sz == 16 ? CF_SPAN_OF(id) : CF_SPAN(domain.b, f->kid_sz));
  if (f->extra_label) {
    cf_cbor_w_int(&p, 16);
    cf_cbor_w_int(&p, 0);
  }
  cf_cbor_w_int(&p, -75100);
  cf_cbor_w_array(&p, f->header_items);
  cf_cbor_w_uint(&p, f->version);
  cf_cbor_w_hash(&p, &domain);
  cf_cbor_w_uint(&p, 7);
  cf_cbor_w_bstr(&p, CF_SPAN_OF(id));
  cf_cbor_w_uint(&p, f->counter);
  cf_cbor_w_str(&p, f->jurisdiction);
  for (size_t i = 6; i < f->header_items; i++) cf_cbor_w_uint(&p, 0);

  cf_cbor_w_tag(&wr, f->tag);
  cf_cbor_w_array(&wr, 3);
  cf_cbor_w_bstr(&wr, cf_wr_out(&p));
  cf_cbor_w_map(&wr, f->unprotected);
  for (size_t i = 0; i < f->unprotected; i++) {
    cf_cbor_w_int(&wr, -4 - (int64_t)i);
    cf_cbor_w_bstr(&wr, CF_SPAN(enc, f->enc_sz));
  }
  cf_cbor_w_bstr(&wr, CF_SPAN(zeros, f->ciphertext_sz));
  if (f->extra_end) cf_wr_u8(&wr, 0);
  return cf_wr_out(&wr);
}

#define LONG_TAG "0123456789012345678901234567890123456789012345678901234567890123"

static void forms(void **state) {
  static struct {
    char const *name;
    form_t      form;
    cf_refuse_t want;
  } const cases[] = {
      {"opening", {OPENING}, CF_REFUSE_NONE},
      {"session", {SESSION}, CF_REFUSE_NONE},
      {"opening, suite 2", {OPENING, .alg = 42}, CF_REFUSE_NONE},
      {"session, suite 2", {SESSION, .alg = 24}, CF_REFUSE_NONE},
      {"largest bucket", {SESSION, .ciphertext_sz = CF_BUCKET_MAX + 16}, CF_REFUSE_NONE},
      {"longest tag", {SESSION, .jurisdiction = LONG_TAG}, CF_REFUSE_NONE},
      {"last counter", {SESSION, .counter = 4294967295}, CF_REFUSE_NONE},
      {"suite 3 is not spoken", {OPENING, .alg = 45}, CF_REFUSE_SUITE},
      {"A128GCM in session", {SESSION, .alg = 1}, CF_REFUSE_SUITE},
      {"session algorithm in an opening", {OPENING, .alg = 3}, CF_REFUSE_MALFORMED},
      {"HPKE algorithm in session", {SESSION, .alg = 41}, CF_REFUSE_MALFORMED},
      {"another tag", {SESSION, .tag = 18}, CF_REFUSE_MALFORMED},
      {"another version", {SESSION, .version = 2}, CF_REFUSE_MALFORMED},
      {"header with an item more", {SESSION, .header_items = 7}, CF_REFUSE_MALFORMED},
      {"protected label more", {SESSION, .extra_label = true}, CF_REFUSE_MALFORMED},
      {"unprotected label more", {OPENING, .unprotected = 2}, CF_REFUSE_MALFORMED},
      {"enc of 31 bytes", {OPENING, .enc_sz = 31}, CF_REFUSE_MALFORMED},
      {"kid of 16 bytes in an opening", {OPENING, .kid_sz = 16}, CF_REFUSE_MALFORMED},
      {"kid of 32 bytes in session", {SESSION, .kid_sz = 32}, CF_REFUSE_MALFORMED},
      {"kid of text", {OPENING, .text_kid = true}, CF_REFUSE_MALFORMED},
      {"session id is not enc's", {OPENING, .wrong_id = true}, CF_REFUSE_MALFORMED},
      {"opening with a counter", {OPENING, .counter = 1}, CF_REFUSE_MALFORMED},
      {"session without a counter", {SESSION, .counter = 0}, CF_REFUSE_MALFORMED},
      {"counter of 2^32", {SESSION, .counter = 4294967296}, CF_REFUSE_MALFORMED},
      {"no jurisdiction", {SESSION, .jurisdiction = ""}, CF_REFUSE_MALFORMED},
      {"tag of 65 bytes", {SESSION, .jurisdiction = LONG_TAG "x"}, CF_REFUSE_MALFORMED},
      {"no ciphertext", {SESSION, .ciphertext_sz = 0}, CF_REFUSE_MALFORMED},
      {"a tag alone", {SESSION, .ciphertext_sz = 16}, CF_REFUSE_MALFORMED},
      {"bucket of 128", {SESSION, .ciphertext_sz = 144}, CF_REFUSE_MALFORMED},
      {"no bucket", {SESSION, .ciphertext_sz = 273}, CF_REFUSE_MALFORMED},
      {"byte behind the end", {SESSION, .extra_end = true}, CF_REFUSE_MALFORMED},
  };
  static uint8_t buf[CF_ENVELOPE_MAX + 64];
  for (size_t i = 0; i < COUNT(cases); i++) {
    cf_envelope_t env;
    cf_span_t     in = write_form(buf, sizeof buf, &cases[i].form);
    cf_refuse_t   is = cf_envelope_decode(&env, in, CF_ENVELOPE_MAX);
    if (is != cases[i].want) fail_msg("%s: %d, not %d", cases[i].name, is, cases[i].want);
    if (is) continue;
    assert_int_equal(env.kind, cases[i].form.unprotected ? CF_ENVELOPE_OPENING : CF_ENVELOPE_SESSION);
    assert_int_equal(env.counter, cases[i].form.counter);
    assert_int_equal(cf_envelope_decode(&env, in, in.len - 1), CF_REFUSE_TOO_LARGE);
    for (size_t n = 0; n < in.len; n += 1 + n / 400 * 97) /* cut anywhere */
      assert_int_equal(cf_envelope_decode(&env, CF_SPAN(in.ptr, n), CF_ENVELOPE_MAX), CF_REFUSE_MALFORMED);
  }
}

static void admission(void **state) {
  static struct {
    char const    *name, *tag;
    cf_suite_row_t rows[2];
    bool           other_domain;
    cf_refuse_t    want;
  } const cases[] = {
      {"allowed", "EU", {{.suite = 1, .state = 1}}, false, CF_REFUSE_NONE},
      {"second of the list", "CH", {{.suite = 1, .state = 1}}, false, CF_REFUSE_NONE},
      {"deprecated", "EU", {{.suite = 1, .state = 2}}, false, CF_REFUSE_NONE},
      {"verify-only", "EU", {{.suite = 1, .state = 3}}, false, CF_REFUSE_SUITE},
      {"forbidden", "EU", {{.suite = 1, .state = 4}}, false, CF_REFUSE_SUITE},
      {"not in policy", "EU", {{.suite = 2, .state = 1}}, false, CF_REFUSE_SUITE},
      {"not yet", "EU", {{.suite = 1, .state = 1, .from = NOW + 1}}, false, CF_REFUSE_SUITE},
      {"forbidden since", "EU", {{.suite = 1, .state = 1}, {.suite = 1, .state = 4, .from = NOW}}, false, CF_REFUSE_SUITE},
      {"forbidden later", "EU", {{.suite = 1, .state = 4, .from = NOW + 1}, {.suite = 1, .state = 1}}, false, CF_REFUSE_NONE},
      {"another domain", "EU", {{.suite = 1, .state = 1}}, true, CF_REFUSE_DOMAIN},
      {"another place", "US", {{.suite = 1, .state = 1}}, false, CF_REFUSE_JURISDICTION},
      {"prefix of a place", "E", {{.suite = 1, .state = 1}}, false, CF_REFUSE_JURISDICTION},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    uint8_t       buf[1024];
    form_t        form = {SESSION, .jurisdiction = cases[i].tag};
    cf_policy_t   policy = {.suites_cnt = 2, .jurisdictions = {CF_SPAN_LIT("EU"), CF_SPAN_LIT("CH")}, .jurisdictions_cnt = 2};
    cf_hash_t     domain = h(cases[i].other_domain ? "other" : "domain");
    cf_envelope_t env;
    memcpy(policy.suites, cases[i].rows, sizeof cases[i].rows);
    assert_int_equal(cf_envelope_decode(&env, write_form(buf, sizeof buf, &form), sizeof buf), CF_REFUSE_NONE);
    if (cf_envelope_admit(&env, &domain, &policy, NOW) != cases[i].want) fail_msg("%s", cases[i].name);
  }
  cf_policy_t   nothing = {0};
  cf_hash_t     domain = h("domain");
  uint8_t       buf[1024];
  form_t        form = {SESSION};
  cf_envelope_t env;
  assert_int_equal(cf_envelope_decode(&env, write_form(buf, sizeof buf, &form), sizeof buf), CF_REFUSE_NONE);
  assert_int_equal(cf_envelope_admit(&env, &domain, &nothing, NOW), CF_REFUSE_SUITE); /* an empty policy admits nobody */
}

/* ---- padding ---- */

static void padding(void **state) {
  static struct {
    size_t content, bucket;
  } const buckets[] = {
      {0, 256},      {252, 256}, {253, 512}, {508, 512}, {509, 1024}, {CF_BUCKET_MAX - 4, CF_BUCKET_MAX}, {CF_BUCKET_MAX - 3, 0},
      {SIZE_MAX, 0},
  };
  static uint8_t buf[CF_BUCKET_MAX];
  cf_span_t      content;
  for (size_t i = 0; i < COUNT(buckets); i++) {
    assert_int_equal(cf_bucket(buckets[i].content), buckets[i].bucket);
    if (!buckets[i].bucket) continue;
    memset(buf, 0xa5, sizeof buf);
    cf_pad(buf, buckets[i].content);
    assert_int_equal(cf_unpad(&content, CF_SPAN(buf, buckets[i].bucket)), CF_OK);
    assert_int_equal(content.len, buckets[i].content);
    assert_ptr_equal(content.ptr, buf + 4);
  }
  cf_pad(buf, 10);
  for (size_t i = 14; i < 256; i++) { /* every byte of the padding is looked at */
    buf[i] = 1;
    assert_int_equal(cf_unpad(&content, CF_SPAN(buf, 256)), CF_ERR_FORMAT);
    buf[i] = 0;
  }
  assert_int_equal(cf_unpad(&content, CF_SPAN(buf, 512)), CF_ERR_FORMAT); /* not the smallest bucket */
  for (size_t n = 0; n <= 252; n++) { /* wherever the content ends, none of it is taken for padding, nor the other way round */
    memset(buf, 0xff, 256);
    cf_pad(buf, n);
    assert_int_equal(cf_unpad(&content, CF_SPAN(buf, 256)), CF_OK);
    assert_int_equal(content.len, n);
    for (size_t i = 4 + n; i < 256; i += 1 + (i - n) / 5) {
      buf[i] = 0x80;
      assert_int_equal(cf_unpad(&content, CF_SPAN(buf, 256)), CF_ERR_FORMAT);
      buf[i] = 0;
    }
  }
  cf_pad(buf, 10);
  assert_int_equal(cf_unpad(&content, CF_SPAN(buf, 3)), CF_ERR_FORMAT);
  buf[2] = 0xff; /* a length beyond the bucket */
  assert_int_equal(cf_unpad(&content, CF_SPAN(buf, 256)), CF_ERR_FORMAT);
}

/* ---- every altered bit of an envelope is refused, or is another envelope that does not open ---- */

static void altered(void **state) {
  for (uint64_t suite = 1; suite <= 2; suite++) {
    static world_t w;
    static uint8_t copy[2048];
    cf_session_t   party, enclave, s;
    cf_input_t     input;
    uint8_t class;
    world_open(&w, suite);
    for (int in_session = 0; in_session < 2; in_session++) {
      if (in_session) connect(&w, &party, &enclave);
      cf_span_t good = in_session ? seal(&w, &party, 2, CF_SPAN_LIT("second")) : begin(&w, &party, NOW, 1, CF_SPAN_LIT("first"));
      for (size_t bit = 0; bit < 8 * good.len; bit++) {
        memcpy(copy, good.ptr, good.len);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cf_envelope_t env;
        cf_span_t     bad = CF_SPAN(copy, good.len);
        cf_refuse_t   refuse = cf_envelope_decode(&env, bad, sizeof copy);
        if (refuse) {
          assert_true(refuse == CF_REFUSE_MALFORMED || refuse == CF_REFUSE_SUITE);
          continue;
        }
        s = enclave;
        if (!in_session) refuse = cf_session_accept(&s, &input, &class, w.plain, &w.ciphers, &w.domain, &w.epoch, &env, NOW);
        else if (memcmp(env.session, enclave.to.session, 16)) continue; /* another session's, which nobody knows */
        else refuse = cf_session_open(&s, &input, w.plain, &w.ciphers, &env);
        if (refuse != CF_REFUSE_UNAUTHENTIC && refuse != CF_REFUSE_EPOCH && refuse != CF_REFUSE_SUITE)
          fail_msg("bit %zu: %d", bit, refuse);
        if (in_session) assert_memory_equal(&s.in, &enclave.in, sizeof s.in); /* no counter is consumed */
      }
      if (in_session) assert_int_equal(open_(&w, &enclave, &input, good), CF_REFUSE_NONE);
      else assert_int_equal(accept_(&w, &enclave, &input, &class, good, NOW), CF_REFUSE_NONE);
    }
    world_close(&w);
  }
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(forms), cmocka_unit_test(admission), cmocka_unit_test(padding),
                                     cmocka_unit_test(altered)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
