#include "log_world.h"

#include "codec/cf_cose.h"
#include "codec/cf_json.h"
#include "translog/cf_proof.h"
#include "translog/cf_submission.h"
#include "translog/cf_witness.h"

/* tests/vectors/translog/log.json is made here and must come out the same, bit for bit; CF_VECTORS=write writes it (and a fresh
   receipt.json, whose ECDSA signature is random: that file is checked by verifying it). */

#define DIR CF_SOURCE_DIR "/tests/vectors/translog/"
#define ORIGIN "counterfoil.local/00112233445566aa"
#define TIME_S 1782000000

static uint8_t         log_seed[32], seeds[4][32], out[1 << 18], file_bytes[1 << 18];
static writer_t        t;
static mem_dir_t       dir;
static cf_witness_set_t set;

static size_t
read_file(char const *name) {
  FILE *f = fopen(name, "rb");
  if (!f) return 0;
  size_t n = fread(file_bytes, 1, sizeof file_bytes, f);
  fclose(f);
  return n;
}

static void
write_file(char const *name, cf_span_t body) {
  FILE *f = fopen(name, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(body.ptr, 1, body.len, f), body.len);
  assert_int_equal(fclose(f), 0);
}

static void
finish(cf_wr_t *wr, char const *name) {
  assert_false(wr->bad);
  cf_wr_bytes(wr, "\n", 1);
  if (getenv("CF_VECTORS")) write_file(name, cf_wr_out(wr));
  ASSERT_SPAN(cf_wr_out(wr), CF_SPAN(file_bytes, read_file(name)));
}

static void
keys(void) {
  set = (cf_witness_set_t){ .log = key_from(log_seed, 0x10, ORIGIN, CF_VKEY_LOG), .cnt = 4, .k = 3, .f = 1 };
  for (int i = 0; i < 4; i++) {
    char name[64];
    snprintf(name, sizeof name, ORIGIN "/witness/%d", i);
    set.member[i] = key_from(seeds[i], (uint8_t)(0x60 + i), name, CF_VKEY_WITNESS);
  }
}

/* The log of "entry-0" ... "entry-<size-1>" in one append, under our own origin. */
static void
make(uint64_t size) {
  keys();
  mem_free(&dir);
  writer_open(&t, &dir, WRITER_CAP);
  t.w.cfg.log = set.log, t.w.cfg.seed = log_seed;
  writer_start(&t);
  writer_append(&t, 0, size);
  mem_remove(&dir, CF_SPAN_LIT("journal/00000000000000000000")); /* the writer's own */
}

static void
w_vkey(cf_jw_t *j, cf_vkey_t const *key) {
  char    text[CF_VKEY_TEXT_MAX + 1];
  cf_wr_t wr = cf_wr_init(text, sizeof text);
  cf_vkey_format(&wr, key);
  cf_jw_text(j, NULL, cf_wr_out(&wr));
}

static void
w_keys(cf_jw_t *j) {
  cf_jw_str(j, "origin", ORIGIN);
  cf_jw_hex(j, "log_seed", CF_SPAN_OF(log_seed));
  cf_jw_arr(j, "vkeys");
  w_vkey(j, &set.log);
  for (int i = 0; i < 4; i++) w_vkey(j, &set.member[i]);
  cf_jw_end(j, ']');
  cf_jw_arr(j, "witness_seeds");
  for (int i = 0; i < 4; i++) cf_jw_hex(j, NULL, CF_SPAN_OF(seeds[i]));
  cf_jw_end(j, ']');
  cf_jw_u64(j, "k", set.k);
  cf_jw_u64(j, "f", set.f);
}

