#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cf_text.h"
#include "codec/cf_json.h"

static char const hex[] = "0123456789abcdef";

cf_jw_t cf_jw_init(cf_wr_t *wr) { return (cf_jw_t){ .wr = wr, .first = 1 }; }

/* write_text writes a JSON string.  What is not UTF-8, and NUL, becomes U+FFFD. */
static void write_text(cf_wr_t *wr, cf_span_t s) {
  cf_wr_u8(wr, '"');
  for (size_t i = 0; i < s.len;) {
    uint8_t c = s.ptr[i];
    size_t  n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (n > s.len - i || c == 0 || !cf_utf8_valid(CF_SPAN(s.ptr + i, n))) {
      cf_wr_bytes(wr, "\\ufffd", 6);
      i++;
      continue;
    }
    if (c == '"' || c == '\\') cf_wr_u8(wr, '\\');
    if (c >= 0x20) cf_wr_bytes(wr, s.ptr + i, n);
    else cf_wr_bytes(wr, (char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6);
    i += n;
  }
  cf_wr_u8(wr, '"');
}

/* begin_value writes what stands in front of a value: a comma if it is not the first, and its key. */
static void begin_value(cf_jw_t *j, char const *key) {
  uint64_t level = (uint64_t)1 << j->depth;
  if (!(j->first & level)) cf_wr_u8(j->wr, ',');
  j->first &= ~level;
  if (!key) return;
  write_text(j->wr, CF_SPAN(key, strlen(key)));
  cf_wr_u8(j->wr, ':');
}

static void begin_container(cf_jw_t *j, char const *key, char bracket) {
  assert(j->depth < CF_JSON_DEPTH_MAX);
  begin_value(j, key);
  cf_wr_u8(j->wr, (uint8_t)bracket);
  j->depth++;
  j->first |= (uint64_t)1 << j->depth;
}

void cf_jw_obj(cf_jw_t *j, char const *key) { begin_container(j, key, '{'); }
void cf_jw_arr(cf_jw_t *j, char const *key) { begin_container(j, key, '['); }

void cf_jw_end(cf_jw_t *j, char bracket) {
  assert(j->depth > 0);
  j->depth--;
  cf_wr_u8(j->wr, (uint8_t)bracket);
}

void cf_jw_str(cf_jw_t *j, char const *key, char const *s) { cf_jw_text(j, key, CF_SPAN(s, strlen(s))); }

void cf_jw_text(cf_jw_t *j, char const *key, cf_span_t utf8) {
  begin_value(j, key);
  write_text(j->wr, utf8);
}

void cf_jw_hex(cf_jw_t *j, char const *key, cf_span_t bytes) {
  begin_value(j, key);
  cf_wr_u8(j->wr, '"');
  for (size_t i = 0; i < bytes.len; i++) cf_wr_bytes(j->wr, (char[]){ hex[bytes.ptr[i] >> 4], hex[bytes.ptr[i] & 15] }, 2);
  cf_wr_u8(j->wr, '"');
}

void cf_jw_raw(cf_jw_t *j, char const *key, cf_span_t json) {
  begin_value(j, key);
  cf_wr_span(j->wr, json);
}

static void write_str(cf_jw_t *j, char const *key, char const *json) { cf_jw_raw(j, key, CF_SPAN(json, strlen(json))); }

void cf_jw_u64(cf_jw_t *j, char const *key, uint64_t v) {
  char buf[24];
  snprintf(buf, sizeof buf, "%" PRIu64, v);
  write_str(j, key, buf);
}

void cf_jw_i64(cf_jw_t *j, char const *key, int64_t v) {
  char buf[24];
  snprintf(buf, sizeof buf, "%" PRId64, v);
  write_str(j, key, buf);
}

void cf_jw_dec(cf_jw_t *j, char const *key, int64_t v) {
  char buf[24];
  snprintf(buf, sizeof buf, "\"%" PRId64 "\"", v);
  write_str(j, key, buf);
}

void cf_jw_bool(cf_jw_t *j, char const *key, bool v) { write_str(j, key, v ? "true" : "false"); }
void cf_jw_null(cf_jw_t *j, char const *key) { write_str(j, key, "null"); }
