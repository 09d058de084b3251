/* Params, inputs and notices: docs/protocol/clearing.md; the vectors are made by
   tests/vectors/workload/make_clearing.py, which shares no code with us. */
#include "workload/cf_clearing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/cf_text.h"

#define IN(lit) (lit), sizeof(lit) - 1
#define MAX63 "\x7f\xff\xff\xff\xff\xff\xff\xff"
#define OVER "\x80\0\0\0\0\0\0\0"
#define ONE "\0\0\0\0\0\0\0\1"

static void
inputs(void **state) {
  static struct { char const *name; char const *in; size_t in_sz; cf_status_t want; } const cases[] = {
    { "obligation",          IN("\1" "\0\0\0\2" "\0\0\5" ONE),     CF_OK },
    { "largest amount",      IN("\1" "\0\0\0\2" "\0\0\5" MAX63),   CF_OK },
    { "withdrawal",          IN("\2" "\0\0\5" ONE),                CF_OK },
    { "last asset",          IN("\2" "\xff\xff\xfe" ONE),          CF_OK },
    { "empty",               IN(""),                               CF_ERR_FORMAT },
    { "kind 0",              IN("\0" "\0\0\0\2" "\0\0\5" ONE),     CF_ERR_UNSUPPORTED },
    { "kind 3",              IN("\3" "\0\0\5" ONE),                CF_ERR_UNSUPPORTED },
    { "cut short",           IN("\1" "\0\0\0\2" "\0\0\5\0\0\0"),   CF_ERR_FORMAT },
    { "trailing byte",       IN("\1" "\0\0\0\2" "\0\0\5" ONE "x"), CF_ERR_FORMAT },
    { "payee 0",             IN("\1" "\0\0\0\0" "\0\0\5" ONE),     CF_ERR_FORMAT },
    { "amount 0",            IN("\2" "\0\0\5\0\0\0\0\0\0\0\0"),    CF_ERR_FORMAT },
    { "amount 2^63",         IN("\2" "\0\0\5" OVER),               CF_ERR_FORMAT },
    { "the data section",    IN("\2" "\xff\xff\xff" ONE),          CF_ERR_FORMAT },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_clearing_input_t input;
    cf_status_t         st = cf_clearing_input_decode(&input, CF_SPAN(cases[i].in, cases[i].in_sz));
    if (st != cases[i].want) fail_msg("%s: %s", cases[i].name, cf_status_name(st));
    if (st) continue;
    uint8_t again[32];
    cf_wr_t wr = cf_wr_init(again, sizeof again);
    cf_clearing_input_encode(&wr, &input);
    assert_true(cf_span_eq(cf_wr_out(&wr), CF_SPAN(cases[i].in, cases[i].in_sz)));
  }
}

#define HEAD "\1" "\0\3" "\0\0\0\4" "\0\0\x0e\x10"
#define SIZES "\0\0\x10\0" "\0\0\x20\0" "\0\x40"

