/* Audit: everything that a domain claims, replayed from its public folder alone.  DESIGN 8, PROTOCOL P6 to P8;
   docs/protocol/audit.md has the files accepted, the checks and the reports.

   A pure core over a reader: it is handed a folder, an HTTP tree or memory, and asks neither network nor clock.  It needs no
   secret and reads no plaintext.  Memory comes from one arena that grows (malloc) and is freed as a whole: 64 bytes per log
   entry, 500 per receipt, about 70 per envelope id, 72 per block, beside the ledger's state (cf_state.h) and, while they are
   read, the entries' bundles.  It stops the
   process when memory ends.  Not thread-safe; separate audits are independent. */
#ifndef CF_AUDIT_AUDIT_H
#define CF_AUDIT_AUDIT_H

#include "base/cf_error.h"
#include "codec/cf_json.h"
#include "crypto/cf_hash.h"
#include "ledger/cf_finality.h"
#include "ledger/cf_inbox.h"
#include "ledger/cf_ledger.h"

/* ---- what is read ---- */

typedef enum {
  CF_READ_OK,
  CF_READ_ABSENT, /* there is no such file */
  CF_READ_LARGE,  /* more than max bytes */
  CF_READ_FAILED, /* the world failed: the audit ends with CF_ERR_IO */
} cf_read_t;

typedef void cf_audit_name_fn(void *ctx, char const *name);

/* Names are relative to public/, with '/'.  list tells every file once, in any order; it is asked first, so that what is added
   meanwhile is newer than what it told.  NULL where a tree cannot be listed: then what nothing refers to is not found. */
typedef struct {
  cf_status_t (*list)(void *ctx, cf_audit_name_fn *fn, void *fn_ctx);
  cf_read_t (*read)(void *ctx, char const *name, size_t max, cf_span_t *bytes); /* borrowed until the next read */
  void *ctx;
} cf_audit_reader_t;

/* ---- a ledger on a chain: what its nodes say ---- */

typedef struct {
  uint64_t  number;
  cf_hash_t hash;
  uint64_t  time_s;
} cf_audit_block_t;

typedef struct {
  uint64_t        block;
  cf_hash_t       head;
  cf_settlement_t settlement; /* but for prev_head, which is the head before */
} cf_audit_settled_t;

typedef struct {
  uint64_t          block, index; /* of the event in its block */
  cf_addr_t         key;
  uint64_t          not_before_s;
  bool              called; /* the call is known: one that came through another contract is not */
  cf_registration_t r;
  cf_member_sigs_t  sigs;
} cf_audit_registered_t;

typedef struct {
  uint64_t       block, index;
  cf_inbox_msg_t said;
} cf_audit_message_t;

/* final is the newest block that they call final; code_hash, head and inbox of the contract are proven in it.  Events are all up to final, in
   the chain's order.  Borrowed until the audit ends. */
typedef struct {
  cf_audit_block_t             final;
  cf_hash_t                    code_hash, head, inbox;
  cf_audit_settled_t const    *settled;
  size_t                       settled_cnt;
  cf_audit_registered_t const *registered;
  size_t                       registered_cnt;
  cf_audit_message_t const    *messages;
  size_t                       messages_cnt;
} cf_audit_chain_facts_t;

/* What the contract holds of a token in the final block. */
typedef struct {
  cf_addr_t token;    /* given; CF_EVM_ETHER: of the chain's own money */
  bool      known;    /* the rest is: a token may not answer as one */
  bool      proven;   /* amount stands in the state; else a quorum of the nodes says it */
  uint64_t  decimals; /* of the token, as a quorum of the nodes says */
  cf_hash_t amount;   /* big-endian, in the token's smallest units */
} cf_audit_held_t;

/* Who asks has proven what can be proven to one reader (that header, code and head belong together); what events and blocks
   mean the audit judges: the heads are a chain of hashes from the first to the proven one, calls carry their verifiers' signatures.
   facts is asked once, before the log is read: CF_READ_ABSENT when nothing stands at the contract's address.  blocks fills in n rows (at
   most CF_AUDIT_BLOCKS_MAX), whose numbers are given and rise.  slots proves n (at most CF_AUDIT_SLOTS_MAX) of the contract's slots in the final
   block, and held fills in a row whose token is given.  None gives CF_READ_LARGE; the last three give no CF_READ_ABSENT. */
