/* Opening, measuring, and what the other cf_tpmdev files share. */
#include "platform/cf_tpmdev.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>

#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include "crypto/cf_hash.h"
#include "platform/cf_tpmdev_inside.h"

#define PCR_PROGRAM 11
#define PCR_IDENTITY 12

/* Format-one errors of the TPM itself, without the parameter they are about. */
enum { RC_AUTH_FAIL = 0x0e, RC_POLICY_FAIL = 0x1d, RC_INTEGRITY = 0x1f, RC_BAD_AUTH = 0x22 };

cf_status_t cf_tpm_error(cf_error_t *err, char const *what, TSS2_RC rc) {
  cf_status_t st = CF_ERR_IO;
  if (rc >> 16 == 0 && rc & 0x80) {
    if ((rc & 0x3f) == RC_POLICY_FAIL) st = CF_ERR_POLICY;
    if ((rc & 0x3f) == RC_INTEGRITY || (rc & 0x3f) == RC_AUTH_FAIL || (rc & 0x3f) == RC_BAD_AUTH) st = CF_ERR_AUTH;
  }
  return cf_error_set(err, st, what, 0, "%s (%#x)", Tss2_RC_Decode(rc), rc);
}

cf_status_t cf_tpmdev_init(cf_tpmdev_t *tpm, char const *tcti, cf_error_t *err) {
  *tpm = (cf_tpmdev_t){0};
  TSS2_RC rc = Tss2_TctiLdr_Initialize(tcti, &tpm->tcti);
  if (!rc) rc = Esys_Initialize(&tpm->esys, tpm->tcti, NULL);
  if (!rc) return CF_OK;
  cf_tpmdev_fini(tpm);
  return cf_tpm_error(err, "tpm.open", rc);
}

void cf_tpmdev_fini(cf_tpmdev_t *tpm) {
  if (tpm->esys) Esys_Finalize(&tpm->esys);
  if (tpm->tcti) Tss2_TctiLdr_Finalize(&tpm->tcti);
}

/* ---- shared ---- */

TPML_PCR_SELECTION cf_tpm_selection(uint32_t mask) {
  return (TPML_PCR_SELECTION){
      .count = 1,
      .pcrSelections = {{.hash = TPM2_ALG_SHA256,
                         .sizeofSelect = 3,
                         .pcrSelect = {(uint8_t)mask, (uint8_t)(mask >> 8), (uint8_t)(mask >> 16)}}},
  };
}

void cf_tpm_flush(cf_tpmdev_t *tpm, ESYS_TR object) {
  if (object != ESYS_TR_NONE) (void)Esys_FlushContext(tpm->esys, object);
}

cf_status_t cf_tpm_srk(cf_tpmdev_t *tpm, ESYS_TR *srk, cf_error_t *err) {
  TPM2B_PUBLIC template = {
      .publicArea = {
          .type = TPM2_ALG_ECC,
          .nameAlg = TPM2_ALG_SHA256,
          .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                              TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
          .parameters.eccDetail = {.symmetric = {.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB},
                                   .scheme.scheme = TPM2_ALG_NULL,
                                   .curveID = TPM2_ECC_NIST_P256,
                                   .kdf.scheme = TPM2_ALG_NULL},
      }};
  TPM2B_SENSITIVE_CREATE sensitive = {0};
  TPM2B_DATA             outside = {0};
  TPML_PCR_SELECTION     none = {0};
  TPM2B_PUBLIC          *pub = NULL;
  TPM2B_CREATION_DATA   *data = NULL;
  TPM2B_DIGEST          *hash = NULL;
  TPMT_TK_CREATION      *ticket = NULL;
  TSS2_RC rc = Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
                                  &template, &outside, &none, srk, &pub, &data, &hash, &ticket);
  Esys_Free(pub);
  Esys_Free(data);
  Esys_Free(hash);
  Esys_Free(ticket);
  return rc ? cf_tpm_error(err, "tpm.srk", rc) : CF_OK;
}

