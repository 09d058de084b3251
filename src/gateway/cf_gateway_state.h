/* The inside of the gateway's core, shared by its files and by nobody else. */
#ifndef CF_GATEWAY_STATE_H
#define CF_GATEWAY_STATE_H

#include "base/cf_store.h"
#include "base/cf_text.h"
#include "document/cf_boundary.h"
#include "document/cf_history.h"
#include "gateway/cf_gateway.h"
#include "gateway/cf_index.h"
#include "gateway/cf_modes.h"
#include "gateway/cf_post.h"
#include "ledger/cf_domain.h"
#include "ledger/cf_view.h"
#include "observe/cf_line.h"
#include "observe/cf_metrics.h"
#include "translog/cf_logwriter.h"
#include "translog/cf_publisher.h"

#define CF_BATCH_SLOTS 4
#define CF_BATCH_BYTES (4u << 20) /* of a batch's envelopes, lengths included */
#define CF_BATCH_MAX 4096
#define CF_BATCH_ASKERS 96 /* POSTs in one batch */
#define CF_RECEIPT_BYTES 1536
#define CF_RECEIPT_ROWS CF_INDEX_BATCHES
#define CF_UNLOGGED_MAX 1024 /* receipts executed and not in the log; more batches wait */
#define CF_QUEUE_BYTES (8u << 20)
#define CF_QUEUE_MAX 2048
#define CF_GROUP_MAX 512            /* entries of one append */
#define CF_GROUP_PUTS 128           /* files archived before it */
#define CF_ARCHIVE_BYTES (6u << 20) /* of them that are made for it */
#define CF_ANSWER_BYTES (8u << 20)  /* answers to parties in one step */
#define CF_RELEASE_BYTES (40u << 20)
#define CF_LOOKUPS_MAX 64
#define CF_LOOKUP_RESULTS 32
#define CF_LOOKUP_BYTES (32u << 10)
#define CF_PROMISES_MAX 1024
#define CF_PROMISED_BYTES (8u << 20)
#define CF_PROMISE_BYTES 512
#define CF_SETTLEMENTS_MAX 1024 /* newest, listed */
#define CF_BODIES_MAX 16        /* of those not settled yet */
#define CF_PROOFS_MAX 16        /* finality proofs that a receipt may still name */
#define CF_ENTRY_KEPT 4096
#define CF_EVIDENCE_BYTES 131072
#define CF_STATEMENT_BYTES 1024
#define CF_FILES_MAX 512             /* journal files at a start */
#define CF_FEED_BYTES (8u << 20)     /* entries shown in one crossing */
#define CF_SHOW_BYTES (CF_FEED_BYTES + (128u << 10))
#define CF_JOURNAL_BYTES (32u << 20) /* of a journal file, before a snapshot ends it */
#define CF_BUNDLE_BYTES (512u << 10)

#define CF_CLASS_MAX 48 /* of what a council's member refused for */

#define CF_BACKOFF_MS 100
#define CF_BUSY_MS 2000 /* a batch that the enclave has no room for waits this long before its inputs are refused */
#define CF_BACKOFF_MAX_MS 5000
#define CF_IDLE_MS 3  /* without new envelopes, before an empty batch */
#define CF_PACE_MS 20 /* between two appends to the log, while serving */
#define CF_ENCLAVE_MS 60000
#define CF_PEER_MS 5000

/* Effects with an answer: the kind is the id's low byte, an index the next, a serial number the rest.  The log's writer and
   publisher have ids of their own. */
enum {
  CF_ID_WRITER    = 2,
  CF_ID_PUBLISHER = 16,
  CF_ID_ENCLAVE   = 64,
  CF_ID_FRESH,    /* launcher, for ?nonce= */
  CF_ID_ACTIVATE, /* launcher, for POST /v1/activate */
  CF_ID_EVIDENCE,
  CF_ID_CHALLENGED,
  CF_ID_NONCE, /* verifiers, by index */
  CF_ID_CHALLENGE,
  CF_ID_ANSWER, /* launcher, for that verifier's challenge */
  CF_ID_STATEMENT,
  CF_ID_ATTEST,
  CF_ID_FINALITY,
  CF_ID_BLOCK,
  CF_ID_REGISTER,
  CF_ID_ACTS,
  CF_ID_BUNDLE,
  CF_ID_SNAPSHOT,
  CF_ID_JOURNAL_LIST,
  CF_ID_JOURNAL,
  CF_ID_SCAN,
  CF_ID_MANIFEST,
  CF_ID_RESULTS_LIST,
  CF_ID_RESULTS,
  CF_ID_LOOKUP,
  CF_ID_BODY,
  CF_ID_APPENDED, /* the log's files are durable */
};

