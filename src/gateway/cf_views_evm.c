/* Views of a ledger on a chain: of the block that observers made final one node is asked for all that a view is made of, and all of it
   is checked: the header by the hash that observers signed, slots by their proof, inbox messages by their fold.  What is not so is
   the node's fault, and another node is asked.  docs/protocol/gateway.md "Views"; ledger/cf_evm_rpc.h. */
#include "gateway/cf_chainside.h"

#include <assert.h>
#include <stdlib.h>

enum {
  ID_LOGS = 1,
  ID_BLOCK,
  ID_SLOTS,
  ID_ACCOUNT,
  ID_SINCE,
  ID_SIGNERS, /* when there are any */
  QUESTION_MAX    = 16384,
  SIGNERS_PROOF_MAX = 128 * 1024,
  RANGE_MAX       = 5000, /* blocks whose logs nodes give at once */
  RANGE_MIN       = 16,
  RANGE_GROWS     = 8,    /* by an eighth: what was refused once is not asked for again at once */
  TRIES_PER_NODE  = 3,    /* then a newer block is sought: nodes forget old states */
};

/* ---- asking ---- */

static cf_addr_t
shown_key(cf_gateway_t const *g) {
  cf_addr_t key;
  memcpy(key.b, g->attest.epoch.settlement, sizeof key.b);
  return key;
}

static void
ask_state(cf_gateway_t *g, cf_jw_t *j) {
  cf_evm_state_t *s  = &g->evm->state;
  cf_evm_at_t     at = { .tag = CF_EVM_NUMBER, .number = g->views.proof.number };
  cf_hash_t       keys[CF_VIEW_PROVEN_MAX], more[CF_VIEW_BUCKETS_MAX];
  s->key_asked = shown_key(g);
  size_t n     = cf_view_keys(keys, &s->key_asked, more, cf_views_keys(g, more));
  cf_evm_ask_block(j, ID_BLOCK, &at);
  cf_evm_ask_proof(j, ID_SLOTS, &g->domain.ledger.contract, keys, n, &at);
  cf_evm_ask_proof(j, ID_ACCOUNT, &g->evm->sender.account, NULL, 0, &at);
  s->since_number = g->evm->sender.has_final ? g->evm->sender.final_number : at.number;
  cf_evm_ask_block(j, ID_SINCE, &(cf_evm_at_t){ .tag = CF_EVM_NUMBER, .number = s->since_number });
  cf_hash_t slots[CF_SIGNERS_MAX];
  s->signers_asked_cnt = cf_settler_evm_signers(g, s->signers_asked, &s->key_asked);
  for (size_t i = 0; i < s->signers_asked_cnt; i++) slots[i] = cf_slot_key(&s->signers_asked[i]);
  if (s->signers_asked_cnt) cf_evm_ask_proof(j, ID_SIGNERS, &g->domain.ledger.contract, slots, s->signers_asked_cnt, &at);
}

void
cf_views_evm_fetch(cf_gateway_t *g, cf_effects_t *fx) {
  cf_evm_state_t *s     = &g->evm->state;
  uint64_t        block = g->views.proof.number;
  cf_hash_t       topic = cf_evm_event_topic(CF_EVM_INBOX);
  cf_wr_t         wr    = cf_wr_init(cf_fx_room(fx, QUESTION_MAX), QUESTION_MAX);
  cf_jw_t         j     = cf_jw_init(&wr);
  s->node               = cf_chainside_ready(g, s->node);
  s->till               = block < s->read.next + s->range - 1 ? block : s->read.next + s->range - 1;
  s->whole              = s->till == block || s->read.next > block;
  s->logs               = s->read.next <= block;
  if (s->whole) cf_jw_arr(&j, NULL); /* logs alone are one question, which is no batch */
  if (s->logs) cf_evm_ask_logs(&j, ID_LOGS, &g->domain.ledger.contract, &topic, s->read.next, s->till);
  if (s->whole) ask_state(g, &j);
  if (s->whole) cf_jw_end(&j, ']');
  assert(!wr.bad);
  g->views.fetching = true;
  s->asked          = cf_chainside_ask(g, fx, CF_SLOT_STATE, s->node, cf_wr_out(&wr));
}

/* ---- reading ---- */

/* Messages come in at most half the bytes of the JSON that has them. */
static bool
room_for(cf_evm_state_t *s, size_t answer_len) {
  size_t want = s->read.len + answer_len / 2;
  if (want <= s->messages_max) return true;
  size_t   max = want + want / 4 + 65536;
  uint8_t *to  = realloc(s->messages, max);
  if (!to) return false;
  s->messages     = to;
  s->messages_max = max;
  return true;
}

