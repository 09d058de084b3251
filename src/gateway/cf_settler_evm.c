/* The settler on a chain: each call becomes a transaction of the sender's, which brings it into one block or none.  Whether it was
   executed the head of a final block says (cf_settler_reached), not the sender.  docs/protocol/sender.md. */
#include "gateway/cf_chainside.h"

enum {
  GAS_MAX      = 1 << 24, /* of a transaction: EIP-7825 */
  GAS_BASE     = 150000,  /* of an empty settlement 40,000: contracts/gas.txt; a node's own account of it may be higher */
  GAS_ENTRY    = 30000,   /* of an entry whose slot was empty, calldata included: at most 23,000 */
  GAS_REGISTER = 250000,  /* with 16 signatures, and a council in every slot */
  ENTRY_SZ     = 12,
  RECHECK_MS   = 500,
  REVERTED_MS  = 12000, /* a refusal costs its gas: it is tried again later and later */
};

/* Gas that is not used is not paid; a limit too low is paid for nothing. */
static uint64_t
gas_of(cf_op_t const *op) {
  if (op->kind == CF_OP_REGISTER) return GAS_REGISTER;
  uint64_t gas = GAS_BASE + (uint64_t)GAS_ENTRY * (op->body.len / ENTRY_SZ);
  return gas < GAS_MAX ? gas : GAS_MAX;
}

/* One content signed by two keys is two calls.  Known from the log alone, so that a call of an earlier life is known again. */
cf_hash_t
cf_settler_evm_name(cf_settled_t const *s) {
  uint8_t both[32 + sizeof s->doc.signature];
  memcpy(both, s->digest.b, 32);
  memcpy(both + 32, s->doc.signature, sizeof s->doc.signature);
  return cf_sha256(CF_SPAN_OF(both));
}

/* The call as the sender takes it, but for its name. */
static bool
call_of(cf_gateway_t *g, cf_sender_call_t *c, cf_op_t const *op) {
  cf_wr_t wr = cf_wr_init(g->evm->call, sizeof g->evm->call);
  cf_evm_call_write(&wr, op);
  if (wr.bad) return false;
  *c = (cf_sender_call_t){ .to     = g->domain.ledger.contract,
                           .data   = cf_wr_out(&wr),
                           .gas    = gas_of(op),
                           .judged = g->views.ready ? g->views.ready - 1 : 0 };
  c->cap_wei = (cf_wei_t)g->cfg.evm.fee_max_wei * c->gas;
  return true;
}

static bool
submit(cf_gateway_t *g, cf_sender_call_t const *c) {
  if (cf_sender_submit(&g->evm->sender, c)) return false;
  g->evm->due = true;
  return true;
}

static cf_addr_t const *
signer(cf_settled_t *s) {
  static cf_addr_t const nobody;
  if (!s->signer_known && cf_k256_recover(&s->signer, s->doc.signature, &s->digest)) s->signer = nobody;
  s->signer_known = true;
  return &s->signer;
}

size_t
cf_settler_evm_signers(cf_gateway_t *g, cf_addr_t keys[CF_SIGNERS_MAX], cf_addr_t const *but) {
  size_t cnt = 0;
  for (uint64_t n = g->first_unsettled; n <= g->settlements && cnt < CF_SIGNERS_MAX; n++) {
    cf_settled_t *s = cf_settler_at(g, n);
    if (!s || s->over || cf_addr_eq(signer(s), but)) continue;
    size_t i = 0;
    while (i < cnt && !cf_addr_eq(&keys[i], &s->signer)) i++;
    if (i == cnt) keys[cnt++] = s->signer;
  }
  return cnt;
}

/* A fence, a revocation, time: the ledger takes nothing more of this key.  One that no view has shown yet is not judged. */
static bool
retired(cf_gateway_t const *g, cf_addr_t const *key) {
  cf_evm_state_t const *x   = &g->evm->state;
  uint64_t              now = cf_now_s(g) > g->views.time_s ? cf_now_s(g) : g->views.time_s;
  for (size_t i = 0; i < x->signers; i++)
    if (cf_addr_eq(&x->signer[i].key, key)) return x->signer[i].record.state != CF_KEY_UNKNOWN && !cf_ledger_key_settles(&x->signer[i].record, &x->status, now);
  return false;
}

/* It would be refused, and that costs as much as success.  Whether it is over for good final blocks say, which are older. */
static bool
vain(cf_gateway_t const *g, cf_settled_t *s) {
  return g->views.paused || cf_now_s(g) > s->valid_until_s || retired(g, signer(s));
}

