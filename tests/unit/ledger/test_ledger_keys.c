/* Keys and acts: register, revokeKey and what governors and guardians order (ONCHAIN 4.6). */
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

/* ---- keys ---- */

static void registration(void **state) {
  world_t *w = *state;
  actor_t  key = actor("settlement key", 1);
  static char const *const cases[][2] = {
    { "unknown council", "Council" }, { "council 0", "Council" }, { "too long", "Term" }, { "unknown policy", "Policy" },
    { "policy 0", "Policy" }, { "ends after the measurement", "Measurement" }, { "tcb", "Tcb" }, { "tcb 255", "Tcb" },
    { "epoch 0", "Epoch" }, { "last epoch", "Epoch" }, { "over before it begins", "Delay" }, { "ends before it begins", "Delay" },
    { "not fencing and first", "Fence" }, { "fence 2", "Fence" }, { "good", "" }, { "again", "KeyKnown" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_registration_terms_t t = good_terms(w, 5, 1);
    switch (i) {
    case 0: t.council = 2; break;
    case 1: t.council = 0; break;
    case 2: t.not_after_s = t.not_before_s + CF_KEY_VALIDITY_MAX_S + 1; break;
    case 3: t.policy = 2; break;
    case 4: t.policy = 0; break;
    case 5: t.not_before_s = T0 + 299 * 86400; t.not_after_s = T0 + 300 * 86400 + 1; break;
    case 6: t.tcb = 2; break;
    case 7: t.tcb = 255; break;
    case 8: t.epoch = 0; break;
    case 9: t.epoch = ((uint64_t)1 << 40) - 1; break;
    case 10: t.not_after_s = w->now + 1800; break;
    case 11: t.not_after_s = w->now - 1; break;
    case 12: t.fence = 0; break;
    case 13: t.fence = 2; break;
    case 14: t.tcb = 1; break;
    case 15: t.epoch = 6; break;
    }
    print_message("%s\n", cases[i][0]);
    cf_op_t op = op_register(w, &key, "i", t);
    refused(w, &op, NULL, cases[i][1]);
  }
  cf_hash_t word = slot_at(w, cf_slot_key(&key.addr));
  cf_ledger_key_t k = cf_ledger_key_unpack(&word);
  assert_int_equal(k.state, CF_KEY_LIVE);
  assert_int_equal(k.not_before_s, w->now + 1800); /* the delay is the ledger's */
  assert_int_equal(status_of(w).floor_epoch, 5);

  actor_t next = actor("settlement key", 2), later = actor("settlement key", 3);
  cf_op_t op = op_register(w, &next, "i", good_terms(w, 5, 0));
  refused(w, &op, NULL, "Epoch");
  op = op_register(w, &next, "j", good_terms(w, 7, 0));
  refused(w, &op, NULL, "Fence");
  cf_registration_terms_t t = good_terms(w, 7, 0);
  t.not_before_s = w->now + 5000;
  op = op_register(w, &next, "i", t); /* rotation: the floor stays */
  accepted(w, &op, NULL);
  word = slot_at(w, cf_slot_key(&next.addr));
  assert_int_equal(cf_ledger_key_unpack(&word).not_before_s, w->now + 5000);
  assert_int_equal(status_of(w).floor_epoch, 5);
  op = op_register(w, &later, "j",
                   good_terms(w, 6, 1)); /* a new instance with a lower epoch than the rotation's still fences by number */
  accepted(w, &op, NULL);
  assert_int_equal(status_of(w).floor_epoch, 6);
  word = slot_at(w, cf_slot_plain(CF_SLOT_TOP_EPOCH));
  assert_int_equal(cf_word_get(&word, 0, 40), 7);
}

static void registration_signatures(void **state) {
  world_t *w = *state;
  actor_t  key = actor("settlement key", 1), other = actor("settlement key", 9);
  for (unsigned fault = 0; fault < 11; fault++) {
    cf_op_t op = op_register(w, &key, "i", good_terms(w, 5, 1));
    char const *want = "Signatures";
    switch (fault) {
    case 0: op.sigs.cnt = 2; break;
    case 1: /* exactly k, also when all are good */
      member_sigs(&op.sigs, w->verifier, 4,
                  cf_registration_digest(&w->g.config.separator, &w->g.config.domain, &op.registration));
      break;
    case 2: op.sigs.at[1].member = 0; break;                                            /* twice */
    case 3: { cf_member_sig_t s = op.sigs.at[0]; op.sigs.at[0] = op.sigs.at[1]; op.sigs.at[1] = s; } break;
    case 4: op.sigs.at[2].member = 3; break;  /* another's seat */
    case 5: op.sigs.at[2].member = 5; break;  /* no seat */
    case 6: op.sigs.at[0].sig[5] ^= 1; break;
    case 7: op.registration.evidence.b[0] ^= 1; break;
    case 8: sign_registration(w, &op, &other); want = "Possession"; break;
    case 9: op.sig[9] ^= 1; want = "Possession"; break;
    case 10: want = ""; break;
    }
    print_message("fault %u\n", fault);
    refused(w, &op, NULL, want);
  }
}

static void key_revocation(void **state) {
  world_t *w = *state;
  actor_t  key = with_key(w), fresh = actor("settlement key", 2);
  cf_op_t  op = { .kind = CF_OP_REVOKE_KEY, .addr = key.addr };
  sign_by(op.sig, &w->nobody, cf_key_revocation_digest(&w->g.config.separator, &key.addr));
  refused(w, &op, NULL, "Possession");
  sign_by(op.sig, &key, cf_key_revocation_digest(&w->g.config.separator, &key.addr));
  accepted(w, &op, NULL);
  refused(w, &op, NULL, "KeyKnown");
  op = op_settle(w, &key, good_meta(w), EMPTY_BODY);
  refused(w, &op, NULL, "Key");
  op = (cf_op_t){ .kind = CF_OP_REVOKE_KEY, .addr = fresh.addr };
  sign_by(op.sig, &fresh, cf_key_revocation_digest(&w->g.config.separator, &fresh.addr));
  accepted(w, &op, NULL); /* before it was ever registered: it never will be */
  op = op_register(w, &fresh, "instance 1", good_terms(w, 6, 0));
  refused(w, &op, NULL, "KeyKnown");
}

/* ---- acts ---- */

static void acts(void **state) {
  world_t *w = *state;
  uint8_t  buf[CF_ACT_BODY_MAX];
  cf_act_t act = { .kind = CF_ACT_REVOKE, .hash = hash_of("x") };
  cf_op_t  op;
#define TRY(want, ...) do { op = op_act(w, &act, 3, buf); __VA_ARGS__; refused(w, &op, NULL, want); } while (0)
  TRY("Act", op.council = CF_LEDGER_GOVERNORS);
  TRY("Act", op.body.len--);
  TRY("Act", buf[0] = 99);
  TRY("Council", op.version = 2);
  TRY("ActNumber", op.number = 0);
  TRY("ActExpired", w->now += 61);
  TRY("Signatures", op.not_after_s++);
  TRY("Signatures", op.number++);
  TRY("Signatures", buf[5] ^= 1);
  TRY("Signatures", op.sigs.at[1] = op.sigs.at[0]);
  TRY("", (void)0);
  act.hash = hash_of("y");
  TRY("ActNumber", (void)0); /* numbers rise, also over a gap */
  op = op_act(w, &act, 10, buf);
  accepted(w, &op, NULL);
  op = op_act(w, &act, ((uint64_t)1 << 48) - 1, buf);
  refused(w, &op, NULL, "Revoked");
  cf_act_t governors = { .kind = CF_ACT_DELIST_ASSET, .asset = 1 };
  op = op_act(w, &governors, 1, buf); /* each council counts for itself */
  accepted(w, &op, NULL);
}

/* Runs a governors' act with the next number. */
static uint64_t act_number = 100;
static void gov(world_t *w, cf_act_t act, char const *want) {
  uint8_t buf[CF_ACT_BODY_MAX];
  cf_op_t op = op_act(w, &act, ++act_number, buf);
  print_message("act %d\n", act.kind);
  refused(w, &op, NULL, want);
}

static void policy_schedule(void **state) {
  world_t *w = *state;
  actor_t  key = with_key(w);
  uint64_t notice = w->g.config.notice_s, at = w->now + notice;
  cf_hash_t mask = cf_word_u64(0x7), zero = { { 0 } };
  cf_act_t two = { .kind = CF_ACT_SCHEDULE_POLICY, .policy = 2, .hash = hash_of("p2"), .tcb_mask = mask, .from_s = at - 1 };
  gov(w, two, "Notice");
  two.from_s = at;
  two.policy = 1;
  gov(w, two, "Version");
  two.policy = 2;
  two.hash   = zero;
  gov(w, two, "Act");
  two.hash = hash_of("p2");
  gov(w, two, "");
  cf_act_t three = two; /* waits: may be replaced, and then 2 will never be */
  three.policy   = 3;
  three.hash     = hash_of("p3");
  gov(w, three, "");
  cf_hash_t gone = slot_at(w, cf_slot_policy(2));
  assert_true(cf_word_is_zero(&gone));
  assert_int_equal(status_of(w).policy_a, 1);
  gov(w, two, "Version");
  gov(w, (cf_act_t){ .kind = CF_ACT_RAISE_KEY_POLICY, .policy = 3 }, "Policy"); /* not in force yet */

  struct { uint64_t when; uint32_t policy; char const *want;
  } const cases[] = {
    { at - 1, 1, "" },    { at - 1, 3, "Policy" },    { at, 1, "" },
    { at, 3, "" },        { at, 2, "Policy" },        { at + 7200, 1, "" },
    { at + 7200, 3, "" }, { at + 7201, 1, "Policy" }, { at + 7201, 3, "" },
  };
  actor_t fresh = actor("settlement key", 7);
  w->now = at - 1;
  cf_registration_terms_t t = good_terms(w, 8, 0);
  t.policy   = 3;
  cf_op_t op = op_register(w, &fresh, "instance 1", t);
  refused(w, &op, NULL, "Policy"); /* no key under a policy that waits */
  t.policy = 1;
  op       = op_register(w, &fresh, "instance 1", t);
  accepted(w, &op, NULL);
  cf_hash_t slot = cf_slot_key(&fresh.addr), word = cf_ledger_key_pack(&(cf_ledger_key_t){ 1, 8, 1, 0, T0 + 900 * 86400, 0 });
  cf_ledger_state_put(w->st, &slot, &word);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    w->now = cases[i].when;
    cf_settlement_meta_t m = good_meta(w);
    m.policy = cases[i].policy;
    op = op_settle(w, &fresh, m, EMPTY_BODY);
    refused(w, &op, NULL, cases[i].want);
  }
  w->now        = at + 7200;
  cf_act_t four = {
    .kind = CF_ACT_SCHEDULE_POLICY, .policy = 4, .hash = hash_of("p4"), .tcb_mask = mask, .from_s = w->now + notice
  };
  gov(w, four, "Pending"); /* 1 may still settle */
  w->now++;
  four.from_s++;
  gov(w, four, "");
  assert_int_equal(status_of(w).policy_a, 3);
  gov(w, (cf_act_t){ .kind = CF_ACT_RAISE_KEY_POLICY, .policy = 1 }, "NotLess");
  gov(w, (cf_act_t){ .kind = CF_ACT_RAISE_KEY_POLICY, .policy = 3 }, "");
  op = op_settle(w, &fresh, good_meta(w), EMPTY_BODY);
  refused(w, &op, NULL, "Policy"); /* good_meta names the newest, which waits */
  cf_settlement_meta_t m = good_meta(w);
  m.policy = 3;
  op = op_settle(w, &fresh, m, EMPTY_BODY);
  refused(w, &op, NULL, "Key"); /* its key is of policy 1 */
  t        = good_terms(w, 9, 0);
  t.policy = 1;
  op       = op_register(w, &key, "instance 1", t);
  refused(w, &op, NULL, "KeyKnown");
  op = op_register(w, &w->nobody, "instance 1", t);
  refused(w, &op, NULL, "KeyPolicy");
}

