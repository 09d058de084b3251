#include "io/cf_rpc.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "io/cf_clock.h"
#include "io/cf_http_client.h"
#include "io/cf_https_client.h"
#include "ledger/cf_evm_quorum.h"
#include "ledger/cf_evm_rpc.h"

struct cf_rpc {
  cf_loop_t          loop;
  cf_done_queue_t    done;
  cf_http_client_t  *plain;
  cf_https_client_t *tls; /* NULL when no node is asked so */
  size_t             n, under_way;
  bool               is_tls[CF_EVM_NODES_MAX];
  unsigned           peer[CF_EVM_NODES_MAX]; /* of that client */
  char               name[CF_EVM_NODES_MAX][96];
};

static cf_status_t open_clients(cf_rpc_t *r, char const *const *urls, char const *ca_file, cf_error_t *err) {
  cf_url_t    plain[CF_EVM_NODES_MAX] = { 0 };
  char const *tls[CF_EVM_NODES_MAX];
  unsigned    plain_cnt = 0, tls_cnt = 0;
  for (size_t i = 0; i < r->n; i++) {
    snprintf(r->name[i], sizeof r->name[i], "%.*s", (int)strcspn(urls[i] + strcspn(urls[i], "/") + 2, "/") + 8, urls[i]);
    r->is_tls[i] = cf_https_is(urls[i]);
    r->peer[i]   = r->is_tls[i] ? tls_cnt : plain_cnt;
    if (r->is_tls[i]) {
      tls[tls_cnt++] = urls[i];
      continue;
    }
    cf_status_t st = cf_url_parse(&plain[plain_cnt++], urls[i], err);
    if (st) return st;
  }
  r->plain = cf_http_client_new(&r->loop, &r->done, plain, plain_cnt, &(cf_http_client_limits_t){ .body_max = CF_EVM_BODY_MAX });
  if (!r->plain) return cf_error_set(err, CF_ERR_IO, "rpc", 0, "out of memory");
  if (!tls_cnt) return CF_OK;
  return cf_https_client_new(&r->tls, &r->loop, &r->done, tls, tls_cnt,
                             &(cf_https_limits_t){ .body_max = CF_EVM_BODY_MAX, .ca_file = ca_file }, err);
}

cf_status_t cf_rpc_open(cf_rpc_t **out, char const *const *urls, size_t n, char const *ca_file, cf_error_t *err) {
  *out = NULL;
  if (n == 0 || n > CF_EVM_NODES_MAX) return cf_error_set(err, CF_ERR_BOUND, "rpc", 0, "%zu nodes, 1 to %d can be asked", n, CF_EVM_NODES_MAX);
  cf_rpc_t *r = calloc(1, sizeof *r);
  if (!r) return cf_error_set(err, CF_ERR_IO, "rpc", 0, "out of memory");
  r->n           = n;
  cf_status_t st = cf_loop_init(&r->loop, err);
  if (!st) st = open_clients(r, urls, ca_file, err);
  if (st) cf_rpc_close(r);
  else *out = r;
  return st;
}

void cf_rpc_close(cf_rpc_t *rpc) {
  if (!rpc) return;
  cf_http_client_free(rpc->plain);
  cf_https_client_free(rpc->tls);
  for (cf_done_t *d; (d = cf_done_take(&rpc->done));) cf_done_free(d);
  cf_loop_fini(&rpc->loop);
  free(rpc);
}

void cf_rpc_start(cf_rpc_t *rpc, unsigned node, cf_span_t body, unsigned timeout_ms) {
  assert(node < rpc->n);
  cf_span_t what = CF_SPAN_LIT("POST /");
  rpc->under_way++;
  if (rpc->is_tls[node]) cf_https_client_ask(rpc->tls, node, rpc->peer[node], what, CF_RPC_TYPE, body, timeout_ms);
  else cf_http_client_ask(rpc->plain, node, rpc->peer[node], what, CF_RPC_TYPE, body, timeout_ms);
}

/* One turn of the loop, no longer than a client's patience. */
static void turn(cf_rpc_t *rpc) {
  uint64_t now_ms = cf_clock_mono_ms(), at_ms = cf_http_client_next_ms(rpc->plain);
  if (rpc->tls && cf_https_client_next_ms(rpc->tls) < at_ms) at_ms = cf_https_client_next_ms(rpc->tls);
  uint64_t patience_ms = at_ms > now_ms ? at_ms - now_ms : 0;
  cf_loop_wait(&rpc->loop, patience_ms < CF_RPC_TIMEOUT_MS ? (unsigned)patience_ms : CF_RPC_TIMEOUT_MS);
  cf_http_client_sweep(rpc->plain);
  if (rpc->tls) cf_https_client_sweep(rpc->tls);
}

cf_status_t cf_rpc_wait(cf_rpc_t *rpc, unsigned *node, cf_done_t **out, cf_error_t *err) {
  *out = NULL;
  if (!rpc->under_way) return cf_error_set(err, CF_ERR_STALE, "rpc", 0, "nothing is under way");
  while (!rpc->done.first) turn(rpc);
  cf_done_t  *d    = cf_done_take(&rpc->done);
  cf_status_t st   = d->status;
  char const *name = rpc->name[d->id];
  *node            = (unsigned)d->id;
  rpc->under_way--;
  if (st) cf_error_set(err, st, "rpc", 0, "%s: %s", name, d->why ? d->why : cf_status_name(st));
  else if (d->code != 200) st = cf_error_set(err, CF_ERR_IO, "rpc", 0, "%s: answered %u", name, d->code);
  if (st) cf_done_free(d);
  else *out = d;
  return st;
}

cf_status_t cf_rpc_ask(cf_rpc_t *rpc, unsigned node, cf_span_t body, cf_done_t **out, cf_error_t *err) {
  assert(rpc->under_way == 0);
  cf_rpc_start(rpc, node, body, CF_RPC_TIMEOUT_MS);
  return cf_rpc_wait(rpc, &node, out, err);
}
