#include "log_world.h"

#include "translog/cf_line.h"
#include "translog/cf_submission.h"
#include "translog/cf_witness.h"

#define ID_HEX "9e8f201a43ff9822890b51bf28fa55f907e02268a060ff75720d3128cc9d3ffb" /* FORMATS-LOG section 5 */
#define FILE_NAME "witness/" ID_HEX

static cf_witness_t w;
static uint8_t      log_seed[32], own_seed[32];
static cf_vkey_t    log_key, own_key;
static step_t       step;
static mem_dir_t    dir;
static cf_now_t     now = { 5000, 1700000000999 };

static void
open_witness(void) {
  log_key = key_from(log_seed, 0, EXAMPLE_ORIGIN, CF_VKEY_LOG);
  own_key = key_from(own_seed, 0x20, EXAMPLE_WITNESS, CF_VKEY_WITNESS);
  cf_witness_init(&w, &own_key, own_seed);
  ASSERT_STATUS(CF_OK, cf_witness_trust(&w, &log_key));
}

/* One request.  The reply must be the step's last effect, and every durable effect before it. */
typedef struct {
  unsigned    code;
  char const *type;
  cf_span_t   body;
  unsigned    puts;
} answer_t;

/* A burst of one request, up to the step that answers. */
static void
step_whole(cf_event_t const *ev) {
  cf_event_t tick = { .kind = CF_EV_TICK, .now = now };
  cf_witness_step(&w, step_begin(&step), ev);
  if (step.fx.cnt == 1 && step.fx.at[0].kind == CF_FX_WAKE) cf_witness_step(&w, step_begin(&step), &tick);
}

static answer_t
request(char const *path, cf_span_t body) {
  cf_event_t    ev = { .kind = CF_EV_REQUEST, .now = now, .id = 99, .path = SPAN_STR(path), .body = body };
  cf_effects_t *fx = &step.fx;
  answer_t      a  = { 0 };
  step_whole(&ev);
  for (size_t i = 0; i < fx->cnt; i++) {
    cf_effect_t const *e = &fx->at[i];
    if (mem_perform(&dir, e)) {
      assert_int_equal(a.code, 0); /* stored before it is said */
      a.puts += e->kind != CF_FX_REMOVE;
    } else {
      assert_int_equal(e->kind, CF_FX_REPLY);
      assert_int_equal(e->id, 99);
      assert_int_equal(a.code, 0);
      a.code = e->code, a.type = e->type, a.body = e->body;
    }
  }
  assert_true(a.code != 0);
  return a;
}

/* To the end of START; the exit code, or -1. */
static int
load(void) {
  cf_event_t ev = { .kind = CF_EV_START, .now = now }, done[CF_WITNESS_LOGS_MAX];
  size_t     cnt = 0;
  int        code = -1;
  for (cf_witness_step(&w, step_begin(&step), &ev);; cf_witness_step(&w, step_begin(&step), &ev)) {
    for (size_t i = 0; i < step.fx.cnt; i++) {
      cf_effect_t const *e = &step.fx.at[i];
      if (e->kind == CF_FX_EXIT) code = (int)e->code;
      if (e->kind == CF_FX_LOG || e->kind == CF_FX_EXIT || mem_perform(&dir, e)) continue;
      assert_int_equal(e->kind, CF_FX_GET);
      mem_file_t *f = mem_find(&dir, e->name);
      done[cnt]     = (cf_event_t){ .kind = CF_EV_DONE, .now = now, .id = e->id, .code = f ? 200 : 404 };
      if (f) done[cnt].body = CF_SPAN(f->bytes, f->len);
      cnt++;
    }
    if (!cnt || code >= 0) return code;
    assert_int_equal(request("POST /add-checkpoint", CF_SPAN_LIT("")).code, 503);
    ev = done[--cnt];
  }
}

static void
start(void) {
  open_witness();
  assert_int_equal(load(), -1);
}

