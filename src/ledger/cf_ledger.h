/* The ledger's rules: one call against the slots, pure.  ONCHAIN 4.5, 4.6, 4.9;
   docs/protocol/ledger.md.

   The same code runs under the embedded ledger, in the enclave's pre-flight, in
   audit and in observers; the Solidity contracts follow the same page and are held to it
   by tests/vectors/ledger.  Nothing here reads a clock, allocates, or keeps
   state; readers and storage come from the caller.  All inputs are public. */
#ifndef CF_LEDGER_LEDGER_H
#define CF_LEDGER_LEDGER_H

#include "ledger/cf_act.h"
#include "ledger/cf_inbox.h"
#include "ledger/cf_root.h"
#include "ledger/cf_settlement.h"
#include "ledger/cf_slots.h"

/* ---- what is fixed at deployment ---- */

#define CF_LEDGER_CHAIN_MIN   ((uint64_t)1 << 40) /* of an embedded ledger: no EVM chain has such an id */
#define CF_LEDGER_PARAM_MAX_S UINT32_MAX
#define CF_KEY_VALIDITY_MAX_S (30 * 86400)

typedef struct {
  bool      embedded; /* a deposit is the issuer's word; else tokens are pulled from the sender */
  uint64_t  chain_id;
  cf_addr_t contract; /* embedded: address of the block-signing key */
  cf_hash_t domain;
  uint8_t   mode;     /* cf_mode_t */
  uint64_t  max_validity_s; /* V */
  uint64_t  max_pause_s;
  uint64_t  exit_delay_s;
  uint64_t  notice_s;
  uint64_t  dead_after_s;
  uint64_t  overlap_s; /* = V */
  uint64_t  key_delay_s;
  cf_hash_t separator; /* EIP-712, of the above: set by cf_ledger_config_check */
} cf_ledger_config_t;

/* cf_ledger_config_check is the constructor's refusal: mode, chain id, and the inequalities of ONCHAIN 4.1.
   Sets cfg->separator.  CF_ERR_POLICY; err names the parameter. */
CF_MUST_CHECK cf_status_t cf_ledger_config_check(cf_ledger_config_t *cfg, cf_error_t *err);

/* ---- reading and writing ---- */

typedef struct {
  cf_hash_t (*read)(void *ctx, cf_hash_t const *key); /* zero where nothing was written */
  void *ctx;
} cf_slot_reader_t;

typedef struct {
  cf_hash_t key;
  cf_hash_t value;
} cf_slot_write_t;

typedef struct {
  uint64_t  time_s;   /* of the block, <= CF_LEDGER_TIME_MAX */
  cf_addr_t sender;   /* zero: nobody signed the call */
  uint64_t  chain_id; /* what the chain says it is */
  cf_addr_t contract; /* where the rules run; must be cfg->contract */
  uint64_t  held;     /* deposit: units of the asset that the ledger holds already */
} cf_ledger_env_t;

/* A movement of tokens. */
typedef struct {
  bool      due;
  uint32_t  asset;
  cf_addr_t token;
  cf_addr_t party; /* pull: from; pay: to */
  uint64_t  units;
} cf_ledger_transfer_t;

/* The event Settled(head indexed, meta, stateRoot, entries, receipts). */
typedef struct {
  bool            due;
  cf_hash_t       head;
  cf_settlement_t settlement;
} cf_ledger_settled_t;

/* What an accepted call does.  writes is the caller's storage: CF_LEDGER_WRITES_FEW is enough for every call but
   settle, whose lanes need one write per touched slot; a call that needs more is refused Bound. */
#define CF_LEDGER_WRITES_FEW 64
#define CF_LEDGER_WRITES_MAX (CF_SETTLEMENT_ENTRIES_MAX * 3 + 1) /* every entry in a release section of its own */
typedef struct {
  cf_slot_write_t     *writes; /* in the order of writing, no key twice */
  size_t               writes_max;
  size_t               writes_cnt;
  cf_span_t            message; /* bytes of the inbox message (cf_inbox.h), empty when there is none */
  uint8_t              message_buf[CF_INBOX_MSG_MAX];
  cf_ledger_settled_t  settled;
  cf_ledger_transfer_t pull;
  cf_ledger_transfer_t pay;
  uint32_t             account; /* open: the id given */
} cf_ledger_effects_t;

