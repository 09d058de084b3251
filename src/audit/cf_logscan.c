#include "audit/cf_logscan.h"

#include <stdio.h>
#include <stdlib.h>

#include "audit/cf_audit_state.h"
#include "audit/cf_tiles.h"
#include "base/cf_text.h"

enum { PART_ROW = 2, PARTS_MAX = 1 << 20, FAULTS_MAX = 64 };

typedef struct {
  char text[4 + CF_TILE_PATH_MAX];
} name_t;

/* A domain's files of the log lie below log/. */
static char const *below(cf_logscan_t const *s) { return s->bare ? "" : "log/"; }

static name_t name_of(cf_logscan_t const *s, cf_tile_t t) {
  name_t n;
  snprintf(n.text, sizeof n.text, "%s", below(s));
  cf_tile_path(n.text + strlen(n.text), &t);
  return n;
}

static cf_status_t failed_io(cf_error_t *err, char const *name) { return cf_error_set(err, CF_ERR_IO, "log", 0, "%s: could not be read", name); }

/* A tile's bytes; the full one's, when a partial one is gone because that exists. */
static cf_read_t read_tile(cf_logscan_t const *s, cf_audit_reader_t const *reader, cf_tile_t t, cf_span_t *bytes, bool *full) {
  cf_read_t r = reader->read(reader->ctx, name_of(s, t).text, CF_BUNDLE_MAX, bytes);
  *full = r == CF_READ_ABSENT && t.width < CF_TILE_WIDTH;
  if (!*full) return r;
  t.width = CF_TILE_WIDTH;
  return reader->read(reader->ctx, name_of(s, t).text, CF_BUNDLE_MAX, bytes);
}

/* ---- the top ---- */

/* CF_ERR_FORMAT: missing, or of another length. */
static cf_status_t read_hashes(cf_hash_t *out, cf_logscan_t const *s, cf_audit_reader_t const *reader, unsigned level, uint64_t index, unsigned width,
                               cf_error_t *err) {
  cf_tile_t t = {.row = (int)level, .index = index, .width = width};
  cf_span_t bytes;
  bool      full;
  cf_read_t r = read_tile(s, reader, t, &bytes, &full);
  if (r == CF_READ_FAILED) return failed_io(err, name_of(s, t).text);
  if (r != CF_READ_OK || bytes.len != 32 * (size_t)(full ? CF_TILE_WIDTH : width)) return CF_ERR_FORMAT;
  memcpy(out, bytes.ptr, 32 * (size_t)width);
  return CF_OK;
}

/* The partial tiles of all rows, the highest first, fold to the root; those below a part fold to the last part's. */
static cf_status_t read_edge(cf_logscan_t *s, cf_audit_reader_t const *reader, cf_hash_t edge[CF_TILE_ROWS][CF_TILE_WIDTH], cf_error_t *err) {
  cf_frontier_t all = {0}, tail = {0};
  for (unsigned level = CF_TILE_ROWS; level-- > 0;) {
    uint64_t cnt = s->size >> 8 * level;
    unsigned width = (unsigned)(cnt % CF_TILE_WIDTH);
    if (!width) continue;
    cf_status_t st = read_hashes(edge[level], s, reader, level, cnt / CF_TILE_WIDTH, width, err);
    if (st) return st;
    for (unsigned i = 0; i < width; i++) {
      cf_frontier_add_tree(&all, 8 * level, &edge[level][i]);
      if (level < PART_ROW) cf_frontier_add_tree(&tail, 8 * level, &edge[level][i]);
    }
  }
  cf_hash_t root = cf_frontier_root(&all);
  s->tail = cf_frontier_root(&tail);
  return cf_hash_eq(&root, &s->root) ? CF_OK : CF_ERR_AUTH;
}

