/* A party's keys, and what it remembers of one domain.

   The wallet is secret and never changes.  The account state changes with every envelope sealed: **it must be durable
   before that envelope leaves** (a session counter used twice would be a nonce used twice).  The calls that change it say
   so; storing it (cf_account_encode, write, fsync, rename) is the caller's.  Both in memory of cf_secret_new, or wiped. */
#ifndef CF_PARTY_WALLET_H
#define CF_PARTY_WALLET_H

#include "party/cf_bundle.h"

/* ---- keys ---- */

typedef struct {
  uint8_t         scalar[32]; /* secp256k1: owns the account */
  uint8_t         result[32]; /* X25519: results may be sealed to it */
  cf_addr_t       addr;
  cf_x25519_pub_t result_pub;
} cf_wallet_t;

void cf_wallet_make(cf_wallet_t *w, cf_entropy_t const *e);
/* Three lines of 64 hex digits: the scalar, the result key, and SHA-256 tag "wallet" of the two: any other scalar would be a key, too. */
#define CF_WALLET_TEXT_SZ 195
void                      cf_wallet_encode(cf_wr_t *wr, cf_wallet_t const *w);
CF_MUST_CHECK cf_status_t cf_wallet_decode(cf_wallet_t *w, cf_span_t in, cf_error_t *err); /* CF_ERR_FORMAT */

/* ---- one domain ---- */

typedef struct {
  cf_hash_t envelope; /* id */
  uint64_t  order;
} cf_pending_t;

#define CF_SESSIONS_BEFORE 7 /* each restart of an enclave makes one */

typedef struct {
  cf_hash_t     domain;
  cf_kept_t     kept;  /* log head last relied on */
  uint64_t      order; /* last order number used */
  bool          have_session;
  cf_session_t  session; /* newest; in.highest is the last counter sent */
  size_t        before_cnt;
  cf_session_t  before[CF_SESSIONS_BEFORE]; /* those before it, the newest first: results sealed to them may still be unread */
  cf_pending_t *pending; /* sealed, and not answered yet; rising by order */
  size_t        pending_cnt;
  size_t        pending_max;
} cf_account_t;

/* cf_account_init starts a domain; pending holds pending_max entries and is the caller's. */
void cf_account_init(cf_account_t *a, cf_hash_t const *domain, cf_pending_t *pending, size_t pending_max);
#define CF_ACCOUNT_ENCODED_MAX(pending_cnt) (160 + (1 + CF_SESSIONS_BEFORE) * CF_SESSION_ENCODED_SZ + 40 * (pending_cnt))
void cf_account_encode(cf_wr_t *wr, cf_account_t const *a);
/* cf_account_decode: a was initialised (its pending's room is used; its domain must be the file's).
   CF_ERR_FORMAT, CF_ERR_BOUND (more pending than fit), CF_ERR_POLICY (of another domain). */
CF_MUST_CHECK cf_status_t cf_account_decode(cf_account_t *a, cf_span_t in, cf_error_t *err);
void                      cf_account_wipe(cf_account_t *a);

/* cf_account_session_end lets the next seal open a session: the enclave may never have seen the opening of the newest one (state changed). */
void cf_account_session_end(cf_account_t *a);

cf_pending_t const *cf_account_pending(cf_account_t const *a, cf_hash_t const *envelope); /* NULL: not pending */
void                cf_account_done(cf_account_t *a, cf_hash_t const *envelope);          /* forgets a pending input */

#endif
