/* Judgement bundles: of every platform, accepted and refused, judged again to the byte; with every byte of one changed and every
   length, the part named; made anew by a forger; and with a log's proof. */
#include "books.h"
#include "quotes.h"

#include "crypto/cf_sign.h"
#include "evidence/cf_judgement_bundle.h"
#include "translog/cf_tree.h"

static quotes_t *quotes;

typedef struct {
  cf_judgement_bundle_t b;
  cf_judgement_t        judged;
  uint8_t               room[CF_JUDGEMENT_MAX + CF_APPRAISAL_MAX], file[1 << 18];
  size_t                sz;
} world_t;

static cf_span_t file_of(world_t const *w) { return CF_SPAN(w->file, w->sz); }

static void save(world_t *w) {
  cf_wr_t wr = cf_wr_init(w->file, sizeof w->file);
  cf_judgement_bundle_encode(&wr, &w->b);
  assert_false(wr.bad);
  w->sz = wr.len;
}

static void make(world_t *w, cf_evidence_ask_t const *ask, cf_appraisal_t const *policy) {
  cf_error_t err = {0};
  cf_wr_t    room = cf_wr_init(w->room, sizeof w->room);
  if (cf_judgement_bundle_make(&w->b, &w->judged, &room, ask, policy, &err)) fail_msg("%s: %s", err.item, err.text);
  save(w);
}

/* As somebody does who has the file alone. */
static cf_verdict_code_t check_file(cf_span_t in, cf_verdict_t *v, cf_judgement_t *judged) {
  static cf_judgement_bundle_t b;
  static cf_appraisal_t        policy;
  cf_error_t                   err = {0};
  if (cf_judgement_bundle_decode(&b, in, &err)) {
    *v = (cf_verdict_t){0};
    assert_true(err.item[0] && err.text[0]);
    return cf_verdict_set(v, CF_VERDICT_MALFORMED, err.item, 0, "%s", err.text);
  }
  return cf_judgement_bundle_check(judged, &policy, NULL, &b, NULL, v);
}

/* ---- of every platform ---- */

static cf_appraisal_t const *a_policy(void) {
  static cf_appraisal_t p;
  cf_appraisal_default(&p);
  return &p;
}

static void again(world_t *w, char const *name, cf_evidence_ask_t const *ask, cf_appraisal_t const *policy) {
  static cf_judgement_t judged;
  cf_verdict_t          v;
  make(w, ask, policy);
  if (check_file(file_of(w), &v, &judged)) fail_msg("%s: %s (%s)", name, v.item, v.text);
  assert_int_equal(judged.v.code, w->judged.v.code);
  assert_string_equal(judged.v.item, w->judged.v.item);
  assert_int_equal(judged.at_s, ask->at_s);
}

static void test_all(void **state) {
  (void)state;
  static world_t    w;
  static case_t     c;
  char const *const files[] = {"snp.json", "nitro.json", "tpm.json", "cca.json"};
  cf_span_t         none;
  cf_json_t         each;
  for (size_t i = 0; i < quotes->case_cnt; i++) {
    cf_evidence_ask_t ask = quotes_ask(&quotes->cases[i]);
    bool              empty = false;
    for (size_t k = 0; k < ask.item_cnt; k++) empty |= !ask.items[k].bytes.len;
    if (!empty) again(&w, quotes->cases[i].name, &ask, i % 2 ? a_policy() : NULL);
  }
  for (size_t i = 0; i < CF_COUNT_OF(files); i++) {
    book_open(files[i]);
    for (size_t pos = 0; cf_json_each(cf_json_get(book, "cases"), &pos, &none, &each);) {
      case_read(&c, each);
      if (c.ask.item_cnt && c.ask.items[0].bytes.len && c.ask.items[c.ask.item_cnt - 1].bytes.len)
        again(&w, c.name, &c.ask, a_policy());
    }
  }
}

static void test_own(void **state) {
  (void)state;
  static world_t     w;
  bundle_t           b = bundle_load();
  cf_root_t          root = {CF_CLASS_OWNER, b.root};
  cf_evidence_item_t items[] = {{CF_ROLE_EVIDENCE, b.evidence}, {CF_ROLE_STATEMENT, b.statement}};
  cf_evidence_ask_t  ask = {.items = items, .item_cnt = 2, .roots = &root, .root_cnt = 1, .domain = b.domain, .at_s = b.at_s};
  again(&w, "swtpm", &ask, NULL);
  assert_int_equal(w.judged.v.code, CF_VERDICT_OK);
  file_forget();
}

/* ---- altered ---- */

#ifdef __SANITIZE_ADDRESS__
#define STEP 13
#else
#define STEP 1
#endif

