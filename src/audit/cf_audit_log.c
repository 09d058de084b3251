/* The log's files against each other and the newest checkpoint; the kept checkpoints. */
#include <stdio.h>
#include <stdlib.h>

#include "audit/cf_audit_state.h"
#include "base/cf_text.h"
#include "translog/cf_fork.h"

/* ---- the tree ---- */

void cf_audit_leaf(cf_audit_t *a, cf_hash_t const *leaf) {
  cf_hash_t h = *leaf;
  for (unsigned l = 0;; l++) {
    cf_vec_t *row = &a->level[l];
    *(cf_hash_t *)cf_vec_add(row, &a->mem) = h;
    if (row->cnt % 2) return;
    h = cf_sha256_node(cf_vec_at(row, row->cnt - 2), &h);
  }
}

cf_hash_t cf_audit_root(cf_audit_t const *a, uint64_t size) {
  if (size == 0) return cf_tree_empty();
  unsigned l = 0;
  while (!(size >> l & 1)) l++;
  cf_hash_t h = *(cf_hash_t const *)cf_vec_at(&a->level[l], (size >> l) - 1);
  for (l++; size >> l; l++)
    if (size >> l & 1) h = cf_sha256_node(cf_vec_at(&a->level[l], (size >> l) - 1), &h);
  return h;
}

/* ---- files ---- */

static void cut_at(cf_audit_t *a, uint64_t entry) {
  if (entry < a->good) a->good = entry;
}

static void on_entry(void *ctx, uint64_t index, cf_span_t bytes, cf_hash_t const *leaf) {
  cf_audit_t *a = ctx;
  if (index == a->level[0].cnt) cf_audit_leaf(a, leaf); /* behind a lost bundle nothing is of use */
}

/* Which entries does it concern?  Above level 0 a hash stands for a power of 256 of them. */
static uint64_t first_entry_of(cf_log_fault_t const *f) {
  unsigned level = f->file.row > 0 ? (unsigned)f->file.row : 0;
  return f->at << (8 * level);
}

static void on_fault(void *ctx, cf_log_fault_t const *f) {
  cf_audit_t *a = ctx;
  switch (f->kind) {
  case CF_LOG_FAULT_FORK:
  case CF_LOG_FAULT_ROOT:
    cut_at(a, 0);
    return;
  case CF_LOG_FAULT_MISSING:
  case CF_LOG_FAULT_MALFORMED:
  case CF_LOG_FAULT_ENTRY:
  case CF_LOG_FAULT_TILE:
    cut_at(a, first_entry_of(f));
    return;
  }
}

/* Keeps the tile under way: the narrower files of the same tile are prefixes of it. */
static cf_span_t keep_tile(cf_audit_t *a, cf_span_t bytes) {
  if (bytes.len > a->bundle_max) {
    a->bundle_max = bytes.len > 65536 ? 2 * bytes.len : 65536;
    a->bundle = cf_mem_take(&a->mem, a->bundle_max);
  }
  if (bytes.len) memcpy(a->bundle, bytes.ptr, bytes.len);
  a->bundle_sz = bytes.len;
  return CF_SPAN(a->bundle, bytes.len);
}

static int by_tile(void const *x, void const *y) {
  cf_tile_name_t const *a = *(cf_tile_name_t *const *)x, *b = *(cf_tile_name_t *const *)y;
  if (a->tile.row != b->tile.row) return a->tile.row < b->tile.row ? -1 : 1;
  if (a->tile.index != b->tile.index) return a->tile.index < b->tile.index ? -1 : 1;
  return a->tile.width < b->tile.width ? -1 : a->tile.width > b->tile.width;
}

/* Bytes of the first n entries of the bundle that is kept; hashes are 32 each. */
static size_t prefix_sz(cf_audit_t const *a, cf_tile_t const *t) {
  if (t->row != CF_TILE_ENTRIES) return 32 * (size_t)t->width;
  cf_rd_t   rd = cf_rd_init(a->bundle, a->bundle_sz);
  cf_span_t entry;
  for (unsigned i = 0; i < t->width && cf_bundle_next(&rd, &entry); i++) {}
  return rd.bad ? SIZE_MAX : rd.pos;
}

/* The log's writer removes the partial files of a tile when the full one is durable. */
static bool outgrown(cf_audit_t *a, cf_tile_t const *t) {
  char      name[4 + CF_TILE_PATH_MAX] = "log/";
  cf_span_t bytes;
  cf_tile_t full = *t;
  full.width = CF_TILE_WIDTH;
  cf_tile_path(name + 4, &full);
  return cf_audit_try(a, &bytes, name, CF_BUNDLE_MAX) == CF_READ_OK;
}

