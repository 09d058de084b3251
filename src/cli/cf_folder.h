/* A domain's folder as its operator has it: settings, keys, and where things lie (docs/protocol/services.md, "Files of a
 * domain"). */
#ifndef CF_CLI_FOLDER_H
#define CF_CLI_FOLDER_H

#include "cli/cf_cli.h"
#include "ledger/cf_domain.h"
#include "ledger/cf_evm_quorum.h"

#define CF_PORT_FIRST 7410

/* How a ledger on a chain is reached; domain.json "evm".  nodes 0: the ledger is embedded. */
typedef struct {
  size_t      nodes;
  char const *node[CF_EVM_NODES_MAX]; /* URLs; observer n asks node (n - 1) % nodes */
  unsigned    quorum;                 /* nodes that must say the same of what cannot be proven; more than half */
  uint64_t    from_block;             /* none of the contract's events is older; 0 before `ledger deploy` */
  uint64_t    confirmations;          /* 0: the chain has the tag `finalized`; else final is latest minus so many */
  uint64_t    fee_max_gwei;           /* per gas, the gateway never offers more */
  uint64_t    budget_gwei;            /* that the gateway may spend in a UTC day */
} cf_folder_evm_t;

typedef struct {
  char const     *dir;     /* absolute */
  char const     *address; /* numeric */
  uint16_t        port;    /* the gateway's; the others follow */
  char const     *tpm;     /* TCTI; NULL: the software TPM */
  cf_folder_evm_t evm;
  cf_span_t       genesis; /* entry 0 */
  cf_domain_t    *domain;
} cf_folder_t;

/* cf_folder_open reads settings and genesis.  0, or an exit status after saying why. */
int cf_folder_open(cf_folder_t *f, char const *dir);
/* cf_folder_save writes domain.json. */
int cf_folder_save(cf_folder_t const *f);

/* cf_folder_path is a name in the folder. */
char *cf_folder_path(cf_folder_t const *f, char const *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Ports follow the gateway's: ledger, witnesses, verifiers, observers. */
typedef enum { CF_ROLE_NAME_LEDGER, CF_ROLE_NAME_WITNESS, CF_ROLE_NAME_VERIFIER, CF_ROLE_NAME_OBSERVER } cf_service_t;
uint16_t cf_folder_port(cf_folder_t const *f, cf_service_t service, size_t n);
char    *cf_folder_url(cf_folder_t const *f, uint16_t port);
size_t   cf_folder_members(cf_folder_t const *f, cf_council_role_t role);

/* A key file: 32 bytes a line, one or two lines.  Loading gives memory of cf_secret_new.  n counts from 1; 0: the role has one
 * key. */
int cf_key_save(cf_folder_t const *f, char const *role, size_t n, uint8_t const *lines, size_t line_cnt);
int cf_key_load(uint8_t **lines, cf_folder_t const *f, char const *role, size_t n, size_t line_cnt);

#endif
