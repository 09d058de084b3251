/* Intel's PKI for SGX and TDX: the chain of a PCK certificate, the chain of what signs TCB information, and their revocation
   lists. Intel SGX PCK Certificate and CRL Profile Specification 1.5.  Judged at a stated time; allocates inside libcrypto only.
 */
#ifndef CF_EVIDENCE_INTEL_H
#define CF_EVIDENCE_INTEL_H

#include "evidence/cf_cert.h"

#define CF_SVN_CNT 16

/* The SGX extension of a PCK certificate. */
typedef struct {
  uint8_t  ppid[16], cpusvn[16], pceid[2], fmspc[6];
  uint8_t  svn[CF_SVN_CNT]; /* the components that levels are compared with */
  uint16_t pcesvn;
  uint8_t  type; /* 0 standard, 1 scalable, 2 scalable with integrity */
  bool     has_instance;
  uint8_t  instance[16];
} cf_pck_t;

/* cf_pck_decode reads the extension's value: members in any order, each at most once, nothing unknown, nothing left over.
   CF_ERR_FORMAT. */
CF_MUST_CHECK cf_status_t cf_pck_decode(cf_pck_t *out, cf_span_t value);
/* cf_pck_of reads that of a PCK certificate.  CF_ERR_FORMAT also when it has none. */
CF_MUST_CHECK cf_status_t cf_pck_of(cf_pck_t *out, cf_cert_t const *leaf);

/* A chain, read and ordered: root last.  The certificates borrow buf, so that a chain stays where it is. */
#define CF_INTEL_CHAIN_MAX 3
#define CF_INTEL_CERT_MAX 2048
typedef struct {
  uint8_t   buf[CF_INTEL_CHAIN_MAX * CF_INTEL_CERT_MAX];
  cf_cert_t cert[CF_INTEL_CHAIN_MAX];
  size_t    cnt;
} cf_intel_chain_t;

/* A root that is trusted: any certificate of that key; that very one without a look at its own signature. */
typedef struct {
  cf_key_t  key;
  cf_hash_t der; /* SHA-256 of the certificate */
} cf_intel_anchor_t;

/* What an answer rests on, as it grows. */
typedef struct {
  int64_t                  at_s;          /* T */
  cf_interval_t            in;            /* in which all of it holds */
  int64_t                  list_issued_s; /* oldest revocation list relied on; 0: none */
  bool                     foreign;       /* a chain led to a root whose key is not Intel's */
  cf_intel_anchor_t const *anchors;       /* none: Intel's */
  size_t                   anchor_cnt;
} cf_intel_time_t;

typedef enum {
  CF_INTEL_PCK,         /* leaf, CA, root */
  CF_INTEL_TCB_SIGNING, /* leaf, root */
  CF_INTEL_PCK_CA,      /* CA, root */
} cf_intel_use_t;

/* cf_intel_chain_read reads PEM or DER into *chain and puts it in order: as many certificates as that use has, whose names make a
   chain.  Nothing is believed of it. */
CF_MUST_CHECK cf_verdict_code_t cf_intel_chain_read(cf_intel_chain_t *chain, cf_span_t in, cf_intel_use_t use, char const *item,
                                                    cf_verdict_t *v);

/* cf_intel_chain reads PEM or DER into *chain and checks it: exactly the certificates of that use in any order, names, P-256
   signatures (the root's own, too), and all that cf_cert_chain_check does; the root's key is an anchor.  item names the chain in
   the verdict: "pck_chain[0]" is then the leaf. */
CF_MUST_CHECK cf_verdict_code_t cf_intel_chain(cf_intel_chain_t *chain, cf_intel_time_t *w, cf_span_t in, cf_intel_use_t use,
                                               char const *item, cf_verdict_t *v);

/* cf_intel_list reads a revocation list (DER) and checks that issuer made it, and its dates at T. */
CF_MUST_CHECK cf_verdict_code_t cf_intel_list(cf_crl_t *out, cf_intel_time_t *w, cf_span_t der, cf_cert_t const *issuer,
                                              char const *item, cf_verdict_t *v);

/* cf_intel_root_list is that for the root's own list, by the anchors of *w: whose key signed it, is the root. */
CF_MUST_CHECK cf_verdict_code_t cf_intel_root_list(cf_crl_t *out, cf_intel_time_t *w, cf_span_t der, char const *item,
                                                   cf_verdict_t *v);

/* cf_intel_signed checks a bare signature r || s over msg by a P-256 key x || y.  CF_ERR_AUTH. */
CF_MUST_CHECK cf_status_t cf_intel_signed(cf_span_t msg, uint8_t const signature[64], uint8_t const key[64]);

#endif
