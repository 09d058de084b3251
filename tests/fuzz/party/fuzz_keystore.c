/* Key files: what is read and written again says the same, and is then written the same. */
#include <assert.h>

#include "party/cf_keystore.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t text[2][CF_KEYSTORE_WRITTEN_MAX];
  cf_keystore_t  k, again;
  cf_wr_t        wr[2] = {cf_wr_init(text[0], sizeof text[0]), cf_wr_init(text[1], sizeof text[1])};
  if (cf_keystore_decode(&k, CF_SPAN(data, size), NULL)) return 0;
  cf_keystore_write(&wr[0], &k);
  assert(!wr[0].bad);
  cf_status_t st = cf_keystore_decode(&again, cf_wr_out(&wr[0]), NULL);
  assert(!st && k.salt_sz == again.salt_sz && k.kdf == again.kdf && k.n == again.n && k.rounds == again.rounds);
  cf_keystore_write(&wr[1], &again);
  assert(cf_span_eq(cf_wr_out(&wr[0]), cf_wr_out(&wr[1])));
  return 0;
}
