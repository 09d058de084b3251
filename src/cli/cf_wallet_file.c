#include "cli/cf_wallet_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cf_secret.h"

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
  if (cf_wallet_decode(&w->key, in, &err)) return cf_fail_error("wallet", &err);
  *out = w;
  return 0;
}

static char *account_path(cf_wallet_file_t const *w, cf_hash_t const *domain) {
  return cf_fmt("%s/account-%s", w->dir, cf_hex(CF_SPAN_OF(domain->b)));
}

int cf_wallet_account_open(cf_account_t **out, cf_wallet_file_t const *w, cf_hash_t const *domain) {
  char         *path = account_path(w, domain);
  cf_account_t *a = cf_secret_new(sizeof *a);
  cf_pending_t *pending = calloc(CF_WALLET_PENDING_MAX, sizeof *pending);
  cf_error_t    err = {0};
  cf_span_t     in;
  if (!a || !pending) abort();
  cf_account_init(a, domain, pending, CF_WALLET_PENDING_MAX);
  *out = a;
  if (access(path, F_OK)) return 0;
  int code = cf_slurp(&in, path, CF_ACCOUNT_ENCODED_MAX(CF_WALLET_PENDING_MAX));
  return code ? code : cf_account_decode(a, in, &err) ? cf_fail_error("wallet", &err) : 0;
}

int cf_wallet_account_save(cf_account_t const *a, cf_wallet_file_t const *w) {
  cf_wr_t wr = cf_room(CF_ACCOUNT_ENCODED_MAX(CF_WALLET_PENDING_MAX));
  cf_account_encode(&wr, a);
  int code = cf_save(account_path(w, &a->domain), cf_wr_out(&wr), true);
  cf_wipe(wr.buf, wr.len);
  free(wr.buf);
  return code;
}
