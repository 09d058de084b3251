/* Certificates and the keys in them: X.509 chains judged at a stated time (RFC 5280), and signatures by foreign keys.
   OpenSSL is inside cf_x509*.c and shows nowhere else. */
#ifndef CF_EVIDENCE_X509_H
#define CF_EVIDENCE_X509_H

#include "evidence/cf_dates.h"
#include "evidence/cf_verdict.h"

#include "base/cf_bytes.h"

/* ---- keys ---- */

#define CF_KEY_MAX 512
typedef enum { CF_KEY_RSA = 1, CF_KEY_P256, CF_KEY_P384 } cf_key_kind_t;

/* cf_key_t is a public key: b holds the modulus of an RSA key, or x || y. */
typedef struct {
  cf_key_kind_t kind;
  uint32_t      e; /* RSA */
  size_t        sz;
  uint8_t       b[CF_KEY_MAX];
} cf_key_t;

/* cf_key_from_spki reads a DER SubjectPublicKeyInfo.  CF_ERR_FORMAT; CF_ERR_UNSUPPORTED: another algorithm or size. */
CF_MUST_CHECK cf_status_t cf_key_from_spki(cf_key_t *out, cf_span_t der);
bool                      cf_key_eq(cf_key_t const *a, cf_key_t const *b);

typedef enum {
  CF_SIG_RSASSA = 1,
  CF_SIG_RSAPSS,
  CF_SIG_ECDSA,
  CF_SIG_RSAPSS_DIGEST, /* PSS with a salt as long as the digest, and no other */
} cf_sig_kind_t;

/* cf_key_verify checks a signature over msg.  hash is a TPM_ALG_ID; sig is the RSA value, as long as the modulus, or r || s,
   each as wide as the curve.  CF_ERR_UNSUPPORTED: key and scheme do not fit, an RSA key under 2048 bits, an unknown hash.
   CF_ERR_AUTH otherwise, also for a point off the curve.  Does not refuse SHA-1: that is the caller's. */
CF_MUST_CHECK cf_status_t cf_key_verify(cf_key_t const *key, cf_sig_kind_t kind, uint16_t hash, cf_span_t sig, cf_span_t msg);

/* ---- chains ---- */

#define CF_X509_CHAIN_MAX 8
#define CF_X509_CRL_MAX 8

typedef enum {
  CF_X509_EK, /* a TPM's endorsement key: the usage 2.23.133.8.1 is demanded */
  CF_X509_AK, /* a signing key: digitalSignature is demanded                 */
} cf_x509_use_t;

/* What is asked.  All spans are DER, borrowed for the call. */
typedef struct {
  cf_span_t const *certs; /* the leaf first, each issued by the next; the root may close the list */
  size_t           cert_cnt;
  cf_span_t const *crls;
  size_t           crl_cnt;
  cf_span_t const *roots;
  size_t           root_cnt;
  int64_t          at_s;         /* T, Unix time */
  bool             crl_required; /* every link that names a distribution point needs its list */
  cf_x509_use_t    use;
  cf_dates_t      *dates; /* where what ends when is noted; NULL: nowhere */
} cf_x509_ask_t;

/* What is then known.  Made only by cf_x509_chain_check. */
typedef struct {
  cf_key_t  key;                       /* the leaf's */
  cf_hash_t leaf;                      /* SHA-256 of the leaf's DER */
  size_t    root_idx;                  /* in roots */
  int64_t   not_before_s, not_after_s; /* inside which the whole answer holds, both ends included; lists taken into account */
  int64_t   crl_issued_s;              /* oldest list relied on; 0 when there was none */
  bool      unlisted;                  /* a link names a distribution point, and no list was there */
  char      place[64];                 /* the leaf's one locality; empty: none, or several */
  char      tpm_manufacturer[16], tpm_model[64], tpm_version[16]; /* of the subjectAltName; may be empty */
} cf_x509_facts_t;

/* cf_x509_chain_check builds the path from certs[0] to one of roots and judges it at at_s: signatures, CA flags, key usages,
   critical extensions, validity with both ends included, revocation by the lists given.  Refuses SHA-1 and RSA under 2048 bits.
   The path must be the list given, in its order.  A subjectAltName with TPM data may be critical.  The verdict's item is
   "chain[i]", i counting from the leaf.  Asks no clock and no network; allocates inside OpenSSL only. */
CF_MUST_CHECK cf_verdict_code_t cf_x509_chain_check(cf_x509_facts_t *out, cf_x509_ask_t const *ask, cf_verdict_t *v);

#endif
