/* The sender: owns the nonces of one account of an EVM chain, and brings each call that it is given into exactly one transaction
   that is final.  It stands below the settler, which knows heads and not nonces.  DESIGN 6 and 10, ONCHAIN 1.3 and 4.10;
   docs/protocol/sender.md.

   The rule on which all rests: **a call has one nonce, and a nonce one call.**  Every transaction that was ever signed with a nonce
   (the call at rising fees, or the transfer of nothing that takes its place) is durable before it is sent; a chain executes one of
   them at most; and the call gets another nonce only after a final block has shown which of them that was, and that it was not
   the call.  So no crash, no reorganisation and no answer of an endpoint makes a call execute twice.

   What it believes, and whom:
     final blocks       cf_sender_final: proven, by a quorum of observers and the account's proof.  Resolves nonces, and halts.
     answers of `look`  what a quorum of endpoints says of the newest block.  Which of a nonce's transactions got in is taken from it, and
                        only once a final block has shown that one of them did.  All else in it moves fees and repetitions.
     answers of `trace` where `look` finds nothing: what is in the blocks themselves.  Somebody else's transaction is believed for its
                        signature; the rest is a quorum's word, which resolves nonces, and at worst makes it stand still.
     answers of `send`  hints.

   What halts it for good, until the operator resumes, is proven: by final blocks, by headers that lead from one to the other, or by a signature.
   What endpoints alone say makes it stand still for as long as they say so.

   States of a slot, which is a nonce and its call:

     state    | meaning                                       | to        when
     ---------+-----------------------------------------------+----------------------------------------------------------------
     QUEUED   | no nonce yet; in memory only                  | SIGNED    fees are known, cap, budget and the pool's bound allow it
              |                                               | (free)    dropped
     SIGNED   | durable; no pool is known to hold it          | POOLED    a pool took it, or look finds it in one
     POOLED   | a pool holds the newest of its transactions   | SIGNED    look does not find it any more: the same bytes go again
     both     |                                               | MINED     look finds one of its transactions in a block
              |                                               | (itself)  too long unmined, or underpriced: one more transaction, fees up a
              |                                               |           tenth; dropped: one more, which transfers nothing
     MINED    | in a block that is not final; followed by the | SIGNED    it left that block and is in no other: its same bytes go again
              | block's hash; nothing is signed for it        | FINAL     a final block counts the nonce as used, and look finds the
              |                                               |           transaction at or below that block: EXECUTED, REVERTED, CANCELLED
     SIGNED.. | a final block counts the nonce as used, and   | FINAL     trace finds one of ours in a block below it
              | look finds none of ours on the chain          | (halt)    SHARED: trace shows another one; UNSEEN: none
     FINAL    | watched for CF_SENDER_WATCH_MAX nonces        | (free)    enough younger ones are final
              |                                               | (halt)    VANISHED: look does not find it, and trace not the final block

   A core like the others (base/cf_effect.h): STORE, SCAN, ASK, WAKE, LOG.  One ASK of peer cfg.chain is "POST /send", "POST /look" or "POST /trace"
   (cf_sender_wire.h); what performs it speaks to endpoints.  Allocates nothing; no statics. */
#ifndef CF_GATEWAY_SENDER_H
#define CF_GATEWAY_SENDER_H

#include "base/cf_effect.h"
#include "gateway/cf_sender_wire.h"
#include "ledger/cf_evm_tx.h"

#define CF_SENDER_DATA_MAX 49152u    /* of a call */
#define CF_SENDER_LIVE_MAX 48        /* calls that are not final, queued ones included: one more is pushed back */
#define CF_SENDER_PENDING_MAX 16     /* of them signed and in no block: what pools keep for an account */
#define CF_SENDER_WATCH_MAX 16       /* final ones that are still watched */
#define CF_SENDER_SLOTS (CF_SENDER_LIVE_MAX + CF_SENDER_WATCH_MAX)
#define CF_SENDER_ATTEMPTS_MAX 16    /* transactions of a nonce ... */
#define CF_SENDER_CANCELS_MIN 4      /* ... of which so many can only be cancellations */
#define CF_SENDER_RESULTS 64         /* final calls that are remembered */
#define CF_SENDER_REFUSALS_MAX 5     /* answers `refused` in a row that are believed */
#define CF_SENDER_STRIKES_MAX 3      /* answers of look in a row that do not show what must be there: then it is traced */
#define CF_SENDER_UNSEEN_MAX 12      /* ... and traced in vain: UNSEEN */
#define CF_SENDER_STEP_MAX 8         /* transactions signed, and as many sent, in one step ... */
#define CF_SENDER_STEP_BYTES 262144u /* ... of so many bytes; scratch of a step: three times that */
#define CF_SENDER_IDS (8 + CF_SENDER_SLOTS)

