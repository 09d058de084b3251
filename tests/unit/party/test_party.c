/* A party's dealings: state files, sealing, receipts, results, calls; against an enclave's end and a ledger by its rules. */
#include "base/cf_secret.h"
#include "party_world.h"

static world_t       dom;
static cf_attested_t att;
static cf_pending_t  pending[PENDING_MAX];

typedef struct {
  cf_wallet_t  wallet;
  cf_account_t account;
  cf_ciphers_t ciphers;
  cf_drbg_t    drbg;
  cf_entropy_t entropy;
  cf_hash_t    instance;
  uint8_t      buf[8192], plain[CF_BUCKET_MAX];
} party_t;

static void party_open(party_t *p) {
  cf_verdict_t v;
  cf_hash_t    seed = h("party");
  world_make(&dom, spoil_nothing);
  assert_int_equal(cf_bundle_check(&att, &dom.bundle, &dom.ask, &v), CF_VERDICT_OK);
  cf_drbg_init(&p->drbg, &seed);
  p->entropy = cf_drbg_entropy(&p->drbg);
  p->ciphers = cf_ciphers_new(cf_suite(1));
  memcpy(p->instance.b, att.epoch.instance, 32);
  cf_wallet_make(&p->wallet, &p->entropy);
  cf_account_init(&p->account, &att.trust.id, pending, PENDING_MAX);
}

static void party_close(party_t *p) {
  cf_ciphers_free(&p->ciphers);
  cf_account_wipe(&p->account);
}

static cf_status_t seal_at(party_t *p, cf_span_t *envelope, cf_hash_t *id, uint64_t at_s) {
  cf_error_t  err = {0};
  cf_wr_t     wr = cf_wr_init(p->buf, sizeof p->buf);
  cf_status_t st =
      cf_party_seal(&p->account, &wr, id, &p->wallet, &att, &p->ciphers, CF_SPAN_LIT("pay"), at_s, &p->entropy, &err);
  assert_true(st == err.status);
  *envelope = cf_wr_out(&wr);
  return st;
}

/* The enclave's end: the kind of envelope, and what it says. */
static cf_envelope_kind_t receive(party_t *p, cf_session_t *s, cf_input_t *input, cf_span_t envelope) {
  cf_envelope_t env;
  uint8_t class = 99;
  cf_session_epoch_t epoch = {.key = cf_x25519_key_from(dom.sealing.b),
                              .certificate = att.certificate,
                              .policy = att.trust.policy_hash,
                              .epoch = 2,
                              .suite = 1};
  assert_int_equal(cf_envelope_decode(&env, envelope, sizeof p->buf), CF_REFUSE_NONE);
  if (env.kind == CF_ENVELOPE_OPENING) {
    assert_int_equal(cf_session_accept(s, input, &class, p->plain, &p->ciphers, &att.trust.id, &epoch, &env, NOW),
                     CF_REFUSE_NONE);
    assert_int_equal(class, CF_RESULT_ACCEPTED);
    assert_true(cf_addr_eq(&s->owner, &p->wallet.addr));
  } else {
    assert_int_equal(cf_session_open(s, input, p->plain, &p->ciphers, &env), CF_REFUSE_NONE);
  }
  cf_x25519_key_free((cf_x25519_key_t *)(uintptr_t)epoch.key);
  return env.kind;
}

/* ---- sealing ---- */

static void sealing(void **state) {
  static party_t p;
  cf_session_t   s;
  cf_input_t     input;
  cf_span_t      envelope;
  cf_hash_t      id, want;
  party_open(&p);
  for (uint64_t n = 1; n <= 5; n++) {
    assert_int_equal(seal_at(&p, &envelope, &id, NOW), CF_OK);
    want = cf_envelope_id(envelope);
    assert_true(cf_hash_eq(&id, &want) && cf_account_pending(&p.account, &id)->order == n);
    assert_int_equal(receive(&p, &s, &input, envelope), n == 1 ? CF_ENVELOPE_OPENING : CF_ENVELOPE_SESSION);
    assert_true(input.form && input.order == n && cf_span_eq(input.body, CF_SPAN_LIT("pay")));
  }
  assert_true(p.account.order == 5 && p.account.pending_cnt == 5 && p.account.kept.size == 11);

  /* an expired session, and one to another certificate, are followed by a new one; order numbers go on */
  p.account.session.expiry_s = NOW - 1;
  assert_int_equal(seal_at(&p, &envelope, &id, NOW), CF_OK);
  assert_int_equal(receive(&p, &s, &input, envelope), CF_ENVELOPE_OPENING);
  assert_true(input.order == 6 && p.account.before_cnt == 1 && p.account.before[0].expiry_s == NOW - 1);
  p.account.session.certificate.b[0] ^= 1;
  assert_int_equal(seal_at(&p, &envelope, &id, NOW), CF_OK);
  assert_int_equal(receive(&p, &s, &input, envelope), CF_ENVELOPE_OPENING);
  assert_int_equal(input.order, 7);

  cf_account_done(&p.account, &id);
  assert_null(cf_account_pending(&p.account, &id));
  assert_int_equal(p.account.pending_cnt, 6);
  party_close(&p);
}

