/* What proves to a third party that an entry is in a log: the .tlog-proof file
   (C2SP tlog-proof, FORMATS-LOG section 7) and the COSE receipt of inclusion
   (RFC 9942, FORMATS-LOG section 9 (e)).  Pure, thread-safe; nothing allocates. */
#ifndef CF_TRANSLOG_PROOF_H
#define CF_TRANSLOG_PROOF_H

#include "base/cf_error.h"
#include "crypto/cf_sign.h"
#include "translog/cf_note.h"

/* ---- .tlog-proof ---- */

typedef struct {
  cf_span_t extra; /* base64 text of the optional line; nothing vouches for it */
  uint64_t  index;
  cf_hash_t path[CF_TREE_PATH_MAX];
  size_t    path_cnt;
  cf_span_t note;
} cf_tlog_proof_t;

#define CF_TLOG_PROOF_MAX (2 * CF_NOTE_MAX)

/* Form only.  CF_ERR_FORMAT, CF_ERR_BOUND, CF_ERR_UNSUPPORTED (another version line). */
CF_MUST_CHECK cf_status_t cf_tlog_proof_parse(cf_tlog_proof_t *out, cf_span_t in, cf_error_t *err);
void                      cf_tlog_proof_write(cf_wr_t *wr, cf_tlog_proof_t const *p);
/* cf_tlog_proof_verify checks that entry leaf is at p->index under a checkpoint that set stands behind; *out is that head.
   CF_ERR_AUTH: the path leads elsewhere; else as cf_checkpoint_verify and cf_tree_inclusion_verify. */
CF_MUST_CHECK cf_status_t cf_tlog_proof_verify(cf_cosigned_t *out, cf_tlog_proof_t const *p, cf_hash_t const *leaf,
                                               cf_witness_set_t const *set, cf_error_t *err);

/* ---- COSE receipts ---- */

/* What a receipt's bytes say.  size and index only steer the walk and are not signed: bind them by a cosigned checkpoint. */
typedef struct {
  cf_span_t protected_hdr; /* content of the protected byte string */
  int64_t   alg;
  cf_span_t kid;
  cf_span_t origin; /* CWT claim 1 */
  cf_span_t sub;    /* CWT claim 2 */
  uint64_t  size;
  uint64_t  index;
  cf_hash_t path[CF_TREE_PATH_MAX];
  size_t    path_cnt;
  uint8_t   sig[64];
} cf_log_receipt_t;

#define CF_LOG_RECEIPT_MAX 4096

/* cf_log_receipt_decode reads deterministic CBOR: 18([{1: alg, 4: kid, 15: {1: origin, 2: sub}, 395: 1},
   {396: {-1: [bstr .cbor [size, index, path]]}}, nil, signature of 64 bytes]), one proof.
   CF_ERR_FORMAT; CF_ERR_BOUND: a path of more than 63 hashes; CF_ERR_UNSUPPORTED: another tree algorithm than 1. */
CF_MUST_CHECK cf_status_t cf_log_receipt_decode(cf_log_receipt_t *out, cf_span_t in, cf_error_t *err);
/* cf_log_receipt_encode signs root for r's size, index and path under r's origin and sub with the log's ES256 key
   (alg -7, kid its RFC 9679 thumbprint; r's own alg, kid, header and signature are not looked at). */
void cf_log_receipt_encode(cf_wr_t *wr, cf_p256_key_t const *key, cf_log_receipt_t const *r, cf_hash_t const *root);
/* cf_log_receipt_assemble writes a receipt whose header and signature exist already. */
void cf_log_receipt_assemble(cf_wr_t *wr, cf_log_receipt_t const *r);
/* cf_log_receipt_signed writes the bytes that are signed: ["Signature1", protected, h'', root]. */
#define CF_LOG_RECEIPT_SIGNED_MAX (CF_LOG_RECEIPT_MAX + 64)
void cf_log_receipt_signed(cf_wr_t *wr, cf_span_t protected_hdr, cf_hash_t const *root);
/* cf_log_receipt_verify walks from leaf to the root that it implies and checks the ES256 signature of the log named origin over
   it; *root receives it.  CF_ERR_UNSUPPORTED: not ES256; CF_ERR_POLICY: another origin or kid; CF_ERR_FORMAT: index and path
   do not fit; CF_ERR_AUTH. */
CF_MUST_CHECK cf_status_t cf_log_receipt_verify(cf_hash_t *root, cf_log_receipt_t const *r, cf_hash_t const *leaf,
                                                cf_span_t origin, cf_p256_pub_t const *pub, cf_error_t *err);

#endif
