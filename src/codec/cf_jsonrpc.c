#include "codec/cf_jsonrpc.h"

#include <assert.h>

#include "base/cf_text.h"

static char const digits[] = "0123456789abcdef";

/* ---- questions ---- */

void cf_jsonrpc_begin(cf_jw_t *j, uint64_t id, char const *method) {
  cf_jw_obj(j, NULL);
  cf_jw_str(j, "jsonrpc", "2.0");
  cf_jw_u64(j, "id", id);
  cf_jw_str(j, "method", method);
  cf_jw_arr(j, "params");
}

void cf_jsonrpc_end(cf_jw_t *j) {
  cf_jw_end(j, ']');
  cf_jw_end(j, '}');
}

/* ---- answers ---- */

static bool is_version(cf_json_t v) {
  char text[8];
  return cf_json_str(text, sizeof text, v) == CF_OK && strcmp(text, "2.0") == 0;
}

static cf_status_t read_error(cf_jsonrpc_answer_t *a, cf_json_t error, cf_error_t *err) {
  a->result  = (cf_json_t){ .type = CF_JSON_BAD };
  a->message = cf_json_get(error, "message");
  a->data    = cf_json_get(error, "data");
  if (cf_json_i64(&a->code, cf_json_get(error, "code")) || a->message.type != CF_JSON_STRING)
    return cf_error_set(err, CF_ERR_FORMAT, "rpc.error", 0, "an error without code or message");
  return CF_OK;
}

/* One answer; *id is CF_OK's only. */
static cf_status_t read_answer(cf_jsonrpc_answer_t *a, uint64_t *id, bool *has_id, cf_json_t v, cf_error_t *err) {
  cf_json_t error = cf_json_get(v, "error"), at = cf_json_get(v, "id");
  *a      = (cf_jsonrpc_answer_t){ .result = cf_json_get(v, "result") };
  *has_id = cf_json_u64(id, at) == CF_OK;
  if (v.type != CF_JSON_OBJECT || !is_version(cf_json_get(v, "jsonrpc")))
    return cf_error_set(err, CF_ERR_FORMAT, "rpc", 0, "an answer that is not JSON-RPC 2.0");
  if ((a->result.type == CF_JSON_BAD) == (error.type == CF_JSON_BAD))
    return cf_error_set(err, CF_ERR_FORMAT, "rpc", 0, "an answer with a result and an error, or with neither");
  if (!*has_id && (at.type != CF_JSON_NULL || error.type == CF_JSON_BAD))
    return cf_error_set(err, CF_ERR_FORMAT, "rpc.id", 0, "an answer to no question of ours");
  return error.type == CF_JSON_BAD ? CF_OK : read_error(a, error, err);
}

/* Who refuses a batch as a whole says so without an id. */
static cf_status_t refused(cf_jsonrpc_answer_t const *a, cf_error_t *err) {
  char text[128] = "";
  if (cf_json_str(text, sizeof text, a->message)) text[0] = 0;
  return cf_error_set(err, CF_ERR_IO, "rpc", 0, "refused: %lld %s", (long long)a->code, text);
}

cf_status_t cf_jsonrpc_read(cf_jsonrpc_answer_t *answers, size_t n, uint64_t first_id, cf_span_t body, cf_error_t *err) {
  assert(n > 0 && n <= CF_JSONRPC_BATCH_MAX);
  bool        seen[CF_JSONRPC_BATCH_MAX] = { false };
  size_t      cnt = 0, pos = 0;
  cf_json_t   root, member;
  cf_status_t st = cf_json_parse(&root, body, err);
  if (st) return st;
  bool batch = root.type == CF_JSON_ARRAY;
  for (member = root; batch ? cf_json_each(root, &pos, NULL, &member) : cnt == 0; cnt++) {
    cf_jsonrpc_answer_t a;
    uint64_t            id;
    bool                has_id;
    st = read_answer(&a, &id, &has_id, member, err);
    if (st) return st;
    if (!has_id) return refused(&a, err);
    if (id < first_id || id - first_id >= n || seen[id - first_id])
      return cf_error_set(err, CF_ERR_FORMAT, "rpc.id", 0, "an answer to no question of ours, or the second to one");
    seen[id - first_id]    = true;
    answers[id - first_id] = a;
  }
  if (cnt != n || batch != (n > 1)) return cf_error_set(err, CF_ERR_FORMAT, "rpc", 0, "%zu answers to %zu questions", cnt, n);
  return CF_OK;
}

