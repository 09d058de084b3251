// link: ledger session translog
/* Process lives: what comes back from the disk, what must not, and what two of them do to each other.  PROTOCOL P3, P6, P7, P12.
 */
#include "life.h"

#include <string.h>

/* ---- disks ---- */

typedef struct { uint8_t *snapshot, *journal[8]; size_t snapshot_sz, journal_sz[8]; uint64_t files, first; } disk_t;

static disk_t
disk_copy(world_t const *w) {
  disk_t d = { .snapshot = malloc(w->snapshot_sz), .snapshot_sz = w->snapshot_sz, .files = w->files, .first = w->first_file };
  memcpy(d.snapshot, w->snapshot, w->snapshot_sz);
  for (int i = 0; i < 8; i++) {
    d.journal[i] = malloc(w->journal_sz[i] + 1);
    memcpy(d.journal[i], w->journal[i], d.journal_sz[i] = w->journal_sz[i]);
  }
  return d;
}

static void
disk_put(world_t *w, disk_t const *d) {
  memcpy(w->snapshot, d->snapshot, w->snapshot_sz = d->snapshot_sz);
  for (int i = 0; i < 8; i++) memcpy(w->journal[i], d->journal[i], w->journal_sz[i] = d->journal_sz[i]);
  w->files      = d->files;
  w->first_file = d->first;
}

static void
disk_free(disk_t *d) {
  free(d->snapshot);
  for (int i = 0; i < 8; i++) free(d->journal[i]);
}

static cf_refuse_t
send_journal(world_t *w, bool last, uint64_t file, uint64_t offset, cf_span_t bytes) {
  uint8_t *buf = malloc(bytes.len + 17);
  cf_wr_t  wr  = cf_wr_init(buf, bytes.len + 17);
  cf_wr_u8(&wr, last);
  cf_wr_u64(&wr, file);
  cf_wr_u64(&wr, offset);
  cf_wr_span(&wr, bytes);
  cf_refuse_t r = ask(w, CF_MSG_JOURNAL, cf_wr_out(&wr));
  free(buf);
  return r;
}

typedef struct { uint64_t sequence, records; bool torn; } journal_answer_t;
static journal_answer_t
journal_answer(world_t *w) {
  cf_rd_t          rd = cf_rd_span(w->body);
  journal_answer_t a  = { .sequence = cf_rd_u64(&rd) };
  a.torn              = cf_rd_u8(&rd) != 0;
  a.records           = cf_rd_u64(&rd);
  assert_true(cf_rd_done(&rd));
  return a;
}

/* Two enclaves of one world, of which the world plays one at a time. */
typedef struct { cf_enclave_t *e; void *mem; size_t mem_sz; uint64_t fed, messages; } life_t;
static life_t
life_out(world_t *w) {
  life_t l = { w->e, w->mem, w->mem_sz, w->fed, w->view_messages };
  w->e     = NULL;
  return l;
}
static void
life_in(world_t *w, life_t const *l) {
  w->e             = l->e;
  w->mem           = l->mem;
  w->mem_sz        = l->mem_sz;
  w->fed           = l->fed;
  w->view_messages = l->messages;
}

/* ---- epochs and sessions over a restart ---- */

