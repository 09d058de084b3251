/* Collateral that was fetched, in a folder: what the makers of platforms published, as far as it was asked for, old answers
   beside new ones, so that evidence can be judged as of then.

     objects/SHA-256             bytes, as cf_evidence_ask_t takes them
     items/NAME/ISSUED-HASH      a record (cf_vendor_record_t): which objects an answer about the item NAME consisted of;
                                 ISSUED is its RFC 3339 date, HASH the first half of the SHA-256 of the objects' hashes
     asked/NAME                  when the item was last asked for (io/cf_collateral_fetch.h)

   Nothing in it changes but by new files, so that it is read without a lock while another process fetches, and can be copied to a
   machine without network.  It is not believed: an object is only taken under its own hash, and verification judges all the
   rest. */
#ifndef CF_IO_COLLATERAL_DIR_H
#define CF_IO_COLLATERAL_DIR_H

#include "evidence/cf_vendor.h"
#include "io/cf_files.h"

/* What was taken: the items that were given first, in their order, then those found.  Owns the bytes of the latter. */
typedef struct {
  cf_evidence_item_t items[CF_ITEMS_MAX];
  size_t             item_cnt;
  void              *mem[CF_ITEMS_MAX]; /* to be freed */
  size_t             mem_cnt;
} cf_collateral_taken_t;

/* cf_collateral_take completes evidence with what the folder has for it as of at_s: of each item that is wanted
   (cf_vendor_wants) the newest that was issued by then.  A role that was given is left as it is.  What is not there is not an
   error: verification says what is missing.  The items given are borrowed.

   CF_ERR_AUTH    an object is not what its name says, or is missing; err names it
   CF_ERR_FORMAT  a record is not as it is written here
   CF_ERR_IO, CF_ERR_BOUND (more items than can be judged)

   Reads at most a few hundred KiB; thread-safe.  *out is to be freed whatever is returned. */
CF_MUST_CHECK cf_status_t cf_collateral_take(cf_collateral_taken_t *out, cf_files_t const *dir, cf_evidence_item_t const *items,
                                             size_t item_cnt, int64_t at_s, cf_error_t *err);
void                      cf_collateral_taken_free(cf_collateral_taken_t *taken);

/* cf_collateral_find reads the record of an item's newest answer that was issued by at_s.  *found is false when there is none. */
CF_MUST_CHECK cf_status_t cf_collateral_find(cf_vendor_record_t *out, bool *found, cf_files_t const *dir,
                                             cf_vendor_item_t const *item, int64_t at_s, cf_error_t *err);

/* cf_collateral_object reads an object whole; *out is to be freed.  CF_ERR_AUTH. */
CF_MUST_CHECK cf_status_t cf_collateral_object(uint8_t **out, size_t *out_sz, cf_files_t const *dir, cf_hash_t const *hash,
                                               cf_error_t *err);

/* cf_collateral_put keeps an answer: the parts of record (whose hashes it fills in), then the record.  Putting what is there is
   fine.  The folder's lock is the caller's. */
CF_MUST_CHECK cf_status_t cf_collateral_put(cf_files_t const *dir, cf_vendor_item_t const *item, cf_vendor_record_t *record,
                                            cf_span_t const *parts, cf_error_t *err);

#endif
