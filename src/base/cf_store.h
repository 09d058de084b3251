/* The bytes between cores and a store: typed writes, committed all or nothing
   under a fence.  Encoding: u64 fence, then per write u8 kind, u8 op (1 put, 0 delete),
   u16 key length, u32 value length, key, value. */
#ifndef CF_BASE_STORE_H
#define CF_BASE_STORE_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"

typedef enum {
  CF_STORE_META = 1,
  CF_STORE_ENVELOPE,
  CF_STORE_PROMISE,
  CF_STORE_RECEIPT, /* receipt index */
  CF_STORE_SETTLEMENT,
  CF_STORE_TX,
  CF_STORE_FEE,
  CF_STORE_LEASE,
} cf_store_kind_t;

#define CF_STORE_KEY_MAX 128

void cf_store_begin(cf_wr_t *wr, uint64_t fence);
void cf_store_put(cf_wr_t *wr, cf_store_kind_t kind, cf_span_t key, cf_span_t value);
void cf_store_del(cf_wr_t *wr, cf_store_kind_t kind, cf_span_t key);

typedef struct {
  cf_store_kind_t kind;
  bool            put;
  cf_span_t       key;
  cf_span_t       value;
} cf_store_write_t;

CF_MUST_CHECK cf_status_t cf_store_open(cf_rd_t *rd, uint64_t *fence, cf_span_t in);
/* false at the end; a malformed write makes rd bad. */
bool cf_store_next(cf_rd_t *rd, cf_store_write_t *w);

#endif
