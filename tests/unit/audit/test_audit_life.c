// link: enclave session workload ledger translog evidence
/* Longer lives: restarts, contents that lapse, logs of many tiles; forks, rollbacks and twins; one log or receipt by itself. */
#include "audit_world.h"

#include "audit/cf_verify.h"
#include "translog/cf_proof.h"

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

static cf_audit_t *run(tree_t *t, cf_status_t want) {
  cf_audit_t        *a;
  cf_audit_reader_t  r = tree_reader(t);
  cf_audit_options_t o = {0};
  cf_status_t        st = cf_audit_run(&a, &r, &o);
  if (st != want) fail_msg("%s\n%s", cf_status_name(st), text_of(a));
  return a;
}

static void must_fail(tree_t *t, unsigned check, char const *says) {
  cf_audit_t             *a = run(t, CF_ERR_AUTH);
  cf_audit_fault_t const *f = cf_audit_fault_at(a, 0);
  if (f->check != check || !strstr(f->text, says)) fail_msg("%s", text_of(a));
  cf_audit_free(a);
}

/* ---- restart ---- */

/* The path from entry i to the root, slowly. */
static void w_proven(cf_wr_t *wr, world_t *w, uint64_t i) {
  cf_hash_t path[CF_TREE_PATH_MAX];
  size_t    n = 0;
  cf_wr_u64(wr, i);
  w_span(wr, w->log.entry[i]);
  for (uint64_t lo = 0, hi = w->log.size; hi - lo > 1;) {
    uint64_t k = 1;
    while (k * 2 < hi - lo) k *= 2;
    bool right = i >= lo + k;
    path[n++] = right ? cf_tree_root_of(w->log.leaf + lo, k) : cf_tree_root_of(w->log.leaf + lo + k, hi - lo - k);
    if (right) lo += k;
    else hi = lo + k;
  }
  cf_wr_u8(wr, (uint8_t)n);
  while (n) cf_wr_hash(wr, &path[--n]);
}

static void restart(a_world_t *a) {
  world_t                 *w = a->w;
  uint8_t                 *buf = malloc(8 << 20);
  cf_wr_t                  wr = cf_wr_init(buf, 8 << 20);
  cf_history_boot_t const *c = cf_history_certified(&w->history);
  enclave_end(w);
  put_note(a);
  enclave_start(w, true);
  w_span(&wr, CF_SPAN(w->snapshot, w->snapshot_sz));
  w_span(&wr, note_of(w, &w->log, w->log.size, 15));
  w_proven(&wr, w, c->index);
  w_proven(&wr, w, c->cert_index);
  cf_wr_u8(&wr, 2);
  w_proven(&wr, w, c->result_index[0]);
  w_proven(&wr, w, c->result_index[1]);
  assert_int_equal(ask(w, CF_MSG_BOOT, cf_wr_out(&wr)), CF_REFUSE_NONE);
  cf_rd_t rd = cf_rd_span(w->body);
  (void)cf_rd_u8(&rd);
  w->fed = cf_rd_u64(&rd);
  for (uint64_t file = cf_rd_u64(&rd); file <= w->files; file++) {
    wr.len = 0;
    cf_wr_u8(&wr, file == w->files);
    cf_wr_u64(&wr, file);
    cf_wr_u64(&wr, 0);
    cf_wr_bytes(&wr, w->journal[file], w->journal_sz[file]);
    assert_int_equal(ask(w, CF_MSG_JOURNAL, cf_wr_out(&wr)), CF_REFUSE_NONE);
  }
  free(buf);
  a_show(a);
  assert_int_equal(fence(w), CF_REFUSE_NONE);
  uint8_t folded[1] = {3}; /* what the applied view had folded is not shown again */
  assert_int_equal(ask(w, CF_MSG_READ, CF_SPAN(folded, 1)), CF_REFUSE_NONE);
  rd = cf_rd_span(w->body);
  (void)cf_rd_take(&rd, 1 + 32 + 8 * 5);
  w->view_messages = cf_rd_u64(&rd);
  a_certify(a);
}

/* ---- a domain that goes on while it is audited ---- */

typedef struct {
  a_world_t *a;
  unsigned   windows; /* to come, as soon as the log's head was read */
} live_t;