/* An old sealing key opens for grace seconds after the new epoch's first batch, in replay as it did then. */
static void
test_grace_over_a_restart(void **state) {
  party_t     p[2];
  batch_t     b;
  cf_span_t   env[2];
  cf_result_t r[8];
  world_t    *w = serving(40, p, 2);
  env[0]        = obligation(w, &p[0], 2, 0, 10);
  one_batch(w, env, 1, &b);
  w->now_s += 500; /* nothing happens for a while */
  restart(w);
  p[0].stays = true;
  env[0]     = obligation(w, &p[0], 2, 0, 11);
  one_batch(w, env, 1, &b);
  assert_int_equal(b.refused_cnt, 0);
  assert_int_equal(ledger_wait(w, 60), CF_REFUSE_NONE); /* its last second */
  env[0] = obligation(w, &p[0], 2, 0, 12);
  env[1] = obligation(w, &p[1], 1, 0, 13); /* in a session of the new epoch */
  one_batch(w, env, 2, &b);
  assert_int_equal(b.refused_cnt, 0);
  assert_int_equal(ledger_wait(w, 1), CF_REFUSE_NONE);
  env[0] = obligation(w, &p[0], 2, 0, 14);
  one_batch(w, env, 1, &b);
  assert_int_equal(b.refused_cnt, 1);
  assert_int_equal(b.refused_class[0], CF_REFUSE_EPOCH);
  idle(w, 1);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  unsigned n = read_results(w, &p[0], r, 8); /* its session is gone: what came after is sealed to its result key */
  assert_true(n >= 3 && r[n - 1].class == CF_RESULT_NOTICE);
  restart(w); /* replays all of it */
  assert_int_equal(read_status(w).sequence, b.doc.sequence + 1);
  assert_int_equal(take_snapshot(w), CF_REFUSE_NONE); /* before the epoch's first batch */
  idle(w, 1);
  assert_int_equal(ledger_wait(w, 100), CF_REFUSE_NONE);
  p[0].stays = false;
  env[0]     = obligation(w, &p[0], 2, 0, 15);
  one_batch(w, env, 1, &b);
  assert_int_equal(b.refused_cnt, 0);
  restart(w);
  world_free(w);
}

static void
test_nothing_is_executed_twice(void **state) {
  party_t   p[1];
  batch_t   b;
  uint8_t   buf[64];
  world_t  *w     = serving(41, p, 1);
  cf_span_t in = input_of(buf, CF_CLEARING_WITHDRAWAL, 0, 0, 1), first = sealed(w, &p[0], 1, in), next = sealed(w, &p[0], 2, in);
  cf_span_t env[] = { first, next };
  one_batch(w, env, 2, &b);
  restart(w);
  one_batch(w, env, 2, &b);
  assert_int_equal(b.refused_cnt, 2);
  assert_int_equal(b.refused_class[0], CF_REFUSE_REPLAYED);
  assert_int_equal(b.refused_class[1], CF_REFUSE_REPLAYED);
  assert_int_equal(b.doc.inputs, 0);
  world_free(w);
}

static void
tune_few_sessions(cf_policy_t *p, cf_clearing_params_t *c, cf_configuration_t *conf) {
  conf->sessions_max = 2;
}

/* What a party is told when its session has expired is sealed to its result key. */
static void
test_after_a_session_expired(void **state) {
  party_t     p[2];
  cf_result_t r[8];
  world_t    *w = serving(57, p, 2);
  p[0].expiry_s = w->now_s + 30;
  net(w, p, 10, 20);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(read_results(w, &p[0], r, 8), 1);
  assert_int_equal(by_result_key, 0);
  assert_int_equal(ledger_wait(w, 31), CF_REFUSE_NONE);
  batch_t   b;
  cf_span_t env = obligation(w, &p[0], 2, 0, 10);
  one_batch(w, &env, 1, &b); /* the window's notice, and a refusal of what came too late */
  assert_int_equal(b.refused_cnt, 0);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(read_results(w, &p[0], r, 8), 2);
  assert_int_equal(by_result_key, 2);
  assert_int_equal(r[0].class, CF_RESULT_NOTICE);
  assert_int_equal(r[1].class, CF_RESULT_EXPIRED);
  assert_int_equal(read_results(w, &p[1], r, 8), 1);
  assert_int_equal(by_result_key, 0);
  world_free(w);
}

