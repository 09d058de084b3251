// link: session
/* Bodies of POST /v1/envelopes, headers of envelopes, chunks of journal files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/cf_text.h"
#include "crypto/cf_sign.h"
#include "gateway/cf_post.h"
#include "session/cf_session.h"

static void
test_bodies(void **state) {
#define IN(lit) (lit), sizeof(lit) - 1
  static struct {
    char const *name;
    char const *in;
    size_t      in_sz, want;
  } const cases[] = {
    { "nothing", IN(""), 0 },
    { "one", IN("\0\0\0\1x"), 1 },
    { "three", IN("\0\0\0\1x\0\0\0\2xy\0\0\0\1z"), 3 },
    { "an empty one", IN("\0\0\0\0"), 0 },
    { "an empty one behind", IN("\0\0\0\1x\0\0\0\0"), 0 },
    { "length cut short", IN("\0\0\0"), 0 },
    { "envelope cut short", IN("\0\0\0\2x"), 0 },
    { "a byte left over", IN("\0\0\0\1xy"), 0 },
    { "length near 2^32", IN("\xff\xff\xff\xffx"), 0 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) assert_int_equal(cf_post_count(CF_SPAN(cases[i].in, cases[i].in_sz)), cases[i].want);
}

/* The header is what the session room writes; cut or altered anywhere it is refused, or says something else. */
static void
test_head(void **state) {
  cf_drbg_t           d;
  cf_hash_t           seed = { { 9 } };
  uint8_t             owner[32], result[32], buf[2048];
  cf_x25519_pub_t     result_pub;
  cf_session_t        s;
  cf_ciphers_t        ciphers = cf_ciphers_new(cf_suite(1));
  cf_session_target_t t       = { .domain = { { 1, 2, 3 } }, .epoch = 70000, .suite = 1, .jurisdiction = CF_SPAN_LIT("any") };
  cf_drbg_init(&d, &seed);
  cf_entropy_t e = cf_drbg_entropy(&d);
  cf_k256_scalar_make(owner, &e);
  cf_x25519_make(result, &result_pub, &e);
  cf_x25519_make(result, &t.sealing, &e);
  for (int in_session = 0; in_session < 2; in_session++) {
    cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
    cf_post_head_t h;
    if (in_session) assert_int_equal(cf_session_seal(&s, &wr, &ciphers, &t.domain, t.jurisdiction, 2, CF_SPAN_LIT("hello")), CF_OK);
    else assert_int_equal(cf_session_begin(&s, &wr, &ciphers, &t, owner, &result_pub, 1700000000, 1, CF_SPAN_LIT("hello"), &e), CF_OK);
    assert_int_equal(cf_post_head(&h, cf_wr_out(&wr)), CF_OK);
    assert_memory_equal(h.domain.b, t.domain.b, 32);
    assert_int_equal(h.epoch, 70000);
    for (size_t n = 0; n < wr.len; n++) assert_int_equal(cf_post_head(&h, CF_SPAN(buf, n)), CF_ERR_FORMAT);
  }
  cf_post_head_t h;
  assert_int_equal(cf_post_head(&h, CF_SPAN_LIT("\xd0\x83\x40\xa0\x40")), CF_ERR_FORMAT); /* no map */
  assert_int_equal(cf_post_head(&h, CF_SPAN_LIT("\xd0\x83\x41\xa0\xa0\x40")), CF_ERR_FORMAT); /* no context in it */
  cf_ciphers_free(&ciphers);
}

static void
test_chunks(void **state) {
  uint8_t    buf[1024];
  cf_hash_t  ids[3] = { { { 1 } }, { { 2 } }, { { 3 } } };
  cf_wr_t    wr     = cf_wr_init(buf, sizeof buf);
  cf_chunk_write(&wr, CF_SPAN_LIT("header"), CF_SPAN(NULL, 0), NULL, 0, CF_SPAN(NULL, 0));
  size_t head = wr.len;
  cf_chunk_write(&wr, CF_SPAN_LIT("record"), CF_SPAN_LIT("receipt"), ids, 3, CF_SPAN_LIT("proof"));
  cf_rd_t         rd = cf_rd_span(cf_wr_out(&wr));
  cf_chunk_t      c;
  cf_chunk_note_t n;
  assert_true(cf_chunk_next(&rd, &c));
  assert_true(cf_span_eq(c.enclave, CF_SPAN_LIT("header")) && c.note.len == 0);
  assert_true(cf_chunk_next(&rd, &c));
  assert_true(cf_span_eq(c.enclave, CF_SPAN_LIT("record")));
  assert_int_equal(cf_chunk_note(&n, c.note), CF_OK);
  assert_true(cf_span_eq(n.receipt, CF_SPAN_LIT("receipt")) && cf_span_eq(n.proof, CF_SPAN_LIT("proof")));
  assert_int_equal(n.cnt, 3);
  assert_memory_equal(n.ids, ids, 96);
  assert_false(cf_chunk_next(&rd, &c));
  assert_false(rd.bad);
  for (size_t cut = head + 1; cut < wr.len; cut++) { /* torn anywhere, the last chunk is not there */
    rd = cf_rd_init(buf, cut);
    assert_true(cf_chunk_next(&rd, &c));
    assert_false(cf_chunk_next(&rd, &c));
  }
  for (size_t cut = 0; cut < c.note.len; cut++) assert_int_equal(cf_chunk_note(&n, CF_SPAN(c.note.ptr, cut)), CF_ERR_FORMAT);
}

/* The bytes that the page fixes. */
static void
test_vector(void **state) {
  char       line[512];
  uint8_t    want[256], made[256];
  cf_hash_t  id;
  FILE      *f  = fopen(CF_SOURCE_DIR "/tests/vectors/gateway/journal.txt", "r");
  cf_wr_t    wr = cf_wr_init(made, sizeof made);
  assert_non_null(f);
  assert_non_null(fgets(line, sizeof line, f));
  assert_non_null(fgets(line, sizeof line, f));
  fclose(f);
  size_t n = strlen(line) / 2;
  assert_int_equal(cf_hex_decode(want, n, CF_SPAN(line, 2 * n)), CF_OK);
  memset(id.b, 0x11, sizeof id.b);
  cf_chunk_write(&wr, CF_SPAN_LIT("header"), CF_SPAN(NULL, 0), NULL, 0, CF_SPAN(NULL, 0));
  cf_chunk_write(&wr, CF_SPAN_LIT("\x01\x02"), CF_SPAN_LIT("\xaa\xbb"), &id, 1, CF_SPAN(NULL, 0));
  assert_true(cf_span_eq(cf_wr_out(&wr), CF_SPAN(want, n)));
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_bodies), cmocka_unit_test(test_head), cmocka_unit_test(test_chunks), cmocka_unit_test(test_vector) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
