/* What `verify log` and `verify receipt` ask: one thing, offline, with a typed answer.  Pure; nothing is kept. */
#ifndef CF_AUDIT_VERIFY_H
#define CF_AUDIT_VERIFY_H

#include "audit/cf_audit.h"
#include "document/cf_documents.h"
#include "translog/cf_note.h"

/* ---- a log's files ---- */

typedef struct {
  uint64_t  size;
  cf_hash_t root;
  uint64_t  checkpoints; /* kept ones that are this log's (needs a reader that lists) */
  uint64_t  cosigned;    /* the largest of them that has cosignatures; who made them is not asked */
} cf_verify_log_t;

/* cf_verify_log checks log/checkpoint's signature by vkey (NULL: by log.vkey's key, which then proves only agreement), all tiles
   and entries against each other and the checkpoint, and that every kept checkpoint is of the same log. CF_ERR_FORMAT,
   CF_ERR_AUTH, CF_ERR_POLICY (another origin), CF_ERR_IO; err names file and entry. */
CF_MUST_CHECK cf_status_t cf_verify_log(cf_verify_log_t *out, cf_audit_reader_t const *reader, cf_vkey_t const *vkey,
                                        cf_error_t *err);

/* ---- a party's receipt ---- */

typedef enum {
  CF_RECEIPT_SIGNED,   /* well formed, of this domain, and its batch receipt bears the key that the caller named, or nobody's was
                          asked */
  CF_RECEIPT_INCLUDED, /* and a quorum of the domain's witnesses stands behind it */
} cf_receipt_state_t;

typedef struct {
  cf_receipt_state_t state;
  cf_receipt_t       doc; /* borrows the file */
  cf_hash_t          hash;
  cf_hash_t          envelope_leaf; /* of the envelope that the path leads from */
  uint64_t           index;         /* in the batch */
  cf_cosigned_t      checkpoint;    /* INCLUDED */
  uint64_t           entry;         /* INCLUDED: log index */
} cf_verify_receipt_t;

typedef struct {
  cf_span_t            file;     /* [receipt, index, [path]] */
  cf_span_t            genesis;  /* entry 0 */
  cf_span_t            proof;    /* .tlog-proof; empty: none */
  cf_hash_t const     *envelope; /* whose receipt it should be; NULL: only the batch receipt is judged */
  cf_p256_pub_t const *key;      /* the epoch's receipt key, from a certificate that the caller believes; NULL: not asked */
} cf_verify_receipt_ask_t;

/* cf_verify_receipt judges one file.  Without proof it is provisional: it obliges the operator, and is not yet history.
   CF_ERR_FORMAT, CF_ERR_UNSUPPORTED, CF_ERR_BOUND  a file that is none
   CF_ERR_POLICY  of another domain, or under another policy than genesis'
   CF_ERR_AUTH    signature, envelope or proof do not lead there
   Does not say that the enclave was appraised: audit does. */
CF_MUST_CHECK cf_status_t cf_verify_receipt(cf_verify_receipt_t *out, cf_verify_receipt_ask_t const *ask, cf_error_t *err);

#endif
