#include "cf_member.h"

#include <assert.h>
#include <stdlib.h>

#include "base/cf_text.h"
#include "document/cf_boundary.h"
#include "workload/cf_clearing.h"

enum { ASK_NONE, ASK_FILE, ASK_EVIDENCE, ASK_POST, ASK_RECEIPT, ASK_RESULTS };
enum { TIMEOUT_MS = 4000, POLL_MS = 400, ATTEST_MS = 1000, SPARE_S = 10, ODD_MAX = 8, PATIENCE_MS = 60000 };

static uint64_t now_s(cf_event_t const *ev) { return ev->now.wall_ms / 1000; }

static void ask(cf_party_node_t *p, cf_effects_t *fx, unsigned kind, cf_span_t name, cf_span_t body) {
  p->busy = kind;
  p->busy_id = ++p->serial;
  cf_fx_ask(fx, p->busy_id, CF_PEER_GATEWAY, name, body, TIMEOUT_MS);
}

static cf_span_t name_of(cf_effects_t *fx, char const *what, cf_hash_t const *id) {
  char hex[65];
  return cf_fx_printf(fx, "GET /v1/%s/%s", what, cf_hex_encode(hex, CF_SPAN_OF(id->b)));
}

static void keep(cf_party_node_t *p, cf_effects_t *fx) {
  uint8_t *copy = cf_fx_room(fx, sizeof p->file);
  memcpy(copy, &p->file, sizeof p->file);
  memset(copy + offsetof(cf_party_file_t, account.pending), 0, sizeof p->file.account.pending); /* differs from run to run */
  cf_fx_put(fx, CF_SPAN_LIT("account"), CF_SPAN(copy, sizeof p->file));
}

/* ---- evidence ---- */

static void on_evidence(cf_party_node_t *p, cf_event_t const *ev) {
  cf_bundle_t    *b = malloc(sizeof *b);
  cf_verdict_t    v;
  cf_error_t      err = {0};
  cf_bundle_ask_t q = {.domain = &p->domain, .at_s = now_s(ev)};
  assert(b);
  if (ev->status || ev->code != 200) goto out;
  free(p->bundle);
  p->have = false;
  p->bundle = malloc(ev->body.len + 1);
  assert(p->bundle);
  memcpy(p->bundle, ev->body.ptr, ev->body.len);
  if (cf_bundle_decode(b, CF_SPAN(p->bundle, ev->body.len), &err)) {
    cf_world_say(p->world, "%s: bundle: %s: %s", p->world->node[p->node].name, err.item, err.text);
  } else if (cf_bundle_check(&p->attested, b, &q, &v)) {
    cf_world_say(p->world, "%s: bundle: %s: %s", p->world->node[p->node].name, v.item, v.text);
  } else {
    p->have = true;
    p->suspect = false;
    size_t i = 0;
    while (i < p->epochs && p->epoch[i].epoch != p->attested.epoch.epoch) i++;
    if (i == p->epochs && p->epochs < CF_PARTY_EPOCHS_MAX) p->epoch[p->epochs++] = p->attested.epoch;
  }
out:
  free(b);
}

static bool may_seal(cf_party_node_t const *p, cf_event_t const *ev) {
  return p->have && !p->suspect && now_s(ev) + SPARE_S < p->attested.until_s;
}

/* ---- sealing and posting ---- */

static void post(cf_party_node_t *p, cf_effects_t *fx, size_t at) {
  cf_party_input_t *in = &p->file.input[at];
  cf_wr_t           wr = cf_wr_init(p->body, sizeof p->body);
  cf_wr_u32(&wr, (uint32_t)in->len);
  cf_wr_bytes(&wr, in->envelope, in->len);
  p->at = at;
  ask(p, fx, ASK_POST, CF_SPAN_LIT("POST /v1/envelopes"), cf_wr_out(&wr));
}

