#include "session/cf_result.h"

#include <assert.h>

#include "base/cf_secret.h"

#define R cf_result_t
static cf_field_t const fields[] = {
    CF_F_FIXED(R, 1, envelope),
    CF_F_UINT(R, 2, order, 0, UINT64_MAX),
    CF_F_UINT(R, 3, class, 0, UINT8_MAX),
    CF_F_UINT(R, 4, sequence, 1, UINT64_MAX),
    CF_F_UINT(R, 5, window, 0, UINT64_MAX),
    CF_F_UINT(R, 6, status, CF_RESULT_NOT_FINAL, CF_RESULT_FINAL),
    CF_F_BSTR(R, 7, body, 0, CF_RESULT_BODY_MAX),
};
#undef R
cf_table_t const cf_result_table = {"result", NULL, sizeof(cf_result_t), 0, fields, CF_COUNT_OF(fields), "sealed by the enclave"};

#define PLAIN_MAX (CF_RESULT_BODY_MAX + 128) /* of an encoded result without extra */

char const *cf_result_class_name(uint64_t class) {
  if (class > UINT8_MAX) return "workload";
  switch ((cf_result_class_t) class) {
  case CF_RESULT_ACCEPTED:
    return "accepted";
  case CF_RESULT_DUPLICATE:
    return "duplicate";
  case CF_RESULT_TOO_OLD:
    return "too-old";
  case CF_RESULT_JUMP:
    return "jump";
  case CF_RESULT_ACCESS:
    return "not-admitted";
  case CF_RESULT_EXITING:
    return "exiting";
  case CF_RESULT_LIMIT:
    return "limit";
  case CF_RESULT_EXPIRED:
    return "expired";
  case CF_RESULT_SIGNATURE:
    return "signature";
  case CF_RESULT_FORM:
    return "form";
  case CF_RESULT_NOTICE:
    return "notice";
  case CF_RESULT_MALFORMED:
    return "malformed";
  case CF_RESULT_ASSET:
    return "unknown-asset";
  case CF_RESULT_LANE:
    return "lane";
  case CF_RESULT_SELF:
    return "self";
  case CF_RESULT_CREDIT:
    return "credit";
  case CF_RESULT_FULL:
    return "full";
  }
  return "workload";
}

/* ---- sealing ---- */

/* begin writes the headers and the padded plaintext; returns the ciphertext's room, NULL when wr is full. */
static uint8_t *begin(cf_wr_t *wr, size_t *bucket, cf_envelope_t *env, cf_result_t const *result) {
  uint8_t plain[PLAIN_MAX];
  cf_wr_t content = cf_wr_init(plain, sizeof plain);
  cf_table_encode(&content, &cf_result_table, result);
  assert(!content.bad);
  uint8_t *room = cf_envelope_begin(wr, env, content.len);
  *bucket = cf_bucket(content.len);
  if (room) {
    memcpy(room + 4, plain, content.len);
    cf_pad(room, content.len);
  }
  cf_wipe(plain, sizeof plain);
  return room;
}

static cf_envelope_t header(cf_envelope_kind_t kind, cf_ciphers_t const *ciphers, cf_hash_t const *domain,
                            cf_recipient_t const *to, cf_hash_t const *instance) {
  cf_envelope_t env = {.kind = kind, .suite = ciphers->suite, .kid = *instance, .domain = *domain, .epoch = to->epoch};
  assert(ciphers->suite->number == to->suite);
  memcpy(env.session, to->session, sizeof env.session);
  return env;
}

void cf_result_seal(cf_wr_t *wr, cf_ciphers_t const *ciphers, cf_hash_t const *domain, cf_session_t *session,
                    cf_hash_t const *instance, cf_result_t const *result) {
  uint8_t       nonce[CF_AEAD_NONCE_SZ], buf[CF_ENVELOPE_AAD_MAX];
  size_t        bucket;
  cf_envelope_t env = header(CF_ENVELOPE_RESULT_SESSION, ciphers, domain, &session->to, instance);
  cf_session_outbound(session, instance);
  env.counter = ++session->out_counter;
  uint8_t *room = begin(wr, &bucket, &env, result);
  if (!room) return;
  cf_envelope_nonce(nonce, session->out_iv, env.counter);
  cf_aead_seal(ciphers->session, room, session->out_key, nonce, cf_envelope_aad(buf, &env, instance, &session->to.policy),
               CF_SPAN(room, bucket));
}