/* ---- refusals ---- */

/* The word in brackets is the refusal's name everywhere, the facts follow it. */
typedef enum {
  CF_REFUSAL_NONE = 0,
  /* settle, in this order */
  CF_REFUSAL_WRONG_CHAIN, /* WrongChain(chain) */
  CF_REFUSAL_DEAD,        /* Dead() */
  CF_REFUSAL_PAUSED,      /* Paused(until) */
  CF_REFUSAL_EXPIRED,     /* Expired(validUntil) */
  CF_REFUSAL_VALIDITY,    /* Validity(validUntil, asOf) */
  CF_REFUSAL_POLICY,      /* Policy(policy) */
  CF_REFUSAL_MODE,        /* Mode(mode) */
  CF_REFUSAL_KEY,         /* Key() */
  CF_REFUSAL_ENTRIES,     /* Entries(offset) */
  CF_REFUSAL_LANE,        /* Lane(asset, id) */
  CF_REFUSAL_CAP,         /* Cap(asset, level) */
  CF_REFUSAL_UNBALANCED,  /* Unbalanced(asset) */
  /* accounts */
  CF_REFUSAL_OWNER,        /* Owner(id): not the owner, or no owner */
  CF_REFUSAL_ALREADY_OPEN, /* AlreadyOpen(id) */
  CF_REFUSAL_FULL,         /* Full(): no id is left */
  CF_REFUSAL_ACCOUNT,      /* Account(id): unknown */
  CF_REFUSAL_ASSET,        /* Asset(asset): unknown, or not listed now */
  CF_REFUSAL_EXITING,      /* Exiting(id, exitAt) */
  CF_REFUSAL_UNITS,        /* Units(): zero */
  CF_REFUSAL_ISSUER,       /* Issuer(asset): the sender is not its issuer */
  CF_REFUSAL_HELD,         /* Held(asset, held): 2^63 would be reached */
  CF_REFUSAL_FREE,         /* Free(units): what the free lane holds */
  CF_REFUSAL_RECIPIENT,    /* Recipient(): zero */
  CF_REFUSAL_EXIT_DELAY,   /* ExitDelay(from): too early; 0 when no exit was requested */
  CF_REFUSAL_NOTHING,      /* Nothing(): closed, and nothing to sweep */
  CF_REFUSAL_ALARMED,      /* Alarmed(since): an alarm runs for this head */
  CF_REFUSAL_NO_ALARM,     /* NoAlarm(): none runs for this head */
  CF_REFUSAL_DEAD_DELAY,   /* DeadDelay(from): too early */
  /* rootExit */
  CF_REFUSAL_ALIVE, /* Alive() */
  CF_REFUSAL_HEAD,  /* Head(): that settlement's digest is not the head */
  CF_REFUSAL_LEAF,  /* Leaf(position): not there in its state, or claims more than can be; 0 when there was no deposit */
  /* registration */
  CF_REFUSAL_COUNCIL,     /* Council(version) */
  CF_REFUSAL_SIGNATURES,  /* Signatures(at): number of the first that is wrong, or how many there are */
  CF_REFUSAL_POSSESSION,  /* Possession() */
  CF_REFUSAL_KEY_KNOWN,   /* KeyKnown(state) */
  CF_REFUSAL_TERM,        /* Term(notBefore, notAfter): longer than 30 days */
  CF_REFUSAL_MEASUREMENT, /* Measurement(until): unknown, not in force, or ends before the key */
  CF_REFUSAL_KEY_POLICY,  /* KeyPolicy(minKeyPolicy) */
  CF_REFUSAL_TCB,         /* Tcb(tcb) */
  CF_REFUSAL_EPOCH,       /* Epoch(floorEpoch) */
  CF_REFUSAL_REVOKED,     /* Revoked(): the instance is */
  CF_REFUSAL_DELAY,       /* Delay(notBefore): would not be over before notAfter */
  CF_REFUSAL_FENCE,       /* Fence(): not 0 or 1; or 0 and not of the fencing instance */
  /* acts */
  CF_REFUSAL_ACT,         /* Act(): malformed, or another council's */
  CF_REFUSAL_ACT_NUMBER,  /* ActNumber(last) */
  CF_REFUSAL_ACT_EXPIRED, /* ActExpired(notAfter) */
  CF_REFUSAL_COOLDOWN,    /* Cooldown(from) */
  CF_REFUSAL_NOTICE,      /* Notice(from): earliest time allowed */
  CF_REFUSAL_PENDING,     /* Pending(until): the schedule before is not settled */
  CF_REFUSAL_VERSION,     /* Version(last): does not follow it */
  CF_REFUSAL_SEATS,       /* Seats(council): breaks its rule */
  CF_REFUSAL_NOT_LESS,    /* NotLess(): would not reduce, or not raise, what it says it does */
  /* caller's storage */
  CF_REFUSAL_BOUND, /* Bound(max) */
  /* embedded ledger: the call itself (cf_call.h) */
  CF_REFUSAL_CALL,     /* Call(): malformed */
  CF_REFUSAL_SENDER,   /* Sender(): its signature */
  CF_REFUSAL_DEADLINE, /* Deadline(deadline) */
  CF_REFUSAL_NONCE,    /* Nonce(next) */
  CF_REFUSALS
} cf_refusal_code_t;