/* Why nothing more is signed or sent.  What is proven is durable, and lasts until the operator resumes.  VANISHED and UNSEEN are what endpoints say:
   they are not durable, end when endpoints show what was missing, and can be resumed like the others. */
typedef enum {
  CF_SENDER_RUNNING,
  CF_SENDER_HALT_FINALITY, /* a final block is not an ancestor of a newer one, or the account's nonce fell: the chain broke its promise.
                              Settle with observers and endpoints which chain it is; then resume: what vanished is sent again */
  CF_SENDER_HALT_VANISHED, /* endpoints agree that the block that was final is not on the chain, nor a transaction that was.  As above */
  CF_SENDER_HALT_SHARED,   /* a nonce was used by a transaction that is none of ours: somebody else has the account's key, or the store
                              is an older one.  End that use; then resume: the call counts as lost, and the settler decides */
  CF_SENDER_HALT_GAP,      /* nonces below the oldest that is kept are free again (after FINALITY).  Fill them by hand; then resume */
  CF_SENDER_HALT_UNSEEN,   /* a final block counts a nonce as used, and endpoints show no transaction that did: ask others.  Resume: as SHARED */
  CF_SENDER_HALT_STORE,    /* its own records contradict each other.  No resume: wait until the account has nothing pending, move
                              the store away */
  CF_SENDER_HALTS,
} cf_sender_halt_t;
char const *cf_sender_halt_name(cf_sender_halt_t h); /* "running", "finality", ... */
static inline bool cf_sender_halt_proven(cf_sender_halt_t h) { return h && h != CF_SENDER_HALT_VANISHED && h != CF_SENDER_HALT_UNSEEN; }

/* What the oldest unfinished call waits for, when it waits; everything else goes on. */
typedef enum {
  CF_SENDER_WAITS_NOT,
  CF_SENDER_WAITS_START,  /* the store is not read yet, no final block or no look came in this life, or the last look is old */
  CF_SENDER_WAITS_QUIET,  /* the store is empty and the account has transactions that are not final: whose they are is not known */
  CF_SENDER_WAITS_CAP,    /* its cap does not pay for a block, or for a tenth more */
  CF_SENDER_WAITS_BUDGET, /* the day's budget is used or reserved */
  CF_SENDER_WAITS_FUNDS,  /* endpoints say that the account cannot pay */
  CF_SENDER_WAITS_ROOM,   /* CF_SENDER_PENDING_MAX are pending, or a nonce has all its transactions */
  CF_SENDER_WAITS_REFUSED, /* endpoints refuse even a transfer of nothing: wrong chain, or type 2 is unknown there */
  CF_SENDER_WAITS,
} cf_sender_wait_t;
char const *cf_sender_wait_name(cf_sender_wait_t w);

typedef enum { CF_SENDER_FREE, CF_SENDER_QUEUED, CF_SENDER_SIGNED, CF_SENDER_POOLED, CF_SENDER_MINED, CF_SENDER_FINAL } cf_sender_state_t;
typedef enum {
  CF_SENDER_OPEN,
  CF_SENDER_EXECUTED,
  CF_SENDER_REVERTED,
  CF_SENDER_CANCELLED,
  CF_SENDER_LOST,   /* SHARED, resumed */
  CF_SENDER_UNTOLD, /* in a final block; whether it executed no endpoint says, and its fee is counted as the most that it can have been */
} cf_sender_outcome_t;

/* A call to make.  ref is the caller's name for it: one ref is one call (a settlement: its digest). */
typedef struct {
  cf_hash_t ref;
  cf_addr_t to;
  cf_hash_t value;
  cf_span_t data;    /* copied */
  uint64_t  gas;     /* limit; CF_EVM_GAS_TRANSFER or more */
  cf_wei_t  cap_wei; /* the most that one transaction of it may cost */
  uint64_t  judged;  /* a final block in whose state the call is not executed: no result at or below it says otherwise; 0: the
                        call cannot be judged by state */
} cf_sender_call_t;

