/* The inside of the enclave's core, shared by its files and by nobody else. */
#ifndef CF_ENCLAVE_STATE_H
#define CF_ENCLAVE_STATE_H

#include <assert.h>

#include "crypto/cf_aead.h"
#include "document/cf_history.h"
#include "enclave/cf_book.h"
#include "enclave/cf_enclave.h"
#include "enclave/cf_journal.h"
#include "ledger/cf_domain.h"
#include "ledger/cf_view.h"
#include "session/cf_result.h"
#include "session/cf_session.h"
#include "translog/cf_note.h"
#include "workload/cf_clearing.h"

#define CF_EPOCHS_MAX      8         /* whose sealing keys still open envelopes, the current one included */
#define CF_RECEIPTS_KEPT   2048      /* newest receipts, whole: a batch is refused busy while more are not counting */
#define CF_RECEIPT_COSE_MAX 1536
static_assert(CF_RECEIPTS_KEPT <= CF_HISTORY_WAITING_MAX, "all that one instance is ahead of the log must be able to wait there");
#define CF_COVERED_MAX     16384     /* receipts not yet under an executed content */
#define CF_COVERED_RESERVE 64        /* of them: for batches that make room again */
#define CF_SNAPSHOT_MAX    (CF_FRAME_MAX - (256u << 10)) /* its plaintext: BOOT brings it back in a frame, with proofs */
#define CF_MESSAGES_BYTES  (1u << 20)  /* of the ledger's inbox, that one batch applies: a longer backlog is taken in pieces */
#define CF_REFUSAL_SZ      3 /* index u16, class u8 */
#define CF_BUCKETS_MAX     CF_VIEW_KEYS_MAX

/* Sealing key of an epoch, current or past. */
typedef struct {
  uint64_t  epoch;
  cf_hash_t certificate;
  cf_hash_t policy;
  uint8_t         *sealing; /* secret, 32 bytes; NULL: erased, and its row goes with the next batch */
  cf_x25519_key_t *key;     /* the same, parsed */
  uint64_t         until_s; /* grace: 0 while it is the newest */
} cf_epoch_key_t;

/* Keys of the epoch that this process opened. */
typedef struct {
  uint8_t         *sealing; /* secret */
  cf_x25519_pub_t  sealing_pub;
  cf_p256_key_t   *receipt;
  cf_p256_pub_t    receipt_pub;
  uint8_t         *settlement; /* secret scalar */
  cf_addr_t        settlement_addr;
  uint8_t          certificate[CF_RECEIPT_COSE_MAX];
  size_t           certificate_sz; /* 0: not made yet */
  cf_hash_t        certificate_hash;
  uint64_t         epoch;          /* log index of the boot entry */
  uint8_t          boot[CF_RECEIPT_COSE_MAX]; /* boot entry */
  size_t           boot_sz;
  bool             journaled;      /* its sealing key is in a record */
} cf_own_epoch_t;

/* What a final block told, as a record keeps it. */
typedef struct {
  uint64_t  number;
  cf_hash_t hash;
  uint64_t  time_s;
  cf_hash_t proof; /* SHA-256 of the finality proof */
  cf_hash_t slots[CF_SLOT_PLAIN_CNT];
  cf_hash_t key;   /* record of the settlement key that was asked for */
  uint64_t  messages; /* in the inbox, all */
  size_t    bucket_cnt;
  struct {
    uint32_t asset;
    uint64_t level;
  } bucket[CF_BUCKETS_MAX];
} cf_taken_view_t;

/* A content: intended, perhaps signed, not yet executed. */
typedef struct {
  uint64_t        window; /* of the book; 0: a heartbeat, with an empty body */
  uint64_t        first, last;
  cf_hash_t       receipts_root;
  uint64_t        log_size;
  cf_hash_t       log_root;
  cf_settlement_t settlement;
  cf_hash_t       digest;
  uint8_t         salt[32];
  uint64_t        intent; /* sequence of the receipt that carries it */
  bool            released; /* in this process life */
} cf_content_t;

typedef struct {
  cf_hash_t hash;
  uint64_t  epoch;
} cf_covered_t;

