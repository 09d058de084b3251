#include "audit/cf_since.h"

#include <stdio.h>
#include <stdlib.h>

#include "audit/cf_audit_state.h"
#include "audit/cf_tiles.h"
#include "base/cf_text.h"
#include "translog/cf_fork.h"

#define MAGIC "counterfoil/audit-state/v1\n"
enum { DIGEST_SZ = 32 };

typedef struct {
  cf_span_t name, bytes;
  bool      listed; /* the folder has it, or what may have taken its place */
  bool      served; /* it was not read again */
} known_t;

typedef struct { /* read in this audit */
  char const *name;
  cf_hash_t   hash;  /* of what came, when the folder was read */
  cf_span_t   copy;  /* of what may change or go meanwhile, and is small */
  known_t    *known; /* or where it lies here */
} read_t;

struct cf_since {
  cf_span_t       state; /* empty: none yet */
  uint64_t        time_s;
  known_t        *known; /* rising by name */
  size_t          cnt;
  cf_domain_t     domain;
  cf_checkpoint_t head;
  cf_span_t       head_note;
  bool            serving; /* what is known is not read again */
  uint64_t        size;    /* of the log, when serving */
  /* the audit under way */
  cf_audit_reader_t under;
  cf_audit_name_fn *told;
  void             *told_ctx;
  cf_since_saved_t  saved;
  cf_mem_t          mem;
  cf_vec_t          reads;
  cf_map_t          by_name;
};

/* ---- the file ---- */

static int name_cmp(cf_span_t a, cf_span_t b) {
  int by = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
  return by ? by : a.len < b.len ? -1 : a.len > b.len;
}

/* The first that is not before name. */
static size_t lower_bound(cf_since_t const *s, cf_span_t name) {
  size_t lo = 0, hi = s->cnt;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (name_cmp(s->known[mid].name, name) < 0) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

static known_t *find(cf_since_t const *s, char const *name) {
  cf_span_t n = CF_SPAN(name, strlen(name));
  size_t    i = lower_bound(s, n);
  return i < s->cnt && cf_span_eq(s->known[i].name, n) ? &s->known[i] : NULL;
}

static known_t *add_known(cf_since_t *s) {
  if ((s->cnt & (s->cnt - 1)) == 0) {
    s->known = realloc(s->known, (s->cnt ? 2 * s->cnt : 1) * sizeof *s->known);
    if (!s->known) abort();
  }
  return memset(&s->known[s->cnt], 0, sizeof *s->known);
}

static cf_status_t take_files(cf_since_t *s, cf_rd_t *rd) {
  for (size_t n; (n = cf_rd_u16(rd)) != 0; s->cnt++) {
    known_t *k = add_known(s);
    k->name = cf_rd_take_span(rd, n);
    k->bytes = cf_rd_take_span(rd, cf_rd_u32(rd));
    if (rd->bad || k->name.len > CF_NAME_MAX || memchr(k->name.ptr, 0, k->name.len)) return CF_ERR_FORMAT;
    if (s->cnt && name_cmp(k[-1].name, k->name) >= 0) return CF_ERR_FORMAT;
  }
  return cf_rd_done(rd) ? CF_OK : CF_ERR_FORMAT;
}

static cf_status_t take_head(cf_since_t *s, cf_hash_t const *domain, cf_error_t *err) {
  known_t const *genesis = find(s, "genesis"), *head = find(s, "log/checkpoint");
  if (!genesis || !head) return cf_error_set(err, CF_ERR_FORMAT, "state", 0, "without genesis or head");
  if (cf_domain_open(&s->domain, genesis->bytes, NULL, NULL)) return cf_error_set(err, CF_ERR_FORMAT, "state", 0, "its genesis is none");
  if (domain && !cf_hash_eq(domain, &s->domain.id)) {
    char is[16], want[16];
    return cf_error_set(err, CF_ERR_POLICY, "state", 0, "of domain %s, not %s", cf_short(is, s->domain.id.b), cf_short(want, domain->b));
  }
  s->head_note = head->bytes;
  return cf_checkpoint_open(&s->head, NULL, NULL, s->head_note, &s->domain.witnesses.log, NULL)
             ? cf_error_set(err, CF_ERR_FORMAT, "state", 0, "its head is not the log's")
             : CF_OK;
}

static cf_status_t take_state(cf_since_t *s, cf_hash_t const *domain, cf_error_t *err) {
  if (s->state.len < sizeof MAGIC - 1 + 10 + DIGEST_SZ) return cf_error_set(err, CF_ERR_FORMAT, "state", 0, "too short to be one");
  if (memcmp(s->state.ptr, MAGIC, sizeof MAGIC - 1))
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "state", 0, "does not begin as ours do");
  cf_span_t body = CF_SPAN(s->state.ptr, s->state.len - DIGEST_SZ);
  cf_hash_t is = cf_sha256(body);
  if (memcmp(is.b, body.ptr + body.len, DIGEST_SZ))
    return cf_error_set(err, CF_ERR_AUTH, "state", 0, "altered or torn: its digest is another");
  cf_rd_t rd = cf_rd_span(body);
  (void)cf_rd_take(&rd, sizeof MAGIC - 1);
  s->time_s = cf_rd_u64(&rd);
  cf_status_t st = take_files(s, &rd);
  return st ? cf_error_set(err, st, "state", rd.pos, "not in our form") : take_head(s, domain, err);
}

