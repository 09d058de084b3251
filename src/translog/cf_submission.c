#include "translog/cf_submission.h"

#include "translog/cf_line.h"

cf_status_t
cf_path_lines_parse(cf_hash_t *path, size_t *path_cnt, cf_rd_t *rd) {
  for (size_t n = 0;; n++) {
    cf_span_t line = cf_rd_line(rd);
    if (rd->bad) return CF_ERR_FORMAT;
    if (line.len == 0) return *path_cnt = n, CF_OK;
    if (n == CF_TREE_PATH_MAX) return CF_ERR_BOUND;
    if (!cf_b64_exact(path[n].b, sizeof path[n].b, line)) return CF_ERR_FORMAT;
  }
}

void
cf_path_lines_write(cf_wr_t *wr, cf_hash_t const *path, size_t path_cnt) {
  for (size_t i = 0; i < path_cnt; i++) cf_wr_b64_line(wr, CF_SPAN_OF(path[i].b));
  cf_wr_str(wr, "\n");
}

cf_status_t
cf_submission_parse(cf_submission_t *out, cf_span_t body, cf_error_t *err) {
  if (body.len > CF_NOTE_MAX) return cf_error_set(err, CF_ERR_BOUND, "add-checkpoint", 0, "body of %zu bytes", body.len);
  cf_rd_t     rd  = cf_rd_span(body);
  cf_span_t   old = cf_rd_line(&rd);
  cf_status_t st  = cf_after(&old, CF_SPAN_LIT("old ")) ? cf_dec_u64(&out->old_size, old) : CF_ERR_FORMAT;
  if (st) return cf_error_set(err, st, "add-checkpoint", 0, "first line is not \"old <size>\"");
  st = cf_path_lines_parse(out->path, &out->path_cnt, &rd);
  if (st) return cf_error_set(err, st, "add-checkpoint", rd.pos, "consistency proof");
  out->note = CF_SPAN(body.ptr + rd.pos, cf_rd_left(&rd));
  return CF_OK;
}

void
cf_submission_write(cf_wr_t *wr, cf_submission_t const *s) {
  cf_wr_str(wr, "old ");
  cf_wr_dec(wr, s->old_size);
  cf_wr_str(wr, "\n");
  cf_path_lines_write(wr, s->path, s->path_cnt);
  cf_wr_span(wr, s->note);
}
