/* Private to the ledger's rules: one call under way. */
#ifndef CF_LEDGER_LEDGER_IMPL_H
#define CF_LEDGER_LEDGER_IMPL_H

#include "ledger/cf_ledger.h"

typedef struct {
  cf_ledger_config_t const *cfg;
  cf_slot_reader_t          slots;
  cf_ledger_env_t const    *env;
  cf_ledger_effects_t      *fx;
  cf_refusal_t              refusal;
  cf_ledger_status_t        status; /* slot 2, as read at the start */
} cf_tx_t;

/* cf_tx_get reads through what this call has written.  cf_tx_put replaces or appends; a full
   store is remembered as the refusal Bound.  cf_tx_push appends a key that is known to be new. */
cf_hash_t cf_tx_get(cf_tx_t *tx, cf_hash_t const *key);
void      cf_tx_put(cf_tx_t *tx, cf_hash_t const *key, cf_hash_t const *value);
void      cf_tx_push(cf_tx_t *tx, cf_hash_t const *key, cf_hash_t const *value);

/* cf_tx_refuse records the refusal and returns false: what every check ends in. */
bool cf_tx_refuse(cf_tx_t *tx, cf_refusal_code_t code, uint64_t a, uint64_t b);

void cf_tx_put_status(cf_tx_t *tx);
/* cf_tx_message folds msg into the inbox; the caller has filled all but the time. */
void cf_tx_message(cf_tx_t *tx, cf_inbox_msg_t *msg);

cf_ledger_counters_t cf_tx_counters(cf_tx_t *tx);
void                 cf_tx_put_counters(cf_tx_t *tx, cf_ledger_counters_t const *c);
/* cf_tx_council_in_force is the version of the councils in force now. */
uint32_t cf_tx_council_in_force(cf_tx_t *tx, cf_ledger_counters_t const *c);
/* cf_tx_signed: exactly k distinct, ascending, present members of that council signed digest. */
bool cf_tx_signed(cf_tx_t *tx, cf_ledger_council_t council, uint32_t version, cf_member_sigs_t const *sigs,
                  cf_hash_t const *digest);

/* cf_tx_lane reads one lane's word (open bit and units), _put_lane writes it. */
uint64_t cf_tx_lane(cf_tx_t *tx, cf_hash_t const *lanes, uint32_t id);
void     cf_tx_put_lane(cf_tx_t *tx, cf_hash_t const *lanes, uint32_t id, uint64_t lane);

cf_ledger_bucket_t cf_tx_bucket(cf_tx_t *tx, uint32_t asset); /* filled to now */
void               cf_tx_put_bucket(cf_tx_t *tx, uint32_t asset, cf_ledger_bucket_t const *b);

/* cf_tx_account and _asset read what must be known. */
bool cf_tx_account(cf_tx_t *tx, uint32_t id, cf_ledger_account_t *a);
bool cf_tx_asset(cf_tx_t *tx, uint32_t asset, cf_ledger_asset_t *a);
/* cf_tx_may_pay refuses, on an embedded ledger in mode root, what is more than it holds: there the enclave's word alone stands behind
   a balance.  On a chain the token refuses. */
bool cf_tx_may_pay(cf_tx_t *tx, cf_op_t const *op, uint64_t units);
/* cf_tx_root_credit notes a deposit, the first under the next position. */
bool cf_tx_root_credit(cf_tx_t *tx, cf_op_t const *op);

/* The calls.  false: refused. */
bool cf_tx_settle(cf_tx_t *tx, cf_op_t const *op, cf_addr_t const *key, cf_hash_t *digest); /* key NULL: who signed */
bool cf_tx_open(cf_tx_t *tx, cf_op_t const *op);
bool cf_tx_open_lane(cf_tx_t *tx, cf_op_t const *op);
bool cf_tx_deposit(cf_tx_t *tx, cf_op_t const *op);
bool cf_tx_withdraw(cf_tx_t *tx, cf_op_t const *op);
bool cf_tx_request_exit(cf_tx_t *tx, cf_op_t const *op);
bool cf_tx_finalize_exit(cf_tx_t *tx, cf_op_t const *op);
bool cf_tx_root_exit(cf_tx_t *tx, cf_op_t const *op);
bool cf_tx_alarm(cf_tx_t *tx, cf_op_t const *op);
bool cf_tx_declare_dead(cf_tx_t *tx, cf_op_t const *op);
bool cf_tx_register(cf_tx_t *tx, cf_op_t const *op);
bool cf_tx_revoke_key(cf_tx_t *tx, cf_op_t const *op);
bool cf_tx_act(cf_tx_t *tx, cf_op_t const *op);

#endif