static void sealing_refused(void **state) {
  static party_t p;
  cf_span_t      envelope;
  cf_hash_t      id;
  cf_error_t     err = {0};
  party_open(&p);
  assert_int_equal(seal_at(&p, &envelope, &id, att.until_s), CF_OK);
  uint64_t order = p.account.order;
  assert_int_equal(seal_at(&p, &envelope, &id, att.until_s + 1), CF_ERR_STALE);
  att.stale = true; /* the party asked for it */
  assert_int_equal(seal_at(&p, &envelope, &id, att.until_s + 1), CF_OK);
  att.stale = false;
  p.account.domain.b[0] ^= 1;
  assert_int_equal(seal_at(&p, &envelope, &id, NOW), CF_ERR_POLICY);
  p.account.domain.b[0] ^= 1;
  p.account.pending_max = p.account.pending_cnt;
  assert_int_equal(seal_at(&p, &envelope, &id, NOW), CF_ERR_BOUND);
  p.account.pending_max = PENDING_MAX;
  cf_wr_t  small = cf_wr_init(p.buf, 100);
  uint64_t counter = p.account.session.in.highest;
  assert_int_equal(cf_party_seal(&p.account, &small, &id, &p.wallet, &att, &p.ciphers, CF_SPAN_LIT("pay"), NOW, &p.entropy, &err),
                   CF_ERR_BOUND);
  assert_true(p.account.order == order + 1 && p.account.session.in.highest == counter); /* no refusal uses a number up */
  party_close(&p);
}

/* ---- state files ---- */

static void wallet_file(void **state) {
  cf_drbg_t    drbg;
  cf_hash_t    seed = h("wallet");
  cf_entropy_t e = cf_drbg_entropy(&drbg);
  cf_wallet_t  w, got;
  uint8_t      buf[CF_WALLET_TEXT_SZ];
  cf_error_t   err = {0};
  cf_drbg_init(&drbg, &seed);
  cf_wallet_make(&w, &e);
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_wallet_encode(&wr, &w);
  assert_int_equal(wr.len, CF_WALLET_TEXT_SZ);
  assert_int_equal(cf_wallet_decode(&got, cf_wr_out(&wr), &err), CF_OK);
  assert_memory_equal(&got, &w, sizeof w);
  for (size_t n = 0; n < sizeof buf; n++) assert_int_equal(cf_wallet_decode(&got, CF_SPAN(buf, n), &err), CF_ERR_FORMAT);
  static struct {
    size_t  at;
    uint8_t value;
  } const bad[] = {{0, 'g'}, {64, ' '}, {100, '\n'}, {129, 'x'}, {194, ' '}, {193, 'x'}};
  for (size_t i = 0; i < COUNT(bad); i++) {
    uint8_t was = buf[bad[i].at];
    buf[bad[i].at] = bad[i].value;
    assert_int_equal(cf_wallet_decode(&got, CF_SPAN_OF(buf), &err), CF_ERR_FORMAT);
    buf[bad[i].at] = was;
  }
  for (size_t i = 0; i < sizeof buf; i++) { /* another key is no less a key: the hash tells */
    uint8_t was = buf[i];
    buf[i] = was == '7' ? '8' : '7';
    assert_int_equal(cf_wallet_decode(&got, CF_SPAN_OF(buf), &err), CF_ERR_FORMAT);
    buf[i] = was;
  }
  memset(buf, '0', 64); /* no key */
  assert_int_equal(cf_wallet_decode(&got, CF_SPAN_OF(buf), &err), CF_ERR_FORMAT);
}

