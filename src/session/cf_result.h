/* Results: what a party is told, sealed.  The plaintext is one table (deterministic CBOR); the envelope is
   cf_envelope.h's result form. */
#ifndef CF_SESSION_RESULT_H
#define CF_SESSION_RESULT_H

#include "document/cf_table.h"
#include "session/cf_session.h"

/* Classes.  0..7 and 16 upwards are the workload's cf_class_t (same values, a test holds them together); 8..15 are the session's.
 */
typedef enum {
  CF_RESULT_ACCEPTED = 0,
  CF_RESULT_DUPLICATE = 1,  /* order number used before                             */
  CF_RESULT_TOO_OLD = 2,    /* order number more than 128 below the highest         */
  CF_RESULT_JUMP = 3,       /* order number more than 2^32 above the highest        */
  CF_RESULT_ACCESS = 4,     /* no account of this owner, or not admitted            */
  CF_RESULT_EXITING = 5,    /* the account asked to leave                           */
  CF_RESULT_LIMIT = 6,      /* too many inputs in this window, or amount too large  */
  CF_RESULT_EXPIRED = 8,    /* the session's expiry has passed                      */
  CF_RESULT_SIGNATURE = 9,  /* the opening's wallet signature is not the owner's    */
  CF_RESULT_FORM = 10,      /* authentic, but its plaintext is not an input         */
  CF_RESULT_NOTICE = 15,    /* later word of the workload about what was accepted   */
  CF_RESULT_MALFORMED = 16, /* workload: not one of its inputs                      */
  CF_RESULT_ASSET = 17,
  CF_RESULT_LANE = 18,
  CF_RESULT_SELF = 19,
  CF_RESULT_CREDIT = 20,
  CF_RESULT_FULL = 21,
} cf_result_class_t;
/* "accepted", "duplicate", ...; "workload" for a value without a name. */
char const *cf_result_class_name(uint64_t class);

#define CF_RESULT_BODY_MAX 1024 /* bytes of the workload */
#define CF_RESULT_HEAD_MAX   176 /* bytes that a sealed result is at most longer than its bucket and tag */
#define CF_RESULT_SEALED_MAX (2048 + CF_RESULT_HEAD_MAX + CF_AEAD_TAG_SZ)

typedef struct {
  cf_span_t extra;
  uint8_t   envelope[32]; /* envelope id that it answers; a notice: the account's newest */
  uint64_t  order;        /* that input's order number; 0 in a notice */
  uint64_t class;         /* cf_result_class_t */
  uint64_t  sequence;     /* of the receipt that it is a leaf of */
  uint64_t  window;       /* settlement window that it hangs on; 0: none */
  uint64_t  status;       /* cf_result_status_t */
  cf_span_t body;         /* the workload's own bytes */
} cf_result_t;
typedef enum { CF_RESULT_NOT_FINAL = 1, CF_RESULT_FINAL = 2 } cf_result_status_t;
extern cf_table_t const cf_result_table;

/* cf_result_seal seals to a live session under this instance's outbound key, with the session's next outbound counter (which
   it takes): the same session, instance and result give the same bytes, whoever computes them.  wr goes bad when it has
   no room for CF_RESULT_SEALED_MAX bytes. */
void cf_result_seal(cf_wr_t *wr, cf_ciphers_t const *ciphers, cf_hash_t const *domain, cf_session_t *session,
                    cf_hash_t const *instance, cf_result_t const *result);

/* cf_result_seal_key seals by HPKE to the recipient's result key; the ephemeral key is drawn from e (a cf_drbg of the
   batch's seed: the same bytes again on replay).  CF_ERR_AUTH for a result key of low order: nothing was written. */
CF_MUST_CHECK cf_status_t cf_result_seal_key(cf_wr_t *wr, cf_ciphers_t const *ciphers, cf_hash_t const *domain,
                                             cf_recipient_t const *to, cf_hash_t const *instance, cf_result_t const *result,
                                             cf_entropy_t const *e);

/* cf_result_open is the party's: sealed is read, opened with the session's outbound key of the instance that it names, or with
   the result key's scalar, and decoded; spans of *out borrow plain (CF_BUCKET_MAX bytes, or sealed.len if that is less).
   *instance (may be NULL) receives the instance.
   CF_ERR_FORMAT; CF_ERR_POLICY another domain's or session's; CF_ERR_AUTH does not open. */
CF_MUST_CHECK cf_status_t cf_result_open(cf_result_t *out, cf_hash_t *instance, uint8_t *plain, cf_ciphers_t const *ciphers,
                                         cf_hash_t const *domain, cf_session_t *session, uint8_t const result_priv[32],
                                         cf_span_t sealed, cf_error_t *err);

#endif