/* An id is used up whatever its opening was worth; ids and sessions go with their epoch. */
static void
test_session_ids(void **state) {
  party_t   p[3];
  batch_t   b;
  world_tune = tune_few_sessions;
  world_t *w = serving(42, p, 3);
  p[0].expiry_s = w->now_s - 10;
  cf_span_t late = obligation(w, &p[0], 2, 0, 1);
  one_batch(w, &late, 1, &b);
  assert_int_equal(b.refused_cnt, 0); /* told in its sealed result */
  one_batch(w, &late, 1, &b);
  assert_int_equal(b.refused_class[0], CF_REFUSE_REPLAYED);
  assert_int_equal(b.doc.inputs, 0);
  cf_span_t after = obligation(w, &p[0], 2, 0, 1); /* goes on as if it had been opened */
  one_batch(w, &after, 1, &b);
  assert_int_equal(b.refused_class[0], CF_REFUSE_SESSION_UNKNOWN);
  cf_span_t env[2] = { obligation(w, &p[1], 1, 0, 1), obligation(w, &p[2], 1, 0, 1) };
  one_batch(w, env, 2, &b);
  assert_int_equal(b.refused_cnt, 1); /* the table is full */
  assert_int_equal(b.refused_class[0], CF_REFUSE_BUSY);
  w->now_s += 100;
  restart(w);
  idle(w, 1);
  assert_int_equal(ledger_wait(w, 61), CF_REFUSE_NONE);
  memset(&p[2].session, 0, sizeof p[2].session);
  env[0] = obligation(w, &p[2], 1, 0, 1);
  one_batch(w, env, 1, &b);
  assert_int_equal(b.refused_cnt, 0);
  one_batch(w, &late, 1, &b);
  assert_int_equal(b.refused_class[0], CF_REFUSE_EPOCH);
  world_tune = NULL;
  world_free(w);
}

/* An account's order numbers: refused inputs use theirs up, and no session is a fresh start. */
static void
test_order_numbers(void **state) {
  static struct { uint64_t order, amount; uint8_t class;
  } const rows[] = {
      {5, 2000, CF_RESULT_CREDIT},
      {5, 1, CF_RESULT_DUPLICATE},
      {200, 1, CF_RESULT_ACCEPTED},
      {72, 1, CF_RESULT_ACCEPTED},
      {71, 1, CF_RESULT_TOO_OLD},
      {0, 1, CF_RESULT_TOO_OLD},
      {200 + (1ULL << 32) + 1, 1, CF_RESULT_JUMP},
  };
  party_t  p[1];
  world_t *w = serving(43, p, 1);
  for (size_t i = 0; i < CF_COUNT_OF(rows); i++) {
    batch_t     b;
    uint8_t     buf[64];
    cf_result_t r[4];
    memset(&p[0].session, 0, sizeof p[0].session); /* a new session for each */
    cf_span_t env = sealed(w, &p[0], rows[i].order, input_of(buf, CF_CLEARING_WITHDRAWAL, 0, 0, rows[i].amount));
    one_batch(w, &env, 1, &b);
    assert_int_equal(b.doc.inputs, 1);
    assert_int_equal(show(w), CF_REFUSE_NONE);
    unsigned n = read_results(w, &p[0], r, 4);
    assert_true(n >= 1);
    assert_int_equal(r[n - 1].class, rows[i].class);
    if (i == 2) restart(w); /* they live on */
  }
  world_free(w);
}

/* ---- what is let out, again ---- */