/* One row down: the tile below each hash has that root. */
static cf_status_t descend(cf_logscan_t *s, cf_audit_reader_t const *reader, unsigned level, cf_hash_t const *edge, cf_error_t *err) {
  uint64_t   above = s->size >> 8 * (level + 1), cnt = s->size >> 8 * level;
  cf_hash_t *row = malloc(cnt * sizeof *row);
  if (!row) abort();
  cf_status_t st = CF_OK;
  for (uint64_t i = 0; !st && i < above; i++) {
    st = read_hashes(&row[i * CF_TILE_WIDTH], s, reader, level, i, CF_TILE_WIDTH, err);
    cf_hash_t is = st ? (cf_hash_t){{0}} : cf_tree_root_of(&row[i * CF_TILE_WIDTH], CF_TILE_WIDTH);
    if (!st && !cf_hash_eq(&is, &s->top[i])) st = CF_ERR_AUTH;
  }
  if (!st) memcpy(&row[above * CF_TILE_WIDTH], edge, (cnt - above * CF_TILE_WIDTH) * sizeof *row);
  free(s->top);
  s->top = row;
  return st;
}

static cf_status_t read_top(cf_logscan_t *s, cf_audit_reader_t const *reader, cf_error_t *err) {
  cf_hash_t edge[CF_TILE_ROWS][CF_TILE_WIDTH];
  if (s->size >> 8 * PART_ROW > PARTS_MAX) return CF_ERR_BOUND;
  cf_status_t st = read_edge(s, reader, edge, err);
  for (unsigned level = CF_TILE_ROWS; !st && level-- > PART_ROW;)
    if (s->size >> 8 * level) st = descend(s, reader, level, edge[level], err);
  return st;
}

/* ---- the head ---- */

static cf_status_t read_key(cf_vkey_t *key, cf_audit_reader_t const *reader, cf_error_t *err) {
  cf_span_t text;
  cf_read_t r = reader->read(reader->ctx, "log.vkey", CF_VKEY_TEXT_MAX + 1, &text);
  if (r == CF_READ_FAILED) return failed_io(err, "log.vkey");
  if (r != CF_READ_OK) return cf_error_set(err, CF_ERR_FORMAT, "log.vkey", 0, "missing: name the log's key");
  if (text.len && text.ptr[text.len - 1] == '\n') text.len--;
  cf_status_t st = cf_vkey_parse(key, text);
  if (!st && key->type != CF_VKEY_LOG) st = CF_ERR_FORMAT;
  return st ? cf_error_set(err, st, "log.vkey", 0, "not a log's key") : CF_OK;
}

static cf_status_t not_named(cf_logscan_t const *s, cf_error_t *err) {
  return cf_error_set(err, CF_ERR_POLICY, "log", 0, "%scheckpoint: of no log that the policy names", below(s));
}

/* A policy that names logs takes no other. */
static cf_status_t find_key(cf_logscan_t *s, cf_audit_reader_t const *reader, cf_logscan_ask_t const *ask, cf_span_t head, cf_error_t *err) {
  cf_tlog_policy_t const *p = ask->policy;
  bool                    named = p && p->log_cnt;
  cf_note_t               note;
  if (ask->key) {
    bool is_one = !named;
    for (size_t i = 0; named && i < p->log_cnt; i++) is_one |= !memcmp(ask->key->pub.b, p->log[i].key.pub.b, 32);
    s->key = *ask->key;
    return is_one ? CF_OK : not_named(s, err);
  }
  if (!named) return read_key(&s->key, reader, err);
  if (cf_note_parse(&note, head, NULL)) return cf_error_set(err, CF_ERR_FORMAT, "log", 0, "%scheckpoint: not a note", below(s));
  cf_vkey_t const *key = cf_tlog_policy_log(p, &note);
  if (!key) return not_named(s, err);
  s->key = *key;
  return CF_OK;
}

