#include "log_test.h"

#define DASH "\xe2\x80\x94 "
#define LOG_LINE \
  DASH "example.com/tee-ledger hOW7zlLAlcvrhUigAe+EPzYL+t7JaDCRxr+mPc9SEZnOX1Zw8wYi2Ebg8nczWDBGMAvvQKtu1xfH4kschM+VJhKTmAo=\n"
#define WITNESS_LINE \
  DASH "witness.example.com/w1 lpmAzwAAAABlU/EA4qRMH5xAGPJ1TSC92Afu9FkkM7Dx5FY0wxyboQAn2Bnei0P4/8QHFhFJ5ZkmOCocyXhUJj+ibDqa6UU4aO4uBw==\n"
#define TEXT "example.com/tee-ledger\n8\n38wTubDKkyxo3j1Z6qqP4mapyAkcAwDoQF6/6w0OWDI=\n"
#define SIG5 " AAAAAAA=\n" /* five bytes */

/* ---- FORMATS-LOG sections 2, 3, 4 ---- */

static void
test_known_keys(void **state) {
  uint8_t   seed[32];
  cf_vkey_t log = key_from(seed, 0, EXAMPLE_ORIGIN, CF_VKEY_LOG);
  assert_int_equal(log.id, 0x84e5bbce);
  cf_hash_t pub = hash_hex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8");
  assert_memory_equal(pub.b, log.pub.b, 32);
  cf_vkey_t w = key_from(seed, 0x20, EXAMPLE_WITNESS, CF_VKEY_WITNESS);
  assert_int_equal(w.id, 0x969980cf);

  static char const *const texts[] = {
    "example.com/tee-ledger+84e5bbce+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
    "witness.example.com/w1+969980cf+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X",
  };
  cf_vkey_t const *keys[] = { &log, &w };
  for (size_t i = 0; i < 2; i++) {
    char      out[CF_VKEY_TEXT_MAX];
    cf_wr_t   wr = cf_wr_init(out, sizeof out);
    cf_vkey_t k;
    cf_vkey_format(&wr, keys[i]);
    ASSERT_SPAN(SPAN_STR(texts[i]), cf_wr_out(&wr));
    ASSERT_STATUS(CF_OK, cf_vkey_parse(&k, SPAN_STR(texts[i])));
    assert_memory_equal(&k, keys[i], sizeof k);
  }
}

static void
test_known_checkpoint(void **state) {
  uint8_t   seed[32], wseed[32], out[CF_CHECKPOINT_NOTE_MAX];
  cf_vkey_t log = key_from(seed, 0, EXAMPLE_ORIGIN, CF_VKEY_LOG), w = key_from(wseed, 0x20, EXAMPLE_WITNESS, CF_VKEY_WITNESS);
  cf_hash_t root = example_root(8);
  cf_wr_t   wr   = cf_wr_init(out, sizeof out);
  cf_checkpoint_sign(&wr, &log, seed, 8, &root);
  ASSERT_SPAN(CF_SPAN_LIT(TEXT "\n" LOG_LINE), cf_wr_out(&wr));
  assert_int_equal(strlen(TEXT), 70);
  cf_hash_t h = cf_sha256(CF_SPAN_LIT(TEXT));
  ASSERT_HASH(hash_hex("8bb33a0d2579c2b2992543a6b35e327d2281d330a27342c228fe065df3eb3fc1"), h);

  cf_cosig_t c;
  cf_cosig_make(&c, wseed, 1700000000, CF_SPAN_LIT(TEXT));
  wr = cf_wr_init(out, sizeof out);
  cf_cosig_line(&wr, &w, &c);
  ASSERT_SPAN(CF_SPAN_LIT(WITNESS_LINE), cf_wr_out(&wr));
  h = cf_sha256(CF_SPAN_LIT("cosignature/v1\ntime 1700000000\n" TEXT));
  ASSERT_HASH(hash_hex("13c8b1df63ea63952cc0f9dca16dca305d925eaa6542a1d2d75ab3747ed90d3a"), h);

  cf_witness_set_t set = { .log = log, .cnt = 1, .member = { w }, .k = 1 };
  cf_cosigned_t    head;
  ASSERT_STATUS(CF_OK, cf_checkpoint_verify_canonical(&head, CF_SPAN_LIT(EXAMPLE_NOTE), &set, NULL));
  assert_int_equal(head.size, 8);
  assert_int_equal(head.time_s, 1700000000);
  assert_int_equal(head.count, 1);
  ASSERT_HASH(root, head.root);
}

