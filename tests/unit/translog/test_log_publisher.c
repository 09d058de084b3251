#include "log_world.h"

#include "translog/cf_publisher.h"
#include "translog/cf_witness.h"

/* ---- one publisher, answered by hand ---- */

#define ID 1000

static writer_t         log_writer;
static mem_dir_t        dir;
static cf_publisher_t   p;
static cf_witness_set_t set;
static uint8_t          log_seed[32], seeds[CF_WITNESSES_MAX][32];
static step_t           step;
static cf_now_t         now;

static void
open_publisher(size_t n, unsigned k, unsigned f) {
  set = make_set(log_seed, seeds, n, k, f);
  cf_publisher_config_t cfg = { .set = set, .reader = cf_logwriter_reader(&log_writer.w), .id = ID };
  for (size_t i = 0; i < n; i++) cfg.peer[i] = (unsigned)(20 + i);
  ASSERT_STATUS(CF_OK, cf_publisher_init(&p, &cfg, NULL));
}

/* A log of size entries; the publisher is told, and finds no note of an earlier life. */
static void
begin(size_t n, unsigned k, unsigned f, uint64_t size) {
  now = (cf_now_t){ 50000, 1700000000000 };
  mem_free(&dir);
  free(log_writer.mem);
  writer_open(&log_writer, &dir, WRITER_CAP);
  writer_start(&log_writer);
  writer_append(&log_writer, 0, size);
  open_publisher(n, k, f);
  assert_int_equal(cf_publisher_waiting_since_ms(&p), UINT64_MAX);
  ASSERT_STATUS(CF_OK, cf_publisher_grown(&p, step_begin(&step), now, cf_logwriter_note(&log_writer.w), NULL));
  assert_int_equal(step.fx.cnt, 1);
  assert_int_equal(step.fx.at[0].kind, CF_FX_GET);
  char name[64];
  snprintf(name, sizeof name, "checkpoints/%020llu", (unsigned long long)size);
  ASSERT_SPAN(SPAN_STR(name), step.fx.at[0].name);
  cf_event_t none = { .kind = CF_EV_DONE, .id = ID, .now = now, .code = 404 };
  assert_false(cf_publisher_step(&p, step_begin(&step), &none));
  assert_int_equal(cf_publisher_waiting_since_ms(&p), now.mono_ms);
}

/* The question that the last step puts to witness i, or NULL. */
static cf_effect_t const *
asked(size_t i) {
  for (size_t e = 0; e < step.fx.cnt; e++)
    if (step.fx.at[e].kind == CF_FX_ASK && step.fx.at[e].id == ID + 1 + i) {
      assert_int_equal(step.fx.at[e].peer, 20 + i);
      ASSERT_SPAN(CF_SPAN_LIT("POST /add-checkpoint"), step.fx.at[e].name);
      return &step.fx.at[e];
    }
  return NULL;
}

static uint64_t
asked_old(size_t i) {
  cf_effect_t const *e = asked(i);
  assert_non_null(e);
  unsigned long long old;
  assert_int_equal(sscanf((char const *)e->body.ptr, "old %llu\n", &old), 1);
  return old;
}

static bool
answer(size_t i, cf_status_t status, unsigned code, cf_span_t body) {
  cf_event_t ev = { .kind = CF_EV_DONE, .id = ID + 1 + i, .now = now, .status = status, .code = code, .body = body };
  return cf_publisher_step(&p, step_begin(&step), &ev);
}

static bool
tick(uint64_t ms) {
  now.mono_ms += ms, now.wall_ms += ms;
  cf_event_t ev = { .kind = CF_EV_TICK, .now = now };
  return cf_publisher_step(&p, step_begin(&step), &ev);
}

