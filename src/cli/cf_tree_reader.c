#include "cli/cf_tree_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "document/cf_table.h"
#include "cli/cf_web.h"

typedef struct {
  char const *root; /* folder, or URL */
  uint8_t    *buf;  /* of the last file read */
  size_t      cap;
  cf_done_t  *done; /* of the last URL */
  uint64_t    seen; /* of what was listed: names, sizes, times */
  bool        busy; /* somebody writes to it */
} tree_t;

/* ---- a folder ---- */

/* The audit says that the world failed; where it failed is said here. */
static cf_status_t unreadable(tree_t const *t, char const *name) {
  cf_note("audit: %s/%s: %s", t->root, name, strerror(errno));
  return CF_ERR_IO;
}

/* The folders that a domain has before it has files in them; any other empty one is told as "name/". */
static bool may_be_empty(char const *name) {
  static char const *const names[] = {"",           "log",     "log/tile", "log/tile/entries", "log/tile/0",
                                      "checkpoints", "archive", "ledger",   "ledger/blocks"};
  for (size_t i = 0; i < CF_COUNT_OF(names); i++)
    if (!strcmp(names[i], name)) return true;
  return false;
}

/* Files as they are listed now: the sum does not depend on their order. */
typedef struct {
  cf_audit_name_fn *fn;
  void             *ctx;
  uint64_t          sum;
} listing_t;

static uint64_t fingerprint(char const *name, struct stat const *s) {
  uint64_t  ids[4] = {(uint64_t)s->st_ino, (uint64_t)s->st_size, (uint64_t)s->st_mtim.tv_sec, (uint64_t)s->st_mtim.tv_nsec}, sum;
  cf_hash_t h = cf_sha256(CF_SPAN(name, strlen(name))), g = cf_sha256(CF_SPAN(ids, sizeof ids));
  for (size_t i = 0; i < 32; i++) h.b[i] ^= g.b[i];
  memcpy(&sum, h.b, sizeof sum);
  return sum;
}

static void tell(listing_t *l, char const *name, struct stat const *s) {
  l->sum += fingerprint(name, s);
  if (l->fn) l->fn(l->ctx, name);
}

/* What is no file is told under a name that no file of ours has. */
static cf_status_t list_below(tree_t const *t, char const *prefix, listing_t *l) {
  char *path = cf_fmt("%s/%s", t->root, prefix);
  DIR  *d = opendir(path);
  free(path);
  if (!d) return unreadable(t, prefix);
  bool        empty = true;
  cf_status_t st = CF_OK;
  for (struct dirent *e; !st && (e = readdir(d));) {
    struct stat s;
    if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
    empty = false;
    if (fstatat(dirfd(d), e->d_name, &s, AT_SYMLINK_NOFOLLOW)) {
      if (errno != ENOENT) st = CF_ERR_IO;
      continue; /* removed since */
    }
    char *name = cf_fmt("%s%s%s%s", prefix, *prefix ? "/" : "", e->d_name,
                        S_ISREG(s.st_mode) || S_ISDIR(s.st_mode) ? "" : " (no plain file)");
    if (S_ISDIR(s.st_mode)) st = list_below(t, name, l);
    else tell(l, name, &s);
    free(name);
  }
  closedir(d);
  if (!st && empty && !may_be_empty(prefix)) {
    char *name = cf_fmt("%s/", prefix);
    tell(l, name, &(struct stat){0});
    free(name);
  }
  return st;
}

typedef struct {
  char **name;
  size_t cnt, max;
} names_t;

static void keep_name(void *ctx, char const *name) {
  names_t *n = ctx;
  if (n->cnt == n->max) {
    n->max = n->max ? 2 * n->max : 256;
    n->name = realloc(n->name, n->max * sizeof *n->name);
    if (!n->name) abort();
  }
  n->name[n->cnt++] = cf_fmt("%s", name);
}

static bool is_there(tree_t const *t, char const *name) {
  struct stat s;
  char       *path = cf_fmt("%s/%s", t->root, name);
  bool        there = lstat(path, &s) == 0;
  free(path);
  return there;
}

/* The log that is read next accounts for these, however young they are: its head is published before witnesses sign it, and a
   settlement stands in it before a block executes it. */
static void tell_young(void *ctx, char const *name) {
  listing_t const *l = ctx;
  size_t const     dir = !strncmp(name, "checkpoints/", 12) ? 12 : !strncmp(name, "ledger/blocks/", 14) ? 14 : 0;
  if (dir && strspn(name + dir, "0123456789") == strlen(name + dir)) l->fn(l->ctx, name);
}