#define CF_AUDIT_BLOCKS_MAX 64
#define CF_AUDIT_SLOTS_MAX  128
typedef struct {
  cf_audit_block_t block;
  bool             there; /* the chain has one of that number */
} cf_audit_named_t;

typedef struct {
  cf_read_t (*facts)(void *ctx, cf_audit_chain_facts_t *out, cf_ledger_identity_t const *ledger);
  cf_read_t (*blocks)(void *ctx, cf_audit_named_t *rows, size_t n);
  cf_read_t (*slots)(void *ctx, cf_hash_t *values, cf_hash_t const *keys, size_t n);
  cf_read_t (*held)(void *ctx, cf_audit_held_t *row);
  void *ctx;
} cf_audit_chain_t;

typedef struct cf_since cf_since_t; /* audit/cf_since.h */

typedef struct {
  cf_hash_t const *domain; /* that it must be; NULL: since's, or what genesis says, and the report says that nobody asked */
  uint64_t         now_s;  /* 0: unknown.  Only to find cosignatures that are of later */
  cf_audit_chain_t const *chain; /* for a ledger on a chain; NULL: nobody asks it, and settlements are not judged */
  cf_since_t             *since; /* what an audit before knew, and what this one is to keep; NULL: all is read, nothing kept */
} cf_audit_options_t;

/* ---- what is found ---- */

#define CF_AUDIT_CHECKS 10
/* cf_audit_check_name is P6's wording for check 1 to 10, static. */
char const *cf_audit_check_name(unsigned check);

/* What a fault is about, for who must act on it. */
typedef enum {
  CF_ABOUT_OTHER,
  CF_ABOUT_FORK,
  CF_ABOUT_ROLLBACK,
  CF_ABOUT_ENCLAVE,    /* certified or registered, and should not be */
  CF_ABOUT_VERDICT,    /* does not follow from its evidence */
  CF_ABOUT_SETTLEMENT, /* without receipt, or not as receipts say */
} cf_audit_about_t;

typedef struct {
  cf_audit_about_t about;
  unsigned    check;     /* 1..10; 0: of the folder as a whole */
  uint64_t    receipt;   /* its sequence; 0: of no single receipt */
  uint64_t    entry;     /* log index; CF_NO_INDEX (UINT64_MAX): none */
  char        file[120]; /* relative to public/; empty: none */
  char        text[240];
  char const *next;   /* what to do, static */
  unsigned    rank;   /* causes before consequences */
  uint64_t    number; /* in the order found */
} cf_audit_fault_t;

typedef struct {
  uint64_t files, bytes;       /* read */
  uint64_t entries, witnessed; /* log size; how much of it a quorum stands behind */
  uint64_t checkpoints;
  uint64_t epochs, results;   /* certified epochs; results re-derived that agree */
  uint64_t lies;              /* results of passing epochs that do not: told, no faults */
  uint64_t receipts;          /* counting */
  uint64_t hold, provisional; /* of them: all ten checks; nine, and not yet witnessed */
  uint64_t fail, not_judged;
  uint64_t skipped; /* receipts of dead instances beyond the adopted tip: no fault, no history */
  uint64_t inputs;
  uint64_t contents, executed, abandoned; /* settlements opened, final on the ledger, void */
  uint64_t blocks; /* replayed; of a chain: those that finality proofs name, as its nodes have them */
  uint64_t calls, registrations, proofs;
  uint64_t slots; /* of a chain: proven, of lanes and keys */
  uint64_t faults;
} cf_audit_counts_t;

typedef struct cf_audit cf_audit_t;

/* A boot entry, as far as the log says: an enclave came to life. */
typedef struct {
  uint64_t entry;
  uint64_t certified;  /* entry of the result that certified it; CF_NO_INDEX: none did */
  uint64_t covered_s;  /* time of the first kept checkpoint that covers it; 0: none */
} cf_audit_boot_t;

