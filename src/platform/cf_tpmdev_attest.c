/* Endorsement, attestation key, quote, activation. */
#include "platform/cf_tpmdev.h"

#include <stddef.h>

#include <tss2/tss2_mu.h>

#include "base/cf_secret.h"
#include "platform/cf_tpmdev_inside.h"

#define NV_CHUNK 512

static cf_field_t const key_fields[] = {
    CF_F_UINT(cf_tpm_key_t, 1, version, 1, UINT32_MAX),
    CF_F_BSTR(cf_tpm_key_t, 2, public, 1, CF_TPM_PART_MAX),
    CF_F_BSTR(cf_tpm_key_t, 3, private, 1, CF_TPM_PART_MAX),
};
cf_table_t const cf_tpm_key_table = {.name = "tpm-key",
                                     .size = sizeof(cf_tpm_key_t),
                                     .bytes_max = CF_TPM_BLOB_MAX,
                                     .fields = key_fields,
                                     .fields_cnt = CF_COUNT_OF(key_fields)};

cf_status_t cf_tpm_key_open(cf_tpm_key_t *out, cf_span_t blob, cf_error_t *err) {
  cf_status_t st = cf_table_decode(out, &cf_tpm_key_table, blob, err);
  if (!st && out->version != 1)
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "tpm-key.version", 0, "version %u", (unsigned)out->version);
  return st;
}

/* ---- endorsement ---- */

/* A TPM says of an index that is not there that the handle is wrong. */
static bool is_absent(TSS2_RC rc) { return rc >> 16 == 0 && (rc & 0xbf) == TPM2_RC_HANDLE; }

cf_status_t cf_tpmdev_nv(cf_tpmdev_t *tpm, uint8_t *out, size_t *out_sz, size_t out_max, uint32_t index, char const *item,
                         cf_error_t *err) {
  ESYS_TR          nv = ESYS_TR_NONE;
  TPM2B_NV_PUBLIC *info = NULL;
  TPM2B_NAME      *name = NULL;
  size_t           at = 0, size;
  *out_sz = 0;
  TSS2_RC rc = Esys_TR_FromTPMPublic(tpm->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &nv);
  if (is_absent(rc)) return CF_OK;
  if (!rc) rc = Esys_NV_ReadPublic(tpm->esys, nv, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &info, &name);
  if (rc) return cf_tpm_error(err, item, rc);
  size = info->nvPublic.dataSize;
  Esys_Free(info);
  Esys_Free(name);
  if (size > out_max) return cf_error_set(err, CF_ERR_BOUND, item, 0, "%zu bytes", size);
  while (at < size) {
    TPM2B_MAX_NV_BUFFER *chunk = NULL;
    uint16_t             n = (uint16_t)(size - at < NV_CHUNK ? size - at : NV_CHUNK);
    rc = Esys_NV_Read(tpm->esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, n, (uint16_t)at, &chunk);
    if (rc) return cf_tpm_error(err, item, rc);
    bool full = chunk->size == n;
    if (full) memcpy(out + at, chunk->buffer, n);
    Esys_Free(chunk);
    if (!full) return cf_error_set(err, CF_ERR_IO, item, at, "a short read");
    at += n;
  }
  *out_sz = size;
  return CF_OK;
}

cf_status_t cf_tpmdev_ek_certificate(cf_tpmdev_t *tpm, uint8_t *out, size_t *out_sz, size_t out_max, cf_error_t *err) {
  cf_status_t st = cf_tpmdev_nv(tpm, out, out_sz, out_max, CF_TPM_EK_NV, "tpm.ek-certificate", err);
  return st || *out_sz ? st : cf_error_set(err, CF_ERR_IO, "tpm.ek-certificate", 0, "the TPM has none at NV index %#x", CF_TPM_EK_NV);
}

cf_status_t cf_tpmdev_public(cf_tpmdev_t *tpm, uint8_t *out, size_t *out_sz, size_t out_max, uint32_t handle, char const *item,
                             cf_error_t *err) {
  ESYS_TR       key = ESYS_TR_NONE;
  TPM2B_PUBLIC *pub = NULL;
  TPM2B_NAME   *name = NULL, *qualified = NULL;
  TSS2_RC       rc = Esys_TR_FromTPMPublic(tpm->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &key);
  if (!rc) rc = Esys_ReadPublic(tpm->esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &pub, &name, &qualified);
  *out_sz = 0;
  if (!rc) rc = Tss2_MU_TPMT_PUBLIC_Marshal(&pub->publicArea, out, out_max, out_sz);
  Esys_Free(pub);
  Esys_Free(name);
  Esys_Free(qualified);
  return rc ? cf_tpm_error(err, item, rc) : CF_OK;
}

