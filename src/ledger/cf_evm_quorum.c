#include "ledger/cf_evm_quorum.h"

#include <assert.h>

cf_status_t cf_evm_quorum_init(cf_evm_quorum_t *q, unsigned n, unsigned k) {
  if (n == 0 || n > CF_EVM_NODES_MAX || k > n || 2 * k <= n) return CF_ERR_POLICY;
  *q = (cf_evm_quorum_t){ .n = (uint8_t)n, .k = (uint8_t)k };
  return CF_OK;
}

void cf_evm_quorum_add(cf_evm_quorum_t *q, unsigned node, cf_status_t status, cf_hash_t const *digest) {
  assert(node < q->n);
  if (q->at[node].answered) return;
  q->at[node].answered = true;
  q->at[node].status   = status;
  if (!status) q->at[node].digest = *digest;
}

static bool says(cf_evm_quorum_t const *q, unsigned node, cf_hash_t const *digest) {
  return q->at[node].answered && !q->at[node].status && cf_hash_eq(&q->at[node].digest, digest);
}

static unsigned votes(cf_evm_quorum_t const *q, cf_hash_t const *digest) {
  unsigned n = 0;
  for (unsigned i = 0; i < q->n; i++) n += says(q, i, digest);
  return n;
}

/* What came is wrong whatever others say. */
static bool faulty(cf_status_t st) { return st && st != CF_ERR_IO && st != CF_ERR_STALE; }

cf_evm_verdict_t cf_evm_quorum_verdict(cf_evm_quorum_t const *q, cf_hash_t *agreed, uint8_t *blamed) {
  unsigned best = 0, silent = 0, like = 0;
  *blamed = 0;
  for (unsigned i = 0; i < q->n; i++) {
    unsigned n = q->at[i].answered && !q->at[i].status ? votes(q, &q->at[i].digest) : 0;
    if (n > best) best = n, like = i;
    if (!q->at[i].answered) silent++;
    else if (faulty(q->at[i].status)) *blamed |= (uint8_t)(1u << i);
  }
  if (best < q->k) return best + silent < q->k ? CF_EVM_SPLIT : CF_EVM_WAITING;
  *agreed = q->at[like].digest;
  for (unsigned i = 0; i < q->n; i++)
    if (q->at[i].answered && !q->at[i].status && !says(q, i, agreed)) *blamed |= (uint8_t)(1u << i);
  return CF_EVM_AGREED;
}

uint64_t cf_evm_quorum_height(uint64_t const *heights, unsigned n, unsigned k) {
  uint64_t best = 0;
  for (unsigned i = 0; i < n; i++) {
    unsigned reached = 0;
    for (unsigned j = 0; j < n; j++) reached += heights[j] >= heights[i];
    if (reached >= k && heights[i] > best) best = heights[i];
  }
  return best;
}

void cf_evm_node_ended(cf_evm_node_t *node, cf_status_t status, unsigned retry_after_s, uint64_t now_ms) {
  uint64_t wait_ms = (uint64_t)CF_EVM_BACKOFF_MS << (node->fails < 7 ? node->fails : 7);
  if (!status || status == CF_ERR_STALE) {
    node->fails       = 0;
    node->retry_at_ms = 0;
    return;
  }
  node->fails++;
  if (wait_ms > CF_EVM_BACKOFF_MAX_MS) wait_ms = CF_EVM_BACKOFF_MAX_MS;
  if (wait_ms < (uint64_t)retry_after_s * 1000) wait_ms = (uint64_t)retry_after_s * 1000;
  if (status == CF_ERR_FORMAT) node->malformed++;
  else if (faulty(status)) {
    node->lies++;
    wait_ms = CF_EVM_BACKOFF_LIED_MS;
  }
  if (wait_ms > CF_EVM_BACKOFF_LIED_MS) wait_ms = CF_EVM_BACKOFF_LIED_MS;
  node->retry_at_ms = now_ms + wait_ms;
}
