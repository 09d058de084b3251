#include "ledger/cf_act.h"

#include "ledger/cf_settlement.h"

bool cf_seats_check(cf_seats_t const *s) {
  static cf_addr_t const nobody;
  if (s->n > CF_SEATS_MAX || s->k < 1 || s->k > s->n || s->k < s->f + 1) return false;
  for (size_t i = 0; i < s->n; i++) {
    if (cf_addr_eq(&s->member[i], &nobody)) return false;
    for (size_t j = 0; j < i; j++)
      if (cf_addr_eq(&s->member[i], &s->member[j])) return false;
  }
  return true;
}

void cf_seats_write(cf_wr_t *wr, cf_seats_t const *s) {
  cf_wr_u8(wr, s->k);
  cf_wr_u8(wr, s->f);
  cf_wr_u8(wr, s->n);
  for (size_t i = 0; i < s->n; i++) cf_wr_bytes(wr, s->member[i].b, 20);
}

cf_seats_t cf_seats_read(cf_rd_t *rd) {
  cf_seats_t s = { .k = cf_rd_u8(rd) };
  s.f          = cf_rd_u8(rd);
  s.n          = cf_rd_u8(rd);
  if (s.n > CF_SEATS_MAX) {
    rd->bad = true;
    s.n     = 0;
  }
  for (size_t i = 0; i < s.n; i++) cf_rd_copy(rd, s.member[i].b, 20);
  return s;
}

cf_ledger_council_t cf_act_council(cf_act_kind_t kind) {
  return kind == CF_ACT_REVOKE || kind == CF_ACT_PAUSE ? CF_LEDGER_GUARDIANS : CF_LEDGER_GOVERNORS;
}

void cf_act_write(cf_wr_t *wr, cf_act_t const *a) {
  cf_wr_u8(wr, (uint8_t)a->kind);
  switch (a->kind) {
  case CF_ACT_REVOKE: cf_wr_hash(wr, &a->hash); return;
  case CF_ACT_PAUSE: return;
  case CF_ACT_SCHEDULE_POLICY:
    cf_wr_u32(wr, a->policy);
    cf_wr_hash(wr, &a->hash);
    cf_wr_hash(wr, &a->tcb_mask);
    cf_wr_u40(wr, a->from_s);
    return;
  case CF_ACT_SCHEDULE_MEASUREMENT:
    cf_wr_u32(wr, a->policy);
    cf_wr_hash(wr, &a->hash);
    cf_wr_u40(wr, a->from_s);
    cf_wr_u40(wr, a->until_s);
    return;
  case CF_ACT_SCHEDULE_COUNCILS:
    cf_wr_u32(wr, a->version);
    cf_wr_u40(wr, a->from_s);
    for (size_t i = 0; i < CF_LEDGER_COUNCILS; i++) cf_seats_write(wr, &a->councils[i]);
    return;
  case CF_ACT_SCHEDULE_ASSET:
    cf_wr_u24(wr, a->asset);
    cf_wr_bytes(wr, a->token.b, 20);
    cf_wr_u8(wr, a->scale);
    cf_wr_u64(wr, a->cap);
    cf_wr_u40(wr, a->from_s);
    return;
  case CF_ACT_RAISE_CAP:
    cf_wr_u24(wr, a->asset);
    cf_wr_u64(wr, a->cap);
    cf_wr_u40(wr, a->from_s);
    return;
  case CF_ACT_END_MEASUREMENT:
    cf_wr_u32(wr, a->policy);
    cf_wr_hash(wr, &a->hash);
    cf_wr_u40(wr, a->until_s);
    return;
  case CF_ACT_DELIST_ASSET: cf_wr_u24(wr, a->asset); return;
  case CF_ACT_LOWER_CAP:
    cf_wr_u24(wr, a->asset);
    cf_wr_u64(wr, a->cap);
    return;
  case CF_ACT_RAISE_KEY_POLICY: cf_wr_u32(wr, a->policy); return;
  case CF_ACT_REMOVE_MEMBER:
    cf_wr_u8(wr, a->council);
    cf_wr_u32(wr, a->version);
    cf_wr_u8(wr, a->member);
    return;
  }
}

/* Reads the fields of act->kind; false for a kind that there is not. */
static bool read_fields(cf_act_t *a, cf_rd_t *rd) {
  switch (a->kind) {
  case CF_ACT_REVOKE: a->hash = cf_rd_hash(rd); return true;
  case CF_ACT_PAUSE: return true;
  case CF_ACT_SCHEDULE_POLICY:
    a->policy   = cf_rd_u32(rd);
    a->hash     = cf_rd_hash(rd);
    a->tcb_mask = cf_rd_hash(rd);
    a->from_s   = cf_rd_u40(rd);
    return true;
  case CF_ACT_SCHEDULE_MEASUREMENT:
    a->policy  = cf_rd_u32(rd);
    a->hash    = cf_rd_hash(rd);
    a->from_s  = cf_rd_u40(rd);
    a->until_s = cf_rd_u40(rd);
    return true;
  case CF_ACT_SCHEDULE_COUNCILS:
    a->version = cf_rd_u32(rd);
    a->from_s  = cf_rd_u40(rd);
    for (size_t i = 0; i < CF_LEDGER_COUNCILS; i++) a->councils[i] = cf_seats_read(rd);
    return true;
  case CF_ACT_SCHEDULE_ASSET:
    a->asset = cf_rd_u24(rd);
    cf_rd_copy(rd, a->token.b, 20);
    a->scale  = cf_rd_u8(rd);
    a->cap    = cf_rd_u64(rd);
    a->from_s = cf_rd_u40(rd);
    return true;
  case CF_ACT_RAISE_CAP:
    a->asset  = cf_rd_u24(rd);
    a->cap    = cf_rd_u64(rd);
    a->from_s = cf_rd_u40(rd);
    return true;
  case CF_ACT_END_MEASUREMENT:
    a->policy  = cf_rd_u32(rd);
    a->hash    = cf_rd_hash(rd);
    a->until_s = cf_rd_u40(rd);
    return true;
  case CF_ACT_DELIST_ASSET: a->asset = cf_rd_u24(rd); return true;
  case CF_ACT_LOWER_CAP:
    a->asset = cf_rd_u24(rd);
    a->cap   = cf_rd_u64(rd);
    return true;
  case CF_ACT_RAISE_KEY_POLICY: a->policy = cf_rd_u32(rd); return true;
  case CF_ACT_REMOVE_MEMBER:
    a->council = cf_rd_u8(rd);
    a->version = cf_rd_u32(rd);
    a->member  = cf_rd_u8(rd);
    return true;
  }
  return false;
}

cf_status_t cf_act_decode(cf_act_t *act, cf_span_t body) {
  cf_rd_t  rd = cf_rd_span(body);
  cf_act_t a  = { .kind = (cf_act_kind_t)cf_rd_u8(&rd) };
  if (!read_fields(&a, &rd) || !cf_rd_done(&rd)) return CF_ERR_FORMAT;
  if (a.from_s > CF_LEDGER_TIME_MAX || a.until_s > CF_LEDGER_TIME_MAX) return CF_ERR_FORMAT;
  *act = a;
  return CF_OK;
}
