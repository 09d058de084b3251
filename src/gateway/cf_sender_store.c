/* The sender's records.  docs/protocol/sender.md "Records".

   META "sender"          u8 version 1, u8 halt, u8 has a final block, u64 number, hash, u64 time_s, u64 nonce, u64 day, u128 spent, u128 total
   TX   u64 nonce, u8 0   u8 version 1, ref, u128 cap, u8 dropped
   TX   u64 nonce, u8 n   raw bytes of the n-th transaction, from 1
   FEE  u64 nonce         u8 version 2, ref, u8 outcome, tx, u64 block, block hash, u128 fee, u64 day */
#include <assert.h>

#include "base/cf_store.h"
#include "gateway/cf_sender_state.h"

enum { VERSION = 1, RESULT_VERSION = 2, META_SZ = 1 + 2 + 8 + 32 + 8 + 8 + 8 + 16 + 16, SLOT_SZ = 1 + 32 + 16 + 1, RESULT_SZ = 1 + 32 + 1 + 32 + 8 + 32 + 16 + 8, WRITE_SZ = 8 };

static cf_span_t const meta_key = { (uint8_t const *)"sender", 6 };

static void wr_wei(cf_wr_t *wr, cf_wei_t v) {
  cf_wr_u64(wr, (uint64_t)(v >> 64));
  cf_wr_u64(wr, (uint64_t)v);
}

static cf_wei_t rd_wei(cf_rd_t *rd) {
  cf_wei_t high = cf_rd_u64(rd);
  return high << 64 | cf_rd_u64(rd);
}

typedef struct {
  uint8_t b[9];
} tx_key_t;

static tx_key_t tx_key(uint64_t nonce, unsigned n) {
  tx_key_t k;
  cf_wr_t  wr = cf_wr_init(k.b, sizeof k.b);
  cf_wr_u64(&wr, nonce);
  cf_wr_u8(&wr, (uint8_t)n);
  return k;
}

/* ---- writing ---- */

void cf_sender_forget(cf_sender_t *s, uint64_t nonce, unsigned attempts) {
  assert(s->forgets < sizeof s->forget / sizeof *s->forget);
  s->forget[s->forgets].nonce      = nonce;
  s->forget[s->forgets++].attempts = attempts;
}

static void save_forgotten(cf_sender_t *s, cf_wr_t *wr) {
  for (size_t i = 0; i < s->forgets; i++) {
    tx_key_t first = tx_key(s->forget[i].nonce, 0);
    if (!s->forget[i].attempts) cf_store_del(wr, CF_STORE_FEE, CF_SPAN(first.b, 8));
    for (unsigned k = 0; s->forget[i].attempts && k <= s->forget[i].attempts; k++) {
      tx_key_t key = tx_key(s->forget[i].nonce, k);
      cf_store_del(wr, CF_STORE_TX, CF_SPAN_OF(key.b));
    }
  }
  s->forgets = 0;
}

static void save_meta(cf_sender_t *s, cf_wr_t *wr) {
  uint8_t value[META_SZ];
  cf_wr_t v = cf_wr_init(value, sizeof value);
  if (!s->meta_dirty) return;
  cf_wr_u8(&v, VERSION);
  cf_wr_u8(&v, cf_sender_halt_proven(s->halt) ? (uint8_t)s->halt : CF_SENDER_RUNNING);
  cf_wr_u8(&v, s->has_final);
  cf_wr_u64(&v, s->final_number);
  cf_wr_hash(&v, &s->final_hash);
  cf_wr_u64(&v, s->final_time_s);
  cf_wr_u64(&v, s->final_nonce);
  cf_wr_u64(&v, s->day);
  wr_wei(&v, s->spent_wei);
  wr_wei(&v, s->total_wei);
  cf_store_put(wr, CF_STORE_META, meta_key, cf_wr_out(&v));
  s->meta_dirty = false;
}

