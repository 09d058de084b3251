/* The example log's key, its witness's, and their seeds. */
#ifndef KEYS_H
#define KEYS_H

#include <assert.h>

#include "translog/cf_note.h"

static uint8_t   log_seed[32], own_seed[32];
static cf_vkey_t log_key, own_key;

/* The seed is n, n+1, ... n+31. */
static cf_vkey_t
key_make(uint8_t seed[32], uint8_t n, char const *name, cf_vkey_type_t type) {
  cf_ed25519_pub_t pub;
  cf_vkey_t        k;
  for (unsigned i = 0; i < 32; i++) seed[i] = (uint8_t)(n + i);
  cf_ed25519_pub(&pub, seed);
  cf_status_t st = cf_vkey_make(&k, CF_SPAN(name, strlen(name)), type, &pub);
  assert(!st);
  return k;
}

static void
keys_make(void) {
  log_key = key_make(log_seed, 0, "example.com/tee-ledger", CF_VKEY_LOG);
  own_key = key_make(own_seed, 0x20, "witness.example.com/w1", CF_VKEY_WITNESS);
}

#endif
