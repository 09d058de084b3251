/* Councils (PROTOCOL P2), acts, and the rules of genesis that no table can say. */
#include "document_world.h"

static example_t ex;

static int set_up(void **state) {
  example_init(&ex);
  example_found(&ex);
  return 0;
}

/* ---- k of n, f ---- */

static struct {
  cf_council_role_t role;
  unsigned          n, k, f;
  cf_status_t       want;
} const councils[] = {
    /* witnesses and observers: 2k >= n + f + 1, k >= 2f + 1 */
    {CF_WITNESSES, 1, 1, 0, CF_OK},
    {CF_WITNESSES, 4, 3, 1, CF_OK},
    {CF_WITNESSES, 7, 5, 2, CF_OK},
    {CF_WITNESSES, 3, 2, 0, CF_OK},
    {CF_WITNESSES, 16, 11, 5, CF_OK},
    {CF_WITNESSES, 1, 1, 1, CF_ERR_POLICY},
    {CF_WITNESSES, 3, 2, 1, CF_ERR_POLICY}, /* two quorums may meet in the liar alone */
    {CF_WITNESSES, 2, 1, 0, CF_ERR_POLICY}, /* two quorums need not meet */
    {CF_WITNESSES, 4, 2, 0, CF_ERR_POLICY},
    {CF_WITNESSES, 4, 4, 2, CF_ERR_POLICY}, /* 2k = 8 >= 7, k = 4 < 5 */
    {CF_WITNESSES, 5, 3, 1, CF_ERR_POLICY}, /* 2k = 6 < 7 */
    {CF_WITNESSES, 16, 10, 5, CF_ERR_POLICY},
    {CF_OBSERVERS, 1, 1, 0, CF_OK},
    {CF_OBSERVERS, 4, 3, 1, CF_OK},
    {CF_OBSERVERS, 3, 2, 1, CF_ERR_POLICY},
    {CF_OBSERVERS, 5, 3, 1, CF_ERR_POLICY},
    /* all others: k >= f + 1 */
    {CF_GOVERNORS, 1, 1, 0, CF_OK},
    {CF_GOVERNORS, 3, 2, 1, CF_OK},
    {CF_GOVERNORS, 5, 3, 2, CF_OK},
    {CF_GOVERNORS, 3, 2, 2, CF_ERR_POLICY},
    {CF_GOVERNORS, 1, 1, 1, CF_ERR_POLICY},
    {CF_GUARDIANS, 3, 1, 0, CF_OK},
    {CF_GUARDIANS, 3, 1, 1, CF_ERR_POLICY},
    {CF_VERIFIERS, 3, 2, 1, CF_OK},
    {CF_VERIFIERS, 3, 3, 3, CF_ERR_POLICY},
    /* 1 <= k <= n */
    {CF_GOVERNORS, 3, 0, 0, CF_ERR_POLICY},
    {CF_GOVERNORS, 3, 4, 0, CF_ERR_POLICY},
    {CF_WITNESSES, 3, 4, 0, CF_ERR_POLICY},
};

static void test_councils(void **state) {
  for (size_t i = 0; i < CF_COUNT_OF(councils); i++) {
    ex.names_cnt = 0;
    cf_council_t c = example_council(&ex, councils[i].role, councils[i].n, councils[i].k, councils[i].f);
    cf_error_t   err = {0};
    cf_status_t  st = cf_council_check(&c, &err);
    if (st != councils[i].want) fail_msg("case %zu: %s, %s", i, cf_status_name(st), err.text);
    assert_int_equal(err.status, st);
  }
  cf_council_t none = {.role = 0, .k = 1, .members_cnt = 1};
  assert_int_equal(cf_council_check(&none, NULL), CF_ERR_POLICY);
  none.role = CF_COUNCILS + 1;
  assert_int_equal(cf_council_check(&none, NULL), CF_ERR_POLICY);
}

