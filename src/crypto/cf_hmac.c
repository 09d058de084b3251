/* HMAC (RFC 2104) and HKDF (RFC 5869). */
#include "crypto/cf_hmac.h"

#include <assert.h>

#include "base/cf_secret.h"
#include "crypto/cf_hash.h"

void
cf_hmac_key(cf_hmac_t *mac, cf_span_t key) {
  uint8_t   block[64] = { 0 };
  cf_hash_t hashed    = { { 0 } };
  if (key.len > sizeof block) {
    hashed = cf_sha256(key);
    key    = CF_SPAN_OF(hashed.b);
  }
  if (key.len) memcpy(block, key.ptr, key.len);
  for (size_t i = 0; i < sizeof block; i++) block[i] ^= 0x36;
  cf_sha256_init(&mac->in);
  cf_sha256_add(&mac->in, block, sizeof block);
  for (size_t i = 0; i < sizeof block; i++) block[i] ^= 0x36 ^ 0x5c;
  cf_sha256_init(&mac->out);
  cf_sha256_add(&mac->out, block, sizeof block);
  cf_wipe(block, sizeof block);
  cf_wipe(&hashed, sizeof hashed);
}

static void
hmac_add(cf_hmac_t *mac, cf_span_t const *parts, size_t part_cnt) {
  for (size_t i = 0; i < part_cnt; i++) cf_sha256_s(&mac->in, parts[i]);
}

static cf_hash_t
hmac_end(cf_hmac_t *mac) {
  cf_hash_t h = cf_sha256_end(&mac->in);
  cf_sha256_h(&mac->out, &h);
  return cf_sha256_end(&mac->out);
}

cf_hash_t
cf_hmac_parts(cf_span_t key, cf_span_t const *parts, size_t part_cnt) {
  cf_hmac_t mac;
  cf_hmac_key(&mac, key);
  hmac_add(&mac, parts, part_cnt);
  cf_hash_t h = hmac_end(&mac);
  cf_wipe(&mac, sizeof mac);
  return h;
}

void
cf_hkdf_expand_parts(uint8_t *out, size_t out_sz, cf_hash_t const *prk, cf_span_t const *info, size_t part_cnt) {
  assert(out_sz <= 255 * sizeof prk->b);
  cf_hmac_t keyed, mac;
  cf_hmac_key(&keyed, CF_SPAN_OF(prk->b));
  cf_hash_t t = { { 0 } };
  for (size_t done = 0, i = 1; done < out_sz; i++) {
    mac = keyed;
    if (i > 1) cf_sha256_h(&mac.in, &t); /* T(0) is empty */
    hmac_add(&mac, info, part_cnt);
    cf_sha256_u(&mac.in, i, 1);
    t        = hmac_end(&mac);
    size_t n = out_sz - done < sizeof t.b ? out_sz - done : sizeof t.b;
    memcpy(out + done, t.b, n);
    done += n;
  }
  cf_wipe(&keyed, sizeof keyed);
  cf_wipe(&mac, sizeof mac);
  cf_wipe(&t, sizeof t);
}

cf_hash_t
cf_hmac_of(cf_hmac_t const *key, cf_span_t in) {
  cf_hmac_t mac = *key;
  hmac_add(&mac, &in, 1);
  cf_hash_t h = hmac_end(&mac);
  cf_wipe(&mac, sizeof mac);
  return h;
}

cf_hash_t
cf_hmac_sha256(cf_span_t key, cf_span_t in) {
  return cf_hmac_parts(key, &in, 1);
}

/* An absent salt is 32 zeros (RFC 5869, 2.2), which HMAC makes of an empty key by itself. */
cf_hash_t
cf_hkdf_extract(cf_span_t salt, cf_span_t ikm) {
  return cf_hmac_parts(salt, &ikm, 1);
}

void
cf_hkdf_expand(uint8_t *out, size_t out_sz, cf_hash_t const *prk, cf_span_t info) {
  cf_hkdf_expand_parts(out, out_sz, prk, &info, 1);
}