/* Back to what is proven: nobody knows how much of the rest was made up. */
static cf_status_t
too_many(cf_gateway_t *g, cf_error_t *err) {
  cf_evm_state_t *s     = &g->evm->state;
  bool            alone = !(s->sources & ~(1u << s->node));
  s->read               = s->good;
  s->sources            = 0;
  s->strayed            = true;
  size_t   max          = s->good.len + 65536;
  uint8_t *to           = max < s->messages_max ? realloc(s->messages, max) : NULL;
  if (to) s->messages = to, s->messages_max = max;
  return cf_error_set(err, alone ? CF_ERR_BOUND : CF_ERR_STALE, "inbox", 0, "more messages than are kept");
}

static cf_status_t
read_logs(cf_gateway_t *g, cf_json_t logs, size_t answer_len, cf_error_t *err) {
  cf_evm_state_t *s   = &g->evm->state;
  uint64_t        cnt = 0, folded = 0;
  if (!room_for(s, answer_len)) return cf_error_set(err, CF_ERR_IO, "inbox", 0, "out of memory");
  cf_wr_t     wr = cf_wr_init(s->messages + s->read.len, s->messages_max - s->read.len);
  cf_status_t st = cf_evm_read_inbox(&wr, &cnt, logs, &g->domain.ledger.contract, s->read.next, s->till, err);
  if (st) return st;
  if (wr.len > g->cfg.evm.inbox_max - s->read.len) return too_many(g, err);
  cf_hash_t fold = s->read.fold;
  if (cf_inbox_fold_all(&fold, &folded, cf_wr_out(&wr)) || folded != cnt)
    return cf_error_set(err, CF_ERR_AUTH, "inbox", 0, "a message that no ledger sends");
  s->read = (cf_inbox_read_t){ s->read.len + wr.len, s->read.cnt + cnt, fold, s->till + 1 };
  s->sources |= 1u << s->node;
  s->range += s->range / RANGE_GROWS;
  if (s->range > RANGE_MAX) s->range = RANGE_MAX;
  return CF_OK;
}

static cf_status_t
read_header(cf_gateway_t *g, cf_evm_block_t *block, cf_json_t v, cf_error_t *err) {
  cf_evm_state_t *s  = &g->evm->state;
  cf_evm_at_t     at = { .tag = CF_EVM_NUMBER, .number = g->views.proof.number };
  cf_status_t     st = cf_evm_read_block(block, v, &at, err);
  if (st) return st;
  if (!block->known) return cf_error_set(err, CF_ERR_STALE, "block", 0, "the node has no block %llu yet", (unsigned long long)at.number);
  if (!cf_hash_eq(&block->hash, &g->views.proof.block_hash) || block->header.time_s != g->views.proof.time_s)
    return cf_error_set(err, CF_ERR_AUTH, "block", 0, "not the block %llu that observers attest", (unsigned long long)at.number);
  cf_wr_t wr = cf_wr_init(s->header, sizeof s->header);
  cf_evm_header_write(&wr, &block->header);
  s->header_len = wr.len;
  return wr.bad ? cf_error_set(err, CF_ERR_BOUND, "block", 0, "its header is too long") : CF_OK;
}

/* What was read is not the chain's any more: from the beginning. */
void
cf_views_evm_anew(cf_gateway_t *g) {
  cf_evm_state_t *s = &g->evm->state;
  s->read = s->good = (cf_inbox_read_t){ .next = g->cfg.evm.from_block };
  s->sources        = 0;
  s->first = s->first_at = s->at = 0;
  if (s->asked) g->views.fetching = false; /* what is under way goes on from what is not there any more */
  s->asked = 0;
}

/* The fold of all messages must be what the block's state says.  Which of the nodes that gave them kept one back is known when there was only
   one; all are read again.  Without any of a node, it is what we had that does not fit. */
static cf_status_t
check_inbox(cf_gateway_t *g, cf_hash_t const *inbox, cf_error_t *err) {
  cf_evm_state_t *s = &g->evm->state;
  if (cf_hash_eq(&s->read.fold, inbox)) {
    s->good    = s->read;
    s->sources = 0;
    s->strayed = false;
    return CF_OK;
  }
  bool alone = s->sources == 1u << s->node && !g->evm->ancestry.asked; /* where finality is in doubt, so is what was read before */
  if (!s->sources) cf_views_evm_anew(g);
  s->read    = s->good;
  s->sources = 0;
  s->strayed = true;
  return cf_error_set(err, alone ? CF_ERR_AUTH : CF_ERR_STALE, "inbox", 0, "messages that do not lead to the block's inbox");
}

