/* The writer of a log: appends entries in groups, writes bundles, tiles and the
   signed checkpoint, and gives proofs.  A machine inside another core: it writes
   its effects into that core's step.  Names are relative to the folder that is served (public/).

   One append is one group and one durable write, to the journal: whatever the caller puts into the step behind it (a reply) happens
   once the group is durable.  The files that others read are brought up to it by cf_logwriter_publish, for many groups at once or
   behind each: entries and tiles, then the checkpoint.

   The log never signs two inconsistent heads, because a restart takes over every whole record of the journal, and
   publishes it, before anything else is appended (docs/protocol/log.md).  There is one writer per log: the driver holds a lock on the folder. */
#ifndef CF_TRANSLOG_LOGWRITER_H
#define CF_TRANSLOG_LOGWRITER_H

#include "base/cf_effect.h"
#include "translog/cf_logjournal.h"
#include "translog/cf_logreader.h"
#include "translog/cf_note.h"

#define CF_LOGWRITER_GROUP_MAX   4096                /* entries of one append */
#define CF_LOGWRITER_BEHIND_MAX  16384               /* entries that are not published yet */
#define CF_LOGWRITER_TAIL_SZ     (2 * CF_BUNDLE_MAX) /* bytes of them, and of the partial bundle before them */
#define CF_LOGWRITER_SEGMENT_SZ  (32u << 20)         /* a journal file that is longer gives way to another */
#define CF_LOGWRITER_CAP_MIN     256
#define CF_LOGWRITER_CAP_MAX     (UINT64_C(1) << 31)
#define CF_LOGWRITER_SCRATCH_MAX 16384 /* of a step's scratch, per append or event */

typedef struct {
  cf_vkey_t      log;  /* origin and Ed25519 key of the checkpoints */
  uint8_t const *seed; /* its seed, 32 bytes, borrowed from the caller's secret for the writer's life */
  uint64_t       cap;  /* entries that fit: a power of two */
  void          *mem;  /* cf_logwriter_mem_sz(cap) bytes, aligned for any type; only what is used is touched */
  char const    *journal; /* folder of the journal, for nobody else to read; static */
  uint64_t       id;   /* of its GET and LIST effects: one is under way at a time, none once it is ready */
  /* key says when two entries are one (PROTOCOL P1); cf_log_entry_key, unless a log has another rule. */
  cf_hash_t (*key)(cf_span_t entry);
  /* recovered is called for each entry that start finds, in order; may be NULL. */
  void (*recovered)(void *ctx, uint64_t index, cf_span_t entry, cf_hash_t const *key);
  void *ctx;
} cf_logwriter_config_t;

typedef enum {
  CF_LOGWRITER_STOPPED,
  CF_LOGWRITER_HEAD,    /* reads the checkpoint                           */
  CF_LOGWRITER_JOURNAL, /* looks for a journal file                       */
  CF_LOGWRITER_SEGMENT, /* reads it: where did it begin?                  */
  CF_LOGWRITER_CHECK,   /* reads entries and tiles up to there, or to the checkpoint */
  CF_LOGWRITER_REPLAY,  /* reads it again: what came since?               */
  CF_LOGWRITER_WHOLE,   /* looks for a whole bundle beyond                */
  CF_LOGWRITER_WIDTHS,  /* looks for partial bundles beyond               */
  CF_LOGWRITER_PART,    /* reads the widest of them                       */
  CF_LOGWRITER_READY,
  CF_LOGWRITER_FAILED, /* err says which file and what is wrong */
} cf_logwriter_phase_t;

/* Which partial tiles of a row exist, by width: of the tile under way, and of the last one that became full. */
typedef struct {
  uint64_t now[4];
  uint64_t full[4];
  uint64_t full_idx;
} cf_logwriter_partial_t;

/* The checkpoint as start found it.  While there is a journal it may be anything: a power cut may have left it so. */
typedef struct {
  bool       found;
  cf_error_t err; /* what is wrong with it */
  uint64_t   size;
  cf_hash_t  root;
  uint8_t    note[CF_LOGRECORD_NOTE_MAX];
  size_t     note_len;
} cf_logwriter_head_t;

