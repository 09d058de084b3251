/* A TPM in software, and who vouches for it: an own CA and endorsement key, made once per process with OpenSSL.  What it makes
   goes through the verifiers' real checks: chain, quote, PCRs, credential activation.  Its root is of class owner-controlled. */
#ifndef CF_SIM_SOFTTPM_H
#define CF_SIM_SOFTTPM_H

#include "crypto/cf_sign.h"
#include "document/cf_carrier.h"

/* The CA and the endorsement key: the same in every process, because libcrypto is seeded before (cf_softtpm_found does it). */
typedef struct {
  uint8_t   root[2048], ek[2048]; /* certificates, DER */
  size_t    root_sz, ek_sz;
  cf_hash_t root_hash;
  void     *ek_key; /* EVP_PKEY */
} cf_soft_ca_t;
cf_soft_ca_t const *cf_soft_ca(void);

typedef struct {
  cf_p256_key_t *ak;
  void          *ek; /* EVP_PKEY; a copy of its own, because blinding draws entropy by a key's past uses */
  uint8_t        ak_public[128]; /* TPMT_PUBLIC */
  size_t         ak_public_sz;
  cf_hash_t      program, configuration, domain, instance, measurement;
  uint8_t        identity[64];
  uint32_t       reset_cnt;
} cf_softtpm_t;

/* The registers of a boot that every machine here shares: PCRs 0-9 and 14. */
void cf_softtpm_measurement(cf_hash_t *out, cf_hash_t const *program, cf_hash_t const *configuration);

void cf_softtpm_init(cf_softtpm_t *t, cf_entropy_t const *e);
void cf_softtpm_fini(cf_softtpm_t *t);
/* A reset, with what the launcher then measures; identify is the program's identity and the cap. */
void cf_softtpm_reset(cf_softtpm_t *t, cf_hash_t const *program, cf_hash_t const *configuration, cf_hash_t const *domain);
void cf_softtpm_identify(cf_softtpm_t *t, uint8_t const identity[64]);

/* Evidence over certificate and nonces (32 bytes each), as the launcher carries it.  *binding is what was quoted. */
void cf_softtpm_quote(cf_softtpm_t *t, cf_wr_t *evidence, cf_hash_t *binding, cf_span_t certificate, cf_span_t nonces);
/* TPM2_ActivateCredential: CF_ERR_AUTH when the challenge is for another key. */
CF_MUST_CHECK cf_status_t cf_softtpm_activate(cf_softtpm_t const *t, uint8_t secret[32], cf_span_t challenge);

#endif