/* Who is behind an account: for results that no input asked for. */
typedef struct {
  uint32_t       account;
  uint32_t       session; /* index + 1; 0: it lives no more */
  cf_recipient_t to;      /* where results go when it does not */
  cf_hash_t      input;   /* id of its newest input */
} cf_correspondent_t;

/* A place in the inbox. */
typedef struct {
  cf_hash_t fold;
  uint64_t  messages;
} cf_inbox_at_t;

/* A batch at work, live or replayed. */
typedef struct {
  bool                   replay;
  cf_hash_t const       *instance; /* of who executes */
  uint64_t               epoch;
  cf_epoch_key_t const  *opens;    /* the epoch that starts with this batch; NULL: none does */
  cf_checkpoint_ref_t    checkpoint;
  cf_taken_view_t const *view;     /* NULL: none is applied */
  cf_inbox_at_t          inbox;    /* behind messages */
  cf_span_t              messages; /* of the inbox, since what was applied before; without a view a piece of a long backlog */
  uint8_t                seed[32];
  cf_drbg_t              drbg;     /* of seed: every salt and ephemeral key of the batch, in order of use */
  uint64_t               sequence; /* of its receipt */
} cf_batch_t;

/* What SHOW_LOG reads ahead of the checkpoint that will vouch for it. */
typedef struct {
  cf_frontier_t frontier;
  cf_history_t  history;
  cf_hash_t     code_hash; /* that entry 1 names, of a ledger on a chain; zero before that entry, and for an embedded ledger */
  cf_refuse_t   verdict;   /* the first entry that ends us, or NONE */
} cf_feed_t;

struct cf_enclave {
  cf_phase_t         phase;
  cf_refuse_t        ended; /* why STOPPED */
  cf_entropy_t       entropy;
  cf_launcher_t      launcher;
  cf_configuration_t configuration;
  cf_domain_t        domain;
  cf_clearing_params_t clearing;
  cf_hash_t          configuration_hash, measurement;

  uint8_t           *roots; /* secret: up to two of 32 bytes */
  uint64_t           root_number[2];
  size_t             roots_cnt;
  size_t             root;  /* the one in use; SIZE_MAX: none yet */
  cf_p256_key_t     *identity;
  cf_p256_pub_t      identity_pub;
  cf_hash_t          instance;
  cf_own_epoch_t     own;
  cf_epoch_key_t     epochs[CF_EPOCHS_MAX];
  size_t             epochs_cnt;

  /* the log */
  cf_feed_t          feed, ahead;
  bool               ahead_any;
  cf_checkpoint_ref_t checkpoint; /* last verified; size 0: none */
  uint64_t           boot_index;  /* own boot entry; CF_NO_INDEX before it was seen */

  /* the ledger */
  cf_view_state_t    view_state;
  cf_taken_view_t    view;     /* applied */
  bool               view_any;
  cf_taken_view_t    view_next; /* complete, to be applied by the next batch */
  bool               view_next_any;
  uint8_t           *messages; /* of view_next, or of a view shown in part */
  size_t             messages_sz, messages_whole; /* whole: those that a complete view proved */
  bool               backlog;  /* of the block shown in part more messages come than are kept; */
  cf_inbox_at_t      piece_at; /* where those kept end */
  bool               piece_any; /* messages_whole is such a piece: the next batch applies it, without a view */
  cf_inbox_at_t      inbox;    /* applied */
  cf_hash_t          head;     /* the ledger's, as applied */

  /* receipts */
  uint64_t           sequence;
  cf_hash_t          previous; /* hash of receipt `sequence` */
  cf_hash_t          state;    /* its state after */
  uint64_t           now_s;   /* the latest that witnesses or a final block said */
  uint64_t           batch_s; /* the same, as records know it */
  uint8_t          (*receipts)[CF_RECEIPT_COSE_MAX];
  uint32_t          *receipt_sz;
  uint64_t           receipts_from; /* lowest sequence kept */
  cf_covered_t      *covered;  /* receipts covered_from .. sequence */
  uint64_t           covered_from;
  uint64_t           uncovered;  /* first receipt under no content */
  cf_content_t       contents[CF_SETTLE_FLIGHT_MAX];
  size_t             contents_cnt;
  uint64_t           closed_window; /* closed in the book, without a content yet; 0: none */
  uint64_t           settled_s;     /* time of the last executed content, or of the first view */

