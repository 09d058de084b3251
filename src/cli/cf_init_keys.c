#include <stdlib.h>
#include <string.h>

#include "base/cf_secret.h"
#include "cli/cf_init.h"
#include "crypto/cf_entropy.h"

static void p256_scalar(uint8_t out[32], cf_entropy_t const *e) {
  cf_p256_key_t *key = cf_p256_key_new(e);
  cf_p256_key_scalar(key, out);
  cf_p256_key_free(key);
}

cf_init_keys_t *cf_init_keys_make(void) {
  cf_entropy_t    e = cf_entropy_system();
  cf_init_keys_t *k = cf_secret_new(sizeof *k);
  if (!k) abort();
  cf_entropy_fill(&e, k->log, 32);
  p256_scalar(k->log + 32, &e);
  p256_scalar(k->gateway, &e);
  cf_k256_scalar_make(k->ledger, &e);
  cf_k256_scalar_make(k->treasury, &e);
  cf_k256_scalar_make(k->sender, &e);
  for (size_t i = 0; i < 3; i++) {
    cf_k256_scalar_make(k->governor[i], &e);
    cf_k256_scalar_make(k->guardian[i], &e);
  }
  for (size_t i = 0; i < CF_MEMBERS_MAX; i++) {
    cf_k256_scalar_make(k->verifier[i], &e);
    p256_scalar(k->verifier[i] + 32, &e);
    cf_entropy_fill(&e, k->witness[i], 32);
    cf_k256_scalar_make(k->observer[i], &e);
  }
  return k;
}

int cf_init_keys_save(cf_init_keys_t const *k, cf_init_t const *in, cf_folder_t const *f) {
  int code = cf_key_save(f, "log", 0, k->log, 2);
  if (!code) code = cf_key_save(f, "gateway", 0, k->gateway, 1);
  if (!code && !in->evm.nodes) code = cf_key_save(f, "ledger", 0, k->ledger, 1);
  if (!code && in->evm.nodes) code = cf_key_save(f, "sender", 0, k->sender, 1);
  if (!code) code = cf_key_save(f, "treasury", 0, k->treasury, 1);
  for (size_t i = 0; !code && i < 3; i++) {
    code = cf_key_save(f, "governor", i + 1, k->governor[i], 1);
    if (!code) code = cf_key_save(f, "guardian", i + 1, k->guardian[i], 1);
  }
  for (size_t i = 0; !code && i < in->verifiers.n; i++) code = cf_key_save(f, "verifier", i + 1, k->verifier[i], 2);
  for (size_t i = 0; !code && i < in->witnesses.n; i++) code = cf_key_save(f, "witness", i + 1, k->witness[i], 1);
  for (size_t i = 0; !code && i < in->observers.n; i++) code = cf_key_save(f, "observer", i + 1, k->observer[i], 1);
  return code;
}

int cf_init_keys_governors(cf_init_keys_t **out, cf_folder_t const *f) {
  cf_init_keys_t *k = *out = cf_secret_new(sizeof *k);
  if (!k) abort();
  struct {
    char const *role;
    size_t      n;
    uint8_t    *to;
  } const rows[] = {{"governor", 1, k->governor[0]}, {"governor", 2, k->governor[1]}, {"governor", 3, k->governor[2]}, {"gateway", 0, k->gateway}};
  int     code = 0;
  for (size_t i = 0; !code && i < CF_COUNT_OF(rows); i++) {
    uint8_t *line;
    code = cf_key_load(&line, f, rows[i].role, rows[i].n, 1);
    if (!code) memcpy(rows[i].to, line, 32);
    if (!code) cf_secret_free(line);
  }
  return code;
}
