/* Attestation: nonces from the verifiers, one quote bound to all of them, a
   credential conversation where no young statement exists, k results.  PROTOCOL P4, P12. */
#include "gateway/cf_gateway_state.h"

#include <stdio.h>

#include "codec/cf_json.h"

#define GATHER_MS 300 /* for more than k results, once k are there */

enum { LAUNCHER_VERSION = 1, LAUNCHER_EVIDENCE = 1, LAUNCHER_CHALLENGED = 2, LAUNCHER_ACTIVATE = 3 };

static cf_council_t const *
verifiers(cf_gateway_t const *g) {
  return cf_genesis_council(&g->domain.genesis, CF_VERIFIERS);
}

static void
to(cf_gateway_t *g, cf_attest_step_t step) {
  cf_attest_t *a = &g->attest;
  a->step        = step;
  a->asking      = false;
  a->round       = g->serial << 16 | 0xffff; /* answers to what was asked before are late */
  for (size_t i = 0; i < CF_MEMBERS_MAX; i++) a->v[i].busy = false;
}

void
cf_attest_failed(cf_gateway_t *g, cf_effects_t *fx, cf_public_text_t why) {
  cf_attest_t *a = &g->attest;
  to(g, CF_ATTEST_IDLE);
  cf_gateway_say(g, fx, CF_LINE_WARN, CF_PUBLIC_TEXT("attestation-failed"), why, a->fails);
  a->retry_at_ms = g->now.mono_ms + cf_backoff_ms(2 + a->fails++);
}

/* cf_attest_begin forgets the epoch before. */
void
cf_attest_begin(cf_gateway_t *g) {
  cf_attest_t *a       = &g->attest;
  a->renewal           = false;
  a->certificate_len   = 0;
  a->certificate_index = CF_NO_INDEX;
  a->challenged_len    = 0; /* another launcher may have another key */
  a->attested_s        = 0;
  a->retry_at_ms       = 0;
  a->fails             = 0;
  to(g, CF_ATTEST_IDLE);
}

void
cf_attest_certificate(cf_gateway_t *g, cf_span_t cose, uint64_t index) {
  cf_attest_t *a = &g->attest;
  cf_sign1_t   s;
  cf_epoch_t   doc;
  if (cose.len > sizeof a->certificate || cf_document_open(&doc, &s, &cf_epoch_table, cose, NULL)) return;
  a->epoch            = doc;
  a->epoch.extra      = CF_SPAN(NULL, 0);
  a->certificate_hash = cf_document_hash(s.protected_hdr, s.payload);
  memcpy(a->certificate, cose.ptr, a->certificate_len = cose.len);
  if (index != CF_NO_INDEX) a->certificate_index = index;
}

void
cf_attest_adopt(cf_gateway_t *g) {
  cf_kept_entry_t const *c = &g->newest.certificate;
  cf_attest_certificate(g, CF_SPAN(c->bytes, c->len), c->index);
  for (size_t i = 0; i < CF_MEMBERS_MAX; i++) {
    cf_kept_entry_t const *k = &g->newest.result[i];
    cf_ear_t               ear;
    cf_sign1_t             s;
    if (k->len && !cf_ear_open(&ear, &s, CF_SPAN(k->bytes, k->len), NULL) && ear.time > g->attest.attested_s)
      g->attest.attested_s = ear.time;
  }
}

/* ---- nonces ---- */

static void
ask_nonces(cf_gateway_t *g, cf_effects_t *fx) {
  cf_attest_t *a = &g->attest;
  to(g, CF_ATTEST_NONCES);
  for (unsigned i = 0; i < verifiers(g)->members_cnt; i++) {
    cf_verifier_state_t *v = &a->v[i];
    v->busy                = true;
    v->nonce_have = v->done = false;
    v->ear_len              = 0;
    cf_fx_ask(fx, cf_fx_id(g, CF_ID_NONCE, i), g->cfg.verifier[i], CF_SPAN_LIT("POST /v1/nonce"), CF_SPAN(NULL, 0), CF_PEER_MS);
  }
}

