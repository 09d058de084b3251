#include "cli/cf_wallet_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cf_secret.h"
#include "cli/cf_web.h"
#include "io/cf_memory.h"

static char *key_path(char const *dir) { return cf_fmt("%s/wallet.key", dir); }

int cf_wallet_file_new(char const *dir) {
  cf_entropy_t e = cf_entropy_system();
  char        *path = key_path(dir);
  uint8_t      text[CF_WALLET_TEXT_SZ];
  cf_wr_t      wr = cf_wr_init(text, sizeof text);
  if (access(path, F_OK) == 0)
    return cf_fail(CF_EXIT_FAILS, "wallet", "exists", path, "found", "a wallet lies there, and is not replaced", NULL);
  cf_wallet_t *w = cf_secret_new(sizeof *w);
  if (!w) abort();
  cf_wallet_make(w, &e);
  cf_wallet_encode(&wr, w);
  int code = cf_save(path, cf_wr_out(&wr), true);
  cf_wipe(text, sizeof text);
  cf_secret_free(w);
  return code;
}

int cf_wallet_file_open(cf_wallet_file_t **out, char const *dir) {
  cf_span_t         in;
  cf_error_t        err = {0};
  int               code = cf_slurp(&in, key_path(dir), 4096);
  cf_wallet_file_t *w = cf_secret_new(sizeof *w);
  if (code) return code;
  if (!w) abort();
  w->dir = dir;
  w->generation = calloc(1, sizeof *w->generation);
  if (!w->generation) abort();
  if (cf_wallet_decode(&w->key, in, &err)) return cf_fail_error("wallet", &err);
  *out = w;
  return 0;
}

/* ---- one domain ---- */

enum { HEAD_SZ = 20 + 8 }; /* the wallet's address, generation */

typedef struct {
  cf_files_t dir;
  char      *account, *newest; /* names */
} state_t;

static int state_open(state_t *s, cf_wallet_file_t const *w, cf_hash_t const *domain) {
  cf_error_t err = {0};
  s->account = cf_fmt("account-%s", cf_hex(CF_SPAN_OF(domain->b)));
  s->newest = cf_fmt("newest-%s", cf_hex(CF_SPAN_OF(domain->b)));
  return cf_files_open(&s->dir, w->dir, NULL, &err) ? cf_fail_error("wallet", &err) : 0;
}

/* Held until the process ends: two commands that both seal must not take the same counter. */
static int lock(cf_wallet_file_t const *w) {
  char *path = cf_fmt("%s/lock", w->dir);
  int   fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  for (unsigned t = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB); t += 20) {
    if (errno != EWOULDBLOCK || t >= CF_WALLET_WAIT_MS)
      return cf_fail(CF_EXIT_WORLD, "wallet", "busy", w->dir, "found", "another command works in it", NULL);
    cf_web_sleep(20);
  }
  return fd < 0 ? cf_fail(CF_EXIT_USAGE, "wallet", "unwritable", path, NULL) : 0;
}

static int refuse(cf_wallet_file_t const *w, char const *name, char const *found) {
  return cf_fail(CF_EXIT_FAILS, "wallet", "state", cf_fmt("%s/%s", w->dir, name), "found", found, "next",
                 "restore both files from their newest copy: a counter or order number used twice would be the end of what they "
                 "protect",
                 NULL);
}

/* The rest of a file behind its head; NULL and generation 0 when it is not there. */
static int read_one(cf_span_t *rest, uint64_t *generation, state_t const *s, cf_wallet_file_t const *w, char const *name) {
  uint8_t    *buf;
  size_t      size, max = HEAD_SZ + 32 + CF_ACCOUNT_ENCODED_MAX(CF_WALLET_PENDING_MAX);
  bool        found;
  cf_error_t  err = {0};
  cf_addr_t   addr;
  cf_status_t st = cf_memory_get(&buf, &size, &found, &s->dir, CF_SPAN(name, strlen(name)), max, &err);
  *rest = CF_SPAN(NULL, 0);
  *generation = 0;
  if (st == CF_ERR_STALE) return 0; /* without a mark: the two files tell of each other */
  if (st == CF_ERR_AUTH) return refuse(w, name, "not what was written");
  if (st) return cf_fail_error("wallet", &err);
  cf_rd_t rd = cf_rd_init(buf, size);
  cf_rd_copy(&rd, addr.b, sizeof addr.b);
  *generation = cf_rd_u64(&rd);
  *rest = cf_rd_take_span(&rd, cf_rd_left(&rd));
  if (rd.bad || !cf_addr_eq(&addr, &w->key.addr)) return refuse(w, name, "another wallet's");
  return 0;
}

int cf_wallet_account_open(cf_account_t **out, cf_wallet_file_t const *w, cf_hash_t const *domain) {
  state_t       s;
  uint64_t      newest;
  cf_span_t     rest, none;
  cf_account_t *a = cf_secret_new(sizeof *a);
  cf_pending_t *pending = calloc(CF_WALLET_PENDING_MAX, sizeof *pending);
  cf_error_t    err = {0};
  if (!a || !pending) abort();
  cf_account_init(a, domain, pending, CF_WALLET_PENDING_MAX);
  *out = a;
  int code = lock(w);
  if (!code) code = state_open(&s, w, domain);
  if (!code) code = read_one(&none, &newest, &s, w, s.newest);
  if (!code) code = read_one(&rest, w->generation, &s, w, s.account);
  if (code) return code;
  cf_files_close(&s.dir);
  if (*w->generation < newest) return refuse(w, s.account, rest.ptr ? "an older version of it" : "missing");
  if (*w->generation && !none.ptr) return refuse(w, s.newest, "missing");
  if (rest.ptr && cf_account_decode(a, rest, &err)) code = cf_fail_error("wallet", &err);
  if (rest.ptr) cf_wipe((void *)(uintptr_t)rest.ptr, rest.len);
  return code;
}

static int write_one(state_t const *s, cf_wallet_file_t const *w, char const *name, uint64_t generation, cf_account_t const *a) {
  cf_wr_t    wr = cf_room(HEAD_SZ + CF_ACCOUNT_ENCODED_MAX(CF_WALLET_PENDING_MAX));
  cf_error_t err = {0};
  cf_wr_bytes(&wr, w->key.addr.b, sizeof w->key.addr.b);
  cf_wr_u64(&wr, generation);
  if (a) cf_account_encode(&wr, a);
  cf_status_t st = cf_memory_put(&s->dir, CF_SPAN(name, strlen(name)), cf_wr_out(&wr), &err);
  cf_wipe(wr.buf, wr.len);
  free(wr.buf);
  return st ? cf_fail_error("wallet", &err) : 0;
}

/* The first save says first that there will be an account: what is missing then was never written. */
int cf_wallet_account_save(cf_account_t const *a, cf_wallet_file_t const *w) {
  state_t s;
  int     code = state_open(&s, w, &a->domain);
  if (code) return code;
  uint64_t next = *w->generation + 1;
  if (!*w->generation) code = write_one(&s, w, s.newest, 0, NULL);
  if (!code) code = write_one(&s, w, s.account, next, a);
  if (!code) code = write_one(&s, w, s.newest, next, NULL);
  if (!code) *w->generation = next;
  cf_files_close(&s.dir);
  return code;
}