/* ---- form ---- */

static void
test_note_form(void **state) {
  static struct { char const *name; char const *in; size_t len; cf_status_t want; } const cases[] = {
#define IN(lit) (lit), sizeof(lit) - 1
    { "as it should be", IN("text\n\n" DASH "n" SIG5), CF_OK },
    { "two lines, two signatures", IN("a\nb\n\n" DASH "n" SIG5 DASH "m" SIG5), CF_OK },
    { "border is the last empty line", IN("a\n\nb\n\n" DASH "n" SIG5), CF_OK },
    { "long foreign signature", IN("a\n\n" DASH "n AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"), CF_OK },
    { "unicode name", IN("a\n\n" DASH "\xc3\xa9\xf0\x9f\x8c\xb2" SIG5), CF_OK },
    { "empty", IN(""), CF_ERR_FORMAT },
    { "no empty line", IN("text\n" DASH "n" SIG5), CF_ERR_FORMAT },
    { "no signature", IN("text\n\n"), CF_ERR_FORMAT },
    { "text without LF", IN("text" DASH "n" SIG5), CF_ERR_FORMAT },
    { "last LF missing", IN("text\n\n" DASH "n AAAAAAA="), CF_ERR_FORMAT },
    { "ASCII dash", IN("text\n\n- n" SIG5), CF_ERR_FORMAT },
    { "dash without space", IN("text\n\n\xe2\x80\x94n" SIG5), CF_ERR_FORMAT },
    { "no name", IN("text\n\n" DASH SIG5), CF_ERR_FORMAT },
    { "no base64", IN("text\n\n" DASH "n\n"), CF_ERR_FORMAT },
    { "empty base64", IN("text\n\n" DASH "n \n"), CF_ERR_FORMAT },
    { "key id only", IN("text\n\n" DASH "n AAAAAA==\n"), CF_ERR_FORMAT },
    { "loose base64", IN("text\n\n" DASH "n AAAAAAB=\n"), CF_ERR_FORMAT },
    { "padding missing", IN("text\n\n" DASH "n AAAAAAA\n"), CF_ERR_FORMAT },
    { "padding inside",
      IN("a\n\n" DASH "n AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=AAAA\n"), CF_ERR_FORMAT },
    { "plus in name", IN("text\n\n" DASH "n+m" SIG5), CF_ERR_FORMAT },
    { "two spaces", IN("text\n\n" DASH "n " SIG5), CF_ERR_FORMAT },
    { "no-break space in name", IN("text\n\n" DASH "n\xc2\xa0m" SIG5), CF_ERR_FORMAT },
    { "ideographic space in name", IN("text\n\n" DASH "n\xe3\x80\x80m" SIG5), CF_ERR_FORMAT },
    { "carriage return", IN("text\r\n\n" DASH "n" SIG5), CF_ERR_FORMAT },
    { "NUL", IN("te\0xt\n\n" DASH "n" SIG5), CF_ERR_FORMAT },
    { "not UTF-8", IN("te\xfft\n\n" DASH "n" SIG5), CF_ERR_FORMAT },
    { "junk line", IN("text\n\n" DASH "n" SIG5 "junk\n"), CF_ERR_FORMAT },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_note_t   n;
    cf_status_t st = cf_note_parse(&n, CF_SPAN(cases[i].in, cases[i].len), NULL);
    if (st != cases[i].want) print_message("%s\n", cases[i].name);
    ASSERT_STATUS(cases[i].want, st);
  }
}