static void check_narrower(cf_audit_t *a, cf_tile_name_t const *const *sorted, size_t cnt, cf_tile_t const *want) {
  size_t lo = 0, hi = cnt;
  while (lo < hi) { /* the first of this tile */
    size_t           mid = lo + (hi - lo) / 2;
    cf_tile_t const *t = &sorted[mid]->tile;
    if (t->row < want->row || (t->row == want->row && t->index < want->index)) lo = mid + 1;
    else hi = mid;
  }
  for (; lo < cnt && sorted[lo]->tile.row == want->row && sorted[lo]->tile.index == want->index; lo++) {
    cf_tile_t const *t = &sorted[lo]->tile;
    char const      *name = ((cf_name_t *)cf_vec_at(&a->names, sorted[lo]->name))->name;
    cf_span_t        bytes;
    cf_who_t         who = {CF_RANK_LOG, 9, 0, t->index * CF_TILE_WIDTH << (t->row > 0 ? 8 * t->row : 0), CF_ABOUT_OTHER};
    if (t->width >= want->width) continue;
    cf_read_t r = cf_audit_try(a, &bytes, name, CF_BUNDLE_MAX);
    if (r == CF_READ_ABSENT && outgrown(a, t)) continue;
    if (r != CF_READ_OK && !cf_audit_read(a, &bytes, name, CF_BUNDLE_MAX, who, "it was listed")) continue;
    if (a->bundle_sz == 0) continue; /* the wider one is gone, as told: this one has nothing to agree with */
    if (bytes.len <= a->bundle_sz && bytes.len == prefix_sz(a, t) && !memcmp(bytes.ptr, a->bundle, bytes.len)) continue;
    *(cf_narrow_row_t *)cf_vec_add(&a->narrow, &a->mem) = (cf_narrow_row_t){name, who};
  }
}

static void read_tile(cf_audit_t *a, cf_tile_t const *want) {
  char      name[4 + CF_TILE_PATH_MAX] = "log/";
  cf_span_t bytes;
  bool      full = false;
  cf_tile_path(name + 4, want);
  cf_read_t r = cf_audit_try(a, &bytes, name, CF_BUNDLE_MAX);
  if (r == CF_READ_ABSENT && want->width < CF_TILE_WIDTH) {
    cf_tile_t whole = *want;
    whole.width = CF_TILE_WIDTH;
    cf_tile_path(name + 4, &whole);
    full = true;
    r = cf_audit_try(a, &bytes, name, CF_BUNDLE_MAX);
  }
  a->bundle_sz = 0;
  if (r == CF_READ_OK) cf_logreader_give(&a->log, keep_tile(a, bytes), full);
  else cf_logreader_missing(&a->log);
}

/* Of an altered entry nothing can be believed; but where its form is still a receipt's, that is the receipt that it hits. */
static uint64_t receipt_hit(cf_audit_t *a, cf_log_fault_t const *f) {
  char         name[4 + CF_TILE_PATH_MAX] = "log/";
  cf_tile_t    t = f->file;
  cf_span_t    bytes, entry = {0};
  cf_receipt_t doc;
  cf_sign1_t   s;
  if (f->kind != CF_LOG_FAULT_ENTRY) return 0;
  t.row = CF_TILE_ENTRIES;
  cf_tile_path(name + 4, &t);
  if (cf_audit_try(a, &bytes, name, CF_BUNDLE_MAX) != CF_READ_OK) return 0;
  cf_rd_t rd = cf_rd_span(bytes);
  for (uint64_t i = t.index * CF_TILE_WIDTH; i <= f->at; i++)
    if (!cf_bundle_next(&rd, &entry)) return 0;
  return cf_document_open(&doc, &s, &cf_receipt_table, entry, NULL) ? 0 : doc.sequence;
}

/* An entry and its tile contradict each other: the checkpoint says which of the two files is the altered one, if it can. */
static void tell_entry(cf_audit_t *a, cf_who_t who, bool entry_is_right) {
  cf_log_fault_t const *f = &a->log.first;
  cf_tile_t             bundle = f->file;
  char                  tile[4 + CF_TILE_PATH_MAX] = "log/", entries[4 + CF_TILE_PATH_MAX] = "log/", is[68], says[68];
  bundle.row = CF_TILE_ENTRIES;
  cf_tile_path(tile + 4, &f->file);
  cf_tile_path(entries + 4, &bundle);
  cf_differing(is, says, &f->is, &f->says);
  if (entry_is_right)
    cf_audit_fault(a, who, tile, cf_next_copy, "hash %llu says %s, the entry hashes to %s, and the checkpoint agrees with it",
                   (ull_t)f->at, says, is);
  else cf_audit_fault(a, who, entries, cf_next_copy, "entry %llu hashes to %s, %s says %s", (ull_t)f->at, is, tile + 4, says);
}

