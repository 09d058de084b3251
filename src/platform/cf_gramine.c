/* SGX through Gramine's pseudo-files (Gramine, "Attestation and Secret Provisioning"), for a program that runs inside: what is
   written to user_report_data, the next opening of quote is over.  It is one per process. */
#include "platform/cf_attester_inside.h"

#include <errno.h>

#define ABSENT "run this inside Gramine (gramine-sgx), with sgx.remote_attestation = \"dcap\" in the manifest"

static void ask_type(cf_attesting_t *a, cf_try_t *t, void *ctx) {
  cf_path_t path = cf_attester_path(a, "/dev/attestation/attestation_type");
  cf_try_read(a, t, ctx, "gramine.type", &path, 64, false);
}

static void make(cf_attesting_t *a, cf_try_t *t, void *ctx) {
  cf_span_t *quote = ctx;
  cf_path_t  data = cf_attester_path(a, "/dev/attestation/user_report_data"), out = cf_attester_path(a, "/dev/attestation/quote");
  cf_try_write(t, "gramine.user_report_data", &data, CF_SPAN_OF(a->data));
  cf_try_read(a, t, quote, "gramine.quote", &out, CF_ATTESTER_BLOB_MAX, false);
  cf_try_over(a, t, *quote, cf_quote_data_at(*quote, false), "gramine.quote", &out);
}

cf_status_t cf_gramine_attest(cf_attesting_t *a) {
  cf_span_t   type, quote;
  cf_status_t st = cf_attester_tries(a, ask_type, &type, ABSENT);
  if (st) return st;
  type = cf_try_trim(type);
  if (!cf_span_eq(type, CF_SPAN_LIT("dcap")))
    return cf_attester_refuse(a, CF_ERR_UNSUPPORTED, "gramine.type", ABSENT, "%s: it is \"%.*s\"",
                              cf_attester_path(a, "/dev/attestation/attestation_type").text, (int)(type.len > 40 ? 40 : type.len),
                              (char const *)type.ptr);
  st = cf_attester_tries(a, make, &quote, ABSENT);
  if (st) return st;
  a->out->platform = CF_PLATFORM_SGX;
  cf_attester_add(a, "quote", quote);
  return CF_OK;
}
