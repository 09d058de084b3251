// link: ledger session translog
/* What an enclave of 10,000 parties takes: the sum of its parts, fixed at start (docs/performance.md has the table), and what the
   hot path allocates beside it: nothing of ours, and nothing in libcrypto but for signatures. */
#include "life.h"

#include <string.h>

#define MIB ((size_t)1 << 20)

/* ---- allocations, counted: this program's own names come before the library's ---- */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t each);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

#if defined __SANITIZE_ADDRESS__
#define COUNTED false
#else
#define COUNTED true
#endif

static size_t allocations;

#if !defined __SANITIZE_ADDRESS__
#pragma GCC visibility push(default) /* libcrypto's calls come here, too */
void *
malloc(size_t n) {
  allocations++;
  return __libc_malloc(n);
}

void *
calloc(size_t n, size_t each) {
  allocations++;
  return __libc_calloc(n, each);
}

void *
realloc(void *p, size_t n) {
  allocations++;
  return __libc_realloc(p, n);
}
#pragma GCC visibility pop
#endif

/* ---- sizes ---- */

static uint64_t parties;

/* The default policy's window and flight, and four lanes a party. */
static void
tune(cf_policy_t *p, cf_clearing_params_t *cp, cf_configuration_t *conf) {
  conf->parties_max = conf->sessions_max = parties;
  conf->leaves_max    = 4 * parties;
  conf->batch_max     = 1024;
  conf->envelope_max  = 4096;
  cp->positions_max   = 4096;
  cp->obligations_max = 8192;
  cp->releases_max    = 512;
}

static size_t
size_of(uint64_t n) {
  parties    = n;
  world_tune = tune;
  world_t *w = world_new(1, false);
  enclave_start(w, false);
  size_t sz  = w->mem_sz;
  world_free(w);
  world_tune = NULL;
  return sz;
}

/* All that the process takes beside the program's own pages: the state, one exchange, the pool of secrets. */
static void
bounded(void **state) {
  size_t const secrets = 64 << 10;
  size_t       ten = size_of(10000), eight = size_of(8000);
  print_message("state %.1f MiB, exchange %.1f, secrets %.1f: %.1f MiB; %zu bytes a party more\n", (double)ten / MIB,
                (double)CF_EXCHANGE_MAX / MIB, (double)secrets / MIB, (double)(ten + CF_EXCHANGE_MAX + secrets) / MIB,
                (ten - eight) / 2000);
  assert_true(ten + CF_EXCHANGE_MAX + secrets <= 57 * MIB); /* and 7 for the program's own pages, its stack and libcrypto's heap */
}

/* ---- the hot path ---- */

enum { PARTIES = 8, EACH = 64 };

/* Allocations of one crossing. */
static size_t
count_batch(world_t *w, uint8_t *request, size_t n) {
  cf_wr_t answer = cf_wr_init(w->answer, CF_FRAME_MAX);
  size_t  before = allocations;
  cf_enclave_ask(w->e, request, n, &answer);
  size_t made = allocations - before;
  assert_int_equal(w->answer[2], CF_REFUSE_NONE);
  cf_rd_t rd = cf_rd_init(w->answer + 3, answer.len - 3);
  assert_int_equal(cf_rd_u16(&rd), 0);
  (void)r_span(&rd);
  log_and_read(w, r_span(&rd));
  return made;
}

static size_t
request_of(uint8_t *buf, size_t max, world_t *w, party_t *p, size_t n) {
  cf_wr_t wr = cf_wr_init(buf, max);
  cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&wr, CF_MSG_BATCH);
  cf_wr_u16(&wr, (uint16_t)n);
  for (size_t i = 0; i < n; i++) w_span(&wr, obligation(w, &p[i % PARTIES], p[(i + 1) % PARTIES].account, 0, 1));
  assert_false(wr.bad);
  return wr.len;
}

static void
nothing_is_allocated(void **state) {
  static uint8_t buf[1 << 16];
  party_t        p[PARTIES];
  if (!COUNTED) skip();
  world_t *w     = serving(2, p, PARTIES);
  size_t   opens = count_batch(w, buf, request_of(buf, sizeof buf, w, p, PARTIES)); /* each is an opening */
  assert_int_equal(show(w), CF_REFUSE_NONE);
  /* an empty batch has the signature alone; it may close the window, and be the one after it, which intends */
  size_t empty = count_batch(w, buf, request_of(buf, sizeof buf, w, p, 0));
  for (int i = 0; i < 2; i++) assert_int_equal(count_batch(w, buf, request_of(buf, sizeof buf, w, p, 0)), empty);
  size_t full = count_batch(w, buf, request_of(buf, sizeof buf, w, p, EACH));
  size_t again = count_batch(w, buf, request_of(buf, sizeof buf, w, p, EACH));
  print_message("allocations: signature %zu, batch of %d session envelopes %zu, batch of %d openings %zu\n", empty, EACH, full, PARTIES,
                opens);
  assert_true(empty > 0); /* they are counted at all */
  assert_int_equal(full, empty);
  assert_int_equal(again, empty);
  assert_true(opens > empty);
  world_free(w);
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(bounded), cmocka_unit_test(nothing_is_allocated) };
  return cmocka_run_group_tests(tests, setup, teardown);
}
