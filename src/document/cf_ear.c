#include "document/cf_ear.h"

#include <assert.h>

#include "base/cf_text.h"
#include "codec/cf_cbor.h"

enum { IAT = 6, NONCE = 10, PROFILE = 265, SUBMODS = 266, STATUS = 1000, VECTOR = 1001, VERIFIER = 1004, OURS = -75010 };

static char const developer[] = "counterfoil", build[] = "1", submod[] = "enclave";

static bool
text_is(cf_span_t s, char const *want) {
  return cf_span_eq(s, CF_SPAN(want, strlen(want)));
}

/* ---- reading ---- */

static void
read_vector(cf_rd_t *rd, cf_ear_t *out) {
  for (cf_cbor_map_t m = cf_cbor_map(rd); cf_cbor_next(&m);) {
    int64_t v = cf_cbor_int(rd);
    if (m.is_text || m.key < 0 || m.key > 7 || v < -128 || v > 127 || v == 0) rd->bad = true;
    else out->vector[m.key] = (int8_t)v;
  }
}

/* One submodule, "enclave", whose status is the whole result's. */
static void
read_submods(cf_rd_t *rd, cf_ear_t *out) {
  uint64_t      status = 0, n = 0;
  cf_cbor_map_t outer  = cf_cbor_map(rd);
  while (cf_cbor_next(&outer)) {
    if (!outer.is_text || !text_is(outer.text, submod)) rd->bad = true;
    for (cf_cbor_map_t m = cf_cbor_map(rd); cf_cbor_next(&m); n++) {
      if (!m.is_text && m.key == STATUS) status = cf_cbor_uint(rd);
      else if (!m.is_text && m.key == VECTOR) read_vector(rd, out);
      else rd->bad = true;
    }
  }
  if (n < 1 || status != out->status) rd->bad = true;
}

static void
read_nonce(cf_rd_t *rd, cf_ear_t *out) {
  out->nonce = cf_cbor_bstr(rd);
  if (out->nonce.len < 8 || out->nonce.len > 64) rd->bad = true;
}

static void
read_verifier(cf_rd_t *rd) {
  for (cf_cbor_map_t m = cf_cbor_map(rd); cf_cbor_next(&m);) {
    cf_span_t s = cf_cbor_tstr(rd);
    if (m.is_text || m.key < 0 || m.key > 1 || s.len > 64) rd->bad = true;
  }
}

static void
read_ours(cf_rd_t *rd, cf_ear_t *out, int64_t label) {
  switch (OURS - label) {
  case 0: out->verdict = cf_cbor_tstr(rd); return;
  case 1: out->platform = cf_cbor_uint(rd); return;
  case 2: out->class = cf_cbor_uint(rd); return;
  case 3: cf_cbor_bstr_fixed(rd, out->measurement, 32); return;
  case 4: out->tcb = cf_cbor_uint(rd); return;
  case 5: out->debug = cf_cbor_uint(rd); return;
  case 6: cf_cbor_bstr_fixed(rd, out->domain, 32); return;
  case 7: cf_cbor_bstr_fixed(rd, out->certificate, 32); return;
  case 8: cf_cbor_bstr_fixed(rd, out->nonces, 32); return;
  case 9: out->until = cf_cbor_uint(rd); return;
  case 10: cf_cbor_bstr_fixed(rd, out->evidence, 32); return;
  case 11: cf_cbor_bstr_fixed(rd, out->collateral, 32); return;
  case 12: cf_cbor_bstr_fixed(rd, out->policy, 32); return;
  default: (void)cf_cbor_skip(rd); return; /* receivers of an EAT ignore claims they do not know */
  }
}

cf_status_t
cf_ear_open(cf_ear_t *out, cf_sign1_t *sign1, cf_span_t in, cf_error_t *err) {
  cf_ear_t    ear = { 0 };
  cf_status_t st  = cf_sign1_decode(sign1, in, CF_EAR_TYP, err);
  if (st) return st;
  cf_rd_t   rd      = cf_rd_span(sign1->payload), submods = { .bad = true };
  cf_span_t profile = { 0 };
  uint32_t  ours    = 0;
  bool      iat = false, verifier = false;
  for (cf_cbor_map_t m = cf_cbor_map(&rd); cf_cbor_next(&m);) {
    if (m.is_text) rd.bad = true;
    else if (m.key == IAT) iat = true, ear.time = cf_cbor_uint(&rd);
    else if (m.key == NONCE) read_nonce(&rd, &ear);
    else if (m.key == PROFILE) profile = cf_cbor_tstr(&rd);
    else if (m.key == STATUS) ear.status = cf_cbor_uint(&rd);
    else if (m.key == SUBMODS) submods = cf_rd_span(cf_cbor_skip(&rd));
    else if (m.key == VERIFIER) verifier = true, read_verifier(&rd);
    else {
      if (m.key <= OURS && m.key > OURS - 13) ours |= 1U << (OURS - m.key);
      read_ours(&rd, &ear, m.key);
    }
  }
  read_submods(&submods, &ear);
  if (!cf_rd_done(&rd) || !cf_rd_done(&submods) || ours != 0x1fff || !iat || !verifier)
    return cf_error_set(err, CF_ERR_FORMAT, "ear", rd.pos, "not a result of our profile: a claim is missing or of another type");
  if (!text_is(profile, CF_EAR_PROFILE)) return cf_error_set(err, CF_ERR_UNSUPPORTED, "ear.eat_profile", 0, "another profile");
  bool affirming = ear.status == CF_EAR_AFFIRMING, ok = text_is(ear.verdict, "ok");
  if ((!affirming && ear.status != CF_EAR_WARNING && ear.status != CF_EAR_CONTRAINDICATED) || affirming != ok || ear.verdict.len > 32 ||
      ear.debug > 1 || ear.platform > 255 || ear.time >> 40 || ear.until >> 40)
    return cf_error_set(err, CF_ERR_BOUND, "ear", 0, "a claim is out of its bounds, or status and verdict disagree");
  *out = ear;
  return CF_OK;
}

