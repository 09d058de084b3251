// link: enclave session workload translog ledger
/* What the gateway does when others fail, lie or go away. */
#include "party.h"

#include "gateway/cf_gateway_state.h"

static town_t *
serving_town(uint64_t seed, bool one, party_t *p, size_t n) {
  town_t *t = town_new(seed, one);
  assert_true(town_serves(t, 20000));
  for (uint32_t i = 0; i < n; i++) party_init(t, &p[i], i + 1);
  fund(t, p, n, 1000);
  town_run(t, 20000);
  return t;
}

/* after which 1 has 1200 and 2 has 800 */
static void
pay_each_other(town_t *t, party_t *p, cf_span_t env[2]) {
  env[0] = pay(t, &p[0], 2, 300);
  env[1] = pay(t, &p[1], 1, 500);
}

static void
assert_mode(town_t *t, cf_service_mode_t want) {
  assert_string_equal(cf_modes_name((cf_service_mode_t)cf_gateway_status(t->g).mode), cf_modes_name(want));
}

/* ---- promises ---- */

static size_t
stored_promises(town_t *t) {
  assert_int_equal(store_rows(t, CF_STORE_ENVELOPE), store_rows(t, CF_STORE_PROMISE));
  return store_rows(t, CF_STORE_PROMISE);
}

/* A promise that is signed by a gateway key of policy, for this envelope, and reaches no further than the grace. */
static void
check_promise(town_t *t, cf_span_t cose, cf_span_t env) {
  cf_promise_t  doc;
  cf_sign1_t    s;
  cf_p256_pub_t pub;
  cf_hash_t     id = cf_sha256(env);
  uint64_t      now = town_now(t).wall_ms / 1000;
  cf_p256_key_pub(t->w->gateway, &pub);
  assert_int_equal(cf_document_open(&doc, &s, &cf_promise_table, cose, NULL), CF_OK);
  assert_int_equal(cf_sign1_verify(&s, &pub), CF_OK);
  assert_memory_equal(doc.envelope, id.b, 32);
  assert_int_equal(doc.epoch, 2);
  assert_true(doc.until > now && doc.until <= now + t->w->policy.grace_s && doc.until <= now + t->w->policy.promise_max_s);
}

static void
promised_and_kept(bool crash) {
  party_t   p[2];
  town_t   *t = serving_town(20, true, p, 2);
  cf_span_t env[3];
  unsigned  holds[2];
  pay_each_other(t, p, env);
  town_run(t, 1000);
  enclave_end(t->w); /* it is gone: the next question finds out */
  uint64_t  asked = post(t, env, 2);
  town_run(t, 100);
  assert_mode(t, CF_SERVICE_ENCLAVE_DOWN);
  answer_t  a;
  reply_t  *r = town_reply(t, asked);
  assert_non_null(r);
  answer_read(&a, r->body, env);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(a.at[i].kind, 3);
    check_promise(t, a.at[i].promise, env[i]);
    reply_t *g = get(t, "promises", env[i]);
    assert_int_equal(g->code, 200);
    assert_true(cf_span_eq(g->body, a.at[i].promise));
  }
  assert_int_equal(stored_promises(t), 2);
  /* again: the same promise; another domain's envelope, or none: refused */
  assert_int_equal(post_and_wait(t, env, 2)->at[0].kind, 3);
  assert_int_equal(stored_promises(t), 2);
  env[2] = CF_SPAN_LIT("no envelope");
  assert_int_equal(post_and_wait(t, env + 2, 1)->at[0].class, CF_REFUSE_MALFORMED);
  if (crash) {
    town_restart(t, true);
  } else {
    town_enclave(t);
  }
  assert_true(town_serves(t, 30000));
  town_run(t, 2000);
  assert_int_equal(stored_promises(t), 0);
  check_log(t, env, holds, 2);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(holds[i], 1);
    assert_int_equal(get(t, "receipts", env[i])->code, 200);
    assert_int_equal(get(t, "promises", env[i])->code, 404);
  }
  town_run(t, 20000);
  assert_int_equal(lane(t, 1), 1200);
  town_free(t);
}

/* What the header does not tell, the enclave finds: such an envelope is refused for good, and its promise ends. */
static void
test_a_promise_of_what_is_refused_ends(void **state) {
  party_t p[1];
  town_t *t = serving_town(19, true, p, 1);
  uint8_t altered[4096];
  enclave_end(t->w);
  town_run(t, 20000);
  cf_span_t good = pay(t, &p[0], 1, 1), env[1] = { CF_SPAN(altered, good.len) };
  memcpy(altered, good.ptr, good.len);
  altered[good.len - 1] ^= 1;
  assert_int_equal(post_and_wait(t, env, 1)->at[0].kind, 3);
  assert_int_equal(stored_promises(t), 1);
  town_enclave(t);
  assert_true(town_serves(t, 30000));
  town_run(t, 1000);
  assert_int_equal(stored_promises(t), 0);
  assert_int_equal(get(t, "receipts", env[0])->code, 404);
  town_free(t);
}

static void test_a_promise_is_kept(void **state) { promised_and_kept(false); }
static void test_a_promise_is_kept_over_a_crash(void **state) { promised_and_kept(true); }

static void
test_a_promise_is_durable_before_it_leaves(void **state) {
  party_t   p[1];
  town_t   *t = serving_town(21, true, p, 1);
  cf_span_t env[1];
  env[0] = pay(t, &p[0], 1, 1);
  enclave_end(t->w);
  town_run(t, 20000); /* the heartbeat of views finds it gone */
  t->durable_left = 0;
  uint64_t id     = post(t, env, 1);
  assert_true(t->dead);
  assert_null(town_reply(t, id));
  town_free(t);
}

