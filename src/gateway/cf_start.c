/* The start of a process: the lease, what the store has, the log's own files,
   then the index made again from manifests and results.  Nothing is asked of anybody else before. */
#include "gateway/cf_chainside.h"

static void
scan(cf_gateway_t *g, cf_effects_t *fx, cf_store_kind_t kind) {
  uint8_t *name  = cf_fx_room(fx, 1);
  name[0]        = (uint8_t)kind;
  cf_effect_t *e = cf_fx(fx, CF_FX_SCAN);
  e->id          = cf_fx_id(g, CF_ID_SCAN, (unsigned)kind);
  e->name        = CF_SPAN(name, 1);
}

void
cf_start_begin(cf_gateway_t *g, cf_effects_t *fx) {
  cf_leader_to(g, CF_STEP_LOG);
  scan(g, fx, CF_STORE_LEASE);
}

static void
take_lease(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  cf_rd_t rd;
  uint8_t holder[16];
  if (cf_store_open(&rd, &g->fence, ev->body)) return;
  g->fence++; /* whoever held it before cannot commit any more */
  cf_entropy_fill(&g->cfg.entropy, holder, sizeof holder);
  g->writes = cf_wr_init(g->store, CF_PROMISED_BYTES);
  cf_store_begin(&g->writes, g->fence);
  cf_store_put(&g->writes, CF_STORE_LEASE, CF_SPAN_LIT("leader"), CF_SPAN_OF(holder));
  cf_gateway_store(g, fx);
  if (g->evm) cf_chainside_begin(g);
  scan(g, fx, CF_STORE_META);
}

/* What was promised must be kept: an altered or missing row is not passed over. */
static void
store_broken(cf_gateway_t *g, cf_effects_t *fx, unsigned kind) {
  cf_gateway_say(g, fx, CF_LINE_ERROR, CF_PUBLIC_TEXT("store-broken"),
                 CF_PUBLIC_TEXT("envelopes and promises in it are not what was written: restore gateway.db"), kind);
  cf_fx(fx, CF_FX_EXIT)->code = 1;
}

static void
on_scan(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  unsigned kind = ev->id >> 8 & 0xff;
  if (ev->status) {
    cf_gateway_say(g, fx, CF_LINE_ERROR, CF_PUBLIC_TEXT("store"), CF_PUBLIC_TEXT("cannot be read"), kind);
    cf_fx(fx, CF_FX_EXIT)->code = 1;
    return;
  }
  switch (kind) {
  case CF_STORE_LEASE: take_lease(g, fx, ev); return;
  case CF_STORE_META:
    cf_attest_load(g, ev);
    scan(g, fx, CF_STORE_ENVELOPE);
    return;
  case CF_STORE_ENVELOPE:
    if (!cf_promises_load(g, ev)) store_broken(g, fx, kind);
    else scan(g, fx, CF_STORE_PROMISE);
    return;
  case CF_STORE_PROMISE:
    if (!cf_promises_load(g, ev) || !cf_promises_whole(g)) store_broken(g, fx, kind);
    else cf_logside_start(g, fx);
    return;
  }
}

/* The newest receipts whose envelopes the index has room for. */
static void
index_begin(cf_gateway_t *g) {
  uint64_t inputs = 0;
  g->index_end = g->index_at = g->logged + 1;
  while (g->index_at > 1 && g->logged + 2 - g->index_at < CF_RECEIPT_ROWS) {
    cf_row_t const *row = cf_row(g, g->index_at - 1);
    if (!row || (inputs += row->inputs) > g->cfg.index_cap / 2) break;
    g->index_at--;
  }
}

void
cf_start_list(cf_gateway_t *g, cf_effects_t *fx, unsigned kind, cf_span_t name) {
  cf_effect_t *e = cf_fx(fx, CF_FX_LIST);
  e->id          = cf_fx_id(g, kind, 0);
  e->name        = name;
}

static void
index_go(cf_gateway_t *g, cf_effects_t *fx) {
  cf_hash_t root;
  char      hex[65];
  for (; g->index_at < g->index_end; g->index_at++) {
    cf_row_t const *row = cf_row(g, g->index_at);
    if (row && row->inputs && row->inputs <= CF_BATCH_MAX) {
      cf_fx_get(fx, cf_fx_id(g, CF_ID_MANIFEST, 0),
                cf_fx_printf(fx, "public/archive/%s", cf_hex_encode(hex, CF_SPAN_OF(row->manifest.b))));
      return;
    }
    if (row) cf_index_add(&g->index, g->index_at, g->ids, 0, &root);
  }
  cf_start_list(g, fx, CF_ID_RESULTS_LIST, CF_SPAN_LIT("gateway/results"));
}

