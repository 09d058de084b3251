#include "cli/cf_chain_evm.h"

#include <stdlib.h>
#include <string.h>

#include "base/cf_text.h"
#include "cli/cf_key_file.h"
#include "cli/cf_remote.h"
#include "cli/cf_wei.h"
#include "cli/cf_web.h"
#include "codec/cf_abi.h"

enum { DECIMALS_MAX = 77, TRIES = 8 };

/* ERC-20; EIP-20 */
#define TOKEN_DECIMALS  0x313ce567u
#define TOKEN_ALLOWANCE 0xdd62ed3eu
#define TOKEN_APPROVE   0x095ea7b3u

static cf_addr_t const ether = {CF_EVM_ETHER};

/* ---- which ledger ---- */

/* Genesis and the log's entry 1: the gateway's, or those of a bundle that was kept. */
static int read_entries(cf_span_t *genesis, cf_span_t *deployment, cf_chain_client_t *c, cf_args_t const *a) {
  cf_remote_t r = {0};
  if (c->gateway) {
    int code = cf_web_get(genesis, c->what, c->gateway, "/genesis");
    return code ? code : cf_remote_entry(deployment, c->what, c->gateway, 1);
  }
  int code = cf_remote_load(&r, cf_arg(a, "bundle"));
  if (code) return code;
  *genesis = r.bundle->genesis;
  *deployment = r.bundle->deployment.entry;
  return 0;
}

static int open_domain(cf_chain_client_t *c, cf_args_t const *a) {
  cf_domain_t *d;
  cf_span_t    genesis, deployment;
  cf_hash_t    expected;
  bool         given = false;
  cf_error_t   err = {0};
  int          code = a ? cf_arg_hash(&expected, &given, a, "domain") : 0;
  if (!code) code = read_entries(&genesis, &deployment, c, a);
  if (code) return code;
  d = calloc(1, sizeof *d);
  if (!d) abort();
  if (cf_domain_open(d, genesis, given ? &expected : NULL, &err) || cf_domain_deployment(&d->ledger.code_hash, d, deployment, &err))
    return cf_fail_error(c->what, &err);
  if (cf_ledger_kind(&d->ledger) != CF_LEDGER_EVM) return cf_web_malformed(c->what, c->gateway ? c->gateway : cf_arg(a, "bundle"), "/genesis");
  c->genesis = d->block0;
  c->names = &d->genesis;
  c->l.id = d->ledger;
  return 0;
}

int cf_chain_evm_open(cf_chain_client_t *c, cf_args_t const *a) {
  cf_folder_evm_t evm = {.quorum = 1};
  for (; a && cf_arg_at(a, "rpc", evm.nodes) && evm.nodes < CF_EVM_NODES_MAX; evm.nodes++) evm.node[evm.nodes] = cf_arg_at(a, "rpc", evm.nodes);
  if (!evm.nodes && !*c->url) return cf_fail_usage(a ? a->command : NULL, "the gateway keeps its nodes to itself: name one of the chain", "--rpc");
  if (!evm.nodes) evm.node[evm.nodes++] = c->url;
  evm.quorum = (unsigned)evm.nodes / 2 + 1;
  int code = open_domain(c, a);
  return code ? code : cf_nodes_open(&c->l.nodes, c->what, &evm, c->l.id.chain_id);
}

/* ---- reading ---- */

/* The newest block may give way to another while it is asked about, and some nodes then mix the two: it is asked again, a few times. */
int cf_chain_evm_slots(cf_hash_t *values, cf_chain_client_t *c, cf_hash_t const *keys, size_t n) {
  cf_evm_at_t const latest = {.tag = CF_EVM_LATEST};
  int               code = 1;
  for (unsigned tries = 1; code && tries <= TRIES; tries++) {
    c->l.nodes.quiet = tries < TRIES;
    code = cf_nodes_block(&c->l.block, &c->l.nodes, &latest);
    if (!code) code = cf_evm_ledger_slots(values, &c->l, keys, n);
  }
  c->l.nodes.quiet = false;
  return code;
}

/* A token's answer of one word. */
static int ask_token(cf_hash_t *out, cf_chain_client_t *c, cf_addr_t const *token, cf_span_t data) {
  cf_evm_run_t const  run = {.from = c->payer.addr, .to = token, .data = data};
  cf_jsonrpc_answer_t a;
  cf_evm_ask_call(cf_nodes_question(&c->l.nodes), CF_NODES_ID, &run, &(cf_evm_at_t){.tag = CF_EVM_LATEST});
  int code = cf_nodes_said(&a, &c->l.nodes);
  if (code) return code;
  return a.result.type != CF_JSON_BAD && !cf_data_fixed(out->b, 32, a.result)
             ? 0
             : cf_fail(CF_EXIT_FAILS, c->what, "token", cf_fmt("0x%s", cf_hex(CF_SPAN_OF(token->b))), "found", "it does not answer as one", NULL);
}

int cf_chain_evm_token(cf_addr_t *token, unsigned *decimals, cf_chain_client_t *c, uint32_t asset) {
  uint8_t   data[4];
  cf_wr_t   wr = cf_wr_init(data, sizeof data);
  cf_hash_t key = cf_slot_asset(asset), value;
  int       code = cf_chain_evm_slots(&value, c, &key, 1);
  if (code) return code;
  cf_ledger_asset_t const is = cf_ledger_asset_unpack(&value);
  uint64_t                all = 18;
  *token = is.token;
  cf_wr_u32(&wr, TOKEN_DECIMALS);
  if (!cf_addr_eq(token, &ether)) {
    code = ask_token(&value, c, token, cf_wr_out(&wr));
    all = cf_word_get(&value, 0, 64);
  }
  if (code) return code;
  *decimals = (unsigned)(all - is.scale);
  return all >= is.scale && all - is.scale <= DECIMALS_MAX
             ? 0
             : cf_fail(CF_EXIT_FAILS, c->what, "token", cf_fmt("0x%s", cf_hex(CF_SPAN_OF(token->b))), "found",
                       cf_fmt("it has fewer decimals than the asset's %u, or too many", is.scale), NULL);
}

