#include "ledger/cf_evm_tx.h"

#include "codec/cf_rlp.h"

enum { TYPE = 0x02, TYPES_MAX = 0x7f }; /* a first byte above is a transaction from before EIP-2718 */

static void write_fields(cf_wr_t *wr, cf_evm_tx_t const *tx) {
  cf_rlp_w_uint(wr, tx->chain_id);
  cf_rlp_w_uint(wr, tx->nonce);
  cf_rlp_w_uint(wr, tx->tip_wei);
  cf_rlp_w_uint(wr, tx->fee_wei);
  cf_rlp_w_uint(wr, tx->gas);
  cf_rlp_w_str(wr, CF_SPAN(tx->to.b, tx->create ? 0 : sizeof tx->to.b));
  cf_rlp_w_word(wr, &tx->value);
  cf_rlp_w_str(wr, tx->data);
  cf_rlp_w_end(wr, cf_rlp_w_list(wr)); /* access list */
}

cf_hash_t cf_evm_tx_digest(cf_evm_tx_t const *tx, cf_wr_t scratch) {
  size_t from = scratch.len;
  cf_wr_u8(&scratch, TYPE);
  size_t list = cf_rlp_w_list(&scratch);
  write_fields(&scratch, tx);
  cf_rlp_w_end(&scratch, list);
  return cf_keccak256(CF_SPAN(scratch.buf + from, scratch.len - from));
}

void cf_evm_tx_write(cf_wr_t *wr, cf_evm_tx_t const *tx, uint8_t const sig[64]) {
  cf_hash_t r, s;
  memcpy(r.b, sig, 32);
  memcpy(s.b, sig + 32, 32);
  s.b[0] &= 0x7f;
  cf_wr_u8(wr, TYPE);
  size_t list = cf_rlp_w_list(wr);
  write_fields(wr, tx);
  cf_rlp_w_uint(wr, sig[32] >> 7);
  cf_rlp_w_word(wr, &r);
  cf_rlp_w_word(wr, &s);
  cf_rlp_w_end(wr, list);
}

cf_status_t cf_evm_tx_sign(cf_wr_t *wr, uint8_t sig[64], cf_hash_t *hash, cf_evm_tx_t const *tx, uint8_t const scalar[32]) {
  if (tx->tip_wei > tx->fee_wei) return CF_ERR_FORMAT;
  if (wr->bad || tx->data.len > CF_EVM_TX_MAX || wr->max - wr->len < tx->data.len + CF_EVM_TX_FRAME_MAX) return CF_ERR_BOUND;
  cf_hash_t   digest = cf_evm_tx_digest(tx, *wr);
  cf_status_t st     = cf_k256_sign(sig, scalar, &digest);
  if (st) return st;
  size_t from = wr->len;
  cf_evm_tx_write(wr, tx, sig);
  if (wr->len - from > CF_EVM_TX_MAX) {
    wr->len = from;
    return CF_ERR_BOUND;
  }
  *hash = cf_keccak256(CF_SPAN(wr->buf + from, wr->len - from));
  return CF_OK;
}

/* read_uint: canonical, but too large for us, is another fault than not canonical. */
static uint64_t read_uint(cf_rd_t *rd, bool *large) {
  cf_hash_t w = cf_rlp_word(rd);
  for (size_t i = 0; i < 24; i++) *large |= w.b[i] != 0;
  cf_rd_t low = cf_rd_init(w.b + 24, 8);
  return cf_rd_u64(&low);
}

cf_status_t cf_evm_tx_decode(cf_evm_signed_t *out, cf_span_t raw, cf_wr_t scratch) {
  cf_evm_signed_t e     = { 0 };
  cf_rd_t         rd    = cf_rd_span(raw);
  bool            large = false;
  if (raw.len > CF_EVM_TX_MAX) return CF_ERR_BOUND;
  uint8_t type = cf_rd_u8(&rd);
  if (rd.bad) return CF_ERR_FORMAT;
  if (type != TYPE) return type <= TYPES_MAX || type >= 0xc0 ? CF_ERR_UNSUPPORTED : CF_ERR_FORMAT;

  cf_rd_t in    = cf_rlp_list(&rd);
  e.tx.chain_id = read_uint(&in, &large);
  e.tx.nonce    = read_uint(&in, &large);
  e.tx.tip_wei  = read_uint(&in, &large);
  e.tx.fee_wei  = read_uint(&in, &large);
  e.tx.gas      = read_uint(&in, &large);
  cf_span_t to  = cf_rlp_str(&in);
  e.tx.value    = cf_rlp_word(&in);
  e.tx.data     = cf_rlp_str(&in);
  cf_rd_t   list = cf_rlp_list(&in);
  size_t    unsigned_sz = in.pos;
  uint64_t  y = cf_rlp_uint(&in);
  cf_hash_t r = cf_rlp_word(&in), s = cf_rlp_word(&in);
  if (!cf_rd_done(&in) || !cf_rd_done(&rd) || list.bad || (to.len && to.len != sizeof e.tx.to.b)) return CF_ERR_FORMAT;
  if (cf_rd_left(&list)) return CF_ERR_UNSUPPORTED;
  if (large || e.tx.tip_wei > e.tx.fee_wei) return CF_ERR_BOUND;
  if (y > 1 || s.b[0] > 0x7f) return CF_ERR_AUTH;
  e.tx.create = to.len == 0;
  if (to.len) memcpy(e.tx.to.b, to.ptr, to.len);

  size_t from = scratch.len; /* what was signed: the same fields under a shorter head */
  cf_wr_u8(&scratch, TYPE);
  size_t head = cf_rlp_w_list(&scratch);
  cf_wr_bytes(&scratch, in.buf, unsigned_sz);
  cf_rlp_w_end(&scratch, head);
  if (scratch.bad) return CF_ERR_BOUND;
  cf_hash_t digest = cf_keccak256(CF_SPAN(scratch.buf + from, scratch.len - from));
  memcpy(e.sig, r.b, 32);
  memcpy(e.sig + 32, s.b, 32);
  e.sig[32] |= (uint8_t)(y << 7);
  cf_status_t st = cf_k256_recover(&e.from, e.sig, &digest);
  if (st) return st;
  e.hash = cf_keccak256(raw);
  *out   = e;
  return CF_OK;
}

cf_addr_t cf_evm_created(cf_addr_t const *from, uint64_t nonce) {
  uint8_t   buf[64];
  cf_wr_t   wr   = cf_wr_init(buf, sizeof buf);
  size_t    list = cf_rlp_w_list(&wr);
  cf_addr_t a;
  cf_rlp_w_str(&wr, CF_SPAN_OF(from->b));
  cf_rlp_w_uint(&wr, nonce);
  cf_rlp_w_end(&wr, list);
  cf_hash_t h = cf_keccak256(cf_wr_out(&wr));
  memcpy(a.b, h.b + 12, sizeof a.b);
  return a;
}