static void
test_promises_are_bounded(void **state) {
  party_t p[1];
  town_t *t = serving_town(22, true, p, 1);
  enclave_end(t->w);
  town_run(t, 20000);
  unsigned promised = 0, busy = 0;
  for (unsigned i = 0; i < CF_PROMISES_MAX + 64; i += 32) {
    cf_span_t env[32];
    for (unsigned k = 0; k < 32; k++) env[k] = pay(t, &p[0], 1, 1);
    answer_t *a = post_and_wait(t, env, 32);
    for (unsigned k = 0; k < 32; k++) {
      promised += a->at[k].kind == 3;
      busy += a->at[k].kind == 2 && a->at[k].class == CF_REFUSE_BUSY;
    }
  }
  assert_int_equal(promised, CF_PROMISES_MAX);
  assert_int_equal(busy, 64);
  town_free(t);
}

/* ---- results that wait ---- */

static void
tune_small_room(cf_policy_t *p, cf_clearing_params_t *c, cf_configuration_t *conf) {
  p->disclosure      = 2;
  conf->parties_max  = 4;
  c->obligations_max = 16;
  c->releases_max    = 1;
}

/* While the enclave takes no input because results wait for execution, and requests never end, empty batches go between them, which
   apply the view that lets the results go. */
static void
test_busy_under_load(void **state) {
  party_t p[2];
  world_tune = tune_small_room;
  town_t *t  = serving_town(17, true, p, 2);
  world_tune = NULL;
  cf_span_t env[2];
  for (int i = 0; i < 100; i++) {
    env[0] = pay(t, &p[0], 2, 5000); /* refused in its sealed result */
    assert_int_equal(post_and_wait(t, env, 1)->at[0].kind, 1);
  }
  pay_each_other(t, p, env);
  t->down[PEER_LEDGER] = true; /* until the room is full */
  assert_int_equal(post_and_wait(t, env, 2)->at[0].kind, 1);
  static uint64_t id[600];
  static cf_span_t posted[600];
  unsigned         busy = 0, again = 0;
  for (int i = 0; i < 600; i++) {
    posted[i] = pay(t, &p[0], 2, 5000);
    id[i]     = post(t, &posted[i], 1);
    town_run(t, 50); /* less than what it waits after a refusal: some request always waits */
    if (i == 299) t->down[PEER_LEDGER] = false;
  }
  town_run(t, CF_BUSY_MS + 1000);
  for (int i = 0; i < 600; i++) {
    answer_t a;
    reply_t *r = town_reply(t, id[i]);
    assert_non_null(r);
    if (r->code == 503) continue; /* the queue was full */
    answer_read(&a, r->body, &posted[i]);
    if (a.at[0].kind == 1) again += busy > 0;
    else assert_int_equal(a.at[0].class, CF_REFUSE_BUSY), busy++;
  }
  assert_true(busy > 0);
  assert_true(again >= 50); /* those before the content left; what is behind it waits for the next */
  assert_int_equal(lane(t, 1), 1200);
  town_free(t);
}

static void
tune_smaller_room(cf_policy_t *p, cf_clearing_params_t *c, cf_configuration_t *conf) {
  tune_small_room(p, c, conf);
  p->disclosure = 1;
}

/* Requests that the enclave has no room for wait for a moment: results that leave make room for them. */
static void
test_busy_for_a_moment(void **state) {
  party_t p[2];
  world_tune = tune_smaller_room;
  town_t *t  = serving_town(17, true, p, 2);
  world_tune = NULL;
  cf_span_t env[16];
  uint64_t  id  = 0;
  int       cnt = 0;
  t->down[PEER_WITNESS] = t->down[PEER_WITNESS + 1] = true;
  for (bool answered = true; answered && cnt < 100; cnt++) { /* until the room is full */
    for (int k = 0; k < 16; k++) env[k] = pay(t, &p[0], 2, 5000); /* refused in its sealed result */
    id = post(t, env, 16);
    town_run(t, 20);
    answered = town_reply(t, id) != NULL;
  }
  t->down[PEER_WITNESS] = t->down[PEER_WITNESS + 1] = false;
  assert_true(cnt > 1 && cnt < 100);
  town_run(t, CF_BUSY_MS / 2);
  answer_t a;
  reply_t *r = town_reply(t, id);
  assert_non_null(r);
  answer_read(&a, r->body, env);
  for (int k = 0; k < 16; k++) assert_int_equal(a.at[k].kind, 1);
  town_free(t);
}

/* ---- witnesses ---- */

static void
test_no_quorum_nothing_is_authorised(void **state) {
  party_t   p[2];
  town_t   *t = serving_town(23, false, p, 2);
  cf_span_t env[2];
  unsigned  holds[2];
  t->down[PEER_WITNESS] = t->down[PEER_WITNESS + 1] = true; /* two of four: k = 3 */
  uint64_t size = cf_gateway_status(t->g).cosigned;
  pay_each_other(t, p, env);
  answer_t *a   = post_and_wait(t, env, 2);
  assert_int_equal(a->at[0].kind, 1); /* executed and journaled: provisional */
  town_run(t, 5000);
  assert_mode(t, CF_SERVICE_LOG_DEGRADED);
  cf_gateway_status_t s = cf_gateway_status(t->g);
  assert_int_equal(s.cosigned, size);
  assert_int_equal(s.shown, size);
  assert_int_equal(s.logged, s.sequence); /* it is logged all the same */
  assert_int_equal(s.settlements, 0);
  assert_int_equal(get(t, "results", env[0])->code, 404);
  env[0] = pay(t, &p[0], 2, 1);
  assert_int_equal(post_and_wait(t, env, 1)->at[0].kind, 1); /* and more is accepted */
  t->down[PEER_WITNESS] = false;
  town_run(t, 15000);
  assert_mode(t, CF_SERVICE_NORMAL);
  s = cf_gateway_status(t->g);
  assert_true(s.settlements >= 1);
  assert_int_equal(s.settled, s.settlements);
  check_log(t, env, holds, 2);
  town_free(t);
}