static void account_file(void **state) {
  static party_t p;
  static uint8_t buf[CF_ACCOUNT_ENCODED_MAX(PENDING_MAX)], again[sizeof buf];
  cf_pending_t   room[PENDING_MAX];
  cf_account_t   got;
  cf_span_t      envelope;
  cf_hash_t      id;
  cf_error_t     err = {0};
  party_open(&p);
  for (int step = 0; step < 4; step++) { /* no session; one; two; some answered */
    cf_wr_t wr = cf_wr_init(buf, sizeof buf), re = cf_wr_init(again, sizeof again);
    cf_account_encode(&wr, &p.account);
    assert_false(wr.bad);
    cf_account_init(&got, &p.account.domain, room, PENDING_MAX);
    assert_int_equal(cf_account_decode(&got, cf_wr_out(&wr), &err), CF_OK);
    cf_account_encode(&re, &got);
    assert_true(cf_span_eq(cf_wr_out(&wr), cf_wr_out(&re)));
    assert_true(got.order == p.account.order && got.pending_cnt == p.account.pending_cnt &&
                got.before_cnt == p.account.before_cnt);
    for (size_t n = 0; n < wr.len; n++) assert_int_equal(cf_account_decode(&got, CF_SPAN(buf, n), &err), CF_ERR_FORMAT);
    buf[wr.len] = 0;
    assert_int_equal(cf_account_decode(&got, CF_SPAN(buf, wr.len + 1), &err), CF_ERR_FORMAT);
    if (step == 1) p.account.session.expiry_s = NOW - 1;
    assert_int_equal(seal_at(&p, &envelope, &id, NOW), CF_OK);
    if (step == 2) cf_account_done(&p.account, &p.account.pending[0].envelope);
  }
  size_t before_cnt = p.account.before_cnt; /* a session that is ended is followed by another */
  cf_account_session_end(&p.account);
  assert_int_equal(seal_at(&p, &envelope, &id, NOW), CF_OK);
  assert_true(p.account.before_cnt == before_cnt + 1);
  cf_account_done(&p.account, &id);
  /* the next envelope of the restored account is the one that the first would have made */
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_account_encode(&wr, &p.account);
  assert_int_equal(cf_account_decode(&got, cf_wr_out(&wr), &err), CF_OK);
  assert_int_equal(seal_at(&p, &envelope, &id, NOW), CF_OK);
  cf_wr_t   ew = cf_wr_init(again, sizeof again);
  cf_hash_t id2;
  assert_int_equal(cf_party_seal(&got, &ew, &id2, &p.wallet, &att, &p.ciphers, CF_SPAN_LIT("pay"), NOW, &p.entropy, &err), CF_OK);
  assert_true(cf_hash_eq(&id, &id2));

  wr = cf_wr_init(buf, sizeof buf);
  cf_account_encode(&wr, &p.account);
  got.pending_max = p.account.pending_cnt - 1;
  assert_int_equal(cf_account_decode(&got, cf_wr_out(&wr), &err), CF_ERR_BOUND);
  got.pending_max = PENDING_MAX;
  got.domain.b[0] ^= 1;
  assert_int_equal(cf_account_decode(&got, cf_wr_out(&wr), &err), CF_ERR_POLICY);
  got.domain.b[0] ^= 1;
  buf[wr.len - 1]++; /* an order number that was never given out */
  assert_int_equal(cf_account_decode(&got, cf_wr_out(&wr), &err), CF_ERR_FORMAT);
  buf[wr.len - 1]--;
  buf[0] = 2;
  assert_int_equal(cf_account_decode(&got, cf_wr_out(&wr), &err), CF_ERR_FORMAT);
  party_close(&p);
}

/* ---- receipts ---- */

static cf_hash_t leaves[64];

static cf_status_t read_leaves(void *ctx, unsigned level, uint64_t index, cf_hash_t *out) {
  (void)ctx;
  *out = cf_tree_root_of(leaves + (index << level), (size_t)1 << level);
  return CF_OK;
}

static cf_receipt_t receipt_of(uint64_t inputs) {
  cf_hash_t    root = cf_tree_root_of(leaves, inputs);
  cf_receipt_t r = {.epoch = 2,
                    .sequence = 9,
                    .workload = CF_SPAN_LIT("clearing"),
                    .workload_version = 1,
                    .inputs = inputs,
                    .not_before = {.time = NOW, .size = 5},
                    .view = {.number = 1, .time = NOW}};
  memcpy(r.domain, att.trust.id.b, 32);
  memcpy(r.instance, att.epoch.instance, 32);
  memcpy(r.policy, att.trust.policy_hash.b, 32);
  memcpy(r.measurement, att.measurement.b, 32);
  memcpy(r.inputs_root, root.b, 32);
  memset(r.intent, 1, 32);
  return r;
}

static void receipts(void **state) {
  static party_t    p;
  cf_receipt_file_t file;
  cf_receipt_t      r, got;
  cf_hash_t         hash, want, id[64];
  cf_error_t        err = {0};
  cf_tree_reader_t  reader = {read_leaves, NULL};
  party_open(&p);
  for (size_t n = 1; n <= 20; n++) {
    for (size_t i = 0; i < n; i++) {
      id[i] = hn("envelope", (unsigned)i);
      leaves[i] = cf_tree_leaf(CF_SPAN_OF(id[i].b));
    }
    r = receipt_of(n);
    for (size_t i = 0; i < n; i++) {
      file = (cf_receipt_file_t){.receipt = seal_document(&want, &cf_receipt_table, &r, dom.receipt_key), .index = i};
      assert_int_equal(cf_tree_inclusion_prove(file.path, &file.path_cnt, &reader, n, i), CF_OK);
      assert_int_equal(cf_receipt_check(&got, &hash, &file, &id[i], &att.trust, &att.epoch, &err), CF_OK);
      assert_true(cf_hash_eq(&hash, &want) && got.sequence == 9);
      cf_hash_t other = h("another envelope");
      assert_int_equal(cf_receipt_check(&got, &hash, &file, &other, &att.trust, &att.epoch, &err), CF_ERR_AUTH);
    }
  }
  static struct {
    char const *name;
    cf_status_t want;
  } const rows[] = {
      {"another domain", CF_ERR_AUTH},    {"another epoch", CF_ERR_POLICY}, {"another instance", CF_ERR_POLICY},
      {"another key", CF_ERR_AUTH},       {"another index", CF_ERR_AUTH},   {"cut", CF_ERR_FORMAT},
      {"no receipt", CF_ERR_UNSUPPORTED},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    r = receipt_of(20);
    if (i == 0) r.domain[0] ^= 1;
    if (i == 1) r.epoch++;
    if (i == 2) r.instance[0] ^= 1;
    file = (cf_receipt_file_t){.receipt = seal_document(NULL, &cf_receipt_table, &r, i == 3 ? dom.identity : dom.receipt_key),
                               .index = i == 4 ? 8 : 7};
    assert_int_equal(cf_tree_inclusion_prove(file.path, &file.path_cnt, &reader, 20, 7), CF_OK);
    if (i == 5) file.receipt.len--;
    if (i == 6) file.receipt = dom.entry[2];
    if (cf_receipt_check(&got, &hash, &file, &id[7], &att.trust, &att.epoch, &err) != rows[i].want) fail_msg("%s", rows[i].name);
  }
  party_close(&p);
}

