/* A life of the verifier of anybody's evidence: u8 what, u8 which, u16 length, bytes; again and again.  Requests of any path, query, type
   and body, evidence of any platform among them, as a message or as it is.  Every request is answered, once; every answer is JSON, or a
   result that its own reader takes; nothing is accepted, because the policy trusts nobody; and what a wrapper was read as, written anew,
   reads the same. */
#include <assert.h>
#include <stdio.h>

#include "council/cf_rats.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static cf_rats_t    core;
static char         session[128];
static uint8_t      scratch[1 << 20];
static char const *const paths[] = {"POST /challenge-response/v1/newSession", "GET /.well-known/veraison/verification", "GET /v1/status"};
static char const *const types[] = {CF_CMW_TYPE, "application/counterfoil-quote", "application/counterfoil-report",
                                    "application/aws-nitro-document", "application/counterfoil-token"};

static void check_answer(cf_effect_t const *e) {
  cf_json_t  v;
  cf_ear_t   ear;
  cf_sign1_t s;
  assert(e->kind == CF_FX_REPLY && e->id == 1 && e->code >= 200 && e->code < 600);
  if (e->code == 204) assert(!e->body.len);
  else if (e->type && !strcmp(e->type, CF_EAR_TYP)) assert(!cf_ear_open(&ear, &s, e->body, NULL) && ear.status == CF_EAR_CONTRAINDICATED);
  else assert(!cf_json_parse(&v, e->body, NULL) && e->body.len < 16384);
  if (e->code == 201) {
    assert(e->name.len < sizeof session);
    memcpy(session, e->name.ptr, e->name.len);
    session[e->name.len] = 0;
  }
}

static void check_wrapper(cf_span_t body) {
  static cf_items_t a, b;
  static uint8_t    again[1 << 18];
  cf_error_t        err = {0};
  cf_wr_t           wr = cf_wr_init(again, sizeof again);
  a.cnt = a.root_cnt = b.cnt = b.root_cnt = 0;
  if (cf_items_add_cmw(&a, body, &err)) {
    assert(err.status && err.text[0] && !a.cnt);
    return;
  }
  assert(!a.root_cnt);
  cf_items_cmw(&wr, a.items, a.cnt);
  assert(!wr.bad && !cf_items_add_cmw(&b, cf_wr_out(&wr), NULL) && a.cnt == b.cnt);
  for (size_t i = 0; i < a.cnt; i++) assert(a.items[i].role == b.items[i].role && cf_span_eq(a.items[i].bytes, b.items[i].bytes));
}

static void request(cf_now_t now, unsigned what, unsigned which, cf_span_t in) {
  char         path[256];
  cf_effects_t fx = {.scratch = scratch, .scratch_max = sizeof scratch};
  cf_event_t   ev = {.kind = CF_EV_REQUEST, .now = now, .id = 1, .body = in};
  if (what % 4 == 0) snprintf(path, sizeof path, "%s", paths[which % CF_COUNT_OF(paths)]);
  else if (what % 4 == 1) snprintf(path, sizeof path, "POST %s", session);
  else if (what % 4 == 2) snprintf(path, sizeof path, "%s %s%s", which & 1 ? "GET" : "DELETE", session, which & 2 ? "/result" : "");
  else snprintf(path, sizeof path, "%.*s", (int)(in.len < 200 ? in.len : 200), (char const *)in.ptr);
  ev.path = CF_SPAN(path, strlen(path));
  if (what % 4 == 0) ev.query = in, ev.body = CF_SPAN(NULL, 0);
  char const *type = types[which % CF_COUNT_OF(types)];
  ev.type = which & 0x80 ? CF_SPAN(in.ptr, in.len < 40 ? in.len : 40) : CF_SPAN(type, strlen(type));
  if (what % 4 == 1) check_wrapper(in);
  cf_rats_step(&core, &fx, &ev);
  assert(fx.cnt == 1);
  check_answer(&fx.at[0]);
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t const  scalar[32] = {[31] = 5};
  static cf_appraisal_t policy;
  static cf_p256_key_t *key;
  static cf_drbg_t      drbg;
  cf_hash_t             seed = {{1}};
  cf_now_t              now = {1000, 1748779200000};
  cf_rd_t               rd = cf_rd_init(data, size);
  if (!key) key = cf_p256_key_from(scalar), cf_appraisal_default(&policy);
  cf_drbg_init(&drbg, &seed);
  cf_rats_init(&core, &(cf_rats_config_t){.policy = &policy, .key = key, .name = "fuzz", .entropy = cf_drbg_entropy(&drbg), .session_ms = 60000});
  session[0] = 0;
  for (int n = 0; n < 64 && cf_rd_left(&rd) >= 4; n++, now.mono_ms += 500) {
    unsigned what = cf_rd_u8(&rd), which = cf_rd_u8(&rd);
    size_t   len = cf_rd_u16(&rd);
    request(now, what, which, cf_rd_take_span(&rd, len < cf_rd_left(&rd) ? len : cf_rd_left(&rd)));
  }
  assert(!core.accepted && core.judged <= core.begun);
  return 0;
}