static void measurement_schedule(void **state) {
  world_t *w = *state;
  uint64_t from = w->now + w->g.config.notice_s;
  cf_act_t a    = {
       .kind = CF_ACT_SCHEDULE_MEASUREMENT, .policy = 1, .hash = hash_of("m2"), .from_s = from - 1, .until_s = from + 1000000
  };
  gov(w, a, "Notice");
  a.from_s = from;
  a.policy = 5;
  gov(w, a, "Policy");
  a.policy  = 1;
  a.until_s = from;
  gov(w, a, "Measurement");
  a.until_s = from + 1000000;
  gov(w, a, "");
  gov(w, a, "Measurement"); /* one that has not ended is not moved */
  cf_registration_terms_t t = good_terms(w, 5, 1);
  t.not_before_s = from;
  t.not_after_s  = from + 1000;
  actor_t key    = actor("settlement key", 1);
  cf_op_t op     = op_register(w, &key, "i", t);
  op.registration.measurement = a.hash;
  sign_registration(w, &op, &key);
  w->now = from - 1;
  refused(w, &op, NULL, "Measurement");
  w->now = from;
  cf_act_t end = { .kind = CF_ACT_END_MEASUREMENT, .policy = 1, .hash = a.hash, .until_s = a.until_s };
  gov(w, end, "NotLess");
  end.until_s = from + 2000;
  gov(w, end, "");
  t.not_after_s = from + 2001;
  cf_op_t late  = op_register(w, &key, "i", t);
  late.registration.measurement = a.hash;
  sign_registration(w, &late, &key);
  refused(w, &late, NULL, "Measurement");
  t.not_after_s = from + 2000;
  late = op_register(w, &key, "i", t);
  late.registration.measurement = a.hash;
  sign_registration(w, &late, &key);
  accepted(w, &late, NULL);
  end.hash = hash_of("unknown");
  end.until_s = 1;
  gov(w, end, "NotLess");
}

