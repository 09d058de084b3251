#include "cf_leak.h"

#include <ctype.h>
#include <stdlib.h>

enum { MASKED = 20 };

static bool maskable(uint8_t c) { return isalnum(c) || c == '+' || c == '/' || c == '=' || c == '_'; }

/* Runs that are long enough become '#'; a path's parts are looked at one by one. */
static void put_masked(FILE *to, cf_span_t s, bool path) {
  for (size_t i = 0; i < s.len;) {
    size_t n = 0, digits = 0;
    while (i + n < s.len && maskable(s.ptr[i + n]) && !(path && s.ptr[i + n] == '/')) digits += isdigit(s.ptr[i + n++]) != 0;
    if (n >= MASKED && digits && digits < n) fputc('#', to);
    else fprintf(to, "%.*s", (int)n, (char const *)s.ptr + i);
    i += n;
    if (i < s.len && !maskable(s.ptr[i])) fputc(isprint(s.ptr[i]) ? s.ptr[i] : '.', to), i++;
    else if (i < s.len && path && s.ptr[i] == '/') fputc('/', to), i++;
  }
}

static bool is_text(char const *type) {
  return type && (strstr(type, "json") || !strncmp(type, "text/", 5));
}

void cf_leak_effect(FILE *to, cf_world_t const *w, unsigned node, cf_effect_t const *e) {
  fprintf(to, "%llu %s %u ", (unsigned long long)w->now_ms, w->node[node].name, e->kind);
  put_masked(to, e->name, true);
  fprintf(to, " %u %zu ", e->code, e->body.len);
  if (e->kind == CF_FX_LOG || (e->kind == CF_FX_REPLY && (e->code >= 400 || is_text(e->type)))) put_masked(to, e->body, false);
  fputc('\n', to);
}

/* Version, type and class are public; the rest of an answer is sizes. */
void cf_leak_crossing(FILE *to, cf_world_t const *w, cf_span_t request, cf_span_t answer) {
  fprintf(to, "%llu crossing %u %zu: %u %zu\n", (unsigned long long)w->now_ms, request.len > 1 ? request.ptr[1] : 0u, request.len,
          answer.len > 2 ? answer.ptr[2] : 0u, answer.len);
}

bool cf_leak_differ(char *out, size_t max, char const *one, char const *other) {
  for (size_t line = 1; *one || *other; line++) {
    size_t n = strcspn(one, "\n"), m = strcspn(other, "\n");
    if (n != m || memcmp(one, other, n)) {
      snprintf(out, max, "line %zu: \"%.*s\" or \"%.*s\"", line, n < 180 ? (int)n : 180, one, m < 180 ? (int)m : 180, other);
      return true;
    }
    one += n + (one[n] != 0);
    other += m + (other[m] != 0);
  }
  return false;
}
