// link: enclave session workload ledger translog evidence
/* The monitor's core: each incident, raised and over; what it keeps, and what a power cut leaves of it. */
#include "audit_world.h"

#include "audit/cf_monitor.h"
#include "audit/cf_since.h"
#include "translog/cf_fork.h"

/* ---- a monitor whose disk and ears are the test's ---- */

typedef struct {
  cf_monitor_t *m;
  uint8_t       seen[1 << 20];
  size_t        seen_sz, appends, fails_at; /* the append that the disk does not take */
  unsigned      opened[CF_INCIDENTS], over[CF_INCIDENTS];
  char          last[240], last_id[17];
  uint8_t       fork[CF_FORK_MAX];
  size_t        fork_sz;
} ear_t;

static cf_status_t keep_it(void *ctx, cf_span_t record) {
  ear_t *e = ctx;
  if (++e->appends == e->fails_at) return CF_ERR_IO;
  assert_true(e->seen_sz + record.len < sizeof e->seen && record.len <= CF_MONITOR_RECORD_MAX);
  memcpy(e->seen + e->seen_sz, record.ptr, record.len);
  e->seen_sz += record.len;
  return CF_OK;
}

static cf_status_t fetch_it(void *ctx, uint64_t offset, uint8_t *buf, size_t n) {
  ear_t *e = ctx;
  assert_true(offset + n <= e->seen_sz);
  memcpy(buf, e->seen + offset, n);
  return CF_OK;
}

static cf_status_t prove_it(void *ctx, char const *id, cf_span_t fork) {
  ear_t *e = ctx;
  memcpy(e->fork, fork.ptr, e->fork_sz = fork.len);
  return CF_OK;
}

static void tell_it(void *ctx, cf_incident_t const *i, bool over) {
  ear_t *e = ctx;
  if (i->kind == CF_INCIDENT_FORK) assert_true(i->proven && e->fork_sz); /* before anybody hears of it */
  (over ? e->over : e->opened)[i->kind]++;
  memcpy(e->last, i->text, sizeof e->last);
  memcpy(e->last_id, i->id, sizeof e->last_id);
}

enum { PLACE, OTHER, WITNESS, STALE_S = 1000, SILENT_S = 60, GRACE_S = 300, QUORUM_S = 50 };

static ear_t *ear_of(a_world_t *a, ear_t const *before, cf_tlog_policy_t const *policy) {
  ear_t *e = calloc(1, sizeof *e);
  if (before) memcpy(e->seen, before->seen, e->seen_sz = before->seen_sz);
  cf_monitor_config_t cfg = {&a->w->witnesses, STALE_S, SILENT_S, GRACE_S, policy, QUORUM_S};
  cf_monitor_out_t    out = {keep_it, fetch_it, prove_it, tell_it, e};
  e->m = cf_monitor_new(&cfg, &out);
  assert_int_equal(cf_monitor_source(e->m, "http://place", false), PLACE);
  assert_int_equal(cf_monitor_source(e->m, "http://other", false), OTHER);
  assert_int_equal(cf_monitor_source(e->m, "http://witness", true), WITNESS);
  size_t good;
  assert_int_equal(cf_monitor_recall(e->m, CF_SPAN(e->seen, e->seen_sz), &good, NULL), CF_OK);
  assert_int_equal(good, e->seen_sz);
  return e;
}

static ear_t *ear_new(a_world_t *a, ear_t const *before) { return ear_of(a, before, NULL); }

static void ear_free(ear_t *e) {
  cf_monitor_free(e->m);
  free(e);
}

static void note(ear_t *e, unsigned source, cf_span_t n) { assert_int_equal(cf_monitor_note(e->m, source, n), CF_OK); }

static void audit(ear_t *e, unsigned source, tree_t *t) {
  cf_audit_t       *a;
  cf_audit_reader_t r = tree_reader(t);
  (void)!cf_audit_run(&a, &r, &(cf_audit_options_t){0});
  assert_int_equal(cf_monitor_audited(e->m, source, a), CF_OK);
  cf_audit_free(a);
}

