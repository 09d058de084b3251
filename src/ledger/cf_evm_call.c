#include "ledger/cf_evm_call.h"

#include <assert.h>

#include "base/cf_text.h"
#include "codec/cf_abi.h"
#include "ledger/cf_evm_code.h"

_Static_assert(CF_EVM_CODE_SZ + 64 + 32 <= 32768 && CF_EVM_ROOT_CODE_SZ + 64 + 32 <= 32768, "CF_EVM_DEPLOY_MAX");

/* ---- calls: one list of fields for both directions ---- */

typedef struct {
  cf_rd_t *rd; /* or */
  cf_wr_t *wr;
} io_t;

static uint64_t io_uint(io_t io, uint64_t v, unsigned bits) {
  if (io.rd) return cf_abi_uint(io.rd, bits);
  cf_abi_w_uint(io.wr, v);
  return v;
}

static void io_addr(io_t io, cf_addr_t *a) {
  if (io.rd) *a = cf_abi_addr(io.rd);
  else cf_abi_w_addr(io.wr, a);
}

static void io_word(io_t io, cf_hash_t *w) {
  if (io.rd) *w = cf_rd_hash(io.rd);
  else cf_wr_hash(io.wr, w);
}

/* A signature's two words. */
static void io_sig(io_t io, uint8_t sig[64]) {
  if (io.rd) cf_rd_copy(io.rd, sig, 64);
  else cf_wr_bytes(io.wr, sig, 64);
}

/* Where the tail of "bytes" stands behind the first argument. */
static void io_offset(io_t io, size_t at) {
  if (io_uint(io, at, 64) != at) io.rd->bad = true;
}

static void io_lane(io_t io, cf_op_t *op) {
  op->asset = (uint32_t)io_uint(io, op->asset, 24);
  op->id    = (uint32_t)io_uint(io, op->id, 32);
}

/* Council signatures: bytes of (seat u8, signature). */
static void io_sigs(io_t io, cf_member_sigs_t *sigs) {
  uint8_t buf[CF_SEATS_MAX * 65];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  if (io.wr) {
    for (size_t i = 0; i < sigs->cnt; i++) {
      cf_wr_u8(&wr, sigs->at[i].member);
      cf_wr_bytes(&wr, sigs->at[i].sig, 64);
    }
    cf_abi_w_bytes(io.wr, cf_wr_out(&wr));
    return;
  }
  cf_span_t s = cf_abi_bytes(io.rd);
  cf_rd_t   rd = cf_rd_span(s);
  if (s.len % 65 || s.len > sizeof buf) {
    io.rd->bad = true;
    return;
  }
  sigs->cnt = (uint8_t)(s.len / 65);
  for (size_t i = 0; i < sigs->cnt; i++) {
    sigs->at[i].member = cf_rd_u8(&rd);
    cf_rd_copy(&rd, sigs->at[i].sig, 64);
  }
}

static void io_bytes(io_t io, cf_span_t *s) {
  if (io.rd) *s = cf_abi_bytes(io.rd);
  else cf_abi_w_bytes(io.wr, *s);
}

static void io_settle(io_t io, cf_op_t *op) {
  io_word(io, &op->meta);
  io_word(io, &op->state_root);
  io_word(io, &op->receipts);
  io_sig(io, op->sig);
  if (io.rd) op->body = cf_rd_take_span(io.rd, cf_rd_left(io.rd));
  else cf_wr_span(io.wr, op->body);
}

static void io_register(io_t io, cf_op_t *op) {
  cf_registration_t *r = &op->registration;
  io_addr(io, &r->key);
  io_word(io, &r->terms);
  io_word(io, &r->instance);
  io_word(io, &r->certificate);
  io_word(io, &r->measurement);
  io_word(io, &r->evidence);
  io_sig(io, op->sig);
  io_offset(io, 9 * 32);
  io_sigs(io, &op->sigs);
}

