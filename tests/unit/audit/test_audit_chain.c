// link: enclave session workload ledger translog evidence
/* A domain whose ledger is on a chain: the same enclave and rules, a contract's state behind them, and nodes that tell of it, as they
   should and not. */
#include "audit_world.h"

static char   text[1 << 20];
static size_t text_len;

static void on_text(void *ctx, cf_span_t s) {
  assert_true(text_len + s.len < sizeof text);
  memcpy(text + text_len, s.ptr, s.len);
  text_len += s.len;
  text[text_len] = 0;
}

static char const *text_of(cf_audit_t const *a) {
  cf_audit_out_t out = {on_text, NULL};
  text_len = 0;
  cf_audit_text(a, &out);
  return text;
}

static char const *json_of(cf_audit_t const *a) {
  cf_audit_out_t out = {on_text, NULL};
  cf_json_t      v;
  text_len = 0;
  cf_audit_json(a, &out);
  assert_int_equal(cf_json_parse(&v, CF_SPAN(text, text_len), NULL), CF_OK);
  return text;
}

static char const *html_of(cf_audit_t const *a) {
  cf_audit_out_t out = {on_text, NULL};
  text_len = 0;
  cf_audit_html(a, &out);
  return text;
}

static cf_audit_t *run(a_world_t *w, bool asked, cf_status_t want) {
  cf_audit_t        *a;
  cf_audit_reader_t  r = tree_reader(w->t);
  cf_audit_options_t o = {.domain = &w->w->domain, .chain = asked ? &w->evm->chain : NULL};
  cf_status_t        st = cf_audit_run(&a, &r, &o);
  if (st != want) fail_msg("%s\n%s", cf_status_name(st), text_of(a));
  return a;
}

/* Of all faults one says that. */
static void must_fail(a_world_t *w, unsigned check, char const *says) {
  cf_audit_t *a = run(w, true, CF_ERR_AUTH);
  bool        said = false;
  for (size_t i = 0; i < cf_audit_counts(a)->faults && !said; i++) {
    cf_audit_fault_t const *f = cf_audit_fault_at(a, i);
    said = f->check == check && strstr(f->text, says);
    assert_string_equal(f->file, "");
  }
  if (!said) fail_msg("not said: %s\n%s", says, text_of(a));
  cf_audit_free(a);
}

static void must_hold(a_world_t *w) { cf_audit_free(run(w, true, CF_OK)); }

static a_world_t *life(uint64_t seed) {
  world_on_chain = true;
  return a_life(seed);
}

static void test_whole(void **state) {
  a_world_t               *w = life(1);
  cf_audit_t              *a = run(w, true, CF_OK);
  cf_audit_counts_t const *n = cf_audit_counts(a);
  cf_audit_custody_t       c;
  assert_int_equal(n->executed, 2);
  assert_int_equal(n->contents, 2);
  assert_int_equal(n->registrations, 1);
  assert_int_equal(n->hold, n->receipts);
  assert_true(n->blocks > 0 && n->proofs == n->blocks);
  assert_int_equal(cf_audit_settlement(a, 2, &c), CF_OK);
  assert_true(c.settled && c.block == w->evm->settled[1].block);
  assert_non_null(strstr(text_of(a), "OK   10 of 10 checks"));
  assert_non_null(strstr(text, "on chain 31337, to final block"));
  assert_non_null(strstr(json_of(a), "\"verdict\":\"ok\""));
  assert_non_null(strstr(text, "\"asked\":true"));
  assert_non_null(strstr(html_of(a), "<div class=\"box ok\"><b>OK"));
  cf_audit_free(a);
  a_world_free(w);
}

/* Nobody asked the chain: nothing is wrong, and it does not say that all is well. */
static void test_not_asked(void **state) {
  a_world_t               *w = life(2);
  cf_audit_t              *a = run(w, false, CF_ERR_UNSUPPORTED);
  cf_audit_counts_t const *n = cf_audit_counts(a);
  char                     line[200];
  assert_int_equal(n->faults, 0);
  assert_true(n->not_judged > 0 && n->hold + n->not_judged == n->receipts);
  assert_int_equal(n->executed, 0);
  cf_audit_line(a, line);
  assert_memory_equal(line, "PART   9 of 10 checks", 21);
  assert_non_null(strstr(text_of(a), "NOT asked"));
  assert_non_null(strstr(text, "opened, not judged"));
  assert_null(strstr(text, "OK  "));
  assert_non_null(strstr(json_of(a), "\"verdict\":\"part\""));
  assert_non_null(strstr(text, "\"asked\":false"));
  assert_non_null(strstr(html_of(a), "<div class=\"box no\"><b>PART"));
  cf_audit_free(a);
  mem_file_t *f = tree_find(w->t, "log/tile/entries/000.p/4"); /* what is wrong with the rest is told all the same */
  for (size_t i = 0; !f && i < w->t->cnt; i++)
    if (!strncmp(w->t->file[i].name, "archive/", 8)) f = &w->t->file[i];
  f->bytes[f->len / 2] ^= 1;
  cf_audit_free(run(w, false, CF_ERR_AUTH));
  a_world_free(w);
}

