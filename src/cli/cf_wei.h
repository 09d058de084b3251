/* Amounts of 256 bits, big-endian, as tokens and ether count them. */
#ifndef CF_CLI_WEI_H
#define CF_CLI_WEI_H

#include "base/cf_bytes.h"

/* Each is false, with *out then of no use, where 256 bits do not hold it or it is below zero. */
bool cf_wei_units(cf_hash_t *out, uint64_t units, unsigned decimals); /* units * 10^decimals */
bool cf_wei_sub(cf_hash_t *out, cf_hash_t const *from, cf_hash_t const *less);
/* cf_wei_parse reads "1.5eth", "20gwei", "7wei"; a bare number is wei. */
bool cf_wei_parse(cf_hash_t *out, char const *text);

#endif
