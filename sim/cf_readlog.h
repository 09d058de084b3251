#ifndef CF_SIM_READLOG_H
#define CF_SIM_READLOG_H

#include "cf_disk.h"

/* cf_read_log hands over entries 0 .. size - 1 of the log in public/log of a disk; false when they are not all there. */
typedef void cf_read_log_fn_t(void *ctx, uint64_t index, cf_span_t entry);
bool         cf_read_log(cf_disk_t const *d, uint64_t size, cf_read_log_fn_t *fn, void *ctx);
/* cf_log_size is that of the log that the gateway signed last; 0: none. */
uint64_t cf_log_size(cf_disk_t const *d);

#endif