/* The formula of the page, against a search for the largest f that the rule allows. */
static void test_f_max(void **state) {
  for (uint64_t n = 1; n <= 16; n++)
    for (uint64_t k = 1; k <= n; k++) {
      uint64_t f = 0;
      while (2 * k >= n + f + 2 && k >= 2 * f + 3) f++;
      assert_int_equal(cf_council_f_max(n, k), 2 * k >= n + 1 ? f : 0);
    }
}

static void test_members(void **state) {
  for (cf_council_role_t role = CF_GOVERNORS; role <= CF_OBSERVERS; role++) {
    ex.names_cnt = 0;
    cf_council_t const good = example_council(&ex, role, 4, 3, 1);
    cf_council_t       c = good;
    assert_int_equal(cf_council_check(&c, NULL), CF_OK);
    c.members[3].name = c.members[0].name; /* a name twice */
    assert_int_equal(cf_council_check(&c, NULL), CF_ERR_POLICY);
    c = good;
    c.members[3] = good.members[0]; /* a key twice */
    c.members[3].name = good.members[3].name;
    assert_int_equal(cf_council_check(&c, NULL), CF_ERR_POLICY);
    for (int key = 0; key < 3; key++) { /* a key of another role, or one's own missing */
      c = good;
      cf_member_t *m = &c.members[1];
      uint8_t     *at = key == 0 ? m->addr : key == 1 ? m->es256 : m->ed25519;
      size_t       sz = key == 0 ? sizeof m->addr : key == 1 ? sizeof m->es256 : sizeof m->ed25519;
      bool         had = at[0] || at[1];
      memset(at, had ? 0 : 7, sz);
      assert_int_equal(cf_council_check(&c, NULL), CF_ERR_POLICY);
    }
  }
}

/* ---- genesis ---- */

typedef void change_t(cf_genesis_t *g, cf_policy_t *p);
static void  g_none(cf_genesis_t *g, cf_policy_t *p) { (void)g, (void)p; }
static void  g_order(cf_genesis_t *g, cf_policy_t *p) {
   cf_council_t c = g->councils[0];
   g->councils[0] = g->councils[1];
   g->councils[1] = c;
   (void)p;
}
static void g_twice(cf_genesis_t *g, cf_policy_t *p) {
  g->councils[1].role = CF_GOVERNORS;
  (void)p;
}
static void g_lacks(cf_genesis_t *g, cf_policy_t *p) {
  g->councils[4].role = CF_CUSTODIANS;
  (void)p;
}
static void g_weak(cf_genesis_t *g, cf_policy_t *p) {
  g->councils[3].k = 2;
  (void)p;
}
static void g_assets(cf_genesis_t *g, cf_policy_t *p) {
  g->assets[1].id = 2;
  (void)p;
}
static void g_chain(cf_genesis_t *g, cf_policy_t *p) {
  g->ledger.chain_id = 1;
  (void)p;
}
static void g_evm(cf_genesis_t *g, cf_policy_t *p) {
  g->ledger.kind = 2;
  (void)p;
}
static void g_overlap(cf_genesis_t *g, cf_policy_t *p) {
  g->ledger.overlap_s++;
  (void)p;
}
static void g_delay(cf_genesis_t *g, cf_policy_t *p) {
  g->ledger.key_delay_s = 300;
  (void)p;
}
static void g_root(cf_genesis_t *g, cf_policy_t *p) {
  g->ledger.mode = 2;
  (void)p;
}
static void g_exit(cf_genesis_t *g, cf_policy_t *p) {
  g->ledger.exit_delay_s--;
  (void)p;
}
static void g_notice(cf_genesis_t *g, cf_policy_t *p) {
  g->ledger.notice_s--;
  (void)p;
}
static void g_dead(cf_genesis_t *g, cf_policy_t *p) {
  g->ledger.dead_after_s--;
  (void)p;
}
static void g_wrap(cf_genesis_t *g, cf_policy_t *p) {
  g->ledger.max_validity_s = (1ULL << 40) - 1;
  (void)p;
}
static void g_version(cf_genesis_t *g, cf_policy_t *p) {
  p->version = 2;
  (void)g;
}
static void g_previous(cf_genesis_t *g, cf_policy_t *p) {
  p->previous[31] = 1;
  (void)g;
}
static void g_test_root(cf_genesis_t *g, cf_policy_t *p) {
  g->class = 1;
  (void)p;
}
static void g_discrete(cf_genesis_t *g, cf_policy_t *p) { g->class = 1, p->ek_roots[0].class = 3; }
static void g_accepted(cf_genesis_t *g, cf_policy_t *p) { g->class = 1, p->ek_roots[0].class = 3, p->accept_discrete = 1; }
static void g_firmware(cf_genesis_t *g, cf_policy_t *p) { g->class = 1, p->ek_roots[0].class = 2; }
static void g_interval(cf_genesis_t *g, cf_policy_t *p) {
  p->attest_interval_s = p->attest_max_age_s + 1;
  (void)g;
}