static void
test_released_once_asked_again_forgotten(void **state) {
  uint8_t const all = 4;
  party_t       p[2];
  world_t      *w = serving(44, p, 2);
  net(w, p, 10, 20);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_RESULTS, NULL), 1);
  assert_int_equal(ask(w, CF_MSG_READ, CF_SPAN(&all, 1)), CF_REFUSE_NONE);
  assert_int_equal(released_in(w->body, 0, CF_RELEASE_RESULTS, NULL), 1);
  idle(w, 2); /* the window, and its intent: not shown yet */
  assert_int_equal(ask(w, CF_MSG_READ, CF_SPAN(&all, 1)), CF_REFUSE_NONE);
  assert_int_equal(released_in(w->body, 0, CF_RELEASE_RESULTS, NULL), 1); /* only what was let out */
  assert_int_equal(released_in(w->body, 0, CF_RELEASE_SETTLEMENT, NULL), 0);
  assert_int_equal(take_snapshot(w), CF_REFUSE_NONE);
  assert_int_equal(ask(w, CF_MSG_READ, CF_SPAN(&all, 1)), CF_REFUSE_NONE);
  assert_int_equal(released_in(w->body, 0, CF_RELEASE_RESULTS, NULL), 0);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_RESULTS, NULL), 1);
  assert_int_equal(released(w, CF_RELEASE_SETTLEMENT, NULL), 1);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(ask(w, CF_MSG_READ, CF_SPAN(&all, 1)), CF_REFUSE_NONE);
    assert_int_equal(released_in(w->body, 0, CF_RELEASE_SETTLEMENT, NULL), 1); /* until it is executed */
  }
  restart(w);
  world_free(w);
}

/* An answer without room lets out what fits, whole results each, and the next lets out the rest. */
static void
test_a_small_answer(void **state) {
  party_t   p[2];
  cf_span_t item;
  world_t  *w = serving(45, p, 2);
  net(w, p, 10, 20);
  uint8_t  request[64], small[900];
  uint64_t size = w->log.size;
  uint32_t got  = 0;
  for (int i = 0; i < 2; i++) {
    cf_span_t note  = note_of(w, &w->log, size, 15);
    uint8_t  *buf   = malloc(1 << 20);
    cf_wr_t   wr    = cf_wr_init(buf, 1 << 20), answer = cf_wr_init(small, sizeof small);
    cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
    cf_wr_u8(&wr, CF_MSG_SHOW_LOG);
    cf_wr_u64(&wr, w->fed);
    cf_wr_u32(&wr, (uint32_t)(size - w->fed));
    for (; w->fed < size; w->fed++) {
      cf_wr_u16(&wr, (uint16_t)w->log.entry[w->fed].len);
      cf_wr_span(&wr, w->log.entry[w->fed]);
    }
    w_span(&wr, note);
    cf_enclave_ask(w->e, wr.buf, wr.len, &answer);
    free(buf);
    assert_int_equal(small[2], CF_REFUSE_NONE);
    assert_int_equal(released_in(CF_SPAN(small + 3, answer.len - 3), 1, CF_RELEASE_RESULTS, &item), 1);
    cf_rd_t rd = cf_rd_span(item);
    assert_int_equal(cf_rd_u32(&rd), 1);
    (void)cf_rd_take(&rd, 32);
    assert_int_equal(cf_rd_u32(&rd), got++);
  }
  /* asked for again without room, it is not lost */
  cf_wr_t answer = cf_wr_init(small, sizeof small);
  request[0] = CF_BOUNDARY_VERSION, request[1] = CF_MSG_READ, request[2] = 4;
  cf_enclave_ask(w->e, request, 3, &answer);
  assert_int_equal(small[2], CF_REFUSE_NONE);
  assert_int_equal(released_in(CF_SPAN(small + 3, answer.len - 3), 0, CF_RELEASE_RESULTS, NULL), 1);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_RESULTS, NULL), 1);
  world_free(w);
}

