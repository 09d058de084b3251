#include "codec/cf_rlp.h"

#include "support.h"

/* One item and nothing behind it.  "cat", "dog", the empty ones and the set-theoretic three are the examples of Ethereum's
   specification of RLP. */
static struct {
  char const *name, *in;
  bool        bad, list;
  size_t      body_sz;
} const items[] = {
  { "a byte", "00", false, false, 1 },
  { "the greatest bare byte", "7f", false, false, 1 },
  { "the least with a head", "8180", false, false, 1 },
  { "no bytes", "80", false, false, 0 },
  { "dog", "83646f67", false, false, 3 },
  { "no items", "c0", false, true, 0 },
  { "cat and dog", "c88363617483646f67", false, true, 8 },
  { "set-theoretic three", "c7c0c1c0c3c0c1c0", false, true, 7 },
  { "a list's items are not looked at", "c1b8", false, true, 1 },

  { "nothing", "", true, false, 0 },
  { "a bare byte behind a head", "8100", true, false, 0 },
  { "the greatest bare byte behind a head", "817f", true, false, 0 },
  { "a string cut short", "83646f", true, false, 0 },
  { "a list cut short", "c88363617483646f", true, false, 0 },
  { "no length", "b8", true, false, 0 },
  { "half a length", "b901", true, false, 0 },
  { "a length with a zero", "b900", true, false, 0 },
  { "a string near 2^64", "bfffffffffffffffff", true, false, 0 },
  { "a list near 2^64", "ffffffffffffffffff", true, false, 0 },
  { "a list of 2^32", "fb0100000000", true, false, 0 },
};

static void test_items(void **state) {
  uint8_t buf[64];
  (void)state;
  for (size_t i = 0; i < COUNT(items); i++) {
    cf_span_t in   = hex(buf, sizeof buf, items[i].in);
    cf_rd_t   rd   = cf_rd_span(in);
    cf_rlp_t  item = cf_rlp_next(&rd);
    if (rd.bad != items[i].bad || item.list != items[i].list || item.body.len != items[i].body_sz ||
        item.whole.len != (rd.bad ? 0 : in.len) || rd.pos != item.whole.len)
      fail_msg("%s", items[i].name);
  }
}

/* Strings and lists of every length about where the head grows: written, read, and refused with the longer head. */
static void test_lengths(void **state) {
  static uint8_t       bytes[70000], enc[70010], longer[70010];
  static size_t const  at[] = { 0, 1, 2, 54, 55, 56, 57, 255, 256, 257, 65535, 65536, 65537 };
  static size_t const  head[] = { 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4 };
  (void)state;
  memset(bytes, 0x80, sizeof bytes); /* a list of empty strings, too */
  for (size_t i = 0; i < COUNT(at); i++)
    for (int list = 0; list < 2; list++) {
      cf_wr_t wr = cf_wr_init(enc, sizeof enc);
      if (list) {
        size_t mark = cf_rlp_w_list(&wr);
        cf_wr_bytes(&wr, bytes, at[i]);
        cf_rlp_w_end(&wr, mark);
      } else {
        cf_rlp_w_str(&wr, CF_SPAN(bytes, at[i]));
      }
      assert_int_equal(cf_wr_out(&wr).len, head[i] + at[i]);
      cf_rd_t  rd   = cf_rd_span(cf_wr_out(&wr));
      cf_rlp_t item = cf_rlp_next(&rd);
      assert_true(cf_rd_done(&rd) && item.list == list && cf_span_eq(item.body, CF_SPAN(bytes, at[i])));

      cf_wr_t lw = cf_wr_init(longer, sizeof longer);
      cf_wr_u8(&lw, (uint8_t)((list ? 0xf7 : 0xb7) + head[i]));
      cf_wr_be(&lw, at[i], head[i]);
      cf_wr_bytes(&lw, bytes, at[i]);
      rd = cf_rd_span(cf_wr_out(&lw));
      cf_rlp_next(&rd);
      assert_true(rd.bad && rd.pos == 0);

      wr = cf_wr_init(enc, head[i] + at[i] - 1); /* no room for all of it */
      size_t mark = cf_rlp_w_list(&wr);
      cf_wr_bytes(&wr, bytes, at[i]);
      cf_rlp_w_end(&wr, mark);
      assert_true(wr.bad);
    }
}

