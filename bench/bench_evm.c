// link: ledger lib: secp256k1
/* evm-sign: an EIP-1559 transaction with 100 positions of a settlement, from its fields to raw bytes, signature and hash.

   ours   cf_evm_tx_sign
   limit  what cannot be left out: libsecp256k1's recoverable signature, and Keccak-256 over as many bytes, once for the digest and
          once for the hash */
#include <secp256k1_recovery.h>

#include "bench.h"
#include "ledger/cf_evm_tx.h"

enum { ROUNDS = 7, DATA_SZ = 4 + 5 * 32 + 64 + 6 + 100 * 12, EACH = 64 };
#define ROUND_S 0.25

static uint8_t data[DATA_SZ], key[32], raw[DATA_SZ + CF_EVM_TX_FRAME_MAX];

static double ours(size_t *raw_sz) {
  cf_evm_tx_t tx    = { .chain_id = 31337, .tip_wei = 1500000000, .fee_wei = 30000000000, .gas = 700000, .data = CF_SPAN_OF(data) };
  double      start = bench_cpu_s(), end;
  size_t      n     = 0;
  do {
    for (int i = 0; i < EACH; i++, n++) {
      uint8_t   sig[64];
      cf_hash_t hash;
      cf_wr_t   wr = cf_wr_init(raw, sizeof raw);
      tx.nonce     = n;
      bench_check(!cf_evm_tx_sign(&wr, sig, &hash, &tx, key), "sign");
      *raw_sz = wr.len;
    }
    end = bench_cpu_s();
  } while (end - start < ROUND_S);
  return (double)n / (end - start);
}

static double limit(secp256k1_context const *ctx, size_t raw_sz) {
  double start = bench_cpu_s(), end;
  size_t n     = 0;
  do {
    for (int i = 0; i < EACH; i++, n++) {
      secp256k1_ecdsa_recoverable_signature sig;
      raw[7]           = (uint8_t)n;
      cf_hash_t digest = cf_keccak256(CF_SPAN(raw, raw_sz - 67));
      bench_check(secp256k1_ecdsa_sign_recoverable(ctx, &sig, digest.b, key, NULL, NULL), "bare sign");
      digest = cf_keccak256(CF_SPAN(raw, raw_sz));
      raw[8] = digest.b[0];
    }
    end = bench_cpu_s();
  } while (end - start < ROUND_S);
  return (double)n / (end - start);
}

int main(void) {
  double             a[ROUNDS], b[ROUNDS];
  uint64_t           x   = 7;
  size_t             raw_sz;
  secp256k1_context *ctx = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
  bench_first();
  cf_crypto_init();
  bench_fill(&x, data, sizeof data);
  bench_fill(&x, key, sizeof key);
  for (int i = 0; i < ROUNDS; i++) {
    a[i] = ours(&raw_sz);
    b[i] = limit(ctx, raw_sz);
  }
  bench_row("evm-sign", "tx/s", BENCH_RATE, bench_median(a, ROUNDS), bench_median(b, ROUNDS), NAN);
  secp256k1_context_destroy(ctx);
  return 0;
}