static void seal(cf_party_node_t *p, cf_effects_t *fx, cf_event_t const *ev, size_t at) {
  cf_party_input_t   *in = &p->file.input[at];
  uint8_t             buf[64];
  cf_error_t          err = {0};
  cf_wr_t             bytes = cf_wr_init(buf, sizeof buf), wr = cf_wr_init(in->envelope, sizeof in->envelope);
  cf_clearing_input_t what = {.kind = in->withdrawal ? CF_CLEARING_WITHDRAWAL : CF_CLEARING_OBLIGATION,
                              .payee = in->payee,
                              .asset = in->asset,
                              .amount = in->amount};
  cf_clearing_input_encode(&bytes, &what);
  uint64_t newest = p->file.account.order; /* sealed anew: under the same number */
  if (in->order) p->file.account.order = in->order - 1;
  bool sealed = !cf_party_seal(&p->file.account, &wr, &in->id, &p->wallet, &p->attested, &p->ciphers, cf_wr_out(&bytes), now_s(ev),
                    &p->entropy, &err);
  if (sealed) in->order = p->file.account.order;
  if (newest > p->file.account.order || !sealed) p->file.account.order = newest;
  if (!sealed) {
    cf_world_say(p->world, "%s: seal: %s: %s", p->world->node[p->node].name, err.item, err.text);
    p->suspect = true;
    return;
  }
  in->len = wr.len;
  in->state = CF_INPUT_SEALED;
  in->session = p->file.account.session;
  in->due_ms = ev->now.wall_ms;
  keep(p, fx);
  post(p, fx, at);
}

/* The enclave does not know the session, or the epoch any more: the same order, sealed anew under its number.  What was sealed before
   may have been executed all the same. */
static void supersede(cf_party_node_t *p, size_t at) {
  cf_party_file_t *f = &p->file;
  if (f->input[at].superseded) return;
  p->suspect = true;
  f->account.have_session = false;
  f->account.before_cnt = 0;
  if (f->inputs == CF_PARTY_INPUTS_MAX) return;
  f->input[at].superseded = true;
  cf_account_done(&f->account, &f->input[at].id);
  cf_party_input_t const *old = &f->input[at];
  f->input[f->inputs++] = (cf_party_input_t){
      .due_ms = old->due_ms, .order = old->order, .withdrawal = old->withdrawal, .payee = old->payee, .asset = old->asset, .amount = old->amount};
}

/* ---- receipts ---- */

static void take_receipt(cf_party_node_t *p, cf_party_input_t *in, cf_receipt_file_t const *file) {
  cf_receipt_t      doc;
  cf_sign1_t        s;
  cf_hash_t         hash;
  cf_error_t        err = {0};
  cf_epoch_t const *epoch = NULL;
  if (file->receipt.len > sizeof in->receipt || cf_document_open(&doc, &s, &cf_receipt_table, file->receipt, NULL)) return;
  for (size_t i = 0; i < p->epochs; i++)
    if (p->epoch[i].epoch == doc.epoch) epoch = &p->epoch[i];
  if (!epoch) { /* of an epoch that is not known yet, or was over before it was */
    p->suspect = true;
    epoch = NULL;
  } else if (cf_receipt_check(&doc, &hash, file, &in->id, &p->attested.trust, epoch, &err)) {
    cf_world_fail(p->world, 1, "%s got a receipt that does not hold: %s: %s", p->world->node[p->node].name, err.item, err.text);
    return;
  } else if (p->on_receipt) p->on_receipt(p->ctx, &in->id, &hash, doc.sequence);
  if (in->state == CF_INPUT_SEALED) in->state = CF_INPUT_RECEIPTED;
  in->sequence = doc.sequence;
  in->receipt_len = file->receipt.len;
  memcpy(in->receipt, file->receipt.ptr, file->receipt.len);
}

static bool read_path(cf_receipt_file_t *f, cf_rd_t *rd) {
  f->index = cf_rd_u16(rd);
  f->path_cnt = cf_rd_u8(rd);
  if (f->path_cnt > sizeof f->path / sizeof *f->path) return false;
  for (size_t i = 0; i < f->path_cnt; i++) f->path[i] = cf_rd_hash(rd);
  return !rd->bad;
}

static void on_refused(cf_party_node_t *p, size_t at, uint8_t class) {
  cf_world_say(p->world, "%s: input %zu refused: %s", p->world->node[p->node].name, at, cf_refuse_name((cf_refuse_t) class));
  p->world->counts.happened[CF_HAPPENED_REFUSED]++;
  switch (class) {
  case CF_REFUSE_EPOCH:
  case CF_REFUSE_SESSION_UNKNOWN:
  case CF_REFUSE_POLICY_CHANGED:
  case CF_REFUSE_UNAUTHENTIC:
    supersede(p, at);
    break;
  default:
    break; /* busy: later; replayed: it is in a receipt already */
  }
}

