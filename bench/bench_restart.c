// link: enclave ledger session translog lib: cmocka crypto m
/* restart-1m-ms: an enclave that took a million inputs and kept its last snapshot before the last tenth of them comes back: from
   START through BOOT and the journal of 100,000 inputs, in stretches of 8 MiB as the gateway sends them, to SERVING, witnesses and
   verifiers answering at once.  Processor time of this process, which is the enclave's core and what it is shown; reading the file is
   not in it.

   limit  what no implementation can leave out, done bare on the same journal: each record opened and hashed into the chain, each
          envelope hashed, opened, and an answer sealed and hashed */
#include "bench.h"

#pragma GCC diagnostic ignored "-Wconversion" /* the tests' own header */
#include "../tests/unit/enclave/life.h"

enum { PARTIES = 16, PER_BATCH = 1024, INPUTS = 1000000, KEPT = 900000, STRETCH = 8 << 20, JOURNAL_MAX = 128 << 20 };

static party_t party[PARTIES];
static uint8_t request[2 << 20], *journal;
static size_t  journal_sz;

static void tune(cf_policy_t *policy, cf_clearing_params_t *clearing, cf_configuration_t *configuration) {
  clearing->obligations_max = 65536;
  policy->max_inputs_per_window = 1 << 20;
  configuration->batch_max = PER_BATCH;
}

/* One batch of n inputs; its record goes behind the journal. */
static void run_batch(world_t *w, size_t n, uint64_t *draw) {
  cf_wr_t wr = cf_wr_init(request, sizeof request), answer = cf_wr_init(w->answer, CF_FRAME_MAX);
  cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(&wr, CF_MSG_BATCH);
  cf_wr_u16(&wr, (uint16_t)n);
  for (size_t i = 0; i < n; i++) {
    party_t *p = &party[i % PARTIES];
    uint8_t  buf[64], *sz = cf_wr_room(&wr, 4);
    size_t   from = wr.len, to = (i + 1 + bench_draw(draw) % (PARTIES - 1)) % PARTIES;
    cf_span_t in = input_of(buf, CF_CLEARING_OBLIGATION, party[to].account, 0, 1);
    bench_check(!cf_session_seal(&p->session, &wr, &ciphers, &w->domain, p->jurisdiction, ++p->order, in), "seal");
    cf_wr_t at = cf_wr_init(sz, 4);
    cf_wr_u32(&at, (uint32_t)(wr.len - from));
  }
  bench_check(!wr.bad, "room for a batch");
  cf_enclave_ask(w->e, request, wr.len, &answer);
  cf_rd_t rd = cf_rd_init(w->answer + 2, answer.len - 2);
  bench_check(!cf_rd_u8(&rd) && !cf_rd_u16(&rd), "batch");
  cf_span_t record = r_span(&rd), receipt = r_span(&rd);
  bench_check(cf_rd_done(&rd) && journal_sz + record.len <= JOURNAL_MAX, "answer");
  memcpy(journal + journal_sz, record.ptr, record.len);
  journal_sz += record.len;
  log_and_read(w, receipt);
}

/* The log has all; what is let out goes to the ledger, and its word back. */
static void show_all(world_t *w) {
  cf_span_t item;
  bench_check(!show(w), "show");
  if (!released(w, CF_RELEASE_SETTLEMENT, &item)) return;
  settle(w, item);
  bench_check(!show_ledger(w), "ledger");
}

static void open_sessions(world_t *w) {
  for (size_t i = 0; i < PARTIES; i++) {
    batch_t   b;
    cf_span_t env = obligation(w, &party[i], party[(i + 1) % PARTIES].account, 0, 1);
    one_batch(w, &env, 1, &b);
    bench_check(!b.refused_cnt, "opening");
    show_all(w);
  }
}

