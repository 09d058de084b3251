#include "cli/cf_web.h"

#include <string.h>
#include <time.h>

/* "urn:counterfoil:verdict:nonce" -> "verdict:nonce" */
static char const *problem_type(cf_json_t problem) {
  char        buf[256];
  char const *prefix = "urn:counterfoil:";
  if (cf_json_str(buf, sizeof buf, cf_json_get(problem, "type"))) return NULL;
  return cf_fmt("%s", strncmp(buf, prefix, strlen(prefix)) ? buf : buf + strlen(prefix));
}

static int refused(char const *what, char const *url, char const *path, cf_done_t const *d) {
  cf_json_t   problem;
  char        detail[512] = "";
  bool        json = cf_json_parse(&problem, d->body, NULL) == CF_OK;
  char const *reason = json ? problem_type(problem) : NULL;
  bool        again = d->code == 503 || d->code == 429;
  if (json && cf_json_str(detail, sizeof detail, cf_json_get(problem, "detail"))) detail[0] = 0;
  char *next = again ? cf_fmt("retry after %u s", d->retry_after_s ? d->retry_after_s : 1) : cf_fmt("counterfoil status %s", url);
  reason = cf_fmt("%s%s", again ? "unavailable: " : "", reason ? reason : cf_fmt("status %u", d->code));
  return cf_fail(again || d->code >= 500 ? CF_EXIT_WORLD : CF_EXIT_FAILS, what, reason, cf_fmt("%s%s", url, path), "found",
                 detail, "next", next, NULL);
}

int cf_web_ask(cf_span_t *out, bool *found, char const *what, char const *url, char const *path, cf_span_t body) {
  bool        post = !strncmp(path, "POST ", 5);
  char const *below = strchr(path, ' ') ? strchr(path, ' ') + 1 : path;
  size_t      n = strlen(url);
  char       *full = cf_fmt("%.*s%s", (int)(n && url[n - 1] == '/' ? n - 1 : n), url, below);
  cf_error_t  err = {0};
  cf_done_t  *d = NULL;
  cf_url_t    parsed;
  if (cf_url_parse(&parsed, url, &err)) return cf_fail(CF_EXIT_USAGE, what, "usage", url, "found", err.text, NULL);
  cf_status_t st = post ? cf_http_post(&d, full, NULL, body, CF_WEB_MS, &err) : cf_http_get(&d, full, CF_WEB_MS, &err);
  if (st)
    return cf_fail(CF_EXIT_WORLD, what, "io", full, "found", err.text[0] ? err.text : "no answer", "next", "is the server up?",
                   NULL);
  if (found) *found = d->code != 404;
  if (d->code != 200 && !(found && d->code == 404)) return refused(what, url, below, d);
  *out = d->body; /* the entry is the process's */
  return 0;
}

int cf_web_malformed(char const *what, char const *url, char const *path) {
  return cf_fail(CF_EXIT_FAILS, what, "format", cf_fmt("%s%s", url, path), "found",
                 "the answer is not what this server's protocol says", NULL);
}

int cf_web_json(cf_json_t *out, char const *what, char const *url, char const *path) {
  cf_span_t body;
  int       code = cf_web_get(&body, what, url, path);
  return code ? code : cf_json_parse(out, body, NULL) ? cf_web_malformed(what, url, path) : 0;
}

void cf_web_sleep(unsigned ms) {
  nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000}, NULL);
}
