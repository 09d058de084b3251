/* attest --activate: the party holds the credential conversation itself, so that it need not believe the verifiers' statements
   that the attestation key lives in the TPM of the endorsement certificate.  PROTOCOL P4. */
#include "cli/cf_remote.h"

#include <stdlib.h>

#include "base/cf_secret.h"
#include "cli/cf_web.h"
#include "document/cf_carrier.h"
#include "evidence/cf_credential.h"
#include "evidence/cf_evidence.h"

/* The facts of evidence that cf_remote_check has accepted: endorsement key, name of the attestation key. */
static int facts_of(cf_facts_t *facts, cf_remote_t const *r) {
  cf_evidence_item_t const evidence = {CF_ROLE_EVIDENCE, r->bundle->evidence};
  cf_span_t                der[CF_ROOTS_MAX];
  cf_root_t                roots[CF_ROOTS_MAX];
  size_t                   cnt = 0;
  cf_verdict_t             v = {0};
  if (r->bundle->collateral.len && cf_der_split(der, &cnt, CF_ROOTS_MAX, r->bundle->collateral)) cnt = 0;
  for (size_t i = 0; i < cnt; i++) roots[i] = (cf_root_t){(cf_root_class_t)r->attested->ek_class, der[i]};
  cf_evidence_ask_t const ask = {.items = &evidence,
                                 .item_cnt = 1,
                                 .roots = roots,
                                 .root_cnt = cnt,
                                 .domain = r->attested->trust.id,
                                 .at_s = (int64_t)cf_wall_s()};
  if (cf_evidence_verify(facts, &ask, &v))
    return cf_fail(CF_EXIT_FAILS, "refused", cf_verdict_name(v.code), v.item, "found", v.text, NULL);
  return 0;
}

int cf_remote_activate(cf_remote_t const *r, char const *url) {
  cf_entropy_t e = cf_entropy_system();
  cf_facts_t  *facts = calloc(1, sizeof *facts);
  uint8_t     *secret = cf_secret_new(CF_CREDENTIAL_SECRET_SZ);
  uint8_t      made[CF_CREDENTIAL_SZ], body[4 + CF_CREDENTIAL_SZ];
  cf_wr_t      wr = cf_wr_init(body, sizeof body);
  cf_span_t    answer;
  if (!facts || !secret) abort();
  int code = facts_of(facts, r);
  cf_entropy_fill(&e, secret, CF_CREDENTIAL_SECRET_SZ);
  if (!code && facts->ak_certified)
    code = cf_fail(CF_EXIT_FAILS, "refused", "unsupported", "activate", "found",
                   "a cloud certifies this key: there is nothing to activate", NULL);
  if (!code && cf_credential_make(made, &facts->ek, CF_SPAN_OF(facts->ak_name), secret, &e))
    code = cf_fail(CF_EXIT_FAILS, "refused", "unsupported", "endorsement key", "found", "not RSA-2048", NULL);
  cf_wr_u32(&wr, sizeof made);
  cf_wr_bytes(&wr, made, sizeof made);
  if (!code) code = cf_web_ask(&answer, NULL, "attest", url, "POST /v1/activate", cf_wr_out(&wr));
  if (!code && (answer.len != CF_CREDENTIAL_SECRET_SZ || !cf_ct_eq(answer.ptr, secret, CF_CREDENTIAL_SECRET_SZ)))
    code = cf_fail(CF_EXIT_FAILS, "refused", "chain", "credential", "found",
                   "the TPM did not return the secret that only it can read", NULL);
  cf_secret_free(secret);
  free(facts);
  return code;
}