static void logged(void **state) {
  static party_t p;
  uint8_t        buf[16384];
  cf_proven_t    proven;
  cf_cosigned_t  head;
  cf_error_t     err = {0};
  party_open(&p);
  prove(&dom, &proven, 6);
  cf_tlog_proof_t t = {.index = 6, .path_cnt = proven.path_cnt, .note = note_of(&dom, dom.size)};
  memcpy(t.path, proven.path, sizeof proven.path);
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_tlog_proof_write(&wr, &t);
  assert_int_equal(cf_party_logged(&head, cf_wr_out(&wr), dom.entry[6], &att.trust, &err), CF_OK);
  assert_int_equal(head.size, 11);
  assert_int_equal(cf_party_logged(&head, cf_wr_out(&wr), dom.entry[5], &att.trust, &err), CF_ERR_AUTH);
  dom.cosigners = 3; /* k - 1 */
  t.note = note_of(&dom, dom.size);
  wr = cf_wr_init(buf, sizeof buf);
  cf_tlog_proof_write(&wr, &t);
  assert_int_equal(cf_party_logged(&head, cf_wr_out(&wr), dom.entry[6], &att.trust, &err), CF_ERR_POLICY);
  assert_int_equal(cf_party_logged(&head, CF_SPAN(buf, 20), dom.entry[6], &att.trust, &err), CF_ERR_FORMAT);
  party_close(&p);
}

/* ---- results ---- */

static cf_released_t release(party_t *p, cf_session_t *s, cf_hash_t const *id, uint64_t class, uint32_t leaf, bool by_key) {
  uint8_t       buf[CF_RESULT_SEALED_MAX];
  cf_wr_t       wr = cf_wr_init(buf, sizeof buf);
  cf_released_t r = {.sequence = 9, .leaf = leaf};
  cf_result_t   result = {.order = 1, .class = class, .sequence = 9, .window = 1, .status = CF_RESULT_NOT_FINAL};
  memcpy(result.envelope, id->b, 32);
  memset(r.salt, 0x5a, 32);
  if (by_key)
    assert_int_equal(cf_result_seal_key(&wr, &p->ciphers, &att.trust.id, &s->to, &p->instance, &result, &p->entropy), CF_OK);
  else cf_result_seal(&wr, &p->ciphers, &att.trust.id, s, &p->instance, &result);
  r.sealed = keep(cf_wr_out(&wr));
  return r;
}

/* A leaf is found under a root whatever the tree's size, and a wrong one is not. */
static void result_paths(void **state) {
  cf_error_t       err = {0};
  cf_tree_reader_t reader = {read_leaves, NULL};
  for (uint32_t n = 1; n <= 40; n++) {
    cf_released_t r = {.sequence = 9, .sealed = CF_SPAN_LIT("sealed")};
    for (uint32_t i = 0; i < n; i++) {
      cf_hash_t entry = cf_result_leaf(r.salt, i, r.sealed);
      leaves[i] = cf_tree_leaf(CF_SPAN_OF(entry.b));
    }
    cf_hash_t    root = cf_tree_root_of(leaves, n);
    cf_receipt_t receipt = {.sequence = 9};
    memcpy(receipt.results_root, root.b, 32);
    for (uint32_t i = 0; i < n; i++) {
      r.leaf = i;
      assert_int_equal(cf_tree_inclusion_prove(r.path, &r.path_cnt, &reader, n, i), CF_OK);
      assert_int_equal(cf_result_check(&r, &receipt, &err), CF_OK);
      r.leaf = i + 1;
      assert_int_equal(cf_result_check(&r, &receipt, &err), CF_ERR_AUTH);
      r.leaf = i;
      r.salt[0] ^= 1;
      assert_int_equal(cf_result_check(&r, &receipt, &err), CF_ERR_AUTH);
      r.salt[0] ^= 1;
      if (r.path_cnt) {
        r.path[0].b[0] ^= 1;
        assert_int_equal(cf_result_check(&r, &receipt, &err), CF_ERR_AUTH);
        r.path[0].b[0] ^= 1;
        r.path_cnt--;
        assert_int_equal(cf_result_check(&r, &receipt, &err), CF_ERR_AUTH);
      }
    }
    r.sequence = 10;
    assert_int_equal(cf_result_check(&r, &receipt, &err), CF_ERR_POLICY);
  }
}