static void
w_files(cf_jw_t *j) {
  cf_jw_arr(j, "files");
  for (size_t i = 0; i < dir.cnt; i++) {
    cf_hash_t h = cf_sha256(CF_SPAN(dir.file[i].bytes, dir.file[i].len));
    cf_jw_obj(j, NULL);
    cf_jw_str(j, "name", dir.file[i].name);
    cf_jw_u64(j, "bytes", dir.file[i].len);
    cf_jw_hex(j, "sha256", CF_SPAN_OF(h.b));
    cf_jw_end(j, '}');
  }
  cf_jw_end(j, ']');
}

/* Cosigned by witnesses 3, 1, 0 at times TIME_S + 30, 10, 20: the canonical note and its time. */
static cf_span_t
w_cosigned(cf_jw_t *j, uint8_t *buf, size_t max) {
  static struct { int who; uint64_t late_s; } const by[] = { { 3, 30 }, { 1, 10 }, { 0, 20 } };
  cf_wr_t       wr = cf_wr_init(out + sizeof out / 2, 8192), canon = cf_wr_init(buf, max);
  cf_note_t     note;
  cf_cosigned_t head;
  char          name[64];
  cf_wr_span(&wr, cf_logwriter_note(&t.w));
  ASSERT_STATUS(CF_OK, cf_note_parse(&note, cf_logwriter_note(&t.w), NULL));
  for (size_t i = 0; i < 3; i++) {
    cf_cosig_t c;
    cf_cosig_make(&c, seeds[by[i].who], TIME_S + by[i].late_s, note.text);
    cf_cosig_line(&wr, &set.member[by[i].who], &c);
  }
  ASSERT_STATUS(CF_OK, cf_checkpoint_canonical(&canon, &head, cf_wr_out(&wr), &set, NULL));
  snprintf(name, sizeof name, "checkpoints/%020llu", (unsigned long long)head.size);
  cf_jw_obj(j, "cosigned");
  cf_jw_text(j, "as_collected", cf_wr_out(&wr));
  cf_jw_str(j, "name", name);
  cf_jw_text(j, "canonical", cf_wr_out(&canon));
  cf_jw_u64(j, "time", head.time_s);
  cf_jw_u64(j, "count", head.count);
  cf_jw_end(j, '}');
  return cf_wr_out(&canon);
}

static void
w_proof(cf_jw_t *j, cf_span_t note) {
  cf_tlog_proof_t p = { .index = 258, .note = note };
  cf_cosigned_t   head;
  ASSERT_STATUS(CF_OK, cf_logwriter_proof(&t.w, p.path, &p.path_cnt, p.index, t.w.size));
  cf_wr_t wr = cf_wr_init(out + sizeof out / 2, 16384);
  cf_tlog_proof_write(&wr, &p);
  ASSERT_STATUS(CF_OK, cf_tlog_proof_verify(&head, &p, cf_logwriter_leaf(&t.w, p.index), &set, NULL));
  cf_jw_text(j, "tlog_proof_258", cf_wr_out(&wr));

  cf_submission_t s = { .old_size = 259, .note = cf_logwriter_note(&t.w) };
  ASSERT_STATUS(CF_OK, cf_logwriter_consistency(&t.w, s.path, &s.path_cnt, s.old_size, t.w.size));
  wr = cf_wr_init(out + sizeof out / 2, 16384);
  cf_submission_write(&wr, &s);
  cf_jw_text(j, "add_checkpoint_from_259", cf_wr_out(&wr));
}

