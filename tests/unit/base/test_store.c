#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/cf_store.h"

static void
round_trip(void **state) {
  uint8_t        key_max[CF_STORE_KEY_MAX], big[3000], buf[8192];
  static uint8_t none;
  memset(key_max, 'k', sizeof key_max);
  memset(big, 0xb1, sizeof big);
  cf_store_write_t const writes[] = {
    { CF_STORE_META, true, CF_SPAN_LIT("head"), CF_SPAN_LIT("\x01") },
    { CF_STORE_ENVELOPE, true, CF_SPAN_OF(key_max), CF_SPAN_OF(big) },
    { CF_STORE_PROMISE, true, CF_SPAN(&none, 0), CF_SPAN(&none, 0) }, /* empty is not absent */
    { CF_STORE_LEASE, false, CF_SPAN_LIT("me"), CF_SPAN(&none, 0) },
  };
  size_t const cnt = sizeof writes / sizeof *writes;
  cf_wr_t      wr  = cf_wr_init(buf, sizeof buf);
  cf_store_begin(&wr, 0x0102030405060708);
  for (size_t i = 0; i < cnt; i++) {
    if (writes[i].put) cf_store_put(&wr, writes[i].kind, writes[i].key, writes[i].value);
    else cf_store_del(&wr, writes[i].kind, writes[i].key);
  }
  assert_false(wr.bad);

  cf_rd_t          rd;
  uint64_t         fence = 0;
  cf_store_write_t w;
  assert_int_equal(cf_store_open(&rd, &fence, cf_wr_out(&wr)), CF_OK);
  assert_int_equal(fence, 0x0102030405060708);
  for (size_t i = 0; i < cnt; i++) {
    assert_true(cf_store_next(&rd, &w));
    assert_int_equal(w.kind, writes[i].kind);
    assert_int_equal(w.put, writes[i].put);
    assert_true(cf_span_eq(w.key, writes[i].key));
    assert_true(cf_span_eq(w.value, writes[i].value));
  }
  assert_false(cf_store_next(&rd, &w));
  assert_true(cf_rd_done(&rd));
}

static void
bytes(void **state) {
  uint8_t buf[64];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_store_begin(&wr, 7);
  cf_store_put(&wr, CF_STORE_TX, CF_SPAN_LIT("ab"), CF_SPAN_LIT("xyz"));
  cf_store_del(&wr, CF_STORE_META, CF_SPAN_LIT("c"));
  assert_true(cf_span_eq(cf_wr_out(&wr), CF_SPAN_LIT("\0\0\0\0\0\0\0\7" "\6\1\0\2\0\0\0\3" "abxyz" "\1\0\0\1\0\0\0\0" "c")));
}

static void
malformed(void **state) {
#define FENCE "\0\0\0\0\0\0\0\1"
#define GOOD  "\1\1\0\1\0\0\0\1" "kv"
  static struct { char const *name; char const *in; size_t sz; size_t good; bool done; } const cases[] = {
#define CASE(lit) (lit), sizeof(lit) - 1
    { "nothing", CASE(FENCE), 0, true },
    { "one", CASE(FENCE GOOD), 1, true },
    { "head cut short", CASE(FENCE GOOD "\1\1\0"), 1, false },
    { "key cut short", CASE(FENCE "\1\1\0\2\0\0\0\0" "k"), 0, false },
    { "value cut short", CASE(FENCE "\1\1\0\1\0\0\0\2" "kv"), 0, false },
    { "length near 2^32", CASE(FENCE "\1\1\0\1\xff\xff\xff\xff" "kv"), 0, false },
    { "kind 0", CASE(FENCE "\0\1\0\1\0\0\0\1" "kv"), 0, false },
    { "kind 9", CASE(FENCE "\x09\1\0\1\0\0\0\1" "kv"), 0, false },
    { "op 2", CASE(FENCE "\1\2\0\1\0\0\0\1" "kv"), 0, false },
    { "delete with a value", CASE(FENCE "\1\0\0\1\0\0\0\1" "kv"), 0, false },
    { "key too long", CASE(FENCE "\1\1\0\x81\0\0\0\0"
                           "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
                           "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"), 0, false },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_rd_t          rd;
    uint64_t         fence;
    cf_store_write_t w;
    size_t           good = 0;
    assert_int_equal(cf_store_open(&rd, &fence, CF_SPAN(cases[i].in, cases[i].sz)), CF_OK);
    while (cf_store_next(&rd, &w)) good++;
    if (good != cases[i].good || cf_rd_done(&rd) != cases[i].done) fail_msg("%s", cases[i].name);
    assert_false(cf_store_next(&rd, &w)); /* bad stays bad */
  }
  cf_rd_t  rd;
  uint64_t fence = 9;
  assert_int_equal(cf_store_open(&rd, &fence, CF_SPAN_LIT("\0\0\0\0\0\0\1")), CF_ERR_FORMAT);
  assert_int_equal(cf_store_open(&rd, &fence, CF_SPAN(NULL, 0)), CF_ERR_FORMAT);
  assert_int_equal(fence, 9);
}

static void
writer_refuses_long_keys_and_full_buffers(void **state) {
  uint8_t key[CF_STORE_KEY_MAX + 1] = { 0 }, buf[1024];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_store_begin(&wr, 1);
  cf_store_put(&wr, CF_STORE_FEE, CF_SPAN_OF(key), CF_SPAN(NULL, 0));
  assert_true(wr.bad);
  wr = cf_wr_init(buf, 20);
  cf_store_begin(&wr, 1);
  cf_store_put(&wr, CF_STORE_FEE, CF_SPAN(key, 1), CF_SPAN(key, 4));
  assert_true(wr.bad);
  assert_int_equal(cf_wr_out(&wr).len, 0);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(round_trip),
    cmocka_unit_test(bytes),
    cmocka_unit_test(malformed),
    cmocka_unit_test(writer_refuses_long_keys_and_full_buffers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
