#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cf_text.h"
#include "cli/cf_cli.h"

static bool json_mode;

bool cf_json_mode(void) { return json_mode; }

void cf_json_mode_set(void) { json_mode = true; }

/* ---- text ---- */

static char *format(char const *fmt, va_list args) {
  va_list again;
  va_copy(again, args);
  int   n = vsnprintf(NULL, 0, fmt, again);
  char *text = n < 0 ? NULL : malloc((size_t)n + 1);
  va_end(again);
  if (!text) abort();
  vsnprintf(text, (size_t)n + 1, fmt, args);
  return text;
}

char *cf_fmt(char const *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  char *text = format(fmt, args);
  va_end(args);
  return text;
}

void cf_note(char const *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vfprintf(stderr, fmt, args);
  va_end(args);
  fputc('\n', stderr);
}

char *cf_hex(cf_span_t bytes) {
  cf_wr_t wr = cf_room(2 * bytes.len + 1);
  return cf_hex_encode((char *)wr.buf, bytes);
}

char *cf_hex_short(cf_span_t hash) { return cf_fmt("%s…", cf_hex(CF_SPAN(hash.ptr, hash.len < 4 ? hash.len : 4))); }

char *cf_time(uint64_t unix_s) {
  struct tm tm;
  char      text[32];
  time_t    t = (time_t)unix_s;
  gmtime_r(&t, &tm);
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
  return cf_fmt("%s", text);
}

static uint64_t clock_ms(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t cf_wall_ms(void) { return clock_ms(CLOCK_REALTIME); }

uint64_t cf_mono_ms(void) { return clock_ms(CLOCK_MONOTONIC); }

/* ---- failures ---- */

static void fail_json(char const *what, char const *reason, char const *item, va_list facts) {
  cf_wr_t wr = cf_room(16384);
  cf_jw_t j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_bool(&j, "ok", false);
  cf_jw_str(&j, "what", what);
  cf_jw_str(&j, "reason", reason);
  cf_jw_str(&j, "item", item);
  for (char const *label; (label = va_arg(facts, char const *));) cf_jw_str(&j, label, va_arg(facts, char const *));
  cf_jw_end(&j, '}');
  (void)cf_json_end(&j, NULL);
}

int cf_fail(int code, char const *what, char const *reason, char const *item, ...) {
  va_list facts, again;
  va_start(facts, item);
  va_copy(again, facts);
  fprintf(stderr, "%s: %s  %s\n", what, reason, item);
  for (char const *label; (label = va_arg(facts, char const *));)
    fprintf(stderr, "  %-9s %s\n", label, va_arg(facts, char const *));
  if (json_mode) fail_json(what, reason, item, again);
  va_end(again);
  va_end(facts);
  return code;
}

int cf_fail_error(char const *what, cf_error_t const *err) {
  int   code = err->status == CF_ERR_IO ? CF_EXIT_WORLD : CF_EXIT_FAILS;
  char *found = err->offset ? cf_fmt("%s (at byte %zu)", err->text, err->offset) : cf_fmt("%s", err->text);
  return cf_fail(code, what, cf_status_name(err->status), err->item, "found", found, NULL);
}

int cf_fail_usage(cf_command_t const *c, char const *reason, char const *item) {
  return cf_fail(CF_EXIT_USAGE, c ? c->name : "counterfoil", "usage", item, "found", reason, "next",
                 cf_fmt("counterfoil %s --help", c ? c->name : ""), NULL);
}