/* A block that observers attest to be final, and the account in it, by proof. */
typedef struct {
  uint64_t  number;
  cf_hash_t hash;
  uint64_t  time_s;
  uint64_t  nonce;        /* transactions of the account that are final */
  uint64_t  since_number; /* cf_sender_status().final_number when it was asked for ... */
  cf_hash_t since_hash;   /* ... and the hash at that height, among this block's ancestors: where it is not the one that was final, by proof */
} cf_sender_final_t;

typedef struct {
  uint64_t       chain_id;
  uint8_t const *scalar; /* of the account; secret, borrowed for the core's life */
  unsigned       chain;  /* peer: "POST /send", "POST /look", "POST /trace" of cf_sender_wire.h */
  uint64_t       id;     /* first of CF_SENDER_IDS ids of effects */
  cf_wei_t       budget_wei; /* of a day (UTC, by final blocks' time): what became final and what may yet, together */
  uint64_t       look_ms;    /* between two looks, while something is unfinished */
  uint64_t       bump_ms;    /* unmined for so long ... */
  uint64_t       bump_blocks; /* ... and so many blocks: the fees rise */
} cf_sender_config_t;

/* ---- the machine's memory: about 3.5 MB, the caller's ---- */

typedef struct {
  cf_fees_t fees;
  uint64_t  gas;
  bool      cancel; /* transfers nothing to itself */
  uint8_t   sig[64];
  cf_hash_t hash;
} cf_sender_attempt_t;

typedef struct {
  cf_sender_state_t   state;
  uint64_t            serial; /* order of coming */
  cf_hash_t           ref;
  cf_addr_t           to;
  cf_hash_t           value;
  uint64_t            gas;
  cf_wei_t            cap_wei;
  uint64_t            nonce;
  bool                dropped; /* pointless: cancel what is not in a block */
  bool                dirty;   /* the record is to be written again */
  cf_sender_attempt_t at[CF_SENDER_ATTEMPTS_MAX];
  unsigned            at_cnt;
  unsigned            again;      /* the one to send: the newest, or that which left its block */
  unsigned            written;    /* attempts in the store */
  unsigned            mined;      /* MINED, FINAL: which */
  uint64_t            block;      /* ... and where */
  cf_hash_t           block_hash;
  bool                success;
  cf_wei_t            fee_wei;    /* paid */
  cf_sender_outcome_t outcome;    /* FINAL */
  bool                sending;    /* an ASK is under way */
  bool                bump;       /* more fees are wanted */
  bool                poor;       /* the account could not pay for it */
  cf_sender_wait_t    held;       /* why its last replacement was not made */
  uint64_t            send_at_ms, sent_ms;
  uint64_t            since_ms, since_block; /* the newest attempt waits for a block */
  unsigned            fails, refusals, strikes;
  bool                trace;      /* is to be looked for in the blocks */
  size_t              data_sz;
  uint8_t             data[CF_SENDER_DATA_MAX];
} cf_sender_slot_t;

typedef struct {
  cf_hash_t           ref;
  uint64_t            nonce;
  cf_sender_outcome_t outcome;
  cf_hash_t           tx, block_hash;
  uint64_t            block;
  uint64_t            day;     /* whose spending has its fee */
  cf_wei_t            fee_wei; /* gas used at the price paid */
  bool                written;
} cf_sender_result_t;

typedef struct {
  cf_sender_config_t cfg;
  cf_addr_t          account;
  uint64_t           fence;
  cf_now_t           now;
  unsigned           scans;   /* left at the start */
  bool               damaged; /* one of them was not what it wrote */
  bool               ready;   /* the store was read */
  cf_sender_halt_t   halt;
  cf_sender_wait_t   wait;
  bool               meta_dirty;
  bool               alarmed; /* the halt was logged in this life */
  cf_sender_wait_t   told;    /* the wait that was logged last */
  uint64_t           wait_since_ms;

  bool      has_final; /* the last final block taken */
  uint64_t  final_number, final_time_s, final_nonce;
  cf_hash_t final_hash;
  bool      final_seen; /* in this life */
  uint64_t  lost_below; /* nonces that the operator gave up, where they turn out not to be ours */

  uint64_t  day; /* of the last final block */
  cf_wei_t  spent_wei, total_wei;

  bool          looked; /* in this life */
  uint64_t      look_at_ms, looked_ms, asked_ms;
  bool          looking, look_now, look_stale; /* stale: a final block came after the question went out */
  uint64_t      asked_final, asked_nonce; /* the final block that was known when it did; nonce 0: none was */
  uint64_t      latest_number, latest_nonce;
  cf_fee_hint_t hint;
  unsigned      look_fails;
  struct { uint8_t slot, attempt; uint64_t nonce; } asked[CF_SENDER_SLOTS * CF_SENDER_ATTEMPTS_MAX];
  size_t        asked_cnt;
  cf_seen_t     seen[CF_SENDER_SLOTS * CF_SENDER_ATTEMPTS_MAX];

  bool     tracing;
  unsigned traced_slot;
  uint64_t traced_nonce;

  uint64_t           serial;
  cf_sender_slot_t   slot[CF_SENDER_SLOTS];
  cf_sender_result_t result[CF_SENDER_RESULTS]; /* oldest first */
  size_t             results;
  struct { uint64_t nonce; unsigned attempts; } forget[2 * CF_SENDER_SLOTS]; /* records to delete; no attempts: a result's */
  size_t             forgets;
  uint8_t            raw[CF_SENDER_DATA_MAX + CF_EVM_TX_FRAME_MAX];

  uint64_t lies, reorgs, resends, bumps, cancels; /* counters, of this life */
} cf_sender_t;