/* Only that kind was told, as open, and so often. */
static void only(ear_t const *e, cf_incident_kind_t kind, unsigned times) {
  for (cf_incident_kind_t k = 0; k < CF_INCIDENTS; k++)
    if (e->opened[k] != (k == kind ? times : 0)) fail_msg("%u of %s; the last: %s", e->opened[k], cf_incident_name(k), e->last);
}

/* ---- heads ---- */

static tlog_t *other_log(a_world_t *a, uint64_t k) {
  tlog_t *log = malloc(sizeof *log);
  *log = a->w->log;
  memset(&log->leaf[k], 1, 32);
  return log;
}

static void must_prove(a_world_t *a, ear_t const *e, uint64_t m, uint64_t n, unsigned lied) {
  cf_fork_t   f;
  cf_forked_t v;
  unsigned    both = 0;
  assert_int_equal(cf_fork_parse(&f, CF_SPAN(e->fork, e->fork_sz), NULL), CF_OK);
  assert_int_equal(cf_fork_verify(&v, &f, NULL), CF_OK);
  assert_memory_equal(f.log.pub.b, a->w->witnesses.log.pub.b, 32);
  assert_int_equal(v.head[0].size, m);
  assert_int_equal(v.head[1].size, n);
  for (size_t i = 0; i < f.witness_cnt; i++) both += v.cosig[0][i].have && v.cosig[1][i].have;
  assert_int_equal(both, lied);
}

static void test_fork_of_one_size(void **state) {
  a_world_t *a = a_life(60);
  tlog_t    *other = other_log(a, 3);
  ear_t     *e = ear_new(a, NULL);
  cf_monitor_begin(e->m, a->w->now_s);
  note(e, WITNESS, note_of(a->w, other, 10, 2)); /* each witness shows what it signed itself: they are put together */
  note(e, PLACE, note_of(a->w, &a->w->log, 9, 0));
  only(e, CF_INCIDENT_FORK, 0);
  note(e, OTHER, note_of(a->w, &a->w->log, 10, 1));
  only(e, CF_INCIDENT_FORK, 1);
  must_prove(a, e, 10, 10, 0);
  cf_monitor_end(e->m);
  cf_monitor_begin(e->m, a->w->now_s);
  cf_monitor_end(e->m);
  assert_int_equal(e->over[CF_INCIDENT_FORK], 0); /* for ever */
  assert_int_equal(cf_monitor_open_count(e->m), 1);
  /* In the next life it is found again, under the same id, from what was kept. */
  ear_t *f = ear_new(a, e);
  cf_monitor_begin(f->m, a->w->now_s);
  note(f, WITNESS, note_of(a->w, other, 10, 1)); /* which the witness above cosigned, too: it lied */
  only(f, CF_INCIDENT_FORK, 1);
  assert_string_equal(f->last_id, e->last_id);
  must_prove(a, f, 10, 10, 1);
  ear_free(e);
  ear_free(f);
  free(other);
  a_world_free(a);
}

/* What a place was audited to be, against a smaller head that somebody shows. */
static void test_fork_of_two_sizes(void **state) {
  a_world_t        *a = a_life(61);
  tlog_t           *other = other_log(a, 3);
  ear_t            *e = ear_new(a, NULL);
  cf_audit_reader_t tree = tree_reader(a->t);
  cf_span_t         head = note_of(a->w, &a->w->log, a->w->log.size, 15);
  cf_monitor_begin(e->m, a->w->now_s);
  note(e, PLACE, head);
  note(e, WITNESS, note_of(a->w, &a->w->log, 7, 4)); /* honest, and behind */
  note(e, OTHER, note_of(a->w, other, 3, 8));        /* parted later than this */
  assert_int_equal(cf_monitor_compare(e->m, PLACE, &tree, head), CF_OK);
  only(e, CF_INCIDENT_FORK, 0);
  note(e, WITNESS, note_of(a->w, other, 9, 4));
  assert_int_equal(cf_monitor_compare(e->m, PLACE, &tree, head), CF_OK);
  only(e, CF_INCIDENT_FORK, 1);
  must_prove(a, e, 9, a->w->log.size, 1);
  ear_free(e);
  free(other);
  a_world_free(a);
}

