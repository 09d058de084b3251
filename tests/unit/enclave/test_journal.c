/* The journal's keys and chain: no two files share a keystream, and no record goes where another belongs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "enclave/cf_journal.h"

static uint8_t const root[32] = {7}, other_root[32] = {8};

static cf_file_header_t
header(void) {
  return (cf_file_header_t){.kind = CF_FILE_JOURNAL, .root_number = 1, .file = 3};
}

/* first_block is what 16 bytes of zero become in a file: GCM's keystream, whatever the additional data. */
static void
first_block(uint8_t out[16], cf_aead_t *aead, cf_file_header_t const *h, uint8_t const *under) {
  static uint8_t const zero[16];
  cf_journal_t         j = {0};
  uint8_t              buf[64];
  cf_wr_t              wr = cf_wr_init(buf, sizeof buf);
  cf_journal_begin(&j, h, under);
  cf_journal_seal(&j, aead, &wr, CF_SPAN_OF(zero));
  memcpy(out, buf + 4, 16);
  cf_journal_end(&j);
}

static void
each_part_makes_another_key(void **state) {
  cf_aead_t       *aead = cf_aead_new(CF_AEAD_AES256GCM);
  cf_file_header_t h[5];
  uint8_t          block[6][16];
  for (int i = 0; i < 5; i++) h[i] = header();
  h[1].domain.b[0]++;
  h[2].instance.b[31]++;
  h[3].random[5]++;
  h[4].kind = CF_FILE_SNAPSHOT;
  for (int i = 0; i < 5; i++) first_block(block[i], aead, &h[i], root);
  first_block(block[5], aead, &h[0], other_root);
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < i; j++) assert_memory_not_equal(block[i], block[j], 16);
  cf_aead_free(aead);
}

static void
records_have_their_place(void **state) {
  cf_aead_t       *aead = cf_aead_new(CF_AEAD_AES256GCM);
  cf_file_header_t h = header(), moved = header();
  cf_journal_t     j = {0};
  uint8_t          buf[256], plain[32];
  cf_span_t        record[3];
  cf_wr_t          wr = cf_wr_init(buf, sizeof buf);
  cf_journal_begin(&j, &h, root);
  for (int i = 0; i < 3; i++) cf_journal_seal(&j, aead, &wr, CF_SPAN_LIT("the same text"));
  cf_rd_t rd = cf_rd_span(cf_wr_out(&wr));
  for (int i = 0; i < 3; i++) record[i] = cf_rd_take_span(&rd, cf_rd_u32(&rd));

  for (int first = 0; first < 3; first++)
    for (int second = 0; second < 3; second++) {
      cf_journal_begin(&j, &h, root);
      assert_int_equal(cf_journal_open(&j, aead, plain, record[first]), first == 0 ? CF_OK : CF_ERR_AUTH);
      if (first == 0) assert_int_equal(cf_journal_open(&j, aead, plain, record[second]), second == 1 ? CF_OK : CF_ERR_AUTH);
    }
  moved.file++; /* the file's place is bound, and what it continues */
  cf_journal_begin(&j, &moved, root);
  assert_int_equal(cf_journal_open(&j, aead, plain, record[0]), CF_ERR_AUTH);
  moved = header();
  moved.chain.b[0]++;
  cf_journal_begin(&j, &moved, root);
  assert_int_equal(cf_journal_open(&j, aead, plain, record[0]), CF_ERR_AUTH);
  cf_journal_end(&j);
  cf_aead_free(aead);
}

int
main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_part_makes_another_key),
    cmocka_unit_test(records_have_their_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