  /* sessions and results */
  cf_session_t       *sessions;
  uint32_t            sessions_cnt;
  uint32_t           *session_index, session_mask;
  cf_correspondent_t *correspondents; /* in order of first word */
  uint32_t            correspondents_cnt;
  uint32_t           *correspondent_index, correspondent_mask; /* open addressing: element + 1, 0 empty */
  cf_hash_t           activity; /* running hash of what stands beside the book */
  uint8_t            *results;
  size_t              results_sz;
  size_t              results_max;
  uint32_t            leaves_cnt, leaves_max; /* results of the batch at work */
  cf_slot_write_t    *lanes;  /* preflight: a table, then room for what settle writes */
  size_t              lanes_table, lanes_cnt; /* elements; the table is a power of two */
  size_t              results_at; /* where its results begin */
  cf_batch_t         *batch;

  /* the book */
  uint8_t           *book_key; /* secret */
  void              *book_mem, *clearing_mem;
  size_t             book_sz, clearing_sz;
  cf_book_t         *book;

  /* the journal */
  cf_journal_t       journal;
  uint64_t           journal_file; /* number of the file in use */
  cf_hash_t          journal_from; /* the chain that it continues */
  bool               fresh, opened;
  cf_hash_t          reading_instance; /* whose records are replayed */

  cf_ciphers_t       ciphers;
  cf_aead_t         *aead_journal;
  uint8_t           *plain; /* an opened envelope */
  uint8_t           *body;  /* a settlement's body */
  size_t             body_sz; /* of the longest so far */
  uint8_t           *refusals; /* of the batch at work: index u16, class u8 each */
  uint8_t           *request; /* the message at work, and its size */
  size_t             request_sz;
};

/* ---- between the files ---- */

/* Each answers one message: the class, and the body after it. */
typedef cf_refuse_t cf_answer_fn_t(cf_enclave_t *e, cf_rd_t *in, cf_wr_t *out);
cf_answer_fn_t      cf_on_boot, cf_on_journal, cf_on_fence, cf_on_certify, cf_on_possess, cf_on_batch, cf_on_show_log,
    cf_on_show_ledger, cf_on_snapshot, cf_on_read;

/* cf_enclave_stop wipes the keys; only READ is answered from then on. */
cf_refuse_t cf_enclave_stop(cf_enclave_t *e, cf_refuse_t why);

/* cf_rd_sub reads a span: u32 length and bytes. */
cf_span_t cf_rd_sub(cf_rd_t *rd);
void      cf_wr_sub(cf_wr_t *wr, cf_span_t s);

/* cf_feed.c: from here on views are judged by the code that the feed's entry 1 names. */
void cf_feed_believe(cf_enclave_t *e);

/* cf_epoch.c: what our boot entry rests on; asked before it is made, and again when it stands in the log. */
cf_refuse_t cf_fence_holds(cf_enclave_t const *e);

/* cf_opening.c */
cf_hash_t cf_root_commitment(cf_enclave_t const *e, size_t root);
enum { CF_RECORD_NO_VIEW, CF_RECORD_VIEW, CF_RECORD_PIECE }; /* what a record says before its messages */
void      cf_view_kept_write(cf_wr_t *wr, cf_taken_view_t const *v);
void      cf_inbox_at_write(cf_wr_t *wr, cf_inbox_at_t const *at);
void      cf_epoch_key_write(cf_wr_t *wr, cf_epoch_key_t const *k); /* secret */
bool      cf_journal_agrees(cf_enclave_t const *e, uint64_t sequence, cf_hash_t const *hash);
/* cf_snapshot_make writes snapshot and journal header as an answer has them, and goes over to the new file.
   whole: with the snapshot; else its span is empty.  again: in place of the file that the last call began, in which nothing was
   written. CF_REFUSE_BUSY, and nothing happened, when the state does not fit a frame now. */
