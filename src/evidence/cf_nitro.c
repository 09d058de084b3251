#include "evidence/cf_nitro.h"

#include <stdio.h>

#include "crypto/cf_hash.h"

/* ---- members ---- */

static cf_span_t rd_optional(cf_rd_t *rd) {
  if (!cf_cbor_peek_null(rd)) return cf_foreign_bstr(rd, 0, CF_NITRO_FIELD_MAX);
  cf_cbor_null(rd);
  return CF_SPAN(NULL, 0);
}

static void rd_pcrs(cf_rd_t *rd, cf_nitro_document_t *d) {
  for (cf_foreign_map_t m = cf_foreign_map(rd); cf_foreign_more(&m);) {
    uint64_t  i = cf_cbor_uint(rd);
    cf_span_t value = cf_cbor_bstr(rd);
    if (rd->bad || i >= CF_NITRO_PCR_CNT || d->pcr_mask >> i & 1 || (value.len != 32 && value.len != 48 && value.len != 64)) {
      rd->bad = true;
      return;
    }
    d->pcr_mask |= 1u << i;
    d->pcr[i] = value;
  }
  if (!d->pcr_mask) rd->bad = true;
}

static void rd_bundle(cf_rd_t *rd, cf_nitro_document_t *d) {
  d->bundle_cnt = cf_cbor_array(rd);
  if (d->bundle_cnt == 0 || d->bundle_cnt > CF_NITRO_BUNDLE_MAX) rd->bad = true;
  for (size_t i = 0; i < d->bundle_cnt && !rd->bad; i++) d->bundle[i] = cf_foreign_bstr(rd, 1, CF_NITRO_CERT_MAX);
}

static char const *const keys[] = {"module_id", "digest",     "timestamp", "pcrs", "certificate",
                                   "cabundle",  "public_key", "user_data", "nonce"};
enum { MODULE_ID, DIGEST, TIMESTAMP, PCRS, CERTIFICATE, BUNDLE, PUBLIC_KEY, USER_DATA, NONCE, KEYS };
#define REQUIRED (1u << MODULE_ID | 1u << DIGEST | 1u << TIMESTAMP | 1u << PCRS | 1u << CERTIFICATE | 1u << BUNDLE)

static void rd_member(cf_rd_t *rd, cf_nitro_document_t *d, unsigned key, bool *other) {
  switch (key) {
  case MODULE_ID:
    d->module_id = cf_foreign_tstr(rd, 1, CF_FOREIGN_NAME_MAX);
    break;
  case DIGEST:
    *other |= !cf_span_eq(cf_cbor_tstr(rd), CF_SPAN_LIT("SHA384"));
    break;
  case TIMESTAMP:
    d->timestamp_ms = cf_cbor_uint(rd);
    if (!d->timestamp_ms) rd->bad = true;
    break;
  case PCRS:
    rd_pcrs(rd, d);
    break;
  case CERTIFICATE:
    d->certificate = cf_foreign_bstr(rd, 1, CF_NITRO_CERT_MAX);
    break;
  case BUNDLE:
    rd_bundle(rd, d);
    break;
  case PUBLIC_KEY:
    d->public_key = rd_optional(rd);
    break;
  case USER_DATA:
    d->user_data = rd_optional(rd);
    break;
  case NONCE:
    d->nonce = rd_optional(rd);
    break;
  }
}

