#include "council/cf_rats.h"

#include <assert.h>

#include "base/cf_text.h"
#include "base/cf_utc.h"
#include "council/cf_problem.h"

#define BASE "/challenge-response/v1/"
#define SESSION_TYPE "application/vnd.veraison.challenge-response-session+json"
#define DISCOVERY_TYPE "application/vnd.veraison.discovery+json"
enum { ID_HEX = 32, NONCE_DEFAULT = 32, ANSWER_MAX = 16384 };

void cf_rats_init(cf_rats_t *r, cf_rats_config_t const *cfg) {
  memset(r, 0, sizeof *r);
  r->cfg = *cfg;
}

/* ---- sessions ---- */

static bool is_live(cf_rats_session_t const *s, uint64_t now_ms) { return s->until_ms > now_ms; }

/* One that is free or over; else the oldest that has its result; NULL: all wait for evidence. */
static cf_rats_session_t *session_place(cf_rats_t *r, uint64_t now_ms) {
  cf_rats_session_t *oldest = NULL;
  for (size_t i = 0; i < CF_RATS_SESSIONS_MAX; i++) {
    cf_rats_session_t *s = &r->sessions[i];
    if (!is_live(s, now_ms)) return s;
    if (s->complete && (!oldest || s->seq < oldest->seq)) oldest = s;
  }
  return oldest;
}

static cf_rats_session_t *session_find(cf_rats_t *r, cf_span_t hex, uint64_t now_ms) {
  uint8_t id[16];
  if (hex.len != ID_HEX || cf_hex_decode(id, sizeof id, hex)) return NULL;
  for (size_t i = 0; i < CF_RATS_SESSIONS_MAX; i++)
    if (is_live(&r->sessions[i], now_ms) && !memcmp(r->sessions[i].id, id, sizeof id)) return &r->sessions[i];
  return NULL;
}

/* ---- answers ---- */

static void write_time(cf_jw_t *j, char const *key, int64_t unix_s) {
  char text[CF_UTC_TEXT];
  if (!cf_utc_write(text, unix_s)) cf_jw_str(j, key, text);
}

static void write_b64(cf_jw_t *j, char const *key, cf_span_t bytes) {
  char text[(CF_EAR_MAX + 2) / 3 * 4 + 1];
  assert(bytes.len <= CF_EAR_MAX);
  cf_b64_encode(text, bytes);
  cf_jw_str(j, key, text);
}

/* What can be judged over a nonce: alone, with the collateral at hand, or several items in a wrapper. */
static void write_accept(cf_jw_t *j, char const *key) {
  static cf_role_t const subjects[] = {CF_ROLE_QUOTE, CF_ROLE_REPORT, CF_ROLE_DOCUMENT};
  char                   type[CF_MEDIA_TYPE_MAX];
  cf_jw_arr(j, key);
  cf_jw_str(j, NULL, CF_CMW_TYPE);
  for (size_t i = 0; i < CF_COUNT_OF(subjects); i++) {
    cf_media_type(type, subjects[i]);
    cf_jw_str(j, NULL, type);
  }
  cf_jw_str(j, NULL, "application/aws-nitro-document");
  cf_jw_end(j, ']');
}

static void write_verdict(cf_jw_t *j, cf_rats_session_t const *s) {
  cf_jw_obj(j, "verdict");
  cf_jw_bool(j, "ok", !s->v.code);
  if (s->v.code) {
    cf_jw_str(j, "reason", cf_verdict_name(s->v.code));
    cf_jw_str(j, "item", s->v.item);
    cf_jw_str(j, "found", s->v.text);
    if (s->v.date_s) write_time(j, "date", s->v.date_s);
    cf_jw_str(j, "next", s->v.next);
  }
  cf_jw_bool(j, "authentic", s->authentic);
  if (s->platform) cf_jw_str(j, "platform", cf_platform_name(s->platform));
  write_time(j, "at", s->at_s);
  if (!s->v.code) write_time(j, "until", s->until_s);
  cf_jw_end(j, '}');
}