/* The note that stands last in the state; there is one. */
static cf_span_t
last_note(void) {
  mem_file_t        *f = mem_find(&dir, CF_SPAN_LIT(CF_WITNESS_STATE));
  cf_witness_notes_t notes;
  cf_span_t          note = CF_SPAN(NULL, 0), next;
  assert_non_null(f);
  assert_true(cf_witness_notes_open(&notes, CF_SPAN(f->bytes, f->len)));
  while (cf_witness_notes_next(&notes, &next)) note = next;
  assert_false(notes.bad || notes.torn);
  return note;
}

/* The body for a step of the example log, with the proof of the tree. */
static cf_status_t
read_example(void *ctx, unsigned level, uint64_t index, cf_hash_t *out) {
  cf_frontier_t f = { .size = 0 };
  for (uint64_t i = index << level; i < (index + 1) << level; i++) {
    cf_hash_t leaf = example_leaf(i);
    cf_frontier_add(&f, &leaf);
  }
  *out = cf_frontier_root(&f);
  return CF_OK;
}

static cf_span_t
submission_of(uint64_t old, uint64_t size, cf_hash_t const *root, uint8_t const seed[32]) {
  static uint8_t   body[8192], note[2048];
  cf_tree_reader_t reader = { read_example, NULL };
  cf_submission_t  s      = { .old_size = old };
  if (old <= size) ASSERT_STATUS(CF_OK, cf_tree_consistency_prove(s.path, &s.path_cnt, &reader, old, size));
  cf_wr_t n = cf_wr_init(note, sizeof note), b = cf_wr_init(body, sizeof body);
  cf_checkpoint_sign(&n, &log_key, seed, size, root);
  s.note = cf_wr_out(&n);
  cf_submission_write(&b, &s);
  return cf_wr_out(&b);
}

static cf_span_t
submission(uint64_t old, uint64_t size) {
  cf_hash_t root = example_root(size);
  return submission_of(old, size, &root, log_seed);
}

static answer_t
submit(uint64_t old, uint64_t size) {
  return request("POST /add-checkpoint", submission(old, size));
}

static int
setup(void **state) {
  mem_free(&dir);
  start();
  return 0;
}

/* FORMATS-LOG sections 3 and 4: the cosignature of size 8 at time 1700000000 */
static void
test_known_cosignature(void **state) {
  answer_t a = submit(0, 8);
  assert_int_equal(a.code, 200);
  assert_int_equal(a.puts, 1);
  static char const line[] = "\xe2\x80\x94 witness.example.com/w1 "
                             "lpmAzwAAAABlU/EA4qRMH5xAGPJ1TSC92Afu9FkkM7Dx5FY0wxyboQAn2Bnei0P4/8QHFhFJ5ZkmOCocyXhUJj+ibDqa6UU4aO4uBw==\n";
  ASSERT_SPAN(CF_SPAN_LIT(line), a.body);
  ASSERT_SPAN(CF_SPAN_LIT(EXAMPLE_NOTE), last_note());
  a = request("GET /" ID_HEX "/checkpoint", CF_SPAN_LIT(""));
  assert_int_equal(a.code, 200);
  ASSERT_SPAN(CF_SPAN_LIT(EXAMPLE_NOTE), a.body);
}

/* FORMATS-LOG section 5: the example body, from 3 to 7 */
static void
test_known_request(void **state) {
  assert_int_equal(submit(0, 3).code, 200);
  cf_span_t body = submission(3, 7);
  static char const start_of_body[] = "old 3\nBJ19zbVrz+vTEzBMmDnxlqPUtu873AsIKY+TrIGR8Kg=\nJ0ebarMh0u5HdFL2i6UndI6GPK/o+9HfK/idFXDRtpc=\n"
                                      "LyelCCwdQq+kiKw1Cp/EOQwIT1T3Hs3/hZ6Y24QptHk=\n5CnFtcyqlSPDcpfxhGdm+QMTfoIZXFGZ5r5XEw0QBsg=\n\n" EXAMPLE_ORIGIN "\n7\n";
  assert_memory_equal(body.ptr, start_of_body, strlen(start_of_body));
  assert_int_equal(request("POST /add-checkpoint", body).code, 200);
}