cf_status_t cf_since_open(cf_since_t **out, cf_span_t state, cf_hash_t const *domain, cf_error_t *err) {
  cf_since_t *s = calloc(1, sizeof *s);
  if (!s) abort();
  s->state = state;
  cf_status_t st = state.len ? take_state(s, domain, err) : CF_OK;
  if (st) cf_since_free(s);
  else *out = s;
  return st;
}

void cf_since_free(cf_since_t *s) {
  if (!s) return;
  cf_mem_free(&s->mem);
  free(s->known);
  free(s);
}

bool cf_since_knows(cf_since_t const *s, cf_hash_t *domain, cf_checkpoint_t *head, uint64_t *time_s) {
  if (!s->state.len) return false;
  if (domain) *domain = s->domain.id;
  if (head) *head = s->head;
  if (time_s) *time_s = s->time_s;
  return true;
}

void cf_since_saved(cf_since_saved_t *out, cf_since_t const *s) { *out = s->saved; }

/* ---- reading ---- */

/* What changes, and what says whose folder it is, is read always. */
static bool is_fresh(char const *name) {
  return !strcmp(name, "log/checkpoint") || !strcmp(name, "genesis") || !strcmp(name, "log.vkey");
}

/* What another writer may replace or remove before the state is written: heads, and parts of tiles. */
static bool may_go(char const *name) {
  return is_fresh(name) || (!strncmp(name, "log/tile/", 9) && strncmp(name, "log/tile/entries/", 17) && strstr(name, ".p/"));
}

static read_t *read_row(cf_since_t *s, char const *name) {
  size_t    len = strlen(name);
  cf_hash_t key = cf_sha256(CF_SPAN(name, len));
  uint64_t  row;
  for (cf_map_find_t f = cf_map_find(&s->by_name, &key); cf_map_next(&f, &row);) {
    read_t *r = cf_vec_at(&s->reads, row);
    if (!strcmp(r->name, name)) return r;
  }
  row = s->reads.cnt;
  read_t *r = cf_vec_add(&s->reads, &s->mem);
  char   *own = cf_mem_take(&s->mem, len + 1);
  memcpy(own, name, len);
  r->name = own;
  cf_map_add(&s->by_name, &s->mem, &key, row);
  return r;
}

static cf_span_t keep(cf_since_t *s, cf_span_t bytes) {
  uint8_t *p = cf_mem_take(&s->mem, bytes.len + 1);
  if (bytes.len) memcpy(p, bytes.ptr, bytes.len);
  return CF_SPAN(p, bytes.len);
}

static void count_saved(cf_since_t *s, known_t *k, char const *name) {
  cf_tile_t t;
  if (k->served) return;
  k->served = true;
  s->saved.files++;
  s->saved.bytes += k->bytes.len;
  if (!strncmp(name, "ledger/blocks/", 14)) s->saved.blocks++;
  if (strncmp(name, "log/", 4) || cf_tile_parse(&t, CF_SPAN(name + 4, strlen(name) - 4)) || t.row != CF_TILE_ENTRIES) return;
  uint64_t end = t.index * CF_TILE_WIDTH + t.width; /* of a partial bundle a wider one is read, unless the log stood still */
  if ((t.width == CF_TILE_WIDTH || end == s->size) && end > s->saved.entries) s->saved.entries = end;
}