typedef enum {
  CF_STEP_LOG,     /* reading the store and its own log */
  CF_STEP_INDEX,   /* manifests, results and bodies of what is there */
  CF_STEP_ENTRIES, /* genesis and deployment logged, and witnessed */
  CF_STEP_ENCLAVE, /* waits for an enclave to answer */
  CF_STEP_ADOPT,   /* an enclave that runs already: is everything that it executed in our journal? */
  CF_STEP_FILES,   /* snapshot and journal from disk */
  CF_STEP_BOOT,
  CF_STEP_JOURNAL,
  CF_STEP_FEED, /* to a checkpoint of the present */
  CF_STEP_FENCE,
  CF_STEP_CERTIFICATE, /* boot entry witnessed and fed back; certificate logged and witnessed */
  CF_STEP_ATTEST,      /* k verifiers' results */
  CF_STEP_RESULTS,     /* logged, witnessed and fed back */
  CF_STEP_POSSESS,
  CF_STEP_REGISTER,
  CF_STEP_VIEW,  /* the key live in a final block */
  CF_STEP_FIRST, /* the empty batch that makes the epoch's key durable */
  CF_STEP_SERVING,
  CF_STEP_HALTED, /* the instance ended or cannot go on: waits for another */
} cf_step_t;

/* ---- batches ---- */
#define CF_NO_FRAME UINT16_MAX
typedef struct {
  cf_hash_t id;
  uint64_t  known; /* sequence of the receipt that has it already; 0: none */
  uint16_t  frame; /* its place in the batch, CF_NO_FRAME when it is not in it */
  uint8_t class;   /* cf_refuse_t */
} cf_item_t;
typedef struct {
  uint64_t request; /* 0: promised envelopes */
  uint32_t first, cnt;
  bool     problem; /* a single envelope, refused as a problem document */
} cf_asker_t;
typedef struct {
  uint8_t   *frame; /* the BATCH message */
  size_t     len;
  uint16_t   frames;
  cf_item_t *item;
  uint32_t   items;
  uint32_t  *item_of; /* by frame */
  cf_asker_t asker[CF_BATCH_ASKERS];
  size_t     askers;
  uint64_t   since_ms; /* of its first envelope */
} cf_slot_t;

/* ---- receipts ---- */
typedef struct {
  uint64_t  sequence; /* 0: free */
  uint64_t  index;    /* in the log; CF_NO_INDEX before it is */
  uint64_t  inputs;
  cf_hash_t hash, manifest, results_root, proof;
  uint32_t  len;
  bool      own; /* as the enclave gave it, in this life */
  uint8_t   bytes[CF_RECEIPT_BYTES];
} cf_row_t;

/* ---- what waits for the log ---- */
typedef enum { CF_ENTRY_PLAIN, CF_ENTRY_RECEIPT, CF_ENTRY_SETTLEMENT, CF_ENTRY_RESULT } cf_entry_kind_t;
typedef struct {
  cf_entry_kind_t kind;
  uint32_t        at, len;
  cf_hash_t       key;
  uint64_t        number; /* sequence; settlement number; verifier */
} cf_queued_t;

/* An epoch as the log has it, for BOOT and bundles. */
typedef struct {
  uint64_t index;
  uint32_t len;
  uint8_t  bytes[CF_ENTRY_KEPT];
} cf_kept_entry_t;
typedef struct {
  cf_kept_entry_t boot, certificate, result[CF_MEMBERS_MAX];
} cf_kept_epoch_t;

typedef struct {
  cf_hash_t hash;
  uint32_t  len;
  uint8_t   bytes[CF_FINALITY_PROOF_MAX];
} cf_kept_proof_t;

