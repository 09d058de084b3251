#include "translog/cf_logjournal.h"

#include "base/cf_torn.h"
#include "translog/cf_tree.h"

bool
cf_logrecord_next(cf_rd_t *file, cf_logrecord_t *out) {
  cf_rd_t  rd   = *file;
  uint32_t size = cf_rd_u32(&rd);
  if (size > CF_LOGRECORD_MAX) return false;
  cf_rd_t        in = cf_rd_span(cf_rd_take_span(&rd, size));
  cf_logrecord_t r  = { .first = cf_rd_u64(&in) };
  r.cnt             = cf_rd_u32(&in);
  r.root            = cf_rd_hash(&in);
  r.note            = cf_rd_take_span(&in, cf_rd_u16(&in));
  r.entries         = cf_rd_take_span(&in, cf_rd_left(&in));
  if (rd.bad || in.bad || !r.cnt || r.first > CF_TREE_SIZE_MAX - r.cnt || r.note.len > CF_LOGRECORD_NOTE_MAX) return false;
  *file = rd;
  *out  = r;
  return true;
}

bool
cf_logrecord_ended(cf_rd_t const *file) {
  return cf_torn_ended(CF_SPAN(file->buf, file->len), file->pos, 0, CF_LOGRECORD_MAX);
}

void
cf_logrecord_write(cf_wr_t *wr, cf_logrecord_t const *r) {
  cf_wr_u32(wr, (uint32_t)(CF_LOGRECORD_HEAD_SZ + r->note.len + r->entries.len));
  cf_wr_u64(wr, r->first);
  cf_wr_u32(wr, r->cnt);
  cf_wr_hash(wr, &r->root);
  cf_wr_u16(wr, (uint16_t)r->note.len);
  cf_wr_span(wr, r->note);
  cf_wr_span(wr, r->entries);
}
