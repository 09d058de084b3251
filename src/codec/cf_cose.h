/* COSE_Sign1 (RFC 9052, 4.2) in the one form that we write and read: tagged 18, payload embedded,
   protected {1: alg, 4: kid, ? 15: CWT claims {1: iss, 2: sub}, 16: typ, ? 258: -16 and 259: preimage
   type (hash envelope, RFC 9995)}, no other label (3 and 260 neither), unprotected empty: receipts that
   ride along in 394 are put in by who hands the message on, and taken out before it is read here.
   docs/protocol/encoding.md. */
#ifndef CF_CODEC_COSE_H
#define CF_CODEC_COSE_H

#include "base/cf_error.h"
#include "crypto/cf_sign.h"

#define CF_COSE_ES256 (-7)
#define CF_COSE_PROTECTED_MAX 1024 /* bytes of a protected header */

/* What is in the protected header.  Empty spans are absent; kid and typ never are. */
typedef struct {
  int64_t   alg; /* when writing, 0 is ES256 */
  cf_span_t kid; /* 32 bytes, RFC 9679 thumbprint */
  cf_span_t iss; /* CWT claims 1 and 2, both or none */
  cf_span_t sub;
  cf_span_t typ;           /* text */
  cf_span_t preimage_type; /* 259: set only on a hash envelope; 258 is then -16 */
} cf_cose_hdr_t;

/* cf_sign1_t is what some bytes say; nothing is verified but the form.  Spans borrow the input. */
typedef struct {
  cf_span_t     protected_hdr; /* content of the protected byte string */
  cf_span_t     payload;
  uint8_t       sig[64];
  cf_cose_hdr_t hdr;
} cf_sign1_t;

/* cf_sign1_decode demands tag 18, ES256, an empty unprotected map, a 64-byte signature and, unless typ is NULL, that typ.
   Unknown labels in the protected header are errors (RFC 9052, crit, never occurs: we define none).
   CF_ERR_FORMAT, CF_ERR_UNSUPPORTED (another algorithm or typ), CF_ERR_BOUND (protected header over CF_COSE_PROTECTED_MAX). */
CF_MUST_CHECK cf_status_t cf_sign1_decode(cf_sign1_t *out, cf_span_t in, char const *typ, cf_error_t *err);

/* cf_sign1_digest is SHA-256 of the Sig_structure ["Signature1", protected, h'', payload]. */
cf_hash_t                 cf_sign1_digest(cf_span_t protected_hdr, cf_span_t payload);
/* cf_sign1_verify: CF_ERR_AUTH when the signature is not pub's.  Says nothing about whose pub is: compare hdr.kid before. */
CF_MUST_CHECK cf_status_t cf_sign1_verify(cf_sign1_t const *s, cf_p256_pub_t const *pub);

/* cf_sign1_protected writes the protected header's content for hdr; one that cf_sign1_decode
   would refuse (no kid, no typ, iss without sub) makes wr bad. */
void cf_sign1_protected(cf_wr_t *wr, cf_cose_hdr_t const *hdr);
/* cf_sign1_encode signs payload with key under hdr (hdr.kid empty: the key's thumbprint) and writes the whole message. */
void cf_sign1_encode(cf_wr_t *wr, cf_p256_key_t const *key, cf_cose_hdr_t const *hdr, cf_span_t payload);
/* cf_sign1_assemble writes a message whose signature exists already. */
void cf_sign1_assemble(cf_wr_t *wr, cf_span_t protected_hdr, cf_span_t payload, uint8_t const sig[64]);

/* cf_document_hash is PROTOCOL P1's hash of a signed document:
   SHA-256("counterfoil/document/v1" || 0x00 || u32 len || protected || u32 len || payload).  For a council document both the
   wrapper and the signatures are left out: protected is empty and payload the encoded body. */
cf_hash_t cf_document_hash(cf_span_t protected_hdr, cf_span_t payload);

#endif