static cf_status_t live_list(void *ctx, cf_audit_name_fn *fn, void *fn_ctx) { return tree_list(((live_t *)ctx)->a->t, fn, fn_ctx); }

static cf_read_t live_read(void *ctx, char const *name, size_t max, cf_span_t *bytes) {
  live_t   *l = ctx;
  cf_read_t r = tree_read(l->a->t, name, max, bytes);
  if (!strcmp(name, "log/checkpoint"))
    for (; l->windows; l->windows--) a_window(l->a, 10);
  return r;
}

/* The ledger has moved on when it is read: what its later blocks executed is not in the log that was read, and no fault. */
static void test_live(void **state) {
  for (int listed = 0; listed < 2; listed++) {
    live_t             l = {a_life(9), 2};
    cf_audit_reader_t  r = {listed ? live_list : NULL, live_read, &l};
    cf_audit_options_t o = {0};
    cf_audit_t        *a;
    cf_status_t        st = cf_audit_run(&a, &r, &o);
    if (st) fail_msg("%s: %s", cf_audit_fault_at(a, 0)->file, cf_audit_fault_at(a, 0)->text);
    assert_int_equal(cf_audit_counts(a)->executed, 2);
    cf_audit_free(a);
    a = run(l.a->t, CF_OK); /* and quiet again: all four */
    assert_int_equal(cf_audit_counts(a)->executed, 4);
    cf_audit_free(a);
    a_world_free(l.a);
  }
}

static void test_restart(void **state) {
  a_world_t *a = a_world_new(8);
  cf_span_t  env[2];
  batch_t    lost;
  a_world_begin(a);
  fund(a);
  (void)a_batch(a, NULL, 0);
  env[0] = obligation(a, &a->party[0], 2, 300);
  env[1] = obligation(a, &a->party[1], 1, 500);
  (void)a_batch(a, env, 2);
  (void)a_batch(a, NULL, 0);
  assert_int_equal(batch(a->w, NULL, 0, &lost), CF_REFUSE_NONE); /* journaled, and not logged before the crash */
  /* a zombie's copy of the key goes on beyond the tip: it is skipped */
  uint8_t      buf[4096];
  cf_wr_t      wr = cf_wr_init(buf, sizeof buf);
  cf_receipt_t zombie = lost.doc;
  cf_hash_t    before;
  cf_sign1_t   s;
  assert_int_equal(cf_sign1_decode(&s, lost.receipt, NULL, NULL), CF_OK);
  before = cf_document_hash(s.protected_hdr, s.payload);
  zombie.sequence++;
  memcpy(zombie.previous, before.b, 32);
  memcpy(zombie.state_before, lost.doc.state_after, 32);
  cf_document_seal(&wr, NULL, &cf_receipt_table, &zombie, a->w->e->own.receipt, "enclave", "receipt");
  restart(a);
  log_and_read(a->w, lost.receipt); /* adopted: it counts although it is logged behind the boot entry */
  log_and_read(a->w, cf_wr_out(&wr));
  a_show(a);
  a_settle(a, true); /* the same content, signed by the successor */
  put_note(a);
  a_show_ledger(a);
  (void)a_batch(a, NULL, 0);
  a_show(a);
  cf_audit_t              *r = run(a->t, CF_OK);
  cf_audit_counts_t const *n = cf_audit_counts(r);
  assert_int_equal(n->epochs, 2);
  assert_int_equal(n->results, 4);
  assert_int_equal(n->registrations, 2);
  assert_int_equal(n->skipped, 1);
  assert_int_equal(n->hold, 5);
  assert_int_equal(n->executed, 1);
  cf_audit_custody_t c;
  assert_int_equal(cf_audit_envelope(r, CF_SPAN_OF(a->sent[0].b), &c), CF_OK);
  assert_int_equal(c.receipt, 2);
  assert_true(c.settled);
  cf_audit_free(r);
  a_world_free(a);
}

/* ---- a twin ---- */