static void council_schedule(void **state) {
  world_t *w = *state;
  uint64_t from = w->now + w->g.config.notice_s;
  actor_t  new_gov[2] = { actor("new governor", 0), actor("new governor", 1) };
  cf_act_t a = { .kind = CF_ACT_SCHEDULE_COUNCILS, .version = 2, .from_s = from - 1 };
  a.councils[0] = seats(new_gov, 2, 2);
  a.councils[1] = seats(w->guardian, 2, 3);
  a.councils[2] = seats(w->verifier, 3, 4);
  gov(w, a, "Notice");
  a.from_s  = from;
  a.version = 1;
  gov(w, a, "Version");
  a.version = 2;
  cf_act_t bad = a;
  bad.councils[2].k = 1; /* k > f */
  gov(w, bad, "Seats");
  assert_int_equal(w->no.fact[0], 3);
  bad = a;
  bad.councils[0].member[1] = bad.councils[0].member[0];
  gov(w, bad, "Seats");
  bad = a;
  bad.councils[1].member[2] = (cf_addr_t){ { 0 } };
  gov(w, bad, "Seats");
  bad = a;
  bad.councils[1].k = 4;
  gov(w, bad, "Seats");
  gov(w, a, "");
  a.version = 3; /* replaces the one that waits */
  gov(w, a, "");

  actor_t key = actor("settlement key", 1);
  cf_registration_terms_t t = good_terms(w, 5, 1);
  w->now = from - 1;
  t = good_terms(w, 5, 1);
  t.council  = 3;
  cf_op_t op = op_register(w, &key, "i", t);
  refused(w, &op, NULL, "Council");
  w->now = from;
  op = op_register(w, &key, "i", t);
  accepted(w, &op, NULL);
  gov(w, (cf_act_t){ .kind = CF_ACT_DELIST_ASSET, .asset = 0 }, "Council"); /* acts are the new council's at once */
  key = actor("settlement key", 2);
  w->now = from + 7200;
  t = good_terms(w, 6, 1); /* registrations by the one before until its time */
  op = op_register(w, &key, "j", t);
  accepted(w, &op, NULL);
  w->now++;
  key = actor("settlement key", 3);
  op = op_register(w, &key, "k", good_terms(w, 7, 1));
  refused(w, &op, NULL, "Council");
  t = good_terms(w, 7, 1);
  t.council = 2; /* the replaced one never is */
  op = op_register(w, &key, "k", t);
  refused(w, &op, NULL, "Council");

  w->governor[0] = new_gov[0];
  w->governor[1] = new_gov[1];
  uint8_t  buf[CF_ACT_BODY_MAX];
  cf_act_t act = { .kind = CF_ACT_DELIST_ASSET, .asset = 0 };
  op = op_act(w, &act, 2, buf);
  op.version = 3;
  cf_hash_t body = cf_keccak256(op.body);
  member_sigs(&op.sigs, w->governor, 2, cf_act_digest(&w->g.config.separator, op.council, 3, op.number, op.not_after_s, &body));
  refused(w, &op, NULL, "ActNumber"); /* numbers go on over a change of council */
}