cf_refuse_t cf_snapshot_make(cf_enclave_t *e, cf_wr_t *out, bool whole, bool again);

/* cf_batch.c.  cf_batch_run executes envelopes (count u16, each u32 length and bytes) and fills doc.  Refusals go to refused
   (index u16, class u8 each), the others' bytes to admitted; in replay both are NULL and a refusal is CF_REFUSE_JOURNAL. */
cf_refuse_t cf_batch_run(cf_enclave_t *e, cf_batch_t *b, cf_rd_t *envelopes, cf_receipt_t *doc, cf_wr_t *refused,
                         uint16_t *refused_cnt, cf_wr_t *admitted, uint16_t *admitted_cnt);
/* cf_batch_commit makes a signed receipt the newest. */
void cf_batch_commit(cf_enclave_t *e, cf_batch_t const *b, cf_receipt_t const *doc, cf_span_t cose, cf_hash_t const *hash);

/* cf_settle.c: what becomes final, what is intended, what is let out. */
cf_refuse_t cf_settle_view(cf_enclave_t *e, cf_batch_t *b, cf_receipt_t *doc);
cf_refuse_t cf_settle_piece(cf_enclave_t *e, cf_batch_t const *b);
cf_refuse_t cf_settle_intend(cf_enclave_t *e, cf_batch_t *b, cf_receipt_t *doc);
cf_refuse_t cf_settle_close(cf_enclave_t *e);
bool cf_settle_makes_room(cf_enclave_t const *e); /* would the next batch make receipts final, or may it intend a content? */
void        cf_settle_release(cf_enclave_t *e, cf_wr_t *items, uint16_t *cnt, bool again);

/* cf_preflight.c: what the ledger would refuse it for; NONE: it would accept. */
cf_refusal_code_t cf_preflight(cf_enclave_t *e, cf_content_t const *c, cf_span_t body);

/* cf_results.c */
/* Counts what one batch makes at most, with so many inputs and so many contents in flight. */
typedef struct {
  uint32_t results;
  size_t   bytes;
} cf_results_most_t;
cf_results_most_t cf_results_most(cf_enclave_t const *e, uint32_t inputs, uint32_t contents);
bool              cf_results_room(cf_enclave_t *e, uint32_t inputs); /* may such a batch be begun now? */
void      cf_results_begin(cf_enclave_t *e, cf_batch_t *b, uint32_t inputs);
void      cf_results_add(cf_enclave_t *e, cf_hash_t const *to, cf_span_t sealed);
/* cf_result_to seals r in the session, or to the key of `to` when none lives. */
void      cf_result_to(cf_enclave_t *e, cf_wr_t *wr, cf_session_t *session, cf_recipient_t const *to, cf_result_t const *r);
void      cf_results_sink(void *host, uint32_t account, cf_span_t bytes); /* the book's: what no input of this batch asked for */
cf_hash_t cf_results_end(cf_enclave_t *e);
void      cf_results_release(cf_enclave_t *e, cf_wr_t *items, uint16_t *cnt, bool again);
void      cf_results_forget(cf_enclave_t *e); /* what was released */

/* cf_sessions.c */
cf_session_t       *cf_session_find(cf_enclave_t *e, uint8_t const id[CF_SESSION_ID_SZ]);
cf_session_t       *cf_session_add(cf_enclave_t *e, cf_session_t const *s); /* NULL when full */
cf_correspondent_t *cf_correspondent(cf_enclave_t *e, uint32_t account, bool add); /* NULL: none, or full */
cf_epoch_key_t     *cf_epoch_key(cf_enclave_t *e, uint64_t epoch);
void                cf_epoch_key_add(cf_enclave_t *e, uint64_t epoch, cf_hash_t const *certificate, cf_hash_t const *policy,
                                     uint8_t const sealing[32]);
void                cf_epoch_keys_erase(cf_enclave_t *e, uint64_t now_s); /* whose grace is over */
/* cf_epochs_turn is what a batch does to epochs, by its own time: forgets those whose grace is over, with their sessions, and
   starts b->opens. */
void                cf_epochs_turn(cf_enclave_t *e, cf_batch_t const *b);

#endif
