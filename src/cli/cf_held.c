#include "cli/cf_held.h"

#include <stdlib.h>
#include <string.h>

#include "codec/cf_abi.h"
#include "ledger/cf_evm_quorum.h"

enum { SOLIDITY_MAX = 64, VYPER_MAX = 16, PLACES = SOLIDITY_MAX + VYPER_MAX + 2 };

/* ERC-20 */
#define TOKEN_DECIMALS   0x313ce567u
#define TOKEN_BALANCE_OF 0x70a08231u

/* ---- what nodes say ---- */

typedef struct {
  cf_addr_t const *token, *from;
  cf_span_t        data;
  uint64_t         block;
  unsigned         refused;
} question_t;

static void ask_one(cf_nodes_t *n, cf_evm_quorum_t *q, void *ctx) {
  question_t         *x = ctx;
  cf_evm_run_t const  run = {.from = *x->from, .to = x->token, .data = x->data};
  cf_jsonrpc_answer_t a;
  cf_hash_t           word;
  cf_evm_ask_call(cf_nodes_question(n), CF_NODES_ID, &run, &(cf_evm_at_t){.tag = CF_EVM_NUMBER, .number = x->block});
  if (cf_nodes_said(&a, n)) return;
  if (a.result.type != CF_JSON_BAD && !cf_data_fixed(word.b, sizeof word.b, a.result)) cf_evm_quorum_add(q, n->at, CF_OK, &word);
  else x->refused++;
}

/* *known is false where the token does not answer with a word. */
static int ask(cf_hash_t *word, bool *known, cf_evm_ledger_t *l, cf_addr_t const *token, uint32_t selector, bool of_ledger) {
  uint8_t         data[36];
  cf_wr_t         wr = cf_wr_init(data, sizeof data);
  cf_evm_quorum_t q;
  uint8_t         blamed;
  question_t      x = {.token = token, .from = &l->id.contract, .block = l->block.header.number};
  cf_wr_u32(&wr, selector);
  if (of_ledger) cf_abi_w_addr(&wr, &l->id.contract);
  x.data = cf_wr_out(&wr);
  cf_nodes_each(&l->nodes, &q, ask_one, &x);
  *known = cf_evm_quorum_verdict(&q, word, &blamed) == CF_EVM_AGREED;
  if (*known || x.refused >= q.k) return 0;
  return cf_fail(CF_EXIT_WORLD, l->nodes.what, "nodes", cf_fmt("0x%s", cf_hex(CF_SPAN_OF(token->b))), "found",
                 cf_fmt("fewer than %u of %u say the same of this token", q.k, q.n), NULL);
}

/* ---- what is proven ---- */

/* The answer about an account with these slots, and the account as it is proven. */
static int prove(cf_json_t *v, cf_evm_account_t *account, cf_evm_ledger_t *l, cf_addr_t const *addr, cf_hash_t const *keys, size_t n) {
  cf_wr_t    room = cf_room(CF_EVM_ACCOUNT_PROOF_MAX);
  cf_error_t err = {0};
  cf_evm_ask_proof(cf_nodes_question(&l->nodes), CF_NODES_ID, addr, keys, n,
                   &(cf_evm_at_t){.tag = CF_EVM_NUMBER, .number = l->block.header.number});
  int code = cf_nodes_result(v, &l->nodes);
  if (!code && cf_evm_read_account(account, &room, *v, addr, &l->block.header.state_root, &err)) code = cf_nodes_wrong(&l->nodes, &err);
  free(room.buf);
  return code;
}

static cf_hash_t pair(cf_hash_t const *x, cf_hash_t const *y) {
  uint8_t both[64];
  memcpy(both, x->b, 32);
  memcpy(both + 32, y->b, 32);
  return cf_keccak256(CF_SPAN_OF(both));
}

/* Where who's balance lies: mapping p of the first ones, in either order of hashing; ERC-7201's openzeppelin.storage.ERC20, whose first field it is;
   Solady's ERC20, by seed. */
static void places(cf_hash_t keys[PLACES], cf_addr_t const *who) {
  static cf_hash_t const erc7201 = {{0x52, 0xc6, 0x32, 0x47, 0xe1, 0xf4, 0x7d, 0xb1, 0x9d, 0x5c, 0xe0, 0x46, 0x00, 0x30, 0xc4, 0x97,
                                     0xf0, 0x67, 0xca, 0x4c, 0xeb, 0xf7, 0x1b, 0xa9, 0x8e, 0xea, 0xda, 0xbe, 0x20, 0xba, 0xce, 0x00}};
  uint8_t                solady[32] = {0};
  cf_hash_t              addr = {{0}};
  memcpy(addr.b + 12, who->b, 20);
  memcpy(solady, who->b, 20);
  memcpy(solady + 28, (uint8_t const[]){0x87, 0xa2, 0x11, 0xa2}, 4);
  for (unsigned p = 0; p < SOLIDITY_MAX; p++) {
    cf_hash_t const at = cf_word_u64(p);
    *keys++ = pair(&addr, &at);
    if (p < VYPER_MAX) *keys++ = pair(&at, &addr);
  }
  *keys++ = pair(&addr, &erc7201);
  *keys = cf_keccak256(CF_SPAN_OF(solady));
}

static int prove_token(cf_audit_held_t *row, cf_evm_ledger_t *l) {
  cf_hash_t        keys[PLACES], values[PLACES];
  cf_evm_account_t account;
  cf_json_t        v;
  cf_error_t       err = {0};
  places(keys, &l->id.contract);
  int code = prove(&v, &account, l, &row->token, keys, PLACES);
  if (code) return code;
  cf_ledger_identity_t const id = {.contract = row->token, .code_hash = account.code_hash};
  cf_wr_t                    proof = cf_room(CF_EVM_PROOF_ROOM);
  if (cf_evm_read_state(&proof, values, v, &id, &l->block.header.state_root, keys, PLACES, &err)) code = cf_nodes_wrong(&l->nodes, &err);
  for (size_t i = 0; !code && !cf_word_is_zero(&row->amount) && i < PLACES; i++) row->proven |= cf_hash_eq(&values[i], &row->amount);
  free(proof.buf);
  return code;
}

/* ---- the whole ---- */

int cf_held(cf_audit_held_t *row, cf_evm_ledger_t *l) {
  static cf_addr_t const ether = {CF_EVM_ETHER};
  cf_hash_t              decimals;
  cf_hash_t const        any = cf_slot_plain(CF_SLOT_HEAD);
  cf_evm_account_t       account;
  cf_json_t              v;
  *row = (cf_audit_held_t){.token = row->token};
  if (cf_addr_eq(&row->token, &ether)) {
    int code = prove(&v, &account, l, &l->id.contract, &any, 1);
    if (!code) *row = (cf_audit_held_t){row->token, true, true, 18, account.balance_wei};
    return code;
  }
  int code = ask(&decimals, &row->known, l, &row->token, TOKEN_DECIMALS, false);
  if (code || !row->known) return code;
  row->decimals = cf_word_get(&decimals, 0, 64);
  code = ask(&row->amount, &row->known, l, &row->token, TOKEN_BALANCE_OF, true);
  return code || !row->known ? code : prove_token(row, l);
}
