#include "session/cf_envelope.h"

#include <assert.h>
#include <endian.h>

#include "base/cf_secret.h"
#include "base/cf_text.h"
#include "codec/cf_cbor.h"

enum { LABEL_ALG = 1, LABEL_KID = 4, LABEL_ENC = -4, LABEL_HEADER = -75100, TAG_ENCRYPT0 = 16, VERSION = 1, HEADER_ITEMS = 6 };
#define PROTECTED_MAX 256
#define LENGTH_SZ 4

static bool is_result(cf_envelope_kind_t kind) { return kind == CF_ENVELOPE_RESULT_KEY || kind == CF_ENVELOPE_RESULT_SESSION; }
static bool is_hpke(cf_envelope_kind_t kind) { return kind == CF_ENVELOPE_OPENING || kind == CF_ENVELOPE_RESULT_KEY; }

/* ---- padding ---- */

size_t cf_bucket(size_t content_sz) {
  size_t bucket = CF_BUCKET_MIN;
  while (bucket < CF_BUCKET_MAX && bucket - LENGTH_SZ < content_sz) bucket *= 2;
  return content_sz <= bucket - LENGTH_SZ ? bucket : 0;
}

static bool is_bucket(size_t n) { return n >= CF_BUCKET_MIN && n <= CF_BUCKET_MAX && (n & (n - 1)) == 0; }

void cf_pad(uint8_t *buf, size_t content_sz) {
  size_t  bucket = cf_bucket(content_sz);
  cf_wr_t head = cf_wr_init(buf, LENGTH_SZ);
  assert(bucket);
  cf_wr_u32(&head, (uint32_t)content_sz);
  memset(buf + LENGTH_SZ + content_sz, 0, bucket - LENGTH_SZ - content_sz);
}

cf_status_t cf_unpad(cf_span_t *content, cf_span_t bucket) {
  if (!is_bucket(bucket.len)) return CF_ERR_FORMAT; /* a bucket is whole words */
  cf_rd_t  rd = cf_rd_span(bucket);
  uint32_t n = cf_rd_u32(&rd);
  uint64_t end = (uint64_t)LENGTH_SZ + n, rest = 0;
  for (size_t i = 0; i < bucket.len; i += 8) {
    uint64_t word, left = end - i, part = left & -(uint64_t)(left < 8); /* content's bytes in this word: part, all or none */
    memcpy(&word, bucket.ptr + i, sizeof word);
    uint64_t behind = ~(uint64_t)0 << 4 * part << 4 * part; /* little-endian: the first byte is the lowest */
    rest |= le64toh(word) & behind & -(uint64_t)(left < 8 || end < i);
  }
  /* in time that depends on the bucket alone: zeros behind the content, which no smaller bucket would hold */
  bool broken = (rest != 0) | (end > bucket.len) | ((bucket.len > CF_BUCKET_MIN) & (end <= bucket.len / 2));
  cf_declassify(&broken, sizeof broken, "whether the padding holds");
  if (broken) return CF_ERR_FORMAT;
  cf_declassify(&n, sizeof n, "a content's length, once it is read");
  *content = CF_SPAN(bucket.ptr + LENGTH_SZ, n);
  return CF_OK;
}

/* ---- reading ---- */

void cf_session_id_of(uint8_t id[CF_SESSION_ID_SZ], uint8_t const enc[CF_HPKE_ENC_SZ]) {
  cf_hash_t h = cf_sha256(CF_SPAN(enc, CF_HPKE_ENC_SZ));
  memcpy(id, h.b, CF_SESSION_ID_SZ);
}

/* The suite whose algorithm of this form is alg; NULL when there is none.  *other: alg is one of the other form. */
static cf_suite_t const *suite_by_alg(int64_t alg, bool hpke, bool *other) {
  *other = false;
  for (uint64_t number = 1; number <= 3; number++) {
    cf_suite_t const *s = cf_suite(number);
    if (!s) continue;
    if ((hpke ? s->hpke_alg : s->session_alg) == alg) return s;
    *other |= (hpke ? s->session_alg : s->hpke_alg) == alg;
  }
  return NULL;
}

/* read_header reads H into env. */
static void read_header(cf_rd_t *rd, cf_envelope_t *env) {
  if (cf_cbor_array(rd) != HEADER_ITEMS || cf_cbor_uint(rd) != VERSION) rd->bad = true;
  env->domain = cf_cbor_hash(rd);
  env->epoch = cf_cbor_uint(rd);
  cf_cbor_bstr_fixed(rd, env->session, sizeof env->session);
  env->counter = cf_cbor_uint(rd);
  env->jurisdiction = cf_cbor_tstr(rd);
}