static void io_act(io_t io, cf_op_t *op) {
  op->council     = (uint8_t)io_uint(io, op->council, 8);
  op->version     = (uint32_t)io_uint(io, op->version, 32);
  op->number      = io_uint(io, op->number, 48);
  op->not_after_s = io_uint(io, op->not_after_s, 40);
  io_offset(io, 6 * 32);
  /* The body's offset stands before the number of signatures does. */
  uint64_t body_at = io_uint(io, 6 * 32 + cf_abi_bytes_sz(op->sigs.cnt * 65), 64);
  io_sigs(io, &op->sigs);
  if (io.rd && body_at != 6 * 32 + cf_abi_bytes_sz(op->sigs.cnt * 65)) io.rd->bad = true;
  io_bytes(io, &op->body);
}

/* A uint of bits above 64, up to 128. */
static void io_wide(io_t io, cf_u128_t *v, unsigned bits) {
  cf_hash_t word = { { 0 } };
  if (io.wr) {
    cf_word_set(&word, 64, 64, (uint64_t)(*v >> 64));
    cf_word_set(&word, 0, 64, (uint64_t)*v);
    if (*v >> bits) io.wr->bad = true;
    cf_wr_hash(io.wr, &word);
    return;
  }
  word = cf_rd_hash(io.rd);
  *v   = (cf_u128_t)cf_word_get(&word, 64, 64) << 64 | cf_word_get(&word, 0, 64);
  if (cf_word_get(&word, 128, 64) || cf_word_get(&word, 192, 64) || *v >> bits) io.rd->bad = true;
}

static void io_root_exit(io_t io, cf_op_t *op) {
  io_word(io, &op->meta);
  io_word(io, &op->prev_head);
  io_word(io, &op->state_root);
  io_word(io, &op->entries);
  io_word(io, &op->receipts);
  io_lane(io, op);
  io_wide(io, &op->leaf.balance, 96);
  io_wide(io, &op->leaf.credited_in, 80);
  io_wide(io, &op->leaf.released, 80);
  io_word(io, &op->leaf.salt);
  if (io.rd) op->body = cf_rd_take_span(io.rd, CF_ROOT_PATH_SZ);
  else cf_wr_span(io.wr, op->body);
}

static void io_call(io_t io, cf_op_t *op) {
  switch (op->kind) {
  case CF_OP_SETTLE: io_settle(io, op); return;
  case CF_OP_OPEN: io_addr(io, &op->addr); return;
  case CF_OP_OPEN_LANE: io_lane(io, op); return;
  case CF_OP_DEPOSIT:
    io_lane(io, op);
    op->units = io_uint(io, op->units, 64);
    return;
  case CF_OP_WITHDRAW:
    io_lane(io, op);
    op->units = io_uint(io, op->units, 64);
    io_addr(io, &op->addr);
    return;
  case CF_OP_REQUEST_EXIT: op->id = (uint32_t)io_uint(io, op->id, 32); return;
  case CF_OP_FINALIZE_EXIT:
    io_lane(io, op);
    io_addr(io, &op->addr);
    return;
  case CF_OP_ROOT_EXIT: io_root_exit(io, op); return;
  case CF_OP_ALARM:
  case CF_OP_DECLARE_DEAD: return;
  case CF_OP_REGISTER: io_register(io, op); return;
  case CF_OP_REVOKE_KEY:
    io_addr(io, &op->addr);
    io_sig(io, op->sig);
    return;
  case CF_OP_ACT: io_act(io, op); return;
  }
}

