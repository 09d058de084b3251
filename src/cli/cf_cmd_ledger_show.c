/* ledger show: every account's lanes. */
#include <stdio.h>
#include <string.h>

#include "cli/cf_balances.h"
#include "cli/cf_chain_client.h"
#include "cli/cf_commands.h"

static void account_json(cf_jw_t *j, cf_balances_t const *b, cf_genesis_t const *g, uint32_t id) {
  cf_ledger_account_t const *account = &b->account[id - 1];
  cf_jw_obj(j, NULL);
  cf_jw_u64(j, "account", id);
  cf_jw_hex(j, "owner", CF_SPAN_OF(account->owner.b));
  cf_jw_u64(j, "exit_at", account->exit_at_s);
  cf_jw_bool(j, "closed", account->closed);
  cf_jw_obj(j, "assets");
  for (uint32_t i = 0; i < b->assets; i++) {
    uint64_t const *lane = cf_balances_lanes(b, id, i);
    if (!lane[0] && !lane[1]) continue;
    cf_jw_obj(j, cf_fmt("%.*s", (int)g->assets[i].symbol.len, g->assets[i].symbol.ptr));
    cf_jw_dec(j, "lane", (int64_t)(lane[0] & CF_LANE_MAX));
    cf_jw_dec(j, "free", (int64_t)(lane[1] & CF_LANE_MAX));
    cf_jw_end(j, '}');
  }
  cf_jw_end(j, '}');
  cf_jw_end(j, '}');
}

static void print_text(cf_balances_t const *b, cf_genesis_t const *g) {
  printf("block     %llu  %s  %s\naccounts  %u\n", (unsigned long long)b->block, cf_hex_short(CF_SPAN_OF(b->hash.b)),
         cf_time(b->time_s), b->accounts);
  for (uint32_t id = 1; id <= b->accounts; id++)
    for (uint32_t i = 0; i < b->assets; i++) {
      uint64_t m = cf_balances_lanes(b, id, i)[0] & CF_LANE_MAX, fr = cf_balances_lanes(b, id, i)[1] & CF_LANE_MAX;
      if (m || fr)
        printf("%8u  %-10.*s %20llu  free %llu\n", id, (int)g->assets[i].symbol.len, g->assets[i].symbol.ptr,
               (unsigned long long)m, (unsigned long long)fr);
    }
}

static int of_folder(cf_balances_t *b, cf_genesis_t const **g, char const *dir) {
  cf_folder_t f;
  int         code = cf_folder_open(&f, dir);
  if (!code) code = cf_balances(b, "ledger show", &f);
  if (!code) *g = &f.domain->genesis;
  return code;
}

/* Behind a gateway: of a chain only, whose nodes can prove it. */
static int of_url(cf_balances_t *b, cf_genesis_t const **g, char const *url, cf_args_t const *a) {
  cf_chain_client_t c;
  int               code = cf_chain_open(&c, "ledger show", url, a);
  if (code) return code;
  if (!c.evm)
    return cf_fail(CF_EXIT_FAILS, "ledger show", "unsupported", url, "found", "an embedded ledger is replayed from its block files", "next",
                   "counterfoil audit URL  does that; ledger show DIR", NULL);
  code = cf_nodes_final(&c.l.block, &c.l.nodes);
  *g = c.names;
  return code ? code : cf_balances_evm(b, &c.l, (uint32_t)c.names->assets_cnt);
}

int cf_cmd_ledger_show(cf_args_t const *a) {
  cf_balances_t       b;
  cf_genesis_t const *g;
  char const         *where = cf_dir(a);
  int                 code = strstr(where, "://") ? of_url(&b, &g, where, a) : of_folder(&b, &g, where);
  if (code) return code;
  if (!cf_json_mode()) return print_text(&b, g), 0;
  cf_wr_t wr = cf_room(4096 + (size_t)b.accounts * (256 + 80 * g->assets_cnt));
  cf_jw_t j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_u64(&j, "block", b.block);
  cf_jw_hex(&j, "hash", CF_SPAN_OF(b.hash.b));
  cf_jw_u64(&j, "time", b.time_s);
  cf_jw_hex(&j, "head", CF_SPAN_OF(b.head.b));
  cf_jw_arr(&j, "accounts");
  for (uint32_t id = 1; id <= b.accounts; id++) account_json(&j, &b, g, id);
  cf_jw_end(&j, ']');
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}
