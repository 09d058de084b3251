#include "party/cf_bundle.h"

#include "codec/cf_cbor.h"

/* ---- the bundle's bytes ---- */

enum {
  KEY_GENESIS = 1,
  KEY_NOTE,
  KEY_BOOT,
  KEY_CERTIFICATE,
  KEY_RESULTS,
  KEY_EVIDENCE,
  KEY_COLLATERAL,
  KEY_STATEMENTS,
  KEY_DEPLOYMENT,
  KEY_FRESH
};
#define KEYS_DUE 9 /* all but fresh */

static void read_proven(cf_rd_t *rd, cf_proven_t *p) {
  if (cf_cbor_array(rd) != 3) rd->bad = true;
  p->index = cf_cbor_uint(rd);
  p->entry = cf_cbor_bstr(rd);
  p->path_cnt = cf_cbor_array(rd);
  if (p->path_cnt > CF_TREE_PATH_MAX || p->entry.len > CF_ENTRY_MAX) rd->bad = true;
  for (size_t i = 0; !rd->bad && i < p->path_cnt; i++) p->path[i] = cf_cbor_hash(rd);
}

static void read_results(cf_rd_t *rd, cf_bundle_t *b) {
  b->results_cnt = cf_cbor_array(rd);
  if (b->results_cnt < 1 || b->results_cnt > CF_MEMBERS_MAX) rd->bad = true;
  for (size_t i = 0; !rd->bad && i < b->results_cnt; i++) read_proven(rd, &b->results[i]);
}

static void read_statements(cf_rd_t *rd, cf_bundle_t *b) {
  b->statements_cnt = cf_cbor_array(rd);
  if (b->statements_cnt > CF_BUNDLE_STATEMENTS_MAX) rd->bad = true;
  for (size_t i = 0; !rd->bad && i < b->statements_cnt; i++) b->statements[i] = cf_cbor_bstr(rd);
}

static void read_field(cf_rd_t *rd, cf_bundle_t *b, int64_t key) {
  switch (key) {
  case KEY_GENESIS:
    b->genesis = cf_cbor_bstr(rd);
    return;
  case KEY_NOTE:
    b->note = cf_cbor_bstr(rd);
    return;
  case KEY_BOOT:
    read_proven(rd, &b->boot);
    return;
  case KEY_CERTIFICATE:
    read_proven(rd, &b->certificate);
    return;
  case KEY_RESULTS:
    read_results(rd, b);
    return;
  case KEY_EVIDENCE:
    b->evidence = cf_cbor_bstr(rd);
    return;
  case KEY_COLLATERAL:
    b->collateral = cf_cbor_bstr(rd);
    return;
  case KEY_STATEMENTS:
    read_statements(rd, b);
    return;
  case KEY_DEPLOYMENT:
    read_proven(rd, &b->deployment);
    return;
  case KEY_FRESH:
    b->fresh = cf_cbor_bstr(rd);
    if (!b->fresh.len) rd->bad = true;
    return;
  default:
    rd->bad = true;
  }
}

cf_status_t cf_bundle_decode(cf_bundle_t *out, cf_span_t in, cf_error_t *err) {
  cf_rd_t rd = cf_rd_span(in);
  int64_t keys = 0;
  if (in.len > CF_EVIDENCE_BUNDLE_MAX) return cf_error_set(err, CF_ERR_BOUND, "bundle", 0, "longer than %u bytes", CF_EVIDENCE_BUNDLE_MAX);
  *out = (cf_bundle_t){0};
  for (cf_cbor_map_t m = cf_cbor_map(&rd); cf_cbor_next(&m);) {
    if (m.is_text || m.key != ++keys) rd.bad = true; /* none may be missing before fresh */
    else read_field(&rd, out, m.key);
  }
  if (!cf_rd_done(&rd) || keys < KEYS_DUE)
    return cf_error_set(err, CF_ERR_FORMAT, "bundle", rd.pos, "not a bundle's map of keys 1 to 9 and perhaps 10");
  return CF_OK;
}

static void write_bstr(cf_wr_t *wr, int key, cf_span_t s) {
  cf_cbor_w_uint(wr, (uint64_t)key);
  cf_cbor_w_bstr(wr, s);
}

static void write_proven(cf_wr_t *wr, cf_proven_t const *p) {
  cf_cbor_w_array(wr, 3);
  cf_cbor_w_uint(wr, p->index);
  cf_cbor_w_bstr(wr, p->entry);
  cf_cbor_w_array(wr, p->path_cnt);
  for (size_t i = 0; i < p->path_cnt; i++) cf_cbor_w_hash(wr, &p->path[i]);
}

void cf_bundle_encode(cf_wr_t *wr, cf_bundle_t const *b) {
  cf_cbor_w_map(wr, KEYS_DUE + (b->fresh.len ? 1 : 0));
  write_bstr(wr, KEY_GENESIS, b->genesis);
  write_bstr(wr, KEY_NOTE, b->note);
  cf_cbor_w_uint(wr, KEY_BOOT);
  write_proven(wr, &b->boot);
  cf_cbor_w_uint(wr, KEY_CERTIFICATE);
  write_proven(wr, &b->certificate);
  cf_cbor_w_uint(wr, KEY_RESULTS);
  cf_cbor_w_array(wr, b->results_cnt);
  for (size_t i = 0; i < b->results_cnt; i++) write_proven(wr, &b->results[i]);
  write_bstr(wr, KEY_EVIDENCE, b->evidence);
  write_bstr(wr, KEY_COLLATERAL, b->collateral);
  cf_cbor_w_uint(wr, KEY_STATEMENTS);
  cf_cbor_w_array(wr, b->statements_cnt);
  for (size_t i = 0; i < b->statements_cnt; i++) cf_cbor_w_bstr(wr, b->statements[i]);
  cf_cbor_w_uint(wr, KEY_DEPLOYMENT);
  write_proven(wr, &b->deployment);
  if (b->fresh.len) write_bstr(wr, KEY_FRESH, b->fresh);
}
