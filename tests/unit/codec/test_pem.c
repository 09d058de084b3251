#include "codec/cf_pem.h"

#include "support.h"

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "-----END CERTIFICATE-----\n"
#define LINE "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v" /* bytes 0 to 47 */

static struct {
  char const *name, *in;
  size_t      blocks; /* read before the end, or before it goes bad */
  bool        bad;
  size_t      pos;
} const cases[] = {
  { "nothing", "", 0, false, 0 },
  { "blank lines", "\n\r\n\n", 0, false, 4 },
  { "one short line", BEGIN "AA==\n" END, 1, false, 59 },
  { "no line end at the end", BEGIN "AA==\n-----END CERTIFICATE-----", 1, false, 58 },
  { "CR LF", "-----BEGIN CERTIFICATE-----\r\nAA==\r\n-----END CERTIFICATE-----\r\n", 1, false, 62 },
  { "full line", BEGIN LINE "\n" END, 1, false, 119 },
  { "full line and more", BEGIN LINE "\nAAA=\n" END, 1, false, 124 },
  { "two blocks", BEGIN "AA==\n" END "\n" BEGIN "AAA=\n" END, 2, false, 119 },
  { "label of words", "-----BEGIN X509 CRL-----\nAA==\n-----END X509 CRL-----\n", 1, false, 53 },

  { "text before", "x\n" BEGIN "AA==\n" END, 0, true, 0 },
  { "text behind", BEGIN "AA==\n" END "x", 1, true, 59 },
  { "blank with a space", " \n" BEGIN "AA==\n" END, 0, true, 0 },
  { "control character behind", BEGIN "AA==\n" END "\x01", 1, true, 59 },
  { "no end", BEGIN "AA==\n", 0, true, 33 },
  { "no body", BEGIN END, 0, true, 28 },
  { "another label at the end", BEGIN "AA==\n-----END X509 CRL-----\n", 0, true, 33 },
  { "end first", END, 0, true, 0 },
  { "no label", "-----BEGIN -----\nAA==\n-----END -----\n", 0, true, 0 },
  { "two spaces in the label", "-----BEGIN X509  CRL-----\nAA==\n-----END X509  CRL-----\n", 0, true, 0 },
  { "space at the label's end", "-----BEGIN A -----\nAA==\n-----END A -----\n", 0, true, 0 },
  { "hyphen at the label's start", "-----BEGIN -A-----\nAA==\n-----END -A-----\n", 0, true, 0 },
  { "four dashes", "----BEGIN A-----\nAA==\n-----END A-----\n", 0, true, 0 },
  { "space behind a boundary", "-----BEGIN A----- \nAA==\n-----END A-----\n", 0, true, 0 },
  { "blank line in the body", BEGIN "AA==\n\n" END, 0, true, 33 },
  { "blank line before the body", BEGIN "\nAA==\n" END, 0, true, 28 },
  { "header in the body", BEGIN "Proc-Type: 4\nAA==\n" END, 0, true, 28 },
  { "space in the body", BEGIN "AA ==\n" END, 0, true, 28 },
  { "line of 68", BEGIN LINE "AAAA\n" END, 0, true, 28 },
  { "short line, then another", BEGIN "AAAA\nAAAA\n" END, 0, true, 33 },
  { "padded line, then another", BEGIN "AA==\nAAAA\n" END, 0, true, 33 },
  { "padding missing", BEGIN "AA\n" END, 0, true, 28 },
  { "spare bits set", BEGIN "AB==\n" END, 0, true, 28 },
  { "begin within", BEGIN "AA==\n" BEGIN, 0, true, 33 },
};

/* Lines of 76, and what is still refused then. */
static void test_wide(void **state) {
  (void)state;
  static struct {
    char const *in;
    size_t      sz; /* of the one block; 0: bad */
  } const wide[] = {
    { BEGIN LINE "AAECAwQFBgcI\n" END, 57 },     { BEGIN LINE "AAECAwQFBgcI\nAA==\n" END, 58 }, { BEGIN LINE "\nAA==\n" END, 49 },
    { BEGIN LINE "AAECAwQFBgcIAAAA\n" END, 0 },  { BEGIN LINE "\n" LINE "AAECAwQFBgcI\n" END, 0 },
    { BEGIN LINE "AAECAwQFBgcI\n" LINE "\nAA==\n" END, 0 }, { BEGIN LINE "AAEC\nAA==\n" END, 0 },
  };
  for (size_t i = 0; i < COUNT(wide); i++) {
    uint8_t  out[200];
    cf_pem_t block;
    cf_rd_t  rd = cf_rd_init(wide[i].in, strlen(wide[i].in));
    cf_wr_t  wr = cf_wr_init(out, sizeof out), small = cf_wr_init(out, wide[i].sz ? wide[i].sz - 1 : 0);
    if (cf_pem_take_wide(&rd, &block, &wr) != (wide[i].sz != 0) || rd.bad == (wide[i].sz != 0)) fail_msg("wide %zu", i);
    if (!wide[i].sz) continue;
    assert_int_equal(block.data_sz, wide[i].sz);
    assert_int_equal(wr.len, wide[i].sz);
    for (uint8_t k = 0; k < 48; k++) assert_int_equal(out[k], k);
    assert_false(cf_pem_take_wide(&rd, &block, &wr) || rd.bad || wr.len != wide[i].sz); /* the end */
    rd = cf_rd_init(wide[i].in, strlen(wide[i].in));
    assert_true(cf_pem_take_wide(&rd, &block, &small) && small.bad);
  }
}

