/* A witness starts on a state that the input made of five true notes: the first byte says how many are the base, each pair behind it what is done
   at a place, the rest is appended as it is.  It stops, or it knows of at least the largest size of the notes that stand in the file
   whole, at the begin of a line or behind NULs; and what it writes then, it reads again. */
#include <assert.h>
#include <stdlib.h>

#include "translog/cf_line.h"
#include "translog/cf_witness.h"

#include "keys.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

enum { NOTES = 5, STATE_SZ = 8192 };

static uint8_t      scratch[CF_WITNESS_SCRATCH_MAX];
static uint8_t      note[NOTES][CF_WITNESS_NOTE_MAX];
static size_t       note_len[NOTES];
static cf_witness_t w;

static void
init(void) {
  keys_make();
  for (size_t i = 0; i < NOTES; i++) {
    cf_hash_t  root = cf_tree_leaf(CF_SPAN(&i, sizeof i));
    cf_wr_t    wr   = cf_wr_init(note[i], sizeof note[i]);
    cf_cosig_t cosig;
    cf_note_t  parsed;
    cf_checkpoint_sign(&wr, &log_key, log_seed, i + 1, &root);
    cf_status_t st = cf_note_parse(&parsed, cf_wr_out(&wr), NULL);
    assert(!st);
    cf_cosig_make(&cosig, own_seed, 1700000000, parsed.text);
    cf_cosig_line(&wr, &own_key, &cosig);
    assert(!wr.bad);
    note_len[i] = wr.len;
  }
}

/* START with that state; false: it stopped.  *out is the state that it wrote. */
static bool
start(cf_span_t state, cf_span_t *out) {
  cf_effects_t fx = { .scratch = scratch, .scratch_max = sizeof scratch };
  cf_event_t   ev = { .kind = CF_EV_START };
  *out            = CF_SPAN(NULL, 0);
  cf_witness_init(&w, &own_key, own_seed);
  cf_status_t st = cf_witness_trust(&w, &log_key);
  assert(!st);
  cf_witness_step(&w, &fx, &ev);
  ev     = (cf_event_t){ .kind = CF_EV_DONE, .id = fx.at[0].id, .code = 200, .body = state };
  fx.cnt = fx.scratch_len = 0;
  cf_witness_step(&w, &fx, &ev);
  assert(fx.cnt > 0);
  if (fx.at[0].kind == CF_FX_GET) { /* no note of the log: nothing else is there either */
    ev     = (cf_event_t){ .kind = CF_EV_DONE, .id = fx.at[0].id, .code = 404 };
    fx.cnt = 0;
    cf_witness_step(&w, &fx, &ev);
  }
  for (size_t i = 0; i < fx.cnt; i++) {
    if (fx.at[i].kind == CF_FX_EXIT) return false;
    if (fx.at[i].kind == CF_FX_PUT) *out = fx.at[i].body;
  }
  return true;
}

static uint64_t
stands(uint8_t const *state, size_t len) {
  for (size_t i = NOTES; i > 0; i--) {
    size_t n = note_len[i - 1];
    for (size_t at = 1; at + n < len; at++)
      if ((state[at - 1] == '\n' || !state[at - 1]) && state[at + n] == '\n' && !memcmp(state + at, note[i - 1], n)) return i;
  }
  return 0;
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t state[STATE_SZ], again[CF_WITNESS_BASE_MAX];
  if (!note_len[0]) init();
  if (size < 1) return 0;
  size_t  base = data[0] % (NOTES + 1), at = 1;
  cf_wr_t wr = cf_wr_init(state, sizeof state);
  cf_witness_state_begin(&wr, base);
  for (size_t i = 0; i < NOTES; i++) cf_witness_state_add(&wr, CF_SPAN(note[i], note_len[i]));
  size_t edits = data[0] / (NOTES + 1) % 8;
  for (; edits && at + 3 <= size; edits--, at += 3) { /* bytes set, lost from there, or the end cut off */
    size_t place = (size_t)(data[at] << 8 | data[at + 1]) % (wr.len + 1), n = data[at + 2] >> 2;
    if (data[at + 2] % 4 == 3) wr.len = place;
    else if (data[at + 2] % 4) memset(state + place, data[at + 2] % 4 == 1 ? 0 : (int)n, data[at + 2] % 4 == 2 ? place < wr.len : n < wr.len - place ? n : wr.len - place);
    else {
      size_t whole = data[at + 2] / 4 % NOTES; /* one of them once more */
      cf_witness_state_add(&wr, CF_SPAN(note[whole], note_len[whole]));
    }
  }
  if (size - at < sizeof state - wr.len) cf_wr_bytes(&wr, data + at, size - at);
  if (wr.bad) return 0;
  cf_span_t out;
  if (!start(cf_wr_out(&wr), &out)) return 0;
  uint64_t knows = w.log[0].size;
  assert(knows >= stands(state, wr.len));
  if (!out.len) return 0;
  memcpy(again, out.ptr, out.len);
  bool well = start(CF_SPAN(again, out.len), &out);
  assert(well && w.log[0].size == knows && w.log[0].note_len == note_len[knows - 1]);
  return 0;
}