cf_status_t cf_tpmdev_ek_public(cf_tpmdev_t *tpm, uint8_t *out, size_t *out_sz, size_t out_max, cf_error_t *err) {
  return cf_tpmdev_public(tpm, out, out_sz, out_max, CF_TPM_EK_HANDLE, "tpm.ek", err);
}

/* ---- the attestation key ---- */

cf_status_t cf_tpmdev_ak_make(cf_tpmdev_t *tpm, cf_wr_t *blob, cf_error_t *err) {
  TPM2B_PUBLIC template = {
      .publicArea = {
          .type = TPM2_ALG_ECC,
          .nameAlg = TPM2_ALG_SHA256,
          .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                              TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT,
          .parameters.eccDetail = {.symmetric.algorithm = TPM2_ALG_NULL,
                                   .scheme = {.scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256},
                                   .curveID = TPM2_ECC_NIST_P256,
                                   .kdf.scheme = TPM2_ALG_NULL},
      }};
  TPM2B_SENSITIVE_CREATE sensitive = {0};
  TPM2B_DATA             outside = {0};
  TPML_PCR_SELECTION     none = {0};
  TPM2B_PRIVATE         *priv = NULL;
  TPM2B_PUBLIC          *pub = NULL;
  TPM2B_CREATION_DATA   *data = NULL;
  TPM2B_DIGEST          *hash = NULL;
  TPMT_TK_CREATION      *ticket = NULL;
  ESYS_TR                srk = ESYS_TR_NONE;
  cf_tpm_halves_t        halves;
  cf_status_t            st = cf_tpm_srk(tpm, &srk, err);
  if (st) return st;
  TSS2_RC rc = Esys_Create(tpm->esys, srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &template, &outside, &none,
                           &priv, &pub, &data, &hash, &ticket);
  cf_tpm_flush(tpm, srk);
  st = rc ? cf_tpm_error(err, "tpm.ak", rc) : cf_tpm_halves(&halves, pub, priv, err);
  Esys_Free(priv);
  Esys_Free(pub);
  Esys_Free(data);
  Esys_Free(hash);
  Esys_Free(ticket);
  if (st) return st;
  cf_tpm_key_t key = {
      .version = 1, .public = CF_SPAN(halves.public, halves.public_sz), .private = CF_SPAN(halves.private, halves.private_sz)};
  cf_table_encode(blob, &cf_tpm_key_table, &key);
  return blob->bad ? cf_error_set(err, CF_ERR_BOUND, "tpm-key", 0, "no room for the blob") : CF_OK;
}

cf_status_t cf_tpmdev_ak_check(cf_tpmdev_t *tpm, cf_span_t ak, cf_error_t *err) {
  ESYS_TR     key = ESYS_TR_NONE;
  cf_status_t st = cf_tpm_load_key(tpm, &key, ak, err);
  if (!st) cf_tpm_flush(tpm, key);
  return st;
}

/* ---- quote ---- */

static cf_status_t quote_by(cf_tpmdev_t *tpm, cf_tpm_quote_out_t *out, ESYS_TR key, cf_span_t data, cf_error_t *err) {
  TPM2B_ATTEST      *attest = NULL;
  TPMT_SIGNATURE    *signature = NULL;
  TPM2B_DATA         outside = {0};
  TPMT_SIG_SCHEME    scheme = {.scheme = TPM2_ALG_NULL}; /* the key's own */
  TPML_PCR_SELECTION selection = cf_tpm_selection(CF_TPM_QUOTE_PCRS);
  _Static_assert(sizeof outside.buffer >= CF_TPM_QUOTE_DATA_MAX, "what a TPM takes");
  if (data.len > CF_TPM_QUOTE_DATA_MAX) return cf_error_set(err, CF_ERR_BOUND, "tpm.quote", 0, "over %zu bytes", data.len);
  outside.size = (uint16_t)data.len;
  memcpy(outside.buffer, data.ptr, data.len);
  TSS2_RC rc = Esys_Quote(tpm->esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &outside, &scheme, &selection, &attest,
                          &signature);
  out->signature_sz = 0;
  if (!rc) rc = Tss2_MU_TPMT_SIGNATURE_Marshal(signature, out->signature, sizeof out->signature, &out->signature_sz);
  if (!rc && attest->size > sizeof out->attest) rc = TSS2_MU_RC_INSUFFICIENT_BUFFER;
  if (!rc) {
    out->attest_sz = attest->size;
    memcpy(out->attest, attest->attestationData, attest->size);
  }
  Esys_Free(attest);
  Esys_Free(signature);
  if (rc) return cf_tpm_error(err, "tpm.quote", rc);
  return cf_tpmdev_pcrs(tpm, out->pcrs, CF_TPM_QUOTE_PCR_CNT, CF_TPM_QUOTE_PCRS, err);
}

