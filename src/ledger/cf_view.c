#include "ledger/cf_view.h"

#include <assert.h>

typedef struct {
  cf_ledger_block_t   block;
  cf_addr_t           key;
  cf_finality_proof_t finality;
  cf_span_t           finality_bytes;
  size_t              keys_cnt;
  cf_hash_t           keys[CF_VIEW_KEYS_MAX];
  cf_span_t           proof;
  uint64_t            first;
  cf_span_t           messages;
} view_t;

static cf_status_t decode(view_t *v, cf_span_t in, cf_ledger_kind_t kind, cf_error_t *err) {
  if (in.len > CF_VIEW_MAX) return cf_error_set(err, CF_ERR_BOUND, "view", 0, "longer than %d bytes", CF_VIEW_MAX);
  cf_rd_t rd     = cf_rd_span(in);
  uint8_t stated = cf_rd_u8(&rd);
  if (!rd.bad && stated != kind) return cf_error_set(err, CF_ERR_UNSUPPORTED, "view", 0, "of another kind of ledger: %u", stated);
  cf_span_t header = cf_rd_take_span(&rd, kind == CF_LEDGER_EMBEDDED ? CF_BLOCK_HEADER_SZ : cf_rd_u16(&rd));
  cf_rd_copy(&rd, v->key.b, 20);
  v->finality_bytes = cf_rd_take_span(&rd, cf_rd_u16(&rd));
  v->keys_cnt       = cf_rd_u8(&rd);
  if (v->keys_cnt > CF_VIEW_KEYS_MAX) return cf_error_set(err, CF_ERR_BOUND, "view", rd.pos, "%zu further keys", v->keys_cnt);
  for (size_t i = 0; i < v->keys_cnt; i++) v->keys[i] = cf_rd_hash(&rd);
  v->proof    = cf_rd_take_span(&rd, cf_rd_u32(&rd));
  v->first    = cf_rd_u64(&rd);
  v->messages = cf_rd_take_span(&rd, cf_rd_left(&rd));
  if (rd.bad) return cf_error_set(err, CF_ERR_FORMAT, "view", rd.pos, "cut short");
  cf_status_t st = cf_ledger_block_decode(&v->block, kind, header, err);
  return st ? st : cf_finality_proof_decode(&v->finality, v->finality_bytes, err);
}

static cf_status_t check_final(cf_view_facts_t *facts, view_t const *v, cf_ledger_identity_t const *ledger,
                               cf_seats_t const *observers, cf_error_t *err) {
  cf_ledger_block_t const *b = &v->block;
  if (v->finality.number != b->number || v->finality.time_s != b->time_s || !cf_hash_eq(&v->finality.block_hash, &b->hash))
    return cf_error_set(err, CF_ERR_AUTH, "view", 0, "the finality proof is of another block");
  facts->number = b->number;
  facts->hash   = b->hash;
  facts->time_s = b->time_s;
  facts->proof  = v->finality_bytes;
  return cf_finality_proof_verify(&facts->finality, &v->finality, ledger, observers, err);
}

/* Only what is proven final may be compared: anybody can send a header. */
static cf_view_verdict_t place(cf_view_facts_t const *facts, cf_view_state_t const *seen) {
  if (!seen->any) return CF_VIEW_COMPLETE;
  if (facts->number < seen->number) return CF_VIEW_OLD;
  if (facts->number == seen->number) return cf_hash_eq(&facts->hash, &seen->hash) ? CF_VIEW_OLD : CF_VIEW_FORKED;
  return facts->time_s < seen->time_s ? CF_VIEW_FORKED : CF_VIEW_COMPLETE;
}

size_t cf_view_keys(cf_hash_t keys[CF_VIEW_PROVEN_MAX], cf_addr_t const *key, cf_hash_t const *more, size_t more_cnt) {
  assert(more_cnt <= CF_VIEW_KEYS_MAX);
  size_t n = 0;
  while (n < CF_SLOT_PLAIN_CNT) {
    keys[n] = cf_slot_plain((unsigned)n);
    n++;
  }
  keys[n++] = cf_slot_key(key);
  for (size_t i = 0; i < more_cnt; i++) keys[n++] = more[i];
  return n;
}