static cf_read_t since_read(void *ctx, char const *name, size_t max, cf_span_t *bytes) {
  cf_since_t *s = ctx;
  known_t    *k = s->serving && !is_fresh(name) ? find(s, name) : NULL;
  if (k && (k->listed || !s->under.list)) {
    if (k->bytes.len > max) return CF_READ_LARGE;
    *bytes = k->bytes;
    count_saved(s, k, name);
    read_row(s, name)->known = k;
    return CF_READ_OK;
  }
  cf_read_t r = s->under.read(s->under.ctx, name, max, bytes);
  if (r == CF_READ_OK) {
    read_t *row = read_row(s, name);
    row->hash = cf_sha256(*bytes);
    row->known = NULL;
    if (may_go(name)) row->copy = keep(s, *bytes);
  }
  return r;
}

/* A full tile stands for the partial ones, which may go. */
static void on_listed(void *ctx, char const *name) {
  cf_since_t *s = ctx;
  known_t    *k = find(s, name);
  char        prefix[CF_NAME_MAX + 8];
  if (k) k->listed = true;
  int n = snprintf(prefix, sizeof prefix, "%.*s.p/", CF_NAME_MAX, name);
  if (!strncmp(name, "log/tile/", 9))
    for (size_t i = lower_bound(s, CF_SPAN(prefix, (size_t)n)); i < s->cnt; i++) {
      if (s->known[i].name.len < (size_t)n || memcmp(s->known[i].name.ptr, prefix, (size_t)n)) break;
      s->known[i].listed = true;
    }
  s->told(s->told_ctx, name);
}

static cf_status_t since_list(void *ctx, cf_audit_name_fn *fn, void *fn_ctx) {
  cf_since_t *s = ctx;
  s->told = fn;
  s->told_ctx = fn_ctx;
  return s->under.list(s->under.ctx, on_listed, s);
}

cf_audit_reader_t cf_since_reader(cf_since_t *s, cf_audit_reader_t const *under) {
  cf_mem_free(&s->mem);
  s->mem = (cf_mem_t){0};
  s->by_name = (cf_map_t){0};
  s->reads = cf_vec(sizeof(read_t));
  s->under = *under;
  s->saved = (cf_since_saved_t){0};
  s->serving = false;
  for (size_t i = 0; i < s->cnt; i++) s->known[i].listed = s->known[i].served = false;
  return (cf_audit_reader_t){under->list ? since_list : NULL, since_read, s};
}

static cf_read_t tree_read(void *ctx, char const *name, size_t max, cf_span_t *bytes) {
  known_t *k = find(ctx, name);
  if (!k) return CF_READ_ABSENT;
  *bytes = k->bytes;
  return k->bytes.len > max ? CF_READ_LARGE : CF_READ_OK;
}

cf_audit_reader_t cf_since_tree(cf_since_t const *s) {
  return (cf_audit_reader_t){NULL, tree_read, (void *)(uintptr_t)s}; /* which reads, and changes nothing */
}

/* ---- is it the same history, and not an older one? ---- */

/* The note of that size with the cosignatures that were kept, or the log's own. */
static cf_span_t best_note(cf_since_t *s, cf_audit_reader_t const *from, cf_span_t own, uint64_t size) {
  char            name[40];
  cf_span_t       bytes;
  cf_checkpoint_t c, o;
  snprintf(name, sizeof name, "checkpoints/%020llu", (ull_t)size);
  if (from->read(from->ctx, name, CF_NOTE_MAX, &bytes) != CF_READ_OK) return own;
  if (cf_checkpoint_open(&c, NULL, NULL, bytes, &s->domain.witnesses.log, NULL)) return own;
  if (cf_checkpoint_open(&o, NULL, NULL, own, &s->domain.witnesses.log, NULL) || !cf_hash_eq(&c.root, &o.root)) return own;
  return keep(s, bytes);
}

