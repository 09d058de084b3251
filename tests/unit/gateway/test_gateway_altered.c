// link: enclave session workload translog ledger
/* The gateway's own files and rows, altered while it did not run: refused by name, or of no consequence. */
#include "party.h"

#include "gateway/cf_gateway_state.h"

static town_t *
serving_town(uint64_t seed, party_t *p, size_t n) {
  town_t *t = town_new(seed, true);
  assert_true(town_serves(t, 20000));
  for (uint32_t i = 0; i < n; i++) party_init(t, &p[i], i + 1);
  fund(t, p, n, 1000);
  town_run(t, 20000);
  return t;
}

static void
must_stop(town_t *t, char const *what, size_t at) {
  town_halt(t);
  town_boot(t);
  if (!t->exited || t->exit_code != 1) fail_msg("%s at %zu: not refused", what, at);
}

/* ---- the store ---- */

static cf_span_t
flipped(cf_span_t s, size_t at) {
  uint8_t *copy = malloc(s.len);
  memcpy(copy, s.ptr, s.len);
  copy[at] ^= 1;
  cf_span_t out = keep(CF_SPAN(copy, s.len));
  free(copy);
  return out;
}

/* Two envelopes that were promised: a bit of a row, a row that is gone. */
static void
test_promises(void **state) {
  party_t   p[2];
  cf_span_t env[2];
  town_t   *t = serving_town(61, p, 2);
  env[0]      = pay(t, &p[0], 2, 300);
  env[1]      = pay(t, &p[1], 1, 500);
  enclave_end(t->w);
  (void)post(t, env, 2);
  town_run(t, 100);
  assert_int_equal(store_rows(t, CF_STORE_PROMISE), 2);
  for (size_t r = 0; r < t->rows; r++) {
    row_t const was = t->row[r];
    if (was.kind != CF_STORE_ENVELOPE && was.kind != CF_STORE_PROMISE) continue;
    for (size_t at = 0; at < was.value.len; at += was.value.len / 24 + 1) {
      t->row[r].value = flipped(was.value, at);
      must_stop(t, was.kind == CF_STORE_ENVELOPE ? "an envelope" : "a promise", at);
    }
    t->row[r] = was;
    t->row[r].key = flipped(was.key, 3);
    must_stop(t, "a row's key", r);
    t->row[r]      = was;
    t->row[r].kind = CF_STORE_FEE; /* as if it were not there */
    must_stop(t, "a row that is gone", r);
    t->row[r] = was;
  }
  town_restart(t, true);
  assert_true(town_serves(t, 30000));
  town_run(t, 2000);
  assert_int_equal(get(t, "receipts", env[0])->code, 200);
  town_free(t);
}

/* A verifier's statement is asked for again. */
static void
test_statements(void **state) {
  party_t p[1];
  town_t *t = serving_town(62, p, 1);
  size_t  cnt = 0;
  for (size_t r = 0; r < t->rows; r++) {
    if (t->row[r].kind != CF_STORE_META) continue;
    t->row[r].value = flipped(t->row[r].value, t->row[r].value.len - 5);
    cnt++;
  }
  assert_true(cnt > 0);
  town_restart(t, true);
  assert_true(town_serves(t, 30000));
  town_free(t);
}

/* ---- results ---- */

static void
test_results(void **state) {
  party_t   p[2];
  cf_span_t env[2];
  town_t   *t = serving_town(63, p, 2);
  char      lost[200];
  env[0]      = pay(t, &p[0], 2, 300);
  env[1]      = pay(t, &p[1], 1, 500);
  (void)post_and_wait(t, env, 2);
  town_run(t, 20000);
  file_t *first = file_find(&t->disk, CF_SPAN_LIT("gateway/results/00000000000000000001"));
  assert_non_null(first);
  assert_non_null(file_find(&t->disk, CF_SPAN_LIT("gateway/results/00000000000000000002")));
  for (size_t at = 0; at < first->len; at += first->len / 40 + 1) {
    first->bytes[at] ^= 4;
    must_stop(t, "results", at);
    first->bytes[at] ^= 4;
    size_t len = first->len;
    first->len = at;
    must_stop(t, "results, cut", at);
    first->len = len;
  }
  snprintf(lost, sizeof lost, "%s.lost", first->name);
  first->name[0] = 'G'; /* elsewhere */
  must_stop(t, "results that are gone", 0);
  file_put(&t->disk, CF_SPAN(lost, strlen(lost)), CF_SPAN("", 0), false);
  town_restart(t, true);
  assert_true(town_serves(t, 30000));
  file_remove(&t->disk, CF_SPAN(lost, strlen(lost)));
  file_find(&t->disk, CF_SPAN_LIT("Gateway/results/00000000000000000001"))->name[0] = 'g';
  town_restart(t, true);
  assert_true(town_serves(t, 30000));
  assert_true(check_results(t, env[0]) >= 1);
  town_free(t);
}