/* Of a stranger's log others may have signed the head, too; a domain's is the log's note alone. */
static cf_status_t judge_head(cf_logscan_t *s, cf_span_t bytes, cf_tlog_policy_t const *policy, cf_error_t *err) {
  cf_note_t        note;
  cf_checkpoint_t  head;
  cf_cosig_t       none[CF_WITNESSES_MAX] = {{0}};
  cf_witness_set_t log = {.log = s->key};
  cf_hash_t        empty = cf_tree_empty();
  uint32_t         signers;
  uint8_t          sig[64], again_buf[CF_CHECKPOINT_NOTE_MAX];
  cf_wr_t          again = cf_wr_init(again_buf, sizeof again_buf);
  cf_error_t       why = {0};
  cf_status_t      st = cf_checkpoint_open(&head, &note, sig, bytes, &s->key, &why);
  if (!st && s->bare && policy) st = cf_tlog_policy_verify(&signers, policy, &note, &why);
  if (st) return cf_error_set(err, st, "log", 0, "%scheckpoint: %.150s", below(s), why.text);
  cf_checkpoint_compose(&again, note.text, &log, sig, none);
  if (!s->bare && !cf_span_eq(bytes, cf_wr_out(&again)))
    return cf_error_set(err, CF_ERR_AUTH, "log", 0, "log/checkpoint: is not the log's note alone");
  if (!s->bare && !head.size) return cf_error_set(err, CF_ERR_AUTH, "log", 0, "log/checkpoint: the log is empty; its entry 0 is genesis");
  if (!head.size && !cf_hash_eq(&head.root, &empty))
    return cf_error_set(err, CF_ERR_AUTH, "log", 0, "checkpoint: size 0 with a root that is not the empty tree's");
  s->size = head.size;
  s->root = head.root;
  return CF_OK;
}

static cf_status_t read_head(cf_logscan_t *s, cf_audit_reader_t const *reader, cf_logscan_ask_t const *ask, cf_error_t *err) {
  cf_span_t bytes;
  uint8_t   head[CF_NOTE_MAX];
  cf_read_t r = reader->read(reader->ctx, "log/checkpoint", CF_NOTE_MAX, &bytes);
  if (r == CF_READ_ABSENT) {
    r = reader->read(reader->ctx, "checkpoint", CF_NOTE_MAX, &bytes);
    s->bare = r != CF_READ_ABSENT;
  }
  if (r == CF_READ_FAILED) return failed_io(err, s->bare ? "checkpoint" : "log/checkpoint");
  if (r == CF_READ_LARGE) return cf_error_set(err, CF_ERR_AUTH, "log", 0, "%scheckpoint: larger than a note can be", below(s));
  if (r != CF_READ_OK) return cf_error_set(err, CF_ERR_AUTH, "log", 0, "log/checkpoint: missing; every log has a newest checkpoint");
  if (bytes.len) memcpy(head, bytes.ptr, bytes.len); /* it outlasts the reading of log.vkey */
  bytes = CF_SPAN(head, bytes.len);
  cf_status_t st = find_key(s, reader, ask, bytes, err);
  return st ? st : judge_head(s, bytes, ask->policy, err);
}

cf_status_t cf_logscan_open(cf_logscan_t *s, cf_audit_reader_t const *reader, cf_logscan_ask_t const *ask, cf_error_t *err) {
  *s = (cf_logscan_t){0};
  cf_status_t st = read_head(s, reader, ask, err);
  if (st) return st;
  st = s->size > CF_LOGSCAN_PART ? read_top(s, reader, err) : CF_ERR_BOUND;
  s->whole = st != CF_OK;
  s->parts = s->whole ? s->size > 0 : (s->size + CF_LOGSCAN_PART - 1) / CF_LOGSCAN_PART;
  if (st != CF_ERR_IO) return CF_OK;
  cf_logscan_close(s);
  return st;
}

void cf_logscan_close(cf_logscan_t *s) {
  free(s->top);
  s->top = NULL;
}

/* ---- a part ---- */