/* k verifiers lie: they certify an instance that the test plays, which forgets what counted, or brings a root of its own. */
static void certify_twin(a_world_t *a, bool own_root) {
  world_t                 *w = a->w;
  uint8_t                  buf[4096], nonces[64];
  cf_wr_t                  wr = cf_wr_init(buf, sizeof buf);
  cf_history_boot_t const *c = cf_history_certified(&w->history);
  cf_p256_key_t           *identity = cf_p256_key_new(&w->entropy), *receipt = cf_p256_key_new(&w->entropy);
  cf_boot_t                boot = {.root_number = c->root_number, .random = {1}};
  cf_epoch_t    e = {.suite = 1, .settlement = {5}, .sealing = {6}, .not_before = w->now_s, .not_after = w->now_s + 3600};
  cf_p256_pub_t pub;
  cf_hash_t     conf = cf_sha256(CF_SPAN(w->configuration, w->configuration_sz));
  cf_p256_key_pub(receipt, &pub);
  memcpy(e.receipt, pub.b, 64);
  cf_p256_key_pub(identity, &pub);
  memcpy(boot.identity, pub.b, 64);
  cf_hash_t instance = cf_p256_thumbprint(&pub), keys = cf_epoch_keys_hash(e.suite, e.sealing, e.receipt, e.settlement);
  memcpy(boot.domain, w->domain.b, 32);
  memcpy(boot.keys, keys.b, 32);
  memcpy(boot.commitment, c->commitment.b, 32);
  if (own_root) {
    boot.commitment[0] ^= 1;
    boot.tip.sequence = w->history.sequence;
    memcpy(boot.tip.hash, w->history.hash.b, 32);
  }
  cf_document_seal(&wr, NULL, &cf_boot_table, &boot, identity, "enclave", "boot");
  e.boot = e.epoch = log_and_read(w, cf_wr_out(&wr));
  memcpy(e.domain, w->domain.b, 32);
  memcpy(e.instance, instance.b, 32);
  memcpy(e.configuration, conf.b, 32);
  memcpy(e.policy, w->policy_hash.b, 32);
  memcpy(e.previous, c->cert_hash.b, 32);
  wr.len = 0;
  cf_document_seal(&wr, NULL, &cf_epoch_table, &e, identity, "enclave", "epoch");
  w->quoted = keep(cf_wr_out(&wr));
  log_and_read(w, w->quoted);
  memset(nonces, 3, 32);
  memset(nonces + 32, 4, 32);
  log_results(a, make_evidence(a, CF_SPAN_OF(nonces)));
  put_note(a);
  cf_p256_key_free(identity);
  cf_p256_key_free(receipt);
}

static void test_twin(void **state) {
  for (int own_root = 0; own_root < 2; own_root++) {
    a_world_t *a = a_life(17 + (uint64_t)own_root);
    certify_twin(a, own_root);
    must_fail(a->t, 3, own_root ? "sealing root" : "adopts less");
    a_world_free(a);
  }
}

/* ---- a content that lapses ---- */

/* One window, closed, and its settlement released. */
static a_world_t *intended(uint64_t seed) {
  a_world_t *a = a_world_new(seed);
  cf_span_t  env[2];
  a_world_begin(a);
  fund(a);
  (void)a_batch(a, NULL, 0);
  env[0] = obligation(a, &a->party[0], 2, 300);
  env[1] = obligation(a, &a->party[1], 1, 500);
  (void)a_batch(a, env, 2);
  (void)a_batch(a, NULL, 0);
  (void)a_batch(a, NULL, 0);
  a_show(a);
  return a;
}

static a_world_t *lapsed(uint64_t seed) {
  a_world_t *a = intended(seed);
  a_settle(a, false); /* opened; nobody submits it */
  put_note(a);
  return a;
}

static void test_abandoned(void **state) {
  a_world_t *a = lapsed(9);
  a->w->now_s += 100; /* V is 60 */
  a_block(a, NULL, 0);
  (void)a_batch(a, NULL, 0);
  a_show(a);
  a_show_ledger(a);
  (void)a_batch(a, NULL, 0); /* abandons, and closes the window anew */
  (void)a_batch(a, NULL, 0); /* intends */
  a_show(a);
  a_settle(a, true);
  put_note(a);
  a_show_ledger(a);
  (void)a_batch(a, NULL, 0);
  a_show(a);
  cf_audit_t              *r = run(a->t, CF_OK);
  cf_audit_counts_t const *n = cf_audit_counts(r);
  assert_int_equal(n->contents, 2);
  assert_int_equal(n->abandoned, 1);
  assert_int_equal(n->executed, 1);
  assert_non_null(strstr(text_of(r), "void"));
  cf_audit_free(r);
  a_world_free(a);
}

