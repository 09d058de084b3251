/* The sealing root's blob. */
#include "platform/cf_tpmdev.h"

#include <assert.h>
#include <stddef.h>

#include <tss2/tss2_mu.h>

#include "base/cf_secret.h"
#include "crypto/cf_hash.h"
#include "platform/cf_tpmdev_inside.h"

#define ROOT_SZ 32
#define SEALED_SZ (8 + ROOT_SZ) /* number u64, root */
#define PCR_IDENTITY 12
/* Everything in the policy but PCR 12, as it is now. */
#define PRESENT_PCRS (CF_TPM_QUOTE_PCRS & ~(1u << PCR_IDENTITY))

static cf_field_t const fields[] = {
    CF_F_UINT(cf_sealed_root_t, 1, version, 1, UINT32_MAX),      CF_F_UINT(cf_sealed_root_t, 2, number, 1, UINT32_MAX),
    CF_F_UINT(cf_sealed_root_t, 3, pcrs, 1, 0xffffff),           CF_F_BSTR(cf_sealed_root_t, 4, public, 1, CF_TPM_PART_MAX),
    CF_F_BSTR(cf_sealed_root_t, 5, private, 1, CF_TPM_PART_MAX),
};
cf_table_t const cf_sealed_root_table = {.name = "sealed-root",
                                         .size = sizeof(cf_sealed_root_t),
                                         .bytes_max = CF_TPM_BLOB_MAX,
                                         .fields = fields,
                                         .fields_cnt = CF_COUNT_OF(fields)};

/* The digest of TPM2_PolicyPCR over values that are not there yet:
   SHA-256(0^32 || TPM_CC_PolicyPCR || TPML_PCR_SELECTION || SHA-256(values, rising)). */
static cf_status_t policy_digest(cf_tpmdev_t *tpm, cf_hash_t *out, cf_error_t *err) {
  cf_hash_t   present[CF_TPM_QUOTE_PCR_CNT - 1], zero = {{0}};
  cf_status_t st = cf_tpmdev_pcrs(tpm, present, CF_TPM_QUOTE_PCR_CNT - 1, PRESENT_PCRS, err);
  if (st) return st;
  cf_sha256_t ctx;
  cf_sha256_init(&ctx);
  for (unsigned pcr = 0, i = 0; pcr < 24; pcr++) {
    if (PRESENT_PCRS >> pcr & 1) cf_sha256_h(&ctx, &present[i++]);
    else if (pcr == PCR_IDENTITY) cf_sha256_h(&ctx, &zero);
  }
  cf_hash_t          values = cf_sha256_end(&ctx);
  TPML_PCR_SELECTION selection = cf_tpm_selection(CF_TPM_QUOTE_PCRS);
  uint8_t            marshalled[16];
  size_t             n = 0;
  TSS2_RC            rc = Tss2_MU_TPML_PCR_SELECTION_Marshal(&selection, marshalled, sizeof marshalled, &n);
  assert(!rc);
  cf_sha256_init(&ctx);
  cf_sha256_h(&ctx, &zero);
  cf_sha256_u(&ctx, TPM2_CC_PolicyPCR, 4);
  cf_sha256_add(&ctx, marshalled, n);
  cf_sha256_h(&ctx, &values);
  *out = cf_sha256_end(&ctx);
  return CF_OK;
}

static cf_status_t create_sealed(cf_tpmdev_t *tpm, cf_tpm_halves_t *halves, ESYS_TR srk, ESYS_TR session, cf_hash_t const *policy,
                                 uint64_t number, uint8_t const root[ROOT_SZ], cf_error_t *err) {
  TPM2B_PUBLIC template = {.publicArea = {.type = TPM2_ALG_KEYEDHASH,
                                          .nameAlg = TPM2_ALG_SHA256,
                                          .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                                              TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_NODA,
                                          .authPolicy.size = sizeof policy->b,
                                          .parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL}};
  TPM2B_SENSITIVE_CREATE sensitive = {.sensitive.data.size = SEALED_SZ};
  TPM2B_DATA             outside = {0};
  TPML_PCR_SELECTION     none = {0};
  TPM2B_PRIVATE         *priv = NULL;
  TPM2B_PUBLIC          *pub = NULL;
  TPM2B_CREATION_DATA   *data = NULL;
  TPM2B_DIGEST          *hash = NULL;
  TPMT_TK_CREATION      *ticket = NULL;
  cf_wr_t                wr = cf_wr_init(sensitive.sensitive.data.buffer, SEALED_SZ);
  memcpy(template.publicArea.authPolicy.buffer, policy->b, sizeof policy->b);
  cf_wr_u64(&wr, number);
  cf_wr_bytes(&wr, root, ROOT_SZ);
  TSS2_RC rc = Esys_Create(tpm->esys, srk, ESYS_TR_PASSWORD, session, ESYS_TR_NONE, &sensitive, &template, &outside, &none, &priv,
                           &pub, &data, &hash, &ticket);
  cf_wipe(&sensitive, sizeof sensitive);
  cf_status_t st = rc ? cf_tpm_error(err, "tpm.seal", rc) : cf_tpm_halves(halves, pub, priv, err);
  Esys_Free(priv);
  Esys_Free(pub);
  Esys_Free(data);
  Esys_Free(hash);
  Esys_Free(ticket);
  return st;
}