static struct {
  char const *name;
  change_t   *change;
  cf_status_t want;
} const genesis_cases[] = {
    {"as it is", g_none, CF_OK},
    {"roles out of order", g_order, CF_ERR_POLICY},
    {"a role twice", g_twice, CF_ERR_POLICY},
    {"custodians, and no observers", g_lacks, CF_ERR_POLICY},
    {"a council that breaks its rule", g_weak, CF_ERR_POLICY},
    {"asset ids with a gap", g_assets, CF_ERR_POLICY},
    {"an embedded ledger with an EVM's chain id", g_chain, CF_ERR_POLICY},
    {"an EVM with an embedded ledger's", g_evm, CF_ERR_POLICY},
    {"overlap is not V", g_overlap, CF_ERR_POLICY},
    {"key delay of half of V", g_delay, CF_ERR_POLICY},
    {"root mode", g_root, CF_ERR_UNSUPPORTED},
    {"exit delay a second short", g_exit, CF_ERR_POLICY},
    {"notice a second short", g_notice, CF_ERR_POLICY},
    {"dead_after a second short", g_dead, CF_ERR_POLICY},
    {"a validity as long as can be", g_wrap, CF_ERR_POLICY},
    {"policy version 2", g_version, CF_ERR_POLICY},
    {"a policy with a predecessor", g_previous, CF_ERR_POLICY},
    {"production on a test root", g_test_root, CF_ERR_POLICY},
    {"production on a discrete TPM", g_discrete, CF_ERR_POLICY},
    {"the same, accepted", g_accepted, CF_OK},
    {"production on firmware", g_firmware, CF_OK},
    {"attesting less often than it counts", g_interval, CF_ERR_POLICY},
};

static void test_genesis(void **state) {
  static example_t   e;
  static cf_policy_t policy;
  for (size_t i = 0; i < CF_COUNT_OF(genesis_cases); i++) {
    cf_error_t err = {0};
    example_init(&e);
    genesis_cases[i].change(&e.genesis, &e.policy);
    example_found(&e);
    cf_status_t st = cf_genesis_check(&e.genesis, &policy, &err);
    if (st != genesis_cases[i].want) fail_msg("%s: %s, %s", genesis_cases[i].name, cf_status_name(st), err.text);
    assert_int_equal(err.status, st);
    if (!st) assert_memory_equal(policy.gateway_keys, e.policy.gateway_keys, sizeof policy.gateway_keys);
  }
  example_init(&e);
  example_found(&e);
  e.genesis.policy.len--; /* cut short */
  assert_int_equal(cf_genesis_check(&e.genesis, &policy, NULL), CF_ERR_FORMAT);
  assert_null(cf_genesis_council(&e.genesis, CF_CUSTODIANS));
  assert_int_equal(cf_genesis_council(&e.genesis, CF_OBSERVERS)->role, CF_OBSERVERS);
}

