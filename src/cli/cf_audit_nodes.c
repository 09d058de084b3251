#include "cli/cf_audit_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cf_held.h"
#include "ledger/cf_evm_call.h"

enum { PROOF_MAX = 64 << 10, SPAN_MAX = 50000 }; /* blocks whose events are asked for at once; halved for a node that takes fewer */

static cf_read_t failed(cf_audit_nodes_t *n, int code) {
  n->code = code;
  return CF_READ_FAILED;
}

static cf_read_t wrong(cf_audit_nodes_t *n, cf_error_t const *err) { return failed(n, cf_nodes_wrong(&n->l.nodes, err)); }

/* ---- the contract in the final block ---- */

static cf_read_t read_contract(cf_audit_nodes_t *n, cf_audit_chain_facts_t *out) {
  static uint8_t         proof[PROOF_MAX];
  cf_hash_t const        slots[2] = {cf_slot_plain(CF_SLOT_HEAD), cf_slot_plain(CF_SLOT_INBOX)}, no_code = cf_keccak256(CF_SPAN(NULL, 0));
  cf_evm_header_t const *h = &n->l.block.header;
  cf_evm_account_t       account;
  cf_wr_t                room = cf_wr_init(proof, sizeof proof), wr = room;
  cf_error_t             err = {0};
  cf_json_t              v;
  cf_hash_t              values[2];
  cf_evm_ask_proof(cf_nodes_question(&n->l.nodes), CF_NODES_ID, &n->l.id.contract, slots, 2, &(cf_evm_at_t){.tag = CF_EVM_NUMBER, .number = h->number});
  int code = cf_nodes_result(&v, &n->l.nodes);
  if (code) return failed(n, code);
  if (cf_evm_read_account(&account, &room, v, &n->l.id.contract, &h->state_root, &err)) return wrong(n, &err);
  if (!account.exists || cf_hash_eq(&account.code_hash, &no_code)) return CF_READ_ABSENT;
  out->code_hash = n->l.id.code_hash = account.code_hash;
  if (cf_evm_read_state(&wr, values, v, &n->l.id, &h->state_root, slots, 2, &err)) return wrong(n, &err);
  out->head = values[0];
  out->inbox = values[1];
  return CF_READ_OK;
}

/* ---- events ---- */

static void *grown(void *rows, size_t cnt, size_t *max, size_t size) {
  if (cnt < *max) return rows;
  *max = *max ? 2 * *max : 64;
  rows = realloc(rows, *max * size);
  if (!rows) abort();
  return rows;
}

static void take_event(cf_audit_nodes_t *n, cf_evm_event_t const *ev, cf_evm_place_t const *place) {
  if (ev->kind == CF_EVM_SETTLED) {
    n->settled = grown(n->settled, n->settled_cnt, &n->settled_max, sizeof *n->settled);
    n->settled[n->settled_cnt++] = (cf_audit_settled_t){place->block_number, ev->head, ev->settlement};
    return;
  }
  if (ev->kind == CF_EVM_INBOX) {
    cf_rd_t rd = cf_rd_span(ev->message);
    n->messages = grown(n->messages, n->messages_cnt, &n->messages_max, sizeof *n->messages);
    n->messages[n->messages_cnt++] = (cf_audit_message_t){place->block_number, place->index, cf_inbox_msg_read(&rd)};
    return;
  }
  size_t max = n->registered_max;
  n->registered = grown(n->registered, n->registered_cnt, &n->registered_max, sizeof *n->registered);
  n->calls = grown(n->calls, n->registered_cnt, &max, sizeof *n->calls);
  n->calls[n->registered_cnt] = place->tx;
  n->registered[n->registered_cnt++] =
      (cf_audit_registered_t){.block = place->block_number, .index = place->index, .key = ev->key, .not_before_s = ev->not_before_s};
}

static cf_read_t read_logs(cf_audit_nodes_t *n, cf_json_t logs, cf_addr_t const *contract, cf_evm_event_kind_t kind, uint64_t from,
                           uint64_t till) {
  cf_error_t     err = {0};
  cf_evm_log_t   log;
  cf_evm_place_t place, last = {0};
  size_t         pos = 0;
  bool           more = true, any = false;
  if (logs.type != CF_JSON_ARRAY) cf_error_set(&err, CF_ERR_FORMAT, "logs", 0, "not an array");
  while (!err.status) {
    uint8_t        data[256];
    cf_wr_t        wr = cf_wr_init(data, sizeof data);
    cf_evm_event_t ev;
    if (cf_evm_log_next(&more, &log, &place, &wr, logs, &pos, &err) || !more) break;
    bool rises = !any || place.block_number > last.block_number || (place.block_number == last.block_number && place.index > last.index);
    if (place.block_number < from || place.block_number > till || !rises)
      cf_error_set(&err, CF_ERR_AUTH, "logs", 0, "a log of another block, or out of order");
    else if (cf_evm_event_decode(&ev, &log, contract) || ev.kind != kind)
      cf_error_set(&err, CF_ERR_AUTH, "logs", 0, "a log that is no such event of the contract");
    else take_event(n, &ev, &place);
    last = place;
    any = true;
  }
  return err.status ? wrong(n, &err) : CF_READ_OK;
}