/* The part that byte at stands in; "" for what is between them. */
static char const *part_of(cf_judgement_bundle_t const *b, uint8_t const *at) {
  static char name[64];
  name[0] = 0;
  for (size_t i = 0; i < b->items_cnt; i++)
    if (at >= b->items[i].bytes.ptr && at < b->items[i].bytes.ptr + b->items[i].bytes.len)
      snprintf(name, sizeof name, "bundle.%s", cf_role_name((cf_role_t)b->items[i].role));
  for (size_t i = 0; i < b->roots_cnt; i++)
    if (at >= b->roots[i].der.ptr && at < b->roots[i].der.ptr + b->roots[i].der.len)
      snprintf(name, sizeof name, "bundle.trusted_root");
  if (at >= b->policy.ptr && at < b->policy.ptr + b->policy.len) snprintf(name, sizeof name, "bundle.policy");
  if (at >= b->result.ptr && at < b->result.ptr + b->result.len) snprintf(name, sizeof name, "bundle.result");
  if (b->proof.len && at >= b->proof.ptr && at < b->proof.ptr + b->proof.len) snprintf(name, sizeof name, "bundle.proof");
  return name;
}

static void spoil_file(world_t *w, cf_span_t proof) {
  static cf_judgement_bundle_t where;
  static cf_judgement_t        judged;
  cf_verdict_t                 v;
  if (proof.len) {
    cf_judgement_bundle_prove(&w->b, proof);
    save(w);
  }
  assert_int_equal(cf_judgement_bundle_decode(&where, file_of(w), NULL), CF_OK);
  for (size_t at = 0; at < w->sz; at += STEP) {
    char const *part = part_of(&where, w->file + at);
    w->file[at] ^= (uint8_t)(1u << at % 8);
    if (!check_file(file_of(w), &v, &judged)) fail_msg("byte %zu of %zu (%s) may be changed", at, w->sz, part);
    if (*part && strcmp(v.item, part)) fail_msg("byte %zu of %s is said to be of %s", at, part, v.item);
    assert_true(v.item[0] && v.text[0]);
    w->file[at] ^= (uint8_t)(1u << at % 8);
  }
  for (size_t n = 0; n < w->sz; n += STEP)
    if (!check_file(CF_SPAN(w->file, n), &v, &judged)) fail_msg("%zu of %zu bytes", n, w->sz);
  w->file[w->sz] = 0;
  assert_int_not_equal(check_file(CF_SPAN(w->file, w->sz + 1), &v, &judged), CF_VERDICT_OK);
  assert_int_equal(check_file(file_of(w), &v, &judged), CF_VERDICT_OK);
}

static void test_bytes(void **state) {
  (void)state;
  static world_t    w;
  static case_t     c;
  cf_evidence_ask_t ask = quotes_ask(quotes_find(quotes, "TDX 1.5, version 5"));
  book_open("nitro.json");
  case_find(&c, NULL);
  make(&w, &c.ask, a_policy());
  spoil_file(&w, CF_SPAN_LIT("any proof: only its digest is looked at without a log's keys"));
  make(&w, &ask, NULL);
  spoil_file(&w, CF_SPAN(NULL, 0));
}

/* Who alters a part and makes its digest anew changes what is said, or did not change anything that is judged. */
static void test_forged(void **state) {
  (void)state;
  static world_t        w;
  static cf_judgement_t judged;
  cf_verdict_t          v;
  static uint8_t        copy[1 << 14];
  cf_evidence_ask_t     ask = quotes_ask(quotes_find(quotes, "TDX 1.5, version 5"));
  make(&w, &ask, NULL);
  for (size_t i = 0; i < w.b.items_cnt; i++) {
    cf_span_t good = w.b.items[i].bytes;
    assert_true(good.len <= sizeof copy);
    memcpy(copy, good.ptr, good.len);
    copy[good.len / 2] ^= 1;
    w.b.items[i].bytes = CF_SPAN(copy, good.len);
    cf_judgement_bundle_prove(&w.b, CF_SPAN(NULL, 0)); /* digests anew */
    save(&w);
    assert_int_equal(check_file(file_of(&w), &v, &judged), CF_VERDICT_BINDING);
    assert_string_equal(v.item, "bundle.result");
    w.b.items[i].bytes = good;
  }
  w.b.asked.at += 100ULL * 365 * 86400;
  cf_judgement_bundle_prove(&w.b, CF_SPAN(NULL, 0));
  save(&w);
  assert_int_equal(check_file(file_of(&w), &v, &judged), CF_VERDICT_BINDING);
}

static void test_bounds(void **state) {
  (void)state;
  static world_t     w;
  static uint8_t     large[CF_JUDGEMENT_ITEM_MAX + 1];
  cf_wr_t            room = cf_wr_init(w.room, sizeof w.room);
  cf_error_t         err = {0};
  cf_evidence_item_t item = {CF_ROLE_QUOTE, CF_SPAN_OF(large)};
  cf_evidence_ask_t  ask = {.items = &item, .item_cnt = 1};
  assert_int_equal(cf_judgement_bundle_make(&w.b, &w.judged, &room, &ask, NULL, &err), CF_ERR_BOUND);
  item.bytes.len = 0;
  assert_int_equal(cf_judgement_bundle_make(&w.b, &w.judged, &room, &ask, NULL, &err), CF_ERR_FORMAT);
  ask.item_cnt = 0;
  assert_int_equal(cf_judgement_bundle_make(&w.b, &w.judged, &room, &ask, NULL, &err), CF_ERR_BOUND);
  ask.item_cnt = 1;
  ask.at_s = -1;
  assert_int_equal(cf_judgement_bundle_make(&w.b, &w.judged, &room, &ask, NULL, &err), CF_ERR_BOUND);
  ask.at_s = 0;
  item.bytes.len = 10; /* nonsense is kept like anything else, as what it is */
  again(&w, "nonsense", &ask, a_policy());
  assert_int_equal(w.judged.v.code, CF_VERDICT_MALFORMED);
  room = cf_wr_init(w.room, 10);
  assert_int_equal(cf_judgement_bundle_make(&w.b, &w.judged, &room, &ask, NULL, &err), CF_ERR_BOUND);
}