cf_status_t cf_result_seal_key(cf_wr_t *wr, cf_ciphers_t const *ciphers, cf_hash_t const *domain, cf_recipient_t const *to,
                               cf_hash_t const *instance, cf_result_t const *result, cf_entropy_t const *e) {
  uint8_t       buf[CF_ENVELOPE_AAD_MAX];
  size_t        bucket;
  cf_hpke_t     hpke = {0};
  cf_envelope_t env = header(CF_ENVELOPE_RESULT_KEY, ciphers, domain, to, instance);
  cf_status_t   st = cf_hpke_send(&hpke, env.enc, env.suite->hpke_aead, &to->key, CF_SPAN(NULL, 0), e);
  uint8_t      *room = st ? NULL : begin(wr, &bucket, &env, result);
  if (room)
    cf_aead_seal(ciphers->hpke, room, hpke.key, hpke.base_nonce, cf_envelope_aad(buf, &env, instance, &to->policy),
                 CF_SPAN(room, bucket));
  cf_hpke_wipe(&hpke);
  return st;
}

/* ---- opening ---- */

static cf_status_t open_sealed(uint8_t *plain, cf_ciphers_t const *ciphers, cf_session_t *session, uint8_t const result_priv[32],
                               cf_envelope_t const *env) {
  uint8_t   nonce[CF_AEAD_NONCE_SZ], buf[CF_ENVELOPE_AAD_MAX];
  cf_span_t aad = cf_envelope_aad(buf, env, &env->kid, &session->to.policy);
  if (env->kind == CF_ENVELOPE_RESULT_SESSION) {
    cf_session_outbound(session, &env->kid);
    cf_envelope_nonce(nonce, session->out_iv, env->counter);
    return cf_aead_open(ciphers->session, plain, session->out_key, nonce, aad, env->ciphertext);
  }
  cf_hpke_t   hpke = {0};
  cf_status_t st = cf_hpke_recv(&hpke, env->suite->hpke_aead, env->enc, result_priv, CF_SPAN(NULL, 0));
  if (!st) st = cf_aead_open(ciphers->hpke, plain, hpke.key, hpke.base_nonce, aad, env->ciphertext);
  cf_hpke_wipe(&hpke);
  return st;
}

cf_status_t cf_result_open(cf_result_t *out, cf_hash_t *instance, uint8_t *plain, cf_ciphers_t const *ciphers,
                           cf_hash_t const *domain, cf_session_t *session, uint8_t const result_priv[32], cf_span_t sealed,
                           cf_error_t *err) {
  static cf_hash_t const none;
  cf_envelope_t          env;
  cf_span_t              content;
  if (cf_envelope_decode_result(&env, sealed)) return cf_error_set(err, CF_ERR_FORMAT, "result", 0, "not a sealed result");
  if (cf_hash_eq(&env.kid, &none)) return cf_error_set(err, CF_ERR_FORMAT, "result", 0, "names no instance");
  if (!cf_hash_eq(&env.domain, domain)) return cf_error_set(err, CF_ERR_POLICY, "result", 0, "sealed in another domain");
  if (memcmp(env.session, session->to.session, sizeof env.session) != 0 || env.epoch != session->to.epoch)
    return cf_error_set(err, CF_ERR_POLICY, "result", 0, "sealed to another session");
  if (env.suite != ciphers->suite || env.suite->number != session->to.suite)
    return cf_error_set(err, CF_ERR_POLICY, "result", 0, "sealed under another suite");
  if (open_sealed(plain, ciphers, session, result_priv, &env))
    return cf_error_set(err, CF_ERR_AUTH, "result", 0, "does not open with this wallet's keys");
  if (cf_unpad(&content, CF_SPAN(plain, env.ciphertext.len - CF_AEAD_TAG_SZ)))
    return cf_error_set(err, CF_ERR_FORMAT, "result", 0, "its padding does not hold");
  if (instance) *instance = env.kid;
  return cf_table_decode(out, &cf_result_table, content, err);
}