static bool
any_busy(cf_attest_t const *a) {
  for (size_t i = 0; i < CF_MEMBERS_MAX; i++)
    if (a->v[i].busy) return true;
  return false;
}

static size_t
nonces(cf_attest_t const *a, cf_hash_t out[CF_MEMBERS_MAX]) {
  size_t n = 0;
  for (size_t i = 0; i < CF_MEMBERS_MAX; i++) {
    if (!a->v[i].nonce_have) continue;
    size_t at = n++;
    for (; at && memcmp(out[at - 1].b, a->v[i].nonce.b, 32) > 0; at--) out[at] = out[at - 1];
    out[at] = a->v[i].nonce;
  }
  return n;
}

static void
on_nonce(cf_gateway_t *g, cf_effects_t *fx, unsigned i, cf_event_t const *ev) {
  cf_attest_t *a = &g->attest;
  a->v[i].busy   = false;
  if (!ev->status && ev->code == 200 && ev->body.len == 32) {
    memcpy(a->v[i].nonce.b, ev->body.ptr, 32);
    a->v[i].nonce_have = true;
  }
  if (any_busy(a)) return;
  cf_hash_t list[CF_MEMBERS_MAX];
  size_t    n = nonces(a, list);
  for (size_t k = 1; k < n; k++)
    if (cf_hash_eq(&list[k], &list[k - 1])) n = 0; /* two verifiers, one nonce: somebody copies */
  if (n < verifiers(g)->k) cf_attest_failed(g, fx, CF_PUBLIC_TEXT("fewer than k verifiers gave a nonce of their own"));
  else to(g, CF_ATTEST_CERTIFY);
}

/* ---- the quote ---- */

bool
cf_attest_ask(cf_gateway_t *g, cf_effects_t *fx) {
  cf_attest_t *a = &g->attest;
  cf_hash_t    list[CF_MEMBERS_MAX];
  size_t       n     = 1;
  bool         fresh = g->fresh_request && !g->fresh_certify && !g->fresh_id && g->phase == CF_PHASE_SERVING;
  if (fresh) list[0] = g->fresh_nonce;
  else if (a->step == CF_ATTEST_CERTIFY && !a->asking) n = nonces(a, list);
  else return false;
  cf_wr_t wr = cf_wr_init(g->ask, CF_FRAME_MAX);
  cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&wr, CF_MSG_CERTIFY);
  cf_wr_u8(&wr, (uint8_t)n);
  for (size_t i = 0; i < n; i++) cf_wr_hash(&wr, &list[i]);
  if (!cf_leader_ask(g, fx, CF_MSG_CERTIFY, cf_wr_out(&wr))) return false;
  if (fresh) g->fresh_certify = true;
  else a->asking = true;
  return true;
}

static cf_span_t
launcher_message(cf_effects_t *fx, uint8_t type, cf_span_t body) {
  cf_wr_t wr = cf_wr_init(cf_fx_room(fx, 2 + body.len), 2 + body.len);
  cf_wr_u8(&wr, LAUNCHER_VERSION);
  cf_wr_u8(&wr, type);
  cf_wr_span(&wr, body);
  return cf_wr_out(&wr);
}

/* The body of a launcher's answer; false when it refused or is silent. */
static bool
launcher_answer(cf_rd_t *rd, cf_event_t const *ev, uint8_t type) {
  *rd = cf_rd_span(ev->body);
  return !ev->status && cf_rd_u8(rd) == LAUNCHER_VERSION && cf_rd_u8(rd) == type && cf_rd_u8(rd) == 0 && !rd->bad;
}

