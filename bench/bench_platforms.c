// link: evidence lib: crypto
/* snp        SEV-SNP reports judged through the frame: certificates in DER in, nothing cached, a verdict and facts out; per
   second of processor time limit    the bare signatures: one of P-384 and two of RSA-4096 with PSS, keys and digests ready nitro
   Nitro documents, a chain of a root, two authorities and a leaf in each limit    the bare signatures: four of P-384 (AWS's own
   chains have one link more) tpm-ecc    TPM quotes of 24 PCRs by a known P-256 key, with its public area and the values limit the
   bare signature tpm-rsa    the same by an RSA-2048 key */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "bench.h"
#include "codec/cf_json.h"
#include "crypto/cf_hash.h"
#include "evidence/cf_evidence.h"

enum { TURNS = 9, FILE_MAX = 1 << 20 };
#define TURN_S 0.3
#define AT_S 1748779200 /* of tests/vectors/evidence/pki.py */

/* ---- turns: a piece of work as often as it goes ---- */

typedef void work_fn(void *arg);

static double rate_of(work_fn *work, void *arg) {
  double start = bench_cpu_s(), now = start;
  size_t cnt = 0;
  while (now - start < TURN_S) {
    for (int i = 0; i < 20; i++) work(arg);
    cnt += 20;
    now = bench_cpu_s();
  }
  return (double)cnt / (now - start);
}

static void row(char const *name, work_fn *ours, void *ours_arg, work_fn *limit, void *limit_arg) {
  double a[TURNS], b[TURNS];
  for (int i = 0; i < TURNS; i++) {
    a[i] = rate_of(ours, ours_arg);
    b[i] = rate_of(limit, limit_arg);
  }
  bench_row(name, "1/s", BENCH_RATE, bench_median(a, TURNS), bench_median(b, TURNS), NAN);
}

/* ---- bare signatures ---- */

typedef struct {
  EVP_PKEY_CTX *ctx;
  uint8_t       digest[48], sig[512];
  size_t        digest_sz, sig_sz;
  EVP_PKEY     *pkey;
} bare_t;

static EVP_MD const *md_of(size_t digest_sz) { return digest_sz == 48 ? EVP_sha384() : EVP_sha256(); }

