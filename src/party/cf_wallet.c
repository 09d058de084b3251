#include "party/cf_wallet.h"

#include <assert.h>

#include "base/cf_secret.h"
#include "base/cf_text.h"

enum { VERSION = 1 };

/* ---- keys ---- */

void cf_wallet_make(cf_wallet_t *w, cf_entropy_t const *e) {
  cf_k256_scalar_make(w->scalar, e);
  cf_x25519_make(w->result, &w->result_pub, e);
  bool ok = !cf_k256_addr(&w->addr, w->scalar);
  assert(ok);
  (void)ok;
}

static cf_hash_t check_of(cf_wallet_t const *w) {
  cf_sha256_t ctx;
  cf_sha256_tag(&ctx, "wallet");
  cf_sha256_add(&ctx, w->scalar, sizeof w->scalar);
  cf_sha256_add(&ctx, w->result, sizeof w->result);
  cf_hash_t h = cf_sha256_end(&ctx);
  cf_wipe(&ctx, sizeof ctx);
  return h;
}

void cf_wallet_encode(cf_wr_t *wr, cf_wallet_t const *w) {
  cf_hash_t check = check_of(w);
  char      line[65];
  cf_wr_bytes(wr, cf_hex_encode(line, CF_SPAN_OF(w->scalar)), 64);
  cf_wr_u8(wr, '\n');
  cf_wr_bytes(wr, cf_hex_encode(line, CF_SPAN_OF(w->result)), 64);
  cf_wr_u8(wr, '\n');
  cf_wr_bytes(wr, cf_hex_encode(line, CF_SPAN_OF(check.b)), 64);
  cf_wr_u8(wr, '\n');
  cf_wipe(line, sizeof line);
}

cf_status_t cf_wallet_decode(cf_wallet_t *w, cf_span_t in, cf_error_t *err) {
  cf_wallet_t k = {0};
  cf_status_t st = CF_ERR_FORMAT;
  cf_hash_t   check, is;
  if (in.len != CF_WALLET_TEXT_SZ || in.ptr[64] != '\n' || in.ptr[129] != '\n' || in.ptr[194] != '\n') goto out;
  if (cf_hex_decode(k.scalar, 32, CF_SPAN(in.ptr, 64)) || cf_hex_decode(k.result, 32, CF_SPAN(in.ptr + 65, 64))) goto out;
  is = check_of(&k);
  if (cf_hex_decode(check.b, 32, CF_SPAN(in.ptr + 130, 64)) || !cf_hash_eq(&is, &check)) goto out;
  if (cf_k256_addr(&k.addr, k.scalar)) goto out;
  cf_x25519_pub(&k.result_pub, k.result);
  *w = k;
  st = CF_OK;
out:
  cf_wipe(&k, sizeof k);
  return st ? cf_error_set(err, st, "wallet", 0, "not the three lines of a wallet: two keys and their hash; restore it from a copy") : CF_OK;
}

/* ---- one domain ---- */

void cf_account_init(cf_account_t *a, cf_hash_t const *domain, cf_pending_t *pending, size_t pending_max) {
  *a = (cf_account_t){.domain = *domain, .pending = pending, .pending_max = pending_max};
}

void cf_account_encode(cf_wr_t *wr, cf_account_t const *a) {
  cf_wr_u8(wr, VERSION);
  cf_wr_hash(wr, &a->domain);
  cf_wr_u64(wr, a->kept.size);
  cf_wr_hash(wr, &a->kept.root);
  cf_wr_u64(wr, a->kept.time_s);
  cf_wr_u64(wr, a->order);
  cf_wr_u8(wr, (uint8_t)(a->have_session + a->before_cnt));
  if (a->have_session) cf_session_encode(wr, &a->session);
  for (size_t i = 0; i < a->before_cnt; i++) cf_session_encode(wr, &a->before[i]);
  cf_wr_u32(wr, (uint32_t)a->pending_cnt);
  for (size_t i = 0; i < a->pending_cnt; i++) {
    cf_wr_hash(wr, &a->pending[i].envelope);
    cf_wr_u64(wr, a->pending[i].order);
  }
}

