/* Input: a certificate or a revocation list in DER.  What is read lies inside; no prefix of it and nothing longer is read, too; a
   certificate that is its own root is judged without harm. */
#include <assert.h>

#include "evidence/cf_cert.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static bool inside(cf_span_t part, cf_span_t whole) {
  return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void certificate(cf_span_t in) {
  cf_cert_t  c, less;
  cf_error_t err = {0};
  char       cn[CF_CERT_CN_MAX];
  if (cf_cert_decode(&c, in, "certificate", &err)) {
    assert(err.status && !strcmp(err.item, "certificate"));
    return;
  }
  assert(inside(c.tbs, in) && inside(c.serial, c.tbs) && inside(c.issuer, c.tbs) && inside(c.subject, c.tbs) &&
         inside(c.signature, in));
  for (size_t i = 0; i < c.ext_cnt; i++) assert(inside(c.ext[i].value, c.tbs) && cf_cert_ext(&c, c.ext[i].oid) == &c.ext[i]);
  assert(cf_cert_decode(&less, CF_SPAN(in.ptr, in.len - 1), "certificate", NULL));
  if (cf_cert_cn(cn, c.subject)) assert(strlen(cn) < sizeof cn);
  cf_cert_t const   pair[] = {c, c};
  cf_interval_t     valid = CF_INTERVAL_ALL;
  cf_verdict_t      v = {0};
  cf_verdict_code_t code = cf_cert_chain_check(&valid, pair, 2, c.alg, c.from_s, &v);
  assert(code == CF_VERDICT_CHAIN || code == CF_VERDICT_NOT_YET_VALID ||
         code == CF_VERDICT_EXPIRED); /* a leaf, or an authority */
}

static void list(cf_span_t in) {
  cf_crl_t   c, less;
  cf_error_t err = {0};
  if (cf_crl_decode(&c, in, "crl", &err)) {
    assert(err.status && !strcmp(err.item, "crl"));
    return;
  }
  assert(inside(c.tbs, in) && inside(c.issuer, c.tbs) && inside(c.entries, c.tbs) && inside(c.signature, in));
  assert(cf_crl_decode(&less, CF_SPAN(in.ptr, in.len - 1), "crl", NULL));
  cf_cert_t const nobody = {.serial = CF_SPAN_LIT("\x7f\xff")};
  cf_verdict_t    v = {0};
  (void)!cf_crl_judge(&c, &nobody, &v);
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  certificate(CF_SPAN(data, size));
  list(CF_SPAN(data, size));
  return 0;
}
