/* Many questions to one server at once, on kept connections. */
#ifndef CF_CLI_POOL_H
#define CF_CLI_POOL_H

#include "cli/cf_cli.h"
#include "io/cf_http_client.h"

typedef struct {
  cf_loop_t         loop;
  cf_done_queue_t   done;
  cf_url_t          url;
  cf_http_client_t *client;
} cf_pool_t;

int  cf_pool_open(cf_pool_t *p, char const *url);
void cf_pool_close(cf_pool_t *p);
/* cf_pool_ask's answer is one of cf_pool_wait's, by id. */
void       cf_pool_ask(cf_pool_t *p, uint64_t id, char const *what, cf_span_t body);
cf_done_t *cf_pool_wait(cf_pool_t *p); /* to be freed by cf_done_free; NULL: nothing is under way */

#endif
