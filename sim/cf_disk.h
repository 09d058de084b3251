/* Virtual disks: the files and the store of a host.  Every write is durable when it returns; what a crash leaves of the write
   that it cut short is the fault's choice (cf_world.c). */
#ifndef CF_SIM_DISK_H
#define CF_SIM_DISK_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"
#include "base/cf_store.h"

typedef struct {
  char    *name;
  size_t   name_len;
  uint64_t name_hash; /* most names are asked for to learn that they are not there */
  uint8_t *bytes;
  size_t   len, max;
} cf_disk_file_t;

typedef struct {
  cf_store_kind_t kind;
  uint8_t        *key, *value;
  size_t          key_len, value_len;
} cf_disk_entry_t;

typedef struct {
  cf_disk_file_t  *file;
  size_t           files, files_max;
  uint64_t         fence;
  cf_disk_entry_t *entry;
  size_t           entries, entries_max;
} cf_disk_t;

void cf_disk_fini(cf_disk_t *d);
void cf_disk_copy(cf_disk_t *to, cf_disk_t const *from); /* to is overwritten, not freed */
/* cf_disk_file is NULL when there is none of that name. */
cf_disk_file_t *cf_disk_file(cf_disk_t const *d, cf_span_t name);
void            cf_disk_put(cf_disk_t *d, cf_span_t name, cf_span_t body);
void            cf_disk_append(cf_disk_t *d, cf_span_t name, cf_span_t body);
void            cf_disk_remove(cf_disk_t *d, cf_span_t name);
/* Names in directory name, sorted, each ended by NUL: caller frees. */
uint8_t *cf_disk_list(cf_disk_t const *d, cf_span_t name, size_t *len);
/* CF_ERR_STALE: the fence; CF_ERR_FORMAT. */
CF_MUST_CHECK cf_status_t cf_disk_commit(cf_disk_t *d, cf_span_t writes);
uint8_t                  *cf_disk_scan(cf_disk_t const *d, cf_store_kind_t kind, size_t *len); /* caller frees */
static inline cf_span_t   cf_disk_bytes(cf_disk_file_t const *f) { return CF_SPAN(f->bytes, f->len); }

#endif
