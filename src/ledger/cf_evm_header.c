#include "ledger/cf_evm_header.h"

#include <assert.h>

#include "codec/cf_rlp.h"

/* The fields behind nonce, as far as there are any: a fork's come all or not at all. */
static void read_forks(cf_evm_header_t *h, cf_rd_t *rd) {
  if (!cf_rd_left(rd)) return;
  h->fork         = CF_EVM_LONDON;
  h->base_fee_wei = cf_rlp_uint(rd);
  if (rd->bad || !cf_rd_left(rd)) return;
  h->fork             = CF_EVM_SHANGHAI;
  h->withdrawals_root = cf_rlp_hash(rd);
  if (rd->bad || !cf_rd_left(rd)) return;
  h->fork            = CF_EVM_CANCUN;
  h->blob_gas_used   = cf_rlp_uint(rd);
  h->excess_blob_gas = cf_rlp_uint(rd);
  h->beacon_root     = cf_rlp_hash(rd);
  if (rd->bad || !cf_rd_left(rd)) return;
  h->fork          = CF_EVM_PRAGUE;
  h->requests_hash = cf_rlp_hash(rd);
}

static void read_fields(cf_evm_header_t *h, cf_rd_t *rd) {
  h->parent = cf_rlp_hash(rd);
  h->ommers = cf_rlp_hash(rd);
  cf_rlp_fixed(rd, h->beneficiary.b, sizeof h->beneficiary.b);
  h->state_root        = cf_rlp_hash(rd);
  h->transactions_root = cf_rlp_hash(rd);
  h->receipts_root     = cf_rlp_hash(rd);
  cf_rlp_fixed(rd, h->logs_bloom, sizeof h->logs_bloom);
  h->difficulty   = cf_rlp_word(rd);
  h->number       = cf_rlp_uint(rd);
  h->gas_limit    = cf_rlp_uint(rd);
  h->gas_used     = cf_rlp_uint(rd);
  h->time_s       = cf_rlp_uint(rd);
  cf_span_t extra = cf_rlp_str(rd);
  if (extra.len > sizeof h->extra) rd->bad = true;
  else if (extra.len) memcpy(h->extra, extra.ptr, extra.len);
  h->extra_sz = extra.len;
  h->mix      = cf_rlp_hash(rd);
  cf_rlp_fixed(rd, h->nonce, sizeof h->nonce);
  if (!rd->bad) read_forks(h, rd);
}

cf_status_t cf_evm_header_decode(cf_evm_header_t *h, cf_hash_t *hash, cf_span_t in, cf_error_t *err) {
  if (in.len > CF_EVM_HEADER_MAX) return cf_error_set(err, CF_ERR_BOUND, "header", 0, "longer than %d bytes", CF_EVM_HEADER_MAX);
  cf_evm_header_t out   = { 0 };
  cf_rd_t         outer = cf_rd_span(in), rd = cf_rlp_list(&outer);
  read_fields(&out, &rd);
  for (unsigned more = 0; !rd.bad && cf_rd_left(&rd); more++) {
    if (more == CF_EVM_HEADER_MORE_MAX) return cf_error_set(err, CF_ERR_BOUND, "header", rd.pos, "too many fields");
    if (cf_rlp_str(&rd).len > 32) rd.bad = true;
  }
  if (!cf_rd_done(&rd) || !cf_rd_done(&outer))
    return cf_error_set(err, CF_ERR_FORMAT, "header", rd.pos, "not the header of an EVM block");
  *h = out;
  if (hash) *hash = cf_keccak256(in);
  return CF_OK;
}

static void write_forks(cf_wr_t *wr, cf_evm_header_t const *h) {
  if (h->fork < CF_EVM_LONDON) return;
  cf_rlp_w_uint(wr, h->base_fee_wei);
  if (h->fork < CF_EVM_SHANGHAI) return;
  cf_rlp_w_hash(wr, &h->withdrawals_root);
  if (h->fork < CF_EVM_CANCUN) return;
  cf_rlp_w_uint(wr, h->blob_gas_used);
  cf_rlp_w_uint(wr, h->excess_blob_gas);
  cf_rlp_w_hash(wr, &h->beacon_root);
  if (h->fork < CF_EVM_PRAGUE) return;
  cf_rlp_w_hash(wr, &h->requests_hash);
}

void cf_evm_header_write(cf_wr_t *wr, cf_evm_header_t const *h) {
  assert(h->extra_sz <= sizeof h->extra);
  size_t list = cf_rlp_w_list(wr);
  cf_rlp_w_hash(wr, &h->parent);
  cf_rlp_w_hash(wr, &h->ommers);
  cf_rlp_w_str(wr, CF_SPAN_OF(h->beneficiary.b));
  cf_rlp_w_hash(wr, &h->state_root);
  cf_rlp_w_hash(wr, &h->transactions_root);
  cf_rlp_w_hash(wr, &h->receipts_root);
  cf_rlp_w_str(wr, CF_SPAN_OF(h->logs_bloom));
  cf_rlp_w_word(wr, &h->difficulty);
  cf_rlp_w_uint(wr, h->number);
  cf_rlp_w_uint(wr, h->gas_limit);
  cf_rlp_w_uint(wr, h->gas_used);
  cf_rlp_w_uint(wr, h->time_s);
  cf_rlp_w_str(wr, CF_SPAN(h->extra, h->extra_sz));
  cf_rlp_w_hash(wr, &h->mix);
  cf_rlp_w_str(wr, CF_SPAN_OF(h->nonce));
  write_forks(wr, h);
  cf_rlp_w_end(wr, list);
}

cf_hash_t cf_evm_header_hash(cf_evm_header_t const *h) {
  uint8_t buf[CF_EVM_HEADER_MAX];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_evm_header_write(&wr, h);
  assert(!wr.bad);
  return cf_keccak256(cf_wr_out(&wr));
}