static cf_status_t read_payload(cf_nitro_document_t *d, cf_error_t *err) {
  cf_rd_t  rd = cf_rd_span(d->sign1.payload);
  uint32_t seen = 0;
  bool     other = false;
  for (cf_foreign_map_t m = cf_foreign_map(&rd); cf_foreign_more(&m);) {
    cf_span_t name = cf_cbor_tstr(&rd);
    unsigned  key = 0;
    while (key < KEYS && !cf_span_eq(name, CF_SPAN(keys[key], strlen(keys[key])))) key++;
    if (rd.bad) break;
    if (key == KEYS)
      return cf_error_set(err, CF_ERR_UNSUPPORTED, "document.payload", rd.pos, "a member that this verifier does not know");
    if (seen >> key & 1) return cf_error_set(err, CF_ERR_FORMAT, "document.payload", rd.pos, "%s stands twice", keys[key]);
    seen |= 1u << key;
    rd_member(&rd, d, key, &other);
    if (rd.bad) return cf_error_set(err, CF_ERR_FORMAT, "document.payload", rd.pos, "%s is not what it must be", keys[key]);
  }
  if (!cf_rd_done(&rd)) return cf_error_set(err, CF_ERR_FORMAT, "document.payload", rd.pos, "not one map of text keys");
  if ((seen & REQUIRED) != REQUIRED) return cf_error_set(err, CF_ERR_FORMAT, "document.payload", 0, "a member is missing");
  if (other) return cf_error_set(err, CF_ERR_UNSUPPORTED, "document.payload", 0, "digest is not SHA384");
  return CF_OK;
}

cf_status_t cf_nitro_document_decode(cf_nitro_document_t *out, cf_span_t in, cf_error_t *err) {
  cf_nitro_document_t d = {0};
  cf_status_t         st = cf_foreign_sign1_decode(&d.sign1, in, true, "document", err);
  if (st) return st;
  if (d.sign1.kind != CF_KEY_P384) return cf_error_set(err, CF_ERR_UNSUPPORTED, "document", 0, "not signed with ES384");
  st = read_payload(&d, err);
  if (!st) *out = d;
  return st;
}

/* ---- verification ---- */

cf_hash_t const cf_nitro_root = {{0x64, 0x1a, 0x03, 0x21, 0xa3, 0xe2, 0x44, 0xef, 0xe4, 0x56, 0x46,
                                  0x31, 0x95, 0xd6, 0x06, 0x31, 0x7e, 0xd7, 0xcd, 0xcc, 0x3c, 0x17,
                                  0x56, 0xe0, 0x98, 0x93, 0xf3, 0xc6, 0x8f, 0x79, 0xbb, 0x5b}};

/* One run; each check reads what those before it established. */
typedef struct {
  cf_nitro_ask_t const *ask;
  cf_cert_t             certs[1 + CF_NITRO_BUNDLE_MAX]; /* the leaf first */
  size_t                cert_cnt;
  cf_nitro_facts_t     *f;
  cf_verdict_t         *v;
} run_t;

static cf_verdict_code_t check_document(run_t *r) {
  cf_error_t           err = {0};
  cf_nitro_document_t *d = &r->f->document;
  if (cf_nitro_document_decode(d, r->ask->document, &err)) return cf_verdict_error(r->v, &err);
  r->f->read = true;
  r->f->debug = true;
  for (size_t i = 0; i < 3; i++)
    for (size_t k = 0; k < d->pcr[i].len; k++) r->f->debug &= d->pcr[i].ptr[k] == 0;
  return CF_VERDICT_OK;
}

/* The first of the bundle is a root that is believed, byte for byte; then each issued the next, the last of them the leaf. */
static cf_verdict_code_t check_root(run_t *r) {
  cf_nitro_document_t const *d = &r->f->document;
  cf_error_t                 err = {0};
  bool                       pinned = false;
  r->f->root = cf_sha256(d->bundle[0]);
  for (size_t i = 0; i < r->ask->root_cnt; i++) pinned |= cf_hash_eq(&r->f->root, &r->ask->roots[i]);
  if (!pinned) return cf_verdict_set(r->v, CF_VERDICT_CHAIN, "cabundle[0]", 0, "not a root that is believed");
  if (cf_cert_decode(&r->certs[0], d->certificate, "certificate", &err)) return cf_verdict_error(r->v, &err);
  r->cert_cnt = 1 + d->bundle_cnt;
  for (size_t i = 0; i < d->bundle_cnt; i++) {
    char item[24];
    snprintf(item, sizeof item, "cabundle[%u]", (unsigned)i);
    if (cf_cert_decode(&r->certs[d->bundle_cnt - i], d->bundle[i], item, &err)) return cf_verdict_error(r->v, &err);
  }
  for (size_t i = 0; i < r->cert_cnt; i++)
    if (r->certs[i].key.kind != CF_KEY_P384)
      return cf_verdict_set(r->v, CF_VERDICT_CHAIN, r->certs[i].item, 0, "not a P-384 key");
  return CF_VERDICT_OK;
}