/* Results that may not leave yet have a bound; a batch that might pass it is refused, and replay needs no more room. */
static void
test_busy_until_results_leave(void **state) {
  static cf_span_t receipts[1000];
  party_t     p[2];
  batch_t     b;
  cf_refuse_t r = CF_REFUSE_NONE;
  size_t      n = 0;
  world_t    *w = serving(56, p, 2);
  cf_span_t   env[64];
  while (n < CF_COUNT_OF(receipts)) {
    uint8_t buf[64];
    for (int i = 0; i < 64; i++) env[i] = sealed(w, &p[0], ++p[0].order, input_of(buf, CF_CLEARING_WITHDRAWAL, 0, 9, 1));
    if ((r = batch(w, env, 64, &b))) break;
    receipts[n++] = b.receipt;
  }
  assert_int_equal(r, CF_REFUSE_BUSY);
  assert_true(n > 2);
  for (size_t i = 0; i < n; i++) log_and_read(w, receipts[i]);
  assert_int_equal(ledger_wait(w, 1), CF_REFUSE_NONE); /* a view waits meanwhile */
  assert_int_equal(batch(w, env, 64, &b), CF_REFUSE_BUSY);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(released(w, CF_RELEASE_RESULTS, NULL), n);
  one_batch(w, env, 64, &b);
  idle(w, 3);
  restart(w);
  idle(w, 1);
  world_free(w);
}

/* ---- boots ---- */

static void
test_fence_again(void **state) {
  world_t *w = world_new(46, false);
  uint8_t  first[2048];
  enclave_start(w, false);
  uint8_t none[4 + 4 + 2 * (8 + 4 + 1) + 1] = { 0 };
  assert_int_equal(ask(w, CF_MSG_BOOT, CF_SPAN(none, sizeof none)), CF_REFUSE_NONE);
  assert_int_equal(fence(w), CF_REFUSE_PROOF); /* not fed yet */
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(fence(w), CF_REFUSE_NONE);
  size_t n = w->boot_sz;
  memcpy(first, w->boot, n);
  assert_int_equal(fence(w), CF_REFUSE_NONE); /* the gateway died before it was logged */
  assert_int_equal(w->boot_sz, n);
  assert_memory_equal(w->boot, first, n);
  certify(w);
  assert_int_equal(fence(w), CF_REFUSE_PHASE);
  idle(w, 2);
  restart(w);
  world_free(w);
}

/* A boot entry that was never certified binds nobody: the next instance goes on from the same journal. */
static void
test_after_an_uncertified_boot(void **state) {
  party_t  p[2];
  batch_t  b;
  world_t *w = serving(47, p, 2);
  net(w, p, 10, 20);
  assert_int_equal(batch(w, NULL, 0, &b), CF_REFUSE_NONE);
  cf_span_t lost = b.receipt;
  for (int i = 0; i < 2; i++) {
    enclave_end(w);
    assert_int_equal(reopen(w, w->files), CF_REFUSE_NONE);
    assert_int_equal(show(w), CF_REFUSE_NONE);
    assert_int_equal(fence(w), CF_REFUSE_NONE);
    log_and_read(w, CF_SPAN(w->boot, w->boot_sz));
    assert_int_equal(show(w), CF_REFUSE_NONE);
  }
  restart(w);
  assert_int_equal(w->files, 4);
  log_and_read(w, lost);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  idle(w, 1);
  assert_int_equal(w->history.sequence, b.doc.sequence + 1);
  world_free(w);
}

/* Two instances in a row, neither with a snapshot of its own: their files are read one after the other, and in no other way. */
static void
test_two_journal_files(void **state) {
  party_t  p[2];
  world_t *w = serving(48, p, 2);
  net(w, p, 10, 20);
  restart(w);
  net(w, p, 30, 20);
  idle(w, 2);
  disk_t d = disk_copy(w);
  restart(w);
  enclave_end(w);
  struct { char const *name; uint64_t file[3]; cf_refuse_t want; } const rows[] = {
    { "the second before the first", { 2, 1 }, CF_REFUSE_JOURNAL },
    { "the first twice", { 1, 1 }, CF_REFUSE_JOURNAL },
    { "the second alone", { 2 }, CF_REFUSE_JOURNAL },
    { "both", { 1, 2 }, CF_REFUSE_NONE },
  };
  disk_put(w, &d);
  for (size_t i = 0; i < CF_COUNT_OF(rows); i++) {
    assert_int_equal(reopen(w, 0), CF_REFUSE_NONE);
    cf_refuse_t r = CF_REFUSE_NONE;
    for (int k = 0; rows[i].file[k] && !r; k++)
      r = send_journal(w, false, rows[i].file[k], 0, CF_SPAN(w->journal[rows[i].file[k]], w->journal_sz[rows[i].file[k]]));
    assert_int_equal(r, rows[i].want);
    enclave_end(w);
  }
  /* a whole record less at the end of the first: the second goes on from another place */
  size_t at = CF_JOURNAL_HEADER_SZ, last = at;
  while (at < w->journal_sz[1]) {
    last = at;
    cf_rd_t rd = cf_rd_init(w->journal[1] + at, 4);
    at += 4 + cf_rd_u32(&rd);
  }
  w->journal_sz[1] = last;
  assert_int_equal(reopen(w, w->files), CF_REFUSE_JOURNAL);
  disk_free(&d);
  world_free(w);
}