/* read_protected reads the protected map; kid is what stands under label 4. */
static bool read_protected(cf_envelope_t *env, int64_t *alg, cf_span_t *kid) {
  cf_rd_t  rd = cf_rd_span(env->protected_hdr);
  unsigned seen = 0;
  for (cf_cbor_map_t m = cf_cbor_map(&rd); cf_cbor_next(&m);) {
    if (m.is_text) return false;
    switch (m.key) {
    case LABEL_ALG:
      *alg = cf_cbor_int(&rd);
      seen |= 1;
      break;
    case LABEL_KID:
      *kid = cf_cbor_bstr(&rd);
      seen |= 2;
      break;
    case LABEL_HEADER:
      read_header(&rd, env);
      seen |= 4;
      break;
    default:
      return false;
    }
  }
  return cf_rd_done(&rd) && seen == 7;
}

/* The unprotected map is empty, or exactly {-4: enc}. */
static bool read_unprotected(cf_rd_t *rd, cf_envelope_t *env, bool *hpke) {
  *hpke = false;
  for (cf_cbor_map_t m = cf_cbor_map(rd); cf_cbor_next(&m); *hpke = true) {
    if (m.is_text || m.key != LABEL_ENC) return false;
    cf_cbor_bstr_fixed(rd, env->enc, sizeof env->enc);
  }
  return !rd->bad;
}

/* What must hold of the fields beyond their types. */
static bool fields_hold(cf_envelope_t *env, cf_span_t kid) {
  uint8_t id[CF_SESSION_ID_SZ];
  if (!is_bucket(env->ciphertext.len - CF_AEAD_TAG_SZ)) return false;
  if (is_hpke(env->kind) ? env->counter != 0 : env->counter == 0 || env->counter >= CF_SESSION_COUNTER_END) return false;
  if (is_result(env->kind) ? env->jurisdiction.len != 0 : env->jurisdiction.len - 1 >= CF_JURISDICTION_MAX) return false;
  if (env->kind == CF_ENVELOPE_SESSION) return cf_span_eq(kid, CF_SPAN_OF(env->session));
  if (kid.len != sizeof env->kid.b) return false;
  memcpy(env->kid.b, kid.ptr, kid.len);
  if (env->kind != CF_ENVELOPE_OPENING) return true;
  cf_session_id_of(id, env->enc);
  return memcmp(id, env->session, sizeof id) == 0;
}

static cf_refuse_t decode(cf_envelope_t *out, cf_span_t in, size_t max, bool result) {
  cf_envelope_t env = {0};
  cf_rd_t       rd = cf_rd_span(in);
  int64_t       alg = 0;
  cf_span_t     kid = {0};
  bool          hpke = false, other = false;
  if (in.len > max) return CF_REFUSE_TOO_LARGE;
  if (cf_cbor_tag(&rd) != TAG_ENCRYPT0 || cf_cbor_array(&rd) != 3) return CF_REFUSE_MALFORMED;
  env.protected_hdr = cf_cbor_bstr(&rd);
  if (!read_unprotected(&rd, &env, &hpke)) return CF_REFUSE_MALFORMED;
  env.ciphertext = cf_cbor_bstr(&rd);
  if (!cf_rd_done(&rd) || !read_protected(&env, &alg, &kid)) return CF_REFUSE_MALFORMED;

  env.suite = suite_by_alg(alg, hpke, &other);
  if (!env.suite) return other ? CF_REFUSE_MALFORMED : CF_REFUSE_SUITE;
  if (result) env.kind = hpke ? CF_ENVELOPE_RESULT_KEY : CF_ENVELOPE_RESULT_SESSION;
  else env.kind = hpke ? CF_ENVELOPE_OPENING : CF_ENVELOPE_SESSION;
  if (!fields_hold(&env, kid)) return CF_REFUSE_MALFORMED;
  *out = env;
  return CF_REFUSE_NONE;
}

cf_refuse_t cf_envelope_decode(cf_envelope_t *out, cf_span_t in, size_t max) { return decode(out, in, max, false); }
cf_refuse_t cf_envelope_decode_result(cf_envelope_t *out, cf_span_t in) { return decode(out, in, CF_ENVELOPE_MAX, true); }

/* ---- what the header alone decides ---- */

enum { SUITE_ALLOWED = 1, SUITE_DEPRECATED = 2 };

/* The state of a suite now: that of its row with the newest date reached. */
static uint64_t suite_state(cf_policy_t const *policy, uint64_t suite, uint64_t now_s) {
  cf_suite_row_t const *best = NULL;
  for (size_t i = 0; i < policy->suites_cnt; i++) {
    cf_suite_row_t const *row = &policy->suites[i];
    if (row->suite == suite && row->from <= now_s && (!best || row->from >= best->from)) best = row;
  }
  return best ? best->state : 0;
}

