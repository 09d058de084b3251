// link: enclave session workload ledger translog evidence
/* Audit of whole public folders: one that holds, and each of the ten checks broken by itself. */
#include "audit_world.h"

static char   text[1 << 20];
static size_t text_len;

static void on_text(void *ctx, cf_span_t s) {
  assert_true(text_len + s.len < sizeof text);
  memcpy(text + text_len, s.ptr, s.len);
  text_len += s.len;
  text[text_len] = 0;
}
static cf_audit_out_t const to_text = {on_text, NULL};

static char const *text_of(cf_audit_t const *a) {
  text_len = 0;
  cf_audit_text(a, &to_text);
  return text;
}

static char const *json_of(cf_audit_t const *a) {
  text_len = 0;
  cf_audit_json(a, &to_text);
  return text;
}

static cf_audit_t *run(tree_t *t, cf_hash_t const *domain, cf_status_t want) {
  cf_audit_t        *a;
  cf_audit_reader_t  r = tree_reader(t);
  cf_audit_options_t o = {.domain = domain};
  cf_status_t        st = cf_audit_run(&a, &r, &o);
  if (st != want) fail_msg("%s\n%s", cf_status_name(st), text_of(a));
  return a;
}

/* ---- one that holds ---- */

static void test_whole(void **state) {
  a_world_t               *w = a_life(1);
  cf_audit_t              *a = run(w->t, &w->w->domain, CF_OK);
  cf_audit_counts_t const *n = cf_audit_counts(a);
  cf_json_t                json;
  cf_error_t               err = {0};
  char                     line[200];
  assert_int_equal(n->faults, 0);
  assert_int_equal(n->receipts, 9);
  assert_int_equal(n->hold, 9);
  assert_int_equal(n->inputs, 6);
  assert_int_equal(n->contents, 2);
  assert_int_equal(n->executed, 2);
  assert_int_equal(n->results, 2);
  assert_int_equal(n->epochs, 1);
  assert_int_equal(n->blocks, 5);
  assert_int_equal(n->registrations, 1);
  assert_int_equal(n->witnessed, w->w->log.size);
  cf_audit_line(a, line);
  assert_string_equal(line, "OK   10 of 10 checks on 9 receipts; 2 settlements match the ledger");
  assert_non_null(strstr(text_of(a), " EUR                300000"));

  text_len = 0;
  cf_audit_json(a, &to_text);
  if (cf_json_parse(&json, CF_SPAN(text, text_len), &err)) fail_msg("%s at %zu", err.text, err.offset);
  uint64_t v;
  assert_int_equal(cf_json_u64(&v, cf_json_get(cf_json_get(json, "counts"), "hold")), CF_OK);
  assert_int_equal(v, 9);
  text_len = 0;
  cf_audit_html(a, &to_text);
  assert_int_equal(strncmp(text, "<!doctype html>", 15), 0);
  assert_null(strstr(text, "http")); /* it asks nobody for anything */

  cf_audit_custody_t c;
  assert_int_equal(cf_audit_envelope(a, CF_SPAN(w->ids[0].b, 3), &c), CF_ERR_FORMAT);
  cf_hash_t id = w->sent[4];
  assert_int_equal(cf_audit_envelope(a, CF_SPAN(id.b, 6), &c), CF_OK);
  assert_int_equal(c.receipt, 6);
  assert_int_equal(c.input, 1);
  assert_int_equal(c.settlement, 2);
  assert_true(c.settled);
  assert_int_equal(c.block, 4);
  assert_memory_equal(c.evidence.b, w->evidence.b, 32);
  cf_audit_custody_line(&c, line);
  assert_int_equal(strncmp(line, "receipt 6 ", 10), 0);
  assert_non_null(strstr(line, "settlement 2 \xe2\x86\x92 block 4"));
  assert_int_equal(cf_audit_settlement(a, 1, &c), CF_OK);
  assert_int_equal(c.block, 3);
  assert_int_equal(cf_audit_settlement(a, 3, &c), CF_ERR_FORMAT);
  cf_audit_free(a);

  /* the same without a listing, and for somebody who knows another domain */
  cf_audit_reader_t  r = tree_reader(w->t);
  cf_audit_options_t o = {0};
  r.list = NULL;
  assert_int_equal(cf_audit_run(&a, &r, &o), CF_OK);
  assert_int_equal(cf_audit_counts(a)->hold, 9);
  cf_audit_free(a);
  cf_hash_t other = w->w->domain;
  other.b[31] ^= 1;
  a = run(w->t, &other, CF_ERR_AUTH);
  assert_string_equal(cf_audit_fault_at(a, 0)->file, "genesis");
  cf_audit_free(a);
  o.now_s = w->w->now_s - 100; /* cosignatures of later than now */
  r = tree_reader(w->t);
  assert_int_equal(cf_audit_run(&a, &r, &o), CF_ERR_AUTH);
  cf_audit_free(a);
  w->t->failing = true;
  cf_audit_free(run(w->t, NULL, CF_ERR_IO));
  a_world_free(w);
}