/* cf_audit_run reads and judges everything.  *out is always set; the reader is not used after it returns.
   CF_OK        everything holds
   CF_ERR_AUTH  there are faults
   CF_ERR_UNSUPPORTED  what was judged holds; the ledger is on a chain that nobody asked
   CF_ERR_IO    the reader failed: nothing is said */
CF_MUST_CHECK cf_status_t cf_audit_run(cf_audit_t **out, cf_audit_reader_t const *reader, cf_audit_options_t const *options);
void                      cf_audit_free(cf_audit_t *a);

cf_audit_counts_t const *cf_audit_counts(cf_audit_t const *a);
/* Faults in the order in which they are to be told, i < counts.faults and CF_AUDIT_FAULTS_MAX. */
#define CF_AUDIT_FAULTS_MAX 1000
cf_audit_fault_t const *cf_audit_fault_at(cf_audit_t const *a, size_t i);
/* Boot entry i in the log's order; false: there are no more. */
bool cf_audit_boot(cf_audit_t const *a, cf_audit_boot_t *out, size_t i);
/* Lie i, i < counts.lies: whose result, at which entry, does not follow from its evidence, and in what (the audit's text). */
typedef struct {
  uint64_t    verifier, entry;
  char const *text;
} cf_audit_lie_t;
cf_audit_lie_t cf_audit_lie_at(cf_audit_t const *a, size_t i);
/* The newest kept checkpoint that a quorum stands behind; false: none. */
bool cf_audit_witnessed(cf_audit_t const *a, uint64_t *size, uint64_t *time_s);
/* What genesis says; false when there is none. */
bool cf_audit_domain(cf_audit_t const *a, cf_hash_t *domain);

/* The proof of a fork (translog/cf_fork.h), when one was found and can be shown; empty: none.  The audit's. */
cf_span_t cf_audit_fork(cf_audit_t const *a);

/* ---- reports: written piece by piece ---- */

typedef struct {
  void (*write)(void *ctx, cf_span_t text);
  void *ctx;
} cf_audit_out_t;

/* The lines of TERMINAL.md: FAIL lines or OK, counts, assets, a verdict per settlement. */
void cf_audit_text(cf_audit_t const *a, cf_audit_out_t const *out);
/* The one line behind "audit" on the demo's screen, without its label: at most 200 bytes with NUL. */
void cf_audit_line(cf_audit_t const *a, char out[200]);
void cf_audit_json(cf_audit_t const *a, cf_audit_out_t const *out);
void cf_audit_html(cf_audit_t const *a, cf_audit_out_t const *out);

/* ---- chain of custody ---- */

typedef struct {
  uint64_t  receipt, entry; /* sequence; its log index */
  uint64_t  input;          /* place of the envelope in its manifest */
  uint64_t  epoch;
  cf_hash_t evidence;   /* of the first result that agrees */
  uint64_t  policy;     /* version */
  uint64_t  checkpoint; /* size of the first kept one that covers it; 0: none yet */
  uint64_t  settlement; /* from 1, in the order of intents; 0: not yet */
  cf_hash_t digest;
  bool      settled;
  uint64_t  block; /* when settled */
} cf_audit_custody_t;

/* cf_audit_envelope follows one envelope; prefix is 4 to 32 bytes of its id.  CF_ERR_FORMAT: no such envelope; CF_ERR_BOUND:
   the prefix is not of one alone. */
CF_MUST_CHECK cf_status_t cf_audit_envelope(cf_audit_t const *a, cf_span_t prefix, cf_audit_custody_t *out);
/* cf_audit_settlement follows settlement number n, from 1, through its last receipt.  CF_ERR_FORMAT: there is none. */
CF_MUST_CHECK cf_status_t cf_audit_settlement(cf_audit_t const *a, uint64_t n, cf_audit_custody_t *out);
/* "receipt 41 → evidence 5d0c… → policy 1 → checkpoint 212 → settlement 4 → block 46"; at most 200 bytes with NUL. */
void cf_audit_custody_line(cf_audit_custody_t const *c, char out[200]);

#endif