static cf_span_t
edited(cf_span_t body, char const *from, char const *to) {
  static char out[8192];
  char       *at, text[8192];
  snprintf(text, sizeof text, "%.*s", (int)body.len, body.ptr);
  at = strstr(text, from);
  assert_non_null(at);
  snprintf(out, sizeof out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
  return SPAN_STR(out);
}

/* The status table in its order: each case breaks one row, and all rows below it where it can. */
static void
test_status_table(void **state) {
  static uint8_t huge[CF_NOTE_MAX + 1];
  uint8_t        other_seed[32];
  cf_hash_t      root5 = example_root(5), root6 = example_root(6), empty = cf_tree_empty();
  seed_from(other_seed, 0x77);
  struct { char const *name; cf_span_t body; unsigned code; } c;
#define CASE(n, b, want) \
  do { \
    c.name = (n), c.body = (b), c.code = (want); \
    answer_t a_ = request("POST /add-checkpoint", c.body); \
    if (a_.code != c.code) print_message("%s\n", c.name); \
    assert_int_equal(a_.code, c.code); \
    if (a_.code != 200) assert_int_equal(a_.puts, 0); \
  } while (0)
  CASE("never cosigned: old 0", submission(0, 5), 200);

  CASE("empty", CF_SPAN_LIT(""), 400);
  CASE("over 64 KiB", CF_SPAN_OF(huge), 400);
  CASE("no note", CF_SPAN_LIT("old 5\n\n"), 400);
  CASE("note without signature", CF_SPAN_LIT("old 5\n\nexample.com/unknown\n8\n38wTubDKkyxo3j1Z6qqP4mapyAkcAwDoQF6/6w0OWDI=\n\n"),
       400);
  CASE("malformed checkpoint", edited(submission(5, 7), EXAMPLE_ORIGIN "\n7\n", EXAMPLE_ORIGIN "\n07\n"), 400);
  CASE("unknown origin, by nobody we know", edited(submission(9, 7), EXAMPLE_ORIGIN "\n7\n", "example.com/unknown\n7\n"), 404);
  CASE("bad signature, old > size", edited(submission(9, 7), "\n7\n", "\n8\n"), 403);
  CASE("signed by another key of that name", submission_of(5, 6, &root6, other_seed), 403);
  CASE("known name, unknown key id", edited(submission(5, 7), "tee-ledger hOW7", "tee-ledger iOW7"), 403);
  CASE("old > size", submission(9, 7), 400);
  CASE("old is not ours (and the proof is wrong)", edited(submission(4, 7), "5CnF", "6CnF"), 409);
  CASE("old 0 again", submission(0, 5), 409);
  CASE("proof wrong",
       edited(submission(5, 7), "\n\n" EXAMPLE_ORIGIN, "\n38wTubDKkyxo3j1Z6qqP4mapyAkcAwDoQF6/6w0OWDI=\n\n" EXAMPLE_ORIGIN), 422);
  CASE("root of another tree", submission_of(5, 6, &root5, log_seed), 422);
  CASE("equal sizes, another root", submission_of(5, 5, &root6, log_seed), 422);
  CASE("equal sizes, same root", submission(5, 5), 200);
  CASE("grown", submission(5, 6), 200);
  CASE("back", submission(6, 5), 400);
  CASE("back, with another old", submission(5, 5), 409);

  setup(NULL);
  assert_int_equal(request("POST /add-checkpoint", submission(1, 2)).code, 409);
  CASE("proof not empty with old 0", edited(submission(0, 7), "old 0\n", "old 0\n38wTubDKkyxo3j1Z6qqP4mapyAkcAwDoQF6/6w0OWDI=\n"),
       422);
  CASE("size 0 with a root", submission_of(0, 0, &root5, log_seed), 422);
  CASE("size 0", submission_of(0, 0, &empty, log_seed), 200);
  CASE("size 1", submission(0, 1), 200);

  answer_t a = submit(0, 3);
  assert_string_equal(a.type, "text/x.tlog.size");
  ASSERT_SPAN(CF_SPAN_LIT("1\n"), a.body);
}

/* Lines by other keys in the request are neither needed nor kept. */
static void
test_foreign_lines(void **state) {
  uint8_t   body[8192];
  cf_wr_t   wr = cf_wr_init(body, sizeof body);
  cf_span_t s  = submission(0, 8);
  cf_wr_span(&wr, s);
  cf_wr_span(&wr, CF_SPAN_LIT("\xe2\x80\x94 stranger AAAAAAA=\n"));
  assert_int_equal(request("POST /add-checkpoint", cf_wr_out(&wr)).code, 200);
  ASSERT_SPAN(CF_SPAN_LIT(EXAMPLE_NOTE), last_note());
}

static void
test_monitoring(void **state) {
  assert_int_equal(request("GET /" ID_HEX "/checkpoint", CF_SPAN_LIT("")).code, 404); /* never cosigned */
  assert_int_equal(submit(0, 8).code, 200);
  static char const *const paths[] = {"GET /" ID_HEX, "GET /" ID_HEX "/checkpoint/", "GET /checkpoint",     "GET /",
                                      "POST /",       "GET /add-checkpoint",         "PUT /add-checkpoint", ""};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) assert_int_equal(request(paths[i], CF_SPAN_LIT("")).code, 404);
}