/* A name is somebody else's text: nothing of it acts on a terminal or in a page. */
static void test_hostile_names(void **state) {
  a_world_t *w = a_life(4);
  tree_put(w->t, "archive/\x1b[2J<script>\xc2\x9b", CF_SPAN_LIT("x"));
  cf_audit_t *a = run(w->t, NULL, CF_ERR_AUTH);
  assert_string_equal(cf_audit_fault_at(a, 0)->file, "archive/?[2J<script>??");
  assert_null(strchr(text_of(a), 0x1b));
  text_len = 0;
  cf_audit_html(a, &to_text);
  assert_null(strstr(text, "<script>"));
  assert_non_null(strstr(text, "&lt;script&gt;"));
  cf_audit_free(a);
  a_world_free(w);
}

/* ---- each check broken by itself ---- */

typedef struct {
  cf_receipt_t doc;
  cf_span_t    manifest; /* archived with it */
  bool         foreign;  /* signed by somebody else */
  bool         torn;     /* a payload that is no receipt */
} forged_t;

/* A receipt as only the enclave could sign it: the test takes the key out of its memory. */
static void log_forged(a_world_t *a, forged_t const *f) {
  uint8_t        buf[4096], payload[2048];
  cf_p256_key_t *key = f->foreign ? a->w->gateway : a->w->e->own.receipt;
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf), pw = cf_wr_init(payload, sizeof payload);
  if (f->torn) {
    cf_cose_hdr_t h = {.iss = CF_SPAN_LIT("enclave"),
                       .sub = CF_SPAN_LIT("receipt"),
                       .typ = CF_SPAN(cf_receipt_table.typ, strlen(cf_receipt_table.typ))};
    cf_table_encode(&pw, &cf_receipt_table, &f->doc);
    cf_sign1_encode(&wr, key, &h, CF_SPAN(payload, pw.len - 1));
  } else {
    cf_document_seal(&wr, NULL, &cf_receipt_table, &f->doc, key, "enclave", "receipt");
  }
  assert_false(wr.bad);
  if (f->manifest.len) (void)archive(a, f->manifest);
  log_and_read(a->w, cf_wr_out(&wr));
}

static void with_manifest(forged_t *f, cf_hash_t const *ids, size_t n) {
  cf_hash_t leaf[4], root = cf_tree_empty();
  for (size_t i = 0; i < n; i++) leaf[i] = cf_tree_leaf(CF_SPAN_OF(ids[i].b));
  if (n) root = cf_tree_root_of(leaf, n);
  f->manifest = keep(CF_SPAN(ids, n * 32));
  cf_hash_t h = cf_sha256(f->manifest);
  f->doc.inputs = n;
  memcpy(f->doc.manifest, h.b, 32);
  memcpy(f->doc.inputs_root, root.b, 32);
}

