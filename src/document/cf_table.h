/* Field tables: each document is described once, as a table, and one routine
   encodes, decodes, validates, prints and documents from it (PROTOCOL P1).

   A document's payload is a CBOR map with integer keys.  Its struct begins with
   `cf_span_t extra`: the unknown negative keys, kept as encoded pairs and emitted again.
   Unknown keys >= 0 are errors.  An optional field is left out when it is zero or
   empty, and an explicit zero is an error: one value, one encoding. */
#ifndef CF_DOCUMENT_TABLE_H
#define CF_DOCUMENT_TABLE_H

#include "base/cf_bytes.h"
#include "base/cf_error.h"

typedef enum {
  CF_FIELD_UINT,  /* uint64_t, min..max                                        */
  CF_FIELD_FIXED, /* uint8_t[max]: a byte string of exactly max bytes          */
  CF_FIELD_BSTR,  /* cf_span_t, min..max bytes, borrowed                       */
  CF_FIELD_TEXT,  /* cf_span_t, min..max bytes of UTF-8, no control characters */
  CF_FIELD_MAP,   /* struct described by sub                                   */
  CF_FIELD_LIST,  /* array of structs described by sub; count at cnt_offset; min..max of them */
  CF_FIELD_FIXEDS,/* array of fixed byte strings of size item_sz; count at cnt_offset; min..max of them */
  CF_FIELD_TEXTS, /* array of cf_span_t text of 1..64 bytes; count at cnt_offset */
} cf_field_type_t;

struct cf_table;
typedef struct {
  char const            *name;
  int                    key;
  cf_field_type_t        type;
  bool                   optional;
  size_t                 offset;
  uint64_t               min, max;
  size_t                 cnt_offset;
  size_t                 item_sz;
  struct cf_table const *sub;
  char const            *note; /* for the schema */
  char const *const     *words; /* UINT: what JSON says for 0 to max; NULL where a number has no word */
} cf_field_t;

typedef struct cf_table {
  char const       *name;     /* "receipt" */
  char const       *typ;      /* media type in COSE header 16; NULL for parts and bare bodies */
  size_t            size;     /* of the struct */
  size_t            bytes_max;/* encoded size bound, 0: none of its own */
  cf_field_t const *fields;   /* by key: 1, 2, 3, ... */
  size_t            fields_cnt;
  char const       *signer;   /* for the schema */
} cf_table_t;

