#include "io/cf_files.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- names ---- */

typedef struct {
  char   text[CF_FILES_NAME_MAX + 1]; /* the whole, NUL-terminated             */
  size_t leaf;                        /* where the last segment begins         */
  bool   is_public;
} name_t;

static cf_status_t
fail(cf_error_t *err, char const *what, char const *name) {
  return cf_error_set(err, CF_ERR_IO, what, 0, "%s: %s", name, strerror(errno));
}

static cf_status_t
name_parse(name_t *out, cf_files_t const *files, cf_span_t name, cf_error_t *err) {
  *out    = (name_t){ 0 };
  bool ok = name.len > 0 && name.len <= CF_FILES_NAME_MAX;
  for (size_t i = 0; ok && i < name.len; i++) {
    uint8_t c     = name.ptr[i];
    bool    first = i == out->leaf;
    ok            = c > ' ' && c < 0x7f && !(first && (c == '.' || c == '/'));
    if (c == '/') out->leaf = i + 1;
  }
  if (!ok || out->leaf == name.len)
    return cf_error_set(err, CF_ERR_FORMAT, "file name", 0, "%zu bytes that are no name", name.len);
  memcpy(out->text, name.ptr, name.len);
  char const *open = files->public_prefix;
  out->is_public   = open && !strncmp(out->text, open, strlen(open));
  return CF_OK;
}