/* A party that was promised a receipt waits for it, and posts again only long after the promise's time. */
static void on_promised(cf_party_node_t *p, cf_party_input_t *in) {
  p->world->counts.happened[CF_HAPPENED_PROMISE]++;
  if (p->on_promise) p->on_promise(p->ctx, &in->id);
  if (!in->patient_ms) in->patient_ms = p->world->now_ms + PATIENCE_MS;
}

static void on_post(cf_party_node_t *p, cf_event_t const *ev) {
  cf_rd_t           rd = cf_rd_span(ev->body);
  cf_span_t         receipt[8];
  cf_receipt_file_t file = {0};
  cf_world_say(p->world, "%s: posted %zu: %u, kind %u", p->world->node[p->node].name, p->at, ev->code,
               ev->body.len > 3 ? ev->body.ptr[ev->body.len - 2] : 0);
  if (ev->status || ev->code != 200) return;
  uint8_t version = cf_rd_u8(&rd), n = cf_rd_u8(&rd);
  for (uint8_t i = 0; i < n; i++) {
    uint32_t len = cf_rd_u32(&rd);
    receipt[i & 7] = cf_rd_take_span(&rd, len);
  }
  uint16_t m = cf_rd_u16(&rd);
  uint8_t  kind = cf_rd_u8(&rd);
  if (rd.bad || version != 1 || n > 8 || m != 1) {
    cf_world_fail(p->world, 6, "an answer to envelopes that is none");
    return;
  }
  if (kind == 1 && cf_world_chance(p->world, CF_FAULT_HIDDEN)) {
    on_refused(p, p->at, CF_REFUSE_SESSION_UNKNOWN);
  } else if (kind == 1) {
    uint8_t which = cf_rd_u8(&rd);
    if (which >= n || !read_path(&file, &rd)) return;
    file.receipt = receipt[which];
    take_receipt(p, &p->file.input[p->at], &file);
  } else if (kind == 2) on_refused(p, p->at, cf_rd_u8(&rd));
  else on_promised(p, &p->file.input[p->at]);
}

static void on_receipt_file(cf_party_node_t *p, cf_event_t const *ev) {
  cf_receipt_file_t file;
  if (ev->status || ev->code != 200 || cf_receipt_file_decode(&file, ev->body, NULL)) return;
  take_receipt(p, &p->file.input[p->at], &file);
}

/* ---- results ---- */

/* Invariant 12. */
static void executed_once(cf_party_node_t const *p, cf_party_input_t const *in) {
  for (size_t i = 0; i < p->file.inputs; i++) {
    cf_party_input_t const *o = &p->file.input[i];
    if (o != in && o->order == in->order && o->state == CF_INPUT_ANSWERED && !o->class && !in->class)
      cf_world_fail(p->world, 12, "order %llu of %s was accepted twice", (unsigned long long)in->order, p->world->node[p->node].name);
  }
}

static void take_result(cf_party_node_t *p, cf_party_input_t *in, cf_released_t const *r, cf_receipt_t const *receipt) {
  uint8_t      plain[CF_BUCKET_MAX];
  cf_result_t  result;
  cf_error_t   err = {0};
  cf_account_t mine = {.domain = p->domain, .have_session = true, .session = in->session, .pending = p->file.pending};
  if (cf_result_check(r, receipt, &err)) { /* the receipt may be one that was lost with a disk: it is fetched anew */
    if (++in->odd > ODD_MAX)
      cf_world_fail(p->world, 1, "%s got a result that is no leaf of its receipt: %s", p->world->node[p->node].name, err.text);
    in->state = CF_INPUT_SEALED;
    return;
  }
  if (cf_party_result(&result, plain, &mine, &p->wallet, &p->ciphers, r, receipt, &err)) {
    cf_world_say(p->world, "%s: result: %s: %s", p->world->node[p->node].name, err.item, err.text);
    return;
  }
  if (result.class == CF_RESULT_NOTICE || memcmp(result.envelope, in->id.b, 32)) return;
  in->state = CF_INPUT_ANSWERED;
  in->class = result.class;
  executed_once(p, in);
  cf_account_done(&p->file.account, &in->id);
  p->world->counts.happened[CF_HAPPENED_RESULT]++;
  cf_world_say(p->world, "%s: input %zu: %s", p->world->node[p->node].name, p->at, cf_result_class_name(result.class));
}

