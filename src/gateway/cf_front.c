/* The front: what everybody may ask over HTTP.  docs/protocol/services.md, docs/openapi.json. */
#include "gateway/cf_gateway_state.h"

#include "codec/cf_cbor.h"
#include "codec/cf_json.h"
#include "translog/cf_proof.h"

#define OCTETS "application/octet-stream"
#define JSON "application/json"
#define PLAIN "text/plain; charset=utf-8"
#define PROBLEM "application/problem+json"

void
cf_front_problem(cf_gateway_t *g, cf_effects_t *fx, uint64_t request, unsigned code, char const *class, char const *detail) {
  cf_wr_t wr = cf_wr_init(cf_fx_room(fx, 768), 768);
  cf_jw_t j  = cf_jw_init(&wr);
  cf_jw_obj(&j, NULL);
  cf_span_t type = cf_fx_printf(fx, "urn:counterfoil:%s", class);
  cf_jw_text(&j, "type", type);
  cf_jw_str(&j, "title", class);
  cf_jw_u64(&j, "status", code);
  cf_jw_str(&j, "detail", detail);
  cf_jw_end(&j, '}');
  cf_fx_reply(fx, request, code, PROBLEM, cf_wr_out(&wr));
  if (code == 503) fx->at[fx->cnt - 1].retry_after_s = cf_gateway_mode(g).retry_after_s;
  if (code == 429) fx->at[fx->cnt - 1].retry_after_s = 1;
}

/* What was written to g->answers since from. */
static void
reply(cf_gateway_t *g, cf_effects_t *fx, uint64_t request, char const *type, size_t from) {
  if (g->answers.bad) cf_front_problem(g, fx, request, 500, "internal", "the answer outgrew its room");
  else cf_fx_reply(fx, request, 200, type, CF_SPAN(g->answers.buf + from, g->answers.len - from));
}

/* ---- the evidence bundle ---- */

static void
write_proven(cf_gateway_t *g, cf_wr_t *wr, uint64_t index, cf_span_t entry) {
  cf_hash_t path[CF_TREE_PATH_MAX];
  size_t    n = 0;
  if (cf_logwriter_proof(&g->writer, path, &n, index, g->publisher.cosigned.size)) wr->bad = true;
  cf_cbor_w_array(wr, 3);
  cf_cbor_w_uint(wr, index);
  cf_cbor_w_bstr(wr, entry);
  cf_cbor_w_array(wr, n);
  for (size_t i = 0; i < n; i++) cf_cbor_w_hash(wr, &path[i]);
}

static cf_span_t
kept(cf_kept_entry_t const *k) {
  return CF_SPAN(k->bytes, k->len);
}

/* Results that are under the note, and about the evidence that is served. */
static size_t
fit_results(cf_gateway_t const *g, bool fit[CF_MEMBERS_MAX]) {
  cf_hash_t evidence = cf_sha256(CF_SPAN(g->attest.served, g->attest.served_len));
  size_t    cnt      = 0;
  for (size_t i = 0; i < CF_MEMBERS_MAX; i++) {
    cf_kept_entry_t const *k = &g->newest.result[i];
    cf_ear_t               ear;
    cf_sign1_t             s;
    fit[i] = k->len && k->index < g->publisher.cosigned.size && !cf_ear_open(&ear, &s, kept(k), NULL) &&
             !memcmp(ear.evidence, evidence.b, 32);
    cnt += fit[i];
  }
  return cnt;
}

