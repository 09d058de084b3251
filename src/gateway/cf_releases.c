/* What the enclave lets out once the log stands witnessed: certificates,
   settlements, sealed results.  Results are one file per crossing, with the path of each leaf. */
#include "gateway/cf_gateway_state.h"

#include <assert.h>

#include "codec/cf_cbor.h"

#define LEAVES_MAX 16384 /* results of one receipt */
#define OCTETS "application/octet-stream"

/* ---- results ----   file: CBOR sequence of [envelope id, [receipt's sequence, order, salt, sealed, [path]]], and the hash of it */

typedef struct {
  uint64_t sequence;
  uint32_t cnt;
  cf_rd_t  each;
  bool     whole; /* all leaves of the receipt are here: g->leaves has the tree */
} results_t;

static bool
next_result(cf_rd_t *rd, cf_hash_t *to, uint32_t *order, cf_hash_t *salt, cf_span_t *sealed) {
  *to     = cf_rd_hash(rd);
  *order  = cf_rd_u32(rd);
  *salt   = cf_rd_hash(rd);
  *sealed = cf_rd_sized(rd);
  return !rd->bad;
}

static bool
results_open(cf_gateway_t *g, results_t *r, uint64_t sequence, cf_span_t in) {
  cf_hash_t to, salt;
  uint32_t  order;
  cf_span_t sealed;
  cf_rd_t   rd        = cf_rd_span(in);
  *r                  = (results_t){ .sequence = sequence, .cnt = cf_rd_u32(&rd) };
  r->each             = rd;
  cf_row_t const *row = cf_row(g, sequence);
  r->whole            = row && r->cnt && r->cnt <= LEAVES_MAX;
  for (uint32_t i = 0; i < r->cnt; i++) {
    if (!next_result(&rd, &to, &order, &salt, &sealed)) return false;
    if (order != i) r->whole = false;
    if (!r->whole) continue;
    cf_hash_t entry = cf_result_leaf(salt.b, order, sealed);
    g->leaves[i]    = cf_tree_leaf(CF_SPAN_OF(entry.b));
  }
  if (!cf_rd_done(&rd)) return false;
  if (r->whole) r->whole = cf_hash_eq(&g->leaves[cf_levels_make(g->leaves, r->cnt) - 1], &row->results_root);
  return true;
}

static void
write_results(cf_gateway_t *g, cf_wr_t *wr, results_t *r) {
  cf_hash_t to, salt, path[CF_INDEX_PATH_MAX];
  uint32_t  order;
  cf_span_t sealed;
  for (uint32_t i = 0; i < r->cnt && next_result(&r->each, &to, &order, &salt, &sealed); i++) {
    size_t n = r->whole ? cf_levels_path(g->leaves, r->cnt, order, path) : 0;
    cf_cbor_w_array(wr, 2);
    cf_cbor_w_hash(wr, &to);
    cf_cbor_w_array(wr, 5);
    cf_cbor_w_uint(wr, r->sequence);
    cf_cbor_w_uint(wr, order);
    cf_cbor_w_hash(wr, &salt);
    cf_cbor_w_bstr(wr, sealed);
    cf_cbor_w_array(wr, n);
    for (size_t k = 0; k < n; k++) cf_cbor_w_hash(wr, &path[k]);
  }
}

static cf_hash_t
results_hash(cf_span_t sequence) {
  cf_sha256_t ctx;
  cf_sha256_tag(&ctx, "results");
  cf_sha256_add(&ctx, sequence.ptr, sequence.len);
  return cf_sha256_end(&ctx);
}

/* cf_releases_load reads a results file of an earlier life: what is in it is nowhere else.  False when it is not what was written. */
bool
cf_releases_load(cf_gateway_t *g, uint64_t file, cf_span_t bytes) {
  cf_hash_t is, says;
  if (bytes.len < sizeof says.b) return false;
  cf_span_t sequence = CF_SPAN(bytes.ptr, bytes.len - sizeof says.b);
  memcpy(says.b, bytes.ptr + sequence.len, sizeof says.b);
  is = results_hash(sequence);
  if (!cf_hash_eq(&is, &says)) return false;
  cf_releases_index(g, file, sequence);
  return true;
}