static void tell(cf_audit_t *a, cf_error_t const *err) {
  cf_log_fault_t const *f = &a->log.first;
  bool                  whole = f->kind == CF_LOG_FAULT_ROOT || f->kind == CF_LOG_FAULT_FORK;
  cf_who_t              who = {CF_RANK_LOG, 9, receipt_hit(a, f), whole ? CF_NO_INDEX : first_entry_of(f), CF_ABOUT_OTHER};
  char const           *text = err->text, *colon = strstr(err->text, ": ");
  char                  file[80] = "log/checkpoint";
  cf_hash_t             by_entries = cf_frontier_root(&a->log.by_entries);
  if (!whole && colon && f->kind == CF_LOG_FAULT_ENTRY) {
    tell_entry(a, who, !a->log.entries_lost && cf_hash_eq(&by_entries, &a->root));
    return;
  }
  if (!whole && colon) { /* "tile/...: what" */
    snprintf(file, sizeof file, "log/%.*s", (int)(colon - text), text);
    text = colon + 2;
  }
  cf_audit_fault(a, who, file, cf_next_copy, "%s", text);
}

/* Told only where the wider files hold: else these may be the genuine ones. */
static void tell_narrower(cf_audit_t *a) {
  for (uint64_t i = 0; i < a->narrow.cnt; i++) {
    cf_narrow_row_t const *n = cf_vec_at(&a->narrow, i);
    cf_audit_fault(a, n->who, n->name, cf_next_copy, "is not the beginning of the wider file of the same tile");
  }
}

static bool read_files(cf_audit_t *a) {
  size_t                 cnt = (size_t)a->tiles.cnt;
  cf_tile_name_t const **sorted = cf_mem_take(&a->mem, (cnt + 1) * sizeof *sorted);
  cf_logreader_sink_t    sink = {on_entry, on_fault, a};
  cf_tile_t              want;
  cf_error_t             err = {0};
  for (size_t i = 0; i < cnt; i++) sorted[i] = cf_vec_at(&a->tiles, i);
  if (cnt) qsort(sorted, cnt, sizeof *sorted, by_tile);
  a->good = a->size;
  cf_logreader_init(&a->log, &sink);
  if (cf_logreader_begin(&a->log, a->size, &a->root)) return false;
  while (cf_logreader_want(&a->log, &want) && !a->failed_io) {
    read_tile(a, &want);
    check_narrower(a, sorted, cnt, &want);
    /* A checkpoint may claim any size: what is not there is not asked for again and again. */
    if (a->log.fault_cnt > 64) break;
  }
  if (a->failed_io) return false;
  if (a->log.fault_cnt > 64) snprintf(err.text, sizeof err.text, "more than 64 files of the log are missing or altered");
  else if (!cf_logreader_end(&a->log, &err)) {
    tell_narrower(a);
    return true;
  }
  tell(a, &err);
  a->cut = a->unread = true;
  if (a->good > a->level[0].cnt) a->good = a->level[0].cnt;
  return true;
}

/* ---- the head ---- */

bool cf_audit_note_size(uint64_t *size, char const *name) {
  size_t len = strlen(name);
  char   again[40];
  if (len != 32 || strncmp(name, "checkpoints/", 12)) return false;
  uint64_t v = 0;
  for (size_t i = 12; i < len; i++) {
    unsigned d = (unsigned)(unsigned char)name[i] - '0';
    if (d > 9 || v > (UINT64_MAX - d) / 10) return false;
    v = v * 10 + d;
  }
  snprintf(again, sizeof again, "checkpoints/%020llu", (ull_t)v);
  *size = v;
  return !strcmp(again, name) && v <= CF_TREE_SIZE_MAX;
}

/* Without the log's own head, the largest that a quorum stands behind will do. */
static void head_from_notes(cf_audit_t *a) {
  for (uint64_t i = 0; i < a->names.cnt; i++) {
    char const   *name = ((cf_name_t *)cf_vec_at(&a->names, i))->name;
    uint64_t      size;
    cf_span_t     bytes;
    cf_cosigned_t c;
    if (!cf_audit_note_size(&size, name) || size <= a->size || cf_audit_try(a, &bytes, name, CF_NOTE_MAX) != CF_READ_OK) continue;
    if (cf_checkpoint_verify_canonical(&c, bytes, &a->domain.witnesses, NULL) || c.size != size) continue;
    a->size = c.size;
    a->root = c.root;
  }
}

