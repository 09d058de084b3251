#include "session/cf_session.h"

#include <assert.h>

#include "base/cf_secret.h"
#include "codec/cf_eip712.h"
#include "session/cf_result.h"

#define OPENING_HEAD_SZ (20 + 32 + 5 + 64) /* owner, result key, expiry, wallet signature */
#define UINT40_MAX (((uint64_t)1 << 40) - 1)

/* What an opening's plaintext says before its input. */
typedef struct {
  cf_addr_t       owner;
  cf_x25519_pub_t result_key;
  uint64_t        expiry_s;
  uint8_t         sig[64];
} opening_t;

cf_hash_t cf_session_digest(cf_hash_t const *domain, cf_hash_t const *certificate, uint8_t const enc[CF_HPKE_ENC_SZ],
                            cf_x25519_pub_t const *result_key, uint64_t expiry_s) {
  cf_hash_t separator = cf_eip712_wallet_domain(domain);
  cf_hash_t words[4] = {*certificate, {{0}}, {{0}}, cf_word_u64(expiry_s)};
  memcpy(words[1].b, enc, CF_HPKE_ENC_SZ);
  memcpy(words[2].b, result_key->b, sizeof result_key->b);
  return cf_eip712_digest(&separator, "Session(bytes32 certificate,bytes32 enc,bytes32 resultKey,uint40 expiry)", words, 4);
}

/* ---- keys ---- */

/* Both directions from the HPKE exporter (P3). */
static void make_keys(cf_session_t *s, cf_hpke_t const *hpke) {
  uint8_t in[sizeof s->in_key + sizeof s->in_iv];
  cf_hpke_export(hpke, in, sizeof in, CF_SPAN_LIT("counterfoil/session-in/v1"));
  memcpy(s->in_key, in, sizeof s->in_key);
  memcpy(s->in_iv, in + sizeof s->in_key, sizeof s->in_iv);
  cf_wipe(in, sizeof in);
  cf_hpke_export(hpke, s->out_secret, sizeof s->out_secret, CF_SPAN_LIT("counterfoil/session-out/v1"));
}

void cf_session_outbound(cf_session_t *s, cf_hash_t const *instance) {
  static cf_hash_t const none;
  assert(!cf_hash_eq(instance, &none));
  if (cf_hash_eq(&s->out_instance, instance)) return;
  cf_hash_t prk = {{0}};
  uint8_t   out[sizeof s->out_key + sizeof s->out_iv];
  memcpy(prk.b, s->out_secret, sizeof prk.b);
  cf_hkdf_expand(out, sizeof out, &prk, CF_SPAN_OF(instance->b));
  memcpy(s->out_key, out, sizeof s->out_key);
  memcpy(s->out_iv, out + sizeof s->out_key, sizeof s->out_iv);
  s->out_instance = *instance;
  s->out_counter = 0;
  cf_wipe(&prk, sizeof prk);
  cf_wipe(out, sizeof out);
}

/* ---- plaintexts ---- */

static void read_opening(cf_rd_t *rd, opening_t *o) {
  cf_rd_copy(rd, o->owner.b, sizeof o->owner.b);
  cf_rd_copy(rd, o->result_key.b, sizeof o->result_key.b);
  o->expiry_s = cf_rd_u40(rd);
  cf_rd_copy(rd, o->sig, sizeof o->sig);
}

/* Up to here nothing has looked at what was opened. */
static cf_rd_t read_opened(cf_span_t content) {
  cf_declassify(content.ptr, content.len, "to decide on an input is the batch's work, and takes the time that it takes");
  return cf_rd_span(content);
}

/* The rest of a plaintext: order number and the workload's bytes. */
static bool read_input(cf_rd_t *rd, cf_input_t *input) {
  input->order = cf_rd_u64(rd);
  input->body = CF_SPAN(rd->buf + rd->pos, cf_rd_left(rd));
  input->form = !rd->bad;
  if (!input->form) *input = (cf_input_t){0};
  return input->form;
}

/* ---- the enclave's end ---- */

/* A key of low order is one that agrees on zero with any other: nothing could be sealed to it. */
static bool can_receive(cf_x25519_pub_t const *key, cf_session_epoch_t const *epoch) {
  cf_hpke_t   probe = {0};
  cf_status_t st = cf_hpke_recv_key(&probe, CF_AEAD_AES128GCM, key->b, epoch->key, CF_SPAN(NULL, 0));
  cf_hpke_wipe(&probe);
  return !st;
}

