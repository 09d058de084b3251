#include "evidence/cf_statement.h"

#include <stddef.h>

#define S cf_statement_t
static cf_field_t const fields[] = {
    CF_F_FIXED(S, 1, ak_name), CF_F_UINT(S, 2, ak_attributes, 0, UINT32_MAX), CF_F_FIXED(S, 3, ek_certificate),
    CF_F_FIXED(S, 4, domain),  CF_F_UINT(S, 5, time, 1, (1ULL << 40) - 1),    CF_F_FIXED(S, 6, nonce),
};
#undef S

cf_table_t const cf_statement_table = {.name = "credential",
                                       .typ = "application/counterfoil-credential+cose",
                                       .size = sizeof(cf_statement_t),
                                       .bytes_max = CF_STATEMENT_MAX,
                                       .fields = fields,
                                       .fields_cnt = CF_COUNT_OF(fields),
                                       .signer = "a verifier"};

static cf_status_t signer_find(size_t *member, cf_council_t const *c, cf_sign1_t const *s) {
  for (size_t i = 0; i < c->members_cnt; i++) {
    cf_p256_pub_t pub;
    memcpy(pub.b, c->members[i].es256, sizeof pub.b);
    cf_hash_t kid = cf_p256_thumbprint(&pub);
    if (!cf_span_eq(s->hdr.kid, CF_SPAN_OF(kid.b))) continue;
    *member = i;
    return cf_sign1_verify(s, &pub);
  }
  return CF_ERR_AUTH;
}

cf_status_t cf_statement_check(size_t *member, int64_t *until_s, cf_statement_want_t const *want, cf_span_t in, cf_error_t *err) {
  cf_statement_t st = {0};
  cf_sign1_t     sign1;
  cf_status_t    status = cf_document_open(&st, &sign1, &cf_statement_table, in, err);
  if (status) return status;
  if (signer_find(member, want->verifiers, &sign1))
    return cf_error_set(err, CF_ERR_AUTH, "credential", 0, "not signed by a verifier of the council");
  if (memcmp(st.ak_name, want->ak_name, sizeof st.ak_name) || st.ak_attributes != want->ak_attributes)
    return cf_error_set(err, CF_ERR_POLICY, "credential.ak_name", 0, "about another attestation key");
  if (memcmp(st.ek_certificate, want->ek_certificate->b, 32))
    return cf_error_set(err, CF_ERR_POLICY, "credential.ek_certificate", 0, "about another TPM");
  if (memcmp(st.domain, want->domain->b, 32))
    return cf_error_set(err, CF_ERR_POLICY, "credential.domain", 0, "for another domain");
  int64_t made = (int64_t)st.time;
  if (made > want->at_s + (int64_t)want->skew_s || want->at_s > made + (int64_t)want->max_age_s)
    return cf_error_set(err, CF_ERR_STALE, "credential.time", 0, "of %lld, judged at %lld", (long long)made,
                        (long long)want->at_s);
  *until_s = made + (int64_t)want->max_age_s;
  return CF_OK;
}
