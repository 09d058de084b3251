/* The table of certificates that an SNP host supplies.  GUIDs stand as the specification's text has them; genuine hosts write
 * them so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cf_text.h"
#include "platform/cf_certtable.h"

#define VCEK "63da758de6644564adc5f4b93be8accd"
#define VLEK "a8074bc2a25a483eaae639c045a0b8a1"
#define ASK "4ab7b379bbac4fe4a02f05aef327c782"
#define ARK                                                                                                                      \
  "c0b406a4a8034952"                                                                                                             \
  "97433fb6014cd0ae"
#define CRL "92f81bc358114d3d97ffd19f88dc67ea"
#define NONE "00112233445566778899aabbccddeeff"
#define MIXED "8d75da6364e66445adc5f4b93be8accd" /* the order that Microsoft writes GUIDs in */
#define END "000000000000000000000000000000000000000000000000"
#define AT(at, len) #at "000000" #len "000000"

static struct {
  char const *name, *hex;
  cf_status_t want;
  uint8_t     first[CF_CERTTABLE_CNT]; /* byte of each part; 0: not there */
} const rows[] = {
    {"nothing", "", CF_OK, {0}},
    {"no entry", END, CF_OK, {0}},
    {"a page of zeros", END END END, CF_OK, {0}},
    {"VCEK", VCEK AT(30, 02) END "a1a2", CF_OK, {0xa1}},
    {"VLEK", VLEK AT(30, 02) END "a1a2", CF_OK, {0xa1}},
    {"all four", VCEK AT(78, 01) ASK AT(79, 01) ARK AT(7a, 01) CRL AT(7b, 01) END "a1b2c3d4", CF_OK, {0xa1, 0xb2, 0xc3, 0xd4}},
    {"two that share bytes", VCEK AT(48, 01) ASK AT(48, 02) END "a1b2", CF_OK, {0xa1, 0xa1}},
    {"another's entry", NONE AT(30, 02) END "a1a2", CF_OK, {0}},
    {"another order of bytes is another's", MIXED AT(30, 02) END "a1a2", CF_OK, {0}},
    {"an empty certificate", VCEK AT(30, 00) END, CF_OK, {0}},
    {"no end", VCEK AT(18, 00), CF_ERR_FORMAT, {0}},
    {"cut in an entry", VCEK AT(18, 00) "0000", CF_ERR_FORMAT, {0}},
    {"one byte outside", VCEK AT(30, 03) END "a1a2", CF_ERR_FORMAT, {0}},
    {"begins outside", VCEK AT(33, 00) END "a1a2", CF_ERR_FORMAT, {0}},
    {"a sum that wraps",
     VCEK "ffffffff"
          "31000000" END "a1a2",
     CF_ERR_FORMAT,
     {0}},
    {"another's entry outside",
     NONE "ffffffff"
          "ffffffff" END,
     CF_ERR_FORMAT,
     {0}},
    {"VCEK twice", VCEK AT(48, 01) VCEK AT(48, 01) END "a1", CF_ERR_FORMAT, {0}},
    {"VCEK and VLEK", VCEK AT(48, 01) VLEK AT(48, 01) END "a1", CF_ERR_FORMAT, {0}},
};

static void test_rows(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    static uint8_t buf[1024];
    size_t         n = strlen(rows[i].hex) / 2;
    cf_certtable_t t;
    cf_error_t     err = {0};
    assert_int_equal(cf_hex_decode(buf, n, CF_SPAN(rows[i].hex, 2 * n)), CF_OK);
    if (cf_certtable_decode(&t, CF_SPAN(buf, n), &err) != rows[i].want) fail_msg("%s: %s", rows[i].name, err.text);
    for (size_t k = 0; k < CF_CERTTABLE_CNT; k++)
      if (rows[i].first[k] ? !t.part[k].len || t.part[k].ptr[0] != rows[i].first[k] : t.part[k].len != 0)
        fail_msg("%s: part %zu", rows[i].name, k);
  }
}

static void test_many(void **state) {
  (void)state;
  static uint8_t buf[24 * (CF_CERTTABLE_ENTRIES_MAX + 2)];
  cf_certtable_t t;
  for (size_t i = 0; i < CF_CERTTABLE_ENTRIES_MAX; i++) buf[24 * i] = 1;
  assert_int_equal(cf_certtable_decode(&t, CF_SPAN_OF(buf), NULL), CF_OK);
  buf[24 * CF_CERTTABLE_ENTRIES_MAX] = 1;
  assert_int_equal(cf_certtable_decode(&t, CF_SPAN_OF(buf), NULL), CF_ERR_BOUND);
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_many)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
