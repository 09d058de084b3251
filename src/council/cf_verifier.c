#include "council/cf_verifier.h"

#include <assert.h>
#include <stdio.h>

#include "base/cf_secret.h"
#include "base/cf_text.h"
#include "council/cf_problem.h"

enum { ID_SEEN = 1, ID_FOLLOW = 2, ID_STATEMENT = 16 }; /* ... + place in pending */

#define SEEN_SZ (32 + CF_AK_NAME_SZ + 4 + 4)
#define RESULT_MAX 4096

cf_status_t cf_verifier_init(cf_verifier_t *v, cf_verifier_config_t const *cfg, cf_error_t *err) {
  cf_council_t const *c = cf_genesis_council(&cfg->domain->genesis, CF_VERIFIERS);
  cf_addr_t           addr;
  cf_p256_pub_t       pub;
  memset(v, 0, offsetof(cf_verifier_t, follow));
  for (size_t i = 0; i < CF_VERIFIER_PENDING_MAX; i++) v->pending[i].wait = CF_PENDING_FREE;
  v->cfg = *cfg;
  v->next_challenge = 1;
  cf_p256_key_pub(cfg->key, &pub);
  if (cfg->member >= c->members_cnt || cf_k256_addr(&addr, cfg->scalar) ||
      memcmp(addr.b, c->members[cfg->member].addr, sizeof addr.b) || memcmp(pub.b, c->members[cfg->member].es256, sizeof pub.b))
    return cf_error_set(err, CF_ERR_POLICY, "verifier", cfg->member, "the keys are not those of member %u", cfg->member);
  cf_follow_init(&v->follow, &(cf_follow_config_t){.domain = cfg->domain, .gateway = cfg->gateway, .id = ID_FOLLOW});
  return CF_OK;
}

static cf_member_t const *self(cf_verifier_t const *v) {
  return &cf_genesis_council(&v->cfg.domain->genesis, CF_VERIFIERS)->members[v->cfg.member];
}

/* The name of a member as a string: at most 64 bytes, by the table. */
static char const *own_name(char out[65], cf_verifier_t const *v) {
  cf_span_t name = self(v)->name;
  snprintf(out, 65, "%.*s", (int)name.len, (char const *)name.ptr);
  return out;
}

/* ---- nonces ---- */

static void on_nonce(cf_verifier_t *v, cf_effects_t *fx, cf_event_t const *ev) {
  cf_verifier_nonce_t *slot = &v->nonces[0];
  for (size_t i = 1; i < CF_VERIFIER_NONCES_MAX; i++)
    if (v->nonces[i].until_ms < slot->until_ms) slot = &v->nonces[i]; /* free, or the oldest */
  cf_entropy_fill(&v->cfg.entropy, slot->nonce.b, sizeof slot->nonce.b);
  slot->until_ms = ev->now.mono_ms + v->cfg.domain->policy.attest_max_age_s * 1000;
  cf_fx_reply(fx, ev->id, 200, CF_OCTETS, CF_SPAN_OF(slot->nonce.b));
}

/* take_nonce finds which live nonce of ours is in the list, and ends its life. */
static bool take_nonce(cf_verifier_t *v, cf_hash_t *out, cf_span_t list, uint64_t now_ms) {
  if (cf_nonces_check(list)) return false;
  for (size_t i = 0; i < CF_VERIFIER_NONCES_MAX; i++) {
    cf_verifier_nonce_t *n = &v->nonces[i];
    if (n->until_ms <= now_ms || !cf_nonces_has(list, &n->nonce)) continue;
    *out = n->nonce;
    n->until_ms = 0;
    return true;
  }
  return false;
}

/* ---- credential activation ---- */

typedef struct {
  cf_span_t       chain[CF_X509_CHAIN_MAX];
  size_t          chain_cnt;
  cf_span_t       root; /* may be empty */
  cf_tpm_public_t ak;
  cf_x509_facts_t ek;
} challenged_t;