static cf_status_t check_slots(cf_view_facts_t *f, view_t const *v, cf_ledger_identity_t const *ledger, cf_error_t *err) {
  f->proven_cnt  = cf_view_keys(f->keys, &v->key, v->keys, v->keys_cnt);
  cf_status_t st = cf_ledger_slots_prove(ledger, &v->block.state_root, v->proof, f->keys, f->proven_cnt, f->values);
  if (st == CF_ERR_POLICY) return cf_error_set(err, st, "view", 0, "the contract's code is not the one that was deployed");
  if (st) return cf_error_set(err, st, "view", 0, "the state proof does not lead to the block's root");
  f->head       = f->values[CF_SLOT_HEAD];
  f->inbox      = f->values[CF_SLOT_INBOX];
  f->status     = cf_ledger_status_unpack(&f->values[CF_SLOT_STATUS]);
  f->alarm_head = f->values[CF_SLOT_ALARM_HEAD];
  f->alarm_at_s = cf_word_get(&f->values[CF_SLOT_ALARM_AT], 0, 40);
  f->counters   = cf_ledger_counters_unpack(&f->values[CF_SLOT_COUNTERS]);
  f->instance   = f->values[CF_SLOT_INSTANCE];
  f->top_epoch  = cf_word_get(&f->values[CF_SLOT_TOP_EPOCH], 0, 40);
  f->key_addr   = v->key;
  f->key        = cf_ledger_key_unpack(&f->values[CF_SLOT_PLAIN_CNT]);
  return CF_OK;
}

/* Folds the messages on from where they begin.  *next is complete when they lead to the block's inbox. */
static cf_status_t fold(cf_view_state_t *next, cf_view_facts_t *f, view_t const *v, cf_view_state_t const *seen,
                        cf_error_t *err) {
  bool      goes_on = seen->partial && cf_hash_eq(&seen->part_hash, &f->hash) && v->first == seen->part_messages;
  cf_hash_t inbox   = goes_on ? seen->part_inbox : seen->inbox;
  uint64_t  cnt     = goes_on ? seen->part_messages : seen->messages;
  if (!goes_on && v->first != seen->messages)
    return cf_error_set(err, CF_ERR_FORMAT, "view", 0, "messages begin at %llu, %llu are folded", (unsigned long long)v->first,
                        (unsigned long long)seen->messages);
  if (cf_inbox_fold_all(&inbox, &cnt, v->messages)) return cf_error_set(err, CF_ERR_FORMAT, "view", 0, "a message is malformed");
  f->messages = v->messages;
  f->first    = v->first;

  *next = *seen;
  if (cf_hash_eq(&inbox, &f->inbox)) {
    *next = (cf_view_state_t){
      .any = true, .number = f->number, .hash = f->hash, .time_s = f->time_s, .inbox = inbox, .messages = cnt };
    return CF_OK;
  }
  if (v->messages.len == 0) return cf_error_set(err, CF_ERR_AUTH, "view", 0, "messages are missing");
  next->partial       = true;
  next->part_hash     = f->hash;
  next->part_inbox    = inbox;
  next->part_messages = cnt;
  return CF_OK;
}

cf_status_t cf_view_check(cf_view_facts_t *facts, cf_view_verdict_t *verdict, cf_view_state_t *next, cf_view_state_t const *seen,
                          cf_span_t view, cf_ledger_identity_t const *ledger, cf_seats_t const *observers, cf_error_t *err) {
  view_t v;
  *facts         = (cf_view_facts_t){ 0 };
  *verdict       = CF_VIEW_BAD;
  cf_status_t st = decode(&v, view, cf_ledger_kind(ledger), err);
  if (!st) st = check_final(facts, &v, ledger, observers, err);
  if (st) return st;

  cf_view_verdict_t where = place(facts, seen);
  if (where != CF_VIEW_COMPLETE) {
    *verdict = where;
    return where == CF_VIEW_OLD ? cf_error_set(err, CF_ERR_STALE, "view", 0, "nothing newer than what was shown")
                                : cf_error_set(err, CF_ERR_POLICY, "view", 0, "final, and contradicts what was final before");
  }
  st = check_slots(facts, &v, ledger, err);
  if (!st) st = fold(next, facts, &v, seen, err);
  if (!st) *verdict = next->partial ? CF_VIEW_PARTIAL : CF_VIEW_COMPLETE;
  return st;
}