/* A file goes on from one other, even where that holds no record. */
static void
test_a_file_of_another_life(void **state) {
  party_t  p[2];
  world_t *w = serving(58, p, 2);
  for (uint64_t file = 1; file <= 3; file++) { /* 2, then 3 behind it, then another 2 */
    enclave_end(w);
    assert_int_equal(reopen(w, file == 3 ? 1 : file), CF_REFUSE_NONE);
    assert_int_equal(show(w), CF_REFUSE_NONE);
    assert_int_equal(fence(w), CF_REFUSE_NONE);
  }
  assert_int_equal(w->files, 2);
  enclave_end(w);
  assert_int_equal(reopen(w, 3), CF_REFUSE_JOURNAL);
  enclave_end(w);
  assert_int_equal(reopen(w, 2), CF_REFUSE_NONE);
  world_free(w);
}

/* The last record, cut or changed at every byte: never believed, and nothing before it is lost. */
static void
test_a_torn_tail(void **state) {
  party_t  p[2];
  batch_t  b;
  world_t *w = serving(49, p, 2);
  size_t   before = w->journal_sz[w->files];
  net(w, p, 10, 20);
  size_t    after = w->journal_sz[w->files];
  uint8_t  *file  = w->journal[w->files], *copy = malloc(after - before);
  cf_span_t head  = CF_SPAN(file, before);
  enclave_end(w);
  assert_int_equal(reopen(w, 0), CF_REFUSE_NONE);
  assert_int_equal(send_journal(w, false, w->files, 0, head), CF_REFUSE_NONE);
  assert_int_equal(journal_answer(w).sequence, 1);
  for (size_t n = 1; n < after - before; n++) {
    assert_int_equal(send_journal(w, false, w->files, before, CF_SPAN(file + before, n)), CF_REFUSE_NONE);
    journal_answer_t a = journal_answer(w);
    assert_true(a.torn && a.sequence == 1 && a.records == 0);
  }
  for (size_t n = 4; n < after - before; n++) {
    memcpy(copy, file + before, after - before);
    copy[n] ^= (uint8_t)(1 << (n & 7));
    assert_int_equal(send_journal(w, false, w->files, before, CF_SPAN(copy, after - before)), CF_REFUSE_NONE);
    assert_true(journal_answer(w).torn && journal_answer(w).sequence == 1);
  }
  assert_int_equal(send_journal(w, false, w->files, before, CF_SPAN(file + before, after - before)), CF_REFUSE_NONE);
  assert_int_equal(journal_answer(w).sequence, 2);
  assert_int_equal(send_journal(w, true, 0, 0, CF_SPAN(NULL, 0)), CF_REFUSE_NONE);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(fence(w), CF_REFUSE_NONE);
  free(copy);
  certify(w);
  one_batch(w, NULL, 0, &b);
  world_free(w);
}