static uint8_t opening_class(opening_t const *o, cf_hash_t const *domain, cf_envelope_t const *env, uint64_t now_s) {
  cf_addr_t signer;
  cf_hash_t digest = cf_session_digest(domain, &env->kid, env->enc, &o->result_key, o->expiry_s);
  if (cf_k256_recover(&signer, o->sig, &digest) || !cf_addr_eq(&signer, &o->owner)) return CF_RESULT_SIGNATURE;
  return o->expiry_s < now_s ? CF_RESULT_EXPIRED : CF_RESULT_ACCEPTED;
}

static cf_status_t open_opening(cf_hpke_t *hpke, cf_span_t *content, uint8_t *plain, cf_ciphers_t const *ciphers,
                                cf_session_epoch_t const *epoch, cf_envelope_t const *env) {
  uint8_t     buf[CF_ENVELOPE_AAD_MAX];
  cf_status_t st = cf_hpke_recv_key(hpke, env->suite->hpke_aead, env->enc, epoch->key, CF_SPAN(NULL, 0));
  if (st) return st;
  cf_span_t aad = cf_envelope_aad(buf, env, &epoch->certificate, &epoch->policy);
  st = cf_aead_open(ciphers->hpke, plain, hpke->key, hpke->base_nonce, aad, env->ciphertext);
  if (st) return st;
  return cf_unpad(content, CF_SPAN(plain, env->ciphertext.len - CF_AEAD_TAG_SZ));
}

cf_refuse_t cf_session_accept(cf_session_t *out, cf_input_t *input, uint8_t *class, uint8_t *plain, cf_ciphers_t const *ciphers,
                              cf_hash_t const *domain, cf_session_epoch_t const *epoch, cf_envelope_t const *env,
                              uint64_t now_s) {
  assert(env->kind == CF_ENVELOPE_OPENING);
  if (env->epoch != epoch->epoch || !cf_hash_eq(&env->kid, &epoch->certificate)) return CF_REFUSE_EPOCH;
  if (env->suite->number != epoch->suite || ciphers->suite != env->suite) return CF_REFUSE_SUITE;

  cf_hpke_t   hpke = {0};
  opening_t   opening = {0};
  cf_input_t  first = {0};
  cf_span_t   content = {0};
  size_t      size = env->ciphertext.len - CF_AEAD_TAG_SZ;
  cf_refuse_t refuse = CF_REFUSE_UNAUTHENTIC;
  if (open_opening(&hpke, &content, plain, ciphers, epoch, env)) goto out;
  cf_rd_t rd = read_opened(content);
  read_opening(&rd, &opening);
  if (!read_input(&rd, &first) || !can_receive(&opening.result_key, epoch)) goto out;

  cf_session_t s = {
      .to = {.epoch = env->epoch, .suite = env->suite->number, .policy = epoch->policy, .key = opening.result_key},
      .certificate = epoch->certificate,
      .owner = opening.owner,
      .expiry_s = opening.expiry_s,
  };
  memcpy(s.to.session, env->session, sizeof s.to.session);
  make_keys(&s, &hpke);
  *class = opening_class(&opening, domain, env, now_s);
  *input = first;
  *out = s;
  cf_wipe(&s, sizeof s);
  refuse = CF_REFUSE_NONE;
out:
  if (refuse) cf_wipe(plain, size);
  cf_hpke_wipe(&hpke);
  return refuse;
}

cf_refuse_t cf_session_open(cf_session_t *s, cf_input_t *input, uint8_t *plain, cf_ciphers_t const *ciphers,
                            cf_envelope_t const *env) {
  assert(env->kind == CF_ENVELOPE_SESSION && memcmp(env->session, s->to.session, sizeof env->session) == 0);
  if (env->epoch != s->to.epoch) return CF_REFUSE_EPOCH;
  if (env->suite->number != s->to.suite || ciphers->suite != env->suite) return CF_REFUSE_SUITE;
  if (cf_counter_look(&s->in, env->counter) != CF_COUNTER_FRESH) return CF_REFUSE_REPLAYED;

  uint8_t   nonce[CF_AEAD_NONCE_SZ], buf[CF_ENVELOPE_AAD_MAX];
  cf_span_t aad = cf_envelope_aad(buf, env, &s->certificate, &s->to.policy);
  cf_envelope_nonce(nonce, s->in_iv, env->counter);
  if (cf_aead_open(ciphers->session, plain, s->in_key, nonce, aad, env->ciphertext)) return CF_REFUSE_UNAUTHENTIC;
  (void)cf_counter_use(&s->in, env->counter);

  cf_span_t content;
  *input = (cf_input_t){0};
  if (!cf_unpad(&content, CF_SPAN(plain, env->ciphertext.len - CF_AEAD_TAG_SZ))) {
    cf_rd_t rd = read_opened(content);
    (void)read_input(&rd, input); /* what is no input is the batch's to tell: input->form */
  }
  return CF_REFUSE_NONE;
}

