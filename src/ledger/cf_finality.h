/* Finality statements: "block B of this ledger is final", each signed by one
   observer, and proofs made of k of them.  ONCHAIN 4.2, PROTOCOL P2, P8;
   docs/protocol/ledger.md, "Finality".

   Statements agree when they are equal in all but the log checkpoint; the
   proof's checkpoint is the smallest that is named.  Two checkpoints of one
   size with different roots are a fork of the log: no proof.  Pure. */
#ifndef CF_LEDGER_FINALITY_H
#define CF_LEDGER_FINALITY_H

#include "base/cf_error.h"
#include "ledger/cf_act.h"

typedef struct {
  uint64_t  number;
  cf_hash_t block_hash;
  uint64_t  time_s; /* of the block */
  uint64_t  log_size; /* the log checkpoint that the observer last verified */
  cf_hash_t log_root;
} cf_finality_t;

typedef struct {
  uint8_t   observer; /* its index in the council */
  uint64_t  log_size;
  cf_hash_t log_root;
  uint8_t   sig[64];
} cf_finality_sig_t;

/* Which ledger: what a statement names and is signed under. */
typedef struct {
  uint64_t  chain_id;
  cf_addr_t contract;
  cf_hash_t separator;
  cf_hash_t code_hash; /* EVM: of the code at contract, by the log's entry 1 (cf_domain_deployment); all zero proves nothing */
} cf_ledger_identity_t;

/* One observer's statement, as it travels to who gathers them: f's fields, observer u8, sig. */
#define CF_FINALITY_STATEMENT_SZ (8 + 32 + 5 + 8 + 32 + 1 + 64)
typedef struct {
  cf_finality_t finality;
  uint8_t       observer;
  uint8_t       sig[64];
} cf_finality_statement_t;

cf_hash_t                 cf_finality_digest(cf_ledger_identity_t const *ledger, cf_finality_t const *f);
CF_MUST_CHECK cf_status_t cf_finality_sign(cf_finality_statement_t *s, cf_ledger_identity_t const *ledger, cf_finality_t const *f,
                                           uint8_t observer, uint8_t const scalar[32]);
/* CF_ERR_AUTH when the signer is not that member of the council. */
CF_MUST_CHECK cf_status_t cf_finality_check(cf_finality_statement_t const *s, cf_ledger_identity_t const *ledger,
                                            cf_seats_t const *observers);
void                      cf_finality_statement_write(cf_wr_t *wr, cf_finality_statement_t const *s);
CF_MUST_CHECK cf_status_t cf_finality_statement_decode(cf_finality_statement_t *s, cf_span_t in);

/* A proof: CBOR [number, block hash, time, [+ [observer, log size, log root, signature]]], observers strictly rising. */
#define CF_FINALITY_PROOF_MAX (64 + CF_SEATS_MAX * 120)
typedef struct {
  uint64_t          number;
  cf_hash_t         block_hash;
  uint64_t          time_s;
  uint8_t           cnt;
  cf_finality_sig_t at[CF_SEATS_MAX];
} cf_finality_proof_t;

void                      cf_finality_proof_write(cf_wr_t *wr, cf_finality_proof_t const *p);
CF_MUST_CHECK cf_status_t cf_finality_proof_decode(cf_finality_proof_t *p, cf_span_t in, cf_error_t *err);

/* cf_finality_proof_make takes k agreeing statements out of n that were checked (any order, one an observer at most);
   of several groups that agree, the one with the highest number.  CF_ERR_POLICY when there is none. */
CF_MUST_CHECK cf_status_t cf_finality_proof_make(cf_finality_proof_t *p, cf_finality_statement_t const *s, size_t n, uint8_t k);

/* cf_finality_proof_verify demands exactly k statements by distinct observers and fills *f with what they prove.
   CF_ERR_AUTH otherwise, and when checkpoints contradict each other. */
CF_MUST_CHECK cf_status_t cf_finality_proof_verify(cf_finality_t *f, cf_finality_proof_t const *p,
                                                   cf_ledger_identity_t const *ledger, cf_seats_t const *observers,
                                                   cf_error_t *err);

#endif
