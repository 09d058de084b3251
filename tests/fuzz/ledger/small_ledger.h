/* A ledger of one asset and councils of one, for the targets that need some ledger. */
#ifndef FUZZ_SMALL_LEDGER_H
#define FUZZ_SMALL_LEDGER_H

#include <assert.h>

#include "ledger/cf_blocks.h"

#define MUST(call)            \
  do {                        \
    cf_status_t st_ = (call); \
    assert(!st_);             \
    (void)st_;                \
  } while (0)

static inline cf_ledger_genesis_t small_ledger(uint8_t const block_key[32]) {
  cf_seats_t          one = { .k = 1, .n = 1, .member = { { { 1 } } } };
  cf_ledger_genesis_t g   = {
      .config          = { .embedded       = true,
                           .chain_id       = CF_LEDGER_CHAIN_MIN,
                           .mode           = CF_MODE_NET,
                           .max_validity_s = 10,
                           .overlap_s      = 10,
                           .exit_delay_s   = 40,
                           .notice_s       = 40,
                           .dead_after_s   = 80 },
      .time_s          = 1000,
      .policy          = 1,
      .policy_hash     = { { 1 } },
      .council_version = 1,
      .councils        = { one, one, one },
      .assets_cnt      = 1,
      .assets          = { { { { 2 } }, 2, 5 } },
  };
  MUST(cf_k256_addr(&g.config.contract, block_key));
  return g;
}

#endif
