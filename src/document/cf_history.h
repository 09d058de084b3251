/* The history of a domain: what the entries of its log mean, read in order.

   One reader for everybody who has to know who lives and what counts (PROTOCOL P7): the enclave, verifiers,
   auditors, monitors, the gateway after a crash.  Pure: the caller checks that the entries are the log's (tree,
   quorum) and feeds each once, from 0.

   What counts.  A boot entry is certified when k results for its epoch's certificate stand in the log before any later
   boot entry.  Receipts of the newest certified instance count in sequence, from behind its k-th result.  Once a later boot
   entry stands, they wait: if that one is certified, they count only up to its adopted tip, whenever they are logged; if
   yet another boot entry follows it uncertified, those logged before count after all.  An adopted stretch counts
   when it is complete, that is, when its hashes reach the tip. */
#ifndef CF_DOCUMENT_HISTORY_H
#define CF_DOCUMENT_HISTORY_H

#include "document/cf_documents.h"
#include "document/cf_ear.h"

#define CF_HISTORY_BOOTS_MAX   64   /* the newest are kept; older ones can neither live nor be adopted from */
#define CF_HISTORY_WAITING_MAX 2048 /* receipts that do not count yet: no instance makes more than that ahead of the log */
#define CF_NO_INDEX            UINT64_MAX

typedef struct {
  uint64_t        index; /* of the boot entry = its epoch */
  cf_hash_t       hash;  /* document hash */
  cf_hash_t       instance;
  cf_p256_pub_t   identity;
  cf_hash_t       keys;
  cf_hash_t       commitment;
  uint64_t        root_number;
  uint64_t        tip_sequence;
  cf_hash_t       tip_hash;
  /* from its certificate; cert_index == CF_NO_INDEX before it */
  uint64_t        cert_index;
  cf_hash_t       cert_hash;
  cf_p256_pub_t   receipt;
  uint8_t         settlement[20];
  uint8_t         sealing[32];
  cf_hash_t       configuration;
  cf_hash_t       policy;
  uint64_t        suite;
  uint64_t        not_before, not_after;
  uint64_t        result_index[CF_MEMBERS_MAX]; /* by verifier; CF_NO_INDEX before it */
  uint64_t        results;
  uint64_t        certified_index; /* of the k-th result; CF_NO_INDEX while not certified */
} cf_history_boot_t;

typedef struct {
  uint64_t  sequence;
  cf_hash_t hash;
  cf_hash_t previous;
  cf_hash_t state_before, state_after;
  uint64_t  index;
  uint64_t  boot; /* log index of the boot entry of the instance that signed it */
} cf_history_receipt_t;

typedef struct {
  /* fixed by genesis */
  cf_hash_t     domain;
  cf_council_t  verifiers; /* its spans are not used after init */
  cf_p256_pub_t log_es256;
  cf_p256_pub_t gateways[4];
  size_t        gateways_cnt;
  /* read */
  uint64_t             next; /* index of the entry that is due */
  size_t               boots_cnt, waiting_cnt;
  size_t               certified; /* in boots: newest certified; SIZE_MAX: none */
  uint64_t             certified_ever; /* certified boot entries so far */
  uint64_t             sequence;  /* of the last counting receipt, 0: none */
  cf_hash_t            hash;      /* its document hash, or what receipt 1 must name */
  cf_hash_t            state;     /* its state after, or what receipt 1 must start from */
  /* what lies behind the counts is never read, nor written */
  cf_history_boot_t    boots[CF_HISTORY_BOOTS_MAX]; /* rising index */
  cf_history_receipt_t waiting[CF_HISTORY_WAITING_MAX];
} cf_history_t;

/* What an entry turned out to be.  Faults are entries that no honest appender logs; they change nothing. */
typedef enum {
  CF_HISTORY_OTHER,       /* well signed, and none of this machine's business: sub-kind in typ */
  CF_HISTORY_BOOTED,      /* a new boot entry: boot */
  CF_HISTORY_CERTIFICATE, /* the certificate of the newest boot entry */
  CF_HISTORY_RESULT,      /* a verifier's first affirming result for it; boot->certified_index says whether it made it certified */
  CF_HISTORY_COUNTS,      /* receipt counts; several may follow from one entry */
  CF_HISTORY_WAITS,       /* receipt may count later */
  CF_HISTORY_VOID,        /* a receipt that does not and will never count */
  CF_HISTORY_AGAIN,       /* the same document as an earlier entry, or a second result of one verifier */
  CF_HISTORY_FAULT,       /* not an entry of this domain, badly signed, or a second certificate of an epoch: text says */
} cf_history_kind_t;

typedef struct {
  cf_history_kind_t           kind;
  uint64_t                    index;
  cf_history_boot_t const    *boot;    /* BOOTED, CERTIFICATE, RESULT, the signer of receipts; FAULT: whose keys signed it, NULL when nobody's */
  cf_history_receipt_t const *receipt; /* COUNTS, WAITS, VOID */
  char const                 *text;    /* FAULT, VOID: why */
} cf_history_event_t;
typedef void cf_history_fn_t(void *ctx, cf_history_event_t const *ev);

/* cf_history_init starts before entry 0 with what genesis says.  policy is that of genesis. */
void cf_history_init(cf_history_t *h, cf_hash_t const *domain, cf_genesis_t const *g, cf_policy_t const *policy);

/* cf_history_copy makes *to what *from is; what it was does not matter.  The 350 KB are mostly room: a plain assignment costs 30 us. */
void cf_history_copy(cf_history_t *to, cf_history_t const *from);

/* cf_history_feed reads entry number index.  fn is told at least one event for the entry; COUNTS events come in sequence and behind the
   entry's own, save that what waited for an uncertified boot entry counts before the next one is BOOTED.
   CF_ERR_FORMAT  index is not the one that is due
   CF_ERR_BOUND   more than CF_HISTORY_WAITING_MAX receipts wait: nothing can be said any more
   A bad entry is an event, not an error. */
CF_MUST_CHECK cf_status_t cf_history_feed(cf_history_t *h, uint64_t index, cf_span_t entry, cf_history_fn_t *fn, void *ctx);

/* cf_history_feed_known does the same, and asks known about each receipt that names the key of its epoch: where the caller made or verified this
   very entry, signature included, it is not computed again. */
typedef bool              cf_history_known_fn_t(void *ctx, uint64_t sequence, cf_span_t entry);
CF_MUST_CHECK cf_status_t cf_history_feed_known(cf_history_t *h, uint64_t index, cf_span_t entry, cf_history_fn_t *fn,
                                                cf_history_known_fn_t *known, void *ctx);

/* Borrowed; NULL when there is none. */
cf_history_boot_t const *cf_history_newest(cf_history_t const *h);
cf_history_boot_t const *cf_history_certified(cf_history_t const *h);
cf_history_boot_t const *cf_history_by_instance(cf_history_t const *h, cf_hash_t const *instance);
cf_history_boot_t const *cf_history_by_index(cf_history_t const *h, uint64_t boot_index);

/* Snapshot form, deterministic and strict. */
void                      cf_history_encode(cf_wr_t *wr, cf_history_t const *h);
CF_MUST_CHECK cf_status_t cf_history_decode(cf_history_t *h, cf_rd_t *rd); /* h was initialised */

#endif
