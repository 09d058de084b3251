#include "evidence/cf_cca.h"

#include "crypto/cf_hash.h"

#define TAG_DRAFT 399
#define TAG_LATER 907
#define PLATFORM_TOKEN 44234
#define REALM_TOKEN 44241

/* ---- claims ---- */

enum { NONCE = 10, PROFILE = 265 };
enum { INSTANCE = 256, LIFECYCLE = 2395, IMPLEMENTATION = 2396, COMPONENTS = 2399, SERVICE, CONFIG, PLATFORM_HASH };
enum { PERSONALIZATION = 44235, REALM_HASH, RAK, RIM, REMS, RAK_HASH };

static bool is_hash_sz(size_t n) { return n == 32 || n == 48 || n == 64; }

static cf_span_t rd_hash(cf_rd_t *rd) {
  cf_span_t s = cf_cbor_bstr(rd);
  if (!is_hash_sz(s.len)) rd->bad = true;
  return s;
}

/* {1: type, 2: measurement, 4: version, 5: signer, 6: algorithm}: of the right kinds, each once.  They are counted, not kept:
   policy on them reads them anew from the payload that was verified. */
static void rd_components(cf_rd_t *rd, cf_cca_token_t *t) {
  t->component_cnt = cf_cbor_array(rd);
  if (t->component_cnt > CF_CCA_COMPONENTS_MAX) rd->bad = true;
  for (size_t i = 0; i < t->component_cnt && !rd->bad; i++) {
    uint32_t seen = 0;
    for (cf_foreign_map_t m = cf_foreign_map(rd); cf_foreign_more(&m);) {
      uint64_t key = cf_cbor_uint(rd);
      if (key == 2 || key == 5) (void)cf_cbor_bstr(rd);
      else if (key == 1 || key == 4 || key == 6) (void)cf_cbor_tstr(rd);
      else rd->bad = true;
      if (!rd->bad && seen >> key & 1) rd->bad = true;
      if (!rd->bad) seen |= 1u << key;
    }
    if (!(seen & 1u << 2) || !(seen & 1u << 5)) rd->bad = true;
  }
}

/* Each reads the value of one claim; false: no claim of this token. */
typedef bool claim_fn(cf_rd_t *rd, cf_cca_token_t *t, int64_t key);

static bool platform_claim(cf_rd_t *rd, cf_cca_token_t *t, int64_t key) {
  switch (key) {
  case NONCE:
    t->platform_nonce = rd_hash(rd);
    return true;
  case PROFILE:
    t->profile = cf_foreign_tstr(rd, 0, CF_FOREIGN_NAME_MAX);
    return true;
  case INSTANCE:
    t->instance_id = cf_foreign_bstr(rd, 33, 33);
    if (!rd->bad && t->instance_id.ptr[0] != 1) rd->bad = true;
    return true;
  case LIFECYCLE: {
    uint64_t v = cf_cbor_uint(rd);
    if (v > UINT16_MAX) rd->bad = true;
    t->lifecycle = (uint32_t)v;
    return true;
  }
  case IMPLEMENTATION:
    t->implementation_id = cf_foreign_bstr(rd, 32, 32);
    return true;
  case COMPONENTS:
    rd_components(rd, t);
    return true;
  case CONFIG:
    t->config = cf_cbor_bstr(rd);
    return true;
  case SERVICE:
  case PLATFORM_HASH:
    (void)cf_cbor_tstr(rd);
    return true;
  }
  return false;
}

static void rd_rems(cf_rd_t *rd, cf_cca_token_t *t) {
  if (cf_cbor_array(rd) != CF_CCA_REM_CNT) rd->bad = true;
  for (size_t i = 0; i < CF_CCA_REM_CNT && !rd->bad; i++) t->rem[i] = rd_hash(rd);
}

static bool realm_claim(cf_rd_t *rd, cf_cca_token_t *t, int64_t key) {
  switch (key) {
  case NONCE:
    t->challenge = cf_foreign_bstr(rd, 64, 64);
    return true;
  case PROFILE:
    (void)cf_cbor_tstr(rd);
    return true;
  case PERSONALIZATION:
    t->personalization = cf_foreign_bstr(rd, 64, 64);
    return true;
  case REALM_HASH:
    t->realm_hash = cf_foreign_tstr(rd, 0, CF_FOREIGN_NAME_MAX);
    return true;
  case RAK:
    t->rak = cf_cbor_bstr(rd);
    return true;
  case RIM:
    t->rim = rd_hash(rd);
    return true;
  case REMS:
    rd_rems(rd, t);
    return true;
  case RAK_HASH:
    t->rak_hash = cf_cbor_tstr(rd);
    return true;
  }
  return false;
}

#define CLAIMS_MAX 16