static void
params(void **state) {
  static struct { char const *name; char const *in; size_t in_sz; cf_status_t want; } const cases[] = {
    { "no credit",            IN(HEAD SIZES "\0"),                                                     CF_OK },
    { "two credits",          IN(HEAD SIZES "\2" "\1\0\0\5" ONE "\1\0\0\6" MAX63),                     CF_OK },
    { "version 2",            IN("\2"),                                                                CF_ERR_UNSUPPORTED },
    { "empty",                IN(""),                                                                  CF_ERR_FORMAT },
    { "cut short",            IN(HEAD SIZES "\1" "\1\0\0\5\0"),                                        CF_ERR_FORMAT },
    { "trailing byte",        IN(HEAD SIZES "\0x"),                                                    CF_ERR_FORMAT },
    { "credit twice",         IN(HEAD SIZES "\2" "\1\0\0\5" ONE "\1\0\0\5" ONE),                       CF_ERR_FORMAT },
    { "credits fall",         IN(HEAD SIZES "\2" "\1\0\0\6" ONE "\1\0\0\5" ONE),                       CF_ERR_FORMAT },
    { "credit 0",             IN(HEAD SIZES "\1" "\1\0\0\5\0\0\0\0\0\0\0\0"),                          CF_ERR_BOUND },
    { "credit of no asset",   IN(HEAD SIZES "\1" "\1\xff\xff\xff" ONE),                                CF_ERR_BOUND },
    { "65 credits",           IN(HEAD SIZES "\x41"),                                                   CF_ERR_BOUND },
    { "3 positions",          IN(HEAD "\0\0\0\3" "\0\0\x20\0" "\0\1" "\0"),                            CF_ERR_BOUND },
    { "positions over bound", IN(HEAD "\0\2\0\1" "\0\0\x20\0" "\0\1" "\0"),                            CF_ERR_BOUND },
    { "no obligations",       IN(HEAD "\0\0\x10\0" "\0\0\0\0" "\0\1" "\0"),                            CF_ERR_BOUND },
    { "obligations over",     IN(HEAD "\0\0\x10\0" "\0\x10\0\1" "\0\1" "\0"),                          CF_ERR_BOUND },
    { "releases over half",   IN(HEAD "\0\0\0\7" "\0\0\x20\0" "\0\4" "\0"),                            CF_ERR_BOUND },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_clearing_params_t p;
    cf_span_t            in = CF_SPAN(cases[i].in, cases[i].in_sz);
    cf_status_t          st = cf_clearing_params_decode(&p, in);
    if (st != cases[i].want) fail_msg("%s: %s", cases[i].name, cf_status_name(st));
    assert_int_equal(cf_clearing.state_sz(in) != 0, st == CF_OK);
    if (st) continue;
    uint8_t again[64];
    cf_wr_t wr = cf_wr_init(again, sizeof again);
    cf_clearing_params_encode(&wr, &p);
    assert_true(cf_span_eq(cf_wr_out(&wr), in));
  }
}

static void
notices(void **state) {
#define DEF "\x14" "\2" ONE "\0\0\0\1" "\0\0\0\2" "\0\0\5"
  static struct { char const *name; char const *in; size_t in_sz; cf_status_t want; } const cases[] = {
    { "netted",           IN("\x11" ONE "\1" "\0\0\5" "\xff\xff\xff\xff\xff\xff\xff\xff"), CF_OK },
    { "settled, none",    IN("\x12" ONE "\0"),                                     CF_OK },
    { "reopened, two",    IN("\x13" ONE "\2" "\0\0\5" ONE "\0\0\6" ONE),           CF_OK },
    { "assets fall",      IN("\x13" ONE "\2" "\0\0\6" ONE "\0\0\5" ONE),           CF_ERR_FORMAT },
    { "no asset",         IN("\x13" ONE "\1" "\xff\xff\xff" ONE),                  CF_ERR_FORMAT },
    { "65 positions",     IN("\x13" ONE "\x41"),                                   CF_ERR_FORMAT },
    { "defaulted",        IN(DEF ONE),                                             CF_OK },
    { "amount 2^63",      IN(DEF OVER),                                            CF_ERR_FORMAT },
    { "reason 0",         IN("\x14" "\0" ONE "\0\0\0\1" "\0\0\0\2" "\0\0\5" ONE),  CF_ERR_UNSUPPORTED },
    { "reason 5",         IN("\x14" "\5" ONE "\0\0\0\1" "\0\0\0\2" "\0\0\5" ONE),  CF_ERR_UNSUPPORTED },
    { "payer 0",          IN("\x14" "\1" ONE "\0\0\0\0" "\0\0\0\2" "\0\0\5" ONE),  CF_ERR_FORMAT },
    { "cut short",        IN("\x14" "\1" ONE),                                     CF_ERR_FORMAT },
    { "trailing byte",    IN("\x12" ONE "\0x"),                                    CF_ERR_FORMAT },
    { "kind 16",          IN("\x10" ONE "\0"),                                     CF_ERR_UNSUPPORTED },
    { "kind 21",          IN("\x15" ONE "\0"),                                     CF_ERR_UNSUPPORTED },
    { "empty",            IN(""),                                                  CF_ERR_FORMAT },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_clearing_notice_t n;
    cf_span_t            in = CF_SPAN(cases[i].in, cases[i].in_sz);
    cf_status_t          st = cf_clearing_notice_decode(&n, in);
    if (st != cases[i].want) fail_msg("%s: %s", cases[i].name, cf_status_name(st));
    if (st) continue;
    uint8_t again[CF_RESULT_MAX];
    cf_wr_t wr = cf_wr_init(again, sizeof again);
    cf_clearing_notice_encode(&wr, &n);
    assert_true(cf_span_eq(cf_wr_out(&wr), in));
  }
}

