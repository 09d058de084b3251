/* A record: {"issued":"...","next":"...","fetched":"...","source":"...","parts":[{"role":"...","sha256":"..."}]}, in this order,
   without blanks; next is left out where there is none. */
#include "base/cf_utc.h"
#include "codec/cf_json.h"
#include "evidence/cf_vendor.h"

static void put_time(cf_jw_t *j, char const *key, int64_t at_s) {
  char text[CF_UTC_TEXT];
  if (cf_utc_write(text, at_s)) j->wr->bad = true;
  else cf_jw_str(j, key, text);
}

cf_status_t cf_vendor_record_write(cf_wr_t *wr, cf_vendor_record_t const *r) {
  cf_jw_t j = cf_jw_init(wr);
  cf_jw_obj(&j, NULL);
  put_time(&j, "issued", r->issued_s);
  if (r->next_s != INT64_MAX) put_time(&j, "next", r->next_s);
  put_time(&j, "fetched", r->fetched_s);
  cf_jw_str(&j, "source", r->source);
  cf_jw_arr(&j, "parts");
  for (size_t i = 0; i < r->part_cnt; i++) {
    cf_jw_obj(&j, NULL);
    cf_jw_str(&j, "role", cf_role_name(r->part[i].role));
    cf_jw_hex(&j, "sha256", CF_SPAN_OF(r->part[i].hash.b));
    cf_jw_end(&j, '}');
  }
  cf_jw_end(&j, ']');
  cf_jw_end(&j, '}');
  return wr->bad ? CF_ERR_BOUND : CF_OK;
}

static bool read_time(int64_t *out, cf_json_t v) {
  char text[CF_UTC_TEXT];
  return !cf_json_str(text, sizeof text, v) && !cf_utc_read(out, CF_SPAN(text, strlen(text)));
}

static bool read_part(cf_vendor_record_t *r, cf_json_t from) {
  char name[32];
  if (r->part_cnt == CF_VENDOR_PARTS_MAX || cf_json_str(name, sizeof name, cf_json_get(from, "role"))) return false;
  cf_role_t role = cf_role_of(CF_SPAN(name, strlen(name)));
  r->part[r->part_cnt].role = role;
  return role && !cf_json_hex(r->part[r->part_cnt++].hash.b, sizeof(cf_hash_t), cf_json_get(from, "sha256"));
}

static bool read_all(cf_vendor_record_t *r, cf_json_t from) {
  cf_span_t key;
  cf_json_t next = cf_json_get(from, "next"), part;
  r->next_s = INT64_MAX;
  if (!read_time(&r->issued_s, cf_json_get(from, "issued")) || !read_time(&r->fetched_s, cf_json_get(from, "fetched")))
    return false;
  if (next.type != CF_JSON_BAD && !read_time(&r->next_s, next)) return false;
  if (cf_json_str(r->source, sizeof r->source, cf_json_get(from, "source"))) return false;
  for (size_t pos = 0; cf_json_each(cf_json_get(from, "parts"), &pos, &key, &part);)
    if (!read_part(r, part)) return false;
  return r->part_cnt > 0;
}

cf_status_t cf_vendor_record_read(cf_vendor_record_t *out, cf_span_t in, cf_error_t *err) {
  static char const  what[] = "record";
  cf_vendor_record_t r = {0};
  uint8_t            again[CF_VENDOR_RECORD_MAX];
  cf_wr_t            wr = cf_wr_init(again, sizeof again);
  cf_json_t          json;
  if (in.len > CF_VENDOR_RECORD_MAX) return cf_error_set(err, CF_ERR_FORMAT, what, 0, "more than %d bytes", CF_VENDOR_RECORD_MAX);
  if (cf_json_parse(&json, in, err)) return CF_ERR_FORMAT;
  if (!read_all(&r, json) || cf_vendor_record_write(&wr, &r) || !cf_span_eq(in, cf_wr_out(&wr)))
    return cf_error_set(err, CF_ERR_FORMAT, what, 0, "not a record as it is written here");
  *out = r;
  return CF_OK;
}