cf_status_t cf_tpmdev_quote(cf_tpmdev_t *tpm, cf_tpm_quote_out_t *out, cf_span_t ak, cf_span_t data, cf_error_t *err) {
  ESYS_TR     key = ESYS_TR_NONE;
  cf_status_t st = cf_tpm_load_key(tpm, &key, ak, err);
  if (!st) st = quote_by(tpm, out, key, data, err);
  cf_tpm_flush(tpm, key);
  return st;
}

cf_status_t cf_tpmdev_quote_at(cf_tpmdev_t *tpm, cf_tpm_quote_out_t *out, uint32_t handle, cf_span_t data, cf_error_t *err) {
  ESYS_TR key = ESYS_TR_NONE;
  TSS2_RC rc = Esys_TR_FromTPMPublic(tpm->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &key);
  return rc ? cf_tpm_error(err, "tpm.ak", rc) : quote_by(tpm, out, key, data, err);
}

/* ---- activation ---- */

static cf_status_t read_challenge(TPM2B_ID_OBJECT *id, TPM2B_ENCRYPTED_SECRET *secret, cf_span_t challenge, cf_error_t *err) {
  cf_rd_t rd = cf_rd_span(challenge);
  id->size = cf_rd_u16(&rd);
  if (id->size <= sizeof id->credential) cf_rd_copy(&rd, id->credential, id->size);
  else rd.bad = true;
  secret->size = cf_rd_u16(&rd);
  if (secret->size <= sizeof secret->secret) cf_rd_copy(&rd, secret->secret, secret->size);
  else rd.bad = true;
  return cf_rd_done(&rd)
             ? CF_OK
             : cf_error_set(err, CF_ERR_FORMAT, "challenge", rd.pos, "not TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET");
}

/* The EK may be used under its own policy only: PolicySecret(endorsement hierarchy). */
static cf_status_t ek_session(cf_tpmdev_t *tpm, ESYS_TR *session, cf_error_t *err) {
  cf_status_t st = cf_tpm_session(tpm, session, ESYS_TR_NONE, TPM2_SE_POLICY, TPMA_SESSION_CONTINUESESSION, err);
  if (st) return st;
  TSS2_RC rc = Esys_PolicySecret(tpm->esys, ESYS_TR_RH_ENDORSEMENT, *session, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, NULL,
                                 NULL, NULL, 0, NULL, NULL);
  return rc ? cf_tpm_error(err, "tpm.ek", rc) : CF_OK;
}

/* A seed that this EK cannot unpad was made for another one.  TPMs call it a value error; libtpms says "failure", which it also
   says in failure mode, in which it would answer nothing else. */
static cf_status_t activate_error(cf_tpmdev_t *tpm, cf_error_t *err, TSS2_RC rc) {
  uint32_t reset_cnt, restart_cnt;
  bool     foreign = rc >> 16 == 0 && (rc & 0xbf) == TPM2_RC_VALUE;
  if (rc == TPM2_RC_FAILURE) foreign = cf_tpmdev_counters(tpm, &reset_cnt, &restart_cnt, NULL) == CF_OK;
  return foreign ? cf_error_set(err, CF_ERR_AUTH, "tpm.activate", 0, "the challenge is for another endorsement key")
                 : cf_tpm_error(err, "tpm.activate", rc);
}

cf_status_t cf_tpmdev_activate(cf_tpmdev_t *tpm, uint8_t secret[64], size_t *secret_sz, cf_span_t ak, cf_span_t challenge,
                               cf_error_t *err) {
  TPM2B_ID_OBJECT        id = {0};
  TPM2B_ENCRYPTED_SECRET seed = {0};
  TPM2B_DIGEST          *answer = NULL;
  ESYS_TR                key = ESYS_TR_NONE, ek = ESYS_TR_NONE, session = ESYS_TR_NONE;
  TSS2_RC                rc;
  cf_status_t            st = read_challenge(&id, &seed, challenge, err);
  if (!st) st = cf_tpm_load_key(tpm, &key, ak, err);
  if (!st) st = ek_session(tpm, &session, err);
  if (st) goto out;
  rc = Esys_TR_FromTPMPublic(tpm->esys, CF_TPM_EK_HANDLE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &ek);
  if (!rc) rc = Esys_ActivateCredential(tpm->esys, key, ek, ESYS_TR_PASSWORD, session, ESYS_TR_NONE, &id, &seed, &answer);
  if (rc) {
    st = activate_error(tpm, err, rc);
    goto out;
  }
  if (answer->size > 64) {
    st = cf_error_set(err, CF_ERR_BOUND, "tpm.activate", 0, "%u bytes of secret", answer->size);
    goto out;
  }
  memcpy(secret, answer->buffer, answer->size);
  *secret_sz = answer->size;
out:
  cf_tpm_flush(tpm, session);
  cf_tpm_flush(tpm, key);
  if (answer) cf_wipe(answer, sizeof *answer);
  Esys_Free(answer);
  return st;
}
