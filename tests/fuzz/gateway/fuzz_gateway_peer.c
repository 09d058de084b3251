/* What peers, disks and strangers send to a gateway: whatever it is, in whichever step, the core stays within its bounds, and nothing of a
   batch's answer leaves before its record is in the journal.

   Input: u8 step, then events: u8 kind, u8 what, u16 length, bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "domain.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

/* Keys lie in the pool of secrets, where a leak checker does not look for what they own. */
char const *__asan_default_options(void);
char const *__asan_default_options(void) { return "detect_leaks=0"; }

#define SCRATCH (8u << 20)
static cf_gateway_config_t cfg;
static size_t              mem_sz;
static uint8_t            *mem;
static cf_effects_t        fx;

static void
begin(void) {
  cfg = (cf_gateway_config_t){ .genesis = domain_genesis(), .log_seed = key_bytes, .key = p256,
                               .entropy = cf_entropy_system(), .batch_max = 16, .envelope_max = 4096, .log_cap = 1024, .index_cap = 1024,
                               .launcher = 1, .ledger = 2, .witness = { 3 }, .verifier = { 4 }, .observer = { 5 } };
  cfg.deployment = domain_deployment();
  mem_sz         = cf_gateway_sz(&cfg);
  mem            = mmap(NULL, mem_sz, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  fx.scratch     = malloc(SCRATCH);
  fx.scratch_max = SCRATCH;
  assert(mem_sz && mem != MAP_FAILED && fx.scratch);
}

static cf_event_t
event(cf_event_kind_t kind, uint64_t now_ms) {
  return (cf_event_t){ .kind = kind, .now = { now_ms, 1700000000000 + now_ms } };
}

/* A reply with a receipt stands behind the append that holds it. */
static void
check_order(void) {
  bool appended = false;
  for (size_t i = 0; i < fx.cnt; i++) {
    cf_effect_t const *e = &fx.at[i];
    appended             = appended || e->kind == CF_FX_APPEND;
    if (e->kind == CF_FX_REPLY && e->id == 99 && e->code == 200 && e->body.len > 2 && e->body.ptr[1]) assert(appended);
  }
}

static void
step(cf_gateway_t *g, cf_event_t const *ev) {
  fx.cnt = fx.scratch_len = 0;
  cf_gateway_step(g, &fx, ev);
  check_order();
}

/* Through recovery, as on an empty disk. */
static void
recover(cf_gateway_t *g) {
  uint8_t    empty[8] = { 0 };
  cf_event_t ev       = event(CF_EV_START, 1);
  step(g, &ev);
  for (int n = 0; n < 16 && g->step < CF_STEP_ENTRIES; n++) {
    cf_event_t done = event(CF_EV_DONE, 2);
    for (size_t i = 0; i < fx.cnt; i++)
      if (fx.at[i].kind == CF_FX_SCAN || fx.at[i].kind == CF_FX_GET || fx.at[i].kind == CF_FX_LIST) {
        done.id   = fx.at[i].id;
        done.code = fx.at[i].kind == CF_FX_GET ? 404 : 200;
        if (fx.at[i].kind == CF_FX_SCAN) done.body = CF_SPAN_OF(empty);
      }
    step(g, &done);
  }
  assert(g->step >= CF_STEP_ENTRIES);
}

static cf_message_type_t const messages[] = { CF_MSG_BOOT,    CF_MSG_JOURNAL,  CF_MSG_FENCE,       CF_MSG_CERTIFY,  CF_MSG_POSSESS, CF_MSG_BATCH,
                                              CF_MSG_SHOW_LOG, CF_MSG_SHOW_LEDGER, CF_MSG_SNAPSHOT, CF_MSG_READ, CF_MSG_BATCH };

/* An answer of the enclave to a question that was asked. */
static void
enclave_answers(cf_gateway_t *g, uint8_t what, cf_span_t body, uint64_t now) {
  static uint8_t    frame[1 << 17];
  cf_wr_t           wr   = cf_wr_init(frame, sizeof frame);
  cf_message_type_t type = messages[what % CF_COUNT_OF(messages)];
  cf_event_t        ev   = event(CF_EV_DONE, now);
  g->crossing            = type;
  g->reading             = 1 + (what >> 5) % 4;
  g->enclave_id          = ev.id = cf_fx_id(g, CF_ID_ENCLAVE, 0);
  if (type == CF_MSG_BATCH && !g->batching) {
    g->batching    = true;
    g->batch_empty = !g->slots_used;
  }
  if (type == CF_MSG_JOURNAL) g->file_at = g->files_cnt;
  cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&wr, (uint8_t)type);
  cf_wr_u8(&wr, what & 0x10 ? (uint8_t)body.len : 0);
  cf_wr_span(&wr, body);
  ev.body = cf_wr_out(&wr);
  step(g, &ev);
}

