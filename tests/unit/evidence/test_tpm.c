/* TPM structures byte by byte, and quotes by a key that the test holds: one table of everything a forger might change. */
#include "support.h"

/* ---- structures: every prefix and every longer form is refused ---- */

typedef cf_status_t decode_fn(void *out, cf_span_t in);
static cf_status_t  attest_fn(void *out, cf_span_t in) { return cf_tpm_attest_decode(out, in, NULL); }
static cf_status_t  public_fn(void *out, cf_span_t in) { return cf_tpm_public_decode(out, in, NULL); }
static cf_status_t  signature_fn(void *out, cf_span_t in) { return cf_tpm_signature_decode(out, in, NULL); }

static void check_lengths(decode_fn *fn, cf_span_t good) {
  static union {
    cf_tpm_attest_t    a;
    cf_tpm_public_t    p;
    cf_tpm_signature_t s;
  } out;
  uint8_t buf[1024] = {0};
  assert_int_equal(fn(&out, good), CF_OK);
  memcpy(buf, good.ptr, good.len);
  for (size_t n = 0; n < good.len; n++) {
    uint8_t *exact = malloc(n ? n : 1); /* so that a sanitizer sees a byte too far */
    memcpy(exact, good.ptr, n);
    cf_status_t st = fn(&out, CF_SPAN(exact, n));
    free(exact);
    if (st == CF_OK) fail_msg("a prefix of %zu bytes is taken", n);
  }
  assert_int_equal(fn(&out, CF_SPAN(buf, good.len + 1)), CF_ERR_FORMAT);
}

static void test_lengths(void **state) {
  (void)state;
  uint8_t   a[256], s[128];
  soft_ak_t ak = soft_ak(SOFT_AK_ATTRIBUTES);
  cf_span_t attest = soft_attest(a, sizeof a, SOFT_SHAPE, CF_SPAN_LIT("nonce"), CF_SPAN_LIT("values"));
  check_lengths(attest_fn, attest);
  check_lengths(public_fn, CF_SPAN(ak.public, ak.public_sz));
  check_lengths(signature_fn, soft_sign(s, sizeof s, &ak, attest));
  cf_p256_key_free(ak.key);
}