static bool read_challenge(challenged_t *c, cf_span_t *ak, cf_span_t body) {
  cf_rd_t   rd = cf_rd_span(body);
  cf_span_t chain = cf_rd_take_span(&rd, cf_rd_u32(&rd));
  *ak = cf_rd_take_span(&rd, cf_rd_u32(&rd));
  c->root = cf_rd_take_span(&rd, cf_rd_u32(&rd));
  return cf_rd_done(&rd) && cf_der_split(c->chain, &c->chain_cnt, CF_X509_CHAIN_MAX, chain) == CF_OK;
}

static cf_verdict_code_t check_challenged(cf_verifier_t const *v, challenged_t *c, cf_span_t ak, int64_t at_s,
                                          cf_verdict_t *verdict) {
  cf_error_t err = {0};
  cf_root_t  known[CF_ROOTS_MAX];
  cf_span_t  roots[CF_ROOTS_MAX];
  cf_span_t  ders[CF_X509_CHAIN_MAX + 1];
  size_t     der_cnt = c->chain_cnt;
  memcpy(ders, c->chain, sizeof c->chain);
  if (c->root.len) ders[der_cnt++] = c->root;
  *verdict = (cf_verdict_t){.next = cf_verdict_next(CF_VERDICT_OK)};
  if (cf_tpm_public_decode(&c->ak, ak, &err)) return cf_verdict_error(verdict, &err);
  if (c->ak.bytes.len != ak.len || c->ak.name_alg != CF_TPM_SHA256)
    return cf_verdict_set(verdict, CF_VERDICT_UNSUPPORTED, "tpm.ak", 0, "a bare TPMT_PUBLIC with a SHA-256 name is due");
  if (!cf_tpm_is_ak(&c->ak))
    return cf_verdict_set(verdict, CF_VERDICT_SIGNATURE, "tpm.ak", 0, "attributes %#x: not a restricted signing key",
                          c->ak.attributes);
  cf_x509_ask_t ask = {.certs = c->chain,
                       .cert_cnt = c->chain_cnt,
                       .roots = roots,
                       .root_cnt = cf_attest_roots(known, &v->cfg.domain->policy, v->cfg.roots, v->cfg.root_cnt, ders, der_cnt),
                       .at_s = at_s,
                       .use = CF_X509_EK}; /* revocation is judged with the evidence, which brings the lists */
  for (size_t i = 0; i < ask.root_cnt; i++) roots[i] = known[i].der;
  return cf_x509_chain_check(&c->ek, &ask, verdict);
}

static void refuse_verdict(cf_effects_t *fx, uint64_t request, cf_verdict_t const *v) {
  char class[64];
  snprintf(class, sizeof class, "verdict:%s", cf_verdict_name(v->code));
  cf_problem(fx, request, 403, class, v->next ? v->next : "refused", v->text, v->item);
}

static cf_verifier_challenge_t *challenge_slot(cf_verifier_t *v) {
  cf_verifier_challenge_t *slot = &v->challenges[0];
  for (size_t i = 1; i < CF_VERIFIER_CHALLENGES_MAX; i++)
    if (v->challenges[i].until_ms < slot->until_ms) slot = &v->challenges[i];
  return slot;
}

static void end_challenge(cf_verifier_challenge_t *c) { cf_wipe(c, sizeof *c); }

