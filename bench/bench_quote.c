// link: evidence lib: crypto
/* quote-cold and quote-warm: a TDX 1.5 quote verified with all its collateral, of the size of Intel's, per processor.

   quote-cold  text collateral in, nothing kept: decode, three chains, two lists, TCB info, QE identity, levels
   quote-warm  collateral and the platform's chain were read before and still hold at T: two signatures, and what is compared
   limit       libcrypto's bare P-256 checks, nine and two, each with a key that was made before and a digest at hand
   peer        npm's @phala/dcap-qvl, which reads and checks all of it for every quote, for both rows.  Intel's library cannot be
               installed here */
#define OPENSSL_SUPPRESS_DEPRECATED /* EC_KEY is the cheapest that libcrypto has */
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>

#include "../tests/unit/evidence/quotes.h"
#include "bench.h"

enum { COLD_CHECKS = 9, WARM_CHECKS = 2, ROUNDS = 7 };
#define ROUND_S 0.3

static double verifications(cf_evidence_ask_t const *ask) {
  static cf_facts_t f;
  cf_verdict_t      v;
  size_t            n = 0;
  double            start = bench_cpu_s(), end;
  do {
    for (int i = 0; i < 16; i++, n++) bench_check(!cf_evidence_verify(&f, ask, &v), v.text);
    end = bench_cpu_s();
  } while (end - start < ROUND_S);
  return (double)n / (end - start);
}

static double checks(EC_KEY *key, ECDSA_SIG *sig, uint8_t const digest[32], size_t each) {
  size_t n = 0;
  double start = bench_cpu_s(), end;
  do {
    for (int i = 0; i < 144; i++, n++) bench_check(ECDSA_do_verify(digest, 32, sig, key) == 1, "verify");
    end = bench_cpu_s();
  } while (end - start < ROUND_S);
  return (double)n / (end - start) / (double)each;
}

int main(void) {
  bench_first();
  double                       rate[4][ROUNDS];
  uint8_t                      digest[32] = {1};
  quotes_t                    *quotes = quotes_load("tests/vectors/evidence/quotes.json");
  quote_case_t                *c = quotes_find(quotes, "as large as Intel's");
  static cf_quote_collateral_t kept;
  static cf_facts_t            facts;
  cf_verdict_t                 v;
  cf_evidence_ask_t            cold = quotes_ask(c), warm = {.items = c->items, .item_cnt = 1, .kept = &kept, .at_s = c->at_s};
  EC_KEY                      *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
  bench_check(key && EC_KEY_generate_key(key) == 1, "key");
  ECDSA_SIG *sig = ECDSA_do_sign(digest, sizeof digest, key);
  bench_check(sig != NULL, "sign");
  cold.keep = &kept;
  bench_check(!cf_evidence_verify(&facts, &cold, &v), v.text);
  cold.keep = NULL;
  bench_peer_t peer = bench_peer("build/bench/peer-dcap");
  double       theirs[ROUNDS];
  for (int r = 0; r < ROUNDS; r++) {
    rate[0][r] = verifications(&cold);
    rate[1][r] = checks(key, sig, digest, COLD_CHECKS);
    rate[2][r] = verifications(&warm);
    rate[3][r] = checks(key, sig, digest, WARM_CHECKS);
    theirs[r] = bench_peer_ask(&peer, "quote");
  }
  bench_peer_end(&peer);
  double their = bench_median(theirs, ROUNDS);
  bench_row("quote-cold", "quotes/s", BENCH_RATE, bench_median(rate[0], ROUNDS), bench_median(rate[1], ROUNDS), their);
  bench_row("quote-warm", "quotes/s", BENCH_RATE, bench_median(rate[2], ROUNDS), bench_median(rate[3], ROUNDS), their);
  ECDSA_SIG_free(sig);
  EC_KEY_free(key);
  free(quotes);
  return 0;
}
