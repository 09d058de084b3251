#include "translog/cf_witness_state.h"

#include "translog/cf_line.h"

#define HEAD "witness-state "

void
cf_witness_state_begin(cf_wr_t *wr, size_t cnt) {
  cf_wr_str(wr, HEAD);
  cf_wr_dec(wr, cnt);
  cf_wr_str(wr, "\n");
}

void
cf_witness_state_add(cf_wr_t *wr, cf_span_t note) {
  cf_wr_span(wr, note);
  cf_wr_str(wr, "\n");
}

bool
cf_witness_notes_open(cf_witness_notes_t *n, cf_span_t state) {
  cf_rd_t   rd   = cf_rd_span(state);
  cf_span_t line = cf_rd_line(&rd);
  *n             = (cf_witness_notes_t){ .bad = true };
  if (rd.bad || !cf_after(&line, CF_SPAN_LIT(HEAD)) || cf_dec_u64(&n->base, line)) return false;
  n->bad  = false;
  n->rest = CF_SPAN(state.ptr + rd.pos, cf_rd_left(&rd));
  return true;
}

static bool
empty_line(cf_span_t s, size_t at) {
  return at > 0 && s.ptr[at] == '\n' && s.ptr[at - 1] == '\n';
}

/* The note at the beginning of s with the empty line behind it; 0: it is not whole, and *lost tells whether a power cut can do that. */
static size_t
whole(cf_span_t s, bool *lost) {
  size_t max = s.len < CF_WITNESS_NOTE_MAX + 1 ? s.len : CF_WITNESS_NOTE_MAX + 1, at = 0, lines = 0;
  for (; at < max && s.ptr[at]; at++)
    if (empty_line(s, at) && ++lines == 2) return at + 1;
  *lost = at < max || max == s.len;
  return 0;
}

/* Where a note may begin again: the next line, or behind what was lost. */
static cf_span_t
resume(cf_span_t s) {
  size_t at = 0;
  while (at < s.len && s.ptr[at] && s.ptr[at] != '\n') at++;
  if (at < s.len && s.ptr[at]) at++;
  while (at < s.len && !s.ptr[at]) at++;
  return CF_SPAN(s.ptr + at, s.len - at);
}

bool
cf_witness_notes_next(cf_witness_notes_t *n, cf_span_t *note) {
  while (n->rest.len && !n->bad) {
    cf_span_t at   = n->rest;
    bool      lost = false;
    size_t    len  = whole(at, &lost);
    if (!len && !n->torn) {
      n->bad  = n->base || !lost;
      n->torn = true;
    }
    n->rest = n->torn ? resume(at) : CF_SPAN(at.ptr + len, at.len - len);
    if (!len) continue;
    if (n->base) n->base--;
    *note = CF_SPAN(at.ptr, len - 1);
    return true;
  }
  n->bad = n->bad || n->base;
  return false;
}