void
cf_attest_certified(cf_gateway_t *g, cf_effects_t *fx, cf_rd_t *body) {
  cf_attest_t *a           = &g->attest;
  cf_span_t    certificate = cf_rd_sized(body);
  (void)cf_rd_hash(body);
  cf_hash_t binding = cf_rd_hash(body);
  if (!cf_rd_done(body) || !cf_span_eq(certificate, CF_SPAN(a->certificate, a->certificate_len))) {
    cf_attest_failed(g, fx, CF_PUBLIC_TEXT("the certificate is not the one that was logged"));
    return;
  }
  bool fresh = g->fresh_certify;
  if (!fresh && a->step != CF_ATTEST_CERTIFY) return;
  if (!fresh) to(g, CF_ATTEST_EVIDENCE);
  uint64_t id = cf_fx_id(g, fresh ? CF_ID_FRESH : CF_ID_EVIDENCE, 0);
  cf_fx_ask(fx, id, g->cfg.launcher, CF_SPAN_LIT("EVIDENCE"), launcher_message(fx, LAUNCHER_EVIDENCE, CF_SPAN_OF(binding.b)),
            CF_PEER_MS);
  if (fresh) {
    g->fresh_certify = false;
    g->fresh_id      = id;
    return;
  }
  a->binding = binding;
}

static void
on_evidence(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  cf_attest_t *a = &g->attest;
  cf_rd_t      rd;
  if (a->step != CF_ATTEST_EVIDENCE) return;
  bool      ok       = launcher_answer(&rd, ev, LAUNCHER_EVIDENCE);
  cf_span_t evidence = cf_rd_sized(&rd), collateral = cf_rd_sized(&rd);
  if (!ok || !cf_rd_done(&rd) || !evidence.len || evidence.len > CF_EVIDENCE_BYTES || collateral.len > CF_EVIDENCE_BYTES) {
    cf_attest_failed(g, fx, CF_PUBLIC_TEXT("the launcher gave no evidence"));
    return;
  }
  memcpy(a->evidence, evidence.ptr, a->evidence_len = evidence.len);
  if (collateral.len) memcpy(a->collateral, collateral.ptr, collateral.len);
  a->collateral_len = collateral.len;
  a->evidence_hash  = cf_sha256(evidence);
  to(g, CF_ATTEST_CREDENTIALS);
  for (size_t i = 0; i < verifiers(g)->members_cnt; i++) {
    cf_verifier_state_t *v     = &a->v[i];
    bool                 young = v->statement_have && cf_now_s(g) < v->statement_s + g->domain.policy.credential_max_age_s / 2;
    v->want_statement          = v->nonce_have && !young;
    if (v->want_statement && !a->challenged_len && !a->asking) {
      a->asking = true;
      cf_fx_ask(fx, cf_fx_id(g, CF_ID_CHALLENGED, 0), g->cfg.launcher, CF_SPAN_LIT("CHALLENGED"),
                launcher_message(fx, LAUNCHER_CHALLENGED, CF_SPAN(NULL, 0)), CF_PEER_MS);
    }
  }
}

/* ---- credentials: challenge from the verifier, answer from the TPM, statement from the verifier ---- */

static void
on_challenged(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  cf_attest_t *a = &g->attest;
  cf_rd_t      rd;
  if (a->step != CF_ATTEST_CREDENTIALS) return;
  a->asking = false;
  if (!launcher_answer(&rd, ev, LAUNCHER_CHALLENGED) || !cf_rd_left(&rd) || cf_rd_left(&rd) > CF_EVIDENCE_BYTES) {
    cf_attest_failed(g, fx, CF_PUBLIC_TEXT("the launcher did not take part in a credential challenge"));
    return;
  }
  a->challenged_len = cf_rd_left(&rd);
  memcpy(a->challenged, cf_rd_take(&rd, a->challenged_len), a->challenged_len);
}