static void save_slot(cf_sender_t *s, cf_wr_t *wr, cf_sender_slot_t *t) {
  uint8_t  value[SLOT_SZ];
  cf_wr_t  v   = cf_wr_init(value, sizeof value);
  tx_key_t key = tx_key(t->nonce, 0);
  if (t->dirty) {
    cf_wr_u8(&v, VERSION);
    cf_wr_hash(&v, &t->ref);
    wr_wei(&v, t->cap_wei);
    cf_wr_u8(&v, t->dropped);
    cf_store_put(wr, CF_STORE_TX, CF_SPAN_OF(key.b), cf_wr_out(&v));
    t->dirty = false;
  }
  for (; t->written < t->at_cnt; t->written++) {
    cf_evm_tx_t tx  = cf_sender_tx(s, t, t->written);
    cf_wr_t     raw = cf_wr_init(s->raw, sizeof s->raw);
    cf_evm_tx_write(&raw, &tx, t->at[t->written].sig);
    key = tx_key(t->nonce, t->written + 1);
    cf_store_put(wr, CF_STORE_TX, CF_SPAN_OF(key.b), cf_wr_out(&raw));
  }
}

static void save_result(cf_wr_t *wr, cf_sender_result_t *r) {
  uint8_t  value[RESULT_SZ];
  cf_wr_t  v   = cf_wr_init(value, sizeof value);
  tx_key_t key = tx_key(r->nonce, 0);
  if (r->written) return;
  cf_wr_u8(&v, RESULT_VERSION);
  cf_wr_hash(&v, &r->ref);
  cf_wr_u8(&v, (uint8_t)r->outcome);
  cf_wr_hash(&v, &r->tx);
  cf_wr_u64(&v, r->block);
  cf_wr_hash(&v, &r->block_hash);
  wr_wei(&v, r->fee_wei);
  cf_wr_u64(&v, r->day);
  cf_store_put(wr, CF_STORE_FEE, CF_SPAN(key.b, 8), cf_wr_out(&v));
  r->written = true;
}

/* How much of a STORE the writes that are due can be. */
static size_t bound(cf_sender_t const *s) {
  size_t n = 8 + WRITE_SZ + 6 + META_SZ;
  for (size_t i = 0; i < s->forgets; i++) n += (s->forget[i].attempts + 1) * (WRITE_SZ + sizeof(tx_key_t));
  for (size_t i = 0; i < s->results; i++) n += s->result[i].written ? 0 : WRITE_SZ + 8 + RESULT_SZ;
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++) {
    cf_sender_slot_t const *t = &s->slot[i];
    if (t->dirty) n += WRITE_SZ + sizeof(tx_key_t) + SLOT_SZ;
    n += (t->at_cnt - t->written) * (WRITE_SZ + sizeof(tx_key_t) + t->data_sz + CF_EVM_TX_FRAME_MAX);
  }
  return n;
}

void cf_sender_save(cf_sender_t *s, cf_effects_t *fx) {
  size_t  max = bound(s), empty;
  cf_wr_t wr  = cf_wr_init(cf_fx_room(fx, max), max);
  cf_store_begin(&wr, s->fence);
  empty = wr.len;
  save_forgotten(s, &wr);
  save_meta(s, &wr);
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++)
    if (cf_slot_live(&s->slot[i]) || s->slot[i].state == CF_SENDER_FINAL) save_slot(s, &wr, &s->slot[i]);
  for (size_t i = 0; i < s->results; i++) save_result(&wr, &s->result[i]);
  assert(!wr.bad);
  if (wr.len > empty) cf_fx(fx, CF_FX_STORE)->body = cf_wr_out(&wr);
}

/* ---- reading ---- */

static void scan(cf_sender_t *s, cf_effects_t *fx, unsigned id, uint8_t const *kind) {
  cf_effect_t *e = cf_fx(fx, CF_FX_SCAN);
  e->id          = s->cfg.id + id;
  e->name        = CF_SPAN(kind, 1);
  s->scans++;
}

void cf_sender_scan(cf_sender_t *s, cf_effects_t *fx) {
  static uint8_t const kinds[] = { CF_STORE_META, CF_STORE_TX, CF_STORE_FEE };
  scan(s, fx, CF_SENDER_ID_META, &kinds[0]);
  scan(s, fx, CF_SENDER_ID_TX, &kinds[1]);
  scan(s, fx, CF_SENDER_ID_FEE, &kinds[2]);
}