/* ---- council documents ---- */

static void test_act(void **state) {
  cf_council_t const    *c = &ex.genesis.councils[0];
  cf_council_doc_t const good = example_act(&ex, ex.genesis_body);
  cf_council_doc_t       d = good;
  assert_int_equal(cf_council_doc_verify(&d, c, &ex.separator, d.not_after, NULL), CF_OK);
  assert_int_equal(cf_council_doc_verify(&d, c, &ex.separator, d.not_after + 1, NULL), CF_ERR_STALE);
  assert_int_equal(cf_council_doc_verify(&d, &ex.genesis.councils[1], &ex.separator, T0, NULL), CF_ERR_AUTH);

#define REFUSED(change)                                                                                                          \
  do {                                                                                                                           \
    d = good;                                                                                                                    \
    change;                                                                                                                      \
    assert_int_equal(cf_council_doc_verify(&d, c, &ex.separator, T0, NULL), CF_ERR_AUTH);                                        \
  } while (0)
  REFUSED(d.sigs_cnt = 1);  /* k - 1 */
  REFUSED(d.member[1] = 0); /* one twice */
  REFUSED(d.member[1] = 2); /* another's name on it */
  REFUSED(d.member[1] = 3); /* nobody's */
  REFUSED(d.member[0] = 1; d.member[1] = 0; memcpy(d.sig[0], good.sig[1], 64); memcpy(d.sig[1], good.sig[0], 64)); /* falling */
  REFUSED(d.sig[1][40] ^= 1);
  REFUSED(d.sigs_cnt = 3; d.member[2] = 2; memset(d.sig[2], 1, 64)); /* enough, and one that is none */
  REFUSED(d.version = 2);
  REFUSED(d.council = CF_GUARDIANS);
  REFUSED(d.number = 1);
  REFUSED(d.not_after++);
  REFUSED(d.body.len--);
#undef REFUSED
  cf_hash_t other = example_hash("another separator", 0);
  d = good;
  assert_int_equal(cf_council_doc_verify(&d, c, &other, T0, NULL), CF_ERR_AUTH);
}

static void test_act_bytes(void **state) {
  static uint8_t   buf[65536], again[65536];
  cf_council_doc_t d = example_act(&ex, CF_SPAN_LIT("a body")), back;
  cf_wr_t          wr = cf_wr_init(buf, sizeof buf);
  d.number = (UINT64_C(1) << 48) - 1;
  d.not_after = (UINT64_C(1) << 40) - 1;
  d.version = UINT32_MAX;
  cf_council_doc_encode(&wr, &d);
  assert_int_equal(cf_council_doc_decode(&back, cf_wr_out(&wr), NULL), CF_OK);
  assert_int_equal(back.number, d.number);
  assert_memory_equal(back.sig, d.sig, sizeof d.sig);
  cf_wr_t two = cf_wr_init(again, sizeof again);
  cf_council_doc_encode(&two, &back);
  assert_span(cf_wr_out(&two), cf_wr_out(&wr));
  for (size_t n = 0; n < wr.len; n++) assert_int_equal(cf_council_doc_decode(&back, CF_SPAN(buf, n), NULL), CF_ERR_FORMAT);
  buf[wr.len] = 0;
  assert_int_equal(cf_council_doc_decode(&back, CF_SPAN(buf, wr.len + 1), NULL), CF_ERR_FORMAT);

  cf_council_doc_t const good = d;
  static struct {
    uint64_t council, version, number, not_after;
  } const over[] = {
      {CF_COUNCILS + 1, 1, 0, 0}, {1, UINT64_C(1) << 32, 0, 0}, {1, 1, UINT64_C(1) << 48, 0}, {1, 1, 0, UINT64_C(1) << 40}};
  for (size_t i = 0; i < CF_COUNT_OF(over); i++) {
    d = good;
    d.council = over[i].council;
    d.version = over[i].version;
    d.number = over[i].number;
    d.not_after = over[i].not_after;
    wr = cf_wr_init(buf, sizeof buf);
    cf_council_doc_encode(&wr, &d);
    assert_int_equal(cf_council_doc_decode(&back, cf_wr_out(&wr), NULL), CF_ERR_BOUND);
  }
}

