/* Deterministic CBOR (RFC 8949, 4.2.1) over the byte cursors.  The reader is
   strict: non-minimal heads, indefinite lengths, floats, simple values other
   than false, true and null, unsorted or duplicate keys and nesting over 16
   make the cursor bad, with pos left at the offence.  Nothing allocates. */
#ifndef CF_CODEC_CBOR_H
#define CF_CODEC_CBOR_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"

typedef enum {
  CF_CBOR_UINT,
  CF_CBOR_NINT,
  CF_CBOR_BSTR,
  CF_CBOR_TSTR,
  CF_CBOR_ARRAY,
  CF_CBOR_MAP,
  CF_CBOR_TAG,
  CF_CBOR_SIMPLE,
  CF_CBOR_BAD, /* nothing left, or the cursor is bad */
} cf_cbor_type_t;

#define CF_CBOR_DEPTH_MAX 16

cf_cbor_type_t cf_cbor_peek(cf_rd_t const *rd);
bool           cf_cbor_peek_null(cf_rd_t const *rd);

/* Each reads one item of that type; anything else makes the cursor bad and
   reads as 0 or an empty span.  Strings are borrowed from the input; text must be UTF-8. */
uint64_t  cf_cbor_uint(cf_rd_t *rd);
int64_t   cf_cbor_int(cf_rd_t *rd); /* bad when it does not fit */
cf_span_t cf_cbor_bstr(cf_rd_t *rd);
cf_span_t cf_cbor_tstr(cf_rd_t *rd);
bool      cf_cbor_bool(cf_rd_t *rd);
void      cf_cbor_null(cf_rd_t *rd);
uint64_t  cf_cbor_tag(cf_rd_t *rd);
size_t    cf_cbor_array(cf_rd_t *rd); /* number of items that follow; bad when more than bytes left */
/* cf_cbor_bstr_fixed reads a byte string of exactly n bytes into out. */
void                    cf_cbor_bstr_fixed(cf_rd_t *rd, void *out, size_t n);
static inline cf_hash_t cf_cbor_hash(cf_rd_t *rd) {
  cf_hash_t h = { { 0 } };
  cf_cbor_bstr_fixed(rd, h.b, 32);
  return h;
}

/* A map is walked key by key; keys are integers or text, sorted by their
   encoded bytes.   for (cf_cbor_map_t m = cf_cbor_map(rd); cf_cbor_next(&m);) switch (m.key) ...
   The caller reads exactly one value per key (cf_cbor_skip for one it ignores). */
typedef struct {
  cf_rd_t  *rd;
  size_t    left;
  cf_span_t last; /* encoded bytes of the key before */
  bool      is_text;
  int64_t   key;  /* integer keys */
  cf_span_t text; /* text keys */
} cf_cbor_map_t;
cf_cbor_map_t cf_cbor_map(cf_rd_t *rd);
bool          cf_cbor_next(cf_cbor_map_t *m);

/* cf_cbor_skip consumes one item of any kind, checked all the way down; returns its bytes. */
cf_span_t cf_cbor_skip(cf_rd_t *rd);
/* cf_cbor_check is CF_OK when in is exactly one well-formed deterministic item; *offset (may be NULL) receives where it
   is not, or its end. */
CF_MUST_CHECK cf_status_t cf_cbor_check(cf_span_t in, size_t *offset);

void cf_cbor_w_uint(cf_wr_t *wr, uint64_t v);
void cf_cbor_w_int(cf_wr_t *wr, int64_t v);
void cf_cbor_w_bstr(cf_wr_t *wr, cf_span_t s);
void cf_cbor_w_tstr(cf_wr_t *wr, cf_span_t s);
void cf_cbor_w_str(cf_wr_t *wr, char const *s); /* NUL-terminated text */
void cf_cbor_w_array(cf_wr_t *wr, size_t n);
void cf_cbor_w_map(cf_wr_t *wr, size_t n); /* the caller writes keys in order: for integer keys 0, 1, 2, ... then -1, -2, ... */
void cf_cbor_w_tag(cf_wr_t *wr, uint64_t tag);
void cf_cbor_w_bool(cf_wr_t *wr, bool v);
void cf_cbor_w_null(cf_wr_t *wr);
static inline void cf_cbor_w_hash(cf_wr_t *wr, cf_hash_t const *h) { cf_cbor_w_bstr(wr, CF_SPAN(h->b, 32)); }
/* cf_cbor_w_bstr_head writes the head of a byte string of n bytes; the caller adds them. */
void cf_cbor_w_bstr_head(cf_wr_t *wr, size_t n);
/* cf_cbor_w_bstr_room reserves a byte string of n bytes and returns where its content goes. */
uint8_t *cf_cbor_w_bstr_room(cf_wr_t *wr, size_t n);

/* cf_cbor_diag prints in as RFC 8949 diagnostic notation, indented: byte strings as h'..', cut after 64 bytes with a note of
   their length; text with all but printable ASCII escaped; one note with the offset for what is not deterministic CBOR.
   Returns the length, at most out_max - 1; NUL-terminated. */
size_t cf_cbor_diag(char *out, size_t out_max, cf_span_t in);

#endif
