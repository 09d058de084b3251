/* The enclave's view of an EVM ledger: the header of a block that observers made final, the contract's account and slots proven
   against it, and the inbox folded to what they say. */
#include "ledger_world.h"

#include "evm_chain.h"

typedef struct {
  world_t             *w;
  evm_chain_t          at;
  cf_ledger_identity_t id;
  actor_t              observer[3];
  cf_seats_t           council; /* 2 of 3 */
  uint8_t              view[CF_VIEW_MAX + 64];
} chain_t;

static void put(chain_t *c, cf_hash_t key, cf_hash_t value) { evm_put(&c->at, key, value); }

static void mine(chain_t *c, uint64_t number, uint64_t time_s) { evm_mine(&c->at, number, time_s); }

static void opened(chain_t *c, uint32_t n, uint64_t time_s) {
  for (uint32_t i = 0; i < n; i++)
    evm_message(&c->at, &(cf_inbox_msg_t){ .kind = CF_INBOX_OPENED, .time_s = time_s, .id = (uint32_t)c->at.messages_cnt + 1,
                                           .addr = actor("owner", i).addr });
}

static int setup(void **state) {
  chain_t *c = calloc(1, sizeof *c);
  size_t   n;
  c->w                          = world_new();
  c->w->g.config.embedded       = false;
  c->w->g.config.chain_id       = 31337;
  c->w->g.config.contract       = (cf_addr_t){ { 0xab, 0xcd } };
  assert_int_equal(cf_ledger_genesis(&c->w->g, c->at.slots, CF_GENESIS_WRITES_MAX, &n, NULL), CF_OK);
  c->at.slots_cnt = n;
  c->at.contract  = c->w->g.config.contract;
  c->at.code_hash = hash_of("code");
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

static cf_span_t view_of(chain_t *c, uint64_t first, size_t skip, uint64_t *taken) {
  uint8_t                 final[CF_FINALITY_PROOF_MAX];
  cf_finality_statement_t s[2];
  cf_finality_proof_t     p;
  cf_finality_t           f        = { .number = c->at.number, .block_hash = c->at.hash, .time_s = c->at.time_s };
  cf_wr_t                 final_wr = cf_wr_init(final, sizeof final), wr = cf_wr_init(c->view, CF_VIEW_MAX);
  cf_addr_t               key      = the_key();
  cf_hash_t const         more[]   = { cf_slot_bucket(0), cf_slot_account(1) };
  for (uint8_t i = 0; i < 2; i++) assert_int_equal(cf_finality_sign(&s[i], &c->id, &f, i, c->observer[i].scalar), CF_OK);
  assert_int_equal(cf_finality_proof_make(&p, s, 2, 2), CF_OK);
  cf_finality_proof_write(&final_wr, &p);
  assert_int_equal(evm_view(&wr, &c->at, cf_wr_out(&final_wr), &key, more, 2, first, skip, taken), CF_OK);
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
  assert_true(cf_hash_eq(&facts.head, &head0) && cf_hash_eq(&facts.inbox, &c->at.inbox));
  assert_true(facts.number == 100 && facts.time_s == T0 + 12 && facts.status.policy_b == 1);
  assert_true(facts.key.state == CF_KEY_LIVE && facts.key.epoch == 3);
  assert_true(cf_view_slot(&facts, &account, &value) && cf_word_is_zero(&value)); /* proven to be nothing */
  assert_int_equal(check(c, &seen, view), CF_ERR_STALE);

  size_t told = c->at.messages_sz;
  opened(c, 1, T0 + 20);
  mine(c, 108, T0 + 60);
  assert_int_equal(check(c, &seen, view_of(c, 3, told, NULL)), CF_OK);
  assert_int_equal(seen.messages, 4);
  mine(c, 108, T0 + 72); /* another final block of one height */
  assert_int_equal(check(c, &seen, view_of(c, 4, c->at.messages_sz, NULL)), CF_ERR_POLICY);
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
  enum { ALL = CF_VIEW_MAX / 30 };
  opened(c, ALL, T0 + 5); /* 30 bytes each: as many as fit a view, but for header and proof */
  mine(c, 100, T0 + 12);
  for (unsigned part = 0; !seen.any; part++) {
    assert_true(part < 3);
    cf_span_t view = view_of(c, total, skip, &taken);
    assert_true(view.len <= CF_VIEW_MAX && taken > 0);
    assert_int_equal(check(c, &seen, view), CF_OK);
    total += taken;
    skip += 30 * (size_t)taken;
    assert_int_equal(verdict, total == ALL ? CF_VIEW_COMPLETE : CF_VIEW_PARTIAL);
  }
  assert_int_equal(seen.messages, ALL);
}

/* Around a path all that makes its first `deep` nodes branches with 16 links. */
static size_t crowd(mpt_entry_t *e, cf_hash_t const *path, unsigned deep) {
  size_t n = 0;
  for (unsigned d = 0; d < deep; d++)
    for (unsigned x = 0; x < 16; x++) {
      if (x == mpt_nibble(path, d)) continue;
      e[n]               = (mpt_entry_t){ .path = *path, .value_sz = 1, .value = { 1 } };
      uint8_t *b         = &e[n++].path.b[d / 2];
      *b                 = (uint8_t)(d % 2 ? (*b & 0xf0) | x : (*b & 15) | x << 4);
    }
  return n;
}

/* The largest view that CF_VIEW_MAX is made for: all keys at once in the trie of 16^8 slots, the contract behind 16 full branches. */
static void the_largest(void **state) {
  enum { DEEP = 8, ACCOUNT_DEEP = 16, MOST = CF_VIEW_PROVEN_MAX * (1 + DEEP * 15) };
  chain_t        *c   = *state;
  cf_addr_t       key = the_key();
  cf_hash_t       more[CF_VIEW_KEYS_MAX], keys[CF_VIEW_PROVEN_MAX], sorted[CF_VIEW_PROVEN_MAX];
  uint8_t         order[CF_VIEW_PROVEN_MAX];
  mpt_entry_t    *slots = calloc(MOST + 1, sizeof *slots), accounts[1 + ACCOUNT_DEEP * 15];
  size_t          n     = 0, kept = 0;
  opened(c, 1, T0);
  for (size_t i = 0; i < CF_VIEW_KEYS_MAX; i++) more[i] = cf_slot_account((uint32_t)i + 1);
  assert_int_equal(cf_view_keys(keys, &key, more, CF_VIEW_KEYS_MAX), CF_VIEW_PROVEN_MAX);
  for (size_t i = 0; i < CF_VIEW_PROVEN_MAX; i++) {
    cf_hash_t full = hash_of("value");
    full.b[0] |= 0x80;
    if (i == CF_SLOT_INBOX) full = c->at.inbox;
    mpt_put_slot(&slots[n], &keys[i], &full);
    sorted[i] = slots[n++].path;
  }
  for (size_t i = 0, was = n; i < was; i++) n += crowd(slots + n, &slots[i].path, DEEP);
  qsort(slots, n, sizeof *slots, mpt_by_path);
  for (size_t i = 0; i < n; i++) /* what two keys have in common is there once */
    if (!i || mpt_by_path(&slots[i], &slots[kept - 1])) slots[kept++] = slots[i];
  c->at.storage_root = mpt_root(slots, kept);
  mpt_put_account(&accounts[0], c->at.contract.b, &c->at.storage_root, &c->at.code_hash);
  cf_hash_t account = accounts[0].path;
  size_t    all     = 1 + crowd(accounts + 1, &account, ACCOUNT_DEEP);
  qsort(accounts, all, sizeof *accounts, mpt_by_path);

  static uint8_t          proof_buf[CF_VIEW_MAX];
  uint8_t                 final[CF_FINALITY_PROOF_MAX], header[CF_EVM_HEADER_MAX];
  cf_wr_t                 proof = cf_wr_init(proof_buf, sizeof proof_buf), wr = cf_wr_init(c->view, CF_VIEW_MAX);
  cf_wr_t                 fw = cf_wr_init(final, sizeof final), hw = cf_wr_init(header, sizeof header);
  cf_evm_header_t         h  = { .state_root = mpt_root(accounts, all), .number = 9, .time_s = T0, .extra_sz = CF_EVM_EXTRA_MAX, .fork = CF_EVM_PRAGUE };
  cf_finality_statement_t s[2];
  cf_finality_proof_t     p;
  cf_view_state_t         seen = { 0 };
  mpt_prove(&proof, accounts, all, &account, 1);
  cf_mpt_order(order, sorted, CF_VIEW_PROVEN_MAX);
  cf_hash_t paths[CF_VIEW_PROVEN_MAX];
  for (size_t i = 0; i < CF_VIEW_PROVEN_MAX; i++) paths[i] = sorted[order[i]];
  mpt_prove(&proof, slots, kept, paths, CF_VIEW_PROVEN_MAX);
  assert_false(proof.bad);
  cf_evm_header_write(&hw, &h);
  cf_finality_t f = { .number = 9, .block_hash = cf_keccak256(cf_wr_out(&hw)), .time_s = T0 };
  for (uint8_t i = 0; i < 2; i++) assert_int_equal(cf_finality_sign(&s[i], &c->id, &f, i, c->observer[i].scalar), CF_OK);
  assert_int_equal(cf_finality_proof_make(&p, s, 2, 2), CF_OK);
  cf_finality_proof_write(&fw, &p);
  assert_int_equal(cf_view_write_evm(&wr, cf_wr_out(&hw), cf_wr_out(&fw), &key, more, CF_VIEW_KEYS_MAX, cf_wr_out(&proof), 0,
                                     CF_SPAN(c->at.messages, c->at.messages_sz), NULL),
                   CF_OK);
  assert_true(CF_VIEW_MAX - wr.len >= (CF_SEATS_MAX - 2) * 120); /* what more observers would take is left */
  assert_int_equal(check(c, &seen, cf_wr_out(&wr)), CF_OK);
  assert_int_equal(facts.proven_cnt, CF_VIEW_PROVEN_MAX);
  print_message("%zu bytes, of them %zu of proof\n", wr.len, proof.len);
  free(slots);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  struct CMUnitTest const tests[] = {
    T(a_view_is_facts),
    T(no_byte_is_loose),
    T(other_code_proves_nothing),
    T(backlogs_come_in_parts),
    T(the_largest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
