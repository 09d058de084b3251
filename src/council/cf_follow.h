/* The follower of a log: what a member of a council believes about it.  A machine inside another core.

   A round asks the gateway for its newest cosigned note, verifies the quorum of genesis, reads the entries that are new, and
   believes them when they lead from what it verified before to the note's root.  Until then they change nothing; what is believed
   is durable (one file, `log`) before the step's later effects.  The gateway can withhold; it cannot make the follower go back,
   take a fork, or skip an entry.  docs/protocol/councils.md. */
#ifndef CF_COUNCIL_FOLLOW_H
#define CF_COUNCIL_FOLLOW_H

#include "base/cf_effect.h"
#include "ledger/cf_domain.h"
#include "document/cf_history.h"
#include "translog/cf_tree.h"

#define CF_FOLLOW_FILE "log" /* in the member's folder */

#define CF_FOLLOW_IDS 3
#define CF_FOLLOW_TIMEOUT_MS 5000
#define CF_FOLLOW_FILE_MAX (512u << 10)

/* How a round ended. */
typedef enum {
  CF_FOLLOW_OK,
  CF_FOLLOW_UNREACHABLE, /* no answer, or not 200                                             */
  CF_FOLLOW_MALFORMED,   /* not a canonical note, not a bundle of the width that its name says */
  CF_FOLLOW_SIGNATURE,   /* a signature of the note does not verify                           */
  CF_FOLLOW_QUORUM,      /* fewer than k witnesses                                            */
  CF_FOLLOW_BACK,        /* smaller than what was verified before                             */
  CF_FOLLOW_FORK,        /* does not extend what was verified before, or the entries lead elsewhere */
  CF_FOLLOW_GENESIS,     /* entry 0 is not this domain's genesis, or entry 1 no deployment of it     */
  CF_FOLLOW_BOUND,       /* the history can say nothing more (cf_history_feed)                */
  CF_FOLLOW_RESULTS,
} cf_follow_result_t;
char const *cf_follow_name(cf_follow_result_t r); /* "unreachable", ... */

/* What stood in the log when its newest boot entry came. */
typedef struct {
  uint64_t  index;     /* of that entry; CF_NO_INDEX: none yet */
  bool      certified; /* there was a certified opening entry before; the next three are its own */
  cf_hash_t commitment;
  uint64_t  tip_sequence;
  cf_hash_t tip_hash;
  uint64_t  sequence; /* of the newest counting receipt before; 0: none */
  cf_hash_t hash;
} cf_follow_before_t;

/* Believed: everything below was under a quorum of genesis. */
typedef struct {
  cf_cosigned_t      head; /* time_s: the largest of all that were kept; size 0: nothing yet */
  cf_frontier_t      frontier;
  cf_follow_before_t before;
  cf_hash_t          deployment; /* code hash of entry 1: block 0's hash, or that of the contract's code; zero before entry 1 */
  cf_history_t       history;
} cf_follow_state_t;

typedef struct {
  cf_domain_t const *domain;  /* borrowed for the follower's life */
  unsigned           gateway; /* peer */
  uint64_t           id;      /* first of CF_FOLLOW_IDS ids of effects */
} cf_follow_config_t;

typedef enum { CF_FOLLOW_LOADING, CF_FOLLOW_IDLE, CF_FOLLOW_NOTE, CF_FOLLOW_ENTRIES, CF_FOLLOW_BROKEN } cf_follow_phase_t;

/* About 1.2 MB, of which little is touched. */
typedef struct {
  cf_follow_config_t cfg;
  cf_follow_phase_t  phase;
  cf_follow_result_t result; /* of the last round */
  /* a round under way */
  cf_cosigned_t target;
  bool          whole; /* the full bundle was asked in place of a partial one that is gone */

  cf_follow_state_t now, next; /* next: of the round */
  uint8_t           file[CF_FOLLOW_FILE_MAX];
} cf_follow_t;

void cf_follow_init(cf_follow_t *f, cf_follow_config_t const *cfg);

/* cf_follow_start reads back what is believed; behind it the phase is IDLE, or BROKEN when the file is not ours: the member then
   stops (it does not know any more what it has seen). */
void cf_follow_start(cf_follow_t *f, cf_effects_t *fx);
/* cf_follow_begin starts a round; the phase must be IDLE (asserted). */
void cf_follow_begin(cf_follow_t *f, cf_effects_t *fx);

typedef enum { CF_FOLLOW_NOT_MINE, CF_FOLLOW_GOES_ON, CF_FOLLOW_ENDED } cf_follow_step_t;
/* cf_follow_step goes on with a DONE that has one of its ids.  ENDED: reading back, or a round, came to its end; result says how.
 */
cf_follow_step_t cf_follow_step(cf_follow_t *f, cf_effects_t *fx, cf_event_t const *ev);

#endif