/* A witness's line for the log at that size, at now + late_s. */
static cf_span_t
line(size_t i, uint64_t size, int64_t late_s) {
  static uint8_t out[1024];
  uint8_t        text[256];
  cf_hash_t      root = example_root(size);
  cf_wr_t        t = cf_wr_init(text, sizeof text), wr = cf_wr_init(out, sizeof out);
  cf_cosig_t     c;
  cf_checkpoint_format(&t, CF_SPAN_LIT(EXAMPLE_ORIGIN), size, &root);
  cf_cosig_make(&c, seeds[i], (uint64_t)((int64_t)(now.wall_ms / 1000) + late_s), cf_wr_out(&t));
  cf_wr_span(&wr, CF_SPAN_LIT("\xe2\x80\x94 stranger AAAAAAA=\n")); /* dropped */
  cf_cosig_line(&wr, &set.member[i], &c);
  return cf_wr_out(&wr);
}

static void
test_one_note_per_size(void **state) {
  begin(4, 3, 1, 10);
  for (size_t i = 0; i < 4; i++) assert_int_equal(asked_old(i), 0);
  assert_false(answer(2, CF_OK, 200, line(2, 10, 5)));
  assert_false(answer(0, CF_OK, 200, line(0, 10, 3)));
  assert_true(answer(3, CF_OK, 200, line(3, 10, 4)));
  assert_int_equal(p.cosigned.size, 10);
  assert_int_equal(p.cosigned.count, 3);
  assert_int_equal(p.cosigned.time_s, 1700000004); /* the second smallest of 3, 4, 5 */
  assert_int_equal(step.fx.cnt, 1);
  assert_int_equal(step.fx.at[0].kind, CF_FX_PUT);
  ASSERT_SPAN(CF_SPAN_LIT("checkpoints/00000000000000000010"), step.fx.at[0].name);
  ASSERT_SPAN(cf_publisher_note(&p), step.fx.at[0].body);
  cf_cosigned_t head;
  ASSERT_STATUS(CF_OK, cf_checkpoint_verify_canonical(&head, cf_publisher_note(&p), &set, NULL));

  /* The fourth comes late: the note stays as it is. */
  assert_false(answer(1, CF_OK, 200, line(1, 10, 6)));
  assert_int_equal(step.fx.cnt, 0);
  assert_int_equal(p.cosigned.count, 3);
  ASSERT_STATUS(CF_OK,
                cf_publisher_grown(&p, step_begin(&step), now, cf_logwriter_note(&log_writer.w), NULL)); /* the same size again */
  assert_int_equal(step.fx.cnt, 0);
  assert_int_equal(cf_publisher_waiting_since_ms(&p), UINT64_MAX);

  /* The next size is asked from what each is known to have signed. */
  writer_append(&log_writer, 10, 5);
  ASSERT_STATUS(CF_OK, cf_publisher_grown(&p, step_begin(&step), now, cf_logwriter_note(&log_writer.w), NULL));
  for (size_t i = 0; i < 4; i++) assert_int_equal(asked_old(i), 10);
}

static void
test_coalescing(void **state) {
  begin(1, 1, 0, 10);
  for (uint64_t size = 10; size < 14; size++) {
    writer_append(&log_writer, size, 1);
    ASSERT_STATUS(CF_OK, cf_publisher_grown(&p, step_begin(&step), now, cf_logwriter_note(&log_writer.w), NULL));
    assert_int_equal(step.fx.cnt, 0); /* a round is in flight */
  }
  assert_true(answer(0, CF_OK, 200, line(0, 10, 0)));
  assert_int_equal(p.cosigned.size, 10);
  assert_int_equal(asked_old(0), 10); /* and on with the newest, behind the PUT */
  assert_int_equal(step.fx.at[0].kind, CF_FX_PUT);
  assert_true(answer(0, CF_OK, 200, line(0, 14, 0)));
  assert_int_equal(p.cosigned.size, 14);
}