static void set_up(bare_t *b, bool pss) {
  bench_check(EVP_PKEY_CTX_set_signature_md(b->ctx, md_of(b->digest_sz)) > 0, "digest");
  if (pss)
    bench_check(EVP_PKEY_CTX_set_rsa_padding(b->ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
                    EVP_PKEY_CTX_set_rsa_pss_saltlen(b->ctx, RSA_PSS_SALTLEN_DIGEST) > 0,
                "padding");
}

static bare_t bare_make(EVP_PKEY *pkey, size_t digest_sz, bool pss) {
  bare_t b = {.pkey = pkey, .digest_sz = digest_sz, .sig_sz = sizeof b.sig};
  memset(b.digest, 7, sizeof b.digest);
  b.ctx = EVP_PKEY_CTX_new(pkey, NULL);
  bench_check(b.ctx && EVP_PKEY_sign_init(b.ctx) > 0, "key");
  set_up(&b, pss);
  bench_check(EVP_PKEY_sign(b.ctx, b.sig, &b.sig_sz, b.digest, b.digest_sz) > 0 && EVP_PKEY_verify_init(b.ctx) > 0, "signature");
  set_up(&b, pss);
  return b;
}

static void bare_verify(bare_t *b) {
  bench_check(EVP_PKEY_verify(b->ctx, b->sig, b->sig_sz, b->digest, b->digest_sz) == 1, "bare signature");
}

typedef struct {
  bare_t bare[2];
  int    times[2];
} limit_t;

static void limit_work(void *arg) {
  limit_t *l = arg;
  for (int k = 0; k < 2; k++)
    for (int i = 0; i < l->times[k]; i++) bare_verify(&l->bare[k]);
}

/* ---- evidence of tests/vectors: the first case, which is accepted ---- */

typedef struct {
  cf_evidence_item_t items[CF_ITEMS_MAX];
  cf_root_t          roots[CF_ROOTS_MAX];
  cf_evidence_ask_t  ask;
} case_t;

static cf_span_t hex_blob(cf_json_t book, cf_json_t name) {
  char text[64];
  bench_check(!cf_json_str(text, sizeof text, name), "name of a blob");
  cf_json_t hex = cf_json_get(cf_json_get(book, "blobs"), text);
  size_t    n = (hex.text.len - 2) / 2;
  uint8_t  *out = malloc(n);
  bench_check(out && !cf_json_hex(out, n, hex), "blob");
  return CF_SPAN(out, n);
}

static cf_json_t book_read(char const *path) {
  cf_json_t json;
  FILE     *f = fopen(path, "r");
  bench_check(f != NULL, path);
  uint8_t *text = malloc(FILE_MAX);
  size_t   n = fread(text, 1, FILE_MAX, f);
  fclose(f);
  bench_check(!cf_json_parse(&json, CF_SPAN(text, n), NULL), path);
  return json;
}

static void case_read(case_t *c, char const *path) {
  cf_json_t book = book_read(path), first, value;
  cf_span_t key;
  size_t    pos = 0;
  bench_check(cf_json_each(cf_json_get(book, "cases"), &pos, &key, &first), "a case");
  cf_json_t items = cf_json_get(first, "items"), roots = cf_json_get(first, "roots");
  for (size_t at = 0; cf_json_each(items, &at, &key, &value);)
    c->items[c->ask.item_cnt++] = (cf_evidence_item_t){cf_role_of(key), hex_blob(book, value)};
  for (size_t at = 0; cf_json_each(roots, &at, &key, &value);)
    c->roots[c->ask.root_cnt++] = (cf_root_t){CF_CLASS_OWNER, hex_blob(book, value)};
  c->ask.items = c->items;
  c->ask.roots = c->roots;
  c->ask.at_s = AT_S;
}

static void case_work(void *arg) {
  case_t      *c = arg;
  cf_facts_t   facts;
  cf_verdict_t v;
  bench_check(!cf_evidence_verify(&facts, &c->ask, &v), "evidence is refused");
}

/* ---- quotes ---- */

typedef struct {
  uint8_t         attest[256], public[600], signature[300];
  cf_span_t       attest_span, signature_span;
  cf_tpm_public_t area;
  cf_tpm_bank_t   bank;
  EVP_PKEY       *pkey;
} quote_t;

static void quote_attest(quote_t *q) {
  uint8_t all[CF_TPM_PCR_CNT * 32] = {0};
  cf_wr_t wr = cf_wr_init(q->attest, sizeof q->attest);
  cf_wr_u32(&wr, 0xff544347);
  cf_wr_u16(&wr, 0x8018);
  cf_wr_u16(&wr, 0); /* signer */
  cf_wr_u16(&wr, 5);
  cf_wr_bytes(&wr, "nonce", 5);
  memset(cf_wr_room(&wr, 16), 0, 16); /* clock and counters */
  cf_wr_u8(&wr, 1);
  cf_wr_u64(&wr, 1); /* firmware */
  cf_wr_u32(&wr, 1);
  cf_wr_u16(&wr, CF_TPM_SHA256);
  cf_wr_bytes(&wr, "\3\xff\xff\xff", 4);
  cf_hash_t digest = cf_sha256(CF_SPAN_OF(all));
  cf_wr_u16(&wr, 32);
  cf_wr_hash(&wr, &digest);
  q->attest_span = cf_wr_out(&wr);
  q->bank = (cf_tpm_bank_t){.alg = CF_TPM_SHA256, .mask = (1u << CF_TPM_PCR_CNT) - 1};
}

static void quote_sign(quote_t *q, bool rsa) {
  uint8_t       sig[300];
  size_t        n = sizeof sig;
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(q->pkey, NULL);
  cf_hash_t     h = cf_sha256(q->attest_span);
  cf_wr_t       wr = cf_wr_init(q->signature, sizeof q->signature);
  bench_check(EVP_PKEY_sign_init(ctx) > 0 && EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) > 0 &&
                  EVP_PKEY_sign(ctx, sig, &n, h.b, 32) > 0,
              "quote");
  EVP_PKEY_CTX_free(ctx);
  cf_wr_u16(&wr, rsa ? 0x0014 : 0x0018);
  cf_wr_u16(&wr, CF_TPM_SHA256);
  if (rsa) {
    cf_wr_u16(&wr, (uint16_t)n);
    cf_wr_bytes(&wr, sig, n);
  } else {
    uint8_t const *at = sig;
    ECDSA_SIG     *rs = d2i_ECDSA_SIG(NULL, &at, (long)n);
    for (int k = 0; k < 2; k++) {
      cf_wr_u16(&wr, 32);
      BN_bn2binpad(k ? ECDSA_SIG_get0_s(rs) : ECDSA_SIG_get0_r(rs), cf_wr_room(&wr, 32), 32);
    }
    ECDSA_SIG_free(rs);
  }
  q->signature_span = cf_wr_out(&wr);
}

