#include "ledger/cf_settlement.h"

#include "crypto/cf_hash.h"
#include "ledger/cf_slots.h"

/* ---- the struct ---- */

cf_hash_t cf_settlement_meta_pack(cf_settlement_meta_t const *m) {
  cf_hash_t w = { { 0 } };
  cf_word_set(&w, 0, 64, m->sequence);
  cf_word_set(&w, 64, 40, m->valid_until_s);
  cf_word_set(&w, 104, 40, m->as_of_s);
  cf_word_set(&w, 144, 32, m->policy);
  cf_word_set(&w, 176, 8, m->mode);
  return w;
}

bool cf_settlement_meta_unpack(cf_settlement_meta_t *m, cf_hash_t const *w) {
  *m = (cf_settlement_meta_t){
    .sequence      = cf_word_get(w, 0, 64),
    .valid_until_s = cf_word_get(w, 64, 40),
    .as_of_s       = cf_word_get(w, 104, 40),
    .policy        = (uint32_t)cf_word_get(w, 144, 32),
    .mode          = (uint8_t)cf_word_get(w, 176, 8),
  };
  cf_hash_t again = cf_settlement_meta_pack(m);
  return cf_hash_eq(&again, w);
}

cf_hash_t cf_settlement_entries(cf_span_t body) { return cf_keccak256(body); }

cf_hash_t cf_settlement_receipts(uint64_t first, uint64_t last, cf_hash_t const *receipts_root, uint64_t log_size,
                                 cf_hash_t const *log_root) {
  cf_sha256_t ctx;
  cf_sha256_tag(&ctx, "receipts");
  cf_sha256_u(&ctx, first, 8);
  cf_sha256_u(&ctx, last, 8);
  cf_sha256_h(&ctx, receipts_root);
  cf_sha256_u(&ctx, log_size, 8);
  cf_sha256_h(&ctx, log_root);
  return cf_sha256_end(&ctx);
}

cf_hash_t cf_settlement_digest(cf_hash_t const *separator, cf_settlement_t const *s) {
  cf_hash_t const words[] = { s->meta, s->prev_head, s->state_root, s->entries, s->receipts };
  return cf_eip712_digest(
      separator, "Settlement(uint256 meta,bytes32 prevHead,bytes32 stateRoot,bytes32 entries,bytes32 receipts)", words, 5);
}

cf_hash_t cf_settlement_head0(cf_hash_t const *separator) { return cf_keccak256_words(separator, 1); }

/* ---- the body ---- */

bool cf_section_next(cf_rd_t *body, cf_section_t *section) {
  if (body->bad || cf_rd_left(body) == 0) return false;
  *section       = (cf_section_t){ .kind = cf_rd_u8(body) };
  section->asset = cf_rd_u24(body);
  if (section->kind == CF_SECTION_DATA) {
    section->da   = cf_rd_u8(body);
    section->data = cf_rd_take_span(body, cf_rd_left(body));
    return !body->bad;
  }
  section->cnt     = cf_rd_u16(body);
  section->entries = cf_rd_span(cf_rd_take_span(body, (size_t)section->cnt * 12));
  return !body->bad;
}

bool cf_entry_next(cf_section_t *section, cf_entry_t *entry) {
  if (cf_rd_left(&section->entries) == 0) return false;
  entry->id     = cf_rd_u32(&section->entries);
  entry->amount = (int64_t)cf_rd_u64(&section->entries);
  return true;
}

static cf_status_t refused(size_t *offset, size_t at, cf_status_t st) {
  if (offset) *offset = at;
  return st;
}

static bool section_may_be(uint8_t mode, cf_section_t const *s) {
  bool root = mode == CF_MODE_ROOT;
  if (s->kind == CF_SECTION_DATA)
    return root && s->asset == CF_ASSET_DATA && s->da <= CF_DA_SEALED && (s->da != CF_DA_NONE || s->data.len == 0);
  bool of_mode = s->kind == CF_SECTION_RELEASES || s->kind == (root ? CF_SECTION_EXITS : CF_SECTION_POSITIONS);
  return of_mode && s->asset <= CF_ASSET_MAX && s->cnt != 0;
}

cf_status_t cf_settlement_body_check(uint8_t mode, cf_span_t body, size_t *offset) {
  cf_rd_t      rd   = cf_rd_span(body);
  uint64_t     last = 0; /* asset << 8 | kind, plus 1 */
  size_t       cnt = 0, at = 0;
  cf_section_t section;
  for (; cf_section_next(&rd, &section); at = rd.pos) {
    uint64_t order = (uint64_t)section.asset << 8 | section.kind;
    if (!section_may_be(mode, &section) || order < last) return refused(offset, at, CF_ERR_FORMAT);
    last = order + 1;
    cnt += section.cnt;
    if (cnt > CF_SETTLEMENT_ENTRIES_MAX) return refused(offset, at, CF_ERR_BOUND);

    uint32_t   last_id = 0;
    cf_entry_t entry;
    at += 6;
    for (; cf_entry_next(&section, &entry); at += 12, last_id = entry.id) {
      bool bad_sign = section.kind == CF_SECTION_POSITIONS ? entry.amount == 0 : entry.amount <= 0;
      if (entry.id <= last_id || bad_sign) return refused(offset, at, CF_ERR_FORMAT);
    }
  }
  return cf_rd_done(&rd) ? CF_OK : refused(offset, at, CF_ERR_FORMAT);
}