/* ---- contents that only a broken enclave signs: the test signs them with its keys ---- */

typedef struct {
  cf_receipt_t doc;
  cf_hash_t    hash;
} last_t;

static last_t receipt_of(a_world_t *a, uint64_t sequence) {
  last_t     r = {.doc = {.sequence = 0}};
  cf_sign1_t s;
  for (uint64_t i = 0; i < a->w->log.size; i++)
    if (!cf_document_open(&r.doc, &s, &cf_receipt_table, a->w->log.entry[i], NULL) && r.doc.sequence == sequence) {
      r.hash = cf_document_hash(s.protected_hdr, s.payload);
      return r;
    }
  fail_msg("no receipt %llu", (unsigned long long)sequence);
  return r;
}

/* forge_next logs a receipt that follows the last one, carrying intent and abandon. */
static void forge_next(a_world_t *a, cf_hash_t const *intent, cf_hash_t const *abandon) {
  uint8_t   buf[4096];
  cf_wr_t   wr = cf_wr_init(buf, sizeof buf);
  last_t    before = receipt_of(a, a->w->history.sequence);
  cf_hash_t none = cf_sha256(CF_SPAN(NULL, 0)), root = cf_tree_empty();
  before.doc.sequence++;
  before.doc.inputs = 0;
  memcpy(before.doc.manifest, none.b, 32);
  memcpy(before.doc.inputs_root, root.b, 32);
  memcpy(before.doc.previous, before.hash.b, 32);
  memcpy(before.doc.state_before, before.doc.state_after, 32);
  memset(before.doc.intent, 7, 32);
  memset(before.doc.abandon, 0, 32);
  if (intent) memcpy(before.doc.intent, intent->b, 32);
  if (abandon) memcpy(before.doc.abandon, abandon->b, 32);
  cf_document_seal(&wr, NULL, &cf_receipt_table, &before.doc, a->w->e->own.receipt, "enclave", "receipt");
  assert_false(wr.bad);
  log_and_read(a->w, cf_wr_out(&wr));
}

static void forge_content(a_world_t *a, uint64_t first, uint64_t last) {
  world_t             *w = a->w;
  cf_receipt_t         b = receipt_of(a, w->history.sequence).doc; /* views and checkpoint of the receipt that will carry it */
  cf_settlement_meta_t meta = {
      .sequence = last, .as_of_s = b.view.time, .valid_until_s = b.view.time + 60, .policy = 1, .mode = CF_MODE_NET};
  cf_settlement_doc_t d = {.first = first, .last = last, .log_size = b.not_before.size, .salt = {9}, .epoch = b.epoch};
  cf_frontier_t       tree = {0};
  cf_settlement_t     c = {.meta = cf_settlement_meta_pack(&meta),
                           .prev_head = cf_settlement_head0(&w->ledger_id.separator),
                           .entries = cf_settlement_entries(CF_SPAN(NULL, 0))};
  cf_hash_t           log_root, body = cf_sha256(CF_SPAN(NULL, 0));
  for (uint64_t s = first; s <= last; s++) {
    last_t    r = receipt_of(a, s);
    cf_hash_t leaf = cf_tree_leaf(CF_SPAN_OF(r.hash.b));
    cf_frontier_add(&tree, &leaf);
    memcpy(c.state_root.b, r.doc.state_after, 32);
  }
  cf_hash_t root = cf_frontier_root(&tree);
  memcpy(log_root.b, b.not_before.root, 32);
  c.receipts = cf_settlement_receipts(first, last, &root, d.log_size, &log_root);
  cf_hash_t digest = cf_settlement_digest(&w->ledger_id.separator, &c), intent = cf_intent(d.salt, &digest);
  memcpy(d.meta, c.meta.b, 32);
  memcpy(d.prev_head, c.prev_head.b, 32);
  memcpy(d.state_root, c.state_root.b, 32);
  memcpy(d.entries, c.entries.b, 32);
  memcpy(d.receipts, c.receipts.b, 32);
  memcpy(d.receipts_root, root.b, 32);
  memcpy(d.log_root, log_root.b, 32);
  memcpy(d.body, body.b, 32);
  assert_int_equal(cf_k256_sign(d.signature, w->e->own.settlement, &digest), CF_OK);
  forge_next(a, &intent, NULL);
  put_note(a);
  log_settlement(a, &d);
  put_note(a);
}

