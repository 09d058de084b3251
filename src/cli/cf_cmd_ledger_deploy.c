/* ledger deploy: the contract is put where genesis says that it stands, looked at, and named in the log's entry 1.

   Whatever ended it in the middle, it is run again: genesis names the address, the address follows from one nonce of the deployer,
   and a nonce is used once.  So there is nothing to remember but from_block, which is a lower bound. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cf_secret.h"
#include "cli/cf_commands.h"
#include "cli/cf_evm_ledger.h"
#include "cli/cf_init.h"
#include "cli/cf_key_file.h"
#include "cli/cf_payer.h"
#include "cli/cf_web.h"
#include "cli/cf_wei.h"

enum { STEP_MS = 250, NONCES_AHEAD = 256, PATIENCE_MS = 40000, FINAL_MS = 3600000, GAS = 10000000 /* more than it takes */ };
#define WHAT "ledger deploy"

typedef struct {
  cf_folder_t     f;
  cf_evm_ledger_t l;
  cf_payer_t      payer;
  uint64_t        nonce; /* whose contract genesis names */
  cf_span_t       creation;
  cf_hash_t       fund_wei;
  uint64_t        block; /* of the creation */
} deploy_t;

static int fund_arg(cf_hash_t *wei, cf_args_t const *a) {
  char const *text = cf_arg(a, "fund");
  if (!text || cf_wei_parse(wei, text)) return 0;
  return cf_fail_usage(a->command, "an amount like 0.5eth, 20gwei or 7wei", text);
}

/* ---- the creation ---- */

/* Which of the deployer's nonces made genesis' address: near the next one, or any that is used up. */
static int find_nonce(deploy_t *d, uint64_t next) {
  cf_addr_t at;
  for (uint64_t n = next + NONCES_AHEAD; n-- > 0;) {
    at = cf_evm_created(&d->payer.addr, n);
    if (cf_addr_eq(&at, &d->l.id.contract)) return d->nonce = n, 0;
  }
  return cf_fail(CF_EXIT_FAILS, WHAT, "policy", cf_fmt("0x%s", cf_hex(CF_SPAN_OF(d->payer.addr.b))), "found",
                 cf_fmt("not the account whose contract genesis names (0x%s)", cf_hex(CF_SPAN_OF(d->l.id.contract.b))), "next",
                 "the keystore that init was given", NULL);
}

static int nonce_at(uint64_t *nonce, deploy_t *d, cf_evm_at_t at) {
  cf_evm_ask_nonce(cf_nodes_question(&d->l.nodes), CF_NODES_ID, &d->payer.addr, &at);
  return cf_nodes_number(nonce, &d->l.nodes);
}

/* What is sent stays the same contract whatever its fees: a node that has it already, or finds these fees too low to replace it, is no
   failure.  Where one is under way already, nodes would judge another creation as the one after it: its gas is not asked for. */
static int send_creation(deploy_t *d, bool again) {
  cf_evm_tx_t         tx = {.nonce = d->nonce, .create = true, .data = d->creation, .gas = GAS};
  cf_jsonrpc_answer_t a;
  cf_hash_t           hash;
  cf_wr_t             raw = cf_room(CF_EVM_TX_MAX);
  int                 code = again ? 0 : cf_payer_gas(&tx, &d->payer);
  if (!code) code = cf_payer_price(&tx, &d->payer);
  if (!code) code = cf_payer_sign(&raw, &hash, &d->payer, &tx);
  if (code) return code;
  cf_note("%s: sent in transaction 0x%s, for at most %.6f ether", WHAT, cf_hex(CF_SPAN_OF(hash.b)),
          (double)tx.fee_wei * (double)tx.gas / 1e18);
  cf_evm_ask_send(cf_nodes_question(&d->l.nodes), CF_NODES_ID, cf_wr_out(&raw));
  code = cf_nodes_said(&a, &d->l.nodes);
  if (!code && a.result.type == CF_JSON_BAD && !again) code = cf_payer_refused(&d->l.nodes, &a, &d->payer.addr);
  free(raw.buf);
  return code;
}