/* TPMT_PUBLIC of a restricted signing key. */
static void quote_public(quote_t *q, bool rsa) {
  cf_wr_t wr = cf_wr_init(q->public, sizeof q->public);
  cf_wr_u16(&wr, rsa ? 0x0001 : 0x0023);
  cf_wr_u16(&wr, CF_TPM_SHA256);
  cf_wr_u32(&wr, 0x50072);
  cf_wr_u16(&wr, 0);
  cf_wr_u16(&wr, 0x0010); /* no symmetric algorithm, no scheme */
  cf_wr_u16(&wr, 0x0010);
  if (rsa) {
    BIGNUM *n = NULL;
    EVP_PKEY_get_bn_param(q->pkey, OSSL_PKEY_PARAM_RSA_N, &n);
    cf_wr_u16(&wr, 2048);
    cf_wr_u32(&wr, 0);
    cf_wr_u16(&wr, 256);
    BN_bn2binpad(n, cf_wr_room(&wr, 256), 256);
    BN_free(n);
  } else {
    uint8_t point[65];
    size_t  n;
    EVP_PKEY_get_octet_string_param(q->pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n);
    cf_wr_u16(&wr, 0x0003);
    cf_wr_u16(&wr, 0x0010);
    for (int k = 0; k < 2; k++) {
      cf_wr_u16(&wr, 32);
      cf_wr_bytes(&wr, point + 1 + 32 * k, 32);
    }
  }
  bench_check(!cf_tpm_public_decode(&q->area, cf_wr_out(&wr), NULL), "public area");
}

static void quote_make(quote_t *q, bool rsa) {
  q->pkey = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
  quote_attest(q);
  quote_public(q, rsa);
  quote_sign(q, rsa);
}

static void quote_work(void *arg) {
  quote_t           *q = arg;
  cf_tpm_attest_t    a;
  cf_tpm_signature_t sig;
  cf_verdict_t       v = {0};
  cf_tpm_quote_t     ask = {.attest = q->attest_span,
                            .signature = q->signature_span,
                            .key = &q->area.key,
                            .ak = &q->area,
                            .nonce = CF_SPAN_LIT("nonce"),
                            .banks = &q->bank,
                            .bank_cnt = 1};
  bench_check(!cf_tpm_quote_verify(&a, &sig, &ask, &v), v.text);
}

int main(void) {
  static case_t  snp, nitro;
  static quote_t ecc, rsa;
  bench_first();
  case_read(&snp, "tests/vectors/evidence/snp.json");
  case_read(&nitro, "tests/vectors/evidence/nitro.json");
  quote_make(&ecc, false);
  quote_make(&rsa, true);
  bare_t  p384 = bare_make(EVP_EC_gen("P-384"), 48, false), big = bare_make(EVP_RSA_gen(4096), 48, true);
  limit_t snp_limit = {{p384, big}, {1, 2}}, nitro_limit = {{p384, p384}, {4, 0}};
  limit_t ecc_limit = {{bare_make(ecc.pkey, 32, false)}, {1, 0}}, rsa_limit = {{bare_make(rsa.pkey, 32, false)}, {1, 0}};
  row("snp", case_work, &snp, limit_work, &snp_limit);
  row("nitro", case_work, &nitro, limit_work, &nitro_limit);
  row("tpm-ecc", quote_work, &ecc, limit_work, &ecc_limit);
  row("tpm-rsa", quote_work, &rsa, limit_work, &rsa_limit);
  return 0;
}
