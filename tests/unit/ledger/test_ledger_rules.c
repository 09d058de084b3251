/* The rules, call by call: ONCHAIN 4.5, 4.6 and the traps of 4.10. */
#include "ledger_world.h"

static int setup(void **state) {
  *state = world_new();
  return 0;
}
static int teardown(void **state) {
  world_free(*state);
  return 0;
}

#define accepted(w, op, sender) assert_string_equal(cf_refusal_name(apply((w), (op), (sender))), "")
#define refused(w, op, sender, what) assert_string_equal(cf_refusal_name(apply((w), (op), (sender))), (what))

/* ---- settle ---- */

/* Every refusal of 4.5, in order: with the faults from i on all present, fault i is named. */
static void settle_refuses_in_order(void **state) {
  static char const *const names[] = { "WrongChain", "Dead", "Paused", "Expired", "Validity", "Policy", "Mode", "Key", "Entries",
                                       "Lane", "Cap", "Unbalanced", "" };
  world_t *w = *state;
  populate(w, 6, 1000);
  actor_t   key = with_key(w);
  cf_hash_t status_slot = cf_slot_plain(CF_SLOT_STATUS);
  for (size_t fault = 0; fault < 13; fault++) {
    cf_ledger_status_t s = status_of(w), before = s;
    w->chain_id          = w->g.config.chain_id + (fault <= 0);
    s.dead               = fault <= 1;
    s.paused_until_s     = fault <= 2 ? w->now + 1 : 0;
    cf_hash_t word       = cf_ledger_status_pack(&s);
    cf_ledger_state_put(w->st, &status_slot, &word);

    cf_settlement_meta_t m = good_meta(w);
    if (fault <= 4) m.as_of_s = w->now + 1; /* Validity */
    if (fault <= 3) m.valid_until_s = w->now - 1;
    if (fault <= 5) m.policy = 2;
    if (fault <= 6) m.mode = CF_MODE_ROOT;
    row_t rows[] = {
      { 0, 0, 1, fault <= 9 ? -1001 : -100 },             /* Lane: overdraft */
      { 0, 0, 2, fault <= 11 ? 60 : 50 },                 /* Unbalanced */
      { 1, 0, 1, fault <= 10 ? 86401 : 50 },              /* Cap */
      { 0, 1, fault <= 8 ? 0 : 3, fault <= 8 ? 1 : 0 },   /* Entries: id 0 */
    };
    cf_span_t body = body_of(w, rows, fault <= 8 ? 4 : 3);
    cf_op_t   op   = op_settle(w, fault <= 7 ? &w->nobody : &key, m, body);
    refused(w, &op, NULL, names[fault]);

    word = cf_ledger_status_pack(&before);
    cf_ledger_state_put(w->st, &status_slot, &word);
  }
  assert_int_equal(lane_of(w, 0, 1), CF_LANE_OPEN | 900);
  assert_int_equal(lane_of(w, 0, 2), CF_LANE_OPEN | 1050);
  assert_int_equal(free_of(w, 0, 1), CF_LANE_OPEN | 50);
}

static void settle_moves_the_head(void **state) {
  world_t *w = *state;
  populate(w, 2, 1000);
  actor_t   key  = with_key(w);
  cf_hash_t head0 = cf_settlement_head0(&w->g.config.separator), prev = head_of(w), inbox = inbox_of(w);
  assert_true(cf_hash_eq(&prev, &head0));
  cf_op_t op = op_settle(w, &key, good_meta(w), BODY(w, { 0, 0, 1, -7 }, { 0, 0, 2, 7 }));
  accepted(w, &op, NULL);
  assert_true(w->fx.settled.due && w->fx.message.len == 0 && w->fx.writes_cnt == 2); /* both lanes share a slot */
  cf_hash_t head = head_of(w), digest = cf_settlement_digest(&w->g.config.separator, &w->fx.settled.settlement),
            inbox2 = inbox_of(w);
  assert_true(cf_hash_eq(&head, &digest) && cf_hash_eq(&w->fx.settled.settlement.prev_head, &head0) &&
              cf_hash_eq(&inbox, &inbox2));
  refused(w, &op, NULL, "Key"); /* replayed: over this head somebody unknown signed */
  op = op_settle(w, &key, good_meta(w), EMPTY_BODY);
  accepted(w, &op, NULL); /* a heartbeat */
  assert_int_equal(w->fx.writes_cnt, 1);
}

