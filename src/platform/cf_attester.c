#include "platform/cf_attester.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "platform/cf_attester_inside.h"

/* In the order in which they are looked for: the processor's own before what a host emulates. */
static struct {
  cf_platform_t     platform;
  char const       *at;
  cf_attester_fn_t *fn;
} const attesters[] = {
    {CF_PLATFORM_TDX, "/sys/kernel/config/tsm/report", cf_tsm_attest},
    {CF_PLATFORM_SNP, "/sys/kernel/config/tsm/report", cf_tsm_attest},
    {CF_PLATFORM_SGX, "/dev/attestation/attestation_type", cf_gramine_attest},
    {CF_PLATFORM_NITRO, "/dev/nsm", cf_nsm_attest},
    {CF_PLATFORM_TPM, "/dev/tpmrm0", cf_tpm_attest},
};

char const *cf_attester_at(cf_platform_t *platform, size_t k) {
  if (k >= sizeof attesters / sizeof attesters[0]) return NULL;
  *platform = attesters[k].platform;
  return attesters[k].at;
}

cf_path_t cf_attester_path(cf_attesting_t const *a, char const *name, ...) {
  cf_path_t path;
  int       n = snprintf(path.text, sizeof path.text, "%s", a->ask->root);
  va_list   args;
  va_start(args, name);
  if (n >= 0 && (size_t)n < sizeof path.text) vsnprintf(path.text + n, sizeof path.text - (size_t)n, name, args);
  va_end(args);
  return path;
}

cf_status_t cf_attester_refuse(cf_attesting_t *a, cf_status_t st, char const *item, char const *next, char const *fmt, ...) {
  char    text[sizeof a->err->text];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  a->out->next = next;
  return cf_error_set(a->err, st, item, 0, "%s", text);
}

void cf_attester_add(cf_attesting_t *a, char const *role, cf_span_t bytes) {
  if (bytes.len && a->out->item_cnt < CF_ATTESTER_ITEMS_MAX)
    a->out->items[a->out->item_cnt++] = (cf_attester_item_t){role, bytes};
}

/* ---- tries ---- */

static bool may_pass(int code) {
  return code == EINTR || code == EBUSY || code == EAGAIN || code == ETIMEDOUT || code == EIO || code == ESTALE;
}

static cf_status_t say(cf_attesting_t *a, cf_try_t const *t, int tries, char const *absent) {
  char const *path = t->path.text;
  switch (t->code) {
  case ENOENT:
  case ENOTDIR:
  case ENODEV:
  case ENXIO:
    return cf_attester_refuse(a, CF_ERR_UNSUPPORTED, t->item, absent, "%s: %s", path, strerror(t->code));
  case EFBIG:
  case ENOSPC:
    return cf_attester_refuse(a, CF_ERR_BOUND, t->item,
                              "look at what this file gives: it is longer than evidence of this platform is", "%s: %s", path,
                              strerror(t->code));
  case EBADMSG:
    return cf_attester_refuse(a, CF_ERR_FORMAT, t->item, "look at what this file gives: kernel or host made it wrongly",
                              "%s: not of its form", path);
  case ESTALE:
    return cf_attester_refuse(a, CF_ERR_AUTH, t->item, "find the process that writes there as well, and try again",
                              "%s: not over what was written for it, %d times", path, tries);
  case EINVAL:
    return cf_attester_refuse(a, CF_ERR_UNSUPPORTED, t->item,
                              "this kernel takes no such value: for a level, privlevel_floor beside it has the lowest", "%s: %s",
                              path, strerror(t->code));
  case EACCES:
  case EPERM:
    return cf_attester_refuse(a, CF_ERR_IO, t->item, "run it as root, or let this user read and write there", "%s: %s", path,
                              strerror(t->code));
  default:
    return cf_attester_refuse(a, CF_ERR_IO, t->item, "try again; if it stays so, the kernel's log (dmesg) says why", "%s: %s%s",
                              path, strerror(t->code), tries > 1 ? ", each time" : "");
  }
}

cf_status_t cf_attester_tries(cf_attesting_t *a, void (*one)(cf_attesting_t *a, cf_try_t *t, void *ctx), void *ctx,
                              char const *absent) {
  size_t   used = a->room->len;
  cf_try_t t;
  int      tries = 0;
  do {
    struct timespec pause = {.tv_nsec = 5000000L << tries};
    if (tries) nanosleep(&pause, NULL);
    a->room->len = used;
    t.code = 0;
    one(a, &t, ctx);
    tries++;
  } while (may_pass(t.code) && tries < CF_ATTESTER_TRIES);
  return t.code ? say(a, &t, tries, absent) : CF_OK;
}

bool cf_try_failed(cf_try_t *t, int code, char const *item, cf_path_t const *path) {
  if (t->code) return false;
  t->code = code;
  t->path = *path;
  snprintf(t->item, sizeof t->item, "%s", item);
  return false;
}