/* ---- observers and ledger ---- */

static void
test_observers_are_believed_the_ledger_is_not(void **state) {
  party_t   p[2];
  town_t   *t = serving_town(24, true, p, 2);
  cf_span_t env[2];
  uint64_t  block  = cf_gateway_status(t->g).block;
  t->observer_lies = true; /* another block at that height: one of the two is not the chain */
  pay_each_other(t, p, env);
  (void)post_and_wait(t, env, 2);
  town_run(t, 10000);
  cf_gateway_status_t s = cf_gateway_status(t->g);
  assert_int_equal(s.settlements, 1);
  assert_int_equal(s.settled, 0); /* the ledger said that it included it; nobody attests that */
  assert_int_equal(s.block, block);
  assert_int_equal(lane(t, 1), 1200);
  t->observer_lies = false;
  town_run(t, 15000);
  s = cf_gateway_status(t->g);
  assert_int_equal(s.settled, 1);
  assert_true(s.block > block);
  town_free(t);
}

static void
test_silent_observers(void **state) {
  party_t   p[2];
  town_t   *t = serving_town(25, true, p, 2);
  cf_span_t env[2];
  t->down[PEER_OBSERVER] = true;
  pay_each_other(t, p, env);
  (void)post_and_wait(t, env, 2);
  town_run(t, CF_MODE_LEDGER_MS + 5000);
  assert_mode(t, CF_SERVICE_LEDGER_UNAVAILABLE);
  assert_int_equal(post_and_wait(t, env, 2)->at[0].kind, 1); /* answered as before */
  t->down[PEER_OBSERVER] = false;
  town_run(t, 6000);
  assert_mode(t, CF_SERVICE_NORMAL);
  assert_int_equal(cf_gateway_status(t->g).settled, 1);
  town_free(t);
}

/* The ledger's answer is lost: the same call goes again, and is in one block. */
static void
test_a_lost_answer_is_asked_again(void **state) {
  party_t   p[2];
  town_t   *t = serving_town(26, true, p, 2);
  cf_span_t env[2];
  pay_each_other(t, p, env);
  t->lose_reply = PEER_LEDGER + 1;
  (void)post_and_wait(t, env, 2);
  town_run(t, 10000);
  assert_int_equal(t->lose_reply, 0);
  cf_gateway_status_t s = cf_gateway_status(t->g);
  assert_int_equal(s.settled, 1);
  assert_int_equal(lane(t, 1), 1200);
  town_free(t);
}

static void
test_ledger_down_settles_later(void **state) {
  party_t   p[2];
  town_t   *t = serving_town(27, true, p, 2);
  cf_span_t env[2];
  t->down[PEER_LEDGER] = true;
  pay_each_other(t, p, env);
  (void)post_and_wait(t, env, 2);
  town_run(t, 10000);
  assert_int_equal(cf_gateway_status(t->g).settlements, 1);
  assert_int_equal(cf_gateway_status(t->g).settled, 0);
  t->down[PEER_LEDGER] = false;
  town_run(t, 15000);
  assert_int_equal(cf_gateway_status(t->g).settled, 1);
  town_free(t);
}

/* Released, logged, and the gateway dies before the ledger has it: submitted again from log and archive, by whoever comes next. */
static void
test_resubmitted_after_a_restart(void **state) {
  party_t   p[2];
  town_t   *t = serving_town(28, true, p, 2);
  cf_span_t env[2];
  t->down[PEER_LEDGER] = true;
  pay_each_other(t, p, env);
  (void)post_and_wait(t, env, 2);
  town_run(t, 2000);
  assert_int_equal(cf_gateway_status(t->g).settlements, 1);
  t->down[PEER_LEDGER]  = false;
  t->down[PEER_ENCLAVE] = true; /* no enclave helps */
  town_restart(t, true);
  town_run(t, 10000);
  assert_int_equal(cf_gateway_status(t->g).settlements, 1);
  assert_int_equal(cf_gateway_status(t->g).settled, 1);
  assert_int_equal(lane(t, 1), 1200);
  t->down[PEER_ENCLAVE] = false;
  assert_true(town_serves(t, 20000));
  town_run(t, 5000);
  assert_int_equal(cf_gateway_status(t->g).settled, cf_gateway_status(t->g).settlements);
  town_free(t);
}

/* ---- verifiers, launcher ---- */

static void
test_the_missing_step_is_named(void **state) {
  static struct {
    unsigned    peer;
    char const *missing;
  } const cases[] = { { PEER_VERIFIER, "verifiers" }, { PEER_LAUNCHER, "verifiers" }, { PEER_LEDGER, "register" }, { PEER_OBSERVER, "view" },
                      { PEER_WITNESS, "witnesses" }, { PEER_ENCLAVE, "enclave" } };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    party_t p[1];
    town_t *t = serving_town(29, true, p, 1);
    t->down[cases[i].peer] = true;
    town_restart(t, true);
    assert_false(town_serves(t, 5000));
    assert_string_equal(town_missing(t), cases[i].missing);
    assert_mode(t, cases[i].peer == PEER_ENCLAVE ? CF_SERVICE_ENCLAVE_DOWN : CF_SERVICE_REGISTERING);
    t->down[cases[i].peer] = false;
    assert_true(town_serves(t, 20000));
    town_free(t);
  }
}

/* Who the gateway asked is no more, and another process opens the book: it is that one's boot entry that counts. */
static void
test_enclave_started_again_before_it_boots(void **state) {
  party_t p[1];
  town_t *t = serving_town(31, true, p, 1);
  town_enclave(t);
  for (unsigned n = 0; n < 100000 && t->g->step != CF_STEP_FILES; n++) {
    cf_event_t ev = { .kind = CF_EV_TICK };
    if (t->queue_cnt) {
      ev = t->queue[0];
      memmove(t->queue, t->queue + 1, --t->queue_cnt * sizeof *t->queue);
    } else {
      t->now_ms += 10;
    }
    town_step(t, ev);
  }
  assert_int_equal(t->g->step, CF_STEP_FILES); /* it has asked who it is */
  town_enclave(t);
  assert_true(town_serves(t, 20000));
  town_free(t);
}

