/* The settler on a chain: each call becomes a transaction of the sender's, which brings it into one block or none.  Whether it was
   executed the head of a final block says (cf_settler_reached), not the sender.  docs/protocol/sender.md. */
#include "gateway/cf_gateway_state.h"

enum {
  GAS_MAX      = 1 << 24, /* of a transaction: EIP-7825 */
  GAS_BASE     = 150000,  /* of an empty settlement 40,000: contracts/gas.txt; a node's own account of it may be higher */
  GAS_ENTRY    = 30000,   /* of an entry whose slot was empty, calldata included: at most 23,000 */
  GAS_REGISTER = 250000,  /* with 16 signatures, and a council in every slot */
  ENTRY_SZ     = 12,
  RECHECK_MS   = 500,
  REVERTED_MS  = 12000, /* a refusal costs its gas: it is tried again later and later */
};

static cf_hash_t const none;

/* Gas that is not used is not paid; a limit too low is paid for nothing. */
static uint64_t
gas_of(cf_op_t const *op) {
  if (op->kind == CF_OP_REGISTER) return GAS_REGISTER;
  uint64_t gas = GAS_BASE + (uint64_t)GAS_ENTRY * (op->body.len / ENTRY_SZ);
  return gas < GAS_MAX ? gas : GAS_MAX;
}

/* The call as the sender takes it; its name is what it says, signature included: one content signed by two keys is two calls. */
static bool
call_of(cf_gateway_t *g, cf_sender_call_t *c, cf_op_t const *op) {
  cf_wr_t wr = cf_wr_init(g->evm->call, sizeof g->evm->call);
  cf_evm_call_write(&wr, op);
  if (wr.bad) return false;
  *c = (cf_sender_call_t){ .ref    = cf_sha256(cf_wr_out(&wr)),
                           .to     = g->domain.ledger.contract,
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

void
cf_settler_evm_ended(cf_gateway_t *g, cf_settled_t *s) {
  if (s->dropped || cf_hash_eq(&s->call, &none)) return;
  cf_sender_drop(&g->evm->sender, &s->call);
  s->dropped = g->evm->due = true;
}

/* Returns whether what stands on it may go, too. */
static bool
go(cf_gateway_t *g, cf_settled_t *s) {
  cf_sender_info_t info;
  cf_sender_call_t call;
  bool             known = !cf_hash_eq(&s->call, &none) && cf_sender_find(&g->evm->sender, &info, &s->call);
  if (known && info.state == CF_SENDER_MINED && s->block != info.block) cf_settler_in(g, s, info.block);
  if (g->now.mono_ms < s->retry_at_ms) return known;
  s->retry_at_ms = g->now.mono_ms + RECHECK_MS;
  if (known && info.state != CF_SENDER_FINAL) return true;
  if (known && info.outcome == CF_SENDER_REVERTED) { /* what it stood on was not there, or its key was not live yet */
    s->retry_at_ms = g->now.mono_ms + ((uint64_t)REVERTED_MS << (s->fails < 8 ? s->fails : 8));
    s->fails++;
  }
  cf_op_t const op = cf_settler_op(g, s);
  if (!call_of(g, &call, &op)) return false;
  if (!cf_hash_eq(&s->call, &call.ref)) cf_settler_evm_ended(g, s); /* signed anew: the old one would be refused */
  if (!submit(g, &call)) return false;
  s->call    = call.ref;
  s->dropped = false;
  cf_settler_sent(g, s);
  return true;
}

void
cf_settler_evm_go(cf_gateway_t *g) {
  for (size_t i = 0; i < g->acts_cnt; i++)
    if (!go(g, cf_settler_at(g, g->acts_number[i]))) return;
}

bool
cf_settler_evm_register(cf_gateway_t *g, cf_op_t const *op, uint64_t *block) {
  cf_sender_info_t info;
  cf_sender_call_t call;
  if (!call_of(g, &call, op)) return false;
  if (!cf_hash_eq(&g->evm->registration, &call.ref)) cf_sender_drop(&g->evm->sender, &g->evm->registration);
  g->evm->registration = call.ref;
  if (!cf_sender_find(&g->evm->sender, &info, &call.ref)) {
    (void)submit(g, &call);
    return false;
  }
  *block = info.block;
  return info.state == CF_SENDER_MINED || info.state == CF_SENDER_FINAL;
}
