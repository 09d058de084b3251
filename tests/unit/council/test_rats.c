/* The verifier of anybody's evidence: what a session gives and refuses, who is sent away when there are too many, whose collateral counts,
   and a result that says what was judged, over the nonce that was asked with. */
#include <stdarg.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>

#include "../evidence/quotes.h"
#include "base/cf_text.h"
#include "council/cf_rats.h"
#include "crypto/cf_hash.h"

#define NEW "POST /challenge-response/v1/newSession"
#define SESSION_MS 5000

static quotes_t      *quotes;
static quote_case_t  *good;
static cf_rats_t      core;
static cf_p256_key_t *key;
static cf_drbg_t      drbg;
static cf_appraisal_t policy;
static cf_now_t       now;
static cf_span_t      shelf; /* a PCK list at hand; empty: none */
static cf_status_t    shelf_status;
static uint8_t        scratch[1 << 20], cmw[1 << 16];
static cf_effects_t   fx;

/* ---- the world ---- */

static cf_status_t at_hand(void *ctx, cf_evidence_item_t *items, size_t *cnt, int64_t at_s, cf_error_t *err) {
  assert_int_equal(at_s, (int64_t)(now.wall_ms / 1000));
  for (size_t i = 0; i < *cnt; i++) assert_int_not_equal(items[i].role, CF_ROLE_PCK_CRL);
  if (shelf_status) return cf_error_set(err, shelf_status, "collateral", 0, "torn");
  if (shelf.len) items[(*cnt)++] = (cf_evidence_item_t){CF_ROLE_PCK_CRL, shelf};
  return CF_OK;
}

static int set_up(void **state) {
  static uint8_t       room[CF_APPRAISAL_MAX];
  static uint8_t const scalar[32] = {[31] = 9};
  cf_wr_t              wr = cf_wr_init(room, sizeof room);
  char                 json[1024], hex[65];
  cf_error_t           err = {0};
  if (!quotes) quotes = quotes_load(CF_SOURCE_DIR "/tests/vectors/evidence/quotes.json");
  good = quotes_find(quotes, "SGX, version 3");
  cf_hash_t root = cf_sha256(good->root.der), seed = {{3}};
  snprintf(json, sizeof json,
           "{\"version\":1,\"name\":\"mine\",\"class\":\"test\",\"platforms\":[\"sgx\",\"tpm\"],\"roots\":[{\"platform\":\"sgx\",\"class\":"
           "\"owner-controlled\",\"root\":\"%s\"}],\"any_program\":\"yes\",\"nonce\":\"yes\",\"revocation\":\"yes\","
           "\"clock_skew_s\":300,\"result_max_age_s\":86400,\"intel\":{\"statuses\":[\"UpToDate\"]},\"snp\":{}}",
           cf_hex_encode(hex, CF_SPAN_OF(root.b)));
  if (cf_appraisal_open(&policy, &wr, CF_SPAN(json, strlen(json)), &err)) fail_msg("%s: %s", err.item, err.text);
  cf_drbg_init(&drbg, &seed);
  key = cf_p256_key_from(scalar);
  now = (cf_now_t){1000, (uint64_t)good->at_s * 1000};
  shelf = CF_SPAN(NULL, 0);
  shelf_status = CF_OK;
  cf_rats_init(&core, &(cf_rats_config_t){.policy = &policy,
                                          .key = key,
                                          .name = "somebody",
                                          .entropy = cf_drbg_entropy(&drbg),
                                          .roots = &good->root,
                                          .root_cnt = 1,
                                          .session_ms = SESSION_MS,
                                          .collateral = at_hand});
  return 0;
}

static int tear_down(void **state) {
  cf_p256_key_free(key);
  return 0;
}

/* One request; its answer. */
static cf_effect_t const *ask_with(char const *path, char const *query, char const *type, cf_span_t body) {
  static uint64_t  id;
  cf_event_t const ev = {.kind = CF_EV_REQUEST,
                         .now = now,
                         .id = ++id,
                         .path = CF_SPAN(path, strlen(path)),
                         .query = CF_SPAN(query, strlen(query)),
                         .type = CF_SPAN(type, strlen(type)),
                         .body = body};
  fx = (cf_effects_t){.scratch = scratch, .scratch_max = sizeof scratch};
  cf_rats_step(&core, &fx, &ev);
  assert_int_equal(fx.cnt, 1);
  assert_true(fx.at[0].kind == CF_FX_REPLY && fx.at[0].id == id);
  return &fx.at[0];
}

static cf_effect_t const *ask(char const *path, char const *query) { return ask_with(path, query, "", CF_SPAN(NULL, 0)); }

