#include "enclave/cf_enclave.h"

#include <assert.h>

#include "base/cf_arena.h"
#include "base/cf_secret.h"
#include "codec/cf_eip712.h"
#include "enclave/cf_enclave_state.h"
#include "ledger/cf_genesis_map.h"

cf_span_t
cf_rd_sub(cf_rd_t *rd) {
  uint32_t n = cf_rd_u32(rd);
  return cf_rd_take_span(rd, n);
}

void
cf_wr_sub(cf_wr_t *wr, cf_span_t s) {
  cf_wr_u32(wr, (uint32_t)s.len);
  cf_wr_span(wr, s);
}

/* ---- START ---- */

typedef struct {
  cf_span_t        configuration_bytes, genesis_entry;
  cf_hash_t        measurement;
  size_t           roots_cnt;
  uint64_t         root_number[2];
  uint8_t const   *root[2];
  cf_configuration_t configuration;
} start_t;

static cf_status_t
start_read(start_t *s, cf_span_t message, cf_error_t *err) {
  cf_rd_t rd = cf_rd_span(message);
  memset(s, 0, sizeof *s);
  if (cf_rd_u8(&rd) != CF_BOUNDARY_VERSION || cf_rd_u8(&rd) != CF_MSG_START)
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "START", 0, "another message or version");
  s->configuration_bytes = cf_rd_sub(&rd);
  s->genesis_entry       = cf_rd_sub(&rd);
  s->measurement         = cf_rd_hash(&rd);
  s->roots_cnt           = cf_rd_u8(&rd);
  for (size_t i = 0; i < s->roots_cnt && i < 2; i++) {
    s->root_number[i] = cf_rd_u64(&rd);
    s->root[i]        = cf_rd_take(&rd, 32);
  }
  if (s->roots_cnt > 2 || !cf_rd_done(&rd)) return cf_error_set(err, CF_ERR_FORMAT, "START", rd.pos, "short, or bytes behind it");
  return cf_table_decode(&s->configuration, &cf_configuration_table, s->configuration_bytes, err);
}

/* Bytes of a snapshot, rounded up, by what stands there for what; and room for all that is left over. */
enum {
  CORRESPONDENT_SZ = 4 + 4 + 16 + 8 + 1 + 32 + 32 + 32,
  BOOK_ACCOUNT_SZ = 96,
  BOOK_LEAF_SZ = 40,
  CONTENT_ROW_SZ = 64,
  OBLIGATION_SZ = 48,
  HEAD_ROOM = 64 << 10
};

/* ---- memory: one arena, laid out the same whether it is counted or made ---- */

static uint32_t
mask_for(uint64_t n) { /* of an open-addressing table at most half full */
  uint32_t size = 16;
  while (size < 2 * n) size *= 2;
  return size - 1;
}

static void
book_params(cf_book_params_t *p, cf_enclave_t const *e) {
  memset(p, 0, sizeof *p);
  p->accounts_max = (uint32_t)e->configuration.parties_max;
  p->leaves_max   = (uint32_t)e->configuration.leaves_max;
  p->entries_max  = e->clearing.positions_max;
  p->inputs_max   = (uint32_t)e->domain.policy.max_inputs_per_window;
  p->validity_s   = e->domain.genesis.ledger.max_validity_s;
  p->exit_delay_s = e->domain.genesis.ledger.exit_delay_s;
  p->asset_cnt    = (uint8_t)e->domain.genesis.assets_cnt;
  for (size_t i = 0; i < e->domain.genesis.assets_cnt; i++)
    p->assets[i] = (cf_book_asset_t){ (uint32_t)e->domain.genesis.assets[i].id, e->domain.policy.max_amount, e->domain.genesis.assets[i].cap };
}

/* A block of n bytes; with a->buf NULL it only adds up.  Memory is zero already, and what is never used is never touched. */
static void *
lay_one(cf_arena_t *a, size_t n) {
  size_t at = a->len;
  a->len += (n + 63) & ~(size_t)63;
  return a->buf ? a->buf + at : NULL;
}

