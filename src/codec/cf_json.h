/* JSON (RFC 8259): a strict zero-copy reader and a plain writer.  The reader refuses duplicate keys, invalid UTF-8, control
   characters, U+0000 in keys, lone surrogates, integers outside -2^63 .. 2^64-1, exponents beyond 308, trailing bytes, nesting over
   CF_JSON_DEPTH_MAX and more than CF_JSON_KEYS_MAX members in an object.  No number becomes a double.  Nothing allocates. */
#ifndef CF_CODEC_JSON_H
#define CF_CODEC_JSON_H

#include "base/cf_bytes.h"
#include "base/cf_error.h"

#define CF_JSON_DEPTH_MAX 32
#define CF_JSON_KEYS_MAX 256

typedef enum {
  CF_JSON_NULL,
  CF_JSON_BOOL,
  CF_JSON_NUMBER,
  CF_JSON_STRING,
  CF_JSON_ARRAY,
  CF_JSON_OBJECT,
  CF_JSON_BAD
} cf_json_type_t;

/* A value is its text, whose form was checked whole by cf_json_parse. */
typedef struct {
  cf_json_type_t type;
  cf_span_t      text; /* with quotes, brackets */
} cf_json_t;

/* cf_json_parse checks that in is one JSON text; *out borrows it.  CF_ERR_FORMAT, CF_ERR_BOUND (a limit above).  Needs
   36 KiB of stack. */
CF_MUST_CHECK cf_status_t cf_json_parse(cf_json_t *out, cf_span_t in, cf_error_t *err);
/* cf_json_parse_members is cf_json_parse for an object, and finds its members on the way, where cf_json_each would pass over each
   value once more: the first max of them, in their order; *cnt is how many there are.  key is the raw text between the quotes.
   CF_ERR_FORMAT also for another value. */
typedef struct {
  cf_span_t key;
  cf_json_t value;
} cf_json_member_t;
CF_MUST_CHECK cf_status_t cf_json_parse_members(cf_json_member_t *out, size_t max, size_t *cnt, cf_span_t in, cf_error_t *err);
/* cf_json_get finds a member; type BAD when absent or not an object. */
cf_json_t cf_json_get(cf_json_t obj, char const *key);
/* Iteration: pos starts at 0; false at the end.  key is the raw text between the quotes (for objects). */
bool cf_json_each(cf_json_t container, size_t *pos, cf_span_t *key, cf_json_t *value);
/* A walk reads a checked text once, front to back, where iteration would pass over what is nested again at each level.  At a
   value, cf_json_walk_type says what comes; then either cf_json_walk_value takes it whole, or cf_json_walk_enter goes into an array
   or object, and cf_json_walk_more to each element (key, of an object, as cf_json_each has it; NULL: an array) and, false, out of it.
   Every value is taken exactly once. */
typedef struct {
  cf_span_t text; /* of a value that cf_json_parse checked */
  size_t    pos;
} cf_json_walk_t;
cf_json_type_t cf_json_walk_type(cf_json_walk_t const *w);
cf_json_t      cf_json_walk_value(cf_json_walk_t *w);
void           cf_json_walk_enter(cf_json_walk_t *w);
bool           cf_json_walk_more(cf_json_walk_t *w, cf_span_t *key);
/* cf_json_str unescapes into out (NUL-terminated); CF_ERR_FORMAT when not a string or with U+0000, CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_json_str(char *out, size_t out_max, cf_json_t v);
CF_MUST_CHECK cf_status_t cf_json_u64(uint64_t *out, cf_json_t v);
CF_MUST_CHECK cf_status_t cf_json_i64(int64_t *out, cf_json_t v);
CF_MUST_CHECK cf_status_t cf_json_bool(bool *out, cf_json_t v);
/* cf_json_hex reads a string of exactly 2 * n hex digits, unescaped. */
CF_MUST_CHECK cf_status_t cf_json_hex(uint8_t *out, size_t n, cf_json_t v);

/* The writer keeps track of commas; the caller balances begin and end.  Depth <= CF_JSON_DEPTH_MAX.  What it writes, the
   reader reads, if keys are distinct: bytes of text that are not UTF-8, and NUL, are written as U+FFFD. */
typedef struct {
  cf_wr_t *wr;
  uint64_t first; /* bit per level: nothing written yet */
  unsigned depth;
} cf_jw_t;
cf_jw_t cf_jw_init(cf_wr_t *wr);
void    cf_jw_obj(cf_jw_t *j, char const *key); /* key NULL inside arrays and at the top */
void    cf_jw_arr(cf_jw_t *j, char const *key);
void    cf_jw_end(cf_jw_t *j, char bracket); /* '}' or ']' */
void    cf_jw_str(cf_jw_t *j, char const *key, char const *s);
void    cf_jw_text(cf_jw_t *j, char const *key, cf_span_t utf8);
void    cf_jw_hex(cf_jw_t *j, char const *key, cf_span_t bytes);
void    cf_jw_u64(cf_jw_t *j, char const *key, uint64_t v);
void    cf_jw_i64(cf_jw_t *j, char const *key, int64_t v);
void    cf_jw_dec(cf_jw_t *j, char const *key, int64_t v); /* an amount: a decimal in a string */
void    cf_jw_bool(cf_jw_t *j, char const *key, bool v);
void    cf_jw_null(cf_jw_t *j, char const *key);
void    cf_jw_raw(cf_jw_t *j, char const *key, cf_span_t json);

#endif
