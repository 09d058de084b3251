/* A ledger on a chain, inside the gateway: what is known of the contract, of nodes and of the sender; and the files that know it.
   Shared by the gateway's files and by nobody else.  docs/protocol/gateway.md "Of a ledger on a chain". */
#ifndef CF_GATEWAY_CHAINSIDE_H
#define CF_GATEWAY_CHAINSIDE_H

#include <limits.h>

#include "gateway/cf_gateway_state.h"
#include "gateway/cf_sender_rpc.h"

#define CF_FINAL_MS 1000 /* between two questions for a final block, while a transaction waits for one */
#define CF_NODE_MS 10000
#define CF_CHAIN_PEER UINT_MAX              /* the sender's one peer: all nodes */
#define CF_EVM_IDS ((uint64_t)1 << 60)      /* ids of what is asked of nodes ... */
#define CF_SENDER_ID_BASE ((uint64_t)1 << 61) /* ... and by the sender */
/* The slot of a question in its id, above those of the sender's own. */
enum { CF_SLOT_TRACE = 253, CF_SLOT_ANCESTRY, CF_SLOT_STATE };
#define CF_LOOK_MAX (CF_SENDER_SLOTS * CF_SENDER_ATTEMPTS_MAX)

/* The inbox as far as it was read: all messages, in the ledger's own bytes. */
typedef struct {
  size_t    len;
  uint64_t  cnt;
  cf_hash_t fold;
  uint64_t  next; /* block whose logs are due */
} cf_inbox_read_t;

#define CF_SIGNERS_MAX 8 /* keys beside the newest, of settlements that have not executed, whose records are asked for at once */
typedef struct {
  cf_addr_t       key;
  cf_ledger_key_t record;
} cf_signer_t;

/* Of one contract's state in a final block: what a view of it is made of. */
typedef struct {
  uint64_t  asked;  /* id of the question under way; 0: none */
  unsigned  node;   /* who is asked */
  unsigned  tried;  /* questions about this block that brought nothing */
  unsigned  sources; /* nodes, by bit, that gave logs since `good` */
  bool      strayed; /* messages of this block did not lead to its inbox */
  bool      logs;   /* asked for, ... */
  uint64_t  till;   /* ... up to this block */
  bool      whole;  /* with the state */
  uint64_t  since_number; /* what the sender knew as final when it went out */
  uint64_t  range;  /* blocks whose logs are asked for at once */
  uint64_t  at;     /* block that header and proof are of, + 1; 0: none */
  cf_addr_t key;    /* whose record the proof shows */
  bool      key_known; /* the ledger has one */
  cf_addr_t key_asked;
  cf_addr_t signers_asked[CF_SIGNERS_MAX];
  size_t    signers_asked_cnt;
  cf_signer_t signer[1 + CF_SIGNERS_MAX]; /* as the newest view has them; the newest key first */
  size_t      signers;
  cf_ledger_status_t status;
  uint8_t   header[CF_EVM_HEADER_MAX];
  size_t    header_len, proof_len;
  uint8_t   proof[CF_VIEW_MAX];
  cf_inbox_read_t read, good; /* good: proven to be the inbox of block `at` */
  uint8_t  *messages;
  size_t    messages_max;
  uint64_t  first; /* message that stands at first_at */
  size_t    first_at;
} cf_evm_state_t;

/* One question of the sender's to all nodes; at most one look at a time. */
typedef struct {
  uint64_t  round;   /* 0: none is under way */
  unsigned  waiting; /* nodes, by bit, that have not answered */
  cf_sent_t best;
} cf_sending_t;
typedef struct {
  uint64_t  round;
  unsigned  waiting;
  uint64_t  asked_ms;
  uint64_t  id;
  size_t    n, at, part;
  cf_hash_t tx[CF_LOOK_MAX];
  cf_seen_t merged[CF_LOOK_MAX];
  cf_look_t first; /* of the first part */
  bool      answered[CF_EVM_NODES_MAX];
  cf_look_t look[CF_EVM_NODES_MAX];
  cf_seen_t seen[CF_EVM_NODES_MAX][CF_SENDER_RPC_TXS];
} cf_looking_t;
/* From a final block down to the one that was final before, by headers: is that one its ancestor?  Asked when a node says no. */
typedef struct {
  uint64_t          asked;  /* 0: nothing is under way */
  unsigned          node, tried;
  uint64_t          number; /* of the block that is due, ... */
  cf_hash_t         hash;   /* ... and what the one above it says */
  unsigned          cnt;    /* asked for at once */
  cf_sender_final_t final;  /* it began there */
  unsigned          accused; /* the node that said no ... */
  cf_hash_t         claim;   /* ... and what it named instead */
} cf_ancestry_t;
/* The sender's question for what used a nonce: one node's blocks are read, then another's; what is found is confirmed by all. */
typedef struct {
  uint64_t       id;    /* of the sender's question; 0: none */
  cf_trace_ask_t q;
  uint64_t       asked; /* of one node ... */
  unsigned       node, tried;
  unsigned       undone, none, bare; /* nodes, by bit, that said so */
  uint64_t       number;
  cf_hash_t      hash;
  uint64_t       round; /* ... or of all, for its receipt */
  unsigned       waiting, without; /* ... that have the block's receipts, and not this one */
  cf_hash_t      tx;
  bool           answered[CF_EVM_NODES_MAX];
  cf_seen_t      seen[CF_EVM_NODES_MAX];
} cf_tracing_t;
struct cf_evm_side {
  cf_sender_t    sender;
  cf_effects_t   effects; /* the sender's own: what it asks becomes questions to nodes */
  bool           begun, started; /* it has the store's fence; it reads the store */
  bool           running;  /* in this life, without a halt: what the operator's file says is of another time */
  bool           resuming; /* the operator's file is read */
  uint64_t       resume_at_ms;
  bool           due;     /* it steps at this step's end */
  cf_evm_node_t  node[CF_EVM_NODES_MAX];
  cf_sending_t   sending[CF_SENDER_IDS];
  cf_looking_t   looking;
  cf_tracing_t   tracing;
  cf_ancestry_t  ancestry;
  cf_evm_state_t state;
  cf_hash_t      registration; /* the call under way; zero: none */
  uint8_t        call[CF_SENDER_DATA_MAX];
};