/* A part is read as a log of its own, whose tiles are called as they lie in the whole. */
static uint64_t shift_of(cf_logscan_t const *s, uint64_t part, int row) {
  uint64_t shift = s->whole ? 0 : part * (CF_LOGSCAN_PART / CF_TILE_WIDTH);
  return row > 0 ? shift >> 8 * row : shift;
}

static cf_status_t give(cf_logscan_t const *s, cf_audit_reader_t const *reader, uint64_t part, cf_logreader_t *log, cf_tile_t want,
                        cf_error_t *err) {
  cf_span_t bytes;
  bool      full;
  if (!s->whole && want.row == PART_ROW) { /* the row above it has been proven */
    cf_logreader_give(log, CF_SPAN_OF(s->top[part].b), false);
    return CF_OK;
  }
  want.index += shift_of(s, part, want.row);
  cf_read_t r = read_tile(s, reader, want, &bytes, &full);
  if (r == CF_READ_FAILED) return failed_io(err, name_of(s, want).text);
  if (r == CF_READ_OK) cf_logreader_give(log, bytes, full);
  else cf_logreader_missing(log);
  return CF_OK;
}

/* The checkpoint says which of two files that contradict each other is the altered one, if it can. */
static cf_status_t say(cf_logscan_t const *s, cf_logreader_t const *log, cf_log_fault_t f, cf_error_t *err) {
  cf_hash_t by_tiles = cf_frontier_root(&log->by_tiles), by_entries = cf_frontier_root(&log->by_entries);
  bool      tiles = cf_hash_eq(&by_tiles, &log->root), entries = !log->entries_lost && cf_hash_eq(&by_entries, &log->root);
  char      is[68], says[68];
  cf_tile_t other = f.file;
  cf_differing(is, says, &f.is, &f.says);
  switch (f.kind) {
  case CF_LOG_FAULT_MISSING:
    return cf_error_set(err, CF_ERR_AUTH, "log", 0, "%s: missing", name_of(s, f.file).text);
  case CF_LOG_FAULT_MALFORMED:
    return cf_error_set(err, CF_ERR_AUTH, "log", 0, "%s: does not hold %u %s", name_of(s, f.file).text, f.file.width,
                        f.file.row == CF_TILE_ENTRIES ? "entries" : "hashes");
  case CF_LOG_FAULT_ENTRY:
    if (entries)
      return cf_error_set(err, CF_ERR_AUTH, "log", 0, "%s: hash %llu says %s, the entry hashes to %s, and the checkpoint agrees with it",
                          name_of(s, f.file).text, (ull_t)f.at, says, is);
    other.row = CF_TILE_ENTRIES;
    return cf_error_set(err, CF_ERR_AUTH, "log", 0, "%s: entry %llu hashes to %s, %s says %s", name_of(s, other).text, (ull_t)f.at, is,
                        name_of(s, f.file).text, says);
  case CF_LOG_FAULT_TILE:
    if (tiles)
      return cf_error_set(err, CF_ERR_AUTH, "log", 0, "%s: hash %llu is %s, the tile below gives %s, and the checkpoint agrees with that",
                          name_of(s, f.file).text, (ull_t)f.at, says, is);
    other = (cf_tile_t){.row = f.file.row - 1, .index = f.at, .width = CF_TILE_WIDTH};
    return cf_error_set(err, CF_ERR_AUTH, "log", 0, "%s: has root %s, %s says %s", name_of(s, other).text, is, name_of(s, f.file).text, says);
  case CF_LOG_FAULT_FORK:
    return cf_error_set(err, CF_ERR_AUTH, "log", 0, "%scheckpoint: its first %llu entries have root %s, and what was read before %s", below(s), (ull_t)f.at, is, says);
  case CF_LOG_FAULT_ROOT:
    break;
  }
  return cf_error_set(err, CF_ERR_AUTH, "log", 0, "%scheckpoint: entries and tiles of size %llu have root %s, it says %s", below(s), (ull_t)f.at, is,
                      says);
}