static void test_attest_bytes(void **state) {
  (void)state;
  uint8_t         good[256], buf[256];
  cf_span_t       attest = soft_attest(good, sizeof good, SOFT_SHAPE, CF_SPAN_LIT("nonce"), CF_SPAN_LIT("values"));
  size_t          clock = 4 + 2 + 2 + 2 + 5, banks = clock + 8 + 4 + 4 + 1 + 8;
  cf_tpm_attest_t a;
  struct {
    char const *name;
    size_t      at;
    uint8_t     value;
    cf_status_t want;
  } const cases[] = {
      {"as it is", 0, 0xff, CF_OK},
      {"another magic", 3, 0x48, CF_ERR_FORMAT},
      {"a certification", 5, 0x17, CF_ERR_UNSUPPORTED},
      {"a creation", 5, 0x1a, CF_ERR_UNSUPPORTED},
      {"safe is 2", clock + 16, 2, CF_ERR_FORMAT},
      {"safe is 0", clock + 16, 0, CF_OK},
      {"two banks, one there", banks + 3, 2, CF_ERR_FORMAT},
      {"nine banks", banks + 3, 9, CF_ERR_FORMAT},
      {"many banks", banks, 0xff, CF_ERR_FORMAT},
      {"selection of no bytes", banks + 6, 0, CF_ERR_FORMAT},
      {"selection of five bytes", banks + 6, 5, CF_ERR_FORMAT},
      {"digest over the end", banks + 11, 0x21, CF_ERR_FORMAT},
      {"digest of 65 bytes", banks + 11, 65, CF_ERR_FORMAT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    memcpy(buf, good, attest.len);
    buf[cases[i].at] = cases[i].value;
    cf_status_t st = cf_tpm_attest_decode(&a, CF_SPAN(buf, attest.len), NULL);
    if (st != cases[i].want) fail_msg("%s: %s", cases[i].name, cf_status_name(st));
  }
  cf_wr_t wr = cf_wr_init(buf, sizeof buf); /* the same bank twice: two meanings */
  cf_wr_bytes(&wr, good, banks);
  cf_wr_u32(&wr, 2);
  for (int i = 0; i < 2; i++) cf_wr_bytes(&wr, good + banks + 4, 6);
  cf_wr_bytes(&wr, good + banks + 10, 34);
  assert_int_equal(cf_tpm_attest_decode(&a, cf_wr_out(&wr), NULL), CF_ERR_FORMAT);
  buf[banks + 10 + 1] = CF_TPM_SHA384;
  assert_int_equal(cf_tpm_attest_decode(&a, cf_wr_out(&wr), NULL), CF_OK);
  buf[banks + 10 + 2] = 4; /* four bytes of selection, PCR 24 */
  assert_int_equal(cf_tpm_attest_decode(&a, cf_wr_out(&wr), NULL), CF_ERR_FORMAT);
}

static void test_public_bytes(void **state) {
  (void)state;
  soft_ak_t ak = soft_ak(SOFT_AK_ATTRIBUTES);
  uint8_t   buf[600], name[CF_TPM_NAME_MAX];
  struct {
    char const *what;
    size_t      at;
    uint8_t     value;
    cf_status_t want;
  } const cases[] = {
      {"as it is", 0, 0, CF_OK},
      {"a keyed hash", 1, 8, CF_ERR_UNSUPPORTED},
      {"name algorithm SM3", 3, 0x12, CF_ERR_UNSUPPORTED},
      {"P-521", 17, 5, CF_ERR_UNSUPPORTED},
      {"x of 31 bytes", 21, 31, CF_ERR_FORMAT},
      {"x of 33 bytes", 21, 33, CF_ERR_FORMAT},
      {"a policy of 65 bytes", 9, 65, CF_ERR_FORMAT},
  };
  cf_tpm_public_t p;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    memcpy(buf, ak.public, ak.public_sz);
    buf[cases[i].at] = cases[i].value;
    cf_status_t st = cf_tpm_public_decode(&p, CF_SPAN(buf, ak.public_sz), NULL);
    if (st != cases[i].want) fail_msg("%s: %s", cases[i].what, cf_status_name(st));
  }
  /* TPM2B_PUBLIC: the same key, the same name */
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_wr_u16(&wr, (uint16_t)ak.public_sz);
  cf_wr_bytes(&wr, ak.public, ak.public_sz);
  assert_int_equal(cf_tpm_public_decode(&p, cf_wr_out(&wr), NULL), CF_OK);
  assert_int_equal(p.bytes.len, ak.public_sz);
  cf_hash_t digest = cf_sha256(CF_SPAN(ak.public, ak.public_sz));
  assert_int_equal(cf_tpm_name(name, &p), 34);
  assert_memory_equal(name, "\x00\x0b", 2);
  assert_memory_equal(name + 2, digest.b, 32);

  /* RSA: exponent 0 is 65537, the modulus as long as its bits say and not less */
  for (int i = 0; i < 3; i++) {
    wr = cf_wr_init(buf, sizeof buf);
    cf_wr_u16(&wr, 1);
    cf_wr_u16(&wr, CF_TPM_SHA256);
    cf_wr_u32(&wr, SOFT_AK_ATTRIBUTES);
    cf_wr_u16(&wr, 0);
    cf_wr_u16(&wr, 0x0006); /* AES-128-CFB, as endorsement keys have */
    cf_wr_u16(&wr, 128);
    cf_wr_u16(&wr, 0x0043);
    cf_wr_u16(&wr, 0x0010);
    cf_wr_u16(&wr, i == 1 ? 1024 : 2048);
    cf_wr_u32(&wr, 0);
    cf_wr_u16(&wr, 256);
    memset(cf_wr_room(&wr, 256), i == 2 ? 0x7f : 0xff, 256);
    assert_int_equal(cf_tpm_public_decode(&p, cf_wr_out(&wr), NULL), i ? CF_ERR_FORMAT : CF_OK);
    if (!i) assert_int_equal(p.key.e, 65537);
  }
  cf_p256_key_free(ak.key);
}