static void on_challenge(cf_verifier_t *v, cf_effects_t *fx, cf_event_t const *ev) {
  challenged_t c;
  cf_span_t    ak;
  cf_verdict_t verdict;
  if (!read_challenge(&c, &ak, ev->body)) {
    cf_problem(fx, ev->id, 400, "malformed", "a chain of certificates, a public area and a root are due", NULL, NULL);
    return;
  }
  if (check_challenged(v, &c, ak, (int64_t)(ev->now.wall_ms / 1000), &verdict)) {
    refuse_verdict(fx, ev->id, &verdict);
    return;
  }
  cf_verifier_challenge_t *slot = challenge_slot(v);
  uint8_t                  name[CF_TPM_NAME_MAX], made[CF_CREDENTIAL_SZ];
  size_t                   name_sz = cf_tpm_name(name, &c.ak);
  assert(name_sz == sizeof slot->ak_name);
  memcpy(slot->ak_name, name, sizeof slot->ak_name);
  cf_entropy_fill(&v->cfg.entropy, slot->secret, sizeof slot->secret);
  if (cf_credential_make(made, &c.ek.key, CF_SPAN(name, name_sz), slot->secret, &v->cfg.entropy)) {
    end_challenge(slot);
    cf_verdict_set(&verdict, CF_VERDICT_UNSUPPORTED, "chain[0]", 0, "the endorsement key is not RSA-2048");
    refuse_verdict(fx, ev->id, &verdict);
    return;
  }
  slot->id = v->next_challenge++;
  slot->until_ms = ev->now.mono_ms + CF_VERIFIER_CHALLENGE_MS;
  slot->ak_attributes = c.ak.attributes;
  slot->ek_certificate = c.ek.leaf;
  cf_wr_t wr = cf_wr_init(cf_fx_room(fx, 12 + sizeof made), 12 + sizeof made);
  cf_wr_u64(&wr, slot->id);
  cf_wr_u32(&wr, sizeof made);
  cf_wr_bytes(&wr, made, sizeof made);
  cf_fx_reply(fx, ev->id, 200, CF_OCTETS, cf_wr_out(&wr));
}

static cf_span_t statement_name(cf_effects_t *fx, uint8_t const ak_name[CF_AK_NAME_SZ]) {
  char hex[2 * CF_AK_NAME_SZ + 1];
  return cf_fx_printf(fx, "statements/%s", cf_hex_encode(hex, CF_SPAN(ak_name, CF_AK_NAME_SZ)));
}

static void state(cf_verifier_t *v, cf_effects_t *fx, cf_event_t const *ev, cf_verifier_challenge_t const *c) {
  char           issuer[65];
  cf_hash_t      nonce = cf_sha256(CF_SPAN_OF(c->secret));
  cf_statement_t st = {.ak_attributes = c->ak_attributes, .time = ev->now.wall_ms / 1000};
  memcpy(st.ak_name, c->ak_name, sizeof st.ak_name);
  memcpy(st.ek_certificate, c->ek_certificate.b, sizeof st.ek_certificate);
  memcpy(st.domain, v->cfg.domain->id.b, sizeof st.domain);
  memcpy(st.nonce, nonce.b, sizeof st.nonce);
  uint8_t buf[CF_STATEMENT_MAX + 4];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_wr_u32(&wr, 0);
  cf_document_seal(&wr, NULL, &cf_statement_table, &st, v->cfg.key, own_name(issuer, v), "enclave");
  assert(!wr.bad);
  cf_wr_t head = cf_wr_init(buf, 4);
  cf_wr_u32(&head, (uint32_t)(wr.len - 4));
  cf_span_t answer = cf_fx_dup(fx, cf_wr_out(&wr));
  cf_fx_put(fx, statement_name(fx, c->ak_name), CF_SPAN(answer.ptr + 4, answer.len - 4));
  cf_fx_reply(fx, ev->id, 200, CF_OCTETS, answer);
}

static void on_activate(cf_verifier_t *v, cf_effects_t *fx, cf_event_t const *ev) {
  cf_rd_t        rd = cf_rd_span(ev->body);
  uint64_t       id = cf_rd_u64(&rd);
  uint8_t const *secret = cf_rd_take(&rd, CF_CREDENTIAL_SECRET_SZ);
  if (!cf_rd_done(&rd)) {
    cf_problem(fx, ev->id, 400, "malformed", "a challenge's id and 32 bytes are due", NULL, NULL);
    return;
  }
  for (size_t i = 0; id && i < CF_VERIFIER_CHALLENGES_MAX; i++) {
    cf_verifier_challenge_t *c = &v->challenges[i];
    if (c->id != id || c->until_ms <= ev->now.mono_ms) continue;
    if (cf_ct_eq(secret, c->secret, sizeof c->secret)) state(v, fx, ev, c);
    else cf_problem(fx, ev->id, 403, "challenge:answer", "not the secret that the TPM was sent", NULL, NULL);
    end_challenge(c); /* one try */
    return;
  }
  cf_problem(fx, ev->id, 403, "challenge:unknown", "no such challenge is open", NULL, NULL);
}

