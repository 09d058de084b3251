#include "observe/cf_line.h"

#include <inttypes.h>
#include <stdio.h>

/* Days since 1970-01-01 as a date of the Gregorian calendar.  Years start in March here, so that the leap day is the last. */
static void
civil_of_days(uint64_t days, unsigned *year, unsigned *month, unsigned *day) {
  uint64_t z   = days + 719468; /* since 0000-03-01 */
  uint64_t doe = z % 146097;    /* day of the era of 400 years */
  uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  uint64_t mp  = (5 * doy + 2) / 153;
  *day         = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
  *month       = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
  *year        = (unsigned)(yoe + z / 146097 * 400 + (*month <= 2));
}

static void
put_time(cf_jw_t *jw, uint64_t wall_ms) {
  uint64_t const last = UINT64_C(253402300799999); /* 9999-12-31T23:59:59.999Z */
  if (wall_ms > last) wall_ms = last;
  unsigned year, month, day;
  civil_of_days(wall_ms / 86400000, &year, &month, &day);
  unsigned ms = (unsigned)(wall_ms % 86400000);
  char     text[64];
  snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", year, month, day, ms / 3600000, ms / 60000 % 60,
           ms / 1000 % 60, ms % 1000);
  cf_jw_str(jw, "time", text);
}

cf_line_t
cf_line_begin(cf_wr_t *wr, cf_now_t now, cf_line_level_t level, cf_public_text_t event) {
  static char const *const levels[] = { [CF_LINE_INFO] = "info", [CF_LINE_WARN] = "warn", [CF_LINE_ERROR] = "error" };

  cf_line_t line = { .jw = cf_jw_init(wr) };
  cf_jw_obj(&line.jw, NULL);
  put_time(&line.jw, now.wall_ms);
  cf_jw_str(&line.jw, "level", levels[level]);
  cf_jw_str(&line.jw, "event", event.made_by_cf_public);
  return line;
}

void
cf_line_trace(cf_line_t *line, cf_trace_t const *t) {
  cf_jw_hex(&line->jw, "trace", CF_SPAN_OF(t->trace));
  cf_jw_hex(&line->jw, "span", CF_SPAN_OF(t->span));
}

void
cf_line_end(cf_line_t *line) {
  cf_jw_end(&line->jw, '}');
}

void
cf_line_put_u64(cf_line_t *line, cf_field_u64_t field, cf_public_u64_t v) {
  cf_jw_u64(&line->jw, field.made_by_cf_field, v.made_by_cf_public);
}

void
cf_line_put_id(cf_line_t *line, cf_field_id_t field, cf_public_id_t id) {
  cf_jw_hex(&line->jw, field.made_by_cf_field, CF_SPAN_OF(id.made_by_cf_public));
}

void
cf_line_put_text(cf_line_t *line, cf_field_text_t field, cf_public_text_t text) {
  cf_jw_str(&line->jw, field.made_by_cf_field, text.made_by_cf_public);
}
