/* A verifier for anybody's evidence, as a core: challenge and response over HTTP, in the manner of Veraison's API
   (docs/protocol/verifier.md).  A session has a nonce, takes evidence once, judges it as of now under one policy, and keeps the signed
   result until it ends.  It stores nothing: a restart forgets sessions, and so refuses evidence over their nonces. */
#ifndef CF_COUNCIL_RATS_H
#define CF_COUNCIL_RATS_H

#include "base/cf_effect.h"
#include "crypto/cf_entropy.h"
#include "evidence/cf_items.h"
#include "evidence/cf_judgement.h"

#define CF_RATS_SESSIONS_MAX 256 /* one more displaces the oldest that is complete, or is sent away */
#define CF_RATS_BODY_MAX (2u << 20)
#define CF_RATS_NONCE_MIN 8
#define CF_RATS_NONCE_MAX 64

/* cf_rats_collateral_t adds what is at hand for the evidence in items, as of at_s, behind the *cnt that are there; CF_ITEMS_MAX at most.
   What is not at hand is no error.  What it adds stays until its next call. */
typedef cf_status_t cf_rats_collateral_t(void *ctx, cf_evidence_item_t *items, size_t *cnt, int64_t at_s, cf_error_t *err);

/* All is borrowed for the core's life. */
typedef struct {
  cf_appraisal_t const *policy;
  cf_p256_key_t const  *key;  /* ES256: results */
  char const           *name; /* iss of results */
  cf_entropy_t          entropy;
  cf_root_t const      *roots;
  size_t                root_cnt;
  uint64_t              session_ms; /* how long a session lives */
  cf_rats_collateral_t *collateral; /* NULL: what evidence brings along is all there is */
  void                 *ctx;
} cf_rats_config_t;

typedef struct {
  uint64_t      until_ms; /* monotonic; 0: free */
  uint64_t      seq;      /* when it was begun: the lowest is the oldest */
  int64_t       expiry_s;
  uint8_t       id[16];
  uint8_t       nonce[CF_RATS_NONCE_MAX];
  size_t        nonce_len;
  bool          complete;
  bool          authentic;
  cf_platform_t platform;
  cf_verdict_t  v;
  int64_t       at_s, until_s;
  size_t        ear_len;
  uint8_t       ear[CF_EAR_MAX];
} cf_rats_session_t;

/* About 1 MB: the caller's, static or allocated once. */
typedef struct {
  cf_rats_config_t  cfg;
  uint64_t          begun, judged, accepted;
  cf_items_t        given; /* of the request at hand */
  cf_judgement_t    judgement;
  cf_rats_session_t sessions[CF_RATS_SESSIONS_MAX];
} cf_rats_t;

void cf_rats_init(cf_rats_t *r, cf_rats_config_t const *cfg);

/* cf_rats_step: START, REQUEST, TICK, STOP.  Every request is answered in its step. */
void cf_rats_step(cf_rats_t *r, cf_effects_t *fx, cf_event_t const *ev);

#endif
