/* Members that lie, no more of a council than it withstands: each runs the honest core and answers something else under its own key,
   now and then while faults come, and to the end of the run, because a domain must do with them.  What nobody but its key could have
   signed is what it lies with; silence and noise are faults of the network. */
#include "cf_liars.h"

#include <assert.h>

#include "council/cf_attest.h"
#include "document/cf_ear.h"
#include "gateway/cf_gateway_state.h"
#include "ledger/cf_finality.h"
#include "translog/cf_submission.h"

static bool lies(cf_councillor_t const *c, cf_fault_t how) {
  cf_world_t *w = &c->town->world;
  if (!cf_prng_chance(&w->dice, c->lies)) return false;
  w->counts.fault[how]++;
  return true;
}

static uint64_t pick(cf_councillor_t const *c, uint64_t n) { return cf_prng_below(&c->town->world.dice, n); }

static cf_hash_t invented(cf_councillor_t const *c) {
  uint64_t v = cf_prng_next(&c->town->world.dice);
  return cf_sha256(CF_SPAN((uint8_t const *)&v, sizeof v));
}

/* ---- a witness: cosigns whatever it is shown, at whatever time, and denies what it cosigned ---- */

void cf_liar_witness(cf_councillor_t *c, cf_effects_t *fx, cf_event_t const *ev) {
  cf_submission_t s;
  cf_note_t       note;
  cf_cosig_t      cosig;
  if (ev->kind != CF_EV_REQUEST || cf_submission_parse(&s, ev->body, NULL) || cf_note_parse(&note, s.note, NULL) ||
      !lies(c, CF_FAULT_LYING_WITNESS))
    return;
  cf_wr_t  line = cf_wr_init(cf_fx_room(fx, 512), 512);
  uint64_t time_s = ev->now.wall_ms / 1000;
  bool     denies = pick(c, 4) == 0;
  if (pick(c, 2)) time_s += pick(c, 600) - 300;
  cf_cosig_make(&cosig, c->town->keys.member[CF_WITNESSES][c->index].es256, time_s, note.text);
  if (denies) cf_wr_span(&line, cf_fx_printf(fx, "%llu\n", (unsigned long long)pick(c, 40)));
  else cf_cosig_line(&line, &c->town->domain->witnesses.member[c->index], &cosig);
  for (size_t i = 0; i < fx->cnt; i++) {
    cf_effect_t *e = &fx->at[i];
    if (e->kind != CF_FX_REPLY || e->id != ev->id) continue;
    e->code = denies ? 409 : 200;
    e->body = cf_wr_out(&line);
  }
}

/* ---- an observer: blocks that are none, logs that are none, blocks of yesterday ---- */

void cf_liar_observer(cf_councillor_t *c, cf_effects_t *fx) {
  cf_finality_statement_t s;
  cf_town_t              *t = c->town;
  for (size_t i = 0; i < fx->cnt; i++) {
    cf_effect_t *e = &fx->at[i];
    if (e->kind != CF_FX_REPLY || e->code != 200 || e->body.len != 1 + CF_FINALITY_STATEMENT_SZ ||
        cf_finality_statement_decode(&s, CF_SPAN(e->body.ptr + 1, CF_FINALITY_STATEMENT_SZ)) || !lies(c, CF_FAULT_LYING_OBSERVER))
      continue;
    cf_finality_t f = s.finality;
    switch (pick(c, 5)) {
    case 0:
      f.number++;
      f.block_hash = invented(c);
      break;
    case 1:
      f.log_root = invented(c);
      break;
    case 2:
      f.log_size += 1 + pick(c, 50);
      f.log_root = invented(c);
      break;
    case 3:
      f.time_s += 1 + pick(c, 100);
      break;
    default:
      f.log_size = 0;
      break;
    }
    cf_status_t st = cf_finality_sign(&s, &t->domain->ledger, &f, (uint8_t)c->index, t->keys.member[CF_OBSERVERS][c->index].scalar);
    assert(!st);
    (void)st;
    cf_wr_t wr = cf_wr_init(cf_fx_room(fx, e->body.len), e->body.len);
    cf_wr_u8(&wr, (uint8_t)c->index);
    cf_finality_statement_write(&wr, &s);
    e->body = cf_wr_out(&wr);
  }
}

/* ---- a verifier: results for other certificates, evidence, programs and times ---- */

static void twist(cf_councillor_t const *c, cf_ear_t *ear) {
  cf_hash_t h = invented(c);
  switch (pick(c, 8)) {
  case 0:
    memcpy(ear->measurement, h.b, 32);
    break;
  case 1:
    memcpy(ear->certificate, h.b, 32);
    break;
  case 2:
    memcpy(ear->evidence, h.b, 32);
    break;
  case 3:
    memcpy(ear->policy, h.b, 32);
    break;
  case 4:
    memcpy(ear->collateral, h.b, 32);
    break;
  case 5:
    ear->until = ear->time;
    break;
  case 6:
    ear->time -= 86400;
    break;
  default:
    ear->status = CF_EAR_CONTRAINDICATED;
    break;
  }
}

/* The registration that was asked for, for the program that the result names. */
static void sign_terms(cf_councillor_t const *c, uint8_t sig[64], cf_ear_t const *ear, cf_registration_t const *of) {
  cf_registration_t r = *of;
  memcpy(r.measurement.b, ear->measurement, 32);
  memcpy(r.certificate.b, ear->certificate, 32);
  memcpy(r.evidence.b, ear->evidence, 32);
  cf_hash_t   digest = cf_registration_digest(&c->town->domain->ledger.separator, &c->town->domain->id, &r);
  cf_status_t st = cf_k256_sign(sig, c->town->keys.member[CF_VERIFIERS][c->index].scalar, &digest);
  assert(!st);
  (void)st;
}

void cf_liar_verifier(cf_councillor_t *c, cf_effects_t *fx) {
  cf_site_t const *site = &c->town->site[c->town->primary];
  for (size_t i = 0; i < fx->cnt; i++) {
    cf_effect_t *e = &fx->at[i];
    cf_rd_t      rd = cf_rd_span(e->body);
    cf_span_t    bytes = cf_rd_take_span(&rd, cf_rd_u32(&rd));
    cf_ear_t     ear;
    cf_sign1_t   s;
    uint8_t      sig[64];
    if (e->kind != CF_FX_REPLY || e->code != 200 || rd.bad || cf_ear_open(&ear, &s, bytes, NULL) || !site->gateway ||
        !lies(c, CF_FAULT_LYING_VERIFIER))
      continue;
    twist(c, &ear);
    sign_terms(c, sig, &ear, &site->gateway->attest.registration);
    size_t  max = e->body.len + 256;
    cf_wr_t wr = cf_wr_init(cf_fx_room(fx, max), max);
    cf_wr_u32(&wr, 0);
    cf_ear_seal(&wr, &ear, c->key, "liar");
    cf_wr_t head = cf_wr_init(wr.buf, 4);
    cf_wr_u32(&head, (uint32_t)(wr.len - 4));
    cf_wr_bytes(&wr, sig, sizeof sig);
    cf_wr_u8(&wr, (uint8_t)c->index);
    assert(!wr.bad);
    e->body = cf_wr_out(&wr);
  }
}