static void test_attributes(void **state) {
  (void)state;
  struct {
    uint32_t flip;
    bool     want;
  } const cases[] = {
      {0, true},
      {CF_TPM_ATTR_RESTRICTED, false},
      {CF_TPM_ATTR_SIGN, false},
      {CF_TPM_ATTR_DECRYPT, false},
      {CF_TPM_ATTR_FIXED_TPM, false},
      {CF_TPM_ATTR_FIXED_PARENT, false},
      {CF_TPM_ATTR_ORIGIN, false},
      {1u << 6, true}, /* userWithAuth */
      {1u << 10, true} /* noDA */
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cf_tpm_public_t p = {.attributes = SOFT_AK_ATTRIBUTES ^ cases[i].flip};
    assert_int_equal(cf_tpm_is_ak(&p), cases[i].want);
  }
}

/* ---- quotes ---- */

static void test_quotes(void **state) {
  (void)state;
  enum {
    GOOD,
    NONCE_PREFIX,
    NONCE_LONGER,
    NONCE_EMPTY,
    VALUE,
    MISSING,
    EXTRA,
    BANK,
    EXTRA_BANK,
    KEY,
    ATTRIBUTES,
    SIGNED,
    SHA1,
    SCHEME,
    R_LONG,
    NO_VALUES
  };
  struct {
    char const       *name;
    int               what;
    cf_verdict_code_t want;
  } const cases[] = {
      {"as it should be", GOOD, CF_VERDICT_OK},
      {"a nonce that it begins with", NONCE_PREFIX, CF_VERDICT_BINDING},
      {"a nonce that begins with it", NONCE_LONGER, CF_VERDICT_BINDING},
      {"no nonce expected", NONCE_EMPTY, CF_VERDICT_BINDING},
      {"a value altered", VALUE, CF_VERDICT_PCR},
      {"a selected value missing", MISSING, CF_VERDICT_PCR},
      {"a value that is not selected", EXTRA, CF_VERDICT_PCR},
      {"values of another bank", BANK, CF_VERDICT_PCR},
      {"values of a second bank", EXTRA_BANK, CF_VERDICT_PCR},
      {"the public area of another key", KEY, CF_VERDICT_CHAIN},
      {"a key that signs anything", ATTRIBUTES, CF_VERDICT_SIGNATURE},
      {"a byte altered after signing", SIGNED, CF_VERDICT_SIGNATURE},
      {"SHA-1", SHA1, CF_VERDICT_UNSUPPORTED},
      {"an RSA scheme for this key", SCHEME, CF_VERDICT_UNSUPPORTED},
      {"r of 33 bytes", R_LONG, CF_VERDICT_SIGNATURE},
      {"values unknown", NO_VALUES, CF_VERDICT_OK},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int                what = cases[i].what;
    uint8_t            a[256], s[160], values[13 * 32];
    cf_tpm_bank_t      banks[2] = {{.alg = CF_TPM_SHA256, .mask = CF_TPM_EVIDENCE_PCRS}, {.alg = CF_TPM_SHA384}};
    cf_tpm_attest_t    attest;
    cf_tpm_signature_t sig;
    cf_tpm_public_t    p;
    cf_verdict_t       v = {0};
    soft_ak_t          ak = soft_ak(what == ATTRIBUTES ? SOFT_AK_ATTRIBUTES & ~CF_TPM_ATTR_RESTRICTED : SOFT_AK_ATTRIBUTES);
    for (size_t k = 0, n = 0; k < CF_TPM_PCR_CNT; k++)
      if (CF_TPM_EVIDENCE_PCRS >> k & 1) {
        memset(banks[0].value[k], (int)(0x40 + k), 32);
        memcpy(values + 32 * n++, banks[0].value[k], 32);
      }
    assert_int_equal(cf_tpm_public_decode(&p, CF_SPAN(ak.public, ak.public_sz), NULL), CF_OK);
    cf_key_t       key = p.key;
    cf_tpm_quote_t q = {
        .key = &key, .ak = &p, .nonce = CF_SPAN_LIT("nonce"), .banks = banks, .bank_cnt = what == EXTRA_BANK ? 2 : 1};
    q.attest = soft_attest(a, sizeof a, SOFT_SHAPE, CF_SPAN_LIT("nonce"), CF_SPAN_OF(values));
    q.signature = soft_sign(s, sizeof s, &ak, q.attest);
    if (what == NONCE_PREFIX) q.nonce.len--;
    if (what == NONCE_LONGER) q.nonce = CF_SPAN_LIT("nonce1");
    if (what == NONCE_EMPTY) q.nonce = CF_SPAN(NULL, 0);
    if (what == VALUE) banks[0].value[14][31] ^= 1;
    if (what == MISSING) banks[0].mask &= ~1u;
    if (what == EXTRA) banks[0].mask |= 1u << 23;
    if (what == BANK) banks[0].alg = CF_TPM_SHA384;
    if (what == EXTRA_BANK) banks[1].mask = 1;
    if (what == KEY) key.b[0] ^= 1;
    if (what == SIGNED) a[20] ^= 1;
    if (what == SHA1) s[3] = CF_TPM_SHA1;
    if (what == NO_VALUES) q.bank_cnt = 0;
    cf_wr_t wr = cf_wr_init(s, sizeof s);
    if (what == SCHEME) { /* RSASSA of 64 bytes */
      cf_wr_u32(&wr, 0x0014000b);
      cf_wr_u16(&wr, 64);
      cf_wr_room(&wr, 64);
      q.signature = cf_wr_out(&wr);
    }
    if (what == R_LONG) { /* a zero in front makes another encoding of r */
      uint8_t rs[64];
      memcpy(rs, s + 6, 32);
      memcpy(rs + 32, s + 40, 32);
      cf_wr_u32(&wr, 0x0018000b);
      cf_wr_u16(&wr, 33);
      cf_wr_u8(&wr, 0);
      cf_wr_bytes(&wr, rs, 32);
      cf_wr_u16(&wr, 32);
      cf_wr_bytes(&wr, rs + 32, 32);
      q.signature = cf_wr_out(&wr);
    }
    cf_verdict_code_t code = cf_tpm_quote_verify(&attest, &sig, &q, &v);
    if (code != cases[i].want) fail_msg("%s: %s (%s: %s)", cases[i].name, cf_verdict_name(code), v.item, v.text);
    if (!code) assert_int_equal(attest.reset_cnt, 3);
    cf_p256_key_free(ak.key);
  }
}