static int64_t const platform_due[] = {NONCE, PROFILE, INSTANCE, LIFECYCLE, IMPLEMENTATION, COMPONENTS, CONFIG, PLATFORM_HASH};
static int64_t const realm_due[] = {NONCE, PERSONALIZATION, REALM_HASH, RAK, RIM, REMS, RAK_HASH};
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static bool is_in(int64_t const *list, size_t cnt, int64_t v) {
  for (size_t i = 0; i < cnt; i++)
    if (list[i] == v) return true;
  return false;
}

static cf_status_t read_claims(cf_cca_token_t *t, cf_span_t payload, claim_fn *claim, int64_t const *due, size_t due_cnt,
                               char const *item, cf_error_t *err) {
  cf_rd_t rd = cf_rd_span(payload);
  int64_t seen[CLAIMS_MAX];
  size_t  cnt = 0;
  for (cf_foreign_map_t m = cf_foreign_map(&rd); cf_foreign_more(&m);) {
    int64_t key = cf_cbor_int(&rd);
    if (rd.bad) break;
    if (cnt == CLAIMS_MAX || is_in(seen, cnt, key))
      return cf_error_set(err, CF_ERR_FORMAT, item, rd.pos, "claim %lld stands twice", (long long)key);
    seen[cnt++] = key;
    if (!claim(&rd, t, key))
      return cf_error_set(err, CF_ERR_UNSUPPORTED, item, rd.pos, "claim %lld is one that this verifier does not know",
                          (long long)key);
    if (rd.bad) return cf_error_set(err, CF_ERR_FORMAT, item, rd.pos, "claim %lld is not what it must be", (long long)key);
  }
  if (!cf_rd_done(&rd)) return cf_error_set(err, CF_ERR_FORMAT, item, rd.pos, "not one map of numbered claims");
  for (size_t i = 0; i < due_cnt; i++)
    if (!is_in(seen, cnt, due[i])) return cf_error_set(err, CF_ERR_FORMAT, item, 0, "claim %lld is missing", (long long)due[i]);
  return CF_OK;
}

/* ---- the realm's key: {1: 2, -1: curve, -2: x, -3: y} (RFC 9053, 7.1), or 04 || x || y ---- */

static cf_status_t read_rak(cf_key_t *out, cf_span_t in) {
  cf_rd_t  rd = cf_rd_span(in);
  cf_key_t key = {.kind = CF_KEY_P384, .sz = 96};
  if (in.len == 97 && in.ptr[0] == 4) {
    memcpy(key.b, in.ptr + 1, key.sz);
    *out = key;
    return CF_OK;
  }
  size_t seen = 0;
  for (cf_cbor_map_t m = cf_cbor_map(&rd); cf_cbor_next(&m) && !rd.bad; seen++) {
    size_t half = key.sz / 2;
    if (m.is_text) rd.bad = true;
    else if (m.key == 1 && cf_cbor_uint(&rd) != 2) return CF_ERR_UNSUPPORTED;
    else if (m.key == -1) {
      uint64_t curve = cf_cbor_uint(&rd);
      if (curve == 1) key = (cf_key_t){.kind = CF_KEY_P256, .sz = 64};
      else if (curve != 2) return CF_ERR_UNSUPPORTED;
    } else if (m.key == -2) cf_cbor_bstr_fixed(&rd, key.b, half);
    else if (m.key == -3) cf_cbor_bstr_fixed(&rd, key.b + half, half);
    else if (m.key != 1) rd.bad = true;
  }
  if (!cf_rd_done(&rd) || seen != 4) return CF_ERR_FORMAT; /* sorted: the curve comes before its numbers */
  *out = key;
  return CF_OK;
}

/* ---- the token ---- */

cf_status_t cf_cca_token_decode(cf_cca_token_t *out, cf_span_t in, cf_error_t *err) {
  cf_cca_token_t t = {0};
  cf_rd_t        rd = cf_rd_span(in);
  cf_span_t      platform = {0}, realm = {0};
  if (in.len > CF_CCA_TOKEN_MAX)
    return cf_error_set(err, CF_ERR_BOUND, "token", 0, "%zu bytes, more than %d", in.len, CF_CCA_TOKEN_MAX);
  t.tag = cf_cbor_tag(&rd);
  for (cf_foreign_map_t m = cf_foreign_map(&rd); cf_foreign_more(&m);) {
    int64_t    key = cf_cbor_int(&rd);
    cf_span_t *at = key == PLATFORM_TOKEN ? &platform : &realm;
    if ((key != PLATFORM_TOKEN && key != REALM_TOKEN) || at->ptr) rd.bad = true;
    *at = cf_foreign_bstr(&rd, 1, CF_FOREIGN_SIGN1_MAX);
  }
  if (!cf_rd_done(&rd) || !platform.len || !realm.len)
    return cf_error_set(err, CF_ERR_FORMAT, "token", rd.pos, "not a platform's token and a realm's");
  if (t.tag != TAG_DRAFT && t.tag != TAG_LATER)
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "token", 0, "tag %llu", (unsigned long long)t.tag);
  cf_status_t st = cf_foreign_sign1_decode(&t.platform, platform, false, "token.platform", err);
  if (!st) st = cf_foreign_sign1_decode(&t.realm, realm, false, "token.realm", err);
  if (!st) st = read_claims(&t, t.platform.payload, platform_claim, platform_due, COUNT(platform_due), "token.platform", err);
  if (!st) st = read_claims(&t, t.realm.payload, realm_claim, realm_due, COUNT(realm_due), "token.realm", err);
  if (st) return st;
  st = read_rak(&t.rak_key, t.rak);
  if (st) return cf_error_set(err, st, "token.realm", 0, "the realm's key is not of P-256 or P-384, in a form that is known");
  *out = t;
  return CF_OK;
}