/* Field makers; T is the struct.  CF_F_WORD: w is its array of words, 0 of them NULL. */
#define CF_COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define CF_F_UINT(T, k, m, lo, hi) { .name = #m, .key = (k), .type = CF_FIELD_UINT, .offset = offsetof(T, m), .min = (lo), .max = (hi) }
#define CF_F_WORD(T, k, m, w) \
  { .name = #m, .key = (k), .type = CF_FIELD_UINT, .offset = offsetof(T, m), .min = 1, .max = CF_COUNT_OF(w) - 1, .words = (w) }
#define CF_F_WORD_OPT(T, k, m, w) \
  { .name = #m, .key = (k), .type = CF_FIELD_UINT, .optional = true, .offset = offsetof(T, m), .max = CF_COUNT_OF(w) - 1, .words = (w) }
#define CF_F_UINT_OPT(T, k, m, hi) \
  { .name = #m, .key = (k), .type = CF_FIELD_UINT, .optional = true, .offset = offsetof(T, m), .min = 0, .max = (hi) }
#define CF_F_FIXED(T, k, m) { .name = #m, .key = (k), .type = CF_FIELD_FIXED, .offset = offsetof(T, m), .max = sizeof(((T *)0)->m) }
#define CF_F_FIXED_OPT(T, k, m) \
  { .name = #m, .key = (k), .type = CF_FIELD_FIXED, .optional = true, .offset = offsetof(T, m), .max = sizeof(((T *)0)->m) }
#define CF_F_BSTR(T, k, m, lo, hi) { .name = #m, .key = (k), .type = CF_FIELD_BSTR, .offset = offsetof(T, m), .min = (lo), .max = (hi) }
#define CF_F_TEXT(T, k, m, lo, hi) { .name = #m, .key = (k), .type = CF_FIELD_TEXT, .offset = offsetof(T, m), .min = (lo), .max = (hi) }
#define CF_F_TEXT_OPT(T, k, m, hi) \
  { .name = #m, .key = (k), .type = CF_FIELD_TEXT, .optional = true, .offset = offsetof(T, m), .min = 1, .max = (hi) }
#define CF_F_MAP(T, k, m, s) { .name = #m, .key = (k), .type = CF_FIELD_MAP, .offset = offsetof(T, m), .sub = (s) }
#define CF_F_LIST(T, k, m, s, lo) \
  { .name = #m, .key = (k), .type = CF_FIELD_LIST, .offset = offsetof(T, m), .min = (lo), .max = CF_COUNT_OF(((T *)0)->m), \
    .cnt_offset = offsetof(T, m##_cnt), .sub = (s) }
#define CF_F_LIST_OPT(T, k, m, s) \
  { .name = #m, .key = (k), .type = CF_FIELD_LIST, .optional = true, .offset = offsetof(T, m), .max = CF_COUNT_OF(((T *)0)->m), \
    .cnt_offset = offsetof(T, m##_cnt), .sub = (s) }
#define CF_F_FIXEDS(T, k, m, lo) \
  { .name = #m, .key = (k), .type = CF_FIELD_FIXEDS, .offset = offsetof(T, m), .min = (lo), .max = CF_COUNT_OF(((T *)0)->m), \
    .cnt_offset = offsetof(T, m##_cnt), .item_sz = sizeof(((T *)0)->m[0]) }
#define CF_F_TEXTS(T, k, m, lo) \
  { .name = #m, .key = (k), .type = CF_FIELD_TEXTS, .offset = offsetof(T, m), .min = (lo), .max = CF_COUNT_OF(((T *)0)->m), \
    .cnt_offset = offsetof(T, m##_cnt), .item_sz = sizeof(cf_span_t) }
#define CF_F_TEXTS_OPT(T, k, m) \
  { .name = #m, .key = (k), .type = CF_FIELD_TEXTS, .optional = true, .offset = offsetof(T, m), .max = CF_COUNT_OF(((T *)0)->m), \
    .cnt_offset = offsetof(T, m##_cnt), .item_sz = sizeof(cf_span_t) }

/* cf_table_decode reads exactly one map into the struct at out (of t->size bytes, zeroed first).  Spans borrow in.
   CF_ERR_FORMAT, CF_ERR_BOUND (a bound of the table), with item "receipt.inputs_root", offset and text. */
CF_MUST_CHECK cf_status_t cf_table_decode(void *out, cf_table_t const *t, cf_span_t in, cf_error_t *err);

/* cf_table_encode appends the map; wr goes bad when it is too small.  Asserts that the struct keeps the table's bounds (our own bug otherwise). */
void cf_table_encode(cf_wr_t *wr, cf_table_t const *t, void const *in);

/* cf_table_print writes the struct as one JSON object: bytes in hex, numbers as their word or as numbers. */
void cf_table_print(cf_wr_t *wr, cf_table_t const *t, void const *in);
/* cf_table_of_json appends the document that a JSON object says in the words of cf_table_print: its fields in any order, no other
   members.  A person writes JSON; what is judged, hashed and kept is the encoding.  Bounds and missing fields are cf_table_decode's
   to find.  CF_ERR_FORMAT, CF_ERR_BOUND (wr is too small), with the field as item. */
CF_MUST_CHECK cf_status_t cf_table_of_json(cf_wr_t *wr, cf_table_t const *t, cf_span_t json, cf_error_t *err);
/* cf_table_schema writes the CDDL rule(s) of t and of its parts. */
void cf_table_schema(cf_wr_t *wr, cf_table_t const *t);

#endif