static void
lay(cf_arena_t *a, cf_enclave_t *e) {
  cf_book_params_t params;
  book_params(&params, e);
  e->session_mask       = mask_for(e->configuration.sessions_max);
  e->correspondent_mask = mask_for(e->configuration.parties_max);
  e->book_sz            = cf_book_sz(&params);
  e->clearing_sz        = cf_clearing.state_sz(e->domain.policy.workload_params);
  /* One content waits, closed, behind those in flight.  A sixteenth is for what waits to be let out, beside what is not made now. */
  uint32_t          contents = (uint32_t)e->domain.policy.max_flight + 1;
  cf_results_most_t most     = cf_results_most(e, (uint32_t)e->configuration.batch_max, contents);
  e->leaves_max     = most.results;
  e->results_max    = most.bytes + most.bytes / 16 + HEAD_ROOM;
  e->lanes_table    = mask_for(e->clearing.positions_max) + 1;
  e->lanes_cnt      = e->lanes_table + 3 * (size_t)e->clearing.positions_max + 64;
  e->book_mem       = lay_one(a, e->book_sz);
  e->clearing_mem   = lay_one(a, e->clearing_sz);
  e->sessions       = lay_one(a, e->configuration.sessions_max * sizeof *e->sessions);
  e->session_index  = lay_one(a, ((size_t)e->session_mask + 1) * sizeof *e->session_index);
  e->correspondents = lay_one(a, e->configuration.parties_max * sizeof *e->correspondents);
  e->correspondent_index = lay_one(a, ((size_t)e->correspondent_mask + 1) * sizeof *e->correspondent_index);
  e->receipts       = lay_one(a, CF_RECEIPTS_KEPT * sizeof *e->receipts);
  e->receipt_sz     = lay_one(a, CF_RECEIPTS_KEPT * sizeof *e->receipt_sz);
  e->covered        = lay_one(a, CF_COVERED_MAX * sizeof *e->covered);
  e->messages       = lay_one(a, CF_MESSAGES_BYTES);
  e->results        = lay_one(a, e->results_max);
  e->lanes          = lay_one(a, e->lanes_cnt * sizeof *e->lanes);
  e->plain          = lay_one(a, CF_ENVELOPE_MAX);
  e->body           = lay_one(a, CF_SETTLEMENT_BODY_MAX);
  e->refusals       = lay_one(a, e->configuration.batch_max * CF_REFUSAL_SZ);
}

/* fits: whatever a batch brings, it fits a frame, and its record and answer what is left of an exchange; so does a snapshot of all
   that is not waiting to be let out. */
static bool
fits(cf_enclave_t const *e) {
  cf_configuration_t const *c      = &e->configuration;
  uint64_t                  batch  = c->batch_max * (4 + c->envelope_max + 3) + CF_MESSAGES_BYTES + HEAD_ROOM;
  uint64_t                  brings = 4 + c->batch_max * (4 + c->envelope_max);
  uint64_t lasting = c->sessions_max * CF_SESSION_ENCODED_SZ + c->parties_max * (CORRESPONDENT_SZ + BOOK_ACCOUNT_SZ) +
                     c->leaves_max * BOOK_LEAF_SZ + CF_HISTORY_WAITING_MAX * 256 + CF_RECEIPTS_KEPT * CF_RECEIPT_COSE_MAX / 2 +
                     CF_COVERED_MAX * sizeof(cf_covered_t) + e->domain.policy.max_flight * e->clearing.positions_max * CONTENT_ROW_SZ +
                     (e->clearing.obligations_max + e->clearing.releases_max) * OBLIGATION_SZ + HEAD_ROOM;
  return batch <= CF_FRAME_MAX && batch + brings <= CF_EXCHANGE_MAX && lasting <= CF_SNAPSHOT_MAX;
}

