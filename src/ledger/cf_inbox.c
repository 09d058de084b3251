#include "ledger/cf_inbox.h"

#include "crypto/cf_hash.h"

/* One walk over the fields of a kind serves both directions: exactly one of rd and wr is set. */
typedef struct {
  cf_rd_t *rd;
  cf_wr_t *wr;
} io_t;

static uint64_t io_u(io_t io, uint64_t v, size_t n) {
  if (io.rd) return cf_rd_be(io.rd, n);
  cf_wr_be(io.wr, v, n);
  return v;
}

static void io_u32(io_t io, uint32_t *v) { *v = (uint32_t)io_u(io, *v, 4); }
static void io_u24(io_t io, uint32_t *v) { *v = (uint32_t)io_u(io, *v, 3); }
static void io_u8(io_t io, uint8_t *v) { *v = (uint8_t)io_u(io, *v, 1); }
static void io_u40(io_t io, uint64_t *v) { *v = io_u(io, *v, 5); }
static void io_u64(io_t io, uint64_t *v) { *v = io_u(io, *v, 8); }

static void io_bytes(io_t io, uint8_t *b, size_t n) {
  if (io.rd) cf_rd_copy(io.rd, b, n);
  else cf_wr_bytes(io.wr, b, n);
}

static void io_flag(io_t io, bool *v) {
  uint64_t u = io_u(io, *v, 1);
  if (io.rd && u > 1) io.rd->bad = true;
  *v = u == 1;
}

static void io_data(io_t io, cf_inbox_msg_t *m) {
  switch (m->kind) {
  case CF_INBOX_OPENED: io_u32(io, &m->id); io_bytes(io, m->addr.b, 20); return;
  case CF_INBOX_LANE_OPENED: io_u24(io, &m->asset); io_u32(io, &m->id); return;
  case CF_INBOX_DEPOSITED: io_u24(io, &m->asset); io_u32(io, &m->id); io_u64(io, &m->units); return;
  case CF_INBOX_EXIT_REQUESTED: io_u32(io, &m->id); return;
  case CF_INBOX_EXIT_PAID:
    io_u24(io, &m->asset);
    io_u32(io, &m->id);
    io_u64(io, &m->units);
    io_u64(io, &m->free_units);
    return;
  case CF_INBOX_ALARM: io_bytes(io, m->hash.b, 32); return;
  case CF_INBOX_DEAD: return;
  case CF_INBOX_INSTANCE_REVOKED: io_bytes(io, m->hash.b, 32); return;
  case CF_INBOX_KEY_REVOKED: io_bytes(io, m->addr.b, 20); return;
  case CF_INBOX_PAUSED: io_u40(io, &m->until_s); return;
  case CF_INBOX_POLICY_SCHEDULED: io_u32(io, &m->version); io_bytes(io, m->hash.b, 32); io_u40(io, &m->from_s); return;
  case CF_INBOX_MEASUREMENT_SET:
    io_u32(io, &m->version);
    io_bytes(io, m->hash.b, 32);
    io_u40(io, &m->from_s);
    io_u40(io, &m->until_s);
    return;
  case CF_INBOX_COUNCILS_SCHEDULED: io_u32(io, &m->version); io_bytes(io, m->hash.b, 32); io_u40(io, &m->from_s); return;
  case CF_INBOX_ASSET_SET:
    io_u24(io, &m->asset);
    io_bytes(io, m->addr.b, 20);
    io_u8(io, &m->scale);
    io_flag(io, &m->listed);
    io_u40(io, &m->from_s);
    return;
  case CF_INBOX_CAP_SET: io_u24(io, &m->asset); io_u64(io, &m->units); io_u40(io, &m->from_s); return;
  case CF_INBOX_KEY_POLICY_SET: io_u32(io, &m->version); return;
  case CF_INBOX_MEMBER_REMOVED: io_u8(io, &m->council); io_u32(io, &m->version); io_u8(io, &m->member); return;
  }
  if (io.rd) io.rd->bad = true;
}

void cf_inbox_msg_write(cf_wr_t *wr, cf_inbox_msg_t const *msg) {
  cf_inbox_msg_t m = *msg;
  cf_wr_u8(wr, (uint8_t)m.kind);
  cf_wr_u40(wr, m.time_s);
  io_data((io_t){ .wr = wr }, &m);
}

cf_inbox_msg_t cf_inbox_msg_read(cf_rd_t *rd) {
  cf_inbox_msg_t m = { .kind = (cf_inbox_kind_t)cf_rd_u8(rd) };
  m.time_s         = cf_rd_u40(rd);
  if (!rd->bad) io_data((io_t){ .rd = rd }, &m);
  return m;
}

cf_hash_t cf_inbox_fold(cf_hash_t const *inbox, cf_span_t msg) {
  uint8_t buf[32 + CF_INBOX_MSG_MAX];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_wr_hash(&wr, inbox);
  cf_wr_span(&wr, msg);
  return cf_keccak256(cf_wr_out(&wr));
}

cf_status_t cf_inbox_fold_all(cf_hash_t *inbox, uint64_t *cnt, cf_span_t msgs) {
  cf_hash_t folded = *inbox;
  uint64_t  n      = 0;
  cf_rd_t   rd     = cf_rd_span(msgs);
  while (cf_rd_left(&rd)) {
    size_t at = rd.pos;
    (void)cf_inbox_msg_read(&rd);
    if (rd.bad) return CF_ERR_FORMAT;
    folded = cf_inbox_fold(&folded, CF_SPAN(msgs.ptr + at, rd.pos - at));
    n++;
  }
  *inbox = folded;
  *cnt += n;
  return CF_OK;
}

char const *cf_inbox_kind_name(cf_inbox_kind_t kind) {
  switch (kind) {
  case CF_INBOX_OPENED: return "opened";
  case CF_INBOX_LANE_OPENED: return "lane-opened";
  case CF_INBOX_DEPOSITED: return "deposited";
  case CF_INBOX_EXIT_REQUESTED: return "exit-requested";
  case CF_INBOX_EXIT_PAID: return "exit-paid";
  case CF_INBOX_ALARM: return "alarm";
  case CF_INBOX_DEAD: return "dead";
  case CF_INBOX_INSTANCE_REVOKED: return "instance-revoked";
  case CF_INBOX_KEY_REVOKED: return "key-revoked";
  case CF_INBOX_PAUSED: return "paused";
  case CF_INBOX_POLICY_SCHEDULED: return "policy-scheduled";
  case CF_INBOX_MEASUREMENT_SET: return "measurement-set";
  case CF_INBOX_COUNCILS_SCHEDULED: return "councils-scheduled";
  case CF_INBOX_ASSET_SET: return "asset-set";
  case CF_INBOX_CAP_SET: return "cap-set";
  case CF_INBOX_KEY_POLICY_SET: return "key-policy-set";
  case CF_INBOX_MEMBER_REMOVED: return "member-removed";
  }
  return "unknown";
}
