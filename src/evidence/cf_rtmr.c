#include "evidence/cf_rtmr.h"

#include "codec/cf_json.h"
#include "crypto/cf_hash.h"
#include "evidence/cf_eventlog.h"

#define AGENT_EVENT 0x08000001u

static void extend(cf_rtmrs_t *r, unsigned i, uint8_t const digest[CF_RTMR_SZ]) {
  uint8_t both[2 * CF_RTMR_SZ], out[64];
  memcpy(both, r->value[i], CF_RTMR_SZ);
  memcpy(both + CF_RTMR_SZ, digest, CF_RTMR_SZ);
  cf_digest_tpm(out, CF_TPM_SHA384, CF_SPAN_OF(both));
  memcpy(r->value[i], out, CF_RTMR_SZ);
  r->touched |= (uint8_t)(1u << i);
}

cf_status_t cf_rtmrs_ccel(cf_rtmrs_t *out, cf_span_t in, cf_error_t *err) {
  cf_eventlog_t log;
  cf_event_t    e;
  *out = (cf_rtmrs_t){.touched = 0};
  cf_status_t st = cf_eventlog_open(&log, in, CF_TPM_SHA384, err);
  if (st) return st;
  while (cf_eventlog_next(&log, &e)) {
    if (e.type == CF_EVENT_NO_ACTION) continue;
    if (e.pcr < 1 || e.pcr > CF_RTMR_CNT)
      return cf_error_set(err, CF_ERR_FORMAT, "event-log", log.rd.pos, "an event of register %u", (unsigned)e.pcr);
    extend(out, e.pcr - 1, e.digest.ptr);
  }
  return log.rd.bad ? cf_error_set(err, CF_ERR_FORMAT, "event-log", log.rd.pos, "an event is malformed") : CF_OK;
}

/* SHA-384(type || ":" || name || ":" || payload), the type little-endian. */
static cf_status_t agent_digest(uint8_t out[64], cf_json_t event) {
  uint8_t   buf[CF_RTMR_EVENT_MAX];
  cf_wr_t   wr = cf_wr_init(buf, sizeof buf);
  char      name[256];
  cf_json_t payload = cf_json_get(event, "event_payload");
  if (cf_json_str(name, sizeof name, cf_json_get(event, "event")) || payload.type != CF_JSON_STRING) return CF_ERR_FORMAT;
  for (int i = 0; i < 4; i++) cf_wr_u8(&wr, (uint8_t)(AGENT_EVENT >> 8 * i));
  cf_wr_u8(&wr, ':');
  cf_wr_bytes(&wr, name, strlen(name));
  cf_wr_u8(&wr, ':');
  size_t   n = (payload.text.len - 2) / 2;
  uint8_t *at = cf_wr_room(&wr, n);
  if (!at) return CF_ERR_BOUND;
  if (cf_json_hex(at, n, payload)) return CF_ERR_FORMAT;
  cf_digest_tpm(out, CF_TPM_SHA384, cf_wr_out(&wr));
  return CF_OK;
}

static cf_status_t replay_one(cf_rtmrs_t *out, cf_json_t event) {
  uint8_t  digest[CF_RTMR_SZ], again[64];
  uint64_t imr, type;
  if (cf_json_u64(&imr, cf_json_get(event, "imr")) || cf_json_u64(&type, cf_json_get(event, "event_type")) ||
      imr >= CF_RTMR_CNT || cf_json_hex(digest, sizeof digest, cf_json_get(event, "digest")))
    return CF_ERR_FORMAT;
  if (type == CF_EVENT_NO_ACTION) return CF_OK;
  if (type == AGENT_EVENT) {
    cf_status_t st = agent_digest(again, event);
    if (st) return st;
    if (memcmp(digest, again, sizeof digest)) return CF_ERR_AUTH;
  }
  extend(out, (unsigned)imr, digest);
  return CF_OK;
}

cf_status_t cf_rtmrs_json(cf_rtmrs_t *out, cf_span_t in, cf_error_t *err) {
  cf_json_t log, event;
  cf_span_t key;
  size_t    cnt = 0;
  *out = (cf_rtmrs_t){.touched = 0};
  cf_status_t st = cf_json_parse(&log, in, err);
  if (st) return st;
  if (log.type != CF_JSON_ARRAY) return cf_error_set(err, CF_ERR_FORMAT, "event-log", 0, "not a list");
  for (size_t pos = 0; cf_json_each(log, &pos, &key, &event); cnt++) {
    st = replay_one(out, event);
    if (st)
      return cf_error_set(err, st, "event-log", 0,
                          st == CF_ERR_AUTH ? "event %zu is not what its digest is of" : "event %zu is malformed", cnt);
  }
  return CF_OK;
}
