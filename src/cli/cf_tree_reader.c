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

static cf_status_t list_below(tree_t const *t, char const *prefix, cf_audit_name_fn *fn, void *fn_ctx) {
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
    char *name = *prefix ? cf_fmt("%s/%s", prefix, e->d_name) : cf_fmt("%s", e->d_name);
    if (fstatat(dirfd(d), e->d_name, &s, AT_SYMLINK_NOFOLLOW)) st = CF_ERR_IO;
    else if (S_ISDIR(s.st_mode)) st = list_below(t, name, fn, fn_ctx);
    else fn(fn_ctx, name);
    free(name);
  }
  closedir(d);
  if (!st && empty && !may_be_empty(prefix)) {
    char *name = cf_fmt("%s/", prefix);
    fn(fn_ctx, name);
    free(name);
  }
  return st;
}

static cf_status_t dir_list(void *ctx, cf_audit_name_fn *fn, void *fn_ctx) { return list_below(ctx, "", fn, fn_ctx); }

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
