/* The ledger view: what shows an enclave one final block.  ONCHAIN 4.7.1,
   PROTOCOL P8; docs/protocol/ledger.md, "View".

   view  kind u8 (cf_ledger_kind_t) | header; EVM: u16 length before it | key address | u16 length, finality proof
         | u8 count of further keys, keys | u32 length, state proof | first u64 | messages to the end

   The state proof shows, in this order, slots 0 to 7, the key's record, and the further keys.  first counts the inbox
   messages before these.  The messages are proven by the fold alone: they count from the view whose last message brings
   the fold to the inbox of the block.  A backlog longer than one view goes over several views of the same block, however many:
   all but the last are partial, and what they say is not to be acted on before the last.  Who cannot keep them all keeps the
   first, with the fold behind them: when the last one completes the block, these are proven, too, and he goes on from there. */
#ifndef CF_LEDGER_VIEW_H
#define CF_LEDGER_VIEW_H

#include "ledger/cf_blocks.h"
#include "ledger/cf_ledger_proof.h"

/* Bytes.  On a chain the proof is most of them: a branch has 532, and all CF_VIEW_PROVEN_MAX slots in a trie of 16^8, of an account
   behind 16 branches, take 16 + 1 + 16 + 6 * 73 of these at most, and leaves: with the most observers 254,000. */
#define CF_VIEW_MAX          (256 * 1024)
#define CF_VIEW_KEYS_MAX     64 /* further keys */
#define CF_VIEW_PROVEN_MAX   (CF_SLOT_PLAIN_CNT + 1 + CF_VIEW_KEYS_MAX)

/* What an enclave remembers between views.  All zero before the first. */
typedef struct {
  bool      any;      /* a complete view was taken */
  uint64_t  number;   /* of the newest block taken, completely */
  cf_hash_t hash;
  uint64_t  time_s;
  cf_hash_t inbox;    /* folded to here, as that block says */
  uint64_t  messages; /* of which there are so many */
  /* of a block shown in parts so far: */
  bool      partial;
  cf_hash_t part_hash;
  cf_hash_t part_inbox;
  uint64_t  part_messages;
} cf_view_state_t;

typedef enum {
  CF_VIEW_COMPLETE, /* taken: facts and all messages since the last complete view count */
  CF_VIEW_PARTIAL,  /* keep the messages, show the next part */
  CF_VIEW_OLD,      /* older than, or the same as, what was taken: changes nothing */
  CF_VIEW_FORKED,   /* final, and contradicts what was final before: halt */
  CF_VIEW_BAD,      /* not a view, or not proven */
} cf_view_verdict_t;

typedef struct {
  uint64_t             number;
  cf_hash_t            hash;
  uint64_t             time_s; /* asOf, once complete */
  cf_finality_t        finality; /* with the smallest checkpoint named */
  cf_span_t            proof;    /* of that: bytes of the view, borrowed */
  cf_hash_t            head;
  cf_hash_t            inbox;
  cf_ledger_status_t   status;
  cf_hash_t            alarm_head;
  uint64_t             alarm_at_s;
  cf_ledger_counters_t counters;
  cf_hash_t            instance;
  uint64_t             top_epoch;
  cf_addr_t            key_addr;
  cf_ledger_key_t      key;      /* state CF_KEY_UNKNOWN when it is not registered */
  cf_span_t            messages; /* bytes of this view's messages (cf_inbox_msg_read), borrowed */
  uint64_t             first;    /* messages before them */
  size_t               proven_cnt; /* every slot shown: keys and values */
  cf_hash_t            keys[CF_VIEW_PROVEN_MAX];
  cf_hash_t            values[CF_VIEW_PROVEN_MAX];
} cf_view_facts_t;

/* cf_view_check verifies a view against the ledger's identity and the observers' council, and what was seen before.
   *facts is filled for COMPLETE and PARTIAL; *next is then the state to go on with (the caller stores it when it accepts the
   view: *seen is not changed).  For the other verdicts both are not to be used.
     CF_OK            COMPLETE, PARTIAL
     CF_ERR_STALE     OLD
     CF_ERR_POLICY    FORKED: final with the same number and another hash, or with a time that falls
     CF_ERR_AUTH, CF_ERR_FORMAT, CF_ERR_BOUND, CF_ERR_UNSUPPORTED   BAD
     CF_ERR_POLICY  BAD, too, when an EVM contract's code is not ledger->code_hash
   A view's messages begin where the last part's ended, or anew where the last complete view's did: then facts->first equals
   seen->messages, and what was kept of earlier parts is void.  Wrong messages cannot be told from a part of the right
   ones: they never become complete.  Does not check that the head is one of the caller's, nor that facts->key_addr is the key
   that the caller wants to see. */
CF_MUST_CHECK cf_status_t cf_view_check(cf_view_facts_t *facts, cf_view_verdict_t *verdict, cf_view_state_t *next,
                                        cf_view_state_t const *seen, cf_span_t view, cf_ledger_identity_t const *ledger,
                                        cf_seats_t const *observers, cf_error_t *err);

/* cf_view_slot finds a proven slot's value; false when the view did not show it. */
bool cf_view_slot(cf_view_facts_t const *facts, cf_hash_t const *key, cf_hash_t *value);

/* cf_view_keys fills the slots that a view shows, in their order; returns their number. */
size_t cf_view_keys(cf_hash_t keys[CF_VIEW_PROVEN_MAX], cf_addr_t const *key, cf_hash_t const *more, size_t more_cnt);

/* cf_view_write writes a view of chain's newest block, with messages from number first on, as many as fit in wr's room up to
   CF_VIEW_MAX; *taken (may be NULL) is their number: first + *taken == all of them makes it complete.  finality is
   the encoded proof for that block.  keys_cnt <= CF_VIEW_KEYS_MAX.  CF_ERR_BOUND when not even the fixed part fits. */
CF_MUST_CHECK cf_status_t cf_view_write(cf_wr_t *wr, cf_chain_t *chain, cf_span_t finality, cf_addr_t const *key,
                                        cf_hash_t const *keys, size_t keys_cnt, uint64_t first, uint64_t *taken);

/* cf_view_write_evm writes one of an EVM block: header and proof (of cf_view_keys' slots) as cf_ledger_proof.h says; messages are
   all that are known from number first on, of which as many are written as fit.  CF_ERR_BOUND as above: show fewer keys. */
CF_MUST_CHECK cf_status_t cf_view_write_evm(cf_wr_t *wr, cf_span_t header, cf_span_t finality, cf_addr_t const *key,
                                            cf_hash_t const *keys, size_t keys_cnt, cf_span_t proof, uint64_t first,
                                            cf_span_t messages, uint64_t *taken);

#endif