static uint8_t const kinds[] = { CF_ID_FRESH,    CF_ID_ACTIVATE, CF_ID_EVIDENCE, CF_ID_CHALLENGED, CF_ID_NONCE,   CF_ID_CHALLENGE,    CF_ID_ANSWER,
                                 CF_ID_STATEMENT, CF_ID_ATTEST,  CF_ID_FINALITY, CF_ID_BLOCK,      CF_ID_REGISTER, CF_ID_ACTS,        CF_ID_BUNDLE,
                                 CF_ID_SNAPSHOT, CF_ID_JOURNAL_LIST, CF_ID_JOURNAL, CF_ID_MANIFEST, CF_ID_RESULTS_LIST, CF_ID_RESULTS, CF_ID_LOOKUP, CF_ID_BODY,
                                 CF_ID_APPENDED };

/* Any other answer, in a state where it is waited for. */
static void
peer_answers(cf_gateway_t *g, uint8_t what, cf_span_t body, uint64_t now) {
  unsigned   kind = kinds[what % CF_COUNT_OF(kinds)];
  cf_event_t ev   = event(CF_EV_DONE, now);
  ev.id           = cf_fx_id(g, kind, 0);
  ev.code         = what & 0x80 ? 403 : 200;
  ev.body         = body;
  g->attest.round = g->views.round = 0;
  g->attest.v[0].busy = true;
  if (kind == CF_ID_EVIDENCE) g->attest.step = CF_ATTEST_EVIDENCE;
  if (kind == CF_ID_NONCE) g->attest.step = CF_ATTEST_NONCES;
  if (kind >= CF_ID_CHALLENGE && kind <= CF_ID_STATEMENT) g->attest.step = CF_ATTEST_CREDENTIALS;
  if (kind == CF_ID_CHALLENGED) g->attest.step = CF_ATTEST_CREDENTIALS;
  if (kind == CF_ID_ATTEST) g->attest.step = CF_ATTEST_RESULTS;
  if (kind == CF_ID_FINALITY) g->views.asking = true, g->views.pending = 1;
  if (kind == CF_ID_ACTS) g->acts_id = ev.id;
  if (kind == CF_ID_BUNDLE) g->showing = ev.id;
  if (kind == CF_ID_JOURNAL) g->getting = ev.id;
  if (kind == CF_ID_APPENDED) g->appending = ev.id;
  if (kind == CF_ID_JOURNAL && g->file_at >= g->files_cnt) g->files_cnt = g->file_at + (g->file_at < CF_FILES_MAX);
  if (kind == CF_ID_JOURNAL && g->file_at >= CF_FILES_MAX) return;
  if (kind == CF_ID_RESULTS && g->results_at >= g->results_file) return;
  if (kind == CF_ID_REGISTER) g->step = CF_STEP_REGISTER, g->registering = true;
  if (kind == CF_ID_LOOKUP && !g->lookup[0].request) return;
  step(g, &ev);
}

static char const *const paths[] = { "POST /v1/envelopes", "GET /v1/receipts/", "GET /v1/results/", "GET /v1/proofs/",  "GET /v1/settlements/",
                                     "GET /v1/evidence",   "POST /v1/activate", "GET /log/",        "GET /v1/promises/", "GET /v1/status" };

static void
somebody_asks(cf_gateway_t *g, uint8_t what, cf_span_t body, uint64_t now) {
  char        path[128];
  char const *head = paths[what % CF_COUNT_OF(paths)];
  bool        post = head[0] == 'P';
  size_t      n    = strlen(head), more = post || body.len > 100 ? 0 : body.len;
  cf_event_t  ev   = event(CF_EV_REQUEST, now);
  memcpy(path, head, n);
  if (more) memcpy(path + n, body.ptr, more);
  ev.id   = what % CF_COUNT_OF(paths) ? 98 : 99; /* 99: envelopes */
  ev.path = CF_SPAN(path, n + more);
  ev.body = body;
  if (what & 0x80) ev.query = body;
  step(g, &ev);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  if (!mem) begin();
  cf_gateway_t *g;
  cf_rd_t       rd  = cf_rd_init(data, size);
  uint64_t      now = 10;
  madvise(mem, mem_sz, MADV_DONTNEED); /* zero again */
  cf_error_t  err = { 0 };
  cf_status_t st  = cf_gateway_init(&g, mem, mem_sz, &cfg, &err);
  if (st) fprintf(stderr, "%s: %s\n", err.item, err.text);
  assert(!st);
  recover(g);
  uint8_t where = cf_rd_u8(&rd);
  g->step       = (cf_step_t)(CF_STEP_ENTRIES + where % (CF_STEP_HALTED - CF_STEP_ENTRIES + 1));
  g->enclave_up = true;
  g->phase      = g->step == CF_STEP_SERVING ? CF_PHASE_SERVING : CF_PHASE_CERTIFYING;
  g->attest.attested_s = 1700000000;
  for (int n = 0; n < 64 && cf_rd_left(&rd) && !rd.bad; n++, now += 7) {
    uint8_t   kind = cf_rd_u8(&rd), what = cf_rd_u8(&rd);
    cf_span_t body = cf_rd_take_span(&rd, cf_rd_u16(&rd));
    cf_event_t tick = event(CF_EV_TICK, now);
    if (rd.bad) break;
    switch (kind % 4) {
    case 0: enclave_answers(g, what, body, now); break;
    case 1: peer_answers(g, what, body, now); break;
    case 2: somebody_asks(g, what, body, now); break;
    case 3: step(g, &tick); break;
    }
  }
  cf_gateway_fini(g);
  return 0;
}