static void reply_session(cf_effects_t *fx, uint64_t request, unsigned code, cf_rats_session_t const *s) {
  char      buf[ANSWER_MAX], hex[ID_HEX + 1];
  cf_wr_t   wr = cf_wr_init(buf, sizeof buf);
  cf_jw_t   j = cf_jw_init(&wr);
  cf_span_t at = cf_fx_printf(fx, BASE "session/%s", cf_hex_encode(hex, CF_SPAN_OF(s->id)));
  cf_jw_obj(&j, NULL);
  write_b64(&j, "nonce", CF_SPAN(s->nonce, s->nonce_len));
  write_time(&j, "expiry", s->expiry_s);
  write_accept(&j, "accept");
  cf_jw_str(&j, "state", s->complete ? "complete" : "waiting");
  if (s->complete) {
    write_b64(&j, "result", CF_SPAN(s->ear, s->ear_len));
    cf_jw_str(&j, "result-type", CF_EAR_TYP);
    write_verdict(&j, s);
  }
  cf_jw_end(&j, '}');
  assert(!wr.bad);
  cf_fx_reply(fx, request, code, SESSION_TYPE, cf_fx_dup(fx, cf_wr_out(&wr)));
  if (code == 201) fx->at[fx->cnt - 1].name = at;
}

static void on_discovery(cf_rats_t *r, cf_effects_t *fx, cf_event_t const *ev) {
  char    buf[ANSWER_MAX];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_jw_t j = cf_jw_init(&wr);
  cf_jw_obj(&j, NULL);
  cf_ear_key_json(&j, "ear-verification-key", r->cfg.key);
  write_accept(&j, "media-types");
  cf_jw_str(&j, "result-type", CF_EAR_TYP);
  cf_jw_str(&j, "eat-profile", CF_EAR_PROFILE);
  cf_jw_text(&j, "policy", r->cfg.policy->name);
  cf_jw_str(&j, "service-state", "READY");
  cf_jw_obj(&j, "api-endpoints");
  cf_jw_str(&j, "newChallengeResponseSession", BASE "newSession");
  cf_jw_end(&j, '}');
  cf_jw_end(&j, '}');
  assert(!wr.bad);
  cf_fx_reply(fx, ev->id, 200, DISCOVERY_TYPE, cf_fx_dup(fx, cf_wr_out(&wr)));
}

static void on_status(cf_rats_t *r, cf_effects_t *fx, cf_event_t const *ev) {
  char    buf[512];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_jw_t j = cf_jw_init(&wr);
  size_t  live = 0;
  for (size_t i = 0; i < CF_RATS_SESSIONS_MAX; i++) live += is_live(&r->sessions[i], ev->now.mono_ms);
  cf_jw_obj(&j, NULL);
  cf_jw_str(&j, "role", "verifier");
  cf_jw_u64(&j, "sessions", live);
  cf_jw_u64(&j, "sessions_max", CF_RATS_SESSIONS_MAX);
  cf_jw_u64(&j, "begun", r->begun);
  cf_jw_u64(&j, "judged", r->judged);
  cf_jw_u64(&j, "accepted", r->accepted);
  cf_jw_end(&j, '}');
  assert(!wr.bad);
  cf_fx_reply(fx, ev->id, 200, "application/json", cf_fx_dup(fx, cf_wr_out(&wr)));
}

/* ---- a new session ---- */

/* base64 or base64url, with or without padding: every program has another habit.  0: not one, or of another length than is taken. */
static size_t nonce_of(uint8_t out[CF_RATS_NONCE_MAX], cf_span_t text) {
  char   buf[(CF_RATS_NONCE_MAX + 2) / 3 * 4];
  size_t n = 0, sz;
  while (text.len && text.ptr[text.len - 1] == '=') text.len--;
  if (text.len > sizeof buf) return 0;
  for (; n < text.len; n++) buf[n] = text.ptr[n] == '-' ? '+' : text.ptr[n] == '_' ? '/' : (char)text.ptr[n];
  while (n % 4 && n < sizeof buf) buf[n++] = '=';
  return cf_b64_decode(out, &sz, CF_RATS_NONCE_MAX, CF_SPAN(buf, n)) || sz < CF_RATS_NONCE_MIN ? 0 : sz;
}

/* "", "nonceSize=32" or "nonce=...".  True when there is a nonce: the asker's, or one of ours. */
static bool read_nonce(cf_rats_t *r, cf_rats_session_t *s, cf_span_t query) {
  static char const size[] = "nonceSize=", own[] = "nonce=";
  uint64_t          n = NONCE_DEFAULT;
  if (query.len >= sizeof own - 1 && !memcmp(query.ptr, own, sizeof own - 1)) {
    s->nonce_len = nonce_of(s->nonce, CF_SPAN(query.ptr + sizeof own - 1, query.len - (sizeof own - 1)));
    return s->nonce_len > 0;
  }
  if (query.len) {
    bool sized = query.len >= sizeof size - 1 && !memcmp(query.ptr, size, sizeof size - 1);
    if (!sized || cf_dec_u64(&n, CF_SPAN(query.ptr + sizeof size - 1, query.len - (sizeof size - 1))) || n < CF_RATS_NONCE_MIN ||
        n > CF_RATS_NONCE_MAX)
      return false;
  }
  s->nonce_len = (size_t)n;
  cf_entropy_fill(&r->cfg.entropy, s->nonce, s->nonce_len);
  return true;
}