static void
statement_store(cf_gateway_t *g, unsigned i) {
  cf_verifier_state_t const *v = &g->attest.v[i];
  char                       key[16];
  uint8_t                    value[8 + CF_STATEMENT_BYTES];
  cf_wr_t                    wr = cf_wr_init(value, sizeof value);
  size_t                     n  = (size_t)snprintf(key, sizeof key, "statement/%u", i);
  cf_wr_u64(&wr, v->statement_s);
  cf_wr_bytes(&wr, v->statement, v->statement_len);
  cf_store_put(&g->writes, CF_STORE_META, CF_SPAN(key, n), cf_wr_out(&wr));
}

/* A verifier that does not answer, or refuses, is left out of this round. */
static void
leave_out(cf_verifier_state_t *v) {
  v->busy = v->want_statement = false;
  v->nonce_have               = false;
}

static void
on_challenge(cf_gateway_t *g, cf_effects_t *fx, unsigned i, cf_event_t const *ev) {
  cf_verifier_state_t *v  = &g->attest.v[i];
  cf_rd_t              rd = cf_rd_span(ev->body);
  v->challenge            = cf_rd_u64(&rd);
  cf_span_t challenge     = CF_SPAN(ev->body.ptr + rd.pos, cf_rd_left(&rd)); /* with its length, as the launcher wants it */
  (void)cf_rd_sized(&rd);
  if (ev->status || ev->code != 200 || !cf_rd_done(&rd)) {
    leave_out(v);
    return;
  }
  cf_fx_ask(fx, cf_fx_id(g, CF_ID_ANSWER, i), g->cfg.launcher, CF_SPAN_LIT("ACTIVATE"),
            launcher_message(fx, LAUNCHER_ACTIVATE, challenge), CF_PEER_MS);
}

static void
on_answer(cf_gateway_t *g, cf_effects_t *fx, unsigned i, cf_event_t const *ev) {
  cf_verifier_state_t *v = &g->attest.v[i];
  cf_rd_t              rd;
  if (!launcher_answer(&rd, ev, LAUNCHER_ACTIVATE) || cf_rd_left(&rd) != 32) {
    leave_out(v);
    return;
  }
  cf_wr_t wr = cf_wr_init(cf_fx_room(fx, 40), 40);
  cf_wr_u64(&wr, v->challenge);
  cf_wr_bytes(&wr, cf_rd_take(&rd, 32), 32);
  cf_fx_ask(fx, cf_fx_id(g, CF_ID_STATEMENT, i), g->cfg.verifier[i], CF_SPAN_LIT("POST /v1/activate"), cf_wr_out(&wr),
            CF_PEER_MS);
}

static void
on_statement(cf_gateway_t *g, unsigned i, cf_event_t const *ev) {
  cf_verifier_state_t *v  = &g->attest.v[i];
  cf_rd_t              rd = cf_rd_span(ev->body);
  cf_span_t            s  = cf_rd_sized(&rd);
  if (ev->status || ev->code != 200 || !cf_rd_done(&rd) || !s.len || s.len > CF_STATEMENT_BYTES) {
    leave_out(v);
    return;
  }
  v->busy = v->want_statement = false;
  v->statement_have           = true;
  v->statement_s              = cf_now_s(g);
  memcpy(v->statement, s.ptr, v->statement_len = (uint32_t)s.len);
  statement_store(g, i);
}

/* ---- results ---- */

static void
make_terms(cf_gateway_t *g) {
  cf_attest_t            *a = &g->attest;
  cf_registration_terms_t t = { .epoch        = a->epoch.epoch,
                                .policy       = (uint32_t)g->domain.policy.version,
                                .not_before_s = a->epoch.not_before,
                                .not_after_s  = a->epoch.not_after,
                                .fence        = 1,
                                .log_index    = a->certificate_index,
                                .council      = (uint32_t)verifiers(g)->version };
  a->registration           = (cf_registration_t){ .terms       = cf_registration_terms_pack(&t),
                                                   .certificate = a->certificate_hash,
                                                   .evidence    = a->evidence_hash };
  memcpy(a->registration.key.b, a->epoch.settlement, 20);
  memcpy(a->registration.instance.b, a->epoch.instance, 32);
}

