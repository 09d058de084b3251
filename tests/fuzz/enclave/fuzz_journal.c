/* A file header reads as one value, and a record that nobody sealed never opens. */
#include <assert.h>

#include "enclave/cf_journal.h"

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t    out[65536];
  uint8_t const     root[32] = { 1 };
  cf_file_header_t  h;
  cf_rd_t           rd = cf_rd_init(data, size);
  cf_file_kind_t kind = size && data[0] & 1 ? CF_FILE_JOURNAL : CF_FILE_SNAPSHOT;
  if (size) (void)cf_rd_take(&rd, 1);
  if (cf_file_header_read(&h, &rd, kind)) return 0;
  uint8_t again[CF_JOURNAL_HEADER_SZ];
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  cf_file_header_write(&wr, &h);
  assert(!wr.bad && !memcmp(again, data + 1, sizeof again));
  cf_journal_t j    = { 0 };
  cf_aead_t   *aead = cf_aead_new(CF_AEAD_AES256GCM);
  cf_journal_begin(&j, &h, root);
  cf_span_t record = cf_rd_take_span(&rd, cf_rd_left(&rd));
  if (record.len <= sizeof out) assert(cf_journal_open(&j, aead, out, record) == CF_ERR_AUTH);
  cf_journal_end(&j);
  cf_aead_free(aead);
  return 0;
}