static void f_nothing(a_world_t *a, forged_t *f) {}
static void f_torn(a_world_t *a, forged_t *f) { f->torn = true; }
static void f_foreign(a_world_t *a, forged_t *f) { f->foreign = true; }
static void f_measurement(a_world_t *a, forged_t *f) { f->doc.measurement[0] ^= 1; }
static void f_workload(a_world_t *a, forged_t *f) { f->doc.workload = CF_SPAN_LIT("auction"); }
static void f_policy(a_world_t *a, forged_t *f) { f->doc.policy[5] ^= 1; }
static void f_previous(a_world_t *a, forged_t *f) { f->doc.previous[0] ^= 1; }
static void f_gap(a_world_t *a, forged_t *f) { f->doc.sequence++; }
static void f_again(a_world_t *a, forged_t *f) { f->doc.sequence--; }
static void f_state(a_world_t *a, forged_t *f) { f->doc.state_before[0] ^= 1; }
static void f_twice(a_world_t *a, forged_t *f) { with_manifest(f, a->sent, 1); }
static void f_twice_inside(a_world_t *a, forged_t *f) {
  cf_hash_t ids[2];
  memset(ids, 3, sizeof ids);
  with_manifest(f, ids, 2);
}
static void f_root(a_world_t *a, forged_t *f) {
  cf_hash_t id = {{1}};
  with_manifest(f, &id, 1);
  f->doc.inputs_root[0] ^= 1;
}
static void f_count(a_world_t *a, forged_t *f) {
  cf_hash_t id = {{1}};
  with_manifest(f, &id, 1);
  f->doc.inputs = 2;
}
static void f_no_manifest(a_world_t *a, forged_t *f) {
  cf_hash_t id = {{1}};
  with_manifest(f, &id, 1);
  f->manifest.len = 0;
}
static void f_later(a_world_t *a, forged_t *f) { f->doc.not_before.time += 100; }
static void f_unkept(a_world_t *a, forged_t *f) { f->doc.not_before.size = 1; }
static void f_covers_itself(a_world_t *a, forged_t *f) { f->doc.not_before.size = a->w->log.size + 1; }
static void f_other_root(a_world_t *a, forged_t *f) { f->doc.not_before.root[0] ^= 1; }
static void f_view(a_world_t *a, forged_t *f) { f->doc.view.hash[0] ^= 1; }
static void f_view_number(a_world_t *a, forged_t *f) { f->doc.view.number--; }
static void f_proof(a_world_t *a, forged_t *f) {
  cf_hash_t h = archive(a, CF_SPAN_LIT("no proof"));
  memcpy(f->doc.view.proof, h.b, 32);
}
static void f_no_proof(a_world_t *a, forged_t *f) { memset(f->doc.view.proof, 0, 32); }