static void on_results(cf_party_node_t *p, cf_event_t const *ev) {
  cf_party_input_t *in = &p->file.input[p->at];
  cf_rd_t           rd = cf_rd_span(ev->body);
  cf_receipt_t      receipt;
  cf_released_t     r;
  cf_sign1_t        s;
  size_t            cnt;
  cf_world_say(p->world, "%s: results of %zu, receipt %llu: %u, %zu bytes", p->world->node[p->node].name, p->at,
               (unsigned long long)in->sequence, ev->code, ev->body.len);
  if (ev->status || ev->code != 200 || cf_released_begin(&cnt, &rd, NULL)) return;
  if (cf_document_open(&receipt, &s, &cf_receipt_table, CF_SPAN(in->receipt, in->receipt_len), NULL)) return;
  for (size_t i = 0; i < cnt && in->state == CF_INPUT_RECEIPTED; i++) {
    if (cf_released_next(&r, &rd, NULL)) return;
    if (r.sequence == receipt.sequence) take_result(p, in, &r, &receipt);
  }
}

/* ---- what next ---- */

static void poll(cf_party_node_t *p, cf_effects_t *fx, cf_event_t const *ev, size_t at) {
  cf_party_input_t *in = &p->file.input[at];
  in->due_ms = ev->now.wall_ms + (in->superseded ? 8u * POLL_MS : POLL_MS);
  p->at = at;
  /* No result for long: perhaps its receipt is lost with a disk. */
  bool again = ++in->polls % 16 == 0, posts = in->polls / (in->state == CF_INPUT_RECEIPTED ? 16 : 1) % 2;
  if (in->state == CF_INPUT_RECEIPTED && !again) ask(p, fx, ASK_RESULTS, name_of(fx, "results", &in->id), CF_SPAN(NULL, 0));
  else if (in->superseded || !posts || p->world->now_ms < in->patient_ms) ask(p, fx, ASK_RECEIPT, name_of(fx, "receipts", &in->id), CF_SPAN(NULL, 0));
  else post(p, fx, at);
}

static void go(cf_party_node_t *p, cf_effects_t *fx, cf_event_t const *ev) {
  if (!p->ready || p->busy || !*p->funded) return;
  bool planned = false;
  for (size_t i = 0; i < p->file.inputs; i++) {
    cf_party_input_t const *in = &p->file.input[i];
    if (in->state == CF_INPUT_ANSWERED || in->due_ms > ev->now.wall_ms + 60000) continue;
    if (in->due_ms > ev->now.wall_ms) continue;
    if (in->state != CF_INPUT_PLANNED) {
      poll(p, fx, ev, i);
      return;
    }
    planned = true;
    if (!may_seal(p, ev)) continue;
    seal(p, fx, ev, i);
    return;
  }
  if ((planned || p->suspect) && ev->now.mono_ms >= p->attest_ms) {
    p->attest_ms = ev->now.mono_ms + ATTEST_MS;
    ask(p, fx, ASK_EVIDENCE, CF_SPAN_LIT("GET /v1/evidence"), CF_SPAN(NULL, 0));
  }
}

static void on_file(cf_party_node_t *p, cf_event_t const *ev) {
  p->ready = true;
  assert(ev->code != 200 || ev->body.len == sizeof p->file);
  if (ev->code == 200) memcpy(&p->file, ev->body.ptr, sizeof p->file);
  else p->file = p->plan;
  p->file.account.pending = p->file.pending;
}

static void on_done(cf_party_node_t *p, cf_event_t const *ev) {
  if (ev->id != p->busy_id) return;
  unsigned kind = p->busy;
  p->busy = ASK_NONE;
  if (kind == ASK_FILE) on_file(p, ev);
  if (kind == ASK_EVIDENCE) on_evidence(p, ev);
  if (kind == ASK_POST) on_post(p, ev);
  if (kind == ASK_RECEIPT) on_receipt_file(p, ev);
  if (kind == ASK_RESULTS) on_results(p, ev);
}

void cf_party_step(void *party, cf_effects_t *fx, cf_event_t const *ev) {
  cf_party_node_t *p = party;
  if (ev->kind == CF_EV_START) {
    p->ready = p->have = false;
    p->suspect = true;
    p->attest_ms = 0;
    p->busy = ASK_FILE;
    p->busy_id = ++p->serial;
    cf_fx_get(fx, p->busy_id, CF_SPAN_LIT("account"));
    return;
  }
  if (ev->kind == CF_EV_DONE) on_done(p, ev);
  go(p, fx, ev);
}

void cf_party_end(void *party) {
  cf_party_node_t *p = party;
  free(p->bundle);
  p->bundle = NULL;
  p->have = false;
}