static void
test_note_bounds(void **state) {
  static char big[CF_NOTE_MAX + 2];
  cf_note_t   n;
  cf_error_t  err = { .status = CF_OK };
  for (int cnt = CF_NOTE_SIGS_MAX; cnt <= CF_NOTE_SIGS_MAX + 1; cnt++) {
    strcpy(big, "t\n\n");
    for (int i = 0; i < cnt; i++) strcat(big, DASH "n" SIG5);
    ASSERT_STATUS(cnt > CF_NOTE_SIGS_MAX ? CF_ERR_BOUND : CF_OK, cf_note_parse(&n, SPAN_STR(big), NULL));
  }
  memset(big, 'x', sizeof big);
  ASSERT_STATUS(CF_ERR_BOUND, cf_note_parse(&n, CF_SPAN(big, CF_NOTE_MAX + 1), &err));
  ASSERT_STATUS(CF_ERR_BOUND, cf_note_lines_parse(&n, CF_SPAN(big, CF_NOTE_MAX + 1), NULL));
  assert_string_equal(err.item, "note");
}

static void
test_vkey_form(void **state) {
#define PUB "AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
  static struct { char const *in; cf_status_t want; } const cases[] = {
    { "example.com/tee-ledger+84e5bbce+" PUB, CF_OK },
    { "example.com/tee-ledger+84E5BBCE+" PUB, CF_ERR_FORMAT },
    { "example.com/tee-ledger+84e5bbcf+" PUB, CF_ERR_FORMAT },
    { "example.com/tee-ledgeR+84e5bbce+" PUB, CF_ERR_FORMAT },
    { "example.com/tee-ledger+84e5bbce+" PUB "\n", CF_ERR_FORMAT },
    { "example.com/tee-ledger+84e5bbce", CF_ERR_FORMAT },
    { "example.com/tee-ledger", CF_ERR_FORMAT },
    { "+84e5bbce+" PUB, CF_ERR_FORMAT },
    { "", CF_ERR_FORMAT },
    { "example.com/tee-ledger+84e5bbce+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTE=", CF_ERR_FORMAT }, /* 31 bytes */
    { "example.com/tee-ledger+84e5bbce+AgOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4", CF_ERR_UNSUPPORTED },
    { "example.com/tee-ledger+84e5bbce+BgOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4", CF_ERR_UNSUPPORTED },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_vkey_t k;
    ASSERT_STATUS(cases[i].want, cf_vkey_parse(&k, SPAN_STR(cases[i].in)));
  }
  char             long_name[CF_NOTE_NAME_MAX + 1];
  cf_vkey_t        k;
  cf_ed25519_pub_t pub = { { 1 } };
  memset(long_name, 'n', sizeof long_name);
  ASSERT_STATUS(CF_OK, cf_vkey_make(&k, CF_SPAN(long_name, CF_NOTE_NAME_MAX), CF_VKEY_LOG, &pub));
  ASSERT_STATUS(CF_ERR_BOUND, cf_vkey_make(&k, CF_SPAN(long_name, CF_NOTE_NAME_MAX + 1), CF_VKEY_LOG, &pub));
  static char big[CF_VKEY_TEXT_MAX + 1];
  memset(big, 'A', sizeof big);
  ASSERT_STATUS(CF_ERR_BOUND, cf_vkey_parse(&k, CF_SPAN_OF(big)));
}