static cf_read_t read_events(cf_audit_nodes_t *n, cf_addr_t const *contract, cf_evm_event_kind_t kind) {
  cf_hash_t const topic = cf_evm_event_topic(kind);
  uint64_t        from = n->l.nodes.evm.from_block, span = SPAN_MAX;
  cf_read_t       r = CF_READ_OK;
  while (r == CF_READ_OK && from <= n->l.block.header.number) {
    uint64_t            till = n->l.block.header.number - from < span ? n->l.block.header.number : from + span - 1;
    cf_jsonrpc_answer_t a;
    cf_evm_ask_logs(cf_nodes_question(&n->l.nodes), CF_NODES_ID, contract, &topic, from, till);
    int code = span > 1 ? cf_nodes_said(&a, &n->l.nodes) : cf_nodes_result(&a.result, &n->l.nodes);
    if (code) return failed(n, code);
    if (a.result.type == CF_JSON_BAD) { /* refused: mostly because of how much it would be */
      span /= 2;
      continue;
    }
    r = read_logs(n, a.result, contract, kind, from, till);
    from = till + 1;
  }
  return r;
}

/* What the event does not say stands in the call, if that was to the contract itself. */
static cf_read_t read_call(cf_audit_nodes_t *n, cf_audit_registered_t *g, cf_hash_t const *tx) {
  static uint8_t       data[CF_EVM_CALL_MAX];
  cf_wr_t              wr = cf_wr_init(data, sizeof data);
  cf_evm_transaction_t t;
  cf_error_t           err = {0};
  cf_json_t            v;
  cf_op_t              op;
  cf_evm_ask_transaction(cf_nodes_question(&n->l.nodes), CF_NODES_ID, tx);
  int code = cf_nodes_result(&v, &n->l.nodes);
  if (code) return failed(n, code);
  if (cf_evm_read_transaction(&t, v, tx, &err)) return wrong(n, &err);
  if (!t.known || cf_data_append(&wr, t.input) || cf_evm_call_decode(&op, cf_wr_out(&wr)) || op.kind != CF_OP_REGISTER ||
      !cf_addr_eq(&op.registration.key, &g->key))
    return CF_READ_OK;
  g->called = true;
  g->r = op.registration;
  g->sigs = op.sigs;
  return CF_READ_OK;
}

/* Whether the settlements told of lead to the proven head: if not, another node may know more.  What they are worth the audit judges. */
static bool leads(cf_audit_nodes_t const *n, cf_hash_t const *separator, cf_hash_t const *to) {
  cf_hash_t head = cf_settlement_head0(separator);
  for (size_t i = 0; i < n->settled_cnt; i++) {
    cf_settlement_t s = n->settled[i].settlement;
    s.prev_head = head;
    head = cf_settlement_digest(separator, &s);
  }
  return cf_hash_eq(&head, to);
}

static cf_read_t read_settled(cf_audit_nodes_t *n, cf_ledger_identity_t const *ledger, cf_hash_t const *head) {
  cf_read_t r = CF_READ_OK;
  for (unsigned i = 0; r == CF_READ_OK && i < n->l.nodes.evm.nodes; i++) {
    n->l.nodes.at = i;
    n->settled_cnt = 0;
    r = read_events(n, &ledger->contract, CF_EVM_SETTLED);
    if (leads(n, &ledger->separator, head)) break;
  }
  return r;
}

/* The same of messages. */
static bool folds(cf_audit_nodes_t const *n, cf_hash_t const *to) {
  cf_hash_t inbox = {{0}};
  for (size_t i = 0; i < n->messages_cnt; i++) {
    uint8_t buf[CF_INBOX_MSG_MAX];
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    cf_inbox_msg_write(&wr, &n->messages[i].said);
    inbox = cf_inbox_fold(&inbox, cf_wr_out(&wr));
  }
  return cf_hash_eq(&inbox, to);
}