/* ---- in a log ---- */

static uint8_t const log_seed[32] = {1}, witness_seed[32] = {2};

static cf_vkey_t key_of(char const *name, cf_vkey_type_t type, uint8_t const seed[32]) {
  cf_vkey_t        k;
  cf_ed25519_pub_t pub;
  cf_ed25519_pub(&pub, seed);
  assert_int_equal(cf_vkey_make(&k, CF_SPAN(name, strlen(name)), type, &pub), CF_OK);
  return k;
}

/* Entry 1 of two, under one witness. */
static cf_span_t prove(uint8_t *buf, size_t max, cf_witness_set_t *set, cf_hash_t const *record) {
  uint8_t         note[2048];
  cf_cosig_t      cosig;
  cf_note_t       parsed;
  cf_wr_t         wr = cf_wr_init(note, sizeof note), out = cf_wr_init(buf, max);
  cf_hash_t       other = cf_tree_leaf(CF_SPAN_LIT("another")), leaf = cf_tree_leaf(CF_SPAN_OF(record->b));
  cf_hash_t       root = cf_sha256_node(&other, &leaf);
  cf_tlog_proof_t proof = {.index = 1, .path = {other}, .path_cnt = 1};
  *set = (cf_witness_set_t){.log = key_of("log.example/1", CF_VKEY_LOG, log_seed), .cnt = 1, .k = 1};
  set->member[0] = key_of("witness.example/1", CF_VKEY_WITNESS, witness_seed);
  cf_checkpoint_sign(&wr, &set->log, log_seed, 2, &root);
  assert_int_equal(cf_note_parse(&parsed, cf_wr_out(&wr), NULL), CF_OK);
  cf_cosig_make(&cosig, witness_seed, 1780272060, parsed.text);
  cf_cosig_line(&wr, &set->member[0], &cosig);
  proof.note = cf_wr_out(&wr);
  cf_tlog_proof_write(&out, &proof);
  assert_false(out.bad);
  return cf_wr_out(&out);
}

static void test_log(void **state) {
  (void)state;
  static world_t        w;
  static cf_judgement_t judged;
  static cf_appraisal_t policy;
  uint8_t               buf[4096];
  cf_witness_set_t      set, others;
  cf_cosigned_t         head;
  cf_verdict_t          v;
  cf_evidence_ask_t     ask = quotes_ask(quotes_find(quotes, "SGX, version 3"));
  make(&w, &ask, a_policy());
  cf_hash_t record = cf_judgement_bundle_record(&w.b);
  cf_span_t proof = prove(buf, sizeof buf, &set, &record);
  assert_int_equal(cf_judgement_bundle_check(&judged, &policy, &head, &w.b, &set, &v), CF_VERDICT_COLLATERAL_MISSING);
  assert_string_equal(v.item, "bundle.proof");
  cf_judgement_bundle_prove(&w.b, proof);
  assert_hash(cf_judgement_bundle_record(&w.b), record); /* the proof is of the rest */
  assert_int_equal(cf_judgement_bundle_check(&judged, &policy, &head, &w.b, &set, &v), CF_VERDICT_OK);
  assert_int_equal(head.time_s, 1780272060);
  assert_int_equal(head.size, 2);
  others = set;
  others.log = key_of("log.example/1", CF_VKEY_LOG, witness_seed);
  assert_int_equal(cf_judgement_bundle_check(&judged, &policy, &head, &w.b, &others, &v), CF_VERDICT_SIGNATURE);
  make(&w, &ask, NULL); /* another judgement, which that entry is not of */
  cf_judgement_bundle_prove(&w.b, proof);
  assert_int_equal(cf_judgement_bundle_check(&judged, &policy, &head, &w.b, &set, &v), CF_VERDICT_SIGNATURE);
  cf_judgement_bundle_prove(&w.b, CF_SPAN_LIT("no proof"));
  assert_int_equal(cf_judgement_bundle_check(&judged, &policy, &head, &w.b, &set, &v), CF_VERDICT_MALFORMED);
}

static int group_setup(void **state) {
  (void)state;
  quotes = quotes_load(CF_SOURCE_DIR "/tests/vectors/evidence/quotes.json");
  return 0;
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_all),    cmocka_unit_test(test_own),    cmocka_unit_test(test_bytes),
                                     cmocka_unit_test(test_forged), cmocka_unit_test(test_bounds), cmocka_unit_test(test_log)};
  return cmocka_run_group_tests(tests, group_setup, NULL);
}