/* Is the block that was final before still where it was?  A node that says so is believed; one that does not must show it, by headers. */
static void
take_final(cf_gateway_t *g, cf_effects_t *fx, cf_evm_block_t const *block, cf_sender_final_t *f, cf_json_t v) {
  cf_evm_state_t    *s      = &g->evm->state;
  cf_sender_t const *sender = &g->evm->sender;
  cf_evm_block_t     since;
  cf_evm_at_t        at = { .tag = CF_EVM_NUMBER, .number = s->since_number };
  if (cf_evm_read_block(&since, v, &at, NULL) || !since.known) return; /* with the next block */
  f->since_number = s->since_number;
  f->since_hash   = since.hash;
  if (!sender->has_final || cf_hash_eq(&since.hash, &sender->final_hash)) cf_sender_final(&g->evm->sender, f);
  else if (!cf_sender_halt_proven(sender->halt)) cf_ancestry_begin(g, fx, f, &block->header.parent, &since.hash);
}

/* Whose signatures the ledger takes. */
static cf_status_t
read_signers(cf_gateway_t *g, cf_effects_t *fx, cf_json_t proof, cf_hash_t const *root, cf_signer_t *out, cf_error_t *err) {
  cf_evm_state_t const *s = &g->evm->state;
  cf_hash_t             slots[CF_SIGNERS_MAX], values[CF_SIGNERS_MAX];
  size_t                n = s->signers_asked_cnt;
  if (!n) return CF_OK;
  for (size_t i = 0; i < n; i++) slots[i] = cf_slot_key(&s->signers_asked[i]);
  cf_wr_t     wr = cf_wr_init(cf_fx_room(fx, SIGNERS_PROOF_MAX), SIGNERS_PROOF_MAX);
  cf_status_t st = cf_evm_read_state(&wr, values, proof, &g->domain.ledger, root, slots, n, err);
  for (size_t i = 0; i < n && !st; i++) out[i] = (cf_signer_t){ s->signers_asked[i], cf_ledger_key_unpack(&values[i]) };
  return st;
}

static cf_status_t
read_state(cf_gateway_t *g, cf_effects_t *fx, cf_jsonrpc_answer_t const *a, cf_error_t *err) {
  cf_evm_state_t   *s = &g->evm->state;
  cf_evm_block_t    block;
  cf_hash_t         keys[CF_VIEW_PROVEN_MAX], more[CF_VIEW_BUCKETS_MAX], values[CF_VIEW_PROVEN_MAX];
  cf_sender_final_t final = { 0 };
  size_t            n     = cf_view_keys(keys, &s->key_asked, more, cf_views_keys(g, more));
  s->at                   = 0; /* header and proof are overwritten */
  cf_status_t st          = read_header(g, &block, a[ID_BLOCK - ID_BLOCK].result, err);
  if (st) return st;
  cf_wr_t wr = cf_wr_init(s->proof, sizeof s->proof);
  st         = cf_evm_read_state(&wr, values, a[ID_SLOTS - ID_BLOCK].result, &g->domain.ledger, &block.header.state_root, keys, n, err);
  if (!st) {
    st = cf_sender_rpc_final(&final, &block, a[ID_ACCOUNT - ID_BLOCK].result, &g->evm->sender.account);
    if (st) cf_error_set(err, st, "account", 0, "no proof of the account that leads to the block's state");
  }
  if (!st) take_final(g, fx, &block, &final, a[ID_SINCE - ID_BLOCK].result);
  if (!st) st = check_inbox(g, &values[CF_SLOT_INBOX], err);
  cf_signer_t signer[CF_SIGNERS_MAX];
  if (!st) st = read_signers(g, fx, a[ID_SIGNERS - ID_BLOCK].result, &block.header.state_root, signer, err);
  if (st) return st;
  s->proof_len = wr.len;
  s->at        = block.header.number + 1;
  s->key       = s->key_asked;
  s->signer[0] = (cf_signer_t){ s->key, cf_ledger_key_unpack(&values[CF_SLOT_PLAIN_CNT]) }; /* the key's record follows the plain slots */
  s->key_known = s->signer[0].record.state != CF_KEY_UNKNOWN;
  s->signers   = 1 + s->signers_asked_cnt;
  memcpy(s->signer + 1, signer, s->signers_asked_cnt * sizeof *signer);
  s->status = cf_ledger_status_unpack(&values[CF_SLOT_STATUS]);
  s->tried     = 0;
  cf_views_arrived(g, &values[CF_SLOT_HEAD], &values[CF_SLOT_STATUS]);
  cf_settler_reached(g, &values[CF_SLOT_HEAD], block.header.number);
  g->evm->due = true;
  return CF_OK;
}