/* ---- verification ---- */

typedef struct {
  cf_cca_ask_t const *ask;
  cf_cca_facts_t     *f;
  cf_verdict_t       *v;
} run_t;

static cf_verdict_code_t check_token(run_t *r) {
  cf_error_t err = {0};
  if (cf_cca_token_decode(&r->f->token, r->ask->token, &err)) return cf_verdict_error(r->v, &err);
  r->f->read = true;
  r->f->secured = r->f->token.lifecycle >> 8 == 0x30;
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_platform(run_t *r) {
  if (cf_foreign_sign1_verify(&r->f->token.platform, r->ask->cpak))
    return cf_verdict_set(r->v, CF_VERDICT_SIGNATURE, "token.platform", 0, "the machine's key did not sign the platform's token");
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_realm(run_t *r) {
  if (cf_foreign_sign1_verify(&r->f->token.realm, &r->f->token.rak_key))
    return cf_verdict_set(r->v, CF_VERDICT_SIGNATURE, "token.realm", 0, "the realm's key did not sign the realm's token");
  return CF_VERDICT_OK;
}

/* The realm's token proves nothing alone, as anybody can make a key.  The hash is over the key's bytes as they stand. */
static cf_verdict_code_t check_binding(run_t *r) {
  static struct {
    char const *name;
    uint16_t    alg; /* TPM_ALG_ID */
  } const algs[] = {{"sha-256", 0x000b}, {"sha-384", 0x000c}, {"sha-512", 0x000d}};
  cf_cca_token_t const *t = &r->f->token;
  uint8_t               digest[64];
  for (size_t i = 0; i < COUNT(algs); i++) {
    if (!cf_span_eq(t->rak_hash, CF_SPAN(algs[i].name, strlen(algs[i].name)))) continue;
    size_t n = cf_digest_tpm(digest, algs[i].alg, t->rak);
    if (cf_span_eq(t->platform_nonce, CF_SPAN(digest, n))) return CF_VERDICT_OK;
    return cf_verdict_set(r->v, CF_VERDICT_BINDING, "token.platform", 0, "the platform vouches for the key of another realm");
  }
  return cf_verdict_set(r->v, CF_VERDICT_UNSUPPORTED, "token.realm", 0, "the hash of the key is none of SHA-256, 384, 512");
}

static cf_verdict_code_t check_challenge(run_t *r) {
  uint8_t   want[64] = {0};
  cf_span_t asked = r->ask->challenge;
  if (!asked.len) return CF_VERDICT_OK;
  if (asked.len <= sizeof want) memcpy(want, asked.ptr, asked.len);
  if (asked.len > sizeof want || !cf_span_eq(r->f->token.challenge, CF_SPAN_OF(want)))
    return cf_verdict_set(r->v, CF_VERDICT_NONCE, "token.realm", 0, "the token answers another challenge");
  return CF_VERDICT_OK;
}

static struct {
  char const *name, *what;
  cf_verdict_code_t (*fn)(run_t *r);
} const checks[] = {
    {"token", "two COSE_Sign1 with ES256 or ES384, nothing unprotected, every claim once, known and in its bounds", check_token},
    {"platform", "signed by the machine's key, which the asker has", check_platform},
    {"realm", "signed by the key in its own claims", check_realm},
    {"binding", "the platform's nonce is the hash of that key, as it stands", check_binding},
    {"challenge", "what is expected, all 64 bytes", check_challenge},
};

bool cf_cca_row(char const **name, char const **what, size_t k) {
  if (k >= COUNT(checks)) return false;
  *name = checks[k].name;
  *what = checks[k].what;
  return true;
}

cf_verdict_code_t cf_cca_verify(cf_cca_facts_t *out, cf_cca_ask_t const *ask, cf_verdict_t *v) {
  run_t             r = {.ask = ask, .f = out, .v = v};
  cf_verdict_code_t code = CF_VERDICT_OK;
  *out = (cf_cca_facts_t){0};
  for (size_t k = 0; k < COUNT(checks) && !code; k++) code = checks[k].fn(&r);
  return code;
}