/* ---- receipt files ---- */

static void test_receipt_file(void **state) {
  static uint8_t    buf[4096], again[4096];
  cf_receipt_file_t f = {.receipt = CF_SPAN_LIT("a receipt"), .index = 7, .path_cnt = 32}, back;
  for (unsigned i = 0; i < 32; i++) f.path[i] = example_hash("node", i);
  cf_wr_t wr = cf_wr_init(buf, sizeof buf), two = cf_wr_init(again, sizeof again);
  cf_receipt_file_encode(&wr, &f);
  assert_int_equal(cf_receipt_file_decode(&back, cf_wr_out(&wr), NULL), CF_OK);
  cf_receipt_file_encode(&two, &back);
  assert_span(cf_wr_out(&two), cf_wr_out(&wr));
  for (size_t n = 0; n < wr.len; n++) assert_int_equal(cf_receipt_file_decode(&back, CF_SPAN(buf, n), NULL), CF_ERR_FORMAT);
  buf[wr.len] = 0;
  assert_int_equal(cf_receipt_file_decode(&back, CF_SPAN(buf, wr.len + 1), NULL), CF_ERR_FORMAT);
  static uint8_t const deep[] = {0x83, 0x40, 0x00, 0x98, 0x21}; /* a path of 33 */
  memset(buf, 0, sizeof buf);
  memcpy(buf, deep, sizeof deep);
  assert_int_equal(cf_receipt_file_decode(&back, CF_SPAN(buf, sizeof buf), NULL), CF_ERR_BOUND);
}

/* ---- signed documents ---- */

static void test_open(void **state) {
  static uint8_t buf[CF_ENTRY_MAX + 1];
  instance_t     i = instance_make(0);
  cf_hash_t      hash;
  cf_sign1_t     s;
  cf_receipt_t   out;
  cf_boot_t      boot;
  cf_hash_t      zero = {{0}};
  cf_receipt_t   r = example_receipt(&ex, &i, 1, &zero, &zero, &zero);
  r.epoch = 2;
  cf_span_t e = entry_receipt(buf, sizeof buf, &hash, &r, i.receipt);
  assert_int_equal(cf_document_open(&out, &s, &cf_receipt_table, e, NULL), CF_OK);
  assert_int_equal(cf_sign1_verify(&s, &i.receipt_pub), CF_OK);
  assert_int_equal(cf_sign1_verify(&s, &i.identity_pub), CF_ERR_AUTH);
  cf_hash_t again = cf_document_hash(s.protected_hdr, s.payload);
  assert_hash(again, hash);
  assert_span(s.hdr.iss, CF_SPAN_LIT("enclave"));
  assert_span(s.hdr.sub, CF_SPAN_LIT("receipt"));
  assert_int_equal(cf_document_open(&boot, &s, &cf_boot_table, e, NULL), CF_ERR_UNSUPPORTED); /* another typ */
  assert_int_equal(cf_document_open(&out, &s, &cf_receipt_table, CF_SPAN(buf, sizeof buf), NULL), CF_ERR_BOUND);
  assert_int_equal(cf_document_open(&out, &s, &cf_receipt_table, CF_SPAN(buf, e.len - 1), NULL), CF_ERR_FORMAT);
  instance_free(&i);
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test_setup(test_councils, set_up), cmocka_unit_test(test_f_max),
      cmocka_unit_test_setup(test_members, set_up),  cmocka_unit_test(test_genesis),
      cmocka_unit_test_setup(test_act, set_up),      cmocka_unit_test_setup(test_act_bytes, set_up),
      cmocka_unit_test(test_receipt_file),           cmocka_unit_test_setup(test_open, set_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
