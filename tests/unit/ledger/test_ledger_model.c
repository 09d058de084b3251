/* Random calls against the rules and against the model: refusals, balances, inbox count and head must agree after every
   call. */
#include "ledger_model.h"

enum { ROUNDS = 36, ROOT_ROUNDS = 8, CALLS = 1000, DEAD_CALLS = 60 };

static void same_lane(uint64_t word, mlane_t const *l) {
  assert_int_equal(word >> 63, l->open);
  assert_int_equal(word & CF_LANE_MAX, l->units);
}

static void same_small(world_t *w) {
  cf_hash_t          head = head_of(w);
  cf_ledger_status_t s    = status_of(w);
  assert_memory_equal(head.b, m.head.b, 32);
  assert_int_equal(cf_ledger_state_messages(w->st), m.inbox);
  assert_true(s.dead == m.dead && s.paused_until_s == m.paused_until && s.policy_a == m.policy_a && s.policy_b == m.policy_b &&
              s.switch_at_s == m.switch_at && s.floor_epoch == m.floor_epoch && s.min_key_policy == m.min_policy);
}

static void same_all(world_t *w) {
  for (uint32_t asset = 0; asset < ASSETS; asset++) {
    uint64_t total = 0;
    for (uint32_t id = 0; id < ACCOUNTS; id++) {
      same_lane(lane_of(w, asset, id), &m.lane[asset][id]);
      same_lane(free_of(w, asset, id), &m.freed[asset][id]);
      cf_ledger_root_t r = root_of(w, asset, id);
      mroot_t const   *k = &m.root[asset][id];
      assert_true(r.deposited == (cf_u128_t)k->deposited && r.position == k->position && r.closed == k->closed);
      total += m.lane[asset][id].units + m.freed[asset][id].units;
      if (!k->closed) total += (uint64_t)(m.leaf[asset][id].balance + k->deposited - m.leaf[asset][id].credited);
    }
    /* Nothing is made, nothing is lost; what the enclave forgot to release stays behind. */
    assert_true(m.is_root ? total <= m.held[asset] : total == m.held[asset]);
    assert_int_equal(cf_ledger_state_held(w->st, asset), m.held[asset]);
  }
  for (uint32_t id = 1; id < ACCOUNTS; id++) {
    cf_ledger_account_t a = account_of(w, id);
    assert_true(a.exit_at_s == m.account[id].exit_at && a.closed == m.account[id].closed);
    if (m.account[id].exists) assert_memory_equal(a.owner.b, owners[m.account[id].owner].addr.b, 20);
  }
  for (unsigned i = 0; i < KEYS; i++) {
    cf_hash_t       word = slot_at(w, cf_slot_key(&keys[i].addr));
    cf_ledger_key_t k    = cf_ledger_key_unpack(&word);
    assert_true(k.state == m.key[i].state && k.epoch == m.key[i].epoch && k.not_before_s == m.key[i].from &&
                k.not_after_s == m.key[i].until);
  }
  cf_hash_t folded = { { 0 } }, inbox = inbox_of(w);
  uint64_t  n, cnt = 0;
  assert_int_equal(cf_inbox_fold_all(&folded, &cnt, cf_ledger_state_message_run(w->st, 0, UINT64_MAX, SIZE_MAX, &n)), CF_OK);
  assert_memory_equal(folded.b, inbox.b, 32);
}

static void agree(uint8_t mode) {
  unsigned        calls = 0;
  unsigned        seen[CF_REFUSALS] = { 0 }, done[CF_OP_ACT + 1] = { 0 }, acts[64] = { 0 };
  world_t *w = world_new();
  bool root = mode == CF_MODE_ROOT;
  for (unsigned round = 0; round < (root ? ROOT_ROUNDS : ROUNDS); round++) {
    seed             = 0x9e3779b97f4a7c15u * (round + 1);
    w->g.config.mode = mode;
    w->sealed        = round % 2;
    model_start(w);
    for (unsigned i = 0, dead = 0; i < CALLS && dead < DEAD_CALLS; i++, dead += m.dead, calls++) {
      m.now += chance(80) ? 0 : chance(95) ? rnd(20) : rnd(chance(90) ? 120 : 700);
      if (round % 3 == 2 && i > 600) m.now += rnd(30);
      w->now = m.now;
      mcall_t   c;
      quiet            = round % 3 == 2 && i > 600;
      cf_op_t   op     = make_call(w, &c);
      cf_addr_t sender = sender_of(w, &c);
      refusal_t want   = m_apply(&m, &c);
      char const *got  = cf_refusal_name(apply(w, &op, &sender));
      if (strcmp(want, got) != 0)
        print_message("round %u, call %u, kind %d, act %d: model says %s, rules %s\n", round, i, c.kind, c.act.kind, want, got);
      assert_string_equal(got, want);
      seen[w->no.code]++;
      if (!w->no.code) done[c.kind]++;
      if (!w->no.code && c.kind == CF_OP_ACT) acts[c.act.kind]++;
      same_small(w);
      if (i % 100 == 99) same_all(w);
    }
  }
  print_message("%u calls\n", calls);
  for (unsigned i = 0; i < CF_REFUSALS; i++)
    if (seen[i]) print_message("%s %u\n", i ? cf_refusal_name((cf_refusal_code_t)i) : "accepted", seen[i]);
  for (unsigned i = 1; i <= CF_OP_ACT; i++) print_message("op %u: %u accepted\n", i, done[i]);
  for (unsigned i = 0; i < 64; i++)
    if (acts[i]) print_message("act %u: %u accepted\n", i, acts[i]);
  for (unsigned i = CF_OP_SETTLE; i <= CF_OP_ACT; i++) { /* the run is worth something */
    bool others = i == (root ? CF_OP_OPEN_LANE : CF_OP_ROOT_EXIT) || (root && i == CF_OP_FINALIZE_EXIT);
    assert_true((done[i] > 0) != others);
  }
  assert_true(calls >= (root ? 6000u : 20000u) && done[CF_OP_SETTLE] > (root ? 500u : 1000u) && seen[CF_REFUSAL_CAP]);
  assert_true(root ? seen[CF_REFUSAL_LEAF] && seen[CF_REFUSAL_HEAD] && seen[CF_REFUSAL_EXIT_DELAY] : seen[CF_REFUSAL_UNBALANCED]);
  world_free(w);
}

static void agree_in_net(void **state) { (void)state, agree(CF_MODE_NET); }
static void agree_in_root(void **state) { (void)state, agree(CF_MODE_ROOT); }

int main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(agree_in_net), cmocka_unit_test(agree_in_root) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
