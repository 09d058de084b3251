/* Inside audit only: what one audit knows, and the steps that fill it in, in order. */
#ifndef CF_AUDIT_STATE_H
#define CF_AUDIT_STATE_H

#include "audit/cf_audit.h"
#include "audit/cf_audit_mem.h"
#include "base/cf_text.h"
#include "document/cf_history.h"
#include "ledger/cf_blocks.h"
#include "ledger/cf_domain.h"
#include "translog/cf_logreader.h"
#include "translog/cf_note.h"

#define CF_NAME_MAX 200
#define CF_ARCHIVE_MAX ((size_t)64 << 20) /* a manifest of two million inputs */
typedef unsigned long long ull_t;

/* ---- files ---- */

typedef struct {
  char const *name;
  bool        accounted;
} cf_name_t;

typedef struct {
  cf_tile_t tile;
  uint64_t  name; /* row of names */
} cf_tile_name_t;

/* Whose file or statement it is that a fault is found in. */
typedef struct {
  unsigned         rank, check;
  uint64_t         receipt, entry;
  cf_audit_about_t about;
} cf_who_t;
enum { CF_RANK_LOG, CF_RANK_GENESIS, CF_RANK_NOTES, CF_RANK_LEDGER, CF_RANK_RECEIPTS, CF_RANK_RESULTS, CF_RANK_FILES };
#define CF_WHO(rank, check) ((cf_who_t){(rank), (check), 0, CF_NO_INDEX, CF_ABOUT_OTHER})
#define CF_WHO_ABOUT(rank, check, about) ((cf_who_t){(rank), (check), 0, CF_NO_INDEX, (about)})

typedef struct { /* a narrower file of a tile that is not the beginning of the wider one */
  char const *name;
  cf_who_t    who;
} cf_narrow_row_t;

/* ---- rows ---- */

typedef struct { /* a kept checkpoint that a quorum stands behind, and that is of this log */
  uint64_t  size;
  cf_hash_t root;
  uint64_t  time_s;
  uint64_t  top_s; /* the largest time up to it */
} cf_kept_note_t;

typedef struct {
  cf_history_boot_t boot;
  uint64_t          affirmed;   /* results that were re-derived and agree, by distinct verifiers */
  uint64_t          statements; /* distinct verifiers whose credential statements these rest on */
  uint64_t          first_receipt; /* index of its first receipt; CF_NO_INDEX: none */
  bool              ak_certified;
  bool              said[CF_MEMBERS_MAX], stated[CF_MEMBERS_MAX];
  bool              fenced;                               /* what the log says of it when it was certified was looked at */
  char const       *refused;                              /* and why no honest verifier would have signed; static */
  bool              passes;                               /* check 3 */
  cf_hash_t         evidence, measurement, configuration; /* of the first that agrees */
  cf_audit_fault_t  why;                                  /* the first that does not; text empty: none */
} cf_epoch_row_t;

typedef struct {
  uint64_t index;
  uint64_t member;
  cf_ear_t ear; /* verdict lies in the arena */
  bool        agrees;
  char const *lie; /* in what it does not follow from its evidence; NULL: it does, or cannot be judged */
} cf_result_row_t;

typedef enum { CF_RECEIPT_UNDECIDED, CF_RECEIPT_COUNTS, CF_RECEIPT_SKIPPED, CF_RECEIPT_REFUSED } cf_receipt_kind_t;
typedef enum { CF_JUDGED_NOT, CF_JUDGED_HOLDS, CF_JUDGED_PROVISIONAL, CF_JUDGED_FAILS } cf_judged_t;
#define CF_NO_ROW UINT64_MAX

typedef struct {
  uint64_t            index, epoch, sequence;
  cf_hash_t           hash, instance, policy, measurement, previous, state_before, state_after;
  cf_hash_t           manifest, inputs_root, intent, abandon;
  uint64_t            inputs, first_id;
  uint64_t            workload_version;
  bool                workload; /* it is policy's */
  bool                hangs;    /* a content covers it that does not hold */
  cf_checkpoint_ref_t not_before;
  cf_view_ref_t       view;
  cf_receipt_kind_t   kind;
  cf_judged_t         judged;
  uint64_t            content; /* row of contents that covers it; CF_NO_ROW */
} cf_receipt_row_t;

