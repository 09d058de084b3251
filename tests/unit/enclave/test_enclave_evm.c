// link: ledger session translog
/* A ledger on a chain: whose code stands at the contract's address the enclave learns from entry 1 of the log, and from nowhere else.
   PROTOCOL P12 (6, 16), ONCHAIN 4.7.1. */
#include "life.h"

#include "../ledger/evm_chain.h"
#include "enclave/cf_enclave_state.h"

static evm_chain_t chain;
static cf_hash_t   deployed;

/* ---- the chain ---- */

static void
chain_begin(world_t *w) {
  static cf_ledger_genesis_t g;
  cf_error_t                 err = { 0 };
  memset(&chain, 0, sizeof chain);
  memset(deployed.b, 7, sizeof deployed.b);
  if (cf_ledger_genesis_of(&g, &w->genesis, &w->policy, &w->domain, &err) ||
      cf_ledger_genesis(&g, chain.slots, CF_GENESIS_WRITES_MAX, &chain.slots_cnt, &err))
    fail_msg("%s: %s", err.item, err.text);
  chain.contract  = g.config.contract;
  chain.code_hash = deployed;
}

static world_t *
world_evm(uint64_t seed) {
  world_on_chain = true;
  world_t *w     = world_new(seed, false);
  chain_begin(w);
  return w;
}

/* What `register` leaves behind: the newest epoch's key, live, and its instance. */
static void
put_key(world_t *w) {
  cf_history_boot_t const *b = cf_history_newest(&w->history);
  cf_ledger_key_t          live = { .state = CF_KEY_LIVE, .epoch = b->index, .policy = 1, .not_before_s = w->now_s, .not_after_s = w->now_s + 3600 };
  cf_hash_t                at = evm_get(&chain, cf_slot_plain(CF_SLOT_STATUS));
  cf_ledger_status_t       status = cf_ledger_status_unpack(&at);
  status.floor_epoch = b->index;
  evm_put(&chain, cf_slot_key(&w->e->own.settlement_addr), cf_ledger_key_pack(&live));
  evm_put(&chain, cf_slot_plain(CF_SLOT_STATUS), cf_ledger_status_pack(&status));
  evm_put(&chain, cf_slot_plain(CF_SLOT_INSTANCE), b->instance);
}

static cf_refuse_t
show_chain(world_t *w) {
  static uint8_t          buf[CF_VIEW_MAX + 4];
  uint8_t                 proof_buf[CF_FINALITY_PROOF_MAX];
  cf_wr_t                 proof = cf_wr_init(proof_buf, sizeof proof_buf), wr = cf_wr_init(buf + 4, CF_VIEW_MAX), head = cf_wr_init(buf, 4);
  cf_finality_t           f     = { .number = chain.number, .block_hash = chain.hash, .time_s = chain.time_s, .log_size = 1 };
  cf_finality_statement_t s;
  cf_finality_proof_t     p;
  cf_addr_t               key  = w->e->own.settlement_addr; /* before the log has its certificate, too */
  cf_hash_t const         more = cf_slot_bucket(0);
  assert_int_equal(cf_finality_sign(&s, &w->ledger_id, &f, 0, w->observer), CF_OK);
  assert_int_equal(cf_finality_proof_make(&p, &s, 1, 1), CF_OK);
  cf_finality_proof_write(&proof, &p);
  assert_int_equal(evm_view(&wr, &chain, cf_wr_out(&proof), &key, &more, 1, 0, 0, NULL), CF_OK);
  cf_wr_u32(&head, (uint32_t)wr.len);
  return ask(w, CF_MSG_SHOW_LEDGER, CF_SPAN(buf, wr.len + 4));
}

/* A block of now. */
static cf_refuse_t
show_next(world_t *w) {
  evm_mine(&chain, chain.number + 3, w->now_s);
  return show_chain(w);
}

/* ---- the log ---- */

typedef enum { GOOD, OTHER_CONTRACT, OTHER_CHAIN, OTHER_KIND, NO_GOVERNOR } deployment_t;

static cf_span_t
deployment(world_t *w, deployment_t how, cf_hash_t const *code) {
  uint8_t         body[256], entry[1024];
  cf_deployment_t d  = { .kind = how == OTHER_KIND ? 1 : 2, .chain_id = w->ledger_id.chain_id + (how == OTHER_CHAIN) };
  cf_wr_t         wr = cf_wr_init(body, sizeof body), out = cf_wr_init(entry, sizeof entry);
  memcpy(d.domain, w->domain.b, 32);
  memcpy(d.contract, w->ledger_id.contract.b, 20);
  d.contract[5] ^= how == OTHER_CONTRACT;
  memcpy(d.code_hash, code->b, 32);
  cf_table_encode(&wr, &cf_deployment_table, &d);
  cf_council_doc_t doc = { .body = cf_wr_out(&wr), .council = CF_GOVERNORS, .version = 1, .not_after = (1ULL << 40) - 1, .sigs_cnt = 1 };
  cf_hash_t        hash = cf_document_hash(CF_SPAN(NULL, 0), doc.body);
  cf_hash_t        digest = cf_council_doc_digest(&w->ledger_id.separator, doc.council, 1, 0, doc.not_after, &hash);
  assert_int_equal(cf_k256_sign(doc.sig[0], how == NO_GOVERNOR ? w->guardian : w->governor, &digest), CF_OK);
  cf_council_doc_seal(&out, cf_deployment_table.typ, &doc, w->gateway, "gateway", "deployment");
  assert_false(out.bad);
  return keep(cf_wr_out(&out));
}

/* An enclave whose log says that `code` was deployed, certified, and its key on the chain. */
static world_t *
registered(uint64_t seed, cf_hash_t const *code) {
  world_t *w = world_evm(seed);
  log_and_read(w, deployment(w, GOOD, code));
  boot_fresh(w);
  certificate(w);
  put_key(w);
  return w;
}