/* An audit's own proof is handed on. */
static void test_fork_by_audit(void **state) {
  a_world_t *a = a_life(62);
  tlog_t    *other = other_log(a, 3);
  ear_t     *e = ear_new(a, NULL);
  tree_put(a->t, "checkpoints/00000000000000000010", note_of(a->w, other, 10, 15));
  cf_monitor_begin(e->m, a->w->now_s);
  audit(e, PLACE, a->t);
  assert_int_equal(e->opened[CF_INCIDENT_FORK], 1);
  must_prove(a, e, 10, a->w->log.size, 0);
  ear_free(e);
  free(other);
  a_world_free(a);
}

static void test_rollback(void **state) {
  a_world_t *a = a_life(63);
  ear_t     *e = ear_new(a, NULL), *f;
  cf_monitor_begin(e->m, a->w->now_s);
  note(e, PLACE, note_of(a->w, &a->w->log, 12, 0));
  note(e, OTHER, note_of(a->w, &a->w->log, 10, 0)); /* a mirror that lags is none */
  cf_monitor_end(e->m);
  cf_monitor_begin(e->m, a->w->now_s);
  note(e, PLACE, note_of(a->w, &a->w->log, 12, 0));
  only(e, CF_INCIDENT_ROLLBACK, 0);
  f = ear_new(a, e); /* another life knows it, too */
  for (int life = 0; life < 2; life++) {
    ear_t *x = life ? f : e;
    cf_monitor_begin(x->m, a->w->now_s);
    note(x, PLACE, note_of(a->w, &a->w->log, 11, 0));
    only(x, CF_INCIDENT_ROLLBACK, 1);
    cf_monitor_end(x->m);
    cf_monitor_begin(x->m, a->w->now_s);
    note(x, PLACE, note_of(a->w, &a->w->log, 12, 0));
    cf_monitor_end(x->m);
    assert_int_equal(x->over[CF_INCIDENT_ROLLBACK], 1);
    cf_monitor_begin(x->m, a->w->now_s);
    note(x, PLACE, CF_SPAN(NULL, 0));
    only(x, CF_INCIDENT_ROLLBACK, 2);
    ear_free(x);
  }
  a_world_free(a);
}

/* Everything that is shown is less than what a witness signed. */
static void test_behind_its_witness(void **state) {
  a_world_t *a = a_life(73);
  ear_t     *e = ear_new(a, NULL);
  for (uint64_t other = 11; other >= 10; other--) {
    cf_monitor_begin(e->m, a->w->now_s);
    note(e, WITNESS, note_of(a->w, &a->w->log, 11, 1));
    note(e, PLACE, note_of(a->w, &a->w->log, 9, 0));
    if (other == 11) note(e, OTHER, note_of(a->w, &a->w->log, 11, 0)); /* one mirror has it */
    cf_monitor_end(e->m);
    only(e, CF_INCIDENT_ROLLBACK, other == 10);
  }
  cf_monitor_begin(e->m, a->w->now_s); /* a witness by itself, or a place, says nothing of the other */
  note(e, WITNESS, note_of(a->w, &a->w->log, 11, 1));
  cf_monitor_end(e->m);
  assert_int_equal(e->over[CF_INCIDENT_ROLLBACK], 1);
  ear_free(e);
  a_world_free(a);
}