/* ---- attest ---- */

typedef struct {
  cf_span_t evidence, collateral;
  cf_hash_t terms;
  uint64_t  size_min;
} attest_body_t;

static bool read_attest(attest_body_t *out, cf_span_t body) {
  cf_rd_t rd = cf_rd_span(body);
  out->evidence = cf_rd_take_span(&rd, cf_rd_u32(&rd));
  out->collateral = cf_rd_take_span(&rd, cf_rd_u32(&rd));
  out->terms = cf_rd_hash(&rd);
  out->size_min = cf_rd_u64(&rd);
  return cf_rd_done(&rd);
}

static void begin_round(cf_verifier_t *v, cf_effects_t *fx) {
  bool any = false;
  for (size_t i = 0; i < CF_VERIFIER_PENDING_MAX; i++)
    if (v->pending[i].wait == CF_PENDING_QUEUED) {
      v->pending[i].wait = CF_PENDING_FOLLOWING;
      any = true;
    }
  if (any) cf_follow_begin(&v->follow, fx);
}

static void on_attest(cf_verifier_t *v, cf_effects_t *fx, cf_event_t const *ev) {
  attest_body_t body;
  if (ev->body.len > CF_VERIFIER_BODY_MAX) {
    cf_problem(fx, ev->id, 413, "too-large", "more than evidence and collateral can be", NULL, NULL);
    return;
  }
  if (!read_attest(&body, ev->body)) {
    cf_problem(fx, ev->id, 400, "malformed", "evidence, collateral, terms and a size are due", NULL, NULL);
    return;
  }
  for (size_t i = 0; i < CF_VERIFIER_PENDING_MAX; i++) {
    cf_verifier_pending_t *p = &v->pending[i];
    if (p->wait != CF_PENDING_FREE) continue;
    p->wait = CF_PENDING_QUEUED;
    p->request = ev->id;
    p->body_len = ev->body.len;
    memcpy(p->body, ev->body.ptr, ev->body.len);
    if (v->follow.phase == CF_FOLLOW_IDLE) begin_round(v, fx);
    return;
  }
  cf_problem(fx, ev->id, 503, "busy", "enough is being judged already", NULL, NULL);
}

static void encode_seen(uint8_t out[SEEN_SZ], cf_attest_seen_t const *s) {
  cf_wr_t wr = cf_wr_init(out, SEEN_SZ);
  cf_wr_hash(&wr, &s->instance);
  cf_wr_bytes(&wr, s->ak_name, sizeof s->ak_name);
  cf_wr_u32(&wr, s->reset_cnt);
  cf_wr_u32(&wr, s->restart_cnt);
}

static void grant(cf_verifier_t *v, cf_effects_t *fx, uint64_t request, cf_attest_out_t const *out) {
  char      issuer[65];
  uint8_t   sig[64];
  cf_hash_t digest = cf_registration_digest(&v->cfg.domain->ledger.separator, &v->cfg.domain->id, &out->registration);
  uint8_t  *seen = cf_fx_room(fx, SEEN_SZ);
  cf_wr_t   wr = cf_wr_init(cf_fx_room(fx, RESULT_MAX), RESULT_MAX);
  v->seen = out->seen;
  v->seen_any = true;
  encode_seen(seen, &v->seen);

  cf_wr_u32(&wr, 0);
  cf_ear_seal(&wr, &out->ear, v->cfg.key, own_name(issuer, v));
  cf_wr_t     head = cf_wr_init(wr.buf, 4);
  cf_status_t st = cf_k256_sign(sig, v->cfg.scalar, &digest);
  cf_wr_u32(&head, (uint32_t)(wr.len - 4));
  cf_wr_bytes(&wr, sig, sizeof sig);
  cf_wr_u8(&wr, v->cfg.member);
  assert(!st && !wr.bad);
  (void)st;
  cf_fx_put(fx, CF_SPAN_LIT(CF_VERIFIER_SEEN), CF_SPAN(seen, SEEN_SZ));
  cf_fx_reply(fx, request, 200, CF_OCTETS, cf_wr_out(&wr));
}

