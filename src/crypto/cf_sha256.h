/* SHA-256's compression function, in the ways that this machine may have.  Internal to crypto/ and its tests.

   h is the chaining value in host order; p holds n whole blocks of 64 bytes.  _2 does the same for two messages at once, which
   takes less than one and a half times as long, _4 for four, which takes twice as long as one: a processor's SHA instructions wait
   for each other within one message. */
#ifndef CF_CRYPTO_SHA256_H
#define CF_CRYPTO_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libcrypto's, whatever it has here. */
void cf_sha256_blocks_plain(uint32_t h[8], uint8_t const *p, size_t n);

/* Intel's SHA extensions; to be called only where cf_sha256_ni holds. */
bool cf_sha256_ni(void);
void cf_sha256_blocks_ni(uint32_t h[8], uint8_t const *p, size_t n);
void cf_sha256_blocks_ni_2(uint32_t ha[8], uint8_t const *pa, uint32_t hb[8], uint8_t const *pb, size_t n);
void cf_sha256_blocks_ni_4(uint32_t h[4][8], uint8_t const *const p[4], size_t n);

#endif