bool cf_try_read(cf_attesting_t *a, cf_try_t *t, cf_span_t *out, char const *item, cf_path_t const *path, size_t max,
                 bool may_lack) {
  uint8_t *at = a->room->buf + a->room->len, over;
  size_t   len = 0, room = a->room->max - a->room->len;
  *out = CF_SPAN(at, 0);
  if (t->code) return false;
  int fd = open(path->text, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return (may_lack && errno == ENOENT) || cf_try_failed(t, errno, item, path);
  if (max > room) max = room;
  for (ssize_t n = 1; n > 0; len += (size_t)n) {
    n = len < max ? read(fd, at + len, max - len) : read(fd, &over, 1);
    if (n < 0) cf_try_failed(t, errno, item, path), n = 0;
    if (n > 0 && len == max) cf_try_failed(t, EFBIG, item, path), n = 0;
  }
  close(fd);
  if (t->code) return false;
  a->room->len += len;
  out->len = len;
  return true;
}

bool cf_try_write(cf_try_t *t, char const *item, cf_path_t const *path, cf_span_t bytes) {
  if (t->code) return false;
  int fd = open(path->text, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return cf_try_failed(t, errno, item, path);
  ssize_t n = write(fd, bytes.ptr, bytes.len);
  int     code = n < 0 ? errno : (size_t)n < bytes.len ? EIO : 0;
  if (close(fd) && !code) code = errno; /* configfs says nothing there; others may */
  return !code || cf_try_failed(t, code, item, path);
}

cf_span_t cf_try_trim(cf_span_t bytes) {
  while (bytes.len && bytes.ptr[bytes.len - 1] == '\n') bytes.len--;
  return bytes;
}

bool cf_try_over(cf_attesting_t *a, cf_try_t *t, cf_span_t blob, size_t at, char const *item, cf_path_t const *path) {
  if (t->code) return false;
  if (at > blob.len || blob.len - at < sizeof a->data) return cf_try_failed(t, EBADMSG, item, path);
  return !memcmp(blob.ptr + at, a->data, sizeof a->data) || cf_try_failed(t, ESTALE, item, path);
}

/* Intel's headers are 48 bytes, and version 5 says then which body follows, and how long it is. */
size_t cf_quote_data_at(cf_span_t quote, bool td) {
  if (quote.len < 54) return SIZE_MAX;
  unsigned version = quote.ptr[0] | (unsigned)quote.ptr[1] << 8, type = quote.ptr[48] | (unsigned)quote.ptr[49] << 8;
  uint32_t tee = quote.ptr[4] | (uint32_t)quote.ptr[5] << 8 | (uint32_t)quote.ptr[6] << 16 | (uint32_t)quote.ptr[7] << 24;
  size_t   data = td ? 520 : 320;
  if (version == 3 && !td) return 48 + data;
  if (version == 4 && tee == (td ? 0x81 : 0)) return 48 + data;
  return version == 5 && (td ? type == 2 || type == 3 : type == 1) ? 54 + data : SIZE_MAX;
}

/* Firmware's log may be root's alone where the TPM is not; the evidence stands without it. */
static void log_try(cf_attesting_t *a, cf_try_t *t, void *ctx) {
  char const *name = ctx;
  cf_path_t   path = cf_attester_path(a, "%s", name);
  cf_span_t   log;
  if (access(path.text, R_OK)) return;
  if (cf_try_read(a, t, &log, "event_log", &path, CF_ATTESTER_LOG_MAX, true)) cf_attester_add(a, "event_log", log);
}

cf_status_t cf_attester_log(cf_attesting_t *a, char const *name) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s", name);
  return cf_attester_tries(a, log_try, path, "");
}

/* ---- the call ---- */

static bool is_there(cf_attesting_t const *a, size_t k) {
  cf_path_t path = cf_attester_path(a, "%s", attesters[k].at);
  return !access(path.text, F_OK) || (attesters[k].platform == CF_PLATFORM_TPM && a->ask->tcti);
}

/* The first that is there; one that is there and has nothing behind it (configfs-tsm without a driver) is passed over. */
static cf_status_t attest_any(cf_attesting_t *a) {
  for (size_t k = 0; k < sizeof attesters / sizeof attesters[0]; k++) {
    if (!is_there(a, k) || (k && attesters[k].fn == attesters[k - 1].fn)) continue;
    cf_error_t err = {0}, *out = a->err;
    a->err = &err;
    cf_status_t st = attesters[k].fn(a);
    a->err = out;
    if (st != CF_ERR_UNSUPPORTED) return st ? cf_error_set(out, st, err.item, err.offset, "%s", err.text) : CF_OK;
  }
  return cf_attester_refuse(a, CF_ERR_UNSUPPORTED, "platform", "name one (--platform): its own message says what is missing",
                            "none of configfs-tsm, /dev/attestation, /dev/nsm, /dev/tpmrm0 answers below %s/", a->ask->root);
}

cf_status_t cf_attest(cf_attester_out_t *out, cf_wr_t *room, cf_platform_t platform, cf_attester_ask_t const *ask,
                      cf_error_t *err) {
  cf_attesting_t a = {.out = out, .room = room, .wanted = platform, .ask = ask, .err = err};
  *out = (cf_attester_out_t){.platform = platform};
  if (!ask->data.len || ask->data.len > CF_ATTESTER_DATA_MAX)
    return cf_attester_refuse(&a, CF_ERR_BOUND, "nonce", "give the verifier's nonce, 1 to 64 bytes", "%zu bytes", ask->data.len);
  memcpy(a.data, ask->data.ptr, ask->data.len);
  if (!platform) return attest_any(&a);
  for (size_t k = 0; k < sizeof attesters / sizeof attesters[0]; k++)
    if (attesters[k].platform == platform) return attesters[k].fn(&a);
  return cf_attester_refuse(&a, CF_ERR_UNSUPPORTED, "platform", "tdx, snp, sgx, nitro or tpm",
                            "nothing here makes evidence of it");
}