/* Rising, and no order number that was not given out. */
static bool pending_holds(cf_account_t const *a) {
  for (size_t i = 0; i < a->pending_cnt; i++)
    if (a->pending[i].order > a->order || a->pending[i].order <= (i ? a->pending[i - 1].order : 0)) return false;
  return true;
}

static cf_status_t read_pending(cf_account_t *a, cf_rd_t *rd, cf_error_t *err) {
  a->pending_cnt = cf_rd_u32(rd);
  if (a->pending_cnt > cf_rd_left(rd) / 40) rd->bad = true;
  if (!rd->bad && a->pending_cnt > a->pending_max)
    return cf_error_set(err, CF_ERR_BOUND, "account.pending", rd->pos, "%zu inputs are pending; there is room for %zu",
                        a->pending_cnt, a->pending_max);
  for (size_t i = 0; !rd->bad && i < a->pending_cnt; i++) {
    a->pending[i].envelope = cf_rd_hash(rd);
    a->pending[i].order = cf_rd_u64(rd);
  }
  return CF_OK;
}

cf_status_t cf_account_decode(cf_account_t *out, cf_span_t in, cf_error_t *err) {
  cf_account_t a = {.pending = out->pending, .pending_max = out->pending_max};
  cf_rd_t      rd = cf_rd_span(in);
  uint8_t      version = cf_rd_u8(&rd);
  a.domain = cf_rd_hash(&rd);
  a.kept.size = cf_rd_u64(&rd);
  a.kept.root = cf_rd_hash(&rd);
  a.kept.time_s = cf_rd_u64(&rd);
  a.order = cf_rd_u64(&rd);
  uint8_t     sessions = cf_rd_u8(&rd);
  cf_status_t st = CF_OK;
  a.have_session = sessions >= 1;
  a.before_cnt = sessions ? sessions - 1u : 0;
  if (version != VERSION || a.before_cnt > CF_SESSIONS_BEFORE) rd.bad = true;
  if (!rd.bad && a.have_session && cf_session_decode(&a.session, &rd)) rd.bad = true;
  for (size_t i = 0; !rd.bad && i < a.before_cnt; i++)
    if (cf_session_decode(&a.before[i], &rd)) rd.bad = true;
  st = read_pending(&a, &rd, err);
  if (!st && (!cf_rd_done(&rd) || !pending_holds(&a)))
    st = cf_error_set(err, CF_ERR_FORMAT, "account", rd.pos, "not an account state");
  if (!st && !cf_hash_eq(&a.domain, &out->domain))
    st = cf_error_set(err, CF_ERR_POLICY, "account.domain", 1, "the state of another domain");
  if (!st) *out = a;
  cf_wipe(&a, sizeof a);
  return st;
}

void cf_account_wipe(cf_account_t *a) {
  cf_wipe(&a->session, sizeof a->session);
  cf_wipe(a->before, sizeof a->before);
  a->have_session = false;
  a->before_cnt = 0;
}

void cf_account_session_end(cf_account_t *a) { a->session.expiry_s = 0; }

cf_pending_t const *cf_account_pending(cf_account_t const *a, cf_hash_t const *envelope) {
  for (size_t i = 0; i < a->pending_cnt; i++)
    if (cf_hash_eq(&a->pending[i].envelope, envelope)) return &a->pending[i];
  return NULL;
}

void cf_account_done(cf_account_t *a, cf_hash_t const *envelope) {
  size_t kept = 0;
  for (size_t i = 0; i < a->pending_cnt; i++)
    if (!cf_hash_eq(&a->pending[i].envelope, envelope)) a->pending[kept++] = a->pending[i];
  a->pending_cnt = kept;
}