static cf_json_t body_of(cf_effect_t const *e) {
  cf_json_t v;
  assert_int_equal(cf_json_parse(&v, e->body, NULL), CF_OK);
  return v;
}

static void assert_text(cf_json_t v, char const *want) {
  char text[256];
  assert_int_equal(cf_json_str(text, sizeof text, v), CF_OK);
  assert_string_equal(text, want);
}

static void expect(cf_effect_t const *e, unsigned code, char const *class) {
  char want[64];
  if (e->code != code) fail_msg("%u, not %u: %.*s", e->code, code, (int)e->body.len, (char const *)e->body.ptr);
  if (!class) return;
  snprintf(want, sizeof want, "urn:counterfoil:%s", class);
  assert_text(cf_json_get(body_of(e), "type"), want);
}

/* Begins a session; where it is, behind the method. */
static char const *begin(char const *query) {
  static char        at[128];
  cf_effect_t const *e = ask(NEW, query);
  expect(e, 201, NULL);
  assert_true(e->name.len > 40 && e->name.len < sizeof at - 8);
  snprintf(at, sizeof at, "%.*s", (int)e->name.len, (char const *)e->name.ptr);
  return at;
}

static char const *path_of(char const *method, char const *at, char const *more) {
  static char path[192];
  snprintf(path, sizeof path, "%s %s%s", method, at, more);
  return path;
}

/* ---- evidence: a quote, and the nonce that it is over ---- */

static char const *quote_nonce(void) {
  static char query[128];
  char        text[96];
  size_t      n = cf_b64_encode(text, CF_SPAN(good->items[0].bytes.ptr + 368, 64));
  for (size_t i = 0; i < n; i++) text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
  assert_int_equal(good->items[0].role, CF_ROLE_QUOTE);
  snprintf(query, sizeof query, "nonce=%s", text);
  return query;
}

static cf_span_t wrapped(quote_case_t const *c) {
  cf_wr_t wr = cf_wr_init(cmw, sizeof cmw);
  cf_items_cmw(&wr, c->items, c->item_cnt);
  assert_false(wr.bad);
  return cf_wr_out(&wr);
}

static cf_effect_t const *post(char const *at, cf_span_t body) { return ask_with(path_of("POST", at, ""), "", CF_CMW_TYPE, body); }

static void assert_verdict(cf_effect_t const *e, char const *reason) {
  expect(e, 200, NULL);
  cf_json_t v = cf_json_get(body_of(e), "verdict");
  assert_text(cf_json_get(body_of(e), "state"), "complete");
  if (*reason) assert_text(cf_json_get(v, "reason"), reason);
  else assert_int_equal(cf_json_get(v, "reason").type, CF_JSON_BAD);
}

static void test_answered(void **state) {
  cf_ear_t      ear;
  cf_sign1_t    s;
  cf_p256_pub_t pub;
  char const   *at = begin(quote_nonce());
  cf_hash_t     evidence = cf_sha256(good->items[0].bytes);
  expect(ask(path_of("GET", at, "/result"), ""), 404, "not-found");
  assert_verdict(post(at, wrapped(good)), "");
  expect(post(at, wrapped(good)), 409, "replay");
  cf_effect_t const *e = ask(path_of("GET", at, "/result"), "");
  expect(e, 200, NULL);
  assert_string_equal(e->type, "application/eat+cwt");
  assert_int_equal(cf_ear_open(&ear, &s, e->body, NULL), CF_OK);
  cf_p256_key_pub(key, &pub);
  assert_int_equal(cf_sign1_verify(&s, &pub), CF_OK);
  assert_true(cf_span_eq(s.hdr.iss, CF_SPAN_LIT("somebody")));
  assert_int_equal(ear.status, CF_EAR_AFFIRMING);
  assert_int_equal(ear.vector[2], 0); /* the policy judges no program */
  assert_true(cf_span_eq(ear.nonce, CF_SPAN(good->items[0].bytes.ptr + 368, 64)));
  assert_memory_equal(ear.evidence, evidence.b, 32);
  assert_true(ear.time == (uint64_t)good->at_s && ear.until > ear.time && ear.tcb == CF_TCB_UP_TO_DATE);
}

