/* The nodes of a chain, as commands ask them: one question after the other, of the first node that answers.  What cannot be proven
   and matters (that a block is final) is taken from a quorum. */
#ifndef CF_CLI_NODES_H
#define CF_CLI_NODES_H

#include "cli/cf_folder.h"
#include "io/cf_rpc.h"
#include "ledger/cf_evm_rpc.h"

#define CF_NODES_ID 1 /* of a question that is asked alone */

typedef struct {
  char const       *what; /* command, for what is said */
  cf_folder_evm_t   evm;
  uint64_t          chain_id;
  unsigned          at;    /* the node that is asked */
  bool              alone; /* no other is asked in its place */
  bool              quiet; /* what fails is not said: who asks tries again, or says it in his own words */
  cf_rpc_t         *rpc;
  cf_done_t        *answer; /* of the newest question: what was read borrows it */
  cf_wr_t           question;
  cf_jw_t           writer;
} cf_nodes_t;

/* cf_nodes_open asks each node for its chain's id: all that answer must say chain_id (0: the same), and a quorum must answer.  0, or an
   exit status after saying why; so do all below.  cf_nodes_open_quiet says nothing (quiet). */
int cf_nodes_open(cf_nodes_t *n, char const *what, cf_folder_evm_t const *evm, uint64_t chain_id);
int cf_nodes_open_quiet(cf_nodes_t *n, char const *what, cf_folder_evm_t const *evm, uint64_t chain_id);
void cf_nodes_close(cf_nodes_t *n);

/* cf_nodes_question begins a question, which cf_evm_ask_... writes under CF_NODES_ID.  cf_nodes_said asks it, and may give a node's
   refusal; cf_nodes_result says a refusal.  Both go to the next node when one does not answer. */
cf_jw_t *cf_nodes_question(cf_nodes_t *n);
int      cf_nodes_said(cf_jsonrpc_answer_t *a, cf_nodes_t *n);
int      cf_nodes_result(cf_json_t *v, cf_nodes_t *n);
int      cf_nodes_number(uint64_t *v, cf_nodes_t *n);

/* A block of one node; CF_EXIT_WORLD when it has none such. */
int cf_nodes_block(cf_evm_block_t *b, cf_nodes_t *n, cf_evm_at_t const *at);
/* cf_nodes_each runs fn with each node, alone and quietly: some may be away, or lie.  fn adds to q what a node says. */
void cf_nodes_each(cf_nodes_t *n, cf_evm_quorum_t *q, void (*fn)(cf_nodes_t *n, cf_evm_quorum_t *q, void *ctx), void *ctx);
/* The newest block that a quorum of nodes calls final; under it they must agree on its hash. */
int cf_nodes_final(cf_evm_block_t *b, cf_nodes_t *n);
/* An account's nonce in a tag's state: every node must say the same. */
int cf_nodes_nonce(uint64_t *nonce, cf_nodes_t *n, cf_addr_t const *addr, cf_evm_tag_t tag);

/* cf_nodes_wrong says that a node's answer cannot be. */
int cf_nodes_wrong(cf_nodes_t const *n, cf_error_t const *err);

#endif
