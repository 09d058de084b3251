#include "ledger/cf_finality.h"

#include "codec/cf_cbor.h"
#include "codec/cf_eip712.h"

cf_hash_t cf_finality_digest(cf_ledger_identity_t const *ledger, cf_finality_t const *f) {
  cf_hash_t const words[] = { cf_word_u64(ledger->chain_id),
                              cf_word_addr(&ledger->contract),
                              cf_word_u64(f->number),
                              f->block_hash,
                              cf_word_u64(f->time_s),
                              cf_word_u64(f->log_size),
                              f->log_root };
  return cf_eip712_digest(&ledger->separator,
                          "Finality(uint256 chainId,address ledger,uint64 number,bytes32 blockHash,uint40 time,uint64 logSize,"
                          "bytes32 logRoot)",
                          words, 7);
}

/* ---- one statement ---- */

cf_status_t cf_finality_sign(cf_finality_statement_t *s, cf_ledger_identity_t const *ledger, cf_finality_t const *f,
                             uint8_t observer, uint8_t const scalar[32]) {
  *s               = (cf_finality_statement_t){ .finality = *f, .observer = observer };
  cf_hash_t digest = cf_finality_digest(ledger, f);
  return cf_k256_sign(s->sig, scalar, &digest);
}

cf_status_t cf_finality_check(cf_finality_statement_t const *s, cf_ledger_identity_t const *ledger, cf_seats_t const *observers) {
  static cf_addr_t const nobody;
  if (s->observer >= observers->n || cf_addr_eq(&observers->member[s->observer], &nobody)) return CF_ERR_AUTH;
  cf_hash_t digest = cf_finality_digest(ledger, &s->finality);
  cf_addr_t signer;
  if (cf_k256_recover(&signer, s->sig, &digest) || !cf_addr_eq(&signer, &observers->member[s->observer])) return CF_ERR_AUTH;
  return CF_OK;
}

void cf_finality_statement_write(cf_wr_t *wr, cf_finality_statement_t const *s) {
  cf_wr_u64(wr, s->finality.number);
  cf_wr_hash(wr, &s->finality.block_hash);
  cf_wr_u40(wr, s->finality.time_s);
  cf_wr_u64(wr, s->finality.log_size);
  cf_wr_hash(wr, &s->finality.log_root);
  cf_wr_u8(wr, s->observer);
  cf_wr_bytes(wr, s->sig, 64);
}

cf_status_t cf_finality_statement_decode(cf_finality_statement_t *s, cf_span_t in) {
  cf_rd_t                 rd = cf_rd_span(in);
  cf_finality_statement_t out;
  out.finality.number     = cf_rd_u64(&rd);
  out.finality.block_hash = cf_rd_hash(&rd);
  out.finality.time_s     = cf_rd_u40(&rd);
  out.finality.log_size   = cf_rd_u64(&rd);
  out.finality.log_root   = cf_rd_hash(&rd);
  out.observer            = cf_rd_u8(&rd);
  cf_rd_copy(&rd, out.sig, 64);
  if (!cf_rd_done(&rd)) return CF_ERR_FORMAT;
  *s = out;
  return CF_OK;
}

/* ---- proofs ---- */

void cf_finality_proof_write(cf_wr_t *wr, cf_finality_proof_t const *p) {
  cf_cbor_w_array(wr, 4);
  cf_cbor_w_uint(wr, p->number);
  cf_cbor_w_hash(wr, &p->block_hash);
  cf_cbor_w_uint(wr, p->time_s);
  cf_cbor_w_array(wr, p->cnt);
  for (size_t i = 0; i < p->cnt; i++) {
    cf_cbor_w_array(wr, 4);
    cf_cbor_w_uint(wr, p->at[i].observer);
    cf_cbor_w_uint(wr, p->at[i].log_size);
    cf_cbor_w_hash(wr, &p->at[i].log_root);
    cf_cbor_w_bstr(wr, CF_SPAN(p->at[i].sig, 64));
  }
}

static void read_sig(cf_rd_t *rd, cf_finality_sig_t *s) {
  if (cf_cbor_array(rd) != 4) rd->bad = true;
  uint64_t observer = cf_cbor_uint(rd);
  if (observer >= CF_SEATS_MAX) rd->bad = true;
  s->observer = (uint8_t)(observer & 0xff);
  s->log_size = cf_cbor_uint(rd);
  s->log_root = cf_cbor_hash(rd);
  cf_cbor_bstr_fixed(rd, s->sig, 64);
}