static void on_new(cf_rats_t *r, cf_effects_t *fx, cf_event_t const *ev) {
  cf_rats_session_t  made = {.until_ms = ev->now.mono_ms + r->cfg.session_ms,
                             .seq = r->begun,
                             .expiry_s = (int64_t)((ev->now.wall_ms + r->cfg.session_ms) / 1000)};
  cf_rats_session_t *s = session_place(r, ev->now.mono_ms);
  if (ev->body.len) {
    cf_problem(fx, ev->id, 400, "malformed", "a new session has no body", NULL, NULL);
    return;
  }
  if (!read_nonce(r, &made, ev->query)) {
    cf_problem(fx, ev->id, 400, "malformed", "no nonce", "nonceSize=N, or nonce= in base64; 8 to 64 bytes", "nonce");
    return;
  }
  if (!s) {
    cf_problem(fx, ev->id, 503, "busy", "too many sessions wait for evidence", NULL, NULL);
    return;
  }
  cf_entropy_fill(&r->cfg.entropy, made.id, sizeof made.id);
  *s = made;
  r->begun++;
  reply_session(fx, ev->id, 201, s);
}

/* ---- evidence ---- */

/* What its maker issues anew from time to time.  Ours counts before the attester's, who would bring the one that suits him. */
static bool is_issued(cf_role_t role) {
  return role == CF_ROLE_TCB_INFO || role == CF_ROLE_TCB_INFO_CHAIN || role == CF_ROLE_QE_IDENTITY || role == CF_ROLE_QE_IDENTITY_CHAIN ||
         role == CF_ROLE_PCK_CRL || role == CF_ROLE_ROOT_CA_CRL || role == CF_ROLE_CRL;
}

static bool has_role(cf_evidence_item_t const *items, size_t cnt, cf_role_t role) {
  for (size_t i = 0; i < cnt; i++)
    if (items[i].role == role) return true;
  return false;
}

/* The items to judge: the attester's, what is at hand here, and of what is issued and not at hand what he brought. */
static cf_status_t collect(cf_rats_t *r, cf_evidence_item_t items[CF_ITEMS_MAX], size_t *cnt, int64_t at_s, cf_error_t *err) {
  cf_items_t const *g = &r->given;
  cf_status_t       st = CF_OK;
  *cnt = 0;
  for (size_t i = 0; i < g->cnt; i++)
    if (!is_issued(g->items[i].role)) items[(*cnt)++] = g->items[i];
  if (r->cfg.collateral) st = r->cfg.collateral(r->cfg.ctx, items, cnt, at_s, err);
  size_t at_hand = *cnt;
  for (size_t i = 0; i < g->cnt && !st; i++) {
    if (!is_issued(g->items[i].role) || has_role(items, at_hand, g->items[i].role)) continue;
    if (*cnt == CF_ITEMS_MAX) st = cf_error_set(err, CF_ERR_BOUND, "items", 0, "more than %d items", CF_ITEMS_MAX);
    else items[(*cnt)++] = g->items[i];
  }
  return st;
}

static void judge(cf_rats_t *r, cf_rats_session_t *s, cf_evidence_item_t const *items, size_t cnt, int64_t at_s) {
  cf_judgement_t         *judged = &r->judgement;
  cf_span_t               nonce = CF_SPAN(s->nonce, s->nonce_len);
  cf_evidence_ask_t const ask = {
      .items = items, .item_cnt = cnt, .roots = r->cfg.roots, .root_cnt = r->cfg.root_cnt, .at_s = at_s, .nonce = nonce};
  cf_ear_t ear;
  cf_wr_t  wr = cf_wr_init(s->ear, sizeof s->ear);
  if (!cf_judge(judged, &ask, r->cfg.policy) && !judged->claims.said.nonce_held)
    (void)cf_verdict_set(&judged->v, CF_VERDICT_NONCE, "nonce", 0, "evidence of this kind is over no nonce");
  cf_judgement_ear(&ear, judged, nonce);
  cf_ear_seal(&wr, &ear, r->cfg.key, r->cfg.name);
  assert(!wr.bad);
  s->ear_len = wr.len;
  s->complete = true;
  s->authentic = judged->authentic;
  s->platform = judged->claims.said.platform;
  s->v = judged->v;
  s->at_s = at_s;
  s->until_s = judged->until_s;
  r->judged++;
  r->accepted += !judged->v.code;
}