cf_status_t cf_logscan_part(cf_logscan_t const *s, cf_audit_reader_t const *reader, uint64_t part, cf_error_t *err) {
  cf_logscan_t const *w = s;
  cf_logreader_t      log;
  cf_tile_t           want;
  cf_status_t         st = CF_OK;
  uint64_t            cnt = cf_logscan_entries(s, part);
  cf_hash_t const    *root = w->whole ? &w->root : cnt == CF_LOGSCAN_PART ? &w->top[part] : &w->tail;
  cf_logreader_init(&log, &(cf_logreader_sink_t){0});
  if (cf_logreader_begin(&log, cnt, root)) return cf_error_set(err, CF_ERR_BOUND, "log", 0, "%scheckpoint: too large a size", below(s));
  /* A checkpoint may claim any size: what is not there is not asked for again and again. */
  while (cf_logreader_want(&log, &want) && !st && log.fault_cnt <= FAULTS_MAX) st = give(s, reader, part, &log, want, err);
  if (st) return st;
  if (log.fault_cnt <= FAULTS_MAX && !cf_logreader_end(&log, NULL)) return CF_OK;
  cf_log_fault_t f = log.first;
  f.file.index += shift_of(s, part, f.file.row);
  f.at += f.kind == CF_LOG_FAULT_ROOT ? 0 : shift_of(s, part, f.file.row) * CF_TILE_WIDTH;
  return say(s, &log, f, err);
}

cf_status_t cf_logscan_more(cf_logreader_t *log, cf_audit_reader_t const *reader, uint64_t size, cf_hash_t const *root, cf_error_t *err) {
  cf_logscan_t   s = {.bare = true, .whole = true, .size = size, .root = *root};
  cf_logreader_t before = *log;
  cf_tile_t      want;
  cf_status_t    st = cf_logreader_begin(log, size, root);
  if (st) return cf_error_set(err, st, "log", 0, "checkpoint: smaller than what was read, or too large");
  while (cf_logreader_want(log, &want) && !st && log->fault_cnt <= FAULTS_MAX) st = give(&s, reader, 0, log, want, err);
  if (!st && (log->fault_cnt || cf_logreader_end(log, NULL))) st = say(&s, log, log->first, err);
  if (st) *log = before;
  return st;
}

/* ---- what lies beside ---- */

typedef struct {
  cf_logscan_t const *s;
  cf_tile_t          *narrow;
  uint64_t           *kept;
  size_t              narrow_cnt, kept_cnt;
} beside_t;

static void *room_for_one(void *rows, size_t cnt, size_t row_sz) {
  if ((cnt & (cnt - 1)) != 0) return rows;
  rows = realloc(rows, (cnt ? 2 * cnt : 1) * row_sz);
  if (!rows) abort();
  return rows;
}

static unsigned width_of(uint64_t size, cf_tile_t const *t) {
  uint64_t cnt = t->row > 0 ? size >> 8 * t->row : size, first = t->index * CF_TILE_WIDTH;
  return cnt <= first ? 0 : cnt - first < CF_TILE_WIDTH ? (unsigned)(cnt - first) : CF_TILE_WIDTH;
}

static void on_name(void *ctx, char const *name) {
  beside_t    *b = ctx;
  cf_tile_t    t;
  uint64_t     size;
  size_t const n = strlen(below(b->s));
  if (!b->s->bare && cf_audit_note_size(&size, name)) {
    b->kept = room_for_one(b->kept, b->kept_cnt, sizeof *b->kept);
    b->kept[b->kept_cnt++] = size;
  } else if (!strncmp(name, below(b->s), n) && !cf_tile_parse(&t, CF_SPAN(name + n, strlen(name) - n)) && t.row < CF_TILE_ROWS &&
             t.width < width_of(b->s->size, &t)) {
    b->narrow = room_for_one(b->narrow, b->narrow_cnt, sizeof *b->narrow);
    b->narrow[b->narrow_cnt++] = t;
  }
}

