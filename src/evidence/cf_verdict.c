#include "evidence/cf_verdict.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static struct {
  char const *name;
  cf_status_t status;
  char const *next;
} const rows[CF_VERDICT_CNT] = {
    [CF_VERDICT_OK] = {"ok", CF_OK, "nothing"},
    [CF_VERDICT_MALFORMED] = {"malformed", CF_ERR_FORMAT,
                              "ask the attester for fresh evidence; report it if it comes back the same"},
    [CF_VERDICT_UNSUPPORTED] = {"unsupported", CF_ERR_UNSUPPORTED, "update the verifier, or use a platform that it speaks"},
    [CF_VERDICT_SIGNATURE] = {"signature", CF_ERR_AUTH, "do not use this enclave; the evidence was altered or forged"},
    [CF_VERDICT_CHAIN] = {"chain", CF_ERR_AUTH, "supply the missing certificate, or name the root in policy"},
    [CF_VERDICT_NOT_YET_VALID] = {"not-yet-valid", CF_ERR_STALE, "check the time asked for; wait until the date"},
    [CF_VERDICT_EXPIRED] = {"expired", CF_ERR_STALE, "renew the certificate or the evidence, or judge at an earlier time"},
    [CF_VERDICT_REVOKED] = {"revoked", CF_ERR_AUTH, "take the machine out of service"},
    [CF_VERDICT_COLLATERAL_MISSING] = {"collateral-missing", CF_ERR_STALE, "fetch the collateral and judge again"},
    [CF_VERDICT_COLLATERAL_STALE] = {"collateral-stale", CF_ERR_STALE, "fetch fresh collateral and judge again"},
    [CF_VERDICT_TCB] = {"tcb", CF_ERR_POLICY, "update the platform's firmware"},
    [CF_VERDICT_DEBUG] = {"debug", CF_ERR_POLICY, "start the enclave without debugging"},
    [CF_VERDICT_TEST_ROOT] = {"test-root", CF_ERR_POLICY, "use a TPM that its owner does not control, or a domain of class test"},
    [CF_VERDICT_MEASUREMENT] = {"measurement", CF_ERR_POLICY, "run a program that policy names, or propose this one"},
    [CF_VERDICT_NONCE] = {"nonce", CF_ERR_STALE, "challenge the enclave again"},
    [CF_VERDICT_BINDING] = {"binding", CF_ERR_AUTH, "do not use these keys; they are not the ones attested"},
    [CF_VERDICT_PCR] = {"pcr", CF_ERR_POLICY, "reset the TPM and let the launcher measure again"},
    [CF_VERDICT_EVENT_LOG] = {"event-log", CF_ERR_POLICY, "read the log of this very boot"},
    [CF_VERDICT_JURISDICTION] = {"jurisdiction", CF_ERR_POLICY, "run the enclave in a place that policy names"},
    [CF_VERDICT_POLICY] = {"policy", CF_ERR_POLICY, "read the policy in force"},
};

char const *cf_verdict_name(cf_verdict_code_t code) {
  assert((unsigned)code < CF_VERDICT_CNT);
  return rows[code].name;
}

char const *cf_verdict_next(cf_verdict_code_t code) {
  assert((unsigned)code < CF_VERDICT_CNT);
  return rows[code].next;
}

cf_status_t cf_verdict_status(cf_verdict_code_t code) {
  assert((unsigned)code < CF_VERDICT_CNT);
  return rows[code].status;
}

cf_verdict_code_t cf_verdict_set(cf_verdict_t *v, cf_verdict_code_t code, char const *item, int64_t date_s, char const *fmt,
                                 ...) {
  if (v->code != CF_VERDICT_OK) return v->code;
  v->code = code;
  v->date_s = date_s;
  v->next = cf_verdict_next(code);
  snprintf(v->item, sizeof v->item, "%s", item);
  va_list args;
  va_start(args, fmt);
  vsnprintf(v->text, sizeof v->text, fmt, args);
  va_end(args);
  return code;
}

cf_verdict_code_t cf_verdict_error(cf_verdict_t *v, cf_error_t const *err) {
  cf_verdict_code_t code = CF_VERDICT_MALFORMED;
  if (err->status == CF_ERR_UNSUPPORTED) code = CF_VERDICT_UNSUPPORTED;
  if (err->status == CF_ERR_AUTH) code = CF_VERDICT_SIGNATURE;
  return cf_verdict_set(v, code, err->item, 0, "%s (offset %zu)", err->text, err->offset);
}