/* A round without a quorum gives way to a newer checkpoint, not before its time; late answers of it count for nothing. */
static void
test_round_gives_way(void **state) {
  begin(3, 3, 0, 10);
  assert_false(answer(0, CF_OK, 200, line(0, 10, 0)));
  assert_false(tick(CF_PUBLISHER_ROUND_MS * 3));
  assert_int_equal(p.round.size, 10); /* nothing newer: it goes on */
  writer_append(&log_writer, 10, 2);
  ASSERT_STATUS(CF_OK, cf_publisher_grown(&p, step_begin(&step), now, cf_logwriter_note(&log_writer.w), NULL));
  assert_false(tick(1));
  assert_int_equal(p.round.size, 12);
  assert_int_equal(asked_old(0), 10);
  assert_null(asked(1)); /* still being asked */
  assert_false(answer(1, CF_OK, 200, line(1, 10, 0)));
  assert_int_equal(asked_old(1), 10); /* what it signed is known now */
  assert_false(answer(2, CF_ERR_IO, 0, CF_SPAN_LIT("")));
  assert_false(answer(0, CF_OK, 200, line(0, 12, 0)));
  assert_false(answer(1, CF_OK, 200, line(1, 12, 0)));
  assert_false(tick(CF_PUBLISHER_BACKOFF_MS));
  assert_int_equal(asked_old(2), 0);
  assert_true(answer(2, CF_OK, 200, line(2, 12, 0)));
  assert_int_equal(p.cosigned.size, 12);
  assert_int_equal(p.cosigned.count, 3);
}