void cf_section_write(cf_wr_t *wr, cf_section_kind_t kind, uint32_t asset, uint16_t cnt) {
  cf_wr_u8(wr, (uint8_t)kind);
  cf_wr_u24(wr, asset);
  cf_wr_u16(wr, cnt);
}

void cf_entry_write(cf_wr_t *wr, uint32_t id, int64_t amount) {
  cf_wr_u32(wr, id);
  cf_wr_u64(wr, (uint64_t)amount);
}

void cf_section_data_write(cf_wr_t *wr, cf_da_t da) {
  cf_wr_u8(wr, CF_SECTION_DATA);
  cf_wr_u24(wr, CF_ASSET_DATA);
  cf_wr_u8(wr, (uint8_t)da);
}

/* ---- the other signed types ---- */

cf_hash_t cf_registration_terms_pack(cf_registration_terms_t const *t) {
  cf_hash_t w = { { 0 } };
  cf_word_set(&w, 0, 40, t->epoch);
  cf_word_set(&w, 40, 32, t->policy);
  cf_word_set(&w, 72, 40, t->not_before_s);
  cf_word_set(&w, 112, 40, t->not_after_s);
  cf_word_set(&w, 152, 8, t->tcb);
  cf_word_set(&w, 160, 8, t->fence);
  cf_word_set(&w, 168, 56, t->log_index);
  cf_word_set(&w, 224, 32, t->council);
  return w;
}

cf_registration_terms_t cf_registration_terms_unpack(cf_hash_t const *w) {
  return (cf_registration_terms_t){
    .epoch        = cf_word_get(w, 0, 40),
    .policy       = (uint32_t)cf_word_get(w, 40, 32),
    .not_before_s = cf_word_get(w, 72, 40),
    .not_after_s  = cf_word_get(w, 112, 40),
    .tcb          = (uint8_t)cf_word_get(w, 152, 8),
    .fence        = (uint8_t)cf_word_get(w, 160, 8),
    .log_index    = cf_word_get(w, 168, 56),
    .council      = (uint32_t)cf_word_get(w, 224, 32),
  };
}

cf_hash_t cf_registration_digest(cf_hash_t const *separator, cf_hash_t const *domain, cf_registration_t const *r) {
  cf_hash_t const words[] = { *domain,       cf_word_addr(&r->key), r->terms,   r->instance,
                              r->certificate, r->measurement,        r->evidence };
  return cf_eip712_digest(separator,
                          "Registration(bytes32 domain,address key,uint256 terms,bytes32 instance,bytes32 certificate,"
                          "bytes32 measurement,bytes32 evidence)",
                          words, 7);
}

cf_hash_t cf_possession_digest(cf_hash_t const *separator, cf_hash_t const *registration) {
  return cf_eip712_digest(separator, "Possession(bytes32 registration)", registration, 1);
}

cf_hash_t cf_key_revocation_digest(cf_hash_t const *separator, cf_addr_t const *key) {
  cf_hash_t const words[] = { cf_word_addr(key) };
  return cf_eip712_digest(separator, "RevokeKey(address key)", words, 1);
}

cf_hash_t cf_act_digest(cf_hash_t const *separator, uint8_t council, uint32_t version, uint64_t number, uint64_t not_after_s,
                        cf_hash_t const *body) {
  cf_hash_t const words[] = { cf_word_u64(council), cf_word_u64(version), cf_word_u64(number), cf_word_u64(not_after_s), *body };
  return cf_eip712_digest(separator, "Act(uint8 council,uint32 version,uint48 number,uint40 notAfter,bytes32 body)", words, 5);
}

cf_hash_t cf_call_digest(cf_hash_t const *separator, cf_addr_t const *from, uint64_t nonce, uint64_t deadline_s, cf_span_t op) {
  cf_hash_t const words[] = { cf_word_addr(from), cf_word_u64(nonce), cf_word_u64(deadline_s), cf_keccak256(op) };
  return cf_eip712_digest(separator, "Call(address from,uint64 nonce,uint40 deadline,bytes op)", words, 4);
}

cf_hash_t cf_block_digest(cf_hash_t const *separator, cf_hash_t const *block_hash) {
  return cf_eip712_digest(separator, "Block(bytes32 hash)", block_hash, 1);
}