/* ---- settlements ---- */
typedef struct {
  uint64_t            number; /* from 1; 0: free */
  cf_settlement_doc_t doc;
  cf_hash_t           digest;
  uint64_t            sequence, valid_until_s, index, block;
  uint64_t            replayed; /* block that holds it, + 1, as replayed and not yet known to be final; 0: none */
  unsigned            state;    /* cf_public_settlement: 0 authorised, 1 submitted, 2 included, 3 final, 4 abandoned */
  int                 body;     /* buffer, -1: none */
  uint64_t            retry_at_ms;
  unsigned            fails;
  cf_hash_t           call;   /* on a chain: the sender's name for it ... */
  cf_addr_t           signer; /* ... and whose signature it carries, once that was asked */
  bool                signer_known;
  uint64_t            reverted; /* nonce of its last transaction that was refused, + 1 */
  bool                over;     /* not to be submitted any more */
  bool                asked, executed, abandoned;
} cf_settled_t;
typedef struct {
  bool    used;
  size_t  len;
  uint8_t bytes[CF_SETTLEMENT_BODY_MAX];
} cf_body_t;

/* ---- the ledger ---- */
#define CF_VIEW_BUCKETS_MAX 32 /* assets whose release level a view shows */
typedef struct cf_evm_side cf_evm_side_t; /* of a ledger on a chain: cf_chainside.h */
typedef struct {
  cf_chain_t              chain; /* embedded */
  bool                    open;     /* chain is initialised */
  bool                    asking;   /* observers */
  bool                    fetching; /* a block */
  unsigned                pending;
  cf_finality_statement_t statement[CF_MEMBERS_MAX];
  bool                    have[CF_MEMBERS_MAX];
  char                    said[CF_MEMBERS_MAX][CF_CLASS_MAX]; /* how each ended last: attested, silent, or why not */
  bool                    proven; /* proof is newer than chain */
  cf_finality_proof_t     proof;
  uint8_t                 proof_bytes[CF_FINALITY_PROOF_MAX];
  size_t                  proof_len;
  uint64_t                ready; /* block that a view can be written of, + 1; 0: none */
  uint64_t                want;  /* block that must at least be seen; 0: any */
  bool                    wanted;
  uint64_t                at;     /* newest block whose state is here, + 1; 0: none */
  uint64_t                folded; /* messages that the enclave has */
  uint64_t                shown;  /* newest block shown whole, + 1; 0: none */
  bool                    batch_first; /* the enclave applies what it has before it takes more */
  uint64_t                time_s; /* its time */
  cf_hash_t               head;   /* the ledger's head in it */
  uint64_t                sought_ms, retry_at_ms, silent_since_ms;
  unsigned                fails;
  uint64_t                round;         /* ids above it are answers to the question under way */
  bool                    paused, moved; /* moved: the head, since the last view shown */
} cf_views_t;

/* ---- attestation ---- */
typedef enum {
  CF_ATTEST_IDLE,
  CF_ATTEST_NONCES,
  CF_ATTEST_CERTIFY,
  CF_ATTEST_EVIDENCE,
  CF_ATTEST_CREDENTIALS,
  CF_ATTEST_RESULTS
} cf_attest_step_t;
typedef struct {
  bool      busy, nonce_have, statement_have, done, want_statement;
  cf_hash_t nonce, measurement; /* measurement: that its result names */
  uint64_t  challenge;
  uint64_t  statement_s; /* when it was given */
  uint32_t  statement_len, ear_len;
  uint8_t   statement[CF_STATEMENT_BYTES];
  uint8_t   ear[CF_ENTRY_KEPT];
  cf_hash_t ear_key;  /* START: of the one that the store has ... */
  bool      unlogged; /* ... and the log was not seen to have */
  uint8_t   sig[64];
  char      refused[CF_CLASS_MAX]; /* class of the last problem */
} cf_verifier_state_t;
typedef struct {
  cf_attest_step_t  step;
  bool              renewal; /* the epoch has started already */
  uint64_t          retry_at_ms, attested_s, next_ms, round;
  unsigned          fails;
  cf_hash_t         binding, evidence_hash;
  uint8_t           certificate[CF_RECEIPT_BYTES];
  size_t            certificate_len;
  cf_hash_t         certificate_hash;
  uint64_t          certificate_index; /* CF_NO_INDEX before it is logged */
  cf_epoch_t        epoch;             /* what it says */
  uint8_t           evidence[CF_EVIDENCE_BYTES], collateral[CF_EVIDENCE_BYTES];
  size_t            evidence_len, collateral_len;
  uint8_t           served[CF_EVIDENCE_BYTES], served_collateral[CF_EVIDENCE_BYTES]; /* those that the newest results are about */
  size_t            served_len, served_collateral_len;
  uint8_t           challenged[CF_EVIDENCE_BYTES]; /* EK chain and AK public, as the launcher gave them */
  size_t            challenged_len;
  bool              asking; /* the launcher, or CHALLENGED */
  cf_registration_t registration;
  cf_verifier_state_t v[CF_MEMBERS_MAX];
} cf_attest_t;