/* r and s may come without their leading zeros: sign until one has some. */
static void test_short_r(void **state) {
  (void)state;
  soft_ak_t       ak = soft_ak(SOFT_AK_ATTRIBUTES);
  cf_tpm_public_t p;
  uint8_t         a[256], s[128], t[128];
  bool            seen = false;
  assert_int_equal(cf_tpm_public_decode(&p, CF_SPAN(ak.public, ak.public_sz), NULL), CF_OK);
  cf_span_t attest = soft_attest(a, sizeof a, SOFT_SHAPE, CF_SPAN_LIT("n"), CF_SPAN(NULL, 0));
  for (int i = 0; i < 20000 && !seen; i++) {
    soft_sign(s, sizeof s, &ak, attest);
    seen = s[6] == 0;
  }
  assert_true(seen);
  cf_wr_t wr = cf_wr_init(t, sizeof t);
  cf_wr_u32(&wr, 0x0018000b);
  cf_wr_u16(&wr, 31);
  cf_wr_bytes(&wr, s + 7, 31);
  cf_wr_bytes(&wr, s + 38, 34);
  cf_tpm_quote_t     q = {.key = &p.key, .nonce = CF_SPAN_LIT("n"), .attest = attest, .signature = cf_wr_out(&wr)};
  cf_tpm_attest_t    out;
  cf_tpm_signature_t sig;
  cf_verdict_t       v = {0};
  assert_int_equal(cf_tpm_quote_verify(&out, &sig, &q, &v), CF_VERDICT_OK);
  cf_p256_key_free(ak.key);
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_lengths),    cmocka_unit_test(test_attest_bytes), cmocka_unit_test(test_public_bytes),
      cmocka_unit_test(test_attributes), cmocka_unit_test(test_quotes),       cmocka_unit_test(test_short_r),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