/* Every answer that a witness can give, and what is made of it: when it is asked again, and from where. */
static void
test_answers(void **state) {
  enum { SOFT = CF_PUBLISHER_BACKOFF_MS, HARD = CF_PUBLISHER_BACKOFF_MAX, NOW = 0 };
  static uint8_t good[1024], absurd[1024], early[1024], other_text[1024], by_other[1024];
  begin(4, 3, 1, 10);
  cf_span_t g = line(0, 10, 0);
  memcpy(good, g.ptr, g.len);
  size_t good_len = g.len;
  g               = line(0, 10, CF_PUBLISHER_SKEW_S + 1), memcpy(absurd, g.ptr, g.len);
  g               = line(0, 10, -CF_PUBLISHER_SKEW_S - 1), memcpy(early, g.ptr, g.len);
  g               = line(0, 9, 0), memcpy(other_text, g.ptr, g.len);
  g               = line(1, 10, 0), memcpy(by_other, g.ptr, g.len);
  struct {
    char const         *name;
    cf_status_t         status;
    unsigned            code;
    cf_span_t           body;
    cf_witness_answer_t last;
    uint64_t            wait, old;
  } const cases[] = {
    { "timeout", CF_ERR_IO, 0, { 0 }, CF_WITNESS_SILENT, SOFT, 0 },
    { "500", CF_OK, 500, { 0 }, CF_WITNESS_SILENT, SOFT, 0 },
    { "503", CF_OK, 503, { 0 }, CF_WITNESS_SILENT, SOFT, 0 },
    { "429", CF_OK, 429, { 0 }, CF_WITNESS_SILENT, SOFT, 0 },
    { "400", CF_OK, 400, { 0 }, CF_WITNESS_REFUSED, HARD, 0 },
    { "403", CF_OK, 403, { 0 }, CF_WITNESS_REFUSED, HARD, 0 },
    { "404", CF_OK, 404, { 0 }, CF_WITNESS_REFUSED, HARD, 0 },
    { "422", CF_OK, 422, { 0 }, CF_WITNESS_REFUSED, HARD, 0 },
    { "301", CF_OK, 301, { 0 }, CF_WITNESS_REFUSED, HARD, 0 },
    { "409 behind", CF_OK, 409, CF_SPAN_LIT("4\n"), CF_WITNESS_CONFLICT, NOW, 4 },
    { "409 at this size", CF_OK, 409, CF_SPAN_LIT("10\n"), CF_WITNESS_CONFLICT, NOW, 10 },
    { "409 beyond the log", CF_OK, 409, CF_SPAN_LIT("11\n"), CF_WITNESS_LIED, HARD, 0 },
    { "409 what was sent", CF_OK, 409, CF_SPAN_LIT("0\n"), CF_WITNESS_LIED, HARD, 0 },
    { "409 nonsense", CF_OK, 409, CF_SPAN_LIT("four\n"), CF_WITNESS_LIED, HARD, 0 },
    { "409 without LF", CF_OK, 409, CF_SPAN_LIT("4"), CF_WITNESS_LIED, HARD, 0 },
    { "409 and more", CF_OK, 409, CF_SPAN_LIT("4\n5\n"), CF_WITNESS_LIED, HARD, 0 },
    { "200 empty", CF_OK, 200, { 0 }, CF_WITNESS_LIED, HARD, 0 },
    { "200 junk", CF_OK, 200, CF_SPAN_LIT("thanks\n"), CF_WITNESS_LIED, HARD, 0 },
    { "200 by another", CF_OK, 200, CF_SPAN(by_other, good_len), CF_WITNESS_LIED, HARD, 0 },
    { "200 over another size", CF_OK, 200, CF_SPAN(other_text, good_len), CF_WITNESS_LIED, HARD, 0 },
    { "200 from the far future", CF_OK, 200, CF_SPAN(absurd, good_len), CF_WITNESS_LIED, HARD, 0 },
    { "200 from the far past", CF_OK, 200, CF_SPAN(early, good_len), CF_WITNESS_LIED, HARD, 0 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    begin(4, 3, 1, 10);
    assert_false(answer(0, cases[i].status, cases[i].code, cases[i].body));
    if (p.witness[0].last != cases[i].last) print_message("%s\n", cases[i].name);
    assert_int_equal(p.witness[0].last, cases[i].last);
    assert_int_equal(p.witness[0].code, cases[i].status ? 0 : cases[i].code);
    if (cases[i].wait) {
      assert_int_equal(step.fx.cnt, 0);
      tick(cases[i].wait - 1);
      assert_null(asked(0));
      tick(1);
    }
    assert_int_equal(asked_old(0), cases[i].old);
    answer(0, CF_OK, 200, line(0, 10, 0)); /* no grudge is borne */
    assert_int_equal(p.witness[0].last, CF_WITNESS_COSIGNED);
    assert_false(answer(1, CF_OK, 200, line(1, 10, 0)));
    assert_true(answer(2, CF_OK, 200, line(2, 10, 0)));
  }
}

/* Back-off doubles up to its bound; a witness that plays 409 ping-pong is not followed for ever; a second answer is nobody's. */
static void
test_back_off(void **state) {
  begin(4, 3, 1, 10);
  uint64_t want = CF_PUBLISHER_BACKOFF_MS;
  for (int i = 0; i < 12; i++) {
    answer(0, CF_ERR_IO, 0, CF_SPAN_LIT(""));
    tick(want - 1);
    assert_null(asked(0));
    tick(1);
    assert_non_null(asked(0));
    want = 2 * want < CF_PUBLISHER_BACKOFF_MAX ? 2 * want : CF_PUBLISHER_BACKOFF_MAX;
  }
  begin(4, 3, 1, 10);
  int hops = 0;
  for (; hops < 50; hops++) {
    answer(0, CF_OK, 409, hops % 2 ? CF_SPAN_LIT("4\n") : CF_SPAN_LIT("5\n"));
    if (!asked(0)) break;
  }
  assert_int_equal(hops, CF_PUBLISHER_HOPS_MAX);
  assert_false(answer(0, CF_OK, 200, line(0, 10, 0))); /* not asked: not counted */
  assert_false(p.cosig[0].have);
}

/* A restart finds the note of the size and takes it; another set's note, or none of ours, is not replaced. */
static void
test_restart_takes_the_note(void **state) {
  begin(4, 3, 1, 10);
  answer(0, CF_OK, 200, line(0, 10, 0)), answer(1, CF_OK, 200, line(1, 10, 0));
  assert_true(answer(2, CF_OK, 200, line(2, 10, 0)));
  static uint8_t note[CF_CHECKPOINT_NOTE_MAX];
  size_t         len = cf_publisher_note(&p).len;
  memcpy(note, cf_publisher_note(&p).ptr, len);

  open_publisher(4, 3, 1);
  ASSERT_STATUS(CF_OK, cf_publisher_grown(&p, step_begin(&step), now, cf_logwriter_note(&log_writer.w), NULL));
  cf_event_t found = { .kind = CF_EV_DONE, .id = ID, .now = now, .code = 200, .body = CF_SPAN(note, len) };
  assert_true(cf_publisher_step(&p, step_begin(&step), &found));
  assert_int_equal(step.fx.cnt, 0);
  assert_int_equal(p.cosigned.size, 10);
  ASSERT_SPAN(CF_SPAN(note, len), cf_publisher_note(&p));

  open_publisher(4, 4, 1); /* a set that wants more */
  ASSERT_STATUS(CF_OK, cf_publisher_grown(&p, step_begin(&step), now, cf_logwriter_note(&log_writer.w), NULL));
  assert_false(cf_publisher_step(&p, step_begin(&step), &found));
  assert_int_equal(step.fx.cnt, 0);
  assert_int_equal(p.cosigned.size, 0);
  writer_append(&log_writer, 10, 1);
  ASSERT_STATUS(CF_OK, cf_publisher_grown(&p, step_begin(&step), now, cf_logwriter_note(&log_writer.w), NULL));
  assert_non_null(asked(0)); /* the next size is free */
}

static void
test_refusals(void **state) {
  begin(1, 1, 0, 10);
  cf_witness_set_t none = set;
  none.k                = 0;
  ASSERT_STATUS(CF_ERR_POLICY, cf_publisher_init(&p, &(cf_publisher_config_t){ .set = none }, NULL));
  ASSERT_STATUS(CF_ERR_FORMAT, cf_publisher_grown(&p, step_begin(&step), now, CF_SPAN_LIT("x"), NULL));
  uint8_t   note[512], other[32];
  cf_wr_t   wr   = cf_wr_init(note, sizeof note);
  cf_hash_t root = example_root(20);
  cf_vkey_t k    = key_from(other, 0x33, EXAMPLE_ORIGIN, CF_VKEY_LOG);
  cf_checkpoint_sign(&wr, &k, other, 20, &root);
  ASSERT_STATUS(CF_ERR_AUTH, cf_publisher_grown(&p, step_begin(&step), now, cf_wr_out(&wr), NULL));
  k  = key_from(other, 0, "example.com/other", CF_VKEY_LOG);
  wr = cf_wr_init(note, sizeof note);
  cf_checkpoint_sign(&wr, &k, other, 20, &root);
  ASSERT_STATUS(CF_ERR_POLICY, cf_publisher_grown(&p, step_begin(&step), now, cf_wr_out(&wr), NULL));
  cf_event_t foreign = { .kind = CF_EV_DONE, .id = ID - 1, .now = now, .code = 200 };
  assert_false(cf_publisher_step(&p, step_begin(&step), &foreign));
  foreign.id = ID + 2;
  assert_false(cf_publisher_step(&p, step_begin(&step), &foreign));
}

/* ---- publisher, writer and witnesses against each other ---- */

#define N 4

typedef enum { HONEST, DEAD, BAD_SIGNATURE, WRONG_SIZE, ABSURD_TIME, REFUSES, NODES } character_t;

static struct node {
  cf_witness_t w;
  mem_dir_t    dir;
  step_t       step;
  character_t  character;
} node[N];

/* Answers on the way back to the publisher. */
static struct {
  bool        used;
  uint64_t    at_ms, id;
  cf_status_t status;
  unsigned    code;
  uint8_t     body[2048];
  size_t      len;
} wire[64];

static struct { unsigned lost, twice, crashes, notes; } seen;

static void
node_start(struct node *n) {
  cf_event_t ev = { .kind = CF_EV_START };
  cf_vkey_t  self = n->w.self, log = set.log;
  uint8_t const *seed = n->w.seed;
  cf_witness_init(&n->w, &self, seed);
  ASSERT_STATUS(CF_OK, cf_witness_trust(&n->w, &log));
  cf_witness_step(&n->w, step_begin(&n->step), &ev);
  while (n->step.fx.cnt && n->step.fx.at[0].kind == CF_FX_GET) {
    mem_file_t *f = mem_find(&n->dir, n->step.fx.at[0].name);
    ev            = (cf_event_t){ .kind = CF_EV_DONE, .id = n->step.fx.at[0].id, .code = f ? 200 : 404 };
    if (f) ev.body = CF_SPAN(f->bytes, f->len);
    cf_witness_step(&n->w, step_begin(&n->step), &ev);
  }
  for (size_t i = 0; i < n->step.fx.cnt; i++) assert_true(mem_perform(&n->dir, &n->step.fx.at[i]));
  assert_true(n->w.log[0].loaded);
}

/* One delivery to a witness; the answer, if any, is left in *e (NULL: it crashed before it could say). */
static cf_effect_t const *
deliver(struct node *n, cf_span_t body) {
  cf_event_t ev = { .kind = CF_EV_REQUEST, .now = now, .id = 1, .path = CF_SPAN_LIT("POST /add-checkpoint"), .body = body };
  uint64_t   before = n->w.log[0].size;
  cf_witness_step(&n->w, step_begin(&n->step), &ev);
  if (n->step.fx.at[0].kind == CF_FX_WAKE) {
    ev.kind = CF_EV_TICK;
    cf_witness_step(&n->w, step_begin(&n->step), &ev);
  }
  size_t cut = rand() % 40 == 0 ? (size_t)rand() % 2 : SIZE_MAX;
  for (size_t i = 0; i < n->step.fx.cnt; i++) {
    cf_effect_t const *e = &n->step.fx.at[i];
    if (i == cut) {
      seen.crashes++;
      node_start(n);
      return NULL;
    }
    if (mem_perform(&n->dir, e) || e->kind != CF_FX_REPLY) continue;
    if (e->code == 200) assert_true(n->w.log[0].size >= before && mem_find(&n->dir, CF_SPAN_LIT(CF_WITNESS_STATE)));
    return e;
  }
  return NULL;
}

static void
lie(character_t how, uint8_t *body, size_t *len, unsigned *code, size_t i) {
  switch (how) {
  case BAD_SIGNATURE: if (*code == 200) body[*len - 10] ^= 1; break;
  case WRONG_SIZE:    *code = 409, *len = (size_t)sprintf((char *)body, "%d\n", rand() % 50); break;
  case ABSURD_TIME:
    if (*code == 200) {
      cf_span_t l = line(i, p.witness[i].asked_size, rand() % 2 ? INT64_MAX / 4 : -1000000000);
      memcpy(body, l.ptr, *len = l.len);
    }
    break;
  case REFUSES: *code = 403, *len = 0; break;
  case HONEST:
  case DEAD:
  case NODES:   break;
  }
}

/* The network: loses either way, delivers twice, delays. */
static void
send_to(cf_effect_t const *e, bool fair) {
  size_t       i = e->peer - 20, at = 0;
  struct node *n = &node[i];
  while (wire[at].used) at++;
  wire[at].used = true, wire[at].id = e->id, wire[at].status = CF_ERR_IO, wire[at].at_ms = now.mono_ms + e->timeout_ms;
  if (n->character == DEAD || (!fair && rand() % 5 == 0)) {
    seen.lost++;
    return;
  }
  if (!fair && rand() % 8 == 0) seen.twice++, deliver(n, e->body);
  cf_effect_t const *r = deliver(n, e->body);
  if (!r || (!fair && rand() % 5 == 0)) return;
  wire[at].status = CF_OK, wire[at].code = r->code, wire[at].len = r->body.len;
  memcpy(wire[at].body, r->body.ptr, r->body.len);
  lie(n->character, wire[at].body, &wire[at].len, &wire[at].code, i);
  wire[at].at_ms = now.mono_ms + 1 + (uint64_t)rand() % 60;
}

/* Performs the publisher's step: notes are written once and are what they should be. */
static void
perform(bool fair) {
  for (size_t i = 0; i < step.fx.cnt; i++) {
    cf_effect_t const *e = &step.fx.at[i];
    if (e->kind == CF_FX_ASK) {
      static uint8_t body[8192]; /* of its own: line() and the nodes' steps come between */
      cf_effect_t    copy = *e;
      memcpy(body, e->body.ptr, e->body.len);
      copy.body.ptr = body;
      send_to(&copy, fair);
    } else if (e->kind == CF_FX_PUT) {
      cf_cosigned_t head;
      assert_null(mem_find(&dir, e->name));
      ASSERT_STATUS(CF_OK, cf_checkpoint_verify_canonical(&head, e->body, &set, NULL));
      cf_hash_t want = example_root(head.size);
      ASSERT_HASH(want, head.root);
      assert_in_range(head.time_s, now.wall_ms / 1000 - 100, now.wall_ms / 1000);
      mem_put(&dir, e->name, e->body);
      seen.notes++;
    } else {
      assert_int_equal(e->kind, CF_FX_GET);
      mem_file_t *f  = mem_find(&dir, e->name);
      cf_event_t  ev = { .kind = CF_EV_DONE, .id = e->id, .now = now, .code = f ? 200 : 404 };
      if (f) ev.body = CF_SPAN(f->bytes, f->len);
      cf_publisher_step(&p, step_begin(&step), &ev);
      i = (size_t)-1; /* the step was replaced: a GET is its last effect */
    }
  }
}

static void
run(uint64_t ms, bool fair) {
  for (uint64_t end = now.mono_ms + ms; now.mono_ms < end;) {
    for (size_t i = 0; i < sizeof wire / sizeof *wire; i++) {
      if (!wire[i].used || wire[i].at_ms > now.mono_ms) continue;
      wire[i].used  = false;
      cf_event_t ev = { .kind = CF_EV_DONE, .id = wire[i].id, .now = now, .status = wire[i].status, .code = wire[i].code,
                        .body = wire[i].status ? CF_SPAN(NULL, 0) : CF_SPAN(wire[i].body, wire[i].len) };
      cf_publisher_step(&p, step_begin(&step), &ev);
      perform(fair);
    }
    tick(10);
    perform(fair);
  }
}

static void
test_network(void **state) {
  for (unsigned seed = 1; seed <= 24; seed++) {
    srand(seed);
    memset(wire, 0, sizeof wire);
    now = (cf_now_t){ 50000, 1700000000000 };
    mem_free(&dir);
    free(log_writer.mem);
    writer_open(&log_writer, &dir, WRITER_CAP);
    writer_start(&log_writer);
    open_publisher(N, 3, 1);
    for (size_t i = 0; i < N; i++) {
      mem_free(&node[i].dir);
      node[i].character = i == seed % N ? (character_t)(seed % NODES) : HONEST;
      cf_witness_init(&node[i].w, &set.member[i], seeds[i]);
      node_start(&node[i]);
    }
    uint64_t size = 0;
    for (int round = 0; round < 40; round++) {
      writer_append(&log_writer, size, 1 + (size_t)rand() % 30);
      size = log_writer.w.size;
      ASSERT_STATUS(CF_OK, cf_publisher_grown(&p, step_begin(&step), now, cf_logwriter_note(&log_writer.w), NULL));
      perform(false);
      run((uint64_t)rand() % 800, false);
      if (rand() % 8) continue;
      memset(wire, 0, sizeof wire); /* the process died; it starts from nothing */
      open_publisher(N, 3, 1);
    }
    ASSERT_STATUS(CF_OK, cf_publisher_grown(&p, step_begin(&step), now, cf_logwriter_note(&log_writer.w), NULL));
    perform(true);
    run(40000, true);
    if (p.cosigned.size != size) print_message("seed %u\n", seed);
    assert_int_equal(p.cosigned.size,
                     size); /* with a fair network the newest head gets its quorum, one witness being what it is */
  }
  print_message("%u notes, %u messages lost, %u delivered twice, %u witness crashes\n", seen.notes, seen.lost, seen.twice,
                seen.crashes);
  assert_true(seen.lost > 100 && seen.twice > 100 && seen.crashes > 20 && seen.notes > 100);
  free(log_writer.mem);
  log_writer.mem = NULL;
  mem_free(&dir);
  for (size_t i = 0; i < N; i++) mem_free(&node[i].dir);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_one_note_per_size), cmocka_unit_test(test_coalescing), cmocka_unit_test(test_round_gives_way),
    cmocka_unit_test(test_answers),           cmocka_unit_test(test_back_off),   cmocka_unit_test(test_restart_takes_the_note),
    cmocka_unit_test(test_refusals),          cmocka_unit_test(test_network),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