/* ---- never back ---- */

/* The power fails at any point of a step: whatever answer left, the next life knows of it.  Requests come late, twice, out of
   order; the log equivocates. */
static void
test_never_goes_back(void **state) {
  unsigned seed = 4711;
  print_message("seed %u\n", seed);
  srand(seed);
  uint64_t said = 0; /* size of the largest head that a cosignature left for */
  for (int i = 0; i < 3000; i++) {
    if (said == 0 || said > 35) {
      setup(NULL);
      assert_int_equal(submit(0, 1).code, 200);
      said = 1;
    }
    uint64_t   old = rand() % 3 ? w.log[0].size : (uint64_t)(rand() % 40), size = old + (uint64_t)rand() % 4;
    bool       lie  = rand() % 5 == 0; /* a tree that is not the one of size 1 grown */
    cf_hash_t  root = example_root(size + lie);
    cf_event_t ev   = { .kind = CF_EV_REQUEST, .now = now, .id = 1, .path = CF_SPAN_LIT("POST /add-checkpoint"),
                        .body = submission_of(old, size, &root, log_seed) };
    step_whole(&ev);
    size_t cut = (size_t)rand() % 5; /* effects that happen before the power fails; 4: all */
    for (size_t e = 0; e < step.fx.cnt && e < cut; e++) {
      cf_effect_t const *x = &step.fx.at[e];
      if (mem_perform(&dir, x) || x->kind != CF_FX_REPLY || x->code != 200) continue;
      assert_false(lie);
      assert_true(size >= said);
      said = size;
    }
    if (cut >= step.fx.cnt && rand() % 20) continue;
    start();
    assert_true(w.log[0].loaded && w.log[0].size >= said);
  }
}