/* documents_open decodes and checks what START carries, from bytes that stay. */
static cf_status_t
documents_open(cf_enclave_t *e, start_t const *s, cf_error_t *err) {
  cf_status_t st = cf_domain_open(&e->domain, s->genesis_entry, NULL, err);
  if (st) return st;
  if (cf_clearing_params_decode(&e->clearing, e->domain.policy.workload_params))
    return cf_error_set(err, CF_ERR_FORMAT, "policy.workload_params", 0, "not those of the clearing workload");
  e->configuration      = s->configuration;
  e->configuration_hash = cf_sha256(s->configuration_bytes);
  e->measurement        = s->measurement;
  e->head               = cf_settlement_head0(&e->domain.ledger.separator);
  if (!cf_span_eq(e->configuration.workload, e->domain.policy.workload) ||
      e->configuration.workload_version != e->domain.policy.workload_version ||
      !cf_span_eq(e->domain.policy.workload, CF_SPAN(cf_clearing.name, strlen(cf_clearing.name))) ||
      e->domain.policy.workload_version != cf_clearing.version)
    return cf_error_set(err, CF_ERR_POLICY, "configuration.workload", 0, "policy names another workload or version");
  if (e->configuration.suite != 1)
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "configuration.suite", 0, "suite 1 is what this program speaks");
  cf_book_params_t params;
  book_params(&params, e);
  if (!cf_book_sz(&params) || !cf_clearing.state_sz(e->domain.policy.workload_params) || !fits(e))
    return cf_error_set(err, CF_ERR_BOUND, "configuration", 0, "sizes out of bounds");
  return CF_OK;
}

/* The state itself and a copy of START come first: the rest is as large as that says. */
static void
lay_head(cf_arena_t *a, uint8_t **documents, size_t start_sz) {
  (void)lay_one(a, sizeof(cf_enclave_t));
  *documents = lay_one(a, start_sz);
}

size_t
cf_enclave_sz(cf_span_t start, cf_error_t *err) {
  start_t      s;
  cf_arena_t   a = { 0 };
  cf_enclave_t e; /* of which nothing is read but what documents_open writes */
  uint8_t     *documents;
  if (start_read(&s, start, err) || documents_open(&e, &s, err)) return 0;
  lay_head(&a, &documents, start.len);
  lay(&a, &e);
  return a.len;
}

cf_status_t cf_enclave_start(cf_enclave_t **out, void *mem, size_t mem_sz, cf_span_t start, cf_entropy_t entropy,
                             cf_launcher_t launcher, cf_error_t *err) {
  start_t       s;
  cf_arena_t    a = cf_arena_init(mem, mem_sz);
  cf_enclave_t *e = mem;
  uint8_t      *documents;
  lay_head(&a, &documents, start.len);
  if (a.len > mem_sz) return cf_error_set(err, CF_ERR_BOUND, "START", 0, "more memory is needed");
  memcpy(documents, start.ptr, start.len); /* what is decoded from here on borrows the copy */
  cf_status_t st = start_read(&s, CF_SPAN(documents, start.len), err);
  if (!st) st = documents_open(e, &s, err);
  if (st) {
    cf_wipe(documents, start.len);
    return st;
  }
  lay(&a, e);
  assert(a.len <= mem_sz);

  e->entropy   = entropy;
  e->launcher  = launcher;
  e->roots_cnt = s.roots_cnt;
  e->root      = SIZE_MAX;
  e->roots     = cf_secret_new(64);
  e->book_key  = cf_secret_new(32);
  assert(e->roots && e->book_key);
  for (size_t i = 0; i < s.roots_cnt; i++) {
    e->root_number[i] = s.root_number[i];
    memcpy(e->roots + 32 * i, s.root[i], 32);
  }
  cf_wipe(documents + start.len - s.roots_cnt * 40, s.roots_cnt * 40); /* the roots' copy */
  cf_entropy_fill(&entropy, e->book_key, 32);
  e->identity = cf_p256_key_new(&entropy);
  cf_p256_key_pub(e->identity, &e->identity_pub);
  e->instance     = cf_p256_thumbprint(&e->identity_pub);
  e->ciphers      = cf_ciphers_new(cf_suite(e->configuration.suite));
  e->aead_journal = cf_aead_new(CF_AEAD_AES256GCM);
  cf_history_init(&e->feed.history, &e->domain.id, &e->domain.genesis, &e->domain.policy);
  e->boot_index    = CF_NO_INDEX;
  e->previous      = cf_receipt_first_previous(&e->domain.id);
  e->state         = cf_receipt_first_state(&e->domain.id);
  e->covered_from  = e->uncovered = e->receipts_from = 1;
  cf_book_params_t params;
  book_params(&params, e);
  cf_clearing.open(e->clearing_mem, e->domain.policy.workload_params);
  e->book = cf_book_init(e->book_mem, &params, e->book_key);
  cf_book_bind(e->book, &cf_clearing, e->clearing_mem, cf_results_sink, e);
  e->phase = CF_PHASE_OPENING;
  *out     = e;
  return CF_OK;
}

