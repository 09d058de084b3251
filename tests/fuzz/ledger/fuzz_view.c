/* Views and state proofs, of both kinds of ledger.  The input is a view; and it is a mask laid over a good view, whose proof
   signatures are real: what is still accepted says what the ledger says. */
#include "ledger/cf_view.h"
#include "small_ledger.h"

#include "../../unit/ledger/evm_chain.h"

static uint8_t const        scalar[32] = { [31] = 7 }, observer[32] = { [31] = 9 };
static cf_chain_t           chain;
static evm_chain_t          evm;
static cf_seats_t           observers = { .k = 1, .n = 1 };
static cf_addr_t const      key       = { { 5 } };
static uint8_t              block[65536];

/* A ledger and a good view of it. */
typedef struct {
  cf_ledger_identity_t id;
  uint64_t             number;
  cf_hash_t            hash;
  cf_span_t            messages;
  uint64_t             messages_cnt;
  cf_hash_t (*get)(cf_hash_t const *slot);
  uint8_t view[CF_VIEW_MAX];
  size_t  view_sz;
} shown_t;
static shown_t embedded, on_chain;

static cf_hash_t embedded_get(cf_hash_t const *slot) { return cf_ledger_state_get(chain.state, slot); }
static cf_hash_t evm_slot(cf_hash_t const *slot) { return evm_get(&evm, *slot); }

static cf_span_t final(shown_t const *s, uint64_t time_s) {
  static uint8_t          proof[CF_FINALITY_PROOF_MAX];
  cf_finality_statement_t statement;
  cf_finality_proof_t     p;
  cf_wr_t                 wr = cf_wr_init(proof, sizeof proof);
  MUST(cf_finality_sign(&statement, &s->id, &(cf_finality_t){ .number = s->number, .block_hash = s->hash, .time_s = time_s }, 0, observer));
  MUST(cf_finality_proof_make(&p, &statement, 1, 1));
  cf_finality_proof_write(&wr, &p);
  return cf_wr_out(&wr);
}

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

static void make_embedded(void) {
  cf_ledger_genesis_t g = small_ledger(scalar);
  MUST(cf_k256_addr(&observers.member[0], observer));
  uint8_t body[1024];
  cf_wr_t wr = cf_wr_init(block, sizeof block), body_wr = cf_wr_init(body, sizeof body);
  cf_chain_init(&chain);
  MUST(cf_chain_found(&chain, &wr, &g, scalar, NULL));
  for (uint8_t n = 1; n <= 3; n++) open_account(n, &body_wr);
  wr = cf_wr_init(block, sizeof block);
  cf_chain_seal(&chain, &wr, 1001, cf_wr_out(&body_wr), 3, scalar);
  shown_t *s = &embedded;
  s->id      = (cf_ledger_identity_t){ .chain_id = g.config.chain_id, .contract = g.config.contract, .separator = g.config.separator };
  s->number  = 1;
  s->hash    = chain.hash;
  s->get     = embedded_get;
  s->messages = cf_ledger_state_message_run(chain.state, 0, UINT64_MAX, SIZE_MAX, &s->messages_cnt);
  cf_wr_t view = cf_wr_init(s->view, sizeof s->view);
  MUST(cf_view_write(&view, &chain, final(s, 1001), &key, NULL, 0, 0, NULL));
  s->view_sz = view.len;
}

static void make_on_chain(void) {
  cf_ledger_genesis_t g = small_ledger(scalar);
  shown_t            *s = &on_chain;
  g.config.embedded     = false;
  g.config.chain_id     = 31337;
  MUST(cf_ledger_genesis(&g, evm.slots, CF_GENESIS_WRITES_MAX, &evm.slots_cnt, NULL));
  evm.contract  = g.config.contract;
  evm.code_hash = (cf_hash_t){ { 3 } };
  for (uint32_t n = 1; n <= 3; n++) {
    evm_message(&evm, &(cf_inbox_msg_t){ .kind = CF_INBOX_OPENED, .time_s = 1001, .id = n, .addr = { { (uint8_t)n } } });
    cf_hash_t account = { { [31] = (uint8_t)n } };
    evm_put(&evm, cf_slot_account(n), account);
  }
  evm_mine(&evm, 7, 1001);
  s->id = (cf_ledger_identity_t){ .chain_id = 31337, .contract = evm.contract, .separator = g.config.separator, .code_hash = evm.code_hash };
  s->number       = 7;
  s->hash         = evm.hash;
  s->get          = evm_slot;
  s->messages     = CF_SPAN(evm.messages, evm.messages_sz);
  s->messages_cnt = evm.messages_cnt;
  cf_hash_t const more[] = { cf_slot_account(1), cf_slot_account(9) };
  cf_wr_t         view   = cf_wr_init(s->view, sizeof s->view);
  MUST(evm_view(&view, &evm, final(s, 1001), &key, more, 2, 0, 0, NULL));
  s->view_sz = view.len;
}

/* What is accepted must be the ledger's. */
static bool check(shown_t const *s, cf_span_t view) {
  cf_view_facts_t   facts;
  cf_view_verdict_t verdict;
  cf_view_state_t   seen = { 0 }, next;
  cf_status_t       st   = cf_view_check(&facts, &verdict, &next, &seen, view, &s->id, &observers, NULL);
  assert((st == CF_OK) == (verdict == CF_VIEW_COMPLETE || verdict == CF_VIEW_PARTIAL));
  if (st) return false;
  assert(cf_hash_eq(&facts.hash, &s->hash) && facts.number == s->number);
  for (size_t i = 0; i < facts.proven_cnt; i++) {
    cf_hash_t value = s->get(&facts.keys[i]);
    assert(cf_hash_eq(&value, &facts.values[i]));
  }
  if (verdict == CF_VIEW_PARTIAL) return false;
  assert(next.messages == s->messages_cnt && cf_span_eq(s->messages, facts.messages));
  return true;
}

static void masked(shown_t const *s, uint8_t const *data, size_t size) {
  static uint8_t view[CF_VIEW_MAX];
  memcpy(view, s->view, s->view_sz); /* u16 where, then bytes to xor */
  size_t at = ((size_t)data[0] << 8 | data[1]) % s->view_sz;
  for (size_t i = 2; i < size && at < s->view_sz; i++, at++) view[at] ^= data[i];
  (void)check(s, CF_SPAN(view, s->view_sz));
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  shown_t const *const all[] = { &embedded, &on_chain };
  if (!chain.started) {
    make_embedded();
    make_on_chain();
    for (size_t i = 0; i < 2; i++) assert(check(all[i], CF_SPAN(all[i]->view, all[i]->view_sz)));
  }
  for (size_t i = 0; i < 2; i++) {
    (void)check(all[i], CF_SPAN(data, size));
    if (size > 2) masked(all[i], data, size);
  }
  return 0;
}