static void test_lie_and_silence(void **state) {
  a_world_t *a = a_life(64), *b = a_world_new(65);
  ear_t     *e = ear_new(a, NULL);
  cf_span_t  n = note_of(a->w, &a->w->log, 9, 0);
  uint64_t   t = a->w->now_s;
  uint8_t    bad[1024];
  refound(b);
  cf_monitor_begin(e->m, t);
  note(e, PLACE, CF_SPAN_LIT("no checkpoint"));
  only(e, CF_INCIDENT_LIE, 1);
  note(e, PLACE, CF_SPAN_LIT("once more")); /* told once */
  memcpy(bad, n.ptr, n.len);
  bad[n.len - 6] ^= 1;
  note(e, OTHER, CF_SPAN(bad, n.len));
  only(e, CF_INCIDENT_LIE, 2);
  assert_int_equal(e->seen_sz, 0); /* nothing of it is kept */
  cf_monitor_end(e->m);
  cf_monitor_begin(e->m, t);
  note(e, PLACE, n);
  cf_monitor_lied(e->m, OTHER, "it answers without end");
  cf_monitor_end(e->m);
  assert_int_equal(e->over[CF_INCIDENT_LIE], 2);
  memset(e->opened, 0, sizeof e->opened);
  for (unsigned s = 0; s <= SILENT_S + 10; s += 10) {
    cf_monitor_begin(e->m, t + s);
    cf_monitor_silent(e->m, PLACE, "it does not answer");
    only(e, CF_INCIDENT_SILENCE, s >= SILENT_S);
    cf_monitor_end(e->m);
  }
  cf_monitor_view_t v;
  cf_monitor_view(e->m, PLACE, &v);
  assert_false(v.answers);
  cf_monitor_begin(e->m, t + 100);
  note(e, PLACE, n);
  cf_monitor_end(e->m);
  assert_int_equal(e->over[CF_INCIDENT_SILENCE], 1);
  cf_monitor_view(e->m, PLACE, &v);
  assert_true(v.answers);
  assert_int_equal(v.size, 9);
  ear_free(e);
  a_world_free(a);
  a_world_free(b);
}

/* ---- a quorum that somebody's policy asks for ---- */

static void round_at(ear_t *e, uint64_t now_s, unsigned source, cf_span_t n) {
  cf_monitor_begin(e->m, now_s);
  note(e, source, n);
  cf_monitor_end(e->m);
}

/* The genesis' witnesses, and another rule. */
static cf_tlog_policy_t policy_of(a_world_t *a, char const *rule) {
  static uint8_t   text[CF_WITNESS_POLICY_MAX + 256];
  cf_wr_t          wr = cf_wr_init(text, sizeof text);
  cf_tlog_policy_t p;
  cf_witness_set_policy(&wr, &a->w->witnesses);
  uint8_t const *group = memmem(text, wr.len, "group ", 6);
  wr.len = (size_t)(group - text);
  cf_wr_bytes(&wr, rule, strlen(rule));
  assert_int_equal(cf_tlog_policy_parse(&p, cf_wr_out(&wr), NULL), CF_OK);
  return p;
}

static void test_quorum(void **state) {
  a_world_t       *a = a_life(74);
  tlog_t          *log = &a->w->log;
  cf_tlog_policy_t p = policy_of(a, "group pair all w1 w2\ngroup q all pair w3\nquorum q\n");
  ear_t           *e = ear_of(a, NULL, &p);
  uint64_t         t = a->w->now_s;
  round_at(e, t, PLACE, note_of(a->w, log, 6, 7));
  round_at(e, t + 1, PLACE, note_of(a->w, log, 7, 3));
  round_at(e, t + QUORUM_S, PLACE, note_of(a->w, log, 7, 3));
  only(e, CF_INCIDENT_QUORUM, 0); /* it may still come */
  round_at(e, t + 1 + QUORUM_S, PLACE, note_of(a->w, log, 7, 3));
  only(e, CF_INCIDENT_QUORUM, 1);
  assert_string_equal(e->last, "no quorum behind more than 6 of 7 entries: group q has 1 of 2, not w3");
  cf_monitor_begin(e->m, t + 60); /* another source has what lacks */
  note(e, WITNESS, note_of(a->w, log, 7, 4));
  note(e, PLACE, note_of(a->w, log, 7, 0));
  cf_monitor_end(e->m);
  assert_int_equal(e->over[CF_INCIDENT_QUORUM], 1);
  assert_int_equal(cf_monitor_open_count(e->m), 0);
  /* A log that grows, and is never cosigned again; each head is young. */
  for (unsigned i = 0; i < 4; i++) round_at(e, t + 100 + 20 * i, PLACE, note_of(a->w, log, 8 + i, i & 1 ? 4 : 0));
  only(e, CF_INCIDENT_QUORUM, 2);
  assert_string_equal(e->last, "no quorum behind more than 7 of 11 entries: group q has 1 of 2, not pair; group pair has 0 of 2, not w1 w2");
  round_at(e, t + 200, PLACE, note_of(a->w, log, 12, 7)); /* what is before it asks for no more */
  assert_int_equal(e->over[CF_INCIDENT_QUORUM], 2);
  round_at(e, t + 300, OTHER, note_of(a->w, log, 10, 0)); /* a mirror that lags */
  only(e, CF_INCIDENT_QUORUM, 2);
  /* A witness alone is not asked to show others' signatures; and what was heard is known in the next life. */
  ear_t *f = ear_of(a, e, &p);
  round_at(f, t + 400, WITNESS, note_of(a->w, log, 13, 1));
  only(f, CF_INCIDENT_QUORUM, 0);
  round_at(f, t + 401, PLACE, note_of(a->w, log, 12, 0));
  only(f, CF_INCIDENT_QUORUM, 0);
  round_at(f, t + 500, PLACE, note_of(a->w, log, 13, 0));
  only(f, CF_INCIDENT_QUORUM, 1);
  ear_free(e);
  ear_free(f);
  a_world_free(a);
}