void
cf_front_bundle(cf_gateway_t *g, cf_effects_t *fx, uint64_t request, cf_span_t fresh) {
  cf_attest_t const *a    = &g->attest;
  bool               mine = request == g->fresh_request, fit[CF_MEMBERS_MAX];
  size_t             cnt = fit_results(g, fit), statements = 0, from = g->answers.len;
  if (mine) g->fresh_request = g->fresh_id = 0;
  if (g->step != CF_STEP_SERVING || cnt < cf_genesis_council(&g->domain.genesis, CF_VERIFIERS)->k || (mine && !fresh.len)) {
    cf_front_problem(g, fx, request, 503, "evidence", "there is no evidence to show now");
    return;
  }
  for (size_t i = 0; i < CF_MEMBERS_MAX; i++) statements += a->v[i].statement_have;
  cf_wr_t *wr = &g->answers;
  cf_cbor_w_map(wr, fresh.len ? 10 : 9);
  cf_cbor_w_uint(wr, 1), cf_cbor_w_bstr(wr, g->cfg.genesis);
  cf_cbor_w_uint(wr, 2), cf_cbor_w_bstr(wr, cf_logside_note(g));
  cf_cbor_w_uint(wr, 3), write_proven(g, wr, g->newest.boot.index, kept(&g->newest.boot));
  cf_cbor_w_uint(wr, 4), write_proven(g, wr, g->newest.certificate.index, kept(&g->newest.certificate));
  cf_cbor_w_uint(wr, 5), cf_cbor_w_array(wr, cnt);
  for (size_t i = 0; i < CF_MEMBERS_MAX; i++)
    if (fit[i]) write_proven(g, wr, g->newest.result[i].index, kept(&g->newest.result[i]));
  cf_cbor_w_uint(wr, 6), cf_cbor_w_bstr(wr, CF_SPAN(a->served, a->served_len));
  cf_cbor_w_uint(wr, 7), cf_cbor_w_bstr(wr, CF_SPAN(a->served_collateral, a->served_collateral_len));
  cf_cbor_w_uint(wr, 8), cf_cbor_w_array(wr, statements);
  for (size_t i = 0; i < CF_MEMBERS_MAX; i++)
    if (a->v[i].statement_have) cf_cbor_w_bstr(wr, CF_SPAN(a->v[i].statement, a->v[i].statement_len));
  cf_cbor_w_uint(wr, 9), write_proven(g, wr, 1, kept(&g->deployment));
  if (fresh.len) cf_cbor_w_uint(wr, 10), cf_cbor_w_bstr(wr, fresh);
  reply(g, fx, request, OCTETS, from);
  fx->at[fx->cnt - 1].side = true; /* its note's file may still be under way */
}

static void
get_evidence(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev, cf_span_t rest) {
  cf_span_t const name = CF_SPAN_LIT("nonce=");
  if (!ev->query.len) {
    cf_front_bundle(g, fx, ev->id, CF_SPAN(NULL, 0));
    return;
  }
  cf_hash_t nonce;
  if (ev->query.len != name.len + 64 || memcmp(ev->query.ptr, name.ptr, name.len) ||
      cf_hex_decode(nonce.b, 32, CF_SPAN(ev->query.ptr + name.len, 64))) {
    cf_front_problem(g, fx, ev->id, 400, "malformed", "nonce is 64 hex digits");
    return;
  }
  if (g->step != CF_STEP_SERVING) {
    cf_front_problem(g, fx, ev->id, 503, "evidence", "there is no evidence to show now");
    return;
  }
  if (g->fresh_request || g->now.mono_ms < g->fresh_at_ms) {
    cf_front_problem(g, fx, ev->id, 429, "rate", "one fresh quote a second");
    return;
  }
  g->fresh_request = ev->id;
  g->fresh_nonce   = nonce;
  g->fresh_at_ms   = g->now.mono_ms + 1000;
}

/* ---- single things ---- */

static bool
read_id(cf_hash_t *id, cf_span_t text) {
  return !cf_hex_decode(id->b, 32, text);
}

static void
get_receipt(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev, cf_span_t rest) {
  cf_hash_t         id;
  cf_receipt_file_t f;
  if (!read_id(&id, rest)) {
    cf_front_problem(g, fx, ev->id, 400, "malformed", "an envelope id is 64 hex digits");
    return;
  }
  cf_index_entry_t const *e   = cf_index_find(&g->index, &id);
  cf_row_t const         *row = e ? cf_row(g, e->sequence) : NULL;
  if (!row || !cf_index_path(&g->index, e->sequence, e->position, f.path, &f.path_cnt)) {
    cf_front_problem(g, fx, ev->id, 404, "not-yet",
                     "no receipt at hand has this envelope; older ones are in the log and its archive");
    return;
  }
  size_t from = g->answers.len;
  f.receipt   = CF_SPAN(row->bytes, row->len);
  f.index     = e->position;
  cf_receipt_file_encode(&g->answers, &f);
  reply(g, fx, ev->id, OCTETS, from);
}