/* ---- tests ---- */

static void
test_a_view_is_taken(void **state) {
  world_t *w = registered(1, &deployed);
  assert_int_equal(show_next(w), CF_REFUSE_NONE);
  assert_int_equal(cf_enclave_phase(w->e), CF_PHASE_SERVING);
  batch_t b;
  one_batch(w, NULL, 0, &b);
  assert_int_equal(b.doc.view.number, chain.number);
  chain.code_hash.b[0] ^= 1; /* it is not what was deployed any more */
  w->now_s++;
  assert_int_equal(show_next(w), CF_REFUSE_PROOF);
  chain.code_hash = deployed;
  assert_int_equal(show_next(w), CF_REFUSE_NONE);
  world_free(w);
}

/* Neither what no witness stands behind, nor what is read and not yet vouched for, says what may be believed of the ledger. */
static void
test_nothing_before_entry_1(void **state) {
  world_t  *w     = world_evm(2);
  cf_span_t entry = deployment(w, GOOD, &deployed);
  boot_fresh(w); /* up to its boot entry: entry 0 is all that it needs */
  log_and_read(w, entry);
  evm_mine(&chain, 3, w->now_s);
  assert_int_equal(show_chain(w), CF_REFUSE_PROOF);
  assert_int_equal(show_log(w, &w->log, w->log.size, 3), CF_REFUSE_PROOF); /* two witnesses of the three that are due */
  assert_int_equal(show_chain(w), CF_REFUSE_PROOF);
  uint8_t ahead[2048]; /* entries without a checkpoint */
  cf_wr_t wr = cf_wr_init(ahead, sizeof ahead);
  cf_wr_u64(&wr, 1);
  cf_wr_u32(&wr, 1);
  cf_wr_u16(&wr, (uint16_t)entry.len);
  cf_wr_span(&wr, entry);
  w_span(&wr, CF_SPAN(NULL, 0));
  assert_int_equal(ask(w, CF_MSG_SHOW_LOG, cf_wr_out(&wr)), CF_REFUSE_NONE);
  assert_int_equal(show_chain(w), CF_REFUSE_PROOF);
  w->fed = 2;
  assert_int_equal(show(w), CF_REFUSE_NONE);
  assert_int_equal(show_chain(w), CF_REFUSE_NONE); /* the same block */
  world_free(w);
}

static void
test_another_deployment(void **state) {
  for (deployment_t how = OTHER_CONTRACT; how <= NO_GOVERNOR; how++) {
    world_t *w = world_evm(3);
    boot_fresh(w);
    log_add(w, deployment(w, how, &deployed));
    assert_int_equal(show_log(w, &w->log, 2, 3), CF_REFUSE_PROOF); /* nobody vouches for it: it changes nothing */
    assert_int_equal(cf_enclave_phase(w->e), CF_PHASE_CERTIFYING);
    assert_int_equal(show(w), CF_REFUSE_VIEW);
    assert_int_equal(cf_enclave_phase(w->e), CF_PHASE_STOPPED);
    world_free(w);
  }
  world_t *w = world_evm(3); /* nor does a domain begin without one */
  boot_fresh(w);
  log_and_read(w, CF_SPAN(w->boot, w->boot_sz));
  assert_int_equal(show(w), CF_REFUSE_VIEW);
  world_free(w);
}

static void
test_another_code(void **state) {
  cf_hash_t other = { { 9 } };
  world_t  *w     = registered(4, &other);
  assert_int_equal(show_next(w), CF_REFUSE_PROOF);
  assert_int_equal(cf_enclave_phase(w->e), CF_PHASE_CERTIFYING);
  chain.code_hash = other;
  assert_int_equal(show_next(w), CF_REFUSE_NONE);
  world_free(w);
}

/* Entry 1 is not fed again after a restart: the snapshot says what it said. */
static void
test_over_a_restart(void **state) {
  world_t *w = registered(5, &deployed);
  assert_int_equal(show_next(w), CF_REFUSE_NONE);
  idle(w, 1);
  for (int whole = 0; whole < 2; whole++) { /* the snapshot of the first boot, and one of the life */
    if (whole) assert_int_equal(take_snapshot(w), CF_REFUSE_NONE);
    enclave_end(w);
    assert_int_equal(reopen(w, w->files), CF_REFUSE_NONE);
    assert_true(w->fed > 1);
    assert_int_equal(show(w), CF_REFUSE_NONE);
    assert_int_equal(fence(w), CF_REFUSE_NONE);
    w->view_messages = read_status(w).messages;
    if (whole) { /* the snapshot's checkpoint is one to fence by: what it says of the ledger holds from there */
      enclave_end(w);
      assert_int_equal(reopen(w, w->files), CF_REFUSE_NONE);
      assert_int_equal(fence(w), CF_REFUSE_NONE);
      w->now_s++;
      assert_int_equal(show_next(w), CF_REFUSE_NONE);
    }
    w->view_messages = read_status(w).messages;
    certificate(w);
    put_key(w);
    w->now_s++;
    chain.code_hash.b[0] ^= 1;
    assert_int_equal(show_next(w), CF_REFUSE_PROOF);
    chain.code_hash = deployed;
    assert_int_equal(show_next(w), CF_REFUSE_NONE);
    assert_int_equal(cf_enclave_phase(w->e), CF_PHASE_SERVING);
    idle(w, 1);
  }
  world_free(w);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_a_view_is_taken),    cmocka_unit_test(test_nothing_before_entry_1), cmocka_unit_test(test_another_deployment),
    cmocka_unit_test(test_another_code),       cmocka_unit_test(test_over_a_restart),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