static void
test_refusing_verifier(void **state) {
  party_t p[1];
  town_t *t           = serving_town(30, true, p, 1);
  t->verifier_refuses = true;
  town_restart(t, true);
  assert_false(town_serves(t, 5000));
  reply_t *r = town_ask(t, "GET /v1/status", "", CF_SPAN(NULL, 0));
  assert_non_null(memmem(r->body.ptr, r->body.len, "\"missing\":\"verifiers\"", 21));
  t->verifier_refuses = false;
  assert_true(town_serves(t, 20000));
  town_free(t);
}

/* Who of the observers refuses, and why, the operator reads in the status; after a while the ledger counts as not there. */
static void
test_refusing_observer(void **state) {
  party_t     p[1];
  town_t     *t = serving_town(31, true, p, 1);
  char const *attested = "\"observers\":[\"attested\"]", *refused = "\"observers\":[\"observer:fork\"]";
  reply_t    *r = town_ask(t, "GET /v1/status", "", CF_SPAN(NULL, 0));
  assert_non_null(memmem(r->body.ptr, r->body.len, attested, strlen(attested)));
  t->observer_refuses = true;
  town_run(t, 60000);
  assert_mode(t, CF_SERVICE_LEDGER_UNAVAILABLE);
  r = town_ask(t, "GET /v1/status", "", CF_SPAN(NULL, 0));
  assert_non_null(memmem(r->body.ptr, r->body.len, refused, strlen(refused)));
  t->observer_refuses = false;
  town_run(t, 60000);
  assert_mode(t, CF_SERVICE_NORMAL);
  town_free(t);
}

/* Verifiers who come back when no checkpoint is young enough for them: nothing comes into the log before the enclave is attested, but a new
   life of it does. */
static void
test_long_outage_of_verifiers(void **state) {
  party_t p[1];
  town_t *t              = serving_town(31, true, p, 1);
  t->down[PEER_VERIFIER] = true;
  town_enclave(t);
  town_run(t, (t->w->policy.attest_max_age_s + 60) * 1000);
  t->down[PEER_VERIFIER] = false;
  for (unsigned i = 0; i < 60 && strcmp(town_missing(t), "enclave-restart"); i++) town_run(t, 1000);
  assert_string_equal(town_missing(t), "enclave-restart");
  town_enclave(t);
  assert_true(town_serves(t, 20000));
  town_free(t);
}

/* Every attest_interval the enclave is challenged anew, and the new results are logged; without them evidence goes stale. */
static void
test_attestation_is_renewed(void **state) {
  party_t  p[1];
  town_t  *t      = serving_town(31, true, p, 1);
  uint64_t before = t->g->attest.attested_s;
  town_run(t, t->w->policy.attest_interval_s * 1000 + 5000);
  assert_true(t->g->attest.attested_s > before + t->w->policy.attest_interval_s - 60);
  assert_int_equal(town_ask(t, "GET /v1/evidence", "", CF_SPAN(NULL, 0))->code, 200);
  t->down[PEER_VERIFIER] = true;
  town_run(t, (t->w->policy.attest_max_age_s + 60) * 1000);
  assert_mode(t, CF_SERVICE_ATTESTATION_STALE);
  assert_non_null(strstr(t->said, "\"attestation-failed\",\"reason\":\"fewer than k verifiers gave a nonce"));
  cf_span_t env[1] = { CF_SPAN_LIT("anything") };
  reply_t  *r      = town_ask(t, "POST /v1/envelopes", "", body_of(env, 1));
  assert_int_equal(r->code, 503);
  t->down[PEER_VERIFIER] = false;
  town_run(t, 10000);
  assert_mode(t, CF_SERVICE_NORMAL);
  town_free(t);
}

/* ---- the enclave ---- */

/* The answer to a batch is lost, and the enclave lives: what it executed is nowhere in our journal.  It must start again; then the
   batch never was, and its envelopes, promised meanwhile, are executed once. */
static void
test_a_lost_batch(void **state) {
  party_t   p[2];
  town_t   *t = serving_town(32, true, p, 2);
  cf_span_t env[2];
  unsigned  holds[2];
  town_run(t, 1000);
  pay_each_other(t, p, env);
  t->lose_reply = PEER_ENCLAVE + 1;
  answer_t *a   = post_and_wait(t, env, 2);
  assert_int_equal(a->at[0].kind, 3);
  town_run(t, 3000);
  assert_string_equal(town_missing(t), "enclave-restart");
  town_enclave(t);
  assert_true(town_serves(t, 20000));
  town_run(t, 2000);
  check_log(t, env, holds, 2);
  assert_int_equal(holds[0], 1);
  assert_int_equal(holds[1], 1);
  town_free(t);
}

/* The same with an empty batch: its manifest is known, so the enclave goes on. */
static void
test_a_lost_empty_batch(void **state) {
  party_t   p[2];
  town_t   *t = serving_town(33, true, p, 2);
  cf_span_t env[2];
  unsigned  holds[2];
  t->g->follow  = 1;
  t->lose_reply = PEER_ENCLAVE + 1;
  town_run(t, 100);
  assert_int_equal(t->lose_reply, 0);
  assert_true(town_serves(t, 5000));
  assert_true(t->snapshots >= 1);
  pay_each_other(t, p, env);
  assert_int_equal(post_and_wait(t, env, 2)->at[0].kind, 1);
  town_run(t, 5000);
  check_log(t, env, holds, 2);
  assert_int_equal(cf_gateway_status(t->g).settled, 1);
  town_restart(t, true); /* and the journal behind it is whole */
  assert_true(town_serves(t, 20000));
  town_free(t);
}

