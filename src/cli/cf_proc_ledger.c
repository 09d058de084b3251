/* The embedded ledger's process.  In class test it also signs deposits, because the treasury's key lies beside it
   (docs/protocol/services.md): such a request becomes a call like any other before the core sees it. */
#include <stdlib.h>

#include "cli/cf_commands.h"
#include "cli/cf_process.h"
#include "ledger/cf_ledgerd.h"

enum { INTERVAL_MS = 50, DEADLINE_S = 60 };

typedef struct {
  cf_ledgerd_t core;
  uint8_t     *treasury; /* NULL: none */
  cf_addr_t    treasury_addr;
} ledger_t;

/* The body of acts that stands for the deposit asked for; false when body is none. */
static bool deposit_call(ledger_t *l, cf_wr_t *acts, cf_event_t const *ev) {
  uint8_t   op_bytes[64], call_bytes[256];
  cf_wr_t   op_wr = cf_wr_init(op_bytes, sizeof op_bytes), call_wr = cf_wr_init(call_bytes, sizeof call_bytes);
  cf_rd_t   rd = cf_rd_span(ev->body);
  cf_op_t   op = {.kind = CF_OP_DEPOSIT, .id = cf_rd_u32(&rd), .asset = cf_rd_u24(&rd), .units = cf_rd_u64(&rd)};
  cf_hash_t nonce_key = cf_slot_nonce(&l->treasury_addr), nonce = cf_ledger_state_get(l->core.chain.state, &nonce_key);
  if (!cf_rd_done(&rd)) return false;
  cf_op_write(&op_wr, &op);
  cf_call_t call = {
      .nonce = cf_word_get(&nonce, 0, 64), .deadline_s = ev->now.wall_ms / 1000 + DEADLINE_S, .op = cf_wr_out(&op_wr)};
  if (cf_call_sign(&call, &l->core.chain.genesis.config.separator, l->treasury)) return false;
  cf_call_write(&call_wr, &call);
  cf_wr_u32(acts, (uint32_t)call_wr.len);
  cf_wr_span(acts, cf_wr_out(&call_wr));
  return true;
}

/* The core names its files as if it had a folder of its own: blocks are public, and what it remembers is not. */
static void place_files(cf_effects_t *fx) {
  for (size_t i = 0; i < fx->cnt; i++) {
    cf_effect_t *e = &fx->at[i];
    if (e->kind != CF_FX_PUT && e->kind != CF_FX_GET && e->kind != CF_FX_LIST) continue;
    e->name = cf_span_eq(e->name, CF_SPAN_LIT(CF_LEDGERD_NEWEST)) ? CF_SPAN_LIT(CF_LEDGER_MEMORY)
                                                                  : cf_fx_printf(fx, "public/%.*s", (int)e->name.len, e->name.ptr);
  }
}

static void step(void *core, cf_effects_t *fx, cf_event_t const *ev) {
  ledger_t *l = core;
  uint8_t   acts[300];
  cf_wr_t   wr = cf_wr_init(acts, sizeof acts);
  if (ev->kind == CF_EV_REQUEST && l->treasury && l->core.ready && cf_span_eq(ev->path, CF_SPAN_LIT("POST /ledger/deposit")) &&
      deposit_call(l, &wr, ev)) {
    cf_event_t as_acts = *ev;
    as_acts.path = CF_SPAN_LIT("POST /ledger/acts");
    as_acts.body = cf_wr_out(&wr);
    cf_ledgerd_step(&l->core, fx, &as_acts);
  } else cf_ledgerd_step(&l->core, fx, ev);
  place_files(fx);
}

static int wrong_key(char const *which) {
  return cf_fail(CF_EXIT_FAILS, "ledger", "auth", which, "found", "not the one that genesis names", NULL);
}

int cf_cmd_ledger_serve(cf_args_t const *a) {
  static char const *const memory[] = {CF_LEDGER_MEMORY, NULL}, *const paths[] = {"public/ledger/", "roles/ledger/", "new/", NULL};

  cf_folder_t      f;
  cf_host_config_t host;
  uint8_t         *block_key;
  ledger_t        *l = calloc(1, sizeof *l);
  int              code = cf_process_begin();
  if (!code) code = cf_folder_open(&f, cf_dir(a));
  if (!code) code = cf_key_load(&block_key, &f, "ledger", 0, 1);
  if (!code && f.domain->genesis.class == 2) code = cf_key_load(&l->treasury, &f, "treasury", 0, 1);
  if (code) return code;
  cf_addr_t block_addr;
  if (cf_k256_addr(&block_addr, block_key) || memcmp(block_addr.b, f.domain->genesis.ledger.contract, sizeof block_addr.b))
    return wrong_key("block key");
  if (l->treasury &&
      (cf_k256_addr(&l->treasury_addr, l->treasury) ||
       memcmp(l->treasury_addr.b, f.domain->genesis.treasury, sizeof l->treasury_addr.b)))
    return wrong_key("treasury key");
  cf_ledgerd_config_t const cfg = {.genesis = &f.domain->block0, .scalar = block_key, .interval_ms = INTERVAL_MS};
  cf_ledgerd_init(&l->core, &cfg);
  cf_process_host(&host, &f, "ledger", f.dir, cf_folder_port(&f, CF_ROLE_NAME_LEDGER, 0));
  host.public_prefix = "public/";
  host.lock = "ledger.lock";
  host.memory = memory;
  if ((code = cf_process_paths(&f, paths))) return code;
  code = cf_host_run(&host, step, l);
  cf_ledgerd_fini(&l->core);
  return code;
}
