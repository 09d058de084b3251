/* Views and state proofs.  The input is a view; and it is a mask laid over a good view, whose proof signatures are real: what is
   still accepted says what the ledger says. */
#include "ledger/cf_view.h"
#include "small_ledger.h"

static uint8_t const        scalar[32] = { [31] = 7 }, observer[32] = { [31] = 9 };
static cf_chain_t           chain;
static cf_ledger_identity_t id;
static cf_seats_t           observers = { .k = 1, .n = 1 };
static cf_addr_t const      key       = { { 5 } };
static uint8_t              good[CF_VIEW_MAX], block[65536];
static size_t               good_sz;

static void open_account(uint8_t n, cf_wr_t *body) {
  uint8_t             op_buf[22], buf[64];
  cf_op_t             op    = { .kind = CF_OP_OPEN, .addr = { { n } } };
  cf_wr_t             op_wr = cf_wr_init(op_buf, sizeof op_buf), wr = cf_wr_init(buf, sizeof buf);
  cf_ledger_effects_t fx;
  cf_op_write(&op_wr, &op);
  cf_call_write(&wr, &(cf_call_t){ .deadline_s = 2000, .op = cf_wr_out(&op_wr) });
  cf_refusal_t no = cf_chain_call(&chain, 1001, cf_wr_out(&wr), &fx);
  assert(!no.code);
  (void)no;
  cf_wr_u32(body, (uint32_t)wr.len);
  cf_wr_span(body, cf_wr_out(&wr));
}

static void make_good(void) {
  cf_ledger_genesis_t g = small_ledger(scalar);
  MUST(cf_k256_addr(&observers.member[0], observer));
  uint8_t body[1024];
  cf_wr_t wr = cf_wr_init(block, sizeof block), body_wr = cf_wr_init(body, sizeof body);
  cf_chain_init(&chain);
  MUST(cf_chain_found(&chain, &wr, &g, scalar, NULL));
  for (uint8_t n = 1; n <= 3; n++) open_account(n, &body_wr);
  wr = cf_wr_init(block, sizeof block);
  cf_chain_seal(&chain, &wr, 1001, cf_wr_out(&body_wr), 3, scalar);
  id = (cf_ledger_identity_t){ .chain_id = chain.genesis.config.chain_id, .contract = chain.genesis.config.contract, .separator = chain.genesis.config.separator };

  cf_finality_statement_t s;
  cf_finality_proof_t     p;
  uint8_t                 proof[CF_FINALITY_PROOF_MAX];
  cf_wr_t                 proof_wr = cf_wr_init(proof, sizeof proof), view = cf_wr_init(good, sizeof good);
  MUST(cf_finality_sign(&s, &id, &(cf_finality_t){ .number = 1, .block_hash = chain.hash, .time_s = 1001 }, 0, observer));
  MUST(cf_finality_proof_make(&p, &s, 1, 1));
  cf_finality_proof_write(&proof_wr, &p);
  MUST(cf_view_write(&view, &chain, cf_wr_out(&proof_wr), &key, NULL, 0, 0, NULL));
  good_sz = view.len;
}

/* What is accepted must be the ledger's. */
static void check(cf_span_t view) {
  cf_view_facts_t   facts;
  cf_view_verdict_t verdict;
  cf_view_state_t   seen = { 0 }, next;
  cf_status_t       st   = cf_view_check(&facts, &verdict, &next, &seen, view, &id, &observers, NULL);
  assert((st == CF_OK) == (verdict == CF_VIEW_COMPLETE || verdict == CF_VIEW_PARTIAL));
  if (st) return;
  assert(cf_hash_eq(&facts.hash, &chain.hash) && facts.number == 1);
  for (size_t i = 0; i < facts.proven_cnt; i++) {
    cf_hash_t value = cf_ledger_state_get(chain.state, &facts.keys[i]);
    assert(cf_hash_eq(&value, &facts.values[i]));
  }
  if (verdict == CF_VIEW_PARTIAL) return;
  uint64_t  taken;
  cf_span_t all = cf_ledger_state_message_run(chain.state, 0, UINT64_MAX, SIZE_MAX, &taken);
  assert(next.messages == taken && cf_span_eq(all, facts.messages));
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t masked[CF_VIEW_MAX];
  if (!chain.started) make_good();
  check(CF_SPAN(data, size));
  check(CF_SPAN(good, good_sz));
  if (size < 3) return 0;
  memcpy(masked, good, good_sz); /* u16 where, then bytes to xor */
  size_t at = ((size_t)data[0] << 8 | data[1]) % good_sz;
  for (size_t i = 2; i < size && at < good_sz; i++, at++) masked[at] ^= data[i];
  check(CF_SPAN(masked, good_sz));
  return 0;
}
