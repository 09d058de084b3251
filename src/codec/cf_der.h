/* DER (X.690, 10), read strictly over the byte cursor: tags of one byte, lengths definite and minimal, integers minimal, booleans
   00 or ff, times with Z.  Anything else makes the cursor bad.  Nothing allocates; nothing recurses. */
#ifndef CF_CODEC_DER_H
#define CF_CODEC_DER_H

#include "base/cf_bytes.h"

enum {
  CF_DER_BOOLEAN = 0x01,
  CF_DER_INTEGER = 0x02,
  CF_DER_BIT_STRING = 0x03,
  CF_DER_OCTET_STRING = 0x04,
  CF_DER_NULL = 0x05,
  CF_DER_OID = 0x06,
  CF_DER_ENUMERATED = 0x0a,
  CF_DER_UTF8 = 0x0c,
  CF_DER_PRINTABLE = 0x13,
  CF_DER_IA5 = 0x16,
  CF_DER_UTC_TIME = 0x17,
  CF_DER_TIME = 0x18, /* GeneralizedTime */
  CF_DER_SEQUENCE = 0x30,
  CF_DER_SET = 0x31,
};
/* Context-specific tag n, primitive or constructed. */
#define CF_DER_CONTEXT(n) (0x80 | (n))
#define CF_DER_CONTEXT_OF(n) (0xa0 | (n))

/* cf_der_is holds when an element with that tag comes next. */
bool cf_der_is(cf_rd_t const *rd, uint8_t tag);
/* cf_der_take consumes an element with that tag and returns its content; cf_der_any one of any tag (NULL: not asked), with what
   stands before the content in *whole (may be NULL). */
cf_span_t cf_der_take(cf_rd_t *rd, uint8_t tag);
cf_span_t cf_der_any(cf_rd_t *rd, uint8_t *tag, cf_span_t *whole);
/* cf_der_whole consumes an element with that tag and returns all of it. */
cf_span_t cf_der_whole(cf_rd_t *rd, uint8_t tag);
/* cf_der_enter consumes an element with that tag and returns a cursor over its content, which is bad when there is none. */
cf_rd_t cf_der_enter(cf_rd_t *rd, uint8_t tag);

/* cf_der_integer returns the content of an INTEGER: two's complement, minimal. */
cf_span_t cf_der_integer(cf_rd_t *rd);
/* cf_der_uint reads one from 0 to max; the sign byte of a number above 127 is no part of it. */
uint64_t cf_der_uint(cf_rd_t *rd, uint64_t max);
/* cf_der_fixed writes a positive one as out_sz big-endian bytes; larger is bad. */
void cf_der_fixed(cf_rd_t *rd, uint8_t *out, size_t out_sz);
bool cf_der_bool(cf_rd_t *rd);
/* cf_der_bits reads a BIT STRING of whole bytes. */
cf_span_t cf_der_bits(cf_rd_t *rd);
/* cf_der_flags reads a BIT STRING of named bits (trailing zeros left out): bit n of the result is bit n of the string; at
 * most 32. */
uint32_t cf_der_flags(cf_rd_t *rd);
/* cf_der_time reads UTCTime or GeneralizedTime as RFC 5280 (4.1.2.5) has them: Unix time. */
int64_t cf_der_time(cf_rd_t *rd);

#endif
