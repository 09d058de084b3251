/* Secrets are no branch condition and no index: memcheck follows bytes marked undefined through our code and complains where
   a jump or an address depends on them.  What goes through libcrypto's and libsecp256k1's own checks (a tag, a zero shared
   secret, a nonce out of range) is theirs to keep and not covered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <unistd.h>
#include <valgrind/memcheck.h>

#define CF_MEMCHECK          /* this program's copy tells memcheck what became public */
#include "base/cf_secret.c"
#include "base/cf_text.h"
#include "crypto/cf_aead.h"
#include "crypto/cf_hash.h"

#if defined __SANITIZE_ADDRESS__
#define SANITIZED true
#else
#define SANITIZED false
#endif

static uint8_t secret[96], out[256];

static void
hide(void) {
  for (size_t i = 0; i < sizeof secret; i++) secret[i] = (uint8_t)(i * 7 + 1);
  VALGRIND_MAKE_MEM_UNDEFINED(secret, sizeof secret);
}

static int leak_by_jump(void) { return secret[3] > 17 ? puts("") : 0; }
static int leak_by_index(void) { return out[secret[5]] > 3 ? puts("") : 0; }

static int compare(void) { return cf_ct_eq(secret, secret + 32, 32) + cf_ct_eq(secret, secret, 32); }

static int
hex(void) {
  cf_hex_encode((char *)out, CF_SPAN(secret, 32));
  return cf_hex_decode(secret, 32, CF_SPAN(out, 64));
}

static int
b64(void) {
  int bad = 0;
  for (size_t n = 30; n < 34; n++) {
    size_t sz, len = cf_b64_encode((char *)out, CF_SPAN(secret, n));
    bad |= (int)cf_b64_decode(secret, &sz, 40, CF_SPAN(out, len));
  }
  return bad;
}

static int
kdf(void) {
  cf_hash_t prk = cf_hkdf_extract(CF_SPAN(secret, 70), CF_SPAN(secret, sizeof secret));
  cf_hkdf_expand(out, 100, &prk, CF_SPAN_LIT("info"));
  (void)cf_sha256_node(&prk, &prk);
  (void)cf_keccak256(CF_SPAN_OF(secret));
  return 0;
}

static int
exporter(void) {
  cf_hpke_t ctx = { .alg = CF_AEAD_AES128GCM };
  memcpy(ctx.exporter, secret, sizeof ctx.exporter);
  cf_hpke_export(&ctx, out, 64, CF_SPAN_LIT("context"));
  cf_hpke_wipe(&ctx);
  return 0;
}

static int
seal(void) {
  static uint8_t const nonce[12];
  for (cf_aead_alg_t alg = CF_AEAD_AES128GCM; alg <= CF_AEAD_CHACHA20POLY1305; alg++) {
    cf_aead_t *aead = cf_aead_new(alg);
    for (size_t k = 0; k < 3; k++) /* the same key again, and another */
      cf_aead_seal(aead, out, secret + k / 2, nonce, CF_SPAN_LIT("aad"), CF_SPAN(secret, 64));
    cf_aead_free(aead);
  }
  return 0;
}

static void
nothing_leaks(void **state) {
  static struct { char const *name; int (*call)(void); bool leaks; } const cases[] = {
    { "a jump is seen", leak_by_jump, true }, { "an index is seen", leak_by_index, true },
    { "cf_ct_eq", compare, false },           { "cf_hex", hex, false },
    { "cf_b64", b64, false },                 { "hashes, HMAC, HKDF", kdf, false },
    { "cf_hpke_export", exporter, false },    { "cf_aead_seal", seal, false },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    unsigned before = VALGRIND_COUNT_ERRORS;
    hide();
    volatile int result = cases[i].call();
    (void)result;
    if ((VALGRIND_COUNT_ERRORS > before) != cases[i].leaks) fail_msg("%s", cases[i].name);
    VALGRIND_MAKE_MEM_DEFINED(out, sizeof out);
  }
}

int
main(int argc, char *argv[]) {
  if (!RUNNING_ON_VALGRIND && !SANITIZED) {
    execlp("valgrind", "valgrind", "-q", "--log-file=/dev/null", argv[0], (char *)NULL);
    perror("valgrind");
    return 1;
  }
  if (SANITIZED) {
    puts("the sanitizer and memcheck exclude each other: not run under it");
    return 77;
  }
  struct CMUnitTest const tests[] = { cmocka_unit_test(nothing_leaks) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