typedef struct { /* one content; the same, signed again by a successor, is the same row */
  cf_settlement_doc_t  doc;
  uint64_t             index; /* of its first settlement entry */
  cf_settlement_meta_t meta;
  cf_hash_t            digest;
  uint64_t             intent; /* sequence of the receipt that carries it; 0: none */
  bool                 bad;
  bool                 moved;     /* of a chain: it moved the head */
  uint64_t             abandoned; /* sequence of the receipt that made it void; 0: none */
  bool                 executed;
  uint64_t             block;
  uint64_t             number; /* from 1, in the order of intents */
} cf_content_row_t;

typedef struct {
  cf_hash_t hash, head;
  uint64_t  time_s;
} cf_block_row_t;

typedef struct {
  uint64_t        block;
  cf_hash_t       digest;
  cf_settlement_t content;
} cf_move_row_t;

typedef struct {
  uint64_t          block;
  bool              known; /* all of r; else its key alone */
  cf_registration_t r;
} cf_registration_row_t;

typedef struct {
  cf_hash_t name;
  bool      holds;
  uint64_t  number;
  cf_hash_t hash;
  uint64_t  time_s;
  char      file[48], why[160]; /* when it does not hold */
} cf_proof_row_t;

typedef struct {
  uint64_t deposited, paid, lanes, free_lanes; /* minor units */
  uint64_t settlements, net;                   /* executed; sum of positive positions */
  bool     over;                               /* a sum left 64 bits */
  cf_audit_held_t token;                       /* of a chain */
  uint64_t        held;                        /* of it, whole units; UINT64_MAX: so many or more */
} cf_asset_row_t;

/* A slot of a contract that messages or settlements touched, and what they lead to. */
__extension__ typedef __int128 cf_units_t; /* a sum of any number of 64 bits, on its way below 0 */
typedef enum { CF_LANES_MAIN, CF_LANES_FREE, CF_LANES_ROOT } cf_lanes_kind_t;
typedef struct {
  cf_hash_t       key;
  cf_lanes_kind_t kind;
  uint32_t        asset, first; /* account of the first lane; of a root record: the only one */
  cf_units_t      units[4];     /* of a free lane: but for what was withdrawn */
} cf_lanes_row_t;

struct cf_audit {
  cf_audit_reader_t  reader;
  cf_audit_options_t options;
  cf_hash_t          wanted_domain;
  cf_mem_t           mem;
  bool               failed_io;
  cf_audit_counts_t  n;
  cf_audit_fault_t  *faults; /* CF_AUDIT_FAULTS_MAX */
  /* files */
  bool     listed;
  bool     unread; /* some part could not be judged: what refers to files is not known whole */
  cf_vec_t names;
  cf_map_t by_name;
  cf_vec_t tiles; /* of listed files */
  cf_vec_t narrow;
  uint8_t *bundle; /* the widest file of the tile under way */
  size_t   bundle_sz, bundle_max;
  /* genesis */
  bool                 has_genesis;
  uint8_t             *genesis_entry;
  size_t               genesis_sz;
  cf_domain_t          domain;
  cf_hash_t            deployed; /* block 0's hash, by the deployment entry */
  bool                 has_deployment;
  /* log */
  uint64_t                 size, good; /* entries below good are the log's */
  cf_hash_t                root;
  bool                     cut; /* good < size */
  cf_span_t                head_note; /* log/checkpoint, when it holds */
  uint8_t                 *fork;      /* the proof of one */
  size_t                   fork_sz;
  bool                     outgrown; /* files of a larger log than the newest checkpoint says lie here */
  cf_logreader_t           log;
  cf_vec_t                 level[64]; /* roots of complete subtrees */
  cf_vec_t                 notes;     /* rising size */
  cf_history_t             history;
  cf_vec_t                 boots; /* uint64_t: boot entries */
  cf_vec_t                 epochs, results, receipts, contents;
  cf_vec_t                 lies; /* cf_result_row_t const *, of epochs that pass */
  cf_vec_t                 counting;   /* uint64_t: rows of receipts, by sequence from 1 */
  char const              *event_text; /* what history said of the entry under way */
  cf_history_kind_t        event;
  cf_history_boot_t const *event_boot;
  /* ledger */
  bool                   on_chain; /* it is a contract's */
  cf_audit_chain_facts_t facts;    /* of that */
  bool                   standing; /* ... which stands at its address */
  cf_vec_t               named;    /* cf_audit_named_t: blocks that receipts name, by number */
  cf_chain_t     chain;
  uint64_t       blocks_there; /* before the log was read: what these executed stands in the log */
  bool           ledger_whole; /* every block was replayed; every move of the head is known */
  uint64_t       block_now;
  cf_vec_t       blocks, moves, registrations, proofs;
  cf_vec_t       lanes; /* of a chain: cf_lanes_row_t, what was touched */
  cf_map_t       by_slot;
  uint64_t       bodies; /* of moves: read, and counted in lanes */
  bool           inbox_whole;
  uint64_t       accounts, keys_live, keys_revoked, floor_epoch;
  bool           held_looked;
  cf_map_t       by_proof, by_content, by_intent, by_void; /* by_void: contents that are, by the head they stood on */
  cf_asset_row_t assets[CF_GENESIS_ASSETS_MAX];
  uint64_t       order_cnt;
  uint64_t       covered_to; /* the last receipt that a content covers */
  uint64_t      *order;      /* contents by intent */
  /* inputs */
  cf_vec_t ids; /* cf_hash_t */
  cf_map_t by_id;
};