enum { UINT, WORD, HASH, STR, LIST };

static struct {
  char const *name, *in;
  int         as;
  bool        bad;
  uint64_t    want; /* of UINT, and the low eight bytes of WORD */
} const kinds[] = {
  { "zero", "80", UINT, false, 0 },
  { "one byte", "0f", UINT, false, 15 },
  { "1024", "820400", UINT, false, 1024 },
  { "the greatest", "88ffffffffffffffff", UINT, false, UINT64_MAX },
  { "zero as a byte", "00", UINT, true, 0 },
  { "leading zero", "820004", UINT, true, 0 },
  { "2^64", "89010000000000000000", UINT, true, 0 },
  { "a list", "c0", UINT, true, 0 },
  { "word zero", "80", WORD, false, 0 },
  { "word 2^64", "89010000000000000005", WORD, false, 5 },
  { "the greatest word", "a0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", WORD, false, UINT64_MAX },
  { "2^256", "a1010000000000000000000000000000000000000000000000000000000000000000", WORD, true, 0 },
  { "word with a leading zero", "8900ffffffffffffffff", WORD, true, 0 },
  { "32 bytes", "a00000000000000000000000000000000000000000000000000000000000000007", HASH, false, 7 },
  { "31 bytes", "9f00000000000000000000000000000000000000000000000000000000000007", HASH, true, 0 },
  { "a list for a string", "c0", STR, true, 0 },
  { "a string for a list", "80", LIST, true, 0 },
};

static void test_kinds(void **state) {
  uint8_t buf[64];
  (void)state;
  for (size_t i = 0; i < COUNT(kinds); i++) {
    cf_rd_t   rd = cf_rd_span(hex(buf, sizeof buf, kinds[i].in)), list = { 0 };
    cf_hash_t w  = { { 0 } };
    uint64_t  got = 0;
    switch (kinds[i].as) {
    case UINT: got = cf_rlp_uint(&rd); break;
    case WORD: w = cf_rlp_word(&rd); break;
    case HASH: w = cf_rlp_hash(&rd); break;
    case STR: cf_rlp_str(&rd); break;
    default: list = cf_rlp_list(&rd); break;
    }
    cf_rd_t low = cf_rd_init(w.b + 24, 8);
    got |= cf_rd_u64(&low);
    if (rd.bad != kinds[i].bad || got != kinds[i].want || (rd.bad && rd.pos) || (kinds[i].as == LIST && list.bad != rd.bad))
      fail_msg("%s: %llu", kinds[i].name, (unsigned long long)got);
  }
}

static void test_nested(void **state) {
  uint8_t   enc[64];
  cf_wr_t   wr    = cf_wr_init(enc, sizeof enc);
  cf_hash_t small = { { 0 } };
  (void)state;
  small.b[30] = 1;
  size_t outer = cf_rlp_w_list(&wr);
  cf_rlp_w_uint(&wr, 0);
  size_t inner = cf_rlp_w_list(&wr);
  cf_rlp_w_uint(&wr, 127);
  cf_rlp_w_uint(&wr, 128);
  cf_rlp_w_word(&wr, &small);
  cf_rlp_w_end(&wr, inner);
  cf_rlp_w_str(&wr, CF_SPAN_LIT("cat"));
  cf_rlp_w_end(&wr, outer);
  assert_hex(cf_wr_out(&wr), "cc80c67f818082010083636174");

  cf_rd_t rd = cf_rd_span(cf_wr_out(&wr)), list = cf_rlp_list(&rd);
  assert_int_equal(cf_rlp_uint(&list), 0);
  cf_rd_t in = cf_rlp_list(&list);
  assert_int_equal(cf_rlp_uint(&in), 127);
  assert_int_equal(cf_rlp_uint(&in), 128);
  assert_false(cf_rd_done(&in));
  assert_int_equal(cf_rlp_uint(&in), 256);
  assert_true(cf_rd_done(&in));
  assert_true(cf_span_eq(cf_rlp_str(&list), CF_SPAN_LIT("cat")));
  assert_true(cf_rd_done(&list) && cf_rd_done(&rd));
  cf_rlp_next(&list);
  assert_true(list.bad); /* an item beyond the list's end */
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_items),
    cmocka_unit_test(test_lengths),
    cmocka_unit_test(test_kinds),
    cmocka_unit_test(test_nested),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
