/* The demo on a chain: a node of its own, a token for each asset, and transactions by the thousand: signed here, nonces in order, sent
   in batches, waited for together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cf_secret.h"
#include "base/cf_text.h"
#include "cli/cf_demo.h"
#include "cli/cf_deploy.h"
#include "cli/cf_key_file.h"
#include "cli/cf_wei.h"
#include "cli/cf_web.h"
#include "codec/cf_abi.h"
#include "io/cf_net.h"

enum {
  BATCH_ROOM = 1 << 20,
  STEP_MS = 100,
  START_MS = 10000,
  MINED_MS = 120000,
  FINAL_MS = 1800000,
  CALL_GAS = 250000, /* of any call here; docs/evm.md */
  TOKEN_GAS = 2000000,
  SCALE = 9, /* a unit is 10^-9 of a token of 18 decimals */
};
#define TOKEN_APPROVE 0x095ea7b3u

static uint8_t const token_code[] = {
#include "cli/cf_demo_token.inc"
};

/* The first account that such a node makes for everybody. */
static char const node_key[] = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/* ---- the node ---- */

static int free_port(uint16_t *port) {
  int        fd;
  cf_error_t err = {0};
  if (cf_net_listen(&fd, "127.0.0.1", 0, &err)) return cf_fail_error("demo", &err);
  *port = cf_net_port(fd);
  close(fd);
  return 0;
}

/* A block a second, final two blocks later. */
static int start_node(cf_demo_t *d, char const *program, char const *dir) {
  uint16_t   port = 0;
  cf_error_t err = {0};
  char      *logs = cf_fmt("%s/logs", dir);
  int        code = free_port(&port);
  if (!code) code = cf_make_dir(logs);
  if (code) return code;
  char const *argv[] = {program,   "--host", "127.0.0.1",           "--port", cf_fmt("%u", port), "--slots-in-an-epoch", "1",
                        "--block-time", "1",      "--gas-limit", "300000000", "--silent",           NULL};
  char const *const   *kept = memcpy(calloc(1, sizeof argv), argv, sizeof argv);
  cf_proc_spec_t const spec = {.role = "node", .argv = kept};
  d->evm.procs = (cf_procs_t){.log_dir = logs};
  d->evm.rpc = cf_fmt("http://127.0.0.1:%u", port);
  d->evm.ours = true;
  if (cf_procs_start(&d->evm.procs, &spec, &err))
    return cf_fail(CF_EXIT_WORLD, "demo", "io", program, "found", err.text, "next",
                   "make demo LEDGER=evm  fetches a node; --rpc URL names one that runs", NULL);
  return 0;
}

/* It answers a little after it was started. */
static int wait_node(cf_demo_t const *d) {
  cf_rpc_t   *rpc;
  cf_error_t  err = {0};
  cf_span_t   body = CF_SPAN_LIT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\",\"params\":[]}");
  cf_status_t st = cf_rpc_open(&rpc, &d->evm.rpc, 1, NULL, &err);
  if (st) return cf_fail_error("demo", &err);
  for (unsigned t = 0; t < START_MS; t += STEP_MS) {
    cf_done_t *done = NULL;
    st = cf_rpc_ask(rpc, 0, body, &done, &err);
    cf_done_free(done);
    if (!st) break;
    cf_web_sleep(STEP_MS);
  }
  cf_rpc_close(rpc);
  return st ? cf_fail_error("demo", &err) : 0;
}

static int open_key(cf_demo_t *d, cf_args_t const *a) {
  cf_addr_t *addr = &d->evm.payer.addr;
  if (!d->evm.ours && !cf_arg(a, "deployer"))
    return cf_fail_usage(a->command, "whose account makes tokens and ledger on that chain?", "--deployer");
  if (cf_arg(a, "deployer")) return cf_key_file_open(&d->evm.scalar, addr, a, cf_arg(a, "deployer"), true);
  d->evm.scalar = cf_secret_new(32);
  if (!d->evm.scalar || cf_hex_decode(d->evm.scalar, 32, CF_SPAN_LIT(node_key)) || cf_k256_addr(addr, d->evm.scalar)) abort();
  return 0;
}

int cf_demo_evm_open(cf_demo_t *d, cf_args_t const *a, char const *dir) {
  cf_demo_evm_t *e = &d->evm;
  int            code = 0;
  e->rpc = cf_arg(a, "rpc");
  if (!e->rpc) code = start_node(d, cf_arg(a, "node") ? cf_arg(a, "node") : "anvil", dir);
  if (!code) code = wait_node(d);
  if (!code) code = open_key(d, a);
  if (!code) code = cf_nodes_open(&e->nodes, "demo", &(cf_folder_evm_t){.nodes = 1, .node = {e->rpc}, .quorum = 1}, 0);
  if (!code) code = cf_nodes_nonce(&e->nonce, &e->nodes, &e->payer.addr, CF_EVM_PENDING);
  e->payer = (cf_payer_t){.nodes = &e->nodes, .scalar = e->scalar, .addr = e->payer.addr};
  e->batch = cf_room(BATCH_ROOM);
  e->hash = calloc(CF_DEMO_PIPE, sizeof *e->hash);
  if (!e->hash) abort();
  return code;
}