/* ---- steps: false when nothing after it can be judged ---- */

bool cf_audit_list(cf_audit_t *a);
bool cf_audit_since(cf_audit_t *a); /* cf_since.c */
bool cf_audit_genesis(cf_audit_t *a);
bool cf_audit_log(cf_audit_t *a);
bool cf_audit_history(cf_audit_t *a);
bool cf_audit_notes(cf_audit_t *a);
bool cf_audit_results(cf_audit_t *a);
bool cf_audit_blocks(cf_audit_t *a); /* before the log: how far the ledger goes */
bool cf_audit_chain_ask(cf_audit_t *a); /* before the log, for the same reason */
bool cf_audit_ledger(cf_audit_t *a);
bool cf_audit_chain(cf_audit_t *a); /* the ledger, when it is on a chain */
bool cf_audit_contents(cf_audit_t *a);
bool cf_audit_receipts(cf_audit_t *a);
void cf_audit_accounts(cf_audit_t *a);

/* ---- shared ---- */

cf_audit_t *cf_audit_new(cf_audit_reader_t const *reader, cf_audit_options_t const *options);
/* cf_audit_note_size: "checkpoints/<20 digits>". */
bool cf_audit_note_size(uint64_t *size, char const *name);

void cf_audit_fault(cf_audit_t *a, cf_who_t who, char const *file, char const *next, char const *fmt, ...)
    __attribute__((format(printf, 5, 6)));
extern char const cf_next_copy[], cf_next_keep[];

/* cf_audit_name_add interns a name told by the reader. */
void cf_audit_account(cf_audit_t *a, char const *name);
/* cf_audit_has: told by the reader, or the reader cannot tell. */
bool cf_audit_has(cf_audit_t *a, char const *name);
/* cf_audit_read marks the file accounted for and reads it; an absent or over-long one is who's fault, referred to by `by`. */
bool cf_audit_read(cf_audit_t *a, cf_span_t *out, char const *name, size_t max, cf_who_t who, char const *by);
/* The same without the fault. */
cf_read_t cf_audit_try(cf_audit_t *a, cf_span_t *out, char const *name, size_t max);
/* cf_audit_archived reads archive/<hash> and demands that it hashes to its name. */
bool      cf_audit_archived(cf_audit_t *a, cf_span_t *out, cf_hash_t const *hash, cf_who_t who, char const *by);
cf_span_t cf_audit_keep(cf_audit_t *a, cf_span_t s);

