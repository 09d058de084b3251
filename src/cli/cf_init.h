/* The founding of a domain (PROTOCOL P12, bootstrap 1 to 6), in the parts that `init` and `demo` share. */
#ifndef CF_CLI_INIT_H
#define CF_CLI_INIT_H

#include "cli/cf_folder.h"
#include "workload/cf_clearing.h"

#define CF_INIT_ASSETS_MAX 64

typedef struct {
  size_t n, k;
} cf_init_council_t;

typedef struct {
  char const       *dir;
  char const       *name;
  bool              production;
  cf_init_council_t verifiers, witnesses, observers; /* governors and guardians are 2 of 3 */
  cf_asset_t        assets[CF_INIT_ASSETS_MAX];      /* symbol, scale, cap */
  size_t            assets_cnt;
  cf_span_t         policy_json; /* overrides of policy's numbers; empty: none */
  char const       *tpm;         /* TCTI; NULL: software TPM, made here */
  cf_ek_root_t      ek_root;     /* class 0: the software TPM's */
  uint16_t          port;        /* 0: the first free range */
  bool              any_port;    /* 0: of ranges that nobody else counts on */
  char const       *address;
  cf_folder_evm_t   evm; /* nodes 0: the embedded ledger */
  uint64_t          chain_id; /* of a ledger on a chain, with the contract's address */
  cf_addr_t         contract;
  uint64_t          validity_s; /* class test on a chain: how long a settlement may take; the other times follow */
} cf_init_t;
#define CF_INIT_VALIDITY_S 30 /* blocks of a second, final a few blocks later */

/* cf_init_defaults are those of the command, for class test. */
void cf_init_defaults(cf_init_t *in, char const *dir);
/* The ledger's times. */
cf_genesis_ledger_t cf_init_times(cf_init_t const *in);
/* cf_init_chain asks in->evm's nodes which chain they are of, and gives the ledger the address of deployer's next contract there. */
int cf_init_chain(cf_init_t *in, cf_addr_t const *deployer);
/* cf_init_run founds the domain and opens its folder.  0 or an exit status. */
int cf_init_run(cf_folder_t *f, cf_init_t const *in);

/* ---- parts ---- */

/* All secrets of a new domain; in memory of cf_secret_new. */
typedef struct {
  uint8_t log[64];     /* Ed25519 seed, P-256 scalar */
  uint8_t gateway[32]; /* P-256 */
  uint8_t ledger[32];  /* secp256k1: signs blocks */
  uint8_t treasury[32];
  uint8_t sender[32]; /* secp256k1: the gateway's account on a chain */
  uint8_t governor[3][32], guardian[3][32];
  uint8_t verifier[CF_MEMBERS_MAX][64]; /* secp256k1, P-256 */
  uint8_t witness[CF_MEMBERS_MAX][32];
  uint8_t observer[CF_MEMBERS_MAX][32];
} cf_init_keys_t;
cf_init_keys_t *cf_init_keys_make(void);
int             cf_init_keys_save(cf_init_keys_t const *k, cf_init_t const *in, cf_folder_t const *f);

/* What policy 1 measures. */
typedef struct {
  cf_hash_t    program, configuration, measurement;
  cf_ek_root_t ek_root;
} cf_init_measured_t;
cf_span_t cf_init_configuration(void);
int cf_init_policy(cf_policy_t *p, cf_init_t const *in, cf_init_keys_t const *k, cf_init_measured_t const *m, uint64_t now_s);
/* cf_init_genesis writes entry 0, cf_init_deployment entry 1, both signed by the governors.  code is the hash of what the ledger
   runs: of an embedded one block 0's, which follows from genesis and the block key alone (cf_init_block0). */
int cf_init_genesis(cf_wr_t *entry, cf_init_t const *in, cf_init_keys_t const *k, cf_policy_t const *p, uint64_t now_s);
int cf_init_block0(cf_hash_t *code, cf_domain_t *domain, cf_init_keys_t const *k);
int cf_init_deployment(cf_wr_t *entry, cf_domain_t const *domain, cf_init_keys_t const *k, cf_hash_t const *code);
/* cf_init_keys_governors reads what cf_init_deployment signs with from the folder. */
int cf_init_keys_governors(cf_init_keys_t **k, cf_folder_t const *f);

#endif
