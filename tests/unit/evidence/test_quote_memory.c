// lib: crypto
/* One verification of a TDX quote, text collateral in and nothing kept: its stack and what libcrypto allocates meanwhile. */
#include <openssl/crypto.h>
#include <pthread.h>

#include "quotes.h"
#include "support.h"

#define WORKING_MAX (256 << 10)
#define STACK_SZ (1 << 20)

static size_t heap_now, heap_peak;

/* The size stands before the block. */
static void *count(void *at, size_t n) {
  if (!at) return NULL;
  *(size_t *)at = n;
  heap_now += n;
  if (heap_now > heap_peak) heap_peak = heap_now;
  return (char *)at + 16;
}

static void *count_malloc(size_t n, char const *file, int line) {
  (void)file, (void)line;
  return n ? count(malloc(n + 16), n) : NULL;
}

static void count_free(void *at, char const *file, int line) {
  (void)file, (void)line;
  if (!at) return;
  size_t *head = (size_t *)((char *)at - 16);
  heap_now -= *head;
  free(head);
}

static void *count_realloc(void *at, size_t n, char const *file, int line) {
  void *more = count_malloc(n, file, line);
  if (at && more) {
    size_t had = *(size_t *)((char *)at - 16);
    memcpy(more, at, had < n ? had : n);
  }
  if (more || !n) count_free(at, file, line);
  return more;
}

static quotes_t *quotes;

static void *verify(void *arg) {
  static cf_facts_t f;
  cf_verdict_t      v;
  cf_evidence_ask_t ask = quotes_ask(quotes_find(quotes, "as large as Intel's"));
  *(cf_verdict_code_t *)arg = cf_evidence_verify(&f, &ask, &v);
  return NULL;
}

static size_t stack_used(void) {
  static uint8_t    stack[STACK_SZ] __attribute__((aligned(4096)));
  cf_verdict_code_t code = CF_VERDICT_MALFORMED;
  pthread_attr_t    attr;
  pthread_t         thread;
  memset(stack, 0xa5, sizeof stack);
  assert_int_equal(pthread_attr_init(&attr), 0);
  assert_int_equal(pthread_attr_setstack(&attr, stack, sizeof stack), 0);
  assert_int_equal(pthread_create(&thread, &attr, verify, &code), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  pthread_attr_destroy(&attr);
  assert_int_equal(code, CF_VERDICT_OK);
  size_t untouched = 0;
  while (untouched < sizeof stack && stack[untouched] == 0xa5) untouched++;
  return sizeof stack - untouched;
}

static void test_working_memory(void **state) {
  (void)state;
#if defined(__SANITIZE_ADDRESS__)
  print_message("skipped: a sanitizer's own frames would be measured\n");
  skip();
#endif
  (void)stack_used(); /* what libcrypto makes once and keeps is the process's */
  size_t before = heap_now;
  heap_peak = heap_now;
  size_t stack = stack_used(), heap = heap_peak - before;
  print_message("  stack %zu, libcrypto %zu bytes\n", stack, heap);
  assert_true(stack > 8192 && heap > 0); /* it was measured at all */
  assert_true(stack + heap <= WORKING_MAX);
  assert_int_equal(heap_now, before);
}

int main(void) {
  if (!CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free)) return 1;
  quotes = quotes_load(CF_SOURCE_DIR "/tests/vectors/evidence/quotes.json");
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_working_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