/* Of a tree that is written to: what was there before, and still is; for part of a tile that went, the full one that came. */
static cf_status_t list_busy(tree_t *t, cf_audit_name_fn *fn, void *fn_ctx) {
  names_t     n = {0};
  listing_t   to = {.fn = fn, .ctx = fn_ctx}, young = {.fn = tell_young, .ctx = &to};
  listing_t   l = {.fn = keep_name, .ctx = &n};
  cf_status_t st = list_below(t, "", &l);
  cf_web_sleep(1000 * CF_TREE_BUSY_S);
  for (size_t i = 0; i < n.cnt; i++) {
    char *part = strstr(n.name[i], ".p/");
    bool  kept = strpbrk(n.name[i], " ") || n.name[i][strlen(n.name[i]) - 1] == '/' || is_there(t, n.name[i]);
    if (!kept && part) *part = 0;
    if (kept || (part && is_there(t, n.name[i]))) fn(fn_ctx, n.name[i]);
    free(n.name[i]);
  }
  free(n.name);
  return st ? st : list_below(t, "", &young);
}

static cf_status_t dir_list(void *ctx, cf_audit_name_fn *fn, void *fn_ctx) {
  tree_t     *t = ctx;
  listing_t   l = {.fn = fn, .ctx = fn_ctx};
  cf_status_t st = t->busy ? list_busy(t, fn, fn_ctx) : list_below(t, "", &l);
  t->seen = l.sum;
  return st;
}

bool cf_tree_busy(cf_audit_reader_t const *reader) {
  tree_t   *t = reader->ctx;
  listing_t l = {0};
  if (!reader->list || t->busy || list_below(t, "", &l) || l.sum == t->seen) return false;
  return t->busy = true;
}

static cf_read_t read_fd(tree_t *t, int fd, size_t max, cf_span_t *bytes) {
  struct stat s;
  if (fstat(fd, &s) || !S_ISREG(s.st_mode)) return CF_READ_ABSENT;
  if ((uint64_t)s.st_size > max) return CF_READ_LARGE;
  size_t n = (size_t)s.st_size, len = 0;
  if (n > t->cap) {
    free(t->buf);
    t->buf = malloc(n);
    t->cap = n;
    if (!t->buf) abort();
  }
  while (len < n) {
    ssize_t got = read(fd, t->buf + len, n - len);
    if (got < 0) return CF_READ_FAILED;
    if (got == 0) break;
    len += (size_t)got;
  }
  *bytes = CF_SPAN(t->buf, len);
  return CF_READ_OK;
}

static cf_read_t dir_read(void *ctx, char const *name, size_t max, cf_span_t *bytes) {
  tree_t *t = ctx;
  char   *path = cf_fmt("%s/%s", t->root, name);
  int     fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY); /* a pipe in a file's place is no file */
  free(path);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENXIO)) return CF_READ_ABSENT;
  cf_read_t r = fd < 0 ? CF_READ_FAILED : read_fd(t, fd, max, bytes);
  if (r == CF_READ_FAILED) (void)unreadable(t, name);
  if (fd >= 0) close(fd);
  return r;
}

/* ---- a server ---- */

static cf_read_t url_read(void *ctx, char const *name, size_t max, cf_span_t *bytes) {
  tree_t *t = ctx;
  char   *url = cf_fmt("%s/%s", t->root, name);
  cf_done_free(t->done);
  t->done = NULL;
  cf_status_t st = cf_http_get(&t->done, url, CF_WEB_MS, NULL);
  free(url);
  if (st == CF_ERR_BOUND) return CF_READ_LARGE;
  if (st) return CF_READ_FAILED;
  if (t->done->code == 404) return CF_READ_ABSENT;
  if (t->done->code != 200) return CF_READ_FAILED;
  *bytes = t->done->body;
  return bytes->len > max ? CF_READ_LARGE : CF_READ_OK;
}

int cf_tree_reader(cf_audit_reader_t *out, char const *where) {
  tree_t     *t = calloc(1, sizeof *t);
  struct stat s;
  if (!t) abort();
  if (!strncmp(where, "https://", 8))
    return cf_fail(CF_EXIT_USAGE, "server", "unsupported", where, "found", "https: files are read over http alone, as all of them are signed", "next",
                   "http://, or a copy in a folder", NULL);
  if (!strncmp(where, "http://", 7)) {
    size_t n = strlen(where);
    t->root = cf_fmt("%.*s", (int)(n - (where[n - 1] == '/')), where);
    *out = (cf_audit_reader_t){NULL, url_read, t};
    return 0;
  }
  char *inner = cf_fmt("%s/public", where);
  t->root = stat(inner, &s) == 0 && S_ISDIR(s.st_mode) ? inner : where;
  if (stat(t->root, &s) || !S_ISDIR(s.st_mode))
    return cf_fail(CF_EXIT_USAGE, "folder", "unreadable", where, "found", strerror(errno ? errno : ENOTDIR), NULL);
  *out = (cf_audit_reader_t){dir_list, dir_read, t};
  return 0;
}

char const *cf_tree_folder(cf_audit_reader_t const *reader) { return reader->list ? ((tree_t const *)reader->ctx)->root : NULL; }