static void on_evidence(cf_rats_t *r, cf_effects_t *fx, cf_event_t const *ev, cf_rats_session_t *s) {
  cf_evidence_item_t items[CF_ITEMS_MAX];
  cf_error_t         err = {0};
  size_t             cnt;
  int64_t            at_s = (int64_t)(ev->now.wall_ms / 1000);
  if (s->complete) {
    cf_problem(fx, ev->id, 409, "replay", "this session has its evidence", "begin another, with another nonce", NULL);
    return;
  }
  r->given.cnt = r->given.root_cnt = r->given.der_len = 0;
  cf_status_t st = cf_items_add_type(&r->given, ev->type, ev->body, &err);
  if (!st && has_role(r->given.items, r->given.cnt, CF_ROLE_EVIDENCE))
    st = cf_error_set(&err, CF_ERR_UNSUPPORTED, "evidence", 0, "an enclave of Counterfoil's is judged by its domain's verifiers");
  if (st) {
    cf_problem(fx, ev->id, st == CF_ERR_UNSUPPORTED ? 415 : 400, cf_status_name(st), "no evidence", err.text, err.item);
    return;
  }
  st = collect(r, items, &cnt, at_s, &err);
  if (st == CF_ERR_BOUND) {
    cf_problem(fx, ev->id, 400, "bound", "more than is judged", err.text, err.item);
    return;
  }
  if (st) {
    cf_problem(fx, ev->id, 503, "collateral", "the collateral here cannot be read", err.text, err.item);
    return;
  }
  judge(r, s, items, cnt, at_s);
  reply_session(fx, ev->id, 200, s);
}

/* ---- requests ---- */

static bool cut(cf_span_t *rest, cf_span_t path, char const *start) {
  size_t n = strlen(start);
  if (path.len < n || memcmp(path.ptr, start, n)) return false;
  *rest = CF_SPAN(path.ptr + n, path.len - n);
  return true;
}

/* METHOD BASE session/ID, or GET ... /result: the result's bytes. */
static bool on_session(cf_rats_t *r, cf_effects_t *fx, cf_event_t const *ev) {
  cf_span_t rest;
  bool      get = cut(&rest, ev->path, "GET " BASE "session/"), post = !get && cut(&rest, ev->path, "POST " BASE "session/");
  if (!get && !post && !cut(&rest, ev->path, "DELETE " BASE "session/")) return false;
  bool               result = get && rest.len == ID_HEX + 7 && !memcmp(rest.ptr + ID_HEX, "/result", 7);
  cf_rats_session_t *s = session_find(r, result ? CF_SPAN(rest.ptr, ID_HEX) : rest, ev->now.mono_ms);
  if (!s || (result && !s->complete)) {
    cf_problem(fx, ev->id, 404, "not-found", s ? "no result yet" : "no such session, or it is over", NULL, NULL);
  } else if (result) {
    cf_fx_reply(fx, ev->id, 200, CF_EAR_TYP, CF_SPAN(s->ear, s->ear_len));
  } else if (get) {
    reply_session(fx, ev->id, 200, s);
  } else if (post) {
    on_evidence(r, fx, ev, s);
  } else {
    s->until_ms = 0;
    cf_fx_reply(fx, ev->id, 204, NULL, CF_SPAN(NULL, 0));
  }
  return true;
}

static void on_request(cf_rats_t *r, cf_effects_t *fx, cf_event_t const *ev) {
  static struct {
    char const *path;
    void (*fn)(cf_rats_t *, cf_effects_t *, cf_event_t const *);
  } const requests[] = {{"POST " BASE "newSession", on_new},
                        {"GET /.well-known/veraison/verification", on_discovery},
                        {"GET /v1/status", on_status}};
  for (size_t i = 0; i < CF_COUNT_OF(requests); i++)
    if (cf_span_eq(ev->path, CF_SPAN(requests[i].path, strlen(requests[i].path)))) {
      requests[i].fn(r, fx, ev);
      return;
    }
  if (!on_session(r, fx, ev))
    cf_problem(fx, ev->id, 404, "not-found", "no such resource", "POST " BASE "newSession begins", NULL);
}

void cf_rats_step(cf_rats_t *r, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->kind == CF_EV_REQUEST) on_request(r, fx, ev);
  if (ev->kind == CF_EV_STOP) cf_fx(fx, CF_FX_EXIT);
}
