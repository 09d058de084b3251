/* What this room defines by itself, against tests/vectors/crypto/own.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "crypto/cf_entropy.h"
#include "crypto/cf_hash.h"
#include "crypto/cf_sign.h"
#include "hex.h"

static void
check_tag(char *word[]) {
  uint8_t     rest[HEX_MAX];
  cf_sha256_t ctx;
  cf_sha256_tag(&ctx, word[0]);
  cf_sha256_s(&ctx, unhex(rest, word[1]));
  cf_hash_t h = cf_sha256_end(&ctx);
  assert_bytes(h.b, 32, word[2]);
}

/* The stream is the same however it is asked for. */
static void
check_drbg(char *word[]) {
  uint8_t   seed[HEX_MAX], want[HEX_MAX], out[HEX_MAX + 1000];
  size_t    skip = strtoul(word[1], NULL, 10);
  cf_span_t end  = unhex(want, word[2]);
  cf_hash_t key;
  unhex(seed, word[0]);
  memcpy(key.b, seed, 32);
  for (size_t step = 1; step < 100; step += 7) {
    cf_drbg_t d;
    cf_drbg_init(&d, &key);
    cf_entropy_t e = cf_drbg_entropy(&d);
    for (size_t at = 0; at < skip + end.len; at += step) {
      size_t left = skip + end.len - at;
      cf_entropy_fill(&e, out + at, left < step ? left : step);
    }
    assert_memory_equal(out + skip, end.ptr, end.len);
  }
}

static void
check_node(char *word[]) {
  uint8_t   l[HEX_MAX], r[HEX_MAX];
  cf_hash_t left, right;
  memcpy(left.b, unhex(l, word[0]).ptr, 32);
  memcpy(right.b, unhex(r, word[1]).ptr, 32);
  cf_hash_t h = cf_sha256_node(&left, &right);
  assert_bytes(h.b, 32, word[2]);
}

static void
check_thumbprint(char *word[]) {
  uint8_t       key[HEX_MAX];
  cf_p256_pub_t pub;
  memcpy(pub.b, unhex(key, word[0]).ptr, 64);
  cf_hash_t h = cf_p256_thumbprint(&pub);
  assert_bytes(h.b, 32, word[1]);
}

static void
vectors(void **state) {
  static struct { char const *name; void (*check)(char *word[]); int cnt; } kinds[] = {
    { "tag", check_tag, 0 }, { "drbg", check_drbg, 0 }, { "node", check_node, 0 }, { "thumbprint", check_thumbprint, 0 },
  };
  FILE *file = fopen(CF_SOURCE_DIR "/tests/vectors/crypto/own.txt", "r");
  char  line[4096], *word[4] = { "", "", "", "" };
  assert_non_null(file);
  while (fgets(line, sizeof line, file)) {
    char *rest = line;
    for (int i = 0; i < 4; i++) word[i] = (rest = strtok(i ? NULL : rest, " \n")) ? rest : "";
    bool known = false;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
      if (strcmp(word[0], kinds[k].name) != 0) continue;
      kinds[k].check(word + 1);
      kinds[k].cnt++;
      known = true;
    }
    if (!known) fail_msg("%s", word[0]);
  }
  fclose(file);
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) assert_true(kinds[k].cnt > 0);
}

static void
system_entropy(void **state) {
  cf_entropy_t e = cf_entropy_system();
  uint8_t      a[1000] = { 0 }, b[1000] = { 0 };
  cf_entropy_fill(&e, a, sizeof a);
  cf_entropy_fill(&e, b, sizeof b);
  size_t zeros = 0;
  for (size_t i = 0; i < sizeof a; i++) zeros += a[i] == 0;
  assert_true(zeros < 50); /* about 4 */
  assert_memory_not_equal(a, b, sizeof a);
  a[0] = 0x42;
  cf_entropy_fill(&e, a, 0);
  assert_int_equal(a[0], 0x42);
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(vectors), cmocka_unit_test(system_entropy) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