static void results(void **state) {
  static party_t      p;
  static cf_session_t s, newer;
  cf_receipt_t        receipt;
  cf_input_t          input;
  cf_span_t           envelope;
  cf_hash_t           id, id2;
  cf_result_t         got;
  cf_error_t          err = {0};
  party_open(&p);
  receipt = receipt_of(1);
  cf_released_t none = {.sealed = CF_SPAN_LIT("none")};
  assert_int_equal(cf_party_result(&got, p.plain, &p.account, &p.wallet, &p.ciphers, &none, &receipt, &err), CF_ERR_POLICY);
  assert_int_equal(seal_at(&p, &envelope, &id, NOW), CF_OK);
  receive(&p, &s, &input, envelope);
  for (int by_key = 0; by_key < 2; by_key++) {
    cf_released_t r = release(&p, &s, &id, CF_RESULT_NOTICE, 0, by_key);
    assert_int_equal(cf_party_result(&got, p.plain, &p.account, &p.wallet, &p.ciphers, &r, &receipt, &err), CF_OK);
    assert_non_null(cf_account_pending(&p.account, &id)); /* a notice answers nothing */
  }
  /* sessions before are still listened to: an enclave may restart that often before its party reads */
  for (size_t i = 0; i < CF_SESSIONS_BEFORE; i++) {
    p.account.session.expiry_s = NOW - 1;
    if (i) cf_account_done(&p.account, &id2);
    assert_int_equal(seal_at(&p, &envelope, &id2, NOW), CF_OK);
    receive(&p, &newer, &input, envelope);
  }
  cf_released_t old = release(&p, &s, &id, CF_RESULT_ACCEPTED, 0, false),
                fresh = release(&p, &newer, &id2, CF_RESULT_CREDIT, 0, false);
  receipt.sequence = 8;
  assert_int_equal(cf_party_result(&got, p.plain, &p.account, &p.wallet, &p.ciphers, &old, &receipt, &err), CF_ERR_POLICY);
  receipt.sequence = 9;
  receipt.instance[0] ^= 1;
  assert_int_equal(cf_party_result(&got, p.plain, &p.account, &p.wallet, &p.ciphers, &old, &receipt, &err), CF_ERR_POLICY);
  receipt.instance[0] ^= 1;
  assert_int_equal(p.account.pending_cnt, 2);
  assert_int_equal(cf_party_result(&got, p.plain, &p.account, &p.wallet, &p.ciphers, &old, &receipt, &err), CF_OK);
  assert_null(cf_account_pending(&p.account, &id));
  assert_int_equal(cf_party_result(&got, p.plain, &p.account, &p.wallet, &p.ciphers, &fresh, &receipt, &err), CF_OK);
  assert_true(got.class == CF_RESULT_CREDIT && p.account.pending_cnt == 0);
  p.account.session.expiry_s = NOW - 1;
  assert_int_equal(seal_at(&p, &envelope, &id2, NOW), CF_OK); /* and one more is one too many */
  assert_int_equal(cf_party_result(&got, p.plain, &p.account, &p.wallet, &p.ciphers, &old, &receipt, &err), CF_ERR_POLICY);
  uint8_t bad[CF_RESULT_SEALED_MAX];
  memcpy(bad, fresh.sealed.ptr, fresh.sealed.len);
  bad[fresh.sealed.len - 1] ^= 1;
  fresh.sealed.ptr = bad;
  assert_int_equal(cf_party_result(&got, p.plain, &p.account, &p.wallet, &p.ciphers, &fresh, &receipt, &err), CF_ERR_AUTH);
  party_close(&p);
}

static void released_list(void **state) {
  uint8_t       buf[4096];
  cf_wr_t       wr = cf_wr_init(buf, sizeof buf);
  cf_error_t    err = {0};
  cf_released_t a = {.sequence = 3, .leaf = 2, .sealed = CF_SPAN_LIT("one"), .path_cnt = 2},
                b = {.sequence = 4, .sealed = CF_SPAN_LIT("two")}, got;
  size_t cnt;
  cf_released_list(&wr, 2);
  cf_released_write(&wr, &a);
  cf_released_write(&wr, &b);
  cf_rd_t rd = cf_rd_span(cf_wr_out(&wr));
  assert_int_equal(cf_released_begin(&cnt, &rd, &err), CF_OK);
  assert_int_equal(cnt, 2);
  assert_int_equal(cf_released_next(&got, &rd, &err), CF_OK);
  assert_true(got.sequence == 3 && got.leaf == 2 && got.path_cnt == 2 && cf_span_eq(got.sealed, a.sealed));
  assert_int_equal(cf_released_next(&got, &rd, &err), CF_OK);
  assert_true(got.sequence == 4 && cf_rd_done(&rd));
  assert_int_equal(cf_released_next(&got, &rd, &err), CF_ERR_FORMAT);
  rd = cf_rd_init("\x80", 1);
  assert_int_equal(cf_released_begin(&cnt, &rd, &err), CF_ERR_FORMAT);
  rd = cf_rd_init("\xa0", 1);
  assert_int_equal(cf_released_begin(&cnt, &rd, &err), CF_ERR_FORMAT);
}

