/* The enclave's view of an EVM ledger: the header of a block that observers made final, the contract's account and slots proven
   against it, and the inbox folded to what they say. */
#include "ledger_world.h"
#include "mpt_build.h"

#include "ledger/cf_evm_header.h"
#include "ledger/cf_mpt.h"
#include "ledger/cf_view.h"

#define SLOTS_MAX (CF_GENESIS_WRITES_MAX + 64)

typedef struct {
  world_t             *w;
  cf_ledger_identity_t id;
  actor_t              observer[3];
  cf_seats_t           council; /* 2 of 3 */
  cf_slot_write_t      slots[SLOTS_MAX];
  size_t               slots_cnt;
  cf_hash_t            inbox;
  uint8_t              messages[CF_VIEW_MAX];
  size_t               messages_sz;
  uint64_t             messages_cnt;
  uint8_t              header[CF_EVM_HEADER_MAX];
  size_t               header_sz;
  cf_hash_t            state_root, storage_root;
  cf_finality_t        final;
  uint8_t              view[CF_VIEW_MAX + 64];
} chain_t;

static mpt_entry_t entries[SLOTS_MAX], accounts[8];

static void put(chain_t *c, cf_hash_t key, cf_hash_t value) {
  size_t i = 0;
  while (i < c->slots_cnt && !cf_hash_eq(&c->slots[i].key, &key)) i++;
  if (i == c->slots_cnt) c->slots_cnt++;
  assert_true(c->slots_cnt <= SLOTS_MAX);
  c->slots[i] = (cf_slot_write_t){ key, value };
}

/* A block that holds what was put so far. */
static void mine(chain_t *c, uint64_t number, uint64_t time_s) {
  size_t n = 0;
  put(c, cf_slot_plain(CF_SLOT_INBOX), c->inbox);
  for (size_t i = 0; i < c->slots_cnt; i++)
    if (!cf_word_is_zero(&c->slots[i].value)) mpt_put_slot(&entries[n++], &c->slots[i].key, &c->slots[i].value);
  qsort(entries, n, sizeof *entries, mpt_by_path);
  c->storage_root = mpt_root(entries, n);
  for (size_t i = 0; i < 8; i++) {
    cf_addr_t addr = c->id.contract;
    addr.b[0] ^= (uint8_t)i;
    mpt_put_account(&accounts[i], addr.b, &c->storage_root, &c->id.code_hash);
  }
  qsort(accounts, 8, sizeof *accounts, mpt_by_path);
  cf_evm_header_t h = { .state_root = mpt_root(accounts, 8), .number = number, .time_s = time_s, .fork = CF_EVM_PRAGUE };
  cf_wr_t         wr = cf_wr_init(c->header, sizeof c->header);
  cf_evm_header_write(&wr, &h);
  c->header_sz  = wr.len;
  c->state_root = h.state_root;
  c->final      = (cf_finality_t){ .number = number, .block_hash = cf_keccak256(cf_wr_out(&wr)), .time_s = time_s };
}

static void opened(chain_t *c, uint32_t n, uint64_t time_s) {
  cf_wr_t wr = cf_wr_init(c->messages, sizeof c->messages);
  wr.len     = c->messages_sz;
  for (uint32_t i = 0; i < n; i++) {
    cf_inbox_msg_t m = { .kind = CF_INBOX_OPENED, .time_s = time_s, .id = (uint32_t)++c->messages_cnt, .addr = actor("owner", i).addr };
    size_t         at = wr.len;
    cf_inbox_msg_write(&wr, &m);
    c->inbox = cf_inbox_fold(&c->inbox, CF_SPAN(wr.buf + at, wr.len - at));
  }
  assert_false(wr.bad);
  c->messages_sz = wr.len;
}

static int setup(void **state) {
  chain_t *c = calloc(1, sizeof *c);
  size_t   n;
  c->w                          = world_new();
  c->w->g.config.embedded       = false;
  c->w->g.config.chain_id       = 31337;
  c->w->g.config.contract       = (cf_addr_t){ { 0xab, 0xcd } };
  assert_int_equal(cf_ledger_genesis(&c->w->g, c->slots, CF_GENESIS_WRITES_MAX, &n, NULL), CF_OK);
  c->slots_cnt = n;
  c->id = (cf_ledger_identity_t){ .chain_id = 31337, .contract = c->w->g.config.contract, .separator = c->w->g.config.separator,
                                  .code_hash = hash_of("code") };
  for (unsigned i = 0; i < 3; i++) c->observer[i] = actor("observer", i);
  c->council = seats(c->observer, 2, 3);
  *state     = c;
  return 0;
}

