#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cf_cli.h"
#include "io/cf_files.h"

cf_wr_t cf_room(size_t n) {
  void *at = calloc(1, n ? n : 1);
  if (!at) abort();
  return cf_wr_init(at, n);
}

static int unreadable(char const *path) {
  return cf_fail(CF_EXIT_USAGE, "file", "unreadable", path, "found", strerror(errno), NULL);
}

static int slurp_fd(cf_span_t *out, int fd, char const *path, size_t max) {
  size_t   cap = 65536, len = 0;
  uint8_t *buf = malloc(cap);
  for (ssize_t n = 1; buf && n > 0;) {
    if (len == cap) buf = realloc(buf, cap *= 2);
    n = buf ? read(fd, buf + len, cap - len) : -1;
    if (n < 0) return unreadable(path);
    len += (size_t)n;
    if (len > max) return cf_fail(CF_EXIT_USAGE, "file", "too-large", path, "found", cf_fmt("more than %zu bytes", max), NULL);
  }
  if (!buf) abort();
  *out = CF_SPAN(buf, len);
  return 0;
}

int cf_slurp(cf_span_t *out, char const *path, size_t max) {
  if (!strcmp(path, "-")) return slurp_fd(out, STDIN_FILENO, "stdin", max);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return unreadable(path);
  int code = slurp_fd(out, fd, path, max);
  close(fd);
  return code;
}

static int write_out(cf_span_t bytes, char const *path) {
  FILE *f = path ? fopen(path, "we") : stdout;
  if (!f) return cf_fail(CF_EXIT_USAGE, "file", "unwritable", path, "found", strerror(errno), NULL);
  bool ok = fwrite(bytes.ptr, 1, bytes.len, f) == bytes.len && fflush(f) == 0;
  if (path) ok = fclose(f) == 0 && ok;
  return ok ? 0 : cf_fail(CF_EXIT_WORLD, "file", "unwritable", path ? path : "stdout", "found", strerror(errno), NULL);
}

int cf_emit(cf_span_t bytes, char const *path) {
  struct stat is;
  if (!path || !strcmp(path, "-")) return write_out(bytes, NULL);
  return stat(path, &is) == 0 && !S_ISREG(is.st_mode) ? write_out(bytes, path) : cf_save(path, bytes, false);
}

/* A new folder's name is durable only with the folder that has it. */
static bool sync_parent(char const *path) {
  char const *slash = strrchr(path, '/');
  char       *parent = slash ? cf_fmt("%.*s/", (int)(slash - path), path) : cf_fmt(".");
  int         fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool        ok = fd >= 0 && fsync(fd) == 0;
  if (fd >= 0) close(fd);
  return ok;
}

int cf_make_dir(char const *path) {
  char *copy = cf_fmt("%s/", path);
  for (char *at = copy + 1; *at; at++) {
    if (*at != '/') continue;
    *at = 0;
    bool made = mkdir(copy, 0755) == 0;
    if (made ? !sync_parent(copy) : errno != EEXIST)
      return cf_fail(CF_EXIT_USAGE, "folder", "unwritable", copy, "found", strerror(errno), NULL);
    *at = '/';
  }
  return 0;
}

int cf_save(char const *path, cf_span_t bytes, bool secret) {
  char       *slash = strrchr(path, '/') ? cf_fmt("%.*s", (int)(strrchr(path, '/') - path), path) : cf_fmt(".");
  char const *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
  cf_files_t  files;
  cf_error_t  err = {0};
  int         code = cf_make_dir(slash);
  if (code) return code;
  cf_status_t st = cf_files_open(&files, *slash ? slash : "/", secret ? NULL : "", &err);
  if (st) return cf_fail_error("file", &err);
  st = cf_files_put(&files, CF_SPAN(name, strlen(name)), bytes, &err);
  cf_files_close(&files);
  return st ? cf_fail_error("file", &err) : 0;
}

char *cf_exe(char const *name) {
  char    self[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) return cf_fmt("%s", name);
  self[n] = 0;
  return cf_fmt("%.*s/%s", (int)(strrchr(self, '/') - self), self, name);
}

char *cf_absolute(char const *path) { return realpath(path, NULL); }

cf_jw_t cf_json_begin(cf_wr_t *wr) { return cf_jw_init(wr); }

int cf_json_end(cf_jw_t *j, char const *path) {
  cf_wr_u8(j->wr, '\n');
  return cf_emit(cf_wr_out(j->wr), path);
}