static cf_read_t read_messages(cf_audit_nodes_t *n, cf_hash_t const *inbox) {
  cf_read_t r = CF_READ_OK;
  for (unsigned i = 0; r == CF_READ_OK && i < n->l.nodes.evm.nodes; i++) {
    n->l.nodes.at = i;
    n->messages_cnt = 0;
    r = read_events(n, &n->l.id.contract, CF_EVM_INBOX);
    if (folds(n, inbox)) break;
  }
  return r;
}

/* ---- the audit's questions ---- */

static cf_read_t facts(void *ctx, cf_audit_chain_facts_t *out, cf_ledger_identity_t const *ledger) {
  cf_audit_nodes_t *n = ctx;
  *out = (cf_audit_chain_facts_t){0};
  n->asked = true;
  n->settled_cnt = n->registered_cnt = n->messages_cnt = 0;
  n->l.id = *ledger;
  if (n->l.nodes.chain_id != ledger->chain_id)
    return failed(n, cf_fail(CF_EXIT_FAILS, "audit", "policy", "chain id", "found",
                             cf_fmt("the nodes are of chain %llu, the ledger is on %llu", (unsigned long long)n->l.nodes.chain_id,
                                    (unsigned long long)ledger->chain_id),
                             NULL));
  cf_evm_block_t *b = &n->l.block;
  int             code = cf_nodes_final(b, &n->l.nodes);
  if (code) return failed(n, code);
  out->final = (cf_audit_block_t){b->header.number, b->hash, b->header.time_s};
  cf_read_t r = read_contract(n, out);
  if (r == CF_READ_OK) r = read_settled(n, ledger, &out->head);
  if (r == CF_READ_OK) r = read_messages(n, &out->inbox);
  if (r == CF_READ_OK) r = read_events(n, &ledger->contract, CF_EVM_REGISTERED);
  for (size_t i = 0; r == CF_READ_OK && i < n->registered_cnt; i++) r = read_call(n, &n->registered[i], &n->calls[i]);
  out->settled = n->settled;
  out->settled_cnt = n->settled_cnt;
  out->registered = n->registered;
  out->registered_cnt = n->registered_cnt;
  out->messages = n->messages;
  out->messages_cnt = n->messages_cnt;
  return r;
}

static cf_read_t slots(void *ctx, cf_hash_t *values, cf_hash_t const *keys, size_t cnt) {
  cf_audit_nodes_t *n = ctx;
  int               code = cf_evm_ledger_slots(values, &n->l, keys, cnt);
  return code ? failed(n, code) : CF_READ_OK;
}

static cf_read_t held(void *ctx, cf_audit_held_t *row) {
  cf_audit_nodes_t *n = ctx;
  int               code = cf_held(row, &n->l);
  return code ? failed(n, code) : CF_READ_OK;
}

/* What one node says of a block: its hash, or zero where it has none. */
typedef struct {
  cf_status_t status; /* CF_ERR_IO: it did not say */
  cf_hash_t   hash;
  uint64_t    time_s;
} told_t;

static cf_status_t read_told(told_t *t, cf_jsonrpc_answer_t const *answer, uint64_t number, cf_error_t *err) {
  cf_evm_at_t const at = {.tag = CF_EVM_NUMBER, .number = number};
  cf_evm_block_t    b;
  if (answer->result.type == CF_JSON_BAD) return cf_error_set(err, CF_ERR_IO, "node", 0, "it refuses to tell");
  cf_status_t st = cf_evm_read_block(&b, answer->result, &at, err);
  if (!st) *t = (told_t){.hash = b.hash, .time_s = b.header.time_s};
  return st;
}