static void test_nodes(void **state) {
  a_world_t *w = life(3);
  w->evm->failing = true;
  cf_audit_free(run(w, true, CF_ERR_IO));
  w->evm->failing = false;
  w->evm->silent = true;
  cf_audit_free(run(w, true, CF_ERR_IO));
  w->evm->silent = false;
  w->evm->gone = true;
  must_fail(w, 10, "no contract stands at the address");
  w->evm->gone = false;
  w->evm->at.code_hash.b[0] ^= 1;
  must_fail(w, 10, "the deployment entry names");
  w->evm->at.code_hash.b[0] ^= 1;
  must_hold(w);
  a_world_free(w);
}

/* A block that a finality proof names is not on the chain, or another is there; of other blocks nobody asks. */
static void test_blocks(void **state) {
  a_world_t *w = life(4);
  evm_t     *e = w->evm;
  uint64_t   named = 0;
  for (size_t i = 0; i < e->block_cnt; i++) {
    cf_audit_block_t const kept = e->block[i];
    cf_audit_t            *a;
    cf_audit_reader_t      r = tree_reader(w->t);
    e->block[i].hash.b[5] ^= 1;
    cf_status_t st = cf_audit_run(&a, &r, &(cf_audit_options_t){.chain = &e->chain});
    cf_audit_free(a);
    named += st != CF_OK;
    if (st) {
      must_fail(w, 10, "observers proved another block of this number final");
      e->block[i] = kept;
      e->block[i].time_s++;
      must_fail(w, 10, "observers proved another block of this number final");
      e->block[i].number = 1;
      must_fail(w, 10, "missing; observers proved this block final");
    }
    e->block[i] = kept;
  }
  cf_audit_t *a = run(w, true, CF_OK);
  assert_int_equal(named, cf_audit_counts(a)->blocks);
  assert_int_equal(named, 3);
  cf_audit_free(a);
  a_world_free(w);
}

/* More than are asked for at once; the last of them is another one. */
static void test_many_blocks(void **state) {
  a_world_t *w = life(11);
  evm_t     *e = w->evm;
  for (unsigned i = 0; i < 2 * CF_AUDIT_BLOCKS_MAX - 3; i++) {
    w->w->now_s++;
    a_block(w, NULL, 0);
    a_show_ledger(w);
    (void)a_batch(w, NULL, 0);
  }
  a_show(w);
  cf_audit_t *a = run(w, true, CF_OK);
  assert_int_equal(cf_audit_counts(a)->blocks, 2 * CF_AUDIT_BLOCKS_MAX);
  cf_audit_free(a);
  e->block[e->block_cnt - 1].hash.b[7] ^= 1;
  must_fail(w, 10, "observers proved another block of this number final");
  a_world_free(w);
}

/* Of what moved the head nothing can be left out, made up, changed or put into another order. */
static void test_heads(void **state) {
  a_world_t               *w = life(5);
  evm_t                   *e = w->evm;
  cf_audit_settled_t const kept[2] = {e->settled[0], e->settled[1]};
  e->facts.settled_cnt = 1;
  must_fail(w, 10, "lead to");
  e->facts.settled_cnt = 0;
  must_fail(w, 10, "lead to");
  e->facts.settled_cnt = 1;
  e->settled[0] = kept[1];
  must_fail(w, 10, "does not stand on head");
  e->facts.settled_cnt = 2;
  e->settled[1] = kept[0];
  must_fail(w, 10, "does not stand on head");
  e->settled[0] = kept[0];
  e->settled[1] = kept[1];
  e->settled[1].settlement.entries.b[0] ^= 1;
  must_fail(w, 10, "does not stand on head");
  e->settled[1] = kept[1];
  e->settled[1].block = e->settled[0].block - 1;
  must_fail(w, 10, "does not stand on head");
  e->settled[1].block = e->at.number + 1; /* not final */
  must_fail(w, 10, "does not stand on head");
  e->settled[1] = kept[1];
  e->settled[2] = kept[1];
  e->facts.settled_cnt = 3;
  must_fail(w, 10, "does not stand on head");
  e->facts.settled_cnt = 2;
  must_hold(w);
  a_world_free(w);
}

