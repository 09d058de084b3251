// link: enclave session workload translog ledger
/* What is served over HTTP: every path, its status, and the form of what comes. */
#include "party.h"

#include "codec/cf_json.h"
#include "gateway/cf_gateway_state.h"
#include "translog/cf_proof.h"

static town_t   *t;
static party_t   p[2];
static cf_span_t env[2];

static reply_t *
ask_path(char const *path, char const *query) {
  reply_t *r = town_ask(t, path, query, CF_SPAN(NULL, 0));
  assert_non_null(r);
  return r;
}

/* A problem document: valid JSON, its type and status as they should be. */
static void
assert_problem(reply_t const *r, unsigned code, char const *class) {
  cf_json_t top;
  char      type[96], want[96];
  uint64_t  status;
  assert_int_equal(r->code, code);
  assert_int_equal(cf_json_parse(&top, r->body, NULL), CF_OK);
  assert_int_equal(cf_json_str(type, sizeof type, cf_json_get(top, "type")), CF_OK);
  assert_int_equal(cf_json_u64(&status, cf_json_get(top, "status")), CF_OK);
  snprintf(want, sizeof want, "urn:counterfoil:%s", class);
  assert_string_equal(type, want);
  assert_int_equal(status, code);
}

static void
test_paths(void **state) {
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
  static struct {
    char const *path, *query;
    unsigned    code;
    char const *class;
  } const cases[] = {
    { "GET /v1/domain", "", 200, NULL },
    { "GET /v1/status", "", 200, NULL },
    { "GET /v1/checkpoint", "", 200, NULL },
    { "GET /v1/finality", "", 200, NULL },
    { "GET /v1/evidence", "", 200, NULL },
    { "GET /metrics", "", 200, NULL },
    { "GET /openapi.json", "", 200, NULL },
    { "GET /v1/proofs/0", "", 200, NULL },
    { "GET /v1/settlements/1", "", 200, NULL },
    { "GET /log/checkpoint", "", 200, NULL },
    { "GET /v1/evidence", "nonce=12", 400, "malformed" },
    { "GET /v1/evidence", "once=" ZEROS, 400, "malformed" },
    { "GET /v1/receipts/" ZEROS, "", 404, "not-yet" },
    { "GET /v1/receipts/xyz", "", 400, "malformed" },
    { "GET /v1/receipts/" ZEROS "00", "", 400, "malformed" },
    { "GET /v1/results/" ZEROS, "", 404, "not-yet" },
    { "GET /v1/results/12", "", 400, "malformed" },
    { "GET /v1/promises/" ZEROS, "", 404, "unknown" },
    { "GET /v1/proofs/9999", "", 404, "not-yet" },
    { "GET /v1/proofs/01", "", 404, "not-yet" },
    { "GET /v1/proofs/18446744073709551616", "", 404, "not-yet" },
    { "GET /v1/settlements/0", "", 404, "unknown" },
    { "GET /v1/settlements/2", "", 404, "unknown" },
    { "GET /v1/domain/", "", 404, "not-found" },
    { "GET /v1/receipts/", "", 404, "not-found" },
    { "POST /v1/domain", "", 404, "not-found" },
    { "DELETE /v1/status", "", 404, "not-found" },
    { "GET /", "", 404, "not-found" },
    { "", "", 404, "not-found" },
    { "GET /archive/" ZEROS, "", 404, "not-found" },
    { "GET /log/../../enclave/snapshot", "", 404, "not-found" },
    { "GET /log/.hidden", "", 404, "not-found" },
    { "GET /archive/A", "", 404, "not-found" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    reply_t *r = ask_path(cases[i].path, cases[i].query);
    if (r->code != cases[i].code) fail_msg("%s?%s: %u", cases[i].path, cases[i].query, r->code);
    if (cases[i].class) assert_problem(r, cases[i].code, cases[i].class);
  }
}

static void
test_posts(void **state) {
  static uint8_t big[CF_BATCH_BYTES + 16];
  static char const one_byte[] = "\0\0\0\1x";
  assert_problem(town_ask(t, "POST /v1/envelopes", "", CF_SPAN(NULL, 0)), 400, "malformed");
  assert_problem(town_ask(t, "POST /v1/envelopes", "", CF_SPAN("\0\0\0\2x", 5)), 400, "malformed");
  assert_problem(town_ask(t, "POST /v1/envelopes", "", CF_SPAN_OF(big)), 413, "too-large");
  uint8_t many[65 * 5]; /* batch_max is 64 */
  for (int i = 0; i < 65; i++) memcpy(many + 5 * i, one_byte, 5);
  assert_problem(town_ask(t, "POST /v1/envelopes", "", CF_SPAN_OF(many)), 413, "too-large");
  /* refused one by one: by the enclave, and, for their length, before it */
  uint8_t long_one[4 + 4097] = { 0, 0, 0x10, 1 };
  uint8_t both[5 + sizeof long_one];
  memcpy(both, one_byte, 5);
  memcpy(both + 5, long_one, sizeof long_one);
  reply_t *r = town_ask(t, "POST /v1/envelopes", "", CF_SPAN_OF(both));
  assert_int_equal(r->code, 200);
  uint8_t const want[] = { 1, 0, 0, 2, 2, CF_REFUSE_MALFORMED, 2, CF_REFUSE_TOO_LARGE };
  assert_int_equal(r->body.len, sizeof want);
  assert_memory_equal(r->body.ptr, want, sizeof want);
  /* a single one, as a problem */
  assert_problem(town_ask(t, "POST /v1/envelopes", "problem", CF_SPAN(one_byte, 5)), 400, "malformed");
  assert_problem(town_ask(t, "POST /v1/envelopes", "problem", CF_SPAN_OF(long_one)), 413, "too-large");
  cf_span_t     again     = pay(t, &p[0], 2, 1);
  party_t       replaying = p[0];
  (void)post_and_wait(t, &again, 1);
  replaying.session.in.highest--; /* the same counter in another envelope */
  cf_span_t other = pay(t, &replaying, 1, 2);
  assert_problem(town_ask(t, "POST /v1/envelopes", "problem", body_of(&other, 1)), 409, "replayed");
  uint8_t altered[4096];
  memcpy(altered, again.ptr, again.len);
  cf_span_t  next = pay(t, &p[0], 2, 1);
  memcpy(altered, next.ptr, next.len);
  altered[next.len - 1] ^= 1;
  cf_span_t bad = CF_SPAN(altered, next.len);
  assert_problem(town_ask(t, "POST /v1/envelopes", "problem", body_of(&bad, 1)), 403, "unauthentic");
}

/* Requests that come in one burst are one batch; more than a slot holds go into the next. */
static void
test_bursts(void **state) {
  uint64_t ids[150], before = cf_gateway_status(t->g).sequence;
  cf_span_t e[150];
  for (int i = 0; i < 150; i++) {
    e[i]   = pay(t, &p[i & 1], 1 + !(i & 1), 1);
    ids[i] = post(t, &e[i], 1);
  }
  for (int i = 0; i < 150; i++) assert_null(town_reply(t, ids[i]));
  town_run(t, 500);
  unsigned held[150];
  for (int i = 0; i < 150; i++) {
    answer_t a;
    reply_t *r = town_reply(t, ids[i]);
    assert_non_null(r);
    answer_read(&a, r->body, &e[i]);
    assert_int_equal(a.at[0].kind, 1);
  }
  check_log(t, e, held, 150);
  for (int i = 0; i < 150; i++) assert_int_equal(held[i], 1);
  assert_true(cf_gateway_status(t->g).sequence - before <= 3 + 4); /* 64, 64, 22, and empty ones */
}

static void
test_queue_is_bounded(void **state) {
  unsigned  busy = 0, taken = 0;
  uint64_t  ids[400];
  for (int i = 0; i < 400; i++) {
    cf_span_t e = pay(t, &p[0], 2, 1);
    ids[i]      = post(t, &e, 1);
  }
  town_run(t, 1000);
  for (int i = 0; i < 400; i++) {
    reply_t *r = town_reply(t, ids[i]);
    assert_non_null(r);
    if (r->code == 503) assert_problem(r, 503, "busy"), busy++;
    else assert_int_equal(r->code, 200), taken++;
  }
  assert_int_equal(taken, 4 * 64);
  assert_int_equal(busy, 400 - 4 * 64);
}

static void
test_documents(void **state) {
  cf_json_t top;
  uint64_t  n;
  char      text[64];
  reply_t  *r = ask_path("GET /v1/domain", "");
  assert_int_equal(cf_json_parse(&top, r->body, NULL), CF_OK);
  uint8_t domain[32];
  assert_int_equal(cf_json_hex(domain, 32, cf_json_get(top, "domain")), CF_OK);
  assert_memory_equal(domain, t->w->domain.b, 32);
  assert_int_equal(cf_json_u64(&n, cf_json_get(top, "epoch")), CF_OK);
  assert_int_equal(n, 2);
  r = ask_path("GET /v1/status", "");
  assert_int_equal(cf_json_parse(&top, r->body, NULL), CF_OK);
  assert_int_equal(cf_json_str(text, sizeof text, cf_json_get(top, "mode")), CF_OK);
  assert_string_equal(text, "normal");
  assert_int_equal(cf_json_get(top, "missing").type, CF_JSON_NULL);
  r = ask_path("GET /v1/settlements/1", "");
  assert_int_equal(cf_json_parse(&top, r->body, NULL), CF_OK);
  assert_int_equal(cf_json_str(text, sizeof text, cf_json_get(top, "state")), CF_OK);
  assert_string_equal(text, "final");
  /* a note with its quorum, and a proof under it */
  cf_cosigned_t   c;
  cf_tlog_proof_t proof;
  static log_t    l;
  r = ask_path("GET /v1/checkpoint", "");
  assert_int_equal(cf_checkpoint_verify_canonical(&c, r->body, &t->w->witnesses, NULL), CF_OK);
  r = ask_path("GET /v1/proofs/1", "");
  assert_int_equal(cf_tlog_proof_parse(&proof, r->body, NULL), CF_OK);
  log_read(t, &l);
  cf_hash_t leaf = cf_tree_leaf(l.entry[1]);
  assert_int_equal(cf_tlog_proof_verify(&c, &proof, &leaf, &t->w->witnesses, NULL), CF_OK);
}

/* The bundle's paths lead to its note, and its results are about its evidence. */
static void
check_bundle(cf_span_t body, bool fresh) {
  cf_rd_t       rd = cf_rd_span(body);
  cf_cosigned_t c;
  cf_hash_t     evidence = { { 0 } }, about[4];
  size_t        keys = 0, results = 0;
  for (cf_cbor_map_t m = cf_cbor_map(&rd); cf_cbor_next(&m); keys++) {
    size_t items = 1;
    switch (m.key) {
    case 1: assert_true(cf_span_eq(cf_cbor_bstr(&rd), t->w->genesis_entry)); continue;
    case 2: assert_int_equal(cf_checkpoint_verify_canonical(&c, cf_cbor_bstr(&rd), &t->w->witnesses, NULL), CF_OK); continue;
    case 6: evidence = cf_sha256(cf_cbor_bstr(&rd)); continue;
    case 7: assert_true(cf_span_eq(cf_cbor_bstr(&rd), town_root)); continue;
    case 8:
      assert_int_equal(cf_cbor_array(&rd), 1);
      assert_true(cf_span_eq(cf_cbor_bstr(&rd), t->statement));
      continue;
    case 10: assert_true(cf_cbor_bstr(&rd).len > 0); continue;
    case 5: items = cf_cbor_array(&rd); break;
    }
    for (; items; items--) {
      assert_int_equal(cf_cbor_array(&rd), 3);
      uint64_t  index = cf_cbor_uint(&rd);
      cf_span_t entry = cf_cbor_bstr(&rd);
      cf_hash_t leaf = cf_tree_leaf(entry), path[CF_TREE_PATH_MAX];
      size_t    n    = cf_cbor_array(&rd);
      for (size_t i = 0; i < n; i++) path[i] = cf_cbor_hash(&rd);
      assert_int_equal(cf_tree_inclusion_verify(&c.root, c.size, index, &leaf, path, n), CF_OK);
      cf_ear_t   ear;
      cf_sign1_t s;
      if (m.key == 5) {
        assert_int_equal(cf_ear_open(&ear, &s, entry, NULL), CF_OK);
        memcpy(about[results++].b, ear.evidence, 32);
      }
    }
  }
  assert_true(cf_rd_done(&rd));
  assert_int_equal(keys, fresh ? 10 : 9);
  assert_true(results >= 1);
  for (size_t i = 0; i < results; i++) assert_memory_equal(about[i].b, evidence.b, 32);
}

static void
test_evidence(void **state) {
  check_bundle(ask_path("GET /v1/evidence", "")->body, false);
  reply_t *r = ask_path("GET /v1/evidence", "nonce=" ZEROS);
  assert_int_equal(r->code, 200);
  check_bundle(r->body, true);
  assert_problem(ask_path("GET /v1/evidence", "nonce=" ZEROS), 429, "rate"); /* one a second */
  town_run(t, 1000);
  assert_int_equal(ask_path("GET /v1/evidence", "nonce=" ZEROS)->code, 200);
  t->down[PEER_LAUNCHER] = true;
  town_run(t, 1000);
  assert_problem(ask_path("GET /v1/evidence", "nonce=" ZEROS), 503, "evidence");
  assert_problem(town_ask(t, "POST /v1/activate", "", CF_SPAN_LIT("x")), 503, "activate");
  t->down[PEER_LAUNCHER] = false;
  r                      = town_ask(t, "POST /v1/activate", "", CF_SPAN_LIT("challenge"));
  assert_int_equal(r->code, 200);
  assert_int_equal(r->body.len, 32);
}

/* The proof that is served holds by the observers' keys, and is of the ledger's newest block soon after somebody asks. */
static void
test_finality(void **state) {
  cf_block_header_t const *head = &t->ledger->chain.head;
  cf_finality_proof_t      proof;
  cf_finality_t            f;
  for (unsigned tries = 0; tries < 8; tries++) {
    reply_t *r = ask_path("GET /v1/finality", "");
    assert_int_equal(r->code, 200);
    assert_int_equal(cf_finality_proof_decode(&proof, r->body, NULL), CF_OK);
    assert_int_equal(cf_finality_proof_verify(&f, &proof, &t->w->ledger_id, &t->g->domain.observers, NULL), CF_OK);
    if (f.number == head->number) break;
    town_run(t, 300);
  }
  cf_hash_t hash = cf_block_hash(head);
  assert_int_equal(f.number, head->number);
  assert_true(cf_hash_eq(&f.block_hash, &hash));
}

/* Asking makes the gateway look for a newer one, and not more than once a second. */
static unsigned
looks_in_6s(bool asking) {
  unsigned n    = 0;
  size_t   from = t->trace_cnt;
  for (unsigned i = 0; i < 20; i++) {
    if (asking) (void)ask_path("GET /v1/finality", "");
    town_run(t, 300);
  }
  for (size_t i = from; i < t->trace_cnt; i++) n += t->trace[i].kind == CF_FX_ASK && t->trace[i].peer == PEER_OBSERVER;
  return n;
}

static void
test_finality_is_sought(void **state) {
  unsigned idle = looks_in_6s(false), asked = looks_in_6s(true);
  if (asked <= idle || asked > 7) fail_msg("%u looks, %u without being asked", asked, idle);
}

static void
test_finality_not_yet(void **state) {
  town_t *silent = town_new(51, false);
  silent->down[PEER_OBSERVER] = true;
  town_run(silent, 5000);
  reply_t *r = town_ask(silent, "GET /v1/finality", "", CF_SPAN(NULL, 0));
  assert_non_null(r);
  assert_problem(r, 404, "not-yet");
  town_free(silent);
}

static void
test_openapi_is_the_page(void **state) {
  reply_t *r = ask_path("GET /openapi.json", "");
  FILE    *f = fopen(CF_SOURCE_DIR "/docs/openapi.json", "rb");
  static uint8_t page[1 << 16];
  assert_non_null(f);
  size_t n = fread(page, 1, sizeof page, f);
  fclose(f);
  assert_true(cf_span_eq(r->body, CF_SPAN(page, n)));
  cf_json_t top;
  assert_int_equal(cf_json_parse(&top, r->body, NULL), CF_OK);
  assert_int_equal(cf_json_get(cf_json_get(top, "paths"), "/v1/envelopes").type, CF_JSON_OBJECT);
}

/* What must stand before what, over all that happened until now. */
static void
test_order(void **state) {
  size_t submitted = 0, logged = 0;
  for (size_t i = 0; i < t->trace_cnt; i++) {
    trace_t const *e = &t->trace[i];
    if (e->kind == CF_FX_PUT && !strncmp(e->name, "public/log/tile/entries", 23)) logged++;
    if (e->kind == CF_FX_ASK && e->peer == PEER_LEDGER && !strncmp(e->name, "POST", 4)) submitted++;
    if (e->kind != CF_FX_APPEND || strncmp(e->name, "enclave/", 8)) continue;
    /* between a batch's answer and its record's append nothing leaves: the question before is that batch, and no reply lies between */
    size_t k = i;
    while (k && !(t->trace[k].kind == CF_FX_ASK && t->trace[k].peer == PEER_ENCLAVE)) {
      assert_false(t->trace[k].kind == CF_FX_REPLY && k == i - 1 && t->trace[k].code == 200 && t->trace[k].len > 1000);
      k--;
    }
    assert_string_equal(t->trace[k].name, "enclave 21");
  }
  assert_true(submitted && logged);
}

static int
town_setup(void **state) {
  if (setup(state)) return 1;
  t = town_new(50, false);
  if (!town_serves(t, 20000)) return 1;
  for (uint32_t i = 0; i < 2; i++) party_init(t, &p[i], i + 1);
  fund(t, p, 2, 100000);
  town_run(t, 20000);
  env[0] = pay(t, &p[0], 2, 300);
  env[1] = pay(t, &p[1], 1, 500);
  (void)post_and_wait(t, env, 2);
  town_run(t, 3000);
  return 0;
}

static int
town_teardown(void **state) {
  town_free(t);
  return teardown(state);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_paths),     cmocka_unit_test(test_posts),    cmocka_unit_test(test_bursts),
    cmocka_unit_test(test_documents), cmocka_unit_test(test_evidence), cmocka_unit_test(test_queue_is_bounded),
    cmocka_unit_test(test_finality),  cmocka_unit_test(test_finality_is_sought),
    cmocka_unit_test(test_finality_not_yet),
    cmocka_unit_test(test_openapi_is_the_page), cmocka_unit_test(test_order),
  };
  return cmocka_run_group_tests(tests, town_setup, town_teardown);
}