cf_refuse_t cf_envelope_admit(cf_envelope_t const *env, cf_hash_t const *domain, cf_policy_t const *policy, uint64_t now_s) {
  if (!cf_hash_eq(&env->domain, domain)) return CF_REFUSE_DOMAIN;
  uint64_t state = suite_state(policy, env->suite->number, now_s);
  if (state != SUITE_ALLOWED && state != SUITE_DEPRECATED) return CF_REFUSE_SUITE;
  for (size_t i = 0; i < policy->jurisdictions_cnt; i++)
    if (cf_span_eq(policy->jurisdictions[i], env->jurisdiction)) return CF_REFUSE_NONE;
  return CF_REFUSE_JURISDICTION;
}

/* ---- writing ---- */

static void write_protected(cf_wr_t *wr, cf_envelope_t const *env) {
  cf_cbor_w_map(wr, 3);
  cf_cbor_w_int(wr, LABEL_ALG);
  cf_cbor_w_int(wr, is_hpke(env->kind) ? env->suite->hpke_alg : env->suite->session_alg);
  cf_cbor_w_int(wr, LABEL_KID);
  cf_cbor_w_bstr(wr, env->kind == CF_ENVELOPE_SESSION ? CF_SPAN_OF(env->session) : CF_SPAN_OF(env->kid.b));
  cf_cbor_w_int(wr, LABEL_HEADER);
  cf_cbor_w_array(wr, HEADER_ITEMS);
  cf_cbor_w_uint(wr, VERSION);
  cf_cbor_w_hash(wr, &env->domain);
  cf_cbor_w_uint(wr, env->epoch);
  cf_cbor_w_bstr(wr, CF_SPAN_OF(env->session));
  cf_cbor_w_uint(wr, env->counter);
  cf_cbor_w_tstr(wr, env->jurisdiction);
}

uint8_t *cf_envelope_begin(cf_wr_t *wr, cf_envelope_t *env, size_t content_sz) {
  uint8_t buf[PROTECTED_MAX];
  cf_wr_t protected_hdr = cf_wr_init(buf, sizeof buf);
  size_t  bucket = cf_bucket(content_sz);
  if (!bucket) return NULL;
  write_protected(&protected_hdr, env);
  assert(!protected_hdr.bad);

  cf_cbor_w_tag(wr, TAG_ENCRYPT0);
  cf_cbor_w_array(wr, 3);
  uint8_t *at = cf_cbor_w_bstr_room(wr, protected_hdr.len);
  env->protected_hdr = CF_SPAN(at, protected_hdr.len);
  if (at) memcpy(at, buf, protected_hdr.len);
  if (is_hpke(env->kind)) {
    cf_cbor_w_map(wr, 1);
    cf_cbor_w_int(wr, LABEL_ENC);
    cf_cbor_w_bstr(wr, CF_SPAN_OF(env->enc));
  } else {
    cf_cbor_w_map(wr, 0);
  }
  return cf_cbor_w_bstr_room(wr, bucket + CF_AEAD_TAG_SZ);
}

void cf_envelope_nonce(uint8_t nonce[CF_AEAD_NONCE_SZ], uint8_t const iv[CF_AEAD_NONCE_SZ], uint64_t counter) {
  memcpy(nonce, iv, CF_AEAD_NONCE_SZ);
  for (size_t i = 0; i < 8; i++) nonce[CF_AEAD_NONCE_SZ - 1 - i] ^= (uint8_t)(counter >> (8 * i));
}

cf_span_t cf_envelope_aad(uint8_t buf[CF_ENVELOPE_AAD_MAX], cf_envelope_t const *env, cf_hash_t const *bound,
                          cf_hash_t const *policy) {
  uint8_t external[72];
  cf_wr_t aad = cf_wr_init(external, sizeof external);
  cf_wr_t wr = cf_wr_init(buf, CF_ENVELOPE_AAD_MAX);
  cf_cbor_w_array(&aad, 2);
  cf_cbor_w_hash(&aad, bound);
  cf_cbor_w_hash(&aad, policy);
  cf_cbor_w_array(&wr, 3);
  cf_cbor_w_str(&wr, "Encrypt0");
  cf_cbor_w_bstr(&wr, env->protected_hdr);
  cf_cbor_w_bstr(&wr, cf_wr_out(&aad));
  assert(!aad.bad && !wr.bad);
  return cf_wr_out(&wr);
}