/* Any byte of snapshot, or of journal before its last record, changed: refused, or found to be rolled back. */
static void
test_changed_files(void **state) {
  party_t  p[2];
  world_t *w = serving(50, p, 2);
  net(w, p, 10, 20);
  idle(w, 1);
  assert_int_equal(take_snapshot(w), CF_REFUSE_NONE);
  idle(w, 2);
  enclave_end(w);
  w->journal[w->files][CF_JOURNAL_HEADER_SZ + 10] ^= 1; /* the first record of two: no torn tail */
  assert_int_equal(reopen(w, w->files), CF_REFUSE_JOURNAL);
  w->journal[w->files][CF_JOURNAL_HEADER_SZ + 10] ^= 1;
  enclave_end(w);
  for (int journal = 0; journal < 2; journal++) {
    uint8_t *at = journal ? w->journal[w->files] : w->snapshot;
    size_t   n  = journal ? w->journal_sz[w->files] : w->snapshot_sz;
    for (size_t i = 0; i < n; i += i < CF_JOURNAL_HEADER_SZ + 8 ? 1 : 131) {
      at[i] ^= (uint8_t)(1 << (i & 7));
      cf_refuse_t r = reopen(w, w->files);
      if (!r) r = show(w);
      assert_true(r == CF_REFUSE_ROOT || r == CF_REFUSE_JOURNAL || r == CF_REFUSE_ROLLED_BACK || r == CF_REFUSE_MALFORMED);
      at[i] ^= (uint8_t)(1 << (i & 7));
      enclave_end(w);
    }
  }
  restart(w);
  world_free(w);
}

/* ---- twins ---- */

/* A copy of the disk without the last record was booted and certified between our boot entry's making and its place in the log:
   what we hold beyond its tip is nobody's any more. */
static void
test_overtaken_before_the_boot_entry(void **state) {
  party_t  p[2];
  batch_t  b;
  world_t *w = serving(51, p, 2);
  disk_t   older = disk_copy(w);
  assert_int_equal(batch(w, NULL, 0, &b), CF_REFUSE_NONE);
  enclave_end(w);
  assert_int_equal(reopen(w, w->files), CF_REFUSE_NONE);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(fence(w), CF_REFUSE_NONE);
  cf_span_t boot = keep(CF_SPAN(w->boot, w->boot_sz));
  life_t    ours = life_out(w);
  disk_put(w, &older);
  restart(w);
  enclave_end(w);
  life_in(w, &ours);
  log_and_read(w, boot);
  assert_int_equal(show(w), CF_REFUSE_TIP);
  assert_int_equal(cf_enclave_phase(w->e), CF_PHASE_STOPPED);
  disk_free(&older);
  world_free(w);
}

/* Lives mixed: the records of the branch that lost, under the log of the one that won; and a snapshot of one with the journal of
   the other. */
static void
test_branches_do_not_mix(void **state) {
  party_t  p[2];
  batch_t  b;
  world_t *w    = serving(52, p, 2);
  disk_t   fork = disk_copy(w);
  assert_int_equal(batch(w, NULL, 0, &b), CF_REFUSE_NONE); /* never logged */
  assert_int_equal(take_snapshot(w), CF_REFUSE_NONE);
  assert_int_equal(batch(w, NULL, 0, &b), CF_REFUSE_NONE);
  disk_t lost = disk_copy(w);
  disk_put(w, &fork);
  restart(w);
  idle(w, 2);
  disk_t won = disk_copy(w);
  enclave_end(w);
  disk_put(w, &lost);
  assert_int_equal(reopen(w, w->files), CF_REFUSE_NONE);
  assert_int_equal(show(w), CF_REFUSE_ROLLED_BACK);
  enclave_end(w);
  memcpy(w->journal[lost.files], won.journal[won.files], w->journal_sz[lost.files] = won.journal_sz[won.files]);
  assert_int_equal(reopen(w, w->files), CF_REFUSE_JOURNAL);
  enclave_end(w);
  disk_put(w, &won);
  restart(w);
  disk_free(&fork);
  disk_free(&lost);
  disk_free(&won);
  world_free(w);
}