static void
test_checkpoint_form(void **state) {
#define ROOT "38wTubDKkyxo3j1Z6qqP4mapyAkcAwDoQF6/6w0OWDI="
  static char long_text[CF_CHECKPOINT_TEXT_MAX + 64] = "o\n8\n" ROOT "\n";
  memset(long_text + strlen(long_text), 'x', CF_CHECKPOINT_TEXT_MAX);
  struct { char const *in; cf_status_t want; } const cases[] = {
    { "o\n8\n" ROOT "\n", CF_OK },
    { "o\n8\n" ROOT "\nextension\n", CF_OK },
    { "o\n9223372036854775807\n" ROOT "\n", CF_OK },
    { "o\n9223372036854775808\n" ROOT "\n", CF_ERR_BOUND },
    { "o\n99999999999999999999\n" ROOT "\n", CF_ERR_BOUND },
    { "o\n08\n" ROOT "\n", CF_ERR_FORMAT },
    { "o\n\n" ROOT "\n", CF_ERR_FORMAT },
    { "o\n+8\n" ROOT "\n", CF_ERR_FORMAT },
    { "\n8\n" ROOT "\n", CF_ERR_FORMAT },
    { "o p\n8\n" ROOT "\n", CF_ERR_FORMAT },
    { "o\n8\n" ROOT, CF_ERR_FORMAT },
    { "o\n8\nAAAA\n", CF_ERR_FORMAT },
    { "o\n8\n38wTubDKkyxo3j1Z6qqP4mapyAkcAwDoQF6/6w0OWDJ=\n", CF_ERR_FORMAT }, /* spare bits */
    { "o\n8\n" ROOT "\n\nextension\n", CF_ERR_FORMAT },
    { "o\n8\n" ROOT "\nextension", CF_ERR_FORMAT },
    { "", CF_ERR_FORMAT },
    { long_text, CF_ERR_BOUND },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_checkpoint_t c;
    ASSERT_STATUS(cases[i].want, cf_checkpoint_parse(&c, SPAN_STR(cases[i].in), NULL));
  }
}

/* ---- sets ---- */

static uint8_t log_seed[32], seeds[CF_WITNESSES_MAX][32];

/* A note of size 8 with cosignatures by members who (in that order) at times 1000 + t. */
typedef struct { int who; uint64_t t; } by_t;

static cf_span_t
cosigned(uint8_t out[CF_NOTE_MAX], cf_witness_set_t const *set, by_t const *by, size_t cnt) {
  cf_wr_t wr = cf_wr_init(out, CF_NOTE_MAX);
  cf_wr_span(&wr, CF_SPAN_LIT(TEXT "\n" LOG_LINE));
  for (size_t i = 0; i < cnt; i++) {
    cf_cosig_t c;
    cf_cosig_make(&c, seeds[by[i].who], 1000 + by[i].t, CF_SPAN_LIT(TEXT));
    cf_cosig_line(&wr, &set->member[by[i].who], &c);
  }
  return cf_wr_out(&wr);
}

/* The time of a set is the (f+1)-th smallest: f liars neither raise nor lower it beyond the honest ones. */
static void
test_time_of_a_set(void **state) {
  static struct { unsigned n, k, f; by_t by[5]; size_t cnt; cf_status_t want; uint64_t time; } const cases[] = {
    { 1, 1, 0, { { 0, 5 } }, 1, CF_OK, 5 },
    { 4, 3, 1, { { 0, 30 }, { 1, 10 }, { 2, 20 } }, 3, CF_OK, 20 },
    { 4, 3, 1, { { 3, 10 }, { 1, 30 }, { 0, 20 } }, 3, CF_OK, 20 },
    { 4, 3, 1, { { 0, 30 }, { 1, 10 }, { 2, 20 }, { 3, 40 } }, 4, CF_OK, 20 },
    { 4, 3, 1, { { 0, 30 }, { 1, 30 }, { 2, 1000000000000 } }, 3, CF_OK, 30 },
    { 4, 3, 1, { { 0, 30 }, { 1, 30 }, { 2, 0 } }, 3, CF_OK, 30 },
    { 4, 3, 1, { { 0, 30 }, { 1, 10 } }, 2, CF_ERR_POLICY, 0 },
    { 5, 5, 2, { { 0, 1 }, { 1, 2 }, { 2, 3 }, { 3, 4 }, { 4, 5 } }, 5, CF_OK, 3 },
    { 4, 3, 0, { { 0, 30 }, { 1, 10 }, { 2, 20 } }, 3, CF_OK, 10 },
    { 1, 1, 0, { { 0, 0 } }, 0, CF_ERR_POLICY, 0 },
  };
  static uint8_t buf[CF_NOTE_MAX];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_witness_set_t set = make_set(log_seed, seeds, cases[i].n, cases[i].k, cases[i].f);
    cf_cosigned_t    head;
    ASSERT_STATUS(cases[i].want, cf_checkpoint_verify(&head, cosigned(buf, &set, cases[i].by, cases[i].cnt), &set, NULL));
    if (cases[i].want) continue;
    assert_int_equal(head.time_s, 1000 + cases[i].time);
    assert_int_equal(head.count, cases[i].cnt);
  }
}

