/* Modes (DESIGN 7): what the gateway may still do, as a pure function of facts. */
#ifndef CF_GATEWAY_MODES_H
#define CF_GATEWAY_MODES_H

#include <stdbool.h>
#include <stdint.h>

/* In the order of observe's cf_public_mode. */
typedef enum {
  CF_SERVICE_NORMAL,
  CF_SERVICE_LEDGER_UNAVAILABLE,
  CF_SERVICE_LOG_DEGRADED,
  CF_SERVICE_ATTESTATION_STALE,
  CF_SERVICE_REGISTERING,
  CF_SERVICE_LEASE_LAPSED,
  CF_SERVICE_ENCLAVE_DOWN,
  CF_SERVICE_PAUSED,
  CF_SERVICE_MAINTENANCE,
} cf_service_mode_t;
#define CF_SERVICE_MODES 9

typedef struct {
  bool     maintenance;      /* an announced window                                          */
  bool     paused;           /* the ledger says paused or dead                               */
  bool     enclave_up;       /* the socket answers, and the instance did not end             */
  bool     started;          /* its epoch has                                                */
  bool     lease_held;       /* true while policy has no leases                              */
  uint64_t attested_ago_s;   /* since the newest result                                      */
  uint64_t attest_max_age_s; /* of policy                                                    */
  uint64_t quorum_wait_ms;   /* how long a checkpoint has been waiting for witnesses         */
  uint64_t ledger_silent_ms; /* how long nobody could say what a final block holds, while it was asked */
} cf_mode_facts_t;

#define CF_MODE_QUORUM_MS 3000
#define CF_MODE_LEDGER_MS 15000

typedef struct {
  cf_service_mode_t mode;
  bool              executes;      /* envelopes go to the enclave at once  */
  bool              promises;      /* envelopes are kept, and promised     */
  bool              authorises;    /* settlements can be let out           */
  unsigned          retry_after_s; /* what a refused asker is told      */
} cf_mode_rule_t;

/* cf_modes_of gives the row of the first condition that holds, gravest first; pure. */
cf_mode_rule_t cf_modes_of(cf_mode_facts_t const *facts);
/* The row of a mode, and its name ("log-degraded"): static. */
cf_mode_rule_t cf_modes_rule(cf_service_mode_t mode);
char const    *cf_modes_name(cf_service_mode_t mode);

#endif
