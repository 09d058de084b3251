/* What settlements in mode root publish of the book, so that the state tree can be made again without the enclave.
   docs/protocol/ledger.md, "Mode root".  The ledger reads none of it.

   open (da 1)    digest of the reserved leaf, then for each leaf that changed, by rising position:
                    (how far behind the position before, at first behind 0) << 1 | credits, moved, and if credits: credited
   sealed (da 2)  for each leaf that changed, the reserved one too, by rising position:
                    how far behind the position before, at first behind -1; its digest

   Numbers are of 7 bits a byte, the lowest first, bit 7 set in all but the last, in as few bytes as can be; moved, which has a sign,
   as 2 moved, or -2 moved - 1 below zero.  moved is what a balance gained from other accounts, or lost to them; credited
   what it gained of a deposit.  What it lost to releases stands in the sections of the same body, and nowhere else.
   Pure; allocates nothing. */
#ifndef CF_LEDGER_ROOT_DATA_H
#define CF_LEDGER_ROOT_DATA_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"
#include "ledger/cf_settlement.h"

typedef struct {
  uint32_t  position;
  int64_t   moved;    /* open; not 0 unless something is credited */
  uint64_t  credited; /* open; 0: nothing */
  cf_hash_t digest;   /* sealed; open: of the reserved leaf alone */
} cf_root_change_t;

/* Reading, and writing, one change after the other.  In open data the first is the reserved leaf's, position 0. */
typedef struct {
  cf_da_t  da;
  uint64_t next; /* the lowest position that may come */
  cf_rd_t  rd;
} cf_root_changes_t;

/* cf_root_changes_read starts; _next is false at the end, and where the data is not of its form: then cf_rd_done(&c->rd) is false.
   cf_root_data_check is CF_OK when all of it is; CF_ERR_FORMAT. */
cf_root_changes_t         cf_root_changes_read(cf_da_t da, cf_span_t data);
bool                      cf_root_changes_next(cf_root_changes_t *c, cf_root_change_t *change);
CF_MUST_CHECK cf_status_t cf_root_data_check(cf_da_t da, cf_span_t data);

/* cf_root_change_write appends one; positions must rise (asserted), in open data from the reserved leaf's on.  *next begins as 0. */
void cf_root_change_write(cf_wr_t *wr, cf_da_t da, uint64_t *next, cf_root_change_t const *change);

#endif