/* ---- promises ---- */
typedef struct {
  cf_hash_t id;
  uint32_t  at, len; /* the envelope, in promised bytes */
  uint32_t  promise_len;
  uint8_t   promise[CF_PROMISE_BYTES];
  bool      under_way; /* in a batch */
} cf_promised_t;

/* A GET of results that goes over files; or of one public file. */
typedef struct {
  uint64_t          request; /* 0: free */
  char const       *type;    /* of a file; NULL: results */
  size_t            cnt, at;
  cf_index_result_t result[CF_LOOKUP_RESULTS];
  size_t            len;
  uint8_t           out[CF_LOOKUP_BYTES];
} cf_lookup_t;

struct cf_gateway {
  cf_gateway_config_t  cfg;
  cf_domain_t          domain;
  char                 issuer[CF_NOTE_NAME_MAX + 1];

  cf_now_t     now;
  uint64_t     serial, fence;
  bool         stopping;
  uint64_t     stop_at_ms;
  cf_metrics_t metrics;
  uint64_t     mode_since_ms;
  unsigned     mode;

  /* leader */
  cf_step_t         step;
  uint64_t          step_at_ms; /* not before */
  unsigned          step_fails;
  cf_refuse_t       halted;
  unsigned          scans;      /* START: of the store, to come */
  uint64_t          enclave_id; /* of the crossing under way; 0: none */
  cf_message_type_t crossing;
  cf_phase_t        phase; /* as the enclave last said */
  cf_hash_t         instance;
  uint64_t          boot_index; /* log index of its boot entry; CF_NO_INDEX before */
  bool              enclave_up;
  uint64_t          journal_file; /* number of the one in use; 0: none */
  uint64_t          journal_bytes, journal_want;
  uint64_t          files[CF_FILES_MAX];
  size_t            files_cnt, file_at;
  uint64_t          file_raw, file_offset; /* read so far; of it the enclave's */
  uint64_t          getting;               /* a journal file: id */
  bool              fresh;
  size_t            snapshot_len;  /* in keep */
  uint64_t          snapshot_size; /* log size at the last snapshot */
  uint8_t           possession[64];
  bool              registering; /* POST under way */
  uint64_t          register_at_ms;
  uint8_t           reading; /* what READ was asked for */
  uint64_t          replayed; /* newest receipt that the enclave has from our journal; UINT64_MAX: it read none in this life of ours */
  uint64_t          adopt;   /* sequence of an enclave that runs already */
  bool              adopt_read; /* what it let out was read again */
  bool              adopt_shut; /* a snapshot holds what it executed */
  size_t            adopt_len;  /* the receipt of an empty batch whose answer nobody had */
  uint8_t           adopt_receipt[CF_RECEIPT_BYTES];
  uint64_t          read_back; /* sequence of the last receipt that was taken from the enclave so: no note has what it names */
  bool              snapshot_due;
  uint64_t          snapshot_at_ms; /* not before */

  /* batches */
  cf_slot_t       slot[CF_BATCH_SLOTS];
  size_t          slot_first, slots_used;
  bool            batching; /* a batch is with the enclave: slot_first's, or an empty one */
  bool            batch_empty;
  uint64_t        receipt_epoch; /* of the newest receipt in the log */
  unsigned        follow;        /* empty batches to come */
  uint64_t        last_input_ms;
  bool            quiet; /* a tick came CF_IDLE_MS after it: no request waits at the door */
  uint64_t        busy_until_ms;
  bool            busy; /* the last batch refused had inputs, and none was taken since */
  uint64_t        sequence; /* newest receipt journaled */
  uint64_t        logged;   /* newest receipt in the log */
  cf_row_t       *row;      /* by sequence mod CF_RECEIPT_ROWS */
  cf_hash_t      *ids;      /* CF_BATCH_MAX, of the batch that was answered */
  cf_kept_proof_t proof[CF_PROOFS_MAX];
  size_t          proof_next;
  cf_hash_t       named_proof; /* by the newest receipt */
  cf_hash_t       stored_proof; /* of the view shown last */
  cf_index_t      index;
  uint64_t        index_at, index_end; /* receipts whose manifests are read at start */