/* Witness 0 cosigns the log at TIME_S: its answer and its state file. */
static void
w_witness(cf_jw_t *j) {
  static cf_witness_t w;
  static step_t       step;
  cf_submission_t     s = { .old_size = 0, .note = cf_logwriter_note(&t.w) };
  cf_wr_t             wr = cf_wr_init(out + sizeof out / 2, 16384);
  cf_submission_write(&wr, &s);
  cf_witness_init(&w, &set.member[0], seeds[0]);
  ASSERT_STATUS(CF_OK, cf_witness_trust(&w, &set.log));
  w.log[0].loaded = true;
  cf_event_t ev = {
      .kind = CF_EV_REQUEST, .now = {0, TIME_S * 1000ull}, .path = CF_SPAN_LIT("POST /add-checkpoint"), .body = cf_wr_out(&wr)};
  cf_witness_step(&w, step_begin(&step), &ev);
  ev = (cf_event_t){ .kind = CF_EV_TICK };
  cf_witness_step(&w, step_begin(&step), &ev);
  assert_int_equal(step.fx.cnt, 3); /* between the two the file goes that stood for a log without a note */
  cf_jw_obj(j, "witness_state");
  cf_jw_text(j, "name", step.fx.at[0].name);
  cf_jw_text(j, "body", step.fx.at[0].body);
  cf_jw_text(j, "answer", step.fx.at[2].body);
  cf_jw_end(j, '}');
}

/* What a restart makes of the first `cut` files, the journal's first, of an append from 44 to 600 entries. */
static void
w_recovery(cf_jw_t *j) {
  cf_jw_arr(j, "recovery_44_to_600");
  for (size_t cut = 0;; cut++) {
    mem_dir_t d = { 0 };
    writer_open(&t, &d, WRITER_CAP);
    writer_start(&t);
    writer_append(&t, 0, 44);
    t.durable_left = cut;
    writer_append(&t, 44, 556);
    bool all = !t.dead;
    writer_close(&t);
    writer_open(&t, &d, WRITER_CAP);
    writer_start(&t);
    cf_jw_obj(j, NULL);
    cf_jw_u64(j, "files_written", cut);
    cf_jw_u64(j, "size", t.w.size);
    cf_jw_end(j, '}');
    writer_close(&t);
    mem_free(&d);
    if (all) break;
  }
  cf_jw_end(j, ']');
}

/* Two statements that are one entry: same header and payload, another signature. */
static void
w_same_entry(cf_jw_t *j) {
  uint8_t       hdr[128], statement[2][512], sig[64];
  cf_hash_t     key[2];
  cf_wr_t       h    = cf_wr_init(hdr, sizeof hdr);
  cf_cose_hdr_t cose = { .alg = CF_COSE_ES256,
                         .kid = CF_SPAN_LIT("0123456789abcdef0123456789abcdef"),
                         .iss = SPAN_STR(ORIGIN),
                         .sub = CF_SPAN_LIT("receipt/41"),
                         .typ = CF_SPAN_LIT("application/example") };
  cf_sign1_protected(&h, &cose);
  cf_jw_obj(j, "same_entry");
  cf_jw_arr(j, "statements");
  for (int i = 0; i < 2; i++) {
    cf_wr_t wr = cf_wr_init(statement[i], sizeof statement[i]);
    memset(sig, 0x11 + i, sizeof sig);
    cf_sign1_assemble(&wr, cf_wr_out(&h), CF_SPAN_LIT("\xa0"), sig);
    key[i] = cf_log_entry_key(cf_wr_out(&wr));
    cf_jw_hex(j, NULL, cf_wr_out(&wr));
  }
  cf_jw_end(j, ']');
  ASSERT_HASH(key[0], key[1]);
  cf_jw_hex(j, "key", CF_SPAN_OF(key[0].b));
  cf_jw_end(j, '}');
}

