#include "ledger/cf_blocks.h"

#include <assert.h>

#include "crypto/cf_hash.h"

#define BLOCK_VERSION 1

static cf_addr_t const nobody;

/* ---- bytes ---- */

void cf_block_header_write(cf_wr_t *wr, cf_block_header_t const *h) {
  cf_wr_u8(wr, BLOCK_VERSION);
  cf_wr_u64(wr, h->number);
  cf_wr_hash(wr, &h->parent);
  cf_wr_u40(wr, h->time_s);
  cf_wr_u32(wr, h->calls);
  cf_wr_hash(wr, &h->body_hash);
  cf_wr_hash(wr, &h->state_root);
}

static cf_status_t read_header(cf_rd_t *rd, cf_block_header_t *h) {
  uint8_t version = cf_rd_u8(rd);
  h->number       = cf_rd_u64(rd);
  h->parent       = cf_rd_hash(rd);
  h->time_s       = cf_rd_u40(rd);
  h->calls        = cf_rd_u32(rd);
  h->body_hash    = cf_rd_hash(rd);
  h->state_root   = cf_rd_hash(rd);
  return rd->bad ? CF_ERR_FORMAT : version != BLOCK_VERSION ? CF_ERR_UNSUPPORTED : CF_OK;
}

cf_status_t cf_block_header_decode(cf_block_header_t *h, cf_span_t in) {
  cf_rd_t     rd = cf_rd_span(in);
  cf_status_t st = read_header(&rd, h);
  return st ? st : cf_rd_done(&rd) ? CF_OK : CF_ERR_FORMAT;
}

cf_hash_t cf_block_hash(cf_block_header_t const *h) {
  uint8_t buf[CF_BLOCK_HEADER_SZ];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_block_header_write(&wr, h);
  return cf_keccak256(cf_wr_out(&wr));
}

cf_status_t cf_block_decode(cf_block_t *b, cf_span_t in) {
  if (in.len > CF_BLOCK_MAX) return CF_ERR_BOUND;
  cf_rd_t     rd = cf_rd_span(in);
  cf_status_t st = read_header(&rd, &b->header);
  if (st) return st;
  cf_rd_copy(&rd, b->sig, sizeof b->sig);
  b->body = cf_rd_take_span(&rd, cf_rd_left(&rd));
  if (rd.bad) return CF_ERR_FORMAT;
  if (b->header.calls > CF_BLOCK_CALLS_MAX) return CF_ERR_BOUND;
  cf_hash_t body_hash = cf_keccak256(b->body);
  return cf_hash_eq(&body_hash, &b->header.body_hash) ? CF_OK : CF_ERR_FORMAT;
}

void cf_block_write(cf_wr_t *wr, cf_block_t const *b) {
  cf_block_header_write(wr, &b->header);
  cf_wr_bytes(wr, b->sig, sizeof b->sig);
  cf_wr_span(wr, b->body);
}

bool cf_block_call_next(cf_rd_t *body, cf_span_t *call) {
  if (body->bad || cf_rd_left(body) == 0) return false;
  *call = cf_rd_take_span(body, cf_rd_u32(body));
  return !body->bad;
}

/* ---- the chain ---- */

void cf_chain_init(cf_chain_t *c) { *c = (cf_chain_t){ .state = cf_ledger_state_new() }; }

void cf_chain_fini(cf_chain_t *c) {
  cf_ledger_state_free(c->state);
  c->state = NULL;
}

static cf_status_t broken(cf_chain_t *c, cf_error_t *err, char const *what) {
  c->broken = true;
  return cf_error_set(err, CF_ERR_POLICY, "ledger.block", 0, "%s", what);
}

static cf_status_t signed_by_key(cf_chain_t const *c, cf_hash_t const *hash, uint8_t const sig[64], cf_error_t *err) {
  cf_hash_t digest = cf_block_digest(&c->genesis.config.separator, hash);
  cf_addr_t signer;
  if (cf_k256_recover(&signer, sig, &digest) || !cf_addr_eq(&signer, &c->genesis.config.contract))
    return cf_error_set(err, CF_ERR_AUTH, "ledger.block", 0, "not signed by the block key");
  return CF_OK;
}

static void write_genesis_slots(cf_chain_t *c, cf_slot_write_t const *writes, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) cf_ledger_state_put(c->state, &writes[i].key, &writes[i].value);
}

/* Checks c->genesis and fills the state; what the constructor does. */
static cf_status_t construct(cf_chain_t *c, cf_error_t *err) {
  cf_ledger_effects_t room = cf_ledger_state_effects(c->state);
  size_t              cnt;
  cf_status_t         st = cf_ledger_genesis(&c->genesis, room.writes, room.writes_max, &cnt, err);
  if (st) return st;
  if (!c->genesis.config.embedded) return cf_error_set(err, CF_ERR_POLICY, "ledger.genesis", 0, "not of an embedded ledger");
  write_genesis_slots(c, room.writes, cnt);
  return CF_OK;
}