/* A witness that does not know what it signed stops. */
static void
test_bad_state_stops(void **state) {
  static char const *const bad[] = {
    "", "nonsense",
    EXAMPLE_ORIGIN "\n8\n38wTubDKkyxo3j1Z6qqP4mapyAkcAwDoQF6/6w0OWDI=\n\n\xe2\x80\x94 example.com/tee-ledger "
                   "hOW7zlLAlcvrhUigAe+EPzYL+t7JaDCRxr+mPc9SEZnOX1Zw8wYi2Ebg8nczWDBGMAvvQKtu1xfH4kschM+VJhKTmAo=\n", /* not ours */
    EXAMPLE_ORIGIN "\n8\n38wTubDKkyxo3j1Z6qqP4mapyAkcAwDoQF6/6w0OWDI=\n\n\xe2\x80\x94 example.com/tee-ledger "
                   "hOW7zlLAlcvrhUigAe+EPzYL+t7JaDCRxr+mPc9SEZnOX1Zw8wYi2Ebg8nczWDBGMAvvQKtu1xfH4kschM+VJhKTmAo=\n"
                   "\xe2\x80\x94 witness.example.com/w1 "
                   "lpmAzwAAAABlU/EB4qRMH5xAGPJ1TSC92Afu9FkkM7Dx5FY0wxyboQAn2Bnei0P4/8QHFhFJ5ZkmOCocyXhUJj+ibDqa6UU4aO4uBw==\n", /* time changed */
  };
  for (size_t i = 0; i < 2 * (sizeof bad / sizeof *bad + 1); i++) { /* what an older program wrote, and a state */
    size_t at = i / 2;
    open_witness();
    cf_event_t ev = { .kind = CF_EV_START };
    cf_witness_step(&w, step_begin(&step), &ev);
    if (i % 2) {
      ev = (cf_event_t){ .kind = CF_EV_DONE, .id = step.fx.at[0].id, .code = 404 };
      cf_witness_step(&w, step_begin(&step), &ev);
    }
    ev = (cf_event_t){ .kind = CF_EV_DONE, .id = step.fx.at[0].id, .code = 200 };
    char text[2048];
    snprintf(text, sizeof text, i % 2 ? "%s" : "witness-state 1\n%s\n", at < sizeof bad / sizeof *bad ? bad[at] : "");
    if (at < sizeof bad / sizeof *bad) ev.body = SPAN_STR(text);
    else ev.status = CF_ERR_IO;
    cf_witness_step(&w, step_begin(&step), &ev);
    assert_int_equal(step.fx.cnt, 2);
    assert_int_equal(step.fx.at[0].kind, CF_FX_LOG);
    assert_int_equal(step.fx.at[1].kind, CF_FX_EXIT);
    assert_int_equal(step.fx.at[1].code, 1);
    assert_int_equal(request("POST /add-checkpoint", submission(0, 1)).code, 503); /* until then: nothing */
  }
}

/* ---- the state ---- */

/* What an older program kept is taken over, and is away only when the state is there. */
static void
test_taken_over(void **state) {
  for (size_t cut = 0; cut < 3; cut++) { /* the power fails before the step's effect of that number */
    mem_free(&dir);
    mem_put(&dir, CF_SPAN_LIT(FILE_NAME), CF_SPAN_LIT(EXAMPLE_NOTE));
    mem_dir_t before = mem_copy(&dir);
    start();
    assert_int_equal(w.log[0].size, 8);
    assert_null(mem_find(&dir, CF_SPAN_LIT(FILE_NAME)));
    ASSERT_SPAN(CF_SPAN_LIT(EXAMPLE_NOTE), last_note());
    assert_int_equal(step.fx.cnt, 2);
    mem_free(&dir);
    dir = before;
    for (size_t i = 0; i < cut; i++) assert_true(mem_perform(&dir, &step.fx.at[i]));
    start();
    assert_int_equal(w.log[0].size, 8);
    assert_null(mem_find(&dir, CF_SPAN_LIT(FILE_NAME)));
  }
  cf_event_t stop = { .kind = CF_EV_STOP };
  cf_witness_step(&w, step_begin(&step), &stop);
  assert_int_equal(step.fx.cnt, 1);
  assert_int_equal(step.fx.at[0].kind, CF_FX_EXIT);
  assert_int_equal(step.fx.at[0].code, 0);
}

/* The size that a witness knows of with these bytes as its state; -1: it stopped. */
static int64_t
known(uint8_t const *bytes, size_t len) {
  mem_put(&dir, CF_SPAN_LIT(CF_WITNESS_STATE), CF_SPAN(bytes, len));
  open_witness();
  return load() < 0 ? (int64_t)w.log[0].size : -1;
}

static struct {
  uint8_t bytes[16384];
  size_t  base, acked, len; /* of what was written whole, what was answered for, all */
} made;

