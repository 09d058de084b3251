/* A judgement, kept: evidence, the exact collateral, roots that were handed in, policy, what was said as of T, and where a log
   holds it the proof, in one file that is judged again offline, years later, to the same words
   (docs/protocol/judgement-bundle.md).  A domain's own bundle, which a party demands before it seals, is another file:
   party/cf_bundle.h. */
#ifndef CF_EVIDENCE_JUDGEMENT_BUNDLE_H
#define CF_EVIDENCE_JUDGEMENT_BUNDLE_H

#include "evidence/cf_judgement.h"
#include "translog/cf_proof.h"

#define CF_JUDGEMENT_BUNDLE_MAX (8u << 20)
#define CF_JUDGEMENT_ITEM_MAX (1u << 20)

typedef struct {
  cf_span_t extra;
  uint64_t  at;     /* T */
  uint64_t  waived; /* 1: missing revocation lists were not asked for */
  uint64_t  bank;
  cf_span_t nonce;
  uint8_t   domain[32]; /* of Counterfoil's own evidence */
} cf_judgement_asked_t;

typedef struct {
  cf_span_t extra;
  uint64_t  role;
  cf_span_t bytes;
} cf_judgement_item_t;

typedef struct {
  cf_span_t extra;
  uint64_t class;
  cf_span_t der;
} cf_judgement_root_t;

#define CF_JUDGEMENT_PARTS_MAX (CF_ITEMS_MAX + CF_ROOTS_MAX + 4)

/* Spans borrow the input. */
typedef struct {
  cf_span_t            extra;
  uint64_t             version; /* 1 */
  cf_judgement_asked_t asked;
  cf_judgement_item_t  items[CF_ITEMS_MAX];
  size_t               items_cnt;
  cf_judgement_root_t  roots[CF_ROOTS_MAX];
  size_t               roots_cnt;
  cf_span_t            policy;                              /* encoded; empty: none was asked */
  cf_span_t            result;                              /* the JSON object of cf_judgement_report */
  uint8_t              digests[CF_JUDGEMENT_PARTS_MAX][32]; /* of each part above, in order, and of the proof */
  size_t               digests_cnt;
  cf_span_t            proof; /* .tlog-proof of the record; empty: no log holds it */
} cf_judgement_bundle_t;

extern cf_table_t const cf_judgement_bundle_table;

/* cf_judgement_bundle_decode is strict: one encoding per value, nothing unknown, as many digests as parts.  CF_ERR_FORMAT,
   CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_judgement_bundle_decode(cf_judgement_bundle_t *out, cf_span_t in, cf_error_t *err);
void                      cf_judgement_bundle_encode(cf_wr_t *wr, cf_judgement_bundle_t const *b);

/* cf_judgement_bundle_make judges, and fills *out with what it judged and said; the verdict may be any.  room (CF_JUDGEMENT_MAX +
   CF_APPRAISAL_MAX bytes) keeps what is not the caller's.  CF_ERR_BOUND: an item is too large for a bundle; CF_ERR_FORMAT: empty.
 */
CF_MUST_CHECK cf_status_t cf_judgement_bundle_make(cf_judgement_bundle_t *out, cf_judgement_t *judged, cf_wr_t *room,
                                                   cf_evidence_ask_t const *ask, cf_appraisal_t const *policy, cf_error_t *err);
/* cf_judgement_bundle_prove puts a proof into it, or takes it out (empty). */
void cf_judgement_bundle_prove(cf_judgement_bundle_t *b, cf_span_t proof);

/* cf_judgement_bundle_record is what stands for it in a log: the entry is these 32 bytes. */
cf_hash_t cf_judgement_bundle_record(cf_judgement_bundle_t const *b);

/* cf_judgement_bundle_check asks whether the bundle holds: every part is the one that it was made of, and judged again it gives
   what it says, to the byte.  *judged is that judgement, with a verdict of its own, and *policy what it was judged by; both
   borrow the bundle.  *v names the part that does not hold ("bundle.tcb_info").  With a set of a log's keys, the proof must be
   there and hold, and *head receives the head that it leads to; NULL: the proof is not looked at, but for its digest.  The roots
   in the bundle are whoever's who made it: a policy that names them is what makes them count. */
CF_MUST_CHECK cf_verdict_code_t cf_judgement_bundle_check(cf_judgement_t *judged, cf_appraisal_t *policy, cf_cosigned_t *head,
                                                          cf_judgement_bundle_t const *b, cf_witness_set_t const *log,
                                                          cf_verdict_t *v);

#endif