static int wait_mined(bool *mined, deploy_t *d) {
  uint64_t next;
  int      code = 0;
  *mined = false;
  for (unsigned t = 0; !code && !*mined && t < PATIENCE_MS; t += STEP_MS) {
    if (t) cf_web_sleep(STEP_MS);
    code = nonce_at(&next, d, (cf_evm_at_t){.tag = CF_EVM_LATEST});
    *mined = !code && next > d->nonce;
  }
  return code;
}

/* Sent until it is in a block: a second time with what the chain asks for then. */
static int send_and_wait(deploy_t *d) {
  uint64_t pending;
  bool     mined = false;
  int      code = nonce_at(&pending, d, (cf_evm_at_t){.tag = CF_EVM_PENDING});
  if (!code && pending <= d->nonce) code = send_creation(d, false);
  else if (!code) cf_note("%s: one of its nonce is under way already", WHAT);
  for (unsigned tries = 0; !code && !mined && tries < 3; tries++) {
    if (tries) code = send_creation(d, true);
    if (!code) code = wait_mined(&mined, d);
  }
  if (code || mined) return code;
  return cf_fail(CF_EXIT_WORLD, WHAT, "timeout", "creation", "found", "sent, and in no block yet", "next",
                 "again: it offers what the chain asks for then", NULL);
}

/* No event of the contract is in a block that is final before it is sent. */
static int keep_from_block(deploy_t *d) {
  cf_evm_block_t final;
  if (d->f.evm.from_block) return 0;
  int code = cf_nodes_final(&final, &d->l.nodes);
  d->f.evm.from_block = final.header.number + 1;
  return code ? code : cf_folder_save(&d->f);
}

static int create(deploy_t *d) {
  uint64_t next;
  int      code = cf_nodes_nonce(&next, &d->l.nodes, &d->payer.addr, CF_EVM_LATEST);
  if (!code) code = find_nonce(d, next);
  if (code) return code;
  if (next > d->nonce) return 0; /* it was */
  if (next < d->nonce)
    return cf_fail(CF_EXIT_WORLD, WHAT, "nonce", cf_hex(CF_SPAN_OF(d->payer.addr.b)), "found",
                   cf_fmt("its next transaction is %llu, the contract is made by %llu", (unsigned long long)next,
                          (unsigned long long)d->nonce),
                   "next", "when the transactions before it are in blocks", NULL);
  code = keep_from_block(d);
  return code ? code : send_and_wait(d);
}

/* ---- what stands there ---- */

/* The first block behind which the nonce is used: between from_block and the newest, by halves. */
static int find_block(deploy_t *d) {
  uint64_t low = d->f.evm.from_block ? d->f.evm.from_block : 1, high, nonce;
  cf_evm_ask_block_number(cf_nodes_question(&d->l.nodes), CF_NODES_ID);
  int code = cf_nodes_number(&high, &d->l.nodes);
  while (!code && low < high) {
    uint64_t mid = low + (high - low) / 2;
    code = nonce_at(&nonce, d, (cf_evm_at_t){.tag = CF_EVM_NUMBER, .number = mid});
    if (!code && nonce > d->nonce) high = mid;
    else low = mid + 1;
  }
  d->block = low;
  return code;
}

static int wait_final(deploy_t *d) {
  uint64_t told = UINT64_MAX;
  for (unsigned t = 0; t < FINAL_MS; t += STEP_MS) {
    int code = cf_nodes_final(&d->l.block, &d->l.nodes);
    if (code || d->l.block.header.number >= d->block) return code;
    if (told != d->l.block.header.number)
      cf_note("%s: in block %llu; final is %llu", WHAT, (unsigned long long)d->block, (unsigned long long)d->l.block.header.number);
    told = d->l.block.header.number;
    cf_web_sleep(STEP_MS);
  }
  return cf_fail(CF_EXIT_WORLD, WHAT, "timeout", "finality", "next", "again, when the chain goes on", NULL);
}

