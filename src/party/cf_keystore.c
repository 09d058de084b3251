#include "party/cf_keystore.h"

#include "base/cf_secret.h"
#include "base/cf_text.h"
#include "codec/cf_json.h"
#include "crypto/cf_hash.h"
#include "crypto/cf_password.h"

enum { VERSION = 3, KEY_SZ = 32 };

/* ---- reading ---- */

static cf_status_t bad(cf_error_t *err, char const *item) {
  return cf_error_set(err, CF_ERR_FORMAT, item, 0, "missing, or not a value that it can have");
}

/* An object's members are those named (NULL ends them), and no others. */
static bool only(cf_json_t obj, char const *const *names) {
  cf_span_t key;
  cf_json_t v;
  for (size_t at = 0; cf_json_each(obj, &at, &key, &v);) {
    char const *const *n = names;
    while (*n && !cf_span_eq(key, CF_SPAN(*n, strlen(*n)))) n++;
    if (!*n) return false;
  }
  return obj.type == CF_JSON_OBJECT;
}

static bool text_is(cf_json_t v, char const *want) {
  char text[32];
  return !cf_json_str(text, sizeof text, v) && !strcmp(text, want);
}

static cf_status_t read_kdf(cf_keystore_t *k, cf_json_t crypto, cf_error_t *err) {
  static char const *const scrypt[] = {"dklen", "n", "p", "r", "salt", NULL}, *const pbkdf2[] = {"c", "dklen", "prf", "salt", NULL};
  cf_json_t                params = cf_json_get(crypto, "kdfparams"), kdf = cf_json_get(crypto, "kdf"), salt = cf_json_get(params, "salt");
  uint64_t                 dklen = 0;
  if (text_is(kdf, "scrypt")) k->kdf = CF_KEYSTORE_SCRYPT;
  else if (text_is(kdf, "pbkdf2")) k->kdf = CF_KEYSTORE_PBKDF2;
  else return cf_error_set(err, CF_ERR_UNSUPPORTED, "keystore.crypto.kdf", 0, "scrypt and pbkdf2 are what is read");
  bool scrypts = k->kdf == CF_KEYSTORE_SCRYPT;
  if (!only(params, scrypts ? scrypt : pbkdf2) || cf_json_u64(&dklen, cf_json_get(params, "dklen")) || salt.type != CF_JSON_STRING ||
      salt.text.len % 2)
    return bad(err, "keystore.crypto.kdfparams");
  k->salt_sz = (salt.text.len - 2) / 2;
  if (dklen != KEY_SZ || k->salt_sz > CF_KEYSTORE_SALT_MAX)
    return cf_error_set(err, CF_ERR_BOUND, "keystore.crypto.kdfparams", 0, "a key of 32 bytes and a salt of %d at most are taken",
                        CF_KEYSTORE_SALT_MAX);
  if (cf_json_hex(k->salt, k->salt_sz, salt)) return bad(err, "keystore.crypto.kdfparams.salt");
  if (!scrypts && !text_is(cf_json_get(params, "prf"), "hmac-sha256"))
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "keystore.crypto.kdfparams.prf", 0, "hmac-sha256 is what is read");
  if (scrypts ? cf_json_u64(&k->n, cf_json_get(params, "n")) || cf_json_u64(&k->r, cf_json_get(params, "r")) ||
                    cf_json_u64(&k->p, cf_json_get(params, "p"))
              : cf_json_u64(&k->rounds, cf_json_get(params, "c")))
    return bad(err, "keystore.crypto.kdfparams");
  return CF_OK;
}

/* "0x" may stand before it. */
static cf_status_t read_addr(cf_keystore_t *k, cf_json_t v, cf_error_t *err) {
  char text[43];
  if (v.type == CF_JSON_BAD) return CF_OK;
  if (cf_json_str(text, sizeof text, v)) return bad(err, "keystore.address");
  size_t skip = strncmp(text, "0x", 2) ? 0 : 2;
  k->has_addr = true;
  return cf_hex_decode(k->addr.b, sizeof k->addr.b, CF_SPAN(text + skip, strlen(text + skip))) ? bad(err, "keystore.address") : CF_OK;
}

