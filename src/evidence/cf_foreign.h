/* CBOR and COSE as others write them, for Nitro documents and CCA tokens: maps with their keys in any order, of either length;
   and COSE_Sign1 (RFC 9052, 4.2) whose protected header is its algorithm and nothing else.  All the rest is deterministic CBOR.
 */
#ifndef CF_EVIDENCE_FOREIGN_H
#define CF_EVIDENCE_FOREIGN_H

#include "evidence/cf_x509.h"

#include "codec/cf_cbor.h"

#define CF_FOREIGN_SIGN1_MAX 16384 /* bytes of a message */

/* ---- maps ---- */

/* for (cf_foreign_map_t m = cf_foreign_map(rd); cf_foreign_more(&m);) { read a key; read its value; }
   The caller refuses a key that comes twice.  Whether the map was whole is the cursor's to say. */
typedef struct {
  cf_rd_t *rd;
  size_t   left;
  bool     indefinite;
} cf_foreign_map_t;

cf_foreign_map_t cf_foreign_map(cf_rd_t *rd);
bool             cf_foreign_more(cf_foreign_map_t *m);

/* A byte string, or a text, of min to max bytes. */
cf_span_t cf_foreign_bstr(cf_rd_t *rd, size_t min, size_t max);
cf_span_t cf_foreign_tstr(cf_rd_t *rd, size_t min, size_t max);
/* Of a text that is shown: more would be no name. */
#define CF_FOREIGN_NAME_MAX 256

/* ---- COSE_Sign1 ---- */

/* What some bytes say; nothing is verified.  Spans borrow the input. */
typedef struct {
  cf_span_t     protected_hdr, payload, signature; /* content of the byte strings */
  cf_key_kind_t kind;                              /* ES256: P-256 with SHA-256; ES384: P-384 with SHA-384 */
} cf_foreign_sign1_t;

/* cf_foreign_sign1_decode takes a message that is tagged 18 or, with tag_optional, not.  CF_ERR_FORMAT, also when anything is
   unprotected; CF_ERR_UNSUPPORTED: the protected header is not {1: ES256} or {1: ES384}; CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_foreign_sign1_decode(cf_foreign_sign1_t *out, cf_span_t in, bool tag_optional, char const *item,
                                                  cf_error_t *err);

/* cf_foreign_sign1_verify checks the signature over the bytes as they were received.  CF_ERR_AUTH, also when the key is of
   another curve than the algorithm says. */
CF_MUST_CHECK cf_status_t cf_foreign_sign1_verify(cf_foreign_sign1_t const *s, cf_key_t const *key);

#endif
