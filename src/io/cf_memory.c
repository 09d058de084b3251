#include "io/cf_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/cf_hash.h"

#define NEXT "restore it from its newest copy; older ones have forgotten something"

typedef struct { char text[CF_FILES_NAME_MAX]; } mark_t;

static cf_span_t
mark_of(mark_t *m, cf_span_t name) {
  int n = snprintf(m->text, sizeof m->text, CF_MEMORY_MARK "%.*s", (int)name.len, (char const *)name.ptr);
  return CF_SPAN(m->text, n > 0 && (size_t)n < sizeof m->text ? (size_t)n : 0); /* no name: refused by whoever is given it */
}

static cf_hash_t
hash_of(cf_span_t name, cf_span_t body) {
  cf_sha256_t ctx;
  uint8_t     len[4];
  cf_wr_t     wr = cf_wr_init(len, sizeof len);
  cf_wr_u32(&wr, (uint32_t)name.len);
  cf_sha256_tag(&ctx, "memory");
  cf_sha256_add(&ctx, len, sizeof len);
  cf_sha256_add(&ctx, name.ptr, name.len);
  cf_sha256_add(&ctx, body.ptr, body.len);
  return cf_sha256_end(&ctx);
}

cf_status_t
cf_memory_begin(cf_files_t const *files, char const *name, cf_error_t *err) {
  mark_t m;
  return cf_files_put(files, mark_of(&m, CF_SPAN(name, strlen(name))), CF_SPAN("", 0), err);
}

cf_status_t
cf_memory_written(cf_files_t const *files, cf_span_t name, cf_error_t *err) {
  mark_t m;
  return cf_files_remove(files, mark_of(&m, name), err);
}

cf_status_t
cf_memory_marked(bool *marked, cf_files_t const *files, cf_span_t name, cf_error_t *err) {
  mark_t      m;
  uint8_t    *body;
  size_t      size;
  cf_status_t st = cf_files_get(&body, &size, marked, files, mark_of(&m, name), 0, err);
  free(body);
  return st;
}

cf_status_t
cf_memory_put(cf_files_t const *files, cf_span_t name, cf_span_t body, cf_error_t *err) {
  cf_hash_t hash = hash_of(name, body);
  uint8_t  *buf  = malloc(body.len + sizeof hash.b);
  if (!buf) return cf_error_set(err, CF_ERR_IO, "put", 0, "out of memory");
  cf_wr_t wr = cf_wr_init(buf, body.len + sizeof hash.b);
  cf_wr_span(&wr, body);
  cf_wr_hash(&wr, &hash);
  cf_status_t st = cf_files_put(files, name, cf_wr_out(&wr), err);
  free(buf);
  return st ? st : cf_memory_written(files, name, err);
}

/* name is text here: whoever reads the error wants to know which file. */
static cf_status_t
refuse(cf_error_t *err, cf_status_t st, cf_span_t name, char const *text) {
  return cf_error_set(err, st, "memory", 0, "%.*s %s: " NEXT, (int)name.len, (char const *)name.ptr, text);
}

cf_status_t
cf_memory_get(uint8_t **out, size_t *out_sz, bool *found, cf_files_t const *files, cf_span_t name, size_t max, cf_error_t *err) {
  bool        marked = false;
  cf_status_t st     = cf_files_get(out, out_sz, found, files, name, max, err);
  if (!st && !*found) st = cf_memory_marked(&marked, files, name, err);
  if (st || (!*found && marked)) return st;
  if (!*found) return refuse(err, CF_ERR_STALE, name, "is missing, and was written before");
  cf_hash_t is   = { { 0 } };
  bool      same = *out_sz >= sizeof is.b;
  if (same) {
    *out_sz -= sizeof is.b;
    is   = hash_of(name, CF_SPAN(*out, *out_sz));
    same = memcmp(is.b, *out + *out_sz, sizeof is.b) == 0;
  }
  if (same) return CF_OK;
  free(*out);
  *out    = NULL;
  *out_sz = 0;
  *found  = false;
  return refuse(err, CF_ERR_AUTH, name, "is not what was written");
}
