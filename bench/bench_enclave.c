// link: enclave ledger session translog lib: cmocka crypto m
/* The enclave's core alone, in this process: batches of 64 session envelopes of 256 bytes, from the request's bytes to record and
   signed receipt, results sealed and kept until the log has the receipt.  Processor time per envelope, the signature included.

   limit  what no implementation can leave out, done bare on the same bytes: one AEAD open and one seal per envelope and the
          record's, SHA-256 of what is hashed once (envelope, sealed result, record), one signature a batch */
#include "bench.h"

#pragma GCC diagnostic ignored "-Wconversion" /* the tests' own header */
#include "../tests/unit/enclave/life.h"

enum { PARTIES = 8, PER_BATCH = 64, BATCHES = 64, ROUNDS = 15 };

static party_t   party[PARTIES];
static cf_span_t message[BATCHES];
static uint8_t   request[1 << 20];

static void tune(cf_policy_t *policy, cf_clearing_params_t *clearing, cf_configuration_t *configuration) {
  clearing->obligations_max = 65536;
  policy->max_inputs_per_window = 1 << 20;
  configuration->batch_max = 1024;
}

static void messages_make(world_t *w) {
  static uint8_t buf[1 << 20];
  for (size_t b = 0; b < BATCHES; b++) {
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    cf_wr_u8(&wr, CF_BOUNDARY_VERSION);
    cf_wr_u8(&wr, CF_MSG_BATCH);
    cf_wr_u16(&wr, PER_BATCH);
    for (size_t i = 0; i < PER_BATCH; i++)
      w_span(&wr, obligation(w, &party[i % PARTIES], party[(i + 1) % PARTIES].account, 0, 1));
    bench_check(!wr.bad, "room for a batch");
    message[b] = keep(cf_wr_out(&wr));
  }
}

/* Microseconds an envelope. */
static double ours(world_t *w, cf_span_t *record) {
  double s = 0;
  messages_make(w);
  for (size_t b = 0; b < BATCHES; b++) {
    cf_wr_t wr = cf_wr_init(w->answer, CF_FRAME_MAX);
    memcpy(request, message[b].ptr, message[b].len);
    double from = bench_cpu_s();
    cf_enclave_ask(w->e, request, message[b].len, &wr);
    s += bench_cpu_s() - from;
    cf_rd_t rd = cf_rd_span(cf_wr_out(&wr));
    bench_check(cf_rd_u8(&rd) == CF_BOUNDARY_VERSION && cf_rd_u8(&rd) == CF_MSG_BATCH && !cf_rd_u8(&rd) && !cf_rd_u16(&rd), "batch");
    *record = r_span(&rd);
    cf_span_t receipt = r_span(&rd);
    bench_check(cf_rd_done(&rd), "answer");
    log_and_read(w, receipt);
  }
  bench_check(!show(w), "show");
  return s * 1e6 / (BATCHES * PER_BATCH);
}

static double bare(cf_span_t record) {
  static uint8_t   out[1 << 20];
  static uint8_t   plain[512];
  uint8_t const    key[32] = {1}, nonce[12] = {2}, aad[220] = {3};
  uint8_t          sig[64];
  static cf_span_t envelope[PER_BATCH];
  cf_aead_t       *aead = cf_aead_new(CF_AEAD_AES128GCM), *journal = cf_aead_new(CF_AEAD_AES256GCM);
  cf_entropy_t     e = cf_entropy_system();
  cf_p256_key_t   *signer = cf_p256_key_new(&e);
  cf_rd_t          rd = cf_rd_init(message[0].ptr + 4, message[0].len - 4);
  cf_hash_t        digest = {{0}};
  uint8_t          sealed[256 + 16];
  for (size_t i = 0; i < PER_BATCH; i++) envelope[i] = r_span(&rd);
  cf_aead_seal(aead, sealed, key, nonce, CF_SPAN_OF(aad), CF_SPAN(plain, 256));
  double from = bench_cpu_s();
  for (size_t b = 0; b < BATCHES; b++) {
    for (size_t i = 0; i < PER_BATCH; i++) {
      bench_check(!cf_aead_open(aead, plain, key, nonce, CF_SPAN_OF(aad), CF_SPAN_OF(sealed)), "open");
      cf_aead_seal(aead, plain, key, nonce, CF_SPAN_OF(aad), CF_SPAN(plain, 256));
      digest = cf_sha256(envelope[i]);
      digest = cf_sha256(envelope[i]);
    }
    cf_aead_seal(journal, out, key, nonce, CF_SPAN_OF(digest.b), CF_SPAN(record.ptr, record.len - 16));
    digest = cf_sha256(record);
    cf_p256_sign(signer, sig, &digest);
  }
  double s = bench_cpu_s() - from;
  cf_aead_free(aead);
  cf_aead_free(journal);
  cf_p256_key_free(signer);
  return s * 1e6 / (BATCHES * PER_BATCH);
}

int main(void) {
  double    us[2][ROUNDS];
  cf_span_t record = {NULL, 0};
  bench_first();
  setup(NULL);
  world_tune = tune;
  world_t *w = serving(1, party, PARTIES);
  (void)ours(w, &record); /* sessions are opened */
  for (int r = 0; r < ROUNDS; r++) {
    us[0][r] = ours(w, &record);
    us[1][r] = bare(record);
  }
  bench_row("enclave-envelope-us", "us", BENCH_TIME, bench_median(us[0], ROUNDS), bench_median(us[1], ROUNDS), NAN);
  world_free(w);
  teardown(NULL);
  return 0;
}
