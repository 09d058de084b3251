#include "cli/cf_audit_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/cf_evm_call.h"

enum { PROOF_MAX = 64 << 10, SPAN_MAX = 50000 }; /* blocks whose events are asked for at once; halved for a node that takes fewer */

static cf_read_t failed(cf_audit_nodes_t *n, int code) {
  n->code = code;
  return CF_READ_FAILED;
}

static cf_read_t wrong(cf_audit_nodes_t *n, cf_error_t const *err) { return failed(n, cf_nodes_wrong(&n->nodes, err)); }

/* ---- the contract in the final block ---- */

static cf_read_t read_contract(cf_audit_nodes_t *n, cf_audit_chain_facts_t *out, cf_ledger_identity_t const *ledger, cf_evm_block_t const *b) {
  static uint8_t       proof[PROOF_MAX];
  cf_hash_t const      slot = cf_slot_plain(CF_SLOT_HEAD), no_code = cf_keccak256(CF_SPAN(NULL, 0));
  cf_ledger_identity_t is = *ledger;
  cf_evm_account_t     account;
  cf_wr_t              room = cf_wr_init(proof, sizeof proof), wr = room;
  cf_error_t           err = {0};
  cf_json_t            v;
  cf_evm_ask_proof(cf_nodes_question(&n->nodes), CF_NODES_ID, &ledger->contract, &slot, 1,
                   &(cf_evm_at_t){.tag = CF_EVM_NUMBER, .number = b->header.number});
  int code = cf_nodes_result(&v, &n->nodes);
  if (code) return failed(n, code);
  if (cf_evm_read_account(&account, &room, v, &ledger->contract, &b->header.state_root, &err)) return wrong(n, &err);
  if (!account.exists || cf_hash_eq(&account.code_hash, &no_code)) return CF_READ_ABSENT;
  out->code_hash = is.code_hash = account.code_hash;
  return cf_evm_read_state(&wr, &out->head, v, &is, &b->header.state_root, &slot, 1, &err) ? wrong(n, &err) : CF_READ_OK;
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
  size_t max = n->registered_max;
  n->registered = grown(n->registered, n->registered_cnt, &n->registered_max, sizeof *n->registered);
  n->calls = grown(n->calls, n->registered_cnt, &max, sizeof *n->calls);
  n->calls[n->registered_cnt] = place->tx;
  n->registered[n->registered_cnt++] =
      (cf_audit_registered_t){.block = place->block_number, .key = ev->key, .not_before_s = ev->not_before_s};
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
  uint64_t        from = n->nodes.evm.from_block, span = SPAN_MAX;
  cf_read_t       r = CF_READ_OK;
  while (r == CF_READ_OK && from <= n->final.number) {
    uint64_t            till = n->final.number - from < span ? n->final.number : from + span - 1;
    cf_jsonrpc_answer_t a;
    cf_evm_ask_logs(cf_nodes_question(&n->nodes), CF_NODES_ID, contract, &topic, from, till);
    int code = span > 1 ? cf_nodes_said(&a, &n->nodes) : cf_nodes_result(&a.result, &n->nodes);
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
  cf_evm_ask_transaction(cf_nodes_question(&n->nodes), CF_NODES_ID, tx);
  int code = cf_nodes_result(&v, &n->nodes);
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
  for (unsigned i = 0; r == CF_READ_OK && i < n->nodes.evm.nodes; i++) {
    n->nodes.at = i;
    n->settled_cnt = 0;
    r = read_events(n, &ledger->contract, CF_EVM_SETTLED);
    if (leads(n, &ledger->separator, head)) break;
  }
  return r;
}

/* ---- the audit's questions ---- */

static cf_read_t facts(void *ctx, cf_audit_chain_facts_t *out, cf_ledger_identity_t const *ledger) {
  cf_audit_nodes_t *n = ctx;
  cf_evm_block_t    b = {0};
  *out = (cf_audit_chain_facts_t){0};
  n->asked = true;
  n->settled_cnt = n->registered_cnt = 0;
  if (n->nodes.chain_id != ledger->chain_id)
    return failed(n, cf_fail(CF_EXIT_FAILS, "audit", "policy", "chain id", "found",
                             cf_fmt("the nodes are of chain %llu, the ledger is on %llu", (unsigned long long)n->nodes.chain_id,
                                    (unsigned long long)ledger->chain_id),
                             NULL));
  int code = cf_nodes_final(&b, &n->nodes);
  if (code) return failed(n, code);
  n->final = out->final = (cf_audit_block_t){b.header.number, b.hash, b.header.time_s};
  cf_read_t r = read_contract(n, out, ledger, &b);
  if (r == CF_READ_OK) r = read_settled(n, ledger, &out->head);
  if (r == CF_READ_OK) r = read_events(n, &ledger->contract, CF_EVM_REGISTERED);
  for (size_t i = 0; r == CF_READ_OK && i < n->registered_cnt; i++) r = read_call(n, &n->registered[i], &n->calls[i]);
  out->settled = n->settled;
  out->settled_cnt = n->settled_cnt;
  out->registered = n->registered;
  out->registered_cnt = n->registered_cnt;
  return r;
}

/* One node's block of that number; false: it failed. */
static bool one_block(cf_audit_nodes_t *n, cf_evm_block_t *b, uint64_t number) {
  cf_evm_at_t const at = {.tag = CF_EVM_NUMBER, .number = number};
  unsigned const    who = n->nodes.at;
  cf_error_t        err = {0};
  cf_json_t         v;
  cf_evm_ask_block(cf_nodes_question(&n->nodes), CF_NODES_ID, &at);
  int code = cf_nodes_result(&v, &n->nodes);
  if (code) return failed(n, code) == CF_READ_OK;
  if (cf_evm_read_block(b, v, &at, &err)) return wrong(n, &err) == CF_READ_OK;
  if (n->nodes.at != who) *b = (cf_evm_block_t){0}; /* another answered in its place: it has none to tell */
  return true;
}

/* Whether a block is the chain's cannot be proven: a quorum of the nodes says so. */
static cf_read_t block(void *ctx, cf_audit_block_t *out, uint64_t number) {
  cf_audit_nodes_t *n = ctx;
  cf_evm_block_t    said[CF_EVM_NODES_MAX];
  cf_evm_quorum_t   q;
  cf_hash_t         agreed;
  uint8_t           blamed;
  bool              any = false;
  if (cf_evm_quorum_init(&q, (unsigned)n->nodes.evm.nodes, n->nodes.evm.quorum)) abort(); /* as it was opened */
  for (unsigned i = 0; i < q.n; i++) {
    n->nodes.at = i;
    if (!one_block(n, &said[i], number)) return CF_READ_FAILED;
    if (said[i].known) cf_evm_quorum_add(&q, i, CF_OK, &said[i].hash);
    any |= said[i].known;
  }
  n->nodes.at = 0;
  if (!any) return CF_READ_ABSENT;
  if (cf_evm_quorum_verdict(&q, &agreed, &blamed) != CF_EVM_AGREED)
    return failed(n, cf_fail(CF_EXIT_WORLD, "audit", "nodes", cf_fmt("block %llu", (unsigned long long)number), "found",
                             "too few nodes say the same", NULL));
  for (unsigned i = 0; i < q.n; i++)
    if (q.at[i].answered && cf_hash_eq(&said[i].hash, &agreed)) *out = (cf_audit_block_t){number, agreed, said[i].header.time_s};
  return CF_READ_OK;
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
  *n = (cf_audit_nodes_t){.chain = {facts, block, n}};
  return cf_nodes_open(&n->nodes, "audit", evm, 0);
}

void cf_audit_nodes_close(cf_audit_nodes_t *n) {
  if (n->nodes.rpc) cf_nodes_close(&n->nodes);
  free(n->settled);
  free(n->registered);
  free(n->calls);
}