/* What was settled, and the log does not have. */
static void test_hidden(void **state) {
  world_on_chain = true;
  a_world_t *w = a_world_new(6);
  a_world_begin(w);
  fund(w);
  (void)a_batch(w, NULL, 0);
  w->hide_settlement = true;
  a_window(w, 100);
  must_fail(w, 10, "which no settlement of the log opens");
  a_world_free(w);
}

/* The log goes on as if a settlement had been executed: its enclave saw another chain than the one that is asked. */
static void test_said(void **state) {
  a_world_t *w = life(7);
  evm_t     *e = w->evm;
  w->w->now_s += 2 * e->genesis.config.max_validity_s;
  a_block(w, NULL, 0);
  a_show_ledger(w);
  (void)a_batch(w, NULL, 0);
  a_show(w);
  must_hold(w);
  e->facts.settled_cnt = 1;
  evm_put(&e->at, cf_slot_plain(CF_SLOT_HEAD), e->settled[0].head);
  must_fail(w, 10, "and the ledger never did that");
  a_world_free(w);
}

static a_world_t *lively;

/* Between the nodes' answer and the log that is read, a window is settled, and its validity passes. */
static cf_read_t facts_of_before(void *ctx, cf_audit_chain_facts_t *out, cf_ledger_identity_t const *ledger) {
  cf_read_t  r = evm_facts(ctx, out, ledger);
  a_world_t *w = lively;
  a_window(w, 10);
  w->w->now_s += 2 * w->evm->genesis.config.max_validity_s;
  a_block(w, NULL, 0);
  a_show_ledger(w);
  (void)a_batch(w, NULL, 0);
  a_show(w);
  return r;
}

static void test_live(void **state) {
  a_world_t         *w = lively = life(10);
  cf_audit_reader_t  r = {NULL, tree_read, w->t};
  cf_audit_options_t o = {.chain = &w->evm->chain};
  cf_audit_t        *a;
  w->evm->chain.facts = facts_of_before;
  if (cf_audit_run(&a, &r, &o)) fail_msg("%s", text_of(a));
  assert_int_equal(cf_audit_counts(a)->contents, 3);
  assert_int_equal(cf_audit_counts(a)->executed, 2); /* as far as was asked */
  cf_audit_free(a);
  w->evm->chain.facts = evm_facts;
  a = run(w, true, CF_OK);
  assert_int_equal(cf_audit_counts(a)->executed, 3);
  cf_audit_free(a);
  a_world_free(w);
}

/* Opened and not executed: in flight while it is valid; then given up by its enclave, and what takes its place is executed. */
static void test_given_up(void **state) {
  a_world_t *w = life(9);
  evm_t     *e = w->evm;
  cf_span_t  env[3];
  for (uint32_t i = 0; i < 3; i++) env[i] = obligation(w, &w->party[i], (i + 1) % 3 + 1, 10 * (i + 1));
  (void)a_batch(w, env, 3);
  (void)a_batch(w, NULL, 0);
  (void)a_batch(w, NULL, 0);
  a_show(w);
  a_settle(w, false);
  put_note(w);
  w->w->now_s += 2;
  a_block(w, NULL, 0);
  a_show_ledger(w);
  (void)a_batch(w, NULL, 0);
  a_show(w);
  must_hold(w);
  w->w->now_s += 2 * e->genesis.config.max_validity_s;
  a_block(w, NULL, 0);
  a_show_ledger(w);
  for (int i = 0; i < 3; i++) (void)a_batch(w, NULL, 0); /* gives it up and closes anew, closes, intends */
  a_show(w);
  a_settle(w, true);
  put_note(w);
  a_show_ledger(w);
  (void)a_batch(w, NULL, 0);
  a_show(w);
  cf_audit_t *a = run(w, true, CF_OK);
  assert_int_equal(cf_audit_counts(a)->abandoned, 1);
  assert_int_equal(cf_audit_counts(a)->executed, 3);
  cf_audit_free(a);
  e->facts.settled_cnt = 0; /* where the head was at a block is not known then, and nothing hangs on it */
  a = run(w, true, CF_ERR_AUTH);
  assert_null(strstr(text_of(a), "abandons"));
  assert_non_null(strstr(text, "lead to"));
  cf_audit_free(a);
  a_world_free(w);
}

static void earlier(cf_ear_t *e) { e->until--; }