  /* the log */
  cf_logwriter_t  writer;
  cf_publisher_t  publisher;
  cf_history_t    history;
  cf_kept_epoch_t newest, certified;
  cf_kept_entry_t deployment;
  cf_span_t       feeding; /* entry that the history reads */
  uint8_t        *queue;
  size_t          queue_len;
  cf_queued_t     queued[CF_QUEUE_MAX];
  size_t          queued_cnt;
  uint64_t        appending;              /* the append whose files are being written; 0: none */
  unsigned        appending_kinds;        /* of its entries: a bit each */
  uint64_t        appended_ms, quorum_ms; /* quorum_ms: since when a newer checkpoint waits for its quorum */
  uint64_t        shown;                  /* log size that the enclave was shown */
  uint64_t        showing;                /* a bundle to show is read: id */
  size_t          show_len;               /* the message made of it, which waits for the enclave */
  uint64_t        show_to;                /* with this checkpoint */
  bool            publisher_ok;
  uint8_t         show_note[CF_CHECKPOINT_NOTE_MAX];
  size_t          show_note_len;
  cf_hash_t       archived[64];
  size_t          archived_next;
  uint64_t        archived_proof_sequence;

  /* releases */
  uint64_t    results_file; /* number of the next */
  uint64_t    results_at;   /* start: the one that is read */
  bool        results_lost; /* start: it is not there or not whole; was it said to be lost? */
  cf_lookup_t lookup[CF_LOOKUPS_MAX];

  /* settlements */
  cf_settled_t settled[CF_SETTLEMENTS_MAX];
  uint64_t     settlements, settled_cnt, first_unsettled;
  cf_body_t   *body;
  uint64_t     acts_id;
  uint8_t     *acts; /* the calls under way */
  uint64_t     acts_number[CF_SETTLE_FLIGHT_MAX];
  size_t       acts_cnt;
  uint64_t     body_for; /* settlement whose body is being read */

  cf_views_t     views;
  cf_attest_t    attest;
  cf_evm_side_t *evm; /* NULL: the ledger is embedded */

  /* ?nonce= and POST /v1/activate */
  uint64_t  fresh_request, fresh_at_ms, fresh_id;
  cf_hash_t fresh_nonce;
  bool      fresh_certify;
  uint64_t  activate_request, activate_id;

  /* promises */
  cf_promised_t promised[CF_PROMISES_MAX];
  size_t        promised_cnt;
  uint8_t      *promised_bytes;
  size_t        promised_len;

  /* buffers of a step: what effects point to until the next one */
  uint8_t   *ask;     /* CF_FRAME_MAX: to the enclave */
  uint8_t   *show;    /* CF_SHOW_BYTES: to the enclave, when it is free */
  uint8_t   *keep;    /* CF_FRAME_MAX + 1 MiB: chunk, snapshot */
  uint8_t   *archive; /* CF_ARCHIVE_BYTES */
  uint8_t   *answer;  /* CF_ANSWER_BYTES */
  cf_wr_t    answers;
  uint8_t   *release; /* CF_RELEASE_BYTES */
  cf_hash_t *leaves;  /* of a receipt's results */
  uint8_t   *store;   /* CF_PROMISED_BYTES: of one STORE */
  cf_wr_t    writes;  /* into store, begun anew each step */
};

/* ---- between the files ---- */

