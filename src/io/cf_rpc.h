/* The nodes of a chain, for programs that ask and wait (the command line, tests): each by its own URL, http:// by
   io/cf_http_client.h, https:// by io/cf_https_client.h.  Processes with a core ask through CF_FX_ASK instead, by the same clients.
   What is asked and answered is ledger/cf_evm_rpc.h's; bodies are JSON, of at most CF_EVM_BODY_MAX bytes. */
#ifndef CF_IO_RPC_H
#define CF_IO_RPC_H

#include "base/cf_error.h"
#include "io/cf_done.h"

#define CF_RPC_TYPE       "application/json"
#define CF_RPC_TIMEOUT_MS 10000

typedef struct cf_rpc cf_rpc_t;

/* cf_rpc_open connects to nobody yet.  1 <= n <= CF_EVM_NODES_MAX.  ca_file may be NULL.  CF_ERR_FORMAT, CF_ERR_BOUND,
   CF_ERR_UNSUPPORTED (a name behind http://, no libcurl), CF_ERR_IO. */
CF_MUST_CHECK cf_status_t cf_rpc_open(cf_rpc_t **out, char const *const *urls, size_t n, char const *ca_file, cf_error_t *err);
void                      cf_rpc_close(cf_rpc_t *rpc); /* NULL is fine */

/* cf_rpc_start posts body to a node; cf_rpc_wait takes the next answer of any, and *node says whose: CF_OK and its body
   (cf_done_free), or why there is none: what the client's ask ends with, and CF_ERR_IO for an answer that is not 200.  err names
   the node.  CF_ERR_STALE: nothing is under way. */
void                      cf_rpc_start(cf_rpc_t *rpc, unsigned node, cf_span_t body, unsigned timeout_ms);
CF_MUST_CHECK cf_status_t cf_rpc_wait(cf_rpc_t *rpc, unsigned *node, cf_done_t **out, cf_error_t *err);

/* cf_rpc_ask is both for one node, with nothing else under way. */
CF_MUST_CHECK cf_status_t cf_rpc_ask(cf_rpc_t *rpc, unsigned node, cf_span_t body, cf_done_t **out, cf_error_t *err);

#endif