static void council_pending_overlap(void **state) {
  world_t *w = *state;
  uint64_t from = w->now + w->g.config.notice_s;
  cf_act_t a = { .kind = CF_ACT_SCHEDULE_COUNCILS, .version = 2, .from_s = from };
  a.councils[0] = seats(w->governor, 2, 3);
  a.councils[1] = seats(w->guardian, 2, 3);
  a.councils[2] = seats(w->verifier, 3, 5);
  gov(w, a, "");
  w->now = from + 7200;
  uint8_t buf[CF_ACT_BODY_MAX];
  a.version = 3;
  a.from_s  = w->now + w->g.config.notice_s + 1;
  for (int i = 0; i < 2; i++, w->now++) {
    cf_op_t   op   = op_act(w, &a, ++act_number, buf);
    cf_hash_t body = cf_keccak256(op.body);
    op.version     = 2;
    member_sigs(&op.sigs, w->governor, 2, cf_act_digest(&w->g.config.separator, op.council, 2, op.number, op.not_after_s, &body));
    refused(w, &op, NULL, i == 0 ? "Pending" : "");
  }
}

static void member_removal(void **state) {
  world_t *w = *state;
  cf_act_t a = { .kind = CF_ACT_REMOVE_MEMBER, .council = CF_LEDGER_VERIFIERS, .version = 1, .member = 5 };
  gov(w, a, "Council");
  a.version = 2;
  gov(w, a, "Council");
  a.version = 1;
  a.council = 4;
  gov(w, a, "Council");
  a.council = CF_LEDGER_VERIFIERS;
  a.member  = 0;
  gov(w, a, "");
  gov(w, a, "NotLess");
  actor_t key = actor("settlement key", 1);
  cf_op_t op  = op_register(w, &key, "i", good_terms(w, 5, 1));
  refused(w, &op, NULL, "Signatures"); /* 0, 1, 2: the first has gone */
  a.member = 1;
  gov(w, a, "");
  a.member = 2;
  gov(w, a, "Seats"); /* three are left, and k is three */
  a.council = CF_LEDGER_GOVERNORS;
  gov(w, a, "");
  a.member = 1;
  gov(w, a, "Seats");
}