/* cf_releases_index reads what a results file holds. */
void
cf_releases_index(cf_gateway_t *g, uint64_t file, cf_span_t bytes) {
  cf_rd_t rd = cf_rd_span(bytes);
  while (cf_rd_left(&rd) && !rd.bad) {
    if (cf_cbor_array(&rd) != 2) return;
    cf_hash_t id   = cf_cbor_hash(&rd);
    size_t    at   = rd.pos;
    cf_span_t item = cf_cbor_skip(&rd);
    cf_rd_t   in   = cf_rd_span(item);
    if (rd.bad || cf_cbor_array(&in) != 5) return;
    cf_index_result(&g->index, &id, cf_cbor_uint(&in), file, (uint32_t)at, (uint32_t)item.len);
  }
}

static cf_span_t
results_name(cf_effects_t *fx, uint64_t file) {
  return cf_fx_printf(fx, "gateway/results/%020llu", (unsigned long long)file);
}

/* ---- settlements ---- */

static void
take_settlement(cf_gateway_t *g, cf_span_t span) {
  cf_rd_t             rd      = cf_rd_span(span);
  cf_span_t           payload = cf_rd_sized(&rd), body = cf_rd_take_span(&rd, cf_rd_left(&rd));
  cf_settlement_doc_t doc;
  if (rd.bad || cf_table_decode(&doc, &cf_settlement_doc_table, payload, NULL)) return;
  uint8_t  buf[4096];
  cf_wr_t  wr     = cf_wr_init(buf, sizeof buf);
  bool     known  = cf_settler_knows(g, &doc);
  uint64_t number = cf_settler_add(g, &doc, CF_NO_INDEX, body.len ? body : CF_SPAN("", 0))->number;
  if (known) return; /* logged with this very signature */
  cf_document_seal(&wr, NULL, &cf_settlement_doc_table, &doc, g->cfg.key, g->issuer, "settlement");
  (void)cf_logside_queue(g, CF_ENTRY_SETTLEMENT, number, cf_wr_out(&wr));
}

void
cf_releases_take(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *items) {
  cf_wr_t  wr  = cf_wr_init(g->release, CF_RELEASE_BYTES);
  uint16_t cnt = cf_rd_u16(items);
  for (uint16_t i = 0; i < cnt && !items->bad; i++) {
    uint8_t   kind   = cf_rd_u8(items);
    uint64_t  number = cf_rd_u64(items);
    cf_span_t span   = cf_rd_sized(items);
    results_t r;
    if (items->bad) break;
    switch (kind) {
    case CF_RELEASE_CERTIFICATE:
      (void)cf_logside_queue(g, CF_ENTRY_PLAIN, 0, span);
      cf_attest_certificate(g, span, CF_NO_INDEX);
      break;
    case CF_RELEASE_SETTLEMENT: take_settlement(g, span); break;
    case CF_RELEASE_RESULTS:
      if (results_open(g, &r, number, span)) write_results(g, &wr, &r);
      break;
    }
  }
  cf_span_t sequence = cf_wr_out(&wr);
  if (!sequence.len) return;
  cf_hash_t hash = results_hash(sequence);
  cf_wr_hash(&wr, &hash);
  assert(!wr.bad); /* a frame's results, each with a path, fit */
  cf_fx_put(fx, results_name(fx, g->results_file), cf_wr_out(&wr)); /* before the next batch: that may make the enclave forget them */
  cf_releases_index(g, g->results_file, sequence);
  g->results_file++;
  g->busy_until_ms = 0; /* the enclave has room again */
}

/* ---- reading ---- */

static cf_lookup_t *
lookup_free(cf_gateway_t *g) {
  for (size_t i = 0; i < CF_LOOKUPS_MAX; i++)
    if (!g->lookup[i].request) return &g->lookup[i];
  return NULL;
}

static void
lookup_next(cf_gateway_t *g, cf_effects_t *fx, cf_lookup_t *l) {
  cf_fx_get(fx, cf_fx_id(g, CF_ID_LOOKUP, (unsigned)(l - g->lookup)), results_name(fx, l->result[l->at].file));
}