static void test_forged_receipts(void **state) {
  static struct {
    char const *name;
    void (*forge)(a_world_t *a, forged_t *f);
    unsigned    check; /* 0: it holds */
    uint64_t    receipt;
    char const *says;
  } const cases[] = {
      {"nothing", f_nothing, 0, 0, ""},
      {"decoding", f_torn, 1, 6, "malformed receipt"},
      {"another key", f_foreign, 2, 6, "badly signed"},
      {"measurement", f_measurement, 3, 6, "not the one appraised"},
      {"workload", f_workload, 3, 6, "another workload"},
      {"policy", f_policy, 4, 6, "another policy"},
      {"previous hash", f_previous, 5, 6, "previous hash"},
      {"a gap", f_gap, 5, 7, "not in the log"},
      {"a sequence again", f_again, 5, 5, "decided"},
      {"state before", f_state, 6, 6, "state-before"},
      {"an envelope of before", f_twice, 7, 6, "twice"},
      {"an envelope twice", f_twice_inside, 7, 6, "twice"},
      {"inputs root", f_root, 7, 6, "inputs root"},
      {"count of inputs", f_count, 7, 6, "for 2 inputs"},
      {"manifest not archived", f_no_manifest, 7, 6, "missing"},
      {"time of later", f_later, 8, 6, "another time"},
      {"checkpoint not kept", f_unkept, 8, 6, "missing"},
      {"covers itself", f_covers_itself, 8, 6, "after a checkpoint that covers it"},
      {"another root", f_other_root, 8, 6, "another root"},
      {"view", f_view, 10, 6, "not the block"},
      {"view's number", f_view_number, 10, 6, "older than"},
      {"proof", f_proof, 10, 6, "finality proof"},
      {"no proof", f_no_proof, 10, 6, "without a finality proof"},
  };
  for (size_t i = 0; i < CF_COUNT_OF(cases); i++) {
    a_world_t *w = a_world_new(20 + i);
    batch_t    b;
    a_world_begin(w);
    fund(w);
    (void)a_batch(w, NULL, 0);
    a_window(w, 100);
    assert_int_equal(batch(w->w, NULL, 0, &b), CF_REFUSE_NONE);
    forged_t f = {.doc = b.doc};
    cases[i].forge(w, &f);
    log_forged(w, &f);
    put_note(w);
    cf_audit_t *a = run(w->t, NULL, cases[i].check ? CF_ERR_AUTH : CF_OK);
    if (cases[i].check) {
      cf_audit_fault_t const *x = cf_audit_fault_at(a, 0);
      if (x->check != cases[i].check || x->receipt != cases[i].receipt || !strstr(x->text, cases[i].says))
        fail_msg("%s:\n%s", cases[i].name, text_of(a));
      char fail[32];
      snprintf(fail, sizeof fail, "FAIL  check %u (", cases[i].check);
      assert_int_equal(strncmp(text_of(a), fail, strlen(fail)), 0);
    }
    cf_audit_free(a);
    a_world_free(w);
  }
}

/* Check 3 by its foundation: results that do not follow from their evidence. */
static void e_until(cf_ear_t *e) { e->until++; }
static void e_measurement(cf_ear_t *e) { e->measurement[0] ^= 1; }
static void e_hardware(cf_ear_t *e) { e->vector[4] = 2; }
static void e_class(cf_ear_t *e) { e->class = 2; }
static void e_nonces(cf_ear_t *e) { e->nonces[0] ^= 1; }
static void e_time(cf_ear_t *e) { e->time += 90000; } /* the statement is too old by then */
static void e_evidence(cf_ear_t *e) { e->evidence[0] ^= 1; }

static void test_lying_verifiers(void **state) {
  static struct {
    void (*twist)(cf_ear_t *e);
    char const *says;
  } const cases[] = {{e_until, "until"},     {e_measurement, "measurement"}, {e_hardware, "vector"},
                     {e_class, "class"},     {e_nonces, "nonces"},           {e_time, "expired"},
                     {e_evidence, "missing"}};
  for (size_t i = 0; i < CF_COUNT_OF(cases); i++) {
    a_world_t *w = a_world_new(60 + i);
    w->twist_ear = cases[i].twist;
    a_world_begin(w);
    fund(w);
    (void)a_batch(w, NULL, 0);
    a_show(w);
    cf_audit_t             *a = run(w->t, NULL, CF_ERR_AUTH);
    cf_audit_fault_t const *x = cf_audit_fault_at(a, 0);
    if (x->check != 3 || x->receipt != 1 || !strstr(text_of(a), cases[i].says)) fail_msg("%s:\n%s", cases[i].says, text_of(a));
    cf_audit_free(a);
    a_world_free(w);
  }
}

