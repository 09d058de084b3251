/* Key files: vectors made by others' code, what is refused, and what we write. */
#include "base/cf_text.h"
#include "crypto/cf_hash.h"
#include "crypto/cf_password.h"
#include "party/cf_keystore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define SMALL 2 /* the least n of scrypt: these tests are not about its cost */

static uint8_t const scalar[32] = {[0] = 0x11, [15] = 0x22, [31] = 0x33};

/* ---- vectors: tests/vectors/party/keystore.txt, by make_keystore.py there (hashlib, and OpenSSL's aes-128-ctr) ---- */

typedef struct {
  char file[CF_KEYSTORE_MAX], password[64], key[65];
} vector_t;

/* Each is three lines: password, key in hex, file. */
static bool vector_next(vector_t *v, FILE *f) {
  char line[CF_KEYSTORE_MAX];
  char *const to[] = {v->password, v->key, v->file};
  size_t const max[] = {sizeof v->password, sizeof v->key, sizeof v->file};
  for (size_t i = 0; i < 3; i++) {
    do
      if (!fgets(line, sizeof line, f)) return false;
    while (line[0] == '#');
    line[strcspn(line, "\n")] = 0;
    assert_true(strlen(line) < max[i]);
    strcpy(to[i], line);
  }
  return true;
}

static void test_vectors(void **state) {
  vector_t      v;
  cf_keystore_t k;
  uint8_t       want[32], got[32], zero[32] = {0};
  unsigned      cnt = 0;
  FILE         *f = fopen(CF_SOURCE_DIR "/tests/vectors/party/keystore.txt", "r");
  (void)state;
  assert_non_null(f);
  for (; vector_next(&v, f); cnt++) {
    cf_span_t password = CF_SPAN(v.password, strlen(v.password));
    assert_int_equal(cf_hex_decode(want, 32, CF_SPAN(v.key, 64)), CF_OK);
    assert_int_equal(cf_keystore_decode(&k, CF_SPAN(v.file, strlen(v.file)), NULL), CF_OK);
    assert_int_equal(cf_keystore_open(got, &k, password, NULL), CF_OK);
    assert_memory_equal(got, want, 32);
    assert_int_equal(cf_keystore_open(got, &k, CF_SPAN_LIT("another"), NULL), CF_ERR_AUTH);
    assert_memory_equal(got, zero, 32);
    k.ciphertext[3] ^= 1;
    assert_int_equal(cf_keystore_open(got, &k, password, NULL), CF_ERR_AUTH);
    k.ciphertext[3] ^= 1;
    k.iv[15] ^= 1; /* not under the MAC: another key comes out, and the address says so where there is one */
    assert_int_equal(cf_keystore_open(got, &k, password, NULL), k.has_addr ? CF_ERR_POLICY : CF_OK);
  }
  fclose(f);
  assert_int_equal(cnt, 5);
}

/* ---- what we write ---- */

static void test_round(void **state) {
  static uint8_t file[CF_KEYSTORE_WRITTEN_MAX], file2[CF_KEYSTORE_WRITTEN_MAX];
  cf_entropy_t   e = cf_entropy_system();
  cf_keystore_t  k, back;
  cf_wr_t        wr = cf_wr_init(file, sizeof file), again = cf_wr_init(file2, sizeof file2);
  uint8_t        got[32], none[32] = {0};
  (void)state;
  assert_int_equal(cf_keystore_make(&k, none, CF_SPAN_LIT("p"), SMALL, &e), CF_ERR_FORMAT);
  assert_int_equal(cf_keystore_make(&k, scalar, CF_SPAN_LIT("p"), 3, &e), CF_ERR_BOUND);
  assert_int_equal(cf_keystore_make(&k, scalar, CF_SPAN_LIT("p"), SMALL, &e), CF_OK);
  cf_keystore_write(&wr, &k);
  assert_false(wr.bad);
  assert_int_equal(cf_keystore_decode(&back, cf_wr_out(&wr), NULL), CF_OK);
  assert_int_equal(cf_keystore_open(got, &back, CF_SPAN_LIT("p"), NULL), CF_OK);
  assert_memory_equal(got, scalar, 32);
  cf_keystore_write(&again, &back);
  assert_true(cf_span_eq(cf_wr_out(&wr), cf_wr_out(&again)));
  k.addr.b[0] ^= 1; /* opened, but named otherwise */
  assert_int_equal(cf_keystore_open(got, &k, CF_SPAN_LIT("p"), NULL), CF_ERR_POLICY);
  assert_memory_equal(got, none, 32);
}