void cf_demo_evm_close(cf_demo_t *d) {
  cf_secret_free(d->evm.scalar);
  if (d->evm.batch.buf) cf_nodes_close(&d->evm.nodes);
  (void)cf_procs_stop(&d->evm.procs);
}

/* ---- transactions ---- */

static int ask_batch(cf_jsonrpc_answer_t *answers, cf_done_t **done, cf_demo_t *d, size_t n) {
  cf_error_t err = {0};
  cf_jw_end(&d->evm.writer, ']');
  if (d->evm.batch.bad) abort(); /* it has room for the longest */
  cf_span_t body = cf_wr_out(&d->evm.batch);
  if (n == 1) body = CF_SPAN(body.ptr + 1, body.len - 2); /* one alone is no batch (cf_jsonrpc.h) */
  cf_status_t st = cf_rpc_ask(d->evm.nodes.rpc, 0, body, done, &err);
  if (!st) st = cf_jsonrpc_read(answers, n, 1, (*done)->body, &err);
  d->evm.batch.len = 0;
  return st ? cf_nodes_wrong(&d->evm.nodes, &err) : 0;
}

static cf_jw_t *batch_begin(cf_demo_t *d) {
  d->evm.batch.len = 0;
  d->evm.writer = cf_jw_init(&d->evm.batch);
  cf_jw_arr(&d->evm.writer, NULL);
  return &d->evm.writer;
}

static int flush(cf_demo_t *d) {
  cf_jsonrpc_answer_t a[CF_JSONRPC_BATCH_MAX];
  cf_done_t          *done = NULL;
  size_t              n = d->evm.batch_cnt;
  if (!n) return 0;
  int code = ask_batch(a, &done, d, n);
  for (size_t i = 0; !code && i < n; i++)
    if (a[i].result.type == CF_JSON_BAD) code = cf_payer_refused(&d->evm.nodes, &a[i], &d->evm.payer.addr);
  cf_done_free(done);
  d->evm.batch_cnt = 0;
  return code;
}

/* Receipts of a batch: *cnt of them are there, and none of those was reverted. */
static int receipts(cf_demo_t *d, size_t from, size_t n, size_t *cnt, uint64_t *block) {
  cf_jsonrpc_answer_t a[CF_JSONRPC_BATCH_MAX];
  cf_done_t          *done = NULL;
  cf_error_t          err = {0};
  cf_jw_t            *j = batch_begin(d);
  for (size_t i = 0; i < n; i++) cf_evm_ask_receipt(j, i + 1, &d->evm.hash[from + i]);
  int code = ask_batch(a, &done, d, n);
  *cnt = 0;
  for (size_t i = 0; !code && i < n; i++) {
    cf_evm_receipt_t r;
    if (cf_evm_read_receipt(&r, a[i].result, &d->evm.hash[from + i], &err)) code = cf_nodes_wrong(&d->evm.nodes, &err);
    else if (r.known && !r.ok)
      code = cf_fail(CF_EXIT_FAILS, "demo", "reverted", cf_fmt("0x%s", cf_hex(CF_SPAN_OF(d->evm.hash[from + i].b))), NULL);
    else if (r.known) {
      ++*cnt;
      if (r.block_number > *block) *block = r.block_number;
    }
  }
  cf_done_free(done);
  return code;
}

int cf_demo_evm_wait(cf_demo_t *d, uint64_t *block) {
  uint64_t newest = 0, began = cf_mono_ms();
  int      code = flush(d);
  for (size_t at = 0; !code && at < d->evm.hash_cnt;) {
    size_t n = d->evm.hash_cnt - at < CF_JSONRPC_BATCH_MAX ? d->evm.hash_cnt - at : CF_JSONRPC_BATCH_MAX, there;
    code = receipts(d, at, n, &there, &newest);
    if (there == n) {
      at += n;
      continue;
    }
    if (!code && cf_mono_ms() - began > MINED_MS)
      code = cf_fail(CF_EXIT_WORLD, "demo", "timeout", "transactions", "found", cf_fmt("%zu of %zu are in blocks", at + there, d->evm.hash_cnt), NULL);
    cf_web_sleep(STEP_MS);
  }
  d->evm.hash_cnt = 0;
  if (block && newest) *block = newest;
  return code;
}

int cf_demo_evm_final(cf_demo_t *d, uint64_t block) {
  for (unsigned t = 0; t < FINAL_MS; t += STEP_MS) {
    cf_evm_block_t final;
    int            code = cf_nodes_final(&final, &d->evm.nodes);
    if (code || final.header.number >= block) return code;
    cf_web_sleep(STEP_MS);
  }
  return cf_fail(CF_EXIT_WORLD, "demo", "timeout", cf_fmt("block %llu", (unsigned long long)block), "found", "it is not final", NULL);
}