static int teardown(void **state) {
  chain_t *c = *state;
  world_free(c->w);
  free(c);
  return 0;
}

static cf_addr_t the_key(void) { return actor("settlement key", 1).addr; }

/* The proof of those slots, as a contract's. */
static cf_span_t prove(chain_t *c, uint8_t *buf, size_t max, cf_hash_t const *keys, size_t n) {
  cf_hash_t paths[CF_MPT_KEYS_MAX] = { 0 }, sorted[CF_MPT_KEYS_MAX], account = cf_keccak256(CF_SPAN_OF(c->id.contract.b));
  uint8_t   order[CF_MPT_KEYS_MAX];
  size_t    cnt = 0;
  for (size_t i = 0; i < n; i++) paths[i] = cf_keccak256(CF_SPAN_OF(keys[i].b));
  cf_mpt_order(order, paths, n);
  for (size_t i = 0; i < n; i++) sorted[i] = paths[order[i]];
  for (size_t i = 0; i < c->slots_cnt; i++) cnt += !cf_word_is_zero(&c->slots[i].value);
  cf_wr_t wr = cf_wr_init(buf, max);
  mpt_prove(&wr, accounts, 8, &account, 1);
  mpt_prove(&wr, entries, cnt, sorted, n);
  assert_false(wr.bad);
  return cf_wr_out(&wr);
}

static cf_span_t view_of(chain_t *c, uint64_t first, size_t skip, uint64_t *taken) {
  static uint8_t          proof_buf[CF_VIEW_MAX];
  uint8_t                 final[CF_FINALITY_PROOF_MAX];
  cf_finality_statement_t s[2];
  cf_finality_proof_t     p;
  cf_wr_t                 final_wr = cf_wr_init(final, sizeof final), wr = cf_wr_init(c->view, CF_VIEW_MAX);
  cf_addr_t               key      = the_key();
  cf_hash_t const         more[]   = { cf_slot_bucket(0), cf_slot_account(1) };
  cf_hash_t               keys[CF_VIEW_PROVEN_MAX];
  for (uint8_t i = 0; i < 2; i++) assert_int_equal(cf_finality_sign(&s[i], &c->id, &c->final, i, c->observer[i].scalar), CF_OK);
  assert_int_equal(cf_finality_proof_make(&p, s, 2, 2), CF_OK);
  cf_finality_proof_write(&final_wr, &p);
  cf_span_t proof = prove(c, proof_buf, sizeof proof_buf, keys, cf_view_keys(keys, &key, more, 2));
  assert_int_equal(cf_view_write_evm(&wr, CF_SPAN(c->header, c->header_sz), cf_wr_out(&final_wr), &key, more, 2, proof, first,
                                     CF_SPAN(c->messages + skip, c->messages_sz - skip), taken),
                   CF_OK);
  return cf_wr_out(&wr);
}

static cf_view_facts_t   facts;
static cf_view_verdict_t verdict;

static cf_status_t check(chain_t *c, cf_view_state_t *seen, cf_span_t view) {
  cf_view_state_t next;
  cf_status_t     st = cf_view_check(&facts, &verdict, &next, seen, view, &c->id, &c->council, NULL);
  if (!st) *seen = next;
  return st;
}