/* ---- the log's first entries ---- */

static void
test_deployment(void **state) {
  party_t p[1];
  town_t *t = serving_town(64, p, 1);
  t->deployment[t->deployment_sz - 1] ^= 1; /* the wrapper's signature: the governors' still holds */
  must_stop(t, "another deployment than the log's", 0);
  t->deployment[t->deployment_sz - 1] ^= 1;
  town_restart(t, true);
  assert_true(town_serves(t, 30000));
  town_free(t);
}

/* ---- notes ---- */

/* Every receipt in the log is by its epoch's key. */
static void
check_signatures(town_t *t) {
  static log_t l;
  log_read(t, &l);
  for (size_t i = 0; i < l.cnt; i++) {
    cf_receipt_t doc;
    cf_sign1_t   s;
    bool         good = false;
    if (cf_document_open(&doc, &s, &cf_receipt_table, l.entry[i], NULL)) continue;
    for (size_t b = 0; b < t->g->history.boots_cnt; b++)
      good |= t->g->history.boots[b].index == doc.epoch && !cf_sign1_verify(&s, &t->g->history.boots[b].receipt);
    assert_true(good);
  }
}

/* The power fails behind the journal's append: what is to be logged is known from the note alone.  It is altered at a place, for each of many.
   With the chunk's check as it was, it is an append that a crash cut short, and never was; with a check of its own, it is refused. */
static void
altered_notes(bool checked) {
  size_t served = 0, stopped = 0;
  for (size_t place = 0; place < 24; place++) {
    party_t   p[2];
    cf_span_t env[2];
    town_t   *t = serving_town(65, p, 2);
    file_t   *journal = NULL;
    for (size_t i = 0; i < t->disk.cnt; i++)
      if (!strncmp(t->disk.at[i].name, "enclave/journal-", 16) && (!journal || strcmp(t->disk.at[i].name, journal->name) > 0)) journal = &t->disk.at[i];
    assert_non_null(journal);
    size_t before   = journal->len;
    env[0]          = pay(t, &p[0], 2, 300);
    env[1]          = pay(t, &p[1], 1, 500);
    t->durable_left = 1;
    (void)post(t, env, 2);
    town_run(t, 500);
    assert_true(t->dead && journal->len > before);
    t->durable_left = SIZE_MAX;
    cf_rd_t    rd   = cf_rd_init(journal->bytes + before, journal->len - before);
    cf_chunk_t chunk;
    assert_true(cf_chunk_next(&rd, &chunk));
    size_t from = (size_t)(chunk.note.ptr - journal->bytes), at = from + place * (chunk.note.len - 1) / 23;
    journal->bytes[at] ^= 1;
    if (checked) {
      cf_rd_t   head = cf_rd_init(journal->bytes + before, 4);
      cf_hash_t h    = cf_sha256(CF_SPAN(journal->bytes + before + 12, cf_rd_u32(&head)));
      memcpy(journal->bytes + before + 4, h.b, 8);
    }
    town_restart(t, true);
    bool serves = town_serves(t, 5000);
    served += serves;
    stopped += !serves;
    if (!serves && !t->exited) assert_int_equal(t->g->halted, CF_REFUSE_JOURNAL);
    check_signatures(t);
    town_free(t);
  }
  assert_int_equal(served, checked ? 0 : 24);
  assert_int_equal(stopped, checked ? 24 : 0);
}

static void test_notes(void **state) { altered_notes(true); }
static void test_notes_torn(void **state) { altered_notes(false); }

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_promises), cmocka_unit_test(test_statements), cmocka_unit_test(test_results),
                                      cmocka_unit_test(test_deployment), cmocka_unit_test(test_notes),
                                      cmocka_unit_test(test_notes_torn) };
  return cmocka_run_group_tests(tests, setup, teardown);
}