typedef struct {
  cf_refusal_code_t code;
  uint64_t          fact[2];
} cf_refusal_t;

/* cf_refusal_name returns "WrongChain" and so on, static; "" for NONE. */
char const *cf_refusal_name(cf_refusal_code_t code);
/* cf_refusal_print writes "Lane(asset=3, id=17)", NUL-terminated and cut to fit; returns its length. */
size_t cf_refusal_print(char *out, size_t out_max, cf_refusal_t const *r);

/* ---- calls ---- */

typedef struct {
  uint8_t member;
  uint8_t sig[64];
} cf_member_sig_t;

/* Exactly k signatures, members strictly rising. */
typedef struct {
  uint8_t         cnt;
  cf_member_sig_t at[CF_SEATS_MAX];
} cf_member_sigs_t;

typedef enum {
  CF_OP_SETTLE = 1,
  CF_OP_OPEN,
  CF_OP_OPEN_LANE,
  CF_OP_DEPOSIT,
  CF_OP_WITHDRAW,
  CF_OP_REQUEST_EXIT,
  CF_OP_FINALIZE_EXIT,
  CF_OP_ROOT_EXIT,
  CF_OP_ALARM,
  CF_OP_DECLARE_DEAD,
  CF_OP_REGISTER,
  CF_OP_REVOKE_KEY,
  CF_OP_ACT,
} cf_op_kind_t;

/* The fields that a kind uses stand behind it in cf_call.h's table; the others are zero. */
typedef struct {
  cf_op_kind_t kind;
  uint32_t     id;
  uint32_t     asset;
  uint64_t     units;
  cf_addr_t    addr; /* open: owner; withdraw, finalizeExit: recipient; revokeKey: key */
  uint8_t      sig[64]; /* settle, revokeKey: the key's; register: possession */
  /* settle */
  cf_hash_t meta; /* rootExit has a whole settlement: these three and the two below */
  cf_hash_t state_root;
  cf_hash_t receipts;
  cf_span_t body; /* borrowed; act: the act's bytes; rootExit: CF_ROOT_PATH_SZ bytes, the path */
  /* rootExit */
  cf_hash_t      prev_head;
  cf_hash_t      entries;
  cf_root_leaf_t leaf;
  /* register */
  cf_registration_t registration;
  /* act */
  uint8_t          council;
  uint32_t         version;
  uint64_t         number;      /* u48 */
  uint64_t         not_after_s; /* u40 */
  cf_member_sigs_t sigs;        /* register, act */
} cf_op_t;

/* cf_ledger_apply runs op by the rules.  fx->writes and writes_max are set by the caller, all else is filled here.
   On a refusal fx holds nothing.  Deterministic; reads only through slots; writes nothing itself.

   env.contract must be cfg->contract, env.time_s within CF_LEDGER_TIME_MAX (asserted: they are the chain's, not
   the caller's of the call).  Does not check who sent the call: env.sender is believed. */
