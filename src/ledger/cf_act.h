/* Acts: what governors and guardians order, as the bytes whose Keccak-256 is
   the body of Act (ONCHAIN 4.2).  kind u8, then the fields named below in that
   order, big-endian; nothing behind them.  Times are Unix seconds up to
   CF_LEDGER_TIME_MAX. */
#ifndef CF_LEDGER_ACT_H
#define CF_LEDGER_ACT_H

#include "base/cf_status.h"
#include "ledger/cf_slots.h"

/* Sums of a time and any parameter stay below 2^40. */
#define CF_LEDGER_TIME_MAX (((uint64_t)1 << 39) - 1)
#define CF_SEATS_MAX       16

typedef enum {
  /* guardians */
  CF_ACT_REVOKE = 1, /* instance: hash */
  CF_ACT_PAUSE,      /* - */
  /* governors, not before the notice has passed */
  CF_ACT_SCHEDULE_POLICY = 16,  /* policy u32 | hash | tcb_mask | from u40 */
  CF_ACT_SCHEDULE_MEASUREMENT,  /* policy u32 | hash | from u40 | until u40 */
  CF_ACT_SCHEDULE_COUNCILS,     /* version u32 | from u40 | councils: governors, guardians, verifiers */
  CF_ACT_SCHEDULE_ASSET,        /* asset u24 | token | scale u8 | cap u64 | from u40 */
  CF_ACT_RAISE_CAP,             /* asset u24 | cap u64 | from u40 */
  /* governors, at once: only what reduces trust */
  CF_ACT_END_MEASUREMENT = 32,  /* policy u32 | hash | until u40 */
  CF_ACT_DELIST_ASSET,          /* asset u24 */
  CF_ACT_LOWER_CAP,             /* asset u24 | cap u64 */
  CF_ACT_RAISE_KEY_POLICY,      /* policy u32 */
  CF_ACT_REMOVE_MEMBER,         /* council u8 | version u32 | member u8 */
} cf_act_kind_t;

/* k of n with f faults withstood.  Bytes: k u8 | f u8 | n u8 | n addresses. */
typedef struct {
  uint8_t   k;
  uint8_t   f;
  uint8_t   n;
  cf_addr_t member[CF_SEATS_MAX];
} cf_seats_t;

/* cf_seats_check holds when 1 <= k <= n <= CF_SEATS_MAX, k >= f + 1, and members are distinct and not zero (P2). */
bool       cf_seats_check(cf_seats_t const *s);
void       cf_seats_write(cf_wr_t *wr, cf_seats_t const *s);
cf_seats_t cf_seats_read(cf_rd_t *rd); /* makes rd bad for n > CF_SEATS_MAX */

typedef struct {
  cf_act_kind_t kind;
  uint32_t      policy;
  uint32_t      asset;
  uint32_t      version;
  uint64_t      from_s;
  uint64_t      until_s;
  uint64_t      cap;
  cf_hash_t     hash; /* policy, measurement or instance */
  cf_hash_t     tcb_mask;
  cf_addr_t     token;
  uint8_t       scale;
  uint8_t       council;
  uint8_t       member;
  cf_seats_t    councils[CF_LEDGER_COUNCILS]; /* in the order of cf_ledger_council_t */
} cf_act_t;

#define CF_ACT_BODY_MAX (10 + CF_LEDGER_COUNCILS * (3 + 20 * CF_SEATS_MAX))

/* cf_act_council names whose act a kind is. */
cf_ledger_council_t cf_act_council(cf_act_kind_t kind);

void                      cf_act_write(cf_wr_t *wr, cf_act_t const *act);
CF_MUST_CHECK cf_status_t cf_act_decode(cf_act_t *act, cf_span_t body); /* CF_ERR_FORMAT */

#endif
