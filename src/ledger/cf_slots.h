/* The ledger's storage: 32-byte slot keys and what is packed into their
   values, the same for the C rules and the Solidity contracts.  ONCHAIN 4.4 and
   docs/protocol/ledger.md, "Slots".

   A word is a 256-bit big-endian number in a cf_hash_t; bit 0 is its lowest.
   Keys follow Solidity's derivation: a mapping's entry lies at
   keccak256(key . slot), both as words.  Everything here is pure. */
#ifndef CF_LEDGER_SLOTS_H
#define CF_LEDGER_SLOTS_H

#include "base/cf_bytes.h"
#include "base/cf_math.h"
#include "crypto/cf_sign.h"

/* Plain slots. */
enum {
  CF_SLOT_HEAD       = 0,
  CF_SLOT_INBOX      = 1,
  CF_SLOT_STATUS     = 2,
  CF_SLOT_ALARM_HEAD = 3,
  CF_SLOT_ALARM_AT   = 4,
  CF_SLOT_COUNTERS   = 5,
  CF_SLOT_INSTANCE   = 6,
  CF_SLOT_TOP_EPOCH  = 7,
  CF_SLOT_PLAIN_CNT  = 8, /* those above, of both modes */
  CF_SLOT_POSITIONS  = 8, /* mode root: nextPosition u32 */
};

/* Councils whose signatures the ledger checks. */
typedef enum {
  CF_LEDGER_GOVERNORS = 1,
  CF_LEDGER_GUARDIANS = 2,
  CF_LEDGER_VERIFIERS = 3,
} cf_ledger_council_t;
#define CF_LEDGER_COUNCILS 3

cf_hash_t cf_slot_plain(unsigned slot);
/* cf_slot_add is key + n: the n-th word behind the first of a struct or of packed lanes. */
cf_hash_t cf_slot_add(cf_hash_t const *key, uint64_t n);

cf_hash_t cf_slot_key(cf_addr_t const *key);
cf_hash_t cf_slot_account(uint32_t id);
cf_hash_t cf_slot_id_of(cf_addr_t const *owner);
cf_hash_t cf_slot_asset(uint32_t asset);
/* +0 the policy's SHA-256, +1 the mask of TCB states it admits: bit t admits state t. */
cf_hash_t cf_slot_policy(uint32_t policy);
cf_hash_t cf_slot_measurement(uint32_t policy, cf_hash_t const *measurement);
/* +0 the council's record, +1+i the address of member i, 0 once removed. */
cf_hash_t cf_slot_council(cf_ledger_council_t council, uint32_t version);
cf_hash_t cf_slot_revoked(cf_hash_t const *instance);
/* Embedded ledger only: the number of calls that this sender has had accepted. */
cf_hash_t cf_slot_nonce(cf_addr_t const *sender);
/* Lanes: account id has bits 64 * (id & 3) up of the slot at + (id >> 2). */
cf_hash_t cf_slot_lanes(uint32_t asset);
cf_hash_t cf_slot_free_lanes(uint32_t asset);
/* +0 the release bucket, +1 the raised cap that waits for its time. */
cf_hash_t cf_slot_bucket(uint32_t asset);
/* Mode root: the record of (asset, id). */
cf_hash_t cf_slot_root(uint32_t asset, uint32_t id);

/* cf_word_get and _set move width bits at bit up; both are multiples of 8, width <= 64. */
uint64_t  cf_word_get(cf_hash_t const *word, unsigned bit, unsigned width);
void      cf_word_set(cf_hash_t *word, unsigned bit, unsigned width, uint64_t v);
cf_addr_t cf_word_get_addr(cf_hash_t const *word); /* bits 0 to 159 */
bool      cf_word_is_zero(cf_hash_t const *word);

/* A lane: open bit 63, units below it. */
#define CF_LANE_OPEN ((uint64_t)1 << 63)
#define CF_LANE_MAX  (CF_LANE_OPEN - 1)
static inline unsigned cf_lane_bit(uint32_t id) { return 64 * (id & 3); }

/* ---- records; _unpack ignores bits that no field has, _pack writes them 0 ---- */

typedef struct {
  bool     dead;           /* bit   0, u8 */
  uint64_t paused_until_s; /*       8, u40 */
  uint32_t policy_a;       /*      48, u32 */
  uint32_t policy_b;       /*      80, u32 */
  uint64_t switch_at_s;    /*     112, u40 */
  uint64_t floor_epoch;    /*     152, u40 */
  uint32_t min_key_policy; /*     192, u32 */
} cf_ledger_status_t;
cf_ledger_status_t cf_ledger_status_unpack(cf_hash_t const *word);
cf_hash_t          cf_ledger_status_pack(cf_ledger_status_t const *s);

