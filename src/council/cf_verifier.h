/* The verifier as a core: nonces, credential activation, appraisal.  docs/protocol/services.md "Verifier", councils.md.

   It signs a result and a registration only for what cf_attest_judge accepts, after it followed the log up to the newest cosigned
   note.  Durable before they leave: what the log was seen to be (`log`), credential statements (`statements/<AK name>`), and the
   counters of the instance accepted last (`seen`).  Nonces and challenges live in memory: a restart forgets them, and so refuses
   them. */
#ifndef CF_COUNCIL_VERIFIER_H
#define CF_COUNCIL_VERIFIER_H

#include "council/cf_attest.h"
#include "crypto/cf_entropy.h"
#include "evidence/cf_credential.h"

#define CF_VERIFIER_SEEN "seen" /* in the member's folder */

#define CF_VERIFIER_NONCES_MAX 64 /* outstanding; one more displaces the oldest */
#define CF_VERIFIER_CHALLENGES_MAX 16
#define CF_VERIFIER_CHALLENGE_MS 60000
#define CF_VERIFIER_PENDING_MAX 4 /* attest requests waiting for the log */
#define CF_VERIFIER_BODY_MAX (2 * CF_CARRIER_MAX + 64)

typedef struct {
  cf_domain_t const   *domain;  /* borrowed, as all pointers here, for the core's life */
  unsigned             gateway; /* peer */
  uint8_t              member;  /* own place in the council */
  uint8_t const       *scalar;  /* secp256k1, secret: registrations */
  cf_p256_key_t const *key;     /* ES256: results, statements       */
  cf_entropy_t         entropy;
  cf_root_t const     *roots; /* certificates at hand; may be none */
  size_t               root_cnt;
} cf_verifier_config_t;

typedef struct {
  cf_hash_t nonce;
  uint64_t  until_ms; /* monotonic; 0: free */
} cf_verifier_nonce_t;

typedef struct {
  uint64_t  id; /* 0: free */
  uint64_t  until_ms;
  uint8_t   secret[CF_CREDENTIAL_SECRET_SZ];
  uint8_t   ak_name[CF_AK_NAME_SZ];
  uint32_t  ak_attributes;
  cf_hash_t ek_certificate;
} cf_verifier_challenge_t;

typedef enum { CF_PENDING_FREE, CF_PENDING_QUEUED, CF_PENDING_FOLLOWING, CF_PENDING_STATEMENT } cf_verifier_wait_t;
typedef struct {
  cf_verifier_wait_t wait;
  uint64_t           request;
  size_t             body_len;
  uint8_t            body[CF_VERIFIER_BODY_MAX];
} cf_verifier_pending_t;

/* About 3 MB: the caller's, static or allocated once. */
typedef struct {
  cf_verifier_config_t    cfg;
  bool                    ready;
  bool                    seen_any;
  cf_attest_seen_t        seen;
  cf_verifier_nonce_t     nonces[CF_VERIFIER_NONCES_MAX];
  cf_verifier_challenge_t challenges[CF_VERIFIER_CHALLENGES_MAX];
  uint64_t                next_challenge;
  cf_follow_t             follow;
  cf_verifier_pending_t   pending[CF_VERIFIER_PENDING_MAX];
} cf_verifier_t;

/* CF_ERR_POLICY: keys or member are not those of genesis' council. */
CF_MUST_CHECK cf_status_t cf_verifier_init(cf_verifier_t *v, cf_verifier_config_t const *cfg, cf_error_t *err);

/* cf_verifier_step: START, REQUEST, DONE, TICK, STOP.  Exits with code 1 when a file of its own is not what it wrote. */
void cf_verifier_step(cf_verifier_t *v, cf_effects_t *fx, cf_event_t const *ev);

#endif