static cf_hash_t opened_digest(a_world_t *a) {
  cf_settlement_doc_t d;
  cf_sign1_t          s;
  cf_settlement_t     c;
  for (uint64_t i = 0; i < a->w->log.size; i++)
    if (!cf_document_open(&d, &s, &cf_settlement_doc_table, a->w->log.entry[i], NULL)) {
      memcpy(c.meta.b, d.meta, 32);
      memcpy(c.prev_head.b, d.prev_head, 32);
      memcpy(c.state_root.b, d.state_root, 32);
      memcpy(c.entries.b, d.entries, 32);
      memcpy(c.receipts.b, d.receipts, 32);
      return cf_settlement_digest(&a->w->ledger_id.separator, &c);
    }
  fail_msg("nothing was opened");
  return c.meta;
}

/* A receipt that abandons what could still execute. */
static void test_abandoned_too_early(void **state) {
  a_world_t *a = lapsed(10);
  cf_hash_t  digest = opened_digest(a);
  forge_next(a, NULL, &digest);
  put_note(a);
  must_fail(a->t, 10, "could still execute");
  a_world_free(a);
}

static void test_two_contents(void **state) {
  a_world_t *a = lapsed(30); /* receipts 1 to 3 under the content of receipt 4 */
  forge_content(a, 1, 4);
  must_fail(a->t, 10, "two contents cover it");
  a_world_free(a);
}

static void test_uncovered(void **state) {
  a_world_t *a = lapsed(31);
  a->w->now_s += 100;
  a_block(a, NULL, 0);
  (void)a_batch(a, NULL, 0);
  a_show(a);
  a_show_ledger(a);
  (void)a_batch(a, NULL, 0); /* abandons */
  forge_content(a, 1, 3);    /* and what replaces it does not reach over that */
  must_fail(a->t, 10, "replaces a void one");
  a_world_free(a);
  a = lapsed(32);
  a->w->now_s += 100;
  a_block(a, NULL, 0);
  (void)a_batch(a, NULL, 0);
  a_show(a);
  a_show_ledger(a);
  (void)a_batch(a, NULL, 0);
  forge_content(a, 2, 6); /* receipt 1 is left out */
  must_fail(a->t, 10, "no content covers this one");
  a_world_free(a);
}

/* It was executed, and a receipt calls it void all the same. */
static void test_abandoned_and_executed(void **state) {
  a_world_t *a = intended(33);
  a_settle(a, true);
  put_note(a);
  a->w->now_s += 100;
  a_block(a, NULL, 0);
  a_show_ledger(a);
  (void)a_batch(a, NULL, 0);
  cf_hash_t digest = opened_digest(a);
  forge_next(a, NULL, &digest);
  put_note(a);
  cf_audit_t *r = run(a->t, CF_ERR_AUTH);
  bool        moved = false, executed = false;
  for (size_t i = 0; i < cf_audit_counts(r)->faults; i++) {
    moved |= strstr(cf_audit_fault_at(r, i)->text, "the ledger had moved on") != NULL;
    executed |= strstr(cf_audit_fault_at(r, i)->text, "executes a content that receipt 6 abandoned") != NULL;
  }
  if (!moved || !executed) fail_msg("%s", text_of(r));
  cf_audit_free(r);
  a_world_free(a);
}

/* ---- founders and registrars ---- */

static void test_founding(void **state) {
  for (int i = 0; i < 3; i++) {
    a_world_t *a = a_world_new(34 + (uint64_t)i);
    a->no_deployment = i == 0;
    a->other_block = i == 1;
    a->other_evidence = i == 2;
    a_world_begin(a);
    (void)a_batch(a, NULL, 0);
    a_show(a);
    if (i == 0) must_fail(a->t, 0, "no deployment");
    if (i == 1) must_fail(a->t, 10, "deployment entry names");
    if (i == 2) must_fail(a->t, 3, "no result in the log is of");
    a_world_free(a);
  }
}

/* ---- many tiles ---- */