/* Before the chain, which costs four times as much. */
static cf_verdict_code_t check_signature(run_t *r) {
  if (cf_foreign_sign1_verify(&r->f->document.sign1, &r->certs[0].key))
    return cf_verdict_set(r->v, CF_VERDICT_SIGNATURE, "document.signature", 0, "the leaf's key did not sign this document");
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_chain(run_t *r) {
  r->f->valid = (cf_interval_t){INT64_MIN, INT64_MAX, r->ask->dates};
  if (!(r->certs[0].usage & CF_USAGE_SIGN))
    return cf_verdict_set(r->v, CF_VERDICT_CHAIN, r->certs[0].item, 0, "its key may not sign documents");
  return cf_cert_chain_check(&r->f->valid, r->certs, r->cert_cnt, CF_CERT_ECDSA_SHA384, r->ask->at_s, r->v);
}

/* The authority below the root is a region's: "HEX.us-east-1.aws.nitro-enclaves". */
static cf_verdict_code_t read_region(run_t *r) {
  static char const tail[] = ".aws.nitro-enclaves";
  char              cn[CF_CERT_CN_MAX];
  if (r->cert_cnt < 3 || !cf_cert_cn(cn, r->certs[r->cert_cnt - 2].subject)) return CF_VERDICT_OK;
  char  *first = strchr(cn, '.');
  size_t len = strlen(cn);
  if (!first || len < sizeof tail || strcmp(cn + len - (sizeof tail - 1), tail)) return CF_VERDICT_OK;
  cn[len - (sizeof tail - 1)] = 0;
  if (first < cn + len - (sizeof tail - 1)) memcpy(r->f->region, first + 1, strlen(first + 1) + 1);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_nonce(run_t *r) {
  if (r->ask->nonce.len && !cf_span_eq(r->ask->nonce, r->f->document.nonce))
    return cf_verdict_set(r->v, CF_VERDICT_NONCE, "document.nonce", 0, "the document answers another nonce, or none");
  return CF_VERDICT_OK;
}

static struct {
  char const *name, *what;
  cf_verdict_code_t (*fn)(run_t *r);
} const checks[] = {
    {"document", "COSE_Sign1 with ES384, nothing in the unprotected header, every member once, known and in its bounds",
     check_document},
    {"root", "the bundle begins with a root that is believed, byte for byte; every key is of P-384", check_root},
    {"signature", "by the leaf, over the payload as received", check_signature},
    {"chain", "ECDSA with SHA-384 alone, names, CA flags, path lengths, key usages, critical extensions, all valid at T",
     check_chain},
    {"region", "as the authority below the root is named; reported", read_region},
    {"nonce", "what is expected, whole", check_nonce},
};

bool cf_nitro_row(char const **name, char const **what, size_t k) {
  if (k >= sizeof checks / sizeof checks[0]) return false;
  *name = checks[k].name;
  *what = checks[k].what;
  return true;
}

cf_verdict_code_t cf_nitro_verify(cf_nitro_facts_t *out, cf_nitro_ask_t const *ask, cf_verdict_t *v) {
  run_t             r = {.ask = ask, .f = out, .v = v};
  cf_verdict_code_t code = CF_VERDICT_OK;
  *out = (cf_nitro_facts_t){0};
  for (size_t k = 0; k < sizeof checks / sizeof checks[0] && !code; k++) code = checks[k].fn(&r);
  out->valid.dates = NULL; /* facts outlive what was asked */
  return code;
}