static bool load_meta(cf_sender_t *s, cf_store_write_t const *w) {
  if (!cf_span_eq(w->key, meta_key)) return true; /* others keep theirs beside it */
  cf_rd_t rd      = cf_rd_span(w->value);
  uint8_t version = cf_rd_u8(&rd), halt = cf_rd_u8(&rd), has = cf_rd_u8(&rd);
  s->final_number = cf_rd_u64(&rd);
  s->final_hash   = cf_rd_hash(&rd);
  s->final_time_s = cf_rd_u64(&rd);
  s->final_nonce  = cf_rd_u64(&rd);
  s->day          = cf_rd_u64(&rd);
  s->spent_wei    = rd_wei(&rd);
  s->total_wei    = rd_wei(&rd);
  s->has_final    = has == 1;
  s->halt         = (cf_sender_halt_t)halt;
  return cf_rd_done(&rd) && version == VERSION && halt < CF_SENDER_HALTS && has <= 1;
}

static cf_sender_slot_t *by_nonce(cf_sender_t *s, uint64_t nonce) {
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++)
    if (s->slot[i].state != CF_SENDER_FREE && s->slot[i].nonce == nonce) return &s->slot[i];
  return NULL;
}

static bool load_slot(cf_sender_t *s, uint64_t nonce, cf_span_t value) {
  cf_rd_t           rd = cf_rd_span(value);
  cf_sender_slot_t *t  = NULL;
  for (size_t i = 0; i < CF_SENDER_SLOTS && !t; i++)
    if (s->slot[i].state == CF_SENDER_FREE) t = &s->slot[i];
  if (!t || by_nonce(s, nonce)) return false;
  uint8_t version = cf_rd_u8(&rd);
  t->ref          = cf_rd_hash(&rd);
  t->cap_wei      = rd_wei(&rd);
  uint8_t dropped = cf_rd_u8(&rd);
  t->dropped      = dropped == 1;
  t->nonce        = nonce;
  t->serial       = ++s->serial;
  t->state        = CF_SENDER_SIGNED;
  return cf_rd_done(&rd) && version == VERSION && dropped <= 1;
}

/* The first is the call; the others are it, or transfer nothing. */
static bool load_attempt(cf_sender_t *s, uint64_t nonce, unsigned n, cf_span_t raw) {
  cf_sender_slot_t *t = by_nonce(s, nonce);
  cf_evm_signed_t   e;
  if (!t || n != t->at_cnt + 1 || t->at_cnt == CF_SENDER_ATTEMPTS_MAX) return false;
  if (cf_evm_tx_decode(&e, raw, cf_wr_init(s->raw, sizeof s->raw)) || !cf_addr_eq(&e.from, &s->account) || e.tx.chain_id != s->cfg.chain_id ||
      e.tx.nonce != nonce || e.tx.create || e.tx.data.len > CF_SENDER_DATA_MAX)
    return false;
  if (n == 1) {
    t->to      = e.tx.to;
    t->value   = e.tx.value;
    t->gas     = e.tx.gas;
    t->data_sz = e.tx.data.len;
    if (e.tx.data.len) memcpy(t->data, e.tx.data.ptr, e.tx.data.len);
  }
  static cf_hash_t const nothing;
  bool call   = cf_addr_eq(&e.tx.to, &t->to) && cf_hash_eq(&e.tx.value, &t->value) && e.tx.gas == t->gas &&
                cf_span_eq(e.tx.data, CF_SPAN(t->data, t->data_sz));
  bool cancel = cf_addr_eq(&e.tx.to, &s->account) && cf_hash_eq(&e.tx.value, &nothing) && e.tx.gas == CF_EVM_GAS_TRANSFER && !e.tx.data.len;
  if (!call && !cancel) return false;
  cf_sender_attempt_t *a = &t->at[t->at_cnt];
  *a      = (cf_sender_attempt_t){ .fees = { e.tx.tip_wei, e.tx.fee_wei }, .gas = e.tx.gas, .cancel = !call, .hash = e.hash };
  t->again = t->at_cnt++;
  t->written = t->at_cnt;
  memcpy(a->sig, e.sig, sizeof a->sig);
  return true;
}