/* ---- the party's end ---- */

/* A plaintext of head and input goes into the envelope's room, where cf_aead_seal works in place. */
static void write_plaintext(uint8_t *room, cf_span_t head, uint64_t order, cf_span_t input) {
  size_t  content_sz = head.len + CF_INPUT_HEAD_SZ + input.len;
  cf_wr_t wr = cf_wr_init(room + 4, content_sz);
  cf_wr_span(&wr, head);
  cf_wr_u64(&wr, order);
  cf_wr_span(&wr, input);
  cf_pad(room, content_sz);
}

static cf_status_t sign_opening(cf_session_t *s, cf_wr_t *head, cf_hash_t const *domain, uint8_t const enc[CF_HPKE_ENC_SZ],
                                uint8_t const owner[32]) {
  uint8_t     sig[64];
  cf_hash_t   digest = cf_session_digest(domain, &s->certificate, enc, &s->to.key, s->expiry_s);
  cf_status_t st = cf_k256_addr(&s->owner, owner);
  if (!st) st = cf_k256_sign(sig, owner, &digest);
  if (st) return st;
  cf_wr_bytes(head, s->owner.b, sizeof s->owner.b);
  cf_wr_bytes(head, s->to.key.b, sizeof s->to.key.b);
  cf_wr_u40(head, s->expiry_s);
  cf_wr_bytes(head, sig, sizeof sig);
  return CF_OK;
}

cf_status_t cf_session_begin(cf_session_t *out, cf_wr_t *envelope, cf_ciphers_t const *ciphers, cf_session_target_t const *target,
                             uint8_t const owner[32], cf_x25519_pub_t const *result_key, uint64_t expiry_s, uint64_t order,
                             cf_span_t input, cf_entropy_t const *e) {
  uint8_t       head[OPENING_HEAD_SZ], buf[CF_ENVELOPE_AAD_MAX];
  cf_wr_t       wr = cf_wr_init(head, sizeof head);
  cf_hpke_t     hpke = {0};
  cf_envelope_t env = {.kind = CF_ENVELOPE_OPENING,
                       .suite = ciphers->suite,
                       .kid = target->certificate,
                       .domain = target->domain,
                       .epoch = target->epoch,
                       .jurisdiction = target->jurisdiction};
  cf_session_t  s = {.to = {.epoch = target->epoch, .suite = target->suite, .policy = target->policy, .key = *result_key},
                     .certificate = target->certificate,
                     .expiry_s = expiry_s};
  if (target->suite != ciphers->suite->number) return CF_ERR_UNSUPPORTED;
  if (target->jurisdiction.len - 1 >= CF_JURISDICTION_MAX || input.len > CF_BUCKET_MAX || expiry_s > UINT40_MAX)
    return CF_ERR_BOUND;

  cf_status_t st = cf_hpke_send(&hpke, env.enc, env.suite->hpke_aead, &target->sealing, CF_SPAN(NULL, 0), e);
  if (st) goto out;
  cf_session_id_of(env.session, env.enc);
  memcpy(s.to.session, env.session, sizeof s.to.session);
  make_keys(&s, &hpke);
  st = sign_opening(&s, &wr, &target->domain, env.enc, owner);
  if (st) goto out;

  uint8_t *room = cf_envelope_begin(envelope, &env, sizeof head + CF_INPUT_HEAD_SZ + input.len);
  st = room ? CF_OK : CF_ERR_BOUND;
  if (st) goto out;
  write_plaintext(room, cf_wr_out(&wr), order, input);
  cf_aead_seal(ciphers->hpke, room, hpke.key, hpke.base_nonce, cf_envelope_aad(buf, &env, &s.certificate, &s.to.policy),
               CF_SPAN(room, cf_bucket(sizeof head + CF_INPUT_HEAD_SZ + input.len)));
  *out = s;
out:
  cf_wipe(&s, sizeof s);
  cf_hpke_wipe(&hpke);
  return st;
}

