/* The evidence bundle (docs/protocol/services.md): what a party demands before it seals, in one file.

   Claimed and believed are two types: cf_bundle_t is what some bytes say, cf_attested_t is made only by cf_bundle_check, and
   cf_party_seal accepts nothing else.  Pure; OpenSSL allocates inside evidence/. */
#ifndef CF_PARTY_BUNDLE_H
#define CF_PARTY_BUNDLE_H

#include "evidence/cf_verdict.h"
#include "ledger/cf_domain.h"
#include "session/cf_session.h"

#define CF_EVIDENCE_BUNDLE_MAX (1u << 20)
#define CF_BUNDLE_STATEMENTS_MAX 16

/* An entry of the log with the path to the note's root. */
typedef struct {
  uint64_t  index;
  cf_span_t entry;
  cf_hash_t path[CF_TREE_PATH_MAX];
  size_t    path_cnt;
} cf_proven_t;

/* Spans borrow the input; about 45 KiB. */
typedef struct {
  cf_span_t   genesis; /* entry 0 */
  cf_span_t   note;
  cf_proven_t boot;
  cf_proven_t certificate;
  cf_proven_t results[CF_MEMBERS_MAX];
  size_t      results_cnt;
  cf_span_t   evidence;   /* CMW */
  cf_span_t   collateral; /* root certificates and revocation lists: DER, one after the other */
  cf_span_t   statements[CF_BUNDLE_STATEMENTS_MAX];
  size_t      statements_cnt;
  cf_proven_t deployment;
  cf_span_t   fresh; /* evidence bound with the asker's nonce; empty without one */
} cf_bundle_t;

/* Strict: one encoding per value.  CF_ERR_FORMAT, CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_bundle_decode(cf_bundle_t *out, cf_span_t in, cf_error_t *err);
void                      cf_bundle_encode(cf_wr_t *wr, cf_bundle_t const *b);

/* The log's head that a party last relied on.  size 0: none yet. */
typedef struct {
  uint64_t  size;
  cf_hash_t root;
  uint64_t  time_s;
} cf_kept_t;

typedef struct {
  cf_hash_t const   *domain;      /* that it must be; NULL: whichever it is (the caller prints it) */
  cf_kept_t const   *kept;        /* NULL or size 0: first contact */
  cf_hash_t const   *consistency; /* proof from kept to the note; empty when their sizes are equal */
  size_t             consistency_cnt;
  cf_policy_t const *policy;   /* the party's own, to be met as well: measurements, roots, ages; NULL: the domain's alone */
  cf_hash_t const   *nonce;    /* asked for: fresh evidence must be there and hold it; NULL: none */
  uint64_t           at_s;     /* T, by the party's clock */
  bool               stale_ok; /* ages are then counted from the note's own time: what is proven is the past */
} cf_bundle_ask_t;

/* Believed. */
typedef struct {
  cf_domain_t          trust; /* borrows the bundle's genesis */
  cf_kept_t           head;  /* to be kept */
  cf_boot_t           boot;
  cf_epoch_t          epoch;       /* the certificate's claims */
  cf_hash_t           certificate; /* its document hash */
  uint64_t            ek_class;    /* of the root of trust: 1 cloud, 2 firmware, 3 discrete, 4 owner-controlled */
  cf_hash_t           measurement;
  cf_session_target_t target;  /* jurisdiction: the policy's first; the caller may choose another of the list */
  uint64_t            until_s; /* the bundle passes until then, if no check is asked again */
  bool                stale;   /* passed only because of stale_ok */
  bool                test;    /* stands on a test root, or the domain is of class test: to be said wherever it is shown */
} cf_attested_t;

/* cf_bundle_check makes every check of PROTOCOL P4's last rule that can be made offline, in this order, and stops at the
   first that fails; the verdict names the item, the date and what to do next:
     genesis      its form, k governors, its rules, the domain          malformed, unsupported, signature, policy, binding
     note         witness quorum, time, extension of what was kept      signature, not-yet-valid, collateral-stale, binding
     deployment, boot, certificate, results[i]   paths                  binding
     deployment   k governors; of this ledger                           signature, binding
     boot         by its identity, of this domain, keys                 signature, binding
     certificate  by that identity, of that boot entry and policy, T    signature, binding, not-yet-valid, expired
     evidence     through evidence/: chain, quote, PCRs, binding; measurement and root in policy; k credential statements
     results      each by another verifier of the council (signature, binding); k of them for this certificate and evidence, affirming,
                  young enough, valid at T: else what was wrong with the first   collateral-missing, binding, policy, collateral-stale, expired
     fresh        the same evidence with the asker's nonce              nonce, ...
   until_s holds while k results do.  *out is written whole, and is to be used only after CF_VERDICT_OK. */
CF_MUST_CHECK cf_verdict_code_t cf_bundle_check(cf_attested_t *out, cf_bundle_t const *b, cf_bundle_ask_t const *ask,
                                                cf_verdict_t *v);

/* ---- the online half ---- */

/* Slots of the ledger at a final block: what GET /ledger/state and the observers answer. */
typedef struct {
  cf_span_t header;   /* block header */
  cf_span_t finality; /* proof by k observers for that block */
  cf_span_t proof;    /* state proof for keys */
} cf_ledger_shown_t;

/* cf_ledger_read proves n slots against a final block; *f receives what the observers said.
   CF_ERR_FORMAT, CF_ERR_BOUND, CF_ERR_AUTH. */
CF_MUST_CHECK cf_status_t cf_ledger_read(cf_hash_t *values, cf_finality_t *f, cf_domain_t const *trust,
                                         cf_ledger_shown_t const *shown, cf_hash_t const *keys, size_t n, cf_error_t *err);

/* cf_live_keys are the slots that cf_live_check wants to be shown, in this order. */
#define CF_LIVE_KEYS 2
void cf_live_keys(cf_hash_t keys[CF_LIVE_KEYS], cf_attested_t const *a);

/* cf_live_check: at a final block not older than attest_max_age the settlement key is live, its registration in force,
   floorEpoch is the instance's boot index, and the ledger is not dead.  Verdicts on item "ledger": malformed, signature,
   collateral-stale, revoked, policy. */
CF_MUST_CHECK cf_verdict_code_t cf_live_check(cf_attested_t const *a, cf_ledger_shown_t const *shown, uint64_t at_s,
                                              cf_verdict_t *v);

#endif
