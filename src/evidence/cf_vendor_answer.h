/* Asking the makers for an item, and understanding the answer: where it stands, whether what came is it, and when to ask again.
   Intel PCS API version 4, and its caches (PCCS); AMD publication 57230.  Pure. */
#ifndef CF_EVIDENCE_VENDOR_ANSWER_H
#define CF_EVIDENCE_VENDOR_ANSWER_H

#include "evidence/cf_vendor.h"

/* ---- where ---- */

/* What kind of service a source is; each has some of the items. */
typedef enum {
  CF_SOURCE_PCS = 1, /* Intel's: all of Intel's but the root's list, and PCK certificates only for who is registered */
  CF_SOURCE_FILES,   /* Intel's certificates' host: the root's list */
  CF_SOURCE_PCCS,    /* a cache of Intel's: all of it */
  CF_SOURCE_KDS,     /* AMD's */
  CF_SOURCE_ANY,     /* a mirror: as a PCCS and as the KDS */
} cf_source_kind_t;

/* cf_vendor_path writes the path of an item below such a source's URL, with its query; false when that kind has no such item. */
#define CF_VENDOR_PATH_MAX 512
bool cf_vendor_path(char out[CF_VENDOR_PATH_MAX], cf_source_kind_t source, cf_vendor_item_t const *item);

/* cf_vendor_needs says whose answer an item's can only be understood by: AMD's lists and VCEKs need their chain. */
bool cf_vendor_needs(cf_vendor_item_t *out, cf_vendor_item_t const *item);

/* ---- what came ---- */

typedef struct {
  cf_span_t        fields;   /* of the answer: lines "Name: value" as HTTP has them */
  cf_span_t        body;     /* at most CF_VENDOR_PART_MAX */
  cf_span_t        ask, ark; /* DER: parts of the chain, for what needs one */
  cf_root_t const *roots;    /* trust anchors; none: the makers' */
  size_t           root_cnt;
  int64_t          at_s;
} cf_vendor_answer_t;

/* What is kept of it; parts are in room. */
typedef struct {
  cf_vendor_record_t record; /* without source, time of fetching and hashes */
  cf_span_t          part[CF_VENDOR_PARTS_MAX];
} cf_vendor_found_t;

/* cf_vendor_read checks that an answer is about that item, is signed by whom it must be signed by up to a root, and is in time at
   at_s: issued, and not yet due for renewal.  What the chains' revocation lists say is not asked here: verification does.
   room takes what must be decoded: at least CF_VENDOR_ROOM.  Thread-safe; allocates inside libcrypto only. */
#define CF_VENDOR_ROOM (2 * CF_VENDOR_PART_MAX)
CF_MUST_CHECK cf_verdict_code_t cf_vendor_read(cf_vendor_found_t *out, cf_wr_t *room, cf_vendor_item_t const *item,
                                               cf_vendor_answer_t const *answer, cf_verdict_t *v);

/* cf_vendor_chain_field reads the chain that the answer's fields carry, PEM percent-encoded, into room; empty when there is none.
   CF_ERR_FORMAT: not percent-encoded text; CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_vendor_chain_field(cf_span_t *pem, cf_wr_t *room, cf_vendor_kind_t kind, cf_span_t fields);

/* ---- when ---- */

/* How a source is doing. */
typedef struct {
  int64_t  again_s;  /* not to be asked before; 0: at once */
  uint32_t failures; /* in a row */
} cf_vendor_patience_t;

/* cf_vendor_patience_next: after an answer that was one, none is needed; after a failure, as long as it says (Retry-After, 0:
   nothing), and at least 1 s, 2 s, 4 s and so on up to an hour; never longer than a day. */
void cf_vendor_patience_next(cf_vendor_patience_t *p, bool answered, unsigned retry_after_s, int64_t now_s);

/* cf_vendor_is_due says whether an item is to be asked for: nothing is held as of at_s (record NULL), its successor is due by then,
   or it was last asked for at least max_age_ms ago.  asked_ms in the future is of a clock that went wrong, and does not count. */
bool cf_vendor_is_due(cf_vendor_record_t const *record, int64_t at_s, int64_t asked_ms, int64_t max_age_ms, int64_t now_ms);

#endif