static void settle_meta_bounds(void **state) {
  world_t *w = *state;
  actor_t  key = with_key(w);
  struct { int64_t valid, as_of; char const *want; } const cases[] = {
    { 7200, 0, "" }, { 7201, 0, "Validity" }, { 0, 0, "" }, { -1, -1, "Expired" }, { 0, -7200, "" }, { 1, -7200, "Validity" },
    { 10, 1, "Validity" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_settlement_meta_t m = good_meta(w);
    m.valid_until_s = w->now + (uint64_t)cases[i].valid;
    m.as_of_s       = w->now + (uint64_t)cases[i].as_of;
    cf_op_t op      = op_settle(w, &key, m, EMPTY_BODY);
    refused(w, &op, NULL, cases[i].want);
  }
  for (unsigned bit = 184; bit < 256; bit += 8) { /* spare bits */
    cf_settlement_meta_t m = good_meta(w);
    cf_hash_t word = cf_settlement_meta_pack(&m);
    word.b[31 - bit / 8] |= 1;
    cf_op_t op = op_settle_word(w, &key, word, EMPTY_BODY);
    refused(w, &op, NULL, "Mode");
  }
}

/* Each signed field, when changed, takes the signature away. */
static void settle_signature_covers_all(void **state) {
  world_t *w = *state;
  populate(w, 2, 10);
  actor_t key = with_key(w);
  for (unsigned field = 0; field < 6; field++) {
    cf_op_t op = op_settle(w, &key, good_meta(w), BODY(w, { 0, 0, 1, -7 }, { 0, 0, 2, 7 }));
    if (field == 0) op.meta.b[31] ^= 1;
    if (field == 1) op.state_root.b[0] ^= 1;
    if (field == 2) op.receipts.b[0] ^= 1;
    if (field == 3) w->body[6 + 11] ^= 1; /* an amount */
    if (field == 4) op.sig[40] ^= 1;
    if (field == 5) op.sig[32] ^= 0x80; /* the parity bit */
    refused(w, &op, NULL, "Key");
  }
}

static void settle_key_rules(void **state) {
  world_t *w = *state;
  actor_t  key = with_key(w);
  struct { char const *name; cf_ledger_key_t k; uint64_t floor; uint32_t min; char const *want; } const cases[] = {
    { "good", { 1, 5, 1, w->now, w->now, 0 }, 5, 1, "" },
    { "revoked", { 2, 5, 1, w->now, w->now, 0 }, 5, 1, "Key" },
    { "not yet", { 1, 5, 1, w->now + 1, w->now + 9, 0 }, 5, 1, "Key" },
    { "no more", { 1, 5, 1, w->now - 9, w->now - 1, 0 }, 5, 1, "Key" },
    { "below the floor", { 1, 4, 1, w->now, w->now, 0 }, 5, 1, "Key" },
    { "old policy", { 1, 5, 1, w->now, w->now, 0 }, 5, 2, "Key" },
  };
  cf_hash_t key_slot = cf_slot_key(&key.addr), status_slot = cf_slot_plain(CF_SLOT_STATUS);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_ledger_status_t s = status_of(w);
    s.floor_epoch        = cases[i].floor;
    s.min_key_policy     = cases[i].min;
    cf_hash_t sw = cf_ledger_status_pack(&s), kw = cf_ledger_key_pack(&cases[i].k);
    cf_ledger_state_put(w->st, &status_slot, &sw);
    cf_ledger_state_put(w->st, &key_slot, &kw);
    cf_op_t op = op_settle(w, &key, good_meta(w), EMPTY_BODY);
    print_message("%s\n", cases[i].name);
    refused(w, &op, NULL, cases[i].want);
  }
}

static void preflight_agrees_with_settle(void **state) {
  world_t *w = *state;
  populate(w, 3, 100);
  actor_t key = with_key(w);
  row_t const tries[][2] = { { { 0, 0, 1, -100 }, { 0, 0, 2, 100 } },
                             { { 0, 0, 1, -101 }, { 0, 0, 2, 101 } },
                             { { 0, 0, 1, -1 }, { 0, 0, 4, 1 } },
                             { { 0, 0, 1, -1 }, { 1, 0, 1, 1 } } };
  for (size_t i = 0; i < 4; i++) {
    cf_op_t op = op_settle(w, &key, good_meta(w), body_of(w, tries[i], 2));
    cf_slot_write_t few[8];
    cf_ledger_effects_t fx = { .writes = few, .writes_max = 8 };
    cf_ledger_env_t env = world_env(w, &op, NULL);
    cf_hash_t digest;
    cf_refusal_t        pre =
        cf_ledger_preflight_settle(&w->g.config, cf_ledger_state_reader(w->st), &env, &op, &key.addr, &fx, &digest);
    assert_int_equal(pre.code, apply(w, &op, NULL));
    if (pre.code) continue;
    cf_hash_t head = head_of(w);
    assert_true(cf_hash_eq(&head, &digest));
  }
  cf_slot_write_t one[1];
  cf_ledger_effects_t fx = { .writes = one, .writes_max = 1 };
  cf_op_t op = op_settle(w, &key, good_meta(w), BODY(w, { 0, 0, 2, -1 }, { 0, 0, 3, 1 }));
  cf_ledger_env_t env = world_env(w, &op, NULL);
  cf_hash_t digest;
  assert_int_equal(
      cf_ledger_preflight_settle(&w->g.config, cf_ledger_state_reader(w->st), &env, &op, &key.addr, &fx, &digest).code,
      CF_REFUSAL_BOUND);
  assert_int_equal(fx.writes_cnt, 0);
}