static inline uint64_t
cf_fx_id(cf_gateway_t *g, unsigned kind, unsigned index) {
  return ++g->serial << 16 | (uint64_t)index << 8 | kind;
}
static inline uint64_t
cf_backoff_ms(unsigned fails) {
  uint64_t ms = (uint64_t)CF_BACKOFF_MS << (fails < 6 ? fails : 6);
  return ms < CF_BACKOFF_MAX_MS ? ms : CF_BACKOFF_MAX_MS;
}
static inline uint64_t
cf_now_s(cf_gateway_t const *g) {
  return g->now.wall_ms / 1000;
}
static inline cf_row_t *
cf_row(cf_gateway_t *g, uint64_t sequence) {
  cf_row_t *r = &g->row[sequence % CF_RECEIPT_ROWS];
  return sequence && r->sequence == sequence ? r : NULL;
}

/* cf_gateway.c */
void cf_gateway_say(cf_gateway_t *g, cf_effects_t *fx, cf_line_level_t level, cf_public_text_t event, cf_public_text_t reason,
                    uint64_t count);
bool cf_gateway_refusal(char class[CF_CLASS_MAX], cf_span_t problem); /* of a problem document; false when it is none */
void cf_gateway_public(cf_effects_t *fx, size_t from);    /* from there on: files lie in public/, the log's journal excepted, and all is in the side lane */
void cf_gateway_store(cf_gateway_t *g, cf_effects_t *fx); /* makes what was written to the store durable: a barrier */
cf_mode_rule_t cf_gateway_mode(cf_gateway_t const *g);
char const    *cf_gateway_missing(cf_gateway_t const *g);

/* cf_leader.c: crossings and the boot */
bool    cf_leader_ask(cf_gateway_t *g, cf_effects_t *fx, cf_message_type_t type,
                      cf_span_t message); /* message has its 2 bytes of head */
void    cf_leader_go(cf_gateway_t *g, cf_effects_t *fx);
cf_wr_t cf_leader_message(cf_gateway_t *g, cf_message_type_t type); /* a message begun, in g->ask */
enum { CF_READ_CERTIFICATE = 1, CF_READ_RECEIPT, CF_READ_STATUS, CF_READ_RELEASES };
void cf_leader_snapshot(cf_gateway_t *g, cf_effects_t *fx);
void cf_leader_read(cf_gateway_t *g, cf_effects_t *fx, uint8_t what, uint64_t sequence);
void cf_leader_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev);
void cf_leader_lost(cf_gateway_t *g, cf_effects_t *fx, cf_refuse_t why); /* the enclave answers no more, or not as it should */
void cf_leader_to(cf_gateway_t *g, cf_step_t step);
void cf_leader_later(cf_gateway_t *g);

/* cf_start.c */
void   cf_start_begin(cf_gateway_t *g, cf_effects_t *fx);
void   cf_start_index(cf_gateway_t *g, cf_effects_t *fx);
void   cf_start_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev);
void   cf_start_list(cf_gateway_t *g, cf_effects_t *fx, unsigned kind, cf_span_t name);
size_t cf_start_numbers(uint64_t *out, size_t max, cf_span_t names,
                        cf_span_t prefix); /* of names "<prefix><20 digits>", the newest max */

/* cf_boot.c; what ends in a verb answers the message of that name */
void cf_boot_begin(cf_gateway_t *g, cf_effects_t *fx);
void cf_boot_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev);
void cf_boot_ask(cf_gateway_t *g, cf_effects_t *fx);
void cf_boot_answer(cf_gateway_t *g, cf_rd_t *body);
void cf_boot_journal(cf_gateway_t *g, cf_effects_t *fx);
void cf_boot_replayed(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body);
void cf_boot_fenced(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body);
bool cf_boot_write(cf_gateway_t *g, cf_effects_t *fx,
                   cf_rd_t *body); /* {snapshot, header, file number} of an answer, durable in this order */
void cf_boot_adopt(cf_gateway_t *g, cf_effects_t *fx);
void cf_boot_receipt(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body);
void cf_boot_certificate(cf_gateway_t *g, cf_rd_t *body);
void cf_boot_releases(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body);

/* cf_batcher.c */
void cf_batcher_post(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev);
bool cf_batcher_ask(cf_gateway_t *g, cf_effects_t *fx); /* the next batch, when one is due */
void cf_batcher_empty(cf_gateway_t *g, cf_effects_t *fx);
void cf_batcher_answer(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body);
void cf_batcher_refused(cf_gateway_t *g, cf_effects_t *fx, cf_refuse_t why);
void cf_batcher_lost(cf_gateway_t *g, cf_effects_t *fx); /* what waits is promised, or refused */
bool cf_batcher_note(cf_gateway_t          *g,
                     cf_chunk_note_t const *note); /* a receipt that the journal holds; false when it makes no sense */