/* The gateway dies between showing a view and journaling the batch that applies it, before or after the enclave made that batch: whoever goes on
   with the enclave has the proof that the next receipt is the first to name (check_log looks for each). */
static void
test_a_lost_view(void **state) {
  for (int batched = 0; batched < 2; batched++) {
    party_t   p[2];
    town_t   *t = serving_town(43, true, p, 2);
    cf_span_t env[2];
    unsigned  holds[2];
    pay_each_other(t, p, env);
    assert_int_equal(post_and_wait(t, env, 2)->at[0].kind, 1);
    t->viewed          = false;
    t->dies_after_view = batched;
    t->dies_at_view    = !batched;
    for (int i = 0; i < 1000 && !t->dead; i++) town_run(t, 10);
    assert_true(t->dead);
    t->dies_at_view = t->dies_after_view = false;
    t->down[PEER_OBSERVER] = true; /* no later view takes its place */
    town_restart(t, false);
    assert_true(town_serves(t, 20000));
    cf_span_t more = pay(t, &p[0], 2, 1);
    assert_int_equal(post_and_wait(t, &more, 1)->at[0].kind, 1);
    town_run(t, 1000);
    check_log(t, env, holds, 2);
    t->down[PEER_OBSERVER] = false;
    town_run(t, 5000);
    check_log(t, env, holds, 2);
    assert_int_equal(holds[0] + holds[1], 2);
    assert_int_equal(cf_gateway_status(t->g).settled, 1);
    town_restart(t, true); /* and the journal behind it is whole */
    assert_true(town_serves(t, 20000));
    town_run(t, 5000);
    check_log(t, env, holds, 2);
    town_free(t);
  }
}

/* A snapshot ends a journal file: older ones go, and a start needs none of them. */
static void
test_snapshot(void **state) {
  party_t   p[2];
  town_t   *t = serving_town(34, true, p, 2);
  cf_span_t env[2];
  unsigned  holds[2];
  pay_each_other(t, p, env);
  (void)post_and_wait(t, env, 2);
  town_run(t, 2000);
  t->g->snapshot_due = true;
  town_run(t, 500);
  assert_int_equal(t->snapshots, 1);
  size_t journals = 0;
  for (size_t i = 0; i < t->disk.cnt; i++) journals += !strncmp(t->disk.at[i].name, "enclave/journal-", 16);
  assert_int_equal(journals, 1);
  town_restart(t, true);
  assert_true(town_serves(t, 20000));
  check_log(t, env, holds, 2);
  assert_int_equal(holds[0], 1);
  assert_int_equal(get(t, "receipts", env[0])->code, 200);
  assert_true(check_results(t, env[0]) >= 1);
  town_free(t);
}

/* Batches go on while the state does not fit a snapshot: they are what makes it smaller. */
static void
test_a_busy_snapshot(void **state) {
  party_t   p[2];
  town_t   *t = serving_town(18, true, p, 2);
  cf_span_t env[2];
  t->snapshot_busy   = true;
  t->g->snapshot_due = true;
  town_run(t, 500);
  assert_int_equal(t->snapshots, 1);
  pay_each_other(t, p, env);
  assert_int_equal(post_and_wait(t, env, 2)->at[0].kind, 1);
  town_run(t, 4000);
  assert_int_equal(lane(t, 1), 1200);
  t->snapshot_busy = false;
  town_run(t, CF_BACKOFF_MAX_MS);
  assert_int_equal(t->snapshots, 2);
  assert_false(t->g->snapshot_due);
  town_restart(t, true);
  assert_true(town_serves(t, 20000));
  town_free(t);
}

static void
test_snapshot_dies_at_each_write(void **state) {
  for (size_t n = 0; n < 4; n++) {
    party_t   p[2];
    town_t   *t = serving_town(35, true, p, 2);
    cf_span_t env[2];
    unsigned  holds[2];
    env[0] = pay(t, &p[0], 2, 300);
    env[1] = pay(t, &p[1], 1, 500);
    (void)post_and_wait(t, env, 2);
    town_run(t, 2000);
    t->g->snapshot_due = true;
    t->durable_left    = n;
    town_run(t, 500);
    t->durable_left = SIZE_MAX;
    town_restart(t, true);
    if (!town_serves(t, 20000)) fail_msg("snapshot cut at %zu: missing %s", n, town_missing(t));
    check_log(t, env, holds, 2);
    assert_int_equal(holds[0], 1);
    assert_true(check_results(t, env[0]) >= 1);
    town_free(t);
  }
}

/* A file of the archive that a result names, by itself or in its collateral set. */
static cf_span_t
archived(town_t *t, uint8_t const hash[32]) {
  char    name[128] = "public/archive/";
  cf_hex_encode(name + strlen(name), CF_SPAN(hash, 32));
  file_t *f = file_find(&t->disk, CF_SPAN(name, strlen(name)));
  if (!f) fail_msg("a result is logged, and not archived: %s", name);
  return CF_SPAN(f->bytes, f->len);
}