static cf_status_t
read_answer(cf_gateway_t *g, cf_effects_t *fx, cf_span_t body, cf_error_t *err) {
  cf_evm_state_t     *s = &g->evm->state;
  cf_jsonrpc_answer_t a[ID_SIGNERS];
  size_t              logs = s->logs ? 1 : 0, n = logs + (s->whole ? ID_SINCE - ID_BLOCK + 1 + (s->signers_asked_cnt ? 1u : 0u) : 0);
  cf_status_t         st = cf_jsonrpc_read(a, n, logs ? ID_LOGS : ID_BLOCK, body, err);
  if (!st && logs && a[0].result.type == CF_JSON_BAD) { /* nodes bound what they give at once, each in its way */
    bool less = s->range > RANGE_MIN;
    s->range  = s->range / 2 > RANGE_MIN ? s->range / 2 : RANGE_MIN;
    return less ? CF_OK : cf_error_set(err, CF_ERR_IO, "logs", 0, "refused, code %lld", (long long)a[0].code);
  }
  for (size_t i = logs; i < n && !st; i++)
    if (a[i].result.type == CF_JSON_BAD) st = cf_error_set(err, CF_ERR_IO, "state", i, "refused, code %lld", (long long)a[i].code);
  if (!st && logs) st = read_logs(g, a[0].result, body.len, err);
  if (!st && s->whole) st = read_state(g, fx, a + logs, err);
  return st;
}

void
cf_views_evm_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  cf_evm_state_t *s    = &g->evm->state;
  cf_error_t      err  = { 0 };
  unsigned        node = s->node;
  if (ev->id != s->asked) return;
  s->asked          = 0;
  g->views.fetching = false;
  cf_status_t st    = CF_ERR_IO;
  if (ev->status || ev->code != 200) cf_error_set(&err, CF_ERR_IO, "node", 0, "no answer");
  else st = read_answer(g, fx, ev->body, &err);
  cf_chainside_ended(g, fx, node, st);
  if (!st) return; /* more logs, or the view is ready */
  s->node = (s->node + 1) % g->cfg.evm.nodes;
  if (++s->tried % g->cfg.evm.nodes == 0) cf_views_failed(g);
  if (s->tried < TRIES_PER_NODE * g->cfg.evm.nodes) return;
  s->tried         = 0;
  if (s->strayed) cf_views_evm_anew(g); /* whoever told of them: what was good before may not be so, either */
  s->strayed       = false;
  g->views.proven  = false;
  g->views.wanted  = true;
}

/* ---- writing ---- */

uint64_t
cf_views_evm_messages(cf_gateway_t const *g) {
  return g->evm->state.good.cnt;
}

/* Where message number first stands. */
static size_t
place_of(cf_evm_state_t *s, uint64_t first) {
  if (first < s->first) s->first = s->first_at = 0;
  cf_rd_t rd = cf_rd_span(CF_SPAN(s->messages + s->first_at, s->good.len - s->first_at));
  for (; s->first < first; s->first++) (void)cf_inbox_msg_read(&rd);
  assert(!rd.bad); /* they were folded */
  return s->first_at += rd.pos;
}

bool
cf_views_evm_write(cf_gateway_t *g, cf_wr_t *wr, cf_addr_t const *key, cf_hash_t const *keys, size_t n) {
  cf_evm_state_t *s = &g->evm->state;
  cf_views_t     *v = &g->views;
  if (s->at != v->at || !cf_addr_eq(key, &s->key)) { /* another epoch's key: the same block, asked for once more */
    v->proven = true;
    return false;
  }
  size_t    from = place_of(s, v->folded);
  cf_span_t messages = CF_SPAN(s->messages + from, s->good.len - from);
  return !cf_view_write_evm(wr, CF_SPAN(s->header, s->header_len), CF_SPAN(v->proof_bytes, v->proof_len), key, keys, n,
                            CF_SPAN(s->proof, s->proof_len), v->folded, messages, NULL);
}
