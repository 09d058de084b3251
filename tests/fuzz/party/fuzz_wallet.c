/* A party's files and the list of released results: what is read is written again, byte for byte. */
#include <assert.h>

#include "party/cf_party.h"

static uint8_t again[1 << 16];

static void wallet(cf_span_t in) {
  cf_wallet_t w;
  cf_error_t  err = {0};
  if (cf_wallet_decode(&w, in, &err)) {
    assert(err.status == CF_ERR_FORMAT);
    return;
  }
  for (size_t i = 0; i < in.len; i++)
    if (in.ptr[i] >= 'A' && in.ptr[i] <= 'F') return; /* either case is read, one is written */
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  cf_wallet_encode(&wr, &w);
  assert(cf_span_eq(cf_wr_out(&wr), in));
}

static void account(cf_span_t in) {
  static cf_pending_t pending[64];
  cf_account_t        a;
  cf_error_t          err = {0};
  cf_hash_t           domain = {{0}};
  if (in.len > 32) memcpy(domain.b, in.ptr + 1, 32);
  cf_account_init(&a, &domain, pending, 64);
  cf_status_t st = cf_account_decode(&a, in, &err);
  if (st) {
    assert(err.status == st);
    return;
  }
  cf_wr_t wr = cf_wr_init(again, sizeof again);
  cf_account_encode(&wr, &a);
  assert(cf_span_eq(cf_wr_out(&wr), in));
}

static void released(cf_span_t in) {
  cf_rd_t       rd = cf_rd_span(in);
  cf_wr_t       wr = cf_wr_init(again, sizeof again);
  cf_receipt_t  receipt = {.sequence = 1};
  cf_released_t r;
  cf_error_t    err = {0};
  size_t        cnt;
  if (cf_released_begin(&cnt, &rd, &err)) return;
  cf_released_list(&wr, cnt);
  for (size_t i = 0; i < cnt; i++) {
    if (cf_released_next(&r, &rd, &err)) return;
    cf_released_write(&wr, &r);
    assert(cf_result_check(&r, &receipt, &err)); /* under a root of zeros stands nothing */
    err = (cf_error_t){0};
  }
  if (cf_rd_done(&rd)) assert(cf_span_eq(cf_wr_out(&wr), in));
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  if (size < 1 || size > sizeof again) return 0;
  cf_span_t in = CF_SPAN(data + 1, size - 1);
  switch (data[0] & 3) {
  case 0:
    wallet(in);
    break;
  case 1:
    account(in);
    break;
  default:
    released(in);
  }
  return 0;
}
