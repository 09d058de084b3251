/* Invariant 13: what was sealed under which key and nonce.  The linker puts this before cf_aead_seal (--wrap, cmake/sim.cmake).
   A party's envelope counts when it leaves: one that was sealed by a process that ended before its file was durable never did. */
#include "cf_nonces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cf_bytes.h"
#include "crypto/cf_aead.h"
#include "crypto/cf_hash.h"

enum { HELD = 8, PLACES = 1 << 16, KEY_SZ = 16 /* of the key: as good as all of it, and every cipher has so many */ };

void __real_cf_aead_seal(cf_aead_t *aead, uint8_t *out, uint8_t const *key, uint8_t const nonce[12], cf_span_t aad, cf_span_t in);
void __wrap_cf_aead_seal(cf_aead_t *aead, uint8_t *out, uint8_t const *key, uint8_t const nonce[12], cf_span_t aad, cf_span_t in);

typedef struct {
  bool      used;
  uint8_t   pair[KEY_SZ + CF_AEAD_NONCE_SZ];
  cf_hash_t what; /* of plaintext and associated data */
} sealed_t;

typedef struct {
  sealed_t at[HELD];
  size_t   cnt;
} held_t;

static sealed_t *table; /* open addressing */
static size_t    pairs;
static held_t    held[CF_NONCES_WHO_MAX];
static unsigned  who;
static char      reused[96];

static void remember(sealed_t const *s) {
  if (!table && !(table = calloc(PLACES, sizeof *table))) abort();
  uint64_t at;
  memcpy(&at, s->pair + KEY_SZ + 4, sizeof at); /* counters: mixed with the key */
  uint64_t key;
  memcpy(&key, s->pair, sizeof key);
  at = (at ^ key) * 0x9e3779b97f4a7c15 >> 48;
  while (table[at % PLACES].used && memcmp(table[at % PLACES].pair, s->pair, sizeof s->pair)) at++;
  sealed_t *t = &table[at % PLACES];
  if (t->used && !cf_hash_eq(&t->what, &s->what) && !reused[0])
    snprintf(reused, sizeof reused, "key %02x%02x%02x%02x.. and a nonce of it sealed two plaintexts", s->pair[0], s->pair[1],
             s->pair[2], s->pair[3]);
  if (!t->used && ++pairs > PLACES / 2) abort();
  *t = *s;
}

void __wrap_cf_aead_seal(cf_aead_t *aead, uint8_t *out, uint8_t const *key, uint8_t const nonce[12], cf_span_t aad, cf_span_t in) {
  sealed_t    s = {.used = true};
  cf_sha256_t ctx;
  memcpy(s.pair, key, KEY_SZ);
  memcpy(s.pair + KEY_SZ, nonce, CF_AEAD_NONCE_SZ);
  cf_sha256_init(&ctx);
  cf_sha256_s(&ctx, aad);
  cf_sha256_s(&ctx, in);
  s.what = cf_sha256_end(&ctx);
  held_t *h = &held[who];
  if (!who) remember(&s);
  else if (h->cnt < HELD) h->at[h->cnt++] = s;
  __real_cf_aead_seal(aead, out, key, nonce, aad, in);
}

void cf_nonces_begin(void) {
  free(table);
  table = NULL;
  pairs = who = 0;
  reused[0] = 0;
  memset(held, 0, sizeof held);
}

void cf_nonces_of(unsigned holder) { who = holder; }

void cf_nonces_left(unsigned holder) {
  for (size_t i = 0; i < held[holder].cnt; i++) remember(&held[holder].at[i]);
  held[holder].cnt = 0;
}

void cf_nonces_forget(unsigned holder) { held[holder].cnt = 0; }

char const *cf_nonces_reused(void) { return reused[0] ? reused : NULL; }
