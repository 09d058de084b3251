#include "translog/cf_fork.h"

#include "translog/cf_line.h"
#include "translog/cf_submission.h"

#define HEAD "counterfoil/fork/v1"

/* ---- form ---- */

typedef struct {
  uint8_t text[CF_VKEY_TEXT_MAX + 1];
  size_t  len;
} key_text_t;

static key_text_t
key_text(cf_vkey_t const *key) {
  key_text_t t;
  cf_wr_t    wr = cf_wr_init(t.text, sizeof t.text);
  cf_vkey_format(&wr, key);
  t.len = wr.len;
  return t;
}

/* Whether a stands before b. */
static bool
rises(cf_vkey_t const *a, cf_vkey_t const *b) {
  key_text_t x = key_text(a), y = key_text(b);
  int        by = memcmp(x.text, y.text, x.len < y.len ? x.len : y.len);
  return by ? by < 0 : x.len < y.len;
}

static cf_status_t
key_line(cf_vkey_t *key, cf_span_t line, cf_vkey_type_t type) {
  cf_status_t st = cf_vkey_parse(key, line);
  return st ? st : key->type == type ? CF_OK : CF_ERR_FORMAT;
}

static cf_status_t
witness_lines(cf_fork_t *f, cf_span_t *line, cf_rd_t *rd) {
  for (f->witness_cnt = 0; cf_after(line, CF_SPAN_LIT("witness ")); f->witness_cnt++, *line = cf_rd_line(rd)) {
    if (f->witness_cnt == CF_WITNESSES_MAX) return CF_ERR_BOUND;
    cf_vkey_t  *key = &f->witness[f->witness_cnt];
    cf_status_t st  = key_line(key, *line, CF_VKEY_WITNESS);
    if (st) return st;
    if (f->witness_cnt && !rises(key - 1, key)) return CF_ERR_FORMAT;
    for (size_t i = 0; i < f->witness_cnt; i++) /* one key is one witness, under whatever names */
      if (!memcmp(f->witness[i].pub.b, key->pub.b, sizeof key->pub.b)) return CF_ERR_FORMAT;
  }
  return CF_OK;
}

static cf_status_t
note_parse(cf_span_t *note, cf_rd_t *rd) {
  cf_span_t   line = cf_rd_line(rd);
  uint64_t    n;
  cf_status_t st = cf_after(&line, CF_SPAN_LIT("note ")) ? cf_dec_u64(&n, line) : CF_ERR_FORMAT;
  if (st) return st;
  if (n > CF_CHECKPOINT_NOTE_MAX) return CF_ERR_BOUND;
  *note = cf_rd_take_span(rd, (size_t)n);
  return rd->bad ? CF_ERR_FORMAT : CF_OK;
}

cf_status_t
cf_fork_parse(cf_fork_t *out, cf_span_t in, cf_error_t *err) {
  if (in.len > CF_FORK_MAX) return cf_error_set(err, CF_ERR_BOUND, "fork", 0, "%zu bytes", in.len);
  cf_fork_t f  = { .witness_cnt = 0 };
  cf_rd_t   rd = cf_rd_span(in);
  if (!cf_span_eq(cf_rd_line(&rd), CF_SPAN_LIT(HEAD)))
    return cf_error_set(err, rd.bad ? CF_ERR_FORMAT : CF_ERR_UNSUPPORTED, "fork", 0, "first line is not " HEAD);
  cf_span_t   line = cf_rd_line(&rd);
  cf_status_t st   = cf_after(&line, CF_SPAN_LIT("log ")) ? key_line(&f.log, line, CF_VKEY_LOG) : CF_ERR_FORMAT;
  if (st) return cf_error_set(err, st, "fork", rd.pos, "log");
  line = cf_rd_line(&rd);
  st   = witness_lines(&f, &line, &rd);
  if (st) return cf_error_set(err, st, "fork", rd.pos, "witness");
  if (!cf_after(&line, CF_SPAN_LIT("other ")) || !cf_b64_exact(f.other.b, sizeof f.other.b, line))
    return cf_error_set(err, CF_ERR_FORMAT, "fork", rd.pos, "other");
  st = cf_path_lines_parse(f.path, &f.path_cnt, &rd);
  if (st) return cf_error_set(err, st, "fork", rd.pos, "path");
  for (size_t i = 0; !st && i < 2; i++) st = note_parse(&f.note[i], &rd);
  if (!st && !cf_rd_done(&rd)) st = CF_ERR_FORMAT;
  if (st) return cf_error_set(err, st, "fork", rd.pos, "note");
  *out = f;
  return CF_OK;
}