static void test_no_quorum_asked(void **state) {
  a_world_t       *a = a_life(75);
  cf_tlog_policy_t none = policy_of(a, "quorum none\n"), one = policy_of(a, "quorum w4\n");
  for (unsigned i = 0; i < 3; i++) {
    ear_t *e = ear_of(a, NULL, i == 0 ? NULL : i == 1 ? &none : &one);
    round_at(e, a->w->now_s, PLACE, note_of(a->w, &a->w->log, 9, 7));
    round_at(e, a->w->now_s + 900, PLACE, note_of(a->w, &a->w->log, 9, 7));
    only(e, CF_INCIDENT_QUORUM, i == 2);
    if (i == 2) assert_string_equal(e->last, "no quorum behind more than 0 of 9 entries: witness w4 did not cosign");
    ear_free(e);
  }
  a_world_free(a);
}

/* ---- what audits find ---- */

static void test_stale_and_altered(void **state) {
  a_world_t *a = a_life(66);
  ear_t     *e = ear_new(a, NULL);
  cf_monitor_begin(e->m, a->w->now_s + STALE_S / 2);
  audit(e, PLACE, a->t);
  cf_monitor_end(e->m);
  only(e, CF_INCIDENT_STALE, 0);
  cf_monitor_begin(e->m, a->w->now_s + STALE_S + 1);
  audit(e, PLACE, a->t);
  cf_monitor_end(e->m);
  only(e, CF_INCIDENT_STALE, 1);
  cf_monitor_begin(e->m, a->w->now_s + STALE_S + 2);
  cf_monitor_unaudited(e->m, PLACE); /* it stands while nobody looks */
  cf_monitor_end(e->m);
  assert_int_equal(e->over[CF_INCIDENT_STALE], 0);
  cf_monitor_begin(e->m, a->w->now_s);
  tree_put(a->t, "stranger", CF_SPAN_LIT("x"));
  e->opened[CF_INCIDENT_STALE] = 0;
  audit(e, PLACE, a->t);
  cf_monitor_end(e->m);
  only(e, CF_INCIDENT_ALTERED, 1);
  assert_int_equal(e->over[CF_INCIDENT_STALE], 1);
  ear_free(e);
  a_world_free(a);
}