static int
open_beneath(int dir, char const *path, int flags, mode_t mode) {
  struct open_how how = {
    .flags   = (unsigned)(flags | O_CLOEXEC),
    .mode    = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? mode : 0,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
  };
  return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

/* the folder that holds name, open; made, durably, where make is set and it is missing */
static int
open_parent(cf_files_t const *files, name_t const *name, bool make) {
  char path[sizeof name->text] = ".";
  if (name->leaf) memcpy(path, name->text, name->leaf - 1), path[name->leaf - 1] = 0;
  int at = open_beneath(files->dir, path, O_RDONLY | O_DIRECTORY, 0);
  if (at >= 0 || errno != ENOENT || !make) return at;

  at = open_beneath(files->dir, ".", O_RDONLY | O_DIRECTORY, 0);
  for (char *save = NULL, *seg = strtok_r(path, "/", &save); at >= 0 && seg; seg = strtok_r(NULL, "/", &save)) {
    bool made = mkdirat(at, seg, name->is_public ? 0755 : 0700) == 0;
    int  next = (made && fsync(at)) || (!made && errno != EEXIST) ? -1 : open_beneath(at, seg, O_RDONLY | O_DIRECTORY, 0);
    int  why  = errno;
    close(at);
    errno = why;
    at    = next;
  }
  return at;
}

static bool
write_all(int fd, cf_span_t body) {
  for (size_t done = 0; done < body.len;) {
    ssize_t n = write(fd, body.ptr + done, body.len - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    done += (size_t)n;
  }
  return true;
}

static void
close_keeping_errno(int fd) {
  int why = errno;
  if (fd >= 0) close(fd);
  errno = why;
}

/* ---- the folder ---- */

cf_status_t
cf_files_open(cf_files_t *files, char const *folder, char const *public_prefix, cf_error_t *err) {
  *files = (cf_files_t){ .dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), .public_prefix = public_prefix };
  if (files->dir < 0) return fail(err, "folder", folder);
  int probe = open_beneath(files->dir, ".", O_PATH, 0);
  if (probe < 0) {
    close_keeping_errno(files->dir);
    return fail(err, "openat2", folder);
  }
  close(probe);
  return CF_OK;
}

void
cf_files_close(cf_files_t *files) {
  if (files->lock > 0) close(files->lock);
  if (files->dir > 0) close(files->dir);
  *files = (cf_files_t){ .dir = -1 };
}

cf_status_t
cf_files_lock(cf_files_t *files, char const *name, cf_error_t *err) {
  char holder[32] = "?";
  int  fd         = open_beneath(files->dir, name, O_RDWR | O_CREAT, 0600);
  if (fd < 0) return fail(err, "lock", name);
  if (flock(fd, LOCK_EX | LOCK_NB)) {
    bool    held = errno == EWOULDBLOCK;
    ssize_t n    = held ? pread(fd, holder, sizeof holder - 1, 0) : 0;
    if (n > 0) holder[strspn(holder, "0123456789")] = 0;
    close_keeping_errno(fd);
    if (!held) return fail(err, "lock", name);
    return cf_error_set(err, CF_ERR_POLICY, name, 0, "process %s works in this folder already; stop it first", holder);
  }
  int n = snprintf(holder, sizeof holder, "%ld\n", (long)getpid());
  if (ftruncate(fd, 0) || pwrite(fd, holder, (size_t)n, 0) != n) {
    close_keeping_errno(fd);
    return fail(err, "lock", name);
  }
  files->lock = fd;
  return CF_OK;
}

/* ---- changing ---- */

/* A file on its way: written and not synced yet.  It has no name before it is durable, so that who dies on the way leaves nothing behind; where
   the file system knows no such files, a temporary one, which stays until the next put. */
typedef struct {
  name_t name;
  int    parent, fd;
  bool   unnamed;
  bool   shared; /* parent is that of the file before it */
} fresh_t;

static void
temporary(char tmp[CF_FILES_NAME_MAX + 8], fresh_t const *f) {
  snprintf(tmp, CF_FILES_NAME_MAX + 8, ".%s.tmp", f->name.text + f->name.leaf);
}

static bool
fresh_write(fresh_t *f, cf_files_t const *files, fresh_t const *before, cf_span_t body) {
  char   tmp[CF_FILES_NAME_MAX + 8];
  mode_t mode = f->name.is_public ? 0644 : 0600;
  f->shared   = before && before->name.leaf == f->name.leaf && !memcmp(before->name.text, f->name.text, f->name.leaf);
  f->parent   = f->shared ? before->parent : open_parent(files, &f->name, true);
  if (f->parent < 0) return false;
  temporary(tmp, f);
  f->fd      = open_beneath(f->parent, ".", O_WRONLY | O_TMPFILE, mode);
  f->unnamed = f->fd >= 0;
  if (!f->unnamed) f->fd = open_beneath(f->parent, tmp, O_WRONLY | O_CREAT | O_TRUNC, mode);
  return f->fd >= 0 && fchmod(f->fd, mode) == 0 && write_all(f->fd, body);
}

/* A new name at once; one that another file has, by way of the temporary's. */
static bool
fresh_name(fresh_t const *f) {
  char        tmp[CF_FILES_NAME_MAX + 8], self[32];
  char const *leaf = f->name.text + f->name.leaf;
  temporary(tmp, f);
  snprintf(self, sizeof self, "/proc/self/fd/%d", f->fd);
  if (f->unnamed) {
    if (linkat(AT_FDCWD, self, f->parent, leaf, AT_SYMLINK_FOLLOW) == 0) return true;
    if (errno != EEXIST || (unlinkat(f->parent, tmp, 0) && errno != ENOENT)) return false;
    if (linkat(AT_FDCWD, self, f->parent, tmp, AT_SYMLINK_FOLLOW)) return false;
  }
  return renameat(f->parent, tmp, f->parent, leaf) == 0;
}

/* On a full disk it would be in the way, and under public/ a stranger. */
static void
fresh_remove(fresh_t const *f) {
  char tmp[CF_FILES_NAME_MAX + 8];
  temporary(tmp, f);
  (void)unlinkat(f->parent, tmp, 0);
}

/* All temporaries are durable before the first is named.  Their writing back is not begun ahead of their syncs: it would stand in the disk's
   queue before the journal's. */
cf_status_t
cf_files_put_all(cf_files_t const *files, cf_files_put_t const *put, size_t cnt, cf_error_t *err) {
  fresh_t     f[CF_FILES_GROUP_MAX];
  cf_status_t st = CF_OK;
  size_t      n = 0, at = 0;
  assert(cnt <= CF_FILES_GROUP_MAX);
  for (; n < cnt && !st; n++) {
    f[n] = (fresh_t){ .parent = -1, .fd = -1 };
    st   = name_parse(&f[n].name, files, put[n].name, err);
    if (!st && !fresh_write(&f[n], files, n ? &f[n - 1] : NULL, put[n].body)) st = fail(err, "put", f[n].name.text);
  }
  bool whole = n == CF_FILES_GROUP_MAX; /* so many wait less for all that the file system has than for each other */
  if (whole && !st && syncfs(files->dir)) st = fail(err, "put", "a group");
  for (at = 0; at < n && !st && !whole; at++)
    if (fsync(f[at].fd)) st = fail(err, "put", f[at].name.text);
  for (at = 0; at < n && !st; at++)
    if (!fresh_name(&f[at])) st = fail(err, "put", f[at].name.text);
  for (at = 0; at < n && !st; at++)
    if (!f[at].shared && fsync(f[at].parent)) st = fail(err, "put", f[at].name.text);
  for (at = 0; at < n; at++) {
    if (st && f[at].fd >= 0) fresh_remove(&f[at]);
    if (f[at].fd >= 0) close(f[at].fd);
    if (f[at].parent >= 0 && !f[at].shared) close(f[at].parent);
  }
  return st;
}

cf_status_t
cf_files_put(cf_files_t const *files, cf_span_t name, cf_span_t body, cf_error_t *err) {
  return cf_files_put_all(files, &(cf_files_put_t){ name, body }, 1, err);
}

/* a new file's name is durable only with its folder */
static int
open_grown(int parent, name_t const *name, bool *made) {
  char const *leaf = name->text + name->leaf;
  int         fd   = open_beneath(parent, leaf, O_WRONLY | O_NONBLOCK, 0);
  if (fd < 0 && errno == EWOULDBLOCK) fd = open_beneath(parent, leaf, O_WRONLY, 0); /* leased: it is a file */
  *made = fd < 0 && errno == ENOENT;
  return *made ? open_beneath(parent, leaf, O_WRONLY | O_NONBLOCK | O_CREAT, name->is_public ? 0644 : 0600) : fd;
}

cf_status_t
cf_files_open_write(int *fd, size_t *size, cf_files_t const *files, cf_span_t name, cf_error_t *err) {
  name_t      n;
  struct stat is;
  cf_status_t st = name_parse(&n, files, name, err);
  if (st) return st;
  bool made   = false;
  int  parent = open_parent(files, &n, true);
  int  file   = parent < 0 ? -1 : open_grown(parent, &n, &made);
  bool ok     = file >= 0 && fstat(file, &is) == 0 && S_ISREG(is.st_mode) && (!made || fsync(parent) == 0);
  if (!ok) close_keeping_errno(file);
  close_keeping_errno(parent);
  if (!ok) return fail(err, "append", n.text);
  *fd   = file;
  *size = (size_t)is.st_size;
  return CF_OK;
}

cf_status_t
cf_files_remove(cf_files_t const *files, cf_span_t name, cf_error_t *err) {
  name_t      n;
  cf_status_t st = name_parse(&n, files, name, err);
  if (st) return st;
  int  parent = open_parent(files, &n, false);
  bool ok     = parent >= 0 ? unlinkat(parent, n.text + n.leaf, 0) == 0 && fsync(parent) == 0 : false;
  bool absent = !ok && errno == ENOENT;
  close_keeping_errno(parent);
  return ok || absent ? CF_OK : fail(err, "remove", n.text);
}

/* ---- reading ---- */

cf_status_t
cf_files_open_read(int *fd, size_t *size, cf_files_t const *files, cf_span_t name) {
  name_t      n;
  struct stat is;
  cf_status_t st = name_parse(&n, files, name, NULL);
  if (st) return st;
  int file = open_beneath(files->dir, n.text, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
  if (file < 0) return CF_ERR_IO;
  if (fstat(file, &is) || !S_ISREG(is.st_mode)) {
    close(file);
    errno = EISDIR;
    return CF_ERR_IO;
  }
  *fd   = file;
  *size = (size_t)is.st_size;
  return CF_OK;
}

static bool
read_all(int fd, uint8_t *buf, size_t n) {
  for (size_t done = 0; done < n;) {
    ssize_t got = read(fd, buf + done, n - done);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = EIO; /* shorter than it said */
    if (got <= 0) return false;
    done += (size_t)got;
  }
  return true;
}

cf_status_t
cf_files_get(uint8_t **out, size_t *out_sz, bool *found, cf_files_t const *files, cf_span_t name, size_t max, cf_error_t *err) {
  int         fd   = -1;
  size_t      size = 0;
  cf_status_t st   = cf_files_open_read(&fd, &size, files, name);
  *out             = NULL;
  *out_sz          = 0;
  *found           = false;
  if (st == CF_ERR_FORMAT) return cf_error_set(err, st, "file name", 0, "%zu bytes that are no name", name.len);
  if (st && (errno == ENOENT || errno == ENOTDIR)) return CF_OK;
  if (st) return cf_error_set(err, st, "get", 0, "%.*s: %s", (int)name.len, (char const *)name.ptr, strerror(errno));
  uint8_t *buf = size <= max ? malloc(size + 1) : NULL; /* never malloc(0) */
  bool     ok  = buf && read_all(fd, buf, size);
  close_keeping_errno(fd);
  if (!ok) {
    free(buf);
    if (size > max)
      return cf_error_set(err, CF_ERR_BOUND, "get", 0, "%.*s: %zu bytes, %zu are the most", (int)name.len, (char const *)name.ptr,
                          size, max);
    return cf_error_set(err, CF_ERR_IO, "get", 0, "%.*s: %s", (int)name.len, (char const *)name.ptr, strerror(errno));
  }
  *out    = buf;
  *out_sz = size;
  *found  = true;
  return CF_OK;
}

static int
is_plain(struct dirent const *entry) {
  return entry->d_name[0] != '.';
}

static int
bytewise(struct dirent const **a, struct dirent const **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

cf_status_t
cf_files_list(uint8_t **out, size_t *out_sz, cf_files_t const *files, cf_span_t name, size_t max, cf_error_t *err) {
  name_t n  = { .text = "." };
  *out      = NULL;
  *out_sz   = 0;
  if (name.len) {
    cf_status_t st = name_parse(&n, files, name, err);
    if (st) return st;
  }
  int fd = open_beneath(files->dir, n.text, O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0 && errno == ENOENT) return CF_OK;
  if (fd < 0) return fail(err, "list", n.text);

  struct dirent **entries = NULL;
  int             cnt     = scandirat(fd, ".", &entries, is_plain, bytewise);
  size_t          size    = 0;
  close_keeping_errno(fd);
  if (cnt < 0) return fail(err, "list", n.text);
  for (int i = 0; i < cnt; i++) size += strlen(entries[i]->d_name) + 1;
  uint8_t *buf = size <= max ? malloc(size + 1) : NULL;
  cf_wr_t  wr  = cf_wr_init(buf, buf ? size : 0);
  for (int i = 0; i < cnt; i++) {
    cf_wr_bytes(&wr, entries[i]->d_name, strlen(entries[i]->d_name) + 1);
    free(entries[i]);
  }
  free(entries);
  if (!buf) return cf_error_set(err, CF_ERR_BOUND, "list", 0, "%s: %zu bytes of names", n.text, size);
  *out    = buf;
  *out_sz = size;
  return CF_OK;
}
