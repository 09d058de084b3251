// link: session
/* Bodies of POST /v1/envelopes, headers of envelopes, chunks of journal files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/cf_text.h"
#include "base/cf_torn.h"
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

/* ---- a file that a crash left ---- */

#define WHOLE 3 /* chunks before the torn one */
static uint8_t torn_file[16384];
static size_t  torn_at, torn_len; /* the last chunk */

static void
torn_make(size_t header, size_t record) {
  static uint8_t bytes[8192];
  cf_hash_t      ids[4] = { { { 1 } }, { { 2 } }, { { 3 } }, { { 4 } } };
  cf_wr_t        wr     = cf_wr_init(torn_file, sizeof torn_file);
  memset(torn_file, 0, sizeof torn_file);
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 31 % 255 + 1);
  cf_chunk_write(&wr, CF_SPAN(bytes, header), CF_SPAN(NULL, 0), NULL, 0, CF_SPAN(NULL, 0));
  for (int i = 0; i < WHOLE; i++) {
    torn_at = wr.len;
    cf_chunk_write(&wr, CF_SPAN(bytes, record), CF_SPAN(bytes, 600), ids, 4, CF_SPAN_LIT("proof"));
  }
  assert_false(wr.bad);
  torn_len = wr.len - torn_at;
}

/* How many chunks are read, and whether the end is one that a process can have left. */
static int
read_chunks(uint8_t const *file, size_t len, bool *ended) {
  cf_rd_t    rd = cf_rd_init(file, len);
  cf_chunk_t c;
  int        n = 0;
  while (cf_chunk_next(&rd, &c)) n++;
  *ended = cf_chunk_ended(&rd);
  return n;
}

/* Cut short at every byte, in a file that ends there, and in one that was written ahead. */
static void
test_torn_anywhere(void **state) {
  bool ended;
  torn_make(132, 300);
  for (size_t ahead = 0; ahead <= 4096; ahead += 2048) {
    assert_int_equal(read_chunks(torn_file, torn_at + torn_len + ahead, &ended), WHOLE + 1);
    assert_true(ended);
    for (size_t cut = 0; cut < torn_len; cut++) {
      uint8_t file[sizeof torn_file] = { 0 };
      memcpy(file, torn_file, torn_at + cut);
      if (read_chunks(file, torn_at + cut + ahead, &ended) != WHOLE || !ended) fail_msg("cut at %zu, %zu ahead", cut, ahead);
    }
  }
}

/* Any sectors of the last append are missing, wherever it began in its first one. */
static void
test_sectors_missing(void **state) {
  for (size_t header = 0; header < CF_TORN_SECTOR; header += header < 8 || header > 480 ? 1 : 37) {
    torn_make(header, 900);
    size_t first = torn_at / CF_TORN_SECTOR, cnt = (torn_at + torn_len - 1) / CF_TORN_SECTOR - first + 1;
    assert_true(cnt >= 3 && cnt <= 6);
    for (unsigned missing = 1; missing < 1u << cnt; missing++) {
      uint8_t file[sizeof torn_file];
      bool    ended;
      memcpy(file, torn_file, sizeof file);
      for (size_t s = 0; s < cnt; s++) {
        size_t from = (first + s) * CF_TORN_SECTOR, to = from + CF_TORN_SECTOR;
        if (from < torn_at) from = torn_at; /* what was there before is there still */
        if (missing >> s & 1) memset(file + from, 0, to - from);
      }
      if (read_chunks(file, sizeof file, &ended) != WHOLE || !ended) fail_msg("header %zu, missing %x", header, missing);
    }
  }
}

/* A changed byte before the last append is no crash, unless it makes a size reach beyond the file. */
static void
test_damage_is_none(void **state) {
  unsigned lenient = 0;
  torn_make(132, 300);
  for (size_t at = 0; at < torn_at; at++) {
    bool ended;
    torn_file[at] ^= 0x40;
    int n = read_chunks(torn_file, sizeof torn_file, &ended);
    torn_file[at] ^= 0x40;
    if (n >= WHOLE) fail_msg("byte %zu: %d chunks", at, n);
    lenient += ended;
  }
  assert_int_equal(lenient, 2 * WHOLE); /* the second and third byte of each size; the first makes it larger than any */
  size_t end = torn_at + torn_len;
  for (size_t at = end + 4; at / CF_TORN_SECTOR == end / CF_TORN_SECTOR; at++) { /* bytes of a sector without the size that stands in it */
    bool ended;
    torn_file[at] = 1;
    assert_int_equal(read_chunks(torn_file, sizeof torn_file, &ended), WHOLE + 1);
    torn_file[at] = 0;
    if (ended) fail_msg("byte %zu behind the end", at);
  }
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
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_bodies), cmocka_unit_test(test_head), cmocka_unit_test(test_chunks), cmocka_unit_test(test_torn_anywhere),
                                      cmocka_unit_test(test_sectors_missing), cmocka_unit_test(test_damage_is_none), cmocka_unit_test(test_vector) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