/* ---- numbers and bytes ---- */

/* The digits behind "0x"; false when v is no such string. */
static bool after_0x(cf_span_t *out, cf_json_t v) {
  if (v.type != CF_JSON_STRING || v.text.len < 4 || memcmp(v.text.ptr, "\"0x", 3) != 0) return false;
  *out = CF_SPAN(v.text.ptr + 3, v.text.len - 4);
  return true;
}

cf_status_t cf_quantity_word(cf_hash_t *out, cf_json_t v) {
  cf_span_t s;
  char      all[64];
  if (!after_0x(&s, v) || s.len == 0 || (s.ptr[0] == '0' && s.len > 1)) return CF_ERR_FORMAT;
  for (size_t i = 0; i < s.len; i++)
    if (!s.ptr[i] || !memchr(digits, s.ptr[i], 16)) return CF_ERR_FORMAT;
  if (s.len > sizeof all) return CF_ERR_BOUND;
  memset(all, '0', sizeof all);
  memcpy(all + sizeof all - s.len, s.ptr, s.len);
  return cf_hex_decode(out->b, sizeof out->b, CF_SPAN_OF(all));
}

cf_status_t cf_quantity_u64(uint64_t *out, cf_json_t v) {
  cf_hash_t   w;
  cf_status_t st = cf_quantity_word(&w, v);
  if (st) return st;
  for (size_t i = 0; i < 24; i++)
    if (w.b[i]) return CF_ERR_BOUND;
  cf_rd_t rd = cf_rd_init(w.b + 24, 8);
  *out       = cf_rd_u64(&rd);
  return CF_OK;
}

cf_status_t cf_data_fixed(void *out, size_t n, cf_json_t v) {
  cf_span_t s;
  return after_0x(&s, v) ? cf_hex_decode(out, n, s) : CF_ERR_FORMAT;
}

cf_status_t cf_data_size(size_t *sz, cf_json_t v) {
  cf_span_t s;
  if (!after_0x(&s, v) || s.len % 2) return CF_ERR_FORMAT;
  *sz = s.len / 2;
  return CF_OK;
}

cf_status_t cf_data_append(cf_wr_t *wr, cf_json_t v) {
  size_t      sz, was = wr->len;
  cf_status_t st = cf_data_size(&sz, v);
  if (st) return st;
  if (wr->bad || sz > wr->max - wr->len) return CF_ERR_BOUND;
  st = cf_data_fixed(cf_wr_room(wr, sz), sz, v);
  if (st) wr->len = was;
  return st;
}

void cf_jw_data(cf_jw_t *j, char const *key, cf_span_t bytes) {
  cf_jw_raw(j, key, CF_SPAN_LIT("\"0x"));
  for (size_t i = 0; i < bytes.len; i++) cf_wr_bytes(j->wr, (char[]){ digits[bytes.ptr[i] >> 4], digits[bytes.ptr[i] & 15] }, 2);
  cf_wr_u8(j->wr, '"');
}

void cf_jw_quantity_word(cf_jw_t *j, char const *key, cf_hash_t const *v) {
  char   text[2 * sizeof v->b + 1];
  size_t zeros = 0;
  cf_hex_encode(text, CF_SPAN_OF(v->b));
  while (zeros < 2 * sizeof v->b - 1 && text[zeros] == '0') zeros++;
  cf_jw_raw(j, key, CF_SPAN_LIT("\"0x"));
  cf_wr_bytes(j->wr, text + zeros, 2 * sizeof v->b - zeros);
  cf_wr_u8(j->wr, '"');
}

void cf_jw_quantity(cf_jw_t *j, char const *key, uint64_t v) {
  cf_hash_t w = { { 0 } };
  for (size_t i = 0; i < 8; i++) w.b[31 - i] = (uint8_t)(v >> (8 * i));
  cf_jw_quantity_word(j, key, &w);
}