/* C2SP tlog-policy; read by another implementation in tests/e2e/peer-log.sh. */
static void
test_set_as_a_policy(void **state) {
  static char      buf[CF_WITNESS_POLICY_MAX];
  cf_witness_set_t set = make_set(log_seed, seeds, 1, 1, 0);
  cf_wr_t          wr  = cf_wr_init(buf, sizeof buf);
  char             vkey[2][CF_VKEY_TEXT_MAX + 1] = { "", "" }, want[2 * CF_VKEY_TEXT_MAX + 100];
  for (size_t i = 0; i < 2; i++) {
    cf_wr_t v = cf_wr_init(vkey[i], sizeof vkey[i]);
    cf_vkey_format(&v, i ? &set.member[0] : &set.log);
  }
  snprintf(want, sizeof want, "log %s\nwitness w1 %s\ngroup witnesses 1 w1\nquorum witnesses\n", vkey[0], vkey[1]);
  cf_witness_set_policy(&wr, &set);
  ASSERT_SPAN(SPAN_STR(want), cf_wr_out(&wr));

  set.cnt = CF_WITNESSES_MAX; /* of the longest names */
  memset(set.log.name, 'n', CF_NOTE_NAME_MAX);
  for (size_t i = 0; i < set.cnt; i++) set.member[i] = set.log;
  wr = cf_wr_init(buf, sizeof buf);
  cf_witness_set_policy(&wr, &set);
  assert_false(wr.bad);
}

static void
test_set_rules(void **state) {
  static struct { unsigned n, k, f; cf_status_t want; } const cases[] = {
    { 1, 1, 0, CF_OK },         { 4, 3, 1, CF_OK },         { 3, 2, 0, CF_OK },          { 7, 5, 2, CF_OK },
    { 0, 0, 0, CF_ERR_POLICY }, { 1, 0, 0, CF_ERR_POLICY }, { 2, 1, 0, CF_ERR_POLICY },  { 3, 2, 1, CF_ERR_POLICY },
    { 4, 5, 0, CF_ERR_POLICY }, { 5, 3, 1, CF_ERR_POLICY }, { 4, 3, 100, CF_ERR_POLICY }, { 1, 1, 0x80000000u, CF_ERR_POLICY },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_witness_set_t set = make_set(log_seed, seeds, cases[i].n, cases[i].k, cases[i].f);
    ASSERT_STATUS(cases[i].want, cf_witness_set_check(&set, NULL));
  }
  cf_witness_set_t set = make_set(log_seed, seeds, 4, 3, 1), bad = set;
  bad.cnt = CF_WITNESSES_MAX + 1;
  ASSERT_STATUS(CF_ERR_POLICY, cf_witness_set_check(&bad, NULL));
  bad = set, bad.member[2].pub = bad.member[0].pub;
  ASSERT_STATUS(CF_ERR_POLICY, cf_witness_set_check(&bad, NULL));
  bad = set, strcpy(bad.member[2].name, bad.member[0].name);
  ASSERT_STATUS(CF_ERR_POLICY, cf_witness_set_check(&bad, NULL));
  bad = set, bad.member[3].pub = bad.log.pub;
  ASSERT_STATUS(CF_ERR_POLICY, cf_witness_set_check(&bad, NULL));
  bad = set, bad.member[3].type = CF_VKEY_LOG;
  ASSERT_STATUS(CF_ERR_POLICY, cf_witness_set_check(&bad, NULL));
  bad = set, bad.log.type = CF_VKEY_WITNESS;
  ASSERT_STATUS(CF_ERR_POLICY, cf_witness_set_check(&bad, NULL));
  cf_cosigned_t head;
  ASSERT_STATUS(CF_ERR_POLICY, cf_checkpoint_verify(&head, CF_SPAN_LIT(EXAMPLE_NOTE), &bad, NULL));
}