static void assets_and_caps(void **state) {
  world_t *w = *state;
  populate(w, 1, 0);
  uint64_t notice = w->g.config.notice_s, from = w->now + notice;
  cf_act_t a = { .kind = CF_ACT_SCHEDULE_ASSET, .asset = 2, .token = w->issuer.addr, .scale = 3, .cap = 10, .from_s = from - 1 };
  gov(w, a, "Notice");
  a.from_s = from;
  a.asset  = 3;
  gov(w, a, "Asset");
  a.asset = 2;
  cf_act_t no_token = a;
  no_token.token    = (cf_addr_t){ { 0 } };
  gov(w, no_token, "Asset");
  gov(w, a, "");
  gov(w, a, "Asset");
  cf_op_t op = op_deposit(2, 1, 5);
  w->now = from - 1;
  refused(w, &op, &w->issuer.addr, "Asset");
  w->now = from;
  accepted(w, &op, &w->issuer.addr);
  gov(w, (cf_act_t){ .kind = CF_ACT_DELIST_ASSET, .asset = 7 }, "Asset");
  gov(w, (cf_act_t){ .kind = CF_ACT_DELIST_ASSET, .asset = 2 }, "");
  gov(w, (cf_act_t){ .kind = CF_ACT_DELIST_ASSET, .asset = 2 }, "NotLess");
  refused(w, &op, &w->issuer.addr, "Asset");

  cf_act_t cap = { .kind = CF_ACT_RAISE_CAP, .asset = 0, .cap = 172800, .from_s = w->now + notice - 1 };
  gov(w, cap, "Notice");
  cap.from_s++;
  cap.asset = 9;
  gov(w, cap, "Asset");
  cap.asset = 0;
  cap.cap   = 86400;
  gov(w, cap, "NotLess");
  cap.cap = 172800;
  gov(w, cap, "");
  gov(w, (cf_act_t){ .kind = CF_ACT_LOWER_CAP, .asset = 0, .cap = 86401 }, "NotLess");
  gov(w, (cf_act_t){ .kind = CF_ACT_LOWER_CAP, .asset = 9, .cap = 1 }, "Asset");
  gov(w, (cf_act_t){ .kind = CF_ACT_LOWER_CAP, .asset = 0, .cap = 86400 }, ""); /* takes the raise back */
  cf_hash_t waits = cf_slot_bucket(0);
  waits           = slot_at(w, cf_slot_add(&waits, 1));
  assert_true(cf_word_is_zero(&waits));
  gov(w, (cf_act_t){ .kind = CF_ACT_LOWER_CAP, .asset = 0, .cap = 86400 }, "NotLess");
  cap.from_s = w->now + notice;
  gov(w, cap, "");
  w->now = cap.from_s + 86400;
  gov(w, (cf_act_t){ .kind = CF_ACT_LOWER_CAP, .asset = 0, .cap = 100000 }, ""); /* the raise was in force: 172,800 is lowered */
  cf_hash_t slot = cf_slot_bucket(0), next = cf_slot_add(&slot, 1), word[2] = { slot_at(w, slot), slot_at(w, next) };
  cf_ledger_bucket_t b = cf_ledger_bucket_unpack(word);
  assert_int_equal(b.cap, 100000);
  assert_int_equal(b.level, 100000);
  assert_true(cf_word_is_zero(&word[1]));
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  struct CMUnitTest const tests[] = {
    T(registration),         T(registration_signatures), T(key_revocation),          T(acts),           T(policy_schedule),
    T(measurement_schedule), T(council_schedule),        T(council_pending_overlap), T(member_removal), T(assets_and_caps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