/* Each file of the archive is named by an entry of the log, and each that a result names is there.  Returns the number of results. */
static size_t
check_archive(town_t *t) {
  static log_t l;
  cf_hash_t    named[256];
  size_t       cnt = 0, results = 0;
  log_read(t, &l);
  for (size_t i = 0; i < l.cnt; i++) {
    cf_receipt_t doc;
    cf_ear_t     ear;
    cf_sign1_t   s;
    assert_true(cnt + 8 <= CF_COUNT_OF(named));
    bool receipt = !cf_document_open(&doc, &s, &cf_receipt_table, l.entry[i], NULL);
    if (!receipt && cf_ear_open(&ear, &s, l.entry[i], NULL)) continue;
    memcpy(named[cnt++].b, receipt ? doc.manifest : ear.evidence, 32);
    memcpy(named[cnt++].b, receipt ? doc.view.proof : ear.collateral, 32);
    if (receipt) continue;
    results++;
    (void)archived(t, ear.evidence);
    cf_rd_t set = cf_rd_span(archived(t, ear.collateral));
    for (uint64_t n = cf_cbor_array(&set); n; n--) {
      assert_int_equal(cf_cbor_array(&set), 2);
      (void)cf_cbor_uint(&set);
      named[cnt] = cf_cbor_hash(&set);
      assert_false(set.bad);
      (void)archived(t, named[cnt++].b);
    }
  }
  for (size_t i = 0; i < t->disk.cnt; i++) {
    char const *name = t->disk.at[i].name;
    bool        known = strncmp(name, "public/archive/", 15) != 0;
    for (size_t k = 0; !known && k < cnt; k++) {
      char hex[65];
      known = !strcmp(name + 15, cf_hex_encode(hex, CF_SPAN_OF(named[k].b)));
    }
    if (!known) fail_msg("nothing names %s", name);
  }
  return results;
}

/* Whatever stands in the archive, an entry of the log names: evidence and its collateral also when the gateway died between the archive and the
   log, at any of its writes. */
static void
test_evidence_dies_at_each_write(void **state) {
  for (size_t n = 0; n < 40; n++) {
    town_t *t = town_new(41, true);
    for (int i = 0; i < 400 && strcmp(town_missing(t), "verifiers"); i++) town_run(t, 10);
    assert_string_equal(town_missing(t), "verifiers");
    t->durable_left = n;
    for (int i = 0; i < 100 && !t->dead; i++) town_run(t, 10);
    t->durable_left = SIZE_MAX;
    town_restart(t, n % 2);
    town_run(t, 3000);
    if (!strcmp(town_missing(t), "enclave-restart")) town_enclave(t);
    if (!town_serves(t, 20000)) fail_msg("cut at %zu: missing %s", n, town_missing(t));
    (void)check_archive(t);
    town_free(t);
  }
}

/* A verifier gave a statement that the gateway has not, as when it dies before that is in its store.  A result that relies on it cannot be archived,
   and is not logged: the next round has a statement that both know. */
static void
test_a_lost_statement(void **state) {
  party_t p[1];
  town_t *t = serving_town(44, true, p, 1);
  size_t  before = check_archive(t);
  new_statement(t);
  t->g->attest.next_ms = 0;
  town_run(t, 100);
  assert_int_equal(check_archive(t), before);
  reply_t *r = town_ask(t, "GET /v1/status", "", CF_SPAN(NULL, 0));
  assert_non_null(memmem(r->body.ptr, r->body.len, "\"collateral\"", 12));
  town_run(t, 5000);
  assert_int_equal(check_archive(t), before + 1);
  assert_int_equal(t->statements, 3);
  town_free(t);
}

static void lie_domain(cf_ear_t *ear) { ear->domain[0] ^= 1; }
static void lie_policy(cf_ear_t *ear) { ear->policy[0] ^= 1; }
static void lie_evidence(cf_ear_t *ear) { ear->evidence[0] ^= 1; }
static void lie_collateral(cf_ear_t *ear) { ear->collateral[0] ^= 1; }
static void lie_certificate(cf_ear_t *ear) { ear->certificate[0] ^= 1; }
static void lie_status(cf_ear_t *ear) { ear->status = CF_EAR_CONTRAINDICATED; }
static void lie_until(cf_ear_t *ear) { ear->until = ear->time; }
static void lie_earlier(cf_ear_t *ear) { ear->time -= 86400; }

/* A result that whoever reads the bundle would refuse is none, and is not logged. */
static void
test_a_lying_verifier(void **state) {
  static void (*const lies[])(cf_ear_t *) = { lie_domain, lie_policy, lie_evidence, lie_collateral, lie_certificate, lie_status, lie_until, lie_earlier };
  party_t p[1];
  town_t *t = serving_town(46, true, p, 1);
  for (size_t i = 0; i < CF_COUNT_OF(lies); i++) {
    size_t before        = check_archive(t);
    t->verifier_lies     = lies[i];
    t->g->attest.next_ms = 0;
    town_run(t, 2000);
    if (check_archive(t) != before) fail_msg("lie %zu is logged", i);
    t->verifier_lies = NULL;
    town_run(t, 6000);
    assert_int_equal(check_archive(t), before + 1);
  }
  town_free(t);
}

/* While results wait for the log nobody is asked for others: what they are about stands in the store until then, and there is room for one. */
static void
test_results_wait_for_the_log(void **state) {
  party_t   p[2];
  town_t   *t      = serving_town(45, true, p, 2);
  size_t    before = check_archive(t);
  cf_span_t env[1] = { pay(t, &p[0], 2, 1) };
  for (unsigned i = 0; i < WITNESS_CNT; i++) t->down[PEER_WITNESS + i] = true; /* an append waits for the round before it */
  (void)post(t, env, 1);
  town_run(t, 50);
  t->g->attest.next_ms = 0;
  for (int i = 0; i < 100 && !cf_logside_has(t->g, CF_ENTRY_RESULT); i++) town_run(t, 10);
  assert_true(cf_logside_has(t->g, CF_ENTRY_RESULT));
  t->g->attest.next_ms = 0;
  town_run(t, 200);
  for (unsigned i = 0; i < WITNESS_CNT; i++) t->down[PEER_WITNESS + i] = false;
  town_run(t, 3000);
  assert_int_equal(check_archive(t), before + 2);
  town_free(t);
}

/* It waits until what was executed is logged: town.h looks at every SNAPSHOT. */
static void
test_snapshot_waits_for_the_log(void **state) {
  party_t   p[2];
  town_t   *t = serving_town(39, true, p, 2);
  cf_span_t env[1];
  for (int i = 0; i < 3; i++) {
    env[0] = pay(t, &p[0], 2, 1);
    (void)post(t, env, 1);
    town_step(t, (cf_event_t){ .kind = CF_EV_TICK });
    town_settle(t);
  }
  cf_gateway_status_t s = cf_gateway_status(t->g);
  assert_true(s.logged < s.sequence);
  t->g->snapshot_due = true;
  town_run(t, 1000);
  assert_int_equal(t->snapshots, 1);
  town_free(t);
}