static void settle_bucket(void **state) {
  world_t *w = *state;
  populate(w, 1, 1000000);
  actor_t key = with_key(w);
  /* cap 86,400 a day: one unit a second */
  struct { uint64_t wait; int64_t units; char const *want;
  } const cases[] = {
    { 0, 86400, "" }, { 0, 1, "Cap" }, { 5, 6, "Cap" },         { 0, 5, "" },     { 100, 40, "" },
    { 0, 61, "Cap" }, { 0, 60, "" },   { 90000, 86401, "Cap" }, { 0, 86400, "" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    w->now += cases[i].wait;
    if (i == 7) { /* a day later the key has gone */
      key = actor("settlement key", 2);
      cf_op_t again = op_register(w, &key, "instance 1", good_terms(w, 9, 0));
      accepted(w, &again, NULL);
      w->now += w->g.config.key_delay_s;
    }
    cf_op_t op = op_settle(w, &key, good_meta(w), BODY(w, { 0, 0, 1, -cases[i].units }, { 1, 0, 1, cases[i].units }));
    refused(w, &op, NULL, cases[i].want);
  }
}

static void settle_many_assets_all_or_nothing(void **state) {
  world_t *w = *state;
  populate(w, 4, 100);
  actor_t key = with_key(w);
  cf_op_t op = op_lane(1, 2);
  accepted(w, &op, NULL);
  op = op_deposit(1, 1, 50);
  accepted(w, &op, &w->issuer.addr);
  op = op_settle(w, &key, good_meta(w), BODY(w, { 0, 0, 1, -1 }, { 0, 0, 2, 1 }, { 0, 1, 1, -50 }, { 0, 1, 2, 49 }));
  refused(w, &op, NULL, "Unbalanced");
  assert_int_equal(w->no.fact[0], 1);
  op = op_settle(w, &key, good_meta(w), BODY(w, { 0, 0, 1, -1 }, { 0, 0, 2, 2 }, { 0, 1, 1, -50 }, { 0, 1, 2, 50 }));
  refused(w, &op, NULL, "Unbalanced"); /* of two, the first is named */
  assert_int_equal(w->no.fact[0], 0);
  assert_int_equal(lane_of(w, 0, 1), CF_LANE_OPEN | 100);
  op = op_settle(w, &key, good_meta(w), BODY(w, { 0, 0, 1, -1 }, { 0, 0, 2, 1 }, { 0, 1, 1, -50 }, { 0, 1, 2, 50 }));
  accepted(w, &op, NULL);
  assert_int_equal(lane_of(w, 1, 1), CF_LANE_OPEN);
  assert_int_equal(lane_of(w, 1, 2), CF_LANE_OPEN | 50);
}

/* ---- traps of 4.10 ---- */

static void trap_debit_of_an_unopened_lane(void **state) {
  world_t *w = *state;
  populate(w, 1, 100);
  actor_t key = with_key(w);
  cf_op_t op  = op_open(actor("owner", 2).addr); /* account 2 has no lane */
  accepted(w, &op, NULL);
  int64_t const amounts[] = { -1, 1, INT64_MIN, INT64_MAX };
  for (size_t i = 0; i < 4; i++) {
    op = op_settle(w, &key, good_meta(w), BODY(w, { 0, 0, 1, -1 }, { 0, 0, 2, amounts[i] }));
    refused(w, &op, NULL, "Lane");
    assert_int_equal(w->no.fact[1], 2);
  }
}

static void trap_carry_into_a_neighbour(void **state) {
  world_t *w = *state;
  populate(w, 7, 1000); /* ids 4 to 7 share a slot */
  actor_t key = with_key(w);
  struct { int64_t a, b; char const *want; uint64_t who; } const cases[] = {
    { -1001, 1001, "Lane", 4 }, { 1001, -1001, "Lane", 5 }, { INT64_MIN, 1, "Lane", 4 }, { INT64_MAX, -1, "Lane", 4 },
    { INT64_MAX - 1000, -1000, "Unbalanced", 0 }, { -1000, 1000, "", 0 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_op_t op = op_settle(w, &key, good_meta(w), BODY(w, { 0, 0, 4, cases[i].a }, { 0, 0, 5, cases[i].b }));
    refused(w, &op, NULL, cases[i].want);
    if (cases[i].who) assert_int_equal(w->no.fact[1], cases[i].who);
  }
  assert_int_equal(lane_of(w, 0, 4), CF_LANE_OPEN);
  assert_int_equal(lane_of(w, 0, 5), CF_LANE_OPEN | 2000);
  assert_int_equal(lane_of(w, 0, 6), CF_LANE_OPEN | 1000);
  assert_int_equal(lane_of(w, 0, 7), CF_LANE_OPEN | 1000);
}

static void trap_mode_is_the_contracts(void **state) {
  world_t *w = *state;
  populate(w, 2, 100);
  actor_t              key = with_key(w);
  cf_settlement_meta_t m   = good_meta(w);
  for (unsigned mode = 0; mode < 256; mode++) {
    if (mode == CF_MODE_NET) continue;
    m.mode     = (uint8_t)mode;
    cf_op_t op = op_settle(w, &key, m, EMPTY_BODY);
    refused(w, &op, NULL, "Mode");
  }
  cf_op_t op = op_root_exit(0, 1);
  refused(w, &op, NULL, "Mode");
  row_t const root_rows[] = { { 2, 0, 1, 5 }, { 3, 0xffffff, 1, 5 }, { 4, 0, 1, 5 } };
  for (size_t i = 0; i < 3; i++) {
    op = op_settle(w, &key, good_meta(w), body_of(w, &root_rows[i], 1));
    refused(w, &op, NULL, "Entries");
  }
}

static void trap_constructor_inequalities(void **state) {
  world_t *w = *state;
  struct { char const *item; size_t field; int64_t delta; } const cases[] = {
    { "ledger.exit_delay", offsetof(cf_ledger_config_t, exit_delay_s), 86400 + 4 * 7200 - 172800 - 1 },
    { "ledger.notice", offsetof(cf_ledger_config_t, notice_s), 172800 + 86400 - 345600 - 1 },
    { "ledger.dead_after", offsetof(cf_ledger_config_t, dead_after_s), 172800 + 2 * 86400 + 4 * 7200 - 604800 - 1 },
    { "ledger.overlap", offsetof(cf_ledger_config_t, overlap_s), 1 },
    { "ledger.key_delay", offsetof(cf_ledger_config_t, key_delay_s), 1800 },
    { "ledger.max_validity", offsetof(cf_ledger_config_t, max_validity_s), -7200 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_ledger_config_t c = w->g.config;
    cf_error_t err = { 0 };
    *(uint64_t *)((uint8_t *)&c + cases[i].field) += (uint64_t)cases[i].delta;
    assert_int_equal(cf_ledger_config_check(&c, &err), CF_ERR_POLICY);
    assert_string_equal(err.item, cases[i].item);
    if (i >= 3) continue;
    *(uint64_t *)((uint8_t *)&c + cases[i].field) += 1; /* the bound itself is allowed */
    assert_int_equal(cf_ledger_config_check(&c, NULL), CF_OK);
  }
  cf_ledger_config_t demo = w->g.config;
  demo.max_validity_s = demo.overlap_s = 3;
  demo.max_pause_s = 1; demo.exit_delay_s = 13; demo.notice_s = 14; demo.dead_after_s = 27; demo.key_delay_s = 0;
  assert_int_equal(cf_ledger_config_check(&demo, NULL), CF_OK);
  demo.mode = CF_MODE_ROOT;
  assert_int_equal(cf_ledger_config_check(&demo, NULL), CF_OK);
  demo.mode = 0;
  assert_int_equal(cf_ledger_config_check(&demo, NULL), CF_ERR_POLICY);
  demo.mode = 3;
  assert_int_equal(cf_ledger_config_check(&demo, NULL), CF_ERR_POLICY);
  demo.mode = CF_MODE_NET; demo.chain_id = 1;
  assert_int_equal(cf_ledger_config_check(&demo, NULL), CF_ERR_POLICY);
  demo.embedded = false;
  assert_int_equal(cf_ledger_config_check(&demo, NULL), CF_OK);
  demo.notice_s = (uint64_t)1 << 32;
  assert_int_equal(cf_ledger_config_check(&demo, NULL), CF_ERR_POLICY);
}

static void no_pause_stops_an_exit(void **state) {
  world_t *w = *state;
  uint8_t  buf[CF_ACT_BODY_MAX];
  cf_act_t act = { .kind = CF_ACT_PAUSE };
  populate(w, 3, 10);
  cf_op_t early = op_exit(1), late = op_exit(2), pause, op;
  accepted(w, &early, owner_of(1));
  w->now += w->g.config.exit_delay_s - 1;
  pause = op_act(w, &act, 1, buf);
  accepted(w, &pause, NULL);
  w->now++;
  op = op_deposit(0, 3, 5);
  refused(w, &op, &w->issuer.addr, "Paused");
  accepted(w, &late, owner_of(2));
  op = op_finalize(0, 1);
  accepted(w, &op, NULL);
  assert_int_equal(w->fx.pay.units, 10);
}

static void trap_pause_has_a_cooldown(void **state) {
  world_t *w = *state;
  uint8_t  buf[CF_ACT_BODY_MAX];
  cf_act_t act = { .kind = CF_ACT_PAUSE };
  cf_op_t  op  = op_act(w, &act, 1, buf);
  accepted(w, &op, NULL);
  uint64_t until = w->now + w->g.config.max_pause_s;
  assert_int_equal(status_of(w).paused_until_s, until);
  actor_t key = actor("settlement key", 1);
  cf_op_t reg = op_register(w, &key, "instance 1", good_terms(w, 5, 1)); /* a pause does not stop it */
  accepted(w, &reg, NULL);
  op = op_open(actor("owner", 1).addr);
  accepted(w, &op, NULL);
  op = op_deposit(0, 1, 5);
  refused(w, &op, &w->issuer.addr, "Paused");
  uint64_t again = until + w->g.config.exit_delay_s;
  w->now = again - 1;
  op = op_act(w, &act, 2, buf);
  refused(w, &op, NULL, "Cooldown");
  assert_int_equal(w->no.fact[0], again);
  w->now = again;
  op = op_act(w, &act, 2, buf);
  accepted(w, &op, NULL);
}

/* Nothing outsiders do can be left out: every message moves the inbox, and the fold of all of them is it. */
static void trap_inbox_holds_everything(void **state) {
  world_t *w = *state;
  populate(w, 3, 10);
  cf_op_t op = op_exit(2);
  accepted(w, &op, owner_of(2));
  op = op_plain(CF_OP_ALARM);
  accepted(w, &op, NULL);
  uint64_t taken, cnt = 0;
  cf_span_t all = cf_ledger_state_message_run(w->st, 0, UINT64_MAX, SIZE_MAX, &taken);
  cf_hash_t folded = { { 0 } }, inbox = inbox_of(w);
  assert_int_equal(taken, 8);
  assert_int_equal(cf_inbox_fold_all(&folded, &cnt, all), CF_OK);
  assert_true(cf_hash_eq(&folded, &inbox) && cnt == 8);
  for (uint64_t skip = 0; skip < 8; skip++) { /* without any one of them it is another */
    cf_hash_t h = { { 0 } };
    for (uint64_t i = 0; i < 8; i++)
      if (i != skip) h = cf_inbox_fold(&h, cf_ledger_state_message_run(w->st, i, 1, SIZE_MAX, &taken));
    assert_false(cf_hash_eq(&h, &inbox));
  }
}

static void trap_cap_sits_at_the_release(void **state) {
  world_t *w = *state;
  populate(w, 1, 200000);
  actor_t key = with_key(w), owner = actor("owner", 1);
  cf_op_t op  = op_settle(w, &key, good_meta(w), BODY(w, { 0, 0, 1, -86400 }, { 1, 0, 1, 86400 }));
  accepted(w, &op, NULL);
  op = op_withdraw(0, 1, 86400, owner.addr); /* what was released leaves whole, even while paused */
  uint8_t  buf[CF_ACT_BODY_MAX];
  cf_act_t act   = { .kind = CF_ACT_PAUSE };
  cf_op_t  pause = op_act(w, &act, 1, buf);
  accepted(w, &pause, NULL);
  accepted(w, &op, &owner.addr);
  assert_true(w->fx.pay.due && w->fx.pay.units == 86400 && w->fx.message.len == 0);
  assert_int_equal(cf_ledger_state_held(w->st, 0), 200000 - 86400);
}

static void trap_revocation_names_the_instance(void **state) {
  world_t *w = *state;
  actor_t  key = with_key(w), next = actor("settlement key", 2);
  cf_op_t  ready = op_register(w, &next, "instance 1", good_terms(w, 8, 0)); /* the verifiers have signed already */
  uint8_t  buf[CF_ACT_BODY_MAX];
  cf_act_t act = { .kind = CF_ACT_REVOKE, .hash = hash_of("instance 1") };
  cf_op_t  op  = op_act(w, &act, 1, buf);
  accepted(w, &op, NULL);
  assert_int_equal(status_of(w).floor_epoch, 6); /* topEpoch + 1: all its keys end */
  refused(w, &ready, NULL, "Revoked");
  op = op_settle(w, &key, good_meta(w), EMPTY_BODY);
  refused(w, &op, NULL, "Key");
  op = op_act(w, &act, 2, buf);
  refused(w, &op, NULL, "Revoked");
  act.hash = hash_of("instance 2"); /* one that never registered */
  op       = op_act(w, &act, 2, buf);
  accepted(w, &op, NULL);
  assert_int_equal(status_of(w).floor_epoch, 6);
  op = op_register(w, &next, "instance 2", good_terms(w, 9, 1));
  refused(w, &op, NULL, "Revoked");
  op = op_register(w, &next, "instance 3", good_terms(w, 9, 1));
  accepted(w, &op, NULL);
}

static void trap_chain_split(void **state) {
  world_t *w = *state;
  populate(w, 1, 10);
  actor_t key = with_key(w), owner = actor("owner", 1);
  w->chain_id++;
  cf_op_t op = op_settle(w, &key, good_meta(w), EMPTY_BODY);
  refused(w, &op, NULL, "WrongChain");
  op = op_exit(1);
  accepted(w, &op, &owner.addr);
  w->now += w->g.config.exit_delay_s;
  op = op_finalize(0, 1);
  accepted(w, &op, NULL);
  assert_int_equal(w->fx.pay.units, 10);
}

/* ---- accounts ---- */

static void accounts(void **state) {
  world_t  *w    = *state;
  cf_addr_t zero = { { 0 } };
  cf_op_t   op   = op_open(zero);
  refused(w, &op, NULL, "Owner");
  op = op_open(w->nobody.addr);
  accepted(w, &op, NULL);
  assert_int_equal(w->fx.account, 1);
  refused(w, &op, NULL, "AlreadyOpen");
  assert_int_equal(w->no.fact[0], 1);
  op = op_open(w->issuer.addr);
  accepted(w, &op, NULL);
  assert_int_equal(w->fx.account, 2);

  struct { cf_op_t op; char const *want;
  } const lanes[] = {
    { op_lane(0, 9), "Account" },     { op_lane(2, 1), "Asset" }, { op_lane(0, 1), "" },
    { op_lane(0, 1), "AlreadyOpen" }, { op_lane(0, 2), "" },      { op_lane(0, 0), "Account" },
  };
  for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) refused(w, &lanes[i].op, NULL, lanes[i].want);

  cf_hash_t            slot = cf_slot_plain(CF_SLOT_COUNTERS), word = slot_at(w, slot);
  cf_ledger_counters_t c = cf_ledger_counters_unpack(&word);
  c.next_account = UINT32_MAX;
  word = cf_ledger_counters_pack(&c);
  cf_ledger_state_put(w->st, &slot, &word);
  op = op_open(actor("owner", 3).addr);
  refused(w, &op, NULL, "Full");
}

static void deposits(void **state) {
  world_t *w = *state;
  populate(w, 2, 0);
  struct { cf_op_t op; bool issuer; char const *want;
  } const cases[] = {
    { op_deposit(0, 3, 5), true, "Account" },
    { op_deposit(2, 1, 5), true, "Asset" },
    { op_deposit(0, 1, 5), false, "Issuer" },
    { op_deposit(0, 1, 0), true, "Units" },
    { op_deposit(0, 1, 5), true, "" },
    { op_deposit(0, 1, CF_LANE_MAX - 5), true, "" },
    { op_deposit(0, 2, 1), true, "Held" },
    { op_deposit(1, 2, CF_LANE_MAX), true, "" },
    { op_deposit(1, 2, UINT64_MAX), true, "Held" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    print_message("deposit %zu\n", i);
    refused(w, &cases[i].op, cases[i].issuer ? &w->issuer.addr : &w->nobody.addr, cases[i].want);
  }
  assert_int_equal(lane_of(w, 0, 1), CF_LANE_OPEN | CF_LANE_MAX);
  cf_op_t op = op_exit(2);
  accepted(w, &op, owner_of(2));
  op = op_deposit(1, 2, 1);
  refused(w, &op, &w->issuer.addr, "Exiting");
}

static void withdrawals(void **state) {
  world_t *w = *state;
  populate(w, 1, 1000);
  actor_t   key = with_key(w), owner = actor("owner", 1);
  cf_addr_t zero = { { 0 } };
  cf_op_t   op   = op_settle(w, &key, good_meta(w), BODY(w, { 0, 0, 1, -100 }, { 1, 0, 1, 100 }));
  accepted(w, &op, NULL);
  struct { cf_op_t op; bool owner; char const *want;
  } const cases[] = {
    { op_withdraw(0, 2, 1, owner.addr), true, "Account" }, { op_withdraw(0, 1, 1, owner.addr), false, "Owner" },
    { op_withdraw(9, 1, 1, owner.addr), true, "Asset" },   { op_withdraw(0, 1, 1, zero), true, "Recipient" },
    { op_withdraw(0, 1, 0, owner.addr), true, "Units" },   { op_withdraw(0, 1, 101, owner.addr), true, "Free" },
    { op_withdraw(1, 1, 1, owner.addr), true, "Free" },    { op_withdraw(0, 1, 60, w->nobody.addr), true, "" },
    { op_withdraw(0, 1, 41, owner.addr), true, "Free" },   { op_withdraw(0, 1, 40, owner.addr), true, "" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    print_message("withdraw %zu\n", i);
    refused(w, &cases[i].op, cases[i].owner ? &owner.addr : &w->nobody.addr, cases[i].want);
  }
  assert_int_equal(free_of(w, 0, 1), CF_LANE_OPEN);
  assert_int_equal(cf_ledger_state_held(w->st, 0), 900);
}

static void exits(void **state) {
  world_t *w = *state;
  populate(w, 3, 1000);
  actor_t key = with_key(w), owner = actor("owner", 1);
  cf_op_t op  = op_settle(w, &key, good_meta(w), BODY(w, { 0, 0, 1, -100 }, { 1, 0, 1, 100 }));
  accepted(w, &op, NULL);
  op = op_exit(9);
  refused(w, &op, &owner.addr, "Account");
  op = op_finalize(0, 1);
  refused(w, &op, NULL, "ExitDelay");
  assert_int_equal(w->no.fact[0], 0);
  op = op_exit(1);
  refused(w, &op, &w->nobody.addr, "Owner");
  accepted(w, &op, &owner.addr);
  uint64_t exit_at = w->now;
  refused(w, &op, &owner.addr, "Exiting");
  w->now += 100;
  refused(w, &op, &owner.addr, "Exiting"); /* once, terminal */
  assert_int_equal(account_of(w, 1).exit_at_s, exit_at);

  w->now = exit_at + w->g.config.exit_delay_s - 1;
  op = op_finalize(0, 1);
  refused(w, &op, NULL, "ExitDelay");
  w->now++;
  op.addr = w->nobody.addr;
  refused(w, &op, &w->nobody.addr, "Owner"); /* only the owner names another recipient */
  op.asset = 7;
  refused(w, &op, &owner.addr, "Asset");
  op.asset = 0;
  accepted(w, &op, &owner.addr);
  assert_int_equal(w->fx.pay.units, 1000);
  assert_memory_equal(w->fx.pay.party.b, w->nobody.addr.b, 20);
  assert_true(account_of(w, 1).closed);
  assert_int_equal(lane_of(w, 0, 1), CF_LANE_OPEN); /* markers stay */
  assert_int_equal(free_of(w, 0, 1), CF_LANE_OPEN);
  op.addr = (cf_addr_t){ { 0 } };
  refused(w, &op, NULL, "Nothing");
  op = op_finalize(1, 1);
  refused(w, &op, NULL, "Nothing");

  key = actor("settlement key", 2); /* a settlement that still credits the account runs, and the credit is swept to the owner */
  op  = op_register(w, &key, "instance 1", good_terms(w, 6, 0));
  accepted(w, &op, NULL);
  w->now += w->g.config.key_delay_s;
  op = op_settle(w, &key, good_meta(w), BODY(w, { 0, 0, 1, 30 }, { 0, 0, 2, -30 }));
  accepted(w, &op, NULL);
  op = op_settle(w, &key, good_meta(w), BODY(w, { 0, 0, 1, -31 }, { 0, 0, 2, 31 }));
  refused(w, &op, NULL, "Lane");
  op = op_finalize(0, 1);
  accepted(w, &op, NULL);
  assert_memory_equal(w->fx.pay.party.b, owner.addr.b, 20);
  assert_int_equal(w->fx.pay.units, 30);
  op = op_exit(3); /* empty in asset 1: closes, pays nothing, and says so */
  accepted(w, &op, owner_of(3));
  w->now += w->g.config.exit_delay_s;
  op = op_finalize(1, 3);
  accepted(w, &op, NULL);
  assert_false(w->fx.pay.due);
  assert_true(w->fx.message.len != 0 && account_of(w, 3).closed);
}

/* What the model exit.pml asks: no exit becomes final while a settlement of that account, signed on a view from before the
   exit, can still run. */
static void exit_never_overtakes_a_settlement(void **state) {
  world_t *w = *state;
  cf_ledger_config_t const *c = &w->g.config;
  /* validUntil <= asOf + V < exitAt + V, and a pause of at most maxPause: all over before exitAt + exitDelay */
  assert_true(c->exit_delay_s >= c->max_pause_s + 4 * c->max_validity_s);
  populate(w, 2, 100);
  actor_t key = with_key(w);
  cf_settlement_meta_t m = good_meta(w);
  m.valid_until_s = w->now + c->max_validity_s;
  cf_op_t settle = op_settle(w, &key, m, BODY(w, { 0, 0, 1, -100 }, { 0, 0, 2, 100 }));
  cf_op_t op     = op_exit(1);
  accepted(w, &op, owner_of(1));
  w->now = m.valid_until_s;
  op     = op_finalize(0, 1);
  refused(w, &op, NULL, "ExitDelay");
  accepted(w, &settle, NULL);
  w->now += c->exit_delay_s;
  accepted(w, &op, NULL);
  assert_int_equal(w->no.code, 0);
  assert_false(w->fx.pay.due);
}

static void alarm_and_death(void **state) {
  world_t *w = *state;
  populate(w, 2, 100);
  actor_t key = with_key(w);
  cf_op_t alarm = op_plain(CF_OP_ALARM), die = op_plain(CF_OP_DECLARE_DEAD), op;
  refused(w, &die, NULL, "NoAlarm");
  accepted(w, &alarm, NULL);
  refused(w, &alarm, NULL, "Alarmed");
  uint64_t since = w->now;
  w->now += 10;
  op = op_settle(w, &key, good_meta(w), EMPTY_BODY);
  accepted(w, &op, NULL); /* the head moves: the alarm is void */
  refused(w, &die, NULL, "NoAlarm");
  accepted(w, &alarm, NULL);
  since += 10;
  w->now = since + w->g.config.dead_after_s - 1;
  refused(w, &die, NULL, "DeadDelay");
  w->now++;
  accepted(w, &die, NULL);

  uint8_t       buf[CF_ACT_BODY_MAX];
  cf_act_t      act      = { .kind = CF_ACT_PAUSE };
  cf_op_t const dead[]   = { op_open(w->nobody.addr), op_lane(1, 1), op_deposit(0, 1, 1), op_exit(1), alarm, die,
                             op_register(w, &w->nobody, "i", good_terms(w, 9, 1)), op_act(w, &act, 1, buf),
                             op_settle(w, &key, good_meta(w), EMPTY_BODY), { .kind = CF_OP_REVOKE_KEY } };
  for (size_t i = 0; i < sizeof dead / sizeof *dead; i++) refused(w, &dead[i], &w->issuer.addr, "Dead");
  op = op_finalize(0, 1); /* without a request, without a delay */
  accepted(w, &op, NULL);
  assert_int_equal(w->fx.pay.units, 100);
  op = op_withdraw(0, 2, 1, w->nobody.addr);
  refused(w, &op, owner_of(2), "Free");
}

/* A raise is paid for from its time on, and before it at the old rate. */
static void bucket_fill(void **state) {
  (void)state;
  struct { cf_ledger_bucket_t b; uint64_t now, level, cap, at; uint32_t fraction; } const cases[] = {
    { { .level = 0, .cap = 86400, .at_s = 100 }, 110, 10, 86400, 110, 0 },
    { { .level = 86395, .cap = 86400, .at_s = 100 }, 110, 86400, 86400, 110, 0 },
    { { .level = 5, .cap = 10 }, 8639, 5, 10, 8639, 86390 },
    { { .level = 5, .cap = 10 }, 8640, 6, 10, 8640, 0 },
    { { .level = 5, .cap = 10, .at_s = 8639, .fraction = 86390 }, 8640, 6, 10, 8640, 0 },
    { { .level = 9, .cap = 10, .fraction = 80000 }, 8640, 10, 10, 8640, 0 }, /* full: nothing is kept */
    { { .level = 0, .cap = 0 }, 50, 0, 0, 50, 0 },
    { { .level = 0, .cap = 86400, .at_s = 100, .next_cap = 172800, .next_at_s = 105 }, 110, 15, 172800, 110, 0 },
    { { .level = 0, .cap = 86400, .at_s = 100, .next_cap = 172800, .next_at_s = 111 }, 110, 10, 86400, 110, 0 },
    { { .level = 0, .cap = 10, .next_cap = 86400, .next_at_s = 100 }, 110, 10, 86400, 110, 1000 },
    { { .level = 0, .cap = UINT64_MAX }, 86400, UINT64_MAX, UINT64_MAX, 86400, 0 },
    { { .level = 3, .cap = 10, .at_s = 100 }, 50, 3, 10, 100, 0 }, /* not yet begun */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_ledger_bucket_t b = cases[i].b;
    cf_ledger_bucket_fill(&b, cases[i].now);
    assert_true(b.level == cases[i].level && b.cap == cases[i].cap && b.at_s == cases[i].at && b.fraction == cases[i].fraction);
  }
  cf_ledger_bucket_t small = { .cap = 1000 }, big = small; /* many small steps give what one gives */
  for (uint64_t t = 0; t <= 50000; t += 7) cf_ledger_bucket_fill(&small, t);
  cf_ledger_bucket_fill(&big, 49994);
  assert_int_equal(small.level, big.level);
}

static void genesis_checks(void **state) {
  world_t *w = *state;
  size_t   cnt;
  struct {
    char const *name;
  } const cases[] = { { "time" },  { "policy" }, { "policy hash" }, { "version" }, { "seats" },
                      { "twice" }, { "end" },    { "token" },       { "good" } };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_ledger_genesis_t g = world_genesis(w);
    if (i == 0) g.time_s = 0;
    if (i == 1) g.policy = 0;
    if (i == 2) memset(g.policy_hash.b, 0, 32);
    if (i == 3) g.council_version = 0;
    if (i == 4) g.councils[1].n = 17;
    if (i == 5) { g.measurements_cnt = 2; g.measurements[1] = g.measurements[0]; }
    if (i == 6) g.measurements[0].until_s = CF_LEDGER_TIME_MAX + 1;
    if (i == 7) memset(g.assets[1].token.b, 0, 20);
    print_message("%s\n", cases[i].name);
    assert_int_equal(cf_ledger_genesis(&g, w->writes, CF_LEDGER_WRITES_MAX, &cnt, NULL), i == 8 ? CF_OK : CF_ERR_POLICY);
  }
  uint8_t buf[CF_GENESIS_BYTES_MAX + 1];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_ledger_genesis_t again;
  cf_ledger_genesis_write(&wr, &w->g);
  assert_int_equal(cf_ledger_genesis_decode(&again, cf_wr_out(&wr), NULL), CF_OK);
  uint8_t buf2[CF_GENESIS_BYTES_MAX];
  cf_wr_t wr2 = cf_wr_init(buf2, sizeof buf2);
  cf_ledger_genesis_write(&wr2, &again);
  assert_true(cf_span_eq(cf_wr_out(&wr), cf_wr_out(&wr2)));
  for (size_t n = 1; n < wr.len; n++) assert_int_equal(cf_ledger_genesis_decode(&again, CF_SPAN(buf, n), NULL), CF_ERR_FORMAT);
  assert_int_equal(cf_ledger_genesis_decode(&again, CF_SPAN(buf, wr.len + 1), NULL), CF_ERR_FORMAT);
  buf[0] = 2;
  assert_int_equal(cf_ledger_genesis_decode(&again, cf_wr_out(&wr), NULL), CF_ERR_UNSUPPORTED);
}

static void refusals_have_names(void **state) {
  (void)state;
  for (int i = 1; i < CF_REFUSALS; i++) {
    char text[96];
    assert_true(cf_refusal_name((cf_refusal_code_t)i)[0] >= 'A');
    cf_refusal_t r = { (cf_refusal_code_t)i, { 1, 2 } };
    assert_true(cf_refusal_print(text, sizeof text, &r) >= 5);
    for (int j = 1; j < i; j++)
      assert_string_not_equal(cf_refusal_name((cf_refusal_code_t)i), cf_refusal_name((cf_refusal_code_t)j));
  }
  char         text[8];
  cf_refusal_t lane = { CF_REFUSAL_LANE, { 3, 17 } };
  assert_int_equal(cf_refusal_print(text, sizeof text, &lane), 7);
  assert_string_equal(text, "Lane(as");
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  struct CMUnitTest const tests[] = {
    T(settle_refuses_in_order),
    T(settle_moves_the_head),
    T(settle_meta_bounds),
    T(settle_signature_covers_all),
    T(settle_key_rules),
    T(preflight_agrees_with_settle),
    T(settle_bucket),
    T(settle_many_assets_all_or_nothing),
    T(trap_debit_of_an_unopened_lane),
    T(trap_carry_into_a_neighbour),
    T(trap_mode_is_the_contracts),
    T(trap_constructor_inequalities),
    T(no_pause_stops_an_exit),
    T(trap_pause_has_a_cooldown),
    T(trap_inbox_holds_everything),
    T(trap_cap_sits_at_the_release),
    T(trap_revocation_names_the_instance),
    T(trap_chain_split),
    T(accounts),
    T(deposits),
    T(withdrawals),
    T(exits),
    T(exit_never_overtakes_a_settlement),
    T(alarm_and_death),
    T(bucket_fill),
    T(genesis_checks),
    T(refusals_have_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
