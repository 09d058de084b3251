/* The documents of DESIGN 5, as structs with one table each.  Wrapped in
   COSE_Sign1 (codec/cf_cose.h) they are log entries, unless said otherwise.
   All integers are uint64_t whatever their bound; times are Unix seconds.

   Hashes: "document hash" is cf_document_hash over protected header and payload;
   of a council document (genesis, deployment, policy) with an empty header and the body. */
#ifndef CF_DOCUMENT_DOCUMENTS_H
#define CF_DOCUMENT_DOCUMENTS_H

#include "codec/cf_cose.h"
#include "crypto/cf_hash.h"
#include "document/cf_table.h"

#define CF_ENTRY_MAX       65535
#define CF_MEMBERS_MAX     16
#define CF_SETTLE_FLIGHT_MAX 8

/* ---- councils (P2) ---- */
typedef enum { CF_GOVERNORS = 1, CF_GUARDIANS, CF_VERIFIERS, CF_WITNESSES, CF_OBSERVERS, CF_CUSTODIANS } cf_council_role_t;
#define CF_COUNCILS 6

typedef struct {
  cf_span_t extra;
  cf_span_t name;         /* witnesses: the note key name */
  uint8_t   addr[20];     /* secp256k1: acts, registrations, finality. Zero for witnesses */
  uint8_t   es256[64];    /* verifiers: EARs, statements. Zero for others */
  uint8_t   ed25519[32];  /* witnesses: cosignatures. Zero for others */
} cf_member_t;

typedef struct {
  cf_span_t   extra;
  uint64_t    role; /* cf_council_role_t */
  uint64_t    k;
  uint64_t    f;
  uint64_t    version;
  cf_member_t members[CF_MEMBERS_MAX];
  size_t      members_cnt;
} cf_council_t;

/* cf_council_check refuses a council that breaks P2's rule for its role: witnesses and observers 2k >= n+f+1 and
   k >= 2f+1, all others k >= f+1; always 1 <= k <= n, and no key twice.  CF_ERR_POLICY with the numbers. */
CF_MUST_CHECK cf_status_t cf_council_check(cf_council_t const *c, cf_error_t *err);
/* cf_council_f_max is floor(min(2k-n-1, (k-1)/2)), printed beside the declared f. */
uint64_t cf_council_f_max(uint64_t n, uint64_t k);

/* ---- policy ---- */
typedef struct {
  cf_span_t extra;
  uint64_t  platform;        /* 1 TPM, 2 SGX, 3 TDX, 4 SNP, 5 Nitro */
  uint8_t   program[32];
  uint8_t   configuration[32];
  uint8_t   measurement[32]; /* P4 */
  uint64_t  until;           /* end date */
  cf_span_t source;          /* what it was built from */
} cf_measurement_t;

typedef struct {
  cf_span_t extra;
  uint64_t  class;    /* 1 cloud, 2 firmware, 3 discrete, 4 owner-controlled */
  uint8_t   root[32]; /* SHA-256 of the root certificate's DER */
} cf_ek_root_t;

typedef struct {
  cf_span_t extra;
  uint64_t  suite; /* 1, 2, 3 (P3) */
  uint64_t  state; /* 1 allowed, 2 deprecated, 3 verify-only, 4 forbidden */
  uint64_t  from;
} cf_suite_row_t;

typedef struct {
  cf_span_t extra;
  uint64_t  version;
  uint8_t   previous[32];         /* policy hash before; zero for version 1 */
  cf_measurement_t measurements[8];
  size_t    measurements_cnt;
  cf_ek_root_t ek_roots[8];
  size_t    ek_roots_cnt;
  uint64_t  accept_discrete;      /* 0 or 1 */
  uint64_t  collateral_max_age_s;
  uint64_t  credential_max_age_s;
  cf_suite_row_t suites[4];
  size_t    suites_cnt;
  uint64_t  epoch_s;              /* validity of an epoch certificate */
  uint64_t  attest_max_age_s;
  uint64_t  attest_interval_s;
  uint64_t  grace_s;
  uint64_t  clock_skew_s;
  uint64_t  lease_batches;        /* lease bounds: 0 until leases are in force */
  uint64_t  lease_s;
  cf_span_t workload;             /* "clearing" */
  uint64_t  workload_version;
  cf_span_t workload_params;      /* bytes the workload's open() reads */
  uint64_t  max_flight;           /* settlements in flight, 1..8 */
  uint64_t  max_inputs_per_window;/* per account */
  uint64_t  max_amount;           /* of one obligation */
  cf_span_t jurisdictions[8];
  size_t    jurisdictions_cnt;
  uint8_t   gateway_keys[4][64];  /* P-256; only they append to the log */
  size_t    gateway_keys_cnt;
  uint64_t  admission;            /* 1: every account that opened; 2: the listed owners */
  uint8_t   owners[64][20];       /* admission 2 */
  size_t    owners_cnt;
  uint64_t  disclosure;           /* 1 at_log, 2 at_final */
  uint64_t  snapshot_entries;
  uint64_t  promise_max_s;        /* how far a promise may reach */
  uint64_t  notice_s;
  uint64_t  key_tcb_mask;         /* registration: allowed tcb values */
} cf_policy_t;

