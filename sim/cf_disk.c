#include "cf_disk.h"

#include <assert.h>
#include <stdlib.h>

static void *copy_of(void const *p, size_t n) {
  uint8_t *c = malloc(n + 1);
  assert(c);
  if (n) memcpy(c, p, n);
  c[n] = 0;
  return c;
}

/* ---- files ---- */

static uint64_t hash_of(cf_span_t name) {
  uint64_t h = 0xcbf29ce484222325;
  for (size_t i = 0; i < name.len; i++) h = (h ^ name.ptr[i]) * 0x100000001b3;
  return h;
}

cf_disk_file_t *cf_disk_file(cf_disk_t const *d, cf_span_t name) {
  uint64_t h = hash_of(name);
  for (size_t i = d->files; i > 0; i--) { /* the newest are asked for most */
    cf_disk_file_t *f = &d->file[i - 1];
    if (f->name_hash == h && f->name_len == name.len && !memcmp(f->name, name.ptr, name.len)) return f;
  }
  return NULL;
}

static cf_disk_file_t *made(cf_disk_t *d, cf_span_t name) {
  cf_disk_file_t *f = cf_disk_file(d, name);
  if (f) return f;
  if (d->files == d->files_max) {
    d->files_max = d->files_max ? 2 * d->files_max : 64;
    d->file = realloc(d->file, d->files_max * sizeof *d->file);
    assert(d->file);
  }
  f = &d->file[d->files++];
  *f = (cf_disk_file_t){.name = copy_of(name.ptr, name.len), .name_len = name.len, .name_hash = hash_of(name)};
  return f;
}

void cf_disk_append(cf_disk_t *d, cf_span_t name, cf_span_t body) {
  cf_disk_file_t *f = made(d, name);
  if (f->len + body.len > f->max || !f->bytes) {
    f->max = 2 * (f->len + body.len) + 64;
    f->bytes = realloc(f->bytes, f->max);
    assert(f->bytes);
  }
  if (body.len) memcpy(f->bytes + f->len, body.ptr, body.len);
  f->len += body.len;
}

void cf_disk_put(cf_disk_t *d, cf_span_t name, cf_span_t body) {
  made(d, name)->len = 0;
  cf_disk_append(d, name, body);
}

void cf_disk_remove(cf_disk_t *d, cf_span_t name) {
  cf_disk_file_t *f = cf_disk_file(d, name);
  if (!f) return;
  free(f->name);
  free(f->bytes);
  size_t at = (size_t)(f - d->file);
  memmove(f, f + 1, (--d->files - at) * sizeof *f);
}