static void
get_results(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev, cf_span_t rest) {
  cf_hash_t id;
  if (read_id(&id, rest)) cf_releases_get(g, fx, ev->id, &id);
  else cf_front_problem(g, fx, ev->id, 400, "malformed", "an envelope id is 64 hex digits");
}

static void
get_promise(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev, cf_span_t rest) {
  cf_hash_t            id;
  cf_promised_t const *p = read_id(&id, rest) ? cf_promises_find(g, &id) : NULL;
  if (p) cf_fx_reply(fx, ev->id, 200, OCTETS, CF_SPAN(p->promise, p->promise_len));
  else cf_front_problem(g, fx, ev->id, 404, "unknown", "no promise waits for this envelope");
}

static void
get_proof(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev, cf_span_t rest) {
  cf_tlog_proof_t p    = { .note = cf_logside_note(g) };
  uint64_t        size = g->publisher.cosigned.size;
  if (cf_dec_u64(&p.index, rest) || p.index >= size || cf_logwriter_proof(&g->writer, p.path, &p.path_cnt, p.index, size)) {
    cf_front_problem(g, fx, ev->id, 404, "not-yet", "no cosigned checkpoint covers this index");
    return;
  }
  size_t from = g->answers.len;
  cf_tlog_proof_write(&g->answers, &p);
  reply(g, fx, ev->id, PLAIN, from);
}

static void
get_settlement(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev, cf_span_t rest) {
  uint64_t            n = 0;
  cf_settled_t const *s = cf_dec_u64(&n, rest) ? NULL : cf_settler_at(g, n);
  if (!s) {
    cf_front_problem(g, fx, ev->id, 404, "unknown", "no such settlement is listed");
    return;
  }
  size_t from = g->answers.len;
  cf_tell_settlement(g, &g->answers, s);
  reply(g, fx, ev->id, JSON, from);
}

static void
get_checkpoint(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev, cf_span_t rest) {
  cf_span_t note = cf_logside_note(g);
  if (note.len) cf_fx_reply(fx, ev->id, 200, PLAIN, cf_fx_dup(fx, note));
  else cf_front_problem(g, fx, ev->id, 503, "not-yet", "no checkpoint has its quorum yet");
}

/* Whoever asks compares it with the ledger's newest block, so asking makes the gateway look for a newer one, once a second. */
static void
get_finality(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev, cf_span_t rest) {
  cf_views_t const *v = &g->views;
  if (g->step == CF_STEP_SERVING && g->now.mono_ms - v->sought_ms >= 1000) cf_views_want(g, 0);
  if (v->proof_len) cf_fx_reply(fx, ev->id, 200, OCTETS, cf_fx_dup(fx, CF_SPAN(v->proof_bytes, v->proof_len)));
  else cf_front_problem(g, fx, ev->id, 404, "not-yet", "no quorum of observers has made a block final yet");
}

static void
told(cf_gateway_t *g, cf_effects_t *fx, uint64_t request, char const *type, void (*tell)(cf_gateway_t *, cf_wr_t *)) {
  size_t from = g->answers.len;
  tell(g, &g->answers);
  reply(g, fx, request, type, from);
}

static void
get_domain(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev, cf_span_t rest) {
  told(g, fx, ev->id, JSON, cf_tell_domain);
}
static void
get_status(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev, cf_span_t rest) {
  told(g, fx, ev->id, JSON, cf_tell_status);
}
static void
get_metrics(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev, cf_span_t rest) {
  told(g, fx, ev->id, CF_METRICS_TYPE, cf_tell_metrics);
}
static void
get_openapi(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev, cf_span_t rest) {
  size_t from = g->answers.len;
  cf_wr_span(&g->answers, cf_openapi());
  reply(g, fx, ev->id, JSON, from);
}

static void
post_envelopes(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev, cf_span_t rest) {
  cf_batcher_post(g, fx, ev);
}