/* ---- the interface.  One thread. ----
   submit, drop, final and resume change memory only; a cf_sender_step must follow, in the same step of the owner. */

/* CF_ERR_FORMAT: scalar is no key, or a bound of cfg is 0. */
CF_MUST_CHECK cf_status_t cf_sender_init(cf_sender_t *s, cf_sender_config_t const *cfg);
/* The store's fence (the lease), before START. */
static inline void cf_sender_fence(cf_sender_t *s, uint64_t fence) { s->fence = fence; }

/* cf_sender_step: START, DONE, TICK; others do nothing.  What was submitted is signed, made durable, then sent. */
void cf_sender_step(cf_sender_t *s, cf_effects_t *fx, cf_event_t const *ev);
static inline bool cf_sender_mine(cf_sender_t const *s, uint64_t id) { return id - s->cfg.id < CF_SENDER_IDS; }

/* cf_sender_submit takes a call, or finds that it has it: then nothing changes, but that a higher cap_wei holds from now on.  It is durable once it is SIGNED; a caller that restarts
   submits again what is not final.
   CF_ERR_IO the store is not read yet; CF_ERR_STALE halted; CF_ERR_BOUND no room now, or data too long; CF_ERR_FORMAT too little gas;
   CF_ERR_POLICY it is being dropped. */
CF_MUST_CHECK cf_status_t cf_sender_submit(cf_sender_t *s, cf_sender_call_t const *call);

/* cf_sender_drop: the call became pointless (a final block shows the settlement executed, by whomever, or void). */
void cf_sender_drop(cf_sender_t *s, cf_hash_t const *ref);

/* cf_sender_final: older blocks than the last, and those whose since_number is not the last's, change nothing. */
void cf_sender_final(cf_sender_t *s, cf_sender_final_t const *f);

/* cf_sender_resume: the operator mended what halted it.  CF_ERR_POLICY when that is not the reason, or is STORE. */
CF_MUST_CHECK cf_status_t cf_sender_resume(cf_sender_t *s, cf_sender_halt_t halt);

/* ---- what is known ---- */

typedef struct {
  cf_sender_state_t   state;
  cf_sender_outcome_t outcome; /* FINAL */
  uint64_t            nonce;   /* from SIGNED on */
  cf_hash_t           tx;      /* MINED, FINAL: that one; else the newest */
  uint64_t            block;   /* MINED, FINAL */
  unsigned            attempts;
  cf_wei_t            fee_wei; /* of this call so far, as far as results are remembered, in all its final transactions */
} cf_sender_info_t;
/* false: it is not known. */
bool cf_sender_find(cf_sender_t const *s, cf_sender_info_t *info, cf_hash_t const *ref);
/* cf_sender_each walks the calls that are not final, but for those dropped; *pos begins at 0.  After a restart their caller has forgotten
   them; data is borrowed until the next step. */
bool cf_sender_each(cf_sender_t const *s, size_t *pos, cf_hash_t *ref, cf_span_t *data);

typedef struct {
  cf_sender_halt_t halt;
  cf_sender_wait_t wait;
  uint64_t         final_number, final_nonce; /* 0 before the first */
  unsigned         live, queued;
  cf_wei_t         spent_wei, reserved_wei, total_wei; /* this day; what live ones may yet cost; ever */
  uint64_t         lies, reorgs, resends, bumps, cancels;
} cf_sender_status_t;
cf_sender_status_t cf_sender_status(cf_sender_t const *s);

#endif