/* Asks the node at hand for blocks, in one batch; a node that takes fewer at once refuses it, and is asked by halves. */
static cf_read_t ask_one(cf_audit_nodes_t *n, told_t *told, cf_audit_named_t const *rows, size_t cnt) {
  cf_jsonrpc_answer_t answers[CF_AUDIT_BLOCKS_MAX];
  cf_error_t          err = {0};
  cf_done_t          *done = NULL;
  cf_jw_t            *j = cf_nodes_question(&n->l.nodes);
  if (cnt > 1) cf_jw_arr(j, NULL);
  for (size_t i = 0; i < cnt; i++)
    cf_evm_ask_block(j, CF_NODES_ID + i, &(cf_evm_at_t){.tag = CF_EVM_NUMBER, .number = rows[i].block.number});
  if (cnt > 1) cf_jw_end(j, ']');
  cf_status_t st = cf_rpc_ask(n->l.nodes.rpc, n->l.nodes.at, cf_wr_out(&n->l.nodes.question), &done, &err);
  bool        answered = !st;
  if (!st) st = cf_jsonrpc_read(answers, cnt, CF_NODES_ID, done->body, &err);
  for (size_t i = 0; i < cnt && !st; i++) st = read_told(&told[i], &answers[i], rows[i].block.number, &err);
  cf_done_free(done);
  if (st == CF_ERR_IO && answered && cnt > 1) {
    cf_read_t r = ask_one(n, told, rows, cnt / 2);
    return r == CF_READ_OK ? ask_one(n, told + cnt / 2, rows + cnt / 2, cnt - cnt / 2) : r;
  }
  for (size_t i = 0; i < cnt && st; i++) told[i].status = CF_ERR_IO;
  return st && st != CF_ERR_IO ? wrong(n, &err) : CF_READ_OK;
}

/* Whether a block is the chain's cannot be proven: a quorum of the nodes says so. */
static cf_read_t agree(cf_audit_nodes_t *n, cf_audit_named_t *row, told_t (*told)[CF_AUDIT_BLOCKS_MAX], size_t i) {
  static cf_hash_t const none;
  cf_evm_quorum_t        q;
  cf_hash_t              agreed;
  uint8_t                blamed;
  if (cf_evm_quorum_init(&q, (unsigned)n->l.nodes.evm.nodes, n->l.nodes.evm.quorum)) abort(); /* as it was opened */
  for (unsigned k = 0; k < q.n; k++) cf_evm_quorum_add(&q, k, told[k][i].status, &told[k][i].hash);
  if (cf_evm_quorum_verdict(&q, &agreed, &blamed) != CF_EVM_AGREED)
    return failed(n, cf_fail(CF_EXIT_WORLD, "audit", "nodes", cf_fmt("block %llu", (unsigned long long)row->block.number), "found",
                             "too few nodes say the same of it", NULL));
  row->there = !cf_hash_eq(&agreed, &none);
  row->block.hash = agreed;
  for (unsigned k = 0; k < q.n; k++)
    if (!told[k][i].status && cf_hash_eq(&told[k][i].hash, &agreed)) row->block.time_s = told[k][i].time_s;
  return CF_READ_OK;
}

static cf_read_t blocks(void *ctx, cf_audit_named_t *rows, size_t cnt) {
  static told_t     told[CF_EVM_NODES_MAX][CF_AUDIT_BLOCKS_MAX];
  cf_audit_nodes_t *n = ctx;
  cf_read_t         r = CF_READ_OK;
  for (n->l.nodes.at = 0; r == CF_READ_OK && n->l.nodes.at < n->l.nodes.evm.nodes; n->l.nodes.at++) r = ask_one(n, told[n->l.nodes.at], rows, cnt);
  n->l.nodes.at = 0;
  for (size_t i = 0; r == CF_READ_OK && i < cnt; i++) r = agree(n, &rows[i], told, i);
  return r;
}

int cf_audit_nodes_args(cf_folder_evm_t *evm, cf_args_t const *a) {
  char const *url;
  *evm = (cf_folder_evm_t){0};
  for (; (url = cf_arg_at(a, "ledger", evm->nodes)); evm->nodes++) {
    if (strncmp(url, "evm:", 4) || evm->nodes == CF_EVM_NODES_MAX) return cf_fail_usage(a->command, "1 to 8 nodes, each as evm:URL", url);
    evm->node[evm->nodes] = url + 4;
  }
  uint64_t quorum = evm->nodes / 2 + 1;
  int      code = cf_arg_u64(&quorum, a, "rpc-quorum", evm->nodes / 2 + 1, evm->nodes);
  if (!code) code = cf_arg_u64(&evm->confirmations, a, "confirmations", 1, 1000000);
  if (!code) code = cf_arg_u64(&evm->from_block, a, "from-block", 0, INT64_MAX);
  evm->quorum = (unsigned)quorum;
  return code;
}

int cf_audit_nodes_open(cf_audit_nodes_t *n, cf_folder_evm_t const *evm) {
  *n = (cf_audit_nodes_t){.chain = {facts, blocks, slots, held, n}};
  return cf_nodes_open(&n->l.nodes, "audit", evm, 0);
}

void cf_audit_nodes_close(cf_audit_nodes_t *n) {
  if (n->l.nodes.rpc) cf_nodes_close(&n->l.nodes);
  free(n->settled);
  free(n->registered);
  free(n->messages);
  free(n->calls);
}
