#include "base/cf_utc.h"

/* Days from 1970-01-01; years start in March, so that the leap day is the last. */
static int64_t days(cf_utc_t const *t) {
  int64_t y = (int64_t)t->year - (t->month <= 2), m = (t->month + 9) % 12;
  return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + (int64_t)t->day - 1 - 719468;
}

static unsigned month_sz(unsigned year, unsigned month) {
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 ? 28u + leap : 30 + ((month + month / 8) & 1);
}

cf_status_t cf_utc_unix(int64_t *out, cf_utc_t const *t) {
  if (t->year < 1 || t->year > 9999 || t->month < 1 || t->month > 12 || t->day < 1 || t->day > month_sz(t->year, t->month))
    return CF_ERR_FORMAT;
  if (t->hour > 23 || t->minute > 59 || t->second > 59) return CF_ERR_FORMAT;
  *out = days(t) * 86400 + t->hour * 3600 + t->minute * 60 + t->second;
  return CF_OK;
}

static char *put(char *at, unsigned v, unsigned digits, char behind) {
  for (unsigned i = digits; i-- > 0; v /= 10) at[i] = (char)('0' + v % 10);
  at[digits] = behind;
  return at + digits + 1;
}

cf_status_t cf_utc_write(char out[CF_UTC_TEXT], int64_t unix_s) {
  cf_utc_t t = {.month = 1, .day = 1};
  int64_t  day = unix_s / 86400 - (unix_s % 86400 < 0), s = unix_s - day * 86400;
  if (unix_s < -62135596800 || unix_s > 253402300799) return CF_ERR_FORMAT;
  t.year = day < 0 ? 1 + (unsigned)((day + 719162) / 366) : 1970 + (unsigned)(day / 366); /* never too late */
  for (cf_utc_t next = t; next.year++, days(&next) <= day;) t.year++;
  for (cf_utc_t next = t; next.month++ < 12 && days(&next) <= day;) t.month++;
  t.day += (unsigned)(day - days(&t));
  char *at = put(put(put(out, t.year, 4, '-'), t.month, 2, '-'), t.day, 2, 'T');
  put(put(put(at, (unsigned)s / 3600, 2, ':'), (unsigned)s / 60 % 60, 2, ':'), (unsigned)s % 60, 2, 'Z')[0] = 0;
  return CF_OK;
}

unsigned cf_utc_digits(cf_rd_t *rd, size_t n) {
  uint8_t const *at = cf_rd_take(rd, n);
  unsigned       v = 0;
  for (size_t i = 0; at && i < n; i++) {
    if (at[i] < '0' || at[i] > '9') rd->bad = true;
    v = v * 10 + (unsigned)(at[i] - '0');
  }
  return rd->bad ? 0 : v;
}

static void mark(cf_rd_t *rd, char c) {
  if (cf_rd_u8(rd) != (uint8_t)c) rd->bad = true;
}

cf_status_t cf_utc_read(int64_t *out, cf_span_t text) {
  cf_rd_t  rd = cf_rd_span(text);
  cf_utc_t t;
  t.year = cf_utc_digits(&rd, 4), mark(&rd, '-');
  t.month = cf_utc_digits(&rd, 2), mark(&rd, '-');
  t.day = cf_utc_digits(&rd, 2), mark(&rd, 'T');
  t.hour = cf_utc_digits(&rd, 2), mark(&rd, ':');
  t.minute = cf_utc_digits(&rd, 2), mark(&rd, ':');
  t.second = cf_utc_digits(&rd, 2), mark(&rd, 'Z');
  return cf_rd_done(&rd) ? cf_utc_unix(out, &t) : CF_ERR_FORMAT;
}
