/* Secrets: locked where the system lets us, kept out of core files, wiped when
   their scope ends, compared in constant time, never printed. */
#ifndef CF_BASE_SECRET_H
#define CF_BASE_SECRET_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"

/* cf_wipe overwrites n bytes in a way the compiler keeps. */
void cf_wipe(void *ptr, size_t n);

/* cf_ct_eq compares n bytes in time that depends on n alone. */
bool cf_ct_eq(void const *a, void const *b, size_t n);

/* cf_secret_pool_init sets up the one pool of the process that secrets come
   from: memfd_secret where the kernel has it, else an anonymous map; locked and
   not dumped.  Call once at start, before any sandbox; capacity_sz is rounded up
   to pages.  Without it the first cf_secret_new makes a pool of 256 KiB.
   CF_ERR_IO when memory cannot be had (or is asked for as 0 or 4 GiB); a failure to lock is not an error, and
   cf_secret_pool_locked tells. */
CF_MUST_CHECK cf_status_t cf_secret_pool_init(size_t capacity_sz);
bool                      cf_secret_pool_locked(void);

/* cf_secret_new returns n zeroed bytes of the pool, NULL when it is full.
   cf_secret_free wipes and returns them; NULL is fine.  Thread-safe.  After fork a child that
   does not exec leaves the parent's secrets alone: their memory may be shared. */
void *cf_secret_new(size_t n);
void  cf_secret_free(void *secret);

/* cf_declassify marks bytes that became public, for the memory checker; the
   reason stands in the call. */
void cf_declassify(void const *ptr, size_t n, char const *reason);

#endif
