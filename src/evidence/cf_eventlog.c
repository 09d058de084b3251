#include "evidence/cf_eventlog.h"

#include "crypto/cf_hash.h"

#define SHA1_SZ 20

/* The first event is in the SHA-1 format, whatever follows. */
static bool rd_sha1_event(cf_rd_t *rd, cf_event_t *e) {
  e->pcr = (uint32_t)cf_rd_le(rd, 4);
  e->type = (uint32_t)cf_rd_le(rd, 4);
  e->digest = cf_rd_take_span(rd, SHA1_SZ);
  e->data = cf_rd_take_span(rd, cf_rd_le(rd, 4));
  return !rd->bad;
}

/* TCG_EfiSpecIDEvent: digest sizes come from here, not from a table of ours; where we know the algorithm they must agree. */
static cf_status_t read_header(cf_eventlog_t *log, cf_span_t data) {
  cf_rd_t rd = cf_rd_span(data);
  cf_rd_take(&rd, 16 + 4 + 4); /* signature, platform class, version and width */
  uint64_t cnt = cf_rd_le(&rd, 4);
  if (cnt == 0 || cnt > CF_EVENT_ALG_MAX) return CF_ERR_FORMAT;
  for (; log->alg_cnt < cnt; log->alg_cnt++) {
    uint16_t alg = (uint16_t)cf_rd_le(&rd, 2), sz = (uint16_t)cf_rd_le(&rd, 2);
    size_t   known = cf_digest_tpm_sz(alg);
    for (size_t i = 0; i < log->alg_cnt; i++) rd.bad |= log->alg[i] == alg;
    if (rd.bad || sz == 0 || sz > 64 || (known && known != sz)) return CF_ERR_FORMAT;
    log->alg[log->alg_cnt] = alg;
    log->alg_sz[log->alg_cnt] = sz;
  }
  cf_rd_take(&rd, cf_rd_u8(&rd)); /* vendor information */
  return cf_rd_done(&rd) ? CF_OK : CF_ERR_FORMAT;
}

cf_status_t cf_eventlog_open(cf_eventlog_t *log, cf_span_t in, uint16_t bank, cf_error_t *err) {
  static char const signature[16] = "Spec ID Event03";
  cf_event_t        first;
  *log = (cf_eventlog_t){.rd = cf_rd_span(in), .bank = bank};
  if (!rd_sha1_event(&log->rd, &first)) return cf_error_set(err, CF_ERR_FORMAT, "event-log", log->rd.pos, "no first event");
  log->agile = first.type == CF_EVENT_NO_ACTION && first.data.len >= sizeof signature &&
               !memcmp(first.data.ptr, signature, sizeof signature);
  bool has_bank = bank == CF_TPM_SHA1;
  if (log->agile) {
    cf_status_t st = read_header(log, first.data);
    if (st) return cf_error_set(err, st, "event-log", 0, "not a TCG_EfiSpecIDEvent");
    has_bank = false;
    for (size_t i = 0; i < log->alg_cnt; i++) has_bank |= log->alg[i] == bank;
  } else {
    log->rd = cf_rd_span(in); /* the first event counts */
  }
  if (!has_bank) return cf_error_set(err, CF_ERR_UNSUPPORTED, "event-log", 0, "no digests of bank %#x", bank);
  return CF_OK;
}

/* Every algorithm of the header has one digest in every event. */
static bool rd_agile_event(cf_eventlog_t *log, cf_event_t *e) {
  cf_rd_t *rd = &log->rd;
  uint32_t seen = 0;
  e->pcr = (uint32_t)cf_rd_le(rd, 4);
  e->type = (uint32_t)cf_rd_le(rd, 4);
  uint64_t cnt = cf_rd_le(rd, 4);
  if (cnt != log->alg_cnt) rd->bad = true;
  for (uint64_t k = 0; k < cnt && !rd->bad; k++) {
    uint16_t alg = (uint16_t)cf_rd_le(rd, 2);
    size_t   i = 0;
    while (i < log->alg_cnt && log->alg[i] != alg) i++;
    if (i == log->alg_cnt || seen >> i & 1) {
      rd->bad = true;
      break;
    }
    seen |= 1u << i;
    cf_span_t digest = cf_rd_take_span(rd, log->alg_sz[i]);
    if (alg == log->bank) e->digest = digest;
  }
  e->data = cf_rd_take_span(rd, cf_rd_le(rd, 4));
  return !rd->bad;
}