static void
ask_results(cf_gateway_t *g, cf_effects_t *fx) {
  cf_attest_t *a = &g->attest;
  make_terms(g);
  to(g, CF_ATTEST_RESULTS);
  a->next_ms  = g->now.mono_ms + GATHER_MS;
  size_t  max = 8 + a->evidence_len + a->collateral_len + 40;
  cf_wr_t wr  = cf_wr_init(cf_fx_room(fx, max), max);
  cf_wr_sized(&wr, CF_SPAN(a->evidence, a->evidence_len));
  cf_wr_sized(&wr, CF_SPAN(a->collateral, a->collateral_len));
  cf_wr_hash(&wr, &a->registration.terms);
  cf_wr_u64(&wr, g->publisher.cosigned.size);
  for (unsigned i = 0; i < verifiers(g)->members_cnt; i++) {
    if (!a->v[i].nonce_have) continue;
    a->v[i].busy       = true;
    a->v[i].refused[0] = 0;
    cf_fx_ask(fx, cf_fx_id(g, CF_ID_ATTEST, i), g->cfg.verifier[i], CF_SPAN_LIT("POST /v1/attest"), cf_wr_out(&wr), CF_PEER_MS);
    fx->at[fx->cnt - 1].side = true; /* it reads the log up to that size */
  }
}

/* Who reads the bundle counts k results that hold: what shows without judging the evidence anew is looked at here, or one who lies is
   among the k that the epoch starts with. */
static bool
may_hold(cf_gateway_t const *g, cf_ear_t const *ear) {
  cf_policy_t const *p = &g->domain.policy;
  bool               young = ear->time + p->attest_max_age_s + p->clock_skew_s >= g->publisher.cosigned.time_s;
  return young && ear->until > ear->time && ear->status == CF_EAR_AFFIRMING && !memcmp(ear->domain, g->domain.id.b, 32) &&
         !memcmp(ear->policy, g->domain.policy_hash.b, 32);
}

/* A result is taken when it is that verifier's, about this certificate and evidence, and its registration's signature is good; and when
   all that it relied on is here: what nobody can archive, an audit would miss for ever.  A verifier may honestly have a statement that we
   have not, because we ended when it came: the next round asks for a new one. */
static bool
take_result(cf_gateway_t *g, unsigned i, cf_span_t ear_bytes, uint8_t const sig[64]) {
  cf_attest_t         *a = &g->attest;
  cf_verifier_state_t *v = &a->v[i];
  cf_ear_t             ear;
  cf_sign1_t           s;
  cf_p256_pub_t        pub;
  cf_addr_t            by;
  memcpy(pub.b, verifiers(g)->members[i].es256, sizeof pub.b);
  if (ear_bytes.len > sizeof v->ear || cf_ear_open(&ear, &s, ear_bytes, NULL) || cf_sign1_verify(&s, &pub)) return false;
  if (!may_hold(g, &ear) || memcmp(ear.certificate, a->certificate_hash.b, 32)) return false;
  if (!cf_attest_archivable(g, i, &ear)) {
    v->statement_have = false;
    snprintf(v->refused, sizeof v->refused, "collateral");
    return false;
  }
  cf_registration_t r = a->registration;
  memcpy(r.measurement.b, ear.measurement, 32);
  cf_hash_t digest = cf_registration_digest(&g->domain.ledger.separator, &g->domain.id, &r);
  if (cf_k256_recover(&by, sig, &digest) || memcmp(by.b, verifiers(g)->members[i].addr, 20)) return false;
  v->measurement = r.measurement;
  memcpy(v->ear, ear_bytes.ptr, v->ear_len = (uint32_t)ear_bytes.len);
  memcpy(v->sig, sig, 64);
  return true;
}