bool cf_audit_log(cf_audit_t *a) {
  cf_who_t        who = CF_WHO(CF_RANK_LOG, 9);
  cf_span_t       bytes;
  cf_note_t       note;
  cf_checkpoint_t head;
  uint8_t         sig[64], again_buf[CF_CHECKPOINT_NOTE_MAX];
  cf_wr_t         again = cf_wr_init(again_buf, sizeof again_buf);
  cf_cosig_t      none[CF_WITNESSES_MAX] = {{0}};
  cf_error_t      err = {0};
  bool            ok = cf_audit_read(a, &bytes, "log/checkpoint", CF_NOTE_MAX, who, "every log has a newest checkpoint");
  if (ok && cf_checkpoint_open(&head, &note, sig, bytes, &a->domain.witnesses.log, &err)) {
    cf_audit_fault(a, who, "log/checkpoint", cf_next_copy, "%s", err.text);
    ok = false;
  }
  if (ok) { /* the log's own line and nothing else, so that no byte is free */
    cf_checkpoint_compose(&again, note.text, &a->domain.witnesses, sig, none);
    if (!cf_span_eq(bytes, cf_wr_out(&again)))
      cf_audit_fault(a, who, "log/checkpoint", cf_next_copy, "is not the log's note alone");
    a->size = head.size;
    a->root = head.root;
    a->head_note = cf_audit_keep(a, bytes);
  } else {
    head_from_notes(a);
  }
  if (a->failed_io) return false;
  if (a->size == 0) {
    if (ok) cf_audit_fault(a, who, "log/checkpoint", cf_next_copy, "the log is empty; its entry 0 is genesis");
    return false;
  }
  return read_files(a);
}

/* ---- kept checkpoints ---- */

static int by_u64(void const *x, void const *y) {
  uint64_t a = *(uint64_t const *)x, b = *(uint64_t const *)y;
  return a < b ? -1 : a > b;
}

/* Where the tree cannot be listed, those that receipts name, and the head's. */
static size_t note_sizes(cf_audit_t *a, uint64_t **out) {
  size_t    cnt = 0, max = (size_t)(a->names.cnt + a->receipts.cnt + 1);
  uint64_t *s = cf_mem_take(&a->mem, max * sizeof *s);
  for (uint64_t i = 0; i < a->names.cnt; i++)
    if (cf_audit_note_size(&s[cnt], ((cf_name_t *)cf_vec_at(&a->names, i))->name)) cnt++;
  if (!a->listed) {
    for (uint64_t i = 0; i < a->receipts.cnt; i++) s[cnt++] = ((cf_receipt_row_t *)cf_vec_at(&a->receipts, i))->not_before.size;
    s[cnt++] = a->size;
  }
  if (cnt) qsort(s, cnt, sizeof *s, by_u64);
  size_t n = 0;
  for (size_t i = 0; i < cnt; i++)
    if (n == 0 || s[i] != s[n - 1]) s[n++] = s[i];
  *out = s;
  return n;
}

/* Listed, or younger than the list. */
static bool is_there(cf_audit_t *a, char const *name) {
  cf_span_t bytes;
  return cf_audit_has(a, name) || cf_audit_try(a, &bytes, name, CF_BUNDLE_MAX) == CF_READ_OK;
}

/* Whoever relied on a checkpoint reads the tiles of that size: a narrower file goes only when the full one is there. */
static void check_tiles_of(cf_audit_t *a, uint64_t size) {
  for (int row = CF_TILE_ENTRIES; a->listed && row < CF_TILE_ROWS; row++) {
    uint64_t  cnt = row > 0 ? size >> 8 * row : size;
    cf_tile_t t = {.row = row, .index = cnt / CF_TILE_WIDTH, .width = (unsigned)(cnt % CF_TILE_WIDTH)}, full = t;
    char      name[4 + CF_TILE_PATH_MAX] = "log/", full_name[4 + CF_TILE_PATH_MAX] = "log/";
    full.width = CF_TILE_WIDTH;
    cf_tile_path(full_name + 4, &full);
    if (t.width) cf_tile_path(name + 4, &t);
    if (!t.width || is_there(a, name) || is_there(a, full_name)) continue;
    cf_audit_fault(a, CF_WHO(CF_RANK_NOTES, 9), name, cf_next_copy,
                   "missing; whoever relied on the checkpoint of %llu entries reads it, and there is no full one yet", (ull_t)size);
  }
}

/* ---- a fork ---- */

static cf_status_t read_level(void *ctx, unsigned level, uint64_t index, cf_hash_t *out) {
  cf_audit_t const *a = ctx;
  *out = *(cf_hash_t const *)cf_vec_at(&a->level[level], index);
  return CF_OK;
}