/* GET /v1/results/<id>: what was released for it so far, oldest receipt first: its answer, and the newest notices. */
void
cf_releases_get(cf_gateway_t *g, cf_effects_t *fx, uint64_t request, cf_hash_t const *id) {
  cf_index_entry_t const *e = cf_index_find(&g->index, id);
  cf_lookup_t            *l = lookup_free(g);
  if (!l) {
    cf_front_problem(g, fx, request, 503, "busy", "too many reads under way");
    return;
  }
  l->request = request;
  l->type    = NULL;
  l->cnt = l->at = l->len = 0;
  cf_index_result_t r;
  for (uint64_t at = e ? e->results : 0; cf_index_result_next(&g->index, id, &at, &r);) {
    if (l->cnt == CF_LOOKUP_RESULTS) { /* notices in the middle are left out, never the answer itself, which is the oldest */
      l->result[0] = r;
      continue;
    }
    size_t k = l->cnt++;
    for (; k && (l->result[k - 1].sequence > r.sequence ||
                 (l->result[k - 1].sequence == r.sequence && l->result[k - 1].offset > r.offset));
         k--)
      l->result[k] = l->result[k - 1];
    l->result[k] = r;
  }
  if (l->cnt) {
    lookup_next(g, fx, l);
    return;
  }
  l->request = 0;
  cf_front_problem(g, fx, request, 404, "not-yet", "nothing has been released for this envelope");
}

void
cf_releases_file(cf_gateway_t *g, cf_effects_t *fx, uint64_t request, cf_span_t name, char const *type) {
  cf_lookup_t *l = lookup_free(g);
  if (!l) {
    cf_front_problem(g, fx, request, 503, "busy", "too many reads under way");
    return;
  }
  l->request = request;
  l->type    = type;
  cf_fx_get(fx, cf_fx_id(g, CF_ID_LOOKUP, (unsigned)(l - g->lookup)),
            cf_fx_printf(fx, "public/%.*s", (int)name.len, (char const *)name.ptr));
}

static void
reply_file(cf_gateway_t *g, cf_effects_t *fx, cf_lookup_t *l, cf_event_t const *ev) {
  uint64_t request = l->request;
  l->request       = 0;
  if (ev->status || ev->code != 200) {
    cf_front_problem(g, fx, request, ev->status ? 500 : 404, "not-found", "there is no such file");
    return;
  }
  if (ev->body.len > g->answers.max - g->answers.len) {
    cf_front_problem(g, fx, request, 500, "too-large", "the file is too large for this server: read it from its folder");
    return;
  }
  size_t from = g->answers.len;
  cf_wr_span(&g->answers, ev->body);
  cf_fx_reply(fx, request, 200, l->type, CF_SPAN(g->answers.buf + from, ev->body.len));
}

void
cf_releases_read(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  cf_lookup_t *l = &g->lookup[(ev->id >> 8 & 0xff) % CF_LOOKUPS_MAX];
  if (!l->request) return;
  if (l->type) {
    reply_file(g, fx, l, ev);
    return;
  }
  cf_index_result_t const *r  = &l->result[l->at];
  bool                     ok = !ev->status && ev->code == 200 && r->offset <= ev->body.len && r->len <= ev->body.len - r->offset;
  if (ok && r->len <= CF_LOOKUP_BYTES - l->len) {
    memcpy(l->out + l->len, ev->body.ptr + r->offset, r->len);
    l->len += r->len;
  } else {
    l->result[l->at--] = l->result[--l->cnt]; /* left out: unreadable, or over the bound of one answer */
  }
  if (++l->at < l->cnt) {
    lookup_next(g, fx, l);
    return;
  }
  size_t from = g->answers.len;
  cf_cbor_w_array(&g->answers, l->cnt);
  cf_wr_bytes(&g->answers, l->out, l->len);
  assert(!g->answers.bad);
  cf_fx_reply(fx, l->request, 200, OCTETS, CF_SPAN(g->answers.buf + from, g->answers.len - from));
  l->request = 0;
}