static int by_u64(void const *x, void const *y) {
  uint64_t a = *(uint64_t const *)x, b = *(uint64_t const *)y;
  return (a > b) - (a < b);
}

static int by_tile(void const *x, void const *y) {
  cf_tile_t const *a = x, *b = y;
  if (a->row != b->row) return a->row < b->row ? -1 : 1;
  if (a->index != b->index) return a->index < b->index ? -1 : 1;
  return (a->width > b->width) - (a->width < b->width);
}

/* Of the file of a tile, the bytes of its first width entries or hashes; SIZE_MAX: it has fewer. */
static size_t prefix_sz(cf_span_t wide, cf_tile_t const *t) {
  cf_rd_t   rd = cf_rd_span(wide);
  cf_span_t entry;
  unsigned  n = 0;
  if (t->row != CF_TILE_ENTRIES) return 32 * (size_t)t->width;
  while (n < t->width && cf_bundle_next(&rd, &entry)) n++;
  return n == t->width ? rd.pos : SIZE_MAX;
}

static cf_status_t check_narrow(beside_t const *b, cf_audit_reader_t const *reader, cf_error_t *err) {
  cf_logscan_t const *s = b->s;
  uint8_t    *wide = NULL;
  size_t      wide_sz = 0;
  cf_status_t st = CF_OK;
  for (size_t i = 0; !st && i < b->narrow_cnt; i++) {
    cf_tile_t t = b->narrow[i], wider = t;
    cf_span_t bytes;
    bool      full;
    if (i == 0 || t.row != b->narrow[i - 1].row || t.index != b->narrow[i - 1].index) {
      wider.width = width_of(s->size, &t);
      if (read_tile(s, reader, wider, &bytes, &full) != CF_READ_OK) st = failed_io(err, name_of(s, wider).text); /* it was there a moment ago */
      if (st) break;
      free(wide);
      wide = malloc(bytes.len + 1);
      if (!wide) abort();
      memcpy(wide, bytes.ptr, bytes.len);
      wide_sz = bytes.len;
    }
    cf_read_t r = read_tile(s, reader, t, &bytes, &full);
    if (r == CF_READ_FAILED) st = failed_io(err, name_of(s, t).text);
    if (r != CF_READ_FAILED && !full &&
        (r != CF_READ_OK || bytes.len > wide_sz || bytes.len != prefix_sz(CF_SPAN(wide, wide_sz), &t) || memcmp(bytes.ptr, wide, bytes.len)))
      st = cf_error_set(err, CF_ERR_AUTH, "log", 0, "%s: is not the beginning of the wider file of the same tile", name_of(s, t).text);
  }
  free(wide);
  return st;
}

/* The tiles were found to be the log's: roots of smaller sizes are theirs. */
static cf_status_t check_kept(cf_logscan_rest_t *out, cf_logscan_t const *s, beside_t const *b, cf_audit_reader_t const *reader, cf_error_t *err) {
  cf_tiles_t *tiles = malloc(sizeof *tiles);
  cf_status_t st = CF_OK;
  if (!tiles) abort();
  cf_tiles_init(tiles, reader, s->size);
  for (size_t i = 0; !st && i < b->kept_cnt; i++) {
    char            name[40];
    cf_span_t       bytes;
    cf_note_t       note;
    cf_checkpoint_t c;
    cf_hash_t       is = cf_tree_empty();
    uint64_t        size = b->kept[i];
    cf_error_t      why = {0};
    snprintf(name, sizeof name, "checkpoints/%020llu", (ull_t)size);
    if (reader->read(reader->ctx, name, CF_NOTE_MAX, &bytes) != CF_READ_OK) {
      st = cf_error_set(err, CF_ERR_IO, "log", 0, "%s cannot be read", name);
      break;
    }
    st = cf_checkpoint_open(&c, &note, NULL, bytes, &s->key, &why);
    if (st) st = cf_error_set(err, st, "log", 0, "%s: %.120s", name, why.text);
    else if (c.size != size) st = cf_error_set(err, CF_ERR_FORMAT, "log", 0, "%s is a checkpoint of size %llu", name, (ull_t)c.size);
    else if (size > s->size)
      st = cf_error_set(err, CF_ERR_AUTH, "log", 0, "rollback: %s is larger than log/checkpoint, of size %llu", name, (ull_t)s->size);
    if (st) break;
    size_t sig_cnt = note.sig_cnt;
    if (size && (st = cf_tiles_root(tiles, &is, size, &s->root))) st = st == CF_ERR_IO ? failed_io(err, name) : cf_error_set(err, st, "log", 0, "%s: the tiles changed meanwhile", name);
    else if (!cf_hash_eq(&is, &c.root)) st = cf_error_set(err, CF_ERR_AUTH, "log", 0, "fork: %s is not of this log; keep both", name);
    out->checkpoints++;
    if (sig_cnt > 1) out->cosigned = size; /* they rise */
  }
  free(tiles);
  return st;
}