/* An enclave that came to life, and nobody certifies it. */
static void test_uncertified(void **state) {
  a_world_t *a = a_world_new(67);
  world_t   *w = a->w;
  uint8_t    vkey[CF_VKEY_TEXT_MAX + 1], none[4 + 4 + 2 * (8 + 4 + 1) + 1] = {0};
  cf_wr_t    wr = cf_wr_init(vkey, sizeof vkey);
  ear_t     *e;
  refound(a);
  log_deployment(a);
  cf_vkey_format(&wr, &w->witnesses.log);
  cf_wr_u8(&wr, '\n');
  tree_put(a->t, "log.vkey", cf_wr_out(&wr));
  enclave_start(w, false);
  assert_int_equal(ask(w, CF_MSG_BOOT, CF_SPAN(none, sizeof none)), CF_REFUSE_NONE);
  a_show(a);
  assert_int_equal(fence(w), CF_REFUSE_NONE);
  log_and_read(w, CF_SPAN(w->boot, w->boot_sz));
  put_note(a);
  e = ear_new(a, NULL);
  for (int late = 0; late < 2; late++) {
    cf_monitor_begin(e->m, w->now_s + (late ? GRACE_S + 1 : 0));
    audit(e, PLACE, a->t);
    cf_monitor_end(e->m);
    only(e, CF_INCIDENT_ENCLAVE, (unsigned)late);
  }
  ear_free(e);
  a_world_free(a);
}

static void e_measurement(cf_ear_t *e) { e->measurement[0] ^= 1; }

static void test_verdict(void **state) {
  a_world_t *a = a_world_new(68);
  a->twist_ear = e_measurement;
  a_world_begin(a);
  fund(a);
  (void)a_batch(a, NULL, 0);
  a_show(a);
  ear_t *e = ear_new(a, NULL);
  cf_monitor_begin(e->m, a->w->now_s);
  audit(e, PLACE, a->t);
  assert_true(e->opened[CF_INCIDENT_VERDICT] > 0);
  assert_true(e->opened[CF_INCIDENT_ENCLAVE] > 0); /* which rests on it, and counts and is registered all the same */
  assert_int_equal(e->opened[CF_INCIDENT_SETTLEMENT], 0);
  ear_free(e);
  a_world_free(a);
}

/* One verifier of three, which breaks nothing: the audit holds, and the monitor tells. */
static void test_one_lie(void **state) {
  a_world_t *a = a_world_new(74);
  a->twist_ear = e_measurement;
  a->one_lies = true;
  a_world_begin(a);
  fund(a);
  (void)a_batch(a, NULL, 0);
  a_show(a);
  ear_t *e = ear_new(a, NULL);
  cf_monitor_begin(e->m, a->w->now_s);
  audit(e, PLACE, a->t);
  only(e, CF_INCIDENT_VERDICT, 1);
  ear_free(e);
  a_world_free(a);
}

static void test_settlement(void **state) {
  a_world_t *a = a_world_new(69);
  a->hide_settlement = true;
  a_world_begin(a);
  fund(a);
  (void)a_batch(a, NULL, 0);
  a_window(a, 100);
  ear_t *e = ear_new(a, NULL);
  cf_monitor_begin(e->m, a->w->now_s);
  audit(e, PLACE, a->t);
  assert_true(e->opened[CF_INCIDENT_SETTLEMENT] > 0);
  e->opened[CF_INCIDENT_SETTLEMENT] = 0;
  only(e, CF_INCIDENT_SETTLEMENT, 0);
  ear_free(e);
  a_world_free(a);
}

/* An honest life, as it grows: nothing is ever told. */
static void test_quiet(void **state) {
  a_world_t *a = a_world_new(70);
  ear_t     *e = ear_new(a, NULL);
  a_world_begin(a);
  fund(a);
  for (int i = 0; i < 3; i++) {
    cf_monitor_begin(e->m, a->w->now_s);
    note(e, WITNESS, note_of(a->w, &a->w->log, a->w->log.size, 2));
    note(e, PLACE, CF_SPAN(tree_find(a->t, "log/checkpoint")->bytes, tree_find(a->t, "log/checkpoint")->len));
    audit(e, PLACE, a->t);
    cf_audit_reader_t tree = tree_reader(a->t);
    assert_int_equal(cf_monitor_compare(e->m, PLACE, &tree, note_of(a->w, &a->w->log, a->w->log.size, 0)), CF_OK);
    cf_monitor_end(e->m);
    if (i < 2) a_window(a, 10);
  }
  only(e, CF_INCIDENT_FORK, 0);
  ear_free(e);
  a_world_free(a);
}