void cf_audit_fork_keep(cf_audit_t *a, cf_span_t x, cf_span_t y, cf_witness_set_t const *set, cf_tree_reader_t const *reader) {
  if (a->fork_sz) return;
  if (!a->fork) a->fork = cf_mem_take(&a->mem, CF_FORK_MAX);
  cf_wr_t wr = cf_wr_init(a->fork, CF_FORK_MAX);
  if (!cf_fork_make(&wr, x, y, set, reader, NULL)) a->fork_sz = wr.len;
}

static void take_note(cf_audit_t *a, uint64_t size, char const *name, cf_span_t bytes) {
  cf_who_t      who = CF_WHO(CF_RANK_NOTES, 9);
  cf_cosigned_t c;
  cf_error_t    err = {0};
  if (cf_checkpoint_verify_canonical(&c, bytes, &a->domain.witnesses, &err)) {
    cf_audit_fault(a, who, name, cf_next_copy, "%s: %s", cf_status_name(err.status), err.text);
    return;
  }
  if (c.size != size) {
    cf_audit_fault(a, who, name, cf_next_copy, "is the checkpoint of size %llu", (ull_t)c.size);
    return;
  }
  if (size > a->good) {
    who.about = CF_ABOUT_ROLLBACK;
    if (!a->cut)
      cf_audit_fault(a, who, name, cf_next_keep,
                     "a quorum stands behind %llu entries, the log's newest checkpoint says %llu: rolled back", (ull_t)size,
                     (ull_t)a->size);
    a->outgrown |= !a->cut;
    return; /* of a log that is cut, it cannot be said */
  }
  cf_hash_t is = cf_audit_root(a, size);
  if (!cf_hash_eq(&is, &c.root)) {
    char x[16], y[16];
    who.about = CF_ABOUT_FORK;
    cf_audit_fault(a, who, name, cf_next_keep, "the first %llu entries have root %s, a quorum signed %s: the log is forked",
                   (ull_t)size, cf_short(x, is.b), cf_short(y, c.root.b));
    if (a->head_note.len && !a->cut)
      cf_audit_fork_keep(a, bytes, a->head_note, &a->domain.witnesses, &(cf_tree_reader_t){read_level, a});
    return;
  }
  if (a->options.now_s && c.time_s > a->options.now_s + a->domain.policy.clock_skew_s) {
    cf_audit_fault(a, who, name, cf_next_keep, "its time is of later than now");
    return;
  }
  cf_kept_note_t const *before = a->notes.cnt ? cf_vec_at(&a->notes, a->notes.cnt - 1) : NULL;
  cf_kept_note_t       *n = cf_vec_add(&a->notes, &a->mem);
  *n = (cf_kept_note_t){size, c.root, c.time_s, before && before->top_s > c.time_s ? before->top_s : c.time_s};
  a->n.witnessed = size;
  check_tiles_of(a, size);
}

bool cf_audit_notes(cf_audit_t *a) {
  uint64_t *sizes;
  size_t    cnt = note_sizes(a, &sizes);
  for (size_t i = 0; i < cnt && !a->failed_io; i++) {
    char      name[40];
    cf_span_t bytes;
    snprintf(name, sizeof name, "checkpoints/%020llu", (ull_t)sizes[i]);
    cf_read_t r = cf_audit_try(a, &bytes, name, CF_NOTE_MAX);
    if (r == CF_READ_OK) take_note(a, sizes[i], name, bytes);
    else if (r == CF_READ_LARGE || (r == CF_READ_ABSENT && a->listed))
      cf_audit_fault(a, CF_WHO(CF_RANK_NOTES, 9), name, cf_next_copy, "listed, and cannot be read");
  }
  return !a->failed_io;
}

/* The first kept checkpoint of more than index entries. */
cf_kept_note_t const *cf_audit_note_covering(cf_audit_t const *a, uint64_t index) {
  uint64_t lo = 0, hi = a->notes.cnt;
  while (lo < hi) {
    uint64_t mid = lo + (hi - lo) / 2;
    if (((cf_kept_note_t *)cf_vec_at(&a->notes, mid))->size <= index) lo = mid + 1;
    else hi = mid;
  }
  return lo < a->notes.cnt ? cf_vec_at(&a->notes, lo) : NULL;
}

cf_kept_note_t const *cf_audit_note_of(cf_audit_t const *a, uint64_t size) {
  cf_kept_note_t const *n = size ? cf_audit_note_covering(a, size - 1) : NULL;
  return n && n->size == size ? n : NULL;
}