/* The code that our creation makes, run in the state before it was: by a quorum of nodes. */
static int expected_code(cf_hash_t *out, deploy_t *d) {
  cf_nodes_t        *n = &d->l.nodes;
  cf_evm_run_t const run = {.from = d->payer.addr, .data = d->creation};
  cf_evm_quorum_t    q;
  uint8_t            blamed;
  int                code = 0;
  if (cf_evm_quorum_init(&q, (unsigned)n->evm.nodes, n->evm.quorum)) abort(); /* as the folder was read */
  for (n->at = 0; !code && n->at < n->evm.nodes; n->at++) {
    cf_jsonrpc_answer_t a;
    cf_wr_t             wr = cf_room(65536);
    cf_evm_ask_call(cf_nodes_question(n), CF_NODES_ID, &run, &(cf_evm_at_t){.tag = CF_EVM_NUMBER, .number = d->block - 1});
    code = cf_nodes_said(&a, n);
    if (!code && a.result.type == CF_JSON_BAD) code = cf_payer_refused(n, &a, &d->payer.addr);
    if (!code && cf_data_append(&wr, a.result)) code = cf_nodes_wrong(n, &(cf_error_t){.status = CF_ERR_FORMAT, .item = "code"});
    cf_hash_t hash = cf_keccak256(cf_wr_out(&wr));
    if (!code) cf_evm_quorum_add(&q, n->at, CF_OK, &hash);
    free(wr.buf);
  }
  n->at = 0;
  return code || cf_evm_quorum_verdict(&q, out, &blamed) == CF_EVM_AGREED
             ? code
             : cf_fail(CF_EXIT_FAILS, WHAT, "policy", "code", "found", "nodes run the creation differently", NULL);
}

/* Its head is what genesis makes of it, or what settlements have made of that: any value but none. */
static int check_code(deploy_t *d) {
  cf_hash_t const key = cf_slot_plain(CF_SLOT_HEAD);
  cf_hash_t       head;
  int             code = find_block(d);
  if (!code) code = wait_final(d);
  if (!code) code = find_block(d); /* where it stands now that it is final */
  if (!code) code = expected_code(&d->l.id.code_hash, d);
  if (!code) code = cf_evm_ledger_slots(&head, &d->l, &key, 1);
  if (code) return code;
  return cf_word_is_zero(&head) ? cf_fail(CF_EXIT_FAILS, WHAT, "policy", "contract", "found", "no ledger: its head is zero", NULL) : 0;
}

/* ---- the gateway's account ---- */

static int fund(deploy_t *d) {
  uint8_t         *scalar;
  cf_addr_t        sender;
  cf_hash_t        has;
  cf_json_t        v;
  cf_evm_receipt_t r;
  cf_evm_tx_t      tx = {.value = d->fund_wei};
  if (cf_word_is_zero(&d->fund_wei)) return 0;
  int code = cf_key_load(&scalar, &d->f, "sender", 0, 1);
  if (!code && cf_k256_addr(&sender, scalar)) code = cf_fail(CF_EXIT_FAILS, WHAT, "format", "sender", NULL);
  if (code) return code;
  cf_secret_free(scalar);
  cf_evm_ask_balance(cf_nodes_question(&d->l.nodes), CF_NODES_ID, &sender, &(cf_evm_at_t){.tag = CF_EVM_PENDING});
  code = cf_nodes_result(&v, &d->l.nodes);
  if (code) return code;
  if (cf_quantity_word(&has, v)) return cf_nodes_wrong(&d->l.nodes, &(cf_error_t){.status = CF_ERR_FORMAT, .item = "balance"});
  if (!cf_wei_sub(&tx.value, &tx.value, &has) || cf_word_is_zero(&tx.value)) return 0; /* it has that much */
  tx.to = sender;
  code = cf_payer_send(&r, &d->payer, tx);
  if (!code) cf_note("%s: the gateway's account 0x%s is funded, in block %llu", WHAT, cf_hex(CF_SPAN_OF(sender.b)), (unsigned long long)r.block_number);
  return code;
}

/* ---- the command ---- */