/* cf_promises.c */
bool           cf_promises_make(cf_gateway_t *g, cf_hash_t const *id, cf_span_t envelope, cf_span_t *promise, uint8_t *class);
bool           cf_promises_load(cf_gateway_t *g, cf_event_t const *ev);
bool           cf_promises_whole(cf_gateway_t const *g);
void           cf_promises_feed(cf_gateway_t *g); /* into a batch */
void           cf_promises_end(cf_gateway_t *g, cf_hash_t const *id);
cf_promised_t *cf_promises_find(cf_gateway_t *g, cf_hash_t const *id);

/* cf_logside.c */
void      cf_logside_start(cf_gateway_t *g, cf_effects_t *fx);
void      cf_logside_recovered(void *ctx, uint64_t index, cf_span_t entry, cf_hash_t const *key);
bool      cf_logside_queue(cf_gateway_t *g, cf_entry_kind_t kind, uint64_t number, cf_span_t entry);
bool      cf_logside_has(cf_gateway_t const *g, cf_entry_kind_t kind); /* an entry of that kind waits, or is being written */
void      cf_logside_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev);
void      cf_logside_tick(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev);
void      cf_logside_go(cf_gateway_t *g, cf_effects_t *fx);
void      cf_logside_ready(cf_gateway_t *g, cf_effects_t *fx);
bool      cf_logside_show(cf_gateway_t *g, cf_effects_t *fx); /* asks SHOW_LOG, or reads for it; true when nothing else may be asked now */
void      cf_logside_bundle(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev);
cf_span_t cf_logside_note(cf_gateway_t const *g);
void      cf_archive_put(cf_gateway_t *g, cf_effects_t *fx, cf_span_t bytes); /* bytes stay for the step */

/* cf_releases.c */
void cf_releases_take(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *items);
void cf_releases_index(cf_gateway_t *g, uint64_t file, cf_span_t bytes);
bool cf_releases_load(cf_gateway_t *g, uint64_t file, cf_span_t bytes);
void cf_releases_get(cf_gateway_t *g, cf_effects_t *fx, uint64_t request, cf_hash_t const *id);
void cf_releases_read(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev);
void cf_releases_file(cf_gateway_t *g, cf_effects_t *fx, uint64_t request, cf_span_t name, char const *type); /* of public/ */

/* cf_settler.c */
cf_settled_t *cf_settler_add(cf_gateway_t *g, cf_settlement_doc_t const *doc, uint64_t index, cf_span_t body);
bool          cf_settler_knows(cf_gateway_t *g, cf_settlement_doc_t const *doc);
cf_settled_t *cf_settler_at(cf_gateway_t *g, uint64_t number);
cf_hash_t     cf_settler_digest(cf_gateway_t const *g, cf_settlement_doc_t const *doc);
void          cf_settler_abandoned(cf_gateway_t *g, cf_hash_t const *digest);
void          cf_settler_go(cf_gateway_t *g, cf_effects_t *fx);
void          cf_settler_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev);
void          cf_settler_replayed(cf_gateway_t *g, cf_hash_t const *head,
                                  uint64_t block);           /* the head moved to it in a block replayed ... */
void          cf_settler_final(cf_gateway_t *g, bool final); /* ... and those blocks are final, or were none of the chain */
void          cf_settler_reached(cf_gateway_t *g, cf_hash_t const *head, uint64_t block); /* this head stands in a final block */
cf_op_t       cf_settler_op(cf_gateway_t const *g, cf_settled_t const *s);         /* its body is here */
void          cf_settler_sent(cf_gateway_t *g, cf_settled_t *s);
void          cf_settler_in(cf_gateway_t *g, cf_settled_t *s, uint64_t block); /* it stands in a block, which may not be final */
/* Body of POST /ledger/acts: one span. */
void cf_settler_call(cf_wr_t *wr, cf_op_t const *op, uint64_t deadline_s);
bool cf_settler_included(cf_span_t json, size_t i, uint64_t *block);
bool cf_settler_refused(cf_span_t json, cf_refusal_code_t why);