/* Evidence over anything else than this session's nonce, however good it is. */
static void test_another_nonce(void **state) {
  assert_verdict(post(begin(""), wrapped(good)), "nonce");
  assert_verdict(post(begin("nonceSize=64"), wrapped(good)), "nonce");
  assert_verdict(post(begin("nonce=AAAAAAAAAAA="), wrapped(good)), "nonce");
  /* PCR values without a quote are over none, and never an answer. */
  uint8_t            buf[256];
  cf_wr_t            wr = cf_wr_init(buf, sizeof buf);
  cf_evidence_item_t pcrs = {CF_ROLE_PCRS, CF_SPAN_LIT("sha256:0000000000000000000000000000000000000000000000000000000000000000\n")};
  cf_items_cmw(&wr, &pcrs, 1);
  cf_effect_t const *e = post(begin(""), cf_wr_out(&wr));
  expect(e, 200, NULL);
  bool ok = true;
  assert_int_equal(cf_json_bool(&ok, cf_json_get(cf_json_get(body_of(e), "verdict"), "ok")), CF_OK);
  assert_false(ok);
}

/* The attester brings a list from before he was revoked; here is the one that has him. */
static void test_whose_collateral(void **state) {
  quote_case_t *revoked = quotes_find(quotes, "leaf revoked");
  for (size_t i = 0; i < revoked->item_cnt; i++)
    if (revoked->items[i].role == CF_ROLE_PCK_CRL) shelf = revoked->items[i].bytes;
  assert_verdict(post(begin(quote_nonce()), wrapped(good)), "revoked");
  shelf = CF_SPAN(NULL, 0);
  assert_verdict(post(begin(quote_nonce()), wrapped(good)), "");
  shelf_status = CF_ERR_AUTH;
  char const *at = begin(quote_nonce());
  expect(post(at, wrapped(good)), 503, "collateral");
  shelf_status = CF_OK;
  assert_verdict(post(at, wrapped(good)), ""); /* it was no answer, and the session still takes one */
}

static void test_judged_now(void **state) {
  now.wall_ms += 20ULL * 365 * 86400 * 1000;
  assert_verdict(post(begin(quote_nonce()), wrapped(good)), "expired");
}

/* ---- what is no evidence ---- */

static void test_refused_bodies(void **state) {
  static uint8_t many[4096];
  char           at[128];
  cf_wr_t        wr = cf_wr_init(many, sizeof many);
  cf_evidence_item_t crl[CF_ITEMS_MAX + 1];
  snprintf(at, sizeof at, "%s", begin(quote_nonce()));
  char path[160];
  snprintf(path, sizeof path, "POST %s", at);
  static char const *const types[] = {"", "application/json", "application/counterfoil-trusted-root", "application/counterfoil-root-cloud", "application/counterfoil-evidence",
                                      "APPLICATION/CMW+CBOR", "application/counterfoil-quote; charset=utf-8"};
  for (size_t i = 0; i < CF_COUNT_OF(types); i++) expect(ask_with(path, "", types[i], CF_SPAN_LIT("x")), 415, "unsupported");
  expect(ask_with(path, "", CF_CMW_TYPE, CF_SPAN_LIT("x")), 400, "format");
  expect(ask_with(path, "", CF_CMW_TYPE, CF_SPAN_LIT("")), 400, "format");
  for (size_t i = 0; i < CF_COUNT_OF(crl); i++) crl[i] = (cf_evidence_item_t){CF_ROLE_CRL, CF_SPAN_LIT("list")};
  cf_items_cmw(&wr, crl, CF_COUNT_OF(crl));
  expect(ask_with(path, "", CF_CMW_TYPE, cf_wr_out(&wr)), 400, "bound");
  assert_verdict(post(at, wrapped(good)), ""); /* none of it was an answer */
  /* What can be read and is no evidence is judged, and that is all that it gets. */
  assert_verdict(ask_with(path_of("POST", begin(""), ""), "", "application/counterfoil-quote", CF_SPAN_LIT("x")), "malformed");
  assert_verdict(ask_with(path_of("POST", begin(""), ""), "", "application/pkix-crl", CF_SPAN_LIT("x")), "malformed");
}

/* ---- sessions ---- */