/* ---- genesis ---- */
typedef struct {
  cf_span_t extra;
  uint64_t  kind;      /* 1 embedded, 2 evm */
  uint64_t  chain_id;
  uint8_t   contract[20];
  uint64_t  mode;      /* 1 net */
  uint64_t  max_validity_s; /* V */
  uint64_t  max_pause_s;
  uint64_t  exit_delay_s;
  uint64_t  notice_s;
  uint64_t  dead_after_s;
  uint64_t  overlap_s;
  uint64_t  key_delay_s;
  uint8_t   code_hash[32]; /* evm: creation code; zero for embedded */
} cf_genesis_ledger_t;

typedef struct {
  cf_span_t extra;
  uint64_t  id;        /* 0, 1, 2, ... in order */
  cf_span_t symbol;
  uint8_t   token[20];
  uint64_t  scale;     /* decimals, for display */
  uint64_t  cap;       /* releases per 24 h, minor units */
} cf_asset_t;

typedef struct {
  cf_span_t extra;
  cf_span_t origin;    /* C2SP origin = note key name of the log */
  uint8_t   ed25519[32];
  uint8_t   es256[64];
} cf_genesis_log_t;

typedef struct {
  cf_span_t           extra;
  cf_span_t           name;
  uint64_t            class; /* 1 production, 2 test */
  cf_genesis_ledger_t ledger;
  cf_genesis_log_t    log;
  cf_council_t        councils[CF_COUNCILS]; /* by role, rising; custodians may be absent */
  size_t              councils_cnt;
  cf_asset_t          assets[64];
  size_t              assets_cnt;
  uint8_t             treasury[20];
  uint8_t             mediators[4][32]; /* genesis hashes of mediators' domains */
  size_t              mediators_cnt;
  cf_span_t           policy; /* encoded body of policy 1 */
  uint64_t            created;
} cf_genesis_t;

/* cf_genesis_check applies every rule that a table cannot say: councils, the ledger's inequalities, policy 1 decodes and is version 1,
   assets in order, a test root only in class test.  Fills *policy. */
CF_MUST_CHECK cf_status_t cf_genesis_check(cf_genesis_t const *g, cf_policy_t *policy, cf_error_t *err);
/* cf_genesis_council returns the council of that role, NULL when absent. */
cf_council_t const *cf_genesis_council(cf_genesis_t const *g, cf_council_role_t role);
/* cf_domain is SHA-256 of the genesis body, without signatures. */
static inline cf_hash_t cf_domain(cf_span_t genesis_body) { return cf_sha256(genesis_body); }

typedef struct {
  cf_span_t extra;
  uint8_t   domain[32];
  uint64_t  kind;
  uint64_t  chain_id;
  uint8_t   contract[20];
  uint8_t   code_hash[32]; /* runtime code, or block 0's hash */
} cf_deployment_t;

/* ---- council documents: [body bstr, [council, version, number, not_after, [[member, signature bstr 64], ...]]] ---- */
typedef struct {
  cf_span_t body;
  uint64_t  council, version, number, not_after;
  uint64_t  member[CF_MEMBERS_MAX];
  uint8_t   sig[CF_MEMBERS_MAX][64];
  size_t    sigs_cnt;
} cf_council_doc_t;
CF_MUST_CHECK cf_status_t cf_council_doc_decode(cf_council_doc_t *out, cf_span_t in, cf_error_t *err);
void                      cf_council_doc_encode(cf_wr_t *wr, cf_council_doc_t const *d);
/* The EIP-712 digest of Act(uint8 council,uint32 version,uint48 number,uint40 notAfter,bytes32 body); body is a document hash.
   Number 0 is for documents of the log (genesis, deployment), which no ledger takes. */