cf_status_t cf_tpm_session(cf_tpmdev_t *tpm, ESYS_TR *session, ESYS_TR key, TPM2_SE type, TPMA_SESSION attributes,
                           cf_error_t *err) {
  TPMT_SYM_DEF aes = {.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
  TSS2_RC rc = Esys_StartAuthSession(tpm->esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, type, &aes,
                                     TPM2_ALG_SHA256, session);
  if (rc) return cf_tpm_error(err, "tpm.session", rc);
  rc = Esys_TRSess_SetAttributes(tpm->esys, *session, attributes, 0xff);
  if (!rc) return CF_OK;
  cf_tpm_flush(tpm, *session);
  *session = ESYS_TR_NONE;
  return cf_tpm_error(err, "tpm.session", rc);
}

cf_status_t cf_tpm_halves(cf_tpm_halves_t *out, TPM2B_PUBLIC const *pub, TPM2B_PRIVATE const *priv, cf_error_t *err) {
  TSS2_RC rc = TSS2_RC_SUCCESS;
  out->public_sz = 0;
  if (priv->size > sizeof out->private) return cf_error_set(err, CF_ERR_BOUND, "tpm.private", 0, "%u bytes", priv->size);
  memcpy(out->private, priv->buffer, priv->size);
  out->private_sz = priv->size;
  rc = Tss2_MU_TPMT_PUBLIC_Marshal(&pub->publicArea, out->public, sizeof out->public, &out->public_sz);
  return rc ? cf_tpm_error(err, "tpm.public", rc) : CF_OK;
}

cf_status_t cf_tpm_load(cf_tpmdev_t *tpm, ESYS_TR *object, ESYS_TR srk, cf_span_t public, cf_span_t private, cf_error_t *err) {
  TPM2B_PUBLIC  pub = {0};
  TPM2B_PRIVATE priv = {.size = (uint16_t) private.len};
  size_t        at = 0;
  if (private.len > sizeof priv.buffer) return cf_error_set(err, CF_ERR_BOUND, "tpm.private", 0, "%zu bytes", private.len);
  memcpy(priv.buffer, private.ptr, private.len);
  TSS2_RC rc = Tss2_MU_TPMT_PUBLIC_Unmarshal(public.ptr, public.len, &at, &pub.publicArea);
  if (rc || at != public.len) return cf_error_set(err, CF_ERR_FORMAT, "tpm.public", at, "not a TPMT_PUBLIC");
  rc = Esys_Load(tpm->esys, srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &priv, &pub, object);
  return rc ? cf_tpm_error(err, "tpm.load", rc) : CF_OK;
}

cf_status_t cf_tpm_load_key(cf_tpmdev_t *tpm, ESYS_TR *object, cf_span_t blob, cf_error_t *err) {
  cf_tpm_key_t key;
  ESYS_TR      srk = ESYS_TR_NONE;
  cf_status_t  st = cf_tpm_key_open(&key, blob, err);
  if (!st) st = cf_tpm_srk(tpm, &srk, err);
  if (!st) st = cf_tpm_load(tpm, object, srk, key.public, key.private, err);
  cf_tpm_flush(tpm, srk);
  return st;
}

/* ---- measuring ---- */

cf_status_t cf_tpmdev_extend(cf_tpmdev_t *tpm, unsigned pcr, cf_hash_t const *digest, cf_error_t *err) {
  assert(pcr < 24);
  TPML_DIGEST_VALUES values = {.count = 1, .digests = {{.hashAlg = TPM2_ALG_SHA256}}};
  memcpy(values.digests[0].digest.sha256, digest->b, sizeof digest->b);
  TSS2_RC rc = Esys_PCR_Extend(tpm->esys, (ESYS_TR)pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &values);
  return rc ? cf_tpm_error(err, "tpm.extend", rc) : CF_OK;
}

/* TPM2_PCR_Read returns at most eight values and says which; we ask again for the rest. */
cf_status_t cf_tpmdev_pcrs(cf_tpmdev_t *tpm, cf_hash_t *values, size_t cnt, uint32_t mask, cf_error_t *err) {
  assert((size_t)__builtin_popcount(mask) == cnt && mask >> 24 == 0);
  size_t have = 0;
  while (mask) {
    TPML_PCR_SELECTION want = cf_tpm_selection(mask), *got = NULL;
    TPML_DIGEST       *digests = NULL;
    UINT32             update;
    TSS2_RC            rc = Esys_PCR_Read(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &want, &update, &got, &digests);
    if (rc) return cf_tpm_error(err, "tpm.pcrs", rc);
    uint32_t read = 0;
    for (size_t i = 0; got->count == 1 && i < 3; i++) read |= (uint32_t)got->pcrSelections[0].pcrSelect[i] << 8 * i;
    bool sane = read && (read & ~mask) == 0 && digests->count == (UINT32)__builtin_popcount(read);
    for (size_t i = 0; sane && i < digests->count; i++) {
      sane = digests->digests[i].size == sizeof values->b;
      if (sane) memcpy(values[have++].b, digests->digests[i].buffer, sizeof values->b);
    }
    /* a mask is read from its low end, so the values come rising */
    sane = sane && (mask & ((1u << (32 - __builtin_clz(read | 1))) - 1)) == read;
    Esys_Free(got);
    Esys_Free(digests);
    if (!sane) return cf_error_set(err, CF_ERR_IO, "tpm.pcrs", 0, "no SHA-256 bank, or an answer to another question");
    mask &= ~read;
  }
  return CF_OK;
}

static cf_status_t demand_zero(cf_tpmdev_t *tpm, uint32_t mask, size_t cnt, cf_error_t *err) {
  cf_hash_t   values[2], zero = {{0}};
  cf_status_t st = cf_tpmdev_pcrs(tpm, values, cnt, mask, err);
  for (size_t i = 0; !st && i < cnt; i++)
    if (!cf_hash_eq(&values[i], &zero))
      return cf_error_set(err, CF_ERR_POLICY, "tpm.pcrs", 0, "PCR 11 or 12 is in use: reset the TPM first");
  return st;
}

cf_status_t cf_tpmdev_measure(cf_tpmdev_t *tpm, cf_hash_t const *program, cf_hash_t const *configuration, cf_hash_t const *domain,
                              cf_error_t *err) {
  cf_status_t st = demand_zero(tpm, 1u << PCR_PROGRAM | 1u << PCR_IDENTITY, 2, err);
  if (!st) st = cf_tpmdev_extend(tpm, PCR_PROGRAM, program, err);
  if (!st) st = cf_tpmdev_extend(tpm, PCR_PROGRAM, configuration, err);
  if (!st) st = cf_tpmdev_extend(tpm, PCR_PROGRAM, domain, err);
  return st;
}

cf_status_t cf_tpmdev_identify(cf_tpmdev_t *tpm, cf_hash_t const *instance, cf_error_t *err) {
  cf_sha256_t ctx;
  cf_sha256_tag(&ctx, "cap");
  cf_hash_t   cap = cf_sha256_end(&ctx);
  cf_status_t st = demand_zero(tpm, 1u << PCR_IDENTITY, 1, err);
  if (!st) st = cf_tpmdev_extend(tpm, PCR_IDENTITY, instance, err);
  if (!st) st = cf_tpmdev_extend(tpm, PCR_IDENTITY, &cap, err);
  return st;
}

cf_status_t cf_tpmdev_counters(cf_tpmdev_t *tpm, uint32_t *reset_cnt, uint32_t *restart_cnt, cf_error_t *err) {
  TPMS_TIME_INFO *info = NULL;
  TSS2_RC         rc = Esys_ReadClock(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &info);
  if (rc) return cf_tpm_error(err, "tpm.clock", rc);
  *reset_cnt = info->clockInfo.resetCount;
  *restart_cnt = info->clockInfo.restartCount;
  Esys_Free(info);
  return CF_OK;
}
