#include "io/cf_tail.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool
write_at(int fd, size_t at, uint8_t const *bytes, size_t len) {
  for (size_t done = 0; done < len;) {
    ssize_t n = pwrite(fd, bytes + done, len - done, (off_t)(at + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    done += (size_t)n;
  }
  return true;
}

static bool
write_ahead(cf_tail_t *t, size_t end) {
  static uint8_t const zeros[64 << 10];
  size_t               ahead = end < CF_TAIL_AHEAD_MIN ? CF_TAIL_AHEAD_MIN : end < CF_TAIL_AHEAD_MAX ? end : CF_TAIL_AHEAD_MAX;
  size_t               made  = (end + ahead) / CF_TAIL_AHEAD_MIN * CF_TAIL_AHEAD_MIN;
  for (size_t at = end, n; at < made; at += n) {
    n = made - at < sizeof zeros ? made - at : sizeof zeros;
    if (write_at(t->fd, at, zeros, n)) continue;
    t->made = end; /* no room: the file grows by what is appended */
    return ftruncate(t->fd, (off_t)end) == 0;
  }
  t->made = made;
  return true;
}

bool
cf_tail_is(cf_tail_t const *tail, cf_span_t name) {
  return tail->open && cf_span_eq(CF_SPAN(tail->name, tail->name_len), name);
}

void
cf_tail_close(cf_tail_t *tail) {
  if (!tail->open) return;
  int cut = ftruncate(tail->fd, (off_t)tail->end); /* a crash before this is durable leaves the zeros, which is as good */
  (void)cut;
  close(tail->fd);
  tail->open = false;
}

static cf_status_t
open_tail(cf_tail_t *t, cf_files_t const *files, cf_span_t name, cf_error_t *err) {
  cf_tail_close(t);
  cf_status_t st = cf_files_open_write(&t->fd, &t->end, files, name, err);
  if (st) return st;
  t->made = t->end;
  t->open = true;
  memcpy(t->name, name.ptr, t->name_len = name.len);
  return CF_OK;
}

cf_status_t
cf_tail_append(cf_tail_t *t, cf_files_t const *files, cf_span_t name, cf_span_t body, cf_error_t *err) {
  if (!cf_tail_is(t, name)) {
    cf_status_t st = open_tail(t, files, name, err);
    if (st) return st;
  }
  size_t end = t->end + body.len;
  bool   ok  = write_at(t->fd, t->end, body.ptr, body.len) && (end <= t->made || write_ahead(t, end)) && fdatasync(t->fd) == 0;
  if (ok) {
    t->end = end;
    return CF_OK;
  }
  int why = errno;
  if (ftruncate(t->fd, (off_t)t->end) == 0) (void)fdatasync(t->fd);
  t->made = t->end;
  return cf_error_set(err, CF_ERR_IO, "append", 0, "%.*s: %s", (int)name.len, (char const *)name.ptr, strerror(why));
}