/* A state: base of size 1, appended 2, and 3 as what a power cut may interrupt. */
static void
make_state(void) {
  mem_free(&dir);
  start();
  for (uint64_t size = 1; size <= 3; size++) {
    assert_int_equal(submit(size - 1, size).code, 200);
    mem_file_t *f = mem_find(&dir, CF_SPAN_LIT(CF_WITNESS_STATE));
    if (size == 1) made.base = f->len;
    if (size == 2) made.acked = f->len;
    made.len = f->len;
    memcpy(made.bytes, f->bytes, f->len);
  }
}

/* The last append at every length, zeros behind it or none, and with every set of its sectors. */
static void
test_power_cut(void **state) {
  make_state();
  for (size_t len = made.acked; len <= made.len; len++) {
    static uint8_t cut[sizeof made.bytes];
    int64_t        want = len == made.len ? 3 : 2;
    memcpy(cut, made.bytes, len);
    memset(cut + len, 0, sizeof cut - len);
    assert_int_equal(known(cut, len), want);
    assert_int_equal(known(cut, sizeof cut), want);
    assert_int_equal(w.log[0].size, want);
    ASSERT_SPAN(CF_SPAN(w.log[0].note, w.log[0].note_len), last_note()); /* and the file is whole again */
    assert_int_equal(submit(2, 3).code, want == 2 ? 200 : 409);
  }
  for (size_t sector = 64; sector <= 256; sector *= 2) {
    for (unsigned mask = 0; mask < 64; mask++) {
      static uint8_t cut[sizeof made.bytes];
      memcpy(cut, made.bytes, made.len);
      bool lost = false;
      for (size_t at = made.acked; at < made.len; at++)
        if (mask >> at / sector % 6 & 1) cut[at] = 0, lost = true;
      assert_int_equal(known(cut, made.len), lost ? 2 : 3);
    }
  }
}

/* No byte can be changed, and nothing cut off of what was written whole, without the witness's stopping; a NUL takes only the last note away. */
static void
test_altered_state(void **state) {
  size_t ends = 0;
  make_state();
  for (size_t at = 0; at < made.len; at++) {
    uint8_t was    = made.bytes[at];
    made.bytes[at] = (uint8_t)(was ^ 1);
    int64_t size   = known(made.bytes, made.len);
    if (was == '\n' && at >= made.acked && size == 2) ends++; /* the last note does not end any more: as if it were being written */
    else if (at == strlen("witness-state ")) assert_int_equal(size, 3); /* a base of none, and all notes are there */
    else assert_int_equal(size, -1);
    made.bytes[at] = 0;
    if (at % 3 == 0) assert_int_equal(known(made.bytes, made.len), at < made.base ? -1 : at < made.acked ? 3 : 2);
    made.bytes[at] = was;
  }
  assert_int_equal(ends, 4); /* those of its two empty lines */
  for (size_t len = 0; len < made.base; len++) assert_int_equal(known(made.bytes, len), -1);
  cf_event_t stop = { .kind = CF_EV_STOP };
  assert_int_equal(known(made.bytes, made.len), 3);
  assert_int_equal(submit(3, 4).code, 200);
  cf_witness_step(&w, step_begin(&step), &stop); /* who ends in peace leaves it whole */
  assert_int_equal(step.fx.cnt, 2);
  assert_int_equal(step.fx.at[0].kind, CF_FX_PUT);
  assert_int_equal(step.fx.at[1].kind, CF_FX_EXIT);
  assert_true(mem_perform(&dir, &step.fx.at[0]));
  mem_file_t f = *mem_find(&dir, CF_SPAN_LIT(CF_WITNESS_STATE));
  memcpy(made.bytes, f.bytes, made.len = f.len);
  for (size_t len = 0; len <= made.len; len++) assert_int_equal(known(made.bytes, len), len == made.len ? 4 : -1);
}