void
cf_enclave_identity(cf_enclave_t const *e, cf_p256_pub_t *pub) {
  *pub = e->identity_pub;
}

cf_phase_t
cf_enclave_phase(cf_enclave_t const *e) {
  return e->phase;
}

/* ---- the end ---- */

static void
wipe_keys(cf_enclave_t *e) {
  cf_secret_free(e->roots);
  cf_secret_free(e->book_key);
  cf_secret_free(e->own.sealing);
  cf_secret_free(e->own.settlement);
  cf_p256_key_free(e->own.receipt);
  cf_p256_key_free(e->identity);
  for (size_t i = 0; i < e->epochs_cnt; i++) {
    cf_x25519_key_free(e->epochs[i].key);
    cf_secret_free(e->epochs[i].sealing);
  }
  cf_journal_end(&e->journal);
  cf_ciphers_free(&e->ciphers); /* they keep the schedule of the key that they used last */
  cf_aead_free(e->aead_journal);
  e->aead_journal = NULL;
  e->roots = e->book_key = e->own.sealing = e->own.settlement = NULL;
  e->own.receipt = e->identity = NULL;
  e->epochs_cnt                = 0;
  cf_wipe(e->sessions, e->configuration.sessions_max * sizeof *e->sessions);
  cf_wipe(e->book_mem, e->book_sz);
  cf_wipe(e->clearing_mem, e->clearing_sz);
  cf_wipe(e->results, e->results_sz);
  cf_wipe(e->plain, CF_ENVELOPE_MAX);
  cf_wipe(e->body, e->body_sz);
}

cf_refuse_t
cf_enclave_stop(cf_enclave_t *e, cf_refuse_t why) {
  if (e->phase != CF_PHASE_STOPPED) wipe_keys(e);
  e->phase = CF_PHASE_STOPPED;
  e->ended = why;
  return why;
}

void
cf_enclave_end(cf_enclave_t *e) {
  (void)cf_enclave_stop(e, CF_REFUSE_NONE);
}

/* ---- READ, DRAIN, and the table that dispatches ---- */

cf_refuse_t
cf_on_read(cf_enclave_t *e, cf_rd_t *in, cf_wr_t *out) {
  uint8_t  what     = cf_rd_u8(in);
  uint64_t sequence = what == 2 ? cf_rd_u64(in) : 0;
  if (!cf_rd_done(in)) return CF_REFUSE_MALFORMED;
  switch (what) {
  case 1: cf_wr_sub(out, CF_SPAN(e->own.certificate, e->own.certificate_sz)); return CF_REFUSE_NONE;
  case 2: {
    size_t slot = sequence % CF_RECEIPTS_KEPT;
    bool   have = sequence >= e->receipts_from && sequence <= e->sequence && sequence > 0;
    cf_wr_sub(out, have ? CF_SPAN(e->receipts[slot], e->receipt_sz[slot]) : CF_SPAN(NULL, 0));
    return CF_REFUSE_NONE;
  }
  case 3:
    cf_wr_u8(out, (uint8_t)e->phase);
    cf_wr_hash(out, &e->instance);
    cf_wr_u64(out, e->sequence);
    cf_wr_u64(out, e->feed.history.sequence);
    cf_wr_u64(out, e->own.epoch);
    cf_wr_u64(out, e->feed.frontier.size);
    cf_wr_u64(out, e->view_any ? e->view.number : 0);
    cf_wr_u64(out, e->view_state.messages);
    return CF_REFUSE_NONE;
  case 4: {
    uint8_t *at  = cf_wr_room(out, 2);
    uint16_t cnt = 0;
    if (e->phase != CF_PHASE_SERVING && e->phase != CF_PHASE_DRAINING) return CF_REFUSE_PHASE;
    cf_settle_release(e, out, &cnt, true);
    cf_results_release(e, out, &cnt, true);
    cf_wr_t n = cf_wr_init(at, 2);
    cf_wr_u16(&n, cnt);
    return CF_REFUSE_NONE;
  }
  default: return CF_REFUSE_MALFORMED;
  }
}

