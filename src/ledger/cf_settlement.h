/* What the ledger's parties sign, and the body that a settlement carries.
   ONCHAIN 4.2 and 4.3.

   All digests are EIP-712 under one separator (cf_eip712_domain of chain,
   contract and domain).  Signatures are EIP-2098.  Pure; allocates nothing. */
#ifndef CF_LEDGER_SETTLEMENT_H
#define CF_LEDGER_SETTLEMENT_H

#include "base/cf_error.h"
#include "codec/cf_eip712.h"

typedef enum { CF_MODE_NET = 1, CF_MODE_ROOT = 2 } cf_mode_t;

/* ---- the struct ---- */

typedef struct {
  uint64_t sequence;      /* bit   0, u64: of the last receipt covered */
  uint64_t valid_until_s; /*      64, u40 */
  uint64_t as_of_s;       /*     104, u40 */
  uint32_t policy;        /*     144, u32 */
  uint8_t  mode;          /*     176, u8; all above is 0 */
} cf_settlement_meta_t;
cf_hash_t cf_settlement_meta_pack(cf_settlement_meta_t const *meta);
/* Returns false when bits are set that no field has; *meta is filled all the same. */
bool cf_settlement_meta_unpack(cf_settlement_meta_t *meta, cf_hash_t const *word);

typedef struct {
  cf_hash_t meta;
  cf_hash_t prev_head;
  cf_hash_t state_root;
  cf_hash_t entries; /* cf_settlement_entries of the body */
  cf_hash_t receipts;
} cf_settlement_t;

cf_hash_t cf_settlement_entries(cf_span_t body); /* keccak256 */
/* The receipts first to last, under receipts_root, anchored in the log's checkpoint. */
cf_hash_t cf_settlement_receipts(uint64_t first, uint64_t last, cf_hash_t const *receipts_root, uint64_t log_size,
                                 cf_hash_t const *log_root);
/* The digest signed, which is the next head. */
cf_hash_t cf_settlement_digest(cf_hash_t const *separator, cf_settlement_t const *s);
/* head0: the head before the first settlement. */
cf_hash_t cf_settlement_head0(cf_hash_t const *separator);

/* ---- the body ---- */

typedef enum {
  CF_SECTION_POSITIONS = 0, /* net */
  CF_SECTION_RELEASES  = 1,
  CF_SECTION_EXITS     = 2, /* root: releases to accounts that leave, uncapped */
  CF_SECTION_DATA      = 3, /* root: da u8 and bytes to the end, instead of a count and entries */
} cf_section_kind_t; /* 4 is reserved: refused */

/* What a data section publishes (cf_root_data.h). */
typedef enum { CF_DA_NONE = 0, CF_DA_OPEN = 1, CF_DA_SEALED = 2 } cf_da_t;

#define CF_SETTLEMENT_ENTRIES_MAX 8192
#define CF_SETTLEMENT_BODY_MAX    (CF_SETTLEMENT_ENTRIES_MAX * (12 + 6)) /* data included: an enclave signs no longer one */
#define CF_ASSET_MAX              0xfffffeu
#define CF_ASSET_DATA             0xffffffu /* of data sections */

typedef struct {
  uint8_t   kind;
  uint32_t  asset;
  uint16_t  cnt;
  cf_rd_t   entries; /* cf_entry_next reads it */
  uint8_t   da;      /* data: cf_da_t */
  cf_span_t data;    /* borrowed */
} cf_section_t;

typedef struct {
  uint32_t id;
  int64_t  amount;
} cf_entry_t;

/* cf_settlement_body_check is CF_OK when body is well formed for a mode (cf_mode_t): (asset, kind) strictly rising, asset up to
   CF_ASSET_MAX, counts not 0, ids strictly rising from 1, amounts not 0 and, but in positions, above 0.  Net has kinds 0
   and 1, root 1 and 2 and, last, 3 under CF_ASSET_DATA, whose bytes are looked at only in that CF_DA_NONE has none.
   *offset (may be NULL) receives where it is not.  CF_ERR_FORMAT; CF_ERR_BOUND beyond CF_SETTLEMENT_ENTRIES_MAX. */
CF_MUST_CHECK cf_status_t cf_settlement_body_check(uint8_t mode, cf_span_t body, size_t *offset);

/* Iteration over a body that was checked: false at the end. */
bool cf_section_next(cf_rd_t *body, cf_section_t *section);
bool cf_entry_next(cf_section_t *section, cf_entry_t *entry);

/* Writing: a section's head, then its cnt entries, in order; of a data section its head, then the data. */
void cf_section_write(cf_wr_t *wr, cf_section_kind_t kind, uint32_t asset, uint16_t cnt);
void cf_entry_write(cf_wr_t *wr, uint32_t id, int64_t amount);
void cf_section_data_write(cf_wr_t *wr, cf_da_t da);

/* ---- the other signed types ---- */

typedef struct {
  uint64_t epoch;        /* bit   0, u40 */
  uint32_t policy;       /*      40, u32 */
  uint64_t not_before_s; /*      72, u40 */
  uint64_t not_after_s;  /*     112, u40 */
  uint8_t  tcb;          /*     152, u8 */
  uint8_t  fence;        /*     160, u8 */
  uint64_t log_index;    /*     168, u56: of the epoch certificate */
  uint32_t council;      /*     224, u32: version of the verifiers' council */
} cf_registration_terms_t;
cf_hash_t               cf_registration_terms_pack(cf_registration_terms_t const *t);
cf_registration_terms_t cf_registration_terms_unpack(cf_hash_t const *word);

typedef struct {
  cf_addr_t key;
  cf_hash_t terms;
  cf_hash_t instance;
  cf_hash_t certificate;
  cf_hash_t measurement;
  cf_hash_t evidence;
} cf_registration_t;
/* domain is the salt of the separator, once more in the struct. */
cf_hash_t cf_registration_digest(cf_hash_t const *separator, cf_hash_t const *domain, cf_registration_t const *r);
/* What the key itself signs; registration is cf_registration_digest's result. */
cf_hash_t cf_possession_digest(cf_hash_t const *separator, cf_hash_t const *registration);
/* What a key signs to end itself. */
cf_hash_t cf_key_revocation_digest(cf_hash_t const *separator, cf_addr_t const *key);
/* body is keccak256 of the act's bytes (cf_act.h). */
cf_hash_t cf_act_digest(cf_hash_t const *separator, uint8_t council, uint32_t version, uint64_t number, uint64_t not_after_s,
                        cf_hash_t const *body);
/* Embedded ledger: a call that needs a sender. */
cf_hash_t cf_call_digest(cf_hash_t const *separator, cf_addr_t const *from, uint64_t nonce, uint64_t deadline_s, cf_span_t op);
/* Embedded ledger: the block key's signature over a block's hash. */
cf_hash_t cf_block_digest(cf_hash_t const *separator, cf_hash_t const *block_hash);

#endif
