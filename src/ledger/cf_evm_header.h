/* The header of an EVM chain's block, whose hash is Keccak-256 of its RLP.  Yellow Paper 4.4.3, 4.4.4; the fields behind nonce by
   EIP-1559 (London), EIP-4895 (Shanghai), EIP-4844 and EIP-4788 (Cancun), EIP-7685 (Prague; Osaka adds none).

   Forks append fields.  A header holds all fields of its fork, so those up to a fork's last one; behind Prague's last, up to
   CF_EVM_HEADER_MORE_MAX strings of at most 32 bytes are taken unread: the hash covers them, and what we read stays where it is.  A
   fork that changes what a field of ours means must be known here first.  Pure; allocates nothing. */
#ifndef CF_LEDGER_EVM_HEADER_H
#define CF_LEDGER_EVM_HEADER_H

#include "base/cf_error.h"
#include "crypto/cf_hash.h"
#include "crypto/cf_sign.h"

#define CF_EVM_EXTRA_MAX       32
#define CF_EVM_BLOOM_SZ        256
#define CF_EVM_HEADER_MORE_MAX 8
#define CF_EVM_HEADER_MAX      1280

/* Which optional fields there are: each fork has those of the ones before it. */
typedef enum { CF_EVM_FRONTIER, CF_EVM_LONDON, CF_EVM_SHANGHAI, CF_EVM_CANCUN, CF_EVM_PRAGUE, CF_EVM_FORKS } cf_evm_fork_t;

typedef struct {
  cf_hash_t     parent;
  cf_hash_t     ommers;
  cf_addr_t     beneficiary;
  cf_hash_t     state_root;
  cf_hash_t     transactions_root;
  cf_hash_t     receipts_root;
  uint8_t       logs_bloom[CF_EVM_BLOOM_SZ];
  cf_hash_t     difficulty; /* an integer, big-endian */
  uint64_t      number;
  uint64_t      gas_limit;
  uint64_t      gas_used;
  uint64_t      time_s;
  uint8_t       extra[CF_EVM_EXTRA_MAX];
  size_t        extra_sz;
  cf_hash_t     mix; /* prevRandao */
  uint8_t       nonce[8];
  cf_evm_fork_t fork;
  uint64_t      base_fee_wei;      /* London */
  cf_hash_t     withdrawals_root;  /* Shanghai */
  uint64_t      blob_gas_used;     /* Cancun */
  uint64_t      excess_blob_gas;
  cf_hash_t     beacon_root;
  cf_hash_t     requests_hash; /* Prague */
} cf_evm_header_t;

/* cf_evm_header_decode reads exactly one header.  *hash (may be NULL) receives its block's hash.
   CF_ERR_FORMAT; CF_ERR_BOUND for more than CF_EVM_HEADER_MAX bytes or too many further fields.  err says where. */
CF_MUST_CHECK cf_status_t cf_evm_header_decode(cf_evm_header_t *h, cf_hash_t *hash, cf_span_t in, cf_error_t *err);

/* cf_evm_header_write writes h without further fields: needs up to CF_EVM_HEADER_MAX bytes of room. */
void      cf_evm_header_write(cf_wr_t *wr, cf_evm_header_t const *h);
cf_hash_t cf_evm_header_hash(cf_evm_header_t const *h);

#endif
