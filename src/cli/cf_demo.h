/* The demo: the main job on real input, by the same cores and bytes as the commands.  Each file is a chapter. */
#ifndef CF_CLI_DEMO_H
#define CF_CLI_DEMO_H

#include "cli/cf_chain_client.h"
#include "cli/cf_init.h"
#include "cli/cf_remote.h"
#include "cli/cf_up.h"

#define CF_DEMO_PARTIES_MAX 8192
#define CF_DEMO_ROWS_MAX 100000
#define CF_DEMO_WITHDRAWALS 40

/* ---- input ---- */

typedef struct {
  uint32_t payer, payee; /* places in parties */
  uint32_t asset;
  uint64_t amount;
  size_t   line;
} cf_demo_row_t;

typedef struct {
  size_t      line;
  char const *reason;
} cf_demo_refused_t;

typedef struct {
  char const        *name; /* of the file, or "generated" */
  cf_demo_row_t     *rows;
  size_t             rows_cnt; /* good ones */
  size_t             lines;    /* all rows of the file */
  cf_demo_refused_t *refused;
  size_t             refused_cnt;
  char const       **parties;
  size_t             parties_cnt;
  char const        *assets[CF_INIT_ASSETS_MAX];
  size_t             assets_cnt;
} cf_demo_input_t;

/* cf_demo_read reads a CSV; a bad row is said as file:line:column and left out.  cf_demo_generate makes one of that shape. */
int  cf_demo_read(cf_demo_input_t *in, char const *path);
void cf_demo_generate(cf_demo_input_t *in, uint64_t seed);

/* ---- parties ---- */

typedef struct {
  uint64_t funding, in, out, withdrawn, balance;
} cf_demo_position_t;

typedef struct {
  cf_wallet_t  wallet;
  uint32_t     account; /* on the ledger */
  cf_account_t state;   /* with the enclave */
  uint32_t     pays;    /* inputs */
  bool         checked, leaves;
} cf_demo_party_t;

/* One input on its way. */
typedef struct {
  uint32_t  party, row; /* row UINT32_MAX: a withdrawal */
  uint32_t  asset;
  uint64_t  amount;
  cf_hash_t id;
  cf_span_t envelope;
  uint64_t  sent_ms;
  uint64_t  sequence; /* of its receipt; 0: none yet */
  bool      refused, accepted;
} cf_demo_item_t;

/* With a ledger on a chain.  One account has the tokens, and pays for what anybody may do. */
typedef struct {
  cf_procs_t  procs; /* the node, when it is ours */
  char const *rpc;   /* NULL: the ledger is embedded */
  bool        ours;
  cf_nodes_t  nodes;
  cf_payer_t  payer;
  uint8_t    *scalar;
  uint64_t    nonce; /* its next */
  cf_addr_t   token[CF_INIT_ASSETS_MAX];
  cf_evm_tx_t price;
  cf_wr_t     batch; /* transactions that are not sent yet */
  cf_jw_t     writer;
  size_t      batch_cnt;
  cf_hash_t  *hash; /* of those that are not waited for yet */
  size_t      hash_cnt;
} cf_demo_evm_t;

typedef struct {
  cf_demo_input_t     in;
  cf_demo_evm_t       evm;
  cf_folder_t         folder;
  cf_procs_t          procs;
  char const         *url;
  cf_chain_client_t   chain;
  cf_remote_t         remote; /* the evidence, as fetched */
  cf_entropy_t        entropy;
  cf_ciphers_t        ciphers;
  cf_demo_party_t    *party;    /* in memory of its own, wiped at the end */
  cf_demo_position_t *position; /* parties x assets */
  cf_demo_item_t     *item;
  size_t              item_cnt, item_max;
  uint64_t            nonce; /* the treasury's next */
  uint8_t            *treasury;
  uint64_t           *receipt_us, *settled_ms; /* latencies */
  size_t              receipt_cnt, settled_cnt;
  uint64_t            settlements, windows, receipts;
  uint64_t            net[CF_INIT_ASSETS_MAX], settled[CF_INIT_ASSETS_MAX];
  uint64_t            start_ms, phase_ms;
} cf_demo_t;

static inline cf_demo_position_t *cf_demo_at(cf_demo_t const *d, size_t party, size_t asset) {
  return &d->position[party * d->in.assets_cnt + asset];
}

/* ---- chapters: 0 or an exit status ---- */
int cf_demo_domain(cf_demo_t *d, char const *dir);
int cf_demo_attest(cf_demo_t *d); /* the evidence, fetched and checked: good for policy's attest_max_age */
int cf_demo_evidence(cf_demo_t *d);
int cf_demo_deposits(cf_demo_t *d);
int cf_demo_inputs(cf_demo_t *d);
int cf_demo_settled(cf_demo_t *d);
int cf_demo_results(cf_demo_t *d);
int cf_demo_leave(cf_demo_t *d);
int cf_demo_audit(cf_demo_t *d);
int cf_demo_balances(cf_demo_t *d);

/* ---- a ledger on a chain ---- */
#define CF_DEMO_PIPE 2000 /* transactions before any is waited for */

/* cf_demo_evm_open takes the node of --rpc with the account of --deployer, or starts that of --node below dir. */
int cf_demo_evm_open(cf_demo_t *d, cf_args_t const *a, char const *dir);
/* A token for each asset; then, for the founded domain, the ledger, allowances, and the gateway's account. */
int cf_demo_evm_tokens(cf_demo_t *d, cf_init_t *in);
int cf_demo_evm_ledger(cf_demo_t *d);
/* cf_demo_evm_call sends op by a party (scalar, whose first transaction it is), or by the account that pays (NULL).
   cf_demo_evm_wait waits until all that was sent stands in blocks, and says what was reverted. */
int  cf_demo_evm_call(cf_demo_t *d, cf_op_t const *op, uint8_t const *scalar);
int  cf_demo_evm_pay(cf_demo_t *d, cf_addr_t const *to, uint64_t gwei);
int  cf_demo_evm_wait(cf_demo_t *d, uint64_t *block);
int  cf_demo_evm_final(cf_demo_t *d, uint64_t block); /* waits until it is */
void cf_demo_evm_close(cf_demo_t *d);

/* ---- between chapters ---- */
int cf_demo_status(uint64_t *out, cf_demo_t const *d, char const *member);
/* cf_demo_send posts items from on and fills in what came of them; on a chain a window's worth at a time, each settled before the
   next: what a window has no room for is refused. */
int             cf_demo_send(cf_demo_t *d, size_t from, bool bar);
cf_demo_item_t *cf_demo_item(cf_demo_t *d, uint32_t party, uint32_t row, uint32_t asset, uint64_t amount);
int             cf_demo_seal(cf_demo_t *d, cf_demo_item_t *it, cf_attested_t const *a);

/* ---- the screen ---- */
void cf_demo_head(cf_demo_t const *d, uint64_t seed, bool generated);
void cf_demo_line(cf_demo_t *d, unsigned n, char const *name, char const *fmt, ...) __attribute__((format(printf, 4, 5)));
void cf_demo_bar(size_t done, size_t all, uint64_t ms);
void cf_demo_table(cf_demo_t const *d);
int  cf_demo_json(cf_demo_t const *d, char const *path); /* demo.json */

char *cf_demo_number(uint64_t v); /* "5,693" */

#endif