static bool load_tx(cf_sender_t *s, cf_store_write_t const *w) {
  cf_rd_t  rd    = cf_rd_span(w->key);
  uint64_t nonce = cf_rd_u64(&rd);
  uint8_t  n     = cf_rd_u8(&rd);
  if (!cf_rd_done(&rd)) return false;
  return n ? load_attempt(s, nonce, n, w->value) : load_slot(s, nonce, w->value);
}

static bool load_result(cf_sender_t *s, cf_store_write_t const *w) {
  cf_rd_t key = cf_rd_span(w->key), rd = cf_rd_span(w->value);
  if (s->results == CF_SENDER_RESULTS) return false;
  cf_sender_result_t *r       = &s->result[s->results++];
  uint8_t             version = cf_rd_u8(&rd);
  r->nonce                    = cf_rd_u64(&key);
  r->ref                      = cf_rd_hash(&rd);
  uint8_t outcome             = cf_rd_u8(&rd);
  r->outcome                  = (cf_sender_outcome_t)outcome;
  r->tx                       = cf_rd_hash(&rd);
  r->block                    = cf_rd_u64(&rd);
  r->block_hash               = cf_rd_hash(&rd);
  r->fee_wei                  = rd_wei(&rd);
  r->day                      = cf_rd_u64(&rd);
  r->written                  = true;
  return cf_rd_done(&key) && cf_rd_done(&rd) && version == RESULT_VERSION && outcome > CF_SENDER_OPEN && outcome <= CF_SENDER_UNTOLD;
}

/* A nonce with a result is final, and watched; each nonce that no final block counts has its transactions. */
static bool join(cf_sender_t *s) {
  for (size_t i = 0; i < s->results; i++) {
    cf_sender_result_t const *r = &s->result[i];
    cf_sender_slot_t         *t = by_nonce(s, r->nonce);
    if (!t) continue;
    t->state      = CF_SENDER_FINAL;
    t->outcome    = r->outcome;
    t->block      = r->block;
    t->block_hash = r->block_hash;
    t->fee_wei    = r->fee_wei;
    while (t->mined < t->at_cnt && !cf_hash_eq(&t->at[t->mined].hash, &r->tx)) t->mined++;
    if (r->outcome == CF_SENDER_LOST) t->mined = 0;
    else if (t->mined == t->at_cnt || !cf_hash_eq(&t->ref, &r->ref)) return false;
  }
  for (size_t i = 0; i < CF_SENDER_SLOTS; i++)
    if (s->slot[i].state != CF_SENDER_FREE && !s->slot[i].at_cnt) return false;
  for (uint64_t nonce = s->final_nonce, next = cf_sender_next(s); s->has_final && nonce < next; nonce++)
    if (!by_nonce(s, nonce)) return false;
  return true;
}

void cf_sender_load(cf_sender_t *s, unsigned which, cf_event_t const *ev) {
  cf_rd_t          rd;
  cf_store_write_t w;
  uint64_t         fence;
  if (!s->scans) return;
  if (ev->status || cf_store_open(&rd, &fence, ev->body)) s->damaged = true;
  else {
    while (!s->damaged && cf_store_next(&rd, &w))
      if (!(which == CF_SENDER_ID_META ? load_meta(s, &w) : which == CF_SENDER_ID_TX ? load_tx(s, &w) : load_result(s, &w))) s->damaged = true;
    if (rd.bad) s->damaged = true;
  }
  if (--s->scans) return;
  if (s->damaged || !join(s)) {
    s->halt = CF_SENDER_RUNNING; /* whatever else was wrong: without its records nothing can be mended */
    cf_sender_stop(s, CF_SENDER_HALT_STORE);
  }
  s->ready    = true;
  s->look_now = true;
}
