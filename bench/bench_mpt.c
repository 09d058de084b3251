// link: ledger
/* Proving what an EVM chain holds: the account of a contract among 20,000, and 41 of its 50,000 slots (those of a view with 32 assets),
   one in four of them absent, from the proof that a view carries.

   ours   cf_evm_state_verify: every node hashed and walked, every slot decoded
   limit  the bare hashes: Keccak-256 of each node of that proof and of each key, nothing read

   Median of 21 interleaved rounds, proofs per second of processor time. */
#include "bench.h"

#include "codec/cf_rlp.h"
#include "ledger/cf_mpt.h"
#include "../tests/unit/ledger/mpt_build.h"

#define ACCOUNTS 20000u
#define SLOTS    50000u
#define KEYS     41
#define ROUNDS   21
#define TIMES    200

static mpt_entry_t slots[SLOTS], accounts[ACCOUNTS];
static uint8_t     proof[1 << 17];

static cf_hash_t number(uint64_t v) {
  cf_hash_t h = { { 0 } };
  for (size_t i = 0; i < 8; i++) h.b[31 - i] = (uint8_t)(v >> (8 * i));
  return h;
}

typedef struct {
  cf_hash_t state_root, code, keys[KEYS];
  cf_addr_t contract;
  cf_span_t proof;
  cf_rlp_t  nodes[KEYS * CF_MPT_DEPTH_MAX];
  size_t    nodes_cnt;
} state_t;

static void state_make(state_t *s) {
  cf_hash_t paths[KEYS], sorted[KEYS], path;
  uint8_t   order[KEYS];
  s->code = number(7);
  for (uint32_t i = 0; i < SLOTS; i++) {
    cf_hash_t key = number(i), value = number(0x1234567890abcdefu * (i + 1));
    mpt_put_slot(&slots[i], &key, &value);
  }
  qsort(slots, SLOTS, sizeof *slots, mpt_by_path);
  cf_hash_t storage_root = mpt_root(slots, SLOTS);
  for (uint32_t i = 0; i < ACCOUNTS; i++) {
    cf_addr_t addr = { { (uint8_t)(i >> 8), (uint8_t)i } };
    mpt_put_account(&accounts[i], addr.b, &storage_root, &s->code);
  }
  qsort(accounts, ACCOUNTS, sizeof *accounts, mpt_by_path);
  s->state_root = mpt_root(accounts, ACCOUNTS);
  s->contract   = (cf_addr_t){ { 0x12, 0x34 } };
  for (size_t i = 0; i < KEYS; i++) {
    s->keys[i] = number(i % 4 == 3 ? SLOTS + i : i * (SLOTS / KEYS));
    paths[i]   = cf_keccak256(CF_SPAN_OF(s->keys[i].b));
  }
  cf_mpt_order(order, paths, KEYS);
  for (size_t i = 0; i < KEYS; i++) sorted[i] = paths[order[i]];
  path       = cf_keccak256(CF_SPAN_OF(s->contract.b));
  cf_wr_t wr = cf_wr_init(proof, sizeof proof);
  mpt_prove(&wr, accounts, ACCOUNTS, &path, 1);
  mpt_prove(&wr, slots, SLOTS, sorted, KEYS);
  bench_check(!wr.bad, "the proof is too long");
  s->proof = cf_wr_out(&wr);
  for (cf_rd_t rd = cf_rd_span(s->proof); cf_rd_left(&rd);) s->nodes[s->nodes_cnt++] = cf_rlp_next(&rd);
}

static double ours(state_t const *s) {
  cf_hash_t values[KEYS];
  double    start = bench_cpu_s();
  for (unsigned i = 0; i < TIMES; i++)
    bench_check(!cf_evm_state_verify(&s->state_root, &s->contract, &s->code, s->proof, s->keys, KEYS, values), "not proven");
  bench_check(values[0].b[31] == 0xef && values[3].b[31] == 0, "another value");
  return TIMES / (bench_cpu_s() - start);
}

static double limit(state_t const *s) {
  uint8_t sum   = 0;
  double  start = bench_cpu_s();
  for (unsigned i = 0; i < TIMES; i++) {
    for (size_t n = 0; n < s->nodes_cnt; n++) sum ^= cf_keccak256(s->nodes[n].whole).b[0];
    for (size_t k = 0; k < KEYS; k++) sum ^= cf_keccak256(CF_SPAN_OF(s->keys[k].b)).b[0];
    sum ^= cf_keccak256(CF_SPAN_OF(s->contract.b)).b[0];
  }
  double rate = TIMES / (bench_cpu_s() - start);
  __asm__ volatile("" : : "r"(sum)); /* it is wanted */
  return rate;
}

int main(void) {
  static state_t s;
  double         ours_rate[ROUNDS], limit_rate[ROUNDS];
  bench_first();
  state_make(&s);
  for (unsigned i = 0; i < ROUNDS; i++) {
    ours_rate[i]  = ours(&s);
    limit_rate[i] = limit(&s);
  }
  fprintf(stderr, "mpt-verify: %zu nodes, %zu bytes\n", s.nodes_cnt, s.proof.len);
  bench_row("mpt-verify", "proofs/s", BENCH_RATE, bench_median(ours_rate, ROUNDS), bench_median(limit_rate, ROUNDS), NAN);
  return 0;
}