static void judge(cf_verifier_t *v, cf_effects_t *fx, cf_verifier_pending_t *p, cf_span_t statement, cf_now_t now) {
  attest_body_t       body;
  cf_tpm_evidence_t   e;
  cf_hash_t           nonce;
  cf_attest_out_t     out;
  cf_attest_refusal_t why;
  bool                form = read_attest(&body, CF_SPAN(p->body, p->body_len));
  assert(form); /* it was read when it came */
  (void)form;
  bool            ours = cf_carrier_decode(&e, body.evidence, NULL) == CF_OK && take_nonce(v, &nonce, e.nonces, now.mono_ms);
  cf_attest_ask_t ask = {.domain = v->cfg.domain,
                         .log = &v->follow.now,
                         .evidence = body.evidence,
                         .collateral = body.collateral,
                         .statement = statement,
                         .nonce = ours ? &nonce : NULL,
                         .terms = body.terms,
                         .size_min = body.size_min,
                         .seen = v->seen_any ? &v->seen : NULL,
                         .roots = v->cfg.roots,
                         .root_cnt = v->cfg.root_cnt,
                         .at_s = (int64_t)(now.wall_ms / 1000)};
  p->wait = CF_PENDING_FREE;
  if (cf_attest_judge(&out, &ask, &why) == CF_ATTEST_OK) {
    grant(v, fx, p->request, &out);
    return;
  }
  char type[64];
  cf_attest_type(type, &why);
  bool verdict = why.code == CF_ATTEST_VERDICT;
  cf_problem(fx, p->request, 403, type + sizeof "urn:counterfoil:" - 1, verdict ? why.verdict.next : "not to be attested",
             why.text, verdict ? why.verdict.item : NULL);
}

/* The log is known up to the present: now the verifier's own statement for this AK, if there is one. */
static void on_followed(cf_verifier_t *v, cf_effects_t *fx, cf_verifier_pending_t *p, cf_now_t now) {
  attest_body_t     body;
  cf_tpm_evidence_t e;
  cf_tpm_public_t   ak;
  uint8_t           name[CF_TPM_NAME_MAX];
  if (v->follow.result) {
    char class[64];
    snprintf(class, sizeof class, "log:%s", cf_follow_name(v->follow.result));
    p->wait = CF_PENDING_FREE;
    cf_problem(fx, p->request, 503, class, "the log could not be followed", NULL, NULL);
    return;
  }
  if (!read_attest(&body, CF_SPAN(p->body, p->body_len)) || cf_carrier_decode(&e, body.evidence, NULL) ||
      cf_tpm_public_decode(&ak, e.ak_public, NULL) || cf_tpm_name(name, &ak) != CF_AK_NAME_SZ) {
    judge(v, fx, p, CF_SPAN(NULL, 0), now);
    return;
  }
  p->wait = CF_PENDING_STATEMENT;
  cf_fx_get(fx, ID_STATEMENT + (uint64_t)(p - v->pending), statement_name(fx, name));
}

static void on_round_ended(cf_verifier_t *v, cf_effects_t *fx, cf_now_t now) {
  for (size_t i = 0; i < CF_VERIFIER_PENDING_MAX; i++)
    if (v->pending[i].wait == CF_PENDING_FOLLOWING) on_followed(v, fx, &v->pending[i], now);
  begin_round(v, fx);
}