/* Where nothing of the winner counts yet, its certified boot entry alone is enough. */
static void
test_a_lost_branch_is_told_by_its_tip(void **state) {
  party_t  p[2];
  batch_t  b;
  world_t *w    = serving(53, p, 2);
  disk_t   fork = disk_copy(w);
  assert_int_equal(batch(w, NULL, 0, &b), CF_REFUSE_NONE);
  disk_t lost = disk_copy(w);
  disk_put(w, &fork);
  restart(w);
  enclave_end(w);
  disk_put(w, &lost);
  assert_int_equal(reopen(w, w->files), CF_REFUSE_NONE);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(fence(w), CF_REFUSE_TIP);
  disk_free(&fork);
  disk_free(&lost);
  world_free(w);
}

/* A machine was copied while it ran: same identity, same keys.  Each finds the other by what it did not make. */
static void
test_a_copied_machine(void **state) {
  batch_t  b;
  party_t  p[2];
  party_t  q[2];
  world_t *w = serving(54, p, 2), *copy = serving(54, q, 2);
  net(w, p, 10, 20);
  net(copy, q, 10, 20);
  cf_span_t in = obligation(copy, &q[0], 2, 0, 5);
  one_batch(copy, &in, 1, &b);
  cf_span_t theirs = b.receipt;
  assert_int_equal(batch(w, NULL, 0, &b), CF_REFUSE_NONE);
  log_add(w, theirs);
  assert_non_null(memmem(w->mem, w->mem_sz, p[0].session.in_key, 32));
  assert_int_equal(show(w), CF_REFUSE_TWIN);
  assert_null(memmem(w->mem, w->mem_sz, p[0].session.in_key, 32)); /* its secrets are gone */
  world_free(w);
  world_free(copy);
}

/* ---- much that is not logged ---- */

/* An outage of the log, then a crash: all that the journal holds is adopted, logged late, and counts. */
static void
test_a_long_outage_of_the_log(void **state) {
  enum { CNT = 1500 };
  static cf_span_t lost[CNT];
  party_t          p[2];
  batch_t          b;
  world_t         *w = serving(55, p, 2);
  for (int i = 0; i < CNT; i++) {
    assert_int_equal(batch(w, NULL, 0, &b), CF_REFUSE_NONE);
    lost[i] = b.receipt;
  }
  restart(w);
  for (int i = 0; i < CNT; i++) log_and_read(w, lost[i]);
  assert_int_equal(w->history.sequence, b.doc.sequence);
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(read_status(w).counting, b.doc.sequence);
  while (!batch(w, NULL, 0, &b)) w->journal_sz[w->files] = 0; /* busy before more wait than a log's reader keeps */
  assert_int_equal(b.doc.sequence - read_status(w).counting, 2047);
  world_free(w);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_grace_over_a_restart),
    cmocka_unit_test(test_nothing_is_executed_twice),
    cmocka_unit_test(test_after_a_session_expired),
    cmocka_unit_test(test_session_ids),
    cmocka_unit_test(test_order_numbers),
    cmocka_unit_test(test_released_once_asked_again_forgotten),
    cmocka_unit_test(test_a_small_answer),
    cmocka_unit_test(test_busy_until_results_leave),
    cmocka_unit_test(test_fence_again),
    cmocka_unit_test(test_after_an_uncertified_boot),
    cmocka_unit_test(test_two_journal_files),
    cmocka_unit_test(test_a_file_of_another_life),
    cmocka_unit_test(test_a_torn_tail),
    cmocka_unit_test(test_changed_files),
    cmocka_unit_test(test_overtaken_before_the_boot_entry),
    cmocka_unit_test(test_branches_do_not_mix),
    cmocka_unit_test(test_a_lost_branch_is_told_by_its_tip),
    cmocka_unit_test(test_a_copied_machine),
    cmocka_unit_test(test_a_long_outage_of_the_log),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
