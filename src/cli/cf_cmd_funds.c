/* deposit, exit request, exit finalize: an owner and the ledger, without the enclave. */
#include <string.h>

#include "cli/cf_chain_client.h"
#include "cli/cf_commands.h"
#include "cli/cf_wallet_file.h"
#include "cli/cf_web.h"

enum { WAIT_MS = 30000, STEP_MS = 50 };

static int open_both(cf_chain_client_t *c, cf_wallet_file_t **w, cf_args_t const *a) {
  if (!cf_arg(a, "wallet")) return cf_fail_usage(a->command, "a party's folder is missing", "--wallet");
  int code = cf_wallet_file_open(w, cf_arg(a, "wallet"));
  if (!code) code = cf_chain_open(c, a->command->name, a->word[0], a);
  return code ? code : cf_chain_payer(c, a, &(*w)->key);
}

static int say(char const *verb, uint32_t id, uint64_t block) {
  if (!cf_json_mode()) {
    char *line = cf_fmt("account %u  %s in block %llu\n", id, verb, (unsigned long long)block);
    return cf_emit(CF_SPAN(line, strlen(line)), NULL);
  }
  cf_wr_t wr = cf_room(512);
  cf_jw_t j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_u64(&j, "account", id);
  cf_jw_str(&j, "done", verb);
  cf_jw_u64(&j, "block", block);
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}

/* The owner's account, opened when there is none. */
static int account_due(uint32_t *id, cf_chain_client_t *c, cf_addr_t const *owner) {
  uint64_t block;
  int      code = cf_chain_account(id, c, owner);
  if (code || *id) return code;
  cf_op_t const open = {.kind = CF_OP_OPEN, .addr = *owner};
  code = cf_chain_call_send(&block, c, NULL, &open);
  return code ? code : cf_chain_account(id, c, owner);
}

/* Nothing counts for the enclave before it was shown a final block that holds it. */
static int wait_shown(cf_chain_client_t const *c, uint64_t block) {
  for (unsigned t = 0; c->gateway && t < WAIT_MS; t += STEP_MS) {
    cf_json_t status;
    uint64_t  shown;
    int       code = cf_web_json(&status, c->what, c->gateway, "/v1/status");
    if (code) return code;
    if (cf_json_u64(&shown, cf_json_get(status, "block"))) return cf_web_malformed(c->what, c->gateway, "/v1/status");
    if (shown >= block) return 0;
    cf_web_sleep(STEP_MS);
  }
  if (c->gateway) cf_note("deposit: on the ledger in block %llu, and not yet shown to the enclave", (unsigned long long)block);
  return 0;
}

int cf_cmd_deposit(cf_args_t const *a) {
  static cf_chain_client_t c;
  cf_wallet_file_t        *w;
  uint32_t                 id, asset;
  uint64_t                 amount = 0, block;
  int                      code = open_both(&c, &w, a);
  if (!code) code = cf_chain_asset(&asset, &c, a);
  if (!code) code = cf_arg_u64(&amount, a, "amount", 1, INT64_MAX);
  if (!code && !amount) code = cf_fail_usage(a->command, "an amount is missing", "--amount");
  if (!code) code = account_due(&id, &c, &w->key.addr);
  if (!code) code = cf_chain_deposit(&block, &c, id, asset, amount);
  if (!code) code = wait_shown(&c, block);
  return code ? code : say("deposited", id, block);
}

static int own_account(uint32_t *id, cf_chain_client_t *c, cf_wallet_file_t const *w) {
  int code = cf_chain_account(id, c, &w->key.addr);
  return code || *id ? code
                     : cf_fail(CF_EXIT_FAILS, c->what, "account", cf_hex(CF_SPAN_OF(w->key.addr.b)), "found",
                               "owns none on this ledger", NULL);
}

int cf_cmd_exit_request(cf_args_t const *a) {
  static cf_chain_client_t c;
  cf_wallet_file_t        *w;
  uint32_t                 id;
  uint64_t                 block;
  int                      code = open_both(&c, &w, a);
  if (!code) code = own_account(&id, &c, w);
  if (code) return code;
  cf_op_t const op = {.kind = CF_OP_REQUEST_EXIT, .id = id};
  code = cf_chain_call_send(&block, &c, &w->key, &op);
  return code ? code : say("asked to leave", id, block);
}

int cf_cmd_exit_finalize(cf_args_t const *a) {
  static cf_chain_client_t c;
  cf_wallet_file_t        *w;
  uint32_t                 id, asset;
  uint64_t                 block;
  int                      code = open_both(&c, &w, a);
  if (!code) code = own_account(&id, &c, w);
  if (!code) code = cf_chain_asset(&asset, &c, a);
  if (code) return code;
  cf_op_t const op = {.kind = CF_OP_FINALIZE_EXIT, .id = id, .asset = asset};
  code = cf_chain_call_send(&block, &c, &w->key, &op);
  return code ? code : say("paid out", id, block);
}