/* The conversation between a party's tool and the TPM, passed on. */
static void
post_activate(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev, cf_span_t rest) {
  if (g->activate_request || ev->body.len > 4096) {
    cf_front_problem(g, fx, ev->id, g->activate_request ? 503 : 413, g->activate_request ? "busy" : "too-large",
                     "one short challenge at a time");
    return;
  }
  cf_wr_t wr = cf_wr_init(cf_fx_room(fx, 2 + ev->body.len), 2 + ev->body.len);
  cf_wr_u8(&wr, 1);
  cf_wr_u8(&wr, 3);
  cf_wr_span(&wr, ev->body);
  g->activate_request = ev->id;
  g->activate_id      = cf_fx_id(g, CF_ID_ACTIVATE, 0);
  cf_fx_ask(fx, g->activate_id, g->cfg.launcher, CF_SPAN_LIT("ACTIVATE"), cf_wr_out(&wr), CF_PEER_MS);
}

static bool
begins(cf_span_t s, char const *with) {
  size_t n = strlen(with);
  return s.len >= n && !memcmp(s.ptr, with, n);
}

/* Names are of small letters, digits, '/' and '.'; a '.' neither begins a segment nor follows another. */
static bool
is_plain(cf_span_t name) {
  uint8_t before = '/';
  for (size_t i = 0; i < name.len; before = name.ptr[i++]) {
    uint8_t c      = name.ptr[i];
    bool    letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!letter && c != '/' && !(c == '.' && before != '/' && before != '.')) return false;
  }
  return name.len <= 128;
}

/* Files of public/, for drivers that do not serve them themselves. */
static void
get_file(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev, cf_span_t rest) {
  size_t    head = sizeof "GET /" - 1;
  cf_span_t name = CF_SPAN(ev->path.ptr + head, ev->path.len - head);
  if (!is_plain(name)) {
    cf_front_problem(g, fx, ev->id, 404, "not-found", "there is no such file");
    return;
  }
  bool text = begins(name, "checkpoints/") || begins(name, "log/checkpoint") || begins(name, "log.vkey");
  cf_releases_file(g, fx, ev->id, name, text ? PLAIN : OCTETS);
}

/* ---- routes ---- */

typedef void route_fn_t(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev, cf_span_t rest);
static struct {
  char const *path;
  bool        prefix; /* something follows */
  bool        log;    /* tells of what is in the log: after its files */
  route_fn_t *fn;
} const routes[] = {
  { "POST /v1/envelopes", false, false, post_envelopes },
  { "GET /v1/receipts/", true, false, get_receipt },
  { "GET /v1/results/", true, false, get_results },
  { "GET /v1/promises/", true, false, get_promise },
  { "GET /v1/proofs/", true, true, get_proof },
  { "GET /v1/settlements/", true, true, get_settlement },
  { "GET /v1/checkpoint", false, true, get_checkpoint },
  { "GET /v1/finality", false, false, get_finality },
  { "GET /v1/evidence", false, false, get_evidence },
  { "POST /v1/activate", false, false, post_activate },
  { "GET /v1/domain", false, false, get_domain },
  { "GET /v1/status", false, true, get_status },
  { "GET /metrics", false, true, get_metrics },
  { "GET /openapi.json", false, false, get_openapi },
  { "GET /log/", true, true, get_file },
  { "GET /checkpoints/", true, true, get_file },
  { "GET /archive/", true, true, get_file },
  { "GET /ledger/blocks/", true, true, get_file },
  { "GET /genesis", false, true, get_file },
  { "GET /log.vkey", false, true, get_file },
};

void
cf_front_request(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  for (size_t i = 0; i < CF_COUNT_OF(routes); i++) {
    size_t n  = strlen(routes[i].path);
    bool   is = ev->path.len >= n && !memcmp(ev->path.ptr, routes[i].path, n) &&
              (routes[i].prefix ? ev->path.len > n : ev->path.len == n);
    if (!is) continue;
    size_t from = fx->cnt;
    if (g->step <= CF_STEP_INDEX && routes[i].fn != get_status && routes[i].fn != get_metrics && routes[i].fn != get_openapi &&
        routes[i].fn != get_file)
      cf_front_problem(g, fx, ev->id, 503, "starting", "the gateway reads its log");
    else routes[i].fn(g, fx, ev, CF_SPAN(ev->path.ptr + n, ev->path.len - n));
    for (; routes[i].log && from < fx->cnt; from++) fx->at[from].side = true;
    return;
  }
  cf_front_problem(g, fx, ev->id, 404, "not-found", "the gateway has no such resource");
}