static void
on_manifest(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  cf_row_t const *row = cf_row(g, g->index_at);
  cf_hash_t       is  = cf_sha256(ev->body), root;
  if (row && !ev->status && ev->code == 200 && cf_hash_eq(&is, &row->manifest) && ev->body.len == row->inputs * 32) {
    memcpy(g->ids, ev->body.ptr, ev->body.len);
    cf_index_add(&g->index, row->sequence, g->ids, (uint32_t)row->inputs, &root);
  } else {
    cf_gateway_say(g, fx, CF_LINE_WARN, CF_PUBLIC_TEXT("archive-broken"),
                   CF_PUBLIC_TEXT("this receipt's manifest is missing or altered: restore it, its envelopes are not found"), g->index_at);
  }
  g->index_at++;
  index_go(g, fx);
}

/* The numbers in names "<prefix><20 digits>" of a LIST, the newest max of them. */
size_t
cf_start_numbers(uint64_t *out, size_t max, cf_span_t names, cf_span_t prefix) {
  size_t  cnt = 0;
  cf_rd_t rd  = cf_rd_span(names);
  while (cf_rd_left(&rd)) {
    uint8_t const *at  = rd.buf + rd.pos;
    uint8_t const *nul = memchr(at, 0, cf_rd_left(&rd));
    cf_span_t      s   = cf_rd_take_span(&rd, nul ? (size_t)(nul - at) : cf_rd_left(&rd));
    cf_rd_take(&rd, cf_rd_left(&rd) ? 1 : 0);
    if (s.len != prefix.len + 20 || (prefix.len && memcmp(s.ptr, prefix.ptr, prefix.len))) continue;
    uint64_t n   = 0;
    size_t   dig = 0;
    for (; dig < 20; dig++) {
      uint8_t c = s.ptr[prefix.len + dig];
      if (c < '0' || c > '9' || __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(c - '0'), &n)) break;
    }
    if (dig < 20) continue;
    if (cnt == max) memmove(out, out + 1, --cnt * sizeof *out);
    out[cnt++] = n;
  }
  return cnt;
}

/* The next results file is asked for by its number: the numbers have no gaps. */
static void
results_go(cf_gateway_t *g, cf_effects_t *fx) {
  if (g->results_at == g->results_file) {
    cf_leader_to(g, CF_STEP_ENTRIES);
    cf_logside_ready(g, fx);
    if (g->settlements) cf_views_want(g, 0); /* which of them are final? */
    return;
  }
  cf_fx_get(fx, cf_fx_id(g, CF_ID_RESULTS, 0),
            cf_fx_printf(fx, g->results_lost ? "gateway/results/%020llu.lost" : "gateway/results/%020llu",
                         (unsigned long long)g->results_at));
}

static void
results_list(cf_gateway_t *g, cf_event_t const *ev) {
  uint64_t list[CF_FILES_MAX];
  size_t   cnt    = ev->status ? 0 : cf_start_numbers(list, CF_FILES_MAX, ev->body, CF_SPAN(NULL, 0));
  g->results_file = cnt ? list[cnt - 1] + 1 : 1;
  g->results_at   = g->results_file > CF_FILES_MAX ? g->results_file - CF_FILES_MAX : 1; /* older ones are not indexed */
}

/* A file that is not what was written, or is missing between others, stops us until it is restored, or until somebody says that
   it is lost: its parties would wait for results for ever. */
static void
on_results(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  if ((ev->id & 0xff) == CF_ID_RESULTS_LIST) {
    results_list(g, ev);
    results_go(g, fx);
    return;
  }
  bool have = !ev->status && ev->code == 200;
  if (!g->results_lost && (!have || !cf_releases_load(g, g->results_at, ev->body))) {
    g->results_lost = true;
  } else if (!have) {
    cf_gateway_say(g, fx, CF_LINE_ERROR, CF_PUBLIC_TEXT("results-broken"),
                   CF_PUBLIC_TEXT("restore this file of gateway/results; an empty NUMBER.lost beside it says that it is lost"),
                   g->results_at);
    cf_fx(fx, CF_FX_EXIT)->code = 1;
    return;
  } else {
    g->results_lost = false;
    g->results_at++;
  }
  results_go(g, fx);
}

/* The log is read: now what the index needs. */
void
cf_start_index(cf_gateway_t *g, cf_effects_t *fx) {
  cf_leader_to(g, CF_STEP_INDEX);
  index_begin(g);
  index_go(g, fx);
}

void
cf_start_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  switch (ev->id & 0xff) {
  case CF_ID_SCAN: on_scan(g, fx, ev); return;
  case CF_ID_MANIFEST: on_manifest(g, fx, ev); return;
  case CF_ID_RESULTS_LIST:
  case CF_ID_RESULTS: on_results(g, fx, ev); return;
  }
}
