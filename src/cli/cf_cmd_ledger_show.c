/* ledger show: every account's lanes, by replay of the block files alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cf_commands.h"
#include "cli/cf_replay.h"

int cf_replay(cf_chain_t *chain, cf_folder_t const *f) {
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

uint64_t cf_replay_lane(cf_chain_t const *chain, cf_hash_t base, uint32_t id) {
  cf_hash_t key = cf_slot_add(&base, id >> 2), value = cf_ledger_state_get(chain->state, &key);
  return cf_word_get(&value, cf_lane_bit(id), 64);
}

static void account_json(cf_jw_t *j, cf_chain_t const *chain, cf_genesis_t const *g, uint32_t id) {
  cf_hash_t           key = cf_slot_account(id), value = cf_ledger_state_get(chain->state, &key);
  cf_ledger_account_t account = cf_ledger_account_unpack(&value);
  cf_jw_obj(j, NULL);
  cf_jw_u64(j, "account", id);
  cf_jw_hex(j, "owner", CF_SPAN_OF(account.owner.b));
  cf_jw_u64(j, "exit_at", account.exit_at_s);
  cf_jw_bool(j, "closed", account.closed);
  cf_jw_obj(j, "assets");
  for (uint32_t i = 0; i < g->assets_cnt; i++) {
    uint64_t main_lane = cf_replay_lane(chain, cf_slot_lanes(i), id),
             free_lane = cf_replay_lane(chain, cf_slot_free_lanes(i), id);
    if (!main_lane && !free_lane) continue;
    cf_jw_obj(j, cf_fmt("%.*s", (int)g->assets[i].symbol.len, g->assets[i].symbol.ptr));
    cf_jw_dec(j, "lane", (int64_t)(main_lane & CF_LANE_MAX));
    cf_jw_dec(j, "free", (int64_t)(free_lane & CF_LANE_MAX));
    cf_jw_end(j, '}');
  }
  cf_jw_end(j, '}');
  cf_jw_end(j, '}');
}

static void print_text(cf_chain_t const *chain, cf_genesis_t const *g, uint32_t accounts) {
  printf("block     %llu  %s  %s\naccounts  %u\n", (unsigned long long)chain->head.number,
         cf_hex_short(CF_SPAN_OF(chain->hash.b)), cf_time(chain->head.time_s), accounts);
  for (uint32_t id = 1; id <= accounts; id++)
    for (uint32_t i = 0; i < g->assets_cnt; i++) {
      uint64_t m = cf_replay_lane(chain, cf_slot_lanes(i), id) & CF_LANE_MAX,
               fr = cf_replay_lane(chain, cf_slot_free_lanes(i), id) & CF_LANE_MAX;
      if (m || fr)
        printf("%8u  %-10.*s %20llu  free %llu\n", id, (int)g->assets[i].symbol.len, g->assets[i].symbol.ptr,
               (unsigned long long)m, (unsigned long long)fr);
    }
}

int cf_cmd_ledger_show(cf_args_t const *a) {
  static cf_chain_t chain;
  cf_folder_t       f;
  int               code = cf_folder_open(&f, cf_dir(a));
  if (!code) code = cf_replay(&chain, &f);
  if (code) return code;
  cf_genesis_t const *g = &f.domain->genesis;
  cf_hash_t           key = cf_slot_plain(CF_SLOT_COUNTERS), value = cf_ledger_state_get(chain.state, &key);
  uint32_t            accounts = cf_ledger_counters_unpack(&value).next_account - 1;
  if (!cf_json_mode()) return print_text(&chain, g, accounts), 0;
  cf_wr_t   wr = cf_room(4096 + (size_t)accounts * (256 + 80 * g->assets_cnt));
  cf_jw_t   j = cf_json_begin(&wr);
  cf_hash_t head_key = cf_slot_plain(CF_SLOT_HEAD), head = cf_ledger_state_get(chain.state, &head_key);
  cf_jw_obj(&j, NULL);
  cf_jw_u64(&j, "block", chain.head.number);
  cf_jw_hex(&j, "hash", CF_SPAN_OF(chain.hash.b));
  cf_jw_u64(&j, "time", chain.head.time_s);
  cf_jw_hex(&j, "head", CF_SPAN_OF(head.b));
  cf_jw_arr(&j, "accounts");
  for (uint32_t id = 1; id <= accounts; id++) account_json(&j, &chain, g, id);
  cf_jw_end(&j, ']');
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}