/* Under a right MAC, and no key: the same steps by hand. */
static void test_no_key(void **state) {
  cf_entropy_t  e = cf_entropy_system();
  cf_keystore_t k;
  uint8_t       got[32], derived[32], macced[48];
  (void)state;
  assert_int_equal(cf_keystore_make(&k, scalar, CF_SPAN_LIT("p"), SMALL, &e), CF_OK);
  assert_int_equal(cf_scrypt(derived, CF_SPAN_LIT("p"), CF_SPAN(k.salt, k.salt_sz), SMALL, 8, 1), CF_OK);
  for (size_t i = 0; i < 32; i++) k.ciphertext[i] ^= scalar[i]; /* what comes out is zero */
  memcpy(macced, derived + 16, 16);
  memcpy(macced + 16, k.ciphertext, 32);
  cf_hash_t mac = cf_keccak256(CF_SPAN_OF(macced));
  memcpy(k.mac, mac.b, 32);
  assert_int_equal(cf_keystore_open(got, &k, CF_SPAN_LIT("p"), NULL), CF_ERR_FORMAT);
}

/* What costs too much is refused before any work is done. */
static void test_costs(void **state) {
  static struct {
    uint64_t    n, r, p;
    cf_status_t want;
  } const rows[] = {{2, 1, 1, CF_OK},
                    {0, 8, 1, CF_ERR_BOUND},
                    {1, 8, 1, CF_ERR_BOUND},
                    {3, 8, 1, CF_ERR_BOUND},
                    {2, 0, 1, CF_ERR_BOUND},
                    {2, 1, 0, CF_ERR_BOUND},
                    {1ULL << 40, 8, 1, CF_ERR_BOUND},
                    {1u << 22, 2, 1, CF_ERR_BOUND}, /* 1 GiB */
                    {1u << 18, 8, 8, CF_ERR_BOUND}, /* of work */
                    {2, 1ULL << 63, 1, CF_ERR_BOUND},
                    {2, 1, 1ULL << 63, CF_ERR_BOUND}};
  uint8_t key[32];
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_int_equal(cf_scrypt(key, CF_SPAN_LIT("p"), CF_SPAN_LIT("s"), rows[i].n, rows[i].r, rows[i].p), rows[i].want);
  assert_int_equal(cf_pbkdf2(key, CF_SPAN_LIT("p"), CF_SPAN_LIT("s"), 0), CF_ERR_BOUND);
  assert_int_equal(cf_pbkdf2(key, CF_SPAN_LIT("p"), CF_SPAN_LIT("s"), CF_PBKDF2_ROUNDS_MAX + 1ULL), CF_ERR_BOUND);
}

/* ---- what is refused ---- */

#define CRYPTO(cipher, iv, ct, kdf, params, mac)                                                                                    \
  "\"crypto\":{\"cipher\":\"" cipher "\",\"cipherparams\":{\"iv\":\"" iv "\"},\"ciphertext\":\"" ct "\",\"kdf\":\"" kdf             \
  "\",\"kdfparams\":{" params "},\"mac\":\"" mac "\"}"
#define B16 "00112233445566778899aabbccddeeff"
#define B32 B16 B16
#define SCRYPT "\"dklen\":32,\"n\":2,\"p\":1,\"r\":8,\"salt\":\"" B32 "\""
#define PBKDF2 "\"c\":1,\"dklen\":32,\"prf\":\"hmac-sha256\",\"salt\":\"" B32 "\""
#define GOOD CRYPTO("aes-128-ctr", B16, B32, "scrypt", SCRYPT, B32)