/* ---- writing: keys in the order of their encoded bytes, so by length first ---- */

static void
write_submods(cf_wr_t *wr, cf_ear_t const *ear) {
  size_t n = 0;
  for (size_t i = 0; i < 8; i++) n += ear->vector[i] != 0;
  cf_cbor_w_map(wr, 1);
  cf_cbor_w_str(wr, submod);
  cf_cbor_w_map(wr, n ? 2 : 1);
  cf_cbor_w_uint(wr, STATUS);
  cf_cbor_w_uint(wr, ear->status);
  if (!n) return;
  cf_cbor_w_uint(wr, VECTOR);
  cf_cbor_w_map(wr, n);
  for (size_t i = 0; i < 8; i++)
    if (ear->vector[i]) {
      cf_cbor_w_uint(wr, i);
      cf_cbor_w_int(wr, ear->vector[i]);
    }
}

static void
write_ours(cf_wr_t *wr, cf_ear_t const *ear) {
  struct {
    uint8_t const *hash;
    uint64_t       num;
  } const claims[] = { { NULL, ear->platform }, { NULL, ear->class },  { ear->measurement, 0 }, { NULL, ear->tcb },
                       { NULL, ear->debug },    { ear->domain, 0 },    { ear->certificate, 0 }, { ear->nonces, 0 },
                       { NULL, ear->until },    { ear->evidence, 0 },  { ear->collateral, 0 },  { ear->policy, 0 } };
  cf_cbor_w_int(wr, OURS);
  cf_cbor_w_tstr(wr, ear->verdict);
  for (int i = 0; i < 12; i++) {
    cf_cbor_w_int(wr, OURS - 1 - i);
    if (claims[i].hash) cf_cbor_w_bstr(wr, CF_SPAN(claims[i].hash, 32));
    else cf_cbor_w_uint(wr, claims[i].num);
  }
}

void
cf_ear_seal(cf_wr_t *wr, cf_ear_t const *ear, cf_p256_key_t const *key, char const *iss) {
  uint8_t buf[2048];
  cf_wr_t p = cf_wr_init(buf, sizeof buf);
  cf_cbor_w_map(&p, 5 + 13 + (ear->nonce.len > 0));
  cf_cbor_w_uint(&p, IAT);
  cf_cbor_w_uint(&p, ear->time);
  if (ear->nonce.len) {
    cf_cbor_w_uint(&p, NONCE);
    cf_cbor_w_bstr(&p, ear->nonce);
  }
  cf_cbor_w_uint(&p, PROFILE);
  cf_cbor_w_str(&p, CF_EAR_PROFILE);
  cf_cbor_w_uint(&p, SUBMODS);
  write_submods(&p, ear);
  cf_cbor_w_uint(&p, STATUS);
  cf_cbor_w_uint(&p, ear->status);
  cf_cbor_w_uint(&p, VERIFIER);
  cf_cbor_w_map(&p, 2);
  cf_cbor_w_uint(&p, 0);
  cf_cbor_w_str(&p, developer);
  cf_cbor_w_uint(&p, 1);
  cf_cbor_w_str(&p, build);
  write_ours(&p, ear);
  assert(!p.bad);
  cf_p256_pub_t pub;
  cf_p256_key_pub(key, &pub);
  cf_hash_t     kid = cf_p256_thumbprint(&pub);
  cf_cose_hdr_t hdr = { .alg = CF_COSE_ES256, .kid = CF_SPAN_OF(kid.b), .iss = CF_SPAN(iss, strlen(iss)),
                        .sub = CF_SPAN_LIT("enclave"), .typ = CF_SPAN_LIT(CF_EAR_TYP) };
  cf_sign1_encode(wr, key, &hdr, cf_wr_out(&p));
}

/* ---- the key ---- */

/* base64url without padding */
static void
write_b64url(cf_jw_t *j, char const *member, cf_span_t bytes) {
  char   text[64];
  size_t n = cf_b64_encode(text, bytes);
  while (n && text[n - 1] == '=') n--;
  for (size_t i = 0; i < n; i++) text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
  cf_jw_text(j, member, CF_SPAN(text, n));
}

void
cf_ear_key_json(cf_jw_t *j, char const *member, cf_p256_key_t const *key) {
  cf_p256_pub_t pub;
  cf_p256_key_pub(key, &pub);
  cf_hash_t kid = cf_p256_thumbprint(&pub);
  cf_jw_obj(j, member);
  cf_jw_str(j, "kty", "EC");
  cf_jw_str(j, "crv", "P-256");
  cf_jw_str(j, "alg", "ES256");
  write_b64url(j, "x", CF_SPAN(pub.b, 32));
  write_b64url(j, "y", CF_SPAN(pub.b + 32, 32));
  cf_jw_hex(j, "kid", CF_SPAN_OF(kid.b));
  cf_jw_end(j, '}');
}