/* ---- between the files ---- */

/* cf_views_evm.c: how such a ledger gets to the proven block, and what it knows then. */
void     cf_views_evm_fetch(cf_gateway_t *g, cf_effects_t *fx);
void     cf_views_evm_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev);
void     cf_views_evm_anew(cf_gateway_t *g); /* what was read of the inbox is of another chain */
uint64_t cf_views_evm_messages(cf_gateway_t const *g);
bool     cf_views_evm_write(cf_gateway_t *g, cf_wr_t *wr, cf_addr_t const *key, cf_hash_t const *keys, size_t n);

/* cf_chainside.c: the sender, and its questions to all nodes; nothing here is called for an embedded ledger */
CF_MUST_CHECK cf_status_t cf_chainside_init(cf_gateway_t *g, cf_error_t *err);
void                      cf_chainside_begin(cf_gateway_t *g); /* the lease is ours */
bool                      cf_chainside_mine(cf_gateway_t const *g, uint64_t id);
void                      cf_chainside_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev);
void                      cf_chainside_go(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev); /* at a step's end */
bool                      cf_chainside_busy(cf_gateway_t const *g); /* a call waits for a final block */
/* slot: which of the state's questions it is; returns its id */
uint64_t cf_chainside_ask(cf_gateway_t *g, cf_effects_t *fx, unsigned slot, unsigned node, cf_span_t body);
unsigned cf_chainside_ask_all(cf_gateway_t *g, cf_effects_t *fx, uint64_t round, unsigned slot, cf_span_t body, bool side); /* returns whom, by bit */
unsigned cf_chainside_ready(cf_gateway_t const *g, unsigned from); /* the first node from that one on that may be asked */
void     cf_chainside_ended(cf_gateway_t *g, cf_effects_t *fx, unsigned node, cf_status_t st); /* a lie is said aloud */
void     cf_chainside_answer(cf_gateway_t *g, cf_effects_t *fx, uint64_t id, cf_status_t st, cf_span_t body); /* to the sender */

/* cf_chain_walk.c: blocks read from a final one down */
void cf_ancestry_begin(cf_gateway_t *g, cf_effects_t *fx, cf_sender_final_t const *f, cf_hash_t const *parent, cf_hash_t const *claim);
void cf_ancestry_done(cf_gateway_t *g, cf_effects_t *fx, unsigned node, cf_event_t const *ev);
void cf_tracing_begin(cf_gateway_t *g, cf_effects_t *fx, cf_effect_t const *e);
void cf_tracing_done(cf_gateway_t *g, cf_effects_t *fx, unsigned node, cf_event_t const *ev);

/* cf_settler_evm.c: calls as transactions */
void      cf_settler_evm_go(cf_gateway_t *g);             /* with those of g->acts_number; what is none of them is dropped */
size_t    cf_settler_evm_signers(cf_gateway_t *g, cf_addr_t keys[CF_SIGNERS_MAX], cf_addr_t const *but); /* of what has not executed */
cf_hash_t cf_settler_evm_name(cf_settled_t const *s);      /* of its call: content and signature */
bool      cf_settler_evm_failed(cf_gateway_t const *g);    /* the registration is final, and was not executed */
/* Registration: its transaction is made, or followed.  True once a block has it, or a call like it was refused there: a view says which. */
bool cf_settler_evm_register(cf_gateway_t *g, cf_op_t const *op, uint64_t *block);

#endif