static int write_entry(deploy_t *d) {
  cf_init_keys_t *k;
  cf_wr_t         entry = cf_room(4096);
  int             code = cf_init_keys_governors(&k, &d->f);
  if (!code) code = cf_init_deployment(&entry, d->f.domain, k, &d->l.id.code_hash);
  cf_secret_free(k);
  d->f.evm.from_block = d->block;
  if (!code) code = cf_folder_save(&d->f);
  return code ? code : cf_save(cf_folder_path(&d->f, "deployment"), cf_wr_out(&entry), false); /* last: `up` waits for it */
}

static int say(deploy_t const *d, bool was) {
  char *contract = cf_fmt("0x%s", cf_hex(CF_SPAN_OF(d->l.id.contract.b))), *code_hash = cf_hex(CF_SPAN_OF(d->l.id.code_hash.b));
  if (!cf_json_mode()) {
    char *line = cf_fmt("%s  on chain %llu, code %s, from block %llu%s\n", contract, (unsigned long long)d->l.id.chain_id,
                        cf_hex_short(CF_SPAN_OF(d->l.id.code_hash.b)), (unsigned long long)d->f.evm.from_block, was ? ", as before" : "");
    return cf_emit(CF_SPAN(line, strlen(line)), NULL);
  }
  cf_wr_t wr = cf_room(1024);
  cf_jw_t j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_str(&j, "contract", contract);
  cf_jw_u64(&j, "chain_id", d->l.id.chain_id);
  cf_jw_str(&j, "code_hash", code_hash);
  cf_jw_u64(&j, "from_block", d->f.evm.from_block);
  cf_jw_bool(&j, "was", was);
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}

static int open_all(deploy_t *d, cf_args_t const *a) {
  uint8_t *scalar;
  cf_wr_t  creation = cf_room(CF_EVM_DEPLOY_MAX);
  int      code = fund_arg(&d->fund_wei, a);
  if (!code) code = cf_folder_open(&d->f, cf_dir(a));
  if (code) return code;
  if (!d->f.evm.nodes)
    return cf_fail(CF_EXIT_FAILS, WHAT, "policy", d->f.dir, "found", "its ledger is embedded: nothing to deploy", NULL);
  if (!cf_arg(a, "deployer")) return cf_fail_usage(a->command, "whose contract? the keystore that init was given", "--deployer");
  cf_evm_deploy_write(&creation, &d->f.domain->block0);
  if (creation.bad) abort(); /* of a genesis that was founded */
  d->creation = cf_wr_out(&creation);
  d->l.id = d->f.domain->ledger;
  d->payer = (cf_payer_t){.nodes = &d->l.nodes, .fee_max_gwei = d->f.evm.fee_max_gwei};
  code = cf_key_file_open(&scalar, &d->payer.addr, a, cf_arg(a, "deployer"), d->f.domain->genesis.class == 2);
  d->payer.scalar = scalar;
  return code ? code : cf_nodes_open(&d->l.nodes, WHAT, &d->f.evm, d->l.id.chain_id);
}

static int run(deploy_t *d, cf_args_t const *a) {
  cf_error_t err = {0};
  cf_span_t  entry;
  bool       was;
  int        code = open_all(d, a);
  if (code) return code;
  was = access(cf_folder_path(&d->f, "deployment"), F_OK) == 0;
  if (was) {
    code = cf_slurp(&entry, cf_folder_path(&d->f, "deployment"), CF_ENTRY_MAX);
    if (!code && cf_domain_deployment(&d->l.id.code_hash, d->f.domain, entry, &err)) code = cf_fail_error(WHAT, &err);
  } else {
    code = create(d);
    if (!code) code = check_code(d);
  }
  if (!code) code = fund(d);
  if (!code && !was) code = write_entry(d);
  return code ? code : say(d, was);
}

int cf_cmd_ledger_deploy(cf_args_t const *a) {
  static deploy_t d;
  int             code = run(&d, a);
  cf_secret_free((void *)(uintptr_t)d.payer.scalar);
  cf_nodes_close(&d.l.nodes);
  return code;
}