static void test_many_tiles(void **state) {
  a_world_t *a = a_world_new(11);
  a_world_begin(a);
  fund(a);
  for (int i = 0; i < 300; i++) {
    (void)a_batch(a, NULL, 0);
    if (i % 20 == 19) a_show(a);
  }
  a_show(a);
  cf_audit_t *r = run(a->t, CF_OK);
  assert_true(cf_audit_counts(r)->entries > 300);
  assert_int_equal(cf_audit_counts(r)->hold, 300);
  cf_audit_free(r);
  /* partial files may go once the full one is there */
  for (size_t i = a->t->cnt; i > 0; i--) {
    char const *name = a->t->file[i - 1].name;
    if (strstr(name, "/000.p/") && (!strncmp(name, "log/tile/0/", 11) || !strncmp(name, "log/tile/entries/", 17)))
      tree_drop(a->t, name);
  }
  cf_audit_free(run(a->t, CF_OK));
  mem_file_t *f = tree_find(a->t, "log/tile/1/000.p/1");
  assert_non_null(f);
  f->bytes[5] ^= 1;
  must_fail(a->t, 9, "the tile below gives");
  f->bytes[5] ^= 1;
  tree_drop(a->t, "log/tile/entries/000");
  must_fail(a->t, 9, "missing");
  a_world_free(a);
}

/* ---- forks and rollbacks ---- */

static void test_fork(void **state) {
  a_world_t *a = a_life(12);
  tlog_t    *other = malloc(sizeof *other);
  *other = a->w->log;
  memset(&other->leaf[3], 1, 32);
  tree_put(a->t, "checkpoints/00000000000000000010", note_of(a->w, other, 10, 15)); /* a quorum that lies */
  must_fail(a->t, 9, "forked");
  tree_drop(a->t, "checkpoints/00000000000000000010");
  cf_verify_log_t   v;
  cf_error_t        err = {0};
  cf_audit_reader_t r = tree_reader(a->t);
  if (cf_verify_log(&v, &r, NULL, &err)) fail_msg("%s", err.text);
  assert_int_equal(v.size, a->w->log.size);
  assert_int_equal(v.cosigned, a->w->log.size);
  assert_int_equal(cf_verify_log(&v, &r, &a->w->witnesses.log, NULL), CF_OK);
  assert_int_equal(cf_verify_log(&v, &r, &a->w->witnesses.member[0], NULL), CF_ERR_POLICY);
  tree_put(a->t, "checkpoints/00000000000000000010", note_of(a->w, other, 10, 15));
  assert_int_equal(cf_verify_log(&v, &r, NULL, &err), CF_ERR_AUTH);
  assert_non_null(strstr(err.text, "fork"));
  free(other);
  a_world_free(a);
}

static void test_rolled_back(void **state) {
  a_world_t *a = a_life(13);
  uint8_t    buf[1024];
  cf_wr_t    wr = cf_wr_init(buf, sizeof buf);
  cf_hash_t  root = cf_tree_root_of(a->w->log.leaf, 9);
  cf_checkpoint_sign(&wr, &a->w->witnesses.log, a->w->log_seed, 9, &root);
  tree_put(a->t, "log/checkpoint", cf_wr_out(&wr));
  cf_tile_t t = {CF_TILE_ENTRIES, 0, 9};
  put_tile(a, &t);
  t.row = 0;
  put_tile(a, &t);
  must_fail(a->t, 9, "rolled back");
  a_world_free(a);
}

/* What a log that claims to be huge costs: little. */
static void test_claims(void **state) {
  a_world_t *a = a_life(14);
  uint8_t    buf[1024];
  cf_wr_t    wr = cf_wr_init(buf, sizeof buf);
  cf_hash_t  root = {{1}};
  cf_checkpoint_sign(&wr, &a->w->witnesses.log, a->w->log_seed, CF_TREE_SIZE_MAX, &root);
  tree_put(a->t, "log/checkpoint", cf_wr_out(&wr));
  must_fail(a->t, 9, "64 files");
  a_world_free(a);
}

/* ---- a party's receipt ---- */