static int add(cf_demo_t *d, cf_evm_tx_t tx, uint8_t const *scalar) {
  cf_demo_evm_t *e = &d->evm;
  cf_payer_t     payer = e->payer;
  uint8_t        room[8192];
  cf_wr_t        raw = cf_wr_init(room, sizeof room);
  int            code = e->hash_cnt == CF_DEMO_PIPE ? cf_demo_evm_wait(d, NULL) : 0;
  if (!code && !e->hash_cnt) code = cf_payer_price(&e->price, &e->payer); /* anew for each pipe */
  if (code) return code;
  tx.chain_id = e->price.chain_id;
  tx.fee_wei = e->price.fee_wei;
  tx.tip_wei = e->price.tip_wei;
  if (scalar) payer.scalar = scalar;
  else tx.nonce = e->nonce++;
  code = cf_payer_sign(&raw, &e->hash[e->hash_cnt], &payer, &tx);
  if (code) return code;
  e->hash_cnt++;
  if (!e->batch_cnt) (void)batch_begin(d);
  cf_evm_ask_send(&e->writer, ++e->batch_cnt, cf_wr_out(&raw));
  return e->batch_cnt == CF_JSONRPC_BATCH_MAX ? flush(d) : 0;
}

int cf_demo_evm_call(cf_demo_t *d, cf_op_t const *op, uint8_t const *scalar) {
  uint8_t room[1024];
  cf_wr_t wr = cf_wr_init(room, sizeof room);
  cf_evm_call_write(&wr, op);
  return add(d, (cf_evm_tx_t){.to = d->folder.domain->ledger.contract, .gas = CALL_GAS, .data = cf_wr_out(&wr)}, scalar);
}

int cf_demo_evm_pay(cf_demo_t *d, cf_addr_t const *to, uint64_t gwei) {
  cf_evm_tx_t tx = {.to = *to, .gas = CF_EVM_GAS_TRANSFER};
  if (!cf_wei_units(&tx.value, gwei, 9)) abort(); /* of 64 bits and nine digits */
  return add(d, tx, NULL);
}

/* ---- tokens and ledger ---- */

int cf_demo_evm_tokens(cf_demo_t *d, cf_init_t *in) {
  int code = 0;
  for (size_t i = 0; !code && i < in->assets_cnt; i++) {
    uint8_t room[sizeof token_code + 256];
    cf_wr_t wr = cf_wr_init(room, sizeof room);
    cf_wr_bytes(&wr, token_code, sizeof token_code);
    cf_abi_w_uint(&wr, 32);
    cf_abi_w_bytes(&wr, in->assets[i].symbol);
    d->evm.token[i] = cf_evm_created(&d->evm.payer.addr, d->evm.nonce);
    memcpy(in->assets[i].token, d->evm.token[i].b, 20);
    in->assets[i].scale = SCALE;
    code = add(d, (cf_evm_tx_t){.create = true, .gas = TOKEN_GAS, .data = cf_wr_out(&wr)}, NULL);
  }
  if (!code) code = cf_demo_evm_wait(d, NULL);
  in->evm = (cf_folder_evm_t){.nodes = 1, .node = {d->evm.rpc}, .quorum = 1, .fee_max_gwei = 1000, .budget_gwei = 1000000000000};
  return code ? code : cf_init_chain(in, &d->evm.payer.addr);
}

/* Its account allows the ledger all of its tokens: deposits are then one transaction each. */
static int allow(cf_demo_t *d) {
  cf_hash_t all;
  int       code = 0;
  memset(all.b, 0xff, sizeof all.b);
  for (size_t i = 0; !code && i < d->in.assets_cnt; i++) {
    uint8_t room[68];
    cf_wr_t wr = cf_wr_init(room, sizeof room);
    cf_wr_u32(&wr, TOKEN_APPROVE);
    cf_abi_w_addr(&wr, &d->folder.domain->ledger.contract);
    cf_wr_hash(&wr, &all);
    code = add(d, (cf_evm_tx_t){.to = d->evm.token[i], .gas = CALL_GAS, .data = cf_wr_out(&wr)}, NULL);
  }
  return code ? code : cf_demo_evm_wait(d, NULL);
}

int cf_demo_evm_ledger(cf_demo_t *d) {
  cf_deployer_t by = {.scalar = d->evm.scalar, .addr = d->evm.payer.addr, .quiet = true};
  cf_deployed_t is;
  if (!cf_wei_parse(&by.fund_wei, "10eth")) abort();
  int code = cf_deploy(&is, &d->folder, &by);
  if (!code) code = cf_nodes_nonce(&d->evm.nonce, &d->evm.nodes, &d->evm.payer.addr, CF_EVM_PENDING);
  if (!code) code = allow(d);
  if (!code)
    cf_demo_line(d, 0, "ledger", "0x%s… on chain %llu, final; %zu tokens", cf_fmt("%.8s", cf_hex(CF_SPAN_OF(d->folder.domain->ledger.contract.b))),
                 (unsigned long long)d->folder.domain->ledger.chain_id, d->in.assets_cnt);
  return code;
}