static void advance(cf_chain_t *c, cf_block_header_t const *h, cf_hash_t const *hash) {
  c->accepted = 0;
  c->head    = *h;
  c->hash    = *hash;
  c->started = true;
}

cf_status_t cf_chain_start(cf_chain_t *c, cf_span_t block, cf_span_t const *expect, cf_error_t *err) {
  assert(!c->started);
  cf_block_t  b;
  cf_status_t st = cf_block_decode(&b, block);
  if (st) return cf_error_set(err, st, "ledger.block", 0, "block 0 is not well formed");
  if (b.header.number != 0 || b.header.calls != 0) return cf_error_set(err, CF_ERR_STALE, "ledger.block", 0, "block 0 is due");
  if (expect && !cf_span_eq(*expect, b.body))
    return cf_error_set(err, CF_ERR_AUTH, "ledger.block", 0, "block 0 has another genesis");
  st = cf_ledger_genesis_decode(&c->genesis, b.body, err);
  if (!st) st = construct(c, err);
  if (st) {
    c->broken = true;
    return st;
  }
  cf_hash_t head0 = cf_settlement_head0(&c->genesis.config.separator), hash = cf_block_hash(&b.header);
  cf_hash_t root = cf_ledger_state_root(c->state);
  st             = signed_by_key(c, &hash, b.sig, err);
  if (st) {
    c->broken = true;
    return st;
  }
  if (!cf_hash_eq(&b.header.parent, &head0) || b.header.time_s != c->genesis.time_s)
    return broken(c, err, "block 0 does not match its genesis");
  if (!cf_hash_eq(&root, &b.header.state_root)) return broken(c, err, "block 0 has another state root");
  advance(c, &b.header, &hash);
  return CF_OK;
}

/* ---- calls ---- */

/* Who sent it: checked by signature and next nonce.  An unsigned call has no sender, and its nonce is free. */
static cf_refusal_t admit(cf_chain_t *c, uint64_t time_s, cf_call_t const *call, cf_hash_t const *id, cf_hash_t *nonce_slot) {
  if (time_s > call->deadline_s) return (cf_refusal_t){ CF_REFUSAL_DEADLINE, { call->deadline_s } };
  if (cf_addr_eq(&call->from, &nobody)) return (cf_refusal_t){ 0 };
  cf_addr_t signer;
  if (cf_k256_recover(&signer, call->sig, id) || !cf_addr_eq(&signer, &call->from))
    return (cf_refusal_t){ .code = CF_REFUSAL_SENDER };
  *nonce_slot    = cf_slot_nonce(&call->from);
  cf_hash_t word = cf_ledger_state_get(c->state, nonce_slot);
  uint64_t  next = cf_word_get(&word, 0, 64);
  return call->nonce == next ? (cf_refusal_t){ 0 } : (cf_refusal_t){ CF_REFUSAL_NONCE, { next } };
}

static void commit(cf_chain_t *c, cf_ledger_effects_t const *fx) {
  for (size_t i = 0; i < fx->writes_cnt; i++) cf_ledger_state_put(c->state, &fx->writes[i].key, &fx->writes[i].value);
  if (fx->message.len) cf_ledger_state_add_message(c->state, fx->message);
  cf_ledger_state_move(c->state, fx);
}

cf_refusal_t cf_chain_call(cf_chain_t *c, uint64_t time_s, cf_span_t bytes, cf_ledger_effects_t *fx) {
  cf_ledger_config_t const *cfg = &c->genesis.config;
  cf_call_t                 call;
  cf_op_t                   op;
  if (cf_call_decode(&call, bytes) || cf_op_decode(&op, call.op)) return (cf_refusal_t){ .code = CF_REFUSAL_CALL };
  cf_hash_t    id = cf_call_id(&cfg->separator, &call), nonce_slot;
  cf_refusal_t no = admit(c, time_s, &call, &id, &nonce_slot);
  if (no.code) return no;

  cf_ledger_env_t env = { .time_s = time_s, .sender = call.from, .chain_id = cfg->chain_id, .contract = cfg->contract,
                          .held = cf_ledger_state_held(c->state, op.asset) };
  *fx = cf_ledger_state_effects(c->state);
  no  = cf_ledger_apply(cfg, cf_ledger_state_reader(c->state), &env, &op, fx);
  if (no.code) return no;
  commit(c, fx);
  if (!cf_addr_eq(&call.from, &nobody)) {
    cf_hash_t next = cf_word_u64(call.nonce + 1);
    cf_ledger_state_put(c->state, &nonce_slot, &next);
  }
  cf_ledger_state_add_call(c->state, &id, (cf_call_place_t){ c->head.number + 1, c->accepted++ });
  if (c->hook) c->hook(c->hook_ctx, &call, &op, fx);
  return no;
}