bool cf_view_slot(cf_view_facts_t const *facts, cf_hash_t const *key, cf_hash_t *value) {
  for (size_t i = 0; i < facts->proven_cnt; i++)
    if (cf_hash_eq(&facts->keys[i], key)) {
      *value = facts->values[i];
      return true;
    }
  return false;
}

/* ---- writing ---- */

static void write_head(cf_wr_t *wr, cf_ledger_kind_t kind, cf_span_t header, cf_span_t finality, cf_addr_t const *key,
                       cf_hash_t const *keys, size_t keys_cnt) {
  cf_wr_u8(wr, (uint8_t)kind);
  if (kind == CF_LEDGER_EVM) cf_wr_u16(wr, (uint16_t)header.len);
  cf_wr_span(wr, header);
  cf_wr_bytes(wr, key->b, 20);
  cf_wr_u16(wr, (uint16_t)finality.len);
  cf_wr_span(wr, finality);
  cf_wr_u8(wr, (uint8_t)keys_cnt);
  for (size_t i = 0; i < keys_cnt; i++) cf_wr_hash(wr, &keys[i]);
  if (finality.len > UINT16_MAX || header.len > UINT16_MAX) wr->bad = true;
}

/* The room for messages, behind a view that began at start. */
static cf_status_t room_left(size_t *room, cf_wr_t const *wr, size_t start) {
  size_t used = wr->len - start;
  if (wr->bad || used > CF_VIEW_MAX) return CF_ERR_BOUND;
  *room = wr->max - wr->len < CF_VIEW_MAX - used ? wr->max - wr->len : CF_VIEW_MAX - used;
  return CF_OK;
}

cf_status_t cf_view_write(cf_wr_t *wr, cf_chain_t *chain, cf_span_t finality, cf_addr_t const *key, cf_hash_t const *keys,
                          size_t keys_cnt, uint64_t first, uint64_t *taken) {
  assert(chain->accepted == 0 && first <= cf_ledger_state_messages(chain->state));
  cf_hash_t shown[CF_VIEW_PROVEN_MAX];
  size_t    shown_cnt = cf_view_keys(shown, key, keys, keys_cnt), start = wr->len, room;
  uint8_t   header[CF_BLOCK_HEADER_SZ];
  cf_wr_t   header_wr = cf_wr_init(header, sizeof header);
  cf_block_header_write(&header_wr, &chain->head);
  write_head(wr, CF_LEDGER_EMBEDDED, cf_wr_out(&header_wr), finality, key, keys, keys_cnt);

  uint8_t *proof_len = cf_wr_room(wr, 4);
  size_t   proof_at  = wr->len;
  cf_ledger_state_prove(chain->state, wr, shown, shown_cnt);
  if (wr->bad) return CF_ERR_BOUND;
  cf_wr_t len_wr = cf_wr_init(proof_len, 4);
  cf_wr_u32(&len_wr, (uint32_t)(wr->len - proof_at));
  cf_wr_u64(wr, first);

  cf_status_t st = room_left(&room, wr, start);
  if (st) return st;
  uint64_t n;
  cf_wr_span(wr, cf_ledger_state_message_run(chain->state, first, UINT64_MAX, room, &n));
  if (taken) *taken = n;
  return CF_OK;
}

cf_status_t cf_view_write_evm(cf_wr_t *wr, cf_span_t header, cf_span_t finality, cf_addr_t const *key, cf_hash_t const *keys,
                              size_t keys_cnt, cf_span_t proof, uint64_t first, cf_span_t messages, uint64_t *taken) {
  assert(keys_cnt <= CF_VIEW_KEYS_MAX);
  size_t start = wr->len, room, used = 0;
  write_head(wr, CF_LEDGER_EVM, header, finality, key, keys, keys_cnt);
  cf_wr_u32(wr, (uint32_t)proof.len);
  cf_wr_span(wr, proof);
  cf_wr_u64(wr, first);
  cf_status_t st = room_left(&room, wr, start);
  if (st) return st;
  uint64_t n = 0;
  for (cf_rd_t rd = cf_rd_span(messages); cf_rd_left(&rd); n++) {
    (void)cf_inbox_msg_read(&rd);
    if (rd.bad) return CF_ERR_FORMAT;
    if (rd.pos > room) break;
    used = rd.pos;
  }
  cf_wr_bytes(wr, messages.ptr, used);
  if (taken) *taken = n;
  return CF_OK;
}