cf_status_t cf_finality_proof_decode(cf_finality_proof_t *p, cf_span_t in, cf_error_t *err) {
  cf_rd_t             rd  = cf_rd_span(in);
  cf_finality_proof_t out = { 0 };
  if (cf_cbor_array(&rd) != 4) rd.bad = true;
  out.number     = cf_cbor_uint(&rd);
  out.block_hash = cf_cbor_hash(&rd);
  out.time_s     = cf_cbor_uint(&rd);
  size_t cnt     = cf_cbor_array(&rd);
  if (cnt == 0 || cnt > CF_SEATS_MAX) rd.bad = true;
  for (size_t i = 0; i < cnt && !rd.bad; i++) read_sig(&rd, &out.at[i]);
  if (!cf_rd_done(&rd) || out.time_s > CF_LEDGER_TIME_MAX)
    return cf_error_set(err, CF_ERR_FORMAT, "finality", rd.pos, "not a finality proof");
  out.cnt = (uint8_t)cnt;
  *p      = out;
  return CF_OK;
}

static bool agree(cf_finality_t const *a, cf_finality_t const *b) {
  return a->number == b->number && a->time_s == b->time_s && cf_hash_eq(&a->block_hash, &b->block_hash);
}

/* Gathers who agrees with s[like], by rising observer; false when they are fewer than k. */
static bool gather(cf_finality_proof_t *p, cf_finality_statement_t const *s, size_t n, size_t like, uint8_t k) {
  cf_finality_t const *f = &s[like].finality;
  *p = (cf_finality_proof_t){ .number = f->number, .block_hash = f->block_hash, .time_s = f->time_s };
  for (unsigned observer = 0; observer < CF_SEATS_MAX && p->cnt < k; observer++)
    for (size_t i = 0; i < n; i++)
      if (s[i].observer == observer && agree(&s[i].finality, f)) {
        cf_finality_sig_t *to = &p->at[p->cnt++];
        *to = (cf_finality_sig_t){ s[i].observer, s[i].finality.log_size, s[i].finality.log_root, { 0 } };
        memcpy(to->sig, s[i].sig, 64);
        break;
      }
  return p->cnt == k;
}

cf_status_t cf_finality_proof_make(cf_finality_proof_t *p, cf_finality_statement_t const *s, size_t n, uint8_t k) {
  bool                found = false;
  cf_finality_proof_t candidate;
  if (k == 0 || k > CF_SEATS_MAX) return CF_ERR_POLICY;
  for (size_t i = 0; i < n; i++) {
    if (found && s[i].finality.number <= p->number) continue;
    if (!gather(&candidate, s, n, i, k)) continue;
    *p    = candidate;
    found = true;
  }
  return found ? CF_OK : CF_ERR_POLICY;
}

cf_status_t cf_finality_proof_verify(cf_finality_t *f, cf_finality_proof_t const *p, cf_ledger_identity_t const *ledger,
                                     cf_seats_t const *observers, cf_error_t *err) {
  if (observers->k == 0 || p->cnt != observers->k)
    return cf_error_set(err, CF_ERR_AUTH, "finality", 0, "%u statements, %u are demanded", p->cnt, observers->k);
  cf_finality_t least = { 0 };
  for (size_t i = 0; i < p->cnt; i++) {
    cf_finality_sig_t const *a = &p->at[i];
    if (i && a->observer <= p->at[i - 1].observer) return cf_error_set(err, CF_ERR_AUTH, "finality", i, "observers do not rise");
    cf_finality_statement_t s = { .finality = { p->number, p->block_hash, p->time_s, a->log_size, a->log_root },
                                  .observer = a->observer };
    memcpy(s.sig, a->sig, 64);
    if (cf_finality_check(&s, ledger, observers))
      return cf_error_set(err, CF_ERR_AUTH, "finality", i, "statement %zu is not signed", i);
    for (size_t j = 0; j < i; j++)
      if (a->log_size == p->at[j].log_size && !cf_hash_eq(&a->log_root, &p->at[j].log_root))
        return cf_error_set(err, CF_ERR_AUTH, "finality", i, "two roots of one log size: the log is forked");
    if (i == 0 || a->log_size < least.log_size) least = s.finality;
  }
  *f = least;
  return CF_OK;
}