typedef struct {
  cf_logwriter_config_t  cfg;
  cf_logwriter_phase_t   phase;
  cf_error_t             err;
  uint64_t               size;
  cf_hash_t              root;
  uint64_t               signed_size; /* of the checkpoint that is published */
  uint64_t               filed;       /* so many entries are in bundles and tiles */
  uint64_t               segment;     /* the journal file under way began at that size  */
  size_t                 segment_len; /* 0: there is none */
  cf_hash_t             *node;        /* complete subtrees, level by level: 2 * cap        */
  cf_hash_t             *key;         /* of each entry                                     */
  uint32_t              *slot;        /* index + 1 by key, open addressing: 2 * cap slots  */
  uint8_t               *tail;        /* bytes of the bundles written last, in order       */
  size_t                 tail_len;
  uint64_t               tail_first;  /* number of the first bundle in tail                */
  size_t                 tail_at[CF_LOGWRITER_BEHIND_MAX / CF_TILE_WIDTH + 2]; /* where bundle tail_first + i starts */
  uint8_t               *record;      /* what the step's append wrote to the journal */
  uint8_t                note[CF_LOGRECORD_NOTE_MAX];
  size_t                 note_len;
  uint64_t               note_size;
  cf_logwriter_partial_t partial[1 + CF_TILE_ROWS]; /* by row + 1 */
  cf_tree_edge_t         edge; /* of the size that a proof was asked for last */
  cf_tile_t              asked;
  /* for start */
  cf_logreader_t         reader;
  cf_logwriter_head_t    head;
  bool                   replays; /* the journal goes on from where it is checked to */
} cf_logwriter_t;

/* cf_log_entry_key hashes protected header and payload of a COSE_Sign1 (the document hash); bytes that are none
   are their own leaf. */
cf_hash_t cf_log_entry_key(cf_span_t entry);

size_t cf_logwriter_mem_sz(uint64_t cap);
void   cf_logwriter_init(cf_logwriter_t *w, cf_logwriter_config_t const *cfg);

/* cf_logwriter_start begins recovery; cf_logwriter_step goes on with it when ev is DONE with the writer's id
   (false: not its event). Then the phase is READY or FAILED.  Recovery checks all entries and tiles up to where the journal begins (without one,
   to the checkpoint) against a head that the log signed, takes over what the journal has beyond, and publishes it.  What is damaged is named, not repaired. */
void cf_logwriter_start(cf_logwriter_t *w, cf_effects_t *fx);
bool cf_logwriter_step(cf_logwriter_t *w, cf_effects_t *fx, cf_event_t const *ev);

typedef struct {
  cf_span_t bytes; /* kept by the writer as a copy                                  */
  cf_hash_t key;   /* of cfg.key, from the caller, who has the parts at hand        */
  uint64_t  index; /* out: where the entry is, or has been if it was appended before */
} cf_log_entry_t;

/* cf_logwriter_append adds those entries that are new (also within the group) and writes the one effect that makes them durable; none when
   all are known.  *first_new (may be NULL) receives the size before.  Nothing changes unless CF_OK.  At most one append that adds
   something in a step, and before any publishing (asserted): the effects point at its bytes.
   CF_ERR_IO: not READY.  CF_ERR_BOUND: more than CF_LOGWRITER_GROUP_MAX entries, an entry over CF_ENTRY_MAX, more than CF_BUNDLE_MAX bytes with
   two for each entry (split the group), or the log would outgrow cap (the operator restarts with a larger one); or more than
   CF_LOGWRITER_BEHIND_MAX entries, or more bytes than the tail takes, would not be published yet: then publish and ask again.  Where everything is
   published no group is refused for that. */
CF_MUST_CHECK cf_status_t cf_logwriter_append(cf_logwriter_t *w, cf_effects_t *fx, cf_log_entry_t *entries, size_t cnt,
                                              uint64_t *first_new);

/* cf_logwriter_publish writes the effects that bring bundles, tiles and checkpoint up to size; none when they are.  READY (asserted). */
void cf_logwriter_publish(cf_logwriter_t *w, cf_effects_t *fx);

/* cf_logwriter_find: is an entry with that key in the log, and where first? */
bool cf_logwriter_find(cf_logwriter_t const *w, cf_hash_t const *key, uint64_t *index);

/* The newest checkpoint, signed by the log when it is first asked for: size and root are w->size, w->root.  Borrowed until the
   next append; empty for an empty log.  Who shows it to others publishes first. */
cf_span_t cf_logwriter_note(cf_logwriter_t *w);

/* Proofs at any size up to the newest (fastest when many are of one size); leaf hashes; a tree reader for those
   who compute (the publisher).  Valid while w lives. */
CF_MUST_CHECK cf_status_t cf_logwriter_proof(cf_logwriter_t *w, cf_hash_t *path, size_t *path_cnt, uint64_t index, uint64_t size);
CF_MUST_CHECK cf_status_t cf_logwriter_consistency(cf_logwriter_t const *w, cf_hash_t *path, size_t *path_cnt, uint64_t old_size,
                                                   uint64_t new_size);
CF_MUST_CHECK cf_status_t cf_logwriter_root(cf_logwriter_t const *w, cf_hash_t *root, uint64_t size);
cf_hash_t const          *cf_logwriter_leaf(cf_logwriter_t const *w, uint64_t index); /* NULL: index >= size */
cf_tree_reader_t          cf_logwriter_reader(cf_logwriter_t const *w);

/* cf_logwriter_prune removes up to max partial tiles whose full tile is published (readers then cut that one); for
   idle moments.  Returns how many. */
size_t cf_logwriter_prune(cf_logwriter_t *w, cf_effects_t *fx, size_t max);

#endif