/* ---- what it keeps ---- */

static cf_status_t recall(a_world_t *a, cf_span_t records, size_t *good) {
  ear_t      *e = ear_new(a, NULL);
  cf_status_t st = cf_monitor_recall(e->m, records, good, NULL);
  ear_free(e);
  return st;
}

/* The power may go at any byte: what was acknowledged is there, and the rest is cut off. */
static void test_power_cut(void **state) {
  a_world_t *a = a_life(71);
  ear_t     *e = ear_new(a, NULL);
  size_t     end[4] = {0}, good;
  uint8_t    torn[sizeof e->seen / 64];
  cf_monitor_begin(e->m, a->w->now_s);
  for (size_t i = 1; i < 4; i++) {
    note(e, PLACE, note_of(a->w, &a->w->log, 6 + i, 1));
    end[i] = e->seen_sz;
  }
  note(e, PLACE, note_of(a->w, &a->w->log, 9, 1)); /* known already */
  assert_int_equal(e->seen_sz, end[3]);
  assert_true(end[3] < sizeof torn);
  for (size_t cut = 0; cut <= end[3]; cut += 5) {
    size_t whole = 0;
    for (size_t i = 1; i < 4; i++)
      if (end[i] <= cut) whole = end[i];
    assert_int_equal(recall(a, CF_SPAN(e->seen, cut), &good), CF_OK);
    assert_int_equal(good, whole);
    /* ... or the file has its new length, and zeros for what did not come */
    size_t len = cut <= end[1] ? end[1] : cut <= end[2] ? end[2] : end[3];
    memset(torn, 0, sizeof torn);
    memcpy(torn, e->seen, cut);
    assert_int_equal(recall(a, CF_SPAN(torn, len), &good), CF_OK);
    assert_true(good == whole || good == len);
  }
  /* What was acknowledged and is another by now is not taken for a crash. */
  for (size_t at = 0; at < end[2]; at += 17) {
    memcpy(torn, e->seen, end[3]);
    torn[at] ^= 1;
    cf_status_t st = recall(a, CF_SPAN(torn, end[3]), &good);
    assert_true(st == CF_ERR_AUTH || (st == CF_OK && good < end[3])); /* a length that leads behind the end looks like a cut */
    if (at % (end[1] ? end[1] : 1) >= 4) assert_int_equal(st, CF_ERR_AUTH);
  }
  ear_free(e);
  a_world_free(a);
}

/* What could not be kept is not told, and is heard anew. */
static void test_disk_full(void **state) {
  a_world_t *a = a_life(72);
  tlog_t    *other = other_log(a, 3);
  ear_t     *e = ear_new(a, NULL);
  cf_monitor_begin(e->m, a->w->now_s);
  note(e, PLACE, note_of(a->w, &a->w->log, 10, 1));
  e->fails_at = e->appends + 1;
  assert_int_equal(cf_monitor_note(e->m, OTHER, note_of(a->w, other, 10, 2)), CF_ERR_IO);
  only(e, CF_INCIDENT_FORK, 0);
  note(e, OTHER, note_of(a->w, other, 10, 2));
  only(e, CF_INCIDENT_FORK, 1);
  ear_free(e);
  free(other);
  a_world_free(a);
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_fork_of_one_size), cmocka_unit_test(test_fork_of_two_sizes), cmocka_unit_test(test_fork_by_audit),
      cmocka_unit_test(test_rollback), cmocka_unit_test(test_behind_its_witness),         cmocka_unit_test(test_lie_and_silence),   cmocka_unit_test(test_stale_and_altered),
      cmocka_unit_test(test_uncertified),      cmocka_unit_test(test_verdict),           cmocka_unit_test(test_settlement),
      cmocka_unit_test(test_one_lie),          cmocka_unit_test(test_quorum),            cmocka_unit_test(test_no_quorum_asked),
      cmocka_unit_test(test_quiet),            cmocka_unit_test(test_power_cut),         cmocka_unit_test(test_disk_full),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