static int by_text(void const *a, void const *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

uint8_t *cf_disk_list(cf_disk_t const *d, cf_span_t name, size_t *len) {
  char **names = malloc((d->files + 1) * sizeof *names);
  size_t cnt = 0, sum = 0;
  assert(names);
  for (size_t i = 0; i < d->files; i++) {
    char *at = d->file[i].name;
    if (d->file[i].name_len <= name.len + 1 || memcmp(at, name.ptr, name.len) || at[name.len] != '/') continue;
    names[cnt] = copy_of(at + name.len + 1, strcspn(at + name.len + 1, "/"));
    sum += strlen(names[cnt++]) + 1;
  }
  qsort(names, cnt, sizeof *names, by_text);
  uint8_t *out = malloc(sum + 1);
  assert(out);
  *len = 0;
  for (size_t i = 0; i < cnt; i++) {
    if (i && !strcmp(names[i], names[i - 1])) continue; /* a folder */
    memcpy(out + *len, names[i], strlen(names[i]) + 1);
    *len += strlen(names[i]) + 1;
  }
  for (size_t i = 0; i < cnt; i++) free(names[i]);
  free(names);
  return out;
}

/* ---- the store ---- */

static int order_of(cf_disk_entry_t const *e, cf_store_write_t const *w) {
  if (e->kind != w->kind) return e->kind < w->kind ? -1 : 1;
  size_t n = e->key_len < w->key.len ? e->key_len : w->key.len;
  int    c = n ? memcmp(e->key, w->key.ptr, n) : 0;
  return c ? c : e->key_len < w->key.len ? -1 : e->key_len > w->key.len;
}

static void write_one(cf_disk_t *d, cf_store_write_t const *w) {
  size_t at = 0;
  int    c = 1;
  while (at < d->entries && (c = order_of(&d->entry[at], w)) < 0) at++;
  bool found = at < d->entries && c == 0;
  if (found) {
    free(d->entry[at].value);
    if (!w->put) {
      free(d->entry[at].key);
      memmove(&d->entry[at], &d->entry[at + 1], (--d->entries - at) * sizeof *d->entry);
      return;
    }
  } else {
    if (!w->put) return;
    if (d->entries == d->entries_max) {
      d->entries_max = d->entries_max ? 2 * d->entries_max : 64;
      d->entry = realloc(d->entry, d->entries_max * sizeof *d->entry);
      assert(d->entry);
    }
    memmove(&d->entry[at + 1], &d->entry[at], (d->entries++ - at) * sizeof *d->entry);
    d->entry[at] = (cf_disk_entry_t){.kind = w->kind, .key = copy_of(w->key.ptr, w->key.len), .key_len = w->key.len};
  }
  d->entry[at].value = copy_of(w->value.ptr, w->value.len);
  d->entry[at].value_len = w->value.len;
}

cf_status_t cf_disk_commit(cf_disk_t *d, cf_span_t writes) {
  cf_rd_t          rd;
  uint64_t         fence;
  cf_store_write_t w;
  cf_status_t      st = cf_store_open(&rd, &fence, writes);
  if (st) return st;
  if (fence < d->fence) return CF_ERR_STALE;
  cf_rd_t look = rd;
  while (cf_store_next(&look, &w)) {}
  if (look.bad) return CF_ERR_FORMAT;
  while (cf_store_next(&rd, &w)) write_one(d, &w);
  d->fence = fence;
  return CF_OK;
}

uint8_t *cf_disk_scan(cf_disk_t const *d, cf_store_kind_t kind, size_t *len) {
  size_t max = 64;
  for (size_t i = 0; i < d->entries; i++) max += 16 + d->entry[i].key_len + d->entry[i].value_len;
  uint8_t *out = malloc(max);
  cf_wr_t  wr = cf_wr_init(out, max);
  assert(out);
  cf_store_begin(&wr, d->fence);
  for (size_t i = 0; i < d->entries; i++) {
    cf_disk_entry_t const *e = &d->entry[i];
    if (e->kind == kind) cf_store_put(&wr, kind, CF_SPAN(e->key, e->key_len), CF_SPAN(e->value, e->value_len));
  }
  assert(!wr.bad);
  *len = wr.len;
  return out;
}

/* ---- whole disks ---- */

void cf_disk_copy(cf_disk_t *to, cf_disk_t const *from) {
  *to = (cf_disk_t){.fence = from->fence};
  for (size_t i = 0; i < from->files; i++)
    cf_disk_put(to, CF_SPAN(from->file[i].name, from->file[i].name_len), cf_disk_bytes(&from->file[i]));
  for (size_t i = 0; i < from->entries; i++) {
    cf_disk_entry_t const *e = &from->entry[i];
    write_one(to, &(cf_store_write_t){e->kind, true, CF_SPAN(e->key, e->key_len), CF_SPAN(e->value, e->value_len)});
  }
}

void cf_disk_fini(cf_disk_t *d) {
  for (size_t i = 0; i < d->files; i++) {
    free(d->file[i].name);
    free(d->file[i].bytes);
  }
  for (size_t i = 0; i < d->entries; i++) {
    free(d->entry[i].key);
    free(d->entry[i].value);
  }
  free(d->file);
  free(d->entry);
  *d = (cf_disk_t){0};
}
