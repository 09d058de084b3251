/* Certificates and revocation lists of platforms' makers (RFC 5280), by our own strict reader: for chains that are short and
   known in their order, whose root the caller has pinned.  Nothing of ours allocates.  A path that must be found, EK certificates
   and the usages of TPMs are cf_x509's. */
#ifndef CF_EVIDENCE_CERT_H
#define CF_EVIDENCE_CERT_H

#include "evidence/cf_dates.h"
#include "evidence/cf_x509.h"

#define CF_CERT_MAX 16384 /* bytes of a certificate */
#define CF_CERT_EXT_MAX 24
#define CF_CERT_CN_MAX 64
#define CF_CRL_MAX (8u << 20)

/* Signature algorithms; others are unsupported. */
typedef enum {
  CF_CERT_ECDSA_SHA256 = 1,
  CF_CERT_ECDSA_SHA384,
  CF_CERT_RSAPSS_SHA384, /* MGF1 with SHA-384, salt of 48 bytes */
} cf_cert_alg_t;

/* Bits of keyUsage. */
#define CF_USAGE_SIGN (1u << 0)
#define CF_USAGE_CERT_SIGN (1u << 5)
#define CF_USAGE_CRL_SIGN (1u << 6)

/* An extension: the content of its OID and of its OCTET STRING. */
typedef struct {
  cf_span_t oid, value;
} cf_cert_ext_t;

/* What some bytes say; nothing is verified.  Spans borrow the input. */
typedef struct {
  char          item[24]; /* what verdicts call it */
  cf_span_t     der, tbs;
  cf_span_t     serial;          /* content of the INTEGER */
  cf_span_t     issuer, subject; /* whole names: they are equal when their bytes are */
  cf_cert_alg_t alg;
  cf_span_t     signature;
  int64_t       from_s, to_s; /* both included */
  cf_key_t      key;
  bool          is_ca;
  int           path_len;             /* -1: no limit */
  uint32_t      usage;                /* 0: none is named */
  bool          unknown_critical;     /* a critical extension that this reader does not know */
  cf_cert_ext_t ext[CF_CERT_EXT_MAX]; /* each OID once */
  size_t        ext_cnt;
} cf_cert_t;

/* cf_cert_decode reads a certificate of version 3; item is what verdicts will call it.  CF_ERR_FORMAT; CF_ERR_UNSUPPORTED:
   another version, key or signature algorithm; CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_cert_decode(cf_cert_t *out, cf_span_t der, char const *item, cf_error_t *err);
/* cf_cert_ext finds the extension with that OID (content, without tag and length); NULL when it is not there. */
cf_cert_ext_t const *cf_cert_ext(cf_cert_t const *cert, cf_span_t oid);
/* cf_cert_cn copies the one common name of a name, NUL-terminated; false when there is none, or several, or one that is not
   printable ASCII or does not fit. */
bool cf_cert_cn(char out[CF_CERT_CN_MAX], cf_span_t name);

/* Where an answer holds: both ends included.  Starts as {INT64_MIN, INT64_MAX}, and each check narrows it. */
typedef struct {
  int64_t     from_s, to_s;
  cf_dates_t *dates; /* where each date that is judged is noted; NULL: nowhere */
} cf_interval_t;
#define CF_INTERVAL_ALL ((cf_interval_t){INT64_MIN, INT64_MAX, NULL})

/* cf_interval_judge narrows *in to from..to, and refuses at_s outside of them: NOT_YET_VALID, or late. */
CF_MUST_CHECK cf_verdict_code_t cf_interval_judge(cf_interval_t *in, int64_t from_s, int64_t to_s, int64_t at_s,
                                                  cf_verdict_code_t late, char const *item, cf_verdict_t *v);

/* cf_cert_chain_check judges a chain at at_s: certs[0] the leaf, each issued by the next, the last the root, which the caller has
   found to be one that it believes, and whose own signature is not looked at.  Names, CA flags, path lengths, keyCertSign,
   critical extensions, signatures of that algorithm alone, validity.  The leaf is no authority; its key usage is the caller's to
   ask. */
CF_MUST_CHECK cf_verdict_code_t cf_cert_chain_check(cf_interval_t *in, cf_cert_t const *certs, size_t cert_cnt, cf_cert_alg_t alg,
                                                    int64_t at_s, cf_verdict_t *v);

/* cf_cert_authority_check is that for a chain whose certs[0] is an authority itself. */
CF_MUST_CHECK cf_verdict_code_t cf_cert_authority_check(cf_interval_t *in, cf_cert_t const *certs, size_t cert_cnt,
                                                        cf_cert_alg_t alg, int64_t at_s, cf_verdict_t *v);

/* cf_cert_self_check verifies the signature of a root that was pinned by its key. */
CF_MUST_CHECK cf_status_t cf_cert_self_check(cf_cert_t const *root);

/* ---- revocation lists ---- */

typedef struct {
  cf_span_t     tbs, issuer;
  cf_cert_alg_t alg;
  cf_span_t     signature;
  int64_t       from_s, to_s; /* thisUpdate, nextUpdate */
  cf_span_t     entries;      /* content of revokedCertificates */
} cf_crl_t;

/* cf_crl_decode reads a complete list, every entry of it.  CF_ERR_FORMAT; CF_ERR_UNSUPPORTED: another algorithm, or a critical
   extension (a partial or indirect list); CF_ERR_BOUND: over CF_CRL_MAX. */
CF_MUST_CHECK cf_status_t cf_crl_decode(cf_crl_t *out, cf_span_t der, char const *item, cf_error_t *err);

/* cf_crl_check judges a list at at_s: issued by issuer (name, key, cRLSign), in time.  A list out of time is
   COLLATERAL_STALE. */
CF_MUST_CHECK cf_verdict_code_t cf_crl_check(cf_interval_t *in, cf_crl_t const *crl, cf_cert_t const *issuer, int64_t at_s,
                                             char const *item, cf_verdict_t *v);
/* cf_crl_judge refuses a certificate that a list of its issuer names. */
CF_MUST_CHECK cf_verdict_code_t cf_crl_judge(cf_crl_t const *crl, cf_cert_t const *cert, cf_verdict_t *v);

#endif