static cf_status_t read_id(cf_keystore_t *k, cf_json_t v, cf_error_t *err) {
  static uint8_t const part[] = {4, 2, 2, 2, 6};
  char                 text[37];
  if (v.type == CF_JSON_BAD || v.type == CF_JSON_NULL) return CF_OK;
  if (cf_json_str(text, sizeof text, v) || strlen(text) != 36) return bad(err, "keystore.id");
  for (size_t i = 0, at = 0, from = 0; i < sizeof part; from += part[i++], at++) {
    if (cf_hex_decode(k->id + from, part[i], CF_SPAN(text + at, 2u * part[i]))) return bad(err, "keystore.id");
    at += 2u * part[i];
    if (i < 4 && text[at] != '-') return bad(err, "keystore.id");
  }
  return CF_OK;
}

static cf_status_t read_crypto(cf_keystore_t *k, cf_json_t c, cf_error_t *err) {
  static char const *const names[] = {"cipher", "cipherparams", "ciphertext", "kdf", "kdfparams", "mac", NULL}, *const iv[] = {"iv", NULL};
  if (!only(c, names)) return bad(err, "keystore.crypto");
  if (!text_is(cf_json_get(c, "cipher"), "aes-128-ctr"))
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "keystore.crypto.cipher", 0, "aes-128-ctr is what is read");
  cf_json_t params = cf_json_get(c, "cipherparams");
  if (!only(params, iv) || cf_json_hex(k->iv, sizeof k->iv, cf_json_get(params, "iv"))) return bad(err, "keystore.crypto.cipherparams");
  if (cf_json_hex(k->ciphertext, sizeof k->ciphertext, cf_json_get(c, "ciphertext"))) return bad(err, "keystore.crypto.ciphertext");
  if (cf_json_hex(k->mac, sizeof k->mac, cf_json_get(c, "mac"))) return bad(err, "keystore.crypto.mac");
  return read_kdf(k, c, err);
}

cf_status_t cf_keystore_decode(cf_keystore_t *out, cf_span_t in, cf_error_t *err) {
  cf_keystore_t k = {0};
  cf_json_t     root;
  uint64_t      version;
  if (in.len > CF_KEYSTORE_MAX) return cf_error_set(err, CF_ERR_BOUND, "keystore", 0, "over %d bytes", CF_KEYSTORE_MAX);
  cf_status_t st = cf_json_parse(&root, in, err);
  if (st) return st;
  if (cf_json_u64(&version, cf_json_get(root, "version"))) return bad(err, "keystore.version");
  if (version != VERSION) return cf_error_set(err, CF_ERR_UNSUPPORTED, "keystore.version", 0, "3 is what is read");
  st = read_crypto(&k, cf_json_get(root, "crypto"), err);
  if (!st) st = read_addr(&k, cf_json_get(root, "address"), err);
  if (!st) st = read_id(&k, cf_json_get(root, "id"), err);
  if (!st) *out = k;
  return st;
}

/* ---- opening and making ---- */

static cf_status_t derive(uint8_t key[KEY_SZ], cf_keystore_t const *k, cf_span_t password) {
  cf_span_t salt = CF_SPAN(k->salt, k->salt_sz);
  switch (k->kdf) {
  case CF_KEYSTORE_SCRYPT: return cf_scrypt(key, password, salt, k->n, k->r, k->p);
  case CF_KEYSTORE_PBKDF2: return cf_pbkdf2(key, password, salt, k->rounds);
  }
  return CF_ERR_UNSUPPORTED;
}

static cf_hash_t mac_of(cf_keystore_t const *k, uint8_t const key[KEY_SZ]) {
  uint8_t both[16 + KEY_SZ];
  memcpy(both, key + 16, 16);
  memcpy(both + 16, k->ciphertext, KEY_SZ);
  cf_hash_t mac = cf_keccak256(CF_SPAN_OF(both));
  cf_wipe(both, sizeof both);
  return mac;
}

