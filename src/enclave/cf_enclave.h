/* The enclave's core: everything that decides inside the trust boundary, as one
   synchronous state machine.  A request of the gateway comes in, an answer goes
   out (document/cf_boundary.h); the launcher is two functions.  No I/O, no clock;
   nothing is allocated but what libcrypto takes for keys and signatures.

   The same object runs in counterfoil-enclave (shell: cf_enclave_main.c), in unit tests,
   fuzzers and the simulator.  Not thread-safe. */
#ifndef CF_ENCLAVE_ENCLAVE_H
#define CF_ENCLAVE_ENCLAVE_H

#include "base/cf_error.h"
#include "crypto/cf_sign.h"
#include "document/cf_boundary.h"
#include "document/cf_documents.h"

typedef struct cf_enclave cf_enclave_t;

/* What the launcher does when asked; both return when it is done. */
typedef struct {
  cf_status_t (*seal)(void *ctx, uint64_t number, uint8_t const root[32]); /* the blob is durable */
  cf_status_t (*quote)(void *ctx, cf_span_t certificate, cf_hash_t const *nonces, size_t nonces_cnt);
  void *ctx;
} cf_launcher_t;

/* cf_enclave_sz is the memory that an enclave needs under a START message, 0 when the message is not one: *err says
   why.  About 40 MiB for 10,000 parties (docs/performance.md has the table). */
size_t cf_enclave_sz(cf_span_t start, cf_error_t *err);

/* cf_enclave_start makes an enclave in mem (aligned to 64 and all zero, mem_sz >= cf_enclave_sz) from the launcher's
   START message: it draws the instance's identity and waits for BOOT.  start is copied.
   CF_ERR_FORMAT, CF_ERR_POLICY (genesis does not hold, or configuration and policy disagree), CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_enclave_start(cf_enclave_t **out, void *mem, size_t mem_sz, cf_span_t start, cf_entropy_t entropy,
                                           cf_launcher_t launcher, cf_error_t *err);

/* cf_enclave_identity is what IDENTITY tells the launcher. */
void cf_enclave_identity(cf_enclave_t const *e, cf_p256_pub_t *pub);

/* cf_enclave_ask answers one message of the gateway.  request is used up: what it holds sealed is opened in place, and wiped.
   answer has room for CF_FRAME_MAX bytes, or for CF_EXCHANGE_MAX less the request's; something is always written: an answer or
   a refusal.  A refusal changes nothing, except that TWIN and VIEW stop the enclave and
   a BATCH that was refused whole has consumed nothing. */
void cf_enclave_ask(cf_enclave_t *e, uint8_t *request, size_t request_sz, cf_wr_t *answer);

cf_phase_t cf_enclave_phase(cf_enclave_t const *e);

/* cf_enclave_end wipes all that is secret. */
void cf_enclave_end(cf_enclave_t *e);

#endif
