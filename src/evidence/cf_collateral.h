/* What a quote is judged by, once it was checked: the platform's PCK certificate, TCB info and QE identity, all of it as it holds
   inside an interval.  Kept (cf_evidence_ask_t.keep), it serves other quotes of the same platform without a look at its
   signatures. */
#ifndef CF_EVIDENCE_COLLATERAL_H
#define CF_EVIDENCE_COLLATERAL_H

#include "evidence/cf_quote.h"
#include "evidence/cf_tcb.h"

#define CF_PCK_CHAIN_MAX 9216 /* bytes, as text */

/* Made only by a verification that ended well.  Spans borrow the TCB info and QE identity that were handed in then; the rest is
   its own.  Read by any number of threads at once. */
typedef struct {
  cf_interval_t    in; /* T must be inside, both ends included */
  int64_t          list_issued_s;
  bool             unlisted, maker_root; /* as cf_facts_t has them */
  cf_hash_t        root, set;            /* SHA-256 of the root's certificate; of the collateral set */
  uint8_t          pck_key[64];
  cf_pck_t         pck;
  cf_tcb_info_t    info;
  cf_qe_identity_t identity;
  uint8_t chain[CF_PCK_CHAIN_MAX]; /* the PCK chain as it stood in the quote, or beside it: a quote with another is refused */
  size_t  chain_sz;
} cf_quote_collateral_t;

#endif