static void
on_refusal(cf_verifier_state_t *v, cf_span_t body) {
  if (!cf_gateway_refusal(v->refused, body)) return;
  v->statement_have = false; /* whatever it was, the next round begins with a new statement */
}

static void
on_result(cf_gateway_t *g, unsigned i, cf_event_t const *ev) {
  cf_attest_t         *a  = &g->attest;
  cf_verifier_state_t *v  = &a->v[i];
  cf_rd_t              rd = cf_rd_span(ev->body);
  v->busy                 = false;
  if (!ev->status && ev->code != 200) on_refusal(v, ev->body);
  cf_span_t      ear    = cf_rd_sized(&rd);
  uint8_t const *sig    = cf_rd_take(&rd, 64);
  uint8_t        member = cf_rd_u8(&rd);
  if (ev->status || ev->code != 200 || !cf_rd_done(&rd) || member != i || !take_result(g, i, ear, sig)) return;
  v->done = true;
}

unsigned
cf_attest_agreed(cf_hash_t *measurement, cf_verifier_state_t const v[CF_MEMBERS_MAX]) {
  unsigned most = 0;
  for (unsigned i = 0; i < CF_MEMBERS_MAX; i++) {
    unsigned n = 0;
    for (unsigned j = 0; v[i].done && j < CF_MEMBERS_MAX; j++) n += v[j].done && cf_hash_eq(&v[j].measurement, &v[i].measurement);
    if (n <= most) continue;
    most         = n;
    *measurement = v[i].measurement;
  }
  return most;
}

/* k results are there: they are logged, and what they are about is served from now on. */
static void
conclude(cf_gateway_t *g, cf_effects_t *fx) {
  cf_attest_t *a = &g->attest;
  (void)cf_attest_agreed(&a->registration.measurement, a->v);
  for (unsigned i = 0; i < CF_MEMBERS_MAX; i++)
    if (!cf_hash_eq(&a->v[i].measurement, &a->registration.measurement)) a->v[i].done = false;
  memcpy(a->served, a->evidence, a->served_len = a->evidence_len);
  memcpy(a->served_collateral, a->collateral, a->served_collateral_len = a->collateral_len);
  cf_attest_keep(g, fx);
  for (unsigned i = 0; i < CF_MEMBERS_MAX; i++)
    if (a->v[i].done) (void)cf_logside_queue(g, CF_ENTRY_RESULT, i, CF_SPAN(a->v[i].ear, a->v[i].ear_len));
  a->fails   = 0;
  a->next_ms = g->now.mono_ms + g->domain.policy.attest_interval_s * 1000;
  to(g, CF_ATTEST_IDLE);
  if (g->step == CF_STEP_ATTEST) cf_leader_to(g, CF_STEP_RESULTS);
  a->renewal = true;
}

/* Nothing that a verifier reads can become younger by itself: a checkpoint of one size is signed once, and nobody may submit while evidence is
   old. When more of them say so than may lie, the enclave starts again, and its opening entry makes a checkpoint of now. */
static bool
log_is_stale(cf_gateway_t const *g) {
  cf_council_t const *c    = verifiers(g);
  unsigned            said = 0;
  for (size_t i = 0; i < c->members_cnt; i++) said += g->attest.v[i].nonce_have && !strcmp(g->attest.v[i].refused, "log:stale");
  return said > c->members_cnt - c->k && !g->queued_cnt && g->publisher.cosigned.size == g->writer.size;
}

static void
not_affirmed(cf_gateway_t *g, cf_effects_t *fx) {
  bool stale = log_is_stale(g);
  cf_attest_failed(g, fx, CF_PUBLIC_TEXT("fewer than k verifiers affirm the same measurement"));
  if (stale) cf_leader_lost(g, fx, CF_REFUSE_PHASE);
}

/* ---- going on ---- */

