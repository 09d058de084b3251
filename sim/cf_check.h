/* The one who sees everything: what witnesses signed, what the enclaves let out, what the ledger executed, and whether it fits
   together. */
#ifndef CF_SIM_CHECK_H
#define CF_SIM_CHECK_H

#include "cf_machine.h"
#include "cf_readlog.h"
#include "document/cf_history.h"
#include "ledger/cf_settlement.h"
#include "translog/cf_tree.h"

#define CF_CHECK_RECEIPTS_MAX 4096
#define CF_CHECK_INPUTS_MAX 64
#define CF_CHECK_CONTENTS_MAX 512
#define CF_CHECK_HEADS_MAX 1024 /* cosigned (size, root) */
#define CF_CHECK_LIVES_MAX 256
#define CF_CHECK_LOG_MAX 8192
#define CF_CHECK_BLOCKS_MAX 8192
#define CF_CHECK_ACCOUNTS_MAX 4 /* by number, from 1 */

#define CF_CHECK_INVARIANTS 18
extern char const *const cf_check_names[CF_CHECK_INVARIANTS + 1]; /* by number, from 1: what must hold */

struct cf_town;

typedef struct {
  cf_hash_t hash, previous, intent, instance;
  uint64_t  sequence, epoch;
  bool      logged;   /* in the truth */
  bool      released; /* its results left the enclave */
  uint64_t  counts_at; /* truth's size when it counted; 0: it does not */
  uint32_t  inputs;
  cf_hash_t id[CF_CHECK_INPUTS_MAX];
} cf_check_receipt_t;

typedef struct {
  uint64_t  size;
  cf_hash_t root;
  unsigned  who; /* bit i: witness i */
} cf_check_head_t;

typedef struct {
  cf_hash_t digest, prev_head;
  uint64_t  first, last, valid_until_s;
  bool      executed;
} cf_check_content_t;

typedef struct {
  cf_hash_t envelope, receipt;
  uint64_t  sequence;
} cf_check_promise_t;

/* An envelope that was promised a receipt: kept once it was given to an enclave. */
typedef struct {
  cf_hash_t envelope;
  unsigned  batches; /* that the domain made since, without it */
  bool      kept;
} cf_check_word_t;

/* What an enclave's life was shown. */
typedef struct {
  cf_hash_t instance;
  uint64_t  fed;  /* log size */
  uint64_t  boot; /* index of its boot entry in the truth, CF_NO_INDEX before it is there */
  uint64_t  view; /* block that its newest receipt names */
} cf_check_life_t;

/* A witness: what it is asked in the step at work, and the newest that it answered. */
typedef struct {
  uint64_t  request, old_size, size; /* request 0: none */
  cf_hash_t root;
  uint64_t  answered;
  cf_hash_t answered_root;
  bool      faulty; /* one of the f that may sign anything */
} cf_check_witness_t;

/* A boot entry of the truth that was certified. */
typedef struct {
  uint64_t  index, tip_sequence;
  cf_hash_t instance, tip_hash;
} cf_check_adopter_t;

/* A block of the ledger, as all honest observers have it. */
typedef struct {
  uint64_t  time_s;
  cf_hash_t hash, head; /* head: after it */
  unsigned  who;        /* bit i: observer i said that it is final */
} cf_check_block_t;

/* What an enclave knew of the ledger, and its contents in flight, before it was asked. */
typedef struct {
  uint64_t  number, messages, time_s, next_number;
  cf_hash_t hash, inbox;
  bool      next;
  size_t    contents;
  struct {
    cf_hash_t digest, prev_head;
    uint64_t  valid_until_s;
  } content[CF_SETTLE_FLIGHT_MAX];
} cf_check_before_t;

typedef struct {
  struct cf_town     *town;
  cf_check_receipt_t *receipt;
  size_t              receipts;
  cf_check_head_t     head[CF_CHECK_HEADS_MAX];
  size_t              heads;
  cf_check_witness_t  witness[16];
  /* the truth: the log under a witness quorum */
  cf_span_t          *entry;
  cf_hash_t          *leaf;
  uint64_t            size;
  cf_history_t       *history;
  cf_check_content_t *content;
  size_t              contents;
  cf_check_adopter_t  adopter; /* the newest */
  uint8_t             root[CF_CHECK_LIVES_MAX][32]; /* that an enclave of the domain drew */
  size_t              roots;
  cf_check_block_t   *chain;
  cf_check_before_t   before;
  cf_check_life_t     life[CF_CHECK_LIVES_MAX];
  size_t              lives;
  cf_check_promise_t *given; /* receipts that parties hold */
  size_t              givens;
  cf_check_word_t    *word;
  size_t              words;
  uint64_t            block; /* ledger blocks looked at */
  uint64_t            ledger_s; /* time of the newest */
  cf_hash_t           ledger_head;
  uint64_t            executed_last;
  uint64_t            messages; /* of the ledger's inbox, read */
  uint64_t            had[3][CF_CHECK_ACCOUNTS_MAX], paid[3][CF_CHECK_ACCOUNTS_MAX]; /* deposited; paid to who left */
  bool                lossy; /* a disk was rolled back, or copied: what was accepted but not yet logged may be gone */
} cf_check_t;

void cf_check_init(cf_check_t *c, struct cf_town *t);
void cf_check_fini(cf_check_t *c);

/* cf_check_log.c: effects of witnesses, and the truth. */
void                cf_check_asked(cf_check_t *c, unsigned witness, cf_event_t const *ev);
void                cf_check_effect(cf_check_t *c, unsigned node, cf_effect_t const *e);
cf_check_receipt_t *cf_check_receipt(cf_check_t *c, cf_hash_t const *hash);
/* How many witnesses stand behind a head, by what they really signed. */
unsigned cf_check_behind(cf_check_t const *c, uint64_t size, cf_hash_t const *root);
cf_check_head_t cf_check_held(cf_check_t const *c, unsigned witness); /* on its disk; size 0: nothing */
/* How many witnesses could go on with the log that lies on a disk. */
unsigned cf_check_consistent(cf_check_t *c, cf_disk_t const *d);
/* cf_check_enclave.c: what crosses the boundary. */
void cf_check_before(cf_check_t *c, cf_machine_t *m);
void cf_check_boundary(cf_check_t *c, cf_machine_t *m, cf_span_t request, cf_span_t answer);
void cf_check_promised(void *check, cf_hash_t const *envelope);
void cf_check_given(void *check, cf_hash_t const *envelope, cf_hash_t const *receipt, uint64_t sequence);

/* cf_check_view.c: what enclaves believe of the ledger. */
void cf_check_view_receipt(cf_check_t *c, cf_check_life_t *l, cf_receipt_t const *doc);
void cf_check_statement(cf_check_t *c, unsigned node, cf_effect_t const *e);
void cf_check_view_shown(cf_check_t *c, cf_machine_t *m, cf_refuse_t class);

/* cf_check_ledger.c: after each event; and at the end. */
void cf_check_ledger(cf_check_t *c);
bool cf_check_settled(cf_check_t *c, char *why, size_t why_max); /* 6: is everything submitted settled? */
/* 11, for a domain that can go on no more: everybody was paid what the ledger said was his. */
bool cf_check_all_left(cf_check_t *c, char *why, size_t why_max);
void cf_check_end(cf_check_t *c);
/* cf_check_audit.c: at the end. */
void cf_check_audit(cf_check_t *c);

#endif
