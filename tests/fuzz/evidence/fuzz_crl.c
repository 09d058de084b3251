/* Input: a revocation list.  Every serial that stands on it is found on it. */
#include <assert.h>

#include "codec/cf_der.h"
#include "evidence/cf_cert.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_crl_t   crl;
  cf_error_t err = {0};
  if (cf_crl_decode(&crl, CF_SPAN(data, size), "crl", &err)) {
    assert(err.status && err.item[0] && err.text[0]);
    return 0;
  }
  cf_rd_t rd = cf_rd_span(crl.entries);
  for (size_t i = 0; i < 64 && cf_rd_left(&rd); i++) {
    cf_verdict_t v = {0};
    cf_rd_t      entry = cf_der_enter(&rd, CF_DER_SEQUENCE);
    cf_cert_t    cert = {.item = "x", .serial = cf_der_integer(&entry)};
    assert(cf_crl_judge(&crl, &cert, &v) == CF_VERDICT_REVOKED);
  }
  return 0;
}
