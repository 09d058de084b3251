// link: ledger session translog
/* No branch and no index of the enclave depends on a key: the whole core lives under memcheck, and all that it draws, the root
   that the launcher unsealed included, is marked undefined.  What is computed from undefined bytes is undefined, so every derived
   key, shared secret and plaintext is followed; memcheck complains where a jump or an address depends on one.  cf_declassify, with
   a reason, is where a result turns public.  tests/unit/crypto/test_secrecy.c does the same for single functions. */
#include <valgrind/memcheck.h>

#define CF_MEMCHECK /* this program's copy tells memcheck what became public */
#include "base/cf_secret.c"

#include "life.h"

#include "enclave/cf_enclave_state.h"

#include <string.h>
#include <unistd.h>

#if defined __SANITIZE_ADDRESS__
#define SANITIZED true
#else
#define SANITIZED false
#endif

static void
hidden_fill(void *ctx, uint8_t *out, size_t n) {
  cf_entropy_t e = cf_drbg_entropy(ctx);
  cf_entropy_fill(&e, out, n);
  VALGRIND_MAKE_MEM_UNDEFINED(out, n);
}

static cf_drbg_t hidden;

static world_t *
hidden_world(uint64_t seed) {
  cf_hash_t s = { { (uint8_t)seed } };
  world_t  *w = world_new(seed, false);
  cf_drbg_init(&hidden, &s);
  w->inside = (cf_entropy_t){ .fill = hidden_fill, .ctx = &hidden };
  return w;
}

/* Keys that came back from the disk stood in a record, which was read by its form: from here on they are followed again. */
static void
hide_again(cf_enclave_t *e) {
  VALGRIND_MAKE_MEM_UNDEFINED(e->roots, 64);
  VALGRIND_MAKE_MEM_UNDEFINED(e->book_key, 32);
  VALGRIND_MAKE_MEM_UNDEFINED(e->journal.key, 32);
  for (size_t i = 0; i < e->epochs_cnt; i++)
    if (e->epochs[i].sealing) VALGRIND_MAKE_MEM_UNDEFINED(e->epochs[i].sealing, 32);
  for (size_t i = 0; i < e->sessions_cnt; i++) {
    cf_session_t *s = &e->sessions[i];
    VALGRIND_MAKE_MEM_UNDEFINED(s->in_key, sizeof s->in_key);
    VALGRIND_MAKE_MEM_UNDEFINED(s->in_iv, sizeof s->in_iv);
    VALGRIND_MAKE_MEM_UNDEFINED(s->out_secret, sizeof s->out_secret);
    VALGRIND_MAKE_MEM_UNDEFINED(s->out_key, sizeof s->out_key);
    VALGRIND_MAKE_MEM_UNDEFINED(s->out_iv, sizeof s->out_iv);
  }
}

static void
a_life(void) {
  static party_t p[2];
  cf_result_t    r[8];
  cf_span_t      item = { 0 };
  batch_t        b;
  world_t       *w = hidden_world(90);
  bootstrap(w);
  for (uint32_t i = 0; i < 2; i++) party_init(w, &p[i], i + 1);
  fund(w, p, 2, 1000);
  idle(w, 1);
  net(w, p, 10, 20);
  idle(w, 2);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_SETTLEMENT, &item), 1);
  assert_true(read_results(w, &p[0], r, 8) > 0);
  settle(w, item);
  assert_int_equal(show_ledger(w), CF_REFUSE_NONE);
  idle(w, 1);
  cf_span_t again = obligation(w, &p[0], 2, 0, 5);
  one_batch(w, &again, 1, &b);
  assert_int_equal(take_snapshot(w), CF_REFUSE_NONE);
  one_batch(w, &again, 1, &b);
  assert_int_equal(b.refused_class[0], CF_REFUSE_REPLAYED);
  ((uint8_t *)(uintptr_t)again.ptr)[again.len - 1] ^= 1;
  p[0].order++;
  VALGRIND_MAKE_MEM_UNDEFINED(w->sealed_root, sizeof w->sealed_root);
  enclave_end(w);
  assert_int_equal(reopen(w, w->files), CF_REFUSE_NONE);
  hide_again(w->e);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(fence(w), CF_REFUSE_NONE);
  w->view_messages = read_status(w).messages;
  certify(w);
  p[0].stays = true; /* in the session of the first life, in grace */
  again      = obligation(w, &p[0], 2, 0, 7);
  one_batch(w, &again, 1, &b);
  assert_int_equal(b.refused_cnt, 0);
  again = obligation(w, &p[1], 1, 0, 6);
  ((uint8_t *)(uintptr_t)again.ptr)[again.len - 1] ^= 1; /* not authentic */
  one_batch(w, &again, 1, &b);
  assert_int_equal(b.refused_cnt, 1);
  world_free(w);
}

/* What must be found: the same life, and one branch on a bit of the root. */
static void
a_life_with_a_branch(void) {
  world_t *w = hidden_world(91);
  bootstrap(w);
  if (w->sealed_root[7] & 1) puts("");
  world_free(w);
}

static void
test_no_branch_no_index(void **state) {
  unsigned before = VALGRIND_COUNT_ERRORS;
  a_life();
  unsigned found = VALGRIND_COUNT_ERRORS - before;
  if (found) fail_msg("%u places where a jump or an address depends on a secret; CF_SECRECY_LOG=FILE has them", found);
  before = VALGRIND_COUNT_ERRORS;
  a_life_with_a_branch();
  assert_true(VALGRIND_COUNT_ERRORS > before);
}

int
main(int argc, char *argv[]) {
  if (SANITIZED) {
    puts("the sanitizer and memcheck exclude each other: not run under it");
    return 77;
  }
  if (!RUNNING_ON_VALGRIND) {
    char const *log = getenv("CF_SECRECY_LOG");
    char        option[512];
    snprintf(option, sizeof option, "--log-file=%s", log ? log : "/dev/null");
    execlp("valgrind", "valgrind", "--num-callers=20", "--error-limit=no", "--track-origins=no", "--suppressions=" CF_SOURCE_DIR "/tests/unit/enclave/secrecy.supp",
           option, argv[0], (char *)NULL);
    perror("valgrind");
    return 1;
  }
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_no_branch_no_index) };
  return cmocka_run_group_tests(tests, setup, teardown);
}
