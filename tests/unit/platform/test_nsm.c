/* What the NSM is asked, byte for byte, and what it may answer; the device itself: test_attester.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/cf_nsm.h"

#define S(lit)                                                                                                                   \
  { (uint8_t const *)(lit), sizeof(lit) - 1 }

static void test_request(void **state) {
  (void)state;
  static struct {
    cf_span_t user_data, nonce, public_key, want;
  } const rows[] = {
      {S(""), S("\1\2"), S(""),
       S("\xa1\x6b"
         "Attestation\xa3\x65"
         "nonce\x42\1\2\x69"
         "user_data\xf6\x6a"
         "public_key\xf6")},
      {S("u"), S("n"), S("k"),
       S("\xa1\x6b"
         "Attestation\xa3\x65"
         "nonce\x41n\x69"
         "user_data\x41u\x6a"
         "public_key\x41k")},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint8_t buf[256];
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    cf_nsm_attestation(&wr, rows[i].user_data, rows[i].nonce, rows[i].public_key);
    assert_int_equal(wr.len, rows[i].want.len);
    assert_memory_equal(buf, rows[i].want.ptr, wr.len);
  }
}

#define ATT                                                                                                                      \
  "\x6b"                                                                                                                         \
  "Attestation"
#define DOC                                                                                                                      \
  "\x68"                                                                                                                         \
  "document"
#define ERR                                                                                                                      \
  "\x65"                                                                                                                         \
  "Error"

static struct {
  char const *name;
  cf_span_t   in;
  cf_status_t want;
} const answers[] = {
    {"a document",
     S("\xa1" ATT "\xa1" DOC "\x43"
       "doc"),
     CF_OK},
    {"maps without length",
     S("\xbf" ATT "\xbf" DOC "\x43"
       "doc\xff\xff"),
     CF_OK},
    {"an error",
     S("\xa1" ERR "\x6f"
       "InvalidArgument"),
     CF_ERR_IO},
    {"an error without length",
     S("\xbf" ERR "\x6f"
       "InvalidArgument\xff"),
     CF_ERR_IO},
    {"nothing", S(""), CF_ERR_FORMAT},
    {"an empty document", S("\xa1" ATT "\xa1" DOC "\x40"), CF_ERR_FORMAT},
    {"an empty error", S("\xa1" ERR "\x60"), CF_ERR_FORMAT},
    {"an error that is bytes",
     S("\xa1" ERR "\x41"
       "e"),
     CF_ERR_FORMAT},
    {"a document that is text",
     S("\xa1" ATT "\xa1" DOC "\x63"
       "doc"),
     CF_ERR_FORMAT},
    {"a document in pieces",
     S("\xa1" ATT "\xa1" DOC "\x5f\x43"
       "doc\xff"),
     CF_ERR_FORMAT},
    {"another answer",
     S("\xa1\x69"
       "GetRandom\xa1\x66"
       "random\x43"
       "doc"),
     CF_ERR_FORMAT},
    {"another member",
     S("\xa1" ATT "\xa1\x63"
       "doc\x43"
       "doc"),
     CF_ERR_FORMAT},
    {"two members",
     S("\xa1" ATT "\xa2" DOC "\x43"
       "doc\x61"
       "x\xf6"),
     CF_ERR_FORMAT},
    {"a member more, without length",
     S("\xa1" ATT "\xbf" DOC "\x43"
       "doc\x61"
       "x\xf6\xff"),
     CF_ERR_FORMAT},
    {"no break inside",
     S("\xa1" ATT "\xbf" DOC "\x43"
       "doc"),
     CF_ERR_FORMAT},
    {"no break outside",
     S("\xbf" ATT "\xa1" DOC "\x43"
       "doc"),
     CF_ERR_FORMAT},
    {"a byte behind it",
     S("\xa1" ATT "\xa1" DOC "\x43"
       "doc\0"),
     CF_ERR_FORMAT},
    {"cut short",
     S("\xa1" ATT "\xa1" DOC "\x44"
       "doc"),
     CF_ERR_FORMAT},
    {"a length longer than needed",
     S("\xa1" ATT "\xa1" DOC "\x58\x03"
       "doc"),
     CF_ERR_FORMAT},
    {"a length near 2^64", S("\xa1" ATT "\xa1" DOC "\x5b\xff\xff\xff\xff\xff\xff\xff\xff"), CF_ERR_FORMAT},
    {"an array", S("\x81" ATT), CF_ERR_FORMAT},
    {"bare text",
     S("\x6b"
       "Attestation"),
     CF_ERR_FORMAT},
};

static void test_answers(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    cf_span_t  document = {NULL, 0};
    cf_error_t err = {0};
    if (cf_nsm_document(&document, answers[i].in, &err) != answers[i].want) fail_msg("%s: %s", answers[i].name, err.text);
    assert_int_equal(err.status, answers[i].want);
    assert_int_equal(document.len, answers[i].want ? 0 : 3);
    if (!answers[i].want) assert_memory_equal(document.ptr, "doc", 3);
    if (answers[i].want == CF_ERR_IO) assert_non_null(strstr(err.text, "InvalidArgument"));
  }
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_request), cmocka_unit_test(test_answers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
