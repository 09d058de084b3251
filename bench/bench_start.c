// link: party io workload platform lib: crypto m
/* start-to-receipt-ms: from the exec of `counterfoil up` on a domain that was founded and never ran (5 verifiers, 4
   witnesses, 4 observers, software TPM made before) to the first receipt that a party verified: the enclave measured, booted,
   attested by its verifiers, registered on the ledger; its evidence checked offline by the party; a session opened.

   limit  what the software TPM alone takes for its part: started, endorsement certificate read, attestation key made, three
          measurements, identity, one root sealed, one quote
   peer   none: see docs/performance.md */
#include "bench_domain.h"
#include "platform/cf_swtpm.h"
#include "platform/cf_tpmdev.h"

enum { ROUNDS = 3 };

/* ---- ours ---- */

static double ours(bench_domain_t *d) {
  static cf_attested_t attested;
  static uint8_t       body[4 + CF_ENVELOPE_MAX];
  bench_party_t        party = {0};
  bench_answer_t       answer;
  cf_receipt_t         receipt;
  cf_hash_t            hash;
  cf_entropy_t         e = cf_entropy_system();
  cf_wr_t              wr = cf_wr_init(body + 4, CF_ENVELOPE_MAX), sz = cf_wr_init(body, 4);
  cf_wallet_make(&party.wallet, &e);
  double start = bench_now_s();
  bench_domain_up(d, NULL);
  bench_attest(&attested, d);
  cf_ciphers_t ciphers = cf_ciphers_new(cf_suite(attested.target.suite));
  bench_seal(&wr, &party, &attested, &ciphers, 1);
  cf_wr_u32(&sz, (uint32_t)wr.len);
  cf_hash_t id = cf_envelope_id(cf_wr_out(&wr));
  bench_check(bench_answer_read(&answer, bench_ask(d->url, "/v1/envelopes", CF_SPAN(body, 4 + wr.len))) && answer.receipts == 1,
              "the envelope got no receipt");
  bench_check(!cf_receipt_check(&receipt, &hash, &answer.first, &id, &attested.trust, &attested.epoch, NULL),
              "the receipt does not verify");
  double took = bench_now_s() - start;
  cf_ciphers_free(&ciphers);
  return took * 1e3;
}

/* ---- limit ---- */

static double tpm_alone(bench_domain_t const *d) {
  static cf_tpm_quote_out_t quote;
  static uint8_t            certificate[CF_TPMDEV_CERT_MAX], ak[CF_TPM_BLOB_MAX], sealed[CF_TPM_BLOB_MAX];
  char                      dir[CF_SWTPM_PATH_MAX], tcti[160];
  cf_hash_t const           digest = {{1}};
  uint8_t const             root[32] = {2};
  cf_swtpm_t                swtpm = {0};
  cf_tpmdev_t               tpm = {0};
  size_t                    n;
  cf_wr_t                   key = cf_wr_init(ak, sizeof ak), blob = cf_wr_init(sealed, sizeof sealed);
  snprintf(dir, sizeof dir, "%s/tpm", d->dir);
  cf_swtpm_tcti(tcti, sizeof tcti, dir);
  double      start = bench_now_s();
  cf_status_t st = cf_swtpm_start(&swtpm, dir, NULL);
  if (!st) st = cf_tpmdev_init(&tpm, tcti, NULL);
  if (!st) st = cf_tpmdev_ek_certificate(&tpm, certificate, &n, sizeof certificate, NULL);
  if (!st) st = cf_tpmdev_ak_make(&tpm, &key, NULL);
  if (!st) st = cf_tpmdev_measure(&tpm, &digest, &digest, &digest, NULL);
  if (!st) st = cf_tpmdev_seal(&tpm, &blob, 1, root, NULL);
  if (!st) st = cf_tpmdev_identify(&tpm, &digest, NULL);
  if (!st) st = cf_tpmdev_quote(&tpm, &quote, cf_wr_out(&key), CF_SPAN_OF(digest.b), NULL);
  double took = bench_now_s() - start;
  bench_check(!st, "the software TPM");
  cf_tpmdev_fini(&tpm);
  cf_swtpm_stop(&swtpm);
  return took * 1e3;
}

int main(int argc, char **argv) {
  double ms[2][ROUNDS];
  bench_first();
  for (int i = 0; i < ROUNDS; i++) {
    bench_domain_t d;
    bench_domain_make(&d, argc > 1 ? argv[1] : "build/bin", NULL);
    ms[0][i] = ours(&d);
    bench_domain_down(&d);
    ms[1][i] = tpm_alone(&d);
    bench_domain_remove(&d);
  }
  bench_row("start-to-receipt-ms", "ms", BENCH_TIME, bench_median(ms[0], ROUNDS), bench_median(ms[1], ROUNDS), NAN);
  return 0;
}