/* ---- replay ---- */

static cf_status_t replay_calls(cf_chain_t *c, cf_block_t const *b, cf_error_t *err) {
  cf_rd_t             body = cf_rd_span(b->body);
  cf_ledger_effects_t fx;
  cf_span_t           bytes;
  uint32_t            n = 0;
  for (; n < b->header.calls && cf_block_call_next(&body, &bytes); n++) {
    cf_refusal_t no = cf_chain_call(c, b->header.time_s, bytes, &fx);
    if (no.code) {
      c->broken = true;
      return cf_error_set(err, CF_ERR_POLICY, "ledger.block", body.pos, "call %u of block %llu is refused: %s", n,
                          (unsigned long long)b->header.number, cf_refusal_name(no.code));
    }
  }
  return n == b->header.calls && cf_rd_done(&body) ? CF_OK : broken(c, err, "the body does not hold the calls it says");
}

cf_status_t cf_chain_replay(cf_chain_t *c, cf_span_t block, cf_error_t *err) {
  assert(c->started);
  if (c->broken) return cf_error_set(err, CF_ERR_POLICY, "ledger.block", 0, "the chain broke at an earlier block");
  cf_block_t  b;
  cf_status_t st = cf_block_decode(&b, block);
  if (st) return cf_error_set(err, st, "ledger.block", 0, "not well formed");
  if (b.header.number != c->head.number + 1)
    return cf_error_set(err, CF_ERR_STALE, "ledger.block", 0, "block %llu is due, not %llu",
                        (unsigned long long)c->head.number + 1, (unsigned long long)b.header.number);
  if (!cf_hash_eq(&b.header.parent, &c->hash)) return cf_error_set(err, CF_ERR_AUTH, "ledger.block", 0, "has another parent");
  cf_hash_t hash = cf_block_hash(&b.header);
  st             = signed_by_key(c, &hash, b.sig, err);
  if (st) return st;

  if (b.header.time_s < c->head.time_s || b.header.time_s > CF_LEDGER_TIME_MAX) return broken(c, err, "time falls");
  st = replay_calls(c, &b, err);
  if (st) return st;
  cf_hash_t root = cf_ledger_state_root(c->state);
  if (!cf_hash_eq(&root, &b.header.state_root)) return broken(c, err, "has another state root");
  advance(c, &b.header, &hash);
  return CF_OK;
}

/* ---- making ---- */

static void seal(cf_chain_t *c, cf_wr_t *wr, cf_block_header_t h, cf_span_t body, uint8_t const scalar[32]) {
  h.body_hash      = cf_keccak256(body);
  h.state_root     = cf_ledger_state_root(c->state);
  cf_hash_t  hash  = cf_block_hash(&h);
  cf_hash_t  digest = cf_block_digest(&c->genesis.config.separator, &hash);
  cf_block_t b      = { .header = h, .body = body };
  cf_status_t st    = cf_k256_sign(b.sig, scalar, &digest);
  assert(!st);
  (void)st;
  cf_block_write(wr, &b);
  assert(!wr->bad);
  advance(c, &h, &hash);
}

void cf_chain_seal(cf_chain_t *c, cf_wr_t *wr, uint64_t time_s, cf_span_t body, uint32_t calls, uint8_t const scalar[32]) {
  assert(c->started && !c->broken && time_s >= c->head.time_s && time_s <= CF_LEDGER_TIME_MAX);
  seal(c, wr, (cf_block_header_t){ .number = c->head.number + 1, .parent = c->hash, .time_s = time_s, .calls = calls }, body,
       scalar);
}

cf_status_t cf_chain_found(cf_chain_t *c, cf_wr_t *wr, cf_ledger_genesis_t const *g, uint8_t const scalar[32], cf_error_t *err) {
  assert(!c->started);
  cf_addr_t signer;
  c->genesis     = *g;
  cf_status_t st = construct(c, err);
  if (!st) st = cf_k256_addr(&signer, scalar);
  if (!st && !cf_addr_eq(&signer, &g->config.contract))
    st = cf_error_set(err, CF_ERR_POLICY, "ledger.contract", 0, "is not the address of the block key");
  if (st) {
    c->broken = true;
    return st;
  }
  uint8_t body[CF_GENESIS_BYTES_MAX];
  cf_wr_t body_wr = cf_wr_init(body, sizeof body);
  cf_ledger_genesis_write(&body_wr, &c->genesis);
  assert(!body_wr.bad);
  seal(c, wr, (cf_block_header_t){ .parent = cf_settlement_head0(&c->genesis.config.separator), .time_s = g->time_s },
       cf_wr_out(&body_wr), scalar);
  return CF_OK;
}
