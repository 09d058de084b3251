#include "ledger/cf_view.h"

#include <assert.h>

#define VIEW_VERSION 1

typedef struct {
  cf_block_header_t   header;
  cf_addr_t           key;
  cf_finality_proof_t finality;
  size_t              keys_cnt;
  cf_hash_t           keys[CF_VIEW_KEYS_MAX];
  cf_span_t           proof;
  uint64_t            first;
  cf_span_t           messages;
} view_t;

static cf_status_t decode(view_t *v, cf_span_t in, cf_error_t *err) {
  if (in.len > CF_VIEW_MAX) return cf_error_set(err, CF_ERR_BOUND, "view", 0, "longer than %d bytes", CF_VIEW_MAX);
  cf_rd_t rd      = cf_rd_span(in);
  uint8_t version = cf_rd_u8(&rd);
  if (!rd.bad && version != VIEW_VERSION) return cf_error_set(err, CF_ERR_UNSUPPORTED, "view", 0, "version %u", version);
  cf_span_t header = cf_rd_take_span(&rd, CF_BLOCK_HEADER_SZ);
  cf_rd_copy(&rd, v->key.b, 20);
  cf_span_t finality = cf_rd_take_span(&rd, cf_rd_u16(&rd));
  v->keys_cnt        = cf_rd_u8(&rd);
  if (v->keys_cnt > CF_VIEW_KEYS_MAX) return cf_error_set(err, CF_ERR_BOUND, "view", rd.pos, "%zu further keys", v->keys_cnt);
  for (size_t i = 0; i < v->keys_cnt; i++) v->keys[i] = cf_rd_hash(&rd);
  v->proof    = cf_rd_take_span(&rd, cf_rd_u32(&rd));
  v->first    = cf_rd_u64(&rd);
  v->messages = cf_rd_take_span(&rd, cf_rd_left(&rd));
  if (rd.bad) return cf_error_set(err, CF_ERR_FORMAT, "view", rd.pos, "cut short");
  if (cf_block_header_decode(&v->header, header)) return cf_error_set(err, CF_ERR_FORMAT, "view", 1, "not a block header");
  return cf_finality_proof_decode(&v->finality, finality, err);
}

static cf_status_t check_final(cf_view_facts_t *facts, view_t const *v, cf_ledger_identity_t const *ledger,
                               cf_seats_t const *observers, cf_error_t *err) {
  cf_hash_t hash = cf_block_hash(&v->header);
  if (v->finality.number != v->header.number || v->finality.time_s != v->header.time_s ||
      !cf_hash_eq(&v->finality.block_hash, &hash))
    return cf_error_set(err, CF_ERR_AUTH, "view", 0, "the finality proof is of another block");
  facts->number = v->header.number;
  facts->hash   = hash;
  facts->time_s = v->header.time_s;
  return cf_finality_proof_verify(&facts->finality, &v->finality, ledger, observers, err);
}

/* Only what is proven final may be compared: anybody can send a header. */
static cf_view_verdict_t place(cf_view_facts_t const *facts, cf_view_state_t const *seen) {
  if (!seen->any) return CF_VIEW_COMPLETE;
  if (facts->number < seen->number) return CF_VIEW_OLD;
  if (facts->number == seen->number) return cf_hash_eq(&facts->hash, &seen->hash) ? CF_VIEW_OLD : CF_VIEW_FORKED;
  return facts->time_s < seen->time_s ? CF_VIEW_FORKED : CF_VIEW_COMPLETE;
}

static size_t shown_keys(cf_hash_t keys[CF_VIEW_PROVEN_MAX], cf_addr_t const *key, cf_hash_t const *more, size_t more_cnt) {
  size_t n = 0;
  while (n < CF_SLOT_PLAIN_CNT) {
    keys[n] = cf_slot_plain((unsigned)n);
    n++;
  }
  keys[n++] = cf_slot_key(key);
  for (size_t i = 0; i < more_cnt; i++) keys[n++] = more[i];
  return n;
}

static cf_status_t check_slots(cf_view_facts_t *f, view_t const *v, cf_error_t *err) {
  f->proven_cnt  = shown_keys(f->keys, &v->key, v->keys, v->keys_cnt);
  cf_status_t st = cf_sparse_verify(&v->header.state_root, v->proof, f->keys, f->proven_cnt, f->values);
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
  cf_status_t st = decode(&v, view, err);
  if (!st) st = check_final(facts, &v, ledger, observers, err);
  if (st) return st;

  cf_view_verdict_t where = place(facts, seen);
  if (where != CF_VIEW_COMPLETE) {
    *verdict = where;
    return where == CF_VIEW_OLD ? cf_error_set(err, CF_ERR_STALE, "view", 0, "nothing newer than what was shown")
                                : cf_error_set(err, CF_ERR_POLICY, "view", 0, "final, and contradicts what was final before");
  }
  st = check_slots(facts, &v, err);
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

cf_status_t cf_view_write(cf_wr_t *wr, cf_chain_t *chain, cf_span_t finality, cf_addr_t const *key, cf_hash_t const *keys,
                          size_t keys_cnt, uint64_t first, uint64_t *taken) {
  assert(chain->accepted == 0 && keys_cnt <= CF_VIEW_KEYS_MAX && first <= cf_ledger_state_messages(chain->state));
  cf_hash_t shown[CF_VIEW_PROVEN_MAX];
  size_t    start = wr->len;
  cf_wr_u8(wr, VIEW_VERSION);
  cf_block_header_write(wr, &chain->head);
  cf_wr_bytes(wr, key->b, 20);
  cf_wr_u16(wr, (uint16_t)finality.len);
  cf_wr_span(wr, finality);
  cf_wr_u8(wr, (uint8_t)keys_cnt);
  for (size_t i = 0; i < keys_cnt; i++) cf_wr_hash(wr, &keys[i]);

  uint8_t *proof_len = cf_wr_room(wr, 4);
  size_t   proof_at  = wr->len;
  cf_ledger_state_prove(chain->state, wr, shown, shown_keys(shown, key, keys, keys_cnt));
  if (wr->bad) return CF_ERR_BOUND;
  cf_wr_t len_wr = cf_wr_init(proof_len, 4);
  cf_wr_u32(&len_wr, (uint32_t)(wr->len - proof_at));
  cf_wr_u64(wr, first);

  size_t used = wr->len - start, room = wr->max - wr->len;
  if (wr->bad || used > CF_VIEW_MAX || finality.len > UINT16_MAX) return CF_ERR_BOUND;
  if (room > CF_VIEW_MAX - used) room = CF_VIEW_MAX - used;
  uint64_t n;
  cf_wr_span(wr, cf_ledger_state_message_run(chain->state, first, UINT64_MAX, room, &n));
  if (taken) *taken = n;
  return CF_OK;
}