static void test_queries(void **state) {
  static struct {
    char const *query;
    size_t      n; /* of the nonce; 0: refused */
  } const cases[] = {{"", 32},
                     {"nonceSize=8", 8},
                     {"nonceSize=64", 64},
                     {"nonceSize=7", 0},
                     {"nonceSize=65", 0},
                     {"nonceSize=18446744073709551624", 0},
                     {"nonceSize=032", 0},
                     {"nonceSize", 0},
                     {"nonce", 0},
                     {"nonce=", 0},
                     {"nonce=AAAAAAAAAAA=", 8},
                     {"nonce=AAAAAAAAAAA", 8},
                     {"nonce=AAAAAAAAAA", 0},
                     {"nonce=-_-_-_-_-_-_", 9},
                     {"nonce=+/+/+/+/+/+/", 9},
                     {"nonce=AAAAAAAAAAB", 0}, /* spare bits */
                     {"nonce=AAAAAAAAAAA===", 8},
                     {"nonce=AAAAA AAAAAA", 0},
                     {"nonce=AAAAAAAAAAA&nonceSize=8", 0},
                     {"nonce=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0},
                     {"x=1", 0}};
  for (size_t i = 0; i < CF_COUNT_OF(cases); i++) {
    cf_effect_t const *e = ask(NEW, cases[i].query);
    if (e->code != (cases[i].n ? 201 : 400)) fail_msg("%s: %u", cases[i].query, e->code);
    if (!cases[i].n) continue;
    char    text[128];
    uint8_t nonce[64];
    size_t  n;
    assert_int_equal(cf_json_str(text, sizeof text, cf_json_get(body_of(e), "nonce")), CF_OK);
    assert_int_equal(cf_b64_decode(nonce, &n, sizeof nonce, CF_SPAN(text, strlen(text))), CF_OK);
    assert_int_equal(n, cases[i].n);
  }
  expect(ask_with(NEW, "", "application/json", CF_SPAN_LIT("{}")), 400, "malformed");
}

static void test_over(void **state) {
  char at[128];
  snprintf(at, sizeof at, "%s", begin(quote_nonce()));
  now.mono_ms += SESSION_MS - 1;
  expect(ask(path_of("GET", at, ""), ""), 200, NULL);
  now.mono_ms++;
  expect(ask(path_of("GET", at, ""), ""), 404, "not-found");
  expect(post(at, wrapped(good)), 404, "not-found");
  snprintf(at, sizeof at, "%s", begin(""));
  cf_effect_t const *e = ask(path_of("DELETE", at, ""), "");
  assert_true(e->code == 204 && !e->body.len);
  expect(ask(path_of("DELETE", at, ""), ""), 404, "not-found");
  expect(ask(path_of("GET", at, ""), ""), 404, "not-found");
  static char const *const none[] = {"GET /challenge-response/v1/session/",
                                     "GET /challenge-response/v1/session/0",
                                     "GET /challenge-response/v1/session/00000000000000000000000000000000",
                                     "GET /challenge-response/v1/session/00000000000000000000000000000000/result",
                                     "DELETE /challenge-response/v1/session",
                                     "GET /challenge-response/v1/newSession",
                                     "DELETE /v1/status",
                                     "POST /",
                                     "GET /"};
  for (size_t i = 0; i < CF_COUNT_OF(none); i++) expect(ask(none[i], ""), 404, "not-found");
}

/* Who has his result makes room; who waits for his attester does not. */
static void test_too_many(void **state) {
  char done[128], waits[128];
  snprintf(done, sizeof done, "%s", begin(quote_nonce()));
  assert_verdict(post(done, wrapped(good)), "");
  snprintf(waits, sizeof waits, "%s", begin(""));
  for (size_t i = 2; i < CF_RATS_SESSIONS_MAX; i++) (void)begin("");
  expect(ask(path_of("GET", done, ""), ""), 200, NULL);
  (void)begin("");
  expect(ask(path_of("GET", done, ""), ""), 404, "not-found");
  cf_effect_t const *e = ask(NEW, "");
  expect(e, 503, "busy");
  assert_true(e->retry_after_s > 0);
  expect(ask(path_of("GET", waits, ""), ""), 200, NULL);
  now.mono_ms += SESSION_MS;
  (void)begin("");
}

static void test_says(void **state) {
  cf_effect_t const *e = ask("GET /.well-known/veraison/verification", "");
  expect(e, 200, NULL);
  assert_text(cf_json_get(cf_json_get(body_of(e), "ear-verification-key"), "crv"), "P-256");
  assert_text(cf_json_get(body_of(e), "policy"), "mine");
  assert_verdict(post(begin(quote_nonce()), wrapped(good)), "");
  assert_verdict(post(begin(""), wrapped(good)), "nonce");
  uint64_t n;
  e = ask("GET /v1/status", "");
  assert_true(!cf_json_u64(&n, cf_json_get(body_of(e), "judged")) && n == 2);
  assert_true(!cf_json_u64(&n, cf_json_get(body_of(e), "accepted")) && n == 1);
  fx = (cf_effects_t){.scratch = scratch, .scratch_max = sizeof scratch};
  cf_rats_step(&core, &fx, &(cf_event_t){.kind = CF_EV_STOP, .now = now});
  assert_true(fx.cnt == 1 && fx.at[0].kind == CF_FX_EXIT && fx.at[0].code == 0);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  static struct CMUnitTest const tests[] = {T(test_answered), T(test_another_nonce), T(test_whose_collateral),
                                            T(test_judged_now), T(test_refused_bodies), T(test_queries),
                                            T(test_over), T(test_too_many), T(test_says)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  free(quotes);
  return failed;
}