static struct {
  char const *name, *in;
  cf_status_t want;
} const cases[] = {
    {"good", "{" GOOD ",\"version\":3}", CF_OK},
    {"what others add", "{\"x-ethers\":{\"a\":1}," GOOD ",\"version\":3,\"name\":\"me\"}", CF_OK},
    {"address with 0x", "{\"address\":\"0x" B16 "00112233\"," GOOD ",\"version\":3}", CF_OK},
    {"pbkdf2", "{" CRYPTO("aes-128-ctr", B16, B32, "pbkdf2", PBKDF2, B32) ",\"version\":3}", CF_OK},
    {"not JSON", "{", CF_ERR_FORMAT},
    {"no object", "3", CF_ERR_FORMAT},
    {"no version", "{" GOOD "}", CF_ERR_FORMAT},
    {"version as text", "{" GOOD ",\"version\":\"3\"}", CF_ERR_FORMAT},
    {"version 1", "{" GOOD ",\"version\":1}", CF_ERR_UNSUPPORTED},
    {"a member twice", "{" GOOD "," GOOD ",\"version\":3}", CF_ERR_FORMAT},
    {"no crypto", "{\"version\":3}", CF_ERR_FORMAT},
    {"Crypto", "{\"Crypto\":{},\"version\":3}", CF_ERR_FORMAT},
    {"another cipher", "{" CRYPTO("aes-128-cbc", B16, B32, "scrypt", SCRYPT, B32) ",\"version\":3}", CF_ERR_UNSUPPORTED},
    {"another kdf", "{" CRYPTO("aes-128-ctr", B16, B32, "argon2", SCRYPT, B32) ",\"version\":3}", CF_ERR_UNSUPPORTED},
    {"another prf", "{" CRYPTO("aes-128-ctr", B16, B32, "pbkdf2", "\"c\":1,\"dklen\":32,\"prf\":\"hmac-md5\",\"salt\":\"\"", B32) ",\"version\":3}",
     CF_ERR_UNSUPPORTED},
    {"short iv", "{" CRYPTO("aes-128-ctr", "00", B32, "scrypt", SCRYPT, B32) ",\"version\":3}", CF_ERR_FORMAT},
    {"short ciphertext", "{" CRYPTO("aes-128-ctr", B16, B16, "scrypt", SCRYPT, B32) ",\"version\":3}", CF_ERR_FORMAT},
    {"long ciphertext", "{" CRYPTO("aes-128-ctr", B16, B32 "00", "scrypt", SCRYPT, B32) ",\"version\":3}", CF_ERR_FORMAT},
    {"short mac", "{" CRYPTO("aes-128-ctr", B16, B32, "scrypt", SCRYPT, B16) ",\"version\":3}", CF_ERR_FORMAT},
    {"parameters of the other", "{" CRYPTO("aes-128-ctr", B16, B32, "pbkdf2", SCRYPT, B32) ",\"version\":3}", CF_ERR_FORMAT},
    {"n as text", "{" CRYPTO("aes-128-ctr", B16, B32, "scrypt", "\"dklen\":32,\"n\":\"2\",\"p\":1,\"r\":8,\"salt\":\"\"", B32) ",\"version\":3}",
     CF_ERR_FORMAT},
    {"no n", "{" CRYPTO("aes-128-ctr", B16, B32, "scrypt", "\"dklen\":32,\"p\":1,\"r\":8,\"salt\":\"\"", B32) ",\"version\":3}", CF_ERR_FORMAT},
    {"dklen 64", "{" CRYPTO("aes-128-ctr", B16, B32, "scrypt", "\"dklen\":64,\"n\":2,\"p\":1,\"r\":8,\"salt\":\"\"", B32) ",\"version\":3}",
     CF_ERR_BOUND},
    {"odd salt", "{" CRYPTO("aes-128-ctr", B16, B32, "scrypt", "\"dklen\":32,\"n\":2,\"p\":1,\"r\":8,\"salt\":\"0\"", B32) ",\"version\":3}",
     CF_ERR_FORMAT},
    {"long salt", "{" CRYPTO("aes-128-ctr", B16, B32, "scrypt", "\"dklen\":32,\"n\":2,\"p\":1,\"r\":8,\"salt\":\"" B32 B32 "00\"", B32) ",\"version\":3}",
     CF_ERR_BOUND},
    {"short address", "{\"address\":\"" B16 "\"," GOOD ",\"version\":3}", CF_ERR_FORMAT},
    {"no address", "{\"address\":7," GOOD ",\"version\":3}", CF_ERR_FORMAT},
    {"no UUID", "{" GOOD ",\"id\":\"00112233-4455-6677-8899aabbccddeeff0\",\"version\":3}", CF_ERR_FORMAT},
    {"bytes behind", "{" GOOD ",\"version\":3}x", CF_ERR_FORMAT},
};

static void test_refusals(void **state) {
  static char long_file[CF_KEYSTORE_MAX + 1];
  cf_keystore_t k;
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_error_t  err = {0};
    cf_status_t st = cf_keystore_decode(&k, CF_SPAN(cases[i].in, strlen(cases[i].in)), &err);
    if (st != cases[i].want) fail_msg("%s: %s (%s %s)", cases[i].name, cf_status_name(st), err.item, err.text);
  }
  memset(long_file, ' ', sizeof long_file);
  assert_int_equal(cf_keystore_decode(&k, CF_SPAN_OF(long_file), NULL), CF_ERR_BOUND);
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_vectors),
      cmocka_unit_test(test_round),
      cmocka_unit_test(test_no_key),
      cmocka_unit_test(test_costs),
      cmocka_unit_test(test_refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
