/* An observer as a core: it attests the newest final block of its domain's ledger.  docs/protocol/services.md "Observer", ledger.md
   "Finality", councils.md.

   An embedded ledger it replays block by block, by the rules.  Of a ledger on a chain it asks a node of its own: that a block is
   final is the node's word, which the observer's signature makes its own; that the header is the block's, and that the contract stands
   there with the code that entry 1 of the log names, is proven.

   It signs one hash per height, and never a height below the last one: number, hash and checkpoint are durable (`signed`) before
   the answer leaves.  A ledger that shows other blocks than those signed, breaks the rules, or is not the one that entry 1 of the
   log names is never attested again by this process, and the reason stands in every answer. */
#ifndef CF_COUNCIL_OBSERVER_H
#define CF_COUNCIL_OBSERVER_H

#include "council/cf_follow.h"
#include "ledger/cf_blocks.h"
#include "ledger/cf_evm_rpc.h"

#define CF_OBSERVER_SIGNED "signed" /* in the member's folder */

#define CF_OBSERVER_WAITING_MAX 16
#define CF_OBSERVER_TIMEOUT_MS 5000
#define CF_OBSERVER_POLL_MS 1000 /* an embedded ledger's block is seen, and its time compared, this soon */
#define CF_OBSERVER_SIGNED_SZ (8 + 32 + 8 + 32)

typedef enum {
  CF_OBSERVER_OK,
  CF_OBSERVER_STARTING,   /* its files are not read yet, or the log has no deployment */
  CF_OBSERVER_LOG,        /* the log could not be followed: follow.result             */
  CF_OBSERVER_LEDGER,     /* the ledger did not answer, or with what cannot be so     */
  CF_OBSERVER_BEHIND,     /* there is no such block yet, or fewer than were signed; on a chain: or it is old, or from before the contract */
  CF_OBSERVER_SKEW,       /* the newest block's time is not that at which it was made */
  CF_OBSERVER_DEPLOYMENT, /* for ever: block 0, or chain and code, are not what genesis and entry 1 say */
  CF_OBSERVER_RULES,      /* for ever: a block breaks the rules                       */
  CF_OBSERVER_FORK,       /* for ever: another block stands where one was signed      */
  CF_OBSERVER_CODES,
} cf_observer_code_t;
char const *cf_observer_name(cf_observer_code_t c); /* "starting", ... */

typedef struct {
  cf_domain_t const *domain;          /* borrowed, as scalar, for the core's life */
  unsigned           gateway, ledger; /* peers */
  uint8_t            member;
  uint8_t const     *scalar; /* secp256k1, secret */
  uint64_t           confirmations; /* on a chain; 0: final is what the node says; else so many blocks below its newest one */
} cf_observer_config_t;

/* What was signed last. */
typedef struct {
  bool      any;
  uint64_t  number;
  cf_hash_t hash;
  uint64_t  log_size;
  cf_hash_t log_root;
} cf_observer_signed_t;

/* A request is answered when log and ledger were both read to their ends by questions that went out after it came. */
typedef enum { CF_OBSERVER_UNASKED, CF_OBSERVER_ASKED, CF_OBSERVER_READ } cf_observer_read_t;
typedef struct {
  uint64_t           request;
  uint64_t           at_least; /* block number */
  cf_observer_read_t log, ledger;
} cf_observer_waiting_t;

/* What the ledger's newest final block is, as far as it was read. */
typedef struct {
  uint64_t  number;
  cf_hash_t hash;
  uint64_t  time_s;
} cf_observer_block_t;

/* Of an embedded ledger. */
typedef struct {
  cf_chain_t chain;
  uint64_t   asked_s;  /* wall clock when the question under way went out      */
  uint64_t   absent_s; /* ... when the block due was last said not to exist; 0: never in this life */
  uint64_t   poll_at_ms;
} cf_observer_embedded_t;

/* Of a ledger on a chain: a reading goes on from question to question. */
typedef enum { CF_OBSERVER_TIP, CF_OBSERVER_FINAL, CF_OBSERVER_PROOF } cf_observer_stage_t;
typedef struct {
  cf_observer_stage_t  stage;
  cf_observer_block_t  block;      /* that the reading found; to be proven */
  cf_hash_t            state_root; /* of it */
  cf_observer_signed_t held;       /* what was signed when it began: compared with the node's chain */
  uint64_t             held_s;     /* its time */
  uint64_t             number;     /* FINAL: the block that is asked for */
  uint8_t              proof[CF_EVM_ACCOUNT_PROOF_MAX];
} cf_observer_evm_t;

struct cf_observer_kind;

/* About 2 MB, and the chain's state on the heap. */
typedef struct cf_observer {
  cf_observer_config_t            cfg;
  struct cf_observer_kind const  *kind;
  bool                            ready;  /* its files are read */
  bool                            asking; /* the ledger         */
  cf_observer_code_t              broken; /* OK, or why for ever */
  bool                            told;   /* ... its operator was */
  cf_observer_code_t              read;   /* how the ledger's last reading ended; OK: to its end, and what follows is of then */
  cf_observer_block_t             newest;
  cf_hash_t                       code;   /* what the ledger runs: its block 0's hash; on a chain, that of the contract's code in `newest` */
  bool                            skewed; /* the newest block's time was wrong when it was seen */
  cf_observer_signed_t            last;
  cf_observer_waiting_t           waiting[CF_OBSERVER_WAITING_MAX];
  size_t                          waiting_cnt;
  uint8_t                         file[CF_OBSERVER_SIGNED_SZ];
  uint8_t                         answer[1 + CF_FINALITY_STATEMENT_SZ];
  union {
    cf_observer_embedded_t embedded;
    cf_observer_evm_t      evm;
  };
  cf_follow_t follow;
} cf_observer_t;

/* CF_ERR_POLICY: the key is not the member's.  cf_observer_fini frees what the core holds. */
CF_MUST_CHECK cf_status_t cf_observer_init(cf_observer_t *o, cf_observer_config_t const *cfg, cf_error_t *err);
void                      cf_observer_fini(cf_observer_t *o);

/* cf_observer_step: START, REQUEST, DONE, TICK, STOP.  Exits with code 1 when a file of its own is not what it wrote. */
void cf_observer_step(cf_observer_t *o, cf_effects_t *fx, cf_event_t const *ev);

#endif
