/* Asking a domain's servers from a command, one question at a time. */
#ifndef CF_CLI_WEB_H
#define CF_CLI_WEB_H

#include "cli/cf_cli.h"
#include "io/cf_http_client.h"

#define CF_WEB_MS 20000

/* cf_web_ask asks "GET /path" or "POST /path" below url; out borrows memory of the process.  An answer that is not 200 is said,
   with the problem's type, in the name of what; 404 may be taken as an answer by found.  0 or an exit status. */
int               cf_web_ask(cf_span_t *out, bool *found, char const *what, char const *url, char const *path, cf_span_t body);
static inline int cf_web_get(cf_span_t *out, char const *what, char const *url, char const *path) {
  return cf_web_ask(out, NULL, what, url, path, CF_SPAN(NULL, 0));
}
/* cf_web_json is the same, parsed. */
int cf_web_json(cf_json_t *out, char const *what, char const *url, char const *path);
/* cf_web_malformed says that a server's answer is not what it should be. */
int cf_web_malformed(char const *what, char const *url, char const *path);

/* cf_web_sleep lets ms pass. */
void cf_web_sleep(unsigned ms);

#endif