/* What the log's side has not written yet holds no receipt up, and nothing that stands on it happens before it is written. */
static void
test_a_stuck_side(void **state) {
  party_t   p[2];
  town_t   *t = serving_town(43, true, p, 2);
  cf_span_t env[1];
  town_run(t, 3000);
  uint64_t logged = cf_gateway_status(t->g).logged, cosigned = cf_gateway_status(t->g).cosigned;
  size_t   from   = t->trace_cnt;
  t->side_stuck   = true;
  for (int i = 0; i < 5; i++) {
    env[0]      = pay(t, &p[0], 2, 1);
    answer_t *a = post_and_wait(t, env, 1);
    assert_int_equal(a->at[0].kind, 1);
    town_run(t, 100);
  }
  uint64_t status = town_request(t, "GET /v1/status", "", CF_SPAN(NULL, 0));
  t->g->snapshot_due = true;
  town_run(t, 2000);
  assert_null(town_reply(t, status)); /* it says what is in the log */
  assert_int_equal(cf_gateway_status(t->g).cosigned, cosigned);
  assert_int_equal(t->snapshots, 0);
  for (size_t i = from; i < t->trace_cnt; i++) {
    trace_t const *e = &t->trace[i];
    assert_false(e->kind == CF_FX_PUT && !strncmp(e->name, "public/", 7));
    assert_false(e->kind == CF_FX_ASK && (e->peer >= PEER_WITNESS || !strcmp(e->name, "enclave 22"))); /* SHOW_LOG */
  }
  t->side_stuck = false;
  town_run(t, 3000);
  cf_gateway_status_t s = cf_gateway_status(t->g);
  assert_true(s.logged == s.sequence && s.logged >= logged + 5 && s.cosigned == s.log_size && s.shown == s.log_size);
  assert_int_equal(t->snapshots, 1);
  assert_int_equal(town_reply(t, status)->code, 200);
  town_free(t);
}

/* Batches go on while the log's files lag: what the enclave let out is in its file before the next of them (town.h looks at each). */
static void
test_results_do_not_lag(void **state) {
  party_t   p[2];
  town_t   *t = serving_town(45, true, p, 2);
  cf_span_t env[40];
  t->side_late = true;
  for (int i = 0; i < 40; i++) {
    env[i] = pay(t, &p[i % 2], 2 - (uint32_t)i % 2, 1);
    (void)post(t, env + i, 1);
    town_run(t, 20);
  }
  town_run(t, 5000);
  for (int i = 0; i < 40; i++) assert_true(check_results(t, env[i]) >= 1);
  town_free(t);
}

/* All journaled, nothing of it in the log's files: the power fails, and a snapshot had been wanted. */
static void
test_a_stuck_side_is_lost(void **state) {
  for (int torn = 0; torn < 2; torn++) {
    party_t   p[2];
    town_t   *t = serving_town(44, true, p, 2);
    cf_span_t env[4];
    unsigned  holds[4];
    town_run(t, 3000);
    t->side_stuck = true;
    for (int i = 0; i < 4; i++) {
      env[i]      = pay(t, &p[i % 2], 2 - (uint32_t)i % 2, 1);
      answer_t *a = post_and_wait(t, env + i, 1);
      assert_int_equal(a->at[0].kind, 1);
      town_run(t, 300);
    }
    t->g->snapshot_due = true;
    town_run(t, 300);
    t->side_stuck = false;
    if (torn) side_go(t, t->side_cnt / 2);
    town_restart(t, true);
    assert_true(town_serves(t, 30000));
    town_run(t, 3000);
    check_log(t, env, holds, 4);
    for (int i = 0; i < 4; i++) assert_int_equal(holds[i], 1);
    town_free(t);
  }
}

/* An enclave that stands elsewhere than our journal is not gone on with. */
static void
test_another_history_is_not_adopted(void **state) {
  party_t p[1];
  town_t *t            = serving_town(40, true, p, 1);
  t->down[PEER_ENCLAVE] = true;
  town_run(t, 20000);
  assert_mode(t, CF_SERVICE_ENCLAVE_DOWN);
  t->g->sequence += 5;
  t->down[PEER_ENCLAVE] = false;
  town_run(t, 2000);
  assert_string_equal(town_missing(t), "enclave-restart");
  t->g->sequence -= 5;
  town_free(t);
}

/* Another gateway took the lease: nothing of ours is committed any more. */
static void
test_fenced(void **state) {
  party_t p[1];
  town_t *t = serving_town(36, true, p, 1);
  uint64_t fence = t->fence;
  assert_true(fence > 0);
  town_restart(t, true);
  assert_int_equal(t->fence, fence + 1); /* each process takes it from the one before */
  assert_true(town_serves(t, 20000));
  enclave_end(t->w);
  town_run(t, 20000);
  t->fence++;
  cf_span_t env[1] = { pay(t, &p[0], 1, 1) };
  uint64_t  id     = post(t, env, 1);
  assert_true(t->dead);
  assert_null(town_reply(t, id));
  town_free(t);
}

