#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <nettle/hmac.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <nettle/sha3.h>

#include "../base/dies.h"
#include "crypto/cf_hash.h"
#include "crypto/cf_sha256.h"
#include "hex.h"

#define CNT(a) (sizeof(a) / sizeof *(a))

static char const two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

/* FIPS 180-4's examples (NIST, "Cryptographic Standards and Guidelines: Example Values"). */
static void
sha256_known(void **state) {
  static struct { char const *in, *want; } const cases[] = {
    { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { two_blocks, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
  };
  for (size_t i = 0; i < CNT(cases); i++) {
    cf_hash_t h = cf_sha256(CF_SPAN(cases[i].in, strlen(cases[i].in)));
    assert_bytes(h.b, 32, cases[i].want);
  }
  cf_sha256_t ctx;
  char        thousand[1000];
  memset(thousand, 'a', sizeof thousand);
  cf_sha256_init(&ctx);
  for (int i = 0; i < 1000; i++) cf_sha256_add(&ctx, thousand, sizeof thousand);
  cf_hash_t h = cf_sha256_end(&ctx);
  assert_bytes(h.b, 32, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static cf_hash_t
other_sha256(void const *in, size_t n) {
  struct sha256_ctx ctx;
  cf_hash_t         h;
  sha256_init(&ctx);
  sha256_update(&ctx, n, in);
  sha256_digest(&ctx, sizeof h.b, h.b);
  return h;
}

/* Every length over three blocks, whole and in two parts, against nettle. */
static void
sha256_like_nettle(void **state) {
  uint8_t in[200];
  for (size_t i = 0; i < sizeof in; i++) in[i] = (uint8_t)(i * i + 7);
  for (size_t n = 0; n <= sizeof in; n++) {
    cf_hash_t want = other_sha256(in, n), got = cf_sha256(CF_SPAN(in, n));
    assert_true(cf_hash_eq(&got, &want));
    for (size_t cut = 0; cut <= n; cut += 13) {
      cf_sha256_t ctx;
      cf_sha256_init(&ctx);
      cf_sha256_add(&ctx, in, cut);
      cf_sha256_add(&ctx, NULL, 0);
      cf_sha256_add(&ctx, in + cut, n - cut);
      got = cf_sha256_end(&ctx);
      assert_true(cf_hash_eq(&got, &want));
    }
  }
}

static void
node_is_the_hash_of_65_bytes(void **state) {
  cf_hash_t l = cf_sha256(CF_SPAN_LIT("l")), r = cf_sha256(CF_SPAN_LIT("r"));
  for (int i = 0; i < 1000; i++) {
    uint8_t in[65] = { 0x01 };
    memcpy(in + 1, l.b, 32);
    memcpy(in + 33, r.b, 32);
    cf_hash_t want = other_sha256(in, sizeof in), got = cf_sha256_node(&l, &r);
    assert_true(cf_hash_eq(&got, &want));
    l = r;
    r = got;
  }
}

/* Two at once are what each is alone, whatever their lengths. */
static void
two_at_once(void **state) {
  uint8_t in[2][330];
  for (size_t i = 0; i < sizeof in[0]; i++) in[0][i] = (uint8_t)(i * 31 + 5), in[1][i] = (uint8_t)(i * i + 11);
  for (size_t a = 0; a <= sizeof in[0]; a += a < 140 ? 1 : 19) {
    for (size_t b = 0; b <= sizeof in[1]; b += 1 + b % 7) {
      cf_hash_t out[2], want[2] = { other_sha256(in[0], a), other_sha256(in[1], b) };
      cf_sha256_2(out, (cf_span_t const[2]){ CF_SPAN(in[0], a), CF_SPAN(in[1], b) });
      assert_true(cf_hash_eq(&out[0], &want[0]) && cf_hash_eq(&out[1], &want[1]));
    }
  }
  cf_hash_t n[4] = { cf_sha256(CF_SPAN(in[0], 1)), cf_sha256(CF_SPAN(in[0], 2)), cf_sha256(CF_SPAN(in[0], 3)), cf_sha256(CF_SPAN(in[0], 4)) };
  cf_hash_t want[2] = { cf_sha256_node(&n[0], &n[1]), cf_sha256_node(&n[2], &n[3]) };
  cf_sha256_node_2((cf_hash_t *const[2]){ &n[0], &n[1] }, (cf_hash_t const *const[2]){ &n[0], &n[2] },
                   (cf_hash_t const *const[2]){ &n[1], &n[3] });
  assert_true(cf_hash_eq(&n[0], &want[0]) && cf_hash_eq(&n[1], &want[1]));
}

/* Any number of leaves and of nodes, of entries short and long beside each other, in place and not. */
static void
many_at_once(void **state) {
  enum { CNT = 11, LEN = 400 };
  static uint8_t prefixed[CNT][1 + LEN];
  cf_span_t      entry[CNT];
  cf_hash_t      leaf[CNT], node[CNT];
  for (size_t i = 0; i < CNT; i++)
    for (size_t k = 1; k <= LEN; k++) prefixed[i][k] = (uint8_t)(k * (i + 3) * 2654435761u >> 9);
  for (size_t round = 0; round < 600; round++) {
    size_t cnt = 1 + round % CNT;
    for (size_t i = 0; i < cnt; i++) entry[i] = CF_SPAN(prefixed[i] + 1, round < 300 ? round : (round * 2654435761u >> i) % (LEN + 1));
    if (round == 0) entry[0] = CF_SPAN(NULL, 0);
    cf_sha256_leaves(leaf, entry, cnt);
    for (size_t i = 0; i < cnt; i++) {
      cf_hash_t want = other_sha256(prefixed[i], 1 + entry[i].len);
      assert_true(cf_hash_eq(&leaf[i], &want));
    }
    cf_sha256_nodes(node, leaf, cnt / 2);
    for (size_t i = 0; i < cnt / 2; i++) {
      uint8_t in[65] = { 1 };
      memcpy(in + 1, leaf[2 * i].b, 64);
      cf_hash_t want = other_sha256(in, sizeof in);
      assert_true(cf_hash_eq(&node[i], &want));
    }
    cf_sha256_nodes(leaf, leaf, cnt / 2);
    assert_memory_equal(leaf, node, cnt / 2 * sizeof *leaf);
  }
}

/* libcrypto's block function and the processor's instructions, from any chaining value. */
static void
ways_agree(void **state) {
  if (!cf_sha256_ni()) skip();
  uint8_t  in[4][5 * 64 + 3];
  uint32_t h[4][4][8];
  for (uint32_t round = 0; round < 200; round++) {
    size_t n = round % 5, off = round % 4; /* aligned or not */
    for (uint32_t i = 0; i < 4; i++) {
      for (size_t k = 0; k < sizeof in[i]; k++) in[i][k] = (uint8_t)((round + 3) * (k + 7 * i) * 2654435761u >> 11);
      for (uint32_t k = 0; k < 8; k++) h[0][i][k] = (round * 8 + k + 1 + i) * 2654435761u;
    }
    memcpy(h[1], h[0], sizeof h[0]);
    memcpy(h[2], h[0], sizeof h[0]);
    memcpy(h[3], h[0], sizeof h[0]);
    for (size_t i = 0; i < 4; i++) cf_sha256_blocks_plain(h[0][i], in[i] + off, n);
    for (size_t i = 0; i < 4; i++) cf_sha256_blocks_ni(h[1][i], in[i] + off, n);
    for (size_t i = 0; i < 4; i += 2) cf_sha256_blocks_ni_2(h[2][i], in[i] + off, h[2][i + 1], in[i + 1] + off, n);
    cf_sha256_blocks_ni_4(h[3], (uint8_t const *const[4]){ in[0] + off, in[1] + off, in[2] + off, in[3] + off }, n);
    assert_memory_equal(h[0], h[3], sizeof h[0]);
    assert_memory_equal(h[0], h[1], sizeof h[0]);
    assert_memory_equal(h[0], h[2], sizeof h[0]);
  }
}

static void
integers(void **state) {
  for (size_t n = 0; n <= 8; n++) {
    static uint8_t const be[] = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88 };
    cf_sha256_t          ctx;
    cf_sha256_init(&ctx);
    cf_sha256_u(&ctx, n ? 0x1122334455667788u >> (64 - 8 * n) : 0, n);
    cf_hash_t got = cf_sha256_end(&ctx), want = other_sha256(be, n);
    assert_true(cf_hash_eq(&got, &want));
  }
}

static void
integer_too_wide(void *n) {
  cf_sha256_t ctx;
  cf_sha256_init(&ctx);
  cf_sha256_u(&ctx, 256, *(size_t *)n);
}

static void
integers_that_do_not_fit_stop(void **state) {
  assert_true(dies(integer_too_wide, &(size_t){ 1 }));
  assert_true(dies(integer_too_wide, &(size_t){ 9 }));
  assert_false(dies(integer_too_wide, &(size_t){ 2 }));
}

/* The Keccak team's KeccakSum examples; the empty string's is also Ethereum's hash of no code. */
static void
keccak_known(void **state) {
  cf_hash_t h = cf_keccak256(CF_SPAN(NULL, 0));
  assert_bytes(h.b, 32, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
  h = cf_keccak256(CF_SPAN_LIT("abc"));
  assert_bytes(h.b, 32, "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
}

/* FIPS 202's Keccak-f, written down from its steps: slow, and shares nothing with what is tested. */
static void
slow_keccak_f(uint64_t a[5][5]) {
  uint8_t lfsr = 1;
  for (int round = 0; round < 24; round++) {
    uint64_t c[5], b[5][5];
    for (int x = 0; x < 5; x++) c[x] = a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4];
    for (int x = 0; x < 5; x++) {
      uint64_t d = c[(x + 4) % 5] ^ (c[(x + 1) % 5] << 1 | c[(x + 1) % 5] >> 63);
      for (int y = 0; y < 5; y++) a[x][y] ^= d; /* theta */
    }
    b[0][0] = a[0][0];
    for (int t = 0, x = 1, y = 0; t < 24; t++) { /* rho and pi */
      int      rot = (t + 1) * (t + 2) / 2 % 64, y2 = (2 * x + 3 * y) % 5;
      uint64_t v   = a[x][y];
      b[y][y2] = rot ? v << rot | v >> (64 - rot) : v;
      x        = y;
      y        = y2;
    }
    for (int x = 0; x < 5; x++) {
      for (int y = 0; y < 5; y++) a[x][y] = b[x][y] ^ (~b[(x + 1) % 5][y] & b[(x + 2) % 5][y]); /* chi */
    }
    for (int j = 0; j < 7; j++) { /* iota */
      if (lfsr & 1) a[0][0] ^= 1ull << ((1 << j) - 1);
      lfsr = (uint8_t)(lfsr << 1 ^ (lfsr >> 7) * 0x71);
    }
  }
}

static cf_hash_t
slow_keccak256(uint8_t const *in, size_t n) {
  uint64_t a[5][5] = { { 0 } };
  size_t   at      = 0;
  for (size_t i = 0; i <= n; i++) {
    uint64_t byte = i < n ? in[i] : 0x01;
    a[at / 8 % 5][at / 8 / 5] ^= byte << (8 * (at % 8));
    if (i == n) a[16 % 5][16 / 5] ^= 0x80ull << 56;
    if (++at == 136 || i == n) {
      slow_keccak_f(a);
      at = 0;
    }
  }
  cf_hash_t h;
  for (size_t i = 0; i < 32; i++) h.b[i] = (uint8_t)(a[i / 8][0] >> (8 * (i % 8)));
  return h;
}

static void
keccak_like_the_slow_one(void **state) {
  uint8_t in[300];
  for (size_t i = 0; i < sizeof in; i++) in[i] = (uint8_t)(i * 31 + (i >> 3));
  for (size_t n = 0; n <= sizeof in; n++) {
    cf_hash_t got = cf_keccak256(CF_SPAN(in, n)), want = slow_keccak256(in, n);
    assert_true(cf_hash_eq(&got, &want));
  }
  cf_hash_t words[5], got;
  memcpy(words, in, sizeof words);
  for (size_t n = 0; n <= 5; n++) {
    cf_hash_t want = slow_keccak256(in, 32 * n);
    got            = cf_keccak256_words(words, n);
    assert_true(cf_hash_eq(&got, &want));
  }
}

/* RFC 4231, section 4; case 5 truncates and is left out. */
static void
hmac_known(void **state) {
#define AA20  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define AA131 AA20 AA20 AA20 AA20 AA20 AA20 "aaaaaaaaaaaaaaaaaaaaaa"
#define DD10  "dddddddddddddddddddd"
#define CD10  "cdcdcdcdcdcdcdcdcdcd"
  static struct { char const *key, *in, *want; } const cases[] = {
    { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    { "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { AA20, DD10 DD10 DD10 DD10 DD10, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
    { "0102030405060708090a0b0c0d0e0f10111213141516171819", CD10 CD10 CD10 CD10 CD10,
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
    { AA131, "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
    { AA131,
      "5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a65206b657920616e642061206c61"
      "72676572207468616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565647320746f2062652068617368656420626566"
      "6f7265206265696e6720757365642062792074686520484d414320616c676f726974686d2e",
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
  };
  for (size_t i = 0; i < CNT(cases); i++) {
    uint8_t   key[HEX_MAX], in[HEX_MAX];
    cf_hash_t h = cf_hmac_sha256(unhex(key, cases[i].key), unhex(in, cases[i].in));
    assert_bytes(h.b, 32, cases[i].want);
  }
}

static void
hmac_like_nettle(void **state) {
  uint8_t bytes[200];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 5 + 1);
  for (size_t key_sz = 0; key_sz <= 130; key_sz++) {
    struct hmac_sha256_ctx ctx;
    cf_hash_t              want, got = cf_hmac_sha256(CF_SPAN(bytes, key_sz), CF_SPAN(bytes, 200 - key_sz));
    hmac_sha256_set_key(&ctx, key_sz, bytes);
    hmac_sha256_update(&ctx, 200 - key_sz, bytes);
    hmac_sha256_digest(&ctx, sizeof want.b, want.b);
    assert_true(cf_hash_eq(&got, &want));
  }
}

/* RFC 5869, appendix A.1 to A.3. */
static void
hkdf_known(void **state) {
  static struct { char const *ikm, *salt, *info, *prk, *okm; } const cases[] = {
    { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
      "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865" },
    { "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b"
      "3c3d3e3f404142434445464748494a4b4c4d4e4f",
      "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b"
      "9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
      "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaeb"
      "ecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
      "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9"
      "aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87" },
    { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "-", "-", "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
      "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8" },
  };
  for (size_t i = 0; i < CNT(cases); i++) {
    uint8_t   ikm[HEX_MAX], salt[HEX_MAX], info[HEX_MAX], okm[HEX_MAX], out[HEX_MAX];
    cf_hash_t prk  = cf_hkdf_extract(unhex(salt, cases[i].salt), unhex(ikm, cases[i].ikm));
    cf_span_t want = unhex(okm, cases[i].okm);
    assert_bytes(prk.b, 32, cases[i].prk);
    for (size_t n = 0; n <= want.len; n++) { /* shorter outputs are prefixes, and nothing is written behind them */
      memset(out, 0xee, sizeof out);
      cf_hkdf_expand(out, n, &prk, unhex(info, cases[i].info));
      assert_memory_equal(out, want.ptr, n);
      assert_int_equal(out[n], 0xee);
    }
  }
}

static void
expand(void *n) {
  static uint8_t out[255 * 32 + 1];
  cf_hkdf_expand(out, *(size_t *)n, &(cf_hash_t){ { 1 } }, CF_SPAN(NULL, 0));
}

static void
hkdf_bound(void **state) {
  assert_false(dies(expand, &(size_t){ 255 * 32 }));
  assert_true(dies(expand, &(size_t){ 255 * 32 + 1 }));
}

/* FIPS 180-4's "abc", then every length around a block against nettle. */
static void
digests_of_a_tpm(void **state) {
  static struct { uint16_t alg; size_t sz; char const *abc; } const cases[] = {
    { 0x0004, 20, "a9993e364706816aba3e25717850c26c9cd0d89d" },
    { 0x000b, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { 0x000c, 48, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7" },
    { 0x000d, 64,
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94f"
      "a54ca49f" },
    { 0x0000, 0, NULL }, { 0x0005, 0, NULL }, { 0x0012, 0, NULL }, { 0x0027, 0, NULL }, { 0xffff, 0, NULL },
  };
  uint8_t out[64], want[64], in[300];
  for (size_t i = 0; i < CNT(cases); i++) {
    memset(out, 0xee, sizeof out);
    assert_int_equal(cf_digest_tpm_sz(cases[i].alg), cases[i].sz);
    assert_int_equal(cf_digest_tpm(out, cases[i].alg, CF_SPAN_LIT("abc")), cases[i].sz);
    if (cases[i].abc) assert_bytes(out, cases[i].sz, cases[i].abc);
    for (size_t k = cases[i].sz; k < 64; k++) assert_int_equal(out[k], 0xee);
  }
  memset(in, 0x3c, sizeof in);
  for (size_t n = 0; n < sizeof in; n++) {
    struct sha1_ctx   s1;
    struct sha512_ctx s5;
    sha1_init(&s1);
    sha1_update(&s1, n, in);
    sha1_digest(&s1, 20, want);
    cf_digest_tpm(out, 0x0004, CF_SPAN(in, n));
    assert_memory_equal(out, want, 20);
    sha384_init(&s5);
    sha384_update(&s5, n, in);
    sha384_digest(&s5, 48, want);
    cf_digest_tpm(out, 0x000c, CF_SPAN(in, n));
    assert_memory_equal(out, want, 48);
    sha512_init(&s5);
    sha512_update(&s5, n, in);
    sha512_digest(&s5, 64, want);
    cf_digest_tpm(out, 0x000d, CF_SPAN(in, n));
    assert_memory_equal(out, want, 64);
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(sha256_known),
    cmocka_unit_test(sha256_like_nettle),
    cmocka_unit_test(node_is_the_hash_of_65_bytes),
    cmocka_unit_test(two_at_once), cmocka_unit_test(many_at_once),
    cmocka_unit_test(ways_agree),
    cmocka_unit_test(integers),
    cmocka_unit_test(integers_that_do_not_fit_stop),
    cmocka_unit_test(keccak_known),
    cmocka_unit_test(keccak_like_the_slow_one),
    cmocka_unit_test(hmac_known),
    cmocka_unit_test(hmac_like_nettle),
    cmocka_unit_test(hkdf_known),
    cmocka_unit_test(hkdf_bound),
    cmocka_unit_test(digests_of_a_tpm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
