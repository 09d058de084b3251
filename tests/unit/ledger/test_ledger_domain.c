/* What follows from genesis: who is refused at the door, and block 0 as the ledger must have it. */
#include "../document/document_world.h"

#include "ledger/cf_domain.h"

static example_t   ex;
static cf_domain_t d;

static int set_up(void **state) {
  example_init(&ex);
  example_found(&ex);
  return 0;
}

static void test_open(void **state) {
  cf_error_t err = {0};
  assert_int_equal(cf_domain_open(&d, ex.genesis_entry, NULL, &err), CF_OK);
  assert_hash(d.id, ex.domain);
  assert_hash(d.policy_hash, ex.policy_hash);
  assert_hash(d.ledger.separator, ex.separator);
  assert_int_equal(d.witnesses.cnt, 4);
  assert_int_equal(d.witnesses.k, 3);
  assert_string_equal(d.witnesses.log.name, "example.org/log");
  for (size_t n = 0; n < ex.genesis_entry.len; n += 7)
    assert_int_not_equal(cf_domain_open(&d, CF_SPAN(ex.entry0, n), NULL, NULL), CF_OK);
}

/* Every bit of entry 0 is covered: by the wrapper's signature, by that of the governors, or by the form. */
static void test_altered(void **state) {
  for (size_t at = 0; at < ex.genesis_entry.len; at += 3) {
    ex.entry0[at] ^= 0x10;
    if (cf_domain_open(&d, ex.genesis_entry, NULL, NULL) == CF_OK) fail_msg("byte %zu", at);
    ex.entry0[at] ^= 0x10;
  }
}

static void wrap(cf_council_doc_t const *doc, char const *label) {
  cf_p256_key_t *key = example_p256(label, 0);
  cf_wr_t        wr = cf_wr_init(ex.entry0, sizeof ex.entry0);
  cf_council_doc_seal(&wr, cf_genesis_table.typ, doc, key, "example.org/log", "genesis");
  ex.genesis_entry = cf_wr_out(&wr);
  cf_p256_key_free(key);
}

static void test_signers(void **state) {
  cf_council_doc_t doc = example_act(&ex, ex.genesis_body);
  wrap(&doc, "gateway"); /* entry 0 is the log's */
  assert_int_equal(cf_domain_open(&d, ex.genesis_entry, NULL, NULL), CF_ERR_AUTH);
  doc.sigs_cnt = 1; /* k - 1 governors */
  wrap(&doc, "log es256");
  assert_int_equal(cf_domain_open(&d, ex.genesis_entry, NULL, NULL), CF_ERR_AUTH);
  doc.sigs_cnt = 2;
  doc.sig[1][0] ^= 1;
  wrap(&doc, "log es256");
  assert_int_equal(cf_domain_open(&d, ex.genesis_entry, NULL, NULL), CF_ERR_AUTH);
}

/* What a ledger cannot be founded on. */
static void test_rules(void **state) {
  struct {
    char const *name;
    uint64_t   *at;
    uint64_t    value;
  } const cases[] = {
      {"guardians of another version", &ex.genesis.councils[1].version, 2},
      {"overlap", &ex.genesis.ledger.overlap_s, 601},
      {"key delay", &ex.genesis.ledger.key_delay_s, 300},
      {"exit delay", &ex.genesis.ledger.exit_delay_s, 5999},
      {"chain id", &ex.genesis.ledger.chain_id, 1},
      {"a parameter beyond 2^32 seconds", &ex.genesis.ledger.dead_after_s, UINT64_C(1) << 32},
      {"witnesses", &ex.genesis.councils[3].k, 2},
  };
  for (size_t i = 0; i < CF_COUNT_OF(cases); i++) {
    uint64_t   kept = *cases[i].at;
    cf_error_t err = {0};
    *cases[i].at = cases[i].value;
    example_found(&ex);
    if (cf_domain_open(&d, ex.genesis_entry, NULL, &err) != CF_ERR_POLICY) fail_msg("%s", cases[i].name);
    assert_int_equal(err.status, CF_ERR_POLICY);
    *cases[i].at = kept;
  }
  ex.genesis.councils[3].members[0].name = CF_SPAN_LIT("a name with spaces");
  example_found(&ex);
  assert_int_equal(cf_domain_open(&d, ex.genesis_entry, NULL, NULL), CF_ERR_FORMAT);
}

static void test_block0(void **state) {
  static cf_slot_write_t writes[CF_GENESIS_WRITES_MAX];
  size_t                 cnt;
  cf_addr_t              treasury = example_addr("treasury", 0), issuer = example_addr("euro issuer", 0),
            governor = example_addr("governor", 2);
  cf_addr_t verifier = example_addr("verifier", 1), contract = example_addr("block", 0);
  assert_int_equal(cf_domain_open(&d, ex.genesis_entry, NULL, NULL), CF_OK);
  cf_ledger_genesis_t *g = &d.block0;
  assert_int_equal(cf_ledger_genesis(g, writes, CF_COUNT_OF(writes), &cnt, NULL), CF_OK);
  assert_true(g->config.embedded);
  assert_int_equal(g->config.chain_id, (UINT64_C(1) << 40) + 7);
  assert_memory_equal(g->config.contract.b, contract.b, 20);
  assert_hash(g->config.domain, ex.domain);
  assert_hash(g->config.separator, ex.separator);
  assert_int_equal(g->config.mode, CF_MODE_NET);
  uint64_t const        times[] = {g->config.max_validity_s, g->config.max_pause_s, g->config.exit_delay_s, g->config.notice_s,
                                   g->config.dead_after_s,   g->config.overlap_s,   g->config.key_delay_s};
  static uint64_t const want[] = {600, 3600, 6000, 9600, 15600, 600, 60};
  assert_memory_equal(times, want, sizeof want);
  assert_int_equal(g->time_s, T0);
  assert_int_equal(g->policy, 1);
  assert_hash(g->policy_hash, ex.policy_hash);
  cf_hash_t mask = cf_word_u64(1), measurement = example_hash("measurement", 0);
  assert_hash(g->tcb_mask, mask);
  assert_int_equal(g->measurements_cnt, 1);
  assert_hash(g->measurements[0].measurement, measurement);
  assert_int_equal(g->measurements[0].until_s, T0 + 365 * 86400);
  assert_int_equal(g->council_version, 1);
  assert_int_equal(g->councils[CF_LEDGER_GOVERNORS - 1].k, 2);
  assert_memory_equal(g->councils[CF_LEDGER_GOVERNORS - 1].member[2].b, governor.b, 20);
  assert_int_equal(g->councils[CF_LEDGER_VERIFIERS - 1].n, 3);
  assert_memory_equal(g->councils[CF_LEDGER_VERIFIERS - 1].member[1].b, verifier.b, 20);
  assert_int_equal(g->assets_cnt, 2);
  assert_memory_equal(g->assets[0].token.b, treasury.b, 20); /* no token of its own: the treasury issues it */
  assert_memory_equal(g->assets[1].token.b, issuer.b, 20);
  assert_int_equal(g->assets[0].scale, 2);
  assert_int_equal(g->assets[1].cap, 5000000);
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test_setup(test_open, set_up),    cmocka_unit_test_setup(test_altered, set_up),
      cmocka_unit_test_setup(test_signers, set_up), cmocka_unit_test_setup(test_rules, set_up),
      cmocka_unit_test_setup(test_block0, set_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