typedef struct {
  uint32_t next_account;         /* bit   0, u32 */
  uint32_t next_asset;           /*      32, u24 */
  uint32_t council;              /*      56, u32 */
  uint32_t prev_council;         /*      88, u32 */
  uint64_t prev_council_until_s; /*     120, u40 */
  uint64_t gov_act;              /*     160, u48 */
  uint64_t guard_act;            /*     208, u48 */
} cf_ledger_counters_t;
cf_ledger_counters_t cf_ledger_counters_unpack(cf_hash_t const *word);
cf_hash_t            cf_ledger_counters_pack(cf_ledger_counters_t const *c);

enum { CF_KEY_UNKNOWN = 0, CF_KEY_LIVE = 1, CF_KEY_REVOKED = 2 };
typedef struct {
  uint8_t  state;        /* bit   0, u8 */
  uint64_t epoch;        /*       8, u40 */
  uint32_t policy;       /*      48, u32 */
  uint64_t not_before_s; /*      80, u40 */
  uint64_t not_after_s;  /*     120, u40 */
  uint8_t  tcb;          /*     160, u8 */
} cf_ledger_key_t;
cf_ledger_key_t cf_ledger_key_unpack(cf_hash_t const *word);
cf_hash_t       cf_ledger_key_pack(cf_ledger_key_t const *k);

typedef struct {
  cf_addr_t owner;     /* bit   0, u160 */
  uint64_t  exit_at_s; /*     160, u40 */
  bool      closed;    /*     200, u8 */
} cf_ledger_account_t;
cf_ledger_account_t cf_ledger_account_unpack(cf_hash_t const *word);
cf_hash_t           cf_ledger_account_pack(cf_ledger_account_t const *a);

typedef struct {
  cf_addr_t token;  /* bit   0, u160; on an embedded ledger the issuer's address */
  uint8_t   scale;  /*     160, u8 */
  bool      listed; /*     168, u8 */
  uint64_t  from_s; /*     176, u40: deposits from this time on */
} cf_ledger_asset_t;
cf_ledger_asset_t cf_ledger_asset_unpack(cf_hash_t const *word);
cf_hash_t         cf_ledger_asset_pack(cf_ledger_asset_t const *a);

typedef struct {
  uint64_t until_s; /* bit  0, u40: last second of validity; 0 when unknown */
  uint64_t from_s;  /*     40, u40 */
} cf_ledger_measurement_t;
cf_ledger_measurement_t cf_ledger_measurement_unpack(cf_hash_t const *word);
cf_hash_t               cf_ledger_measurement_pack(cf_ledger_measurement_t const *m);

typedef struct {
  uint8_t  k;      /* bit  0, u8 */
  uint8_t  n;      /*      8, u8: seats, removed members included */
  uint8_t  f;      /*     16, u8 */
  uint8_t  live;   /*     24, u8: seats less removed members */
  uint64_t from_s; /*     32, u40: in force from this time on */
} cf_ledger_seats_t;
cf_ledger_seats_t cf_ledger_seats_unpack(cf_hash_t const *word);
cf_hash_t         cf_ledger_seats_pack(cf_ledger_seats_t const *s);

/* The release bucket of an asset with the raise that waits behind it. */
typedef struct {
  uint64_t level;     /* word 0, bit  0, u64 */
  uint64_t cap;       /*             64, u64 */
  uint64_t at_s;      /*            128, u40 */
  uint32_t fraction;  /*            168, u24: of a unit, in 1/86400 */
  uint64_t next_cap;  /* word 1, bit  0, u64 */
  uint64_t next_at_s; /*             64, u40: 0 when no raise waits */
} cf_ledger_bucket_t;
cf_ledger_bucket_t cf_ledger_bucket_unpack(cf_hash_t const word[2]);
void               cf_ledger_bucket_pack(cf_hash_t word[2], cf_ledger_bucket_t const *b);

/* What a ledger in mode root knows of an account in an asset. */
#define CF_LEDGER_DEPOSITED_MAX (((cf_u128_t)1 << 80) - 1) /* as far as a leaf's creditedIn can follow */
typedef struct {
  cf_u128_t deposited; /* bit   0, u96: all that ever was */
  uint32_t  position;  /*      96, u32: its leaf's; 0: no deposit yet */
  bool      closed;    /*     128, u8: left by rootExit */
} cf_ledger_root_t;
cf_ledger_root_t cf_ledger_root_unpack(cf_hash_t const *word);
cf_hash_t        cf_ledger_root_pack(cf_ledger_root_t const *r);

/* cf_ledger_bucket_fill advances b to now_s: the level rises by cap a day, up to cap, a raise that is due included.
   Exact: what is below a unit is kept, so that many small steps give what one gives.  A full bucket keeps nothing. */
void cf_ledger_bucket_fill(cf_ledger_bucket_t *b, uint64_t now_s);

#endif