cf_status_t cf_tpmdev_seal(cf_tpmdev_t *tpm, cf_wr_t *blob, uint64_t number, uint8_t const root[ROOT_SZ], cf_error_t *err) {
  ESYS_TR         srk = ESYS_TR_NONE, session = ESYS_TR_NONE;
  cf_tpm_halves_t halves;
  cf_hash_t       policy;
  cf_status_t     st = policy_digest(tpm, &policy, err);
  if (!st) st = cf_tpm_srk(tpm, &srk, err);
  if (!st) st = cf_tpm_session(tpm, &session, srk, TPM2_SE_HMAC, TPMA_SESSION_DECRYPT | TPMA_SESSION_CONTINUESESSION, err);
  if (!st) st = create_sealed(tpm, &halves, srk, session, &policy, number, root, err);
  cf_tpm_flush(tpm, session);
  cf_tpm_flush(tpm, srk);
  if (st) return st;
  cf_sealed_root_t sealed = {.version = 1,
                             .number = number,
                             .pcrs = CF_TPM_QUOTE_PCRS,
                             .public = CF_SPAN(halves.public, halves.public_sz),
                             .private = CF_SPAN(halves.private, halves.private_sz)};
  cf_table_encode(blob, &cf_sealed_root_table, &sealed);
  return blob->bad ? cf_error_set(err, CF_ERR_BOUND, "sealed-root", 0, "no room for the blob") : CF_OK;
}

static cf_status_t open_sealed(cf_sealed_root_t *out, cf_span_t blob, cf_error_t *err) {
  cf_status_t st = cf_table_decode(out, &cf_sealed_root_table, blob, err);
  if (st) return st;
  if (out->version != 1 || out->pcrs != CF_TPM_QUOTE_PCRS)
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "sealed-root", 0, "version %u, PCRs %#x", (unsigned)out->version,
                        (unsigned)out->pcrs);
  return CF_OK;
}

/* The session is salted with the SRK, so that the answer crosses the bus encrypted. */
static cf_status_t unseal_under_policy(cf_tpmdev_t *tpm, TPM2B_SENSITIVE_DATA **data, ESYS_TR object, ESYS_TR session,
                                       cf_error_t *err) {
  TPML_PCR_SELECTION selection = cf_tpm_selection(CF_TPM_QUOTE_PCRS);
  TPM2B_DIGEST       present = {0}; /* whatever they are: the object's policy decides */
  TSS2_RC            rc = Esys_PolicyPCR(tpm->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &present, &selection);
  if (!rc) rc = Esys_Unseal(tpm->esys, object, session, ESYS_TR_NONE, ESYS_TR_NONE, data);
  return rc ? cf_tpm_error(err, "tpm.unseal", rc) : CF_OK;
}

cf_status_t cf_tpmdev_unseal(cf_tpmdev_t *tpm, uint64_t *number, uint8_t root[ROOT_SZ], cf_span_t blob, cf_error_t *err) {
  ESYS_TR               srk = ESYS_TR_NONE, session = ESYS_TR_NONE, object = ESYS_TR_NONE;
  TPM2B_SENSITIVE_DATA *data = NULL;
  cf_sealed_root_t      sealed;
  cf_status_t           st = open_sealed(&sealed, blob, err);
  if (!st) st = cf_tpm_srk(tpm, &srk, err);
  if (!st) st = cf_tpm_load(tpm, &object, srk, sealed.public, sealed.private, err);
  if (!st) st = cf_tpm_session(tpm, &session, srk, TPM2_SE_POLICY, TPMA_SESSION_ENCRYPT | TPMA_SESSION_CONTINUESESSION, err);
  if (!st) st = unseal_under_policy(tpm, &data, object, session, err);
  if (!st) {
    cf_rd_t  rd = cf_rd_init(data->buffer, data->size);
    uint64_t said = cf_rd_u64(&rd);
    cf_rd_copy(&rd, root, ROOT_SZ);
    if (!cf_rd_done(&rd) || said != sealed.number)
      st = cf_error_set(err, CF_ERR_AUTH, "sealed-root.number", 0, "the blob's number is not the one sealed");
    else *number = said;
  }
  if (st) cf_wipe(root, ROOT_SZ);
  if (data) cf_wipe(data, sizeof *data);
  Esys_Free(data);
  cf_tpm_flush(tpm, session);
  cf_tpm_flush(tpm, object);
  cf_tpm_flush(tpm, srk);
  return st;
}
