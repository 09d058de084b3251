/* EIP-1559 transactions (type 2): bytes, digest, signature, hash, and back.  EIP-2718, EIP-1559, EIP-2.

   raw    = 0x02 || rlp([chain_id, nonce, tip, fee, gas, to, value, data, access_list, y, r, s])
   digest = keccak256(0x02 || rlp([the first nine])), which is signed; hash = keccak256(raw), by which chains name it

   The access list is empty: none of ours needs one.  A signature is deterministic (RFC 6979), so one transaction and key have one
   raw form.  Pure, thread-safe, allocates nothing. */
#ifndef CF_LEDGER_EVM_TX_H
#define CF_LEDGER_EVM_TX_H

#include "crypto/cf_hash.h"
#include "crypto/cf_sign.h"

#define CF_EVM_TX_MAX 131072u      /* bytes of raw: what nodes take into their pools */
#define CF_EVM_TX_FRAME_MAX 256u   /* of it at most beside data */
#define CF_EVM_GAS_TRANSFER 21000u /* of a transaction without data to an account without code */

typedef struct {
  uint64_t  chain_id;
  uint64_t  nonce;
  uint64_t  tip_wei; /* for the block's maker, per gas, at most; not above fee_wei (EIP-1559) */
  uint64_t  fee_wei; /* altogether, per gas, at most */
  uint64_t  gas;     /* limit */
  bool      create;  /* a contract is created of data; to is 0 */
  cf_addr_t to;
  cf_hash_t value; /* wei, as a 256-bit number */
  cf_span_t data;  /* borrowed */
} cf_evm_tx_t;

/* cf_evm_tx_digest is what is signed.  scratch needs CF_EVM_TX_FRAME_MAX bytes of room beside data; it comes back as it was. */
cf_hash_t cf_evm_tx_digest(cf_evm_tx_t const *tx, cf_wr_t scratch);

/* cf_evm_tx_write appends the raw bytes under an EIP-2098 signature, which is not checked. */
void cf_evm_tx_write(cf_wr_t *wr, cf_evm_tx_t const *tx, uint8_t const sig[64]);

/* cf_evm_tx_sign appends the raw bytes to wr; sig and hash are also handed out.  wr needs data.len + CF_EVM_TX_FRAME_MAX bytes of room.
   CF_ERR_FORMAT: scalar is no key, or tip above fee.  CF_ERR_BOUND: no room in wr, or raw above CF_EVM_TX_MAX.  Then wr is as before. */
CF_MUST_CHECK cf_status_t cf_evm_tx_sign(cf_wr_t *wr, uint8_t sig[64], cf_hash_t *hash, cf_evm_tx_t const *tx, uint8_t const scalar[32]);

/* What raw bytes say, and who signed them. */
typedef struct {
  cf_evm_tx_t tx; /* data borrowed from the raw bytes */
  uint8_t     sig[64];
  cf_addr_t   from;
  cf_hash_t   hash;
} cf_evm_signed_t;

/* cf_evm_tx_decode reads exactly one transaction, each of which has one encoding.  scratch needs room as raw is long.
   CF_ERR_FORMAT       not a transaction of type 2, or in another encoding
   CF_ERR_UNSUPPORTED  another type; an access list
   CF_ERR_BOUND        more than CF_EVM_TX_MAX bytes; a number from 2^64 on, but for value; tip above fee
   CF_ERR_AUTH         the signature is nobody's (r or s out of range, s high) */
CF_MUST_CHECK cf_status_t cf_evm_tx_decode(cf_evm_signed_t *out, cf_span_t raw, cf_wr_t scratch);

/* cf_evm_created is the address of the contract that from creates with its transaction of that nonce (Yellow Paper 7). */
cf_addr_t cf_evm_created(cf_addr_t const *from, uint64_t nonce);

#endif