/* Behind a note stands one of a smaller tree, or another of its size: whoever wrote that was not this witness. */
static void
test_state_goes_back(void **state) {
  make_state();
  size_t first = made.base - strlen("witness-state 1\n");
  memcpy(made.bytes + made.len, made.bytes + strlen("witness-state 1\n"), first);
  assert_int_equal(known(made.bytes, made.len + first), -1);
  assert_int_equal(known(made.bytes, made.len), 3);
  cf_hash_t other = example_root(4);
  mem_free(&dir);
  start();
  cf_span_t lie = submission_of(0, 3, &other, log_seed);
  assert_int_equal(request("POST /add-checkpoint", lie).code, 200);
  cf_span_t forked = last_note();
  memcpy(made.bytes + made.len, forked.ptr, forked.len);
  made.bytes[made.len + forked.len] = '\n';
  assert_int_equal(known(made.bytes, made.len + forked.len + 1), -1);
}

/* Requests of one burst: nothing is said of them, and nothing else that depends on them, before one append has them all. */
static void
test_burst(void **state) {
  static uint8_t bodies[CF_WITNESS_BURST_MAX][2048];
  cf_event_t     ev = { .kind = CF_EV_REQUEST, .now = now, .path = CF_SPAN_LIT("POST /add-checkpoint") }, tick = { .kind = CF_EV_TICK, .now = now };
  assert_int_equal(submit(0, 1).code, 200);
  for (int end = 0; end < 4; end++) { /* a TICK, a GET, a 409 or as many as there is room for */
    uint64_t size = w.log[0].size, cnt = end == 3 ? CF_WITNESS_BURST_MAX : 3;
    for (uint64_t i = 0; i < cnt; i++) {
      uint64_t  to = end == 3 ? size : size + i + 1; /* or the same head again and again */
      cf_span_t s  = submission(end == 3 ? size : size + i, to);
      memcpy(bodies[i], s.ptr, s.len);
      ev.id   = 100 + i;
      ev.body = CF_SPAN(bodies[i], s.len);
      cf_witness_step(&w, step_begin(&step), &ev);
      if (end == 3 && i + 1 == cnt) break;
      assert_int_equal(step.fx.cnt, 1);
      assert_int_equal(step.fx.at[0].kind, CF_FX_WAKE);
      assert_int_equal(step.fx.at[0].id, now.mono_ms);
    }
    cf_event_t other = { .kind = CF_EV_REQUEST, .now = now, .id = 7, .path = CF_SPAN_LIT("GET /" ID_HEX "/checkpoint") };
    if (end == 2) other.path = ev.path, other.body = submission(size, size + 1);
    if (end < 3) cf_witness_step(&w, step_begin(&step), end ? &other : &tick);
    assert_int_equal(step.fx.cnt, 1 + cnt + (end == 1 || end == 2));
    assert_int_equal(step.fx.at[0].kind, CF_FX_APPEND);
    assert_true(mem_perform(&dir, &step.fx.at[0]));
    for (uint64_t i = 0; i < cnt; i++) {
      assert_int_equal(step.fx.at[1 + i].kind, CF_FX_REPLY);
      assert_int_equal(step.fx.at[1 + i].id, 100 + i);
      assert_int_equal(step.fx.at[1 + i].code, 200);
    }
    if (end == 1 || end == 2) assert_int_equal(step.fx.at[1 + cnt].code, end == 1 ? 200 : 409);
    cf_span_t last = last_note(), own = step.fx.at[cnt].body;
    assert_true(last.len > own.len && !memcmp(last.ptr + last.len - own.len, own.ptr, own.len));
    cf_witness_step(&w, step_begin(&step), &tick);
    assert_int_equal(step.fx.cnt, 0);
  }
  cf_span_t s = submission(w.log[0].size, w.log[0].size + 1);
  ev.body     = s;
  cf_witness_step(&w, step_begin(&step), &ev);
  ev = (cf_event_t){ .kind = CF_EV_STOP, .now = now };
  cf_witness_step(&w, step_begin(&step), &ev);
  assert_int_equal(step.fx.cnt, 3);
  assert_int_equal(step.fx.at[0].kind, CF_FX_PUT);
  assert_int_equal(step.fx.at[1].kind, CF_FX_REPLY);
  assert_int_equal(step.fx.at[2].kind, CF_FX_EXIT);
}

