#include "cli/cf_deploy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cf_secret.h"
#include "cli/cf_init.h"
#include "cli/cf_payer.h"
#include "cli/cf_web.h"
#include "cli/cf_wei.h"

enum { STEP_MS = 250, NONCES_AHEAD = 256, PATIENCE_MS = 40000, TELL_MS = 15000, STILL_MS = 30000, GAS = 10000000 /* more than it takes */ };
#define WHAT "ledger deploy"

typedef struct {
  cf_folder_t    *f;
  cf_evm_ledger_t l;
  cf_payer_t      payer;
  uint64_t        nonce; /* whose contract genesis names */
  cf_span_t       creation;
  uint64_t        block; /* of the creation */
  uint64_t        wait_ms; /* until the creation is final */
  bool            quiet;
} deploy_t;

static void note(deploy_t const *d, char const *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note(deploy_t const *d, char const *fmt, ...) {
  char    text[256];
  va_list args;
  if (d->quiet) return;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  cf_note(WHAT ": %s", text);
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
  note(d, "sent in transaction 0x%s, for at most %.6f ether", cf_hex(CF_SPAN_OF(hash.b)),
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
  else if (!code) note(d, "one of its nonce is under way already");
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
  if (d->f->evm.from_block) return 0;
  int code = cf_nodes_final(&final, &d->l.nodes);
  d->f->evm.from_block = final.header.number + 1;
  return code ? code : cf_folder_save(d->f);
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

static int newest_block(uint64_t *number, deploy_t *d) {
  cf_evm_ask_block_number(cf_nodes_question(&d->l.nodes), CF_NODES_ID);
  return cf_nodes_number(number, &d->l.nodes);
}

/* The first block behind which the nonce is used: between from_block and the newest, by halves. */
static int find_block(deploy_t *d) {
  uint64_t low = d->f->evm.from_block ? d->f->evm.from_block : 1, high, nonce;
  int      code = newest_block(&high, d);
  while (!code && low < high) {
    uint64_t mid = low + (high - low) / 2;
    code = nonce_at(&nonce, d, (cf_evm_at_t){.tag = CF_EVM_NUMBER, .number = mid});
    if (!code && nonce > d->nonce) high = mid;
    else low = mid + 1;
  }
  d->block = low;
  return code;
}

/* On a fresh chain nothing is final yet; and one that makes blocks for transactions alone stands still as long as nobody sends any. */
static int not_final(deploy_t const *d, uint64_t final, uint64_t newest, bool still) {
  char const *next = still ? "this chain makes no blocks by itself: have it make some, or send something from another account; then again, nothing is sent twice"
                           : "again, when the chain went on: nothing is sent twice";
  return cf_fail(CF_EXIT_WORLD, WHAT, "timeout", "finality", "found",
                 cf_fmt("in block %llu of %llu; final is %llu, after %llu s", (unsigned long long)d->block, (unsigned long long)newest,
                        (unsigned long long)final, (unsigned long long)(d->wait_ms / 1000)),
                 "next", next, NULL);
}

static int wait_final(deploy_t *d) {
  uint64_t told = UINT64_MAX, newest = 0, seen = 0, began = cf_mono_ms(), told_at = 0, moved_at = began;
  for (;;) {
    int code = cf_nodes_final(&d->l.block, &d->l.nodes);
    if (code || d->l.block.header.number >= d->block) return code;
    code = newest_block(&seen, d);
    if (code) return code;
    uint64_t now = cf_mono_ms(), final = d->l.block.header.number;
    if (seen != newest) moved_at = now;
    newest = seen;
    bool still = now - moved_at >= (d->wait_ms < STILL_MS ? d->wait_ms : STILL_MS);
    if (told != final || now - told_at >= TELL_MS) {
      note(d, "in block %llu of %llu; final is %llu, %llu to go, for at most %llu s more%s", (unsigned long long)d->block, (unsigned long long)newest,
           (unsigned long long)final, (unsigned long long)(d->block - final),
           (unsigned long long)(now - began < d->wait_ms ? (d->wait_ms - (now - began)) / 1000 : 0), still ? "; no new block for a while" : "");
      told = final;
      told_at = now;
    }
    if (now - began >= d->wait_ms) return not_final(d, final, newest, still);
    cf_web_sleep(STEP_MS);
  }
}

/* The code that our creation makes, run in the state before it was. */
static void run_creation(cf_nodes_t *n, cf_evm_quorum_t *q, void *ctx) {
  deploy_t const     *d = ctx;
  cf_evm_run_t const  run = {.from = d->payer.addr, .data = d->creation};
  cf_jsonrpc_answer_t a;
  cf_wr_t             wr = cf_room(65536);
  cf_evm_ask_call(cf_nodes_question(n), CF_NODES_ID, &run, &(cf_evm_at_t){.tag = CF_EVM_NUMBER, .number = d->block - 1});
  if (!cf_nodes_said(&a, n) && a.result.type != CF_JSON_BAD && !cf_data_append(&wr, a.result)) {
    cf_hash_t hash = cf_keccak256(cf_wr_out(&wr));
    cf_evm_quorum_add(q, n->at, CF_OK, &hash);
  }
  free(wr.buf);
}

static int expected_code(cf_hash_t *out, deploy_t *d) {
  cf_evm_quorum_t q;
  uint8_t         blamed;
  cf_nodes_each(&d->l.nodes, &q, run_creation, d);
  if (cf_evm_quorum_verdict(&q, out, &blamed) == CF_EVM_AGREED) return 0;
  return cf_fail(CF_EXIT_WORLD, WHAT, "nodes", "code", "found",
                 cf_fmt("fewer than %u of %u run the creation in block %llu, and to the same", q.k, q.n, (unsigned long long)d->block - 1), "next",
                 "nodes that have the state of that block", NULL);
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

/* With what is on its way to it, where a node knows that; else an account could be funded twice in a row. */
static int balance(cf_json_t *v, deploy_t *d, cf_addr_t const *account) {
  cf_jsonrpc_answer_t a;
  cf_evm_ask_balance(cf_nodes_question(&d->l.nodes), CF_NODES_ID, account, &(cf_evm_at_t){.tag = CF_EVM_PENDING});
  int code = cf_nodes_said(&a, &d->l.nodes);
  *v = a.result;
  if (code || v->type != CF_JSON_BAD) return code;
  cf_evm_ask_balance(cf_nodes_question(&d->l.nodes), CF_NODES_ID, account, &(cf_evm_at_t){.tag = CF_EVM_LATEST});
  return cf_nodes_result(v, &d->l.nodes);
}

static int fund(cf_addr_t *sender, deploy_t *d, cf_hash_t const *wei) {
  uint8_t         *scalar;
  cf_hash_t        has;
  cf_json_t        v;
  cf_evm_receipt_t r;
  cf_evm_tx_t      tx = {0};
  int              code = cf_key_load(&scalar, d->f, "sender", 0, 1);
  if (!code && cf_k256_addr(sender, scalar)) code = cf_fail(CF_EXIT_FAILS, WHAT, "format", "sender", NULL);
  if (code) return code;
  cf_secret_free(scalar);
  code = balance(&v, d, sender);
  if (code) return code;
  if (cf_quantity_word(&has, v)) return cf_nodes_wrong(&d->l.nodes, &(cf_error_t){.status = CF_ERR_FORMAT, .item = "balance"});
  if (cf_word_is_zero(wei) && cf_word_is_zero(&has))
    note(d, "the gateway's account 0x%s has nothing to pay with; --fund AMOUNT", cf_hex(CF_SPAN_OF(sender->b)));
  if (!cf_wei_sub(&tx.value, wei, &has) || cf_word_is_zero(&tx.value)) return 0; /* it has that much */
  tx.to = *sender;
  code = cf_payer_send(&r, &d->payer, tx);
  if (!code) note(d, "the gateway's account 0x%s is funded, in block %llu", cf_hex(CF_SPAN_OF(sender->b)), (unsigned long long)r.block_number);
  return code;
}

/* ---- the whole ---- */

static int write_entry(deploy_t *d) {
  cf_init_keys_t *k;
  cf_wr_t         entry = cf_room(4096);
  int             code = cf_init_keys_governors(&k, d->f);
  if (!code) code = cf_init_deployment(&entry, d->f->domain, k, &d->l.id.code_hash);
  cf_secret_free(k);
  d->f->evm.from_block = d->block;
  if (!code) code = cf_folder_save(d->f);
  return code ? code : cf_save(cf_folder_path(d->f, "deployment"), cf_wr_out(&entry), false); /* last: `up` waits for it */
}

static int read_entry(deploy_t *d) {
  cf_span_t  entry;
  cf_error_t err = {0};
  int        code = cf_slurp(&entry, cf_folder_path(d->f, "deployment"), CF_ENTRY_MAX);
  if (code) return code;
  return cf_domain_deployment(&d->l.id.code_hash, d->f->domain, entry, &err) ? cf_fail_error(WHAT, &err) : 0;
}

static int make(deploy_t *d) {
  int code = create(d);
  return code ? code : check_code(d);
}

int cf_deploy(cf_deployed_t *out, cf_folder_t *f, cf_deployer_t const *by) {
  deploy_t d = {.f = f, .quiet = by->quiet, .wait_ms = 1000 * (by->wait_s ? by->wait_s : CF_DEPLOY_WAIT_S)};
  cf_wr_t  creation = cf_room(CF_EVM_DEPLOY_MAX);
  cf_evm_deploy_write(&creation, &f->domain->block0);
  if (creation.bad) abort(); /* of a genesis that was founded */
  d.creation = cf_wr_out(&creation);
  d.l.id = f->domain->ledger;
  d.payer = (cf_payer_t){.nodes = &d.l.nodes, .scalar = by->scalar, .addr = by->addr, .fee_max_gwei = f->evm.fee_max_gwei, .quiet = by->quiet};
  out->was = access(cf_folder_path(f, "deployment"), F_OK) == 0;
  int code = cf_nodes_open(&d.l.nodes, WHAT, &f->evm, d.l.id.chain_id);
  if (!code) code = out->was ? read_entry(&d) : make(&d);
  if (!code) code = fund(&out->sender, &d, &by->fund_wei);
  if (!code && !out->was) code = write_entry(&d);
  out->code_hash = d.l.id.code_hash;
  cf_nodes_close(&d.l.nodes);
  free(creation.buf);
  return code;
}