static void
test_what_spoils_a_note(void **state) {
  static uint8_t   buf[CF_NOTE_MAX + 256], note[CF_NOTE_MAX];
  cf_witness_set_t set = make_set(log_seed, seeds, 4, 3, 1);
  by_t             by[] = { { 0, 1 }, { 1, 2 }, { 2, 3 } };
  cf_span_t        good = cosigned(note, &set, by, 3);
  cf_cosigned_t    head;
  memcpy(buf, good.ptr, good.len);
  ASSERT_STATUS(CF_OK, cf_checkpoint_verify(&head, good, &set, NULL));

  /* A fourth line, by each kind of signer. */
  cf_cosig_t  c;
  cf_wr_t     wr;
  cf_vkey_t   stranger = set.member[3];
  cf_status_t st;
  strcpy(stranger.name, "stranger.example");
  struct { cf_vkey_t const *who; int seed; char const *text; uint64_t time; cf_status_t want; } const fourth[] = {
    { &set.member[3], 3, TEXT, 5, CF_OK },
    { &stranger, 0, TEXT, 5, CF_OK },                                   /* unknown: skipped, although it is nonsense */
    { &set.member[3], 2, TEXT, 5, CF_ERR_AUTH },                        /* by another key */
    { &set.member[3], 3, "o\n7\n" ROOT "\n", 5, CF_ERR_AUTH },          /* over another text */
    { &set.member[0], 0, TEXT, 5, CF_ERR_AUTH },                        /* a second time */
  };
  for (size_t i = 0; i < sizeof fourth / sizeof *fourth; i++) {
    cf_cosig_make(&c, seeds[fourth[i].seed], fourth[i].time, SPAN_STR(fourth[i].text));
    wr     = cf_wr_init(buf, sizeof buf);
    wr.len = good.len;
    cf_cosig_line(&wr, fourth[i].who, &c);
    st = cf_checkpoint_verify(&head, cf_wr_out(&wr), &set, NULL);
    ASSERT_STATUS(fourth[i].want, st);
  }
  /* Time over 2^63-1, and a signature of another length. */
  cf_cosig_make(&c, seeds[3], 5, CF_SPAN_LIT(TEXT));
  c.time_s = UINT64_C(1) << 63;
  wr       = cf_wr_init(buf, sizeof buf), wr.len = good.len;
  cf_cosig_line(&wr, &set.member[3], &c);
  ASSERT_STATUS(CF_ERR_AUTH, cf_checkpoint_verify(&head, cf_wr_out(&wr), &set, NULL));
  wr = cf_wr_init(buf, sizeof buf), wr.len = good.len;
  cf_note_line(&wr, &set.member[3], CF_SPAN(c.sig, 64));
  ASSERT_STATUS(CF_ERR_AUTH, cf_checkpoint_verify(&head, cf_wr_out(&wr), &set, NULL));
  /* The log's own line: missing, twice, bad. */
  wr = cf_wr_init(buf, sizeof buf), wr.len = good.len;
  cf_wr_span(&wr, CF_SPAN_LIT(LOG_LINE));
  ASSERT_STATUS(CF_ERR_AUTH, cf_checkpoint_verify(&head, cf_wr_out(&wr), &set, NULL));
  memcpy(buf, good.ptr, good.len);
  buf[strlen(TEXT "\n" DASH EXAMPLE_ORIGIN " hOW7zl")] ^= 2;
  ASSERT_STATUS(CF_ERR_AUTH, cf_checkpoint_verify(&head, CF_SPAN(buf, good.len), &set, NULL));
  size_t rest = good.len - strlen(TEXT "\n" LOG_LINE);
  memcpy(buf, TEXT "\n", strlen(TEXT) + 1);
  memcpy(buf + strlen(TEXT) + 1, good.ptr + strlen(TEXT "\n" LOG_LINE), rest);
  ASSERT_STATUS(CF_ERR_AUTH, cf_checkpoint_verify(&head, CF_SPAN(buf, strlen(TEXT) + 1 + rest), &set, NULL));
  /* Another log. */
  cf_witness_set_t other = set;
  strcpy(other.log.name, "example.com/other");
  ASSERT_STATUS(CF_ERR_POLICY, cf_checkpoint_verify(&head, good, &other, NULL));
}