static void a_view_is_facts(void **state) {
  chain_t        *c    = *state;
  cf_view_state_t seen = { 0 };
  cf_addr_t       key  = the_key();
  cf_ledger_key_t live = { .state = CF_KEY_LIVE, .epoch = 3, .policy = 1, .not_before_s = T0, .not_after_s = T0 + 1000 };
  opened(c, 3, T0 + 5);
  put(c, cf_slot_key(&key), cf_ledger_key_pack(&live));
  mine(c, 100, T0 + 12);
  cf_span_t view = view_of(c, 0, 0, NULL);
  assert_int_equal(check(c, &seen, view), CF_OK);
  assert_int_equal(verdict, CF_VIEW_COMPLETE);
  cf_hash_t head0 = cf_settlement_head0(&c->id.separator), value, account = cf_slot_account(1);
  assert_true(cf_hash_eq(&facts.head, &head0) && cf_hash_eq(&facts.inbox, &c->inbox));
  assert_true(facts.number == 100 && facts.time_s == T0 + 12 && facts.status.policy_b == 1);
  assert_true(facts.key.state == CF_KEY_LIVE && facts.key.epoch == 3);
  assert_true(cf_view_slot(&facts, &account, &value) && cf_word_is_zero(&value)); /* proven to be nothing */
  assert_int_equal(check(c, &seen, view), CF_ERR_STALE);

  size_t told = c->messages_sz;
  opened(c, 1, T0 + 20);
  mine(c, 108, T0 + 60);
  assert_int_equal(check(c, &seen, view_of(c, 3, told, NULL)), CF_OK);
  assert_int_equal(seen.messages, 4);
  mine(c, 108, T0 + 72); /* another final block of one height */
  assert_int_equal(check(c, &seen, view_of(c, 4, c->messages_sz, NULL)), CF_ERR_POLICY);
  assert_int_equal(verdict, CF_VIEW_FORKED);
}

static void no_byte_is_loose(void **state) {
  chain_t *c   = *state;
  cf_addr_t key = the_key();
  opened(c, 2, T0 + 5);
  mine(c, 100, T0 + 12);
  cf_span_t view = view_of(c, 0, 0, NULL);
  for (size_t at = 0; at < view.len; at++) {
    cf_view_state_t seen = { 0 };
    c->view[at] ^= 1;
    bool taken = check(c, &seen, view) == CF_OK && verdict == CF_VIEW_COMPLETE && cf_addr_eq(&facts.key_addr, &key);
    if (taken) fail_msg("byte %zu", at);
    c->view[at] ^= 1;
  }
  cf_view_state_t seen = { 0 };
  assert_int_equal(check(c, &seen, view), CF_OK);
}

static void other_code_proves_nothing(void **state) {
  chain_t        *c    = *state;
  cf_view_state_t seen = { 0 };
  mine(c, 100, T0 + 12);
  cf_span_t view = view_of(c, 0, 0, NULL);
  cf_hash_t code = c->id.code_hash;
  c->id.code_hash = hash_of("other code");
  assert_int_equal(check(c, &seen, view), CF_ERR_POLICY);
  assert_int_equal(verdict, CF_VIEW_BAD);
  c->id.code_hash = (cf_hash_t){ { 0 } }; /* nobody was told of a deployment */
  assert_int_equal(check(c, &seen, view), CF_ERR_POLICY);
  c->id.code_hash = code;
  c->id.contract.b[1] ^= 1; /* the statements are not of this contract either */
  assert_int_equal(check(c, &seen, view), CF_ERR_AUTH);
  c->id.contract.b[1] ^= 1;
  c->id.chain_id = CF_LEDGER_CHAIN_MIN;
  assert_int_equal(check(c, &seen, view), CF_ERR_UNSUPPORTED); /* nor is an embedded ledger's view of this form */
  c->id.chain_id = 31337;
  assert_int_equal(check(c, &seen, view), CF_OK);
}

static void backlogs_come_in_parts(void **state) {
  chain_t        *c     = *state;
  cf_view_state_t seen  = { 0 };
  uint64_t        taken = 0, total = 0;
  size_t          skip  = 0;
  opened(c, 2000, T0 + 5); /* 30 bytes each: as many as fit a view, but for header and proof */
  mine(c, 100, T0 + 12);
  for (unsigned part = 0; !seen.any; part++) {
    assert_true(part < 3);
    cf_span_t view = view_of(c, total, skip, &taken);
    assert_true(view.len <= CF_VIEW_MAX && taken > 0);
    assert_int_equal(check(c, &seen, view), CF_OK);
    total += taken;
    skip += 30 * (size_t)taken;
    assert_int_equal(verdict, total == 2000 ? CF_VIEW_COMPLETE : CF_VIEW_PARTIAL);
  }
  assert_int_equal(seen.messages, 2000);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  struct CMUnitTest const tests[] = {
    T(a_view_is_facts),
    T(no_byte_is_loose),
    T(other_code_proves_nothing),
    T(backlogs_come_in_parts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