/* ---- the core ---- */

static void stop_broken(cf_effects_t *fx, char const *file) {
  cf_fx(fx, CF_FX_LOG)->body = cf_fx_printf(fx, "{\"level\":\"error\",\"event\":\"verifier-state\",\"reason\":\"%s\"}", file);
  cf_fx(fx, CF_FX_EXIT)->code = 1;
}

static void on_seen(cf_verifier_t *v, cf_effects_t *fx, cf_event_t const *ev) {
  if (ev->status || (ev->code != 404 && ev->body.len != SEEN_SZ)) {
    stop_broken(fx, CF_VERIFIER_SEEN);
    return;
  }
  if (ev->code != 404) {
    cf_rd_t rd = cf_rd_span(ev->body);
    v->seen.instance = cf_rd_hash(&rd);
    cf_rd_copy(&rd, v->seen.ak_name, sizeof v->seen.ak_name);
    v->seen.reset_cnt = cf_rd_u32(&rd);
    v->seen.restart_cnt = cf_rd_u32(&rd);
    v->seen_any = true;
  }
  cf_follow_start(&v->follow, fx);
}

static void on_done(cf_verifier_t *v, cf_effects_t *fx, cf_event_t const *ev) {
  cf_follow_step_t step = cf_follow_step(&v->follow, fx, ev);
  if (step == CF_FOLLOW_ENDED && v->follow.phase == CF_FOLLOW_BROKEN) stop_broken(fx, "log");
  else if (step == CF_FOLLOW_ENDED && v->ready) on_round_ended(v, fx, ev->now);
  else if (step == CF_FOLLOW_ENDED) v->ready = true;
  if (step != CF_FOLLOW_NOT_MINE) return;
  if (ev->id == ID_SEEN && !v->ready) on_seen(v, fx, ev);
  if (ev->id < ID_STATEMENT || ev->id >= ID_STATEMENT + CF_VERIFIER_PENDING_MAX) return;
  cf_verifier_pending_t *p = &v->pending[ev->id - ID_STATEMENT];
  if (p->wait == CF_PENDING_STATEMENT) judge(v, fx, p, !ev->status && ev->code == 200 ? ev->body : CF_SPAN(NULL, 0), ev->now);
}

static bool path_is(cf_event_t const *ev, char const *path) { return cf_span_eq(ev->path, CF_SPAN(path, strlen(path))); }

static void on_request(cf_verifier_t *v, cf_effects_t *fx, cf_event_t const *ev) {
  if (!v->ready) cf_problem(fx, ev->id, 503, "busy", "starting", NULL, NULL);
  else if (path_is(ev, "POST /v1/nonce")) on_nonce(v, fx, ev);
  else if (path_is(ev, "POST /v1/challenge")) on_challenge(v, fx, ev);
  else if (path_is(ev, "POST /v1/activate")) on_activate(v, fx, ev);
  else if (path_is(ev, "POST /v1/attest")) on_attest(v, fx, ev);
  else cf_problem(fx, ev->id, 404, "unknown", "a verifier has no such resource", NULL, NULL);
}

void cf_verifier_step(cf_verifier_t *v, cf_effects_t *fx, cf_event_t const *ev) {
  switch (ev->kind) {
  case CF_EV_START:
    cf_fx_get(fx, ID_SEEN, CF_SPAN_LIT(CF_VERIFIER_SEEN));
    break;
  case CF_EV_REQUEST:
    on_request(v, fx, ev);
    break;
  case CF_EV_DONE:
    on_done(v, fx, ev);
    break;
  case CF_EV_TICK:
    break;
  case CF_EV_STOP:
    for (size_t i = 0; i < CF_VERIFIER_CHALLENGES_MAX; i++) end_challenge(&v->challenges[i]);
    cf_fx(fx, CF_FX_EXIT)->code = 0;
    break;
  }
}