/* The proof that the state's head and the folder's make; larger is of the larger one's tree. */
static void prove(cf_audit_t *a, cf_since_t *s, cf_span_t note, uint64_t size, cf_audit_reader_t const *larger) {
  cf_audit_reader_t own = cf_since_tree(s);
  cf_tiles_t       *tiles = cf_mem_take(&s->mem, sizeof *tiles);
  cf_tiles_init(tiles, larger, size > s->head.size ? size : s->head.size);
  cf_tree_reader_t reader = cf_tiles_reader(tiles);
  cf_audit_fork_keep(a, best_note(s, &own, s->head_note, s->head.size), best_note(s, &s->under, note, size), &s->domain.witnesses,
                     &reader);
}

static cf_status_t root_within(cf_since_t *s, cf_hash_t *root, uint64_t n, cf_checkpoint_t const *head, cf_audit_reader_t const *reader) {
  cf_tiles_t *tiles = cf_mem_take(&s->mem, sizeof *tiles);
  cf_tiles_init(tiles, reader, head->size);
  return cf_tiles_root(tiles, root, n, &head->root);
}

#define OF_LOG(about) CF_WHO_ABOUT(CF_RANK_LOG, 9, about)

/* false: the folder's head does not extend the state's, or does not show that it does; what was wrong is told. */
static bool heads_agree(cf_audit_t *a, cf_since_t *s) {
  cf_audit_reader_t own = cf_since_tree(s);
  cf_checkpoint_t   now;
  cf_span_t         note;
  cf_hash_t         root;
  char              x[16], y[16];
  cf_read_t         r = s->under.read(s->under.ctx, "log/checkpoint", CF_NOTE_MAX, &note);
  if (r != CF_READ_OK) return false; /* the audit names it */
  note = keep(s, note);
  if (cf_checkpoint_open(&now, NULL, NULL, note, &s->domain.witnesses.log, NULL)) return false;
  bool                     back = now.size < s->head.size;
  cf_audit_reader_t const *larger = back ? &own : &s->under;
  uint64_t                 n = back ? now.size : s->head.size;
  cf_hash_t const         *want = back ? &now.root : &s->head.root;
  cf_status_t              st = n ? root_within(s, &root, n, back ? &s->head : &now, larger) : CF_ERR_FORMAT;
  if (st == CF_ERR_IO) {
    a->failed_io = true;
  } else if (st) {
    cf_audit_fault(a, OF_LOG(CF_ABOUT_OTHER), "log/checkpoint", cf_next_copy,
                   "of %llu entries; its tiles do not show that it extends the %llu of the audit before", (ull_t)now.size, (ull_t)s->head.size);
  } else if (!cf_hash_eq(&root, want)) {
    cf_audit_fault(a, OF_LOG(CF_ABOUT_FORK), "log/checkpoint", cf_next_keep,
                   "of %llu entries; the audit before read %llu, and of the first %llu the roots are %s and %s: the log is forked", (ull_t)now.size,
                   (ull_t)s->head.size, (ull_t)n, cf_short(x, root.b), cf_short(y, want->b));
    prove(a, s, note, now.size, larger);
  } else if (back) {
    cf_audit_fault(a, OF_LOG(CF_ABOUT_ROLLBACK), "log/checkpoint", cf_next_keep, "of %llu entries, the audit before read %llu: rolled back", (ull_t)now.size,
                   (ull_t)s->head.size);
  } else {
    s->size = now.size;
    return true;
  }
  return false;
}

/* The newest of the state's files in that folder must be where and what it was. */
static bool newest_is_there(cf_audit_t *a, cf_since_t *s, char const *dir, unsigned check) {
  char      end[32], name[CF_NAME_MAX + 1];
  cf_span_t bytes;
  snprintf(end, sizeof end, "%s:", dir); /* behind all digits */
  size_t i = lower_bound(s, CF_SPAN(end, strlen(end)));
  if (i == 0 || s->known[i - 1].name.len < strlen(dir) || memcmp(s->known[i - 1].name.ptr, dir, strlen(dir))) return true;
  known_t const *k = &s->known[i - 1];
  snprintf(name, sizeof name, "%.*s", (int)k->name.len, (char const *)k->name.ptr);
  cf_read_t r = s->under.read(s->under.ctx, name, CF_ARCHIVE_MAX, &bytes);
  if (r == CF_READ_FAILED) a->failed_io = true;
  if (r == CF_READ_OK && cf_span_eq(bytes, k->bytes)) return true;
  if (r != CF_READ_FAILED)
    cf_audit_fault(a, CF_WHO_ABOUT(check == 9 ? CF_RANK_LOG : CF_RANK_LEDGER, check, CF_ABOUT_ROLLBACK), name, cf_next_keep,
                   r == CF_READ_OK ? "is not what the audit before read" : "missing; the audit before read it: rolled back");
  return false;
}