cf_hash_t cf_council_doc_digest(cf_hash_t const *separator, uint64_t council, uint64_t version, uint64_t number, uint64_t not_after,
                                cf_hash_t const *body);
/* cf_council_doc_verify demands k valid signatures by distinct, ascending members of c; all that are there must be valid. */
CF_MUST_CHECK cf_status_t cf_council_doc_verify(cf_council_doc_t const *d, cf_council_t const *c, cf_hash_t const *separator,
                                                uint64_t now_s, cf_error_t *err);

/* ---- the enclave's entries ---- */
typedef struct {
  cf_span_t extra;
  uint64_t  sequence; /* 0: none yet; hash is then zero */
  uint8_t   hash[32];
} cf_tip_t;

typedef struct { /* typ application/counterfoil-boot+cose, by the identity */
  cf_span_t extra;
  uint8_t   domain[32];
  uint8_t   identity[64];
  uint8_t   keys[32];       /* cf_epoch_keys_hash of the epoch it opens */
  uint8_t   commitment[32]; /* HMAC-SHA256(root, "counterfoil/root/v1" 0x00 domain number u64) */
  uint64_t  root_number;
  uint8_t   random[32];
  cf_tip_t  tip;            /* adopted */
} cf_boot_t;

typedef struct { /* typ application/counterfoil-epoch+cose, by the identity */
  cf_span_t extra;
  uint8_t   domain[32];
  uint8_t   instance[32];
  uint8_t   configuration[32];
  uint64_t  epoch;          /* log index of the opening entry */
  uint64_t  boot;           /* log index of the instance's boot entry */
  uint8_t   sealing[32];    /* X25519 */
  uint8_t   receipt[64];    /* P-256 */
  uint8_t   settlement[20]; /* secp256k1 address */
  uint64_t  suite;
  uint8_t   policy[32];
  uint64_t  not_before;
  uint64_t  not_after;
  uint8_t   previous[32];   /* document hash of the certificate before; zero: none */
} cf_epoch_t;
/* SHA-256 tag "epoch-keys": suite u8 || sealing || receipt || settlement. */
cf_hash_t cf_epoch_keys_hash(uint64_t suite, uint8_t const sealing[32], uint8_t const receipt[64], uint8_t const settlement[20]);

typedef struct {
  cf_span_t extra;
  uint64_t  time;
  uint64_t  size;
  uint8_t   root[32];
} cf_checkpoint_ref_t;

typedef struct {
  cf_span_t extra;
  uint64_t  number;
  uint8_t   hash[32];
  uint64_t  time;
  uint8_t   proof[32]; /* SHA-256 of the archived finality proof */
} cf_view_ref_t;

typedef struct { /* typ application/counterfoil-receipt+cose, by the epoch's receipt key */
  cf_span_t           extra;
  uint8_t             domain[32];
  uint8_t             instance[32];
  uint64_t            epoch;
  uint64_t            sequence;      /* from 1 */
  uint8_t             previous[32];  /* document hash of the receipt before; receipt 1: tag "receipt-0" of domain */
  uint8_t             policy[32];
  cf_span_t           workload;
  uint64_t            workload_version;
  uint8_t             measurement[32];
  uint8_t             inputs_root[32]; /* RFC 9162 tree over envelope ids; of none: H("") */
  uint64_t            inputs;
  uint8_t             manifest[32];    /* SHA-256 of the ids in order */
  uint8_t             results_root[32];/* RFC 9162 tree over result leaves */
  uint8_t             state_before[32];/* receipt 1: tag "state-0" of domain */
  uint8_t             state_after[32];
  cf_checkpoint_ref_t not_before;
  cf_view_ref_t       view;
  uint8_t             intent[32];
  uint8_t             abandon[32]; /* optional: the digest that is void */
} cf_receipt_t;
cf_hash_t cf_receipt_first_previous(cf_hash_t const *domain);
cf_hash_t cf_receipt_first_state(cf_hash_t const *domain);
/* The leaf *entry* of a result: SHA-256 tag "result": salt[32] || order u32 || SHA-256(sealed result); the tree then adds 0x00. */
cf_hash_t cf_result_leaf(uint8_t const salt[32], uint32_t order, cf_span_t sealed);
/* cf_result_leaf_2 makes two at once: those of order and order + 1. */
void cf_result_leaf_2(cf_hash_t out[2], uint8_t const *const salt[2], uint32_t order, cf_span_t const sealed[2]);
/* intent = SHA-256 tag "intent": salt[32] || digest. */
cf_hash_t cf_intent(uint8_t const salt[32], cf_hash_t const *digest);

