#include "cli/cf_balances.h"

#include <stdlib.h>
#include <unistd.h>

#include "ledger/cf_blocks.h"

/* The slots that hold everything: accounts, then per asset its lanes and its free lanes, four to a slot (account 0's is unused). */
typedef struct {
  size_t     fours, cnt;
  cf_hash_t *keys, *values;
} slots_t;

static slots_t slots_of(uint32_t accounts, uint32_t assets) {
  size_t     fours = accounts / 4 + 1;
  slots_t    s = {.fours = fours, .cnt = accounts + fours * 2 * assets};
  cf_hash_t *at = s.keys = calloc(s.cnt, sizeof *s.keys);
  s.values = calloc(s.cnt, sizeof *s.values);
  if (!s.keys || !s.values) abort();
  for (uint32_t id = 1; id <= accounts; id++) *at++ = cf_slot_account(id);
  for (uint32_t a = 0; a < assets; a++) {
    cf_hash_t const base[2] = {cf_slot_lanes(a), cf_slot_free_lanes(a)};
    for (unsigned k = 0; k < 2; k++)
      for (size_t four = 0; four < fours; four++) *at++ = cf_slot_add(&base[k], four);
  }
  return s;
}

static void unpack(cf_balances_t *b, slots_t const *s) {
  b->account = calloc(b->accounts + 1u, sizeof *b->account);
  b->lane = calloc((size_t)b->accounts * b->assets * 2 + 1, sizeof *b->lane);
  if (!b->account || !b->lane) abort();
  for (uint32_t id = 1; id <= b->accounts; id++) {
    b->account[id - 1] = cf_ledger_account_unpack(&s->values[id - 1]);
    for (uint32_t a = 0; a < b->assets; a++)
      for (unsigned k = 0; k < 2; k++)
        cf_balances_lanes(b, id, a)[k] =
            cf_word_get(&s->values[b->accounts + (2 * a + k) * s->fours + (id >> 2)], cf_lane_bit(id), 64);
  }
}

static uint32_t accounts_of(cf_hash_t const *counters) { return cf_ledger_counters_unpack(counters).next_account - 1; }

int cf_balances_evm(cf_balances_t *out, cf_evm_ledger_t *l, uint32_t assets) {
  cf_hash_t const plain[2] = {cf_slot_plain(CF_SLOT_HEAD), cf_slot_plain(CF_SLOT_COUNTERS)};
  cf_hash_t       values[2];
  int             code = cf_evm_ledger_slots(values, l, plain, 2);
  if (code) return code;
  *out = (cf_balances_t){.block = l->block.header.number,
                         .time_s = l->block.header.time_s,
                         .hash = l->block.hash,
                         .head = values[0],
                         .accounts = accounts_of(&values[1]),
                         .assets = assets};
  slots_t s = slots_of(out->accounts, assets);
  code = cf_evm_ledger_slots(s.values, l, s.keys, s.cnt);
  if (!code) unpack(out, &s);
  free(s.keys);
  free(s.values);
  return code;
}

/* ---- embedded ---- */

static int replay(cf_chain_t *chain, cf_folder_t const *f) {
  cf_error_t err = {0};
  cf_wr_t    expect = cf_room(CF_GENESIS_BYTES_MAX);
  cf_ledger_genesis_write(&expect, &f->domain->block0);
  cf_span_t const genesis = cf_wr_out(&expect);
  cf_chain_init(chain);
  for (uint64_t n = 0;; n++) {
    cf_span_t block;
    char     *path = cf_folder_path(f, "public/ledger/blocks/%020llu", (unsigned long long)n);
    if (n && access(path, F_OK)) return 0;
    int code = cf_slurp(&block, path, CF_BLOCK_MAX);
    if (code) return code;
    cf_status_t st = n ? cf_chain_replay(chain, block, &err) : cf_chain_start(chain, block, &genesis, &err);
    free((void *)(uintptr_t)block.ptr);
    if (st) return cf_fail_error("ledger", &err);
  }
}

static int embedded(cf_balances_t *out, cf_folder_t const *f) {
  cf_chain_t *chain = calloc(1, sizeof *chain);
  if (!chain) abort();
  int code = replay(chain, f);
  if (!code) {
    cf_hash_t const head = cf_slot_plain(CF_SLOT_HEAD), key = cf_slot_plain(CF_SLOT_COUNTERS);
    cf_hash_t const counters = cf_ledger_state_get(chain->state, &key);
    *out = (cf_balances_t){.block = chain->head.number,
                           .time_s = chain->head.time_s,
                           .hash = chain->hash,
                           .head = cf_ledger_state_get(chain->state, &head),
                           .accounts = accounts_of(&counters),
                           .assets = (uint32_t)f->domain->genesis.assets_cnt};
    slots_t s = slots_of(out->accounts, out->assets);
    for (size_t i = 0; i < s.cnt; i++) s.values[i] = cf_ledger_state_get(chain->state, &s.keys[i]);
    unpack(out, &s);
    free(s.keys);
    free(s.values);
  }
  cf_chain_fini(chain);
  free(chain);
  return code;
}

int cf_balances(cf_balances_t *out, char const *what, cf_folder_t const *f) {
  cf_evm_ledger_t l;
  if (!f->evm.nodes) return embedded(out, f);
  int code = cf_evm_ledger_open(&l, what, f);
  if (!code) code = cf_balances_evm(out, &l, (uint32_t)f->domain->genesis.assets_cnt);
  cf_nodes_close(&l.nodes);
  return code;
}

void cf_balances_fini(cf_balances_t *b) {
  free(b->account);
  free(b->lane);
}