/* ---- the ledger ---- */

typedef struct {
  cf_chain_t          chain;
  cf_ledger_genesis_t genesis;
  uint64_t            now_s;
} chain_world_t;

static chain_world_t lw;
static uint8_t       block[CF_BLOCK_MAX], body[CF_BLOCK_BODY_MAX];

static void ledger_open(uint64_t now_s) {
  cf_error_t err = {0};
  cf_wr_t    wr = cf_wr_init(block, sizeof block);
  lw = (chain_world_t){.now_s = now_s};
  cf_chain_init(&lw.chain);
  assert_int_equal(cf_ledger_genesis_of(&lw.genesis, &att.trust.genesis, &att.trust.policy, &att.trust.id, &err), CF_OK);
  assert_int_equal(cf_chain_found(&lw.chain, &wr, &lw.genesis, dom.block_key.b, &err), CF_OK);
}

static cf_refusal_code_t ledger_call(cf_span_t call) {
  static cf_slot_write_t writes[CF_LEDGER_WRITES_MAX];
  cf_ledger_effects_t    fx = {.writes = writes, .writes_max = CF_LEDGER_WRITES_MAX};
  cf_wr_t                bw = cf_wr_init(body, sizeof body), wr = cf_wr_init(block, sizeof block);
  cf_refusal_t           r = cf_chain_call(&lw.chain, lw.now_s, call, &fx);
  if (r.code) return r.code;
  cf_wr_u32(&bw, (uint32_t)call.len);
  cf_wr_span(&bw, call);
  cf_chain_seal(&lw.chain, &wr, lw.now_s, cf_wr_out(&bw), 1, dom.block_key.b);
  return CF_REFUSAL_NONE;
}

static void ledger_register(uint64_t not_before_s, uint64_t not_after_s) {
  uint8_t                 buf[4096];
  cf_wr_t                 ow = cf_wr_init(buf, sizeof buf), wr = cf_wr_init(buf + 2048, 2048);
  cf_registration_terms_t t = {.epoch = 2,
                               .policy = 1,
                               .not_before_s = not_before_s,
                               .not_after_s = not_after_s,
                               .fence = 1,
                               .log_index = 3,
                               .council = 1};
  cf_op_t                 op = {.kind = CF_OP_REGISTER};
  memcpy(op.registration.key.b, att.epoch.settlement, 20);
  op.registration.terms = cf_registration_terms_pack(&t);
  memcpy(op.registration.instance.b, att.epoch.instance, 32);
  op.registration.certificate = att.certificate;
  op.registration.measurement = att.measurement;
  cf_hash_t sep = att.trust.ledger.separator, digest = cf_registration_digest(&sep, &att.trust.id, &op.registration),
            possession = cf_possession_digest(&sep, &digest);
  assert_int_equal(cf_k256_sign(op.sig, dom.settlement.b, &possession), CF_OK);
  op.sigs.cnt = 2;
  for (uint8_t i = 0; i < 2; i++) {
    op.sigs.at[i].member = i;
    assert_int_equal(cf_k256_sign(op.sigs.at[i].sig, dom.verifier[i].b, &digest), CF_OK);
  }
  cf_op_write(&ow, &op);
  cf_call_t call = {.deadline_s = lw.now_s + 10, .op = cf_wr_out(&ow)};
  cf_call_write(&wr, &call);
  assert_false(wr.bad);
  assert_int_equal(ledger_call(cf_wr_out(&wr)), CF_REFUSAL_NONE);
}

/* What the ledger process and an observer answer about the newest block. */
static cf_ledger_shown_t show(cf_hash_t const *keys, size_t n, cf_hash_t const *observer) {
  static uint8_t header[CF_BLOCK_HEADER_SZ], proof[16384], finality[CF_FINALITY_PROOF_MAX];
  cf_wr_t        hw = cf_wr_init(header, sizeof header), pw = cf_wr_init(proof, sizeof proof),
          fw = cf_wr_init(finality, sizeof finality);
  cf_finality_t f = {.number = lw.chain.head.number, .block_hash = lw.chain.hash, .time_s = lw.chain.head.time_s, .log_size = 1};
  cf_finality_statement_t s;
  cf_finality_proof_t     p;
  cf_block_header_write(&hw, &lw.chain.head);
  cf_ledger_state_prove(lw.chain.state, &pw, keys, n);
  assert_int_equal(cf_finality_sign(&s, &att.trust.ledger, &f, 0, observer->b), CF_OK);
  assert_int_equal(cf_finality_proof_make(&p, &s, 1, 1), CF_OK);
  cf_finality_proof_write(&fw, &p);
  return (cf_ledger_shown_t){.header = cf_wr_out(&hw), .finality = cf_wr_out(&fw), .proof = cf_wr_out(&pw)};
}

