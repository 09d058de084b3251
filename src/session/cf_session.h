/* Sessions, both ends (PROTOCOL P5): from one HPKE opening come the keys of both directions.

   The struct is plain: what it takes to go on after a restart; the table of sessions, the journal and the clock are the
   caller's.  Nothing allocates; opening a session envelope is one AEAD open.  Secrets inside: keep it in memory of
   cf_secret_new or wipe it. */
#ifndef CF_SESSION_SESSION_H
#define CF_SESSION_SESSION_H

#include "crypto/cf_sign.h"
#include "session/cf_counter.h"
#include "session/cf_envelope.h"

#define CF_INPUT_HEAD_SZ 8 /* order number */

/* Where results go when no session lives any more. */
typedef struct {
  uint8_t         session[CF_SESSION_ID_SZ];
  uint64_t        epoch; /* of the opening */
  uint64_t        suite;
  cf_hash_t       policy; /* that the party relied on */
  cf_x25519_pub_t key;    /* result key */
} cf_recipient_t;

typedef struct {
  cf_recipient_t to;          /* to.session is the session's id */
  cf_hash_t      certificate; /* that it was opened to */
  cf_addr_t      owner;       /* the account's owner, proven by the wallet signature */
  uint64_t       expiry_s;
  uint8_t        in_key[32];
  uint8_t        in_iv[12];
  cf_counter_t   in; /* enclave: counters used; party: in.highest is the last sent */
  uint8_t        out_secret[32];
  cf_hash_t      out_instance; /* whose outbound key stands in out_key; zero: none yet */
  uint64_t       out_counter;  /* last used by that instance */
  uint8_t        out_key[32];
  uint8_t        out_iv[12];
} cf_session_t;

/* An opened input; body borrows the plaintext's buffer. */
typedef struct {
  bool      form; /* false: authentic, but no input (padding broken, or shorter than an order number); order is 0, body empty */
  uint64_t  order;
  cf_span_t body;
} cf_input_t;

/* ---- the enclave's end ---- */

/* What openings are sealed to: one epoch whose sealing key still lives. */
typedef struct {
  cf_x25519_key_t const *key;
  cf_hash_t              certificate; /* document hash of its epoch certificate */
  cf_hash_t              policy;      /* that its certificate names */
  uint64_t               epoch;
  uint64_t               suite;
} cf_session_epoch_t;

/* cf_session_accept opens an opening envelope and makes its session; env comes from cf_envelope_decode and was
   admitted, and the caller has looked whether the session id was used.  plain (env->ciphertext.len bytes; may be the ciphertext
   itself) receives the plaintext, which input borrows.  *class receives ACCEPTED, EXPIRED (expiry before now_s) or SIGNATURE
   (cf_result.h): unless ACCEPTED, the session must not be kept, and the sealed result goes to out->to by cf_result_seal_key.
   Refusals at once: EPOCH (not this epoch or certificate), SUITE, UNAUTHENTIC (does not open, its plaintext is not an
   opening, or its result key could not be sealed to); plain is then wiped and out untouched. */
CF_MUST_CHECK cf_refuse_t cf_session_accept(cf_session_t *out, cf_input_t *input, uint8_t *class, uint8_t *plain,
                                            cf_ciphers_t const *ciphers, cf_hash_t const *domain, cf_session_epoch_t const *epoch,
                                            cf_envelope_t const *env, uint64_t now_s);

/* cf_session_open opens an envelope of this session and uses its counter up.  One AEAD open.
   Refusals at once: EPOCH (not the session's), SUITE, REPLAYED (counter used, or outside the window), UNAUTHENTIC (plain is
   wiped, no counter is consumed).  What is authentic is the batch's: input->form, and cf_session_live. */
CF_MUST_CHECK cf_refuse_t cf_session_open(cf_session_t *s, cf_input_t *input, uint8_t *plain, cf_ciphers_t const *ciphers,
                                          cf_envelope_t const *env);

static inline bool cf_session_live(cf_session_t const *s, uint64_t now_s) { return s->expiry_s >= now_s; }

/* cf_session_outbound makes out_key and out_iv those of instance; if it was not so already, out_counter starts again at 0. */
void cf_session_outbound(cf_session_t *s, cf_hash_t const *instance);

/* One encoding, CF_SESSION_ENCODED_SZ bytes, secret: for journal records, snapshots and wallet files. */
#define CF_SESSION_ENCODED_SZ 286
void                      cf_session_encode(cf_wr_t *wr, cf_session_t const *s);
CF_MUST_CHECK cf_status_t cf_session_decode(cf_session_t *s, cf_rd_t *rd); /* CF_ERR_FORMAT */

/* ---- the party's end ---- */

/* What a party opens a session to, after it verified the evidence. */
typedef struct {
  cf_hash_t       domain;
  cf_hash_t       certificate; /* document hash */
  cf_hash_t       policy;
  uint64_t        epoch;
  uint64_t        suite;
  cf_x25519_pub_t sealing;
  cf_span_t       jurisdiction;
} cf_session_target_t;

/* cf_session_begin makes a session and its opening envelope with the first input.  owner is the wallet's scalar, result_key where
   results may be sealed; *out is the party's copy of the session. CF_ERR_FORMAT (scalar), CF_ERR_UNSUPPORTED (suite),
   CF_ERR_BOUND (no bucket, or wr too small), CF_ERR_AUTH (sealing key of low order). */
CF_MUST_CHECK cf_status_t cf_session_begin(cf_session_t *out, cf_wr_t *envelope, cf_ciphers_t const *ciphers,
                                           cf_session_target_t const *target, uint8_t const owner[32],
                                           cf_x25519_pub_t const *result_key, uint64_t expiry_s, uint64_t order, cf_span_t input,
                                           cf_entropy_t const *e);

/* cf_session_seal seals the next input; it takes the next counter, which must be durable before the envelope leaves.
   CF_ERR_BOUND: no bucket, wr too small, or the counters are used up. */
CF_MUST_CHECK cf_status_t cf_session_seal(cf_session_t *s, cf_wr_t *envelope, cf_ciphers_t const *ciphers,
                                          cf_hash_t const *domain, cf_span_t jurisdiction, uint64_t order, cf_span_t input);

/* cf_session_digest is what the wallet signs: EIP-712 Session(bytes32 certificate,bytes32 enc,bytes32 resultKey,uint40 expiry)
   under cf_eip712_wallet_domain(domain). */
cf_hash_t cf_session_digest(cf_hash_t const *domain, cf_hash_t const *certificate, uint8_t const enc[CF_HPKE_ENC_SZ],
                            cf_x25519_pub_t const *result_key, uint64_t expiry_s);

#endif