static bool all_listed(cf_audit_t *a, cf_since_t *s) {
  bool all = true;
  for (size_t i = 0; s->under.list && i < s->cnt; i++) {
    known_t const *k = &s->known[i];
    char           name[CF_NAME_MAX + 1];
    snprintf(name, sizeof name, "%.*s", (int)k->name.len, (char const *)k->name.ptr);
    if (k->listed || is_fresh(name)) continue;
    cf_audit_fault(a, OF_LOG(CF_ABOUT_ROLLBACK), name, cf_next_keep, "missing; the audit before read it: rolled back, or removed");
    all = false;
  }
  return all;
}

bool cf_audit_since(cf_audit_t *a) {
  cf_since_t *s = a->options.since;
  if (!s || !s->state.len) return true;
  s->serving = heads_agree(a, s) && all_listed(a, s) && newest_is_there(a, s, "checkpoints/", 9) && newest_is_there(a, s, "ledger/blocks/", 10);
  return !a->failed_io;
}

/* ---- writing ---- */

typedef struct {
  cf_audit_out_t const *out;
  cf_sha256_t           sum;
} writer_t;

static void put(writer_t *w, cf_span_t s) {
  cf_sha256_s(&w->sum, s);
  w->out->write(w->out->ctx, s);
}

static void put_number(writer_t *w, uint64_t v, size_t n) {
  uint8_t b[8];
  for (size_t i = 0; i < n; i++) b[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
  put(w, CF_SPAN(b, n));
}

static int by_name(void const *x, void const *y) { return strcmp((*(read_t *const *)x)->name, (*(read_t *const *)y)->name); }

/* Again as it was judged; *same false when it is another by now. */
static cf_status_t again(cf_since_t *s, read_t const *r, cf_span_t *bytes, bool *same) {
  *same = true;
  if (r->known || r->copy.ptr) return *bytes = r->known ? r->known->bytes : r->copy, CF_OK;
  cf_read_t got = s->under.read(s->under.ctx, r->name, CF_ARCHIVE_MAX, bytes);
  if (got == CF_READ_FAILED) return CF_ERR_IO;
  cf_hash_t is = got == CF_READ_OK ? cf_sha256(*bytes) : (cf_hash_t){{0}};
  *same = got == CF_READ_OK && cf_hash_eq(&is, &r->hash);
  return CF_OK;
}

cf_status_t cf_since_write(cf_since_t *s, uint64_t now_s, cf_audit_out_t const *out) {
  writer_t w = {.out = out};
  size_t   cnt = (size_t)s->reads.cnt;
  read_t **sorted = cf_mem_take(&s->mem, (cnt + 1) * sizeof *sorted);
  for (size_t i = 0; i < cnt; i++) sorted[i] = cf_vec_at(&s->reads, i);
  if (cnt) qsort(sorted, cnt, sizeof *sorted, by_name);
  cf_sha256_init(&w.sum);
  put(&w, CF_SPAN_LIT(MAGIC));
  put_number(&w, now_s, 8);
  for (size_t i = 0; i < cnt; i++) {
    cf_span_t   bytes, name = CF_SPAN(sorted[i]->name, strlen(sorted[i]->name));
    bool        same;
    cf_status_t st = again(s, sorted[i], &bytes, &same);
    if (st) return st;
    if (!same) continue;
    put_number(&w, name.len, 2);
    put(&w, name);
    put_number(&w, bytes.len, 4);
    put(&w, bytes);
  }
  put_number(&w, 0, 2);
  cf_hash_t sum = cf_sha256_end(&w.sum);
  out->write(out->ctx, CF_SPAN_OF(sum.b));
  return CF_OK;
}
