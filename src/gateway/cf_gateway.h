/* The gateway's core: what stands between parties and the enclave.  It is trusted
   for availability only: it opens nothing, and everything that it carries is checked by
   who receives it.  DESIGN 3, 6, 7; docs/protocol/gateway.md, services.md.

   One state machine of a front (HTTP), a batcher, a log side (writer and publisher), a leader (boot,
   attestation, registration), a settler and the views of the ledger.  The step allocates nothing: every queue is
   bounded and lies in the memory given at init.  The one exception is what is read of the ledger (an embedded one's replay, cf_chain_t;
   the inbox of one on a chain), which grows with what the ledger holds.

   Files, relative to the domain's folder: public/log, public/checkpoints, public/archive, enclave/snapshot,
   enclave/journal-<number>, gateway/results/<number>; gateway/resume is the operator's: the name of a halt of the sender's that he mended.  Kinds of the store: LEASE, META, ENVELOPE, PROMISE; TX, FEE with a ledger on a chain. */
#ifndef CF_GATEWAY_GATEWAY_H
#define CF_GATEWAY_GATEWAY_H

#include "base/cf_effect.h"
#include "base/cf_error.h"
#include "crypto/cf_sign.h"
#include "document/cf_documents.h"
#include "gateway/cf_sender.h"
#include "ledger/cf_evm_quorum.h"
#include "translog/cf_note.h"

typedef struct cf_gateway cf_gateway_t;

#define CF_GATEWAY_INBOX_MAX ((size_t)512 << 20) /* eleven million messages and more */

/* A ledger on a chain: its nodes, and the account that pays for transactions. */
typedef struct {
  unsigned         nodes; /* 0: the ledger is embedded, and peer `ledger` serves it */
  unsigned         quorum; /* that must say the same of what cannot be proven: more than half */
  unsigned         node[CF_EVM_NODES_MAX]; /* HTTP, "POST /" of application/json */
  uint64_t         from_block;  /* none of the contract's events is older */
  size_t           inbox_max;   /* bytes of its inbox's messages that are kept: all of them must fit; CF_GATEWAY_INBOX_MAX */
  uint8_t const   *scalar;      /* of the account: secp256k1, secret */
  uint64_t         fee_max_wei; /* per gas, offered at most */
  cf_wei_t         budget_wei;  /* of a UTC day */
} cf_gateway_evm_t;

/* All is borrowed for the core's life.  Peers are indexes into the driver's table; councils' members in genesis' order. */
typedef struct {
  cf_span_t            genesis;    /* entry 0 of the log: COSE bytes */
  cf_span_t            deployment; /* entry 1: COSE bytes; empty when the log holds it already */
  uint8_t const       *log_seed;   /* Ed25519 seed of the log's note key, 32 bytes of cf_secret memory */
  cf_p256_key_t const *key;        /* a gateway key of policy */
  cf_entropy_t         entropy;
  uint64_t             batch_max;    /* envelopes, of the measured configuration; 1..4096 */
  uint64_t             envelope_max; /* bytes, of the measured configuration */
  uint64_t             log_cap;      /* entries that the log may hold: a power of two, CF_LOGWRITER_CAP_MIN.._MAX */
  uint64_t             index_cap; /* envelopes whose receipts are served, 1024 or more; older ones are in the log and archive */
  unsigned             enclave;   /* frames */
  unsigned             launcher;  /* frames */
  unsigned             ledger;    /* HTTP, as all below */
  unsigned             witness[CF_WITNESSES_MAX];
  unsigned             verifier[CF_MEMBERS_MAX];
  unsigned             observer[CF_MEMBERS_MAX];
  cf_gateway_evm_t     evm;
  char const          *ledger_url; /* told to parties in GET /v1/domain */
  char const          *log_url;
} cf_gateway_config_t;

/* cf_gateway_sz is the memory that a gateway of this configuration needs, most of it touched only as it is used: about
   220 MiB, 232 bytes per envelope of index_cap and 104 per entry of log_cap.  0 when cfg is out of bounds. */
size_t cf_gateway_sz(cf_gateway_config_t const *cfg);

/* cf_gateway_init makes a gateway in mem (aligned to 64, zeroed by the caller, cf_gateway_sz bytes).
   CF_ERR_FORMAT, CF_ERR_POLICY (genesis does not hold, or key and seed are not those it names, or its ledger is of the other kind), CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_gateway_init(cf_gateway_t **out, void *mem, size_t mem_sz, cf_gateway_config_t const *cfg,
                                          cf_error_t *err);

/* cf_gateway_step: events START, REQUEST, DONE, TICK, STOP.  One step writes at most CF_EFFECTS_MAX effects and 1 MiB of scratch.
   STOP lets the crossing under way and what is queued for the log end, at most CF_GATEWAY_DRAIN_MS, then exits with 0.  Exits
   with 1 when its log does not verify, with 3 by the driver when an effect was not durable or the lease is another's. */
#define CF_GATEWAY_DRAIN_MS 5000
void cf_gateway_step(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev);

/* cf_gateway_fini frees what the ledger's replay holds. */
void cf_gateway_fini(cf_gateway_t *g);

/* For supervisors and the simulator: the mode (row of cf_modes.h) and the step that is missing ("witnesses", "register", ...; ""
   while serving); numbers of what is executed, logged, settled. */
typedef struct {
  unsigned    mode;
  char const *missing;
  uint64_t    epoch;    /* log index of the boot entry, 0 before it */
  uint64_t    sequence; /* of the last receipt durable in the journal */
  uint64_t    logged;   /* of the last receipt in the log */
  uint64_t    log_size;
  uint64_t    cosigned;    /* size of the newest cosigned checkpoint */
  uint64_t    shown;       /* log size that the enclave was shown */
  uint64_t    block;       /* newest final block shown */
  uint64_t    settlements; /* authorised so far */
  uint64_t    settled;     /* of them final */
  uint64_t    promises;    /* that wait */
} cf_gateway_status_t;
cf_gateway_status_t cf_gateway_status(cf_gateway_t const *g);

#endif