static cf_refuse_t
on_drain(cf_enclave_t *e, cf_rd_t *in, cf_wr_t *out) {
  if (!cf_rd_done(in)) return CF_REFUSE_MALFORMED;
  e->phase = CF_PHASE_DRAINING;
  return CF_REFUSE_NONE;
}

static struct {
  cf_message_type_t type;
  cf_answer_fn_t   *fn;
} const answers[] = {
  { CF_MSG_BOOT, cf_on_boot },       { CF_MSG_JOURNAL, cf_on_journal },         { CF_MSG_FENCE, cf_on_fence },
  { CF_MSG_CERTIFY, cf_on_certify }, { CF_MSG_POSSESS, cf_on_possess },         { CF_MSG_BATCH, cf_on_batch },
  { CF_MSG_SHOW_LOG, cf_on_show_log }, { CF_MSG_SHOW_LEDGER, cf_on_show_ledger }, { CF_MSG_SNAPSHOT, cf_on_snapshot },
  { CF_MSG_READ, cf_on_read },       { CF_MSG_DRAIN, on_drain },
};

static cf_refuse_t
dispatch(cf_enclave_t *e, uint8_t type, cf_rd_t *body, cf_wr_t *out) {
  for (size_t i = 0; i < cf_boundary_rows; i++) {
    cf_boundary_row_t const *row = &cf_boundary_table[i];
    if ((uint8_t)row->type != type) continue;
    if (e->phase == CF_PHASE_STOPPED && !(row->phases & CF_PHASE_STOPPED)) return e->ended ? e->ended : CF_REFUSE_PHASE;
    if (!(row->phases & (uint32_t)e->phase)) return CF_REFUSE_PHASE;
    if (cf_rd_left(body) > row->in_max) return CF_REFUSE_BOUND;
    for (size_t k = 0; k < CF_COUNT_OF(answers); k++)
      if (answers[k].type == row->type) return answers[k].fn(e, body, out);
  }
  return CF_REFUSE_MALFORMED;
}

void
cf_enclave_ask(cf_enclave_t *e, uint8_t *request, size_t request_sz, cf_wr_t *answer) {
  cf_rd_t     rd      = cf_rd_init(request, request_sz);
  uint8_t     version = cf_rd_u8(&rd), type = cf_rd_u8(&rd);
  size_t      start   = answer->len;
  cf_refuse_t r       = CF_REFUSE_MALFORMED;
  cf_wr_u8(answer, CF_BOUNDARY_VERSION);
  cf_wr_u8(answer, type);
  cf_wr_u8(answer, CF_REFUSE_NONE);
  e->request    = request;
  e->request_sz = request_sz;
  if (!rd.bad && version == CF_BOUNDARY_VERSION) r = dispatch(e, type, &rd, answer);
  if (!r && answer->bad) r = CF_REFUSE_BOUND;
  if (!r) return;
  answer->len            = start; /* nothing half-said leaves with a refusal */
  answer->bad            = false;
  char const *name       = cf_refuse_name(r);
  cf_wr_u8(answer, CF_BOUNDARY_VERSION);
  cf_wr_u8(answer, type);
  cf_wr_u8(answer, (uint8_t)r);
  cf_wr_bytes(answer, name, strlen(name));
}
