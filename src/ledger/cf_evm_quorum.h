/* One question to several nodes, and what k of them say alike.  A node is believed in nothing that is not proven; what cannot be
   proven (that a block is final, that a receipt stands in it) is taken from k equal answers about one block, more than half of those
   asked, so that two answers can never both be taken.  ONCHAIN 4.10 ("chain split"); DESIGN 10, seam "chain".

   A core: the caller asks, reads (cf_evm_rpc.h), and adds what came, in any order.  Answers are compared by a digest of the facts
   that must agree, block hash included: who is behind says nothing about that block rather than something else. */
#ifndef CF_LEDGER_EVM_QUORUM_H
#define CF_LEDGER_EVM_QUORUM_H

#include "base/cf_bytes.h"
#include "base/cf_status.h"

#define CF_EVM_NODES_MAX 8

typedef enum {
  CF_EVM_WAITING, /* k can still agree */
  CF_EVM_AGREED,
  CF_EVM_SPLIT,   /* they cannot any more: ask again, and if blocks differ that both call final, halt */
} cf_evm_verdict_t;

typedef struct {
  uint8_t n, k;
  struct {
    bool        answered;
    cf_status_t status;
    cf_hash_t   digest; /* CF_OK */
  } at[CF_EVM_NODES_MAX];
} cf_evm_quorum_t;

/* CF_ERR_POLICY unless 1 <= n <= CF_EVM_NODES_MAX and n / 2 < k <= n. */
CF_MUST_CHECK cf_status_t cf_evm_quorum_init(cf_evm_quorum_t *q, unsigned n, unsigned k);

/* cf_evm_quorum_add notes node's answer: the digest of its facts, or why there are none (digest is then not looked at).  node < n
   (asserted); a second answer of a node is not heard. */
void cf_evm_quorum_add(cf_evm_quorum_t *q, unsigned node, cf_status_t status, cf_hash_t const *digest);

/* cf_evm_quorum_verdict; *agreed is filled when AGREED.  *blamed has bit i set when node i gave what is malformed, unproven or of
   another chain, or, once k agree, something else than they; silence and a block unknown to it (CF_ERR_IO, CF_ERR_STALE) blame
   nobody. */
cf_evm_verdict_t cf_evm_quorum_verdict(cf_evm_quorum_t const *q, cf_hash_t *agreed, uint8_t *blamed);

/* cf_evm_quorum_height is the highest number that k of the n heights (0: no answer) have reached; 0 when fewer answered. */
uint64_t cf_evm_quorum_height(uint64_t const *heights, unsigned n, unsigned k);

/* ---- when a node is asked again ---- */

#define CF_EVM_BACKOFF_MS      250       /* doubled with every failure, */
#define CF_EVM_BACKOFF_MAX_MS  30000     /* up to this                  */
#define CF_EVM_BACKOFF_LIED_MS 600000    /* behind what was wrong whatever others say */

/* What is known of a node between questions; all zero at first. */
typedef struct {
  unsigned fails;     /* in a row */
  unsigned lies;      /* ever     */
  unsigned malformed; /* ever     */
  uint64_t retry_at_ms;
} cf_evm_node_t;

/* cf_evm_node_ended notes how a question ended (for one whose answer a quorum blamed: CF_ERR_AUTH); retry_after_s is what the node
   asked for, 0 when nothing.  No longer than CF_EVM_BACKOFF_LIED_MS is waited.  An answer that is only malformed (CF_ERR_FORMAT) says
   nothing of the chain, so that it is no lie: a node that makes a block meanwhile, or a proxy before it, gives one now and then. */
void cf_evm_node_ended(cf_evm_node_t *node, cf_status_t status, unsigned retry_after_s, uint64_t now_ms);
static inline bool cf_evm_node_ready(cf_evm_node_t const *node, uint64_t now_ms) { return now_ms >= node->retry_at_ms; }

#endif