cf_status_t cf_keystore_open(uint8_t scalar[32], cf_keystore_t const *k, cf_span_t password, cf_error_t *err) {
  uint8_t   key[KEY_SZ] = {0};
  cf_addr_t addr;
  memset(scalar, 0, KEY_SZ);
  cf_status_t st = derive(key, k, password);
  if (st) {
    cf_error_set(err, st, "keystore.crypto.kdfparams", 0, st == CF_ERR_BOUND ? "it asks for more work than is done" : "no memory for it");
    goto out;
  }
  cf_hash_t mac = mac_of(k, key);
  if (!cf_ct_eq(mac.b, k->mac, sizeof mac.b)) {
    st = cf_error_set(err, CF_ERR_AUTH, "keystore", 0, "not the password, or not the file that was written");
    goto out;
  }
  cf_aes128_ctr(scalar, CF_SPAN_OF(k->ciphertext), key, k->iv);
  if (cf_k256_addr(&addr, scalar)) st = cf_error_set(err, CF_ERR_FORMAT, "keystore.crypto.ciphertext", 0, "opened, and no secp256k1 key");
  else if (k->has_addr && !cf_addr_eq(&addr, &k->addr))
    st = cf_error_set(err, CF_ERR_POLICY, "keystore.address", 0, "names another account than the key's");
out:
  cf_wipe(key, sizeof key);
  if (st) cf_wipe(scalar, KEY_SZ);
  return st;
}

cf_status_t cf_keystore_make(cf_keystore_t *out, uint8_t const scalar[32], cf_span_t password, uint64_t n, cf_entropy_t const *e) {
  cf_keystore_t k = {.has_addr = true, .kdf = CF_KEYSTORE_SCRYPT, .n = n, .r = 8, .p = 1, .salt_sz = 32};
  uint8_t       key[KEY_SZ] = {0};
  if (cf_k256_addr(&k.addr, scalar)) return CF_ERR_FORMAT;
  cf_entropy_fill(e, k.salt, k.salt_sz);
  cf_entropy_fill(e, k.iv, sizeof k.iv);
  cf_entropy_fill(e, k.id, sizeof k.id);
  k.id[6] = (uint8_t)(0x40 | (k.id[6] & 15)); /* RFC 9562, version 4 */
  k.id[8] = (uint8_t)(0x80 | (k.id[8] & 63));
  cf_status_t st = derive(key, &k, password);
  if (!st) {
    cf_aes128_ctr(k.ciphertext, CF_SPAN(scalar, KEY_SZ), key, k.iv);
    cf_hash_t mac = mac_of(&k, key);
    memcpy(k.mac, mac.b, sizeof k.mac);
    *out = k;
  }
  cf_wipe(key, sizeof key);
  return st;
}

void cf_keystore_write(cf_wr_t *wr, cf_keystore_t const *k) {
  static uint8_t const none[16], part[] = {4, 2, 2, 2, 6};
  cf_jw_t              j = cf_jw_init(wr);
  char                 id[37], *at = id;
  cf_jw_obj(&j, NULL);
  if (k->has_addr) cf_jw_hex(&j, "address", CF_SPAN_OF(k->addr.b));
  cf_jw_obj(&j, "crypto");
  cf_jw_str(&j, "cipher", "aes-128-ctr");
  cf_jw_obj(&j, "cipherparams");
  cf_jw_hex(&j, "iv", CF_SPAN_OF(k->iv));
  cf_jw_end(&j, '}');
  cf_jw_hex(&j, "ciphertext", CF_SPAN_OF(k->ciphertext));
  cf_jw_str(&j, "kdf", k->kdf == CF_KEYSTORE_SCRYPT ? "scrypt" : "pbkdf2");
  cf_jw_obj(&j, "kdfparams");
  cf_jw_u64(&j, "dklen", KEY_SZ);
  if (k->kdf == CF_KEYSTORE_SCRYPT) {
    cf_jw_u64(&j, "n", k->n);
    cf_jw_u64(&j, "p", k->p);
    cf_jw_u64(&j, "r", k->r);
  } else {
    cf_jw_u64(&j, "c", k->rounds);
    cf_jw_str(&j, "prf", "hmac-sha256");
  }
  cf_jw_hex(&j, "salt", CF_SPAN(k->salt, k->salt_sz));
  cf_jw_end(&j, '}');
  cf_jw_hex(&j, "mac", CF_SPAN_OF(k->mac));
  cf_jw_end(&j, '}');
  if (memcmp(k->id, none, sizeof none)) {
    for (size_t i = 0, from = 0; i < sizeof part; from += part[i++]) {
      cf_hex_encode(at, CF_SPAN(k->id + from, part[i]));
      at += 2u * part[i];
      *at++ = i < 4 ? '-' : 0;
    }
    cf_jw_str(&j, "id", id);
  }
  cf_jw_u64(&j, "version", VERSION);
  cf_jw_end(&j, '}');
  cf_wr_u8(wr, '\n');
}
