#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <nettle/chacha-poly1305.h>
#include <nettle/gcm.h>

#include "crypto/cf_aead.h"
#include "hex.h"

static cf_aead_alg_t const algs[] = { CF_AEAD_AES128GCM, CF_AEAD_AES256GCM, CF_AEAD_CHACHA20POLY1305 };

static void
known(void **state) {
  static struct { cf_aead_alg_t alg; char const *key, *nonce, *aad, *in, *want; } const cases[] = {
    /* McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 1, 2, 4, 13, 14, 16 */
    { CF_AEAD_AES128GCM, "00000000000000000000000000000000", "000000000000000000000000", "-", "-", "58e2fccefa7e3061367f1d57a4e7455a" },
    { CF_AEAD_AES128GCM, "00000000000000000000000000000000", "000000000000000000000000", "-", "00000000000000000000000000000000",
      "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf" },
    { CF_AEAD_AES128GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
      "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
      "5bc94fbc3221a5db94fae95ae7121a47" },
    { CF_AEAD_AES256GCM, "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "-", "-",
      "530f8afbc74536b9a963b4f1c4cb738b" },
    { CF_AEAD_AES256GCM, "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "-",
      "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" },
    { CF_AEAD_AES256GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
      "feedfacedeadbeeffeedfacedeadbeefabaddad2",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
      "76fc6ece0f4e1768cddf8853bb2d551b" },
    /* RFC 8439, 2.8.2 */
    { CF_AEAD_CHACHA20POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", "070000004041424344454647",
      "50515253c0c1c2c3c4c5c6c7",
      "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920636f756c64206f6666657220796f"
      "75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73637265656e20776f756c642062652069742e",
      "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67e"
      "cd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a"
      "7e902ecbd0600691" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t     key[HEX_MAX], nonce[HEX_MAX], aad_buf[HEX_MAX], in_buf[HEX_MAX], out[HEX_MAX];
    cf_span_t   aad = unhex(aad_buf, cases[i].aad), in = unhex(in_buf, cases[i].in);
    cf_aead_t  *aead = cf_aead_new(cases[i].alg);
    assert_int_equal(unhex(key, cases[i].key).len, cf_aead_key_sz(cases[i].alg));
    unhex(nonce, cases[i].nonce);
    cf_aead_seal(aead, out, key, nonce, aad, in);
    assert_bytes(out, in.len + CF_AEAD_TAG_SZ, cases[i].want);
    assert_int_equal(cf_aead_open(aead, out, key, nonce, aad, CF_SPAN(out, in.len + CF_AEAD_TAG_SZ)), CF_OK);
    assert_memory_equal(out, in.ptr, in.len);
    cf_aead_free(aead);
  }
}

static void
nettle_seal(cf_aead_alg_t alg, uint8_t *out, uint8_t const *key, uint8_t const *nonce, cf_span_t aad, cf_span_t in) {
  switch (alg) {
  case CF_AEAD_AES128GCM: {
    struct gcm_aes128_ctx ctx;
    gcm_aes128_set_key(&ctx, key);
    gcm_aes128_set_iv(&ctx, 12, nonce);
    gcm_aes128_update(&ctx, aad.len, aad.ptr);
    gcm_aes128_encrypt(&ctx, in.len, out, in.ptr);
    gcm_aes128_digest(&ctx, 16, out + in.len);
    return;
  }
  case CF_AEAD_AES256GCM: {
    struct gcm_aes256_ctx ctx;
    gcm_aes256_set_key(&ctx, key);
    gcm_aes256_set_iv(&ctx, 12, nonce);
    gcm_aes256_update(&ctx, aad.len, aad.ptr);
    gcm_aes256_encrypt(&ctx, in.len, out, in.ptr);
    gcm_aes256_digest(&ctx, 16, out + in.len);
    return;
  }
  case CF_AEAD_CHACHA20POLY1305: {
    struct chacha_poly1305_ctx ctx;
    chacha_poly1305_set_key(&ctx, key);
    chacha_poly1305_set_nonce(&ctx, nonce);
    chacha_poly1305_update(&ctx, aad.len, aad.ptr);
    chacha_poly1305_encrypt(&ctx, in.len, out, in.ptr);
    chacha_poly1305_digest(&ctx, 16, out + in.len);
    return;
  }
  }
}

/* One context over keys kept, changed and changed back, sealing and opening in turn, good and bad: what is left of the
   last call never shows.  The order comes from a fixed stream. */
static void
one_context_like_nettle(void **state) {
  cf_drbg_t d;
  cf_drbg_init(&d, &(cf_hash_t){ { 'a', 'e', 'a', 'd' } });
  cf_entropy_t e = cf_drbg_entropy(&d);
  uint8_t      keys[3][32], bytes[600], want[700], out[700];
  cf_entropy_fill(&e, keys, sizeof keys);
  memcpy(keys[2], keys[1], 31); /* keys that differ in the last byte only */
  for (size_t a = 0; a < 3; a++) {
    cf_aead_t *aead = cf_aead_new(algs[a]);
    for (int i = 0; i < 3000; i++) {
      uint8_t dice[8], nonce[12];
      cf_entropy_fill(&e, dice, sizeof dice);
      cf_entropy_fill(&e, nonce, sizeof nonce);
      cf_entropy_fill(&e, bytes, sizeof bytes);
      uint8_t const  *key = keys[dice[0] % 3];
      cf_span_t const aad = CF_SPAN(bytes + 300, dice[1]), in = CF_SPAN(bytes, dice[2] + dice[3] % 40);
      nettle_seal(algs[a], want, key, nonce, aad, in);
      if (dice[4] & 1) {
        cf_aead_seal(aead, out, key, nonce, aad, in);
        assert_memory_equal(out, want, in.len + CF_AEAD_TAG_SZ);
        continue;
      }
      bool bad = dice[4] & 2;
      if (bad) want[(dice[5] | dice[6] << 8) % (in.len + CF_AEAD_TAG_SZ)] ^= (uint8_t)(1 << dice[7] % 8);
      memset(out, 0x5a, sizeof out);
      cf_status_t st = cf_aead_open(aead, out, key, nonce, aad, CF_SPAN(want, in.len + CF_AEAD_TAG_SZ));
      assert_int_equal(st, bad ? CF_ERR_AUTH : CF_OK);
      for (size_t k = 0; k < in.len; k++) assert_int_equal(out[k], bad ? 0 : in.ptr[k]); /* wiped, or the plaintext */
      assert_int_equal(out[in.len], 0x5a);
    }
    cf_aead_free(aead);
  }
  cf_aead_free(NULL);
}

/* Every number of whole blocks around those that go together, in place, and lengths between. */
static void
lengths(void **state) {
  static uint8_t in[1300], want[1316], box[1316];
  uint8_t const  key[32] = { 9, 8, 7 }, nonce[12] = { 0xff, 1 };
  for (size_t i = 0; i < sizeof in; i++) in[i] = (uint8_t)(i * 13 + i / 256);
  for (size_t a = 0; a < 3; a++) {
    cf_aead_t *aead = cf_aead_new(algs[a]);
    for (size_t n = 0; n <= sizeof in; n += n < 290 ? 1 : 29) {
      cf_span_t aad = CF_SPAN(in, (n * 7) % 300);
      nettle_seal(algs[a], want, key, nonce, aad, CF_SPAN(in, n));
      memcpy(box, in, n);
      cf_aead_seal(aead, box, key, nonce, aad, CF_SPAN(box, n));
      assert_memory_equal(box, want, n + CF_AEAD_TAG_SZ);
      assert_int_equal(cf_aead_open(aead, box, key, nonce, aad, CF_SPAN(box, n + CF_AEAD_TAG_SZ)), CF_OK);
      assert_memory_equal(box, in, n);
    }
    cf_aead_free(aead);
  }
}

static void
refused(void **state) {
  uint8_t const key[32] = { 1 }, nonce[12] = { 2 };
  for (size_t a = 0; a < 3; a++) {
    uint8_t    box[CF_AEAD_TAG_SZ + 5], out[16];
    cf_aead_t *aead = cf_aead_new(algs[a]);
    for (size_t n = 0; n < CF_AEAD_TAG_SZ; n++) {
      assert_int_equal(cf_aead_open(aead, out, key, nonce, CF_SPAN(NULL, 0), CF_SPAN(box, n)), CF_ERR_FORMAT);
    }
    assert_int_equal(cf_aead_open(aead, out, key, nonce, CF_SPAN(NULL, 0), CF_SPAN(box, 1ull << 31)), CF_ERR_BOUND);
    assert_int_equal(cf_aead_open(aead, out, key, nonce, CF_SPAN(box, 1ull << 31), CF_SPAN_OF(box)), CF_ERR_BOUND);
    cf_aead_seal(aead, box, key, nonce, CF_SPAN_LIT("aad"), CF_SPAN_LIT("hello"));
    assert_int_equal(cf_aead_open(aead, out, key, nonce, CF_SPAN_LIT("aad"), CF_SPAN_OF(box)), CF_OK);
    assert_int_equal(cf_aead_open(aead, out, key, nonce, CF_SPAN_LIT("aae"), CF_SPAN_OF(box)), CF_ERR_AUTH);
    assert_int_equal(cf_aead_open(aead, out, key, nonce, CF_SPAN_LIT("aa"), CF_SPAN_OF(box)), CF_ERR_AUTH);
    assert_int_equal(cf_aead_open(aead, out, key, nonce, CF_SPAN(NULL, 0), CF_SPAN_OF(box)), CF_ERR_AUTH);
    assert_int_equal(cf_aead_open(aead, out, key, nonce, CF_SPAN_LIT("aad"), CF_SPAN(box, sizeof box - 1)), CF_ERR_AUTH);
    uint8_t other_nonce[12] = { 3 };
    assert_int_equal(cf_aead_open(aead, out, key, other_nonce, CF_SPAN_LIT("aad"), CF_SPAN_OF(box)), CF_ERR_AUTH);
    cf_aead_free(aead);
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(known), cmocka_unit_test(one_context_like_nettle), cmocka_unit_test(lengths), cmocka_unit_test(refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