cf_refusal_t cf_ledger_apply(cf_ledger_config_t const *cfg, cf_slot_reader_t slots, cf_ledger_env_t const *env, cf_op_t const *op,
                             cf_ledger_effects_t *fx);

/* cf_ledger_preflight_settle is the enclave's question before it signs: would settle accept this content under this
   key, on these slots, at env->time_s?  The same code as settle, but for the signature that does not exist yet.
   *digest receives what would be signed, which becomes the head. */
cf_refusal_t cf_ledger_preflight_settle(cf_ledger_config_t const *cfg, cf_slot_reader_t slots, cf_ledger_env_t const *env,
                                        cf_op_t const *settle, cf_addr_t const *key, cf_ledger_effects_t *fx, cf_hash_t *digest);

/* cf_ledger_policy_in_force is the newest policy in force at now_s. */
uint32_t cf_ledger_policy_in_force(cf_ledger_status_t const *status, uint64_t now_s);
/* cf_ledger_key_settles: a settlement that this key signed may execute at now_s, as far as it depends on the key. */
bool cf_ledger_key_settles(cf_ledger_key_t const *key, cf_ledger_status_t const *status, uint64_t now_s);

/* ---- the constructor ---- */

#define CF_GENESIS_MEASUREMENTS_MAX 64
#define CF_GENESIS_ASSETS_MAX       256

typedef struct {
  cf_hash_t measurement;
  uint64_t  until_s;
} cf_genesis_measurement_t;

typedef struct {
  cf_addr_t token; /* embedded: the issuer */
  uint8_t   scale;
  uint64_t  cap; /* releases per 24 h; the bucket starts full */
} cf_genesis_listing_t;

typedef struct {
  cf_ledger_config_t       config;
  uint64_t                 time_s; /* of block 0 */
  uint32_t                 policy; /* number of the first policy, > 0 */
  cf_hash_t                policy_hash;
  cf_hash_t                tcb_mask;
  size_t                   measurements_cnt;
  cf_genesis_measurement_t measurements[CF_GENESIS_MEASUREMENTS_MAX];
  uint32_t                 council_version; /* > 0 */
  cf_seats_t               councils[CF_LEDGER_COUNCILS];
  size_t                   assets_cnt; /* ids 0, 1, ... */
  cf_genesis_listing_t     assets[CF_GENESIS_ASSETS_MAX];
} cf_ledger_genesis_t;

#define CF_GENESIS_WRITES_MAX \
  (CF_SLOT_PLAIN_CNT + 2 + CF_GENESIS_MEASUREMENTS_MAX + CF_LEDGER_COUNCILS * (1 + CF_SEATS_MAX) + 2 * CF_GENESIS_ASSETS_MAX)
#define CF_GENESIS_BYTES_MAX                                                             \
  (1 + 8 + 20 + 32 + 2 + 7 * 5 + 5 + 4 + 64 + 2 + 37 * CF_GENESIS_MEASUREMENTS_MAX + 4 + \
   CF_LEDGER_COUNCILS * (3 + 20 * CF_SEATS_MAX) + 2 + 29 * CF_GENESIS_ASSETS_MAX)

/* cf_ledger_genesis checks g (cf_ledger_config_check, councils, versions) and writes the initial value of every slot
   that is not zero.  Statuses as cf_ledger_config_check; writes_max is asserted to be CF_GENESIS_WRITES_MAX or more. */
CF_MUST_CHECK cf_status_t cf_ledger_genesis(cf_ledger_genesis_t *g, cf_slot_write_t *writes, size_t writes_max,
                                            size_t *writes_cnt, cf_error_t *err);

/* The bytes of block 0's body.  cf_ledger_genesis_decode checks form only.  CF_ERR_FORMAT, CF_ERR_UNSUPPORTED. */
void                      cf_ledger_genesis_write(cf_wr_t *wr, cf_ledger_genesis_t const *g);
CF_MUST_CHECK cf_status_t cf_ledger_genesis_decode(cf_ledger_genesis_t *g, cf_span_t in, cf_error_t *err);

#endif