/* ---- vectors: lines "name hex" ---- */

static size_t
vector(uint8_t *out, size_t max, char const *name) {
  FILE *f = fopen(CF_SOURCE_DIR "/tests/vectors/workload/clearing.txt", "r");
  assert_non_null(f);
  char   line[4096], key[64], hex[4000];
  size_t sz = 0;
  while (fgets(line, sizeof line, f)) {
    if (sscanf(line, "%63s %3999s", key, hex) != 2 || strcmp(key, name)) continue;
    sz = strlen(hex) / 2;
    assert_true(sz <= max);
    assert_int_equal(cf_hex_decode(out, sz, CF_SPAN(hex, strlen(hex))), CF_OK);
  }
  fclose(f);
  if (!sz) fail_msg("no vector %s", name);
  return sz;
}

static void
vectors(void **state) {
  (void)state;
  uint8_t              buf[1024], want[1024];
  cf_wr_t              wr = cf_wr_init(buf, sizeof buf);
  cf_clearing_params_t p = { .min_parties = 3, .min_inputs = 4, .window_max_s = 3600, .positions_max = 2500,
                             .obligations_max = 100000, .releases_max = 64,
                             .credit_cnt = 2, .credits = { { 1, 5, 1000 }, { 2, 5, 1000000 } } };
  cf_clearing_params_encode(&wr, &p);
  assert_true(cf_span_eq(cf_wr_out(&wr), CF_SPAN(want, vector(want, sizeof want, "params"))));

  static struct { char const *name; cf_clearing_input_t input; } const inputs_known[] = {
    { "obligation", { CF_CLEARING_OBLIGATION, 7, 5, 123456789 } },
    { "withdrawal", { CF_CLEARING_WITHDRAWAL, 0, 0xfffffe, CF_AMOUNT_MAX } },
  };
  for (size_t i = 0; i < 2; i++) {
    wr = cf_wr_init(buf, sizeof buf);
    cf_clearing_input_encode(&wr, &inputs_known[i].input);
    assert_true(cf_span_eq(cf_wr_out(&wr), CF_SPAN(want, vector(want, sizeof want, inputs_known[i].name))));
  }
  cf_clearing_notice_t const notices_known[] = {
    { .kind = CF_CLEARING_NETTED, .window = 9, .position_cnt = 2, .positions = { { 5, -250 }, { 6, 0 } } },
    { .kind = CF_CLEARING_SETTLED, .window = 9, .position_cnt = 2, .positions = { { 5, -250 }, { 6, 0 } } },
    { .kind = CF_CLEARING_REOPENED, .window = 9, .position_cnt = 1, .positions = { { 5, INT64_MAX } } },
    { .kind = CF_CLEARING_DEFAULTED, .reason = CF_CLEARING_EXIT, .order = 17, .payer = 3, .payee = 7, .asset = 5, .amount = 40 },
  };
  static char const *const names[] = { "netted", "settled", "reopened", "defaulted" };
  for (size_t i = 0; i < 4; i++) {
    wr = cf_wr_init(buf, sizeof buf);
    cf_clearing_notice_encode(&wr, &notices_known[i]);
    assert_true(cf_span_eq(cf_wr_out(&wr), CF_SPAN(want, vector(want, sizeof want, names[i]))));
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(inputs),
    cmocka_unit_test(params),
    cmocka_unit_test(notices),
    cmocka_unit_test(vectors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