static cf_span_t call_of(party_t *p, uint8_t *buf, size_t max, uint64_t nonce, cf_op_t const *op) {
  cf_wr_t wr = cf_wr_init(buf, max);
  assert_int_equal(cf_party_call(&wr, &p->wallet, &att.trust, nonce, lw.now_s + 60, op), CF_OK);
  return cf_wr_out(&wr);
}

static void calls(void **state) {
  static party_t p;
  uint8_t        buf[2048];
  party_open(&p);
  ledger_open(NOW);
  cf_op_t const ops[] = {
      {.kind = CF_OP_OPEN, .addr = p.wallet.addr},
      {.kind = CF_OP_OPEN_LANE, .asset = 0, .id = 1},
      {.kind = CF_OP_REQUEST_EXIT, .id = 1},
  };
  for (uint64_t i = 0; i < COUNT(ops); i++) {
    cf_span_t call = call_of(&p, buf, sizeof buf, i, &ops[i]);
    assert_int_equal(ledger_call(call), CF_REFUSAL_NONE);
    assert_int_equal(ledger_call(call), CF_REFUSAL_NONCE);
  }
  cf_hash_t         keys[2] = {cf_slot_account(1), cf_slot_id_of(&p.wallet.addr)}, values[2];
  cf_finality_t     f;
  cf_error_t        err = {0};
  cf_ledger_shown_t shown = show(keys, 2, &dom.observer);
  assert_int_equal(cf_ledger_read(values, &f, &att.trust, &shown, keys, 2, &err), CF_OK);
  cf_ledger_account_t account = cf_ledger_account_unpack(&values[0]);
  assert_true(cf_addr_eq(&account.owner, &p.wallet.addr) && account.exit_at_s == NOW && cf_word_get(&values[1], 0, 32) == 1);
  assert_int_equal(f.number, lw.chain.head.number);

  /* no op of a stranger's is signed as the owner's; a call of the owner's is no stranger's */
  cf_wallet_t stranger;
  cf_wallet_make(&stranger, &p.entropy);
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  assert_int_equal(cf_party_call(&wr, &stranger, &att.trust, 0, lw.now_s + 60, &ops[2]), CF_OK);
  assert_int_not_equal(ledger_call(cf_wr_out(&wr)), CF_REFUSAL_NONE);
  wr = cf_wr_init(buf, 50);
  assert_int_equal(cf_party_call(&wr, &p.wallet, &att.trust, 3, lw.now_s + 60, &ops[2]), CF_ERR_BOUND);
  static uint8_t big[2000];
  cf_op_t        act = {.kind = CF_OP_ACT, .body = CF_SPAN_OF(big)};
  wr = cf_wr_init(buf, sizeof buf);
  assert_int_equal(cf_party_call(&wr, &p.wallet, &att.trust, 3, lw.now_s + 60, &act), CF_ERR_BOUND);
  cf_chain_fini(&lw.chain);
  party_close(&p);
}

static void ledger_reading_refused(void **state) {
  static party_t p;
  party_open(&p);
  ledger_open(NOW);
  cf_hash_t     keys[CF_LIVE_KEYS], values[CF_LIVE_KEYS];
  cf_finality_t f;
  cf_error_t    err = {0};
  uint8_t       copy[16384];
  cf_live_keys(keys, &att);
  cf_ledger_shown_t good = show(keys, CF_LIVE_KEYS, &dom.observer);
  assert_int_equal(cf_ledger_read(values, &f, &att.trust, &good, keys, CF_LIVE_KEYS, &err), CF_OK);
  cf_span_t parts[] = {good.header, good.finality, good.proof};
  for (size_t part = 0; part < 3; part++) {
    cf_span_t in = parts[part];
    for (size_t at = 0; at < in.len; at++) {
      cf_ledger_shown_t bad = good;
      memcpy(copy, in.ptr, in.len);
      copy[at] ^= 1;
      *(part == 0 ? &bad.header : part == 1 ? &bad.finality : &bad.proof) = CF_SPAN(copy, in.len);
      /* the log checkpoint that a statement names is signed as well */
      if (!cf_ledger_read(values, &f, &att.trust, &bad, keys, CF_LIVE_KEYS, &err)) fail_msg("part %zu, byte %zu", part, at);
    }
  }
  cf_hash_t         stranger = h("stranger");
  cf_ledger_shown_t forged = show(keys, CF_LIVE_KEYS, &stranger);
  assert_int_equal(cf_ledger_read(values, &f, &att.trust, &forged, keys, CF_LIVE_KEYS, &err), CF_ERR_AUTH);
  cf_chain_fini(&lw.chain);
  party_close(&p);
}