/* One of three lies, k = 2 hold: it is told, and breaks nothing. */
static void test_one_verifier_lies(void **state) {
  static struct {
    void (*twist)(cf_ear_t *e);
    char const *says;
  } const cases[] = {{e_until, "until"}, {e_measurement, "measurement"}, {e_hardware, "vector"},
                     {e_class, "class"}, {e_nonces, "nonces"},           {e_time, "expired"}};
  for (size_t i = 0; i < CF_COUNT_OF(cases); i++)
    for (int liar = 0; liar < 3; liar++) {
      char       note[48];
      a_world_t *w = a_world_new(80 + i);
      w->twist_ear = cases[i].twist;
      w->one_lies = true;
      w->liar = liar;
      a_world_begin(w);
      fund(w);
      (void)a_batch(w, NULL, 0);
      a_show(w);
      cf_audit_t *a = run(w->t, NULL, CF_OK);
      snprintf(note, sizeof note, "NOTE  verifier %d: ", liar);
      if (cf_audit_counts(a)->lies != 1 || !strstr(text_of(a), note) || !strstr(text, cases[i].says)) fail_msg("%s:\n%s", cases[i].says, text);
      assert_non_null(strstr(json_of(a), "\"verdict\":\"ok\""));
      snprintf(note, sizeof note, "\"lies\":[{\"verifier\":%d,", liar);
      assert_non_null(strstr(json_of(a), note));
      cf_audit_free(a);
      a_world_free(w);
    }
}

/* Check 9: an entry that does not hash to its tile; TERMINAL.md's example. */
static void test_altered_entry(void **state) {
  a_world_t *w = a_life(2);
  char       name[4 + CF_TILE_PATH_MAX] = "log/";
  cf_tile_t  t = {CF_TILE_ENTRIES, 0, (unsigned)w->w->log.size};
  cf_tile_path(name + 4, &t);
  mem_file_t *f = tree_find(w->t, name);
  /* the receipts hold an intent each: alter the 6th receipt's signature, the last byte of its entry */
  cf_rd_t   rd = cf_rd_init(f->bytes, f->len);
  cf_span_t entry = {0};
  uint64_t  index = 0;
  for (uint64_t i = 0; i < w->w->log.size; i++) {
    cf_receipt_t doc;
    cf_sign1_t   s;
    assert_true(cf_bundle_next(&rd, &entry));
    index = i;
    if (!cf_document_open(&doc, &s, &cf_receipt_table, entry, NULL) && doc.sequence == 6) break;
  }
  f->bytes[entry.ptr + entry.len - 1 - f->bytes] ^= 1;
  cf_audit_t             *a = run(w->t, NULL, CF_ERR_AUTH);
  cf_audit_fault_t const *x = cf_audit_fault_at(a, 0);
  assert_int_equal(x->check, 9);
  assert_int_equal(x->receipt, 6);
  assert_int_equal(x->entry, index);
  assert_string_equal(x->file, name);
  assert_non_null(strstr(x->text, "hashes to"));
  assert_non_null(strstr(x->text, "tile/0/000"));
  assert_int_equal(strncmp(text_of(a),
                           "FAIL  check 9 (in the log under a witness quorum)  receipt 6\n  file      public/log/tile/entries/",
                           95),
                   0);
  assert_non_null(strstr(text, "receipts 1 to 5 hold   after   not judged"));
  assert_int_equal(cf_audit_counts(a)->hold, 5);
  cf_audit_free(a);
  a_world_free(w);
}

/* Check 9: what is opened hangs on a receipt that no kept checkpoint covers. */
static void test_no_quorum(void **state) {
  a_world_t *w = a_life(3);
  size_t     n = w->t->cnt;
  for (size_t i = n; i > 0; i--) /* the last ones: those that cover the second window */
    if (!strncmp(w->t->file[i - 1].name, "checkpoints/", 12) && atoi(w->t->file[i - 1].name + 12) > 13)
      tree_drop(w->t, w->t->file[i - 1].name);
  cf_audit_t *a = run(w->t, NULL, CF_ERR_AUTH);
  bool        nine = false;
  for (size_t i = 0; i < cf_audit_counts(a)->faults; i++) nine |= cf_audit_fault_at(a, i)->check == 9;
  if (!nine) fail_msg("%s", text_of(a));
  cf_audit_free(a);
  a_world_free(w);
}

/* ---- check 10: settlements ---- */

