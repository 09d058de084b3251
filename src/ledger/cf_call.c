#include "ledger/cf_call.h"

#define OP_VERSION 1

static cf_addr_t const nobody;

static void write_sigs(cf_wr_t *wr, cf_member_sigs_t const *sigs) {
  cf_wr_u8(wr, sigs->cnt);
  for (size_t i = 0; i < sigs->cnt; i++) {
    cf_wr_u8(wr, sigs->at[i].member);
    cf_wr_bytes(wr, sigs->at[i].sig, 64);
  }
}

static void read_sigs(cf_rd_t *rd, cf_member_sigs_t *sigs) {
  sigs->cnt = cf_rd_u8(rd);
  if (sigs->cnt > CF_SEATS_MAX) {
    rd->bad   = true;
    sigs->cnt = 0;
  }
  for (size_t i = 0; i < sigs->cnt; i++) {
    sigs->at[i].member = cf_rd_u8(rd);
    cf_rd_copy(rd, sigs->at[i].sig, 64);
  }
}

static void write_lane(cf_wr_t *wr, cf_op_t const *op) {
  cf_wr_u24(wr, op->asset);
  cf_wr_u32(wr, op->id);
}

static void read_lane(cf_rd_t *rd, cf_op_t *op) {
  op->asset = cf_rd_u24(rd);
  op->id    = cf_rd_u32(rd);
}

static void write_registration(cf_wr_t *wr, cf_registration_t const *r) {
  cf_wr_bytes(wr, r->key.b, 20);
  cf_wr_hash(wr, &r->terms);
  cf_wr_hash(wr, &r->instance);
  cf_wr_hash(wr, &r->certificate);
  cf_wr_hash(wr, &r->measurement);
  cf_wr_hash(wr, &r->evidence);
}

static void read_registration(cf_rd_t *rd, cf_registration_t *r) {
  cf_rd_copy(rd, r->key.b, 20);
  r->terms       = cf_rd_hash(rd);
  r->instance    = cf_rd_hash(rd);
  r->certificate = cf_rd_hash(rd);
  r->measurement = cf_rd_hash(rd);
  r->evidence    = cf_rd_hash(rd);
}

void cf_op_write(cf_wr_t *wr, cf_op_t const *op) {
  cf_wr_u8(wr, OP_VERSION);
  cf_wr_u8(wr, (uint8_t)op->kind);
  switch (op->kind) {
  case CF_OP_SETTLE:
    cf_wr_hash(wr, &op->meta);
    cf_wr_hash(wr, &op->state_root);
    cf_wr_hash(wr, &op->receipts);
    cf_wr_bytes(wr, op->sig, 64);
    cf_wr_span(wr, op->body);
    return;
  case CF_OP_OPEN: cf_wr_bytes(wr, op->addr.b, 20); return;
  case CF_OP_OPEN_LANE: write_lane(wr, op); return;
  case CF_OP_DEPOSIT:
    write_lane(wr, op);
    cf_wr_u64(wr, op->units);
    return;
  case CF_OP_WITHDRAW:
    write_lane(wr, op);
    cf_wr_u64(wr, op->units);
    cf_wr_bytes(wr, op->addr.b, 20);
    return;
  case CF_OP_REQUEST_EXIT: cf_wr_u32(wr, op->id); return;
  case CF_OP_FINALIZE_EXIT:
    write_lane(wr, op);
    cf_wr_bytes(wr, op->addr.b, 20);
    return;
  case CF_OP_ROOT_EXIT:
    cf_wr_hash(wr, &op->meta);
    cf_wr_hash(wr, &op->prev_head);
    cf_wr_hash(wr, &op->state_root);
    cf_wr_hash(wr, &op->entries);
    cf_wr_hash(wr, &op->receipts);
    write_lane(wr, op);
    cf_root_leaf_write(wr, &op->leaf);
    cf_wr_span(wr, op->body);
    return;
  case CF_OP_ALARM:
  case CF_OP_DECLARE_DEAD: return;
  case CF_OP_REGISTER:
    write_registration(wr, &op->registration);
    cf_wr_bytes(wr, op->sig, 64);
    write_sigs(wr, &op->sigs);
    return;
  case CF_OP_REVOKE_KEY:
    cf_wr_bytes(wr, op->addr.b, 20);
    cf_wr_bytes(wr, op->sig, 64);
    return;
  case CF_OP_ACT:
    cf_wr_u8(wr, op->council);
    cf_wr_u32(wr, op->version);
    cf_wr_be(wr, op->number, 6);
    cf_wr_u40(wr, op->not_after_s);
    write_sigs(wr, &op->sigs);
    cf_wr_span(wr, op->body);
    return;
  }
}