/* A party's receipt file: [receipt COSE bytes, index, [path hashes]]. */
typedef struct {
  cf_span_t receipt;
  uint64_t  index;
  cf_hash_t path[32];
  size_t    path_cnt;
} cf_receipt_file_t;
CF_MUST_CHECK cf_status_t cf_receipt_file_decode(cf_receipt_file_t *out, cf_span_t in, cf_error_t *err);
void                      cf_receipt_file_encode(cf_wr_t *wr, cf_receipt_file_t const *f);

typedef struct { /* typ application/counterfoil-settlement+cose, by the gateway key: the opened intent */
  cf_span_t extra;
  uint8_t   salt[32];
  uint8_t   meta[32];
  uint8_t   prev_head[32];
  uint8_t   state_root[32];
  uint8_t   entries[32];       /* Keccak-256 of the body */
  uint8_t   receipts[32];      /* ONCHAIN 4.2, from the five below */
  uint64_t  first, last;
  uint8_t   receipts_root[32]; /* RFC 9162 tree over the document hashes of receipts first..last */
  uint64_t  log_size;
  uint8_t   log_root[32];
  uint8_t   body[32];          /* SHA-256 of the body, its name in the archive */
  uint8_t   signature[64];     /* EIP-2098 by the settlement key of epoch */
  uint64_t  epoch;
} cf_settlement_doc_t;

typedef struct { /* typ application/counterfoil-promise+cose, by a gateway key; not an entry */
  cf_span_t extra;
  uint8_t   domain[32];
  uint8_t   envelope[32];
  uint64_t  epoch;
  uint64_t  given;
  uint64_t  until;
} cf_promise_t;

/* The measured configuration (a file beside the program, hashed as bytes; not domain.json). */
typedef struct {
  cf_span_t extra;
  uint64_t  version;        /* 1 */
  cf_span_t workload;
  uint64_t  workload_version;
  uint64_t  suite;
  uint64_t  parties_max;
  uint64_t  leaves_max;
  uint64_t  sessions_max;
  uint64_t  batch_max;      /* envelopes */
  uint64_t  envelope_max;   /* bytes */
} cf_configuration_t;

extern cf_table_t const cf_policy_table, cf_genesis_table, cf_deployment_table, cf_boot_table, cf_epoch_table, cf_receipt_table,
    cf_settlement_doc_table, cf_promise_table, cf_configuration_table;
/* All of them, for schema and show; ended by NULL. */
extern cf_table_t const *const cf_tables[];
/* cf_table_by_typ and _by_name: NULL when unknown. */
cf_table_t const *cf_table_by_typ(cf_span_t typ);
cf_table_t const *cf_table_by_name(char const *name);

/* cf_document_open decodes a COSE_Sign1 of t->typ and its payload, unverified.  *sign1 keeps the parts for cf_sign1_verify and the hash. */
CF_MUST_CHECK cf_status_t cf_document_open(void *out, cf_sign1_t *sign1, cf_table_t const *t, cf_span_t in, cf_error_t *err);
/* cf_document_seal encodes, signs under {iss, sub} and writes the COSE_Sign1; *hash (may be NULL) receives the document hash. */
void cf_document_seal(cf_wr_t *wr, cf_hash_t *hash, cf_table_t const *t, void const *doc, cf_p256_key_t const *key, char const *iss,
                      char const *sub);
/* Council documents as entries: wrapper signed by the appender. */
void cf_council_doc_seal(cf_wr_t *wr, char const *typ, cf_council_doc_t const *d, cf_p256_key_t const *key, char const *iss, char const *sub);

#endif