static void test_cases(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    cf_rd_t  rd = cf_rd_init(cases[i].in, strlen(cases[i].in));
    cf_pem_t block;
    size_t   n = 0;
    while (cf_pem_next(&rd, &block)) n++;
    if (n != cases[i].blocks || rd.bad != cases[i].bad || rd.pos != cases[i].pos)
      fail_msg("%s: %zu blocks, bad %d, at %zu", cases[i].name, n, rd.bad, rd.pos);
    assert_false(cf_pem_next(&rd, &block));
  }
}

static void test_decode(void **state) {
  (void)state;
  cf_rd_t  rd = cf_rd_span(CF_SPAN_LIT(BEGIN LINE "\n" LINE "\nMDEy\n" END));
  cf_pem_t block;
  uint8_t  out[99];
  assert_true(cf_pem_next(&rd, &block));
  assert_true(cf_span_eq(block.label, CF_SPAN_LIT("CERTIFICATE")));
  assert_int_equal(block.data_sz, 99);
  assert_int_equal(cf_pem_decode(out, 98, &block), CF_ERR_BOUND);
  assert_int_equal(cf_pem_decode(out, 99, &block), CF_OK);
  for (size_t i = 0; i < 99; i++) assert_int_equal(out[i], i < 96 ? i % 48 : i - 96 + '0');
}

static void test_find(void **state) {
  (void)state;
  static char const in[] =
      "-----BEGIN A-----\nAA==\n-----END A-----\n-----BEGIN B-----\nAQ==\n-----END B-----\n-----BEGIN B-----\n";
  cf_rd_t  rd = cf_rd_init(in, sizeof in - 1);
  cf_pem_t block;
  uint8_t  byte;
  assert_true(cf_pem_find(&rd, &block, "B"));
  assert_int_equal(cf_pem_decode(&byte, 1, &block), CF_OK);
  assert_int_equal(byte, 1);
  assert_false(cf_pem_find(&rd, &block, "B"));
  assert_true(rd.bad);
  rd = cf_rd_span(CF_SPAN_LIT(BEGIN "AA==\n" END));
  assert_false(cf_pem_find(&rd, &block, "CERT"));
  assert_false(rd.bad);
}

static void test_encode(void **state) {
  (void)state;
  uint8_t data[200], back[200], buf[512];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(7 * i);
  for (size_t n = 1; n <= sizeof data; n++) {
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    cf_pem_encode(&wr, "PUBLIC KEY", CF_SPAN(data, n));
    cf_rd_t  rd = cf_rd_span(cf_wr_out(&wr));
    cf_pem_t block;
    assert_true(cf_pem_next(&rd, &block) && block.data_sz == n);
    assert_int_equal(cf_pem_decode(back, sizeof back, &block), CF_OK);
    assert_memory_equal(back, data, n);
    assert_true(cf_rd_done(&rd));
    size_t sz = wr.len;
    wr        = cf_wr_init(buf, sz - 1);
    cf_pem_encode(&wr, "PUBLIC KEY", CF_SPAN(data, n));
    assert_true(wr.bad);
  }
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_pem_encode(&wr, "A", CF_SPAN(data, 49));
  assert_memory_equal(buf, "-----BEGIN A-----\nAAcOFRwj", 26);
  assert_memory_equal(buf + wr.len - 21, "UA==\n-----END A-----\n", 21);
}

int main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_cases), cmocka_unit_test(test_wide),
    cmocka_unit_test(test_decode),
    cmocka_unit_test(test_find),
    cmocka_unit_test(test_encode),
  };
  return cmocka_run_group_tests_name("pem", tests, NULL, NULL);
}