/* cf_since_reader puts a state before a reader: cf_audit_since says whether what it knows is to be believed. */
cf_audit_reader_t cf_since_reader(cf_since_t *s, cf_audit_reader_t const *under);
/* cf_audit_fork_keep keeps the first proof of a fork that can be made. */
void cf_audit_fork_keep(cf_audit_t *a, cf_span_t x, cf_span_t y, cf_witness_set_t const *set, cf_tree_reader_t const *reader);
/* cf_audit_root is the log's root at a size up to a->good. */
cf_hash_t                       cf_audit_root(cf_audit_t const *a, uint64_t size);
void                            cf_audit_leaf(cf_audit_t *a, cf_hash_t const *leaf);
cf_kept_note_t const           *cf_audit_note_covering(cf_audit_t const *a, uint64_t index); /* the first; NULL */
cf_kept_note_t const           *cf_audit_note_of(cf_audit_t const *a, uint64_t size);
cf_epoch_row_t                 *cf_audit_epoch(cf_audit_t const *a, uint64_t epoch);
cf_receipt_row_t               *cf_audit_receipt_at(cf_audit_t const *a, uint64_t index); /* by log index */
static inline cf_receipt_row_t *cf_audit_counting(cf_audit_t const *a, uint64_t sequence) {
  if (sequence == 0 || sequence > a->counting.cnt) return NULL;
  return cf_vec_at(&a->receipts, *(uint64_t *)cf_vec_at(&a->counting, sequence - 1));
}
cf_content_row_t *cf_audit_content(cf_audit_t const *a, cf_hash_t const *digest);
char const       *cf_audit_verdict(cf_audit_t const *a, cf_content_row_t const *c); /* in one or two words, static */
/* The ledger is on a chain, and nobody asked it: settlements are not judged. */
static inline bool cf_audit_unasked(cf_audit_t const *a) { return a->on_chain && !a->options.chain; }
/* cf_audit_body counts an executed settlement's body per asset; cf_audit_moved_body that of one on a chain, per lane, too. */
void cf_audit_body(cf_audit_t *a, cf_span_t body);
void cf_audit_moved_body(cf_audit_t *a, cf_span_t body);
/* cf_audit_holdings compares what a chain's contract holds, proven slot by slot, with what messages and bodies lead to. */
bool cf_audit_holdings(cf_audit_t *a);
bool cf_audit_keys(cf_audit_t *a);
/* cf_audit_slots proves any number of slots. */
bool cf_audit_slots(cf_audit_t *a, cf_hash_t *values, cf_hash_t const *keys, uint64_t n);
/* cf_audit_block finds a block of the ledger by its number. */
typedef enum { CF_BLOCK_THERE, CF_BLOCK_MISSING, CF_BLOCK_UNKNOWN } cf_block_there_t;
cf_block_there_t cf_audit_block(cf_audit_t const *a, cf_audit_block_t *out, uint64_t number);
/* cf_audit_head_at is the ledger's head behind that block; false when it is not known. */
bool cf_audit_head_at(cf_audit_t const *a, cf_hash_t *head, uint64_t number);
cf_block_there_t cf_audit_chain_block(cf_audit_t const *a, cf_audit_block_t *out, uint64_t number);
bool             cf_audit_chain_head_at(cf_audit_t const *a, cf_hash_t *head, uint64_t number);
/* cf_audit_at names a block for a fault: its file, or (of a chain) none and a word for the text. */
char const *cf_audit_at(cf_audit_t const *a, char file[48], char word[40], uint64_t block);

static inline bool cf_is_zero(cf_hash_t const *h) {
  static cf_hash_t const zero;
  return cf_hash_eq(h, &zero);
}
static inline cf_hash_t cf_hash_of(uint8_t const b[32]) {
  cf_hash_t h;
  memcpy(h.b, b, sizeof h.b);
  return h;
}
/* "5d0c1f2a…": four bytes. */
static inline char const *cf_short(char out[16], uint8_t const b[32]) {
  static char const digits[] = "0123456789abcdef";
  for (int i = 0; i < 4; i++) out[2 * i] = digits[b[i] >> 4], out[2 * i + 1] = digits[b[i] & 15];
  memcpy(out + 8, "\xe2\x80\xa6", 4);
  return out;
}
/* Enough hex digits of both to see that they differ, four bytes at least. */
static inline void cf_differing(char x[68], char y[68], cf_hash_t const *a, cf_hash_t const *b) {
  size_t n = 0;
  while (n < 31 && a->b[n] == b->b[n]) n++;
  n = n < 4 ? 4 : n + 1;
  memcpy(cf_hex_encode(x, CF_SPAN(a->b, n)) + 2 * n, "\xe2\x80\xa6", 4);
  memcpy(cf_hex_encode(y, CF_SPAN(b->b, n)) + 2 * n, "\xe2\x80\xa6", 4);
}

#endif