/* Reads the fields of op->kind; false for a kind that there is not. */
static bool read_fields(cf_op_t *op, cf_rd_t *rd) {
  switch (op->kind) {
  case CF_OP_SETTLE:
    op->meta       = cf_rd_hash(rd);
    op->state_root = cf_rd_hash(rd);
    op->receipts   = cf_rd_hash(rd);
    cf_rd_copy(rd, op->sig, 64);
    op->body = cf_rd_take_span(rd, cf_rd_left(rd));
    return true;
  case CF_OP_OPEN: cf_rd_copy(rd, op->addr.b, 20); return true;
  case CF_OP_OPEN_LANE: read_lane(rd, op); return true;
  case CF_OP_DEPOSIT:
    read_lane(rd, op);
    op->units = cf_rd_u64(rd);
    return true;
  case CF_OP_WITHDRAW:
    read_lane(rd, op);
    op->units = cf_rd_u64(rd);
    cf_rd_copy(rd, op->addr.b, 20);
    return true;
  case CF_OP_REQUEST_EXIT: op->id = cf_rd_u32(rd); return true;
  case CF_OP_FINALIZE_EXIT:
    read_lane(rd, op);
    cf_rd_copy(rd, op->addr.b, 20);
    return true;
  case CF_OP_ROOT_EXIT:
    op->meta       = cf_rd_hash(rd);
    op->prev_head  = cf_rd_hash(rd);
    op->state_root = cf_rd_hash(rd);
    op->entries    = cf_rd_hash(rd);
    op->receipts   = cf_rd_hash(rd);
    read_lane(rd, op);
    op->leaf = cf_root_leaf_read(rd);
    op->body = cf_rd_take_span(rd, CF_ROOT_PATH_SZ);
    return true;
  case CF_OP_ALARM:
  case CF_OP_DECLARE_DEAD: return true;
  case CF_OP_REGISTER:
    read_registration(rd, &op->registration);
    cf_rd_copy(rd, op->sig, 64);
    read_sigs(rd, &op->sigs);
    return true;
  case CF_OP_REVOKE_KEY:
    cf_rd_copy(rd, op->addr.b, 20);
    cf_rd_copy(rd, op->sig, 64);
    return true;
  case CF_OP_ACT:
    op->council     = cf_rd_u8(rd);
    op->version     = cf_rd_u32(rd);
    op->number      = cf_rd_be(rd, 6);
    op->not_after_s = cf_rd_u40(rd);
    read_sigs(rd, &op->sigs);
    op->body = cf_rd_take_span(rd, cf_rd_left(rd));
    return true;
  }
  return false;
}

cf_status_t cf_op_decode(cf_op_t *op, cf_span_t in) {
  if (in.len > CF_OP_MAX) return CF_ERR_BOUND;
  cf_rd_t rd = cf_rd_span(in);
  if (cf_rd_u8(&rd) != OP_VERSION && !rd.bad) return CF_ERR_UNSUPPORTED;
  *op = (cf_op_t){ .kind = (cf_op_kind_t)cf_rd_u8(&rd) };
  if (rd.bad) return CF_ERR_FORMAT;
  if (!read_fields(op, &rd)) return CF_ERR_UNSUPPORTED;
  return cf_rd_done(&rd) ? CF_OK : CF_ERR_FORMAT;
}

void cf_call_write(cf_wr_t *wr, cf_call_t const *call) {
  cf_wr_bytes(wr, call->from.b, 20);
  cf_wr_u64(wr, call->nonce);
  cf_wr_u40(wr, call->deadline_s);
  if (!cf_addr_eq(&call->from, &nobody)) cf_wr_bytes(wr, call->sig, 64);
  cf_wr_span(wr, call->op);
}

cf_status_t cf_call_decode(cf_call_t *call, cf_span_t in) {
  if (in.len > CF_CALL_MAX) return CF_ERR_BOUND;
  cf_rd_t   rd = cf_rd_span(in);
  cf_call_t c  = { 0 };
  cf_rd_copy(&rd, c.from.b, 20);
  c.nonce      = cf_rd_u64(&rd);
  c.deadline_s = cf_rd_u40(&rd);
  if (!cf_addr_eq(&c.from, &nobody)) cf_rd_copy(&rd, c.sig, 64);
  c.op = cf_rd_take_span(&rd, cf_rd_left(&rd));
  if (rd.bad || c.op.len == 0) return CF_ERR_FORMAT;
  *call = c;
  return CF_OK;
}

cf_hash_t cf_call_id(cf_hash_t const *separator, cf_call_t const *call) {
  return cf_call_digest(separator, &call->from, call->nonce, call->deadline_s, call->op);
}

cf_status_t cf_call_sign(cf_call_t *call, cf_hash_t const *separator, uint8_t const scalar[32]) {
  cf_status_t st = cf_k256_addr(&call->from, scalar);
  if (st) return st;
  cf_hash_t digest = cf_call_id(separator, call);
  return cf_k256_sign(call->sig, scalar, &digest);
}
