/* A contract's slots on a chain that is made up, block by block: the tries, headers, inbox and proofs that a view of an EVM ledger
   is made of, and the account that holds another code, or none. */
#ifndef CF_TESTS_EVM_CHAIN_H
#define CF_TESTS_EVM_CHAIN_H

#include "ledger/cf_evm_header.h"
#include "ledger/cf_mpt.h"
#include "ledger/cf_view.h"

#include "mpt_build.h"

#define EVM_SLOTS_MAX    (CF_GENESIS_WRITES_MAX + 64)
#define EVM_ACCOUNTS     8 /* on the chain: the contract's, and others */
#define EVM_MESSAGES_MAX (300 * 1024)

typedef struct {
  cf_addr_t       contract;
  cf_hash_t       code_hash; /* of what stands there */
  cf_slot_write_t slots[EVM_SLOTS_MAX];
  size_t          slots_cnt;
  cf_hash_t       inbox;
  uint8_t         messages[EVM_MESSAGES_MAX];
  size_t          messages_sz;
  uint64_t        messages_cnt;
  /* the newest block */
  cf_hash_t   parent;
  uint8_t     header[CF_EVM_HEADER_MAX];
  size_t      header_sz;
  uint64_t    number, time_s;
  cf_hash_t   hash, state_root, storage_root;
  mpt_entry_t entries[EVM_SLOTS_MAX], accounts[EVM_ACCOUNTS];
  size_t      entries_cnt;
} evm_chain_t;

static inline void evm_put(evm_chain_t *c, cf_hash_t key, cf_hash_t value) {
  size_t i = 0;
  while (i < c->slots_cnt && !cf_hash_eq(&c->slots[i].key, &key)) i++;
  assert(i < EVM_SLOTS_MAX);
  if (i == c->slots_cnt) c->slots_cnt++;
  c->slots[i] = (cf_slot_write_t){ key, value };
}

static inline cf_hash_t evm_get(evm_chain_t const *c, cf_hash_t key) {
  for (size_t i = 0; i < c->slots_cnt; i++)
    if (cf_hash_eq(&c->slots[i].key, &key)) return c->slots[i].value;
  return (cf_hash_t){ { 0 } };
}

/* A block that holds what was put so far. */
static inline void evm_mine(evm_chain_t *c, uint64_t number, uint64_t time_s) {
  size_t n = 0;
  evm_put(c, cf_slot_plain(CF_SLOT_INBOX), c->inbox);
  for (size_t i = 0; i < c->slots_cnt; i++)
    if (!cf_word_is_zero(&c->slots[i].value)) mpt_put_slot(&c->entries[n++], &c->slots[i].key, &c->slots[i].value);
  qsort(c->entries, n, sizeof *c->entries, mpt_by_path);
  c->entries_cnt  = n;
  c->storage_root = mpt_root(c->entries, n);
  for (size_t i = 0; i < EVM_ACCOUNTS; i++) {
    cf_addr_t addr = c->contract;
    addr.b[0] ^= (uint8_t)i;
    mpt_put_account(&c->accounts[i], addr.b, &c->storage_root, &c->code_hash);
  }
  qsort(c->accounts, EVM_ACCOUNTS, sizeof *c->accounts, mpt_by_path);
  c->state_root     = mpt_root(c->accounts, EVM_ACCOUNTS);
  cf_evm_header_t h = { .parent = c->hash, .state_root = c->state_root, .number = number, .time_s = time_s, .fork = CF_EVM_PRAGUE };
  cf_wr_t         wr = cf_wr_init(c->header, sizeof c->header);
  cf_evm_header_write(&wr, &h);
  c->header_sz = wr.len;
  c->number    = number;
  c->time_s    = time_s;
  c->hash      = cf_keccak256(cf_wr_out(&wr));
}

static inline void evm_message(evm_chain_t *c, cf_inbox_msg_t const *m) {
  cf_wr_t wr = cf_wr_init(c->messages, sizeof c->messages);
  wr.len     = c->messages_sz;
  cf_inbox_msg_write(&wr, m);
  assert(!wr.bad);
  c->inbox       = cf_inbox_fold(&c->inbox, CF_SPAN(wr.buf + c->messages_sz, wr.len - c->messages_sz));
  c->messages_sz = wr.len;
  c->messages_cnt++;
}

/* The proof of those slots, as the contract's, in the newest block. */
static inline cf_span_t evm_prove(evm_chain_t const *c, uint8_t *buf, size_t max, cf_hash_t const *keys, size_t n) {
  cf_hash_t paths[CF_MPT_KEYS_MAX] = { 0 }, sorted[CF_MPT_KEYS_MAX], account = cf_keccak256(CF_SPAN_OF(c->contract.b));
  uint8_t   order[CF_MPT_KEYS_MAX];
  for (size_t i = 0; i < n; i++) paths[i] = cf_keccak256(CF_SPAN_OF(keys[i].b));
  cf_mpt_order(order, paths, n);
  for (size_t i = 0; i < n; i++) sorted[i] = paths[order[i]];
  cf_wr_t wr = cf_wr_init(buf, max);
  mpt_prove(&wr, c->accounts, EVM_ACCOUNTS, &account, 1);
  mpt_prove(&wr, c->entries, c->entries_cnt, sorted, n);
  assert(!wr.bad);
  return cf_wr_out(&wr);
}

/* evm_view writes a view of the newest block under that finality proof, with the messages behind the first `first`, which have
   `skip` bytes; those are as many as fit. */
static inline cf_status_t evm_view(cf_wr_t *wr, evm_chain_t const *c, cf_span_t finality, cf_addr_t const *key, cf_hash_t const *more,
                                   size_t more_cnt, uint64_t first, size_t skip, uint64_t *taken) {
  static uint8_t proof_buf[CF_VIEW_MAX];
  cf_hash_t      keys[CF_VIEW_PROVEN_MAX];
  cf_span_t      proof = evm_prove(c, proof_buf, sizeof proof_buf, keys, cf_view_keys(keys, key, more, more_cnt));
  return cf_view_write_evm(wr, CF_SPAN(c->header, c->header_sz), finality, key, more, more_cnt, proof, first,
                           CF_SPAN(c->messages + skip, c->messages_sz - skip), taken);
}

#endif