/* The note that a quorum should have cosigned; whether it is of this log was asked, where notes could be listed. */
static cf_status_t check_quorum(cf_logscan_t const *s, cf_audit_reader_t const *reader, cf_tlog_policy_t const *policy, uint64_t size, cf_error_t *err) {
  char            name[40];
  cf_span_t       bytes;
  cf_note_t       note;
  cf_checkpoint_t c;
  uint32_t        signers;
  cf_error_t      why = {0};
  snprintf(name, sizeof name, "checkpoints/%020llu", (ull_t)size);
  cf_read_t r = reader->read(reader->ctx, name, CF_NOTE_MAX, &bytes);
  if (r == CF_READ_FAILED) return failed_io(err, name);
  if (r != CF_READ_OK) return cf_error_set(err, CF_ERR_POLICY, "log", 0, "%s: missing; no other kept checkpoint is known here", name);
  cf_status_t st = cf_checkpoint_open(&c, &note, NULL, bytes, &s->key, &why);
  if (!st && c.size == s->size && !cf_hash_eq(&c.root, &s->root)) st = cf_error_set(&why, CF_ERR_AUTH, "log", 0, "fork: not of this log; keep both");
  if (!st && c.size != size) st = cf_error_set(&why, CF_ERR_FORMAT, "log", 0, "is a checkpoint of size %llu", (ull_t)c.size);
  if (!st) st = cf_tlog_policy_verify(&signers, policy, &note, &why);
  return st ? cf_error_set(err, st, "log", 0, "%s: %.140s", name, why.text) : CF_OK;
}

static cf_status_t look_beside(cf_logscan_rest_t *out, cf_logscan_t const *s, cf_audit_reader_t const *reader, cf_error_t *err) {
  beside_t    b = {.s = s};
  cf_status_t st = reader->list(reader->ctx, on_name, &b) ? failed_io(err, "the folder") : CF_OK;
  if (b.kept_cnt) qsort(b.kept, b.kept_cnt, sizeof *b.kept, by_u64);
  if (b.narrow_cnt) qsort(b.narrow, b.narrow_cnt, sizeof *b.narrow, by_tile);
  if (!st) st = check_narrow(&b, reader, err);
  if (!st) st = check_kept(out, s, &b, reader, err);
  free(b.kept);
  free(b.narrow);
  return st;
}

cf_status_t cf_logscan_rest(cf_logscan_rest_t *out, cf_logscan_t const *s, cf_audit_reader_t const *reader, cf_tlog_policy_t const *policy,
                            cf_error_t *err) {
  cf_status_t st = CF_OK;
  *out = (cf_logscan_rest_t){0};
  if (reader->list) st = look_beside(out, s, reader, err);
  if (st || !policy || policy->quorum == CF_TLOG_POLICY_NONE) return st;
  if (!out->cosigned) out->cosigned = s->size;
  return s->bare /* it was asked first of all */ ? CF_OK : check_quorum(s, reader, policy, out->cosigned, err);
}