/* Returns whether what stands on it may go, too. */
static bool
go(cf_gateway_t *g, cf_settled_t *s) {
  cf_sender_info_t info;
  cf_sender_call_t call;
  bool             known = cf_sender_find(&g->evm->sender, &info, &s->call);
  if (known && info.state != CF_SENDER_FINAL) {
    if (info.state != CF_SENDER_MINED) s->block = 0; /* it is in none, or not any more */
    else if (s->block != info.block) cf_settler_in(g, s, info.block);
    return true;
  }
  bool reverted = known && info.outcome == CF_SENDER_REVERTED; /* what it stood on was not there, or its key was not live yet */
  if (reverted && info.nonce + 1 != s->reverted) {
    s->reverted    = info.nonce + 1;
    s->retry_at_ms = g->now.mono_ms + ((uint64_t)REVERTED_MS << (s->fails < 8 ? s->fails : 8));
    s->fails++;
  }
  if (g->now.mono_ms < s->retry_at_ms || vain(g, s)) return known && info.outcome == CF_SENDER_EXECUTED;
  s->retry_at_ms   = g->now.mono_ms + RECHECK_MS;
  cf_op_t const op = cf_settler_op(g, s);
  if (!call_of(g, &call, &op)) return false;
  call.ref = s->call;
  if (!submit(g, &call)) return false;
  cf_settler_sent(g, s);
  return true;
}

/* ---- calls that nobody wants any more ---- */

static bool
wanted(cf_gateway_t *g, cf_hash_t const *ref, cf_span_t data) {
  cf_op_t op;
  if (cf_evm_call_decode(&op, data) == CF_OK && op.kind == CF_OP_REGISTER) return g->step < CF_STEP_FIRST || g->step > CF_STEP_SERVING;
  for (uint64_t n = g->first_unsettled; n <= g->settlements; n++) {
    cf_settled_t *s = cf_settler_at(g, n);
    if (s && !s->over && !vain(g, s) && cf_hash_eq(&s->call, ref)) return true;
  }
  return false;
}

/* Whatever the sender still brings to the chain, of this life or an earlier one, and what it was for is done, or cannot be: a key
   that is live; a content that was executed by whomever, or is void, or too old, or signed by another key by now, or meets a pause. */
static void
sweep(cf_gateway_t *g) {
  cf_hash_t ref;
  cf_span_t data;
  for (size_t pos = 0; cf_sender_each(&g->evm->sender, &pos, &ref, &data);) {
    if (wanted(g, &ref, data)) continue;
    cf_sender_drop(&g->evm->sender, &ref);
    g->evm->due = true;
  }
}

void
cf_settler_evm_go(cf_gateway_t *g) {
  sweep(g);
  for (size_t i = 0; i < g->acts_cnt; i++)
    if (!go(g, cf_settler_at(g, g->acts_number[i]))) return;
}

/* ---- registration ---- */

bool
cf_settler_evm_failed(cf_gateway_t const *g) {
  cf_sender_info_t info;
  return cf_sender_find(&g->evm->sender, &info, &g->evm->registration) && info.state == CF_SENDER_FINAL &&
         info.outcome != CF_SENDER_EXECUTED && info.block < g->views.shown;
}

/* A call of an earlier life registers the same key, by other results. */
static bool
on_its_way(cf_gateway_t const *g, cf_addr_t const *key, cf_hash_t *ref) {
  cf_op_t   op;
  cf_span_t data;
  for (size_t pos = 0; cf_sender_each(&g->evm->sender, &pos, ref, &data);)
    if (cf_evm_call_decode(&op, data) == CF_OK && op.kind == CF_OP_REGISTER && cf_addr_eq(&op.registration.key, key)) return true;
  return false;
}

bool
cf_settler_evm_register(cf_gateway_t *g, cf_op_t const *op, uint64_t *block) {
  cf_sender_info_t      info;
  cf_sender_call_t      call;
  cf_evm_state_t const *s = &g->evm->state;
  if (!s->at || !cf_addr_eq(&s->key, &op->registration.key)) { /* is it there already, of an earlier life, or by whomever? */
    if (g->views.ready) g->views.proven = true; /* the same block, asked for once more */
    else g->views.wanted = true;
    return false;
  }
  if (s->key_known) {
    *block = s->at - 1;
    return true;
  }
  if (!call_of(g, &call, op)) return false;
  if (!on_its_way(g, &op->registration.key, &call.ref)) call.ref = cf_sha256(call.data);
  if (!cf_hash_eq(&g->evm->registration, &call.ref)) cf_sender_drop(&g->evm->sender, &g->evm->registration);
  g->evm->registration = call.ref;
  bool known           = cf_sender_find(&g->evm->sender, &info, &call.ref);
  if (known && !cf_settler_evm_failed(g)) {
    *block = info.block;
    return info.state == CF_SENDER_MINED || info.state == CF_SENDER_FINAL;
  }
  if (g->now.mono_ms < g->register_at_ms) return false;
  g->register_at_ms = g->now.mono_ms + (known ? REVERTED_MS : 0); /* a refusal costs its gas */
  (void)submit(g, &call);
  return false;
}
