#include "cli/cf_state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int say(cf_error_t *to, cf_error_t const *err) {
  if (!to) return cf_fail_error("audit", err);
  *to = *err;
  return err->status == CF_ERR_IO ? CF_EXIT_WORLD : CF_EXIT_FAILS;
}

/* The file is only read: a state of gigabytes takes no more memory than is looked at. */
static cf_status_t map_file(cf_state_file_t *f, cf_error_t *err) {
  struct stat s;
  int         fd = open(f->path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return CF_OK;
  if (fd < 0 || fstat(fd, &s) || !S_ISREG(s.st_mode)) {
    cf_status_t st = cf_error_set(err, CF_ERR_IO, "state", 0, "%s: %s", f->path, fd < 0 ? strerror(errno) : "no plain file");
    if (fd >= 0) close(fd);
    return st;
  }
  void *at = s.st_size ? mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
  close(fd);
  if (at == MAP_FAILED) return cf_error_set(err, CF_ERR_IO, "state", 0, "%s: %s", f->path, strerror(errno));
  f->map = CF_SPAN(at, (size_t)s.st_size);
  /* An empty file is no state, and not its absence either. */
  return s.st_size ? CF_OK : cf_error_set(err, CF_ERR_FORMAT, "state", 0, "%s is empty", f->path);
}

int cf_state_open(cf_state_file_t *f, char const *path, cf_hash_t const *domain, cf_error_t *err) {
  cf_error_t own = {0};
  *f = (cf_state_file_t){.path = path};
  cf_status_t st = map_file(f, &own);
  if (!st) st = cf_since_open(&f->since, f->map, domain, &own);
  if (!st) return 0;
  cf_state_close(f);
  return say(err, &own);
}

void cf_state_close(cf_state_file_t *f) {
  cf_since_free(f->since);
  if (f->map.len) munmap((void *)(uintptr_t)f->map.ptr, f->map.len);
  f->since = NULL;
  f->map = CF_SPAN(NULL, 0);
}

static void write_out(void *ctx, cf_span_t s) {
  if (s.len) fwrite(s.ptr, 1, s.len, ctx);
}

static bool sync_folder(char const *path) {
  char const *slash = strrchr(path, '/');
  char       *dir = slash ? cf_fmt("%.*s/", (int)(slash - path), path) : cf_fmt(".");
  int         fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool        ok = fd >= 0 && fsync(fd) == 0;
  if (fd >= 0) close(fd);
  free(dir);
  return ok;
}

int cf_state_save(cf_state_file_t *f, uint64_t now_s, cf_error_t *err) {
  cf_error_t  own = {0};
  char       *temporary = cf_fmt("%s.%ld.tmp", f->path, (long)getpid());
  FILE       *out = fopen(temporary, "we");
  cf_status_t st = out ? cf_since_write(f->since, now_s, &(cf_audit_out_t){write_out, out}) : CF_OK;
  bool        ok = out && !st && fflush(out) == 0 && !ferror(out) && fsync(fileno(out)) == 0;
  if (out) ok = fclose(out) == 0 && ok;
  ok = ok && rename(temporary, f->path) == 0 && sync_folder(f->path);
  if (!ok) {
    (void)cf_error_set(&own, CF_ERR_IO, "state", 0, "%s: %s", f->path, st ? "the folder could not be read again" : strerror(errno));
    unlink(temporary);
  }
  free(temporary);
  return ok ? 0 : say(err, &own);
}
