/* Envelopes: COSE_Encrypt0 in the three forms of PROTOCOL P5.  docs/protocol/envelopes.md.

     opening   16([<<{1: HPKE alg, 4: certificate[32], -75100: H}>>, {-4: enc[32]}, ciphertext])
     session   16([<<{1: AEAD alg, 4: session id[16],  -75100: H}>>, {},            ciphertext])
     result    the opening's or the session's shape, with 4: instance[32]
     H       = [version 1, domain[32], epoch, session id[16], counter, jurisdiction text]

   Additional data: Enc_structure ["Encrypt0", protected, <<[x[32], policy hash[32]]>>] where x is the certificate's hash,
   or a result's instance.  Plaintexts are padded to buckets, so a ciphertext is a bucket and a tag. */
#ifndef CF_SESSION_ENVELOPE_H
#define CF_SESSION_ENVELOPE_H

#include "crypto/cf_hash.h"
#include "document/cf_boundary.h"
#include "document/cf_documents.h"
#include "session/cf_suite.h"

#define CF_SESSION_ID_SZ 16
#define CF_JURISDICTION_MAX 64
#define CF_BUCKET_MIN 256
#define CF_BUCKET_MAX 32768
/* Bytes that an envelope is at most longer than its bucket. */
#define CF_ENVELOPE_HEAD_MAX 288
#define CF_ENVELOPE_MAX (CF_BUCKET_MAX + CF_ENVELOPE_HEAD_MAX)
#define CF_ENVELOPE_AAD_MAX 384
/* Counters are below this: an AES-GCM key serves no more messages. */
#define CF_SESSION_COUNTER_END ((uint64_t)1 << 32)

typedef enum {
  CF_ENVELOPE_OPENING = 1,
  CF_ENVELOPE_SESSION,
  CF_ENVELOPE_RESULT_KEY,
  CF_ENVELOPE_RESULT_SESSION
} cf_envelope_kind_t;

/* What some bytes say.  Spans borrow the input. */
typedef struct {
  cf_envelope_kind_t kind;
  cf_suite_t const  *suite;
  cf_hash_t          kid; /* OPENING: certificate hash; RESULT_*: instance; SESSION: unused, zero */
  cf_hash_t          domain;
  uint64_t           epoch;
  uint8_t            session[CF_SESSION_ID_SZ];
  uint64_t           counter;             /* HPKE forms: 0; session forms: 1 .. 2^32 - 1 */
  cf_span_t          jurisdiction;        /* results: empty; else 1..64 bytes of text */
  uint8_t            enc[CF_HPKE_ENC_SZ]; /* HPKE forms */
  cf_span_t          protected_hdr;
  cf_span_t          ciphertext; /* bucket and tag */
} cf_envelope_t;

/* cf_envelope_decode reads an input's envelope, OPENING or SESSION; nothing is opened.
   CF_REFUSE_NONE, or: TOO_LARGE (longer than max), SUITE (an algorithm that is no suite's), MALFORMED (everything else: not
   the one encoding, anything more in either header, a session id that is not enc's, a length that is no bucket's). */
CF_MUST_CHECK cf_refuse_t cf_envelope_decode(cf_envelope_t *out, cf_span_t in, size_t max);
/* cf_envelope_decode_result reads a sealed result, RESULT_KEY or RESULT_SESSION; the same classes. */
CF_MUST_CHECK cf_refuse_t cf_envelope_decode_result(cf_envelope_t *out, cf_span_t in);

/* cf_envelope_admit is what the header alone decides: DOMAIN, SUITE (not allowed or deprecated in policy), JURISDICTION
   (not one of policy's).  The epoch, the session and the counter are the session's. */
CF_MUST_CHECK cf_refuse_t cf_envelope_admit(cf_envelope_t const *env, cf_hash_t const *domain, cf_policy_t const *policy,
                                            uint64_t now_s);

/* cf_envelope_id is SHA-256 of all of the envelope's bytes. */
static inline cf_hash_t cf_envelope_id(cf_span_t envelope) { return cf_sha256(envelope); }
/* cf_session_id_of is the first 16 bytes of SHA-256(enc). */
void cf_session_id_of(uint8_t id[CF_SESSION_ID_SZ], uint8_t const enc[CF_HPKE_ENC_SZ]);

/* ---- writing; for this room ---- */

/* cf_envelope_begin writes the headers of env (ciphertext and protected_hdr aside) for a plaintext of content_sz
   bytes, leaves room for the ciphertext, and returns that room: bucket + tag bytes.  env->protected_hdr is set.  NULL
   when wr is full or content_sz has no bucket. */
uint8_t *cf_envelope_begin(cf_wr_t *wr, cf_envelope_t *env, size_t content_sz);
/* cf_envelope_aad writes the additional data of env; bound is certificate or instance. */
cf_span_t cf_envelope_aad(uint8_t buf[CF_ENVELOPE_AAD_MAX], cf_envelope_t const *env, cf_hash_t const *bound,
                          cf_hash_t const *policy);
/* nonce = IV xor counter, big-endian, as in RFC 9180, 5.2. */
void cf_envelope_nonce(uint8_t nonce[CF_AEAD_NONCE_SZ], uint8_t const iv[CF_AEAD_NONCE_SZ], uint64_t counter);

/* Padding: u32 content length || content || zeros up to the smallest bucket that holds them.  cf_bucket is 0 when none does. */
size_t cf_bucket(size_t content_sz);
/* cf_pad puts head and zeros around content that stands at buf + 4 already. */
void cf_pad(uint8_t *buf, size_t content_sz);
/* cf_unpad looks at every byte, whatever it finds.  CF_ERR_FORMAT. */
CF_MUST_CHECK cf_status_t cf_unpad(cf_span_t *content, cf_span_t bucket);

#endif