/* The last snapshot is at KEPT, the journal behind it has the rest. */
static world_t *grown(void) {
  uint64_t draw = 0x9e3779b97f4a7c15u;
  world_tune = tune;
  world_t *w = world_new(1, false);
  bootstrap(w);
  for (uint32_t i = 0; i < PARTIES; i++) party_init(w, &party[i], i + 1);
  fund(w, party, PARTIES, 10000000);
  idle(w, 1);
  open_sessions(w);
  bool taken = false;
  for (size_t done = 0, n; done < INPUTS; done += n) {
    n = INPUTS - done < PER_BATCH ? INPUTS - done : PER_BATCH;
    if (!taken && done >= KEPT) {
      bench_check(!take_snapshot(w), "snapshot");
      memcpy(journal, w->journal[w->files], journal_sz = w->journal_sz[w->files]);
      taken = true;
    } else if (!taken) journal_sz = 0;
    run_batch(w, n, &draw);
    show_all(w);
  }
  return w;
}

/* Whole records, as many as a stretch takes. */
static size_t stretch(size_t at) {
  size_t from = at ? at : CF_JOURNAL_HEADER_SZ;
  for (cf_rd_t rd = cf_rd_init(journal + from, journal_sz - from); cf_rd_left(&rd);) {
    (void)r_span(&rd);
    if (from + rd.pos - at > STRETCH) break;
    if (!cf_rd_left(&rd)) return journal_sz;
    cf_rd_t next = rd;
    (void)r_span(&next);
    if (from + next.pos - at > STRETCH) return from + rd.pos;
  }
  return journal_sz;
}

static double ours(world_t *w) {
  static uint8_t body[STRETCH + (1 << 20)];
  enclave_end(w);
  double from = bench_cpu_s();
  bench_check(!reopen(w, 0), "boot");
  for (size_t at = 0, next; at < journal_sz; at = next) {
    next = stretch(at);
    cf_wr_t wr = cf_wr_init(body, sizeof body);
    cf_wr_u8(&wr, next == journal_sz);
    cf_wr_u64(&wr, w->files);
    cf_wr_u64(&wr, at);
    cf_wr_bytes(&wr, journal + at, next - at);
    bench_check(!wr.bad && !ask(w, CF_MSG_JOURNAL, cf_wr_out(&wr)), "journal");
  }
  bench_check(!show(w) && !fence(w), "fence");
  w->view_messages = read_status(w).messages;
  certify(w);
  return (bench_cpu_s() - from) * 1e3;
}

static double bare(void) {
  static uint8_t out[STRETCH];
  uint8_t        key[32] = {1}, nonce[12] = {2}, aad[220] = {3}, box[272] = {0}, envelope[440] = {0};
  cf_aead_t     *aead = cf_aead_new(CF_AEAD_AES128GCM), *sealed = cf_aead_new(CF_AEAD_AES256GCM);
  cf_hash_t      digest = {{0}};
  double         from = bench_cpu_s();
  for (cf_rd_t rd = cf_rd_init(journal + CF_JOURNAL_HEADER_SZ, journal_sz - CF_JOURNAL_HEADER_SZ); cf_rd_left(&rd);) {
    cf_span_t record = r_span(&rd);
    digest = cf_sha256(record);
    (void)!cf_aead_open(sealed, out, key, nonce, CF_SPAN_OF(digest.b), record); /* refused, after the same work */
  }
  for (size_t i = 0; i < INPUTS - KEPT; i++) {
    key[0] = (uint8_t)i;
    digest = cf_sha256(CF_SPAN_OF(envelope));
    (void)!cf_aead_open(aead, out, key, nonce, CF_SPAN_OF(aad), CF_SPAN_OF(box));
    key[1] = digest.b[0];
    cf_aead_seal(aead, out, key, nonce, CF_SPAN_OF(aad), CF_SPAN(out, 256));
    digest = cf_sha256(CF_SPAN(out, 400));
  }
  double ms = (bench_cpu_s() - from) * 1e3;
  cf_aead_free(aead);
  cf_aead_free(sealed);
  return ms;
}

int main(void) {
  bench_first();
  setup(NULL);
  journal = malloc(JOURNAL_MAX);
  bench_check(journal != NULL, "memory");
  world_t *w = grown();
  double   ms = ours(w);
  bench_row("restart-1m-ms", "ms", BENCH_TIME, ms, bare(), NAN);
  world_free(w);
  teardown(NULL);
  return 0;
}