static void
credentials_go(cf_gateway_t *g, cf_effects_t *fx) {
  cf_attest_t *a    = &g->attest;
  bool         wait = a->asking;
  size_t       left = 0;
  for (unsigned i = 0; i < verifiers(g)->members_cnt; i++) {
    cf_verifier_state_t *v = &a->v[i];
    if (v->want_statement && !v->busy && a->challenged_len) {
      v->busy = true;
      cf_fx_ask(fx, cf_fx_id(g, CF_ID_CHALLENGE, i), g->cfg.verifier[i], CF_SPAN_LIT("POST /v1/challenge"),
                CF_SPAN(a->challenged, a->challenged_len), CF_PEER_MS);
    }
    wait = wait || v->want_statement;
    left += v->nonce_have;
  }
  if (wait) return;
  if (left < verifiers(g)->k) cf_attest_failed(g, fx, CF_PUBLIC_TEXT("fewer than k verifiers gave a credential statement"));
  else ask_results(g, fx);
}

void
cf_attest_go(cf_gateway_t *g, cf_effects_t *fx) {
  cf_attest_t *a   = &g->attest;
  uint64_t     now = g->now.mono_ms;
  cf_hash_t    measurement;
  bool         due =
      g->step == CF_STEP_ATTEST || (g->step == CF_STEP_SERVING && a->renewal && now >= a->next_ms && g->domain.policy.attest_interval_s);
  bool seen = a->certificate_index != CF_NO_INDEX && g->publisher.cosigned.size > a->certificate_index;
  switch (a->step) {
  case CF_ATTEST_IDLE:
    /* The store has room for one round's results and what they are about: the one before must be in the log. */
    if (due && seen && now >= a->retry_at_ms && !g->stopping && !cf_logside_has(g, CF_ENTRY_RESULT)) ask_nonces(g, fx);
    return;
  case CF_ATTEST_NONCES:
  case CF_ATTEST_CERTIFY:
  case CF_ATTEST_EVIDENCE: return;
  case CF_ATTEST_CREDENTIALS: credentials_go(g, fx); return;
  case CF_ATTEST_RESULTS:
    if (cf_attest_agreed(&measurement, a->v) >= verifiers(g)->k && (!any_busy(a) || now >= a->next_ms)) conclude(g, fx);
    else if (!any_busy(a)) not_affirmed(g, fx);
    return;
  }
}

void
cf_attest_done(cf_gateway_t *g, cf_effects_t *fx, cf_event_t const *ev) {
  static struct {
    unsigned         kind;
    cf_attest_step_t step;
  } const of[]  = { { CF_ID_NONCE, CF_ATTEST_NONCES },
                    { CF_ID_CHALLENGE, CF_ATTEST_CREDENTIALS },
                    { CF_ID_ANSWER, CF_ATTEST_CREDENTIALS },
                    { CF_ID_STATEMENT, CF_ATTEST_CREDENTIALS },
                    { CF_ID_ATTEST, CF_ATTEST_RESULTS } };
  unsigned kind = ev->id & 0xff, i = ev->id >> 8 & 0xff;
  if (ev->id <= g->attest.round) return; /* of a round that is over */
  if (kind == CF_ID_EVIDENCE) on_evidence(g, fx, ev);
  if (kind == CF_ID_CHALLENGED) on_challenged(g, fx, ev);
  for (size_t r = 0; r < CF_COUNT_OF(of); r++) {
    if (of[r].kind != kind) continue;
    if (of[r].step != g->attest.step || i >= verifiers(g)->members_cnt || !g->attest.v[i].busy) return;
    switch (kind) {
    case CF_ID_NONCE: on_nonce(g, fx, i, ev); return;
    case CF_ID_CHALLENGE: on_challenge(g, fx, i, ev); return;
    case CF_ID_ANSWER: on_answer(g, fx, i, ev); return;
    case CF_ID_STATEMENT: on_statement(g, i, ev); return;
    case CF_ID_ATTEST: on_result(g, i, ev); return;
    }
  }
}