/* Heads that the log signed and we refuse all the same. */
static void
test_signed_but_refused(void **state) {
  static struct { char const *text; cf_status_t want; } const cases[] = {
    { EXAMPLE_ORIGIN "\n8\n" ROOT "\nextension\n", CF_ERR_UNSUPPORTED },
    { EXAMPLE_ORIGIN "\n0\n" ROOT "\n", CF_ERR_FORMAT },
    { EXAMPLE_ORIGIN "\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", CF_OK },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_witness_set_t set = make_set(log_seed, seeds, 1, 1, 0);
    cf_cosig_t       c[CF_WITNESSES_MAX] = { 0 };
    uint8_t          sig[64], buf[CF_CHECKPOINT_NOTE_MAX];
    cf_wr_t          wr = cf_wr_init(buf, sizeof buf);
    cf_cosigned_t    head;
    cf_ed25519_sign(sig, log_seed, SPAN_STR(cases[i].text));
    cf_cosig_make(&c[0], seeds[0], 7, SPAN_STR(cases[i].text));
    cf_checkpoint_compose(&wr, SPAN_STR(cases[i].text), &set, sig, c);
    ASSERT_STATUS(cases[i].want, cf_checkpoint_verify(&head, cf_wr_out(&wr), &set, NULL));
  }
}

static void
test_canonical(void **state) {
  static uint8_t   note[CF_NOTE_MAX], mixed[CF_NOTE_MAX], out[CF_CHECKPOINT_NOTE_MAX];
  cf_witness_set_t set = make_set(log_seed, seeds, 4, 3, 1);
  by_t             in_order[] = { { 0, 1 }, { 2, 2 }, { 3, 3 } }, out_of_order[] = { { 3, 3 }, { 0, 1 }, { 2, 2 } };
  cf_span_t        want = cosigned(note, &set, in_order, 3), shuffled = cosigned(mixed, &set, out_of_order, 3);
  cf_cosigned_t    head;
  ASSERT_STATUS(CF_OK, cf_checkpoint_verify_canonical(&head, want, &set, NULL));
  ASSERT_STATUS(CF_ERR_FORMAT, cf_checkpoint_verify_canonical(&head, shuffled, &set, NULL));
  cf_wr_t wr = cf_wr_init(mixed, sizeof mixed);
  wr.len     = shuffled.len;
  cf_wr_span(&wr, CF_SPAN_LIT(DASH "stranger.example" SIG5));
  shuffled = cf_wr_out(&wr);
  wr       = cf_wr_init(out, sizeof out);
  ASSERT_STATUS(CF_OK, cf_checkpoint_canonical(&wr, &head, shuffled, &set, NULL));
  ASSERT_SPAN(want, cf_wr_out(&wr));
  wr = cf_wr_init(out, sizeof out);
  ASSERT_STATUS(CF_ERR_POLICY, cf_checkpoint_canonical(&wr, &head, cosigned(note, &set, in_order, 2), &set, NULL));
  assert_int_equal(wr.len, 0);
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_known_keys),      cmocka_unit_test(test_known_checkpoint), cmocka_unit_test(test_note_form),
    cmocka_unit_test(test_note_bounds),     cmocka_unit_test(test_vkey_form),        cmocka_unit_test(test_checkpoint_form),
    cmocka_unit_test(test_time_of_a_set),   cmocka_unit_test(test_set_rules), cmocka_unit_test(test_set_as_a_policy),       cmocka_unit_test(test_what_spoils_a_note),
    cmocka_unit_test(test_signed_but_refused), cmocka_unit_test(test_canonical),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
