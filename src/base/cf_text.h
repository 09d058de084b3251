/* Hex, base64 and decimal text: strict decoders, one encoding per value. */
#ifndef CF_BASE_TEXT_H
#define CF_BASE_TEXT_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"

/* cf_hex_encode writes 2 * in.len lower-case digits and a NUL; out holds
   2 * in.len + 1 bytes.  Returns out. */
char *cf_hex_encode(char *out, cf_span_t in);

/* cf_hex_decode reads exactly out_sz bytes from the 2 * out_sz digits of text
   (either case).  CF_ERR_FORMAT otherwise. */
CF_MUST_CHECK cf_status_t cf_hex_decode(uint8_t *out, size_t out_sz, cf_span_t text);

/* cf_b64_encode writes standard base64 with padding (RFC 4648, section 4) and
   a NUL; out holds cf_b64_sz(in.len) + 1 bytes.  Returns the length without NUL. */
size_t cf_b64_encode(char *out, cf_span_t in);
static inline size_t cf_b64_sz(size_t n) { return (n + 2) / 3 * 4; }

/* cf_b64_decode is strict: padding demanded, spare bits zero, nothing else in
   the text.  *out_sz receives the length.  CF_ERR_FORMAT, CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_b64_decode(uint8_t *out, size_t *out_sz, size_t out_max, cf_span_t text);

/* cf_dec_u64 reads a decimal without sign, leading zeros or anything else.
   CF_ERR_FORMAT; CF_ERR_BOUND when it is >= 2^64. */
CF_MUST_CHECK cf_status_t cf_dec_u64(uint64_t *out, cf_span_t text);

/* cf_utf8_valid holds when text is well-formed UTF-8 (RFC 3629): no surrogates, no overlong forms. */
bool cf_utf8_valid(cf_span_t text);

#endif