cf_status_t cf_session_seal(cf_session_t *s, cf_wr_t *envelope, cf_ciphers_t const *ciphers, cf_hash_t const *domain,
                            cf_span_t jurisdiction, uint64_t order, cf_span_t input) {
  cf_envelope_t env = {.kind = CF_ENVELOPE_SESSION,
                       .suite = ciphers->suite,
                       .domain = *domain,
                       .epoch = s->to.epoch,
                       .counter = s->in.highest + 1,
                       .jurisdiction = jurisdiction};
  assert(ciphers->suite->number == s->to.suite);
  memcpy(env.session, s->to.session, sizeof env.session);
  if (env.counter >= CF_SESSION_COUNTER_END || input.len > CF_BUCKET_MAX) return CF_ERR_BOUND;
  if (jurisdiction.len - 1 >= CF_JURISDICTION_MAX) return CF_ERR_BOUND;

  uint8_t *room = cf_envelope_begin(envelope, &env, CF_INPUT_HEAD_SZ + input.len);
  if (!room) return CF_ERR_BOUND;
  uint8_t nonce[CF_AEAD_NONCE_SZ], buf[CF_ENVELOPE_AAD_MAX];
  write_plaintext(room, CF_SPAN(NULL, 0), order, input);
  cf_envelope_nonce(nonce, s->in_iv, env.counter);
  cf_aead_seal(ciphers->session, room, s->in_key, nonce, cf_envelope_aad(buf, &env, &s->certificate, &s->to.policy),
               CF_SPAN(room, cf_bucket(CF_INPUT_HEAD_SZ + input.len)));
  (void)cf_counter_use(&s->in, env.counter);
  return CF_OK;
}

/* ---- one encoding ---- */

void cf_session_encode(cf_wr_t *wr, cf_session_t const *s) {
  cf_wr_bytes(wr, s->to.session, sizeof s->to.session);
  cf_wr_u64(wr, s->to.epoch);
  cf_wr_u8(wr, (uint8_t)s->to.suite);
  cf_wr_hash(wr, &s->to.policy);
  cf_wr_bytes(wr, s->to.key.b, sizeof s->to.key.b);
  cf_wr_hash(wr, &s->certificate);
  cf_wr_bytes(wr, s->owner.b, sizeof s->owner.b);
  cf_wr_u40(wr, s->expiry_s);
  cf_wr_bytes(wr, s->in_key, sizeof s->in_key);
  cf_wr_bytes(wr, s->in_iv, sizeof s->in_iv);
  cf_wr_u64(wr, s->in.highest);
  cf_wr_u64(wr, s->in.below[0]);
  cf_wr_u64(wr, s->in.below[1]);
  cf_wr_bytes(wr, s->out_secret, sizeof s->out_secret);
  cf_wr_hash(wr, &s->out_instance);
  cf_wr_u64(wr, s->out_counter);
}

/* No counter below 1 was used, and none that does not exist. */
static bool counter_holds(cf_counter_t const *w) {
  if (w->highest >= CF_SESSION_COUNTER_END) return false;
  if (w->highest > CF_COUNTER_BITS) return true;
  uint64_t n = w->highest ? w->highest - 1 : 0; /* counters there are below the highest */
  uint64_t lo = n < 64 ? w->below[0] >> n : 0;
  uint64_t hi = n <= 64 ? w->below[1] : n < 128 ? w->below[1] >> (n - 64) : 0;
  return !lo && !hi;
}

cf_status_t cf_session_decode(cf_session_t *out, cf_rd_t *rd) {
  static cf_hash_t const none;
  cf_session_t           s = {0};
  cf_rd_copy(rd, s.to.session, sizeof s.to.session);
  s.to.epoch = cf_rd_u64(rd);
  s.to.suite = cf_rd_u8(rd);
  s.to.policy = cf_rd_hash(rd);
  cf_rd_copy(rd, s.to.key.b, sizeof s.to.key.b);
  s.certificate = cf_rd_hash(rd);
  cf_rd_copy(rd, s.owner.b, sizeof s.owner.b);
  s.expiry_s = cf_rd_u40(rd);
  cf_rd_copy(rd, s.in_key, sizeof s.in_key);
  cf_rd_copy(rd, s.in_iv, sizeof s.in_iv);
  s.in.highest = cf_rd_u64(rd);
  s.in.below[0] = cf_rd_u64(rd);
  s.in.below[1] = cf_rd_u64(rd);
  cf_rd_copy(rd, s.out_secret, sizeof s.out_secret);
  cf_hash_t instance = cf_rd_hash(rd);
  uint64_t  counter = cf_rd_u64(rd);
  bool      idle = cf_hash_eq(&instance, &none);

  cf_status_t st = CF_ERR_FORMAT;
  if (rd->bad || !cf_suite(s.to.suite) || !counter_holds(&s.in)) goto out;
  if (idle ? counter != 0 : counter >= CF_SESSION_COUNTER_END) goto out;
  if (!idle) cf_session_outbound(&s, &instance);
  s.out_counter = counter;
  *out = s;
  st = CF_OK;
out:
  cf_wipe(&s, sizeof s);
  return st;
}