static void test_registrations(void **state) {
  a_world_t                  *w = life(8);
  evm_t                      *e = w->evm;
  cf_audit_registered_t const kept = e->registered[0];
  e->registered[0].called = false; /* through another contract: its key is known, and no more */
  must_hold(w);
  e->registered[0].key.b[3] ^= 1;
  must_fail(w, 3, "that no epoch certificate in the log names");
  e->registered[0].called = true;
  must_fail(w, 3, "that the verifiers did not sign");
  e->registered[0] = kept;
  e->registered[0].r.evidence.b[0] ^= 1; /* a node that says what was not called */
  must_fail(w, 3, "that the verifiers did not sign");
  e->registered[0] = kept;
  e->registered[0].sigs.cnt = 1;
  must_fail(w, 3, "that the verifiers did not sign");
  e->registered[0].sigs.cnt = 2;
  e->registered[0].sigs.at[1] = e->registered[0].sigs.at[0];
  must_fail(w, 3, "that the verifiers did not sign");
  e->registered[0] = kept;
  must_hold(w);
  a_world_free(w);

  world_on_chain = true;
  w = a_world_new(8); /* signed, and resting on evidence that the log does not have */
  w->other_evidence = true;
  a_world_begin(w);
  must_fail(w, 3, "resting on evidence that no result in the log is of");
  a_world_free(w);

  w = a_world_new(8); /* for an epoch whose verifiers lied: by the call, and by its key alone */
  w->twist_ear = earlier;
  a_world_begin(w);
  must_fail(w, 3, "registers a key for an epoch that does not pass check 3");
  w->evm->registered[0].called = false;
  must_fail(w, 3, "registers a key for an epoch that does not pass check 3");
  a_world_free(w);
}

/* One slot says something else than what led to it; and it is the proof's word that counts. */
static void other_slot(a_world_t *w, cf_hash_t key, unsigned byte, uint8_t xor, unsigned check, char const *says) {
  evm_t          *e = w->evm;
  cf_hash_t const is = evm_get(&e->at, key);
  cf_hash_t       other = is;
  other.b[byte] ^= xor;
  evm_put(&e->at, key, other);
  must_fail(w, check, says);
  evm_put(&e->at, key, is);
}

static cf_hash_t lanes_of(cf_hash_t base) { return cf_slot_add(&base, 0); }

static void test_holdings(void **state) {
  a_world_t               *w = life(12);
  evm_t                   *e = w->evm;
  uint64_t const           held = e->held;
  cf_audit_message_t const kept = e->message[1];
  cf_audit_t              *a = run(w, true, CF_OK);
  assert_true(cf_audit_counts(a)->slots >= 8);
  assert_non_null(strstr(text_of(a), " slots proven; keys: 1 live, 0 revoked"));
  assert_non_null(strstr(text, " held        "));
  assert_non_null(strstr(json_of(a), "\"held_proven\":true"));
  cf_audit_free(a);
  other_slot(w, lanes_of(cf_slot_lanes(0)), 23, 1, 10, "account 1 has");
  other_slot(w, lanes_of(cf_slot_lanes(0)), 15, 1, 10, "account 2 has");
  other_slot(w, lanes_of(cf_slot_lanes(0)), 6, 1, 10, "account 3 has"); /* 256 units */
  other_slot(w, lanes_of(cf_slot_lanes(0)), 31, 1, 10, "account 0 has 1 of asset 0 in its lane");
  other_slot(w, cf_slot_asset(0), 11, 1, 10, "another token or unit than genesis names");
  other_slot(w, cf_slot_asset(0), 31, 1, 10, "another token or unit than genesis names");
  other_slot(w, cf_slot_plain(CF_SLOT_COUNTERS), 31, 8, 10, "were opened");
  other_slot(w, cf_slot_plain(CF_SLOT_INBOX), 0, 1, 10, "the messages that the nodes tell of lead to");
  e->held--;
  must_fail(w, 10, "'s token in block");
  e->held = held + 1; /* a gift is no fault */
  must_hold(w);
  e->held = held;
  e->no_token = true;
  must_fail(w, 10, "does not say what the ledger holds");
  e->no_token = false;
  e->facts.messages_cnt--;
  must_fail(w, 10, "the messages that the nodes tell of lead to");
  e->facts.messages_cnt++;
  e->message[1].said.id ^= 1;
  must_fail(w, 10, "the messages that the nodes tell of lead to");
  e->message[1] = e->message[0];
  must_fail(w, 10, "the messages that the nodes tell of lead to");
  e->message[1] = kept;
  e->mute = true;
  cf_audit_free(run(w, true, CF_ERR_IO));
  e->mute = false;
  must_hold(w);
  a_world_free(w);
}

