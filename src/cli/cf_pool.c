#include "cli/cf_pool.h"

#include <string.h>

#include "cli/cf_web.h"

int cf_pool_open(cf_pool_t *p, char const *url) {
  cf_error_t err = {0};
  *p = (cf_pool_t){0};
  if (cf_url_parse(&p->url, url, &err) || cf_loop_init(&p->loop, &err)) return cf_fail_error("http", &err);
  p->client = cf_http_client_new(&p->loop, &p->done, &p->url, 1, &(cf_http_client_limits_t){.timeout_ms = CF_WEB_MS});
  return p->client ? 0 : cf_fail(CF_EXIT_WORLD, "http", "io", url, NULL);
}

void cf_pool_close(cf_pool_t *p) {
  cf_http_client_free(p->client);
  cf_loop_fini(&p->loop);
}

void cf_pool_ask(cf_pool_t *p, uint64_t id, char const *what, cf_span_t body) {
  cf_http_client_ask(p->client, id, 0, CF_SPAN(what, strlen(what)), NULL, body, 0);
}

cf_done_t *cf_pool_wait(cf_pool_t *p) { return cf_http_client_wait(p->client); }