/* cf_views.c */
void                   cf_views_want(cf_gateway_t *g, uint64_t block);
void                   cf_views_go(cf_gateway_t *g, cf_effects_t *fx);
bool                   cf_views_ask(cf_gateway_t *g, cf_effects_t *fx); /* begins a SHOW_LEDGER */
void                   cf_views_answer(cf_gateway_t *g, cf_rd_t *body);
void                   cf_views_refused(cf_gateway_t *g, cf_refuse_t why);
void                   cf_views_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev);
cf_kept_proof_t const *cf_views_proof(cf_gateway_t const *g, cf_hash_t const *hash);
void                   cf_views_keep(cf_gateway_t *g, cf_span_t proof);
void                   cf_views_failed(cf_gateway_t *g); /* what was asked brought nothing: again, later */
/* The state of the proven block is here: its slots head and status. */
void cf_views_arrived(cf_gateway_t *g, cf_hash_t const *head, cf_hash_t const *status);
/* The further slots that a view shows; returns their number. */
size_t cf_views_keys(cf_gateway_t const *g, cf_hash_t keys[CF_VIEW_BUCKETS_MAX]);

/* cf_views_embedded.c: how an embedded ledger gets to the proven block, and what it knows then; cf_views_evm.c is its twin. */
void     cf_views_embedded_reset(cf_gateway_t *g);
void     cf_views_embedded_fetch(cf_gateway_t *g, cf_effects_t *fx);
void     cf_views_embedded_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev);
void     cf_views_embedded_has(cf_gateway_t *g, cf_effects_t *fx); /* is the proven block here already? */
uint64_t cf_views_embedded_messages(cf_gateway_t const *g);
bool     cf_views_embedded_write(cf_gateway_t *g, cf_wr_t *wr, cf_addr_t const *key, cf_hash_t const *keys, size_t n);

/* cf_attest.c */
void cf_attest_begin(cf_gateway_t *g);
void cf_attest_certificate(cf_gateway_t *g, cf_span_t cose, uint64_t index);
void cf_attest_adopt(cf_gateway_t *g); /* certificate and results of the newest epoch, from the log */
void cf_attest_go(cf_gateway_t *g, cf_effects_t *fx);
bool cf_attest_ask(cf_gateway_t *g, cf_effects_t *fx); /* CERTIFY, when it is due */
void cf_attest_certified(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body);
void cf_attest_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev);
bool cf_attest_archivable(cf_gateway_t const *g, unsigned verifier, cf_ear_t const *ear); /* what it names is what the verifier was asked about */
void cf_attest_archive(cf_gateway_t *g, cf_effects_t *fx, unsigned verifier);
void cf_attest_keep(cf_gateway_t *g, cf_effects_t *fx); /* results, and what they are about, in the store: before the archive has any of it */
void cf_attest_load(cf_gateway_t *g, cf_event_t const *ev);
void cf_attest_logged(cf_gateway_t *g, cf_hash_t const *key); /* START: the log has the entry of this key */
void cf_attest_unlogged(cf_gateway_t *g);                     /* queues the results that the store has and the log has not */
void cf_attest_failed(cf_gateway_t *g, cf_effects_t *fx, cf_public_text_t why); /* this round; another begins after a while */
/* How many of the results that are done agree on a measurement, and on which: a registration names one, and so must the k that sign
   it, and a verifier that names another may not spoil it. */
unsigned cf_attest_agreed(cf_hash_t *measurement, cf_verifier_state_t const v[CF_MEMBERS_MAX]);

/* cf_front.c, cf_tell.c */
void cf_front_request(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev);
void cf_front_problem(cf_gateway_t *g, cf_effects_t *fx, uint64_t request, unsigned code, char const *class, char const *detail);
void cf_front_bundle(cf_gateway_t *g, cf_effects_t *fx, uint64_t request, cf_span_t fresh);
void cf_tell_domain(cf_gateway_t *g, cf_wr_t *wr);
void cf_tell_status(cf_gateway_t *g, cf_wr_t *wr);
void cf_tell_settlement(cf_gateway_t *g, cf_wr_t *wr, cf_settled_t const *s);
void cf_tell_metrics(cf_gateway_t *g, cf_wr_t *wr);
cf_span_t cf_openapi(void);

#endif