static void
key_write(cf_wr_t *wr, char const *word, cf_vkey_t const *key) {
  cf_wr_str(wr, word);
  cf_vkey_format(wr, key);
  cf_wr_str(wr, "\n");
}

void
cf_fork_write(cf_wr_t *wr, cf_fork_t const *f) {
  cf_wr_str(wr, HEAD "\n");
  key_write(wr, "log ", &f->log);
  for (size_t i = 0; i < f->witness_cnt; i++) key_write(wr, "witness ", &f->witness[i]);
  cf_wr_str(wr, "other ");
  cf_wr_b64_line(wr, CF_SPAN_OF(f->other.b));
  cf_path_lines_write(wr, f->path, f->path_cnt);
  for (size_t i = 0; i < 2; i++) {
    cf_wr_str(wr, "note ");
    cf_wr_dec(wr, f->note[i].len);
    cf_wr_str(wr, "\n");
    cf_wr_span(wr, f->note[i]);
  }
}

/* ---- truth ---- */

typedef struct {
  cf_checkpoint_t head;
  cf_span_t       text;
  uint8_t         sig[64];
  cf_cosig_t      cosig[CF_WITNESSES_MAX]; /* by set's members */
} opened_t;

static cf_status_t
open_note(opened_t *o, cf_span_t in, cf_witness_set_t const *set, cf_error_t *err) {
  return cf_checkpoint_gather(&o->head, &o->text, o->sig, o->cosig, in, set, err);
}

/* A proof's notes stand in one order. */
static bool
stand_in_order(cf_checkpoint_t const *a, cf_checkpoint_t const *b) {
  return a->size != b->size ? a->size < b->size : memcmp(a->root.b, b->root.b, sizeof a->root.b) <= 0;
}

static void
keys_of(cf_witness_set_t *set, cf_fork_t const *f) {
  *set = (cf_witness_set_t){ .log = f->log, .cnt = f->witness_cnt };
  memcpy(set->member, f->witness, f->witness_cnt * sizeof *f->witness);
}

/* The note is what its parts compose to, and nothing else. */
static cf_status_t
open_canonical(opened_t *o, cf_span_t note, cf_witness_set_t const *set, cf_error_t *err) {
  uint8_t     again[CF_CHECKPOINT_NOTE_MAX];
  cf_wr_t     wr = cf_wr_init(again, sizeof again);
  cf_status_t st = open_note(o, note, set, err);
  if (st) return st;
  cf_checkpoint_compose(&wr, o->text, set, o->sig, o->cosig);
  return cf_span_eq(cf_wr_out(&wr), note)
             ? CF_OK
             : cf_error_set(err, CF_ERR_AUTH, "fork.note", 0,
                            "of size %llu has a line that is not by one of the file's keys, or does not verify",
                            (unsigned long long)o->head.size);
}