static struct {
  cf_op_kind_t kind;
  uint32_t     selector;
} const calls[] = {
  { CF_OP_SETTLE, CF_EVM_CALL_SETTLE },
  { CF_OP_OPEN, CF_EVM_CALL_OPEN },
  { CF_OP_OPEN_LANE, CF_EVM_CALL_OPEN_LANE },
  { CF_OP_DEPOSIT, CF_EVM_CALL_DEPOSIT },
  { CF_OP_WITHDRAW, CF_EVM_CALL_WITHDRAW },
  { CF_OP_REQUEST_EXIT, CF_EVM_CALL_REQUEST_EXIT },
  { CF_OP_FINALIZE_EXIT, CF_EVM_CALL_FINALIZE_EXIT },
  { CF_OP_ROOT_EXIT, CF_EVM_CALL_ROOT_EXIT },
  { CF_OP_ALARM, CF_EVM_CALL_ALARM },
  { CF_OP_DECLARE_DEAD, CF_EVM_CALL_DECLARE_DEAD },
  { CF_OP_REGISTER, CF_EVM_CALL_REGISTER },
  { CF_OP_REVOKE_KEY, CF_EVM_CALL_REVOKE_KEY },
  { CF_OP_ACT, CF_EVM_CALL_ACT },
};
#define CALLS (sizeof calls / sizeof *calls)

void cf_evm_call_write(cf_wr_t *wr, cf_op_t const *op) {
  cf_op_t copy = *op;
  size_t  i    = 0;
  while (i < CALLS && calls[i].kind != op->kind) i++;
  if (i == CALLS) {
    wr->bad = true;
    return;
  }
  cf_wr_u32(wr, calls[i].selector);
  io_call((io_t){ .wr = wr }, &copy);
}

cf_status_t cf_evm_call_decode(cf_op_t *op, cf_span_t calldata) {
  if (calldata.len > CF_EVM_CALL_MAX) return CF_ERR_BOUND;
  cf_rd_t  rd       = cf_rd_span(calldata);
  uint32_t selector = cf_rd_u32(&rd);
  size_t   i        = 0;
  while (i < CALLS && calls[i].selector != selector) i++;
  if (rd.bad) return CF_ERR_FORMAT;
  if (i == CALLS) return CF_ERR_UNSUPPORTED;
  cf_op_t out = { .kind = calls[i].kind };
  io_call((io_t){ .rd = &rd }, &out);
  if (!cf_rd_done(&rd)) return CF_ERR_FORMAT;
  *op = out;
  return CF_OK;
}

void cf_evm_deploy_write(cf_wr_t *wr, cf_ledger_genesis_t const *genesis) {
  uint8_t buf[CF_GENESIS_BYTES_MAX];
  cf_wr_t bytes = cf_wr_init(buf, sizeof buf);
  cf_ledger_genesis_write(&bytes, genesis);
  assert(!bytes.bad);
  if (genesis->config.mode == CF_MODE_ROOT) cf_wr_bytes(wr, cf_evm_root_code, CF_EVM_ROOT_CODE_SZ);
  else cf_wr_bytes(wr, cf_evm_code, CF_EVM_CODE_SZ);
  cf_abi_w_uint(wr, 32);
  cf_abi_w_bytes(wr, cf_wr_out(&bytes));
}

/* ---- events ---- */

static struct {
  size_t    topics; /* that one and the indexed arguments */
  cf_hash_t topic;
} const events[] = {
  [CF_EVM_INBOX]      = { 1, { CF_EVM_EVENT_INBOX } },
  [CF_EVM_SETTLED]    = { 2, { CF_EVM_EVENT_SETTLED } },
  [CF_EVM_REGISTERED] = { 2, { CF_EVM_EVENT_REGISTERED } },
};
#define EVENTS (sizeof events / sizeof *events)

cf_hash_t cf_evm_event_topic(cf_evm_event_kind_t kind) { return events[kind].topic; }