/* ---- calling ---- */

/* On an embedded ledger nobody pays: who says otherwise means another one. */
static int none_of(cf_args_t const *a) {
  static char const *const names[] = {"rpc", "key", "password-file", "signer", "from", "fee-max"};
  for (size_t i = 0; i < CF_COUNT_OF(names); i++)
    if (cf_arg(a, names[i])) return cf_fail_usage(a->command, "this ledger is embedded: no transactions, and no nodes", cf_fmt("--%s", names[i]));
  return 0;
}

int cf_chain_payer(cf_chain_client_t *c, cf_args_t const *a, cf_wallet_t const *w) {
  char const *from = cf_arg(a, "from"), *signer = cf_arg(a, "signer");
  uint8_t    *scalar;
  cf_addr_t   addr;
  bool        test = c->names && c->names->class == 2;
  if (!c->evm) return none_of(a);
  c->payer = (cf_payer_t){.nodes = &c->l.nodes};
  int code = cf_arg_u64(&c->payer.fee_max_gwei, a, "fee-max", 1, 1000000);
  if (code) return code;
  if (w) c->payer.addr = w->addr, c->payer.scalar = w->scalar;
  if (cf_arg(a, "key")) {
    code = cf_key_file_open(&scalar, &addr, a, cf_arg(a, "key"), test);
    c->payer.addr = addr;
    c->payer.scalar = scalar;
    return code;
  }
  if (!signer) return w ? 0 : cf_fail_usage(a->command, "who pays? a wallet, --key or --signer", "--wallet");
  size_t skip = from && !strncmp(from, "0x", 2) ? 2 : 0;
  if (from && cf_hex_decode(c->payer.addr.b, 20, CF_SPAN(from + skip, strlen(from + skip)))) return cf_fail_usage(a->command, "an address has 40 hex digits", from);
  if (!from && !w) return cf_fail_usage(a->command, "which of the signer's accounts?", "--from");
  c->payer.scalar = NULL;
  c->payer.signer = &c->signer;
  return cf_nodes_open(&c->signer, c->what, &(cf_folder_evm_t){.nodes = 1, .node = {signer}, .quorum = 1}, c->l.id.chain_id);
}

static int send_to(uint64_t *block, cf_chain_client_t *c, cf_addr_t const *to, cf_hash_t const *value, cf_span_t data) {
  cf_evm_receipt_t r;
  int              code = cf_payer_send(&r, &c->payer, (cf_evm_tx_t){.to = *to, .value = *value, .data = data});
  *block = r.block_number;
  return code;
}

static int send_op(uint64_t *block, cf_chain_client_t *c, cf_op_t const *op, cf_hash_t const *value) {
  cf_wr_t wr = cf_room(4096);
  cf_evm_call_write(&wr, op);
  if (wr.bad) abort(); /* none of a client's is as long */
  return send_to(block, c, &c->l.id.contract, value, cf_wr_out(&wr));
}

int cf_chain_evm_call(uint64_t *block, cf_chain_client_t *c, cf_op_t const *op) { return send_op(block, c, op, &(cf_hash_t){{0}}); }

static int approve(cf_chain_client_t *c, cf_addr_t const *token, cf_hash_t const *amount) {
  cf_wr_t  wr = cf_room(128);
  uint64_t block;
  cf_wr_u32(&wr, TOKEN_APPROVE);
  cf_abi_w_addr(&wr, &c->l.id.contract);
  cf_wr_hash(&wr, amount);
  return send_to(&block, c, token, &(cf_hash_t){{0}}, cf_wr_out(&wr));
}

/* What was allowed before and is enough is used; else exactly this is, by way of 0, because some tokens want it so. */
static int allow(cf_chain_client_t *c, cf_addr_t const *token, cf_hash_t const *amount) {
  cf_wr_t   wr = cf_room(128);
  cf_hash_t has, none = {{0}}, rest;
  cf_wr_u32(&wr, TOKEN_ALLOWANCE);
  cf_abi_w_addr(&wr, &c->payer.addr);
  cf_abi_w_addr(&wr, &c->l.id.contract);
  int code = ask_token(&has, c, token, cf_wr_out(&wr));
  if (code || cf_wei_sub(&rest, &has, amount)) return code;
  if (!cf_word_is_zero(&has)) code = approve(c, token, &none);
  return code ? code : approve(c, token, amount);
}

int cf_chain_evm_deposit(uint64_t *block, cf_chain_client_t *c, uint32_t id, uint32_t asset, uint64_t units) {
  cf_addr_t     token;
  unsigned      decimals;
  cf_hash_t     amount, none = {{0}};
  cf_op_t const op = {.kind = CF_OP_DEPOSIT, .id = id, .asset = asset, .units = units};
  int           code = cf_chain_evm_token(&token, &decimals, c, asset);
  if (code) return code;
  if (!cf_wei_units(&amount, units, decimals)) return cf_fail(CF_EXIT_FAILS, c->what, "bound", "amount", "found", "more than a token can count", NULL);
  if (cf_addr_eq(&token, &ether)) return send_op(block, c, &op, &amount);
  code = allow(c, &token, &amount);
  return code ? code : send_op(block, c, &op, &none);
}
