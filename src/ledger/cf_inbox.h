/* The inbox: a hash chain of everything outsiders did that the enclave must
   know.  inbox' = keccak256(inbox || kind u8 || time u40 || data).  ONCHAIN 4.6.

   settle, register and withdraw put nothing in it: the first is the enclave's
   own, the second is proven by its slot, the third takes what the book gave away. */
#ifndef CF_LEDGER_INBOX_H
#define CF_LEDGER_INBOX_H

#include "base/cf_status.h"
#include "crypto/cf_sign.h"

typedef enum {
  CF_INBOX_OPENED = 1,
  CF_INBOX_LANE_OPENED,
  CF_INBOX_DEPOSITED,
  CF_INBOX_EXIT_REQUESTED,
  CF_INBOX_EXIT_PAID,
  CF_INBOX_ALARM,
  CF_INBOX_DEAD,
  CF_INBOX_INSTANCE_REVOKED,
  CF_INBOX_KEY_REVOKED,
  CF_INBOX_PAUSED,
  CF_INBOX_POLICY_SCHEDULED,
  CF_INBOX_MEASUREMENT_SET,
  CF_INBOX_COUNCILS_SCHEDULED,
  CF_INBOX_ASSET_SET,
  CF_INBOX_CAP_SET,
  CF_INBOX_KEY_POLICY_SET,
  CF_INBOX_MEMBER_REMOVED,
} cf_inbox_kind_t;

/* Each kind's data is the fields named beside it, in that order, big-endian. */
typedef struct {
  cf_inbox_kind_t kind;
  uint64_t        time_s; /* of the block */
  uint32_t        id;     /* u32 */
  uint32_t        asset;  /* u24 */
  uint64_t        units;  /* u64 */
  uint64_t        free_units;
  cf_addr_t       addr;
  cf_hash_t       hash;
  uint32_t        version; /* u32 */
  uint64_t        from_s;  /* u40 */
  uint64_t        until_s; /* u40 */
  uint8_t         scale;   /* u8 */
  bool            listed;  /* u8, 0 or 1 */
  uint8_t         council; /* u8 */
  uint8_t         member;  /* u8 */
} cf_inbox_msg_t;

#define CF_INBOX_DATA_MAX 46 /* of a measurement: u32, hash, u40, u40 */
#define CF_INBOX_MSG_MAX  (6 + CF_INBOX_DATA_MAX)
#define CF_INBOX_MSG_MIN  6

/* Bytes of a message: kind, time, data.  The data's length follows from the kind, so messages stand one behind
   the other without lengths.  cf_inbox_msg_read reads one; an unknown kind or a bad flag makes rd bad. */
void           cf_inbox_msg_write(cf_wr_t *wr, cf_inbox_msg_t const *msg);
cf_inbox_msg_t cf_inbox_msg_read(cf_rd_t *rd);

/* cf_inbox_fold is the inbox after one message's bytes. */
cf_hash_t cf_inbox_fold(cf_hash_t const *inbox, cf_span_t msg);

/* cf_inbox_fold_all folds a run of messages; *cnt is raised by their number.  CF_ERR_FORMAT when they do not parse
   to the end; then *inbox and *cnt are as before. */
CF_MUST_CHECK cf_status_t cf_inbox_fold_all(cf_hash_t *inbox, uint64_t *cnt, cf_span_t msgs);

/* A lower-case word for kind, static: "opened". */
char const *cf_inbox_kind_name(cf_inbox_kind_t kind);

#endif