static void live(void **state) {
  static struct {
    char const       *name;
    uint64_t          block_s, at_s, from_s, to_s, boot, epoch;
    bool              registered, revoked, dead, retired, cut, forged;
    cf_verdict_code_t want;
  } const rows[] = {
      {"live", NOW, NOW + 10, NOW, NOW + 900, 2, 2, .registered = true, .want = CF_VERDICT_OK},
      {"not registered", NOW, NOW + 10, 0, 0, 0, 2, .want = CF_VERDICT_POLICY},
      {"another instance took over", NOW, NOW + 10, NOW, NOW + 900, 1, 2, .registered = true, .want = CF_VERDICT_REVOKED},
      {"registered for another epoch", NOW, NOW + 10, NOW, NOW + 900, 2, 3, .registered = true, .want = CF_VERDICT_BINDING},
      {"revoked", NOW, NOW + 10, NOW, NOW + 900, 2, 2, .registered = true, .revoked = true, .want = CF_VERDICT_REVOKED},
      {"its policy retired", NOW, NOW + 10, NOW, NOW + 900, 2, 2, .registered = true, .retired = true,
       .want = CF_VERDICT_REVOKED},
      {"dead", NOW, NOW + 1001, NOW, NOW + 9000, 2, 2, .registered = true, .dead = true, .want = CF_VERDICT_POLICY},
      {"not yet", NOW, NOW - 6, NOW, NOW + 900, 2, 2, .registered = true, .want = CF_VERDICT_NOT_YET_VALID},
      {"ended", NOW, NOW + 301, NOW, NOW + 300, 2, 2, .registered = true, .want = CF_VERDICT_EXPIRED},
      {"stale block", NOW, NOW + ATTEST_MAX + 6, NOW, NOW + 900, 2, 2, .registered = true, .want = CF_VERDICT_COLLATERAL_STALE},
      {"cut", NOW, NOW + 10, NOW, NOW + 900, 2, 2, .registered = true, .cut = true, .want = CF_VERDICT_MALFORMED},
      {"forged", NOW, NOW + 10, NOW, NOW + 900, 2, 2, .registered = true, .forged = true, .want = CF_VERDICT_SIGNATURE},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    static party_t p;
    cf_verdict_t   v;
    cf_hash_t      keys[CF_LIVE_KEYS], stranger = h("stranger");
    party_open(&p);
    ledger_open(rows[i].block_s);
    if (rows[i].registered) ledger_register(rows[i].from_s, rows[i].to_s);
    uint8_t buf[1024];
    if (!rows[i].registered)
      assert_int_equal(ledger_call(call_of(&p, buf, sizeof buf, 0, &(cf_op_t){.kind = CF_OP_OPEN, .addr = p.wallet.addr})),
                       CF_REFUSAL_NONE);
    if (rows[i].dead) {
      assert_int_equal(ledger_call(call_of(&p, buf, sizeof buf, 0, &(cf_op_t){.kind = CF_OP_ALARM})), CF_REFUSAL_NONE);
      lw.now_s += 1001;
      assert_int_equal(ledger_call(call_of(&p, buf, sizeof buf, 1, &(cf_op_t){.kind = CF_OP_DECLARE_DEAD})), CF_REFUSAL_NONE);
    }
    if (rows[i].retired) { /* governors raised the least policy that keys may have */
      cf_hash_t          slot = cf_slot_plain(CF_SLOT_STATUS), word = cf_ledger_state_get(lw.chain.state, &slot);
      cf_ledger_status_t status = cf_ledger_status_unpack(&word);
      status.min_key_policy = 2;
      word = cf_ledger_status_pack(&status);
      cf_ledger_state_put(lw.chain.state, &slot, &word);
      assert_int_equal(ledger_call(call_of(&p, buf, sizeof buf, 0, &(cf_op_t){.kind = CF_OP_ALARM})), CF_REFUSAL_NONE);
    }
    if (rows[i].revoked) {
      cf_op_t op = {.kind = CF_OP_REVOKE_KEY};
      memcpy(op.addr.b, att.epoch.settlement, 20);
      cf_hash_t digest = cf_key_revocation_digest(&att.trust.ledger.separator, &op.addr);
      assert_int_equal(cf_k256_sign(op.sig, dom.settlement.b, &digest), CF_OK);
      assert_int_equal(ledger_call(call_of(&p, buf, sizeof buf, 0, &op)), CF_REFUSAL_NONE);
    }
    cf_live_keys(keys, &att);
    cf_ledger_shown_t shown = show(keys, CF_LIVE_KEYS, rows[i].forged ? &stranger : &dom.observer);
    if (rows[i].cut) shown.header.len--;
    att.epoch.boot = rows[i].boot;
    att.epoch.epoch = rows[i].epoch;
    cf_verdict_code_t code = cf_live_check(&att, &shown, rows[i].at_s, &v);
    if (code != rows[i].want) fail_msg("%s: %s (%s)", rows[i].name, cf_verdict_name(code), v.text);
    if (code) assert_string_equal(v.item, "ledger");
    cf_chain_fini(&lw.chain);
    party_close(&p);
  }
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(sealing),
      cmocka_unit_test(sealing_refused),
      cmocka_unit_test(wallet_file),
      cmocka_unit_test(account_file),
      cmocka_unit_test(receipts),
      cmocka_unit_test(logged),
      cmocka_unit_test(result_paths),
      cmocka_unit_test(results),
      cmocka_unit_test(released_list),
      cmocka_unit_test(calls),
      cmocka_unit_test(ledger_reading_refused),
      cmocka_unit_test(live),
  };
  return cmocka_run_group_tests(tests, NULL, keys_free);
}
