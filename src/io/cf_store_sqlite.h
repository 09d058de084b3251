/* The store on one machine: an SQLite file of typed keys and values, committed
   all or nothing under a fence. */
#ifndef CF_IO_STORE_SQLITE_H
#define CF_IO_STORE_SQLITE_H

#include "base/cf_error.h"
#include "base/cf_store.h"

typedef struct cf_store_sqlite cf_store_sqlite_t;

/* cf_store_sqlite_open opens or makes the file at path (0600), checks it whole
   and leaves it in WAL mode.  relaxed gives up durability of the last commits,
   not consistency (synchronous=NORMAL): for stores that are rebuilt anyway.

   CF_ERR_FORMAT       the file is damaged, or another program's: *rebuildable tells
                       damage, for which moving the file (with -wal, -shm) away and
                       reconciling from log and ledger is the remedy
   CF_ERR_UNSUPPORTED  made by another version of the schema
   CF_ERR_IO           cannot be opened or written */
CF_MUST_CHECK cf_status_t
cf_store_sqlite_open(cf_store_sqlite_t **out, char const *path, bool relaxed, bool *rebuildable, cf_error_t *err);
void                      cf_store_sqlite_free(cf_store_sqlite_t *store);

/* cf_store_sqlite_commit performs the writes encoded in in (cf_store_begin, ...)
   in one transaction, durable on return.  The fence of the store rises to theirs.

   CF_ERR_STALE   their fence is below the store's: another process took over; nothing written
   CF_ERR_FORMAT  in is malformed, or the file is damaged; nothing written
   CF_ERR_IO      nothing written */
CF_MUST_CHECK cf_status_t cf_store_sqlite_commit(cf_store_sqlite_t *store, cf_span_t in, cf_error_t *err);

/* cf_store_sqlite_get reads one value into *out, to be freed; NULL when there is none. */
CF_MUST_CHECK cf_status_t
cf_store_sqlite_get(uint8_t **out, size_t *out_sz, cf_store_sqlite_t *store, cf_store_kind_t kind, cf_span_t key,
                    cf_error_t *err);

/* cf_store_sqlite_scan reads all of a kind, by key bytewise, into *out, to be
   freed: the store's fence and puts, as in a commit.  CF_ERR_BOUND over max bytes. */
CF_MUST_CHECK cf_status_t
cf_store_sqlite_scan(uint8_t **out, size_t *out_sz, cf_store_sqlite_t *store, cf_store_kind_t kind, size_t max, cf_error_t *err);

#endif
