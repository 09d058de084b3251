#include "cli/cf_result_read.h"

int cf_result_next(cf_result_t *out, uint8_t *plain, cf_rd_t *rd, char const *what, char const *url, cf_account_t *account,
                   cf_wallet_file_t const *w) {
  cf_released_t r;
  cf_span_t     entry;
  uint64_t      index;
  cf_receipt_t  receipt;
  cf_sign1_t    s;
  cf_error_t    err = {0};
  if (cf_released_next(&r, rd, &err)) return cf_fail_error(what, &err);
  int code = cf_remote_receipt(&entry, &index, what, url, r.sequence);
  if (code) return code;
  cf_ciphers_t ciphers = cf_ciphers_new(cf_suite(1));
  cf_status_t  st = cf_document_open(&receipt, &s, &cf_receipt_table, entry, &err);
  if (!st) st = cf_result_check(&r, &receipt, &err);
  if (!st) st = cf_party_result(out, plain, account, &w->key, &ciphers, &r, &receipt, &err);
  cf_ciphers_free(&ciphers);
  return st ? cf_fail_error(what, &err) : 0;
}