static void s_state(cf_settlement_doc_t *d) { d->state_root[0] ^= 1; }
static void s_receipts(cf_settlement_doc_t *d) { d->receipts_root[0] ^= 1; }
static void s_first(cf_settlement_doc_t *d) { d->first++; }
static void s_salt(cf_settlement_doc_t *d) { d->salt[0] ^= 1; }
static void s_meta(cf_settlement_doc_t *d) { d->meta[31] ^= 1; }
static void s_signature(cf_settlement_doc_t *d) { d->signature[40] ^= 1; }
static void s_epoch(cf_settlement_doc_t *d) { d->epoch++; }
static void s_body(cf_settlement_doc_t *d) { memset(d->body, 0, 32); }
static void s_log(cf_settlement_doc_t *d) { d->log_size++; }

static void test_settlements(void **state) {
  static struct {
    char const *name;
    void (*twist)(cf_settlement_doc_t *d);
    bool        hide;
    char const *says;
  } const cases[] = {
      {"state root", s_state, false, "opens no counting receipt's intent"},
      {"receipts root", s_receipts, false, "receipts root"},
      {"first", s_first, false, "receipts root"},
      {"salt", s_salt, false, "opens no counting receipt's intent"},
      {"meta", s_meta, false, "opens no counting receipt's intent"},
      {"signature", s_signature, false, "settlement key"},
      {"epoch", s_epoch, false, "settlement key"},
      {"body", s_body, false, "missing"},
      {"log", s_log, false, "receipts root"},
      {"not in the log", NULL, true, "no settlement of the log opens"},
  };
  for (size_t i = 0; i < CF_COUNT_OF(cases); i++) {
    a_world_t *w = a_world_new(80 + i);
    w->twist_settlement = cases[i].twist;
    w->hide_settlement = cases[i].hide;
    a_world_begin(w);
    fund(w);
    (void)a_batch(w, NULL, 0);
    a_window(w, 100);
    cf_audit_t             *a = run(w->t, NULL, CF_ERR_AUTH);
    cf_audit_fault_t const *x = cf_audit_fault_at(a, 0);
    if (x->check != 10 || !strstr(x->text, cases[i].says)) fail_msg("%s:\n%s", cases[i].name, text_of(a));
    cf_audit_free(a);
    a_world_free(w);
  }
}

/* ---- the recorded folder (tests/vectors/audit/README says how) ---- */

/* A folder as one file: per file u16 length, name, u32 length, bytes. */
static void test_record(char const *dir) {
  static uint8_t buf[1 << 20];
  a_world_t     *w = a_life(42);
  cf_wr_t        wr = cf_wr_init(buf, sizeof buf);
  char           path[256];
  for (size_t i = 0; i < w->t->cnt; i++) {
    mem_file_t *f = &w->t->file[i];
    cf_wr_u16(&wr, (uint16_t)strlen(f->name));
    cf_wr_bytes(&wr, f->name, strlen(f->name));
    w_span(&wr, CF_SPAN(f->bytes, f->len));
  }
  snprintf(path, sizeof path, "%s/life.tree", dir);
  FILE *f = fopen(path, "w");
  assert_true(f && fwrite(buf, 1, wr.len, f) == wr.len);
  fclose(f);
  wr.len = 0; /* the entries alone */
  for (uint64_t i = 0; i < w->w->log.size; i++) cf_bundle_add(&wr, w->w->log.entry[i]);
  snprintf(path, sizeof path, "%s/life.entries", dir);
  f = fopen(path, "w");
  assert_true(f && fwrite(buf, 1, wr.len, f) == wr.len);
  fclose(f);
  a_world_free(w);
}

int main(int argc, char **argv) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_whole),           cmocka_unit_test(test_hostile_names), cmocka_unit_test(test_forged_receipts),
      cmocka_unit_test(test_lying_verifiers),
      cmocka_unit_test(test_one_verifier_lies), cmocka_unit_test(test_altered_entry), cmocka_unit_test(test_no_quorum),
      cmocka_unit_test(test_settlements),
  };
  if (argc == 3 && !strcmp(argv[1], "--record")) {
    test_record(argv[2]);
    return 0;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
