/* A whole deployment in a world: a domain, its councils, ledger, host with gateway and enclave, a twin that may start, parties.
   Small and drawn by the seed: councils of 1 of 1 or of several, two or three parties, up to three assets. */
#ifndef CF_SIM_TOWN_H
#define CF_SIM_TOWN_H

#include "cf_check.h"
#include "cf_machine.h"
#include "cf_member.h"
#include "council/cf_observer.h"
#include "council/cf_verifier.h"
#include "gateway/cf_gateway.h"
#include "ledger/cf_ledgerd.h"
#include "translog/cf_witness.h"

#define CF_TOWN_MEMBERS_MAX 4
#define CF_TOWN_PARTIES_MAX 3
#define CF_TOWN_SITES 2 /* the host, and its twin */

typedef struct cf_town cf_town_t;

typedef struct {
  uint8_t scalar[32];
  uint8_t es256[32]; /* verifiers; a seed for witnesses */
} cf_town_key_t;

typedef struct {
  uint8_t       log[32], log_es256[32], gateway[32], ledger[32], treasury[32];
  cf_town_key_t member[CF_COUNCILS + 1][CF_TOWN_MEMBERS_MAX]; /* by role */
} cf_town_keys_t;

/* Gateway and enclave on one disk. */
typedef struct {
  cf_town_t    *town;
  unsigned      gateway_node;
  cf_gateway_t *gateway;
  void         *mem;
  size_t        mem_sz;
  cf_machine_t  machine;
  cf_softtpm_t  tpm;
  cf_drbg_t     drbg, drbg_machine; /* of this life's entropy */
} cf_site_t;

typedef struct {
  cf_town_t     *town;
  unsigned       node, index;
  cf_witness_t   witness;
  cf_verifier_t *verifier;
  cf_observer_t *observer;
  cf_p256_key_t *key;
  cf_drbg_t      drbg;
} cf_councillor_t;

/* What a hostile host keeps, to show it again (cf_host.c). */
#define CF_HOSTILE_ENVELOPES 32
typedef struct {
  uint8_t *bytes;
  size_t   len;
} cf_kept_bytes_t;
typedef struct {
  cf_kept_bytes_t envelope[CF_HOSTILE_ENVELOPES], view, request, answer;
  size_t          envelopes; /* seen so far: the newest are kept */
  bool            added;     /* the last of the batch under way is ours */
  uint16_t        added_at;
} cf_hostile_t;

struct cf_town {
  cf_world_t      world;
  cf_prng_t       draw; /* the shape of the town, and what parties do */
  cf_hash_t       seed;
  uint64_t        lives; /* entropy of each life differs */
  bool            one;   /* councils of 1 of 1 */
  cf_town_keys_t  keys;
  cf_softtpm_t    tpm;
  cf_p256_key_t  *gateway_key;
  uint8_t         configuration[512];
  size_t          configuration_sz;
  cf_hash_t       program;
  uint8_t         genesis[CF_ENTRY_MAX + 1], deployment[8192];
  size_t          genesis_sz, deployment_sz;
  cf_domain_t    *domain;
  unsigned        assets, parties;
  cf_site_t       site[CF_TOWN_SITES];
  unsigned        primary; /* the site that parties know */
  cf_councillor_t witness[CF_TOWN_MEMBERS_MAX], verifier[CF_TOWN_MEMBERS_MAX], observer[CF_TOWN_MEMBERS_MAX];
  unsigned        ledger_node, bank_node, party_node[CF_TOWN_PARTIES_MAX];
  cf_ledgerd_t   *ledger;
  cf_bank_t       bank;
  cf_party_node_t party[CF_TOWN_PARTIES_MAX];
  cf_check_t      check;
  /* what a hostile host keeps, and disks of earlier */
  cf_disk_t    old[4];
  unsigned     old_cnt;
  cf_disk_t    saved;   /* the newest disk, while an older one runs */
  cf_disk_t    dropped; /* the one that was given up last */
  bool         rolled, split;
  bool         twin; /* the other site runs, too */
  cf_hostile_t hostile;
};

/* cf_town_found makes the domain's documents (cf_town_genesis.c); cf_town_build its nodes and starts them. */
void cf_town_found(cf_town_t *t);
void cf_town_build(cf_town_t *t, uint64_t seed, FILE *trace);
void cf_town_raze(cf_town_t *t);
/* Entropy for a life that begins: another one each time, and the same in every run of the seed. */
cf_entropy_t cf_town_entropy(cf_town_t *t, cf_drbg_t *drbg);
/* Addresses of the gateway that parties and councils use now. */
void cf_town_address(cf_town_t *t, unsigned site);

/* cf_host.c: the host between gateway and enclave, for cf_machine_t; and a thief of settlement keys. */
cf_span_t cf_host_tamper(void *town, cf_machine_t *m, cf_span_t request);
cf_span_t cf_host_restore(void *town, cf_machine_t *m, cf_span_t answer);
void      cf_host_forge(cf_town_t *t, cf_machine_t *m, cf_span_t request, cf_span_t answer);
void      cf_host_fini(cf_hostile_t *h);

/* Things that come by the clock: faults by their number, and the operator, who looks after his processes. */
#define CF_TOWN_OPERATOR 1000
#define CF_TOWN_RESTORE 1001 /* the newest disk comes back */
#define CF_TOWN_UNTWIN 1002
void cf_town_fault(void *town, uint64_t id);

/* cf_town_faults schedules what chance has planned (cf_mischief.c); cf_town_mend ends all of it: every node up, newest disks,
 * true clocks. */
void cf_town_faults(cf_town_t *t, uint64_t until_ms);
void cf_town_mend(cf_town_t *t);
/* Where gateway and enclave stand, in a line. */
char const *cf_town_state(cf_town_t const *t);

#endif