/* What is left is filling when it is all zeros or all ones. */
static bool only_filling(cf_rd_t const *rd) {
  size_t left = cf_rd_left(rd);
  if (!left) return true;
  uint8_t const *at = rd->buf + rd->pos;
  if (at[0] != 0 && at[0] != 0xff) return false;
  for (size_t i = 1; i < left; i++)
    if (at[i] != at[0]) return false;
  return true;
}

bool cf_eventlog_next(cf_eventlog_t *log, cf_event_t *event) {
  *event = (cf_event_t){0};
  if (log->rd.bad || only_filling(&log->rd)) return false;
  return log->agile ? rd_agile_event(log, event) : rd_sha1_event(&log->rd, event);
}

bool cf_event_data_proven(cf_event_t const *event, uint16_t bank) {
  uint8_t digest[64];
  size_t  n = cf_digest_tpm(digest, bank, event->data);
  return n && cf_span_eq(event->digest, CF_SPAN(digest, n));
}

/* "StartupLocality" NUL, locality: PCR 0 starts with that number in its last byte (H-CRTM). */
static bool startup_locality(cf_event_t const *e, uint8_t *locality) {
  static char const text[16] = "StartupLocality";
  if (e->pcr != 0 || e->data.len != sizeof text + 1 || memcmp(e->data.ptr, text, sizeof text)) return false;
  *locality = e->data.ptr[sizeof text];
  return true;
}

cf_status_t cf_eventlog_replay(cf_tpm_bank_t *out, cf_span_t in, uint16_t bank, cf_error_t *err) {
  cf_eventlog_t log;
  cf_event_t    e;
  cf_status_t   st = cf_eventlog_open(&log, in, bank, err);
  if (st) return st;
  size_t        sz = cf_digest_tpm_sz(bank);
  cf_tpm_bank_t b = {.alg = bank};
  for (size_t i = 17; i <= 22; i++) memset(b.value[i], 0xff, sz); /* resettable by a dynamic launch */
  while (cf_eventlog_next(&log, &e)) {
    if (e.type == CF_EVENT_NO_ACTION) {
      uint8_t locality;
      if (!startup_locality(&e, &locality)) continue;
      if (b.mask & 1 || b.value[0][sz - 1])
        return cf_error_set(err, CF_ERR_FORMAT, "event-log", log.rd.pos, "startup locality after PCR 0 was extended, or twice");
      b.value[0][sz - 1] = locality;
      continue;
    }
    if (e.pcr >= CF_TPM_PCR_CNT) return cf_error_set(err, CF_ERR_FORMAT, "event-log", log.rd.pos, "event for PCR %u", e.pcr);
    uint8_t both[128];
    memcpy(both, b.value[e.pcr], sz);
    memcpy(both + sz, e.digest.ptr, sz);
    cf_digest_tpm(b.value[e.pcr], bank, CF_SPAN(both, 2 * sz));
    b.mask |= 1u << e.pcr;
  }
  if (log.rd.bad) return cf_error_set(err, CF_ERR_FORMAT, "event-log", log.rd.pos, "malformed event");
  *out = b;
  return CF_OK;
}

cf_verdict_code_t cf_eventlog_check(cf_span_t in, cf_tpm_bank_t const *quoted, cf_verdict_t *v) {
  cf_tpm_bank_t replayed;
  cf_error_t    err = {0};
  if (cf_eventlog_replay(&replayed, in, quoted->alg, &err)) return cf_verdict_error(v, &err);
  size_t sz = cf_digest_tpm_sz(quoted->alg);
  for (unsigned i = 0; i < CF_TPM_PCR_CNT; i++) {
    bool both = (replayed.mask & quoted->mask) >> i & 1;
    if (both && memcmp(replayed.value[i], quoted->value[i], sz))
      return cf_verdict_set(v, CF_VERDICT_EVENT_LOG, "event-log", 0, "the log leads to another PCR %u than the one quoted", i);
  }
  return CF_VERDICT_OK;
}