/* It grows to its bound and is made anew, again and again. */
static void
test_state_bound(void **state) {
  size_t longest = 0, anew = 0;
  assert_int_equal(submit(0, 5).code, 200);
  for (size_t i = 0, was = 0; i < 3 * CF_WITNESS_STATE_MAX / last_note().len && anew < 3; i++) {
    assert_int_equal(submit(5, 5).code, 200);
    mem_file_t *f = mem_find(&dir, CF_SPAN_LIT(CF_WITNESS_STATE));
    anew += f->len < was;
    was = f->len;
    if (f->len > longest) longest = f->len;
  }
  assert_true(anew >= 2 && longest <= CF_WITNESS_STATE_MAX && longest > CF_WITNESS_STATE_MAX - CF_WITNESS_NOTE_MAX);
  start();
  assert_int_equal(w.log[0].size, 5);
}

/* A log that is not trusted any more is not cosigned, and not forgotten. */
static void
test_retired_log(void **state) {
  assert_int_equal(submit(0, 5).code, 200);
  for (int life = 0; life < 2; life++) {
    uint8_t   seed[32];
    cf_vkey_t other = key_from(seed, 0x11, "example.com/other", CF_VKEY_LOG);
    cf_witness_init(&w, &own_key, own_seed);
    ASSERT_STATUS(CF_OK, cf_witness_trust(&w, &other));
    assert_int_equal(load(), -1);
    assert_int_equal(submit(5, 6).code, 404);
    assert_int_equal(request("GET /" ID_HEX "/checkpoint", CF_SPAN_LIT("")).code, 404);
  }
  start();
  assert_int_equal(w.log[0].size, 5);
  assert_int_equal(submit(5, 6).code, 200);
}

static void
test_several_logs(void **state) {
  uint8_t   seed[32];
  cf_vkey_t other = key_from(seed, 0x11, "example.com/other", CF_VKEY_LOG);
  open_witness();
  ASSERT_STATUS(CF_ERR_POLICY, cf_witness_trust(&w, &log_key));
  ASSERT_STATUS(CF_ERR_POLICY, cf_witness_trust(&w, &own_key));
  ASSERT_STATUS(CF_OK, cf_witness_trust(&w, &other));
  assert_int_equal(load(), -1);
  assert_int_equal(submit(0, 4).code, 200);
  assert_int_equal(w.log[1].size, 0); /* one log's state is its own */
  for (int i = 2; i <= CF_WITNESS_LOGS_MAX; i++) {
    char name[32];
    snprintf(name, sizeof name, "example.com/%d", i);
    cf_vkey_t more = key_from(seed, (uint8_t)(0x80 + i), name, CF_VKEY_LOG);
    ASSERT_STATUS(i < CF_WITNESS_LOGS_MAX ? CF_OK : CF_ERR_BOUND, cf_witness_trust(&w, &more));
  }
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test_setup(test_known_cosignature, setup), cmocka_unit_test_setup(test_known_request, setup),
    cmocka_unit_test_setup(test_status_table, setup),      cmocka_unit_test_setup(test_foreign_lines, setup),
    cmocka_unit_test_setup(test_monitoring, setup),        cmocka_unit_test_setup(test_never_goes_back, setup),
    cmocka_unit_test_setup(test_bad_state_stops, setup),   cmocka_unit_test_setup(test_several_logs, setup),
    cmocka_unit_test_setup(test_taken_over, setup),        cmocka_unit_test_setup(test_power_cut, setup),
    cmocka_unit_test_setup(test_altered_state, setup),     cmocka_unit_test_setup(test_state_goes_back, setup),
    cmocka_unit_test_setup(test_burst, setup),             cmocka_unit_test_setup(test_state_bound, setup),       cmocka_unit_test_setup(test_retired_log, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