static void
test_a_twin_ends_it(void **state) {
  party_t p[1];
  town_t *t = serving_town(37, true, p, 1);
  /* somebody with the gateway's key and a copy of the disk logs a boot entry of another instance */
  cf_p256_key_t *identity = cf_p256_key_new(&t->w->entropy);
  cf_p256_pub_t  pub;
  cf_boot_t      doc = { .root_number = 1 };
  uint8_t        buf[2048];
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  cf_p256_key_pub(identity, &pub);
  memcpy(doc.domain, t->w->domain.b, 32);
  memcpy(doc.identity, pub.b, 64);
  cf_document_seal(&wr, NULL, &cf_boot_table, &doc, identity, "enclave", "boot");
  cf_p256_key_free(identity);
  assert_true(cf_logside_queue(t->g, CF_ENTRY_PLAIN, 0, cf_wr_out(&wr)));
  town_run(t, 2000);
  assert_int_equal(cf_enclave_phase(t->w->e), CF_PHASE_STOPPED);
  assert_mode(t, CF_SERVICE_ENCLAVE_DOWN);
  assert_string_equal(town_missing(t), "twin");
  town_enclave(t); /* a new instance goes on */
  assert_true(town_serves(t, 20000));
  town_free(t);
}

static void
test_stop_drains(void **state) {
  party_t   p[2];
  town_t   *t = serving_town(38, true, p, 2);
  cf_span_t env[2];
  pay_each_other(t, p, env);
  uint64_t id = post(t, env, 2);
  town_step(t, (cf_event_t){ .kind = CF_EV_STOP });
  town_settle(t);
  uint64_t late = post(t, env, 2);
  town_run(t, CF_GATEWAY_DRAIN_MS);
  assert_true(t->exited);
  assert_int_equal(t->exit_code, 0);
  assert_int_equal(town_reply(t, id)->code, 200);
  assert_true(!town_reply(t, late) || town_reply(t, late)->code == 503);
  town_free(t);
}

/* More messages of strangers in the ledger than one batch applies, before the first start and under a running gateway: pieces
   and batches take turns until all are applied, and the deposit behind them counts. */
static void
strangers(town_t *t, unsigned blocks) {
  static uint32_t n;
  enum { CALLS = 4000 };
  cf_span_t *calls = malloc(CALLS * sizeof *calls);
  while (blocks--) {
    t->w->now_s = town_now(t).wall_ms / 1000;
    for (size_t i = 0; i < CALLS; i++) {
      cf_op_t open = { .kind = CF_OP_OPEN };
      n++;
      memcpy(open.addr.b, &n, sizeof n);
      open.addr.b[19] = 1;
      calls[i]        = call_of(t->w, &open, NULL, n);
    }
    acts(t, calls, CALLS);
    t->now_ms += 10;
  }
  free(calls);
}

static void
test_strangers(void **state) {
  town_t  *t = town_new(31, true);
  party_t  p[2];
  for (uint32_t i = 0; i < 2; i++) party_init(t, &p[i], i + 1);
  fund(t, p, 2, 1000);
  strangers(t, 10);
  assert_true(town_serves(t, 30000));
  assert_int_equal(t->g->views.folded, cf_ledger_state_messages(t->ledger->chain.state)); /* when it serves, nothing is behind */

  strangers(t, 10);
  t->w->now_s  = town_now(t).wall_ms / 1000;
  cf_op_t   op = { .kind = CF_OP_DEPOSIT, .asset = 0, .id = 1, .units = 500 };
  cf_span_t call = call_of(t->w, &op, t->w->treasury, 2);
  acts(t, &call, 1);
  town_run(t, 20000); /* V / 4 */
  assert_int_equal(t->g->views.folded, cf_ledger_state_messages(t->ledger->chain.state));
  cf_span_t env[2] = { pay(t, &p[0], 2, 1400), pay(t, &p[1], 1, 100) };
  assert_int_equal(post_and_wait(t, env, 2)->at[0].kind, 1);
  town_run(t, 3000);
  assert_int_equal(lane(t, 1), 200);
  town_free(t);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_strangers),
    cmocka_unit_test(test_a_promise_is_kept),
    cmocka_unit_test(test_a_promise_of_what_is_refused_ends),
    cmocka_unit_test(test_a_promise_is_kept_over_a_crash),
    cmocka_unit_test(test_a_promise_is_durable_before_it_leaves),
    cmocka_unit_test(test_promises_are_bounded),
    cmocka_unit_test(test_busy_under_load),
    cmocka_unit_test(test_busy_for_a_moment),
    cmocka_unit_test(test_no_quorum_nothing_is_authorised),
    cmocka_unit_test(test_observers_are_believed_the_ledger_is_not),
    cmocka_unit_test(test_silent_observers),
    cmocka_unit_test(test_a_lost_answer_is_asked_again),
    cmocka_unit_test(test_ledger_down_settles_later),
    cmocka_unit_test(test_resubmitted_after_a_restart),
    cmocka_unit_test(test_the_missing_step_is_named),
    cmocka_unit_test(test_refusing_verifier), cmocka_unit_test(test_refusing_observer),
    cmocka_unit_test(test_attestation_is_renewed),
    cmocka_unit_test(test_long_outage_of_verifiers),
    cmocka_unit_test(test_enclave_started_again_before_it_boots),
    cmocka_unit_test(test_a_lost_batch),
    cmocka_unit_test(test_a_lost_empty_batch),
    cmocka_unit_test(test_a_lost_view),
    cmocka_unit_test(test_snapshot),
    cmocka_unit_test(test_a_busy_snapshot),
    cmocka_unit_test(test_snapshot_dies_at_each_write),
    cmocka_unit_test(test_evidence_dies_at_each_write),
    cmocka_unit_test(test_a_lost_statement),
    cmocka_unit_test(test_a_lying_verifier),
    cmocka_unit_test(test_results_wait_for_the_log),
    cmocka_unit_test(test_snapshot_waits_for_the_log),
    cmocka_unit_test(test_a_stuck_side),
    cmocka_unit_test(test_results_do_not_lag),
    cmocka_unit_test(test_a_stuck_side_is_lost),
    cmocka_unit_test(test_another_history_is_not_adopted),
    cmocka_unit_test(test_fenced),
    cmocka_unit_test(test_a_twin_ends_it),
    cmocka_unit_test(test_stop_drains),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