/* As the contract does it. */
static void outsider(evm_t *e, cf_inbox_msg_t m) {
  m.time_s = e->at.time_s;
  evm_message(&e->at, &m);
  evm_put(&e->at, cf_slot_plain(CF_SLOT_INBOX), e->at.inbox);
  e->message[e->facts.messages_cnt++] = (cf_audit_message_t){e->at.number, e->event++, m};
}

static void set(evm_t *e, cf_hash_t key, unsigned bit, unsigned width, uint64_t v) {
  cf_hash_t word = evm_get(&e->at, key);
  cf_word_set(&word, bit, width, v);
  evm_put(&e->at, key, word);
}

static void test_keys(void **state) {
  a_world_t *w = life(13);
  evm_t     *e = w->evm;
  cf_addr_t  key = e->registered[0].key;
  cf_hash_t  slot = cf_slot_key(&key), revoked = cf_slot_revoked(&e->registered[0].r.instance), word = evm_get(&e->at, slot);
  uint64_t   top = evm_get(&e->at, cf_slot_plain(CF_SLOT_TOP_EPOCH)).b[31];
  other_slot(w, slot, 31, CF_KEY_LIVE, 3, "its slot has none");
  other_slot(w, slot, 31, CF_KEY_LIVE ^ CF_KEY_REVOKED, 3, "its slot is revoked, and no message says so");
  other_slot(w, slot, 30, 1, 3, "other terms"); /* epoch */
  other_slot(w, slot, 25, 1, 3, "other terms"); /* policy */
  other_slot(w, slot, 21, 1, 3, "other terms"); /* not before */
  other_slot(w, slot, 16, 1, 3, "other terms"); /* not after */
  other_slot(w, slot, 11, 1, 3, "other terms"); /* tcb */
  other_slot(w, cf_slot_plain(CF_SLOT_INSTANCE), 0, 1, 3, "the contract's instance is");
  other_slot(w, cf_slot_plain(CF_SLOT_TOP_EPOCH), 31, 64, 3, "the contract's highest epoch is");
  other_slot(w, cf_slot_plain(CF_SLOT_STATUS), 12, 64, 3, "are fenced; registrations and revocations lead to");
  other_slot(w, revoked, 31, 1, 3, "is revoked, and no message says so");
  e->facts.registered_cnt = 0; /* what all nodes keep quiet about the slots tell */
  must_fail(w, 3, "the nodes tell of no registration");
  e->facts.registered_cnt = 1;
  e->registered[1] = e->registered[0]; /* and of one made up, of a key that no certificate names */
  e->registered[1].key.b[0] ^= 1;
  e->registered[1].called = false;
  e->facts.registered_cnt = 2;
  must_fail(w, 3, "its slot has none");
  e->facts.registered_cnt = 1;
  must_hold(w);

  outsider(e, (cf_inbox_msg_t){.kind = CF_INBOX_INSTANCE_REVOKED, .hash = e->registered[0].r.instance});
  must_fail(w, 3, "was revoked, and its slot does not say so");
  set(e, revoked, 0, 64, 1);
  must_fail(w, 3, "are fenced; registrations and revocations lead to");
  set(e, cf_slot_plain(CF_SLOT_STATUS), 152, 40, top + 1);
  must_hold(w);
  outsider(e, (cf_inbox_msg_t){.kind = CF_INBOX_KEY_REVOKED, .addr = key});
  must_fail(w, 3, "it was revoked, and its slot is live");
  set(e, slot, 0, 8, CF_KEY_REVOKED);
  cf_audit_t *a = run(w, true, CF_OK);
  assert_non_null(strstr(text_of(a), "keys: 0 live, 1 revoked"));
  cf_audit_free(a);
  evm_put(&e->at, slot, word);
  e->registered[0].called = false; /* through another contract: what its certificate says must do */
  set(e, slot, 0, 8, CF_KEY_REVOKED);
  must_hold(w);
  set(e, slot, 8, 40, top + 1);
  must_fail(w, 3, "other terms");
  a_world_free(w);
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_whole), cmocka_unit_test(test_not_asked), cmocka_unit_test(test_nodes),
      cmocka_unit_test(test_blocks), cmocka_unit_test(test_many_blocks), cmocka_unit_test(test_heads),    cmocka_unit_test(test_hidden),
      cmocka_unit_test(test_live),  cmocka_unit_test(test_given_up), cmocka_unit_test(test_said),  cmocka_unit_test(test_registrations),
      cmocka_unit_test(test_holdings), cmocka_unit_test(test_keys),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