static void
test_log_json(void **state) {
  static uint8_t canonical[CF_CHECKPOINT_NOTE_MAX];
  make(300);
  cf_wr_t wr = cf_wr_init(out, sizeof out / 2);
  cf_jw_t j  = cf_jw_init(&wr);
  cf_jw_obj(&j, NULL);
  w_keys(&j);
  cf_jw_str(&j, "entries", "entry-0 ... entry-299");
  cf_jw_text(&j, "checkpoint", cf_logwriter_note(&t.w));
  w_files(&j);
  cf_frontier_t f = { .size = 0 };
  uint8_t       enc[CF_FRONTIER_ENC_MAX];
  cf_wr_t       e = cf_wr_init(enc, sizeof enc);
  for (uint64_t i = 0; i < 300; i++) cf_frontier_add(&f, cf_logwriter_leaf(&t.w, i));
  cf_frontier_encode(&e, &f);
  cf_jw_hex(&j, "frontier", cf_wr_out(&e));
  cf_span_t note = w_cosigned(&j, canonical, sizeof canonical);
  w_proof(&j, note);
  w_witness(&j);
  writer_close(&t);
  w_recovery(&j);
  w_same_entry(&j);
  cf_jw_end(&j, '}');
  finish(&wr, DIR "log.json");
  mem_free(&dir);
}

/* ---- receipt.json ---- */

static void
write_receipt(void) {
  cf_entropy_t     e   = cf_entropy_system();
  cf_p256_key_t   *key = cf_p256_key_new(&e);
  cf_p256_pub_t    pub;
  cf_log_receipt_t r = { .origin = SPAN_STR(ORIGIN), .sub = CF_SPAN_LIT("receipt/41"), .size = 300, .index = 258 };
  uint8_t          bytes[CF_LOG_RECEIPT_MAX];
  cf_wr_t          b = cf_wr_init(bytes, sizeof bytes), wr = cf_wr_init(out, sizeof out);
  cf_p256_key_pub(key, &pub);
  ASSERT_STATUS(CF_OK, cf_logwriter_proof(&t.w, r.path, &r.path_cnt, r.index, r.size));
  cf_log_receipt_encode(&b, key, &r, &t.w.root);
  cf_p256_key_free(key);
  cf_jw_t j = cf_jw_init(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_str(&j, "origin", ORIGIN);
  cf_jw_hex(&j, "public_key_xy", CF_SPAN_OF(pub.b));
  cf_jw_str(&j, "entry", "entry-258");
  cf_jw_hex(&j, "root_of_300", CF_SPAN_OF(t.w.root.b));
  cf_jw_hex(&j, "receipt", cf_wr_out(&b));
  cf_jw_end(&j, '}');
  cf_wr_bytes(&wr, "\n", 1);
  write_file(DIR "receipt.json", cf_wr_out(&wr));
}

static void
test_receipt_json(void **state) {
  make(300);
  if (getenv("CF_VECTORS")) write_receipt();
  size_t           n = read_file(DIR "receipt.json");
  cf_json_t        doc, hex;
  cf_p256_pub_t    pub;
  cf_hash_t        want, root, leaf = example_leaf(258);
  cf_log_receipt_t r;
  uint8_t          bytes[CF_LOG_RECEIPT_MAX];
  ASSERT_STATUS(CF_OK, cf_json_parse(&doc, CF_SPAN(file_bytes, n), NULL));
  ASSERT_STATUS(CF_OK, cf_json_hex(pub.b, sizeof pub.b, cf_json_get(doc, "public_key_xy")));
  ASSERT_STATUS(CF_OK, cf_json_hex(want.b, sizeof want.b, cf_json_get(doc, "root_of_300")));
  hex      = cf_json_get(doc, "receipt");
  size_t m = (hex.text.len - 2) / 2;
  assert_true(m <= sizeof bytes);
  ASSERT_STATUS(CF_OK, cf_json_hex(bytes, m, hex));
  ASSERT_STATUS(CF_OK, cf_log_receipt_decode(&r, CF_SPAN(bytes, m), NULL));
  ASSERT_STATUS(CF_OK, cf_log_receipt_verify(&root, &r, &leaf, SPAN_STR(ORIGIN), &pub, NULL));
  ASSERT_HASH(want, root);
  ASSERT_HASH(t.w.root, root);
  writer_close(&t);
  mem_free(&dir);
}

int
main(void) {
  struct CMUnitTest const tests[] = { cmocka_unit_test(test_log_json), cmocka_unit_test(test_receipt_json) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
