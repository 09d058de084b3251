/* A whole deployment in a world: a domain, its councils, ledger, host with gateway and enclave, a twin that may start, parties.
   Small and drawn by the seed: councils of 1 of 1 or of several, two or three parties, up to three assets. */
#ifndef CF_SIM_TOWN_H
#define CF_SIM_TOWN_H

#include "cf_check.h"
#include "cf_clerk.h"
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
  unsigned       lies; /* of 100,000 answers; only one of the f that its council withstands */
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
  cf_kept_bytes_t envelope[CF_HOSTILE_ENVELOPES], view, view_newest, request, answer;
  size_t          envelopes; /* seen so far: the newest are kept */
  bool            added;     /* the last of the batch under way is ours */
  uint16_t        added_at;
} cf_hostile_t;

/* What a forger keeps of what he saw. */
typedef struct {
  cf_kept_bytes_t block, acts, note, made;
} cf_forger_t;

struct cf_town {
  cf_world_t      world;
  cf_prng_t       draw; /* the shape of the town, and what parties do */
  cf_hash_t       seed;
  uint64_t        lives; /* entropy of each life differs */
  bool            one;   /* councils of 1 of 1 */
  unsigned        secrets;
  FILE           *seen;
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
  cf_machine_t    zombie;  /* an enclave that outlived its process's end */
  unsigned        primary; /* the site that parties know */
  cf_councillor_t witness[CF_TOWN_MEMBERS_MAX], verifier[CF_TOWN_MEMBERS_MAX], observer[CF_TOWN_MEMBERS_MAX];
  unsigned        ledger_node, bank_node, clerk_node, party_node[CF_TOWN_PARTIES_MAX];
  cf_ledgerd_t   *ledger;
  cf_bank_t       bank;
  cf_clerk_t      clerk;
  cf_party_node_t party[CF_TOWN_PARTIES_MAX];
  cf_check_t      check;
  /* what a hostile host keeps, and disks of earlier */
  cf_disk_t    old[4];
  unsigned     old_cnt;
  cf_disk_t    saved;   /* the newest disk, while an older one runs */
  cf_hash_t    saved_instance; /* whose it is */
  cf_disk_t    dropped; /* the one that was given up last */
  bool         rolled, split;
  bool         forked; /* one witness is left behind */
  bool         twin; /* the other site runs, too */
  uint64_t     sabotaged; /* the fault that the enclave's files suffer; 0: none.  saved has them as they were */
  cf_hostile_t hostile;
  cf_forger_t  forger;
};

/* cf_town_found makes the domain's documents (cf_town_genesis.c); cf_town_build its nodes and starts them. */
void cf_town_found(cf_town_t *t);
/* secrets: 0, or one of two sets of amounts and reasons of refusal, 1 and 2, of one shape; seen (may be NULL) receives what a host sees. */
void cf_town_build(cf_town_t *t, uint64_t seed, FILE *trace, unsigned secrets, FILE *seen);
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
/* cf_host_show shows an enclave of the host what lies in d's log behind what it was shown, under the newest note there or, withheld,
 * the one before.  False when there is nothing to show. */
bool cf_host_show(cf_town_t *t, cf_machine_t *m, cf_disk_t const *d, bool withheld);

/* cf_zombie.c: an enclave that should have ended, and what its host may do with it. */
bool cf_zombie_outlives(void *town, cf_machine_t *m);
void cf_zombie_prod(cf_town_t *t, cf_disk_t const *d);

/* Things that come by the clock: faults by their number, and the operator, who looks after his processes. */
#define CF_TOWN_OPERATOR 1000
#define CF_TOWN_RESTORE 1001 /* the newest disk comes back */
#define CF_TOWN_UNTWIN 1002
#define CF_TOWN_WHOLE 1003 /* the enclave's files are as they were */
void cf_town_fault(void *town, uint64_t id);

/* cf_town_faults schedules what chance has planned (cf_mischief.c); cf_town_mend ends all of it: every node up, newest disks,
 * true clocks. */
void cf_town_faults(cf_town_t *t, uint64_t until_ms);
void cf_town_mend(cf_town_t *t);
bool cf_town_split(cf_town_t *t); /* witnesses on two forks of the log, a quorum for neither */
/* A site's disk; its processes end, and start again. */
cf_disk_t *cf_town_disk(cf_town_t *t, unsigned site);
void       cf_town_stop(cf_town_t *t, unsigned site, bool left_alone);
void       cf_town_go(cf_town_t *t, unsigned site);

/* cf_sabotage.c: what a host does to the enclave's files, and takes back. */
void cf_sabotage_half_boot(cf_town_t *t);
void cf_sabotage_plant(cf_town_t *t);
void cf_sabotage_end(cf_town_t *t);
/* cf_sabotage_undo puts the enclave's files as saved has them on d, whose log went on; false, and nothing is done, when an instance that ran
 * since was certified, or will be: then what it has is the newest. */
bool cf_sabotage_undo(cf_town_t *t, cf_disk_t *d);

/* cf_town_serves: the domain that parties know takes inputs. */
bool cf_town_serves(cf_town_t const *t);
/* Where gateway and enclave stand, in a line. */
char const *cf_town_state(cf_town_t const *t);

#endif