static void test_verify_receipt(void **state) {
  a_world_t        *a = a_life(15);
  world_t          *w = a->w;
  uint8_t           file_buf[4096], proof_buf[8192];
  cf_receipt_file_t f = {.index = 1};
  cf_tlog_proof_t   p = {.note = note_of(w, &w->log, w->log.size, 15)};
  cf_receipt_t      doc;
  cf_sign1_t        s;
  for (uint64_t i = 0; i < w->log.size; i++)
    if (!cf_document_open(&doc, &s, &cf_receipt_table, w->log.entry[i], NULL) && doc.sequence == 2)
      p.index = i, f.receipt = w->log.entry[i];
  /* manifest of three: from id 1, its sibling 0, then 2 */
  f.path[0] = cf_tree_leaf(CF_SPAN_OF(a->sent[0].b));
  f.path[1] = cf_tree_leaf(CF_SPAN_OF(a->sent[2].b));
  f.path_cnt = 2;
  cf_wr_t fw = cf_wr_init(file_buf, sizeof file_buf), pw = cf_wr_init(proof_buf, sizeof proof_buf);
  cf_receipt_file_encode(&fw, &f);
  for (uint64_t lo = 0, hi = w->log.size; hi - lo > 1;) { /* root first; turned round below */
    uint64_t k = 1;
    while (k * 2 < hi - lo) k *= 2;
    bool right = p.index >= lo + k;
    memmove(p.path + 1, p.path, p.path_cnt++ * sizeof *p.path);
    p.path[0] = right ? cf_tree_root_of(w->log.leaf + lo, k) : cf_tree_root_of(w->log.leaf + lo + k, hi - lo - k);
    if (right) lo += k;
    else hi = lo + k;
  }
  cf_tlog_proof_write(&pw, &p);
  assert_false(fw.bad || pw.bad);
  cf_p256_pub_t           key = cf_history_newest(&w->history)->receipt, other = cf_history_newest(&w->history)->identity;
  cf_verify_receipt_ask_t ask_ = {.file = cf_wr_out(&fw), .genesis = w->genesis_entry, .envelope = &a->sent[1], .key = &key};
  cf_verify_receipt_t     r;
  cf_error_t              err = {0};
  if (cf_verify_receipt(&r, &ask_, &err)) fail_msg("%s: %s", err.item, err.text);
  assert_int_equal(r.state, CF_RECEIPT_SIGNED);
  assert_int_equal(r.doc.sequence, 2);
  ask_.proof = cf_wr_out(&pw);
  if (cf_verify_receipt(&r, &ask_, &err)) fail_msg("%s: %s", err.item, err.text);
  assert_int_equal(r.state, CF_RECEIPT_INCLUDED);
  assert_int_equal(r.entry, p.index);
  ask_.envelope = &a->sent[0];
  assert_int_equal(cf_verify_receipt(&r, &ask_, NULL), CF_ERR_AUTH);
  ask_.envelope = &a->sent[1];
  ask_.key = &other;
  assert_int_equal(cf_verify_receipt(&r, &ask_, NULL), CF_ERR_AUTH);
  ask_.key = NULL;
  proof_buf[pw.len - 10] ^= 1;
  assert_int_not_equal(cf_verify_receipt(&r, &ask_, NULL), CF_OK);
  ask_.proof = CF_SPAN(NULL, 0);
  ask_.file.len--;
  assert_int_equal(cf_verify_receipt(&r, &ask_, NULL), CF_ERR_FORMAT);
  ask_.file.len++;
  a_world_t *b = a_world_new(16); /* another domain's genesis */
  refound(b);
  ask_.genesis = b->w->genesis_entry;
  assert_int_equal(cf_verify_receipt(&r, &ask_, NULL), CF_ERR_POLICY);
  a_world_free(b);
  a_world_free(a);
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_live), cmocka_unit_test(test_restart),
      cmocka_unit_test(test_twin),
      cmocka_unit_test(test_abandoned),
      cmocka_unit_test(test_abandoned_too_early),
      cmocka_unit_test(test_two_contents),
      cmocka_unit_test(test_uncovered),
      cmocka_unit_test(test_abandoned_and_executed),
      cmocka_unit_test(test_founding),
      cmocka_unit_test(test_many_tiles),
      cmocka_unit_test(test_fork),
      cmocka_unit_test(test_rolled_back),
      cmocka_unit_test(test_claims),
      cmocka_unit_test(test_verify_receipt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