cf_status_t
cf_fork_verify(cf_forked_t *out, cf_fork_t const *f, cf_error_t *err) {
  cf_witness_set_t set;
  opened_t         o[2];
  keys_of(&set, f);
  for (size_t i = 0; i < 2; i++) {
    cf_status_t st = open_canonical(&o[i], f->note[i], &set, err);
    if (st) return st;
  }
  for (size_t j = 0; j < f->witness_cnt; j++)
    if (!o[0].cosig[j].have && !o[1].cosig[j].have)
      return cf_error_set(err, CF_ERR_FORMAT, "fork.witness", 0, "%s signed neither note", f->witness[j].name);
  cf_checkpoint_t const *a = &o[0].head, *b = &o[1].head;
  if (!stand_in_order(a, b)) return cf_error_set(err, CF_ERR_FORMAT, "fork.note", 0, "in the wrong order");
  if (a->size == 0) return cf_error_set(err, CF_ERR_FORMAT, "fork.note", 0, "of no entries: whatever comes extends it");
  cf_status_t st = cf_tree_consistency_verify(&f->other, a->size, &b->root, b->size, f->path, f->path_cnt);
  if (st) return cf_error_set(err, st, "fork.path", 0, "does not lead to the head of size %llu", (unsigned long long)b->size);
  if (cf_hash_eq(&f->other, &a->root)) return cf_error_set(err, CF_ERR_AUTH, "fork", 0, "the heads agree: this is no fork");
  for (size_t i = 0; i < 2; i++) {
    out->head[i] = o[i].head;
    memcpy(out->cosig[i], o[i].cosig, sizeof o[i].cosig);
  }
  return CF_OK;
}

/* ---- making ---- */

/* Those of known who signed one of the two, in the file's order. */
static void
signers(cf_fork_t *f, cf_witness_set_t const *known, opened_t const o[2]) {
  for (size_t j = 0; j < known->cnt; j++) {
    if (!o[0].cosig[j].have && !o[1].cosig[j].have) continue;
    size_t at = f->witness_cnt++;
    for (; at && rises(&known->member[j], &f->witness[at - 1]); at--) f->witness[at] = f->witness[at - 1];
    f->witness[at] = known->member[j];
  }
}

cf_status_t
cf_fork_make(cf_wr_t *wr, cf_span_t a, cf_span_t b, cf_witness_set_t const *known, cf_tree_reader_t const *reader,
             cf_error_t *err) {
  uint8_t          note_buf[2][CF_CHECKPOINT_NOTE_MAX];
  cf_span_t        in[2] = { a, b };
  opened_t         o[2];
  cf_witness_set_t set;
  cf_forked_t      checked;
  cf_fork_t        f = { .log = known->log };
  for (size_t i = 0; i < 2; i++) {
    cf_status_t st = open_note(&o[i], in[i], known, err);
    if (st) return st;
  }
  if (!stand_in_order(&o[0].head, &o[1].head)) {
    opened_t swap = o[0];
    o[0] = o[1], o[1] = swap;
    in[0] = b, in[1] = a;
  }
  signers(&f, known, o);
  keys_of(&set, &f);
  for (size_t i = 0; i < 2; i++) {
    cf_wr_t     note = cf_wr_init(note_buf[i], sizeof note_buf[i]);
    cf_status_t st   = open_note(&o[i], in[i], &set, err); /* again: its cosignatures by the file's keys */
    if (st) return st;
    cf_checkpoint_compose(&note, o[i].text, &set, o[i].sig, o[i].cosig);
    f.note[i] = cf_wr_out(&note);
  }
  uint64_t m = o[0].head.size, n = o[1].head.size;
  f.other        = o[1].head.root;
  cf_status_t st = CF_OK;
  if (m && m < n && !reader) st = CF_ERR_FORMAT;
  if (m && m < n && !st) st = cf_tree_root(&f.other, reader, m);
  if (m && m < n && !st) st = cf_tree_consistency_prove(f.path, &f.path_cnt, reader, m, n);
  if (!st && cf_tree_consistency_verify(&f.other, m, &o[1].head.root, n, f.path, f.path_cnt)) st = CF_ERR_FORMAT;
  if (st)
    return cf_error_set(err, st, "fork", 0, "no hashes that lead from %llu entries to the head of %llu", (unsigned long long)m,
                        (unsigned long long)n);
  st = cf_fork_verify(&checked, &f, err);
  if (!st) cf_fork_write(wr, &f);
  return st;
}
