#include "base/cf_secret.h"

#include <assert.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef CF_MEMCHECK
#include <valgrind/memcheck.h>
#else
#define VALGRIND_MAKE_MEM_DEFINED(p, n) ((void)(p), (void)(n))
#endif

void
cf_wipe(void *ptr, size_t n) {
  if (n) explicit_bzero(ptr, n);
}

bool
cf_ct_eq(void const *a, void const *b, size_t n) {
  uint8_t const *x = a, *y = b;
  uint64_t       diff = 0;
  for (size_t i = 0; i < n; i += sizeof diff) {
    uint64_t left = 0, right = 0;
    size_t   part = n - i < sizeof diff ? n - i : sizeof diff;
    memcpy(&left, x + i, part);
    memcpy(&right, y + i, part);
    diff |= left ^ right;
    __asm__ volatile("" : "+r"(diff)); /* the compiler does not see that it may stop early */
  }
  diff    = (diff >> 32 | diff) & UINT32_MAX;
  bool eq = (diff - 1) >> 63; /* diff is below 2^32: only 0 wraps */
  cf_declassify(&eq, sizeof eq, "the answer is what the caller acts on");
  return eq;
}

void
cf_declassify(void const *ptr, size_t n, char const *reason) {
  (void)reason;
  VALGRIND_MAKE_MEM_DEFINED(ptr, n);
}

/* ---- the pool ----

   Units of 64 bytes.  run[i] is the length in units of the secret that starts
   at unit i, 0 elsewhere; it lies before the units, so that a write past the end
   of a secret meets other secrets but never the bookkeeping.  Free units are
   zero.  The map is inherited by fork and, as memfd_secret, shared: a child that
   does not exec must leave it alone. */

#define UNIT_SZ         64
#define POOL_DEFAULT_SZ (256 * 1024)

static struct {
  uint32_t *run;
  uint8_t  *units;
  size_t    cnt;
  bool      locked;
} pool;

static pthread_mutex_t pool_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *
map_secret(size_t sz) {
  int fd = (int)syscall(SYS_memfd_secret, 0);
  if (fd < 0) return MAP_FAILED;
  void *at = MAP_FAILED;
  if (ftruncate(fd, (off_t)sz) == 0) at = mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return at;
}

cf_status_t
cf_secret_pool_init(size_t capacity_sz) {
  assert(!pool.run);
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (capacity_sz == 0 || capacity_sz > UINT32_MAX) return CF_ERR_IO;
  size_t cnt      = (capacity_sz + UNIT_SZ - 1) / UNIT_SZ;
  size_t table_sz = (cnt * sizeof *pool.run + UNIT_SZ - 1) / UNIT_SZ * UNIT_SZ;
  size_t sz       = (table_sz + cnt * UNIT_SZ + page - 1) / page * page;

  void *at = map_secret(sz); /* memory of memfd_secret is locked by its nature */
  pool.locked = at != MAP_FAILED;
  if (at == MAP_FAILED) {
    at = mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return CF_ERR_IO;
    pool.locked = mlock(at, sz) == 0;
  }
  (void)madvise(at, sz, MADV_DONTDUMP);
  pool.run   = at;
  pool.units = (uint8_t *)at + table_sz;
  pool.cnt   = cnt;
  return CF_OK;
}

bool
cf_secret_pool_locked(void) {
  return pool.locked;
}

/* The first gap of want units. */
static void *
take(size_t want) {
  size_t gap  = 0; /* free units right before i */
  for (size_t i = 0; i < pool.cnt;) {
    if (pool.run[i]) {
      i += pool.run[i];
      gap = 0;
      continue;
    }
    i++;
    if (++gap < want) continue;
    pool.run[i - want] = (uint32_t)want;
    return pool.units + (i - want) * UNIT_SZ;
  }
  return NULL;
}

void *
cf_secret_new(size_t n) {
  void *secret = NULL;
  pthread_mutex_lock(&pool_mutex);
  if (!pool.run && cf_secret_pool_init(POOL_DEFAULT_SZ)) goto out;
  if (n <= pool.cnt * UNIT_SZ) secret = take(n ? (n + UNIT_SZ - 1) / UNIT_SZ : 1);
out:
  pthread_mutex_unlock(&pool_mutex);
  return secret;
}

void
cf_secret_free(void *secret) {
  if (!secret) return;
  pthread_mutex_lock(&pool_mutex);
  size_t at  = (size_t)((uintptr_t)secret - (uintptr_t)pool.units);
  size_t idx = at / UNIT_SZ;
  assert(pool.run && at % UNIT_SZ == 0 && idx < pool.cnt && pool.run[idx]); /* ours, and not freed before */
  cf_wipe(secret, (size_t)pool.run[idx] * UNIT_SZ);
  pool.run[idx] = 0;
  pthread_mutex_unlock(&pool_mutex);
}