static void read_event(cf_evm_event_t *ev, cf_rd_t *topic, cf_rd_t *rd) {
  switch (ev->kind) {
  case CF_EVM_INBOX: {
    if (cf_abi_uint(rd, 64) != 32) rd->bad = true;
    ev->message    = cf_abi_bytes(rd);
    cf_rd_t message = cf_rd_span(ev->message);
    (void)cf_inbox_msg_read(&message);
    if (!cf_rd_done(&message)) rd->bad = true;
    return;
  }
  case CF_EVM_SETTLED:
    ev->head                  = cf_rd_hash(topic);
    ev->settlement.meta       = cf_rd_hash(rd);
    ev->settlement.state_root = cf_rd_hash(rd);
    ev->settlement.entries    = cf_rd_hash(rd);
    ev->settlement.receipts   = cf_rd_hash(rd);
    return;
  case CF_EVM_REGISTERED:
    ev->key          = cf_abi_addr(topic);
    ev->not_before_s = cf_abi_uint(rd, 40);
    return;
  }
}

cf_status_t cf_evm_event_decode(cf_evm_event_t *ev, cf_evm_log_t const *log, cf_addr_t const *contract) {
  size_t kind = 0;
  if (!cf_addr_eq(&log->addr, contract) || log->topics_cnt == 0) return CF_ERR_UNSUPPORTED;
  while (kind < EVENTS && !cf_hash_eq(&events[kind].topic, &log->topics[0])) kind++;
  if (kind == EVENTS) return CF_ERR_UNSUPPORTED;
  cf_evm_event_t out   = { .kind = (cf_evm_event_kind_t)kind };
  cf_rd_t        topic = cf_rd_init(log->topics[1].b, 32 * (log->topics_cnt - 1)), rd = cf_rd_span(log->data);
  if (log->topics_cnt != events[kind].topics) return CF_ERR_FORMAT;
  read_event(&out, &topic, &rd);
  if (!cf_rd_done(&rd) || !cf_rd_done(&topic)) return CF_ERR_FORMAT;
  *ev = out;
  return CF_OK;
}

/* ---- errors ---- */

static struct {
  char const *name;
  uint32_t    selector;
  size_t      facts;
  bool        text;
} const errors[] = {
#define X(name, selector, facts) { #name, selector, facts, false },
  CF_EVM_ERRORS(X)
#undef X
  { "Error", 0x08c379a0u, 1, true },  /* Error(string): Solidity's require */
  { "Panic", 0x4e487b71u, 1, false }, /* Panic(uint256) */
};
#define ERRORS (sizeof errors / sizeof *errors)

static cf_refusal_code_t refusal_of(char const *name) {
  for (cf_refusal_code_t c = CF_REFUSAL_WRONG_CHAIN; c < CF_REFUSALS; c++)
    if (strcmp(cf_refusal_name(c), name) == 0) return c;
  return CF_REFUSAL_NONE;
}

static uint64_t low(cf_hash_t const *word) {
  for (size_t i = 0; i < 24; i++)
    if (word->b[i]) return UINT64_MAX;
  return cf_word_get(word, 0, 64);
}

cf_status_t cf_evm_revert_decode(cf_evm_revert_t *out, cf_span_t data) {
  cf_rd_t  rd       = cf_rd_span(data);
  uint32_t selector = cf_rd_u32(&rd);
  size_t   i        = 0;
  while (i < ERRORS && errors[i].selector != selector) i++;
  if (rd.bad || i == ERRORS) return CF_ERR_UNSUPPORTED;
  cf_evm_revert_t r = { .name = errors[i].name, .refusal.code = refusal_of(errors[i].name) };
  if (errors[i].text || strcmp(r.name, "Genesis") == 0) {
    if (cf_abi_uint(&rd, 64) != 32) rd.bad = true;
    r.text = cf_abi_bytes(&rd);
    if (!cf_utf8_valid(r.text)) rd.bad = true;
  } else {
    for (; r.facts_cnt < errors[i].facts; r.facts_cnt++) {
      r.facts[r.facts_cnt]        = cf_rd_hash(&rd);
      r.refusal.fact[r.facts_cnt] = low(&r.facts[r.facts_cnt]);
    }
  }
  if (!cf_rd_done(&rd)) return CF_ERR_FORMAT;
  *out = r;
  return CF_OK;
}
